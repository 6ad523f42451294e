"""What may happen on a day of money, how often, and whom it meets."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.crash.money_day import Day, Owed, Try
from tests.crash.money_world import Branch

__all__ = ["EVENTS"]

Happening = Awaitable[Any] | None
_ROUNDS = ("payments", "submit", "refunds", "tell", "orders", "settlement", "journal", "audit")


def _bucket(day: Day) -> Happening:
    """An order of one to fifty applications of one firm at one office."""
    buckets = [key for key, references in day.filed.items() if references]
    if not buckets:
        return None
    large = day.dice.random() < 0.1
    key = max(buckets, key=lambda each: len(day.filed[each])) if large else day.dice.choice(buckets)
    most = day.dice.randint(20, 50) if large else day.dice.randint(1, 4)
    some, day.filed[key] = day.filed[key][:most], day.filed[key][most:]
    return day.order(day.world.branch(key[0]), key[1], some)


def _of(pool: Callable[[Day], list[Any]], deed: Callable[[Day, Any], Awaitable[Any]]) -> Callable[[Day], Happening]:
    """An event that needs one of a pool; None if there is none."""

    def draw(day: Day) -> Happening:
        found = pool(day)
        return deed(day, day.dice.choice(found)) if found else None

    return draw


def _filing(day: Day) -> Happening:
    """Half of all is one firm's at two offices, which has much to pay at once."""
    branch, firm = _place(day)
    if day.dice.random() < 0.5:
        branch, firm = day.world.branches[day.dice.randrange(2) * 3], str(day.world.firms[0].id)
    return day.file(branch, firm)


def _place(day: Day) -> tuple[Branch, str]:
    return day.dice.choice(day.world.branches), str(day.dice.choice(day.world.firms).id)


def _open(day: Day) -> list[Owed]:
    return [each for each in day.owed[-60:] if not each.settled]


def _open_fees(day: Day) -> list[Owed]:
    return [each for each in _open(day) if not each.top_up]


def _paid_fees(day: Day) -> list[Owed]:
    return [each for each in day.owed if each.settled and not each.top_up]


def _fees(day: Day) -> list[Owed]:
    return [each for each in day.owed if not each.top_up]


def _top_ups(day: Day) -> list[Try]:
    return [each for each in day.tries if each.owed.top_up and each.owed.settled]


EVENTS: Mapping[str, tuple[float, Callable[[Day], Happening]]] = {
    "file": (24, _filing),
    "order": (7, _bucket),
    "top up": (5, lambda day: day.top_up(*_place(day))),
    "find a lost order": (1, lambda day: day.find_lost() if day.lost else None),
    "start": (14, _of(_open, lambda day, owed: day.start(owed, day.dice.random() < 0.3))),
    "start on a settled one": (0.5, _of(lambda day: day.owed, lambda day, owed: day.start(owed, True))),
    "wallet": (6, _of(_open_fees, lambda day, owed: day.wallet(owed, day.dice.random() < 0.3))),
    "message": (22, lambda day: day.deliver() if any(each.due_at <= day.at for each in day.outside.letters) else None),
    "replay": (5, lambda day: day.replay() if day.posts else None),
    "astray": (1, lambda day: day.astray() if day.posts else None),
    "forged": (4, _of(lambda day: day.tries, lambda day, one: day.forge(one))),
    "poll": (3, _of(lambda day: day.tries, lambda day, one: day.poll(one))),
    "cancel": (1, _of(_open, lambda day, owed: day.do("cancel", firm=owed.firm, reference=owed.reference))),
    "issue": (6, _of(_paid_fees, lambda day, owed: day.end("issue", owed))),
    "withdraw": (2, _of(_fees, lambda day, owed: day.end("withdraw", owed))),
    "reject": (2, _of(_fees, lambda day, owed: day.end("reject", owed))),
    "refund of a fee": (2, _of(_paid_fees, lambda day, owed: day.give_back_fee(owed))),
    "refund of a top-up": (1.5, _of(_top_ups, lambda day, one: day.give_back_top_up(one))),
    "excess": (1, lambda day: day.excess()),
    "review": (1, lambda day: day.review()),
    "by hand": (1, lambda day: day.by_hand()),
    "settlement file": (0.7, lambda day: day.settle(day.dice.choice(day.world.branches[:2]))),
    "round": (6, lambda day: day.round_of(day.dice.choice(_ROUNDS))),
}
