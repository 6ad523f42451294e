"""A certificate is presented to be enrolled: its key signs a challenge once, and nothing but that certificate is enrolled by it.

Promises that a challenge is random, good for a quarter of an hour and for one answer, bound to who asked for it and to the
certificate that was read then; and that somebody else's reads like one that does not exist.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.contracts.signing import RawSignature, X509Chain
from engine.errors import Conflict, NotFound, Refused, Untrusted
from engine.people.dsc.enrolment import chain_of_text, text_of_chain
from engine.people.dsc.names import same_name
from engine.people.dsc.owner import Owner
from engine.people.dsc.tables import Enrolment, Presented, PresentedState
from engine.people.dsc.telling import tell_name_asked
from engine.scope import Scope
from engine.store import SecretBox, audit, uow
from engine.store.scoped import covering

__all__ = [
    "PresentedHere",
    "ask_administrator",
    "end_old_presented",
    "present",
    "presented",
    "prove_presented",
    "settle",
    "taken_by_others",
    "waiting_presented",
]

# No DER of signed attributes begins so: what signs this can never have signed a document.
_PREFIX = b"ecoo enrols the key of this X.509 certificate: "
_GOOD_FOR = timedelta(minutes=15)
_WAITS = timedelta(days=30)
_OPEN = [str(state) for state in (PresentedState.ASKED, PresentedState.PROVED, PresentedState.WAITING)]
_CLOCK = "system:presented"
_ROUND = 100


@dataclass(frozen=True, slots=True)
class PresentedHere:
    """A certificate as it was presented."""

    id: UUID
    officer_id: UUID | None
    agency_id: UUID | None
    signer: str
    key: str
    chain: X509Chain = field(repr=False)
    state: PresentedState
    made_at: datetime
    expires_at: datetime
    reason: str
    nonce: str = field(repr=False)

    @property
    def challenge(self) -> bytes:
        """What the certificate's key has to sign."""
        return _PREFIX + bytes.fromhex(self.nonce)


async def present(owner: Owner, *, signer: str, key: str, chain: X509Chain, actor: str, at: datetime) -> PresentedHere:
    """A fresh challenge for the key of this chain."""
    row = Presented(
        **owner.columns,
        signer=signer,
        key=key[:200],
        fingerprint=chain.fingerprint,
        chain=text_of_chain(chain),
        nonce=secrets.token_hex(32),
        state=str(PresentedState.ASKED),
        made_at=at,
        expires_at=at + _GOOD_FOR,
    )
    row.live_key = str(row.id)
    async with uow():
        await Presented.insert(row)
        await _note("x509_presented", row.id, owner.columns["agency"], chain.fingerprint, actor, at)
    return await presented(owner, UUID(str(row.id)))


async def presented(owner: Owner, id: UUID) -> PresentedHere:
    """One that the owner presented themselves. Raises NotFound for any other."""
    mine = Presented.officer == owner.id if owner.is_officer else Presented.exporter_user == owner.id
    row = await Presented.select().where(Presented.id == id, mine).first()
    if row is None:
        raise _unknown()
    return _here(row)


async def prove_presented(owner: Owner, id: UUID, signature: RawSignature, *, at: datetime) -> PresentedHere:
    """Takes the signature over the challenge: from then on the certificate may be enrolled.

    Raises Untrusted for another key's signature, or one over anything else, Conflict for a challenge that was answered
    before or is too old.
    """
    here = await presented(owner, id)
    if not here.chain.verifies(here.challenge, signature):
        raise Untrusted("The signature was not made by the key of this X.509 certificate; nothing was registered.")
    async with uow():
        await _move(here.id, PresentedState.ASKED, PresentedState.PROVED, at)
    return await presented(owner, id)


async def ask_administrator(owner: Owner, id: UUID, *, box: SecretBox, base: str, actor: str, at: datetime) -> None:
    """Leaves an officer's certificate whose name differs to the agency's administrators, who are told by mail.

    Raises Conflict if it waits already.
    """
    here = await presented(owner, id)
    if not owner.is_officer:
        raise Refused("No agency confirms the name of an exporter's user.", box="name", rule="name as in the register")
    async with uow():
        live_key = f"{owner.id}:{here.chain.fingerprint}"
        await _end_old(at, Presented.live_key == live_key)
        if await Presented.exists().where(Presented.live_key == live_key):
            raise Conflict("This certificate waits for the agency's administrator already.", code="presented_waits")
        more = {Presented.live_key: live_key, Presented.expires_at: at + _WAITS}
        await _move(here.id, PresentedState.PROVED, PresentedState.WAITING, at, more)
        await _note("x509_name_asked", here.id, here.agency_id, here.chain.fingerprint, actor, at)
        await tell_name_asked(owner.id, here.id, box=box, base=base, at=at)


async def taken_by_others(owner: Owner, chains: Sequence[X509Chain], at: datetime) -> frozenset[str]:
    """Of these certificates the fingerprints of those that are somebody else's of the owner's agency or firm: they registered it, or
    presented it and it is not in the owner's name. Presenting alone takes nobody's own certificate away."""
    wanted = [chain.fingerprint for chain in chains]
    foreign = [chain.fingerprint for chain in chains if not same_name(owner.name, chain.name)]
    open_states = [str(PresentedState.PROVED), str(PresentedState.WAITING)]
    queries: list[tuple[Any, Any]] = []
    if wanted:
        queries.append((Enrolment, Enrolment.select().where(Enrolment.live_key.is_in(wanted))))
    if foreign:
        shown = Presented.select().where(Presented.fingerprint.is_in(foreign), Presented.state.is_in(open_states))
        queries.append((Presented, shown.where(Presented.expires_at > at)))
    found = [row for table, query in queries for row in await covering(owner.scope, query, table, office="id")]
    return frozenset(row["fingerprint"] for row in found if owner.id not in (row["officer"], row["exporter_user"]))


async def waiting_presented(scope: Scope, *, officer: UUID | None = None, id: UUID | None = None, at: datetime) -> list[PresentedHere]:
    """The certificates whose name waits for an administrator of this scope, the oldest first: of one officer, that one, or all."""
    query = Presented.select().where(Presented.state == str(PresentedState.WAITING), Presented.expires_at > at)
    if officer is not None:
        query = query.where(Presented.officer == officer)
    if id is not None:
        query = query.where(Presented.id == id)
    rows = await covering(scope, query, Presented, office="id").order_by(Presented.made_at).limit(200)
    return [_here(row) for row in rows]


async def end_old_presented(at: datetime) -> int:
    """Ends what was presented and whose time went by, and tells how many."""
    old = Presented.select(Presented.id).where(Presented.state.is_in(_OPEN), Presented.expires_at <= at)
    rows = await old.order_by(Presented.expires_at).limit(_ROUND)
    ended = 0
    for row in rows:
        async with uow():
            ended += await _end_old(at, Presented.id == row["id"])
    return ended


async def settle(here: PresentedHere, state: PresentedState, *, frm: PresentedState, actor: str, at: datetime, reason: str = "") -> None:
    """Ends it as enrolled or refused, in the unit of work around the call. Raises Conflict if it is over or too old."""
    if state not in {PresentedState.ENROLLED, PresentedState.REFUSED}:
        raise Refused("A presented certificate ends enrolled or refused.")
    over = {Presented.decided_at: at, Presented.decided_by: actor, Presented.reason: reason, Presented.live_key: str(here.id)}
    await _move(here.id, frm, state, at, over)
    if state is PresentedState.REFUSED:
        await _note("x509_name_refused", here.id, here.agency_id, here.chain.fingerprint, actor, at)


async def _move(id: UUID, frm: PresentedState, to: PresentedState, at: datetime, more: dict[Any, Any] | None = None) -> None:
    mine = (Presented.id == id, Presented.state == str(frm), Presented.expires_at > at)
    if not await Presented.update({Presented.state: str(to), **(more or {})}).where(*mine).returning(Presented.id):
        raise Conflict("This was answered before, or took too long. Begin again with the certificate.", code="presented_over")


async def _end_old(at: datetime, which: Any) -> int:
    """Ends the open one that this finds, if its time went by; it blocks nothing from then on."""
    old = (which, Presented.state.is_in(_OPEN), Presented.expires_at <= at)
    row = await Presented.select(Presented.id, Presented.state, Presented.agency, Presented.fingerprint).where(*old).first()
    if row is None:
        return 0
    over = {Presented.state: str(PresentedState.EXPIRED), Presented.decided_at: at, Presented.live_key: str(row["id"])}
    mine = (Presented.id == row["id"], Presented.state == row["state"], Presented.expires_at <= at)
    if not await Presented.update({**over, Presented.decided_by: _CLOCK}).where(*mine).returning(Presented.id):
        return 0  # somebody was quicker
    if row["state"] == PresentedState.WAITING:
        await _note("x509_name_expired", row["id"], row["agency"], row["fingerprint"], _CLOCK, at)
    return 1


async def _note(act: str, id: UUID, agency: UUID | None, fingerprint: str, actor: str, at: datetime) -> None:
    await audit(act, room="people", subject=str(id), actor=actor, at=at, agency=agency, after=fingerprint)


def _unknown() -> NotFound:
    return NotFound("There is no such certificate that you presented; begin again.", code="presented")


def _here(row: dict[str, Any]) -> PresentedHere:
    return PresentedHere(
        id=row["id"],
        officer_id=row["officer"],
        agency_id=row["agency"],
        signer=row["signer"],
        key=row["key"],
        chain=chain_of_text(row["chain"]),
        state=PresentedState(row["state"]),
        made_at=row["made_at"],
        expires_at=row["expires_at"],
        reason=row["reason"],
        nonce=row["nonce"],
    )
