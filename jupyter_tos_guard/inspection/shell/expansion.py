"""What bash makes of a word: braces, parameters, arithmetic, fields, patterns.

Values are ordinary strings in which :data:`~.facts.HOLE` stands for what is not
known. Commands inside words are run by the caller (see :mod:`.interpreter`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.shell.syntax import (
    Arithmetic,
    Literal,
    Parameter,
    Part,
    ProcessSubstitution,
    Substitution,
    Word,
    ansi_c,
)
from jupyter_tos_guard.inspection.state import Budget, State

Value: TypeAlias = str | list[str] | dict[str, str]

#: Longest text that one expansion may make.
MAX_TEXT = 1 << 18
#: Most words that one brace expansion or sequence may make.
MAX_WORDS = 2000

#: What a shell on a hub finds set; unknown where it differs from place to place.
DEFAULTS: dict[str, str] = {
    "HOME": "/home/jovyan",
    "USER": "jovyan",
    "LOGNAME": "jovyan",
    "PATH": "/opt/conda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "SHELL": "/bin/bash",
    "BASH": "/bin/bash",
    "BASH_VERSION": "5.2.21(1)-release",
    "TERM": "xterm-color",
    "LANG": "C.UTF-8",
    "OSTYPE": "linux-gnu",
    "HOSTTYPE": "x86_64",
    "MACHTYPE": "x86_64-pc-linux-gnu",
    "UID": "1000",
    "EUID": "1000",
    "TMPDIR": "/tmp",  # noqa: S108 - text, not a path that is used
    "HOSTNAME": HOLE,
    "RANDOM": HOLE,
    "SRANDOM": HOLE,
    "SECONDS": HOLE,
    "EPOCHSECONDS": HOLE,
    "EPOCHREALTIME": HOLE,
    "LINENO": HOLE,
    "PPID": HOLE,
    "COLUMNS": "80",
    "OPTIND": "1",
}


class Variables:
    """A shell's variables, positional parameters and which of them children see."""

    __slots__ = (
        "exported", "last_argument", "last_status", "name", "positional", "references", "state", "values",
    )  # fmt: skip

    def __init__(self, state: State) -> None:
        self.state = state
        self.values: dict[str, Value] = {"IFS": " \t\n", **state.environ}
        self.exported: set[str] = set(state.environ)
        self.positional: list[str] = []
        self.name = "bash"
        self.last_status: int | None = 0
        self.last_argument = ""
        #: Names that stand for another name: ``declare -n``.
        self.references: dict[str, str] = {}

    def copy(self) -> Variables:
        """Make what a subshell begins with."""
        other = Variables.__new__(Variables)
        other.state = self.state
        other.values = {k: v if isinstance(v, str) else v.copy() for k, v in self.values.items()}
        other.exported = set(self.exported)
        other.positional = list(self.positional)
        other.name = self.name
        other.last_status = self.last_status
        other.last_argument = self.last_argument
        other.references = dict(self.references)
        return other

    def target(self, name: str) -> str:
        """Name that ``name`` stands for: its own, unless it is a reference."""
        for _ in range(8):
            if name not in self.references:
                break
            name = self.references[name]
        return name

    def environ(self) -> dict[str, str]:
        """Make what a child process sees."""
        return {k: self.text(k) for k in self.exported if k in self.values}

    def get(self, name: str) -> Value | None:
        """Value of a named, positional or special parameter; None when it is not set."""
        if self.references:
            name = self.target(name)
        value = self.values.get(name)
        if value is not None:
            return value
        if name.isdigit():
            index = int(name)
            if not index:
                return self.name
            return self.positional[index - 1] if index <= len(self.positional) else None
        if name in ("@", "*"):
            return list(self.positional)
        if name == "#":
            return str(len(self.positional))
        if name == "?":
            return HOLE if self.last_status is None else str(self.last_status)
        if name == "_":
            return self.last_argument
        if name in ("$", "!", "-"):
            return HOLE
        if name == "PWD":
            return self.state.cwd or "."
        return DEFAULTS.get(name)

    def text(self, name: str) -> str:
        """Value as ``$name`` gives it; empty when it is not set."""
        value = self.get(name)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if name in ("@", "*"):
            return " ".join(value)
        if isinstance(value, dict):
            return value.get("0", "")
        return value[0] if value else ""

    def set(self, name: str, value: Value, append: bool = False) -> None:
        """Assign, or add to what is there."""
        if self.references:
            name = self.target(name)
            if name.endswith("]") and isinstance(value, str):
                base, _, key = name[:-1].partition("[")
                self.set_item(base, key, value, append)
                return
        if append:
            old = self.values.get(name)
            if isinstance(old, list):
                value = old + (value if isinstance(value, list) else [str(value)])
            elif isinstance(old, dict) and isinstance(value, dict):
                value = {**old, **value}
            elif isinstance(value, str):
                value = self.text(name) + value
            elif isinstance(old, str) and isinstance(value, list):
                value = [old, *value]
        if isinstance(value, str) and len(value) > MAX_TEXT:
            value = value[:MAX_TEXT] + HOLE
        self.values[name] = value

    def set_item(self, name: str, key: str, value: str, append: bool = False) -> None:
        """Assign one element of an array."""
        if self.references:
            name = self.target(name)
        old = self.values.get(name)
        if isinstance(old, dict) or (old is None and not _is_number(key)):
            table = old if isinstance(old, dict) else {}
            table[key] = table.get(key, "") + value if append else value
            self.values[name] = table
            return
        items = old if isinstance(old, list) else [] if old is None else [str(old)]
        index = int(key) if _is_number(key) else 0
        if index < 0:
            index += len(items)
        if not 0 <= index < MAX_WORDS:
            return
        items.extend([""] * (index + 1 - len(items)))
        items[index] = items[index] + value if append else value
        self.values[name] = items


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


#: How a piece of an expanded word is treated afterwards.
_QUOTED, _LITERAL, _SPLIT, _BREAK = range(4)
_Segment: TypeAlias = tuple[str, int]


class Expander:
    """Expands words against a shell's variables.

    Parameters
    ----------
    variables : Variables
    budget : Budget
    run : callable
        Runs the commands of a substitution and returns their output.
    open_process : callable
        Runs ``<(…)``/``>(…)`` and returns the path that stands for it.
    """

    __slots__ = ("budget", "open_process", "run", "variables")

    def __init__(
        self,
        variables: Variables,
        budget: Budget,
        run: Callable[[Substitution], str],
        open_process: Callable[[ProcessSubstitution], str],
    ) -> None:
        self.variables = variables
        self.budget = budget
        self.run = run
        self.open_process = open_process

    # -- words to text -----------------------------------------------------------

    def fields(self, words: Iterable[Word]) -> list[str]:
        """All expansions, in bash's order: what a program gets as its arguments."""
        fields: list[str] = []
        for word in words:
            self.budget.spend()
            if len(word) == 1 and isinstance(word[0], Literal):
                text, quoted = word[0]
                if quoted or not _SPECIAL.search(text):
                    fields.append(text)
                    continue
            for expanded in self._braces(word):
                self._split(self._segments(expanded), fields)
        return fields

    def text(self, word: Word) -> str:
        """Expand without splitting or matching files: values, here-documents, targets."""
        if len(word) == 1 and isinstance(word[0], Literal):
            return word[0].text
        pieces = []
        for text, kind in self._segments(word):
            pieces.append(" " if kind == _BREAK else text)
        return _bounded("".join(pieces))

    def pattern(self, word: Word) -> str:
        """As :meth:`text`, with a backslash before each quoted pattern character."""
        return "".join(
            re.sub(r"([*?\[\]\\@!+(|)])", r"\\\1", text) if kind == _QUOTED else text
            for text, kind in self._segments(word)
        )

    def _segments(self, word: Word) -> list[_Segment]:
        segments: list[_Segment] = []
        for part in word:
            self.budget.spend()
            if segments and len(segments[-1][0]) > 4096:
                self.budget.spend(len(segments[-1][0]) // 64)
            if isinstance(part, Literal):
                segments.append((part.text, _QUOTED if part.quoted else _LITERAL))
            elif isinstance(part, Parameter):
                self._parameter(part, segments)
            elif isinstance(part, Substitution):
                output = self.run(part).rstrip("\n")
                segments.append((output, _QUOTED if part.quoted else _SPLIT))
            elif isinstance(part, Arithmetic):
                number = self.arithmetic(self.text(part.expression))
                segments.append((HOLE if number is None else str(number), _QUOTED))
            else:
                segments.append((self.open_process(part), _QUOTED))
        return segments

    def _split(self, segments: list[_Segment], fields: list[str]) -> None:
        """Split unquoted results at IFS and match patterns against known files."""
        ifs = self.variables.text("IFS")
        current: list[_Segment] = []
        started = False
        for text, kind in segments:
            if kind == _BREAK:
                if started:
                    self._finish(current, fields)
                current, started = [], False
            elif kind != _SPLIT:
                current.append((text, kind))
                started = started or kind == _QUOTED or bool(text)
            else:
                pieces = split_fields(text, ifs)
                if text and not pieces and started:
                    self._finish(current, fields)  # nothing but separators: `git${IFS}clone`
                    current, started = [], False
                if pieces and text[0] in ifs and text[0].isspace() and started:
                    self._finish(current, fields)
                    current, started = [], False
                for i, piece in enumerate(pieces):
                    if i:
                        self._finish(current, fields)
                        current = []
                    current.append((piece, _LITERAL))
                    started = True
                if text and text[-1] in ifs and started and pieces:
                    self._finish(current, fields)
                    current, started = [], False
        if started:
            self._finish(current, fields)

    def _finish(self, current: list[_Segment], fields: list[str]) -> None:
        text = _bounded("".join(piece for piece, _ in current))
        if any(kind == _LITERAL and _GLOB.search(piece) for piece, kind in current):
            pattern = "".join(
                re.sub(r"([*?\[\]\\])", r"\\\1", piece) if kind == _QUOTED else piece
                for piece, kind in current
            )
            matches = self._matching_files(pattern)
            if matches:
                fields.extend(matches)
                return
        fields.append(text)

    def _matching_files(self, pattern: str) -> list[str]:
        state = self.variables.state
        if not state.files:
            return []
        absolute = pattern.startswith(("/", "~"))
        cwd = "" if absolute else state.cwd
        depth = pattern.count("/")
        only_folders = pattern.endswith("/")
        compiled = Pattern(resolve(pattern, cwd) if "[" not in pattern else pattern)
        matches = set()
        for path in state.files:
            self.budget.spend()
            shown = path
            if cwd and path.startswith(cwd + "/") and "[" in pattern:
                shown = path[len(cwd) + 1 :]
            # A folder is known by the files below it.
            head = "/".join(
                shown.split("/")[: resolve(pattern, cwd).count("/") + 1 if "[" not in pattern else depth + 1]
            )
            name = head.rsplit("/", 1)[-1]
            if only_folders and head == path:
                continue
            if compiled.matches(head) and name and not name.startswith("."):
                matches.add(head[len(cwd) + 1 :] if cwd and head.startswith(cwd + "/") else head)
        found = [name + "/" for name in sorted(matches)] if only_folders else sorted(matches)
        return ["./" + m for m in found] if pattern.startswith("./") else found

    # -- parameters ------------------------------------------------------------------

    def _parameter(self, part: Parameter, segments: list[_Segment]) -> None:
        quoted = part.quoted
        kind = _QUOTED if quoted else _SPLIT
        name = part.name
        if part.indirect and not part.operator and part.subscript is None and name not in ("@", "*"):
            name = self._indirect(part)
        elif (part.indirect and part.operator in ("@", "*")) or (
            part.indirect and part.operator == "" and not name
        ):
            names = sorted(n for n in self.variables.values if n.startswith(name))
            segments.append((" ".join(names), kind))
            return
        elif part.indirect and part.subscript is None:
            name = self._indirect(part)
        if self.variables.references:
            name = self.variables.target(name)
        if "[" in name and name.endswith("]"):
            name, _, key = name[:-1].partition("[")
            part = part._replace(subscript=(Literal(key, True),))
        whole = name in ("@", "*")
        value = self.variables.get(name)
        if part.subscript is not None:
            subscript = self.text(part.subscript)
            if subscript in ("@", "*"):
                whole = True
                value = _keys(value) if part.indirect else _items(value)
            else:
                value = self._item(value, subscript)
                if part.indirect:
                    value = self.variables.text(str(value or ""))
        elif not whole and value is not None:
            value = self.variables.text(name)
        if whole:
            items = _items(value)
            self._whole(part, name, items, segments)
            return
        scalar = value if isinstance(value, str) else None if value is None else ""
        if part.length:
            segments.append((HOLE if scalar and HOLE in scalar else str(len(scalar or "")), kind))
            return
        if part.operator:
            operator = part.operator.lstrip(":")
            if operator in ("-", "=", "?", "+"):
                self._conditional(part, name, scalar, segments)
                return
            scalar = self._transformed(part, scalar or "")
        segments.append((scalar or "", kind))

    def _indirect(self, part: Parameter) -> str:
        return self.variables.text(part.name)

    def _item(self, value: Value | None, subscript: str) -> str | None:
        if isinstance(value, dict):
            return value.get(subscript)
        items = _items(value)
        if HOLE in subscript:
            return HOLE
        index = self.arithmetic(subscript)
        if index is None:
            return HOLE
        return items[index] if -len(items) <= index < len(items) else None

    def _whole(self, part: Parameter, name: str, items: list[str], segments: list[_Segment]) -> None:
        """``$@``, ``${a[*]}`` and what can be done with all elements at once."""
        if part.length:
            segments.append((str(len(items)), _QUOTED))
            return
        operator = part.operator.lstrip(":")
        if part.operator and operator in ("-", "=", "?", "+") and part.operator != ":":
            joined = " ".join(items)
            if bool(items) == (operator == "+"):
                segments.extend(self._segments(part.argument))
                return
            if operator == "+":
                return
            del joined
        elif part.operator == ":":
            offset = self.arithmetic(self.text(part.argument)) or 0
            count = None if part.replacement is None else self.arithmetic(self.text(part.replacement))
            if name in ("@", "*"):
                items = [self.variables.name, *items]
            begin = offset if offset >= 0 else max(len(items) + offset, 0)
            items = items[begin : None if count is None else begin + max(count, 0)]
        elif part.operator:
            items = [self._transformed(part, item) for item in items]
        star = name == "*" or (part.subscript is not None and self.text(part.subscript) == "*")
        if part.quoted and star:
            separator = self.variables.text("IFS")[:1] if "IFS" in self.variables.values else " "
            segments.append((separator.join(items), _QUOTED))
            return
        for i, item in enumerate(items):
            if i:
                segments.append(("", _BREAK))
            segments.append((item, _QUOTED if part.quoted else _SPLIT))

    def _conditional(self, part: Parameter, name: str, value: str | None, segments: list[_Segment]) -> None:
        present = bool(value) if part.operator.startswith(":") else value is not None
        operator = part.operator.lstrip(":")
        if operator == "+":
            if present:
                segments.extend(self._segments(part.argument))
        elif present:
            segments.append((value or "", _QUOTED if part.quoted else _SPLIT))
        elif operator != "?":
            if operator == "=":
                self.variables.set(name, self.text(part.argument))
            inner = self._segments(part.argument)
            segments.extend(
                (text, _SPLIT if kind == _LITERAL and not part.quoted else kind) for text, kind in inner
            )

    def _transformed(self, part: Parameter, value: str) -> str:
        operator = part.operator
        self.budget.spend(1 + len(value) // 64)
        if operator == ":":
            return self._slice(part, value)
        if operator[0] in "#%":
            return strip_pattern(value, self.pattern(part.argument), operator)
        if operator[0] == "/":
            replacement = self.text(part.replacement) if part.replacement is not None else ""
            return replace_pattern(value, self.pattern(part.argument), replacement, operator, self.budget)
        if operator[0] in "^,~":
            change = {"^": str.upper, ",": str.lower, "~": str.swapcase}[operator[0]]
            if part.argument:
                one = Pattern(self.pattern(part.argument))
                value_list = [change(c) if one.matches(c) else c for c in value]
                return "".join(value_list) if len(operator) == 2 else "".join(value_list[:1]) + value[1:]
            return change(value) if len(operator) == 2 else change(value[:1]) + value[1:]
        if operator == "@":
            letter = self.text(part.argument)
            if letter in ("U", "L", "u"):
                return {"U": value.upper(), "L": value.lower(), "u": value[:1].upper() + value[1:]}[letter]
            if letter in ("E", "P"):
                return ansi_c(value)
        return value

    def _slice(self, part: Parameter, value: str) -> str:
        offset = self.arithmetic(self.text(part.argument))
        count = None if part.replacement is None else self.arithmetic(self.text(part.replacement))
        if offset is None or (part.replacement is not None and count is None):
            return HOLE
        begin = offset if offset >= 0 else max(len(value) + offset, 0)
        if count is None:
            return value[begin:]
        return value[begin : begin + count if count >= 0 else len(value) + count]

    # -- arithmetic ----------------------------------------------------------------------

    def arithmetic(self, text: str) -> int | None:
        """Value of an arithmetic expression; None when it is not known."""
        return _Calculator(text, self.variables, self.budget).value()

    # -- braces --------------------------------------------------------------------------

    def _braces(self, word: Word) -> list[Word]:
        if not any(isinstance(p, Literal) and not p.quoted and "{" in p.text for p in word):
            return [word]
        atoms: list[Part | str] = []
        for part in word:
            if isinstance(part, Literal) and not part.quoted:
                atoms.extend(part.text)
            else:
                atoms.append(part)
        return [_joined(option) for option in self._alternatives(atoms, 0)[:MAX_WORDS]]

    def _alternatives(self, atoms: list[Part | str], depth: int) -> list[list[Part | str]]:
        """All readings of a word, left to right."""
        if depth > 12:
            return [atoms]
        for i, atom in enumerate(atoms):
            if atom != "{":
                continue
            self.budget.spend(1 + len(atoms) // 16)
            group = _brace_group(atoms, i)
            if group is None:
                continue
            end, options = group
            tails = self._alternatives(atoms[end + 1 :], depth + 1)
            heads: list[list[Part | str]] = []
            for option in options:
                heads.extend(self._alternatives(option, depth + 1))
                if len(heads) * len(tails) > MAX_WORDS:
                    break
            return [[*atoms[:i], *head, *tail] for head in heads for tail in tails][:MAX_WORDS]
        return [atoms]


_SPECIAL = re.compile(r"[{*?]|\[.")
_GLOB = re.compile(r"[*?]|\[.+\]")
_SEQUENCE = re.compile(r"(-?\d{1,9}|[A-Za-z])\.\.(-?\d{1,9}|[A-Za-z])(?:\.\.(-?\d{1,6}))?")


def _brace_group(atoms: list[Part | str], start: int) -> tuple[int, list[list[Part | str]]] | None:
    depth = 0
    options: list[list[Part | str]] = [[]]
    for i in range(start, len(atoms)):
        atom = atoms[i]
        if atom == "{":
            depth += 1
            if depth == 1:
                continue
        elif atom == "}":
            depth -= 1
            if not depth:
                if len(options) > 1:
                    return i, options
                sequence = _sequence(options[0])
                return (i, sequence) if sequence else None
        elif atom == "," and depth == 1:
            options.append([])
            continue
        options[-1].append(atom)
    return None


def _sequence(atoms: list[Part | str]) -> list[list[Part | str]] | None:
    if not all(isinstance(atom, str) for atom in atoms):
        return None
    found = _SEQUENCE.fullmatch("".join(str(atom) for atom in atoms))
    if found is None:
        return None
    first, last, step_text = found.groups()
    step = abs(int(step_text or 1)) or 1
    if first.isalpha() != last.isalpha():
        return None
    begin, end = (ord(first), ord(last)) if first.isalpha() else (int(first), int(last))
    numbers = range(begin, end + 1, step) if begin <= end else range(begin, end - 1, -step)
    width = max(len(first), len(last)) if re.match(r"-?0\d", first) or re.match(r"-?0\d", last) else 0
    shown = (chr(n) if first.isalpha() else str(n).zfill(width) for n in numbers[:MAX_WORDS])
    return [list(text) for text in shown]


def _joined(atoms: list[Part | str]) -> Word:
    parts: list[Part] = []
    run: list[str] = []
    for atom in atoms:
        if isinstance(atom, str):
            run.append(atom)
            continue
        if run:
            parts.append(Literal("".join(run), False))
            run = []
        parts.append(atom)
    if run:
        parts.append(Literal("".join(run), False))
    return tuple(parts)


def _items(value: Value | None) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    return list(value.values()) if isinstance(value, dict) else value


def _keys(value: Value | None) -> list[str]:
    if isinstance(value, dict):
        return list(value)
    return [str(i) for i in range(len(_items(value)))]


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + HOLE


def split_fields(text: str, ifs: str) -> list[str]:
    """Split at the characters of IFS as bash does."""
    if not ifs:
        return [text] if text else []
    if ifs == " \t\n":
        return text.split(None) if text.isascii() else [f for f in re.split(r"[ \t\n]+", text) if f]
    blank = "".join(c for c in ifs if c in " \t\n")
    hard = "".join(c for c in ifs if c not in " \t\n")
    text = text.strip(blank) if blank else text
    if not text:
        return []
    b, h = (f"[{re.escape(s)}]" if s else "(?!)" for s in (blank, hard))
    pieces = re.split(f"{b}*{h}{b}*|{b}+", text)
    return pieces[:-1] if pieces and not pieces[-1] else pieces


# -- patterns ----------------------------------------------------------------------------


class Pattern:
    """A shell pattern, matched in time proportional to pattern times text.

    Turning it into a regular expression would let a hostile pattern backtrack without end.
    """

    __slots__ = ("tokens",)

    def __init__(self, text: str) -> None:
        self.tokens = _pattern_tokens(text[:1000], 0, 0)[0]

    def ends(self, text: str, start: int = 0) -> set[int]:
        """Offsets where a match that begins at ``start`` may end."""
        return _advance(self.tokens, text, {start})

    def matches(self, text: str) -> bool:
        """Whether it matches all of ``text``; not, when it would take long to tell."""
        if len(text) * len(self.tokens) > 100_000:
            return False
        return len(text) in self.ends(text)


_Token: TypeAlias = str | tuple[str, object]


def _pattern_tokens(text: str, at: int, depth: int) -> tuple[list[_Token], int]:
    tokens: list[_Token] = []
    while at < len(text):
        char = text[at]
        if depth and char in "|)":
            break
        if char in "?*+@!" and text.startswith("(", at + 1) and depth < 8:
            options = []
            at += 2
            while at < len(text):
                option, at = _pattern_tokens(text, at, depth + 1)
                options.append(option)
                at += 1
                if text[at - 1 : at] != "|":
                    break
            tokens.append((char, options))
            continue
        if char == "*":
            tokens.append(("any", None))
        elif char == "?":
            tokens.append(("one", None))
        elif char == "[" and (found := _SET.match(text, at)):
            tokens.append(("set", _character_set(found.group(1), found.group(2))))
            at = found.end()
            continue
        elif char == "\\" and at + 1 < len(text):
            at += 1
            tokens.append(text[at])
        else:
            tokens.append(char)
        at += 1
    return tokens, at


_SET = re.compile(r"\[([!^]?)(\]?(?:\[:\w+:\]|\\.|[^\]\\])*)\]", re.S)
_CLASSES: dict[str, Callable[[str], bool]] = {
    "alpha": str.isalpha,
    "digit": str.isdecimal,
    "alnum": str.isalnum,
    "upper": str.isupper,
    "lower": str.islower,
    "space": str.isspace,
    "punct": lambda c: c.isprintable() and not c.isalnum() and not c.isspace(),
    "xdigit": lambda c: c in "0123456789abcdefABCDEF",
    "blank": lambda c: c in " \t",
}


def _character_set(negation: str, body: str) -> Callable[[str], bool]:
    tests: list[Callable[[str], bool]] = []
    for found in re.finditer(r"\[:(\w+):\]|(?:\\(.)|(.))(?:-(?:\\(.)|([^\]])))?", body, re.S):
        name, escaped, plain, escaped_end, plain_end = found.groups()
        if name:
            tests.append(_CLASSES.get(name, lambda c: False))
            continue
        low = escaped or plain
        high = escaped_end or plain_end or low
        tests.append(lambda c, low=low, high=high: low <= c <= high)  # type: ignore[misc]
    return lambda c: any(test(c) for test in tests) != bool(negation)


def _advance(tokens: list[_Token], text: str, places: set[int]) -> set[int]:
    size = len(text)
    for token in tokens:
        if not places:
            break
        if isinstance(token, str):
            places = {p + 1 for p in places if p < size and text[p] == token}
            continue
        kind, detail = token
        if kind == "any":
            places = set(range(min(places), size + 1))
        elif kind == "one":
            places = {p + 1 for p in places if p < size}
        elif kind == "set":
            places = {p + 1 for p in places if p < size and detail(text[p])}  # type: ignore[operator]
        else:
            places = _advance_group(kind, detail, text, places)  # type: ignore[arg-type]
    return places


def _advance_group(kind: str, options: list[list[_Token]], text: str, places: set[int]) -> set[int]:
    def once(starts: set[int]) -> set[int]:
        return set().union(*(_advance(option, text, starts) for option in options)) if starts else set()

    if kind == "!":
        return set(range(min(places), len(text) + 1)) - once(places)
    first = once(places)
    if kind == "@":
        return first
    if kind == "?":
        return places | first
    reached = first | (places if kind == "*" else set())
    fresh = first
    while fresh:
        fresh = once(fresh) - reached
        reached |= fresh
    return reached


def strip_pattern(value: str, pattern: str, operator: str) -> str:
    """``${value#pattern}`` and its kin."""
    if len(value) > 4000:
        return HOLE
    compiled = Pattern(pattern)
    if operator[0] == "#":
        ends = compiled.ends(value)
        if not ends:
            return value
        return value[(max if len(operator) == 2 else min)(ends) :]
    starts = range(len(value), -1, -1) if len(operator) == 1 else range(len(value) + 1)
    for start in starts:
        if len(value) in compiled.ends(value, start):
            return value[:start]
    return value


def replace_pattern(value: str, pattern: str, replacement: str, operator: str, budget: Budget) -> str:
    """``${value/pattern/replacement}`` and its kin."""
    if not pattern:
        return value
    if not re.search(r"[*?\[\\@!+(]", pattern):
        if operator == "//":
            return _bounded(value.replace(pattern, replacement))
        if operator == "/#":
            return replacement + value[len(pattern) :] if value.startswith(pattern) else value
        if operator == "/%":
            return value[: -len(pattern)] + replacement if value.endswith(pattern) else value
        return value.replace(pattern, replacement, 1)
    if len(value) > 4000:
        return HOLE
    compiled = Pattern(pattern)
    cost = 4 + len(compiled.tokens) * len(value) // 16
    out: list[str] = []
    at = 0
    while at <= len(value):
        budget.spend(cost)
        ends = compiled.ends(value, at) if operator != "/#" or at == 0 else set()
        if operator == "/%":
            ends &= {len(value)}
        if ends and max(ends) > at:
            out.append(replacement)
            at = max(ends)
            if operator != "//":
                break
            continue
        out.append(value[at : at + 1])
        at += 1
    return _bounded("".join(out) + value[at:])


# -- arithmetic --------------------------------------------------------------------------

_NUMBER = re.compile(
    r"\s*(?:(\d+)#([0-9a-zA-Z@_]+)|(0[xX][0-9a-fA-F]+)|(\d+)|([A-Za-z_]\w*(?:\[[^\]]*\])?)"
    r"|(\*\*|<<=|>>=|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^~!<>=?:(),]))",
    re.A,
)
_PRECEDENCE = {
    "**": 13,
    "*": 12,
    "/": 12,
    "%": 12,
    "+": 11,
    "-": 11,
    "<<": 10,
    ">>": 10,
    "<": 9,
    ">": 9,
    "<=": 9,
    ">=": 9,
    "==": 8,
    "!=": 8,
    "&": 7,
    "^": 6,
    "|": 5,
    "&&": 4,
    "||": 3,
}
_ASSIGNING = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="})


class _Unknown(Exception):
    """A number that is not known."""


class _Calculator:
    """Precedence climbing over bash arithmetic."""

    def __init__(self, text: str, variables: Variables, budget: Budget, depth: int = 0) -> None:
        self._tokens = list(_arithmetic_tokens(text))
        self._at = 0
        self._variables = variables
        self._budget = budget
        self._depth = depth

    def value(self) -> int | None:
        if not self._tokens:
            return 0
        try:
            result = self._expression(0)
            while self._peek() == ",":
                self._at += 1
                result = self._expression(0)
        except (_Unknown, ZeroDivisionError, ValueError, OverflowError, IndexError):
            return None
        return _wrapped(result)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _expression(self, level: int) -> int:
        self._budget.spend()
        self._depth += 1
        if self._depth > 60:
            raise _Unknown
        left = self._unary()
        while True:
            operator = self._peek()
            precedence = _PRECEDENCE.get(operator, 0)
            if operator == "?" and level <= 2:
                self._at += 1
                yes = self._expression(0)
                if self._peek() == ":":
                    self._at += 1
                no = self._expression(2)
                left = yes if left else no
                continue
            if not precedence or precedence < level:
                self._depth -= 1
                return left
            self._at += 1
            right = self._expression(precedence + (operator != "**"))
            left = _wrapped(_apply(operator, left, right))

    def _unary(self) -> int:
        token = self._peek()
        self._at += 1
        if token in ("-", "+", "!", "~"):
            operand = self._expression(13)
            return {"-": -operand, "+": operand, "!": int(not operand), "~": ~operand}[token]
        if token == "(":  # noqa: S105
            inner = self._expression(0)
            while self._peek() == ",":
                self._at += 1
                inner = self._expression(0)
            self._at += 1
            return inner
        if token in ("++", "--"):
            name = self._peek()
            self._at += 1
            return self._assign(name, self._variable(name) + (1 if token == "++" else -1))  # noqa: S105
        if not token:
            raise _Unknown
        if token[0].isdigit():
            return _number(token)
        return self._named(token)

    def _named(self, name: str) -> int:
        if not (name[0].isalpha() or name[0] == "_"):
            raise _Unknown
        following = self._peek()
        if following in ("++", "--"):
            self._at += 1
            old = self._variable(name)
            self._assign(name, old + (1 if following == "++" else -1))
            return old
        if following in _ASSIGNING:
            self._at += 1
            right = self._expression(0)
            if following != "=":
                right = _apply(following[:-1], self._variable(name), right)
            return self._assign(name, _wrapped(right))
        return self._variable(name)

    def _variable(self, name: str) -> int:
        base, bracket, key = name.partition("[")
        if bracket:
            value = self._variables.get(base)
            if isinstance(value, dict):
                text = value.get(key[:-1], "")
            else:
                index = _Calculator(key[:-1], self._variables, self._budget, self._depth).value()
                items = _items(value)
                if index is None:
                    raise _Unknown
                text = items[index] if -len(items) <= index < len(items) else ""
        else:
            text = self._variables.text(base)
        if HOLE in text:
            raise _Unknown
        if not text.strip():
            return 0
        result = _Calculator(text, self._variables, self._budget, self._depth + 1).value()
        if result is None:
            raise _Unknown
        return result

    def _assign(self, name: str, value: int) -> int:
        base, bracket, key = name.partition("[")
        if bracket:
            self._variables.set_item(base, key[:-1], str(value))
        else:
            self._variables.set(base, str(value))
        return value


def _arithmetic_tokens(text: str) -> Iterator[str]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _NUMBER.match(text, at)
        if found is None:
            yield HOLE if text[at] == HOLE else ""
            return
        yield found.group().strip()
        at = found.end()


def _number(token: str) -> int:
    base_text, mark, digits = token.partition("#")
    if mark:
        base = int(base_text)
        alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@_"
        if base <= 36:
            return int(digits, base)
        number = 0
        for digit in digits:
            number = number * base + alphabet.index(digit)
        return number
    if token[:2] in ("0x", "0X"):
        return int(token, 16)
    return int(token, 8) if token.startswith("0") and len(token) > 1 else int(token)


def _apply(operator: str, a: int, b: int) -> int:
    if operator == "**":
        if b < 0 or b > 64:
            raise _Unknown
        return int(a**b)
    if operator in ("/", "%"):
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return quotient if operator == "/" else a - b * quotient
    if operator in ("<<", ">>"):
        return a << (b & 63) if operator == "<<" else a >> (b & 63)
    return _OPERATIONS[operator](a, b)


_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "*": lambda a, b: a * b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "<": lambda a, b: int(a < b),
    ">": lambda a, b: int(a > b),
    "<=": lambda a, b: int(a <= b),
    ">=": lambda a, b: int(a >= b),
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "&": lambda a, b: a & b,
    "^": lambda a, b: a ^ b,
    "|": lambda a, b: a | b,
    "&&": lambda a, b: int(bool(a) and bool(b)),
    "||": lambda a, b: int(bool(a) or bool(b)),
}


def _wrapped(number: int) -> int:
    """Bash counts in 64 bits."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)
