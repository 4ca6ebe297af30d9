"""How a rule's value and a fact's value meet: the texts that both are hashed from.

A rule's value gives one *key*; a fact's value gives all the keys under which a
rule could have asked for it. Equal keys mean a match, so matching is a handful of
look-ups however many rules there are. The compiler, the bundle and the lint share
this module, and so cannot disagree. It hashes nothing and knows no rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

from jupyter_tos_guard.inspection.facts import HOLE, Kind


class Modifier(IntEnum):
    """How a value is compared. The numbers are part of the bundle format."""

    EXACT = 0
    STARTSWITH = 1
    ENDSWITH = 2
    CONTAINS = 3
    PATTERN = 4
    ROOT = 5  # not for rules: first part of the modules and calls that any rule asks for


#: The order is part of the bundle format: new kinds go to the end.
KINDS: Final[tuple[Kind, ...]] = (
    Kind.MODULE,
    Kind.CALL,
    Kind.PACKAGE,
    Kind.REPOSITORY,
    Kind.URL,
    Kind.HOST,
    Kind.COMMAND,
    Kind.ARGUMENT,
    Kind.FILE,
    Kind.DIGEST,
    Kind.FINGERPRINT,
    Kind.OPAQUE,
)

BOUNDARIES: Final = "/:.@=-_?& "
MAX_WORDS: Final = 5
#: Longest value that a rule may hold, in characters. It also bounds what a fact's
#: look-up costs: no key is derived that is longer.
MAX_VALUE: Final = 1024
#: Of a longer fact only both ends are searched for words.
MAX_SEARCHED: Final = 16_384

_BOUNDARY = re.compile("[" + re.escape(BOUNDARIES) + "]")
_WORD = re.compile(r"[^\W_]+")


class Present(NamedTuple):
    """What the rules ask of one kind of fact, so that no other key is derived.

    The first four are the length in characters of the longest key by that
    modifier, 0 when there is none.
    """

    exact: int = 0
    startswith: int = 0
    endswith: int = 0
    contains: int = 0
    word_counts: tuple[int, ...] = ()


def fold(kind: Kind | str, value: str) -> str:
    """Make ``value`` comparable: lower case, but for short options of arguments.

    Programs tell ``-L`` from ``-l``, so a rule must be able to.
    """
    lowered = value.lower()
    if kind != Kind.ARGUMENT or lowered == value or " -" not in value:
        return lowered
    return " ".join(
        word if word.startswith("-") and not word.startswith("--") else word.lower()
        for word in value.split(" ")
    )


def words(value: str) -> list[str]:
    """Maximal runs of letters and digits, in lower case."""
    return _WORD.findall(value.lower())


def rule_key(kind: Kind | str, modifier: Modifier, value: str) -> str:
    """Return the one key that a rule's value is stored under."""
    if modifier is Modifier.CONTAINS:
        return " ".join(words(value))
    return fold(kind, value)


def fact_keys(kind: Kind | str, value: str, present: Present) -> Iterator[tuple[Modifier, str]]:
    """Derive all keys under which a rule could have asked for this value.

    Parameters
    ----------
    kind : Kind
    value : str
        A fact's value; may hold :data:`HOLE`.
    present : Present
        What the rules ask of this kind.
    """
    folded = fold(kind, value)
    forms = [folded]
    if kind == Kind.ARGUMENT:
        program, space, rest = folded.partition(" ")
        if space and program != "*":
            forms.append("* " + rest)
    for form in forms:
        if present.exact:
            yield from _exact_keys(kind, form, present.exact)
        if present.startswith:
            for boundary in _BOUNDARY.finditer(form, 0, present.startswith):
                yield Modifier.STARTSWITH, form[: boundary.end()]
    if present.endswith:
        for boundary in _BOUNDARY.finditer(folded, max(0, len(folded) - present.endswith)):
            yield Modifier.ENDSWITH, folded[boundary.start() :]
    if present.contains:
        yield from _word_keys(folded, present)


def _exact_keys(kind: Kind | str, form: str, longest: int) -> Iterator[tuple[Modifier, str]]:
    if len(form) <= longest:
        yield Modifier.EXACT, form
    if kind == Kind.MODULE:  # a rule for a package is a rule for all that is in it
        dot = form.find(".")
        while 0 <= dot <= longest:
            yield Modifier.EXACT, form[:dot]
            dot = form.find(".", dot + 1)


def _word_keys(folded: str, present: Present) -> Iterator[tuple[Modifier, str]]:
    if len(folded) > MAX_SEARCHED:
        folded = folded[: MAX_SEARCHED // 2] + HOLE + folded[-MAX_SEARCHED // 2 :]
    seen: set[str] = set()
    # Words on both sides of something unknown do not follow one another.
    for part in folded.lower().split(HOLE):
        run = _WORD.findall(part)
        for count in present.word_counts:
            for start in range(len(run) - count + 1):
                key = run[start] if count == 1 else " ".join(run[start : start + count])
                if len(key) <= present.contains and key not in seen:
                    seen.add(key)
                    yield Modifier.CONTAINS, key
