"""Consignments that are filed already, found by their invoices: the same goods are not certified twice unnoticed.

Several certificates under one invoice are legal, for goods may leave in parts. So nothing here refuses; it finds what
a person should know. What became of the certificates, the rooms above know.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.application import Application, ApplicationState, Invoice, Kind
from engine.filing.desk import Draft
from engine.filing.tables import ApplicationInvoice
from engine.scope import Scope
from engine.store.scoped import covering

__all__ = ["Twin", "note_invoices", "twins_of"]

# Filed and not ended without a certificate; one that came back with a query was filed and will be again.
_FILED = tuple(map(str, (ApplicationState.FILED, ApplicationState.QUERIED, ApplicationState.APPROVED, ApplicationState.ISSUED)))
_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Twin:
    """Another application that is filed under an invoice of this one."""

    application_id: UUID
    reference: str
    state: ApplicationState


async def note_invoices(draft: Draft, at: datetime) -> None:
    """Writes the invoices under which an application is filed, in the unit of work around the call; earlier ones of it go."""
    await ApplicationInvoice.delete().where(ApplicationInvoice.application == draft.id)
    named = dict.fromkeys((_key(invoice), invoice.dated_on) for invoice in draft.application.invoices)
    scheme = draft.application.scheme
    await ApplicationInvoice.insert(
        *(
            ApplicationInvoice(application=draft.id, **draft.owner, scheme=scheme, number_key=key, dated_on=day, filed_at=at)
            for key, day in named
        )
    )


async def twins_of(scope: Scope, application: Application, invoice: Invoice, *, exporter_id: UUID, own: UUID | None) -> AsyncIterator[Twin]:
    """Filed applications of the exporter that the scope covers, for the same scheme and under that invoice, newest first.

    `own` is the row of the application itself. Duplicates are left out: they certify what another one does.
    """
    skip = 0
    while found := await _twins(scope, application, invoice, exporter_id, own, skip):
        for twin in found:
            yield twin
        skip += len(found)


async def _twins(scope: Scope, application: Application, invoice: Invoice, exporter_id: UUID, own: UUID | None, skip: int) -> list[Twin]:
    row = ApplicationInvoice
    query = (
        row.select(row.application, row.application.reference.as_alias("reference"), row.application.state.as_alias("state"))
        .where(
            row.exporter == exporter_id,
            row.scheme == application.scheme,
            row.number_key == _key(invoice),
            row.dated_on == invoice.dated_on,
            row.application.state.is_in(list(_FILED)),
            row.application.kind != str(Kind.DUPLICATE),
        )
        .order_by(row.filed_at, row.id, ascending=False)
        .limit(_AT_ONCE)
        .offset(skip)
    )
    if own is not None:
        query = query.where(row.application != own)
    return [Twin(each["application"], each["reference"], ApplicationState(each["state"])) for each in await covering(scope, query, row)]


def _key(invoice: Invoice) -> str:
    return "".join(invoice.number.upper().split())
