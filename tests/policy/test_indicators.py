"""A rule's key and a fact's keys meet exactly when the documentation says so."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_tos_guard.inspection.facts import HOLE, Kind
from jupyter_tos_guard.policy.indicators import (
    BOUNDARIES,
    MAX_VALUE,
    MAX_WORDS,
    Modifier,
    Present,
    fact_keys,
    fold,
    rule_key,
    words,
)

EVERYTHING = Present(MAX_VALUE, MAX_VALUE, MAX_VALUE, MAX_VALUE, tuple(range(1, MAX_WORDS + 1)))
TEXT = st.text(alphabet="abA1-./: _=" + HOLE, min_size=1, max_size=14)
KINDS = st.sampled_from([Kind.REPOSITORY, Kind.URL, Kind.MODULE, Kind.ARGUMENT])


@given(KINDS, TEXT, TEXT)
def test_exact(kind: Kind, value: str, fact: str) -> None:
    expected = fold(kind, fact) == fold(kind, value)
    if kind is Kind.MODULE:
        expected = expected or fact.lower().startswith(value.lower() + ".")
    if kind is Kind.ARGUMENT and value.startswith("* ") and " " in fact:
        expected = expected or fold(kind, fact).partition(" ")[2] == fold(kind, value)[2:]
    assert meets(kind, Modifier.EXACT, value, fact) is expected


@given(KINDS, TEXT.filter(lambda text: text[-1] in BOUNDARIES), TEXT)
def test_startswith(kind: Kind, value: str, fact: str) -> None:
    assert meets(kind, Modifier.STARTSWITH, value, fact) is fold(kind, fact).startswith(fold(kind, value))


@given(KINDS, TEXT.filter(lambda text: text[0] in BOUNDARIES), TEXT)
def test_endswith(kind: Kind, value: str, fact: str) -> None:
    # Both are folded as wholes: what follows a space is one word in the fact, and so in the value.
    if kind is not Kind.ARGUMENT:
        assert meets(kind, Modifier.ENDSWITH, value, fact) is fact.lower().endswith(value.lower())


@given(KINDS, TEXT.filter(lambda text: 1 <= len(words(text)) <= MAX_WORDS and HOLE not in text), TEXT)
def test_contains(kind: Kind, value: str, fact: str) -> None:
    wanted = words(value)
    expected = any(
        run[start : start + len(wanted)] == wanted
        for run in map(words, fact.split(HOLE))
        for start in range(len(run))
    )
    assert meets(kind, Modifier.CONTAINS, value, fact) is expected


@given(KINDS, TEXT)
def test_a_key_that_no_rule_can_have_asked_for_is_not_derived(kind: Kind, fact: str) -> None:
    assert list(fact_keys(kind, fact, Present())) == []
    for modifier, key in fact_keys(kind, fact, Present(3, 3, 3, 3, (1,))):
        assert len(key) <= 3, (modifier, key)


def meets(kind: Kind, modifier: Modifier, value: str, fact: str) -> bool:
    return (modifier, rule_key(kind, modifier, value)) in set(fact_keys(kind, fact, EVERYTHING))
