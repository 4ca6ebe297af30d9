"""Damaged and forged bundles: a BundleError or an answer, soon, and nothing else."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_tos_guard.inspection.facts import Kind
from jupyter_tos_guard.policy import layout
from jupyter_tos_guard.policy.bundle import Bundle, BundleError
from jupyter_tos_guard.policy.compile import encode
from jupyter_tos_guard.policy.layout import Section
from tests.policy.policies import detecting, matches, policy_of, rule

CELL = (
    ("repository", "github.com/zorblatt/quuxinator"),
    ("module", "frobnitz.deep.er"),
    ("call", "frobnitz.run"),
    ("argument", "frobnitz -p 333"),
    ("command", "frobnitz"),
    ("host", "a.wobbleton.example"),
    ("package", "pypi:grumble-thwack"),
    ("digest", "exact:" + "0" * 64),
    ("fingerprint", "0000000000000001 0000000000000002"),
    ("opaque", "exec-unknown"),
)


@cache
def good() -> bytes:
    """A small bundle with every section in use."""
    return encode(
        policy_of(
            Path(mkdtemp()),
            rule(),
            detecting(
                "modules",
                "(a and b) or c or not d and a",
                a={"module": "frobnitz.deep", "call|startswith": "frobnitz."},
                b={"argument": ["frobnitz --mine=wibblehash", "* --wibblecoin"]},
                c={"host|endswith": ".wobbleton.example"},
                d={"argument|re": "-p [0-9]{2,4}"},
            )
            | {"window": "kernel"},
            detecting(
                "digests",
                "1 of them",
                a={"digest": "exact:" + "0" * 64},
                b={"fingerprint": "1 2 3 4 5 6 7 8"},
            ),
            detecting("words", one={"package|contains": "grumble thwack"}),
        )
    )


def sections_of(data: bytes) -> dict[Section, bytes]:
    bundle = Bundle.from_bytes(data)
    return {section: bytes(bundle._section(section)) for section in Section}


def forged(**changes: bytes) -> bytes:
    """Replace sections and make all checksums right, as whoever forges a bundle would."""
    from jupyter_tos_guard.policy.compile import _assemble

    parts = sections_of(good()) | {Section[name.upper()]: data for name, data in changes.items()}
    return _assemble(bytes(range(16)), parts)


def resealed(data: bytes) -> bytes:
    """Make the checksums of damaged bytes right, as far as there is a header."""
    table_end = layout.HEADER.size + layout.SECTION.size * len(Section)
    if len(data) < table_end:
        return data
    table = data[layout.HEADER.size : table_end]
    offset, size = layout.SECTION.unpack_from(table)
    fields = list(layout.HEADER.unpack_from(data))
    fields[4], fields[5], fields[6] = len(data), bytes(16), blake2b(data[table_end:], digest_size=32).digest()
    header = layout.HEADER.pack(*fields)
    meta = data[offset : offset + size] if offset + size <= len(data) else b""
    checksum = layout.header_checksum(header, table, meta)
    return header[:40] + checksum + header[56:] + data[table_end - len(table) :]


def use_everything(data: bytes) -> None:
    """Open and ask all there is to ask; each question may find damage."""
    with suppress(BundleError):
        bundle = Bundle.from_bytes(data)
        questions: list[Callable[[], object]] = [
            lambda: matches(bundle, *CELL),
            lambda: matches(bundle, *CELL, earlier=frozenset(range(20))),
            lambda: [bundle.info(number) for number in range(min(bundle.rule_count, 50))],
            lambda: bundle.interesting_module("frobnitz"),
            bundle.verify,
        ]
        for ask in questions:
            with suppress(BundleError):
                ask()


def survives(data: bytes) -> None:
    """Nothing but a BundleError comes out, soon."""
    begun = time.perf_counter()
    use_everything(data)
    assert time.perf_counter() - begun < 5


FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FUZZ
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=8), st.booleans())
def test_flipped_bytes(flips: list[tuple[int, int]], seal: bool) -> None:
    data = bytearray(good())
    for place, value in flips:
        data[place % len(data)] = value
    survives(resealed(bytes(data)) if seal else bytes(data))


@FUZZ
@given(st.integers(0, 5000), st.binary(max_size=40), st.booleans())
def test_cut_off_and_appended(length: int, tail: bytes, seal: bool) -> None:
    data = good()[: length % (len(good()) + 1)] + tail
    survives(resealed(data) if seal else data)


@FUZZ
@given(
    st.sampled_from([section for section in Section if layout.ELEMENT[section] == 4]),
    st.lists(
        st.tuples(
            st.integers(0, 400), st.sampled_from([0, 1, 2, 7, 255, 2**16, 2**28, 2**29 + 5, 2**31, 2**32 - 1])
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_forged_tables(section: Section, changes: list[tuple[int, int]]) -> None:
    data = bytearray(sections_of(good())[section])
    for place, value in changes:
        if data:
            struct.pack_into("<I", data, place % (len(data) // 4) * 4, value)
    survives(forged(**{section.name: bytes(data)}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@FUZZ
@given(st.sampled_from(sorted(json.loads(sections_of(good())[Section.META]))), JSON)
def test_forged_descriptions(key: str, value: Any) -> None:
    meta = json.loads(sections_of(good())[Section.META])
    meta[key] = value
    survives(forged(meta=json.dumps(meta).encode()))


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    survives(data)
    survives(layout.MAGIC + data)


# --- attacks by name ---


def _patterns(patterns: Any) -> bytes:
    return layout.mask(json.dumps(patterns).encode(), bytes(range(16)))


def _u32(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def _all_targets_alike() -> dict[str, bytes]:
    """Every rule's condition is the whole table: rules times codes."""
    count = 4000
    meta = json.loads(sections_of(good())[Section.META])
    predicates = meta["predicates"]
    meta["rules"] = count
    codes = [0] + [layout.ALL << layout.SHIFT | 1] * 3000
    infos = sections_of(good())[Section.INFOS]
    info_end = struct.unpack("<5I", sections_of(good())[Section.INFO_STARTS])[1]
    return {
        "meta": json.dumps(meta).encode(),
        "anchor_starts": _u32(0, *[count] * predicates),
        "anchors": _u32(*range(count)),
        "condition_starts": _u32(*[0] * count, len(codes)),
        "conditions": _u32(*codes),
        "info_starts": _u32(*[0] * count, info_end),
        "infos": infos,
    }


ATTACKS: dict[str, Callable[[], dict[str, bytes]]] = {
    "a pattern that backtracks for ever": lambda: {"patterns": _patterns([["argument", 0, "(a+)+$"]])},
    "a pattern that takes minutes to compile": lambda: {
        "patterns": _patterns([["argument", 0, "[\\u0000-\\U0010ffff]" * 20]] * 500)
    },
    "a million patterns": lambda: {"patterns": _patterns([["argument", 0, "a"]] * 200_000)},
    "patterns that are deep JSON": lambda: {"patterns": layout.mask(b"[" * 100_000, bytes(range(16)))},
    "a description that is deep JSON": lambda: {"meta": b"[" * 100_000},
    "a description that is huge": lambda: {"meta": b" " * (layout.MAX_META + 1)},
    "buckets that point outside": lambda: {
        "buckets": _u32(*range(0, 100_000 * len(sections_of(good())[Section.BUCKETS]) // 4, 100_000))
    },
    "all rules tried for all facts": _all_targets_alike,
    "fewer targets than digests": lambda: {"targets": sections_of(good())[Section.TARGETS][:-8]},
    "conditions that end before they start": lambda: {"condition_starts": _u32(9, 7, 5, 3, 1)},
    "anchors beyond their table": lambda: {
        "anchor_starts": _u32(*range(0, 2 * len(sections_of(good())[Section.ANCHOR_STARTS]), 8))
    },
    "a condition that pops too much": lambda: {
        "conditions": _u32(
            *[layout.ANY << layout.SHIFT | 5] * (len(sections_of(good())[Section.CONDITIONS]) // 4)
        )
    },
    "a condition that pops nothing": lambda: {
        "conditions": _u32(
            *[layout.ALL << layout.SHIFT] * (len(sections_of(good())[Section.CONDITIONS]) // 4)
        )
    },
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attack(attack: str) -> None:
    data = forged(**ATTACKS[attack]())
    begun = time.perf_counter()
    with pytest.raises(BundleError) as caught:
        matches(Bundle.from_bytes(data), *CELL)
    assert caught.value.state == "corrupt"
    assert time.perf_counter() - begun < 2


def test_the_forger_of_these_tests_can_make_a_good_bundle() -> None:
    assert forged() == good()
    assert resealed(good()) == good()
    assert matches(Bundle.from_bytes(forged()), *CELL).findings


# --- named states ---


def test_an_empty_file_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    with pytest.raises(BundleError, match="empty") as caught:
        Bundle.open(path)
    assert caught.value.state == "corrupt"


def test_a_missing_file_is_no_bundle_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Bundle.open(tmp_path / "missing")


def test_a_newer_format_is_unsupported_and_says_so() -> None:
    data = bytearray(good())
    struct.pack_into("<I", data, 8, layout.VERSION + 1)
    with pytest.raises(BundleError, match="format 2, this program reads 1") as caught:
        Bundle.from_bytes(bytes(data))
    assert caught.value.state == "unsupported"


def test_a_truncated_download_does_not_open() -> None:
    for length in range(0, len(good()), 7):
        with pytest.raises(BundleError):
            Bundle.from_bytes(good()[:length])


def test_a_changed_byte_anywhere_is_found_by_verify() -> None:
    for place in range(0, len(good()), 3):
        data = bytearray(good())
        data[place] ^= 0x55
        with pytest.raises(BundleError):
            Bundle.from_bytes(bytes(data)).verify()


def test_a_file_saved_as_text_does_not_open() -> None:
    with pytest.raises(BundleError):
        Bundle.from_bytes(good().replace(b"\r\n", b"\n"))


def test_all_kinds_are_in_the_format() -> None:
    assert set(layout.KIND_NUMBERS) == {kind.value for kind in Kind}
