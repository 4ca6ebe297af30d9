"""``jupyter tos-guard strikes``: lists or exports the strikes recorded on this machine."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from traitlets import Enum, Int, Unicode

from jupyter_tos_guard.cli.reporting import clause_name, printable
from jupyter_tos_guard.cli.verb import Exit, PolicyVerb, Refusal
from jupyter_tos_guard.strikes.spool import read
from jupyter_tos_guard.strikes.standing import standing
from jupyter_tos_guard.strikes.strike import Strike

_DAY = 86400


class StrikesApp(PolicyVerb):
    """List or export the strikes recorded on this machine."""

    name = "jupyter-tos-guard-strikes"
    description = """List the strikes of the local record, oldest first, and each user's standing; or export
    them.

    Exit codes: 0 printed (also when there are none), 2 wrong usage, 4 the policy cannot be used."""
    examples = """
    jupyter tos-guard strikes
    jupyter tos-guard strikes --format csv --days 30 > strikes.csv
    """
    output_format = Enum(["table", "json", "csv"], "table", help="How to print them.").tag(config=True)
    folder = Unicode("", help="The record's folder. Default: the one in force here.").tag(config=True)
    days = Int(0, min=0, help="Only those of the last days; 0: all.").tag(config=True)
    user = Unicode("", help="Only this user's.").tag(config=True)
    aliases = {
        **PolicyVerb.aliases,
        "format": "StrikesApp.output_format",
        "folder": "StrikesApp.folder",
        "days": "StrikesApp.days",
        "user": "StrikesApp.user",
    }

    def run(self) -> Exit:
        """Print the strikes."""
        self.no_arguments()
        strikes = self._strikes()
        if self.as_json or self.output_format == "json":
            self.print_json([strike.to_json() for strike in strikes])
        elif self.output_format == "csv":
            _write_csv(strikes)
        else:
            self._show(strikes, Console(highlight=False))
        return Exit.OK

    def _strikes(self) -> list[Strike]:
        folder = Path(self.folder).expanduser() if self.folder else self.environment.strikes_folder
        if self.folder and not folder.is_dir():
            raise Refusal(f"there is no folder {folder}.")
        since = time.time() - self.days * _DAY if self.days else 0.0
        found = {strike.id: strike for strike in read(folder) if strike.time >= since}
        strikes = (strike for strike in found.values() if not self.user or strike.user == self.user)
        return sorted(strikes, key=lambda strike: strike.time)

    def _show(self, strikes: Sequence[Strike], console: Console) -> None:
        if not strikes:
            console.print("There are no strikes.")
            return
        table = Table("when", "user", "action", "clause", "where", "fragment", box=None, header_style="bold")
        for strike in strikes:
            place = f"{strike.notebook or strike.kernel}:{strike.line}:{strike.column + 1}"
            table.add_row(
                time.strftime("%Y-%m-%d %H:%M", time.localtime(strike.time)),
                printable(strike.user),
                strike.action.value,
                printable(clause_name(strike.clause, self.clauses)),
                printable(place),
                printable(strike.evidence, 80),
            )
        console.print(table)
        for user in sorted({strike.user for strike in strikes}):
            own = [strike for strike in strikes if strike.user == user]
            now = standing(own, self.bundle.ladder, time.time())
            console.print(
                f"{printable(user) or 'unknown user'}: {now.level} standing, {now.live} live strikes"
            )


def _write_csv(strikes: Sequence[Strike]) -> None:
    rows = [strike.to_json() for strike in strikes]
    writer = csv.DictWriter(sys.stdout, fieldnames=Strike._fields)
    writer.writeheader()
    writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)


def _plain(value: object) -> object:
    """Keep spreadsheets from running user code: a cell that starts like a formula is quoted as text."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value.value if hasattr(value, "value") else value
