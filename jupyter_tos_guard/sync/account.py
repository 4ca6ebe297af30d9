"""What the central server says about one person, read and checked.

Data only: the answer of ``GET api/v1/account`` in, an :class:`Account` for the
guard and the rest for people out. Whoever holds the last good answer keeps
it when this refuses a new one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, NoReturn

from jupyter_tos_guard.policy.model import Account, Exemption, Pause
from jupyter_tos_guard.strikes.standing import Level, Seen, Standing

#: Largest answer that is taken, in bytes.
MAX_BYTES: Final = 256 << 10
_MAX_ITEMS = 1000
_MAX_TEXT = 2000


class AccountError(ValueError):
    """The answer cannot be used; the text says what is wrong in it."""


class Terms(NamedTuple):
    """Which terms hold, and which the person has accepted."""

    version: str
    accepted: str
    required: bool


class Person(NamedTuple):
    """One checked answer.

    Attributes
    ----------
    account : Account
        For the guard; without what holds for everybody.
    seen : Seen
        Where the person stands, as the hub sees it.
    terms : Terms
    contact : str
    """

    account: Account
    seen: Seen
    terms: Terms
    contact: str


def parse(data: Mapping[str, Any], fetched: float) -> Person:
    """Read an answer.

    Unknown keys are left out; keys of :attr:`Person.account` that are there must be right.

    Parameters
    ----------
    data : Mapping
    fetched : float
        When it was asked for, seconds since the epoch.

    Raises
    ------
    AccountError
    """
    if data.get("v") != 1:
        _refuse("its version is not 1")
    effects = _mapping(data, "effects")
    until = _time(effects, "until")
    paused = effects.get("paused", False)
    if not isinstance(paused, bool):
        _refuse("effects.paused is neither true nor false")
    clauses = _list(effects, "blocked_clauses")
    reason = _text(effects, "reason")
    account = Account(
        exemptions=tuple(_exemption(each) for each in _list(data, "exemptions")),
        blocked_clauses=frozenset(_name(each) for each in clauses),
        paused=Pause(reason, until) if paused else None,
        until=until,
    )
    terms = _mapping(data, "terms")
    return Person(
        account,
        Seen(_standing(_mapping(data, "standing")), fetched),
        Terms(_text(terms, "version"), _text(terms, "accepted"), terms.get("required") is True),
        _text(data, "contact"),
    )


def _standing(data: Mapping[str, Any]) -> Standing:
    try:
        level = Level(data.get("level", "good"))
        following = Level(data["next_level"]) if data.get("next_level") else None
    except ValueError:
        _refuse("standing has a level that does not exist")
    live, left = _count(data, "live"), _count(data, "strikes_left")
    return Standing(level, live, _time(data, "until"), following, left)


def _exemption(data: object) -> Exemption:
    if not isinstance(data, dict):
        _refuse("an exemption is no object")
    until = _time(data, "until")
    return Exemption(
        _name(data.get("subject")),
        _name(data.get("target")),
        math.inf if until is None else until,
        _text(data, "reason"),
    )


def _mapping(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    if value is None:
        return {}
    return value if isinstance(value, dict) else _refuse(f"{name} is no object")


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    value = data.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > _MAX_ITEMS:
        _refuse(f"{name} is no list of at most {_MAX_ITEMS}")
    return value


def _name(value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > _MAX_TEXT:
        _refuse("a name is no text")
    return value


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if value is None:
        return ""
    return value[:_MAX_TEXT] if isinstance(value, str) else _refuse(f"{name} is no text")


def _time(data: Mapping[str, Any], name: str) -> float | None:
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e12:
        _refuse(f"{name} is no time")
    return float(value)


def _count(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1_000_000:
        _refuse(f"{name} is no number of strikes")
    return value


def _refuse(problem: str) -> NoReturn:
    raise AccountError(f"the central server's answer about this account cannot be used: {problem}")
