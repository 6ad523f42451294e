"""What is posted moves once, whole, within the office, in whole paise, and never more than a wallet holds."""

import asyncio
import contextvars
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.errors import Conflict, NotFound, Refused
from engine.money.ledger import (
    MOST_ENTRIES,
    MOST_PAISE,
    Account,
    Entry,
    JournalKind,
    Role,
    bank,
    charges,
    check_books,
    clearing,
    freeze_wallet,
    hold,
    moving,
    open_balance,
    post,
    refund_payable,
    reverse,
    suspense,
    thaw_wallet,
    wallet,
)
from engine.money.ledger.tables import AccountRow, JournalRow, TransferRow
from engine.scope import PLATFORM, Scope
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.money.ledger.desk import AT, GATEWAY, INCOME, TAX, Desk


class GivenUp(Exception):
    """What goes wrong in the unit of work around a deed."""


async def right(desk: Desk) -> bool:
    return await check_books(PLATFORM, desk.here.office_id) == []


async def given_up(desk: Desk, **what: object) -> None:
    """A top-up in a unit of work that fails afterwards."""

    async def act() -> None:
        async with uow():
            await desk.fill(100, **what)
            raise GivenUp

    with pytest.raises(GivenUp):
        await act()


async def test_a_top_up_and_a_fee_are_on_both_sides(desk: Desk) -> None:
    assert (await desk.fill(50_000)).replayed is False
    await post(desk.here, JournalKind.FEE, [Entry(desk.wallet, INCOME, 20_000), Entry(desk.wallet, TAX, 3_600)], **desk.said({}))
    assert await desk.stands() == (26_400, 0)
    rows = {row["of_key"]: row for row in await AccountRow.select()}
    assert [
        (rows[key]["debits_posted"], rows[key]["credits_posted"]) for key in ("gateway_clearing:sandbox", "fee_income:AIFTA", "gst:igst")
    ] == [
        (50_000, 0),
        (0, 20_000),
        (0, 3_600),
    ]
    assert rows[f"wallet:{desk.firm}"]["version"] == 3
    assert await right(desk)


async def test_a_wallet_never_pays_more_than_it_holds(desk: Desk) -> None:
    await desk.fill(100)
    for amounts in ((101,), (60, 41), (MOST_PAISE,)):
        with pytest.raises(Refused) as refused:
            await desk.pay(*amounts)
        assert (refused.value.code, refused.value.rule) == ("insufficient_funds", "wallet balance")
    assert await desk.stands() == (100, 0)
    assert await JournalRow.count() == 1
    await desk.pay(60, 40)
    assert await desk.stands() == (0, 0)
    assert await right(desk)


async def test_an_empty_wallet_that_nobody_used_pays_nothing_and_is_not_left_behind(desk: Desk) -> None:
    with pytest.raises(Refused, match="holds less"):
        await desk.pay(1)
    assert (await JournalRow.count(), await AccountRow.count()) == (0, 0)


async def test_a_later_line_does_not_pay_for_an_earlier_one(desk: Desk) -> None:
    entries = [Entry(desk.wallet, INCOME, 5), Entry(GATEWAY, desk.wallet, 5)]
    with pytest.raises(Refused, match="holds less"):
        await post(desk.here, JournalKind.ADJUSTMENT, entries, **desk.said({"reason": "turned round"}))
    assert await JournalRow.count() == 0
    await post(desk.here, JournalKind.ADJUSTMENT, entries[::-1], **desk.said({"reason": "in order"}))
    assert [line.balance_paise for line in await desk.lines()] == [0, 5]


@pytest.mark.parametrize("paise", [0, -1, 1.0, 0.5, True, "5", None, MOST_PAISE + 1, 2**63, float("nan")])
def test_an_amount_is_a_whole_number_of_paise_above_nothing(paise: object) -> None:
    with pytest.raises(Refused) as refused:
        Entry(GATEWAY, INCOME, paise)  # type: ignore[arg-type]
    assert refused.value.rule == "amount in paise"


def test_an_entry_has_two_accounts() -> None:
    with pytest.raises(Refused, match="for itself"):
        Entry(GATEWAY, clearing("sandbox"), 5)


@pytest.mark.parametrize(
    ("role", "detail", "exporter"),
    [
        (Role.WALLET, "", None),
        (Role.WALLET, "x", uuid4()),
        (Role.BANK, "", uuid4()),
        (Role.BANK, "x", None),
        (Role.CLEARING, "", None),
        (Role.GST, "igst\n", None),
        (Role.FEE_INCOME, "\u202eAIFTA", None),
        (Role.FEE_INCOME, "A" * 41, None),
    ],
)
def test_an_account_that_cannot_be_is_not_made(role: Role, detail: str, exporter: UUID | None) -> None:
    with pytest.raises(ValueError, match=r"wallet is|cannot be of"):
        Account(role, detail, exporter)


async def test_the_largest_amounts_add_up_exactly(desk: Desk) -> None:
    for _ in range(20):
        await desk.fill(MOST_PAISE)
    await desk.pay(1)
    assert await desk.stands() == (20 * MOST_PAISE - 1, 0)
    assert await right(desk)


# --- the same key --------------------------------------------------------------------------------


async def test_the_same_key_is_the_same_journal_for_ever(desk: Desk) -> None:
    first = await desk.fill(100, key="k")
    again = await desk.fill(100, key="k", actor="another", at=AT + timedelta(days=400))
    assert (again.journal_id, again.replayed) == (first.journal_id, True)
    assert await desk.stands() == (100, 0)


async def test_the_same_key_for_anything_else_is_refused(desk: Desk) -> None:
    await desk.fill(100, key="k")
    others = [
        lambda: desk.fill(101, key="k"),
        lambda: desk.fill(100, key="k", subject="order-2"),
        lambda: desk.fill(100, key="k", firm=desk.rival),
        lambda: desk.fill(100, key="k", book=desk.beside),
        lambda: desk.fill(100, key="k", book=desk.foreign),
        lambda: desk.pay(100, key="k"),
        lambda: desk.hold(100, key="k"),
    ]
    for other in others:
        with pytest.raises(Conflict) as conflict:
            await other()
        assert conflict.value.code == "ledger_key_reused"
    assert await JournalRow.count() == 1


async def test_the_same_key_many_times_at_once_moves_money_once(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.fill(100, key="k") for _ in range(20)))
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 19
    assert len({answer.journal_id for answer in answers}) == 1
    assert await desk.stands() == (100, 0)


async def test_different_contents_of_one_key_at_once_move_one_of_them(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.fill(index + 1, key="k") for index in range(10)), return_exceptions=True)
    done = [index + 1 for index, answer in enumerate(answers) if not isinstance(answer, BaseException)]
    assert {getattr(answer, "code", "") for answer in answers} == {"", "ledger_key_reused"}
    assert await desk.stands() == (done[0], 0)
    assert len(done) == 1


async def test_a_key_whose_first_use_was_given_up_is_free(desk: Desk) -> None:
    await given_up(desk, key="k")
    assert (await desk.fill(200, key="k")).replayed is False
    assert await desk.stands() == (200, 0)


# --- at once -------------------------------------------------------------------------------------


async def test_accounts_are_opened_once_by_many_at_once(desk: Desk) -> None:
    await asyncio.gather(*(desk.fill(1) for _ in range(30)))
    assert await AccountRow.count() == 2
    assert await desk.stands() == (30, 0)
    assert [line.seq for line in await desk.lines()] == list(range(30, 0, -1))
    assert await right(desk)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)  # on SQLite units of work take turns
async def test_an_account_that_another_opens_between_two_looks_is_used(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real, opened = moving._update, []

    async def update(*what: Any) -> Any:
        found = await real(*what)
        if not found and not opened:
            opened.append(True)
            await asyncio.create_task(desk.fill(5), context=contextvars.Context())
        return found

    monkeypatch.setattr(moving, "_update", update)
    await desk.fill(7)
    assert opened
    assert await desk.stands() == (12, 0)
    assert await right(desk)


async def test_many_at_once_cannot_spend_the_same_money(desk: Desk) -> None:
    await desk.fill(1_000)
    answers = await asyncio.gather(*(desk.pay(90) for _ in range(30)), return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 11
    assert {answer.code for answer in answers if isinstance(answer, Refused)} == {"insufficient_funds"}
    assert await desk.stands() == (10, 0)
    assert await right(desk)


async def test_journals_that_name_their_accounts_in_any_order_do_not_wait_for_each_other(desk: Desk) -> None:
    accounts = [bank(), charges(), suspense(), refund_payable(), GATEWAY, INCOME, TAX]

    async def ring(start: int) -> None:
        order = accounts[start:] + accounts[:start]
        entries = [Entry(one, other, 7) for one, other in pairwise(order)]
        await post(desk.here, JournalKind.SETTLEMENT, entries, **desk.said({}))

    await asyncio.gather(*(ring(index % len(accounts)) for index in range(42)))
    assert await JournalRow.count() == 42
    assert await right(desk)


# --- in the caller's unit of work ----------------------------------------------------------------


async def test_it_is_undone_with_what_made_it(desk: Desk) -> None:
    await given_up(desk)
    assert await desk.stands() == (0, 0)
    assert await JournalRow.count() == 0


async def test_what_is_refused_leaves_nothing_and_the_callers_work_goes_on(desk: Desk) -> None:
    await desk.fill(100)
    async with uow():
        await desk.pay(70)
        with pytest.raises(Refused, match="holds less"):
            await post(desk.here, JournalKind.FEE, [Entry(GATEWAY, TAX, 5), Entry(desk.wallet, INCOME, 31)], **desk.said({}))
        await desk.pay(30)
    assert await desk.stands() == (0, 0)
    assert await JournalRow.count() == 3
    assert await right(desk)


# --- whose ---------------------------------------------------------------------------------------


async def test_each_office_has_its_own_wallet_of_a_firm(desk: Desk) -> None:
    await desk.fill(100)
    await desk.fill(7, book=desk.foreign)
    assert (await desk.balance()).posted_paise == 100
    assert (await desk.balance(book=desk.beside)).posted_paise == 0
    assert (await desk.balance(book=desk.foreign)).posted_paise == 7
    with pytest.raises(Refused, match="holds less"):
        await post(desk.beside, JournalKind.FEE, [Entry(desk.wallet, INCOME, 1)], **desk.said({}))


async def test_an_office_under_another_agency_has_no_books(desk: Desk) -> None:
    with pytest.raises(Conflict):
        await desk.fill(5, book=replace(desk.here, agency_id=desk.foreign.agency_id))
    assert (await JournalRow.count(), await AccountRow.count()) == (0, 0)


async def test_a_line_cannot_name_another_offices_account(desk: Desk) -> None:
    await desk.fill(100)
    await desk.fill(100, book=desk.beside)
    theirs = await AccountRow.select().where(AccountRow.office == desk.beside.office_id, AccountRow.role == "wallet").first()
    line = await TransferRow.select().where(TransferRow.office == desk.here.office_id).first()
    assert theirs is not None
    assert line is not None
    forged = TransferRow(**{**line, "id": uuid4(), "line": 2, "credit": theirs["id"], "credit_seq": 9, "debit_seq": 9})
    with pytest.raises(Conflict):
        async with uow():
            await TransferRow.insert(forged)


async def test_a_journal_of_one_firm_moves_no_other_ones_wallet(desk: Desk) -> None:
    with pytest.raises(ValueError, match="no other one's"):
        await desk.fill(5, firm=desk.rival, exporter_id=desk.firm)
    with pytest.raises(ValueError, match="no other one's"):
        await hold(desk.here, [Entry(wallet(desk.rival), INCOME, 5)], exporter_id=desk.firm, **desk.said({}))


# --- what cannot be a journal --------------------------------------------------------------------


async def test_a_journal_has_some_entries_and_not_too_many(desk: Desk) -> None:
    for entries in ([], [Entry(GATEWAY, INCOME, 1)] * (MOST_ENTRIES + 1)):
        with pytest.raises(Refused, match="1 to 500 entries"):
            await post(desk.here, JournalKind.PAYMENT, entries, **desk.said({}))


async def test_a_journal_of_the_most_entries_is_whole(desk: Desk) -> None:
    await desk.fill(MOST_ENTRIES)
    await desk.pay(*[1] * MOST_ENTRIES)
    assert await desk.stands() == (0, 0)
    assert [line.balance_paise for line in await desk.lines()][:3] == [0, 1, 2]
    assert await right(desk)


async def test_what_is_set_aside_and_taken_back_has_doors_of_its_own(desk: Desk) -> None:
    entries = [Entry(GATEWAY, INCOME, 1)]
    for kind in (JournalKind.HOLD, JournalKind.POST, JournalKind.RELEASE, JournalKind.REVERSAL):
        with pytest.raises(ValueError, match=r"doors of its own|names the journal"):
            await post(desk.here, kind, entries, **desk.said({}))
    with pytest.raises(ValueError, match="names the journal"):
        await post(desk.here, JournalKind.PAYMENT, entries, reverses=uuid4(), **desk.said({}))


@pytest.mark.parametrize("reason", ["", " ", "a\u202eb", "a\x00b", "x" * 301])
async def test_books_are_put_right_for_a_reason_that_can_be_read(desk: Desk, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        await post(desk.here, JournalKind.ADJUSTMENT, [Entry(GATEWAY, INCOME, 1)], **desk.said({"reason": reason}))
    assert refused.value.box == "reason"


@pytest.mark.parametrize("what", [{"key": ""}, {"at": AT.replace(tzinfo=None)}, {"occurred_at": AT.replace(tzinfo=None)}])
async def test_a_journal_has_a_key_and_moments_with_a_zone(desk: Desk, what: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="has a key"):
        await desk.fill(5, **what)


@pytest.mark.parametrize("what", [{"key": "k" * 121}, {"subject": "s" * 61}, {"actor": "a" * 81}])
async def test_words_that_are_too_long_write_nothing(desk: Desk, what: dict[str, object]) -> None:
    with pytest.raises(Conflict):
        await desk.fill(5, **what)
    assert (await JournalRow.count(), await AccountRow.count()) == (0, 0)


# --- taken back ----------------------------------------------------------------------------------


async def test_a_journal_is_taken_back_once(desk: Desk) -> None:
    await desk.fill(100)
    paid = await desk.pay(60, 15)
    told = {"subject": "order-1", "reason": "posted to the wrong firm", "actor": "test", "at": AT}
    back = await reverse(desk.here, paid.journal_id, key="back", **told)
    assert await desk.stands() == (100, 0)
    assert (await reverse(desk.here, paid.journal_id, key="back", **told)).journal_id == back.journal_id
    with pytest.raises(Conflict) as conflict:
        await reverse(desk.here, paid.journal_id, key="back again", **told)
    assert conflict.value.code == "journal_reversed"
    assert await desk.stands() == (100, 0)
    assert await right(desk)


async def test_what_was_spent_meanwhile_is_not_taken_back(desk: Desk) -> None:
    filled = await desk.fill(100)
    await desk.pay(1)
    with pytest.raises(Refused, match="holds less"):
        await reverse(desk.here, filled.journal_id, **desk.said({"reason": "never came"}))
    assert await desk.stands() == (99, 0)


async def test_another_offices_journal_is_not_there_to_be_taken_back(desk: Desk) -> None:
    filled = await desk.fill(100)
    for book, id in ((desk.beside, filled.journal_id), (desk.foreign, filled.journal_id), (desk.here, uuid4())):
        with pytest.raises(NotFound) as unknown:
            await reverse(book, id, **desk.said({"reason": "not ours"}))
        assert unknown.value.code == "journal_unknown"


async def test_a_reversal_is_the_mirror_and_nothing_else(desk: Desk) -> None:
    filled = await desk.fill(100)
    for entry in (Entry(desk.wallet, GATEWAY, 99), Entry(desk.wallet, INCOME, 100), Entry(GATEWAY, desk.wallet, 100)):
        with pytest.raises(Refused, match="exactly what"):
            await post(desk.here, JournalKind.REVERSAL, [entry], reverses=filled.journal_id, **desk.said({"reason": "r"}))
    await post(
        desk.here, JournalKind.REVERSAL, [Entry(desk.wallet, GATEWAY, 100)], reverses=filled.journal_id, **desk.said({"reason": "r"})
    )
    assert await desk.stands() == (0, 0)


async def test_a_hold_is_let_go_and_not_taken_back(desk: Desk) -> None:
    await desk.fill(100)
    held = await desk.hold(40)
    with pytest.raises(Conflict) as conflict:
        await reverse(desk.here, held.journal_id, **desk.said({"reason": "r"}))
    assert conflict.value.code == "journal_moved_nothing"


# --- brought over --------------------------------------------------------------------------------


async def test_a_balance_brought_over_is_dated_as_of_its_file_and_names_the_wallet_there(desk: Desk) -> None:
    as_of = AT - timedelta(days=90)
    told = {"key": "opening:coo1:W-7", "reference": "W-7", "as_of": as_of, "actor": "test", "at": AT}
    await open_balance(desk.here, desk.firm, 12_345, **told)
    assert (await open_balance(desk.here, desk.firm, 12_345, **told)).replayed
    [line] = await desk.lines()
    assert (line.kind, line.at, line.recorded_at, line.subject, line.credit_paise) == (JournalKind.OPENING, as_of, AT, "W-7", 12_345)
    with pytest.raises(Refused, match="has not been"):
        await open_balance(desk.here, desk.firm, 1, **{**told, "key": "another", "as_of": AT + timedelta(seconds=1)})


# --- frozen and closed ---------------------------------------------------------------------------


async def test_a_frozen_wallet_pays_nothing_and_sets_nothing_aside_and_money_comes_in(desk: Desk) -> None:
    await desk.fill(100)
    taken, gone = await desk.hold(10), await desk.hold(20)
    told = {"actor": "account:1", "at": AT}
    assert await freeze_wallet(PLATFORM, desk.here.office_id, desk.firm, reason="chargeback", **told)
    assert not await freeze_wallet(PLATFORM, desk.here.office_id, desk.firm, reason="again", **told)
    for spend in (desk.pay, desk.hold):
        with pytest.raises(Refused) as refused:
            await spend(1)
        assert refused.value.code == "wallet_frozen"
    await desk.fill(5)
    await desk.take(taken.journal_id)
    await desk.let_go(gone.journal_id)
    now = await desk.balance()
    assert (now.posted_paise, now.held_paise, now.frozen, now.frozen_because) == (95, 0, True, "chargeback")
    assert await thaw_wallet(PLATFORM, desk.here.office_id, desk.firm, reason="settled", **told)
    assert not await thaw_wallet(PLATFORM, desk.here.office_id, desk.firm, reason="settled", **told)
    await desk.pay(95)
    acts = await AuditEntry.select(AuditEntry.act, AuditEntry.detail).where(AuditEntry.room == "money").order_by(AuditEntry.id)
    assert [entry["act"] for entry in acts] == ["wallet_frozen", "wallet_thawed"]
    assert "chargeback" not in str(acts)
    assert await right(desk)


async def test_only_a_wallet_that_is_there_and_seen_is_frozen_for_a_reason(desk: Desk) -> None:
    await desk.fill(100)
    told = {"actor": "account:1", "at": AT}
    office = desk.here.office_id
    for scope, of, firm in (
        (PLATFORM, office, desk.rival),
        (PLATFORM, uuid4(), desk.firm),
        (Scope.agency(desk.foreign.agency_id), office, desk.firm),
        (Scope.offices(desk.here.agency_id, frozenset({desk.beside.office_id})), office, desk.firm),
        (Scope.exporter(desk.firm), office, desk.firm),
    ):
        with pytest.raises(NotFound):
            await freeze_wallet(scope, of, firm, reason="r", **told)
    with pytest.raises(Refused, match="reason"):
        await freeze_wallet(PLATFORM, office, desk.firm, reason="", **told)
    assert not (await desk.balance()).frozen


async def test_a_closed_account_takes_and_gives_nothing(desk: Desk) -> None:
    await desk.fill(100)
    await AccountRow.update({AccountRow.closed_at: AT}).where(AccountRow.role == "wallet")
    for act in (lambda: desk.fill(1), lambda: desk.pay(1), lambda: desk.hold(1)):
        with pytest.raises(Refused) as refused:
            await act()
        assert refused.value.code == "account_closed"
    assert await desk.stands() == (100, 0)


# --- what the database itself refuses ------------------------------------------------------------


@pytest.mark.parametrize("table", ["ledger_journal", "ledger_transfer"])
async def test_journals_and_lines_are_neither_changed_nor_removed(desk: Desk, table: str) -> None:
    await desk.fill(100)
    column = "reason" if table == "ledger_journal" else "phase"
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
        with pytest.raises(Conflict):
            async with uow():
                await AccountRow.raw(statement)
    assert await right(desk)


@pytest.mark.parametrize(
    "change",
    [
        "debits_posted = credits_posted + 1",
        "debits_pending = credits_posted + 1",
        "no_overdraft = (1 = 0)",
        "debits_pending = -1",
        "frozen_because = 'x'",
    ],
)
async def test_a_wallets_counters_cannot_say_less_than_nothing(desk: Desk, change: str) -> None:
    await desk.fill(100)
    with pytest.raises(Conflict):
        async with uow():
            await AccountRow.raw(f"UPDATE ledger_account SET {change} WHERE role = 'wallet'")
