"""What strikes cost: the ladder from good standing to suspended.

A pure function over strikes, the policy's ladder and the time. It enforces
nothing: the notice tells the user, and whoever starts servers (the hub)
may act on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple, Protocol

from jupyter_tos_guard.policy.model import Ladder
from jupyter_tos_guard.strikes.strike import Action

DAY = 86400.0
#: Strikes of one person that need looking at: far beyond every threshold, and bounded work.
MAX_STRIKES: Final = 500


class Level(str, Enum):
    """The rungs."""

    GOOD = "good"
    WARNED = "warned"
    RESTRICTED = "restricted"
    SUSPENDED = "suspended"

    __str__ = str.__str__


class Countable(Protocol):
    """What the ladder asks of a strike: of :class:`~.strike.Strike`, or of a row of a database."""

    @property
    def time(self) -> float:
        """Seconds since the epoch."""

    @property
    def action(self) -> Action:
        """What was done."""

    @property
    def severe(self) -> bool:
        """Whether its clause lets the ladder skip steps."""

    @property
    def cell_digest(self) -> str:
        """Of the cell's exact text."""


class Counted(NamedTuple):
    """What is kept of a strike where only the ladder asks; see :class:`Countable`."""

    time: float
    action: Action
    severe: bool
    cell_digest: str


_RUNGS = list(Level)


class Standing(NamedTuple):
    """Where somebody stands on the ladder.

    Attributes
    ----------
    level : Level
    live : int
        Weight of the strikes that have not expired.
    until : float or None
        When this level ends by itself, seconds since the epoch; None in good standing.
    next_level : Level or None
        What more strikes lead to; None when there is nothing above.
    strikes_left : int
        How many more ordinary strikes until ``next_level``; 0 when there is none.
    """

    level: Level
    live: int
    until: float | None
    next_level: Level | None
    strikes_left: int


class Seen(NamedTuple):
    """Where the hub sees somebody, by what had reached it at ``time`` (seconds since the epoch)."""

    standing: Standing
    time: float


def expected(seen: Seen, strikes: Iterable[Countable], ladder: Ladder, now: float) -> Standing:
    """Return where somebody is likely to stand when the hub has seen the latest strikes too.

    Parameters
    ----------
    seen : Seen
    strikes : iterable of Strike
        Of that person; those that the hub had when it said so are left out by their time.
    ladder : Ladder
    now : float
        Seconds since the epoch.
    """
    acts = _acts((strike for strike in strikes if strike.time > seen.time), ladder, now)
    known = seen.standing
    if not acts:
        if known.until is not None and known.until <= now and known.level is not Level.GOOD:
            # It has ended since; what comes after it only the hub can say.
            return known._replace(level=Level.WARNED if known.live else Level.GOOD, until=None)
        return known
    live = known.live + sum(weight for _, weight in acts)
    first = known.level is Level.GOOD and not known.live and acts[0][1] < ladder.severe_weight
    reached = _reached(live, first=first and len(acts) == 1, ladder=ladder)
    level = max(reached, known.level, key=_RUNGS.index)
    days = {Level.SUSPENDED: ladder.suspended_days, Level.RESTRICTED: ladder.restricted_days}
    until = max(acts[-1][0] + days.get(level, ladder.expire_days) * DAY, known.until or 0.0)
    if level is Level.SUSPENDED:
        return Standing(level, live, until, None, 0)
    if level is Level.RESTRICTED or live + 1 >= ladder.suspended_at:
        return Standing(level, live, until, Level.SUSPENDED, max(1, ladder.suspended_at - live))
    return Standing(level, live, until, Level.RESTRICTED, max(1, ladder.restricted_at - live))


def standing(strikes: Iterable[Countable], ladder: Ladder, now: float) -> Standing:
    """Return the standing at ``now``.

    One act is counted once, however many rules it met and sensors saw it, and
    so is the same cell tried again within a day: pressing *Run* twice
    is not a second breach.

    Parameters
    ----------
    strikes : iterable of Strike, or of what has the same fields
        Of one user, in any order, duplicates allowed. Those of an action that
        does not count (observe, warn) and those after ``now`` are ignored.
    ladder : Ladder
    now : float
        Seconds since the epoch.

    Returns
    -------
    Standing
    """
    acts = _acts(strikes, ladder, now)
    restricted_until = suspended_until = now
    weight = oldest = 0
    for number, (time, added) in enumerate(acts):
        weight += added
        while time - acts[oldest][0] >= ladder.expire_days * DAY:
            weight -= acts[oldest][1]
            oldest += 1
        level = _reached(weight, first=number == 0 and acts[0][1] < ladder.severe_weight, ladder=ladder)
        if level is Level.SUSPENDED:
            suspended_until = max(suspended_until, time + ladder.suspended_days * DAY)
        elif level is Level.RESTRICTED:
            restricted_until = max(restricted_until, time + ladder.restricted_days * DAY)

    alive = [(t, w) for t, w in acts if now - t < ladder.expire_days * DAY]
    live = sum(w for _, w in alive)
    if suspended_until > now:
        return Standing(Level.SUSPENDED, live, suspended_until, None, 0)
    if restricted_until > now:
        left = max(1, ladder.suspended_at - live)
        return Standing(Level.RESTRICTED, live, restricted_until, Level.SUSPENDED, left)
    if not alive:
        return Standing(Level.GOOD, 0, None, Level.WARNED, 1)
    clear = max(t for t, _ in alive) + ladder.expire_days * DAY
    # After a restriction has ended the count is still at the threshold: the next strike is one too many.
    if live + 1 >= ladder.suspended_at:
        return Standing(Level.WARNED, live, clear, Level.SUSPENDED, 1)
    return Standing(Level.WARNED, live, clear, Level.RESTRICTED, max(1, ladder.restricted_at - live))


def _acts(strikes: Iterable[Countable], ladder: Ladder, now: float) -> list[tuple[float, int]]:
    """Time and weight of each distinct act, oldest first."""
    counted = sorted((s for s in strikes if s.action.counts and s.time <= now), key=lambda s: s.time)
    acts: list[tuple[float, int]] = []
    latest: dict[str, int] = {}
    for strike in counted:
        weight = ladder.severe_weight if strike.severe else 1
        index = latest.get(strike.cell_digest)
        if index is not None and strike.time - acts[index][0] < DAY:
            acts[index] = (acts[index][0], max(acts[index][1], weight))
        else:
            latest[strike.cell_digest] = len(acts)
            acts.append((strike.time, weight))
    return acts


def _reached(weight: int, *, first: bool, ladder: Ladder) -> Level:
    """Level that the act reached which brought the live weight to ``weight``."""
    if first and ladder.first_is_warning:
        return Level.WARNED
    if weight >= ladder.suspended_at:
        return Level.SUSPENDED
    return Level.RESTRICTED if weight >= ladder.restricted_at else Level.WARNED
