"""The rehearsal server without a network, for the promises of a gateway: it knows one office, by the parameters of its context."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode, urlsplit

from engine.api import FormPost, GatewayAnswer, GatewayContext, Handover, OtherSide, PaymentOutcome, Question, RawCallback
from plugins.payment.sandbox.rehearsal.http import Request
from plugins.payment.sandbox.rehearsal.till import Merchant
from plugins.payment.sandbox.rehearsal.wires.asked import Post
from plugins.payment.sandbox.server import RehearsalGateway

__all__ = ["play"]

_SCENARIOS = {PaymentOutcome.SUCCEEDED: "success", PaymentOutcome.PENDING: "pending_forever", PaymentOutcome.FAILED: "failure"}
_NOTICES = "http://127.0.0.1/notices"


def play(gateway: str, ctx: GatewayContext) -> OtherSide | None:
    """The server of a gateway that is spoken here; None for another one."""
    office = _OFFICES.get(gateway)
    merchant = office(ctx) if office else None
    return _Played(merchant, ctx) if merchant else None


class _Played:
    def __init__(self, merchant: Merchant, ctx: GatewayContext) -> None:
        merchant.notices = _NOTICES
        self._ctx = ctx
        self._posted: list[Post] = []
        self._gateway = RehearsalGateway([merchant], now=ctx.clock.now, deliver=self._keep)

    async def answer(self, question: Question) -> GatewayAnswer:
        """As the wire answers it; a browser's pages are no answer."""
        reply = self._gateway.asked(_request(question.method, question.url, question.headers, question.body))
        return GatewayAnswer(reply.status, reply.body)

    async def pay(self, handover: Handover, outcome: PaymentOutcome) -> Sequence[RawCallback]:
        """Follows the hand-over to the page, presses the button, and gives what is sent."""
        form = isinstance(handover, FormPost)
        body = urlencode(handover.fields).encode() if isinstance(handover, FormPost) else b""
        self._gateway.asked(_request("POST" if form else "GET", handover.url, {"content-type": "application/x-www-form-urlencoded"}, body))
        payment = self._gateway.till.payments[-1]
        back = await self._gateway.control.pay(payment, _SCENARIOS[outcome])
        self._posted.clear()
        await self._gateway.outbox.pump()
        return [self._callback(each) for each in ((back,) if back else ()) + tuple(self._posted)]

    async def _keep(self, post: Post) -> int:
        self._posted.append(post)
        return 200

    def _callback(self, post: Post) -> RawCallback:
        headers = {name.lower(): value for name, value in {"content-type": post.media_type, **post.headers}.items()}
        return RawCallback("POST", headers, {}, post.body, self._ctx.clock.now())


def _request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Request:
    parts = urlsplit(url)
    return Request(method, parts.path, parts.query, headers, body, f"{parts.scheme}://{parts.netloc}")


def _secret(ctx: GatewayContext, name: str) -> str:
    return ctx.secrets[name].value


def _sandbox(ctx: GatewayContext) -> Merchant:
    return Merchant("sandbox", ctx.values["merchant_id"], {"checksum": _secret(ctx, "checksum")})


def _billdesk(ctx: GatewayContext) -> Merchant | None:
    interface = ctx.values.get("interface")
    if interface in {"jose-hmac", "jose-symmetric"}:
        secrets = {"signing": _secret(ctx, "checksum")}
        if interface == "jose-symmetric":
            secrets["encryption"] = _secret(ctx, "encryption_key")
        return Merchant("billdesk_jose", ctx.values["merchant_id"], secrets, {name: ctx.values[name] for name in ("client_id", "key_id")})
    if interface == "jose-rsa":
        return None  # BillDesk's own private key is in no office's parameters
    more = {name: ctx.values.get(name, "") for name in ("algorithm", "security_id")}
    return Merchant("billdesk", ctx.values["merchant_id"], {"checksum": _secret(ctx, "checksum")}, more)


def _razorpay(ctx: GatewayContext) -> Merchant:
    secrets = {"key": _secret(ctx, "key_secret"), "webhook": _secret(ctx, "webhook_secret")}
    return Merchant("razorpay", ctx.values["key_id"], secrets, {"account": ctx.values.get("account_id") or "acc_REHEARSAL00001"})


def _payu(ctx: GatewayContext) -> Merchant:
    return Merchant("payu", ctx.values["key"], {"salt": _secret(ctx, "salt")})


_OFFICES: Mapping[str, Callable[[GatewayContext], Merchant | None]] = {
    "sandbox": _sandbox,
    "billdesk": _billdesk,
    "razorpay": _razorpay,
    "payu": _payu,
}
