"""What library calls do to the world: processes, fetches, files, installs, IPython's shell, other kernels.

Programs and shell texts go to :mod:`.interpreter`, addresses to :mod:`.process`. The
handlers take the evaluator, the symbol that is called, and its arguments.
"""

from __future__ import annotations

import ast
import itertools
import json
import posixpath
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.python import library, methods, reflection
from jupyter_tos_guard.inspection.python.carriers import settings, tables
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Array,
    Bound,
    Choice,
    Class,
    Code,
    Function,
    Generator,
    Instance,
    Lines,
    Namespace,
    Native,
    Partial,
    Path,
    Process,
    Stream,
    Symbol,
    Value,
    either,
)
from jupyter_tos_guard.inspection.state import File

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator

Arguments = list[Value]
Keywords = dict[str, Value]


def _first(arguments: Arguments, default: Value = UNKNOWN) -> Value:
    return arguments[0] if arguments else default


def _given(arguments: Arguments, keywords: Keywords, index: int, *names: str) -> Value:
    """Argument by position or name, None if it is not given."""
    if index < len(arguments):
        return arguments[index]
    for name in names:
        if name in keywords:
            return keywords[name]
    return None


# -- processes ---------------------------------------------------------------------------------------


def shell(self: Evaluator, text: Value, *steps: str, stdin: str | None = None) -> str:
    """Give a text to a shell; what it prints as far as known."""
    from jupyter_tos_guard.inspection.shell.interpreter import run_shell

    if type(text) in (bytes, bytearray):
        made = bytes(text)
        text = made.rstrip(b"\0").decode("utf-8", "replace")
        self.note(text, "", made)
    if type(text) in (list, tuple, Lines):
        return shell(self, text[0], *steps) if len(text) == 1 else argv(self, text, *steps)
    if is_fetched(text):
        self.opaque("download-run", self.node, *steps)
        return HOLE
    if type(text) is Symbol and text.called and text.details is not None:
        for command in _commands_within(self, text):
            shell(self, command, *steps, f"parsed by {text.name.partition('.')[0]}")
    made_text = self.text(text)
    if not made_text.replace(HOLE, "").strip():
        if made_text:
            self.opaque("unresolved-command", self.node, *steps)
        return HOLE
    origin = self.origin_of(self.node, *steps, *self.steps_of(made_text, _node_of(self)))
    return run_shell(made_text, self.state, origin)


def _commands_within(self: Evaluator, symbol: Symbol) -> list[str]:
    """Find shell commands in the text a library's parser was given: its result may be any part of it."""
    found: list[str] = []
    given = [*symbol.details[0], *symbol.details[1].values()]
    given += [part for each in given if type(each) in (list, tuple) for part in each[:64]]
    for each in given:
        content = each.content if type(each) is Stream else _decoded(each)
        if type(content) is not str or len(content) > 1 << 14:
            continue
        for match in _WITHIN.finditer(content):
            if match.group(1) in _PROGRAMS and len(found) < 16:
                found.append(match.group().strip())
    return found


def absorb(symbol: Symbol, values: Sequence[Value]) -> list[str]:
    """Let a library's object keep the commands that it is given: what it answers later may be one of them."""
    kept: list[str] = []
    for value in values:
        for each in value[:64] if type(value) in (list, tuple) else [value]:
            each = _decoded(each)
            if type(each) is not str or not 6 < len(each) < 1 << 14:
                continue
            if any(match.group(1) in _PROGRAMS for match in itertools.islice(_WITHIN.finditer(each), 16)):
                kept.append(each)
    if kept and symbol.called and symbol.details is not None and len(symbol.details[0]) < 32:
        symbol.details[0].extend(kept)
    return kept


#: A word and what follows it, up to what ends a value in YAML, TOML, XML, CSV and their kin.
_WITHIN: Final = re.compile(r"(?<![\w./-])([\w.-]{2,24}) [^\n\"'<>;|]{3,400}")


def _node_of(self: Evaluator) -> ast.AST | None:
    node = self.node
    return node.args[0] if type(node) is ast.Call and node.args else None


def argv(self: Evaluator, words: Value, *steps: str, stdin: str | None = None) -> str:
    """Run one program with separate arguments."""
    from jupyter_tos_guard.inspection.shell.interpreter import run_argv

    given = [self.text(_decoded(each)) for each in self.items(words)]
    if not given or not given[0].replace(HOLE, ""):
        self.opaque("unresolved-command", self.node, *steps)
        if len(given) < 2:
            return HOLE
    extra: tuple[str, ...] = ()
    for each in given:
        if each in self.session.trace:
            extra = self.session.trace[each]
            break
    origin = self.origin_of(self.node, *steps, *self.steps_of(None, _node_of(self)), *extra)
    return run_argv(given, self.state, origin, stdin=stdin)


def _decoded(value: Value) -> Value:
    return value.decode("utf-8", "replace") if type(value) in (bytes, bytearray) else value


def _subprocess(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``subprocess.run`` and its kin."""
    command = _given(arguments, keywords, 0, "args", "cmd", "command")
    if command is None:
        return UNKNOWN
    given = keywords.get("input")
    if given is None and type(keywords.get("stdin")) is Stream:
        given = library.stream_read(keywords["stdin"])
    stdin = self.text(_decoded(given)) if given is not None else None
    cwd = keywords.get("cwd")
    outer_cwd, outer_environ = self.state.cwd, self.state.environ
    if type(cwd) in (str, Path):
        self.state.cwd = resolve(self.text(cwd), outer_cwd)
    if type(keywords.get("env")) is dict:
        self.state.environ = {
            **outer_environ,
            **{self.text(key): self.text(each) for key, each in keywords["env"].items()},
        }
    program = ""
    try:
        if type(command) in (list, tuple, Lines, Generator):
            words = self.items(command)
            program = posixpath.basename(self.text(_decoded(words[0]))) if words else ""
            if self.truth(keywords.get("shell", False)):
                output = shell(self, words[0] if words else "")
            else:
                executable = keywords.get("executable")
                if type(executable) in (str, Path):
                    words = [executable, *words[1:]]
                output = argv(self, words, stdin=stdin)
        else:
            program = self.text(_decoded(command)).split(" ")[0]
            if stdin is not None and not self.truth(keywords.get("shell", False)):
                output = argv(self, [command], stdin=stdin)
            elif stdin is not None:
                output = argv(self, ["sh", "-c", command], stdin=stdin)
            else:
                output = shell(self, command)
    finally:
        self.state.cwd, self.state.environ = outer_cwd, outer_environ
    text = any(self.truth(keywords.get(name)) for name in ("text", "universal_newlines", "encoding"))
    word = symbol.name.rpartition(".")[2]
    known = output if HOLE not in output else ""
    if word == "check_output":
        return _output(known, text)
    if word in ("getoutput",):
        return known.rstrip("\n") or UNKNOWN
    if word == "getstatusoutput":
        return (UNKNOWN, known.rstrip("\n") or UNKNOWN)
    if word in ("call", "check_call"):
        return UNKNOWN
    return Process(known, text, program)


def _output(text: str, as_text: bool) -> Value:
    if not text:
        return UNKNOWN
    return text if as_text else text.encode("utf-8", "replace")


def _system(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """One text for a shell."""
    command = _given(arguments, keywords, 0, "cmd", "command", "args")
    if command is None:
        return UNKNOWN
    output = shell(self, command)
    word = symbol.name.rpartition(".")[2]
    if word in ("popen", "spawn", "run", "create_subprocess_shell"):
        return Process(output if HOLE not in output else "", True, self.text(command).split(" ")[0])
    if word in ("getoutput", "getoutputs", "getoutput_pexpect"):
        return Lines(output.splitlines()) if output and HOLE not in output else UNKNOWN
    return UNKNOWN


def _spawn_words(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``exec*``/``spawn*`` of ``os``: the program, then its arguments, as a list or one by one."""
    word = symbol.name.rpartition(".")[2]
    if word.startswith("spawn"):
        arguments = arguments[1:]
    if not arguments:
        return UNKNOWN
    program = arguments[0]
    if "l" in word.replace("spawnl", "execl")[4:6]:
        words = arguments[1:-1] if word.endswith("e") else arguments[1:]
    else:
        words = self.items(arguments[1]) if len(arguments) > 1 else []
        if len(arguments) > 2 and type(arguments[2]) is dict:
            self.state.environ.update({self.text(k): self.text(v) for k, v in arguments[2].items()})
    argv(self, [program, *words[1:]])
    return UNKNOWN


def _posix_spawn(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    words = self.items(_given(arguments, keywords, 1, "argv") or [])
    argv(self, [_first(arguments, keywords.get("path", UNKNOWN)), *words[1:]])
    return UNKNOWN


def _spawn_pieces(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Run a program given with its arguments as separate arguments, or as one list."""
    words: list[Value] = []
    if symbol.name.endswith("subprocess_exec") and "create_" not in symbol.name:
        arguments = arguments[1:]
    if symbol.name.endswith("subprocess_shell"):
        return Process(shell(self, arguments[1]) if len(arguments) > 1 else "")
    for each in arguments:
        if type(each) in (list, tuple):
            words += each
        else:
            words.append(each)
    return Process(argv(self, words), True, self.text(words[0]) if words else "")


def _pexpect(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    command = _given(arguments, keywords, 0, "command", "argv", "cmd")
    extra = _given(arguments, keywords, 1, "args")
    if type(command) in (list, tuple):
        return Process(argv(self, command), True, self.text(_first(list(command))))
    if type(extra) in (list, tuple) and extra:
        return Process(argv(self, [command, *extra]), True, self.text(command))
    output = shell(self, command)
    return Process(output if HOLE not in output else "", True, self.text(command).split(" ")[0])


def _fork_exec(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    argv(self, _first(arguments, []))
    return UNKNOWN


def feed(self: Evaluator, process: Process, text: Value) -> None:
    """Write to a process's standard input: a command if a shell reads it."""
    given = self.text(_decoded(text))
    name = posixpath.basename(process.shell)
    if name in _READERS:
        process.stdin = (process.stdin + given)[-65536:]
        argv(self, [name], stdin=given)


_READERS: Final = frozenset(
    "bash sh zsh dash ksh fish python python3 ash busybox perl ruby node xargs parallel at batch crontab ssh "
    "tmux screen".split()
)


def _libc(self: Evaluator, name: str, arguments: Arguments) -> Value:
    """Call a C function by ``ctypes`` or ``cffi``."""
    word = name.rpartition(".")[2]
    text = [
        each for each in (_c_value(each) for each in arguments) if type(each) in (str, bytes, list, tuple)
    ]
    if word in ("system", "popen") and text:
        shell(self, text[0], "ctypes")
    elif word.startswith(("exec", "posix_spawn")) and text:
        words = text[-1] if type(text[-1]) in (list, tuple) else text[1:]
        argv(self, words, "ctypes")
    elif word.startswith("PyRun_") and text:
        reflection.run(self, text[0], "exec", None, None, "ctypes")
    return UNKNOWN


def _c_value(value: Value) -> Value:
    if type(value) is Symbol and value.details and value.details[0]:
        return value.details[0][-1] if value.name.endswith("new") else value.details[0][0]
    return value


# -- addresses ---------------------------------------------------------------------------------------

_ADDRESS: Final = re.compile(r"\s*(?:[a-z][a-z0-9+.-]{1,20}://|git@|magnet:|www\.)\S*$", re.IGNORECASE)
_VERBS: Final = (
    "get post put head request fetch download retrieve urlopen open clone load read pull connect install "
    "snapshot stream from_url retrieval crawl goto visit send add_torrent add_magnet add_uri add run start "
    "serve launch forward create import source import_url wget curl unpack save copy submodule remote mirror "
    "sync scrape loads scan"
).split()
_VERB: Final = re.compile(
    r"(?:^|_)(?:" + "|".join(_VERBS) + r")(?:$|_|\d)|url|clone|download|fetch|load|get|open|read|retrieve"
)
#: Functions that take addresses as things to show or to take apart.
_SHOWING: Final = re.compile(
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

    origin = self.origin_of(self.node, *steps, *self.steps_of(address, _node_of(self)))
    text = address if origin.provenance else ""
    return process.fetch(address, self.state, origin, cloned=cloned, text=text)


def _fetch(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Anything that fetches each address it is given."""
    if symbol.name == "urllib.request.urlopen" and (data := _data_url(self, _first(arguments))) is not None:
        return Stream("", "rb", data)
    found = [address for each in (*arguments, *keywords.values()) for address in addresses(each)]
    message = keywords.get("json")
    if type(message) is dict and found and "/api/kernels/" in found[0]:
        _terminal_send(self, [message if "content" in message else {"content": message}])
    if not found and type(_first(arguments)) is str and arguments[0][:1] == "/" and symbol.details:
        # ClientSession("https://host").get("/path")
        base = symbol.details[1].get("base_url", _first(list(symbol.details[0])))
        found = [address.rstrip("/") + arguments[0] for address in addresses(base)[:1]]
    for address in found[:32]:
        fetch(self, address)
    if not found:
        text = self.text(_first(arguments, keywords.get("url", UNKNOWN)))
        if (
            text.replace(HOLE, "").strip()
            and "." in text
            and " " not in text
            and type(_first(arguments)) is str
        ):
            fetch(self, text)
    self.escape_all(arguments, keywords)
    return Symbol(symbol.name, True, (arguments, keywords))


def _data_url(self: Evaluator, address: Value) -> bytes | None:
    """Content of ``data:text/plain;base64,…``: an address that holds what it leads to."""
    if type(address) is Symbol and address.name == "urllib.request.Request" and address.details:
        address = _first(address.details[0])
    if type(address) is not str or address[:5].lower() != "data:" or HOLE in address:
        return None
    head, _, body = address[5:].partition(",")
    made = library.pure(self, "urllib.parse.unquote_to_bytes", [body], {})
    if head.rstrip().endswith(";base64"):
        made = library.pure(self, "base64.b64decode", [made], {})
    return made if type(made) is bytes else None


def _fetch_to(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Fetch an address into a file."""
    if (data := _data_url(self, _first(arguments))) is not None and len(arguments) > 1:
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
    path = _given(arguments, keywords, 0, "name", "model_file", "path_or_bytes")
    if type(path) in (str, Path):
        self.emit(Kind.FILE, self.text(path).lower(), self.node, *self.steps_of(path))
    return Symbol(symbol.name, True, (arguments, keywords))


def _git_execute(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``repo.git.clone(...)``, ``git.cmd.Git().execute([...])``."""
    word = symbol.name.rpartition(".")[2]
    if word == "execute":
        argv(self, _first(arguments, []))
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


def _hugging_face(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    name = self.text(
        _given(arguments, keywords, 0, "repo_id", "pretrained_model_name_or_path", "repo", "model", "path")
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
    name = self.text(_given(arguments, keywords, 0, "repo_or_dir", "github"))
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
    target = _given(
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


def is_fetched(value: Value) -> bool:
    """Whether ``value`` came from the network."""
    if type(value) is not Symbol or not value.called:
        return False
    root = value.name.partition(".")[0]
    if root in _NETWORK:
        return True
    if value.details is not None:
        return any(is_fetched(each) for each in value.details[0])
    return False


_NETWORK: Final = frozenset(
    "requests urllib urllib2 urllib3 httpx aiohttp http wget pycurl socket ftplib websocket websockets treq "
    "grequests cloudscraper curl_cffi mechanize requests_html niquests smart_open fsspec pyodide js gdown "
    "pooch telnetlib".split()
)


def source_of(value: Value) -> str:
    """Address that a fetched value came from."""
    found = addresses(value)
    return found[0] if found else ""


def result_attribute(self: Evaluator, symbol: Symbol, full: str, name: str) -> Value:
    """Attribute of what a library's call returned."""
    if name == "value" and symbol.name.startswith("ipywidgets."):
        return settings.widget_value(symbol)
    if symbol.name in tables.TABLES and (column := tables.column(self, symbol, name)) is not None:
        return column
    return Symbol(full, True, symbol.details)


# -- files -------------------------------------------------------------------------------------------


def save(
    self: Evaluator, path: str, content: str | bytes | None, source: str = "", append: bool = False
) -> None:
    """Write a file."""
    from jupyter_tos_guard.inspection.shell import process

    if HOLE in path:
        # The folder is not known, the name may be: sitecustomize.py in whatever site-packages.
        name = path.rpartition("/")[2]
        if not name or HOLE in name:
            return
        path = name if path.startswith(HOLE) else path
    text = content.decode("utf-8", "surrogateescape") if type(content) is bytes else content
    assert text is None or isinstance(text, str)
    process.write_file(path, text, self.state, self.origin_of(self.node), append=append, source=source)
    key = resolve(path, self.state.cwd)
    written = self.state.files.get(key)
    if type(content) is bytes and written is not None and not append:
        written.content = content


def _open(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``open``."""
    from jupyter_tos_guard.inspection.shell import process

    target = _given(arguments, keywords, 0, "file", "path", "filename", "name")
    mode = _given(arguments, keywords, 1, "mode") or "r"
    if type(mode) is not str:
        mode = "r"
    path = self.text(target) if target is not None else HOLE
    file = process.find_file(path, self.state) if HOLE not in path else None
    if "w" in mode or "x" in mode:
        if path and HOLE not in path and not self.cold:
            self.emit(Kind.FILE, path.lower(), self.node)
        return Stream(path, mode, b"" if "b" in mode else "")
    if "a" in mode:
        content = (
            file.content if file is not None and file.content is not None else (b"" if "b" in mode else "")
        )
        stream = Stream(path, mode, content)
        stream.position = len(content)
        return stream
    if file is None:
        return Stream(path, mode, None)
    stream = Stream(path, mode, file.content, file.source)
    if file.content is None and file.source:
        return Symbol("urllib.request.urlopen", True, ([file.source], {}))
    return stream


def _memory(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``io.StringIO`` and ``io.BytesIO``."""
    value = _first(arguments, b"" if symbol.name.endswith("BytesIO") else "")
    if type(value) in (str, bytes, bytearray):
        content = bytes(value) if type(value) is bytearray else value
        return Stream("", "w+b" if type(content) is bytes else "w+", content)
    if type(value) is Symbol:
        return value
    return Stream("", "w+", None)


def _compressed_open(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``gzip.open``, ``gzip.GzipFile(fileobj=…)`` and their kin."""
    source = keywords.get("fileobj", _first(arguments))
    if type(source) in (str, Path):
        source = _open(self, symbol, [source, "rb"], {})
    mode = _given(arguments, keywords, 1, "mode") or "rb"
    if type(mode) is str and "w" in mode:
        return Stream("", "wb", b"")
    data = library.stream_read(source) if type(source) is Stream else source
    if type(data) is bytes:
        try:
            made = library.inflate(self, symbol.name.partition(".")[0], data)
        except Exception:
            return Stream("", "rb", None)
        self.note(made, symbol.name.partition(".")[0], data)
        return Stream("", mode if type(mode) is str else "rb", made)
    return source if type(source) is Symbol else Stream("", "rb", None)


def _dump(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``json.dump(value, file)`` and its kin."""
    if len(arguments) > 1:
        text = HOLE
        if symbol.name.startswith("json"):
            text = self.text(library.pure(self, "json.dumps", [_as_plain(arguments[0])], {}))
        stream = arguments[1]
        if type(stream) is Stream:
            methods.write(self, stream, text)
        elif type(stream) in (str, Path):
            save(self, self.text(stream), text)
    return None


def _load(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``json.load(file)``."""
    stream = _first(arguments)
    data = library.stream_read(stream) if type(stream) is Stream else UNKNOWN
    if type(data) in (str, bytes):
        return library.pure(self, "json.loads", [data], {})
    return data


def _as_plain(value: Value) -> Value:
    """Return a notebook or namespace as dictionaries."""
    if type(value) is Namespace:
        return {str(key): _as_plain(each) for key, each in value.attributes.items()}
    if type(value) in (list, tuple):
        return [_as_plain(each) for each in value]
    if type(value) is dict:
        return {key: _as_plain(each) for key, each in value.items()}
    return value


def _move(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Copy, move, link: what ``mv`` and its kin do."""
    word = symbol.name.rpartition(".")[2]
    program = {"copy": "cp", "copy2": "cp", "copyfile": "cp", "copytree": "cp", "move": "mv", "rename": "mv",
               "renames": "mv", "replace": "mv", "symlink": "ln", "link": "ln"}.get(word, "cp")  # fmt: skip
    options = ["-s"] if word == "symlink" else ["-r"] if word == "copytree" else []
    words = [self.text(each) for each in arguments[:2]]
    words += [self.text(keywords[name]) for name in ("src", "dst") if name in keywords]
    if len(words) == 2 and HOLE not in words[0]:
        argv(self, [program, *options, *words])
    return arguments[1] if len(arguments) > 1 else UNKNOWN


def _chmod(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    path = self.text(_first(arguments))
    mode = arguments[1] if len(arguments) > 1 else keywords.get("mode")
    if HOLE not in path and path:
        argv(self, ["chmod", format(mode, "o") if type(mode) is int else "+x", path])
    return None


def _remove(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    path = self.text(_first(arguments, keywords.get("path", UNKNOWN)))
    if HOLE not in path and path:
        argv(self, ["rm", "-rf", path])
    return None


def _chdir(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    path = self.text(_first(arguments))
    self.state.cwd = resolve(path, self.state.cwd) if HOLE not in path else ""
    return None


def _putenv(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if len(arguments) > 1:
        self.state.environ[self.text(arguments[0])] = self.text(arguments[1])
        report_variable(self, self.text(arguments[0]), self.text(arguments[1]))
    return None


def _environ_update(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    values = dict(arguments[0]) if arguments and type(arguments[0]) is dict else {}
    for key, each in {**values, **keywords}.items():
        self.state.environ[self.text(key)] = self.text(each)
        report_variable(self, self.text(key), self.text(each))
    return None


def load_dotenv(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``dotenv.load_dotenv(path)`` and ``dotenv_values``: lines ``NAME=value`` of a file."""
    from jupyter_tos_guard.inspection.shell import process

    path = self.text(_given(arguments, keywords, 0, "dotenv_path") or ".env")
    file = process.find_file(path, self.state)
    text = process.text_of(file.content) if file is not None and file.content else ""
    values: dict[Value, Value] = {}
    for line in text.splitlines()[:500]:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        value = value.strip()
        if equals and re.fullmatch(r"[\w.]+", name := name.strip()):
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
            values[name] = value[1:-1] if quoted else value.partition(" #")[0].rstrip()
    if symbol.name.endswith("dotenv_values"):
        return values
    _environ_update(self, symbol, [values], {})
    return True


def _getenv(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    name = self.text(_first(arguments))
    if name in self.state.environ:
        return self.state.environ[name]
    if len(arguments) > 1 and arguments[1] is not None:
        return either([arguments[1], UNKNOWN]) if type(arguments[1]) is not str else arguments[1]
    return UNKNOWN


def _environ_default(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if len(arguments) > 1 and self.text(arguments[0]) not in self.state.environ:
        _putenv(self, symbol, arguments, keywords)
    return _getenv(self, symbol, arguments[:1], keywords)


def _expand(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    text = self.text(_first(arguments))
    if symbol.name.endswith("expandvars"):
        environ = self.state.environ
        return re.sub(
            r"\$(?:(\w+)|\{(\w+)\})", lambda m: environ.get(m.group(1) or m.group(2), m.group()), text
        )
    return text


def _make_path(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if not arguments:
        return Path(".")
    return library.path_join([self.text(each) for each in arguments])


def _home(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    return Path("~" if symbol.name.endswith("home") else self.state.cwd or ".")


def _path_hole(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Return a path that only running would tell: a temporary file, the site folder."""
    word = symbol.name.rpartition(".")[2]
    suffix = self.text(keywords.get("suffix", "")) if keywords.get("suffix") is not None else ""
    key = f"/tmp/{HOLE}{len(self.state.files)}{suffix}".replace(HOLE, "tmp")  # noqa: S108 - a name, not a file
    if word in ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile"):
        mode = _given(arguments, keywords, 0, "mode")
        mode = mode if type(mode) is str else "w+b"
        return Stream(key, mode, b"" if "b" in mode else "")
    if word == "mkstemp":
        return (Stream(key, "w", ""), key)
    return HOLE if word.startswith(("getsite", "getusersite", "get_path")) else key


def _getcwd(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    return self.state.cwd or "."


def _os_open(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    path = self.text(_first(arguments))
    return Stream(path, "wb", b"")


def _memory_file(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``os.memfd_create``: a file that has a number only."""
    return Stream(f"/dev/fd/{100 + len(self.state.files)}", "wb", b"")


def _fd(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``os.write(fd, data)`` and ``os.fdopen(fd)``."""
    stream = _first(arguments)
    if type(stream) is Stream:
        if symbol.name.endswith("write") and len(arguments) > 1:
            methods.write(self, stream, arguments[1])
        elif symbol.name.endswith("fdopen"):
            return stream
        elif symbol.name.endswith("read"):
            return library.stream_read(stream)
    elif type(stream) is Process and len(arguments) > 1:
        feed(self, stream, arguments[1])
    return UNKNOWN


def _pipe(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``os.pipe()``: what is written at one end is read at the other."""
    stream = Stream("", "pipe", b"")
    return (stream, stream)


def path_method(self: Evaluator, path: Path, name: str, arguments: Arguments, keywords: Keywords) -> Value:
    """Call a method of a ``pathlib`` path."""
    text = path.text
    if name in ("write_text", "write_bytes"):
        data = _first(arguments, keywords.get("data", UNKNOWN))
        stream = Stream(text, "wb" if name == "write_bytes" else "w", b"" if name == "write_bytes" else "")
        methods.write(self, stream, data)
        return UNKNOWN
    if name in ("read_text", "read_bytes"):
        stream = _open(self, Symbol("builtins.open"), [text, "rb" if name == "read_bytes" else "r"], {})
        return library.stream_read(stream) if type(stream) is Stream else stream
    if name == "open":
        return _open(self, Symbol("builtins.open"), [text, *arguments], keywords)
    if name in ("expanduser", "resolve", "absolute", "as_posix", "__str__", "__fspath__"):
        return text if name in ("as_posix", "__str__", "__fspath__") else path
    if name in ("joinpath", "__truediv__"):
        return library.path_join([text, *[self.text(each) for each in arguments]])
    if name in (
        "with_name",
        "with_suffix",
        "with_stem",
        "rename",
        "replace",
        "symlink_to",
        "hardlink_to",
        "link_to",
    ):
        other = self.text(_first(arguments))
        if name in ("rename", "replace"):
            _move(self, Symbol("os.rename"), [text, other], {})
            return Path(other)
        if name.endswith("_to"):
            _move(self, Symbol("os.symlink"), [other, text], {})
            return None
        head, _, tail = text.rpartition("/")
        made = {"with_name": other, "with_suffix": tail.rpartition(".")[0] + other}.get(name, other)
        return Path(f"{head}/{made}" if head else made)
    if name == "chmod":
        return _chmod(self, Symbol("os.chmod"), [text, *arguments], keywords)
    if name in ("unlink", "rmdir"):
        return _remove(self, Symbol("os.remove"), [text], {})
    if name in ("exists", "is_file", "is_dir", "stat", "samefile"):
        return UNKNOWN
    if name in ("glob", "rglob", "iterdir"):
        return [Path(f"{text}/{HOLE}")]
    if name in ("split", "startswith", "endswith", "format", "replace", "strip"):
        return self.call(self.attribute(text, name), arguments, keywords)
    if name == "mkdir" or name == "touch":
        return None
    return UNKNOWN


def _archive(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``zipfile.ZipFile`` and ``tarfile.open``: made in memory, known, or a file of the session's."""
    from jupyter_tos_guard.inspection.python import decoding

    source = keywords.get("fileobj", _given(arguments, keywords, 0, "file", "name"))
    mode = _given(arguments, keywords, 1, "mode") or "r"
    if type(source) in (str, Path):
        name = self.text(source)
        if type(mode) is str and "w" in mode:
            source = Stream(name, "wb", b"")
        else:
            opened = _open(self, Symbol("builtins.open"), [name, "rb"], {})
            source = opened
    if type(source) is Stream and source.content is not None:
        return decoding.archive(
            self, source, mode if type(mode) is str else "r", symbol.name.startswith("tarfile")
        )
    return Symbol(symbol.name, True, (arguments, keywords))


def _unpack(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``shutil.unpack_archive(file, folder)``; ``.extractall(folder, pwd=…)`` of an unknown archive."""
    from jupyter_tos_guard.inspection.shell import process

    if symbol.details and symbol.details[0]:
        name, folder = (
            self.text(symbol.details[0][0]),
            self.text(_given(arguments, keywords, 0, "path") or "."),
        )
        if keywords.get("pwd") is not None or (len(arguments) > 2 and arguments[2] is not None):
            self.opaque("encrypted-archive", self.node)
            self.state.files[resolve(folder, self.state.cwd)] = File(None, "encrypted-archive")
            return None
    else:
        name = self.text(_first(arguments))
        folder = self.text(_given(arguments, keywords, 1, "extract_dir") or ".")
    file = process.find_file(name, self.state)
    if file is not None and file.source and HOLE not in folder:
        self.state.files[resolve(folder, self.state.cwd)] = File(None, file.source)
    return None


# -- modules of the session's own ------------------------------------------------------------------------


def own_module(self: Evaluator, name: str, node: ast.AST | None) -> Value | None:
    """Run and return a module that the session wrote to a file; None if it wrote none of that name."""
    known = self.session.modules.get(name)
    patched = self.session.patched.get(f"sys.modules.{name}")
    if patched is not None:
        return patched
    files = self.state.files
    if not files:
        return known
    tail = name.replace(".", "/")
    for path, file in list(files.items())[:2000]:
        if path.endswith((f"{tail}.py", f"{tail}/__init__.py")) and (
            path in (f"{tail}.py", f"{tail}/__init__.py")
            or path[: -len(tail) - 3].endswith("/")
            or "__init__" in path
        ):
            return _load_module(self, name, path, file, node)
        if file.content is None and file.source and (path == tail or path.endswith("/" + tail)):
            # A package out of a fetched folder.
            _from_source(self, file.source, path, node)
            return None
    return known


def _reload(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``importlib.reload(module)``: its file may be another by now."""
    module = _first(arguments)
    name = self.text(module.attributes.get("__name__", "")) if type(module) is Namespace else ""
    return (own_module(self, name, self.node) if name else None) or module


def _from_source(self: Evaluator, source: str, path: str, node: ast.AST | None) -> None:
    from jupyter_tos_guard.inspection.shell import process

    process.emit_source(source, self.state, self.origin_of(node), path)


def _load_module(self: Evaluator, name: str, path: str, file: File, node: ast.AST | None) -> Value:
    module = Namespace(name, {"__name__": name})
    self.emit(Kind.FILE, path.lower(), node)
    if file.source:
        _from_source(self, file.source, path, node)
    if file.content is None:
        self.opaque("download-run", node, f"file {path}")
        return module
    self.session.modules[name] = module
    outer, self.node = self.node, node
    try:
        text = file.content if isinstance(file.content, str) else reflection._decode(file.content)
        module.attributes["__name__"] = name
        own = path.endswith("__init__.py")
        module.attributes["__package__"] = name if own else name.rpartition(".")[0]
        self.run_text(text, ("import", f"file {path}"), node, module.attributes)
    finally:
        self.node = outer
    return module


def _run_path(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``runpy.run_path`` and its kin."""
    path = self.text(_first(arguments, keywords.get("path_name", UNKNOWN)))
    return run_file(self, path, [])


def run_file(
    self: Evaluator, path: str, words: Sequence[str], names: dict[str, Value] | None = None
) -> Value:
    """Run a Python file, in ``names`` if it shares them."""
    from jupyter_tos_guard.inspection.shell import process

    if HOLE in path:
        self.opaque("exec-unknown", self.node, "run")
        return UNKNOWN
    file = process.find_file(path, self.state)
    argv(self, ["python", path, *words])
    made = names if names is not None else {}
    if (file is not None and file.content is not None and path.endswith((".py", ".ipy", ".txt"))) or (
        file is not None and file.content is not None and "." not in posixpath.basename(path)
    ):
        text = file.content if isinstance(file.content, str) else reflection._decode(file.content)
        before = len(self.state.facts)
        self.run_text(text, (f"file {path}",), self.node, made, ipython=path.endswith(".ipy"))
        seen = {(fact.kind, fact.value) for fact in self.state.facts[:before]}
        self.state.facts[before:] = [f for f in self.state.facts[before:] if (f.kind, f.value) not in seen]
    return made


def _run_module(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``runpy.run_module(name)`` with what ``sys.argv`` holds."""
    name = self.text(_first(arguments, keywords.get("mod_name", UNKNOWN)))
    own = own_module(self, name, self.node)
    if own is not None:
        return own.attributes if type(own) is Namespace else UNKNOWN
    given = self.session.patched.get("sys.argv")
    words = [self.text(each) for each in given[1:]] if type(given) is list else []
    argv(self, ["python", "-m", name, *words])
    return UNKNOWN


def run_tests(self: Evaluator, names: dict[str, Value]) -> None:
    """Call what a test runner calls: functions by their names, methods of test classes."""
    for name, value in list(names.items())[:500]:
        if type(value) is Function and _TEST.match(name):
            # A test's parameters are the results of functions that are so named.
            given = [names.get(each.arg, UNKNOWN) for each in value.node.args.args]
            self.call(value, [self.call(each, []) if type(each) is Function else UNKNOWN for each in given])
        elif type(value) is Class and (
            name.startswith("Test")
            or any(type(each) is Symbol and "TestCase" in each.name for each in value.lineage())
        ):
            receiver = Instance(value)
            members = [each for each in value.namespace.items() if type(each[1]) is Function]
            for word, member in sorted(members, key=lambda each: each[0].lower()[:5] != "setup"):
                if _TEST.match(word):
                    self.call(Bound(member, receiver), [])


_TEST: Final = re.compile(r"test|pytest_|[sS]et_?[uU]p|[tT]ear_?[dD]own")


def _run_own_tests(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``unittest.main()`` and its kin: the tests of the module that calls it."""
    run_tests(self, self.all_names() if self.frame.globals is self.state.names else self.frame.globals)
    return None


def _run_test_files(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``pytest.main(arguments)``."""
    words = _given(arguments, keywords, 0, "args")
    argv(self, ["pytest", *(self.items(words) if type(words) in (list, tuple) else [])])
    return None


def _run_examples(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``doctest.testmod()``, ``doctest.run_docstring_examples(function, names)``."""
    from jupyter_tos_guard.inspection.shell import wrappers

    tested: list[Value] = list(arguments[:1])
    if symbol.name.endswith("testfile"):
        argv(self, ["python", "-m", "doctest", self.text(_first(arguments))])
        return UNKNOWN
    if not tested or symbol.name.endswith("testmod"):
        tested = [each for each in self.all_names().values() if type(each) in (Function, Class)]
    for each in tested[:200]:
        text = self.attribute(each, "__doc__")
        if type(text) is str and ">>>" in text:
            self.run_text(wrappers.examples_of(text), ("examples",), self.node)
    return UNKNOWN


def _argument_words(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``session.run("git", "clone", address)``, ``session.install("name")`` of nox."""
    words = [self.text(each) for each in arguments]
    if symbol.name.endswith("install"):
        words = ["conda" if "conda" in symbol.name else "pip", "install", *words]
    if words:
        argv(self, words)
    return UNKNOWN


def _load_source(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``SourceFileLoader(name, path)`` and ``spec_from_file_location``: a module from a path."""
    path = self.text(_given(arguments, keywords, 1, "path", "location", "pathname"))
    name = self.text(_first(arguments, ""))
    from jupyter_tos_guard.inspection.shell import process

    file = process.find_file(path, self.state)
    node = self.node

    def load(given: Arguments, named: Keywords) -> Value:
        evaluator = self.current()
        if file is None:
            return UNKNOWN
        module = _load_module(
            evaluator, name, resolve(path, evaluator.state.cwd), file, evaluator.node or node
        )
        target = given[0] if given else None
        if type(target) is Namespace and type(module) is Namespace:
            target.attributes.update(module.attributes)
        return module

    if symbol.name.endswith("load_source"):
        return load([], {})
    loader = Namespace(
        "loader", {"load_module": Native(load), "exec_module": Native(load), "get_code": Native(load)}
    )
    return Namespace("spec", {**loader.attributes, "loader": loader, "name": name})


def _module_from_spec(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if type(_first(arguments)) is Symbol:
        return arguments[0]  # importlib.util.find_spec("os")
    return Namespace("module", {})


# -- installing ------------------------------------------------------------------------------------------


def _pip(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``pip`` and ``conda`` called as functions."""
    words = self.items(arguments[0]) if arguments and type(arguments[0]) in (list, tuple) else list(arguments)
    if not words:
        given = self.session.patched.get("sys.argv")
        words = list(given[1:]) if type(given) is list else []
    root = symbol.name.partition(".")[0]
    if root in ("micropip", "piplite", "setuptools", "easy_install", "pyodide_js"):
        words = ["install", *words]
    argv(self, ["conda" if root == "conda" else "pip", *words])
    return UNKNOWN


# -- programs out of data --------------------------------------------------------------------------------


def _unpickle(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import decoding

    data = _given(arguments, keywords, 0, "data", "file", "f", "filename")
    path = data.path if type(data) is Stream else self.text(data) if type(data) in (str, Path) else ""
    kept = self.session.patched.get(f"pickled {path}") if path else None
    if type(kept) is decoding.Pickled:
        return decoding.restore(self, kept.value)
    if type(data) in (str, Path) and not symbol.name.endswith("loads"):
        data = _open(self, Symbol("builtins.open"), [data, "rb"], {})
    if type(data) is Stream:
        data = library.stream_read(data)
    if type(data) in (bytes, bytearray):
        return decoding.unpickle(self, bytes(data))
    if type(data) is decoding.Pickled:
        return decoding.restore(self, data.value)
    if is_fetched(data):
        self.opaque("pickle-unknown", self.node)
    return UNKNOWN


def _pickle(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import decoding

    made = decoding.Pickled(_first(arguments))
    stream = _given(arguments, keywords, 1, "file", "filename", "f")
    if type(stream) in (Stream, str, Path):
        path = stream.path if type(stream) is Stream else self.text(stream)
        if len(self.session.patched) < 256:
            self.session.patched[f"pickled {path}"] = made
        return None
    return made


def _run_statement(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``timeit.timeit(text)``, ``cProfile.run(text)``: text or a function that is run."""
    setup = keywords.get("setup", arguments[1] if len(arguments) > 1 else None)
    for each in (setup, *arguments[:1], keywords.get("stmt"), keywords.get("statement"), *arguments[2:]):
        if type(each) is str and len(each) > 3:
            reflection.run(self, each, symbol.name.partition(".")[0])
    self.escape_all(arguments, keywords)
    return Symbol(symbol.name, True)


def _shelf(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``shelve.open(path)``: a dictionary that another cell finds again."""
    path = self.text(_first(arguments, keywords.get("filename", "")))
    kept = self.session.patched
    if len(kept) < 256:
        return kept.setdefault(f"shelf {path}", {})
    return {}


def _pager(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``pydoc.pipepager(text, command)``."""
    command = _given(arguments, keywords, 1, "cmd")
    if type(command) is str:
        shell(self, command)
    return None


def _pty_fork(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``pty.fork()``: what is written to the terminal is most likely for a shell."""
    return (UNKNOWN, Process("", True, "bash"))


def _yaml_load(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``yaml.load`` with a loader that calls what the document names."""
    stream = _given(arguments, keywords, 0, "stream")
    text = _decoded(library.stream_read(stream) if type(stream) is Stream else stream)
    if type(text) is str and "!!python/" in text:
        from jupyter_tos_guard.inspection.python import sinks

        for match in _YAML_CALL.finditer(text[: 1 << 16]):
            given = [a or b or c.strip() for a, b, c in _YAML_TEXT.findall(match.group(2))]
            name = sinks.canonical(match.group(1))
            if given and name in HANDLERS:
                self.call(Symbol(name), given[:1] if name in _SYSTEM.split() else [given])
            elif given and name in sinks.HANDLERS:
                self.call(Symbol(name), list(given))
    return Symbol(symbol.name, True, (arguments, keywords))


_YAML_CALL: Final = re.compile(
    r"!!python/(?:object/apply|object/new):([\w.]+)\s*(?:args:)?\s*((?:\[[^\]]{0,4000}\]|[^!]{0,4000}))"
)
_YAML_TEXT: Final = re.compile(
    r"\"((?:[^\"\\]|\\.){1,2000})\"|'([^']{1,2000})'|(?:^|\n)\s*- ([^\n\"'\[]{2,2000})"
)


def _project_setup(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``setuptools.setup(install_requires=…)``: what installing the project installs."""
    needed = keywords.get("install_requires", keywords.get("requires"))
    words = needed.split() if type(needed) is str else self.items(needed) if needed is not None else []
    if words:
        argv(self, ["pip", "install", *words[:200]])
    return Symbol(symbol.name, True)


def _file_system(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``fsspec.filesystem("github", org=…, repo=…)``."""
    owner, name = keywords.get("org"), keywords.get("repo")
    if _first(arguments) == "github" and type(owner) is str and type(name) is str:
        fetch(self, f"https://github.com/{owner}/{name}", cloned=True)
    return Symbol(symbol.name, True, (arguments, keywords))


def _github_content(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``Github().get_repo(name).get_archive_link(…)``: what the repository holds is fetched."""
    name = self.text(_first(list(symbol.details[0]))) if symbol.details and symbol.details[0] else ""
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        fetch(self, f"https://github.com/{name}", cloned=True)
    return Symbol(symbol.name, True, (arguments, keywords))


def _r_code(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``rpy2.robjects.r(text)``, ``lupa``'s and others: a program of another language."""
    text = self.text(_first(arguments, ""))
    program = {"rpy2": "Rscript", "lupa": "lua", "js2py": "node", "execjs": "node", "oct2py": "octave"}.get(
        symbol.name.partition(".")[0], "Rscript"
    )
    if text.replace(HOLE, "").strip():
        argv(self, [program, "-"], stdin=text)
    return Symbol(symbol.name, True)


def _start_ipython(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``IPython.start_ipython(argv=["-c", code])``."""
    from jupyter_tos_guard.inspection.python import magics

    words = _given(arguments, keywords, 0, "argv")
    given = [self.text(each) for each in self.items(words)] if type(words) in (list, tuple) else []
    for option, code in itertools.pairwise(given):
        if option == "-c":
            magics.run_nested(self, code, ("ipython -c",), fresh=True)
    for word in given:
        if word.endswith((".py", ".ipy")):
            run_file(self, word, [])
    return UNKNOWN


def _find_magic(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``find_line_magic(name)``: the magic as a function."""
    return magic_function(symbol.name.rpartition(".")[2], self.text(_first(arguments)), self)


def magic_function(kind: str, name: str, self: Evaluator) -> Value:
    """Return a magic as a function, by its kind (``line`` or ``cell``) and name."""
    run_magic = _cell_magic if "cell" in kind else _line_magic
    method = "get_ipython.run_cell_magic" if "cell" in kind else "get_ipython.run_line_magic"
    return Native(
        lambda given, named: run_magic(self.current(), Symbol(method, True), [name, *(given or [""])], named)
    )


def _mock_patch(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``unittest.mock.patch("module.name")`` replaces what it names."""
    from jupyter_tos_guard.inspection.python import sinks

    target = _first(arguments, keywords.get("target", UNKNOWN))
    if type(target) is str and re.fullmatch(r"[\w.]{3,200}", target):
        sinks.emit_call(self, target, self.node)
    self.escape_all(arguments, keywords)
    return Symbol(symbol.name, True)


def _database(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``sqlite3.connect(path)``: a file that is opened to be written."""
    path = self.text(_given(arguments, keywords, 0, "database"))
    if HOLE not in path and ":memory:" not in path:
        self.emit(Kind.FILE, path.lower(), self.node)
    return Symbol(symbol.name, True, (arguments, keywords))


def report_variable(self: Evaluator, name: str, value: str) -> None:
    """Report that an environment variable of the guard's is set, as ``export`` in a shell is."""
    if "TOS" in name.upper() and "GUARD" in name.upper():
        self.emit(Kind.ARGUMENT, f"export {name}={value}", self.node)


def _csv_rows(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    lines = [self.text(each).rstrip("\r\n") for each in self.items(_first(arguments, []))]
    delimiter = keywords.get("delimiter", ",")
    if type(delimiter) is not str or len(delimiter) != 1:
        return UNKNOWN
    try:
        rows = list(library.stdlib("csv").reader(lines, delimiter=delimiter))
    except Exception:
        return UNKNOWN
    if symbol.name.endswith("DictReader") and rows:
        return [dict(zip(rows[0], row, strict=False)) for row in rows[1:]]
    return rows


def _unmarshal(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import decoding

    data = _first(arguments)
    if type(data) is Stream:
        data = library.stream_read(data)
    if type(data) is Code:
        return data
    if type(data) in (bytes, bytearray):
        return decoding.unmarshal(bytes(data))
    return UNKNOWN


def _write_rows(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``csv.writer(file)``."""
    stream = _first(arguments)
    delimiter, end = keywords.get("delimiter", ","), keywords.get("lineterminator", "\r\n")
    if type(stream) is not Stream:
        return Symbol(symbol.name, True)

    def write(rows: Sequence[Value]) -> None:
        now = self.current()
        for row in rows:
            methods.write(
                now, stream, now.text(delimiter).join(map(now.text, now.items(row))) + now.text(end)
            )

    return Namespace(
        "writer",
        {
            "writerow": Native(lambda given, named: write(given[:1])),
            "writerows": Native(lambda given, named: write(self.current().items(_first(given, [])))),
        },
    )


def _save_text(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``numpy.savetxt(path, rows)`` and ``table.to_csv(path)``."""
    if symbol.name.endswith("savetxt"):
        path, rows = _first(arguments), self.items(arguments[1]) if len(arguments) > 1 else []
    else:
        path = _first(arguments, keywords.get("path_or_buf", UNKNOWN))
        rows = tables.table_rows(self, symbol, keywords)
    between = keywords.get("sep", keywords.get("delimiter", "," if "csv" in symbol.name else " "))
    lines = [
        self.text(between).join(map(self.text, row if type(row) in (list, tuple, Array) else [row]))
        for row in rows
    ]
    text = "".join(f"{line}\n" for line in lines)
    if type(path) is Stream:
        methods.write(self, path, text)
    elif type(path) in (str, Path) and lines:
        save(self, self.text(path), text)
    return None if path is not UNKNOWN else text


def _fernet(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import decoding

    key = symbol.details[0][0] if symbol.details and symbol.details[0] else UNKNOWN
    return decoding.fernet(self, key, _first(arguments))


def _cipher(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import decoding

    return decoding.cipher(self, arguments, keywords)


def _decoder(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import decoding

    return decoding.based(self, symbol.name, arguments, keywords)


# -- IPython ---------------------------------------------------------------------------------------------


def history_inputs(self: Evaluator) -> Value:
    """``In``."""
    sources = self.state.sources
    made = ["", *sources]
    if not (0 < self.cell <= len(sources)):
        made.append(self.unit.text)
    return made


def history_name(self: Evaluator, name: str) -> Value:
    """``_``, ``__``, ``_3``, ``_i``, ``_ii``, ``_i3``."""
    sources = self.state.sources
    digits = name.lstrip("_i")
    if name.startswith("_i"):
        if digits:
            index = int(digits) - 1
            return sources[index] if 0 <= index < len(sources) else UNKNOWN
        back = len(name) - 1
        return sources[-back] if back <= len(sources) else UNKNOWN
    if digits:
        return output(self, int(digits))
    back = len(name)
    for number in range(len(sources), 0, -1):
        value = output(self, number)
        if value is not None:
            back -= 1
            if not back:
                return value
        if len(sources) - number > 20:
            break
    return UNKNOWN


def output(self: Evaluator, number: Value) -> Value:
    """``Out[number]``: known, or the last expression of that cell evaluated now."""
    if type(number) is not int:
        return UNKNOWN
    state = self.state
    if number in state.outputs:
        return state.outputs[number]
    if not 0 < number <= len(state.sources) or self.depth > 8:
        return UNKNOWN
    from jupyter_tos_guard.inspection.python.cell import parse_python

    source = state.sources[number - 1]
    if len(source) > 20_000 or source.lstrip().startswith("%%"):
        return UNKNOWN
    body = parse_python(source)
    if not body or type(body[-1]) is not ast.Expr:
        return None
    before = len(state.facts)
    self.depth += 1
    try:
        value = self.evaluate(body[-1].value)
    finally:
        self.depth -= 1
        state.facts[before:] = []
    if len(state.outputs) < 1000:
        state.outputs[number] = value
    return value


def _run_cell(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``get_ipython().run_cell(text)``."""
    from jupyter_tos_guard.inspection.python import magics

    text = _given(arguments, keywords, 0, "raw_cell", "cell", "code", "source")
    if type(text) is Code or text is None:
        return reflection.run(self, text, "run_code")
    if is_fetched(text):
        self.opaque("download-run", self.node)
        return UNKNOWN
    made = self.text(_decoded(text))
    if not made.replace(HOLE, "").strip():
        self.opaque("exec-unknown", self.node, "run_cell")
        return UNKNOWN
    return magics.run_nested(self, made, ("run_cell", *self.steps_of(made, _node_of(self))))


def _line_magic(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import magics

    name = self.text(_given(arguments, keywords, 0, "magic_name", "arg_s"))
    line = self.text(_given(arguments, keywords, 1, "line", "parameter_s") or "")
    if symbol.name.endswith("magic") and len(arguments) == 1 and "line" not in keywords:
        name, _, line = name.lstrip("%").partition(" ")
    return magics.line_magic(self, name, line, self.origin_of(self.node, *self.steps_of(line)))


def _cell_magic(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import magics

    name = self.text(_given(arguments, keywords, 0, "magic_name"))
    line = self.text(_given(arguments, keywords, 1, "line") or "")
    body = self.text(_given(arguments, keywords, 2, "cell") or "")
    steps = self.steps_of(body)
    return magics.cell_magic(self, name, line, body, self.origin_of(self.node, *steps), 0)


def _register_magic(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``register_line_magic`` and ``register_magic_function``: a function becomes a magic."""
    magics = self.state.magics
    word = symbol.name.rpartition(".")[2]
    function = _first(arguments, keywords.get("func", UNKNOWN))
    if word.startswith("register_") and type(function) is str:
        label = function
        return Native(lambda given, named: magics.__setitem__(label, _first(given)))
    if word == "register_magics":
        for each in arguments:
            cls = each if type(each) is Class else each.cls if type(each) is Instance else None
            if cls is not None:
                receiver = each if type(each) is Instance else Instance(cls)
                receiver.attributes.setdefault("shell", Symbol("get_ipython", True))
                for name, member in cls.namespace.items():
                    if type(member) is Function:
                        magics[name] = Bound(member, receiver)
        return None
    name = _given(arguments, keywords, 2, "magic_name")
    if type(name) is not str:
        name = (
            function.name
            if type(function) is Function
            else function.name.rpartition(".")[2]
            if type(function) is Symbol
            else ""
        )
    if name:
        magics[name] = function
    return function


def _magic_decorator(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if arguments and type(arguments[0]) is str:
        return Native(lambda given, named: _first(given))
    return _first(arguments)


def _alias(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import magics

    if len(arguments) > 1:
        magics.define(
            self, self.text(arguments[0]), self.text(arguments[1]), symbol.name.endswith("define_macro")
        )
    return None


def _push(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    if arguments and type(arguments[0]) is dict:
        for name, value in arguments[0].items():
            self.state.names[name] = value
    return None


def _unregister(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Unhook: taking one's own callback back is no business of anybody's; another's may be the guard's."""
    from jupyter_tos_guard.inspection.python import sinks

    callback = _given(arguments, keywords, 1, "function", "callback")
    if type(callback) is Symbol and callback.name.startswith("get_ipython.events.callbacks"):
        sinks.emit_call(self, f"{callback.name}.unregister", self.node)  # found by going through them all
    if type(callback) not in (Function, Bound, Partial):
        sinks.emit_call(self, symbol.name, self.node)
    return None


def hook(self: Evaluator, name: str, function: Value) -> None:
    """Something of the user's is put into IPython."""
    self.escape(function, [], {})


def shell_attribute(self: Evaluator, full: str) -> Value | None:
    """Attribute of IPython's shell object."""
    if full in ("get_ipython.user_ns", "get_ipython.user_global_ns", "get_ipython.ns_table"):
        return self.all_names()
    if full in (
        "get_ipython.history_manager.input_hist_raw",
        "get_ipython.history_manager.input_hist_parsed",
    ):
        return history_inputs(self)
    if full.startswith("get_ipython.events.callbacks.") and full.rpartition(".")[2] in _READING:
        # Looking at the hooks is no business of anybody's; changing what was looked at is.
        return Native(lambda given, named: Symbol("get_ipython.events.callbacks", True))
    return None


_READING: Final = frozenset("items keys values get copy".split())


def shell_call(self: Evaluator, name: str, arguments: Arguments, keywords: Keywords) -> Value | None:
    """Methods of IPython's shell object that are known by their last word."""
    words = name.split(".")
    if words[-1] in ("append", "insert", "extend", "prepend") and "transformers" in words[-2]:
        for each in arguments:
            for one in each if type(each) is list else [each]:
                if type(one) in (Function, Bound, Partial):
                    self.session.transformers.append(one)
                elif type(one) is Instance:
                    _tree_transformer(self, one)
        return None
    return None


def _tree_transformer(self: Evaluator, transformer: Instance) -> None:
    """Run the commands that an object writes into the syntax trees of later cells."""
    for name, method in list(transformer.cls.namespace.items()):
        if type(method) is not Function or not name.startswith(("visit", "__call__")):
            continue
        node = Instance(Class("node", [], {}, {}))
        made = self.call(Bound(method, transformer), [node])
        for text in _texts([made, *node.attributes.values()], 6):
            if looks_like_command(text):
                shell(self, text, "syntax tree")


def _texts(values: Sequence[Value], depth: int) -> list[str]:
    found: list[str] = []
    for value in values[:64]:
        kind = type(value)
        if kind is str:
            found.append(value)
        elif depth <= 0:
            continue
        elif kind is Choice:
            found += _texts(value.values, depth - 1)
        elif kind in (list, tuple):
            found += _texts(list(value), depth - 1)
        elif kind is Symbol and value.details is not None:
            found += _texts([*value.details[0], *value.details[1].values()], depth - 1)
        elif kind is Instance:
            found += _texts(list(value.attributes.values()), depth - 1)
        elif kind is Code:
            found.append(value.source)
    return found


# -- other kernels, notebooks, terminals -------------------------------------------------------------------


def _kernel_execute(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    from jupyter_tos_guard.inspection.python import magics

    text = _given(arguments, keywords, 0, "code", "source")
    if text is not None:
        made = self.text(_decoded(text))
        if made.replace(HOLE, "").strip():
            magics.run_nested(self, made, (symbol.name.partition(".")[0],), fresh=True)
        elif made:
            self.opaque("exec-unknown", self.node, symbol.name.partition(".")[0])
    return Symbol(symbol.name, True)


def _new_notebook(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    cells = keywords.get("cells", [])
    return Namespace(
        "notebook",
        {
            "cells": cells if type(cells) is list else self.items(cells),
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        },
    )


def _new_cell(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    kind = "code" if "code" in symbol.name else "markdown"
    source = _given(arguments, keywords, 0, "source", "input") or ""
    return Namespace("cell", {"cell_type": kind, "source": source, "metadata": {}, "outputs": []})


def _write_notebook(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    notebook, target = _given(arguments, keywords, 0, "nb"), _given(arguments, keywords, 1, "fp")
    text = json.dumps(_as_plain(notebook), default=self.text)
    if symbol.name.endswith("writes"):
        return text
    if type(target) is Stream:
        methods.write(self, target, text)
    elif target is not None:
        save(self, self.text(target), text)
    return None


def _read_notebook(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    value = _first(arguments)
    if symbol.name.endswith(("reads", "from_dict")):
        data: Value = value
    else:
        stream = value if type(value) is Stream else _open(self, symbol, [value], {})
        data = library.stream_read(stream) if type(stream) is Stream else UNKNOWN
    if type(data) in (str, bytes):
        data = library.pure(self, "json.loads", [data], {})
    return _as_namespace(data) if type(data) is dict else UNKNOWN


def _as_namespace(value: Value) -> Value:
    if type(value) is dict:
        return Namespace("node", {key: _as_namespace(each) for key, each in value.items()})
    if type(value) is list:
        return [_as_namespace(each) for each in value]
    return value


def _execute_notebook(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """nbclient, nbconvert and papermill run a notebook."""
    given = [*(symbol.details[0] if symbol.details else []), *arguments, *keywords.values()]
    for each in given:
        if type(each) is Stream:
            each = library.stream_read(each)
        if type(each) in (str, Path) and self.text(each).endswith(".ipynb"):
            from jupyter_tos_guard.inspection.shell import process

            file = process.find_file(self.text(each), self.state)
            if file is not None and file.content is not None:
                each = _as_namespace(library.pure(self, "json.loads", [file.content], {}))
            elif file is not None and file.source:
                self.opaque("download-run", self.node)
        if type(each) is dict:
            each = _as_namespace(each)
        if type(each) is Namespace and type(each.attributes.get("cells")) is list:
            run_notebook(self, each.attributes["cells"])
    return Symbol(symbol.name, True)


def run_notebook(self: Evaluator, cells: list[Value]) -> None:
    """Run the code cells of a notebook in a kernel of their own."""
    from jupyter_tos_guard.inspection.python import magics

    names: dict[str, Value] = {}
    for cell in cells[:500]:
        node = cell.attributes if type(cell) is Namespace else cell if type(cell) is dict else {}
        if node.get("cell_type") != "code":
            continue
        source = node.get("source", "")
        text = (
            "".join(self.text(each) for each in source)
            if type(source) in (list, tuple)
            else self.text(source)
        )
        magics.run_nested(self, text, ("notebook",), names=names)


def _terminal_send(self: Evaluator, arguments: Arguments) -> bool:
    """Read a message to a terminal or kernel: ``["stdin", command]``, ``{"content": {"code": …}}``."""
    from jupyter_tos_guard.inspection.python import magics

    text = _decoded(_first(arguments))
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


def _protocol_send(self: Evaluator, symbol: Symbol, arguments: Arguments) -> bool:
    """Read what is sent through a socket: a request by hand, the first words of a mining pool's protocol."""
    text = _decoded(_first(arguments))
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


def _front_end(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """JavaScript that makes the notebook run code: ``IPython.notebook.kernel.execute("…")``."""
    text = self.text(_given(arguments, keywords, 0, "data"))
    for match in re.finditer(r"\.execute\(\s*(['\"`])(.{1,4000}?)(?<!\\)\1", text[:20_000], re.S):
        from jupyter_tos_guard.inspection.python import magics

        try:
            code = ast.literal_eval(
                match.group(1).replace("`", '"""') + match.group(2) + match.group(1).replace("`", '"""')
            )
        except (SyntaxError, ValueError):
            code = match.group(2)
        magics.run_nested(self, code, ("javascript",))
    return Symbol(symbol.name, True)


# -- anything else -------------------------------------------------------------------------------------------

_PROCESS_VERBS: Final = frozenset(
    "run system popen spawn getoutput check_output check_call shell local sudo bash sh exec_command execute "
    "call cmd command exec run_command execute_command runcmd launch start submit process popen2 pipe "
    "chain_command send_line sendline send_keys send invoke spawn_process qx do eval terminal start_process "
    "async_run run_async capture execute_cmd shell_exec exec_run invoke_shell run_shell create_process "
    "sh_exec startDetached execlp getstatusoutput".split()
)
_PROGRAMS: Final = frozenset(
    "git wget curl pip pip3 apt apt-get conda mamba bash sh python python3 sudo chmod tar unzip ssh docker "
    "aria2c npm npx yarn cargo go make cmake nohup cd export mv cp ln ./ nvidia-smi node java perl ruby gcc "
    "g++ snap dpkg brew udocker screen tmux env eval source hg svn gh kaggle gdown uv pipx poetry "
    "cloudflared ngrok lt bore wstunnel chisel frpc qbittorrent-nox transmission-cli transmission-daemon "
    "rclone hashcat john xmrig t-rex nbminer lolMiner ethminer".split()
)


def looks_like_command(text: str) -> bool:
    """Whether ``text`` begins like a shell command."""
    word = text.strip().partition(" ")[0]
    return (word in _PROGRAMS or word.startswith(("./", "/usr/", "/bin/", "/opt/", "/content/", "~/"))) and (
        " " in text.strip() or word.startswith(("./", "/"))
    )


def guess(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """Call a name that is in no table, judged by the name and by what it is given."""
    name = symbol.name
    word = name.rpartition(".")[2]
    root = name.partition(".")[0]
    if root in ("ctypes", "cffi"):
        if word in ("system", "popen") or word.startswith(("exec", "posix_spawn", "PyRun_")):
            return _libc(self, name, arguments)
        return Symbol(name, True, (arguments, keywords))
    if root == "sh" and "." in name:
        return _sh(self, symbol, arguments, keywords)
    if root == "plumbum":
        return _plumbum(self, symbol, arguments, keywords)
    if word in (
        "send",
        "write_message",
        "send_text",
        "send_json",
        "send_str",
        "sendall",
        "write",
        "put",
        "sendto",
    ) and (_terminal_send(self, arguments) or _protocol_send(self, symbol, arguments)):
        return UNKNOWN
    lower = word.lower()
    values = [*arguments, *keywords.values()]
    if word in ("startswith", "endswith", "find", "__contains__") and type(_first(arguments)) is str:
        from jupyter_tos_guard.inspection.python import attributes

        attributes.picks_guard(self, arguments[0], symbol)
    if lower in _PROCESS_VERBS or HOLE in name:
        for each in values:
            each = _decoded(each)
            if type(each) is str and looks_like_command(each):
                shell(self, each)
                return Process("", True)
            if (
                type(each) in (list, tuple)
                and each
                and type(each[0]) is str
                and each[0] in _PROGRAMS
                and len(each) > 1
            ):
                argv(self, each)
                return Process("", True)
    if word in ("from_pretrained", "from_hub", "load_dataset") or lower.endswith("_from_hub"):
        return _hugging_face(self, symbol, arguments, keywords)
    if (
        word in ("execute", "execute_interactive", "run_cell", "run_code", "runcode", "runsource", "push")
        and root in _KERNELS
    ):
        return _kernel_execute(self, symbol, arguments, keywords)
    found = [
        address for each in values for address in (addresses(each, 1) if type(each) is not Symbol else [])
    ]
    if found and _VERB.search(lower) and not _SHOWING.search(name):
        for address in found[:32]:
            fetch(self, address)
    elif found and not _SHOWING.search(name) and root not in _DATA_ROOTS:
        constructor = word[:1].isupper()
        if not constructor:
            for address in found[:32]:
                fetch(self, address)
    kept = absorb(symbol, values) if symbol.called else []
    if arguments or keywords or symbol.details is None:
        before = [each for each in symbol.details[0] if type(each) is str] if symbol.details else []
        carried = [each for each in before if each not in kept and absorb(Symbol(""), [each])]
        return Symbol(name, True, ([*arguments, *kept, *carried], keywords))
    return Symbol(name, True, symbol.details)


_KERNELS: Final = frozenset(
    "jupyter_client ipykernel nbclient code IPython qtconsole jupyter_console ipyparallel".split()
)
_DATA_ROOTS: Final = frozenset(
    "builtins pandas numpy matplotlib seaborn plotly logging IPython ipywidgets re json collections typing "
    "warnings unittest pytest bs4 lxml html streamlit gradio polars networkx rdflib textwrap dataclasses "
    "pydantic string".split()
)


def _sh(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``sh.git("clone", url)``, ``sh.Command("git")(…)``, ``sh.git.clone(url)``."""
    words: list[Value] = [each.replace("_", "-") for each in symbol.name.split(".")[1:]]
    if words and words[0] in ("Command", "sudo", "contrib"):
        if words[0] == "Command":
            if not symbol.called:
                return Symbol("sh.Command", True, (arguments, {}))
            words = list(symbol.details[0]) if symbol.details else []
        else:
            words = ["sudo", *words[1:]]
    if words and words[-1] == "bake":
        return Symbol(symbol.name.rpartition(".")[0], True, (arguments, keywords))
    if symbol.details and "Command" not in symbol.name:
        words += symbol.details[0]
    for name, value in keywords.items():
        if not name.startswith("_"):
            words.append(f"--{name.replace('_', '-')}={self.text(value)}" if len(name) > 1 else f"-{name}")
    stdin = keywords.get("_in")
    return Process(
        argv(self, [*words, *arguments], stdin=self.text(stdin) if stdin is not None else None), True
    )


def _plumbum(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``local["git"]("clone", url)``, ``plumbum.cmd.git["clone", url]()``."""
    words: list[Value] = []
    name = symbol.name
    if name.startswith("plumbum.cmd."):
        words = name.split(".")[2:3]
    if symbol.details:
        words += symbol.details[0]
    tail = name.rpartition(".")[2]
    if words and tail in ("run", "run_fg", "run_bg", "run_tee", "popen", "nohup", "run_retcode"):
        words = words if name.startswith("plumbum.cmd.") or symbol.details else words[:-1]
    if not words:
        return Symbol(name, True, (arguments, keywords))
    return Process(argv(self, [*words, *arguments]), True)


def _local_item(self: Evaluator, symbol: Symbol, index: Value) -> Value:
    return Symbol("plumbum.local.program", False, ([index], {}))


def _apt_item(self: Evaluator, symbol: Symbol, index: Value) -> Value:
    """``apt.Cache()[name]``."""
    return Symbol("apt.package", True, ([index], {}))


def _mark_install(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``apt.Cache()[name].mark_install()``."""
    if symbol.details:
        argv(self, ["apt-get", "install", *symbol.details[0]])
    return None


def _environ_item(self: Evaluator, symbol: Symbol, index: Value) -> Value:
    key = self.text(index)
    return self.state.environ.get(key, UNKNOWN)


def _modules_item(self: Evaluator, symbol: Symbol, index: Value) -> Value:
    from jupyter_tos_guard.inspection.python import sinks

    if type(index) is not str:
        return UNKNOWN
    if index == "__main__":
        return Namespace("__main__", self.all_names())
    return sinks.import_module(self, index, self.node)


ITEMS: Final[dict[str, Any]] = {
    "os.environ": _environ_item,
    "os.environb": _environ_item,
    "sys.modules": _modules_item,
    "Out": lambda self, symbol, index: output(self, index),
    "plumbum.local": _local_item,
    "apt.Cache": _apt_item,
    "apt.cache.Cache": _apt_item,
    "get_ipython.magics_manager.magics": lambda self, symbol, index: Symbol(
        f"get_ipython.magics.{self.text(index)}", True
    ),
    "get_ipython.magics.line": lambda self, symbol, index: magic_function("line", self.text(index), self),
    "get_ipython.magics.cell": lambda self, symbol, index: magic_function("cell", self.text(index), self),
    "ctypes.cdll": lambda self, symbol, index: Symbol("ctypes.cdll", True),
}
PROPERTIES: Final[dict[str, Any]] = {
    "builtins.__dict__": lambda self, symbol: symbol,
    "__main__.__dict__": lambda self, symbol: self.all_names(),
    "this.s": lambda self, symbol: UNKNOWN,
    "site.USER_SITE": lambda self, symbol: HOLE,
    "sys.argv": lambda self, symbol: self.session.patched.get("sys.argv", Symbol("sys.argv")),
}
_PREFIXES: Final = (
    "subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen "
    "subprocess.getoutput subprocess.getstatusoutput commands.getoutput commands.getstatusoutput "
    "psutil.Popen popen2.popen2 invoke.run fabric.api.local fabric.operations.local plumbum.local.cmd "
    "asyncio.subprocess.run anyio.run_process trio.run_process anyio.open_process subprocess_tee.run "
    "sarge.run sarge.capture_stdout delegator.run envoy.run IPython.utils.process.arg_split_run "
    "google.colab._system_commands._run_command torch.utils.cpp_extension.subprocess.run "
    "distutils.spawn.spawn setuptools.distutils.spawn.spawn numpy.distutils.exec_command.exec_command "
    "nox.run ubelt.cmd"
)
_SYSTEM: Final = (
    "os.system os.popen os.popen2 os.popen3 os.popen4 os.startfile platform.popen get_ipython.system "
    "get_ipython.system_raw get_ipython.system_piped get_ipython.getoutput get_ipython.getoutputs "
    "IPython.utils.process.system IPython.utils.process.getoutput IPython.utils.process.getoutputerror "
    "IPython.utils._process_posix.system IPython.utils._process_common.getoutput "
    "IPython.utils._process_posix.ProcessHandler.system IPython.utils.process.get_output_error_code "
    "asyncio.create_subprocess_shell popen2.popen3 xonsh.execer.exec google.colab._shell.Shell.system "
    "google.colab._system_commands._shell_line_magic google.colab._system_commands._system_compat "
    "google.colab._system_commands._run_command ipykernel.zmqshell.ZMQInteractiveShell.system_piped plac.run "
    "libc.stdlib.system"
)
_EXECS: Final = "l le lp lpe v ve vp vpe".split()
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
_FILES: Final = {
    **dict.fromkeys("shutil.copy shutil.copy2 shutil.copyfile shutil.copytree shutil.move os.rename "
                    "os.renames os.replace os.symlink os.link".split(), _move),
    "os.chmod": _chmod,
    "os.lchmod": _chmod,
    **dict.fromkeys("os.remove os.unlink shutil.rmtree os.rmdir".split(), _remove),
    "os.chdir": _chdir,
    "os.putenv": _putenv,
    "os.environ.update": _environ_update,
    "os.environ.setdefault": _environ_default,
    "os.environ.__setitem__": _putenv,
    "os.environ.get": _getenv,
    "os.environ.pop": _getenv,
    "os.getenv": _getenv,
    "os.path.expandvars": _expand,
    "os.path.expanduser": _expand,
    "os.path.abspath": _expand,
    "os.path.realpath": _expand,
    "builtins.open": _open,
    "os.open": _os_open,
    "os.write": _fd,
    "os.read": _fd,
    "os.fdopen": _fd,
    "os.pipe": _pipe,
    "io.StringIO": _memory,
    "io.BytesIO": _memory,
    "io.TextIOWrapper": lambda self, symbol, arguments, keywords: _first(arguments),
    **dict.fromkeys("gzip.open gzip.GzipFile bz2.open bz2.BZ2File lzma.open lzma.LZMAFile".split(),
                    _compressed_open),
    "json.dump": _dump,
    "json.load": _load,
    "shutil.unpack_archive": _unpack,
    "zipfile.ZipFile.extractall": _unpack,
    "zipfile.ZipFile.extract": _unpack,
    "tarfile.open.extractall": _unpack,
    "zipimport.zipimporter.load_module": reflection.HANDLERS["importlib.import_module"],
    "zipfile.ZipFile": _archive,
    "tarfile.open": _archive,
    "tarfile.TarFile": _archive,
    **dict.fromkeys("pathlib.Path pathlib.PosixPath pathlib.PurePath pathlib.PurePosixPath".split(),
                    _make_path),
    "pathlib.Path.home": _home,
    "pathlib.Path.cwd": _home,
    "os.getcwd": _getcwd,
    **dict.fromkeys("tempfile.mkdtemp tempfile.mkstemp tempfile.mktemp tempfile.NamedTemporaryFile "
                    "tempfile.gettempdir tempfile.TemporaryDirectory tempfile.TemporaryFile "
                    "tempfile.SpooledTemporaryFile site.getusersitepackages "
                    "sysconfig.get_path".split(), _path_hole),
}  # fmt: skip

HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(_PREFIXES.split(), _subprocess),
    **dict.fromkeys(_SYSTEM.split(), _system),
    **dict.fromkeys([f"os.exec{each}" for each in _EXECS], _spawn_words),
    **dict.fromkeys([f"os.spawn{each}" for each in _EXECS], _spawn_words),
    "os.posix_spawn": _posix_spawn,
    "os.posix_spawnp": _posix_spawn,
    "pty.spawn": _spawn_pieces,
    "asyncio.create_subprocess_exec": _spawn_pieces,
    "asyncio.get_event_loop.subprocess_exec": _spawn_pieces,
    "asyncio.get_running_loop.subprocess_exec": _spawn_pieces,
    "asyncio.get_event_loop.subprocess_shell": _spawn_pieces,
    "asyncio.get_running_loop.subprocess_shell": _spawn_pieces,
    "pexpect.spawn": _pexpect,
    "pexpect.run": _pexpect,
    "pexpect.runu": _pexpect,
    "pexpect.spawnu": _pexpect,
    "pexpect.popen_spawn.PopenSpawn": _pexpect,
    "pexpect.replwrap.REPLWrapper": _pexpect,
    "pexpect.replwrap.bash": lambda self, symbol, arguments, keywords: Process("", True, "bash"),
    "ptyprocess.PtyProcess.spawn": _pexpect,
    "ptyprocess.PtyProcessUnicode.spawn": _pexpect,
    "winpty.PtyProcess.spawn": _pexpect,
    "_posixsubprocess.fork_exec": _fork_exec,
    "_winapi.CreateProcess": _system,
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
    **dict.fromkeys("huggingface_hub.snapshot_download huggingface_hub.hf_hub_download "
                    "huggingface_hub.cached_download huggingface_hub.HfApi.snapshot_download "
                    "huggingface_hub.HfApi.hf_hub_download datasets.load_dataset "
                    "diffusers.DiffusionPipeline.from_pretrained modelscope.snapshot_download "
                    "modelscope.hub.snapshot_download.snapshot_download".split(), _hugging_face),
    "torch.hub.load": _torch_hub,
    "torch.hub.list": _torch_hub,
    "insightface.model_zoo.get_model": _load_model,
    "insightface.model_zoo.model_zoo.get_model": _load_model,
    "onnxruntime.InferenceSession": _load_model,
    "http.client.HTTPSConnection.request": _http_request,
    "http.client.HTTPConnection.request": _http_request,
    "httplib.HTTPSConnection.request": _http_request,
    **dict.fromkeys(_CONNECTS.split(), _connect),
    **_FILES,
    "runpy.run_path": _run_path,
    "builtins.execfile": _run_path,
    "IPython.utils.py3compat.execfile": _run_path,
    "get_ipython.safe_execfile": _run_path,
    "get_ipython.safe_execfile_ipy": _run_path,
    "runpy.run_module": _run_module,
    "runpy._run_module_as_main": _run_module,
    "importlib.reload": _reload,
    "imp.reload": _reload,
    "imp.load_source": _load_source,
    "importlib.machinery.SourceFileLoader": _load_source,
    "importlib._bootstrap_external.SourceFileLoader": _load_source,
    "importlib.util.spec_from_file_location": _load_source,
    "importlib.util.module_from_spec": _module_from_spec,
    **dict.fromkeys("pip.main pip._internal.main pip._internal.main.main pip._internal.cli.main.main "
                    "pip.__main__.main pip._internal.cli.main "
                    "pip._internal.commands.install.InstallCommand.main conda.cli.main "
                    "conda.cli.python_api.run_command conda.cli.main.main micropip.install piplite.install "
                    "setuptools.command.easy_install.main pip._internal.utils.entrypoints._wrapper "
                    "pip._internal.cli.main_parser.parse_command pyodide_js.loadPackage".split(), _pip),
    **dict.fromkeys("pickle.loads pickle.load pickle.Unpickler.load joblib.load torch.load "
                    "pandas.read_pickle numpy.load _pickle.loads "
                    "pickle._loads".split(), _unpickle),
    **dict.fromkeys("pickle.dumps pickle.dump pickle._dumps joblib.dump torch.save".split(), _pickle),
    **dict.fromkeys("timeit.timeit timeit.repeat timeit.Timer timeit.main cProfile.run cProfile.runctx "
                    "profile.run pdb.run pdb.runeval bdb.Bdb.run trace.Trace.run cProfile.Profile.run "
                    "codeop.compile_command IPython.embed "
                    "test.support.script_helper.run_python_until_end".split(), _run_statement),
    "shelve.open": _shelf,
    "dbm.open": _shelf,
    "pydoc.pipepager": _pager,
    "pydoc.tempfilepager": _pager,
    "pty.fork": _pty_fork,
    "pty.openpty": lambda self, symbol, arguments, keywords: (
        Process("", True, "bash"),
        Process("", True, "bash"),
    ),
    **dict.fromkeys("yaml.load yaml.unsafe_load yaml.full_load yaml.load_all yaml.unsafe_load_all "
                    "ruamel.yaml.load".split(), _yaml_load),
    "setuptools.setup": _project_setup,
    "distutils.core.setup": _project_setup,
    "fsspec.filesystem": _file_system,
    **dict.fromkeys([f"github.Github.get_repo.{word}" for word in
                     "get_archive_link get_contents get_dir_contents get_readme get_latest_release "
                     "get_releases get_git_tree".split()], _github_content),
    **dict.fromkeys("rpy2.robjects.r rpy2.robjects.reval lupa.LuaRuntime.execute lupa.LuaRuntime.eval "
                    "js2py.eval_js execjs.eval oct2py.octave.eval".split(), _r_code),
    **dict.fromkeys("IPython.start_ipython IPython.terminal.ipapp.launch_new_instance "
                    "IPython.start_kernel".split(), _start_ipython),
    "get_ipython.find_line_magic": _find_magic,
    "get_ipython.find_cell_magic": _find_magic,
    "get_ipython.find_magic": _find_magic,
    **dict.fromkeys("unittest.mock.patch mock.patch unittest.mock.patch.object".split(), _mock_patch),
    "sqlite3.connect": _database,
    "pandas.Series.str.cat": lambda self, symbol, arguments, keywords: methods.call(
        self, self.text(keywords.get("sep", "")) if keywords else "", "join",
        [symbol.details[0][0] if symbol.details and symbol.details[0] else UNKNOWN], {},
    ),
    "csv.reader": _csv_rows,
    "csv.DictReader": _csv_rows,
    "csv.writer": _write_rows,
    "numpy.savetxt": _save_text,
    **dict.fromkeys([f"{each}.to_csv" for each in ("pandas.Series", *tables.TABLES)], _save_text),
    "marshal.loads": _unmarshal,
    "marshal.load": _unmarshal,
    "marshal.dumps": lambda self, symbol, arguments, keywords: _first(arguments),
    "cryptography.fernet.Fernet.decrypt": _fernet,
    "Crypto.Cipher.AES.new": _cipher,
    "Cryptodome.Cipher.AES.new": _cipher,
    "get_ipython.run_cell": _run_cell,
    "get_ipython.run_cell_async": _run_cell,
    "get_ipython.ex": _run_cell,
    "get_ipython.run_code": _run_cell,
    "get_ipython.runcode": _run_cell,
    "get_ipython.kernel.do_execute": _run_cell,
    "get_ipython.ev": lambda self, symbol, arguments, keywords: reflection.run(
        self, _first(arguments), "eval"
    ),
    "get_ipython.run_line_magic": _line_magic,
    "get_ipython.magic": _line_magic,
    "get_ipython.line_magic": _line_magic,
    "get_ipython.run_cell_magic": _cell_magic,
    "get_ipython.cell_magic": _cell_magic,
    "get_ipython.push": _push,
    "get_ipython.user_ns.update": _push,
    "get_ipython.events.unregister": _unregister,
    **dict.fromkeys("unittest.main unittest.TextTestRunner.run ipytest.run".split(), _run_own_tests),
    **dict.fromkeys("pytest.main pytest.console_main".split(), _run_test_files),
    **dict.fromkeys(
        "doctest.testmod doctest.run_docstring_examples doctest.testfile".split(), _run_examples
    ),
    **dict.fromkeys(
        [f"nox.Session.{each}" for each in "run run_always run_install install conda_install".split()],
        _argument_words,
    ),
    "apt.package.mark_install": _mark_install,
    "os.memfd_create": _memory_file,
    "dotenv.load_dotenv": load_dotenv,
    "dotenv.main.load_dotenv": load_dotenv,
    "dotenv.dotenv_values": load_dotenv,
    "get_ipython.define_alias": _alias,
    "get_ipython.alias_manager.define_alias": _alias,
    "get_ipython.alias_manager.soft_define_alias": _alias,
    "get_ipython.define_macro": _alias,
    **dict.fromkeys("IPython.core.magic.register_line_magic IPython.core.magic.register_cell_magic "
                    "IPython.core.magic.register_line_cell_magic get_ipython.register_magic_function "
                    "get_ipython.register_magics get_ipython.magics_manager.register_function "
                    "get_ipython.magics_manager.register "
                    "IPython.core.magic.register_line_cell".split(), _register_magic),
    **dict.fromkeys("IPython.core.magic.line_magic IPython.core.magic.cell_magic "
                    "IPython.core.magic.line_cell_magic IPython.core.magic.magics_class "
                    "IPython.core.magic.needs_local_scope IPython.core.magic.no_var_expand "
                    "IPython.core.magic_arguments.magic_arguments".split(), _magic_decorator),
    "code.interact": _execute_notebook,
    "code.InteractiveInterpreter.runsource": _run_cell,
    "code.InteractiveInterpreter.runcode": _run_cell,
    "code.InteractiveConsole.push": _run_cell,
    "code.InteractiveConsole.runsource": _run_cell,
    "IPython.core.interactiveshell.InteractiveShell.run_cell": _run_cell,
    "nbformat.v4.new_notebook": _new_notebook,
    "nbformat.v4.new_code_cell": _new_cell,
    "nbformat.v4.new_markdown_cell": _new_cell,
    "nbformat.write": _write_notebook,
    "nbformat.writes": _write_notebook,
    "nbformat.v4.writes": _write_notebook,
    "nbformat.read": _read_notebook,
    "nbformat.reads": _read_notebook,
    "nbformat.from_dict": _read_notebook,
    **dict.fromkeys("nbclient.execute nbclient.NotebookClient.execute nbclient.NotebookClient.async_execute "
                    "nbclient.client.NotebookClient.execute papermill.execute_notebook "
                    "nbconvert.preprocessors.ExecutePreprocessor.preprocess "
                    "papermill.execute.execute_notebook "
                    "nbconvert.preprocessors.execute.ExecutePreprocessor.preprocess".split(),
                    _execute_notebook),
    "IPython.display.Javascript": _front_end,
    "IPython.core.display.Javascript": _front_end,
    "IPython.display.HTML": _front_end,
    "IPython.core.display.HTML": _front_end,
    "IPython.display.display_javascript": _front_end,
    **dict.fromkeys("base58.b58decode base62.decode base36.dumps base91.decode base65536.decode "
                    "base2048.decode".split(), _decoder),
}  # fmt: skip
