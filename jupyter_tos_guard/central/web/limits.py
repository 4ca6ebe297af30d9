"""Rate limits: so many requests in a burst, so many a second after that, for each key."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable


class RateLimit:
    """Token buckets, one for each key; the keys seen longest ago are forgotten.

    Parameters
    ----------
    per_second, burst : float
    timer : callable
        Monotonic seconds.
    """

    MAX_KEYS = 50_000

    def __init__(self, per_second: float, burst: float, timer: Callable[[], float]) -> None:
        self._rate = per_second
        self._burst = burst
        self._timer = timer
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Take one; return 0.0, or after how many seconds there will be one."""
        left, now = self._left(key)
        if left < 1:
            return (1 - left) / self._rate
        self._buckets[key] = (left - 1, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self.MAX_KEYS:
            self._buckets.popitem(last=False)
        return 0.0

    def wait(self, key: str) -> float:
        """Return after how many seconds there will be one, without taking it."""
        left, _ = self._left(key)
        return max(0.0, (1 - left) / self._rate)

    def _left(self, key: str) -> tuple[float, float]:
        now = self._timer()
        left, since = self._buckets.get(key, (self._burst, now))
        return min(self._burst, left + (now - since) * self._rate), now
