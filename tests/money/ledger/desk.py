"""Offices and firms whose money the tests move, in a few words."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from engine.money.ledger import (
    Account,
    Balance,
    Book,
    Entry,
    JournalKind,
    Posted,
    StatementLine,
    balance,
    clearing,
    fee_income,
    gst,
    hold,
    let_go,
    post,
    statement,
    take_hold,
    wallet,
)
from engine.people import add_agency, add_office
from engine.people.tables import Exporter
from engine.scope import PLATFORM

__all__ = ["AT", "GATEWAY", "INCOME", "TAX", "Desk", "make_desk"]

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
GATEWAY, INCOME, TAX = clearing("sandbox"), fee_income("AIFTA"), gst("igst")


@dataclass
class Desk:
    """`here` and `beside` are of one agency, `foreign` of another; `firm` and `rival` have wallets."""

    here: Book
    beside: Book
    foreign: Book
    firm: UUID
    rival: UUID
    numbers: Any = field(default_factory=lambda: count(1))

    @property
    def wallet(self) -> Account:
        return wallet(self.firm)

    def said(self, what: dict[str, Any]) -> dict[str, Any]:
        """The words that every deed needs, with a fresh key."""
        return {"key": f"key:{next(self.numbers)}", "subject": "order-1", "actor": "test", "at": AT, **what}

    async def fill(self, paise: int, *, firm: UUID | None = None, book: Book | None = None, **what: Any) -> Posted:
        entries = [Entry(GATEWAY, wallet(firm or self.firm), paise)]
        return await post(book or self.here, JournalKind.TOP_UP, entries, **self.said(what))

    async def pay(self, *paise: int, firm: UUID | None = None, **what: Any) -> Posted:
        entries = [Entry(wallet(firm or self.firm), INCOME, each) for each in paise]
        return await post(self.here, JournalKind.FEE, entries, **self.said(what))

    async def hold(self, *paise: int, firm: UUID | None = None, **what: Any) -> Posted:
        owner = firm or self.firm
        return await hold(self.here, [Entry(wallet(owner), INCOME, each) for each in paise], exporter_id=owner, **self.said(what))

    async def take(self, held: UUID, book: Book | None = None, **what: Any) -> Posted:
        return await take_hold(book or self.here, held, **self.said(what))

    async def let_go(self, held: UUID, book: Book | None = None, **what: Any) -> Posted:
        return await let_go(book or self.here, held, **self.said(what))

    async def balance(self, firm: UUID | None = None, book: Book | None = None) -> Balance:
        return await balance(PLATFORM, (book or self.here).office_id, firm or self.firm)

    async def stands(self, firm: UUID | None = None) -> tuple[int, int]:
        """What the wallet holds, and what of it is set aside."""
        now = await self.balance(firm)
        return now.posted_paise, now.held_paise

    async def lines(self, firm: UUID | None = None) -> list[StatementLine]:
        """All lines of the wallet, the newest first."""
        found: list[StatementLine] = []
        before: int | None = None
        while True:
            page = await statement(PLATFORM, self.here.office_id, firm or self.firm, before=before, most=500)
            found += page.lines
            before = page.further
            if before is None:
                return found


async def make_desk() -> Desk:
    """Fills an empty database."""
    mine, other = [await add_agency(code, code, actor="test", at=AT) for code in ("EIA", "TXC")]
    books = []
    for agency, code in ((mine, "MUM"), (mine, "DEL"), (other, "KOL")):
        books.append(Book(agency, await add_office(agency, code, f"Office {code}", "A City", actor="test", at=AT)))
    firms = [Exporter(iec=f"030400000{index}", name=f"Firm {index}", sync_due_at=AT) for index in range(2)]
    await Exporter.insert(*firms)
    return Desk(*books, *(firm.id for firm in firms))
