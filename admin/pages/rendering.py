"""Pages from templates: escaped by default, and with the words and dates that all of them share."""

import hashlib
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar.connection import Request
from litestar.enums import MediaType
from litestar.response import Response
from markupsafe import Markup

from admin.csrf import FIELD
from admin.headers import request_id
from admin.menu import menu_of
from admin.parts import parts_of
from admin.persons import seems_inside, whoever
from engine.clock import IST
from engine.money.fees import rupees

__all__ = ["page"]


@cache
def environment() -> Environment:
    """The templates, with everything escaped that is not markup of ours."""
    made = Environment(loader=PackageLoader("admin"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {"breakable": _breakable, "browser": _browser, "day": _day, "moment": _moment, "on_day": _on_day, "rupees": _rupees}
    made.globals |= {"asset": _asset}
    return made


def page(request: Request[Any, Any, Any], template: str, *, status: int = 200, form: bool = False, **words: Any) -> Response[str]:
    """A page. `form` seals it, so that what it sends back is taken; such a page sets a cookie.

    So does every page for who is signed in: it carries the button to sign out.
    """
    parts, person = parts_of(request), whoever(request)
    site = parts.site.config.site
    inside = seems_inside(request)
    sealed = form or inside
    token, cookie = parts.seal.token_for(request) if sealed else ("", None)
    html = (
        environment()
        .get_template(template)
        .render(
            demo=site.demo,
            host=urlsplit(site.public_url).netloc,
            path=request.scope["path"],
            request_id=request_id(request.scope),
            form_field=FIELD,
            form_token=token,
            person=person,
            inside=inside,
            menu=menu_of(person),
            **words,
        )
    )
    return Response(html, status_code=status, media_type=MediaType.HTML, cookies=[cookie] if cookie else [])


@cache
def _asset(name: str) -> str:
    """The address of a static file, which changes with its bytes, so that a browser may keep it."""
    data = (files("admin") / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(data).hexdigest()[:12]}"


def _breakable(value: str) -> Markup:
    """A number that may go on in the next line after each of its slashes, and reads and copies as one."""
    return Markup("/<wbr>").join(value.split("/"))  # join escapes every part


def _browser(agent: str) -> str:
    """A browser and its system by their names, as far as it says them."""
    name = next((name for sign, name in _BROWSERS if sign in agent), "Another program")
    system = next((system for sign, system in _SYSTEMS if sign in agent), "")
    return f"{name} on {system}" if system else name


# The first sign that is there counts: nearly every browser also names the others.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def _day(value: str) -> str:
    """A date on paper: 24 November 2026."""
    day = date.fromisoformat(value)
    return f"{day.day} {day:%B %Y}"


def _on_day(value: str) -> str:
    """The day in India of a moment: 24 November 2026."""
    return _day(datetime.fromisoformat(value).astimezone(IST).date().isoformat())


def _rupees(paise: int) -> str:
    """An amount in rupees, on one line: ₹ 1,23,456.00."""
    return f"₹\u00a0{rupees(paise)}"


def _moment(value: str) -> str:
    """A moment in India: 24 November 2026, 14:05 IST."""
    moment = datetime.fromisoformat(value).astimezone(IST)
    return f"{moment.day} {moment:%B %Y, %H:%M} IST"
