"""What people write: appeals, reasons, answers. Bounded here, escaped where it is shown."""

from __future__ import annotations

from jupyter_tos_guard.central.casework.config import MAX_TEXT
from jupyter_tos_guard.central.casework.errors import InvalidError


def written(text: str, what: str) -> str:
    """Return a text as it is kept.

    Raises
    ------
    InvalidError
        It is empty or too long.
    """
    # PostgreSQL keeps no NUL and no lone surrogate.
    kept = text.replace("\0", "").encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n").strip()
    if not kept:
        raise InvalidError(f"{what} is missing", "Write a sentence or two.")
    if len(kept) > MAX_TEXT:
        raise InvalidError(
            f"the text has {len(kept)} characters, and {MAX_TEXT} is the most", "Write it shorter."
        )
    return kept
