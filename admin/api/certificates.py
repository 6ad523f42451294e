"""The certificate of an application as its file: the signed bytes, nothing made for the occasion."""

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
from engine.proof import of_application

__all__ = ["download"]


@get("/applications/{reference:str}/certificate", media_type="application/pdf", responses=errors(401, 403, 404, 503))
async def download(request: Request[Any, Any, Any], reference: FromPath[str]) -> Response[bytes]:
    """Download the signed PDF; 404 until it is issued."""
    caller, site = caller_of(request), site_of(request)
    caller.require("see")
    draft = await find(caller.scope, known_reference(reference))
    standing = await of_application(caller.scope, draft.id)
    sha256 = await newest_file(standing) if standing and standing.state in LET_OUT else None
    if standing is None or sha256 is None:
        raise NotFound(f"The application {draft.reference} has no issued certificate.", box="reference", rule="certificate issued")
    etag = f'"{sha256}"'
    headers = {"etag": etag, "content-disposition": f'attachment; filename="{file_name(standing.number)}"'}
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, media_type="application/pdf", headers={"etag": etag})
    return Response(await site.files.get(sha256), media_type="application/pdf", headers=headers)
