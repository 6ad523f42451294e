"""The gateway `acme_pay`: a signed form to the payer's browser, a signed line of JSON back. Put your bank's wire format here."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from engine import api

from .till import AcmeTill

contract = 1
_OUTCOMES = {"paid": api.PaymentOutcome.SUCCEEDED, "waits": api.PaymentOutcome.PENDING, "failed": api.PaymentOutcome.FAILED}


class AcmePay:
    id, title, limits = "acme_pay", "Acme Pay", api.PaymentLimits()
    config_fields: Sequence[api.ConfigField] = (api.ConfigField("url", "The address of Acme Pay.", default="https://pay.acme.example"),)
    fields: Sequence[api.GatewayField] = (
        api.GatewayField(
            "shop", "Shop", "The name of this office at Acme.", "[a-z0-9]{4,20}", "4 to 20 small letters and digits", "mumbai01"
        ),
        api.GatewayField("key", "Key", "From Acme's letter.", "[!-~]{20,60}", "20 to 60 signs", "acmeKeyOfNoBank-0123456789", secret=True),
    )

    def validate_config(self, settings: Mapping[str, str]) -> Sequence[str]:
        return [f"[gateways.acme_pay] does not know the key {name!r}; it knows url." for name in settings.keys() - {"url"}]

    def hosts(self, settings: Mapping[str, str]) -> Sequence[str]:
        return (urlsplit(self._url(settings)).netloc,)

    def validate(self, values: Mapping[str, str]) -> Sequence[api.FieldProblem]:
        return ()

    async def test_connection(self, ctx: api.GatewayContext) -> api.ConnectionReport:
        try:
            event = await self.query(ctx, secrets.token_hex(10).upper())
        except api.Unresolved as error:
            return api.ConnectionReport(api.ConnectionOutcome.INCONCLUSIVE, "not_believed", error.say)
        known = event.outcome is api.PaymentOutcome.NOT_FOUND
        outcome = api.ConnectionOutcome.PASSED if known else api.ConnectionOutcome.INCONCLUSIVE
        return api.ConnectionReport(outcome, "answered", "Acme Pay answered with the key of this shop.")

    async def start(self, ctx: api.GatewayContext, payment: api.StartPayment) -> api.StartedPayment:
        told = {"shop": ctx.values["shop"], "reference": payment.reference, "paise": payment.amount_paise, "back": payment.return_url}
        return api.StartedPayment(api.FormPost(f"{self._url(ctx.settings)}/pay", _sealed(ctx, told)))

    def locate(self, raw: api.RawCallback) -> str | None:
        try:
            return str(json.loads(dict(parse_qsl(raw.body.decode("ascii")))["told"])["reference"])
        except (ValueError, KeyError, TypeError):
            return None

    def verify(self, ctx: api.GatewayContext, raw: api.RawCallback, *, gateway_order_id: str = "") -> api.GatewayEvent:
        return _event(_opened(ctx, raw.body if raw.method == "POST" else b""))

    def acknowledge(self, accepted: bool) -> api.HttpReply:
        return api.HttpReply(200 if accepted else 400)

    async def query(
        self, ctx: api.GatewayContext, reference: str, *, gateway_order_id: str = "", amount_paise: int = 0
    ) -> api.GatewayEvent:
        answer = await ctx.line.post(f"{self._url(ctx.settings)}/ask", _sealed(ctx, {"shop": ctx.values["shop"], "reference": reference}))
        try:
            event = _event(_opened(ctx, answer.body), nothing=True)
        except api.Untrusted:
            raise api.Unresolved("Acme Pay's answer cannot be believed, so nobody knows yet.", code="not_believed") from None
        if answer.status != 200 or event.reference != reference:
            raise api.Unresolved("Acme Pay answered another question than it was asked.", code="not_believed")
        return event

    def play(self, gateway: str, ctx: api.GatewayContext) -> api.OtherSide | None:
        return AcmeTill(ctx.values["shop"], ctx.secrets["key"].value) if gateway == self.id else None

    def _url(self, settings: Mapping[str, str]) -> str:
        return settings.get("url", "https://pay.acme.example")


def _sealed(ctx: api.GatewayContext, told: Mapping[str, Any]) -> dict[str, str]:
    text = json.dumps(told)
    return {"told": text, "mark": hmac.digest(ctx.secrets["key"].value.encode(), text.encode(), "sha256").hex()}


def _opened(ctx: api.GatewayContext, body: bytes) -> dict[str, Any]:
    """What a message tells: two fields, in this order, and the mark judged before anything is read."""
    if b"mark=" not in body:
        raise api.Untrusted("The message carries no mark.", code="unsigned")
    try:
        (told, text), (mark, claimed) = parse_qsl(body.decode("ascii"), strict_parsing=True, max_num_fields=2)
        good = hmac.compare_digest(claimed, hmac.digest(ctx.secrets["key"].value.encode(), text.encode(), "sha256").hex())
        if (told, mark, good, urlencode({"told": text, "mark": claimed}).encode()) == ("told", "mark", True, body):
            return dict(json.loads(text))
    except (ValueError, TypeError):
        pass
    raise api.Untrusted("The message does not prove that it comes from Acme Pay.")


def _event(told: Mapping[str, Any], *, nothing: bool = False) -> api.GatewayEvent:
    shop, reference, state, paise, txn = (told.get(name) for name in ("shop", "reference", "state", "paise", "txn"))
    outcome = _OUTCOMES.get(str(state), api.PaymentOutcome.UNKNOWN)
    if nothing and state == "unknown":
        outcome = api.PaymentOutcome.NOT_FOUND
    elif not isinstance(paise, int):
        raise api.Untrusted("The message of Acme Pay has no amount.")
    key = hashlib.sha256(json.dumps([shop, reference, state, paise, txn]).encode()).hexdigest()
    return api.GatewayEvent(key, outcome, str(reference), str(shop), paise, "INR", str(txn or ""), code=str(state))


@api.hookimpl
def coo_payment_gateways() -> Sequence[api.PaymentGateway]:
    return [AcmePay()]
