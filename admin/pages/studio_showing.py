"""What a studio shows of its pictures: by name, scoped to who may see whose picture it is, and on a form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request

from admin.parts import site_of
from engine.clock import ist_day
from engine.contracts.drawing import Drawing
from engine.contracts.form import Form
from engine.errors import NotFound
from engine.people.access import Principal
from engine.people.pictures import Bearer, BearerKind, draft_of, live_version, version_of, waiting_picture
from engine.templating.previewing import with_pictures

__all__ = ["Studio", "drawn_on", "forms_of", "hash_of", "png_of", "upload_of"]

_NONE = "There is no such picture."


@dataclass(frozen=True, slots=True)
class Studio:
    """A bearer's studio as one request sees it; `path` is its page."""

    request: Request[Any, Any, Any]
    person: Principal
    bearer: Bearer
    path: str


async def upload_of(studio: Studio) -> bytes:
    """The person's own upload, small and of our encoding."""
    draft = await draft_of(studio.person, studio.bearer, site_of(studio.request).clock.now())
    if draft is None or not draft.preview_sha256:
        raise NotFound(_NONE, code="picture")
    return await site_of(studio.request).files.get(draft.preview_sha256)


async def png_of(studio: Studio, name: str) -> bytes:
    """The cleaned picture of that name."""
    return await site_of(studio.request).files.get(await hash_of(studio, name))


async def hash_of(studio: Studio, name: str) -> str:
    """The hash of the cleaned picture of that name. Raises NotFound for one that is not there or not theirs."""
    found = ""
    if name == "draft":
        draft = await draft_of(studio.person, studio.bearer, site_of(studio.request).clock.now())
        found = draft.clean_sha256 if draft else ""
    elif name == "waiting":
        waiting = await waiting_picture(studio.bearer)
        found = waiting.sha256 if waiting else ""
    elif name == "live":
        version = await live_version(studio.bearer)
        found = version.sha256 if version else ""
    elif name.isascii() and name.isdigit() and len(name) < 7:
        version = await version_of(studio.bearer, int(name))
        found = version.sha256 if version else ""
    if not found:
        raise NotFound(_NONE, code="picture")
    return found


def forms_of(studio: Studio) -> Sequence[Form]:
    """The forms in force today that show such a picture."""
    site, issuer = site_of(studio.request), "self" if studio.bearer.kind is BearerKind.USER else "agency"
    return [form for form in site.registry.in_force(ist_day(site.clock.now())) if issuer in form.issuer_kinds and form.example]


async def drawn_on(studio: Studio, of: str, scheme: str) -> Drawing:
    """The form of that scheme with the picture of that name in its place. Raises NotFound without either."""
    png = await png_of(studio, of)
    form = next((each for each in forms_of(studio) if each.scheme == scheme), None)
    if form is None:
        raise NotFound("There is no such form.", code="form")
    site = site_of(studio.request)
    office = studio.bearer.kind is BearerKind.OFFICE
    today = ist_day(site.clock.now())
    return await with_pictures(form, site.studio(), today, stamp=png if office else None, appearance=None if office else png)
