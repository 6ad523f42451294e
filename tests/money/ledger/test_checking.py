"""Books that somebody touched are found wrong, each way of touching them by its own words, and the chain shows it too."""

import json
from typing import Any

import pytest

from engine.errors import Conflict, NotFound
from engine.money.ledger import check_books, check_every_book, journal_breaks, seal_journals
from engine.money.ledger.tables import JournalSeal, JournalUnsealed
from engine.scope import PLATFORM, Scope
from engine.store import uow
from engine.store.engines import Engine
from engine.store.tables import AuditEntry, Setting
from tests.money.ledger.desk import AT, Desk
from tests.money.ledger.tampering import tampering

TABLES = ("ledger_journal", "ledger_transfer", "ledger_seal")
WALLET = "role = 'wallet'"


async def busy(desk: Desk) -> None:
    """Books in which everything happened."""
    await desk.fill(1_000)
    held = await desk.hold(100, 50)
    await desk.pay(30)
    await desk.take(held.journal_id, lines={1})
    await desk.let_go(held.journal_id, lines={2})
    await desk.hold(7)


async def test_books_that_nobody_touched_are_right(desk: Desk) -> None:
    assert await check_books(None, None) == []
    await busy(desk)
    assert await check_books(None, None) == []
    assert await check_books(Scope.agency(desk.here.agency_id), desk.here.office_id) == []
    assert await check_every_book(AT) == 0
    assert await AuditEntry.count().where(AuditEntry.actor == "sweep:books") == 0


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f"UPDATE ledger_account SET credits_posted = credits_posted + 1 WHERE {WALLET}", "holds other counters"),
        (f"UPDATE ledger_account SET credits_posted = credits_posted + 1 WHERE {WALLET}", "differ by -1 paise"),
        (f"UPDATE ledger_account SET debits_pending = 0 WHERE {WALLET}", "holds other counters"),
        (f"UPDATE ledger_account SET debits_pending = 0 WHERE {WALLET}", "-7 of what is set aside"),
        (f"UPDATE ledger_account SET version = version + 1 WHERE {WALLET}", "hole or a double"),
        ("UPDATE ledger_transfer SET amount_paise = amount_paise + 1 WHERE phase = 'single'", "holds other counters"),
        ("UPDATE ledger_transfer SET credit_after = credit_after + 1 WHERE phase = 'single'", "does not follow"),
        ("UPDATE ledger_transfer SET debit_held_after = 0 WHERE phase = 'pending'", "does not follow"),
        ("UPDATE ledger_transfer SET debit_seq = debit_seq + 100 WHERE phase = 'post'", "hole or a double"),
        ("UPDATE ledger_transfer SET phase = 'void' WHERE phase = 'post'", "holds other counters"),
        ("UPDATE ledger_transfer SET amount_paise = 99 WHERE phase = 'post'", "ends a hold that it does not match"),
        ("UPDATE ledger_transfer SET debit = credit, credit = debit WHERE phase = 'void'", "ends a hold that it does not match"),
        ("DELETE FROM ledger_transfer WHERE phase = 'void'", "has no line"),
        ("DELETE FROM ledger_transfer WHERE phase = 'post'", "hole or a double"),
    ],
)
async def test_books_that_were_touched_are_wrong(desk: Desk, empty_database: Engine, statement: str, words: str) -> None:
    await busy(desk)
    async with tampering(empty_database, *TABLES):
        await Setting.raw(statement)
    found = await check_books(PLATFORM, desk.here.office_id)
    assert any(words in line for line in found), found


async def test_a_wallet_below_nothing_is_found_in_its_lines(desk: Desk, empty_database: Engine) -> None:
    await desk.fill(5)
    async with tampering(empty_database, *TABLES):
        swapped = "debit = credit, credit = debit, debit_seq = credit_seq, credit_seq = debit_seq"
        await Setting.raw(f"UPDATE ledger_transfer SET {swapped}, debit_after = -5, credit_after = -5")
    found = await check_books(PLATFORM, desk.here.office_id)
    assert f"line 1 of wallet:{desk.firm} leaves less than is set aside" in found


async def test_what_is_wrong_at_night_is_audited_under_its_office(desk: Desk, empty_database: Engine) -> None:
    await busy(desk)
    await desk.fill(5, book=desk.foreign)
    await seal_journals(AT)
    async with tampering(empty_database, *TABLES):
        await Setting.raw(f"UPDATE ledger_account SET credits_posted = credits_posted + 1 WHERE {WALLET} AND credits_posted = 5")
        await Setting.raw("UPDATE ledger_journal SET actor = 'nobody' WHERE kind = 'fee'")
    assert await check_every_book(AT) == 3
    entries = await AuditEntry.select().where(AuditEntry.actor == "sweep:books").order_by(AuditEntry.act)
    told = [(entry["act"], entry["office"], json.loads(entry["detail"])["count"]) for entry in entries]
    assert told == [("books_wrong", str(desk.foreign.office_id), 2), ("journal_chain_broken", "", 1)]


async def test_whose_books_are_checked_is_said_and_seen(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await check_books(Scope.agency(desk.foreign.agency_id), desk.here.office_id)
    with pytest.raises(ValueError, match="whose books"):
        await check_books(Scope.agency(desk.here.agency_id), None)


# --- the chain -----------------------------------------------------------------------------------


async def test_the_journals_are_chained_in_their_order_and_once(desk: Desk) -> None:
    await busy(desk)
    assert await seal_journals(AT) == 6
    await desk.fill(1)
    assert [await seal_journals(AT), await seal_journals(AT)] == [1, 0]
    assert await journal_breaks() == []
    assert (await JournalSeal.count(), await JournalUnsealed.count()) == (7, 0)


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        (
            "UPDATE ledger_journal SET reason = 'another' WHERE id = (SELECT journal FROM ledger_seal WHERE seq = 3)",
            "link 3 does not match",
        ),
        ("UPDATE ledger_transfer SET amount_paise = 1 WHERE journal = (SELECT journal FROM ledger_seal WHERE seq = 2)", "link 2 does not"),
        ("UPDATE ledger_transfer SET line = line + 7 WHERE journal = (SELECT journal FROM ledger_seal WHERE seq = 2)", None),
        ("DELETE FROM ledger_transfer WHERE journal = (SELECT journal FROM ledger_seal WHERE seq = 4)", "link 4 does not match"),
        ("DELETE FROM ledger_journal WHERE id = (SELECT journal FROM ledger_seal WHERE seq = 4)", "the journal of link 4 is missing"),
        ("DELETE FROM ledger_seal WHERE seq = 3", "link 3 is missing"),
        ("DELETE FROM ledger_seal WHERE seq = 6", "is neither sealed nor waits"),
    ],
)
async def test_what_is_changed_behind_the_seal_shows(desk: Desk, empty_database: Engine, statement: str, broken: str | None) -> None:
    await busy(desk)
    await seal_journals(AT)
    async with tampering(empty_database, *TABLES):
        await Setting.raw(statement)
    found = await journal_breaks()
    assert any((broken or "link 2 does not match its journal") in line for line in found), found


async def test_seals_are_neither_changed_nor_removed(desk: Desk) -> None:
    async def act(statement: str) -> Any:
        async with uow():
            await Setting.raw(statement)

    await desk.fill(1)
    await seal_journals(AT)
    for statement in ("UPDATE ledger_seal SET hash = hash", "DELETE FROM ledger_seal"):
        with pytest.raises(Conflict):
            await act(statement)
