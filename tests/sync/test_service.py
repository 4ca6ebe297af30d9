"""The task of a Jupyter server, against a real server, in a real event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from jupyter_tos_guard.strikes.spool import Spool
from jupyter_tos_guard.sync import service as service_module
from jupyter_tos_guard.sync.cache import LOCK, PolicyCache, read_active
from jupyter_tos_guard.sync.lock import Lock, is_free
from jupyter_tos_guard.sync.service import GuardState, Sync, end_tasks
from tests.strikes.test_strike import a_strike

from .conftest import TIMEOUT, Central, Machine, Publisher, good_account


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals that tests can wait for; what is waited for stays the same."""
    monkeypatch.setattr(service_module, "LOOK", 0.05)
    monkeypatch.setattr(service_module, "GAP", 0.05)


async def until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + TIMEOUT
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(machine: Machine, **options: Any) -> AsyncIterator[tuple[Sync, list[tuple[str, Any]]]]:
    events: list[tuple[str, Any]] = []
    sync = Sync(
        machine.settings,
        machine.where,
        on_event=lambda kind, data: events.append((kind, data)),
        environ={},
        **options,
    )
    task = asyncio.ensure_future(sync.run())
    try:
        yield sync, events
    finally:
        await asyncio.wait_for(sync.stop(), TIMEOUT)
        await asyncio.wait_for(task, TIMEOUT)


def go(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 3 * TIMEOUT))


def test_policy_account_and_strikes_flow(machine: Machine, central: Central) -> None:
    async def test() -> None:
        guards = lambda: [GuardState("k1", "python3", "guarded")]  # noqa: E731
        async with running(machine, guards=guards) as (sync, events):
            await until(lambda: read_active(machine.cache) and sync.account)
            assert sync.account == good_account()
            Spool(machine.strikes).append([a_strike(id="a")])
            await until(lambda: "a" in central.strikes)
            await until(lambda: sync.contact.sent == 1)
            assert (sync.contact.problem, sync.contact.waiting) == ("", 0)
            await until(lambda: ("strikes-confirmed", {"count": 1}) in events)
            assert [kind for kind, _ in events if kind == "policy-activated"] == ["policy-activated"]
            assert central.reports[-1]["guards"][0]["state"] == "guarded"
            assert central.reports[-1]["mode"] == "enforce"

    go(test)


def test_an_emergency_reaches_the_machine_within_seconds(
    machine: Machine, central: Central, publisher: Publisher
) -> None:
    async def test() -> None:
        async with running(machine) as (_, events):
            await until(lambda: [path for _, path, _ in central.requests if "repository/wait" in path])
            begun = time.monotonic()
            await asyncio.get_running_loop().run_in_executor(None, publisher.publish, "2")
            await until(lambda: read_active(machine.cache).version == "2")
            assert time.monotonic() - begun < 30, "far below the interval of 300 seconds"
            await until(
                lambda: [data["version"] for kind, data in events if kind == "policy-activated"][-1:] == ["2"]
            )

    go(test)


def test_a_restriction_reaches_the_guard_with_the_next_report(machine: Machine, central: Central) -> None:
    async def test() -> None:
        async with running(machine) as (sync, events):
            await until(lambda: sync.account)
            central.account = good_account(effects={"paused": True, "until": None, "reason": "enough"})
            sync.wake()
            await until(lambda: sync.account["effects"]["paused"])
            assert ("account-changed", central.account) in events
            source = PolicyCache(machine.cache)
            source.current(time.time())
            assert source.account.paused.reason == "enough"

    go(test)


def test_the_event_loop_is_never_blocked(machine: Machine, central: Central) -> None:
    """Not by a server that lets everybody wait, nor by a slow disk."""

    def slow(handler: Any) -> bool:
        time.sleep(3)
        return False

    central.misbehave = slow

    async def test() -> None:
        longest = 0.0
        async with running(machine):
            end = time.monotonic() + 4
            while time.monotonic() < end:
                before = time.monotonic()
                await asyncio.sleep(0.005)
                longest = max(longest, time.monotonic() - before)
        # A loop blocked by one request would show three seconds; the rest is a busy machine.
        assert longest < 1.5

    go(test)


def test_server_down_is_told_once_and_so_is_its_return(
    machine: Machine, central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_tos_guard.sync import pace

    monkeypatch.setattr(pace, "FIRST_RETRY", 0.2)
    monkeypatch.setattr(pace, "LONGEST_RETRY", 0.2)
    down = True

    def misbehave(handler: Any) -> bool:
        if not down:
            return False
        handler.reply(500)
        return True  # what it is when the reply has left may be another

    central.misbehave = misbehave

    async def test() -> None:
        nonlocal down
        monkeypatch.setattr(service_module, "POLL", 0.3)
        monkeypatch.setattr(service_module, "REPORT", 0.3)
        async with running(machine) as (sync, events):
            await until(lambda: sync.contact.problem and len(central.requests) > 6)
            assert [kind for kind, _ in events] == ["contact-lost"]
            answer = await sync.request("GET", "account")
            assert answer.status == 500
            down = False
            await until(lambda: ("contact-made", {}) in events and not sync.contact.problem)
            assert sync.account

    go(test)


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_server_that_wants_to_be_left_alone_is(machine: Machine, central: Central, status: int) -> None:
    def away(handler: Any) -> bool:
        handler.reply(status, Retry_After="3600")
        return True

    central.misbehave = away

    async def test() -> None:
        async with running(machine) as (sync, _):
            await until(lambda: sync.contact.problem)
            await until(lambda: len(central.requests) >= 2)
            before = len(central.requests)
            for number in range(5):
                Spool(machine.strikes).append([a_strike(id=str(number))])
                sync.wake()
                await asyncio.sleep(0.2)
            assert len(central.requests) - before <= 2, "strikes wait on disk"

    go(test)


def test_requests_of_the_front_end_carry_the_users_token_and_come_back_whole(
    machine: Machine, central: Central
) -> None:
    def echo(handler: Any) -> bool:
        if "appeals" not in handler.path:
            return False
        handler.reply(
            409,
            {
                "method": handler.command,
                "path": handler.path,
                "body": handler.body.decode(),
                "token": handler.headers.get("Authorization"),
            },
        )
        return True

    central.misbehave = echo

    async def test() -> None:
        async with running(machine) as (sync, _):
            answer = await sync.request("POST", "appeals", {"strike": "a", "text": "no"}, {"x": "1&y"})
            assert answer.status == 409
            assert answer.body["path"].endswith("/api/v1/appeals?x=1%26y")
            assert json.loads(answer.body["body"]) == {"strike": "a", "text": "no"}
            assert answer.body["token"].startswith("token ")

    go(test)


def test_requests_say_so_when_nobody_answers(machine: Machine, central: Central) -> None:
    central.close()

    async def test() -> None:
        async with running(machine) as (sync, _):
            answer = await sync.request("GET", "strikes")
            assert answer.status == 503
            assert answer.body["error"]["code"] == "unreachable"

    go(test)


def test_an_answer_without_end_is_cut(machine: Machine, central: Central) -> None:
    from .test_refresher_attacks import endless, on

    central.misbehave = on("strikes", endless)

    async def test() -> None:
        async with running(machine) as (sync, _):
            assert (await sync.request("GET", "strikes")).status == 503

    go(test)


def test_of_two_on_one_cache_one_works_and_the_other_takes_over(machine: Machine, central: Central) -> None:
    async def test() -> None:
        async with running(machine) as (first, _):
            await until(lambda: first.account)
            async with running(machine) as (second, events):
                await until(lambda: second.account)
                assert not second._lock.is_held
                await until(lambda: [kind for kind, _ in events if kind == "account-changed"])
                reports = len(central.reports)
                await first.stop()
                await until(lambda: second._lock.is_held)
                Spool(machine.strikes).append([a_strike(id="after")])
                await until(lambda: "after" in central.strikes)
                assert len(central.reports) > reports

    go(test)


def test_kernels_that_come_and_go_cause_one_report_at_a_time(
    machine: Machine, central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "SETTLE", 0.05)
    guards: list[GuardState] = []

    async def test() -> None:
        async with running(machine, guards=lambda: tuple(guards)) as (sync, _):
            await until(lambda: central.reports)
            before = len(central.reports)
            for number in range(20):
                guards.append(GuardState(f"k{number}", "python3", "guarded", ""))
                sync.kernels_changed()
            await until(lambda: len(central.reports) > before)
            assert len(central.reports[-1]["guards"]) == 20
            # The next waits for a minute, however many they are.
            sync.kernels_changed()
            timer = sync._kernels_timer
            assert timer is not None
            sync.kernels_changed()
            assert sync._kernels_timer is timer
            assert timer.when() - asyncio.get_running_loop().time() > service_module.KERNELS - TIMEOUT

    go(test)


def test_one_that_does_not_wait_ends_when_somebody_else_works(machine: Machine) -> None:
    machine.cache.mkdir(parents=True)
    lock = Lock(machine.cache / LOCK)
    assert lock.take()

    async def test() -> None:
        await Sync(machine.settings, machine.where, environ={}, waits=False).run()

    go(test)
    lock.give()


def test_stopping_sends_what_waits_and_lets_the_lock_go(
    machine: Machine, central: Central, monkeypatch
) -> None:
    monkeypatch.setattr(service_module, "LOOK", 3600.0)  # nobody looks at the record any more

    async def test() -> None:
        async with running(machine) as (sync, _):
            await until(lambda: sync.account)
            Spool(machine.strikes).append([a_strike(id="last")])
        assert "last" in central.strikes
        await until(lambda: is_free(machine.cache / LOCK))

    go(test)


def test_stopping_does_not_wait_for_a_server_that_hangs(machine: Machine, central: Central) -> None:
    import threading

    release = threading.Event()

    def hang(handler: Any) -> bool:
        release.wait(120)
        return False

    central.misbehave = hang

    async def test() -> None:
        sync = Sync(machine.settings, machine.where, environ={})
        task = asyncio.ensure_future(sync.run())
        await until(lambda: central.requests)
        Spool(machine.strikes).append([a_strike(id="last")])
        begun = time.monotonic()
        await sync.stop()
        await task
        assert time.monotonic() - begun < service_module.FAREWELL + 10

    try:
        go(test)
    finally:
        release.set()


def test_a_cache_that_cannot_be_written_is_said_and_breaks_nothing(
    machine: Machine, central: Central
) -> None:
    machine.cache.parent.mkdir(parents=True, exist_ok=True)
    machine.cache.write_text("a file is in the way")

    async def test() -> None:
        async with running(machine) as (sync, events):
            await until(lambda: "cannot be used" in sync.contact.problem)
            assert [kind for kind, _ in events] == ["contact-lost"]

    go(test)


def test_settings_that_cannot_be_used_are_said_and_break_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_tos_guard.gate.settings import configuration

    settings = configuration(machine.variables | {"JUPYTER_TOS_GUARD_PROXY": "http://[::1"})
    events: list[str] = []

    async def test() -> None:
        sync = Sync(settings, machine.where, on_event=lambda kind, _: events.append(kind), environ={})
        await sync.run()
        assert "proxy" in sync.contact.problem
        assert (await sync.request("GET", "strikes")).status == 503
        await sync.stop()

    go(test)
    assert events == ["contact-lost"]


def test_tasks_end_though_one_kept_a_cancellation_to_itself() -> None:
    async def stubborn() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(600)
        await asyncio.sleep(600)

    async def test() -> None:
        tasks = [asyncio.create_task(stubborn()), asyncio.create_task(asyncio.sleep(600))]
        await asyncio.sleep(0)
        await asyncio.wait_for(end_tasks(tasks), 20)
        assert all(task.cancelled() for task in tasks)

    asyncio.run(test())


def test_a_task_that_cannot_be_ended_holds_nobody_up() -> None:
    async def deaf(ended: asyncio.Event) -> None:
        while not ended.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await ended.wait()

    async def test() -> None:
        ended = asyncio.Event()
        task = asyncio.create_task(deaf(ended))
        await asyncio.sleep(0)
        await asyncio.wait_for(end_tasks([task], seconds=0.1), 20)
        assert not task.done()
        ended.set()
        await task

    asyncio.run(test())
