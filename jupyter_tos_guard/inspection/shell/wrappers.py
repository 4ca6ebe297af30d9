"""Programs that run other programs, and programs that give files other names.

Shells, interpreters, ``sudo`` and its kin, ``xargs``, schedulers, terminals, ``make``; copying, moving,
linking, unpacking. A wrapper is peeled off; what it runs is looked at in its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from jupyter_tos_guard.inspection.bounded_regex import MAX_FILLED, affordable, fill_in
from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.python.cell import source_text
from jupyter_tos_guard.inspection.shell.options import options_of
from jupyter_tos_guard.inspection.shell.process import (
    BIN_FOLDERS,
    Handler,
    Process,
    Stream,
    emit_source,
    execute,
    find_file,
    handlers,
    mention_addresses,
    nested,
    program_name,
    text_of,
)
from jupyter_tos_guard.inspection.shell.syntax import ansi_c
from jupyter_tos_guard.inspection.state import File, Origin, State

# -- shells ----------------------------------------------------------------------------------


def _shell(process: Process) -> str:
    """``bash -c text``, ``bash file``, ``bash -s``, ``… | bash``."""
    arguments = process.arguments
    startup = [each for name in ("BASH_ENV", "ENV") if (each := process.environ.get(name))]
    i = 0
    from_stdin = False
    while i < len(arguments):
        argument = arguments[i]
        if argument in ("--", "-"):
            i += 1
            break
        if argument.startswith("--"):
            if argument in ("--rcfile", "--init-file") and i + 1 < len(arguments):
                i += 1
                startup.append(arguments[i])
            elif argument == "--login":
                startup += _START_FILES["l"]
            i += 1
            continue
        if argument[:1] not in "-+" or len(argument) < 2:
            break
        for letter in argument[1:]:
            startup += _START_FILES.get(letter, ())
        if argument[0] == "-" and "c" in argument and i + 1 < len(arguments):
            rest = arguments[i + 1 :]
            # `bash -c -x text`: further options come before the text.
            while len(rest) > 1 and rest[0][:1] in ("-", "+"):
                rest = rest[1:]
            return _shell_text(process, rest[0], f"{process.name} -c", rest[1:], startup)
        from_stdin = from_stdin or "s" in argument
        i += 2 if argument[-1] in "oO" and argument[0] in "-+" else 1
    rest = arguments[i:]
    if rest and not from_stdin:
        return _shell_file(process, rest, startup)
    return _shell_stdin(process, rest, startup)


#: What shells read first, by the option that makes them interactive or a log-in shell.
_START_FILES = {
    "i": ("~/.bashrc", "~/.zshrc"),
    "l": ("~/.bash_profile", "~/.bash_login", "~/.profile", "~/.zprofile"),
}


def _shell_text(
    process: Process, text: str, step: str, arguments: Sequence[str] = (), startup: Sequence[str] = ()
) -> str:
    if not text.replace(HOLE, "").strip():
        process.emit(Kind.OPAQUE, "exec-unknown")
        return HOLE
    return process.shell(text, step, arguments=arguments, startup=startup)


def _shell_file(process: Process, arguments: list[str], startup: Sequence[str]) -> str:
    path = arguments[0]
    if path in ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"):
        return _shell_stdin(process, arguments[1:], startup)
    file = process.file(path)
    if not path.startswith("/dev/fd/"):
        process.announce()
        process.emit(Kind.FILE, resolve(path, process.state.cwd).lower())
    if file is None:
        return HOLE
    emit_source(file.source, process.state, process.origin, path)
    if file.content is None or not text_of(file.content).replace(HOLE, "").strip():
        if process.downloaded(path) or not file.source:
            process.emit(Kind.OPAQUE, "download-run" if file.source else "exec-unknown")
        return HOLE
    step = "process substitution" if path.startswith("/dev/fd/") else f"file {path}"
    return process.shell(text_of(file.content), step, arguments=arguments, startup=startup)


def _shell_stdin(process: Process, arguments: Sequence[str], startup: Sequence[str]) -> str:
    stdin = process.stdin
    text = stdin.rest()
    if text.replace(HOLE, "").strip():
        return process.shell(
            text,
            *stdin.steps,
            f"piped to {process.name}",
            arguments=["bash", *arguments] if arguments else (),
            startup=startup,
        )
    if startup:
        process.shell("", startup=startup)
    if stdin.piped and HOLE in text:
        emit_source(stdin.source, process.state, process.origin)
        process.emit(Kind.OPAQUE, "download-run" if stdin.source else "pipe-to-shell")
    elif not stdin.piped:
        process.announce()
    return HOLE


# -- plain wrappers -----------------------------------------------------------------------------


class _Wrapper(NamedTuple):
    """How a wrapper's own arguments end and the command begins."""

    values: str = ""  # one-letter options that take a value
    long_values: str = ""
    operands: int = 0  # words of its own before the command
    noted: bool = False  # whether its use is worth a fact of its own


_WRAPPERS: dict[str, _Wrapper] = {
    "sudo": _Wrapper("ugpCrtThDRU", "--user --group --prompt --chdir --host --chroot"),
    "doas": _Wrapper("uC"),
    "pkexec": _Wrapper("", "--user"),
    "gosu": _Wrapper(operands=1),
    "su-exec": _Wrapper(operands=1),
    "runuser": _Wrapper("ugGsc", "--user"),
    "nohup": _Wrapper(),
    "time": _Wrapper("fo", "--format --output"),
    "timeout": _Wrapper("ks", "--kill-after --signal", 1),
    "gtimeout": _Wrapper("ks", "--kill-after --signal", 1),
    "nice": _Wrapper("n", "--adjustment"),
    "ionice": _Wrapper("cnpPu", "--class --classdata"),
    "chrt": _Wrapper("TPD", "", 1),
    "taskset": _Wrapper("", "", 1),
    "stdbuf": _Wrapper("ioe", "--input --output --error"),
    "unbuffer": _Wrapper(),
    "setsid": _Wrapper(),
    "setpriv": _Wrapper("", "--reuid --regid --groups"),
    "unshare": _Wrapper("SGR", "--setuid --setgid --root --wd"),
    "nsenter": _Wrapper("tSG", "--target"),
    "chroot": _Wrapper("", "", 1),
    "fakechroot": _Wrapper("sdeb"),
    "fakeroot": _Wrapper("lsib"),
    "proot": _Wrapper("rbwiRS0q", "--rootfs --bind", noted=True),
    "bwrap": _Wrapper("", "--bind --ro-bind --dev --proc --chdir"),
    "firejail": _Wrapper(),
    "strace": _Wrapper("eopsuEaIOSPXb"),
    "ltrace": _Wrapper("eopsualn"),
    "gdbserver": _Wrapper(operands=1),
    "valgrind": _Wrapper(),
    "xvfb-run": _Wrapper("enfspw", "--server-num --server-args --error-file --auth-file"),
    "dbus-run-session": _Wrapper(),
    "dbus-launch": _Wrapper(),
    "rlwrap": _Wrapper("abcCDfHlLoOpPqsSvwz"),
    "numactl": _Wrapper("NmCipP", "--membind --cpunodebind --physcpubind --interleave"),
    "cpulimit": _Wrapper("lpem", "--limit"),
    "cgexec": _Wrapper("g"),
    "prlimit": _Wrapper("po"),
    "eatmydata": _Wrapper(),
    "chronic": _Wrapper(),
    "ts": _Wrapper(),
    "catchsegv": _Wrapper(),
    "faketime": _Wrapper("f", "", 1),
    "setarch": _Wrapper("", "", 1),
    "linux64": _Wrapper(),
    "linux32": _Wrapper(),
    "proxychains": _Wrapper("f", noted=True),
    "proxychains4": _Wrapper("f", noted=True),
    "torsocks": _Wrapper("aPup", noted=True),
    "torify": _Wrapper(noted=True),
    "tsocks": _Wrapper(noted=True),
    "mpirun": _Wrapper("nHxc", "--np -np --host --hostfile -x", 0),
    "mpiexec": _Wrapper("nHxc", "--np -np --host --hostfile", 0),
    "dtach": _Wrapper("nAcNr", noted=True),
    "abduco": _Wrapper("nAcae", noted=True),
    "daemonize": _Wrapper("acepoluE", noted=True),
    "exec": _Wrapper("a"),
    "command": _Wrapper(),
    "builtin": _Wrapper(),
    "perf": _Wrapper("eo", "", 1),
    "inotifywait": _Wrapper("er"),
    "start-stop-daemon": _Wrapper(
        "npuxsac", "--pidfile --exec --startas --user --chuid --name --chdir", noted=True
    ),
    "systemd-run": _Wrapper(
        "pEMHt",
        "--unit --property --description --slice --on-active --on-calendar --setenv --uid --gid",
        noted=True,
    ),
    "retry": _Wrapper("tdm", "--times --delay"),
    "run-one": _Wrapper(),
    "hyperfine": _Wrapper("wrpcmMnS", "--warmup --runs --prepare"),
}
_ENVIRONMENT = re.compile(r"[A-Za-z_]\w*=", re.A)


def _wrapper(process: Process) -> str:
    """Peel one wrapper off."""
    spec = _WRAPPERS[process.name]
    own, command = _own_and_command(process.arguments, spec)
    if process.name == "start-stop-daemon":
        options, _ = options_of(own, spec.values, frozenset(spec.long_values.split()))
        started = options.get("exec") or options.get("x") or options.get("startas") or options.get("a")
        command = [started, *command] if started else command
    if process.name == "runuser":
        options, _ = options_of(own, spec.values)
        if "c" in options:
            return _shell_text(process, options["c"], "runuser -c")
    if spec.noted:
        process.announce()
    if process.name == "hyperfine":
        return "".join(process.shell(text, "hyperfine") for text in command)
    environ: dict[str, str] = {}
    while command and _ENVIRONMENT.match(command[0]) and process.name in ("sudo", "doas"):
        name, _, value = command[0].partition("=")
        environ[name] = value
        command = command[1:]
    if not command:
        if process.name in ("sudo", "doas", "unshare", "chroot", "nsenter") and process.stdin.piped:
            return process.run(["sh"])  # `sudo -s`, `chroot dir`: a shell that reads its input
        process.announce()
        return ""
    if environ:
        process.environ = {**process.environ, **environ}
    return process.run(command)


def _own_and_command(arguments: Sequence[str], spec: _Wrapper) -> tuple[list[str], list[str]]:
    longs = frozenset(spec.long_values.split())
    i = 0
    operands = spec.operands
    while i < len(arguments):
        argument = arguments[i]
        if argument == "--":
            i += 1
            break
        if argument.startswith("-") and len(argument) > 1:
            if argument in longs:
                i += 1
            elif not argument.startswith("--"):
                value_at = next((j for j, c in enumerate(argument[1:], 1) if c in spec.values), 0)
                if value_at == len(argument) - 1:
                    i += 1  # its value is the next word
            i += 1
            continue
        if operands:
            operands -= 1
            i += 1
            continue
        break
    while operands and i < len(arguments):
        operands -= 1
        i += 1
    return list(arguments[:i]), list(arguments[i:])


def _env(process: Process) -> str:
    arguments = list(process.arguments)
    environ = dict(process.environ)
    cwd = process.state.cwd
    while arguments:
        argument = arguments.pop(0)
        if argument in ("-i", "-", "--ignore-environment"):
            environ = {}
        elif argument in ("-u", "--unset") and arguments:
            environ.pop(arguments.pop(0), None)
        elif argument in ("-C", "--chdir") and arguments:
            process.state.cwd = resolve(arguments.pop(0), cwd)
        elif argument.startswith("--chdir="):
            process.state.cwd = resolve(argument[8:], cwd)
        elif argument in ("-S", "--split-string") or argument.startswith(("-S", "--split-string=")):
            text = argument[2:] if argument.startswith("-S") else argument.partition("=")[2]
            text = text or (arguments.pop(0) if arguments else "")
            arguments = [*split_words(text.replace("\\_", " ")), *arguments]
        elif argument.startswith("-") and argument != "--":
            cluster = argument[1:]
            if "S" in cluster and not argument.startswith("--"):
                text = cluster.partition("S")[2] or (arguments.pop(0) if arguments else "")
                arguments = [*split_words(text.replace("\\_", " ")), *arguments]
        elif _ENVIRONMENT.match(argument):
            name, _, value = argument.partition("=")
            environ[name] = value
        elif argument != "--":
            arguments.insert(0, argument)
            break
    process.environ = environ
    try:
        if arguments:
            return process.run(arguments)
    finally:
        process.state.cwd = cwd
    return "".join(f"{k}={v}\n" for k, v in environ.items()) + HOLE


def split_words(line: str) -> list[str]:
    """Words of a line as a shell splits it; at blanks where its quotes do not close."""
    import shlex

    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _busybox(process: Process) -> str:
    arguments = process.arguments
    while arguments and arguments[0].startswith("-"):
        arguments = arguments[1:]
    return process.run(arguments) if arguments else ""


def _loader(process: Process) -> str:
    """``ld-linux.so program …``: the loader starts it."""
    _, command = _own_and_command(process.arguments, _Wrapper("", "--library-path --argv0 --preload"))
    return process.run(command) if command else ""


def _joined_command(process: Process) -> str:
    """``watch``: its words are one shell text."""
    _, command = _own_and_command(process.arguments, _Wrapper("nq", "--interval"))
    return _shell_text(process, " ".join(command), process.name) if command else ""


def _text_option(letters: str, values: str, longs: str = "", operands: int = 0) -> Handler:
    """Make a handler of a wrapper whose command is an option's text: ``su -c text``."""

    def handle(process: Process) -> str:
        options, rest = options_of(process.arguments, values + letters, frozenset(longs.split()))
        for key in (*letters, "command", "session-command"):
            if options.get(key):
                return _shell_text(process, options[key], f"{process.name} -{key[0]}")
        rest = rest[operands:]
        if process.name == "flock" and rest:
            return process.run(rest)
        if process.name in ("su", "script") and process.stdin.piped:
            return process.run(["sh"])
        process.announce()
        return ""

    return handle


def _screen(process: Process) -> str:
    process.announce()
    options, rest = options_of(process.arguments, "ScehopstTXL")
    if "X" in options:
        # `screen -S x -X stuff 'text\n'`: the text is typed.
        words = [options["X"], *rest]
        if words and words[0] in ("stuff", "exec", "screen") and len(words) > 1:
            text = ansi_c(" ".join(words[1:])).replace("^M", "\n")
            return _shell_text(process, text, "screen stuff")
        return ""
    if "c" in options:
        for line in (process.read(options["c"]) or "").splitlines():
            if line.startswith("screen "):
                process.shell(line[7:], "screen")
    _, command = _own_and_command(process.arguments, _Wrapper("ScehopstTL"))
    # `-dm` ends the options of its cluster; what follows is the command.
    return process.run(command, "screen") if command else ""


def _tmux(process: Process) -> str:
    process.announce()
    arguments = process.arguments
    out = ""
    while arguments and arguments[0].startswith("-"):
        arguments = arguments[2:] if arguments[0] in ("-L", "-S", "-f", "-c") else arguments[1:]
    pieces: list[list[str]] = [[]]
    for argument in arguments:
        if argument in (";", "\\;"):
            pieces.append([])
        else:
            pieces[-1].append(argument)
    for piece in pieces:
        if not piece:
            continue
        verb, rest = piece[0], piece[1:]
        if (
            "new-session".startswith(verb)
            or "new-window".startswith(verb)
            or verb
            in (
                "new",
                "neww",
                "split-window",
                "splitw",
                "respawn-pane",
                "respawn-window",
                "respawnp",
                "respawnw",
                "popup",
                "display-popup",
            )
        ):
            _, command = _own_and_command(rest, _Wrapper("ctsnxyeFlp"))
            if command:
                out += process.run(command, "tmux") if len(command) > 1 else process.shell(command[0], "tmux")
        elif verb in ("send-keys", "send"):
            _, keys = _own_and_command(rest, _Wrapper("tN"))
            text = "".join(
                "\n" if k in ("Enter", "C-m", "KPEnter") else " " if k == "Space" else k for k in keys
            )
            out += _shell_text(process, text, "tmux send-keys")
        elif verb in ("run-shell", "run", "if-shell", "if", "pipe-pane"):
            _, command = _own_and_command(rest, _Wrapper("btd"))
            for text in command[:1] if verb.startswith(("run", "pipe")) else command:
                out += process.shell(text, "tmux run-shell")
    return out


def _crontab(process: Process) -> str:
    process.announce()
    _, operands = options_of(process.arguments, "u")
    if any(a in ("-l", "-r", "-e") for a in process.arguments):
        return HOLE if "-l" in process.arguments else ""
    text = process.read(operands[0] if operands else "-")
    if text:
        run_crontab(text, process.state, process.origin, process.shell)
    return ""


_SCHEDULE = re.compile(r"\s*(?:@\w+|(?:[\d*/,\-a-zA-Z]+\s+){5})(?:\s*(?:root|jovyan)\s+)?(.*)")


def run_crontab(text: str, state: State, origin: Origin, shell: Callable[..., str]) -> None:
    """Run the commands of a crontab as if their time had come."""
    for line in text.splitlines():
        state.budget.spend(2)
        line = line.strip().lstrip(HOLE)
        if not line or line.startswith("#"):
            continue
        found = _SCHEDULE.match(line)
        if found and found.group(1):
            command, _, _ = re.sub(r"\\%", "\0", found.group(1)).partition("%")
            shell(command.replace("\0", "%"), "crontab")


def _at(process: Process) -> str:
    process.announce()
    options, _ = options_of(process.arguments, "fqt")
    text = process.read(options["f"]) if "f" in options else process.stdin.rest()
    return _shell_text(process, text, process.name) if text else ""


# -- many arguments --------------------------------------------------------------------------------


def _xargs(process: Process) -> str:
    own, command = _own_and_command(
        process.arguments,
        _Wrapper("IiLlnPsdaE", "--max-args --max-procs --arg-file --delimiter --replace --max-lines"),
    )
    options, _ = options_of(
        own, "ILnPsdaE", frozenset(("--max-args", "--max-procs", "--arg-file", "--delimiter", "--max-lines"))
    )
    text = process.read(options["a"]) or HOLE if "a" in options else process.stdin.rest()
    command = command or ["echo"]
    delimiter = (
        "\0"
        if "0" in options or "null" in options
        else ansi_c(options.get("d") or options.get("delimiter") or "")
    )
    replace = options.get("I") or (
        "{}" if "i" in options else options.get("replace", "") or ("{}" if "replace" in options else "")
    )
    lines = bool(replace) or "L" in options
    items = _xargs_items(text, delimiter, lines)
    size = options.get("n") or options.get("max-args") or options.get("L") or ("1" if replace else "")
    step = int(size) if size.isdigit() and int(size) else max(len(items), 1)
    out = []
    steps = (*process.stdin.steps, "xargs")
    for i in range(0, min(len(items), 64 * step) or 1, step):
        batch = items[i : i + step]
        if not batch and not text.strip() and ("r" in options or "no-run-if-empty" in options):
            break
        if replace:
            value = " ".join(batch)
            argv = [word.replace(replace, value) for word in command]
        elif "L" in options:
            argv = [*command, *(w for line in batch for w in line.split())]
        else:
            argv = [*command, *batch]
        out.append(process.run(argv, *steps, stdin=Stream("")))
    return "".join(out)


def _xargs_items(text: str, delimiter: str, lines: bool) -> list[str]:
    if delimiter:
        return [item for item in text.removesuffix("\n").split(delimiter) if item][:4000]
    if lines:
        return [line.strip() for line in text.splitlines() if line.strip()][:4000]
    return [
        re.sub(r"'([^']*)'|\"([^\"]*)\"|\\(.)", lambda m: next(g for g in m.groups() if g is not None), item)
        for item in re.findall(r"(?:'[^']*'|\"[^\"]*\"|\\.|[^\s'\"\\])+", text)[:4000]
    ]


def _find(process: Process) -> str:
    process.announce(data=True)
    arguments = process.arguments
    roots = []
    i = 0
    while i < len(arguments) and not (arguments[i].startswith("-") or arguments[i] in ("(", "!", "\\(")):
        roots.append(arguments[i])
        i += 1
    found = _find_names(process, roots or ["."], arguments[i:])
    out = ""
    cwd = process.state.cwd
    while i < len(arguments):
        verb = arguments[i]
        if verb in ("-exec", "-execdir", "-ok", "-okdir"):
            end = next(
                (j for j in range(i + 1, len(arguments)) if arguments[j] in (";", "+", "\\;")), len(arguments)
            )
            command = arguments[i + 1 : end]
            if arguments[end : end + 1] == ["+"] and found and "dir" not in verb:
                out += process.run([w for word in command for w in (found if word == "{}" else [word])])
                found_each = []
            else:
                found_each = found[:32] or [HOLE]
            for path in found_each:
                if "dir" in verb and "/" in path:
                    folder, _, path = path.rpartition("/")
                    process.state.cwd, path = resolve(folder or "/", cwd), f"./{path}"
                out += process.run([word.replace("{}", path) for word in command], "find -exec")
                process.state.cwd = cwd
            i = end
        elif verb == "-printf" and i + 1 < len(arguments):
            return "".join(_find_line(arguments[i + 1], path, roots or ["."]) for path in found) or HOLE
        i += 1
    if "-exec" in arguments or "-execdir" in arguments:
        return out
    end_of_name = "\0" if "-print0" in arguments else "\n"
    return "".join(path + end_of_name for path in found) or HOLE


def _find_line(form: str, path: str, roots: list[str]) -> str:
    folder, _, name = path.rpartition("/")
    root = next((r.rstrip("/") + "/" for r in roots if path.startswith(r.rstrip("/") + "/")), "")
    parts = {"p": path, "f": name, "h": folder or ".", "P": path[len(root) :], "%": "%"}
    return re.sub(r"%(.)", lambda m: parts.get(m.group(1), HOLE), ansi_c(form))


#: Folders in which programs are looked for.
_PROGRAM_FOLDERS = frozenset(
    {"", "/usr", "/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/local", "/usr/sbin"}
)


def _find_names(process: Process, roots: list[str], tests: list[str]) -> list[str]:
    """Give what of the session's files and folders ``find`` lists, as it writes them."""
    values = dict(pairwise(tests))
    shallow, deep = (
        int(text) if (text := values.get(name, "")).isdigit() else otherwise
        for name, otherwise in (("-mindepth", 0), ("-maxdepth", 100))
    )
    kind = values.get("-type", "")
    wanted = _name_tests(tests)
    entries = _entries(process.state.files)
    if wanted and any(root.rstrip("/") in _PROGRAM_FOLDERS for root in roots):
        entries |= {"/usr/bin/" + name: False for name in sorted(handlers())}
    found: dict[str, None] = {}
    for root in roots[:64]:
        base = resolve(root, process.state.cwd)
        if not shallow and entries.get(base, True) and kind in ("", "d") and not wanted:
            found[root] = None
        for path, folder in entries.items():
            process.state.budget.spend()
            inner = _below(path, root, base)
            if inner is None or not shallow <= (inner.count("/") + 1 if inner else 0) <= deep:
                continue
            if kind in ("f", "d") and folder != (kind == "d"):
                continue
            shown = root if not inner else path if root in ("/", "*") else f"{root.rstrip('/')}/{inner}"
            if wanted is None or wanted(shown):
                found[shown] = None
    return list(found)[:64]


def _below(path: str, root: str, base: str) -> str | None:
    """Give what follows ``root`` in ``path``; None if it is elsewhere."""
    if path == base:
        return ""
    if root in ("/", "*") or (base in ("", ".") and not path.startswith(("/", "~"))):
        return path.lstrip("/")
    return path[len(base) + 1 :] if path.startswith(base + "/") else None


def _entries(files: dict[str, File]) -> dict[str, bool]:
    """Paths of files and folders that are known, and whether each is a folder."""
    entries: dict[str, bool] = {}
    for key in list(files)[:4000]:
        if key.startswith("/dev/"):
            continue
        if not key.endswith("/"):
            entries[key] = False
        folder = key.rpartition("/")[0]
        while folder and folder not in entries:
            entries[folder] = True
            folder = folder.rpartition("/")[0]
    return entries


def _name_tests(tests: list[str]) -> Callable[[str], bool] | None:
    """Make one test of those for names; None when there are none."""
    from jupyter_tos_guard.inspection.shell.expansion import Pattern

    patterns = []
    for j, test in enumerate(tests[:-1]):
        if test in ("-name", "-iname", "-path", "-wholename", "-ipath"):
            text = tests[j + 1]
            plain = j > 0 and tests[j - 1] in ("!", "-not")
            patterns.append((Pattern(text.lower() if test[1] == "i" else text), test, plain))
    if not patterns:
        return None
    decide = any if "-o" in tests or "-or" in tests else all

    def fits(path: str) -> bool:
        name = path.rsplit("/", 1)[-1]
        return decide(
            pattern.matches(shown.lower() if test[1] == "i" else shown) != negated
            for pattern, test, negated in patterns
            for shown in ((path if "path" in test or "whole" in test else name),)
        )

    return fits


def _parallel(process: Process) -> str:
    process.announce()
    arguments = process.arguments
    marks = [i for i, a in enumerate(arguments) if a in (":::", "::::", ":::+")]
    end = marks[0] if marks else len(arguments)
    _, command = _own_and_command(
        arguments[:end], _Wrapper("jNaSdIkPn", "--jobs --colsep --arg-file --delay --timeout --joblog")
    )
    items: list[str] = []
    for a, b in zip(marks, [*marks[1:], len(arguments)], strict=False):
        words = arguments[a + 1 : b]
        if arguments[a] == "::::":
            words = [line for path in words for line in (process.read(path) or HOLE).splitlines()]
        items.extend(words)
    if not marks:
        items = process.stdin.rest().splitlines()
    text = " ".join(command)
    out = []
    for item in items[:64] or [HOLE]:
        if not text:
            line = item
        elif "{" in text:
            line = re.sub(r"\{[./]*\d*\}", item.replace("\\", r"\\"), text)
        else:
            line = f"{text} {item}"
        out.append(process.shell(line, "parallel"))
    return "".join(out)


# -- interpreters of scripts -------------------------------------------------------------------------


_PYTHON_RUNNERS = frozenset(
    {
        "cprofile",
        "profile",
        "pdb",
        "trace",
        "runpy",
        "coverage",
        "kernprof",
        "viztracer",
        "ipdb",
        "pyinstrument",
    }
)


def _python(process: Process) -> str:
    """``python script``, ``-c``, ``-m``, ``-`` or a program on standard input."""
    arguments = process.arguments
    at = next(
        (i for i, a in enumerate(arguments) if re.fullmatch(r"-[a-zA-Z]*c", a) or not a.startswith("-")),
        len(arguments),
    )
    process.announce(
        hide=arguments[at + 1 : at + 2] if at < len(arguments) and arguments[at].startswith("-") else ()
    )
    i = 0
    while i < len(arguments):
        argument = arguments[i]
        if argument == "--":
            i += 1
            break
        if not argument.startswith("-") or argument == "-":
            break
        if argument.startswith("--"):
            i += 2 if argument == "--check-hash-based-pycs" else 1
            continue
        for j, letter in enumerate(argument[1:], 1):
            if letter in "cm":
                value = argument[j + 1 :]
                rest = arguments[i + 1 :] if value else arguments[i + 2 :]
                value = value or (arguments[i + 1] if i + 1 < len(arguments) else "")
                return (
                    _python_text(process, value, f"{process.name} -c", argv=["-c", *rest])
                    if letter == "c"
                    else _python_module(process, value, rest)
                )
            if letter in "WX":
                i += 0 if argument[j + 1 :] else 1
                break
        i += 1
    rest = arguments[i:]
    start = process.environ.get("PYTHONSTARTUP", "")
    if not rest and start and process.file(start) is not None:
        run_python_file(process, start, [])  # an interactive interpreter begins with it
    if rest and rest[0] not in ("-", "/dev/stdin"):
        return run_python_file(process, rest[0], rest[1:])
    stdin = process.stdin
    text = stdin.rest()
    if text.replace(HOLE, "").strip():
        return _python_text(process, text, *stdin.steps, f"piped to {process.name}", argv=rest)
    if stdin.piped and HOLE in text:
        emit_source(stdin.source, process.state, process.origin)
        process.emit(Kind.OPAQUE, "download-run" if stdin.source else "exec-unknown")
    return HOLE


def _python_text(process: Process, text: str, *steps: str, argv: Sequence[str] | None = None) -> str:
    if not text.replace(HOLE, "").strip():
        process.emit(Kind.OPAQUE, "exec-unknown")
        return HOLE
    process.python(text, *steps, argv=argv)
    if "print" not in text and "write" not in text:
        return ""
    from jupyter_tos_guard.inspection.shell.foreign import printed_by_python

    return printed_by_python(text, process)


def run_python_file(process: Process, path: str, arguments: Sequence[str]) -> str:
    """Run a Python script: what is known of it, where it is from, and its arguments."""
    state = process.state
    if not path.startswith("/dev/fd/"):
        process.emit(Kind.FILE, resolve(path, state.cwd).lower())
    script = path.rsplit("/", 1)[-1]
    for argument in arguments[:32]:
        process.emit(Kind.ARGUMENT, f"{script} {argument}")
    mention_addresses(process)
    file = process.file(path)
    if (inner := process.file(f"{path}/__main__.py")) is not None and inner.content is not None:
        file, path = inner, f"{path}/__main__.py"  # of a folder or an archive
    if file is None:
        return HOLE
    emit_source(file.source, state, process.origin, path)
    if file.content is None:
        if process.downloaded(path):
            process.emit(Kind.OPAQUE, "download-run")
        return HOLE
    return _python_text(process, source_text(file.content), f"file {path}", argv=[path, *arguments])


def _python_module(process: Process, module: str, arguments: list[str]) -> str:
    process.emit(Kind.MODULE, module)
    process.emit(Kind.ARGUMENT, f"python -m={module}")
    for argument in arguments[:32]:
        process.emit(Kind.ARGUMENT, f"{module} {argument}")
    root = module.lower().split(".", 1)[0]
    path = module.replace(".", "/")
    for candidate in (path + ".py", path + "/__init__.py", path + "/__main__.py"):
        file = process.file(candidate)
        if file is not None and file.content is not None:
            if candidate.endswith("__init__.py") and process.file(path + "/__main__.py") is not None:
                process.python(text_of(file.content), f"file {candidate}")
                continue
            return run_python_file(process, candidate, arguments)
    if root in _PYTHON_RUNNERS:
        _, rest = _own_and_command(arguments, _Wrapper("osm"))
        rest = rest[1:] if rest[:1] == ["run"] else rest
        return run_python_file(process, rest[0], rest[1:]) if rest else HOLE
    if root in ("torch", "accelerate", "deepspeed"):
        process.arguments = arguments
        return _launcher(process)
    if root == "timeit":
        _, texts = _own_and_command(arguments, _Wrapper("nrsu"))
        options, _ = options_of(arguments, "nrsu")
        for text in [options.get("s", ""), *texts]:
            if text:
                process.python(text, "timeit")
        return HOLE
    if root == "zipapp":
        return _zipapp(process, arguments)
    if root == "doctest":
        return "".join(_run_examples(process, path) for path in arguments if not path.startswith("-"))
    if root in ("zipfile", "tarfile") and len(arguments) > 2 and arguments[0] in ("-c", "--create"):
        pack(process, arguments[1], arguments[2:])
        return ""
    if root in ("zipfile", "tarfile") and len(arguments) >= 2 and arguments[0] in ("-e", "--extract"):
        unpack(process, arguments[1], arguments[2] if len(arguments) > 2 else ".")
        return ""
    name = {
        "ipython": "ipython",
        "notebook": "jupyter",
        "jupyterlab": "jupyter",
        "nbconvert": "jupyter-nbconvert",
    }.get(root, root)
    if name == "base64":
        return process.run(["base64", *("-d" if a == "-u" else a for a in arguments)])
    if name in handlers() and name not in ("code", "test", "time", "select", "http"):
        return process.run([name, *arguments], f"python -m {module}")
    mention_addresses(process)
    return HOLE


def _zipapp(process: Process, arguments: Sequence[str]) -> str:
    """``python -m zipapp folder -o file -m module:function``."""
    options, operands = options_of(arguments, "omp", frozenset({"--output", "--main", "--python"}))
    if not operands:
        return HOLE
    folder = operands[0].rstrip("/")
    target = options.get("o") or options.get("output") or folder + ".pyz"
    copy_file(folder, target, process.state, process.origin)
    if main := options.get("m") or options.get("main"):
        module, _, function = main.partition(":")
        call = f"import {module}\n{module}.{function}()\n" if function else f"import {module}\n"
        process.write(f"{target}/__main__.py", call)
    return ""


_EXAMPLE = re.compile(r"^[ \t]*(?:>>>|\.\.\.) ?(.*)$", re.MULTILINE)


def examples_of(text: str) -> str:
    """Lines of Python that stand as examples in a text, as :mod:`doctest` finds them."""
    return "\n".join(_EXAMPLE.findall(text))


def _run_examples(process: Process, path: str) -> str:
    text = process.read(path)
    if not text:
        return HOLE
    before = text + "\n" if path.endswith(".py") else ""
    return _python_text(process, before + examples_of(text), f"examples in {path}")


def _launcher(process: Process) -> str:
    """``torchrun``, ``accelerate launch``: the first ``.py`` is the script."""
    process.announce()
    arguments = process.arguments
    index = next((i for i, a in enumerate(arguments) if a.endswith(".py")), None)
    return HOLE if index is None else run_python_file(process, arguments[index], arguments[index + 1 :])


def _ipython(process: Process) -> str:
    process.announce()
    options, operands = options_of(process.arguments, "cm", frozenset({"--profile"}))
    if "c" in options:
        return run_cells(process, [options["c"]], "ipython -c")
    if operands and operands[0].endswith((".ipynb", ".ipy")) and (text := process.read(operands[0])):
        return run_cells(
            process, notebook_cells(text) if operands[0].endswith(".ipynb") else [text], f"file {operands[0]}"
        )
    if operands:
        return run_python_file(process, operands[0], operands[1:])
    text = process.stdin.rest()
    return run_cells(process, [text], "piped to ipython") if text.replace(HOLE, "").strip() else HOLE


def _jupyter(process: Process) -> str:
    """``nbconvert --execute``, ``papermill``, ``jupyter run``: the notebook's cells run."""
    process.announce()
    arguments = process.arguments
    verb = (
        process.name.removeprefix("jupyter-")
        if process.name != "jupyter"
        else (arguments[0] if arguments else "")
    )
    executes = verb in ("execute", "run", "papermill", "ploomber") or any(
        a in ("--execute", "--ExecutePreprocessor.enabled=True") for a in arguments
    )
    if verb == "console" or verb == "run":
        text = process.stdin.rest()
        if text.replace(HOLE, "").strip():
            return run_cells(process, [text], f"jupyter {verb}")
    if not executes:
        return HOLE
    for path in arguments:
        if path.startswith("-"):
            continue
        file = process.file(path) or (process.file(path + ".ipynb") if "." not in path else None)
        if file is None or not path.endswith((".ipynb", ".py")):
            continue
        emit_source(file.source, process.state, process.origin, path)
        if file.content is None:
            process.emit(Kind.OPAQUE, "download-run")
        else:
            injected = _parameters(arguments) if verb == "papermill" else ""
            run_cells(process, notebook_cells(text_of(file.content), injected), f"notebook {path}")
        if verb == "papermill":
            break
    return HOLE


def _parameters(arguments: Sequence[str]) -> str:
    """Return the assignments that ``papermill -p name value`` puts into a notebook."""
    lines = []
    for option, name, value in zip(arguments, [*arguments[1:], ""], [*arguments[2:], "", ""], strict=False):
        if option in ("-p", "--parameters", "-r", "--parameters_raw") and name.isidentifier():
            lines.append(f"{name} = {value if value.isdigit() and option[1:2] == 'p' else repr(value)}\n")
        if option in ("-y", "--parameters_yaml"):
            lines += [f"{key} = {text!r}\n" for key, text in _YAML_PAIR.findall(name)]
    return "".join(lines)


_YAML_PAIR = re.compile(r"(?:^|[{,\n])[ \t]*(\w+):[ \t]+[\"']?([^\n,}\"']{1,2000})")


def notebook_cells(text: str, parameters: str = "") -> list[str]:
    """Read the sources of a notebook's code cells; empty when it is none.

    ``parameters`` go behind the cell that is tagged so, else before the first.
    """
    if len(text) > 1 << 20:
        return []
    try:
        notebook = json.loads(text)
        cells = notebook.get("cells") or [
            c for w in notebook.get("worksheets", []) for c in w.get("cells", [])
        ]
        cells = [c for c in cells if c.get("cell_type") == "code"]
        sources = [c.get("source", c.get("input", "")) for c in cells]
        if parameters:
            tagged = [
                i for i, c in enumerate(cells, 1) if "parameters" in c.get("metadata", {}).get("tags", ())
            ]
            sources.insert(tagged[0] if tagged else 0, parameters)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return []
    return ["".join(s) if isinstance(s, list) else str(s) for s in sources]


def run_cells(process: Process, cells: Sequence[str], step: str) -> str:
    """Run cells in a kernel of their own."""
    from jupyter_tos_guard.inspection.python.evaluation import run_cell

    state = process.state
    names, environ, cwd, outputs = state.names, state.environ, state.cwd, state.outputs
    before = len(state.facts)
    state.names, state.environ, state.outputs = {}, dict(process.environ), {}
    try:
        with nested(state.budget) as allowed:
            if not allowed:
                process.emit(Kind.OPAQUE, "too-deep")
                return HOLE
            for cell in cells[:200]:
                run_cell(cell, state)
    finally:
        state.names, state.environ, state.cwd, state.outputs = names, environ, cwd, outputs
    # Found in the other notebook: here it is this command that does it.
    origin = process.origin
    state.facts[before:] = [
        fact._replace(span=origin.span, provenance=(*origin.provenance, step, *fact.provenance))
        for fact in state.facts[before:]
    ]
    return HOLE


_SHEBANG = re.compile(r"#!\s*(\S+)(?:[ \t]+(.*))?")


def run_script(process: Process, path: str, arguments: Sequence[str]) -> str:
    """Run a file of the session: by its first line, else by its name, else as shell."""
    state = process.state
    file = find_file(path, state)
    process.announce()
    process.emit(Kind.FILE, resolve(path, state.cwd).lower())
    mention_addresses(process)
    if file is None:
        return HOLE
    emit_source(file.source, state, process.origin, path)
    if file.content is None:
        return HOLE
    text = text_of(file.content)
    if text.startswith(("\x7fELF", "MZ")):
        process.emit(Kind.OPAQUE, "native-code")
        return HOLE
    if not text.replace(HOLE, "").strip():
        process.emit(Kind.OPAQUE, "exec-unknown")
        return HOLE
    found = _SHEBANG.match(text)
    step = f"file {path}"
    if found:
        interpreter, rest = found.groups()
        words = [interpreter, *(rest or "").split()]
        name = program_name(interpreter)
        if name == "env":
            words = [w for w in words[1:] if not w.startswith("-") and "=" not in w] or ["sh"]
            name = program_name(words[0])
        from jupyter_tos_guard.inspection.shell.foreign import run_foreign

        if name == "python":
            return process.python(text, step)
        if name not in SHELLS:
            body = text.split("\n", 1)[1] if "\n" in text else ""
            if run_foreign(process, body, name, step):
                return HOLE
            return process.run([*words, path, *arguments])
    elif path.endswith(".py"):
        return process.python(text, step)
    return process.shell(text, step, arguments=[path, *arguments])


SHELLS = frozenset({"sh", "bash", "zsh", "ksh", "mksh", "fish", "rbash", "csh", "tcsh", "yash", "busybox"})


# -- make -----------------------------------------------------------------------------------------------


def _run_parts(process: Process) -> str:
    """Run the programs of a folder, in the order of their names."""
    process.announce()
    options, operands = options_of(process.arguments, "au", frozenset({"--arg", "--regex", "--umask"}))
    if not operands or {"test", "list"} & options.keys():
        return HOLE
    folder = operands[0].rstrip("/")
    process.file(f"{folder}/x")  # files that Python is yet to write
    base = resolve(folder, process.state.cwd) + "/"
    names = sorted(k[len(base) :] for k in process.state.files if k.startswith(base))
    fits = affordable(options.get("regex") or r"^[\w-]+$", "x" * 64, re.ASCII)
    given = [each for key in ("a", "arg") if (each := options.get(key))]
    chosen = [name for name in names if name and "/" not in name and fits and fits.search(name)]
    return "".join(run_script(process, f"{folder}/{name}", given) for name in chosen[:64]) or HOLE


def _make(process: Process) -> str:
    process.announce()
    options, operands = options_of(
        process.arguments, "fCjIoWlE", frozenset({"--file", "--makefile", "--directory", "--jobs", "--eval"})
    )
    extra = options.get("eval", options.get("E", "")) + "\n"
    cwd = process.state.cwd
    folder = options.get("C") or options.get("directory")
    if folder:
        process.state.cwd = resolve(folder, cwd)
    try:
        named = options.get("f") or options.get("file") or options.get("makefile")
        if named in ("-", "/dev/stdin"):
            return _run_makefile(process, extra + process.stdin.rest(), operands, "makefile")
        for path in [named] if named else ["GNUmakefile", "makefile", "Makefile"]:
            file = process.file(path)
            if file is None:
                continue
            emit_source(file.source, process.state, process.origin, path)
            if file.content is not None:
                return _run_makefile(process, extra + text_of(file.content), operands, path)
        if extra.strip():
            return _run_makefile(process, extra, operands, "make --eval")
    finally:
        process.state.cwd = cwd
    return HOLE


def task_runner(process: Process) -> str:
    """Run what the file of a task or test runner holds: ``just``, ``task``, ``tox``, ``nox``, ``pytest``."""
    process.announce()
    arguments = process.arguments
    named = [each.split("::")[0] for each in arguments if not each.startswith("-")][:4]
    named += [each.split(".")[0] + ".py" for each in named if "/" not in each]
    for path in dict.fromkeys((*named, *_task_files(process))):
        file = process.file(path)
        if file is None:
            continue
        emit_source(file.source, process.state, process.origin, path)
        if file.content is None:
            continue
        text = text_of(file.content)[: 1 << 16]
        language = next((v for k, v in _FILE_LANGUAGES.items() if path.lower().endswith(k)), "")
        if language == "python":
            beside = process.read("conftest.py") if process.name in ("pytest", "py.test") else None
            if beside and not path.endswith("conftest.py"):
                text = f"{beside[: 1 << 16]}\n{text}"
            process.python(_with_calls(process.name, text, arguments), f"file {path}")
        elif language == "sh":
            process.shell(text, f"file {path}")
        elif language:
            from jupyter_tos_guard.inspection.shell.foreign import run_source_file

            run_source_file(process, path, language)
        else:
            text = _with_variables(text)
            for listed in _LISTED_COMMAND.findall(text):
                process.run([each[1:-1] for each in _QUOTED.findall(listed)], f"file {path}")
            if path.endswith((".json", ".jsonc")):
                scripts = dict(_JSON_TEXT.findall(text))
                text = "".join(f" - {scripts[each]}\n" for each in named if each in scripts)
            for found in (*_TASK_LINE.finditer(text), *_FLOW_COMMAND.finditer(text)):
                process.shell(found.group(1).strip("\"' "), f"file {path}")
    return HOLE


#: Files of runners that are programs, by the ends of their names.
_FILE_LANGUAGES = {".py": "python", "sconstruct": "python", "rakefile": "ruby", ".envrc": "sh", ".sh": "sh"}


def _task_files(process: Process) -> list[str]:
    """List the files that a runner reads by itself; ``*`` in their names is matched in all folders."""
    from fnmatch import fnmatchcase

    found: list[str] = []
    for pattern in _RUNNERS.get(process.name, ()):
        if "*" not in pattern:
            found.append(pattern)
            continue
        paths = list(process.state.files)[:2000]
        found += [path for path in paths if fnmatchcase("/" + path, "*/" + pattern)][:100]
    return found


_FUNCTION = re.compile(r"^(?:async[ \t]+)?def[ \t]+(\w+)[ \t]*\(([^()]*)", re.MULTILINE)


def _with_calls(runner: str, text: str, arguments: Sequence[str]) -> str:
    """Python text that ends with the calls that its runner makes."""
    if runner == "doit":
        calls = [
            f"for each in {name}()['actions']: __import__('os').system(each)"
            for name, _ in _FUNCTION.findall(text)
        ]
        return "\n".join([text, *calls[:100], ""])
    if runner not in _CONTEXTS:
        return f"{text}\nimport unittest\nunittest.main()\n"
    calls = []
    for function, parameters in _FUNCTION.findall(text)[:100]:
        names = [re.split(r"[:=]", each)[0].strip() for each in parameters.split(",")][1:]
        name = next((each for each in arguments if each.replace("-", "_") == function), "")
        words = arguments[arguments.index(name) + 1 :] if name else ()
        calls.append(f"{function}({', '.join([_CONTEXTS[runner], *_task_arguments(names, words)])})")
    return "\n".join([text, *calls, ""])


def _task_arguments(names: list[str], words: Sequence[str]) -> list[str]:
    """Keywords out of ``--url value -n value value``."""
    given: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word.startswith("-"):
            option, equals, value = word.lstrip("-").partition("=")
            name = next((each for each in names if option.replace("-", "_") in (each, each[:1])), "")
            value = value if equals else next(rest, "")
        else:
            name, value = next((each for each in names if each not in given), ""), word
        if name.isidentifier():
            given[name] = value
    return [f"{name}={value!r}" for name, value in given.items()]


def _with_variables(text: str) -> str:
    """Text of a task file with its own variables put in: ``{{x}}``, ``{{.x}}``, ``$x``, ``${x}``."""
    if "$" not in text and "{{" not in text:
        return text
    known = {name: value.strip("\"'") for name, value in _TASK_VARIABLE.findall(text)}
    return fill_in(_TASK_PLACE, text, known.get)


_TASK_VARIABLE = re.compile(r"^[ \t]*(\w+)[ \t]*(?::=|=|:)[ \t]*([^\n]{1,1000}?)[ \t]*$", re.MULTILINE)
_TASK_PLACE = re.compile(r"(?:\{\{\s*\.?|\$\{?)(\w+)(?:\s*\}\}|\}|(?<=\w))")
#: What runners written in Python call the functions in their files with; others are test runners.
_CONTEXTS = {
    **dict.fromkeys(("invoke", "inv", "fab"), "__import__('invoke').Context()"),
    "nox": "__import__('nox').Session()",
    "snakemake": "None",
}
_RUNNERS = {
    "just": ("justfile", "Justfile", ".justfile"),
    "task": ("Taskfile.yml", "Taskfile.yaml", "taskfile.yml"),
    "go-task": ("Taskfile.yml",),
    "tox": ("tox.ini", "pyproject.toml", "setup.cfg"),
    "honcho": ("Procfile",),
    "foreman": ("Procfile",),
    "overmind": ("Procfile",),
    "supervisord": ("supervisord.conf",),
    "ansible-playbook": (),
    "snakemake": ("Snakefile", "workflow/Snakefile"),
    "invoke": ("tasks.py",),
    "inv": ("tasks.py",),
    "fab": ("fabfile.py",),
    "nox": ("noxfile.py",),
    **dict.fromkeys(("pytest", "py.test", "nose2", "ward"), ("conftest.py", "test_*.py", "*_test.py")),
    "unittest": ("test*.py",),
    "scons": ("SConstruct",),
    "rake": ("Rakefile", "rakefile"),
    "ninja": ("build.ninja",),
    "act": (".github/workflows/*.yml", ".github/workflows/*.yaml"),
    "doit": ("dodo.py",),
    "meson": ("meson.build",),
    "poe": ("pyproject.toml", "poe_tasks.toml"),
    "mise": ("mise.toml", ".mise.toml"),
    "direnv": (".envrc",),
    "deno": ("deno.json", "deno.jsonc", "package.json"),
    "composer": ("composer.json",),
    "pre-commit": (".pre-commit-config.yaml",),
}
#: What a line of such a file runs: after the key that says so, or indented below a target.
_TASK_LINE = re.compile(
    r"^(?:[ \t]*(?:-[ \t]+)?[\w.-]+"
    r"[ \t]*[:=][ \t]*|[ \t]+(?:-[ \t]+)?)([a-z./][\w./-]*[ \t][^\n]{3,2000}|[\"'][a-z][^\n]{3,2000}[\"'])$",
    re.MULTILINE,
)
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
#: ``run_command('git', 'clone', …)``, ``command: ["git", "clone", …]``.
_LISTED_COMMAND = re.compile(
    r"(?:\brun_command\(|\b(?:command|cmd|entrypoint|exec)[\"']?\s*[:=]\s*\[)"
    r"((?:\s*(?:'[^'\n]*'|\"[^\"\n]*\")\s*,?){1,64})"
)
_JSON_TEXT = re.compile(r'"([\w:.\-]+)"\s*:\s*"((?:\\.|[^"\\])*)"')
#: The same within braces: ``{id: a, entry: git clone …, language: system}``.
_FLOW_COMMAND = re.compile(
    r"[{,][ \t]*[\"']?(?:entry|cmds?|run|commands?|script|exec)[\"']?[ \t]*:[ \t]*\[?([^,}\]\n]{3,2000})"
)


def _cmake(process: Process) -> str:
    """``cmake folder``: the commands and downloads that its lists name."""
    process.announce()
    operands = [each for each in process.arguments if not each.startswith("-")] or ["."]
    known = dict(re.findall(r"^-D(\w+)(?::\w+)?=(.*)$", "\n".join(process.arguments), re.MULTILINE))
    pending = operands[:4]
    if "-P" not in process.arguments:
        pending = [f"{each.rstrip('/')}/CMakeLists.txt" for each in pending]
    for path in pending:  # grows on the way
        file = process.file(path)
        if file is None or file.content is None or len(pending) > 64:
            continue
        text = re.sub(r"#[^\n]*", "", text_of(file.content))[: 1 << 16]
        process.state.budget.spend(len(text) // 64 + 1)  # lists may include each other
        text, known = _cmake_values(text, known, process)
        for verb, name in _CMAKE_MORE.findall(text):
            name = f"{name}/CMakeLists.txt" if verb.lower() == "add_subdirectory" else name
            pending.append(resolve(name, path.rpartition("/")[0]))
        for found in _CMAKE_COMMAND.finditer(text):
            process.shell(found.group(1).strip(), f"file {path}")
        for found in _CMAKE_FETCH.finditer(text):
            verb = "git clone" if found.group(1).upper().startswith("GIT") else "wget"
            process.shell(f"{verb} {found.group(2)}", f"file {path}")
    return HOLE


_CMAKE_VARIABLE = re.compile(r"\$\{(\w+)\}")
_CMAKE_MORE = re.compile(r"\b(include|add_subdirectory)\s*\(\s*\"?([\w./\-]+)", re.IGNORECASE)
_CMAKE_COMMAND = re.compile(
    r"\bCOMMAND\s+([^()]{2,2000}?)(?=\s+(?:COMMAND|WORKING_DIRECTORY|OUTPUT_\w+|RESULT_\w+|ERROR_\w+|TIMEOUT|"
    r"VERBATIM|COMMENT|DEPENDS)\b|\))",
    re.IGNORECASE,
)
_CMAKE_CALL = re.compile(
    r"\b(set|string|list|execute_process|add_custom_\w+|\w+)\s*\(([^()]*)\)", re.IGNORECASE
)
_CMAKE_WORD = re.compile(r'"((?:\\.|[^"\\])*)"|\[\[(.*?)\]\]|([^\s"]+)', re.DOTALL)


def _cmake_values(text: str, given: dict[str, str], process: Process) -> tuple[str, dict[str, str]]:
    """Follow ``set``, ``string`` and ``list`` from top to end; the text with variables put in, and those."""
    known = dict(given)

    def read(found: re.Match[str]) -> str:
        process.state.budget.spend(4)
        body = fill_in(_CMAKE_VARIABLE, found.group(2), known.get)
        body = fill_in(_CMAKE_VARIABLE, body, known.get)
        words = ["".join(each) for each in _CMAKE_WORD.findall(body)][:500]
        verb = found.group(1).lower()
        if verb == "set" and len(words) > 1 and words[0] not in given:
            ends = next((i for i, each in enumerate(words) if each in ("CACHE", "PARENT_SCOPE")), len(words))
            known[words[0]] = ";".join(words[1:ends])
        elif verb in ("string", "list") and len(words) > 1:
            _cmake_changed(verb, words, known)
        listed = body if '"' in body else body.replace(";", " ")
        return f"{found.group(1)}({listed})"

    return _CMAKE_CALL.sub(read, text), known


def _cmake_changed(verb: str, words: list[str], known: dict[str, str]) -> None:
    """Do ``string(CONCAT out a b)``, ``list(APPEND name a b)`` and kin."""
    action, first, *rest = words
    action = action.upper()
    old = known.get(first, "")
    if action == "APPEND":
        known[first] = (
            old + "".join(rest) if verb == "string" else ";".join([each for each in (old, *rest) if each])
        )
    elif action == "PREPEND":
        known[first] = (
            "".join(rest) + old if verb == "string" else ";".join([each for each in (*rest, old) if each])
        )
    elif action == "CONCAT":
        known[first] = "".join(rest)
    elif action == "JOIN" and rest and verb == "string":
        known[rest[0]] = first.join(";".join(rest[1:]).split(";"))
    elif action == "JOIN" and len(rest) > 1:
        known[rest[1]] = rest[0].join(old.split(";"))
    elif action == "REPLACE" and len(rest) > 2:
        known[rest[1]] = "".join(rest[2:]).replace(first, rest[0])
    elif action in ("TOLOWER", "TOUPPER") and rest:
        known[rest[0]] = first.lower() if action == "TOLOWER" else first.upper()
    elif action in ("REVERSE", "SORT"):
        known[first] = ";".join(old.split(";")[::-1] if action == "REVERSE" else sorted(old.split(";")))
    elif action == "GET" and len(rest) > 1:
        values = old.split(";")
        places = [int(each) for each in rest[:-1] if re.fullmatch(r"-?\d{1,4}", each)]
        known[rest[-1]] = ";".join(values[i] for i in places if -len(values) <= i < len(values))
    elif action == "SUBSTRING" and len(rest) > 2 and rest[0].isdigit():
        end = int(rest[0]) + int(rest[1]) if rest[1].isdigit() else None
        known[rest[2]] = first[int(rest[0]) : end]
    elif action == "REGEX":
        known[rest[-2] if rest else first] = HOLE


_CMAKE_FETCH = re.compile(r"\b(GIT_REPOSITORY|URL|DOWNLOAD)\s+\"?([^\s\")]{4,1000})", re.IGNORECASE)


def _run_makefile(process: Process, text: str, operands: list[str], path: str) -> str:
    for _ in range(4):
        text = fill_in(_MAKE_INCLUDE, text, lambda path: (process.read(path) or "") + "\n")
    variables: dict[str, str] = {**process.environ, "MAKE": "make", **dict(_MAKE_DEFINE.findall(text))}
    text = _MAKE_DEFINE.sub("", text)
    rules: dict[str, tuple[list[str], list[str]]] = {}
    patterns: list[tuple[str, list[str], list[str]]] = []
    current: list[str] | None = None
    for line in re.sub(r"\\\n\s*", " ", text).splitlines()[:4000]:
        process.state.budget.spend()
        if line.startswith("\t") and current is not None:
            current.append(line[1:])
            continue
        line = line.split("#", 1)[0].rstrip() if not line.startswith("\t") else line
        assigned = re.match(r"\s*(?:export\s+|override\s+)?([\w.\-]+)\s*(\+=|\?=|::?=|!=|=)\s*(.*)", line)
        if assigned:
            name, operator, value = assigned.groups()
            if operator == "!=":
                value = process.shell(value, "make").strip()
            elif operator.startswith(":"):
                value = _make_text(value, variables, process)
            elif operator == "+=":
                value = variables.get(name, "") + " " + value
            if operator != "?=" or name not in variables:
                variables[name] = value
            current = None
            continue
        target = re.match(r"([^\s:=][^:=]*):{1,2}(?!=)\s*([^;]*)(?:;(.*))?", line)
        if target:
            current = [target.group(3)] if target.group(3) else []
            listed = _make_text(target.group(2), variables, process)
            for name in _make_text(target.group(1), variables, process).split():
                fixed = re.match(r"(\S*%\S*)\s*:\s*(.*)", listed)  # `a b: %: %.x`
                if "%" in name:
                    patterns.append((name, listed.split(), current))
                elif fixed:
                    patterns.append((fixed.group(1), fixed.group(2).split(), current))
                    rules.setdefault(name, ([], []))
                else:
                    rules[name] = (listed.split(), current)
    for operand in operands:
        name, equals, value = operand.partition("=")
        if equals:
            variables[name] = value
    goals = [o for o in operands if "=" not in o] or [
        variables.get(".DEFAULT_GOAL") or next((r for r in rules if not r.startswith(".")), "")
    ]
    out: list[str] = []
    done: set[str] = set()
    pending = goals[:]
    order: list[str] = []
    stems: dict[str, str] = {}
    while pending and len(order) < 200:
        goal = pending.pop()
        if goal not in done and not rules.get(goal, ([], []))[1]:
            _match_rule(goal, patterns, rules, stems)
        if goal in done or goal not in rules:
            continue
        done.add(goal)
        order.insert(0, goal)
        pending.extend(rules[goal][0])
    for goal in order:
        needs, recipe = rules[goal]
        local = {
            **variables, "@": goal, "<": needs[0] if needs else "", "^": " ".join(needs),
            "*": stems.get(goal, ""), "@F": goal.rpartition("/")[2], "@D": goal.rpartition("/")[0] or ".",
        }  # fmt: skip
        out.extend(
            process.shell(_make_text(line, local, process).lstrip("@-+ \t"), f"file {path}")
            for line in recipe
        )
    return "".join(out)


_MAKE_DEFINE = re.compile(
    r"^define[ \t]+(\w+)[ \t]*=?[ \t]*\n(.*?)\n?^endef[^\n]*$", re.MULTILINE | re.DOTALL
)
_MAKE_INCLUDE = re.compile(r"^[ ]*-?s?include[ \t]+(\S+)[^\n]*$", re.MULTILINE)


def _match_rule(
    goal: str,
    patterns: list[tuple[str, list[str], list[str]]],
    rules: dict[str, tuple[list[str], list[str]]],
    stems: dict[str, str],
) -> None:
    """Make a rule for ``goal`` of the first pattern, as ``fetch-%``, that it fits."""
    for pattern, needs, recipe in patterns:
        before, _, after = pattern.partition("%")
        if goal.startswith(before) and goal.endswith(after) and len(goal) > len(before) + len(after):
            stems[goal] = stem = goal[len(before) : len(goal) - len(after)]
            own = rules.get(goal, ([], []))[0]
            rules[goal] = ([*own, *(each.replace("%", stem) for each in needs)], recipe)
            return


def _make_text(text: str, variables: dict[str, str], process: Process, depth: int = 0) -> str:
    """Text with make's variables and functions put in; names may be computed."""
    out: list[str] = []
    at = size = 0
    text = text[:20_000]
    if depth > 10:
        return HOLE
    while at < len(text) and size < MAX_FILLED:
        dollar = text.find("$", at)
        if dollar < 0 or dollar + 1 == len(text):
            out.append(text[at:])
            break
        out.append(text[at:dollar])
        end = _make_closing(text, dollar + 1)
        inner = text[dollar + 2 : end - 1] if end > dollar + 2 else text[dollar + 1]
        process.state.budget.spend(2 + (len(text) - dollar) // 256)  # its end may be sought to the end
        out.append("$" if inner == "$" else _make_value(inner, variables, process, depth + 1))
        size += len(out[-1])
        at = end
    return "".join(out)


def _make_closing(text: str, at: int) -> int:
    """Where a reference ends: at its bracket, else after one character."""
    closing = {"(": ")", "{": "}"}.get(text[at])
    if closing is None:
        return at + 1
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == text[at]) - (text[i] == closing)
        if not depth:
            return i + 1
    return at + 1


def _make_value(inner: str, variables: dict[str, str], process: Process, depth: int) -> str:
    """Work out what ``$(inner)`` stands for."""
    name, _, rest = inner.partition(" ")
    if name in _MAKE_FUNCTIONS or name in ("shell", "call", "foreach", "if", "eval", "value"):
        parts = _make_arguments(rest)
        if name == "foreach" and len(parts) == 3:
            words = _make_text(parts[1], variables, process, depth).split()[:200]
            return " ".join(
                _make_text(parts[2], {**variables, parts[0].strip(): word}, process, depth) for word in words
            )
        given = [_make_text(part, variables, process, depth) for part in parts]
        if name == "shell":
            return process.shell(",".join(given), "make").strip().replace("\n", " ")
        if name == "call":
            local = {**variables, **{str(i): each for i, each in enumerate(given)}}
            return _make_text(variables.get(given[0].strip(), ""), local, process, depth)
        if name in ("if", "eval", "value"):
            return {"value": variables.get(given[0], ""), "eval": ""}.get(name) or (
                (given[1] if given[0].strip() else "".join(given[2:]))
                if name == "if" and len(given) > 1
                else ""
            )
        return _MAKE_FUNCTIONS[name]([*given, "", ""])[:MAX_FILLED]
    inner = _make_text(inner, variables, process, depth)
    name, changes, change = inner.partition(":")
    value = _make_text(variables.get(name, ""), variables, process, depth)
    if changes and "=" in change:
        old, new = change.split("=", 1)
        pattern = (old, new) if "%" in old else (f"%{old}", f"%{new}")
        return _make_patsubst([*pattern, value])
    return value


def _make_arguments(text: str) -> list[str]:
    """Arguments of a function, parted by commas outside of brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "({") - (char in ")}")
        if char == "," and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return [part.lstrip() if i else part for i, part in enumerate(parts)]


def _make_patsubst(given: list[str]) -> str:
    before, _, after = given[0].partition("%")
    size = len(before) + len(after)
    return " ".join(
        given[1].replace("%", word[len(before) : len(word) - len(after)])
        if "%" in given[0] and word.startswith(before) and word.endswith(after) and len(word) >= size
        else given[1] if word == given[0] else word
        for word in given[2].split()
    )  # fmt: skip


def _make_word(given: list[str]) -> str:
    words, number = given[1].split(), given[0].strip()
    return words[int(number) - 1] if number.isdigit() and 0 < int(number) <= len(words) else ""


_MAKE_FUNCTIONS: dict[str, Callable[[list[str]], str]] = {
    "subst": lambda given: given[2].replace(given[0], given[1]) if given[0] else given[2],
    "patsubst": _make_patsubst,
    "strip": lambda given: " ".join(given[0].split()),
    "word": _make_word,
    "firstword": lambda given: "".join(given[0].split()[:1]),
    "lastword": lambda given: "".join(given[0].split()[-1:]),
    "addprefix": lambda given: " ".join(given[0] + word for word in given[1].split()),
    "addsuffix": lambda given: " ".join(word + given[0] for word in given[1].split()),
    "join": lambda given: " ".join(a + b for a, b in zip(given[0].split(), given[1].split(), strict=False)),
    "sort": lambda given: " ".join(sorted(set(given[0].split()))),
    "filter": lambda given: " ".join(word for word in given[1].split() if word in given[0].split()),
    "or": lambda given: next((each for each in given if each.strip()), ""),
    "notdir": lambda given: " ".join(word.rpartition("/")[2] for word in given[0].split()),
    "basename": lambda given: " ".join(word.rpartition(".")[0] or word for word in given[0].split()),
    "info": lambda given: "",
    "warning": lambda given: "",
}


# -- files under other names -----------------------------------------------------------------------


def _copy(process: Process) -> str:
    """``cp``, ``mv``, ``ln``, ``install``: what a file is goes with it."""
    process.announce()
    options, operands = options_of(
        process.arguments,
        "tSmog" if process.name == "install" else "tS",
        frozenset({"--target-directory", "--suffix", "--mode", "--owner", "--group"}),
    )
    folder = options.get("t") or options.get("target-directory")
    if process.name == "install" and "d" in options:
        return ""
    if folder is None:
        if len(operands) < 2:
            if process.name != "ln" or not operands:
                return ""
            folder = "."
            sources = operands
        else:
            *sources, folder = operands
    else:
        sources = operands
    for source in sources:
        _copy_one(
            process, source, folder, many=len(sources) > 1 or "t" in options or "target-directory" in options
        )
    process.status = None
    return ""


def _copy_one(process: Process, source: str, target: str, many: bool) -> None:
    state = process.state
    files = state.files
    old = resolve(source, state.cwd)
    new = resolve(target, state.cwd) or "."
    name = source.rstrip("/").rsplit("/", 1)[-1]
    into = (
        many
        or target.endswith("/")
        or target in (".", "..")
        or new + "/" in BIN_FOLDERS
        or any(k.startswith(new + "/") for k in files)
    )
    if into:
        new = resolve(name, new if new != "." else state.cwd)
    if process.name == "ln" and not source.startswith(("/", "~")) and find_file(source, state) is None:
        # A relative link is read from where it stands.
        beside = resolve(source, new.rpartition("/")[0])
        old = beside if beside in files else old
    file = find_file(old, state) if old in files else find_file(source, state)
    if file is None and _is_program(source):
        file = File(None, source if "/" in source else f"/usr/bin/{source}", executable=True)
    below = [(k, f) for k, f in files.items() if k.startswith(old + "/")]
    process.emit(Kind.FILE, new.lower())
    if process.name == "mv":
        files.pop(old, None)
        for key, _ in below:
            files.pop(key, None)
    if file is not None:
        files[new] = File(file.content, file.source, file.executable or process.name == "install")
        from_content = file.content
        if isinstance(from_content, str) and from_content:
            run_startup_file(new, from_content, state, process.origin)
    for key, inner in below[:500]:
        files[new + key[len(old) :]] = inner


def _is_program(path: str) -> bool:
    return path.startswith(BIN_FOLDERS) and path.count("/") <= 4


def _remove(process: Process) -> str:
    process.announce()
    for path in process.arguments:
        if path.startswith("-") or not path:
            continue
        key = resolve(path, process.state.cwd)
        process.emit(Kind.FILE, key.lower())
        process.state.files.pop(key, None)
        for inner in [k for k in process.state.files if k.startswith(key + "/")]:
            del process.state.files[inner]
    return ""


def _chmod(process: Process) -> str:
    process.announce()
    operands = [a for a in process.arguments if not re.match(r"-[RvcfhHLP]|--", a)]
    mode = operands[0] if operands else ""
    runnable = "x" in mode or bool(re.fullmatch(r"[0-7]*[1357][0-7]*", mode))
    for path in operands[1:]:
        key = resolve(path, process.state.cwd)
        process.emit(Kind.FILE, key.lower())
        file = process.state.files.get(key)
        if file is not None:
            file.executable = file.executable or runnable
    return ""


def _dd(process: Process) -> str:
    process.announce(data=True)
    values = dict(a.split("=", 1) for a in process.arguments if "=" in a)
    text = process.read(values["if"]) if "if" in values else process.stdin.rest()
    if text is not None:
        text = _converted(text, values)
    file = process.file(values["if"]) if "if" in values else None
    if "if" in values and file is None and _is_program(values["if"]):
        file = File(None, values["if"], executable=True)
    source = file.source if file else process.stdin.source
    if "of" in values:
        process.write(values["of"], text, source=source)
        return ""
    process.source = source
    return HOLE if text is None else text


def _converted(text: str, values: dict[str, str]) -> str:
    """Text as ``dd`` hands it on: skipped, cut, its letters changed."""
    size = next((values[key] for key in ("ibs", "bs") if key in values), "512")
    if size.isdigit() and int(size):
        skip, count = (values.get(key, "") for key in ("skip", "count"))
        start = int(size) * int(skip) if skip.isdigit() else 0
        text = text[start:][: int(size) * int(count) if count.isdigit() else None]
    for change in values.get("conv", "").split(","):
        if change == "swab":
            text = re.sub(r"(.)(.)", r"\2\1", text, flags=re.DOTALL)
        elif change in ("lcase", "ucase"):
            text = text.lower() if change == "lcase" else text.upper()
    return text


def _tar(process: Process) -> str:
    process.announce()
    arguments = list(process.arguments)
    if arguments and not arguments[0].startswith("-"):
        # `tar xzf file`: the letters' values follow in order.
        letters = arguments.pop(0)
        arguments = [
            word
            for letter in letters
            for word in (
                ["-" + letter, arguments.pop(0)] if letter in "fCITXbgLV" and arguments else ["-" + letter]
            )
        ] + arguments
    options, operands = options_of(
        arguments,
        "fCITXbgLVHK",
        frozenset(
            {
                "--file",
                "--directory",
                "--use-compress-program",
                "--strip-components",
                "--exclude",
                "--transform",
                "--to-command",
                "--checkpoint-action",
            }
        ),
    )
    for key in (
        "to-command",
        "use-compress-program",
        "I",
        "rsh-command",
        "info-script",
        "new-volume-script",
        "F",
    ):
        if options.get(key):
            process.shell(options[key], f"tar --{key}")
    for argument in arguments:
        if "checkpoint-action=exec=" in argument:
            process.shell(argument.split("exec=", 1)[1], "tar --checkpoint-action")
    path = options.get("f") or options.get("file") or "-"
    if {"O", "to-stdout"} & options.keys():
        return _printed_members(process, path, operands)
    if {"x", "extract", "get"} & options.keys():
        folder = options.get("C") or options.get("directory") or options.get("one-top-level") or "."
        unpack(process, path, folder, operands)
    elif {"c", "create", "r", "u"} & options.keys():
        sources = [f.source for o in operands if (f := process.file(o)) is not None and f.source]
        if path != "-":
            process.write(path, None, source=sources[0] if sources else "")
            pack(process, path, operands, options.get("C") or options.get("directory") or "")
        elif sources:
            process.source = sources[0]
        return HOLE if path == "-" else ""
    return ""


def pack(process: Process, archive: str, members: Sequence[str], folder: str = "") -> None:
    """Remember what an archive holds, as if it were a folder."""
    state = process.state
    key = resolve(archive, state.cwd)
    base = resolve(folder or ".", state.cwd)
    for member in members:
        inner = resolve(member, base if base != "." else "")
        for path, file in list(state.files.items()):
            if path == inner or path.startswith(inner + "/"):
                state.files[f"{key}/{path.removeprefix(base + '/').lstrip('/')}"] = file


def members_of(archive: str, state: State) -> dict[str, File]:
    """Give the members of an archive that the session made, by their names."""
    find_file(archive, state)  # it may be one that Python is yet to write
    packed = resolve(archive, state.cwd) + "/"
    return {k[len(packed) :]: f for k, f in state.files.items() if k.startswith(packed)}


def _printed_members(process: Process, archive: str, wanted: Sequence[str]) -> str:
    """Text of those members of an archive whose names are ``wanted``; of all unless there are any."""
    from jupyter_tos_guard.inspection.shell.expansion import Pattern

    patterns = [(Pattern(each), each.rstrip("/") + "/") for each in wanted]
    texts = [
        HOLE if file.content is None else text_of(file.content)
        for name, file in members_of(archive, process.state).items()
        if not patterns or any(one.matches(name) or name.startswith(below) for one, below in patterns)
    ]
    return "".join(texts)[: 1 << 18] or HOLE


def _zip(process: Process) -> str:
    """``zip -r archive members``."""
    process.announce()
    mention_addresses(process)
    _, operands = options_of(process.arguments, "bntPxi", frozenset({"--unzip-command"}))
    for option, text in zip(process.arguments, process.arguments[1:], strict=False):
        if option in ("-TT", "--unzip-command"):
            process.shell(text, "zip -TT")
    if operands:
        name = operands[0] if "." in operands[0] else operands[0] + ".zip"
        pack(process, name, operands[1:])
    return ""


def unpack(process: Process, path: str, folder: str, members: Sequence[str] = ()) -> None:
    """Let what comes out of an archive be from where the archive is from."""
    state = process.state
    if path in ("-", "/dev/stdin"):
        source, name = process.stdin.source, process.stdin.source.rsplit("/", 1)[-1]
        process.stdin.rest()
    else:
        file = process.file(path)
        source = file.source if file else ""
        name = path.rsplit("/", 1)[-1]
    base = resolve(folder, state.cwd)
    base = "" if base == "." else base
    for name, file in members_of(path, state).items():
        state.files[resolve(name, base)] = file
    if not source:
        return
    if folder not in (".", "./"):
        state.files.setdefault(base, File(None, source))
    for stem in _stems(name, source):
        state.files.setdefault(resolve(stem, base), File(None, source))
    for member in members:
        state.files.setdefault(resolve(member, base), File(None, source))
    state.files[base + "/*" if base else "*"] = File(None, source)


def _stems(name: str, source: str) -> list[str]:
    """Likely names of the folder inside an archive."""
    stem = re.sub(r"\.(?:tar(?:\.\w+)?|tgz|tbz2?|txz|zip|7z|rar|gz|xz|bz2)$", "", name, flags=re.I)
    stems = [stem] if stem and HOLE not in stem else []
    version = re.match(r"(.*?[-_]v?\d+(?:\.\d+)+)", stem)
    if version:
        stems.append(version.group(1))
    inside = re.search(
        r"github\.com/[^/]+/([^/]+)/(?:archive/(?:refs/(?:heads|tags)/)?|zipball/|tarball/|zip/|tar\.gz/)([^/]+?)(?:\.zip|\.tar\.gz)?$",
        source,
    )
    if inside:
        stems += [
            f"{inside.group(1)}-{inside.group(2)}",
            f"{inside.group(1)}-{inside.group(2).removeprefix('v')}",
        ]
    return stems


def _unzip(process: Process) -> str:
    process.announce()
    name = process.name
    if name == "unzip":
        options, operands = options_of(process.arguments, "dPxI")
        if "P" in options:
            process.emit(Kind.OPAQUE, "encrypted-archive")
        if operands and {"p", "c"} & options.keys():
            return _printed_members(process, operands[0], operands[1:])
        if operands:
            unpack(process, operands[0], options.get("d") or ".", operands[1:])
        return ""
    operands = [a for a in process.arguments if not a.startswith("-")]
    password = next((a for a in process.arguments if re.match(r"-(?:p|hp).+", a)), "")
    if password:
        process.emit(Kind.OPAQUE, "encrypted-archive")
    folder = next((a[2:] for a in process.arguments if a.startswith("-o") and len(a) > 2), "") or "."
    verb = operands[0] if operands else ""
    if verb in ("x", "e") and len(operands) > 1 and "-so" in process.arguments:
        return _printed_members(process, operands[1], operands[2:])
    if verb in ("x", "e") and len(operands) > 1:
        last = operands[-1]
        unpack(
            process,
            operands[1],
            last if name in ("unrar", "rar") and len(operands) > 2 and last.endswith("/") else folder,
        )
    elif name in ("unar", "bsdunzip", "unace", "dtrx", "atool", "aunpack") and operands:
        unpack(process, operands[0], folder)
    return ""


def _man(process: Process) -> str:
    process.announce(data=True)
    options, _ = options_of(process.arguments, "PHCpr", frozenset({"--pager", "--html", "--preprocessor"}))
    for key in ("P", "pager", "H", "html"):
        if options.get(key):
            process.shell(options[key], "man -P")
    return HOLE


def _gpg(process: Process) -> str:
    process.announce()
    if any(a in ("-d", "--decrypt") for a in process.arguments):
        process.emit(Kind.OPAQUE, "encrypted-archive")
    return HOLE


# -- what runs later by itself ---------------------------------------------------------------------

_STARTUP_SHELL = re.compile(
    r"(?:^|/)\.(?:bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zprofile|zshenv|kshrc|xprofile|xinitrc)$"
    r"|^/etc/(?:profile|bash\.bashrc|rc\.local|profile\.d/[^/]+|cron\.(?:hourly|daily|weekly|monthly)/[^/]+|init\.d/[^/]+)$|/\.git/hooks/[a-z\-]+$|^\.git/hooks/[a-z\-]+$"
)
_STARTUP_CRON = re.compile(r"^/etc/(?:crontab|cron\.d/[^/]+)$|^/var/spool/cron/")
_STARTUP_UNIT = re.compile(
    r"(?:systemd/(?:user|system)/[^/]+\.(?:service|timer)|autostart/[^/]+\.desktop|supervisor/conf\.d/[^/]+)$"
)


_STARTUP_PYTHON = re.compile(
    r"/startup/[^/]*\.i?py$|(?:^|/)(?:site|user)customize\.py$|\.pth$|(?:^|/)(?:ipython|jupyter)\w*_config\.py$",
    re.IGNORECASE,
)


def run_startup_file(path: str, content: str, state: State, origin: Origin) -> None:
    """Run what was just written to a place that shells, cron or the session run by themselves."""
    if _KERNEL_SETTINGS.search(path):
        at = Origin(origin.span, False, (*origin.provenance, f"settings {path}"))
        _run_settings(path, content, state, at)
    if _STARTUP_PYTHON.search(path):
        from jupyter_tos_guard.inspection.python.evaluation import run_python

        origin = Origin(origin.span, False, (*origin.provenance, f"start-up file {path}"))
        run_python(content, state, origin, fresh=True)
        return
    kind = next((k for k in (_STARTUP_SHELL, _STARTUP_CRON, _STARTUP_UNIT) if k.search(path)), None)
    if kind is None:
        return
    process = Process(
        ["sh"], state, Origin(origin.span, False, (*origin.provenance, f"start-up file {path}")), Stream("")
    )
    if kind is _STARTUP_SHELL:
        process.shell(content)
    elif kind is _STARTUP_CRON:
        run_crontab(content, state, origin, process.shell)
    else:
        for found in re.finditer(
            r"^\s*(?:ExecStart|ExecStartPre|ExecStop|Exec|command)\s*=\s*[-@+!:]*(.*)$", content, re.M
        ):
            process.shell(found.group(1))


_KERNEL_SETTINGS = re.compile(r"(?:^|/)(?:kernel\.json|(?:ipython|jupyter)\w*_config\.(?:py|json))$")


def _run_settings(path: str, content: str, state: State, origin: Origin) -> None:
    """Read a kernel specification as the command that it is, settings as the options that they stand for."""
    process = Process(["jupyter"], state, origin, Stream(""))
    given: list[tuple[str, str]] = []
    if path.endswith(".json"):
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            return
        if not isinstance(document, dict):
            return
        words = document.get("argv")
        if isinstance(words, list) and words and all(isinstance(each, str) for each in words):
            execute(Process(words[:64], state, origin, Stream("")))
        for name, traits in document.items():
            if isinstance(traits, dict):
                given += [(f"{name}.{trait}", json.dumps(value)) for trait, value in traits.items()]
    else:
        for found in re.finditer(r"^\s*c\.(\w+\.\w+)\s*=\s*([^\n]{0,300})", content, re.MULTILINE):
            given.append((found.group(1), found.group(2).strip("'\" ")))
    for option, value in given[:200]:
        process.emit(Kind.ARGUMENT, f"jupyter --{option}={value}"[:1000])


def written(path: str, state: State, origin: Origin) -> None:
    """Tell that another evaluator has written ``path`` (its content is in ``state.files``)."""
    file = state.files.get(resolve(path, state.cwd))
    if file is not None and file.content:
        run_startup_file(resolve(path, state.cwd), text_of(file.content), state, origin)


def copy_file(source: str, target: str, state: State, origin: Origin, *, move: bool = False) -> None:
    """Carry what is known of ``source`` to ``target``, as ``cp -r`` or ``mv`` would."""
    _copy_one(Process(["mv" if move else "cp"], state, origin), source, target, many=False)


def unpack_archive(path: str, folder: str, state: State, origin: Origin) -> None:
    """Let ``folder`` inherit where the archive at ``path`` is from."""
    unpack(Process(["tar"], state, origin), path, folder)


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(SHELLS - {"busybox"}, _shell),
    **dict.fromkeys(_WRAPPERS, _wrapper),
    "env": _env,
    "busybox": _busybox,
    "toybox": _busybox,
    "ld-linux-x86-64.so.2": _loader,
    "ld.so": _loader,
    "watch": _joined_command,
    "su": _text_option("c", "s"),
    "script": _text_option("c", "tEIOBTom", "--command"),
    "flock": _text_option("c", "wE", "--command --timeout", 1),
    "sg": _text_option("c", "", "", 1),
    "screen": _screen,
    "tmux": _tmux,
    "crontab": _crontab,
    "at": _at,
    "batch": _at,
    "xargs": _xargs,
    "find": _find,
    "gfind": _find,
    "parallel": _parallel,
    "python": _python,
    "torchrun": _launcher,
    "accelerate": _launcher,
    "deepspeed": _launcher,
    "coverage": _launcher,
    "ipython": _ipython,
    "jupyter": _jupyter,
    "jupyter-nbconvert": _jupyter,
    "jupyter-execute": _jupyter,
    "jupyter-run": _jupyter,
    "jupyter-console": _jupyter,
    "papermill": _jupyter,
    "nbconvert": _jupyter,
    "run-parts": _run_parts,
    "make": _make,
    "gmake": _make,
    "cmake": _cmake,
    **dict.fromkeys(_RUNNERS.keys() - {"deno", "composer"}, task_runner),
    "cp": _copy,
    "mv": _copy,
    "ln": _copy,
    "link": _copy,
    "install": _copy,
    "rm": _remove,
    "unlink": _remove,
    "shred": _remove,
    "truncate": _remove,
    "chmod": _chmod,
    "dd": _dd,
    "tar": _tar,
    "zip": _zip,
    "unzip": _unzip,
    "7z": _unzip,
    "7za": _unzip,
    "7zr": _unzip,
    "unrar": _unzip,
    "rar": _unzip,
    "unar": _unzip,
    "dtrx": _unzip,
    "aunpack": _unzip,
    "man": _man,
    "gpg": _gpg,
    "gpg2": _gpg,
}
