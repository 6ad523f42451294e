"""Settlement files: each once, each line once, posted to the paisa; what does not agree is asked about or waits for a person."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.contracts.paying import PaymentOutcome, RefundOutcome
from engine.errors import Conflict, NotFound, PluginError, Refused
from engine.money.ledger import trial_balance
from engine.money.orders import lines_of
from engine.money.orders.tables import AttemptState, Disposition, OrderState
from engine.money.paying import refund_excess, refund_line, submit_refunds
from engine.money.receipts import receipts_of_order
from engine.money.settling import (
    Match,
    chase_settlements,
    check_clearing,
    check_every_clearing,
    close_line,
    files_of,
    import_settlement,
    lines_of_file,
    look_again,
    open_lines,
    settled_by,
    unsettled,
)
from engine.money.settling.tables import SettlementFileRow, SettlementLineRow
from engine.people.offices.holidays import put_holidays
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import FileStore, uow
from engine.store.tables import AuditEntry
from tests.money.giving import Giving, line_of, office_scope, paid, settlement, with_refunds
from tests.money.till import Till, signed


@pytest.fixture
def gateway(till: Till) -> Giving:
    """The till's gateway, which reads settlement files."""
    return with_refunds(till)


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    """Where files lie."""
    return FileStore(str(tmp_path / "files"))


@pytest.fixture
def bring(till: Till, gateway: Giving, files: FileStore) -> Any:
    """Imports a file of these lines: `bring(line, …)`."""

    async def act(*lines: dict[str, Any], scope: Scope | None = None, data: bytes | None = None) -> Any:
        body = settlement(*lines) if data is None else data
        return await import_settlement(
            scope or office_scope(till), till.office.id, "day.json", body, cashier=till.cashier, files=files, actor="test", at=till.at
        )

    return act


async def stands(till: Till) -> dict[str, int]:
    """Debits less credits of each account of the office."""
    found = await trial_balance(PLATFORM, till.office.id)
    return {
        str(line.role): line.debits_paise - line.credits_paise for line in found.lines if not line.detail or line.role == "gateway_clearing"
    }


async def sound(till: Till) -> None:
    await till.sound()
    assert await check_clearing(None) == []


async def matches(file_id: Any) -> list[str]:
    return [str(line.match) for line in await lines_of_file(PLATFORM, file_id)]


# --- what agrees --------------------------------------------------------------------------------------


async def test_a_file_takes_what_it_settles_out_of_clearing_to_the_paisa(till: Till, bring: Any, files: FileStore) -> None:
    attempts = [await paid(till, await till.order(), txn=f"T{number}") for number in range(3)]
    await sound(till)
    done = await bring(line_of(attempts[0], "A"), line_of(attempts[1], "B", reference=""))
    assert (done.known, done.lines, done.found) == (False, 2, {Match.MATCHED: 2})
    found = await stands(till)
    assert (found["bank"], found["gateway_charges"], found["gateway_clearing"]) == (2 * (23600 - 236), 2 * 236, 23600)
    [file] = await files_of(office_scope(till), till.office.id)
    assert (file.gross_paise, file.fee_paise, file.tax_paise, file.net_paise) == (47200, 400, 72, 46728)
    assert await files.get(file.sha256) == settlement(line_of(attempts[0], "A"), line_of(attempts[1], "B", reference=""))
    await sound(till)


async def test_a_refund_is_taken_off_the_other_way(till: Till, bring: Any) -> None:
    order = await till.order()
    first, second = await till.start(order), await till.start(order, again=True)
    for attempt, txn in ((first, "A"), (second, "B")):
        await till.notice(signed(till.told(attempt, txn=txn)))
    refund = await refund_excess(office_scope(till), second.id, reason="Twice", actor="test", at=till.at)
    await submit_refunds(till.cashier, till.at)
    await sound(till)
    back = line_of(await till.now(second), "R", kind="refund", reference=refund.reference, gateway_txn_id="", fee_paise=0, tax_paise=0)
    done = await bring(line_of(await till.now(first), "A"), line_of(await till.now(second), "B"), back)
    assert sorted(await matches(done.file_id)) == ["matched", "matched", "refund_matched"]
    assert (await stands(till))["gateway_clearing"] == 0
    await sound(till)


async def test_the_same_file_again_changes_nothing_even_at_once(till: Till, bring: Any) -> None:
    attempt = await paid(till, await till.order())
    done = await asyncio.gather(*(bring(line_of(attempt)) for _ in range(5)))
    assert sorted(each.known for each in done) == [False, True, True, True, True]
    assert len({each.file_id for each in done}) == 1
    assert (await bring(line_of(attempt))).known
    assert (await SettlementFileRow.count(), await SettlementLineRow.count()) == (1, 1)
    assert (await stands(till))["bank"] == 23364
    await sound(till)


async def test_a_line_that_stands_in_two_files_counts_once(till: Till, bring: Any) -> None:
    attempts = [await paid(till, await till.order(), txn=f"T{number}") for number in range(2)]
    await bring(line_of(attempts[0], "A"))
    done = await bring(line_of(attempts[0], "A"), line_of(attempts[1], "B"))
    assert (done.lines, done.repeated) == (2, 1)
    assert (await stands(till))["bank"] == 2 * 23364
    await sound(till)


async def test_overlapping_files_at_once_count_each_line_once(till: Till, bring: Any) -> None:
    attempts = [await paid(till, await till.order(), txn=f"T{number}") for number in range(3)]
    a, b, c = (line_of(attempt, f"L{index}") for index, attempt in enumerate(attempts))
    await asyncio.gather(bring(a, b), bring(b, c), bring(c, a), bring(a))
    assert await SettlementLineRow.count() == 3
    assert (await stands(till))["gateway_clearing"] == 0
    await sound(till)


@pytest.mark.parametrize("change", [{"gross_paise": 23700}, {"fee_paise": 0}, {"utr": "OTHER"}, {"settled_on": "2026-11-24"}])
async def test_an_altered_file_is_refused_whole_naming_the_line(till: Till, bring: Any, change: dict[str, Any]) -> None:
    attempts = [await paid(till, await till.order(), txn=f"T{number}") for number in range(2)]
    await bring(line_of(attempts[0], "A"))
    with pytest.raises(Refused, match="Line 2 of the file says something else"):
        await bring(line_of(attempts[1], "B"), line_of(attempts[0], "A", **change))
    assert (await SettlementFileRow.count(), await SettlementLineRow.count()) == (1, 1)
    await sound(till)


# --- what does not ------------------------------------------------------------------------------------


async def test_another_amount_waits_in_suspense_for_a_person(till: Till, bring: Any) -> None:
    attempt = await paid(till, await till.order())
    done = await bring(line_of(attempt, gross_paise=23500))
    assert await matches(done.file_id) == ["amount_differs"]
    found = await stands(till)
    assert (found["suspense"], found["gateway_clearing"], found["bank"]) == (-23500, 23600, 23500 - 236)
    await sound(till)


async def test_what_nobody_here_knows_waits_in_suspense_too(till: Till, bring: Any) -> None:
    attempt = await paid(till, await till.order())
    strange = line_of(attempt, reference="ZZZZZZZZZZZZZZZZZZZZ", gateway_txn_id="NOBODY")
    done = await bring(strange)
    assert await matches(done.file_id) == ["missing_here"]
    [line] = await open_lines(office_scope(till), till.office.id)
    closed = await close_line(office_scope(till), line.id, reason="Of the other office", actor="test", at=till.at)
    assert not closed.open
    assert await open_lines(office_scope(till), till.office.id) == []
    with pytest.raises(Conflict):
        await close_line(office_scope(till), line.id, reason="Again", actor="test", at=till.at)
    await sound(till)


async def test_two_references_that_name_two_payments_match_neither(till: Till, bring: Any) -> None:
    one, two = [await paid(till, await till.order(), txn=f"T{number}") for number in range(2)]
    done = await bring(line_of(one, gateway_txn_id=two.gateway_txn_id))
    assert await matches(done.file_id) == ["missing_here"]
    await sound(till)


async def test_a_payment_that_is_settled_twice_is_matched_once(till: Till, bring: Any) -> None:
    attempt = await paid(till, await till.order())
    done = await bring(line_of(attempt, "A"), line_of(attempt, "B"))
    assert sorted(await matches(done.file_id)) == ["duplicate", "matched"]
    await bring(line_of(attempt, "C"))
    assert (await stands(till))["suspense"] == -2 * 23600
    await sound(till)


async def test_a_payment_of_another_office_is_not_ours(till: Till, gateway: Giving, files: FileStore) -> None:
    attempt = await paid(till, await till.order())
    done = await import_settlement(
        office_scope(till), till.other.id, "x", settlement(line_of(attempt)), cashier=till.cashier, files=files, actor="test", at=till.at
    )
    assert await matches(done.file_id) == ["missing_here"]
    await sound(till)


async def test_a_settled_payment_that_failed_here_is_asked_about_and_becomes_a_late_success(
    till: Till, gateway: Giving, bring: Any
) -> None:
    order = await till.order()
    attempt = await till.start(order)
    await till.notice(signed(till.told(attempt, "failed")))
    done = await bring(line_of(await till.now(attempt)))
    assert await matches(done.file_id) == ["not_paid_here"]
    assert (await till.now(attempt)).state is AttemptState.FAILED  # a file alone makes nothing succeed
    gateway.answers[attempt.reference] = PaymentOutcome.SUCCEEDED
    assert await chase_settlements(till.cashier, till.at) == 1
    assert await matches(done.file_id) == ["matched"]
    assert (await till.now(attempt)).disposition is Disposition.APPLIED
    assert (await till.of(order)).state is OrderState.PAID
    assert len(await receipts_of_order(PLATFORM, order.id)) == 1
    found = await stands(till)
    assert (found["suspense"], found["gateway_clearing"], found["bank"]) == (0, 0, 23364)
    assert await chase_settlements(till.cashier, till.at) == 0
    await sound(till)


async def test_a_settled_payment_that_came_too_late_is_excess_and_matches_all_the_same(till: Till, gateway: Giving, bring: Any) -> None:
    order = await till.order()
    late = await till.start(order)
    await till.notice(signed(till.told(late, "failed")))
    await paid(till, order, txn="OTHER")
    await bring(line_of(await till.now(late), gateway_txn_id=""))
    gateway.answers[late.reference] = PaymentOutcome.SUCCEEDED
    await chase_settlements(till.cashier, till.at)
    assert (await till.now(late)).disposition is Disposition.EXCESS
    await sound(till)


async def test_a_gateway_that_stays_silent_is_asked_again_later_and_not_at_once(till: Till, gateway: Giving, bring: Any) -> None:
    attempt = await till.start(await till.order())
    await bring(line_of(attempt, gateway_txn_id=""))
    gateway.answers[attempt.reference] = RuntimeError("broken")
    assert [await chase_settlements(till.cashier, till.at) for _ in range(2)] == [1, 0]
    till.later(hours=6)
    assert await chase_settlements(till.cashier, till.at) == 1
    [line] = await open_lines(office_scope(till), till.office.id)
    assert line.match is Match.NOT_PAID_HERE
    await sound(till)


async def test_a_settled_refund_that_is_not_done_here_is_asked_about(till: Till, gateway: Giving, bring: Any) -> None:
    order = await till.order()
    attempt = await paid(till, order)
    gateway.on_refund = RefundOutcome.PENDING
    [line] = await lines_of(order)
    refund = await refund_line(office_scope(till), line.id, amount_paise=600, reason="Part", actor="test", at=till.at)
    await submit_refunds(till.cashier, till.at)
    back = line_of(attempt, "R", kind="refund", reference=refund.reference, gateway_txn_id="", gross_paise=600, fee_paise=0, tax_paise=0)
    done = await bring(line_of(attempt, "A"), back)
    assert sorted(await matches(done.file_id)) == ["matched", "not_paid_here"]
    gateway.on_question = RefundOutcome.DONE
    await chase_settlements(till.cashier, till.at)
    assert sorted(await matches(done.file_id)) == ["matched", "refund_matched"]
    assert (await stands(till))["suspense"] == 0
    await sound(till)


# --- files that are none ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"key": ""},
        {"key": "x" * 121},
        {"reference": "a\u202eb"},
        {"gross_paise": -1},
        {"fee_paise": 2.5},
        {"gross_paise": True},
        {"net_paise": 1},
        {"gross_paise": 10**14},
    ],
)
async def test_a_line_that_is_none_refuses_the_file_and_is_named(till: Till, bring: Any, change: dict[str, Any]) -> None:
    attempt = await paid(till, await till.order())
    with pytest.raises(Refused, match="Line 2 of the file"):
        await bring(line_of(attempt, "A"), line_of(attempt, **{"key": "B", **change}))
    assert await SettlementLineRow.count() == 0


async def test_what_is_no_file_is_refused_and_what_breaks_the_plugin_is_its_fault(till: Till, bring: Any) -> None:
    for data, error in (
        (b"", Refused),
        (b"[", Refused),
        (b"[]", Refused),
        (b'[{"kind": "payment"}]', PluginError),
        (b"x" * (20 * 1024 * 1024 + 1), Refused),
    ):
        with pytest.raises(error):
            await bring(data=data)
    assert await SettlementFileRow.count() == 0


async def test_nobody_imports_or_reads_for_another_office(till: Till, bring: Any) -> None:
    attempt = await paid(till, await till.order())
    done = await bring(line_of(attempt, gross_paise=1, fee_paise=0, tax_paise=0))
    [line] = await open_lines(PLATFORM, till.office.id)
    for scope in (Scope.exporter(till.firm.id), PUBLIC, Scope.offices(till.office.agency_id, frozenset({till.other.id}))):
        with pytest.raises(NotFound):
            await bring(line_of(attempt, "Z"), scope=scope)
        with pytest.raises(NotFound):
            await close_line(scope, line.id, reason="x", actor="test", at=till.at)
        with pytest.raises(NotFound):
            await look_again(scope, line.id, cashier=till.cashier, actor="test", at=till.at)
        assert await lines_of_file(scope, done.file_id) == []
        assert await files_of(scope, till.office.id) == []
        assert await open_lines(scope, till.office.id) == []
    assert await unsettled(PUBLIC, till.office.id, at=till.at + timedelta(days=30)) == []


async def test_a_gateway_without_settlement_files_says_so(till: Till, files: FileStore) -> None:
    with pytest.raises(Refused, match="reads no settlement files"):
        await import_settlement(office_scope(till), till.office.id, "x", b"[]", cashier=till.cashier, files=files, actor="test", at=till.at)


# --- what no file has ---------------------------------------------------------------------------------


async def test_a_payment_is_missed_once_three_working_days_are_over(till: Till, bring: Any) -> None:
    # 22 November 2026 is a Sunday: Monday, Tuesday and Wednesday are given, and on Thursday it is missed.
    attempt = await paid(till, await till.order())
    for day, missed in ((25, 0), (26, 1)):
        at = datetime(2026, 11, day, 6, 0, tzinfo=UTC)
        assert len(await unsettled(office_scope(till), till.office.id, at=at)) == missed
    await put_holidays(till.office, {date(2026, 11, 24): "Closed"}, actor="test", at=till.at)
    assert await unsettled(office_scope(till), till.office.id, at=datetime(2026, 11, 26, 6, 0, tzinfo=UTC)) == []
    later = datetime(2026, 11, 27, 6, 0, tzinfo=UTC)
    assert [each.id for each in await unsettled(office_scope(till), till.office.id, at=later)] == [attempt.id]
    await bring(line_of(attempt))
    assert await unsettled(office_scope(till), till.office.id, at=later) == []


async def test_the_day_is_indian(till: Till, gateway: Giving) -> None:
    till.clock.at = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)  # Monday in India
    await paid(till, await till.order())
    assert await unsettled(PLATFORM, till.office.id, at=datetime(2026, 11, 26, 18, 29, tzinfo=UTC)) == []
    assert len(await unsettled(PLATFORM, till.office.id, at=datetime(2026, 11, 26, 18, 30, tzinfo=UTC))) == 1
    assert await settled_by(till.office.id, datetime(2026, 11, 26, 18, 30, tzinfo=UTC)) == date(2026, 11, 23)


# --- the invariant ------------------------------------------------------------------------------------


async def test_a_clearing_account_that_lost_a_paisa_is_found(till: Till, bring: Any) -> None:
    from engine.money.ledger import Book, Entry, JournalKind, clearing, post, suspense

    await paid(till, await till.order())
    assert await check_clearing(None) == []
    book = Book(till.office.agency_id, till.office.id)
    entries = [Entry(suspense(), clearing("scripted"), 1)]
    await post(book, JournalKind.ADJUSTMENT, entries, key="lost", subject="x", reason="test", actor="test", at=till.at)
    [say] = await check_clearing(office_scope(till), till.office.id)
    assert "holds Rs 235.99, and Rs 236.00 are not settled" in say
    assert await check_clearing(Scope.agency(till.firm.id)) == []
    assert await check_every_clearing(till.at) == 1
    assert await AuditEntry.exists().where(AuditEntry.act == "clearing_wrong")


async def test_a_row_never_says_that_it_matches_what_it_does_not(till: Till, bring: Any) -> None:
    attempt = await paid(till, await till.order())
    await bring(line_of(attempt, "A"), line_of(attempt, "B"))
    with pytest.raises(Conflict):
        async with uow():
            await SettlementLineRow.update({SettlementLineRow.match: str(Match.MATCHED)}, force=True)
