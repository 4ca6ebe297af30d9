"""Real kernels under a central server: without a Jupyter server, and with somebody who holds the lock."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from jupyter_tos_guard.gate.notice import MIME_TYPE, PAUSED, SENTENCE
from jupyter_tos_guard.sync.cache import LOCK, read_active
from jupyter_tos_guard.sync.lock import Lock, is_free
from jupyter_tos_guard.sync.service import Exchange
from jupyter_tos_guard.sync.uploader import Circumstances
from tests.kernel.conftest import Session, environment

from .conftest import Central, Machine, Publisher, eventually, good_account

Start = Callable[..., Session]


@pytest.fixture
def start(machine: Machine, tmp_path: Path) -> Iterator[Start]:
    sessions: list[Session] = []

    def starter(**variables: str) -> Session:
        folder = tmp_path / f"kernel-{len(sessions)}"
        folder.mkdir()
        environ = environment(folder, Path("unused"))
        del environ["JUPYTER_TOS_GUARD_POLICY"]
        environ = {**environ, **machine.variables, "JUPYTERHUB_USER": "ann", **variables}
        import sys

        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        sessions.append(Session(folder, argv, environ))
        return sessions[-1]

    yield starter
    for session in sessions:
        session.close()


@pytest.fixture
def held(machine: Machine) -> Iterator[Exchange]:
    """Somebody else does the work: the test itself, when it says so."""
    exchange = Exchange(machine.settings, machine.where, {})
    machine.cache.mkdir(parents=True, exist_ok=True)
    lock = Lock(machine.cache / LOCK)
    assert lock.take()
    yield exchange
    lock.give()


def companions(kernel: Session) -> list[psutil.Process]:
    found = psutil.Process(kernel.manager.provisioner.pid).children()
    return [each for each in found if "jupyter_tos_guard.sync" in each.cmdline()]


def next_second() -> None:
    """Kernels look at the cache once a second: wait until they may look again."""
    until = time.monotonic() + 1.1
    while time.monotonic() < until:
        time.sleep(0.1)


def test_a_policy_published_while_a_kernel_runs_takes_effect_at_its_next_cell(
    start: Start, held: Exchange, publisher: Publisher
) -> None:
    held.refresh()
    kernel = start()
    assert kernel.run("import forbidden").refused
    assert not kernel.run("part = 1; import outlawed").refused
    publisher.publish("2", module="outlawed")
    held.refresh()
    next_second()
    assert not kernel.run("import forbidden").refused
    assert kernel.run("import outlawed").refused
    assert kernel.run("print(part)").text == "1\n", "the session goes on"
    assert not companions(kernel)


def test_without_the_hubs_policy_cells_run_and_it_is_said(start: Start, held: Exchange) -> None:
    kernel = start()
    assert not kernel.run("import forbidden").refused
    assert kernel.info()["tos_guard"] == {
        "state": "failing",
        "detail": "no-policy: the hub's policy has not reached this machine yet",
    }
    assert "no-policy" in kernel.run("%tos status").text


def test_a_paused_person_is_told_and_can_ask(start: Start, held: Exchange, central: Central) -> None:
    held.refresh()
    central.account = good_account(
        standing={
            "level": "restricted",
            "live": 3,
            "until": 4e9,
            "next_level": "suspended",
            "strikes_left": 2,
        },
        effects={"paused": True, "blocked_clauses": [], "until": 4e9, "reason": "Three strikes <b>\x1b[31m"},
    )
    held.report(Circumstances())
    kernel = start()
    outcome = kernel.run("part = 1")
    assert outcome.refused
    assert outcome.reply["evalue"].startswith("running code is paused for your account until 2096-")
    assert PAUSED in outcome.reply["traceback"]
    (display,) = outcome.of("display_data")
    html, plain = display["data"]["text/html"], display["data"]["text/plain"]
    assert display["data"][MIME_TYPE]["pause"]["until"] == 4e9
    for text in (html, plain):
        assert "Three strikes" in text
        assert SENTENCE not in text
        assert "\x1b" not in text
    assert "<b>" not in html
    assert not kernel.strikes, "a pause is no breach"
    status = kernel.run("%tos status").text
    assert "restricted until 2096" in status
    assert "no code runs until 2096" in status
    assert "2 more may lead to: suspended" in status
    assert "paused" in kernel.run("%tos check 1 + 1").text
    assert kernel.run("%tos terms").reply["status"] == "ok"
    central.account = good_account()
    held.report(Circumstances())
    next_second()
    assert not kernel.run("part = 1").refused


def test_status_says_how_the_exchange_goes(
    start: Start, held: Exchange, central: Central, machine: Machine
) -> None:
    held.refresh()
    held.report(Circumstances())
    kernel = start()
    kernel.run("import forbidden")
    text = kernel.run("%tos status").text
    assert machine.central in text
    assert "release 1" in text
    central.close()
    outcome = held.once(Circumstances())
    assert outcome.waiting == 1
    text = kernel.run("%tos status").text
    assert "cannot be reached" in text
    assert "records waiting: 1" in text


def test_a_lone_kernel_gets_policy_and_sends_strikes_by_a_companion_that_ends_with_it(
    start: Start, machine: Machine, central: Central
) -> None:
    kernel = start()
    kernel.run("1")
    eventually(lambda: read_active(machine.cache))
    (companion,) = eventually(lambda: companions(kernel))
    assert companion.nice() >= 5
    next_second()
    assert kernel.run("import forbidden").refused
    eventually(lambda: central.strikes)
    (strike,) = central.strikes.values()
    assert (strike["user"], strike["action"]) == ("ann", "block")
    other = start()
    other.run("1")
    next_second()
    assert not companions(other), "one for all kernels of a user"
    os.kill(kernel.manager.provisioner.pid, signal.SIGKILL)
    eventually(lambda: not companion.is_running() or companion.status() == psutil.STATUS_ZOMBIE)
    eventually(lambda: is_free(machine.cache / LOCK))


def test_a_kernel_without_a_central_server_starts_nothing(start: Start, machine: Machine) -> None:
    kernel = start(JUPYTER_TOS_GUARD_CENTRAL="")
    kernel.run("1")
    next_second()
    assert not companions(kernel)
    assert not machine.cache.exists()
