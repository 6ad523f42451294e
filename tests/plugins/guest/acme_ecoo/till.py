"""Acme Pay's server as a rehearsal plays it: written from Acme's description, and not with the plugin's functions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from hmac import HMAC
from json import dumps, loads
from urllib.parse import parse_qs, urlencode

from engine.api import FormPost, GatewayAnswer, Handover, PaymentOutcome, Question, RawCallback

_STATES = {PaymentOutcome.SUCCEEDED: "paid", PaymentOutcome.PENDING: "waits", PaymentOutcome.FAILED: "failed"}


class AcmeTill:
    """Knows one shop and remembers its payments."""

    def __init__(self, shop: str, key: str) -> None:
        self._shop, self._key = shop, key
        self._payments: dict[str, dict[str, object]] = {}

    async def answer(self, question: Question) -> GatewayAnswer:
        asked = self._read(question.body) if question.url.endswith("/ask") else None
        if asked is None:
            return GatewayAnswer(404, b"")
        known = self._payments.get(str(asked["reference"]))
        return GatewayAnswer(200, self._form(known or {"shop": self._shop, "reference": asked["reference"], "state": "unknown"}))

    async def pay(self, handover: Handover, outcome: PaymentOutcome) -> Sequence[RawCallback]:
        wish = self._read(urlencode(handover.fields).encode()) if isinstance(handover, FormPost) else None
        if wish is None:
            return []
        txn = f"ACME{len(self._payments) + 1}"
        told = {"shop": self._shop, "reference": wish["reference"], "paise": wish["paise"], "state": _STATES[outcome], "txn": txn}
        self._payments[str(wish["reference"])] = told
        return [RawCallback("POST", {}, {}, self._form(told), datetime.now(UTC)) for _ in ("return", "notice")]

    def _read(self, body: bytes) -> dict[str, object] | None:
        form = parse_qs(body.decode())
        text = form.get("told", [""])[0]
        return dict(loads(text)) if form.get("mark") == [self._mark(text)] else None

    def _form(self, told: dict[str, object]) -> bytes:
        text = dumps(told)
        return urlencode([("told", text), ("mark", self._mark(text))]).encode()

    def _mark(self, text: str) -> str:
        return HMAC(self._key.encode(), text.encode(), sha256).hexdigest()
