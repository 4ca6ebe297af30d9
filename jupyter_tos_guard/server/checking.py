"""What would happen to cells that are not run: for a front end that asks before its user runs them.

Nothing is recorded: each question starts from an empty session and takes its cells in their
order. All that is remembered is which texts the user was warned about, since the answer may
acknowledge them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jupyter_tos_guard.gate.notice import describe
from jupyter_tos_guard.gate.ruling import Gate, Request
from jupyter_tos_guard.policy.model import Verdict

#: Cells and characters of one question; a notebook of honest size has neither.
MAX_CELLS = 1000
MAX_CHARACTERS = 4 << 20


#: A question about cells that the user is about to run; any other is about a notebook that is merely open.
RUN = "run"


class Asked(NamedTuple):
    """One cell of a question."""

    id: str
    source: str


def asked(body: Any) -> tuple[list[Asked], str]:
    """Read a question: its cells and their language.

    Raises
    ------
    ValueError
        In words for whoever sent it.
    """
    cells = body.get("cells") if isinstance(body, Mapping) else None
    if not isinstance(cells, Sequence) or isinstance(cells, str):
        raise ValueError('the body must be {"cells": [{"id", "source"}], "language", "path"}')
    if len(cells) > MAX_CELLS:
        raise ValueError(f"{len(cells)} cells are too many: {MAX_CELLS} can be asked about at once")
    found = []
    for number, each in enumerate(cells, 1):
        source = each.get("source") if isinstance(each, Mapping) else None
        if not isinstance(source, str):
            raise ValueError(f"cell {number} has no source")
        found.append(Asked(str(each.get("id", number))[:200], source))
    if sum(len(each.source) for each in found) > MAX_CHARACTERS:
        raise ValueError(f"the cells are too large: {MAX_CHARACTERS} characters can be asked about at once")
    language = body.get("language") or "python"
    return found, language.lower()[:40] if isinstance(language, str) else "python"


def check(gate: Gate, cells: Sequence[Asked], language: str) -> list[dict[str, Any]]:
    """Return for each cell what would be shown instead of running it, None if it would run.

    Parameters
    ----------
    gate : Gate
        Its policy, settings and standing are used, not its session.
    cells : sequence of Asked
    language : str
    """
    fresh = gate.beside(gate.where, kernel="", folder=lambda: None, language=language, sensor="server")
    terms, _ = fresh.terms()
    standing = None
    results: list[dict[str, Any]] = []
    for cell in cells:
        ruling = fresh.decide(Request("", cell.source))
        data = None
        if ruling.refused and ruling.pause is None:  # a pause is about the person, not about this cell
            standing = standing or fresh.standing()
            data = describe(ruling._replace(strikes=()), terms, standing)
            if ruling.effect is Verdict.WARN:
                gate.questions.put(ruling.source)
        results.append({"id": cell.id, "notice": data})
    return results
