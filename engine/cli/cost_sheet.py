"""`ecoo cost-sheet`: cost sheets as files, to begin with, to fill in elsewhere and to read again."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from engine.cli.output import DONE
from engine.cost_sheet import CostSheet
from engine.errors import Refused
from engine.filing.sheets import EXAMPLE, check_sheet, read_sheet, to_csv, to_xlsx

__all__ = ["add_to", "bytes_of"]

_Out = Annotated[Path, Parameter(help="Where to write it; its ending says as what: .json, .xlsx or .csv. Never overwrites.")]


def add_to(app: App) -> None:
    """Adds the commands."""
    app.command(sheets := App(name="cost-sheet", help="Cost sheets as files."))
    sheets.command(new)
    sheets.command(convert)


def new(out: _Out) -> int:
    """Write an example of a cost sheet to begin with: every key in its place, to be overwritten with your own."""
    return _write(EXAMPLE, out)


def convert(
    file: Annotated[Path, Parameter(help="A cost sheet: JSON, XLSX or CSV.")],
    out: _Out,
) -> int:
    """Check a cost sheet and write it as JSON, as a workbook or as CSV, to be filled in elsewhere and read again."""
    sheet = read_sheet(file.name, bytes_of(file))
    if wrong := check_sheet(sheet):
        raise Refused.because(wrong)
    return _write(sheet, out)


def bytes_of(file: Path) -> bytes:
    """The bytes of a file that somebody named. Raises Refused if it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}.", code="no_such_file", box="FILE", rule="readable file") from error


def _write(sheet: CostSheet, out: Path) -> int:
    if out.suffix.lower() not in _WRITERS:
        raise Refused(
            f"{out} ends in {out.suffix or 'nothing'}; name a file that ends in .json, .xlsx or .csv.", box="OUT", rule="known format"
        )
    try:
        with out.open("xb") as opened:
            opened.write(_WRITERS[out.suffix.lower()](sheet))
    except FileExistsError as error:
        raise Refused(f"{out} exists already; it is never overwritten.", code="exists", box="OUT", rule="never overwrites") from error
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror}.", box="OUT", rule="writable file") from error
    print(out.absolute())
    return DONE


_WRITERS: Mapping[str, Callable[[CostSheet], bytes]] = {
    ".json": lambda sheet: msgspec.json.format(msgspec.json.encode(sheet), indent=2) + b"\n",
    ".xlsx": to_xlsx,
    ".csv": to_csv,
}
