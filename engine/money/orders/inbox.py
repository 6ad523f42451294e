"""The inbox: everything that was received about payments, once, with what was made of it. Append-only.

A gateway's statement is known by its key within its try, so that no other office's message can take its place; what proved
nothing is known by the digest of its bytes.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.contracts.paying import Channel, GatewayEvent
from engine.contracts.signing import RawCallback
from engine.money.orders.nouns import Attempt
from engine.money.orders.tables import InboxRow, Verdict

__all__ = ["Received", "bounded", "fit", "keep_received", "key_of", "known_verdict", "refused_key"]

_MOST_PAISE = 1 << 62  # what a column of the database holds
_LONGEST_KEY = 130
_HEADERS = ("content-type", "content-length", "date")
_MOST_DETAIL = 12


@dataclass(frozen=True, slots=True)
class Received:
    """What arrived, as much of it as is kept: never the bytes, and of the headers a few."""

    channel: Channel
    at: datetime
    headers: str = "{}"
    body_sha256: str = ""
    body_bytes: int = 0

    @classmethod
    def of(cls, channel: Channel, raw: RawCallback, at: datetime) -> "Received":
        """What arrived over HTTP."""
        lower = {name.lower(): value for name, value in raw.headers.items()}
        kept = {name: bounded(lower[name], 120) for name in _HEADERS if name in lower}
        return cls(channel, at, json.dumps(kept), digest_of(raw), len(raw.body))


def digest_of(raw: RawCallback) -> str:
    """The digest of a message: of its body, or of its query where it has none."""
    return hashlib.sha256(raw.body or json.dumps(sorted(raw.query.items())).encode("utf-8", "surrogatepass")).hexdigest()


def bounded(text: str, most: int) -> str:
    """A foreign text as it can be kept and shown: without characters that hide or control, and of bounded length."""
    kept = text[: 4 * most]
    return "".join(each for each in kept if unicodedata.category(each) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})[:most]


def key_of(attempt: Attempt, key: str) -> str:
    """What a statement about a try is known by."""
    fits = len(key) <= _LONGEST_KEY and key == bounded(key, _LONGEST_KEY) and key
    return f"{attempt.reference}/{key if fits else hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"


def refused_key(where: str, raw: RawCallback) -> str:
    """What bytes that proved nothing are known by at one address."""
    place = hashlib.sha256(where.encode()).hexdigest()[:24]
    return f"refused/{place}/{digest_of(raw)}"


def fit(event: GatewayEvent) -> GatewayEvent:
    """The statement with every foreign text bounded; what the engine compares is compared before."""
    paise = event.amount_paise
    return replace(
        event,
        reference=bounded(event.reference, 60),
        gateway_txn_id=bounded(event.gateway_txn_id, 120),
        gateway_order_id=bounded(event.gateway_order_id, 120),
        currency=bounded(event.currency or "", 8),
        code=bounded(event.code, 60),
        say=bounded(event.say, 300),
        amount_paise=paise if paise is not None and abs(paise) < _MOST_PAISE else None,
        detail={bounded(str(name), 40): bounded(str(value), 200) for name, value in list(event.detail.items())[:_MOST_DETAIL]},
    )


async def known_verdict(gateway: str, key: str) -> tuple[Verdict, str] | None:
    """What was made of it when it came the first time, and why; None if it never came."""
    columns = (InboxRow.verdict, InboxRow.because)
    row = await InboxRow.select(*columns).where(InboxRow.gateway == gateway, InboxRow.event_key == key).first()
    return (Verdict(row["verdict"]), row["because"]) if row else None


async def keep_received(
    received: Received,
    gateway: str,
    key: str,
    verdict: Verdict,
    because: str,
    *,
    event: GatewayEvent | None = None,
    attempt: Attempt | None = None,
) -> UUID:
    """Writes what arrived and what was made of it, in the caller's unit of work. Raises Conflict if it is there already."""
    row = InboxRow(
        gateway=gateway,
        channel=str(received.channel),
        event_key=key,
        verdict=str(verdict),
        because=because[:200],
        headers=received.headers,
        body_sha256=received.body_sha256,
        body_bytes=received.body_bytes,
        received_at=received.at,
        **_whose(attempt),
        **(_stated(event) if event is not None else {"detail": "{}"}),
    )
    await InboxRow.insert(row)
    return UUID(str(row.id))


def _whose(attempt: Attempt | None) -> Mapping[str, Any]:
    return {} if attempt is None else {"attempt": attempt.id, "agency": attempt.agency_id, "office": attempt.office_id}


def _stated(event: GatewayEvent) -> Mapping[str, Any]:
    kept = fit(event)
    return {
        "outcome": str(kept.outcome),
        "reference": kept.reference,
        "gateway_txn_id": kept.gateway_txn_id,
        "amount_paise": kept.amount_paise,
        "currency": kept.currency,
        "code": kept.code,
        "detail": json.dumps(dict(kept.detail), sort_keys=True),
    }
