"""The enrolments of a signatory as a person looks at them: what signs, what ends soon, what is over and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.people.dsc.enrolment import chain_of_text
from engine.people.dsc.owner import Owner
from engine.people.dsc.reading import EXPIRES_SOON, CertificateFacts, facts_of
from engine.people.dsc.tables import Enrolment

__all__ = ["EnrolmentHere", "dsc_days", "enrolments_of"]


@dataclass(frozen=True, slots=True)
class EnrolmentHere:
    """An enrolment: `state` is live, coming, expired or ended; of the live ones the newest `signs`."""

    id: UUID
    signer: str
    key: str
    fingerprint: str
    facts: CertificateFacts
    state: str
    signs: bool
    ends_soon: bool
    enrolled_at: datetime
    ended_at: datetime | None
    ended_reason: str


async def enrolments_of(owner: Owner, at: datetime) -> list[EnrolmentHere]:
    """Every enrolment of a signatory whom a scope found, the newest first."""
    mine = Enrolment.officer == owner.id if owner.is_officer else Enrolment.exporter_user == owner.id
    rows = await Enrolment.select().where(mine).order_by(Enrolment.enrolled_at, ascending=False).limit(100)
    found: list[EnrolmentHere] = []
    for row in rows:
        state = _state(row, at)
        signs = state == "live" and not any(each.signs for each in found)
        found.append(_here(row, state, signs, at))
    return found


async def dsc_days(officers: list[UUID], at: datetime) -> dict[UUID, datetime]:
    """For each of these officers, whom a scope found, until when the latest of their usable enrolments lasts."""
    if not officers:
        return {}
    usable = (Enrolment.ended_at.is_null(), Enrolment.not_before_at <= at, Enrolment.not_after_at >= at)
    rows = await Enrolment.select(Enrolment.officer, Enrolment.not_after_at).where(Enrolment.officer.is_in(officers), *usable)
    until: dict[UUID, datetime] = {}
    for row in rows:
        until[row["officer"]] = max(until.get(row["officer"], row["not_after_at"]), row["not_after_at"])
    return until


def _state(row: dict[str, Any], at: datetime) -> str:
    if row["ended_at"] is not None:
        return "ended"
    if at > row["not_after_at"]:
        return "expired"
    return "live" if at >= row["not_before_at"] else "coming"


def _here(row: dict[str, Any], state: str, signs: bool, at: datetime) -> EnrolmentHere:
    return EnrolmentHere(
        id=row["id"],
        signer=row["signer"],
        key=row["key"],
        fingerprint=row["fingerprint"],
        facts=_facts(row),
        state=state,
        signs=signs,
        ends_soon=state == "live" and row["not_after_at"] - at <= EXPIRES_SOON,
        enrolled_at=row["enrolled_at"],
        ended_at=row["ended_at"],
        ended_reason=row["ended_reason"],
    )


def _facts(row: dict[str, Any]) -> CertificateFacts:
    """What the certificate says; of one that is not kept whole, what the row remembers."""
    if row["chain"]:
        return facts_of(chain_of_text(row["chain"]).leaf)
    return CertificateFacts(
        holder=row["subject"],
        organisation="",
        issuer=row["issuer"],
        serial=row["serial"],
        not_before=row["not_before_at"],
        not_after=row["not_after_at"],
        policies=(),
        policy_oids=frozenset(),
        usages=(),
        non_repudiation=False,
        purposes=(),
        key="",
    )
