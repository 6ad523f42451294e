"""An agency's confirmations of forms that nobody could source, or only from weak sources."""

from datetime import datetime
from uuid import UUID

from engine.contracts.form import Form
from engine.errors import Refused
from engine.people.agencies.tables import FormConfirmation
from engine.scope import Scope
from engine.store import audit, uow
from engine.store.scoped import covering

__all__ = ["confirm_form", "confirmed_forms", "not_confirmed", "require_confirmed"]


async def confirm_form(agency_id: UUID, form: Form, *, actor: str, at: datetime) -> None:
    """A named administrator vouches for this very version of the form."""
    async with uow():
        await FormConfirmation.insert(
            FormConfirmation(agency=agency_id, scheme=form.scheme, form_sha256=form.sha256, confirmed_by=actor, confirmed_at=at)
        )
        await audit("form_confirmed", room="people", subject=form.scheme, actor=actor, at=at, agency=agency_id, after=form.sha256)


async def confirmed_forms(scope: Scope, agency_id: UUID) -> frozenset[str]:
    """The hashes of the form versions that the agency confirmed."""
    query = FormConfirmation.select(FormConfirmation.form_sha256).where(FormConfirmation.agency == agency_id)
    return frozenset(row["form_sha256"] for row in await covering(scope, query, FormConfirmation, office="id"))


async def require_confirmed(agency_id: UUID | None, form: Form, *, demo: bool) -> None:
    """Raises Refused while a form with unconfirmed or weakly sourced parts would be issued on a live site."""
    if demo or not (form.unconfirmed or form.weak):
        return
    confirmed = agency_id is not None and await FormConfirmation.exists().where(
        FormConfirmation.agency == agency_id, FormConfirmation.scheme == form.scheme, FormConfirmation.form_sha256 == form.sha256
    )
    if not confirmed:
        raise Refused(not_confirmed(form), box="scheme", rule="form confirmed")


def not_confirmed(form: Form) -> str:
    """What is said of a form that nobody of the agency confirmed."""
    parts = ("not sourced", form.unconfirmed), ("weakly sourced", form.weak)
    named = "; ".join(f"{label}: {', '.join(each)}" for label, each in parts if each)
    return f"The form of {form.scheme} is not confirmed ({named}). An administrator of the agency must confirm it first."
