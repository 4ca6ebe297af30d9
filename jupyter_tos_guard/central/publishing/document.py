"""A policy as the central server keeps it: readable, for pages, comparison and replay.

With the folder of rules everything is known; of a bundle alone, what clients know
(``"readable": false``). Both have the same keys. These documents never leave the
central server.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.model import Ladder, Terms
from jupyter_tos_guard.policy.rules import And, Expression, Not, Policy, Predicate, Rule

Document = dict[str, Any]
#: Largest document that is read, in bytes.
_MAX_BYTES = 64 << 20


def document_of(policy: Policy) -> Document:
    """Return everything about a policy, but the lines of its files."""
    return {
        **_head(policy),
        "readable": True,
        "rules": [_rule(rule) for rule in sorted(policy.rules, key=lambda rule: rule.id)],
    }


def outline_of(bundle: Bundle) -> Document:
    """Return what a bundle tells about a policy."""
    rules = []
    for number in range(bundle.rule_count):
        info = bundle.info(number)
        rules.append(
            {
                "id": info.id,
                "name": "",
                "title": info.title,
                "message": info.message,
                "clause": info.clause,
                "action": info.action.label,
                "verdict": info.verdict.label,
                "status": info.status,
                "level": info.level,
                "window": info.window,
                "scope": list(info.scope),
                "rollout": info.rollout,
                "description": "",
                "references": [],
                "falsepositives": [],
                "tags": [],
                "condition": None,
                "examples": {"match": [], "no_match": []},
            }
        )
    return {**_head(bundle), "readable": False, "rules": rules}


def write_document(folder: Path, document: Mapping[str, Any]) -> Path:
    """Keep a document as a file that only its owner can read, in one step.

    Raises
    ------
    OSError
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{document['version']}.json"
    handle, name = tempfile.mkstemp(dir=folder, prefix=".new-")  # its mode is 0600
    try:
        with open(handle, "w", encoding="utf-8", errors="surrogatepass") as file:
            json.dump(document, file, ensure_ascii=False, separators=(",", ":"))
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    return path


def read_document(folder: Path, version: str) -> Document | None:
    """Return the document of a version, None when there is none that can be used."""
    try:
        with open(folder / f"{version}.json", encoding="utf-8", errors="surrogatepass") as file:
            document = json.loads(file.read(_MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and document.get("version") == version else None


def _head(policy: Policy | Bundle) -> Document:
    terms: Terms = policy.terms
    ladder: Ladder = policy.ladder
    return {
        "v": 1,
        "id": policy.id,
        "name": policy.name,
        "version": policy.version,
        "mode": policy.mode.value,
        "expires": policy.expires,
        "refresh_days": policy.refresh_days,
        "terms": terms.to_json(),
        "ladder": ladder._asdict(),
    }


def _rule(rule: Rule) -> Document:
    return {
        "id": rule.id,
        "name": rule.name,
        "title": rule.title,
        "message": rule.message,
        "clause": rule.clause,
        "action": rule.action.label,
        "verdict": rule.verdict.label,
        "status": rule.status.value,
        "level": rule.level,
        "window": rule.window,
        "scope": list(rule.scope),
        "rollout": rule.rollout,
        "description": rule.description,
        "references": list(rule.references),
        "falsepositives": list(rule.falsepositives),
        "tags": list(rule.tags),
        "condition": _condition(rule.condition),
        "examples": {
            "match": [list(session) for session in rule.examples.match],
            "no_match": [list(session) for session in rule.examples.no_match],
        },
    }


def _condition(expression: Expression) -> Document:
    """Write a condition as ``{"all": […]}``, ``{"any": […]}``, ``{"not": …}`` or one question."""
    if isinstance(expression, Predicate):
        return {
            "kind": expression.kind.value,
            "modifier": expression.modifier.name.lower(),
            "values": list(expression.written or expression.values),
        }
    if isinstance(expression, Not):
        return {"not": _condition(expression.part)}
    return {"all" if isinstance(expression, And) else "any": [_condition(part) for part in expression.parts]}
