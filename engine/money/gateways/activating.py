"""Putting a version into use: after its test, and by two persons.

Promises that what was never tested, or was refused by the gateway, is never in use; that a doubtful test is overridden by a
reason that stays; and that one version is in use at an office, however many persons press at once.
"""

import hashlib
from datetime import datetime
from uuid import UUID

from engine.config import AccessSection
from engine.errors import Conflict, Forbidden, Refused
from engine.money.gateways.parameters import Parameters, in_use, parameters_by_id
from engine.money.gateways.tables import ActivationRow, OverrideRow
from engine.people import OfficeHere
from engine.people.access import Principal
from engine.people.changes import Asked, Change, Effects, propose
from engine.people.plain_text import reason_of
from engine.people.tables import Office
from engine.scope import Scope
from engine.store import SecretBox, audit, uow
from engine.store.scoped import covering

__all__ = ["KIND", "apply_parameters", "ask_activation", "reason_despite_test"]

KIND = "payment_parameters"
_MOST_REASON = 400
_DOUBTFUL = "The test was inconclusive. Say why the version shall be used all the same; the reason is kept."


async def ask_activation(
    office: OfficeHere,
    id: UUID,
    person: Principal,
    *,
    because: str = "",
    effects: Effects,
    box: SecretBox,
    base: str,
    limits: AccessSection,
    at: datetime,
) -> Change:
    """Asks for a version to be put into use, and gives the change as it stands. `because` is needed where the test was inconclusive.

    Raises NotFound for another office's version, Refused for one that is not tested or failed, and what `propose` raises.
    """
    parameters = await parameters_by_id(person.scope, office.id, id)
    if parameters.active:
        raise Conflict("This version is in use already.", code="payment_active")
    _require_tested(parameters)
    reason = reason_of(because, most=_MOST_REASON, box="because", empty=_DOUBTFUL) if parameters.doubtful else ""
    first = await in_use(person.scope, office.id) is None
    async with uow():
        override = await _override(parameters, reason, person, at) if reason else None
        payload = {"parameters": str(id), "version": str(parameters.version)} | ({"override": str(override)} if override else {})
        asked = Asked(
            kind=KIND,
            agency_id=office.agency_id,
            subject=str(office.id),
            title=f"Payment parameters, version {parameters.version}, for the office {office.code}",
            payload=payload,
            office_id=office.id,
            first=first,
        )
        return await propose(asked, person, effects=effects, box=box, base=base, limits=limits, at=at)


async def reason_despite_test(scope: Scope, change: Change) -> str:
    """Why whoever asked wants the version although its test was inconclusive; empty where none was needed, or the scope covers none."""
    override = change.payload.get("override")
    if change.kind != KIND or override is None:
        return ""
    row = await covering(scope, OverrideRow.select(OverrideRow.because).where(OverrideRow.id == UUID(override)), OverrideRow).first()
    return str(row["because"]) if row else ""


async def apply_parameters(change: Change, at: datetime) -> None:
    """Puts the version of a change into use, in the unit of work around the call; the one before ends.

    Raises Refused if its latest test does not allow it any more, Conflict if the office is switched off.
    """
    office_id = UUID(change.subject)
    scope = Scope.agency(change.agency_id)
    await Office.update({Office.code: Office.code}, force=True).where(Office.id == office_id)  # holds it: one activation at a time
    parameters = await parameters_by_id(scope, office_id, UUID(change.payload["parameters"]))
    if not await Office.exists().where(Office.id == office_id, Office.active.eq(True)):
        raise Conflict("The office is switched off; switch it on first.", code="office_off")
    _require_tested(parameters)
    override = change.payload.get("override")
    if parameters.doubtful and override is None:
        raise Refused("The latest test of this version was inconclusive; ask again with a reason.", box="because", rule="reason given")
    before = await in_use(scope, office_id)
    for row in await ActivationRow.select(ActivationRow.id).where(ActivationRow.live_key == str(office_id)):
        await ActivationRow.update({ActivationRow.ended_at: at, ActivationRow.live_key: str(row["id"])}).where(
            ActivationRow.id == row["id"]
        )
    await ActivationRow.insert(
        ActivationRow(
            agency=change.agency_id,
            office=office_id,
            parameters=parameters.id,
            change=change.id,
            override=UUID(override) if override else None,
            live_key=str(office_id),
            activated_at=at,
        )
    )
    await audit(
        "payment_parameters_activated",
        room="money",
        subject=str(parameters.id),
        actor=f"account:{change.asked_by}",
        at=at,
        agency=change.agency_id,
        office=office_id,
        detail={"version": parameters.version, "instead_of": before.version if before else 0, "change": str(change.id)},
    )


def _require_tested(parameters: Parameters) -> None:
    if parameters.test is None:
        raise Refused("Test the connection of this version first.", box="test", rule="connection tested")
    if not (parameters.passed or parameters.doubtful):
        say = "The gateway refused this version at its latest test. Enter the right parameters as a new version, and test that."
        raise Refused(say, box="test", rule="connection tested")


async def _override(parameters: Parameters, reason: str, person: Principal, at: datetime) -> UUID:
    """Keeps the reason; the audit has its hash, for a reason may name somebody."""
    if not person.whole:
        raise Forbidden("Finish signing in first.", code="stage")
    row = OverrideRow(
        agency=parameters.agency_id,
        office=parameters.office_id,
        parameters=parameters.id,
        because=reason,
        asked_by=person.actor,
        asked_at=at,
    )
    await OverrideRow.insert(row)
    await audit(
        "payment_test_overridden",
        room="money",
        subject=str(row.id),
        actor=person.actor,
        at=at,
        agency=parameters.agency_id,
        office=parameters.office_id,
        after=hashlib.sha256(reason.encode()).hexdigest(),
        detail={"version": parameters.version, "code": parameters.test.code if parameters.test else ""},
    )
    return UUID(str(row.id))
