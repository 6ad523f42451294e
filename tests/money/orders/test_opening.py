"""What is owed is computed once and frozen, and an application stands in one order that counts."""

import asyncio
from dataclasses import replace

import pytest

from engine.application import ApplicationState
from engine.clock import ist_day
from engine.errors import Conflict, Refused
from engine.filing import find, move
from engine.money import cover_of, waive
from engine.money.fees import NewFee, Rounding, add_fee
from engine.money.orders import OrderState, amount_of, cancel_order, lines_of, order_by_reference, orders_of
from engine.money.orders.tables import OrderLineRow, OrderRow
from engine.money.paying import open_fee_order
from engine.money.terms.tables import TermsRow
from engine.people.tables import Exporter
from engine.scope import PLATFORM, Scope
from engine.store import uow
from engine.store.tables import Announcement
from tests.money.till import Till


async def fees(till: Till, paise: int, rate: int = 1800) -> None:
    till.later(days=2)
    new = NewFee(None, "", "", paise, rate, "998599" if rate else "", Rounding.PAISA, ist_day(till.at))
    await add_fee(
        Scope.agency(till.office.agency_id), till.office.agency_id, replace(new, office_id=till.office.id), actor="test", at=till.at
    )


async def test_the_break_up_is_frozen_whatever_changes_later(till: Till) -> None:
    drafts = [await till.filed() for _ in range(2)]
    references = [draft.reference for draft in drafts]
    foreseen = await amount_of(till.scope, references, at=till.at)
    order = await open_fee_order(till.scope, references, actor="test", at=till.at)
    assert order.amount_paise == foreseen.total_paise == 47200
    await fees(till, 99900)
    await till.terms(on_rejection="keep")
    async with uow():
        await Exporter.update({Exporter.gstin: "07AAACK1234F1Z5"}).where(Exporter.id == till.firm.id)
    kept = await order_by_reference(till.scope, order.reference)
    assert (kept.amount_paise, kept.terms_id) == (order.amount_paise, order.terms_id)
    for line in await lines_of(kept):
        parts = line.breakup
        assert (parts.base_paise, parts.cgst_paise, parts.sgst_paise, parts.igst_paise) == (20000, 1800, 1800, 0)
    assert (await amount_of(till.scope, references, at=till.at)).lines[0].breakup.igst_paise == 17982


async def test_the_same_applications_again_are_the_same_order(till: Till) -> None:  # P20
    references = [(await till.filed()).reference for _ in range(3)]
    found = await asyncio.gather(*(open_fee_order(till.scope, each, actor="test", at=till.at) for each in (references, references[::-1])))
    assert len({order.id for order in found}) == 1
    assert await OrderRow.count() == 1
    assert await OrderLineRow.count() == 3


async def test_an_application_stands_in_one_order_that_counts(till: Till) -> None:
    one, two = [(await till.filed()).reference for _ in range(2)]
    order = await open_fee_order(till.scope, [one], actor="test", at=till.at)
    with pytest.raises(Conflict) as caught:
        await open_fee_order(till.scope, [two, one], actor="test", at=till.at)
    assert (caught.value.code, caught.value.reference) == ("already_ordered", order.reference)
    assert await OrderLineRow.count() == 1  # nothing of the second one is left
    await cancel_order(till.scope, order.reference, actor="test", at=till.at)
    both = await open_fee_order(till.scope, [two, one], actor="test", at=till.at)
    assert len(await lines_of(both)) == 2


async def test_of_many_who_press_at_one_moment_one_gets_the_application(till: Till) -> None:
    shared = (await till.filed()).reference
    own = [(await till.filed()).reference for _ in range(4)]
    calls = [open_fee_order(till.scope, sorted([shared, each]), actor="test", at=till.at) for each in own]
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(each, Conflict) for each in found) == 3
    assert await OrderRow.count() == 1


async def test_fifty_fit_and_one_more_does_not(till: Till) -> None:
    references = [(await till.filed()).reference for _ in range(51)]
    for wrong in (references, [], ["nonsense"] * 3):
        with pytest.raises(Refused):
            await open_fee_order(till.scope, wrong, actor="test", at=till.at)
    order = await open_fee_order(till.scope, references[:50], actor="test", at=till.at)
    assert [line.line for line in await lines_of(order)] == list(range(1, 51))
    assert order.amount_paise == 50 * 23600


async def test_only_what_is_filed_and_of_one_firm_and_office_stands_together(till: Till) -> None:
    here, elsewhere = await till.filed(), await till.filed(office=till.other)
    with pytest.raises(Refused, match="another firm or another office"):
        await open_fee_order(till.scope, [here.reference, elsewhere.reference], actor="test", at=till.at)
    theirs = await till.filed(firm=till.rival)
    with pytest.raises(Refused, match="another firm or another office"):
        await open_fee_order(PLATFORM, [here.reference, theirs.reference], actor="test", at=till.at)
    async with uow():
        await move(here, ApplicationState.REJECTED, actor="test", at=till.at, frm=(ApplicationState.FILED,))
    with pytest.raises(Refused, match="is rejected"):
        await open_fee_order(till.scope, [here.reference], actor="test", at=till.at)


async def test_an_office_without_terms_takes_no_payment(till: Till) -> None:
    draft = await till.filed()
    async with uow():
        for row in await TermsRow.select(TermsRow.id):
            await TermsRow.update({TermsRow.live_key: str(row["id"]), TermsRow.ended_at: till.at}).where(TermsRow.id == row["id"])
    with pytest.raises(Refused, match="has not said what becomes of a fee"):
        await open_fee_order(till.scope, [draft.reference], actor="test", at=till.at)


async def test_what_was_waived_owes_nothing(till: Till) -> None:
    draft = await till.filed()
    await waive(draft, by="officer:x", reason="a demonstration", at=till.at)
    with pytest.raises(Refused, match="was waived"):
        await open_fee_order(till.scope, [draft.reference], actor="test", at=till.at)


async def test_a_fee_of_nothing_is_paid_at_once(till: Till) -> None:
    await fees(till, 0, 0)
    draft = await till.filed()
    order = await open_fee_order(till.scope, [draft.reference], actor="test", at=till.at)
    assert (order.state, order.paid_by, order.amount_paise) == (OrderState.PAID, "nothing", 0)
    cover = await cover_of(await find(PLATFORM, draft.reference))
    assert cover is not None
    assert cover.kind == "order"
    assert sorted(row["topic"] for row in await Announcement.select()) == ["coo_application_filed", "coo_payment_settled"]
    counted = await till.counted()
    assert (counted["receipt"], counted["ledger_journal"]) == (0, 0)
    with pytest.raises(Conflict):
        await open_fee_order(till.scope, [draft.reference], actor="test", at=till.at)


async def test_the_list_is_the_scopes_own(till: Till) -> None:
    orders = []
    for _ in range(3):
        orders.append(await till.order())
        till.later(minutes=1)
    assert [order.id for order in await orders_of(till.scope)] == [order.id for order in reversed(orders)]
    assert [order.id for order in await orders_of(till.scope, before=orders[2].made_at, most=1)] == [orders[1].id]
    assert await orders_of(Scope.exporter(till.rival.id)) == []
    mine = Scope.offices(till.office.agency_id, frozenset({till.office.id}))
    assert len(await orders_of(mine)) == 3
    assert await orders_of(Scope.offices(till.office.agency_id, frozenset({till.other.id}))) == []
    assert await orders_of(till.scope, state=OrderState.PAID) == []
