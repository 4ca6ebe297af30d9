"""What the service does by itself beside a Hub: silent clients, levels that end, servers that are stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_tos_guard.central.casework import messages, people
from jupyter_tos_guard.central.casework.audit import entries
from jupyter_tos_guard.central.casework.config import CaseworkConfig, Effect
from jupyter_tos_guard.central.hub.api import HubApi, HubError, Server
from jupyter_tos_guard.central.hub.watch import IN_USE, SILENT, look, mark_silent, to_stop
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.migrate import migrate
from jupyter_tos_guard.central.storage.tables import Client, Person
from jupyter_tos_guard.strikes.standing import Level
from tests.hub.conftest import StartHub
from tests.hub.hubs import RealHub, wait_for

NOW = 1_800_000_000.0
STOPS = CaseworkConfig(effects={Level.SUSPENDED: (Effect.STOP_SERVERS,)}, grace_minutes=10)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path / 'central.sqlite'}")
    migrate(found)
    yield found
    found.close()


def server(user: str, name: str = "", *, idle: float = 0.0, age: float = 10 * SILENT) -> Server:
    return Server(user, name, NOW - age, NOW - idle)


def note_client(database: Database, user: str, *, quiet: float, server: str = "", name: str = "a") -> None:
    with database.transaction() as session:
        person = people.ensure(session, user, NOW)
        session.add(
            Client(
                person_id=person.id,
                name=name,
                server=server,
                first_report=NOW - quiet - 10,
                last_report=NOW - quiet,
                guards=[],
            )
        )


def silent(database: Database, *servers: Server, now: float = NOW) -> dict[str, float]:
    with database.transaction() as session:
        mark_silent(session, servers, now)
    with database.transaction() as session:
        return {client.name: client.silent_since for client in session.query(Client) if client.silent_since}


def test_a_client_that_goes_silent_while_its_server_is_in_use_is_marked(database: Database) -> None:
    note_client(database, "bo", quiet=SILENT + 1)
    assert silent(database, server("bo")) == {"a": NOW}
    assert silent(database, server("bo"), now=NOW + 60) == {"a": NOW}, "since when it was first seen"


@pytest.mark.parametrize(
    "servers",
    [
        [],
        [server("bo", idle=IN_USE + 1)],
        [server("bo", age=SILENT - 1)],
        [server("bo", "other")],
        [server("another")],
    ],
    ids=["stopped", "idle", "just started", "another server", "another user"],
)
def test_a_client_of_whom_no_report_is_expected_is_not_marked(
    database: Database, servers: list[Server]
) -> None:
    note_client(database, "bo", quiet=SILENT + 1)
    assert silent(database, *servers) == {}


def test_the_mark_goes_when_the_client_reports_again_or_its_server_stops(database: Database) -> None:
    note_client(database, "bo", quiet=SILENT + 1)
    assert silent(database, server("bo"))
    assert not silent(database)
    assert silent(database, server("bo"))
    with database.transaction() as session:
        session.query(Client).update({"last_report": NOW})
    assert not silent(database, server("bo"))


def test_a_home_that_was_made_anew_does_not_leave_a_silent_client_behind(database: Database) -> None:
    note_client(database, "bo", quiet=SILENT * 9, name="old")
    note_client(database, "bo", quiet=1, name="new")
    assert silent(database, server("bo")) == {}


def suspend(database: Database, user: str, since: float, until: float | None = NOW + 1e6) -> None:
    with database.transaction() as session:
        person = people.ensure(session, user, NOW)
        person.level, person.level_since, person.level_until = Level.SUSPENDED.value, since, until


@pytest.mark.parametrize(
    ("since", "age", "stopped"),
    [(NOW - 601, 5000, True), (NOW - 599, 5000, False), (NOW - 5000, 599, False), (NOW - 5000, 601, True)],
    ids=["after the grace", "within it", "server started later", "grace counts from that start"],
)
def test_servers_are_stopped_once_the_grace_is_over(
    database: Database, since: float, age: float, stopped: bool
) -> None:
    suspend(database, "bo", since)
    with database.transaction() as session:
        found = to_stop(session, [server("bo", age=age), server("anna", age=age)], NOW, STOPS)
    assert [each.user for each in found] == (["bo"] if stopped else [])


def test_nobody_is_stopped_where_the_effect_is_not_set(database: Database) -> None:
    suspend(database, "bo", NOW - 1e6)
    with database.transaction() as session:
        assert to_stop(session, [server("bo")], NOW, CaseworkConfig()) == []


def context(database: Database, config: CaseworkConfig, now: float) -> Any:
    async def run(work: Any) -> Any:
        return database.run(work)

    said: list[str] = []
    log = SimpleNamespace(warning=lambda text, *values: said.append(text % values))
    return SimpleNamespace(
        transaction=run, reading=run, clock=lambda: now, casework=config, log=log, said=said
    )


def test_restrictions_end_by_themselves_also_while_the_hub_cannot_be_asked(database: Database) -> None:
    suspend(database, "bo", NOW - 100, until=NOW - 1)

    class Broken(HubApi):
        async def servers(self) -> list[Server]:
            raise HubError("the Hub is down")

    with pytest.raises(HubError):
        asyncio.run(look(context(database, STOPS, NOW), Broken("http://127.0.0.1:1", "t")))
    with database.transaction() as session:
        person = session.query(Person).one()
        assert person.level == Level.GOOD
        assert "has ended" in messages.unread(session, person.id)[0]["text"]


@pytest.fixture(scope="module")
def hub(start_hub: StartHub) -> RealHub:
    return start_hub(
        """
c.JupyterHub.services.append({"name": "watcher", "api_token": "watcher" * 8})
c.JupyterHub.services.append({"name": "stranger", "api_token": "stranger" * 8})
from jupyter_tos_guard.central.hub.roles import SERVICE_SCOPES
c.JupyterHub.load_roles.append({"name": "watcher", "services": ["watcher"], "scopes": list(SERVICE_SCOPES)})
c.JupyterHub.allow_named_servers = True
"""
    )


def test_a_real_server_of_somebody_suspended_is_stopped_and_they_are_told(
    hub: RealHub, database: Database
) -> None:
    hub.start_server("bo")
    api = HubApi(f"{hub.url}/hub/api", "watcher" * 8)
    (found,) = asyncio.run(api.servers())
    assert (found.user, found.name) == ("bo", "")
    assert found.started > 1.7e9
    suspend(database, "bo", found.started - 1000, until=found.started + 1e6)
    early = context(database, STOPS, found.started + 599)
    asyncio.run(look(early, api))
    assert hub.server_ready("bo")
    late = context(database, STOPS, found.started + 601)
    asyncio.run(look(late, api))
    wait_for(lambda: not hub.api("GET", "/users/bo")["servers"], "the server to stop")
    assert "stopped the server '' of bo" in late.said[0]
    with database.transaction() as session:
        person = people.get(session, "bo")
        assert "was stopped" in messages.unread(session, person.id)[0]["text"]
        assert [entry.action for entry in entries(session)] == ["stop-server"]


def test_pages_of_users_are_read_to_the_end(hub: RealHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HubApi, "PAGE", 1)
    hub.start_server("carl")
    hub.start_server("dora")
    found = asyncio.run(HubApi(f"{hub.url}/hub/api", "watcher" * 8).servers())
    assert {each.user for each in found} >= {"carl", "dora"}


def test_missing_scopes_are_named_in_the_log(hub: RealHub) -> None:
    with pytest.raises(HubError, match="has not the scopes that guard_hub gives it"):
        asyncio.run(HubApi(f"{hub.url}/hub/api", "stranger" * 8).servers())
