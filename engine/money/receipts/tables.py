"""The rows of receipts and vouchers: consecutive within their series, whole, and never changed."""

from enum import StrEnum

from piccolo.columns import UUID, BigInt, Integer, Text, Timestamptz
from piccolo.constraints import Check, Unique

from engine.money.ledger.tables import JournalRow
from engine.money.orders.tables import OrderRow, RefundRow
from engine.people.tables import Agency, Exporter, Office
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = ["ReceiptCounterRow", "ReceiptKind", "ReceiptRow"]


class ReceiptKind(StrEnum):
    """What a document is to the law: CGST Rules 46, 49, 50 and 51; an acknowledgement of a deposit; a credit note."""

    TAX_INVOICE = "tax_invoice"
    BILL_OF_SUPPLY = "bill_of_supply"
    RECEIPT_VOUCHER = "receipt_voucher"
    ACKNOWLEDGEMENT = "acknowledgement"
    REFUND_VOUCHER = "refund_voucher"
    CREDIT_NOTE = "credit_note"


class ReceiptCounterRow(Row, tablename="receipt_counter"):
    """The last number of a series, which is an office, a receipt code and a financial year in IST."""

    agency = refers(Agency)
    office = refers(Office)
    prefix = text(10)
    last = Integer(default=0)

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    once = Unique([office, prefix])
    counts = Check("last BETWEEN 0 AND 999999")


class ReceiptRow(Row, tablename="receipt"):
    """A receipt or voucher, append-only. `content` is all that is printed on it, as JSON, frozen; `corrects` the one it takes back.

    The number is unique at the office whatever the series, has at most 16 letters, digits, `-` and `/`, and has no hole before it.
    `subject_key` is what it is for: nothing is receipted twice.
    """

    agency = refers(Agency)
    office = refers(Office)
    exporter = refers(Exporter)
    kind = text(16)
    number = text(16)
    prefix = text(10)
    serial = Integer()
    order = refers(OrderRow, null=True)
    refund = refers(RefundRow, null=True)
    journal = refers(JournalRow)
    corrects = UUID(null=True, default=None)
    subject_key = text(80, unique=True)
    amount_paise = BigInt()
    content = Text()
    content_sha256 = text(64)
    made_at = Timestamptz(index=True)

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_journal = CompositeForeignKey(["office", "journal"], "ledger_journal", ["office", "id"])
    of_order = CompositeForeignKey(["exporter", "office", "order"], "payment_order", ["exporter", "office", "id"])
    of_refund = CompositeForeignKey(["exporter", "office", "refund"], "payment_refund", ["exporter", "office", "id"])
    of_office = Unique(["office", "id"])
    corrects_here = CompositeForeignKey(["office", "corrects"], "receipt", ["office", "id"])
    number_once = Unique([office, number])
    in_order = Unique([office, prefix, serial])
    kind_known = one_of("kind", ReceiptKind)
    not_negative = Check("amount_paise >= 0")
    numbered = Check("serial BETWEEN 1 AND 999999 AND length(number) > 0")
