"""Reconciliation: the gateways' settlement files, what is found for each line, and what no file has."""

from engine.money.settling.explaining import (
    chase_settlements,
    close_line,
    file_by_id,
    files_of,
    line_of_settlement,
    lines_of_file,
    look_again,
    open_lines,
)
from engine.money.settling.importing import Imported, import_settlement
from engine.money.settling.nouns import SettlementFile, SettlementLine
from engine.money.settling.proving import check_clearing, check_covers, check_every_clearing, settled_by, unsettled
from engine.money.settling.tables import Match

__all__ = [
    "Imported",
    "Match",
    "SettlementFile",
    "SettlementLine",
    "chase_settlements",
    "check_clearing",
    "check_covers",
    "check_every_clearing",
    "close_line",
    "file_by_id",
    "files_of",
    "import_settlement",
    "line_of_settlement",
    "lines_of_file",
    "look_again",
    "open_lines",
    "settled_by",
    "unsettled",
]
