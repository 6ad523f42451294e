"""Lines of settlement files that are open: the gateway is asked, what is learnt is matched anew, and a person closes the rest.

A payment that the file has and that did not succeed here is asked about; if the gateway confirms it, it is a late success like any
other, and the line matches. The file alone never makes a payment succeed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.contracts.paying import SettledLine
from engine.errors import Conflict, NotFound
from engine.money.orders.finding import attempt_by_id
from engine.money.paying import Cashier
from engine.money.paying.asking import ask_now
from engine.money.paying.refund_asking import ask_refund
from engine.money.paying.refund_rows import refund_by_id
from engine.money.settling.matching import Finding, find_all, hold_office
from engine.money.settling.nouns import OPEN, SettlementFile, SettlementLine
from engine.money.settling.posting import post_found
from engine.money.settling.tables import Match, SettlementFileRow, SettlementLineRow
from engine.people.plain_text import reason_of
from engine.scope import PLATFORM, Scope
from engine.store import audit, uow
from engine.store.paging import newest_first
from engine.store.scoped import covering

__all__ = ["chase_settlements", "close_line", "file_by_id", "files_of", "line_of_settlement", "lines_of_file", "look_again", "open_lines"]

_AT_ONCE, _MOST = 40, 500
_AGAIN = timedelta(hours=6)
_SYSTEM = "system:settlement"


async def files_of(
    scope: Scope, office_id: UUID, *, before: datetime | None = None, behind: UUID | None = None, most: int = 50
) -> Sequence[SettlementFile]:
    """The files of an office that were imported, the newest first; those imported before that moment, where one is given, and of that
    moment those behind the file of the id `behind`."""
    query = covering(scope, SettlementFileRow.select().where(SettlementFileRow.office == office_id), SettlementFileRow)
    query = newest_first(query, SettlementFileRow.imported_at, SettlementFileRow.id, before=before, behind=behind)
    return [SettlementFile.of(row) for row in await query.limit(min(max(most, 1), _MOST))]


async def file_by_id(scope: Scope, office_id: UUID, id: UUID) -> SettlementFile:
    """One file of an office, however old. Raises NotFound for one of another office, one that the scope does not cover, and none."""
    mine = (SettlementFileRow.id == id, SettlementFileRow.office == office_id)
    row = await covering(scope, SettlementFileRow.select().where(*mine), SettlementFileRow).first()
    if row is None:
        raise NotFound("There is no such settlement file.", code="settlement_file")
    return SettlementFile.of(row)


async def lines_of_file(
    scope: Scope, file_id: UUID, *, match: Match | None = None, after: str = "", most: int = 100
) -> Sequence[SettlementLine]:
    """The lines that a file brought, by their keys, those after `after` first."""
    query = covering(scope, SettlementLineRow.select().where(SettlementLineRow.file == file_id), SettlementLineRow)
    if match is not None:
        query = query.where(SettlementLineRow.match == str(match))
    if after:
        query = query.where(SettlementLineRow.line_key > after)
    return [SettlementLine.of(row) for row in await query.order_by(SettlementLineRow.line_key).limit(min(most, _MOST))]


async def open_lines(scope: Scope, office_id: UUID, *, most: int = 100) -> Sequence[SettlementLine]:
    """The lines of an office that a person must still explain, the oldest first."""
    query = covering(scope, SettlementLineRow.select().where(SettlementLineRow.office == office_id, *_is_open(OPEN)), SettlementLineRow)
    rows = await query.order_by(SettlementLineRow.settled_on).order_by(SettlementLineRow.line_key).limit(min(most, _MOST))
    return [SettlementLine.of(row) for row in rows]


async def line_of_settlement(scope: Scope, line_id: UUID) -> SettlementLine:
    """One line. Raises NotFound for one that the scope does not cover."""
    row = await covering(scope, SettlementLineRow.select().where(SettlementLineRow.id == line_id), SettlementLineRow).first()
    if row is None:
        raise NotFound("There is no such line of a settlement file.", code="settlement_line")
    return SettlementLine.of(row)


async def look_again(scope: Scope, line_id: UUID, *, cashier: Cashier, actor: str, at: datetime) -> SettlementLine:
    """Asks the gateway about an open line, and matches it anew with what is known then. Raises NotFound."""
    line = await line_of_settlement(scope, line_id)
    if not line.open:
        return line
    if line.attempt_id is not None and line.match is Match.NOT_PAID_HERE:
        await ask_now(await attempt_by_id(PLATFORM, line.attempt_id), cashier=cashier, at=at)
    elif line.refund_id is not None and line.match is Match.NOT_PAID_HERE:
        await ask_refund(await refund_by_id(PLATFORM, line.refund_id), cashier=cashier, at=at)
    async with uow():
        await hold_office(line.office_id)
        line = await line_of_settlement(PLATFORM, line_id)
        if line.open:
            [finding] = await find_all(line.office_id, line.gateway, [_as_settled(line)])
            line = await _keep(line, finding, actor, at)
    return line


async def chase_settlements(cashier: Cashier, at: datetime) -> int:
    """The round of payments and refunds that a file has and that are not done here: each is asked about at once, and then four times a
    day, until it is known or a person closed the line. Gives how many were."""
    query = SettlementLineRow.select(SettlementLineRow.id).where(*_is_open([Match.NOT_PAID_HERE]))
    rows = await query.where(SettlementLineRow.ask_due_at <= at).order_by(SettlementLineRow.ask_due_at).limit(_AT_ONCE)
    for row in rows:
        await look_again(PLATFORM, row["id"], cashier=cashier, actor=_SYSTEM, at=at)
    return len(rows)


async def close_line(scope: Scope, line_id: UUID, *, reason: str, actor: str, at: datetime) -> SettlementLine:
    """Closes an open line because a person knows what it is; its amount stays in suspense until an adjustment says where it belongs.

    Raises NotFound, Refused without a reason, Conflict for a line that is not open any more.
    """
    why = reason_of(reason, most=300)
    line = await line_of_settlement(scope, line_id)
    async with uow():
        told: dict[Any, Any] = {SettlementLineRow.closed_by: actor, SettlementLineRow.because: why, SettlementLineRow.changed_at: at}
        told[SettlementLineRow.ask_due_at] = None
        mine = (SettlementLineRow.id == line.id, *_is_open(OPEN))
        rows = await SettlementLineRow.update(told).where(*mine).returning(*SettlementLineRow.all_columns())
        if not rows:
            raise Conflict("This line is not open any more. Load it again.", code="settlement_line")
        await _note("settlement_line_closed", line, actor, at)
    return SettlementLine.of(rows[0])


async def _keep(line: SettlementLine, finding: Finding, actor: str, at: datetime) -> SettlementLine:
    """What was found for an open line now, and the journal of one that is explained by it."""
    told = {
        SettlementLineRow.match: str(finding.match),
        SettlementLineRow.attempt: finding.attempt_id,
        SettlementLineRow.refund: finding.refund_id,
        SettlementLineRow.matched_key: finding.key(line.id),
        SettlementLineRow.changed_at: at,
        SettlementLineRow.ask_due_at: at + _AGAIN if finding.match is Match.NOT_PAID_HERE else None,
    }
    rows = await SettlementLineRow.update(told).where(SettlementLineRow.id == line.id).returning(*SettlementLineRow.all_columns())
    if finding.match in (Match.MATCHED, Match.REFUND_MATCHED):
        await post_found(line, actor=actor, at=at)
        await _note("settlement_line_matched", line, actor, at)
    return SettlementLine.of(rows[0])


async def _note(act: str, line: SettlementLine, actor: str, at: datetime) -> None:
    detail = {"gateway": line.gateway, "match": str(line.match), "gross_paise": line.gross_paise}
    await audit(act, room="money", subject=str(line.id), actor=actor, at=at, agency=line.agency_id, office=line.office_id, detail=detail)


def _is_open(matches: Sequence[Match]) -> tuple[Any, ...]:
    return SettlementLineRow.match.is_in([str(match) for match in matches]), SettlementLineRow.closed_by == ""


def _as_settled(line: SettlementLine) -> SettledLine:
    return SettledLine(
        key=line.line_key,
        kind=line.kind,
        reference=line.reference,
        gateway_txn_id=line.gateway_txn_id,
        gross_paise=line.gross_paise,
        fee_paise=line.fee_paise,
        tax_paise=line.tax_paise,
        net_paise=line.net_paise,
        utr=line.utr,
        settled_on=line.settled_on,
    )
