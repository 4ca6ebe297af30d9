"""Imports that the program answers itself: its own finders and loaders, ``__import__`` in its hands."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument
from jupyter_tos_guard.inspection.python.values import (
    Bound,
    Choice,
    Class,
    Function,
    Instance,
    Namespace,
    Native,
    Symbol,
    Value,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator

#: Key of the session's finders, whose last word is a word to look out for.
_FINDERS: Final = "\0finders.import"
_REPLACED: Final = "builtins.__import__"


def add(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``sys.meta_path.append(finder)``: from now on, imports ask it."""
    kept = self.session.patched
    for value in arguments:
        for each in value if type(value) in (list, tuple) else [value]:
            if type(each) in (Class, Instance):
                kept[_FINDERS] = [*kept.get(_FINDERS, []), each][-8:]
    self.escape_all(arguments, keywords)
    return None


def find(self: Evaluator, name: str) -> Value | None:
    """Return the module that the program's own finders make of ``name``; None if they make none."""
    session, found = self.session, None
    if _REPLACED in session.patched:
        with session.original(_REPLACED) as replaced:
            made = self.attempt(replaced, [name, {}, {}, (), 0])
            found = made if type(made) in (Namespace, Instance) else None
    if _FINDERS in session.patched:
        with session.original(_FINDERS) as finders:
            for whole in itertools.accumulate(name.split(".")[:8], "{}.{}".format):
                for each, word in itertools.product(finders, ("find_spec", "find_module")):
                    found = _ask(self, self.attribute(each, word), whole) or found
    return found


def _ask(self: Evaluator, method: Value, name: str) -> Value | None:
    if type(method) not in _CALLED:
        return None
    spec = self.attempt(method, [name, None])
    module: Value = None
    for each in spec.values if type(spec) is Choice else (spec,):
        loader = each.attributes.get("loader") if type(each) is Namespace else each
        if type(loader) in (Class, Instance, Namespace):
            module = _load(self, name, each, loader)
    if module is not None:
        self.session.modules[name] = module
    return module


def _load(self: Evaluator, name: str, spec: Value, loader: Value) -> Value:
    module: Value = Namespace(name, {"__name__": name, "__spec__": spec, "__loader__": loader})
    for word, given in (("create_module", spec), ("exec_module", None), ("load_module", name)):
        method = self.attribute(loader, word)
        if type(method) in _CALLED:
            made = self.attempt(method, [module if given is None else given])
            module = made if type(made) in (Namespace, Instance) else module
    return module


_CALLED: Final = frozenset({Function, Bound, Native})


def _spec(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``importlib.machinery.ModuleSpec(name, loader)`` and ``spec_from_loader``."""
    return Namespace(
        "spec",
        {
            "name": argument(arguments, keywords, 0, "name"),
            "loader": argument(arguments, keywords, 1, "loader"),
            "origin": keywords.get("origin"),
        },
    )


HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys([f"sys.meta_path.{word}" for word in ("append", "insert", "extend")], add),
    **dict.fromkeys(
        "importlib.machinery.ModuleSpec importlib.util.spec_from_loader "
        "importlib._bootstrap.ModuleSpec".split(),
        _spec,
    ),
}
