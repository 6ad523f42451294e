"""Register Digital Signature Certificate: the signatory's own certificates, and a new one whose key proves itself.

A token attached to this server is unlocked at its machine (`ecoo token unlock`): no PIN is ever asked for here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.pages.sign_in import count
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.contracts.abilities import HeldKey, Holds
from engine.contracts.signing import Mode, Signer
from engine.errors import NotFound, Refused, SignerUnavailable, Untrusted
from engine.issuing.judging import Judgement, judge
from engine.issuing.queue import look_again
from engine.issuing.registering import enrol_proved, offered, prove
from engine.people.dsc import (
    CertificateFacts,
    EnrolmentHere,
    Owner,
    PresentedState,
    ask_administrator,
    end_enrolment,
    enrolments_of,
    facts_of,
    owner_of,
    presented,
    same_name,
    taken_by_others,
)
from engine.site import Site

__all__ = ["HANDLERS"]

_TAKEN = (
    "Somebody else presented or registered this certificate, and it serves one person alone. Choose your own; if this one is yours, "
    "tell the administrator of your agency, or of your firm's IEC."
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A certificate on a device as the page offers it: why it cannot be registered, if so; whether it is in the owner's name,
    registered for them already, or somebody else's of the same agency or firm."""

    key: str
    fingerprint: str
    device: str
    ready: bool
    facts: CertificateFacts
    why_not: str
    named: bool
    mine: bool
    taken: bool

    @property
    def offered(self) -> bool:
        """Whether the page lets the owner go on with it."""
        return self.ready and not (self.why_not or self.mine or self.taken)


@dataclass(frozen=True, slots=True)
class Device:
    """A signer and what it holds; `problem` is why it cannot be asked. `types_key` where it cannot say what it holds."""

    id: str
    title: str
    choices: tuple[Choice, ...]
    problem: str
    types_key: bool

    @property
    def locked(self) -> bool:
        """Whether a person has to unlock something first."""
        return any(not each.ready and not each.why_not and not each.mine and not each.taken for each in self.choices)


@get("/", include_in_schema=False)
async def overview(request: Request[Any, Any, Any]) -> Response[Any]:
    """The signatory's certificates: which one signs, which ends soon, which is over."""
    owner, at = await owner_of(person_of(request)), site_of(request).clock.now()
    return page(request, "dsc.html", owner=owner, enrolments=await enrolments_of(owner, at))


@get("/new", guards=[require_fresh], include_in_schema=False)
async def choose(request: Request[Any, Any, Any]) -> Response[Any]:
    """What the devices of this server hold."""
    return await _choose(request)


@post("/new", guards=[require_fresh], status_code=200, include_in_schema=False)
async def proved(request: Request[Any, Any, Any]) -> Response[Any]:
    """Has the chosen certificate's key sign a challenge, and shows what the certificate says."""
    count(request, "dsc")
    owner, site = await owner_of(person_of(request)), site_of(request)
    told = await sent(request, "signer", "key", "fingerprint")
    signer = next((each for each in _signers(site, owner) if each.id == told["signer"]), None)
    if signer is None:
        return await _choose(request, "Choose a certificate of the list.")
    try:
        key, fingerprint = await _chosen(signer, owner, told, site.clock.now())
        here, judgement = await prove(
            owner, signer, key, fingerprint=fingerprint, trust=site.trust, actor=person_of(request).actor, clock=site.clock
        )
    except SignerUnavailable as busy:
        return await _choose(request, busy.say, status=503)
    except (Refused, Untrusted) as refusal:
        return await _choose(request, refusal.say)
    if here is None:
        return _judged(request, owner, judgement, status=422)
    return go(request, f"/dsc/{here.id}")


@get("/{presented:uuid}", guards=[require_fresh], include_in_schema=False)
async def look(request: Request[Any, Any, Any], presented: FromPath[UUID]) -> Response[Any]:
    """What the certificate says whose key proved itself, before it is registered."""
    return await _look(request, presented)


@post("/{presented:uuid}/register", guards=[require_fresh], status_code=200, include_in_schema=False)
async def register(request: Request[Any, Any, Any], presented: FromPath[UUID]) -> Response[Any]:
    """Registers it: from then on it signs for the signatory."""
    person, site = person_of(request), site_of(request)
    owner = await owner_of(person)
    try:
        await enrol_proved(owner, presented, trust=site.trust, box=site.secrets, actor=person.actor, at=site.clock.now())
    except Refused as refusal:
        if refusal.box not in {"certificate", "name"}:
            raise
        return await _look(request, presented, wrong={refusal.box: refusal.say})
    return go(request, "/dsc")


@post("/{presented:uuid}/ask", guards=[require_fresh], status_code=200, include_in_schema=False)
async def ask(request: Request[Any, Any, Any], presented: FromPath[UUID]) -> Response[Any]:
    """Leaves a certificate in another name to the agency's administrator."""
    person, site = person_of(request), site_of(request)
    owner, base = await owner_of(person), site.config.site.public_url
    await ask_administrator(owner, presented, box=site.secrets, base=base, actor=person.actor, at=site.clock.now())
    return go(request, f"/dsc/{presented}")


@get("/registered/{enrolment:uuid}", guards=[require_fresh], include_in_schema=False)
async def end_form(request: Request[Any, Any, Any], enrolment: FromPath[UUID]) -> Response[Any]:
    """One of the signatory's own, and the form that ends it: a token may be lost."""
    return await _ending(request, enrolment)


@post("/registered/{enrolment:uuid}", guards=[require_fresh], status_code=200, include_in_schema=False)
async def ended(request: Request[Any, Any, Any], enrolment: FromPath[UUID]) -> Response[Any]:
    """Ends it for a reason."""
    person, site, told = person_of(request), site_of(request), await sent(request, "reason")
    owner = await owner_of(person)
    await _own(request, owner, enrolment)
    try:
        await end_enrolment(owner.scope, enrolment, told["reason"], box=site.secrets, actor=person.actor, at=site.clock.now())
    except Refused as refusal:
        if refusal.box != "reason":
            raise
        return await _ending(request, enrolment, wrong={"reason": refusal.say})
    if owner.is_officer:
        await look_again(owner.id)
    site.wake()
    return go(request, "/dsc")


HANDLERS = [overview, choose, proved, look, register, ask, end_form, ended]


def _signers(site: Site, owner: Owner) -> list[Signer]:
    """The signers of this server whose keys are here; none in a process that holds no key, nor for an exporter's user where the
    devices are an agency's alone: a name that is alike must not lead them to an officer's key."""
    if not site.works or not (owner.is_officer or site.config.issue.exporters_keys):
        return []
    found = [site.registry.signer(id) for id in site.config.signers]
    return [signer for signer in found if signer.mode is Mode.SERVER]


async def _chosen(signer: Signer, owner: Owner, told: dict[str, str], at: datetime) -> tuple[str, str]:
    """The key that was chosen, and its certificate's fingerprint: from the list, or typed where the signer has none to show."""
    if not isinstance(signer, Holds):
        if not told["key"].strip():
            raise Refused("Type the name of the key.", box="key")
        return told["key"].strip()[:200], ""
    for held in await offered(signer, owner):
        if held.chain.fingerprint == told["fingerprint"]:
            if await taken_by_others(owner, [held.chain], at):
                raise Refused(_TAKEN, code="taken", box="certificate")
            return held.key, held.chain.fingerprint
    raise Refused("That certificate is not (any more) on a device of this server. Look at the list again.", box="certificate")


async def _choose(request: Request[Any, Any, Any], problem: str = "", *, status: int = 422) -> Response[Any]:
    owner, site = await owner_of(person_of(request)), site_of(request)
    mine = {each.fingerprint for each in await enrolments_of(owner, site.clock.now()) if each.ended_at is None}
    devices = [await _device(signer, owner, site, mine) for signer in _signers(site, owner)]
    wrong = {"devices": problem} if problem else {}
    return page(request, "dsc_new.html", status=status if wrong else 200, form=True, owner=owner, devices=devices, wrong=wrong)


async def _device(signer: Signer, owner: Owner, site: Site, mine: set[str]) -> Device:
    try:
        held = await offered(signer, owner)
    except (SignerUnavailable, Refused) as error:
        return Device(signer.id, signer.title, (), error.say, types_key=False)
    others = await taken_by_others(owner, [each.chain for each in held], site.clock.now())
    choices = tuple(choice for each in held if (choice := _choice(each, owner, site, mine, others)) is not None)
    return Device(signer.id, signer.title, choices, "", types_key=not isinstance(signer, Holds))


def _choice(held: HeldKey, owner: Owner, site: Site, mine: set[str], others: frozenset[str]) -> Choice | None:
    try:
        facts = facts_of(held.chain.leaf)
    except ValueError:
        return None
    why, fingerprint = held.chain.unusable(site.clock.now()), held.chain.fingerprint
    named = same_name(owner.name, facts.holder)
    return Choice(
        held.key, fingerprint, held.device, held.ready, facts, why.say if why else "", named, fingerprint in mine, fingerprint in others
    )


async def _look(request: Request[Any, Any, Any], id: UUID, *, wrong: dict[str, str] | None = None) -> Response[Any]:
    owner, site = await owner_of(person_of(request)), site_of(request)
    here = await presented(owner, id)
    judgement = await judge(here.chain, owner, trust=site.trust, at=site.clock.now())
    over = here.state in {PresentedState.ENROLLED, PresentedState.REFUSED} or here.expires_at <= site.clock.now()
    return page(
        request,
        "dsc_presented.html",
        status=422 if wrong else 200,
        form=True,
        here=here,
        owner=owner,
        judgement=judgement,
        over=over or here.state is PresentedState.ASKED,
        wrong=wrong or {},
    )


def _judged(request: Request[Any, Any, Any], owner: Owner, judgement: Judgement, *, status: int) -> Response[Any]:
    """What the certificate says that cannot be registered, and why not."""
    wrong = {"certificate": judgement.problems[0].say}
    return page(
        request, "dsc_presented.html", status=status, form=True, here=None, owner=owner, judgement=judgement, over=True, wrong=wrong
    )


async def _own(request: Request[Any, Any, Any], owner: Owner, enrolment: UUID) -> EnrolmentHere:
    for each in await enrolments_of(owner, site_of(request).clock.now()):
        if each.id == enrolment:
            return each
    raise NotFound("There is no such enrolment, or it ended before.", code="enrolment")


async def _ending(request: Request[Any, Any, Any], enrolment: UUID, *, wrong: dict[str, str] | None = None) -> Response[Any]:
    here = await _own(request, await owner_of(person_of(request)), enrolment)
    status = 422 if wrong else 200
    return page(request, "dsc_end.html", status=status, form=True, here=here, back="/dsc", back_label="My certificates", wrong=wrong or {})
