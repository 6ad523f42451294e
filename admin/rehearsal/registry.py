"""The rehearsal registry: an OpenID provider and an IEC profile service on this machine, to try sign-in and sync against.

It stands in for DGFT, speaks with its own codecs, and knows nothing of the rooms that ask it. Anybody may sign in as
anybody, so it runs where `[site] rehearsal = true` alone, and says on every page that nobody here is real.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Litestar, Request, get, post
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Response, Stream

from admin.rehearsal.desk import Client, Desk, Wish, WishRefused
from admin.rehearsal.faults import AnswerFault, Endpoint

__all__ = ["HEADING", "create_registry", "rehearse"]

HEADING = "Rehearsal registry: nobody here is real"
_MOST_BODY = 20_000
_PAD = 70_000


def create_registry(desk: Desk) -> Litestar:
    """The web application of a rehearsal registry."""
    return Litestar(
        route_handlers=[about, style, metadata, keys, choose, chosen, token, of_person, of_iec, modify],
        state=State({"desk": desk}),
        openapi_config=None,
        request_max_body_size=_MOST_BODY,
        logging_config=None,
        debug=False,
    )


def rehearse(issuer: str, *, client_id: str, redirect_uri: str, client_secret: str, client_key: Any, profile_token: str) -> Litestar:
    """The registry that `ecoo rehearsal registry` serves on this machine, for the one site that its settings name."""
    client = Client(client_id, redirect_uri, client_secret, client_key)
    return create_registry(Desk(issuer, (client,), profile_token=profile_token))


@get("/")
async def about(request: Request[Any, Any, Any]) -> Response[str]:
    """What this is, and who can be chosen."""
    return _page("about.html", desk=_desk(request))


@get("/app.css", cache=True)
async def style() -> Response[bytes]:
    """The site's own stylesheet."""
    return Response((files("admin") / "static" / "app.css").read_bytes(), media_type="text/css")


@get("/.well-known/openid-configuration")
async def metadata(request: Request[Any, Any, Any]) -> Response[Any]:
    """OpenID Connect Discovery."""
    return await _answer(request, Endpoint.METADATA, _desk(request).metadata())


@get("/keys")
async def keys(request: Request[Any, Any, Any]) -> Response[Any]:
    """The JWKS."""
    return await _answer(request, Endpoint.KEYS, _desk(request).keys())


@get("/authorize")
async def choose(request: Request[Any, Any, Any]) -> Response[Any]:
    """The persons to choose from, if a registered site asks in the right way."""
    desk, wish = _desk(request), Wish.of(request.query_params)
    try:
        client = desk.admit(wish)
    except WishRefused as refusal:
        return _page("refused.html", status=400, say=str(refusal))
    if wanting := desk.wanting(wish):
        return _sent_back(desk.back(wish, error=wanting))
    if wish.prompt == "none":
        return _sent_back(desk.back(wish, error="login_required"))
    return _page("authorize.html", returning=client.redirect_uri, desk=desk, wish=asdict(wish), client=client)


@post("/authorize")
async def chosen(request: Request[Any, Any, Any]) -> Response[Any]:
    """Back to the site, with a code for the person who was chosen, or with the news that it was broken off."""
    desk, sent = _desk(request), await request.form()
    wish = Wish.of(sent)
    try:
        desk.admit(wish)
    except WishRefused as refusal:
        return _page("refused.html", status=400, say=str(refusal))
    if wanting := desk.wanting(wish):
        return _sent_back(desk.back(wish, error=wanting))
    person = desk.cast.person(str(sent.get("person", "")))
    if sent.get("act") != "consent" or person is None:
        return _sent_back(desk.back(wish, error="access_denied"))
    return _sent_back(desk.grant(wish, person))


@post("/token")
async def token(request: Request[Any, Any, Any]) -> Response[Any]:
    """A code becomes an ID token, once."""
    desk = _desk(request)
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    status, said = desk.redeem(form, request.headers.get("authorization", ""))
    return await _answer(request, Endpoint.TOKENS, said, status)


@post("/profiles/of-person")
async def of_person(request: Request[Any, Any, Any]) -> Response[Any]:
    """The profiles that name a person."""
    desk = _desk(request)
    if not desk.may_ask(request.headers.get("authorization", "")):
        return _json({"error": "invalid_token"}, 401)
    try:
        asked = json.loads(await request.body())
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        return _json({"error": "invalid_request"}, 400)
    return await _answer(request, Endpoint.PROFILE, {"profiles": desk.firms_of(asked.get("subject"), asked.get("email"))})


@get("/profiles/of-iec/{iec:str}")
async def of_iec(request: Request[Any, Any, Any], iec: FromPath[str]) -> Response[Any]:
    """The profile of an IEC."""
    desk = _desk(request)
    if not desk.may_ask(request.headers.get("authorization", "")):
        return _json({"error": "invalid_token"}, 401)
    firm = desk.firm(iec)
    return await _answer(request, Endpoint.PROFILE, firm) if firm else _json({"error": "unknown_iec"}, 404)


@get("/modify/{iec:str}")
async def modify(request: Request[Any, Any, Any], iec: FromPath[str]) -> Response[str]:
    """Where "Modify Your IEC" would be: the profile, and that it cannot be changed in a rehearsal."""
    firm = _desk(request).firm(iec)
    if firm is None:
        raise NotFoundException
    return _page("modify.html", firm=firm)


def _desk(request: Request[Any, Any, Any]) -> Desk:
    """The desk; every request is written down for the tests."""
    desk: Desk = request.app.state.desk
    desk.asked.append(f"{request.method} {request.scope['path']}")
    return desk


async def _answer(request: Request[Any, Any, Any], endpoint: Endpoint, said: Mapping[str, Any], status: int = 200) -> Response[Any]:
    """What is said, as JSON; or spoilt in the way that was set for this endpoint."""
    match request.app.state.desk.faults.answers.get(endpoint):
        case AnswerFault.SLOW:
            while (await request.receive())["type"] != "http.disconnect":
                pass
        case AnswerFault.OVERSIZED:
            return Stream(iter([json.dumps(said), " " * _PAD]), status_code=status, media_type="application/json")
        case AnswerFault.REDIRECT if "again" not in request.query_params:
            return Response(b"", status_code=307, headers={"location": f"{request.scope['path']}?again=1"})
        case AnswerFault.GARBAGE:
            return Response(b'{"issuer": \xff\x00', status_code=status, media_type="application/json")
        case AnswerFault.BROKEN:
            return _json({"error": "server_error"}, 500)
    return _json(said, status)


def _json(said: Mapping[str, Any], status: int = 200) -> Response[bytes]:
    return Response(json.dumps(said).encode(), status_code=status, media_type="application/json", headers={"cache-control": "no-store"})


def _sent_back(to: str) -> Redirect:
    return Redirect(to, status_code=303, headers={"cache-control": "no-store", "referrer-policy": "no-referrer"})


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("admin.rehearsal"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _page(template: str, *, status: int = 200, returning: str = "", **words: Any) -> Response[str]:
    """A page; `returning` is the site that its form may lead to, for browsers hold a form's redirects to the policy too."""
    parts = urlsplit(returning)
    back = f" {parts.scheme}://{parts.netloc}" if returning else ""
    policy = f"default-src 'none'; style-src 'self'; form-action 'self'{back}; frame-ancestors 'none'; base-uri 'none'"
    headers = {"content-security-policy": policy, "referrer-policy": "no-referrer", "cache-control": "no-store", "x-frame-options": "DENY"}
    html = _templates().get_template(template).render(heading=HEADING, **words)
    return Response(html, status_code=status, media_type="text/html", headers=headers)
