"""The bundle's byte layout, shared by its writer and its reader (``docs/bundle-format.md``).

All integers are little-endian. The layout is versioned as a whole: a reader
refuses any other version.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from hashlib import blake2b
from typing import Final

from jupyter_tos_guard.policy.indicators import KINDS, Modifier

MAGIC: Final = b"\x89TOSB\r\n\x1a"
VERSION: Final = 1

#: magic, version, number of sections, salt, length of the file, checksum of the
#: header (this struct with the field zeroed, the section table, and META), checksum
#: of everything after the section table.
HEADER: Final = struct.Struct("<8sII16sQ16s32s")
HEADER_CHECKSUM: Final = slice(40, 56)
SECTION: Final = struct.Struct("<QQ")


class Section(IntEnum):
    """Sections in file order; each starts at a multiple of 8."""

    META = 0  # JSON: policy, terms, ladder, what is present, counts
    BUCKETS = 1  # u32: first digest whose top bits are at least the index
    DIGESTS = 2  # u64, ascending
    TARGETS = 3  # u32, parallel: predicate, or group of a fingerprint
    GROUPS = 4  # u32 pairs: predicate, how many hashes are needed
    ANCHOR_STARTS = 5  # u32: where a predicate's rules start
    ANCHORS = 6  # u32: rules to be tried when the predicate holds
    CONDITION_STARTS = 7  # u32: where a rule's condition starts
    CONDITIONS = 8  # u32: postfix codes
    INFO_STARTS = 9  # u32: where a rule's description starts
    INFOS = 10  # JSON, one after the other
    PATTERNS = 11  # JSON under a keystream: [kind, predicate, pattern]


#: Bytes per element, 1 for bytes.
ELEMENT: Final = {
    Section.META: 1,
    Section.DIGESTS: 8,
    Section.INFOS: 1,
    Section.PATTERNS: 1,
} | dict.fromkeys(
    (
        Section.BUCKETS,
        Section.TARGETS,
        Section.GROUPS,
        Section.ANCHOR_STARTS,
        Section.ANCHORS,
        Section.CONDITION_STARTS,
        Section.CONDITIONS,
        Section.INFO_STARTS,
    ),
    4,
)

# Postfix codes: the operator in the top four bits, its operand below.
HOLDS: Final = 0  # push: predicate holds
LACKS: Final = 1  # push: predicate does not hold
ALL: Final = 2  # pop n, push their conjunction
ANY: Final = 3  # pop n, push their disjunction
SHIFT: Final = 28
OPERAND: Final = (1 << SHIFT) - 1

MAX_META: Final = 4 << 20
MAX_INFO: Final = 64 << 10
#: Predicates that may share one value.
MAX_SHARED: Final = 1 << 16
#: Codes of one condition.
MAX_CODES: Final = 4_096


def hasher(salt: bytes, kind_number: int, modifier: Modifier) -> blake2b:
    """Return the state to copy and feed with a key, to get its 8-byte digest.

    BLAKE2b's own salt and personalisation fields carry the policy's salt and the
    domain: unlike a MAC key they cost no extra block, which halves the look-up.
    """
    return blake2b(digest_size=8, salt=salt, person=bytes((kind_number + 1, modifier + 1)))


KIND_NUMBERS: Final = {kind.value: number for number, kind in enumerate(KINDS)}


def mask(data: bytes, salt: bytes) -> bytes:
    """Apply or remove the keystream of the patterns section.

    It keeps patterns from being read by eye or found by a search. It is no
    secret: the salt that it comes from stands in the header.
    """
    stream = b"".join(
        blake2b(number.to_bytes(8, "little"), salt=salt, person=b"patterns").digest()
        for number in range(len(data) // 64 + 1)
    )
    masked = int.from_bytes(data, "little") ^ int.from_bytes(stream[: len(data)], "little")
    return masked.to_bytes(len(data), "little")


def header_checksum(header: bytes, table: bytes, meta: bytes) -> bytes:
    """Checksum of the header (its own field zeroed), the section table and META."""
    cleared = header[: HEADER_CHECKSUM.start] + bytes(16) + header[HEADER_CHECKSUM.stop :]
    return blake2b(cleared + table + meta, digest_size=16).digest()
