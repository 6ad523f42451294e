"""The control API, for tests and scripts: what shall happen, when it is, what was asked, and a message now.

    POST /control/scripts    {"reference" or "merchant", "scenario", "after", "n", "times", "on", "by", "how"}
    POST /control/pay        {"reference", "scenario"}        the payer presses a button; gives the form that returns
    POST /control/advance    {"seconds"}                      moves the clock, and sends what is due
    POST /control/emit       {"reference", "way", "status", "spoil", "copies", "together", "deliver"}
    POST /control/merchants  {"wire", "merchant", "notices"}  where that office's notices go
    POST /control/release    {}                               lets go of what drips
    GET  /control/calls                                       what was asked of the gateways, in order
    GET  /control/payments                                    how each payment stands

All of it is JSON, so no page of another site can ask for it. A body that cannot be followed is answered with 422 and why.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from plugins.payment.sandbox.rehearsal.http import Reply, Request, json_reply
from plugins.payment.sandbox.rehearsal.scripts import Part, Plan, Script, ScriptWrong, Spoil, Status, Turn, Way, Word, plan_of
from plugins.payment.sandbox.rehearsal.sending import Sent, is_here
from plugins.payment.sandbox.rehearsal.till import Payment
from plugins.payment.sandbox.rehearsal.wires.asked import Post

if TYPE_CHECKING:
    from plugins.payment.sandbox.server import RehearsalGateway

__all__ = ["Control"]

_Kind = TypeVar("_Kind", Way, Status, Spoil)


class Control:
    """The control API of one rehearsal gateway."""

    def __init__(self, gateway: "RehearsalGateway") -> None:
        self._gateway, self._till, self._outbox = gateway, gateway.till, gateway.outbox
        self._deeds: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], Awaitable[object]]] = {
            ("POST", "scripts"): self._scripts,
            ("POST", "pay"): self._pay,
            ("POST", "advance"): self._advance,
            ("POST", "emit"): self._emit,
            ("POST", "merchants"): self._merchants,
            ("POST", "release"): self._release,
            ("GET", "calls"): self._calls,
            ("GET", "payments"): self._payments,
        }

    async def reply(self, request: Request) -> Reply:
        """One deed of the control API."""
        deed = self._deeds.get((request.method, request.path.removeprefix("/control/")))
        if deed is None:
            return json_reply(404, {"say": "There is no such control."})
        if request.method == "POST" and request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return json_reply(415, {"say": "The control API takes JSON alone."})
        try:
            return json_reply(200, await deed(request.json()))
        except ScriptWrong as wrong:
            return json_reply(422, {"say": str(wrong)})

    async def pay(self, payment: Payment, chosen: str) -> Post | None:
        """The payer presses a button. Gives the form that returns, if the scenario has one."""
        script = self._gateway.script(payment, chosen)
        if script.part is not Part.PAYMENT:
            raise ScriptWrong(f"{script.scenario} is nothing that a payer does.")
        self._till.pay(payment, plan_of(script), scenario=script.scenario)
        self._outbox.plan(payment)
        await self._outbox.first(payment)
        return self._outbox.back(payment)

    async def emit(self, payment: Payment, told: Mapping[str, Any]) -> tuple[list[Post], list[Sent]]:
        """A message now: `deliver` false gives it back unsent. A status makes that the truth from now on, ahead of what was planned."""
        way, status = _one_of(Way, told.get("way", "notice")), told.get("status")
        if status is not None:
            turn = Turn(int((self._till.now() - (payment.paid_at or self._till.now())).total_seconds()), _one_of(Status, status))
            turns = (*(payment.plan.turns if payment.plan else ()), turn)
            if payment.plan is None:
                self._till.pay(payment, Plan((turn,), ()), scenario="emit")
            payment.plan = Plan(turns, payment.plan.words if payment.plan else ())
        if payment.plan is None:
            raise ScriptWrong("Nobody paid yet; say with which status.")
        last = next(i for i in reversed(range(len(payment.plan.turns))) if payment.plan.turns[i].status is self._till.status(payment))
        copies, together = int(told.get("copies", 1)), bool(told.get("together", False))
        word = Word(way, last, _one_of(Spoil, told.get("spoil", "")), copies=copies, together=together)
        wire, said = self._gateway.wires[payment.merchant.wire], self._till.worded(payment, word)
        post = wire.back(payment, said) if way is Way.RETURN else wire.notice(payment, said)
        sent = await self._outbox.send(payment, word) if way is Way.NOTICE and told.get("deliver", True) else []
        return [post] * copies, sent

    async def _scripts(self, told: Mapping[str, Any]) -> object:
        subject, script = str(told.get("reference") or told.get("merchant") or ""), Script.of(told)
        if not subject:
            raise ScriptWrong("Name a reference or a merchant.")
        self._till.follow(subject, script)
        return {"subject": subject, "scenario": script.scenario, "part": script.part}

    async def _pay(self, told: Mapping[str, Any]) -> object:
        payment = self._payment(told)
        back = await self.pay(payment, str(told.get("scenario", "")))
        return {"status": self._till.status(payment), "txn": payment.txn, "return": _shown(back) if back else None}

    async def _advance(self, told: Mapping[str, Any]) -> object:
        seconds = told.get("seconds", 0)
        if not isinstance(seconds, int) or not 0 <= seconds <= 100 * 86400:
            raise ScriptWrong("seconds is a whole number, not below 0.")
        self._till.advance(seconds)
        sent = await self._outbox.pump()
        return {"now": self._till.now().isoformat(), "sent": [asdict(each) for each in sent]}

    async def _emit(self, told: Mapping[str, Any]) -> object:
        posts, sent = await self.emit(self._payment(told), told)
        return {"messages": [_shown(each) for each in posts], "sent": [asdict(each) for each in sent]}

    async def _merchants(self, told: Mapping[str, Any]) -> object:
        merchant, url = self._till.merchant(str(told.get("wire")), str(told.get("merchant"))), str(told.get("notices", ""))
        if merchant is None or (url and not is_here(url)):
            raise ScriptWrong("There is no such merchant, or the address is not on this machine.")
        merchant.notices = url
        return {"wire": merchant.wire, "merchant": merchant.id, "notices": url}

    async def _release(self, told: Mapping[str, Any]) -> object:
        self._gateway.released.set()
        self._gateway.released.clear()
        return {"released": True}

    async def _calls(self, told: Mapping[str, Any]) -> object:
        return {"calls": self._gateway.calls}

    async def _payments(self, told: Mapping[str, Any]) -> object:
        return {
            "payments": [
                {
                    "wire": each.merchant.wire,
                    "reference": each.reference,
                    "order": each.order,
                    "txn": each.txn,
                    "amount_paise": each.amount_paise,
                    "status": self._till.status(each),
                    "refunded_paise": each.refunded_paise,
                }
                for each in self._till.payments
            ]
        }

    def _payment(self, told: Mapping[str, Any]) -> Payment:
        payment = self._till.payment(str(told.get("wire", "")), str(told.get("reference", "")))
        if payment is None:
            raise ScriptWrong("There is no such payment; it was not begun here.")
        return payment


def _shown(post: Post) -> dict[str, object]:
    """A message as a test posts it by itself."""
    headers = {"content-type": post.media_type, **post.headers}
    return {"url": post.url, "headers": headers, "body": post.body.decode("utf-8"), "fields": dict(post.fields)}


def _one_of(kind: type[_Kind], text: object) -> _Kind:
    try:
        return kind(str(text))
    except ValueError:
        raise ScriptWrong(f"{kind.__name__.lower()} is one of {', '.join(each.value or 'nothing' for each in kind)}.") from None
