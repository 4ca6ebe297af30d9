"""The vocabulary: what code *does*, one fact at a time.

Every sensor speaks it and every rule is written over it. This module is data
only: it neither finds facts (see :mod:`.evaluation`, :mod:`.interpreter`) nor judges
them (see :mod:`jupyter_tos_guard.policy`).
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Kind(str, Enum):
    """What sort of thing a fact names; also the field names that rules may use."""

    MODULE = "module"
    CALL = "call"
    PACKAGE = "package"
    REPOSITORY = "repository"
    URL = "url"
    HOST = "host"
    COMMAND = "command"
    ARGUMENT = "argument"
    FILE = "file"
    DIGEST = "digest"
    FINGERPRINT = "fingerprint"
    OPAQUE = "opaque"

    # str() of a fact kind is what stands in rules, JSON and messages.
    __str__ = str.__str__


class Span(NamedTuple):
    """A place in the user's cell.

    Attributes
    ----------
    line, end_line : int
        1-based, both inclusive.
    column, end_column : int
        0-based, in characters (not bytes, not UTF-16 units); ``end_column`` is
        exclusive.
    """

    line: int
    column: int
    end_line: int
    end_column: int


class Fact(NamedTuple):
    """One thing that the code does.

    Attributes
    ----------
    kind : Kind
    value : str
        Canonical form (``docs/facts.md``). Parts that could not be
        known without running the code are the character :data:`HOLE`.
    span : Span
        Where in the user's cell.
    provenance : tuple of str
        How the value was found, outermost step first: ``("exec", "base64",
        "variable cmd")``. Empty when it stands in the cell as it is.
    text : str
        The decoded text that holds the value, bounded to 500 characters;
        empty when the cell shows it anyway.
    """

    kind: Kind
    value: str
    span: Span
    provenance: tuple[str, ...] = ()
    text: str = ""


#: Stands, inside an otherwise known string, for a part that is not known. It is
#: a Unicode noncharacter, so string operations carry it along unharmed and no
#: honest text holds it.
HOLE = "\U0010ffff"
