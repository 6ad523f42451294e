"""One officer as their agency's administrator deals with them: offices, designation, state, certificates, and what the audit knows."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from admin.acts import sentence_of, who_is
from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.errors import NotFound, Refused
from engine.issuing.judging import judge
from engine.issuing.queue import look_again
from engine.issuing.registering import confirm_name, refuse_name
from engine.people import map_officer
from engine.people.dsc import EnrolmentHere, PresentedHere, end_enrolment, enrolments_of, officer_as_owner, waiting_presented
from engine.people.naming import id_of_actor, names_of
from engine.people.staff.activating import ask_officer_again, deactivate_officer, redesignate, unmap_officer
from engine.people.staff.roster import OfficerSeen, officer_seen
from engine.store.audit_reading import Entry, Wanted, entries_of

__all__ = ["HANDLERS"]

_ENTRIES = 10


@get("/{officer:uuid}", include_in_schema=False)
async def one(request: Request[Any, Any, Any], officer: FromPath[UUID]) -> Response[Any]:
    """Everything about one officer."""
    return await _one(request, officer)


@post("/{officer:uuid}/offices", guards=[require_fresh], status_code=200, include_in_schema=False)
async def mapped(request: Request[Any, Any, Any], officer: FromPath[UUID]) -> Response[Any]:
    """Maps the officer to an office of their agency."""
    person, site, told = person_of(request), site_of(request), await sent(request, "office")
    here = await officer_seen(person.scope, officer, site.clock.now())
    chosen = next((id for id, _ in here.free if str(id) == told["office"]), None)
    if chosen is None:
        return await _one(request, officer, wrong={"office": "Choose an office of the list that the officer is not mapped to yet."})
    await map_officer(here.officer.agency_id, officer, chosen, actor=person.actor, at=site.clock.now())
    return go(request, f"/users/{officer}")


@post("/{officer:uuid}/offices/end", status_code=200, include_in_schema=False)
async def unmapped(request: Request[Any, Any, Any], officer: FromPath[UUID]) -> Response[Any]:
    """Ends the officer's mapping to an office; what they approved there and did not sign is decided anew."""
    person, site, told = person_of(request), site_of(request), await sent(request, "office")
    here = await officer_seen(person.scope, officer, site.clock.now())
    chosen = next((stay.office_id for stay in here.stays if str(stay.office_id) == told["office"] and stay.ended_at is None), None)
    if chosen is None:
        raise NotFound("The officer is not mapped to such an office (any more).", code="mapping")
    await unmap_officer(person.scope, officer, chosen, actor=person.actor, at=site.clock.now())
    await look_again(officer)
    site.wake()
    return go(request, f"/users/{officer}")


@post("/{officer:uuid}/designation", guards=[require_fresh], status_code=200, include_in_schema=False)
async def redesignated(request: Request[Any, Any, Any], officer: FromPath[UUID]) -> Response[Any]:
    """Changes the designation."""
    person, site, told = person_of(request), site_of(request), await sent(request, "designation")
    try:
        await redesignate(person.scope, officer, told["designation"], actor=person.actor, at=site.clock.now())
    except Refused as refusal:
        if refusal.box != "designation":
            raise
        return await _one(request, officer, wrong={"designation": refusal.say}, designation=told["designation"])
    return go(request, f"/users/{officer}")


@get("/{officer:uuid}/state", guards=[require_fresh], include_in_schema=False)
async def state_form(request: Request[Any, Any, Any], officer: FromPath[UUID]) -> Response[Any]:
    """Asks before the officer is deactivated, or activated again."""
    return await _state(request, officer)


@post("/{officer:uuid}/state", guards=[require_fresh], status_code=200, include_in_schema=False)
async def state_set(request: Request[Any, Any, Any], officer: FromPath[UUID]) -> Response[Any]:
    """Deactivates at once, or asks for them to be active again, as the form that was seen says."""
    person, site, told = person_of(request), site_of(request), await sent(request, "deed", "reason")
    at = site.clock.now()
    try:
        if told["deed"] == "again":
            change = await ask_officer_again(
                person.scope,
                officer,
                person,
                effects=site.effects,
                box=site.secrets,
                base=site.config.site.public_url,
                limits=site.config.access,
                at=at,
            )
            return go(request, f"/changes/{change.id}")
        await deactivate_officer(person.scope, officer, told["reason"], box=site.secrets, actor=person.actor, at=at)
    except Refused as refusal:
        if refusal.box != "reason":
            raise
        return await _state(request, officer, wrong={"reason": refusal.say}, reason=told["reason"])
    await look_again(officer)
    site.wake()
    return go(request, f"/users/{officer}")


@get("/{officer:uuid}/certificates/{enrolment:uuid}", guards=[require_fresh], include_in_schema=False)
async def enrolment_form(request: Request[Any, Any, Any], officer: FromPath[UUID], enrolment: FromPath[UUID]) -> Response[Any]:
    """One enrolment, and the form that ends it."""
    return await _enrolment(request, officer, enrolment)


@post("/{officer:uuid}/certificates/{enrolment:uuid}", guards=[require_fresh], status_code=200, include_in_schema=False)
async def enrolment_ended(request: Request[Any, Any, Any], officer: FromPath[UUID], enrolment: FromPath[UUID]) -> Response[Any]:
    """Ends it for a reason."""
    person, site, told = person_of(request), site_of(request), await sent(request, "reason")
    await _enrolled(request, officer, enrolment)
    try:
        await end_enrolment(person.scope, enrolment, told["reason"], box=site.secrets, actor=person.actor, at=site.clock.now())
    except Refused as refusal:
        if refusal.box != "reason":
            raise
        return await _enrolment(request, officer, enrolment, wrong={"reason": refusal.say})
    await look_again(officer)
    site.wake()
    return go(request, f"/users/{officer}")


@get("/{officer:uuid}/names/{presented:uuid}", guards=[require_fresh], include_in_schema=False)
async def name_form(request: Request[Any, Any, Any], officer: FromPath[UUID], presented: FromPath[UUID]) -> Response[Any]:
    """A certificate in another name than the officer's, and what it says."""
    return await _name(request, officer, presented)


@post("/{officer:uuid}/names/{presented:uuid}", guards=[require_fresh], status_code=200, include_in_schema=False)
async def name_decided(request: Request[Any, Any, Any], officer: FromPath[UUID], presented: FromPath[UUID]) -> Response[Any]:
    """Confirms that it is the officer's, or refuses it, for a reason."""
    person, site, told = person_of(request), site_of(request), await sent(request, "deed", "reason")
    await _presented(request, officer, presented)
    at = site.clock.now()
    try:
        if told["deed"] == "confirm":
            await confirm_name(
                person.scope,
                presented,
                told["reason"],
                account=person.account_id,
                trust=site.trust,
                box=site.secrets,
                actor=person.actor,
                at=at,
            )
        else:
            await refuse_name(person.scope, presented, told["reason"], box=site.secrets, actor=person.actor, at=at)
    except Refused as refusal:
        if refusal.box not in {"reason", "certificate"}:
            raise
        return await _name(request, officer, presented, wrong={"reason": refusal.say}, reason=told["reason"])
    return go(request, f"/users/{officer}")


HANDLERS = [
    one,
    mapped,
    unmapped,
    redesignated,
    state_form,
    state_set,
    enrolment_form,
    enrolment_ended,
    name_form,
    name_decided,
]


async def _one(
    request: Request[Any, Any, Any], id: UUID, *, wrong: dict[str, str] | None = None, designation: str | None = None
) -> Response[Any]:
    person, at = person_of(request), site_of(request).clock.now()
    seen = await officer_seen(person.scope, id, at)
    enrolments = await enrolments_of(await officer_as_owner(person.scope, id), at)
    known = await _known(request, seen)
    return page(
        request,
        "user_officer.html",
        status=422 if wrong else 200,
        form=True,
        seen=seen,
        officer=seen.officer,
        enrolments=enrolments,
        waiting=await waiting_presented(person.scope, officer=id, at=at),
        designation=seen.officer.designation if designation is None else designation,
        wrong=wrong or {},
        **known,
    )


async def _known(request: Request[Any, Any, Any], seen: OfficerSeen) -> dict[str, Any]:
    """The latest entries of the audit about the officer in sentences, and the names of who mapped them."""
    person, officer = person_of(request), seen.officer
    wanted = Wanted(actors=frozenset({f"account:{officer.account_id}"}), persons=frozenset({str(officer.id), str(officer.account_id)}))
    found = await entries_of(person.scope, person.actor, wanted, most=_ENTRIES)
    by = [entry.actor for entry in found.entries] + [actor for stay in seen.stays for actor in (stay.mapped_by, stay.ended_by)]
    names = await names_of({id_of_actor(actor) for actor in by} | {entry.subject for entry in found.entries})
    entries = [_sentence(entry, names) for entry in found.entries]
    return {"entries": entries, "who": {actor: who_is(actor, names) for actor in by if actor}}


def _sentence(entry: Entry, names: dict[str, str]) -> tuple[datetime, str]:
    """When, and who did what."""
    before, after = sentence_of(entry.act)
    said = before if after is None else f"{before}{names.get(entry.subject, entry.subject)}{after}"
    return entry.at, f"{who_is(entry.actor, names)} {said}"


async def _state(request: Request[Any, Any, Any], id: UUID, *, wrong: dict[str, str] | None = None, reason: str = "") -> Response[Any]:
    seen = await officer_seen(person_of(request).scope, id, site_of(request).clock.now())
    status = 422 if wrong else 200
    return page(request, "user_state.html", status=status, form=True, officer=seen.officer, wrong=wrong or {}, reason=reason)


async def _enrolled(request: Request[Any, Any, Any], officer: UUID, enrolment: UUID) -> EnrolmentHere:
    """One enrolment of that very officer. Raises NotFound for any other."""
    owner = await officer_as_owner(person_of(request).scope, officer)
    for each in await enrolments_of(owner, site_of(request).clock.now()):
        if each.id == enrolment:
            return each
    raise NotFound("There is no such enrolment, or it ended before.", code="enrolment")


async def _enrolment(
    request: Request[Any, Any, Any], officer: UUID, enrolment: UUID, *, wrong: dict[str, str] | None = None
) -> Response[Any]:
    here = await _enrolled(request, officer, enrolment)
    seen = await officer_seen(person_of(request).scope, officer, site_of(request).clock.now())
    back, label = f"/users/{officer}", seen.officer.name
    status = 422 if wrong else 200
    return page(request, "dsc_end.html", status=status, form=True, here=here, back=back, back_label=label, wrong=wrong or {})


async def _presented(request: Request[Any, Any, Any], officer: UUID, presented: UUID) -> PresentedHere:
    """One certificate of that very officer whose name waits. Raises NotFound for any other."""
    at = site_of(request).clock.now()
    found = await waiting_presented(person_of(request).scope, officer=officer, id=presented, at=at)
    if not found:
        raise NotFound("There is no such certificate that waits for you.", code="presented")
    return found[0]


async def _name(
    request: Request[Any, Any, Any], officer: UUID, presented: UUID, *, wrong: dict[str, str] | None = None, reason: str = ""
) -> Response[Any]:
    person, site = person_of(request), site_of(request)
    here = await _presented(request, officer, presented)
    owner = await officer_as_owner(person.scope, officer)
    judgement = await judge(here.chain, owner, trust=site.trust, at=site.clock.now())
    return page(
        request,
        "user_name.html",
        status=422 if wrong else 200,
        form=True,
        here=here,
        owner=owner,
        judgement=judgement,
        own=owner.account_id == person.account_id,
        wrong=wrong or {},
        reason=reason,
    )
