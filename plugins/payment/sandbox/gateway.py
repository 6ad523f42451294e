"""The sandbox as the engine meets it: parameters, payments, refunds and settlement, with every message signed. No money moves.

A payment begins with a question of our server, `START`, whose answer names the order; the browser then posts `PAY` to the page
of the rehearsal server. Word comes back as `EVENT`, with the browser and from the server alike, and as `ANSWER` to our own
question; the ten fields of both are the same. `plugins.payment.sandbox.messages` has the form of a message.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from engine.api import (
    IST,
    ConfigField,
    Conflict,
    ConnectionOutcome,
    ConnectionReport,
    FieldProblem,
    FormPost,
    GatewayAnswer,
    GatewayContext,
    GatewayEvent,
    GatewayField,
    HttpReply,
    OtherSide,
    PaymentLimits,
    PaymentOutcome,
    RawCallback,
    RefundOutcome,
    RefundReport,
    RefundWanted,
    Refused,
    SettledLine,
    StartedPayment,
    StartPayment,
    TooMany,
    Unavailable,
    Unresolved,
    Untrusted,
)
from plugins.payment.sandbox import settlement
from plugins.payment.sandbox.messages import MOMENT, event_of, message_in, open_message, paise_of, rupees_of, signed

__all__ = ["Sandbox"]

_URL = "http://127.0.0.1:8002"
_ONLY_REHEARSED = "The sandbox is for rehearsals; on this site no office can be paid through it. Choose a real gateway."
_REFUND_OUTCOMES = {"DONE": RefundOutcome.DONE, "PENDING": RefundOutcome.PENDING, "FAILED": RefundOutcome.FAILED}
_REFUSALS = {
    (403, b"ERROR|UNKNOWN_MERCHANT"): (
        "unknown_merchant",
        "The gateway does not know this Merchant ID. Compare it with the gateway's letter.",
    ),
    (403, b"ERROR|CHECKSUM"): ("checksum_refused", "The gateway knows the Merchant ID and refuses the Checksum. Enter it again."),
}


class Sandbox:
    """Speaks to the rehearsal server, and on rehearsal sites alone."""

    id = "sandbox"
    title = "Sandbox (TEST: no money moves)"
    limits = PaymentLimits()
    settlement_help = settlement.HELP
    config_fields: Sequence[ConfigField] = (
        ConfigField("url", "The address of the rehearsal server, of this machine alone.", default=_URL),
    )
    fields: Sequence[GatewayField] = (
        GatewayField(
            name="merchant_id",
            label="Merchant ID",
            help="The name of this office at the gateway, as the gateway's letter has it.",
            pattern="[A-Z0-9]{4,20}",
            shape="4 to 20 capitals and digits",
            example="COOMUM01",
            least=4,
            most=20,
        ),
        GatewayField(
            name="checksum",
            label="Checksum",
            help="The checksum key that belongs to the Merchant ID. It is sealed when you save, and shown to nobody again.",
            pattern="[A-Za-z0-9]{16,64}",
            shape="16 to 64 letters and digits",
            example="s4ndb0xChecksumKeyOfNoBank",
            secret=True,
            least=16,
            most=64,
        ),
    )

    def validate_config(self, settings: Mapping[str, str]) -> Sequence[str]:
        """Settings that it does not know, and an address that is none."""
        wrong = [f"[gateways.sandbox] does not know the key {name!r}; it knows url." for name in sorted(settings.keys() - {"url"})]
        if "url" in settings and not _host(settings["url"]):
            wrong.append("[gateways.sandbox] url must be like http://127.0.0.1:8002.")
        return wrong

    def hosts(self, settings: Mapping[str, str]) -> Sequence[str]:
        """The host of the rehearsal server."""
        host = _host(settings.get("url", _URL))
        return (host,) if host else ()

    def validate(self, values: Mapping[str, str]) -> Sequence[FieldProblem]:
        """Nothing beyond what each field says of itself."""
        return ()

    async def test_connection(self, ctx: GatewayContext) -> ConnectionReport:
        """Asks for a payment that nobody made. Only a signed answer to this very question passes."""
        if not ctx.rehearsal:
            return ConnectionReport(ConnectionOutcome.FAILED, "rehearsal_only", _ONLY_REHEARSED)
        reference = f"TEST{secrets.token_hex(8).upper()}"
        answer = await _ask(ctx, "query", "QUERY", reference, _now(ctx))
        return _judged(answer, ctx, reference)

    async def start(self, ctx: GatewayContext, payment: StartPayment) -> StartedPayment:
        """Announces the order, and gives the form that leads to the rehearsal server's page."""
        amount, tags = rupees_of(payment.amount_paise), ",".join(payment.tags)
        told = (payment.reference, amount, payment.currency, payment.return_url, payment.notice_url, tags, _now(ctx))
        fields = _believed(await _ask(ctx, "start", "START", *told), ctx, payment.reference, "STARTED")
        if len(fields) != 4 or not fields[3]:
            raise _unbelieved()
        form = _signed(ctx, "PAY", payment.reference, fields[3], amount, _now(ctx))
        return StartedPayment(FormPost(_address(ctx, "pay"), {"msg": form}), gateway_order_id=fields[3])

    def locate(self, raw: RawCallback) -> str | None:
        """The reference that a message names, whoever sent it."""
        try:
            fields = message_in(raw).decode("ascii").split("|")
        except (Untrusted, UnicodeDecodeError):
            return None
        return fields[2] if len(fields) > 3 and fields[0] == "EVENT" and fields[2] else None

    def verify(self, ctx: GatewayContext, raw: RawCallback, *, gateway_order_id: str = "") -> GatewayEvent:
        """What an `EVENT` says, once its checksum is good under this office's key; on a site that rehearses nothing, nothing."""
        if not ctx.rehearsal:
            raise Untrusted(_ONLY_REHEARSED, code="rehearsal_only")
        kind, *fields = open_message(ctx.secrets["checksum"].value, message_in(raw))
        if kind != "EVENT":
            raise Untrusted("The message is not one that the gateway sends by itself.", code="malformed")
        return event_of(fields, asked=False)

    def acknowledge(self, accepted: bool) -> HttpReply:
        """`OK`, or `REFUSED` with 400, whereupon the gateway's server does not send it again."""
        return HttpReply(200, b"OK") if accepted else HttpReply(400, b"REFUSED")

    async def query(self, ctx: GatewayContext, reference: str, *, gateway_order_id: str = "", amount_paise: int = 0) -> GatewayEvent:
        """What the server says of an attempt; NOT_FOUND where it knows none, and where nobody paid yet."""
        answer = await _ask(ctx, "query", "QUERY", reference, _now(ctx))
        _kind, *fields = _believed(answer, ctx, reference, "ANSWER")
        if fields[2:] == ["NOT_FOUND"]:
            key = f"sandbox:{reference}:not found"
            say = "The gateway knows no payment of this reference."
            return GatewayEvent(key, PaymentOutcome.NOT_FOUND, reference, fields[0], None, None, code="NOT_FOUND", say=say)
        try:
            return event_of(fields, asked=True)
        except Untrusted:
            raise _unbelieved() from None

    async def refund(self, ctx: GatewayContext, wanted: RefundWanted) -> RefundReport:
        """Asks once; the reference of the refund keeps the server from a second one."""
        amount = rupees_of(wanted.amount_paise)
        told = (wanted.reference, wanted.payment_reference, wanted.gateway_txn_id, amount, wanted.currency, _now(ctx))
        return _refund_in(_believed(await _ask(ctx, "refund", "REFUND", *told), ctx, wanted.reference, "REFUND_ANSWER"))

    async def query_refund(self, ctx: GatewayContext, wanted: RefundWanted, gateway_refund_id: str = "") -> RefundReport:
        """What became of a refund."""
        answer = await _ask(ctx, "refund-query", "REFUND_QUERY", wanted.reference, _now(ctx))
        return _refund_in(_believed(answer, ctx, wanted.reference, "REFUND_ANSWER"))

    def read_settlement(self, ctx: GatewayContext, name: str, data: bytes) -> Iterable[SettledLine]:
        """The lines of a settlement file of this office's Merchant ID. Raises Refused on a site that rehearses nothing."""
        _require_rehearsed(ctx)
        return settlement.read_settlement(ctx.values["merchant_id"], data)

    def play(self, gateway: str, ctx: GatewayContext) -> OtherSide | None:
        """The rehearsal server in this process, as the gateway of that id; it plays those that come with ecoo."""
        from plugins.payment.sandbox.rehearsal.playing import play  # most processes rehearse nothing

        return play(gateway, ctx)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return parts.netloc if parts.scheme in {"http", "https"} and parts.hostname and not parts.path.strip("/") else ""
    except ValueError:
        return ""


def _require_rehearsed(ctx: GatewayContext) -> None:
    if not ctx.rehearsal:
        raise Refused(_ONLY_REHEARSED, code="rehearsal_only")


def _address(ctx: GatewayContext, path: str) -> str:
    return f"{ctx.settings.get('url', _URL).rstrip('/')}/sandbox/{path}"


def _now(ctx: GatewayContext) -> str:
    return ctx.clock.now().astimezone(IST).strftime(MOMENT)


def _signed(ctx: GatewayContext, kind: str, *fields: str) -> str:
    try:
        return signed(ctx.secrets["checksum"].value, kind, ctx.values["merchant_id"], *fields)
    except ValueError:
        say = "The sandbox cannot carry a reference, an address or a tag with a bar or a character beyond ASCII."
        raise Refused(say, code="unfit") from None


async def _ask(ctx: GatewayContext, path: str, kind: str, *fields: str) -> GatewayAnswer:
    """The answer to a signed question. Raises Refused on a site that rehearses nothing, for no question of it goes out then; Unresolved
    also for an answer that the line did not read: it may have had its effect."""
    _require_rehearsed(ctx)
    try:
        return await ctx.line.post(_address(ctx, path), {"msg": _signed(ctx, kind, *fields)})
    except Untrusted as error:
        if error.code == "address":
            raise Unavailable(error.say, code="address") from None
        raise Unresolved(error.say, code=error.code) from None


def _believed(answer: GatewayAnswer, ctx: GatewayContext, reference: str, kind: str) -> Sequence[str]:
    """The fields of a signed answer of that kind about that reference, its kind among them.

    Raises Refused, Conflict or TooMany for a refusal, and Unresolved for everything that cannot be believed.
    """
    if refusal := _REFUSALS.get((answer.status, answer.body)):
        raise Refused(refusal[1], code="credentials")
    if (answer.status, answer.body) == (429, b"ERROR|SLOW_DOWN"):
        raise TooMany("The gateway asks for a pause.", retry_after_s=60)
    try:
        fields = open_message(ctx.secrets["checksum"].value, answer.body)
    except Untrusted:
        raise _unbelieved() from None
    if answer.status != 200 or len(fields) < 4 or list(fields[1:3]) != [ctx.values["merchant_id"], reference]:
        raise _unbelieved()
    if fields[0] == "REFUSED":
        if fields[3] == "DUPLICATE":
            raise Conflict("The gateway knows this reference already.", code="duplicate_reference")
        raise Refused("The gateway refused; nothing was charged and nothing was given back.", code=fields[3][:40])
    if fields[0] != kind:
        raise _unbelieved()
    return fields


def _refund_in(fields: Sequence[str]) -> RefundReport:
    if fields[3:] == ["NOT_FOUND"]:
        return RefundReport(RefundOutcome.NOT_FOUND, code="NOT_FOUND", say="The gateway knows no refund of this reference.")
    if len(fields) != 7 or (paise := paise_of(fields[4])) is None:
        raise _unbelieved()
    outcome = _REFUND_OUTCOMES.get(fields[5], RefundOutcome.UNKNOWN)
    return RefundReport(outcome, gateway_refund_id=fields[3], amount_paise=paise, code=fields[6], say=f"The gateway says {outcome}.")


def _unbelieved() -> Unresolved:
    return Unresolved("The gateway's answer could not be believed, so nobody knows yet what it did.", code="not_believed")


def _judged(answer: GatewayAnswer, ctx: GatewayContext, reference: str) -> ConnectionReport:
    merchant = ctx.values["merchant_id"]
    try:
        fields = open_message(ctx.secrets["checksum"].value, answer.body)
    except Untrusted:
        fields = ()
    if answer.status == 200 and fields:
        if list(fields) == ["ANSWER", merchant, reference, "NOT_FOUND"]:
            return ConnectionReport(ConnectionOutcome.PASSED, "ok", "The gateway knows this Merchant ID, and the Checksum is right.")
        return ConnectionReport(ConnectionOutcome.INCONCLUSIVE, "other_answer", "The gateway answered something else than it was asked.")
    if refused := _REFUSALS.get((answer.status, answer.body)):
        return ConnectionReport(ConnectionOutcome.FAILED, *refused)
    say = "The gateway's answer could not be believed, so it proves nothing."
    return ConnectionReport(ConnectionOutcome.INCONCLUSIVE, "not_believed", say)
