"""A cost sheet as one CSV file: UTF-8, a comma (or, in, a semicolon or a tab) between cells.

schema,1                        a key and its value a row, as in the workbook's first sheet
product.description,...
costs.direct_labour,1200.00     the heads of cost
rates.EUR,1.0825                a rate a row, under the code of its currency
inputs                          from here on the inputs:
description,hs,country,value    the names of the columns, in any order,
...                             and an input a row
"""

import csv
import io
from collections.abc import Sequence

from engine.cost_sheet import CostSheet
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

__all__ = ["from_csv", "to_csv"]

_SEPARATORS = ",;\t"
_PLACE = "row {row}, column {letter}"


def to_csv(sheet: CostSheet) -> bytes:
    """The sheet as CSV that no spreadsheet runs; `from_csv` gives the same sheet back."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    tree = to_tree(sheet)
    writer.writerows(pairs_of(sheet))
    writer.writerows([f"costs.{key}", tree["costs"][key]] for key in COSTS if key in tree.get("costs", {}))
    writer.writerows([f"rates.{rate.currency}", rate.rate] for rate in sheet.rates)
    writer.writerow(["inputs"])
    writer.writerow(INPUTS)
    writer.writerows(lines_of(tree["inputs"], INPUTS))
    return b"\xef\xbb\xbf" + out.getvalue().encode()  # the mark tells a spreadsheet that it is UTF-8


def from_csv(data: bytes) -> CostSheet:
    """The sheet in a CSV file. Raises Refused with every problem, each by row and column."""
    rows = _rows(data)
    start = next((n for n, row in enumerate(rows) if row and row[0] == "inputs" and not any(row[1:])), len(rows))
    tables = Tables()
    head = Table("", rows[:start], pattern=_PLACE)
    rates = [n for n, row in head.filled() if row[0].startswith("rates.")]
    plain = [[] if n in rates else row for n, row in enumerate(head.rows)]
    tables.pairs(Table("", plain, pattern=_PLACE), [*HEAD, *(f"costs.{key}" for key in COSTS)])
    _rates(tables, head, rates)
    tables.lines(Table("", rows[start + 1 :], first=start + 2, pattern=_PLACE), "inputs", INPUTS)
    return tables.sheet()


def _rates(tables: Tables, head: Table, rates: Sequence[int]) -> None:
    """Rows such as `rates.EUR,1.08`: the code stands in the key."""
    for number, n in enumerate(rates):
        row = head.rows[n]
        for key, column in zip(RATES, (1, 2), strict=True):
            tables.places[f"rates[{number}].{key}"] = head.address(n, column)
        line = {"currency": row[0].removeprefix("rates.")} | ({"rate": row[1]} if len(row) > 1 and row[1] else {})
        tables.tree.setdefault("rates", []).append(line)


def _rows(data: bytes) -> list[list[str]]:
    if len(data) > MAX_TABLE_BYTES:
        refuse("file size", f"The file has {len(data)} bytes; a cost sheet has at most {MAX_TABLE_BYTES}.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        refuse("UTF-8", f"The file is not UTF-8 text: byte {error.start + 1} cannot be read. Save it as CSV UTF-8.")
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    try:
        for row in reader:
            if len(rows) >= MOST_ROWS or len(row) > WIDEST:
                refuse("size of the table", f"The file has more than {MOST_ROWS} rows or {WIDEST} columns; a cost sheet needs fewer.")
            rows.append([_cell(text, len(rows) + 1, column) for column, text in enumerate(row, 1)])
    except csv.Error as error:
        refuse("CSV", f"The file is not CSV: row {len(rows) + 1} cannot be read ({shown(str(error), 80)}). Save it again as CSV UTF-8.")
    return rows


def _separator(text: str) -> str:
    """The separator behind the first key; a comma if there is none."""
    first = text.partition("\n")[0]
    found = [(first.index(each), each) for each in _SEPARATORS if each in first]
    return min(found)[1] if found else ","


def _cell(text: str, row: int, column: int) -> str:
    if text.startswith("="):
        place = Table("", (), pattern=_PLACE).address(row - 1, column)
        say = f"{place} holds a formula; write its result instead, or an apostrophe before the = if it is a text."
        refuse("no formulas", say, box=place)
    return text
