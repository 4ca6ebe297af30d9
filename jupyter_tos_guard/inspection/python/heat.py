"""Which names of a session lead to a sink, so that a cell that mentions one must be evaluated."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final, NamedTuple

from jupyter_tos_guard.inspection.python.carriers.widgets import is_widget
from jupyter_tos_guard.inspection.python.cell import PLACEHOLDER, nodes
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    WAITING,
    Bound,
    Choice,
    Class,
    Descriptor,
    Function,
    Generator,
    Instance,
    Namespace,
    Native,
    Partial,
    Process,
    Symbol,
    Value,
)
from jupyter_tos_guard.inspection.screen import BARE, SINK_MODULES, SINKS

#: Key in ``State.names`` of what the evaluator keeps between cells; no identifier.
SESSION: Final = "\0session"
#: Words of functions seen before, by the identity of their node, which the entry keeps alive.
_WORDS: dict[int, tuple[ast.AST, _Words]] = {}
#: What a later cell can change under a function that is called even later.
_DATA = (str, bytes, list, dict, set, Instance, Namespace)


def names(bound: dict[str, Value]) -> set[str]:
    """Names of ``bound`` whose values reach a sink."""
    hot: set[str] = set()
    for _ in range(4):
        before = len(hot)
        for name, value in bound.items():
            if name not in hot and type(name) is str and _is_hot(value, hot):
                hot.add(name)
        if len(hot) == before:
            break
    return hot


def warm(bound: dict[str, Value], among: Iterable[str], hot: set[str]) -> None:
    """Add to ``hot`` the names of ``among`` whose values reach a sink."""
    for name in among:
        if name in bound and name not in hot and _is_hot(bound[name], hot):
            hot.add(name)


def reached(functions: Iterable[Value], bound: dict[str, Value]) -> set[str]:
    """Names of ``bound`` whose data the bodies of ``functions`` work on when they are called later."""
    found: set[str] = set()
    free: set[str] = set()
    for function in functions:
        while type(function) in (Bound, Partial):
            if type(function) is Bound and type(function.receiver) is Instance:
                for member in function.receiver.cls.namespace.values():
                    if type(member) is Function:
                        found |= _words(member.node).names
            function = function.function
        if type(function) is Function:
            found |= _words(function.node).names
            free |= _words(function.node).free
    waiting = {name for name in free if name not in bound and not hasattr(builtins, name)}
    return waiting | {name for name in found if type(bound.get(name)) in _DATA or is_widget(bound.get(name))}


def patched(attributes: dict[str, Value], hot: set[str]) -> set[str]:
    """Last words of the modules' attributes that the program replaced by what reaches a sink."""
    return {name.rpartition(".")[2] for name, value in attributes.items() if _is_hot(value, hot)}


def constants(function: Value) -> set[str]:
    """Words of the texts in a function that changes cells: a cell that has one is changed by it."""
    while type(function) in (Bound, Partial):
        function = function.function
    if type(function) is not Function:
        return set()
    texts = [
        each.value
        for each in ast.walk(function.node)
        if type(each) is ast.Constant and type(each.value) is str and len(each.value) < 200
    ]
    return {word for text in texts for word in _WORD.findall(text)}


_WORD = re.compile(r"[A-Za-z_]\w*")


def fingerprint(function: Value, arguments: list[Value]) -> tuple[Any, ...]:
    """Return what a deferred call works on, cheaply: it differs when a later cell has changed that."""
    seen: list[Any] = []
    for each in arguments[:8]:
        _look(each, seen, 2)
    while type(function) in (Bound, Partial):
        if type(function) is Bound:
            _look(function.receiver, seen, 2)
        function = function.function
    if type(function) is Function:
        for name in sorted(_words(function.node).names):
            scope = function.scope
            while scope is not None:
                if name in scope.names:
                    _look(scope.names[name], seen, 2)
                    break
                scope = scope.parent
    return tuple(seen)


def _look(value: Value, seen: list[Any], depth: int) -> None:
    kind = type(value)
    if kind in (str, bytes, int, float, bool):
        seen.append(value)
    elif kind is list or kind is dict:
        seen.append((id(value), len(value)))
        if len(value) <= 16:
            seen.extend(each for each in (value if kind is list else value.values()) if type(each) is str)
    elif is_widget(value):
        seen.extend(each for each in value.details[1].values() if type(each) in (str, int, bool))
    elif (kind is Instance and depth) or (kind is Namespace and depth):
        for each in list(value.attributes.values())[:16]:
            _look(each, seen, depth - 1)


#: Values that are looked at behind one name, nearest first, and members of each container.
_MAX_SEEN, _MAX_MEMBERS = 160, 20


def _is_hot(value: Value, hot: set[str]) -> bool:
    """Whether ``value``, or what it holds, reaches a sink."""
    if type(value) in _COLD:
        return False
    waiting: list[Value] = [value]
    seen: set[int] = set()
    for each in waiting:  # grows meanwhile
        if id(each) in seen:
            continue
        seen.add(id(each))
        found = _look_into(each, hot)
        if type(found) is bool:
            if found:
                return True
        elif len(waiting) < _MAX_SEEN:
            waiting += [one for one in found if type(one) not in _COLD]
    return False


#: Types of values that hold nothing that could be called.
_COLD: Final = frozenset({str, bytes, int, float, bool, type(None), type(UNKNOWN)})


def _look_into(value: Value, hot: set[str]) -> bool | list[Value]:
    """Whether a value reaches a sink by itself, or what it holds."""
    kind = type(value)
    if kind is Symbol:
        waits = value.called and value.details is not None and WAITING in value.details[1]
        return waits or _leads_out(value)
    if kind is Function:
        words = _words(value.node)
        cold = (
            SINKS.isdisjoint(words.names)
            and hot.isdisjoint(words.names)
            and SINK_MODULES.isdisjoint(words.imports)
            and not words.escapes
        )
        return _kept(value, words) if cold else True
    if kind in (Native, Process):
        return True
    if kind is Class:
        return [*value.bases, *value.namespace.values()]
    if kind is Instance:
        if WAITING in value.attributes:
            return True
        return [value.cls, *_some(value.attributes.values()), *_some(value.plain)]
    if kind is Descriptor:
        return [value.function, value.setter]
    if kind is Namespace:
        return _some(value.attributes.values())
    if kind is Bound:
        return [value.function, value.receiver]
    if kind in (Partial, Generator):
        return [value.function, *_some([*value.arguments, *value.keywords.values()])]
    if kind is Choice:
        return list(value.values)
    if kind is dict:
        return _some(value.values()) + _some(value)
    return _some(value) if kind in (list, tuple, set, frozenset) else False


def _some(values: Any) -> list[Value]:
    """Return the first of several values; none if it is no container."""
    return list(islice(values, _MAX_MEMBERS)) if isinstance(values, Iterable) else []


def _leads_out(value: Symbol) -> bool:
    parts = value.name.split(".")
    if value.called and parts[0] not in _SHELL_ROOTS:
        if parts[0] in _HANDLES:
            return True
        # What a fetch returned is data; a session, a client, a connection is a sink.
        opened = parts[-1][:1].isupper() or parts[-1] in _OPENERS
        return not SINKS.isdisjoint(parts) or (opened and parts[0] in SINK_MODULES)
    return parts[0] in SINK_MODULES or parts[0] in _SHELL_ROOTS or not SINKS.isdisjoint(parts)


def _kept(function: Function, words: _Words) -> list[Value]:
    """Values that a function has of its own: of the scopes that it closes over, and its attributes."""
    found = list(function.attributes.values())
    scope = function.scope
    while scope is not None and SESSION not in scope.names:  # the kernel's own are in ``hot``
        found += [scope.names[name] for name in words.free if name in scope.names]
        scope = scope.parent
    return found[:20]


#: Calls that return something to run or send through, beside classes.
_OPENERS = frozenset(
    "client connect connection create_connection open_connection session spawn start_new_kernel".split()
)
#: Libraries whose every object is a way to fetch or to run something.
_HANDLES = frozenset(
    "git dulwich pygit2 github docker fsspec fabric invoke paramiko asyncssh selenium playwright pyppeteer "
    "splinter ipyparallel rpyc rpy2 huggingface_hub socket ssl "
    "websocket websockets zmq libtmux".split()
)
_SHELL_ROOTS = frozenset({"get_ipython", "jupyter_client", "pexpect", "paramiko"})


class _Words(NamedTuple):
    """What a function's body names: anything, modules that it imports; whether it runs text or lines."""

    names: frozenset[str]
    imports: frozenset[str]
    escapes: bool
    #: Names that it uses and does not bind.
    free: frozenset[str]


def _words(node: Any) -> _Words:
    known = _WORDS.get(id(node))
    if known is not None and known[0] is node:
        return known[1]
    names: set[str] = set()
    imports: set[str] = set()
    loaded: set[str] = set()
    own: set[str] = set()
    escapes = False
    for each in nodes(node):
        kind = type(each)
        if kind is ast.Name:
            names.add(each.id)  # type: ignore[attr-defined]
            (loaded if type(each.ctx) is ast.Load else own).add(each.id)  # type: ignore[attr-defined]
            escapes = escapes or each.id in BARE or each.id == PLACEHOLDER  # type: ignore[attr-defined]
        elif kind is ast.arg:
            own.add(each.arg)  # type: ignore[attr-defined]
        elif kind is ast.Attribute:
            names.add(each.attr)  # type: ignore[attr-defined]
        elif kind is ast.alias:
            imports.update(each.name.split("."))  # type: ignore[attr-defined]
        elif kind is ast.ImportFrom and each.module:  # type: ignore[attr-defined]
            imports.update(each.module.split("."))  # type: ignore[attr-defined]
    if len(_WORDS) > 1024:
        _WORDS.clear()
    free = frozenset(loaded - own - imports - {PLACEHOLDER})
    words = _Words(frozenset(names | imports), frozenset(imports), escapes, free)
    _WORDS[id(node)] = (node, words)
    return words
