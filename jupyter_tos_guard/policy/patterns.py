"""Which regular expressions rules may hold: those whose cost is bounded.

Python's engine backtracks. What it can be made to do at one place of the text is
at most the number of ways in which the pattern can be tried there, so that number
is computed from the parsed pattern and bounded, and so is the text: the cost is
then linear in the text's length. Both the lint and the bundle ask here, so that a
forged bundle cannot hang a kernel.
"""

from __future__ import annotations

import re
import sys
from typing import Any, Final

if sys.version_info >= (3, 11):
    from re import _constants as constants
    from re import _parser as parser
else:  # pragma: no cover
    import sre_constants as constants
    import sre_parse as parser

#: Ways in which a pattern may be tried at one place.
MAX_WAYS: Final = 2_048
#: Characters of a fact that a pattern is searched in, hence what ``*`` counts for.
MAX_SEARCHED: Final = 512
#: Characters of a pattern.
MAX_PATTERN: Final = 512
#: Ways of all patterns of a policy together.
MAX_TOTAL_WAYS: Final = 65_536

_REFUSED = {
    constants.ASSERT: "look-around",
    constants.ASSERT_NOT: "look-around",
    constants.GROUPREF: "a back-reference",
    constants.GROUPREF_EXISTS: "a conditional group",
}
_LEAVES = {constants.LITERAL, constants.NOT_LITERAL, constants.ANY, constants.IN, constants.AT}


class PatternError(ValueError):
    """A pattern is broken, or could cost too much; the text says why."""


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern whose cost is bounded.

    Raises
    ------
    PatternError
        It does not parse, uses what is refused, or can be tried in too many ways.
    """
    pattern_ways(pattern)
    return re.compile(pattern, re.IGNORECASE)


def pattern_ways(pattern: str) -> int:
    """Count the ways in which a pattern may be tried at one place.

    Raises
    ------
    PatternError
        As :func:`compile_pattern`.
    """
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"the pattern is longer than {MAX_PATTERN} characters")
    try:
        ways = _ways(parser.parse(pattern, re.IGNORECASE))
        if ways > MAX_WAYS:
            raise PatternError(
                f"the pattern can be tried in {'more than ' if ways == _TOO_MANY else ''}{ways} ways "
                f"at one place, {MAX_WAYS} are allowed: give its repeats upper bounds"
            )
        return ways
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(f"the pattern does not parse: {error}") from None


def literals(pattern: str) -> list[str]:
    """Find the runs of plain characters in a pattern that compiles, to look for names in them."""
    runs: list[str] = [""]

    def walk(tree: Any) -> None:
        for op, argument in tree:
            if op is constants.LITERAL:
                runs[-1] += chr(argument)
                continue
            runs.append("")
            for part in _parts(op, argument):
                walk(part)
            runs.append("")

    walk(parser.parse(pattern, re.IGNORECASE))
    return [run for run in runs if run]


_TOO_MANY: Final = 1 << 20


def _ways(tree: Any) -> int:
    """Ways to try a sequence: the product of its parts', capped."""
    ways = 1
    for op, argument in tree:
        ways = min(_TOO_MANY, ways * _ways_of(op, argument))
    return ways


def _ways_of(op: Any, argument: Any) -> int:
    if op in _LEAVES:
        _refuse_beyond_ascii(op, argument)
        return 1
    if op is constants.SUBPATTERN:
        return _ways(argument[3])
    if op is constants.BRANCH:
        return sum(_ways(branch) for branch in argument[1])
    if op in (constants.MAX_REPEAT, constants.MIN_REPEAT):
        return _ways_to_repeat(*argument)
    raise PatternError(f"the pattern uses {_REFUSED.get(op, f'{op!s}'.lower())}, which is not linear")


def _refuse_beyond_ascii(op: Any, argument: Any) -> None:
    """Compiling a range takes time by its length, and canonical values are ASCII."""
    if op is constants.IN:
        for inner, value in argument:
            _refuse_beyond_ascii(inner, value)
    elif op in (constants.LITERAL, constants.NOT_LITERAL, constants.RANGE):
        last = argument[1] if op is constants.RANGE else argument
        if last > 127:
            raise PatternError("the pattern has characters that are not ASCII")


def _ways_to_repeat(least: Any, most: Any, body: Any) -> int:
    if body.getwidth()[0] == 0:
        raise PatternError("the pattern repeats something that may be empty")
    low, high = int(least), min(int(most), MAX_SEARCHED)
    each = _ways(body)
    if each == 1:
        return max(1, min(high - low + 1, MAX_SEARCHED))
    ways = 0
    for count in range(low, high + 1):
        ways += int(each ** min(count, 20))
        if ways >= _TOO_MANY:
            return _TOO_MANY
    return max(1, ways)


def _parts(op: Any, argument: Any) -> list[Any]:
    if op is constants.SUBPATTERN:
        return [argument[3]]
    if op is constants.BRANCH:
        return list(argument[1])
    if op in (constants.MAX_REPEAT, constants.MIN_REPEAT):
        return [argument[2]]
    return []
