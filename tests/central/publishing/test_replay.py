from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from jupyter_tos_guard.central.publishing import replay as replaying
from jupyter_tos_guard.central.publishing.replay import Effect, Replay, replay_sessions, replay_strikes
from jupyter_tos_guard.inspection import Budget, Cell, History, inspect
from jupyter_tos_guard.inspection.digests import exact_digest
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.compile import encode
from jupyter_tos_guard.policy.model import Status, Verdict
from jupyter_tos_guard.policy.rules import Policy, Rule
from jupyter_tos_guard.strikes.strike import Action, Strike

MINER = "!xmrig --donate-level 1"


def bundle(policy: Policy, **changes: object) -> Bundle:
    return Bundle.from_bytes(encode(replace(policy, salt=os.urandom(16), **changes)))


def miner(policy: Policy) -> Rule:
    [rule] = [rule for rule in policy.rules if rule.name == "example-miner-run"]
    return rule


def without_miner(policy: Policy) -> tuple[Rule, ...]:
    return tuple(rule for rule in policy.rules if rule.name != "example-miner-run")


def strike(
    rule: Rule, source: str = MINER, number: int = 0, *, facts: bool = True, whole: bool = False
) -> Strike:
    found = inspect(Cell(source), History(lambda name: True), Budget(5.0)).facts if facts else ()
    return Strike(
        id=f"{number}",
        time=float(number),
        user=f"user-{number % 10}",
        server="",
        kernel="k",
        notebook="n.ipynb",
        request=f"request-{number}",
        rule=rule.id,
        clause=rule.clause,
        level=rule.level,
        policy_version="1",
        severe=False,
        action=Action.BLOCK,
        sensor="kernel",
        cell_digest=exact_digest(source),
        line=1,
        column=0,
        evidence=source if whole else source[:-1],
        facts=tuple((str(fact.kind), fact.value) for fact in found),
    )


def only(replay: Replay) -> Effect:
    [effect] = replay.effects
    return effect


def test_a_rule_that_is_gone_no_longer_hits(example: Policy) -> None:
    old, new = bundle(example), bundle(example, rules=without_miner(example))
    replay = replay_strikes([strike(miner(example))], old, new)
    effect = only(replay)
    assert (effect.rule, effect.no_longer, effect.newly, effect.was, effect.now) == (
        miner(example).id, 1, 0, "block", "",
    )  # fmt: skip
    assert effect.title
    assert effect.samples == ("!xmrig --donate-level",)
    assert (replay.cells, replay.unknown, replay.cells_milder, replay.cells_stricter) == (1, 0, 1, 0)
    assert replay.changes


def test_a_rule_that_was_added_newly_hits_what_others_recorded(example: Policy) -> None:
    old, new = bundle(example, rules=without_miner(example)), bundle(example)
    # Recorded under a version of which the old one knows nothing any more.
    effect = only(replay_strikes([strike(miner(example))], old, new))
    assert (effect.newly, effect.no_longer) == (1, 0)


def test_a_milder_and_a_stricter_verdict_are_told_apart(example: Policy) -> None:
    rule = miner(example)
    mild = (*without_miner(example), replace(rule, status=Status.EXPERIMENTAL, action=Verdict.OBSERVE))
    strict, softer = bundle(example), bundle(example, rules=mild)
    assert only(replay_strikes([strike(rule)], strict, softer)).milder == 1
    back = replay_strikes([strike(rule)], softer, strict)
    assert only(back).stricter == 1
    assert (back.cells_stricter, back.cells_milder) == (1, 0)


def test_the_same_policy_under_another_salt_changes_nothing(example: Policy) -> None:
    replay = replay_strikes(
        [strike(miner(example), number=n) for n in range(5)], bundle(example), bundle(example)
    )
    assert only(replay).same == 5
    assert not replay.changes


def test_of_a_strike_without_facts_nothing_is_said(example: Policy) -> None:
    replay = replay_strikes(
        [strike(miner(example), facts=False)], bundle(example), bundle(example, rules=without_miner(example))
    )
    assert (replay.cells, replay.unknown, replay.effects) == (1, 1, ())


def test_a_whole_cell_is_read_again(example: Policy) -> None:
    replay = replay_strikes(
        [strike(miner(example), facts=False, whole=True)],
        bundle(example),
        bundle(example, rules=without_miner(example)),
    )
    assert only(replay).no_longer == 1
    assert replay.unknown == 0


def test_evidence_that_only_looks_whole_is_not_read_as_the_cell(example: Policy) -> None:
    fragment = strike(miner(example), facts=False, whole=True)._replace(cell_digest="0" * 64)
    assert replay_strikes([fragment], bundle(example), bundle(example)).unknown == 1


def test_strikes_of_one_cell_are_one_cell(example: Policy) -> None:
    one = strike(miner(example))
    other = one._replace(id="other", rule="another-rule", facts=(("module", "os"),))
    assert replay_strikes([one, other], bundle(example), bundle(example)).cells == 1


def test_cells_made_to_be_slow_are_read_for_a_bounded_time(
    example: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "_READING", 0.0)
    slow = [strike(miner(example), f"{MINER} {number}", number, whole=True) for number in range(3)]
    new = bundle(example, rules=without_miner(example))
    assert only(replay_strikes(slow, bundle(example), new)).no_longer == 3, "their facts are still there"
    bare = [each._replace(facts=()) for each in slow]
    assert replay_strikes(bare, bundle(example), new).unknown == 3


def test_facts_of_kinds_that_do_not_exist_are_left_out(example: Policy) -> None:
    odd = strike(miner(example))._replace(facts=(("no-such-kind", "x"), ("command", "xmrig")))
    assert only(replay_strikes([odd], bundle(example), bundle(example))).same == 1


def test_sessions_show_both_sides(example: Policy) -> None:
    sessions = [[Cell("import os"), Cell("name = 'xm' + 'rig'"), Cell("os.system(name)")], [Cell("print(1)")]]
    old, new = bundle(example, rules=without_miner(example)), bundle(example)
    replay = replay_sessions(sessions, old, new)
    assert (replay.cells, replay.unknown, replay.cells_stricter) == (4, 0, 1)
    assert only(replay).newly == 1
    assert only(replay).samples == ("os.system(name)",)


def test_one_session_knows_nothing_of_another(example: Policy) -> None:
    sessions = [[Cell("name = 'xmrig'")], [Cell("import os\nos.system(name)")]]
    assert not replay_sessions(sessions, bundle(example), bundle(example)).effects


def test_samples_are_bounded_and_fit_to_be_shown(example: Policy) -> None:
    new = bundle(example, rules=without_miner(example))
    sources = [f"!xmrig \x1b[2J\u202e {'x' * 500} {number}" for number in range(10)]
    replay = replay_strikes(
        [strike(miner(example), source, number, whole=True) for number, source in enumerate(sources)],
        bundle(example),
        new,
    )
    samples = only(replay).samples
    assert 0 < len(samples) <= 3
    assert all(sample.isprintable() and len(sample) < 200 for sample in samples)


def test_a_hundred_thousand_strikes_take_seconds_and_no_memory(example: Policy) -> None:
    """A stream: nothing is kept of a strike once it is counted."""
    rule = miner(example)
    kinds = [strike(rule, f"!xmrig -o pool{number}.example.org", number) for number in range(200)]
    made = 0

    def strikes() -> Iterator[Strike]:
        nonlocal made
        for number in range(100_000):
            made += 1
            yield kinds[number % 200]._replace(request=f"r{number}")

    start = time.perf_counter()
    replay = replay_strikes(strikes(), bundle(example), bundle(example, rules=without_miner(example)))
    took = time.perf_counter() - start
    assert made == replay.cells == 100_000
    assert only(replay).no_longer == 100_000
    assert took < 60  # 3 s on a quiet machine
