"""Every page of the site as each role sees it, on a site as full as India's: how long the server takes to answer.

The pages are those that the application has, so one that comes later is measured without a word here. Each is asked in
this process, without a network: what is timed is the application and its database. Where an address needs an id, rows
that the crowd has are tried; a page that opens to none of them is named as not measured, and none is left out.
"""

import asyncio
import importlib
import re
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import islice, product
from pathlib import Path
from typing import Any

import httpx

from engine.bench.crowd import fill_site
from engine.bench.filling import Crowd, Sizes
from engine.bench.result import Figure
from engine.bench.stage import site_config
from engine.clock import SystemClock
from engine.config import AccessSection, Config
from engine.errors import PluginError
from engine.money.ledger import seal_journals
from engine.people.access import Device, RoleKind, Stage, roles_of
from engine.people.access.sessions import begin
from engine.schema.migrate import migrate
from engine.store import FileStore, SecretBox, connect, uow
from engine.store.audit import seal

__all__ = ["GOAL_MS", "PageTime", "PageTimes", "measure_pages"]

GOAL_MS = 50
_NO_PAGES = ("/api", "/cb/", "/static/", "/health/", "/metrics", "/favicon")
_MOST_TRIED = 12
_PLACE = re.compile(r"\{([a-z_]+)\}")
# Places whose name is not that of a table.
_CALLED = {
    "key": "api_key",
    "change": "people_change",
    "request_id": "registration_request",
    "registration": "registration_request",
    "lost": "administrator",
    "member": "broker_user",
    "desk_user": "platform_user",
    "holder": "account",
}
_WORDS = {"scheme": ("AIFTA",), "gateway": ("sandbox",), "kind": ("image",), "name": ("app.css",)}
# Searches of a page, beside the page itself.
_SEARCHES = {"/audit": ("group=keys", "group=applications", "person=Asha", "about=APP-00000001", "since=2024-01-01&until=2024-02-01")}


_HALF_IN = "signing in"
_FILE = "a file, no page"
_BROKEN = "answers 5"
_AT_DGFT = "leads to the registry of DGFT, which the throw-away site has not"
_WHY = {"/sign-in/registry": _AT_DGFT, "/sign-in/registry/return": _AT_DGFT, "/verify/captcha/{kind}": _FILE}
_FILES = ("/form/page", "/form/pdf", "/letter", "}/picture")


@dataclass(frozen=True, slots=True)
class PageTime:
    """One page in one role: half of its answers came within `median_ms`, and kept this process busy for `cpu_ms` at most."""

    path: str
    role: str
    median_ms: float
    cpu_ms: float
    worst_ms: float
    kilobytes: float


@dataclass(frozen=True, slots=True)
class PageTimes:
    """All pages of one run, the slowest first, and those that did not open to anybody, with what they answered."""

    pages: Sequence[PageTime]
    closed: Mapping[str, str]

    @property
    def figures(self) -> list[Figure]:
        """The figures with goals."""
        slowest = max((each.median_ms for each in self.pages), default=None)
        return [Figure("page_ms", "the slowest page, half of its answers, ms", slowest, GOAL_MS, at_least=False)]

    def as_json(self) -> dict[str, Any]:
        """Times in milliseconds."""
        return {
            "pages": [
                {
                    "path": each.path,
                    "role": each.role,
                    "median_ms": round(each.median_ms, 2),
                    "cpu_ms": round(each.cpu_ms, 2),
                    "worst_ms": round(each.worst_ms, 2),
                    "kilobytes": round(each.kilobytes, 1),
                }
                for each in self.pages
            ],
            "not_measured": dict(self.closed),
            "goals": {each.name: {"value": each.value, "goal": each.goal, "met": each.met} for each in self.figures},
        }

    def plain(self) -> str:
        """The figures as a table."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{'page':<62} {'as':<14} {'median ms':>9} {'cpu ms':>9} {'worst ms':>9} {'kB':>7}"
        for each in self.pages:
            missed = "" if each.median_ms < GOAL_MS else "  MISSED"
            yield f"{each.path:<62} {each.role:<14} {each.median_ms:>9.1f} {each.cpu_ms:>9.1f} {each.worst_ms:>9.1f} {each.kilobytes:>7.1f}{missed}"
        for path, why in self.closed.items():
            yield f"{path:<62} not measured: {why}"
        yield ""
        yield from (figure.line for figure in self.figures)


def measure_pages(like: Config, *, rounds: int = 15, sizes: Sizes | None = None) -> PageTimes:
    """Fills a throw-away site, asks it for every page in every role, and gives how long the answers took."""
    with tempfile.TemporaryDirectory(prefix="ecoo-pages-") as name:
        config = site_config(Path(name) / "site", like)
        # Nothing is signed here, so no root was made.
        config = replace(config, trust=replace(config.trust, roots=()), gateways={"sandbox": {}})
        return asyncio.run(_measure(config, rounds, sizes or Sizes()))


async def _measure(config: Config, rounds: int, sizes: Sizes) -> PageTimes:
    crowd = await _filled(config, sizes)
    async with _served(config) as (app, client):
        tokens = {str(role): await _signed_in(crowd, role) for role in crowd.accounts}
        tokens[_HALF_IN] = await _half_in(crowd)
        asking = _Asking(client, {"": "", **tokens}, crowd, rounds)
        return await asking.all(_pages_of(app))


async def _filled(config: Config, sizes: Sizes) -> Crowd:
    SecretBox.open(config.secrets.key_file, create=True)
    database, at = await connect(config.database.url), SystemClock().now()
    try:
        await migrate()
        crowd = await asyncio.to_thread(fill_site, Path(config.database.url.removeprefix("sqlite:///")), sizes, at)
        while await seal(at) + await seal_journals(at):
            pass
        store = FileStore(config.files.url)
        for data in crowd.files:
            await store.put(data)
    finally:
        await database.close()
    return crowd


@asynccontextmanager
async def _served(config: Config) -> AsyncIterator[tuple[Any, httpx.AsyncClient]]:
    """The application, named as `ecoo serve` names it: the engine knows no web framework."""
    app = importlib.import_module("admin.app").create_app(config, work=False)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url=config.site.public_url) as client:
        client.headers["accept"] = "text/html"
        yield app, client


async def _signed_in(crowd: Crowd, role: RoleKind) -> str:
    """The token of a session of that role's person, wholly signed in and just proved."""
    at, account = SystemClock().now(), crowd.accounts[role]
    acting = next(each.key for each in await roles_of(account, at) if each.kind is role)
    async with uow():
        return await begin(account, Stage.WHOLE, device=Device("bench"), limits=AccessSection(), at=at, acting=acting)


async def _half_in(crowd: Crowd) -> str:
    """The token of an officer who must still give the code."""
    at = SystemClock().now()
    async with uow():
        return await begin(crowd.accounts[RoleKind.OFFICER], Stage.CODE, device=Device("bench"), limits=AccessSection(), at=at)


def _pages_of(app: Any) -> list[str]:
    """The addresses of all pages, with places for ids in them."""
    routes = {route.path_format for route in app.routes if "GET" in getattr(route, "methods", ())}
    return sorted(path for path in routes if not path.startswith(_NO_PAGES))


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks for pages in turn; `tokens` are those of the roles, the stranger's is empty."""

    client: httpx.AsyncClient
    tokens: Mapping[str, str]
    crowd: Crowd
    rounds: int

    async def all(self, pages: Sequence[str]) -> PageTimes:
        """Every page in every role that it opens to."""
        found, closed = list[PageTime](), dict[str, str]()
        for page in pages:
            opened, said = False, "no row for its address" if _PLACE.search(page) else "opens to nobody"
            for role in self.tokens:
                address, said = await self._opening(page, role, said)
                if address:
                    opened = True
                    found += [await self._timed(page, address, role), *await self._searches(page, address, role)]
            if not opened:
                closed[page] = _FILE if page.endswith(_FILES) and not said.startswith(_BROKEN) else _WHY.get(page, said)
        return PageTimes(sorted(found, key=lambda each: -each.median_ms), closed)

    async def _opening(self, page: str, role: str, said: str) -> tuple[str, str]:
        """An address of the page that shows something to the role, or nothing and what it answered instead."""
        for address in islice(self._addresses(page), _MOST_TRIED):
            answer = await self._ask(address, role)
            if answer.status_code == httpx.codes.OK and answer.headers["content-type"].startswith("text/html"):
                return address, said
            said = said if said == _FILE or said.startswith(_BROKEN) else _instead(answer) or said
        return "", said

    def _addresses(self, page: str) -> Iterator[str]:
        yield from self.crowd.addresses.get(page, ())
        names = _PLACE.findall(page)
        for values in product(*(self._values(name) for name in names)):
            filled = iter(values)
            yield _PLACE.sub(lambda _, filled=filled: next(filled), page)  # type: ignore[misc]

    def _values(self, name: str) -> Sequence[str]:
        if name in _WORDS:
            return _WORDS[name]
        ids = self.crowd.ids
        tables = [_CALLED.get(name, name), *(table for table in ids if name in table.split("_"))]
        return next((ids[table] for table in tables if table in ids), ())

    async def _searches(self, page: str, address: str, role: str) -> list[PageTime]:
        return [await self._timed(f"{page}?{query}", f"{address}?{query}", role) for query in _SEARCHES.get(page, ())]

    async def _timed(self, page: str, address: str, role: str) -> PageTime:
        took, busy, size = list[float](), list[float](), 0
        for _ in range(self.rounds):
            began, worked = time.perf_counter(), time.process_time()
            answer = await self._ask(address, role)
            if answer.status_code == httpx.codes.TOO_MANY_REQUESTS and took:
                break  # a page that one person asks so often shuts, and was measured
            if answer.status_code != httpx.codes.OK:
                raise PluginError(f"The page {address} answered {answer.status_code} when it was asked again.", code="bench_page")
            took.append((time.perf_counter() - began) * 1e3)
            busy.append((time.process_time() - worked) * 1e3)
            size = len(answer.content)
        return PageTime(page, role or "nobody", statistics.median(took), statistics.median(busy), max(took), size / 1000)

    async def _ask(self, address: str, role: str) -> httpx.Response:
        self.client.cookies.clear()
        if self.tokens[role]:
            self.client.cookies.set("session", self.tokens[role])
        return await self.client.get(address)


def _instead(answer: httpx.Response) -> str:
    """What came instead of a page; nothing where it says least, for another role has the page or the person is to sign in."""
    to = answer.headers.get("location", "")
    if answer.status_code == httpx.codes.FORBIDDEN or to.startswith("/sign-in"):
        return ""
    if answer.is_redirect:
        return f"leads to {to}"
    return _FILE if answer.status_code == httpx.codes.OK else f"answers {answer.status_code}"
