"""What an awk program prints and starts, as far as its input is known.

A small awk: patterns, statements, fields, arrays, functions, pipes and files. What is not
known is :data:`~.facts.HOLE`; both branches of a test that is not known are taken, loops over it once.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any, TypeAlias

from jupyter_tos_guard.inspection.bounded_regex import affordable
from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.shell.filters import format_once, posix_regex
from jupyter_tos_guard.inspection.shell.options import options_of
from jupyter_tos_guard.inspection.shell.process import Handler, Process, Stream, nested
from jupyter_tos_guard.inspection.shell.syntax import ansi_c

_MAX_TEXT = 1 << 18
_MAX_PROGRAM = 1 << 15
_MAX_RECORDS, _MAX_TURNS, _MAX_FIELDS = 4000, 10_000, 4000
_MAX_NESTING = 40

Node: TypeAlias = "tuple[object, ...]"
Scalar: TypeAlias = str | float


class _Unreadable(Exception):
    """Not a program that this awk reads."""


class _Leave(Exception):
    """``next``, ``exit``, ``break``, ``continue``, ``return``."""

    def __init__(self, how: str, value: Scalar = "") -> None:
        self.how = how
        self.value = value


class _Input(str):
    """Text that was read: where it looks like a number it is one."""


# -- reading the program --------------------------------------------------------------------

_TOKEN = re.compile(
    r"(?P<blank>(?:[ \t\r]|\\\r?\n|#[^\n]*)+)"
    r"|(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
    r"|(?P<string>\"(?:\\.|[^\"\\])*\")|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<operator>\n|&&|\|\||\+\+|--|\*\*=?|[-+*/%^!=<>]=|!~|>>|\|&|[-+*/%^!<>=~?:;,(){}\[\]$|])",
    re.S | re.A,
)
_REGEX = re.compile(r"/((?:\\.|\[(?:\\.|\[:\w+:\]|[^\]\\\n])+\]|[^/\\\n\[])*)/", re.S)
_WORDS = frozenset(
    "if else while do for in next exit break continue return delete print printf getline function func "
    "BEGIN END".split()
)
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
}
#: Operators that a further part of a concatenation may begin with.
_BEGINNING = frozenset({"$", "(", "!", "-", "+", "++", "--"})
_ASSIGNING = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "^=", "**="})


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        kind, last = found[-1] if found else ("", "")
        if text[at] == "/" and not (
            kind in ("number", "string", "name") or last in (")", "]", "$", "++", "--")
        ):
            regex = _REGEX.match(text, at)
            if regex is None:
                raise _Unreadable
            found.append(("regex", regex.group(1).replace("\\/", "/")))
            at = regex.end()
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            raise _Unreadable
        at = match.end()
        if match.lastgroup == "blank":
            continue
        token = match.group()
        if match.lastgroup == "string":
            found.append(("string", ansi_c(token[1:-1].replace("\\/", "/"))))
        elif match.lastgroup == "name" and token in _WORDS:
            found.append(("word", token))
        elif match.lastgroup == "name" and text.startswith("(", at) and token not in _FUNCTIONS:
            found.append(("call", token))
        else:
            found.append((match.lastgroup or "", token))
    return found


class _Parser:
    """Turns tokens into rules: (pattern, pattern of the end, body)."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self.functions: dict[str, tuple[list[str], Node]] = {}
        self.rules: list[tuple[Node, Node | None, Node | None]] = []

    def read(self) -> None:
        """Read all rules and functions."""
        self._skip()
        while self._at < len(self._tokens):
            if self._take("function", "func"):
                name = self._next()[1]
                self._expect("(")
                parameters = []
                while not self._take(")"):
                    parameters.append(self._next()[1])
                    self._take(",")
                self._skip()
                self.functions[name] = (parameters, self._block())
            else:
                pattern: Node = ("always",)
                end = None
                if self._peek("BEGIN", "END"):
                    pattern = (self._next()[1],)
                elif not self._peek("{"):
                    pattern = self._expression()
                    if self._take(","):
                        end = self._expression()
                self.rules.append((pattern, end, self._block() if self._peek("{") else None))
            self._skip()

    # -- tokens

    def _peek(self, *texts: str) -> bool:
        return (
            self._at < len(self._tokens)
            and self._tokens[self._at][1] in texts
            and self._tokens[self._at][0] not in ("string", "regex")
        )

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise _Unreadable
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, *texts: str) -> str:
        return self._next()[1] if self._peek(*texts) else ""

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise _Unreadable

    def _skip(self) -> None:
        while self._take("\n", ";"):
            pass

    def _lines(self) -> None:
        while self._take("\n"):
            pass

    # -- statements

    def _block(self) -> Node:
        self._lines()
        if not self._take("{"):
            return self._statement()
        body = []
        self._skip()
        while not self._take("}"):
            body.append(self._statement())
            self._skip()
        return ("block", body)

    def _statement(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise _Unreadable
        try:
            return self._one_statement()
        finally:
            self._depth -= 1

    def _one_statement(self) -> Node:
        if self._peek("{"):
            return self._block()
        if self._take(";"):
            return ("block", [])
        if self._take("if"):
            condition, body = self._condition(), self._block()
            at = self._at
            self._skip()
            if self._take("else"):
                return ("if", condition, body, self._block())
            self._at = at
            return ("if", condition, body, ("block", []))
        if self._take("while"):
            return ("while", self._condition(), self._block(), None)
        if self._take("do"):
            body = self._block()
            self._skip()
            self._expect("while")
            return ("block", [body, ("while", self._condition(), body, None)])
        if self._take("for"):
            return self._for()
        if how := self._take("next", "exit", "break", "continue", "return"):
            value = None if self._ends() else self._expression()
            return ("leave", how, value)
        if self._take("delete"):
            name = self._next()[1]
            if not self._take("["):
                return ("delete", name, None)
            keys = self._list("]")
            return ("delete", name, keys)
        if verb := self._take("print", "printf"):
            return self._print(verb)
        return ("value", self._expression())

    def _ends(self) -> bool:
        return self._at >= len(self._tokens) or self._peek("\n", ";", "}")

    def _condition(self) -> Node:
        self._expect("(")
        condition = self._expression()
        self._expect(")")
        return condition

    def _for(self) -> Node:
        self._expect("(")
        following = [text for _, text in self._tokens[self._at : self._at + 4]]
        if following[1:2] == ["in"] and following[3:4] == [")"]:
            self._at += 4
            return ("each", following[0], following[2], self._block())
        start = ("block", []) if self._peek(";") else self._statement()
        self._expect(";")
        self._lines()
        condition: Node = ("number", 1.0) if self._peek(";") else self._expression()
        self._expect(";")
        self._lines()
        step = ("block", []) if self._peek(")") else self._statement()
        self._expect(")")
        return ("block", [start, ("while", condition, self._block(), step)])

    def _print(self, verb: str) -> Node:
        values: list[Node] = []
        if not self._ends() and not self._peek(">", ">>", "|"):
            values.append(self._expression(printing=True))
            while self._take(","):
                self._lines()
                values.append(self._expression(printing=True))
        if len(values) == 1 and values[0][0] == "group":
            values = list(values[0][1])  # type: ignore[call-overload]
        how = self._take(">", ">>", "|")
        return (verb, values, how, self._concatenation(printing=True) if how else None)

    def _list(self, end: str) -> list[Node]:
        values: list[Node] = []
        while not self._take(end):
            values.append(self._expression())
            self._take(",")
            self._lines()
        return values

    # -- expressions, from the weakest operator to the strongest

    def _expression(self, printing: bool = False) -> Node:
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise _Unreadable
        left = self._or(printing)
        if self._take("?"):
            self._lines()
            yes = self._expression(printing)
            self._lines()
            self._expect(":")
            self._lines()
            left = ("choose", left, yes, self._expression(printing))
        elif (sign := self._take(*_ASSIGNING)) and left[0] in ("name", "field", "item"):
            self._lines()
            left = ("assign", sign[:-1], left, self._expression(printing))
        self._depth -= 1
        return left

    def _chain(self, operators: tuple[str, ...], inner: Callable[[bool], Node], printing: bool) -> Node:
        left = inner(printing)
        while sign := self._take(*operators):
            self._lines()
            left = (sign, left, inner(printing))
        return left

    def _or(self, printing: bool) -> Node:
        return self._chain(("||",), self._and, printing)

    def _and(self, printing: bool) -> Node:
        return self._chain(("&&",), self._membership, printing)

    def _membership(self, printing: bool) -> Node:
        left = self._matching(printing)
        while self._take("in"):
            left = ("in", left, self._next()[1])
        return left

    def _matching(self, printing: bool) -> Node:
        return self._chain(("~", "!~"), self._comparison, printing)

    def _comparison(self, printing: bool) -> Node:
        left = self._concatenation(printing)
        operators = _COMPARISONS.keys() - {">"} if printing else _COMPARISONS.keys()
        if sign := self._take(*operators):
            return ("compare", sign, left, self._concatenation(printing))
        while not printing and [text for _, text in self._tokens[self._at : self._at + 2]] == [
            "|",
            "getline",
        ]:
            self._at += 2
            left = ("getline", "|", left, self._target())
        return left

    def _target(self) -> Node | None:
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        return self._primary() if kind == "name" or text == "$" else None

    def _concatenation(self, printing: bool = False) -> Node:
        left = self._sum()
        while self._at < len(self._tokens):
            kind, text = self._tokens[self._at]
            if kind not in ("number", "string", "name", "call", "regex") and text not in _BEGINNING:
                break
            left = ("concatenate", left, self._sum())
        return left

    def _sum(self) -> Node:
        left = self._product()
        while sign := self._take("+", "-"):
            left = ("arithmetic", sign, left, self._product())
        return left

    def _product(self) -> Node:
        left = self._unary()
        while sign := self._take("*", "/", "%"):
            left = ("arithmetic", sign, left, self._unary())
        return left

    def _unary(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise _Unreadable
        sign = self._take("!", "-", "+")
        if sign:
            made: Node = ("unary", sign, self._unary())
        else:
            made = self._power()
        self._depth -= 1
        return made

    def _power(self) -> Node:
        left = self._primary()
        if self._take("^", "**"):
            return ("arithmetic", "^", left, self._unary())
        if (sign := self._take("++", "--")) and left[0] in ("name", "field", "item"):
            return ("after", sign[0], left)
        return left

    def _primary(self) -> Node:
        if sign := self._take("++", "--"):
            return ("assign", sign[0], self._primary(), ("number", 1.0))
        if self._take("$"):
            return ("field", self._primary() if not self._peek("-") else self._unary())
        if self._take("("):
            values = self._list(")")
            return values[0] if len(values) == 1 and not self._peek("in") else ("group", values)
        if self._take("getline"):
            target = self._target()
            source = self._primary() if self._take("<") else None
            return ("getline", "<" if source else "", source, target)
        kind, text = self._next()
        if kind == "number":
            return ("number", float(int(text, 16)) if text[:2] in ("0x", "0X") else float(text))
        if kind in ("string", "regex"):
            return (kind, text)
        if kind == "call" or (kind == "name" and text in _FUNCTIONS):
            if not self._take("("):
                return ("call", text, [])  # `length`
            return ("call", text, self._list(")"))
        if kind != "name":
            raise _Unreadable
        return ("item", text, self._list("]")) if self._take("[") else ("name", text)


# -- running it -----------------------------------------------------------------------------------


class _Run:
    """One run of a program over its records."""

    def __init__(self, program: _Parser, process: Process, separator: str) -> None:
        self.program = program
        self.process = process
        self.names: dict[str, Scalar | dict[str, Scalar]] = {
            "FS": separator or " ",
            "OFS": " ",
            "ORS": "\n",
            "RS": "\n",
            "SUBSEP": "\x1c",
            "NR": 0.0,
            "FNR": 0.0,
            "NF": 0.0,
            "ENVIRON": {k: _Input(v) for k, v in process.environ.items()},
        }
        self.fields: list[str] = [""]
        self.out: list[str] = []
        self.size = 0
        self.pipes: dict[str, str] = {}
        self.files: dict[str, str] = {}
        self.reading: dict[str, Iterator[str]] = {}
        self.records: Iterator[str] = iter(())
        self.inside: set[int] = set()

    def run(self, text: Callable[[], str]) -> str:
        """Run all rules; ``text`` gives the input, if anything asks for it."""
        rules = self.program.rules
        try:
            for pattern, _, body in rules:
                if pattern[0] == "BEGIN" and body is not None:
                    self._do(body)
            if any(pattern[0] != "BEGIN" for pattern, _, _ in rules):
                self.records = self._split_records(text())
                for record in self.records:
                    self._count(record)
                    self._apply(rules)
        except _Leave as leave:
            if leave.how != "exit":
                raise _Unreadable from None
        with suppress(_Leave):
            for pattern, _, body in rules:
                if pattern[0] == "END" and body is not None:
                    self._do(body)
        for command in list(self.pipes):
            self._close(command)
        for path in list(self.files):
            self._close(path)
        return "".join(self.out)

    def _apply(self, rules: list[tuple[Node, Node | None, Node | None]]) -> None:
        try:
            for number, (pattern, end, body) in enumerate(rules):
                if pattern[0] in ("BEGIN", "END"):
                    continue
                if end is not None:
                    if number not in self.inside and self._truth(self._value(pattern)) is False:
                        continue
                    self.inside.add(number)
                    if self._truth(self._value(end)) is not False:
                        self.inside.discard(number)
                elif pattern[0] != "always" and self._truth(self._value(pattern)) is False:
                    continue
                if body is None:
                    self._write(self.fields[0] + str(self.names["ORS"]))
                else:
                    self._do(body)
        except _Leave as leave:
            if leave.how != "next":
                raise

    def _split_records(self, text: str) -> Iterator[str]:
        separator = self._text(self._name("RS"))
        if separator in ("", "\n"):
            text = text.removesuffix("\n")
        if not text:
            return iter(())
        if separator == "":
            pieces = [piece.strip("\n") for piece in text.split("\n\n") if piece.strip("\n")]
        elif len(separator) == 1:
            pieces = text.split(separator)
        else:
            expression = affordable(posix_regex(separator, extended=True), text)
            pieces = expression.split(text) if expression is not None else [HOLE]
        return iter(pieces[:_MAX_RECORDS])

    def _count(self, record: str) -> None:
        for name in ("NR", "FNR"):
            self.names[name] = (self._number(self._name(name)) or 0) + 1
        self._set_record(record)

    def _set_record(self, record: str) -> None:
        self.process.state.budget.spend(4 + len(record) // 64)
        parts = self._split(record, self._text(self._name("FS")))
        self.fields = [_Input(record), *map(_Input, parts)]
        self.names["NF"] = float(len(parts))

    def _split(self, text: str, separator: str) -> list[str]:
        if separator == " ":
            return text.split()[:_MAX_FIELDS]
        if not text:
            return []
        if not separator:
            return list(text[:_MAX_FIELDS])
        if len(separator) == 1 and separator != "\\":
            return text.split(separator)[:_MAX_FIELDS]
        expression = affordable(posix_regex(separator, extended=True), text)
        return [HOLE] if expression is None or expression.groups else expression.split(text)[:_MAX_FIELDS]

    # -- statements

    def _do(self, node: Node) -> None:
        self.process.state.budget.spend(1)
        getattr(self, f"_do_{node[0]}")(*node[1:])

    def _do_block(self, body: list[Node]) -> None:
        for each in body:
            self._do(each)

    def _do_value(self, node: Node) -> None:
        self._value(node)

    def _do_if(self, condition: Node, body: Node, otherwise: Node) -> None:
        truth = self._truth(self._value(condition))
        if truth is not None:
            self._do(body if truth else otherwise)
            return
        for each in (body, otherwise):
            with suppress(_Leave):  # it may not come to that
                self._do(each)

    def _do_while(self, condition: Node, body: Node, step: Node | None) -> None:
        for _ in range(_MAX_TURNS):
            truth = self._truth(self._value(condition))
            if truth is False:
                return
            if not self._turn(body) or truth is None:
                return
            if step is not None:
                self._do(step)
        raise _Unreadable

    def _turn(self, body: Node) -> bool:
        """Run a loop's body once; whether the loop goes on."""
        try:
            self._do(body)
        except _Leave as leave:
            if leave.how not in ("break", "continue"):
                raise
            return leave.how == "continue"
        return True

    def _do_each(self, name: str, table: str, body: Node) -> None:
        for key in list(self._table(table)):
            self.names[name] = _Input(key)
            if not self._turn(body):
                return

    def _do_leave(self, how: str, value: Node | None) -> None:
        raise _Leave(how, "" if value is None else self._value(value))

    def _do_delete(self, name: str, keys: list[Node] | None) -> None:
        if keys is None:
            self._table(name).clear()
        else:
            self._table(name).pop(self._key(keys), None)

    def _do_print(self, values: list[Node], how: str, target: Node | None) -> None:
        shown = [self._text(self._value(each)) for each in values] or [self.fields[0]]
        self._send(str(self.names["OFS"]).join(shown) + str(self.names["ORS"]), how, target)

    def _do_printf(self, values: list[Node], how: str, target: Node | None) -> None:
        self._send(self._format([self._value(each) for each in values]), how, target)

    def _send(self, text: str, how: str, target: Node | None) -> None:
        if target is None:
            self._write(text)
            return
        name = self._text(self._value(target))
        if how != "|" and name in ("/dev/stdout", "-"):
            self._write(text)
        elif how != "|" and name == "/dev/stderr":
            pass
        else:
            table = self.pipes if how == "|" else self.files
            if how == ">>" and name not in table:
                table[name] = self.process.read(name) or ""
            if len(table.setdefault(name, "")) < _MAX_TEXT and len(table) < 100:
                table[name] += text

    def _write(self, text: str) -> None:
        self.size += len(text)
        if self.size > _MAX_TEXT:
            raise _Unreadable
        self.out.append(text)

    def _close(self, name: str) -> None:
        self.reading.pop(name, None)
        if name in self.pipes:
            self._write(self.process.shell(name, "awk", stdin=Stream(self.pipes.pop(name))))
        elif name in self.files:
            self.process.write(name, self.files.pop(name))

    # -- expressions

    def _value(self, node: Node) -> Scalar:
        self.process.state.budget.spend(1)
        kind = node[0]
        if kind in ("number", "string"):
            return node[1]  # type: ignore[return-value]
        return _VALUES[kind](self, *node[1:])  # type: ignore[index]

    def _name(self, name: str) -> Scalar:
        value = self.names.get(name, "")
        return HOLE if isinstance(value, dict) else value

    def _field(self, index: Node) -> Scalar:
        number = self._number(self._value(index))
        if number is None:
            return HOLE
        at = int(number)
        return self.fields[at] if 0 <= at < len(self.fields) else ""

    def _table(self, name: str) -> dict[str, Scalar]:
        value = self.names.get(name)
        if not isinstance(value, dict):
            value = self.names[name] = {}
        return value

    def _key(self, keys: list[Node]) -> str:
        return self._text(self._name("SUBSEP")).join(self._text(self._value(each)) for each in keys)

    def _item(self, name: str, keys: list[Node]) -> Scalar:
        key = self._key(keys)
        table = self._table(name)
        if HOLE in key or len(table) > _MAX_FIELDS or (name == "ENVIRON" and key not in table):
            return HOLE
        return table.setdefault(key, "")

    def _group(self, values: list[Node]) -> Scalar:
        return self._key(values)

    def _assign(self, sign: str, target: Node, value: Node) -> Scalar:
        made = self._value(value)
        if sign:
            made = self._calculate(sign.replace("**", "^"), self._value(target), made)
        self._set(target, made)
        return made

    def _set(self, target: Node, value: Scalar) -> None:
        if isinstance(value, str) and len(value) > _MAX_TEXT:
            raise _Unreadable
        kind = target[0]
        if kind == "name":
            self.names[str(target[1])] = value
            if target[1] == "NF":
                size = min(int(self._number(value) or 0), _MAX_FIELDS)
                self.fields = (self.fields + [""] * size)[: size + 1]
                self._join_fields()
        elif kind == "item":
            table = self._table(str(target[1]))
            if len(table) < _MAX_FIELDS:
                table[self._key(target[2])] = value  # type: ignore[arg-type]
        elif kind == "field":
            number = self._number(self._value(target[1]))  # type: ignore[arg-type]
            if number is None or not 0 <= number <= _MAX_FIELDS:
                return
            at = int(number)
            if not at:
                self._set_record(self._text(value))
                return
            self.fields.extend([""] * (at + 1 - len(self.fields)))
            self.fields[at] = self._text(value)
            self.names["NF"] = float(len(self.fields) - 1)
            self._join_fields()

    def _join_fields(self) -> None:
        self.fields[0] = self._text(self._name("OFS")).join(self.fields[1:])

    def _after(self, sign: str, target: Node) -> Scalar:
        old = self._number(self._value(target))
        if old is None:
            return HOLE
        self._set(target, old + (1 if sign == "+" else -1))
        return old

    def _regex(self, pattern: str) -> Scalar:
        return self._found(self.fields[0], pattern)

    def _found(self, text: str, pattern: str) -> Scalar:
        if HOLE in text or HOLE in pattern:
            return HOLE
        self.process.state.budget.spend(8)
        expression = affordable(posix_regex(pattern, extended=True), text)
        return HOLE if expression is None else float(expression.search(text) is not None)

    def _pattern(self, node: Node) -> str:
        return str(node[1]) if node[0] == "regex" else self._text(self._value(node))

    def _matches(self, left: Node, right: Node) -> Scalar:
        return self._found(self._text(self._value(left)), self._pattern(right))

    def _differs(self, left: Node, right: Node) -> Scalar:
        return self._not(self._matches(left, right))

    def _not(self, value: Scalar) -> Scalar:
        truth = self._truth(value)
        return HOLE if truth is None else float(not truth)

    def _both(self, left: Node, right: Node) -> Scalar:
        first = self._truth(self._value(left))
        if first is False:
            return 0.0
        second = self._truth(self._value(right))
        return HOLE if second is None or (first is None and second) else float(second)

    def _either(self, left: Node, right: Node) -> Scalar:
        first = self._truth(self._value(left))
        if first:
            return 1.0
        second = self._truth(self._value(right))
        return HOLE if second is None or (first is None and not second) else float(second)

    def _choose(self, condition: Node, yes: Node, no: Node) -> Scalar:
        truth = self._truth(self._value(condition))
        if truth is None:
            return HOLE
        return self._value(yes if truth else no)

    def _contains(self, key: Node, table: str) -> Scalar:
        return float(self._text(self._value(key)) in self._table(table))

    def _compare(self, sign: str, left: Node, right: Node) -> Scalar:
        a, b = self._value(left), self._value(right)
        if _is_unknown(a) or _is_unknown(b):
            return HOLE
        first: Scalar
        second: Scalar
        if _numeric(a) and _numeric(b):
            first, second = self._number(a) or 0.0, self._number(b) or 0.0
        else:
            first, second = self._text(a), self._text(b)
        return float(_COMPARISONS[sign](first, second))

    def _concatenate(self, left: Node, right: Node) -> Scalar:
        made = self._text(self._value(left)) + self._text(self._value(right))
        if len(made) > _MAX_TEXT:
            raise _Unreadable
        self.process.state.budget.spend(len(made) // 256)
        return made

    def _arithmetic(self, sign: str, left: Node, right: Node) -> Scalar:
        return self._calculate(sign, self._value(left), self._value(right))

    def _calculate(self, sign: str, left: Scalar, right: Scalar) -> Scalar:
        a, b = self._number(left), self._number(right)
        if a is None or b is None:
            return HOLE
        try:
            return _ARITHMETIC[sign](a, b)
        except (ArithmeticError, ValueError, TypeError):
            return HOLE

    def _unary(self, sign: str, operand: Node) -> Scalar:
        value = self._value(operand)
        if sign == "!":
            return self._not(value)
        number = self._number(value)
        return HOLE if number is None else -number if sign == "-" else number

    def _getline(self, how: str, source: Node | None, target: Node | None) -> Scalar:
        if source is None:
            records = self.records
        else:
            name = self._text(self._value(source))
            if name not in self.reading:
                text = self.process.shell(name, "awk") if how == "|" else self.process.read(name)
                self.reading[name] = self._split_records(HOLE if text is None else text)
            records = self.reading[name]
        record = next(records, None)
        if record is None:
            return 0.0
        if target is not None:
            self._set(target, _Input(record))
        else:
            self._set_record(record)
        return 1.0

    # -- functions

    def _call(self, name: str, arguments: list[Node]) -> Scalar:
        own = self.program.functions.get(name)
        if own is not None:
            return self._call_own(own, arguments)
        return _FUNCTIONS[name](self, arguments) if name in _FUNCTIONS else HOLE

    def _call_own(self, function: tuple[list[str], Node], arguments: list[Node]) -> Scalar:
        parameters, body = function
        given: dict[str, Scalar | dict[str, Scalar]] = {}
        for i, parameter in enumerate(parameters):
            node = arguments[i] if i < len(arguments) else None
            table = self.names.get(str(node[1])) if node is not None and node[0] == "name" else None
            given[parameter] = table if isinstance(table, dict) else self._value(node) if node else ""
        kept = {name: self.names.get(name) for name in parameters}
        self.names.update(given)
        try:
            with nested(self.process.state.budget) as allowed:
                if not allowed:
                    return HOLE
                self._do(body)
        except _Leave as leave:
            if leave.how != "return":
                raise
            return leave.value
        finally:
            for name, value in kept.items():
                if value is None:
                    self.names.pop(name, None)
                else:
                    self.names[name] = value
        return ""

    def _given(self, arguments: list[Node]) -> list[str]:
        return [self._text(self._value(each)) for each in arguments]

    def _length(self, arguments: list[Node]) -> Scalar:
        if arguments and arguments[0][0] == "name" and isinstance(self.names.get(str(arguments[0][1])), dict):
            return float(len(self._table(str(arguments[0][1]))))
        text = self._given(arguments)[0] if arguments else self.fields[0]
        return HOLE if HOLE in text else float(len(text))

    def _substr(self, arguments: list[Node]) -> Scalar:
        values = [self._value(each) for each in arguments]
        text = self._text(values[0])
        numbers = [self._number(each) for each in values[1:]]
        if HOLE in text or None in numbers:
            return HOLE
        begin = round(numbers[0] or 0)
        end = begin + round(numbers[1] or 0) if len(numbers) > 1 else len(text) + 1
        return text[max(begin - 1, 0) : max(end - 1, 0)]

    def _index(self, arguments: list[Node]) -> Scalar:
        text, part = self._given(arguments[:2])
        return HOLE if HOLE in text + part else float(text.find(part) + 1)

    def _split_into(self, arguments: list[Node]) -> Scalar:
        text = self._text(self._value(arguments[0]))
        separator = self._pattern(arguments[2]) if len(arguments) > 2 else self._text(self._name("FS"))
        parts = self._split(text, separator)
        self.names[str(arguments[1][1])] = {str(i): _Input(part) for i, part in enumerate(parts, 1)}
        return HOLE if HOLE in text else float(len(parts))

    def _substitute(self, arguments: list[Node], count: int = 0) -> Scalar:
        target = arguments[2] if len(arguments) > 2 else ("field", ("number", 0.0))
        text = self._text(self._value(target))
        self.process.state.budget.spend(8 + len(text) // 64)
        expression = affordable(posix_regex(self._pattern(arguments[0]), extended=True), text)
        replacement = self._text(self._value(arguments[1]))
        if expression is None or HOLE in replacement:
            self._set(target, HOLE)
            return HOLE
        made, hits = expression.subn(lambda found: _replacement(replacement, found), text[:_MAX_TEXT], count)
        if hits:
            self._set(target, made)
        return float(hits)

    def _gensub(self, arguments: list[Node]) -> Scalar:
        pattern = self._pattern(arguments[0])
        replacement, how = self._given(arguments[1:3])
        text = self._text(self._value(arguments[3])) if len(arguments) > 3 else self.fields[0]
        expression = affordable(posix_regex(pattern, extended=True), text)
        if expression is None:
            return HOLE
        count = 0 if how[:1] in ("g", "G") else 1
        return expression.sub(lambda found: _replacement(replacement, found), text, count)

    def _match(self, arguments: list[Node]) -> Scalar:
        text = self._text(self._value(arguments[0]))
        expression = affordable(posix_regex(self._pattern(arguments[1]), extended=True), text)
        if expression is None or HOLE in text:
            return HOLE
        found = expression.search(text)
        start, size = (found.start() + 1, len(found.group())) if found else (0, -1)
        self.names["RSTART"], self.names["RLENGTH"] = float(start), float(size)
        if found and len(arguments) > 2:
            groups = (found.group(), *found.groups())
            self.names[str(arguments[2][1])] = {str(i): _Input(g or "") for i, g in enumerate(groups)}
        return float(start)

    def _sprintf(self, arguments: list[Node]) -> Scalar:
        return self._format([self._value(each) for each in arguments])

    def _format(self, values: list[Scalar]) -> str:
        if not values:
            return ""

        def shown(letter: str, value: Scalar) -> str:
            if not _is_unknown(value) and letter == "c" and _numeric(value):
                code = int(self._number(value) or 0)
                return chr(code) if 0 < code < 0x110000 else ""
            if not _is_unknown(value) and letter in "dioxXu":
                return str(int(self._number(value) or 0))
            return self._text(value)

        return format_once(self._text(values[0]), values[1:], shown)[:_MAX_TEXT]

    def _whole(self, arguments: list[Node]) -> Scalar:
        number = self._number(self._value(arguments[0]))
        return HOLE if number is None else float(int(number))

    def _number_of(self, arguments: list[Node]) -> Scalar:
        value = self._value(arguments[0])
        if isinstance(value, str) and re.fullmatch(r"0[xX][0-9a-fA-F]{1,15}|0[0-7]{1,20}", value):
            return float(int(value, 16 if value[1] in "xX" else 8))
        return self._calculate("+", value, 0.0)

    def _system(self, arguments: list[Node]) -> Scalar:
        for text in self._given(arguments[:1]):
            self._write(self.process.shell(text, "awk"))
        return 0.0

    def _close_one(self, arguments: list[Node]) -> Scalar:
        for name in self._given(arguments[:1]):
            self._close(name)
        return 0.0

    # -- kinds of values

    def _truth(self, value: Scalar) -> bool | None:
        if _is_unknown(value):
            return None
        if isinstance(value, str):
            return bool(self._number(value)) if _numeric(value) else bool(value)
        return bool(value)

    def _text(self, value: Scalar) -> str:
        if isinstance(value, str):
            return value
        return str(int(value)) if value == value // 1 and abs(value) < 1e18 else f"{value:.6g}"

    def _number(self, value: Scalar) -> float | None:
        if not isinstance(value, str):
            return value
        if HOLE in value:
            return None
        found = _LEADING_NUMBER.match(value)
        return float(found.group()) if found else 0.0


_LEADING_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def _is_unknown(value: Scalar) -> bool:
    return isinstance(value, str) and HOLE in value


def _numeric(value: Scalar) -> bool:
    """Whether a value counts as a number: one, nothing at all, or input that looks like one."""
    if not isinstance(value, _Input):
        return not isinstance(value, str) or not value
    found = _LEADING_NUMBER.match(value)
    return found is not None and found.end() == len(value.rstrip())


def _replacement(text: str, found: re.Match[str]) -> str:
    def put(mark: re.Match[str]) -> str:
        if mark.group() == "&":
            return found.group()
        following = mark.group(1)
        if following.isdigit():
            return (found.group(int(following)) or "") if int(following) <= found.re.groups else ""
        return following

    return re.sub(r"\\(.)|&", put, text)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a - b * int(a / b),
    "^": lambda a, b: float(a**b),
}

_VALUES: dict[str, Callable[..., Scalar]] = {
    "name": _Run._name,
    "field": _Run._field,
    "item": _Run._item,
    "group": _Run._group,
    "assign": _Run._assign,
    "after": _Run._after,
    "regex": _Run._regex,
    "~": _Run._matches,
    "!~": _Run._differs,
    "&&": _Run._both,
    "||": _Run._either,
    "choose": _Run._choose,
    "in": _Run._contains,
    "compare": _Run._compare,
    "concatenate": _Run._concatenate,
    "arithmetic": _Run._arithmetic,
    "unary": _Run._unary,
    "getline": _Run._getline,
    "call": _Run._call,
}

_FUNCTIONS: dict[str, Callable[[_Run, list[Node]], Scalar]] = {
    "length": _Run._length,
    "substr": _Run._substr,
    "index": _Run._index,
    "split": _Run._split_into,
    "sub": lambda run, arguments: run._substitute(arguments, 1),
    "gsub": _Run._substitute,
    "gensub": _Run._gensub,
    "match": _Run._match,
    "sprintf": _Run._sprintf,
    "system": _Run._system,
    "close": _Run._close_one,
    "fflush": lambda run, arguments: 0.0,
    "tolower": lambda run, arguments: run._given(arguments)[0].lower(),
    "toupper": lambda run, arguments: run._given(arguments)[0].upper(),
    "int": _Run._whole,
    "strtonum": _Run._number_of,
}


# -- the program's own arguments --------------------------------------------------------------------


def _awk(process: Process) -> str:
    process.announce(data=True)
    arguments = process.arguments
    options, operands = options_of(arguments, "Fvf", frozenset({"--field-separator", "--assign", "--file"}))
    named = options.get("f") or options.get("file")
    program = process.read(named) if named else (operands.pop(0) if operands else "")
    if not program or program == HOLE:
        return HOLE
    separator = ansi_c(options.get("F") or options.get("field-separator") or "")
    try:
        parser = _Parser(program[:_MAX_PROGRAM])
        parser.read()
        run = _Run(parser, process, "\t" if separator == "t" else separator)
        run.names.update(_assigned(arguments))
        run.names["ARGV"] = {str(i): _Input(each) for i, each in enumerate(["awk", *operands])}
        return run.run(lambda: _input(process, run, operands))
    except (_Unreadable, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        pass
    from jupyter_tos_guard.inspection.shell.foreign import foreign_output

    if re.search(r"system|getline|\|", program):
        foreign_output(process, program, "other", "awk")
    return HOLE


def _assigned(arguments: Sequence[str]) -> dict[str, Scalar]:
    pairs = [b for a, b in pairwise(arguments) if a in ("-v", "--assign")]
    pairs += [a[2:] for a in arguments if a.startswith("-v") and len(a) > 2]
    return {name: _Input(ansi_c(value)) for name, _, value in (pair.partition("=") for pair in pairs)}


_OPERAND = re.compile(r"[A-Za-z_]\w*=", re.A)


def _input(process: Process, run: _Run, operands: Sequence[str]) -> str:
    for each in operands:
        if _OPERAND.match(each):
            name, _, value = each.partition("=")
            run.names[name] = _Input(ansi_c(value))
    paths = [each for each in operands if not _OPERAND.match(each)]
    if not paths:
        return process.stdin.rest()
    texts = [process.read(path) for path in paths]
    return "".join(HOLE if each is None else each for each in texts)


HANDLERS: dict[str, Handler] = {"awk": _awk}
