"""Rows with all their parents, for tests of what ties one row to another: whole gardens of them, of one firm at one office each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from engine.filing.tables import ApplicationRow
from engine.issuing.tables import ApprovalRow
from engine.money.fees.tables import FeeRow
from engine.money.gateways.tables import OverrideRow, ParametersRow
from engine.money.ledger.tables import AccountRow, JournalRow, TransferRow
from engine.money.orders.tables import AttemptRow, InboxRow, OrderLineRow, OrderRow, RefundRow
from engine.money.receipts.tables import ReceiptRow
from engine.money.settling.tables import SettlementFileRow
from engine.money.terms.tables import TermsRow
from engine.people.changes.tables import ChangeRow
from engine.people.dsc.tables import Enrolment
from engine.people.tables import Account, Agency, Exporter, Office, Officer
from engine.proof.tables import CertificateRow, SeriesRow
from tests.schema.plain import row_of

__all__ = ["Garden", "Ground", "new_agency", "new_exporter", "new_office", "plant"]

_AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
_ENDED = {"ended_at": _AT}
_BY_AGENCY = {"issuer_kind": "agency"}
_NUMBERS = count(10)

# What a planted row says beside its parents. A number is one that no other row has.
_SAID: Mapping[str, Callable[[int], Mapping[str, Any]]] = {
    "application": lambda _: _BY_AGENCY | {"reference": uuid4().hex[:20], "kind": "new"},
    "series": lambda _: _BY_AGENCY,
    "approval": lambda _: _BY_AGENCY | {"kind": "auto"},
    "certificate": lambda _: _BY_AGENCY | {"state": "numbered"},
    "payment_parameters": lambda number: {"version": number},
    "office_terms": lambda _: _ENDED,
    "ledger_account": lambda number: {"exporter": None, "detail": str(number)},
    "ledger_transfer": lambda number: {"line": number, "debit_seq": number, "credit_seq": number},
    "ledger_seal": lambda number: {"seq": number},
    "payment_order_line": lambda _: {"line": 2},
    "payment_move": lambda number: {"step": number},
    "receipt": lambda number: {"number": f"MU/{number}", "serial": number},
    "receipt_counter": lambda number: {"prefix": str(number)},
    "settlement_file": lambda number: {"sha256": str(number)},
    "cover": lambda _: {"kind": "hold"},
}


@dataclass(frozen=True)
class Ground:
    """Where a garden is: whose rows its rows are."""

    agency: UUID
    office: UUID
    exporter: UUID


@dataclass
class Garden:
    """A row of each table that others refer to, by the table's name. `spare` is an application that nothing speaks of."""

    ids: dict[str, UUID] = field(default_factory=dict)

    def parents(self, table: Any) -> dict[str, UUID]:
        """What a new row of the table refers to, here."""
        keys = {key._meta.name: key._foreign_key_meta.resolved_references._meta.tablename for key in table._meta.foreign_key_columns}
        return {name: self.ids[parent] for name, parent in keys.items() if parent in self.ids}

    def row(self, table: Any, **told: Any) -> Any:
        """A new row with its parents here, not yet in the database."""
        name = table._meta.tablename
        ties: dict[str, Any] = self.parents(table)
        if name == "payment_order_line":
            ties["application"] = self.ids["spare"]
        if name == "ledger_transfer":
            ties |= {"debit": self.ids["ledger_account"], "credit": self.ids["credit"]}
        return row_of(table, **ties | dict(_SAID.get(name, lambda _: {})(next(_NUMBERS))) | told)

    async def add(self, table: Any, name: str = "", **told: Any) -> UUID:
        """Plants a row; it is the one that later rows refer to by this name, or by that of its table."""
        row = self.row(table, **told)
        await table.insert(row)
        self.ids[name or table._meta.tablename] = row.id
        return UUID(str(row.id))


async def new_agency() -> UUID:
    """An agency."""
    return await Garden().add(Agency, code=uuid4().hex[:12])


async def new_office(agency: UUID, code: str) -> UUID:
    """An office of that agency."""
    return await Garden().add(Office, agency=agency, code=code)


async def new_exporter() -> UUID:
    """A firm."""
    return await Garden().add(Exporter, iec=uuid4().hex[:10], sync_due_at=_AT)


async def plant(ground: Ground) -> Garden:
    """A garden on this ground: an application, its order and all that follows, each row tied to the others of the garden."""
    here = Garden({"agency": ground.agency, "office": ground.office, "exporter": ground.exporter})
    await here.add(Account, email=uuid4().hex)
    await here.add(Officer)
    await here.add(Enrolment, exporter=None, exporter_user=None)
    await here.add(ChangeRow, subject=uuid4().hex, second=None, decided_by=None)
    await here.add(ApplicationRow, "spare")
    await here.add(ApplicationRow)
    for table in (SeriesRow, ApprovalRow):
        await here.add(table)
    await here.add(CertificateRow, approval=here.ids["approval"])
    for table in (FeeRow, ParametersRow, OverrideRow, TermsRow):
        await here.add(table)
    await here.add(AccountRow, "credit")
    for table in (AccountRow, JournalRow, TransferRow, OrderRow):
        await here.add(table)
    await here.add(OrderLineRow, application=here.ids["application"], line=1)
    for table in (AttemptRow, InboxRow, RefundRow, ReceiptRow, SettlementFileRow):
        await here.add(table)
    return here
