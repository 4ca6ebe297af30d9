"""A cell with IPython syntax as Python that :mod:`ast` can read, and the lines that are not Python.

Each magic, shell or help line becomes a call of :data:`PLACEHOLDER` with the
line's number in :attr:`Parsed.lines`, in as many lines as it had, so that line
numbers stay those of the cell. A cell that is no Python even then is read
statement by statement. IPython itself is not needed and not imported.
"""

from __future__ import annotations

import ast
import re
import textwrap
import unicodedata
import warnings
from typing import NamedTuple

#: Name of the call that stands for an IPython line. A cell that spells it itself
#: gains nothing: it can only name one of its own lines.
PLACEHOLDER = "__ipython_line__"


class Line(NamedTuple):
    """A line that is not Python.

    ``escape`` is one of ``! !! % ? , ; /`` or ``""`` for a bare word that
    automagic may turn into a magic; ``text`` is what follows the escape, with
    continued lines joined; ``line``/``column`` is where ``text`` begins in the cell.
    """

    escape: str
    text: str
    line: int
    column: int
    verbatim: bool
    assigned: bool


class Magic(NamedTuple):
    """A cell magic: name, rest of its line, body, and where the body begins."""

    name: str
    line: str
    body: str
    first_line: int
    column: int


class Parsed(NamedTuple):
    """Statements of a cell, with its IPython lines beside them."""

    body: list[ast.stmt]
    lines: list[Line]


#: One thing that decides whether a line break ends a statement: a comment, the
#: beginning of a string, a bracket, a line break.
_TOKEN = re.compile(r"#[^\n]*|[A-Za-z]{0,3}(?:\"\"\"|'''|\"|')|[()\[\]{}]|\\\n|\n")
_ASSIGNMENT = re.compile(
    r"(?P<targets>[^\n=!%()'\"#]{1,200}?)=[^\S\n]*(?:\\\n[^\S\n]*)?(?P<escape>!!?|%)(?P<rest>[^=].*)?$", re.S
)
_ESCAPED = re.compile(r"^[^\S\n]*[!%]", re.M)
_HELP = re.compile(r"(\?{1,2})?\s*(%{0,2}[\w.*]+(?:\[[^\]\n]{0,80}\])?)?\s*(\?{0,2})$")
_AUTOMAGIC = re.compile(r"[A-Za-z_][\w.-]*$")


def cell_magic(source: str) -> Magic | None:
    """Return the cell magic that ``source`` begins with, if any."""
    start = 0
    line_number = 1
    # IPython skips leading empty lines; comment lines before a magic are
    # dropped by some front ends (form titles), so they are skipped too.
    while True:
        end = source.find("\n", start)
        line = source[start : end if end >= 0 else len(source)]
        bare = line.strip()
        if bare and not bare.startswith("#"):
            break
        if end < 0:
            return None
        start = end + 1
        line_number += 1
    if not bare.startswith("%%") or bare == "%%":
        return None
    name, _, rest = bare[2:].lstrip().partition(" ")
    body = source[end + 1 :] if end >= 0 else ""
    return Magic(name, rest.strip(), body, line_number + 1, 0)


def parse(source: str) -> Parsed:
    """Read a cell without its cell magic.

    Never raises for what stands in the cell, except :class:`RecursionError`
    and :class:`MemoryError` where Python's own parser gives up.
    """
    source = source.replace("\r\n", "\n").replace("\0", "")
    lines: list[Line] = []
    text = source
    if _ESCAPED.search(source):  # then it hardly parses as it is
        text = _replace_lines(source, lines)
    tree = _parse(text)
    if tree is None and not lines:
        text = _replace_lines(source, lines)
        tree = _parse(text) if lines else None
    if tree is not None:
        return Parsed(tree, lines)
    return Parsed(_salvage(text, lines), lines)


def parse_python(text: str) -> list[ast.stmt]:
    """Statements of plain Python text; what does not parse is read statement by statement."""
    text = text.replace("\r\n", "\n").replace("\0", "")
    tree = _parse(text)
    if tree is None:
        tree = _parse(textwrap.dedent(text))
    return _salvage(text, None) if tree is None else tree


_CODING = re.compile(rb"^[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)
#: Codecs that take quadratic time, or that are no codecs of text.
_NO_CODING = frozenset("idna punycode undefined mbcs oem".split())


def source_text(content: str | bytes) -> str:
    """Return a program as Python reads it: by its coding line."""
    data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    match = _CODING.search(b"\n".join(data[:400].split(b"\n", 2)[:2]))
    name = match.group(1).decode().lower() if match else "utf-8"
    if name not in ("utf-8", "utf8") and name not in _NO_CODING:
        try:
            return data.decode(name)
        except (LookupError, ValueError):
            pass
    return content if isinstance(content, str) else data.decode("utf-8-sig", "replace")


def _parse(text: str) -> list[ast.stmt] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text).body
    except (SyntaxError, ValueError):
        # ValueError covers surrogates and null bytes.
        try:
            clean = text.encode("utf-8", "replace").decode("utf-8")
            return ast.parse(clean).body if clean != text else None
        except (SyntaxError, ValueError):
            return None


def logical_lines(text: str) -> list[tuple[int, int]]:
    """Offsets at which the statements' lines of ``text`` begin, each with its line number.

    Line breaks inside strings and brackets and behind a backslash do not count.
    """
    starts = [(0, 1)]
    depth = 0
    number = 1
    position = 0
    match = _TOKEN.search(text, 0)
    while match is not None:
        token = match.group()
        position = match.end()
        last = token[-1]
        if last == "\n":
            number += 1
            if len(token) == 1 and depth <= 0:
                depth = 0
                starts.append((position, number))
                # An IPython line may hold quotes and brackets that close nowhere.
                skipped = _skip_escape(text, position)
                if skipped > position:
                    number += text.count("\n", position, skipped)
                    position = skipped
        elif last in "\"'":
            end = _string_end(text, position, token)
            number += text.count("\n", position, end)
            position = end
        elif last in "([{":
            depth += 1
        elif last in ")]}":
            depth -= 1
        match = _TOKEN.search(text, position)
    return starts


def _skip_escape(text: str, position: int) -> int:
    """End of the IPython line that begins at ``position``, before its line break."""
    end = position
    while text[end : end + 1] in (" ", "\t"):
        end += 1
    if text[end : end + 1] not in ("!", "%", "?"):
        return position
    return _line_end(text, end)


def _line_end(text: str, position: int) -> int:
    """Where the line at ``position`` ends, lines continued by a backslash included."""
    while True:
        end = text.find("\n", position)
        if end < 0:
            return len(text)
        if text[end - 1] != "\\" or end == position:
            return end
        position = end + 1


def _string_end(text: str, position: int, opening: str) -> int:
    """End of the string whose quotes end at ``position``; an open one-line string ends with its line."""
    quote = opening.lstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    size = len(quote)
    while True:
        end = text.find(quote, position)
        if end < 0:
            end = len(text) if size == 3 else position
            if size == 1:
                line = text.find("\n", position)
                return line if line >= 0 else len(text)
            return end
        if size == 1:
            line = text.find("\n", position, end)
            if line >= 0 and text[line - 1] != "\\":
                return line
        slashes = 0
        while end - slashes > position and text[end - slashes - 1] == "\\":
            slashes += 1
        if slashes % 2 == 0:
            return end + size
        position = end + 1


def _replace_lines(source: str, lines: list[Line]) -> str:
    """``source`` with its IPython lines replaced."""
    # A leading escape is not behind a line break; put one there for the scanner.
    starts = logical_lines("\n" + source)[1:]
    pieces: list[str] = []
    done = 0
    for number, (offset, line_number) in enumerate(starts):
        start = offset - 1
        if start < done:
            continue
        stop = starts[number + 1][0] - 2 if number + 1 < len(starts) else len(source)
        if stop < start:
            continue
        text = source[start:stop]
        replaced = _replace_line(text, line_number - 1, lines)
        if replaced is not None:
            pieces += (source[done:start], replaced)
            done = stop
    pieces.append(source[done:])
    return "".join(pieces)


def _replace_line(text: str, number: int, lines: list[Line]) -> str | None:
    """Return the placeholder for one logical line, or None if it is Python."""
    bare = text.lstrip(" \t")
    if not bare or bare[0] == "#":
        return None
    indent = text[: len(text) - len(bare)]
    first = bare[0]
    if first in "!%,;/":
        size = 2 if bare[:2] == "!!" or bare[:2] == "%%" else 1
        return _place(lines, bare[:size], bare[size:], number, len(indent) + size, indent, text)
    if first == "?" or (bare[-1] == "?" and _HELP.match(bare)):
        return _place(lines, "?", bare, number, len(indent), indent, text)
    if "!" not in bare and "%" not in bare:
        return None
    return _replace_inner(bare, indent, number, lines, text)


def _replace_inner(bare: str, indent: str, number: int, lines: list[Line], text: str) -> str | None:
    """Replace the escapes that do not stand first: ``x = !ls``, ``with a: !ls``."""
    match = _ASSIGNMENT.match(bare)
    if match is not None:
        targets, escape, rest = match.group("targets", "escape", "rest")
        if targets.rstrip()[-1:] not in ("+", "-", "*", "/", "<", ">", "|", "&", "^", ":", "@", ""):
            before = bare[: match.start("escape")]
            column = len(before) + len(escape) + len(indent)
            if "\n" in before:
                column = len(before) + len(escape) - before.rfind("\n") - 1
            at = number + before.count("\n")
            place = _place(lines, escape, rest or "", at, column, "", bare[match.start("escape") :], True)
            return indent + before + place
    return None


def _place(
    lines: list[Line],
    escape: str,
    text: str,
    number: int,
    column: int,
    indent: str,
    whole: str,
    assigned: bool = False,
) -> str:
    breaks = whole.count("\n")
    lines.append(Line(escape, _join(text), number, column, not breaks, assigned))
    return f"{indent}{PLACEHOLDER}({len(lines) - 1})" + "\n" * breaks


def _join(text: str) -> str:
    """One line out of several that backslashes continue, as IPython does it."""
    if "\\\n" not in text:
        return text
    return text.replace("\\\n", " ")


def _salvage(text: str, lines: list[Line] | None) -> list[ast.stmt]:
    """Statements of a text that is no Python as a whole."""
    body: list[ast.stmt] = []
    for first, block in _blocks(text):
        tree = _parse(block)
        if tree is None:
            tree = _salvage_block(block, first, lines)
            body += tree
            continue
        for statement in tree:
            ast.increment_lineno(statement, first - 1)
        body += tree
    return body


def _blocks(text: str) -> list[tuple[int, str]]:
    """Top-level statements of ``text`` with the lines that are indented below each."""
    starts = logical_lines(text)
    begins: list[tuple[int, int]] = []
    for offset, number in starts:
        head = text[offset : offset + 8]
        continues = head[:1] in (" ", "\t", "\n", "", "#", ")", "]", "}") or head.startswith(
            ("else", "elif", "except", "finally")
        )
        if continues and begins:
            continue
        begins.append((offset, number))
    blocks = []
    for index, (offset, number) in enumerate(begins[:5000]):
        end = begins[index + 1][0] if index + 1 < len(begins) else len(text)
        blocks.append((number, text[offset:end]))
    return blocks


def _salvage_block(block: str, first: int, lines: list[Line] | None) -> list[ast.stmt]:
    """Statements of one block that does not parse, line by line."""
    body: list[ast.stmt] = []
    starts = logical_lines(block)
    for index, (offset, number) in enumerate(starts[:2000]):
        end = starts[index + 1][0] if index + 1 < len(starts) else len(block)
        text = block[offset:end].strip()
        if not text or text[0] == "#":
            continue
        tree = _parse(text) or _parse(text + " pass") or _parse(_modern(text))
        if tree is None:
            word, _, rest = text.partition(" ")
            if (
                lines is None
                or not rest
                or not _AUTOMAGIC.match(word)
                or rest.lstrip()[:1] in ("=", "(", ".")
            ):
                continue
            lines.append(Line("", _join(text), number + first - 1, 0, "\n" not in text, False))
            tree = _parse(f"{PLACEHOLDER}({len(lines) - 1})")
        for statement in tree or []:
            ast.increment_lineno(statement, number + first - 2)
            body.append(statement)
    return body


_OLD = re.compile(r"(print|exec)\b(?!\s*\()\s*(?:>>\s*[\w.]+\s*,)?(.*)$", re.S)


def _modern(text: str) -> str:
    """Python 2's ``print`` and ``exec`` statements as calls."""
    match = _OLD.match(text)
    return f"{match.group(1)}({match.group(2)})" if match else text


def placeholder_index(node: ast.Call) -> int:
    """Index into :attr:`Parsed.lines` if ``node`` is a placeholder, else -1."""
    function = node.func
    if type(function) is ast.Name and function.id == PLACEHOLDER and len(node.args) == 1:
        argument = node.args[0]
        if type(argument) is ast.Constant and type(argument.value) is int:
            return argument.value
    return -1


#: Fields that hold no node, or only a context or an operator.
_PLAIN_FIELDS = frozenset(
    "ctx op ops id attr asname lineno level module conversion is_async simple type_comment kind".split()
)


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """Fields in which a kind of node may hold nodes, worked out when it is first met."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        fields = self[kind] = tuple(field for field in kind._fields if field not in _PLAIN_FIELDS)
        return fields


_FIELDS = _Fields({ast.Constant: ()})


def nodes(root: ast.AST) -> list[ast.AST]:
    """Return ``root`` and all below it but contexts and operators: thrice as fast as :func:`ast.walk`."""
    found = [root]
    for node in found:  # grows on the way
        for field in _FIELDS[type(node)]:
            value = getattr(node, field, None)
            if type(value) is list:
                found += [each for each in value if isinstance(each, ast.AST)]
            elif isinstance(value, ast.AST):
                found.append(value)
    return found


def normal_name(name: str) -> str:
    """Return an identifier as Python reads it."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name)
