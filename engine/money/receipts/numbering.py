"""Numbers of receipts: consecutive within office, code and financial year, without a hole, and never over 16 characters.

A number is taken by one guarded update of its counter in the unit of work of the document: whoever comes next waits until that is
committed or undone, so a deed that fails leaves no hole.
"""

from datetime import date, datetime
from uuid import UUID

from engine.clock import ist_day
from engine.errors import Refused
from engine.money.receipts.tables import ReceiptCounterRow
from engine.store.unit import joining

__all__ = ["LONGEST", "financial_year", "number_of", "prefix_of", "take_number"]

LONGEST = 16
_MOST = 999_999


def financial_year(day: date) -> str:
    """The financial year of a day in India, 1 April to 31 March, by its last two digits twice: 2627."""
    first = day.year if day.month >= 4 else day.year - 1
    return f"{first % 100:02d}{(first + 1) % 100:02d}"


def prefix_of(code: str, at: datetime) -> str:
    """What the numbers of a series begin with at that moment, in Indian time: MUM/2627."""
    return f"{code}/{financial_year(ist_day(at))}"


def number_of(prefix: str, serial: int) -> str:
    """The number itself: MUM/2627/000042."""
    return f"{prefix}/{serial:06d}"


async def take_number(agency_id: UUID, office_id: UUID, code: str, at: datetime) -> tuple[str, int]:
    """The prefix and the next serial of a series, taken in the unit of work around the call. Raises Refused for the millionth."""
    prefix = prefix_of(code, at)
    mine = (ReceiptCounterRow.office == office_id, ReceiptCounterRow.prefix == prefix)
    if len(number_of(prefix, _MOST)) > LONGEST:
        raise ValueError("The code of an office's receipts has at most 4 characters.")
    async with joining():
        if not await ReceiptCounterRow.exists().where(*mine):
            new = ReceiptCounterRow(agency=agency_id, office=office_id, prefix=prefix)
            await ReceiptCounterRow.insert(new).on_conflict(
                target=(ReceiptCounterRow.office, ReceiptCounterRow.prefix), action="DO NOTHING"
            )
        taken = (
            await ReceiptCounterRow.update({ReceiptCounterRow.last: ReceiptCounterRow.last + 1})
            .where(*mine, ReceiptCounterRow.last < _MOST)
            .returning(ReceiptCounterRow.last)
        )
    if not taken:
        raise Refused(f"The series {prefix} is full; choose another code for the office's receipts.", box="receipt_code", rule="series")
    return prefix, int(taken[0]["last"])
