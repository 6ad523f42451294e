"""Which goods rows stand on which page, counted in lines. Knows nothing of fonts or millimetres."""

from collections.abc import Sequence
from typing import Protocol

__all__ = ["Room", "paginate", "taken"]


class Room(Protocol):
    """How many lines of goods a page holds."""

    def __call__(self, *, first: bool, last: bool) -> int:
        """The lines of the first or a later page, with or without the part that closes the certificate."""
        ...


def taken(rows: Sequence[int], gap: int) -> int:
    """The lines that rows of these heights take together, with a gap between two."""
    return sum(rows) + gap * max(0, len(rows) - 1)


def paginate(rows: Sequence[int], room: Room, gap: int) -> tuple[range, ...]:
    """The rows of each page, in order; the last range belongs to the page with the closing part.

    The last page keeps at least one row if that can be, so that no signature stands below an empty table.
    A row must fit a page of its own; `Form.problems` has seen to that.
    """
    pages: list[range] = []
    start = 0
    while taken(rows[start:], gap) > room(first=not pages, last=True):
        lines = room(first=not pages, last=False)
        end = start + 1
        while end < len(rows) and taken(rows[start : end + 1], gap) <= lines:
            end += 1
        if end == len(rows) and end - start > 1:
            end -= 1
        pages.append(range(start, end))
        start = end
    pages.append(range(start, len(rows)))
    return tuple(pages)
