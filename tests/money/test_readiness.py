"""An office that is not ready: the page's words are those that refuse filing and issuing, and each thing that is missing is named."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine import demo
from engine.application import Application
from engine.clock import ist_day
from engine.contracts.form import Form
from engine.errors import NotFound, Refused
from engine.filing import Draft, open_draft, problems_of
from engine.filing.tables import ApplicationRow
from engine.issuing.scrutiny import Decision, preview
from engine.money import file, filed_again, foresee
from engine.money.fees import end_fee, fees_of
from engine.money.gateways.tables import ActivationRow
from engine.money.readiness import Readiness, readiness, readiness_of_all, require_payable
from engine.money.terms.tables import TermsRow
from engine.people import confirm_form, find_office, find_officer, require_may_issue
from engine.people.dsc.tables import Enrolment
from engine.people.offices.keeping import office_by_id, switch_office
from engine.people.offices.needs import office_items
from engine.people.pictures.tables import Appearance, Stamp
from engine.people.tables import Account, Agency, AgencyListing, Office, Officer, OfficerOffice
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import uow
from tests.ready import ready_officer


async def set_rows(table: Any, **values: Any) -> None:
    async with uow():
        await table.update({getattr(table, name): value for name, value in values.items()}, force=True)


@pytest.fixture
async def office_id(walk: Any) -> UUID:
    [row] = await Office.select(Office.id)
    return UUID(str(row["id"]))


@pytest.fixture
async def drafted(walk: Any, application: Application) -> Draft:
    return await open_draft(PLATFORM, application, actor="test", at=walk.clock.now())


async def look(walk: Any, office: UUID, **registry: Any) -> Readiness:
    return await readiness(PLATFORM, office, registry=walk.site.registry, at=walk.clock.now())


async def refusal_of_filing(walk: Any, draft: Draft) -> Refused | None:
    try:
        await file(PLATFORM, draft.reference, registry=walk.site.registry, actor="test", at=walk.clock.now())
    except Refused as refused:
        return refused
    return None


# --- each thing that can be missing ----------------------------------------------------------------


async def no_stamp() -> None:
    async with uow():
        rows = await Stamp.select(Stamp.id, Stamp.made_at)
        for row in rows:
            await Stamp.update({Stamp.ended_at: row["made_at"], Stamp.live_key: str(row["id"])}).where(Stamp.id == row["id"])


async def no_picture() -> None:
    async with uow():
        for row in await Appearance.select(Appearance.id, Appearance.made_at):
            await Appearance.update({Appearance.ended_at: row["made_at"], Appearance.live_key: str(row["id"])}).where(
                Appearance.id == row["id"]
            )


async def no_certificate() -> None:
    async with uow():
        for row in await Enrolment.select(Enrolment.id, Enrolment.enrolled_at):
            await Enrolment.update({Enrolment.ended_at: row["enrolled_at"], Enrolment.live_key: str(row["id"])}).where(
                Enrolment.id == row["id"]
            )


async def expired() -> None:
    async with uow():
        for row in await Enrolment.select(Enrolment.id, Enrolment.not_before_at):
            before = row["not_before_at"] - timedelta(days=800)
            await Enrolment.update({Enrolment.not_before_at: before, Enrolment.not_after_at: before + timedelta(days=400)}).where(
                Enrolment.id == row["id"]
            )


async def unmapped() -> None:
    async with uow():
        for row in await OfficerOffice.select(OfficerOffice.id, OfficerOffice.mapped_at):
            await OfficerOffice.update({OfficerOffice.ended_at: row["mapped_at"], OfficerOffice.live_key: str(row["id"])}).where(
                OfficerOffice.id == row["id"]
            )


MISSING = {
    "address": (lambda: set_rows(Office, address=""), "office_address", "office address", "no address"),
    "PIN code": (lambda: set_rows(Office, pin=""), "office_address", "office address", "no PIN code"),
    "state": (lambda: set_rows(Office, state=""), "office_address", "office address", "no state"),
    "stamp": (no_stamp, "office_stamp", "office stamp", "no stamp"),
    "active officer": (lambda: set_rows(Officer, active=False), "officer_ready", "officer ready", "deactivated"),
    "account": (
        lambda: set_rows(Account, active=False, off_at=datetime(2026, 11, 21, 9, tzinfo=UTC), off_why="test"),
        "officer_ready",
        "officer ready",
        "is closed",
    ),
    "picture": (no_picture, "officer_ready", "officer ready", "no signature picture"),
    "certificate": (no_certificate, "officer_ready", "officer ready", "no digital signature certificate"),
    "valid certificate": (expired, "officer_ready", "officer ready", "not valid today"),
    "mapping": (unmapped, "officer_ready", "officer ready", "No officer is mapped"),
}


async def test_the_demonstration_is_ready_for_both(walk: Any, office_id: UUID, drafted: Draft) -> None:
    found = await look(walk, office_id)
    assert (found.open, found.issues, found.pays) == ((), True, True)
    assert await refusal_of_filing(walk, drafted) is None
    await require_payable(PLATFORM, office_id, registry=walk.site.registry, at=walk.clock.now())


@pytest.mark.parametrize("what", MISSING)
async def test_what_is_missing_is_shown_and_refuses_filing_in_the_same_words(walk: Any, office_id: UUID, drafted: Draft, what: str) -> None:
    spoil, code, rule, words = MISSING[what]
    await spoil()
    found = await look(walk, office_id)
    [item] = found.open
    assert (item.code, found.issues) == (code, False)
    assert words in " ".join((item.say, *item.details))
    assert item.mends
    assert item.path.startswith("/")
    refused = await refusal_of_filing(walk, drafted)
    assert refused is not None
    assert [(each.box, each.rule, each.say) for each in problems_of(refused)] == [("office", rule, item.say)]
    outlook = await foresee(PLATFORM, drafted.application, registry=walk.site.registry, at=walk.clock.now(), draft=drafted)
    assert [each.say for each in outlook.problems] == [item.say]


@pytest.mark.parametrize("what", ["stamp", "picture", "address", "mapping"])
async def test_issuing_is_refused_by_the_same_words(walk: Any, office_id: UUID, what: str) -> None:
    await MISSING[what][0]()
    office, officer = await office_by_id(PLATFORM, office_id), await find_officer(PLATFORM, demo.OFFICER)
    with pytest.raises(Refused) as refused:
        await require_may_issue(officer, office)
    says = [each.say for each in refused.value.problems]
    items = [item.say for item in office_items(office) if not item.done]
    details = [detail for item in (await look(walk, office_id)).issuing for detail in item.details]
    assert says
    assert set(items) <= set(says)
    assert set(says) - set(items) <= {
        *details,
        f"{demo.OFFICER} is not mapped to the office MUM; the agency's administrator maps officers.",
    }


async def test_strangers_learn_no_name_from_a_refusal(walk: Any, drafted: Draft) -> None:
    await no_picture()
    refused = await refusal_of_filing(walk, drafted)
    assert refused is not None
    assert demo.OFFICER not in str([each.say for each in problems_of(refused)])


async def test_one_ready_officer_is_enough_whatever_the_others_lack(walk: Any, office_id: UUID, drafted: Draft) -> None:
    await no_picture()
    [agency] = await Agency.select(Agency.id)
    await ready_officer(agency["id"], office_id, walk.clock.now())
    assert (await look(walk, office_id)).issues
    assert await refusal_of_filing(walk, drafted) is None


async def test_an_office_switched_off_in_the_middle_stops_filing_and_approving(
    walk: Any, office_id: UUID, drafted: Draft, application: Application
) -> None:
    await switch_office(PLATFORM, office_id, on=False, actor="test", at=walk.clock.now())
    refused = await refusal_of_filing(walk, drafted)
    [item] = (await look(walk, office_id)).open
    assert refused is not None
    assert [each.say for each in problems_of(refused)] == [item.say]
    await switch_office(PLATFORM, office_id, on=True, actor="test", at=walk.clock.now())
    assert await refusal_of_filing(walk, drafted) is None
    await switch_office(PLATFORM, office_id, on=False, actor="test", at=walk.clock.now())
    with pytest.raises(Refused, match="switched off"):
        await filed_again(PLATFORM, drafted.reference, registry=walk.site.registry, at=walk.clock.now())
    [row] = await ApplicationRow.select(ApplicationRow.state)
    assert row["state"] == "filed"


async def test_an_approval_meets_the_office_as_it_is_then(walk: Any, office_id: UUID, drafted: Draft) -> None:
    registry, at = walk.site.registry, walk.clock.now()
    filed = await file(PLATFORM, drafted.reference, registry=registry, actor="test", at=at)
    await no_stamp()
    office = await find_office(PLATFORM, demo.AGENCY, demo.OFFICE)
    decision = Decision(filed, office, await find_officer(PLATFORM, demo.OFFICER), None, from_shell=False)
    with pytest.raises(Refused, match="no stamp"):
        await preview(decision, demo=True, at=at)


async def test_a_delisted_agency_is_shown(walk: Any, office_id: UUID) -> None:
    await set_rows(
        AgencyListing, starts_on=(walk.clock.now() - timedelta(days=9)).date(), ends_on=(walk.clock.now() - timedelta(days=2)).date()
    )
    [item] = (await look(walk, office_id)).open
    assert (item.code, item.box) == ("agency_listed", "agency")
    assert "was delisted on" in item.say


# --- forms -----------------------------------------------------------------------------------------


@pytest.fixture
async def live(walk: Any) -> AsyncIterator[Form]:
    """The site as a live one, and a form of it that somebody must confirm."""
    registry = walk.site.registry
    registry.demo = False
    form = registry.form("AIFTA", walk.clock.now().date())
    changed = replace(form, weak=("the wording of box 12",))
    registry._forms["AIFTA"] = (changed,)
    yield changed
    registry.demo = True
    registry._forms["AIFTA"] = (form,)


async def test_a_form_that_nobody_confirmed_is_an_item_of_its_own_and_refuses_its_scheme(
    walk: Any, office_id: UUID, drafted: Draft, live: Form
) -> None:
    items = {item.code: item for item in (await look(walk, office_id)).open}
    assert "form_AIFTA" in items
    assert items["form_AIFTA"].path == "/offices/forms/AIFTA"
    refused = await refusal_of_filing(walk, drafted)
    assert refused is not None
    assert [(each.box, each.say) for each in problems_of(refused)] == [("scheme", items["form_AIFTA"].say)]
    [agency] = await Agency.select(Agency.id)
    await confirm_form(agency["id"], live, actor="test", at=walk.clock.now())
    assert "form_AIFTA" not in {item.code for item in (await look(walk, office_id)).open}
    outlook = await foresee(PLATFORM, drafted.application, registry=walk.site.registry, at=walk.clock.now(), draft=drafted)
    assert "form confirmed" not in [each.rule for each in outlook.warnings]  # nobody is warned of what the agency confirmed
    assert await refusal_of_filing(walk, drafted) is None


async def test_another_version_of_a_confirmed_form_is_to_be_confirmed_again(walk: Any, office_id: UUID, live: Form) -> None:
    [agency] = await Agency.select(Agency.id)
    await confirm_form(agency["id"], live, actor="test", at=walk.clock.now())
    walk.site.registry._forms["AIFTA"] = (replace(live, sha256="f" * 64),)
    assert "form_AIFTA" in {item.code for item in (await look(walk, office_id)).open}


# --- paying ----------------------------------------------------------------------------------------


async def end_rows(table: Any, at: datetime) -> None:
    """Ends what is live of it."""
    async with uow():
        for row in await table.select(table.id).where(table.ended_at.is_null()):
            await table.update({table.live_key: str(row["id"]), table.ended_at: at}).where(table.id == row["id"])


async def test_paying_needs_a_fee_and_a_way_and_guards_no_filing(walk: Any, office_id: UUID, drafted: Draft) -> None:
    at = walk.clock.now()
    [agency] = await Agency.select(Agency.id)
    await set_rows(Office, wallet=False)
    await end_rows(ActivationRow, at)
    await end_rows(TermsRow, at)
    for fee in await fees_of(PLATFORM, agency["id"]):
        await end_fee(PLATFORM, fee.id, max(fee.starts_on, ist_day(at)), actor="test", at=at)
    walk.clock.shift += timedelta(days=1)
    found = await look(walk, office_id)
    assert [item.code for item in found.open] == ["fees_set", "terms", "payment"]
    assert (found.issues, found.pays) == (True, False)
    with pytest.raises(Refused) as refused:
        await require_payable(PLATFORM, office_id, registry=walk.site.registry, at=walk.clock.now())
    assert [each.say for each in refused.value.problems] == [item.say for item in found.open]
    await set_rows(Office, wallet=True)
    assert [item.code for item in (await look(walk, office_id)).open] == ["fees_set", "terms"]
    assert [item.path for item in (await look(walk, office_id)).open][1] == f"/offices/{office_id}/terms"


# --- scopes, and how much is asked -----------------------------------------------------------------


async def test_a_foreign_office_reads_like_none(walk: Any, office_id: UUID) -> None:
    registry, at = walk.site.registry, walk.clock.now()
    for scope in (PUBLIC, Scope.agency(uuid4()), Scope.exporter(uuid4())):
        assert await readiness_of_all(scope, registry=registry, at=at) == []
        says = set()
        for wanted in (office_id, uuid4()):
            for door in (readiness, require_payable):
                with pytest.raises(NotFound) as refused:
                    await door(scope, wanted, registry=registry, at=at)
                says.add((refused.value.code, refused.value.say))
        assert len(says) == 1


async def test_the_list_says_of_each_office_what_its_page_says(walk: Any, office_id: UUID) -> None:
    [agency] = await Agency.select(Agency.id)
    async with uow():
        for code in ("DEL", "CHE"):
            await Office.insert(Office(agency=agency["id"], code=code, name=code, city="A City"))
    found = await readiness_of_all(Scope.agency(agency["id"]), registry=walk.site.registry, at=walk.clock.now())
    assert [each.office.code for each in found] == ["CHE", "DEL", "MUM"]
    for each in found:
        alone = await look(walk, each.office.id)
        assert [(item.code, item.say, item.details) for item in alone.open] == [(item.code, item.say, item.details) for item in each.open]


async def test_filing_asks_one_query_for_all_of_it(walk: Any, drafted: Draft, statements: list[str]) -> None:
    from engine.money import outlook

    office = await find_office(PLATFORM, demo.AGENCY, demo.OFFICE)
    form = walk.site.registry.form("AIFTA", walk.clock.now().date())
    statements.clear()
    await outlook.require_issuable(office, form, demo=True, at=walk.clock.now())
    assert len(statements) == 1


async def test_what_the_agency_may_certify_is_asked_once_for_all_forms(
    walk: Any, office_id: UUID, live: Form, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, on = walk.site.registry, walk.clock.now().date()
    monkeypatch.setattr(registry, "_forms", dict(registry._forms))
    schemes = list(registry._forms)
    assert len(schemes) > 2

    async def asked(doubtful: int) -> int:
        for place, scheme in enumerate(schemes):
            changes = {"unconfirmed": (), "weak": ("the wording of box 12",) if place < doubtful else ()}
            registry._forms[scheme] = tuple(replace(each, **changes) for each in registry._forms[scheme])
        statements.clear()
        found = await readiness(PLATFORM, office_id, registry=registry, at=walk.clock.now())
        assert sum(item.box == "scheme" for item in found.issuing) == sum(bool(form.weak) for form in registry.in_force(on))
        return len(statements)

    assert await asked(len(schemes)) == await asked(1)
