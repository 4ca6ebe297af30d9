"""The default policy: its rules hold what they promise, and what clients get does not tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_tos_guard.cli.policy.test import failing_examples
from jupyter_tos_guard.guard import DEFAULT_POLICY
from jupyter_tos_guard.inspection.facts import Kind
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.indicators import Modifier
from jupyter_tos_guard.policy.lint import lint
from jupyter_tos_guard.policy.model import Mode, Status, Verdict
from jupyter_tos_guard.policy.rules import Policy, load_policy, predicates_of

FOLDER = Path(__file__).parents[1] / "jupyter_tos_guard" / "policy" / "default"
PROHIBITED = {
    "deepfake", "mining", "password-cracking", "denial-of-service", "torrents", "remote-access", "tunnels-proxies",
    "file-hosting", "remote-ui", "multiple-accounts",
}  # fmt: skip
#: Kinds whose values are names of projects, packages, programs and places.
NAMES = {Kind.REPOSITORY, Kind.PACKAGE, Kind.HOST, Kind.URL, Kind.MODULE}


@pytest.fixture(scope="module")
def policy() -> Policy:
    policy, problems = load_policy(FOLDER)
    assert policy is not None
    assert not problems
    return policy


def test_it_has_no_lint(policy: Policy) -> None:
    assert [str(problem) for problem in lint(policy) if problem.severity == "error"] == []


def test_every_example_of_every_rule_holds(policy: Policy) -> None:
    assert [str(problem) for problem in failing_examples(policy)] == []


def test_every_prohibited_use_has_a_clause_with_rules_that_stop(policy: Policy) -> None:
    strict = {rule.clause for rule in policy.rules if rule.verdict >= Verdict.WARN}
    assert strict >= PROHIBITED


def test_it_starts_in_monitor_mode_and_leaves_matters_of_the_plan_off(policy: Policy) -> None:
    off = {clause.id for clause in policy.terms.clauses if not clause.enabled}
    assert policy.mode is Mode.MONITOR
    assert {"remote-ui", "voice-cloning"} <= off


def test_only_stable_rules_block(policy: Policy) -> None:
    blocking = {rule.status for rule in policy.rules if rule.verdict is Verdict.BLOCK}
    assert blocking == {Status.STABLE}


def test_opaque_alone_never_earns_a_strike(policy: Policy) -> None:
    for rule in policy.rules:
        if {predicate.kind for predicate in predicates_of(rule.condition)} == {Kind.OPAQUE}:
            assert rule.verdict <= Verdict.WARN, rule.name


def test_nobody_reads_a_name_out_of_the_bundle(policy: Policy, default_policy: Path) -> None:
    data = default_policy.read_bytes().lower()
    found = {
        value
        for rule in policy.rules
        for predicate in predicates_of(rule.condition)
        # Words that a value must contain may be ordinary ones, which the terms use too.
        if predicate.kind in NAMES and predicate.modifier not in (Modifier.CONTAINS, Modifier.PATTERN)
        for value in predicate.values
        if len(value) > 5 and value.lower().encode() in data
    }
    assert not found


def test_the_bundle_in_the_package_opens() -> None:
    assert Bundle.open(DEFAULT_POLICY).rule_count > 100
