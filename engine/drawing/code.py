"""The QR code: its modules, and how they are painted as vector rectangles.

Always version 10 with error level M, so that every code printed has one size and the sealed record has room later;
one fixed mask, because scoring all eight costs more than drawing the page and any of them can be scanned.
"""

from collections.abc import Iterator
from functools import lru_cache

import segno

from engine.contracts.sheet import CODE_MODULES
from engine.errors import Refused

__all__ = ["modules", "runs"]

VERSION = 10
MASK = 3


@lru_cache(maxsize=64)
def modules(text: str) -> tuple[bytes, ...]:
    """The code's rows from the top, one byte per module, 1 for dark. Raises Refused if the text has no room."""
    try:
        code = segno.make_qr(text, version=VERSION, error="m", mask=MASK, boost_error=False)
    except segno.DataOverflowError as error:
        raise Refused(
            f"The verification address of {len(text)} characters does not fit the QR code; shorten [site] public_url.", rule="QR room"
        ) from error
    rows = tuple(bytes(row) for row in code.matrix)
    if len(rows) != CODE_MODULES:
        raise Refused("The QR code came out in another size than the form reserves for it.", rule="QR room")
    return rows


def runs(rows: tuple[bytes, ...]) -> Iterator[tuple[int, int, int, int]]:
    """The dark modules as rectangles (column, row, columns, rows), equal runs of adjoining rows joined."""
    open_runs: dict[tuple[int, int], int] = {}
    for number, row in enumerate((*rows, b"")):
        now = set(_dark(row))
        for run in [run for run in open_runs if run not in now]:
            began = open_runs.pop(run)
            yield run[0], began, run[1], number - began
        for run in now:
            open_runs.setdefault(run, number)


def _dark(row: bytes) -> Iterator[tuple[int, int]]:
    """The runs of dark modules of one row as (column, length)."""
    start = row.find(1)
    while start >= 0:
        end = row.find(0, start)
        end = len(row) if end < 0 else end
        yield start, end - start
        start = row.find(1, end)
