"""Items and attributes of objects that everybody shares: the environment, loaded modules, magics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.python.effects.history import output
from jupyter_tos_guard.inspection.python.effects.shell import magic_function
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Namespace,
    Symbol,
    Value,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


def _local_item(self: Evaluator, symbol: Symbol, index: Value) -> Value:
    return Symbol("plumbum.local.program", False, ([index], {}))


def _apt_item(self: Evaluator, symbol: Symbol, index: Value) -> Value:
    """``apt.Cache()[name]``."""
    return Symbol("apt.package", True, ([index], {}))


def _environ_item(self: Evaluator, symbol: Symbol, index: Value) -> Value:
    key = self.text(index)
    return self.state.environ.get(key, UNKNOWN)


def _modules_item(self: Evaluator, symbol: Symbol, index: Value) -> Value:
    from jupyter_tos_guard.inspection.python import sinks

    if type(index) is not str:
        return UNKNOWN
    if index == "__main__":
        return Namespace("__main__", self.all_names())
    return sinks.import_module(self, index, self.node)


ITEMS: Final[dict[str, Any]] = {
    "os.environ": _environ_item,
    "os.environb": _environ_item,
    "sys.modules": _modules_item,
    "Out": lambda self, symbol, index: output(self, index),
    "plumbum.local": _local_item,
    "apt.Cache": _apt_item,
    "apt.cache.Cache": _apt_item,
    "get_ipython.magics_manager.magics": lambda self, symbol, index: Symbol(
        f"get_ipython.magics.{self.text(index)}", True
    ),
    "get_ipython.magics.line": lambda self, symbol, index: magic_function("line", self.text(index), self),
    "get_ipython.magics.cell": lambda self, symbol, index: magic_function("cell", self.text(index), self),
    "ctypes.cdll": lambda self, symbol, index: Symbol("ctypes.cdll", True),
}
PROPERTIES: Final[dict[str, Any]] = {
    "builtins.__dict__": lambda self, symbol: symbol,
    "__main__.__dict__": lambda self, symbol: self.all_names(),
    "this.s": lambda self, symbol: UNKNOWN,
    "site.USER_SITE": lambda self, symbol: HOLE,
    "sys.argv": lambda self, symbol: self.session.patched.get("sys.argv", Symbol("sys.argv")),
}
