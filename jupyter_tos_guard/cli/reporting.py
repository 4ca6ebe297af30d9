"""What ``scan`` found in files, for people (a table) and programs (JSON, SARIF)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jupyter_tos_guard.gate.ruling import fragment
from jupyter_tos_guard.inspection.readable import readable
from jupyter_tos_guard.policy.decision import Decision, Finding
from jupyter_tos_guard.policy.model import Clause, Verdict

STYLES = {Verdict.ALLOW: "green", Verdict.OBSERVE: "cyan", Verdict.WARN: "yellow", Verdict.BLOCK: "bold red"}
_LEVELS = {Verdict.ALLOW: "none", Verdict.OBSERVE: "note", Verdict.WARN: "warning", Verdict.BLOCK: "error"}


class Flagged(NamedTuple):
    """A code cell with something to report; ``number`` counts code cells from 1."""

    number: int
    source: str
    decision: Decision


class FileReport(NamedTuple):
    """What came out for one file; ``error`` says why it could not be read."""

    path: str
    cells: int = 0
    flagged: tuple[Flagged, ...] = ()
    error: str = ""

    @property
    def worst(self) -> Verdict:
        """The strictest effect on any of its cells."""
        return max((each.decision.effect for each in self.flagged), default=Verdict.ALLOW)


def show_table(reports: Sequence[FileReport], clauses: dict[str, Clause], console: Console) -> None:
    """Print one row for each finding, then what could not be read, then a summary."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("verdict", "where", "clause", "what", "fragment"):
        table.add_column(heading, overflow="fold")
    for report in reports:
        for cell in report.flagged:
            for row in _rows(report.path, cell, clauses):
                table.add_row(*row)
    if table.row_count:
        console.print(table)
    for report in reports:
        if report.error:
            console.print(
                f"[red]not read[/] {printable(report.path)}: {printable(report.error)}", highlight=False
            )
    cells = sum(report.cells for report in reports)
    flagged = [cell.decision.effect for report in reports for cell in report.flagged]
    counts = ", ".join(f"{flagged.count(each)} {each.label}" for each in sorted(set(flagged), reverse=True))
    console.print(f"{len(reports)} files, {cells} cells: {counts or 'nothing to report'}", highlight=False)


def as_json(reports: Iterable[FileReport]) -> list[dict[str, Any]]:
    """Return reports as plain data."""
    return [
        {
            "path": report.path,
            "cells": report.cells,
            **({"error": report.error} if report.error else {}),
            "flagged": [
                {"cell": cell.number, **explain(cell.source, cell.decision)} for cell in report.flagged
            ],
        }
        for report in reports
    ]


def explain(source: str, decision: Decision) -> dict[str, Any]:
    """Everything that there is to say about a decision, as plain data. Columns count from 0."""
    return {
        "verdict": decision.effect.label,
        "under_enforce": decision.verdict.label,
        "reason": decision.reason.value,
        "mode": decision.mode.value,
        "policy_version": decision.policy_version,
        "cell_digest": decision.cell_digest,
        **({"detail": decision.detail} if decision.detail else {}),
        "findings": [_explain_finding(source, finding) for finding in decision.findings],
    }


def as_sarif(reports: Iterable[FileReport], clauses: dict[str, Clause], version: str) -> dict[str, Any]:
    """Return reports as a SARIF 2.1.0 log, which code-scanning services and editors show."""
    rules: dict[str, dict[str, Any]] = {}
    results = []
    notes = []
    for report in reports:
        if report.error:
            notes.append({"level": "error", "message": {"text": f"{report.path}: {report.error}"}})
        lines = _cell_lines(report) if report.flagged else {}
        for cell in report.flagged:
            for finding in cell.decision.findings:
                rules.setdefault(finding.rule, _sarif_rule(finding, clauses))
                results.append(_sarif_result(report.path, cell, finding, lines.get(cell.number)))
    driver = {"name": "jupyter_tos_guard", "version": version, "rules": list(rules.values())}
    invocation = {"executionSuccessful": True, "toolExecutionNotifications": notes}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "invocations": [invocation],
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }


def decoded(finding: Finding, shown: str) -> str:
    """Return how the value was found and what it says; empty when it stands in what is shown of the cell."""
    fact = finding.facts[0]
    if fact.provenance:
        return " → ".join(fact.provenance) + f": {fact.text or fact.value}"
    return "" if fact.value.casefold() in shown.casefold() else f"{fact.kind} {fact.value}"


def printable(text: str, limit: int = 200) -> str:
    """Text of unknown origin for a terminal: one line, nothing that acts on it, no markup."""
    return escape(readable(text, limit))


def clause_name(clause: str, clauses: dict[str, Clause]) -> str:
    """Return a clause as people cite it: number and title."""
    known = clauses.get(clause)
    return f"{known.number} {known.title}" if known else clause


def _rows(path: str, cell: Flagged, clauses: dict[str, Clause]) -> Iterable[tuple[str, ...]]:
    effect = cell.decision.effect
    verdict = f"[{STYLES[effect]}]{effect.label}[/]"
    where = f"{printable(path)}:cell {cell.number}"
    if not cell.decision.findings:
        yield verdict, where, "", printable(cell.decision.detail or cell.decision.reason.value), ""
    for finding in cell.decision.findings:
        span = finding.facts[0].span
        shown = fragment(cell.source, span)
        yield (
            verdict,
            f"{where}:{span.line}:{span.column + 1}",
            printable(clause_name(finding.clause, clauses)),
            printable(finding.title),
            "\n".join(printable(text, 120) for text in (shown, decoded(finding, shown)) if text),
        )


def _explain_finding(source: str, finding: Finding) -> dict[str, Any]:
    span = finding.facts[0].span
    return {
        "rule": finding.rule,
        "title": finding.title,
        "message": finding.message,
        "clause": finding.clause,
        "level": finding.level,
        "verdict": finding.verdict.label,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "fragment": readable(fragment(source, span), 500),
        "facts": [
            {
                "kind": fact.kind.value,
                "value": readable(fact.value, 2000),
                "line": fact.span.line,
                "column": fact.span.column,
                "decoded": list(fact.provenance),
                **({"text": readable(fact.text, 500)} if fact.text else {}),
            }
            for fact in finding.facts
        ],
    }


def _sarif_rule(finding: Finding, clauses: dict[str, Clause]) -> dict[str, Any]:
    clause = clauses.get(finding.clause)
    return {
        "id": finding.rule,
        "name": finding.title,
        "shortDescription": {"text": finding.title},
        "fullDescription": {"text": f"{finding.message} {clause.text if clause else ''}".strip()},
        "properties": {"clause": finding.clause, "level": finding.level},
    }


def _sarif_result(path: str, cell: Flagged, finding: Finding, first_line: int | None) -> dict[str, Any]:
    span = finding.facts[0].span
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": Path(path).as_posix()}},
        "logicalLocations": [{"name": f"cell {cell.number}", "kind": "module"}],
    }
    if not path.lower().endswith(".ipynb"):
        location["physicalLocation"]["region"] = {
            "startLine": span.line,
            "startColumn": span.column + 1,
            "endLine": span.end_line,
            "endColumn": max(span.end_column, span.column if span.end_line == span.line else 0) + 1,
        }
    elif first_line is not None:
        # A line of the notebook's file, so that viewers which know no cells jump to it.
        location["physicalLocation"]["region"] = {"startLine": first_line + span.line - 1}
    message = f"{finding.message} (cell {cell.number}, line {span.line})"
    how = decoded(finding, fragment(cell.source, span))
    return {
        "ruleId": finding.rule,
        "level": _LEVELS[min(finding.verdict, cell.decision.effect)],
        "message": {"text": readable(f"{message} {how}".strip(), 1000)},
        "locations": [location],
        "partialFingerprints": {"cell/v1": cell.decision.cell_digest},
        "properties": {
            "clause": finding.clause,
            "cell": cell.number,
            "line": span.line,
            "column": span.column,
        },
    }


def _cell_lines(report: FileReport) -> dict[int, int]:
    """Lines of a notebook's file on which its code cells' sources begin, as far as that can be told.

    Front ends write one line of source a line. Where a file is laid out in
    another way nothing is claimed.
    """
    if not report.path.lower().endswith(".ipynb"):
        return {}
    try:
        text = Path(report.path).read_text(encoding="utf-8-sig", errors="replace")
        notebook = json.loads(text)
        kinds = [cell.get("cell_type") for cell in notebook.get("cells", [])]
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}
    begins = [text.count("\n", 0, at.start()) + 2 for at in re.finditer(r'^ {2,}"source": \[$', text, re.M)]
    if len(begins) != len(kinds):
        return {}
    code = [line for kind, line in zip(kinds, begins, strict=True) if kind == "code"]
    return dict(enumerate(code, 1))
