"""Names that certificates print: refused when they are entered where a form has no room for them, and drawn where they were not."""

from datetime import date

import pytest

from engine import registry
from engine.contracts.form import Form
from engine.errors import Refused
from engine.people import add_office
from engine.people.agencies.importing import import_register, read_register
from engine.people.agencies.register import enter_agency, rename_agency
from engine.people.offices.details import OfficeDetails
from engine.people.offices.keeping import change_office
from engine.people.printed_names import agency_problem, office_problem
from engine.people.tables import Agency, Office
from engine.scope import PLATFORM
from engine.store.tables import AuditEntry
from tests.people.conftest import People

LONG = (
    "The Associated Chambers of Commerce, Industry and Agriculture of all the Districts of Greater Konkan, of the Coast behind it "
    "and of the Islands before it"
)
DAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def forms() -> list[Form]:
    return registry.load(None).in_force(DAY)


def room(problem) -> int:
    return int(problem.say.split("first ")[1].split()[0])


def drawn_wrong(forms: list[Form], agency: str, office: str, city: str) -> bool:
    """Whether the sheets themselves complain, as they do when a certificate is drawn."""
    officer = {"officer_name": "x", "officer_designation": "x"}
    values = {"agency_name": agency, "office_name": office, "office_city": city, "certified_place": city, "certified_on": "21 NOV 2026"}
    return any(form.worded_problems({**values, **officer}) for form in forms if "agency" in form.issuer_kinds)


def test_the_tightest_form_decides_and_is_named(forms: list[Form]) -> None:
    problem = agency_problem(LONG, (), forms)
    assert problem is not None
    assert (problem.box, problem.rule) == ("name", "fits the forms")
    tight = [form for form in forms if f"certificate of {form.scheme} " in problem.say]
    assert len(tight) == 1
    assert f"has {len(LONG)} characters" in problem.say
    assert agency_problem(LONG[: room(problem)], (), forms) is None
    assert agency_problem(LONG[: room(problem) + 1], (), tight) is not None
    assert all(room(agency_problem(LONG, (), [form]) or problem) >= room(problem) for form in forms)


@pytest.mark.parametrize("name", ["Regional Office " * 9, "W" * 90, "i" * 260, "w " * 80])
@pytest.mark.parametrize("city", ["Mumbai", "Thiruvananthapuram"])
def test_what_is_let_in_is_drawn_and_what_is_refused_is_not(forms: list[Form], name: str, city: str) -> None:
    agency, name = "Export Inspection Agency", name.strip()
    problem = office_problem(name, city, agency, forms)
    assert (problem is not None) == drawn_wrong(forms, agency, name, city)
    assert problem is not None
    assert not drawn_wrong(forms, agency, name[: room(problem)], city)


def test_a_city_that_is_too_long_is_told_beside_its_own_box(forms: list[Form]) -> None:
    problem = office_problem("Head Office", "Sri Jayawardenepura Kotte and all of the Western Province there, " * 2, "EIA", forms)
    assert problem is not None
    assert problem.box in {"name", "city"}
    city = office_problem("O", "W" * 80, "EIA", forms)
    assert city is not None
    assert city.box == "city"


@pytest.mark.parametrize(
    "agency",
    [
        "Export Inspection Agency",
        "Federation of Indian Chambers of Commerce and Industry",
        "The Federation of Telangana Chambers of Commerce and Industry",
        "Development Commissioner, Visakhapatnam Special Economic Zone",
        "Agricultural and Processed Food Products Export Development Authority",
    ],
)
def test_names_of_everyday_are_let_in(forms: list[Form], agency: str) -> None:
    assert agency_problem(agency, [("Mumbai Regional Office", "Mumbai")], forms) is None
    assert office_problem("Thiruvananthapuram Office", "Thiruvananthapuram", agency, forms) is None


async def test_the_register_takes_no_name_that_a_form_cannot_hold(people: People, forms: list[Form]) -> None:
    doors = (
        enter_agency("LONG", LONG, forms=forms, actor="t", at=people.at),
        rename_agency(people.agency_id, LONG, forms=forms, actor="t", at=people.at),
        import_register(
            read_register(f'[[agencies]]\ncode = "LONG"\nname = "{LONG}"\n'.encode()), schemes=(), forms=forms, actor="t", at=people.at
        ),
    )
    before = await AuditEntry.count()
    for door in doors:
        with pytest.raises(Refused) as refused:
            await door
        assert "there is room for the first" in refused.value.say
        assert (refused.value.box, refused.value.rule) == ("name", "fits the forms")
    assert await Agency.count() == 1
    assert await AuditEntry.count() == before


async def test_a_renamed_agency_fits_beside_the_offices_that_it_has(people: People, forms: list[Form]) -> None:
    """A name may fit alone on a form that counts lines together, and not beside a long office."""
    office = "W" * 24
    await add_office(people.agency_id, "LNG", office, "Mumbai", forms=forms, actor="t", at=people.at)
    wide = next(LONG[:n] for n in range(len(LONG), 0, -1) if agency_problem(LONG[:n], (), forms) is None)
    fits = agency_problem(wide, [(office, "Mumbai")], forms) is None
    assert fits is not drawn_wrong(forms, wide, office, "Mumbai")


async def test_an_offices_name_is_refused_when_it_is_entered_and_an_old_one_keeps_nothing_else_from_changing(
    people: People, forms: list[Form]
) -> None:
    with pytest.raises(Refused) as refused:
        await add_office(people.agency_id, "LNG", LONG, "Mumbai", forms=forms, actor="t", at=people.at)
    assert refused.value.box == "name"
    old = await add_office(people.agency_id, "LNG", LONG, "Mumbai", actor="t", at=people.at)
    details = OfficeDetails("LNG", LONG, "Mumbai", address="1 Nowhere Street")
    await change_office(PLATFORM, old, details, forms=forms, actor="t", at=people.at)
    with pytest.raises(Refused):
        await change_office(PLATFORM, old, OfficeDetails("LNG", LONG + "!", "Mumbai"), forms=forms, actor="t", at=people.at)
    [row] = await Office.select().where(Office.id == old)
    assert (row["name"], row["address"]) == (LONG, "1 Nowhere Street")
