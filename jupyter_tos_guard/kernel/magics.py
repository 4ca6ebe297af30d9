"""``%tos``: what a user may ask the guard, and how a warned cell is run anyway.

Asking earns no strike. Nothing in a ``%tos`` line is evaluated: IPython's own
expansion of ``{…}`` and ``$…`` is switched off for it, which is what makes it safe
to exempt these lines from being decided about (see :func:`jupyter_tos_guard.gate.ruling.own_command`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from IPython.core.magic import no_var_expand

from jupyter_tos_guard.gate.notice import action_taken, describe, summary
from jupyter_tos_guard.gate.ruling import Gate, Item, Ruling
from jupyter_tos_guard.inspection.readable import readable
from jupyter_tos_guard.policy.bundle import Bundle
from jupyter_tos_guard.policy.decision import Decision
from jupyter_tos_guard.policy.model import Verdict
from jupyter_tos_guard.strikes.standing import Level, Standing

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
        lines.append(f"mode      {gate.guard.mode(bundle)}")
        policy = readable(bundle.version, 60) if bundle else "none"
        lines.append(f"policy    {policy}" + (f" ({problem}: {readable(detail, 500)})" if problem else ""))
        lines.append(f"record    {gate.spool.state} {gate.spool.detail}".rstrip())
        standing = gate.standing()
        until = f" until {_date(standing.until)}" if standing.until else ""
        lines.append(f"standing  {standing.level}{until}, live strikes: {standing.live}")
        lines += _restrictions(gate, standing)
        if gate.settings and gate.settings.traits.central:
            lines += _exchange(gate, bundle)
        if gate.settings:
            lines += [f"setting   {readable(problem, 400)}" for problem in gate.settings.problems]
        return "\n".join(lines)

    def _check(self, source: str) -> str:
        if not source.strip():
            return "Give a line to check: %tos check CODE, or %%tos check on top of a cell."
        decision = self._gate.ask(source)
        pause = self._gate.pause()
        if not decision.findings:
            if pause:
                return "Nothing found, but running code is paused for your account: see %tos status."
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


def _restrictions(gate: Gate, standing: Standing) -> list[str]:
    """Say what the user may not do now, and what comes next."""
    lines = []
    account, pause = gate.guard.source.account, gate.pause()
    if pause:
        when = f"until {_date(pause.until)}" if pause.until is not None else "until it is lifted"
        lines.append(f"paused    no code runs {when}: {readable(pause.reason, 500) or 'no reason was given'}")
    blocked = account.blocked_clauses if account.until is None or account.until > time.time() else ()
    if blocked:
        when = f" until {_date(account.until)}" if account.until is not None else ""
        lines.append(f"blocked   no warning can be passed over{when} under: {_names(blocked)}")
    if standing.next_level and standing.level is not Level.GOOD:
        lines.append(f"          {standing.strikes_left} more may lead to: {standing.next_level}")
    own = [each for each in account.exemptions if each.until > time.time()]
    lines += [f"exempt    {readable(each.target, 100)}: {readable(each.reason, 200)}" for each in own]
    return lines


def _exchange(gate: Gate, bundle: Bundle | None) -> list[str]:
    """Say how the exchange with the central server goes."""
    from jupyter_tos_guard.sync.cache import PolicyCache  # only where there is one

    source, lines = gate.guard.source, []
    if not isinstance(source, PolicyCache) or not gate.settings:
        return []
    lines.append(f"central   {readable(gate.settings.traits.central, 300)}")
    contact = source.contact()
    if contact.last:
        lines.append(f"          last answer {_date(contact.last)}, records waiting: {contact.waiting}")
    else:
        lines.append("          has not answered yet")
    if contact.problem:
        lines.append(f"          {readable(contact.problem, 500)}")
    if bundle and source.active:
        lines.append(f"checked   {_date(source.active.checked)}, release {source.active.serial}")
    if source.account.mode:
        lines.append("          the hub has switched everything to monitor")
    return lines


def _names(clauses: Iterable[str]) -> str:
    return ", ".join(readable(clause, 60) for clause in sorted(clauses))


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _as_enforced(decision: Decision) -> Decision:
    """Let the description show what was found even when the mode would show nothing."""
    return decision._replace(
        effect=max(Verdict.WARN, decision.verdict),
        findings=tuple(
            finding._replace(verdict=max(Verdict.WARN, finding.verdict)) for finding in decision.findings
        ),
    )
