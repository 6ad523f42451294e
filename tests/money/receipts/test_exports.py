"""Files for accountants: right to the paisa, of the days that were asked for, and never calculated by a spreadsheet."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook

from engine.errors import Refused
from engine.money.ledger import Book, Entry, JournalKind, bank, post, suspense
from engine.money.receipts import as_csv, as_xlsx, journal_sheet, receipt_sheet
from engine.money.receipts.cells import Sheet, harmless
from engine.people.tables import Exporter
from engine.scope import PUBLIC, Scope
from engine.store import uow
from tests.money.giving import office_scope, paid
from tests.money.till import START, Till

EVIL = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=1", "\u200b=1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff201",
    "=HYPERLINK(\"http://x\",\"y\")", "a;=1+1", "a,=1", "a|=1", "a\t=1", "a\r\n=1+1", "a\u2028=1", "\x00=1", "=cmd|' /C calc'!A0", "';=1",
)  # fmt: skip


def calculated(cell: str) -> bool:
    """Whether a spreadsheet that splits at any of these signs would calculate a part of it."""
    parts = [cell]
    for sign in ";,|\t\r\n":
        parts = [piece for part in parts for piece in part.split(sign)]
    return any(part.lstrip(" \u00a0\u200b\ufeff\x00").startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20")) for part in parts)


def rows_of_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def rows_of_xlsx(data: bytes) -> list[Sequence[Any]]:
    return list(load_workbook(io.BytesIO(data), data_only=False).active.iter_rows())


@pytest.mark.parametrize("text", EVIL)
def test_no_cell_is_calculated_whatever_stands_in_it(text: str) -> None:
    assert calculated(text) or calculated(text.replace("\u2028", "\n"))
    sheet = Sheet("Evil", ["Head", text], [["plain", text], [text, Decimal("-1.00")]])
    cells = [cell for row in rows_of_csv(as_csv(sheet)) for cell in row]
    assert not any(calculated(cell) for cell in cells if cell != "-1.00")
    made = rows_of_xlsx(as_xlsx(sheet, made_at=START))
    assert {cell.data_type for row in made for cell in row} <= {"s", "n"}
    assert not any(calculated(cell.value) for row in made for cell in row if isinstance(cell.value, str))


@pytest.mark.parametrize("text", ["KONKAN KERNELS LLP", "Plot 7, MIDC; Ratnagiri", "AT&T - Co", "a=b", "x@example.in", "", "कोंकण"])
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


async def test_receipts_are_told_line_by_line_with_their_tax(till: Till) -> None:
    order = await till.order(2)
    await paid(till, order)
    sheet = await receipt_sheet(office_scope(till), till.office.id, since=date(2026, 11, 22), until=date(2026, 11, 22))
    rows = [list(row) for row in sheet.rows]
    head, *told = rows_of_csv(as_csv(Sheet(sheet.name, sheet.heads, rows)))
    found = [dict(zip(head, row, strict=True)) for row in told]
    assert [
        (row["Number"], row["Date"], row["Taxable value"], row["CGST"], row["IGST"], row["Amount"], row["GST rate"]) for row in found
    ] == [("MUM/2627/000001", "2026-11-22", "200.00", "18.00", "0.00", "236.00", "18 %")] * 2
    made = rows_of_xlsx(as_xlsx(Sheet(sheet.name, sheet.heads, rows), made_at=START))
    amount = made[1][head.index("Amount")]
    assert (amount.value, amount.number_format) == (236, "#,##0.00")


async def test_a_period_is_of_indian_days(till: Till) -> None:
    for moment, txn in ((datetime(2026, 11, 22, 18, 29, 59, tzinfo=UTC), "A"), (datetime(2026, 11, 22, 18, 30, tzinfo=UTC), "B")):
        till.clock.at = moment
        await paid(till, await till.order(), txn=txn)
    for day, number in ((22, "MUM/2627/000001"), (23, "MUM/2627/000002")):
        for make in (receipt_sheet, journal_sheet):
            sheet = await make(office_scope(till), till.office.id, since=date(2026, 11, day), until=date(2026, 11, day))
            rows = list(sheet.rows)
            assert rows
            if make is receipt_sheet:
                assert {row[0] for row in rows} == {number}
            else:
                assert {str(row[0])[:10] for row in rows} == {f"2026-11-{day}"}


async def test_journal_lines_come_to_what_was_paid_and_a_reason_stays_text(till: Till) -> None:
    await paid(till, await till.order())
    book = Book(till.office.agency_id, till.office.id)
    entries = [Entry(bank(), suspense(), 5)]
    await post(book, JournalKind.ADJUSTMENT, entries, key="k", subject="x", reason='=HYPERLINK("http://x")', actor="test", at=till.at)
    sheet = await journal_sheet(office_scope(till), till.office.id, since=till.at.date(), until=till.at.date())
    rows = [list(row) for row in sheet.rows]
    head, *told = rows_of_csv(as_csv(Sheet(sheet.name, sheet.heads, rows)))
    found = [dict(zip(head, row, strict=True)) for row in told]
    assert sum(Decimal(row["Amount"]) for row in found if row["Kind"] == "payment") == Decimal("236.00")
    [adjusted] = [row for row in found if row["Kind"] == "adjustment"]
    assert (adjusted["Debit"], adjusted["Credit"], adjusted["Amount"]) == ("bank", "suspense", "0.05")
    assert adjusted["Reason"].startswith("'=")


async def test_a_hostile_name_of_a_firm_is_harmless_in_the_file(till: Till) -> None:
    async with uow():
        await Exporter.update({Exporter.name: "=cmd|' /C calc'!A0"}).where(Exporter.id == till.firm.id)
    await paid(till, await till.order())
    sheet = await receipt_sheet(office_scope(till), till.office.id, since=till.at.date(), until=till.at.date())
    assert "=cmd" not in [cell[:4] for row in rows_of_csv(as_csv(sheet)) for cell in row]


async def test_nobody_takes_away_another_offices_books(till: Till) -> None:
    await paid(till, await till.order())
    today = till.at.date()
    for scope in (PUBLIC, Scope.exporter(till.rival.id), Scope.offices(till.office.agency_id, frozenset({till.other.id}))):
        for make in (receipt_sheet, journal_sheet):
            assert list((await make(scope, till.office.id, since=today, until=today)).rows) == []


@pytest.mark.parametrize("days", [-1, 367])
async def test_a_period_that_is_none_or_too_long_is_refused(till: Till, days: int) -> None:
    for make in (receipt_sheet, journal_sheet):
        with pytest.raises(Refused, match="a year apart"):
            await make(office_scope(till), till.office.id, since=till.at.date(), until=till.at.date() + timedelta(days=days))
