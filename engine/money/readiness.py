"""Whether an office is ready: what issuing there needs, and what paying there needs; what is missing, who mends it, and where.

The items of issuing guard filing and issuing in the very words that the page shows. Those of paying are shown, and guard
nothing yet: the counter takes waivers. `require_payable` is the door that a payment will ask.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from engine.clock import ist_day
from engine.contracts.form import Form
from engine.errors import Problem, Refused
from engine.money.fees import Fee, fees_of
from engine.money.gateways import in_use
from engine.money.gateways.tables import ActivationRow
from engine.money.terms import terms_of
from engine.money.terms.tables import TermsRow
from engine.people import OfficeHere
from engine.people.agencies.certifying import recorded
from engine.people.agencies.forms import confirmed_forms, not_confirmed, require_confirmed
from engine.people.offices.keeping import office_by_id, offices_of
from engine.people.offices.needs import Item, Mends, Signing, listing_item, office_items, signing_at, signing_item
from engine.registry import Registry
from engine.scope import Scope

__all__ = ["Readiness", "readiness", "readiness_of_all", "require_issuable", "require_payable"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """The items of an office, in the order in which one would mend them."""

    office: OfficeHere
    issuing: tuple[Item, ...]
    paying: tuple[Item, ...]

    @property
    def open(self) -> tuple[Item, ...]:
        """What is missing."""
        return tuple(item for item in (*self.issuing, *self.paying) if not item.done)

    @property
    def issues(self) -> bool:
        """Whether certificates can be issued there, under each form that is confirmed."""
        return all(item.done for item in self.issuing if item.box != "scheme")

    @property
    def pays(self) -> bool:
        """Whether fees can be paid there."""
        return all(item.done for item in self.paying)


async def readiness(scope: Scope, office_id: UUID, *, registry: Registry, at: datetime) -> Readiness:
    """One office. Raises NotFound for one that the scope does not cover."""
    office = await office_by_id(scope, office_id)
    signing = await signing_at(office.agency_id, office.id, at=at)
    shared = await _shared(scope, office, registry, at)
    paid = await in_use(scope, office.id) is not None
    agreed = await terms_of(scope, office.id) is not None
    return _readiness(office, signing.get(office.id, ()), shared, paid=paid, agreed=agreed, on=ist_day(at))


async def readiness_of_all(scope: Scope, *, registry: Registry, at: datetime) -> Sequence[Readiness]:
    """Every office that the scope covers; a handful of queries for each agency, however many offices it has."""
    offices, found = await offices_of(scope), []
    live, agreed = await _paid(offices), await _agreed(offices)
    for agency in dict.fromkeys(office.agency_id for office in offices):
        own = [office for office in offices if office.agency_id == agency]
        signing, shared = await signing_at(agency, at=at), await _shared(scope, own[0], registry, at)
        for office in own:
            told = {"paid": str(office.id) in live, "agreed": str(office.id) in agreed}
            found.append(_readiness(office, signing.get(office.id, ()), shared, **told, on=ist_day(at)))
    return found


async def require_issuable(office: OfficeHere, form: Form | None, *, demo: bool, at: datetime) -> None:
    """Raises Refused with everything that keeps the office from issuing under this form: what filing and scrutiny ask.

    One query, and one more for a form that somebody must have confirmed. That its agency is listed, `find_office` asked.
    """
    signing = await signing_at(office.agency_id, office.id, at=at)
    items = (*office_items(office), signing_item(office, signing.get(office.id, ())))
    problems = [item.problem for item in items if not item.done]
    if form is not None:
        try:
            await require_confirmed(office.agency_id, form, demo=demo)
        except Refused as refusal:
            problems.append(Problem(refusal.box, refusal.rule, refusal.say))
    if problems:
        raise Refused.because(problems)


async def require_payable(scope: Scope, office_id: UUID, *, registry: Registry, at: datetime) -> None:
    """Raises Refused with everything that keeps fees from being paid at an office, NotFound for one that the scope does not cover."""
    missing = [item.problem for item in (await readiness(scope, office_id, registry=registry, at=at)).paying if not item.done]
    if missing:
        raise Refused.because(missing)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all offices of an agency have in common."""

    listing: Item
    forms: tuple[Form, ...]
    confirmed: frozenset[str]
    fees: Sequence[Fee]


async def _shared(scope: Scope, office: OfficeHere, registry: Registry, at: datetime) -> _Shared:
    on = ist_day(at)
    forms = () if registry.demo else await _certified(office.agency_id, registry, on)
    return _Shared(
        await listing_item(office, on), forms, await confirmed_forms(scope, office.agency_id), await fees_of(scope, office.agency_id)
    )


async def _certified(agency: UUID, registry: Registry, on: date) -> tuple[Form, ...]:
    """The forms in force that somebody of the agency must have confirmed, of the agreements that the register records for it."""
    doubtful = [form for form in registry.in_force(on) if form.unconfirmed or form.weak]
    register = await recorded(agency, on)
    return tuple(form for form in doubtful if register.of(form.scheme, preferential=form.preferential).agreement)


async def _paid(offices: Sequence[OfficeHere]) -> frozenset[str]:
    """The ids of the offices, among these, at which parameters are in use."""
    keys = [str(office.id) for office in offices]
    rows = await ActivationRow.select(ActivationRow.live_key).where(ActivationRow.live_key.is_in(keys)) if keys else []
    return frozenset(row["live_key"] for row in rows)


async def _agreed(offices: Sequence[OfficeHere]) -> frozenset[str]:
    """The ids of the offices, among these, that have terms."""
    keys = [str(office.id) for office in offices]
    rows = await TermsRow.select(TermsRow.live_key).where(TermsRow.live_key.is_in(keys)) if keys else []
    return frozenset(row["live_key"] for row in rows)


def _readiness(office: OfficeHere, signing: Sequence[Signing], shared: _Shared, *, paid: bool, agreed: bool, on: date) -> Readiness:
    forms = tuple(_form_item(office, form, shared.confirmed) for form in shared.forms)
    issuing = (shared.listing, *office_items(office), signing_item(office, signing), *forms)
    return Readiness(
        office, issuing, (_fees_item(office, shared.fees, on), _terms_item(office, agreed=agreed), _payment_item(office, paid=paid))
    )


def _form_item(office: OfficeHere, form: Form, confirmed: frozenset[str]) -> Item:
    say = "" if form.sha256 in confirmed else not_confirmed(form)
    path = f"/offices/forms/{form.scheme}"
    return Item(f"form_{form.scheme}", f"Form of {form.scheme} confirmed", say, Mends.ADMINISTRATOR, path, "scheme", "form confirmed")


def _fees_item(office: OfficeHere, fees: Sequence[Fee], on: date) -> Item:
    holds = any(fee.office_id in {None, office.id} and fee.stands(on) == "today" for fee in fees)
    say = "" if holds else f"No fee is set for the office {office.code} today; enter it in Office Management."
    return Item("fees_set", "Fees", say, Mends.ADMINISTRATOR, f"/offices/{office.id}/fees", rule="fee set")


def _terms_item(office: OfficeHere, *, agreed: bool) -> Item:
    say = (
        ""
        if agreed
        else f"The office {office.code} has not said what becomes of a fee when an application is rejected or withdrawn; set its terms."
    )
    return Item("terms", "Terms of payment", say, Mends.ADMINISTRATOR, f"/offices/{office.id}/terms", rule="terms set")


def _payment_item(office: OfficeHere, *, paid: bool) -> Item:
    say = (
        f"The office {office.code} can take no payment: its payment parameters are not tested and in use, and its e-wallet is off."
        if not paid and not office.wallet
        else ""
    )
    return Item("payment", "Payment, or e-wallet", say, Mends.ADMINISTRATOR, f"/offices/{office.id}/payment", rule="payment possible")
