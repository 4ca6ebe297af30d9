"""pip, conda and their kin, and the files that list packages for them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jupyter_tos_guard.inspection import naming
from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.shell.commands.version_control import git_config, git_fetch
from jupyter_tos_guard.inspection.shell.options import split, values_of
from jupyter_tos_guard.inspection.shell.process import (
    Handler,
    Process,
    emit_source,
)

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
    for path in values_of(options, "r", "requirement", "requirements"):
        requirements(process, path)
    for path in values_of(options, "c", "constraint"):
        if "://" in path:
            process.fetch(path)
    for url in values_of(
        options, "i", "index-url", "extra-index-url", "f", "find-links", "proxy", "index", "source"
    ):
        if "://" in url:
            process.fetch(url)
    for spec in [*operands, *values_of(options, "e", "editable", "with", "from", "spec")]:
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
            git_fetch(process, url, git_config(process))
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
                    git_fetch(process, located.group(1), git_config(process))
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


def requirements(process: Process, path: str, depth: int = 0) -> None:
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
            requirements(process, include.group(1), depth + 1)
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
        for url in values_of(options, "c", "channel"):
            if "://" in url:
                process.fetch(url)
        if process.name == "pixi" and not packages:
            _project(process, ".")
        pypi = any(name == "pypi" for name, _ in options)
        for spec in packages:
            _requirement(process, spec) if pypi else _conda_spec(process, spec)
        for path in values_of(options, "f", "file") or (["environment.yml"] if verb == "env" else []):
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


HANDLERS: dict[str, Handler] = {
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
    **dict.fromkeys(("conda", "mamba", "micromamba", "pixi", "conda-lock"), _conda),
}
