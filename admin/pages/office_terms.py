"""The terms of an office: what becomes of a fee, when a wallet's fee is taken, what a top-up is, and how receipts are numbered."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from admin.pages.forms import sent, wrong_of
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.errors import NotFound, Refused
from engine.money.terms import NewTerms, refund_sentence, set_terms, terms_of
from engine.money.terms.tables import FeeTaken, OnEnding, TopUpIs
from engine.people import OfficeHere
from engine.people.offices.keeping import office_by_id

__all__ = ["HANDLERS"]

_ON_ENDING = (
    (OnEnding.REFUND, "Pay it back the way it was paid", "What was paid from the wallet goes back to the wallet."),
    (
        OnEnding.WALLET,
        "Credit it to the firm's e-wallet at this office",
        "Whatever way it was paid; the firm spends it on other fees here.",
    ),
    (OnEnding.KEEP, "Keep it", "The office earned it by looking at the application."),
)
# Each choice: its field, its question, why it is asked, and the answers.
CHOICES: tuple[tuple[str, str, str, tuple[tuple[str, str, str], ...]], ...] = (
    ("on_rejection", "When an application is rejected, what becomes of the fee?", "Exporters read it before they pay.", _ON_ENDING),
    ("on_withdrawal", "When the exporter withdraws it, what becomes of the fee?", "Exporters read it before they pay.", _ON_ENDING),
    (
        "fee_taken",
        "When is a fee taken from a wallet?",
        "A fee through the gateway is always taken when it is paid.",
        (
            (
                FeeTaken.AT_ISSUE,
                "When the certificate is issued",
                "Until then it is set aside, and lets go by itself where the fee goes back.",
            ),
            (FeeTaken.AT_FILING, "When it is paid", "Its receipt is made at once; what goes back is a refund."),
        ),
    ),
    (
        "top_up_is",
        "What is a top-up to the tax?",
        "Ask the agency's tax adviser: it decides which document a top-up gets.",
        (
            (TopUpIs.ADVANCE, "An advance for a service", "A receipt voucher with tax in it (CGST Rule 50)."),
            (TopUpIs.DEPOSIT, "A deposit", "An acknowledgement without tax; the fee's invoice comes when it is spent."),
        ),
    ),
)
_FIELDS = ("on_rejection", "on_withdrawal", "fee_taken", "top_up_is", "receipt_code")


@get("/{office:uuid}/terms", guards=[require_fresh], include_in_schema=False)
async def terms(request: Request[Any, Any, Any], office: FromPath[UUID]) -> Response[Any]:
    """The terms that hold, and the form of others."""
    return await _terms(request, await office_by_id(person_of(request).scope, office))


@post("/{office:uuid}/terms", guards=[require_fresh], status_code=200, include_in_schema=False)
async def change(request: Request[Any, Any, Any], office: FromPath[UUID]) -> Response[Any]:
    """Sets them, for orders from now on."""
    person, told = person_of(request), await sent(request, *_FIELDS)
    here = await office_by_id(person.scope, office)
    told["receipt_code"] = told["receipt_code"].strip().upper()
    try:
        await set_terms(person.scope, here, NewTerms(**told), actor=person.actor, at=site_of(request).clock.now())
    except NotFound:
        raise
    except Refused as refusal:
        return await _terms(request, here, told, wrong_of(refusal, otherwise="receipt_code"))
    return go(request, f"/offices/{office}/terms?set=yes")


HANDLERS = [terms, change]


async def _terms(
    request: Request[Any, Any, Any], office: OfficeHere, told: Mapping[str, str] | None = None, wrong: Mapping[str, str] | None = None
) -> Response[Any]:
    held = await terms_of(person_of(request).scope, office.id)
    chosen = told or {name: str(getattr(held, name)) if held else "" for name in _FIELDS}
    return page(
        request,
        "office_terms.html",
        status=422 if wrong else 200,
        form=True,
        office=office,
        held=held,
        sentence=refund_sentence(held) if held else "",
        choices=CHOICES,
        chosen=chosen,
        done=request.query_params.get("set") == "yes" and not wrong,
        wrong=dict(wrong or {}),
    )
