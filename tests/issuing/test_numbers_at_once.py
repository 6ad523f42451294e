"""Many hands at one series: numbers are unique and without gaps, whoever gives up half-way."""

import asyncio
import os
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from engine import demo
from engine.application import Application, IssuerKind
from engine.clock import ist_day
from engine.errors import Conflict
from engine.filing import open_draft, require_office
from engine.issuing import scrutiny
from engine.issuing.tables import ApprovalRow
from engine.money import file, filed_again, waive
from engine.people import find_officer
from engine.proof import Numbered, SeriesRule, take_number
from engine.proof.tables import CertificateEventRow, CertificateRow, SeriesRow
from engine.scope import PLATFORM
from engine.store import uow
from engine.store.tables import AuditEntry

TAKERS = 200
ROUNDS = 200 if os.environ.get("ECOO_PROVE") == "1" else 1
RULE = SeriesRule("{agency}/{year}/{office}/{serial:07d}{check}", "calendar")
AT = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


class GivenUp(Exception):
    """What a taker raises in its unit of work."""


async def spent_approval(walk, application: Application) -> ApprovalRow:
    """An approval's row, so that a number can be taken for it."""
    _, approval = await walk.approve(application)
    row = await ApprovalRow.select().where(ApprovalRow.id == approval).first()
    assert row is not None
    return dict(row)


def wish(row, application_id: UUID, approval_id: UUID) -> Numbered:
    return Numbered(
        approval_id=approval_id,
        application_id=application_id,
        issuer_kind=IssuerKind.AGENCY,
        agency_id=row["agency"],
        office_id=row["office"],
        exporter_id=row["exporter"],
        agency_code="EIA",
        office_code="MUM",
        scheme="AIFTA",
        form_sha256="0" * 64,
        kind="ordinary",
        content_sha256="0" * 64,
        shown={},
    )


async def copies(row, application: Application, count: int) -> list[tuple[UUID, UUID]]:
    """`count` applications with an approval each, as plain rows."""
    made = []
    async with uow():
        for _ in range(count):
            draft = await open_draft(PLATFORM, application, actor="test", at=AT)
            approval = ApprovalRow(**{**row, "id": uuid4(), "application": draft.id})
            await ApprovalRow.insert(approval)
            made.append((draft.id, approval.id))
    return made


@pytest.mark.timeout(7200 if ROUNDS > 1 else 120)
async def test_200_takers_of_whom_every_tenth_gives_up_leave_no_gap_and_no_double(walk, application: Application, quote) -> None:
    row = await spent_approval(walk, application)
    for turn in range(ROUNDS):
        pairs = await copies(row, application, TAKERS)

        async def take(index: int, pair: tuple[UUID, UUID]) -> str:
            async with uow():
                standing = await take_number(wish(row, *pair), RULE, actor="test", at=AT)
                if index % 10 == 9:
                    raise GivenUp
            return standing.number

        answers = await asyncio.gather(*(take(index, pair) for index, pair in enumerate(pairs)), return_exceptions=True)
        kept = [answer for answer in answers if isinstance(answer, str)]
        assert len(kept) == TAKERS * 9 // 10
        assert all(isinstance(answer, str | GivenUp) for answer in answers)
        series = await SeriesRow.select(SeriesRow.value).first()
        serials = [each["serial"] for each in await CertificateRow.select(CertificateRow.serial).order_by(CertificateRow.serial)]
        assert serials == list(range(1, len(kept) * (turn + 1) + 1))
        assert series == {"value": len(serials)}
    numbers = [each["number"] for each in await CertificateRow.select(CertificateRow.number)]
    assert len(set(numbers)) == len(numbers)
    assert await CertificateEventRow.count() == len(numbers)
    assert await AuditEntry.count().where(AuditEntry.act == "number_taken") == len(numbers)
    quote(f"R3 {walk.site.database.engine_type} {ROUNDS} x {TAKERS} takers, 10 % gave up: {len(numbers)} numbers, 0 double, 0 gaps")


async def test_an_approval_that_has_its_number_gets_that_one_again(walk, application: Application) -> None:
    row = await spent_approval(walk, application)
    [pair] = await copies(row, application, 1)
    numbers = []
    for _ in range(2):
        async with uow():
            numbers.append((await take_number(wish(row, *pair), RULE, actor="test", at=AT)).number)
    assert numbers[0] == numbers[1]


async def test_50_hands_that_take_a_number_for_one_approval_get_one(walk, application: Application) -> None:
    row = await spent_approval(walk, application)
    [pair] = await copies(row, application, 1)

    async def take() -> str:
        async with uow():
            return (await take_number(wish(row, *pair), RULE, actor="test", at=AT)).number

    answers = await asyncio.gather(*(take() for _ in range(50)), return_exceptions=True)
    assert all(isinstance(answer, str | Conflict) for answer in answers), answers
    assert len({answer for answer in answers if isinstance(answer, str)}) == 1
    assert await CertificateRow.count() == 1
    assert await SeriesRow.select(SeriesRow.value).first() == {"value": 1}


@pytest.mark.parametrize("hands", [50])
async def test_50_hands_that_approve_one_application_approve_it_once(walk, application: Application, hands: int) -> None:
    decision, actor = await decided(walk, application)
    frozen = await scrutiny.preview(decision, demo=True, at=walk.clock.now())
    answers = await asyncio.gather(
        *(scrutiny.approve(decision, frozen, actor=actor, clock=walk.clock) for _ in range(hands)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, Conflict)]
    approved = [answer for answer in answers if isinstance(answer, scrutiny.Approval)]
    assert (len(approved), len(refused)) == (1, hands - 1)
    assert await ApprovalRow.count() == 1


async def test_50_runs_of_one_approval_issue_one_certificate(walk, application: Application, tally) -> None:
    _, approval = await walk.approve(application)
    await walk.step("number", approval)
    await walk.step("draw", approval)
    await walk.step("intend", approval)
    await asyncio.gather(*(walk.run(approval) for _ in range(50)))
    assert (await walk.until_over(approval)).issued
    found = await tally(walk.site)
    assert found.issued == 1


async def decided(walk, application: Application):
    """A filed and waived application with the officer's decision on it, as a page would have it."""
    at = walk.clock.now()
    draft = await open_draft(PLATFORM, application, actor="test", at=at)
    await file(PLATFORM, draft.reference, registry=walk.site.registry, actor="test", at=at)
    filed = await filed_again(PLATFORM, draft.reference, registry=walk.site.registry, at=at)
    await waive(filed.draft, by="test", reason="a test", at=at)
    officer = await find_officer(PLATFORM, demo.OFFICER)
    return scrutiny.Decision(filed, await require_office(application, on=ist_day(at)), officer, None, from_shell=False), officer.actor
