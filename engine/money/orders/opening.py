"""Opening an order: what filed applications of one firm owe at one office, computed once and frozen; or money for a wallet.

Promises that an application stands in one order that counts, however many persons press at once, and that neither a later fee
nor later terms change what was opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.application import ApplicationState
from engine.clock import ist_day
from engine.errors import Conflict, NotFound, Problem, Refused
from engine.filing import Draft, find
from engine.filing.tables import ApplicationRow
from engine.money.fees import Breakup, Fee, fee_of
from engine.money.orders.finding import live_line, order_by_id
from engine.money.orders.nouns import GOOD_FOR, Order, new_reference
from engine.money.orders.tables import OrderLineRow, OrderRow, OrderState, Purpose
from engine.money.terms import Terms, terms_of
from engine.people import OfficeHere, exporter_by_id
from engine.people.offices.keeping import office_by_id
from engine.people.tables import Exporter
from engine.scope import PLATFORM, Scope
from engine.store import audit, uow

__all__ = ["MOST_LINES", "Owed", "OwedLine", "amount_of", "open_top_up", "write_fee_order"]

MOST_LINES = 50
_LEAST_TOP_UP_PAISE = 100
_MOST_TOP_UP_PAISE = 10_00_000_00  # ten lakh rupees


@dataclass(frozen=True, slots=True)
class OwedLine:
    """What one application owes today."""

    draft: Draft
    fee: Fee
    breakup: Breakup


@dataclass(frozen=True, slots=True)
class Owed:
    """What applications owe together today at their office, and the terms under which they would be paid. Nothing of it is written."""

    office: OfficeHere
    exporter_id: UUID
    terms: Terms
    lines: tuple[OwedLine, ...]
    gstin: str = ""

    @property
    def total_paise(self) -> int:
        """The sum of the lines."""
        return sum(line.breakup.total_paise for line in self.lines)


async def amount_of(scope: Scope, references: Sequence[str], *, at: datetime) -> Owed:
    """What filed applications owe today: the break-up that an order would freeze.

    Raises NotFound for one that the scope does not cover, and Refused for one that is not filed, for such of several firms or
    offices, for none or more than fifty, and where the office has no terms or no fee.
    """
    wanted = list(dict.fromkeys(reference.strip().upper() for reference in references))
    if not 1 <= len(wanted) <= MOST_LINES:
        raise Refused(f"An order is for 1 to {MOST_LINES} applications; this one names {len(wanted)}.", box="applications", rule="1 to 50")
    drafts = [await find(scope, reference) for reference in wanted]
    first = drafts[0]
    if problems := [problem for draft in drafts if (problem := _unpayable(draft, first)) is not None]:
        raise Refused.because(problems)
    assert first.office_id is not None  # noqa: S101  # _unpayable refused a self-declaration
    office = await office_by_id(PLATFORM, first.office_id)
    terms = await _terms(office)
    firm = (await Exporter.select(Exporter.gstin).where(Exporter.id == first.exporter_id))[0]
    lines = []
    for draft in drafts:
        fee = await fee_of(PLATFORM, office, draft.application.scheme, str(draft.application.kind), ist_day(at))
        lines.append(OwedLine(draft, fee, fee.breakup(office.state, firm["gstin"])))
    return Owed(office, first.exporter_id, terms, tuple(lines), firm["gstin"])


async def write_fee_order(scope: Scope, owed: Owed, *, actor: str, at: datetime) -> Order:
    """Writes the order of what is owed. The very same applications once more give the order that waits for them already.

    Raises Conflict for an application that stands in another order that counts, or that is not filed any more.
    """
    if (known := await _the_same(scope, owed)) is not None:
        return known
    order = _row(Purpose.FEES, owed.office, owed.exporter_id, owed.terms, owed.total_paise, actor, at)
    order.gstin = owed.gstin
    try:
        async with uow():
            for line in sorted(owed.lines, key=lambda line: line.draft.id.bytes):  # one order for all, so that nobody waits in a ring
                await _hold_filed(line.draft)
            await OrderRow.insert(order)
            await OrderLineRow.insert(*[_line(order, number, line) for number, line in enumerate(owed.lines, start=1)])
            await _note(order, owed.office, actor, at, lines=len(owed.lines))
    except Conflict as conflict:
        if conflict.code != "integrity":
            raise
        if (known := await _the_same(scope, owed)) is not None:  # the same form, sent twice
            return known
        raise await _ordered(owed) from conflict
    return await order_by_id(scope, UUID(str(order.id)))


async def open_top_up(scope: Scope, office_id: UUID, exporter_id: UUID, amount_paise: int, *, actor: str, at: datetime) -> Order:
    """An order for money into a firm's wallet at one office.

    Raises NotFound for a firm that the scope does not cover, Refused where the wallet is off or the office has no terms, and for
    an amount that is none.
    """
    if await exporter_by_id(scope, exporter_id) is None:
        raise NotFound("There is no such firm.", code="exporter")
    office = await office_by_id(PLATFORM, office_id)
    if not office.active or not office.wallet:
        say = f"The office {office.agency_code} {office.code} keeps no e-wallets. Pay the fee of each application through its gateway."
        raise Refused(say, box="office", rule="wallet on")
    if not _LEAST_TOP_UP_PAISE <= amount_paise <= _MOST_TOP_UP_PAISE:
        raise Refused("Enter an amount from 1 rupee to 10 lakh rupees.", box="amount", rule="amount of a top-up")
    terms = await _terms(office)
    order = _row(Purpose.TOP_UP, office, exporter_id, terms, amount_paise, actor, at)
    async with uow():
        await OrderRow.insert(order)
        await _note(order, office, actor, at, lines=0)
    return await order_by_id(scope, UUID(str(order.id)))


def _unpayable(draft: Draft, first: Draft) -> Problem | None:
    """Why this application cannot stand in an order beside the first one."""
    if draft.office_id is None:
        return Problem("applications", "issued by an office", f"{draft.reference} is a self-declaration and owes no fee.")
    if draft.state is not ApplicationState.FILED:
        return Problem("applications", "filed", f"{draft.reference} is {draft.state}; a fee is paid once the application is filed.")
    if (draft.office_id, draft.exporter_id) != (first.office_id, first.exporter_id):
        say = f"{draft.reference} is of another firm or another office than {first.reference}; each office is paid by itself."
        return Problem("applications", "one firm and one office", say)
    return None


async def _terms(office: OfficeHere) -> Terms:
    terms = await terms_of(PLATFORM, office.id)
    if terms is None:
        say = (
            f"The office {office.agency_code} {office.code} cannot take a payment yet: it has not said what becomes of a fee when an "
            "application is rejected or withdrawn. Its administrator sets this in Office Management."
        )
        raise Refused(say, box="office", rule="terms set")
    return terms


async def _the_same(scope: Scope, owed: Owed) -> Order | None:
    """The order that is open for exactly these applications."""
    lines = [await live_line(line.draft.id) for line in owed.lines]
    found = {line.order_id for line in lines if line is not None}
    if len(found) != 1 or None in lines:
        return None
    [id] = found
    order = await order_by_id(scope, id)
    whole = await OrderLineRow.count().where(OrderLineRow.order == id)
    return order if order.state is OrderState.OPEN and whole == len(lines) else None


async def _hold_filed(draft: Draft) -> None:
    """Keeps the application filed until the unit of work ends. Raises Conflict if it is not any more."""
    still = (ApplicationRow.id == draft.id, ApplicationRow.state == str(ApplicationState.FILED), ApplicationRow.version == draft.version)
    held = ApplicationRow.update({ApplicationRow.state: ApplicationRow.state}).where(*still)
    if not await held.returning(ApplicationRow.id):
        raise Conflict(f"The application {draft.reference} was changed meanwhile. Look at it again.", code="application_state")


async def _ordered(owed: Owed) -> Conflict:
    """What is said of an application that another order is there for."""
    for line in owed.lines:
        if (taken := await live_line(line.draft.id)) is not None:
            order = await order_by_id(PLATFORM, taken.order_id)
            stands = "is paid already" if order.state is OrderState.PAID else "waits for payment"
            say = f"The fee of {line.draft.reference} {stands} in the order {order.reference}."
            return Conflict(say, code="already_ordered", box="applications", rule="one order for a fee", reference=order.reference)
    return Conflict("Somebody changed one of these applications meanwhile. Try again.", code="already_ordered", box="applications")


def _row(purpose: Purpose, office: OfficeHere, exporter_id: UUID, terms: Terms, amount_paise: int, actor: str, at: datetime) -> OrderRow:
    return OrderRow(
        reference=new_reference(),
        purpose=str(purpose),
        agency=office.agency_id,
        office=office.id,
        exporter=exporter_id,
        terms=terms.id,
        amount_paise=amount_paise,
        made_by=actor,
        made_at=at,
        expires_at=at + GOOD_FOR,
    )


def _line(order: OrderRow, number: int, line: OwedLine) -> OrderLineRow:
    breakup = line.breakup
    return OrderLineRow(
        order=order.id,
        line=number,
        agency=order.agency,
        office=order.office,
        exporter=order.exporter,
        application=line.draft.id,
        fee=line.fee.id,
        scheme=line.draft.application.scheme,
        base_paise=breakup.base_paise,
        cgst_paise=breakup.cgst_paise,
        sgst_paise=breakup.sgst_paise,
        igst_paise=breakup.igst_paise,
        amount_paise=breakup.total_paise,
        gst_rate_bp=breakup.gst_rate_bp,
        sac=breakup.sac,
        rounding=str(breakup.rounding),
        supply=str(breakup.supply),
        local_name=breakup.local_name,
        live_key=str(line.draft.id),
    )


async def _note(order: OrderRow, office: OfficeHere, actor: str, at: datetime, *, lines: int) -> None:
    detail = {"purpose": order.purpose, "amount_paise": order.amount_paise, "lines": lines, "terms": str(order.terms)}
    await audit(
        "order_opened", room="money", subject=order.reference, actor=actor, at=at, agency=office.agency_id, office=office.id, detail=detail
    )
