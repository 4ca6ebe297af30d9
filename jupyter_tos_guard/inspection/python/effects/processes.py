"""Processes: calls that start a program or a shell, and libraries that wrap them."""

from __future__ import annotations

import ast
import itertools
import posixpath
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.python import library, reflection
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument, first_argument
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Generator,
    Lines,
    Path,
    Process,
    Stream,
    Symbol,
    Value,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


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
    origin = self.origin_of(self.node, *steps, *self.steps_of(made_text, node_of(self)))
    return run_shell(made_text, self.state, origin)


def _commands_within(self: Evaluator, symbol: Symbol) -> list[str]:
    """Find shell commands in the text a library's parser was given: its result may be any part of it."""
    found: list[str] = []
    given = [*symbol.details[0], *symbol.details[1].values()]
    given += [part for each in given if type(each) in (list, tuple) for part in each[:64]]
    for each in given:
        content = each.content if type(each) is Stream else decoded(each)
        if type(content) is not str or len(content) > 1 << 14:
            continue
        for match in _WITHIN.finditer(content):
            if match.group(1) in PROGRAMS and len(found) < 16:
                found.append(match.group().strip())
    return found


def absorb(symbol: Symbol, values: Sequence[Value]) -> list[str]:
    """Let a library's object keep the commands that it is given: what it answers later may be one of them."""
    kept: list[str] = []
    for value in values:
        for each in value[:64] if type(value) in (list, tuple) else [value]:
            each = decoded(each)
            if type(each) is not str or not 6 < len(each) < 1 << 14:
                continue
            if any(match.group(1) in PROGRAMS for match in itertools.islice(_WITHIN.finditer(each), 16)):
                kept.append(each)
    if kept and symbol.called and symbol.details is not None and len(symbol.details[0]) < 32:
        symbol.details[0].extend(kept)
    return kept


#: A word and what follows it, up to what ends a value in YAML, TOML, XML, CSV and their kin.
_WITHIN: Final = re.compile(r"(?<![\w./-])([\w.-]{2,24}) [^\n\"'<>;|]{3,400}")


def node_of(self: Evaluator) -> ast.AST | None:
    """Where the first argument of the call stands."""
    node = self.node
    return node.args[0] if type(node) is ast.Call and node.args else None


def argv(self: Evaluator, words: Value, *steps: str, stdin: str | None = None) -> str:
    """Run one program with separate arguments."""
    from jupyter_tos_guard.inspection.shell.interpreter import run_argv

    given = [self.text(decoded(each)) for each in self.items(words)]
    if not given or not given[0].replace(HOLE, ""):
        self.opaque("unresolved-command", self.node, *steps)
        if len(given) < 2:
            return HOLE
    extra: tuple[str, ...] = ()
    for each in given:
        if each in self.session.trace:
            extra = self.session.trace[each]
            break
    origin = self.origin_of(self.node, *steps, *self.steps_of(None, node_of(self)), *extra)
    return run_argv(given, self.state, origin, stdin=stdin)


def decoded(value: Value) -> Value:
    """Bytes as text; anything else as it is."""
    return value.decode("utf-8", "replace") if type(value) in (bytes, bytearray) else value


def _subprocess(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``subprocess.run`` and its kin."""
    command = argument(arguments, keywords, 0, "args", "cmd", "command")
    if command is None:
        return UNKNOWN
    given = keywords.get("input")
    if given is None and type(keywords.get("stdin")) is Stream:
        given = library.stream_read(keywords["stdin"])
    stdin = self.text(decoded(given)) if given is not None else None
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
    words: list[Value] = []
    try:
        if type(command) in (list, tuple, Lines, Generator):
            words = self.items(command)
            program = posixpath.basename(self.text(decoded(words[0]))) if words else ""
            if self.truth(keywords.get("shell", False)):
                output = shell(self, words[0] if words else "")
            else:
                executable = keywords.get("executable")
                if type(executable) in (str, Path):
                    words = [executable, *words[1:]]
                output = argv(self, words, stdin=stdin)
        else:
            program = self.text(decoded(command)).split(" ")[0]
            words = ["sh", "-c", command]
            if stdin is not None and not self.truth(keywords.get("shell", False)):
                output = argv(self, [command], stdin=stdin)
            elif stdin is not None:
                output = argv(self, words, stdin=stdin)
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
    given_words = [self.text(decoded(each)) for each in words]
    return Process(known, text, program, words=given_words, ended=word == "run")


def _output(text: str, as_text: bool) -> Value:
    if not text:
        return UNKNOWN
    return text if as_text else text.encode("utf-8", "replace")


def _system(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """One text for a shell."""
    command = argument(arguments, keywords, 0, "cmd", "command", "args")
    if command is None:
        return UNKNOWN
    output = shell(self, command)
    word = symbol.name.rpartition(".")[2]
    if word in ("popen", "spawn", "run", "create_subprocess_shell"):
        text = self.text(decoded(command))
        return Process(
            output if HOLE not in output else "", True, text.split(" ")[0], words=["sh", "-c", text]
        )
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
    words = self.items(argument(arguments, keywords, 1, "argv") or [])
    argv(self, [first_argument(arguments, keywords.get("path", UNKNOWN)), *words[1:]])
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
    command = argument(arguments, keywords, 0, "command", "argv", "cmd")
    extra = argument(arguments, keywords, 1, "args")
    if type(command) in (list, tuple):
        return Process(argv(self, command), True, self.text(first_argument(list(command))))
    if type(extra) in (list, tuple) and extra:
        return Process(argv(self, [command, *extra]), True, self.text(command))
    output = shell(self, command)
    return Process(output if HOLE not in output else "", True, self.text(command).split(" ")[0])


def _fork_exec(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    argv(self, first_argument(arguments, []))
    return UNKNOWN


def feed(self: Evaluator, process: Process, text: str) -> None:
    """Write to a process's standard input: a command if a shell reads it."""
    names = [posixpath.basename(each) for each in process.words or [process.shell]]
    name = next((each for each in names if each in _READERS), "")
    if not name or not text.replace(HOLE, "").strip():
        return
    given = (process.stdin + text)[-16384:]
    # A shell has done what its earlier lines say; others act on all that they read.
    process.stdin = given.rpartition("\n")[2] if name in _SHELLS else given
    facts = self.state.facts
    before = len(facts)
    argv(self, process.words or [name], stdin=given)
    seen = {(fact.kind, fact.value) for fact in facts[:before]}
    facts[before:] = [fact for fact in facts[before:] if (fact.kind, fact.value) not in seen]


_SHELLS: Final = frozenset("bash sh zsh dash ksh fish ash busybox ssh tmux screen".split())
_READERS: Final = _SHELLS | frozenset("python python3 perl ruby node xargs parallel at batch crontab".split())


def libc(self: Evaluator, name: str, arguments: Arguments) -> Value:
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


def _argument_words(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``session.run("git", "clone", address)``, ``session.install("name")`` of nox."""
    words = [self.text(each) for each in arguments]
    if symbol.name.endswith("install"):
        words = ["conda" if "conda" in symbol.name else "pip", "install", *words]
    if words:
        argv(self, words)
    return UNKNOWN


def _pip(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``pip`` and ``conda`` called as functions."""
    words = self.items(arguments[0]) if arguments and type(arguments[0]) in (list, tuple) else list(arguments)
    if not words:
        words = self.session.words() or []
    root = symbol.name.partition(".")[0]
    if root in ("micropip", "piplite", "setuptools", "easy_install", "pyodide_js"):
        words = ["install", *words]
    argv(self, ["conda" if root == "conda" else "pip", *words])
    return UNKNOWN


def _pager(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``pydoc.pipepager(text, command)``."""
    command = argument(arguments, keywords, 1, "cmd")
    if type(command) is str:
        shell(self, command)
    return None


def _pty_fork(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``pty.fork()``: what is written to the terminal is most likely for a shell."""
    return (UNKNOWN, Process("", True, "bash"))


def _project_setup(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``setuptools.setup(install_requires=…)``: what installing the project installs."""
    needed = keywords.get("install_requires", keywords.get("requires"))
    words = needed.split() if type(needed) is str else self.items(needed) if needed is not None else []
    if words:
        argv(self, ["pip", "install", *words[:200]])
    return Symbol(symbol.name, True)


def _r_code(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``rpy2.robjects.r(text)``, ``lupa``'s and others: a program of another language."""
    text = self.text(first_argument(arguments, ""))
    program = {"rpy2": "Rscript", "lupa": "lua", "js2py": "node", "execjs": "node", "oct2py": "octave"}.get(
        symbol.name.partition(".")[0], "Rscript"
    )
    if text.replace(HOLE, "").strip():
        argv(self, [program, "-"], stdin=text)
    return Symbol(symbol.name, True)


def report_variable(self: Evaluator, name: str, value: str) -> None:
    """Report that an environment variable of the guard's is set, as ``export`` in a shell is."""
    if "TOS" in name.upper() and "GUARD" in name.upper():
        self.emit(Kind.ARGUMENT, f"export {name}={value}", self.node)


PROGRAMS: Final = frozenset(
    "git wget curl pip pip3 apt apt-get conda mamba bash sh python python3 sudo chmod tar unzip ssh docker "
    "aria2c npm npx yarn cargo go make cmake nohup cd export mv cp ln ./ nvidia-smi node java perl ruby gcc "
    "g++ snap dpkg brew udocker screen tmux env eval source hg svn gh kaggle gdown uv pipx poetry "
    "cloudflared ngrok lt bore wstunnel chisel frpc qbittorrent-nox transmission-cli transmission-daemon "
    "rclone hashcat john xmrig t-rex nbminer lolMiner ethminer".split()
)


def looks_like_command(text: str) -> bool:
    """Whether ``text`` begins like a shell command."""
    word = text.strip().partition(" ")[0]
    return (word in PROGRAMS or word.startswith(("./", "/usr/", "/bin/", "/opt/", "/content/", "~/"))) and (
        " " in text.strip() or word.startswith(("./", "/"))
    )


def sh(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
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


def plumbum(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
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


def _mark_install(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``apt.Cache()[name].mark_install()``."""
    if symbol.details:
        argv(self, ["apt-get", "install", *symbol.details[0]])
    return None


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
SYSTEM_CALLS: Final = (
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
HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(_PREFIXES.split(), _subprocess),
    **dict.fromkeys(SYSTEM_CALLS.split(), _system),
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
    **dict.fromkeys(
        "pip.main pip._internal.main pip._internal.main.main pip._internal.cli.main.main "
        "pip.__main__.main pip._internal.cli.main "
        "pip._internal.commands.install.InstallCommand.main conda.cli.main "
        "conda.cli.python_api.run_command conda.cli.main.main micropip.install piplite.install "
        "setuptools.command.easy_install.main pip._internal.utils.entrypoints._wrapper "
        "pip._internal.cli.main_parser.parse_command pyodide_js.loadPackage".split(),
        _pip,
    ),
    "pydoc.pipepager": _pager,
    "pydoc.tempfilepager": _pager,
    "pty.fork": _pty_fork,
    "pty.openpty": lambda self, symbol, arguments, keywords: (
        Process("", True, "bash"),
        Process("", True, "bash"),
    ),
    "setuptools.setup": _project_setup,
    "distutils.core.setup": _project_setup,
    **dict.fromkeys(
        "rpy2.robjects.r rpy2.robjects.reval lupa.LuaRuntime.execute lupa.LuaRuntime.eval "
        "js2py.eval_js execjs.eval oct2py.octave.eval".split(),
        _r_code,
    ),
    **dict.fromkeys(
        [f"nox.Session.{each}" for each in "run run_always run_install install conda_install".split()],
        _argument_words,
    ),
    "apt.package.mark_install": _mark_install,
}
