"""What the rehearsal registry knows and decides: its clients, the codes it gave out, the ID tokens it makes, the profiles it tells."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlencode

from admin.rehearsal.cast import CAST, Cast, Person
from admin.rehearsal.faults import Faults, TokenFault
from admin.rehearsal.tokens import PublicKey, SigningKey, b64, claims_of, half_hash, id_token, new_key
from engine.clock import Clock, SystemClock

__all__ = ["Client", "Desk", "Wish", "WishRefused"]

_CODE_GOOD_FOR = timedelta(seconds=60)
_TOKEN_GOOD_FOR = timedelta(minutes=5)
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NOBODY = "https://elsewhere.example"


@dataclass(frozen=True, slots=True)
class Client:
    """A site that may send people here: its name, its one return address, and a secret or a public key to prove the name by."""

    id: str
    redirect_uri: str
    secret: str = field(default="", repr=False)
    key: PublicKey | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a browser came with. Nothing of it is believed before `Desk.admit`."""

    client_id: str = ""
    redirect_uri: str = ""
    response_type: str = ""
    scope: str = ""
    state: str = ""
    nonce: str = ""
    code_challenge: str = ""
    code_challenge_method: str = ""
    prompt: str = ""
    max_age: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, Any]) -> "Wish":
        """The wish in a query or a form; other names in it are left out."""
        return cls(**{name: value for name in cls.__dataclass_fields__ if isinstance(value := sent.get(name, ""), str)})


class WishRefused(Exception):
    """A wish that nobody is sent back for: its client or return address is not ours."""


@dataclass(frozen=True, slots=True)
class _Grant:
    wish: Wish
    person: Person
    at: datetime
    used: bool = False


class Desk:
    """One rehearsal registry. `issuer` is its own address; `cast`, `key` and `faults` are for tests."""

    def __init__(
        self,
        issuer: str,
        clients: tuple[Client, ...],
        *,
        profile_token: str,
        clock: Clock | None = None,
        cast: Cast = CAST,
        key: SigningKey | None = None,
        spare: SigningKey | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.issuer = issuer
        self.cast = cast
        self.key = key or new_key()
        self.spare = spare or new_key()
        self.faults = faults or Faults()
        self.asked: list[str] = []  # every request in its order, for tests to look at
        self._clients = {client.id: client for client in clients}
        self._profile_token = profile_token
        self._clock = clock or SystemClock()
        self._grants: dict[str, _Grant] = {}
        self._assertions: set[str] = set()

    def metadata(self) -> dict[str, Any]:
        """OpenID Connect Discovery 3."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "PS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256", "PS256"],
            "authorization_response_iss_parameter_supported": True,
            **self.faults.metadata,
        }

    def keys(self) -> dict[str, Any]:
        """The JWKS."""
        return {"keys": [*self.faults.keys, self.key.as_jwk()]}

    def admit(self, wish: Wish) -> Client:
        """The client of a wish. Raises WishRefused unless its return address is the registered one, to the letter."""
        client = self._clients.get(wish.client_id)
        if client is None or wish.redirect_uri != client.redirect_uri:
            raise WishRefused("This sign-in was asked for by a site that is not registered here, or wants to return elsewhere.")
        return client

    @staticmethod
    def wanting(wish: Wish) -> str:
        """The OAuth error of an admitted wish that cannot be granted, or nothing."""
        if wish.response_type != "code":
            return "unsupported_response_type"
        if "openid" not in wish.scope.split():
            return "invalid_scope"
        if wish.code_challenge_method != "S256" or len(wish.code_challenge) != 43 or not wish.state or not wish.nonce:
            return "invalid_request"
        return ""

    def grant(self, wish: Wish, person: Person) -> str:
        """The address to send the browser back to, with a code for that person."""
        code = secrets.token_urlsafe(24)
        self._grants[code] = _Grant(wish, person, self._clock.now())
        return self.back(wish, code=code)

    def back(self, wish: Wish, **said: str) -> str:
        """The client's return address with what is said, the state, and which registry says it (RFC 9207)."""
        iss = self.issuer if self.faults.iss is None else self.faults.iss
        return f"{wish.redirect_uri}?{urlencode({**said, 'state': wish.state} | ({'iss': iss} if iss else {}))}"

    def redeem(self, form: Mapping[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The token endpoint: a status and its JSON."""
        client = self._proved(form, authorization)
        if client is None:
            return 401, {"error": "invalid_client"}
        code = form.get("code", "")
        grant = self._grants.get(code)
        if grant is None or form.get("grant_type") != "authorization_code":
            return 400, {"error": "invalid_grant"}
        self._grants[code] = replace(grant, used=True)  # also after a wrong try
        late = not grant.at <= self._clock.now() < grant.at + _CODE_GOOD_FOR
        ours = grant.wish.client_id == client.id and grant.wish.redirect_uri == form.get("redirect_uri")
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if grant.used or late or not ours or not hmac.compare_digest(challenge, grant.wish.code_challenge):
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(24)
        token = id_token(self._claims(grant, access), self.key, self.faults.token, self.spare)
        return 200, {"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": token}

    def _proved(self, form: Mapping[str, str], authorization: str) -> Client | None:
        """The client that proved its name, by its secret or by its key."""
        if form.get("client_assertion_type") == _ASSERTION and not authorization:
            return self._by_assertion(form.get("client_assertion", ""))
        scheme, _, word = authorization.partition(" ")
        try:
            name, _, secret = base64.b64decode(word, validate=True).decode().partition(":")
        except ValueError:
            return None
        client = self._clients.get(unquote(name))
        if scheme != "Basic" or client is None or not client.secret:
            return None
        return client if hmac.compare_digest(client.secret.encode(), unquote(secret).encode()) else None

    def _by_assertion(self, assertion: str) -> Client | None:
        for client in self._clients.values():
            claims = claims_of(assertion, client.key) if client.key else None
            if claims is None or claims.get("iss") != client.id or claims.get("sub") != client.id:
                continue
            fresh = 0 < claims.get("exp", 0) - self._clock.now().timestamp() <= 120
            if fresh and claims.get("aud") == f"{self.issuer}/token" and claims.get("jti") not in {None, *self._assertions}:
                self._assertions.add(claims["jti"])
                return client
        return None

    def _claims(self, grant: _Grant, access: str) -> dict[str, Any]:
        now = int(self._clock.now().timestamp())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": grant.person.subject,
            "aud": grant.wish.client_id,
            "exp": now + int(_TOKEN_GOOD_FOR.total_seconds()),
            "iat": now,
            "nonce": grant.wish.nonce,
            "auth_time": now,
            "at_hash": half_hash(access),
            "name": grant.person.name,
            "email": grant.person.email,
            "email_verified": grant.person.email_verified,
        }
        for name, value in _lie(self.faults.token, claims, now).items():
            claims.pop(name, None)
            if value is not None:
                claims[name] = value
        return claims

    def may_ask(self, authorization: str) -> bool:
        """Whether the profile service answers."""
        return hmac.compare_digest(authorization.encode(), f"Bearer {self._profile_token}".encode())

    def firms_of(self, subject: object, email: object) -> list[dict[str, Any]]:
        """The profiles that name the person: by subject, or by a verified address where the profile names no subject."""
        return [self._whole(firm) for firm in self.cast.firms if any(_names(user, subject, email) for user in firm["users"])]

    def firm(self, iec: str) -> dict[str, Any] | None:
        """The profile of an IEC."""
        return next((self._whole(firm) for firm in self.cast.firms if firm["iec"] == iec), None)

    def _whole(self, firm: dict[str, Any]) -> dict[str, Any]:
        return {"modify_url": f"{self.issuer}/modify/{firm['iec']}", **firm}


def _names(user: Mapping[str, Any], subject: object, email: object) -> bool:
    return bool(user["subject"] == subject if user["subject"] else user["email"] == email)


def _lie(fault: TokenFault | None, claims: Mapping[str, Any], now: int) -> Mapping[str, Any]:
    """What an ID token says instead; None leaves a claim out."""
    lies: dict[TokenFault | None, dict[str, Any]] = {
        TokenFault.WRONG_NONCE: {"nonce": "another-nonce"},
        TokenFault.NO_NONCE: {"nonce": None},
        TokenFault.WRONG_AUD: {"aud": "another-site"},
        TokenFault.MORE_AUD: {"aud": [claims["aud"], "another-site"]},
        TokenFault.FOREIGN_AZP: {"aud": [claims["aud"], "another-site"], "azp": "another-site"},
        TokenFault.SWAPPED_ISS: {"iss": _NOBODY},
        TokenFault.EXPIRED: {"exp": now - 121, "iat": now - 122},
        TokenFault.NOT_YET: {"nbf": now + 180},
        TokenFault.OLD: {"iat": now - 3600, "exp": now + 3600},
        TokenFault.TIMELESS: {"exp": 1 << 60},
        TokenFault.STALE: {"auth_time": now - 3600},
        TokenFault.NO_AUTH_TIME: {"auth_time": None},
        TokenFault.WRONG_AT_HASH: {"at_hash": half_hash("another token")},
        TokenFault.NO_SUBJECT: {"sub": ""},
        TokenFault.HOSTILE_NAME: {"name": "Vikram\u202eoaR"},
    }
    return lies.get(fault, {})
