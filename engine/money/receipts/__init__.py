"""Receipts and vouchers: numbered without a hole, frozen, and told to accountants as files.

`make_receipt` writes the documents of what was paid, `make_refund_document` that of what went back; both join the caller's unit of
work. `engine.drawing` draws them.
"""

from engine.money.receipts.cells import as_csv, as_xlsx
from engine.money.receipts.content import ContentLine, Parties, ReceiptContent
from engine.money.receipts.exports import journal_sheet, receipt_sheet
from engine.money.receipts.making import make_credit_receipt, make_receipt
from engine.money.receipts.numbering import financial_year
from engine.money.receipts.reading import Receipt, receipt_by_id, receipts_of, receipts_of_order
from engine.money.receipts.tables import ReceiptKind
from engine.money.receipts.taking_back import make_refund_document, parts_going_back

__all__ = [
    "ContentLine",
    "Parties",
    "Receipt",
    "ReceiptContent",
    "ReceiptKind",
    "as_csv",
    "as_xlsx",
    "financial_year",
    "journal_sheet",
    "make_credit_receipt",
    "make_receipt",
    "make_refund_document",
    "parts_going_back",
    "receipt_by_id",
    "receipt_sheet",
    "receipts_of",
    "receipts_of_order",
]
