"""The paying half of a gateway's contract: starting, believing what arrives, asking, refunding, reading settlement files.

Each part is a protocol of its own that the engine asks for by `isinstance`, as `engine.contracts.abilities` does for signers:
`Pays` is needed for paying, `Refunds` and `Settles` may be missing, and staff then do those by hand. A gateway turns bytes
into facts. Whether a fact counts is the engine's: it compares reference, merchant, amount and currency with what it stored,
moves the attempt forward, and writes order, ledger and receipt. So a gateway knows no row, and answers no page.

What it raises is told apart by what may have happened, and by nothing else:

* `Refused`      the gateway said no, and nothing was charged or refunded (`code`: the gateway's own, or `credentials`);
* `Conflict`     our reference is known there already: the engine asks about it;
* `TooMany`      slow down;
* `Unavailable`  nothing was sent: repeat freely;
* `Unresolved`   it was sent, and no answer came, or one that cannot be believed: it may have happened, so never repeat it, ask;
* `Untrusted`    a callback that does not prove who sent it, or that cannot be read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from engine.contracts.payment import GatewayAnswer, GatewayContext
from engine.contracts.signing import FormPost, HttpReply, RawCallback, Redirect

__all__ = [
    "Channel",
    "GatewayEvent",
    "Handover",
    "OtherSide",
    "PaymentLimits",
    "PaymentOutcome",
    "Pays",
    "Plays",
    "Question",
    "RefundOutcome",
    "RefundReport",
    "RefundWanted",
    "Refunds",
    "SettledLine",
    "SettlementKind",
    "Settles",
    "StartPayment",
    "StartedPayment",
    "able",
]

Handover = FormPost | Redirect


class Channel(StrEnum):
    """How word of a payment came: with the payer's browser, from the gateway's server, by our own question, or in a settlement file."""

    RETURN = "return"
    NOTICE = "notice"
    QUERY = "query"
    SETTLEMENT = "settlement"


class PaymentOutcome(StrEnum):
    """What a verified message says of one attempt. UNKNOWN: it says nothing that we know, and the gateway goes on being asked; NOT_FOUND:
    only a question is answered so; CONTRADICTS: parts of it contradict each other, so that money may have come: a person looks at it."""

    SUCCEEDED = "succeeded"
    PENDING = "pending"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_FOUND = "not_found"
    CONTRADICTS = "contradicts"


class RefundOutcome(StrEnum):
    """What the gateway says of one refund. PENDING: taken on, and the money is not back yet; NOT_FOUND: only a question is answered so."""

    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class PaymentLimits:
    """What a gateway can carry. `notices`: its server calls ours; `refund_days`: how old a payment may be that it still refunds, None
    for any age; `keeps_versions_days`: how long parameters that were replaced still verify what arrives."""

    least_paise: int = 100
    most_paise: int = 10_000_000_00
    notices: bool = True
    refund_days: int | None = 180
    keeps_versions_days: int = 10


@dataclass(frozen=True, slots=True)
class StartPayment:
    """A payment that shall begin. It is stored already. `reference` is ours: 20 capitals and digits, never used before.

    `tags` are at most seven short texts of ASCII letters, digits, `/` and `-` for the gateway's own records; never personal data.
    Name, mail and telephone of the payer are sent only where the gateway cannot do without.
    """

    reference: str
    amount_paise: int
    return_url: str
    notice_url: str
    payer_name: str = ""
    payer_email: str = ""
    payer_phone: str = ""
    tags: tuple[str, ...] = ()
    currency: str = "INR"


@dataclass(frozen=True, slots=True)
class StartedPayment:
    """Where the payer's browser goes now, and the gateway's own id of the order if it has one already."""

    handover: Handover
    gateway_order_id: str = ""


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """A verified statement about one attempt, as the gateway made it.

    `key` is the same for two deliveries of one statement, and for a question that was answered with it. `reference` is the one
    we gave, `merchant` what names the office there, as the message has it. `code` and `say` are the gateway's, without any
    secret; `detail` a few short words for disputes (bank reference, method), never personal data. Where a message does not
    carry the amount, merchant or currency at all, they are None, and the engine asks before it believes success.
    """

    key: str
    outcome: PaymentOutcome
    reference: str
    merchant: str | None
    amount_paise: int | None
    currency: str | None
    gateway_txn_id: str = ""
    gateway_order_id: str = ""
    code: str = ""
    say: str = ""
    occurred_at: datetime | None = None
    detail: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Pays(Protocol):
    """A gateway through which fees can be paid. `limits` are constant."""

    limits: PaymentLimits

    async def start(self, ctx: GatewayContext, payment: StartPayment) -> StartedPayment:
        """Begins a payment: perhaps a call to the gateway, and where the browser goes. Raises as the module says."""
        ...

    def locate(self, raw: RawCallback) -> str | None:
        """The reference that an unverified message names, for finding the attempt and with it the office's key; None if none is read.

        Pure and believed for nothing. Needed for notices that come to one address for all payments.
        """
        ...

    def verify(self, ctx: GatewayContext, raw: RawCallback, *, gateway_order_id: str = "") -> GatewayEvent:
        """What a message states, once its signature over the raw bytes is good under this office's parameters. Pure.

        `gateway_order_id` is the one that we stored. Raises Untrusted, saying nothing of the key; with the code `unsigned` for a
        message that claims no proof at all, such as what a browser brings back of a payment that failed or was given up.
        """
        ...

    def acknowledge(self, accepted: bool) -> HttpReply:
        """What the gateway's server wants to hear: that it was stored, or that it was refused."""
        ...

    async def query(self, ctx: GatewayContext, reference: str, *, gateway_order_id: str = "", amount_paise: int = 0) -> GatewayEvent:
        """What the gateway's server says of an attempt now; NOT_FOUND if it knows none. Only a verified answer is given back.

        Asking has no effect, so what is silent raises Unavailable or Unresolved alike.
        """
        ...


@dataclass(frozen=True, slots=True)
class RefundWanted:
    """Money that shall go back. `reference` is ours and the gateway's guard against a second one; it is stored already."""

    reference: str
    amount_paise: int
    payment_reference: str
    gateway_txn_id: str
    gateway_order_id: str
    paid_paise: int
    paid_at: datetime
    currency: str = "INR"


@dataclass(frozen=True, slots=True)
class RefundReport:
    """What the gateway says of a refund; `amount_paise` None where it does not say."""

    outcome: RefundOutcome
    gateway_refund_id: str = ""
    amount_paise: int | None = None
    code: str = ""
    say: str = ""


@runtime_checkable
class Refunds(Protocol):
    """A gateway that gives money back when it is asked by our server."""

    async def refund(self, ctx: GatewayContext, wanted: RefundWanted) -> RefundReport:
        """Asks once. Raises as the module says; after Unresolved the engine asks `query_refund`, and never refunds anew by itself."""
        ...

    async def query_refund(self, ctx: GatewayContext, wanted: RefundWanted, gateway_refund_id: str = "") -> RefundReport:
        """What became of a refund; NOT_FOUND if the gateway never heard of its reference."""
        ...


class SettlementKind(StrEnum):
    """What a line of a settlement file is about."""

    PAYMENT = "payment"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class SettledLine:
    """One line of a settlement file. `key` is unique at that gateway, for ever. Net is gross less fee and tax on the fee; a refund's
    gross is positive too. `utr` is the bank's reference of the transfer to the office."""

    key: str
    kind: SettlementKind
    reference: str
    gateway_txn_id: str
    gross_paise: int
    fee_paise: int
    tax_paise: int
    net_paise: int
    utr: str
    settled_on: date


@runtime_checkable
class Settles(Protocol):
    """A gateway whose settlement files can be read."""

    settlement_help: str

    def read_settlement(self, ctx: GatewayContext, name: str, data: bytes) -> Iterable[SettledLine]:
        """The lines of a file. Pure. Raises Refused, naming line and column, for a file that is not whole or not this gateway's."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What our server sends to a gateway's, as it stands on the wire; names of headers in small letters."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class OtherSide(Protocol):
    """A gateway's server, played towards one office for as long as the object lives, by a codec that shares no code with the plugin.

    The promises of paying are tried on it, in this process and without a network. It remembers what it was told.
    """

    async def answer(self, question: Question) -> GatewayAnswer:
        """What the server answers to a question of ours; a status of 400 or 404 to one that it does not understand."""
        ...

    async def pay(self, handover: Handover, outcome: PaymentOutcome) -> Sequence[RawCallback]:
        """The payer's browser follows the hand-over, and the payment ends as SUCCEEDED, PENDING or FAILED.

        Gives the genuine messages about it: what the browser brings back, then what the server sends, where it sends any.
        """
        ...


@runtime_checkable
class Plays(Protocol):
    """A plugin that can play the other side of gateways for their promises: its own, or others' too, as the sandbox does. Optional."""

    def play(self, gateway: str, ctx: GatewayContext) -> OtherSide | None:
        """The server of that gateway, which knows the office by these parameters; None for a gateway that is not played here."""
        ...


def able(gateway: object) -> Sequence[str]:
    """What a gateway can do, in words for people: paying, refunds, settlement files."""
    kinds = ((Pays, "payments"), (Refunds, "refunds"), (Settles, "settlement files"))
    return [word for kind, word in kinds if isinstance(gateway, kind)]
