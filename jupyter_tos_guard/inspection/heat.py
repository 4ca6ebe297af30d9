"""Which names of a session lead to a sink, so that a cell that mentions one must be evaluated."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from jupyter_tos_guard.inspection.screen import SINK_MODULES, SINKS
from jupyter_tos_guard.inspection.values import (
    Bound,
    Class,
    Descriptor,
    Function,
    Instance,
    Namespace,
    Native,
    Partial,
    Process,
    Symbol,
    Value,
)

_WORDS: dict[int, tuple[ast.AST, frozenset[str]]] = {}


def names(bound: dict[str, Value]) -> set[str]:
    """Names of ``bound`` whose values reach a sink."""
    hot: set[str] = set()
    for _ in range(4):
        before = len(hot)
        for name, value in bound.items():
            if name not in hot and type(name) is str and _is_hot(value, hot, 3):
                hot.add(name)
        if len(hot) == before:
            break
    return hot


def warm(bound: dict[str, Value], among: Iterable[str], hot: set[str]) -> None:
    """Add to ``hot`` the names of ``among`` whose values reach a sink."""
    for name in among:
        if name in bound and name not in hot and _is_hot(bound[name], hot, 3):
            hot.add(name)


def reached(functions: Iterable[Value]) -> set[str]:
    """Names that the bodies of ``functions`` mention: what a deferred call may take its data from."""
    found: set[str] = set()
    for function in functions:
        while type(function) in (Bound, Partial):
            if type(function) is Bound and type(function.receiver) is Instance:
                for member in function.receiver.cls.namespace.values():
                    if type(member) is Function:
                        found |= _words(member.node)
            function = function.function
        if type(function) is Function:
            found |= _words(function.node)
    return found


def fingerprint(function: Value, arguments: list[Value]) -> tuple[Any, ...]:
    """What a deferred call works on, cheaply: it differs when a later cell has changed that."""
    seen: list[Any] = []
    for each in arguments[:8]:
        _look(each, seen, 2)
    while type(function) in (Bound, Partial):
        if type(function) is Bound:
            _look(function.receiver, seen, 2)
        function = function.function
    if type(function) is Function:
        for name in sorted(_words(function.node)):
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
    elif (kind is Instance and depth) or (kind is Namespace and depth):
        for each in list(value.attributes.values())[:16]:
            _look(each, seen, depth - 1)


def _is_hot(value: Value, hot: set[str], depth: int) -> bool:
    kind = type(value)
    if kind in (str, bytes, int, float, bool, type(None)):
        return False
    if kind is Symbol:
        parts = value.name.split(".")
        if value.called and parts[0] not in _SHELL_ROOTS:
            # What a fetch returned is data; a session, a client, a connection is a sink.
            opened = parts[-1][:1].isupper() or parts[-1] in _OPENERS
            return not SINKS.isdisjoint(parts) or (opened and parts[0] in SINK_MODULES)
        return parts[0] in SINK_MODULES or parts[0] in _SHELL_ROOTS or not SINKS.isdisjoint(parts)
    if kind is Function:
        words = _words(value.node)
        return not (SINKS.isdisjoint(words) and hot.isdisjoint(words) and SINK_MODULES.isdisjoint(words))
    if depth <= 0:
        return False
    if kind is Class:
        return any(_is_hot(each, hot, depth - 1) for each in value.namespace.values())
    if kind is Instance:
        return _is_hot(value.cls, hot, depth - 1)
    if kind in (Bound, Partial, Descriptor):
        return _is_hot(value.function, hot, depth - 1)
    if kind in (Native, Process):
        return True
    if kind in (list, tuple):
        return any(_is_hot(each, hot, depth - 1) for each in value[:20])
    if kind is dict:
        return any(_is_hot(each, hot, depth - 1) for each in list(value.values())[:20])
    return False


#: Calls that return something to run or send through, beside classes.
_OPENERS = frozenset(
    "client connect connection create_connection open_connection session spawn start_new_kernel".split()
)
_SHELL_ROOTS = frozenset({"get_ipython", "jupyter_client", "pexpect", "paramiko"})


def _words(node: Any) -> frozenset[str]:
    known = _WORDS.get(id(node))
    if known is not None and known[0] is node:
        return known[1]
    words: set[str] = set()
    for each in ast.walk(node):
        if type(each) is ast.Name:
            words.add(each.id)
        elif type(each) is ast.Attribute:
            words.add(each.attr)
        elif type(each) is ast.alias:
            words.update(each.name.split("."))
        elif type(each) is ast.ImportFrom and each.module:
            words.update(each.module.split("."))
    words.discard("__ipython_line__")
    if any(type(each) is ast.Name and each.id == "__ipython_line__" for each in ast.walk(node)):
        words.add("system")
    if len(_WORDS) > 1024:
        _WORDS.clear()
    _WORDS[id(node)] = (node, frozenset(words))
    return _WORDS[id(node)][1]
