"""Every page for signed-in persons in a real browser: fits a phone in light and dark, complains of nothing, and passes axe."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from engine.store import connect
from tests.admin.test_in_a_browser import CHROMIUM, PHONE
from tests.admin.test_who_may_enter import ANYONE, FOR_ROLES, HALF, KEY, MADE_FIRST, PERSON, TABLE
from tests.admin.world import ROLES, World, build

SERIOUS = {"serious", "critical"}
# In light every rule of the standard; in dark those of colour again, for nothing else changes then (a test below holds it so).
JUDGED = """async (scheme) => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
  const colours = axe.getRules(tags).filter(rule => rule.tags.includes("cat.color")).map(rule => rule.ruleId);
  const rules = scheme === "light" ? {type: "tag", values: tags} : {type: "rule", values: colours};
  const found = await axe.run(document, {runOnly: rules, resultTypes: ["violations"]});
  return found.violations.map(each => [each.impact, each.id, each.nodes.map(node => node.target)]);
}"""
AXE = Axe().axe_script
TEMPLATES = Path(__file__).parents[2] / "admin" / "templates"
STYLES = Path(__file__).parents[2] / "admin" / "static" / "app.css"
NO_PAGES = re.compile(r"\.(pdf|csv|png|jsonl)$|/(letter|original|result|image|picture/.*|export.*|start)$|^/sign-in/registry")
PUBLIC = ["/", "/verify", "/sign-in", "/password", "/register"]


def pages_of(role: str) -> list[str]:
    """The pages that a role may open, by the table of routes."""
    mine = [route for route in FOR_ROLES if role in TABLE[route].split() and route not in MADE_FIRST]
    persons = [route for route, who in TABLE.items() if who == PERSON]
    paths = [route.partition(" ")[2] for route in (*persons, *mine) if route.startswith("GET ")]
    return [path for path in paths if not NO_PAGES.search(path)]


def test_the_table_tells_of_pages() -> None:
    assert {ANYONE, HALF, KEY} < set(TABLE.values())
    assert all(len(pages_of(str(role))) > 3 for role in ROLES)


def test_the_dark_scheme_changes_colours_and_nothing_else() -> None:
    """So that what the standard asks beside colours is judged in one scheme."""
    style = STYLES.read_text(encoding="utf-8")
    [dark] = re.findall(r"@media[^{]*prefers-color-scheme[^{]*\{\s*:root\s*\{([^{}]*)\}\s*\}", style)
    assert style.count("prefers-color-scheme") == 1
    assert all(re.fullmatch(r"--[a-z-]+: #[0-9a-f]{6}", each.strip()) for each in dark.strip().rstrip(";").split(";"))
    assert not [path for path in TEMPLATES.rglob("*.html") if "prefers-color-scheme" in path.read_text(encoding="utf-8")]


async def _enter_all(url: str, worlds: list[World]) -> tuple[World, dict[str, str]]:
    database = await connect(url)
    try:
        at, found = datetime.now(UTC), {}
        if not worlds:
            worlds.append(await build(at))
        [world] = worlds
        async with httpx.AsyncClient() as client:
            for role in ROLES:
                await world.enter(client, role, at)
                found[str(role)] = client.cookies["session"]
        return world, found
    finally:
        await database.close()


@pytest.fixture(scope="module")
def tokens(story: Any, worlds: list[World]) -> tuple[World, dict[str, str]]:
    """A session for each role, as the served site counts time; made in a thread, for the browser's own loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, _enter_all(story.config.database.url, worlds)).result()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield launched
        launched.close()


def signed_in(browser: Browser, served: str, token: str, **options: Any) -> BrowserContext:
    context = browser.new_context(base_url=served, viewport=PHONE, **options)
    if token:
        context.add_cookies([{"name": "session", "value": token, "url": served}])
    return context


def filled(path: str, world: World) -> str:
    return re.sub(r"\{([a-z_]+)\}", lambda place: world.pairs[place[1]].own, path)


@pytest.mark.parametrize("role", ["stranger", *map(str, ROLES)])
def test_every_page_fits_a_phone_complains_of_nothing_and_passes_axe(
    browser: Browser, served: str, tokens: tuple[World, dict[str, str]], role: str
) -> None:
    world, cookies = tokens
    context = signed_in(browser, served, cookies.get(role, ""))
    said: list[str] = []
    found: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in PUBLIC if role == "stranger" else pages_of(role):
        answer = page.goto(filled(path, world))
        if "{" in path and answer is not None and answer.status == 404:  # of another role; that an id opens, the table's tests prove
            said.clear()
            continue
        led = urlsplit(page.url).path
        if answer is None or answer.status != 200 or (led.startswith("/sign-in") and role != "stranger"):
            found.append(f"{path} answers {answer and answer.status} at {led}")
            said.clear()
            continue
        found += [f"{path} says {word}" for word in said]
        said.clear()
        page.evaluate(AXE)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            if (wide := page.evaluate("document.documentElement.scrollWidth")) > PHONE["width"]:
                found.append(f"{path} is {wide} px wide in {scheme}")
            for impact, rule, targets in page.evaluate(JUDGED, scheme):
                if impact in SERIOUS:
                    found.append(f"{path} in {scheme}: {rule} at {targets[:3]}")
    context.close()
    assert found == []
