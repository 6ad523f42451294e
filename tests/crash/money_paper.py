"""The books as a person would write them on paper: from orders, applications, refunds and settlement lines, and from no journal."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from engine.filing.tables import ApplicationRow
from engine.money.ledger.tables import AccountRow
from engine.money.orders.tables import AttemptRow, OrderLineRow, OrderRow, RefundRow
from engine.money.settling.tables import SettlementLineRow
from tests.crash.money_world import OPENING_PAISE, World

__all__ = ["Paper", "books", "write_paper"]

Place = tuple[UUID, str]
_OPEN = {"requested", "submitted", "pending", "unknown"}
Rows = list[dict[str, Any]]


@dataclass
class Paper:
    """What each account holds, credits less debits, and what is set aside of each wallet; and how many documents there must be."""

    posted: dict[Place, int] = field(default_factory=lambda: defaultdict(int))
    held: dict[Place, int] = field(default_factory=lambda: defaultdict(int))
    documents: int = 0

    def move(self, office: UUID, debit: str, credit: str, paise: int) -> None:
        self.posted[office, debit] -= paise
        self.posted[office, credit] += paise

    def whole(self) -> dict[str, dict[Place, int]]:
        """Without what is nothing."""
        return {
            "posted": {at: paise for at, paise in self.posted.items() if paise},
            "held": {at: paise for at, paise in self.held.items() if paise},
        }


async def write_paper(world: World) -> Paper:
    """Writes the books of all offices."""
    paper = Paper()
    for branch in world.branches:
        for firm in world.firms:
            paper.move(branch.here.id, "legacy_clearing", f"wallet:{firm.id}", OPENING_PAISE)
    orders = {row["id"]: row for row in await OrderRow.select()}
    tries = {row["id"]: row for row in await AttemptRow.select()}
    ended = {row["id"]: row["state"] for row in await ApplicationRow.select(ApplicationRow.id, ApplicationRow.state)}
    for row in tries.values():
        if row["state"] == "succeeded":
            _success(paper, row, orders[row["order"]])
    for line in await OrderLineRow.select():
        _fee(paper, line, orders[line["order"]], ended[line["application"]], world)
    by_wallet = [row for row in orders.values() if row["paid_by"] == "wallet" and world.branch(row["office"]).terms.fee_taken == "filing"]
    paper.documents += len(by_wallet)
    for refund in await RefundRow.select():
        _refund(paper, refund, tries)
    for line in await SettlementLineRow.select():
        _settled(paper, line)
    return paper


def _wallet(row: Mapping[str, Any]) -> str:
    return f"wallet:{row['exporter']}"


def _success(paper: Paper, row: Mapping[str, Any], order: Mapping[str, Any]) -> None:
    applied = row["disposition"] == "applied"
    paper.documents += applied
    if not applied:
        paper.move(row["office"], f"gateway_clearing:{row['gateway']}", "refund_payable", row["amount_paise"])
    elif order["purpose"] == "top_up":
        paper.move(row["office"], f"gateway_clearing:{row['gateway']}", _wallet(row), row["amount_paise"])
    else:
        paper.move(row["office"], f"gateway_clearing:{row['gateway']}", "income", row["amount_paise"])


def _fee(paper: Paper, line: Mapping[str, Any], order: Mapping[str, Any], state: str, world: World) -> None:
    """A fee that a wallet paid: taken, or set aside until its application ends."""
    if order["paid_by"] != "wallet":
        return
    terms = world.branch(line["office"]).terms
    kept = {"rejected": terms.on_rejection, "withdrawn": terms.on_withdrawal}.get(state) == "keep"
    if terms.fee_taken == "filing" or state == "issued" or kept:
        paper.move(line["office"], _wallet(line), "income", line["amount_paise"])
        paper.documents += terms.fee_taken != "filing"
    elif state not in {"rejected", "withdrawn"}:
        paper.held[line["office"], _wallet(line)] += line["amount_paise"]


def _refund(paper: Paper, refund: Mapping[str, Any], tries: Mapping[UUID, Mapping[str, Any]]) -> None:
    office, paise = refund["office"], refund["amount_paise"]
    if refund["state"] in _OPEN and refund["why"] == "top_up":
        paper.held[office, _wallet(refund)] += paise
    if refund["state"] != "done":
        return
    source = {"fee": "income", "excess": "refund_payable", "top_up": _wallet(refund)}[refund["why"]]
    to = {"wallet": _wallet(refund), "by_hand": "bank"}.get(refund["back_to"]) or f"gateway_clearing:{tries[refund['attempt']]['gateway']}"
    paper.move(office, source, to, paise)
    paper.documents += refund["why"] != "excess" or refund["back_to"] == "wallet"


def _settled(paper: Paper, line: Mapping[str, Any]) -> None:
    known = line["match"] in {"matched", "refund_matched"}
    ours = f"gateway_clearing:{line['gateway']}" if known else "suspense"
    sign = 1 if line["kind"] == "payment" else -1
    paper.move(line["office"], "bank", ours, sign * line["net_paise"])
    paper.move(line["office"], "gateway_charges", ours, sign * (line["fee_paise"] + line["tax_paise"]))


async def books() -> dict[str, dict[Place, int]]:
    """What the ledger holds, in the words of the paper."""
    found = Paper()
    for row in await AccountRow.select():
        name = {"wallet": f"wallet:{row['exporter']}", "gateway_clearing": f"gateway_clearing:{row['detail']}"}.get(
            row["role"], row["role"]
        )
        name = "income" if row["role"] in {"fee_income", "gst"} else name
        found.posted[row["office"], name] += row["credits_posted"] - row["debits_posted"]
        if row["role"] == "wallet":
            found.held[row["office"], name] += row["debits_pending"]
    return found.whole()
