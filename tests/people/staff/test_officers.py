"""Officers as an administrator deals with them: at once, within the agency, and with what they approved left unsigned."""

import asyncio
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest

from engine import demo
from engine.application import ApplicationState
from engine.certificate import CertificateState
from engine.clock import ist_day
from engine.errors import Conflict, Forbidden, NotFound, Refused
from engine.filing import find
from engine.issuing import queue
from engine.issuing.issue import Corridor
from engine.issuing.tables import SigningJobRow
from engine.jobs import StepOutcome
from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.money.tables import CoverRow
from engine.people import add_agency, add_office, add_officer, find_officer, map_officer
from engine.people.agencies.register import delist
from engine.people.changes import confirm
from engine.people.offices.keeping import switch_office
from engine.people.staff.activating import (
    OFFICER_AGAIN,
    apply_officer_again,
    ask_officer_again,
    deactivate_officer,
    redesignate,
    unmap_officer,
)
from engine.people.staff.roster import PER_PAGE, Lacking, officer_seen, officers_of
from engine.people.staff.spells import Off
from engine.people.tables import Officer, OfficerOffice, OfficerSpell
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.people.conftest import People

EMAIL = "officer@eia.example.in"
WHO = {"actor": "account:administrator"}


@pytest.fixture
async def officer(people: People) -> UUID:
    await people.officer(EMAIL)
    return (await find_officer(PLATFORM, EMAIL)).id


@pytest.fixture
def scope(people: People) -> Scope:
    return Scope.agency(people.agency_id)


@pytest.fixture
async def strangers(people: People) -> Scope:
    return Scope.agency(await add_agency("TXC", "Textiles Committee", actor="test", at=people.at))


async def test_a_deactivated_officer_is_out_from_that_moment(people: People, officer: UUID, scope: Scope) -> None:
    [row] = await Officer.select(Officer.account).where(Officer.id == officer)
    token = await people.whole(EMAIL, row["account"])
    assert (await people.here(token)).role is not None
    await deactivate_officer(scope, officer, "left the service", box=people.box, at=people.at, **WHO)
    assert await people.resume(token) is None
    again = await people.later(minutes=1).whole(EMAIL, row["account"])
    assert (await people.here(again)).roles == ()
    seen = (await officer_seen(scope, officer, people.at)).officer
    assert (seen.active, seen.off) == (False, Off(people.at - timedelta(minutes=1), "left the service"))
    with pytest.raises(Conflict):
        await deactivate_officer(scope, officer, "once more", box=people.box, at=people.at, **WHO)


@pytest.mark.parametrize("reason", ["", "   ", "a\x00b", "\u202e", "x" * 201])
async def test_deactivating_needs_a_reason_that_can_be_read(people: People, officer: UUID, scope: Scope, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        await deactivate_officer(scope, officer, reason, box=people.box, at=people.at, **WHO)
    assert refused.value.box == "reason"
    assert (await officer_seen(scope, officer, people.at)).officer.active


async def test_to_be_active_again_takes_a_second_person(people: People, officer: UUID, scope: Scope) -> None:
    await deactivate_officer(scope, officer, "on leave", box=people.box, at=people.at, **WHO)
    persons = []
    for email in ("first@eia.example.in", "second@eia.example.in"):
        id = await people.person(email, factor=True)
        await people.administrator(id)
        persons.append(await people.here(await people.later(seconds=30).whole(email, id)))
    first, second = persons
    doors = {"effects": {OFFICER_AGAIN: apply_officer_again}, "box": people.box, "limits": people.limits, "at": people.at}
    change = await ask_officer_again(scope, officer, first, base="https://coo.example.in", **doors)
    assert not (await officer_seen(scope, officer, people.at)).officer.active
    assert (await officer_seen(scope, officer, people.at)).officer.again_waits == change.id
    with pytest.raises(Conflict):
        await ask_officer_again(scope, officer, second, base="https://coo.example.in", **doors)
    with pytest.raises(Forbidden):
        await confirm(change.id, first, **doors)
    await confirm(change.id, second, **doors)
    seen = (await officer_seen(scope, officer, people.at)).officer
    assert (seen.active, seen.off) == (True, None)
    with pytest.raises(Conflict):
        await ask_officer_again(scope, officer, first, base="https://coo.example.in", **doors)


async def test_an_office_is_unmapped_and_mapped_again_and_both_stays_are_kept(people: People, officer: UUID, scope: Scope) -> None:
    with pytest.raises(Conflict):
        await map_officer(people.agency_id, officer, people.office_id, at=people.at, **WHO)
    await unmap_officer(scope, officer, people.office_id, at=people.later(days=1).at, **WHO)
    assert (await officer_seen(scope, officer, people.at)).officer.offices == ()
    with pytest.raises(NotFound):
        await unmap_officer(scope, officer, people.office_id, at=people.at, **WHO)
    await map_officer(people.agency_id, officer, people.office_id, at=people.later(days=1).at, **WHO)
    seen = await officer_seen(scope, officer, people.at)
    assert [stay.ended_at is None for stay in seen.stays] == [True, False]
    assert seen.free == ()


async def test_two_who_map_at_once_map_once(people: People, officer: UUID, scope: Scope) -> None:
    office = await add_office(people.agency_id, "DEL", "Delhi", "Delhi", actor="test", at=people.at)
    acts = [map_officer(people.agency_id, officer, office, at=people.at, **WHO) for _ in range(4)]
    done = await asyncio.gather(*acts, return_exceptions=True)
    assert sum(each is None for each in done) == 1
    assert all(isinstance(each, Conflict) for each in done if each is not None)
    live = OfficerOffice.count().where(OfficerOffice.office == office, OfficerOffice.ended_at.is_null())
    assert int(await live) == 1


async def test_a_designation_that_hides_something_is_refused(people: People, officer: UUID, scope: Scope) -> None:
    for text in ("", "\u202eDirector", "a\nb", "x" * 121):
        with pytest.raises(Refused) as refused:
            await redesignate(scope, officer, text, at=people.at, **WHO)
        assert refused.value.box == "designation"
    await redesignate(scope, officer, "  Joint Director ", at=people.at, **WHO)
    assert (await officer_seen(scope, officer, people.at)).officer.designation == "Joint Director"


async def test_two_who_change_the_designation_at_once_leave_one_spell_that_lasts(people: People, officer: UUID, scope: Scope) -> None:
    acts = [redesignate(scope, officer, f"Director {number}", at=people.at, **WHO) for number in range(4)]
    await asyncio.gather(*acts)
    [now] = await Officer.select(Officer.designation).where(Officer.id == officer)
    lasting = await OfficerSpell.select(OfficerSpell.designation).where(OfficerSpell.officer == officer, OfficerSpell.ends_at.is_null())
    assert lasting == [now]
    assert await OfficerSpell.count().where(OfficerSpell.officer == officer) == 5


async def test_a_foreign_officer_reads_like_none(people: People, officer: UUID, strangers: Scope) -> None:
    office = await add_office(strangers.agency_id, "DEL", "Delhi", "Delhi", actor="test", at=people.at)
    said = set()
    for scope, id in (
        (strangers, officer),
        (strangers, uuid4()),
        (PUBLIC, officer),
        (Scope.offices(people.agency_id, frozenset()), officer),
    ):
        for act in (
            partial(deactivate_officer, scope, id, "mine", box=people.box, at=people.at, **WHO),
            partial(redesignate, scope, id, "Nobody", at=people.at, **WHO),
            partial(unmap_officer, scope, id, people.office_id, at=people.at, **WHO),
            partial(officer_seen, scope, id, people.at),
        ):
            with pytest.raises(NotFound) as refused:
                await act()
            said.add((refused.value.say, refused.value.code))
    assert len(said) == 1
    assert (await officers_of(strangers, at=people.at)) == ([], 0)
    with pytest.raises(Conflict):  # the office of another agency
        await map_officer(people.agency_id, officer, office, at=people.at, **WHO)
    assert (await officer_seen(Scope.agency(people.agency_id), officer, people.at)).officer.active


async def test_the_list_is_narrowed_and_turned(people: People, scope: Scope, strangers: Scope) -> None:
    for number in range(PER_PAGE + 3):
        await add_officer(
            people.agency_id,
            email=f"o{number:02}@eia.example.in",
            name=f"Officer {number:02}",
            designation="Clerk",
            actor="test",
            at=people.at,
        )
    await add_officer(strangers.agency_id, email="x@txc.example.in", name="Officer X", designation="Clerk", actor="test", at=people.at)
    first, count = await officers_of(scope, at=people.at)
    second, _ = await officers_of(scope, page=2, at=people.at)
    assert (len(first), len(second), count) == (PER_PAGE, 3, PER_PAGE + 3)
    assert [each.name for each in (*first, *second)] == sorted(each.name for each in (*first, *second))
    assert [each.name for each in (await officers_of(scope, text="OFFICER 07", at=people.at))[0]] == ["Officer 07"]
    assert (await officers_of(scope, text="o51@", at=people.at))[1] == 1
    for wild in ("%", "_", "\\", "' OR 1=1 --"):
        assert (await officers_of(scope, text=wild, at=people.at))[1] == 0
    await deactivate_officer(scope, first[0].id, "left", box=people.box, at=people.at, **WHO)
    await map_officer(people.agency_id, first[1].id, people.office_id, at=people.at, **WHO)
    assert [each.id for each in (await officers_of(scope, lacking=Lacking.OFF, at=people.at))[0]] == [first[0].id]
    assert (await officers_of(scope, lacking=Lacking.ACTIVE, at=people.at))[1] == PER_PAGE + 2
    for lacking in (Lacking.PICTURE, Lacking.DSC):
        assert (await officers_of(scope, lacking=lacking, at=people.at))[1] == PER_PAGE + 2
    assert (await officers_of(scope, lacking=Lacking.OFFICE, at=people.at))[1] == PER_PAGE + 1
    assert [each.id for each in (await officers_of(scope, office=people.office_id, at=people.at))[0]] == [first[1].id]
    assert (await officers_of(scope, office=uuid4(), at=people.at))[1] == 0
    assert (await officers_of(scope, page=99, at=people.at))[0] == []


async def test_what_was_done_is_audited_without_the_reason(people: People, officer: UUID, scope: Scope) -> None:
    await deactivate_officer(scope, officer, "left with the secret", box=people.box, at=people.at, **WHO)
    [entry] = await AuditEntry.select().where(AuditEntry.act == "officer_deactivated")
    assert (entry["subject"], entry["actor"], entry["agency"]) == (str(officer), WHO["actor"], str(people.agency_id))
    assert "secret" not in str(entry)


async def test_a_deactivated_officer_is_told_so_and_not_why(people: People, officer: UUID, scope: Scope) -> None:
    await deactivate_officer(scope, officer, "left with the secret", box=people.box, at=people.at, **WHO)
    [row] = await LetterRow.select()
    letter = unsealed(row["id"], row["to_sealed"], row["content_sealed"], people.box)
    assert (letter.to, letter.subject) == (EMAIL, "You were deactivated as an officer")
    assert "officer of Export Inspection Agency" in letter.text
    assert "secret" not in letter.text
    with pytest.raises(Conflict):
        await deactivate_officer(scope, officer, "once more", box=people.box, at=people.at, **WHO)
    assert await LetterRow.count() == 1


async def test_stays_that_end_without_their_own_key_or_last_with_it_are_no_rows(people: People, officer: UUID) -> None:
    [stay] = await OfficerOffice.select(OfficerOffice.id)
    [spell] = await OfficerSpell.select(OfficerSpell.id)
    for table, id, change in (
        (OfficerOffice, stay["id"], {OfficerOffice.ended_at: people.at}),
        (OfficerOffice, stay["id"], {OfficerOffice.live_key: str(stay["id"])}),
        (OfficerSpell, spell["id"], {OfficerSpell.ends_at: people.at}),
        (OfficerSpell, spell["id"], {OfficerSpell.live_key: str(spell["id"])}),
    ):
        with pytest.raises(Conflict) as refused:
            async with uow():
                await table.update(change).where(table.id == id)
        assert refused.value.code == "integrity"


# --- what they approved ---------------------------------------------------------------------------


async def _gone(walk, draft, *, how: str) -> None:
    officer = await find_officer(PLATFORM, demo.OFFICER)
    if how == "deactivated":
        await deactivate_officer(PLATFORM, officer.id, "left", box=walk.site.secrets, actor="test", at=walk.clock.now())
    elif how == "switched off":
        await switch_office(PLATFORM, draft.office_id, on=False, actor="test", at=walk.clock.now())
    elif how == "delisted":
        box = walk.site.secrets
        await delist(draft.agency_id, ist_day(walk.clock.now()), reason="left the appendix", box=box, actor="test", at=walk.clock.now())
    else:
        await unmap_officer(PLATFORM, officer.id, draft.office_id, actor="test", at=walk.clock.now())
    await queue.look_again(officer.id)


@pytest.mark.parametrize("how", ["deactivated", "unmapped", "switched off", "delisted"])
async def test_what_was_approved_and_has_no_number_is_decided_anew(walk, application, how: str) -> None:
    draft, approval = await walk.approve(application)
    await _gone(walk, draft, how=how)
    found = await walk.run(approval)
    assert (found.over, found.issued, found.standing) == (True, False, None)
    assert how in found.problem
    assert (await find(PLATFORM, draft.reference)).state is ApplicationState.FILED
    assert await CoverRow.exists().where(CoverRow.application == draft.id)


@pytest.mark.parametrize("how", ["deactivated", "unmapped", "switched off", "delisted"])
@pytest.mark.parametrize("before", ["draw", "intend", "sign"])
async def test_what_was_approved_and_numbered_is_void_and_no_key_is_used(walk, application, monkeypatch, how: str, before: str) -> None:
    draft, approval = await walk.approve(application)
    for name, step in walk.corridor.steps:
        if name == before:
            break
        assert await step(str(approval)) is StepOutcome.NEXT
    used = []
    signer = walk.site.registry.signer(walk.site.config.site.demo_signer)
    monkeypatch.setattr(signer, "start", lambda job: used.append(job))
    await _gone(walk, draft, how=how)
    found = await walk.run(approval)
    assert found.standing is not None
    assert (found.over, found.standing.state, used) == (True, CertificateState.VOID, [])
    assert (await find(PLATFORM, draft.reference)).state is ApplicationState.FILED
    assert not await SigningJobRow.exists().where(SigningJobRow.state == "open")


@pytest.mark.parametrize("how", ["deactivated", "unmapped"])
async def test_who_goes_while_the_key_is_used_signed_before_they_went_and_it_is_issued_whole(
    walk, application, monkeypatch, tally, how: str
) -> None:
    draft, approval = await walk.approve(application)
    asked = Corridor._ask

    async def then_gone(*arguments):
        result = await asked(*arguments)
        await _gone(walk, draft, how=how)
        return result

    monkeypatch.setattr(Corridor, "_ask", then_gone)
    found = await walk.until_over(approval)
    assert found.issued
    counted = await tally(walk.site)
    assert (counted.issued, counted.void) == (1, 0)


async def test_a_signature_that_was_lost_is_not_made_again_for_who_is_gone(walk, application) -> None:
    """The key was used and the process died before it was written down: the repeat finds the officer deactivated."""
    draft, approval = await walk.approve(application)
    for name, step in walk.corridor.steps:
        if name == "sign":
            break
        await step(str(approval))
    await _gone(walk, draft, how="deactivated")
    found = await walk.run(approval)
    assert (found.over, found.issued) == (True, False)


async def test_another_officers_approvals_go_on(walk, application) -> None:
    draft, approval = await walk.approve(application)
    other = await add_officer(
        draft.agency_id, email="other@demo.example", name="O. Ther", designation="x", actor="test", at=walk.clock.now()
    )
    await deactivate_officer(PLATFORM, other, "left", box=walk.site.secrets, actor="test", at=walk.clock.now())
    assert (await walk.until_over(approval)).issued
