"""Functions of the program's that a database calls for its statements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument
from jupyter_tos_guard.inspection.python.carriers.given import MAX_TEXT
from jupyter_tos_guard.inspection.python.values import WAITING, Class, Instance, Symbol, Value

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator

#: Among a connection's settings: texts that its statements put in.
_TEXTS: Final = "\0texts"
_LITERAL: Final = re.compile(r"'((?:[^']|''){0,4000})'")
_CALL: Final = re.compile(r"\b(\w{1,60})\s*\(\s*([^()]{0,4000})\)")


def create_function(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``connection.create_function(name, count, function)`` and ``create_aggregate``."""
    name, function = argument(arguments, keywords, 0, "name"), argument(arguments, keywords, 2, "func")
    if symbol.details is not None and type(name) is str:
        kept = symbol.details[1].setdefault(WAITING, {})
        if len(kept) < 32:
            kept[name.lower()] = function
    return None


def call_functions(self: Evaluator, symbol: Symbol, arguments: Arguments) -> None:
    """Call the functions that a statement names, with its texts or with any that was put in before."""
    if symbol.details is None or not arguments or type(arguments[0]) is not str:
        return
    text, settings = arguments[0][:MAX_TEXT], symbol.details[1]
    self.budget.spend(len(text) // 16 + 1)
    texts = [each.replace("''", "'") for each in _LITERAL.findall(text)]
    for row in arguments[1:2]:
        texts += [each for part in _rows(self, row) for each in part if type(each) is str]
    kept = settings.setdefault(_TEXTS, [])
    functions = settings.get(WAITING, {})
    for match in _CALL.finditer(text) if functions else ():
        function = functions.get(match.group(1).lower())
        if function is None or not match.group(2):
            continue
        for each in (texts or kept)[:32]:
            if type(function) is Class:
                self.attempt(self.attribute(Instance(function), "step"), [each])
            else:
                self.attempt(function, [each])
    kept += texts[: 64 - len(kept)] if len(kept) < 64 else []


def _rows(self: Evaluator, value: Value) -> list[list[Value]]:
    if type(value) is dict:
        return [list(value.values())]
    if type(value) not in (list, tuple):
        return []
    rows = [self.items(each) for each in value[:64] if type(each) in (list, tuple)]
    return rows or [list(value[:64])]


HANDLERS: Final[dict[str, Any]] = {
    f"sqlite3.connect.{word}": create_function for word in ("create_function", "create_aggregate")
}
