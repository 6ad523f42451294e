"""After the day: one hand starts, the rounds run until there is nothing to do for half a month, persons decide what waits for them; and
then everything is delivered a second time."""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Any

from engine.filing.tables import ApplicationRow
from engine.money.ledger.tables import AccountRow, JournalRow, TransferRow
from engine.money.orders.tables import AttemptRow, MoveRow, OrderLineRow, OrderRow, RefundRow
from engine.money.paying import refunds_waiting, review_queue
from engine.money.receipts.tables import ReceiptRow
from engine.money.settling.tables import SettlementFileRow, SettlementLineRow
from engine.money.tables import CoverRow
from engine.scope import PLATFORM
from plugins.payment.sandbox.rehearsal.scripts import Status
from tests.crash.money_crew import Deed
from tests.crash.money_day import Day
from tests.crash.money_world import raw_of

__all__ = ["deliver_again", "heal", "standing"]

_STRIDES = (
    *(timedelta(minutes=minutes) for minutes in (0, 4, 12, 40)),
    *(timedelta(hours=hours) for hours in (2, 4, 8, 13)),
    *(timedelta(hours=27) for _ in range(18)),  # longer than the longest pause between two questions
)
_ROUNDS = ("payments", "submit", "refunds", "tell", "orders", "settlement")
_MANY = 200
_BESIDE = 6


async def heal(day: Day) -> None:
    """The last start, and half a month in which nobody pays. Every gateway repeats a success until it is heard."""
    day.crew.size = 1
    day.deadly.clear()
    await day.crew.open()
    day.outside.rehearsal.clock.at += timedelta(seconds=1)
    for number, stride in enumerate(_STRIDES):
        day.outside.rehearsal.clock.at += stride
        if number == len(_STRIDES) // 2:
            await _last_word(day)
            for branch in day.world.branches[:2]:
                await day.settle(branch)
        for which in _ROUNDS:
            await _until_nothing(day, which)
        await _decide(day, number > len(_STRIDES) - 4)
    for which in ("journal", "audit"):
        await _until_nothing(day, which)


async def _until_nothing(day: Day, which: str) -> None:
    for _ in range(_MANY):
        deed = await day.do("round_of", which=which)
        assert deed.done, deed
        if not deed.answer:
            return
    raise AssertionError(f"the round {which} never ends")


async def _last_word(day: Day) -> None:
    """A gateway tells of a success until it was heard."""
    heard = {row["reference"] for row in await AttemptRow.select(AttemptRow.reference).where(AttemptRow.state == "succeeded")}
    for one in day.tries:
        if day.outside.till.status(one.payment) is Status.PAID and one.payment.reference not in heard:
            name, told = day.addressed(one.payment, day.outside.truth(one.payment), False)
            deed = await day.do(name, **told)
            assert deed.done, deed


async def _decide(day: Day, last: bool) -> None:
    """Persons decide by what they see at the gateway, or at the bank."""
    for attempt in await review_queue(PLATFORM, most=_MANY):
        found = day.found(attempt.reference)
        wanted = "failed" if found == "pending" and last else found
        deed = await day.do("review", attempt=str(attempt.id), decision=wanted)
        if deed.code.rpartition("/")[2] in {
            "review_of_another",
            "review_amount",
        }:  # what stopped it is no word of its money: the gateway has the word
            await day.do("review", attempt=str(attempt.id), decision="pending")
    for refund in await refunds_waiting(PLATFORM, most=_MANY):
        if refund.state in {"failed", "requested"}:
            deed = await day.do("otherwise", refund=str(refund.id), back_to="by_hand")
        else:
            deed = await day.do("decide", refund=str(refund.id), done=_went_back(day, refund.reference))
        assert deed.done, deed


def _went_back(day: Day, reference: str) -> bool:
    made = [each.refunds[reference] for each in day.outside.till.payments if reference in each.refunds]
    return any(day.outside.till.is_done(each) for each in made)


async def standing() -> dict[str, list[Any]]:
    """All of money, row by row, that a second delivery must leave as it is."""
    kept: Sequence[tuple[Any, Sequence[str]]] = (
        (AccountRow, ("id", "debits_posted", "credits_posted", "debits_pending", "credits_pending", "version")),
        (JournalRow, ("id", "key")),
        (TransferRow, ("id",)),
        (ReceiptRow, ("id", "number", "content_sha256")),
        (OrderRow, ("id", "state", "paid_by", "settled_at")),
        (OrderLineRow, ("id", "live_key", "refunded_paise")),
        (AttemptRow, ("id", "state", "disposition", "refunded_paise", "succeeded_at")),
        (MoveRow, ("id",)),
        (RefundRow, ("id", "state", "back_to")),
        (CoverRow, ("id", "state", "live_key")),
        (SettlementFileRow, ("id",)),
        (SettlementLineRow, ("id", "match")),
        (ApplicationRow, ("id", "state")),
    )
    found = {}
    for table, names in kept:
        rows = await table.select(*(getattr(table, name) for name in names))
        found[table._meta.tablename] = sorted(str([row[name] for name in names]) for row in rows)
    return found


async def deliver_again(day: Day) -> int:
    """Whatever came comes once more, and whoever pressed presses once more: gives how much of it was refused."""
    posts = {str(told): (name, told) for name, told in day.posts}
    await _several([day.do(name, **told) for name, told in posts.values()])
    await _several([day.do("poll", attempt=one.id) for one in day.tries])
    twice = {"wallet", "cancel", "withdraw", "issue", "reject", "review", "settlement", "otherwise", "decide"}
    deeds = [each for each in day.crew.deeds if each.name in twice and each.done]
    again = await _several([day.do(deed.name, **deed.told) for deed in deeds])
    await _late_lies(day)
    return sum(not deed.done for deed in again)


async def _several(doing: Sequence[Awaitable[Deed]]) -> list[Deed]:
    """All of it, some beside each other."""
    room = asyncio.Semaphore(_BESIDE)

    async def one(deed: Awaitable[Deed]) -> Deed:
        async with room:
            return await deed

    return await asyncio.gather(*(one(deed) for deed in doing))


async def _late_lies(day: Day) -> None:
    """And who has no key says once more that everything was paid."""
    for one in day.tries[:: max(1, len(day.tries) // 40)]:
        raw = raw_of(day.outside.forged(one.payment, day.dice), "203.0.113.7")
        deed = await day.do("notice", gateway=one.owed.branch.gateway, office=one.owed.branch.id, raw=raw)
        assert deed.answer["verdict"] == "refused"
