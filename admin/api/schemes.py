"""The schemes that certificates are issued under here."""

from typing import Any

from litestar import Request, get

from admin.api.answers import SchemeAnswer
from admin.api.description import errors
from admin.guards import caller_of
from admin.parts import site_of
from engine.clock import ist_day
from engine.contracts.form import Form

__all__ = ["schemes"]


@get("/schemes", responses=errors(401))
async def schemes(request: Request[Any, Any, Any]) -> list[SchemeAnswer]:
    """List the schemes in force today, with the version of the form that an application would be drawn on."""
    caller_of(request)
    site = site_of(request)
    return [_answer(form) for form in site.registry.in_force(ist_day(site.clock.now()))]


def _answer(form: Form) -> SchemeAnswer:
    return SchemeAnswer(
        scheme=form.scheme,
        title=form.title,
        form=form.form_name,
        version=form.version,
        preferential=form.preferential,
        partners=sorted(form.partners),
        kinds=list(form.kinds),
        issuer_kinds=list(form.issuer_kinds),
        criteria={criterion.code: criterion.meaning for criterion in form.origin.criteria},
        validity_months=form.validity_months,
        unconfirmed=[*form.unconfirmed, *form.origin.unknown],
        weak=[*form.weak, *form.origin.weak],
    )
