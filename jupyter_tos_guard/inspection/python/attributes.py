"""Attributes, items and operators of evaluated values."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import Kind
from jupyter_tos_guard.inspection.python import library, sinks, trees
from jupyter_tos_guard.inspection.python.carriers import arrays, listeners, records, tables, widgets
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    WAITING,
    Array,
    Bound,
    Choice,
    Class,
    Code,
    Descriptor,
    Function,
    Generator,
    Instance,
    Lines,
    Method,
    Namespace,
    Native,
    Partial,
    Path,
    Process,
    Stream,
    Subclasses,
    Super,
    Symbol,
    Table,
    Value,
    either,
    has_hole,
)
from jupyter_tos_guard.inspection.state import Budget

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


def get(self: Evaluator, value: Value, name: str) -> Value:
    """``value.name``."""
    getter = _GET.get(type(value))
    if getter is not None:
        return getter(self, value, name)
    return _get_plain(self, value, name)


def _get_plain(self: Evaluator, value: Value, name: str) -> Value:
    """Attribute of a value that stands for itself."""
    if name == "__class__":
        return Symbol(f"builtins.{type(value).__name__}")
    if name == "__doc__":
        return type(value).__doc__
    if type(value) is list and (holder := getattr(value, "attributes", None)) is not None:
        return holder.get(name, UNKNOWN)
    if type(value) in (int, float, complex, bool, range, slice) and name in _NUMBER_FIELDS:
        return getattr(value, name, UNKNOWN)
    if type(value) in library.FIELDS and not name.startswith("_"):
        found = getattr(value, name, UNKNOWN)
        if not callable(found):
            return found
    return Method(value, name)


_NUMBER_FIELDS: Final = frozenset({"real", "imag", "numerator", "denominator", "start", "stop", "step"})


def _get_symbol(self: Evaluator, value: Symbol, name: str) -> Value:
    return sinks.attribute(self, value, name)


def _get_instance(self: Evaluator, value: Instance, name: str) -> Value:
    if name == "__dict__":
        return value.attributes
    if name == "__class__":
        return value.cls
    hook = value.cls.find("__getattribute__")
    if hook is not None and self.depth < 24 and name[:2] != "__":
        return self.call(Bound(hook, value), [name])
    member = value.cls.find(name)
    if type(member) is Descriptor and member.kind == "property":
        return self.call(member.function, [value])
    if name in value.attributes:
        return value.attributes[name]
    if member is not None:
        return _bind(self, member, value, value.cls)
    if value.cls.holds(name):
        return None
    hook = value.cls.find("__getattr__")
    if hook is not None and self.depth < 24:
        return self.call(Bound(hook, value), [name])
    if value.plain is not None:
        return Method(value.plain, name)
    base = value.cls.symbol()
    if base:
        return Partial(
            Native(lambda arguments, keywords: _base_method(self, value, base, name, arguments, keywords)),
            [],
            {},
        )
    return UNKNOWN


def _base_method(
    self: Evaluator, value: Instance, base: str, name: str, arguments: list[Value], keywords: dict[str, Value]
) -> Value:
    """Call a method that the user's class has from a library's: it may call any method of the user's."""
    if name == "visit" and base == "ast.NodeTransformer" and arguments:
        return trees.rewrite(self, value, arguments[0])
    arguments, keywords = listeners.adapted(self, value, base, arguments, keywords)
    result = sinks.call(self, Symbol(f"{base}.{name}"), arguments, keywords)
    if name.startswith("__") and name.endswith("__"):
        return result
    if name == "observe" and arguments:
        value.attributes.setdefault(WAITING, []).append(arguments[0])
    if name in ("start", "run", "join") and (method := value.cls.find("run")) is not None:
        return self.call(Bound(method, value), [])
    if name in ("visit", "generic_visit", "feed", "cmdloop", "onecmd", "serve_forever", "dispatch"):
        self.escape(value, [], {})
        return result
    return result


def _bind(self: Evaluator, member: Value, receiver: Value, cls: Class) -> Value:
    kind = type(member)
    if kind is Function:
        return Bound(member, receiver)
    if kind is Descriptor:
        if member.kind == "staticmethod":
            return member.function
        if member.kind == "classmethod":
            return Bound(member.function, cls)
        if member.kind == "cached":
            return self.call(member.function, [receiver])
        return Bound(member.function, receiver)
    if kind is Partial and type(member.function) is Function and member.function.owner is not None:
        return member
    if kind is Instance:
        getter = member.cls.find("__get__")
        if getter is not None:
            return self.call(Bound(getter, member), [receiver, cls])
    return member


def _get_class(self: Evaluator, value: Class, name: str) -> Value:
    if name in ("__name__", "__qualname__"):
        return value.name
    if name == "__dict__":
        return value.namespace
    if name == "__bases__":
        return tuple(value.bases) or (Symbol("builtins.object"),)
    if name == "__mro__":
        return (*value.lineage(), Symbol("builtins.object"))
    if name == "__members__" and value.is_enumeration():
        return records.members(value)
    if name == "__base__":
        return value.bases[0] if value.bases else Symbol("builtins.object")
    if name in ("mro", "__subclasses__"):
        found = [*value.lineage(), Symbol("builtins.object")] if name == "mro" else list(value.subclasses)
        return Native(lambda arguments, keywords: found)
    member = value.find(name)
    if member is None and value.holds(name):
        return None
    if member is None and name == "__init__" and not value.symbol():
        return Symbol("builtins.object.__init__")
    if member is None:
        meta = value.keywords.get("metaclass")
        if type(meta) is Class:
            member = meta.find(name)
            if member is not None:
                return _bind(self, member, value, meta)
            hook = meta.find("__getattr__") or meta.find("__getattribute__")
            if hook is not None:
                return self.call(Bound(hook, value), [name])
        base = value.symbol()
        return get(self, Symbol(base), name) if base else UNKNOWN
    if type(member) is Descriptor:
        return Bound(member.function, value) if member.kind == "classmethod" else member.function
    if type(member) is Instance:
        return _bind(self, member, None, value)
    return member


def _get_function(self: Evaluator, value: Function, name: str) -> Value:
    if name in value.attributes:
        return value.attributes[name]
    if name in ("__name__", "__qualname__"):
        return value.name
    if name == "__doc__":
        return None
    if name == "__code__":
        return Code(function=value)
    if name == "__defaults__":
        return tuple(value.defaults)
    if name == "__kwdefaults__":
        return value.keyword_defaults
    if name == "__globals__":
        self.all_names()
        return value.scope.globals
    if name == "__dict__":
        return value.attributes
    if name == "__module__":
        return "__main__"
    if name == "__annotations__":
        return {}
    if name == "__closure__":
        names = value.scope.names if value.scope.kind == "function" else {}
        return tuple(Namespace("cell", {"cell_contents": each}) for each in names.values())
    if name == "__wrapped__":
        return value
    if name == "__call__":
        return value
    if name == "__get__":
        return Native(lambda arguments, keywords: Bound(value, arguments[0]) if arguments else value)
    # A decorator that a library put around it: f.remote(), f.delay(), f.submit().
    return Native(lambda arguments, keywords: self.call(value, arguments, keywords))


def _get_bound(self: Evaluator, value: Bound, name: str) -> Value:
    if name == "__self__":
        return value.receiver
    if name == "__func__":
        return value.function
    if name == "__call__":
        return value
    return get(self, value.function, name)


def _get_method(self: Evaluator, value: Method, name: str) -> Value:
    if name == "__self__":
        return value.receiver
    if name in ("__name__", "__qualname__"):
        return value.name
    if name == "__call__":
        return value
    return UNKNOWN


def _get_partial(self: Evaluator, value: Partial, name: str) -> Value:
    if name == "func":
        return value.function
    if name == "args":
        return tuple(value.arguments)
    if name == "keywords":
        return value.keywords
    return value if name == "__call__" else get(self, value.function, name)


def _get_namespace(self: Evaluator, value: Namespace, name: str) -> Value:
    if name in value.attributes:
        return value.attributes[name]
    if name == "__dict__":
        return value.attributes
    if name == "__name__":
        return value.name
    hook = value.attributes.get("__getattr__")
    if hook is not None:
        return self.call(hook, [name])
    return UNKNOWN


def _get_super(self: Evaluator, value: Super, name: str) -> Value:
    receiver = value.receiver
    lineage = receiver.cls.lineage() if type(receiver) is Instance else value.cls.lineage()
    start = next((index for index, each in enumerate(lineage) if each is value.cls), 0)
    for each in lineage[start + 1 :]:
        if type(each) is Class and name in each.namespace:
            return _bind(self, each.namespace[name], receiver, each)
    base = value.cls.symbol()
    if name == "__init__":
        return Native(lambda arguments, keywords: _init_base(self, receiver, base, arguments, keywords))
    if name == "__new__":
        return Native(lambda arguments, keywords: _new_base(self, value.cls, base, arguments))
    if name == "__setattr__" and type(receiver) is Instance:
        return Native(lambda arguments, keywords: receiver.attributes.__setitem__(arguments[0], arguments[1]))
    if name in ("__getattribute__", "__getattr__") and type(receiver) is Instance:
        return Native(lambda arguments, keywords: _raw_attribute(self, receiver, arguments))
    if type(receiver) is Instance and receiver.plain is not None:
        return Method(receiver.plain, name)
    if base:
        return get(self, Symbol(base), name)
    return UNKNOWN


def _new_base(self: Evaluator, cls: Class, base: str, arguments: list[Value]) -> Value:
    """``super().__new__(…)``: an object, or a class if it is a metaclass that makes it."""
    if base == "builtins.type" and len(arguments) == 4:
        return self.call(Symbol(base), arguments[1:])
    return Instance(cls)


def _raw_attribute(self: Evaluator, receiver: Instance, arguments: list[Value]) -> Value:
    name = arguments[-1] if arguments else ""
    if type(name) is not str:
        return UNKNOWN
    if name in receiver.attributes:
        return receiver.attributes[name]
    member = receiver.cls.find(name)
    return UNKNOWN if member is None else _bind(self, member, receiver, receiver.cls)


def _init_base(
    self: Evaluator, receiver: Value, base: str, arguments: list[Value], keywords: dict[str, Value]
) -> Value:
    if type(receiver) is Instance and type(receiver.plain) in (dict, list, set):
        receiver.plain = self.call(Symbol(base), arguments, keywords)
    elif type(receiver) is Instance and base:
        receiver.attributes.setdefault("args", tuple(arguments))
        self.escape(Symbol(base), arguments, keywords)  # class P(Popen)
        # Thread.__init__(self, target=…): what the base class keeps is called by it.
        self.escape_all(arguments, keywords)
    return None


def _get_process(self: Evaluator, value: Process, name: str) -> Value:
    if name in ("stdout", "stderr"):
        output = value.output if name == "stdout" else ""
        content: str | bytes | None = output if value.text else output.encode("utf-8", "replace")
        if value.ended:
            return content or UNKNOWN
        return Stream("", "r" if value.text else "rb", content or None)
    if name == "stdin":
        return value
    if name in ("returncode", "pid"):
        return UNKNOWN
    return Method(value, name)


def _get_lines(self: Evaluator, value: Lines, name: str) -> Value:
    if name in ("s", "spstr"):
        return " ".join(map(self.text, value))
    if name in ("n", "nlstr"):
        return "\n".join(map(self.text, value))
    if name in ("l", "list"):
        return list(value)
    return Method(value, name)


def _get_array(self: Evaluator, value: Array, name: str) -> Value:
    if name == "T":
        return value.transposed()
    if name in ("flat", "values", "data"):
        return value
    if name == "index":
        return Array(range(len(value)) if value.labels is None else value.labels)
    if name in ("size", "shape"):
        return len(value) if name == "size" else value.shape or (len(value),)
    if name == "dtype":
        return value.kind
    if name == "str":
        return tables.texts(self, value)
    if name in ("iloc", "iat"):
        return Array(value, value.kind)
    if name in ("loc", "at"):
        return value
    if value.labels is not None and name in value.labels:
        return value[value.labels.index(name)]
    return Method(value, name)


def _get_table(self: Evaluator, value: Table, name: str) -> Value:
    found = tables.attribute(self, value, name)
    return Method(value, name) if found is None else found


def _get_stream(self: Evaluator, value: Stream, name: str) -> Value:
    if name == "name":
        return value.path or UNKNOWN
    if name == "buffer":
        return value
    if name in ("text", "content"):
        return library.stream_read(value)
    return Method(value, name)


def _get_path(self: Evaluator, value: Path, name: str) -> Value:
    return library.path_attribute(value, name)


def _get_code(self: Evaluator, value: Code, name: str) -> Value:
    if name == "co_consts" and value.function is not None:
        constants = [each.value for each in ast.walk(value.function.node) if type(each) is ast.Constant]
        doc = value.function.attributes.get("__doc__")
        return (doc, *[each for each in constants if each != doc][:200])
    if name == "co_consts" and value.calls is not None:
        return tuple(value.calls.constants)
    if name in ("co_varnames", "co_argcount") and value.function is not None:
        spec = value.function.node.args
        places = [each.arg for each in (*spec.posonlyargs, *spec.args)]
        return len(places) if name == "co_argcount" else (*places, *[each.arg for each in spec.kwonlyargs])
    if name in ("co_name", "co_filename"):
        return value.function.name if value.function is not None else "<string>"
    if name == "body" and (tree := trees.nodes_of(value)) is not None and trees.has_field(tree, name):
        return trees.field(tree, name)
    return Method(value, name)


def _get_choice(self: Evaluator, value: Choice, name: str) -> Value:
    return either([get(self, each, name) for each in value.values])


def _get_generator(self: Evaluator, value: Generator, name: str) -> Value:
    return Method(value, name)


def _get_descriptor(self: Evaluator, value: Descriptor, name: str) -> Value:
    if name in ("setter", "getter", "deleter"):

        def replace(arguments: list[Value], keywords: dict[str, Value]) -> Value:
            if name == "setter" and arguments:
                return Descriptor(value.kind, value.function, arguments[0])
            return value

        return Native(replace)
    return value.function if name in ("fget", "func", "__func__", "__wrapped__") else UNKNOWN


_GET: Final[dict[type, Callable[[Evaluator, Any, str], Value]]] = {
    Symbol: _get_symbol,
    Instance: _get_instance,
    Class: _get_class,
    Function: _get_function,
    Bound: _get_bound,
    Method: _get_method,
    Partial: _get_partial,
    Namespace: _get_namespace,
    Super: _get_super,
    Process: _get_process,
    Lines: _get_lines,
    Array: _get_array,
    Table: _get_table,
    Stream: _get_stream,
    Path: _get_path,
    Code: _get_code,
    Choice: _get_choice,
    Generator: _get_generator,
    Descriptor: _get_descriptor,
    type(UNKNOWN): lambda self, value, name: UNKNOWN,
    Native: lambda self, value, name: UNKNOWN,
}


def put(self: Evaluator, value: Value, name: str, new: Value, node: ast.AST | None) -> None:
    """``value.name = new``."""
    kind = type(value)
    if kind is Instance:
        member = value.cls.find(name)
        if type(member) is Descriptor and member.setter is not None:
            self.call(member.setter, [value, new])
            return
        if type(member) is Instance and (setter := member.cls.find("__set__")) is not None:
            self.call(Bound(setter, member), [value, new])
            return
        hook = value.cls.find("__setattr__")
        if hook is not None and self.depth < 24:
            self.call(Bound(hook, value), [name, new])
            return
        held = new.plain if type(new) is Instance else new
        if name == "__dict__" and type(held) is dict:
            value.attributes = held
            return
        self.store(value.attributes, name, new)
        _tell_observers(self, value, name, new)
    elif kind is Namespace:
        self.store(value.attributes, name, new)
    elif kind is Function:
        if name == "__code__" and type(new) is Code and new.function is not None:
            value.node, value.scope, value.unit = new.function.node, new.function.scope, new.function.unit
        elif name == "__defaults__" and type(new) is tuple:
            value.defaults = list(new)
        self.store(value.attributes, name, new)
    elif kind is Class:
        self.store(value.namespace, name, new)
    elif kind is Symbol:
        if not trees.put_field(self, value, name, new):
            sinks.put_attribute(self, value, name, new, node)
    elif kind is Code:
        if name != "body" or not trees.put_field(self, trees.nodes_of(value), name, new):
            self.escape(new, [], {})
    elif kind is Choice:
        for each in value.values:
            put(self, each, name, new, node)
    else:
        self.escape(new, [], {})


def _tell_observers(self: Evaluator, value: Instance, name: str, new: Value) -> None:
    """Call the methods that a library's decorator made wait for a change (``@observe("name")``)."""
    for member in list(value.cls.namespace.values()):
        names = member.attributes.get(OBSERVES) if type(member) is Function else None
        if names is not None and (name in names or "All" in names) and self.depth < 24:
            self.call(Bound(member, value), [widgets.change(value, name, new)])
    for each in list(value.attributes.get(WAITING, ()))[:16]:
        self.defer(each, [widgets.change(value, name, new)], {})


#: Attribute of a function that waits for changes: the names of what it waits for.
OBSERVES: Final = "\0observes"


def item(self: Evaluator, value: Value, index: Value) -> Value:
    """``value[index]``."""
    kind = type(value)
    if type(index) is Choice and kind is not Choice:
        return either([item(self, value, each) for each in index.values])
    if kind in (str, bytes, list, tuple, Lines, bytearray, range, Subclasses):
        return _sequence_item(self, value, index)
    if kind is Array:
        return arrays.item(self, value, index)
    if kind is Table:
        return tables.item(self, value, index)
    if kind is dict:
        return _dict_item(self, value, index)
    if kind is Symbol:
        return sinks.item(self, value, index)
    if kind is Choice:
        return either([item(self, each, index) for each in value.values])
    if kind is Instance:
        method = value.cls.find("__getitem__")
        if method is not None:
            return self.call(Bound(method, value), [index])
        if type(value.plain) is dict and (method := value.cls.find("__missing__")) is not None:
            known = library.is_hashable(index) and index in value.plain
            return value.plain[index] if known else self.call(Bound(method, value), [index])
        if value.plain is not None:
            return item(self, value.plain, index)
    if kind is Namespace:
        getter = value.attributes.get("__getitem__")
        if getter is not None:
            return self.call(getter, [index])
        return value.attributes.get(index, UNKNOWN) if type(index) is str else UNKNOWN
    if kind is Class:
        method = value.find("__class_getitem__")
        if method is not None:
            return self.call(Bound(getattr(method, "function", method), value), [index])
        if type(index) is str and value.is_enumeration():
            return value.namespace.get(index, UNKNOWN)
        return value
    if kind in library.FIELDS:
        try:
            return value[index]
        except (TypeError, KeyError, IndexError):
            return UNKNOWN
    return UNKNOWN


def _sequence_item(self: Evaluator, value: Any, index: Value) -> Value:
    kind = type(index)
    if kind is int or kind is bool or kind is slice:
        try:
            found = value[index]
        except (IndexError, ValueError):
            return Symbol("os._wrap_close") if type(value) is Subclasses else UNKNOWN
        if kind is slice and type(value) in (str, bytes):
            self.note(found, "reversed" if index.step == -1 else "", value)
        return found
    if type(value) in (list, tuple) and 0 < len(value) <= Choice.MAX and kind in (type(UNKNOWN), Symbol):
        return either(value)
    if type(value) is Subclasses:
        return Symbol("os._wrap_close")
    return UNKNOWN


def _dict_item(self: Evaluator, value: dict[Value, Value], index: Value) -> Value:
    try:
        if index in value:
            return value[index]
    except TypeError:
        return UNKNOWN
    if value is self.state.names and type(index) is str:
        return self.lookup(index)
    factory = self.session.factory_of(value)
    if factory is not None and library.is_hashable(index) and not isinstance(index, Symbol | type(UNKNOWN)):
        made = self.call(factory, [])
        self.store(value, index, made)
        return made
    if (
        type(index) in (type(UNKNOWN), Symbol)
        and 0 < len(value) <= Choice.MAX
        and value is not self.state.names
    ):
        return either(value.values())
    if type(index) is Path:
        return value.get(index.text, UNKNOWN)
    return UNKNOWN


def put_item(self: Evaluator, value: Value, index: Value, new: Value) -> None:
    """``value[index] = new``."""
    kind = type(value)
    if kind is dict:
        try:
            self.store(value, index, new)
        except TypeError:
            return
    elif kind in (list, Array, bytearray, Lines):
        try:
            if kind is Array and type(index) is slice and type(new) is int:
                value[index] = [new] * len(value[index])
            elif type(index) is slice:
                value[index] = self.items(new)
            else:
                value[index] = new
        except (TypeError, ValueError, IndexError):
            return
    elif kind is Table:
        tables.put_item(self, value, index, new)
    elif kind is Symbol:
        sinks.put_item(self, value, index, new)
    elif kind is Namespace and (setter := value.attributes.get("__setitem__")) is not None:
        self.call(setter, [index, new])
    elif kind is Namespace and type(index) is str:
        self.store(value.attributes, index, new)
    elif kind is Instance:
        method = value.cls.find("__setitem__")
        if method is not None:
            self.call(Bound(method, value), [index, new])
        elif type(value.plain) in (dict, list):
            put_item(self, value.plain, index, new)


def delete_item(self: Evaluator, value: Value, index: Value) -> None:
    """``del value[index]``."""
    if type(value) in (dict, list, Array, bytearray):
        try:
            if self.journal is None:
                del value[index]
        except (TypeError, ValueError, IndexError, KeyError):
            return
    elif type(value) is Symbol:
        sinks.delete_item(self, value, index)
    elif type(value) is Instance and (method := value.cls.find("__delitem__")) is not None:
        self.call(Bound(method, value), [index])


_OPERATORS: Final[dict[type[ast.AST], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.BitAnd: operator.and_,
}
_METHODS: Final = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "truediv",
    ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
    ast.Pow: "pow",
    ast.LShift: "lshift",
    ast.RShift: "rshift",
    ast.BitOr: "or",
    ast.BitXor: "xor",
    ast.BitAnd: "and",
    ast.MatMult: "matmul",
}
_NUMBERS: Final = frozenset({int, float, bool, complex})
_SIMPLE: Final = frozenset(
    {str, bytes, int, float, bool, complex, list, tuple, set, frozenset, dict, bytearray}
)


def binary(self: Evaluator, operation: type[ast.operator], left: Value, right: Value) -> Value:
    """``left operation right``."""
    one, other = type(left), type(right)
    if one in _NUMBERS and other in _NUMBERS:
        return _arithmetic(operation, left, right)
    if one is str and operation is ast.Mod:
        return _percent(self, left, right)
    if one is str and other is str and operation is ast.Add:
        result = left + right
        if self.session.trace:
            self.note(result, "", left, right)
        return library.checked(result)
    if one is Choice or other is Choice:
        return either(
            [
                binary(self, operation, first, second)
                for first in (left.values if one is Choice else (left,))
                for second in (right.values if other is Choice else (right,))
            ]
        )
    if one in _SIMPLE and other in _SIMPLE:
        return _simple(self, operation, left, right)
    if one is Array or other is Array:
        return _elementwise(self, operation, left, right)
    found = _by_method(self, operation, left, right)
    if found is not None:
        return found
    if one in library.FIELDS and operation in (ast.Add, ast.Sub):
        return _field_sum(operation, left, right)
    if operation is ast.Div and (one is Path or other is Path):
        return library.path_join([self.text(left), self.text(right)])
    if operation is ast.Add and (one is str or other is str):
        return library.checked(self.text(left) + self.text(right))
    if operation is ast.Add and one in (list, Lines) and other in (list, Lines):
        return [*left, *right][: Budget.MAX_SIZE]
    if operation is ast.BitOr and (one is Symbol or other is Symbol):
        both = library.environment(self, left), library.environment(self, right)
        return {**both[0], **both[1]} if type(both[0]) is type(both[1]) is dict else _pipe(self, left, right)
    return UNKNOWN


def _field_sum(operation: type[ast.operator], left: Value, right: Value) -> Value:
    """Add what has a type of its own: a time to a day."""
    try:
        return _OPERATORS[operation](left, right)
    except Exception:
        return UNKNOWN


def _pipe(self: Evaluator, left: Value, right: Value) -> Value:
    """Evaluate ``a | b`` of a library's objects: plumbum's pipelines, langchain's, types."""
    for each in (left, right):
        if type(each) is Symbol and each.called:
            return each
    return left if type(left) is Symbol else right


def _arithmetic(operation: type[ast.operator], left: Any, right: Any) -> Value:
    if operation is ast.Pow and type(left) is int and type(right) is int:
        if right < 0 or left.bit_length() * right > 1 << 17:
            return UNKNOWN if right > 0 or left == 0 else float(left) ** right
    elif (operation is ast.LShift and (right > 1 << 17 or right < 0)) or (
        operation is ast.Mult
        and type(left) is int
        and type(right) is int
        and left.bit_length() + right.bit_length() > 1 << 18
    ):
        return UNKNOWN
    try:
        return _OPERATORS[operation](left, right)
    except (ArithmeticError, TypeError, ValueError, KeyError):
        return UNKNOWN


def _simple(self: Evaluator, operation: type[ast.operator], left: Any, right: Any) -> Value:
    if operation is ast.Mult:
        sequence, times = (left, right) if type(right) in (int, bool) else (right, left)
        if type(times) not in (int, bool) or len(sequence) * times > Budget.MAX_SIZE:
            return UNKNOWN
    elif operation is ast.Mod and type(left) is bytes and not is_small(right):
        return UNKNOWN
    elif operation is ast.Add and type(left) is not type(right) and str in (type(left), type(right)):
        return library.checked(self.text(left) + self.text(right)) if has_hole((left, right)) else UNKNOWN
    try:
        result = _OPERATORS[operation](left, right)
    except (ArithmeticError, TypeError, ValueError, KeyError):
        return UNKNOWN
    if operation is ast.Add and type(result) is bytes:
        self.note(result, "", left, right)
    return library.checked(result)


def is_small(value: Value) -> bool:
    """Whether formatting ``value`` cannot make a very large text by its width."""
    return type(value) not in (tuple, dict) or not any(type(each) is int and each > 1 << 16 for each in value)


def _percent(self: Evaluator, template: str, value: Value) -> Value:
    """``template % value``, parts that are not known become holes."""
    if type(value) is Choice:
        return either([_percent(self, template, each) for each in value.values])
    if "*" in template or len(template) > 1 << 16 or library.wide(template):
        return UNKNOWN
    if type(value) is tuple:
        several: Any = tuple(_plain_or_text(self, each) for each in value)
    elif type(value) is dict:
        several = {key: _plain_or_text(self, each) for key, each in value.items()}
    else:
        several = (_plain_or_text(self, value),)
    try:
        return library.checked(template % several)
    except (TypeError, ValueError, KeyError, OverflowError):
        pass
    loose = library.loosen(template)
    try:
        if type(several) is dict:
            return library.checked(loose % library.Holes(several))
        return library.checked(loose % several)
    except (TypeError, ValueError, KeyError, OverflowError):
        return UNKNOWN


def _plain_or_text(self: Evaluator, value: Value) -> Value:
    return value if type(value) in (int, float, str, bool, bytes) else self.text(value)


def _elementwise(self: Evaluator, operation: type[ast.operator], left: Value, right: Value) -> Value:
    """Arithmetic of arrays."""
    if operation is ast.MatMult:
        known = type(left) is Array and type(right) is Array
        return arrays.product(self, left, right) if known else UNKNOWN
    kind = left.kind if type(left) is Array else right.kind
    made = _each_pair(self, left, right, kind, lambda one, other: binary(self, operation, one, other))
    return library.wrapped(made) if type(made) is Array else made


def _each_pair(
    self: Evaluator, left: Value, right: Value, kind: str, compute: Callable[[Value, Value], Value]
) -> Value:
    many = left if type(left) in (Array, list, tuple) else None
    more = right if type(right) in (Array, list, tuple) else None
    if many is not None and more is not None:
        if len(many) != len(more) and 1 not in (len(many), len(more)):
            return UNKNOWN
        size = max(len(many), len(more))
        first = list(many) * (size // len(many) if many else 0)
        second = list(more) * (size // len(more) if more else 0)
    elif many is not None:
        first, second = list(many), [right] * len(many)
    elif more is not None:
        first, second = [left] * len(more), list(more)
    else:
        return UNKNOWN
    self.budget.spend(len(first) // 8 + 1)
    made = [compute(one, other) for one, other in zip(first, second, strict=False)]
    model = left if type(left) is Array and len(left) == len(made) else right
    return model.like(made, kind) if type(model) is Array and len(model) == len(made) else Array(made, kind)


def _by_method(self: Evaluator, operation: type[ast.operator], left: Value, right: Value) -> Value | None:
    name = _METHODS[operation]
    if type(left) is Instance:
        method = left.cls.find(f"__{name}__")
        if method is not None:
            return self.call(Bound(method, left), [right])
        if left.plain is not None:
            return binary(self, operation, left.plain, right)
    if type(right) is Instance:
        method = right.cls.find(f"__r{name}__")
        if method is not None:
            return self.call(Bound(method, right), [left])
        if right.plain is not None:
            return binary(self, operation, left, right.plain)
    if type(left) is Class:
        meta = left.keywords.get("metaclass")
        if type(meta) is Class and (method := meta.find(f"__{name}__")) is not None:
            return self.call(Bound(method, left), [right])
    return None


_COMPARE: Final[dict[type[ast.AST], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_COMPARE_METHODS: Final = {
    ast.Eq: "__eq__",
    ast.NotEq: "__ne__",
    ast.Lt: "__lt__",
    ast.LtE: "__le__",
    ast.Gt: "__gt__",
    ast.GtE: "__ge__",
}


def picks_guard(self: Evaluator, text: str, subject: Symbol) -> None:
    """Report that the guard is picked out of what runs: ``"tos_guard" in name`` for each loaded module."""
    plain = text.lower().replace("-", "_")
    if "tos_guard" in plain or "tosguard" in plain:
        root = subject.name.partition(".")[0]
        if root in ("sys", "gc", "threading", "inspect", "psutil", "get_ipython", "pkgutil"):
            self.emit(Kind.CALL, "jupyter_tos_guard", self.node)


def compare(self: Evaluator, operation: type[ast.cmpop], left: Value, right: Value) -> Value:
    """``left operation right``; unknown unless both are known."""
    one, other = type(left), type(right)
    if one is Symbol and not left.called:
        left = library.CONSTANTS.get(left.name, left)
        one = type(left)
    if other is Symbol and not right.called:
        right = library.CONSTANTS.get(right.name, right)
        other = type(right)
    if one is str and other is Symbol:
        picks_guard(self, left, right)
    elif one is Symbol and other is str:
        picks_guard(self, right, left)
    if operation is ast.In or operation is ast.NotIn:
        found = _contains(self, right, left)
        return found if operation is ast.In or found is UNKNOWN else not found
    if operation is ast.Is or operation is ast.IsNot:
        same = _identical(left, right)
        return UNKNOWN if same is None else same is (operation is ast.Is)
    if one is Instance or other is Instance:
        for each, against in ((left, right), (right, left)):
            if type(each) is Instance and (method := each.cls.find(_COMPARE_METHODS[operation])) is not None:
                return self.call(Bound(method, each), [against])
        if one is other and left.cls is right.cls and records.is_record(left.cls):
            return compare(self, operation, records.compared(left), records.compared(right))
        return UNKNOWN
    if one is Array or other is Array:
        return _compared(self, operation, left, right)
    if (one in _SIMPLE and other in _SIMPLE) or left is None or right is None:
        if one in _OPAQUE or other in _OPAQUE or has_hole(left) or has_hole(right):
            return UNKNOWN
        if not is_deep_plain(left) or not is_deep_plain(right):
            return UNKNOWN
        try:
            return _COMPARE[operation](left, right)
        except TypeError:
            return UNKNOWN
    if one is Symbol and other is Symbol and left.name == right.name and operation is ast.Eq:
        return True if not left.called and not right.called else UNKNOWN
    return UNKNOWN


def _compared(self: Evaluator, operation: type[ast.cmpop], left: Value, right: Value) -> Value:
    """Compare each value of an array."""
    if len(left if type(left) is Array else right) > arrays.MAX_ITEMS:
        return UNKNOWN
    return _each_pair(self, left, right, "bool", lambda one, other: compare(self, operation, one, other))


_OPAQUE: Final = frozenset({Symbol, Choice, type(UNKNOWN), Instance})


def is_deep_plain(value: Value) -> bool:
    """Whether comparing ``value`` compares nothing that is not known."""
    if type(value) in (list, tuple, set):
        return all(type(each) not in _OPAQUE for each in value)
    if type(value) is dict:
        return all(type(each) not in _OPAQUE for each in value.values())
    return True


def _identical(left: Value, right: Value) -> bool | None:
    if type(left) in _OPAQUE or type(right) in _OPAQUE:
        if {type(left), type(right)} <= {Symbol, Function, Class}:
            return _same_definition(left, right)
        if type(left) is Instance or type(right) is Instance:
            return left is right
        return None
    if left is None or right is None or isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return True if left is right else None


def _same_definition(left: Value, right: Value) -> bool | None:
    """Whether two names stand for one function or class; a library's may have two names."""
    if type(left) is Symbol and type(right) is Symbol:
        return True if left.name == right.name and not left.called and not right.called else None
    symbol = left if type(left) is Symbol else right
    return None if symbol.called else False


def _contains(self: Evaluator, container: Value, value: Value) -> Value:
    kind = type(container)
    if kind is Instance and (method := container.cls.find("__contains__")) is not None:
        return self.call(Bound(method, container), [value])
    if type(value) in _OPAQUE or kind not in _CONTAINERS:
        return UNKNOWN
    try:
        found = value in container
    except TypeError:
        return UNKNOWN
    if not found and (has_hole(container, 2) or has_hole(value) or not is_deep_plain(container)):
        return UNKNOWN
    if not found and container is self.state.names:
        return UNKNOWN
    return found


_CONTAINERS: Final = frozenset(
    {str, bytes, list, tuple, dict, set, frozenset, range, bytearray, Lines, Array}
)
