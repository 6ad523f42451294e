"""The sandbox's settlement file: a line that names the merchant, a heading, the lines, and a line that says how many there are.

    SANDBOX SETTLEMENT,COOMUM01
    line,kind,reference,transaction,gross,fee,tax,net,utr,settled_on
    SL000001,PAYMENT,ABCDEFGHJKLMNPQRST23,SBT000001,236.00,2.00,0.36,233.64,UTR20260401,2026-04-02
    END,1,233.64

A file that was cut off, mended by hand or made for another merchant is refused with its line and column.
"""

import re
from collections.abc import Sequence
from datetime import date

from engine.api import Refused, SettledLine, SettlementKind
from plugins.payment.sandbox.messages import paise_of

__all__ = ["HELP", "read_settlement"]

HELP = "The CSV file that the rehearsal server offers on its page, under Settlement."
_COLUMNS = ("line", "kind", "reference", "transaction", "gross", "fee", "tax", "net", "utr", "settled_on")
_KINDS = {"PAYMENT": SettlementKind.PAYMENT, "REFUND": SettlementKind.REFUND}
_MOST_BYTES, _MOST_LINES = 5_000_000, 50_000
_SHAPES = {"line": r"[A-Z0-9]{1,40}", "reference": r"[A-Z0-9]{1,40}", "transaction": r"[A-Z0-9]{1,40}", "utr": r"[A-Z0-9]{1,30}"}


def read_settlement(merchant: str, data: bytes) -> Sequence[SettledLine]:
    """The lines of a whole file of this merchant. Raises Refused, naming line and column."""
    if len(data) > _MOST_BYTES:
        raise _wrong(1, "line", "the file is longer than 5 MB")
    try:
        rows = [row.split(",") for row in data.decode("ascii").removesuffix("\n").replace("\r\n", "\n").split("\n")]
    except UnicodeDecodeError as error:
        raise _wrong(data.count(b"\n", 0, error.start) + 1, "line", "the file has a character beyond ASCII") from None
    if rows[0] != ["SANDBOX SETTLEMENT", merchant]:
        raise _wrong(1, "line", "the file is not a settlement of this Merchant ID")
    if len(rows) < 3 or rows[1] != list(_COLUMNS):
        raise _wrong(2, "line", "the heading is not the sandbox's")
    if len(rows) - 3 > _MOST_LINES:
        raise _wrong(len(rows), "line", f"the file has more than {_MOST_LINES} lines")
    lines = [_line(merchant, number, row) for number, row in enumerate(rows[2:-1], start=3)]
    _require_whole(rows[-1], lines, len(rows))
    return lines


def _line(merchant: str, number: int, row: Sequence[str]) -> SettledLine:
    if len(row) != len(_COLUMNS):
        raise _wrong(number, "line", f"there are {len(row)} columns instead of {len(_COLUMNS)}; the file may be cut off")
    told = dict(zip(_COLUMNS, row, strict=True))
    for column, shape in _SHAPES.items():
        if not re.fullmatch(shape, told[column], re.ASCII):
            raise _wrong(number, column, "the text is not of the form that the sandbox writes")
    if told["kind"] not in _KINDS:
        raise _wrong(number, "kind", "it is neither PAYMENT nor REFUND")
    gross, fee, tax, net = (_amount(number, column, told[column]) for column in ("gross", "fee", "tax", "net"))
    if gross - fee - tax != net:
        raise _wrong(number, "net", "it is not gross less fee and tax")
    key = f"{merchant}:{told['line']}"
    reference, txn, utr = told["reference"], told["transaction"], told["utr"]
    return SettledLine(key, _KINDS[told["kind"]], reference, txn, gross, fee, tax, net, utr, _day(number, told["settled_on"]))


def _require_whole(end: Sequence[str], lines: Sequence[SettledLine], number: int) -> None:
    net = sum(each.net_paise if each.kind is SettlementKind.PAYMENT else -each.net_paise for each in lines)
    told = f"{'-' if net < 0 else ''}{abs(net) // 100}.{abs(net) % 100:02d}"
    if list(end) != ["END", str(len(lines)), told]:
        raise _wrong(number, "line", "the last line does not count what is above it, so the file is not whole")


def _amount(number: int, column: str, text: str) -> int:
    paise = paise_of(text)
    if paise is None:
        raise _wrong(number, column, "it is no amount in rupees with two decimals")
    return paise


def _day(number: int, text: str) -> date:
    try:
        return date.fromisoformat(text if len(text) == 10 else "")
    except ValueError:
        raise _wrong(number, "settled_on", "it is no day like 2026-04-02") from None


def _wrong(number: int, column: str, what: str) -> Refused:
    say = f"Line {number}, column {column}: {what}. Fetch the file from the gateway again, and do not open it in between."
    return Refused(say, box=f"line {number}", rule=f"settlement column {column}", code="settlement_file")
