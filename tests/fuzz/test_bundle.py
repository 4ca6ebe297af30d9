"""Any bytes whatever as a bundle: refused, or usable, but nothing else."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from jupyter_tos_guard.inspection.facts import Fact, Kind, Span
from jupyter_tos_guard.policy.bundle import Bundle, BundleError
from jupyter_tos_guard.policy.compile import compile_policy
from jupyter_tos_guard.policy.matching import match
from jupyter_tos_guard.policy.model import Where

EXAMPLE = Path(__file__).parents[2] / "examples" / "policy"
FACTS = [
    Fact(kind, value, Span(1, 0, 1, 1))
    for kind in Kind
    for value in ("github.com/xmrig/xmrig", "xmrig", "stratum+tcp://a:1", "a.b.c", "00ff 12ab")
]


@cache
def good() -> bytes:
    return compile_policy(EXAMPLE)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good bundle with bytes changed, cut, repeated or put in."""
    data = bytearray(good())
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=8))
            case 1:
                del data[at : at + draw(st.integers(1, 64))]
            case 2:
                data[at:at] = data[at : at + draw(st.integers(1, 64))]
            case _:
                data[at : at + 8] = draw(st.integers(0, 2**64 - 1)).to_bytes(8, "little")
    return bytes(data)


@given(st.one_of(st.binary(max_size=4000), damaged()))
def test_bytes_are_a_usable_bundle_or_are_refused_with_a_named_state(data: bytes) -> None:
    state = use(data)
    assert state in ("usable", "corrupt", "unsupported")


def use(data: bytes) -> str:
    """Do with a bundle what a guard does; the state that it is in."""
    try:
        bundle = Bundle.from_bytes(data)
        clauses = frozenset(clause.id for clause in bundle.terms.clauses)
        match(bundle, FACTS, where=Where(), now=0.0, enabled=clauses)
        for rule in range(min(bundle.rule_count, 100)):
            bundle.info(rule)
    except BundleError as error:
        return error.state
    return "usable"
