"""Canonical names of what code can fetch: addresses, hosts, repositories, packages.

One thing has many spellings (mirrors, archives, raw files, percent-encoding,
upper case, ``git@host:path``); rules are written over one of them. Everything here is
text in, text out: nothing is resolved, opened or looked up.
"""

from __future__ import annotations

import re
import socket
import unicodedata
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from jupyter_tos_guard.inspection.facts import HOLE

# Longest text that is looked at as an address: longer ones are data.
_MAX_URL = 2048

_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]{1,30}):", re.I)
_SLASHED = frozenset({"http", "https", "ftp", "ftps", "git", "ssh", "ws", "wss", "svn", "sftp", "rsync"})
_UNSLASHED = frozenset({"magnet", "data", "mailto", "javascript", "about", "urn"})
_DEFAULT_PORTS = {
    "http": "80",
    "https": "443",
    "ssh": "22",
    "git": "9418",
    "ftp": "21",
    "ws": "80",
    "wss": "443",
}
_SCP = re.compile(r"(?:[^\s@:/\\]+@)?(\[[0-9a-f:]+\]|[^\s@:/\\]{2,}):(?!//)(\S+)", re.I)
_INVISIBLE = re.compile(r"[\x00-\x20\x7f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+")
_PLAIN = re.compile(r"https?://[a-z0-9.\-]+(?:/[a-z0-9_.\-]+)*", re.I)
_IPV4_LIKE = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}")


class Address(NamedTuple):
    """The parts of an address, each canonical."""

    scheme: str
    host: str
    port: str
    path: str  # begins with "/" or is empty; percent-decoded, lower case
    query: str


def canonical_url(text: str) -> str:
    """One spelling for an address.

    Scheme and host as they are resolved, user, default port, fragment and dot segments dropped,
    percent-decoded, lower case; ``http`` is ``https``. ``git@host:path`` becomes ``ssh://host/path``.

    Returns
    -------
    str
        Empty when ``text`` is not an absolute address.

    Examples
    --------
    >>> canonical_url("HTTPS://me:pw@GitHub.com.:443/A/%42/../C.git#readme")
    'https://github.com/a/c.git'
    """
    # Too long texts are data, and must not fill the cache.
    return _canonical_url(text) if len(text) <= _MAX_URL else ""


@lru_cache(maxsize=256)
def _canonical_url(text: str) -> str:
    if _PLAIN.fullmatch(text) and ".." not in text and "./" not in text:
        lowered = text.lower()
        if lowered.startswith("http:"):
            lowered = "https" + lowered[4:]
        last = lowered.split("/", 3)[2].rpartition(".")[2]
        if last and not last[0].isdigit():
            return lowered
    address = parse(text)
    if address is None:
        return ""
    if not address.host:
        return f"{address.scheme}:{address.path}" + (f"?{address.query}" if address.query else "")
    host = f"[{address.host}]" if ":" in address.host else address.host
    port = f":{address.port}" if address.port else ""
    query = f"?{address.query}" if address.query else ""
    # Whoever answers to one of the two answers to the other: a rule is written over one.
    scheme = "https" if address.scheme == "http" else address.scheme
    return f"{scheme}://{host}{port}{address.path}{query}"


def parse(text: str) -> Address | None:
    """Take an address apart; None when it is none."""
    return _parse(text) if len(text) <= _MAX_URL else None


@lru_cache(maxsize=256)
def _parse(text: str) -> Address | None:
    text = text.strip().strip("<>\"'`")
    found = _SCHEME.match(text)
    if found is None or (
        found.group(1).lower() not in _SLASHED | _UNSLASHED and text[found.end() : found.end() + 2] != "//"
    ):
        return _parse_scp(text)
    scheme = found.group(1).lower()
    # pip's and npm's `git+https://`, `hg+ssh://`: how it is fetched, not where from.
    for prefix in ("git+", "hg+", "svn+", "bzr+", "view-source+"):
        scheme = scheme.removeprefix(prefix)
    rest = text[found.end() :]
    if scheme in _UNSLASHED:
        body, _, query = rest.partition("?")
        return Address(scheme, "", "", unquote(body).lower(), unquote(query).lower())
    rest = _INVISIBLE.sub("", rest)
    rest = rest.lstrip("/\\") if scheme in _SLASHED else rest.removeprefix("//")
    return _parse_rest(scheme, rest)


def _parse_rest(scheme: str, rest: str) -> Address | None:
    rest = rest.partition("#")[0]
    end = min((i for i in (rest.find("/"), rest.find("?"), rest.find("\\")) if i >= 0), default=len(rest))
    authority, tail = rest[:end], rest[end:]
    tail, _, query = tail.partition("?")
    authority = unquote(authority.rpartition("@")[2])
    host, port = _split_port(authority)
    host = canonical_host(host)
    if not host:
        return None
    if _DEFAULT_PORTS.get(scheme) == port:
        port = ""
    return Address(scheme, host, port, _canonical_path(tail), unquote(query).lower())


def _parse_scp(text: str) -> Address | None:
    """``git@host:owner/name``, which git, scp and rsync understand."""
    found = _SCP.fullmatch(text)
    if found is None:
        return None
    host = canonical_host(found.group(1).strip("[]"))
    if "@" not in text.partition(":")[0] and "." not in host:
        return None  # "C:file", "pypi:name", "k:v"
    path = found.group(2).partition("#")[0]
    return Address("ssh", host, "", _canonical_path("/" + path.lstrip("/")), "")


def _split_port(authority: str) -> tuple[str, str]:
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        return host, port.removeprefix(":")
    host, colon, port = authority.rpartition(":")
    return (host, port) if colon else (authority, "")


def _canonical_path(path: str) -> str:
    path = unquote(path.replace("\\", "/")).lower()
    path = _INVISIBLE.sub("", path)
    if not path.startswith("/"):
        path = "/" + path if path else ""
    if "./" in path or path.endswith("/."):
        kept: list[str] = []
        for segment in path.split("/"):
            if segment == "..":
                if len(kept) > 1:
                    kept.pop()
            elif segment != ".":
                kept.append(segment)
        path = "/".join(kept)
    # `https://mirror/https://github.com/o/n` keeps the inner address readable.
    path = re.sub(r"(?<!:)/{2,}", "/", path)
    return path.rstrip("/")


def canonical_host(text: str) -> str:
    """Spell a host as it is resolved: lower case, punycode, plain dotted addresses.

    Examples
    --------
    >>> canonical_host("GitHub。com."), canonical_host("0x7f.1"), canonical_host("2130706433")
    ('github.com', '127.0.0.1', '127.0.0.1')
    """
    host = text.strip().lower()
    if not host.isascii():
        host = _to_ascii(host)
    host = host.rstrip(".")
    if host and host[0].isdigit() and _IPV4_LIKE.fullmatch(host):
        try:
            return socket.inet_ntoa(socket.inet_aton(host))
        except (OSError, UnicodeError):
            return host
    if ":" in host:
        return _canonical_ipv6(host)
    return host


def _to_ascii(host: str) -> str:
    host = unicodedata.normalize("NFKC", _INVISIBLE.sub("", host)).replace("。", ".").lower()
    labels = []
    for label in host.split("."):
        if label.isascii() or HOLE in label:
            labels.append(label)
            continue
        try:
            labels.append(label.encode("idna").decode("ascii"))
        except UnicodeError:
            labels.append(label)
    return ".".join(labels)


def _canonical_ipv6(host: str) -> str:
    try:
        packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    except (OSError, UnicodeError):
        return host
    if packed.startswith(b"\0" * 10 + b"\xff\xff"):
        return socket.inet_ntoa(packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)


def host_of(url: str) -> str:
    """Host of an address; empty when there is none."""
    address = parse(url)
    return address.host if address else ""


# -- repositories ------------------------------------------------------------

#: Hosts whose first path segments are owner and name, and what they stand for.
_FORGES: dict[str, str] = {
    "github.com": "github.com",
    "www.github.com": "github.com",
    "ssh.github.com": "github.com",
    "m.github.com": "github.com",
    "codeload.github.com": "github.com",
    "raw.github.com": "github.com",
    "raw.githubusercontent.com": "github.com",
    "github.dev": "github.com",
    "github1s.com": "github.com",
    "uithub.com": "github.com",
    "gitingest.com": "github.com",
    "deepwiki.com": "github.com",
    "raw.githack.com": "github.com",
    "rawcdn.githack.com": "github.com",
    "rawgit.com": "github.com",
    "cdn.rawgit.com": "github.com",
    "raw.gitmirror.com": "github.com",
    "raw.fastgit.org": "github.com",
    "hub.fastgit.org": "github.com",
    "hub.fastgit.xyz": "github.com",
    "hub.nuaa.cf": "github.com",
    "hub.njuu.cf": "github.com",
    "hub.yzuu.cf": "github.com",
    "hub.gitmirror.com": "github.com",
    "gitlab.com": "gitlab.com",
    "www.gitlab.com": "gitlab.com",
    "altssh.gitlab.com": "gitlab.com",
    "bitbucket.org": "bitbucket.org",
    "www.bitbucket.org": "bitbucket.org",
    "altssh.bitbucket.org": "bitbucket.org",
    "codeberg.org": "codeberg.org",
    "gitee.com": "gitee.com",
    "www.gitee.com": "gitee.com",
    "git.sr.ht": "git.sr.ht",
    "hg.sr.ht": "hg.sr.ht",
    "notabug.org": "notabug.org",
    "framagit.org": "framagit.org",
    "salsa.debian.org": "salsa.debian.org",
    "gitcode.com": "gitcode.com",
    "gitcode.net": "gitcode.com",
    "gitea.com": "gitea.com",
    "tangled.sh": "tangled.sh",
}
#: Hosts where that pair comes after a fixed beginning of the path.
_PREFIXED: tuple[tuple[str, str, str], ...] = (
    ("api.github.com", "/repos/", "github.com"),
    ("uploads.github.com", "/repos/", "github.com"),
    ("media.githubusercontent.com", "/media/", "github.com"),
    ("jsdelivr.net", "/gh/", "github.com"),
    ("statically.io", "/gh/", "github.com"),
    ("staticaly.com", "/gh/", "github.com"),
    ("esm.sh", "/gh/", "github.com"),
    ("gitcdn.link", "/repo/", "github.com"),
    ("gitcdn.link", "/cdn/", "github.com"),
    ("mybinder.org", "/v2/gh/", "github.com"),
    ("colab.research.google.com", "/github/", "github.com"),
    ("nbviewer.org", "/github/", "github.com"),
    ("nbviewer.jupyter.org", "/github/", "github.com"),
    ("deepnote.com", "/github/", "github.com"),
    ("api.bitbucket.org", "/2.0/repositories/", "bitbucket.org"),
    ("gitlab.com", "/api/v4/projects/", "gitlab.com"),
    ("codeberg.org", "/api/v1/repos/", "codeberg.org"),
    ("gitee.com", "/api/v5/repos/", "gitee.com"),
    ("ghcr.io", "/v2/", "github.com"),
)
_HUGGING_FACE = frozenset(
    {
        "huggingface.co",
        "www.huggingface.co",
        "hf.co",
        "hf-mirror.com",
        "hf-api.gitee.com",
        "huggingface.sukaka.top",
        "cdn-lfs.huggingface.co",
    }
)
#: Copies of github.com under a look-alike name (k-, b-, dgithub, githubfast, …).
_GITHUB_COPY = re.compile(
    r"(?:^|\.)(?:[a-z0-9]{1,4}github|github[a-z0-9]{1,6}|github)\.(?:xyz|cn|cc|top|icu|fun|site|moe|cf|tk|ml|gq|link|vip|run|store)$"
    r"|^(?:[a-z]{1,2}github|githubfast|[a-z]{1,3}githubfast|github\.com\.[a-z.\-]+)(?:\.com)?$"
)
_NOT_OWNERS = frozenset(
    "about account apps blog codespaces collections contact customer-stories enterprise events "
    "explore features "
    "issues join login logout marketplace new notifications organizations orgs pricing pulls readme "
    "search security "
    "sessions settings signup site sponsors stars topics trending users -".split()
)
_INNER_URL = re.compile(r"(?:https?|git|ssh):/{1,2}(?=[^/])")
_INNER_FORGE = re.compile(
    r"(?:^|[/=@:])((?:www\.|raw\.|codeload\.|api\.|gist\.)?(?:github\.com|githubusercontent\.com|gitlab\.com|bitbucket\.org|codeberg\.org"
    r"|gitee\.com|huggingface\.co)[/:].+)"
)
_SOURCEFORGE = re.compile(r"/(?:projects?|p)/([^/]+)")


def repository_of(url: str, cloned: bool = False) -> str | None:
    """Name the repository that an address leads into.

    Parameters
    ----------
    url : str
        As written: clone, archive, raw, release, API, CDN or mirror address, or ``git@host:owner/name``.
    cloned : bool
        Whether a version control program was asked for it: then any host will do.

    Returns
    -------
    str or None
        ``github.com/owner/name``, lower case; None when the address is not known to lead into one.

    Examples
    --------
    >>> repository_of("https://ghproxy.com/https://raw.githubusercontent.com/Owner/Name/main/x.py")
    'github.com/owner/name'
    """
    return _repository_of(url, cloned) if len(url) <= _MAX_URL else None


@lru_cache(maxsize=256)
def _repository_of(url: str, cloned: bool) -> str | None:
    address = parse(url)
    if address is None or not address.host:
        return None
    return _repository(address, cloned, depth=3)


def _repository(address: Address, cloned: bool, depth: int) -> str | None:
    inner = _embedded(address)
    if inner is not None and depth:
        found = _repository(inner, cloned, depth - 1)
        if found:
            return found
    host, segments = address.host, [s for s in address.path.split("/") if s]
    if host.endswith(".translate.goog"):
        plain = host.removesuffix(".translate.goog").replace("--", "\0").replace("-", ".").replace("\0", "-")
        return _repository(address._replace(host=plain), cloned, depth - 1) if depth else None
    if host in ("gist.github.com", "gist.githubusercontent.com"):
        return _gist(segments)
    if host in _HUGGING_FACE:
        return _hugging_face(segments)
    if host.endswith(".hf.space"):
        return "huggingface.co/spaces/" + host.removesuffix(".hf.space").replace("-", "/", 1)
    if "sourceforge." in host or host.endswith("code.sf.net"):
        found_project = _SOURCEFORGE.search(address.path)
        return f"sourceforge.net/projects/{found_project.group(1)}" if found_project else None
    for prefixed, prefix, forge in _PREFIXED:
        if (host == prefixed or host.endswith("." + prefixed)) and address.path.startswith(prefix):
            return _pair(forge, [s for s in address.path[len(prefix) :].split("/") if s])
    forge = _FORGES.get(host) or ("github.com" if _GITHUB_COPY.search(host) else "")
    if forge:
        return _pair(forge, segments)
    if cloned or (segments and segments[-1].endswith(".git")):
        path = "/".join(segments).removesuffix(".git")
        return f"{host}/{path}" if path else None
    return None


def _pair(forge: str, segments: list[str]) -> str | None:
    if len(segments) < 2 or segments[0] in _NOT_OWNERS:
        return None
    if forge in ("gitlab.com", "framagit.org", "salsa.debian.org"):
        # Groups nest; `/-/` or a known word ends the project's path.
        end = next((i for i, s in enumerate(segments) if i >= 2 and s in _GITLAB_PAGES), len(segments))
        segments = segments[:end]
        return f"{forge}/" + "/".join(segments).removesuffix(".git")
    # jsDelivr pins as name@version; git's own suffix may carry one, too.
    name = segments[1].split("@", 1)[0].removesuffix(".git").rstrip(".")
    return f"{forge}/{segments[0]}/{name}" if name else None


_GITLAB_PAGES = frozenset(
    {"-", "raw", "blob", "tree", "archive", "repository", "issues", "merge_requests", "info"}
)


def _gist(segments: list[str]) -> str | None:
    if not segments:
        return None
    if segments[0] == "raw" and len(segments) > 1:
        segments = segments[1:]
    kept = segments[:2] if len(segments) > 1 and segments[1] != "raw" else segments[:1]
    return "gist.github.com/" + "/".join(kept).removesuffix(".git")


def _hugging_face(segments: list[str]) -> str | None:
    if segments[:1] == ["api"]:
        segments = segments[1:]
        if segments[:1] == ["models"]:
            segments = segments[1:]
    if segments[:1] and segments[0] in ("spaces", "datasets"):
        return "huggingface.co/" + "/".join(segments[:3]).removesuffix(".git") if len(segments) > 2 else None
    if len(segments) < 2 or segments[0] in (
        "docs",
        "blog",
        "papers",
        "join",
        "settings",
        "learn",
        "tasks",
        "collections",
    ):
        return None
    return "huggingface.co/" + "/".join(segments[:2]).removesuffix(".git")


def _embedded(address: Address) -> Address | None:
    """Find the address inside a proxy's or archive's address, if there is one."""
    rest = address.path + (f"?{address.query}" if address.query else "")
    found = _INNER_URL.search(rest)
    if found:
        return parse(rest[found.start() :])
    if address.host in _FORGES:
        return None
    forge = _INNER_FORGE.search(rest)
    return parse("https://" + forge.group(1).replace(":", "/", 1)) if forge else None


def embedded_url(url: str) -> str:
    """Canonical form of the address that ``url`` carries inside (a proxy, a cache); empty if none."""
    address = parse(url)
    inner = _embedded(address) if address and address.host else None
    if inner is None or not inner.host:
        return ""
    return canonical_url(f"{inner.scheme}://{inner.host}{inner.path}")


# -- packages ----------------------------------------------------------------

_SEPARATORS = re.compile(r"[-_.]+")
_REQUIREMENT = re.compile(
    r"\s*([A-Za-z0-9][A-Za-z0-9._\-]*)\s*(?:\[[^\]]*\])?\s*(@\s*\S+|[<>=!~;,(\s].*|$)", re.S
)
_WHEEL = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._\-]*?)-v?[0-9][^/]*\.(?:whl|tar\.gz|zip|tar\.bz2|egg|tgz|conda|deb|crate|gem)$"
)


class Requirement(NamedTuple):
    """One thing asked of a package installer: a name, an address, or both."""

    name: str
    url: str


def package(ecosystem: str, name: str) -> str:
    """``ecosystem:name`` in its registry's normal form (PEP 503 for ``pypi``).

    Examples
    --------
    >>> package("pypi", "Colab_SSH"), package("docker", "docker.io/library/Tor:latest")
    ('pypi:colab-ssh', 'docker:tor')
    """
    name = unicodedata.normalize("NFKC", name).strip().lower() if not name.isascii() else name.strip().lower()
    if ecosystem == "pypi":
        name = _SEPARATORS.sub("-", name)
    elif ecosystem == "docker":
        name = _image(name)
    return f"{ecosystem}:{name}"


def _image(name: str) -> str:
    for scheme in ("docker://", "docker-daemon://", "oci://", "library://", "shub://", "https://"):
        name = name.removeprefix(scheme)
    name = name.split("@", 1)[0]
    head, slash, last = name.rpartition("/")
    name = head + slash + last.split(":", 1)[0]
    for registry in ("docker.io/", "index.docker.io/", "registry-1.docker.io/", "registry.hub.docker.com/"):
        name = name.removeprefix(registry)
    return name.removeprefix("library/")


def requirement(text: str) -> Requirement:
    """Read one argument of ``pip install`` or one line of a requirements file.

    Examples
    --------
    >>> requirement("Foo_Bar[x]>=1; python_version>'3'"), requirement("x @ git+https://h/o/n@main")
    (Requirement(name='foo-bar', url=''), Requirement(name='x', url='git+https://h/o/n@main'))
    """
    text = text.strip()
    if len(text) > _MAX_URL:
        return Requirement("", "")
    scheme = _SCHEME.match(text)
    if (scheme and ("//" in text or scheme.group(1).lower() == "file")) or _SCP.fullmatch(text):
        return Requirement(_name_in_url(text), _without_revision(text))
    found = _REQUIREMENT.fullmatch(text)
    if found is None or ("/" in found.group(1)):
        return Requirement(_name_in_file(text.rsplit("/", 1)[-1]), "")
    name = _SEPARATORS.sub("-", found.group(1)).lower()
    rest = found.group(2).strip()
    url = rest[1:].split(";", 1)[0].strip() if rest.startswith("@") else ""
    if not url and (inner := _name_in_file(found.group(1))):
        name = inner
    return Requirement(name, url)


def _name_in_url(url: str) -> str:
    base, _, fragment = url.partition("#")
    for item in fragment.split("&"):
        key, _, value = item.partition("=")
        if key == "egg" and value:
            return _SEPARATORS.sub("-", value.split("[", 1)[0]).lower()
    return _name_in_file(unquote(base.split("?", 1)[0]).rstrip("/").rsplit("/", 1)[-1])


def _without_revision(url: str) -> str:
    """``git+https://host/o/n@rev`` names the same repository as without ``@rev``."""
    if not url.startswith(("git+", "hg+", "svn+", "bzr+")):
        return url
    base, mark, fragment = url.partition("#")
    head, slash, last = base.rpartition("/")
    return head + slash + last.split("@", 1)[0] + mark + fragment


def _name_in_file(name: str) -> str:
    found = _WHEEL.fullmatch(name)
    return _SEPARATORS.sub("-", found.group(1)).lower() if found else ""


def package_of_url(url: str) -> str | None:
    """Name the package that an address downloads from a registry, as ``ecosystem:name``."""
    address = parse(url)
    if address is None or not address.host:
        return None
    host, segments = address.host, [s for s in address.path.split("/") if s]
    if not segments:
        return None
    last = segments[-1]
    if host in ("files.pythonhosted.org", "pypi.python.org", "test-files.pythonhosted.org") and (
        name := _name_in_file(last)
    ):
        return f"pypi:{name}"
    if (
        host in ("pypi.org", "test.pypi.org")
        and segments[0] in ("project", "simple", "pypi")
        and len(segments) > 1
    ):
        return package("pypi", segments[1])
    if host in ("conda.anaconda.org", "anaconda.org", "repo.anaconda.com") and last.endswith(
        (".conda", ".tar.bz2")
    ):
        return "conda:" + last.rsplit("-", 2)[0]
    if host in ("registry.npmjs.org", "registry.yarnpkg.com", "unpkg.com", "registry.npmmirror.com"):
        return "npm:" + _npm_name("/".join(segments[:2]) if segments[0].startswith("@") else segments[0])
    if host.endswith("jsdelivr.net") and segments[0] == "npm" and len(segments) > 1:
        return "npm:" + _npm_name("/".join(segments[1:3]) if segments[1].startswith("@") else segments[1])
    if (
        host in ("crates.io", "static.crates.io")
        and "crates" in segments
        and len(segments) > segments.index("crates") + 1
    ):
        return "cargo:" + segments[segments.index("crates") + 1]
    if host == "rubygems.org" and last.endswith(".gem") and (name := _name_in_file(last)):
        return f"gem:{name}"
    if host in _HUGGING_FACE and (repository := _hugging_face(segments)) and "/spaces/" not in repository:
        return "huggingface:" + "/".join(repository.split("/")[-2:])
    return None


def _npm_name(spec: str) -> str:
    return spec[0] + spec[1:].split("@", 1)[0] if spec else spec
