"""Registering a certificate, and what must not get through: wrong certificates, replays, swaps, other people's."""

from dataclasses import replace
from uuid import uuid4

import pytest

from engine.contracts.signing import RawSignature, SignerContext
from engine.errors import Conflict, Forbidden, NotFound, Refused, Untrusted
from engine.issuing import registering
from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.people import dsc, enrol, live_enrolment
from engine.people.dsc import PresentedState
from engine.people.dsc.tables import Enrolment, Presented
from engine.people.tables import Account, Officer
from engine.scope import PUBLIC, Scope
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.people.dsc.conftest import ACTOR, Room

BASE = "https://coo.example.in"


async def rows() -> int:
    return int(await Enrolment.count())


async def test_a_good_certificate_is_judged_good_and_its_facts_are_read(room: Room) -> None:
    found = await room.judge("good")
    assert (found.problems, found.differs) == ((), None)
    facts = found.facts
    assert (facts.holder, facts.organisation, facts.issuer) == ("Asha Rao", "Export Inspection Council", "ecoo TEST Issuing CA")
    assert facts.policies == ("Class 3 (2.16.356.100.2.3)",)
    assert facts.usages == ("digital signature", "non-repudiation")
    assert facts.key == "RSA, 2048 bits"
    assert [note for note in found.notes if "organisation" in note]
    assert not [note for note in found.notes if "Class 3" in note or "revo" in note]


@pytest.mark.parametrize(
    ("label", "code", "word"),
    [
        ("expired", "expired", "has expired"),
        ("early", "not_yet_valid", "is not valid before"),
        ("twin", "wrong_usage", "key_encipherment"),
        ("revoked", "revoked", "is revoked"),
        ("small", "weak_key", "1024 bits"),
    ],
)
async def test_a_certificate_that_may_not_sign_is_refused_with_the_reason_and_no_key_is_used(
    room: Room, label: str, code: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = replace(room.owner, name=(await room.judge(label)).facts.holder)
    monkeypatch.setattr(type(room.signer), "start", _never)
    here, judgement = await registering.prove(owner, room.signer, label, trust=room.trust, actor=ACTOR, clock=room.clock)
    assert here is None
    assert [problem.rule for problem in judgement.problems] == [code]
    assert word in judgement.problems[0].say
    assert int(await Presented.count()) == 0


async def _never(*_: object) -> None:
    raise AssertionError("a key was used")


async def test_a_chain_to_a_root_that_nobody_trusts_is_refused(room: Room) -> None:
    found = await room.judge("good", roots=(room.authority.der("tsa"),), intermediates=())
    assert [problem.rule for problem in found.problems] == ["untrusted"]


async def test_an_authoritys_own_certificate_signs_no_documents(room: Room) -> None:
    assert (await room.judge("issuing")).problems[0].rule == "end of the chain"


async def test_non_repudiation_is_asked_for_where_the_site_does(room: Room) -> None:
    assert (await room.judge("plain")).problems == ()
    assert [problem.rule for problem in (await room.judge("plain", digital_signature_suffices=False)).problems] == ["wrong_usage"]


async def test_what_is_not_known_of_revocation_is_said(room: Room) -> None:
    assert any("Whether it is revoked is not known here" in note for note in (await room.judge("good", crls=())).notes)
    room.people.later(days=60)
    assert any("revocation list of its issuer is old" in note for note in (await room.judge("good")).notes)


async def test_a_list_that_the_issuer_did_not_sign_is_no_list(room: Room) -> None:
    assert any("not known here" in note for note in (await room.judge("good", crls=(room.authority.crl("root"),))).notes)


async def test_a_registered_certificate_signs_from_then_on(room: Room) -> None:
    here = await room.prove("good")
    assert here.state is PresentedState.PROVED
    await room.enrol(here)
    live = await live_enrolment(officer=room.owner.id, at=room.people.at)
    assert (live.fingerprint, live.signer, live.signatory.key) == (room.authority.chain("good").fingerprint, "key_file", "good")


async def test_a_renewal_overlaps_and_the_newest_that_is_valid_signs(room: Room) -> None:
    await room.enrol(await room.prove("good"))
    room.people.later(minutes=1)
    await room.enrol(await room.prove("renewed"))
    signs = [each for each in await dsc.enrolments_of(room.owner, room.people.at) if each.signs]
    assert [each.fingerprint for each in signs] == [room.authority.chain("renewed").fingerprint]
    live = await live_enrolment(officer=room.owner.id, at=room.people.at)
    assert live.fingerprint == signs[0].fingerprint
    await dsc.end_enrolment(Scope.agency(room.owner.party), live.id, "token lost", box=room.people.box, actor=ACTOR, at=room.people.at)
    assert (await live_enrolment(officer=room.owner.id, at=room.people.at)).fingerprint == room.authority.chain("good").fingerprint


async def test_what_expires_within_thirty_days_is_said(room: Room) -> None:
    await room.enrol(await room.prove("good"))
    room.people.at = room.people.at.replace(year=2028, month=12, day=10)
    [here] = await dsc.enrolments_of(room.owner, room.people.at)
    assert (here.state, here.ends_soon) == ("live", True)
    assert any("is valid until" in note for note in (await room.judge("good")).notes)


# --- attacks --------------------------------------------------------------------------------------


async def test_a_challenge_is_answered_once(room: Room) -> None:
    here = await room.prove("good")
    again = room.authority.sign("good", here.challenge)
    with pytest.raises(Conflict):
        await dsc.prove_presented(room.owner, here.id, again, at=room.people.at)
    await room.enrol(here)
    with pytest.raises(Refused):
        await room.enrol(here)
    assert await rows() == 1


async def test_a_signature_of_another_challenge_proves_nothing(room: Room) -> None:
    chain = room.authority.chain("good")
    first = await dsc.present(room.owner, signer="key_file", key="good", chain=chain, actor=ACTOR, at=room.people.at)
    second = await dsc.present(room.owner, signer="key_file", key="good", chain=chain, actor=ACTOR, at=room.people.at)
    assert first.challenge != second.challenge
    with pytest.raises(Untrusted):
        await dsc.prove_presented(room.owner, second.id, room.authority.sign("good", first.challenge), at=room.people.at)
    with pytest.raises(Conflict):
        await room.enrol(second)
    assert await rows() == 0


async def test_another_keys_signature_proves_nothing(room: Room) -> None:
    chain = room.authority.chain("good")
    here = await dsc.present(room.owner, signer="key_file", key="good", chain=chain, actor=ACTOR, at=room.people.at)
    for signature in (
        room.authority.sign("renewed", here.challenge),
        RawSignature(b"", room.authority.sign("good", b"").mechanism),
        RawSignature(room.authority.sign("good", here.challenge).value, room.authority.sign("curve", b"").mechanism),
    ):
        with pytest.raises(Untrusted):
            await dsc.prove_presented(room.owner, here.id, signature, at=room.people.at)


async def test_a_signer_whose_key_is_not_the_certificates_registers_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    start = type(room.signer).start

    async def lies(self, job):
        signed = await start(self, job)
        [one] = signed.documents
        return replace(signed, documents=(replace(one, result=room.authority.sign("renewed", job.documents[0].attributes)),))

    monkeypatch.setattr(type(room.signer), "start", lies)
    with pytest.raises(Untrusted):
        await room.prove("good")
    assert await rows() == 0


async def test_a_challenge_can_never_be_the_attributes_of_a_document(room: Room) -> None:
    here = await room.prove("good")
    assert here.challenge[0] != 0x31, "DER of signed attributes is a SET"
    assert len(here.challenge) >= 32


async def test_a_challenge_is_good_for_a_quarter_of_an_hour(room: Room) -> None:
    chain = room.authority.chain("good")
    here = await dsc.present(room.owner, signer="key_file", key="good", chain=chain, actor=ACTOR, at=room.people.at)
    proved = await room.prove("good")
    room.people.later(minutes=16)
    with pytest.raises(Conflict):
        await dsc.prove_presented(room.owner, here.id, room.authority.sign("good", here.challenge), at=room.people.at)
    with pytest.raises(Conflict):
        await room.enrol(proved)
    assert await rows() == 0


async def test_another_certificate_than_was_seen_is_refused(room: Room) -> None:
    seen = room.authority.chain("good").fingerprint
    room.put("good", "renewed")
    with pytest.raises(Refused):
        await room.prove("good", fingerprint=seen)


async def test_what_is_swapped_after_the_challenge_is_not_enrolled(room: Room) -> None:
    here = await room.prove("good")
    room.put("good", "renewed")
    await room.enrol(here)
    live = await live_enrolment(officer=room.owner.id, at=room.people.at)
    assert live.fingerprint == room.authority.chain("good").fingerprint
    await room.signer.close()  # what was read stays in memory
    await room.signer.open(SignerContext({}, room.folder, room.clock, demo=True))
    with pytest.raises(Refused, match="now belongs to"):
        await room.signer.identity(live.signatory)


async def test_a_certificate_that_is_revoked_between_challenge_and_enrolment_is_refused(room: Room) -> None:
    early = replace(room.trust, crls=())
    owner = replace(room.owner, name="Ravi Nair")
    here, _ = await registering.prove(owner, room.signer, "revoked", trust=early, actor=ACTOR, clock=room.clock)
    assert here is not None
    with pytest.raises(Refused) as refused:
        await registering.enrol_proved(owner, here.id, trust=room.trust, box=room.people.box, actor=ACTOR, at=room.people.at)
    assert refused.value.code == "revoked"


async def test_what_somebody_else_presented_reads_like_what_is_not_there(room: Room) -> None:
    here = await room.prove("good")
    said = []
    for owner, id in ((room.colleague, here.id), (room.stranger, here.id), (room.stranger, uuid4())):
        with pytest.raises(NotFound) as refused:
            await registering.enrol_proved(owner, id, trust=room.trust, box=room.people.box, actor=ACTOR, at=room.people.at)
        said.append((refused.value.say, refused.value.code))
    assert len(set(said)) == 1


async def test_whose_a_certificate_is_is_said_within_the_agency_and_to_nobody_else(room: Room) -> None:
    await room.enrol(await room.prove("good"))
    own = (await room.judge("good", room.colleague)).problems[0]
    assert (own.rule, "for Asha Rao since" in own.say) == ("enrolled_already", True)
    other = (await room.judge("good", room.stranger)).problems[0]
    assert other.rule == "enrolled_elsewhere"
    assert "Rao" not in other.say
    with pytest.raises(Conflict) as refused:
        await enrol(
            signer="key_file", key="good", chain=room.authority.chain("good"), officer=room.stranger.officer, actor=ACTOR, at=room.people.at
        )
    assert "Rao" not in refused.value.say


async def test_strangers_do_not_even_see_a_certificate_that_serves_somebody_elsewhere(room: Room) -> None:
    await room.enrol(await room.prove("good"))
    seen = [held.key for held in await registering.offered(room.signer, room.stranger)]
    assert "good" not in seen
    assert "renewed" in seen
    assert "good" in [held.key for held in await registering.offered(room.signer, room.colleague)]
    assert seen[:1] == ["renewed"], "those of the owner's name come first"


async def test_two_who_enrol_the_same_certificate_at_once_are_one_enrolment(room: Room) -> None:
    mine, theirs = await room.prove("good"), await room.prove("good", room.stranger)
    await room.enrol(mine)
    with pytest.raises(Refused):
        await room.enrol(theirs, room.stranger)
    assert await rows() == 1


async def test_an_enrolment_of_another_agency_is_not_ended(room: Room) -> None:
    enrolment = await room.enrol(await room.prove("good"))
    said = []
    for scope, id in ((Scope.agency(room.stranger.party), enrolment), (Scope.agency(room.stranger.party), uuid4()), (PUBLIC, enrolment)):
        with pytest.raises(NotFound) as refused:
            await dsc.end_enrolment(scope, id, "mine now", box=room.people.box, actor=ACTOR, at=room.people.at)
        said.append(refused.value.say)
    assert len(set(said)) == 1
    with pytest.raises(Refused):
        await dsc.end_enrolment(Scope.agency(room.owner.party), enrolment, "  ", box=room.people.box, actor=ACTOR, at=room.people.at)
    await dsc.end_enrolment(Scope.agency(room.owner.party), enrolment, "lost", box=room.people.box, actor=ACTOR, at=room.people.at)
    with pytest.raises(NotFound):
        await dsc.end_enrolment(Scope.agency(room.owner.party), enrolment, "lost", box=room.people.box, actor=ACTOR, at=room.people.at)


# --- a name that differs --------------------------------------------------------------------------


async def _misnamed(room: Room) -> dsc.PresentedHere:
    async with uow():
        await Officer.update({Officer.name: "Asha Deshmukh"}).where(Officer.id == room.owner.id)
    room.owner = replace(room.owner, name="Asha Deshmukh")
    return await room.prove("good")


async def test_another_name_is_shown_and_not_enrolled_by_its_owner(room: Room) -> None:
    here = await _misnamed(room)
    with pytest.raises(Refused) as refused:
        await room.enrol(here)
    assert "reads 'Asha Rao', and the register has 'Asha Deshmukh'" in refused.value.say
    assert (refused.value.box, await rows()) == ("name", 0)


async def test_an_administrator_confirms_a_name_for_an_audited_reason(room: Room) -> None:
    here, scope = await _misnamed(room), Scope.agency(room.owner.party)
    await dsc.ask_administrator(room.owner, here.id, box=room.people.box, base=BASE, actor=ACTOR, at=room.people.at)
    [waiting] = await dsc.waiting_presented(scope, at=room.people.at)
    assert waiting.id == here.id
    deed = {"account": uuid4(), "trust": room.trust, "box": room.people.box, "actor": "account:administrator", "at": room.people.at}
    with pytest.raises(Refused):
        await registering.confirm_name(scope, here.id, " ", **deed)
    await registering.confirm_name(scope, here.id, "name changed by marriage", **deed)
    assert (await live_enrolment(officer=room.owner.id, at=room.people.at)).fingerprint == here.chain.fingerprint
    acts = await AuditEntry.select(AuditEntry.act, AuditEntry.actor, AuditEntry.detail).where(AuditEntry.act.like("x509%"))
    assert [row["act"] for row in acts if row["actor"] == "account:administrator"] == ["x509_name_confirmed", "x509_enrolled"]
    assert "marriage" not in str(acts), "a reason may name persons: its hash stands in the audit"
    with pytest.raises(NotFound):
        await registering.confirm_name(scope, here.id, "again", **deed)


async def test_nobody_confirms_their_own_name_nor_another_agencys(room: Room) -> None:
    here, scope = await _misnamed(room), Scope.agency(room.owner.party)
    with pytest.raises(NotFound):  # it does not wait yet
        await registering.confirm_name(
            scope, here.id, "x", account=uuid4(), trust=room.trust, box=room.people.box, actor=ACTOR, at=room.people.at
        )
    await dsc.ask_administrator(room.owner, here.id, box=room.people.box, base=BASE, actor=ACTOR, at=room.people.at)
    with pytest.raises(Conflict):
        await dsc.ask_administrator(room.owner, here.id, box=room.people.box, base=BASE, actor=ACTOR, at=room.people.at)
    with pytest.raises(Forbidden):
        await registering.confirm_name(
            scope, here.id, "it is me", account=room.owner.account_id, trust=room.trust, box=room.people.box, actor=ACTOR, at=room.people.at
        )
    for scope_of_others in (Scope.agency(room.stranger.party), PUBLIC):
        with pytest.raises(NotFound):
            await registering.confirm_name(
                scope_of_others, here.id, "x", account=uuid4(), trust=room.trust, box=room.people.box, actor=ACTOR, at=room.people.at
            )
        with pytest.raises(NotFound):
            await registering.refuse_name(scope_of_others, here.id, "x", box=room.people.box, actor=ACTOR, at=room.people.at)
    assert await rows() == 0


async def test_a_refused_name_is_told_its_reason_and_stays_refused(room: Room) -> None:
    here, scope = await _misnamed(room), Scope.agency(room.owner.party)
    await dsc.ask_administrator(room.owner, here.id, box=room.people.box, base=BASE, actor=ACTOR, at=room.people.at)
    await registering.refuse_name(scope, here.id, "not our officer's", box=room.people.box, actor=ACTOR, at=room.people.at)
    told = await dsc.presented(room.owner, here.id)
    assert (told.state, told.reason) == (PresentedState.REFUSED, "not our officer's")
    with pytest.raises(Conflict):
        await dsc.ask_administrator(room.owner, here.id, box=room.people.box, base=BASE, actor=ACTOR, at=room.people.at)


async def test_a_confirmed_name_does_not_help_a_certificate_that_went_bad_meanwhile(room: Room) -> None:
    here, scope = await _misnamed(room), Scope.agency(room.owner.party)
    await dsc.ask_administrator(room.owner, here.id, box=room.people.box, base=BASE, actor=ACTOR, at=room.people.at)
    async with uow():  # it waits for years
        await Presented.update({Presented.expires_at: room.people.at.replace(year=2031)}).where(Presented.id == here.id)
    room.people.at = room.people.at.replace(year=2030)
    with pytest.raises(Refused) as refused:
        await registering.confirm_name(
            scope, here.id, "x", account=uuid4(), trust=room.trust, box=room.people.box, actor=ACTOR, at=room.people.at
        )
    assert refused.value.code == "expired"


# --- a name that nobody decided on in time ---------------------------------------------------------


async def test_a_certificate_that_waited_too_long_is_asked_for_again(room: Room) -> None:
    scope = Scope.agency(room.owner.party)
    first = await _misnamed(room)
    await dsc.ask_administrator(room.owner, first.id, box=room.people.box, base=BASE, actor=ACTOR, at=room.people.at)
    room.people.later(days=30, minutes=1)
    assert await dsc.waiting_presented(scope, at=room.people.at) == []
    again = await room.prove("good")
    await dsc.ask_administrator(room.owner, again.id, box=room.people.box, base=BASE, actor=ACTOR, at=room.people.at)
    assert [each.id for each in await dsc.waiting_presented(scope, at=room.people.at)] == [again.id]
    assert (await dsc.presented(room.owner, first.id)).state is PresentedState.EXPIRED
    assert int(await AuditEntry.count().where(AuditEntry.act == "x509_name_expired", AuditEntry.subject == str(first.id))) == 1
    with pytest.raises(Conflict):
        await dsc.ask_administrator(room.owner, first.id, box=room.people.box, base=BASE, actor=ACTOR, at=room.people.at)


async def test_the_round_ends_what_is_too_old_and_nothing_else(room: Room) -> None:
    waits = await _misnamed(room)
    await dsc.ask_administrator(room.owner, waits.id, box=room.people.box, base=BASE, actor=ACTOR, at=room.people.at)
    proved, other = await room.prove("good"), await room.prove("renewed", room.colleague)
    await room.enrol(other, room.colleague)
    assert await dsc.end_old_presented(room.people.at) == 0
    room.people.later(minutes=16)
    asked = await room.prove("good")
    assert await dsc.end_old_presented(room.people.at) == 1
    states = {row["id"]: row["state"] for row in await Presented.select(Presented.id, Presented.state)}
    assert [states[each.id] for each in (waits, proved, other, asked)] == ["waiting", "expired", "enrolled", "proved"]
    room.people.later(days=31)
    assert await dsc.end_old_presented(room.people.at) == 2
    row = await Presented.select(Presented.state, Presented.live_key, Presented.decided_at).where(Presented.id == waits.id).first()
    assert row == {"state": "expired", "live_key": str(waits.id), "decided_at": room.people.at}
    assert int(await AuditEntry.count().where(AuditEntry.act == "x509_name_expired")) == 1
    assert await dsc.end_old_presented(room.people.at) == 0


# --- letters --------------------------------------------------------------------------------------


async def letters(room: Room) -> list[tuple[str, str, str]]:
    """To whom, under which subject, and what, in the order they were written."""
    rows = await LetterRow.select().order_by(LetterRow.written_at)
    found = [unsealed(row["id"], row["to_sealed"], row["content_sealed"], room.people.box) for row in rows]
    return [(letter.to, letter.subject, letter.text) for letter in found]


async def test_an_owner_is_told_of_what_signs_for_them_and_of_what_signs_no_more(room: Room) -> None:
    enrolment = await room.enrol(await room.prove("good"))
    room.people.later(minutes=1)
    scope = Scope.agency(room.owner.party)
    await dsc.end_enrolment(scope, enrolment, "the secret reason", box=room.people.box, actor=ACTOR, at=room.people.at)
    told = await letters(room)
    assert [(to, subject) for to, subject, _ in told] == [
        ("asha@eia.example.in", "A certificate was registered for you"),
        ("asha@eia.example.in", "A certificate of yours was ended"),
    ]
    assert not any("secret" in text for _, _, text in told)


async def test_what_is_not_enrolled_or_ended_is_told_to_nobody(room: Room) -> None:
    here = await _misnamed(room)
    with pytest.raises(Refused):
        await room.enrol(here)
    with pytest.raises(NotFound):
        await dsc.end_enrolment(PUBLIC, uuid4(), "x", box=room.people.box, actor=ACTOR, at=room.people.at)
    assert await letters(room) == []


@pytest.mark.parametrize("refused", [False, True])
async def test_a_name_is_asked_of_the_administrators_and_its_owner_is_told_what_they_said(room: Room, refused: bool) -> None:
    people, scope = room.people, Scope.agency(room.owner.party)
    for email in ("one@eia.example.in", "two@eia.example.in"):
        await people.administrator(await people.person(email))
    await people.administrator(room.owner.account_id)
    await people.person("stranger@txc.example.in")
    here = await _misnamed(room)
    await dsc.ask_administrator(room.owner, here.id, box=people.box, base=BASE, actor=ACTOR, at=people.at)
    asked = await letters(room)
    assert sorted(to for to, _, _ in asked) == ["one@eia.example.in", "two@eia.example.in"]
    assert all(f"{BASE}/users/{room.owner.id}/names/{here.id}" in text for _, _, text in asked)
    people.later(minutes=1)
    if refused:
        await registering.refuse_name(scope, here.id, "it is not hers", box=people.box, actor=ACTOR, at=people.at)
    else:
        deed = {"account": uuid4(), "trust": room.trust, "box": people.box, "actor": ACTOR, "at": people.at}
        await registering.confirm_name(scope, here.id, "changed by marriage", **deed)
    [(to, subject, text)] = (await letters(room))[2:]
    assert to == "asha@eia.example.in"
    assert subject == ("Your certificate was refused" if refused else "A certificate was registered for you")
    assert ("it is not hers" in text) is refused
    assert "marriage" not in text


async def test_an_address_that_takes_no_letter_keeps_nothing_from_being_done(room: Room) -> None:
    async with uow():
        await Account.update({Account.email: "no address"}).where(Account.id == room.owner.account_id)
    enrolment = await room.enrol(await room.prove("good"))
    scope = Scope.agency(room.owner.party)
    await dsc.end_enrolment(scope, enrolment, "lost", box=room.people.box, actor=ACTOR, at=room.people.at)
    assert await letters(room) == []


# --- the rows themselves ---------------------------------------------------------------------------


@pytest.mark.parametrize("table", [Enrolment, Presented])
async def test_an_owner_without_their_agency_or_firm_is_no_row(room: Room, table: type[Enrolment]) -> None:
    """A composite key that is partly NULL holds nothing: without its CHECK the officer of any agency would pass."""
    await room.enrol(await room.prove("good"))
    with pytest.raises(Conflict) as refused:
        async with uow():
            await table.update({table.agency: None}).where(table.officer == room.owner.id)
    assert refused.value.code == "integrity"
