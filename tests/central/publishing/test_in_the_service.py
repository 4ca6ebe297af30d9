"""What the service does for the repository by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_tos_guard.central.app import CentralApp
from jupyter_tos_guard.central.publishing.repository import LIFE, Repository
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.threads import Threads
from jupyter_tos_guard.central.tasks import Signatures
from jupyter_tos_guard.central.web.auth import TokenAuth
from jupyter_tos_guard.central.web.context import Context
from jupyter_tos_guard.central.web.metrics import Metrics

from .conftest import Hub
from .test_repository import laptop, push

DAY = 86_400.0


@pytest.fixture
def context(hub: Hub, sqlite_database: Database, tmp_path: Path) -> Iterator[Context]:
    threads = Threads(1, 10)
    yield Context(
        database=sqlite_database,
        casework=CentralApp().casework(),
        auth=TokenAuth(sqlite_database, threads),
        threads=threads,
        metrics=Metrics("tos_guard"),
        clock=hub.repository.now,
        repository_folder=hub.folder,
        repository=hub.repository,
        documents=tmp_path / "state" / "documents",
    )
    threads.close()


def test_a_version_copied_from_a_laptop_is_taken_up_by_itself(
    hub: Hub, context: Context, tmp_path: Path
) -> None:
    mine = laptop(hub, tmp_path)
    mine.publish(hub.bundle("2"), hub.targets_keys)
    push(mine, hub, "targets/**/*", "metadata/*.targets.json")
    asyncio.run(Signatures(context)())
    assert hub.reader().has("policy/2.bundle")


def test_signatures_are_renewed_with_keys_that_lie_with_the_service(
    hub: Hub, context: Context, tmp_path: Path
) -> None:
    offline = tmp_path / "state" / "keys" / "offline"
    offline.parent.mkdir(parents=True)
    hub.offline.rename(offline)
    hub.now[0] += (LIFE["targets"] - 10) * DAY
    asyncio.run(Signatures(context)())
    assert hub.repository.problems() == []


def test_what_only_people_can_mend_is_logged_when_it_begins_and_daily(
    hub: Hub, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    look = Signatures(context)
    hub.now[0] += (LIFE["targets"] - 10) * DAY
    with caplog.at_level(logging.WARNING, context.log.name):
        asyncio.run(look())
        asyncio.run(look())
        assert [record.message.split()[0] for record in caplog.records] == ["targets"]
        hub.now[0] += 1.5 * DAY
        asyncio.run(look())
        assert len(caplog.records) == 2


def test_a_replica_without_keys_signs_nothing(hub: Hub, context: Context, tmp_path: Path) -> None:
    hub.now[0] += 5 * DAY
    before = hub.files()
    replica = Repository(hub.folder, tmp_path / "no-keys", hub.repository.now)

    asyncio.run(Signatures(replace(context, repository=replica))())
    assert hub.files() == before
    asyncio.run(Signatures(context)())
    assert hub.files() != before
