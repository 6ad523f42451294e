"""The lines of the failure table that are about what is heard of a payment: P1 to P7, P10, P11 and P21 to P23.

Each is a scenario that a shop plays from beginning to end, on whichever wire its gateway speaks.
"""

import asyncio

from engine.money.orders.tables import InboxRow
from engine.people.tables import Exporter
from tests.plugins.payment.shop_bench import Shop

__all__ = ["HEARD"]


async def never_returns(shop: Shop) -> None:
    """P1: word from the gateway's server pays, or the site's own question does; the payer sees it at the next login."""
    by_notice, by_question = [await shop.begun() for _ in range(2)]
    await shop.pays(by_notice[1], "no_return")
    await shop.paid(by_notice[0])
    await shop.pays(by_question[1], "return_only")
    await shop.ends(by_question[0], "open", "started")
    assert await shop.asks(minutes=2)
    for order, _ in (by_notice, by_question):
        await shop.paid(order)
        await shop.sees(order, "The fee was paid through the payment gateway")


async def notice_before_return(shop: Shop) -> None:
    """P2: the notice pays, and the return that follows finds it paid, with no second receipt."""
    order, attempt = await shop.begun()
    done = await shop.pays(attempt, "s2s_before_return")
    await shop.paid(order)
    back = await shop.back(done["return"])
    assert (back.status_code, back.headers["location"]) == (303, f"/payments/{order.reference}")
    await shop.paid(order)
    await shop.sees(order, "The fee was paid through the payment gateway")


async def many_copies(shop: Shop) -> None:
    """P3: copies one after the other, and all at once, are one payment, and each is answered like the first."""
    order, attempt = await shop.begun()
    done = await shop.pays(attempt, "duplicate", n=3)
    for _ in range(2):
        assert (await shop.back(done["return"])).status_code == 303
    assert shop.answered(attempt) == [200] * 3
    await shop.paid(order)
    order, attempt = await shop.begun()
    done = await shop.pays(attempt, "return_only")
    message = await shop.message(attempt)
    answers = await asyncio.gather(*(shop.notice(message) for _ in range(6)), *(shop.back(done["return"]) for _ in range(4)))
    assert {(each.status_code, each.text) for each in answers[:6]} == {(200, answers[0].text)}
    assert {(each.status_code, each.headers["location"]) for each in answers[6:]} == {(303, f"/payments/{order.reference}")}
    await shop.paid(order)
    order, attempt = await shop.begun()
    await shop.pays(attempt, "concurrent", n=6)
    assert shop.answered(attempt) == [200] * 6
    await shop.paid(order)


async def out_of_order(shop: Shop) -> None:
    """P4: paid, then pending, then failed: it stays paid."""
    order, attempt = await shop.begun()
    done = await shop.pays(attempt, "out_of_order")
    assert shop.answered(attempt) == [200] * 3
    assert await shop.verdicts(attempt) == ["applied", "ignored", "ignored"]
    await shop.back(done["return"])
    await shop.paid(order)


async def pending_first(shop: Shop) -> None:
    """P5: the payer is told not to pay again, nothing is covered, and the success that comes later pays and is written of."""
    order, attempt = await shop.begun()
    done = await shop.pays(attempt, "pending_then_success", after=600)
    await shop.back(done["return"])
    await shop.ends(order, "open", "pending")
    await shop.sees(order, "Do not pay again")
    shop.clock.forward(seconds=600)
    await shop.told()
    await shop.paid(order)
    assert await shop.letters("payment", order.id)


async def late_success(shop: Shop) -> None:
    """P6: a success after a failure pays; beside another try that paid meanwhile it is excess, and is owed back."""
    alone, beaten = [await shop.begun() for _ in range(2)]
    for order, attempt in (alone, beaten):
        done = await shop.pays(attempt, "failed_then_late_success", after=600)
        assert (await shop.back(done["return"])).status_code == 303
        await shop.ends(order, "open", "failed")
        await shop.sees(order, "Not paid")
    page = await shop.again(beaten[0])
    assert (await shop.go_on(page)).status_code == 200
    await shop.pays(await shop.newest(beaten[0]))
    await shop.ends(beaten[0], "paid", "failed", "succeeded, applied", journals=["payment"])
    owed = await shop.payable()
    shop.clock.forward(seconds=600)
    await shop.told()
    await shop.paid(alone[0])
    await shop.ends(beaten[0], "paid", "succeeded, excess", "succeeded, applied", journals=["payment", "excess"])
    assert await shop.payable() - owed == beaten[0].amount_paise


async def other_amount(shop: Shop) -> None:
    """P7: a signed message of another amount, less or more, stops the payment for a person; nothing is fulfilled."""
    for by in (-100, 100):
        order, attempt = await shop.begun()
        await shop.pays(attempt, "tampered_amount_valid_signature", by=by)
        assert shop.answered(attempt) == [200]
        await shop.ends(order, "open", "review")
        assert await shop.letters("review", order.id) == 1
        later = await shop.notice(await shop.message(attempt))  # the right one comes too late: a person decides now
        assert later.status_code == 200
        await shop.ends(order, "open", "review")
        await shop.sees(order, "Do not pay again")


async def unknown_reference(shop: Shop) -> None:
    """P10: it is stored as nobody's, told of, and acknowledged, once."""
    order, attempt = await shop.begun()
    orphans, told = await InboxRow.count().where(InboxRow.verdict == "orphan"), await shop.letters("pay_orphan", shop.office.id)
    await shop.pays(attempt, "unknown_reference")
    assert shop.answered(attempt) == [200]
    assert (await shop.notice(await shop.message(attempt, spoil="reference"))).status_code == 200
    assert await InboxRow.count().where(InboxRow.verdict == "orphan") == orphans + 1
    assert await shop.letters("pay_orphan", shop.office.id) == told + 1
    await shop.ends(order, "open", "started")
    assert (await shop.notice(await shop.message(attempt))).status_code == 200
    await shop.paid(order)


async def charged_twice(shop: Shop) -> None:
    """P11: a second try is kept back for a quarter of an hour unless the payer says so; of two that succeed one pays and one is owed back.

    What the gateway charged twice under one reference is credited once: the settlement file shows the other.
    """
    order, attempt = await shop.begun()
    kept_back = await shop.again(order)
    assert kept_back.status_code == 409
    page = await shop.again(order, again="yes")
    await shop.go_on(page)
    second = await shop.newest(order)
    assert second.reference != attempt.reference
    owed = await shop.payable()
    for each in (attempt, second):
        await shop.pays(each)
    await shop.ends(order, "paid", "succeeded, applied", "succeeded, excess", journals=["payment", "excess"])
    assert await shop.payable() - owed == order.amount_paise
    order, attempt = await shop.begun()
    await shop.pays(attempt, "double_charge")
    assert shop.answered(attempt) == [200, 200]
    await shop.paid(order)


async def old_success(shop: Shop) -> None:
    """P21: a genuine success of one order pays no other, wherever it is posted: its reference, or its gateway's order, is signed."""
    paid, attempt = await shop.begun()
    done = await shop.pays(attempt)
    await shop.paid(paid)
    order, other = await shop.begun()
    await shop.back(done["return"], attempt=other)
    found = await shop.newest(order)
    assert str(found.state) == ("started" if shop.wire.gateway == "razorpay" else "review")
    assert (await shop.notice(await shop.message(attempt))).status_code == 200
    await shop.ends(order, "open", f"{found.state}")
    await shop.paid(paid)


async def other_person(shop: Shop) -> None:
    """P22: a return that somebody else's browser opens counts, and shows that person nothing."""
    order, attempt = await shop.begun()
    done = await shop.pays(attempt, "return_only")
    stranger = await shop.enter("stranger")
    back = await shop.back(done["return"], by=stranger)
    await shop.paid(order)
    page = await stranger.get(shop.base + back.headers["location"])
    names = [row["name"] for row in await Exporter.select(Exporter.name).where(Exporter.id == shop.firm.id)]
    assert (back.status_code, page.status_code, "set-cookie" in back.headers) == (303, 404, False)
    assert not any(name in back.text + page.text for name in names)
    assert order.reference not in page.text


async def empty_return(shop: Shop) -> None:
    """P23: a browser that comes back with nothing moves nothing, and lets the gateway be asked at once."""
    order, attempt = await shop.begun()
    await shop.pays(attempt, "return_only")
    gone = await shop.crowd.get(shop.payment(attempt).return_url)
    assert (gone.status_code, gone.headers["location"]) == (303, f"/payments/{order.reference}")
    await shop.ends(order, "open", "started")
    assert await shop.asks(seconds=1)
    await shop.paid(order)


HEARD = {
    "P1": never_returns,
    "P2": notice_before_return,
    "P3": many_copies,
    "P4": out_of_order,
    "P5": pending_first,
    "P6": late_success,
    "P7": other_amount,
    "P10": unknown_reference,
    "P11": charged_twice,
    "P21": old_success,
    "P22": other_person,
    "P23": empty_return,
}
