"""``jupyter tos-guard scan``: judge notebooks, scripts and folders, or sessions in JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import Progress
from traitlets import Enum, Int, Unicode

from jupyter_tos_guard.cli.judging import Pool, available_jobs, judge_session
from jupyter_tos_guard.cli.reading import UnreadableError, find_files, read_cells
from jupyter_tos_guard.cli.reporting import FileReport, Flagged, as_json, as_sarif, show_table
from jupyter_tos_guard.cli.sessions import judge_lines, lost, read_lines
from jupyter_tos_guard.cli.verb import DecidingVerb, Exit, Refusal
from jupyter_tos_guard.guard import Guard
from jupyter_tos_guard.policy.model import Verdict

#: Files that a worker takes at a time.
BATCH = 8


class ScanApp(DecidingVerb):
    """Judge many cells. Nothing runs and nothing is recorded."""

    name = "jupyter-tos-guard-scan"
    description = """Judge notebooks, scripts and folders, or sessions in JSON lines. Nothing runs.

    Each notebook is one session, its code cells executed in the order of the document.
    Exit codes: 0 nothing as strict as --fail-on, 1 something was, 2 wrong usage, 3 an input could not be read
    (the rest was judged), 4 the policy cannot be used."""
    examples = """
    jupyter tos-guard scan notebooks/ --mode enforce
    jupyter tos-guard scan --format sarif --mode enforce . > tos.sarif
    jupyter tos-guard scan --jsonl - --mode enforce --enable all < sessions.jsonl > verdicts.jsonl
    """
    output_format = Enum(["table", "json", "sarif"], "table", help="How to print the outcome.").tag(
        config=True
    )
    jsonl = Unicode(
        "",
        help='Judge sessions from this file (- for stdin), one a line: {"id": …, "cells": [source, …]}; '
        "prints one line for each, in the same order.",
    ).tag(config=True)
    fail_on = Enum(
        ["observe", "warn", "block", "never"],
        "warn",
        help="Exit with 1 when a cell's verdict is at least this strict.",
    ).tag(config=True)
    jobs = Int(0, min=0, help="Processes; 0: as many as there are processors, if the input is worth it.").tag(
        config=True
    )
    aliases = {
        **DecidingVerb.aliases,
        "format": "ScanApp.output_format",
        "jsonl": "ScanApp.jsonl",
        "fail-on": "ScanApp.fail_on",
        "jobs": "ScanApp.jobs",
    }

    def run(self) -> Exit:
        """Judge what the arguments name."""
        if self.jsonl:
            self.no_arguments()
            return self._scan_sessions()
        if not self.extra_args:
            raise Refusal("name notebooks, scripts or folders; or give --jsonl. Try --help.")
        return self._scan_files()

    def _scan_files(self) -> Exit:
        bench = self.bench()
        files = list(find_files(self.extra_args))
        jobs = self.jobs or min(available_jobs(), 1 + len(files) // (2 * BATCH))
        pool = Pool(judge_files, _lost_file, bench, jobs)
        batches = (files[at : at + BATCH] for at in range(0, len(files), BATCH))
        reports: list[FileReport] = []
        with Progress(console=Console(stderr=True), transient=True, disable=len(files) < 2) as progress:
            task = progress.add_task("Judging", total=len(files))
            for results in pool.map(batches):
                reports += results
                progress.advance(task, len(results))
        self._print(reports)
        worst = max((report.worst for report in reports), default=Verdict.ALLOW)
        return self._code(worst, failed=any(report.error for report in reports))

    def _print(self, reports: Sequence[FileReport]) -> None:
        if self.as_json or self.output_format == "json":
            self.print_json(as_json(reports))
        elif self.output_format == "sarif":
            self.print_json(as_sarif(reports, self.clauses, version("jupyter_tos_guard")))
        else:
            show_table(reports, self.clauses, Console())

    def _scan_sessions(self) -> Exit:
        pool = Pool(judge_lines, lost, self.bench(), self.jobs or available_jobs())
        worst, failed = Verdict.ALLOW, False
        with ExitStack() as stack:
            for answers in pool.map(read_lines(self._open(stack))):
                sys.stdout.buffer.write(b"".join(answer.text for answer in answers))
                sys.stdout.buffer.flush()
                for answer in answers:
                    worst = max(worst, answer.worst)
                    failed |= answer.failed
        return self._code(worst, failed=failed)

    def _open(self, stack: ExitStack) -> BinaryIO:
        if self.jsonl == "-":
            return sys.stdin.buffer
        try:
            return stack.enter_context(open(self.jsonl, "rb"))
        except OSError as error:
            raise Refusal(f"{self.jsonl} cannot be read: {error.strerror}", Exit.UNREADABLE) from None

    def _code(self, worst: Verdict, *, failed: bool) -> Exit:
        if self.fail_on != "never" and worst >= Verdict[self.fail_on.upper()]:
            return Exit.FLAGGED
        return Exit.UNREADABLE if failed else Exit.OK


def judge_files(guard: Guard, paths: Sequence[Path]) -> list[FileReport]:
    """Judge each file as one session."""
    return [judge_file(guard, path) for path in paths]


def judge_file(guard: Guard, path: Path) -> FileReport:
    """Judge a notebook or script as one session."""
    try:
        cells = read_cells(path)
    except UnreadableError as error:
        return FileReport(str(path), error=str(error))
    decisions = judge_session(guard, cells)
    flagged = (
        Flagged(number, cell.source, decision)
        for number, (cell, decision) in enumerate(zip(cells, decisions, strict=True), 1)
        if decision.effect > Verdict.ALLOW or decision.findings
    )
    return FileReport(str(path), len(cells), tuple(flagged))


def _lost_file(path: Path) -> FileReport:
    return FileReport(str(path), error="the process judging it died")
