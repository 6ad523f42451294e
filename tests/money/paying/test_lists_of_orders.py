"""What lists and books say of orders: what each is for, how its newest try stands, and which order a line is about; of nobody else's."""

from engine.filing.consignments import note_invoices
from engine.money.orders import AttemptState, attempts_of, lines_of
from engine.money.orders.listing import amounts_named, glances_of
from engine.money.orders.tables import AttemptRow, RefundTo
from engine.money.owing import owing_of
from engine.money.paying import pay_by_wallet
from engine.money.paying.refunding import refund_line
from engine.money.paying.subjects import orders_behind
from engine.scope import PLATFORM, Scope
from engine.store import uow
from tests.money.till import Till


async def test_a_list_says_what_each_order_is_for_and_how_its_newest_try_stands(till: Till) -> None:
    two, one = await till.order(2), await till.order(1)
    assert await glances_of([]) == {}
    untried = await glances_of([two, one])
    assert [(untried[each.id].lines, untried[each.id].last) for each in (two, one)] == [(2, None), (1, None)]
    assert untried[two.id].application == (await lines_of(two))[0].reference
    attempt = await till.start(one)
    assert (await glances_of([one]))[one.id].last is attempt.state
    async with uow():
        await AttemptRow.update({AttemptRow.state: "failed"}).where(AttemptRow.id == attempt.id)
    assert (await glances_of([one]))[one.id].last is AttemptState.FAILED
    assert await amounts_named((await attempts_of(one))[0]) == []


async def test_a_line_leads_to_the_order_that_it_is_about_and_never_to_another_s(till: Till) -> None:
    order = await till.order(1)
    await till.fund(100_000)
    await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)
    [line] = await lines_of(order)
    told = {"amount_paise": 100, "back_to": RefundTo.WALLET, "reason": "A part"}
    refund = await refund_line(PLATFORM, line.id, **told, actor="test", at=till.at)
    subjects = [order.reference, refund.reference, "UTR20261124", ""]
    wanted = {order.reference: order.reference, refund.reference: order.reference}
    assert await orders_behind(till.scope, subjects) == wanted
    assert await orders_behind(Scope.agency(till.office.agency_id), subjects) == wanted
    assert await orders_behind(Scope.exporter(till.office.id), subjects) == {}


async def test_what_is_owed_is_told_with_its_invoices(till: Till) -> None:
    draft = await till.filed()
    async with uow():
        await note_invoices(draft, till.at)
    [owed] = [each for each in await owing_of(till.scope) if each.reference == draft.reference]
    assert set(owed.invoices) == {"".join(invoice.number.upper().split()) for invoice in draft.application.invoices}
