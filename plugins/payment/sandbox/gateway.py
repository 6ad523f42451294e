"""The sandbox as the engine meets it: a Merchant ID, a checksum key, and a question that costs nothing.

A message is fields joined by `|`, the last one HMAC-SHA256 over everything before it, in upper-case hex. The question is
`QUERY|merchant|reference|moment`, about a reference that nobody ever used; only who has the same key can sign the answer
`ANSWER|merchant|reference|NOT_FOUND`, so that answer proves merchant and key.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from engine.api import IST, ConfigField, ConnectionOutcome, ConnectionReport, FieldProblem, GatewayAnswer, GatewayContext, GatewayField

__all__ = ["Sandbox"]

_URL = "http://127.0.0.1:8002"
_MOMENT = "%Y%m%d%H%M%S"


class Sandbox:
    """Speaks to the rehearsal server, and on rehearsal sites alone."""

    id = "sandbox"
    title = "Sandbox (TEST: no money moves)"
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
            say = "The sandbox is for rehearsals; on this site no office can be paid through it. Choose a real gateway."
            return ConnectionReport(ConnectionOutcome.FAILED, "rehearsal_only", say)
        merchant, key, reference = ctx.values["merchant_id"], ctx.secrets["checksum"].value, f"TEST{secrets.token_hex(8).upper()}"
        question = _signed(key, "QUERY", merchant, reference, ctx.clock.now().astimezone(IST).strftime(_MOMENT))
        answer = await ctx.line.post(f"{ctx.settings.get('url', _URL)}/query", {"msg": question})
        return _judged(answer, key, merchant, reference)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return parts.netloc if parts.scheme in {"http", "https"} and parts.hostname and not parts.path.strip("/") else ""
    except ValueError:
        return ""


def _checksum(key: str, message: str) -> str:
    return hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest().upper()


def _signed(key: str, *fields: str) -> str:
    message = "|".join(fields)
    return f"{message}|{_checksum(key, message)}"


def _judged(answer: GatewayAnswer, key: str, merchant: str, reference: str) -> ConnectionReport:
    message, bar, checksum = answer.body.decode("ascii", "replace").rpartition("|")
    if answer.status == 200 and bar and hmac.compare_digest(checksum.encode(), _checksum(key, message).encode()):
        if message.split("|") == ["ANSWER", merchant, reference, "NOT_FOUND"]:
            return ConnectionReport(ConnectionOutcome.PASSED, "ok", "The gateway knows this Merchant ID, and the Checksum is right.")
        return ConnectionReport(ConnectionOutcome.INCONCLUSIVE, "other_answer", "The gateway answered something else than it was asked.")
    refused = _REFUSALS.get((answer.status, answer.body))
    if refused is not None:
        return ConnectionReport(ConnectionOutcome.FAILED, *refused)
    return ConnectionReport(
        ConnectionOutcome.INCONCLUSIVE, "not_believed", "The gateway's answer could not be believed, so it proves nothing."
    )


_REFUSALS = {
    (403, b"ERROR|UNKNOWN_MERCHANT"): (
        "unknown_merchant",
        "The gateway does not know this Merchant ID. Compare it with the gateway's letter.",
    ),
    (403, b"ERROR|CHECKSUM"): ("checksum_refused", "The gateway knows the Merchant ID and refuses the Checksum. Enter it again."),
}
