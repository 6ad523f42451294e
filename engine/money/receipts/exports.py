"""What accountants take away: the receipts of an office for a period, and the lines of its journals, as tables."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from engine.clock import IST, ist_day
from engine.errors import Refused
from engine.money.fees.breakup import percent
from engine.money.ledger.tables import AccountRow, JournalRow, TransferRow
from engine.money.receipts.cells import Cell, Sheet, rupees_of
from engine.money.receipts.content import ReceiptContent
from engine.money.receipts.reading import told
from engine.money.receipts.tables import ReceiptRow
from engine.people.tables import Exporter
from engine.scope import Scope
from engine.store import reading
from engine.store.scoped import covering

__all__ = ["LONGEST", "MOST_ROWS", "journal_sheet", "receipt_sheet"]

LONGEST = timedelta(days=366)
MOST_ROWS = 100_000
_RECEIPT_HEADS = (
    "Number", "Date", "Document", "Takes back", "Firm", "IEC", "Firm's GSTIN", "Office's GSTIN", "Place of supply", "Particulars",
    "Application", "SAC", "GST rate", "Taxable value", "CGST", "SGST or UTGST", "IGST", "Amount", "Order", "Paid through",
    "Our payment reference", "Gateway's reference", "Refund",
)  # fmt: skip
_JOURNAL_HEADS = (
    "Date and time (IST)", "Journal", "Line", "Kind", "Phase", "Subject", "Reason", "Debit", "Credit", "Amount", "IEC", "Takes back",
)  # fmt: skip


async def receipt_sheet(scope: Scope, office_id: UUID, *, since: date, until: date) -> Sheet:
    """The receipts and vouchers of an office that were made from one day in India to another, each of their lines a row, by their numbers.

    Amounts are positive whatever the document: a credit note or refund voucher takes them back. Raises Refused for a period that is
    too long or holds too much.
    """
    begin, end = _period(since, until)
    query = ReceiptRow.select().where(ReceiptRow.office == office_id, ReceiptRow.made_at >= begin, ReceiptRow.made_at < end)
    rows = await covering(scope, query, ReceiptRow).order_by(ReceiptRow.prefix).order_by(ReceiptRow.serial).limit(MOST_ROWS + 1)
    _require_few(len(rows))
    return Sheet("Receipts", _RECEIPT_HEADS, (row for receipt in rows for row in _receipt_rows(told(receipt).content)))


async def journal_sheet(scope: Scope, office_id: UUID, *, since: date, until: date) -> Sheet:
    """The lines of an office's journals that were recorded from one day in India to another, in the order of recording.

    Raises Refused as `receipt_sheet` does.
    """
    begin, end = _period(since, until)
    async with reading():
        query = TransferRow.select(
            *TransferRow.all_columns(),
            *(getattr(TransferRow.journal, name).as_alias(f"journal_{name}") for name in _OF_JOURNAL),
        ).where(TransferRow.office == office_id, TransferRow.journal.recorded_at >= begin, TransferRow.journal.recorded_at < end)
        ordered = covering(scope, query, TransferRow).order_by(TransferRow.journal.recorded_at).order_by(TransferRow.journal)
        rows = await ordered.order_by(TransferRow.line).limit(MOST_ROWS + 1)
        _require_few(len(rows))
        names = await _accounts(scope, office_id)
        whose = {row["journal_exporter"] for row in rows if row["journal_exporter"]}
        known = await Exporter.select(Exporter.id, Exporter.iec).where(Exporter.id.is_in(list(whose))) if whose else []
        firms = {row["id"]: row["iec"] for row in known}
        query_back = JournalRow.select(JournalRow.id, JournalRow.subject).where(JournalRow.office == office_id)
        backs = {row["journal_reverses"] for row in rows if row["journal_reverses"]}
        taken = {row["id"]: row["subject"] for row in await query_back.where(JournalRow.id.is_in(list(backs)))} if backs else {}
    return Sheet("Journals", _JOURNAL_HEADS, (_journal_row(row, names, firms, taken) for row in rows))


_OF_JOURNAL = ("kind", "subject", "reason", "exporter", "reverses", "recorded_at")


def _period(since: date, until: date) -> tuple[datetime, datetime]:
    """The moments at which the first day begins and the last one is over, in India."""
    if not since <= until <= since + LONGEST:
        raise Refused("Choose a first day and a last day that are at most a year apart.", box="until", rule="period")
    begin, end = (datetime.combine(day, time(), IST).astimezone(UTC) for day in (since, until + timedelta(days=1)))
    return begin, end


def _require_few(rows: int) -> None:
    if rows > MOST_ROWS:
        raise Refused(f"The period holds more than {MOST_ROWS} rows; choose a shorter one.", box="until", rule="period")


def _receipt_rows(content: ReceiptContent) -> Iterator[Sequence[Cell]]:
    parties, known = content.parties, dict(content.references)
    for line in content.lines:
        yield (
            content.number,
            date.fromisoformat(content.dated_on),
            content.title,
            content.corrects[0],
            parties.firm,
            parties.iec,
            parties.firm_gstin,
            parties.gstin,
            content.place_of_supply,
            line.words,
            line.application,
            line.sac,
            percent(line.gst_rate_bp),
            *(rupees_of(paise) for paise in (line.base_paise, line.cgst_paise, line.sgst_paise, line.igst_paise, line.total_paise)),
            *(known.get(label, "") for label in ("Order", "Paid through", "Our payment reference", "Gateway's reference", "Refund")),
        )


async def _accounts(scope: Scope, office_id: UUID) -> dict[UUID, str]:
    """What each account of the office is called: its role, and of what."""
    query = covering(scope, AccountRow.select().where(AccountRow.office == office_id), AccountRow)
    return {row["id"]: row["role"] if row["exporter"] else f"{row['role']} {row['detail']}".strip() for row in await query}


def _journal_row(row: Mapping[str, Any], names: Mapping[UUID, str], firms: Mapping[UUID, str], taken: Mapping[UUID, str]) -> Sequence[Cell]:
    moment = row["journal_recorded_at"].astimezone(IST)
    return (
        f"{ist_day(moment).isoformat()} {moment:%H:%M:%S}",
        str(row["journal"]),
        row["line"],
        row["journal_kind"],
        row["phase"],
        row["journal_subject"],
        row["journal_reason"],
        names.get(row["debit"], ""),
        names.get(row["credit"], ""),
        rupees_of(row["amount_paise"]),
        firms.get(row["journal_exporter"], ""),
        taken.get(row["journal_reverses"], ""),
    )
