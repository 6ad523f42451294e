"""Whether the books are right: every counter made anew from the lines, every line from those before it.

What an account holds is kept beside the lines that made it so; this is what proves the two equal, every night and on demand.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.money.ledger.reading import require_office
from engine.money.ledger.sealing import journal_breaks
from engine.money.ledger.tables import AccountRow
from engine.scope import PLATFORM, Scope
from engine.store import audit, reading

__all__ = ["check_books", "check_every_book"]

_log = logging.getLogger(__name__)
_MOST = 100
_TOLD = 10

# Each line of the office once for each of its two accounts. Posted and held are as the account's normal side has them.
_LINES = """
    each_line AS (
        SELECT debit AS account, debit_seq AS seq, debit_after AS after_line, debit_held_after AS held_after, 1 AS is_debit,
            CASE phase WHEN 'single' THEN amount_paise WHEN 'post' THEN amount_paise ELSE 0 END AS posted,
            CASE phase WHEN 'pending' THEN amount_paise WHEN 'single' THEN 0 ELSE -amount_paise END AS pending
        FROM ledger_transfer WHERE office = {}
        UNION ALL
        SELECT credit, credit_seq, credit_after, credit_held_after, 0,
            CASE phase WHEN 'single' THEN amount_paise WHEN 'post' THEN amount_paise ELSE 0 END,
            CASE phase WHEN 'pending' THEN amount_paise WHEN 'single' THEN 0 ELSE -amount_paise END
        FROM ledger_transfer WHERE office = {}
    )
"""
_COUNTERS = f"""
    WITH {_LINES}, counted AS (
        SELECT account, SUM(posted * is_debit) AS debits, SUM(posted * (1 - is_debit)) AS credits, SUM(pending * is_debit) AS debits_held,
            SUM(pending * (1 - is_debit)) AS credits_held, COUNT(*) AS lines, COUNT(DISTINCT seq) AS seqs, MIN(seq) AS first,
            MAX(seq) AS last
        FROM each_line GROUP BY account
    )
    SELECT a.of_key, CASE WHEN a.debits_posted <> COALESCE(c.debits, 0) OR a.credits_posted <> COALESCE(c.credits, 0)
            OR a.debits_pending <> COALESCE(c.debits_held, 0) OR a.credits_pending <> COALESCE(c.credits_held, 0) THEN 1 ELSE 0 END AS counters,
        CASE WHEN a.version <> COALESCE(c.lines, 0) OR COALESCE(c.seqs, 0) <> COALESCE(c.lines, 0) OR COALESCE(c.first, 1) <> 1
            OR COALESCE(c.last, 0) <> a.version THEN 1 ELSE 0 END AS seqs,
        CASE WHEN a.no_overdraft AND a.credits_posted < a.debits_posted + a.debits_pending THEN 1 ELSE 0 END AS short
    FROM ledger_account a LEFT JOIN counted c ON c.account = a.id WHERE a.office = {{}} ORDER BY a.of_key
"""  # noqa: S608  # our own words
_RUNNING = f"""
    WITH {_LINES}, added AS (
        SELECT l.account, l.seq, l.after_line, l.held_after, a.of_key, a.no_overdraft,
            SUM(CASE WHEN (a.normal = 'debit') = (l.is_debit = 1) THEN l.posted ELSE -l.posted END)
                OVER (PARTITION BY l.account ORDER BY l.seq) AS balance,
            SUM(CASE WHEN (a.normal = 'debit') = (l.is_debit = 1) THEN 0 ELSE l.pending END)
                OVER (PARTITION BY l.account ORDER BY l.seq) AS held
        FROM each_line l JOIN ledger_account a ON a.id = l.account
    )
    SELECT of_key, seq, CASE WHEN balance <> after_line OR held <> held_after THEN 1 ELSE 0 END AS running FROM added
    WHERE balance <> after_line OR held <> held_after OR (no_overdraft AND balance < held) ORDER BY of_key, seq LIMIT {_MOST}
"""  # noqa: S608  # our own words
_SUMS = """
    SELECT SUM(debits_posted) - SUM(credits_posted) AS posted, SUM(debits_pending) - SUM(credits_pending) AS pending
    FROM ledger_account WHERE office = {}
"""
_RESOLVED = f"""
    SELECT t.id FROM ledger_transfer t LEFT JOIN ledger_transfer h ON h.id = t.resolves
    WHERE t.office = {{}} AND t.resolves IS NOT NULL AND (h.id IS NULL OR h.phase <> 'pending' OR h.debit <> t.debit
        OR h.credit <> t.credit OR h.amount_paise <> t.amount_paise OR h.office <> t.office) ORDER BY t.id LIMIT {_MOST}
"""  # noqa: S608  # our own words
_EMPTY = f"""
    SELECT j.id FROM ledger_journal j LEFT JOIN ledger_transfer t ON t.journal = j.id
    WHERE j.office = {{}} AND t.id IS NULL ORDER BY j.id LIMIT {_MOST}
"""  # noqa: S608  # our own words


async def check_books(scope: Scope | None, office_id: UUID | None) -> list[str]:
    """What is wrong in an office's books, or in those of every office if neither a scope nor an office is named; nothing if they
    are right. Each office is looked at as of one moment.

    Raises NotFound for an office that the scope does not cover.
    """
    if office_id is not None:
        async with reading():
            await require_office(scope or PLATFORM, office_id)
            return await _wrong_in(office_id)
    if scope is not None and scope != PLATFORM:
        raise ValueError("Whoever does not see every office says whose books to check.")
    found: list[str] = []
    for _, office in await _offices():
        async with reading():
            found += [f"office {office}: {line}" for line in await _wrong_in(office)]
    return found


async def check_every_book(at: datetime) -> int:
    """The nightly look at the books of all offices and at the chain over their journals: what is wrong is logged and audited, under
    each office that it is in. Tells how many findings there are."""
    count = 0
    for agency, office in await _offices():
        async with reading():
            wrong = await _wrong_in(office)
        if wrong:
            await _tell("books_wrong", f"office:{office}", wrong, at, agency=agency, office=office)
        count += len(wrong)
    if broken := await journal_breaks():
        await _tell("journal_chain_broken", "ledger", broken, at)
    return count + len(broken)


async def _tell(act: str, subject: str, wrong: Sequence[str], at: datetime, *, agency: object = "", office: object = "") -> None:
    _log.error("the books are wrong", extra={"problem": "; ".join(wrong[:_TOLD]), "count": len(wrong), "sweep": "books"})
    detail = {"count": len(wrong), "wrong": list(wrong[:_TOLD])}
    await audit(act, room="money", subject=subject, actor="sweep:books", at=at, agency=agency, office=office, detail=detail)


async def _offices() -> list[tuple[UUID, UUID]]:
    """Agency and office of all that have books."""
    rows = await AccountRow.select(AccountRow.agency, AccountRow.office).distinct().order_by(AccountRow.office)
    return [(row["agency"], row["office"]) for row in rows]


async def _wrong_in(office: UUID) -> list[str]:
    """All that is wrong in one office's books, in the reading around the call."""
    found: list[str] = []
    for row in await AccountRow.raw(_COUNTERS, office, office, office):
        found += _wrong_with(row)
    for row in await AccountRow.raw(_RUNNING, office, office):
        what = "does not follow from those before it" if row["running"] else "leaves less than is set aside"
        found.append(f"line {row['seq']} of {row['of_key']} {what}")
    [sums] = await AccountRow.raw(_SUMS, office)
    if sums["posted"] or sums["pending"]:
        found.append(f"debits and credits differ by {sums['posted']} paise, and by {sums['pending']} of what is set aside")
    found += [f"line {row['id']} ends a hold that it does not match" for row in await AccountRow.raw(_RESOLVED, office)]
    found += [f"journal {row['id']} has no line" for row in await AccountRow.raw(_EMPTY, office)]
    return found


def _wrong_with(row: Any) -> list[str]:
    told = {
        "counters": "holds other counters than its lines make",
        "seqs": "has a hole or a double in its lines",
        "short": "is below nothing",
    }
    return [f"account {row['of_key']} {words}" for name, words in told.items() if row[name]]
