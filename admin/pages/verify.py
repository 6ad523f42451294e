"""Verify Certificate: by number and captcha, by the code of the QR, or by the file itself.

A stranger sees what the printed certificate shows and nothing else; a number that is hidden, void or never existed
reads the same as any unknown one. What was typed is kept when something has to be typed again.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from admin.limits import address_of
from admin.pages.rendering import page
from admin.parts import count_question, parts_of
from admin.verdicts import ALTERED_UNSHOWN, UNKNOWN_CODE, UNKNOWN_FILE, VERDICTS, reasons_of, tidy
from engine.application import LEGACY_PLATFORM
from engine.certificate import Verdict
from engine.errors import Refused
from engine.people import answer_captcha, captcha_media, new_captcha
from engine.proof import Answer

__all__ = ["MOST_PDF_BYTES", "by_code", "by_file", "by_number", "captcha", "form"]

MOST_PDF_BYTES = 8_000_000

_MEDIA = {"image": "image/png", "audio": "audio/wav"}
_CODES_PER_TRY = 5  # a code cannot be guessed, and a customs house may stand behind one address


@get("/verify", include_in_schema=False)
async def form(request: Request[Any, Any, Any]) -> Response[str]:
    """The two ways to verify, with a fresh question."""
    count_question(request, "verify_form")
    return await _form(request)


@post("/verify", status_code=200, include_in_schema=False)
async def by_number(request: Request[Any, Any, Any]) -> Response[str]:
    """The verdict on a number, once the question was answered right."""
    count_question(request, "verify_page")
    sent = await request.form()
    number = tidy(_text(sent.get("number")))
    if sent.get("act") == "renew":
        return await _form(request, number=number)
    if not number:
        return await _form(request, status=422, wrong={"number": "Type the number of the certificate."})
    site = parts_of(request).site
    try:
        await answer_captcha(_id(sent.get("captcha")), _text(sent.get("answer")), site.clock.now())
    except Refused as refusal:
        return await _form(request, status=422, number=number, wrong={"answer": refusal.say})
    return _verdict(request, await site.verifier.argument(number), asked=number)


@post("/verify/file", status_code=200, request_max_body_size=MOST_PDF_BYTES, include_in_schema=False)
async def by_file(request: Request[Any, Any, Any]) -> Response[str]:
    """The verdict on a PDF; what it is shows in its bytes, its name is not looked at."""
    count_question(request, "verify_page")
    parts = parts_of(request)
    parts.limits.hit("verify_file", address_of(request), parts.site.config.verify.files_per_minute)
    sent = (await request.form()).get("file")
    data = await sent.read() if isinstance(sent, UploadFile) else b""
    if not data:
        return await _form(request, status=422, wrong={"file": "Choose the PDF file of the certificate."})
    return _verdict(request, await parts.site.verifier.file(data), unknown=UNKNOWN_FILE)


@get(["/v/{code:str}", "/V/{code:str}"], include_in_schema=False)
async def by_code(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[str]:
    """The verdict on the code that the QR carries."""
    count_question(request, "verify_code", times=_CODES_PER_TRY)
    return _verdict(request, await parts_of(request).site.verifier.code(tidy(code)), unknown=UNKNOWN_CODE)


@get("/verify/captcha/{kind:str}", include_in_schema=False)
async def captcha(request: Request[Any, Any, Any], kind: FromPath[str], t: FromQuery[str] = "") -> Response[bytes]:
    """The question as a picture or as sound, from the ticket that the page carries."""
    if kind not in _MEDIA:
        raise NotFoundException
    count_question(request, "verify_media", times=2)
    data = await captcha_media(parts_of(request).site.secrets, tidy(t), kind)
    return Response(data, media_type=_MEDIA[kind])


async def _form(
    request: Request[Any, Any, Any], *, status: int = 200, number: str = "", wrong: dict[str, str] | None = None
) -> Response[str]:
    site = parts_of(request).site
    challenge = await new_captcha(site.secrets, site.clock.now())
    return page(request, "verify.html", status=status, form=True, number=number, wrong=wrong or {}, challenge=challenge)


def _verdict(request: Request[Any, Any, Any], answer: Answer, *, asked: str = "", unknown: str = "") -> Response[str]:
    """The page of a verdict; `unknown` is the advice where nothing was found, if it is not that for a number."""
    said = VERDICTS[answer.verdict]
    advice = said.advice
    if answer.verdict is Verdict.UNKNOWN and unknown:
        advice = unknown
    elif answer.verdict is Verdict.ALTERED and answer.certificate is None:
        advice = ALTERED_UNSHOWN
    return page(
        request,
        "verdict.html",
        verdict=str(answer.verdict),
        said=said,
        advice=advice,
        reasons=reasons_of(answer),
        certificate=answer.certificate,
        asked=asked,
        legacy_platform=LEGACY_PLATFORM,
        now=_now(request).isoformat(),
    )


def _now(request: Request[Any, Any, Any]) -> datetime:
    return parts_of(request).site.clock.now()


def _text(value: object) -> str:
    """A form's text; a file sent in its place is no text."""
    return value if isinstance(value, str) else ""


def _id(value: object) -> UUID:
    """The question's id; anything else becomes one that no question has."""
    try:
        return UUID(_text(value))
    except ValueError:
        return UUID(int=0)
