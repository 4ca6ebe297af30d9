"""Regular expressions and places to fill in from the user's code, without being held up by them.

Python's engine backtracks: a hostile pattern takes time without end. Only patterns whose
cost is known to be small for the text at hand are tried. Names that stand for texts with
names double a text each time: what is filled in is bounded.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import lru_cache

try:
    from re import _parser as sre_parse  # type: ignore[attr-defined]
except ImportError:  # Python 3.10
    import sre_parse

#: Steps that one search may take, roughly.
_MAX_COST = 2_000_000
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT"})


@lru_cache(maxsize=256)
def compiled(pattern: str, flags: int = 0) -> tuple[re.Pattern[str], float] | None:
    """Compile, and tell which power of the text's length it may cost; None if refused."""
    if len(pattern) > 2000:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            power = _power(sre_parse.parse(pattern, flags))
            return (re.compile(pattern, flags), power) if power < 9 else None
    except (re.error, RecursionError, OverflowError, ValueError):
        return None


def affordable(pattern: str, text: str, flags: int = 0) -> re.Pattern[str] | None:
    """Give the compiled pattern if searching ``text`` with it is known to be quick."""
    found = compiled(pattern, flags)
    if found is None:
        return None
    expression, power = found
    return expression if max(len(text), 2) ** (1 + power) <= _MAX_COST or power == 0 else None


def _power(tree: object) -> float:
    """How many repeats can compete for the same text; 9 when they may do so without bound."""
    total = 0.0
    for operator, argument in tree:  # type: ignore[attr-defined]
        name = str(operator)
        if name in _REPEATS:
            low, high, body = argument
            inner = _power(body)
            if int(high) > 1 and inner:
                return 9  # (a*)*, (a|aa)+, (a?){9}
            total += inner + (1 if int(high) - int(low) > 8 else 0.25 if high != low else 0)
        elif name == "SUBPATTERN":
            total += _power(argument[-1])
        elif name == "BRANCH":
            total += 0.25 + max((_power(branch) for branch in argument[1]), default=0)
        elif name in ("ASSERT", "ASSERT_NOT"):
            total += _power(argument[1])
        elif name == "GROUPREF":
            total += 1
        if total >= 9:
            return 9
    return total


#: Characters by which :func:`fill_in` makes a text longer at most.
MAX_FILLED = 1 << 16


def fill_in(pattern: re.Pattern[str], text: str, lookup: Callable[[str], str | None]) -> str:
    """Return text with what names in it stand for, which may have such names again.

    Parameters
    ----------
    pattern : re.Pattern
        Finds a place; its first group is the name.
    text : str
    lookup : callable
        What a name stands for; None leaves its place as it is.

    Returns
    -------
    str
        Some :data:`MAX_FILLED` characters longer at most: places beyond that are left empty.
    """
    room = MAX_FILLED

    def fill(found: re.Match[str]) -> str:
        nonlocal room
        value = lookup(found.group(1)) if room > 0 else ""
        if value is None:
            return found.group()
        room -= len(value)
        return value[:MAX_FILLED]

    return pattern.sub(fill, text)
