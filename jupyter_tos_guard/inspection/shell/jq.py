"""What a ``jq`` filter makes of known JSON.

A filter gives a list of values for each value. What this jq does not know, or what
depends on something unknown, makes the whole output unknown.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias
from urllib.parse import quote

from jupyter_tos_guard.inspection.bounded_regex import affordable
from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.shell.filters import lenient_base64, to_bytes, to_text
from jupyter_tos_guard.inspection.shell.process import Handler, Process

_MAX_TEXT, _MAX_PROGRAM = 1 << 18, 1 << 14
_MAX_VALUES = 4000
_MAX_NESTING = 60

Node: TypeAlias = "tuple[Any, ...]"


class _Unknown(Exception):
    """The output is not known."""


class _Environment(dict[str, str]):
    """What is known of the environment: it has more names."""


# -- reading a filter ---------------------------------------------------------------------------

_TOKEN = re.compile(
    r"(?P<blank>(?:\s|#[^\n]*)+)|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<string>\")"
    r"|(?P<field>\.[A-Za-z_]\w*)|(?P<format>@\w+)|(?P<variable>\$\w+)|(?P<name>[A-Za-z_]\w*(?:::\w+)*)"
    r"|(?P<operator>\?//|//=?|\.\.|[=!<>]=|\|=|[-+*/%]=|[-+*/%|,.<>=:;?(){}\[\]])",
    re.A,
)
_STRENGTHS = [
    {"//"},
    {"or"},
    {"and"},
    {"==", "!=", "<", "<=", ">", ">="},
    {"+", "-"},
    {"*", "/", "%"},
]

_UPDATES = frozenset({"=", "|=", "+=", "-=", "*=", "/=", "%=", "//="})


class _Parser:
    """Turns a filter's text into nodes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, Any]] = []
        self._at = 0
        self._depth = 0
        at = 0
        while at < len(text):
            at = self._token(at)

    def _token(self, at: int) -> int:
        match = _TOKEN.match(self._text, at)
        if match is None:
            raise _Unknown
        kind = match.lastgroup or ""
        if kind == "string":
            parts, at = self._string(match.end())
            self._tokens.append(("string", parts))
            return at
        if kind != "blank":
            self._tokens.append((kind, match.group()))
        return match.end()

    def _string(self, at: int) -> tuple[list[Any], int]:
        r"""Read the parts of a string that begins at ``at``: texts, and nodes for ``\(…)``."""
        parts: list[Any] = []
        start = at
        while at < len(self._text) and self._text[at] != '"':
            if self._text.startswith("\\(", at):
                parts.append(json.loads(f'"{self._text[start:at]}"', strict=False))
                end = self._closing(at + 2)
                parts.append(_parse(self._text[at + 2 : end]))
                at = start = end + 1
            else:
                at += 2 if self._text[at] == "\\" else 1
        if at >= len(self._text):
            raise _Unknown
        parts.append(json.loads(f'"{self._text[start:at]}"', strict=False))
        return parts, at + 1

    def _closing(self, at: int) -> int:
        depth, quoted = 1, False
        while at < len(self._text):
            char = self._text[at]
            if char == "\\":
                at += 1
            elif char == '"':
                quoted = not quoted
            elif not quoted and char in "()":
                depth += 1 if char == "(" else -1
                if not depth:
                    return at
            at += 1
        raise _Unknown

    def _peek(self, *texts: str) -> bool:
        if self._at >= len(self._tokens):
            return False
        kind, text = self._tokens[self._at]
        return kind != "string" and text in texts

    def _kind(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, Any]:
        if self._at >= len(self._tokens):
            raise _Unknown
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, *texts: str) -> str:
        return str(self._next()[1]) if self._peek(*texts) else ""

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise _Unknown

    def whole(self) -> Node:
        """Read all of it."""
        node = self._pipe()
        if self._at < len(self._tokens):
            raise _Unknown
        return node

    def _pipe(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise _Unknown
        if self._take("def"):
            name = self._next()[1]
            parameters = []
            if self._take("("):
                while not self._take(")"):
                    parameters.append(self._next()[1])
                    self._take(";")
            self._expect(":")
            body = self._pipe()
            self._expect(";")
            node: Node = ("define", name, parameters, body, self._pipe())
        else:
            node = self._comma()
            if self._take("|"):
                node = ("pipe", node, self._pipe())
        self._depth -= 1
        return node

    def _comma(self) -> Node:
        node = self._binary(0)
        while self._take(","):
            node = ("comma", node, self._binary(0))
        return node

    def _binary(self, strength: int) -> Node:
        if strength == len(_STRENGTHS):
            return self._postfix()
        node = self._binary(strength + 1)
        if not strength and (operator := self._take(*_UPDATES)):
            return ("update", operator, node, self._binary(0))
        while operator := self._take(*_STRENGTHS[strength]):
            right = self._binary(strength if operator == "//" else strength + 1)
            node = ("binary", operator, node, right)
        return node

    def _postfix(self) -> Node:
        node = self._term()
        while True:
            if self._kind() == "field":
                node = ("index", node, ("constant", self._next()[1][1:]))
            elif self._peek(".") and self._tokens[self._at + 1 : self._at + 2]:
                self._at += 1
                if self._kind() == "string":
                    node = ("index", node, ("text", self._next()[1], ""))
                elif not self._peek("["):
                    raise _Unknown
            elif self._take("["):
                node = self._bracket(node)
            elif self._take("?"):
                node = ("try", node)
            else:
                break
        if not self._take("as"):
            return node
        name = self._next()[1]
        self._expect("|")
        return ("bind", node, name, self._pipe())

    def _bracket(self, node: Node) -> Node:
        if self._take("]"):
            return ("each", node)
        start: Node = ("constant", None) if self._peek(":") else self._pipe()
        if self._take("]"):
            return ("index", node, start)
        self._expect(":")
        end: Node = ("constant", None) if self._peek("]") else self._pipe()
        self._expect("]")
        return ("slice", node, start, end)

    def _term(self) -> Node:
        kind, text = self._next()
        if kind == "number":
            return ("constant", float(text) if re.search(r"[.eE]", text) else int(text))
        if kind == "string":
            return ("text", text, "")
        if kind == "format":
            return ("text", self._next()[1], text) if self._kind() == "string" else ("format", text)
        if kind == "variable":
            return ("variable", text)
        if kind == "field":
            return ("index", ("same",), ("constant", text[1:]))
        if kind == "name":
            return self._named(text)
        if text == ".":
            return (
                ("index", ("same",), ("text", self._next()[1], "")) if self._kind() == "string" else ("same",)
            )
        if text == "..":
            return ("recurse",)
        if text == "-":
            return ("binary", "-", ("constant", 0), self._postfix())
        if text == "(":
            node = self._pipe()
            self._expect(")")
            return node
        if text == "[":
            if self._take("]"):
                return ("constant", [])
            node = self._pipe()
            self._expect("]")
            return ("list", node)
        if text == "{":
            return self._object()
        raise _Unknown

    def _named(self, name: str) -> Node:
        if name in ("true", "false", "null"):
            return ("constant", {"true": True, "false": False, "null": None}[name])
        if name == "if":
            return self._if()
        if name in ("reduce", "foreach"):
            source = self._term()
            while self._take("["):
                source = self._bracket(source)
            self._expect("as")
            variable = self._next()[1]
            return (name, source, variable, self._arguments())
        if name == "try":
            node: Node = ("try", self._postfix())
            if self._take("catch"):
                self._postfix()
            return node
        return ("call", name, self._arguments() if self._peek("(") else [])

    def _arguments(self) -> list[Node]:
        self._expect("(")
        arguments = [self._pipe()]
        while self._take(";"):
            arguments.append(self._pipe())
        self._expect(")")
        return arguments

    def _if(self) -> Node:
        condition = self._pipe()
        self._expect("then")
        yes = self._pipe()
        if self._take("elif"):
            return ("if", condition, yes, self._if())
        no: Node = self._pipe() if self._take("else") else ("same",)
        self._expect("end")
        return ("if", condition, yes, no)

    def _object(self) -> Node:
        pairs: list[tuple[Node, Node]] = []
        while not self._take("}"):
            kind, text = self._next()
            if kind == "variable":
                key: Node = ("constant", text[1:])
                value: Node = ("variable", text)
            elif text == "(" and kind != "string":
                key = self._pipe()
                self._expect(")")
                value = ("same",)
            else:
                key = ("text", text, "") if kind == "string" else ("constant", text)
                value = ("index", ("same",), key)
            if self._take(":"):
                value = self._binary(0)
                while self._take("|"):
                    value = ("pipe", value, self._binary(0))
            pairs.append((key, value))
            self._take(",")
        return ("object", pairs)


def _parse(text: str) -> Node:
    return _Parser(text).whole()


# -- running it --------------------------------------------------------------------------------------


class _Filter:
    """Runs nodes; ``names`` are variables and, without a dollar, functions."""

    def __init__(self, spend: Callable[[int], None], names: dict[str, Any]) -> None:
        self.spend = spend
        self.names = names
        self.depth = 0

    def run(self, node: Node, value: Any) -> list[Any]:
        """Return all that ``node`` makes of ``value``."""
        self.spend(1)
        self.depth += 1
        if self.depth > 4 * _MAX_NESTING:
            raise _Unknown
        made: list[Any] = getattr(self, f"_{node[0]}")(value, *node[1:])
        self.depth -= 1
        if len(made) > _MAX_VALUES:
            raise _Unknown
        return made

    def _same(self, value: Any) -> list[Any]:
        return [value]

    def _constant(self, value: Any, constant: Any) -> list[Any]:
        return [constant]

    def _pipe(self, value: Any, left: Node, right: Node) -> list[Any]:
        return [made for each in self.run(left, value) for made in self.run(right, each)]

    def _comma(self, value: Any, left: Node, right: Node) -> list[Any]:
        return self.run(left, value) + self.run(right, value)

    def _bind(self, value: Any, source: Node, name: str, body: Node) -> list[Any]:
        found = []
        for each in self.run(source, value):
            found += self._with({name: each}, body, value)
        return found

    def _with(self, names: dict[str, Any], body: Node, value: Any) -> list[Any]:
        kept, self.names = self.names, {**self.names, **names}
        try:
            return self.run(body, value)
        finally:
            self.names = kept

    def _define(self, value: Any, name: str, parameters: list[str], body: Node, rest: Node) -> list[Any]:
        return self._with({f"{name}/{len(parameters)}": (parameters, body)}, rest, value)

    def _variable(self, value: Any, name: str) -> list[Any]:
        if name not in self.names:
            raise _Unknown
        return [self.names[name]]

    def _text(self, value: Any, parts: list[Any], form: str) -> list[Any]:
        texts = [""]
        for part in parts:
            if isinstance(part, str):
                added = [part]
            else:
                added = [_FORMATS[form or "@text"](each) for each in self.run(part, value)]
            texts = [_bounded(text + each) for each in added for text in texts]
            if len(texts) > _MAX_VALUES:
                raise _Unknown
        return texts

    def _format(self, value: Any, form: str) -> list[Any]:
        return [_FORMATS[form](value)]

    def _list(self, value: Any, node: Node) -> list[Any]:
        return [self.run(node, value)]

    def _object(self, value: Any, pairs: list[tuple[Node, Node]]) -> list[Any]:
        made: list[dict[str, Any]] = [{}]
        for key, content in pairs:
            keys, contents = self.run(key, value), self.run(content, value)
            made = [{**each, _string(k): c} for each in made for k in keys for c in contents]
            if len(made) > _MAX_VALUES:
                raise _Unknown
        return list(made)

    def _index(self, value: Any, source: Node, key: Node) -> list[Any]:
        keys = self.run(key, value)
        return [_item(each, k) for each in self.run(source, value) for k in keys]

    def _slice(self, value: Any, source: Node, start: Node, end: Node) -> list[Any]:
        begin, stop = self.run(start, value)[0], self.run(end, value)[0]
        return [None if each is None else _known(each)[begin:stop] for each in self.run(source, value)]

    def _each(self, value: Any, source: Node) -> list[Any]:
        return [item for each in self.run(source, value) for item in _items(each)]

    def _recurse(self, value: Any) -> list[Any]:
        found = [value]
        for each in found:  # grows on the way
            self.spend(1)
            if isinstance(each, (list, dict)):
                found += _items(each)
            if len(found) > _MAX_VALUES:
                raise _Unknown
        return found

    def _try(self, value: Any, node: Node) -> list[Any]:
        depth = self.depth
        try:
            return self.run(node, value)
        except (TypeError, KeyError, ValueError, IndexError, AttributeError):
            self.depth = depth
            return []

    def _if(self, value: Any, condition: Node, yes: Node, no: Node) -> list[Any]:
        return [
            made
            for each in self.run(condition, value)
            for made in self.run(yes if _true(each) else no, value)
        ]

    def _reduce(self, value: Any, source: Node, name: str, steps: list[Node]) -> list[Any]:
        return self._foreach(value, source, name, steps)[-1:] or self.run(steps[0], value)

    def _foreach(self, value: Any, source: Node, name: str, steps: list[Node]) -> list[Any]:
        state = self.run(steps[0], value)[-1]
        shown = []
        for each in self.run(source, value):
            state = (self._with({name: each}, steps[1], state) or [None])[-1]
            shown += [state] if len(steps) < 3 else self._with({name: each}, steps[2], state)
        return shown

    def _binary(self, value: Any, operator: str, left: Node, right: Node) -> list[Any]:
        if operator == "//":
            return [each for each in self._try(value, left) if _true(each)] or self.run(right, value)
        if operator in ("and", "or"):
            first = [_true(each) for each in self.run(left, value)]
            return [
                each == (operator == "or") if each == (operator == "or") else _true(other)
                for each in first
                for other in ([None] if each == (operator == "or") else self.run(right, value))
            ]
        rights = self.run(right, value)
        return [_bounded(_OPERATORS[operator](a, b)) for b in rights for a in self.run(left, value)]

    def _update(self, value: Any, operator: str, path: Node, right: Node) -> list[Any]:
        if operator == "|=":
            return [self._changed(value, path, lambda old: self.run(right, old)[0])]
        given = self.run(right, value)[0]
        if operator in ("=", "//="):
            return [
                self._changed(value, path, lambda old: given if operator == "=" or not _true(old) else old)
            ]
        return [self._changed(value, path, lambda old: _bounded(_OPERATORS[operator[0]](old, given)))]

    def _changed(self, value: Any, path: Node, change: Callable[[Any], Any]) -> Any:
        """``value`` with what ``path`` leads to changed."""
        self.spend(1)
        kind = path[0]
        if kind == "same":
            return change(value)
        if kind == "pipe":
            return self._changed(value, path[1], lambda each: self._changed(each, path[2], change))
        if kind == "comma":
            return self._changed(self._changed(value, path[1], change), path[2], change)
        if kind == "each":
            return self._changed(value, path[1], lambda each: _each_changed(each, change))
        if kind == "index":
            key = self.run(path[2], value)[0]
            return self._changed(value, path[1], lambda each: _item_changed(each, key, change))
        if path[:2] == ("call", "select"):
            return change(value) if self._call(value, "select", path[2]) else value
        raise _Unknown

    def _call(self, value: Any, name: str, arguments: list[Node]) -> list[Any]:
        own = self.names.get(f"{name}/{len(arguments)}")
        if own is not None:
            return self._call_own(value, own, arguments)
        if name in _WITH_FILTERS:
            return _WITH_FILTERS[name](self, value, arguments)
        function = _FUNCTIONS.get(name)
        if function is None:
            raise _Unknown
        given: list[list[Any]] = [[]]
        for argument in arguments:
            made = self.run(argument, value)
            given = [[*each, one] for each in given for one in made]
        return [_bounded(function(_known(value), *each)) for each in given[:_MAX_VALUES]]

    def _call_own(self, value: Any, own: tuple[list[str], Node], arguments: list[Node]) -> list[Any]:
        parameters, body = own
        names: dict[str, Any] = {}
        for parameter, argument in zip(parameters, arguments, strict=True):
            if parameter.startswith("$"):
                names[parameter] = self.run(argument, value)[0]
            if argument != ("call", parameter, []):
                names[f"{parameter.lstrip('$')}/0"] = ([], argument)
        return self._with(names, body, value)


def _each_changed(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: change(each) for key, each in value.items()}
    return [change(each) for each in _items(value)]


def _item_changed(value: Any, key: Any, change: Callable[[Any], Any]) -> Any:
    made = {} if value is None else value.copy()
    made[key] = change(_item(value, key))
    return made


def _bounded(value: Any) -> Any:
    if isinstance(value, (str, list)) and len(value) > (_MAX_TEXT if isinstance(value, str) else _MAX_VALUES):
        raise _Unknown
    return value


def _known(value: Any) -> Any:
    """``value``, unless it is a text that is not known."""
    if isinstance(value, str) and HOLE in value:
        raise _Unknown
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no string")
    return value


def _true(value: Any) -> bool:
    return _known(value) is not None and value is not False


def _items(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list):
        return value
    raise TypeError("nothing to go through")


def _item(value: Any, key: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, _Environment) and key not in value:
        raise _Unknown
    if isinstance(value, dict):
        return value.get(_string(key))
    if isinstance(value, list) and isinstance(key, (int, float)):
        return value[int(key)] if -len(value) <= key < len(value) else None
    raise TypeError("no such item")


def _shown(value: Any, **form: Any) -> str:
    """JSON as jq writes it."""
    return json.dumps(_whole(value), ensure_ascii=False, **form)


def _whole(value: Any) -> Any:
    """Write whole numbers without their point."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e17:
        return int(value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return {k: _whole(v) for k, v in value.items()} if isinstance(value, dict) else value


def _tostring(value: Any) -> str:
    return value if isinstance(value, str) else _shown(value, separators=(",", ":"))


def _row(separator: str, cell: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: separator.join(map(cell, _items(value)))


_FORMATS: dict[str, Callable[[Any], str]] = {
    "@text": _tostring,
    "@json": lambda value: _shown(value, separators=(",", ":")),
    "@base64": lambda value: base64.b64encode(to_bytes(_known(_tostring(value)))).decode("ascii"),
    "@base64d": lambda value: to_text(lenient_base64(to_bytes(_known(_tostring(value))))),
    "@uri": lambda value: quote(_tostring(value), safe="-_.~"),
    "@html": lambda value: html.escape(_tostring(value)),
    "@sh": lambda value: " ".join(
        "'" + each.replace("'", "'\\''") + "'" if isinstance(each, str) else _tostring(each)
        for each in (value if isinstance(value, list) else [value])
    ),
    "@csv": _row(",", lambda v: '"' + v.replace('"', '""') + '"' if isinstance(v, str) else _tostring(v)),
    "@tsv": _row("\t", lambda value: "" if value is None else _tostring(value)),
}


def _add(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return right if left is None else left
    if isinstance(left, dict) and isinstance(right, dict):
        return {**left, **right}
    return left + right


def _subtract(left: Any, right: Any) -> Any:
    return [each for each in left if each not in right] if isinstance(left, list) else left - right


def _multiply(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        if len(left) * right > _MAX_TEXT:
            raise _Unknown
        return left * int(right) if right > 0 else None
    return {**left, **right} if isinstance(left, dict) else left * right


def _divide(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        return _split(left, right)
    return left / right if left % right else left // right


def _order(value: Any) -> tuple[Any, ...]:
    """Give what jq sorts by: null, false, true, numbers, strings, the rest."""
    if value is None or isinstance(value, bool):
        return (0, 0 if value is None else 1 + value)
    return (1, value) if isinstance(value, (int, float)) else (2, _known(_tostring(value)))


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "%": lambda a, b: int(a) % int(b),
    "==": lambda a, b: _known(a) == _known(b),
    "!=": lambda a, b: _known(a) != _known(b),
    "<": lambda a, b: _order(a) < _order(b),
    "<=": lambda a, b: _order(a) <= _order(b),
    ">": lambda a, b: _order(a) > _order(b),
    ">=": lambda a, b: _order(a) >= _order(b),
}


def _length(value: Any) -> float:
    if value is None:
        return 0
    return abs(value) if isinstance(value, (int, float)) else len(value)


def _split(text: str, separator: str, *_: Any) -> list[str]:
    return text.split(separator) if separator else list(text)


def _sum(values: Any) -> Any:
    items = _items(values)
    if items and all(isinstance(each, str) for each in items):
        return _bounded("".join(items))
    total = None
    for each in items[:_MAX_VALUES]:
        total = _bounded(_add(total, each))
    return total


def _flatten(value: Any, depth: float = 9) -> list[Any]:
    if depth <= 0:
        return list(value)
    parts = [_flatten(each, depth - 1) if isinstance(each, list) else [each] for each in value]
    return [each for part in parts for each in part]


def _entries(value: Any) -> list[Any]:
    return [{"key": k, "value": v} for k, v in value.items()]


def _from_entries(value: Any) -> dict[str, Any]:
    return {
        _tostring(e.get("key", e.get("k", e.get("name", e.get("Name", e.get("Key")))))): e.get(
            "value", e.get("v", e.get("Value"))
        )
        for e in value
    }


def _replace(value: str, pattern: str, replacement: str, flags: str = "") -> str:
    found = affordable(_named_groups(pattern), value, re.I if "i" in flags else 0)
    if found is None:
        raise _Unknown
    return found.sub(lambda _: replacement, value, 0 if "g" in flags else 1)


def _named_groups(pattern: str) -> str:
    return re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", _known(pattern))


def _test(value: str, pattern: str, flags: str = "") -> bool:
    found = affordable(_named_groups(pattern), value, re.I if "i" in flags else 0)
    if found is None:
        raise _Unknown
    return found.search(value) is not None


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", list: "array", dict: "object", type(None): "null"}
    return names.get(type(value), "number")


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "length": lambda value: (
        0 if value is None else abs(value) if isinstance(value, (int, float)) else len(value)
    ),
    "keys": lambda value: sorted(value) if isinstance(value, dict) else list(range(len(value))),
    "keys_unsorted": list,
    "join": lambda value, separator: separator.join("" if v is None else _tostring(v) for v in value),
    "implode": lambda value: "".join(map(chr, value)),
    "explode": lambda value: list(map(ord, value)),
    "split": _split,
    "splits": _split,
    "ascii_downcase": lambda value: value.lower(),
    "ascii_upcase": lambda value: value.upper(),
    "ascii": chr,
    "ltrimstr": lambda value, start: value.removeprefix(start) if isinstance(value, str) else value,
    "rtrimstr": lambda value, end: value.removesuffix(end) if isinstance(value, str) else value,
    "trim": lambda value: value.strip(),
    "ltrim": lambda value: value.lstrip(),
    "rtrim": lambda value: value.rstrip(),
    "startswith": lambda value, start: value.startswith(start),
    "endswith": lambda value, end: value.endswith(end),
    "test": _test,
    "sub": _replace,
    "gsub": lambda value, pattern, replacement, flags="": _replace(value, pattern, replacement, flags + "g"),
    "tostring": _tostring,
    "tojson": lambda value: _shown(value, separators=(",", ":")),
    "fromjson": lambda value: json.loads(value),
    "tonumber": lambda value: value if isinstance(value, (int, float)) else json.loads(value),
    "reverse": lambda value: value[::-1] if value else [],
    "sort": lambda value: sorted(value, key=_order),
    "unique": lambda value: sorted({_tostring(each): each for each in value}.values(), key=_order),
    "add": _sum,
    "min": lambda value: min(value, key=_order, default=None),
    "max": lambda value: max(value, key=_order, default=None),
    "flatten": _flatten,
    "transpose": lambda value: list(map(list, zip(*value, strict=True))),
    "to_entries": _entries,
    "from_entries": _from_entries,
    "has": lambda value, key: key in value if isinstance(value, dict) else 0 <= key < len(value),
    "contains": lambda value, part: (
        part in value if isinstance(value, str) else all(p in value for p in part)
    ),
    "inside": lambda value, whole: value in whole,
    "index": lambda value, part: value.find(part) if part in value else None,
    "not": lambda value: not _true(value),
    "type": _type,
    "floor": lambda value: int(value // 1),
    "nth": lambda value, at: value[at],
}


def _first(run: _Filter, value: Any, arguments: list[Node]) -> list[Any]:
    return run.run(arguments[0], value)[:1] if arguments else _items(value)[:1]


def _last(run: _Filter, value: Any, arguments: list[Node]) -> list[Any]:
    return run.run(arguments[0], value)[-1:] if arguments else _items(value)[-1:]


def _map(run: _Filter, value: Any, arguments: list[Node]) -> list[Any]:
    return [[made for each in _items(value) for made in run.run(arguments[0], each)]]


def _map_values(run: _Filter, value: Any, arguments: list[Node]) -> list[Any]:
    if isinstance(value, list):
        return [[made for each in value for made in run.run(arguments[0], each)[:1]]]
    return [{k: made for k, each in value.items() for made in run.run(arguments[0], each)[:1]}]


def _select(run: _Filter, value: Any, arguments: list[Node]) -> list[Any]:
    return [value for each in run.run(arguments[0], value) if _true(each)]


def _range(run: _Filter, value: Any, arguments: list[Node]) -> list[Any]:
    numbers = [int(run.run(each, value)[0]) for each in arguments]
    return list(range(*numbers)[: _MAX_VALUES + 1])


def _limit(run: _Filter, value: Any, arguments: list[Node]) -> list[Any]:
    return run.run(arguments[1], value)[: int(run.run(arguments[0], value)[0])]


def _sort_by(run: _Filter, value: Any, arguments: list[Node]) -> list[Any]:
    return [sorted(value, key=lambda each: [_order(key) for key in run.run(arguments[0], each)])]


def _with_entries(run: _Filter, value: Any, arguments: list[Node]) -> list[Any]:
    return [_from_entries(_map(run, _entries(value), arguments)[0])]


def _truths(every: bool) -> Callable[[_Filter, Any, list[Node]], list[Any]]:
    def handle(run: _Filter, value: Any, arguments: list[Node]) -> list[Any]:
        found = _map(run, value, arguments)[0] if arguments else _items(value)
        return [(all if every else any)(map(_true, found))]

    return handle


_WITH_FILTERS: dict[str, Callable[[_Filter, Any, list[Node]], list[Any]]] = {
    "empty": lambda run, value, arguments: [],
    "recurse": lambda run, value, arguments: run._recurse(value),
    "values": lambda run, value, arguments: [] if value is None else [value],
    "strings": lambda run, value, arguments: [value] if isinstance(value, str) else [],
    "scalars": lambda run, value, arguments: [] if isinstance(value, (list, dict)) else [value],
    "env": lambda run, value, arguments: [run.names["$ENV"]],
    "first": _first,
    "last": _last,
    "map": _map,
    "map_values": _map_values,
    "select": _select,
    "range": _range,
    "limit": _limit,
    "sort_by": _sort_by,
    "with_entries": _with_entries,
    "any": _truths(False),
    "all": _truths(True),
}


# -- the program's own arguments ---------------------------------------------------------------------


def _jq(process: Process) -> str:
    process.announce(data=True)
    letters, names, operands, program = _arguments(process)
    if program is None:
        program = operands.pop(0) if operands else "."
    names["$ENV"] = _Environment(process.environ)
    try:
        if HOLE in program or len(program) > _MAX_PROGRAM:
            return HOLE
        node = _parse(program)
        run = _Filter(process.state.budget.spend, names)
        made = [each for value in _inputs(process, letters, operands) for each in run.run(node, value)]
        text = "".join(_output(each, letters) for each in made)
    except _UNKNOWN:
        return HOLE
    process.status = 0
    return text if len(text) <= _MAX_TEXT else HOLE


_UNKNOWN = (
    _Unknown,
    ArithmeticError,
    AttributeError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    RecursionError,
)
_LONG = {
    "raw-output": "r",
    "null-input": "n",
    "join-output": "j",
    "compact-output": "c",
    "slurp": "s",
    "raw-input": "R",
    "tab": "",
    "sort-keys": "S",
}


def _arguments(process: Process) -> tuple[str, dict[str, Any], list[str], str | None]:
    letters, program = "", None
    names: dict[str, Any] = {}
    operands: list[str] = []
    words = iter(process.arguments)
    for word in words:
        if word in ("--arg", "--argjson", "--slurpfile", "--rawfile"):
            name, text = "$" + next(words, ""), next(words, "")
            names[name] = _argument(process, word, text)
        elif word == "--indent":
            next(words, "")
        elif word in ("-f", "--from-file"):
            program = process.read(next(words, "")) or HOLE
        elif word.startswith("--"):
            letters += _LONG.get(word[2:], "")
        elif word.startswith("-") and len(word) > 1:
            letters += word[1:]
        else:
            operands.append(word)
    return letters, names, operands, program


def _argument(process: Process, option: str, text: str) -> Any:
    if option == "--arg":
        return text
    content = text if option == "--argjson" else process.read(text)
    if content is None or option == "--rawfile":
        return HOLE if content is None else content
    found = list(_documents(content))
    return found if option == "--slurpfile" else found[0] if found else HOLE


def _inputs(process: Process, letters: str, paths: list[str]) -> Iterable[Any]:
    if "n" in letters:
        return [None]
    texts = [process.read(path) for path in paths] if paths else [process.stdin.rest()]
    text = "".join(HOLE if each is None else each for each in texts)
    process.state.budget.spend(1 + len(text) // 64)
    if "R" in letters:
        return [text] if "s" in letters else text.removesuffix("\n").split("\n")[:_MAX_VALUES]
    values = list(_documents(text))
    return [values] if "s" in letters else values


def _documents(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder(strict=False)
    at = 0
    for _ in range(_MAX_VALUES):
        while at < len(text) and text[at].isspace():
            at += 1
        if at >= len(text):
            return
        value, at = decoder.raw_decode(text, at)
        yield value


def _output(value: Any, letters: str) -> str:
    end = "" if "j" in letters else "\n"
    if isinstance(value, str) and ("r" in letters or "j" in letters):
        return value + end
    sort = "S" in letters
    if "c" in letters:
        return _shown(value, separators=(",", ":"), sort_keys=sort) + end
    return _shown(value, indent=2, sort_keys=sort) + end


HANDLERS: dict[str, Handler] = {**dict.fromkeys(("jq", "gojq", "jaq"), _jq)}
