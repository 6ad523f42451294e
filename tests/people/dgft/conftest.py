"""The rehearsal registry on a real socket of this machine, a browser's walk through it, and a clock that tests move."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from admin.rehearsal.cast import CAST, Cast
from admin.rehearsal.desk import Client, Desk
from admin.rehearsal.faults import Faults
from admin.rehearsal.registry import create_registry
from admin.rehearsal.tokens import SigningKey, new_key
from engine.config import Secret
from engine.people.dgft import Begun, Identity, ProfileService, Provider, Settings
from tests.clocks import StillClock
from tests.sockets import Socket, listening

CLIENT = "coo-site"
SECRET = "s3cret:of%the+client é"
BEARER = "bearer-of-the-profile-service"
RETURN = "http://127.0.0.1:8000/sign-in/registry/return"
START = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@pytest.fixture(scope="session")
def sockets() -> Iterator[tuple[Socket, Socket]]:
    """Two servers, for two registries."""
    with listening() as one, listening() as other:
        yield one, other


@pytest.fixture(scope="session")
def signing_keys() -> dict[str, SigningKey]:
    """A key of each algorithm, made once, and one that nobody publishes."""
    return {name: new_key(name) for name in ("ES256", "RS256", "PS256")} | {"spare": new_key("ES256"), "spare_rsa": new_key("RS256")}


@dataclass
class Rehearsal:
    """A registry that answers on a real socket, and this site's side of it."""

    desk: Desk
    settings: Settings
    clock: StillClock
    provider: Provider
    service: ProfileService
    redeemed: list[str] = field(default_factory=list)

    def provider_of(self, **changes: Any) -> Provider:
        """Another provider, with changed settings."""
        return Provider(replace(self.settings, **changes), clock=self.clock)

    def asked(self, request: str) -> int:
        """How often the registry was asked for that."""
        return self.desk.asked.count(request)

    async def answer(self, begun: Begun, person: str = "rehearsal-1001", act: str = "consent") -> dict[str, str]:
        """What the browser brings back after a person chose who they are."""
        async with httpx.AsyncClient(trust_env=False) as browser:
            page = await browser.get(begun.url)
            assert page.status_code == 200, page.text
            hidden = {name: unescape(value) for name, value in _HIDDEN.findall(page.text)}
            sent = await browser.post(f"{self.desk.issuer}/authorize", data={**hidden, "person": person, "act": act})
        assert sent.status_code == 303, sent.text
        assert sent.headers["location"].startswith(self.settings.redirect_uri + "?")
        return dict(parse_qsl(urlsplit(sent.headers["location"]).query))

    async def sign_in(self, person: str = "rehearsal-1001", **begin: Any) -> Identity:
        """The whole way."""
        begun = await self.provider.begin("/", **begin)
        answer = await self.answer(begun, person)
        return await self.provider.finish(begun, answer["code"], answer["state"], answer.get("iss"))


Rehearsing = Callable[..., Rehearsal]


@pytest.fixture
def rehearsing(sockets: tuple[Socket, Socket], signing_keys: dict[str, SigningKey]) -> Rehearsing:
    """Puts a registry on one of the sockets."""

    def made(
        *,
        other: bool = False,
        faults: Faults | None = None,
        cast: Cast = CAST,
        algorithm: str = "ES256",
        public_key: Any = None,
        timeout_s: float = 5.0,
        **settings: Any,
    ) -> Rehearsal:
        at = sockets[int(other)]
        clock = StillClock(START)
        desk = Desk(
            at.address,
            (Client(CLIENT, RETURN, "" if public_key else SECRET, public_key),),
            profile_token=BEARER,
            clock=clock,
            cast=cast,
            key=signing_keys[algorithm],
            spare=signing_keys["spare" if algorithm == "ES256" else "spare_rsa"],
            faults=faults,
        )
        at.app = create_registry(desk)
        known = Settings(
            issuer=at.address,
            client_id=CLIENT,
            redirect_uri=RETURN,
            hosts=frozenset({urlsplit(at.address).netloc}),
            client_secret=Secret("" if public_key else SECRET),
            profile_url=f"{at.address}/profiles",
            profile_token=Secret(BEARER),
            rehearsal=True,
        )
        known = replace(known, **settings)
        provider = Provider(known, clock=clock, timeout_s=timeout_s)
        return Rehearsal(desk, known, clock, provider, ProfileService(known, timeout_s=timeout_s))

    return made


@pytest.fixture
def rehearsal(rehearsing: Rehearsing) -> Rehearsal:
    """A registry without a fault."""
    return rehearsing()
