"""The grammar of bash: text in, commands out, one complete line at a time.

As in bash itself, a line is read only when the one before it has been run, so an
alias or a syntax error reaches exactly as far as it does there. Unlike bash, text
that is cut short is read as if it had been closed, and a stray token is
skipped: what can be had is had. Nothing is expanded or run here (see :mod:`.interpreter`).

A generated parser (tree-sitter-bash) was tried first. It splits a word at a
continued line, reads two here-documents on one line wrongly, loses all that follows an open
quote, costs 36 ms to load, and cannot be stopped: 256 kB of hostile text kept it 800 ms.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, Union

from jupyter_tos_guard.inspection.facts import Span
from jupyter_tos_guard.inspection.state import Origin

#: How deep substitutions and groups may nest: a parser level takes about nine Python frames.
MAX_NESTING = 20


class TooDeep(Exception):
    """Commands nested deeper than :data:`MAX_NESTING`."""


class Piece:
    """A text that is being read, and where in the cell it stands."""

    __slots__ = ("_lines", "origin", "text")

    def __init__(self, text: str, origin: Origin) -> None:
        self.text = text
        self.origin = origin
        self._lines: list[int] | None = None

    def locate(self, start: int, end: int) -> Span:
        """Span in the cell of ``text[start:end]``."""
        origin = self.origin
        if not origin.verbatim:
            return origin.span
        if self._lines is None:
            self._lines = [m.end() for m in re.finditer("\n", self.text)]
        return Span(*self._place(start), *self._place(end))

    def _place(self, offset: int) -> tuple[int, int]:
        assert self._lines is not None
        row = bisect_right(self._lines, offset)
        if not row:
            return self.origin.span.line, self.origin.span.column + offset
        return self.origin.span.line + row, offset - self._lines[row - 1]


# -- words -------------------------------------------------------------------


class Literal(NamedTuple):
    """Text that stands for itself; quoted text is neither split nor matched against files."""

    text: str
    quoted: bool


class Parameter(NamedTuple):
    """``$name`` or ``${name…}``."""

    name: str
    quoted: bool
    operator: str = ""
    argument: tuple[Part, ...] = ()
    replacement: tuple[Part, ...] | None = None
    subscript: tuple[Part, ...] | None = None
    indirect: bool = False
    length: bool = False


class Substitution(NamedTuple):
    """``$(…)`` and backquotes; ``body`` is None when the text had to be unescaped first."""

    body: list[AndOr] | None
    source: str
    quoted: bool


class Arithmetic(NamedTuple):
    """``$((…))``."""

    expression: tuple[Part, ...]
    quoted: bool


class ProcessSubstitution(NamedTuple):
    """``<(…)`` and ``>(…)``."""

    body: list[AndOr]
    direction: str


Part: TypeAlias = Union[  # noqa: UP007 - forward names
    Literal, Parameter, Substitution, Arithmetic, ProcessSubstitution
]
Word: TypeAlias = tuple[Part, ...]

# -- commands ----------------------------------------------------------------


class Assignment(NamedTuple):
    """``name=value``, ``name+=value``, ``name[subscript]=value``, ``name=(…)``."""

    name: str
    append: bool
    value: Word
    subscript: Word | None = None
    items: tuple[tuple[Word | None, Word], ...] | None = None


@dataclass(slots=True)
class Redirect:
    """One redirection; a here-document's ``target`` is its text."""

    operator: str
    descriptor: int | None
    target: Word


@dataclass(slots=True)
class Simple:
    """A simple command."""

    piece: Piece
    start: int
    end: int
    assignments: list[Assignment]
    words: list[Word]
    redirects: list[Redirect]
    declared: list[Assignment | Word] | None = None  # arguments of export, declare, … in order
    words_end: list[int] = field(default_factory=list)  # where each word ends in the text


class Group(NamedTuple):
    """``{ …; }`` or, as a ``subshell``, ``( … )``."""

    body: list[AndOr]
    subshell: bool


class If(NamedTuple):
    """``if``/``elif`` branches in order; ``otherwise`` may be empty."""

    branches: list[tuple[list[AndOr], list[AndOr]]]
    otherwise: list[AndOr]


class For(NamedTuple):
    """``for``/``select``; ``words`` is None for the positional parameters."""

    name: str
    words: list[Word] | None
    body: list[AndOr]


class ArithmeticFor(NamedTuple):
    """``for ((start; condition; step))``."""

    start: Word
    condition: Word
    step: Word
    body: list[AndOr]


class While(NamedTuple):
    """``while``, or ``until`` when ``negated``."""

    condition: list[AndOr]
    body: list[AndOr]
    negated: bool


class Case(NamedTuple):
    """``case``; each item is patterns, commands and how it ends."""

    subject: Word
    items: list[tuple[list[Word], list[AndOr], str]]


class Function(NamedTuple):
    """A function definition; ``text`` is its body as it is written."""

    name: str
    body: Command
    text: str = ""


class Test(NamedTuple):
    """``[[ … ]]`` as words and operators in order."""

    words: list[Word]


class ArithmeticCommand(NamedTuple):
    """``(( … ))``."""

    expression: Word


class Redirected(NamedTuple):
    """A compound command with redirections."""

    command: Command
    redirects: list[Redirect]


Command: TypeAlias = Union[  # noqa: UP007
    Simple, Group, If, For, ArithmeticFor, While, Case, Function, Test, ArithmeticCommand, Redirected
]


class Pipeline(NamedTuple):
    """Commands joined by ``|``."""

    commands: list[Command]
    negated: bool


@dataclass(slots=True)
class AndOr:
    """Pipelines joined by ``&&`` and ``||``."""

    first: Pipeline
    rest: list[tuple[str, Pipeline]]
    background: bool = False


_PLAIN = re.compile(r"[^ \t\n\r\\'\"$`<>|&;()]+")
_PLAIN_QUOTED = re.compile(r'[^"\\$`]+')
_PLAIN_ARGUMENT = re.compile(r"[^\\'\"$`}/:\]]+")
_PLAIN_DOCUMENT = re.compile(r"[^\\$`]+")
_NAME = re.compile(r"[A-Za-z_]\w*", re.A)
_PARAMETER = re.compile(r"[A-Za-z_]\w*|[0-9]+|[@*#?$!\-]", re.A)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?=|\[)", re.A)
_BLANK = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
_REDIRECT = re.compile(r"(\d{1,3}|\{\w+\})?(<<<|<<-?|<>|<&|>>|>&|>\||&>>|&>|>(?!\()|<(?!\())", re.A)
_OPERATOR = re.compile(r"&&|\|\||;;&|;;|;&|\|&|[;&|()\n]")
_EXPANSION_OPERATOR = re.compile(r":[-=?+]|##|%%|//|/[#%]|\^\^|,,|~~|[-=?+#%/^,~@:]")
_ANSI = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|c(.)|(.))", re.S
)
_ANSI_LETTERS = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "v": "\v",
}
_PLAIN_COMMAND = re.compile(
    r"([A-Za-z0-9_./][\w./+\-]*)(?:[ \t]+[\w./%@:=,+\-]*[\w./%@:,+\-](?=[ \t\n;|&)]|$))*"
    r"(?=[ \t]*(?:[\n;|)]|&&|$))",
    re.A,
)
_CLOSERS = frozenset({"then", "elif", "else", "fi", "do", "done", "esac", "}", "in"})
_DECLARERS = frozenset({"export", "declare", "typeset", "local", "readonly"})
_COMPOUND = frozenset(
    {"if", "while", "until", "for", "select", "case", "function", "{", "[[", "time", "!", "coproc"}
)
_RESERVED = _CLOSERS | _COMPOUND | _DECLARERS


def ansi_c(text: str) -> str:
    r"""Resolve the escapes of ``$'…'`` (and of ``echo -e``)."""
    if "\\" not in text:
        return text
    # Runs of \xNN are bytes of UTF-8, so all goes through one byte string.
    out = bytearray()
    position = 0
    for found in _ANSI.finditer(text):
        out += text[position : found.start()].encode("utf-8", "surrogatepass")
        position = found.end()
        hexadecimal, short, long, octal, control, letter = found.groups()
        if hexadecimal:
            out.append(int(hexadecimal, 16))
        elif octal:
            out.append(int(octal, 8) & 0xFF)
        elif short or long:
            code = int(short or long, 16)
            out += chr(code if code < 0x110000 else 0xFFFD).encode("utf-8", "surrogatepass")
        elif control:
            out.append(ord(control.upper()) & 0x1F)
        elif letter in _ANSI_LETTERS:
            out += _ANSI_LETTERS[letter].encode()
        elif letter in "\\'\"?":
            out += letter.encode()
        else:
            out += ("\\" + letter).encode("utf-8", "surrogatepass")
    out += text[position:].encode("utf-8", "surrogatepass")
    return out.decode("utf-8", "surrogateescape")


class Parser:
    """Reads one piece of bash.

    Parameters
    ----------
    piece : Piece
    spend : callable
        Called with a number of steps for every token; may raise to stop.
    """

    def __init__(self, piece: Piece, spend: Callable[[int], None]) -> None:
        self._piece = piece
        self._text = piece.text
        self._at = 0
        self._end = len(piece.text)
        self._spend = spend
        self._depth = 0
        self._documents: list[tuple[Redirect, str, bool, bool]] = []

    def next_line(self) -> list[AndOr] | None:
        """Commands of the next complete line; None at the end."""
        while True:
            self._skip()
            if self._at >= self._end:
                self._read_documents()
                return None
            if self._text[self._at] == "\n":
                self._newline()
                continue
            before = self._at
            commands = self._list(frozenset(), one_line=True)
            if self._at == before:
                self._at += 1  # a stray token
            if commands:
                return commands

    # -- tokens ----------------------------------------------------------------

    def _skip(self) -> None:
        """Pass blanks, continued lines and comments."""
        text, at = self._text, self._at
        if at >= self._end:
            return
        char = text[at]
        if char in " \t\r\\":
            found = _BLANK.match(text, at)
            if found is None:
                return
            self._at = at = found.end()
            if at >= self._end:
                return
            char = text[at]
        if char == "#":
            newline = text.find("\n", self._at)
            self._at = self._end if newline < 0 else newline

    def _newline(self) -> None:
        self._at += 1
        if self._documents:
            self._read_documents()

    def _skip_newlines(self) -> None:
        while True:
            self._skip()
            if self._at < self._end and self._text[self._at] == "\n":
                self._newline()
            else:
                return

    def _peek_operator(self) -> str:
        if self._at >= self._end or self._text[self._at] not in "&|;()\n":
            return ""
        found = _OPERATOR.match(self._text, self._at)
        if found is None or _REDIRECT.match(self._text, self._at):
            return ""
        return found.group()

    def _peek_reserved(self) -> str:
        """Give the bare word at this place, if it ends like a word."""
        found = _PLAIN.match(self._text, self._at)
        if found is None:
            return ""
        end = found.end()
        if end < self._end and self._text[end] in "\\'\"$`":
            return ""
        return found.group()

    def _take_reserved(self, word: str) -> bool:
        self._skip_newlines()
        if self._peek_reserved() == word:
            self._at += len(word)
            return True
        return False

    # -- lists -------------------------------------------------------------------

    def _list(self, closers: frozenset[str], one_line: bool = False) -> list[AndOr]:
        """Read commands up to a closer (which is left), or one line."""
        commands: list[AndOr] = []
        while True:
            if one_line:
                self._skip()
            else:
                self._skip_newlines()
            if self._at >= self._end:
                return commands
            operator = self._peek_operator()
            if operator == "\n" and one_line:
                self._newline()
                return commands
            if operator:
                if operator in closers or (operator in (";;", ";&", ";;&") and ";;" in closers):
                    return commands
                if operator == "(":
                    pass
                else:
                    self._at += len(operator)  # stray, or `;` and `&` between commands
                    continue
            elif closers and self._peek_reserved() in closers:
                return commands
            before = self._at
            command = self._and_or()
            if command is not None:
                commands.append(command)
            self._skip()
            operator = self._peek_operator()
            if operator == "&":
                self._at += 1
                if command is not None:
                    command.background = True
            elif operator == ";":
                self._at += 1
            elif self._at == before:
                # Nothing here starts a command (`fi` alone): pass it.
                word = self._peek_reserved()
                self._at += len(word) or 1

    def _and_or(self) -> AndOr | None:
        first = self._pipeline()
        if first is None:
            return None
        rest: list[tuple[str, Pipeline]] = []
        while True:
            self._skip()
            operator = self._peek_operator()
            if operator not in ("&&", "||"):
                return AndOr(first, rest)
            self._at += 2
            self._skip_newlines()
            following = self._pipeline()
            if following is None:
                return AndOr(first, rest)
            rest.append((operator, following))

    def _pipeline(self) -> Pipeline | None:
        self._spend(1)
        negated = False
        commands: list[Command] = []
        while True:
            self._skip()
            word = self._peek_reserved()
            if word == "!":
                self._at += 1
                negated = not negated
                continue
            if word == "time":
                self._at += 4
                self._skip()
                if self._peek_reserved() == "-p":
                    self._at += 2
                continue
            command = self._command()
            if command is None:
                return Pipeline(commands, negated) if commands else None
            commands.append(command)
            self._skip()
            operator = self._peek_operator()
            if operator not in ("|", "|&"):
                return Pipeline(commands, negated)
            self._at += len(operator)
            self._skip_newlines()

    def _command(self) -> Command | None:
        self._skip()
        if self._at >= self._end:
            return None
        plain = _PLAIN_COMMAND.match(self._text, self._at, self._end)
        if plain is not None and plain.group(1) not in _RESERVED:
            return self._plain(plain)
        compound = self._compound()
        if compound is None:
            return self._simple()
        redirects: list[Redirect] = []
        while True:
            self._skip()
            redirect = self._redirect()
            if redirect is None:
                return Redirected(compound, redirects) if redirects else compound
            redirects.append(redirect)

    def _plain(self, found: re.Match[str]) -> Simple:
        """Make a command of plain words: most are."""
        words = found.group().split()
        self._spend(len(words))
        start, self._at = self._at, found.end()
        return Simple(
            self._piece,
            start,
            self._at,
            [],
            [(Literal(word, False),) for word in words],
            [],
            None,
            [start + len(words[0])],
        )

    def _compound(self) -> Command | None:
        text, at = self._text, self._at
        if text[at] == "(":
            if text.startswith("((", at):
                expression = self._double_parentheses(at + 2)
                if expression is not None:
                    return ArithmeticCommand(expression)
            self._at += 1
            body = self._nested(frozenset({")"}))
            self._close(")")
            return Group(body, subshell=True)
        word = self._peek_reserved()
        if word in _COMPOUND:
            self._at += len(word)
            return self._reserved(word)
        if word in _CLOSERS:
            return None
        if word:
            return self._function_definition(word)
        return None

    def _reserved(self, word: str) -> Command | None:
        if word == "{":
            body = self._nested(frozenset({"}"}))
            self._take_reserved("}")
            return Group(body, subshell=False)
        if word == "if":
            return self._if()
        if word in ("while", "until"):
            condition = self._nested(frozenset({"do"}))
            return While(condition, self._do_group(), word == "until")
        if word in ("for", "select"):
            return self._for()
        if word == "case":
            return self._case()
        if word == "[[":
            return self._test()
        if word == "coproc":
            # `coproc NAME { …; }` or `coproc command …`.
            found = re.compile(r"[ \t]*[A-Za-z_]\w*[ \t]+(?=[{(])", re.A).match(self._text, self._at)
            if found:
                self._at = found.end()
            return self._command()
        self._skip()  # function
        name = self._peek_reserved()
        self._at += len(name)
        self._skip()
        if self._text.startswith("(", self._at):
            self._at += 1
            self._skip()
            self._close(")")
        return self._function_body(name)

    def _nested(self, closers: frozenset[str]) -> list[AndOr]:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise TooDeep
        body = self._list(closers)
        self._depth -= 1
        return body

    def _close(self, operator: str) -> None:
        self._skip_newlines()
        if self._text.startswith(operator, self._at):
            self._at += len(operator)

    def _function_definition(self, name: str) -> Command | None:
        at = self._at + len(name)
        found = re.compile(r"[ \t]*\([ \t]*\)").match(self._text, at)
        if found is None or "=" in name:
            return None
        self._at = found.end()
        return self._function_body(name)

    def _function_body(self, name: str) -> Command | None:
        self._skip_newlines()
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise TooDeep
        start = self._at
        body = self._command()
        self._depth -= 1
        return None if body is None else Function(name, body, self._text[start : self._at])

    def _if(self) -> If:
        branches = []
        otherwise: list[AndOr] = []
        ends = frozenset({"elif", "else", "fi"})
        while True:
            condition = self._nested(frozenset({"then"}))
            self._take_reserved("then")
            branches.append((condition, self._nested(ends)))
            if self._take_reserved("elif"):
                continue
            if self._take_reserved("else"):
                otherwise = self._nested(frozenset({"fi"}))
            self._take_reserved("fi")
            return If(branches, otherwise)

    def _do_group(self) -> list[AndOr]:
        self._skip_newlines()
        if self._peek_reserved() == "{":
            self._at += 1
            body = self._nested(frozenset({"}"}))
            self._take_reserved("}")
            return body
        self._take_reserved("do")
        body = self._nested(frozenset({"done"}))
        self._take_reserved("done")
        return body

    def _for(self) -> Command:
        self._skip()
        if self._text.startswith("((", self._at):
            header = self._double_parentheses(self._at + 2, split=True)
            if header is not None:
                start, condition, step = [*_split_word(header, ";"), (), (), ()][:3]
                self._separator()
                return ArithmeticFor(start, condition, step, self._do_group())
        name = self._peek_reserved()
        self._at += len(name)
        words: list[Word] | None = None
        if self._take_reserved("in"):
            words = []
            while (word := self._word_here()) is not None:
                words.append(word)
        self._separator()
        return For(name, words, self._do_group())

    def _separator(self) -> None:
        self._skip()
        if self._text.startswith(";", self._at):
            self._at += 1
        self._skip_newlines()

    def _case(self) -> Case:
        subject = self._word_here() or ()
        self._take_reserved("in")
        items = []
        while not self._take_reserved("esac") and self._at < self._end:
            before = self._at
            self._close("(")
            patterns: list[Word] = []
            while (word := self._word_here()) is not None:
                patterns.append(word)
                self._skip()
                if not self._text.startswith("|", self._at):
                    break
                self._at += 1
            self._close(")")
            body = self._nested(frozenset({";;", "esac"}))
            terminator = self._peek_operator()
            if terminator in (";;", ";&", ";;&"):
                self._at += len(terminator)
            items.append((patterns, body, terminator))
            if self._at == before:
                self._at += 1
        return Case(subject, items)

    def _test(self) -> Test:
        words: list[Word] = []
        while self._at < self._end:
            self._skip_newlines()
            if self._peek_reserved() == "]]":
                self._at += 2
                break
            if words and words[-1] == (Literal("=~", False),):
                words.append(self._pattern_word())
                continue
            word = self._word_here()
            if word is not None:
                words.append(word)
                continue
            found = re.compile(r"&&|\|\||[<>()|&;]").match(self._text, self._at)
            if found is None or found.group() == ";":
                break
            words.append((Literal(found.group(), False),))
            self._at = found.end()
        return Test(words)

    def _pattern_word(self) -> Word:
        """Read the right side of ``=~``: parentheses and bars are its own."""
        self._skip()
        parts: list[Part] = []
        while self._at < self._end and self._text[self._at] not in " \t\n":
            word = self._word_here()
            if word:
                parts.extend(word)
            else:
                parts.append(Literal(self._text[self._at], False))
                self._at += 1
        return tuple(parts)

    # -- simple commands -----------------------------------------------------------

    def _simple(self) -> Simple | None:
        start = self._at
        command = Simple(self._piece, start, start, [], [], [])
        while True:
            self._skip()
            at = self._at
            if at >= self._end:
                break
            redirect = self._redirect()
            if redirect is not None:
                command.redirects.append(redirect)
                command.end = self._at
                continue
            if not command.words and (assignment := self._assignment()) is not None:
                command.assignments.append(assignment)
                command.end = self._at
                continue
            if command.declared is not None and (assignment := self._assignment()) is not None:
                command.declared.append(assignment)
                # The words keep their place for programs that look like declarers.
                command.words.append((Literal(self._text[at : self._at], True),))
                command.words_end.append(self._at)
                command.end = self._at
                continue
            word = self._word_here()
            if word is None:
                break
            command.words.append(word)
            command.words_end.append(self._at)
            command.end = self._at
            if len(command.words) == 1:
                if len(word) == 1 and isinstance(word[0], Literal) and word[0].text in _DECLARERS:
                    command.declared = []
            elif command.declared is not None:
                command.declared.append(word)
        if command.words or command.assignments or command.redirects:
            return command
        return None

    def _assignment(self) -> Assignment | None:
        found = _ASSIGNMENT.match(self._text, self._at)
        if found is None:
            return None
        name, mark = found.groups()
        back = self._at
        self._at = found.end()
        subscript: Word | None = None
        if mark == "[":
            subscript = self._argument("]", in_quotes=False)
            rest = re.compile(r"\]\+?=").match(self._text, self._at)
            if rest is None:
                self._at = back
                return None
            mark = rest.group()[1:]
            self._at = rest.end()
        append = mark == "+="
        if self._at < self._end and self._text[self._at] == "(" and subscript is None:
            self._at += 1
            return Assignment(name, append, (), None, tuple(self._array()))
        return Assignment(name, append, self._word(), subscript)

    def _array(self) -> list[tuple[Word | None, Word]]:
        items: list[tuple[Word | None, Word]] = []
        while self._at < self._end:
            self._skip_newlines()
            if self._at >= self._end:
                break
            if self._text[self._at] == ")":
                self._at += 1
                break
            key: Word | None = None
            if self._text[self._at] == "[":
                back = self._at
                self._at += 1
                key = self._argument("]", in_quotes=False)
                if self._text.startswith("]=", self._at):
                    self._at += 2
                    items.append((key, self._word()))
                    continue
                self._at = back
            word = self._word_here()
            if word is None:
                self._at += 1
                continue
            items.append((None, word))
        return items

    def _redirect(self) -> Redirect | None:
        found = _REDIRECT.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        digits, operator = found.groups()
        descriptor = int(digits) if digits and digits.isdigit() else None
        self._skip()
        if operator in ("<<", "<<-"):
            begin = self._at
            word = self._word()
            raw = self._text[begin : self._at]
            redirect = Redirect("<<", descriptor, ())
            delimiter = "".join(part.text for part in word if isinstance(part, Literal))
            if any(not isinstance(part, Literal) for part in word):
                delimiter = raw
            quoted = any(mark in raw for mark in "'\"\\")
            self._documents.append((redirect, delimiter, quoted, operator == "<<-"))
            return redirect
        return Redirect(operator, descriptor, self._word())

    def _read_documents(self) -> None:
        documents, self._documents = self._documents, []
        for redirect, delimiter, quoted, tabs in documents:
            begin = at = self._at
            lines: list[str] = []
            while at < self._end:
                newline = self._text.find("\n", at)
                stop = self._end if newline < 0 else newline
                line = self._text[at:stop]
                bare = line.lstrip("\t") if tabs else line
                if bare.rstrip("\r") == delimiter:
                    break
                lines.append(bare)
                at = stop + 1
            else:
                stop = self._end
            end = min(at, self._end)
            if quoted or tabs:
                body = "".join(line + "\n" for line in lines)
                redirect.target = (Literal(body, True),) if quoted else self._document_text(body)
            else:
                self._at = begin
                redirect.target = self._document(end)
            self._at = min(stop + 1, self._end)

    def _document(self, end: int) -> Word:
        keep, self._end = self._end, end
        parts = self._parts(_PLAIN_DOCUMENT, "", quoted=True)
        self._end = keep
        return parts

    def _document_text(self, body: str) -> Word:
        inner = Parser(Piece(body, self._piece.origin._replace(verbatim=False)), self._spend)
        inner._depth = self._depth
        return inner._document(len(body))

    # -- words -----------------------------------------------------------------------

    def _word_here(self) -> Word | None:
        """Read the word at this place, blanks passed; None if an operator or the end is met."""
        self._skip()
        if self._at >= self._end:
            return None
        char = self._text[self._at]
        if char in "\n;|&()" or (char in "<>" and not self._text.startswith("(", self._at + 1)):
            return None
        return self._word()

    def _word(self) -> Word:
        """Read word parts up to a metacharacter."""
        self._spend(1)
        text = self._text
        found = _PLAIN.match(text, self._at)
        if found is not None:
            end = found.end()
            if end == self._end or (end < self._end and text[end] in " \t\n;|)"):
                self._at = end
                return (Literal(found.group(), False),)
        parts: list[Part] = []
        spend = self._spend
        while self._at < self._end:
            spend(1)
            char = text[self._at]
            if char in " \t\n\r;|&)":
                break
            if char in "<>":
                if not text.startswith("(", self._at + 1):
                    break
                self._at += 2
                body = self._nested(frozenset({")"}))
                self._close(")")
                parts.append(ProcessSubstitution(body, char))
            elif char == "(":
                if not (parts and isinstance(parts[-1], Literal) and parts[-1].text[-1:] in "@?*+!"):
                    break
                parts.append(Literal(self._balanced(), False))  # an extended pattern
            elif char == "\\":
                if self._at + 1 < self._end and text[self._at + 1] != "\n":
                    parts.append(Literal(text[self._at + 1], True))
                self._at += 2
            elif char == "'":
                parts.append(Literal(self._single_quoted(), True))
            elif char == '"':
                self._at += 1
                parts.extend(self._double_quoted())
            elif char in "$`":
                self._dollar_or_backquote(parts, quoted=False)
            else:
                found = _PLAIN.match(text, self._at, self._end)
                assert found is not None
                parts.append(Literal(found.group(), False))
                self._at = found.end()
        self._at = min(self._at, self._end)
        return tuple(parts)

    def _balanced(self) -> str:
        begin = self._at
        depth = 0
        while self._at < self._end:
            char = self._text[self._at]
            self._at += 1
            if char == "\\":
                self._at += 1
            elif char == "(":
                depth += 1
            elif char == ")":
                depth -= 1
                if not depth:
                    break
        return self._text[begin : self._at]

    def _single_quoted(self) -> str:
        close = self._text.find("'", self._at + 1, self._end)
        close = self._end if close < 0 else close
        content = self._text[self._at + 1 : close]
        self._at = min(close + 1, self._end)
        return content

    def _double_quoted(self) -> list[Part]:
        parts = list(self._parts(_PLAIN_QUOTED, '"', quoted=True))
        self._at = min(self._at + 1, self._end)
        return parts or [Literal("", True)]

    def _parts(self, plain: re.Pattern[str], stop: str, quoted: bool) -> Word:
        """Text of a double-quoted string or here-document, up to ``stop`` (left in place)."""
        parts: list[Part] = []
        text = self._text
        while self._at < self._end:
            self._spend(1)
            found = plain.match(text, self._at, self._end)
            if found is not None:
                parts.append(Literal(found.group(), quoted))
                self._at = found.end()
                continue
            char = text[self._at]
            if char == stop:
                break
            if char == "\\":
                following = text[self._at + 1 : self._at + 2]
                if following == "\n":
                    pass
                elif following and following in '$`\\"' and (following != '"' or stop == '"'):
                    parts.append(Literal(following, quoted))
                else:
                    parts.append(Literal("\\" + following, quoted))
                self._at += 2
            elif char in "$`":
                self._dollar_or_backquote(parts, quoted)
            else:
                parts.append(Literal(char, quoted))
                self._at += 1
        self._at = min(self._at, self._end)
        return tuple(parts)

    def _argument(self, stops: str, in_quotes: bool, value: bool = False) -> Word:
        """Read a word inside ``${…}`` or ``[…]``, up to one of ``stops`` (left in place)."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise TooDeep
        parts: list[Part] = []
        text = self._text
        while self._at < self._end:
            self._spend(1)
            char = text[self._at]
            if char in stops:
                break
            found = _PLAIN_ARGUMENT.match(text, self._at, self._end)
            if found is not None:
                parts.append(Literal(found.group(), False))
                self._at = found.end()
            elif char == "\\":
                if text[self._at + 1 : self._at + 2] != "\n":
                    parts.append(Literal(text[self._at + 1 : self._at + 2], True))
                self._at += 2
            elif char == "'" and not (in_quotes and value):
                parts.append(Literal(self._single_quoted(), True))
            elif char == '"':
                self._at += 1
                parts.extend(self._double_quoted())
            elif char in "$`":
                self._dollar_or_backquote(parts, in_quotes and value)
            else:
                parts.append(Literal(char, False))
                self._at += 1
        self._at = min(self._at, self._end)
        self._depth -= 1
        return tuple(parts)

    def _dollar_or_backquote(self, parts: list[Part], quoted: bool) -> None:
        text, at = self._text, self._at
        if text[at] == "`":
            parts.append(self._backquoted(quoted))
            return
        following = text[at + 1] if at + 1 < self._end else ""
        if following == "(":
            if text.startswith("(", at + 2):
                expression = self._double_parentheses(at + 3)
                if expression is not None:
                    parts.append(Arithmetic(expression, quoted))
                    return
            self._at += 2
            begin = self._at
            body = self._nested(frozenset({")"}))
            source = text[begin : self._at]
            self._close(")")
            parts.append(Substitution(body, source, quoted))
        elif following == "{":
            self._at += 2
            parts.append(self._braced(quoted))
        elif following == "[":  # $[…], the old arithmetic
            self._at += 2
            parts.append(Arithmetic(self._argument("]", in_quotes=False), quoted))
            self._at = min(self._at + 1, self._end)
        elif following == "'" and not quoted:
            self._at += 2
            begin = self._at
            while self._at < self._end and text[self._at] != "'":
                self._at += 2 if text[self._at] == "\\" else 1
            parts.append(Literal(ansi_c(text[begin : min(self._at, self._end)]), True))
            self._at = min(self._at + 1, self._end)
        elif following == '"' and not quoted:
            self._at += 2
            parts.extend(self._double_quoted())
        else:
            found = _PARAMETER.match(text, at + 1, self._end)
            if found is None:
                parts.append(Literal("$", quoted))
                self._at += 1
                return
            name = found.group()
            if name[0].isdigit():
                name = name[0]
            self._at += 1 + len(name)
            parts.append(Parameter(name, quoted))

    def _backquoted(self, quoted: bool) -> Substitution:
        begin = self._at = self._at + 1
        text = self._text
        while self._at < self._end and text[self._at] != "`":
            self._at += 2 if text[self._at] == "\\" else 1
        inner = text[begin : min(self._at, self._end)]
        self._at = min(self._at + 1, self._end)
        escaped = '[\\\\`$"]' if quoted else "[\\\\`$]"
        return Substitution(None, re.sub(rf"\\({escaped})", r"\1", inner), quoted)

    def _double_parentheses(self, at: int, split: bool = False) -> Word | None:
        """Read the expression of ``((…))`` from ``at``; None (nothing read) if it is none."""
        depth = 0
        i = at
        text = self._text
        limit = min(self._end, at + 10_000)
        while i < limit:
            char = text[i]
            if char == "(":
                depth += 1
            elif char == ")":
                if not depth:
                    break
                depth -= 1
            elif char == "\\":
                i += 1
            elif char in "'\"" and not split:
                close = text.find(char, i + 1, limit)
                i = close if close >= 0 else i
            i += 1
        if i + 1 >= self._end or text[i : i + 2] != "))":
            return None
        keep, self._end, back = self._end, i, self._at
        self._at = at
        parts = self._argument("", in_quotes=False)
        self._end = keep
        if self._at < i:
            self._at = back
            return None
        self._at = i + 2
        return parts

    def _braced(self, quoted: bool) -> Part:
        text = self._text
        length = indirect = False
        if text.startswith("#", self._at) and not text.startswith(("#}", "#:", "#-", "##", "#%"), self._at):
            length = True
            self._at += 1
        elif text.startswith("!", self._at) and not text.startswith(("!}", "!:"), self._at):
            indirect = True
            self._at += 1
        found = _PARAMETER.match(text, self._at, self._end)
        name = found.group() if found else ""
        self._at += len(name)
        subscript: Word | None = None
        if text.startswith("[", self._at):
            self._at += 1
            subscript = self._argument("]", in_quotes=False)
            self._at = min(self._at + 1, self._end)
        operator = ""
        argument: Word = ()
        replacement: Word | None = None
        mark = _EXPANSION_OPERATOR.match(text, self._at, self._end)
        if mark is not None:
            operator = mark.group()
            self._at = mark.end()
            if operator[0] == "/":
                argument = self._argument("/}", quoted)
                if text.startswith("/", self._at):
                    self._at += 1
                    replacement = self._argument("}", quoted)
            elif operator == ":":
                argument = self._argument(":}", quoted)
                if text.startswith(":", self._at):
                    self._at += 1
                    replacement = self._argument("}", quoted)
            else:
                argument = self._argument("}", quoted, value=operator.lstrip(":") in ("-", "=", "?", "+"))
        elif not text.startswith("}", self._at):
            self._argument("}", quoted)  # not an expansion: bad substitution
        self._at = min(self._at + 1, self._end)
        return Parameter(name, quoted, operator, argument, replacement, subscript, indirect, length)


def _split_word(word: Word, separator: str) -> list[Word]:
    pieces: list[list[Part]] = [[]]
    for part in word:
        if not isinstance(part, Literal) or part.quoted:
            pieces[-1].append(part)
            continue
        first, *others = part.text.split(separator)
        pieces[-1].append(Literal(first, False))
        pieces.extend([Literal(other, False)] for other in others)
    return [tuple(piece) for piece in pieces]
