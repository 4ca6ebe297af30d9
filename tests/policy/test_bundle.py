"""Compiling and opening: deterministic, secret, small, and bounded in what it costs."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_tos_guard.inspection.facts import Kind
from jupyter_tos_guard.policy import layout
from jupyter_tos_guard.policy.bundle import MEMORY, Bundle, BundleError
from jupyter_tos_guard.policy.compile import compile_policy, encode, main
from jupyter_tos_guard.policy.document import PolicyError
from jupyter_tos_guard.policy.lint import names_of
from jupyter_tos_guard.policy.model import Ladder, Mode
from jupyter_tos_guard.policy.rules import Policy, load_policy, predicates_of
from tests.policy.policies import bundle_of, detecting, does_match, policy_of, rule, write

FACT = ("repository", "github.com/zorblatt/quuxinator")


@pytest.fixture
def rich(tmp_path: Path) -> Policy:
    """A policy with every kind of predicate."""
    return policy_of(
        tmp_path / "rich",
        rule(scope=["group:students"], references=["https://example.org/secretreference"]),
        detecting(
            "modules",
            "(a and b) or c or d",
            a={"module": "frobnitz.deep", "call|startswith": "frobnitz."},
            b={"argument": ["frobnitz --mine=wibblehash", "* --wibblecoin"]},
            c={"host|endswith": ".wobbleton.example", "url|startswith": "stratum+tcp://wobbleton.example/"},
            d={"argument|re": "-p [0-9]{2,4}", "command": "frobnitz"},
        )
        | {"window": "kernel"},
        detecting(
            "digests",
            "1 of them",
            a={"digest": "shape:" + "c" * 64},
            b={"fingerprint": "ab " * 3 + "1 2 3 4 5 6 7"},
        ),
        detecting("words", one={"package|contains": ["grumble thwack", "snorkelwort"]}, clause="second"),
    )


# --- round trip ---


def test_what_a_policy_says_of_itself_is_there(rich: Policy) -> None:
    bundle = Bundle.from_bytes(encode(replace(rich, ladder=Ladder(expire_days=7), mode=Mode.MONITOR)))
    assert (bundle.id, bundle.name, bundle.version) == ("test", "Test policy", "2026.1")
    assert bundle.mode is Mode.MONITOR
    assert bundle.ladder == Ladder(expire_days=7)
    assert bundle.terms == rich.terms
    assert bundle.rule_count == 4
    bundle.verify()


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, rich: Policy) -> None:
    shuffled = list(rich.rules)
    random.Random(1).shuffle(shuffled)
    assert encode(replace(rich, rules=tuple(shuffled))) == encode(rich)
    folder = write(tmp_path / "twice", rule(), rule("another", clause="second"))
    program = (
        "import sys, pathlib; from jupyter_tos_guard.policy.compile import compile_policy as c;"
        "sys.stdout.buffer.write(c(pathlib.Path(sys.argv[1])))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program, str(folder)],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {compile_policy(folder)}


def test_another_salt_gives_other_digests(rich: Policy) -> None:
    other = replace(rich, salt=bytes(16))
    assert not set(_digests(encode(rich))) & set(_digests(encode(other)))


def _digests(data: bytes) -> list[int]:
    return list(Bundle.from_bytes(data)._digests)


def test_it_matches_from_a_file_as_from_memory(tmp_path: Path, rich: Policy) -> None:
    path = tmp_path / "p.bundle"
    path.write_bytes(encode(rich))
    with Bundle.open(path) as bundle:
        assert bundle.predicates(*FACT) == Bundle.from_bytes(encode(rich)).predicates(*FACT) != ()


def test_a_closed_bundle_lets_go_of_its_file(tmp_path: Path, rich: Policy) -> None:
    path = tmp_path / "p.bundle"
    path.write_bytes(encode(rich))
    bundle = Bundle.open(path)
    bundle.predicates(*FACT)
    bundle.close()
    with pytest.raises(ValueError, match="released"):
        bundle.predicates("repository", "github.com/never/asked")


def test_a_replaced_file_does_not_disturb_who_has_it_open(tmp_path: Path, rich: Policy) -> None:
    path = tmp_path / "p.bundle"
    path.write_bytes(encode(rich))
    with Bundle.open(path) as bundle:
        (tmp_path / "next").write_bytes(b"")
        (tmp_path / "next").rename(path)
        assert bundle.predicates(*FACT)


def test_only_a_folder_without_errors_compiles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "bad", rule(clause="third"))
    with pytest.raises(PolicyError) as caught:
        compile_policy(folder)
    assert "rules/third/toolkit-fetched.yml" in str(caught.value)
    assert main([str(folder), str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()
    assert "rules/third" in capsys.readouterr().err
    assert main([str(write(tmp_path / "good", rule())), str(tmp_path / "out")]) == 0
    Bundle.open(tmp_path / "out").verify()


# --- what inspection asks ---


def test_only_kinds_that_rules_ask_about_are_there(rich: Policy) -> None:
    bundle = Bundle.from_bytes(encode(rich))
    assert {kind for kind in Kind if bundle.has(kind)} == set(Kind) - {Kind.FILE, Kind.OPAQUE}


def test_modules_under_the_root_of_a_module_or_call_are_interesting(rich: Policy) -> None:
    bundle = Bundle.from_bytes(encode(rich))
    assert bundle.interesting_module("frobnitz")
    assert bundle.interesting_module("Frobnitz.other")
    assert not bundle.interesting_module("numpy")


def test_every_module_is_interesting_when_a_rule_asks_for_their_ends(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, detecting("one-rule", one={"call|endswith": ".frobnicate"}))
    assert bundle.interesting_module("numpy")


# --- secrecy ---


def read_words(data: bytes) -> set[str]:
    """All names that a reader can make out, also those written apart."""
    found = re.findall(r"[a-z0-9]+", data.lower().decode("latin-1"))
    return {
        "".join(found[start : start + count])
        for count in range(1, 6)
        for start in range(len(found))
        if count == 1 or min(map(len, found[start : start + count])) >= 3
    }


def assert_secret(policy: Policy, data: bytes) -> int:
    """No value of a rule, nor a name in one, is to be read in the bundle."""
    readable = read_words(data)
    lowered = data.lower()
    blank = replace(policy, rules=tuple(replace(each, title="", message="") for each in policy.rules[:9]))
    public = read_words(repr(policy.terms).encode()) | read_words(
        encode(blank)
    )  # the terms; the format's words
    searched = 0
    for each in policy.rules:
        for predicate in predicates_of(each.condition):
            names = {name.replace(" ", "") for name in names_of(predicate)}
            for name in names:
                assert name not in readable or {name, name + "s"} & public, (each.path, name)
            for value in (*predicate.values, *predicate.written):
                # Words were searched for above, if they are names; short values occur by chance.
                if len(value) > 8 and not value.replace(" ", "").isalpha():
                    assert value.lower().encode() not in lowered, (each.path, value)
            searched += len(names) + len(predicate.values)
        for hidden in (each.description, *each.references):
            assert hidden.lower().encode() not in lowered, (each.path, hidden)
    return searched


def test_nobody_who_reads_a_bundle_finds_a_name(rich: Policy) -> None:
    assert assert_secret(rich, encode(rich)) > 15


def test_the_search_for_names_would_find_one(rich: Policy) -> None:
    leaking = replace(rich, rules=(replace(rich.rules[0], title="Quuxinator"), *rich.rules[1:]))
    leaking = replace(leaking, rules=tuple(replace(each, title="Quuxinator") for each in leaking.rules))
    with pytest.raises(AssertionError, match="quuxinator"):
        assert_secret(leaking, encode(leaking))


DEFAULT = Path(__file__).parents[2] / "jupyter_tos_guard" / "policy" / "default"


@pytest.mark.skipif(not (DEFAULT / "policy.yml").exists(), reason="the default pack is not in this tree")
def test_nobody_who_reads_the_default_policy_finds_a_name() -> None:
    policy, _ = load_policy(DEFAULT)
    assert policy is not None
    assert assert_secret(policy, compile_policy(DEFAULT)) > 500


# --- cost ---


def test_opening_and_asking_do_not_read_the_tables(tmp_path: Path) -> None:
    """A bundle of which all but the asked pages are damaged opens and answers."""
    policy = policy_of(
        tmp_path, detecting("one-rule", one={"package": [f"pypi:zorb{n}" for n in range(20_000)]})
    )
    data = bytearray(encode(policy))
    offset, size = Bundle.from_bytes(bytes(data))._sections[layout.Section.DIGESTS]
    data[offset : offset + size] = bytes(size)
    bundle = Bundle.from_bytes(bytes(data))
    assert bundle.predicates("package", "pypi:zorb1") == ()
    with pytest.raises(BundleError):
        bundle.verify()


def test_memory_of_answers_is_bounded(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, rule())
    for number in range(3 * MEMORY):
        bundle.predicates("repository", f"github.com/x/{number}")
        bundle.interesting_module(f"module{number}")
    bundle.predicates("repository", "x" * 100_000)
    assert len(bundle._memory) <= MEMORY
    assert len(bundle._roots) <= MEMORY
    assert max(map(len, bundle._memory)) <= 300
    assert does_match(bundle, FACT)


def test_a_huge_value_derives_few_keys(tmp_path: Path) -> None:
    bundle = bundle_of(
        tmp_path,
        detecting(
            "one-rule",
            one=[
                {"url|contains": ["quux inator"]},
                {"url|startswith": "https://quux/"},
                {"url|endswith": "/quux"},
            ],
        ),
    )
    asked = 0
    original = bundle._targets_of

    def counting(hasher: object, key: str) -> object:
        nonlocal asked
        asked += 1
        return original(hasher, key)

    bundle._targets_of = counting  # type: ignore[method-assign, assignment]
    bundle.predicates("url", "https://x/" + "a/b-" * 250_000)
    assert asked < 10_000


def test_the_kernel_loads_nothing_heavy_for_it() -> None:
    program = (
        "import sys, jupyter_tos_guard.policy.matching as m;"
        "print(sorted({'sigma', 'yaml', 'pyparsing', 'hypothesis', 'asyncio'} & set(sys.modules)))"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == "[]"
