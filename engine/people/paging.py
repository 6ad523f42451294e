"""Lists a page at a time: how long a page is, where it begins, and how many there are."""

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["PER_PAGE", "begins", "page_of", "pages_for"]

PER_PAGE = 50

_One = TypeVar("_One")


def begins(page: int) -> int:
    """How many rows stand on the pages before; a page before the first is the first."""
    return PER_PAGE * (max(page, 1) - 1)


def page_of(rows: Sequence[_One], page: int) -> Sequence[_One]:
    """Those of all rows that stand on that page."""
    return rows[begins(page) : begins(page) + PER_PAGE]


def pages_for(count: int) -> int:
    """How many pages so many rows fill; nothing fills one."""
    return max(1, -(-count // PER_PAGE))
