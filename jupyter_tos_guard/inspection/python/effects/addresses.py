"""Addresses: calls that fetch, clone, connect, and what is sent over a connection."""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.python import library
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.carriers import widgets
from jupyter_tos_guard.inspection.python.effects.files import save
from jupyter_tos_guard.inspection.python.effects.processes import argv, decoded, node_of, shell
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Choice,
    Path,
    Stream,
    Symbol,
    Value,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator

_ADDRESS: Final = re.compile(r"\s*(?:[a-z][a-z0-9+.-]{1,20}://|git@|magnet:|www\.)\S*$", re.IGNORECASE)
_VERBS: Final = (
    "get post put head request fetch download retrieve urlopen open clone load read pull connect install "
    "snapshot stream from_url retrieval crawl goto visit send add_torrent add_magnet add_uri add run start "
    "serve launch forward create import source import_url wget curl unpack save copy submodule remote mirror "
    "sync scrape loads scan"
).split()
VERB: Final = re.compile(
    r"(?:^|_)(?:" + "|".join(_VERBS) + r")(?:$|_|\d)|url|clone|download|fetch|load|get|open|read|retrieve"
)
#: Functions that take addresses as things to show or to take apart.
SHOWING: Final = re.compile(
    r"(?:^|\.)(?:print|display|html|markdown|iframe|image|info|debug|warning|error|log|exception|critical|write_stream|"
    r"title|text|annotate|set_title|label|dataframe|series|array|append|add_argument|set|equal|assertequal|xlabel|"
    r"link|a|href|img|video|audio|parse|urlparse|match|search|compile|escape|quote|field|contains|split|Element)$",
    re.IGNORECASE,
)


def addresses(value: Value, depth: int = 3) -> list[str]:
    """Addresses that an argument holds."""
    if type(value) is str:
        return (
            [value.strip()]
            if len(value) < 8192 and _ADDRESS.match(value) and "\n" not in value.strip()
            else []
        )
    if type(value) is bytes and len(value) < 8192:
        return addresses(value.decode("utf-8", "replace"))
    if type(value) is Symbol and value.called and value.details is not None and depth:
        found: list[str] = []
        for each in (*value.details[0], *value.details[1].values()):
            found += addresses(each, depth - 1)
        return found
    if type(value) in (list, tuple) and depth and len(value) < 256:
        return [address for each in value for address in addresses(each, depth - 1)]
    if type(value) in library.FIELDS and hasattr(value, "geturl"):
        return addresses(value.geturl())
    return []


def fetch(self: Evaluator, address: str, *steps: str, cloned: bool = False) -> str:
    """Report an address that is fetched from."""
    from jupyter_tos_guard.inspection.shell import process

    origin = self.origin_of(self.node, *steps, *self.steps_of(address, node_of(self)))
    text = address if origin.provenance else ""
    return process.fetch(address, self.state, origin, cloned=cloned, text=text)


def _fetch(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Anything that fetches each address it is given."""
    if (
        symbol.name == "urllib.request.urlopen"
        and (data := _data_url(self, first_argument(arguments))) is not None
    ):
        return Stream("", "rb", data)
    found = [address for each in (*arguments, *keywords.values()) for address in addresses(each)]
    message = keywords.get("json")
    if type(message) is dict and found and "/api/kernels/" in found[0]:
        terminal_send(self, [message if "content" in message else {"content": message}])
    if not found and type(first_argument(arguments)) is str and arguments[0][:1] == "/" and symbol.details:
        # ClientSession("https://host").get("/path")
        base = symbol.details[1].get("base_url", first_argument(list(symbol.details[0])))
        found = [address.rstrip("/") + arguments[0] for address in addresses(base)[:1]]
    for address in found[:32]:
        fetch(self, address)
    if not found:
        text = self.text(first_argument(arguments, keywords.get("url", UNKNOWN)))
        if (
            text.replace(HOLE, "").strip()
            and "." in text
            and " " not in text
            and type(first_argument(arguments)) is str
        ):
            fetch(self, text)
    self.escape_all(arguments, keywords)
    return Symbol(symbol.name, True, (arguments, keywords))


def _data_url(self: Evaluator, address: Value) -> bytes | None:
    """Content of ``data:text/plain;base64,…``: an address that holds what it leads to."""
    if type(address) is Symbol and address.name == "urllib.request.Request" and address.details:
        address = first_argument(address.details[0])
    if type(address) is not str or address[:5].lower() != "data:" or HOLE in address:
        return None
    head, _, body = address[5:].partition(",")
    made = library.pure(self, "urllib.parse.unquote_to_bytes", [body], {})
    if head.rstrip().endswith(";base64"):
        made = library.pure(self, "base64.b64decode", [made], {})
    return made if type(made) is bytes else None


def _fetch_to(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Fetch an address into a file."""
    if (data := _data_url(self, first_argument(arguments))) is not None and len(arguments) > 1:
        save(self, self.text(arguments[1]), data)
        return (arguments[1], UNKNOWN)
    values = [*arguments, *keywords.values()]
    found = [address for each in values for address in addresses(each)]
    for address in found[:32]:
        fetch(self, address)
    target = None
    for name in (
        "filename",
        "out",
        "output",
        "dst",
        "destination",
        "fname",
        "path",
        "to",
        "local_path",
        "target",
        "file",
    ):
        if type(keywords.get(name)) in (str, Path):
            target = self.text(keywords[name])
    if target is None:
        for each in arguments[:3]:
            if type(each) in (str, Path) and not addresses(self.text(each)):
                target = self.text(each)
                break
    if found:
        target = target or posixpath.basename(found[0].partition("?")[0])
        save(self, target, None, found[0])
    if target is not None and symbol.name.endswith("urlretrieve"):
        return (target, UNKNOWN)
    return target if target is not None else Symbol(symbol.name, True, (arguments, keywords))


def _clone(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Clone a repository by a library: the same as by ``git``."""
    words = [self.text(each) for each in arguments if type(each) in (str, Path, Choice)]
    words += [
        self.text(keywords[name])
        for name in ("url", "source", "repo", "to_path", "target", "path")
        if name in keywords
    ]
    argv(self, ["git", "clone", *words[:2]])
    self.escape_all(arguments, keywords)
    return Symbol(symbol.name, True, (arguments, keywords))


def _load_model(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Report the file that a trained network is read from."""
    path = argument(arguments, keywords, 0, "name", "model_file", "path_or_bytes")
    if type(path) in (str, Path):
        self.emit(Kind.FILE, self.text(path).lower(), self.node, *self.steps_of(path))
    return Symbol(symbol.name, True, (arguments, keywords))


def _git_execute(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``repo.git.clone(...)``, ``git.cmd.Git().execute([...])``."""
    word = symbol.name.rpartition(".")[2]
    if word == "execute":
        argv(self, first_argument(arguments, []))
    else:
        argv(
            self, ["git", word.replace("_", "-"), *[each for each in arguments if type(each) in (str, Path)]]
        )
    return UNKNOWN


def _remote(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    found = [address for each in (*arguments, *keywords.values()) for address in addresses(each)]
    for address in found:
        argv(self, ["git", "pull", address])
    return Symbol(symbol.name, True, (arguments, keywords))


def hugging_face(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``snapshot_download(repo_id)``, ``from_pretrained(name)``."""
    name = self.text(
        argument(arguments, keywords, 0, "repo_id", "pretrained_model_name_or_path", "repo", "model", "path")
    )
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        kind = keywords.get("repo_type")
        prefix = {"space": "spaces/", "dataset": "datasets/"}.get(kind if type(kind) is str else "", "")
        if symbol.name.endswith("load_dataset"):
            prefix = "datasets/"
        self.emit(Kind.PACKAGE, f"huggingface:{name.lower()}", self.node)
        fetch(self, f"https://huggingface.co/{prefix}{name}", cloned=True)
    else:
        for address in addresses(name):
            fetch(self, address)
    self.escape_all(arguments, keywords)
    return Symbol(symbol.name, True, (arguments, keywords))


def _torch_hub(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    name = self.text(argument(arguments, keywords, 0, "repo_or_dir", "github"))
    if re.fullmatch(r"[\w.-]+/[\w.-]+(?::[\w./-]+)?", name) and keywords.get("source") != "local":
        fetch(self, f"https://github.com/{name.partition(':')[0]}", cloned=True)
    return Symbol(symbol.name, True, (arguments, keywords))


def _gdown(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if type(keywords.get("id")) is str:
        fetch(self, "https://drive.google.com/uc?id=" + keywords["id"])
    return _fetch_to(self, symbol, arguments, keywords)


def _http_request(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``http.client.HTTPSConnection(host).request(method, path)``."""
    host = self.text(symbol.details[0][0]) if symbol.details and symbol.details[0] else ""
    path = self.text(arguments[1]) if len(arguments) > 1 else "/"
    if host and HOLE not in host:
        scheme = "https" if "HTTPS" in symbol.name or "ssl" in symbol.name.lower() else "http"
        fetch(self, path if "://" in path else f"{scheme}://{host}{path}")
    return Symbol(symbol.name, True, ([f"https://{host}{path}"], {}))


def _connect(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Connect to a host and port."""
    target = argument(
        arguments, keywords, 0, "address", "host", "hostname", "ssh_address_or_host", "remote_host"
    )
    port: Value = None
    if type(target) in (list, tuple) and target:
        target, port = target[0], target[1] if len(target) > 1 else None
    elif len(arguments) > 1 and type(arguments[1]) is int:
        port = arguments[1]
    port = keywords.get("port", port)
    host = self.text(target) if target is not None else ""
    if host and HOLE not in host:
        scheme = (
            "ssh"
            if symbol.name.partition(".")[0] in ("paramiko", "asyncssh", "sshtunnel", "fabric")
            else "tcp"
        )
        number = f":{port}" if type(port) is int else ""
        self.emitted.add(f"connected {host}{number}")
        fetch(self, host if "://" in host else f"{scheme}://{host}{number}")
    self.escape_all(arguments, keywords)
    return Symbol(symbol.name, True, (arguments, keywords))


def source_of(value: Value) -> str:
    """Address that a fetched value came from."""
    found = addresses(value)
    return found[0] if found else ""


def result_attribute(self: Evaluator, symbol: Symbol, full: str, name: str) -> Value:
    """Attribute of what a library's call returned."""
    if (chosen := widgets.attribute(symbol, name)) is not None:
        return chosen
    return Symbol(full, True, symbol.details)


def _file_system(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``fsspec.filesystem("github", org=…, repo=…)``."""
    owner, name = keywords.get("org"), keywords.get("repo")
    if first_argument(arguments) == "github" and type(owner) is str and type(name) is str:
        fetch(self, f"https://github.com/{owner}/{name}", cloned=True)
    return Symbol(symbol.name, True, (arguments, keywords))


def _github_content(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``Github().get_repo(name).get_archive_link(…)``: what the repository holds is fetched."""
    name = self.text(first_argument(list(symbol.details[0]))) if symbol.details and symbol.details[0] else ""
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        fetch(self, f"https://github.com/{name}", cloned=True)
    return Symbol(symbol.name, True, (arguments, keywords))


def terminal_send(self: Evaluator, arguments: Arguments) -> bool:
    """Read a message to a terminal or kernel: ``["stdin", command]``, ``{"content": {"code": …}}``."""
    from jupyter_tos_guard.inspection.python import magics

    text = decoded(first_argument(arguments))
    if type(text) is str and 8 < len(text) < 1 << 16 and text.lstrip()[:1] in ("[", "{"):
        try:
            text = json.loads(text)
        except (ValueError, RecursionError):
            return False
    if type(text) in (list, tuple) and len(text) == 2 and text[0] == "stdin" and type(text[1]) is str:
        shell(self, text[1].rstrip("\r\n"), "terminal")
        return True
    content = text.get("content") if type(text) is dict else None
    if type(content) is dict and type(content.get("code")) is str:
        magics.run_nested(self, content["code"], ("kernel message",), fresh=True)
        return True
    return False


def protocol_send(self: Evaluator, symbol: Symbol, arguments: Arguments) -> bool:
    """Read what is sent through a socket: a request by hand, the first words of a mining pool's protocol."""
    text = decoded(first_argument(arguments))
    if type(text) is not str or not 8 < len(text) < 1 << 16:
        return False
    request = re.match(r"(?:GET|POST|HEAD) (\S{1,4000}) HTTP/", text)
    if request:
        host = re.search(r"(?im)^host:[ \t]*([\w.:-]{3,255})", text)
        if "://" in request.group(1):
            fetch(self, request.group(1))
        elif host:
            fetch(self, f"https://{host.group(1)}{request.group(1)}")
        return True
    if _POOL_WORDS.search(text):
        found = [each for each in self.emitted if each.startswith("connected ")]
        fetch(self, f"stratum+tcp://{found[-1][10:] if found else 'pool.invalid'}")
        return True
    return False


_POOL_WORDS: Final = re.compile(
    r"[\"']method[\"']\s*:\s*[\"'](?:mining\.|eth_submit|eth_getWork|login[\"'].{0,400}agent)"
)
_FETCHES: Final = (
    "requests.get requests.post requests.put requests.head requests.request requests.Session.get "
    "requests.session.get requests.Session.post requests.Session.request requests.session.post "
    "urllib.request.urlopen httpx.get httpx.post httpx.stream httpx.Client.get httpx.AsyncClient.get "
    "aiohttp.ClientSession.get aiohttp.request urllib3.request urllib3.PoolManager.request "
    "urllib3.PoolManager.urlopen urllib.request.build_opener.open smart_open.open fsspec.open "
    "urllib.request.URLopener.open urllib.request.FancyURLopener.open websocket.create_connection "
    "websockets.connect websocket.WebSocketApp websocket.WebSocket.connect pyodide.http.pyfetch js.fetch "
    "pyodide.http.open_url libtorrent.add_magnet_uri libtorrent.parse_magnet_uri "
    "libtorrent.session.add_torrent webbrowser.open aria2p.API.add_magnet aria2p.API.add "
    "requests_html.HTMLSession.get cloudscraper.create_scraper.get"
)
_FETCHES_TO: Final = (
    "urllib.request.urlretrieve wget.download pooch.retrieve torch.hub.download_url_to_file "
    "torch.hub.load_state_dict_from_url torchvision.datasets.utils.download_url "
    "torchvision.datasets.utils.download_and_extract_archive tensorflow.keras.utils.get_file "
    "keras.utils.get_file keras.utils.data_utils.get_file urllib.request.URLopener.retrieve "
    "urllib.request.FancyURLopener.retrieve fastai.data.external.untar_data fastcore.net.urlsave "
    "fastdownload.download_url skimage.data._fetchers.download fsspec.filesystem.get shutil.download "
    "basicsr.utils.download_util.load_file_from_url pySmartDL.SmartDL homura.download "
    "mxnet.gluon.utils.download kaggle.download aria2p.API.add_uris"
)
_CLONES: Final = (
    "git.Repo.clone_from git.repo.base.Repo.clone_from git.Git.clone git.cmd.Git.clone "
    "dulwich.porcelain.clone pygit2.clone_repository huggingface_hub.Repository git.Repo.clone "
    "git.repo.Repo.clone_from porcelain.clone dulwich.client.get_transport_and_path"
)
_CONNECTS: Final = (
    "socket.create_connection socket.socket.connect socket.socket.connect_ex asyncio.open_connection "
    "paramiko.SSHClient.connect paramiko.client.SSHClient.connect paramiko.Transport asyncssh.connect "
    "asyncssh.create_connection sshtunnel.SSHTunnelForwarder sshtunnel.open_tunnel fabric.Connection "
    "smtplib.SMTP smtplib.SMTP_SSL ftplib.FTP ftplib.FTP_TLS telnetlib.Telnet netmiko.ConnectHandler "
    "asyncio.get_event_loop.create_connection ssl.SSLContext.wrap_socket.connect"
)
HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(_FETCHES.split(), _fetch),
    **dict.fromkeys(_FETCHES_TO.split(), _fetch_to),
    **dict.fromkeys(_CLONES.split(), _clone),
    "gdown.download": _gdown,
    "gdown.download_folder": _gdown,
    "gdown.cached_download": _gdown,
    "git.Git.execute": _git_execute,
    "git.cmd.Git.execute": _git_execute,
    "git.Repo.git.clone": _git_execute,
    "git.Repo.git.pull": _git_execute,
    "git.Repo.git.fetch": _git_execute,
    "git.Repo.init.create_remote": _remote,
    "git.Repo.create_remote": _remote,
    "git.Repo.init.git.pull": _git_execute,
    "git.Repo.init.git.fetch": _git_execute,
    "git.Repo.init.git.remote": _git_execute,
    **dict.fromkeys(
        "huggingface_hub.snapshot_download huggingface_hub.hf_hub_download "
        "huggingface_hub.cached_download huggingface_hub.HfApi.snapshot_download "
        "huggingface_hub.HfApi.hf_hub_download datasets.load_dataset "
        "diffusers.DiffusionPipeline.from_pretrained modelscope.snapshot_download "
        "modelscope.hub.snapshot_download.snapshot_download".split(),
        hugging_face,
    ),
    "torch.hub.load": _torch_hub,
    "torch.hub.list": _torch_hub,
    "insightface.model_zoo.get_model": _load_model,
    "insightface.model_zoo.model_zoo.get_model": _load_model,
    "onnxruntime.InferenceSession": _load_model,
    "http.client.HTTPSConnection.request": _http_request,
    "http.client.HTTPConnection.request": _http_request,
    "httplib.HTTPSConnection.request": _http_request,
    **dict.fromkeys(_CONNECTS.split(), _connect),
    "fsspec.filesystem": _file_system,
    **dict.fromkeys(
        [
            f"github.Github.get_repo.{word}"
            for word in "get_archive_link get_contents get_dir_contents get_readme get_latest_release "
            "get_releases get_git_tree".split()
        ],
        _github_content,
    ),
}
