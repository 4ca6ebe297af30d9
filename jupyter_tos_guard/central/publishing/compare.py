"""What differs between two versions of a policy, by rule. Pure, over their documents.

Of a version that is known by its bundle only (see :mod:`.document`) conditions are
not known: they are then left out of the comparison, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from jupyter_tos_guard.policy.model import Verdict


class Change(NamedTuple):
    """One field that differs. Of a condition, values are lines: see :func:`condition_lines`."""

    field: str
    was: Any
    now: Any


class RuleChange(NamedTuple):
    """A rule that both versions have and that differs.

    ``stricter`` is 1 when its verdict became stricter, -1 when milder, else 0.
    """

    id: str
    title: str
    clause: str
    changes: tuple[Change, ...]
    stricter: int


class RuleName(NamedTuple):
    """A rule that only one of the versions has."""

    id: str
    title: str
    clause: str
    verdict: str


class Comparison(NamedTuple):
    """What differs between two versions.

    Attributes
    ----------
    was, now : str
        The versions.
    added, removed : tuple of RuleName
    changed : tuple of RuleChange
    clauses : tuple of Change
        By clause id; None for one that is not there.
    settings : tuple of Change
        Of the policy itself: mode, end, ladder, the terms' version.
    conditions_known : bool
        False when one of the versions is known by its bundle only.
    """

    was: str
    now: str
    added: tuple[RuleName, ...]
    removed: tuple[RuleName, ...]
    changed: tuple[RuleChange, ...]
    clauses: tuple[Change, ...]
    settings: tuple[Change, ...]
    conditions_known: bool

    @property
    def same(self) -> bool:
        """Whether the two would decide, and tell, the same."""
        return not (self.added or self.removed or self.changed or self.clauses or self.settings)


#: Fields in the order in which people want to know of them; those after ``condition`` change no decision.
_FIELDS: Final = (
    "verdict", "action", "status", "clause", "scope", "rollout", "window", "level", "condition",
    "title", "message", "name", "description", "references", "falsepositives", "tags", "examples",
)  # fmt: skip
#: Those that a bundle does not tell.
_UNTOLD: Final = frozenset(
    ("condition", "name", "description", "references", "falsepositives", "tags", "examples")
)


def compare(was: Mapping[str, Any], now: Mapping[str, Any]) -> Comparison:
    """Compare two documents, see :mod:`.document`."""
    known = bool(was.get("readable") and now.get("readable"))
    before = {rule["id"]: rule for rule in was["rules"]}
    after = {rule["id"]: rule for rule in now["rules"]}
    return Comparison(
        was=was["version"],
        now=now["version"],
        added=tuple(_name(rule) for id_, rule in after.items() if id_ not in before),
        removed=tuple(_name(rule) for id_, rule in before.items() if id_ not in after),
        changed=tuple(_changed(before, after, known)),
        clauses=tuple(_clauses(was["terms"]["clauses"], now["terms"]["clauses"])),
        settings=tuple(_settings(was, now)),
        conditions_known=known,
    )


def condition_lines(condition: Mapping[str, Any] | None, depth: int = 0) -> list[str]:
    """Return a condition as indented lines for people."""
    if condition is None:
        return []
    indent = "  " * depth
    for word, says in (("all", "all of:"), ("any", "any of:")):
        if word in condition:
            parts = [line for part in condition[word] for line in condition_lines(part, depth + 1)]
            return [indent + says, *parts]
    if "not" in condition:
        return [f"{indent}not:", *condition_lines(condition["not"], depth + 1)]
    return [f"{indent}{condition['kind']} {condition['modifier']} {value}" for value in condition["values"]]


def _name(rule: Mapping[str, Any]) -> RuleName:
    return RuleName(rule["id"], rule["title"], rule["clause"], rule["verdict"])


def _changed(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]], known: bool
) -> Iterator[RuleChange]:
    for id_, rule in after.items():
        old = before.get(id_)
        if old is None:
            continue
        changes = tuple(
            _change(field, old.get(field), rule.get(field))
            for field in _FIELDS
            if (known or field not in _UNTOLD) and old.get(field) != rule.get(field)
        )
        if changes:
            ranks = [Verdict[each["verdict"].upper()] for each in (old, rule)]
            stricter = (ranks[1] > ranks[0]) - (ranks[1] < ranks[0])
            yield RuleChange(id_, rule["title"], rule["clause"], changes, stricter)


def _change(field: str, was: Any, now: Any) -> Change:
    if field == "condition":
        return Change(field, condition_lines(was), condition_lines(now))
    return Change(field, was, now)


def _clauses(was: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> Iterator[Change]:
    before = {clause["id"]: clause for clause in was}
    after = {clause["id"]: clause for clause in now}
    for id_ in dict.fromkeys([*before, *after]):
        if before.get(id_) != after.get(id_):
            yield Change(id_, before.get(id_), after.get(id_))


def _settings(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for field in ("name", "mode", "expires", "refresh_days"):
        if was.get(field) != now.get(field):
            yield Change(field, was.get(field), now.get(field))
    for field in sorted({*was["ladder"], *now["ladder"]}):
        if was["ladder"].get(field) != now["ladder"].get(field):
            yield Change(f"ladder.{field}", was["ladder"].get(field), now["ladder"].get(field))
    for field in ("version", "title", "url", "contact"):
        if was["terms"].get(field) != now["terms"].get(field):
            yield Change(f"terms.{field}", was["terms"].get(field), now["terms"].get(field))
