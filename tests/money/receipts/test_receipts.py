"""Receipts: consecutive without a hole, of the right kind, frozen, and right about the tax to the paisa."""

import asyncio
import re
from collections import Counter
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import IST
from engine.errors import Conflict, EngineError, NotFound, Refused
from engine.money.fees import NewFee, Rounding, add_fee
from engine.money.fees.shares import Parts, share
from engine.money.ledger import Book, Entry, JournalKind, bank, post, suspense
from engine.money.orders import open_top_up
from engine.money.orders.tables import PaidBy
from engine.money.paying import pay_by_wallet
from engine.money.receipts import ReceiptKind, financial_year, make_receipt, receipt_by_id, receipts_of, receipts_of_order
from engine.money.receipts.numbering import prefix_of, take_number
from engine.money.receipts.tables import ReceiptCounterRow, ReceiptRow
from engine.money.receipts.words import in_words
from engine.people.tables import Exporter, Office
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import uow
from tests.money.giving import office_scope, paid
from tests.money.till import Till, signed

NUMBER = re.compile(r"[A-Z0-9/-]{1,16}")


async def journal(till: Till, key: str) -> UUID:
    """Any journal: a receipt stands beside one."""
    book = Book(till.office.agency_id, till.office.id)
    posted = await post(book, JournalKind.PAYMENT, [Entry(bank(), suspense(), 1)], key=key, subject="test", actor="test", at=till.at)
    return posted.journal_id


async def with_gstin(till: Till, gstin: str = "27AAAGE0000A1Z5") -> None:
    async with uow():
        await Office.update({Office.gstin: gstin}).where(Office.id == till.office.id)


async def firm_gstin(till: Till, gstin: str) -> None:
    async with uow():
        await Exporter.update({Exporter.gstin: gstin}).where(Exporter.id == till.firm.id)


# --- which document ---------------------------------------------------------------------------------


async def test_a_paid_fee_with_tax_gets_a_tax_invoice_that_says_all_that_the_rule_asks(till: Till) -> None:
    await with_gstin(till)
    order = await till.order(2)
    attempt = await paid(till, order, txn="TXN77")
    [receipt] = await receipts_of_order(till.scope, order.id)
    content = receipt.content
    assert (receipt.kind, receipt.number, receipt.amount_paise) == (ReceiptKind.TAX_INVOICE, "MUM/2627/000001", 47200)
    assert (content.title, content.dated_on) == ("Tax invoice", "2026-11-22")
    assert (content.parties.agency, content.parties.office, content.parties.gstin) == ("Export Agency", "Office MUM", "27AAAGE0000A1Z5")
    assert (content.parties.firm, content.parties.iec, content.parties.firm_gstin) == (
        "KONKAN KERNELS LLP",
        "AAACK1234F",
        "27AAACK1234F1Z5",
    )
    assert content.place_of_supply == "27 Maharashtra"
    assert [(line.sac, line.gst_rate_bp, line.base_paise, line.cgst_paise, line.sgst_paise, line.igst_paise) for line in content.lines] == [
        ("998599", 1800, 20000, 1800, 1800, 0)
    ] * 2
    assert content.amount_words == "Rupees Four Hundred Seventy-Two Only"
    assert dict(content.references) == {
        "Order": order.reference,
        "Paid through": "scripted",
        "Our payment reference": attempt.reference,
        "Gateway's reference": "TXN77",
    }


async def test_between_two_states_the_tax_is_integrated_and_the_place_is_the_firms(till: Till) -> None:
    await firm_gstin(till, "24AAACK1234F1Z5")
    order = await till.order()
    await paid(till, order)
    [receipt] = await receipts_of_order(PLATFORM, order.id)
    [line] = receipt.content.lines
    assert (line.igst_paise, line.cgst_paise, receipt.content.place_of_supply) == (3600, 0, "24 Gujarat")


async def test_an_invoice_names_the_gstin_by_which_its_tax_was_computed(till: Till) -> None:
    order = await till.order()
    await firm_gstin(till, "24AAACK1234F1Z5")  # moved, before the order was paid
    await paid(till, order)
    [receipt] = await receipts_of_order(PLATFORM, order.id)
    assert (receipt.content.parties.firm_gstin, receipt.content.place_of_supply) == ("27AAACK1234F1Z5", "27 Maharashtra")
    assert receipt.content.lines[0].igst_paise == 0


async def test_a_fee_without_tax_gets_a_bill_of_supply_and_a_mixed_order_gets_both(till: Till) -> None:
    plain = NewFee(till.office.id, "", "", 10000, 0, "", Rounding.PAISA, till.at.date())
    taxed = await till.order()
    await add_fee(office_scope(till), till.office.agency_id, plain, actor="test", at=till.at)
    free = await till.order()
    for order in (taxed, free):
        await paid(till, order, txn=order.reference[:6])
    kinds = [(await receipts_of_order(PLATFORM, order.id))[0].kind for order in (taxed, free)]
    assert kinds == [ReceiptKind.TAX_INVOICE, ReceiptKind.BILL_OF_SUPPLY]


async def test_a_top_up_is_receipted_as_the_terms_say_and_says_that_it_is_no_tax_invoice(till: Till) -> None:
    deposit = await open_top_up(till.scope, till.office.id, till.firm.id, 50000, actor="test", at=till.at)
    await paid(till, deposit, txn="A")
    await with_gstin(till)
    await till.terms(top_up_is="advance")
    advance = await open_top_up(till.scope, till.office.id, till.firm.id, 50001, actor="test", at=till.at)
    await paid(till, advance, txn="B")
    [first], [second] = [await receipts_of_order(PLATFORM, order.id) for order in (deposit, advance)]
    assert (first.kind, first.content.lines[0].base_paise) == (ReceiptKind.ACKNOWLEDGEMENT, 50000)
    assert second.kind is ReceiptKind.RECEIPT_VOUCHER
    assert second.content.parts == Parts(42373, 3814, 3814, 0)
    for receipt in (first, second):
        assert "For a top-up: not a tax invoice." in receipt.content.notes[0]


async def test_an_advance_bears_the_rate_of_the_offices_fees_or_18_percent_and_none_without_gstin(till: Till) -> None:
    await till.terms(top_up_is="advance")

    async def rate(txn: str) -> int:
        order = await open_top_up(till.scope, till.office.id, till.firm.id, 11800, actor="test", at=till.at)
        await paid(till, order, txn=txn)
        [receipt] = await receipts_of_order(PLATFORM, order.id)
        assert receipt.content.parts.total_paise == 11800
        return receipt.content.lines[0].gst_rate_bp

    assert await rate("A") == 0
    await with_gstin(till)
    assert await rate("B") == 1800
    other = NewFee(None, "AIFTA", "", 10000, 500, "998599", Rounding.PAISA, till.at.date())
    await add_fee(office_scope(till), till.office.agency_id, other, actor="test", at=till.at)
    assert await rate("C") == 1800


async def test_a_fee_from_the_wallet_gets_its_invoice_and_says_so(till: Till) -> None:
    await till.fund(100000)
    order = await till.order()
    await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)
    [receipt] = await receipts_of_order(PLATFORM, order.id)
    assert receipt.kind is ReceiptKind.TAX_INVOICE
    assert dict(receipt.content.references)["Paid from"] == "e-wallet"
    assert (await till.of(order)).paid_by is PaidBy.WALLET


async def test_nothing_is_receipted_twice_however_it_is_asked_for(till: Till) -> None:
    order = await till.order(2)
    await paid(till, order)
    [receipt] = await receipts_of_order(PLATFORM, order.id)
    lines = [UUID(line.line_id) for line in receipt.content.lines]
    key = await journal(till, "again")
    for line_ids in (None, lines[:1], lines):
        with pytest.raises(Conflict) as caught:
            await make_receipt(order.id, journal_id=key, line_ids=line_ids, actor="test", at=till.at)
        assert caught.value.code == "receipted"
    assert await ReceiptRow.count() == 1


async def test_a_receipt_is_frozen_whatever_is_renamed_afterwards(till: Till) -> None:
    order = await till.order()
    await paid(till, order)
    [before] = await receipts_of_order(PLATFORM, order.id)
    async with uow():
        await Office.update({Office.name: "Renamed", Office.gstin: "07AAAGE0000A1Z5", Office.state: "07"}).where(
            Office.id == till.office.id
        )
        await Exporter.update({Exporter.name: "RENAMED", Exporter.gstin: ""}).where(Exporter.id == till.firm.id)
    [after] = await receipts_of_order(PLATFORM, order.id)
    assert after == before


async def test_no_receipt_is_ever_changed_or_deleted(till: Till) -> None:
    order = await till.order()
    await paid(till, order)
    for act in (ReceiptRow.update({ReceiptRow.amount_paise: 1}, force=True), ReceiptRow.delete(force=True)):
        with pytest.raises(EngineError):
            async with uow():
                await act
    assert (await receipts_of_order(PLATFORM, order.id))[0].amount_paise == 23600


async def test_a_foreign_receipt_reads_like_one_that_is_not_there(till: Till) -> None:
    order = await till.order()
    await paid(till, order)
    [receipt] = await receipts_of_order(till.scope, order.id)
    assert await receipt_by_id(office_scope(till), receipt.id) == receipt
    for scope in (PUBLIC, Scope.exporter(till.rival.id), Scope.offices(till.office.agency_id, frozenset({till.other.id}))):
        with pytest.raises(NotFound):
            await receipt_by_id(scope, receipt.id)
        assert await receipts_of_order(scope, order.id) == []
        assert await receipts_of(scope) == []


async def test_receipts_are_paged_without_a_gap_or_a_repeat(till: Till) -> None:
    for number in range(5):
        await paid(till, await till.order(), txn=f"T{number}")
    seen, before = [], None
    while page := await receipts_of(till.scope, office_id=till.office.id, before=before, most=2):
        seen += [receipt.number for receipt in page]
        before = page[-1]
    assert sorted(seen) == [f"MUM/2627/{serial:06d}" for serial in range(1, 6)]


# --- numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "year"),
    [
        (datetime(2027, 3, 31, 23, 59, 59, tzinfo=IST), "2627"),
        (datetime(2027, 4, 1, 0, 0, 0, tzinfo=IST), "2728"),
        (datetime(2027, 3, 31, 18, 29, 59, tzinfo=UTC), "2627"),
        (datetime(2027, 3, 31, 18, 30, 0, tzinfo=UTC), "2728"),
        (datetime(2099, 12, 31, 0, 0, 0, tzinfo=IST), "9900"),
    ],
)
def test_the_year_ends_on_31_march_in_india_whatever_utc_says(moment: datetime, year: str) -> None:
    assert prefix_of("MUM", moment) == f"MUM/{year}"


def test_a_financial_year_begins_on_1_april() -> None:
    assert [financial_year(date(2026, 3, 31)), financial_year(date(2026, 4, 1))] == ["2526", "2627"]


async def test_the_first_receipt_of_a_year_begins_anew_and_its_date_is_indian(till: Till) -> None:
    till.clock.at = datetime(2027, 3, 31, 18, 29, 59, tzinfo=UTC)
    first = await till.order()
    await paid(till, first, txn="A")
    till.clock.at = datetime(2027, 3, 31, 18, 30, tzinfo=UTC)
    second = await till.order()
    await paid(till, second, txn="B")
    found = [(await receipts_of_order(PLATFORM, order.id))[0] for order in (first, second)]
    assert [(receipt.number, receipt.content.dated_on) for receipt in found] == [
        ("MUM/2627/000001", "2027-03-31"),
        ("MUM/2728/000001", "2027-04-01"),
    ]


async def test_numbers_taken_at_once_are_consecutive(till: Till) -> None:
    async def one() -> int:
        async with uow():
            return (await take_number(till.office.agency_id, till.office.id, "MUM", till.at))[1]

    assert sorted(await asyncio.gather(*(one() for _ in range(25)))) == list(range(1, 26))


async def test_payments_at_once_are_receipted_without_a_hole(till: Till) -> None:

    attempts = [await till.start(await till.order()) for _ in range(8)]
    await asyncio.gather(*(till.notice(signed(till.told(attempt, txn=f"T{index}"))) for index, attempt in enumerate(attempts)))
    rows = await ReceiptRow.select(ReceiptRow.number, ReceiptRow.serial)
    assert sorted(row["serial"] for row in rows) == list(range(1, 9))
    assert all(NUMBER.fullmatch(row["number"]) for row in rows)
    await till.sound()


async def test_a_deed_that_fails_leaves_no_hole(till: Till) -> None:
    await paid(till, await till.order(), txn="A")
    order = await till.order()
    key = await journal(till, "failing")
    with pytest.raises(ZeroDivisionError, match="MUM/2627/000002"):  # noqa: PT012
        async with uow():
            [made] = await make_receipt(order.id, journal_id=key, actor="test", at=till.at)
            raise ZeroDivisionError(made.number)
    await paid(till, await till.order(), txn="B")
    assert sorted(row["number"] for row in await ReceiptRow.select(ReceiptRow.number)) == ["MUM/2627/000001", "MUM/2627/000002"]


async def test_a_full_series_is_refused_and_another_code_goes_on(till: Till) -> None:
    await take_number(till.office.agency_id, till.office.id, "MUM", till.at)
    async with uow():
        await ReceiptCounterRow.update({ReceiptCounterRow.last: 999_999}, force=True)
    with pytest.raises(Refused, match="MUM/2627 is full"):
        await take_number(till.office.agency_id, till.office.id, "MUM", till.at)
    assert await take_number(till.office.agency_id, till.office.id, "MU2", till.at) == ("MU2/2627", 1)


async def test_every_office_has_a_series_of_its_own(till: Till) -> None:
    for office, code in ((till.office, "MUM"), (till.other, "DEL")):
        assert await take_number(office.agency_id, office.id, code, till.at) == (f"{code}/2627", 1)


# --- words and shares ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paise", "words"),
    [
        (0, "Rupees Zero Only"),
        (1, "Rupees Zero and One Paise Only"),
        (23650, "Rupees Two Hundred Thirty-Six and Fifty Paise Only"),
        (12_34_567_89, "Rupees Twelve Lakh Thirty-Four Thousand Five Hundred Sixty-Seven and Eighty-Nine Paise Only"),
        (1_00_00_000_00, "Rupees One Crore Only"),
        (100_00_00_000_19, "Rupees One Hundred Crore and Nineteen Paise Only"),
        (1_00_001_20, "Rupees One Lakh One and Twenty Paise Only"),
    ],
)
def test_amounts_are_written_out_in_indian_numbers(paise: int, words: str) -> None:
    assert in_words(paise) == words


def test_no_two_amounts_read_alike() -> None:
    assert max(Counter(in_words(paise) for paise in range(0, 12_000_00, 37)).values()) == 1


@given(
    whole=st.builds(Parts, *(st.integers(0, 10**9) for _ in range(4))).filter(lambda parts: parts.total_paise > 0),
    cuts=st.lists(st.integers(1, 10**9), max_size=8),
)
def test_however_a_sum_is_parted_its_shares_make_the_whole(whole: Parts, cuts: list[int]) -> None:
    left, shares = whole, []
    for cut in [*cuts, whole.total_paise]:
        if amount := min(cut, left.total_paise):
            shares.append(share(left, amount))
            assert shares[-1].total_paise == amount
            left = left.less(shares[-1])
    for name in ("base_paise", "cgst_paise", "sgst_paise", "igst_paise"):
        parts = [getattr(each, name) for each in shares]
        assert min(parts) >= 0
        assert sum(parts) == getattr(whole, name)


def test_equal_halves_of_a_tax_stay_equal_but_for_the_last_paise() -> None:
    left = Parts(20000, 1800, 1800)
    for amount in (7777, 1, 99, 10000):
        gone = share(left, amount)
        assert gone.cgst_paise == gone.sgst_paise
        left = left.less(gone)
    assert share(left, left.total_paise) == left


@pytest.mark.parametrize("amount", [101, 0, -1])
def test_no_share_goes_beyond_the_whole(amount: int) -> None:
    with pytest.raises(ValueError, match="within"):
        share(Parts(80, 10, 10), amount)
