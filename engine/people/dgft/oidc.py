"""Signing in at the exporters' registry: OpenID Connect's code flow with PKCE, state, nonce and the issuer in the answer.

`begin` gives the address to send the browser to and what must be remembered; `finish` takes what the browser brings back
and gives the person, or raises. Both change nothing: that a `Begun` is used once, its caller holds by `Begun.once_key`.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec
from joserfc import jwt

from engine.clock import Clock, SystemClock
from engine.config import Config
from engine.errors import ConfigError, EngineError, Refused
from engine.people.dgft.asking import TIMEOUT_S, Line, read
from engine.people.dgft.identity import Identity
from engine.people.dgft.settings import Settings, settings_of
from engine.people.dgft.tokens import ALGORITHMS, SKEW, Expected, Jwks, judge, untrusted

__all__ = ["GOOD_FOR", "Begun", "Provider", "own_path"]

GOOD_FOR = timedelta(minutes=10)
_KEPT_FOR = timedelta(hours=1)  # metadata and keys; an unknown kid fetches the keys anew at once
_OWN_PATH = re.compile(r"/(?!/)(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}|/(?!/))*(?:\?[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?", re.ASCII)
_MOST_PATH = 500
_CODE = re.compile(r"[\x20-\x7e]{1,2000}", re.ASCII)  # RFC 6749, A.11

T = TypeVar("T")


class _Metadata(msgspec.Struct):
    """What we use of the provider's metadata (OpenID Connect Discovery 3, RFC 9207)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    response_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    code_challenge_methods_supported: list[str] | None = None
    token_endpoint_auth_methods_supported: list[str] = msgspec.field(default_factory=lambda: ["client_secret_basic"])
    token_endpoint_auth_signing_alg_values_supported: list[str] = msgspec.field(default_factory=lambda: ["RS256", "ES256"])
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(msgspec.Struct):
    access_token: str
    token_type: str
    id_token: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in on its way: the address for the browser, and what its answer is held against.

    Pure data that msgspec writes and reads; whoever keeps it must seal it, for who knows the verifier could finish in the
    person's place. Good for ten minutes and once.
    """

    issuer: str
    url: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    return_to: str
    begun_at: datetime
    fresh_s: int | None = None

    @property
    def once_key(self) -> str:
        """What the caller writes down, under a unique key, when it finishes: the hash of the state."""
        return hashlib.sha256(self.state.encode()).hexdigest()


@dataclass(slots=True)
class _Kept:
    """The last thing fetched, and when."""

    value: object = None
    at: datetime | None = None

    def get(self, kind: type[T], now: datetime) -> T | None:
        fresh = self.at is not None and self.at <= now < self.at + _KEPT_FOR
        return self.value if fresh and isinstance(self.value, kind) else None

    def put(self, value: object, now: datetime) -> None:
        self.value, self.at = value, now


class Provider:
    """The registry as an OpenID provider. Made without asking it anything: the site starts while the registry is away."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout_s: float = TIMEOUT_S,
        random: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self.settings = settings
        self._clock = clock or SystemClock()
        self._line = Line(settings, transport=transport, timeout_s=timeout_s)
        self._random = random
        self._metadata, self._jwks = _Kept(), _Kept()

    @classmethod
    async def discover(cls, config: Config, *, clock: Clock | None = None) -> "Provider":
        """The provider of a site, asked for its metadata at once: for `ecoo check`. Raises ConfigError if [dgft] names none."""
        settings = settings_of(config)
        if settings is None:
            raise ConfigError(f"{config.path}: dgft.issuer is not set, so nobody signs in through the registry.")
        provider = cls(settings, clock=clock)
        await provider._discovered()
        return provider

    async def begin(self, return_to: str, *, fresh_s: int | None = None, prompt: str = "") -> Begun:
        """A sign-in that ends at one of our own pages. `fresh_s` asks that the person showed themselves that recently (0: now)."""
        return_to = own_path(return_to)
        if prompt not in {"", "login", "consent", "select_account"}:
            raise ValueError(f"prompt {prompt!r} is none that a person answers")
        if fresh_s is not None and fresh_s < 0:
            raise ValueError("fresh_s must not be negative")
        metadata = await self._discovered()
        state, nonce, verifier = self._random(), self._random(), self._random()
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": _b64(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        query |= {"prompt": prompt} if prompt else {}
        query |= {"max_age": str(fresh_s)} if fresh_s is not None else {}
        endpoint = metadata.authorization_endpoint
        url = f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query, quote_via=quote)}"
        return Begun(self.settings.issuer, url, state, nonce, verifier, return_to, self._clock.now(), fresh_s)

    async def finish(self, begun: Begun, code: str, state: str, iss: str | None) -> Identity:
        """The person whom the registry signed in. `code`, `state` and `iss` are the answer's, as the browser brought them.

        Raises Refused if the sign-in must be begun again, Untrusted if the answer proves nothing, Unavailable if the
        registry is silent. A code that another registry answered with is never sent to this one, nor the other way round.
        """
        metadata = await self._held_against(begun, state, iss)
        if not _CODE.fullmatch(code):
            raise untrusted("registry_code", "it brings no code")
        tokens = await self._redeem(metadata, begun, code)
        expected = Expected(
            issuer=self.settings.issuer,
            client_id=self.settings.client_id,
            nonce=begun.nonce,
            access_token=tokens.access_token,
            since=begun.begun_at,
            fresh_s=begun.fresh_s,
            algorithms=tuple(name for name in ALGORITHMS if name in metadata.id_token_signing_alg_values_supported),
        )
        return await judge(tokens.id_token, expected, lambda refresh: self._keys(metadata, refresh=refresh), self._clock.now())

    async def turned_back(self, begun: Begun, error: str, state: str, iss: str | None) -> EngineError:
        """What to tell a person whom the registry sent back with an error; its own words are not shown. Raises as `finish`."""
        await self._held_against(begun, state, iss)
        if error in {"access_denied", "interaction_required", "login_required", "consent_required"}:
            return Refused(
                "The sign-in was broken off at the registry. Nobody was signed in; begin again when you like.", code="registry_declined"
            )
        return untrusted("registry_error", "the registry refused the sign-in as it was asked for")

    async def _held_against(self, begun: Begun, state: str, iss: str | None) -> _Metadata:
        """The metadata, if this answer is the one to what was begun: same registry, same browser, soon enough."""
        if begun.issuer != self.settings.issuer:
            raise untrusted("registry_mixed_up", "it was begun at another registry")
        if not hmac.compare_digest(state.encode("utf-8", "replace"), begun.state.encode()):
            raise untrusted("registry_state", "it does not belong to a sign-in that this browser began")
        now = self._clock.now()
        if not begun.begun_at - SKEW <= now < begun.begun_at + GOOD_FOR:
            minutes = int(GOOD_FOR.total_seconds() // 60)
            raise Refused(f"This sign-in took longer than {minutes} minutes. Nobody was signed in; begin again.", code="registry_late")
        metadata = await self._discovered()
        if iss is None and metadata.authorization_response_iss_parameter_supported:
            raise untrusted("registry_mixed_up", "it does not say which registry it comes from")
        if iss is not None and iss != self.settings.issuer:
            raise untrusted("registry_mixed_up", "it comes from another registry")
        return metadata

    async def _discovered(self) -> _Metadata:
        """The provider's metadata, fetched if what is kept is older than an hour."""
        now = self._clock.now()
        if kept := self._metadata.get(_Metadata, now):
            return kept
        what, url = "its metadata", self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = self._fit(read(what, await self._line.get(what, url), _Metadata))
        self._metadata.put(found, now)
        return found

    def _fit(self, metadata: _Metadata) -> _Metadata:
        """The metadata if we can work with them."""
        if metadata.issuer != self.settings.issuer:
            raise untrusted("registry_issuer", "its metadata belong to another registry")
        for what, url in (
            ("the sign-in", metadata.authorization_endpoint),
            ("tokens", metadata.token_endpoint),
            ("its keys", metadata.jwks_uri),
        ):
            self._line.require_allowed(what, url)
        challenges = metadata.code_challenge_methods_supported
        if (
            "code" not in metadata.response_types_supported
            or (challenges is not None and "S256" not in challenges)
            or self.settings.auth_method not in metadata.token_endpoint_auth_methods_supported
            or not set(ALGORITHMS) & set(metadata.id_token_signing_alg_values_supported)
        ):
            raise untrusted("registry_metadata", "it does not offer the way of signing in that this site uses")
        return metadata

    async def _keys(self, metadata: _Metadata, *, refresh: bool) -> Jwks:
        now = self._clock.now()
        if not refresh and (kept := self._jwks.get(Jwks, now)):
            return kept
        found = read("its keys", await self._line.get("its keys", metadata.jwks_uri), Jwks)
        self._jwks.put(found, now)
        return found

    async def _redeem(self, metadata: _Metadata, begun: Begun, code: str) -> _Tokens:
        """What the code is exchanged for; a code is asked for once and never again."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.redirect_uri,
            "code_verifier": begun.verifier,
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if self.settings.client_key is None:
            headers["authorization"] = self._basic()
        else:
            form |= self._assertion(metadata)
        answer = await self._line.post("tokens", metadata.token_endpoint, urlencode(form).encode(), headers=headers)
        if answer.status == 401:
            raise untrusted("registry_client", "the registry does not take the credentials of this site")
        if answer.status != 200:
            raise untrusted("registry_code", "the registry does not know this code, or knows it as used")
        tokens = read("tokens", answer, _Tokens)
        if tokens.token_type.lower() != "bearer":
            raise untrusted("registry_token", "its token is of a kind that was not asked for")
        return tokens

    def _basic(self) -> str:
        """RFC 6749, 2.3.1: both halves are form-encoded before they are joined."""
        halves = (self.settings.client_id, self.settings.client_secret.value)
        return "Basic " + base64.b64encode(":".join(quote(half, safe="") for half in halves).encode()).decode()

    def _assertion(self, metadata: _Metadata) -> Mapping[str, str]:
        """RFC 7523: our name, signed for this token endpoint alone, for a minute, once."""
        key = self.settings.client_key
        assert key is not None  # noqa: S101  # the caller looked
        at = int(self._clock.now().timestamp())
        claims = {
            "iss": self.settings.client_id,
            "sub": self.settings.client_id,
            "aud": metadata.token_endpoint,
            "jti": self._random(),
            "iat": at,
            "exp": at + 60,
        }
        able = ("PS256", "RS256") if key.key_type == "RSA" else ("ES256",)
        algorithm = next((name for name in able if name in metadata.token_endpoint_auth_signing_alg_values_supported), None)
        if algorithm is None:
            raise untrusted("registry_metadata", "it does not take signatures of the kind that this site's key makes")
        token = jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])
        return {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion": token}


def own_path(path: str) -> str:
    """The path of a page of this site. Raises Refused for anything that a browser might take for another host."""
    if len(path) > _MOST_PATH or not _OWN_PATH.fullmatch(path) or {".", ".."} & set(path.partition("?")[0].split("/")):
        raise Refused("The page to go back to after signing in is no page of this site.", box="return_to", rule="own page")
    return path


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
