"""Register: a person asks to administer an agency, to be its officer, or to file as a customs broker.

The answer is the same whoever asks: a letter with a link goes to the address, and only what its holder confirms is seen by
anybody. What was typed is kept when something has to be typed again, but a file has to be chosen anew.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from admin.limits import address_of
from admin.pages.forms import sent, wrong_of
from admin.pages.rendering import page
from admin.parts import count_by_address, site_of
from admin.persons import go
from engine.clock import ist_day
from engine.errors import Refused
from engine.people.agencies.registered import Choice, agencies_to_choose, offices_to_choose
from engine.people.joining.letters import MOST_BYTES, Attached, read_letter
from engine.people.joining.registering import Asker, ask_registration, behind_link, prove_request, withdraw_request
from engine.people.joining.tables import Applicant
from engine.store.quota import take_of_day

__all__ = ["HANDLERS", "letter_in"]

_ASKED_PER_MINUTE, _SEEN_PER_MINUTE = 6, 60
_ASKED_PER_DAY = 40  # each may leave a letter here
_LONGEST = 100
MOST_BODY_BYTES = MOST_BYTES + 200_000
_ROLES = {str(Applicant.ADMINISTRATOR): "Administrator", str(Applicant.OFFICER): "Officer"}
_APPENDICES = {
    "2B": "Appendix 2B, preferential certificates",
    "2E": "Appendix 2E, non-preferential certificates",
    "RA": "Regional Authorities of DGFT",
}
# In the order of the forms.
_AGENCY_FIELDS = ("agency", "role", "office", "email", "name", "designation", "phone")
_BROKER_FIELDS = ("firm", "licence", "name", "email", "phone")


@get("/", include_in_schema=False)
async def choose(request: Request[Any, Any, Any], q: FromQuery[str] = "") -> Response[Any]:
    """Register User As: an agency from the register, or a customs broker."""
    count_by_address(request, "register_page", _SEEN_PER_MINUTE)
    words = q[:_LONGEST].casefold().split()
    found = [each for each in await _agencies(request) if all(word in f"{each.code} {each.name}".casefold() for word in words)]
    return page(request, "register.html", q=q[:_LONGEST], groups=_grouped(found), roles=_ROLES, code="", role="", wrong={})


@get("/agency", include_in_schema=False)
async def agency_form(request: Request[Any, Any, Any], agency: FromQuery[str] = "", role: FromQuery[str] = "") -> Response[Any]:
    """What an administrator or an officer of that agency tells of themselves."""
    count_by_address(request, "register_page", _SEEN_PER_MINUTE)
    return await _agency_form(request, {"agency": agency[:12], "role": role[:20]})


@post("/agency", status_code=200, request_max_body_size=MOST_BODY_BYTES, include_in_schema=False)
async def ask_for_agency(request: Request[Any, Any, Any]) -> Response[Any]:
    """Takes the request and mails the link that proves it."""
    count_by_address(request, "register", _ASKED_PER_MINUTE)
    told = await sent(request, *_AGENCY_FIELDS)
    chosen = await _chosen(request, told)
    if chosen is None:
        return await _agency_form(request, told)
    wrong: dict[str, str] = {}
    letter = await letter_in(request, wrong) if told["role"] == Applicant.ADMINISTRATOR else None
    office = next((each.id for each in await offices_to_choose(chosen.id) if each.code == told["office"]), None)
    asker = Asker(
        role=Applicant(told["role"]),
        email=told["email"].strip()[:300],
        name=told["name"],
        designation=told["designation"],
        phone=told["phone"].strip(),
        agency_id=chosen.id,
        office_id=office if told["role"] == Applicant.OFFICER else None,
        letter=letter,
    )
    return await _ask(request, asker, wrong) or await _agency_form(request, told, wrong)


@get("/broker", include_in_schema=False)
async def broker_form(request: Request[Any, Any, Any]) -> Response[Any]:
    """What a customs broker tells of the firm."""
    count_by_address(request, "register_page", _SEEN_PER_MINUTE)
    return page(request, "register_broker.html", form=True, told=defaultdict(str), wrong={})


@post("/broker", status_code=200, include_in_schema=False)
async def ask_for_broker(request: Request[Any, Any, Any]) -> Response[Any]:
    """Takes the request and mails the link that proves it."""
    count_by_address(request, "register", _ASKED_PER_MINUTE)
    told, wrong = await sent(request, *_BROKER_FIELDS), dict[str, str]()
    asker = Asker(
        role=Applicant.BROKER,
        email=told["email"].strip()[:300],
        name=told["name"],
        phone=told["phone"].strip(),
        firm=told["firm"],
        licence=told["licence"].strip(),
    )
    done = await _ask(request, asker, wrong)
    return done or page(request, "register_broker.html", status=422, form=True, told=told, wrong=wrong)


@get("/asked", include_in_schema=False)
async def asked(request: Request[Any, Any, Any]) -> Response[Any]:
    """What happens now; the same for everybody."""
    return page(request, "register_asked.html")


@get("/prove/{token:str}", include_in_schema=False)
async def look(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
    """The request behind a mailed link; looking proves nothing, since programs look at what comes by mail."""
    return await _behind(request, token)


@post("/prove/{token:str}", status_code=200, include_in_schema=False)
async def confirm(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
    """Confirms that the request is the person's own: from now on it waits for a decision."""
    count_by_address(request, "register_link", _SEEN_PER_MINUTE)
    site = site_of(request)
    try:
        await prove_request(token[:_LONGEST], box=site.secrets, base=site.config.site.public_url, at=site.clock.now())
    except Refused as refusal:
        return await _behind(request, token, {"link": refusal.say})
    return go(request, f"/register/prove/{token[:_LONGEST]}")


@post("/prove/{token:str}/withdraw", status_code=200, include_in_schema=False)
async def withdraw(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
    """Takes the request back."""
    count_by_address(request, "register_link", _SEEN_PER_MINUTE)
    try:
        await withdraw_request(token[:_LONGEST], at=site_of(request).clock.now())
    except Refused as refusal:
        return await _behind(request, token, {"link": refusal.say})
    return page(request, "register_link.html", found=None, withdrawn=True, token="", wrong={})


HANDLERS = [choose, agency_form, ask_for_agency, broker_form, ask_for_broker, asked, look, confirm, withdraw]


async def letter_in(request: Request[Any, Any, Any], wrong: dict[str, str]) -> Attached | None:
    """The letter that the form brought; None, and said in `wrong`, if it is missing or does not do."""
    file = (await request.form()).get("letter")
    try:
        return await asyncio.to_thread(read_letter, await file.read() if isinstance(file, UploadFile) else b"")
    except Refused as refusal:
        wrong["letter"] = refusal.say
        return None


async def _ask(request: Request[Any, Any, Any], asker: Asker, wrong: dict[str, str]) -> Response[Any] | None:
    """Leads on if the request was taken; None, with what is wrong, if not."""
    site = site_of(request)
    try:
        await take_of_day("registration", address_of(request), _ASKED_PER_DAY, at=site.clock.now())
        await ask_registration(asker, files=site.files, box=site.secrets, base=site.config.site.public_url, at=site.clock.now())
    except Refused as refusal:
        found = wrong_of(refusal, otherwise="email") | wrong  # what is said of the letter that came is said better
        in_order = _BROKER_FIELDS if asker.role is Applicant.BROKER else (*_AGENCY_FIELDS, "letter")
        wrong.clear()
        wrong.update(sorted(found.items(), key=lambda each: in_order.index(each[0]) if each[0] in in_order else -1))
        return None
    return go(request, "/register/asked")


async def _agency_form(request: Request[Any, Any, Any], told: Mapping[str, str], wrong: dict[str, str] | None = None) -> Response[Any]:
    chosen = await _chosen(request, told)
    if chosen is None:
        return await _choose_again(request, told)
    return page(
        request,
        "register_agency.html",
        status=422 if wrong else 200,
        form=True,
        agency=chosen,
        role=told["role"],
        role_name=_ROLES[told["role"]],
        offices=await offices_to_choose(chosen.id) if told["role"] == Applicant.OFFICER else (),
        told=defaultdict(str, told),
        wrong=wrong or {},
        most_bytes=MOST_BYTES,
    )


async def _choose_again(request: Request[Any, Any, Any], told: Mapping[str, str]) -> Response[Any]:
    """The first page once more, with everything that is still to be chosen, and what was chosen kept."""
    agencies, role = await _agencies(request), told["role"] if told["role"] in _ROLES else ""
    code = next((each.code for each in agencies if each.code == told["agency"]), "")
    wrong = ({} if code else {"agency": "Choose an agency from the list."}) | ({} if role else {"role": "Choose what you are there."})
    return page(request, "register.html", status=422, q="", groups=_grouped(agencies), roles=_ROLES, code=code, role=role, wrong=wrong)


async def _chosen(request: Request[Any, Any, Any], told: Mapping[str, str]) -> Choice | None:
    """The agency of that code, if it is listed and the role is one of an agency's."""
    if told["role"] not in _ROLES:
        return None
    return next((each for each in await _agencies(request) if each.code == told["agency"]), None)


async def _agencies(request: Request[Any, Any, Any]) -> tuple[Choice, ...]:
    return await agencies_to_choose(ist_day(site_of(request).clock.now()))


def _grouped(agencies: list[Choice] | tuple[Choice, ...]) -> dict[str, list[Choice]]:
    """The agencies below each appendix that lists them."""
    groups = {say: [each for each in agencies if appendix in each.appendices] for appendix, say in _APPENDICES.items()}
    return {say: found for say, found in groups.items() if found}


async def _behind(request: Request[Any, Any, Any], token: str, wrong: dict[str, str] | None = None) -> Response[Any]:
    count_by_address(request, "register_link", _SEEN_PER_MINUTE)
    found = await behind_link(token, site_of(request).clock.now()) if len(token) <= _LONGEST else None
    status = 422 if wrong and found else 200 if found else 404
    return page(
        request,
        "register_link.html",
        status=status,
        form=True,
        found=found,
        withdrawn=False,
        token=token if found else "",
        wrong=wrong or {},
    )
