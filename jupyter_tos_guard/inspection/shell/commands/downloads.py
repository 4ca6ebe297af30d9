"""Programs that download: curl, wget, aria2 and the like."""

from __future__ import annotations

import re
from urllib.parse import unquote

from jupyter_tos_guard.inspection import naming
from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.shell.options import split, value_of, values_of
from jupyter_tos_guard.inspection.shell.process import (
    Handler,
    Process,
    emit_source,
)

_CURL_LETTERS = "AbcCdDeEFhHKmoPQrtTuUwxXyYz"
_CURL_LONGS = (
    "abstract-unix-socket",
    "alt-svc",
    "aws-sigv4",
    "cacert",
    "capath",
    "cert",
    "cert-type",
    "ciphers",
    "config",
    "connect-timeout",
    "connect-to",
    "continue-at",
    "cookie",
    "cookie-jar",
    "crlfile",
    "data",
    "data-ascii",
    "data-binary",
    "data-raw",
    "data-urlencode",
    "dns-servers",
    "doh-url",
    "dump-header",
    "engine",
    "etag-compare",
    "etag-save",
    "form",
    "form-string",
    "ftp-port",
    "header",
    "interface",
    "ipfs-gateway",
    "json",
    "keepalive-time",
    "key",
    "key-type",
    "limit-rate",
    "max-filesize",
    "max-redirs",
    "max-time",
    "netrc-file",
    "noproxy",
    "oauth2-bearer",
    "output",
    "output-dir",
    "pass",
    "pinnedpubkey",
    "preproxy",
    "proto",
    "proto-default",
    "proxy",
    "proxy-header",
    "proxy-user",
    "proxy1.0",
    "quote",
    "range",
    "rate",
    "referer",
    "request",
    "request-target",
    "resolve",
    "retry",
    "retry-delay",
    "retry-max-time",
    "socks4",
    "socks4a",
    "socks5",
    "socks5-hostname",
    "speed-limit",
    "speed-time",
    "stderr",
    "time-cond",
    "tls-max",
    "tls13-ciphers",
    "trace",
    "trace-ascii",
    "unix-socket",
    "upload-file",
    "url",
    "url-query",
    "user",
    "user-agent",
    "variable",
    "write-out",
)
#: Options of downloaders whose values are sent, not fetched.
_SENT = (
    "H",
    "header",
    "d",
    "data",
    "data-ascii",
    "data-binary",
    "data-raw",
    "data-urlencode",
    "json",
    "F",
    "form",
    "form-string",
    "A",
    "user-agent",
    "U",
    "e",
    "referer",
    "b",
    "cookie",
    "u",
    "user",
    "post-data",
    "body-data",
    "w",
    "write-out",
    "password",
    "http-password",
    "oauth2-bearer",
)


def _curl(process: Process) -> str:
    options, operands = split(process.arguments, _CURL_LETTERS, _CURL_LONGS)
    process.announce(hide=[v for n, v in options if n in _SENT and v])
    for path in values_of(options, "K", "config"):
        text = process.read(path)
        for found in re.finditer(r"^\s*-{0,2}(\w[\w\-]*)\s*[=: ]\s*\"?([^\"\n]*)\"?", text or "", re.M):
            options.append((found.group(1), found.group(2).strip()))
    for proxy in values_of(
        options, "x", "proxy", "preproxy", "socks5", "socks5-hostname", "socks4", "socks4a"
    ):
        process.fetch(proxy if "://" in proxy else "socks://" + proxy)
    urls = [piece for url in [*operands, *values_of(options, "url")] for piece in _curl_globs(url)]
    names = values_of(options, "o", "output")
    folder = value_of(options, "output-dir")
    remote = sum(1 for name, _ in options if name in ("O", "remote-name", "remote-name-all"))
    out = ""
    for i, url in enumerate(urls):
        if url.startswith("file://"):
            out += process.read(url[7:]) or HOLE
            continue
        canonical = process.fetch(url)
        name = names[i] if i < len(names) else _file_name(url) if remote else ""
        if name and name != "-":
            _downloaded(process, f"{folder}/{name}" if folder else name, canonical)
        else:
            out += HOLE
            process.source = canonical or process.source
    return out


def _curl_globs(url: str) -> list[str]:
    """Curl's own ``{a,b}`` and ``[1-3]``."""
    found = re.search(r"\{([^{}]*,[^{}]*|[^{},]+)\}|\[(\d{1,4}|[a-z])-(\d{1,4}|[a-z])(?::\d+)?\]", url)
    if found is None:
        return [url]
    if found.group(1) is not None:
        options = found.group(1).split(",")
    elif found.group(2).isdigit() and found.group(3).isdigit():
        options = [str(n) for n in range(int(found.group(2)), int(found.group(3)) + 1)][:32]
    else:
        options = [chr(c) for c in range(ord(found.group(2)[0]), ord(found.group(3)[0]) + 1)]
    return [
        piece for o in options[:32] for piece in _curl_globs(url[: found.start()] + o + url[found.end() :])
    ][:64]


_WGET_LETTERS = "aABDeiIloOPQRtTUwX"
_WGET_LONGS = (
    "accept",
    "accept-regex",
    "append-output",
    "base",
    "bind-address",
    "body-data",
    "body-file",
    "ca-certificate",
    "ca-directory",
    "certificate",
    "config",
    "connect-timeout",
    "cut-dirs",
    "default-page",
    "directory-prefix",
    "dns-timeout",
    "domains",
    "exclude-directories",
    "exclude-domains",
    "execute",
    "follow-tags",
    "ftp-password",
    "ftp-user",
    "header",
    "http-password",
    "http-user",
    "include-directories",
    "input-file",
    "level",
    "limit-rate",
    "load-cookies",
    "local-encoding",
    "max-redirect",
    "method",
    "output-document",
    "output-file",
    "password",
    "post-data",
    "post-file",
    "prefer-family",
    "private-key",
    "progress",
    "proxy-password",
    "proxy-user",
    "quota",
    "read-timeout",
    "referer",
    "regex-type",
    "reject",
    "reject-regex",
    "rejected-log",
    "remote-encoding",
    "report-speed",
    "restrict-file-names",
    "save-cookies",
    "secure-protocol",
    "start-pos",
    "timeout",
    "tries",
    "use-askpass",
    "user",
    "user-agent",
    "wait",
    "waitretry",
)


def _wget(process: Process) -> str:
    options, operands = split(process.arguments, _WGET_LETTERS, _WGET_LONGS)
    process.announce(hide=[v for n, v in options if n in _SENT and v and n != "e"])
    base = value_of(options, "B", "base") or ""
    urls = list(operands)
    for path in values_of(options, "i", "input-file"):
        if naming.canonical_url(path):
            urls.append(path)
            continue
        urls.extend(
            a or b
            for a, b in re.findall(r"href=[\"']?([^\"' >]+)|^\s*([^\s<]\S*)", process.read(path) or "", re.M)
        )
    for setting in values_of(options, "e", "execute"):
        key, _, value = setting.partition("=")
        if key.strip().endswith("proxy") and value:
            process.fetch(value.strip())
    target = value_of(options, "O", "output-document")
    folder = value_of(options, "P", "directory-prefix")
    out = ""
    for url in urls[:64]:
        if base and "://" not in url:
            url = base.rstrip("/") + "/" + url.lstrip("/")
        canonical = process.fetch(url)
        if target in ("-", "/dev/stdout"):
            out = HOLE
            process.source = canonical
        elif target is not None:
            _downloaded(process, target, canonical)
        elif canonical:
            name = _file_name(url)
            _downloaded(process, f"{folder}/{name}" if folder else name, canonical)
    return out


def _file_name(url: str) -> str:
    path = url.split("#")[0].split("?")[0].rstrip("/")
    return unquote(path.rsplit("/", 1)[-1]) if "/" in path else "index.html"


def _downloaded(process: Process, path: str, url: str) -> None:
    if path != "/dev/null":
        process.write(path, None, source=url)


_ARIA_VALUED = (
    "dir",
    "out",
    "split",
    "max-connection-per-server",
    "input-file",
    "header",
    "user-agent",
    "referer",
    "load-cookies",
    "log",
    "checksum",
    "max-concurrent-downloads",
    "http-user",
    "http-passwd",
    "conf-path",
    "save-session",
    "torrent-file",
    "metalink-file",
    "connect-timeout",
    "timeout",
    "max-tries",
    "seed-time",
    "seed-ratio",
    "listen-port",
    "dht-listen-port",
    "bt-tracker",
    "select-file",
)


#: A file that is not a torrent, at an address that is not of one.
_PLAIN_FILE = re.compile(
    r"(?:https?|ftp)://[^/\s]+/(?:[^?#\s]*/)?[^/?#\s]+\.(?!torrent\b)\w{1,6}(?:[?#].*)?", re.IGNORECASE
)
_TORRENT_OPTION = re.compile(r"--(?:bt|dht|seed|enable-dht|enable-peer|listen-port|follow-torrent)\b")


def _aria2(process: Process) -> str:
    options, operands = split(process.arguments, "dosxjiTMkml", _ARIA_VALUED)
    for path in values_of(options, "i", "input-file"):
        operands.extend(
            line for line in (process.read(path) or HOLE).splitlines() if line and not line[0].isspace()
        )
    plain = bool(operands) and all(map(_PLAIN_FILE.fullmatch, operands))
    # An options file copied whole: what it says of torrents has no effect on a plain file.
    idle = [each for each in process.arguments if plain and _TORRENT_OPTION.match(each)]
    process.announce(hide=idle)
    for value in values_of(options, "all-proxy", "http-proxy", "https-proxy"):
        process.fetch(value)
    folder, name = value_of(options, "d", "dir"), value_of(options, "o", "out")
    for url in [*operands, *values_of(options, "T", "torrent-file", "M")]:
        canonical = process.fetch(url)
        if canonical and not canonical.startswith("magnet:"):
            path = name or _file_name(url)
            _downloaded(process, f"{folder}/{path}" if folder else path, canonical)
        elif not canonical:
            process.emit(Kind.FILE, resolve(url, process.state.cwd).lower())
            file = process.file(url)
            if file is not None:
                emit_source(file.source, process.state, process.origin, url)
    return ""


#: Other programs that take addresses: one-letter and long options with a value, option that names the file.
_FETCHERS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "axel": ("snoUHST", ("output", "num-connections", "user-agent", "header", "max-speed"), ("o", "output")),
    "fetch": ("oaBiSTUw", ("output",), ("o", "output")),
    "lynx": ("", ("useragent", "width"), ()),
    "links": ("", ("width",), ()),
    "links2": ("", (), ()),
    "elinks": ("", (), ()),
    "w3m": ("TIOo", (), ()),
    "http": (
        "oasApxTE",
        ("output", "auth", "proxy", "timeout", "session", "verify", "style", "print"),
        ("o", "output"),
    ),
    "xh": ("oasAp", ("output", "auth", "proxy", "timeout", "session"), ("o", "output")),
    "httpx": ("oamhpdcC", ("output", "method", "headers", "auth", "proxy", "download"), ("download",)),
    "lftp": ("epuct", (), ()),
    "lftpget": ("", (), ()),
    "ncftpget": ("upPdr", (), ()),
    "saldl": ("coOuHs", (), ("o", "O")),
    "hget": ("n", (), ()),
    "prozilla": ("", (), ()),
    "puf": ("", (), ()),
    "snarf": ("", (), ()),
    "GET": ("", (), ()),
    "get": ("", (), ()),
    "lwp-request": ("mbtiCo", (), ()),
    "lwp-download": ("", (), ()),
    "yt-dlp": (
        "foPaNrSxu",
        ("format", "output", "paths", "cookies", "user-agent", "referer", "proxy", "batch-file", "username"),
        (),
    ),
    "youtube-dl": ("foaru", ("format", "output", "cookies", "proxy", "batch-file"), ()),
    "you-get": ("oOxc", ("output-dir", "output-filename", "cookies"), ()),
    "gallery-dl": ("doC", ("directory", "cookies"), ()),
    "gdown": ("O", ("output", "id", "proxy"), ("O", "output")),
    "transmission-cli": ("wpuDUdf", ("download-dir",), ()),
    "transmission-remote": ("aw", (), ()),
    "rtorrent": ("nopdsDbik", (), ()),
    "ctorrent": ("spCfMm", (), ()),
    "qbittorrent-nox": ("", ("profile", "webui-port", "save-path"), ()),
    "deluge-console": ("dPUc", (), ()),
    "webtorrent": ("os", ("out", "select"), ()),
    "peerflix": ("pq", (), ()),
    "ipfs": ("o", ("output",), ("o", "output")),
    "wormhole": ("o", (), ()),
    "croc": ("", ("relay",), ()),
    "pget": ("", (), ()),
    "dvc": ("or", ("out", "rev"), ("o", "out")),
    "websocat": ("", (), ()),
    "wscat": ("c", ("connect",), ()),
}


def _fetcher(process: Process) -> str:
    process.announce()
    letters, longs, output = _FETCHERS.get(process.name, ("", (), ()))
    options, operands = split(process.arguments, letters, longs)
    if process.name == "http" and operands and re.fullmatch(r"[A-Z]{3,8}", operands[0]):
        operands = operands[1:]
    if process.name == "gdown" and operands and re.fullmatch(r"[\w\-]{20,}", operands[0]):
        operands[0] = "https://drive.google.com/uc?id=" + operands[0]
    target = value_of(options, *output) if output else None
    for operand in [*operands, *values_of(options, "a", "c", "connect", "manifest-url", "u", "proxy")]:
        if "=" in operand.split("/")[0] and process.name in ("http", "xh") and not operand.startswith("http"):
            continue
        canonical = process.fetch(operand)
        if canonical:
            process.source = canonical
            if target and target != "-":
                _downloaded(process, target, canonical)
            elif process.name in ("axel", "fetch", "gdown", "lwp-download", "hget", "lftpget", "saldl"):
                _downloaded(process, _file_name(operand), canonical)
        elif operand.endswith(".torrent"):
            process.emit(Kind.FILE, resolve(operand, process.state.cwd).lower())
            file = process.file(operand)
            if file is not None:
                emit_source(file.source, process.state, process.origin, operand)
    for text in values_of(options, "e") if process.name == "lftp" else []:
        for word in text.replace(";", " ").split():
            if "://" in word or re.match(r"[\w.\-]+\.\w+$", word):
                process.fetch(word)
    return HOLE


HANDLERS: dict[str, Handler] = {
    "curl": _curl,
    "wget": _wget,
    "wget2": _wget,
    "aria2c": _aria2,
    **dict.fromkeys(_FETCHERS, _fetcher),
}
