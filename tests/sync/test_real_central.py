"""Against the real central service and its database: what arrived, and how often it counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from jupyter_tos_guard.central.publishing.setup import ensure_repository
from jupyter_tos_guard.central.storage.tables import Stream, Strike
from jupyter_tos_guard.gate.settings import configuration
from jupyter_tos_guard.policy.model import Verdict, Where
from jupyter_tos_guard.strikes.spool import Limits, Spool, streams
from jupyter_tos_guard.sync.cache import PolicyCache, read_active
from jupyter_tos_guard.sync.service import Exchange, GuardState, Sync
from jupyter_tos_guard.sync.transport import Transport
from jupyter_tos_guard.sync.uploader import STATE, Circumstances
from tests.central.conftest import Service, make_service, sqlite_database  # noqa: F401 - fixtures
from tests.strikes.test_strike import a_strike

DIGEST = "d" * 64


@pytest.fixture
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Service:
    """A real service with a repository, as after its first start."""
    ensure_repository(tmp_path / "state")
    start = request.getfixturevalue("make_service")
    return start(request.getfixturevalue("sqlite_database"))


def record(folder: Path, *names: str, **options: object) -> None:
    spool = Spool(folder, **options)
    for name in names:
        spool.append([a_strike(id=name, time=time.time() - 60, cell_digest=DIGEST)])


def settings_for(service: Service, folder: Path, user: str = "ann"):
    found = configuration(
        {
            **service.variables(user, folder / "cache"),
            "JUPYTER_TOS_GUARD_STRIKES": str(folder / "strikes"),
        }
    )
    assert not found.problems
    return found


def acts(service: Service) -> list[str]:
    with service.context.database.transaction() as session:
        return sorted(session.scalars(select(Strike.act)))


def holes(service: Service) -> int:
    with service.context.database.transaction() as session:
        return session.scalar(select(func.count()).where(Stream.gap_since > 0)) or 0


def test_policy_in_strikes_out_account_back(hub: Service, tmp_path: Path) -> None:
    settings = settings_for(hub, tmp_path)
    exchange = Exchange(settings, Where(user="ann"), {})
    record(tmp_path / "strikes", "a1", "a2", "a3", limits=Limits(file_bytes=100))
    outcome = exchange.once(Circumstances("gpu", "enforce", [GuardState("k", "python3", "guarded")]))
    assert (outcome.refresh_problem, outcome.report_problem, outcome.rejected) == ("", "", ())
    assert (outcome.reported, outcome.waiting) == (3, 0)
    assert acts(hub) == ["a1", "a2", "a3"]
    assert holes(hub) == 0
    source = PolicyCache(tmp_path / "cache")
    bundle, problem, _ = source.current(time.time())
    assert (bundle is not None, problem) == (True, None)
    assert source.person.seen.standing.live >= 1


def test_sent_again_after_lost_answers_and_lost_state_counts_once(
    hub: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings_for(hub, tmp_path)
    ask = Transport.ask
    answers = iter([False, True, False, True, True, True, True])

    def lost(self, *arguments, **options):
        reply = ask(self, *arguments, **options)
        if not next(answers):
            from jupyter_tos_guard.sync.transport import NoAnswer

            raise NoAnswer("committed, and the answer was lost")
        return reply

    monkeypatch.setattr(Transport, "ask", lost)
    exchange = Exchange(settings, Where(user="ann"), {})
    record(tmp_path / "strikes", "a1", "a2")
    assert exchange.once(Circumstances()).report_problem
    assert exchange.once(Circumstances()).reported == 2
    (tmp_path / "cache" / STATE).unlink()
    record(tmp_path / "strikes", "a3")
    assert exchange.once(Circumstances()).report_problem
    assert exchange.once(Circumstances()).reported == 3
    assert acts(hub) == ["a1", "a2", "a3"]
    assert holes(hub) == 0


def test_a_deleted_file_is_a_hole_there(hub: Service, tmp_path: Path) -> None:
    record(tmp_path / "strikes", "a1", "a2", "a3", limits=Limits(file_bytes=100))
    streams(tmp_path / "strikes")[1][0].unlink()
    exchange = Exchange(settings_for(hub, tmp_path), Where(user="ann"), {})
    assert exchange.once(Circumstances()).waiting == 0
    assert acts(hub) == ["a1", "a3"]
    assert holes(hub) == 1


def test_a_line_taken_out_is_a_hole_and_the_rest_is_not_sent_for_ever(
    hub: Service,
    tmp_path: Path,
) -> None:
    record(tmp_path / "strikes", "a1", "a2", "a3", "a4")
    ((path, _),) = streams(tmp_path / "strikes")
    lines = path.read_bytes().splitlines(True)
    path.write_bytes(lines[0] + lines[2] + lines[3])
    exchange = Exchange(settings_for(hub, tmp_path), Where(user="ann"), {})
    assert exchange.once(Circumstances()).reported == 3
    assert exchange.once(Circumstances()).reported == 0
    assert holes(hub) == 1


def test_a_record_that_is_none_is_refused_alone(hub: Service, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "strikes")
    for name, digest in (("a1", DIGEST), ("a2", "not hex"), ("a3", DIGEST)):
        spool.append([a_strike(id=name, cell_digest=digest)])
    exchange = Exchange(settings_for(hub, tmp_path), Where(user="ann"), {})
    outcome = exchange.once(Circumstances())
    assert (outcome.reported, outcome.waiting, len(outcome.rejected)) == (3, 0, 1)
    assert acts(hub) == ["a1", "a3"]
    assert holes(hub) == 0


def test_the_token_says_who_it_was(hub: Service, tmp_path: Path) -> None:
    from jupyter_tos_guard.central.storage.tables import Person

    spool = Spool(tmp_path / "strikes")
    spool.append([a_strike(id="a1", user="somebody-else", cell_digest=DIGEST)])
    Exchange(settings_for(hub, tmp_path), Where(user="ann"), {}).once(Circumstances())
    with hub.context.database.transaction() as session:
        assert list(session.scalars(select(Person.name))) == ["ann"]


def test_a_release_wakes_the_machine_by_the_long_poll(
    hub: Service,
    tmp_path: Path,
) -> None:
    settings = settings_for(hub, tmp_path)
    repository = hub.context.repository

    async def until(condition: Callable[[], object]) -> None:
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end
            await asyncio.sleep(0.05)

    async def test() -> None:
        sync = Sync(settings, Where(user="ann"), environ={})
        task = asyncio.ensure_future(sync.run())
        await until(lambda: read_active(tmp_path / "cache") and sync._timestamp)
        before = read_active(tmp_path / "cache").serial
        softer = repository.release()._replace(softened={"some-rule": Verdict.OBSERVE})
        await asyncio.to_thread(repository.set_release, softer)
        begun = time.monotonic()
        await until(lambda: read_active(tmp_path / "cache").serial > before)
        assert time.monotonic() - begun < 60, "the interval is 300 seconds"
        answer = await sync.request("GET", "strikes")
        assert (answer.status, answer.body["strikes"]) == (200, [])
        await sync.stop()
        await task

    asyncio.run(test())
