"""Refunds: never more than was paid, never sent twice, never lost; what nobody knows is only asked about."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from engine.contracts.paying import PaymentLimits, RefundOutcome, RefundReport
from engine.errors import Conflict, NotFound, Refused, TooMany, Unavailable, Unresolved, Untrusted
from engine.mail.tables import LetterRow
from engine.money.ending import withdraw_application
from engine.money.ledger import trial_balance
from engine.money.orders import Order, lines_of, open_top_up
from engine.money.orders.finding import order_by_id
from engine.money.orders.tables import AttemptRow, Disposition, OrderLineRow, RefundRow, RefundState, RefundTo
from engine.money.paying import (
    Refund,
    ask_refunds,
    credit_excess,
    decide_refund,
    pay_by_wallet,
    refund_excess,
    refund_line,
    refund_otherwise,
    refund_top_up,
    refunds_of,
    refunds_waiting,
    submit_refunds,
    tell_refunds,
)
from engine.money.paying.refund_asking import ask_refund
from engine.money.paying.refund_once import refundable
from engine.money.receipts import ReceiptKind, receipts_of_order
from engine.money.settling import check_clearing
from engine.money.tables import CoverRow, CoverState
from engine.scope import PLATFORM, Scope
from engine.store import uow
from engine.store.tables import Announcement, AuditEntry
from tests.money.giving import Giving, office_scope, one_refund, paid, with_refunds
from tests.money.till import START, Till, signed

WHY = "The application was rejected."


@pytest.fixture
def gateway(till: Till) -> Giving:
    """The till's gateway, which gives money back."""
    return with_refunds(till)


async def released(order: Order) -> None:
    """The applications of an order ended without a certificate, as withdrawing or rejecting would do it."""
    lines = [str(line.id) for line in await lines_of(order)]
    async with uow():
        for row in await CoverRow.select(CoverRow.id).where(CoverRow.order_line.is_in(lines)):
            told = {CoverRow.state: str(CoverState.RELEASED), CoverRow.live_key: str(uuid4()), CoverRow.ended_at: START}
            await CoverRow.update(told).where(CoverRow.id == row["id"])


async def owed(till: Till, count: int = 1) -> Any:
    """An order that was paid through the gateway, and whose applications ended."""
    order = await till.order(count)
    await paid(till, order, txn=f"T{order.reference[:8]}")
    await released(order)
    return order


async def ask(till: Till, order: Order, line: int = 0, **more: Any) -> Refund:
    lines = await lines_of(order)
    return await refund_line(office_scope(till), lines[line].id, **{"reason": WHY, "actor": "test", "at": till.at, **more})


async def rounds(till: Till) -> None:
    await submit_refunds(till.cashier, till.at)
    await ask_refunds(till.cashier, till.at)


async def sound(till: Till) -> None:
    await till.sound()
    assert await check_clearing(None) == []


async def held(till: Till) -> dict[str, int]:
    """What stands on each account of the office, whichever side it is on."""
    found = await trial_balance(PLATFORM, till.office.id)
    return {f"{line.role}:{line.detail}".rstrip(":"): line.debit_balance_paise + line.credit_balance_paise for line in found.lines}


# --- a fee goes back the way it came --------------------------------------------------------------


async def test_a_fee_goes_back_through_its_gateway_with_journal_credit_note_and_announcement(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    asked = await ask(till, order)
    assert (asked.state, gateway.given) == (RefundState.REQUESTED, [])
    await rounds(till)
    done = await one_refund(order)
    assert (done.state, done.back_to, done.amount_paise, done.gateway_refund_id) == (
        RefundState.DONE,
        RefundTo.SOURCE,
        23600,
        f"R{done.reference}"[:20],
    )
    [wanted] = gateway.given
    assert (wanted.reference, wanted.amount_paise, wanted.paid_paise) == (done.reference, 23600, 23600)
    invoice, note = await receipts_of_order(PLATFORM, order.id)
    assert (note.kind, note.amount_paise, note.content.corrects[0]) == (ReceiptKind.CREDIT_NOTE, 23600, invoice.number)
    assert note.content.parts == invoice.content.parts
    [told] = await Announcement.select().where(Announcement.topic == "coo_refund_settled")
    assert json.loads(told["payload"]) == {"refund": done.reference, "back_to": "source", "amount_paise": 23600}
    assert not any((await held(till)).values())
    [line] = await lines_of(order)
    assert line.ended_at == till.at
    await sound(till)


async def test_the_fee_of_an_application_that_goes_on_is_not_given_back_whole(till: Till, gateway: Giving) -> None:
    order = await till.order()
    await paid(till, order)
    with pytest.raises(Conflict) as caught:
        await ask(till, order)
    assert caught.value.code == "application_under_way"
    await ask(till, order, amount_paise=100)
    assert (await lines_of(order))[0].refunded_paise == 100


async def test_parts_asked_for_at_once_do_not_add_up_to_the_whole_fee_of_an_application_that_goes_on(till: Till, gateway: Giving) -> None:
    order = await till.order()
    await paid(till, order)
    done = await asyncio.gather(*(ask(till, order, amount_paise=11800) for _ in range(2)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Conflict", "Refund"]
    assert (await lines_of(order))[0].refunded_paise == 11800
    await sound(till)


async def test_more_than_was_paid_is_refused_before_any_gateway_hears_of_it(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    for amount in (23601, 0, -5):
        with pytest.raises(Refused) as caught:
            await ask(till, order, amount_paise=amount)
        assert caught.value.code == "refund_amount"
    await ask(till, order)
    with pytest.raises(Refused):
        await ask(till, order, amount_paise=1)
    await rounds(till)
    assert len(gateway.given) == 1
    assert await RefundRow.count() == 1


async def test_of_refunds_asked_for_at_once_no_more_goes_back_than_was_paid(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    done = await asyncio.gather(*(ask(till, order, amount_paise=10000) for _ in range(6)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Refund", "Refund", "Refused", "Refused", "Refused", "Refused"]
    await asyncio.gather(*(submit_refunds(till.cashier, till.at) for _ in range(4)))
    assert len(gateway.given) == 2
    [row] = await AttemptRow.select(AttemptRow.refunded_paise)
    assert row["refunded_paise"] == 20000
    await sound(till)


async def test_partial_refunds_come_to_the_fee_to_the_paisa_in_books_and_credit_notes(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    for amount in (7777, 1, 1, 99, 15722):
        await ask(till, order, amount_paise=amount)
    await asyncio.gather(*(rounds(till) for _ in range(2)))
    invoice, *notes = await receipts_of_order(PLATFORM, order.id)
    assert len(notes) == 5
    for part in ("base_paise", "cgst_paise", "sgst_paise", "igst_paise"):
        assert sum(getattr(note.content.parts, part) for note in notes) == getattr(invoice.content.parts, part)
    assert not any((await held(till)).values())
    await sound(till)


async def test_a_line_goes_back_and_its_neighbours_stay(till: Till, gateway: Giving) -> None:
    order = await owed(till, 3)
    await ask(till, order, line=1)
    await rounds(till)
    lines = await lines_of(order)
    assert [line.refunded_paise for line in lines] == [0, 23600, 0]
    assert [line.ended_at is None for line in lines] == [True, False, True]
    assert (await held(till))["fee_income:" + lines[0].scheme] == 40000


# --- what may have happened, and what did not -----------------------------------------------------


@pytest.mark.parametrize(
    "broken", [Unresolved("silent"), Untrusted("unread"), Conflict("known", code="duplicate"), RuntimeError("boom"), "nonsense"]
)
async def test_what_may_have_happened_is_unknown_and_only_asked_about(till: Till, gateway: Giving, broken: Any) -> None:
    order = await owed(till)
    await ask(till, order)
    gateway.on_refund, gateway.on_question = broken, Unresolved("silent")
    for _ in range(8):
        await rounds(till)
        till.later(hours=2)
    unknown = await one_refund(order)
    assert unknown.state is RefundState.UNKNOWN
    assert len(gateway.given) == 1
    assert set(gateway.asked_refunds) == {unknown.reference}
    gateway.on_question = RefundOutcome.DONE
    till.later(days=1)
    await rounds(till)
    assert (await one_refund(order)).state is RefundState.DONE
    assert len(gateway.given) == 1
    await sound(till)


async def test_a_refund_that_the_gateway_never_heard_of_is_handed_over_again_under_its_own_reference(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    await ask(till, order)
    gateway.on_refund, gateway.on_question = Unresolved("silent"), RefundOutcome.NOT_FOUND
    await rounds(till)
    began = till.at
    gateway.on_refund = RefundOutcome.DONE
    while len(gateway.given) < 2 and till.at < began + timedelta(days=2):
        till.later(minutes=5)
        await rounds(till)
    assert till.at - began >= timedelta(minutes=40)
    assert len({wanted.reference for wanted in gateway.given}) == 1
    assert (await one_refund(order)).state is RefundState.DONE
    await sound(till)


@pytest.mark.parametrize("error", [Unavailable("down"), TooMany("slow", retry_after_s=90), Refused("wrong key", code="credentials")])
async def test_what_was_not_sent_stays_requested_and_is_tried_again(till: Till, gateway: Giving, error: Exception) -> None:
    order = await owed(till)
    await ask(till, order)
    gateway.on_refund = error
    await rounds(till)
    waiting = await one_refund(order)
    assert (waiting.state, gateway.asked_refunds) == (RefundState.REQUESTED, [])
    await rounds(till)
    assert len(gateway.given) == 1  # not before the pause is over
    gateway.on_refund = RefundOutcome.DONE
    till.later(minutes=5)
    await rounds(till)
    assert (await one_refund(order)).state is RefundState.DONE
    assert {wanted.reference for wanted in gateway.given} == {waiting.reference}


async def test_a_submission_that_was_cut_off_is_unknown_and_not_repeated(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    await ask(till, order)
    async with uow():
        told = {RefundRow.state: str(RefundState.SUBMITTED), RefundRow.query_due_at: None}
        await RefundRow.update(told, force=True)
    await rounds(till)
    assert (await one_refund(order)).state is RefundState.SUBMITTED  # perhaps somebody still waits for its answer
    till.later(minutes=11)
    gateway.on_question = RefundOutcome.DONE
    await rounds(till)
    assert (await one_refund(order)).state is RefundState.DONE
    assert gateway.given == []


async def test_pending_is_asked_about_until_it_is_done(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    await ask(till, order)
    gateway.on_refund = gateway.on_question = RefundOutcome.PENDING
    await rounds(till)
    till.later(days=2)
    await rounds(till)
    assert (await one_refund(order)).state is RefundState.PENDING
    assert len(await receipts_of_order(PLATFORM, order.id)) == 1
    gateway.on_question = RefundOutcome.DONE
    till.later(days=1)
    await rounds(till)
    await rounds(till)
    assert (await one_refund(order)).state is RefundState.DONE
    assert len(await receipts_of_order(PLATFORM, order.id)) == 2


async def test_a_report_of_another_amount_ends_nothing(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    await ask(till, order)
    gateway.on_refund = RefundReport(RefundOutcome.DONE, "R1", 23599)
    await rounds(till)
    found = await one_refund(order)
    assert (found.state, found.code) == (RefundState.UNKNOWN, "amount")
    await sound(till)


async def test_answers_at_once_end_a_refund_once(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    await ask(till, order)
    gateway.on_refund, gateway.on_question = RefundOutcome.PENDING, RefundOutcome.DONE
    await submit_refunds(till.cashier, till.at)
    refund = await one_refund(order)
    await asyncio.gather(*(ask_refund(refund, cashier=till.cashier, at=till.at) for _ in range(5)))
    assert len(await receipts_of_order(PLATFORM, order.id)) == 2
    assert await Announcement.count().where(Announcement.topic == "coo_refund_settled") == 1
    await sound(till)


async def test_a_secret_in_what_a_gateway_says_is_kept_nowhere(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    await ask(till, order)
    gateway.on_refund = Refused("the key k9XvQ2mNpR7sT4wZ is wrong", code="no")
    await rounds(till)
    [row] = await RefundRow.select()
    assert "k9XvQ2mNpR7sT4wZ" not in str(row)
    assert "k9XvQ2mNpR7sT4wZ" not in str(await AuditEntry.select())


# --- by the office's hand -------------------------------------------------------------------------


async def test_a_refused_refund_waits_for_the_office_which_does_it_by_hand_with_a_reason(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    await ask(till, order)
    gateway.on_refund = Refused("too old", code="window")
    await rounds(till)
    failed = await one_refund(order)
    assert (failed.state, failed.code) == (RefundState.FAILED, "window")
    assert [refund.id for refund in await refunds_waiting(office_scope(till))] == [failed.id]
    with pytest.raises(Refused):
        await refund_otherwise(office_scope(till), failed.id, reason="", actor="test", at=till.at)
    done = await refund_otherwise(office_scope(till), failed.id, reason="By cheque 000123", actor="account:ann", at=till.at)
    assert (done.state, done.by_hand, done.back_to) == (RefundState.DONE, True, RefundTo.BY_HAND)
    stands = await held(till)
    assert (stands["bank"], stands["gateway_clearing:scripted"]) == (23600, 23600)
    with pytest.raises(Conflict):
        await refund_otherwise(office_scope(till), failed.id, reason="Again", actor="test", at=till.at)
    assert await refunds_waiting(office_scope(till)) == []
    assert await AuditEntry.exists().where(AuditEntry.act == "refund_by_person", AuditEntry.actor == "account:ann")
    await sound(till)


async def test_a_refused_refund_may_go_to_the_wallet_instead(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    await ask(till, order)
    gateway.on_refund = RefundOutcome.FAILED
    await rounds(till)
    failed = await one_refund(order)
    await refund_otherwise(office_scope(till), failed.id, back_to=RefundTo.WALLET, reason="The firm asked", actor="test", at=till.at)
    assert await till.available() == 23600
    await sound(till)


async def test_a_payment_older_than_the_gateway_refunds_is_left_to_the_office(till: Till, gateway: Giving) -> None:
    gateway.limits = PaymentLimits(refund_days=180)
    order = await owed(till)
    till.later(days=181)
    await ask(till, order)
    await rounds(till)
    found = await one_refund(order)
    assert (found.state, found.back_to, gateway.given) == (RefundState.REQUESTED, RefundTo.BY_HAND, [])
    assert found.waits_for_hands
    await refund_otherwise(office_scope(till), found.id, reason="Bank transfer", actor="test", at=till.at)
    await sound(till)


async def test_a_gateway_that_gives_nothing_back_leaves_it_to_the_office(till: Till) -> None:
    order = await owed(till)
    await ask(till, order)
    await rounds(till)
    assert (await one_refund(order)).back_to is RefundTo.BY_HAND


async def test_what_nobody_knows_is_decided_by_a_person_only_when_asking_is_over(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    await ask(till, order)
    gateway.on_refund = gateway.on_question = Unresolved("silent")
    await rounds(till)
    unknown = await one_refund(order)
    scope = office_scope(till)
    for act in (
        lambda: decide_refund(scope, unknown.id, done=True, reason="Seen", actor="test", at=till.at),
        lambda: refund_otherwise(scope, unknown.id, reason="By hand", actor="test", at=till.at),
    ):
        with pytest.raises(Conflict):
            await act()
    for _ in range(30):
        till.later(days=1, hours=3)
        await rounds(till)
    assert [refund.id for refund in await refunds_waiting(scope)] == [unknown.id]
    done = await decide_refund(scope, unknown.id, done=True, reason="Seen at the gateway", actor="test", at=till.at)
    assert done.state is RefundState.DONE
    assert len(gateway.given) == 1
    await sound(till)


async def test_nobody_decides_on_what_is_not_theirs(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    refund = await ask(till, order)
    attempt = (await AttemptRow.select())[0]
    for scope in (Scope.exporter(till.rival.id), Scope.offices(till.office.agency_id, frozenset({till.other.id}))):
        for act in (
            lambda scope=scope: refund_otherwise(scope, refund.id, reason="x", actor="test", at=till.at),
            lambda scope=scope: decide_refund(scope, refund.id, done=True, reason="x", actor="test", at=till.at),
            lambda scope=scope: refund_line(scope, refund.line_id, reason="x", actor="test", at=till.at),
            lambda scope=scope: refund_excess(scope, attempt["id"], reason="x", actor="test", at=till.at),
            lambda scope=scope: refund_top_up(scope, attempt["id"], reason="x", actor="test", at=till.at),
        ):
            with pytest.raises(NotFound):
                await act()
        assert await refunds_of(scope) == []
        assert await refunds_waiting(scope) == []


@pytest.mark.parametrize("reason", ["", "   ", "a\u202eb", "x" * 301])
async def test_a_reason_is_given_and_hides_nothing(till: Till, gateway: Giving, reason: str) -> None:
    order = await owed(till)
    with pytest.raises(Refused, match="reason"):
        await ask(till, order, reason=reason)


# --- to the wallet -----------------------------------------------------------------------------------


async def test_a_fee_credited_to_the_wallet_is_there_at_once(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    done = await ask(till, order, back_to=RefundTo.WALLET)
    assert (done.state, await till.available(), gateway.given) == (RefundState.DONE, 23600, [])
    assert [receipt.kind for receipt in await receipts_of_order(PLATFORM, order.id)][1] is ReceiptKind.CREDIT_NOTE
    await sound(till)


async def test_nothing_is_credited_where_the_office_keeps_no_wallets(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    await till.switch_wallet(False)
    with pytest.raises(Refused) as caught:
        await ask(till, order, back_to=RefundTo.WALLET)
    assert caught.value.code == "wallet_off"
    assert (await lines_of(order))[0].refunded_paise == 0


async def test_a_fee_paid_from_the_wallet_goes_back_there(till: Till, gateway: Giving) -> None:
    await till.fund(50000)
    order = await till.order()
    order = await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)
    assert (await refundable(order, wallet=True)).lines
    await released(order)
    assert (await ask(till, order)).state is RefundState.DONE
    assert await till.available() == 50000
    await till.sound()


async def test_a_fee_that_was_only_set_aside_is_not_refunded(till: Till, gateway: Giving) -> None:
    await till.terms(fee_taken="issue")
    await till.fund(50000)
    order = await pay_by_wallet(till.scope, (await till.order()).reference, actor="test", at=till.at)
    with pytest.raises(Conflict) as caught:
        await ask(till, order)
    assert caught.value.code == "fee_not_taken"
    assert not (await refundable(order, wallet=True)).anything
    [line] = await lines_of(order)
    await withdraw_application(till.scope, line.reference, actor="test", at=till.at)
    assert not (await refundable(await order_by_id(PLATFORM, order.id), wallet=True)).anything
    await till.sound()


async def test_of_an_order_that_is_not_paid_nothing_goes_back(till: Till, gateway: Giving) -> None:
    order = await till.order()
    with pytest.raises(Conflict):
        await ask(till, order)


async def test_the_firm_is_told_once_how_a_refund_ended(till: Till, gateway: Giving) -> None:
    order = await owed(till)
    await ask(till, order)
    await rounds(till)
    before = await LetterRow.count()
    assert await tell_refunds(till.cashier, till.at) == 1
    assert await tell_refunds(till.cashier, till.at) == 0
    assert await LetterRow.count() == before + 1


# --- excess -----------------------------------------------------------------------------------------


async def excess(till: Till) -> Any:
    """A second payment of one order."""
    order = await till.order()
    first = await till.start(order)
    second = await till.start(order, again=True)
    for attempt, txn in ((first, "A"), (second, "B")):
        await till.notice(signed(till.told(attempt, txn=txn)))
    return await till.now(second)


async def test_an_excess_goes_back_the_way_it_came_and_owes_no_document(till: Till, gateway: Giving) -> None:
    attempt = await excess(till)
    assert attempt.disposition is Disposition.EXCESS
    await refund_excess(office_scope(till), attempt.id, reason="Paid twice", actor="test", at=till.at)
    with pytest.raises(Refused):
        await refund_excess(office_scope(till), attempt.id, reason="Paid twice", actor="test", at=till.at)
    await rounds(till)
    assert (await till.now(attempt)).disposition is Disposition.REFUNDED
    assert (await held(till))["refund_payable"] == 0
    assert len(await receipts_of_order(PLATFORM, attempt.order_id)) == 1
    await sound(till)


async def test_the_exporter_may_have_an_excess_in_the_wallet_and_it_is_receipted_as_a_top_up(till: Till, gateway: Giving) -> None:
    attempt = await excess(till)
    await credit_excess(till.scope, attempt.id, actor="test", at=till.at)
    assert (await till.now(attempt)).disposition is Disposition.CREDITED
    assert await till.available() == 23600
    assert [receipt.kind for receipt in await receipts_of_order(PLATFORM, attempt.order_id)] == [
        ReceiptKind.TAX_INVOICE,
        ReceiptKind.ACKNOWLEDGEMENT,
    ]
    await sound(till)


async def test_of_refund_and_credit_at_once_one_happens(till: Till, gateway: Giving) -> None:
    attempt = await excess(till)
    both = (
        refund_excess(office_scope(till), attempt.id, reason="Paid twice", actor="test", at=till.at),
        credit_excess(till.scope, attempt.id, actor="test", at=till.at),
    )
    done = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Refund", "Refused"]
    await rounds(till)
    await sound(till)


async def test_a_payment_that_paid_its_order_is_no_excess(till: Till, gateway: Giving) -> None:
    attempt = await paid(till, await till.order())
    for act in (refund_excess, credit_excess):
        with pytest.raises(Conflict):
            await act(office_scope(till), attempt.id, reason="No", actor="test", at=till.at)


# --- top-ups ----------------------------------------------------------------------------------------


async def topped_up(till: Till, paise: int = 50000) -> Any:
    order = await open_top_up(till.scope, till.office.id, till.firm.id, paise, actor="test", at=till.at)
    return await paid(till, order, txn=f"U{order.reference[:8]}")


async def test_an_unused_top_up_is_set_aside_while_it_goes_back(till: Till, gateway: Giving) -> None:
    await till.terms(top_up_is="advance")
    attempt = await topped_up(till)
    gateway.on_refund = Unresolved("silent")
    await refund_top_up(till.scope, attempt.id, amount_paise=20000, reason="Not needed", actor="test", at=till.at)
    assert await till.available() == 30000
    gateway.on_question = Unresolved("silent")
    await rounds(till)
    till.later(hours=5)
    await rounds(till)
    assert await till.available() == 30000  # nobody knows, so it stays set aside
    gateway.on_question = RefundOutcome.DONE
    till.later(days=1)
    await rounds(till)
    assert await till.available() == 30000
    voucher, back = await receipts_of_order(PLATFORM, attempt.order_id)
    assert (voucher.kind, back.kind, back.amount_paise) == (ReceiptKind.RECEIPT_VOUCHER, ReceiptKind.REFUND_VOUCHER, 20000)
    await sound(till)


async def test_a_top_up_that_cannot_go_back_is_available_again(till: Till, gateway: Giving) -> None:
    attempt = await topped_up(till)
    gateway.on_refund = Refused("no", code="no")
    refund = await refund_top_up(till.scope, attempt.id, reason="Not needed", actor="test", at=till.at)
    await rounds(till)
    assert await till.available() == 50000
    assert (await till.now(attempt)).refunded_paise == 0
    with pytest.raises(Conflict):
        await refund_otherwise(office_scope(till), refund.id, reason="By hand", actor="test", at=till.at)
    by_hand = await refund_top_up(office_scope(till), attempt.id, back_to=RefundTo.BY_HAND, reason="By hand", actor="test", at=till.at)
    await refund_otherwise(office_scope(till), by_hand.id, reason="Cheque", actor="test", at=till.at)
    assert (await till.available(), (await held(till))["bank"]) == (0, 50000)
    await sound(till)


async def test_what_was_spent_of_a_top_up_does_not_go_back(till: Till, gateway: Giving) -> None:
    attempt = await topped_up(till)
    order = await till.order()
    await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)
    with pytest.raises(Refused) as caught:
        await refund_top_up(till.scope, attempt.id, reason="Not needed", actor="test", at=till.at)
    assert caught.value.code == "insufficient_funds"
    assert (await till.now(attempt)).refunded_paise == 0
    assert await RefundRow.count() == 0


async def test_a_deposit_that_goes_back_is_acknowledged_as_such(till: Till, gateway: Giving) -> None:
    attempt = await topped_up(till)
    await refund_top_up(till.scope, attempt.id, reason="Not needed", actor="test", at=till.at)
    await rounds(till)
    _, back = await receipts_of_order(PLATFORM, attempt.order_id)
    assert (back.kind, back.content.title) == (ReceiptKind.ACKNOWLEDGEMENT, "Acknowledgement of a deposit returned")


async def test_a_row_of_a_fee_never_says_that_more_went_back_than_was_paid(till: Till, gateway: Giving) -> None:
    await owed(till)
    with pytest.raises(Conflict):
        async with uow():
            await OrderLineRow.update({OrderLineRow.refunded_paise: 23601}, force=True)


# --- what the terms say (P24) -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on_withdrawal", "wallet", "state", "available"),
    [
        ("refund", True, RefundState.REQUESTED, 0),
        ("wallet", True, RefundState.DONE, 23600),
        ("wallet", False, RefundState.REQUESTED, 0),  # switched off since: it goes back as it came
        ("keep", True, None, 0),
    ],
)
async def test_a_withdrawn_applications_fee_goes_where_the_terms_of_its_order_say(
    till: Till, gateway: Giving, on_withdrawal: str, wallet: bool, state: RefundState | None, available: int
) -> None:
    await till.terms(on_withdrawal=on_withdrawal, on_rejection="keep")
    order = await till.order()
    await paid(till, order)
    await till.terms(on_withdrawal="keep")  # later terms change nothing
    await till.switch_wallet(wallet)
    [line] = await lines_of(order)
    await withdraw_application(till.scope, line.reference, actor="test", at=till.at)
    refunds = await refunds_of(PLATFORM)
    assert [refund.state for refund in refunds] == ([] if state is None else [state])
    await rounds(till)
    assert all(refund.state is RefundState.DONE for refund in await refunds_of(PLATFORM))
    assert await till.available() == available
    await sound(till)
