"""Digests and fingerprints of a cell's text: language-independent, by its look alone.

Three depths of digest find the same cell again: as it is, with other white
space and comments, with other names and literals. The fingerprint finds a
cell of which a good part was copied (winnowing: Schleimer, Wilkerson and Aiken,
SIGMOD 2003).
"""

from __future__ import annotations

import hashlib
import re

from jupyter_tos_guard.inspection.facts import Fact, Kind, Span

#: Comments in the languages of most kernels, then tokens. It need not be any
#: language's own tokenizer: both sides of a comparison use the same one.
_TOKEN = re.compile(
    r"(?:\#|//)[^\n]*"
    r"|(\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|\w+|[^\w\s])"
)
_KEYWORDS = frozenset(
    "and as assert async await break class continue def del elif else except finally for from global if "
    "import in is lambda nonlocal not or pass raise return try while with yield function end do then fi done "
    "case esac let var const new this true false null None True False".split()
)

#: Tokens per k-gram and k-grams per window: copies of 12 tokens or more are always found.
GRAM = 8
WINDOW = 5
#: Tokens looked at, at most: bounds the cost for a cell of any size.
MAX_TOKENS = 20_000


def exact_digest(source: str) -> str:
    """SHA-256 of the cell's UTF-8 text, hex."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


def token_digest(source: str) -> str:
    """SHA-256 over the tokens: white space, comments and line breaks do not count."""
    return _digest(_tokens(source))


def shape_digest(source: str) -> str:
    """SHA-256 over the tokens with names and literals masked."""
    return _digest([_mask(token) for token in _tokens(source)])


def fingerprint(source: str) -> frozenset[int]:
    """Winnowed 64-bit k-gram hashes of the masked token stream.

    Returns
    -------
    frozenset of int
        Empty for cells of fewer than ``GRAM + WINDOW`` tokens: there is not
        enough in them to say that they were copied.
    """
    tokens = [token.lower() for token in _tokens(source)]
    if len(tokens) < GRAM + WINDOW:
        return frozenset()
    known: dict[str, int] = {}
    codes = []
    for token in tokens:
        code = known.get(token)
        if code is None:
            digest = hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            code = known[token] = int.from_bytes(digest, "little")
        codes.append(code)
    grams = []
    for start in range(len(codes) - GRAM + 1):
        value = 0
        for code in codes[start : start + GRAM]:
            value = (value * 0x100000001B3 ^ code) & 0xFFFFFFFFFFFFFFFF
        grams.append(value)
    return frozenset(min(grams[start : start + WINDOW]) for start in range(len(grams) - WINDOW + 1))


def text_facts(
    source: str, *, exact: str = "", digests: bool = True, fingerprints: bool = True
) -> tuple[Fact, ...]:
    """Return the facts about a cell's text as a whole.

    Parameters
    ----------
    source : str
    exact : str, optional
        Its :func:`exact_digest`, when that is known already.
    digests, fingerprints : bool, optional
        Which are wanted.
    """
    whole = Span(1, 0, source.count("\n") + 1, 0)
    facts = []
    if digests:
        facts.append(Fact(Kind.DIGEST, "exact:" + (exact or exact_digest(source)), whole))
        facts.append(Fact(Kind.DIGEST, "tokens:" + token_digest(source), whole))
        facts.append(Fact(Kind.DIGEST, "shape:" + shape_digest(source), whole))
    if fingerprints:
        grams = fingerprint(source)
        if grams:
            facts.append(Fact(Kind.FINGERPRINT, " ".join(f"{gram:016x}" for gram in sorted(grams)), whole))
    return tuple(facts)


def _tokens(source: str) -> list[str]:
    return [token for token in _TOKEN.findall(source) if token][:MAX_TOKENS]


def _mask(token: str) -> str:
    first = token[0]
    if first in "\"'" or first.isdigit():
        return "0"
    if (first.isalpha() or first == "_") and token not in _KEYWORDS:
        return "a"
    return token


def _digest(tokens: list[str]) -> str:
    return exact_digest("\0".join(tokens))
