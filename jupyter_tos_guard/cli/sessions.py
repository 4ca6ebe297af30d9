"""Sessions as JSON lines: how large corpora are judged.

In: ``{"id": …, "cells": [source, …]}``, one session a line, cells in execution
order; ``"language"`` is optional. Out: one line for each, in the same order. A
line that is no session gets ``{"id": …, "line": n, "error": …}`` instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

from jupyter_tos_guard.cli.judging import judge_session
from jupyter_tos_guard.guard import Cell, Guard
from jupyter_tos_guard.policy.decision import Decision
from jupyter_tos_guard.policy.model import Verdict

#: Bytes of input that make a batch: some milliseconds of work.
BATCH = 64 << 10

_ALLOWED = '{"verdict": "allow", "findings": []}'


class Line(NamedTuple):
    """A line of input and its 1-based number."""

    number: int
    text: bytes


class Answer(NamedTuple):
    """A line of output with what the exit code depends on."""

    text: bytes
    cells: int
    worst: Verdict
    failed: bool = False


def read_lines(stream: BinaryIO) -> Iterator[list[Line]]:
    """Batches of lines, each as soon as it can be read; blank lines are skipped."""
    number = 0
    # BufferedReader.read1 returns what has arrived instead of waiting for a full block.
    read = getattr(stream, "read1", stream.read)
    parts: list[bytes] = []
    while block := read(BATCH):
        head, newline, tail = block.rpartition(b"\n")
        if not newline:
            parts.append(block)
            continue
        lines = b"".join([*parts, head]).split(b"\n")
        parts = [tail] if tail else []
        yield [Line(number + at, line) for at, line in enumerate(lines, 1) if line.strip()]
        number += len(lines)
    rest = b"".join(parts)
    if rest.strip():
        yield [Line(number + 1, rest)]


def judge_lines(guard: Guard, lines: Sequence[Line]) -> list[Answer]:
    """Judge one session after the other."""
    return [judge_line(guard, line) for line in lines]


def judge_line(guard: Guard, line: Line) -> Answer:
    """Judge one session, or say what is wrong with the line."""
    identity = None
    try:
        session = json.loads(line.text)
        if isinstance(session, dict):
            identity = session.get("id")
        cells = parse_session(session)
    except (ValueError, RecursionError) as error:
        return _error(line, identity, str(error) or type(error).__name__)
    decisions = judge_session(guard, cells)
    body = ", ".join(_render(decision) for decision in decisions)
    text = f'{{"id": {json.dumps(identity)}, "cells": [{body}]}}\n'.encode()
    worst = max((decision.effect for decision in decisions), default=Verdict.ALLOW)
    return Answer(text, len(cells), worst)


def lost(line: Line) -> Answer:
    """Answer for a line whose worker process died twice."""
    return _error(line, None, "the process judging this session died")


def parse_session(session: Any) -> list[Cell]:
    """Return the cells of a session in its JSON form.

    Raises
    ------
    ValueError
        Says what is wrong with it.
    """
    if not isinstance(session, dict):
        raise ValueError("a session is a JSON object with the keys id and cells")
    cells = session.get("cells")
    if not isinstance(cells, list):
        raise ValueError('"cells" must be a list of strings')
    language = session.get("language", "python")
    if not isinstance(language, str):
        raise ValueError('"language" must be a string')
    for index, source in enumerate(cells):
        if not isinstance(source, str):
            raise ValueError(f'"cells"[{index}] must be a string, not {type(source).__name__}')
    return [Cell(source, language.lower()) for source in cells]


def _render(decision: Decision) -> str:
    if decision.effect is Verdict.ALLOW and not decision.findings:
        return _ALLOWED
    findings = []
    for finding in decision.findings:
        span = finding.facts[0].span
        findings.append(
            {"rule": finding.rule, "clause": finding.clause, "line": span.line, "column": span.column}
        )
    return json.dumps({"verdict": decision.effect.label, "findings": findings})


def _error(line: Line, identity: object, message: str) -> Answer:
    problem = {"id": identity, "line": line.number, "error": message}
    return Answer(json.dumps(problem).encode() + b"\n", 0, Verdict.ALLOW, failed=True)
