"""In-lieu and duplicate applications: what they replace is issued, theirs, and replaced once.

A filed in-lieu application claims its certificate, so a second one is refused before anybody draws a number for it.
"""

from datetime import datetime
from uuid import UUID, uuid4

from engine.application import Application, IssuerKind, Kind
from engine.certificate import CertificateState, is_legacy
from engine.errors import Conflict, Refused
from engine.filing import Draft
from engine.money.tables import ReplacementRow
from engine.proof import Standing, by_number
from engine.store import uow

__all__ = ["claim_replaced", "let_go_of_replaced", "require_replaceable"]


async def require_replaceable(
    application: Application, *, exporter_id: UUID | None, agency_id: UUID | None, own: UUID | None
) -> Standing | None:
    """The issued certificate of the same exporter and agency that the application names; None if it names none.

    `own` is the row of the application, once it has one. Raises Refused, or Conflict if another application is there first.
    """
    number = application.replaces
    if application.kind not in {Kind.IN_LIEU, Kind.DUPLICATE} or not number:
        return None
    standing: Standing | None = None if is_legacy(number) else await by_number(number)
    if standing is None or standing.exporter_id != exporter_id or standing.agency_id != agency_id:
        raise Refused(
            f"{number} is no certificate of this exporter by this agency.",
            box="replaces",
            rule="in-lieu at the agency that issued the first",
        )
    if standing.state is not CertificateState.ISSUED:
        raise Refused(
            f"{number} is {standing.state}; only an issued certificate can be replaced.", box="replaces", rule="replaced one is issued"
        )
    if application.kind is Kind.IN_LIEU and await _holder(standing) not in {None, own}:
        raise _claimed(standing)
    return standing


async def _holder(standing: Standing) -> UUID | None:
    """The application that is filed to replace the certificate."""
    row = await ReplacementRow.select(ReplacementRow.application).where(ReplacementRow.live_key == str(standing.id)).first()
    return row["application"] if row else None


def _claimed(standing: Standing) -> Conflict:
    say = f"Another application to replace {standing.number} is filed already; withdraw that one, or wait until it ends."
    return Conflict(say, code="replacement_claimed", box="replaces", rule="replaced once")


async def claim_replaced(draft: Draft, standing: Standing | None, at: datetime) -> None:
    """Claims the certificate for this application, in the unit of work around the call. Raises Conflict if another one did."""
    if standing is None or draft.application.kind is not Kind.IN_LIEU:
        await let_go_of_replaced(draft.id, at)
        return
    if await _holder(standing) == draft.id:
        return
    await let_go_of_replaced(draft.id, at)
    row = ReplacementRow(
        application=draft.id,
        certificate=standing.id,
        issuer_kind=str(IssuerKind.AGENCY if draft.agency_id else IssuerKind.SELF),
        **draft.owner,
        live_key=str(standing.id),
        made_at=at,
    )
    try:
        async with uow():
            await ReplacementRow.insert(row)
    except Conflict as error:
        raise _claimed(standing) from error


async def let_go_of_replaced(application_id: UUID, at: datetime) -> None:
    """Ends the claim of an application that replaces nothing any more, in the unit of work around the call."""
    await ReplacementRow.update({ReplacementRow.live_key: str(uuid4()), ReplacementRow.ended_at: at}).where(
        ReplacementRow.application == application_id, ReplacementRow.ended_at.is_null()
    )
