"""Context variables: values that a function finds without being given them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, first_argument
from jupyter_tos_guard.inspection.python.carriers.given import native
from jupyter_tos_guard.inspection.python.values import UNKNOWN, Namespace, Native, Symbol, Value

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator

#: Where the session keeps the values of the present context, by the variables' numbers; no attribute's name.
_VALUES: Final = "\0context"
#: Variables that a context keeps.
_MAX_VARIABLES: Final = 500
_numbers = itertools.count()


def _values(self: Evaluator) -> dict[int, Value]:
    found: dict[int, Value] = self.session.patched.setdefault(_VALUES, {})
    return found


def variable(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``ContextVar(name, default=…)``."""
    number = next(_numbers)
    default = keywords.get("default", UNKNOWN)

    def get(given: Arguments) -> Value:
        return _values(self.current()).get(number, first_argument(given, default))

    def put(given: Arguments) -> Value:
        now = self.current()
        values = _values(now)
        before = values.get(number, default)
        if number in values or len(values) < _MAX_VARIABLES:
            now.store(values, number, first_argument(given))
        return Namespace("token", {"old_value": before, "var": made})

    def reset(given: Arguments) -> Value:
        token = first_argument(given)
        if type(token) is Namespace:
            self.current().store(_values(self.current()), number, token.attributes.get("old_value", UNKNOWN))
        return None

    made = Namespace(
        "ContextVar",
        {
            "get": native(get),
            "set": native(put),
            "reset": native(reset),
            "name": first_argument(arguments, ""),
        },
    )
    return made


def context(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``copy_context()``: what runs in it sees and changes a copy of the values."""
    copied = [dict(_values(self)) if symbol.name.endswith("copy_context") else {}]

    def run(given: Arguments, named: Keywords) -> Value:
        now = self.current()
        outer = _values(now)
        now.session.patched[_VALUES] = copied[0]
        try:
            return now.call(given[0], given[1:], named) if given else UNKNOWN
        finally:
            copied[0] = _values(now)
            now.session.patched[_VALUES] = outer

    return Namespace("Context", {"run": Native(run)})


HANDLERS: Final[dict[str, Any]] = {
    "contextvars.ContextVar": variable,
    "contextvars.copy_context": context,
    "contextvars.Context": context,
}
