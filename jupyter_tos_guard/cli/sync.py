"""``jupyter tos-guard sync``: one refresh and one upload now."""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console

from jupyter_tos_guard.cli.reporting import printable
from jupyter_tos_guard.cli.verb import Exit, Refusal, Verb
from jupyter_tos_guard.gate.ruling import place
from jupyter_tos_guard.gate.settings import configuration


class SyncApp(Verb):
    """Fetch the policy and send what waits, now."""

    name = "jupyter-tos-guard-sync"
    description = """Fetch the policy from the central server and send the strikes that wait, now, and say
    what happened. Servers and kernels do so by themselves; this is for looking and for scripts.

    Exit codes: 0 both went well, 1 one of them did not, 2 no central server is set."""
    examples = "jupyter tos-guard sync --json"

    def run(self) -> Exit:
        """Do both once."""
        self.no_arguments()
        settings = configuration()
        for problem in settings.problems:
            self.log.warning("%s", problem)
        if not settings.traits.central:
            raise Refusal(
                "no central server is set: set TosGuard.central, or JUPYTER_TOS_GUARD_CENTRAL, to its URL."
            )
        from jupyter_tos_guard.sync.service import Exchange
        from jupyter_tos_guard.sync.transport import SettingsError
        from jupyter_tos_guard.sync.uploader import Circumstances

        where = place(os.environ)
        try:
            exchange = Exchange(settings, where)
        except SettingsError as error:
            raise Refusal(str(error)) from None
        outcome = exchange.once(Circumstances(where.server, settings.traits.mode or ""))
        refreshed = outcome.refreshed
        result: dict[str, Any] = {
            "central": settings.traits.central,
            "policy": {
                "version": refreshed.active.version if refreshed else None,
                "serial": refreshed.active.serial if refreshed else None,
                "is_new": bool(refreshed and refreshed.is_new),
                "problem": outcome.refresh_problem,
            },
            "record": {
                "confirmed": outcome.reported,
                "waiting": outcome.waiting,
                "rejected": list(outcome.rejected),
                "problem": outcome.report_problem,
            },
        }
        if self.as_json:
            self.print_json(result)
        else:
            _show(result, Console(highlight=False, soft_wrap=True))
        failed = outcome.refresh_problem or outcome.report_problem
        return Exit.FLAGGED if failed else Exit.OK


def _show(result: dict[str, Any], console: Console) -> None:
    policy, record = result["policy"], result["record"]
    console.print(f"central   {printable(result['central'], 300)}")
    if policy["problem"]:
        console.print(f"[red]policy[/]    {printable(policy['problem'], 600)}")
    else:
        news = "new, in force at each kernel's next cell" if policy["is_new"] else "nothing new"
        console.print(f"policy    {printable(policy['version'])}, release {policy['serial']}: {news}")
    if record["problem"]:
        console.print(f"[red]record[/]    {printable(record['problem'], 600)}")
    console.print(f"record    {record['confirmed']} confirmed, {record['waiting']} waiting")
    for problem in record["rejected"]:
        console.print(f"[yellow]record[/]    one was refused for good: {printable(problem, 300)}")
