"""What the rehearsal gateway settles: a line for each payment and refund, right or wrong as its script says."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta, timezone

from plugins.payment.sandbox.rehearsal.amounts import rupees
from plugins.payment.sandbox.rehearsal.scripts import Part, Status
from plugins.payment.sandbox.rehearsal.till import Payment, Till

__all__ = ["Line", "as_csv", "lines_of"]

_IST = timezone(timedelta(hours=5, minutes=30))


@dataclass(frozen=True, slots=True)
class Line:
    """A settled payment or refund; fee and tax on it are kept back from a payment."""

    id: str
    kind: str
    reference: str
    txn: str
    gross_paise: int
    fee_paise: int
    tax_paise: int
    on: date

    @property
    def net_paise(self) -> int:
        """What moves between gateway and bank."""
        return self.gross_paise - self.fee_paise - self.tax_paise

    @property
    def utr(self) -> str:
        """The bank's reference of that day's transfer."""
        return f"UTR{self.on:%Y%m%d}"


def lines_of(till: Till, wire: str, merchant: str) -> list[Line]:
    """All that is settled for a merchant by now."""
    made = [line for each in till.payments if (each.merchant.wire, each.merchant.id) == (wire, merchant) for line in _lines(till, each)]
    return [line for line in made if line.on <= till.now().astimezone(_IST).date() + timedelta(days=1)]


def as_csv(merchant: str, lines: list[Line]) -> bytes:
    """The sandbox's file."""
    head = f"SANDBOX SETTLEMENT,{merchant}\nline,kind,reference,transaction,gross,fee,tax,net,utr,settled_on\n"
    rows = "".join(
        f"{each.id},{each.kind},{each.reference},{each.txn},{rupees(each.gross_paise)},{rupees(each.fee_paise)},"
        f"{rupees(each.tax_paise)},{rupees(each.net_paise)},{each.utr},{each.on.isoformat()}\n"
        for each in lines
    )
    net = sum(each.net_paise if each.kind == "PAYMENT" else -each.net_paise for each in lines)
    return f"{head}{rows}END,{len(lines)},{'-' if net < 0 else ''}{rupees(abs(net))}\n".encode("ascii")


def _lines(till: Till, payment: Payment) -> Iterator[Line]:
    if payment.paid_at is None:
        return
    script = till.script(Part.SETTLEMENT, payment.reference, payment.merchant.id)
    how = script.how if script else "match"
    on = payment.paid_at.astimezone(_IST).date() + timedelta(days=1)
    by = script.by if script and how == "amount_diff" else 0
    fee = payment.amount_paise // 100
    told = (payment.amount_paise + by, fee, fee * 18 // 100, on)
    if till.status(payment) is Status.PAID and how != "missing_there":
        yield Line(f"SL{payment.txn}", "PAYMENT", payment.reference, payment.txn, *told)
        if how == "duplicate":
            yield Line(f"SL{payment.txn}B", "PAYMENT", payment.reference, payment.txn, *told)
        if how == "missing_here":
            yield Line(f"SL{payment.txn}X", "PAYMENT", payment.reference[::-1], f"{payment.txn}X", *told)
    for each in payment.refunds.values():
        if till.is_done(each):
            yield Line(f"SL{each.id}", "REFUND", each.reference, each.id, each.amount_paise, 0, 0, each.done_at.astimezone(_IST).date())
