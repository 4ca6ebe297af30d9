"""Which of the user's regular expressions are safe to run on text of bounded size."""

from __future__ import annotations

import re

_QUANTIFIED_GROUP = re.compile(r"\)(?:[*+]|\{\d*,\d*\})")


#: Longest text by number of unbounded repetitions: the worst case is that power of its length.
_LONGEST = (1 << 16, 2000, 200)


def longest_text(pattern: str | bytes) -> int:
    """How long a text ``pattern`` may be run on; 0 if it may not be run at all.

    Cautious: a quantified group that itself holds a quantifier or an
    alternative, a back-reference, and many unbounded repetitions are refused,
    whether or not they would do harm.
    """
    text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    if len(text) > 1000:
        # A long alternative of literals is linear; a long pattern of another kind is not worth the risk.
        return 0 if any(each in text for each in "*+{(") else _LONGEST[0]
    bare = re.sub(r"\\.", "x", text)
    bare = re.sub(r"\[\^?\]?[^\]]*\]", "x", bare)
    if re.search(r"\\[1-9]", text) or "(?P=" in bare or "(?(" in bare:
        return 0
    for match in _QUANTIFIED_GROUP.finditer(bare):
        depth, start = 0, match.start()
        while start >= 0:
            depth += bare[start] == ")"
            depth -= bare[start] == "("
            if depth == 0:
                break
            start -= 1
        inner = bare[start + 1 : match.start()].removeprefix("?:")
        if any(each in inner for each in "*+{|?"):
            return 0
    # A repetition with nothing behind it never goes back.
    bare = re.sub(r"(?:[*+]|\{\d*,\})\??$", "", bare)
    unbounded = len(re.findall(r"[*+]|\{\d*,\}", bare))
    return _LONGEST[unbounded] if unbounded < len(_LONGEST) else 0
