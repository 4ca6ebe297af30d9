from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from jupyter_tos_guard.central.publishing.compare import compare, condition_lines
from jupyter_tos_guard.central.publishing.document import (
    document_of,
    outline_of,
    read_document,
    write_document,
)
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.compile import encode
from jupyter_tos_guard.policy.model import Mode, Status
from jupyter_tos_guard.policy.rules import Policy, predicates_of


def test_a_policy_differs_in_nothing_from_itself(example: Policy) -> None:
    comparison = compare(document_of(example), document_of(example))
    assert comparison.same
    assert comparison.conditions_known


def test_rules_added_removed_and_changed_are_named(example: Policy) -> None:
    first, second = example.rules
    changed = replace(first, status=Status.EXPERIMENTAL, message="Something else.")
    now = replace(example, version="2", rules=(changed, replace(second, id="f" * 8, title="New one")))
    comparison = compare(document_of(example), document_of(now))
    assert [rule.title for rule in comparison.added] == ["New one"]
    assert [rule.id for rule in comparison.removed] == [second.id]
    [change] = comparison.changed
    assert change.id == first.id
    assert [each.field for each in change.changes] == ["verdict", "status", "message"]
    assert change.stricter == -1
    back = compare(document_of(now), document_of(example))
    assert [each.stricter for each in back.changed] == [1]


def test_a_changed_condition_is_shown_in_lines(example: Policy) -> None:
    first, second = example.rules
    now = replace(example, rules=(replace(first, condition=second.condition), second))
    [change] = compare(document_of(example), document_of(now)).changed
    [field] = change.changes
    assert field.field == "condition"
    assert field.was != field.now
    value = next(predicates_of(second.condition)).values[0]
    assert any(value in line for line in field.now)


def test_what_is_said_of_the_policy_itself_is_compared(example: Policy) -> None:
    terms = example.terms
    clauses = (terms.clauses[0]._replace(enabled=False), *terms.clauses[1:])
    now = replace(
        example,
        mode=Mode.ENFORCE if example.mode is Mode.MONITOR else Mode.MONITOR,
        ladder=example.ladder._replace(restricted_at=4),
        terms=terms._replace(version="9", clauses=clauses),
    )
    comparison = compare(document_of(example), document_of(now))
    assert [each.field for each in comparison.settings] == ["mode", "ladder.restricted_at", "terms.version"]
    assert [each.field for each in comparison.clauses] == [terms.clauses[0].id]
    assert not comparison.same


def test_of_a_bundle_alone_it_is_compared_what_is_known(example: Policy) -> None:
    outline = outline_of(Bundle.from_bytes(encode(example)))
    assert not outline["readable"]
    comparison = compare(outline, document_of(example))
    assert comparison.same
    assert not comparison.conditions_known
    milder = replace(example, rules=tuple(replace(r, status=Status.EXPERIMENTAL) for r in example.rules))
    assert len(compare(outline, document_of(milder)).changed) == 2


def test_both_kinds_of_document_have_the_same_keys(example: Policy) -> None:
    outline, full = outline_of(Bundle.from_bytes(encode(example))), document_of(example)
    assert outline.keys() == full.keys()
    assert outline["rules"][0].keys() == full["rules"][0].keys()
    assert json.loads(json.dumps(full)) == full


def test_a_document_is_kept_for_its_owner_only(example: Policy, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    path = write_document(folder, document_of(example))
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert read_document(folder, example.version) == document_of(example)


def test_a_document_that_cannot_be_used_is_none(example: Policy, tmp_path: Path) -> None:
    assert read_document(tmp_path, "1") is None
    (tmp_path / "1.json").write_text("{")
    assert read_document(tmp_path, "1") is None
    (tmp_path / "1.json").write_text('{"version": "2"}')
    assert read_document(tmp_path, "1") is None


def test_conditions_are_written_as_they_are_nested(example: Policy) -> None:
    condition = {
        "all": [{"kind": "command", "modifier": "exact", "values": ["a", "b"]}, {"not": {"any": []}}]
    }
    assert condition_lines(condition) == [
        "all of:",
        "  command exact a",
        "  command exact b",
        "  not:",
        "    any of:",
    ]
    assert condition_lines(None) == []
