"""Policy folders to test with, written from a few differences to a good one."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from jupyter_tos_guard.inspection.facts import Fact, Kind, Span
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.compile import encode
from jupyter_tos_guard.policy.matching import Matches, match
from jupyter_tos_guard.policy.model import Where
from jupyter_tos_guard.policy.rules import Policy, load_policy

CLAUSES = [
    {"id": "first", "number": "1", "title": "First things", "text": "Do not do these."},
    {"id": "second", "number": "2", "title": "Second things", "text": "Nor these.", "severe": True},
    {"id": "off", "number": "3", "title": "Resting", "text": "Some hubs mind.", "enabled": False},
]


def head(**changes: Any) -> dict[str, Any]:
    """A good policy.yml, with top-level keys changed; None removes one."""
    good: dict[str, Any] = {
        "id": "test",
        "name": "Test policy",
        "version": "2026.1",
        "salt": "000102030405060708090a0b0c0d0e0f",
        "mode": "enforce",
        "terms": {"version": "1", "title": "Terms of use", "clauses": CLAUSES},
    }
    return {key: value for key, value in (good | changes).items() if value is not None}


def rule(name: str = "toolkit-fetched", **changes: Any) -> dict[str, Any]:
    """A good rule, with top-level keys changed; None removes one."""
    good: dict[str, Any] = {
        "title": "A toolkit is fetched",
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
        "name": name,
        "status": "stable",
        "level": "high",
        "description": "Finds the toolkit.",
        "references": ["https://example.org/toolkit"],
        "falsepositives": ["None known"],
        "logsource": {"product": "jupyter", "category": "execution"},
        "detection": {"one": {"repository": "github.com/zorblatt/quuxinator"}, "condition": "one"},
        "clause": "first",
        "action": "block",
        "message": "This cell fetches a toolkit.",
        "examples": {
            "match": ["!git clone https://github.com/zorblatt/quuxinator"],
            "no_match": ["# nothing"],
        },
    }
    return {key: value for key, value in (good | changes).items() if value is not None}


def detecting(
    name: str, condition: str = "one", /, clause: str = "first", **selections: Any
) -> dict[str, Any]:
    """A good rule with this condition over these selections."""
    return rule(name, clause=clause, detection={**selections, "condition": condition})


def write(folder: Path, *rules: dict[str, Any], **changes: Any) -> Path:
    """Write a policy folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.yml").write_text(yaml.safe_dump(head(**changes), sort_keys=False))
    for each in rules:
        path = folder / "rules" / each.get("clause", "first") / f"{each.get('name', 'nameless')}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(each, sort_keys=False, allow_unicode=True))
    return folder


def policy_of(folder: Path, *rules: dict[str, Any], **changes: Any) -> Policy:
    """Read a policy that must be free of errors."""
    policy, problems = load_policy(write(folder, *rules, **changes))
    assert policy is not None, problems
    assert not [problem for problem in problems if problem.severity == "error"], problems
    return policy


def bundle_of(folder: Path, *rules: dict[str, Any], **changes: Any) -> Bundle:
    """Read, compile and open; values that the lint would mind are welcome here."""
    return Bundle.from_bytes(encode(policy_of(folder, *rules, **changes)))


def facts(*pairs: tuple[str, str]) -> list[Fact]:
    """Facts of these kinds and values, each on a line of its own."""
    return [Fact(Kind(kind), value, Span(line, 0, line, 5)) for line, (kind, value) in enumerate(pairs, 1)]


def matches(bundle: Bundle, *pairs: tuple[str, str], **changes: Any) -> Matches:
    """Match facts, everywhere, with all clauses that are on by themselves."""
    arguments: dict[str, Any] = {"where": Where(), "now": 1000.0, "enabled": bundle.enabled}
    return match(bundle, facts(*pairs), **(arguments | changes))


def titles(found: Matches) -> list[str]:
    """Titles of the findings, in order."""
    return [finding.title for finding in found.findings]


def does_match(bundle: Bundle, *pairs: tuple[str, str], **changes: Any) -> bool:
    """Whether any rule matches."""
    return bool(matches(bundle, *pairs, **changes).findings)


def lines(problems: Iterable[object]) -> str:
    """All problems as a person sees them."""
    return "\n".join(map(str, problems))
