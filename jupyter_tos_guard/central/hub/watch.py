"""What the service does by itself beside a Hub: nobody has to call for it.

Once a minute it looks for clients that are silent although the Hub says that their server
is in use, ends restrictions whose time is over, and stops servers of those whose
level says so, after the grace period. Each of these may be done by several replicas.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from jupyter_tos_guard.central.casework import audit
from jupyter_tos_guard.central.casework.config import CaseworkConfig, Effect
from jupyter_tos_guard.central.casework.messages import send
from jupyter_tos_guard.central.casework.people import find
from jupyter_tos_guard.central.casework.standing import affected, end_due
from jupyter_tos_guard.central.hub.api import HubApi, HubError, Server
from jupyter_tos_guard.central.storage.tables import Client, Person
from jupyter_tos_guard.central.web.context import Context

#: Seconds between two looks.
EVERY: Final = 60.0
#: Seconds until the first look that failed is tried again.
SOON: Final = 1.0
#: A server is in use when something happened in it within so many seconds; the Hub hears of it every five
#: minutes.
IN_USE: Final = 900.0
#: A client is silent after so many seconds without a report: three that it was asked for.
SILENT: Final = 2700.0
_AT_ONCE: Final = 500


async def watch(context: Context, hub: HubApi | None, every: float = EVERY) -> None:
    """Look again and again, until cancelled; what fails is logged and tried again.

    Parameters
    ----------
    context : Context
    hub : HubApi or None
        None: a service without a Hub, where only restrictions end.
    every : float
        Seconds between two looks.
    """
    pause = SOON
    while True:
        try:
            await look(context, hub)
            pause = every
        except HubError as error:
            # At the start of both the Hub may not listen yet.
            context.log.warning("tos-guard: %s", error)
            pause = min(2 * pause, every)
        except Exception:
            # The watch is for as long as the service runs: a database that is down comes back.
            context.log.exception("tos-guard: the watch failed, and goes on in %.0f s", pause)
            pause = min(2 * pause, every)
        await asyncio.sleep(pause)


async def look(context: Context, hub: HubApi | None) -> None:
    """Look once.

    Raises
    ------
    HubError
        When the Hub cannot be asked; restrictions have ended all the same.
    """
    now = context.clock()
    while await context.transaction(lambda session: end_due(session, now, context.casework)) >= _AT_ONCE:
        pass
    if hub is None:
        return
    servers = await hub.servers()
    await context.transaction(lambda session: mark_silent(session, servers, now))
    for server in await context.reading(lambda session: to_stop(session, servers, now, context.casework)):
        await hub.stop(server)
        context.log.warning(
            "tos-guard: stopped the server %r of %s, whose level says so", server.name, server.user
        )
        await context.transaction(partial(_note_stop, server=server, now=now))


def mark_silent(session: Session, servers: Iterable[Server], now: float) -> int:
    """Note which clients are silent although their server is in use, and which no longer are.

    Of several clients of one server (the home was made anew) only the one that reported last is expected to.

    Returns
    -------
    int
        How many clients are silent.
    """
    expected: dict[str, set[str]] = defaultdict(set)
    for server in servers:
        if now - server.last_activity < IN_USE and now - server.started > SILENT:
            expected[server.user].add(server.name)
    silent: dict[int, float] = {}
    names = sorted(expected)
    for start in range(0, len(names), _AT_ONCE):
        rows = session.execute(
            select(Person.name, Client)
            .join(Person, Person.id == Client.person_id)
            .where(Person.name.in_(names[start : start + _AT_ONCE]))
            .order_by(Client.last_report)
        )
        newest = {(name, client.server): client for name, client in rows}
        for (name, server_name), client in newest.items():
            if server_name in expected[name] and now - client.last_report > SILENT:
                silent[client.id] = client.silent_since or now
    marked = set(session.scalars(select(Client.id).where(Client.silent_since > 0)))
    ids = sorted(marked | silent.keys())
    for start in range(0, len(ids), _AT_ONCE):
        for client in session.scalars(select(Client).where(Client.id.in_(ids[start : start + _AT_ONCE]))):
            client.silent_since = silent.get(client.id, 0.0)
    return len(silent)


def to_stop(session: Session, servers: Sequence[Server], now: float, config: CaseworkConfig) -> list[Server]:
    """Return the servers whose users' level says that they are stopped, and whose grace is over."""
    grace = 60.0 * config.grace_minutes
    since = {each.name: each.since for each in affected(session, Effect.STOP_SERVERS, now, config)}
    return [
        server
        for server in servers
        if server.user in since and now - max(since[server.user], server.started) >= grace
    ]


def _note_stop(session: Session, server: Server, now: float) -> None:
    audit.record(session, audit.SYSTEM, "stop-server", f"user:{server.user}", {"server": server.name}, now)
    person = find(session, server.user)
    if person is not None:
        send(
            session,
            person.id,
            "standing",
            "Your server was stopped, as your standing says. Your files are kept.",
            now,
        )
