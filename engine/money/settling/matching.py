"""What a line of a settlement file is about: a payment or a refund of ours, found by the gateway's reference and by our own.

Where both references are known and name two different things, the line is about neither: a person looks at it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from engine.contracts.paying import SettledLine, SettlementKind
from engine.money.orders.tables import AttemptRow, AttemptState, RefundRow, RefundState, RefundTo
from engine.money.settling.tables import Match, SettlementLineRow
from engine.people.tables import Office

__all__ = ["Finding", "chunks", "find_all", "hold_office"]

_AT_ONCE = 300
_One = TypeVar("_One")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found for a line."""

    match: Match
    attempt_id: UUID | None = None
    refund_id: UUID | None = None

    def key(self, line_id: UUID) -> str:
        """What the row's `matched_key` is: what it settles, or the row's own id."""
        own = {Match.MATCHED: self.attempt_id, Match.REFUND_MATCHED: self.refund_id}.get(self.match, line_id)
        return str(own)


async def find_all(office_id: UUID, gateway: str, lines: Sequence[SettledLine]) -> list[Finding]:
    """What is found for each line, in their order; the caller keeps other imports of the office away meanwhile."""
    payments = [line for line in lines if line.kind is SettlementKind.PAYMENT]
    refunds = [line for line in lines if line.kind is SettlementKind.REFUND]
    attempts = await _attempts(office_id, gateway, payments)
    given_back = await _refunds(office_id, gateway, refunds)
    ids = [row["id"] for row in (*attempts, *given_back)]
    settled = await _settled(office_id, ids)
    found = []
    for line in lines:
        if line.kind is SettlementKind.PAYMENT:
            finding = _payment(line, _about(line, attempts, "gateway_txn_id"), settled)
        else:
            finding = _refund(line, _about(line, given_back, "gateway_refund_id"), settled)
        if finding.match in (Match.MATCHED, Match.REFUND_MATCHED):
            settled.add(finding.key(office_id))
        found.append(finding)
    return found


async def hold_office(office_id: UUID) -> None:
    """Keeps the office's row until the unit of work ends, so that what settles its payments comes one after the other."""
    await Office.update({Office.code: Office.code}, force=True).where(Office.id == office_id)


def chunks(things: Sequence[_One], size: int = _AT_ONCE) -> Iterator[Sequence[_One]]:
    """The things, some hundreds at a time."""
    for start in range(0, len(things), size):
        yield things[start : start + size]


def _payment(line: SettledLine, row: Mapping[str, Any] | None, settled: set[str]) -> Finding:
    if row is None:
        return Finding(Match.MISSING_HERE)
    if row["state"] != AttemptState.SUCCEEDED:
        return Finding(Match.NOT_PAID_HERE, attempt_id=row["id"])
    if str(row["id"]) in settled:
        return Finding(Match.DUPLICATE, attempt_id=row["id"])
    same = line.gross_paise == row["amount_paise"]
    return Finding(Match.MATCHED if same else Match.AMOUNT_DIFFERS, attempt_id=row["id"])


def _refund(line: SettledLine, row: Mapping[str, Any] | None, settled: set[str]) -> Finding:
    if row is None:
        return Finding(Match.MISSING_HERE)
    if row["state"] != RefundState.DONE or row["back_to"] != RefundTo.SOURCE:
        return Finding(Match.NOT_PAID_HERE, refund_id=row["id"])
    if str(row["id"]) in settled:
        return Finding(Match.DUPLICATE, refund_id=row["id"])
    same = line.gross_paise == row["amount_paise"]
    return Finding(Match.REFUND_MATCHED if same else Match.AMOUNT_DIFFERS, refund_id=row["id"])


def _about(line: SettledLine, rows: Sequence[Mapping[str, Any]], theirs: str) -> Mapping[str, Any] | None:
    """The one row that the line's references name."""
    named = {row["id"]: row for row in rows if _names(line, row, theirs)}
    return next(iter(named.values())) if len(named) == 1 else None


def _names(line: SettledLine, row: Mapping[str, Any], theirs: str) -> bool:
    return bool((line.gateway_txn_id and row[theirs] == line.gateway_txn_id) or (line.reference and row["reference"] == line.reference))


async def _attempts(office_id: UUID, gateway: str, lines: Sequence[SettledLine]) -> list[dict[str, Any]]:
    mine = (AttemptRow.office == office_id, AttemptRow.gateway == gateway)
    columns = (AttemptRow.id, AttemptRow.reference, AttemptRow.gateway_txn_id, AttemptRow.state, AttemptRow.amount_paise)
    return await _by_references(AttemptRow, columns, mine, AttemptRow.gateway_txn_id, lines)


async def _refunds(office_id: UUID, gateway: str, lines: Sequence[SettledLine]) -> list[dict[str, Any]]:
    mine = (RefundRow.office == office_id, RefundRow.attempt.gateway == gateway)
    columns = (
        RefundRow.id, RefundRow.reference, RefundRow.gateway_refund_id, RefundRow.state, RefundRow.back_to, RefundRow.amount_paise,
    )  # fmt: skip
    return await _by_references(RefundRow, columns, mine, RefundRow.gateway_refund_id, lines)


async def _by_references(
    table: Any, columns: Sequence[Any], mine: Sequence[Any], theirs: Any, lines: Sequence[SettledLine]
) -> list[dict[str, Any]]:
    found: dict[UUID, dict[str, Any]] = {}
    for column, names in ((table.reference, _set(line.reference for line in lines)), (theirs, _set(line.gateway_txn_id for line in lines))):
        for some in chunks(names):
            for row in await table.select(*columns).where(*mine, column.is_in(list(some))):
                found[row["id"]] = row
    return list(found.values())


def _set(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name})


async def _settled(office_id: UUID, ids: Sequence[UUID]) -> set[str]:
    """Those that a line settled already."""
    found: set[str] = set()
    for some in chunks([str(id) for id in ids]):
        query = SettlementLineRow.select(SettlementLineRow.matched_key).where(
            SettlementLineRow.office == office_id, SettlementLineRow.matched_key.is_in(list(some))
        )
        found |= {row["matched_key"] for row in await query}
    return found
