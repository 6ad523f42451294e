"""What no settlement file has: payments that succeeded and were not settled in three working days; whether the clearing accounts hold
exactly what is not settled yet; and whether every fee that counts as taken care of stands in the books."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from engine.clock import IST, ist_day
from engine.money.fees import rupees
from engine.money.ledger import Role
from engine.money.ledger.tables import AccountRow
from engine.money.orders.nouns import Attempt
from engine.money.orders.tables import AttemptRow, AttemptState, RefundRow, RefundState, RefundTo
from engine.money.settling.tables import Match, SettlementLineRow
from engine.money.tables import CoverRow
from engine.people.offices.holidays import holidays_of
from engine.people.offices.keeping import office_by_id
from engine.scope import PLATFORM, Scope
from engine.store import audit, reading
from engine.store.scoped import covering

__all__ = ["WORKING_DAYS", "check_clearing", "check_covers", "check_every_clearing", "settled_by", "unsettled"]

_log = logging.getLogger(__name__)

WORKING_DAYS = 3
_MOST = 500
_FARTHEST = 60
_TOLD = 10

# Journals are found by their keys, which the deeds of paying give them.
_UNPAID = """
    SELECT a.reference FROM cover c JOIN payment_order_line l ON l.id = c.order_line JOIN payment_order o ON o.id = l."order"
        JOIN application a ON a.id = c.application
    WHERE c.state <> 'released' AND l.amount_paise > 0 AND (o.state <> 'paid' OR NOT EXISTS (SELECT 1 FROM ledger_journal j
        WHERE j.office = c.office AND j.key = CASE WHEN c.kind = 'hold' THEN 'hold:' || CAST(l.id AS TEXT)
            WHEN o.paid_by = 'gateway' THEN 'pay:' || CAST(o.id AS TEXT) ELSE 'fee:' || CAST(o.id AS TEXT) END)
        OR (c.kind = 'hold' AND c.state = 'posted' AND NOT EXISTS (SELECT 1 FROM ledger_journal j
            WHERE j.office = c.office AND j.key = 'post:' || CAST(l.id AS TEXT))))
    ORDER BY a.reference LIMIT 100
"""
_UNCOVERED = """
    SELECT a.reference FROM application a WHERE a.state = 'issued' AND a.office IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM cover c WHERE c.application = a.id AND c.state = 'posted')
    ORDER BY a.reference LIMIT 100
"""


async def unsettled(scope: Scope, office_id: UUID, *, at: datetime, most: int = 100) -> Sequence[Attempt]:
    """Payments of an office that succeeded, and that no settlement file has although three of its working days went by since; the
    oldest first. A day counts once it is over."""
    last = await settled_by(office_id, at)
    until = datetime.combine(last + timedelta(days=1), time(), IST).astimezone(UTC)
    listed = SettlementLineRow.select(SettlementLineRow.attempt).where(
        SettlementLineRow.office == office_id, SettlementLineRow.attempt.is_not_null()
    )
    query = AttemptRow.select().where(
        AttemptRow.office == office_id,
        AttemptRow.state == str(AttemptState.SUCCEEDED),
        AttemptRow.succeeded_at < until,
        AttemptRow.id.not_in(listed),
    )
    rows = await covering(scope, query, AttemptRow).order_by(AttemptRow.succeeded_at).limit(min(most, _MOST))
    return [Attempt.of(row) for row in rows]


async def settled_by(office_id: UUID, at: datetime) -> date:
    """The last day, in India, whose payments should be settled by now: three whole working days of the office lie after it."""
    office = await office_by_id(PLATFORM, office_id)
    today = ist_day(at)
    closed = {holiday.closed_on for holiday in await holidays_of(PLATFORM, office_id, since=today - timedelta(days=_FARTHEST))}
    left, day = WORKING_DAYS, today
    while left and day > today - timedelta(days=_FARTHEST):
        day -= timedelta(days=1)
        if str(day.isoweekday()) in office.working_days and day not in closed:
            left -= 1
    return day - timedelta(days=1)


async def check_clearing(scope: Scope | None, office_id: UUID | None = None) -> list[str]:
    """What is wrong with the clearing accounts: each must hold, to the paisa, the payments that succeeded and are not settled, less the
    refunds that were done and are not settled. Nothing is wrong if the list is empty."""
    held: dict[tuple[UUID, str], int] = defaultdict(int)
    due: dict[tuple[UUID, str], int] = defaultdict(int)
    async with reading():
        accounts = AccountRow.select().where(AccountRow.role == str(Role.CLEARING))
        attempts = AttemptRow.select(AttemptRow.id, AttemptRow.office, AttemptRow.gateway, AttemptRow.amount_paise).where(
            AttemptRow.state == str(AttemptState.SUCCEEDED), AttemptRow.id.not_in(_settled(Match.MATCHED))
        )
        refunds = RefundRow.select(RefundRow.office, RefundRow.attempt.gateway.as_alias("gateway"), RefundRow.amount_paise).where(
            RefundRow.state == str(RefundState.DONE),
            RefundRow.back_to == str(RefundTo.SOURCE),
            RefundRow.id.not_in(_settled(Match.REFUND_MATCHED)),
        )
        for query, table, into, sign in ((accounts, AccountRow, held, 1), (attempts, AttemptRow, due, 1), (refunds, RefundRow, due, -1)):
            narrowed = query.where(table.office == office_id) if office_id is not None else query
            for row in await covering(scope or PLATFORM, narrowed, table):
                if table is AccountRow:
                    into[row["office"], row["detail"]] += row["debits_posted"] - row["credits_posted"]
                else:
                    into[row["office"], row["gateway"]] += sign * row["amount_paise"]
    return [
        f"The clearing account of {gateway} at the office {office} holds Rs {rupees(held[office, gateway])}, and Rs "
        f"{rupees(due[office, gateway])} are not settled."
        for office, gateway in sorted({*held, *due}, key=str)
        if held[office, gateway] != due[office, gateway]
    ]


async def check_covers() -> list[str]:
    """Applications, of every office, whose fee counts as taken care of although no money for it is in the books, or whose certificate
    is issued without a cover; nothing else looks behind a row that somebody changed in the database."""
    async with reading():
        unpaid, uncovered = await CoverRow.raw(_UNPAID), await CoverRow.raw(_UNCOVERED)
    return [f"The fee of {row['reference']} counts as paid, and the books have no money for it." for row in unpaid] + [
        f"The certificate of {row['reference']} is issued, and its fee is covered by nothing." for row in uncovered
    ]


async def check_every_clearing(at: datetime) -> int:
    """The nightly look at the clearing accounts and the covers of all offices: what is wrong is logged and audited. Tells how many
    findings there are."""
    accounts, covers = await check_clearing(None), await check_covers()
    await _tell("clearing_wrong", "clearing", "clearing accounts", accounts, at)
    await _tell("covers_wrong", "covers", "covers", covers, at)
    return len(accounts) + len(covers)


async def _tell(act: str, subject: str, what: str, wrong: Sequence[str], at: datetime) -> None:
    if wrong:
        _log.error("the %s are wrong", what, extra={"problem": "; ".join(wrong[:_TOLD]), "count": len(wrong), "sweep": "books"})
        detail = {"count": len(wrong), "wrong": list(wrong[:_TOLD])}
        await audit(act, room="money", subject=subject, actor="sweep:books", at=at, detail=detail)


def _settled(match: Match) -> Any:
    """The ids of what lines of that kind settled."""
    column = SettlementLineRow.attempt if match is Match.MATCHED else SettlementLineRow.refund
    return SettlementLineRow.select(column).where(SettlementLineRow.match == str(match))
