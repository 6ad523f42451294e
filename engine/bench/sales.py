"""What was asked and paid on the full site, as a plan: who, where, when, and how each order ended.

A quarter of all is at the first office, half of that of the first firm; a broker's firms have a tenth, and chance the rest. The
first office's newest orders are still open. The plan is the same each time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from engine.bench.filling import Sizes
from engine.money.orders.nouns import new_reference

__all__ = ["Fate", "Sale", "plan"]

_SOLD_AT = 200
_BROKERED = 200
_EVERY = timedelta(minutes=10)
_OPEN = 40


class Fate(StrEnum):
    """How an order ended, or that it has not."""

    PAID = "paid"
    LATE = "late"
    BY_WALLET = "by_wallet"
    TOP_UP = "top_up"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    OPEN = "open"
    TRYING = "trying"
    REVIEW = "review"
    EXCESS = "excess"
    REFUNDED = "refunded"
    STUCK = "stuck"
    UNASKED = "unasked"

    @property
    def pays(self) -> bool:
        """Whether the order was paid."""
        return self in _PAYS


_PAYS = frozenset({Fate.PAID, Fate.LATE, Fate.BY_WALLET, Fate.TOP_UP, Fate.EXCESS, Fate.REFUNDED, Fate.STUCK})
_RARE = ((199, Fate.REVIEW), (211, Fate.EXCESS), (53, Fate.REFUNDED), (223, Fate.STUCK))
_MOSTLY = (Fate.TOP_UP, Fate.PAID, Fate.BY_WALLET, Fate.PAID, Fate.LATE, Fate.PAID, Fate.BY_WALLET, Fate.EXPIRED, Fate.PAID, Fate.CANCELLED)


@dataclass(frozen=True, slots=True)
class Sale:
    """One order and the application that it is for; a top-up has none, and one that was not asked for has no order yet."""

    index: int
    fate: Fate
    at: datetime
    agency: UUID
    office: UUID
    exporter: UUID
    id: UUID = field(default_factory=uuid4)
    application: UUID = field(default_factory=uuid4)
    reference: str = field(default_factory=new_reference)

    @property
    def owner(self) -> dict[str, UUID]:
        """The columns that every row of it repeats."""
        return {"agency": self.agency, "office": self.office, "exporter": self.exporter}

    @property
    def here(self) -> dict[str, UUID]:
        """The same without the firm."""
        return {"agency": self.agency, "office": self.office}


def plan(sizes: Sizes, offices: Sequence[tuple[UUID, UUID]], exporters: Sequence[UUID], at: datetime) -> list[Sale]:
    """All sales until `at`, the oldest first; `offices` are offices with their agencies."""
    open_from = sizes.orders - min(_OPEN, sizes.orders // 4)
    return list(_sales(sizes.orders, open_from, offices[:_SOLD_AT], exporters, at))


def _sales(count: int, open_from: int, offices: Sequence[tuple[UUID, UUID]], exporters: Sequence[UUID], at: datetime) -> Iterator[Sale]:
    for index in range(count):
        first = index % 4 == 0 or index >= open_from
        office, agency = offices[0] if first else offices[index * 31 % len(offices)]
        fate = _open_fate(index) if index >= open_from else _fate(index)
        yield Sale(index, fate, at - (count - index) * _EVERY, agency, office, exporters[_firm(index, index >= open_from, len(exporters))])


def _firm(index: int, newest: bool, count: int) -> int:
    if newest or index % 8 == 0 or index % 64 == 1:
        return 0
    return index * 7919 % (min(_BROKERED, count) if index % 10 == 3 else count)


def _open_fate(index: int) -> Fate:
    return (Fate.OPEN, Fate.TRYING, Fate.UNASKED)[index % 3]


def _fate(index: int) -> Fate:
    rare = next((fate for every, fate in _RARE if index % every == every - 1), None)
    return rare or _MOSTLY[index // 4 % len(_MOSTLY)]
