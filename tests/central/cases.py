"""A published policy, people and strikes to do casework on."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import tally
from jupyter_tos_guard.central.casework.config import CaseworkConfig
from jupyter_tos_guard.central.casework.people import ensure
from jupyter_tos_guard.central.storage.tables import Acceptance, PolicyVersion, Strike, Terms
from jupyter_tos_guard.policy.model import Ladder

DAY = 86_400.0
#: A Thursday noon.
NOW = 1_795_694_400.0
CONFIG = CaseworkConfig()
CLAUSES = [
    {
        "id": "mining",
        "number": "1",
        "title": "No mining",
        "text": "Do not mine.",
        "enabled": True,
        "severe": False,
    },
    {
        "id": "deepfake",
        "number": "2",
        "title": "No deepfakes",
        "text": "Do not fake people.",
        "enabled": True,
        "severe": True,
    },
    {
        "id": "tunnels",
        "number": "3",
        "title": "No tunnels",
        "text": "Do not open tunnels.",
        "enabled": True,
        "severe": False,
    },
]
RULES = {
    "r-mining": ("mining", "miner-fetched", "A miner is fetched"),
    "r-deepfake": ("deepfake", "face-swap", "A face swap toolkit is fetched"),
    "r-tunnel": ("tunnels", "tunnel-opened", "A tunnel is opened"),
}


def rule(rule_id: str, **changes: Any) -> dict[str, Any]:
    clause, name, title = RULES[rule_id]
    good = {
        "id": rule_id,
        "name": name,
        "title": title,
        "message": f"This cell does what the terms rule out ({name}).",
        "clause": clause,
        "action": "block",
        "verdict": "block",
        "status": "stable",
        "level": "high",
        "description": f"Finds {name}.",
        "references": ["https://example.org/sources"],
        "falsepositives": ["A lecture about it"],
        "tags": [],
        "window": "cell",
        "scope": [],
        "rollout": 100,
        "condition": {"any": [{"kind": "url", "modifier": "exact", "values": [f"example.org/{name}"]}]},
        "examples": {"match": [], "no_match": []},
    }
    return good | changes


def publish(
    session: Session,
    version: str = "2026.1",
    *,
    terms_version: str = "1",
    clauses: list[dict[str, Any]] | None = None,
    rules: list[dict[str, Any]] | None = None,
    ladder: Ladder | None = None,
    mode: str = "enforce",
    when: float = NOW - 200 * DAY,
) -> None:
    """Note a published policy, in force."""
    terms = {
        "version": terms_version,
        "title": "Terms of use",
        "url": "https://hub.example.org/terms",
        "contact": "abuse@example.org",
        "clauses": clauses or CLAUSES,
    }
    if session.get(Terms, terms_version) is None:
        session.add(Terms(version=terms_version, published=when, document=terms))
    session.add(
        PolicyVersion(
            version=version,
            published=when,
            published_by="admin",
            bundle=f"policy/{version}.bundle",
            terms_version=terms_version,
            in_force_since=when,
            document={
                "v": 1,
                "readable": True,
                "version": version,
                "name": "Test policy",
                "expires": 0.0,
                "refresh_days": 0,
                "mode": mode,
                "terms": terms,
                "ladder": (ladder or Ladder())._asdict(),
                "rules": rules or [rule(each) for each in RULES],
            },
        )
    )
    session.flush()


_count = 0


def strike(session: Session, user: str = "ann", rule_id: str = "r-mining", **changes: Any) -> Strike:
    """Add a strike that counts, an hour old, of a cell of its own."""
    global _count
    _count += 1
    digest = hashlib.sha256(str(_count).encode()).hexdigest()
    clause = RULES[rule_id][0] if rule_id in RULES else "mining"
    person = ensure(session, user, NOW)
    good: dict[str, Any] = {
        "person_id": person.id,
        "client_id": None,
        "act": digest[:32],
        "time": NOW - 3600,
        "received": NOW - 3500,
        "server": "",
        "kernel": "k1",
        "notebook": "work/Untitled.ipynb",
        "request": f"msg-{_count}",
        "rule": rule_id,
        "clause": clause,
        "level": "high",
        "policy_version": "2026.1",
        "severe": clause == "deepfake",
        "verdict": "block",
        "action": "block",
        "sensor": "kernel",
        "cell_digest": digest,
        "line": 2,
        "column": 0,
        "end_line": 2,
        "end_column": 30,
        "evidence": "import os\n!wget https://example.org/miner\nprint('done')",
        "decoded": "",
        "provenance": [],
        "facts": [["url", "https://example.org/miner"]],
        "state": "open",
        "reviewed_by": "",
        "reason": "",
    }
    made = Strike(**(good | changes))
    session.add(made)
    session.flush()
    tally.count(session, Counter([tally.bucket_of(made)]))
    return made


def acceptance(person_id: int, version: str, time: float) -> Acceptance:
    """Return that somebody accepted a version some time ago."""
    return Acceptance(person_id=person_id, version=version, time=time)
