"""A first password for who was invited, a new one for who forgot it: by a link that works once."""

from typing import Any

from litestar import Request, get, post
from litestar.background_tasks import BackgroundTask
from litestar.params import FromPath
from litestar.response import Response

from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.pages.sign_in import count
from admin.parts import site_of
from admin.persons import go
from engine.errors import Refused
from engine.people.access import ask_reset, choose_password, is_good

__all__ = ["choose", "choose_form", "forgot", "forgot_form"]

_LONGEST = 100


@get("/password", include_in_schema=False)
async def forgot_form(request: Request[Any, Any, Any]) -> Response[Any]:
    """Asks for the address that the link goes to."""
    return page(request, "forgot.html", form=True, asked=False)


@post("/password", status_code=200, include_in_schema=False)
async def forgot(request: Request[Any, Any, Any]) -> Response[Any]:
    """Answers the same whether or not the address is known."""
    count(request, "forgot")
    told, site = await sent(request, "email"), site_of(request)
    answer = page(request, "forgot.html", form=True, asked=True)
    # After the answer is out: how long it takes would tell whether the address is known.
    answer.background = BackgroundTask(
        ask_reset, told["email"][:254], base=site.config.site.public_url, box=site.secrets, at=site.clock.now()
    )
    return answer


@get("/password/{token:str}", include_in_schema=False)
async def choose_form(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
    """The form behind the link; the link is used up by choosing, not by looking."""
    count(request, "password_link")
    good = len(token) <= _LONGEST and await is_good(token, site_of(request).clock.now())
    return page(request, "password.html", status=200 if good else 404, form=True, good=good, wrong={})


@post("/password/{token:str}", status_code=200, include_in_schema=False)
async def choose(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
    """Takes the new password, twice the same."""
    count(request, "password_link")
    told, site = await sent(request, "password", "again"), site_of(request)
    wrong: dict[str, str] = {}
    if told["password"] != told["again"]:
        wrong["again"] = "The two passwords are not the same; type the new one twice."
    else:
        try:
            await choose_password(token[:_LONGEST], told["password"], box=site.secrets, at=site.clock.now())
            return go(request, "/sign-in?chosen=1", "")
        except Refused as refusal:
            if refusal.box == "link":
                return page(request, "password.html", status=404, form=True, good=False, wrong={})
            wrong["password"] = refusal.say
    return page(request, "password.html", status=422, form=True, good=True, wrong=wrong)
