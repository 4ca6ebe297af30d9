"""``jupyter tos-guard policy test``: runs the examples of every rule through the guard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from jupyter_tos_guard.cli.judging import judge_session
from jupyter_tos_guard.cli.policy.folder import FolderVerb
from jupyter_tos_guard.cli.verb import Exit
from jupyter_tos_guard.guard import NO_ACCOUNT, Cell, Guard, Settings
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.compile import encode
from jupyter_tos_guard.policy.decision import Reason
from jupyter_tos_guard.policy.lint import check_examples, lint
from jupyter_tos_guard.policy.model import Account, Mode, Verdict
from jupyter_tos_guard.policy.rules import Policy, Problem, Rule, load_policy


class TestApp(FolderVerb):
    """Run the examples of every rule."""

    __test__ = False  # no test case, whatever pytest thinks of its name

    name = "jupyter-tos-guard-policy-test"
    description = """Run the examples of every rule, on both sides, after linting the folder. No example is
    executed.

    Exit codes: 0 all hold, 1 some do not or the folder has errors, 3 no such policy."""
    examples = "jupyter tos-guard policy test examples/policy"

    def run(self) -> Exit:
        """Lint the folder and try its examples."""
        policy, problems = load_policy(self.folder())
        count = 0
        if policy is not None:
            problems = [*problems, *lint(policy), *failing_examples(policy)]
            count = sum(len(rule.examples.match) + len(rule.examples.no_match) for rule in policy.rules)
        rules = len(policy.rules) if policy else 0
        return self.report(sorted(problems), f"all {count} examples of {rules} rules hold")


def failing_examples(policy: Policy) -> list[Problem]:
    """Try every example against the policy, with all clauses on and each rule in force everywhere."""
    guard = Guard(
        _Compiled(Bundle.from_bytes(encode(_everywhere(policy)))),
        # Whether an example holds must not depend on how busy this machine is.
        Settings(mode=Mode.ENFORCE, enable=frozenset(["all"]), time_limit=10.0),
    )

    @lru_cache(maxsize=4096)
    def decide(session: tuple[str, ...]) -> frozenset[str]:
        decisions = judge_session(guard, map(Cell, session))
        if any(decision.reason is Reason.INSPECTION_FAILED for decision in decisions):
            return frozenset(["inspection failed"])
        return frozenset(finding.rule for decision in decisions for finding in decision.findings)

    return check_examples(policy, decide)


def _everywhere(policy: Policy) -> Policy:
    """Return the policy with every rule in force for all, and none that overrides another."""
    rules: Iterable[Rule] = (
        replace(rule, scope=(), rollout=100, action=rule.action or Verdict.OBSERVE) for rule in policy.rules
    )
    return replace(policy, rules=tuple(rules))


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A policy in memory as a guard's source."""

    bundle: Bundle

    @property
    def account(self) -> Account:
        return NO_ACCOUNT

    def current(self, now: float) -> tuple[Bundle | None, Reason | None, str]:
        return self.bundle, None, ""
