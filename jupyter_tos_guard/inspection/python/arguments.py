"""Arguments of a call that is being evaluated, as every modelled function takes them."""

from __future__ import annotations

from jupyter_tos_guard.inspection.python.values import UNKNOWN, Value

Arguments = list[Value]
Keywords = dict[str, Value]


def first_argument(arguments: Arguments, default: Value = UNKNOWN) -> Value:
    """First argument by position."""
    return arguments[0] if arguments else default


def argument(arguments: Arguments, keywords: Keywords, index: int, *names: str) -> Value:
    """Argument by position or name; None if it is not given."""
    if index < len(arguments):
        return arguments[index]
    for name in names:
        if name in keywords:
            return keywords[name]
    return None
