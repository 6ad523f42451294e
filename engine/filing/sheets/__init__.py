"""Living cost sheets: read, checked, kept in versions, approved for a time, shared by grants, cited, compared, and as spreadsheets."""

from engine.filing.sheets.checks import check_sheet
from engine.filing.sheets.citing import Citations, citations_of, cited, suppliers_of
from engine.filing.sheets.comparing import Difference, compare
from engine.filing.sheets.desk import approve, lodge, reject, revise, save, withdraw
from engine.filing.sheets.example import EXAMPLE
from engine.filing.sheets.files import is_sheet, read_sheet
from engine.filing.sheets.granting import Grant, end_grant, grant, grants_of
from engine.filing.sheets.reading import look_at_json, published_sheet_schema, read_json, sheet_from_tree
from engine.filing.sheets.rows import Approved, Kept, Version, find, search, version_of, versions
from engine.filing.sheets.tabular import MAX_TABLE_BYTES
from engine.filing.sheets.text_table import from_csv, to_csv
from engine.filing.sheets.workbook import from_xlsx, to_xlsx

__all__ = [
    "EXAMPLE",
    "MAX_TABLE_BYTES",
    "Approved",
    "Citations",
    "Difference",
    "Grant",
    "Kept",
    "Version",
    "approve",
    "check_sheet",
    "citations_of",
    "cited",
    "compare",
    "end_grant",
    "find",
    "from_csv",
    "from_xlsx",
    "grant",
    "grants_of",
    "is_sheet",
    "lodge",
    "look_at_json",
    "published_sheet_schema",
    "read_json",
    "read_sheet",
    "reject",
    "revise",
    "save",
    "search",
    "sheet_from_tree",
    "suppliers_of",
    "to_csv",
    "to_xlsx",
    "version_of",
    "versions",
    "withdraw",
]
