"""The lines of the failure table that are about who said it: P8, P9, P16 and P17."""

from collections.abc import Callable

from engine.money.orders.tables import InboxRow
from engine.money.paying import ALARM_AT, failing_callbacks
from engine.scope import PLATFORM
from tests.plugins.payment.shop_bench import Shop
from tests.plugins.payment.wires_bench import remarked

__all__ = ["PROVED"]

SPOILT: tuple[Callable[[str], str], ...] = (
    lambda mark: "",
    lambda mark: mark[:-1],
    lambda mark: mark + mark[-1],
    str.swapcase,
    lambda mark: ("B" if mark[0] != "B" else "C") + mark[1:],
    lambda mark: mark[::-1],
)


async def bad_checksum(shop: Shop) -> None:
    """P8: a checksum that is missing, too short, too long, in the other case, or another one: refused, counted and logged; nothing moves.

    A gateway's server is answered 400. A browser is led to the order's page, which shows what was proved alone.
    """
    order, attempt = await shop.begun()
    done = await shop.pays(attempt, "return_only")
    genuine, before = await shop.message(attempt), await failing_callbacks(PLATFORM, shop.office.id, at=shop.clock.now())
    shop.log.clear()
    for spoil in SPOILT:
        assert (await shop.notice(remarked(genuine, spoil))).status_code == 400
        assert (await shop.back(remarked(done["return"], spoil))).status_code in {303, 400}
    assert set(await shop.verdicts(attempt)) == {"refused"}
    assert len(shop.proofless()) == 2 * len(SPOILT)
    assert await failing_callbacks(PLATFORM, shop.office.id, at=shop.clock.now()) - before >= ALARM_AT
    await shop.ends(order, "open", "started")
    assert (await shop.notice(genuine)).status_code == 200
    await shop.paid(order)


async def other_merchant(shop: Shop) -> None:
    """P9: another merchant's name under the right key is for a person; the right name under another office's key proves nothing, and at
    that office's address it is about nobody's payment."""
    order, attempt = await shop.begun()
    await shop.pays(attempt, "wrong_merchant_valid_signature")
    assert shop.answered(attempt) == [200]
    await shop.ends(order, "open", "review")
    order, attempt = await shop.begun()
    done = await shop.pays(attempt, "return_only")
    genuine = await shop.message(attempt)
    with shop.as_others(attempt):
        foreign, returned = await shop.message(attempt), await shop.message(attempt, way="return")
    assert (await shop.notice(foreign)).status_code == 400
    assert (await shop.back(returned)).status_code in {303, 400}
    assert (await shop.notice(genuine, office=shop.other)).status_code == 400
    assert (await shop.notice(foreign, office=shop.other)).status_code == 200
    assert await InboxRow.count().where(InboxRow.verdict == "orphan", InboxRow.reference == attempt.reference) == 1
    await shop.ends(order, "open", "started")
    await shop.back(done["return"])
    await shop.paid(order)


async def wrong_key(shop: Shop) -> None:
    """P16: callbacks that cannot be verified are counted and told of, no payment fails by them, and all are found by asking: with the key
    that the office enters then, where one key does both."""
    bought = [await shop.begun() for _ in range(ALARM_AT)]
    told = await shop.letters("pay_alarm", shop.office.id)
    one_key = set(shop.wire.merchant.secrets) != {"key", "webhook"}
    kept = dict(shop.merchant.secrets)
    shop.merchant.secrets = shop.wire.renewed("Wrong") if one_key else {**kept, "webhook": shop.wire.renewed("Wrong")["webhook"]}
    for _, attempt in bought:
        await shop.pays(attempt, "no_return")
        assert shop.answered(attempt) == [400]
    assert await failing_callbacks(PLATFORM, shop.office.id, at=shop.clock.now()) >= ALARM_AT
    assert await shop.letters("pay_alarm", shop.office.id) == told + 1
    if one_key:
        await shop.asks(minutes=2)
        for order, _ in bought:
            await shop.ends(order, "open", "started")
        await shop.enter_parameters()
    await shop.asks(minutes=4)
    for order, _ in bought:
        await shop.paid(order)
    await shop.enter_parameters()


async def rotated_key(shop: Shop) -> None:
    """P17: a try is verified by the key that it began with for as long as that counts, and by the new one; not by one that is long over."""
    old, new, late = [await shop.begun() for _ in range(3)]
    for _, attempt in (old, new, late):
        await shop.pays(attempt, "return_only")
    before = dict(shop.merchant.secrets)
    by_old_key = [await shop.message(attempt) for _, attempt in (old, late)]
    shop.merchant.secrets = shop.wire.renewed("Later")
    await shop.enter_parameters()
    assert before != shop.merchant.secrets
    assert (await shop.notice(by_old_key[0])).status_code == 200
    assert (await shop.notice(await shop.message(new[1]))).status_code == 200
    for order, _ in (old, new):
        await shop.paid(order)
    shop.clock.forward(days=11)
    assert (await shop.notice(by_old_key[1])).status_code == 400
    await shop.ends(late[0], "open", "started")
    assert (await shop.notice(await shop.message(late[1]))).status_code == 200
    await shop.paid(late[0])


PROVED = {"P8": bad_checksum, "P9": other_merchant, "P16": wrong_key, "P17": rotated_key}
