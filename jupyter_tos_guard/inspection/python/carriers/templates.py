"""Templates: those of Jinja, read as a program that puts their text together, and those of ``string``."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.bounded_regex import affordable
from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.python import library, methods
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument
from jupyter_tos_guard.inspection.python.cell import parse_python
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Class,
    Descriptor,
    Namespace,
    Native,
    Symbol,
    Value,
)

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

# -- the classes of ``string``, which programs extend ----------------------------------------------


def model(self: Evaluator, base: Value) -> Value:
    """Return a class that a program may extend for the library's; any other value as it is."""
    made = _MODELS.get(base.name) if type(base) is Symbol and not base.called else None
    if made is None:
        return base
    members = {
        name: Descriptor(
            "method",
            Native(lambda given, named, do=do: do(self.current(), given, named) if given else UNKNOWN),
        )
        for name, do in made[0].items()
    }
    return Class(base.name.rpartition(".")[2], [], {**members, **made[1]}, {})


def of_model(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``string.Template(text)``, ``string.Formatter()``."""
    return self.call(model(self, symbol), arguments, keywords)


def _method_of(self: Evaluator, given: Arguments, name: str, arguments: Arguments) -> Value:
    return self.call(self.attribute(given[0], name), arguments)


def _format(self: Evaluator, given: Arguments, named: Keywords) -> Value:
    return _method_of(self, given, "vformat", [given[1] if given[1:] else UNKNOWN, tuple(given[2:]), named])


def _format_with(self: Evaluator, given: Arguments, named: Keywords) -> Value:
    """``vformat(text, args, kwargs)``: each step is a method that the program may have replaced."""
    text, values, names = (*given[1:4], *[UNKNOWN] * 3)[:3]
    parts: list[str] = []
    number = 0
    for each in self.items(_method_of(self, given, "parse", [text])):
        literal, field, spec, conversion = each if type(each) is tuple and len(each) == 4 else [UNKNOWN] * 4
        parts.append(self.text(literal))
        if type(field) is not str:
            continue
        if field == "":
            field, number = str(number), number + 1
        value = self.item(_method_of(self, given, "get_field", [field, values, names]), 0)
        value = _method_of(self, given, "convert_field", [value, conversion])
        if type(spec) is str and "{" in spec:
            spec = methods.format_text(self, spec, self.items(values), names)
        parts.append(self.text(_method_of(self, given, "format_field", [value, spec])))
    return library.checked("".join(parts))


def _parse(self: Evaluator, given: Arguments, named: Keywords) -> Value:
    text = given[1] if given[1:] else UNKNOWN
    try:
        return list(string.Formatter().parse(text)) if type(text) is str else UNKNOWN
    except ValueError:
        return UNKNOWN


def _get_field(self: Evaluator, given: Arguments, named: Keywords) -> Value:
    if len(given) < 4 or type(given[1]) is not str:
        return UNKNOWN
    head, steps = methods.field_head(given[1])
    key: Value = int(head) if head.isdecimal() and len(head) < 9 else head
    value = _method_of(self, given, "get_value", [key, *given[2:4]])
    for is_attribute, step in steps:
        value = self.attribute(value, step) if is_attribute else self.item(value, step)
    return (value, key)


def _get_value(self: Evaluator, given: Arguments, named: Keywords) -> Value:
    key, values, names = (*given[1:4], *[UNKNOWN] * 3)[:3]
    return self.item(values if type(key) is int else names, key)


def _fill_template(
    self: Evaluator, given: Arguments, named: Keywords, otherwise: Callable[[re.Match[str]], str]
) -> Value:
    text = self.text(self.attribute(given[0], "template"))
    pattern = _places(self, given[0], text)
    if pattern is None:
        return UNKNOWN
    values = given[1] if given[1:] else {}

    def replace(match: re.Match[str]) -> str:
        found = match.groupdict()
        name = found.get("named") or found.get("braced")
        if name is None:
            return (
                self.text(self.attribute(given[0], "delimiter")) if found.get("escaped") else otherwise(match)
            )
        value = named[name] if name in named else self.item(values, name)
        return otherwise(match) if value is UNKNOWN else self.text(value)

    self.budget.spend(len(text) // 16 + 1)
    return library.checked(pattern.sub(replace, text))


def _places(self: Evaluator, receiver: Value, text: str) -> re.Pattern[str] | None:
    """Pattern of the places that a template has: the library's, or one that the class describes."""
    delimiter, name, braced, own, flags = (self.attribute(receiver, each) for each in _DESCRIBING)
    if own is None and (delimiter, name, braced) == ("$", string.Template.idpattern, None):
        return string.Template.pattern
    if type(own) is re.Pattern:
        own, flags = own.pattern, own.flags
    if type(own) is not str:
        if type(delimiter) is not str or type(name) is not str:
            return None
        sign, braced = re.escape(delimiter), braced if type(braced) is str else name
        own = rf"{sign}(?:(?P<escaped>{sign})|(?P<named>{name})|{{(?P<braced>{braced})}}|(?P<invalid>))"
    flags = int(flags) if isinstance(flags, int) else int(re.IGNORECASE)
    return affordable(own, text, flags | re.VERBOSE)


_DESCRIBING: Final = ("delimiter", "idpattern", "braceidpattern", "pattern", "flags")


def _keep_template(self: Evaluator, given: Arguments, named: Keywords) -> Value:
    value = given[1] if given[1:] else named.get("template", UNKNOWN)
    return self.set_attribute(given[0], "template", value, None)


_Members = dict[str, Callable[[Any, Arguments, Keywords], Value]]
#: Methods and data of each class, by its name.
_MODELS: Final[dict[str, tuple[_Members, dict[str, Value]]]] = {
    "string.Formatter": (
        {
            "format": _format,
            "vformat": _format_with,
            "parse": _parse,
            "get_field": _get_field,
            "get_value": _get_value,
            "convert_field": lambda self, given, named: (
                self.format(given[1], "", given[2]) if given[2:] and given[2] else given[1]
            ),
            "format_field": lambda self, given, named: (
                self.format(given[1], self.text(given[2])) if given[2:] else UNKNOWN
            ),
            "check_unused_args": lambda self, given, named: None,
        },
        {},
    ),
    "string.Template": (
        {
            "__init__": _keep_template,
            "substitute": lambda self, given, named: _fill_template(self, given, named, lambda match: HOLE),
            "safe_substitute": lambda self, given, named: _fill_template(
                self, given, named, lambda match: match.group()
            ),
        },
        {
            "delimiter": "$",
            "idpattern": string.Template.idpattern,
            "braceidpattern": None,
            "pattern": None,
            "flags": 2,
        },
    ),
}

HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(
        "jinja2.Template jinja2.environment.Template jinja2.Environment.from_string "
        "jinja2.environment.Environment.from_string jinja2.sandbox.SandboxedEnvironment.from_string".split(),
        template,
    ),
    **dict.fromkeys(_MODELS, of_model),
}
