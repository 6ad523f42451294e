"""A cost sheet file of any kind: JSON, XLSX or CSV, told apart by the end of its name, or else by what it holds."""

import json
from pathlib import PurePath

from engine.cost_sheet import CostSheet
from engine.filing.sheets.reading import read_json
from engine.filing.sheets.text_table import from_csv
from engine.filing.sheets.workbook import from_xlsx

__all__ = ["is_sheet", "read_sheet"]


def read_sheet(name: str, data: bytes) -> CostSheet:
    """The cost sheet in a file of that name. Raises Refused with every problem, each with its key or its cell."""
    match PurePath(name).suffix.lower():
        case ".csv":
            return from_csv(data)
        case ".xlsx" | ".xlsm" | ".xls":
            return from_xlsx(data)
        case _:
            return from_xlsx(data) if data.startswith(b"PK\x03\x04") else read_json(data)


def is_sheet(name: str, data: bytes) -> bool:
    """Whether a file that was handed over is meant as a cost sheet and not as an application."""
    if PurePath(name).suffix.lower() in {".csv", ".xlsx", ".xlsm", ".xls"} or data.startswith(b"PK\x03\x04"):
        return True
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(tree, dict) and "product" in tree and "scheme" not in tree
