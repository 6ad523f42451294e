"""Razorpay's settlement report, as its API gives it: a list of lines in JSON, one for each payment and refund that was settled.

    {"entity": "collection", "count": 1, "items": [{"entity_id": "pay_...", "type": "payment", "amount": 23600, "fee": 472, "tax": 72,
     "credit": 23128, "debit": 0, "settled": true, "settled_at": 1775088000, "settlement_id": "setl_...", "settlement_utr": "...",
     "order_receipt": "..."}]}

All amounts are paise, and `fee` has its tax in it. The shape of the dashboard's spreadsheet is not published, so it is not read.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from engine.api import Refused, SettledLine, SettlementKind, Untrusted, ist_day
from plugins.payment.razorpay.wire import is_id, moment, object_in, paise_of, short, text_of

__all__ = ["HELP", "read_settlement"]

HELP = (
    "The settlement report in JSON, as Razorpay's API gives it for a day under settlements/recon/combined, saved as it came. "
    "The dashboard's spreadsheet is not read."
)
_MOST_BYTES = 5_000_000
_KINDS = {"payment": (SettlementKind.PAYMENT, "pay"), "refund": (SettlementKind.REFUND, "rfnd")}


def read_settlement(data: bytes) -> Sequence[SettledLine]:
    """The settled lines of a whole report; those that are not settled yet come in a later one. Raises Refused, naming line and column."""
    try:
        report = object_in(data, most=_MOST_BYTES)
    except Untrusted as untrusted:
        raise _wrong(1, "line", "the file is longer than 5 MB" if untrusted.code == "oversized" else "the file is no plain JSON") from None
    items = report.get("items")
    if report.get("entity") != "collection" or not isinstance(items, list):
        raise _wrong(1, "items", "the file is no list of Razorpay's")
    count = report.get("count")
    if isinstance(count, bool) or count != len(items):
        raise _wrong(1, "count", "it does not count the lines of the file, so the file is not whole")
    lines = []
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            raise _wrong(number, "line", "it is no line of a report")
        if item.get("settled") is not False:
            lines.append(_line(number, item))
    return lines


def _line(number: int, item: Mapping[str, Any]) -> SettledLine:
    kind, prefix = _KINDS.get(text_of(item, "type"), (None, ""))
    if kind is None:
        raise _wrong(number, "type", "it is neither payment nor refund; such a line is booked by hand, and its day is not read")
    id, settlement = text_of(item, "entity_id"), text_of(item, "settlement_id")
    if not is_id(id, prefix):
        raise _wrong(number, "entity_id", f"it is no id of a {kind}")
    if not is_id(settlement, "setl"):
        raise _wrong(number, "settlement_id", "it is no id of a settlement")
    if item.get("settled") is not True or item.get("currency") != "INR":
        raise _wrong(number, "currency", "it is not in rupees" if item.get("settled") is True else "it does not say that it is settled")
    gross, fee, tax, net = _figures(number, item, kind)
    reference = short(text_of(item, "order_receipt"), most=40) if kind is SettlementKind.PAYMENT else ""
    utr = short(text_of(item, "settlement_utr"), most=40)
    return SettledLine(f"{settlement}:{id}", kind, reference, id, gross, fee - tax, tax, net, utr, _day(number, item))


def _figures(number: int, item: Mapping[str, Any], kind: SettlementKind) -> tuple[int, int, int, int]:
    """Gross, fee with its tax, tax, net. Of a payment the fee is kept back; a refund that costs one is booked by hand."""
    names = ("amount", "fee", "tax", "credit", "debit")
    found = {name: paise_of(item, name) for name in names}
    for name, amount in found.items():
        if amount is None:
            raise _wrong(number, name, "it is no whole number of paise")
    gross, fee, tax, credit, debit = (found[name] or 0 for name in names)
    if tax > fee:
        raise _wrong(number, "tax", "it is more than the fee that it is part of")
    incoming = kind is SettlementKind.PAYMENT
    if not incoming and fee:
        raise _wrong(number, "fee", "it is a fee on a refund; such a line is booked by hand, and its day is not read")
    if gross == 0 or (credit, debit) != ((gross - fee, 0) if incoming else (0, gross)):
        raise _wrong(number, "credit" if incoming else "debit", "it does not follow from amount and fee")
    return gross, fee, tax, gross - fee


def _day(number: int, item: Mapping[str, Any]) -> date:
    at = moment(item, "settled_at")
    if at is None:
        raise _wrong(number, "settled_at", "it is no moment")
    return ist_day(at)


def _wrong(number: int, column: str, what: str) -> Refused:
    say = f"Line {number}, column {column}: {what}. Fetch the report from Razorpay again, and do not change it in between."
    return Refused(say, box=f"line {number}", rule=f"settlement column {column}", code="settlement_file")
