"""Kernels elsewhere: a Jupyter server in front of a real Kernel Gateway, with the gate on either side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port
from tests.server.conftest import Client, Server, Start

GATED = "jupyter_tos_guard.server.connection.GuardedZMQChannelsWebsocketConnection"


@pytest.fixture(scope="module")
def start_gateway(policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Start Kernel Gateways; options of ``KernelGatewayApp`` as keywords."""
    gateways: list[Server] = []

    def starter(**options: Any) -> Server:
        folder = tmp_path_factory.mktemp("gateway")
        port = free_port()
        app = {"ip": "127.0.0.1", "port": port, "port_retries": 0, **options}
        # A Jupyter server in front asks which kernels there are.
        personality = {"list_kernels": True}
        sections = {"KernelGatewayApp": app, "JupyterWebsocketPersonality": personality}
        config = {"jupyter_kernel_gateway_config": sections}
        gateway = Server(folder, policy, ["-m", "kernel_gateway"], config, KG_AUTH_TOKEN="")
        gateways.append(gateway)
        gateway.token = ""
        return gateway.wait(f"http://127.0.0.1:{port}")

    yield starter
    for gateway in gateways:
        gateway.close()


@pytest.fixture(scope="module")
def strong(start_gateway: Callable[..., Server], start: Start) -> tuple[Server, Server]:
    """The gate at the gateway, none in the user's server: the strong set-up."""  # the gateway first: a server that ends tells it
    gateway = start_gateway(kernel_websocket_connection_class=GATED)
    nothing = {"jupyter_server_config": {"ServerApp": {"jpserver_extensions": {"jupyter_tos_guard": False}}}}
    return start(f"--GatewayClient.url={gateway.url}", config=nothing), gateway


@pytest.fixture(scope="module")
def front(start_gateway: Callable[..., Server], start: Start) -> tuple[Server, Server]:
    """The gate in the user's server, none at the gateway."""
    gateway = start_gateway()
    return start(f"--GatewayClient.url={gateway.url}"), gateway


def goes_as_with_a_kernel_of_its_own(client: Client) -> None:
    requests = [
        client.execute("import time; time.sleep(0.3); print('first')"),
        client.execute("import tosblocked"),
        client.execute("print('third')"),
    ]
    first, refused, third = client.collect(*requests)
    assert first.text == "first\n"
    assert refused.kinds == ["busy", "execute_input", "display_data", "error", "execute_reply", "idle"]
    assert third.reply == {"status": "aborted"}
    assert client.run("print('next')").text == "next\n"


def test_a_gate_at_the_gateway_refuses_and_records_outside_the_users_server(
    strong: tuple[Server, Server],
) -> None:
    server, gateway = strong
    client = server.connect(server.start_kernel("bare"))
    goes_as_with_a_kernel_of_its_own(client)
    assert len(gateway.strikes) == 1
    assert not server.strikes


def test_a_gate_at_the_gateway_covers_those_who_speak_to_it_directly(strong: tuple[Server, Server]) -> None:
    _, gateway = strong
    kernel = gateway.start_kernel("bare")
    for v1 in (False, True):
        goes_as_with_a_kernel_of_its_own(gateway.connect(kernel, v1))


def test_the_users_server_takes_over_what_the_gateway_needs_of_the_class(
    front: tuple[Server, Server],
) -> None:
    server, gateway = front
    client = server.connect(server.start_kernel("bare"))
    goes_as_with_a_kernel_of_its_own(client)
    assert len(server.strikes) == 1
    assert not gateway.strikes


def test_a_restart_through_the_gateway_makes_the_gate_forget(front: tuple[Server, Server]) -> None:
    server, _ = front
    kernel = server.start_kernel("bare")
    client = server.connect(kernel)
    client.run("name = 'tosblocked'")
    assert client.run("__import__(name)").refused
    assert server.request("POST", f"/api/kernels/{kernel}/restart")[0] == 200
    assert server.connect(kernel).run("__import__(name)").reply["ename"] == "NameError"


def test_files_of_this_machine_are_not_read_for_a_kernel_on_another(front: tuple[Server, Server]) -> None:
    server, _ = front
    (server.folder / "local.py").write_text("import tosblocked")
    client = server.connect(server.start_kernel("bare"))
    outcome = client.run(f"%run {json.dumps(str(server.folder / 'local.py'))}")
    assert (
        outcome.of("error")[0]["ename"] == "ModuleNotFoundError"
    )  # it is the same machine here: the kernel finds it
    assert not server.strikes or server.strikes[-1].request != outcome.request
