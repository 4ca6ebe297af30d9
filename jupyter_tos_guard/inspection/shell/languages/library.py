"""Values of programs in other languages, and the functions on them that only compute."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, Union
from urllib.parse import unquote

from jupyter_tos_guard.inspection.bounded_regex import affordable
from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.shell.filters import lenient_base64, printf, to_text, tr_set

Value = Union[str, int, "list[Value]", "dict[str, Value]", "Function", None]
#: Longest text and list that a program may make.
MAX_TEXT = 1 << 17
MAX_ITEMS = 2000


class Name(str):
    """A name that stands for a function: as text it is not known."""

    __slots__ = ()


class Pattern(str):
    """A regular expression, with its letters for options in front: ``g/a+``."""

    __slots__ = ()


class Function(NamedTuple):
    """A function of the program: where it stands in which text, and its parameters."""

    program: object
    start: int
    end: int
    parameters: tuple[str, ...]


class Call(NamedTuple):
    """A call of a library's function."""

    name: str
    receiver: Value
    arguments: list[Value]
    named: dict[str, Value]
    language: str
    apply: Callable[[Value, list[Value]], Value]

    @property
    def known(self) -> bool:
        """Whether it is a method of a known value."""
        return self.receiver not in (None, HOLE)

    @property
    def subject(self) -> Value:
        """What the function works on: the receiver, else the first argument."""
        return self.receiver if self.known else self.arguments[0] if self.arguments else HOLE

    @property
    def rest(self) -> list[Value]:
        """The arguments beside :attr:`subject`."""
        return self.arguments if self.known else self.arguments[1:]

    @property
    def numbers(self) -> list[int]:
        """Whole numbers among :attr:`rest`."""
        return [each for each in self.rest if isinstance(each, int)]


def as_text(value: Value) -> str:
    """Text that a value is shown as."""
    if value is None:
        return ""
    if isinstance(value, (list, dict)):
        return together(" ", flat([value]))
    return HOLE if isinstance(value, (Name, Function)) else str(value)


def items(value: Value) -> list[Value]:
    """Items of a list, values of a dictionary; anything else is its only item."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [value]


def flat(values: Sequence[Value]) -> list[Value]:
    """All items of lists in lists; a list may be in itself many times over."""
    out: list[Value] = []
    pending = list(values[:MAX_ITEMS])[::-1]
    for _ in range(4 * MAX_ITEMS):
        if not pending or len(out) >= MAX_ITEMS:
            break
        value = pending.pop()
        if isinstance(value, (list, dict)):
            pending += items(value)[: MAX_ITEMS - len(out)][::-1]
        else:
            out.append(value)
    return out


def together(separator: str, values: Sequence[Value]) -> str:
    """Texts of values, joined."""
    out: list[str] = []
    size = 0
    for value in values[:MAX_ITEMS]:
        out.append(as_text(value)[:MAX_TEXT])
        size += len(out[-1])
        if size > MAX_TEXT:
            break
    return separator.join(out)[:MAX_TEXT]


def at_index(value: Value, index: Value, first: int = 0) -> Value:
    """One item of a list, a dictionary or a text; ``first`` is the number of the first."""
    if isinstance(value, dict):
        found = value.get(as_text(index), HOLE)
        return at_index(items(value), index, first) if found == HOLE and isinstance(index, int) else found
    if not isinstance(index, int) or not isinstance(value, (str, list)):
        return HOLE
    place = index - first if index > 0 else index
    if not -len(value) <= place < len(value):
        return HOLE
    item = value[place]
    return item if item != HOLE else HOLE


def join(left: Value, right: Value, operator: str) -> Value:
    """``left operator right``, where the operator joins or adds."""
    if isinstance(left, list) and isinstance(right, list):
        return [*left, *right][:MAX_ITEMS]
    if isinstance(left, int) and isinstance(right, int) and operator != "..":
        return left + right if operator == "+" else f"{left}{right}"
    left, right = (HOLE if each is None else each for each in (left, right))
    return (as_text(left) + as_text(right))[:MAX_TEXT]


def multiply(left: Value, right: Value, operator: str) -> Value:
    """``left operator right``, where the operator multiplies, divides, repeats or fills in a form."""
    if isinstance(left, int) and isinstance(right, int):
        if operator in ("/", "%") and right:
            return left // right if operator == "/" else left % right
        return min(left * right, 1 << 60) if operator == "*" else HOLE
    if operator == "%" and isinstance(left, str):
        return formatted([left, *items(right)])
    if isinstance(left, str) and isinstance(right, int) and operator in ("*", "x", "^"):
        return (left * min(right, 1000, MAX_TEXT // max(len(left), 1) + 1))[:MAX_TEXT]
    return join(left, right, operator) if operator == "*" else HOLE


def changed(value: Value, change: str) -> Value:
    """Perl's ``=~ tr/a/b/`` and ``=~ s/a/b/``."""
    found = re.match(r"=~\s*(tr|y|s)(.)", change)
    if found is None or not isinstance(value, str):
        return HOLE
    kind, delimiter = found.groups()
    parts = re.split(rf"(?<!\\){re.escape(delimiter)}", change[found.end() :])
    if len(parts) < 2:
        return HOLE
    if kind != "s":
        return translated(value, parts[0], parts[1])
    return _substituted(value, Pattern(parts[-1] + "/" + parts[0]), parts[1], "g" in parts[-1])


def translated(text: str, letters: str, others: str) -> str:
    """Text with letters of one set put for those of the other, as ``tr`` does."""
    first = tr_set(letters)
    second = tr_set(others) or first
    return text.translate(
        {ord(a): second[min(i, len(second) - 1)] for i, a in reversed(list(enumerate(first))) if second}
    )


def formatted(values: Sequence[Value]) -> str:
    """``sprintf(form, value, …)``."""
    form, given = as_text(values[0]), list(values[1:])
    if "%" not in form:
        rest = iter(given)
        return re.sub(r"\{\d*\}", lambda _: as_text(next(rest, HOLE)), form)
    if places := re.findall(r"%(\d{1,3})\$", form):
        given = [given[int(place) - 1] if 0 < int(place) <= len(given) else HOLE for place in places]
        form = re.sub(r"%\d{1,3}\$", "%", form)
    letters = [
        letter for letter in re.findall(r"%[-+ #0]*\d*(?:\.\d+)?[lhz]*([A-Za-z%])", form) if letter != "%"
    ]
    texts = [
        chr(value) if letter == "c" and isinstance(value, int) and 0 <= value < 0x110000 else as_text(value)
        for letter, value in zip(letters, given, strict=False)
    ]
    return printf([form.replace("\\", "\\\\"), *texts]) if letters else form.replace("%%", "%")


# -- texts ----------------------------------------------------------------------------------------


def _reverse(call: Call) -> Value:
    if not call.known and len(call.arguments) > 1:
        return flat(call.arguments)[::-1]
    return call.subject[::-1] if isinstance(call.subject, (str, list)) else HOLE


def _case(change: Callable[[str], str]) -> Callable[[Call], Value]:
    return lambda call: change(as_text(call.subject))


def _same(call: Call) -> Value:
    return call.subject


def _string(call: Call) -> Value:
    values = flat([call.receiver] if call.known else call.arguments)
    many = len(values) > 1 and all(isinstance(each, int) for each in values)
    return _characters(call) if many else together("", values)


def _characters(call: Call) -> Value:
    values = flat(call.arguments) or flat([call.receiver])
    return "".join(
        chr(number) if (number := _whole(each)) is not None and 0 <= number < 0x110000 else HOLE
        for each in values
    )


def _whole(value: Value) -> int | None:
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def _code(call: Call) -> Value:
    """``ord``: the number of one character, the first where none is named."""
    at = call.numbers[0] if call.numbers else _FIRST.get(call.language, 0)
    item = at_index(as_text(call.subject), at, _FIRST.get(call.language, 0))
    return ord(item) if isinstance(item, str) and item != HOLE and len(item) == 1 else HOLE


#: Languages that count from another number than nought.
_FIRST = {"lua": 1, "r": 1, "julia": 1, "octave": 1}


def _codes(call: Call) -> Value:
    return [ord(each) for each in as_text(call.subject)[:MAX_ITEMS]]


def _number(call: Call) -> Value:
    base = call.named.get("base", call.numbers[0] if call.numbers else 10)
    base = {"hex": 16, "hexdec": 16, "oct": 8}.get(call.name, base)
    text = next((as_text(each) for each in [call.subject, *call.rest] if isinstance(each, (str, int))), "")
    return int(text, base) if isinstance(base, int) and HOLE not in text else HOLE


def _split_text(call: Call) -> Value:
    subject, separator = call.subject, call.rest[0] if call.rest else "" if call.name == "strsplit" else None
    first_separates = call.language in ("perl", "php") or call.name == "explode"
    if not call.known and len(call.arguments) > 1 and first_separates:
        separator, subject = call.arguments[:2]
    if call.language == "perl" and len(call.arguments) == 1 and isinstance(subject, Pattern):
        separator, subject = subject, HOLE
    text = as_text(subject)
    parts = _parts(text, separator, call.name)
    return [parts] if call.name == "strsplit" else parts  # a list for each text


def _parts(text: str, separator: Value, name: str) -> list[Value] | str:
    if name in ("chars", "str_split", "graphemes", "collect", "split_chars") or separator == "":
        size = separator if isinstance(separator, int) and separator > 0 else 1
        return [text[i : i + size] for i in range(0, min(len(text), size * MAX_ITEMS), size)]
    if isinstance(separator, Pattern) or (name == "preg_split" and isinstance(separator, str)):
        expression = _compiled(separator, text)
        if expression is None:
            return HOLE
        parts = expression.split(text)
        return (
            [part for part in parts if part is not None][:MAX_ITEMS]
            if "" not in parts
            else list(filter(None, parts))
        )
    return list(
        (text.split(as_text(separator)) if separator not in (None, " ") else text.split())[:MAX_ITEMS]
    )


def _compiled(pattern: str, text: str) -> re.Pattern[str] | None:
    letters, _, body = pattern.partition("/") if isinstance(pattern, Pattern) else ("", "", pattern)
    return affordable(body, text, re.IGNORECASE if "i" in letters else 0)


def _concat(call: Call) -> Value:
    if call.language == "lua" and isinstance(call.subject, list):
        return _join_list(call)
    if isinstance(call.receiver, list):
        return [*call.receiver, *flat(call.arguments)]
    return together("", [call.receiver, *flat(call.arguments)])


def _join_list(call: Call) -> Value:
    if isinstance(call.receiver, (list, dict)):
        return together(as_text(call.arguments[0]) if call.arguments else "", flat([call.receiver]))
    lists = [each for each in call.arguments if isinstance(each, (list, dict))]
    if call.known and isinstance(call.receiver, str):
        return together(call.receiver, flat(call.arguments))
    if call.name == "joinpath" or (call.language == "go" and not lists):
        return together("/", call.arguments)
    if call.language == "perl" and call.arguments:
        return together(as_text(call.arguments[0]), flat(call.arguments[1:]))
    if lists:
        separator = next((as_text(each) for each in call.arguments if not isinstance(each, (list, dict))), "")
        return together(separator, flat(lists[:1]))
    return together(as_text(call.arguments[0]), call.arguments[1:]) if call.arguments else HOLE


def _paste(call: Call) -> Value:
    """R's ``paste``: item by item, the shorter ones again from the start."""
    separator = as_text(call.named.get("sep", {"paste": " ", "file.path": "/"}.get(call.name, "")))
    columns = [flat([each]) for each in call.arguments]
    size = min(max(map(len, columns), default=0), MAX_ITEMS)
    if size * sum(len(as_text(each)) for each in call.arguments) > 16 * MAX_TEXT:
        return HOLE
    rows = [together(separator, [c[i % len(c)] for c in columns if c]) for i in range(size)]
    if "collapse" in call.named:
        return together(as_text(call.named["collapse"]), rows)
    return rows[0] if len(rows) == 1 else list(rows)


def _format(call: Call) -> Value:
    values = [*([call.receiver] if call.known else []), *call.arguments]
    if values and call.language in ("php", "perl", "ruby") and call.name in ("vsprintf", "sprintf"):
        values = flat(values)
    return formatted(values) if values else HOLE


def _part(call: Call) -> Value:
    """``substr`` and kin: by length, by the end or by the last, as the language has it."""
    subject, numbers = call.subject, call.numbers
    if not isinstance(subject, (str, list)) or not numbers:
        return HOLE
    start = numbers[0]
    by = _PARTS.get((call.language, call.name)) or _PARTS.get(("", call.name), "end")
    if call.language in _FIRST:
        start = start - 1 if start > 0 else start
    start = max(len(subject) + start, 0) if start < 0 else start
    if len(numbers) == 1:
        return subject[start : start + 1] if call.language == "ruby" else subject[start:]
    end = numbers[1]
    if by == "length" and end >= 0:
        return subject[start : start + end]
    if by == "last":
        return subject[start : end if end >= 0 else len(subject) + end + 1]
    return subject[start:end]


_PARTS = {
    ("", "substr"): "length",
    ("r", "substr"): "last",
    ("r", "substring"): "last",
    ("r", "str_sub"): "last",
    ("lua", "sub"): "last",
    ("julia", "substring"): "last",
    ("ruby", "slice"): "length",
    ("ruby", "[]"): "length",
    ("php", "array_slice"): "length",
    ("php", "mb_substr"): "length",
}


def _rot13(call: Call) -> Value:
    return translated(as_text(call.subject), "A-Za-z", "N-ZA-Mn-za-m")


def _letters(call: Call) -> Value:
    """R's ``chartr(old, new, text)``, Ruby's ``text.tr(old, new)``, PHP's ``strtr(text, old, new)``."""
    if call.known:
        return translated(as_text(call.receiver), *(as_text(each) for each in call.arguments[:2]))
    if call.name == "strtr":
        text, *others = call.arguments
        if len(others) == 1 and isinstance(others[0], dict):
            return with_pairs(as_text(text), others[0])
    else:
        *others, text = call.arguments
    old, new = map(as_text, others)
    return as_text(text).translate({ord(a): b for a, b in reversed(list(zip(old, new, strict=False)))})


def with_pairs(text: str, pairs: dict[str, Value]) -> str:
    """Text with each key replaced by its value, all at once, the longest first."""
    keys = sorted((key for key in pairs if key), key=len, reverse=True)[:200]
    expression = re.compile("|".join(map(re.escape, keys))) if keys else None
    return (
        expression.sub(lambda found: as_text(pairs[found.group()]), text)[:MAX_TEXT] if expression else text
    )


# -- replacing ------------------------------------------------------------------------------------


def _replace(call: Call) -> Value:
    arguments = [*call.arguments]
    if isinstance(call.receiver, dict):  # Go's `replacer.Replace(text)`
        return with_pairs(as_text(arguments[0]), call.receiver) if arguments else HOLE
    text: Value = call.receiver if call.known else None
    if text is None:
        subject_first = call.language in ("go", "julia", "octave", "lua", "csharp", "java", "elixir")
        if call.name.startswith("str_replace") and call.language == "r":
            subject_first = True
        text = arguments.pop(0 if subject_first else 2) if len(arguments) > 2 or subject_first else None
    if not isinstance(text, str) or text == HOLE or not arguments:
        return HOLE
    pairs = [each for each in arguments if isinstance(each, dict)]
    if pairs and all(isinstance(each, dict) for each in arguments):  # replace(text, "a" => "b", …)
        return with_pairs(text, {k: v for each in pairs for k, v in each.items()})
    old, new = arguments[0], arguments[1] if len(arguments) > 1 else ""
    if isinstance(old, list):
        news = items(new)
        for i, each in enumerate(old[:100]):
            piece = as_text(news[i]) if i < len(news) and isinstance(new, list) else as_text(new)
            text = text.replace(as_text(each), piece)[:MAX_TEXT] if each else text
        return text
    if isinstance(old, Pattern) and call.language == "javascript":
        every = "g" in old.partition("/")[0]
    else:
        every = call.name not in _ONCE
    return _substituted(text, _pattern_of(old, call), new, every, call.apply)


_ONCE = {"sub", "sub!", "str_replace_first", "replacefirst", "regexprep"}
_LUA_CLASSES = {"a": "[A-Za-z]", "d": "[0-9]", "w": "[A-Za-z0-9]", "s": r"\s", "x": "[0-9A-Fa-f]",
                "l": "[a-z]", "u": "[A-Z]", "p": r"[^\w\s]",
                "D": "[^0-9]", "W": "[^A-Za-z0-9]", "S": r"\S", "A": "[^A-Za-z]"}  # fmt: skip


def _pattern_of(old: Value, call: Call) -> str:
    """Regular expression in Python's spelling for what is to be found."""
    text = as_text(old)
    if isinstance(old, Pattern):
        return old
    if call.language == "lua":
        return Pattern("/" + re.sub(r"%(.)|(-)", _lua_letter, text))
    if call.name.startswith("preg_") and len(text) > 2:
        return Pattern("/" + text[1 : text.rfind(text[0])])
    if (call.language == "r" and call.named.get("fixed") is None) or call.name.startswith("regex"):
        return Pattern("/" + text)
    return Pattern("/" + re.escape(text))


def _lua_letter(found: re.Match[str]) -> str:
    letter = found.group(1)
    return "*?" if letter is None else _LUA_CLASSES.get(letter, re.escape(letter))


def _substituted(
    text: str,
    pattern: str,
    new: Value,
    every: bool,
    apply: Callable[[Value, list[Value]], Value] | None = None,
) -> Value:
    expression = _compiled(pattern, text)
    if expression is None:
        return HOLE

    def put(found: re.Match[str]) -> str:
        groups = [each or "" for each in (found.groups() or (found.group(),))]
        if isinstance(new, dict):
            return as_text(new.get(groups[0], found.group()))
        if isinstance(new, (Function, Name)) and apply is not None:
            return as_text(apply(new, list(groups)))
        return re.sub(
            r"(?:\\g<|[\\$%]\{?)(\d)[>}]?",
            lambda m: found.group(int(m.group(1))) or "" if int(m.group(1)) <= len(found.groups()) else "",
            as_text(new),
        )

    return expression.sub(put, text, 0 if every else 1)[:MAX_TEXT]


def _found(call: Call) -> Value:
    """``text.match(/../g)``, ``text.scan(/../)``: all that is found."""
    pattern = call.rest[0] if call.rest else None
    text = as_text(call.subject)
    expression = _compiled(pattern, text) if isinstance(pattern, Pattern) else None
    found: list[Value] = [each.group() for each in expression.finditer(text)] if expression else []
    return found[:MAX_ITEMS] if expression else HOLE


# -- lists ----------------------------------------------------------------------------------------


def _vector_of(call: Call) -> Value:
    if call.named and not call.arguments:
        return dict(call.named)
    if call.arguments and all(isinstance(each, dict) for each in call.arguments):
        return _dictionary(call)
    return flat([*call.arguments, *call.named.values()])


def _dictionary(call: Call) -> Value:
    if call.name == "newreplacer":
        values = flat(call.arguments)
        return {as_text(k): v for k, v in zip(values[::2], values[1::2], strict=False)}
    pairs = [each for each in call.arguments if isinstance(each, dict)]
    return {**{key: value for each in pairs for key, value in each.items()}, **call.named}


def _all(call: Call) -> Value:
    return flat([call.subject])


def _mapped(call: Call) -> Value:
    """``map(f, list)``, ``list.map(f)``, with the function and the list in either order."""
    values = [call.receiver] if call.known else []
    values += call.arguments
    function = next((each for each in values if isinstance(each, (Function, Name))), None)
    if function is None and call.name.startswith("array_") and values:
        function, values = Name(as_text(values[0])), values[1:]
    given = next((each for each in values if each is not function), None)
    if function is None or given is None or given == HOLE:
        return HOLE
    given = list(given) if isinstance(given, str) and call.language in ("julia", "elixir") else given
    out = [call.apply(function, [each]) for each in items(given)[:MAX_ITEMS]]
    as_string = call.language == "julia" and isinstance(call.arguments[-1], str)
    return together("", out) if as_string else out


def _first(call: Call) -> Value:
    given = items(call.subject)
    return given[0 if call.name in ("first", "head", "shift") else -1] if given else HOLE


def _appended(call: Call) -> Value:
    return [*items(call.subject), *call.rest] if call.subject != HOLE else HOLE


# -- decoders -------------------------------------------------------------------------------------


def _from_base64(call: Call) -> Value:
    subject = call.arguments[-1] if call.arguments else call.subject
    return to_text(lenient_base64(as_text(subject).encode("latin-1", "ignore")))


def _from_hex(call: Call) -> Value:
    subject = call.arguments[-1] if call.arguments else call.receiver
    return to_text(binascii.unhexlify(re.sub(r"[^0-9a-fA-F]", "", as_text(subject))))


def _prepended(call: Call) -> Value:
    return join(call.rest[0] if call.rest else HOLE, call.subject, "+")


def _pack(call: Call) -> Value:
    template = as_text(call.arguments[0]) if call.arguments else ""
    values = flat([call.receiver] if isinstance(call.receiver, list) else call.arguments[1:])
    if template.startswith(("H", "h")):
        return to_text(binascii.unhexlify(as_text(values[0])))
    if template.startswith(("C", "c", "U", "W")):
        return "".join(chr(int(as_text(each))) for each in values)
    if template.startswith("m"):
        return to_text(binascii.b2a_base64(as_text(values[0]).encode("latin-1", "ignore")))
    return together("", values) if template.startswith(("A", "a")) else HOLE


def _unpack(call: Call) -> Value:
    template = as_text(call.arguments[0]) if call.arguments else ""
    subject = as_text(call.receiver if call.known else call.arguments[-1])
    if template.startswith("m"):
        return to_text(lenient_base64(subject.encode("latin-1", "ignore")))
    if template.startswith("u"):
        return to_text(b"".join(binascii.a2b_uu(line) for line in subject.splitlines() if line))
    if sized := re.fullmatch(r"\([Aa](\d+)\)\*", template):
        return _parts(subject, int(sized.group(1)), "str_split")
    return HOLE


def _buffer(call: Call) -> Value:
    """``Buffer.from(x, kind)``, ``String::from(x)``, ``Array.from(x)``."""
    given = call.arguments[0] if call.arguments else HOLE
    kind = as_text(call.arguments[1]) if len(call.arguments) > 1 else ""
    first = call._replace(receiver=None, arguments=[given])
    if kind.startswith("base64"):
        return _from_base64(first)
    if kind == "hex":
        return _from_hex(first)
    if len(call.arguments) > 1 and isinstance(call.arguments[1], (Function, Name)):
        return _mapped(call._replace(receiver=None))
    return (
        _characters(first)
        if isinstance(given, list) and isinstance(given[:1][0] if given else "", int)
        else given
    )


def _unquoted(call: Call) -> Value:
    return unquote(as_text(call.subject))


def _bound(function: Callable[[Call], Value], names: str) -> dict[str, Callable[[Call], Value]]:
    return dict.fromkeys(names.split(), function)


#: What computes only, by last segment of the name, lower case.
PURE: dict[str, Callable[[Call], Value]] = {
    **_bound(
        _reverse, "reverse strrev rev reversed stri_reverse str_reverse reverse! array_reverse utf8_reverse"
    ),
    **_bound(_join_list, "join implode str_c stri_join mkstring joinpath"),
    **_bound(
        _split_text,
        "split explode strsplit chars str_split preg_split fields str_split_1 graphemes split_chars",
    ),
    **_bound(_paste, "paste paste0 file.path"),
    **_bound(_concat, "concat strcat prepend_all"),
    **_bound(_vector_of, "c list array vec vec! seq tuple"),
    **_bound(_dictionary, "dict hash newreplacer"),
    **_bound(
        _from_base64,
        "atob decode_base64 base64_decode base64decode decode64 urlsafe_decode64 strict_decode64 base64_dec "
        "b64decode frombase64 frombase64string b64_decode decode64!",
    ),
    "decodestring": _from_base64,
    "hex.decodestring": _from_hex,
    "prepend": _prepended,
    **_bound(_from_hex, "hex2bin hex2bytes unhexlify fromhex decodehex hex2raw"),
    "pack": _pack,
    **_bound(_unpack, "unpack unpack1"),
    **_bound(_characters, "chr fromcharcode fromcodepoint inttoutf8 char rawtochar char. chr."),
    **_bound(_string, "string string. tostring sb.string"),
    **_bound(_code, "ord charcodeat codepointat byte"),
    **_bound(_codes, "utf8toint codepoints bytes codeunits chartoraw"),
    **_bound(_number, "parseint tonumber hex hexdec oct to_i strtoi intval int number as.integer as.numeric"),
    **_bound(
        _same,
        "as.character to_s decode str trim trimws strip chomp as_str to_string into noquote shellquote "
        "string.new "
        "utf8decode collect escapeshellarg identity invisible ignorestatus freeze dup to_a to_str strdup "
        "as.raw uint8 uint8. ipairs pairs each_char c_str values array_values as.vector sb.tostring",
    ),
    **_bound(_all, "unlist unpack. table.unpack flatten"),
    **_bound(_case(str.lower), "tolower lowercase lower downcase tolowercase strtolower lc"),
    **_bound(_case(str.upper), "toupper uppercase upper upcase touppercase strtoupper uc"),
    **_bound(_case(str.swapcase), "swapcase"),
    **_bound(_case(lambda text: text[:1].upper() + text[1:]), "ucfirst uppercasefirst ucwords"),
    **_bound(_case(str.capitalize), "capitalize"),
    **_bound(_case(lambda text: text[:1].lower() + text[1:]), "lcfirst lowercasefirst"),
    **_bound(
        _replace,
        "replace replaceall gsub sub str_replace str_replace_all preg_replace gsub! sub! delete "
        "preg_replace_callback replaceallstring replaceallliteralstring strrep regexprep replacefirst",
    ),
    **_bound(_letters, "tr tr! tr_s chartr strtr"),
    **_bound(_found, "match scan matchall match_all"),
    **_bound(_part, "slice substring substr mb_substr str_sub array_slice [] "),
    **_bound(_format, "sprintf format glue format! vsprintf aformat"),
    **_bound(_rot13, "str_rot13 rot13"),
    **_bound(
        _unquoted,
        "decodeuricomponent decodeuri unescape urldecode rawurldecode unquote cgi.unescape uri_decode "
        "decode_www_form_component",
    ),
    **_bound(_buffer, "frombuffer from"),
    **_bound(
        _mapped, "map each foreach each_char sapply lapply vapply array_map collect_concat flat_map map! imap"
    ),
    **_bound(_first, "first head last"),
    **_bound(_appended, "append"),
}

#: Names of functions that say nothing when they are methods of a value that is not known.
METHODS = frozenset(
    name
    for name, function in PURE.items()
    if function
    in (_reverse, _split_text, _same, _letters, _found, _part, _replace, _mapped, _first, _code, _codes)
) | frozenset(
    "tolower lowercase lower downcase tolowercase toupper uppercase upper upcase touppercase".split()
)
