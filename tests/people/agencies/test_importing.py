"""The register from a file: all of it or nothing, nothing the second time, and nothing removed by silence."""

from datetime import date

import pytest

from engine.errors import Refused
from engine.people.agencies.importing import import_register, read_register
from engine.people.agencies.registered import agency_record
from engine.people.agencies.tables import Certifies, OfficialAddress
from engine.people.tables import Agency, AgencyListing
from engine.scope import PLATFORM
from engine.store.tables import AuditEntry
from tests.people.conftest import People

FILE = """
[[agencies]]
code = "KCCI"
name = "Konkan Chamber of Commerce and Industry"
domains = ["kcci.example.in"]
addresses = ["Konkan.Chamber@gmail.com"]
listings = [
  { appendix = "2E", starts_on = 2024-08-28, notice = "Public Notice 12/2024-25" },
  { appendix = "2B", starts_on = 2020-01-01, ends_on = 2023-09-01 },
]
certifies = [{ appendix = "2E", scheme = "NP", products = ["0902", "03"], starts_on = 2024-08-28 }]

[[agencies]]
code = "RAMU"
name = "DGFT Regional Authority, Mumbai"
listings = [{ appendix = "RA", starts_on = 2020-01-01 }]
"""


async def load(people: People, text: str) -> tuple[str, ...]:
    return await import_register(read_register(text.encode()), schemes=("NP", "AIFTA"), actor="test", at=people.at)


async def count() -> tuple[int, ...]:
    return tuple([await table.count() for table in (Agency, AgencyListing, Certifies, OfficialAddress)])


async def test_a_file_is_loaded_and_says_what_it_changed(people: People) -> None:
    said = await load(people, FILE)
    assert said == (
        "KCCI: entered as Konkan Chamber of Commerce and Industry",
        "KCCI: listed under 2E from 2024-08-28",
        "KCCI: listed under 2B from 2020-01-01 to 2023-09-01, when it is over",
        "KCCI: certifies NP under 2E from 2024-08-28",
        "KCCI: address konkan.chamber@gmail.com recorded",
        "KCCI: domain kcci.example.in recorded",
        "RAMU: entered as DGFT Regional Authority, Mumbai",
        "RAMU: listed under RA from 2020-01-01",
    )
    [row] = await Agency.select().where(Agency.code == "KCCI")
    record = await agency_record(PLATFORM, row["id"], date(2026, 11, 22))
    assert record.certifies[0].products == ("03", "0902")
    assert {each.appendix: each.state for each in record.listings} == {"2E": "now", "2B": "over"}


async def test_the_same_file_changes_nothing_the_second_time(people: People) -> None:
    await load(people, FILE)
    before, entries = await count(), await AuditEntry.count()
    assert await load(people, FILE) == ()
    assert (await count(), await AuditEntry.count()) == (before, entries)


async def test_what_the_file_is_silent_about_stays(people: People) -> None:
    await load(people, FILE)
    before = await count()
    said = await load(people, '[[agencies]]\ncode = "KCCI"\nname = "Konkan Chamber"\n')
    assert said == ("KCCI: renamed to Konkan Chamber",)
    assert await count() == before


async def test_an_end_is_written_and_never_taken_back(people: People) -> None:
    also = FILE.replace("listings = [\n", 'listings = [\n  { appendix = "RA", starts_on = 2024-01-01 },\n', 1)
    await load(people, also)
    ended = also.replace('starts_on = 2024-08-28, notice = "Public', 'starts_on = 2024-08-28, ends_on = 2026-12-01, notice = "Public')
    assert await load(people, ended) == ("KCCI: listed under 2E from 2024-08-28: ends on 2026-12-01",)
    assert await load(people, ended) == ()
    with pytest.raises(Refused, match="an end is not taken back"):
        await load(people, also)
    with pytest.raises(Refused, match="an end is not taken back"):
        await load(people, ended.replace("2026-12-01", "2027-12-01"))


def eia(*listings: str) -> str:
    return f'[[agencies]]\ncode = "EIA"\nname = "Export Inspection Agency"\nlistings = [{", ".join(listings)}]'


@pytest.mark.parametrize("ends_on", ["2026-11-22", "2026-12-01"])
async def test_a_file_ends_no_last_listing_for_that_is_a_delisting(people: People, ends_on: str) -> None:
    ended = f'{{ appendix = "2B", starts_on = 2026-11-22, ends_on = {ends_on} }}'
    with pytest.raises(Refused, match="EIA: Nothing else lists the agency on that day"):
        await load(people, eia(ended))
    assert await AgencyListing.count().where(AgencyListing.ends_on.is_not_null()) == 0
    follows = f'{{ appendix = "2B", starts_on = {ends_on}, notice = "The next one" }}'
    if ends_on != "2026-11-22":  # on its own first day it would be the same entry
        assert len(await load(people, eia(ended, follows))) == 2


async def test_a_file_enters_what_is_over_and_ends_nothing_in_the_past(people: People) -> None:
    people.later(days=30)
    over = '{ appendix = "2E", starts_on = 2020-01-01, ends_on = 2023-01-01 }'
    assert len(await load(people, eia(over))) == 1
    past = '{ appendix = "2B", starts_on = 2026-11-22, ends_on = 2026-12-01 }'
    with pytest.raises(Refused, match="EIA: An entry ends today or later"):
        await load(people, eia(past, '{ appendix = "RA", starts_on = 2026-11-22 }'))


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ("[[agencies", "cannot be read"),
        ('[[agencies]]\ncode = "kcci"\nname = "x"', "kcci: The code"),
        ('[[agencies]]\ncode = "ZZZ"\nname = ""', "ZZZ: The name"),
        (
            '[[agencies]]\ncode = "ZZZ"\nname = "x"\nlistings = [{ appendix = "2C", starts_on = 2024-01-01 }]',
            "ZZZ: An agency is listed under",
        ),
        ('[[agencies]]\ncode = "ZZZ"\nname = "x"\nlistings = [{ appendix = "2B", starts_on = 2024-02-30 }]', "cannot be read"),
        ('[[agencies]]\ncode = "ZZZ"\nname = "x"\nlistings = [{ appendix = "2B", starts_on = 2024-01-02, ends_on = 2024-01-01 }]', "ZZZ"),
        ('[[agencies]]\ncode = "ZZZ"\nname = "x"\ncertifies = [{ appendix = "2B", scheme = "NOPE", starts_on = 2024-01-02 }]', "NOPE"),
        ('[[agencies]]\ncode = "ZZZ"\nname = "x"\ndomains = ["gmail.com"]', "ZZZ: Anybody can have a mailbox"),
        ('[[agencies]]\ncode = "ZZZ"\nname = "x"\ndomain = "zzz.example"', "domain"),
        ('[[agencies]]\ncode = "KCCI"\nname = "x"', "KCCI twice"),
        ('[[agencies]]\ncode = 3\nname = "x"', "cannot be read"),
    ],
)
async def test_what_is_wrong_anywhere_leaves_nothing_behind(people: People, wrong: str, place: str) -> None:
    before, entries = await count(), await AuditEntry.count()
    with pytest.raises(Refused, match=place):
        await load(people, f"{FILE}\n{wrong}\n")
    assert (await count(), await AuditEntry.count()) == (before, entries)


def test_bytes_that_are_no_text_are_refused() -> None:
    for data in (b"\xff\xfe", b"\0", b"x" * 4_000_001):
        with pytest.raises(Refused):
            read_register(data)
