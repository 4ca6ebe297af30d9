"""Templates of Jinja: read as a program that puts their text together."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python import library
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument
from jupyter_tos_guard.inspection.python.cell import parse_python
from jupyter_tos_guard.inspection.python.values import UNKNOWN, Namespace, Native, Symbol, Value

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator

#: Characters of a template that are read: finding its tags is not linear.
_MAX_TEMPLATE: Final = 1 << 12
_TAG: Final = re.compile(r"\{\{-?(.*?)(?P<shown>-?)\}\}|\{%-?(.*?)(?P<done>-?)%\}|\{#.*?#\}", re.S)
_SIGN: Final = re.compile(r"(\"[^\"]*\"|'[^']*')|([|~])")
#: A filter binds more tightly than any other sign, as does this one in Python.
_SIGNS: Final = {"|": "**", "~": "@"}


def template(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``jinja2.Template(text)`` and ``Environment().from_string(text)``."""
    text = argument(arguments, keywords, 0, "source")
    source = _program(text) if type(text) is str and len(text) <= _MAX_TEMPLATE else None
    if source is None:
        return Symbol(symbol.name, True, (arguments, keywords))
    body = [_Filters().visit(each) for each in parse_python(source)]

    def render(given: Arguments, named: Keywords) -> Value:
        values = dict(given[0]) if given and type(given[0]) is dict else {}
        return _filled(self.current(), body, {**values, **named})

    return Namespace("Template", {"render": Native(render)})


def _program(text: str) -> str | None:
    """Python for a template; None if it has tags that are not known."""
    lines: list[str] = []
    depth = done = 0
    trimmed = False
    for tag in _TAG.finditer(text):
        before = text[done : tag.start()]
        before = before.lstrip() if trimmed else before
        before = before.rstrip() if tag.group()[2] == "-" else before
        lines.append("  " * depth + f"show({before!r})")
        done, trimmed = tag.end(), bool(tag["shown"] or tag["done"])
        word, _, rest = (tag[3] or "").strip().partition(" ")
        rest = _SIGN.sub(lambda sign: sign[1] or _SIGNS[sign[2]], rest if tag[1] is None else tag[1]).strip()
        if tag[1] is not None:
            lines.append("  " * depth + f"show({rest})")
        elif word in ("for", "if", "elif", "else"):
            depth -= word[0] == "e"
            lines.append("  " * depth + f"{word} {rest}:")
            depth += 1
        elif word in ("endfor", "endif"):
            depth -= 1
        elif word == "set":
            lines.append("  " * depth + rest)
        elif word:
            return None
    return "\n".join([*lines, "  " * depth + f"show({text[done:]!r})"])


class _Filters(ast.NodeTransformer):
    """Makes calls of filters, and of attributes, which may be items."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """``value ** one ** two(3)``: each filter is called with what the one before it gave."""
        if type(node.op) is ast.MatMult:
            return _call_of("~", [self.visit(node.left), self.visit(node.right)])
        if type(node.op) is not ast.Pow:
            self.generic_visit(node)
            return node
        steps: list[ast.expr] = []
        rest = node.right
        while type(rest) is ast.BinOp and type(rest.op) is ast.Pow:
            steps.append(rest.left)
            rest = rest.right
        value: ast.expr = self.visit(node.left)
        for step in [*steps, rest]:
            called = type(step) is ast.Call
            name = getattr(step.func if called else step, "id", "")  # type: ignore[attr-defined]
            extra = [self.visit(each) for each in step.args] if called else []  # type: ignore[attr-defined]
            value = _call_of(name, [value, *extra])
        return value

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """``value.name``."""
        return _call_of(".", [self.visit(node.value), ast.Constant(node.attr)])


def _call_of(name: str, arguments: list[Any]) -> ast.expr:
    function = ast.Name(f"filter {name}", ast.Load())
    return ast.fix_missing_locations(ast.Call(function, arguments, []))


def _filled(self: Evaluator, body: list[ast.stmt], values: dict[str, Value]) -> Value:
    from jupyter_tos_guard.inspection.python.evaluation import Unit

    parts: list[str] = []

    def show(given: Arguments, named: Keywords) -> Value:
        parts.extend(self.text(each) for each in given)
        return None

    filters = {
        f"filter {name}": Native(lambda given, named, compute=compute: compute(self, *given))
        for name, compute in _COMPUTE.items()
    }
    names = {**values, **filters, "show": Native(show)}
    unit = Unit("", self.origin_of(self.node), [], 0, self.unit.cell)
    self.inside(unit, self.frame_of(names), lambda: self.run(body))
    return library.checked("".join(parts))


def _method(name: str) -> Callable[..., Value]:
    return lambda self, value, *given: self.call(self.attribute(value, name), list(given))


def _function(name: str) -> Callable[..., Value]:
    return lambda self, value, *given: self.call(Symbol(f"builtins.{name}"), [value, *given])


def _attribute(self: Evaluator, value: Value, name: str) -> Value:
    return value[name] if type(value) is dict and name in value else self.attribute(value, name)


def _joined(self: Evaluator, value: Value, between: Value = "", *rest: Value) -> Value:
    return self.text(between).join(self.text(each) for each in self.items(value))


_COMPUTE: Final[dict[str, Callable[..., Value]]] = {
    ".": _attribute,
    "~": lambda self, one, other: self.text(one) + self.text(other),
    "attr": _attribute,
    "join": _joined,
    "reverse": lambda self, value: self.item(
        value if type(value) is str else self.items(value), slice(None, None, -1)
    ),
    "first": lambda self, value: self.item(self.items(value), 0),
    "last": lambda self, value: self.item(self.items(value), -1),
    "default": lambda self, value, other="", *rest: other if value is UNKNOWN else value,
    "trim": _method("strip"),
    "format": lambda self, value, *given: self.binary(ast.Mod, value, tuple(given)),
    **{name: _method(name) for name in "lower upper capitalize title replace center split".split()},
    **{name: _function(name) for name in "list int float abs sum min max".split()},
    **dict.fromkeys(("string", "str"), _function("str")),
    **dict.fromkeys(("length", "count"), _function("len")),
    "sort": _function("sorted"),
    **dict.fromkeys(("safe", "escape", "e", "urlize"), lambda self, value: value),
}

HANDLERS: Final[dict[str, Any]] = dict.fromkeys(
    "jinja2.Template jinja2.environment.Template jinja2.Environment.from_string "
    "jinja2.environment.Environment.from_string jinja2.sandbox.SandboxedEnvironment.from_string".split(),
    template,
)
