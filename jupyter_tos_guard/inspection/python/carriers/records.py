"""Enumerations, tuples with names and data classes: classes whose members are data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Bound,
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


def enumerate_members(self: Evaluator, cls: Class) -> None:
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
        given = list(value) if type(value) is tuple else [value]
        member = Instance(cls)
        if (
            type(new := cls.find("__new__")) is Function
            and type(made := self.call(new, [cls, *given])) is Instance
        ):
            member = made
            value = made.attributes.get("_value_", value)
        member.attributes.update({"name": name, "value": value, "_name_": name, "_value_": value})
        member.plain = value if mixed else None
        cls.namespace[name] = member
        if type(method := cls.find("__init__")) is Function:
            self.call(Bound(method, member), given)


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


def is_record(cls: Class) -> bool:
    """Whether calling the class fills the fields that its body names."""
    if cls.symbol() in ("typing.NamedTuple", "typing.TypedDict"):
        return True
    return any("dataclass" in each.keywords for each in cls.lineage() if type(each) is Class)


def field(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``dataclasses.field(default=…, default_factory=…)``."""
    return Namespace(_FIELD, dict(keywords))


_FIELD: Final = "dataclasses.field"


def fill(self: Evaluator, made: Instance, arguments: Arguments, keywords: Keywords) -> None:
    """Set the fields of a new data class or tuple with names."""
    defaults = {name: made.cls.find(name) for name in _names(made.cls)}
    settings = {
        name: each.attributes
        for name, each in defaults.items()
        if type(each) is Namespace and each.name == _FIELD
    }
    positional = [name for name in defaults if settings.get(name, {}).get("init") is not False]
    given = {**dict(zip(positional, arguments, strict=False)), **keywords}
    for name, how in settings.items():
        if name not in given:
            factory = how.get("default_factory", how.get("factory"))
            given[name] = how.get("default", UNKNOWN) if factory is None else self.call(factory, [])
    made.attributes.update(given)


def _names(cls: Class) -> list[str]:
    """Names of the fields of a data class, those of its bases first."""
    names: dict[str, None] = {}
    for each in reversed(cls.lineage()):
        found = each.namespace.get("__annotations__") if type(each) is Class else None
        if type(found) is dict:
            names.update(dict.fromkeys(name for name in found if type(name) is str))
    return list(names)


def _fields(value: Instance) -> dict[str, Value]:
    """Fields of a data class or tuple with names, and what they hold."""
    held, names = value.attributes, _names(value.cls)
    return {name: held[name] if name in held else value.cls.find(name) for name in names}


def compared(value: Instance) -> tuple[Value, ...]:
    """Fields by which data classes are compared."""
    settings = {name: value.cls.find(name) for name in _names(value.cls)}
    left_out = {
        name
        for name, each in settings.items()
        if type(each) is Namespace and each.attributes.get("compare") is False
    }
    return tuple(each for name, each in _fields(value).items() if name not in left_out)


def _taken_apart(value: Value, whole: type, depth: int = 8) -> Value:
    """Return a data class as a dictionary or tuple, and those inside it."""
    if depth and type(value) is Instance and is_record(value.cls):
        fields = {name: _taken_apart(each, whole, depth - 1) for name, each in _fields(value).items()}
        return fields if whole is dict else tuple(fields.values())
    if depth and type(value) is list:
        return [_taken_apart(each, whole, depth - 1) for each in value]
    if depth and type(value) is dict:
        return {key: _taken_apart(each, whole, depth - 1) for key, each in value.items()}
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


def make_class(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``dataclasses.make_dataclass(name, fields)``."""
    if len(arguments) < 2:
        return UNKNOWN
    given = [list(each) if type(each) is tuple else [each] for each in self.items(arguments[1])]
    named = [each for each in given if each and type(each[0]) is str]
    namespace = {each[0]: each[2] for each in named if len(each) > 2}
    more, bases = keywords.get("namespace"), keywords.get("bases", ())
    namespace.update(more if type(more) is dict else {})
    namespace["__annotations__"] = dict.fromkeys((each[0] for each in named), UNKNOWN)
    return Class(self.text(arguments[0]), self.items(bases), namespace, {"dataclass": True})


#: Decorators that make a class fill the fields that its body names.
MAKERS: Final = frozenset(
    "dataclasses.dataclass pydantic.dataclasses.dataclass attr.s attr.attrs attr.dataclass attr.define "
    "attr.mutable attr.frozen attrs.define attrs.mutable attrs.frozen".split()
)
#: Libraries' classes that keep what they are made with, under these names.
KEPT: Final = {"logging.LoggerAdapter": ("logger", "extra")}
HANDLERS: Final[dict[str, Any]] = {
    "dataclasses.make_dataclass": make_class,
    **dict.fromkeys("dataclasses.field attr.ib attr.field attrs.field pydantic.Field".split(), field),
    **dict.fromkeys([f"dataclasses.{word}" for word in "asdict astuple fields replace".split()], data_class),
}
