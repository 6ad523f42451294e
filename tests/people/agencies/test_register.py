"""The register of agencies: who is listed when, what each may certify, and what a delisting takes away and what not."""

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from engine.clock import ist_day
from engine.errors import Conflict, NotFound, Refused
from engine.mail.tables import LetterRow
from engine.people import agency_by_code, find_office, may_certify
from engine.people.access import roles_of
from engine.people.agencies.register import (
    add_certifies,
    add_listing,
    delist,
    end_certifies,
    end_listing,
    enter_agency,
    rename_agency,
)
from engine.people.agencies.registered import agencies_to_choose, agency_record, search_agencies
from engine.people.tables import Agency, AgencyListing
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.people.conftest import People

TODAY = date(2026, 11, 22)
REASON = "Certificates were issued by hand."


async def entered(people: People, code: str = "FIEO", name: str = "An Organisation", *, listed: bool = True) -> UUID:
    agency = await enter_agency(code, name, actor="test", at=people.at)
    if listed:
        await add_listing(agency, "2E", TODAY - timedelta(days=30), actor="test", at=people.at)
    return agency


# --- listings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["", "E", "eia", "1EI", "EIA/2", "É2", "A" * 13, "EIA "])
async def test_a_code_that_no_number_can_begin_with_is_refused(people: People, code: str) -> None:
    with pytest.raises(Refused) as refused:
        await enter_agency(code, "An Agency", actor="test", at=people.at)
    assert refused.value.box == "code"
    assert await Agency.count() == 1


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "two\nlines", "turned \u202e round", "no\u200bspace"])
async def test_a_name_that_hides_something_is_refused(people: People, name: str) -> None:
    with pytest.raises(Refused) as refused:
        await enter_agency("FIEO", name, actor="test", at=people.at)
    assert refused.value.box == "name"
    with pytest.raises(Refused):
        await rename_agency(people.agency_id, name, actor="test", at=people.at)


async def test_a_known_code_is_not_entered_again(people: People) -> None:
    with pytest.raises(Conflict):
        await enter_agency("EIA", "Another", actor="test", at=people.at)


async def test_listings_under_one_appendix_do_not_overlap_and_under_two_they_may(people: People) -> None:
    agency = await entered(people)
    for starts_on, ends_on in ((TODAY, None), (TODAY - timedelta(days=60), TODAY), (TODAY - timedelta(days=30), None)):
        with pytest.raises(Conflict):
            await add_listing(agency, "2E", starts_on, ends_on=ends_on, actor="test", at=people.at)
    await add_listing(agency, "2B", TODAY, actor="test", at=people.at)
    await add_listing(agency, "2E", date(2020, 1, 1), ends_on=TODAY - timedelta(days=30), actor="test", at=people.at)
    assert await AgencyListing.count().where(AgencyListing.agency == agency) == 3


async def test_an_entry_does_not_end_before_it_starts_and_not_twice(people: People) -> None:
    agency = await entered(people)
    [row] = await AgencyListing.select().where(AgencyListing.agency == agency)
    with pytest.raises(Refused):
        await end_listing(agency, row["id"], TODAY - timedelta(days=31), actor="test", at=people.at)
    await add_listing(agency, "2B", TODAY, actor="test", at=people.at)
    await end_listing(agency, row["id"], TODAY, actor="test", at=people.at)
    with pytest.raises(Conflict):
        await end_listing(agency, row["id"], TODAY + timedelta(days=1), actor="test", at=people.at)
    with pytest.raises(NotFound):
        await end_listing(people.agency_id, row["id"], TODAY, actor="test", at=people.at)
    with pytest.raises(NotFound):
        await end_listing(uuid4(), row["id"], TODAY, actor="test", at=people.at)


@pytest.mark.parametrize("days", [1, 10, 29])
async def test_nothing_ends_on_a_day_that_is_over(people: People, days: int) -> None:
    agency = await entered(people)
    await add_listing(agency, "2B", TODAY - timedelta(days=60), actor="test", at=people.at)
    [row] = await AgencyListing.select().where(AgencyListing.agency == agency, AgencyListing.appendix == "2E")
    entry = await add_certifies(agency, "2E", starts_on=TODAY - timedelta(days=30), actor="test", at=people.at)
    for end, id in ((end_listing, row["id"]), (end_certifies, entry)):
        with pytest.raises(Refused) as refused:
            await end(agency, id, TODAY - timedelta(days=days), actor="test", at=people.at)
        assert refused.value.rule == "today or later"


async def test_the_last_listing_ends_by_delisting_alone(people: People) -> None:
    agency = await entered(people)
    [row] = await AgencyListing.select().where(AgencyListing.agency == agency)
    await add_listing(agency, "2B", TODAY + timedelta(days=5), actor="test", at=people.at)
    for day in (TODAY, TODAY + timedelta(days=4)):
        with pytest.raises(Refused, match="Use Delist") as refused:
            await end_listing(agency, row["id"], day, actor="test", at=people.at)
        assert refused.value.rule == "last listing by delisting"
    [row] = await AgencyListing.select().where(AgencyListing.id == row["id"])
    assert row["ends_on"] is None
    await end_listing(agency, row["id"], TODAY + timedelta(days=5), actor="test", at=people.at)


async def test_an_address_that_takes_no_letter_stops_no_delisting(people: People) -> None:
    for email in ("a.@eia.example.in", "head@eia.example.in"):
        await people.administrator(await people.person(email))
    await delist(people.agency_id, TODAY, reason=REASON, box=people.box, actor="test", at=people.at)
    assert await AgencyListing.count().where(AgencyListing.agency == people.agency_id, AgencyListing.ends_on.is_null()) == 0
    assert await LetterRow.count().where(LetterRow.purpose == "delisted") == 1


async def test_an_agency_is_found_from_its_first_day_to_the_one_before_its_end(people: People) -> None:
    agency = await enter_agency("FIEO", "An Organisation", actor="test", at=people.at)
    with pytest.raises(Refused, match="FIEO is not listed"):
        await agency_by_code(PLATFORM, "FIEO", on=TODAY)
    await add_listing(agency, "2E", TODAY, ends_on=TODAY + timedelta(days=10), actor="test", at=people.at)
    for day, said in ((TODAY - timedelta(days=1), "listed only from 2026-11-22"), (TODAY + timedelta(days=10), "delisted on 2026-12-02")):
        with pytest.raises(Refused, match=said):
            await agency_by_code(PLATFORM, "FIEO", on=day)
    assert await agency_by_code(PLATFORM, "FIEO", on=TODAY) == agency
    assert await agency_by_code(PLATFORM, "FIEO", on=TODAY + timedelta(days=9)) == agency
    with pytest.raises(Refused):  # whoever names no day gets no agency whose end is known
        await agency_by_code(PLATFORM, "FIEO")


async def test_a_gap_between_two_listings_is_a_gap(people: People) -> None:
    agency = await entered(people, listed=False)
    await add_listing(agency, "2E", TODAY, ends_on=TODAY + timedelta(days=2), actor="test", at=people.at)
    await add_listing(agency, "2B", TODAY + timedelta(days=4), actor="test", at=people.at)
    listed = [day for day in range(7) if agency in {each.id for each in await agencies_to_choose(TODAY + timedelta(days=day))}]
    assert listed == [0, 1, 4, 5, 6]


# --- delisting ------------------------------------------------------------------------------------


async def test_a_delisting_in_force_signs_the_agencys_people_out_and_takes_their_roles(people: People) -> None:
    officer = await people.officer()
    head = await people.person("head@eia.example.in", factor=True)
    await people.administrator(head)
    clerk = await people.exporter_user("clerk@firm.example.in", "see")
    tokens = [await people.whole(email, id) for email, id in (("officer@eia.example.in", officer), ("head@eia.example.in", head))]
    elsewhere = await people.whole("clerk@firm.example.in", clerk)
    await delist(people.agency_id, TODAY, reason=REASON, box=people.box, actor="test", at=people.at)
    assert [await people.resume(token) for token in tokens] == [None, None]
    assert await people.resume(elsewhere) is not None
    assert await roles_of(officer, people.at) == ()
    assert await roles_of(head, people.at) == ()
    with pytest.raises(Refused, match="delisted on 2026-11-22; it may not issue"):
        await find_office(PLATFORM, "EIA", "MUM", on=TODAY)
    with pytest.raises(Refused):
        await find_office(PLATFORM, "EIA", "MUM")


async def test_a_delisting_to_come_leaves_everything_until_its_day_in_india(people: People) -> None:
    officer = await people.officer()
    token = await people.whole("officer@eia.example.in", officer)
    await delist(people.agency_id, TODAY + timedelta(days=1), reason=REASON, box=people.box, actor="test", at=people.at)
    assert (await people.here(token)).role is not None
    people.later(hours=13, minutes=59)  # 23:59 in India
    assert ist_day(people.at) == TODAY
    assert len(await roles_of(officer, people.at)) == 1
    await find_office(PLATFORM, "EIA", "MUM", on=ist_day(people.at))
    people.later(minutes=1)
    assert await roles_of(officer, people.at) == ()
    with pytest.raises(Refused):
        await find_office(PLATFORM, "EIA", "MUM", on=ist_day(people.at))


async def test_a_person_keeps_what_they_are_in_another_agency(people: People) -> None:
    head = await people.person("head@eia.example.in")
    await people.administrator(head)
    other = await entered(people)
    from engine.people import appoint_administrator

    await appoint_administrator(other, email="head@eia.example.in", name="A Person", actor="test", at=people.at)
    await delist(people.agency_id, TODAY, reason=REASON, box=people.box, actor="test", at=people.at)
    assert [role.agency_id for role in await roles_of(head, people.at)] == [other]


@pytest.mark.parametrize(("day", "reason", "box"), [(TODAY - timedelta(days=1), REASON, "delisted_on"), (TODAY, " ", "reason")])
async def test_a_delisting_needs_a_day_to_come_and_a_reason(people: People, day: date, reason: str, box: str) -> None:
    with pytest.raises(Refused) as refused:
        await delist(people.agency_id, day, reason=reason, box=people.box, actor="test", at=people.at)
    assert refused.value.box == box
    assert await AgencyListing.count().where(AgencyListing.ends_on.is_null()) == 1


async def test_an_agency_is_delisted_once_and_every_listing_ends(people: People) -> None:
    await add_listing(people.agency_id, "2E", TODAY + timedelta(days=5), actor="test", at=people.at)
    await delist(people.agency_id, TODAY, reason=REASON, box=people.box, actor="account:x", at=people.at)
    rows = await AgencyListing.select().where(AgencyListing.agency == people.agency_id).order_by(AgencyListing.starts_on)
    assert [row["ends_on"] for row in rows] == [TODAY, TODAY + timedelta(days=5)]
    assert {row["reason"] for row in rows} == {REASON}
    assert agency_free_of(await AuditEntry.select(), REASON)
    with pytest.raises(Conflict):
        await delist(people.agency_id, TODAY, reason=REASON, box=people.box, actor="test", at=people.at)


def agency_free_of(entries: list[dict[str, object]], words: str) -> bool:
    return not any(words in str(entry) for entry in entries)


# --- what an agency may certify -------------------------------------------------------------------


async def test_an_agency_of_which_nothing_is_recorded_certifies_everything(people: People) -> None:
    found = await may_certify(people.agency_id, "AIFTA", ["090111"], TODAY, preferential=True)
    assert (found.agreement, found.outside) == (True, ())


async def test_an_entry_lets_in_what_it_names_and_nothing_else(people: People) -> None:
    await add_certifies(people.agency_id, "2B", scheme="AIFTA", products=["09.01", "03"], starts_on=TODAY, actor="test", at=people.at)
    codes = ["090111", "030617", "0902", "900110", "09"]
    found = await may_certify(people.agency_id, "AIFTA", codes, TODAY, preferential=True)
    assert (found.agreement, found.outside) == (True, ("0902", "900110", "09"))
    assert not (await may_certify(people.agency_id, "SAFTA", codes, TODAY, preferential=True)).agreement
    assert not (await may_certify(people.agency_id, "AIFTA", codes, TODAY - timedelta(days=1))).agreement


async def test_two_entries_together_let_in_what_each_names(people: People) -> None:
    for product in ("09", "03"):
        await add_certifies(people.agency_id, "2B", scheme="AIFTA", products=[product], starts_on=TODAY, actor="test", at=people.at)
    assert (await may_certify(people.agency_id, "AIFTA", ["0901", "0301"], TODAY)).outside == ()


@pytest.mark.parametrize(("appendix", "kinds"), [("2B", {True}), ("2E", {False}), ("RA", {True, False})])
async def test_an_entry_without_an_agreement_is_for_its_appendixs_kind(people: People, appendix: str, kinds: set[bool]) -> None:
    if appendix != "2B":
        await add_listing(people.agency_id, appendix, TODAY, actor="test", at=people.at)
    await add_certifies(people.agency_id, appendix, starts_on=TODAY, actor="test", at=people.at)
    found = {kind for kind in (True, False) if (await may_certify(people.agency_id, "X", [], TODAY, preferential=kind)).agreement}
    assert found == kinds
    assert (await may_certify(people.agency_id, "X", [], TODAY)).agreement, "where the kind is not known yet, either will do"


async def test_an_entry_counts_only_while_the_agency_is_listed_under_its_appendix(people: People) -> None:
    await add_certifies(people.agency_id, "2E", scheme="NP", starts_on=TODAY, actor="test", at=people.at)
    assert not (await may_certify(people.agency_id, "NP", [], TODAY)).agreement
    await add_listing(people.agency_id, "2E", TODAY, actor="test", at=people.at)
    assert (await may_certify(people.agency_id, "NP", [], TODAY)).agreement


async def test_after_its_only_entry_ended_an_agency_certifies_nothing(people: People) -> None:
    entry = await add_certifies(people.agency_id, "2B", scheme="AIFTA", starts_on=TODAY, actor="test", at=people.at)
    await end_certifies(people.agency_id, entry, TODAY + timedelta(days=1), actor="test", at=people.at)
    assert (await may_certify(people.agency_id, "AIFTA", [], TODAY)).agreement
    assert not (await may_certify(people.agency_id, "AIFTA", [], TODAY + timedelta(days=1))).agreement


@pytest.mark.parametrize("products", [["9"], ["abc"], ["09 01"], ["٠٩"], ["0" * 11], [""]])
async def test_what_is_no_hs_code_is_refused(people: People, products: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        await add_certifies(people.agency_id, "2B", products=products, starts_on=TODAY, actor="test", at=people.at)
    assert refused.value.box == "products"


async def test_the_same_entry_is_not_written_twice(people: People) -> None:
    for products in (["03", "09"], ["09", "03", "03"]):
        adding = add_certifies(people.agency_id, "2B", scheme="AIFTA", products=products, starts_on=TODAY, actor="test", at=people.at)
        if products[0] == "03":
            await adding
        else:
            with pytest.raises(Conflict):
                await adding


# --- reading --------------------------------------------------------------------------------------


async def test_the_desks_search_takes_signs_of_sql_for_themselves(people: People) -> None:
    await entered(people, "PCT", "100% Cotton Council")
    await entered(people, "UND", "Under_score Chamber")
    await entered(people, "ECC", "Chambre d'Économie")

    async def found(words: str) -> list[str]:
        rows, count = await search_agencies(PLATFORM, words, TODAY)
        assert count == len(rows)
        return [row.code for row in rows]

    assert await found("%") == ["PCT"]
    assert await found("_") == ["UND"]
    assert await found("économie d'") == ["ECC"]
    assert await found("COTTON 100%") == ["PCT"]
    assert await found("'; DROP TABLE agency; --") == []
    assert len(await found("")) == 4


async def test_the_register_is_read_a_page_at_a_time(people: People) -> None:
    async with uow():
        for number in range(124):
            agency = Agency(code=f"AG{number:03d}", name=f"Agency {number:03d}")
            await Agency.insert(agency)
    pages = [await search_agencies(PLATFORM, "", TODAY, page=page) for page in (1, 2, 3, 4)]
    assert [len(rows) for rows, _ in pages] == [50, 50, 25, 0]
    assert {count for _, count in pages} == {125}
    names = [row.name for rows, _ in pages for row in rows]
    assert names == sorted(names, key=str.casefold)


async def test_only_the_desk_reads_the_register(people: People) -> None:
    for scope in (PUBLIC, Scope.agency(people.agency_id), Scope.exporter(uuid4())):
        assert await search_agencies(scope, "", TODAY) == ((), 0)
        with pytest.raises(NotFound):
            await agency_record(scope, people.agency_id, TODAY)
    with pytest.raises(NotFound):
        await agency_record(PLATFORM, uuid4(), TODAY)


async def test_a_record_says_what_is_over_what_is_now_and_what_comes(people: People) -> None:
    await add_listing(people.agency_id, "2E", TODAY + timedelta(days=1), actor="test", at=people.at)
    await add_listing(people.agency_id, "RA", date(2020, 1, 1), ends_on=date(2021, 1, 1), actor="test", at=people.at)
    record = await agency_record(PLATFORM, people.agency_id, TODAY)
    assert {each.appendix: each.state for each in record.listings} == {"2B": "now", "2E": "coming", "RA": "over"}
    assert record.listed
    assert record.ends_on is None
