"""The wallets that there are, of an office or of a firm, and the offices at which one may be opened."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.money.ledger.tables import AccountRow, Role
from engine.people.tables import Office
from engine.scope import Scope
from engine.store.scoped import covering

__all__ = ["Wallet", "WalletOffice", "wallet_offices", "wallets_at", "wallets_of"]

_MOST = 200


@dataclass(frozen=True, slots=True)
class Wallet:
    """A firm's wallet at an office, with what it holds in paise; `frozen_because` is empty unless it is frozen. `on` tells whether the
    office keeps e-wallets now."""

    agency_id: UUID
    agency: str
    office_id: UUID
    office: str
    on: bool
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


@dataclass(frozen=True, slots=True)
class WalletOffice:
    """An office at which a firm may open a wallet."""

    id: UUID
    name: str
    city: str
    agency: str


async def wallet_offices(scope: Scope) -> Sequence[WalletOffice]:
    """The offices of the scope that keep e-wallets now and are not switched off, by agency and code."""
    columns = (Office.id, Office.name, Office.city, Office.agency.name.as_alias("agency_name"))
    query = Office.select(*columns).where(Office.wallet.eq(True), Office.active.eq(True))
    rows = await covering(scope, query, Office, office="id").order_by(Office.agency.code).order_by(Office.code)
    return [WalletOffice(row["id"], row["name"], row["city"], row["agency_name"]) for row in rows]


async def wallets_of(
    scope: Scope,
    *,
    office_id: UUID | None = None,
    exporter_id: UUID | None = None,
    after: str = "",
    behind: UUID | None = None,
    most: int = 50,
) -> Sequence[Wallet]:
    """Wallets that were ever used, by their firm's IEC and then by office; of one office or one firm, where one is named.

    Those behind the IEC `after`, where it is given, and with the office `behind` also those of that very firm behind that office.
    """
    query = AccountRow.select(
        *(AccountRow.agency, AccountRow.office, AccountRow.exporter, AccountRow.frozen_at, AccountRow.frozen_because),
        *(AccountRow.credits_posted, AccountRow.debits_posted, AccountRow.debits_pending),
        AccountRow.office.name.as_alias("office_name"),
        AccountRow.office.wallet.as_alias("office_wallet"),
        AccountRow.agency.name.as_alias("agency_name"),
        AccountRow.exporter.name.as_alias("exporter_name"),
        AccountRow.exporter.iec.as_alias("iec"),
    ).where(AccountRow.role == str(Role.WALLET))
    if office_id is not None:
        query = query.where(AccountRow.office == office_id)
    if exporter_id is not None:
        query = query.where(AccountRow.exporter == exporter_id)
    if after:
        iec = AccountRow.exporter.iec
        query = query.where(iec > after if behind is None else (iec > after) | ((iec == after) & (AccountRow.office > behind)))
    query = covering(scope, query, AccountRow).order_by(AccountRow.exporter.iec).order_by(AccountRow.office)
    return [
        Wallet(
            agency_id=row["agency"],
            agency=row["agency_name"],
            office_id=row["office"],
            office=row["office_name"],
            on=bool(row["office_wallet"]),
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


async def wallets_at(scope: Scope, office_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """Office and firm of every wallet at one of those offices."""
    if not office_ids:
        return set()
    mine = (AccountRow.role == str(Role.WALLET), AccountRow.office.is_in(list(office_ids)))
    rows = await covering(scope, AccountRow.select(AccountRow.office, AccountRow.exporter).where(*mine), AccountRow)
    return {(row["office"], row["exporter"]) for row in rows}
