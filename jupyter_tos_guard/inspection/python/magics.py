"""IPython's lines: magics, ``!``, cell magics, aliases, expansion of ``$name`` and ``{expression}``."""

from __future__ import annotations

import ast
import json
import re
import string
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE, Kind, Span
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.python import library, methods
from jupyter_tos_guard.inspection.python.cell import Line, parse, parse_python
from jupyter_tos_guard.inspection.python.cell import cell_magic as read_cell_magic
from jupyter_tos_guard.inspection.python.effects import addresses, files, modules, processes, shell
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Choice,
    Function,
    Lines,
    Namespace,
    Stream,
    Symbol,
    Unknown,
    Value,
    either,
)
from jupyter_tos_guard.inspection.shell import process, wrappers
from jupyter_tos_guard.inspection.state import Origin

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


def run_source(self: Evaluator, source: str, first_line: int) -> Value:
    """Run a text with IPython syntax that stands in the cell from ``first_line`` on (0: nowhere)."""
    magic = read_cell_magic(source)
    if magic is not None:
        line = first_line + magic.first_line - 2 if first_line else 0
        span = (
            Span(max(line, 1), 0, max(line, 1), len(magic.line) + len(magic.name) + 3)
            if line
            else self.unit.origin.span
        )
        origin = Origin(span, False, self.provenance)
        return cell_magic(
            self, magic.name, expand(self, magic.line), magic.body, origin, line + 1 if line else 0
        )
    if (name := source.strip()) in self.session.macros and type(text := self.state.magics[name]) is str:
        return run_nested(self, text, (f"macro {name}",))
    parsed = parse(source)
    from jupyter_tos_guard.inspection.python.evaluation import Unit

    unit = self.unit
    if unit.text is not source or parsed.lines or unit.first_line != first_line:
        unit = Unit(source, self.unit.origin, parsed.lines, first_line, self.unit.cell)
    outer, self.unit = self.unit, unit
    try:
        if not first_line:
            return self.run(parsed.body)
        value = self.run_cell(parsed.body, source)
        if self.session.rewriters:
            value = self.run(shell.rewritten(self, parsed.body)) or value
        return value
    finally:
        self.unit = outer


def run_nested(
    self: Evaluator,
    text: str,
    steps: tuple[str, ...],
    fresh: bool = False,
    names: dict[str, Value] | None = None,
) -> Value:
    """Run a text with IPython syntax that the program made."""
    from jupyter_tos_guard.inspection.python.evaluation import Frame, Unit

    budget = self.budget
    if budget.depth >= budget.MAX_DEPTH or len(text) > budget.MAX_SIZE:
        self.opaque("too-deep", self.node, *steps)
        return UNKNOWN
    budget.spend(len(text) // 16 + 1)
    origin = self.origin_of(self.node, *steps)
    unit = Unit(text, origin, [], 0, self.unit.cell)
    space = names if names is not None else {} if fresh else self.state.names
    return self.inside(unit, Frame("module", space, space, None), lambda: run_source(self, text, 0))


# -- lines -------------------------------------------------------------------------------------------


def run_line(self: Evaluator, line: Line, node: ast.AST) -> Value:
    """Run one IPython line."""
    escape, text = line.escape, line.text
    steps = self.provenance
    if self.unit.first_line:
        number = line.line + self.unit.first_line - 1
        span = Span(number, line.column, number, line.column + len(text))
        origin = Origin(span, line.verbatim, steps)
    else:
        origin = Origin(self.origin.span, False, steps)
    outer, self.node = self.node, None
    try:
        if escape in ("!", "!!"):
            return shell_line(self, text, origin, wanted=line.assigned or escape == "!!")
        if escape == "?":
            return None
        if escape in (",", ";", "/"):
            return _autocall(self, escape, text, node)
        name, _, rest = text.strip().partition(" ")
        if escape == "%%":
            return cell_magic(self, name, rest, "", origin, 0)
        if not escape and name not in _AUTOMAGIC and name not in self.state.magics:
            return None
        stripped = Origin(origin.span, False, steps)
        return line_magic(self, name, rest, stripped, raw=origin, text=text)
    finally:
        self.node = outer


def _autocall(self: Evaluator, escape: str, text: str, node: ast.AST) -> Value:
    """``,f a b``, ``;f a b`` and ``/f a b``."""
    name, _, rest = text.strip().partition(" ")
    if escape == "/":
        source = f"{name}({', '.join(rest.split())})"
    elif escape == ";":
        source = f"{name}({rest!r})"
    else:
        source = f"{name}({', '.join(map(repr, rest.split()))})"
    body = parse_python(source)
    self.node = node
    return self.run_text(source, (), node) if body else UNKNOWN


def shell_line(self: Evaluator, text: str, origin: Origin, wanted: bool = False) -> Value:
    """``!text``: what it prints, if that is wanted."""
    from jupyter_tos_guard.inspection.shell.interpreter import run_shell

    made = expand_value(self, text)
    outputs: list[Value] = []
    for each in made.values if type(made) is Choice else (made,):
        at = origin
        if each != text:
            at = Origin(origin.span, False, (*origin.provenance, *_expansion_steps(self, text, each)))
        if not each.replace(HOLE, "").strip():
            if each:
                self.state.emit(Kind.OPAQUE, "unresolved-command", at)
            continue
        output = run_shell(each, self.state, at)
        if self.outputs and output:
            methods.write(self, self.outputs[-1], output)  # ``%%capture``
        if wanted and output and HOLE not in output:
            outputs.append(Lines(output.splitlines()))
    return either(outputs) if outputs else UNKNOWN if wanted else None


def _expansion_steps(self: Evaluator, text: str, made: str) -> tuple[str, ...]:
    steps: tuple[str, ...] = ()
    for name in re.findall(r"[$\{]\{?\s*([A-Za-z_]\w*)", text)[:4]:
        if name in self.state.names:
            steps += (f"variable {name}",)
            cell = self.session.defined.get(name)
            if cell is not None and cell != self.unit.cell:
                steps += (f"cell {cell}",)
            value = self.state.names[name]
            if type(value) in (str, bytes) and value in self.session.trace:
                steps += self.session.trace[value]
    if made in self.session.trace:
        steps += self.session.trace[made]
    return steps


_DOLLAR: Final = re.compile(r"\$(\$?[\w.]+)")


def expand(self: Evaluator, text: str) -> str:
    """``text`` with ``$name`` and ``{expression}`` replaced, as IPython does before a magic sees it."""
    made = expand_value(self, text)
    return made if type(made) is str else made.values[0]


def expand_value(self: Evaluator, text: str) -> Any:
    """``text`` expanded: a str, or a choice of several."""
    if "$" not in text and "{" not in text:
        return text
    parts: list[Value] = []
    try:
        for literal, field, spec, conversion in string.Formatter().parse(text):
            parts += _dollars(self, literal)
            if field is None:
                continue
            expression = f"{field}:{spec}" if spec else field
            value = _expression(self, expression)
            if value is _UNBOUND:
                # IPython leaves the whole line alone when a field is no expression of bound names.
                return _only_dollars(self, text)
            parts.append(value if type(value) is Choice else self.format(value, "", conversion))
    except (ValueError, IndexError):
        return _only_dollars(self, text)
    return _joined(self, parts)


def _joined(self: Evaluator, parts: list[Value]) -> Value:
    flat: list[Any] = [
        Choice(tuple(self.text(way) for way in each.values)) if type(each) is Choice else each
        for each in parts
    ]
    if any(type(each) is Choice for each in flat):
        return library.joined_choices(flat)
    return library.checked("".join(flat))


def _only_dollars(self: Evaluator, text: str) -> Value:
    return _joined(self, _dollars(self, text))


def _dollars(self: Evaluator, text: str) -> list[Value]:
    """``$name`` replaced in a text without fields; ``$$`` is one dollar; in single quotes nothing is."""
    if "$" not in text:
        return [text]
    parts: list[Value] = []
    done = 0
    for match in _DOLLAR.finditer(text):
        name = match.group(1)
        if text.count("'", match.end()) % 2:
            continue
        parts.append(text[done : match.start()])
        done = match.end()
        if name.startswith("$"):
            parts.append(name)
            continue
        trailing = name[len(name.rstrip(".")) :]
        value = _expression(self, name.rstrip("."))
        if value is _UNBOUND:
            parts.append(match.group())
        else:
            parts.append(value if type(value) is Choice else self.text(value))
            parts.append(trailing)
    parts.append(text[done:])
    return parts


_UNBOUND: Final = object()
_SCOPES: Final = (ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)


def _expression(self: Evaluator, text: str) -> Any:
    """Value of an expression in a shell line; ``_UNBOUND`` if a name in it is not bound."""
    if not text.strip():
        return _UNBOUND
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _UNBOUND
    names = [each.id for each in ast.walk(tree) if type(each) is ast.Name and type(each.ctx) is ast.Load]
    if type(tree) is ast.Call and any(type(each) in _SCOPES for each in ast.walk(tree)):
        names = names[:1]
    plain = type(tree) in (ast.Name, ast.Attribute, ast.Tuple, ast.List, ast.Constant, ast.Set)
    called = type(tree) is ast.Call and type(tree.func) is ast.Name and not tree.keywords
    if (plain or called) and any(not _is_bound(self, name) for name in names):
        return _UNBOUND
    if type(tree) is ast.Constant and text.strip()[:1] not in "'\"":
        return _UNBOUND if text.strip().isdigit() else tree.value
    return self.evaluate(tree)


def _is_bound(self: Evaluator, name: str) -> bool:
    self.lookup(name)  # what is waiting may bind it
    frame: Any = self.frame
    while frame is not None:
        if name in frame.names:
            return True
        frame = frame.parent
    return name in self.frame.globals or type(self.builtin(name)) is not Unknown


# -- line magics -------------------------------------------------------------------------------------


def line_magic(
    self: Evaluator, name: str, rest: str, origin: Origin, raw: Origin | None = None, text: str = ""
) -> Value:
    """``%name rest``."""
    rest = rest.strip()
    own = self.state.magics.get(name)
    if type(own) is Symbol and own.name.startswith("magic ") and own.name[6:] != name:
        return line_magic(self, own.name[6:], rest, origin)
    if own is not None:
        return _own_magic(self, name, own, expand(self, rest), None, origin)
    handler = _LINE.get(name)
    if handler is not None:
        line = rest if name in _RAW else expand(self, rest)
        return handler(self, name, line, origin)
    if name in _PROGRAM_MAGICS:
        from jupyter_tos_guard.inspection.shell.interpreter import run_shell

        line = (
            text
            if raw is not None and "$" not in text and "{" not in text
            else f"{name} {expand(self, rest)}"
        )
        return _lines(
            run_shell(line.lstrip(), self.state, raw if raw is not None and line == text else origin)
        )
    expand(self, rest)  # IPython evaluates what stands in braces, whatever the magic
    if name not in _QUIET:
        from jupyter_tos_guard.inspection.python import sinks

        sinks.emit_call(self, f"magic.{name}", None)
    return UNKNOWN


def _lines(output: str) -> Value:
    return Lines(output.splitlines()) if output and HOLE not in output else UNKNOWN


def _own_magic(self: Evaluator, name: str, own: Value, line: str, body: str | None, origin: Origin) -> Value:
    """Run a magic, alias or macro of the user's."""
    if type(own) is str:
        if name in self.session.macros:
            return run_nested(self, own, (f"macro {name}",))
        words = line.split()
        if "%l" in own:
            made = own.replace("%l", line)
        elif "%s" in own:
            made = own
            while "%s" in made and words:
                made = made.replace("%s", words.pop(0), 1)
            made = " ".join([made, *words])
        else:
            made = f"{own} {line}"
        from jupyter_tos_guard.inspection.shell.interpreter import run_shell

        return _lines(
            run_shell(
                expand(self, made),
                self.state,
                Origin(origin.span, False, (*origin.provenance, f"alias {name}")),
            )
        )
    arguments: list[Value] = [line] if body is None else [line, body]
    outer = self.origin, self.provenance, self.unit
    from jupyter_tos_guard.inspection.python.evaluation import Unit

    self.unit = Unit(self.unit.text, origin, [], 0, self.unit.cell)
    self.origin, self.provenance = origin, (*origin.provenance, f"magic {name}")
    try:
        return self.call(own, arguments)
    finally:
        self.origin, self.provenance, self.unit = outer


def define(self: Evaluator, name: str, value: Value, macro: bool = False) -> None:
    """Make a magic, an alias or a macro: from now on a line or a cell that mentions it does something."""
    self.state.magics[name] = value
    if macro:
        self.session.macros.add(name)
        self.state.names[name] = Symbol(f"macro {name}")
    if self.state.unread is not None:
        self.state.unread.hot.add(name)


def _shell_magic(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    from jupyter_tos_guard.inspection.shell.interpreter import run_shell

    if name == "sc":
        words = line.split("=", 1)
        line = words[1] if len(words) > 1 else line
        target = words[0].split()[-1:] if len(words) > 1 else []
        output = _lines(run_shell(line.lstrip("- l"), self.state, origin))
        if target:
            self.assign_name(target[0], output)
        return output
    return _lines(run_shell(line, self.state, origin))


def _cd(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    line = line.removeprefix("-q").strip().strip("'\"")
    if HOLE in line or line.startswith("-"):
        self.state.cwd = ""
    elif line:
        self.state.cwd = resolve(line, self.state.cwd)
    return None


def _env(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    for separator in ("=", " "):
        key, found, value = line.partition(separator)
        if found:
            self.state.environ[key.strip()] = value.strip()
            _at(self, origin, partial(processes.report_variable, self, key.strip(), value.strip()))
            return None
    return self.state.environ.get(line.strip(), UNKNOWN)


def _run(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    """``%run [options] file arguments``."""
    words = wrappers.split_words(line)
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option == "-m" and words:
            from jupyter_tos_guard.inspection.shell.interpreter import run_argv

            run_argv(["python", "-m", *words], self.state, origin)
            return None
        if option in ("-l", "-N", "-b", "-D") and words:
            words.pop(0)
    if not words:
        return None
    path = words[0]
    if not path.endswith((".py", ".ipy", ".ipynb")) and "." not in path.rpartition("/")[2]:
        path += ".py"
    return _at(self, origin, lambda: modules.run_file(self, path, words[1:], self.state.names))


def _at(self: Evaluator, origin: Origin, action: Callable[[], Value]) -> Value:
    """Do ``action`` with facts pointing at ``origin``."""
    from jupyter_tos_guard.inspection.python.evaluation import Unit

    return self.inside(Unit("", origin, [], 0, self.unit.cell), self.frame, action)


def _load(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    """``%load file`` puts the file into the cell, to be run next."""
    words = [word for word in line.split() if not word.startswith("-")]
    for word in words:
        for address in addresses.addresses(word):
            _at(self, origin, partial(addresses.fetch, self, address))
            self.state.emit(Kind.OPAQUE, "download-run", origin)
        file = process.find_file(word, self.state) if HOLE not in word else None
        if file is not None and file.content is not None:
            text = file.content if isinstance(file.content, str) else file.content.decode("utf-8", "replace")
            _at(self, origin, partial(run_nested, self, text, (f"file {word}",)))
    return None


def _alias(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    label, _, text = line.strip().partition(" ")
    if name == "alias_magic":
        words = [word for word in line.split() if not word.startswith("-")]
        if len(words) > 1:
            define(self, words[0], Symbol(f"magic {words[1]}"))
        return None
    if text:
        define(self, label, text.strip().strip('"'))
    return None


def _rehash(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    """``%rehashx``: each program on ``PATH`` becomes an alias."""
    for program in process.handlers():
        if program not in self.state.magics and program not in _LINE and program not in _QUIET:
            define(self, program, program)
    return None


def _import_all(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    """``%aimport a, b, -c``: imports for autoreload."""
    modules = ", ".join(word for word in line.replace(",", " ").split() if word[0] != "-")
    return _at(self, origin, lambda: run_nested(self, f"import {modules}", ())) if modules else None


def _dotenv(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    paths = [word for word in line.split() if not word.startswith("-")]
    _at(self, origin, lambda: files.load_dotenv(self, Symbol(name), list(paths[:1]), {}))
    return None


def _range(word: str) -> range:
    """Numbers of the cells that ``3``, ``1-3`` or ``1:4`` means."""
    match = re.fullmatch(r"(?:~\d{1,6}/)?(\d{1,6})(?:[-:](\d{1,6}))?", word)
    if match is None:
        return range(0)
    start = int(match.group(1))
    stop = int(match.group(2) or start) + ("-" in word or not match.group(2))
    return range(max(start, 1), max(stop, start + 1))


def _history_text(self: Evaluator, line: str) -> str:
    """Text of the cells that ``1-3 5`` names, or of a macro or variable."""
    sources = self.state.sources
    pieces: list[str] = []
    for word in line.split():
        if word.startswith("-"):
            continue
        if numbers := _range(word):
            pieces += sources[numbers[0] - 1 : numbers[-1]]
        elif word in self.state.magics and type(self.state.magics[word]) is str:
            pieces.append(str(self.state.magics[word]))
        else:
            value = self.lookup(word)
            if type(value) is str:
                pieces.append(value)
    if not pieces and not line.strip() and sources:
        pieces = [sources[-1]]
    return "\n".join(pieces)


def _save(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    """``%save file 1-3``: cells as a program."""
    words = [word for word in line.split() if not word.startswith("-")]
    if not words:
        return None
    path = (
        words[0]
        if words[0].endswith((".py", ".ipy"))
        else words[0] + (".ipy" if "-r" in line.split() else ".py")
    )
    text = _history_text(self, " ".join(words[1:])) + "\n"
    _at(self, origin, lambda: files.save(self, path, text, append="-a" in line.split()))
    return None


def _history(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    """``%history -n -f file 1-3``: cells as they were, with their numbers if wanted."""
    found = re.search(r"(?:^|\s)-\w*f\s+(\S+)", line)
    wanted = re.sub(r"(?:^|\s)-\w*[fgl]\s+\S+", " ", line)
    numbers = [each for word in wanted.split() for each in _range(word)]
    sources = self.state.sources
    lines = []
    for number in numbers or range(1, len(sources) + 1):
        for source in sources[number - 1 : number]:
            text = source.expandtabs(4).rstrip()
            between = "\n" if "\n" in text else " "
            lines.append((f"{number:4}:{between}" if re.search(r"-\w*n", wanted) else "") + text + "\n")
    self.budget.spend(len(lines) + 1)
    if found:
        _at(self, origin, lambda: files.save(self, found.group(1), "".join(lines)))
    elif self.outputs:
        methods.write(self, self.outputs[-1], "".join(lines))
    return None


def _notebook(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    """``%notebook file``: all cells as a notebook."""
    cells = [{"cell_type": "code", "source": source} for source in self.state.sources]
    if line.strip():
        text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        _at(self, origin, lambda: files.save(self, line.split()[-1], text))
    return None


def _macro(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    words = [word for word in line.split() if not word.startswith("-")]
    if words:
        define(self, words[0], _history_text(self, " ".join(words[1:])), macro=True)
    return None


def _rerun(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    text = _history_text(self, line.replace("-l 1", "").strip())
    if not text:
        return UNKNOWN
    return _at(self, origin, lambda: run_nested(self, text, (name,)))


def _python_line(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    """``%time statement``: Python in a line."""
    words = line.split(" ")
    while words and re.fullmatch(r"-[a-z]\d*|-[nrTsDl]|\d+", words[0]):
        words.pop(0)
    return _at(self, origin, lambda: run_nested(self, " ".join(words), ()))


def _store(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    """``%store name > file`` writes a value to a file."""
    match = re.fullmatch(r"(\w+)\s*(>>?)\s*(\S+)", line.strip())
    if match:
        value = self.lookup(match.group(1))
        text = "\n".join(map(self.text, value)) if type(value) in (list, Lines) else self.text(value)
        append = match.group(2) == ">>"
        _at(self, origin, lambda: files.save(self, match.group(3), text + "\n", append=append))
    return None


def _load_ext(self: Evaluator, name: str, line: str, origin: Origin) -> Value:
    from jupyter_tos_guard.inspection.python import sinks

    sinks.emit_call(self, f"get_ipython.{'extension_manager.' if False else ''}{name}", None)
    word = line.strip().split(" ")[0]
    if re.fullmatch(r"[\w.]+", word):
        module = _at(self, origin, lambda: sinks.import_module(self, word, None))
        loader = self.attribute(module, "load_ipython_extension") if not isinstance(module, Symbol) else None
        if type(loader) is Function:
            self.call(loader, [Symbol("get_ipython", True)])
    return None


def _writefile(self: Evaluator, name: str, line: str, body: str, origin: Origin, first_line: int) -> Value:
    words = line.split(" ")
    append = "-a" in words
    path = " ".join(word for word in words if word not in ("-a", "--append")).strip().strip("'\"")
    body += "" if body.endswith("\n") else "\n"  # as IPython hands it on
    if path:
        _at(self, origin, lambda: files.save(self, path, body, append=append))
    return None


def _shell_cell(self: Evaluator, name: str, line: str, body: str, origin: Origin, first_line: int) -> Value:
    """``%%bash`` and its kin: the body is a script for a program."""
    from jupyter_tos_guard.inspection.shell.interpreter import run_argv, run_shell

    words = _without_script_options(wrappers.split_words(line))
    if name == "script":
        name, *words = words or ["bash"]
        name = name.rpartition("/")[2]
    verbatim = bool(first_line)
    lines = body.count("\n")
    span = Span(first_line, 0, first_line + lines, 0) if first_line else origin.span
    at = Origin(span, verbatim, origin.provenance)
    if name in ("bash", "sh", "zsh", "ksh", "dash", "system", "sx", "!", "shell", "bigquery_shell", "cmd"):
        if name in ("system", "sx", "!", "cmd", "shell"):
            made = expand(self, body)
            text = f"{expand(self, line)}\n{made}" if line else made
            return _lines(
                run_shell(text, self.state, at if text == body else Origin(span, False, origin.provenance))
            )
        if all(word.startswith("-") for word in words):
            return _out(self, line, run_shell(body, self.state, at))
    return _out(
        self, line, run_argv([name, *words], self.state, Origin(span, False, origin.provenance), stdin=body)
    )


def _without_script_options(words: list[str]) -> list[str]:
    """Words of ``%%script`` and its kin without the options that are the magic's own."""
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in ("--out", "--err", "--proc"):
            next(rest, None)
        elif not word.startswith(("--out=", "--err=", "--proc=", "--bg", "--no-raise-error")):
            kept.append(word)
    return kept


def _out(self: Evaluator, line: str, output: str) -> Value:
    match = re.search(r"--out[ =](\w+)", line)
    if match:
        self.assign_name(match.group(1), output if output and HOLE not in output else UNKNOWN)
    return UNKNOWN


def _python_cell(self: Evaluator, name: str, line: str, body: str, origin: Origin, first_line: int) -> Value:
    """``%%time`` and its kin: the body is a cell of its own."""
    if name in ("timeit", "prun", "time") and line.strip():
        _python_line(self, name, line, origin)
    target = [word for word in line.split() if word[0] != "-"] if name == "capture" else []
    kept = Stream("", "w+", "")
    if target and target[0].isidentifier():
        self.assign_name(target[0], Namespace("captured", {"stdout": kept, "stderr": ""}))
        self.outputs.append(kept)
    try:
        return run_source(self, body, first_line) if first_line else run_nested(self, body, ())
    finally:
        if kept in self.outputs:
            self.outputs.remove(kept)
            captured = self.lookup(target[0])
            if type(captured) is Namespace:
                captured.attributes["stdout"] = kept.content or ""


def _test_cell(self: Evaluator, name: str, line: str, body: str, origin: Origin, first_line: int) -> Value:
    """``%%ipytest``: a cell of tests."""
    _python_cell(self, name, "", body, origin, first_line)
    _at(self, origin, lambda: modules.run_tests(self, self.all_names()))
    return UNKNOWN


def _cython_cell(self: Evaluator, name: str, line: str, body: str, origin: Origin, first_line: int) -> Value:
    """``%%cython``: Python with declarations; functions of C are imported like Python's."""
    return _python_cell(self, name, "", re.sub(r"\bcimport\b", "import", body), origin, 0)


def _child_cell(self: Evaluator, name: str, line: str, body: str, origin: Origin, first_line: int) -> Value:
    """``%%python``: a process of its own."""
    from jupyter_tos_guard.inspection.python.evaluation import Unit

    names: dict[str, Value] = {}
    self.frame_of(names)
    unit = Unit(body, Origin(origin.span, False, origin.provenance), [], first_line, self.unit.cell)
    return self.inside(unit, self.frame_of(names), lambda: self.run(parse_python(body)))


def _foreign_cell(self: Evaluator, name: str, line: str, body: str, origin: Origin, first_line: int) -> Value:
    """Another language."""
    from jupyter_tos_guard.inspection.shell.interpreter import run_argv

    program = {"javascript": "", "js": "", "html": "", "HTML": "", "R": "Rscript"}.get(name, name)
    if not program:
        return _at(self, origin, lambda: self.call(Symbol("IPython.display.Javascript"), [body]))
    run_argv([program, "-"], self.state, origin, stdin=body)
    return UNKNOWN


def cell_magic(self: Evaluator, name: str, line: str, body: str, origin: Origin, first_line: int) -> Value:
    """``%%name line`` with a body that stands in the cell from ``first_line`` on (0: nowhere)."""
    own = self.state.magics.get(name)
    if own is not None and type(own) is not str:
        if type(own) is Symbol and own.name.startswith("magic "):
            return cell_magic(self, own.name[6:], line, body, origin, first_line)
        return _own_magic(self, name, own, line, body, origin)
    handler = _CELL.get(name)
    if handler is not None:
        return handler(self, name, line, body, origin, first_line)
    if name in _LINE:
        _LINE[name](self, name, line, origin)
    if name not in _SHOWN:
        from jupyter_tos_guard.inspection.python import sinks

        sinks.emit_call(self, f"magic.{name}", None)
        if name not in _NOT_PYTHON:
            # A magic of some extension: most run the body as Python in the end.
            return _python_cell(self, name, "", body, origin, first_line)
    return UNKNOWN


_LINE: Final[dict[str, Any]] = {
    **dict.fromkeys("system sx sc shell !".split(), _shell_magic),
    "cd": _cd,
    "pushd": _cd,
    "env": _env,
    "set_env": _env,
    "run": _run,
    "load": _load,
    "loadpy": _load,
    "alias": _alias,
    "alias_magic": _alias,
    "macro": _macro,
    "save": _save,
    "history": _history,
    "hist": _history,
    "notebook": _notebook,
    **dict.fromkeys("rerun recall rep".split(), _rerun),
    **dict.fromkeys("time timeit prun memit mprun lprun capture debug".split(), _python_line),
    "store": _store,
    "rehashx": _rehash,
    "aimport": _import_all,
    "dotenv": _dotenv,
    "load_ext": _load_ext,
    "reload_ext": _load_ext,
    "unload_ext": _load_ext,
}
_RAW: Final = frozenset({"alias", "timeit", "time", "prun"})
_PROGRAM_MAGICS: Final = frozenset("pip pip3 conda mamba micromamba uv npm cp mv rm mkdir cat".split())
_QUIET: Final = frozenset(
    "matplotlib pylab autoreload who whos who_ls config reset reset_selective xdel precision pwd ls ll "
    "less more man rmdir lsmagic magic quickref pdb xmode colors "
    "tensorflow_version autosave logstart logstop psearch pinfo pdef pdoc psource autoawait bookmark dirs "
    "popd dhist edit ed pastebin gui connect_info qtconsole killbgscripts script sql inline "
    "widget doctest_mode page profile pprint".split()
)
_AUTOMAGIC: Final = (frozenset(_LINE) | _PROGRAM_MAGICS | frozenset("ls rmdir ll man less more".split())) - {
    "time",
    "capture",
    "debug",
    "!",
    "save",
    "history",
    "hist",
    "notebook",
}
_CELL: Final[dict[str, Any]] = {
    **dict.fromkeys("writefile file writetemplate".split(), _writefile),
    **dict.fromkeys("bash sh script system sx ! cmd shell zsh ksh dash".split(), _shell_cell),
    **dict.fromkeys(
        "capture time timeit prun memit mprun lprun python_in_process debug heat px scalene "
        "wurlitzer".split(),
        _python_cell,
    ),
    **dict.fromkeys("ipytest run_pytest pytest unittest_main".split(), _test_cell),
    **dict.fromkeys("cython cython_inline cython_pyximport".split(), _cython_cell),
    **dict.fromkeys("python python3 python2 pypy pypy3".split(), _child_cell),
    **dict.fromkeys(
        "perl ruby node julia R javascript js html HTML lua php go rust deno bun octave".split(),
        _foreign_cell,
    ),
}
_SHOWN: Final = frozenset("markdown latex svg SVG html HTML sql bigquery manim mermaid md".split())
_NOT_PYTHON: Final = frozenset(
    "cython cu cuda cpp c fortran spark R julia yaml json graphviz dot tikz xml css".split()
)
