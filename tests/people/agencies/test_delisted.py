"""An agency on a whole site: what it may certify is asked at filing, and a delisted one issues nothing while its certificates stay true."""

from datetime import date, timedelta
from typing import Any

import pytest

from engine import demo
from engine.application import Application
from engine.clock import ist_day
from engine.errors import Refused
from engine.filing import open_draft
from engine.money import file
from engine.people import agency_by_code
from engine.people.agencies.register import add_certifies, delist, end_certifies
from engine.scope import PLATFORM


async def eia(walk: Any) -> Any:
    return await agency_by_code(PLATFORM, demo.AGENCY, on=ist_day(walk.clock.now()))


async def delisted(walk: Any) -> None:
    at = walk.clock.now()
    await delist(await eia(walk), ist_day(at), reason="Issued by hand.", box=walk.site.secrets, actor="test", at=at)


async def test_a_delisted_agencys_certificate_stays_genuine_and_no_other_is_issued(walk: Any, application: Application) -> None:
    _, approval = await walk.approve(application)
    issued = await walk.until_over(approval)
    await delisted(walk)
    assert (await walk.site.verifier.number(issued.standing.number)).verdict == "genuine"
    with pytest.raises(Refused, match=r"The agency EIA was delisted on .*; it may not issue\.") as refused:
        await walk.approve(application)
    assert (refused.value.box, refused.value.rule) == ("agency", "agency listed")


async def test_what_was_saved_before_the_delisting_is_not_filed_after_it(walk: Any, application: Application) -> None:
    draft = await open_draft(PLATFORM, application, actor="test", at=walk.clock.now())
    await delisted(walk)
    with pytest.raises(Refused, match="was delisted on"):
        await file(PLATFORM, draft.reference, registry=walk.site.registry, actor="test", at=walk.clock.now())


async def test_a_delisting_to_come_stops_nothing_before_its_day(walk: Any, application: Application) -> None:
    at = walk.clock.now()
    await delist(await eia(walk), ist_day(at) + timedelta(days=30), reason="Over.", box=walk.site.secrets, actor="test", at=at)
    _, approval = await walk.approve(application)
    assert (await walk.until_over(approval)).issued


async def file_it(walk: Any, application: Application) -> Any:
    at = walk.clock.now()
    draft = await open_draft(PLATFORM, application, actor="test", at=at)
    return await file(PLATFORM, draft.reference, registry=walk.site.registry, actor="test", at=at)


async def test_filing_asks_the_register_for_agreement_and_goods(walk: Any, application: Application) -> None:
    agency, at = await eia(walk), walk.clock.now()
    codes = sorted({item.hs for item in application.items})
    since = {"starts_on": date(2024, 8, 19), "actor": "test", "at": at}
    other = await add_certifies(agency, "2B", scheme="SAFTA", **since)
    with pytest.raises(Refused, match="EIA is not recorded as certifying under AIFTA") as refused:
        await open_draft(PLATFORM, application, actor="test", at=at)
    assert refused.value.rule == "agency certifies the agreement"
    some = await add_certifies(agency, "2B", scheme=application.scheme, products=codes[:1], **since)
    with pytest.raises(Refused) as refused:
        await open_draft(PLATFORM, application, actor="test", at=at)
    wrong = {index for index, item in enumerate(application.items) if item.hs != codes[0]}
    assert {problem.box for problem in refused.value.problems} == {f"items[{index}].hs" for index in wrong}
    for entry in (other, some):
        await end_certifies(agency, entry, ist_day(at), actor="test", at=at)
    await add_certifies(agency, "2B", **since)  # everything that is preferential
    await file_it(walk, application)


async def test_an_entry_of_the_other_kind_does_not_let_an_agreement_in_at_filing(walk: Any, application: Application) -> None:
    from engine.people.agencies.register import add_listing

    agency, at = await eia(walk), walk.clock.now()
    await add_listing(agency, "2E", date(2024, 8, 28), actor="test", at=at)
    await add_certifies(agency, "2E", starts_on=date(2024, 8, 28), actor="test", at=at)
    with pytest.raises(Refused, match="not recorded as certifying under AIFTA"):
        await file_it(walk, application)
