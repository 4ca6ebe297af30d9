"""Makes hostile text fit to be shown: user code quoted in notices, names, paths.

What would act on a terminal, reorder text or hide in it is written out as an
escape, so that the reader sees what the interpreter saw. It is not HTML
escaping: that comes after, where it is shown.
"""

from __future__ import annotations

from jupyter_tos_guard.inspection.facts import HOLE

#: Stands for a part of a decoded value that is not known.
UNKNOWN_PART = "…"


def readable(text: str, limit: int = 200) -> str:
    r"""Return one line of at most about ``limit`` characters that holds nothing but print.

    Control characters, ANSI escapes, bidirectional controls, zero-width and
    other invisible characters, odd spaces, private and unassigned code points and lone surrogates
    become ``\x1b``, ``\u202e``, ``\U000e0041``; more than two combining marks in
    a row likewise. Newlines become ``⏎``, tabs a space.

    Parameters
    ----------
    text : str
    limit : int, optional
        In characters of ``text``; what is left out is marked by ``…``.
    """
    shown: list[str] = []
    marks = 0
    for character in text[:limit]:
        marks = marks + 1 if not character.isascii() and _combines(character) else 0
        if character == HOLE:
            shown.append(UNKNOWN_PART)
        elif character.isprintable() and character not in _BLANK and marks <= 2:
            shown.append(character)
        else:
            shown.append(_PLAIN.get(character) or _escape(character))
    return "".join(shown) + ("…" if len(text) > limit else "")


def _combines(character: str) -> bool:
    import unicodedata  # not in the kernel otherwise; needed for what is not ASCII only

    return unicodedata.category(character) in ("Mn", "Me")


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


#: Printable by Unicode's book, invisible on the screen.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])
)
_PLAIN = {"\n": "⏎", "\t": " "}
