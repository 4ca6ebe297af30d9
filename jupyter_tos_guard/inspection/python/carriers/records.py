"""Enumerations, tuples with names and data classes: classes whose members are data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Class,
    Descriptor,
    Function,
    Instance,
    Namespace,
    Native,
    Symbol,
    Value,
    either,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


def enumerate_members(cls: Class) -> None:
    """Make members of what the body of an enumeration binds."""
    names = {each.name for each in cls.lineage() if type(each) is Symbol}
    mixed = not names.isdisjoint(_MIXED)
    flags = not names.isdisjoint(_FLAGS)
    number = 0
    for name, value in list(cls.namespace.items()):
        if name.startswith("_") or type(value) in (Function, Descriptor, Class, Instance):
            continue
        number += 1
        if type(value) is Symbol and value.name == "enum.auto":
            value = name.lower() if "enum.StrEnum" in names else 1 << (number - 1) if flags else number
        member = Instance(cls)
        member.attributes.update({"name": name, "value": value, "_name_": name, "_value_": value})
        member.plain = value if mixed else None
        cls.namespace[name] = member


#: Bases of an enumeration whose members are numbers of one bit each.
_FLAGS: Final = frozenset({"enum.Flag", "enum.IntFlag"})
#: Bases of an enumeration whose members are, or are joined as, what they are bound to.
_MIXED: Final = _FLAGS | {"enum.StrEnum", "enum.IntEnum", "builtins.str", "builtins.int"}


def members(cls: Class) -> dict[str, Value]:
    """Members of an enumeration by name."""
    return {name: each for name, each in cls.namespace.items() if type(each) is Instance and each.cls is cls}


def member_of(cls: Class, value: Value) -> Value:
    """``Colour("red")``: the member of that value."""
    found = list(members(cls).values())
    known = [each for each in found if each is value or each.attributes["value"] == value]
    return known[0] if known else either(found)


def _fields(value: Instance) -> dict[str, Value]:
    """Fields of a data class or tuple with names, and what they hold."""
    names: dict[str, None] = {}
    for each in reversed(value.cls.lineage()):
        found = each.namespace.get("__annotations__") if type(each) is Class else None
        if type(found) is dict:
            names.update(dict.fromkeys(name for name in found if type(name) is str))
    held = value.attributes
    return {name: held[name] if name in held else value.cls.find(name) for name in names}


def _taken_apart(value: Value, whole: type, depth: int = 8) -> Value:
    """Return a data class as a dictionary or tuple, and those inside it."""
    if depth and type(value) is Instance and "dataclass" in value.cls.keywords:
        fields = {name: _taken_apart(each, whole, depth - 1) for name, each in _fields(value).items()}
        return fields if whole is dict else tuple(fields.values())
    if depth and type(value) is list:
        return [_taken_apart(each, whole, depth - 1) for each in value]
    return value


def data_class(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``dataclasses.asdict``, ``astuple``, ``fields``, ``replace``."""
    value = arguments[0] if arguments else UNKNOWN
    word = symbol.name.rpartition(".")[2]
    if word in ("asdict", "astuple"):
        return _taken_apart(value, dict if word == "asdict" else tuple)
    if type(value) is Class and word == "fields":
        value = Instance(value)
    if type(value) is not Instance:
        return UNKNOWN
    if word == "replace":
        return _replaced(value, keywords)
    fields = _fields(value).items()
    return tuple(Namespace("field", {"name": name, "default": each}) for name, each in fields)


def _replaced(value: Instance, keywords: Keywords) -> Instance:
    made = Instance(value.cls)
    made.attributes, made.plain = {**value.attributes, **keywords}, value.plain
    return made


def _of_tuple(compute: Callable[[Instance, Arguments, Keywords], Value]) -> Descriptor:
    def call(given: Arguments, named: Keywords) -> Value:
        return compute(given[0], given[1:], named) if given and type(given[0]) is Instance else UNKNOWN

    return Descriptor("method", Native(call))


def _tuple_item(value: Instance, given: Arguments, named: Keywords) -> Value:
    held = tuple(_fields(value).values())
    index = given[0] if given else None
    if type(index) is slice:
        return held[index]
    return held[index] if type(index) is int and -len(held) <= index < len(held) else UNKNOWN


def _made(given: Arguments, named: Keywords) -> Value:
    if len(given) < 2 or type(given[0]) is not Class or type(given[1]) not in (list, tuple):
        return UNKNOWN
    made = Instance(given[0])
    made.attributes.update(zip(_fields(made), given[1], strict=False))
    return made


#: What the class of a tuple with names has beside its fields.
TUPLE_METHODS: Final[dict[str, Value]] = {
    "__iter__": _of_tuple(lambda value, given, named: tuple(_fields(value).values())),
    "__len__": _of_tuple(lambda value, given, named: len(_fields(value))),
    "__getitem__": _of_tuple(_tuple_item),
    "_asdict": _of_tuple(lambda value, given, named: _fields(value)),
    "_replace": _of_tuple(lambda value, given, named: _replaced(value, named)),
    "_make": Descriptor("classmethod", Native(_made)),
}
HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys([f"dataclasses.{word}" for word in "asdict astuple fields replace".split()], data_class),
}
