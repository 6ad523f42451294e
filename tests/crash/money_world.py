"""Where a day of money takes place: two agencies, six offices with a gateway each, four firms; and the payers and gateways outside.

The gateways are the rehearsal's, served over HTTP in this process, which nobody kills. What they send is made by the rehearsal's own
codecs, and is handed to the doors by the test instead of being posted.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from engine import registry as registry_module
from engine.money.fees import NewFee, Rounding, add_fee
from engine.money.gateways import save_parameters
from engine.money.ledger import Book, open_balance
from engine.money.terms import NewTerms, set_terms
from engine.people import ExporterHere, OfficeHere, add_agency, add_office, appoint_administrator, register_exporter
from engine.people.changes.tables import ChangeRow
from engine.people.offices.keeping import office_by_id
from engine.people.tables import Office
from engine.scope import PLATFORM, Scope
from engine.store import SecretBox, uow
from plugins.payment.sandbox.rehearsal.http import Request
from plugins.payment.sandbox.rehearsal.scripts import Plan, Script, Spoil, Status, Turn, Way, Word, plan_of
from plugins.payment.sandbox.rehearsal.settlement import as_csv, lines_of
from plugins.payment.sandbox.rehearsal.till import Merchant, Payment
from plugins.payment.sandbox.rehearsal.wires.asked import Post
from tests.money.till import activate
from tests.rehearsal import Rehearsal, rehearsing

__all__ = ["BANKS", "OPENING_PAISE", "Branch", "Outside", "World", "make_world", "outside", "raw_of"]

OPENING_PAISE = 5_000_00  # what each wallet brings along from the platform before
_SANDBOX = "k9XvQ2mNpR7sT4wZ"
BANKS = (
    Merchant("sandbox", "COOMUM01", {"checksum": _SANDBOX}),
    Merchant("sandbox", "COODEL01", {"checksum": "Zz8yXw7vUt6sRq5p"}),
    Merchant("billdesk", "COOKOL01", {"checksum": "b1llDeskChecksumKeyOfNoBank"}),
    Merchant("billdesk_jose", "COOMAA01", {"signing": "b1llDeskSign1ngKeyOfNoBank0000000"}, {"client_id": "coomaa01client"}),
    Merchant("razorpay", "rzp_test_COOBLR0100000", {"key": "r4zorKeySecretOfNoBank00", "webhook": "r4zorWebhookSecretOfNoBank"}),
    Merchant("payu", "COOHYD", {"salt": "p4yuSaltOfNoBank00000000000000000"}),
)
_CLASSIC = {"interface": "classic", "algorithm": "hmac-sha256"}
_ENTERED: Sequence[Mapping[str, str]] = (
    {"merchant_id": "COOMUM01", "checksum": _SANDBOX},
    {"merchant_id": "COODEL01", "checksum": "Zz8yXw7vUt6sRq5p"},
    {"merchant_id": "COOKOL01", "checksum": "b1llDeskChecksumKeyOfNoBank", **_CLASSIC},
    {
        "merchant_id": "COOMAA01",
        "checksum": "b1llDeskSign1ngKeyOfNoBank0000000",
        "interface": "jose-hmac",
        "client_id": "coomaa01client",
    },
    {
        "key_id": "rzp_test_COOBLR0100000",
        "key_secret": "r4zorKeySecretOfNoBank00",
        "webhook_secret": "r4zorWebhookSecretOfNoBank",
        "account_id": "acc_REHEARSAL00001",
    },
    {"key": "COOHYD", "salt": "p4yuSaltOfNoBank00000000000000000", "contact_email": "hyd@coo.example", "contact_phone": "9999999999"},
)
# code, state, on rejection, on withdrawal, when the wallet's fee is taken, what a top-up is
_OFFICES = (
    ("MUM", "27", "refund", "refund", "filing", "deposit"),
    ("DEL", "07", "wallet", "refund", "issue", "advance"),
    ("KOL", "19", "keep", "wallet", "issue", "deposit"),
    ("MAA", "33", "refund", "keep", "filing", "advance"),
    ("BLR", "29", "wallet", "wallet", "issue", "deposit"),
    ("HYD", "36", "refund", "refund", "filing", "deposit"),
)
_FIRMS = (
    ("AAACK1234F", "KONKAN KERNELS LLP", "27AAACK1234F1Z5"),
    ("AAACD4321G", "DOAB DYES LTD", "07AAACD4321G1Z3"),
    ("AAACB5555H", "BENGAL BATIKS", ""),
    ("AAACM7777J", "MYSORE MILLS LTD", "29AAACM7777J1Z8"),
)


@dataclass(frozen=True)
class Branch:
    """An office, its gateway and its terms."""

    here: OfficeHere
    gateway: str
    bank: Merchant
    terms: NewTerms

    @property
    def id(self) -> str:
        return str(self.here.id)


@dataclass(frozen=True)
class World:
    """Whoever takes part."""

    branches: Sequence[Branch]
    firms: Sequence[ExporterHere]

    def branch(self, office: object) -> Branch:
        [found] = [each for each in self.branches if each.id == str(office)]
        return found


async def make_world(box: SecretBox, at: datetime) -> World:
    """Fills an empty database."""
    registry = registry_module.load()
    agencies = [await add_agency(code, f"Agency {code}", actor="test", at=at) for code in ("EIA", "TXC")]
    administrators = [
        await appoint_administrator(agency, email=f"ann{number}@example.in", name="Ann", actor="test", at=at)
        for number, agency in enumerate(agencies)
    ]
    firms = [await register_exporter(iec, name, gstin, actor="test", at=at) for iec, name, gstin in _FIRMS]
    for agency in agencies:
        fee = NewFee(None, "", "", 20000, 1800, "998599", Rounding.PAISA, at.date() - timedelta(days=1))
        await add_fee(Scope.agency(agency), agency, fee, actor="test", at=at - timedelta(days=1))
    branches = []
    for number, (code, state, rejected, withdrawn, taken, advance) in enumerate(_OFFICES):
        agency, administrator = agencies[number % 2], administrators[number % 2]
        id = await add_office(agency, code, f"Office {code}", "A City", actor="test", at=at, state=state, gstin="")
        async with uow():
            await Office.update({Office.wallet: True}).where(Office.id == id)
        here = replace(await office_by_id(PLATFORM, id), wallet=True)
        terms = NewTerms(rejected, withdrawn, taken, advance, code)
        await set_terms(Scope.agency(agency), here, terms, actor="test", at=at)
        bank = BANKS[number]
        gateway = registry.gateway(bank.wire.partition("_")[0])
        entered = dict(_ENTERED[number])
        parameters = await save_parameters(Scope.agency(agency), here, gateway, entered, shared=True, box=box, actor="test", at=at)
        await _activate(here, parameters, administrator, at)
        branches.append(Branch(here, gateway.id, bank, terms))
        for firm in firms:
            key, book = f"opening:legacy:{code}/{firm.iec}", Book(agency, here.id)
            await open_balance(book, firm.id, OPENING_PAISE, key=key, reference=firm.iec, as_of=at, actor="test", at=at)
    return World(branches, firms)


async def _activate(office: OfficeHere, parameters: UUID, administrator: UUID, at: datetime) -> None:
    """As a confirmed change would put it."""
    change = ChangeRow(
        agency=office.agency_id,
        office=office.id,
        kind="payment_parameters",
        subject=str(office.id),
        state="done",
        asked_by=administrator,
        asked_as="administrator",
        asked_at=at,
        decided_at=at,
    )
    change.live_key = str(change.id)
    async with uow():
        await activate(office, parameters, change, at)


# --- outside ------------------------------------------------------------------------------------------


@dataclass
class Letter:
    """Word that a gateway will send, and from when on it may."""

    due_at: datetime
    payment: Payment
    word: Word


@dataclass
class Outside:
    """The gateways and those who pay there."""

    rehearsal: Rehearsal
    letters: list[Letter] = field(default_factory=list)

    @property
    def till(self) -> Any:
        return self.rehearsal.gateway.till

    def settings(self) -> dict[str, dict[str, str]]:
        """Of the gateways, so that they are looked for here."""
        at = self.rehearsal.address
        billdesk = {
            "classic_pay_url": f"{at}/pgidsk/PGIMerchantPayment",
            "classic_query_url": f"{at}/pgidsk/PGIQueryController",
            "classic_refund_url": f"{at}/pgidsk/PGIRefundController",
            "jose_api_url": f"{at}/payments/ve1_2",
            "jose_pay_url": f"{at}/web/v1_2/embeddedsdk",
            "classic_refund_column": "27",
            "refund_done_codes": "0799",
            "refund_failed_codes": "0399",
        }
        razorpay = {"api_url": f"{at}/v1", "checkout_url": f"{at}/v1/checkout/embedded"}
        payu = {"pay_url": f"{at}/_payment", "service_url": f"{at}/merchant/postservice.php?form=2"}
        return {"sandbox": {"url": at}, "billdesk": billdesk, "razorpay": razorpay, "payu": payu}

    def arrive(self, wire: str, reference: str, url: str, form: Mapping[str, str] | None) -> Payment | None:
        """A payer's browser follows the hand-over; gives the payment if it is known there then."""
        parts = urlsplit(url)
        body = urlencode(form).encode() if form else b""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        method = "POST" if form is not None else "GET"
        base = f"{parts.scheme}://{parts.netloc}"
        self.rehearsal.gateway.asked(Request(method, parts.path, parts.query, headers, body, base))
        found: Payment | None = self.till.payment(wire, reference)
        return found if found is not None and found.return_url else None  # a fault may have kept the page from the payer

    def press(self, payment: Payment, scenario: str) -> None:
        """The payer presses a button; what is sent about it lies ready."""
        self.till.pay(payment, plan_of(Script(scenario)), scenario=scenario)
        assert payment.plan is not None
        assert payment.paid_at is not None
        for word in payment.plan.words:
            due = payment.paid_at + timedelta(seconds=payment.plan.turns[word.turn].after_s)
            self.letters += [Letter(due, payment, word)] * word.copies

    def posted(self, payment: Payment, word: Word) -> Post:
        """The message as it leaves."""
        wire, said = self.rehearsal.gateway.wires[payment.merchant.wire], self.till.worded(payment, word)
        post: Post = wire.back(payment, said) if word.way is Way.RETURN else wire.notice(payment, said)
        return post

    def truth(self, payment: Payment) -> Post:
        """The notice of how a payment stands now, as often as one asks for it."""
        post: Post = self.rehearsal.gateway.wires[payment.merchant.wire].notice(payment, self.till.statement(payment))
        return post

    def forged(self, payment: Payment, dice: Random) -> Post:
        """Word that the payment succeeded, which nobody who has the key made."""
        merchant = payment.merchant
        other = replace(merchant, secrets={name: f"{secret[::-1]}9" for name, secret in merchant.secrets.items()})
        lie = replace(payment, merchant=other, plan=Plan((Turn(0, Status.PAID),), ()), txn=payment.txn or f"X{payment.reference}")
        wire, said = self.rehearsal.gateway.wires[merchant.wire], self.till.statement(lie, Status.PAID)
        if dice.random() < 0.3:
            genuine = replace(payment, plan=lie.plan, txn=lie.txn)
            return wire.notice(genuine, replace(said, spoil=Spoil.CHECKSUM))
        post: Post = wire.notice(lie, said) if dice.random() < 0.6 or not payment.return_url else wire.back(lie, said)
        return post

    def calm(self, bank: Merchant) -> None:
        """No fault strikes a merchant any more."""
        self.till._scripts.pop(bank.id, None)

    def settled(self, bank: Merchant) -> bytes:
        """The settlement file of a sandbox as it would be fetched now."""
        return as_csv(bank.id, lines_of(self.till, bank.wire, bank.id))


def raw_of(post: Post, address: str) -> dict[str, Any]:
    """A message as it arrives, in JSON."""
    headers = {name.lower(): value for name, value in {"content-type": post.media_type, **post.headers}.items()}
    return {"headers": headers, "body": base64.b64encode(post.body).decode(), "address": address}


@contextmanager
def outside(at: datetime) -> Iterator[Outside]:
    """The gateways, served; their clock stands where it is put."""
    with rehearsing(BANKS) as rehearsal:
        rehearsal.clock.at = at
        yield Outside(rehearsal)
