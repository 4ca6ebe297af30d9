"""Whether the guard is still where it was put: what is found, and found once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from jupyter_tos_guard.server.connection import GuardedZMQChannelsWebsocketConnection
from jupyter_tos_guard.server.health import Watch

KERNELS = SimpleNamespace(
    list_kernel_ids=lambda: ["k"],
    get_kernel=lambda kernel: SimpleNamespace(kernel_name="python3", has_kernel=False),
)
GUARDED = {"tos_guard": {"state": "guarded", "detail": ""}}


def watch(
    files: list[Path] | None = None, connection_class: type = GuardedZMQChannelsWebsocketConnection
) -> Watch:
    return Watch(KERNELS, lambda: connection_class, files or [])


def test_a_kernel_that_stops_saying_that_it_is_guarded_is_found_once() -> None:
    looking = watch()
    assert looking.said("k", GUARDED) == []
    assert looking.states()[0].state == "guarded"
    (found,) = looking.said("k", {})
    assert (found.what, found.kernel) == ("kernel", "k")
    assert looking.said("k", {}) == []
    assert looking.states()[0].state == "gate-only"


def test_a_restarted_kernel_may_say_something_else() -> None:
    looking = watch()
    looking.said("k", GUARDED)
    looking.restarted("k")
    assert looking.said("k", {}) == []


def test_a_kernel_that_says_nothing_and_has_no_gate_is_unguarded_and_the_missing_gate_is_found() -> None:
    looking = watch(connection_class=ZMQChannelsWebsocketConnection)
    assert looking.states()[0].state == "unguarded"
    (found,) = asyncio.run(looking.look())
    assert found.what == "connection-class"
    assert asyncio.run(looking.look()) == []


def test_a_switch_that_is_changed_or_gone_is_found_and_one_that_never_was_is_not(tmp_path: Path) -> None:
    one, two, never = tmp_path / "one", tmp_path / "two", tmp_path / "never"
    one.write_text("guard")
    two.write_text("guard")
    looking = watch([one, two, never])
    assert asyncio.run(looking.look()) == []
    one.write_text("")
    two.unlink()
    assert sorted(each.detail for each in asyncio.run(looking.look())) == [
        f"{one} is changed",
        f"{two} is gone",
    ]
