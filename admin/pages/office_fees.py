"""What certificates cost at an office: today, from a day to come, and before; and what a fee comes to with its tax."""

from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from admin.pages.forms import require_day, sent, wrong_of
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.application import Kind
from engine.clock import ist_day
from engine.errors import NotFound, Problem, Refused
from engine.money.amounts import bp_of, paise_of
from engine.money.fees import NewFee, Rounding, add_fee, break_up, end_fee, fees_of, rupees
from engine.people import OfficeHere
from engine.people.offices.keeping import office_by_id
from engine.people.states import state_name

__all__ = ["HANDLERS"]

_FIELDS = ("where", "scheme", "kind", "amount", "rate", "sac", "rounding", "starts_on", "last_day", "look")
_FRESH = {
    "where": "office",
    "scheme": "",
    "kind": "",
    "amount": "",
    "rate": "",
    "sac": "",
    "rounding": "paisa",
    "starts_on": "",
    "last_day": "",
}
_ELSEWHERE = ("27", "07")  # two states: one of them is not the office's


@get("/{office:uuid}/fees", guards=[require_fresh], include_in_schema=False)
async def fees(request: Request[Any, Any, Any], office: FromPath[UUID]) -> Response[Any]:
    """The table of one office, with what is for all of them."""
    here = await office_by_id(person_of(request).scope, office)
    return await _fees(request, here, _FRESH)


@post("/{office:uuid}/fees", guards=[require_fresh], status_code=200, include_in_schema=False)
async def add(request: Request[Any, Any, Any], office: FromPath[UUID]) -> Response[Any]:
    """Shows what a fee would come to, or enters it."""
    person, site, told = person_of(request), site_of(request), await sent(request, *_FIELDS)
    here = await office_by_id(person.scope, office)
    at = site.clock.now()
    try:
        new = _new(told, here)
        if problems := list(new.problems(ist_day(at))):
            raise Refused.because(problems)
        if told["look"]:
            return await _fees(request, here, told, new=new)
        if new.scheme and new.scheme not in site.registry.schemes:
            raise Refused("Choose the scheme from the list.", box="scheme", rule="known scheme")
        entered = await add_fee(person.scope, here.agency_id, new, actor=person.actor, at=at)
    except Refused as refusal:
        return await _fees(request, here, told, wrong=wrong_of(refusal, otherwise="amount"))
    return go(request, f"/offices/{office}/fees?entered={entered}")


@post("/{office:uuid}/fees/{fee:uuid}/end", guards=[require_fresh], status_code=200, include_in_schema=False)
async def end(request: Request[Any, Any, Any], office: FromPath[UUID], fee: FromPath[UUID]) -> Response[Any]:
    """Ends a fee after a day, or withdraws one that is still to come."""
    person, site, told = person_of(request), site_of(request), await sent(request, "last_day", "withdraw")
    here = await office_by_id(person.scope, office)
    at = site.clock.now()
    if all(each.id != fee for each in await fees_of(person.scope, here.agency_id, here.id)):
        raise NotFound("There is no such fee.", code="fee")
    try:
        last_day = date.min if told["withdraw"] else require_day(told["last_day"], "last_day")
        await end_fee(person.scope, fee, last_day, actor=person.actor, at=at)
    except Refused as refusal:
        if refusal.box is None:
            raise
        return await _fees(request, here, _FRESH, wrong={f"end-{fee}": refusal.say})
    return go(request, f"/offices/{office}/fees")


HANDLERS = [fees, add, end]


def _new(told: dict[str, str], office: OfficeHere) -> NewFee:
    """The fee of a form. Raises Refused naming every field that cannot be read."""
    problems: list[Problem] = []

    def taken(box: str, read: Any) -> Any:
        try:
            return read()
        except Refused as refusal:
            problems.append(Problem(box, refusal.rule, refusal.say))
            return None

    amount = taken("amount", lambda: paise_of(told["amount"].strip()))
    rate = taken("rate", lambda: bp_of(told["rate"].strip()))
    starts_on = taken("starts_on", lambda: require_day(told["starts_on"], "starts_on"))
    last_day = taken("last_day", lambda: require_day(told["last_day"], "last_day") if told["last_day"] else None)
    if problems:
        raise Refused.because(problems)
    return NewFee(
        office_id=None if told["where"] == "all" else office.id,
        scheme=told["scheme"][:20],
        kind=told["kind"][:16],
        amount_paise=amount,
        gst_rate_bp=rate,
        sac=told["sac"].strip() if rate else "",
        rounding=Rounding.RUPEE if told["rounding"] == "rupee" else Rounding.PAISA,
        starts_on=starts_on,
        last_day=last_day,
    )


async def _fees(
    request: Request[Any, Any, Any],
    office: OfficeHere,
    told: dict[str, str],
    *,
    new: NewFee | None = None,
    wrong: dict[str, str] | None = None,
) -> Response[Any]:
    person, site = person_of(request), site_of(request)
    today = ist_day(site.clock.now())
    rows = await fees_of(person.scope, office.agency_id, office.id)
    by_state = {stands: [fee for fee in rows if fee.stands(today) == stands] for stands in ("today", "coming", "past")}
    return page(
        request,
        "office_fees.html",
        status=422 if wrong else 200,
        form=True,
        office=office,
        state=state_name(office.state),
        fees=by_state,
        rupees=rupees,
        today=today,
        schemes=[(form.scheme, form.title) for form in site.registry.in_force(today)],
        kinds=list(Kind),
        told=told,
        entered=next((fee for fee in rows if str(fee.id) == request.query_params.get("entered")), None),
        previews=_previews(new, office) if new else (),
        wrong=wrong or {},
    )


def _previews(new: NewFee, office: OfficeHere) -> tuple[Any, ...]:
    """What the fee comes to for an exporter of the office's own state, and for one of another."""
    place = "the office's own state"
    state = office.state or _ELSEWHERE[0]
    other = next(code for code in _ELSEWHERE if code != state)
    sums = partial(break_up, new.amount_paise, gst_rate_bp=new.gst_rate_bp, sac=new.sac, rounding=new.rounding, office_state=state)
    if not new.gst_rate_bp:
        return (("Every exporter", sums()),)
    return (
        (f"An exporter in {state_name(office.state) or place}, or without a GSTIN", sums()),
        ("An exporter of another state", sums(gstin=other)),
    )
