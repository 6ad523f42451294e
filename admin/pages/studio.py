"""The stamp studio: an upload, what was made of it, adjusting, a look at it on a form, and the versions before.

One page for the office's stamp, an officer's hand (their own, or by the administrator) and an exporter's user's own hand.
An upload lies on the server between the steps and travels in no form; whoever may not see whose picture it is gets nothing
of it.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from admin.errors import status_of
from admin.pages.adjusting import Wrong, adjust_of, typed_of
from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.pages.studio_showing import Studio, drawn_on, forms_of, hash_of, png_of, upload_of
from admin.parts import parts_of, site_of
from admin.persons import go, person_of, require_fresh
from engine.contracts.drawing import Adjust
from engine.errors import EngineError, Refused, TooMany, Unavailable
from engine.people.access import RoleKind
from engine.people.changes import TYPING
from engine.people.pictures import (
    LEAST_SCORE,
    Bearer,
    BearerKind,
    Draft,
    adjust_draft,
    bearer_office,
    bearer_officer,
    draft_of,
    drop_draft,
    own_bearer,
    take_upload,
    use_draft,
    versions_of,
    waiting_picture,
)

__all__ = ["FIRM_PICTURE", "MOST_PICTURE_BYTES", "OFFICERS_PICTURE", "OFFICE_STAMP", "OWN_PICTURE"]

MOST_PICTURE_BYTES = 8 * 1024 * 1024
_AROUND_BYTES = 64 * 1024
_PER_MINUTE, _DRAWN_PER_MINUTE = 20, 30
_DPI = 110
_PRIVATE = {"cache-control": "private, no-cache"}
_RETRY_S = "5"

Web = Request[Any, Any, Any]
Find = Callable[[Web], Awaitable[Bearer]]


class Here(Protocol):
    """The studio that a request is in; `step` is what its path has behind the studio's own."""

    async def __call__(self, request: Web, step: str = "") -> Studio: ...


def _studio(find: Find) -> list[Any]:
    """The pages of one kind of studio; `find` gives whose picture it is, as far as the person may see it."""

    async def here(request: Web, step: str = "") -> Studio:
        bearer = await find(request)
        return Studio(request, person_of(request), bearer, request.scope["path"].rstrip("/").removesuffix(step))

    @get("/", include_in_schema=False)
    async def show(request: Web) -> Response[Any]:
        """The picture that is used, the one that waits, the person's draft, and the versions before."""
        return await _page(await here(request))

    return [show, *_at_work(here), *_looked_at(here)]


def _at_work(here: Here) -> list[Any]:
    """What a person does with an upload, step by step."""

    @post("/", status_code=200, request_max_body_size=MOST_PICTURE_BYTES + _AROUND_BYTES, include_in_schema=False)
    async def upload(request: Web) -> Response[Any]:
        """Takes a photo or a scan, and shows what was made of it."""
        studio = await here(request)
        _count(request, "picture", _PER_MINUTE)
        site, given = site_of(request), (await request.form()).get("file")
        data = await given.read() if isinstance(given, UploadFile) else b""
        if not data:
            return await _page(studio, Refused("Choose a photo or a scan first.", box="file"))
        at = site.clock.now()
        return await _done(studio, take_upload(studio.person, studio.bearer, data, room=site.studio(), files=site.files, at=at), box="file")

    @post("/adjust", status_code=200, include_in_schema=False)
    async def adjust(request: Web) -> Response[Any]:
        """Cleans the upload again, as it was adjusted or by itself."""
        studio = await here(request, "/adjust")
        _count(request, "picture", _PER_MINUTE)
        site, told = site_of(request), await sent(request, "act", "threshold", "left", "top", "right", "bottom", "rotation")
        try:
            wanted = Adjust() if told["act"] == "automatic" else adjust_of(told)
        except Wrong as wrong:
            return await _page(studio, wrong=wrong.fields, typed=told)
        at = site.clock.now()
        return await _done(
            studio, adjust_draft(studio.person, studio.bearer, wanted, room=site.studio(), files=site.files, at=at), box="threshold"
        )

    @post("/use", status_code=200, guards=[require_fresh], include_in_schema=False)
    async def use(request: Web) -> Response[Any]:
        """Asks for the draft to be used: a second person confirms, but for an exporter's user's own."""
        studio, told, site = await here(request, "/use"), await sent(request, "seen", "despite"), site_of(request)
        asked = use_draft(
            studio.person,
            studio.bearer,
            told["seen"],
            despite_score=told["despite"] == "yes",
            files=site.files,
            effects=site.effects,
            box=site.secrets,
            base=site.config.site.public_url,
            limits=site.config.access,
            at=site.clock.now(),
        )
        return await _done(studio, asked, box="draft", mark="?used=1")

    @post("/drop", status_code=200, include_in_schema=False)
    async def drop(request: Web) -> Response[Any]:
        """Gives the draft up."""
        studio = await here(request, "/drop")
        await drop_draft(studio.person, studio.bearer, site_of(request).clock.now())
        return go(request, studio.path)

    return [upload, adjust, use, drop]


def _looked_at(here: Here) -> list[Any]:
    """The pictures by themselves, and on a form."""

    @get("/pictures/{picture:str}", include_in_schema=False)
    async def picture(request: Web, picture: FromPath[str]) -> Response[Any]:
        """One picture: `upload` and `draft` of the person's own draft, `waiting`, `live`, or a version by its number."""
        studio = await here(request)
        if picture == "upload":
            return _picture(await upload_of(studio), "image/jpeg")
        return _picture(await png_of(studio, picture), "image/png")

    @get("/form", include_in_schema=False)
    async def form(request: Web, of: FromQuery[str] = "live", scheme: FromQuery[str] = "") -> Response[Any]:
        """The form of a scheme with the picture in its place: choose one, look at it."""
        studio = await here(request, "/form")
        await hash_of(studio, of)  # a picture that is not there has no page either
        forms = forms_of(studio)
        chosen = next((each for each in forms if each.scheme == scheme), forms[0] if forms else None)
        return page(request, "studio_form.html", bearer=studio.bearer, studio=studio.path, forms=forms, chosen=chosen, of=of)

    @get("/form/page", include_in_schema=False)
    async def form_page(request: Web, of: FromQuery[str] = "live", scheme: FromQuery[str] = "") -> Response[Any]:
        """The page of the form that shows the picture, as a picture."""
        studio = await here(request, "/form/page")
        _count(request, "picture_drawn", _DRAWN_PER_MINUTE)
        drawing = await drawn_on(studio, of, scheme)
        return _picture(await site_of(request).studio().picture(drawing.pdf, drawing.signature.page, _DPI), "image/png")

    @get("/form/pdf", include_in_schema=False)
    async def form_pdf(request: Web, of: FromQuery[str] = "live", scheme: FromQuery[str] = "") -> Response[Any]:
        """The whole form as PDF, marked SPECIMEN."""
        studio = await here(request, "/form/pdf")
        _count(request, "picture_drawn", _DRAWN_PER_MINUTE)
        drawing = await drawn_on(studio, of, scheme)
        headers = {**_PRIVATE, "content-disposition": 'inline; filename="specimen.pdf"'}
        return Response(drawing.pdf, media_type="application/pdf", headers=headers)

    return [picture, form, form_page, form_pdf]


# --- whose picture it is ----------------------------------------------------------------------


async def _office(request: Web) -> Bearer:
    return await bearer_office(person_of(request).scope, _id(request, "office"))


async def _officer(request: Web) -> Bearer:
    return await bearer_officer(person_of(request).scope, _id(request, "officer"))


async def _own(request: Web) -> Bearer:
    return await own_bearer(person_of(request))


def _id(request: Web, name: str) -> UUID:
    id: UUID = request.path_params[name]
    return id


OFFICE_STAMP, OFFICERS_PICTURE, OWN_PICTURE, FIRM_PICTURE = _studio(_office), _studio(_officer), _studio(_own), _studio(_own)


# --- the page ---------------------------------------------------------------------------------


async def _done(studio: Studio, act: Awaitable[Any], *, box: str, mark: str = "") -> Response[Any]:
    """Does it and leads back to the page; or shows the page with what went wrong, and everything still there."""
    try:
        await act
    except TooMany:
        raise
    except (Refused, Unavailable) as error:
        if error.code in {"prove", "role"}:
            raise
        return await _page(studio, error, box=box)
    return go(studio.request, f"{studio.path}{mark}#result" if not mark else f"{studio.path}{mark}")


async def _page(
    studio: Studio,
    error: EngineError | None = None,
    *,
    box: str = "",
    wrong: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> Response[Any]:
    request, site = studio.request, site_of(studio.request)
    at = site.clock.now()
    draft = await draft_of(studio.person, studio.bearer, at)
    found = dict(wrong or {})
    if error is not None:
        at_fault = error.box if error.box in {"file", "despite"} else box or "file"
        found[at_fault if draft or at_fault == "file" else "file"] = error.say
    status = status_of(error) if error is not None else 422 if found else 200
    answer = page(
        request,
        "studio.html",
        status=status,
        form=True,
        bearer=studio.bearer,
        words=_words(studio),
        back=_back(studio),
        studio=studio.path,
        draft=draft,
        typed=typed or (typed_of(draft.adjust) if draft else {}),
        wrong=found,
        busy=isinstance(error, Unavailable),
        least=LEAST_SCORE,
        most_bytes=MOST_PICTURE_BYTES,
        fresh=studio.person.proved_within(timedelta(minutes=site.config.access.fresh_minutes) + TYPING / 2, at),
        used="used" in request.query_params,
        waiting=await waiting_picture(studio.bearer),
        versions=await versions_of(studio.bearer),
        look_again=_look_again(draft, found),
    )
    if status == 503:
        answer.headers["retry-after"] = _RETRY_S
    return answer


def _look_again(draft: Draft | None, wrong: dict[str, str]) -> bool:
    """Whether the fields to adjust stand open: the result is bad, was adjusted before, or a field is wrong."""
    if draft is None:
        return False
    return draft.quality < LEAST_SCORE or draft.adjust != Adjust() or bool(wrong.keys() - {"file", "draft", "despite"})


def _words(studio: Studio) -> dict[str, str]:
    """What the page calls the thing and its bearer."""
    own = studio.bearer.account_id == studio.person.account_id
    match studio.bearer.kind:
        case BearerKind.OFFICE:
            return {"title": "Office stamp", "of": f"{studio.bearer.name} ({studio.bearer.detail})", "thing": "stamp"}
        case _ if own:
            return {"title": "My signature picture", "of": f"{studio.bearer.name}, {studio.bearer.detail}", "thing": "signature"}
        case _:
            return {"title": "Signature picture", "of": f"{studio.bearer.name}, {studio.bearer.detail}", "thing": "signature"}


def _back(studio: Studio) -> tuple[tuple[str, str], ...]:
    """The way back: to the office, the officer or the firm whose picture it is."""
    bearer, role = studio.bearer, studio.person.role
    match bearer.kind:
        case BearerKind.OFFICE:
            return ("/offices", "Office Management"), (f"/offices/{bearer.id}", bearer.name)
        case BearerKind.OFFICER if role is not None and role.kind is RoleKind.ADMINISTRATOR:
            return ("/users", "User Management"), (f"/users/{bearer.id}", bearer.name)
        case BearerKind.USER:
            return (("/firm", "My firm"),)
        case _:
            return (("/dashboard", "My Dashboard"),)


def _picture(data: bytes, media_type: str) -> Response[bytes]:
    return Response(data, media_type=media_type, headers=_PRIVATE)


def _count(request: Web, name: str, per_minute: int) -> None:
    parts_of(request).limits.hit(name, str(person_of(request).account_id), per_minute)
