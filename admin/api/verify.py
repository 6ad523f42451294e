"""Verification by machine: the one part of the API that is open to strangers, within limits.

By code, link or file for anybody; by number for holders of a key, since numbers can be guessed and a program cannot
answer a captcha. A look-up by number touches one indexed row and memory.
"""

from typing import Annotated, Any, Literal, cast

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import NotAuthorizedException
from litestar.params import QueryParameter
from msgspec import Struct

from admin.api.description import FileOperation, errors
from admin.guards import optional_caller
from admin.limits import EVERYBODY, address_of
from admin.parts import Parts, parts_of
from admin.verdicts import say, tidy
from engine.errors import Problem, Refused
from engine.proof import Answer

__all__ = ["MOST_PDF_BYTES", "VerifyAnswer", "by_file", "by_question"]

MOST_PDF_BYTES = 8_000_000

Word = Annotated[str | None, QueryParameter(max_length=500)]


class VerifyAnswer(Struct, frozen=True):
    """The verdict, the codes of its reasons, what the printed certificate shows or null, and the verdict as a sentence."""

    verdict: Literal["genuine", "altered", "superseded", "cancelled", "legacy", "unknown"]
    reasons: list[str]
    certificate: dict[str, Any] | None
    say: str


@get("/verify", responses=errors(401, 422, 429))
async def by_question(request: Request[Any, Any, Any], number: Word = None, code: Word = None, link: Word = None) -> Response[VerifyAnswer]:
    """Verify by exactly one of `code`, `link` or, with a key, `number`."""
    parts = parts_of(request)
    _count(parts, request)
    caller = await optional_caller(request)
    verifier = parts.site.verifier
    match number, code, link:
        case str(), None, None:
            if caller is None:
                raise NotAuthorizedException(headers={"WWW-Authenticate": 'Bearer realm="ecoo"'})
            return _answer(await verifier.number(tidy(number)))
        case None, str(), None:
            return _answer(await verifier.code(tidy(code)))
        case None, None, str():
            return _answer(await verifier.link(tidy(link)))
        case _:
            raise Refused.because([Problem("number, code, link", "exactly one", "Ask by exactly one of number, code and link.")])


@post(
    "/verify",
    status_code=200,
    request_max_body_size=MOST_PDF_BYTES,
    operation_class=FileOperation,
    responses=errors(401, 413, 415, 422, 429, 503),
)
async def by_file(request: Request[Any, Any, Any]) -> Response[VerifyAnswer]:
    """Verify a PDF: the bytes as the body, or as the field `file` of a form."""
    parts = parts_of(request)
    _count(parts, request)
    await optional_caller(request)
    data = await _sent(request)
    if not data:
        raise Refused.because([Problem("file", "a file", "Send the PDF as the body, or as the field `file` of a form.")])
    return _answer(await parts.site.verifier.file(data))


async def _sent(request: Request[Any, Any, Any]) -> bytes:
    if request.content_type[0] == "multipart/form-data":
        field = (await request.form()).get("file")
        return await field.read() if isinstance(field, UploadFile) else b""
    return await request.body()


def _count(parts: Parts, request: Request[Any, Any, Any]) -> None:
    limit = parts.site.config.verify
    # The address first: what it is refused must not use up everybody's.
    parts.limits.hit("verify", address_of(request), limit.per_minute)
    parts.limits.hit("verify", EVERYBODY, limit.global_per_minute)


def _answer(answer: Answer) -> Response[VerifyAnswer]:
    """The answer as JSON; what the certificate shows is passed on as it was stored, unread."""
    body = {
        "verdict": answer.verdict.value,
        "reasons": answer.reasons,
        "certificate": msgspec.Raw(answer.certificate.as_json()) if answer.certificate is not None else None,
        "say": say(answer),
    }
    return Response(cast("Any", msgspec.json.encode(body)), media_type="application/json")
