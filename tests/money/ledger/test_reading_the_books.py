"""What the books say is what happened, to whom it belongs and to nobody else, and reading on costs what reading costs."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from engine.errors import NotFound, Refused
from engine.money.ledger import (
    Entry,
    JournalKind,
    Phase,
    Role,
    balance,
    bank,
    cash_book,
    charges,
    post,
    statement,
    trial_balance,
    wallet,
)
from engine.scope import PLATFORM, PUBLIC, Scope
from tests.money.ledger.desk import AT, GATEWAY, INCOME, Desk


async def test_a_statement_tells_each_line_with_the_balance_behind_it(desk: Desk) -> None:
    await desk.fill(100)
    held = await desk.hold(30)
    await desk.pay(20)
    await desk.take(held.journal_id)
    gone = await desk.hold(5)
    await desk.let_go(gone.journal_id)
    told = [
        (line.seq, line.phase, line.amount_paise, line.debit_paise, line.credit_paise, line.balance_paise, line.held_paise)
        for line in reversed(await desk.lines())
    ]
    assert told == [
        (1, Phase.SINGLE, 100, 0, 100, 100, 0),
        (2, Phase.PENDING, 30, 0, 0, 100, 30),
        (3, Phase.SINGLE, 20, 20, 0, 80, 30),
        (4, Phase.POST, 30, 30, 0, 50, 0),
        (5, Phase.PENDING, 5, 0, 0, 50, 5),
        (6, Phase.VOID, 5, 0, 0, 50, 0),
    ]


async def test_a_statement_is_read_on_without_a_hole_or_a_double(desk: Desk) -> None:
    await desk.fill(1_000)
    await desk.pay(*[1] * 22)
    office = desk.here.office_id
    seen, before = [], None
    while True:
        page = await statement(PLATFORM, office, desk.firm, before=before, most=5)
        seen += [line.seq for line in page.lines]
        before = page.further
        if before is None:
            break
    assert seen == list(range(23, 0, -1))
    for odd, expected in ((10**30, 23), (24, 23), (1, 0), (0, 0), (-7, 0)):
        assert len((await statement(PLATFORM, office, desk.firm, before=odd, most=500)).lines) == expected
    assert len((await statement(PLATFORM, office, desk.firm, most=-3)).lines) == 1


async def test_what_comes_meanwhile_does_not_move_the_pages(desk: Desk) -> None:
    for _ in range(6):
        await desk.fill(1)
    first = await statement(PLATFORM, desk.here.office_id, desk.firm, most=3)
    await desk.fill(1)
    second = await statement(PLATFORM, desk.here.office_id, desk.firm, before=first.further, most=3)
    assert [line.seq for line in (*first.lines, *second.lines)] == [6, 5, 4, 3, 2, 1]
    assert second.further is None


async def test_a_balance_is_as_of_its_last_line(desk: Desk) -> None:
    assert await desk.balance() == (await desk.balance(desk.rival))
    assert (await desk.balance()).as_of is None
    await desk.fill(10)
    await desk.pay(3, at=AT + timedelta(hours=1))
    now = await desk.balance()
    assert (now.as_of, now.seq, now.available_paise) == (AT + timedelta(hours=1), 2, 7)


Door = Callable[..., Awaitable[object]]


@pytest.mark.parametrize("door", [balance, statement])
async def test_a_wallet_is_seen_by_its_firm_and_its_office(desk: Desk, door: Door) -> None:
    await desk.fill(100)
    here, firm = desk.here, desk.firm
    for scope in (
        PLATFORM,
        Scope.agency(here.agency_id),
        Scope.offices(here.agency_id, frozenset({here.office_id})),
        Scope.exporter(firm),
        Scope.broker(frozenset({firm})),
    ):
        assert await door(scope, here.office_id, firm)
    said = set()
    for scope, office, whose in (
        (PUBLIC, here.office_id, firm),
        (PLATFORM, uuid4(), firm),
        (Scope.agency(desk.foreign.agency_id), here.office_id, firm),
        (Scope.agency(desk.foreign.agency_id), uuid4(), firm),
        (Scope.offices(here.agency_id, frozenset({desk.beside.office_id})), here.office_id, firm),
        (Scope.offices(here.agency_id, frozenset()), here.office_id, firm),
        (Scope.exporter(desk.rival), here.office_id, firm),
        (Scope.exporter(desk.rival), here.office_id, uuid4()),
        (Scope.exporter(firm), uuid4(), firm),
        (Scope.broker(frozenset()), here.office_id, firm),
    ):
        with pytest.raises(NotFound) as unknown:
            await door(scope, office, whose)
        said.add((unknown.value.code, unknown.value.say))
    assert len(said) == 1


@pytest.mark.parametrize("door", [cash_book, trial_balance])
async def test_an_offices_books_are_seen_by_the_office_alone(desk: Desk, door: Door) -> None:
    await desk.fill(100)
    here = desk.here
    for scope in (PLATFORM, Scope.agency(here.agency_id), Scope.offices(here.agency_id, frozenset({here.office_id}))):
        assert (await door(scope, here.office_id)).lines  # type: ignore[attr-defined]
    for scope in (
        PUBLIC,
        Scope.exporter(desk.firm),
        Scope.broker(frozenset({desk.firm})),
        Scope.agency(desk.foreign.agency_id),
        Scope.offices(here.agency_id, frozenset({desk.beside.office_id})),
    ):
        with pytest.raises(NotFound):
            await door(scope, here.office_id)


async def test_the_cash_book_of_one_account_has_its_balance(desk: Desk) -> None:
    await desk.fill(1_000)
    entries = [Entry(bank(), GATEWAY, 980), Entry(charges(), GATEWAY, 20)]
    await post(desk.here, JournalKind.SETTLEMENT, entries, **desk.said({"subject": "UTR1"}))
    page = await cash_book(PLATFORM, desk.here.office_id, account=GATEWAY)
    assert [(line.seq, line.debit.role, line.credit.role, line.amount_paise, line.balance_paise) for line in page.lines] == [
        (3, Role.CHARGES, Role.CLEARING, 20, 0),
        (2, Role.BANK, Role.CLEARING, 980, 20),
        (1, Role.CLEARING, Role.WALLET, 1_000, 1_000),
    ]
    assert page.lines[2].credit == wallet(desk.firm)
    first = await cash_book(PLATFORM, desk.here.office_id, account=GATEWAY, most=2)
    second = await cash_book(PLATFORM, desk.here.office_id, account=GATEWAY, before=first.further, most=2)
    assert [line.seq for line in (*first.lines, *second.lines)] == [3, 2, 1]
    assert (await cash_book(PLATFORM, desk.here.office_id, account=bank())).lines[0].balance_paise == 980
    assert (await cash_book(PLATFORM, desk.beside.office_id, account=bank())).lines == ()


async def test_the_cash_book_of_all_accounts_has_whole_journals_the_newest_first(desk: Desk) -> None:
    for minute in (3, 1, 2):
        await desk.fill(100, at=AT + timedelta(minutes=minute), subject=f"m{minute}")
    for index in range(4):  # of one moment
        await desk.pay(1, 2, at=AT, subject=f"f{index}")
    await desk.fill(1, book=desk.beside)
    seen, before = [], None
    while True:
        page = await cash_book(PLATFORM, desk.here.office_id, before=before, most=2)
        assert len({line.journal_id for line in page.lines}) <= 2
        seen += [(line.subject, line.line) for line in page.lines]
        before = page.further
        if before is None:
            break
    fees = [(f"f{index}", line) for index in (3, 2, 1, 0) for line in (1, 2)]
    assert seen == [("m3", 1), ("m2", 1), ("m1", 1), *fees]


@pytest.mark.parametrize("mark", ["", "x", "1", "1.2", "-1." + "0" * 32, "٣." + "0" * 32, "9" * 25 + "." + "0" * 32, "1." + "g" * 32])
async def test_a_mark_that_no_page_gave_is_refused(desk: Desk, mark: str) -> None:
    with pytest.raises(Refused) as refused:
        await cash_book(PLATFORM, desk.here.office_id, before=mark)
    assert refused.value.code == "ledger_mark"
    with pytest.raises(Refused):
        await cash_book(PLATFORM, desk.here.office_id, account=bank(), before=f"x{mark}")


async def test_the_trial_balance_has_equal_columns_and_all_wallets_in_one_line(desk: Desk) -> None:
    await desk.fill(1_000)
    await desk.fill(500, firm=desk.rival)
    await desk.pay(300)
    await desk.hold(40)
    found = await trial_balance(PLATFORM, desk.here.office_id)
    assert [(line.role, line.detail, line.debit_balance_paise, line.credit_balance_paise, line.accounts) for line in found.lines] == [
        (Role.FEE_INCOME, "AIFTA", 0, 300, 1),
        (Role.CLEARING, "sandbox", 1_500, 0, 1),
        (Role.WALLET, "", 0, 1_200, 2),
    ]
    assert (found.debit_paise, found.credit_paise) == (1_500, 1_500)
    assert found.lines[2].held_paise == 40
    assert (await trial_balance(PLATFORM, desk.beside.office_id)).lines == ()
    assert INCOME.detail == "AIFTA"
