"""Applications by machine: saved as drafts, checked, changed, filed, looked up. The body is the application file itself.

It is read by the engine's own reader, so that a file with ten mistakes is answered with ten problems, not with the first.
"""

import asyncio
import re
from typing import Annotated, Any

from litestar import Request, get, post, put
from litestar.params import FromPath, HeaderParameter, QueryParameter

from admin.api.answers import ApplicationAnswer, ApplicationLine, ApplicationList, CertificateAnswer, CheckAnswer
from admin.api.description import ApplicationOperation, errors
from admin.api.once import Once
from admin.guards import caller_of
from admin.parts import site_of
from engine.application import ApplicationState
from engine.errors import Conflict, NotFound, Refused
from engine.filing import Draft, find, look, open_draft, read, search, update_draft
from engine.money import Outlook, file_it, fileable, foresee, withdraw_application
from engine.money.outlook import OPEN
from engine.proof import of_application
from engine.scope import Scope
from engine.site import Site

__all__ = ["change", "check_file", "check_kept", "create", "known_reference", "listed", "one", "submit", "withdraw"]

_REFERENCE = re.compile(r"APP-[2-9A-Z]{10}", re.ASCII)
_MOST = 200

IdempotencyKey = Annotated[
    str | None, HeaderParameter(name="Idempotency-Key", description="Names this request, so that sending it again has no second effect.")
]


@post("/applications", operation_class=ApplicationOperation, responses=errors(401, 403, 409, 413, 422))
async def create(request: Request[Any, Any, Any], idempotency_key: IdempotencyKey = None) -> ApplicationAnswer:
    """Save an application as a draft; 422 lists all that is wrong with a file that cannot be kept."""
    caller, site, body = caller_of(request), site_of(request), await request.body()
    scope = caller.require("prepare")
    at = site.clock.now()
    asking = Once(caller.actor, idempotency_key, b"create\n" + body, ApplicationAnswer)
    if known := await asking.before(at):
        return known
    application = await asyncio.to_thread(read, body)
    outlook = await foresee(scope, application, registry=site.registry, at=at)

    async def deed() -> ApplicationAnswer:
        draft = await open_draft(scope, application, actor=caller.actor, at=at)
        return ApplicationAnswer.of(draft, problems=outlook.problems, warnings=outlook.warnings)

    return await asking.now(deed, at=at)


@put("/applications/{reference:str}", operation_class=ApplicationOperation, responses=errors(401, 403, 404, 409, 413, 422))
async def change(request: Request[Any, Any, Any], reference: FromPath[str]) -> ApplicationAnswer:
    """Save a new version of a draft, or of an application that came back with a query."""
    caller, site, body = caller_of(request), site_of(request), await request.body()
    scope = caller.require("prepare")
    known = known_reference(reference)
    await find(scope, known)
    application = await asyncio.to_thread(read, body)
    draft = await update_draft(scope, known, application, actor=caller.actor, at=site.clock.now())
    return await _whole(site, draft, scope)


@get("/applications", responses=errors(401, 403, 422))
async def listed(
    request: Request[Any, Any, Any],
    wanted: Annotated[ApplicationState | None, QueryParameter(name="state", description="Only those in this state.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=_MOST, description="How many at most.")] = 50,
    offset: Annotated[int, QueryParameter(ge=0, le=1_000_000, description="How many to pass over.")] = 0,
) -> ApplicationList:
    """List the applications that the key covers, newest first."""
    caller = caller_of(request)
    scope = caller.require("see")
    found = await search(scope, state=wanted, limit=limit, offset=offset)
    return ApplicationList([ApplicationLine.of(draft) for draft in found], offset + limit if len(found) == limit else None)


@get("/applications/{reference:str}", responses=errors(401, 403, 404))
async def one(request: Request[Any, Any, Any], reference: FromPath[str]) -> ApplicationAnswer:
    """Look up an application, its problems while it is a draft, and its certificate if there is one."""
    caller, site = caller_of(request), site_of(request)
    scope = caller.require("see")
    return await _whole(site, await find(scope, known_reference(reference)), scope)


@post("/applications/{reference:str}/file", status_code=200, responses=errors(401, 403, 404, 409, 422, 429))
async def submit(request: Request[Any, Any, Any], reference: FromPath[str], idempotency_key: IdempotencyKey = None) -> ApplicationAnswer:
    """File a draft: it is examined once more, and from then on it cannot be changed."""
    caller, site = caller_of(request), site_of(request)
    scope = caller.require("submit")
    reference, at = known_reference(reference), site.clock.now()
    asking = Once(caller.actor, idempotency_key, f"file\n{reference}".encode(), ApplicationAnswer)
    if known := await asking.before(at):
        return known

    try:
        examined = await fileable(scope, reference, registry=site.registry, at=at)  # which takes its time, so before `now` writes
    except Conflict:  # perhaps the same request was quicker beside this one
        if known := await asking.before(at):
            return known
        raise

    async def deed() -> ApplicationAnswer:
        filed = await file_it(examined, actor=caller.actor, broker=caller.broker_id, at=at)
        return ApplicationAnswer.of(filed.draft, warnings=examined.outlook.warnings)

    return await asking.now(deed, at=at)


@post("/applications/{reference:str}/withdraw", status_code=200, responses=errors(401, 403, 404, 409, 422))
async def withdraw(request: Request[Any, Any, Any], reference: FromPath[str], idempotency_key: IdempotencyKey = None) -> ApplicationAnswer:
    """Withdraw a filed application that is not approved; its fee goes where the terms of its order say."""
    caller, site = caller_of(request), site_of(request)
    scope = caller.require("submit")
    reference, at = known_reference(reference), site.clock.now()
    asking = Once(caller.actor, idempotency_key, f"withdraw\n{reference}".encode(), ApplicationAnswer)
    if known := await asking.before(at):
        return known

    async def deed() -> ApplicationAnswer:
        return ApplicationAnswer.of(await withdraw_application(scope, reference, actor=caller.actor, at=at))

    return await asking.now(deed, at=at)


@post("/applications/check", status_code=200, operation_class=ApplicationOperation, responses=errors(401, 403, 413, 422))
async def check_file(request: Request[Any, Any, Any]) -> CheckAnswer:
    """Check an application file without keeping it: all that filing would refuse; 422 if it has not the shape of one."""
    caller, site, body = caller_of(request), site_of(request), await request.body()
    scope = caller.require("prepare")
    application, problems = await asyncio.to_thread(look, body)
    if application is None:
        raise Refused.because(problems)
    return CheckAnswer.of(await foresee(scope, application, registry=site.registry, at=site.clock.now()))


@post("/applications/{reference:str}/check", status_code=200, responses=errors(401, 403, 404, 422))
async def check_kept(request: Request[Any, Any, Any], reference: FromPath[str]) -> CheckAnswer:
    """Check an application that is kept here, as filing it now would; changes nothing."""
    caller, site = caller_of(request), site_of(request)
    scope = caller.require("see")
    draft = await find(scope, known_reference(reference))
    return CheckAnswer.of(await _outlook(site, draft, scope))


def known_reference(reference: str) -> str:
    """A reference of ours in its own spelling. Raises NotFound for anything that cannot be one."""
    spelt = reference.strip().upper()
    if not _REFERENCE.fullmatch(spelt):
        raise NotFound("There is no such application.", box="reference", rule="known reference")
    return spelt


async def _whole(site: Site, draft: Draft, scope: Scope) -> ApplicationAnswer:
    standing = await of_application(scope, draft.id)
    certificate = await CertificateAnswer.of(standing, site.config.site.public_url) if standing else None
    if draft.state not in OPEN:
        return ApplicationAnswer.of(draft, certificate=certificate)
    outlook = await _outlook(site, draft, scope)
    return ApplicationAnswer.of(draft, problems=outlook.problems, warnings=outlook.warnings, certificate=certificate)


async def _outlook(site: Site, draft: Draft, scope: Scope) -> Outlook:
    return await foresee(scope, draft.application, registry=site.registry, at=site.clock.now(), draft=draft)
