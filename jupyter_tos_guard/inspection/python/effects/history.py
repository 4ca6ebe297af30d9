"""What IPython keeps of a session: inputs, outputs, and the names by which they are reached."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    Value,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


def history_inputs(self: Evaluator) -> Value:
    """``In``."""
    sources = self.state.sources
    made = ["", *sources]
    if not (0 < self.cell <= len(sources)):
        made.append(self.unit.text)
    return made


def history_name(self: Evaluator, name: str) -> Value:
    """``_``, ``__``, ``_3``, ``_i``, ``_ii``, ``_i3``."""
    sources = self.state.sources
    digits = name.lstrip("_i")
    if name.startswith("_i"):
        if digits:
            index = int(digits) - 1
            return sources[index] if 0 <= index < len(sources) else UNKNOWN
        back = len(name) - 1
        return sources[-back] if back <= len(sources) else UNKNOWN
    if digits:
        return output(self, int(digits))
    back = len(name)
    for number in range(len(sources), 0, -1):
        value = output(self, number)
        if value is not None:
            back -= 1
            if not back:
                return value
        if len(sources) - number > 20:
            break
    return UNKNOWN


def output(self: Evaluator, number: Value) -> Value:
    """``Out[number]``: known, or the last expression of that cell evaluated now."""
    if type(number) is not int:
        return UNKNOWN
    state = self.state
    if number in state.outputs:
        return state.outputs[number]
    if not 0 < number <= len(state.sources) or self.depth > 8:
        return UNKNOWN
    from jupyter_tos_guard.inspection.python.cell import parse_python

    source = state.sources[number - 1]
    if len(source) > 20_000 or source.lstrip().startswith("%%"):
        return UNKNOWN
    body = parse_python(source)
    if not body or type(body[-1]) is not ast.Expr:
        return None
    before = len(state.facts)
    self.depth += 1
    try:
        value = self.evaluate(body[-1].value)
    finally:
        self.depth -= 1
        state.facts[before:] = []
    if len(state.outputs) < 1000:
        state.outputs[number] = value
    return value
