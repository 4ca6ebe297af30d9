"""What shell text does, found by running it on paper.

Words are expanded, known text is sent through known filters, branches whose test is not
known are all taken, loops over unknown things are gone through once. No
program is started and no file outside :class:`~.state.State` is read. What each program
does is said in :mod:`.commands` and its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.shell import conditions
from jupyter_tos_guard.inspection.shell.expansion import Expander, Pattern, Variables
from jupyter_tos_guard.inspection.shell.process import (
    Process,
    Stream,
    emit_source,
    execute,
    find_file,
    nested,
    text_of,
    write_file,
)
from jupyter_tos_guard.inspection.shell.syntax import (
    AndOr,
    ArithmeticCommand,
    ArithmeticFor,
    Assignment,
    Case,
    Command,
    For,
    Function,
    Group,
    If,
    Literal,
    Parameter,
    Parser,
    Piece,
    Pipeline,
    ProcessSubstitution,
    Redirect,
    Redirected,
    Simple,
    Substitution,
    Test,
    TooDeep,
    While,
    Word,
)
from jupyter_tos_guard.inspection.state import File, Origin, State

__all__ = ["inspect_foreign", "run_argv", "run_shell"]

#: Longest text that is read as shell; the rest is reported as unread.
MAX_SHELL = 1 << 18
#: Longest output that a command's text is followed for.
MAX_OUTPUT = 1 << 18
#: Turns of a loop that only computes, and of one that does something each time.
_MAX_TURNS, _MAX_BUSY_TURNS = 4000, 64
#: Functions that call themselves are followed so far.
_MAX_RECURSION = 12

# Words that stand for themselves, bare or in quotes: the line is its argument vector. A first word with `=`
# is an assignment.
_TRIVIAL = re.compile(
    r"[ \t]*([A-Za-z0-9_./][\w./+\-]*)"
    rf"((?:[ \t]+(?:[\w./%@:=,+\-]+|\"[^\"$`\\\n{HOLE}]*\"|'[^'\n{HOLE}]*'))*)[ \t]*\n?",
    re.A,
)
_TRIVIAL_WORD = re.compile(r"\"([^\"]*)\"|'([^']*)'|([^ \t\"']+)")
# Every other first word is a program: these are the shell's own.
_OWN_WORDS = frozenset(
    "if then elif else fi for while until do done case esac select function time coproc in . : alias "
    "bg bind break builtin "
    "caller cd command compgen complete continue declare dirs disown echo enable eval exec exit "
    "export false fc fg getopts hash "
    "help history jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly "
    "return set shift shopt "
    "source suspend test times trap true type typeset ulimit umask unalias unset wait yes".split()
)


def run_shell(text: str, state: State, origin: Origin) -> str:
    """Report everything that a shell would do with ``text``.

    Parameters
    ----------
    text : str
        Shell text; unknown parts are :data:`~.facts.HOLE`.
    state : State
        Read and written: files persist, the folder and the variables do not, as in a child shell.
    origin : Origin

    Returns
    -------
    str
        Standard output as far as it is known.

    Raises
    ------
    OutOfBudget
    """
    start = state.environ.get("BASH_ENV", "")
    found = _TRIVIAL.fullmatch(text)
    if (
        found is not None
        and (name := found.group(1)) not in _OWN_WORDS
        and not start
        and f"BASH_FUNC_{name}%%" not in state.environ
    ):
        span = origin.span
        if origin.verbatim:
            span = origin.locate(text, found.start(1), found.end(2))
        rest = found.group(2)
        if '"' in rest or "'" in rest:
            words = [double or single or bare for double, single, bare in _TRIVIAL_WORD.findall(rest)]
        else:
            words = rest.split()
        process = Process((name, *words), state, Origin(span, False, origin.provenance))
        cwd = state.cwd
        output = execute(process)
        state.cwd = cwd
        return output
    return run_child_shell(text, state, origin, startup=[start] if start else ())


def run_argv(argv: Sequence[str], state: State, origin: Origin, *, stdin: str | None = None) -> str:
    """Report what one program does with these arguments; its output as far as known.

    Parameters
    ----------
    argv : sequence of str
        Program and arguments, already separated: nothing in them is expanded.
    stdin : str, optional
        What it reads, when that is known.
    """
    if not argv:
        return ""
    cwd = state.cwd
    try:
        stream = None if stdin is None else Stream(stdin)
        if argv[0] in _BUILTINS:
            shell = Shell(state, origin)
            return shell.run_words(list(argv), stream or Stream(HOLE, piped=False), origin, "")
        return execute(Process(argv, state, origin, stream))
    finally:
        state.cwd = cwd


def run_child_shell(
    text: str,
    state: State,
    origin: Origin,
    *,
    environ: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
    stdin: Stream | None = None,
    startup: Sequence[str] = (),
) -> str:
    """Run ``text`` in a shell of its own: what it sets is gone afterwards, save files.

    ``startup`` are the files that it reads before.
    """
    with nested(state.budget) as allowed:
        if not allowed:
            state.emit(Kind.OPAQUE, "too-deep", origin)
            return HOLE
        shell = Shell(state, origin, environ)
        if arguments:
            shell.variables.name = arguments[0]
            shell.variables.positional = list(arguments[1:])
        if stdin is not None:
            shell.stdin = stdin
        cwd = state.cwd
        try:
            shell.start(startup)
            return shell.run_text(text, origin)
        except RecursionError:
            state.emit(Kind.OPAQUE, "too-deep", origin)
            return HOLE
        finally:
            state.cwd = cwd


def inspect_foreign(source: str, language: str, state: State) -> None:
    """Report what a cell of a kernel in another language does (see :mod:`.foreign`)."""
    from jupyter_tos_guard.inspection.shell.foreign import inspect_foreign as inspect_other

    inspect_other(source, language, state)


_Node = TypeVar("_Node")


class _Stop(Exception):
    """Commands after this one are not run; ``output`` is what those before it printed."""

    output = ""

    def after(self, out: list[str]) -> None:
        """Put what was printed before in front."""
        self.output = _joined([*out, self.output])


class _Exit(_Stop):
    """``exit``: the shell ends here for certain."""


class _Return(_Stop):
    """``return`` from a function or a sourced file."""


class _Break(_Stop):
    def __init__(self, levels: int) -> None:
        self.levels = levels


class _Continue(_Break):
    pass


class Shell:
    """One shell: variables, functions, aliases, open files.

    Parameters
    ----------
    state : State
    origin : Origin
        Where the text that started it came from.
    environ : mapping, optional
        Environment; that of ``state`` unless given.
    """

    def __init__(self, state: State, origin: Origin, environ: Mapping[str, str] | None = None) -> None:
        self.state = state
        self.budget = state.budget
        self.variables = Variables(state)
        if environ is not None and environ is not state.environ:
            self.variables.values = {"IFS": " \t\n", **environ}
            self.variables.exported = set(environ)
        self.functions: dict[str, Function] = {}
        self.aliases: dict[str, str] = {}
        self.hashed: dict[str, str] = {}
        self.traps: list[str] = []
        self.stdin = Stream(HOLE, piped=False)
        self.inputs: dict[int, Stream] = {}
        self.outputs: dict[int, str] = {}
        self.status: int | None = 0
        self.source = ""  # where the last output was fetched from
        self.steps: tuple[str, ...] = ()  # how the last output was made
        self.calls: list[str] = []
        self.origin = origin
        self.expander = Expander(self.variables, state.budget, self._substitute, self._open_process)
        self._processes = 0
        self._sinks: dict[str, list[AndOr]] = {}
        self._used: list[str] = []
        self._expanding: set[str] = set()
        self._local_names: set[str] = set()

    # -- text ---------------------------------------------------------------------------

    def start(self, files: Sequence[str]) -> None:
        """Take functions out of the environment and read the files that a shell begins with."""
        environ = self.variables.values
        for name in [each for each in self.variables.exported if each.startswith("BASH_FUNC_")]:
            self._read_start(
                f"{name[10:].removesuffix('%%')} {environ.get(name, '')}", f"function {name[10:-2]}"
            )
        if not files:
            return
        for name in ("BASH_ENV", "ENV"):
            environ.pop(name, None)  # once is enough, whatever shells the file starts
        for path in files:
            file = find_file(path, self.state)
            if file is not None and file.content is not None:
                self._read_start(text_of(file.content), f"file {path}")

    def _read_start(self, text: str, step: str) -> None:
        with suppress(_Stop):
            self.interpret(text, self._derived(self.origin, step))

    def run_text(self, text: str, origin: Origin) -> str:
        """Run a script from its beginning; traps run at its end."""
        try:
            output = self.interpret(text, origin)
        except _Stop as stop:
            output = stop.output
        return output + "".join(self._run_trap(trap, origin) for trap in self.traps)

    def _run_trap(self, text: str, origin: Origin) -> str:
        try:
            return self.interpret(text, self._derived(origin, "trap"))
        except _Stop as stop:
            return stop.output

    def interpret(self, text: str, origin: Origin) -> str:
        """Run text in this shell."""
        self.budget.spend(1 + len(text) // 256)
        if len(text) > MAX_SHELL:
            self.state.emit(Kind.OPAQUE, "too-large", origin)
            text = text[:MAX_SHELL]
        parser = Parser(Piece(text, origin), self.budget.spend)
        out: list[str] = []
        try:
            while (line := parser.next_line()) is not None:
                out.append(self.run_list(line))
        except TooDeep:
            self.state.emit(Kind.OPAQUE, "too-deep", origin)
        except _Stop as stop:
            stop.after(out)
            raise
        return _joined(out)

    def run_list(self, commands: list[AndOr]) -> str:
        """Run commands one after the other."""
        if len(commands) == 1:
            return self._and_or(commands[0])
        out: list[str] = []
        try:
            for command in commands:
                out.append(self._and_or(command))  # noqa: PERF401 - what was printed before a stop counts
        except _Stop as stop:
            stop.after(out)
            raise
        return _joined(out)

    def _and_or(self, node: AndOr) -> str:
        output = self._pipeline(node.first)
        if not node.rest:
            return output
        out = [output]
        for operator, pipeline in node.rest:
            known = self.status
            if known is not None and (known == 0) != (operator == "&&"):
                continue
            if known is None:
                out.append(self._perhaps(self._pipeline, pipeline))
                self.status = None
                continue
            try:
                out.append(self._pipeline(pipeline))
            except _Stop as stop:
                stop.after(out)
                raise
        return _joined(out)

    def _perhaps(self, run: Callable[[_Node], str], what: _Node) -> str:
        """Run what may or may not be run: it cannot end the shell for certain."""
        try:
            return run(what)
        except _Stop as stop:
            return stop.output

    def _pipeline(self, node: Pipeline) -> str:
        self.budget.spend()
        commands = node.commands
        output = self.run_command(commands[0], self.stdin) if len(commands) == 1 else self._piped(commands)
        if node.negated and self.status is not None:
            self.status = int(not self.status)
        return output

    def _piped(self, commands: list[Command]) -> str:
        stream = self.stdin
        output = ""
        steps: tuple[str, ...] = ()
        keep = self._enter_subshell()
        try:
            for command in commands:
                self.source = ""
                self.steps = ()
                try:
                    output = self.run_command(command, stream)
                except _Stop as stop:
                    output = stop.output
                if self.steps:
                    steps += self.steps
                elif isinstance(command, Simple) and command.words:
                    name = _plain(command.words[0])
                    if name in _DECODERS and steps[-1:] != (name,):
                        steps += (name,)
                source = self.source or stream.source
                stream = Stream(output, source, steps)
            self.source = stream.source
            self.steps = steps
        finally:
            self._leave_subshell(keep)
        return output

    def _enter_subshell(self) -> tuple[Variables, Expander, str, dict[str, Function]]:
        keep = (self.variables, self.expander, self.state.cwd, self.functions)
        self.variables = self.variables.copy()
        self.functions = dict(self.functions)
        self.expander = Expander(self.variables, self.budget, self._substitute, self._open_process)
        return keep

    def _leave_subshell(self, keep: tuple[Variables, Expander, str, dict[str, Function]]) -> None:
        self.variables, self.expander, self.state.cwd, self.functions = keep

    # -- commands -------------------------------------------------------------------------

    def run_command(self, node: Command, stdin: Stream) -> str:
        """Run one command with this input."""
        self.budget.spend()
        if isinstance(node, Simple):
            return self._simple(node, stdin)
        if isinstance(node, Redirected):
            return self._redirected(node.redirects, stdin, lambda s: self.run_command(node.command, s))
        keep, self.stdin = self.stdin, stdin
        try:
            return self._compound(node)
        finally:
            self.stdin = keep

    def _compound(self, node: Command) -> str:
        if isinstance(node, Group):
            if not node.subshell:
                return self.run_list(node.body)
            keep = self._enter_subshell()
            try:
                return self.run_list(node.body)
            except _Exit as stop:
                return stop.output
            finally:
                self._leave_subshell(keep)
        if isinstance(node, If):
            return self._if(node)
        if isinstance(node, For):
            return self._for(node)
        if isinstance(node, While):
            return self._loop(lambda: self._condition(node), node.body)
        if isinstance(node, ArithmeticFor):
            return self._arithmetic_for(node)
        if isinstance(node, Case):
            return self._case(node)
        if isinstance(node, Function):
            self.functions[node.name] = node
            self.status = 0
            return ""
        if isinstance(node, ArithmeticCommand):
            value = self.expander.arithmetic(self.expander.text(node.expression))
            self._set_status(None if value is None else int(value == 0))
            return ""
        if isinstance(node, Test):
            words = [
                self.expander.pattern(word)
                if i and _plain(node.words[i - 1]) in ("==", "=", "!=")
                else self.expander.text(word)
                for i, word in enumerate(node.words)
            ]
            self._set_status(conditions.status(words, self.state, self.variables, double=True))
            return ""
        raise TypeError(f"no such command: {type(node).__name__}")

    def _set_status(self, status: int | None) -> None:
        self.status = self.variables.last_status = status

    def _if(self, node: If) -> str:
        out: list[str] = []
        certain = True
        for condition, body in node.branches:
            out.append(self.run_list(condition))
            status = self.status
            if status == 0:
                out.append(self.run_list(body) if certain else self._perhaps(self.run_list, body))
                return _joined(out)
            if status is None:
                out.append(self._perhaps(self.run_list, body))
                certain = False
        if certain:
            out.append(self.run_list(node.otherwise))
        else:
            out.append(self._perhaps(self.run_list, node.otherwise))
            self.status = None
        return _joined(out)

    def _condition(self, node: While) -> int | None:
        self.run_list(node.condition)
        if self.status is None:
            return None
        return self.status if not node.negated else int(not self.status)

    def _for(self, node: For) -> str:
        words = self.variables.positional if node.words is None else self.expander.fields(node.words)
        turns = iter(words)

        def next_word() -> int | None:
            word = next(turns, None)
            if word is None:
                return 1
            self.variables.set(node.name, word)
            return 0

        return self._loop(next_word, node.body, bounded=True)

    def _arithmetic_for(self, node: ArithmeticFor) -> str:
        expander = self.expander
        expander.arithmetic(expander.text(node.start))
        first = True

        def step() -> int | None:
            nonlocal first
            if not first:
                expander.arithmetic(expander.text(node.step))
            first = False
            if not node.condition:
                return 0
            value = expander.arithmetic(expander.text(node.condition))
            return None if value is None else int(value == 0)

        return self._loop(step, node.body)

    def _loop(self, condition: Callable[[], int | None], body: list[AndOr], bounded: bool = False) -> str:
        """Run the body while the condition holds; once when it is not known."""
        out: list[str] = []
        facts = len(self.state.facts)
        for turn in range(_MAX_TURNS):
            self.budget.spend(2)
            if turn >= _MAX_BUSY_TURNS and len(self.state.facts) > facts:
                break  # it starts something each time: more turns tell nothing new
            before = None if bounded or turn % 16 != 1 else (self.stdin.at, dict(self.variables.values))
            status = condition()
            if status is not None and status != 0:
                break
            try:
                out.append(self.run_list(body))
            except _Break as stop:
                if stop.levels > 1:
                    stop.levels -= 1
                    stop.after(out)
                    raise
                out.append(stop.output)
                if not isinstance(stop, _Continue):
                    break
            except _Stop as stop:
                stop.after(out)
                raise
            if status is None:
                break
            if before is not None and before == (self.stdin.at, self.variables.values):
                break  # nothing changes from turn to turn: `while true; do sleep 1; done`
            if sum(map(len, out[-1:])) > MAX_OUTPUT:
                break
        self._set_status(0)
        return _joined(out)

    def _case(self, node: Case) -> str:
        subject = self.expander.text(node.subject)
        out: list[str] = []
        falling = False
        for patterns, body, terminator in node.items:
            if HOLE in subject:
                out.append(self._perhaps(self.run_list, body))
                continue
            if not falling and not any(Pattern(self.expander.pattern(p)).matches(subject) for p in patterns):
                continue
            out.append(self.run_list(body))
            falling = terminator == ";&"
            if terminator not in (";&", ";;&"):
                break
        return _joined(out)

    # -- simple commands --------------------------------------------------------------------

    def _simple(self, node: Simple, stdin: Stream) -> str:
        alias = self._alias(node)
        if alias is not None:
            return self._run_alias(node, alias, stdin)
        if node.redirects:
            return self._redirected(node.redirects, stdin, lambda s: self._expanded(node, s))
        return self._expanded(node, stdin)

    def _alias(self, node: Simple) -> str | None:
        if not self.aliases or not node.words:
            return None
        name = _plain(node.words[0])
        return name if name in self.aliases and name not in self._expanding else None

    def _run_alias(self, node: Simple, name: str, stdin: Stream) -> str:
        value = self.aliases[name]
        rest = node.piece.text[node.words_end[0] : node.end]
        if value[-1:].isspace():
            # An alias that ends in a blank lets the next word be one, too.
            second = rest.split(None, 1)
            if second and second[0] in self.aliases:
                rest = " " + self.aliases[second[0]] + " " + "".join(second[1:])
        origin = self._derived(
            Origin(node.piece.locate(node.start, node.end), False, node.piece.origin.provenance),
            f"alias {name}",
        )
        self._expanding.add(name)
        keep, self.stdin = self.stdin, stdin
        try:
            return self.interpret(value + rest, origin)
        finally:
            self.stdin = keep
            self._expanding.discard(name)

    def _expanded(self, node: Simple, stdin: Stream) -> str:
        if not node.words:
            self.source, self.steps = "", ()
            for assignment in node.assignments:
                self._assign(assignment)
            self.variables.last_argument = ""
            if not any(isinstance(p, Substitution) for a in node.assignments for p in a.value):
                self._set_status(0)
            return ""
        piece = node.piece
        span = piece.locate(node.start, node.end)
        fixed = len(node.words) == 1 or all(
            len(word) == 1 and isinstance(word[0], Literal) for word in node.words
        )
        if node.declared is not None:
            return self._declare(node)
        self._used = []
        argv = self.expander.fields(node.words)
        if not argv:
            return ""
        provenance = piece.origin.provenance
        text = ""
        if not fixed or self._used:
            provenance += _origins_of(node.words, self._used)
            text = " ".join(argv)
        origin = Origin(span, False, provenance)
        if not node.assignments:
            output = self.run_words(argv, stdin, origin, text)
        else:
            output = self._with_assignments(node.assignments, argv, stdin, origin, text)
        self.variables.last_argument = argv[-1]
        return output

    def _with_assignments(
        self, assignments: list[Assignment], argv: list[str], stdin: Stream, origin: Origin, text: str
    ) -> str:
        """``NAME=value command``: set for the command only."""
        variables = self.variables
        old = {a.name: variables.values.get(a.name) for a in assignments}
        exported = set(variables.exported)
        for assignment in assignments:
            self._assign(assignment)
            variables.exported.add(assignment.name)
        try:
            return self.run_words(argv, stdin, origin, text)
        finally:
            variables.exported = exported
            for name, value in old.items():
                if value is None:
                    variables.values.pop(name, None)
                else:
                    variables.values[name] = value

    def _assign(self, assignment: Assignment) -> None:
        variables = self.variables
        if assignment.items is not None:
            self._assign_array(assignment)
        elif assignment.subscript is not None:
            key = self._key(assignment.name, assignment.subscript)
            variables.set_item(assignment.name, key, self.expander.text(assignment.value), assignment.append)
        else:
            variables.set(assignment.name, self.expander.text(assignment.value), assignment.append)
            if assignment.name in _COMMAND_VARIABLES:
                self._run_variable(assignment.name)

    def _run_variable(self, name: str) -> None:
        """Run what a pager, an editor or a prompt is set to: other programs will."""
        text = self.variables.text(name)
        if name.startswith("PS") and "$(" not in text and "`" not in text:
            return
        text = f': "{text}"' if name.startswith("PS") else text.lstrip("|")
        if not re.fullmatch(r"[\w./\-]*(?: -[\w]+)*", text):
            keep = self._enter_subshell()
            try:
                self.interpret(text, self._derived(self.origin, f"variable {name}"))
            except _Stop:
                pass
            finally:
                self._leave_subshell(keep)

    def _key(self, name: str, subscript: Word) -> str:
        text = self.expander.text(subscript)
        if isinstance(self.variables.values.get(name), dict):
            return text
        number = self.expander.arithmetic(text)
        return text if number is None else str(number)

    def _assign_array(self, assignment: Assignment) -> None:
        variables, expander = self.variables, self.expander
        name = variables.target(assignment.name)
        items = assignment.items or ()
        old = variables.values.get(name)
        if not assignment.append:
            variables.values[name] = {} if isinstance(old, dict) else []
        elif isinstance(old, str):
            variables.values[name] = [old]
        elif old is None:
            variables.values[name] = []
        for key, value in items:
            if key is not None:
                variables.set_item(name, self._key(name, key), expander.text(value))
                continue
            current = variables.values[name]
            if isinstance(current, list):
                current.extend(expander.fields([value]))

    def run_words(self, argv: list[str], stdin: Stream, origin: Origin, text: str) -> str:
        """Run a function, a builtin or a program."""
        self.budget.spend(2)
        name = argv[0]
        self.source, self.steps = "", ()
        function = self.functions.get(name)
        if function is not None:
            return self._call(name, function, argv, stdin)
        builtin = _BUILTINS.get(name)
        if builtin is not None:
            self._set_status(0)
            return builtin(self, argv[1:], stdin, origin)
        fallback = self.functions.get("command_not_found_handle")
        if fallback is not None and "/" not in name:
            self._call("command_not_found_handle", fallback, ["command_not_found_handle", *argv], stdin)
        if name in self.hashed:
            argv = [self.hashed[name], *argv[1:]]
        process = Process(argv, self.state, origin, stdin, self.variables.environ, text)
        output = execute(process)
        self._set_status(process.status)
        self.source = process.source
        if self._sinks:
            self._drain()
        return output

    def _drain(self) -> None:
        """Run the process substitutions that have been written to."""
        for path in list(self._sinks):
            file = self.state.files.pop(path, None)
            body = self._sinks.pop(path, None)
            if file is None or body is None:
                if body is not None:
                    self._sinks[path] = body  # not written to yet
                continue
            stream = Stream(HOLE if file.content is None else text_of(file.content), file.source)
            self.run_command(Group(body, subshell=True), stream)

    def _call(self, name: str, function: Function, argv: list[str], stdin: Stream) -> str:
        if self.calls.count(name) >= _MAX_RECURSION:
            return HOLE
        variables = self.variables
        positional, variables.positional = variables.positional, argv[1:]
        before, references = dict(variables.values), dict(variables.references)
        self.calls.append(name)
        outer_locals, self._local_names = self._local_names, set()
        try:
            return self.run_command(function.body, stdin)
        except _Return as stop:
            return stop.output
        finally:
            self.calls.pop()
            variables.positional = positional
            for local in self._local_names:
                if local in before:
                    variables.values[local] = before[local]
                else:
                    variables.values.pop(local, None)
            if references or variables.references:
                variables.references = {
                    k: v for k, v in variables.references.items() if k not in self._local_names
                } | {k: v for k, v in references.items() if k in self._local_names}
            self._local_names = outer_locals

    def _derived(self, origin: Origin, *steps: str) -> Origin:
        return Origin(origin.span, False, origin.provenance + steps)

    # -- substitutions -------------------------------------------------------------------------

    def _substitute(self, part: Substitution) -> str:
        with nested(self.budget) as allowed:
            if not allowed:
                self.state.emit(Kind.OPAQUE, "too-deep", self.origin)
                return HOLE
            body = part.body
            if body is not None and len(body) == 1 and (quick := self._read_file(body[0])) is not None:
                return quick
            keep = self._enter_subshell()
            try:
                if body is not None:
                    output = self.run_list(body)
                else:
                    output = self.interpret(part.source, self._derived(self.origin, "command substitution"))
            except _Stop as stop:
                output = stop.output
            finally:
                self._leave_subshell(keep)
            self._used.extend(self.steps or ("command substitution",))
            return output

    def _read_file(self, node: AndOr) -> str | None:
        """``$(< file)``."""
        if node.rest or len(node.first.commands) != 1:
            return None
        command = node.first.commands[0]
        if not isinstance(command, Simple) or command.words or len(command.redirects) != 1:
            return None
        redirect = command.redirects[0]
        if redirect.operator != "<":
            return None
        stream = self._input(redirect)
        return stream.rest() if stream else HOLE

    def _open_process(self, part: ProcessSubstitution) -> str:
        self._processes += 1
        path = f"/dev/fd/{64 - self._processes % 48}"
        if part.direction == ">":
            self._sinks[path] = part.body
            return path
        keep = self._enter_subshell()
        try:
            output = self.run_list(part.body)
        except _Stop as stop:
            output = stop.output
        finally:
            self._leave_subshell(keep)
        # A name that only this shell's programs can read.
        self.state.files[path] = File(
            output if HOLE not in output or self.source == "" else None, self.source
        )
        return path

    # -- redirections -----------------------------------------------------------------------------

    def _redirected(self, redirects: list[Redirect], stdin: Stream, run: Callable[[Stream], str]) -> str:
        targets: list[tuple[str, bool]] = []
        discarded = False
        for redirect in redirects:
            operator, descriptor = redirect.operator, redirect.descriptor
            if operator in ("<", "<<", "<<<", "<&", "<>"):
                stream = self._input(redirect)
                if stream is None:
                    continue
                if descriptor in (None, 0):
                    stdin = stream
                else:
                    self.inputs[descriptor] = stream
                continue
            target = self.expander.text(redirect.target)
            if operator == ">&" and (target.isdigit() or target == "-"):
                if descriptor in (None, 1):
                    other = self.outputs.get(int(target)) if target.isdigit() else None
                    if other:
                        targets = [(other, True)]
                    elif target == "2":
                        discarded = True
                continue
            self._connect(target)
            if descriptor in (None, 1) or operator in ("&>", "&>>"):
                if target in ("/dev/stdout", "/dev/fd/1", "/dev/tty"):
                    continue
                targets, discarded = [(target, operator in (">>", "&>>"))], True
            elif descriptor is not None and descriptor > 2:
                self.outputs[descriptor] = target
                self._store(target, "", operator == ">>")
            elif target not in ("/dev/null", "/dev/stdout"):
                self._store(target, HOLE, operator == ">>")
        output = run(stdin)
        for target, append in targets:
            self._store(target, output, append)
        return "" if discarded or targets else output

    def _store(self, target: str, output: str, append: bool) -> None:
        content: str | None = output
        if self.source and (HOLE in output or not output):
            content = None
        write_file(target, content, self.state, self.origin, append=append, source=self.source)
        if self._sinks:
            self._drain()

    def _input(self, redirect: Redirect) -> Stream | None:
        operator = redirect.operator
        if operator == "<<":
            return Stream(self.expander.text(redirect.target), "", ("heredoc",))
        if operator == "<<<":
            return Stream(self.expander.text(redirect.target) + "\n", "", ("here-string",))
        target = self.expander.text(redirect.target)
        if operator == "<&":
            return self.inputs.get(int(target)) if target.isdigit() else None
        self._connect(target)
        if target in ("/dev/stdin", "/dev/fd/0", "/dev/tty"):
            return None
        if target == "/dev/null":
            return Stream("")
        file = find_file(target, self.state)
        if file is None:
            return Stream(HOLE)
        steps = () if target.startswith("/dev/fd/") else (f"file {target}",)
        return Stream(HOLE if file.content is None else text_of(file.content), file.source, steps)

    def _connect(self, target: str) -> None:
        """``/dev/tcp/host/port`` is a connection in bash."""
        if target.startswith(("/dev/tcp/", "/dev/udp/")):
            scheme, host, port = [*target.split("/")[2:], "", ""][:3]
            from jupyter_tos_guard.inspection.shell.process import fetch

            fetch(f"{scheme}://{host}:{port}", self.state, self.origin)

    # -- declarations -----------------------------------------------------------------------------

    def _declare(self, node: Simple) -> str:
        """``export``, ``declare``, ``local``, ``readonly``, ``typeset``."""
        name = _plain(node.words[0])
        variables = self.variables
        options = ""
        functions: list[str] = []
        for item in node.declared or []:
            if isinstance(item, Assignment):
                target = item.name
                self._note_local(name, target)
                if "A" in options and not isinstance(variables.values.get(target), dict):
                    variables.values[target] = {}
                if "n" in options:
                    variables.references.pop(target, None)
                    refers_to = self.expander.text(item.value)
                    if HOLE not in refers_to:
                        variables.references[target] = refers_to
                    continue
                self._assign(item)
                value = variables.values.get(target)
                if isinstance(value, str):
                    variables.values[target] = self._attributed(value, options)
                if name == "export" or "x" in options:
                    variables.exported.add(target)
                continue
            for field in self.expander.fields([item]):
                if field[:1] in "-+" and len(field) > 1:
                    options += field[1:]
                    continue
                if "f" in options:
                    functions.append(field)
                    continue
                target, equals, value_text = field.partition("=")
                self._note_local(name, target)
                if equals:
                    variables.set(
                        target.removesuffix("+"), self._attributed(value_text, options), target.endswith("+")
                    )
                elif "A" in options:
                    variables.values[target] = {}
                elif "a" in options:
                    variables.values.setdefault(target, [])
                if name == "export" or "x" in options:
                    variables.exported.add(target.removesuffix("+"))
        self._set_status(0)
        if "f" not in options:
            return ""
        if name == "export" or "x" in options:
            for each in functions:
                self._export_function(each)
            return ""
        return "".join(self._definition(each) for each in functions or self.functions)

    def _definition(self, name: str) -> str:
        """Text that defines a function, as ``declare -f`` shows it."""
        function = self.functions.get(name)
        return f"{name} () \n{function.text}\n" if function else ""

    def _export_function(self, name: str) -> None:
        """Put a function where bash looks for it in the environment."""
        if name in self.functions:
            key = f"BASH_FUNC_{name}%%"
            self.variables.set(key, f"() {self.functions[name].text}")
            self.variables.exported.add(key)

    def _note_local(self, builtin: str, target: str) -> None:
        if self.calls and builtin in ("local", "declare", "typeset"):
            self._local_names.add(target)

    def _attributed(self, value: str, options: str) -> str:
        if "i" in options:
            number = self.expander.arithmetic(value)
            return HOLE if number is None else str(number)
        if "u" in options:
            return value.upper()
        return value.lower() if "l" in options else value


#: Variables whose value is a command that the shell or its programs run.
_COMMAND_VARIABLES = frozenset(
    "EDITOR VISUAL PAGER MANPAGER GIT_PAGER GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_SSH_COMMAND "
    "GIT_EXTERNAL_DIFF GIT_PROXY_COMMAND GIT_ASKPASS SSH_ASKPASS LESSOPEN LESSCLOSE "
    "BROWSER PROMPT_COMMAND PS0 PS1 PS2 PS4".split()
)

#: Programs whose work on a pipe is worth telling in an explanation.
_DECODERS = frozenset(
    "base64 base32 basenc openssl xxd od rev tac tr sed awk cut gzip gunzip zcat bzip2 bunzip2 xz "
    "unxz uudecode iconv perl python fold".split()
)


def _plain(word: Word) -> str:
    """Text of a word that is one bare literal; empty otherwise."""
    return word[0].text if len(word) == 1 and isinstance(word[0], Literal) and not word[0].quoted else ""


def _origins_of(words: list[Word], used: list[str]) -> tuple[str, ...]:
    """How the words were made, for the explanation."""
    steps: dict[str, None] = {}
    for word in words:
        for part in word:
            if isinstance(part, Parameter) and part.name:
                steps[f"variable {part.name}"] = None
        if len(word) > 1 and all(isinstance(part, Literal) for part in word):
            steps["string built"] = None
    for step in used:
        steps[step] = None
    return tuple(steps)[:8]


def _joined(out: list[str]) -> str:
    if len(out) == 1:
        return out[0]
    total = "".join(out)
    return total if len(total) <= MAX_OUTPUT else total[:MAX_OUTPUT] + HOLE


# -- builtins ------------------------------------------------------------------------------------

_Builtin = Callable[[Shell, "list[str]", Stream, Origin], str]


def _cd(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    folders = [a for a in arguments if not a.startswith("-") or a == "-"]
    target = folders[0] if folders else "~"
    variables = shell.variables
    old = shell.state.cwd
    if target == "-":
        target = variables.text("OLDPWD") or "."
    variables.values["OLDPWD"] = old or "."
    shell.state.cwd = resolve(target, old)
    if shell.state.cwd == ".":
        shell.state.cwd = ""
    shell._set_status(None)
    return ""


def _pushd(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    stack = shell.variables.values.setdefault("DIRSTACK", [])
    if isinstance(stack, list):
        stack.append(shell.state.cwd)
    return _cd(shell, arguments, stdin, origin)


def _popd(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    stack = shell.variables.values.get("DIRSTACK")
    shell.state.cwd = stack.pop() if isinstance(stack, list) and stack else ""
    return ""


def _pwd(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    return (shell.state.cwd or ".") + "\n"


def _eval(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    text = " ".join(arguments)
    if not text.strip():
        return ""
    if not text.replace(HOLE, "").strip():
        shell.state.emit(Kind.OPAQUE, "exec-unknown", origin)
        return HOLE
    with nested(shell.budget) as allowed:
        if not allowed:
            shell.state.emit(Kind.OPAQUE, "too-deep", origin)
            return HOLE
        keep, shell.stdin = shell.stdin, stdin
        try:
            return shell.interpret(text, shell._derived(origin, "eval"))
        finally:
            shell.stdin = keep


def _source(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    arguments = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not arguments:
        return ""
    path = arguments[0]
    process = Process(["source", path], shell.state, origin, stdin)
    file = find_file(path, shell.state)
    if not path.startswith("/dev/"):
        process.emit(Kind.FILE, resolve(path, shell.state.cwd).lower())
    if file is not None:
        emit_source(file.source, shell.state, origin, path)
    text = process.read(path)
    if text is None or not text.replace(HOLE, "").strip():
        if file is not None or text is not None:
            process.emit(Kind.OPAQUE, "download-run" if process.downloaded(path) else "exec-unknown")
        shell._set_status(None)
        return HOLE
    positional = shell.variables.positional
    if len(arguments) > 1:
        shell.variables.positional = arguments[1:]
    try:
        with nested(shell.budget) as allowed:
            if not allowed:
                process.emit(Kind.OPAQUE, "too-deep")
                return HOLE
            return shell.interpret(text, shell._derived(origin, *_file_step(path), *stdin.steps[:2]))
    except _Return as stop:
        return stop.output
    finally:
        shell.variables.positional = positional


def _file_step(path: str) -> tuple[str, ...]:
    return () if path.startswith("/dev/") else (f"file {path}",)


def _exec(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    while arguments and arguments[0].startswith("-"):
        arguments = arguments[2:] if arguments[0] in ("-a",) else arguments[1:]
    if not arguments:
        # Only redirections: they stay.
        if stdin is not shell.stdin:
            shell.stdin = stdin
        return ""
    return shell.run_words(arguments, stdin, origin, "")


def _command(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    """``command`` and ``builtin``: run it, or with -v say where it is."""
    show = False
    while arguments and arguments[0].startswith("-"):
        show = show or "v" in arguments[0].lower()
        arguments = arguments[1:]
    if not arguments:
        return ""
    if show:
        return _type(shell, ["-p", *arguments], stdin, origin)
    functions, shell.functions = shell.functions, {}
    try:
        return shell.run_words(arguments, stdin, origin, "")
    finally:
        shell.functions = functions


def _type(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    from jupyter_tos_guard.inspection.shell.filters import which

    options = "".join(a[1:] for a in arguments if a.startswith("-"))
    names = [a for a in arguments if not a.startswith("-")]
    if "t" in options:
        kinds = (("alias", shell.aliases), ("function", shell.functions), ("builtin", _BUILTINS))
        return "".join(
            next((kind for kind, table in kinds if name in table), "file") + "\n" for name in names
        )
    out = []
    for name in names:
        if name in shell.aliases and "p" not in options.lower():
            out.append(f"{name} is aliased to `{shell.aliases[name]}'\n")
            continue
        if name in shell.functions and "p" not in options.lower():
            out.append(f"{name} is a function\n{shell._definition(name)}")
            continue
        path = which(name)
        out.append((path if "p" in options.lower() else f"{name} is {path}") + "\n")
    shell._set_status(None)
    return "".join(out)


def _alias(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals:
            shell.aliases[name] = value
    return ""


def _unalias(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    for argument in arguments:
        shell.aliases.pop(argument, None)
    return ""


def _hash(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    if len(arguments) >= 3 and arguments[0] == "-p":
        shell.hashed[arguments[2]] = arguments[1]
    return ""


def _trap(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    arguments = arguments[1:] if arguments[:1] == ["--"] else arguments
    if len(arguments) > 1 and arguments[0] not in ("", "-", "-l", "-p"):
        shell.traps.append(arguments[0])
    return ""


def _set(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    while arguments and arguments[0][:1] in ("-", "+") and arguments[0] != "--" and len(arguments[0]) > 1:
        arguments = arguments[2:] if arguments[0] in ("-o", "+o") else arguments[1:]
        if not arguments:
            return ""
    if arguments[:1] == ["--"]:
        shell.variables.positional = arguments[1:]
    elif arguments:
        shell.variables.positional = arguments
    return ""


def _shift(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    count = int(arguments[0]) if arguments and arguments[0].isdigit() else 1
    shell._set_status(0 if count <= len(shell.variables.positional) else 1)
    shell.variables.positional = shell.variables.positional[count:]
    return ""


def _unset(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    for argument in arguments:
        shell.variables.values.pop(argument, None)
        shell.functions.pop(argument, None)
        shell.variables.exported.discard(argument)
    return ""


def _read(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    names: list[str] = []
    delimiter, raw, array, count = "\n", False, "", 0
    i = 0
    while i < len(arguments):
        argument = arguments[i]
        if argument.startswith("-") and len(argument) > 1:
            for j, letter in enumerate(argument[1:], 1):
                raw = raw or letter == "r"
                if letter in "adinNptu":
                    value = argument[j + 1 :]
                    if not value and i + 1 < len(arguments):
                        i += 1
                        value = arguments[i]
                    elif not value and letter == "d":
                        value = ""
                    if letter == "d":
                        delimiter = value[:1] or "\0"
                    elif letter == "a":
                        array = value
                    elif letter in "nN" and value.isdigit():
                        count = int(value)
                    elif letter == "u" and value.isdigit():
                        stdin = shell.inputs.get(int(value), stdin)
                    break
        else:
            names.append(argument)
        i += 1
    shell._set_status(_read_into(shell, stdin, names, delimiter, raw, array, count))
    return ""


def _read_into(
    shell: Shell, stdin: Stream, names: list[str], delimiter: str, raw: bool, array: str, count: int
) -> int | None:
    from jupyter_tos_guard.inspection.shell.expansion import split_fields

    begin = stdin.at
    line = stdin.line(delimiter)
    if line is None:
        for name in names or ["REPLY"]:
            shell.variables.set(name, "")
        return 1
    if count and len(line) > count:
        line = line[:count]
        stdin.at = begin + count
    unknown = HOLE in line
    if not raw:
        line = re.sub(r"\\(\n|.)", lambda m: "" if m.group(1) == "\n" else m.group(1), line, flags=re.S)
    ifs = shell.variables.text("IFS")
    if array:
        shell.variables.set(array, split_fields(line, ifs))
    elif not names:
        shell.variables.set("REPLY", line)
    else:
        fields = split_fields(line, ifs)
        for k, name in enumerate(names):
            if k == len(names) - 1:
                rest = line
                for taken in fields[:k]:
                    rest = rest[rest.find(taken) + len(taken) :].lstrip(ifs) if taken in rest else rest
                shell.variables.set(name, rest.strip(ifs) if ifs else rest)
            else:
                shell.variables.set(name, fields[k] if k < len(fields) else "")
    if unknown:
        return None
    # The last line without its end is still read, but `read` fails.
    return 0 if stdin.at <= len(stdin.text) or count else 1


def _mapfile(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    strip = any(a.startswith("-") and "t" in a for a in arguments)
    names = [a for a in arguments if not a.startswith("-")]
    lines = stdin.rest().splitlines(keepends=not strip)
    shell.variables.set(names[-1] if names else "MAPFILE", lines[:2000])
    return ""


def _printf(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    from jupyter_tos_guard.inspection.shell.filters import printf

    if len(arguments) >= 2 and arguments[0] == "-v":
        name, bracket, key = arguments[1].partition("[")
        text = printf(arguments[2:])
        if bracket:
            shell.variables.set_item(name, key.rstrip("]"), text)
        else:
            shell.variables.set(name, text)
        return ""
    return printf(arguments)


def _getopts(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    if len(arguments) < 2:
        return ""
    variables = shell.variables
    spec, name = arguments[0], arguments[1]
    words = arguments[2:] or variables.positional
    place = variables.text("OPTIND") or "1"
    # A cluster's place in its word is kept behind a dot, where bash keeps it to itself.
    index_text, _, offset_text = place.partition(".")
    index, offset = int(index_text or 1), int(offset_text or 1)
    word = words[index - 1] if 0 < index <= len(words) else ""
    if not word.startswith("-") or word in ("-", "--"):
        shell._set_status(1)
        variables.set(name, "?")
        return ""
    letter = word[offset]
    if spec[spec.find(letter) + 1 : spec.find(letter) + 2] == ":" and letter in spec:
        value = word[offset + 1 :]
        if not value:
            index += 1
            value = words[index - 1] if index <= len(words) else ""
        variables.set("OPTARG", value)
        variables.set("OPTIND", str(index + 1))
    elif offset + 1 < len(word):
        variables.set("OPTIND", f"{index}.{offset + 1}")
    else:
        variables.set("OPTIND", str(index + 1))
    variables.set(name, letter if letter in spec else "?")
    return ""


def _echo(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    from jupyter_tos_guard.inspection.shell.filters import echo

    return echo(arguments)


def _test(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    words = arguments[:-1] if arguments[-1:] == ["]"] else arguments
    shell._set_status(conditions.status(words, shell.state, shell.variables))
    return ""


def _let(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    value: int | None = 0
    for argument in arguments:
        value = shell.expander.arithmetic(argument)
    shell._set_status(None if value is None else int(value == 0))
    return ""


def _exit(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    raise _Exit


def _return(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    number = arguments[0] if arguments else ""
    shell._set_status(int(number) if number.isdigit() else None)
    raise _Return


def _break(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    raise _Break(int(arguments[0]) if arguments and arguments[0].isdigit() else 1)


def _continue(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    raise _Continue(int(arguments[0]) if arguments and arguments[0].isdigit() else 1)


def _true(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    return ""


def _false(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    shell._set_status(1)
    return ""


def _declare_words(shell: Shell, arguments: list[str], stdin: Stream, origin: Origin) -> str:
    """``export`` and its kin met without syntax of their own (``command export a=b``)."""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals:
            shell.variables.set(name, value)
        shell.variables.exported.add(name)
    return ""


_BUILTINS: dict[str, _Builtin] = {
    ":": _true,
    "true": _true,
    "false": _false,
    "cd": _cd,
    "chdir": _cd,
    "pushd": _pushd,
    "popd": _popd,
    "pwd": _pwd,
    "eval": _eval,
    "source": _source,
    ".": _source,
    "exec": _exec,
    "command": _command,
    "builtin": _command,
    "type": _type,
    "alias": _alias,
    "unalias": _unalias,
    "hash": _hash,
    "trap": _trap,
    "set": _set,
    "shift": _shift,
    "unset": _unset,
    "read": _read,
    "mapfile": _mapfile,
    "readarray": _mapfile,
    "printf": _printf,
    "echo": _echo,
    "test": _test,
    "[": _test,
    "let": _let,
    "exit": _exit,
    "logout": _exit,
    "return": _return,
    "break": _break,
    "continue": _continue,
    "export": _declare_words,
    "declare": _declare_words,
    "typeset": _declare_words,
    "local": _declare_words,
    "readonly": _declare_words,
    "shopt": _true,
    "enable": _true,
    "wait": _true,
    "jobs": _true,
    "ulimit": _true,
    "umask": _true,
    "times": _true,
    "fg": _true,
    "bg": _true,
    "disown": _true,
    "getopts": _getopts,
    "bind": _true,
    "complete": _true,
    "compgen": _true,
    "caller": _true,
    "dirs": _true,
    "history": _true,
    "fc": _true,
}
