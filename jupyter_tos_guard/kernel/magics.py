"""``%tos``: what a user may ask the guard, and how a warned cell is run anyway.

Asking earns no strike. Nothing in a ``%tos`` line is evaluated: IPython's own
expansion of ``{…}`` and ``$…`` is switched off for it, which is what makes it safe
to exempt these lines from being decided about (see :func:`jupyter_tos_guard.gate.ruling.own_command`).
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from IPython.core.magic import no_var_expand

from jupyter_tos_guard.gate.notice import action_taken, describe, summary
from jupyter_tos_guard.gate.ruling import Gate, Item, Ruling
from jupyter_tos_guard.inspection.readable import readable
from jupyter_tos_guard.policy.decision import Decision
from jupyter_tos_guard.policy.model import Verdict

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

HELP = """\
%tos status          whether this kernel is guarded, by which policy, and where you stand
%tos check CODE      would this line be stopped? (nothing is run, nothing is recorded)
%%tos check          the same for a whole cell
%tos terms           the terms of use
%tos strikes         your strikes on this machine
%tos run             run the cell that was just warned about, as it is (this is recorded)
%%tos run            the same, for the cell that it stands on top of
"""


class Magics:
    """``%tos`` over one kernel's gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    @no_var_expand
    def tos(self, line: str, cell: str | None = None) -> None:
        """Ask about the hub's terms of use; %tos help lists what."""
        command, _, rest = line.strip().partition(" ")
        commands = {
            "status": self._status,
            "terms": self._terms,
            "strikes": self._strikes,
            "run": self._run,
            "help": lambda: HELP,
            "": lambda: HELP,
        }
        if command == "check":
            text = self._check(rest.strip() if cell is None else cell)
        elif command in commands:
            text = commands[command]()  # type: ignore[no-untyped-call]
        else:
            text = f"There is no %tos {readable(command, 40)}.\n\n{HELP}"
        sys.stdout.write(text.rstrip("\n") + "\n")

    def register(self, shell: InteractiveShell) -> None:
        """Make ``%tos`` and ``%%tos`` known to the shell."""
        register: Any = shell.register_magic_function
        register(self.tos, "line_cell", "tos")

    def is_ours(self, shell: InteractiveShell) -> bool:
        """Whether nobody has put another ``tos`` in place of ours."""
        manager: Any = shell.magics_manager
        magics = manager.magics
        return all(magics[kind].get("tos") == self.tos for kind in ("line", "cell"))

    def _status(self) -> str:
        gate = self._gate
        bundle, problem, detail = gate.guard.source.current(time.time())
        lines = ["This kernel is guarded: each cell is decided about before it runs."]
        mode = gate.guard.settings.mode or (bundle.mode if bundle else "monitor")
        lines.append(f"mode      {mode}")
        lines.append(f"policy    {readable(bundle.version, 60) if bundle else f'none ({problem}: {detail})'}")
        lines.append(f"record    {gate.spool.state} {gate.spool.detail}".rstrip())
        standing = gate.standing()
        lines.append(f"standing  {standing.level}, live strikes: {standing.live}")
        if gate.settings:
            lines += [f"setting   {readable(problem, 400)}" for problem in gate.settings.problems]
        return "\n".join(lines)

    def _check(self, source: str) -> str:
        if not source.strip():
            return "Give a line to check: %tos check CODE, or %%tos check on top of a cell."
        decision = self._gate.ask(source)
        if not decision.findings:
            return f"Nothing found ({decision.reason}): it would run."
        gate = self._gate
        ruling = Ruling(Verdict.BLOCK, source, (Item("", source, _as_enforced(decision)),))
        terms, _ = gate.terms()
        data = describe(ruling, terms, gate.standing())
        verdict = {
            Verdict.BLOCK: "It would not be run",
            Verdict.WARN: "It would not be run before you have confirmed",
        }.get(decision.effect, "It would run, and be recorded for the operators")
        lines = [f"{verdict}: {summary(data)}." if data["findings"] else f"{verdict}."]
        lines += [f"  {each['message']}" for each in data["findings"]]
        lines.append("You were only asking: nothing is recorded.")
        return "\n".join(lines)

    def _terms(self) -> str:
        terms, _ = self._gate.terms()
        if terms is None:
            return "There is no policy on this machine, so no terms either."
        lines = [f"{readable(terms.title, 200)}, version {readable(terms.version, 40)}"]
        lines += [f"{readable(terms.url, 300)}"] if terms.url else []
        for clause in terms.clauses:
            rests = "" if clause.enabled else " (not in force by default)"
            lines += ["", f"{clause.number}. {clause.title}{rests}", readable(clause.text, 2000)]
        if terms.contact:
            lines += ["", f"Questions and appeals: {readable(terms.contact, 200)}"]
        return "\n".join(lines)

    def _strikes(self) -> str:
        strikes = self._gate.strikes()
        if not strikes:
            return "No strikes on this machine."
        lines = [
            f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime(each.time))} UTC  {readable(each.clause, 40)}  "
            f"line {each.line}, {action_taken(each.action)}  [{each.id}]"
            for each in strikes[-50:]
            if each.action.counts
        ]
        asked = sum(not each.action.counts for each in strikes)
        if asked:
            lines.append(f"and {asked} that do not count (observed, or warned and not run)")
        return "\n".join(lines)

    def _run(self) -> str:
        # A cell that was warned about never gets here: the gate runs it in place of this line.
        return "There is no cell to run: none was warned about, or the last one stopped was blocked."


def _as_enforced(decision: Decision) -> Decision:
    """Let the description show what was found even when the mode would show nothing."""
    return decision._replace(
        effect=max(Verdict.WARN, decision.verdict),
        findings=tuple(
            finding._replace(verdict=max(Verdict.WARN, finding.verdict)) for finding in decision.findings
        ),
    )
