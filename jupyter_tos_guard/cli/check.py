"""``jupyter tos-guard check``: says whether a cell would be stopped, and why."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from traitlets import Unicode

from jupyter_tos_guard.cli.reading import UnreadableError, read_cells
from jupyter_tos_guard.cli.reporting import STYLES, clause_name, decoded, explain, printable
from jupyter_tos_guard.cli.verb import DecidingVerb, Exit, Refusal
from jupyter_tos_guard.gate.ruling import fragment
from jupyter_tos_guard.guard import Cell
from jupyter_tos_guard.policy.decision import Decision, Finding
from jupyter_tos_guard.policy.model import Clause, Verdict


class CheckApp(DecidingVerb):
    """Judge one cell and explain the decision. Nothing runs and nothing is recorded."""

    name = "jupyter-tos-guard-check"
    description = """Would this cell be stopped, and why? Nothing runs and no strike is recorded.

    Exit codes: 0 it may run, 1 it would be warned about or blocked, 2 wrong usage, 3 the file cannot be read,
    4 the policy cannot be used."""
    examples = """
    echo '!nvidia-smi' | jupyter tos-guard check
    jupyter tos-guard check cell.py --mode enforce
    jupyter tos-guard check --enable remote-ui,voice-cloning --json < cell.py
    """
    language = Unicode("", help="The kernel's language. Default: by the file's name.").tag(config=True)
    aliases = {**DecidingVerb.aliases, "language": "CheckApp.language"}

    def run(self) -> Exit:
        """Judge stdin (``-`` or nothing) or a file as one cell."""
        cell = self._cell()
        decision = self.bench().guard().check(cell)
        if self.as_json:
            self.print_json(explain(cell.source, decision))
        else:
            show(cell.source, decision, self.clauses, Console(soft_wrap=True, highlight=False))
        return Exit.FLAGGED if decision.effect >= Verdict.WARN else Exit.OK

    def _cell(self) -> Cell:
        name = self.one_argument("file") if self.extra_args else "-"
        if name == "-":
            return Cell(
                sys.stdin.buffer.read().decode("utf-8-sig", "replace"), self.language.lower() or "python"
            )
        if name.lower().endswith(".ipynb"):
            raise Refusal(f"{name} is a notebook: jupyter tos-guard scan judges its cells in order.")
        try:
            [cell] = read_cells(Path(name))
        except UnreadableError as error:
            raise Refusal(f"{name} cannot be read: {error}", Exit.UNREADABLE) from None
        return cell._replace(language=self.language.lower()) if self.language else cell


def show(source: str, decision: Decision, clauses: dict[str, Clause], console: Console) -> None:
    """Print a decision for people. Columns count from 1, as editors show them."""
    effect = decision.effect
    headline = f"[{STYLES[effect]}]{effect.label}[/]"
    if decision.verdict is not effect:
        headline += f" (in enforce mode: {decision.verdict.label})"
    console.print(f"{headline}   {decision.mode} mode, policy {decision.policy_version or 'none'}")
    if decision.detail:
        console.print(f"  {printable(decision.detail)}")
    for finding in decision.findings:
        _show_finding(source, finding, clauses, console)


def _show_finding(source: str, finding: Finding, clauses: dict[str, Clause], console: Console) -> None:
    span = finding.facts[0].span
    console.print()
    console.print(f"  {printable(finding.message)}")
    console.print(f"  clause    {printable(clause_name(finding.clause, clauses))}")
    console.print(
        f"  where     line {span.line}, column {span.column + 1}: {printable(fragment(source, span))}"
    )
    if how := decoded(finding, fragment(source, span)):
        console.print(f"  decoded   {printable(how, 600)}")
    console.print(
        f"  rule      {finding.rule} ({printable(finding.title)}; asks for {finding.verdict.label})"
    )
