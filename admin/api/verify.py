"""Verification by machine: the one part of the API that is open to strangers, within limits.

By code, link or file for anybody; by number for holders of a key, since numbers can be guessed and a program cannot
answer a captcha. A look-up touches one indexed row and memory; it is the busiest address of a site, so it reads its
query and writes its answer itself, without Litestar's parameters and responses.
"""

from typing import Any, Literal
from urllib.parse import unquote_to_bytes

import msgspec
from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import NotAuthorizedException
from litestar.openapi import ResponseSpec
from litestar.types import ASGIApp, Receive, Send
from litestar.types import Scope as AsgiScope
from msgspec import Struct

from admin.api.description import FileOperation, QuestionOperation, errors
from admin.guards import optional_caller
from admin.limits import address_of
from admin.parts import Parts, count_question, parts_of
from admin.verdicts import say, tidy
from engine.errors import Problem, Refused
from engine.people import Caller
from engine.proof import Answer

__all__ = ["MOST_PDF_BYTES", "VerifyAnswer", "by_file", "by_question"]

MOST_PDF_BYTES = 8_000_000

_WAYS = {b"number": "number", b"code": "code", b"link": "link"}
_LONGEST = 500


class VerifyAnswer(Struct, frozen=True):
    """The verdict, the codes of its reasons, what the printed certificate shows or null, and the verdict as a sentence."""

    verdict: Literal["genuine", "altered", "superseded", "cancelled", "legacy", "unknown"]
    reasons: list[str]
    certificate: dict[str, Any] | None
    say: str


_ANSWER = ResponseSpec(VerifyAnswer, generate_examples=False, description="The verdict, whatever it is.")


@get("/verify", operation_class=QuestionOperation, responses={200: _ANSWER, **errors(401, 422, 429)})
async def by_question(request: Request[Any, Any, Any]) -> ASGIApp:
    """Verify by exactly one of `code`, `link` or, with a key, `number`."""
    parts = parts_of(request)
    caller = await _counted(parts, request)
    verifier = parts.site.verifier
    way, word = _question(request.scope["query_string"])
    if way == "code":
        return _answer(await verifier.code(word))
    if way == "link":
        return _answer(await verifier.link(word))
    if caller is None:
        raise NotAuthorizedException(headers={"WWW-Authenticate": 'Bearer realm="ecoo"'})
    return _answer(await verifier.number(word))


@post(
    "/verify",
    status_code=200,
    request_max_body_size=MOST_PDF_BYTES,
    operation_class=FileOperation,
    responses={200: _ANSWER, **errors(401, 413, 415, 422, 429, 503)},
)
async def by_file(request: Request[Any, Any, Any]) -> ASGIApp:
    """Verify a PDF: the bytes as the body, or as the field `file` of a form."""
    parts = parts_of(request)
    await _counted(parts, request)
    parts.limits.hit("verify_file", address_of(request), parts.site.config.verify.files_per_minute)
    data = await _sent(request)
    if not data:
        raise Refused.because([Problem("file", "a file", "Send the PDF as the body, or as the field `file` of a form.")])
    return _answer(await parts.site.verifier.file(data))


async def _sent(request: Request[Any, Any, Any]) -> bytes:
    if request.content_type[0] == "multipart/form-data":
        field = (await request.form()).get("file")
        return await field.read() if isinstance(field, UploadFile) else b""
    return await request.body()


def _question(query: bytes) -> tuple[str, str]:
    """The one way that was asked by, and its word. Raises Refused unless there is exactly one, of a length that can be."""
    fields = [field.partition(b"=") for field in query.split(b"&")]
    asked = [(_WAYS[name], word) for name, _, word in fields if name in _WAYS]
    if len(asked) != 1:
        raise Refused.because([Problem("number, code, link", "exactly one", "Ask by exactly one of number, code and link.")])
    way, sent = asked[0]
    word = unquote_to_bytes(sent.replace(b"+", b" ")).decode("utf-8", "replace")
    if len(word) > _LONGEST:
        raise Refused.because([Problem(way, "parameter", f"{way} is {len(word)} characters long; at most {_LONGEST} are read.")])
    return way, tidy(word)


async def _counted(parts: Parts, request: Request[Any, Any, Any]) -> Caller | None:
    """Who asks, or None for a stranger, once the try was counted: for the address, for everybody together, for the key."""
    count_question(request, "verify")
    caller = await optional_caller(request)
    if caller is not None:
        parts.limits.hit("verify_key", caller.actor, parts.site.config.verify.per_minute)
    return caller


def _answer(answer: Answer) -> ASGIApp:
    """The answer as JSON; what the certificate shows is passed on as it was stored, unread."""
    body = {
        "verdict": answer.verdict.value,
        "reasons": answer.reasons,
        "certificate": msgspec.Raw(answer.certificate.as_json()) if answer.certificate is not None else None,
        "say": say(answer),
    }
    return _json(msgspec.json.encode(body))


def _json(body: bytes) -> ASGIApp:
    """An answer of 200 with these bytes."""

    async def send_it(scope: AsgiScope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return send_it
