"""Official addresses: what a recorded address or domain covers, and every way to look like one without being one."""

import pytest

from engine.errors import Conflict, NotFound, Refused
from engine.people.agencies.official import end_address, is_official, normal_address, record_address, require_official
from engine.people.agencies.tables import AddressKind, OfficialAddress
from tests.people.conftest import People

DOMAIN = "eicindia.gov.in"


async def recorded(people: People, *values: str) -> None:
    for value in values:
        kind = AddressKind.ADDRESS if "@" in value else AddressKind.DOMAIN
        await record_address(people.agency_id, kind, value, actor="test", at=people.at)


@pytest.mark.parametrize(
    "email",
    [
        "head@eicindia.gov.in",
        "HEAD@EicIndia.Gov.IN",
        " head@eicindia.gov.in ",
        "head@mumbai.eicindia.gov.in",
        "a.b+c@x.y.eicindia.gov.in",
    ],
)
async def test_a_domain_covers_itself_and_what_is_below_it(people: People, email: str) -> None:
    await recorded(people, DOMAIN)
    assert await is_official(people.agency_id, email)


@pytest.mark.parametrize(
    "email",
    [
        "head@evileicindia.gov.in",
        "head@eicindia.gov.in.evil.example",
        "head@eicindia-gov.in",
        "head@gov.in",
        "head@eicindia.gov.co",
        "eicindia.gov.in@evil.example",
        "head@xn--ecindia-rfg.gov.in",
        "head@e\u0456cindia.gov.in",  # a Cyrillic letter
    ],
)
async def test_what_only_looks_like_the_domain_is_not_of_it(people: People, email: str) -> None:
    await recorded(people, DOMAIN)
    with pytest.raises(Refused) as refused:
        await require_official(people.agency_id, email)
    assert DOMAIN not in refused.value.say


@pytest.mark.parametrize(
    "email",
    [
        "head@evil.example@eicindia.gov.in",
        '"head@evil.example"@eicindia.gov.in',
        "head\r\nBcc: x@evil.example@eicindia.gov.in",
        "head@eicindia.gov.in\u200b",
        "h\u0435ad@eicindia.gov.in",
        "head@[192.0.2.1]",
        "@eicindia.gov.in",
        "head@",
        "head@eicindia..gov.in",
        "head@.eicindia.gov.in",
        "head@eicindia.gov.in.",
        "",
    ],
)
async def test_what_is_no_address_is_never_official(people: People, email: str) -> None:
    await recorded(people, DOMAIN)
    with pytest.raises(Refused):
        await is_official(people.agency_id, email)


async def test_a_domain_of_another_script_is_the_same_in_both_spellings(people: People) -> None:
    await recorded(people, "निर्यात.भारत")
    assert await is_official(people.agency_id, "head@निर्यात.भारत")
    assert await is_official(people.agency_id, "head@" + normal_address(AddressKind.DOMAIN, "निर्यात.भारत"))
    with pytest.raises(Conflict):
        await recorded(people, normal_address(AddressKind.DOMAIN, "निर्यात.भारत"))


async def test_a_single_address_covers_itself_alone(people: People) -> None:
    await recorded(people, "Konkan.Chamber@gmail.com")
    assert await is_official(people.agency_id, "konkan.chamber@GMAIL.com")
    for other in ("konkanchamber@gmail.com", "konkan.chamber+x@gmail.com", "x@gmail.com", "konkan.chamber@gmail.com.evil.example"):
        assert await is_official(people.agency_id, other) is False


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com", "GMAIL.com", "mail.gmail.com", "yahoo.co.in", "in.yahoo.com", "yahoo.fr", "outlook.com", "hotmail.co.uk", "rediffmail.com",
        "proton.me", "zoho.in", "gov.in", "nic.in", "co.in", "in", "com", "localhost", "192.0.2.1", "@", "", "exa mple.in", "-x.in", "x..in", "*.in",
    ],
)  # fmt: skip
async def test_a_domain_that_anybody_shares_is_recorded_for_nobody(people: People, domain: str) -> None:
    with pytest.raises(Refused):
        await record_address(people.agency_id, AddressKind.DOMAIN, domain, actor="test", at=people.at)
    assert await OfficialAddress.count() == 0


async def test_where_nothing_is_recorded_it_is_the_asker_who_says_what_that_means(people: People) -> None:
    assert await is_official(people.agency_id, "head@anywhere.example") is None
    await require_official(people.agency_id, "head@anywhere.example")
    with pytest.raises(Refused, match="No official address is recorded"):
        await require_official(people.agency_id, "head@anywhere.example", none_recorded=False)


async def test_an_ended_address_counts_no_more_and_can_be_recorded_again(people: People) -> None:
    await recorded(people, DOMAIN, "head@konkan.example.in")
    [row] = await OfficialAddress.select().where(OfficialAddress.value == DOMAIN)
    with pytest.raises(NotFound):
        await end_address(row["id"], row["id"], actor="test", at=people.at)
    await end_address(people.agency_id, row["id"], actor="test", at=people.at)
    assert await is_official(people.agency_id, f"head@{DOMAIN}") is False
    with pytest.raises(NotFound):
        await end_address(people.agency_id, row["id"], actor="test", at=people.at)
    await recorded(people, DOMAIN)
    assert await is_official(people.agency_id, f"head@{DOMAIN}")


async def test_what_one_agency_has_recorded_says_nothing_of_another(people: People) -> None:
    from engine.people import add_agency

    other = await add_agency("FIEO", "An Organisation", actor="test", at=people.at)
    await recorded(people, DOMAIN)
    await record_address(other, AddressKind.DOMAIN, "fieo.example.in", actor="test", at=people.at)
    assert await is_official(other, f"head@{DOMAIN}") is False
