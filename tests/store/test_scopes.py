"""Every read says who is asking, and what belongs to somebody else reads like what does not exist."""

import importlib
import inspect
from uuid import uuid4

import pytest

from engine import demo, filing, money, proof
from engine.application import Application
from engine.errors import NotFound, Refused
from engine.people import exporter_by_iec, exporter_user, find_office, find_officer
from engine.scope import PLATFORM, PUBLIC, Scope

ROOMS = ("people", "filing", "filing.sheets", "money", "proof", "issuing")

WITHOUT_SCOPE = {
    "people.account_of": "for who makes a site, before anybody can sign in",
    "people.enrolled": "by the row's id, which only an approval or an enrolment of the caller's own gives",
    "people.live_enrolment": "of an officer or user whom a scope found",
    "people.register_exporter": "writes, and gives back what it wrote",
    "people.signatories_of": "for a signer's own process, which serves the whole site",
    "money.cover_of": "of a draft that a scope found",
    "proof.by_approval": "for the corridor, which serves the whole site",
    "proof.duplicates_of": "of a certificate that the corridor replaces",
    "proof.by_id": "for the corridor, which serves the whole site",
    "proof.by_number": "for the corridor and for filing, which checks exporter and agency",
    "proof.files_of": "of a standing that a scope found",
    "proof.last_event": "of a standing that a scope found",
}


def doors() -> dict[str, object]:
    return {
        f"{room}.{name}": getattr(importlib.import_module(f"engine.{room}"), name)
        for room in ROOMS
        for name in importlib.import_module(f"engine.{room}").__all__
    }


def reads_without_scope() -> set[str]:
    found = set()
    for name, door in doors().items():
        if inspect.iscoroutinefunction(door) and ".select(" in inspect.getsource(door):
            first = next(iter(inspect.signature(door).parameters.values()), None)
            if first is None or first.annotation is not Scope:
                found.add(name)
    return found


def test_a_rooms_query_takes_a_scope_first() -> None:
    assert reads_without_scope() == set(WITHOUT_SCOPE), "take a Scope first, or say here why there is none"


def strangers() -> list[Scope]:
    return [
        PUBLIC,
        Scope.exporter(uuid4()),
        Scope.broker(frozenset()),
        Scope.broker(frozenset({uuid4()})),
        Scope.agency(uuid4()),
        Scope.offices(uuid4(), frozenset({uuid4()})),
    ]


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


async def same_answer(door, scope: Scope, mine, unknown) -> None:
    """Somebody else's answers exactly as one that nobody has."""
    answers = []
    for wanted in (mine, unknown):
        with pytest.raises(Refused) as refused:
            await door(scope, *wanted)
        answers.append((type(refused.value), refused.value.code, refused.value.say.replace(str(wanted[0]), "…"), refused.value.box))
    assert answers[0] == answers[1]


async def test_what_is_somebody_elses_reads_like_what_is_not_there(walk, application: Application) -> None:
    draft, approval = await walk.approve(application)
    await walk.run(approval)
    registry, at = walk.site.registry, walk.clock.now()
    for scope in [*strangers(), Scope.offices(draft.agency_id, frozenset({uuid4()})), Scope.offices(draft.agency_id, frozenset())]:
        await same_answer(filing.find, scope, [draft.reference], ["APP-2222222222"])
        await same_answer(filing.application_by_id, scope, [draft.id], [uuid4()])
        await same_answer(
            lambda scope, reference: money.file(scope, reference, registry=registry, actor="x", at=at),
            scope,
            [draft.reference],
            ["APP-2222222222"],
        )
        with pytest.raises(NotFound):
            await filing.update_draft(scope, draft.reference, application, actor="x", at=at)
        assert await filing.search(scope) == []
        assert await proof.search(scope) == []
        assert await proof.of_application(scope, draft.id) is None


async def test_each_scope_sees_its_own(walk, application: Application) -> None:
    draft, approval = await walk.approve(application)
    await walk.run(approval)
    own = [
        PLATFORM,
        Scope.agency(draft.agency_id),
        Scope.offices(draft.agency_id, frozenset({draft.office_id})),
        Scope.exporter(draft.exporter_id),
        Scope.broker(frozenset({draft.exporter_id, uuid4()})),
    ]
    for scope in own:
        assert (await filing.find(scope, draft.reference)).id == draft.id
        assert [each.id for each in await filing.search(scope)] == [draft.id]
        assert [each.application_id for each in await proof.search(scope)] == [draft.id]
        assert await proof.of_application(scope, draft.id) is not None


async def test_people_are_found_within_the_scope_alone(walk, application: Application) -> None:
    draft, _ = await walk.approve(application)
    for scope in strangers():
        assert await exporter_by_iec(scope, application.exporter.iec) is None
        with pytest.raises(Refused):
            await find_office(scope, demo.AGENCY, demo.OFFICE)
        with pytest.raises(Refused):
            await find_officer(scope, demo.OFFICER)
        with pytest.raises(Refused):
            await exporter_user(scope, draft.exporter_id, demo.SIGNATORY)
