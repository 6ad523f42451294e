"""A random day of events: each clerk draws one, does it at one of the hands, and notes what was answered."""

import asyncio
import base64
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from engine.money.orders.tables import OrderRow
from engine.money.paying import refunds_waiting, review_queue
from engine.money.paying.excess import excess_queue
from engine.scope import PLATFORM
from plugins.payment.sandbox.rehearsal.scripts import Script, Status
from plugins.payment.sandbox.rehearsal.till import Payment
from tests.crash.money_crew import Crew, Deed
from tests.crash.money_world import Branch, Outside, World, raw_of
from tests.crash.reaper import BOUNDARIES

__all__ = ["Day"]

_SCENARIOS = {
    "success": 42, "failure": 7, "user_cancel": 3, "pending_then_success": 7, "pending_then_failure": 3, "pending_forever": 2,
    "failed_then_late_success": 5, "no_return": 4, "return_only": 4, "s2s_before_return": 3, "duplicate": 3, "concurrent": 3,
    "out_of_order": 4, "tampered_checksum": 2, "tampered_amount_valid_signature": 3, "wrong_merchant_valid_signature": 2,
    "unknown_reference": 1, "missing_field": 2, "lowercase_checksum": 1, "double_charge": 2,
}  # fmt: skip
_STARTS = ("start_refused", "start_timeout_no_effect", "start_timeout_with_effect", "http_500", "garbage_body")
_WITHIN = {"statement": 60, "before commit": 2, "after commit": 2, "before asking": 2, "after asking": 2}
_ASKING = ("start", "poll", "round_of")  # deeds that ask a gateway
_DEADLY = (
    *_ASKING, "order", "top_up", "wallet", "cancel", "notice", "returned", "issue", "withdraw", "reject", "give_back_fee",
    "give_back_top_up", "give_back_excess", "otherwise", "review", "settlement",
)  # fmt: skip


@dataclass
class Owed:
    """An order as the firm has it."""

    branch: Branch
    firm: str
    answer: dict[str, Any]
    settled: bool = False

    @property
    def reference(self) -> str:
        return str(self.answer["reference"])

    @property
    def top_up(self) -> bool:
        return not self.answer["lines"]


@dataclass
class Try:
    """A try whose hand-over reached the payer."""

    id: str
    owed: Owed
    payment: Payment


@dataclass
class Day:
    """The day, what the clerks know of it, and how often each kind of event happened."""

    crew: Crew
    world: World
    outside: Outside
    dice: Random
    begins: datetime
    length: int
    doom: set[int]
    events: "Mapping[str, tuple[float, Callable[[Day], Awaitable[Any] | None]]]"
    filed: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    owed: list[Owed] = field(default_factory=list)
    tries: list[Try] = field(default_factory=list)
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lost: dict[str, tuple[Branch, str]] = field(default_factory=dict)
    count: Counter[str] = field(default_factory=Counter)
    number: int = 0
    deadly: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def at(self) -> datetime:
        return self.outside.rehearsal.clock.at

    async def whole(self, clerks: int) -> None:
        """All events, several beside each other."""
        await asyncio.gather(*(self._clerk() for _ in range(clerks)))

    async def _clerk(self) -> None:
        names, weights = list(self.events), [weight for weight, _ in self.events.values()]
        while self.number < self.length:
            self.number += 1
            self.outside.rehearsal.clock.at = self.begins + timedelta(days=1) * self.number / self.length
            if self.number in self.doom:
                self._doom()
            for name in (*self.dice.choices(names, weights, k=8), "file"):
                happening = self.events[name][1](self)
                if happening is not None:
                    self.count[name] += 1
                    await happening
                    break

    def _doom(self) -> None:
        """Somebody dies: at a boundary of a deed of one kind, when it is done next, or at any moment."""
        if self.dice.random() < 0.6:
            name = self.dice.choice(_DEADLY)
            boundary = self.dice.choice(BOUNDARIES if name in _ASKING else BOUNDARIES[:3])
            self.deadly[name].append((boundary, self.dice.randint(1, _WITHIN[boundary])))
            return

        async def later(seconds: float) -> None:
            await asyncio.sleep(seconds)
            await self.crew.kill(self.dice)

        self.crew.errands.append(asyncio.create_task(later(self.dice.uniform(0.0, 0.05))))

    async def do(self, name: str, **told: Any) -> Deed:
        """A deed at this moment, deadly if one of its kind is to be."""
        die = self.deadly[name].pop() if self.deadly[name] else None
        return await self.crew.do(name, self.dice, self.at, die=die, **told)

    # --- applications and orders ----------------------------------------------------------------------

    async def file(self, branch: Branch, firm: str) -> None:
        deed = await self.do("file", office=branch.id, firm=firm)
        if deed.done:
            self.filed[branch.id, firm].append(deed.answer)

    async def order(self, branch: Branch, firm: str, references: list[str]) -> None:
        deed = await self.do("order", firm=firm, references=references)
        if deed.done:
            self.owed.append(Owed(branch, firm, deed.answer))
        elif deed.fate == "eaten":
            self.lost[deed.mark] = branch, firm
            self.filed[branch.id, firm] += references

    async def top_up(self, branch: Branch, firm: str) -> None:
        deed = await self.do("top_up", firm=firm, office=branch.id, paise=self.dice.randint(200, 6_000) * 100)
        if deed.done:
            self.owed.append(Owed(branch, firm, deed.answer))
        elif deed.fate == "eaten":
            self.lost[deed.mark] = branch, firm

    async def find_lost(self) -> None:
        """A firm looks whether an order of which it never heard is there."""
        mark, (branch, firm) = self.dice.choice(list(self.lost.items()))
        del self.lost[mark]
        for row in await OrderRow.select(OrderRow.reference).where(OrderRow.made_by == mark):
            deed = await self.do("look", reference=row["reference"])
            if deed.done:
                self.owed.append(Owed(branch, firm, deed.answer))
                mine = {line["application"] for line in deed.answer["lines"]}
                self.filed[branch.id, firm] = [each for each in self.filed[branch.id, firm] if each not in mine]

    async def wallet(self, owed: Owed, again: bool) -> None:
        deed = await self.do("wallet", firm=owed.firm, reference=owed.reference, again=again)
        owed.settled = owed.settled or deed.done

    # --- tries -----------------------------------------------------------------------------------------

    async def start(self, owed: Owed, again: bool) -> None:
        """A try begins; mostly the payer arrives at the gateway and presses a button there."""
        bank, fault = owed.branch.bank, self.dice.random() < 0.08
        if fault:
            self.outside.till.follow(bank.id, Script(self.dice.choice(_STARTS), on="any", times=1))
        deed = await self.do("start", firm=owed.firm, reference=owed.reference, again=again)
        if fault:
            self.outside.calm(bank)
        if not deed.done or self.dice.random() < 0.05:
            return
        told = deed.answer
        payment = self.outside.arrive(bank.wire, told["reference"], told["url"], told["form"])
        if payment is None:
            return
        self.tries.append(Try(told["attempt"], owed, payment))
        if self.dice.random() < 0.93:
            self._press(payment)

    def _press(self, payment: Payment) -> None:
        subject, till = payment.reference, self.outside.till
        if self.dice.random() < 0.1:
            fault = self.dice.choice(("http_500", "garbage_body", "query_not_found_then_found"))
            till.follow(subject, Script(fault, on="query" if fault != "query_not_found_then_found" else "any", times=2))
        if self.dice.random() < 0.4:
            till.follow(subject, Script(self.dice.choice(("refund_pending_then_ok", "refund_failed", "refund_timeout_with_effect"))))
        if self.dice.random() < 0.1:
            how = self.dice.choice(("amount_diff", "missing_here", "missing_there", "duplicate"))
            till.follow(subject, Script("settlement", how=how))
        [scenario] = self.dice.choices(list(_SCENARIOS), list(_SCENARIOS.values()))
        self.outside.press(payment, scenario)

    # --- word from outside ------------------------------------------------------------------------------

    async def deliver(self) -> None:
        """A letter that may be sent by now, in any order; a gateway repeats one that it heard nothing of."""
        ready = [letter for letter in self.outside.letters if letter.due_at <= self.at]
        letter = self.dice.choice(ready)
        self.outside.letters.remove(letter)
        if self.dice.random() < 0.06:
            return  # it never arrives
        name, told = self.addressed(letter.payment, self.outside.posted(letter.payment, letter.word), letter.word.way == "return")
        deed = await self.do(name, **told)
        if deed.fate != "done":
            self.outside.letters.append(letter)
        elif deed.answer["state"] == "succeeded":
            self._try_of(letter.payment).owed.settled = True

    def addressed(self, payment: Payment, post: Any, returns: bool) -> tuple[str, dict[str, Any]]:
        """The door at which a message arrives, and what arrives there."""
        branch = self._try_of(payment).owed.branch
        raw = raw_of(post, f"192.0.2.{self.dice.randrange(256)}")
        told = {"gateway": branch.gateway, "raw": raw}
        told |= {"token": post.url.rpartition("/")[2]} if returns else {"office": branch.id}
        self.posts.append(("returned" if returns else "notice", told))
        return self.posts[-1]

    async def replay(self) -> None:
        name, told = self.dice.choice(self.posts)
        await self.do(name, **told)

    async def astray(self) -> None:
        """A genuine message arrives at an office that it is not about."""
        name, told = self.dice.choice(self.posts)
        other = self.dice.choice([each for each in self.world.branches if each.id != told.get("office")])
        if name == "notice":
            deed = await self.do(name, **{**told, "office": other.id, "gateway": other.gateway})
            assert not deed.done or deed.answer["verdict"] in {"refused", "orphan"}, deed

    async def forge(self, one: Try) -> None:
        """Word of a success from whoever has no key."""
        if self.dice.random() < 0.2:
            raw = {"headers": {}, "body": base64.b64encode(self.dice.randbytes(40)).decode(), "address": "203.0.113.9"}
        else:
            raw = raw_of(self.outside.forged(one.payment, self.dice), f"203.0.113.{self.dice.randrange(256)}")
        told = {"gateway": one.owed.branch.gateway, "office": one.owed.branch.id, "raw": raw}
        deed = await self.do("notice", **told)
        self.posts.append(("notice", told))
        assert not deed.done or deed.answer["verdict"] == "refused", deed

    async def poll(self, one: Try) -> None:
        deed = await self.do("poll", attempt=one.id)
        if deed.done and deed.answer and deed.answer["state"] == "succeeded":
            one.owed.settled = True

    def _try_of(self, payment: Payment) -> Try:
        return next(each for each in self.tries if each.payment is payment)

    # --- persons ----------------------------------------------------------------------------------------

    async def end(self, name: str, owed: Owed) -> None:
        """An application of an order is issued, rejected or withdrawn, whatever becomes of that."""
        told = {"reference": self.dice.choice(owed.answer["lines"])["application"]}
        await self.do(name, **told, **({"firm": owed.firm} if name == "withdraw" else {}))

    async def give_back_fee(self, owed: Owed) -> None:
        line = self.dice.choice(owed.answer["lines"])
        paise = self.dice.choice([None, self.dice.randint(1, line["paise"]), line["paise"] // 2])
        await self.do("give_back_fee", line=line["id"], paise=paise, back_to=self.dice.choice(["source", "source", "wallet", "by_hand"]))

    async def give_back_top_up(self, one: Try) -> None:
        paise = self.dice.choice([None, self.dice.randint(1, one.payment.amount_paise)])
        await self.do("give_back_top_up", attempt=one.id, paise=paise, back_to=self.dice.choice(["source", "source", "by_hand"]))

    async def excess(self) -> None:
        for attempt in (await excess_queue(PLATFORM))[:1]:
            await self.do("give_back_excess", attempt=str(attempt.id), back_to=self.dice.choice(["source", "wallet", "by_hand"]))

    async def review(self) -> None:
        """A person looks at the gateway's own pages, and decides by what stands there."""
        for attempt in (await review_queue(PLATFORM))[:1]:
            await self.do("review", attempt=str(attempt.id), decision=self.found(attempt.reference))

    def found(self, reference: str) -> str:
        """What a person finds of a payment at its gateway."""
        payment = self.outside.till.payment("", reference)
        status = self.outside.till.status(payment) if payment else Status.FAILED
        return {Status.PAID: "succeeded", Status.FAILED: "failed", Status.CANCELLED: "failed"}.get(status, "pending")

    async def by_hand(self) -> None:
        for refund in (await refunds_waiting(PLATFORM))[:1]:
            if refund.state in {"failed", "requested"}:
                await self.do("otherwise", refund=str(refund.id), back_to="by_hand")

    async def settle(self, branch: Branch) -> None:
        data = self.outside.settled(branch.bank)
        await self.do("settlement", office=branch.id, data=base64.b64encode(data).decode())

    async def round_of(self, which: str) -> None:
        await self.do("round_of", which=which)
