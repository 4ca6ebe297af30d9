"""The pages behind a real JupyterHub: its login, its logo, its protection of forms, in a real browser."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.central.postgresql import missing
from tests.hub.conftest import StartHub, proxy, start_hub
from tests.hub.hubs import RealHub

from .test_browser import ARGUMENTS, CHROMIUM

__all__ = ["proxy", "start_hub"]

CONFIG = """
from jupyter_tos_guard.central.hub import guard_hub
guard_hub(c, url="http://127.0.0.1:SERVICE_PORT", settings={"state": "FOLDER/central"})
"""


@pytest.fixture(scope="module")
def hub(start_hub: StartHub) -> RealHub:
    if not CHROMIUM.exists():
        missing(f"{CHROMIUM} is missing")
    return start_hub(CONFIG)


def test_an_admin_comes_from_the_hub_and_acts(hub: RealHub) -> None:
    pictures = os.environ.get("TOS_GUARD_SCREENSHOTS")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(60_000)
        problems: list[str] = []
        page.goto(hub.url + "/hub/login?next=/hub/home")
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill("x")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/hub/home")
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(hub.service_url.rstrip("/") + "/")
        expect(page).to_have_url(re.compile(r"/overview$"))
        logo = page.get_by_role("img", name="JupyterHub: home")
        expect(logo).to_be_visible()
        assert logo.evaluate("image => image.naturalWidth") > 0
        assert page.get_by_role("button", name="Log out").count() == 0, "the Hub logs out"
        if pictures:
            page.screenshot(path=Path(pictures) / "hub-overview.png", full_page=True)
        page.get_by_role("link", name="Exemptions").click()
        page.get_by_label("Name").fill("bert")
        page.get_by_label("Rule or clause").select_option("*")
        page.get_by_label("Until the end of (UTC)").fill("2027-06-30")
        page.get_by_label("Reason").fill("A course")
        page.get_by_role("button", name="Exempt", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("The exemption was made.")
        page.get_by_role("link", name="Rules").click()
        expect(page.get_by_role("row").nth(1)).to_be_visible()
        page.get_by_role("link", name="Policy").first.click()
        expect(page.get_by_text("everybody", exact=True)).to_be_visible()
        assert problems == []
        browser.close()
