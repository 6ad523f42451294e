"""Lists that are read a page at a time lose nothing and show nothing twice, though all of it happened at one moment; on each database."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from engine.errors import NotFound
from engine.money.ledger import Book, Entry, JournalKind, clearing, post, wallet, wallets_at, wallets_of
from engine.money.orders import orders_of
from engine.money.orders.tables import OrderRow
from engine.money.paying.refund_rows import refunds_of
from engine.money.settling import file_by_id, files_of
from engine.money.settling.tables import SettlementFileRow
from engine.people import register_exporter
from engine.scope import PLATFORM, Scope
from engine.store import uow
from tests.money.till import Till


async def read_through(most: int, read: Callable[..., Awaitable[Any]], moment: str) -> list[UUID]:
    """The ids of all pages of that length, in the order in which they came."""
    ids: list[UUID] = []
    place: dict[str, Any] = {}
    while found := await read(**place, most=most):
        ids += [each.id for each in found]
        place = {"before": getattr(found[-1], moment), "behind": found[-1].id}
    return ids


@pytest.mark.parametrize("most", [1, 2, 3, 7])
async def test_orders_of_one_moment_are_read_through(till: Till, most: int) -> None:
    made = {(await till.order()).id for _ in range(5)}
    async with uow():
        await OrderRow.update({OrderRow.made_at: till.at}, force=True)
    till.later(minutes=1)
    newest = (await till.order()).id

    async def read(**place: Any) -> Any:
        return await orders_of(till.scope, **place)

    ids = await read_through(most, read, "made_at")
    assert ids[0] == newest
    assert len(ids) == 6
    assert set(ids) == {newest, *made}
    assert await orders_of(till.scope, before=till.at, behind=UUID(int=2**128 - 1)) == await orders_of(till.scope, before=till.at)


async def test_files_of_one_moment_are_read_through_and_the_oldest_one_opens(till: Till) -> None:
    mine = {"agency": till.office.agency_id, "office": till.office.id, "gateway": "scripted", "parameters": await parameters(till)}
    sums = {"lines": 0, "gross_paise": 0, "fee_paise": 0, "tax_paise": 0, "net_paise": 0, "imported_at": till.at}
    rows = [SettlementFileRow(**mine, **sums, name=f"{number}.csv", sha256=f"{number:064d}") for number in range(210)]
    async with uow():
        await SettlementFileRow.insert(*rows)
    scope = Scope.agency(till.office.agency_id)

    async def read(**place: Any) -> Any:
        return await files_of(scope, till.office.id, **place)

    ids = await read_through(50, read, "imported_at")
    assert len(ids) == 210
    assert set(ids) == {UUID(str(row.id)) for row in rows}
    assert (await file_by_id(scope, till.office.id, ids[-1])).id == ids[-1]
    for strange, office in (
        (Scope.agency(till.other.id), till.office.id),
        (Scope.exporter(till.firm.id), till.office.id),
        (scope, till.other.id),
    ):
        with pytest.raises(NotFound):
            await file_by_id(strange, office, ids[-1])
    with pytest.raises(NotFound):
        await file_by_id(PLATFORM, till.office.id, UUID(int=1))


async def parameters(till: Till) -> UUID:
    from engine.money.gateways.tables import ParametersRow

    row = await ParametersRow.select(ParametersRow.id).where(ParametersRow.office == till.office.id).first()
    assert row
    return UUID(str(row["id"]))


async def test_refunds_begin_behind_a_place(till: Till) -> None:
    assert await refunds_of(till.scope, before=till.at, behind=UUID(int=0)) == []


async def test_wallets_are_read_through_beyond_two_hundred_firms_and_of_one_firm_at_many_offices(till: Till) -> None:
    async with uow():
        for number in range(205):
            firm = await register_exporter(f"{7000000000 + number}", f"Firm {number}", "", actor="test", at=till.at)
            for office in (till.office, till.other)[: 1 + (number == 3)]:
                entry = Entry(clearing("scripted"), wallet(firm.id), 100)
                key = f"{office.id}:{number}"
                book = Book(office.agency_id, office.id)
                await post(book, JournalKind.TOP_UP, [entry], key=key, subject="t", exporter_id=firm.id, actor="test", at=till.at)
    seen: list[tuple[str, UUID]] = []
    place: dict[str, Any] = {}
    while found := await wallets_of(PLATFORM, **place, most=4):
        seen += [(each.iec, each.office_id) for each in found]
        place = {"after": found[-1].iec, "behind": found[-1].office_id}
    assert len(seen) == len(set(seen)) == 206
    assert seen == sorted(seen, key=lambda each: (each[0], str(each[1])))
    assert len(await wallets_of(PLATFORM, office_id=till.office.id, after="7000000199")) == 5
    assert len(await wallets_at(PLATFORM, {till.office.id, till.other.id})) == 206
    assert await wallets_at(PLATFORM, set()) == set()
    assert await wallets_at(Scope.exporter(till.rival.id), {till.office.id}) == set()
