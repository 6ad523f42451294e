"""What a document says, gathered once from the rows as they stand when it is made."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.clock import ist_day
from engine.filing.tables import ApplicationRow
from engine.money.fees import Rounding, Supply, break_up, fees_of, supply_of
from engine.money.orders.tables import AttemptRow, OrderLineRow, PaidBy, Purpose
from engine.money.receipts.content import ContentLine, Parties
from engine.people.states import state_name, taxes_by_union
from engine.people.tables import Agency, Exporter, Office
from engine.scope import PLATFORM

__all__ = ["advance_line", "fee_lines", "order_lines", "parties_of", "place_of", "references_of", "state_words"]

# Where the rate of an advance cannot be told yet, it is 18 % (CGST Rule 50, proviso (i)).
_ADVANCE_BP = 1800
_BP = 10_000


def state_words(code: str) -> str:
    """A state by code and name: 27 Maharashtra."""
    return f"{code} {state_name(code)}".strip()


async def parties_of(row: Mapping[str, Any]) -> Parties:
    """Office and firm of an order, as they are called now."""
    office = await Office.select().where(Office.id == row["office"]).first()
    agency = await Agency.select().where(Agency.id == row["agency"]).first()
    firm = await Exporter.select().where(Exporter.id == row["exporter"]).first()
    if office is None or agency is None or firm is None:
        raise ValueError("An order names an office, its agency and a firm.")
    where = ", ".join(
        part.strip() for part in (*office["address"].split("\n"), f"{office['city']} {office['pin']}".strip()) if part.strip()
    )
    return Parties(
        agency=agency["name"],
        office=office["name"],
        office_code=f"{agency['code']} {office['code']}",
        address=where,
        state=state_words(office["state"]),
        gstin=office["gstin"],
        firm=firm["name"],
        iec=firm["iec"],
        firm_address=", ".join(part.strip() for part in firm["address"].split("\n") if part.strip()),
        firm_gstin=row["gstin"] if row["purpose"] == Purpose.FEES else firm["gstin"],  # by which its tax was computed
    )


def place_of(parties: Parties, supply: str) -> str:
    """The place of supply: the office's state, or for a supply between states that which the firm's GSTIN begins with."""
    if supply == Supply.INTER_STATE and parties.firm_gstin:
        return state_words(parties.firm_gstin[:2])
    return parties.state


async def fee_lines(rows: Sequence[Mapping[str, Any]]) -> tuple[ContentLine, ...]:
    """The lines of an order, as they were frozen in it."""
    ids = [row["application"] for row in rows]
    known = await ApplicationRow.select(ApplicationRow.id, ApplicationRow.reference).where(ApplicationRow.id.is_in(ids)) if ids else []
    references = {row["id"]: row["reference"] for row in known}
    return tuple(
        ContentLine(
            words=f"Fee for a certificate of origin, {row['scheme']}",
            application=references[row["application"]],
            sac=row["sac"],
            gst_rate_bp=row["gst_rate_bp"],
            tax_name=row["local_name"] or "SGST",
            base_paise=row["base_paise"],
            cgst_paise=row["cgst_paise"],
            sgst_paise=row["sgst_paise"],
            igst_paise=row["igst_paise"],
            line_id=str(row["id"]),
        )
        for row in rows
    )


async def advance_line(order: Mapping[str, Any], parties: Parties, amount_paise: int, at: datetime) -> tuple[ContentLine, str]:
    """An advance with the tax that is part of it, and whether the supply is between states.

    The rate is that of the office's fees, if they all have one, and 18 % otherwise; an office without GSTIN charges none.
    """
    here = [fee for fee in await fees_of(PLATFORM, order["agency"], order["office"]) if fee.stands(ist_day(at)) == "today"]
    rates = {(fee.gst_rate_bp, fee.sac) for fee in here}
    rate, sac = next(iter(rates)) if len(rates) == 1 else (_ADVANCE_BP, "")
    rate = rate if parties.gstin else 0
    state = parties.state[:2]
    supply = supply_of(state, parties.firm_gstin)
    base = (2 * amount_paise * _BP + _BP + rate) // (2 * (_BP + rate))
    tax = break_up(base, gst_rate_bp=rate, sac=sac, rounding=Rounding.PAISA, office_state=state, gstin=parties.firm_gstin)
    return ContentLine(
        words="Advance for fees of certificates of origin: top-up of the e-wallet",
        application="",
        sac=sac if rate else "",
        gst_rate_bp=rate,
        tax_name="UTGST" if taxes_by_union(state) else "SGST",
        base_paise=amount_paise - tax.tax_paise,  # what rounding leaves is the base's: the sum is what was paid
        cgst_paise=tax.cgst_paise,
        sgst_paise=tax.sgst_paise,
        igst_paise=tax.igst_paise,
    ), str(supply)


async def references_of(order: Mapping[str, Any], attempt_id: UUID | None) -> tuple[tuple[str, str], ...]:
    """The order and how it was paid, by references that both sides know."""
    found = [("Order", str(order["reference"]))]
    if attempt_id is None:
        return (*found, ("Paid from", "e-wallet")) if order["paid_by"] == PaidBy.WALLET else tuple(found)
    attempt = await AttemptRow.select().where(AttemptRow.id == attempt_id).first()
    if attempt is None or attempt["order"] != order["id"]:
        raise ValueError("The try that paid is one of the order's.")
    found += [("Paid through", attempt["gateway"]), ("Our payment reference", attempt["reference"])]
    return (*found, ("Gateway's reference", attempt["gateway_txn_id"])) if attempt["gateway_txn_id"] else tuple(found)


async def order_lines(order_id: UUID, line_ids: Sequence[UUID] | None) -> list[dict[str, Any]]:
    """The lines of an order that bear a fee, or those of them that are named. Raises ValueError for one that is not the order's."""
    rows = await OrderLineRow.select().where(OrderLineRow.order == order_id).order_by(OrderLineRow.line)
    if line_ids is None:
        return [row for row in rows if row["amount_paise"]]
    wanted = set(line_ids)
    if wanted - {row["id"] for row in rows}:
        raise ValueError("The fees that are receipted are the order's.")
    return [row for row in rows if row["id"] in wanted and row["amount_paise"]]
