"""Goal M3: any sequence of callbacks beside a plain model. Duplicates, any order, a quarter of them forged, late ones too: the
balance and the orders that are paid are the model's, nothing forged is believed, and no answer is a fault of ours."""

import os
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.contracts.paying import PaymentOutcome
from engine.money.ledger.tables import AccountRow
from engine.money.orders import Attempt, Order, Verdict, cancel_order, expire_due, open_top_up
from engine.money.orders.tables import AttemptRow, OrderRow
from engine.money.paying import ask
from tests.money.till import Till, signed

SEQUENCES = int(os.environ.get("ECOO_M3", "0")) or (10_000 if os.environ.get("ECOO_PROVE") == "1" else 40)
RANK = {"started": 1, "pending": 2, "failed": 3, "succeeded": 4}
OUTCOMES = ("succeeded", "pending", "failed")


@dataclass
class Model:
    """One order as a person would keep it on paper."""

    open: bool = True
    paid: bool = False
    states: list[str] = field(default_factory=list)
    excess: int = 0
    seen: set[tuple[int, str, bool]] = field(default_factory=set)

    def hears(self, number: int, outcome: str, *, wrong: bool) -> None:
        """A genuine message about one try; `wrong` names another amount."""
        state = self.states[number]
        if (number, outcome, wrong) in self.seen:
            return
        self.seen.add((number, outcome, wrong))
        if state in {"review", "succeeded"}:
            return
        if wrong:
            if RANK[state] < 3 or outcome == "succeeded":
                self.states[number] = "review"
            return
        if RANK[outcome] <= RANK[state]:
            return
        self.states[number] = outcome
        if outcome == "succeeded":
            self.paid, self.open, self.excess = self.paid or self.open, False, self.excess + (not self.open)


@dataclass
class Played:
    """What one sequence did."""

    order: Order
    attempts: list[Attempt]
    model: Model


def forged(dice: random.Random, body: bytes) -> bytes:
    """Bytes that nobody who has the key made."""
    mark, _, text = body.partition(b".")
    return dice.choice(
        [
            body[:-2] + b"1}",
            mark.upper() + b"." + text,
            mark[:-1] + b"." + text,
            b"." + text,
            signed({"outcome": "succeeded"}, "anotherKEYanother1"),
            bytes(dice.randrange(256) for _ in range(40)),
            mark + b"." + text.replace(b"pending", b"succeeded") + b" ",
        ]
    )


async def play(till: Till, dice: random.Random) -> tuple[Played, int]:
    """One order, one to three tries, and a dozen events in any order; how many forgeries were believed."""
    top_up = dice.random() < 0.4
    order = await open_top_up(till.scope, till.office.id, till.firm.id, 10_000, actor="test", at=till.at) if top_up else await till.order()
    played, believed = Played(order, [], Model()), 0
    attempts, model = played.attempts, played.model
    for _ in range(dice.randint(1, 3)):
        attempts.append(await till.start(order, again=True))
        model.states.append("started")
    for _ in range(12):
        number = dice.randrange(len(attempts))
        outcome, wrong = dice.choice(OUTCOMES), dice.random() < 0.08
        body = signed(till.told(attempts[number], outcome, txn=f"T{number}", **({"amount": 7} if wrong else {})))
        chance = dice.random()
        if chance < 0.25:
            fake = forged(dice, body)
            heard = await (till.notice(fake) if dice.random() < 0.5 else till.back(attempts[number], fake))
            believed += heard.verdict is not Verdict.REFUSED
            assert heard.reply is None or heard.reply.status == 400
        elif chance < 0.30:
            await end(till, order, model, dice)
        elif chance < 0.35:
            await asked(till, attempts[number], outcome, number, model)
        else:
            for _ in range(dice.choice((1, 1, 2))):
                heard = await (till.notice(body) if dice.random() < 0.6 else till.back(attempts[number], body))
                assert heard.reply is None or heard.reply.status == 200
            model.hears(number, outcome, wrong=wrong)
    return played, believed


async def asked(till: Till, attempt: Attempt, outcome: str, number: int, model: Model) -> None:
    """Our own question says what a message might have said: it is the same word."""
    from tests.money.till import event_of

    till.gateway.answers[attempt.reference] = event_of(till.told(attempt, outcome, txn=f"T{number}"))
    await ask(attempt.id, cashier=till.cashier, at=till.at)
    model.hears(number, outcome, wrong=False)
    till.gateway.answers[attempt.reference] = PaymentOutcome.NOT_FOUND


async def end(till: Till, order: Order, model: Model, dice: random.Random) -> None:
    """The order is cancelled or expires, unless a try is under way."""
    free = model.open and all(state == "failed" for state in model.states)
    if dice.random() < 0.5:
        async with till.after(hours=25):
            await expire_due(till.at)
        model.open = model.open and not free
        return
    try:
        await cancel_order(till.scope, order.reference, actor="test", at=till.at)
    except Exception:
        assert not free
        return
    assert free
    model.open = False


async def standing(till: Till) -> dict[str, int]:
    rows = await AccountRow.select().where(AccountRow.office == till.office.id)
    found: dict[str, int] = {}
    for row in rows:
        found[row["role"]] = found.get(row["role"], 0) + row["credits_posted"] - row["debits_posted"]
    return found


def expected(played: list[Played]) -> dict[str, int]:
    """What the books must hold, by what was paid, by whom, and what came too often."""
    wallet = sum(each.order.amount_paise for each in played if each.model.paid and each.order.purpose == "top_up")
    fees = [each for each in played if each.model.paid and each.order.purpose == "fees"]
    excess = sum(each.order.amount_paise * each.model.excess for each in played)
    found = {"wallet": wallet, "fee_income": 20_000 * len(fees), "gst": 3_600 * len(fees), "refund_payable": excess}
    return {name: paise for name, paise in found.items() if paise} | {"gateway_clearing": -sum(found.values())}


@pytest.mark.timeout(3600)
async def test_any_sequence_of_callbacks_ends_as_the_model_says(
    till: Till, quote: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.money.paying.refusing._OF_ADDRESS", 10**9)
    monkeypatch.setattr("engine.money.paying.refusing._OF_ALL", 10**9)
    monkeypatch.setattr("engine.money.paying.asking._MOST_SOON", 10**9)
    dice, played, believed = random.Random(20261122), [], 0
    for number in range(SEQUENCES):
        one, accepted = await play(till, dice)
        played.append(one)
        believed += accepted
        state = (await OrderRow.select(OrderRow.state).where(OrderRow.id == one.order.id))[0]["state"]
        assert (state == "paid", state == "open") == (one.model.paid, one.model.open), f"sequence {number}"
        rows = {row["id"]: row["state"] for row in await AttemptRow.select().where(AttemptRow.order == one.order.id)}
        assert [rows[attempt.id] for attempt in one.attempts] == one.model.states, f"sequence {number}"
        if number % 100 == 99:
            assert await standing(till) == expected(played)
    assert believed == 0
    assert await standing(till) == expected(played)
    await till.sound()
    kind = request.node.callspec.params["database_url"]
    paid = sum(one.model.paid for one in played)
    excess = sum(one.model.excess for one in played)
    quote(f"M3 {kind} {SEQUENCES} sequences: {paid} orders paid, {excess} excess, 0 forged believed, books equal to the model")
