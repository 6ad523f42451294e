"""Every read says who is asking, and what belongs to somebody else reads like what does not exist."""

import importlib
import inspect
import re
from uuid import uuid4

import pytest

from engine import demo, filing, money, proof
from engine.application import Application
from engine.errors import NotFound, Refused
from engine.people import exporter_by_iec, exporter_user, find_office, find_officer
from engine.scope import PLATFORM, PUBLIC, Scope

SUBROOMS = {
    "accounts": ("closing", "reading"),
    "agencies": ("certifying", "official", "register", "registered"),
    "joining": ("deciding", "registering", "replacing"),
    "offices": ("details", "holidays", "keeping", "needs"),
    "staff": ("activating", "administering", "desk", "roster"),
}
ROOMS = (
    "people",
    "people.pictures",
    *(f"people.{room}.{module}" for room, modules in SUBROOMS.items() for module in modules),
    "people.firms",
    "filing",
    "filing.sheets",
    "money",
    "money.fees",
    "money.gateways",
    "money.orders",
    "money.paying",
    "money.ledger",
    "money.receipts",
    "money.settling",
    "money.terms",
    "proof",
    "issuing",
)

WITHOUT_SCOPE = {
    "people.pictures.apply_picture": "the effect of a change, which names officer and agency together",
    "people.pictures.apply_stamp": "the effect of a change, which names office and agency together",
    "people.pictures.draft_of": "the person's own, of a bearer that a scope found",
    "people.pictures.drop_old_drafts": "for the sweep, which serves the whole site",
    "people.pictures.hand_of_user": "of a user whom a scope found",
    "people.pictures.live_version": "of a bearer that a scope found",
    "people.pictures.put_version": "writes, for a bearer that a scope or a change found",
    "people.pictures.version_of": "of a bearer that a scope found",
    "people.pictures.versions_of": "of a bearer that a scope found",
    "people.add_office": "writes, for the agency that a person's role or the maker of a site names",
    "people.account_of": "for who makes a site, before anybody can sign in",
    "people.enrolled": "by the row's id, which only an approval or an enrolment of the caller's own gives",
    "people.keys_of": "of the party that a person's role gave",
    "people.live_enrolment": "of an officer or user whom a scope found",
    "people.agencies.certifying.recorded": "of the agency of an office that a scope or filing found; the register is public",
    "people.offices.needs.signing_at": "of an agency and office that a scope found",
    "people.agencies.official.which_official": "answers yes or no, and tells no recorded address",
    "people.agencies.register.add_certifies": "for the desk's pages and the shell; writes",
    "people.agencies.register.add_listing": "for the desk's pages and the shell; writes",
    "people.agencies.register.delist": "for the desk's pages; writes",
    "people.agencies.register.end_certifies": "for the desk's pages and the shell; writes",
    "people.agencies.register.end_listing": "for the desk's pages and the shell; writes",
    "people.agencies.registered.agencies_to_choose": "the register is public",
    "people.agencies.registered.offices_to_choose": "the register is public",
    "people.agencies.register.rename_agency": "for the desk's pages and the shell; writes",
    "people.joining.deciding.require_another": "answers whether the address is the caller's own, and nothing else",
    "people.joining.registering.behind_link": "of the mailed link, which is the right to see it",
    "people.joining.registering.expire_requests": "for the sweep, which serves the whole site",
    "people.joining.registering.prove_request": "of the mailed link, which is the right to confirm it",
    "people.joining.registering.withdraw_request": "of the mailed link, which is the right to take it back",
    "people.firms.broker_here": "of the broker's person whose role it is: the row that gives the role names the firm",
    "people.firms.members_of": "likewise",
    "people.firms.add_member": "of the broker's person who manages the firm",
    "people.firms.rights_granted": "of a broker whom a key or a person's role names",
    "people.staff.desk.hold_desk": "keeps a row, and tells nothing of it",
    "people.names_of": "of ids that stand in what a scope found",
    "people.persons_called": "for narrowing a search that a scope narrows too; who is found is told to nobody",
    "people.revoke_key": "of the party that a person's role gave",
    "people.register_exporter": "writes, and gives back what it wrote",
    "people.why_not_officer": "of the officer and office that an approval names",
    "people.signatories_of": "for a signer's own process, which serves the whole site",
    "money.gateways.apply_parameters": "of a confirmed change, within that change's own agency",
    "money.cover_of": "of a draft that a scope found",
    "money.orders.attempt_by_reference": "for callbacks, which prove themselves by their signature",
    "money.orders.attempt_by_token": "for callbacks: the token is the right to come back",
    "money.orders.attempts_of": "of an order that a scope found",
    "money.orders.expire_due": "for the sweep, which serves the whole site",
    "money.orders.lines_of": "of an order that a scope found",
    "money.orders.moves_of": "of an attempt that a scope found",
    "money.receipts.parts_going_back": "of a refund that a deed holds",
    "money.settling.chase_settlements": "for the sweep, which serves the whole site",
    "money.settling.check_clearing": "its scope may be None: the nightly look is at every office",
    "money.settling.check_covers": "for the nightly look, which is at every office",
    "money.paying.tell_refunds": "for the sweep, which serves the whole site",
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
        if inspect.iscoroutinefunction(door) and re.search(r"\.(?:select|raw)\(", inspect.getsource(door)):
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
