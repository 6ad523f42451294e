"""What the rehearsal gateway knows: its merchants, the payments and refunds, its own clock, and the scripts they follow.

No wire format and no connection is known here. A merchant's secrets are in `Merchant` alone, whose repr shows none.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from plugins.payment.sandbox.rehearsal.scripts import SUFFIXES, Part, Plan, Script, Spoil, Status, Word

__all__ = ["Duplicate", "Merchant", "Payment", "Refund", "Statement", "Till", "TooMuch"]

_PREFIXES = {("razorpay", "SBT"): "pay_", ("razorpay", "SBR"): "rfnd_"}


@dataclass(slots=True)
class Merchant:
    """An invented office at one of the gateways. `secrets` by the name that its wire gives them; `notices` is where its server
    notices go, for the gateways that are told so once and not with each payment."""

    wire: str
    id: str
    secrets: Mapping[str, str] = field(repr=False)
    more: Mapping[str, str] = field(default_factory=dict)
    notices: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a message says of a payment; `spoil` is left for the codec where it is about the signature or a field."""

    merchant: str
    reference: str
    order: str
    txn: str
    amount_paise: int
    currency: str
    status: Status
    at: datetime
    spoil: Spoil = Spoil.NONE

    @property
    def code(self) -> str:
        """A short word of the bank."""
        return {Status.PAID: "00", Status.PENDING: "P1", Status.FAILED: "F1", Status.CANCELLED: "C1", Status.OPEN: "OPEN"}[self.status]

    @property
    def bank(self) -> str:
        """The bank's reference, once it has one."""
        return f"BNK{self.txn[-8:]}" if self.status is Status.PAID else ""


@dataclass(slots=True)
class Refund:
    """Money that goes back: DONE from `done_at`, or FAILED, or PENDING."""

    reference: str
    id: str
    amount_paise: int
    made_at: datetime
    done_at: datetime
    failed: bool = False


@dataclass(slots=True)
class Payment:
    """An order and what became of it. `more` is what its wire remembers (such as notes)."""

    merchant: Merchant
    reference: str
    order: str
    amount_paise: int
    currency: str
    return_url: str
    notice_url: str
    made_at: datetime
    more: dict[str, Any] = field(default_factory=dict)
    txn: str = ""
    second: str = ""
    paid_at: datetime | None = None
    plan: Plan | None = None
    scenario: str = ""
    refunds: dict[str, Refund] = field(default_factory=dict)
    unseen: int | None = None

    @property
    def refunded_paise(self) -> int:
        """What went back, or is on its way."""
        return sum(each.amount_paise for each in self.refunds.values() if not each.failed)


class Duplicate(Exception):
    """The reference was used before, for something else."""


class TooMuch(Exception):
    """More would go back than was paid, or nothing was paid."""


class Till:
    """`now` gives the present; moving the clock adds to it. `series` begins every id, so that a new start makes new ones."""

    def __init__(self, merchants: tuple[Merchant, ...], *, now: Callable[[], datetime] | None = None, series: str = "RE") -> None:
        self._merchants = {(each.wire, each.id): each for each in merchants}
        self._now = now or (lambda: datetime.now(UTC))
        self._ahead = timedelta()
        self._series, self._count = series, 0
        self._scripts: dict[str, dict[Part, Script]] = {}
        self._shown: dict[tuple[str, Part], int] = {}
        self.payments: list[Payment] = []

    @property
    def merchants(self) -> list[Merchant]:
        """All of them."""
        return list(self._merchants.values())

    def merchant(self, wire: str, id: str) -> Merchant | None:
        """The merchant of that id at that gateway."""
        return self._merchants.get((wire, id))

    def now(self) -> datetime:
        """The till's own time."""
        return self._now() + self._ahead

    def advance(self, seconds: int) -> None:
        """Moves the clock on."""
        self._ahead += timedelta(seconds=seconds)

    def new_id(self, prefix: str, *, digits: int = 9) -> str:
        """An id that this till never gave before."""
        self._count += 1
        return f"{prefix}{self._series}{self._count:0{digits}d}"

    def _new_id(self, wire: str, kind: str) -> str:
        """An id of a transaction or a refund, in the shape that the gateway gives it. PayU's are numbers beyond what a float holds."""
        if wire == "payu":
            return f"4039{zlib.crc32(self._series.encode()):010d}{self.new_id('')[-6:]}"
        return self.new_id(_PREFIXES.get((wire, kind), kind), digits=12 if wire == "razorpay" else 9)

    # --- scripts

    def follow(self, subject: str, script: Script) -> None:
        """From now on a reference, or all payments of a merchant, go by this script."""
        self._scripts.setdefault(subject, {})[script.part] = script
        self._shown.pop((subject, script.part), None)

    def script(self, part: Part, *subjects: str, amount_paise: int = 0) -> Script | None:
        """The script of the first subject that has one for this part, else the one of the amount's paise."""
        for subject in subjects:
            if subject and (found := self._scripts.get(subject, {}).get(part)):
                return found
        by_paise = SUFFIXES.get(amount_paise % 100)
        script = Script(by_paise) if by_paise else None
        return script if script and script.part is part else None

    def fault(self, operation: str, *subjects: str, amount_paise: int = 0) -> Script | None:
        """The fault that strikes this question, counted: it shows as often as its script says."""
        for part in (Part.START, Part.ANSWER) if operation == "start" else (Part.ANSWER,):
            script = self.script(part, *subjects, amount_paise=amount_paise)
            if script is None or script.on not in {"any", operation}:
                continue
            key = (next((each for each in subjects if each), ""), part)
            shown = self._shown.get(key, 0)
            if script.times == 0 or shown < script.times:
                self._shown[key] = shown + 1
                return script
        return None

    # --- payments

    def begin(self, merchant: Merchant, reference: str, amount_paise: int, currency: str, *, order: str = "", **told: Any) -> Payment:
        """A new order. Raises Duplicate for a reference that this merchant used."""
        if self.payment(merchant.wire, reference, merchant.id) is not None:
            raise Duplicate
        return_url, notice_url = str(told.pop("return_url", "")), str(told.pop("notice_url", ""))
        made = Payment(
            merchant=merchant,
            reference=reference,
            order=order or self.new_id("SBO"),
            amount_paise=amount_paise,
            currency=currency,
            return_url=return_url,
            notice_url=notice_url,
            made_at=self.now(),
            more=told,
        )
        self.payments.append(made)
        return made

    def payment(self, wire: str, name: str, merchant: str = "") -> Payment | None:
        """The newest payment of that reference, order or transaction, of that merchant if one is named."""
        for each in reversed(self.payments):
            named = name and name in {each.reference, each.order, each.txn, each.second}
            if named and wire in {"", each.merchant.wire} and merchant in {"", each.merchant.id}:
                return each
        return None

    def pay(self, payment: Payment, plan: Plan, *, scenario: str, txn: str = "") -> None:
        """The payer pressed a button: the turns begin now."""
        payment.plan, payment.scenario, payment.paid_at = plan, scenario, self.now()
        payment.txn = txn or self._new_id(payment.merchant.wire, "SBT")
        payment.second = self._new_id(payment.merchant.wire, "SBT") if any(word.again for word in plan.words) else ""

    def status(self, payment: Payment) -> Status:
        """How it stands now."""
        if payment.plan is None or payment.paid_at is None:
            return Status.OPEN
        past = [turn.status for turn in payment.plan.turns if payment.paid_at + timedelta(seconds=turn.after_s) <= self.now()]
        return past[-1] if past else Status.OPEN

    def statement(self, payment: Payment, status: Status | None = None) -> Statement:
        """What is true of it now, or would be under that status."""
        status = status or self.status(payment)
        at = payment.made_at
        if payment.plan is not None and payment.paid_at is not None:
            turn = next((each for each in payment.plan.turns if each.status is status), payment.plan.turns[0])
            at = payment.paid_at + timedelta(seconds=turn.after_s)
        shown = (payment.merchant.id, payment.reference, payment.order, payment.txn, payment.amount_paise, payment.currency)
        return Statement(*shown, status, at)

    def worded(self, payment: Payment, word: Word) -> Statement:
        """What a word says, spoilt as it wants."""
        turns = payment.plan.turns if payment.plan else ()
        said = self.statement(payment, turns[word.turn].status if turns else None)
        if word.again:
            said = replace(said, txn=payment.second)
        script = self.script(Part.PAYMENT, payment.reference, payment.merchant.id, amount_paise=payment.amount_paise)
        by = script.by if script else Script("success").by
        match word.spoil:
            case Spoil.AMOUNT:
                return replace(said, amount_paise=max(1, said.amount_paise + by))
            case Spoil.MERCHANT:
                return replace(said, merchant=f"{said.merchant}X")
            case Spoil.REFERENCE:
                return replace(said, reference=said.reference[::-1])
            case _:
                return replace(said, spoil=word.spoil)

    def seen(self, payment: Payment) -> bool:
        """Whether a question finds it: one scenario hides it for some questions."""
        script = self.script(Part.QUERY, payment.reference, payment.merchant.id, amount_paise=payment.amount_paise)
        if payment.unseen is None:
            payment.unseen = script.times if script else 0
        payment.unseen -= 1
        return payment.unseen < 0

    # --- refunds

    def give_back(self, payment: Payment, reference: str, amount_paise: int) -> Refund:
        """A refund, the same one for the same reference. Raises Duplicate for another amount, TooMuch for more than is left."""
        if known := payment.refunds.get(reference):
            if known.amount_paise != amount_paise:
                raise Duplicate
            return known
        if self.status(payment) is not Status.PAID or amount_paise <= 0 or payment.refunded_paise + amount_paise > payment.amount_paise:
            raise TooMuch
        subjects = (reference, payment.reference, payment.merchant.id)
        script = self.script(Part.REFUND, *subjects, amount_paise=payment.amount_paise)
        later = script.after if script and script.scenario == "refund_pending_then_ok" else 0
        made = Refund(
            reference, self._new_id(payment.merchant.wire, "SBR"), amount_paise, self.now(), self.now() + timedelta(seconds=later)
        )
        made.failed = script is not None and script.scenario == "refund_failed"
        payment.refunds[reference] = made
        return made

    def refund(self, wire: str, name: str) -> tuple[Payment, Refund] | None:
        """The refund of that reference or id, and the payment it belongs to."""
        for payment in self.payments:
            for each in payment.refunds.values():
                if payment.merchant.wire == wire and name in {each.reference, each.id}:
                    return payment, each
        return None

    def is_done(self, refund: Refund) -> bool:
        """Whether the money is back."""
        return not refund.failed and refund.done_at <= self.now()
