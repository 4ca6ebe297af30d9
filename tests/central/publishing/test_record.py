from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from jupyter_tos_guard.central.publishing import release as steps
from jupyter_tos_guard.central.publishing.document import document_of, write_document
from jupyter_tos_guard.central.publishing.record import record_published, record_release
from jupyter_tos_guard.central.publishing.recorded import recorded
from jupyter_tos_guard.central.storage.database import Database
from jupyter_tos_guard.central.storage.tables import Audit, Person, PolicyVersion, Terms
from jupyter_tos_guard.central.storage.tables import Strike as StrikeRow
from jupyter_tos_guard.strikes.strike import Action, Strike

from .conftest import Hub


def versions(database: Database) -> dict[str, PolicyVersion]:
    with database.reading() as session:
        return {row.version: row for row in session.scalars(select(PolicyVersion))}


def record(hub: Hub, database: Database, now: float = 5.0, documents: Path | None = None) -> list[str]:
    return database.run(
        lambda session: record_published(session, hub.repository, now, documents=documents, actor="ann")
    )


def test_versions_terms_and_audit_are_recorded_once(hub: Hub, database: Database) -> None:
    hub.repository.publish(hub.bundle("2"), hub.targets_keys)
    assert record(hub, database) == ["1", "2"]
    assert record(hub, database, 6.0) == []
    rows = versions(database)
    assert rows["2"].bundle == "policy/2.bundle"
    assert rows["2"].published_by == "ann"
    assert rows["2"].terms_version == "1"
    assert not rows["2"].document["readable"]
    assert rows["2"].document["ladder"] == hub.policy.ladder._asdict()
    with database.reading() as session:
        assert [row.version for row in session.scalars(select(Terms))] == ["1"]
        entries = session.scalars(select(Audit).order_by(Audit.id)).all()
        assert [(entry.actor, entry.action, entry.target) for entry in entries] == [
            ("ann", "publish", "policy:1"),
            ("ann", "publish", "policy:2"),
        ]


def test_what_was_published_elsewhere_is_completed_when_its_document_comes(
    hub: Hub, sqlite_database: Database, tmp_path: Path
) -> None:
    record(hub, sqlite_database, documents=tmp_path)
    assert not versions(sqlite_database)["1"].document["readable"]
    write_document(tmp_path, document_of(hub.policy))  # its version is 1, too
    assert record(hub, sqlite_database, documents=tmp_path) == []
    document = versions(sqlite_database)["1"].document
    assert document["readable"]
    assert document["rules"][0]["condition"]


def test_since_when_a_version_is_in_force_is_noted_when_that_changes(
    hub: Hub, sqlite_database: Database
) -> None:
    hub.repository.publish(hub.bundle("2"), hub.targets_keys)
    record(hub, sqlite_database, 10.0)
    assert {v: row.in_force_since for v, row in versions(sqlite_database).items()} == {"1": 10.0, "2": None}
    for now, version in ((20.0, "2"), (30.0, "2"), (40.0, "1")):
        release = hub.repository.change_release(
            lambda release, v=version: steps.with_current(release, f"policy/{v}.bundle")
        )
        sqlite_database.run(lambda session, r=release, n=now: record_release(session, r, n))
    assert {v: row.in_force_since for v, row in versions(sqlite_database).items()} == {"1": 40.0, "2": 20.0}


def test_a_version_that_is_retired_stays_in_the_record(hub: Hub, sqlite_database: Database) -> None:
    record(hub, sqlite_database)
    hub.repository.publish(
        hub.bundle("2"), hub.targets_keys, then=lambda r, name: steps.with_current(r, name)
    )
    hub.repository.publish(hub.bundle("3"), hub.targets_keys, keep=1)
    record(hub, sqlite_database)
    assert set(versions(sqlite_database)) == {"1", "2", "3"}


def test_recording_is_all_or_nothing(hub: Hub, sqlite_database: Database) -> None:
    hub.repository.publish(hub.bundle("2"), hub.targets_keys)
    for path in (hub.folder / "targets" / "policy").glob("*.1.bundle"):
        path.write_bytes(b"damaged")
    with pytest.raises(Exception, match="not what was signed"):
        record(hub, sqlite_database)
    assert versions(sqlite_database) == {}


def test_strikes_are_read_back_as_they_came_in_in_the_order_of_time(database: Database) -> None:
    with database.transaction() as session:
        session.add(Person(id=1, name="alice", first_seen=0.0))
        session.flush()
        for number in (3, 1, 2):
            session.add(
                StrikeRow(
                    person_id=1, act=f"act-{number}", time=float(number), received=9.0, server="gpu",
                    kernel="k", notebook="n", request=f"r{number}", rule="rule", clause="mining", level="high",
                    policy_version="1", severe=True, verdict="block", action="block", sensor="kernel",
                    cell_digest="d", line=1, column=2, end_line=3, end_column=4, evidence="e", decoded="f",
                    provenance=["exec"], facts=[["command", "xmrig"]],
                )
            )  # fmt: skip
    with database.reading() as session:
        strikes = list(recorded(session, 2.0))
        assert [strike.id for strike in strikes] == ["act-2", "act-3"]
        assert strikes[0] == Strike(
            "act-2", 2.0, "alice", "gpu", "k", "n", "r2", "rule", "mining", "high", "1", True, Action.BLOCK,
            "kernel", "d", 1, 2, "e", "block", 3, 4, "f", ("exec",), (("command", "xmrig"),),
        )  # fmt: skip
        assert [strike.id for strike in recorded(session, 0.0, 2)] == ["act-2", "act-3"]
