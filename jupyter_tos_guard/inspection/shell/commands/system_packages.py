"""Packages of the system and of other languages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.shell.commands.containers import image
from jupyter_tos_guard.inspection.shell.commands.macros import definitions, preprocessed
from jupyter_tos_guard.inspection.shell.commands.python_packages import requirements
from jupyter_tos_guard.inspection.shell.commands.version_control import git_fetch
from jupyter_tos_guard.inspection.shell.options import options_of, split, value_of, values_of
from jupyter_tos_guard.inspection.shell.process import (
    Handler,
    Process,
    emit_source,
    text_of,
)
from jupyter_tos_guard.inspection.shell.wrappers import (
    task_runner,
)
from jupyter_tos_guard.inspection.state import File

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
    for setting in values_of(options, "o", "option"):
        # `-o APT::Update::Pre-Invoke::=cmd`, `-o DPkg::Pre-Install-Pkgs::=cmd` run programs.
        key, _, value = setting.partition("=")
        if "invoke" in key.lower() or "pre-install-pkgs" in key.lower():
            process.shell(value, f"{process.name} -o")
    if process.name == "composer" and operands[:1] in (["run"], ["run-script"]):
        return task_runner(process)
    for text in values_of(options, "run", "command") if ecosystem == "nix" else ():
        process.shell(text, process.name)
    if verbs:
        if process.name in _MANIFESTS and operands[:1] == [_MANIFESTS[process.name][0]]:
            return _manifest(process)
        if not operands or operands[0] not in verbs:
            return HOLE
        operands = operands[1:]
    for url in values_of(options, "source", "server", "repository", "X"):
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
            _needed(process, file)
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
            name = _apt_name(name)
        elif ecosystem == "nix":
            name = name.rsplit("#", 1)[-1].rsplit(".", 1)[-1]
        elif ecosystem not in ("composer", "brew"):
            name = re.split(r"[=<>~@]", name)[0]
        else:
            name = name.split(":")[0].split("@")[0]
        if name:
            process.package(ecosystem, name)
    return HOLE


#: What apt's patterns and the signs of regular expressions say around a name.
_APT_PATTERN = re.compile(r"(?:\?(?:exact-)?name\(|~n)\s*([^()|&!?~\s]+)")
_APT_SIGNS = re.compile(r"\[(\w)\]|\\([.+\-])|[\^$]")


def _apt_name(operand: str) -> str:
    """Name in ``name/stable``, ``name=1.2``, ``?exact-name(name)``, ``~n^name$``, ``nam[e]``."""
    if pattern := _APT_PATTERN.search(operand):
        operand = pattern.group(1)
    operand = _APT_SIGNS.sub(lambda found: found.group(1) or found.group(2) or "", operand)
    return re.split(r"[=/:]", operand)[0].removesuffix("+")


def _needed(process: Process, package: File) -> None:
    """Report what the control file of a package says that is installed along with it."""
    text = text_of(package.content) if package.content is not None else ""
    for names in re.findall(r"^(?:Pre-Depends|Depends|Recommends):((?:.*\n?[ \t]+)*.*)$", text, re.MULTILINE)[
        :20
    ]:
        for name in re.split(r"[,|]", names)[:200]:
            if found := re.match(r"\s*([\w.+\-]+)", name):
                process.package("apt", found.group(1))


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
    text = process.read(value_of(options, "file", "gemfile") or path)
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
    for text in values_of(options, "E", "expr"):
        for found in re.finditer(r"\b(?:pkgs|nixpkgs>\s*\{\s*\})\)?\.([\w\-]+)", text):
            process.package("nix", found.group(1))
    for operand in operands[1:]:
        flake, _, name = operand.partition("#")
        forge = re.match(r"(github|gitlab):([\w.\-]+/[\w.\-]+)", flake)
        if forge:
            git_fetch(process, f"https://{forge.group(1)}.com/{forge.group(2)}", [])
        elif "://" in flake:
            git_fetch(process, flake.removeprefix("git+").removeprefix("tarball+"), [])
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
            image(process, operand)
    return HOLE


def _kubectl(process: Process) -> str:
    """``kubectl run name --image=x``, ``kubectl apply -f file``: the images that are started."""
    process.announce()
    end = process.arguments.index("--") if "--" in process.arguments else len(process.arguments)
    options, _ = split(process.arguments[:end], "fn", ("image", "filename", "namespace"))
    for name in values_of(options, "image"):
        image(process, name)
    for path in values_of(options, "f", "filename"):
        if "://" in path:
            process.fetch(path)
        text = process.read(path) if "://" not in path else ""
        for name in re.findall(r"^[\s-]*image:\s*[\"']?([^\s\"']+)", text or "", re.MULTILINE)[:100]:
            image(process, name)
    command = process.arguments[end + 1 :]
    return process.run(command, "kubectl") if command else HOLE


def _pip_tools(process: Process) -> str:
    """``pip-compile file -o file`` and ``pip-sync file``."""
    process.announce()
    compiles = process.name == "pip-compile"
    options, operands = split(process.arguments, "o", ("output-file", "extra-index-url", "index-url"))
    for path in operands or ["requirements.in" if compiles else "requirements.txt"]:
        requirements(process, path)
        if compiles and (text := process.read(path)):
            target = value_of(options, "o", "output-file") or path.removesuffix(".in") + ".txt"
            process.write(target, text, append=True)
    return HOLE


def _dpkg(process: Process) -> str:
    process.announce()
    options, operands = options_of(process.arguments)
    if "set-selections" in options:
        for name, state in re.findall(r"^(\S+)\s+(\w+)$", process.stdin.rest(), re.MULTILINE)[:500]:
            if state == "install":
                process.package("apt", name.split(":")[0])
    if {"b", "build"} & options.keys() and operands:
        control = process.read(f"{operands[0].rstrip('/')}/DEBIAN/control")
        target = operands[1] if len(operands) > 1 else operands[0].rstrip("/") + ".deb"
        process.write(target, control)
    if {"i", "install", "x", "unpack", "U"} & options.keys():
        for path in operands:
            file = process.file(path)
            if file is not None:
                emit_source(file.source, process.state, process.origin, path)
                _needed(process, file)
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
    for text in values_of(options, "c", "call"):
        process.shell(text, f"{name} -c")
    specs = values_of(options, "package", *("p" if runner else ""))
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
        git_fetch(process, where, [])
        return
    if re.fullmatch(r"[\w.\-]+/[\w.\-]+(?:#.*)?", spec):
        git_fetch(process, "https://github.com/" + spec.split("#")[0], [])
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
    if verbs[:1] and verbs[0] in ("init", "new"):
        folder = verbs[1] + "/" if verbs[1:] else ""
        process.write(f"{folder}Cargo.toml", "[package]\n\n[dependencies]\n")
    elif verbs[:1] and verbs[0] in _CARGO_FETCHING:
        _cargo_manifest(process)
    if verbs[:1] and verbs[0] in ("install", "add", "binstall", "fetch", "i"):
        for url in values_of(options, "git"):
            git_fetch(process, url, [])
        for name in verbs[1:]:
            process.package("cargo", name.split("@")[0])
    return HOLE


_CARGO_FETCHING = frozenset(
    "fetch build b check c run r test t bench update generate-lockfile vendor tree metadata doc".split()
)
_CARGO_NEEDED = re.compile(
    r"^\s*([\w\-]+)\s*=\s*(?:\"|\{)([^\n]*)|^\s*\[dependencies\.([\w\-]+)\]", re.MULTILINE
)


def _cargo_manifest(process: Process) -> None:
    """Report what the session's own ``Cargo.toml`` needs: packages and repositories."""
    text = process.read("Cargo.toml") if process.state.files else None
    for part in re.split(r"^(?=\s*\[)", text or "", flags=re.MULTILINE)[:200]:
        if not re.match(r"\s*\[[^\]\n]*dependencies", part):
            continue
        for url in re.findall(r"\bgit\s*=\s*[\"']([^\"'\n]+)", part)[:200]:
            git_fetch(process, url, [])
        for name, value, named in _CARGO_NEEDED.findall(part)[:500]:
            if name in ("git", "version", "package", "branch", "tag", "rev", "path", "features"):
                continue
            package = re.search(r"\bpackage\s*=\s*[\"']([\w\-]+)", value)
            process.package("cargo", package.group(1) if package else name or named)


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
                git_fetch(process, "https://" + name.rstrip("."), [])
    if verb in ("run", "build"):
        from jupyter_tos_guard.inspection.shell.foreign import run_source_file

        for path in rest:
            if path.endswith(".go"):
                run_source_file(process, path, "go")
        if verb == "build":
            _built(process, value_of(options, "o"), rest, "go")
    return HOLE


def _built(
    process: Process, target: str | None, sources: Sequence[str], language: str, before: str = ""
) -> None:
    """Remember that a compiled program does what its known source says."""
    for path in sources:
        file = process.file(path)
        if file is None:
            continue
        name = target or (path.rsplit("/", 1)[-1].rsplit(".", 1)[0] if language != "c" else "a.out")
        content = (
            f"#!/usr/bin/{language}\n{before}{text_of(file.content)}" if file.content is not None else None
        )
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
        process.write(value_of(options, "o") or "a.out", f"#!/usr/bin/{language}\n{text}", executable=True)
    if any(name == "E" for name, _ in options):
        return preprocessed(process, options, operands)
    given = "".join(f"#define {name} {value}\n" for name, value in definitions(options).items())
    _built(process, value_of(options, "o"), operands, language, given)
    return ""


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(("pip-compile", "pip-sync"), _pip_tools),
    **dict.fromkeys(("kubectl", "oc", "microk8s.kubectl"), _kubectl),
    **dict.fromkeys(_INSTALLERS, _installer),
    "nix": _nix,
    **dict.fromkeys(("bundle", "bundler"), _bundle),
    **dict.fromkeys(
        ("crane", "gcrane", "skopeo", "oras", "regctl", "ctr", "crictl", "img", "ch-image"), _registry_tool
    ),
    "dpkg": _dpkg,
    "dpkg-deb": _dpkg,
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
}
