"""The money of the full site: what offices ask, orders and the tries to pay them, receipts, refunds, wallets and settlement files.

The books are whole: each journal's lines, balances and counters are those that the ledger would have written.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from engine.bench.filling import Filling
from engine.bench.keeping_books import KeptBooks
from engine.bench.receipting import Receipting
from engine.bench.sales import Fate, Sale
from engine.bench.settled_files import put_settlements
from engine.money.fees import break_up
from engine.money.fees.tables import FeeRow, Rounding
from engine.money.gateways.tables import ActivationRow, ConnectionTestRow, ParametersRow
from engine.money.ledger import Account, Book, Entry, JournalKind, clearing, fee_income, gst, refund_payable, wallet
from engine.money.orders.nouns import new_reference
from engine.money.orders.tables import AttemptRow, InboxRow, MoveRow, OrderLineRow, OrderRow, RefundRow
from engine.money.tables import CoverRow
from engine.money.terms.tables import TermsRow
from engine.people.access import RoleKind
from engine.people.changes.tables import ChangeRow

__all__ = ["put_takings"]

_GATEWAY = "sandbox"
_TOPPED_UP = 5_000_00
_FEE = break_up(200_00, gst_rate_bp=1800, sac="999799", rounding=Rounding.PAISA, office_state="27")
_TRIES = {
    Fate.PAID: ("succeeded",),
    Fate.TOP_UP: ("succeeded",),
    Fate.REFUNDED: ("succeeded",),
    Fate.STUCK: ("succeeded",),
    Fate.LATE: ("failed", "succeeded"),
    Fate.EXCESS: ("succeeded", "excess"),
    Fate.EXPIRED: ("abandoned",),
    Fate.TRYING: ("pending",),
    Fate.REVIEW: ("review",),
}
_STATES = {Fate.EXPIRED: "expired", Fate.REVIEW: "expired", Fate.CANCELLED: "cancelled", Fate.OPEN: "open", Fate.TRYING: "open"}


def put_takings(filling: Filling, sales: Sequence[Sale]) -> None:
    """Everything that is money, for the sales of the plan, the oldest first."""
    asked = [sale for sale in sales if sale.fate is not Fate.UNASKED]
    till = _Till(filling, _terms(filling, asked))
    for sale in asked:
        till.ring(sale)
    till.put()


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an office asks, and by which gateway."""

    terms: UUID
    fee: UUID
    parameters: UUID


def _terms(filling: Filling, sales: Sequence[Sale]) -> dict[UUID, _Asked]:
    """By office: its terms, the fee of its agency, and its parameters in use."""
    here = {sale.office: sale.here for sale in sales}
    at, made = filling.at - timedelta(days=400), {"made_by": "bench", "made_at": filling.at - timedelta(days=400)}
    words = {"on_rejection": "refund", "on_withdrawal": "wallet", "fee_taken": "filing", "top_up_is": "deposit", "receipt_code": "RC"}
    terms = filling.put(TermsRow, ({**own, **words, **made, "live_key": str(office)} for office, own in here.items()))
    agencies = list(dict.fromkeys(own["agency"] for own in here.values()))
    price = {"amount_paise": _FEE.base_paise, "gst_rate_bp": _FEE.gst_rate_bp, "sac": _FEE.sac, "rounding": "paisa"}
    keyed = ((agency, {"start_key": f"{agency}:@", "open_key": f"{agency}:"}) for agency in agencies)
    fees = filling.put(FeeRow, ({"agency": agency, **price, **key, **made, "starts_on": at.date()} for agency, key in keyed))
    of_agency = dict(zip(agencies, fees, strict=True))
    version = {"version": 1, "gateway": _GATEWAY, "merchant": "BENCH", "fields": '{"merchant_id":"BENCH"}', "sealed": "{}", "prints": "{}"}
    parameters = filling.put(ParametersRow, ({**own, **version, **made} for own in here.values()))
    used = list(zip(here.values(), parameters, strict=True))
    tested = {"outcome": "passed", "say": "The gateway answered.", "tested_by": "bench", "tested_at": at}
    filling.put(ConnectionTestRow, ({**own, **tested, "parameters": id} for own, id in used))
    filling.put(ActivationRow, _activations(filling, used))
    return {
        office: _Asked(term, of_agency[own["agency"]], id) for (office, own), term, id in zip(here.items(), terms, parameters, strict=True)
    }


def _activations(filling: Filling, used: Sequence[tuple[dict[str, UUID], UUID]]) -> list[dict[str, Any]]:
    """Each version in use by a change that was made."""
    at, asker = filling.at - timedelta(days=400), filling.crowd.accounts[RoleKind.ADMINISTRATOR]
    over: dict[str, Any] = {"kind": "payment_parameters", "title": "Payment parameters", "state": "done", "asked_as": "administrator"}
    over |= {"asked_by": asker, "asked_at": at, "decided_at": at}
    changes = [{**own, **over, "id": uuid4(), "subject": str(id)} for own, id in used]
    filling.put(ChangeRow, ({**change, "live_key": str(change["id"])} for change in changes))
    return [
        {**own, "parameters": id, "change": change["id"], "live_key": str(own["office"]), "activated_at": at}
        for (own, id), change in zip(used, changes, strict=True)
    ]


@dataclass(slots=True)
class _Till:
    """Rings every sale, and keeps the rows that follow from it."""

    filling: Filling
    asked: dict[UUID, _Asked]
    books: KeptBooks = field(default_factory=KeptBooks)
    receipting: Receipting = field(default_factory=Receipting)
    rows: dict[Any, list[dict[str, Any]]] = field(default_factory=dict)

    def ring(self, sale: Sale) -> None:
        """One sale, with all that follows from it."""
        by_wallet = sale.fate is Fate.BY_WALLET and self.books.available(_book(sale), sale.exporter) >= _FEE.total_paise
        tries = () if by_wallet else _TRIES.get(sale.fate, ("succeeded",) if sale.fate.pays else ())
        line = uuid4()
        self._order(sale, by_wallet=by_wallet)
        if sale.fate is not Fate.TOP_UP:
            self._add(OrderLineRow, self._line(sale, line))
        attempts = [self._try(sale, number, end) for number, end in enumerate(tries)]
        if sale.fate.pays:
            self._paid(sale, line, wallet(sale.exporter) if by_wallet else clearing(_GATEWAY))
        if sale.fate is Fate.EXCESS:
            self._post(sale, JournalKind.EXCESS, [Entry(clearing(_GATEWAY), refund_payable(), _amount(sale))], "excess", 1)
        if sale.fate in (Fate.REFUNDED, Fate.STUCK):
            self._refund(sale, line, attempts[-1])
        if sale.fate is Fate.REVIEW:
            self._addresses("/payments/review/{attempt}", f"/payments/review/{attempts[-1]}")

    def put(self) -> None:
        """Writes all of it down."""
        self.books.put(self.filling)
        for table, rows in self.rows.items():
            self.filling.put(table, rows)
        self.receipting.put(self.filling)
        office = next(iter(self.asked))
        tried = [row for row in self.rows[AttemptRow] if row["office"] == office and row["state"] == "succeeded"]
        put_settlements(self.filling, tried, self.asked[office].parameters)

    def _add(self, table: Any, row: dict[str, Any]) -> None:
        self.rows.setdefault(table, []).append(row)

    def _addresses(self, page: str, *addresses: str) -> None:
        """The newest first."""
        known = self.filling.crowd.addresses.setdefault(page, [])
        known[:] = [*addresses, *known][:3]

    def _order(self, sale: Sale, *, by_wallet: bool) -> None:
        topped, state = sale.fate is Fate.TOP_UP, _STATES.get(sale.fate, "paid")
        made = {"made_by": "bench", "made_at": sale.at, "expires_at": sale.at + timedelta(hours=24)}
        paid = {"state": state, "paid_by": ("wallet" if by_wallet else "gateway") if state == "paid" else ""}
        settled = None if state == "open" else sale.at + timedelta(minutes=2)
        what = {"id": sale.id, "reference": sale.reference, "purpose": "top_up" if topped else "fees"}
        owed = {"terms": self.asked[sale.office].terms, "amount_paise": _amount(sale)}
        self._add(OrderRow, {**what, **sale.owner, **owed, **paid, **made, "settled_at": settled})
        if sale.fate is Fate.PAID and sale.index % 8 == 0:  # the first firm's, at the first office
            self._addresses("/payments/{order}", f"/payments/{sale.reference}")
            self._addresses("/payments/{order}/refund", f"/payments/{sale.reference}/refund")
            self._addresses("/wallet/{place}/{firm}", f"/wallet/{sale.office}/{sale.exporter}")
            self._addresses("/offices/{office}/wallets/{firm}", f"/offices/{sale.office}/wallets/{sale.exporter}")

    def _line(self, sale: Sale, id: UUID) -> dict[str, Any]:
        ended = _STATES.get(sale.fate) in {"expired", "cancelled"}
        parts = ("base_paise", "cgst_paise", "sgst_paise", "igst_paise", "gst_rate_bp", "sac", "local_name")
        made = {name: getattr(_FEE, name) for name in parts} | {"rounding": str(_FEE.rounding), "supply": str(_FEE.supply)}
        what = {
            "id": id,
            "order": sale.id,
            "line": 1,
            "application": sale.application,
            "fee": self.asked[sale.office].fee,
            "scheme": "AIFTA",
        }
        gone = {"live_key": str(id if ended else sale.application), "ended_at": sale.at if ended else None}
        back = _FEE.total_paise if sale.fate is Fate.REFUNDED else 0
        return {**what, **sale.owner, **made, **gone, "amount_paise": _FEE.total_paise, "refunded_paise": back}

    def _try(self, sale: Sale, number: int, end: str) -> UUID:
        """One try, what was received about it, and its steps."""
        id, at, won = uuid4(), sale.at + timedelta(minutes=number), end in {"succeeded", "excess"}
        state = "succeeded" if won else end
        disposed = {"succeeded": "applied", "excess": "excess"}.get(end, "")
        named = {"id": id, "order": sale.id, "reference": new_reference(), "token_sha256": _sha256(str(id)), "gateway": _GATEWAY}
        keyed = {"applied_key": str(sale.id if disposed == "applied" else id), "parameters": self.asked[sale.office].parameters}
        dated = {"made_by": "bench", "made_at": at, "changed_at": at, "succeeded_at": at if won else None}
        stands = {
            "state": state,
            "disposition": disposed,
            "gateway_txn_id": f"TXN{id.hex[:12]}",
            "amount_paise": _amount(sale),
            "version": 2,
        }
        back = _amount(sale) if sale.fate is Fate.REFUNDED else 0
        self._add(AttemptRow, {**named, **sale.owner, **keyed, **dated, **stands, "refunded_paise": back})
        inbox = uuid4()
        heard = {"id": inbox, "gateway": _GATEWAY, "channel": "notice", "event_key": id.hex, "attempt": id, "verdict": "applied"}
        body = {"detail": "{}", "headers": "{}", "body_sha256": _sha256(id.hex), "body_bytes": 400, "received_at": at}
        self._add(InboxRow, {**heard, **sale.here, **body, "amount_paise": _amount(sale), "currency": "INR"})
        for step, (before, after) in enumerate((("created", "started"), ("started", state)), 1):
            moved = {"attempt": id, **sale.here, "step": step, "state_before": before, "state_after": after, "moved_at": at}
            self._add(MoveRow, {**moved, "actor": "bench", "because": "the gateway says so", "inbox": inbox if step == 2 else None})
        return id

    def _paid(self, sale: Sale, line: UUID, source: Account) -> None:
        if sale.fate is Fate.TOP_UP:
            entries, kind = [Entry(source, wallet(sale.exporter), _TOPPED_UP)], JournalKind.TOP_UP
        else:
            entries, kind = _fee_entries(source), JournalKind.PAYMENT if source.exporter_id is None else JournalKind.FEE
            owner = {**sale.owner, "application": sale.application, "issuer_kind": "agency", "kind": "order", "order_line": line}
            stands = {"state": "posted", "live_key": str(sale.application), "made_at": sale.at, "ended_at": sale.at}
            self._add(CoverRow, {**owner, **stands, "amount_paise": _FEE.total_paise})
        journal = self._post(sale, kind, entries, "pay", 0)
        receipt = self.receipting.receipt(sale, journal, _FEE if sale.fate is not Fate.TOP_UP else None, _amount(sale))
        if sale.fate is Fate.PAID and sale.index % 8 == 0:
            for file in ("", "/receipt.pdf"):
                self._addresses(f"/payments/{{order}}/receipts/{{receipt}}{file}", f"/payments/{sale.reference}/receipts/{receipt}{file}")

    def _refund(self, sale: Sale, line: UUID, attempt: UUID) -> None:
        """A fee that went back, or that a gateway would not give back."""
        done, at = sale.fate is Fate.REFUNDED, sale.at + timedelta(minutes=5)
        id = uuid4()
        what = {"id": id, "reference": new_reference(), "order": sale.id, "attempt": attempt, "order_line": line, "why": "fee"}
        ended = {"state": "done" if done else "failed", "amount_paise": _FEE.total_paise, "back_to": "source", "reason": "Rejected"}
        dated = {"asked_by": "bench", "asked_at": at, "changed_at": at, "told_at": at}
        self._add(RefundRow, {**what, **sale.owner, **ended, **dated})
        if done:
            back = [Entry(entry.credit, entry.debit, entry.amount_paise) for entry in _fee_entries(clearing(_GATEWAY))]
            self._post(sale, JournalKind.REFUND, back, "refund", 5)
        else:
            self._addresses("/payments/refunds/{refund}", f"/payments/refunds/{id}")

    def _post(self, sale: Sale, kind: JournalKind, entries: Sequence[Entry], what: str, minutes: int) -> UUID:
        at = sale.at + timedelta(minutes=minutes)
        key = f"{what}:{sale.id}"
        return self.books.post(_book(sale), kind, entries, key=key, subject=sale.reference, exporter=sale.exporter, at=at)


def _book(sale: Sale) -> Book:
    return Book(sale.agency, sale.office)


def _amount(sale: Sale) -> int:
    return _TOPPED_UP if sale.fate is Fate.TOP_UP else _FEE.total_paise


def _fee_entries(source: Account) -> list[Entry]:
    return list(_entries(source))


def _entries(source: Account) -> Iterator[Entry]:
    yield Entry(source, fee_income("AIFTA"), _FEE.base_paise)
    yield Entry(source, gst("cgst"), _FEE.cgst_paise)
    yield Entry(source, gst("sgst"), _FEE.sgst_paise)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
