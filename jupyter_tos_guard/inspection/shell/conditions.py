"""What ``test``, ``[ … ]`` and ``[[ … ]]`` answer, where that is known.

Files that the session did not make may or may not be there: their tests are unknown.
"""

from __future__ import annotations

import re

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.inspection.shell.expansion import Pattern, Variables
from jupyter_tos_guard.inspection.shell.process import find_file
from jupyter_tos_guard.inspection.state import State


def status(words: list[str], state: State, variables: Variables, *, double: bool = False) -> int | None:
    """Exit status of the test made of ``words``; None when it is not known."""
    answer = _Test(words, state, variables, double).any_of()
    return None if answer is None else int(not answer)


class _Test:
    def __init__(self, words: list[str], state: State, variables: Variables, double: bool) -> None:
        self._words = words
        self._at = 0
        self._state = state
        self._variables = variables
        self._double = double

    def any_of(self) -> bool | None:
        result = self._all_of()
        while self._peek() in ("||", "-o"):
            self._at += 1
            other = self._all_of()
            result = True if result or other else None if result is None or other is None else False
        return result

    def _all_of(self) -> bool | None:
        result = self._one()
        while self._peek() in ("&&", "-a"):
            self._at += 1
            other = self._one()
            if result is False or other is False:
                result = False
            elif result is None or other is None:
                result = None
        return result

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._words[at] if at < len(self._words) else ""

    def _one(self) -> bool | None:
        left = len(self._words) - self._at
        if left <= 0:
            return False
        word = self._peek()
        if word == "!" and left > 1:
            self._at += 1
            answer = self._one()
            return None if answer is None else not answer
        if word == "(" and left > 2:
            self._at += 1
            answer = self.any_of()
            self._at += 1
            return answer
        if left >= 3 and self._peek(1) in _BINARY:
            operator, right = self._peek(1), self._peek(2)
            self._at += 3
            return self._compare(word, operator, right)
        if (
            left >= 2
            and re.fullmatch(r"-[a-zA-Z]", word)
            and self._peek(1) not in ("&&", "||", "-a", "-o", ")")
        ):
            self._at += 2
            return self._unary(word, self._words[self._at - 1])
        self._at += 1
        return None if word == HOLE else bool(word)

    def _unary(self, operator: str, operand: str) -> bool | None:
        if operator in ("-z", "-n"):
            if HOLE in operand and not operand.replace(HOLE, ""):
                return None
            return bool(operand) == (operator == "-n")
        if operator == "-v":
            return self._variables.get(operand) is not None
        if operator in ("-e", "-f", "-s", "-r"):
            file = find_file(operand, self._state)
            return True if file is not None and file.content is not None else None
        return None

    def _compare(self, left: str, operator: str, right: str) -> bool | None:
        if HOLE in left or HOLE in right:
            return None
        if operator in ("=", "==", "!="):
            equal = Pattern(right).matches(left) if self._double else left == right
            return equal == (operator != "!=")
        if operator == "<":
            return left < right
        if operator == ">":
            return left > right
        if operator == "=~":
            return None
        try:
            a, b = int(left or 0), int(right or 0)
        except ValueError:
            return None
        return {"-eq": a == b, "-ne": a != b, "-lt": a < b, "-le": a <= b, "-gt": a > b, "-ge": a >= b}.get(
            operator
        )


_BINARY = frozenset(
    {"=", "==", "!=", "<", ">", "=~", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"}
)
