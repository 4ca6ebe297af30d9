"""A strike: one rule met by one execute request, as it is recorded.

Data and its JSON form only. It neither writes (see :mod:`.spool`) nor says what
a strike costs (see :mod:`.standing`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

#: Longest evidence kept, in characters. A miner's command line fits; a dataset does not.
MAX_EVIDENCE = 4000
MAX_SPAN_EVIDENCE = 500
#: Longest of any other text field: paths and names, not documents.
MAX_TEXT = 500
#: Most steps of decoding and facts kept: enough to explain and to replay a rule.
MAX_STEPS = 12
MAX_FACTS = 16


class Action(str, Enum):
    """What was done about the cell when the rule met it."""

    OBSERVE = "observe"  #: it ran; nobody was told
    WARN = "warn"  #: it did not run; the user was asked
    ACKNOWLEDGE = "acknowledge"  #: the user read the warning and ran it
    BLOCK = "block"  #: it did not run

    __str__ = str.__str__

    @property
    def counts(self) -> bool:
        """Whether the ladder looks at it.

        Observed cells are for the operator's eyes, and who heeds a warning
        has done nothing.
        """
        return self in (Action.ACKNOWLEDGE, Action.BLOCK)


class Evidence(str, Enum):
    """How much of the user's code a strike carries; an operator's choice."""

    NONE = "none"
    SPAN = "span"
    CELL = "cell"

    __str__ = str.__str__


class Strike(NamedTuple):
    """One rule met by one execute request.

    Attributes
    ----------
    id : str
        From :func:`strike_id`: the same for every sensor that saw the act.
    time : float
        Seconds since the epoch.
    user, server, kernel, notebook : str
        Who and where; empty when not known.
    request : str
        ``msg_id`` of the execute request.
    rule, clause, level, policy_version : str
        What was met, by the policy of that version.
    severe : bool
        Whether the clause lets the ladder skip its first steps.
    action : Action
    sensor : str
        ``kernel``, ``server``, …
    cell_digest : str
        SHA-256 of the cell's exact text, hex.
    line, column : int
        Where in the cell: 1-based line, 0-based column.
    evidence : str
        The fragment or the cell, by setting; bounded.
    verdict : str
        Label of what the policy asked for, mode and standing aside: in monitor
        mode, what enforce mode would have done. Empty when not known.
    end_line, end_column : int
        Where the fragment ends; 0 when not known.
    decoded : str
        The decoded text that met the rule when the cell does not show it; empty
        under evidence ``none``.
    provenance : tuple of str
        How it was decoded, outermost step first.
    facts : tuple of (str, str)
        Kind and value of what met the rule, for replaying other policies; empty
        under evidence ``none``.
    """

    id: str
    time: float
    user: str
    server: str
    kernel: str
    notebook: str
    request: str
    rule: str
    clause: str
    level: str
    policy_version: str
    severe: bool
    action: Action
    sensor: str
    cell_digest: str
    line: int
    column: int
    evidence: str = ""
    verdict: str = ""
    end_line: int = 0
    end_column: int = 0
    decoded: str = ""
    provenance: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return a mapping that :func:`json.dumps` takes, texts bounded."""
        data: dict[str, Any] = {
            name: value[: MAX_EVIDENCE if name == "evidence" else MAX_TEXT]
            if isinstance(value, str)
            else value
            for name, value in self._asdict().items()
        }
        data["provenance"] = [step[:MAX_TEXT] for step in self.provenance[:MAX_STEPS]]
        data["facts"] = [[kind[:MAX_TEXT], value[:MAX_TEXT]] for kind, value in self.facts[:MAX_FACTS]]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Strike:
        """Read what :meth:`to_json` wrote; unknown keys are left out.

        Raises
        ------
        ValueError
            When a field is missing or of another type. The record lies in the
            user's own folder, so anything may stand there.
        """
        values: dict[str, Any] = {}
        for name in cls._fields:
            value = data.get(name, cls._field_defaults.get(name))
            if name == "provenance":
                value = tuple(_text(name, step) for step in _items(name, value, MAX_STEPS))
            elif name == "facts":
                pairs = [_items(name, pair, 2) for pair in _items(name, value, MAX_FACTS)]
                value = tuple((_text(name, kind), _text(name, fact)) for kind, fact in pairs)
            else:
                kind = _TYPES.get(name, str)
                taken = (int, float) if kind is float else kind
                if isinstance(value, bool) is not (kind is bool) or not isinstance(value, taken):
                    raise ValueError(f"strike record: {name!r} is not a {kind.__name__}")
            values[name] = value
        values["action"] = Action(values["action"])
        return cls(**values)


#: What a record holds for a field, if not a text.
_TYPES: dict[str, type] = {
    "time": float,
    "severe": bool,
    "line": int,
    "column": int,
    "end_line": int,
    "end_column": int,
}


def _items(name: str, value: object, most: int) -> Sequence[object]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"strike record: {name!r} is not a list")
    return value[:most]


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"strike record: {name!r} holds something that is not text")
    return value


def strike_id(request: str, kernel: str, rule: str, cell_digest: str) -> str:
    """Name the act, not the report of it.

    Two sensors that see one request compute the same id, so that whoever
    collects their reports counts it once.

    Parameters
    ----------
    request : str
        ``msg_id`` of the execute request.
    kernel : str
        Kernel id as the Jupyter server knows it.
    rule : str
        Rule id.
    cell_digest : str
        SHA-256 of the decided text, hex.

    Returns
    -------
    str
        32 hex digits.
    """
    # JSON-free framing: NUL cannot be in an id, so no two tuples collide by shifting text.
    act = "\0".join((request, kernel, rule, cell_digest))
    return hashlib.sha256(act.encode("utf-8", "surrogatepass")).hexdigest()[:32]
