"""A real browser: no word on the console, works without JavaScript, holds on a narrow phone, can be used by keyboard."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from engine.store import SecretBox

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield launched
        launched.close()


def characters(page: Page, story: Any) -> str:
    """What a person would read off the picture."""
    source = page.locator(".captcha img").get_attribute("src") or ""
    box = SecretBox.open(story.config.secrets.key_file, create=False)
    return str(box.unseal(source.partition("t=")[2], purpose="captcha").partition(":")[2])


def visit(browser: Browser, served: str, path: str, **context: Any) -> tuple[Page, list[str]]:
    page = browser.new_context(base_url=served, **context).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(request.url))
    page.goto(path)
    return page, said


@pytest.mark.parametrize("javascript", [True, False])
def test_a_person_verifies_by_number(browser: Browser, served: str, story: Any, javascript: bool) -> None:
    page, said = visit(browser, served, "/verify", java_script_enabled=javascript, viewport=PHONE)
    page.get_by_label("Certificate number").fill(story.numbers["issued"])
    before = page.locator(".captcha img").get_attribute("src")  # visited means loaded: the first picture is here
    with page.expect_response(
        "**/captcha/image?*"
    ) as picture:  # the new one: to leave a page before its picture has come is told as a failed request
        page.get_by_role("button", name="New characters").click()
    picture.value.finished()
    assert page.locator(".captcha img").get_attribute("src") != before
    assert page.get_by_label("Certificate number").input_value() == story.numbers["issued"]
    page.get_by_label("Characters in the picture").fill(characters(page, story))
    page.get_by_role("button", name="Verify", exact=True).click()
    heading = page.get_by_role("heading", level=1)
    assert heading.inner_text() == "Genuine"
    number = page.locator(".number strong")
    box = number.bounding_box()
    assert number.inner_text() == story.numbers["issued"]
    assert box is not None
    assert box["y"] + box["height"] < PHONE["height"]
    assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone_and_none_complains(browser: Browser, served: str, story: Any, scheme: Any) -> None:
    for path in ("/", "/verify", "/sign-in", "/password", f"/v/{story.codes['issued']}", f"/v/{story.codes['void']}"):
        page, said = visit(browser, served, path, viewport=PHONE, color_scheme=scheme)
        assert page.locator("main").bounding_box() is not None
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
        assert said == []
        page.context.close()


def test_the_keyboard_reaches_everything_and_every_field_has_a_name(browser: Browser, served: str) -> None:
    page, _ = visit(browser, served, "/verify")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    fields = page.locator("input:not([type=hidden]), audio, button, img")
    for index in range(fields.count()):
        field = fields.nth(index)
        named = field.evaluate(
            "e => (e.labels && e.labels.length > 0) || !!e.getAttribute('aria-label') || !!e.innerText || !!e.getAttribute('alt')"
        )
        assert named, field.evaluate("e => e.outerHTML")
    assert page.locator("html").get_attribute("lang") == "en-IN"


def test_a_wrong_answer_is_announced_and_leads_to_its_field(browser: Browser, served: str) -> None:
    page, _ = visit(browser, served, "/verify")
    page.get_by_label("Certificate number").fill("EIA/1")
    page.get_by_label("Characters in the picture").fill("00000")
    page.get_by_role("button", name="Verify", exact=True).click()
    alert = page.get_by_role("alert")
    alert.get_by_role("link").click()
    assert page.evaluate("document.activeElement.id") == "answer"
    assert page.get_by_label("Certificate number").input_value() == "EIA/1"
