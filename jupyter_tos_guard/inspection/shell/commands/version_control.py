"""git and other version control: what is cloned, and by which other address."""

from __future__ import annotations

import re
from typing import NamedTuple

from jupyter_tos_guard.inspection import naming
from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.shell.options import split, value_of, values_of
from jupyter_tos_guard.inspection.shell.process import (
    Handler,
    Process,
    emit_source,
    fetch,
    mention_addresses,
    text_of,
)
from jupyter_tos_guard.inspection.state import File

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
    config = git_config(process)
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
            source = git_fetch(process, operand, config)
            if source and verb == "submodule" and operands[0] == "add":
                came_from(process, operands[2] if len(operands) > 2 else _git_folder(operand), source)
            elif source and verb == "remote":
                process.write(".git/config", f'[remote "{operands[1]}"]\n\turl = {operand}\n', append=True)
            elif source and verb == "subtree":
                came_from(process, value_of(options, "P", "prefix") or ".", source)
        if verb == "submodule" and operands[:1] != ["add"]:
            _git_modules(process, config)
        return ""
    if verb in ("pull", "fetch") and not any("/" in operand for operand in rest):
        # From a remote that was set up before.
        file = process.file(".git/config")
        for url in (
            re.findall(r"^\s*url\s*=\s*(\S+)", text_of(file.content), re.M) if file and file.content else []
        ):
            git_fetch(process, url, config)
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
        for operand in [*operands, *values_of(options, "remote", "reference")]:
            source = git_fetch(process, operand, config)
            if source and verb in ("pull", "svn", "fetch"):
                came_from(process, operands[-1] if verb == "svn" and operands[-1] != operand else ".", source)
    return HOLE


def git_config(process: Process) -> list[tuple[str, str]]:
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
    settings = _git_settings(process, path) if path else git_config(process)
    values = [value for name, value in settings if name.lower() == key.lower()]
    return values[-1] + "\n" if values else HOLE


def _git_set(process: Process, rest: list[str]) -> str:
    options, operands = split(rest, "ft", ("file", "type", "default"))
    if operands[:1] in (["set"], ["get"]):
        operands = operands[1:]
    path = value_of(options, "f", "file")
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


def git_fetch(process: Process, url: str, config: list[tuple[str, str]]) -> str:
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
    for setting in values_of(options, "c", "config"):
        key, _, value = setting.partition("=")
        config = [*config, (key, value)]
    for command in values_of(options, "u", "upload-pack"):
        process.shell(command, "git --upload-pack")
    if not operands:
        return ""
    source = git_fetch(process, operands[0], config)
    folder = operands[1] if len(operands) > 1 else _git_folder(_rewritten(operands[0], config))
    if source:
        came_from(process, folder, source)
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
            git_fetch(process, url, config)


def came_from(process: Process, folder: str, source: str) -> None:
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
        found = git_fetch(process, operand, [])
        if found:
            source = found
            name = operands[i + 1] if i + 1 < len(operands) else _git_folder(operand)
            came_from(process, name, found)
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
    for repository in values_of(options, "R", "repo"):
        _forge(process, repository, forge)
    verbs, rest = operands[:2], operands[2:]
    if process.name == "hub" and operands[:1] != ["api"]:
        verbs, rest = ["repo", operands[0] if operands else ""], operands[1:]
    if verbs[:1] == ["gist"] and rest:
        _forge(process, rest[0].rsplit("/", 1)[-1] if "://" in rest[0] else rest[0], "gist.github.com")
        came_from(process, rest[1] if len(rest) > 1 else rest[0], "gist.github.com/" + rest[0].lower())
    elif verbs[:1] == ["api"] and len(operands) > 1:
        _forge_api(process, operands[1], forge)
    elif verbs[:1] in (["repo"], ["extension"], ["codespace"], ["release"], ["workflow"], ["run"]) and rest:
        found = re.match(r"[\w.\-]+/[\w.\-]+$", rest[0]) or "://" in rest[0] or rest[0].startswith("git@")
        if (
            found
            and (source := _forge(process, rest[0], forge))
            and verbs[1:2] in (["clone"], ["fork"], ["install"])
        ):
            came_from(
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
    return git_fetch(process, url if "://" in url or "@" in url else "https://" + url, [])


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
            came_from(process, operands[1] if len(operands) > 1 else _git_folder(name), source)
    return HOLE


class _Manifest(NamedTuple):
    """How a tool lists repositories in a file."""

    files: str  # names that it reads by itself
    options: str  # options that give the file
    verbs: str  # verbs with which it fetches
    address: str  # regular expression of an address in it


_KEYED = r"^\s*[\"']?(?:-\s+)?[\"']?(?:url|uri|repo|repository|git)[\"']?\s*[:=]\s*[\"']?([^\s\"',]+)"
_MANIFESTS = {
    "vcs": _Manifest("", "input", "import validate", _KEYED),
    "west": _Manifest("west.yml manifest/west.yml", "mf", "init update", _KEYED),
    "gclient": _Manifest(
        ".gclient DEPS",
        "gclientfile",
        "sync config fetch",
        r"[\"'](?:url[\"']\s*:\s*[\"'])?((?:https?|git|ssh)://[^\s\"']+)",
    ),
    "mr": _Manifest(
        ".mrconfig ~/.mrconfig", "c config", "checkout co update up bootstrap", r"^\s*checkout\s*=\s*(.+)$"
    ),
    "wstool": _Manifest(".rosinstall", "", "init update up merge", _KEYED),
    "gitman": _Manifest("gitman.yml .gitman.yml", "", "install update", _KEYED),
    "tsrc": _Manifest("manifest.yml", "", "init sync", _KEYED),
    "gita": _Manifest("", "from-file f", "clone", r"^([^\s,]+://[^\s,]+)"),
    "ghorg": _Manifest("", "target-repos-path", "clone", r"(\S+://\S+)"),
    "peru": _Manifest("peru.yaml", "file", "sync", _KEYED),
    "ansible-galaxy": _Manifest(
        "requirements.yml",
        "r role-file requirements-file",
        "install",
        r"\b(?:src|source|name):\s*[\"']?(\S+?://[^\s\"']+)",
    ),
}


def _of_manifest(process: Process) -> str:
    """``vcs import < file``, ``west update``, ``gclient sync``: the repositories that a file lists."""
    process.announce()
    mention_addresses(process)
    spec = _MANIFESTS[process.name]
    valued = spec.options.split()
    options, operands = split(
        process.arguments, "".join(each for each in valued if len(each) == 1) + "wj", valued
    )
    if not set(operands) & set(spec.verbs.split()):
        return HOLE
    paths = values_of(options, *valued) or [each for each in operands[1:] if process.file(each) is not None]
    for path in paths or ["-", *spec.files.split()]:
        if "://" in path:
            process.fetch(path)
            continue
        text = (process.read(path) or "")[: 1 << 16]
        for found in re.findall(spec.address, text, re.MULTILINE)[:200]:
            if process.name == "mr":
                process.shell(found.strip("\"' "), f"file {path}")
            else:
                git_fetch(process, found, [])
        _from_bases(process, text)
    return HOLE


def _from_bases(process: Process, text: str) -> None:
    """Report repositories of which a list names the folder above and the name apart, as ``west`` does."""
    bases = dict(re.findall(r"name:\s*(\S+)\s+url-base:\s*(\S+)", text))
    default = re.search(r"remote:\s*(\S+)", text)
    for name, rest in re.findall(r"^\s*-\s*name:\s*(\S+)((?:\n[ \t]+[^-\s][^\n]*)*)", text, re.MULTILINE)[
        :200
    ]:
        remote = re.search(r"remote:\s*(\S+)", rest) or default
        base = bases.get(remote.group(1)) if remote else None
        path = re.search(r"repo-path:\s*(\S+)", rest)
        if base and "url" not in rest and name not in bases:
            git_fetch(process, f"{base}/{path.group(1) if path else name}", [])


def _repo(process: Process) -> str:
    """``repo sync``: projects of a manifest, each below the address of its remote."""
    process.announce()
    mention_addresses(process)
    options, _ = split(process.arguments, "umb", ("manifest-url", "manifest-name", "manifest-branch"))
    for url in values_of(options, "u", "manifest-url"):
        git_fetch(process, url, [])
    name = next(iter(values_of(options, "m", "manifest-name")), "default.xml")
    for path in (name, f".repo/manifests/{name}", ".repo/manifest.xml", ".repo/local_manifests/local.xml"):
        text = (process.read(path) or "")[: 1 << 16]
        bases = {
            _attribute(tag, "name"): _attribute(tag, "fetch")
            for tag in re.findall(r"<remote\s([^<>]*)", text)
        }
        default = re.search(r"<default\s([^<>]*)", text)
        for tag in re.findall(r"<project\s([^<>]*)", text)[:200]:
            remote = _attribute(tag, "remote") or (_attribute(default.group(1), "remote") if default else "")
            base = bases.get(remote) or next(iter(bases.values()), "")
            if base:
                git_fetch(process, f"{base.rstrip('/')}/{_attribute(tag, 'name')}", [])
    return HOLE


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"\b{name}\s*=\s*[\"']([^\"']*)", tag)
    return found.group(1) if found else ""


HANDLERS: dict[str, Handler] = {
    "git": _git,
    **dict.fromkeys(_MANIFESTS, _of_manifest),
    "repo": _repo,
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
}
