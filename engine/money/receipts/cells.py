"""Tables as files for accountants: CSV and XLSX whose cells no spreadsheet ever calculates.

A text that a spreadsheet could take for a formula, at its beginning or behind a sign that some take for the end of a cell, gets an
apostrophe before it; in XLSX every text is stored as a text besides. Amounts are numbers of two decimals.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

__all__ = ["Cell", "Sheet", "as_csv", "as_xlsx", "harmless", "rupees_of"]

Cell = str | int | Decimal | date
# Also the wide forms, which some spreadsheets read like the narrow ones; and what they take for the end of a cell.
_CALCULATED = re.compile(r"(^|[;,|\t])([\s\u00a0\u200b\ufeff]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
_BREAKS = re.compile(r"[\r\n\x0b\x0c\x85\u2028\u2029]+")
_HIDDEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_LONGEST = 32_000  # an XLSX cell takes 32,767
_WIDTHS = (12, 42)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its name, its heads, and its rows."""

    name: str
    heads: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def rupees_of(paise: int) -> Decimal:
    """An amount as a number: 23600 paise are 236.00."""
    return Decimal(paise).scaleb(-2)


def harmless(text: str) -> str:
    """The text on one line, such that no spreadsheet calculates it, nor a part of it."""
    line = _HIDDEN.sub("", _BREAKS.sub(" ", text))[:_LONGEST]
    return _CALCULATED.sub(r"\1\2'", line)


def as_csv(sheet: Sheet) -> bytes:
    """The table as CSV in UTF-8, with the mark by which spreadsheets know that. Every cell is quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow([harmless(head) for head in sheet.heads])
    for row in sheet.rows:
        writer.writerow([_plain(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def as_xlsx(sheet: Sheet, *, made_at: datetime) -> bytes:
    """The table as an XLSX workbook of one sheet."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    book.properties.creator, book.properties.created, book.properties.modified = "ecoo", made_at, made_at
    page = book.create_sheet(sheet.name[:31])
    page.freeze_panes = "A2"
    for index, head in enumerate(sheet.heads, 1):
        page.column_dimensions[get_column_letter(index)].width = min(max(len(head) + 2, _WIDTHS[0]), _WIDTHS[1])

    def cell(value: Cell, *, bold: bool = False) -> WriteOnlyCell:
        made = WriteOnlyCell(page, value=harmless(value) if isinstance(value, str) else value)
        if isinstance(value, str):
            made.data_type = "s"  # whatever it begins with
        elif isinstance(value, Decimal):
            made.number_format = "#,##0.00"
        elif isinstance(value, date):
            made.number_format = "yyyy-mm-dd"
        if bold:
            made.font = Font(bold=True)
        return made

    page.append([cell(head, bold=True) for head in sheet.heads])
    for row in sheet.rows:
        page.append([cell(value) for value in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _plain(cell: Cell) -> str:
    if isinstance(cell, Decimal):
        return f"{cell:.2f}"
    if isinstance(cell, date):
        return cell.isoformat()
    return harmless(cell) if isinstance(cell, str) else str(cell)
