"""What an operator may set about casework. Data only; traits are with the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from jupyter_tos_guard.strikes.standing import Level

#: Longest text that a user may write in an appeal, and an admin as a reason or an answer.
MAX_TEXT = 4000
DAY = 86_400.0


class Effect(str, Enum):
    """What a level brings about."""

    BLOCK_CLAUSE = "block-clause"  #: cells that break a clause which the person broke before are blocked
    PAUSE = "pause"  #: no cell runs; files stay readable
    REFUSE_SPAWN = "refuse-spawn"  #: no server starts
    CPU_ONLY = "cpu-only"  #: servers start with profiles without accelerators only
    STOP_SERVERS = "stop-servers"  #: running servers are stopped after a grace period

    __str__ = str.__str__


#: Effects as a sentence part: "until then, …".
MEANINGS: Mapping[Effect, str] = {
    Effect.BLOCK_CLAUSE: "cells that break the same clauses again are blocked, also where others are only "
    "warned",
    Effect.PAUSE: "cells do not run; files stay readable and can be downloaded",
    Effect.REFUSE_SPAWN: "no server starts",
    Effect.CPU_ONLY: "servers start without accelerators only",
    Effect.STOP_SERVERS: "running servers are stopped after a short grace period",
}


def _effects() -> Mapping[Level, tuple[Effect, ...]]:
    return {
        Level.GOOD: (),
        Level.WARNED: (),
        Level.RESTRICTED: (Effect.BLOCK_CLAUSE,),
        Level.SUSPENDED: (Effect.PAUSE, Effect.REFUSE_SPAWN),
    }


@dataclass(frozen=True, slots=True)
class CaseworkConfig:
    """What an operator may set.

    Attributes
    ----------
    effects : mapping of Level to tuple of Effect
        What each level brings about.
    appeal_days : float
        Within how many days an appeal should be answered.
    appeal_by_other : bool
        Whether another reviewer than the one who upheld, and than the appellant, has to answer.
    retention_days : float
        After how many days strikes are deleted; 0: never.
    require_terms : bool
        Whether the terms have to be accepted before a server starts.
    contact : str
        Whom to ask; empty: the contact in the terms.
    grace_minutes : float
        Between the begin of a level and the stop of running servers.
    """

    effects: Mapping[Level, tuple[Effect, ...]] = field(default_factory=_effects)
    appeal_days: float = 7.0
    appeal_by_other: bool = True
    retention_days: float = 365.0
    require_terms: bool = False
    contact: str = ""
    grace_minutes: float = 15.0

    def effects_of(self, level: Level) -> tuple[Effect, ...]:
        """Return what a level brings about."""
        return tuple(self.effects.get(level, ()))


#: What holds unless the operator says otherwise.
DEFAULT = CaseworkConfig()
