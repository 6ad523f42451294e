"""Applications by machine: saved as drafts, checked, changed, filed, looked up. The body is the application file itself.

It is read by the engine's own reader, so that a file with ten mistakes is answered with ten problems, not with the first.
"""

import asyncio
import re
from functools import partial
from typing import Annotated, Any

from litestar import Request, get, post, put
from litestar.params import FromPath, HeaderParameter, QueryParameter

from admin.api.answers import ApplicationAnswer, ApplicationLine, ApplicationList, CertificateAnswer, CheckAnswer
from admin.api.description import ApplicationOperation, errors
from admin.api.once import Once
from admin.guards import caller_of
from admin.parts import site_of
from engine.application import Application, ApplicationState
from engine.clock import ist_day
from engine.errors import NotFound, Problem, Refused
from engine.filing import Draft, Examined, examine, find, open_draft, read, search, update_draft
from engine.filing.reading import look
from engine.money.counter import file
from engine.proof import of_application
from engine.site import Site

__all__ = ["change", "check_file", "check_kept", "create", "known_reference", "listed", "one", "submit"]

_REFERENCE = re.compile(r"APP-[2-9A-Z]{10}", re.ASCII)
_OPEN = frozenset({ApplicationState.DRAFT, ApplicationState.QUERIED})
_MOST = 200

IdempotencyKey = Annotated[
    str | None, HeaderParameter(name="Idempotency-Key", description="Names this request, so that sending it again has no second effect.")
]


@post("/applications", operation_class=ApplicationOperation, responses=errors(401, 403, 409, 413, 422))
async def create(request: Request[Any, Any, Any], idempotency_key: IdempotencyKey = None) -> ApplicationAnswer:
    """Save an application as a draft; 422 lists all that is wrong with a file that cannot be kept."""
    caller, site, body = caller_of(request), site_of(request), await request.body()
    caller.require("prepare")
    asking = Once(caller.actor, idempotency_key, b"create\n" + body, ApplicationAnswer)
    if known := await asking.before():
        return known
    application = await asyncio.to_thread(read, body)
    problems, at = await asyncio.to_thread(_problems, site, application), site.clock.now()

    async def deed() -> ApplicationAnswer:
        draft = await open_draft(caller.scope, application, actor=caller.actor, at=at)
        return ApplicationAnswer.of(draft, problems=problems)

    return await asking.now(deed, at=at)


@put("/applications/{reference:str}", operation_class=ApplicationOperation, responses=errors(401, 403, 404, 409, 413, 422))
async def change(request: Request[Any, Any, Any], reference: FromPath[str]) -> ApplicationAnswer:
    """Save a new version of a draft, or of an application that came back with a query."""
    caller, site, body = caller_of(request), site_of(request), await request.body()
    caller.require("prepare")
    known = known_reference(reference)
    await find(caller.scope, known)
    application = await asyncio.to_thread(read, body)
    draft = await update_draft(caller.scope, known, application, actor=caller.actor, at=site.clock.now())
    return ApplicationAnswer.of(draft, problems=_problems(site, application))


@get("/applications", responses=errors(401, 403, 422))
async def listed(
    request: Request[Any, Any, Any],
    wanted: Annotated[ApplicationState | None, QueryParameter(name="state", description="Only those in this state.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=_MOST, description="How many at most.")] = 50,
    offset: Annotated[int, QueryParameter(ge=0, le=1_000_000, description="How many to pass over.")] = 0,
) -> ApplicationList:
    """List the applications that the key covers, newest first."""
    caller = caller_of(request)
    caller.require("see")
    found = await search(caller.scope, state=wanted, limit=limit, offset=offset)
    return ApplicationList([ApplicationLine.of(draft) for draft in found], offset + limit if len(found) == limit else None)


@get("/applications/{reference:str}", responses=errors(401, 403, 404))
async def one(request: Request[Any, Any, Any], reference: FromPath[str]) -> ApplicationAnswer:
    """Look up an application, its problems while it is a draft, and its certificate if there is one."""
    caller, site = caller_of(request), site_of(request)
    caller.require("see")
    return await _whole(site, await find(caller.scope, known_reference(reference)), caller.scope)


@post("/applications/{reference:str}/file", status_code=200, responses=errors(401, 403, 404, 409, 422))
async def submit(request: Request[Any, Any, Any], reference: FromPath[str], idempotency_key: IdempotencyKey = None) -> ApplicationAnswer:
    """File a draft: it is examined once more and cannot be changed any more."""
    caller, site = caller_of(request), site_of(request)
    caller.require("submit")
    reference, at = known_reference(reference), site.clock.now()
    asking = Once(caller.actor, idempotency_key, f"file\n{reference}".encode(), ApplicationAnswer)
    if known := await asking.before():
        return known

    async def deed() -> ApplicationAnswer:
        filed = await file(caller.scope, reference, registry=site.registry, actor=caller.actor, at=at)
        return ApplicationAnswer.of(filed.draft)

    return await asking.now(deed, at=at)


@post("/applications/check", status_code=200, operation_class=ApplicationOperation, responses=errors(401, 403, 413, 422))
async def check_file(request: Request[Any, Any, Any]) -> CheckAnswer:
    """Check an application file without keeping it; 422 if it has not the shape of one."""
    caller, site, body = caller_of(request), site_of(request), await request.body()
    caller.require("prepare")
    application, problems = await asyncio.to_thread(look, body)
    if application is None:
        raise Refused.because(problems)
    return await asyncio.to_thread(partial(_checked, site, application, problems))


@post("/applications/{reference:str}/check", status_code=200, responses=errors(401, 403, 404, 422))
async def check_kept(request: Request[Any, Any, Any], reference: FromPath[str]) -> CheckAnswer:
    """Check an application that is kept here, as filing it now would; changes nothing."""
    caller, site = caller_of(request), site_of(request)
    caller.require("see")
    draft = await find(caller.scope, known_reference(reference))
    return await asyncio.to_thread(partial(_checked, site, draft.application, []))


def known_reference(reference: str) -> str:
    """A reference of ours in its own spelling. Raises NotFound for anything that cannot be one."""
    spelt = reference.strip().upper()
    if not _REFERENCE.fullmatch(spelt):
        raise NotFound("There is no such application.", box="reference", rule="known reference")
    return spelt


async def _whole(site: Site, draft: Draft, scope: Any) -> ApplicationAnswer:
    standing = await of_application(scope, draft.id)
    certificate = await CertificateAnswer.of(standing, site.config.site.public_url) if standing else None
    problems = await asyncio.to_thread(_problems, site, draft.application) if draft.state in _OPEN else []
    return ApplicationAnswer.of(draft, problems=problems, certificate=certificate)


def _examined(site: Site, application: Application) -> tuple[Examined | None, list[Problem]]:
    """What an examination finds, and all that would stop filing, the rule of origin included."""
    examined = None
    try:
        examined = examine(application, site.registry, ist_day(site.clock.now()))
        examined.require()
    except Refused as refusal:
        return examined, list(refusal.problems) or [Problem(refusal.box, refusal.rule, refusal.say)]
    return examined, []


def _problems(site: Site, application: Application) -> list[Problem]:
    return _examined(site, application)[1]


def _checked(site: Site, application: Application, texts: list[Problem]) -> CheckAnswer:
    examined, problems = _examined(site, application)
    return CheckAnswer.of(examined.form if examined else None, examined.finding if examined else None, [*texts, *problems])
