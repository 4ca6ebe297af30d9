"""The extension, the server's part and a real central server with a published repository."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ROOT, Open, Server, lab
from playwright.sync_api import expect
from sqlalchemy import select

sys.path.insert(0, str(ROOT))

from jupyter_tos_guard.central.casework import messages  # the path comes first
from jupyter_tos_guard.central.publishing.record import record_published
from jupyter_tos_guard.central.publishing.setup import ensure_repository  # as above
from jupyter_tos_guard.central.storage.database import Database  # as above
from jupyter_tos_guard.central.storage.tables import (  # as above
    Acceptance,
    Appeal,
    Message,
    Person,
    Strike,
)
from tests.central.conftest import Service, make_service, sqlite_database  # noqa: F401  # fixtures

BLOCKED = "import os\nos.system('./xmrig --donate-level 1')"


@pytest.fixture
def hub(make_service: Callable[..., Service], sqlite_database: Database, tmp_path: Path) -> Service:  # noqa: F811  # fixtures
    ensure_repository(tmp_path / "state")
    service = make_service(sqlite_database, require_terms=True)
    with sqlite_database.transaction() as session:
        record_published(
            session, service.context.repository, time.time()
        )  # as the service does beside requests
    return service


@pytest.fixture
def server(hub: Service, tmp_path: Path) -> Iterator[Server]:
    """A server of the user ann, whose policy comes from the hub."""
    folder = tmp_path / "ann"
    folder.mkdir()
    with lab(
        folder,
        JUPYTERHUB_USER="ann",
        JUPYTER_TOS_GUARD_MODE="enforce",
        **hub.variables("ann", folder / "cache"),
    ) as running:
        until = time.monotonic() + 40
        while (
            not (folder / "cache" / "account.json").is_file()
            or not (folder / "cache" / "active.json").is_file()
        ):
            assert time.monotonic() < until, (folder / "log").read_text()[-3000:]
            time.sleep(0.1)
        yield running


def test_appeal_acceptance_and_messages_reach_the_central_server(
    hub: Service, server: Server, notebook: Open
) -> None:
    with hub.context.database.transaction() as session:
        person = session.scalars(select(Person).where(Person.name == "ann")).one()
        messages.send(session, person.id, "review", "Please mind <b>the rules</b>.", time.time())
    book = notebook(BLOCKED)
    expect(book.status).to_have_text("Terms to accept")
    cell = book.run(0)
    cell.get_by_role("button", name="This is a mistake").click()
    dialog = book.page.get_by_role("dialog")
    dialog.locator("textarea").fill("It is a lecture about names.")
    dialog.get_by_role("button", name="Send").click()
    expect(cell.locator(".jp-TosGuard-notice")).to_contain_text("Your appeal was sent.")
    book.status.click()
    panel = book.page.locator(".jp-TosGuard-record")
    expect(panel).to_contain_text("Please mind <b>the rules</b>.")
    # The strike has brought another message, about the standing.
    said = panel.get_by_text("Please mind").locator("xpath=ancestor-or-self::*[.//button][1]")
    said.get_by_role("button", name="I have read it").click()
    expect(panel.get_by_text("Please mind")).to_have_count(0)
    panel.get_by_role("button", name="Withdraw").click()
    expect(panel.get_by_role("button", name="Withdraw")).to_have_count(0)
    panel.get_by_role("button", name="I have read and accept version").click()
    expect(book.status).not_to_have_text("Terms to accept")
    with hub.context.database.transaction() as session:
        appeal = session.scalars(select(Appeal)).one()
        assert appeal.text == "It is a lecture about names."
        assert appeal.state == "withdrawn"
        assert session.get(Strike, appeal.strike_id).action == "block"
        assert session.scalars(select(Message).where(Message.kind == "review")).one().read_at
        assert session.scalars(select(Acceptance)).one().person_id == appeal.person_id
