"""What programs fetch, install and connect to.

One function per family of programs, one table of them (:data:`HANDLERS`). Each is given a
:class:`~.process.Process` and reports packages, repositories, addresses and hosts; which
options take a value is data, so that a header or a file name is never mistaken for a target.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from jupyter_tos_guard.inspection import naming
from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.shell.filters import options_of
from jupyter_tos_guard.inspection.shell.process import (
    Handler,
    Process,
    Stream,
    emit_source,
    fetch,
    text_of,
)
from jupyter_tos_guard.inspection.shell.wrappers import (
    copy_file,
    run_python_file,
    run_startup_file,
    task_runner,
    unpack_archive,
    written,
)
from jupyter_tos_guard.inspection.state import File

__all__ = ["HANDLERS", "copy_file", "emit_source", "fetch", "run_startup_file", "unpack_archive", "written"]

# -- options ------------------------------------------------------------------------------------------


def split(
    arguments: Sequence[str], letters: str, longs: Iterable[str]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Options in order, with their values, and operands; long names may be cut short as GNU allows.

    Parameters
    ----------
    arguments : sequence of str
    letters : str
        One-letter options that take a value.
    longs : iterable of str
        Long options that take a value, without dashes.
    """
    names = frozenset(longs)
    options: list[tuple[str, str]] = []
    operands: list[str] = []
    i = 0
    while i < len(arguments):
        argument = arguments[i]
        i += 1
        if argument == "--":
            operands.extend(arguments[i:])
            break
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            full = (
                name
                if name in names
                else min([n for n in names if n.startswith(name)], default="")
                if len(name) > 2
                else ""
            )
            if not equals and full and i < len(arguments):
                value = arguments[i]
                i += 1
            options.append((full or name, value))
        elif argument.startswith("-") and len(argument) > 1:
            if argument[1:] in names and len(argument) > 2 and i < len(arguments):  # single-dash long options
                options.append((argument[1:], arguments[i]))
                i += 1
                continue
            for j, letter in enumerate(argument[1:], 2):
                if letter in letters:
                    value = argument[j:]
                    if not value and i < len(arguments):
                        value = arguments[i]
                        i += 1
                    options.append((letter, value))
                    break
                options.append((letter, ""))
        else:
            operands.append(argument)
    return options, operands


def _last(options: list[tuple[str, str]], *names: str) -> str | None:
    found = [value for name, value in options if name in names]
    return found[-1] if found else None


def _all(options: list[tuple[str, str]], *names: str) -> list[str]:
    return [value for name, value in options if name in names]


# -- git and other version control -----------------------------------------------------------------------

_GIT_VALUES = "Cc"
_GIT_LONGS = ("git-dir", "work-tree", "namespace", "exec-path", "super-prefix", "config-env")
_CLONE_LETTERS = "bojucs"
_CLONE_LONGS = (
    "branch",
    "origin",
    "upload-pack",
    "template",
    "reference",
    "reference-if-able",
    "depth",
    "shallow-since",
    "shallow-exclude",
    "separate-git-dir",
    "config",
    "jobs",
    "filter",
    "server-option",
    "bundle-uri",
    "revision",
    "ref-format",
)
#: Git verbs whose operands may be addresses that are fetched from.
_GIT_FETCHING = frozenset(
    "clone fetch pull submodule subtree remote ls-remote archive fetch-pack http-fetch svn lfs subrepo "
    "request-pull push bundle remote-https remote-http filter-repo annex read-tree init-clone p4 "
    "cvsimport".split()
)


def _git(process: Process) -> str:
    process.announce(
        data="commit" in process.arguments or "grep" in process.arguments or "log" in process.arguments
    )
    arguments = process.arguments
    config = _git_config(process)
    cwd = process.state.cwd
    i = 0
    while i < len(arguments) and arguments[i].startswith("-"):
        argument = arguments[i]
        if argument == "-C" and i + 1 < len(arguments):
            process.state.cwd = resolve(arguments[i + 1], process.state.cwd)
        elif argument == "-c" and i + 1 < len(arguments):
            key, _, value = arguments[i + 1].partition("=")
            config += [(key, value), *_git_included(process, key, value)]
        i += (
            2 if argument in ("-C", "-c") or (argument[2:] in _GIT_LONGS and argument.startswith("--")) else 1
        )
    verb, rest = (arguments[i], arguments[i + 1 :]) if i < len(arguments) else ("", [])
    try:
        return _git_verb(process, verb, rest, config)
    finally:
        process.state.cwd = cwd


def _git_verb(process: Process, verb: str, rest: list[str], config: list[tuple[str, str]]) -> str:
    alias = next((value for key, value in reversed(config) if key.lower() == f"alias.{verb.lower()}"), "")
    if alias.startswith("!"):
        return process.shell(alias[1:] + ' "$@"', "git alias", arguments=["git", *rest])
    if alias and alias.split()[0] != verb:
        return process.run(
            [
                "git",
                *[w for k, v in config for w in ("-c", f"{k}={v}") if not k.startswith("alias.")],
                *alias.split(),
                *rest,
            ],
            "git alias",
        )
    for key, value in config:
        if (
            key.lower()
            in (
                "core.sshcommand",
                "core.fsmonitor",
                "core.pager",
                "core.editor",
                "credential.helper",
                "core.gitproxy",
            )
            and value
        ):
            text = value.removeprefix("!")
            if not re.fullmatch(r"[\w\-]+(?: -\w+)*", text):
                process.shell(text, f"git {key.lower()}")
    if verb == "config":
        return _git_set(process, rest)
    if verb == "clone" or (verb == "lfs" and rest[:1] == ["clone"]):
        return _git_clone(process, rest[1:] if verb == "lfs" else rest, config)
    if verb in ("submodule", "remote", "subtree") and rest and rest[0] != "foreach":
        options, operands = split(
            rest, "bmtP", ("branch", "name", "reference", "depth", "prefix", "message", "jobs")
        )
        for operand in operands[1:]:
            source = _git_fetch(process, operand, config)
            if source and verb == "submodule" and operands[0] == "add":
                _came_from(process, operands[2] if len(operands) > 2 else _git_folder(operand), source)
            elif source and verb == "remote":
                process.write(".git/config", f'[remote "{operands[1]}"]\n\turl = {operand}\n', append=True)
            elif source and verb == "subtree":
                _came_from(process, _last(options, "P", "prefix") or ".", source)
        if verb == "submodule" and operands[:1] != ["add"]:
            _git_modules(process, config)
        return ""
    if verb in ("pull", "fetch") and not any("/" in operand for operand in rest):
        # From a remote that was set up before.
        file = process.file(".git/config")
        for url in (
            re.findall(r"^\s*url\s*=\s*(\S+)", text_of(file.content), re.M) if file and file.content else []
        ):
            _git_fetch(process, url, config)
        return ""
    for words in (["bisect", "run"], ["submodule", "foreach"]):
        if [verb, *rest[:1]] == words:
            return (
                process.shell(" ".join(rest[1:]), f"git {verb}")
                if len(rest) == 2
                else process.run(rest[1:], f"git {verb}")
            )
    if verb in ("rebase", "difftool", "filter-branch", "mergetool"):
        options, _ = split(
            rest, "x", ("exec", "extcmd", "tree-filter", "index-filter", "env-filter", "msg-filter")
        )
        for text in [value for name, value in options if value]:
            process.shell(text, f"git {verb}")
    if verb in _GIT_FETCHING:
        options, operands = split(rest, "bojucsP", (*_CLONE_LONGS, "remote", "prefix", "exec"))
        for operand in [*operands, *_all(options, "remote", "reference")]:
            source = _git_fetch(process, operand, config)
            if source and verb in ("pull", "svn", "fetch"):
                _came_from(
                    process, operands[-1] if verb == "svn" and operands[-1] != operand else ".", source
                )
    return HOLE


def _git_config(process: Process) -> list[tuple[str, str]]:
    """Read settings from configuration files that the session wrote, and from ``GIT_CONFIG_*``."""
    settings: list[tuple[str, str]] = []
    environ = process.environ
    if process.state.files:
        system = environ.get("GIT_CONFIG_SYSTEM") or "/etc/gitconfig"
        own = environ.get("GIT_CONFIG_GLOBAL")
        for path in (system, *([own] if own else ("~/.config/git/config", "~/.gitconfig")), ".git/config"):
            settings += _git_settings(process, path)
    count = environ.get("GIT_CONFIG_COUNT", "")
    settings.extend(
        (environ.get(f"GIT_CONFIG_KEY_{i}", ""), environ.get(f"GIT_CONFIG_VALUE_{i}", ""))
        for i in range(min(int(count), 50) if count.isdigit() else 0)
    )
    if command := environ.get("GIT_SSH_COMMAND"):
        settings.append(("core.sshcommand", command))
    return settings


_GIT_SECTION = re.compile(r'\s*\[\s*([\w.\-]+)(?:\s+"((?:\\.|[^"\\])*)")?\s*\]')


def _git_settings(process: Process, path: str, depth: int = 0) -> list[tuple[str, str]]:
    """Read settings in one file and in those that it includes."""
    settings: list[tuple[str, str]] = []
    file = process.file(path)
    if file is None or not file.content:
        return settings
    section = ""
    for line in text_of(file.content).splitlines()[:500]:
        process.state.budget.spend()  # files may include each other
        if head := _GIT_SECTION.match(line):
            section = head.group(1) + (f".{head.group(2)}" if head.group(2) is not None else "")
            line = line[head.end() :]
        key, equals, value = line.partition("=")
        if equals:
            settings.append((f"{section}.{key.strip()}", value.strip().strip('"')))
            settings += _git_included(process, *settings[-1], depth)
    return settings


def _git_included(process: Process, key: str, value: str, depth: int = 0) -> list[tuple[str, str]]:
    """Read settings that one setting brings along: ``include.path``, ``includeIf.….path``."""
    included = key.lower().startswith(("include.", "includeif.")) and key.lower().endswith(".path")
    return _git_settings(process, value, depth + 1) if included and depth < 4 else []


def _git_get(process: Process, key: str, path: str | None) -> str:
    """``git config key``: the value that was set last."""
    settings = _git_settings(process, path) if path else _git_config(process)
    values = [value for name, value in settings if name.lower() == key.lower()]
    return values[-1] + "\n" if values else HOLE


def _git_set(process: Process, rest: list[str]) -> str:
    options, operands = split(rest, "ft", ("file", "type", "default"))
    if operands[:1] in (["set"], ["get"]):
        operands = operands[1:]
    path = _last(options, "f", "file")
    if len(operands) < 2:
        return _git_get(process, operands[0], path) if operands else HOLE
    key, value = operands[0], operands[1]
    section, _, name = key.rpartition(".")
    head, dot, sub = section.partition(".")
    if path is None:
        own = process.environ.get("GIT_CONFIG_GLOBAL", "~/.gitconfig")
        path = own if any(n in ("global", "system") for n, _ in options) else ".git/config"
    process.write(
        path, f"[{head}{f' {chr(34)}{sub}{chr(34)}' if dot else ''}]\n\t{name} = {value}\n", append=True
    )
    return ""


def _rewritten(url: str, config: list[tuple[str, str]]) -> str:
    """Apply ``url.<base>.insteadOf``: the longest match wins."""
    best = ("", "")
    for key, value in config:
        if (
            key.lower().startswith("url.")
            and key.lower().endswith((".insteadof", ".pushinsteadof"))
            and value
            and url.startswith(value)
        ):
            base = key[4:].rpartition(".")[0]
            if len(value) > len(best[0]):
                best = (value, base)
    return best[1] + url[len(best[0]) :] if best[0] else url


def _git_fetch(process: Process, url: str, config: list[tuple[str, str]]) -> str:
    """Report one address that git reads from; the repository, or the address where that is not known."""
    if not url or url.startswith("-"):
        return ""
    url = _rewritten(url, config)
    if url.startswith("ext::"):
        process.shell(url[5:], "git ext::")
        return ""
    if re.match(r"(?:\w+)::", url):
        url = url.split("::", 1)[1]
    file = process.file(url) if "://" not in url else None
    if file is not None and file.source:
        emit_source(file.source, process.state, process.origin, url)
        return file.source
    if not naming.canonical_url(url):
        return ""
    fetch(url, process.state, process.origin, cloned=True, text=process.text)
    return naming.repository_of(url, cloned=True) or naming.canonical_url(url)


def _git_clone(process: Process, rest: list[str], config: list[tuple[str, str]]) -> str:
    options, operands = split(rest, _CLONE_LETTERS, _CLONE_LONGS)
    for setting in _all(options, "c", "config"):
        key, _, value = setting.partition("=")
        config = [*config, (key, value)]
    for command in _all(options, "u", "upload-pack"):
        process.shell(command, "git --upload-pack")
    if not operands:
        return ""
    source = _git_fetch(process, operands[0], config)
    folder = operands[1] if len(operands) > 1 else _git_folder(_rewritten(operands[0], config))
    if source:
        _came_from(process, folder, source)
    return ""


def _git_folder(url: str) -> str:
    return (
        url.split("?")[0]
        .rstrip("/")
        .removesuffix("/.git")
        .rstrip("/")
        .replace(":", "/")
        .rsplit("/", 1)[-1]
        .removesuffix(".git")
    )


def _git_modules(process: Process, config: list[tuple[str, str]]) -> None:
    file = process.file(".gitmodules")
    if file is not None and file.content:
        for url in re.findall(r"^\s*url\s*=\s*(\S+)", text_of(file.content), re.M)[:100]:
            _git_fetch(process, url, config)


def _came_from(process: Process, folder: str, source: str) -> None:
    """Remember where the folder that a program makes is from."""
    key = resolve(folder, process.state.cwd)
    if key in (".", ""):
        key = "*"
    process.emit(Kind.FILE, key.lower())
    process.state.files[key] = File(None, source)


def _other_vcs(process: Process) -> str:
    """``svn``, ``hg``, ``bzr``, ``fossil``, ``darcs``."""
    process.announce()
    options, operands = split(
        process.arguments, "rbuRe", ("revision", "username", "password", "depth", "rev", "branch", "ssh")
    )
    source = ""
    for i, operand in enumerate(operands[1:], 1):
        found = _git_fetch(process, operand, [])
        if found:
            source = found
            name = operands[i + 1] if i + 1 < len(operands) else _git_folder(operand)
            _came_from(process, name, found)
    del options, source
    return HOLE


def _gh(process: Process) -> str:
    """``gh``, ``hub``, ``glab``: names without a host are on their own forge."""
    process.announce()
    forge = "gitlab.com" if process.name == "glab" else "github.com"
    options, operands = split(
        process.arguments,
        "RpDotlXHFfb",
        (
            "repo",
            "pattern",
            "dir",
            "output",
            "tag",
            "limit",
            "method",
            "header",
            "field",
            "raw-field",
            "hostname",
            "ref",
            "branch",
            "archive",
        ),
    )
    for repository in _all(options, "R", "repo"):
        _forge(process, repository, forge)
    verbs, rest = operands[:2], operands[2:]
    if process.name == "hub" and operands[:1] != ["api"]:
        verbs, rest = ["repo", operands[0] if operands else ""], operands[1:]
    if verbs[:1] == ["gist"] and rest:
        _forge(process, rest[0].rsplit("/", 1)[-1] if "://" in rest[0] else rest[0], "gist.github.com")
        _came_from(process, rest[1] if len(rest) > 1 else rest[0], "gist.github.com/" + rest[0].lower())
    elif verbs[:1] == ["api"] and len(operands) > 1:
        _forge_api(process, operands[1], forge)
    elif verbs[:1] in (["repo"], ["extension"], ["codespace"], ["release"], ["workflow"], ["run"]) and rest:
        found = re.match(r"[\w.\-]+/[\w.\-]+$", rest[0]) or "://" in rest[0] or rest[0].startswith("git@")
        if (
            found
            and (source := _forge(process, rest[0], forge))
            and verbs[1:2] in (["clone"], ["fork"], ["install"])
        ):
            _came_from(
                process,
                rest[1] if len(rest) > 1 and not rest[1].startswith("-") else _git_folder(rest[0]),
                source,
            )
    return HOLE


def _forge(process: Process, name: str, forge: str) -> str:
    url = (
        name
        if "://" in name or name.startswith("git@") or (name.count("/") > 1 and "." in name.split("/")[0])
        else f"https://{forge}/{name}"
    )
    return _git_fetch(process, url if "://" in url or "@" in url else "https://" + url, [])


def _forge_api(process: Process, path: str, forge: str) -> None:
    if "://" not in path:
        path = f"https://api.{forge}/" + path.lstrip("/")
    process.fetch(path)
    process.source = naming.canonical_url(path)


def _degit(process: Process) -> str:
    """``degit user/repo``, ``giget gh:user/repo``: copies without history."""
    process.announce()
    operands = [a for a in process.arguments if not a.startswith("-")]
    for operand in operands[:1]:
        name = re.sub(r"^(?:github|gh|template|https?):(?!//)", "", operand).split("#")[0]
        forge = "github.com"
        if operand.startswith(("gitlab:", "bitbucket:")):
            forge, name = {"g": "gitlab.com", "b": "bitbucket.org"}[operand[0]], operand.split(":", 1)[1]
        source = _forge(process, name if "://" in name else "/".join(name.split("/")[:2]), forge)
        if source:
            _came_from(process, operands[1] if len(operands) > 1 else _git_folder(name), source)
    return HOLE


# -- downloads ----------------------------------------------------------------------------------------------

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
    for path in _all(options, "K", "config"):
        text = process.read(path)
        for found in re.finditer(r"^\s*-{0,2}(\w[\w\-]*)\s*[=: ]\s*\"?([^\"\n]*)\"?", text or "", re.M):
            options.append((found.group(1), found.group(2).strip()))
    for proxy in _all(options, "x", "proxy", "preproxy", "socks5", "socks5-hostname", "socks4", "socks4a"):
        process.fetch(proxy if "://" in proxy else "socks://" + proxy)
    urls = [piece for url in [*operands, *_all(options, "url")] for piece in _curl_globs(url)]
    names = _all(options, "o", "output")
    folder = _last(options, "output-dir")
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
    base = _last(options, "B", "base") or ""
    urls = list(operands)
    for path in _all(options, "i", "input-file"):
        if naming.canonical_url(path):
            urls.append(path)
            continue
        urls.extend(
            a or b
            for a, b in re.findall(r"href=[\"']?([^\"' >]+)|^\s*([^\s<]\S*)", process.read(path) or "", re.M)
        )
    for setting in _all(options, "e", "execute"):
        key, _, value = setting.partition("=")
        if key.strip().endswith("proxy") and value:
            process.fetch(value.strip())
    target = _last(options, "O", "output-document")
    folder = _last(options, "P", "directory-prefix")
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


def _aria2(process: Process) -> str:
    process.announce()
    options, operands = split(process.arguments, "dosxjiTMkml", _ARIA_VALUED)
    for path in _all(options, "i", "input-file"):
        operands.extend(
            line for line in (process.read(path) or "").splitlines() if line and not line[0].isspace()
        )
    for value in _all(options, "all-proxy", "http-proxy", "https-proxy"):
        process.fetch(value)
    folder, name = _last(options, "d", "dir"), _last(options, "o", "out")
    for url in [*operands, *_all(options, "T", "torrent-file", "M")]:
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
    "repo": ("ubm", ("manifest-url",), ()),
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
    target = _last(options, *output) if output else None
    for operand in [*operands, *_all(options, "a", "c", "connect", "manifest-url", "u", "proxy")]:
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
    for text in _all(options, "e") if process.name == "lftp" else []:
        for word in text.replace(";", " ").split():
            if "://" in word or re.match(r"[\w.\-]+\.\w+$", word):
                process.fetch(word)
    return HOLE


# -- Python packages -------------------------------------------------------------------------------

_PIP_LETTERS = "rcefitbdwpqU"
_PIP_LONGS = (
    "requirement",
    "constraint",
    "editable",
    "index-url",
    "extra-index-url",
    "find-links",
    "target",
    "build",
    "src",
    "platform",
    "python-version",
    "implementation",
    "abi",
    "root",
    "prefix",
    "upgrade-strategy",
    "install-option",
    "global-option",
    "config-settings",
    "no-binary",
    "only-binary",
    "progress-bar",
    "report",
    "python",
    "log",
    "proxy",
    "retries",
    "timeout",
    "exists-action",
    "trusted-host",
    "cert",
    "client-cert",
    "cache-dir",
    "dest",
    "wheel-dir",
    "user-agent",
    "override",
    "with",
    "from",
    "group",
    "extra",
    "index",
    "spec",
    "suffix",
    "keyring-provider",
    "resolution",
    "prerelease",
    "exclude-newer",
    "link-mode",
    "torch-backend",
    "project",
    "directory",
    "pip-args",
    "source",
    "dev-group",
)
_PIP_VERBS = frozenset(
    {
        "install",
        "download",
        "wheel",
        "add",
        "run",
        "inject",
        "sync",
        "require",
        "upgrade",
        "lock",
        "compile",
        "update",
        "i",
    }
)


def _pip(process: Process) -> str:
    """``pip``, ``uv``, ``pipx``, ``poetry``, ``pdm``, ``pipenv``, ``rye``, ``hatch``, ``easy_install``."""
    process.announce()
    name = process.name
    arguments = list(process.arguments)
    if name in ("uvx", "easy_install", "pip-run"):
        verb = "run" if name != "easy_install" else "install"
    else:
        verb = ""
        while arguments:
            word = arguments[0]
            if word.startswith("-"):
                takes = word.lstrip("-") in _PIP_LONGS or word in ("-p", "-C")
                arguments = arguments[2:] if takes and "=" not in word else arguments[1:]
                continue
            arguments = arguments[1:]
            verb = word
            if word in ("pip", "tool", "self", "cache", "python") and name in ("uv", "rye", "uvx", "pdm"):
                continue
            break
    if name == "pip" and verb == "config" and arguments[:1] == ["set"] and len(arguments) > 2:
        section, _, key = arguments[-2].partition(".")
        process.write(_PIP_SETTINGS[0], f"[{section}]\n{key} = {arguments[-1]}\n", append=True)
    if verb not in _PIP_VERBS:
        return HOLE
    if verb in ("sync", "lock", "install", "update") and name != "pip":
        _project(process, ".")
    if verb == "run":
        return _pip_run(process, arguments)
    options, operands = _pip_options(arguments)
    if name == "pip":
        options += _pip_settings(process)
    for path in _all(options, "r", "requirement", "requirements"):
        _requirements(process, path)
    for path in _all(options, "c", "constraint"):
        if "://" in path:
            process.fetch(path)
    for url in _all(
        options, "i", "index-url", "extra-index-url", "f", "find-links", "proxy", "index", "source"
    ):
        if "://" in url:
            process.fetch(url)
    for spec in [*operands, *_all(options, "e", "editable", "with", "from", "spec")]:
        _requirement(process, spec)
    return HOLE


_PIP_SETTINGS = ("~/.config/pip/pip.conf", "~/.pip/pip.conf", "/etc/pip.conf")
_PIP_SETTING = re.compile(
    r"^\s*(requirement|constraint|editable|index-url|extra-index-url)\s*=\s*(.+)$", re.MULTILINE
)


def _pip_settings(process: Process) -> list[tuple[str, str]]:
    """Options of pip out of ``PIP_…`` variables and out of configuration files that the session wrote."""
    environ = process.environ
    found = [
        (name, environ[variable])
        for name, variable in (("requirement", "PIP_REQUIREMENT"), ("editable", "PIP_EDITABLE"))
        if variable in environ
    ]
    for path in (environ.get("PIP_CONFIG_FILE", ""), *_PIP_SETTINGS) if process.state.files else ():
        found += _PIP_SETTING.findall(process.read(path) or "" if path else "")
    return [(name, word) for name, value in found for word in value.split()]


def _pip_options(arguments: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    # -q, -U and the like take no value although uv and poetry reuse some of the letters.
    return split(arguments, _PIP_LETTERS.replace("q", "").replace("U", ""), _PIP_LONGS)


def _pip_run(process: Process, arguments: list[str]) -> str:
    """``uv run --with x cmd``, ``pipx run x``, ``poetry run cmd``: tools, then a command."""
    command: list[str] = []
    i = 0
    while i < len(arguments):
        word = arguments[i]
        if word == "--":
            command = arguments[i + 1 :]
            break
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            if name in _PIP_LONGS and not equals:
                value = arguments[i + 1] if i + 1 < len(arguments) else ""
                i += 1
            if name in ("with", "from", "spec") and value:
                for spec in value.split(","):
                    _requirement(process, spec)
            if word in ("-m", "--module"):
                command = ["python", "-m", *arguments[i + 1 :]]
                break
            i += 1
            continue
        command = arguments[i:]
        break
    if not command:
        return HOLE
    if script := _project_script(process, command[0]):
        return process.shell(script, f"{process.name} run {command[0]}")
    if process.name in ("uvx", "pipx", "pip-run"):
        # The command's name is the package's.
        _requirement(process, command[0].split("@")[0] if "://" not in command[0] else command[0])
        command[0] = naming.requirement(command[0]).name or command[0]
    if command[0].endswith(".py"):
        # Dependencies may stand in the script itself (PEP 723).
        block = re.search(r"^# /// script\n(.*?)^# ///", process.read(command[0]) or "", re.S | re.M)
        for spec in re.findall(r"[\"']([^\"']+)[\"']", block.group(1)) if block else ():
            _requirement(process, spec)
        return process.run(["python", *command])
    return process.run(command)


def _project_script(process: Process, name: str) -> str:
    """Find the command that the project's own file calls ``name``."""
    for path in ("pyproject.toml", "Pipfile") if process.state.files else ():
        found = re.search(
            rf"^[\"']?{re.escape(name)}[\"']?\s*=\s*(?:\{{\s*(?:cmd|shell)\s*=\s*)?(\"[^\"\n]+|'[^'\n]+)",
            process.read(path) or "",
            re.MULTILINE,
        )
        if found:
            return found.group(1)[1:]
    return ""


def _requirement(process: Process, spec: str) -> None:
    """One thing that is asked of a Python installer."""
    spec = spec.strip().strip("'\"")
    if not spec or spec.startswith("-"):
        return
    if spec.startswith((".", "/", "~")):
        _project(process, spec.split("[")[0])
    file = process.file(spec.split("[")[0]) if "://" not in spec and process.state.files else None
    if file is not None and ("/" in spec or spec.startswith(".") or "." in spec):
        emit_source(file.source, process.state, process.origin, spec)
        if (found := naming.requirement(spec)).name and spec.endswith((".whl", ".tar.gz", ".zip")):
            process.package("pypi", found.name)
        return
    found = naming.requirement(spec)
    if found.url:
        url = found.url
        if url.startswith(("git+", "hg+", "svn+", "bzr+", "git@", "ssh://")):
            _git_fetch(process, url, _git_config(process))
        else:
            process.fetch(url)
        repository = naming.repository_of(url)
        if not found.name and repository:
            # `pip install git+https://host/o/name` installs, most of the time, a package of that name.
            process.package("pypi", repository.rsplit("/", 1)[-1])
    if found.name:
        process.package("pypi", found.name)


def _project(process: Process, folder: str) -> None:
    """Install a folder of the session: its ``setup.py`` runs, its dependencies come along."""
    if not process.state.files:
        return
    base = folder.rstrip("/") + "/"
    setup = process.read(base + "setup.py")
    if setup:
        process.python(setup, f"file {base}setup.py")
    for dependencies in re.findall(
        r"^\s*(?:dependencies|requires|\w+)\s*=\s*\[(.*?)\]",
        process.read(base + "pyproject.toml") or "",
        re.S | re.M,
    ):
        for spec in re.findall(r"[\"']([^\"']+)[\"']", dependencies)[:500]:
            _requirement(process, spec)
    for path in ("pyproject.toml", "Pipfile", "pixi.toml"):
        for section in _DEPENDENCIES.findall(process.read(base + path) or ""):
            for name, value in re.findall(r"^[\"']?([\w.\-]+)[\"']?\s*=\s*([^\n]*)", section, re.M)[:500]:
                located = re.search(r"\b(?:git|url)\s*=\s*[\"']([^\"']+)", value)
                if located and ".git" in value:
                    _git_fetch(process, located.group(1), _git_config(process))
                elif located:
                    process.fetch(located.group(1))
                if name != "python":
                    process.package("pypi", name)
    for line in (process.read(base + "setup.cfg") or "").partition("install_requires")[2].splitlines()[1:200]:
        if not line.startswith((" ", "\t")):
            break
        _requirement(process, line)


#: Tables of names in poetry's and pipenv's files.
_DEPENDENCIES = re.compile(
    r"^\[(?:tool\.poetry(?:\.group\.[\w\-]+)?\.(?:dev-)?dependencies|(?:dev-)?packages|(?:tool\.pixi\.)?pypi-dependencies)\][^\n]*\n((?:(?!\[)[^\n]*\n?)*)",
    re.MULTILINE,
)


def _requirements(process: Process, path: str, depth: int = 0) -> None:
    """``-r file``: of a file that the session wrote, or an address."""
    if "://" in path:
        process.fetch(path)
        return
    file = process.file(path)
    if file is not None:
        emit_source(file.source, process.state, process.origin, path)
    text = process.read(path)
    if text is None:
        return
    origin = process.origin
    process.origin = origin._replace(provenance=(*origin.provenance, f"file {path}"))
    for line in re.sub(r"\\\n", "", text).splitlines()[:2000]:
        process.state.budget.spend()
        line = re.sub(r"(?:^|\s)#.*", "", line).strip()
        include = re.match(r"(?:-r|--requirement|-c|--constraint)[ =]?\s*(\S+)", line)
        if include and depth < 4:
            _requirements(process, include.group(1), depth + 1)
        elif line.startswith(("-e", "--editable")):
            _requirement(process, re.sub(r"^(?:-e|--editable)[ =]?\s*", "", line))
        elif line.startswith("-"):
            for url in re.findall(r"https?://\S+", line):
                process.fetch(url)
        elif line:
            _requirement(process, line.split(" --hash")[0])
    process.origin = origin


_CONDA_LETTERS = "npcfe"
_CONDA_LONGS = (
    "name",
    "prefix",
    "channel",
    "file",
    "revision",
    "repodata-fn",
    "solver",
    "subdir",
    "platform",
    "environment-spec",
    "root-prefix",
    "rc-file",
)


def _conda(process: Process) -> str:
    process.announce()
    options, operands = split(process.arguments, _CONDA_LETTERS, _CONDA_LONGS)
    verb = operands[0] if operands else ""
    if verb == "run":
        command = process.arguments[process.arguments.index("run") + 1 :]
        while command and command[0].startswith("-"):
            command = (
                command[2:] if command[0] in ("-n", "-p", "--name", "--prefix", "--cwd") else command[1:]
            )
        return process.run(command) if command else HOLE
    if verb in ("env", "create", "install", "add", "update", "upgrade", "i", "global"):
        packages = operands[1:]
        while packages[:1] and packages[0] in ("create", "update", "install", "add"):
            packages = packages[1:]
        for url in _all(options, "c", "channel"):
            if "://" in url:
                process.fetch(url)
        if process.name == "pixi" and not packages:
            _project(process, ".")
        pypi = any(name == "pypi" for name, _ in options)
        for spec in packages:
            _requirement(process, spec) if pypi else _conda_spec(process, spec)
        for path in _all(options, "f", "file") or (["environment.yml"] if verb == "env" else []):
            _conda_file(process, path)
    return HOLE


def _conda_spec(process: Process, spec: str) -> None:
    if "://" in spec:
        process.fetch(spec)
        return
    name = re.split(r"[=<>!\[ ~]", spec.rsplit("::", 1)[-1])[0]
    if name and name != "base":
        process.package("conda", name)


def _conda_file(process: Process, path: str) -> None:
    if "://" in path:
        process.fetch(path)
        return
    in_pip = False
    for line in (process.read(path) or "").splitlines()[:1000]:
        item = re.match(r"(\s*)-\s+[\"']?([^\"'#]+)", line)
        if item is None:
            if (
                line.strip()
                and not line.startswith((" ", "#", "name", "channels", "dependencies", "prefix"))
                and path.endswith(".txt")
            ):
                _conda_spec(process, line.strip())
            continue
        spec = item.group(2).strip()
        if spec.startswith("pip:"):
            in_pip = True
            indent = len(item.group(1))
            continue
        if in_pip and len(item.group(1)) > indent:
            _requirement(process, spec)
        else:
            in_pip = False
            if not re.match(r"https?:|conda-forge$|defaults$|nvidia$|pytorch$", spec):
                _conda_spec(process, spec)


# -- system and language packages ------------------------------------------------------------------

#: Installers with plain names: ecosystem, verbs, one-letter options with a value, long options with a value.
_INSTALLERS: dict[str, tuple[str, frozenset[str], str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("apt", "apt-get", "aptitude", "apt-fast", "nala", "apt-cyg"),
        (
            "apt",
            frozenset({"install", "build-dep", "source", "download", "reinstall", "satisfy", "full-upgrade"}),
            "oct",
            ("option", "config-file", "default-release", "target-release"),
        ),
    ),
    **dict.fromkeys(
        ("yum", "dnf", "microdnf", "zypper", "tdnf", "urpmi"),
        (
            "rpm",
            frozenset({"install", "in", "reinstall", "localinstall", "groupinstall", "download"}),
            "cxR",
            ("enablerepo", "disablerepo", "repo", "config", "installroot"),
        ),
    ),
    "apk": ("apk", frozenset({"add", "fetch"}), "Xpt", ("repository", "root", "virtual")),
    "pacman": ("pacman", frozenset(), "brf", ("config", "root", "dbpath")),
    "yay": ("pacman", frozenset(), "", ()),
    "snap": ("snap", frozenset({"install", "download", "try"}), "", ("channel",)),
    "flatpak": ("flatpak", frozenset({"install", "run"}), "", ("arch",)),
    "brew": ("brew", frozenset({"install", "reinstall", "fetch", "cask"}), "", ()),
    "port": ("port", frozenset({"install"}), "", ()),
    "nix-env": ("nix", frozenset(), "fp", ("attr",)),
    "nix-shell": ("nix", frozenset(), "", ("run", "command")),
    "guix": ("guix", frozenset({"install"}), "", ()),
    "choco": ("choco", frozenset({"install"}), "", ()),
    "scoop": ("scoop", frozenset({"install"}), "", ()),
    "winget": ("winget", frozenset({"install"}), "", ()),
    "gem": (
        "gem",
        frozenset({"install", "i", "fetch"}),
        "vinPsg",
        ("version", "install-dir", "bindir", "source", "file"),
    ),
    "luarocks": ("luarocks", frozenset({"install"}), "", ("server", "tree")),
    "cpan": ("cpan", frozenset(), "jI", ()),
    "cpanm": ("cpan", frozenset(), "lLM", ("mirror", "local-lib")),
    "opam": ("opam", frozenset({"install"}), "", ()),
    "composer": ("composer", frozenset({"require", "create-project", "global"}), "d", ("working-dir",)),
    "dotnet": ("nuget", frozenset({"tool", "add"}), "", ("version", "tool-path")),
    "nuget": ("nuget", frozenset({"install"}), "", ()),
    "stack": ("hackage", frozenset({"install"}), "", ()),
    "cabal": ("hackage", frozenset({"install"}), "", ()),
    "mix": ("hex", frozenset({"archive.install", "escript.install"}), "", ()),
    "krew": ("krew", frozenset({"install"}), "", ()),
    "asdf": ("asdf", frozenset({"install", "plugin"}), "", ()),
    "spack": ("spack", frozenset({"install"}), "", ()),
    "arduino-cli": ("arduino", frozenset({"install"}), "", ()),
}


def _installer(process: Process) -> str:
    process.announce()
    ecosystem, verbs, letters, longs = _INSTALLERS[process.name]
    options, operands = split(process.arguments, letters, longs)
    for setting in _all(options, "o", "option"):
        # `-o APT::Update::Pre-Invoke::=cmd`, `-o DPkg::Pre-Install-Pkgs::=cmd` run programs.
        key, _, value = setting.partition("=")
        if "invoke" in key.lower() or "pre-install-pkgs" in key.lower():
            process.shell(value, f"{process.name} -o")
    if process.name == "composer" and operands[:1] in (["run"], ["run-script"]):
        return task_runner(process)
    for text in _all(options, "run", "command") if ecosystem == "nix" else ():
        process.shell(text, process.name)
    if verbs:
        if process.name in _MANIFESTS and operands[:1] == [_MANIFESTS[process.name][0]]:
            return _manifest(process)
        if not operands or operands[0] not in verbs:
            return HOLE
        operands = operands[1:]
    for url in _all(options, "source", "server", "repository", "X"):
        if "://" in url:
            process.fetch(url)
    for operand in operands:
        if operand in ("tool", "add", "package", "install", "global", "require"):
            continue
        file = (
            process.file(operand)
            if "/" in operand or operand.endswith((".deb", ".rpm", ".gem", ".apk"))
            else None
        )
        if file is not None:
            emit_source(file.source, process.state, process.origin, operand)
        if "://" in operand:
            process.fetch(operand)
            continue
        name = (
            operand.rsplit("/", 1)[-1]
            if operand.endswith((".deb", ".rpm", ".apk", ".pkg.tar.zst"))
            else operand
        )
        if operand.endswith((".deb", ".rpm", ".apk")):
            name = re.split(r"[_]|-\d", name[:-4])[0]
        elif ecosystem == "apt":
            if name.endswith("-") and len(name) > 1:
                continue  # `name-` removes
            name = re.split(r"[=/:]", name)[0].removesuffix("+")
        elif ecosystem == "nix":
            name = name.rsplit("#", 1)[-1].rsplit(".", 1)[-1]
        elif ecosystem not in ("composer", "brew"):
            name = re.split(r"[=<>~@]", name)[0]
        else:
            name = name.split(":")[0].split("@")[0]
        if name:
            process.package(ecosystem, name)
    return HOLE


#: Lists of packages in files: verb, file, a name in it, ecosystem.
_MANIFESTS = {
    "brew": ("bundle", "Brewfile", r"^\s*(?:brew|cask)\s*\(?\s*[\"']([^\"']+)", "brew"),
    "bundle": ("install", "Gemfile", r"^\s*gem\s*\(?\s*[\"']([^\"']+)", "gem"),
    "composer": ("install", "composer.json", r"\"([\w.\-]+/[\w.\-]+)\"\s*:", "composer"),
}


def _manifest(process: Process) -> str:
    """``brew bundle``, ``bundle install``: the packages that a file of the session lists."""
    _, path, pattern, ecosystem = _MANIFESTS["bundle" if process.name == "bundler" else process.name]
    options, _ = split(process.arguments, "", ("file", "gemfile"))
    text = process.read(_last(options, "file", "gemfile") or path)
    for name in re.findall(pattern, text or "", re.MULTILINE)[:500]:
        process.package(ecosystem, name)
    return HOLE


def _bundle(process: Process) -> str:
    process.announce()
    if process.arguments[:1] == ["exec"]:
        return process.run(process.arguments[1:], "bundle exec")
    return _manifest(process)


_NIX_LONGS = (
    "extra-experimental-features",
    "experimental-features",
    "profile",
    "store",
    "override-input",
    "priority",
)


def _nix(process: Process) -> str:
    """``nix run flake#name``, ``nix shell flake#name -c command``, ``nix profile install flake#name``."""
    process.announce()
    arguments = process.arguments
    end = next((i for i, each in enumerate(arguments) if each in ("--", "-c", "--command")), len(arguments))
    options, operands = split(arguments[:end], "IoEf", (*_NIX_LONGS, "expr", "file"))
    for text in _all(options, "E", "expr"):
        for found in re.finditer(r"\b(?:pkgs|nixpkgs>\s*\{\s*\})\)?\.([\w\-]+)", text):
            process.package("nix", found.group(1))
    for operand in operands[1:]:
        flake, _, name = operand.partition("#")
        forge = re.match(r"(github|gitlab):([\w.\-]+/[\w.\-]+)", flake)
        if forge:
            _git_fetch(process, f"https://{forge.group(1)}.com/{forge.group(2)}", [])
        elif "://" in flake:
            _git_fetch(process, flake.removeprefix("git+").removeprefix("tarball+"), [])
        if name:
            process.package("nix", name.rsplit(".", 1)[-1])
    command = arguments[end + 1 :] if arguments[end : end + 1] != ["--"] else []
    return process.run(command, "nix") if command else HOLE


def _registry_tool(process: Process) -> str:
    """``crane export image``, ``skopeo copy docker://image …``: images without a container."""
    process.announce()
    _, operands = split(process.arguments, "f", ("platform", "format", "override-os", "override-arch"))
    for operand in operands[1:]:
        if operand not in ("-", "pull", "export", "copy") and not re.match(
            r"(?:dir|oci|oci-archive|docker-archive|docker-daemon):", operand
        ):
            _image(process, operand)
    return HOLE


def _kubectl(process: Process) -> str:
    """``kubectl run name --image=x``, ``kubectl apply -f file``: the images that are started."""
    process.announce()
    end = process.arguments.index("--") if "--" in process.arguments else len(process.arguments)
    options, _ = split(process.arguments[:end], "fn", ("image", "filename", "namespace"))
    for name in _all(options, "image"):
        _image(process, name)
    for path in _all(options, "f", "filename"):
        if "://" in path:
            process.fetch(path)
        text = process.read(path) if "://" not in path else ""
        for name in re.findall(r"^[\s-]*image:\s*[\"']?([^\s\"']+)", text or "", re.MULTILINE)[:100]:
            _image(process, name)
    command = process.arguments[end + 1 :]
    return process.run(command, "kubectl") if command else HOLE


def _pip_tools(process: Process) -> str:
    """``pip-compile file -o file`` and ``pip-sync file``."""
    process.announce()
    compiles = process.name == "pip-compile"
    options, operands = split(process.arguments, "o", ("output-file", "extra-index-url", "index-url"))
    for path in operands or ["requirements.in" if compiles else "requirements.txt"]:
        _requirements(process, path)
        if compiles and (text := process.read(path)):
            target = _last(options, "o", "output-file") or path.removesuffix(".in") + ".txt"
            process.write(target, text, append=True)
    return HOLE


def _dpkg(process: Process) -> str:
    process.announce()
    options, operands = options_of(process.arguments)
    if "set-selections" in options:
        for name, state in re.findall(r"^(\S+)\s+(\w+)$", process.stdin.rest(), re.MULTILINE)[:500]:
            if state == "install":
                process.package("apt", name.split(":")[0])
    if {"i", "install", "x", "unpack", "U"} & options.keys():
        for path in operands:
            file = process.file(path)
            if file is not None:
                emit_source(file.source, process.state, process.origin, path)
            process.package(
                "apt",
                re.split(r"[_]|-\d", path.rsplit("/", 1)[-1].removesuffix(".deb").removesuffix(".rpm"))[0],
            )
    return HOLE


def _ppa(process: Process) -> str:
    """``add-apt-repository``: where packages will come from."""
    process.announce()
    for argument in process.arguments:
        if argument.startswith("ppa:"):
            process.fetch("https://ppa.launchpadcontent.net/" + argument[4:])
        for url in re.findall(r"https?://\S+", argument):
            process.fetch(url)
    return HOLE


_NPM_ADD = frozenset(
    {
        "install",
        "i",
        "in",
        "add",
        "ci",
        "isntall",
        "exec",
        "x",
        "dlx",
        "create",
        "init",
        "global",
        "link",
        "update",
        "up",
    }
)


def _npm(process: Process) -> str:
    """``npm``, ``pnpm``, ``yarn``, ``bun`` and the runners ``npx``, ``bunx``."""
    process.announce()
    name = process.name
    options, operands = split(
        process.arguments, "pcCw", ("package", "registry", "prefix", "call", "workspace", "cwd", "dir", "tag")
    )
    runner = name in ("npx", "bunx", "pnpx")
    if not runner:
        _npm_project(process, operands)
        if not operands or operands[0] not in _NPM_ADD:
            return HOLE
        runner = operands[0] in ("exec", "x", "dlx")
        operands = operands[1:]
        while operands[:1] and operands[0] in ("add", "install") and name == "yarn":
            operands = operands[1:]
    for text in _all(options, "c", "call"):
        process.shell(text, f"{name} -c")
    specs = _all(options, "package", *("p" if runner else ""))
    specs += operands[:1] if runner and not specs else [] if runner else operands
    for spec in specs:
        _npm_spec(process, spec)
    if runner and operands:
        inner = re.sub(r"(?<=.)@[^/]*$", "", operands[0]).rsplit("/", 1)[-1]
        start = process.arguments.index(operands[0]) if operands[0] in process.arguments else 0
        return process.run([inner, *process.arguments[start + 1 :]])
    return HOLE


def _npm_project(process: Process, operands: Sequence[str]) -> None:
    """``npm install``, ``npm run x``: what the session's own ``package.json`` asks for."""
    import json

    text = process.read("package.json") if process.state.files else None
    if not text:
        return
    try:
        project = json.loads(text)
        scripts = dict(project.get("scripts", {}))
        needed = {**project.get("dependencies", {}), **project.get("devDependencies", {})}
    except (ValueError, AttributeError, TypeError, RecursionError):
        return
    verb = operands[0] if operands else "install"
    if verb in ("install", "i", "ci", "add"):
        for name, spec in needed.items():
            located = any(mark in str(spec) for mark in ("/", "://"))
            _npm_spec(process, str(spec) if located else f"{name}@{spec}")
    wanted = {
        "run": operands[1:2],
        "run-script": operands[1:2],
        "install": ["preinstall", "install", "postinstall", "prepare"],
    }
    for name in wanted.get(verb, [verb]):
        for script in (f"pre{name}", name, f"post{name}") if verb != "install" else (name,):
            if isinstance(scripts.get(script), str):
                process.shell(scripts[script], "file package.json")


def _npm_spec(process: Process, spec: str) -> None:
    alias = re.match(r"(@?[^@]+)@npm:(.+)", spec)
    if alias:
        spec = alias.group(2)
    spec = spec.removeprefix("npm:")
    located = re.match(
        r"(?:[^/@]*@)?((?:git\+|https?://|git@|git://|github:|gitlab:|bitbucket:|gist:).*)", spec
    )
    if located:
        where = located.group(1)
        short = re.match(r"(github|gitlab|bitbucket|gist):(?!//)(.*)", where)
        if short:
            forge = {
                "github": "github.com",
                "gitlab": "gitlab.com",
                "bitbucket": "bitbucket.org",
                "gist": "gist.github.com",
            }[short.group(1)]
            where = f"https://{forge}/{short.group(2)}"
        _git_fetch(process, where, [])
        return
    if re.fullmatch(r"[\w.\-]+/[\w.\-]+(?:#.*)?", spec):
        _git_fetch(process, "https://github.com/" + spec.split("#")[0], [])
        return
    if spec.startswith((".", "/")):
        file = process.file(spec)
        if file is not None:
            emit_source(file.source, process.state, process.origin, spec)
        return
    name = re.sub(r"(?<=.)@.*$", "", spec)
    if name:
        process.package("npm", name)


def _cargo(process: Process) -> str:
    process.announce()
    options, operands = split(
        process.arguments,
        "jF",
        (
            "git",
            "path",
            "version",
            "vers",
            "branch",
            "tag",
            "rev",
            "root",
            "registry",
            "index",
            "features",
            "bin",
            "target",
            "profile",
        ),
    )
    verbs = [o for o in operands if not o.startswith("+")]
    if verbs[:1] and verbs[0] in ("install", "add", "binstall", "fetch", "i"):
        for url in _all(options, "git"):
            _git_fetch(process, url, [])
        for name in verbs[1:]:
            process.package("cargo", name.split("@")[0])
    return HOLE


def _go(process: Process) -> str:
    process.announce()
    options, operands = split(
        process.arguments, "opC", ("o", "C", "ldflags", "tags", "mod", "gcflags", "asmflags", "p")
    )
    verb, rest = (operands[0], operands[1:]) if operands else ("", [])
    if verb in ("install", "get", "run", "mod"):
        for path in rest[:1] if verb == "run" else rest:
            name = path.split("@")[0]
            if "." in name.split("/")[0] and "/" in name and not name.startswith((".", "/")):
                process.package("go", name)
                _git_fetch(process, "https://" + name.rstrip("."), [])
    if verb in ("run", "build"):
        from jupyter_tos_guard.inspection.shell.foreign import run_source_file

        for path in rest:
            if path.endswith(".go"):
                run_source_file(process, path, "go")
        if verb == "build":
            _built(process, _last(options, "o"), rest, "go")
    return HOLE


def _built(process: Process, target: str | None, sources: Sequence[str], language: str) -> None:
    """Remember that a compiled program does what its known source says."""
    for path in sources:
        file = process.file(path)
        if file is None:
            continue
        name = target or (path.rsplit("/", 1)[-1].rsplit(".", 1)[0] if language != "c" else "a.out")
        content = f"#!/usr/bin/{language}\n" + text_of(file.content) if file.content is not None else None
        process.write(name, content, source=file.source, executable=True)


def _compiler(process: Process) -> str:
    process.announce()
    options, operands = split(
        process.arguments, "oDILlxWOfgmsU", ("o", "include", "isystem", "std", "crate-type", "edition")
    )
    language = {
        "rustc": "rust",
        "ghc": "haskell",
        "nvcc": "c",
        "tcc": "c",
        "fpc": "pascal",
        "gfortran": "fortran",
    }.get(process.name, "c")
    if process.name == "tcc" and any(name == "r" for name, _ in options):
        from jupyter_tos_guard.inspection.shell.foreign import run_source_file

        for path in operands:
            run_source_file(process, path, "c")
    if "-" in process.arguments and (text := process.stdin.rest()).replace(HOLE, "").strip():
        process.write(_last(options, "o") or "a.out", f"#!/usr/bin/{language}\n{text}", executable=True)
    _built(process, _last(options, "o"), operands, language)
    return ""


# -- containers ------------------------------------------------------------------------------------

_DOCKER_LETTERS = "aceghlmpuvwft"
_DOCKER_LONGS = (
    "name",
    "volume",
    "publish",
    "env",
    "env-file",
    "workdir",
    "user",
    "entrypoint",
    "network",
    "net",
    "hostname",
    "memory",
    "cpus",
    "gpus",
    "device",
    "mount",
    "label",
    "restart",
    "shm-size",
    "ulimit",
    "add-host",
    "platform",
    "pull",
    "ipc",
    "pid",
    "runtime",
    "cap-add",
    "cap-drop",
    "security-opt",
    "log-driver",
    "dns",
    "link",
    "volumes-from",
    "tmpfs",
    "file",
    "tag",
    "build-arg",
    "target",
    "bind",
    "home",
    "pwd",
    "overlay",
    "contain",
    "scratch",
    "host",
    "config",
    "context",
    "execmode",
    "location",
    "kernel",
    "app",
    "dest",
    "project-name",
    "allow-root-dir",
)
_CONTAINER_RUN = frozenset({"from", "run", "create", "exec", "shell", "instance", "start"})


def _docker(process: Process) -> str:
    process.announce()
    options, operands = split(
        process.arguments,
        "H",
        ("host", "config", "context", "log-level", "insecure", "root", "namespace", "address", "file"),
    )
    verb = next((o for o in operands), "")
    if not verb:
        return HOLE
    if verb in ("container", "image", "instance"):
        operands = operands[1:]
        verb = operands[0] if operands else ""
    start = process.arguments.index(verb) if verb in process.arguments else 0
    rest = process.arguments[start + 1 :]
    letters = _DOCKER_LETTERS.replace("t", "") if verb in ("run", "create", "exec") else _DOCKER_LETTERS
    if process.name in ("singularity", "apptainer"):
        letters = "BHScWo"
    image_at, values = _first_operand(rest, letters, _DOCKER_LONGS)
    entrypoint = _last(values, "entrypoint")
    if verb in _CONTAINER_RUN or verb == "pull":
        words = rest[image_at:]
        if process.name in ("singularity", "apptainer") and verb in ("pull", "build"):
            words = [w for w in words if "://" in w] or words
        if verb == "instance" and words[:1] == ["start"]:
            words = words[1:]
        if not words:
            return HOLE
        _image(process, words[0])
        command = words[1:]
        if entrypoint:
            command = [*entrypoint.split(), *command]
        if (
            command
            and verb not in ("pull",)
            and not (process.name in ("singularity", "apptainer") and verb == "run")
        ):
            return process.run(command, f"{process.name} {verb}")
        return HOLE
    if verb in ("build", "buildx", "compose", "stack", "up", "load", "import"):
        _docker_files(process, options + values, rest)
    return HOLE


def _first_operand(
    arguments: Sequence[str], letters: str, longs: Iterable[str]
) -> tuple[int, list[tuple[str, str]]]:
    """Where the options end; the options."""
    i = 0
    names = frozenset(longs)
    options: list[tuple[str, str]] = []
    while i < len(arguments) and arguments[i].startswith("-") and arguments[i] != "-":
        argument = arguments[i]
        if argument == "--":
            i += 1
            break
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            if not equals and name in names and i + 1 < len(arguments):
                i += 1
                value = arguments[i]
            options.append((name, value))
        else:
            at = next((j for j, c in enumerate(argument[1:], 1) if c in letters), 0)
            if at:
                value = argument[at + 1 :]
                if not value and i + 1 < len(arguments):
                    i += 1
                    value = arguments[i]
                options.append((argument[at], value))
        i += 1
    return i, options


def _image(process: Process, name: str) -> None:
    if not name or name.startswith((".", "/")) or name.endswith((".sif", ".img")):
        file = process.file(name) if name else None
        if file is not None:
            emit_source(file.source, process.state, process.origin, name)
        return
    process.package("docker", name)
    found = re.match(r"(?:docker://|oras://)?ghcr\.io/([^:@]+)", name)
    if found:
        process.fetch("https://ghcr.io/v2/" + found.group(1))


def _docker_files(process: Process, options: list[tuple[str, str]], rest: Sequence[str]) -> None:
    for operand in rest:
        if "://" in operand or operand.startswith("git@"):
            _git_fetch(process, operand, [])
    named = _all(options, "f", "file") or [
        "Dockerfile",
        "Containerfile",
        "docker-compose.yml",
        "docker-compose.yaml",
        "compose.yml",
        "compose.yaml",
    ]
    for path in named:
        file = process.file(path)
        if file is None or file.content is None:
            continue
        text = re.sub(r"\\\n", " ", text_of(file.content))
        for found in re.finditer(
            r"^\s*(FROM|RUN|ADD|CMD|ENTRYPOINT|-?\s*image:|command:)\s+(.*)$", text, re.M | re.I
        ):
            word, value = found.group(1).lower(), found.group(2).strip()
            if word == "from" or word.endswith("image:"):
                _image(process, re.sub(r"^--\S+\s+", "", value).strip("'\"").split()[0])
            elif word == "add":
                for url in re.findall(r"(?:https?|git)://\S+|git@\S+", value):
                    process.fetch(url)
            elif value.startswith("["):
                process.run(re.findall(r"\"((?:\\.|[^\"])*)\"", value) or ["true"], path)
            else:
                process.shell(re.sub(r"^(?:--\S+\s+)+", "", value), f"file {path}")


# -- connections -----------------------------------------------------------------------------------

_SSH_LETTERS = "BbcDEeFIiJLlmOoPpQRSWw"


def _ssh(process: Process) -> str:
    """``ssh``, ``autossh``, ``mosh``, ``dropbear``'s ``dbclient``, ``et``, ``sshpass … ssh``."""
    arguments = process.arguments
    letters = _SSH_LETTERS + ("M" if process.name == "autossh" else "")
    at, options = _first_operand(arguments, letters, ("ssh", "port", "server", "client", "predict"))
    # ssh takes options after the host, too.
    host = arguments[at] if at < len(arguments) else ""
    after, more = _first_operand(arguments[at + 1 :], letters, ())
    options += more
    process.announce()
    command = arguments[at + 1 + after :]
    config = _ssh_config(process, host, _last(options, "F"))
    for name, value in [*options, *config]:
        _ssh_option(process, name, value)
    flags = {c for a in arguments[: at + 1 + after] if re.fullmatch(r"-[A-Za-z]+", a) for c in a[1:]}
    for flag in sorted(flags):
        process.emit(Kind.ARGUMENT, f"{process.name} -{flag}")
    target = next((value for name, value in config if name == "hostname"), "") or host
    if target:
        _connected(process, "ssh", target)
    if command:
        process.shell(" ".join(command), f"{process.name} {host}")
    elif (text := process.stdin.rest()).replace(HOLE, "").strip():
        process.shell(text, f"piped to {process.name} {host}")
    return HOLE


def _connected(process: Process, scheme: str, target: str) -> None:
    """Report the host of ``user@host``, ``host:port`` or an address."""
    if "://" in target:
        process.fetch(target)
        return
    process.fetch(f"{scheme}://" + target.rpartition("@")[2])


_FORWARDINGS = {"remoteforward": "R", "localforward": "L", "dynamicforward": "D", "tunnel": "w"}


def _ssh_option(process: Process, name: str, value: str) -> None:
    if name in "RLDwNJW" and len(name) == 1:
        process.emit(Kind.ARGUMENT, f"{process.name} -{name}")
        if value:
            process.emit(Kind.ARGUMENT, f"{process.name} {value}")
        if name == "J" and value:
            for hop in value.split(","):
                _connected(process, "ssh", hop)
        return
    key, _, text = (
        re.sub(r"\s*=\s*|\s+", "=", value.strip(), count=1).partition("=")
        if name == "o"
        else (name, "", value)
    )
    key = key.lower()
    if key in _FORWARDINGS:
        if text.lower() not in ("no", ""):
            process.emit(Kind.ARGUMENT, f"{process.name} -{_FORWARDINGS[key]}")
            process.emit(Kind.ARGUMENT, f"{process.name} {':'.join(text.split())}")
    elif key == "proxyjump" and text.lower() != "none":
        _connected(process, "ssh", text.split(",")[0])
    elif key in ("proxycommand", "localcommand", "knownhostscommand") and text.lower() != "none":
        process.shell(text.replace("%h", "localhost").replace("%p", "22"), f"{process.name} {key}")
    elif key == "remotecommand":
        process.shell(text, f"{process.name} remote command")


def _ssh_config(process: Process, host: str, path: str | None) -> list[tuple[str, str]]:
    """Options that a configuration written by the session gives ``host``."""
    from jupyter_tos_guard.inspection.shell.expansion import Pattern

    if not process.state.files:
        return []
    text = process.read(path or "~/.ssh/config")
    found: list[tuple[str, str]] = []
    applies = True
    for line in (text or "").splitlines()[:1000]:
        match = re.match(r"\s*(\w+)\s*[=\s]\s*\"?(.*?)\"?\s*$", line)
        if match is None:
            continue
        key, value = match.group(1).lower(), match.group(2)
        if key == "host":
            applies = any(Pattern(p).matches(host.rpartition("@")[2]) for p in value.split())
        elif applies:
            found.append((key, value))
    return found


def _copy_remote(process: Process) -> str:
    """``scp``, ``sftp``, ``rsync``: ``host:path`` operands."""
    process.announce()
    options, operands = split(
        process.arguments,
        "cFiJloPSXDTMeBfb",
        (
            "rsh",
            "exclude",
            "include",
            "filter",
            "bwlimit",
            "partial-dir",
            "port",
            "files-from",
            "password-file",
            "rsync-path",
        ),
    )
    for command in _all(options, "e", "rsh") if process.name == "rsync" else _all(options, "S", "D"):
        process.shell(
            command + " " + next((o.split(":")[0] for o in operands if ":" in o), ""), f"{process.name} -e"
        )
    for name, value in options:
        if name in ("o", "J") and process.name != "rsync":
            _ssh_option(process, name, value)
    remote = False
    for operand in operands:
        if "://" in operand:
            process.fetch(operand)
            remote = True
        elif found := re.match(
            r"(?:[^\s@:/]+@)?([\w.\-]+|\[[0-9a-f:]+\])::?(?!/)",
            operand + "x" if operand.endswith(":") else operand,
        ):
            process.fetch("ssh://" + found.group(1))
            remote = True
        elif found := re.match(r"(?:[^\s@:/]+@)([\w.\-]+)(?::.*)?$|([\w.\-]+):/", operand):
            process.fetch("ssh://" + (found.group(1) or found.group(2)))
            remote = True
        elif process.name == "sftp":
            _connected(process, "ssh", operand)
            remote = True
    if not remote and len(operands) > 1:
        for source in operands[:-1]:
            copy_file(source, operands[-1], process.state, process.origin)
    return HOLE


def _netcat(process: Process) -> str:
    """``nc``, ``ncat``, ``telnet``, ``socat``: hosts, ports, and the programs that they start."""
    if process.name == "socat":
        return _socat(process)
    process.announce()
    options, operands = split(
        process.arguments,
        "eciIGmMopqsTwWxXPVgS" if process.name == "nc" else "bceklnSXE",
        ("exec", "sh-exec", "lua-exec", "proxy", "proxy-type", "source-port", "source", "wait"),
    )
    for command in _all(options, "e", "c", "exec", "sh-exec") if process.name == "nc" else []:
        if command:
            process.shell(command, f"{process.name} -e", stdin=Stream(HOLE, piped=False))
    for proxy in _all(options, "x", "proxy"):
        process.fetch("tcp://" + proxy)
    listening = any(name in ("l", "listen") for name, _ in options)
    if operands and not listening:
        port = operands[1] if len(operands) > 1 else ""
        process.fetch(f"tcp://{operands[0]}" + (f":{port}" if port.isdigit() else ""))
    return HOLE


#: Addresses of socat that are on this computer only.
_SOCAT_LOCAL = frozenset(
    "- stdio stdin stdout stderr exec system shell fd file open create gopen pipe pty".split()
)


def _socat(process: Process) -> str:
    kinds = {
        each.partition(":")[0].partition(",")[0].lower() for each in process.arguments if each[:1] != "-"
    }
    process.announce(data=kinds <= _SOCAT_LOCAL)
    for address in process.arguments:
        kind, _, rest = address.partition(":")
        kind = kind.lower()
        if kind in ("exec", "system", "shell"):
            process.shell(rest.split(",")[0], "socat exec")
        elif (
            kind.startswith(("tcp", "udp", "openssl", "ssl", "socks", "proxy", "ws"))
            and "listen" not in kind
            and not kind.endswith("-l")
        ):
            host, _, port = rest.split(",")[0].partition(":")
            process.fetch(f"tcp://{host}" + (f":{port}" if port.isdigit() else ""))
    return HOLE


def _sshpass(process: Process) -> str:
    at, _ = _first_operand(process.arguments, "pfdP", ())
    return process.run(process.arguments[at:]) if at < len(process.arguments) else ""


# -- model and data hubs ---------------------------------------------------------------------------


def _hugging_face(process: Process) -> str:
    """``huggingface-cli download owner/name``, ``hf download``, ``modelscope download``."""
    process.announce()
    options, operands = split(
        process.arguments,
        "",
        (
            "repo-type",
            "revision",
            "include",
            "exclude",
            "cache-dir",
            "local-dir",
            "token",
            "model",
            "dataset",
            "local_dir",
            "type",
        ),
    )
    host = "modelscope.cn" if process.name == "modelscope" else "huggingface.co"
    names = [*operands[1:2], *_all(options, "model", "dataset")]
    for name in names:
        if operands[:1] != ["download"] or "/" not in name:
            continue
        kind = _last(options, "repo-type", "type") or ""
        folder = {"space": "spaces/", "dataset": "datasets/"}.get(kind, "")
        canonical = process.fetch(f"https://{host}/{folder}{name}")
        if kind != "space":
            process.package("huggingface", name)
        _came_from(
            process,
            _last(options, "local-dir", "local_dir") or name.rsplit("/", 1)[-1],
            naming.repository_of(canonical) or canonical,
        )
    return HOLE


def _kaggle(process: Process) -> str:
    process.announce()
    options, operands = split(process.arguments, "dpfc", ("dataset", "path", "file"))
    for name in [*_all(options, "d", "dataset"), *(o for o in operands if "/" in o)]:
        process.fetch(f"https://www.kaggle.com/{operands[0]}/{name}")
    return HOLE


def _ollama(process: Process) -> str:
    process.announce()
    operands = [a for a in process.arguments if not a.startswith("-")]
    if operands[:1] and operands[0] in ("pull", "run") and len(operands) > 1:
        process.package("ollama", operands[1].split(":")[0])
    return HOLE


def _cookiecutter(process: Process) -> str:
    process.announce()
    for argument in process.arguments:
        short = re.match(r"(gh|gl|bb):(.+)", argument)
        if short:
            forges = {"gh": "github.com", "gl": "gitlab.com", "bb": "bitbucket.org"}
            argument = f"https://{forges[short.group(1)]}/{short.group(2)}"
        if "://" in argument or argument.startswith("git@"):
            _git_fetch(process, argument, [])
    return HOLE


def _streamlit(process: Process) -> str:
    """``streamlit run file.py``, ``gradio file.py``, ``flask``, ``uvicorn``: servers that run a script."""
    process.announce()
    index = next((i for i, a in enumerate(process.arguments) if a.endswith(".py") or "://" in a), None)
    if index is None:
        return HOLE
    path = process.arguments[index]
    if "://" in path:
        process.fetch(path)
        return HOLE
    return run_python_file(process, path, process.arguments[index + 1 :])


HANDLERS: dict[str, Handler] = {
    "git": _git,
    "git-clone": lambda p: p.run(["git", "clone", *p.arguments]),
    "svn": _other_vcs,
    "svnlite": _other_vcs,
    "hg": _other_vcs,
    "bzr": _other_vcs,
    "brz": _other_vcs,
    "fossil": _other_vcs,
    "darcs": _other_vcs,
    "gh": _gh,
    "hub": _gh,
    "glab": _gh,
    "degit": _degit,
    "tiged": _degit,
    "giget": _degit,
    "gitget": _degit,
    "cookiecutter": _cookiecutter,
    "copier": _cookiecutter,
    "curl": _curl,
    "wget": _wget,
    "wget2": _wget,
    "aria2c": _aria2,
    **dict.fromkeys(_FETCHERS, _fetcher),
    **dict.fromkeys(
        (
            "pip",
            "uv",
            "uvx",
            "pipx",
            "poetry",
            "pdm",
            "pipenv",
            "rye",
            "hatch",
            "easy_install",
            "pip-run",
            "pip-tools",
        ),
        _pip,
    ),
    **dict.fromkeys(("pip-compile", "pip-sync"), _pip_tools),
    **dict.fromkeys(("kubectl", "oc", "microk8s.kubectl"), _kubectl),
    **dict.fromkeys(("conda", "mamba", "micromamba", "pixi", "conda-lock"), _conda),
    **dict.fromkeys(_INSTALLERS, _installer),
    "nix": _nix,
    **dict.fromkeys(("bundle", "bundler"), _bundle),
    **dict.fromkeys(
        ("crane", "gcrane", "skopeo", "oras", "regctl", "ctr", "crictl", "img", "ch-image"), _registry_tool
    ),
    "dpkg": _dpkg,
    "rpm": _dpkg,
    "gdebi": _dpkg,
    "add-apt-repository": _ppa,
    "apt-add-repository": _ppa,
    **dict.fromkeys(("npm", "npx", "pnpm", "pnpx", "yarn", "bun", "bunx", "yarnpkg"), _npm),
    "cargo": _cargo,
    "go": _go,
    **dict.fromkeys(
        (
            "gcc",
            "g++",
            "cc",
            "c++",
            "clang",
            "clang++",
            "tcc",
            "rustc",
            "nvcc",
            "ghc",
            "gfortran",
            "x86_64-linux-gnu-gcc",
        ),
        _compiler,
    ),
    **dict.fromkeys(
        (
            "docker",
            "podman",
            "udocker",
            "nerdctl",
            "singularity",
            "apptainer",
            "charliecloud",
            "buildah",
            "docker-compose",
            "podman-compose",
        ),
        _docker,
    ),
    **dict.fromkeys(("ssh", "autossh", "mosh", "dbclient", "et", "slogin"), _ssh),
    **dict.fromkeys(("scp", "sftp", "rsync"), _copy_remote),
    **dict.fromkeys(("nc", "telnet", "socat", "rlogin", "nc.traditional", "nc.openbsd"), _netcat),
    "sshpass": _sshpass,
    "huggingface-cli": _hugging_face,
    "hf": _hugging_face,
    "modelscope": _hugging_face,
    "kaggle": _kaggle,
    "ollama": _ollama,
    **dict.fromkeys(
        ("streamlit", "gradio", "panel", "voila", "chainlit", "flask", "uvicorn", "gunicorn"), _streamlit
    ),
}
