"""Razorpay's API asked: making an order, leading the payer to its checkout, what became of it, and the test without a charge.

Every question goes out under the office's key by basic authentication; an answer over the checked line is believed if it is whole.
An order that was made without an answer costs nobody anything: no payer was led to it.
"""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from engine.api import (
    Conflict,
    ConnectionOutcome,
    ConnectionReport,
    FormPost,
    GatewayAnswer,
    GatewayContext,
    GatewayEvent,
    PaymentLimits,
    Refused,
    StartedPayment,
    StartPayment,
    TooMany,
    Unresolved,
    Untrusted,
)
from plugins.payment.razorpay.messages import event_of_payment, nothing_found
from plugins.payment.razorpay.parameters import is_test_key, require_real_money
from plugins.payment.razorpay.settings import checkout_url, setting
from plugins.payment.razorpay.wire import is_id, is_reference, misread, object_in, paise_of, part, short, text_of

__all__ = ["asked", "items_of", "missing", "query", "start", "test", "told_of"]

_SLOWER_S = 60
_MOST_ITEMS = 100
_CODE = re.compile(r"[A-Za-z0-9_]{1,40}", re.ASCII)
_ADDRESS = re.compile(r"https?://[!-~]{1,500}", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9/-]{1,60}", re.ASCII)
_DOUBTFUL = ConnectionOutcome.INCONCLUSIVE
_BEST_FIRST = ("captured", "refunded", "authorized", "created", "failed")


async def start(ctx: GatewayContext, payment: StartPayment, limits: PaymentLimits) -> StartedPayment:
    """Makes the order at Razorpay, and gives the form that leads the payer to its checkout. Nothing about the payer is sent."""
    require_real_money(ctx)
    _require_sendable(payment, limits)
    url = checkout_url(ctx.settings, rehearsal=ctx.rehearsal)
    notes = {"reference": payment.reference, **{f"tag{place}": tag for place, tag in enumerate(payment.tags, 1)}}
    wanted = {"amount": payment.amount_paise, "currency": payment.currency, "receipt": payment.reference, "notes": notes}
    order = told_of(await asked(ctx, "orders", wanted))
    id, echoed = text_of(order, "id"), (paise_of(order), order.get("currency"), order.get("receipt"))
    if order.get("entity") != "order" or not is_id(id, "order") or echoed != (payment.amount_paise, payment.currency, payment.reference):
        raise misread("it is about another order")
    fields = {
        "key_id": ctx.values["key_id"],
        "amount": str(payment.amount_paise),
        "currency": payment.currency,
        "order_id": id,
        "name": setting(ctx.settings, "shown_name"),
        "notes[reference]": payment.reference,
        "callback_url": payment.return_url,
        "cancel_url": payment.return_url,
    }
    return StartedPayment(FormPost(url, fields), id)


def _require_sendable(payment: StartPayment, limits: PaymentLimits) -> None:
    """Raises Refused for a payment that cannot be put into an order: nothing was sent then."""
    if not is_reference(payment.reference):
        raise Refused("The reference of the payment must be 10 to 40 capitals and digits.", code="reference")
    if payment.currency != "INR" or not limits.least_paise <= payment.amount_paise <= limits.most_paise:
        raise Refused("Razorpay takes rupees, and no amount beyond its limits.", code="amount")
    if not _ADDRESS.fullmatch(payment.return_url):
        raise Refused("The address that the payer returns to cannot be sent to Razorpay.", code="return_url")
    if len(payment.tags) > 7 or not all(_TAG.fullmatch(tag) for tag in payment.tags):
        raise Refused("A payment has at most seven tags of letters, digits, / and -.", code="tags")


async def query(ctx: GatewayContext, reference: str, order: str) -> GatewayEvent:
    """What Razorpay says of the payments of an order; the order is looked for by our reference where its id is not known."""
    orders = [order] if is_id(order, "order") else await _orders_of(ctx, reference)
    found = [payment for each in orders for payment in await _payments_of(ctx, each)]
    if not found:
        return nothing_found(reference, orders[0] if orders else "")
    best = min(found, key=_rank)
    captured = sum(text_of(each, "status") == "captured" for each in found)
    return event_of_payment(best, reference=reference, detail={"captured": str(captured)} if captured > 1 else None)


async def _orders_of(ctx: GatewayContext, reference: str) -> list[str]:
    """The ids of the orders under our reference: none or one, as a reference is used once."""
    if not is_reference(reference):
        return []
    told = told_of(await asked(ctx, f"orders?{urlencode({'receipt': reference, 'count': 5})}"))
    orders = items_of(told)
    if any(each.get("entity") != "order" or each.get("receipt") != reference or not is_id(text_of(each, "id"), "order") for each in orders):
        raise misread("it answers another question")
    return [text_of(each, "id") for each in orders]


async def _payments_of(ctx: GatewayContext, order: str) -> list[dict[str, Any]]:
    answer = await asked(ctx, f"orders/{order}/payments")
    if missing(answer):
        return []
    payments = items_of(told_of(answer))
    if any(each.get("entity") != "payment" or each.get("order_id") != order for each in payments):
        raise misread("it answers another question")
    return payments


def _rank(payment: Mapping[str, Any]) -> tuple[int, int, str]:
    """The best state first, and of two alike the older one, so that the same question has the same answer."""
    status, made = text_of(payment, "status"), payment.get("created_at")
    place = _BEST_FIRST.index(status) if status in _BEST_FIRST else len(_BEST_FIRST)
    return place, made if isinstance(made, int) else 0, text_of(payment, "id")


async def test(ctx: GatewayContext) -> ConnectionReport:
    """Asks for the newest order. A list proves the key; what signs webhooks shows with the first event alone."""
    if is_test_key(ctx) and not ctx.rehearsal:
        say = "The Key ID is one of Razorpay's test mode, where no money moves. Enter the one of live mode."
        return ConnectionReport(ConnectionOutcome.FAILED, "test_key", say)
    try:
        items_of(told_of(await asked(ctx, "orders?count=1")))
    except TooMany:
        return ConnectionReport(_DOUBTFUL, "too_often", "Razorpay was asked too often. Test again in some minutes.")
    except Refused as refused:
        if refused.code == "credentials":
            say = "Razorpay refuses this Key ID with this Key secret. Compare both with Razorpay's dashboard."
            return ConnectionReport(ConnectionOutcome.FAILED, "credentials", say)
        return ConnectionReport(_DOUBTFUL, "other_answer", "Razorpay answered something else than it was asked. Ask Razorpay.")
    say = "Razorpay knows this key. Whether the webhook secret is right shows with the first event that Razorpay sends."
    return ConnectionReport(ConnectionOutcome.PASSED, "ok", say)


# --- questions and answers -----------------------------------------------------------------------


async def asked(
    ctx: GatewayContext, path: str, content: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] | None = None
) -> GatewayAnswer:
    """The answer to a question, or to what is sent if there is content."""
    pair = f"{ctx.values['key_id']}:{ctx.secrets['key_secret'].value}".encode()
    every = {"authorization": f"Basic {b64encode(pair).decode('ascii')}", "accept": "application/json", **(headers or {})}
    url = f"{setting(ctx.settings, 'api_url').rstrip('/')}/{path}"
    if content is None:
        return await ctx.line.get(url, headers=every)
    body = json.dumps(content, separators=(",", ":")).encode("ascii")
    return await ctx.line.send(url, body, media_type="application/json", headers=every)


def told_of(answer: GatewayAnswer) -> dict[str, Any]:
    """The content of an answer that says yes.

    Raises Refused for a clear no (`credentials` for a wrong key), Conflict if Razorpay knows our reference, TooMany for haste,
    and Unresolved for what is neither yes nor no.
    """
    if answer.status == 401:
        raise Refused("Razorpay refuses the Key ID with the Key secret.", code="credentials")
    if answer.status == 429:
        raise TooMany("Razorpay was asked too often; wait a minute.", retry_after_s=_SLOWER_S)
    told = _content(answer)
    if answer.status in {200, 201}:
        return told
    raise _refusal(answer.status, part(told, "error"))


def missing(answer: GatewayAnswer) -> bool:
    """Whether Razorpay says clearly that there is no such thing."""
    if answer.status not in {400, 404}:
        return False
    description = text_of(part(_content(answer), "error"), "description")
    return "does not exist" in description.lower()


def items_of(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The things of a list that is whole. Raises Unresolved for what is none."""
    items, count = told.get("items"), told.get("count")
    if told.get("entity") != "collection" or not isinstance(items, list) or len(items) > _MOST_ITEMS or isinstance(count, bool):
        raise misread("it is no list")
    if count != len(items) or not all(isinstance(each, dict) for each in items):
        raise misread("it is no whole list")
    return items


def _content(answer: GatewayAnswer) -> dict[str, Any]:
    try:
        return object_in(answer.body)
    except Untrusted as error:
        raise misread("it is no plain JSON", code="no_answer") from error


def _refusal(status: int, error: Mapping[str, Any]) -> Refused | Unresolved:
    """What an answer that is no yes is raised as."""
    code, description = text_of(error, "code"), short(text_of(error, "description"), most=160)
    if not code or not 400 <= status < 500 or status == 408:
        return misread("it says neither yes nor no", code="no_answer")
    known = description.lower()
    if status == 409 or "idempotency" in known or ("receipt" in known and ("already" in known or "unique" in known)):
        return Conflict("Razorpay knows this reference already.", code="duplicate_reference")
    reason = description.rstrip(".") or "it gave no reason"
    return Refused(f"Razorpay refused: {reason}.", code=code if _CODE.fullmatch(code) else "refused")
