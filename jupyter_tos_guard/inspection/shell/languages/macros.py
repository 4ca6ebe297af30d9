"""Macros: C's preprocessor and m4. Both are read in bounded steps and text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from jupyter_tos_guard.inspection.bounded_regex import MAX_FILLED
from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.shell.filters import printf, tr_set
from jupyter_tos_guard.inspection.state import Budget

_MAX_NESTED = 40


class _Macro(NamedTuple):
    parameters: tuple[str, ...] | None  # None: a macro without parentheses
    body: str


_DIRECTIVE = re.compile(r"[ \t]*#[ \t]*(\w*)[ \t]*(.*)", re.DOTALL)
_DEFINITION = re.compile(r"(\w+)(?:\(([^()]*)\))?[ \t]*(.*)", re.DOTALL)
_C_TOKEN = re.compile(
    r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|[A-Za-z_]\w*|\s*##\s*|[#]|\d\w*|\s+|.', re.DOTALL
)


def expand_macros(text: str, budget: Budget, defined: dict[str, str] | None = None) -> str:
    """C text as its preprocessor leaves it, line by line; other directives leave empty lines.

    Parameters
    ----------
    text : str
    budget : Budget
    defined : dict, optional
        What ``-D name=value`` defines.
    """
    macros = {name: _Macro(None, value) for name, value in (defined or {}).items()}
    if "#" not in text and not macros:
        return text
    out: list[str] = []
    size = 0
    pieces = re.split(r"(?<!\\)\n", text)
    for line in pieces:
        budget.spend()
        directive = _DIRECTIVE.fullmatch(line)
        if directive is not None:
            word, rest = directive.groups()
            if word == "define" and (found := _DEFINITION.match(rest)):
                name, parameters, body = found.groups()
                given = tuple(map(str.strip, parameters.split(","))) if parameters is not None else None
                macros[name] = _Macro(given, body.replace("\\\n", " ").strip())
            elif word == "undef":
                macros.pop(rest.strip(), None)
            line = "\n" * line.count("\n")
        elif macros and size < MAX_FILLED:
            line = _expanded(line, macros, budget, frozenset())
        size += len(line)
        out.append(line)
    return "\n".join(out)


def _expanded(text: str, macros: dict[str, _Macro], budget: Budget, hidden: frozenset[str]) -> str:
    out: list[str] = []
    size = at = 0
    while at < len(text):
        budget.spend()
        found = _C_TOKEN.match(text, at)
        if found is None or size > MAX_FILLED:
            out.append(text[at : at + MAX_FILLED])
            break
        piece, at = found.group(), found.end()
        macro = macros.get(piece)
        if macro is not None and piece not in hidden and len(hidden) < _MAX_NESTED:
            body = macro.body
            if macro.parameters is not None:
                arguments, end = _arguments(text, at)
                if end:
                    body, at = _with_arguments(macro, arguments, macros, budget, hidden), end
                    piece = _expanded(body, macros, budget, hidden | {piece})
            else:
                piece = _expanded(re.sub(r"\s*##\s*", "", body), macros, budget, hidden | {piece})
        out.append(piece)
        size += len(piece)
    return "".join(out)


def _arguments(text: str, at: int) -> tuple[list[str], int]:
    """Arguments in the parentheses at ``at``, and where they end; 0 where there are none."""
    while text[at : at + 1].isspace():
        at += 1
    if text[at : at + 1] != "(":
        return [], 0
    arguments, depth, at = [""], 1, at + 1
    while at < len(text) and depth:
        found = _C_TOKEN.match(text, at)
        if found is None:
            break
        piece, at = found.group(), found.end()
        depth += (piece == "(") - (piece == ")")
        if piece == "," and depth == 1:
            arguments.append("")
        elif depth:
            arguments[-1] += piece
    return [each.strip() for each in arguments], 0 if depth else at


def _with_arguments(
    macro: _Macro, arguments: list[str], macros: dict[str, _Macro], budget: Budget, hidden: frozenset[str]
) -> str:
    names = macro.parameters or ()
    given = dict(zip(names, arguments, strict=False))
    if names and names[-1].endswith("..."):
        given["__VA_ARGS__"] = ", ".join(arguments[len(names) - 1 :])
    tokens = _C_TOKEN.findall(macro.body)
    out: list[str] = []
    size = 0
    for i, piece in enumerate(tokens[:2000]):
        before = tokens[i - 1].strip() if i else ""
        after = tokens[i + 1].strip() if i + 1 < len(tokens) else ""
        if piece.strip() in ("#", "##"):
            continue
        if piece in given and size < MAX_FILLED:
            if before == "#":
                piece = '"' + given[piece].replace("\\", "\\\\").replace('"', '\\"') + '"'
            elif "##" in (before, after):
                piece = given[piece]
            else:
                piece = _expanded(given[piece], macros, budget, hidden)
        out.append(piece)
        size += len(piece)
    return "".join(out)[: 2 * MAX_FILLED]


class M4:
    """The macro processor m4, as far as texts are made with it.

    Parameters
    ----------
    budget : Budget
    shell : callable
        Runs what ``esyscmd`` is given and returns its output.
    read : callable
        Text of a file that is included; None when it is not known.
    """

    def __init__(
        self, budget: Budget, shell: Callable[[str], str], read: Callable[[str], str | None]
    ) -> None:
        self._budget = budget
        self._shell = shell
        self._read = read
        self._quotes = ("`", "'")
        self._macros: dict[str, str] = {}
        self._text = ""
        self._at = 0
        self._depth = 0

    def define(self, name: str, body: str) -> None:
        """Define a macro, as ``-D`` does."""
        self._macros[name] = body

    def run(self, text: str) -> str:
        """Text with its macros expanded."""
        self._text, self._at = text[: 2 * MAX_FILLED], 0
        out: list[str] = []
        while self._at < len(self._text):
            out.append(self._piece())
        return "".join(out)[: 2 * MAX_FILLED]

    def _piece(self) -> str:
        """Read one piece: a quoted text, a word, or anything else as it stands."""
        self._budget.spend()
        opening = self._quotes[0]
        if opening and self._text.startswith(opening, self._at):
            return self._quoted()
        found = _M4_PIECE.match(self._text, self._at)
        if found is None:
            return ""
        start, self._at = self._at, found.end()
        word = found.group()
        if word not in self._macros and word not in _M4_BUILTINS:
            return word
        arguments = self._arguments() if self._text.startswith("(", self._at) else None
        if arguments is None and word in _M4_NEEDING:
            return self._text[start : self._at]
        expansion = self._expansion(word, arguments or [])
        self._budget.spend(1 + len(self._text) // 256)
        self._text, self._at = (expansion + self._text[self._at :])[: 2 * MAX_FILLED], 0
        return ""

    def _quoted(self) -> str:
        opening, closing = self._quotes
        start = self._at = self._at + len(opening)
        depth = 1
        while self._at < len(self._text):
            self._budget.spend()
            if self._text.startswith(closing, self._at):
                depth -= 1
                self._at += len(closing)
                if not depth:
                    return self._text[start : self._at - len(closing)]
            elif self._text.startswith(opening, self._at):
                depth += 1
                self._at += len(opening)
            else:
                self._at += 1
        return self._text[start:]

    def _arguments(self) -> list[str]:
        self._at += 1
        arguments, depth = [""], 1
        self._depth += 1
        while self._at < len(self._text) and self._depth < _MAX_NESTED:
            char = self._text[self._at]
            if char in "()":
                depth += 1 if char == "(" else -1
                self._at += 1
                if not depth:
                    break
                arguments[-1] += char
            elif char == "," and depth == 1:
                self._at += 1
                arguments.append("")
            elif char.isspace() and not arguments[-1]:
                self._at += 1
            else:
                arguments[-1] += self._piece()
        self._depth -= 1
        return arguments

    def _expansion(self, name: str, arguments: list[str]) -> str:
        first, second, third = (*arguments, "", "", "")[:3]
        if name in self._macros:
            return self._filled(name, arguments)
        if name == "dnl":
            end = self._text.find("\n", self._at)
            self._at = len(self._text) if end < 0 else end + 1
        elif name in ("define", "pushdef"):
            self._macros[first] = second
        elif name in ("undefine", "popdef"):
            self._macros.pop(first, None)
        elif name == "changequote":
            self._quotes = (first or "`", second or "'")
        elif name in ("include", "sinclude"):
            return self._read(first) or ""
        elif name in ("syscmd", "esyscmd"):
            return self._shell(first)
        elif name == "translit":
            old, new = tr_set(second), tr_set(third)
            return first.translate(
                {ord(a): new[i] if i < len(new) else None for i, a in reversed(list(enumerate(old)))}
            )
        elif name == "substr" and second.isdigit():
            return first[int(second) :][: int(third) if third.isdigit() else None]
        elif name == "format":
            return printf(arguments)
        elif name == "ifelse":
            while len(arguments) > 2 and arguments[0] != arguments[1]:
                arguments = arguments[3:]
            return arguments[2] if len(arguments) > 2 else "".join(arguments[:1])
        elif name == "ifdef":
            return second if first in self._macros else third
        elif name in ("eval", "regexp", "patsubst", "defn"):
            return self._macros.get(first, HOLE) if name == "defn" else HOLE
        return ""

    def _filled(self, name: str, arguments: list[str]) -> str:
        def put(found: re.Match[str]) -> str:
            mark = found.group(1)
            if mark.isdigit():
                number = int(mark)
                return name if not number else arguments[number - 1] if number <= len(arguments) else ""
            return str(len(arguments)) if mark == "#" else ",".join(arguments)

        return re.sub(r"\$(\d|[#*@])", put, self._macros[name])[:MAX_FILLED]


_M4_PIECE = re.compile(r"#[^\n]*\n?|[A-Za-z_]\w*|.", re.DOTALL)
_M4_NEEDING = frozenset(
    "define pushdef undefine popdef include sinclude syscmd esyscmd translit substr format ifelse ifdef eval "
    "regexp patsubst defn".split()
)
_M4_BUILTINS = _M4_NEEDING | {"dnl", "changequote", "divert"}
