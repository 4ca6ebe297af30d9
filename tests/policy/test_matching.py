"""Which rules match which facts, and which findings count."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from jupyter_tos_guard.inspection.facts import HOLE
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.compile import encode
from jupyter_tos_guard.policy.matching import share_of
from jupyter_tos_guard.policy.model import Exemption, Verdict, Where
from tests.policy.policies import bundle_of, detecting, does_match, matches, policy_of, rule, titles


@pytest.mark.parametrize(
    ("selection", "fact", "expected"),
    [
        ({"repository": "github.com/Owner/Name"}, ("repository", "github.com/owner/name"), True),
        ({"repository": "github.com/owner/name"}, ("repository", "GitHub.com/Owner/NAME"), True),
        ({"repository": "github.com/owner/name"}, ("repository", "github.com/owner/name2"), False),
        ({"repository": "github.com/owner/name"}, ("url", "github.com/owner/name"), False),
        ({"module": "tool.sub"}, ("module", "tool.sub"), True),
        ({"module": "tool.sub"}, ("module", "tool.sub.deep.er"), True),
        ({"module": "tool.sub"}, ("module", "tool.subway"), False),
        ({"module": "tool.sub"}, ("module", "tool"), False),
        ({"call": "tool.sub"}, ("call", "tool.sub.deep"), False),
        ({"repository|endswith": "/name"}, ("repository", "github.com/any/name"), True),
        ({"repository|endswith": "/name"}, ("repository", "github.com/any/my-name"), False),
        ({"host|endswith": ".example.org"}, ("host", "a.b.example.org"), True),
        ({"host|endswith": ".example.org"}, ("host", "example.org"), False),
        ({"host|endswith": ".example.org"}, ("host", "badexample.org"), False),
        ({"repository|startswith": "github.com/owner/"}, ("repository", "github.com/owner/x"), True),
        ({"repository|startswith": "github.com/owner/"}, ("repository", "github.com/owner2/x"), False),
        ({"url|startswith": "stratum+tcp://"}, ("url", "stratum+tcp://pool.example:3333"), True),
        ({"argument|startswith": "zorb magnet:"}, ("argument", "zorb magnet:?xt=1"), True),
        ({"argument|startswith": "* magnet:"}, ("argument", "anything magnet:?xt=1"), True),
        ({"repository|contains": "quux-inator"}, ("repository", "github.com/x/My_Quux.Inator-2"), True),
        ({"repository|contains": "quux-inator"}, ("repository", "github.com/x/quux-the-inator"), False),
        ({"repository|contains": "quux-inator"}, ("repository", "github.com/x/quuxinator"), False),
        ({"repository|contains": "inator"}, ("repository", "github.com/x/quuxinator"), False),
        ({"repository|contains": "a b c d e"}, ("repository", "github.com/a/b/c/d/e"), True),
        ({"repository|contains": "quux-inator"}, ("repository", f"github.com/x/quux{HOLE}inator"), False),
        ({"repository|contains": "quux"}, ("repository", f"github.com/{HOLE}/quux"), True),
        ({"argument": "ssh -R"}, ("argument", "ssh -R"), True),
        ({"argument": "ssh -R"}, ("argument", "ssh -r"), False),
        ({"argument": "SSH --Verbose"}, ("argument", "ssh --verbose"), True),
        ({"argument": "* --listen"}, ("argument", "zorb.py --listen"), True),
        ({"argument": "* --listen"}, ("argument", "zorb.py --listening"), False),
        ({"argument": "zorb.py --listen"}, ("argument", "other.py --listen"), False),
        ({"argument|endswith": "=value"}, ("argument", "zorb --option=value"), True),
        ({"argument|re": "^zorb -p [0-9]{4,5}$"}, ("argument", "zorb -p 3333"), True),
        ({"argument|re": "^zorb -p [0-9]{4,5}$"}, ("argument", "zorb -p 333"), False),
        ({"argument|re": "(?-i:-L)"}, ("argument", "ssh -l"), False),
        ({"argument|re": "(?-i:-L)"}, ("argument", "ssh -L"), True),
        ({"digest": "exact:" + "AB" * 32}, ("digest", "exact:" + "ab" * 32), True),
        ({"digest": "exact:" + "ab" * 32}, ("digest", "tokens:" + "ab" * 32), False),
        ({"package": ["pypi:a1", "pypi:b2"]}, ("package", "pypi:b2"), True),
        ({"package|contains|all": ["quux", "inator"]}, ("package", "pypi:inator-and-quux"), True),
        ({"package|contains|all": ["quux", "inator"]}, ("package", "pypi:quux"), False),
        ([{"command": "zorb"}, {"file": "quux"}], ("file", "quux"), True),
        ({"opaque": "pipe-to-shell"}, ("opaque", "pipe-to-shell"), True),
        ({"command": "zorb"}, ("command", "\ud800zorb"), False),
    ],
)
def test_modifiers(tmp_path: Path, selection: Any, fact: tuple[str, str], expected: bool) -> None:
    assert does_match(bundle_of(tmp_path, detecting("one-rule", one=selection)), fact) is expected


@pytest.mark.parametrize(
    "condition",
    [
        "a and b",
        "a or b",
        "a and not b",
        "(a or b) and not c",
        "a and (b or c)",
        "a and not (b and c)",
        "(a and b) or (c and not a)",
        "not (not a)",
        "not (not a or not b)",
        "all of them",
        "1 of them",
        "a and 1 of b*",
        "(a or b) and (b or c) and (a or c)",
    ],
)
def test_conditions_mean_what_python_would_make_of_them(tmp_path: Path, condition: str) -> None:
    bundle = bundle_of(
        tmp_path, detecting("one-rule", condition, a={"command": "aa"}, b={"file": "bb"}, c={"host": "cc"})
    )
    python = condition.replace("1 of b*", "b").replace("all of them", "a and b and c")
    python = python.replace("1 of them", "a or b or c")
    for a, b, c in itertools.product((False, True), repeat=3):
        held = [("command", "aa")] * a + [("file", "bb")] * b + [("host", "cc")] * c
        expected = eval(python, {"a": a, "b": b, "c": c}) if held else False
        assert does_match(bundle, *held) is expected, (a, b, c)


# --- fingerprints ---


def test_a_fingerprint_matches_when_three_fifths_are_there(tmp_path: Path) -> None:
    hashes = [f"{number:016x}" for number in range(20)]
    bundle = bundle_of(tmp_path, detecting("one-rule", one={"fingerprint": " ".join(hashes)}))
    others = [f"{number:016x}" for number in range(100, 130)]
    assert does_match(bundle, ("fingerprint", " ".join(others + hashes[:12])))
    assert not does_match(bundle, ("fingerprint", " ".join(others + hashes[:11])))


def test_a_short_fingerprint_needs_eight(tmp_path: Path) -> None:
    hashes = [f"{number:016x}" for number in range(8)]
    bundle = bundle_of(tmp_path, detecting("one-rule", one={"fingerprint": " ".join(hashes)}))
    assert does_match(bundle, ("fingerprint", " ".join(hashes)))
    assert not does_match(bundle, ("fingerprint", " ".join(hashes[:7] * 3)))


def test_fingerprints_of_one_list_are_counted_apart(tmp_path: Path) -> None:
    first, second = ([f"{number:016x}" for number in range(start, start + 10)] for start in (0, 100))
    bundle = bundle_of(
        tmp_path, detecting("one-rule", one={"fingerprint": [" ".join(first), " ".join(second)]})
    )
    assert does_match(bundle, ("fingerprint", " ".join(second)))
    assert not does_match(bundle, ("fingerprint", " ".join(first[:5] + second[:5])))


# --- earlier cells ---


@pytest.mark.parametrize(("first", "last"), [("a", "b"), ("b", "a")])
def test_earlier_cells_complete_a_condition_in_any_order(tmp_path: Path, first: str, last: str) -> None:
    facts = {"a": ("command", "aa"), "b": ("file", "bb")}
    bundle = bundle_of(
        tmp_path,
        detecting("one-rule", "a and b", a={"command": "aa"}, b={"file": "bb"}) | {"window": "kernel"},
    )
    earlier = matches(bundle, facts[first]).predicates
    assert len(earlier) == 1
    (finding,) = matches(bundle, facts[last], earlier=earlier).findings
    assert [fact.kind for fact in finding.facts] == [facts[last][0]]


def test_a_rule_for_one_cell_does_not_look_back(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, detecting("one-rule", "a and b", a={"command": "aa"}, b={"file": "bb"}))
    found = matches(bundle, ("command", "aa"))
    assert found.predicates == frozenset()
    assert not does_match(bundle, ("file", "bb"), earlier=frozenset({0, 1}))


def test_what_earlier_cells_made_hold_alone_is_not_found_again(tmp_path: Path) -> None:
    bundle = bundle_of(
        tmp_path,
        detecting(
            "one-rule",
            "(a and b) or (c and d)",
            a={"command": "aa"},
            b={"file": "bb"},
            c={"host": "cc"},
            d={"host": "dd"},
        )
        | {"window": "kernel"},
    )
    earlier = matches(bundle, ("command", "aa"), ("file", "bb")).predicates
    assert not does_match(bundle, ("host", "cc"), earlier=earlier)
    assert does_match(bundle, ("host", "cc"), ("host", "dd"), earlier=earlier)


def test_a_negation_looks_back_too(tmp_path: Path) -> None:
    bundle = bundle_of(
        tmp_path,
        detecting("one-rule", "a and not b", a={"command": "aa"}, b={"file": "bb"}) | {"window": "kernel"},
    )
    earlier = matches(bundle, ("file", "bb")).predicates
    assert does_match(bundle, ("command", "aa"))
    assert not does_match(bundle, ("command", "aa"), earlier=earlier)


# --- who, where and when ---


def test_a_clause_that_is_off_finds_nothing_until_it_is_on(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, rule(clause="off"))
    fact = ("repository", "github.com/zorblatt/quuxinator")
    assert bundle.enabled == {"first", "second"}
    assert not does_match(bundle, fact)
    assert does_match(bundle, fact, enabled=frozenset({"off"}))


@pytest.mark.parametrize(
    ("status", "action", "verdict"),
    [
        ("stable", "block", Verdict.BLOCK),
        ("test", "block", Verdict.WARN),
        ("experimental", "block", Verdict.OBSERVE),
        ("stable", "warn", Verdict.WARN),
        ("test", "observe", Verdict.OBSERVE),
    ],
)
def test_the_status_is_a_ceiling(tmp_path: Path, status: str, action: str, verdict: Verdict) -> None:
    bundle = bundle_of(tmp_path, rule(status=status, action=action))
    (finding,) = matches(bundle, ("repository", "github.com/zorblatt/quuxinator")).findings
    assert finding.verdict is verdict


@pytest.mark.parametrize(
    ("scope", "where", "expected"),
    [
        (["group:students"], Where(groups=("staff", "students")), True),
        (["group:students"], Where(groups=("staff",)), False),
        (["group:students", "server:gpu"], Where(server="gpu"), True),
        (["image:course-*"], Where(image="course-101:2"), True),
        (["image:course-*"], Where(image="my-course-101"), False),
        (["image:*/x*y:*"], Where(image="registry/xay:1"), True),
        (["image:a*a"], Where(image="a"), False),
        (["kernel:*"], Where(), False),
        (["kernel:python3"], Where(kernel="python3"), True),
    ],
)
def test_scope(tmp_path: Path, scope: list[str], where: Where, expected: bool) -> None:
    bundle = bundle_of(tmp_path, rule(scope=scope))
    assert does_match(bundle, ("repository", "github.com/zorblatt/quuxinator"), where=where) is expected


def test_a_roll_out_is_stable_and_grows(tmp_path: Path) -> None:
    fact = ("repository", "github.com/zorblatt/quuxinator")
    wheres = [Where(server=f"server-{number}") for number in range(300)]
    reached: dict[int, set[str]] = {}
    for share in (0, 30, 60, 100):
        bundle = bundle_of(tmp_path / str(share), rule(rollout=share))
        reached[share] = {where.server for where in wheres if does_match(bundle, fact, where=where)}
    assert (len(reached[0]), len(reached[100])) == (0, 300)
    assert reached[30] < reached[60]
    assert 60 < len(reached[30]) < 120
    assert share_of("a", "b") == share_of("a", "b")


def test_a_roll_out_reaches_some_users_where_all_servers_have_the_same_name(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, rule(rollout=30))
    fact = ("repository", "github.com/zorblatt/quuxinator")
    reached = sum(does_match(bundle, fact, where=Where(user=f"user-{number}")) for number in range(300))
    assert 60 < reached < 120


@pytest.mark.parametrize(
    ("exemption", "exempted"),
    [
        (Exemption("user:ada", "*", 2000.0), True),
        (Exemption("group:staff", "clause:first", 2000.0), True),
        (Exemption("user:ada", "clause:second", 2000.0), False),
        (Exemption("user:bob", "*", 2000.0), False),
        (Exemption("user:", "*", 2000.0), False),
        (Exemption("user:ada", "*", 1000.0), False),  # now is 1000: over
    ],
)
def test_exemptions(tmp_path: Path, exemption: Exemption, exempted: bool) -> None:
    bundle = bundle_of(tmp_path, rule())
    where = Where(user="ada", groups=("staff",))
    fact = ("repository", "github.com/zorblatt/quuxinator")
    found = matches(bundle, fact, where=where, exemptions=[exemption])
    assert found.exempted is exempted
    assert bool(found.findings) is not exempted


def test_nobody_is_not_exempt_by_an_empty_name(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, rule())
    found = matches(
        bundle, ("repository", "github.com/zorblatt/quuxinator"), exemptions=[Exemption("user:", "*", 9e9)]
    )
    assert found.findings


def test_an_exemption_is_from_one_rule_only(tmp_path: Path) -> None:
    first, second = rule("one-rule"), rule("two-rule")
    bundle = bundle_of(tmp_path, first, second)
    fact = ("repository", "github.com/zorblatt/quuxinator")
    exemption = Exemption("user:ada", f"rule:{first['id']}", 2000.0)
    found = matches(bundle, fact, where=Where(user="ada"), exemptions=[exemption])
    assert [finding.rule for finding in found.findings] == [second["id"]]
    assert found.exempted


# --- precedence ---

EXACT, TOKENS, PRINT = "exact:" + "0" * 64, "tokens:" + "1" * 64, " ".join(f"{n:016x}" for n in range(10))
GROUNDS = {
    "exact digest": {"digest": EXACT},
    "normalised digest": {"digest": TOKENS},
    "fingerprint": {"fingerprint": PRINT},
    "fact rule": {"command": "zorb"},
}
CELL = (("digest", EXACT), ("digest", TOKENS), ("fingerprint", PRINT), ("command", "zorb"))


@pytest.mark.parametrize("vetted", list(GROUNDS)[:3])
@pytest.mark.parametrize("forbidden", list(GROUNDS))
def test_a_vetting_overrides_what_is_less_specific_only(tmp_path: Path, vetted: str, forbidden: str) -> None:
    allow = detecting("allowed", one=GROUNDS[vetted]) | {"action": "allow"}
    block = detecting("blocked", one=GROUNDS[forbidden])
    found = matches(bundle_of(tmp_path, allow, block), *CELL)
    overridden = list(GROUNDS).index(vetted) < list(GROUNDS).index(forbidden)
    assert bool(found.findings) is not overridden
    assert found.vetted == (allow["id"] if overridden else "")


def test_an_exemption_comes_before_a_digest(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, detecting("blocked", one=GROUNDS["exact digest"]))
    exemption = Exemption("user:ada", "*", 2000.0)
    assert not matches(bundle, *CELL, where=Where(user="ada"), exemptions=[exemption]).findings


def test_a_vetting_holds_within_its_scope_only(tmp_path: Path) -> None:
    allow = detecting("allowed", one=GROUNDS["exact digest"]) | {"action": "allow", "scope": ["group:staff"]}
    bundle = bundle_of(tmp_path, allow, detecting("blocked", one=GROUNDS["fact rule"]))
    assert not matches(bundle, *CELL, where=Where(groups=("staff",))).findings
    assert matches(bundle, *CELL).findings


def test_a_vetting_without_a_breach_finds_nothing(tmp_path: Path) -> None:
    allow = detecting("allowed", one=GROUNDS["exact digest"]) | {"action": "allow"}
    found = matches(bundle_of(tmp_path, allow), *CELL)
    assert (found.findings, found.vetted) == ((), "")


# --- findings ---


def test_the_strictest_finding_comes_first_and_order_is_stable(tmp_path: Path) -> None:
    bundle = bundle_of(
        tmp_path,
        rule("observes", action="observe", title="observed"),
        rule("warns", action="warn", title="warned"),
        rule("blocks-low", level="low", title="blocked low"),
        rule("blocks", level="critical", title="blocked"),
    )
    fact = ("repository", "github.com/zorblatt/quuxinator")
    assert titles(matches(bundle, fact)) == ["blocked", "blocked low", "warned", "observed"]
    assert matches(bundle, fact, fact) == matches(bundle, fact, fact)


def test_the_most_telling_fact_comes_first(tmp_path: Path) -> None:
    bundle = bundle_of(
        tmp_path,
        detecting("one-rule", one={"host": "h.example", "argument": "zorb -x", "package": "pypi:zorb"}),
    )
    held = [("host", "h.example"), ("argument", "zorb -x"), ("package", "pypi:zorb")]
    for order in itertools.permutations(held):
        (finding,) = matches(bundle, *order).findings
        assert [fact.kind for fact in finding.facts] == ["package", "host", "argument"]


def test_facts_of_a_part_that_did_not_hold_are_not_shown(tmp_path: Path) -> None:
    selections = {"a": {"command": "aa"}, "b": {"file": "bb"}, "c": {"host": "cc"}}
    bundle = bundle_of(tmp_path, detecting("one-rule", "(a and b) or c", **selections))
    (finding,) = matches(bundle, ("command", "aa"), ("host", "cc")).findings
    assert [fact.kind for fact in finding.facts] == ["host"]


def test_many_equal_facts_make_one_short_finding(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, rule())
    found = matches(bundle, *[("repository", "github.com/zorblatt/quuxinator")] * 500)
    (finding,) = found.findings
    assert len(finding.facts) <= 16


def test_a_long_list_is_one_predicate(tmp_path: Path) -> None:
    values = [f"pypi:zorb{number}" for number in range(5000)]
    policy = policy_of(tmp_path, detecting("one-rule", one={"package": values}))
    bundle = Bundle.from_bytes(encode(policy))
    assert bundle.indicator_count == 5000
    assert {bundle.predicates("package", value) for value in values} == {(0,)}


def test_rules_that_ask_the_same_share_a_predicate(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, rule("one-rule"), rule("two-rule"))
    (number,) = bundle.predicates("repository", "github.com/zorblatt/quuxinator")
    assert len(bundle.rules_of(number)) == 2


def test_a_common_command_does_not_try_all_rules_that_mention_it(tmp_path: Path) -> None:
    rules = [
        detecting(f"rule-{number}", one={"command": "python", "argument": f"python zorb{number}.py"})
        for number in range(50)
    ]
    bundle = bundle_of(tmp_path, *rules)
    common, rare = bundle.predicates("command", "python"), bundle.predicates("argument", "python zorb7.py")
    assert [len(bundle.rules_of(number)) for number in common] == [0]
    assert [len(bundle.rules_of(number)) for number in rare] == [1]
    assert does_match(bundle, ("command", "python"), ("argument", "python zorb7.py"))
