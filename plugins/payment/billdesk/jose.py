"""The envelopes of BillDesk's JOSE API: JSON in a compact JWS (HS256), with a JWE (dir, A256GCM) inside it where the office's scheme is
the symmetric one; by RSA the JWS is PS256 and the JWE RSA-OAEP-256, each side with its own key.

What an envelope says of itself is believed for nothing: the algorithms are fixed by the office's parameters, and whatever names
another one, or asks for something that we would have to understand, is refused. Numbers are read as their text, never as floats,
and a name that stands twice refuses the whole.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey

from engine.api import Secret, Untrusted
from plugins.payment.billdesk.keys import rsa_key
from plugins.payment.billdesk.wire import MOST_BYTES, untrusted

__all__ = ["Envelope", "is_compact", "peeked", "text_of"]

_SIGNED = re.compile(rb"[A-Za-z0-9_-]{2,2000}(?:\.[A-Za-z0-9_-]+){2}")
_ENCRYPTED = re.compile(rb"[A-Za-z0-9_-]{2,2000}\.(?:\.[A-Za-z0-9_-]+){3}")  # dir: the encrypted key is empty
_ENCRYPTED_BY_RSA = re.compile(rb"[A-Za-z0-9_-]{2,2000}\.[A-Za-z0-9_-]{300,800}(?:\.[A-Za-z0-9_-]+){3}")
_REFUSED_HEADERS = frozenset({"crit", "b64", "zip"})
_JWS: Mapping[bool, Mapping[str, str]] = {False: {"alg": "HS256"}, True: {"alg": "PS256"}}  # by RSA, or not
_JWE: Mapping[bool, Mapping[str, str]] = {False: {"alg": "dir", "enc": "A256GCM"}, True: {"alg": "RSA-OAEP-256", "enc": "A256GCM"}}
_MOST_HEADER = 2000


@dataclass(frozen=True, slots=True)
class Envelope:
    """How an office's messages are sealed. Without an encryption key they are signed alone.

    With `theirs`, which is BillDesk's public key, `signing` is the office's private one, and all of it goes by RSA: what is sent is
    encrypted to them and signed by the office, and what comes is signed by them and encrypted to the office.
    """

    client_id: str
    signing: Secret
    encryption: Secret = Secret()
    key_id: str = ""
    theirs: str = ""

    @property
    def by_rsa(self) -> bool:
        """Whether each side has a key of its own."""
        return bool(self.theirs)

    def seal(self, content: Mapping[str, Any]) -> bytes:
        """The compact envelope of a JSON object."""
        named = {"clientid": self.client_id} | ({"kid": self.key_id} if self.key_id and (self.encryption or self.by_rsa) else {})
        body: str = json.dumps(content, separators=(",", ":"), ensure_ascii=True)
        if self.encryption or self.by_rsa:
            to = _rsa(self.theirs) if self.by_rsa else _key(self.encryption)
            body = jwe.encrypt_compact({**_JWE[self.by_rsa], **named}, body, to, registry=_jwe_rules(self.by_rsa))
        mine = _rsa(self.signing.value) if self.by_rsa else _key(self.signing)
        return jws.serialize_compact({**_JWS[self.by_rsa], **named}, body, mine, registry=_jws_rules(self.by_rsa)).encode("ascii")

    def open(self, raw: bytes) -> dict[str, Any]:
        """The JSON object in an envelope whose signature is good. Raises Untrusted for every other one."""
        compact = raw.strip(b"\r\n")
        if len(compact) > MOST_BYTES:
            raise untrusted("oversized", "it is too long")
        if not _SIGNED.fullmatch(compact):
            raise untrusted("envelope", "it is no signed envelope")
        _require_header(compact, _JWS[self.by_rsa])
        try:
            by = _rsa(self.theirs) if self.by_rsa else _key(self.signing)
            body = jws.deserialize_compact(compact, by, registry=_jws_rules(self.by_rsa)).payload
        except (JoseError, ValueError, TypeError) as error:
            raise untrusted("signature", "its signature does not fit") from error
        return _object(self._decrypted(body) if self.encryption or self.by_rsa else body)

    def _decrypted(self, body: bytes) -> bytes:
        if not (_ENCRYPTED_BY_RSA if self.by_rsa else _ENCRYPTED).fullmatch(body):
            raise untrusted("envelope", "it holds nothing encrypted")
        _require_header(body, _JWE[self.by_rsa])
        try:
            mine = _rsa(self.signing.value) if self.by_rsa else _key(self.encryption)
            return jwe.decrypt_compact(body, mine, registry=_jwe_rules(self.by_rsa)).plaintext or b""
        except (JoseError, ValueError, TypeError) as error:
            raise untrusted("encryption", "it cannot be decrypted") from error


def is_compact(raw: bytes) -> bool:
    """Whether the bytes have the shape of a signed envelope, rather than that of a form."""
    return len(raw) <= MOST_BYTES and _SIGNED.fullmatch(raw.strip(b"\r\n")) is not None


def peeked(raw: bytes) -> dict[str, Any]:
    """What an envelope holds, judged by nobody: for finding an attempt, and for nothing else. Raises Untrusted if it cannot be read."""
    compact = raw.strip(b"\r\n")
    if not is_compact(compact):
        raise untrusted("envelope", "it is no signed envelope")
    return _object(_decoded(compact.split(b".")[1]))


def text_of(content: Mapping[str, Any], name: str) -> str:
    """A value that is a text or a number, as text; nothing where it is something else or missing."""
    value = content.get(name)
    return value if isinstance(value, str) else ""


def _key(secret: Secret) -> OctKey:
    return OctKey.import_key(secret.value.encode())


def _rsa(text: str) -> RSAKey:
    """A key that was judged when it was entered. Raises Untrusted for one that is none all the same."""
    try:
        return rsa_key(text)
    except ValueError:
        raise untrusted("key", "this office's RSA keys cannot be read") from None


def _jws_rules(by_rsa: bool) -> jws.JWSRegistry:
    rules = jws.JWSRegistry(algorithms=[*_JWS[by_rsa].values()], strict_check_header=False)  # BillDesk's own header names stand beside
    rules.max_header_length = _MOST_HEADER
    return rules


def _jwe_rules(by_rsa: bool) -> jwe.JWERegistry:
    rules = jwe.JWERegistry(algorithms=[*_JWE[by_rsa].values()], strict_check_header=False)
    rules.max_protected_header_length = _MOST_HEADER
    return rules


def _require_header(compact: bytes, wanted: Mapping[str, str]) -> None:
    """Exactly our algorithms, and nothing that would have to be understood."""
    header = _object(_decoded(compact.split(b".")[0]))
    if _REFUSED_HEADERS & header.keys() or any(header.get(name) != value for name, value in wanted.items()):
        raise untrusted("algorithm", "it is sealed in a way that is not allowed here")


def _decoded(part: bytes) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except ValueError as error:
        raise untrusted("envelope", "it cannot be read") from error


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(
            data.decode("utf-8"), parse_int=str, parse_float=str, parse_constant=_no_constant, object_pairs_hook=_without_doubles
        )
    except (ValueError, RecursionError) as error:
        raise untrusted("content", "what is in it cannot be read") from error
    if not isinstance(found, dict):
        raise untrusted("content", "what is in it cannot be read")
    return found


def _no_constant(word: str) -> Untrusted:
    raise untrusted("content", "it holds a number that is none")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise untrusted("content", "a name stands twice in it")
    return found
