"""What programs in other languages than Python and shell do, as far as one reader can tell.

Programs that run text or files in such languages, and the cells of kernels for them; how the
text is read is in :mod:`.languages`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from jupyter_tos_guard.inspection.bounded_regex import MAX_FILLED, fill_in
from jupyter_tos_guard.inspection.facts import HOLE, Kind, Span
from jupyter_tos_guard.inspection.shell.filters import lenient_base64
from jupyter_tos_guard.inspection.shell.languages.library import as_text, changed
from jupyter_tos_guard.inspection.shell.languages.reader import Reader
from jupyter_tos_guard.inspection.shell.languages.table import LANGUAGES, language_of
from jupyter_tos_guard.inspection.shell.languages.tcl import Tcl
from jupyter_tos_guard.inspection.shell.process import (
    Handler,
    Process,
    Stream,
    emit_source,
    mention_addresses,
    nested,
    text_of,
)
from jupyter_tos_guard.inspection.state import Origin, OutOfBudget, State

_SHELL_LANGUAGES = frozenset(
    {"bash", "sh", "zsh", "ksh", "fish", "shell", "shellscript", "calysto_bash", "console", "ssh"}
)


def inspect_foreign(source: str, language: str, state: State) -> None:
    """Report what a whole cell of a kernel in ``language`` does.

    Parameters
    ----------
    source : str
    language : str
        As kernels name it: ``R``, ``julia``, ``bash``, ``javascript``, …
    state : State
    """
    from jupyter_tos_guard.inspection.shell.interpreter import run_shell

    name = language.strip().lower()
    lines = source.split("\n")
    origin = Origin(Span(1, 0, len(lines), len(lines[-1])), True)
    if name in _SHELL_LANGUAGES:
        run_shell(source, state, origin)
        return
    if name in ("python", "python3", "sagemath", "xpython", "ipython"):
        from jupyter_tos_guard.inspection.python.evaluation import run_cell

        run_cell(source, state)
        return
    magic = re.match(r"%%(?:bash|sh|script\s+(?:ba)?sh)[^\n]*\n", source)
    if magic:
        run_shell(source[magic.end() :], state, origin._replace(verbatim=False))
        return
    process = Process([name or "other"], state, origin, Stream(""))
    known = language_of(name)
    if known == "tcl":
        Tcl(process).run(source)
        return
    Reader(source, known if known in LANGUAGES else "other", process, verbatim=True).run()
    for found in (
        re.finditer(r"^\s*!(?!=)(.+)$", source, re.M)
        if name in ("octave", "matlab", "javascript", "typescript", "scala")
        else ()
    ):
        run_shell(found.group(1), state, Origin(origin.locate(source, found.start(1), found.end(1))))


def run_foreign(process: Process, text: str, language: str, *steps: str) -> bool:
    """Run program text; False when the language is not known. Its output is not kept."""
    return foreign_output(process, text, language, *steps) is not None


def foreign_output(
    process: Process, text: str, language: str, *steps: str, arguments: Sequence[str] = ()
) -> str | None:
    """Run program text and return what it prints; None when the language is not known.

    Parameters
    ----------
    process : Process
    text : str
    language : str
    *steps : str
        How the text was found.
    arguments : sequence of str
        What the program is given, as its language counts them: where the first is the program, with it.
    """
    language = language_of(language)
    if language not in LANGUAGES:
        return None
    origin = process.origin
    process.origin = Origin(origin.span, False, origin.provenance + steps)
    try:
        with nested(process.state.budget) as allowed:
            if not allowed:
                process.emit(Kind.OPAQUE, "too-deep")
                return HOLE
            if language == "tcl":
                return Tcl(process).run(text)
            return Reader(text, language, process, arguments=arguments).run()
    finally:
        process.origin = origin


def printed_by_python(text: str, process: Process) -> str:
    """Tell what simple Python text prints; unknown where it takes more than strings."""
    try:
        return Reader(text[:20_000], "python", process).run() or HOLE
    except OutOfBudget:
        raise
    except (ValueError, RecursionError):
        return HOLE


# -- interpreters ----------------------------------------------------------------------------------

#: Interpreters: language; one-letter and long options with program text; other letters with a value.
_INTERPRETERS: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "perl": ("perl", "eE", (), "ImMxCdD0"),
    "ruby": ("ruby", "e", (), "IrCEKWF"),
    "node": ("javascript", "ep", ("eval", "print"), "rC"),
    "deno": ("javascript", "", (), "r"),
    "bun": ("javascript", "e", ("eval", "print"), "r"),
    "ts-node": ("javascript", "ep", ("eval",), "rP"),
    "tsx": ("javascript", "ep", ("eval",), "r"),
    "php": ("php", "rBRE", ("run",), "cdfztS"),
    "lua": ("lua", "e", (), "l"),
    "r": ("r", "e", ("expression", "file"), "fg"),
    "rscript": ("r", "e", (), ""),
    "littler": ("r", "e", (), "lL"),
    "julia": ("julia", "eE", ("eval", "print", "project", "threads"), "JLptCgO"),
    "tclsh": ("tcl", "", (), ""),
    "expect": ("tcl", "c", (), "f"),
    "octave": ("octave", "", ("eval",), ""),
    "octave-cli": ("octave", "", ("eval",), ""),
    "matlab": ("octave", "r", (), ""),
    "elixir": ("elixir", "e", (), "rS"),
    "groovy": ("groovy", "e", (), ""),
    "scala": ("scala", "e", (), ""),
    "runghc": ("haskell", "e", (), ""),
    "ghc": ("haskell", "e", (), "o"),
    "emacs": ("lisp", "", ("eval",), "l"),
    "sbcl": ("lisp", "", ("eval", "load"), ""),
    "guile": ("lisp", "c", (), "l"),
    "racket": ("lisp", "e", (), ""),
    "nim": ("nim", "", ("eval",), ""),
    "crystal": ("ruby", "", (), ""),
}


def _interpreter(process: Process) -> str:
    """Run the program text, the file or the standard input of an interpreter."""
    name = process.name
    language, text_letters, text_longs, value_letters = _INTERPRETERS[name]
    texts: list[str] = []
    rest: list[str] = []
    arguments = process.arguments
    i = 0
    while i < len(arguments):
        argument = arguments[i]
        i += 1
        if argument.startswith("--"):
            option, equals, value = argument[2:].partition("=")
            if option in text_longs:
                if not equals and i < len(arguments):
                    value = arguments[i]
                    i += 1
                if option not in ("project", "threads", "load", "file"):
                    texts.append(value)
            continue
        if argument.startswith("-") and len(argument) > 1:
            for j, letter in enumerate(argument[1:], 2):
                if letter in text_letters:
                    value = argument[j:] if name not in ("perl", "node") else ""
                    if not value and i < len(arguments):
                        value = arguments[i]
                        i += 1
                    texts.append(value)
                    break
                if letter in value_letters:
                    i += 0 if argument[j:] or name == "perl" else 1
                    break
            continue
        rest = arguments[i - 1 :]
        break
    if name == "deno" and rest[:1] == ["eval"]:
        texts, rest = rest[1:2], []
    process.announce(hide=texts)
    if name == "deno" and rest[:1] == ["task"]:
        from jupyter_tos_guard.inspection.shell.wrappers import task_runner

        return task_runner(process)
    if name in ("deno", "bun", "crystal", "nim") and rest[:1] == ["run"]:
        rest = [a for a in rest[1:] if not a.startswith("-")]
    if texts:
        extra = _line_mode(process, "\n".join(texts)) if name in ("perl", "ruby") else None
        if extra is not None:
            return extra
        given = [HOLE, *rest] if language in ("javascript", "php") else rest
        return foreign_output(process, "\n".join(texts), language, f"{name} -e", arguments=given) or ""
    if name == "r" and (path := next((a.split("=", 1)[1] for a in arguments if a.startswith("--file=")), "")):
        rest = [path]
    if rest and rest[0] not in ("-", "CMD", "/dev/stdin"):
        return run_source_file(process, rest[0], language, rest[1:])
    if rest[:1] == ["CMD"] and "INSTALL" in rest:
        for path in rest[2:]:
            file = process.file(path)
            if file is not None:
                emit_source(file.source, process.state, process.origin, path)
            process.package("cran", path.rsplit("/", 1)[-1].split("_")[0])
        return HOLE
    text = process.stdin.rest()
    if text.replace(HOLE, "").strip():
        return foreign_output(process, text, language, *process.stdin.steps, f"piped to {name}") or ""
    if process.stdin.piped and HOLE in text:
        process.emit(Kind.OPAQUE, "download-run" if process.stdin.source else "exec-unknown")
    return HOLE


def run_source_file(process: Process, path: str, language: str, arguments: Sequence[str] = ()) -> str:
    """Run a source file of the session with its arguments, or say where it is from."""
    from jupyter_tos_guard.inspection.paths import resolve

    if "://" in path:
        process.fetch(path)
        process.emit(Kind.OPAQUE, "download-run")
        return HOLE
    process.emit(Kind.FILE, resolve(path, process.state.cwd).lower())
    file = process.file(path)
    if file is None:
        return HOLE
    emit_source(file.source, process.state, process.origin, path)
    if file.content is None:
        if process.downloaded(path):
            process.emit(Kind.OPAQUE, "download-run")
        return HOLE
    before = {"javascript": [HOLE, path], "php": [path]}.get(language_of(language), [])
    given = [*before, *arguments]
    return foreign_output(process, text_of(file.content), language, f"file {path}", arguments=given) or ""


def _line_mode(process: Process, text: str) -> str | None:
    """``perl -pe 's/a/b/'``, ``ruby -ne 'puts $_'``: text filters."""
    if not any(re.fullmatch(r"-[a-zA-Z0]*[pn][a-zA-Z0]*", a) for a in process.arguments):
        return None
    printing = any(re.fullmatch(r"-[a-zA-Z0]*p[a-zA-Z0]*", a) for a in process.arguments)
    source = process.stdin.rest()
    if not printing:
        if foreign_output(process, text, process.name, f"{process.name} -n") is None:
            return HOLE
        return source if re.search(r"\bprint\b|\bputs\b", text) else HOLE
    lines = source.removesuffix("\n").split("\n")
    statements = [s.strip() for s in text.split(";") if s.strip()]
    out = []
    for line in lines[:4000]:
        value = line
        for statement in statements:
            if re.match(r"(?:tr|y|s)\W", statement):
                value = as_text(changed(value, "=~ " + statement))
            elif re.fullmatch(r"\$_\s*=\s*(?:scalar\s+)?reverse\s*\(?\$?_?\)?", statement):
                value = as_text(value)[::-1]
            else:
                return HOLE
        out.append(as_text(value) + "\n")
    return "".join(out)


class _Console(NamedTuple):
    """A program with commands of its own, of which some start others."""

    commands: str  # options that give a command
    files: str  # options that give a file of commands
    shell: str  # regular expression of what stands before shell text


_VIM = _Console(
    "c cmd",
    "S s u",
    r"(?:sil\w*!?\s+|exe\w*\s+[\"']:?|r\w*\s*|w\w*\s*|te\w*\s*|[%.$,\d]+)*!|te(?:rm\w*)?\s+",
)
_CONSOLES = {
    **dict.fromkeys(("vim", "nvim", "vi", "view", "gvim", "ex", "rvim", "vimdiff"), _VIM),
    "gdb": _Console(
        "ex iex eval-command init-eval-command", "x ix command init-command", r"(?:shell|!|make|pipe)\s*"
    ),
    "lldb": _Console("o O one-line one-line-before-file", "s source", r"(?:platform\s+)?shell\s+"),
    "psql": _Console("c command", "f file", r"\\!\s*"),
    **dict.fromkeys(("mysql", "mariadb"), _Console("e execute", "", r"(?:system\s|\\!)\s*")),
    "gnuplot": _Console("e", "", r"!"),
}
_INNER_PYTHON = re.compile(r":?\s*py(?:3|thon3?|x)?\s+(.+)", re.DOTALL)


def _console(process: Process) -> str:
    """Run what the commands of an editor, a debugger or a database client start."""
    mention_addresses(process)
    spec = _CONSOLES[process.name]
    commands, files = spec.commands.split(), spec.files.split()
    texts: list[str] = []
    words = iter(process.arguments)
    for word in words:
        option, equals, value = word.lstrip("-").partition("=")
        if word[:1] != "-":
            texts.append(word.removeprefix("+"))
        elif option in commands:
            texts.append(value if equals else next(words, ""))
        elif option in files:
            texts += (process.read(value if equals else next(words, "")) or "").splitlines()[:500]
    process.announce(hide=[word for word in process.arguments if word in texts or " " in word])
    texts += process.stdin.rest().splitlines()[:500]
    for text in texts:
        if found := re.match(rf"[:\s]*(?:{spec.shell})(.+)", text, re.DOTALL):
            command = found.group(1)
            process.shell(command.rstrip("\"'") if "exe" in found.group()[:6] else command, process.name)
        elif found := _INNER_PYTHON.match(text):
            process.python(found.group(1), process.name)
        elif "system" in text:
            foreign_output(process, text, "other", process.name)
    return HOLE


_POWERSHELL_JOINED = re.compile(r"\(?\s*((?:'[^']*'|\"[^\"]*\")(?:\s*\+\s*(?:'[^']*'|\"[^\"]*\"))+)\s*\)?")
_POWERSHELL_VARIABLE = re.compile(r"(?<!^)\$\{?(\w+)\}?(?!\s*=)")
_POWERSHELL_FETCH = re.compile(
    r"\b(?:iwr|irm|invoke-(?:webrequest|restmethod)|downloadstring|downloadfile)\b", re.I
)


def _powershell(process: Process) -> str:
    """``pwsh -Command text``: variables, joined strings, programs and downloads."""
    arguments = process.arguments
    at = next((i for i, each in enumerate(arguments) if each[:2].lower() in ("-c", "-e", "-f")), None)
    if at is None or at + 1 >= len(arguments):
        text = process.stdin.rest()
    elif arguments[at][:2].lower() == "-c":
        text = " ".join(arguments[at + 1 :])
    elif arguments[at][:2].lower() == "-f":
        text = process.read(arguments[at + 1]) or ""
    else:
        text = lenient_base64(arguments[at + 1].encode("ascii", "replace")).decode("utf-16-le", "replace")
    process.announce(hide=[each for each in arguments if len(each) > 40 or " " in each])
    known: dict[str, str] = {}
    for statement in re.split(r"[\n;]", text)[:500]:
        statement = fill_in(_POWERSHELL_VARIABLE, " " + statement, lambda name: known.get(name.lower()))
        process.state.budget.spend(4 + len(statement) // 64)
        statement = _POWERSHELL_JOINED.sub(
            lambda found: (
                "'" + "".join(a or b for a, b in re.findall(r"'([^']*)'|\"([^\"]*)\"", found.group(1))) + "'"
            ),
            statement,
        ).strip()
        if assigned := re.match(r"\$(\w+)\s*=\s*(.*)", statement):
            known[assigned.group(1).lower()] = assigned.group(2).strip("'\"")[:MAX_FILLED]
        elif _POWERSHELL_FETCH.search(statement):
            for url in re.findall(r"https?://[^\s'\"()|]+", statement):
                process.fetch(url)
        elif evaluated := re.match(r"(?:iex|invoke-expression)\s+['\"]?(.*?)['\"]?$", statement, re.I):
            process.shell(evaluated.group(1), process.name)
        elif statement:
            process.shell(statement.removeprefix("&").removeprefix("."), process.name)
    return HOLE


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(_INTERPRETERS, _interpreter),
    **dict.fromkeys(_CONSOLES, _console),
    **dict.fromkeys(("pwsh", "powershell"), _powershell),
}
