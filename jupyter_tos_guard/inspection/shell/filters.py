"""What programs print that only turn text into text, as far as their input is known.

Each takes known text through on paper: decoders, cutters, sorters, ``sed`` and the
like. Where input or option is not understood the output is
:data:`~.facts.HOLE`; nothing here reports more than the program's name.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from jupyter_tos_guard.inspection.bounded_regex import affordable
from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.inspection.paths import resolve
from jupyter_tos_guard.inspection.shell.options import options_of
from jupyter_tos_guard.inspection.shell.process import Handler, Process, make_folder, write_file
from jupyter_tos_guard.inspection.shell.syntax import ansi_c
from jupyter_tos_guard.inspection.state import Budget

_MAX = 1 << 18


def to_bytes(text: str) -> bytes:
    """Bytes that a stream's text stands for."""
    return (
        text.encode("utf-8", "surrogateescape")
        if text.isascii()
        else text.encode("utf-8", "surrogatepass" if _lone(text) else "surrogateescape")
    )


def _lone(text: str) -> bool:
    return bool(re.search("[\ud800-\udbff\ude00-\udfff]", text))


def to_text(data: bytes) -> str:
    """Text that stands for bytes in a stream."""
    return data[: 4 * _MAX].decode("utf-8", "surrogateescape")


# -- printing -----------------------------------------------------------------------------------


def echo(arguments: Sequence[str]) -> str:
    """Output of bash's ``echo``."""
    escapes, newline = False, True
    i = 0
    while i < len(arguments) and re.fullmatch(r"-[neE]+", arguments[i]):
        newline = newline and "n" not in arguments[i]
        escapes = "e" in arguments[i] or (escapes and "E" not in arguments[i])
        i += 1
    text = " ".join(arguments[i:])
    if escapes:
        text, cut, _ = text.partition("\\c")
        newline = newline and not cut
        text = _unescaped(text)
    return text + "\n" if newline else text


def _unescaped(text: str) -> str:
    """Text with the escapes of ``echo -e`` and ``%b`` resolved: octal ones begin with a zero."""
    return ansi_c(re.sub(r"(\\\\)|\\0([0-7]{1,3})", lambda m: m.group(1) or f"\\{m.group(2)}", text))


_FORMAT = re.compile(r"%(-?0?\+?#? ?)(\d+|\*)?(?:\.(\d+|\*))?l*([a-zA-Z%])|%\(([^)]*)\)T")


def printf(arguments: Sequence[str]) -> str:
    """Output of ``printf``; the format is used again while there are arguments."""
    arguments = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not arguments:
        return ""
    template = ansi_c(arguments[0].replace("\\\\", "\\\\\\\\").replace("\\\\\\\\", "\\\\"))
    values = list(arguments[1:])
    out: list[str] = []
    size = 0
    while True:
        left = len(values)
        piece = _FORMAT.sub(partial(_format_one, values), template)
        out.append(piece)
        size += len(piece)
        if not values or len(values) == left or size > _MAX:
            return "".join(out)


def format_once(template: str, values: list[Any], shown: Callable[[str, Any], str]) -> str:
    """Fill a format once, as ``sprintf`` does; ``shown`` gives a value's text for its letter."""
    letters = [found.group(4) for found in _FORMAT.finditer(template) if found.group(4) not in (None, "%")]
    texts = [shown(letter, value) for letter, value in zip(letters, values, strict=False)]
    return _FORMAT.sub(partial(_format_one, texts), template)


def _format_one(values: list[str], found: re.Match[str]) -> str:
    flags, width_text, precision_text, letter, _ = found.groups()
    if letter is None:
        return HOLE
    if letter == "%":
        return "%"
    width = values.pop(0) if width_text == "*" and values else width_text or ""
    precision = values.pop(0) if precision_text == "*" and values else precision_text
    value = values.pop(0) if values else ""
    if letter in "diouxX":
        shown = _integer_shown(value, letter)
    elif letter == "c":
        shown = value[:1]
    elif letter == "b":
        shown = _unescaped(value)
    elif letter in "eEfFgG":
        try:
            shown = f"{float(value or 0):.{min(int(precision or 6), 50)}{letter}}"
        except ValueError:
            shown = HOLE
        precision = None
    else:
        shown = value
    if precision is not None and precision.isdigit() and letter in "sbc":
        shown = shown[: int(precision)]
    elif precision is not None and precision.isdigit():
        shown = shown.zfill(min(int(precision), 200))
    if width.lstrip("-").isdigit():
        size = min(abs(int(width)), 2000)
        if "-" in (flags or "") or width.startswith("-"):
            shown = shown.ljust(size)
        else:
            shown = shown.rjust(size, "0" if "0" in (flags or "") else " ")
    return shown


def _integer_shown(value: str, letter: str) -> str:
    if value[:1] in "'\"" and len(value) > 1:
        number = ord(value[1])
    else:
        try:
            text = value.strip() or "0"
            number = int(text, 0) if not re.fullmatch(r"-?0[0-7]+", text) else int(text, 8)
        except ValueError:
            return HOLE if HOLE in value else "0"
    return format(number, {"d": "d", "i": "d", "u": "d", "o": "o", "x": "x", "X": "X"}[letter])


# -- input ------------------------------------------------------------------------------------------


def _input(process: Process, operands: Sequence[str]) -> str:
    """Text of the named files, or of standard input."""
    if not operands:
        return process.stdin.rest()
    pieces = []
    for path in operands:
        text = process.read(path)
        pieces.append(HOLE if text is None else text)
        file = process.file(path)
        if file is not None and file.source:
            process.source = file.source
    return "".join(pieces)


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _filter(
    change: Callable[[list[str], dict[str, str], list[str]], str | None],
    values: str = "",
    long_values: str = "",
) -> Handler:
    """Make a handler for a program that reads lines and prints text."""
    longs = frozenset(long_values.split())

    def handle(process: Process) -> str:
        process.announce(data=True)
        options, operands = options_of(process.arguments, values, longs)
        text = _input(process, operands)
        process.state.budget.spend(1 + len(text) // 64)
        try:
            output = change(_lines(text), options, operands)
        except (ValueError, IndexError):
            output = None
        return HOLE if output is None else output[:_MAX]

    return handle


def _text(lines: Sequence[str]) -> str:
    return "".join(line + "\n" for line in lines)


def _count(value: str) -> int:
    return int(value.lstrip("+-"))


def _head(lines: list[str], options: dict[str, str], _: list[str]) -> str | None:
    if "c" in options or "bytes" in options:
        size = options.get("c") or options.get("bytes", "")
        whole = _text(lines)
        return whole[: int(size)] if not size.startswith("-") else whole[: -_count(size)]
    size = options.get("n") or options.get("lines") or next((o for o in options if o.isdigit()), "10")
    return _text(lines[: -_count(size)] if size.startswith("-") else lines[: _count(size)])


def _head_arguments(process: Process) -> str:
    # `head -5`: the count is the option.
    process.arguments = [f"-n{a[1:]}" if re.fullmatch(r"-\d+", a) else a for a in process.arguments]
    return _HEAD(process)


def _tail_arguments(process: Process) -> str:
    process.arguments = [f"-n{a[1:]}" if re.fullmatch(r"-\d+", a) else a for a in process.arguments]
    return _TAIL(process)


def _tail(lines: list[str], options: dict[str, str], _: list[str]) -> str | None:
    if "c" in options or "bytes" in options:
        size = options.get("c") or options.get("bytes", "")
        whole = _text(lines)
        return whole[_count(size) - 1 :] if size.startswith("+") else whole[-_count(size) :]
    size = options.get("n") or options.get("lines") or "10"
    return _text(lines[_count(size) - 1 :] if size.startswith("+") else lines[-_count(size) :])


_HEAD = _filter(_head, "nc", "--lines --bytes")
_TAIL = _filter(_tail, "nc", "--lines --bytes")


def _rev(lines: list[str], *_: object) -> str:
    return _text([line[::-1] for line in lines])


def _tac(lines: list[str], options: dict[str, str], _: list[str]) -> str:
    separator = options.get("s") or options.get("separator")
    if separator:
        return "".join(piece + separator for piece in reversed("\n".join(lines).split(separator)))
    return _text(lines[::-1])


def _sort(lines: list[str], options: dict[str, str], _: list[str]) -> str:
    key: Callable[[str], object]
    if "n" in options or "g" in options or "n" in options.get("k", "") or "V" in options:
        column = re.match(r"\d+", options.get("k", ""))
        separator = options.get("t")

        def numeric(line: str) -> tuple[float, str]:
            cells = line.split(separator) if column else [line]
            cell = (
                cells[int(column.group()) - 1] if column and len(cells) >= int(column.group()) else cells[0]
            )
            number = re.match(r"\s*-?\d+(?:\.\d+)?", cell)
            return (float(number.group()) if number else 0.0, line)

        key = numeric
    elif "k" in options and (column := re.match(r"\d+", options["k"])):
        index = int(column.group()) - 1
        key = lambda line: (line.split(options.get("t"))[index:] or [""])[0]  # noqa: E731
    else:
        key = lambda line: line  # noqa: E731
    ordered = sorted(lines, key=key, reverse="r" in options)
    if "u" in options:
        ordered = list(dict.fromkeys(ordered))
    return _text(ordered)


def _uniq(lines: list[str], *_: object) -> str:
    return _text([line for i, line in enumerate(lines) if not i or lines[i - 1] != line])


def _cut(lines: list[str], options: dict[str, str], _: list[str]) -> str | None:
    ranges = options.get("c") or options.get("b") or options.get("characters") or options.get("bytes")
    delimiter = options.get("d") or options.get("delimiter") or "\t"
    fields = options.get("f") or options.get("fields")
    joiner = options.get("output-delimiter", delimiter if fields else "")
    out = []
    for line in lines:
        if fields and delimiter not in line:
            out.append(line)
            continue
        items: Sequence[str] = line.split(delimiter) if fields else line
        wanted = _ranges(ranges or fields or "", len(items))
        if "complement" in options:
            wanted = [i for i in range(len(items)) if i not in wanted]
        out.append(joiner.join(items[i] for i in wanted))
    return _text(out)


def _ranges(text: str, size: int) -> list[int]:
    wanted: set[int] = set()
    for item in text.replace(" ", ",").split(","):
        low, dash, high = item.partition("-")
        begin = int(low or 1)
        end = int(high or size) if dash else begin
        wanted.update(range(begin - 1, min(end, size)))
    return sorted(i for i in wanted if 0 <= i < size)


def _fold(lines: list[str], options: dict[str, str], _: list[str]) -> str:
    width = int(options.get("w") or options.get("width") or next((o for o in options if o.isdigit()), "80"))
    return _text([line[i : i + width] for line in lines for i in range(0, max(len(line), 1), max(width, 1))])


def _paste(process: Process) -> str:
    process.announce(data=True)
    options, operands = options_of(process.arguments, "d", frozenset({"--delimiters"}))
    delimiters = ansi_c(options.get("d") or options.get("delimiters") or "\t")
    if "d" in options and not options["d"]:
        delimiters = ""
    columns = [_lines(process.read(path) or HOLE) for path in operands or ["-"]]
    if "s" in options or "serial" in options:
        return _text([(delimiters[:1]).join(column) for column in columns])
    height = min(max(map(len, columns), default=0), 4000)
    return _text([delimiters[:1].join(c[i] if i < len(c) else "" for c in columns) for i in range(height)])


def _nl(lines: list[str], *_: object) -> str:
    return _text([f"{i:6}\t{line}" for i, line in enumerate(lines, 1)])


def _wc(lines: list[str], options: dict[str, str], _: list[str]) -> str:
    text = _text(lines)
    if HOLE in text:
        return HOLE
    counts = {"l": len(lines), "w": len(text.split()), "c": len(text), "m": len(text)}
    wanted = [k for k in "lwmc" if k in options] or ["l", "w", "c"]
    return " ".join(str(counts[k]) for k in wanted) + "\n"


def _expand(lines: list[str], *_: object) -> str:
    return _text([line.expandtabs() for line in lines])


def _strings(lines: list[str], *_: object) -> str:
    return _text(re.findall(r"[\x20-\x7e\t]{4,}", _text(lines)))


def _column(lines: list[str], *_: object) -> str:
    return _text(lines)


def _echo_program(process: Process) -> str:
    process.status = 0
    return echo(process.arguments)


def _printf_program(process: Process) -> str:
    process.status = 0
    return printf(process.arguments)


def _cat(process: Process) -> str:
    process.announce(data=True)
    operands = [a for a in process.arguments if not a.startswith("-") or a == "-"]
    return _input(process, operands)


def _tee(process: Process) -> str:
    process.announce(data=True)
    append = any(a in ("-a", "--append") for a in process.arguments)
    text = process.stdin.rest()
    for path in process.arguments:
        if not path.startswith("-"):
            source = process.stdin.source
            process.write(path, None if source and HOLE in text else text, append=append, source=source)
    process.source = process.stdin.source
    return text


def _sponge(process: Process) -> str:
    return _tee(process) and ""


def _grep(process: Process) -> str:
    process.announce(data=True)
    options, operands = options_of(
        process.arguments,
        "efmABCd",
        frozenset({"--regexp", "--file", "--max-count", "--include", "--exclude"}),
    )
    pattern = options.get("e") or options.get("regexp")
    if pattern is None:
        pattern = operands.pop(0) if operands else ""
    text = _input(process, operands)
    if "l" in options or "r" in options or "R" in options or HOLE in pattern:
        return HOLE
    flags = re.I if "i" in options or "ignore-case" in options else 0
    if "F" in options or process.written.endswith("fgrep"):
        pattern = re.escape(pattern)
    elif "P" not in options:
        pattern = posix_regex(pattern, extended="E" in options or process.written.endswith("egrep"))
    kept = []
    for line in _lines(text):
        process.state.budget.spend(2)
        expression = affordable(pattern, line, flags)
        if expression is None:
            return HOLE
        hits = [m.group() for m in expression.finditer(line)]
        if bool(hits) == ("v" not in options) or HOLE in line:
            kept.extend([hit for hit in hits if hit] if "o" in options and hits else [line])
    if HOLE not in text:
        process.status = int(not kept)
    if "q" in options:
        return ""
    if "c" in options:
        return f"{len(kept)}\n"
    if "m" in options and options["m"].isdigit():
        kept = kept[: int(options["m"])]
    return _text(kept)


# -- tr -----------------------------------------------------------------------------------------------

_TR_CLASSES = {
    "lower": "abcdefghijklmnopqrstuvwxyz",
    "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "digit": "0123456789",
    "space": " \t\n\r\v\f",
    "blank": " \t",
    "punct": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "alpha": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "alnum": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "xdigit": "0123456789ABCDEFabcdef",
    "print": "".join(map(chr, range(32, 127))),
    "graph": "".join(map(chr, range(33, 127))),
    "cntrl": "".join(map(chr, (*range(32), 127))),
}


def tr_set(text: str, length: int = 0) -> str:
    """Characters of one of ``tr``'s sets, in order."""
    out: list[str] = []
    i = 0
    text = re.sub(r"\\([0-7]{1,3})", lambda m: chr(int(m.group(1), 8)), text)
    while i < len(text) and len(out) < 5000:
        found = re.compile(r"\[:(\w+):\]|\[=(.)=\]|\[(.)\*(\d*)\]", re.S).match(text, i)
        if found:
            name, equal, repeated, times = found.groups()
            if name:
                out.extend(_TR_CLASSES.get(name, ""))
            elif equal:
                out.append(equal)
            else:
                count = int(times, 8 if times.startswith("0") else 10) if times else max(length - len(out), 0)
                out.extend(repeated * min(count, 5000))
            i = found.end()
            continue
        char, i = _tr_char(text, i)
        if text[i : i + 1] == "-" and i + 1 < len(text):
            last, j = _tr_char(text, i + 1)
            if ord(char) <= ord(last):
                out.extend(map(chr, range(ord(char), min(ord(last), ord(char) + 5000) + 1)))
                i = j
                continue
        out.append(char)
    return "".join(out)


def _tr_char(text: str, i: int) -> tuple[str, int]:
    if text[i] == "\\" and i + 1 < len(text):
        return {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}.get(
            text[i + 1], text[i + 1]
        ), i + 2
    return text[i], i + 1


def _tr(process: Process) -> str:
    process.announce(data=True)
    process.status = 0
    flags = ""
    arguments = list(process.arguments)
    while arguments and arguments[0].startswith("-") and len(arguments[0]) > 1:
        flag = arguments.pop(0)
        flags += {"--delete": "d", "--squeeze-repeats": "s", "--complement": "c", "--truncate-set1": "t"}.get(
            flag, flag[1:]
        )
    text = process.stdin.rest()
    process.state.budget.spend(1 + len(text) // 64)
    if not arguments or HOLE in "".join(arguments):
        return HOLE
    first = tr_set(arguments[0])
    second = tr_set(arguments[1], len(first)) if len(arguments) > 1 else ""
    complement = "c" in flags or "C" in flags
    if "d" in flags:
        members = set(first)
        text = "".join(c for c in text if c == HOLE or (c in members) == complement)
    elif second:
        if complement:
            members = set(first)
            text = "".join(c if c in members else second[-1] for c in text)
        else:
            table = {ord(a): second[min(i, len(second) - 1)] for i, a in reversed(list(enumerate(first)))}
            text = text.translate(table)
    if "s" in flags:
        squeezed = set(second or first)
        text = "".join(
            c
            for i, c in enumerate(text)
            if not i or c != text[i - 1] or (c in squeezed) == (complement and not second)
        )
    return text


# -- sed ------------------------------------------------------------------------------------------------


def posix_regex(pattern: str, extended: bool) -> str:
    """Put a POSIX regular expression in Python's spelling."""
    out: list[str] = []
    i = 0
    while i < len(pattern):
        char = pattern[i]
        if char == "[":
            close = pattern.find("]", i + 3 if pattern.startswith("[^", i) else i + 2)
            while close > 0 and pattern.count("[:", i + 1, close) > pattern.count(":]", i + 1, close + 1):
                close = pattern.find("]", close + 1)
            if close < 0:
                out.append("\\[")
                i += 1
                continue
            body = pattern[i + 1 : close].replace("\\", "\\\\")
            for name, members in _TR_CLASSES.items():
                body = body.replace(f"[:{name}:]", re.escape(members))
            if body.startswith("]"):
                body = "\\" + body
            out.append("[" + body.replace("[", "\\[") + "]")
            i = close + 1
            continue
        if char == "\\" and i + 1 < len(pattern):
            following = pattern[i + 1]
            i += 2
            if not extended and following in "(){}|+?":
                out.append(following)
            elif following in "<>":
                out.append("\\b")
            elif following in "`'":
                out.append("\\A" if following == "`" else "\\Z")
            elif following == "n":
                out.append("\n")
            else:
                out.append("\\" + following)
            continue
        if not extended and char in "(){}|+?":
            out.append("\\" + char)
        elif not extended and char == "*" and not (out and out[-1] not in ("^", "(", "|")):
            out.append("\\*")
        else:
            out.append(char)
        i += 1
    return "".join(out)


class SedCommand:
    """One command with its addresses."""

    __slots__ = ("address", "end", "flags", "letter", "negated", "pattern", "replacement")

    def __init__(self) -> None:
        self.address = self.end = ""
        self.negated = False
        self.letter = self.pattern = self.replacement = self.flags = ""


_SED_ADDRESS = re.compile(
    r"\s*(\d+(?:~\d+)?|\$|/(?:\\.|[^/\\])*/|\\(.)(?:\\.|(?!\2).)*\2)I?(?:\s*,\s*(\+?\d+|\$|/(?:\\.|[^/\\])*/))?\s*(!*)\s*",
    re.S,
)


def sed_script(text: str) -> list[SedCommand] | None:
    """Read the commands of a script for ``sed``; None when it is not understood."""
    commands = []
    i = 0
    while i < len(text):
        if text[i] in " \t\n;{}":
            i += 1
            continue
        command = SedCommand()
        found = _SED_ADDRESS.match(text, i)
        if found:
            command.address, command.end = found.group(1), found.group(3) or ""
            command.negated = bool(found.group(4))
            i = found.end()
        if i >= len(text):
            return None
        command.letter = letter = text[i]
        i += 1
        if letter == "#":
            end = text.find("\n", i)
            i = len(text) if end < 0 else end
            continue
        if letter in "sy":
            parts = _delimited(text, i)
            if parts is None:
                return None
            command.pattern, command.replacement, i = parts
            flags = re.compile(r"[gpiIeMm0-9]*").match(text, i)
            command.flags = flags.group() if flags and letter == "s" else ""
            i += len(command.flags)
        elif letter in "aice":
            end = text.find("\n", i)
            end = len(text) if end < 0 else end
            command.replacement = text[i:end].lstrip(" \\\n")
            i = end
        elif letter in "wrbt:":
            stop = re.compile(r"[;\n]|$").search(text, i)
            i = stop.start() if stop else len(text)
            if letter in "bt:":
                return None
        elif letter not in "pdqQ=nNgGhHxDPl{}":
            return None
        commands.append(command)
        if len(commands) > 200:
            return None
    return commands


def _delimited(text: str, i: int) -> tuple[str, str, int] | None:
    if i >= len(text):
        return None
    delimiter = text[i]
    parts = []
    for _ in range(2):
        out = []
        i += 1
        while i < len(text) and text[i] != delimiter:
            if text[i] == "\\" and i + 1 < len(text):
                # The delimiter, escaped, stands for itself.
                out.append(
                    text[i + 1]
                    if text[i + 1] == delimiter and delimiter not in "|+?(){}"
                    else text[i : i + 2]
                )
                i += 1
            else:
                out.append(text[i])
            i += 1
        if i >= len(text):
            return None
        parts.append("".join(out))
    return parts[0], parts[1], i + 1


def _sed(process: Process) -> str:
    process.announce(data=True)
    options, operands = options_of(
        process.arguments, "efl", frozenset({"--expression", "--file", "--line-length"})
    )
    scripts = [
        process.arguments[i + 1]
        if a in ("-e", "--expression")
        else a.split("=", 1)[1]
        if a.startswith("--expression=")
        else a[2:]
        for i, a in enumerate(process.arguments)
        if (a in ("-e", "--expression") and i + 1 < len(process.arguments))
        or a.startswith("--expression=")
        or (a.startswith("-e") and len(a) > 2)
    ]
    cluster = re.compile(r"-[nrEsuz]+e$")
    scripts += [process.arguments[i + 1] for i, a in enumerate(process.arguments[:-1]) if cluster.match(a)]
    if "f" in options or "file" in options:
        scripts.append(process.read(options.get("f") or options.get("file", "")) or "")
    if not scripts and operands:
        scripts.append(operands.pop(0))
    script = "\n".join(scripts)
    commands = sed_script(script) if HOLE not in script else None
    quiet = any(k in options for k in ("n", "quiet", "silent"))
    extended = any(k in options for k in ("E", "r", "regexp-extended"))
    in_place = any(k.startswith("i") for k in options)
    if in_place:
        for path in operands:
            text = process.read(path)
            changed = (
                HOLE
                if text is None or commands is None
                else _run_sed(commands, text, quiet, extended, process)
            )
            if text is not None:
                process.write(path, changed)
            elif HOLE not in path:
                process.emit(Kind.FILE, resolve(path, process.state.cwd).lower())
        if "tos_guard" in script:
            process.emit(Kind.CALL, "jupyter_tos_guard")
        return ""
    text = _input(process, operands)
    return HOLE if commands is None else _run_sed(commands, text, quiet, extended, process)


def _run_sed(commands: list[SedCommand], text: str, quiet: bool, extended: bool, process: Process) -> str:
    out: list[str] = []
    lines = _lines(text)
    hold = ""
    ranges: dict[int, bool] = {}
    n = 0
    while n < len(lines):
        line = lines[n]
        process.state.budget.spend(2)
        deleted = False
        appended: list[str] = []
        for k, command in enumerate(commands):
            if not _selected(command, k, n, line, len(lines), ranges, extended):
                continue
            letter = command.letter
            if letter == "s":
                changed, hits = sed_substitute(command, line, extended)
                if changed is None:
                    return HOLE
                line = changed
                if hits and "p" in command.flags:
                    out.append(line)
                if hits and "e" in command.flags:
                    line = process.shell(line, "sed e").rstrip("\n")
            elif letter == "y":
                a, b = (
                    re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m.group(1), m.group(1)), p)
                    for p in (command.pattern, command.replacement)
                )
                line = line.translate({ord(x): y for x, y in zip(a, b, strict=False)})
            elif letter == "p":
                out.append(line)
            elif letter == "d":
                deleted = True
                break
            elif letter in "qQ":
                if not quiet and letter == "q":
                    out.append(line)
                return _text(out)
            elif letter == "a":
                appended.append(command.replacement)
            elif letter == "i":
                out.append(command.replacement)
            elif letter == "e":
                out.append(process.shell(command.replacement or line, "sed e").rstrip("\n"))
            elif letter == "c":
                line = command.replacement
            elif letter == "N" and n + 1 < len(lines):
                n += 1
                line += "\n" + lines[n]
            elif letter == "G":
                line += "\n" + hold
            elif letter == "g":
                line = hold
            elif letter == "h":
                hold = line
            elif letter == "H":
                hold += "\n" + line
            elif letter == "x":
                line, hold = hold, line
        if not deleted and not quiet:
            out.append(line)
        out.extend(appended)
        n += 1
        if len(out) > 20_000:
            return _text(out) + HOLE
    return _text(out)


def _selected(
    command: SedCommand, k: int, n: int, line: str, count: int, ranges: dict[int, bool], extended: bool
) -> bool:
    if not command.address:
        return True

    def hit(address: str) -> bool:
        if address == "$":
            return n == count - 1
        if address.isdigit():
            return n + 1 == int(address)
        if "~" in address:
            first, step = map(int, address.split("~"))
            return (n + 1 - first) % max(step, 1) == 0
        body = address[1:-1] if address[0] == "/" else address[2:-1]
        expression = affordable(posix_regex(body, extended), line)
        return expression is None or expression.search(line) is not None

    if not command.end:
        return hit(command.address) != command.negated
    inside = ranges.get(k, False)
    if not inside:
        inside = hit(command.address)
        ranges[k] = inside
    elif hit(command.end):
        ranges[k] = False
    return inside != command.negated


def sed_substitute(command: SedCommand, line: str, extended: bool) -> tuple[str | None, int]:
    """Run ``s/…/…/`` on a line: what it becomes, None if that is not known, and how often it matched."""
    flags = re.I if "i" in command.flags.lower() else 0
    expression = affordable(posix_regex(command.pattern, extended), line, flags)
    if expression is None:
        return None, 0
    number = re.search(r"\d+", command.flags)
    seen = 0

    def replaced(found: re.Match[str]) -> str:
        nonlocal seen
        seen += 1
        if number and (
            seen < int(number.group()) or (seen > int(number.group()) and "g" not in command.flags)
        ):
            return found.group()
        return _sed_replacement(command.replacement, found)

    changed, hits = expression.subn(replaced, line, 0 if "g" in command.flags or number else 1)
    return changed[:_MAX], hits


_SED_ESCAPE = re.compile(r"\\([0-9])|\\(x[0-9a-fA-F]{2}|o[0-7]{3})|\\([LUEul])|\\(.)|(&)", re.S)


def _sed_replacement(text: str, found: re.Match[str]) -> str:
    out: list[str] = []
    case = once = ""
    at = 0

    def add(piece: str) -> None:
        nonlocal once
        if case:
            piece = piece.lower() if case == "L" else piece.upper()
        if once and piece:
            piece = (piece[0].lower() if once == "l" else piece[0].upper()) + piece[1:]
            once = ""
        out.append(piece)

    for mark in _SED_ESCAPE.finditer(text):
        add(text[at : mark.start()])
        at = mark.end()
        group, code, change, escaped, whole = mark.groups()
        if group:
            add((found.group(int(group)) or "") if int(group) <= (found.re.groups) else "")
        elif code:
            add(chr(int(code[1:], 16 if code[0] == "x" else 8)))
        elif change:
            if change in "lu":
                once = change
            else:
                case = "" if change == "E" else change
        elif whole:
            add(found.group())
        else:
            add({"n": "\n", "t": "\t"}.get(escaped, escaped))
    add(text[at:])
    return "".join(out)


# -- decoders -----------------------------------------------------------------------------------------------


def decoded(process: Process, decode: Callable[[bytes], bytes], operands: Sequence[str]) -> str:
    """Decode the named files, or standard input, as far as they are known."""
    text = _input(process, operands)
    process.state.budget.spend(1 + len(text) // 64)
    if not text.replace(HOLE, ""):
        return HOLE
    head, unknown, _ = text.partition(HOLE)
    try:
        output = decode(to_bytes(head))
    except (ValueError, OSError, EOFError, zlib.error, lzma.LZMAError, binascii.Error):
        return HOLE
    return to_text(output) + (HOLE if unknown else "")


def _base64(process: Process) -> str:
    process.announce(data=True)
    options, operands = options_of(process.arguments, "w", frozenset({"--wrap"}))
    name = process.name
    if not {"d", "D", "decode"} & options.keys() and not any(k.startswith("dec") for k in options):
        encode = (
            base64.b32encode
            if name == "base32" or "base32" in options
            else base64.b16encode
            if "base16" in options
            else base64.b64encode
        )
        width = (
            int(options.get("w") or options.get("wrap") or 76)
            if (options.get("w") or options.get("wrap") or "76").isdigit()
            else 76
        )
        return encoded(process, encode, operands, width)
    if name == "base32" or "base32" in options:
        return decoded(process, lambda data: base64.b32decode(_padded(data, 8)), operands)
    if "base16" in options:
        return decoded(process, lambda data: binascii.unhexlify(b"".join(data.split())), operands)
    return decoded(process, lenient_base64, operands)


def encoded(process: Process, encode: Callable[[bytes], bytes], operands: Sequence[str], width: int) -> str:
    """Encode the named files, or standard input, in lines of ``width`` letters."""
    text = _input(process, operands)
    if HOLE in text:
        return HOLE
    shown = encode(to_bytes(text)).decode("ascii")
    return "".join(shown[i : i + width] + "\n" for i in range(0, len(shown), width)) if width else shown


def _padded(data: bytes, unit: int) -> bytes:
    data = b"".join(data.split()).rstrip(b"=")
    return data + b"=" * (-len(data) % unit)


def lenient_base64(data: bytes) -> bytes:
    """Decode base64 in either alphabet, with or without padding, noise passed over."""
    data = re.sub(rb"[^A-Za-z0-9+/]", b"", data.replace(b"-", b"+").replace(b"_", b"/"))
    if len(data) % 4 == 1:
        data = data[:-1]
    return base64.b64decode(data + b"=" * (-len(data) % 4))


def _xxd(process: Process) -> str:
    process.announce(data=True)
    arguments = process.arguments
    options = {a for a in arguments if a.startswith("-")}
    letters = "".join(a.lstrip("-") for a in options if not a.startswith("--"))
    operands = [
        a
        for i, a in enumerate(arguments)
        if not a.startswith("-") and not (i and arguments[i - 1] in ("-c", "-g", "-l", "-s", "-o"))
    ]
    if "r" in letters:

        def back(data: bytes) -> bytes:
            text = data.decode("latin-1")
            if "p" not in letters:
                text = "".join(re.sub(r"^[^:]*:", "", line).split("  ")[0] for line in text.splitlines())
            return binascii.unhexlify(re.sub(r"[^0-9a-fA-F]", "", text))

        return decoded(process, back, operands[:1])
    if "p" in letters:
        return encoded(process, binascii.hexlify, operands[:1], 60)
    return HOLE


def _od(process: Process) -> str:
    process.announce(data=True)
    text = process.stdin.rest()
    joined = "".join(process.arguments)
    if HOLE in text or ("tx1" not in joined.replace(" ", "") and "x1" not in joined):
        return HOLE
    return " " + " ".join(f"{b:02x}" for b in to_bytes(text)) + "\n"


def _unpacker(
    decompress: Callable[[bytes], bytes],
    suffixes: tuple[str, ...],
    compress: Callable[[bytes], bytes] | None = None,
) -> Handler:
    """Make a handler for a compressor; without ``compress`` it only unpacks, and to standard output."""
    always = compress is None

    def handle(process: Process) -> str:
        process.announce(data=True)
        options, operands = options_of(process.arguments, "SM")
        written = process.written.rsplit("/", 1)[-1]
        unpacking = (
            always
            or written.startswith(("gun", "un", "bun"))
            or bool({"d", "decompress", "uncompress"} & options.keys())
        )
        to_stdout = not operands or "c" in options or "stdout" in options or always or written.endswith("cat")
        if not unpacking:
            text = HOLE if operands and not to_stdout else _input(process, operands)
            return HOLE if compress is None or HOLE in text else to_text(compress(to_bytes(text)))
        if to_stdout:
            process.source = process.stdin.source if not operands else process.source
            return decoded(process, decompress, operands)
        for path in operands:
            file = process.file(path)
            content = process.read(path)
            target = next((path.removesuffix(s) for s in suffixes if path.endswith(s)), path)
            unpacked: str | None = None
            if content is not None:
                try:
                    unpacked = to_text(decompress(to_bytes(content)))
                except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
                    unpacked = None
            process.write(target, unpacked, source=file.source if file else "")
        return ""

    return handle


def _bounded_gunzip(data: bytes) -> bytes:
    decompressor = zlib.decompressobj(wbits=47)
    return decompressor.decompress(data, Budget.MAX_SIZE)


def _gzip(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=31)
    return compressor.compress(data) + compressor.flush()


def _bounded_bunzip2(data: bytes) -> bytes:
    return bz2.BZ2Decompressor().decompress(data, Budget.MAX_SIZE)


def _bounded_unxz(data: bytes) -> bytes:
    return lzma.LZMADecompressor(memlimit=64 << 20).decompress(data, Budget.MAX_SIZE)


def _uudecode(process: Process) -> str:
    process.announce(data=True)
    options, operands = options_of(process.arguments, "o")
    name = ""

    def decode(data: bytes) -> bytes:
        nonlocal name
        out = b""
        as_base64 = False
        for line in data.splitlines():
            if line.startswith(b"begin"):
                as_base64 = line.startswith(b"begin-base64")
                name = line.split(None, 2)[-1].decode("latin-1")
            elif line in (b"end", b"`", b"===="):
                continue
            else:
                out += lenient_base64(line) if as_base64 else binascii.a2b_uu(line + b"\n")
        return out

    output = decoded(process, decode, operands)
    target = options.get("o") or name
    if target and target not in ("-", "/dev/stdout"):
        process.write(target, output)
        return ""
    return output


def _iconv(process: Process) -> str:
    process.announce(data=True)
    options, operands = options_of(
        process.arguments, "fto", frozenset({"--from-code", "--to-code", "--output"})
    )
    source = options.get("f") or options.get("from-code") or "utf-8"
    target = (options.get("t") or options.get("to-code") or "utf-8").split("//")[0]

    def recode(data: bytes) -> bytes:
        try:
            return data.decode(source.split("//")[0], "replace").encode(target, "ignore")
        except LookupError as error:
            raise ValueError("unknown encoding") from error

    return decoded(process, recode, operands)


# -- numbers, names, dates -------------------------------------------------------------------------


def _seq(process: Process) -> str:
    process.status = 0
    options, operands = options_of(
        [a if not re.fullmatch(r"-\d+", a) else "\0" + a for a in process.arguments],
        "fs",
        frozenset({"--separator", "--format"}),
    )
    operands = [o.removeprefix("\0") for o in operands]
    try:
        numbers = [int(o) for o in operands]
    except ValueError:
        return HOLE
    first, step, last = (
        (1, 1, numbers[0])
        if len(numbers) == 1
        else (numbers[0], 1, numbers[1])
        if len(numbers) == 2
        else [*numbers, 0, 1, 0][:3]
    )
    shown = [str(n) for n in range(first, last + (1 if step > 0 else -1), step or 1)[:2000]]
    if "w" in options or "equal-width" in options:
        shown = [s.zfill(len(str(last))) for s in shown]
    if options.get("f"):
        shown = [printf([options["f"].replace("%g", "%d"), s]) for s in shown]
    separator = ansi_c(options.get("s") or options.get("separator") or "\n")
    return separator.join(shown) + "\n"


def _basename(process: Process) -> str:
    options, operands = options_of(process.arguments, "s", frozenset({"--suffix"}))
    if not operands:
        return HOLE
    suffix = (
        options.get("s")
        or options.get("suffix")
        or (operands[1] if len(operands) > 1 and "a" not in options else "")
    )
    name = operands[0].rstrip("/").rsplit("/", 1)[-1]
    return (name.removesuffix(suffix) if suffix and name != suffix else name) + "\n"


def _dirname(process: Process) -> str:
    operands = [a for a in process.arguments if not a.startswith("-")]
    return "".join(
        (o.rstrip("/").rpartition("/")[0] or ("/" if o.startswith("/") else ".")) + "\n" for o in operands
    )


def _realpath(process: Process) -> str:
    operands = [a for a in process.arguments if not a.startswith("-")]
    out = []
    for path in operands:
        file = process.file(path)
        out.append(file.source if file and file.source.startswith("/") else resolve(path, process.state.cwd))
    return _text(out)


def which(name: str) -> str:
    """Where a program is, as ``which`` would say."""
    if "/" in name:
        return name
    return f"/usr/bin/{name}"


def _which(process: Process) -> str:
    return _text([which(a) for a in process.arguments if not a.startswith("-")])


def _expr(process: Process) -> str:
    arguments = process.arguments
    if arguments[:1] == ["substr"] and len(arguments) == 4:
        try:
            begin, size = int(arguments[2]), int(arguments[3])
        except ValueError:
            return HOLE
        return arguments[1][max(begin - 1, 0) : begin - 1 + size] + "\n"
    if arguments[:1] == ["length"] and len(arguments) == 2:
        return f"{len(arguments[1])}\n"
    if len(arguments) == 3 and arguments[1] in ("+", "-", "*", "/", "%"):
        from jupyter_tos_guard.inspection.shell.expansion import Expander, Variables

        expander = Expander(Variables(process.state), process.state.budget, lambda _: HOLE, lambda _: "")
        value = expander.arithmetic(" ".join(arguments))
        return HOLE if value is None else f"{value}\n"
    if len(arguments) == 3 and arguments[1] == ":":
        expression = affordable(posix_regex(arguments[2], extended=False), arguments[0])
        found = expression.match(arguments[0]) if expression else None
        if found:
            return (found.group(1) or "" if found.re.groups else str(found.end())) + "\n"
    return HOLE


def _bc(process: Process) -> str:
    process.announce(data=True)
    from jupyter_tos_guard.inspection.shell.expansion import Expander, Variables

    expander = Expander(Variables(process.state), process.state.budget, lambda _: HOLE, lambda _: "")
    text = process.stdin.rest()
    base = re.search(r"ibase\s*=\s*(\d+)", text)
    shown_base = re.search(r"obase\s*=\s*(\d+)", text)
    out = []
    for line in re.split(r"[;\n]", text):
        if not line.strip() or "=" in line:
            continue
        if base and re.fullmatch(r"\s*[0-9A-Fa-f]+\s*", line):
            value: int | None = int(line, int(base.group(1))) if 2 <= int(base.group(1)) <= 36 else None
        else:
            value = expander.arithmetic(line.replace("^", "**"))
        if value is None:
            return HOLE
        out.append(format(value, "X") if shown_base and shown_base.group(1) == "16" else str(value))
    return _text(out)


_DC_TOKEN = re.compile(r"_?[0-9A-F]+|\[((?:[^\[\]]|\[[^\[\]]*\])*)\]|[sSlL<>=].|#[^\n]*|\S", re.S)
_DC_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "^": lambda a, b: a**b if b * a.bit_length() < 1 << 14 else int(HOLE),
}


def _dc(process: Process) -> str:
    process.announce(data=True)
    process.status = 0
    options, operands = options_of(process.arguments, "ef", frozenset({"--expression", "--file"}))
    text = options.get("e") or options.get("expression") or ""
    named = [options[k] for k in ("f", "file") if k in options] + operands
    if named or not text:
        text += "\n" + _input(process, named)
    out: list[str] = []
    try:
        _run_dc(text, [], {"i": 10}, out, process.state.budget)
    except (ValueError, IndexError, KeyError, TypeError, ArithmeticError, RecursionError):
        out.append(HOLE)
    return "".join(out)


def _run_dc(
    text: str, stack: list[int | str], registers: dict[str, Any], out: list[str], budget: Budget
) -> None:
    for found in _DC_TOKEN.finditer(text[:_MAX]):
        budget.spend(1 + len(found.group()) // 64)
        word = found.group()
        if found.group(1) is not None:
            stack.append(found.group(1))
        elif word[0] in "_0123456789ABCDEF":
            stack.append(int(word.replace("_", "-"), registers["i"]))
        elif word in _DC_OPERATIONS:
            right, left = stack.pop(), stack.pop()
            stack.append(_DC_OPERATIONS[word](left, right))  # type: ignore[arg-type]
            if stack[-1].bit_length() > 1 << 16:  # type: ignore[union-attr]
                raise ValueError("too large")
        elif word == "i":
            registers["i"] = stack.pop()
        elif word == "P":
            out.append(_dc_text(stack.pop()))
        elif word in "pn":
            out.append(f"{stack[-1]}\n" if word == "p" else f"{stack.pop()}")
        elif word == "f":
            out.extend(f"{each}\n" for each in reversed(stack))
        elif word == "a":
            top = stack.pop()
            stack.append(top[:1] if isinstance(top, str) else chr(top % 256))
        elif word == "d":
            stack.append(stack[-1])
        elif word == "r":
            stack[-1], stack[-2] = stack[-2], stack[-1]
        elif word == "c":
            stack.clear()
        elif word[0] in "sS":
            registers["register " + word[1]] = stack.pop()
        elif word[0] in "lL":
            stack.append(registers["register " + word[1]])
        elif word == "x" and isinstance(stack[-1], str):
            _run_dc(str(stack.pop()), stack, registers, out, budget)
        elif word == "q":
            return
        elif word[0] != "#":
            raise ValueError("not known")


def _dc_text(value: int | str) -> str:
    if isinstance(value, str):
        return value
    return to_text(abs(value).to_bytes((value.bit_length() + 7) // 8, "big"))


def _envsubst(process: Process) -> str:
    text = _input(process, [])
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda m: process.environ.get(m.group(1) or m.group(2), ""), text)


def _env_list(process: Process) -> str:
    process.announce(data=True)
    names = [a for a in process.arguments if not a.startswith("-")]
    if names:
        return _text([process.environ.get(n, "") for n in names])
    return _text([f"{k}={v}" for k, v in process.environ.items()]) + HOLE


def _quiet(process: Process) -> str:
    process.status = 0
    return ""


def _false(process: Process) -> str:
    process.status = 1
    return ""


def _sleep(process: Process) -> str:
    process.announce()  # how long tells a service that is kept up from a pause
    process.status = 0
    return ""


def _yes(process: Process) -> str:
    return (" ".join(process.arguments) or "y") + "\n" + HOLE


def _touch(process: Process) -> str:
    process.announce(data=True)
    for path in process.arguments:
        if not path.startswith("-") and process.file(path) is None:
            process.write(path, "")
    process.status = 0
    return ""


def _date(process: Process) -> str:
    form = next((a[1:] for a in process.arguments if a.startswith("+")), "%c")
    plain = {"%%": "%", "%n": "\n", "%t": "\t"}
    return re.sub(r"%(?:%|[-_0^#]*[a-zA-Z:])", lambda found: plain.get(found.group(), HOLE), form) + "\n"


def _shuf(process: Process) -> str:
    options, operands = options_of(process.arguments, "nio", frozenset({"--head-count", "--input-range"}))
    lines = operands if {"e", "echo"} & options.keys() else _lines(_input(process, operands))
    # One line has one order only; of several any may come first.
    return _text(lines) if len(lines) == 1 else HOLE


def _mkdir(process: Process) -> str:
    process.announce(data=True)
    _, operands = options_of(process.arguments, "m", frozenset({"--mode"}))
    for path in operands:
        if HOLE not in path:
            make_folder(path, process.state)
    return ""


def _mktemp(process: Process) -> str:
    process.announce(data=True)
    folder = any(a in ("-d", "--directory") for a in process.arguments)
    templates = [a for a in process.arguments if not a.startswith("-")]
    # Its letters are chosen at run time: one fixed name keeps the session's files apart well enough.
    name = (templates[0] if templates else "/tmp/tmp.XXXXXXXXXX").replace("X", "k")  # noqa: S108
    if not folder:
        write_file(name, "", process.state, process.origin)
    return name + "\n"


HANDLERS: dict[str, Handler] = {
    "echo": _echo_program,
    "printf": _printf_program,
    "cat": _cat,
    "tac": _filter(_tac, "s", "--separator"),
    "rev": _filter(_rev),
    "sort": _filter(_sort, "ktoST", "--key --field-separator"),
    "uniq": _filter(_uniq, "fsw"),
    "head": _head_arguments,
    "tail": _tail_arguments,
    "cut": _filter(_cut, "bcdf", "--fields --delimiter --characters --bytes --output-delimiter"),
    "fold": _filter(_fold, "w", "--width"),
    "paste": _paste,
    "nl": _filter(_nl),
    "wc": _filter(_wc),
    "expand": _filter(_expand, "t"),
    "column": _filter(_column, "sto"),
    "fmt": _filter(_column, "w"),
    "strings": _filter(_strings, "nt"),
    "tee": _tee,
    "sponge": _sponge,
    "grep": _grep,
    "rg": _grep,
    "tr": _tr,
    "sed": _sed,
    "base64": _base64,
    "base32": _base64,
    "basenc": _base64,
    "xxd": _xxd,
    "od": _od,
    "hexdump": _od,
    "gzip": _unpacker(_bounded_gunzip, (".gz", ".tgz"), _gzip),
    "zcat": _unpacker(_bounded_gunzip, ()),
    "gzcat": _unpacker(_bounded_gunzip, ()),
    "zless": _unpacker(_bounded_gunzip, ()),
    "pigz": _unpacker(_bounded_gunzip, (".gz",), _gzip),
    "bzip2": _unpacker(_bounded_bunzip2, (".bz2",), bz2.compress),
    "bzcat": _unpacker(_bounded_bunzip2, ()),
    "xz": _unpacker(_bounded_unxz, (".xz", ".lzma"), lzma.compress),
    "xzcat": _unpacker(_bounded_unxz, ()),
    "lzma": _unpacker(_bounded_unxz, (".lzma",), lzma.compress),
    "uudecode": _uudecode,
    "iconv": _iconv,
    "seq": _seq,
    "basename": _basename,
    "dirname": _dirname,
    "realpath": _realpath,
    "readlink": _realpath,
    "which": _which,
    "whereis": _which,
    "expr": _expr,
    "bc": _bc,
    "dc": _dc,
    "envsubst": _envsubst,
    "printenv": _env_list,
    "true": _quiet,
    ":": _quiet,
    "false": _false,
    "sleep": _sleep,
    "yes": _yes,
    "touch": _touch,
    "mktemp": _mktemp,
    "date": _date,
    "shuf": _shuf,
    "more": _cat,
    "less": _cat,
    "zstdcat": _cat,
    "pv": _cat,
    "buffer": _cat,
    "unbuffer": _cat,
    "mkdir": _mkdir,
}
