"""One program of the session as inspection sees it: its arguments, input, files and facts.

Nothing is started. A :class:`Process` is what a handler (in :mod:`.commands`, :mod:`.filters`,
:mod:`.wrappers`, :mod:`.foreign`) is given in place of a real process: it reads known
files, says what the program does, runs further commands, and returns what is known of the output.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from jupyter_tos_guard.inspection import naming
from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.state import Budget, File, Origin, State

#: Most arguments of one program that become facts.
_MAX_ARGUMENTS = 64
#: Most files that a session's shell commands are followed through.
_MAX_FILES = 4000

BIN_FOLDERS = (
    "/usr/bin/",
    "/bin/",
    "/usr/local/bin/",
    "/usr/sbin/",
    "/sbin/",
    "/opt/conda/bin/",
    "/snap/bin/",
)


class Stream:
    """Text on its way into a program.

    ``source`` is the address it was fetched from, ``steps`` how it was made, ``piped`` whether it
    comes from somewhere else than the terminal.
    """

    __slots__ = ("at", "piped", "source", "steps", "text")

    def __init__(self, text: str, source: str = "", steps: tuple[str, ...] = (), piped: bool = True) -> None:
        self.text = text
        self.piped = piped
        self.at = 0
        self.source = source
        self.steps = steps

    def rest(self) -> str:
        """Take all that is left."""
        text, self.at = self.text[self.at :], len(self.text)
        return text

    def line(self, delimiter: str = "\n") -> str | None:
        """Take one line, without its end; None at the end."""
        if self.at >= len(self.text):
            return None
        end = self.text.find(delimiter, self.at)
        end = len(self.text) if end < 0 else end
        line, self.at = self.text[self.at : end], end + 1
        return line


class Process:
    """A program with its arguments.

    Attributes
    ----------
    name : str
        Canonical program name: ``python`` for ``/usr/bin/python3.11``.
    arguments : list of str
    stdin : Stream
    status : int or None
        Exit status to be set by the handler; None when it is not known.
    source : str
        Address of what the program printed, to be set by handlers that fetch.
    """

    __slots__ = (
        "_environ",
        "arguments",
        "name",
        "origin",
        "source",
        "state",
        "status",
        "stdin",
        "text",
        "written",
    )

    def __init__(
        self,
        argv: Sequence[str],
        state: State,
        origin: Origin,
        stdin: Stream | None = None,
        environ: Mapping[str, str] | Callable[[], Mapping[str, str]] | None = None,
        text: str = "",
    ) -> None:
        self.written = argv[0]
        self.name = program_name(argv[0])
        self.arguments = list(argv[1:])
        self.state = state
        self.origin = origin
        self.stdin = Stream(HOLE, piped=False) if stdin is None else stdin
        self._environ = state.environ if environ is None else environ
        self.status: int | None = None
        self.source = ""
        self.text = text

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment; made when it is first asked for."""
        if callable(self._environ):
            self._environ = self._environ()
        return self._environ

    @environ.setter
    def environ(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    # -- facts -------------------------------------------------------------------

    def emit(self, kind: Kind, value: str) -> None:
        """Report a fact about this program."""
        self.state.emit(kind, value, self.origin, self.text)

    def fetch(self, url: str) -> str:
        """Report that ``url`` is fetched or connected to; its canonical form."""
        return fetch(url, self.state, self.origin, text=self.text)

    def package(self, ecosystem: str, name: str) -> None:
        """Report that a package is installed."""
        self.emit(Kind.PACKAGE, naming.package(ecosystem, name))

    def announce(self, *, data: bool = False, hide: Sequence[str] = ()) -> None:
        """Report the program and, unless they are data, its arguments.

        ``hide`` are arguments that are text of their own: headers, posted data, program text.
        """
        state, origin, text, name = self.state, self.origin, self.text, self.name
        state.emit(Kind.COMMAND, name, origin, text)
        if not data:
            shown = self.arguments if not hide else [a for a in self.arguments if a not in hide]
            announce_arguments(name, shown, state, origin, text)

    # -- files -------------------------------------------------------------------

    def read(self, path: str) -> str | None:
        """Text of a file that the session wrote; None when it is not known."""
        if path in ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"):
            return self.stdin.rest()
        if path == "/dev/null":
            return ""
        found = find_file(path, self.state)
        if found is None or found.content is None:
            return None
        return text_of(found.content)

    def file(self, path: str) -> File | None:
        """Tell what is known of a file, or of the folder that it came in."""
        return find_file(path, self.state)

    def downloaded(self, path: str) -> bool:
        """Whether this very file was fetched from an address, not a folder that it is in."""
        file = self.state.files.get(resolve(path, self.state.cwd)) or find_file(path, self.state)
        return (
            file is not None
            and "://" in file.source
            and any(file is kept for kept in self.state.files.values())
        )

    def write(
        self,
        path: str,
        content: str | None,
        *,
        append: bool = False,
        source: str = "",
        executable: bool = False,
    ) -> None:
        """Report that a file is written, and remember it."""
        write_file(
            path, content, self.state, self.origin, append=append, source=source, executable=executable
        )

    # -- further commands -------------------------------------------------------------

    def run(self, argv: Sequence[str], *steps: str, stdin: Stream | None = None) -> str:
        """Run another program in place of this one."""
        if not argv:
            return ""
        inner = Process(
            argv,
            self.state,
            self._origin(steps),
            self.stdin if stdin is None else stdin,
            self._environ,
            self.text,
        )
        output = execute(inner)
        self.status, self.source = inner.status, inner.source
        return output

    def shell(
        self,
        text: str,
        *steps: str,
        arguments: Sequence[str] = (),
        stdin: Stream | None = None,
        startup: Sequence[str] = (),
    ) -> str:
        """Run shell text in a child shell, which reads the files ``startup`` before."""
        from jupyter_tos_guard.inspection.shell.interpreter import run_child_shell

        return run_child_shell(
            text,
            self.state,
            self._origin(steps),
            environ=self.environ,
            arguments=arguments,
            stdin=self.stdin if stdin is None else stdin,
            startup=startup,
        )

    def python(self, text: str, *steps: str, argv: Sequence[str] | None = None) -> str:
        """Run Python text in a child interpreter, with its arguments."""
        from jupyter_tos_guard.inspection.python.evaluation import run_python

        state = self.state
        environ, state.environ = state.environ, dict(self.environ)
        cwd = state.cwd
        try:
            with nested(state.budget) as allowed:
                if not allowed:
                    self.emit(Kind.OPAQUE, "too-deep")
                    return HOLE
                run_python(text, state, self._origin(steps), fresh=True, argv=argv)
        finally:
            state.environ, state.cwd = environ, cwd
        return HOLE

    def _origin(self, steps: Sequence[str]) -> Origin:
        if not steps:
            return self.origin
        return Origin(self.origin.span, False, self.origin.provenance + tuple(s for s in steps if s))


class nested:  # noqa: N801 (a context manager is used as a word)
    """Count one level of nested programs; False when there may be no further one."""

    __slots__ = ("_budget",)

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def __enter__(self) -> bool:
        self._budget.depth += 1
        return self._budget.depth <= Budget.MAX_DEPTH

    def __exit__(self, *_: object) -> None:
        self._budget.depth -= 1


_VERSIONED = re.compile(
    r"(python|pip|pypy|perl|ruby|node|nodejs|lua|tclsh|php|gcc|g\+\+|clang|clang\+\+|pipx|easy_install|ipython|jupyter)"
    r"[-.]?[0-9][0-9.]*"
)
_SAME = {
    "nodejs": "node",
    "pypy": "python",
    "ipython3": "ipython",
    "conda.exe": "conda",
    "dash": "sh",
    "ash": "sh",
    "gawk": "awk",
    "mawk": "awk",
    "nawk": "awk",
    "original-awk": "awk",
    "gsed": "sed",
    "ggrep": "grep",
    "egrep": "grep",
    "fgrep": "grep",
    "gunzip": "gzip",
    "unxz": "xz",
    "bunzip2": "bzip2",
    "zstdcat": "zstd",
    "bsdtar": "tar",
    "gtar": "tar",
    "ncat": "nc",
    "netcat": "nc",
    "luajit": "lua",
    "rscript": "rscript",
    "micromamba": "micromamba",
    "https": "http",
    "httpie": "http",
    "xhs": "xh",
}


def program_name(written: str) -> str:
    """Canonical name of a program: no folder, no version, lower case.

    Examples
    --------
    >>> program_name("/usr/bin/python3.11"), program_name("PIP3"), program_name("./xmrig")
    ('python', 'pip', 'xmrig')
    """
    name = written.rsplit("/", 1)[-1].lower().removesuffix(".exe")
    if name and name[-1].isdigit() and (found := _VERSIONED.fullmatch(name)):
        name = found.group(1)
    return _SAME.get(name, name)


def announce_arguments(
    name: str, arguments: Sequence[str], state: State, origin: Origin, text: str = ""
) -> None:
    """Report each argument of a program, long options also together with their value."""
    count = len(arguments)
    for i, argument in enumerate(arguments[:_MAX_ARGUMENTS]):
        if not argument or len(argument) > 1000:
            continue
        state.emit(Kind.ARGUMENT, f"{name} {argument}", origin, text)
        if argument[:2] == "--" and len(argument) > 2:
            option, equals, _ = argument.partition("=")
            if equals:
                state.emit(Kind.ARGUMENT, f"{name} {option}", origin, text)
            elif i + 1 < count and arguments[i + 1][:1] != "-":
                state.emit(Kind.ARGUMENT, f"{name} {argument}={arguments[i + 1]}", origin, text)


def fetch(url: str, state: State, origin: Origin, *, cloned: bool = False, text: str = "") -> str:
    """Report an address that is fetched from or connected to: address, host, repository, package.

    An address without a scheme is taken as a browser or ``curl`` would take it.

    Returns
    -------
    str
        Canonical address; empty when ``url`` is none.
    """
    canonical = naming.canonical_url(url)
    if not canonical:
        if not _BARE.match(url) or HOLE in url.split("/", 1)[0]:
            return ""
        url = "https://" + url
        canonical = naming.canonical_url(url)
        if not canonical:
            return ""
    state.emit(Kind.URL, canonical, origin, text)
    host = naming.host_of(canonical)
    if host:
        state.emit(Kind.HOST, host, origin, text)
    repository = naming.repository_of(url, cloned)
    if repository:
        state.emit(Kind.REPOSITORY, repository, origin, text)
    inner = naming.embedded_url(canonical)
    if inner and inner != canonical:
        state.emit(Kind.URL, inner, origin, text)
        state.emit(Kind.HOST, naming.host_of(inner), origin, text)
    package = naming.package_of_url(canonical)
    if package:
        state.emit(Kind.PACKAGE, package, origin, text)
    return canonical


#: `example.org/path`, `10.0.0.1:80`, `localhost:8888/x`: an address as one types it.
_BARE = re.compile(r"(?:[^\s/:@]+@)?(?:[\w\-]+(?:\.[\w\-]+)+|localhost)(?::\d+)?(?:[/?].*)?$")


def emit_source(source: str, state: State, origin: Origin, path: str = "") -> None:
    """Report again where a file that is now used was fetched from."""
    if not source or source.startswith("/"):
        return
    origin = Origin(origin.span, False, (*origin.provenance, f"file fetched from {source[:200]}"))
    if "://" in source:
        fetch(source, state, origin)
    else:
        state.emit(Kind.REPOSITORY, source, origin)
        state.emit(Kind.HOST, source.split("/", 1)[0], origin)


def text_of(content: str | bytes) -> str:
    """Give a file's content as the text that streams carry."""
    return content if isinstance(content, str) else content.decode("utf-8", "surrogateescape")


_STARTS = ("/content", "~", "/kaggle/working", "~/work")


_DESCRIPTOR = re.compile(r"/proc/[^/]+/fd/")


def find_file(path: str, state: State) -> File | None:
    """Tell what is known of ``path``: itself, else the folder or archive that it came out of."""
    if not path:
        return None
    if state.unread is not None:
        from jupyter_tos_guard.inspection.python.evaluation import replay_writers

        replay_writers(path, state)
    files = state.files
    if not files:
        return None
    key = resolve(path, state.cwd)
    if key.startswith("/proc/"):
        key = _DESCRIPTOR.sub("/dev/fd/", key)
    found = files.get(key)
    if found is not None:
        return found
    for other in _spellings(key, state):
        found = files.get(other)
        if found is not None:
            return found
        folder = other
        while folder:
            folder = folder.rpartition("/")[0]
            kept = files.get(folder) or files.get(folder + "/*" if folder else "*")
            if kept is not None and kept.source and kept.content is None:
                return File(None, kept.source, kept.executable)
    return None


def _spellings(key: str, state: State) -> list[str]:
    """List the names that one file may have while the kernel's first folder is unknown."""
    spellings = [key]
    if key.startswith(("/", "~")):
        spellings.extend(key[len(start) + 1 :] for start in _STARTS if key.startswith(start + "/"))
    elif not state.cwd:
        spellings.extend(f"{start}/{key}" for start in _STARTS)
    return spellings


def write_file(
    path: str,
    content: str | None,
    state: State,
    origin: Origin,
    *,
    append: bool = False,
    source: str = "",
    executable: bool = False,
) -> None:
    """Report that ``path`` is written and remember its content (None: not known)."""
    if path.startswith("/dev/fd/"):
        state.files[path] = File(content, source)  # on its way into a process substitution
        return
    if not path or path.startswith(("/dev/", "/proc/self/fd")):
        return
    key = resolve(path, state.cwd)
    state.emit(Kind.FILE, key.lower(), origin)
    files = state.files
    old = files.get(key)
    if append and old is not None:
        content = None if content is None or old.content is None else text_of(old.content) + content
        source = source or old.source
        executable = executable or old.executable
    elif old is not None:
        executable = executable or old.executable
    if content is not None and len(content) > Budget.MAX_SIZE:
        content = content[: Budget.MAX_SIZE] + HOLE
    if old is not None or len(files) < _MAX_FILES:
        files[key] = File(content, source, executable)
    if content:
        from jupyter_tos_guard.inspection.shell.wrappers import run_startup_file

        run_startup_file(key, content, state, origin)


def make_folder(path: str, state: State) -> None:
    """Remember a folder: an entry whose name ends in a slash."""
    if path and len(state.files) < _MAX_FILES:
        state.files.setdefault(resolve(path, state.cwd) + "/", File(""))


# -- finding out which program it is ------------------------------------------------------

Handler = Callable[[Process], str]
_handlers: dict[str, Handler] = {}

#: Programs whose arguments are text, patterns or names to be shown: mention, not use.
_SHOWING = frozenset(
    "ls dir cat less more head tail wc nl grep rg ag ack sed awk tr cut sort uniq rev tac fold fmt "
    "column paste join comm diff cmp "
    "file stat du df free uname whoami id hostname nproc lscpu lsb_release printenv history man info "
    "clear date seq "
    "expr basename dirname realpath readlink which whereis type md5sum sha1sum sha256sum sha512sum "
    "cksum strings od xxd "
    "hexdump jq yq tree locate true false test [ echo printf yes mkdir rmdir touch tput reset stty "
    "groups who w last uptime "
    "ps top htop pgrep pidof lsof ss netstat lspci lsusb nvidia-smi cal bc dc factor shuf tsort pr "
    "expand unexpand look "
    "spell aspell figlet cowsay lolcat banner base64 base32 basenc uuencode uudecode iconv numfmt "
    "mktemp".split()
)


def handlers() -> dict[str, Handler]:
    """Tell what each known program does, by canonical name."""
    if not _handlers:
        from jupyter_tos_guard.inspection.shell import (
            awk,
            ciphers,
            commands,
            databases,
            editors,
            filters,
            foreign,
            jq,
            wrappers,
        )

        for module in (filters, awk, jq, ciphers, databases, editors, foreign, wrappers, commands):
            _handlers.update(module.HANDLERS)
    return _handlers


def execute(process: Process) -> str:
    """Report what a program does; what is known of its output."""
    state = process.state
    state.budget.spend(4)
    written = process.written
    table = handlers()
    if written in table and not state.files:
        return table[written](process)
    if not written:
        return ""
    if HOLE in written:
        return _unresolved(process)
    if "/" in written or written.startswith("~") or any(c in written for c in "*?["):
        return _execute_path(process, table)
    handler = table.get(process.name)
    if handler is None or process.name not in _STANDARD:
        found = _on_path(process)
        if found is not None:
            process.written = found
            return _execute_path(process, table)
    if handler is not None:
        return handler(process)
    return other_program(process)


#: Programs that a file of the session is not expected to shadow.
_STANDARD = frozenset(
    "sh bash sudo env cat echo ls cp mv rm mkdir tar unzip wget curl git apt apt-get".split()
)


def _on_path(process: Process) -> str | None:
    """Find the session's own file that a bare name finds on ``PATH``, if any."""
    files = process.state.files
    end = "/" + process.written
    if not any(key.endswith(end) for key in files):
        return None
    folders = [f for f in process.environ.get("PATH", "").split(":") if f]
    for folder in (*folders, *BIN_FOLDERS, "~/.local/bin", "~/bin"):
        key = resolve(folder.rstrip("/") + "/" + process.written, process.state.cwd)
        if key in files:
            return key
    return None


def _unresolved(process: Process) -> str:
    """Look at a program whose name is not known: its arguments may still say what it does."""
    process.emit(Kind.OPAQUE, "unresolved-command")
    plain = process.written.replace(HOLE, "")
    arguments = process.arguments
    if not plain.strip():
        # `$tool clone https://…`: an address in the arguments is used whatever the tool is.
        mention_addresses(process)
        announce_arguments(HOLE, arguments, process.state, process.origin, process.text)
        return HOLE
    tail = process.written.rsplit("/", 1)[-1]
    if tail and HOLE not in tail:
        process.name = program_name(tail)
        handler = handlers().get(process.name)
        return handler(process) if handler else other_program(process)
    return other_program(process)


def _execute_path(process: Process, table: dict[str, Handler]) -> str:
    written = process.written
    if any(c in written for c in "*?["):
        matched = _match_program(written)
        if matched is None and process.name in ("[", "[["):
            return ""
        process.written = written = matched or written
        process.name = program_name(written)
    file = find_file(written, process.state)
    if file is None:
        handler = table.get(process.name)
        return handler(process) if handler else other_program(process)
    if file.source.startswith("/"):
        # A copy of, or a link to, a program of the system: it is that program.
        process.name = program_name(file.source)
        handler = table.get(process.name)
        return handler(process) if handler else other_program(process)
    from jupyter_tos_guard.inspection.shell.wrappers import run_script

    return run_script(process, written, process.arguments)


def _match_program(pattern: str) -> str | None:
    """Find the well-known program that ``/???/b??/wg?t`` finds."""
    from jupyter_tos_guard.inspection.shell.expansion import Pattern

    compiled = Pattern(pattern)
    relative = not pattern.startswith("/")
    for name in sorted(set(handlers()) | _SHOWING):
        for folder in ("/usr/bin/", "/bin/", "/usr/local/bin/", "/usr/sbin/", "/sbin/"):
            if not relative and compiled.matches(folder + name):
                return folder + name
    for name in ("python3", "pip3", "python3.11"):
        if compiled.matches("/usr/bin/" + name):
            return "/usr/bin/" + name
    return None


def other_program(process: Process) -> str:
    """Report a program that nothing particular is known of."""
    showing = process.name in _SHOWING
    process.announce(data=showing)
    if "/" in process.written:
        process.emit(Kind.FILE, resolve(process.written, process.state.cwd).lower())
    if not showing:
        mention_addresses(process)
    return HOLE


_ADDRESS = re.compile(r"[a-z][a-z0-9+.\-]{1,30}://[^\s'\"<>]{3,}|magnet:\?\S+|git@[\w.\-]+:\S+", re.I)


def mention_addresses(process: Process) -> None:
    """Report the addresses among the arguments of a program that may connect to them."""
    for argument in process.arguments[:_MAX_ARGUMENTS]:
        if "://" in argument or "magnet:" in argument or argument.startswith("git@"):
            for found in _ADDRESS.finditer(argument[:4000]):
                process.fetch(found.group())
        elif _HOST_PORT.fullmatch(argument):
            process.fetch("tcp://" + argument)


#: `pool.example.org:3333`, as miners and tunnels take it.
_HOST_PORT = re.compile(r"(?:[\w\-]+\.)+[a-z]{2,}:\d{2,5}", re.I)
