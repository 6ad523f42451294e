"""My firm: what DGFT has under the IEC, read-only, and what the firm lets brokers do."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from admin.pages.forms import number_of, require_day, sent
from admin.pages.rendering import page
from admin.parts import parts_of, site_of
from admin.persons import go, person_of, require_fresh
from engine.errors import EngineError, Forbidden, NotFound, Refused, TooMany, Unavailable, Untrusted
from engine.people.access import Principal, Role, RoleKind
from engine.people.firms import GRANTABLE, FirmHere, end_grant, ends_grants, firm_of, give_grant, grants_of
from engine.people.firms.keeping import sync_now
from engine.people.paging import pages_for
from engine.people.standing import Status

__all__ = ["HANDLERS", "suspended_firm"]

_SYNCS_PER_MINUTE = 3
_SAYS = {
    "see": "see applications and certificates",
    "prepare": "prepare applications and cost sheets",
    "submit": "submit applications",
    "pay": "pay",
}


@get("/", include_in_schema=False)
async def overview(request: Request[Any, Any, Any]) -> Response[Any]:
    """Everything about the firm."""
    return await _overview(request)


@post("/sync", status_code=200, include_in_schema=False)
async def sync(request: Request[Any, Any, Any]) -> Response[Any]:
    """Asks DGFT now; a silent one changes nothing."""
    role, dgft, site = _role(person_of(request)), parts_of(request).dgft, site_of(request)
    exporter = _exporter(role)
    try:
        if dgft is None:
            raise Refused("This site is not connected to DGFT, so there is nothing to sync with.", code="registry_none")
        parts_of(request).limits.hit("firm_sync", str(exporter), _SYNCS_PER_MINUTE)
        changes = await sync_now(role.scope, exporter, dgft, site.clock)
    except (Refused, Unavailable, Untrusted) as error:
        return await _overview(request, error=error)
    return go(request, f"/firm?synced={min(changes, 1)}")


@get("/grants/new", guards=[require_fresh], include_in_schema=False)
async def grant_form(request: Request[Any, Any, Any]) -> Response[Any]:
    """What to let a broker do."""
    _require_submit(_role(person_of(request)))
    return _grant_form(request, {"code": "", "per_day": "", "until": "", "right_see": "on"})


@post("/grants/new", guards=[require_fresh], status_code=200, include_in_schema=False)
async def give(request: Request[Any, Any, Any]) -> Response[Any]:
    """Lets a broker act for the firm."""
    person, site = person_of(request), site_of(request)
    role = _role(person)
    told = await sent(request, "code", "per_day", "until", *(f"right_{right}" for right in GRANTABLE))
    parts_of(request).limits.hit("grant", str(person.account_id), 20)  # a code is not to be found by trying
    try:
        await give_grant(
            role.scope,
            role.id,
            told["code"][:40],
            rights=frozenset(right for right in GRANTABLE if told[f"right_{right}"]),
            per_day=_number(told["per_day"]),
            until_on=_day(told["until"]),
            box=site.secrets,
            actor=person.actor,
            at=site.clock.now(),
        )
    except Refused as refusal:
        if refusal.box is None:
            raise
        return _grant_form(request, told, {refusal.box: refusal.say})
    return go(request, "/firm#brokers")


@get("/grants/{grant:uuid}/end", include_in_schema=False)
async def end_form(request: Request[Any, Any, Any], grant: FromPath[UUID]) -> Response[Any]:
    """Asks whether to end it, saying who lets whom do what."""
    role = _role(person_of(request))
    if not await ends_grants(role.scope, role.id):
        raise _may_not_submit()
    found, _ = await grants_of(role.scope, grant=grant, at=site_of(request).clock.now())
    if not found:
        raise NotFound("There is no such grant of your firm, or it was ended before.", code="grant")
    return page(request, "grant_end.html", form=True, grant=found[0])


@post("/grants/{grant:uuid}/end", status_code=200, include_in_schema=False)
async def end(request: Request[Any, Any, Any], grant: FromPath[UUID]) -> Response[Any]:
    """Ends a grant at once. No fresh proof is asked for: to take a right away must be quick, also under an IEC that is not active."""
    person, site = person_of(request), site_of(request)
    role = _role(person)
    await end_grant(role.scope, role.id, grant, box=site.secrets, actor=person.actor, at=site.clock.now())
    return go(request, "/firm#brokers")


HANDLERS = [overview, sync, grant_form, give, end_form, end]


async def suspended_firm(person: Principal) -> FirmHere | None:
    """The firm that an exporter's user acts for, if its IEC is not active at DGFT; None for everybody else."""
    if person.role is None or person.role.kind is not RoleKind.EXPORTER:
        return None
    firm = await firm_of(person.role.scope, _exporter(person.role))
    return None if firm.status is Status.ACTIVE else firm


async def _overview(request: Request[Any, Any, Any], *, error: EngineError | None = None) -> Response[Any]:
    person, site, dgft = person_of(request), site_of(request), parts_of(request).dgft
    role, at = _role(person), site.clock.now()
    firm = await firm_of(role.scope, _exporter(role))
    number = number_of(request.query_params.get("at", ""))
    lasting, count = await grants_of(role.scope, page=number, at=at)
    over, _ = await grants_of(role.scope, lasting=False, at=at)
    status = 200 if error is None else 429 if isinstance(error, TooMany) else 422 if isinstance(error, Refused) else 503
    return page(
        request,
        "firm.html",
        status=status,
        form=True,
        firm=firm,
        synced=_ago(at - firm.synced_at) if firm.synced_at else "",
        just_synced=request.query_params.get("synced", ""),
        problem=error.say if error else "",
        lasting=lasting,
        at=number,
        pages=pages_for(count),
        over=over,
        may_grant="submit" in role.rights,
        may_end=await ends_grants(role.scope, role.id),
        help_url=dgft.settings.help_url if dgft else "",
        connected=dgft is not None,
    )


def _grant_form(request: Request[Any, Any, Any], told: dict[str, str], wrong: dict[str, str] | None = None) -> Response[Any]:
    role = _role(person_of(request))
    rights = [(right, _SAYS[right], bool(told.get(f"right_{right}"))) for right in GRANTABLE if right in role.rights]
    return page(
        request, "grant_new.html", status=422 if wrong else 200, form=True, firm=role.title, told=told, rights=rights, wrong=wrong or {}
    )


def _role(person: Principal) -> Role:
    if person.role is None:
        raise Forbidden("Choose the firm that you act for, under My account.", code="role")
    return person.role


def _exporter(role: Role) -> UUID:
    return next(iter(role.exporter_ids))


def _require_submit(role: Role) -> None:
    if "submit" not in role.rights:
        raise _may_not_submit()


def _may_not_submit() -> Forbidden:
    return Forbidden("Only a person who may submit for the firm decides on its brokers.", code="grant_submit")


def _number(written: str) -> int | None:
    plain = written.strip()
    if not plain:
        return None
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 6):
        raise Refused("Write a whole number, or leave it empty for no limit.", box="per_day", rule="applications a day")
    return int(plain)


def _day(written: str) -> date | None:
    if not written.strip():
        return None
    return require_day(written, "until")


def _ago(span: timedelta) -> str:
    """How long ago, in the largest whole unit."""
    minutes = max(int(span.total_seconds()) // 60, 0)
    for size, unit in ((60 * 24, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            return f"{minutes // size} {unit}{'s' if minutes // size != 1 else ''} ago"
    return "just now"
