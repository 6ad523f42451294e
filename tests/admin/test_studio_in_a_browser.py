"""The studio in a real browser on a phone: with a script a frame is drawn on the photo, without one it is typed."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from engine.config import AccessSection
from engine.demo_pictures import signature_photo
from engine.people import add_officer, agency_by_code
from engine.people.access import Device, Stage
from engine.people.access.sessions import begin
from engine.people.tables import Account
from engine.scope import PLATFORM
from engine.store import connect, uow
from tests.admin.test_in_a_browser import CHROMIUM, PHONE

EDGES = {"left": "8.0", "top": "10.0", "right": "95.0", "bottom": "92.0"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield launched
        launched.close()


async def _officer(url: str) -> str:
    """A session of a new officer, signed in and just proved."""
    at, email = datetime.now(UTC), f"{uuid4().hex}@studio.example.in"
    database = await connect(url)
    try:
        agency = await agency_by_code(PLATFORM, "EIA")
        await add_officer(agency, email=email, name="A. Hand", designation="Director", actor="test", at=at)
        [row] = await Account.select(Account.id).where(Account.email == email)
        async with uow():
            known = {Account.totp_sealed: "x", Account.totp_set_at: at, Account.password_hash: "x"}
            await Account.update(known).where(Account.id == row["id"])
            return await begin(row["id"], Stage.WHOLE, device=Device("test"), limits=AccessSection(), at=at)
    finally:
        await database.close()


def draw(page: Page) -> None:
    """Draws the frame with a finger's way: down, along, up."""
    box = page.locator("[data-crop]").bounding_box()
    assert box
    at = {edge: float(value) / 100 for edge, value in EDGES.items()}
    page.mouse.move(box["x"] + at["left"] * box["width"], box["y"] + at["top"] * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.move(box["x"] + at["right"] * box["width"], box["y"] + at["bottom"] * box["height"])
    page.mouse.up()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_photo_is_cleaned_and_framed(browser: Browser, served: str, story: Any, javascript: bool) -> None:
    with ThreadPoolExecutor(1) as pool:  # the browser's own loop runs in this thread
        token = pool.submit(asyncio.run, _officer(story.config.database.url)).result()
    context = browser.new_context(base_url=served, viewport=PHONE, java_script_enabled=javascript)
    context.add_cookies([{"name": "session", "value": token, "url": served}])
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto("/picture")
    page.set_input_files("#file", {"name": "hand.jpg", "mimeType": "image/jpeg", "buffer": signature_photo()})
    page.get_by_role("button", name="Upload and clean").click()
    page.get_by_text("of 100").wait_for()
    if javascript:
        draw(page)
    else:
        page.get_by_text("Adjust it").click()
        for edge, value in EDGES.items():
            page.fill(f"#{edge}", value)
    typed = {edge: round(float(page.input_value(f"#{edge}"))) for edge in EDGES}
    assert typed == {edge: round(float(value)) for edge, value in EDGES.items()}
    before = page.get_by_alt_text("on white").get_attribute("src")
    page.get_by_role("button", name="Show again").click()
    page.wait_for_url("**/picture#result")
    assert page.get_by_alt_text("on white").get_attribute("src") != before
    assert {edge: round(float(page.input_value(f"#{edge}"))) for edge in EDGES} == typed
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("link", name="See it on a form").first.click()
    page.get_by_alt_text("marked SPECIMEN").wait_for()
    assert said == []
    context.close()
