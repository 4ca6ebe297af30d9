"""Migrations make the tables that the code expects, once, whoever starts at the same time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from jupyter_tos_guard.central import app
from jupyter_tos_guard.central.casework import audit
from jupyter_tos_guard.central.storage.database import Database, Unavailable
from jupyter_tos_guard.central.storage.migrate import MigrationError, migrate
from jupyter_tos_guard.central.storage.tables import Base
from tests.central.postgresql import Cluster


def test_migrations_and_tables_are_the_same(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_replicas_that_start_together_migrate_once(database_url: str) -> None:
    problems: list[BaseException] = []

    def start() -> None:
        database = Database(database_url)
        try:
            migrate(database)
        except BaseException as error:
            problems.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert problems == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    with database.transaction() as session:
        audit.record(session, "alice", "uphold", "strike:1", {}, 1.0)
    migrate(database)
    with database.reading() as session:
        assert len(audit.entries(session)) == 1


def test_tables_of_a_newer_version_are_refused_in_words(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    with pytest.raises(MigrationError, match="newer version"):
        migrate(database)


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'mallory'", "DELETE FROM audit"])
def test_the_database_refuses_to_change_the_audit_log(database: Database, statement: str) -> None:
    with database.transaction() as session:
        audit.record(session, "alice", "uphold", "strike:1", {}, 1.0)
    with pytest.raises(DBAPIError, match="append-only"), database.transaction() as session:
        session.execute(text(statement))
    with database.reading() as session:
        assert [entry.actor for entry in audit.entries(session)] == ["alice"]


def test_a_database_that_is_not_there_is_said_to_be_unavailable(tmp_path: Path) -> None:
    database = Database(f"postgresql://nobody@/nothing?host={tmp_path}")
    with pytest.raises(Unavailable):
        migrate(database)
    with pytest.raises(Unavailable):
        database.read(lambda session: session.execute(text("SELECT 1")))


def test_a_transaction_that_met_another_is_done_again(database: Database) -> None:
    """Two that read first and write later: one of them has to begin again, and both count."""
    with database.transaction() as session:
        session.execute(text("CREATE TABLE counter (n INTEGER)"))
        session.execute(text("INSERT INTO counter VALUES (0)"))
    both = threading.Barrier(2, timeout=30)
    first = threading.local()

    def add(session: object) -> None:
        if not database.is_sqlite:
            session.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))  # type: ignore[attr-defined]
        number = session.execute(text("SELECT n FROM counter")).scalar_one()  # type: ignore[attr-defined]
        if not database.is_sqlite and not getattr(first, "met", False):
            first.met = True
            both.wait()
        session.execute(text("UPDATE counter SET n = :n"), {"n": number + 1})  # type: ignore[attr-defined]

    threads = [threading.Thread(target=database.run, args=(add,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with database.reading() as session:
        assert session.execute(text("SELECT n FROM counter")).scalar_one() == 2


def test_the_service_waits_for_a_database_that_does_not_answer_yet(
    postgresql: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, away = tmp_path / "there", tmp_path / "away"
    away.symlink_to(tmp_path / "nowhere")
    url = postgresql.create().replace(str(postgresql.folder), str(away))
    waited: list[float] = []

    def appear(seconds: float) -> None:
        waited.append(seconds)
        away.unlink()
        away.symlink_to(postgresql.folder)

    monkeypatch.setattr(app.time, "sleep", appear)
    database = app.CentralApp(database_url=url, state=str(there)).open_database()
    assert waited == [app.DATABASE_PAUSE]
    database.close()


def test_the_service_does_not_wait_for_ever(tmp_path: Path) -> None:
    central = app.CentralApp(database_url=f"postgresql://nobody@/nothing?host={tmp_path}", database_wait=0.0)
    with pytest.raises(app.SettingError, match="database"):
        central.open_database()
