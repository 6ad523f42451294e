"""Enrolled X.509 certificates: which one signs for whom. Only the enrolled one does, by its fingerprint."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from asn1crypto import pem, x509

from engine.clock import ist_day
from engine.contracts.signing import Signatory, X509Chain
from engine.errors import Conflict, Refused
from engine.people.dsc.tables import Enrolment
from engine.store import audit, uow

__all__ = ["Enrolled", "end_enrolment", "enrol", "enrolled", "live_enrolment", "signatories_of"]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An enrolment: the signatory as the signer needs them, and the chain that was enrolled."""

    id: UUID
    signer: str
    signatory: Signatory
    chain: X509Chain
    live: bool

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the enrolled leaf."""
        return self.chain.fingerprint


async def enrol(
    *,
    signer: str,
    key: str,
    chain: X509Chain,
    officer: tuple[UUID, UUID] | None = None,
    exporter_user: tuple[UUID, UUID] | None = None,
    actor: str,
    at: datetime,
) -> UUID:
    """Enrols a chain for an officer `(agency, officer)` or an exporter's user `(exporter, user)`; gives the row's id.

    One X.509 certificate serves one signatory at a time: another enrolment of it raises Conflict, saying whose it is. A
    signatory may have several at once, such as an old one and its renewal: `live_enrolment` takes the newest that is valid.
    """
    leaf = x509.Certificate.load(chain.leaf)
    validity = leaf["tbs_certificate"]["validity"]
    row = Enrolment(
        agency=officer[0] if officer else None,
        officer=officer[1] if officer else None,
        exporter=exporter_user[0] if exporter_user else None,
        exporter_user=exporter_user[1] if exporter_user else None,
        signer=signer,
        key=key,
        fingerprint=chain.fingerprint,
        live_key=chain.fingerprint,
        chain=_to_pem(chain),
        subject=leaf.subject.human_friendly[:400],
        issuer=leaf.issuer.human_friendly[:400],
        serial=f"{leaf.serial_number:x}"[:80],
        not_before_at=validity["not_before"].native,
        not_after_at=validity["not_after"].native,
        enrolled_at=at,
        enrolled_by=actor,
    )
    async with uow():
        await _require_free(chain)
        await Enrolment.insert(row)
        await audit("x509_enrolled", room="people", subject=str(row.id), actor=actor, at=at, agency=row.agency, after=chain.fingerprint)
    return UUID(str(row.id))


async def _require_free(chain: X509Chain) -> None:
    """Raises Conflict if the X.509 certificate serves somebody already."""
    row = await Enrolment.select(Enrolment.id, Enrolment.enrolled_at).where(Enrolment.live_key == chain.fingerprint).first()
    if row is None:
        return
    serves = await enrolled(row["id"])
    raise Conflict(
        f"The X.509 certificate of {chain.label} is enrolled already, for {serves.signatory.name} since {ist_day(row['enrolled_at'])}; "
        "it serves one signatory at a time. Nothing was changed; end that enrolment first if it shall serve anew.",
        code="enrolled_already",
    )


async def live_enrolment(*, officer: UUID | None = None, exporter_user: UUID | None = None, at: datetime) -> Enrolled:
    """The newest enrolment that a signatory can use at that moment. Raises Refused saying what is missing."""
    owner = Enrolment.officer == officer if officer else Enrolment.exporter_user == exporter_user
    rows = await Enrolment.select().where(owner, Enrolment.ended_at.is_null()).order_by(Enrolment.enrolled_at, ascending=False)
    for row in rows:
        if row["not_before_at"] <= at <= row["not_after_at"]:
            return await enrolled(row["id"])
    if rows:
        raise Refused(
            f"The enrolled X.509 certificate is valid until {rows[0]['not_after_at']:%Y-%m-%d} only; register the new one.",
            box="signatory",
            rule="X.509 certificate valid now",
        )
    raise Refused("No digital signature certificate is registered for the signatory.", box="signatory", rule="X.509 certificate enrolled")


async def enrolled(id: UUID) -> Enrolled:
    """One enrolment with the signatory's name."""
    row = (
        await Enrolment.select(
            *Enrolment.all_columns(),
            Enrolment.officer.name.as_alias("officer_name"),
            Enrolment.exporter_user.account.name.as_alias("user_name"),
        )
        .where(Enrolment.id == id)
        .first()
    )
    if row is None:
        raise Refused("There is no such enrolment.", box="signatory", rule="X.509 certificate enrolled")
    chain = _from_pem(row["chain"])
    owner: Any = row["officer"] or row["exporter_user"]
    name = row["officer_name"] or row["user_name"] or ""
    return Enrolled(row["id"], row["signer"], Signatory(str(owner), name, row["key"], row["fingerprint"]), chain, row["ended_at"] is None)


async def signatories_of(signer: str) -> list[Signatory]:
    """Everybody who is enrolled with a signer now."""
    rows = (
        await Enrolment.select(Enrolment.id).where(Enrolment.signer == signer, Enrolment.ended_at.is_null()).order_by(Enrolment.enrolled_at)
    )
    return [(await enrolled(row["id"])).signatory for row in rows]


async def end_enrolment(id: UUID, reason: str, *, actor: str, at: datetime) -> None:
    """Stops an X.509 certificate from signing here; what it signed before stays as it is."""
    async with uow():
        await Enrolment.update({Enrolment.ended_at: at, Enrolment.ended_reason: reason[:200], Enrolment.live_key: str(uuid4())}).where(
            Enrolment.id == id, Enrolment.ended_at.is_null()
        )
        await audit("x509_ended", room="people", subject=str(id), actor=actor, at=at, detail={})


def _to_pem(chain: X509Chain) -> str:
    return "".join(pem.armor("CERTIFICATE", der).decode() for der in (chain.leaf, *chain.issuers))


def _from_pem(text: str) -> X509Chain:
    leaf, *issuers = [der for _, _, der in pem.unarmor(text.encode(), multiple=True)]
    return X509Chain(leaf, tuple(issuers))
