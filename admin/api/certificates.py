"""The certificate of an application as its files: the signed bytes as they are, and its unsigned printable leaves."""

from typing import Any

from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Response

from admin.api.answers import LET_OUT, newest_file
from admin.api.applications import known_reference
from admin.api.description import errors
from admin.guards import caller_of
from admin.parts import site_of
from engine.certificate import file_name
from engine.errors import NotFound
from engine.filing import find
from engine.issuing.leaves import leaf_of, leaves_of
from engine.people import Caller
from engine.proof import Standing, of_application

__all__ = ["download", "leaf", "leaves"]


@get("/applications/{reference:str}/certificate", media_type="application/pdf", responses=errors(401, 403, 404, 503))
async def download(request: Request[Any, Any, Any], reference: FromPath[str]) -> Response[bytes]:
    """Download the signed PDF; 404 until it is issued."""
    caller, site = caller_of(request), site_of(request)
    standing = await _issued(caller, reference)
    sha256 = await newest_file(standing)
    if sha256 is None:
        raise NotFound(f"The certificate {standing.number} has no file.", box="reference", rule="certificate issued")
    etag = f'"{sha256}"'
    headers = {"etag": etag, "content-disposition": f'attachment; filename="{file_name(standing.number)}"'}
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, media_type="application/pdf", headers={"etag": etag})
    return Response(await site.files.get(sha256), media_type="application/pdf", headers=headers)


@get("/applications/{reference:str}/leaves", responses=errors(401, 403, 404))
async def leaves(request: Request[Any, Any, Any], reference: FromPath[str]) -> list[str]:
    """List the printable leaves of an issued certificate: original, duplicate, triplicate, as its form has them."""
    caller, site = caller_of(request), site_of(request)
    return list(leaves_of(await _issued(caller, reference), site.registry))


@get("/applications/{reference:str}/leaves/{name:str}", media_type="application/pdf", responses=errors(401, 403, 404, 422, 503))
async def leaf(request: Request[Any, Any, Any], reference: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """Download one leaf to print and sign in ink: unsigned, with the same number and code as the electronic copy."""
    caller, site = caller_of(request), site_of(request)
    standing = await _issued(caller, reference)
    async with site.drawing_room() as room:
        pdf = await leaf_of(
            standing,
            name,
            registry=site.registry,
            files=site.files,
            room=room,
            public_url=site.config.site.public_url,
            at=site.clock.now(),
        )
    file = file_name(standing.number).replace(".pdf", f"-{name}.pdf")
    return Response(pdf, media_type="application/pdf", headers={"content-disposition": f'attachment; filename="{file}"'})


async def _issued(caller: Caller, reference: str) -> Standing:
    """The certificate of an application that the caller may see. Raises NotFound until it is issued."""
    scope = caller.require("see")
    draft = await find(scope, known_reference(reference))
    standing = await of_application(scope, draft.id)
    if standing is None or standing.state not in LET_OUT:
        raise NotFound(f"The application {draft.reference} has no issued certificate.", box="reference", rule="certificate issued")
    return standing
