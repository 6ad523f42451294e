"""Importing a settlement file: read whole or not at all, each file and each line once, posted with what was found for it.

Promises that the same bytes again change nothing, that a line is counted once in whichever file it stands, and that a file which says
something else of a line that is known is refused. Imports of one office come one after the other.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from engine.contracts.paying import SettledLine, SettlementKind, Settles
from engine.errors import EngineError, NotFound, PluginError, Problem, Refused
from engine.money.gateways import Parameters, in_use, parameters_of
from engine.money.ledger import Book
from engine.money.orders.inbox import bounded
from engine.money.paying import Cashier
from engine.money.settling.matching import Finding, chunks, find_all, hold_office
from engine.money.settling.posting import post_file
from engine.money.settling.tables import Match, SettlementFileRow, SettlementLineRow
from engine.people.offices.keeping import office_by_id
from engine.scope import Scope
from engine.store import FileStore, audit, uow
from engine.store.files import remember

__all__ = ["MOST_BYTES", "MOST_LINES", "Imported", "import_settlement"]

MOST_BYTES = 20 * 1024 * 1024
MOST_LINES = 20_000
_MOST_PAISE = 10**13
_MOST_PROBLEMS = 20
_FIGURES = ("kind", "reference", "gateway_txn_id", "gross_paise", "fee_paise", "tax_paise", "net_paise", "utr", "settled_on")


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought. `known` says that these very bytes were imported before; `repeated` counts lines that other files had."""

    file_id: UUID
    lines: int
    known: bool = False
    repeated: int = 0
    found: Mapping[Match, int] | None = None


async def import_settlement(
    scope: Scope,
    office_id: UUID,
    name: str,
    data: bytes,
    *,
    gateway: str | None = None,
    cashier: Cashier,
    files: FileStore,
    actor: str,
    at: datetime,
) -> Imported:
    """Imports a file of an office's gateway, the one in use unless another is named, and posts what it says.

    Raises NotFound for an office that the scope does not cover; Refused for a gateway that reads no files, for a file that is
    too large, empty or not whole, and for one that differs from what was imported before, naming the lines.
    """
    office = await office_by_id(scope, office_id)
    if not data or len(data) > MOST_BYTES:
        raise Refused(f"Choose a file of 1 byte to {MOST_BYTES // 1024 // 1024} MB.", box="file", rule="size of a file")
    parameters = await _parameters(scope, office_id, gateway)
    reader = cashier.registry.gateways.get(parameters.gateway)
    if not isinstance(reader, Settles):
        say = f"The payment gateway {parameters.gateway} reads no settlement files here."
        raise Refused(say, box="gateway", rule="gateway reads settlement files")
    sha256 = hashlib.sha256(data).hexdigest()
    if (known := await _known(office_id, parameters.gateway, sha256)) is not None:
        return known
    lines = await _read(reader, parameters, cashier, bounded(name, 120), data)
    await files.put(data)
    async with uow():
        await hold_office(office_id)
        if (known := await _known(office_id, parameters.gateway, sha256)) is not None:
            return known
        new = await _new_ones(office_id, parameters.gateway, lines)
        row = _file(office.agency_id, office_id, parameters, bounded(name, 120), sha256, lines, actor, at)
        await SettlementFileRow.insert(row)
        await remember(sha256, len(data), room="money", row=str(row.id), purpose="settlement", media_type="application/octet-stream", at=at)
        found = await find_all(office_id, parameters.gateway, new)
        pairs = list(zip(new, found, strict=True))
        for some in chunks(pairs, 200):
            await SettlementLineRow.insert(*[_line(row, line, finding, at) for line, finding in some])
        book, file_id = Book(office.agency_id, office_id), UUID(str(row.id))
        await post_file(book, parameters.gateway, file_id, pairs, subject=f"settlement {sha256[:12]}", actor=actor, at=at)
        counts = Counter(finding.match for finding in found)
        await audit(
            "settlement_imported",
            room="money",
            subject=str(row.id),
            actor=actor,
            at=at,
            agency=office.agency_id,
            office=office_id,
            after=sha256,
            detail={"gateway": parameters.gateway, "lines": len(lines), **{str(match): count for match, count in counts.items()}},
        )
    return Imported(file_id, len(lines), repeated=len(lines) - len(new), found=counts)


async def _parameters(scope: Scope, office_id: UUID, gateway: str | None) -> Parameters:
    """The parameters by which a file is read: those in use, or the newest of the gateway that is named."""
    live = await in_use(scope, office_id)
    if gateway is None or (live is not None and live.gateway == gateway):
        found = live
    else:
        found = next((each for each in await parameters_of(scope, office_id) if each.gateway == gateway), None)
    if found is None:
        raise NotFound("The office has no such payment gateway.", code="payment_parameters", box="gateway", rule="gateway of the office")
    return found


async def _known(office_id: UUID, gateway: str, sha256: str) -> Imported | None:
    mine = (SettlementFileRow.office == office_id, SettlementFileRow.gateway == gateway, SettlementFileRow.sha256 == sha256)
    row = await SettlementFileRow.select().where(*mine).first()
    return Imported(row["id"], row["lines"], known=True) if row else None


async def _read(reader: Settles, parameters: Parameters, cashier: Cashier, name: str, data: bytes) -> list[SettledLine]:
    """The lines as the gateway's plugin reads them, judged. Raises Refused for a file that is not whole, PluginError for a plugin."""
    context = cashier.context(parameters)
    try:
        lines = await asyncio.to_thread(lambda: list(reader.read_settlement(context, name, data)))
    except EngineError:
        raise
    except Exception as error:  # bytes from outside went in: what broke may carry them
        raise PluginError(f"The payment gateway {parameters.gateway} broke in read_settlement: {type(error).__name__}.") from None
    if not 1 <= len(lines) <= MOST_LINES:
        raise Refused(f"The file has {len(lines)} lines; 1 to {MOST_LINES} are read.", box="file", rule="lines of a file")
    problems = [
        Problem("file", "line of a file", f"Line {number} of the file {fault}.")
        for number, line in enumerate(lines, 1)
        if (fault := _fault(line))
    ]
    if problems:
        raise Refused.because(problems[:_MOST_PROBLEMS])
    return lines


def _fault(line: SettledLine) -> str:
    """What is wrong with a line by itself."""
    texts = ((line.key, 120), (line.reference, 60), (line.gateway_txn_id, 120), (line.utr, 60))
    if any(not isinstance(text, str) or len(text) > most or text != bounded(text, most) for text, most in texts) or not line.key:
        return "holds a reference that is empty, too long, or hides characters"
    paise = (line.gross_paise, line.fee_paise, line.tax_paise, line.net_paise)
    if any(type(each) is not int or abs(each) > _MOST_PAISE for each in paise) or min(paise[:3]) < 0:
        return "holds an amount that is none"
    if line.net_paise != line.gross_paise - line.fee_paise - line.tax_paise:
        return "does not add up: net is gross less fee and tax"
    if not isinstance(line.kind, SettlementKind) or type(line.settled_on) is not date:
        return "says neither what it is about nor when it was settled"
    return ""


async def _new_ones(office_id: UUID, gateway: str, lines: Sequence[SettledLine]) -> list[SettledLine]:
    """The lines that no file had, each once. Raises Refused if a line says something else than the one of its key that is known."""
    known: dict[str, tuple[Any, ...]] = {}
    mine = (SettlementLineRow.office == office_id, SettlementLineRow.gateway == gateway)
    for some in chunks(sorted({line.key for line in lines})):
        for row in await SettlementLineRow.select().where(*mine, SettlementLineRow.line_key.is_in(list(some))):
            known[row["line_key"]] = tuple(row[name] for name in _FIGURES)
    new, problems = [], []
    for number, line in enumerate(lines, 1):
        figures = tuple(str(line.kind) if name == "kind" else getattr(line, name) for name in _FIGURES)
        if line.key not in known:
            new.append(line)
            known[line.key] = figures
        elif known[line.key] != figures:
            say = f"Line {number} of the file says something else than the line {line.key[:60]} that is known already."
            problems.append(Problem("file", "line as it was", f"{say} Ask the gateway which of them is right."))
    if problems:
        raise Refused.because(problems[:_MOST_PROBLEMS])
    return new


def _file(
    agency_id: UUID, office_id: UUID, parameters: Parameters, name: str, sha256: str, lines: Sequence[SettledLine], actor: str, at: datetime
) -> SettlementFileRow:
    signs = [(1 if line.kind is SettlementKind.PAYMENT else -1, line) for line in lines]
    return SettlementFileRow(
        agency=agency_id,
        office=office_id,
        gateway=parameters.gateway,
        parameters=parameters.id,
        name=name,
        sha256=sha256,
        lines=len(lines),
        gross_paise=sum(sign * line.gross_paise for sign, line in signs),
        fee_paise=sum(sign * line.fee_paise for sign, line in signs),
        tax_paise=sum(sign * line.tax_paise for sign, line in signs),
        net_paise=sum(sign * line.net_paise for sign, line in signs),
        imported_by=actor,
        imported_at=at,
    )


def _line(file: SettlementFileRow, line: SettledLine, finding: Finding, at: datetime) -> SettlementLineRow:
    row = SettlementLineRow(
        file=file.id,
        agency=file.agency,
        office=file.office,
        gateway=file.gateway,
        line_key=line.key,
        kind=str(line.kind),
        reference=line.reference,
        gateway_txn_id=line.gateway_txn_id,
        gross_paise=line.gross_paise,
        fee_paise=line.fee_paise,
        tax_paise=line.tax_paise,
        net_paise=line.net_paise,
        utr=line.utr,
        settled_on=line.settled_on,
        match=str(finding.match),
        attempt=finding.attempt_id,
        refund=finding.refund_id,
        changed_at=at,
        ask_due_at=at if finding.match is Match.NOT_PAID_HERE else None,
    )
    row.matched_key = finding.key(UUID(str(row.id)))
    return row
