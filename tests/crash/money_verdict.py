"""What must be true once a day of money is over and healed: of the books, of what was acknowledged, and of what the gateways have."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.filing.tables import ApplicationRow
from engine.money.ledger import check_books, journal_breaks
from engine.money.ledger.tables import AccountRow, JournalRow, JournalSeal, JournalUnsealed
from engine.money.orders.tables import AttemptRow, InboxRow, MoveRow, OrderLineRow, OrderRow, RefundRow
from engine.money.receipts.tables import ReceiptCounterRow, ReceiptRow
from engine.money.settling import check_clearing
from engine.money.settling.tables import SettlementFileRow
from engine.money.tables import CoverRow
from engine.store.audit import chain_breaks
from engine.store.tables import Announcement, AuditEntry
from plugins.payment.sandbox.rehearsal.scripts import Status
from tests.crash.money_crew import Deed
from tests.crash.money_day import Day
from tests.crash.money_paper import books, write_paper

__all__ = ["figures", "judge"]


async def judge(day: Day) -> None:
    """Fails where anything is not as it must be."""
    assert day.crew.troubles == []
    assert [
        deed for deed in day.crew.deeds if deed.name in {"notice", "returned"} and deed.fate == "refused"
    ] == []  # never an error of ours
    await _books_are_right()
    await _numbers_have_no_hole()
    await _acknowledged_deeds_are_there(day.crew.deeds)
    await _successes_are_heard_once(day)
    await _refunds_are_the_gateways(day)
    await _fees_are_covered()
    paper = await write_paper(day.world)
    assert await books() == paper.whole()
    assert await ReceiptRow.count() == paper.documents


async def _books_are_right() -> None:
    assert await check_books(None, None) == []
    assert await check_clearing(None) == []
    sums: Counter[Any] = Counter()
    for row in await AccountRow.select():
        sums[row["office"]] += row["debits_posted"] - row["credits_posted"]
        assert row["role"] != "wallet" or row["credits_posted"] - row["debits_posted"] - row["debits_pending"] >= 0
    assert set(sums.values()) <= {0}
    assert await journal_breaks() == []
    assert await JournalUnsealed.count() == 0
    assert await JournalSeal.count() == await JournalRow.count()
    assert await chain_breaks() == []


async def _numbers_have_no_hole() -> None:
    rows = await ReceiptRow.select(ReceiptRow.office, ReceiptRow.prefix, ReceiptRow.serial, ReceiptRow.number)
    for counter in await ReceiptCounterRow.select():
        serials = sorted(row["serial"] for row in rows if (row["office"], row["prefix"]) == (counter["office"], counter["prefix"]))
        assert serials == list(range(1, counter["last"] + 1))
    assert len({(row["office"], row["number"]) for row in rows}) == len(rows)


# --- what was acknowledged ----------------------------------------------------------------------------


async def _acknowledged_deeds_are_there(deeds: Sequence[Deed]) -> None:
    """What was answered is there, what was refused is not, and what a kill ate is there once or not at all."""
    marks = {
        "file": await _made(ApplicationRow, "made_by"),
        "top_up": await _made(OrderRow, "made_by"),
        "start": await _made(AttemptRow, "made_by"),
        "settlement": await _made(SettlementFileRow, "imported_by"),
        **dict.fromkeys(("give_back_fee", "give_back_top_up", "give_back_excess"), await _made(RefundRow, "asked_by")),
        "review": await _made(MoveRow, "actor"),
        "order": await _made(OrderRow, "made_by"),
        "cancel": await _acted("order_cancelled"),
        "wallet": await _acted("order_paid"),
        "otherwise": await _acted("refund_by_person"),
        "decide": await _acted("refund_by_person"),
    }
    for deed in deeds:
        if deed.name not in marks:
            continue
        found = marks[deed.name][deed.mark]
        again = deed.name in {"order", "wallet"} or (deed.name == "settlement" and deed.done and deed.answer["known"])
        tried = deed.name == "start"  # a gateway's refusal leaves a try that failed to start
        least = 1 if deed.done and not again else 0
        most = 0 if deed.fate == "refused" and not tried else 1
        assert least <= found <= most, f"{deed.name} {deed.fate} {deed.code}: {found} times"
    await _states_are_as_told(deeds)


async def _made(table: Any, column: str) -> Counter[str]:
    name = getattr(table, column)
    return Counter(row[column] for row in await table.select(name))


async def _acted(act: str) -> Counter[str]:
    return Counter(row["actor"] for row in await AuditEntry.select(AuditEntry.actor).where(AuditEntry.act == act))


async def _states_are_as_told(deeds: Iterable[Deed]) -> None:
    applications = {row["reference"]: row["state"] for row in await ApplicationRow.select(ApplicationRow.reference, ApplicationRow.state)}
    orders = {row["reference"]: row for row in await OrderRow.select()}
    ends = {"issue": "issued", "reject": "rejected", "withdraw": "withdrawn"}
    for deed in deeds:
        if not deed.done:
            continue
        if deed.name in ends:
            assert applications[deed.told["reference"]] == ends[deed.name]
        elif deed.name == "file":
            assert deed.answer in applications
        elif deed.name in {"order", "top_up"}:
            assert orders[deed.answer["reference"]]["amount_paise"] == deed.answer["paise"]
        elif deed.name == "wallet":
            assert (orders[deed.told["reference"]]["state"], orders[deed.told["reference"]]["paid_by"]) == ("paid", "wallet")
        elif deed.name == "cancel":
            assert orders[deed.told["reference"]]["state"] == "cancelled"


# --- what the gateways have ---------------------------------------------------------------------------


async def _successes_are_heard_once(day: Day) -> None:
    """A try succeeded if and only if it is paid at its gateway; its money is in one journal; an order is paid by one of them."""
    tries = {row["reference"]: row for row in await AttemptRow.select()}
    orders = {row["id"]: row for row in await OrderRow.select()}
    paid = {each.reference for each in day.outside.till.payments if day.outside.till.status(each) is Status.PAID}
    assert {reference for reference, row in tries.items() if row["state"] == "succeeded"} == paid
    assert {row["state"] for row in tries.values()} <= {"succeeded", "failed", "start_failed", "abandoned"}
    assert {row["state"] for row in orders.values()} <= {"paid", "cancelled", "expired"}
    keys = {row["key"] for row in await JournalRow.select(JournalRow.key)}
    for row in tries.values():
        order = orders[row["order"]]
        mine = {f"excess:{row['id']}", f"topup:{row['id']}"} & keys
        if row["disposition"] == "applied" and order["purpose"] == "fees":
            assert (f"pay:{order['id']}" in keys, mine) == (True, set())
        else:
            assert len(mine) == (row["state"] == "succeeded")
            assert (row["disposition"] == "applied") == (f"topup:{row['id']}" in mine)
    by_gateway = Counter(row["order"] for row in tries.values() if row["disposition"] == "applied")
    assert by_gateway == Counter(id for id, order in orders.items() if order["paid_by"] == "gateway")


async def _refunds_are_the_gateways(day: Day) -> None:
    """What the gateways gave back is what the books say that they did, each once, and never more than was paid."""
    theirs = {
        made.reference: made.amount_paise
        for each in day.outside.till.payments
        for made in each.refunds.values()
        if day.outside.till.is_done(made)
    }
    rows = await RefundRow.select()
    assert [row for row in rows if row["state"] not in {"done", "failed"}] == []
    ours = {row["reference"]: row["amount_paise"] for row in rows if row["state"] == "done" and row["back_to"] == "source"}
    assert ours == theirs
    for payment in day.outside.till.payments:
        assert payment.refunded_paise <= payment.amount_paise


async def _fees_are_covered() -> None:
    """Every paid fee covers its application, once, until that ends; and every paid order is announced once."""
    states = {row["id"]: row["state"] for row in await ApplicationRow.select(ApplicationRow.id, ApplicationRow.state)}
    paid = {row["id"]: row["reference"] for row in await OrderRow.select() if row["state"] == "paid"}
    lines = [row for row in await OrderLineRow.select() if row["order"] in paid]
    covers = {row["order_line"]: row for row in await CoverRow.select()}
    assert set(covers) == {row["id"] for row in lines}
    assert await CoverRow.count() == len(lines)
    for line in lines:
        wanted = {"filed": "open", "issued": "posted"}.get(states[line["application"]], "released")
        assert covers[line["id"]]["state"] == wanted
    topic = Announcement.topic == "coo_payment_settled"
    told = Counter(json.loads(row["payload"])["order"] for row in await Announcement.select(Announcement.payload).where(topic))
    assert told == Counter(paid.values())


# --- figures ------------------------------------------------------------------------------------------


async def figures(day: Day, again: Mapping[str, Any]) -> str:
    """The day in one paragraph."""
    fates = Counter(deed.fate for deed in day.crew.deeds)
    tries = Counter(row["disposition"] or row["state"] for row in await AttemptRow.select(AttemptRow.disposition, AttemptRow.state))
    orders = Counter(row["state"] for row in await OrderRow.select(OrderRow.state))
    refunds = Counter(f"{row['state']} {row['back_to']}" for row in await RefundRow.select(RefundRow.state, RefundRow.back_to))
    verdicts = Counter(row["verdict"] for row in await InboxRow.select(InboxRow.verdict))
    refusals = Counter(deed.code for deed in day.crew.deeds if deed.fate == "refused")
    told = {
        "events": _list(day.count), "deeds": _list(fates), "kills": f"{sum(day.crew.kills.values())} ({_list(day.crew.kills)})",
        "starts": day.crew.starts, "orders": _list(orders), "tries": _list(tries), "refunds": _list(refunds), "inbox": _list(verdicts),
        "lines": f"{await OrderLineRow.count()}, at most {max(row['line'] for row in await OrderLineRow.select(OrderLineRow.line))} in an order",
        "receipts": await ReceiptRow.count(), "journals": await JournalRow.count(), "refusals": _list(refusals), "sum of all accounts": await _sum_of_all(), **again,
    }  # fmt: skip
    return "; ".join(f"{name}: {figure}" for name, figure in told.items())


async def _sum_of_all() -> int:
    return sum(row["debits_posted"] - row["credits_posted"] for row in await AccountRow.select())


def _list(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items(), key=lambda each: -each[1]))
