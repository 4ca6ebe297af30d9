"""What a user can switch off, and what the central server sees then: the table in ``docs/ways-in.md``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from jupyter_tos_guard.central.publishing.setup import ensure_repository
from jupyter_tos_guard.central.storage.tables import Client, Strike
from tests.central.conftest import Service, make_service, sqlite_database  # noqa: F401 - fixtures
from tests.server.conftest import EXTENSIONS, OTHERS, Server, Start
from tests.sync.conftest import eventually

#: The policy of the central server here is the default pack, made to enforce by the operator.
BLOCKED = "!xmrig -o stratum+tcp://pool.supportxmr.com:3333"
#: An extension of a user's own that takes the gate away at run time.
THIEF = """
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

def _jupyter_server_extension_points():
    return [{"module": "thief"}]

def _load_jupyter_server_extension(app):
    from tornado.ioloop import IOLoop
    def take():
        app.web_app.settings["kernel_websocket_connection_class"] = ZMQChannelsWebsocketConnection
    IOLoop.current().add_callback(take)
"""


@pytest.fixture
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Service:
    """A real central service with the default policy."""
    ensure_repository(tmp_path / "state")
    begin = request.getfixturevalue("make_service")
    return begin(request.getfixturevalue("sqlite_database"))


@pytest.fixture
def start_in(hub: Service, start: Start, tmp_path: Path) -> Callable[..., Server]:
    """Start a server of Ann's that talks to the central service."""

    def starter(config: dict[str, Any] | None = None, **variables: str) -> Server:
        return start(
            config=config,
            JUPYTER_TOS_GUARD_POLICY="",
            JUPYTER_TOS_GUARD_MODE="enforce",
            **hub.variables("ann", tmp_path / "cache"),
            **variables,
        )

    return starter


def strikes(hub: Service) -> list[tuple[str, str]]:
    with hub.context.database.transaction() as session:
        return [tuple(row) for row in session.execute(select(Strike.action, Strike.sensor))]


def states(hub: Service) -> set[str]:
    """What the clients say of their kernels."""
    with hub.context.database.transaction() as session:
        return {guard["state"] for guards in session.scalars(select(Client.guards)) for guard in guards}


def test_without_the_extension_the_hook_refuses_and_its_companion_reports(
    hub: Service, start_in: Callable[..., Server]
) -> None:
    off = {"ServerApp": {"jpserver_extensions": dict.fromkeys((*OTHERS, "jupyter_tos_guard"), False)}}
    server = start_in({"jupyter_server_config": off})
    client = server.connect(server.start_kernel("guarded"))
    eventually(lambda: client.run(BLOCKED).refused, 60)
    assert server.request("GET", "/jupyter-tos-guard/status")[0] == 404
    eventually(lambda: ("block", "kernel") in strikes(hub), 60)
    assert "gate-only" not in states(hub)


def test_a_connection_class_set_at_run_time_leaves_kernels_that_are_seen_to_be_unguarded(
    hub: Service, start_in: Callable[..., Server], tmp_path: Path
) -> None:
    (tmp_path / "thief.py").write_text(THIEF)
    config = json.loads(json.dumps(EXTENSIONS))
    config["ServerApp"]["jpserver_extensions"]["thief"] = True
    server = start_in({"jupyter_server_config": config}, PYTHONPATH=str(tmp_path))
    client = server.connect(server.start_kernel("bare"))
    assert client.run("print('it runs')").text == "it runs\n"
    eventually(lambda: "unguarded" in states(hub), 120)
    eventually(lambda: "sensor-tampered" in server.log or "connection-class" in server.log, 120)


def test_a_kernelspec_of_ones_own_has_the_gate_and_without_the_lab_extension_nothing_more_runs(
    hub: Service, start_in: Callable[..., Server]
) -> None:
    server = start_in()
    settings = server.folder / "config" / "labconfig"
    settings.mkdir()
    (settings / "page_config.json").write_text('{"disabledExtensions": {"jupyter-tos-guard": true}}')
    assert str(server.folder) in json.dumps(
        server.get("/api/kernelspecs")["kernelspecs"]["bare"]
    )  # Ann's own
    client = server.connect(server.start_kernel("bare"))
    eventually(lambda: client.run(BLOCKED).refused, 60)
    eventually(lambda: ("block", "server") in strikes(hub), 60)
    eventually(lambda: "gate-only" in states(hub), 120)
