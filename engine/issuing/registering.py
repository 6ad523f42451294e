"""Registering a digital signature certificate: what it says is judged, its key proves itself by a challenge, and it is enrolled.

    1 judge    what the X.509 certificate says, all that keeps it from signing, and how its name differs from the register
    2 prove    its key signs a fresh challenge, which is verified under the certificate that was read (a signer of mode server)
    3 enrol    judged once more, bound to its owner; one whose name differs only when the agency's administrator confirmed it

The page and `ecoo enrol` both come here. No PIN passes through: a device that is locked is unlocked at its machine.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from engine.clock import Clock
from engine.contracts.abilities import HeldKey, Holds
from engine.contracts.signing import Declined, Document, Mode, RawSignature, Signatory, SignatureJob, Signed, Signer, X509Chain
from engine.errors import Forbidden, NotFound, PluginError, Refused
from engine.issuing.judging import Judgement, judge
from engine.people import dsc
from engine.people.dsc import Owner, PresentedHere, PresentedState
from engine.people.plain_text import reason_of
from engine.proof.trust import Trust
from engine.scope import Scope
from engine.store import SecretBox, audit, uow

__all__ = ["confirm_name", "enrol_proved", "offered", "prove", "refuse_name", "register"]


# --- what a signer holds, and the proof that a key is there -----------------------------------------


async def offered(signer: Signer, owner: Owner) -> Sequence[HeldKey]:
    """The signatories' certificates that the signer's devices hold, those of this name first; none that serves somebody elsewhere.

    Empty for a signer that cannot say; SignerUnavailable for a device that is gone, or that another process holds.
    """
    if not isinstance(signer, Holds):
        return ()
    found = []
    for held in await signer.held():
        if not dsc.is_authority(held.chain.leaf) and not await _serves_strangers(held.chain, owner):
            found.append(held)
    return sorted(found, key=lambda held: (not dsc.same_name(owner.name, held.chain.name), held.chain.name, held.key))


async def _serves_strangers(chain: X509Chain, owner: Owner) -> bool:
    """Whether it is enrolled for somebody whom the owner may not be told of: then it is not even listed."""
    try:
        await dsc.require_free(owner.scope, chain)
    except Refused as refusal:
        return refusal.code == "enrolled_elsewhere"
    return False


async def prove(
    owner: Owner, signer: Signer, key: str, *, fingerprint: str = "", trust: Trust, actor: str, clock: Clock
) -> tuple[PresentedHere | None, Judgement]:
    """Judges the certificate of that key and, if nothing is wrong with it, has the key sign a challenge; what was proved waits to
    be registered. None instead of it if something is wrong: then no key is used.

    `fingerprint` is that of the certificate the owner saw; another one in its place is refused. Raises SignerUnavailable for a
    locked device, and Untrusted for a signature that is not the key's.
    """
    if signer.mode is not Mode.SERVER:
        raise Refused(f"{signer.title} is not attached to this server; it is registered another way.", code="not_here", box="signer")
    signatory = Signatory(str(owner.id), owner.name, key, fingerprint or None)
    chain = await signer.identity(signatory)
    if chain is None or (fingerprint and chain.fingerprint != fingerprint):
        raise Refused(
            "The certificate under this key is another one than you saw. Look at the list again.", code="swapped", box="certificate"
        )
    judgement = await judge(chain, owner, trust=trust, at=clock.now(), signer=signer)
    if judgement.problems:
        return None, judgement
    here = await dsc.present(owner, signer=signer.id, key=key, chain=chain, actor=actor, at=clock.now())
    signature = await _signed(signer, Signatory(str(owner.id), owner.name, key, chain.fingerprint), here)
    return await dsc.prove_presented(owner, here.id, signature, at=clock.now()), judgement


async def _signed(signer: Signer, signatory: Signatory, here: PresentedHere) -> RawSignature:
    """The signer's signature over the challenge. Raises Refused if it declines."""
    document = Document(str(here.id), "Register a certificate", hashlib.sha256(here.challenge).digest(), here.challenge, "")
    outcome = await signer.start(SignatureJob(str(here.id), uuid4().hex, signatory, (document,)))
    result = outcome.documents[0].result if isinstance(outcome, Signed) and len(outcome.documents) == 1 else outcome
    if isinstance(result, Declined):
        raise Refused(result.say, code=result.code, box="certificate")
    if not isinstance(result, RawSignature):
        raise PluginError(f"The signer {signer.id} answered a challenge with {type(result).__name__}; nothing was registered.")
    return result


# --- enrolling ------------------------------------------------------------------------------------


async def enrol_proved(owner: Owner, id: UUID, *, trust: Trust, box: SecretBox, actor: str, at: datetime) -> UUID:
    """Enrols what its owner proved, judged once more at this moment, and gives the enrolment's id. They are told by mail.

    Raises NotFound for what they did not present, Refused if something is wrong or the name differs, Conflict for what was used
    before or is too old.
    """
    here = await dsc.presented(owner, id)
    judgement = await judge(here.chain, owner, trust=trust, at=at)
    judgement.require_good()
    judgement.require_name()
    async with uow():
        await dsc.settle(here, PresentedState.ENROLLED, frm=PresentedState.PROVED, actor=actor, at=at)
        return await _enrol(owner, here.signer, here.key, here.chain, scope=owner.scope, box=box, actor=actor, at=at)


async def confirm_name(
    scope: Scope, id: UUID, reason: str, *, account: UUID, trust: Trust, box: SecretBox, actor: str, at: datetime
) -> UUID:
    """The agency's administrator says, for a reason that is audited, that the holder is the officer although the name differs.

    The officer is told by mail.

    Raises Forbidden for one's own certificate, NotFound for one that does not wait in this scope.
    """
    why = reason_of(reason, most=400, empty="Say why, so that it can be read later.")
    here, owner = await _waiting(scope, id, at)
    if owner.account_id == account:
        raise Forbidden("This is your own certificate: another administrator of the agency confirms the name.", code="own_certificate")
    judgement = await judge(here.chain, owner, trust=trust, at=at)
    judgement.require_good()
    async with uow():
        await dsc.settle(here, PresentedState.ENROLLED, frm=PresentedState.WAITING, actor=actor, at=at, reason=why)
        await audit(
            "x509_name_confirmed",
            room="issuing",
            subject=str(id),
            actor=actor,
            at=at,
            agency=here.agency_id,
            after=here.chain.fingerprint,
            detail={"reason_sha256": hashlib.sha256(why.encode()).hexdigest()},
        )
        return await _enrol(owner, here.signer, here.key, here.chain, scope=owner.scope, box=box, actor=actor, at=at, confirmed=True)


async def refuse_name(scope: Scope, id: UUID, reason: str, *, box: SecretBox, actor: str, at: datetime) -> None:
    """The administrator refuses it for a reason, which its owner reads, also by mail. Raises NotFound for one that does not wait
    in this scope."""
    why = reason_of(reason, most=400, empty="Say why, so that it can be read later.")
    here, owner = await _waiting(scope, id, at)
    async with uow():
        await dsc.settle(here, PresentedState.REFUSED, frm=PresentedState.WAITING, actor=actor, at=at, reason=why)
        await dsc.tell_name_refused(owner.id, here.id, why, box=box, at=at)


async def register(
    owner: Owner, signer: Signer, key: str, chain: X509Chain, *, trust: Trust, scope: Scope, box: SecretBox, actor: str, at: datetime
) -> UUID:
    """Enrols a chain whose key a signer had prove itself in its own way: for an operator at the machine of the device.

    Raises Refused with everything that is wrong, and for a name that differs: the agency's administrator confirms that on the page.
    """
    await dsc.require_free(scope, chain)
    judgement = await judge(chain, owner, trust=trust, at=at, signer=signer)
    judgement.require_good()
    judgement.require_name()
    return await _enrol(owner, signer.id, key, chain, scope=scope, box=box, actor=actor, at=at)


async def _enrol(
    owner: Owner,
    signer: str,
    key: str,
    chain: X509Chain,
    *,
    scope: Scope,
    box: SecretBox,
    actor: str,
    at: datetime,
    confirmed: bool = False,
) -> UUID:
    async with uow():
        enrolment = await dsc.enrol(
            signer=signer,
            key=key,
            chain=chain,
            officer=owner.officer,
            exporter_user=owner.exporter_user,
            scope=scope,
            detail={"name": "confirmed" if confirmed else "as in the register"},
            actor=actor,
            at=at,
        )
        whose = {"officer" if owner.is_officer else "exporter_user": owner.id}
        await dsc.tell_enrolled(**whose, enrolment=enrolment, confirmed=confirmed, box=box, at=at)
    return enrolment


async def _waiting(scope: Scope, id: UUID, at: datetime) -> tuple[PresentedHere, Owner]:
    waiting = await dsc.waiting_presented(scope, id=id, at=at)
    if not waiting or waiting[0].officer_id is None:
        raise NotFound("There is no such certificate that waits for you.", code="presented")
    return waiting[0], await dsc.officer_as_owner(scope, waiting[0].officer_id)
