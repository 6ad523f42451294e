"""The wallets that there are: of an office, or of a firm."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.money.ledger.tables import AccountRow, Role
from engine.scope import Scope
from engine.store.scoped import covering

__all__ = ["Wallet", "wallets_of"]

_MOST = 200


@dataclass(frozen=True, slots=True)
class Wallet:
    """A firm's wallet at an office, with what it holds in paise; `frozen_because` is empty unless it is frozen."""

    agency_id: UUID
    office_id: UUID
    office: str
    exporter_id: UUID
    exporter: str
    iec: str
    posted_paise: int
    held_paise: int
    frozen_at: datetime | None
    frozen_because: str

    @property
    def available_paise(self) -> int:
        """What can be spent."""
        return self.posted_paise - self.held_paise


async def wallets_of(
    scope: Scope, *, office_id: UUID | None = None, exporter_id: UUID | None = None, after: str = "", most: int = 50
) -> Sequence[Wallet]:
    """Wallets that were ever used, by their firm's IEC, those behind the IEC `after`; of one office or one firm, where one is named."""
    query = AccountRow.select(
        *(AccountRow.agency, AccountRow.office, AccountRow.exporter, AccountRow.frozen_at, AccountRow.frozen_because),
        *(AccountRow.credits_posted, AccountRow.debits_posted, AccountRow.debits_pending),
        AccountRow.office.name.as_alias("office_name"),
        AccountRow.exporter.name.as_alias("exporter_name"),
        AccountRow.exporter.iec.as_alias("iec"),
    ).where(AccountRow.role == str(Role.WALLET))
    if office_id is not None:
        query = query.where(AccountRow.office == office_id)
    if exporter_id is not None:
        query = query.where(AccountRow.exporter == exporter_id)
    if after:
        query = query.where(AccountRow.exporter.iec > after)
    query = covering(scope, query, AccountRow).order_by(AccountRow.exporter.iec).order_by(AccountRow.office)
    return [
        Wallet(
            agency_id=row["agency"],
            office_id=row["office"],
            office=row["office_name"],
            exporter_id=row["exporter"],
            exporter=row["exporter_name"],
            iec=row["iec"],
            posted_paise=row["credits_posted"] - row["debits_posted"],
            held_paise=row["debits_pending"],
            frozen_at=row["frozen_at"],
            frozen_because=row["frozen_because"],
        )
        for row in await query.limit(min(max(most, 1), _MOST))
    ]
