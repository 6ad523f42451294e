"""The ID token: whether it proves that the registry signed this person in, for us, just now, in answer to our own question.

What the token says of itself is never believed before the key has judged it: the algorithms allowed are ours, narrowed by
the registry's metadata and by the kind of the key that its JWKS holds under that kid.
"""

import base64
import hashlib
import hmac
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from engine.errors import Untrusted
from engine.people.dgft.identity import Identity, kept_email
from engine.people.plain_text import text_fault, tidy

__all__ = ["ALGORITHMS", "SKEW", "Expected", "Jwks", "judge", "untrusted"]

_log = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "ES256", "PS256")
SKEW = timedelta(seconds=120)  # how far the clocks of the registry and of this site may differ
_SKEW_S = SKEW.total_seconds()

_BY_KIND: Mapping[str, tuple[str, ...]] = {"RSA": ("RS256", "PS256"), "EC": ("ES256",)}
_RSA_BITS = range(2048, 8193)
_MOST_HEADER = 8192  # a header may carry the chain of its key, which we do not look at
_LATEST = 1 << 36  # in the year 4147: times beyond it are no times
_MOST_SUBJECT = 255  # OpenID Connect Core 2: at most 255 ASCII characters
_MOST_NAME = 120


class _Header(msgspec.Struct):
    alg: str
    kid: str | None = None


class _Claims(msgspec.Struct):
    iss: str
    sub: str
    aud: str | list[str]
    exp: float
    iat: float
    nonce: str
    nbf: float | None = None
    azp: str | None = None
    at_hash: str | None = None
    auth_time: float | None = None
    email: str | None = None
    email_verified: bool | None = None
    name: str | None = None


class Jwks(msgspec.Struct):
    """A JSON Web Key Set as it was answered; keys that are of no use to us are passed over, not refused."""

    keys: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the token must say. `since` is when we began, `fresh_s` how old the sign-in may be at most, or None."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str
    since: datetime
    fresh_s: int | None
    algorithms: tuple[str, ...] = ALGORITHMS


def untrusted(code: str, because: str) -> Untrusted:
    """The refusal of an answer that proves nothing: a sentence for the person, a code for the operator, also in the log."""
    _log.warning("the registry's answer was not taken", extra={"problem": code})
    say = (
        f"The registry's answer was not taken, because {because}. Nobody was signed in. "
        f"Begin the sign-in again; if this comes back, tell the operator of this site: {code}."
    )
    return Untrusted(say, code=code)


async def judge(token: str, expected: Expected, keys: Callable[[bool], Awaitable[Jwks]], now: datetime) -> Identity:
    """The person whom the token proves. Raises Untrusted for every token that does not.

    `keys(refresh)` gives the registry's keys; it is asked a second time, to fetch them anew, if the kid is not among them.
    """
    header = _header(token)
    allowed = tuple(name for name in ALGORITHMS if name in expected.algorithms)
    if header.alg not in allowed:
        raise untrusted("registry_algorithm", "it is signed in a way that is not allowed here")
    key = _find(await keys(False), header.kid) or _find(await keys(True), header.kid)
    if key is None:
        raise untrusted("registry_key", "it is signed with a key that the registry does not publish")
    return _person(_claims(_payload(token, key, allowed)), expected, now)


def _header(token: str) -> _Header:
    """The token's header: exactly three parts, and nothing in it that we would have to understand."""
    try:
        head, *rest = token.split(".")
        raw = msgspec.json.decode(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        header = msgspec.convert(raw, _Header)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise untrusted("registry_token", "it holds no readable proof") from error
    if len(rest) != 2 or {"crit", "b64"} & set(raw):
        raise untrusted("registry_token", "its proof has a form that is not allowed here")
    return header


def _find(jwks: Jwks, kid: str | None) -> RSAKey | ECKey | None:
    """The one key of that kid that can sign; without a kid the only one there is (OpenID Connect Core 10.1)."""
    usable = [key for each in jwks.keys if (kid is None or each.get("kid") == kid) and (key := _usable(each))]
    return usable[0] if len(usable) == 1 else None


def _usable(raw: dict[str, Any]) -> RSAKey | ECKey | None:
    """The key if it is public, strong and meant for signatures; private and symmetric ones never are."""
    if raw.get("use", "sig") != "sig" or "d" in raw or raw.get("alg", "RS256") not in ALGORITHMS:
        return None
    public: dict[str, Any] = {name: raw[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in raw}
    try:
        if raw.get("kty") == "RSA":
            rsa = RSAKey.import_key(public, {"alg": raw["alg"]} if "alg" in raw else None)
            return rsa if rsa.raw_value.key_size in _RSA_BITS else None
        if raw.get("kty") == "EC" and raw.get("crv") == "P-256":
            return ECKey.import_key(public, {"alg": raw["alg"]} if "alg" in raw else None)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return None


def _payload(token: str, key: RSAKey | ECKey, allowed: tuple[str, ...]) -> bytes:
    """What the key signed. The key's kind and its own `alg` narrow what is allowed further."""
    fitting = [name for name in allowed if name in _BY_KIND[key.key_type] and key.alg in (None, name)]
    try:
        if not fitting:
            raise untrusted("registry_algorithm", "it is signed in a way that its key is not meant for")
        # Not strict: a header may carry names that JWS does not know (RFC 7515, 4), and we use none of them.
        registry = jws.JWSRegistry(algorithms=fitting, strict_check_header=False)
        registry.max_header_length = _MOST_HEADER
        payload = jws.deserialize_compact(token, key, registry=registry).payload
    except (JoseError, ValueError, TypeError) as error:
        raise untrusted("registry_signature", "its signature does not fit") from error
    if not payload:
        raise untrusted("registry_token", "it holds no readable proof")
    return payload


def _claims(payload: bytes) -> _Claims:
    try:
        return msgspec.json.decode(payload, type=_Claims)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise untrusted("registry_claims", "what it says of the person is incomplete") from error


def _person(claims: _Claims, expected: Expected, now: datetime) -> Identity:
    _require_ours(claims, expected)
    _require_in_time(claims, expected, now)
    auth_time = _require_fresh(claims, expected, now)
    if not claims.sub or len(claims.sub) > _MOST_SUBJECT or not claims.sub.isascii() or not claims.sub.isprintable():
        raise untrusted("registry_claims", "it does not say who the person is")
    name, email = tidy(claims.name or ""), kept_email(claims.email or "")
    if name and text_fault(name, most=_MOST_NAME):
        raise untrusted("registry_claims", "the name in it cannot be shown")
    if email is None:
        raise untrusted("registry_claims", "the e-mail address in it is none")
    return Identity(
        issuer=claims.iss,
        subject=claims.sub,
        email=email,
        email_verified=bool(email and claims.email_verified),
        name=name,
        auth_time=auth_time,
    )


def _require_ours(claims: _Claims, expected: Expected) -> None:
    """From this registry, for this client, for this question, with this access token."""
    if claims.iss != expected.issuer:
        raise untrusted("registry_issuer", "it comes from another registry")
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    alone = audience == [expected.client_id]
    if expected.client_id not in audience or claims.azp not in ((None, expected.client_id) if alone else (expected.client_id,)):
        raise untrusted("registry_audience", "it is meant for another site")
    if not hmac.compare_digest(claims.nonce.encode(), expected.nonce.encode()):
        raise untrusted("registry_nonce", "it answers another question than ours")
    if claims.at_hash is not None and not hmac.compare_digest(claims.at_hash.encode(), _half_hash(expected.access_token).encode()):
        raise untrusted("registry_at_hash", "its parts do not belong together")


def _half_hash(text: str) -> str:
    """OpenID Connect Core 3.1.3.6: the left half of the SHA-256, as all our algorithms have it."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


def _require_in_time(claims: _Claims, expected: Expected, now: datetime) -> None:
    at, since = now.timestamp(), expected.since.timestamp()
    times = (claims.exp, claims.iat, claims.nbf or 0.0, claims.auth_time or 0.0)
    if not all(math.isfinite(moment) and 0 <= moment < _LATEST for moment in times):
        raise untrusted("registry_time", "the times in it are none")
    if claims.exp <= at - _SKEW_S:
        raise untrusted("registry_time", "it is no longer valid")
    if claims.iat > at + _SKEW_S or (claims.nbf or 0.0) > at + _SKEW_S:
        raise untrusted("registry_time", "it is not valid yet; the clocks of the registry and of this site may differ")
    if claims.iat < since - _SKEW_S or claims.iat > claims.exp:
        raise untrusted("registry_time", "it is older than this sign-in")


def _require_fresh(claims: _Claims, expected: Expected, now: datetime) -> datetime | None:
    """When the person showed themselves at the registry; recently enough where we asked for it."""
    if expected.fresh_s is not None:
        if claims.auth_time is None:
            raise untrusted("registry_auth_time", "it does not say when the person signed in")
        if claims.auth_time < expected.since.timestamp() - expected.fresh_s - _SKEW_S:
            raise untrusted("registry_auth_time", "the person was not asked to sign in again")
    if claims.auth_time is None:
        return None
    if claims.auth_time > now.timestamp() + _SKEW_S:
        raise untrusted("registry_time", "the times in it are none")
    return datetime.fromtimestamp(claims.auth_time, UTC)
