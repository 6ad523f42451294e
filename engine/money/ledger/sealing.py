"""The chain over the journals and their lines, sealed seconds behind the transactions that wrote them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from engine.money.ledger.tables import JournalRow, JournalSeal, JournalUnsealed, TransferRow
from engine.store.sealing import Chain

__all__ = ["JOURNALS", "journal_breaks", "seal_journals"]

_OF_JOURNAL = (
    "agency", "office", "exporter", "kind", "subject", "key", "request_sha256", "reason", "actor", "reverses", "occurred_at", "recorded_at",
)  # fmt: skip
_OF_LINE = (
    "id", "agency", "office", "line", "debit", "credit", "amount_paise", "phase", "resolves",
    "debit_seq", "credit_seq", "debit_after", "credit_after", "debit_held_after", "credit_held_after",
)  # fmt: skip


async def _content(ids: Sequence[UUID]) -> dict[UUID, list[object]]:
    """What a link covers of each journal: the journal, then each of its lines in order."""
    if not ids:
        return {}
    wanted = list(ids)
    content: dict[UUID, list[object]] = {
        row["id"]: [row[name] for name in _OF_JOURNAL] for row in await JournalRow.select().where(JournalRow.id.is_in(wanted))
    }
    lines = await TransferRow.select().where(TransferRow.journal.is_in(list(content))).order_by(TransferRow.line) if content else []
    for line in lines:
        content[line["journal"]].append([line[name] for name in _OF_LINE])
    return content


JOURNALS = Chain("ledger", "journal", JournalRow, JournalUnsealed, JournalSeal, _content)


async def seal_journals(at: datetime, *, most: int = 1000) -> int:
    """Chains journals that are not yet sealed and tells how many; none while another process does."""
    return await JOURNALS.seal(at, most=most)


async def journal_breaks() -> list[str]:
    """Where the chain does not hold, from the first journal on; empty if it is whole."""
    return await JOURNALS.breaks()
