"""``jupyter tos-guard central token``: tokens for hubs without JupyterHub."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

from traitlets import Enum, Float, List, Unicode

from jupyter_tos_guard.central.app import CentralApp, SettingError
from jupyter_tos_guard.central.casework import audit
from jupyter_tos_guard.central.storage.database import Database, Unavailable
from jupyter_tos_guard.central.storage.tables import Token
from jupyter_tos_guard.central.storage.tokens import list_tokens, make_token, revoke_token
from jupyter_tos_guard.central.web.auth import MAX_NAME
from jupyter_tos_guard.central.web.callers import SCOPES
from jupyter_tos_guard.cli.verb import Exit, Refusal, Verb
from jupyter_tos_guard.inspection.readable import readable

_ACTOR = "(command line)"


class TokenApp(Verb, CentralApp):
    """Make, list and revoke tokens."""

    name = "jupyter-tos-guard-central-token"
    description = """Make, list and revoke tokens of the central server, for hubs without JupyterHub.

    A token without a scope is a user's: reports strikes, sees its own. What is stored is a digest; the
    token itself is printed once."""
    examples = """
    jupyter tos-guard central token make alice
    jupyter tos-guard central token make bob --scope=review --days=90 --note="student assistant"
    jupyter tos-guard central token list
    jupyter tos-guard central token revoke 3
    """
    config_file_name = Unicode("jupyter_tos_guard_central_config")
    scopes = List(Enum(sorted(SCOPES)), help="What the holder may do beside the own record; repeated.").tag(
        config=True
    )
    days = Float(0.0, min=0.0, help="After how many days the token ends; 0: never.").tag(config=True)
    note = Unicode(help="What it is for, for the list.").tag(config=True)

    aliases = {
        **Verb.aliases,
        "scope": "TokenApp.scopes",
        "days": "TokenApp.days",
        "note": "TokenApp.note",
        "state": "CentralApp.state",
        "database": "CentralApp.database_url",
    }

    def run(self) -> Exit:
        """Do what the first word says."""
        arguments = list(self.extra_args)
        try:
            if arguments[:1] == ["make"] and len(arguments) == 2:
                return self._make(self.open_database(), arguments[1])
            if arguments == ["list"]:
                return self._list(self.open_database())
            if arguments[:1] == ["revoke"] and len(arguments) == 2 and arguments[1].isdecimal():
                return self._revoke(self.open_database(), int(arguments[1]))
        except (SettingError, Unavailable) as error:
            raise Refusal(str(error), Exit.UNREADABLE) from None
        raise Refusal("say `make NAME`, `list` or `revoke NUMBER`. Try --help.")

    def _make(self, database: Database, user: str) -> Exit:
        if not user.strip() or len(user) > MAX_NAME or not user.isprintable():
            raise Refusal(f"{readable(user)!r} is not a name: 1 to {MAX_NAME} characters that can be printed")
        now = time.time()
        with database.transaction() as session:
            token = make_token(session, user, self.scopes, now, days=self.days or None, note=self.note[:500])
            detail = {"scopes": sorted(self.scopes), "days": self.days}
            audit.record(session, _ACTOR, "make-token", f"user:{user}", detail, now)
        if self.as_json:
            self.print_json({"user": user, "scopes": sorted(self.scopes), "token": token})
        else:
            print(token)
        return Exit.OK

    def _list(self, database: Database) -> Exit:
        with database.reading() as session:
            rows = [_row(token) for token in list_tokens(session)]
        if self.as_json:
            self.print_json(rows)
        elif not rows:
            print("There are no tokens. Make one: jupyter tos-guard central token make NAME")
        for row in () if self.as_json else rows:
            scopes = ", ".join(row["scopes"]) or "user"
            print(
                f"{row['number']:>5}  {readable(row['user'])}  {scopes}  ends {row['ends'] or 'never'}"
                f"  {readable(row['note'])}".rstrip()
            )
        return Exit.OK

    def _revoke(self, database: Database, number: int) -> Exit:
        now = time.time()
        with database.transaction() as session:
            if not revoke_token(session, number):
                raise Refusal(f"there is no token {number}. See: jupyter tos-guard central token list")
            audit.record(session, _ACTOR, "revoke-token", f"token:{number}", {}, now)
        print(f"Token {number} has ended; running servers forget it within ten seconds.")
        return Exit.OK


def _row(token: Token) -> dict[str, Any]:
    ends = token.expires and datetime.fromtimestamp(token.expires, timezone.utc).isoformat(" ", "minutes")
    return {
        "number": token.id,
        "user": token.user,
        "scopes": token.scopes,
        "note": token.note,
        "ends": ends,
    }
