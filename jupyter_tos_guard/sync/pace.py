"""When to ask again: after success, after failure, and after having been told to wait.

Pure: no clock, chance is handed in. What these numbers mean for a fleet of servers
is in ``docs/sync.md`` and comes from ``benchmarks/simulate_fleet.py``, which runs this very code.
"""

from __future__ import annotations

import random
from typing import Final

#: Seconds before the second try, and between later ones at most.
FIRST_RETRY: Final = 15.0
LONGEST_RETRY: Final = 900.0
#: After 403, 429 or 503 without a time: seconds.
COOL_DOWN: Final = 600.0
#: Bounds of what the server may ask for, in seconds.
SHORTEST, LONGEST = 15.0, 86_400.0
#: Seconds over which held requests come back after they were all cut.
HELD_SPREAD: Final = 60.0
#: Seconds over which servers spread that were woken at once by an emergency, unless they are told.
WAKE_SPREAD: Final = 5.0


class Pace:
    """Delays for one kind of request.

    Parameters
    ----------
    interval : float
        Seconds between requests that succeed, until the server says otherwise.
    chance : random.Random, optional
    """

    def __init__(self, interval: float, chance: random.Random | None = None) -> None:
        self.interval = interval
        self._chance = chance or random.SystemRandom()
        self._failures = 0

    def first(self, is_urgent: bool) -> float:
        """Return the delay before the very first request: a cluster's servers start together."""
        return self._chance.uniform(0, 1.0 if is_urgent else min(self.interval, 300.0))

    def succeeded(self, interval: float | None = None) -> float:
        """Return the delay after an answer; ``interval`` is what the server says in it."""
        self._failures = 0
        if interval is not None:
            self.interval = min(max(interval, SHORTEST), LONGEST)
        return self.interval * self._chance.uniform(0.85, 1.15)

    def failed(self) -> float:
        """Return the delay after no answer: doubled each time, and spread.

        Many clients lose one server in the same moment; the spread is as wide as
        the delay, so that they do not come back in one.
        """
        longest = min(max(LONGEST_RETRY, self.interval), FIRST_RETRY * 2.0**self._failures)
        self._failures = min(self._failures + 1, 30)
        return self._chance.uniform(0.25, 1.0) * longest

    def dropped(self) -> float:
        """Return the delay after a held request was cut: a restart cuts everybody's in one moment."""
        return max(self.failed(), self._chance.uniform(0, HELD_SPREAD))

    def cool_down(self, seconds: float) -> float:
        """Return the delay after a server asked to be left alone for so long (0: it did not say)."""
        self._failures = min(self._failures + 1, 30)
        asked = min(seconds or COOL_DOWN, LONGEST)
        return asked + self._chance.uniform(0, max(asked, FIRST_RETRY))

    def woken(self, spread: float | None = None) -> float:
        """Return the delay before fetching what was announced to everybody at once."""
        return self._chance.uniform(0, WAKE_SPREAD if spread is None else min(max(spread, 0.0), 300.0))
