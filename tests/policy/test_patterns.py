"""Patterns whose cost is bounded are allowed, and only those."""

from __future__ import annotations

import time

import pytest

from jupyter_tos_guard.policy.patterns import (
    MAX_SEARCHED,
    MAX_WAYS,
    PatternError,
    compile_pattern,
    literals,
    pattern_ways,
)


@pytest.mark.parametrize(
    ("pattern", "ways"),
    [
        ("abc", 1),
        ("[a-z]{3}", 1),
        ("[0-9]{1,5}", 5),
        ("a?b?", 4),
        (".*x", 512),
        ("(?:a|b|cd)", 3),
        ("(?:[0-9]{1,3}[.]){3}", 27),
        ("(?:ab|cd){2}", 4),
        ("^-R [0-9]{2,5}:[^ ]{1,60}:[0-9]{2,5}$", 960),
        ("(?-i:-L)", 1),
        ("[0-9]{1,2}|x", 3),
    ],
)
def test_ways_are_counted(pattern: str, ways: int) -> None:
    assert pattern_ways(pattern) == ways
    assert compile_pattern(pattern).pattern == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+", "(a*)*", "(a|a)*b", "(?:a+b?)*", ".*.*", "(.*)x(.*)", "(a{1,9}){9}", "(?:aa|bb|cc|dd){6}",
        r"(a)\1", "(?P<n>a)(?P=n)", "(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", "(a)?(?(1)b|c)",
        "(?:)*", "(?:a?){3}", "(a", "[", "*", "a{1001}" * 80, "(" * 400,
        "é", "[\\u0000-\\U0010ffff]", "[^\\u0100]",
    ],
)  # fmt: skip
def test_what_may_cost_more_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["[ab]{1,40}[a]{1,45}x", ".*[0-9]{1,4}x", "(?:a|b|ab|ba){5}x", "a?" * 11 + "a" * 11]
)
def test_the_worst_allowed_pattern_is_quick_on_the_worst_text(pattern: str) -> None:
    assert pattern_ways(pattern) <= MAX_WAYS
    compiled = compile_pattern(pattern)
    begun = time.perf_counter()
    compiled.search("ab" * (MAX_SEARCHED // 2))
    compiled.search("a" * MAX_SEARCHED)
    assert time.perf_counter() - begun < 0.5


def test_literal_runs_are_found_in_every_part() -> None:
    assert literals("ab(?:cd|(ef)){2}g[hi]j") == ["ab", "cd", "ef", "g", "j"]
