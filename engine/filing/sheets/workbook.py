"""A cost sheet as an XLSX workbook of four sheets: `Cost sheet` (a key and its value a row), `Inputs`, `Costs` and `Rates`.

Promises that nothing of a workbook is run or fetched, and that a hostile one costs no more than its size allows: the
archive is looked through before anything of it is parsed. Every cell is written as text, so that no amount is rounded and
no code loses its zero on the way.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from engine.cost_sheet import CostSheet
from engine.errors import Problem, Refused
from engine.filing.reading import to_tree
from engine.filing.reading.text import shown
from engine.filing.sheets.tabular import (
    COSTS,
    HEAD,
    INPUTS,
    MAX_TABLE_BYTES,
    MOST_ROWS,
    RATES,
    WIDEST,
    Table,
    Tables,
    lines_of,
    pairs_of,
    refuse,
)

__all__ = ["from_xlsx", "to_xlsx"]

HEAD_SHEET, INPUTS_SHEET, COSTS_SHEET, RATES_SHEET = "Cost sheet", "Inputs", "Costs", "Rates"
_SHEETS = (HEAD_SHEET, INPUTS_SHEET, COSTS_SHEET, RATES_SHEET)

MOST_PARTS = 100
MAX_UNPACKED = 10_000_000  # a sheet of 2,000 inputs unpacks to two,
MOST_TAGS = 400_000  # and has half as many tags; each costs the parser time, however short it is
_PACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_FOREIGN_PARTS = re.compile(
    r"vbaproject|/externallinks/|/activex/|/embeddings/|/macrosheets/|/dialogsheets/|/querytables/|connections\.xml", re.I
)
_FOREIGN_KINDS = re.compile(rb"macroenabled|vnd\.ms-office\.vbaproject|externallink", re.I)
_MOMENT = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*<")
_DOCTYPE = re.compile(rb"<!\s*(doctype|entity)", re.I)
_ENCODING = re.compile(rb"""^<\?xml[^>]*encoding\s*=\s*["']([^"']*)["']""", re.I)


def to_xlsx(sheet: CostSheet) -> bytes:
    """The sheet as a workbook that runs nothing; `from_xlsx` gives the same sheet back."""
    tree = to_tree(sheet)
    book = openpyxl.Workbook(write_only=True)
    _write(book, HEAD_SHEET, pairs_of(sheet), widths=(28, 70))
    _write(book, INPUTS_SHEET, [INPUTS, *lines_of(tree["inputs"], INPUTS)], widths=(40, *(14 for _ in INPUTS[1:])), named=True)
    _write(book, COSTS_SHEET, [(key, tree["costs"][key]) for key in COSTS if key in tree.get("costs", {})], widths=(28, 18))
    _write(book, RATES_SHEET, [RATES, *lines_of(tree.get("rates", ()), RATES)], widths=(12, 18), named=True)
    out = io.BytesIO()
    book.save(out)
    return _timeless(out.getvalue())


def from_xlsx(data: bytes) -> CostSheet:
    """The sheet in a workbook. Raises Refused with every problem, each by sheet, row and column."""
    _look_through(data)
    found = _tables(data)
    tables = Tables()
    tables.pairs(found[HEAD_SHEET], HEAD)
    tables.pairs(found[COSTS_SHEET], COSTS, under="costs.")
    tables.lines(found[RATES_SHEET], "rates", RATES)
    tables.lines(found[INPUTS_SHEET], "inputs", INPUTS)
    return tables.sheet()


def _write(book: Any, title: str, rows: Iterable[Sequence[str]], *, widths: Sequence[int], named: bool = False) -> None:
    page = book.create_sheet(title)
    for number, width in enumerate(widths):
        page.column_dimensions[chr(65 + number)].width = width
    if named:
        page.freeze_panes = "A2"
    plain, bold = _text_cell(page, ""), _text_cell(page, "")
    bold.font = Font(bold=True)
    for number, row in enumerate(rows):
        page.append([_text_cell(page, text, like=bold if named and number == 0 else plain) for text in row])


def _timeless(data: bytes) -> bytes:
    """The same workbook without the moment in which it was written: equal sheets have equal files."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as written, zipfile.ZipFile(out, "w") as archive:
        for part in written.infolist():
            content = _MOMENT.sub(rb"\g<1>1980-01-01T00:00:00Z<", written.read(part))
            archive.writestr(zipfile.ZipInfo(part.filename), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _text_cell(page: Any, text: str, *, like: Any = None) -> Any:
    """A cell of text; `like` another one it takes that one's style, which is costly to work out anew for each."""
    cell = WriteOnlyCell(page, text)
    cell.data_type = "s"
    if like is None:
        cell.number_format = "@"
    else:
        cell._style = like._style
    return cell


def _look_through(data: bytes) -> None:
    """Refuses what is no plain workbook before anything of it is parsed."""
    if len(data) > MAX_TABLE_BYTES:
        refuse("file size", f"The workbook has {len(data)} bytes; a cost sheet has at most {MAX_TABLE_BYTES}.")
    if data.startswith(_OLD_OFFICE):
        refuse("XLSX", "The file is an older or a password-protected workbook; save it as XLSX without a password.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _parts(archive)
    except Refused:
        raise
    except Exception as error:  # whatever zipfile and zlib raise over hostile bytes
        raise Refused("The file is no XLSX workbook, or it is damaged; save it again as XLSX.", rule="XLSX") from error


def _parts(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        refuse(
            "size of the workbook",
            f"The workbook unpacks to more than {MOST_PARTS} parts or {MAX_UNPACKED} bytes; a cost sheet needs fewer.",
        )
    if len({part.filename.lower() for part in parts}) < len(parts):
        refuse("XLSX", "The workbook holds a part twice; save it again as XLSX.")
    tags = 0
    for part in parts:
        if part.flag_bits & 1 or part.compress_type not in _PACKED:
            refuse("XLSX", "The workbook is packed with a password or in an unusual way; save it again as XLSX.")
        if _FOREIGN_PARTS.search(f"/{part.filename}"):
            refuse(
                "no macros, no links",
                "The workbook holds macros, embedded objects or links to other files; save it as plain XLSX without them.",
            )
        text = archive.read(part)
        _plain_xml(text)
        tags += text.count(b"<")
        if tags > MOST_TAGS:
            refuse("size of the workbook", f"The workbook holds more than {MOST_TAGS} tags; a cost sheet needs fewer.")


def _plain_xml(text: bytes) -> None:
    """Refuses a part with entities of its own, in an encoding that could hide them, or that says it is of a foreign kind."""
    encoding = _ENCODING.match(text[:200].removeprefix(b"\xef\xbb\xbf"))
    hidden = b"\x00" in text or (encoding is not None and encoding[1].lower() not in {b"utf-8", b"us-ascii", b"ascii"})
    if hidden or _DOCTYPE.search(text):
        refuse("plain XML", "The workbook holds a part that is not the plain XML of a workbook; save it again as XLSX.")
    if _FOREIGN_KINDS.search(text) and b"<Types" in text:
        refuse("no macros, no links", "The workbook is of a kind that runs macros or follows links; save it as plain XLSX.")


def _tables(data: bytes) -> dict[str, Table]:
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        try:
            return _pages(book)
        finally:
            book.close()
    except Refused:
        raise
    except Exception as error:  # whatever the library raises over hostile XML
        raise Refused("The workbook cannot be read; save it again as XLSX.", rule="XLSX") from error


def _pages(book: Any) -> dict[str, Table]:
    names = set(book.sheetnames)
    if missing := [name for name in _SHEETS if name not in names]:
        refuse("sheets of the workbook", f"The workbook has no sheet {shown(missing[0])}; it needs {', '.join(_SHEETS)}.")
    if extra := sorted(names - set(_SHEETS)):
        refuse("sheets of the workbook", f"The workbook has a sheet {shown(extra[0])}, which is no part of a cost sheet; remove it.")
    found: dict[str, Table] = {}
    formulas: list[Problem] = []
    for name in _SHEETS:
        page = book[name]
        page.reset_dimensions()  # what the file says of its own size is not believed
        rows: list[list[str]] = []
        for row in page.iter_rows():
            if len(rows) >= MOST_ROWS or len(row) > WIDEST:
                refuse(
                    "size of the table",
                    f"The sheet {name} has more than {MOST_ROWS} rows or {WIDEST} columns; a cost sheet needs fewer.",
                    name,
                )
            rows.append([_value(cell, formulas, name) for cell in row])
        found[name] = Table(name, rows)
    if formulas:
        raise Refused.because(formulas)
    return found


def _value(cell: Any, formulas: list[Problem], name: str) -> str:
    """The text of a cell; a number as the decimal that was typed. Formulas, errors and dates are refused with their place."""
    value = cell.value
    if value is None:
        return ""
    place = f"{name}!{cell.coordinate}"
    if isinstance(value, str) and cell.data_type != "f" and cell.data_type != "e":
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) and cell.data_type == "n":
        return f"{Decimal(repr(value)):f}"
    wrong = {"f": "a formula", "e": "an error of the spreadsheet", "d": "a date"}.get(cell.data_type, "no text and no number")
    if len(formulas) < 200:
        formulas.append(Problem(place, "no formulas", f"{place} holds {wrong}; write its result as a plain value instead."))
    return ""
