"""In-lieu certificates: one replaces the first, the first reads superseded, and nobody replaces it twice."""

import asyncio
from typing import Any

import msgspec
import pytest

from engine.application import Application, ApplicationState, Kind
from engine.certificate import DEFAULT_PATTERN, CertificateState, format_number
from engine.errors import Conflict, Refused
from engine.filing import find, move, open_draft
from engine.issuing.run import ACTOR
from engine.money import file, release_cover
from engine.money.tables import ReplacementRow
from engine.proof import by_number
from engine.proof import move as move_certificate
from engine.scope import PLATFORM
from engine.store import uow
from engine.store.tables import Announcement


def in_lieu(application: Application, number: str, kind: Kind = Kind.IN_LIEU) -> Application:
    return msgspec.structs.replace(application, kind=kind, replaces=number)


async def issued(walk, application: Application) -> Any:
    _, approval = await walk.approve(application)
    found = await walk.run(approval)
    assert found.issued, found.problem
    return found.standing


async def test_an_in_lieu_certificate_supersedes_the_first_in_one_act(walk, application: Application, tally) -> None:
    first = await issued(walk, application)
    second = await issued(walk, in_lieu(application, first.number))
    before = await by_number(first.number)
    assert (before.state, before.replaced_by) == (CertificateState.SUPERSEDED, second.number)
    assert (await walk.site.verifier.number(first.number)).verdict == "superseded"
    assert (await walk.site.verifier.number(second.number)).verdict == "genuine"
    topics = [row["topic"] for row in await Announcement.select(Announcement.topic).order_by(Announcement.made_at)]
    assert topics.count("coo_certificate_superseded") == 1
    await tally(walk.site)


async def test_a_superseded_certificate_is_not_replaced_again(walk, application: Application) -> None:
    first = await issued(walk, application)
    await issued(walk, in_lieu(application, first.number))
    with pytest.raises(Refused, match="superseded"):
        await walk.approve(in_lieu(application, first.number))


async def test_50_in_lieu_applications_filed_at_once_for_one_number_leave_one(walk, application: Application) -> None:
    first = await issued(walk, application)
    at = walk.clock.now()
    drafts = []
    for _ in range(50):
        drafts.append(await open_draft(PLATFORM, in_lieu(application, first.number), actor="test", at=at))
    answers = await asyncio.gather(
        *(file(PLATFORM, draft.reference, registry=walk.site.registry, actor="test", at=at) for draft in drafts), return_exceptions=True
    )
    assert sum(isinstance(answer, Conflict) for answer in answers) == 49, answers
    states = [(await find(PLATFORM, draft.reference)).state for draft in drafts]
    assert states.count(ApplicationState.FILED) == 1
    assert states.count(ApplicationState.DRAFT) == 49
    assert await ReplacementRow.count() == 1


async def test_an_in_lieu_application_that_ends_lets_another_one_in(walk, application: Application) -> None:
    first = await issued(walk, application)
    at = walk.clock.now()
    one, two = [await open_draft(PLATFORM, in_lieu(application, first.number), actor="test", at=at) for _ in range(2)]
    await file(PLATFORM, one.reference, registry=walk.site.registry, actor="test", at=at)
    with pytest.raises(Conflict) as refused:
        await file(PLATFORM, two.reference, registry=walk.site.registry, actor="test", at=at)
    assert refused.value.code == "replacement_claimed"
    async with uow():
        await move(await find(PLATFORM, one.reference), ApplicationState.REJECTED, actor="test", at=at, frm=(ApplicationState.FILED,))
        await release_cover(one.id, actor="test", at=at)
    await file(PLATFORM, two.reference, registry=walk.site.registry, actor="test", at=at)


async def test_a_queried_in_lieu_application_keeps_its_claim_when_it_is_filed_again(walk, application: Application) -> None:
    first = await issued(walk, application)
    at = walk.clock.now()
    draft = await open_draft(PLATFORM, in_lieu(application, first.number), actor="test", at=at)
    for _ in range(2):
        await file(PLATFORM, draft.reference, registry=walk.site.registry, actor="test", at=at)
        async with uow():
            await move(await find(PLATFORM, draft.reference), ApplicationState.QUERIED, actor="test", at=at, frm=(ApplicationState.FILED,))
    assert await ReplacementRow.count().where(ReplacementRow.ended_at.is_null()) == 1


@pytest.mark.parametrize("after", [None, "sign"])
async def test_what_cannot_be_replaced_any_more_voids_the_number_instead_of_hanging(
    walk, application: Application, after: str | None, tally
) -> None:
    first = await issued(walk, application)
    draft, approval = await walk.approve(in_lieu(application, first.number))
    for name in ("number", "draw", "intend", "sign") if after else ():
        await walk.step(name, approval)
    async with uow():
        await move_certificate(
            await by_number(first.number), CertificateState.CANCELLED, frm=(CertificateState.ISSUED,), actor=ACTOR, at=walk.clock.now()
        )
    found = await walk.run(approval)
    assert found.over
    assert found.standing.state is CertificateState.VOID
    assert "cancelled" in found.standing.void_reason
    assert (await find(PLATFORM, draft.reference)).state is ApplicationState.FILED
    with pytest.raises(Refused, match="cancelled"):
        await walk.approve(draft.reference)


@pytest.mark.parametrize("kind", [Kind.IN_LIEU, Kind.DUPLICATE])
async def test_a_number_that_was_never_issued_is_not_replaced(walk, application: Application, kind: Kind) -> None:
    number = format_number(DEFAULT_PATTERN, agency="EIA", year=2026, office="MUM", serial=99, scheme="AIFTA")
    with pytest.raises(Refused, match="no certificate of this exporter"):
        await walk.approve(in_lieu(application, number, kind))
