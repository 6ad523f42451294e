"""Enrolled X.509 certificates: which one signs for whom. Only the enrolled one does, by its fingerprint."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from asn1crypto import pem, x509

from engine.clock import ist_day
from engine.contracts.signing import Signatory, X509Chain
from engine.errors import Conflict, NotFound, Refused
from engine.people.dsc.tables import Enrolment
from engine.people.dsc.telling import tell_ended
from engine.people.plain_text import reason_of
from engine.scope import PUBLIC, Scope
from engine.store import SecretBox, audit, uow
from engine.store.scoped import covering

__all__ = [
    "Enrolled",
    "chain_of_text",
    "end_enrolment",
    "enrol",
    "enrolled",
    "live_enrolment",
    "require_free",
    "signatories_of",
    "text_of_chain",
]


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
    scope: Scope = PUBLIC,
    detail: Mapping[str, str] | None = None,
    actor: str,
    at: datetime,
) -> UUID:
    """Enrols a chain for an officer `(agency, officer)` or an exporter's user `(exporter, user)`; gives the row's id.

    One X.509 certificate serves one signatory at a time: another enrolment of it raises Conflict, saying whose it is to who
    may see that (`scope`). A signatory may have several at once, such as an old one and its renewal: `live_enrolment` takes
    the newest that is valid. `detail` goes into the audit beside the fingerprint.
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
        chain=text_of_chain(chain),
        subject=leaf.subject.human_friendly[:400],
        issuer=leaf.issuer.human_friendly[:400],
        serial=f"{leaf.serial_number:x}"[:80],
        not_before_at=validity["not_before"].native,
        not_after_at=validity["not_after"].native,
        enrolled_at=at,
        enrolled_by=actor,
    )
    async with uow():
        await require_free(scope, chain)
        await Enrolment.insert(row)
        await audit(
            "x509_enrolled",
            room="people",
            subject=str(row.id),
            actor=actor,
            at=at,
            agency=row.agency,
            after=chain.fingerprint,
            detail=detail,
        )
    return UUID(str(row.id))


async def require_free(scope: Scope, chain: X509Chain) -> None:
    """Raises Conflict if the X.509 certificate serves somebody already: `enrolled_already`, with whom, if the scope covers them,
    else `enrolled_elsewhere`."""
    query = Enrolment.select(Enrolment.id, Enrolment.enrolled_at).where(Enrolment.live_key == chain.fingerprint)
    row = await query.first()
    if row is None:
        return
    if not await covering(scope, query, Enrolment, office="id"):
        raise Conflict(
            "This X.509 certificate is enrolled already, for somebody else; it serves one signatory at a time. If it is yours, ask the "
            "platform's desk.",
            code="enrolled_elsewhere",
        )
    serves = await enrolled(row["id"])
    raise Conflict(
        f"The X.509 certificate of {chain.label} is enrolled already, for {serves.signatory.name} since {ist_day(row['enrolled_at'])}; "
        "it serves one signatory at a time. Nothing was changed. If it shall serve somebody else, they end it first, or their administrator "
        "does.",
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
    chain = chain_of_text(row["chain"])
    owner: Any = row["officer"] or row["exporter_user"]
    name = row["officer_name"] or row["user_name"] or ""
    return Enrolled(row["id"], row["signer"], Signatory(str(owner), name, row["key"], row["fingerprint"]), chain, row["ended_at"] is None)


async def signatories_of(signer: str) -> list[Signatory]:
    """Everybody who is enrolled with a signer now."""
    rows = (
        await Enrolment.select(Enrolment.id).where(Enrolment.signer == signer, Enrolment.ended_at.is_null()).order_by(Enrolment.enrolled_at)
    )
    return [(await enrolled(row["id"])).signatory for row in rows]


async def end_enrolment(scope: Scope, id: UUID, reason: str, *, box: SecretBox, actor: str, at: datetime) -> None:
    """Stops an X.509 certificate from signing here; what it signed before stays as it is. Its owner is told by mail.

    Raises Refused without a reason, NotFound for an enrolment that the scope does not cover, or that ended before.
    """
    why = reason_of(reason, most=200, empty="Say why it shall sign no more.")
    async with uow():
        columns = (Enrolment.agency, Enrolment.officer, Enrolment.exporter_user, Enrolment.fingerprint)
        live = Enrolment.select(*columns).where(Enrolment.id == id, Enrolment.ended_at.is_null())
        row = await covering(scope, live, Enrolment, office="id").first()
        ended = {Enrolment.ended_at: at, Enrolment.ended_reason: why, Enrolment.live_key: str(uuid4())}
        still = (Enrolment.id == id, Enrolment.ended_at.is_null())
        if row is None or not await Enrolment.update(ended).where(*still).returning(Enrolment.id):
            raise NotFound("There is no such enrolment, or it ended before.", code="enrolment")
        await audit("x509_ended", room="people", subject=str(id), actor=actor, at=at, agency=row["agency"], before=row["fingerprint"])
        await tell_ended(officer=row["officer"], exporter_user=row["exporter_user"], enrolment=id, box=box, at=at)


def text_of_chain(chain: X509Chain) -> str:
    """The chain as PEM, leaf first, as rows keep it."""
    return "".join(pem.armor("CERTIFICATE", der).decode() for der in (chain.leaf, *chain.issuers))


def chain_of_text(text: str) -> X509Chain:
    """The chain of such a text."""
    leaf, *issuers = [der for _, _, der in pem.unarmor(text.encode(), multiple=True)]
    return X509Chain(leaf, tuple(issuers))
