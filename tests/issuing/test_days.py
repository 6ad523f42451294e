"""Midnight in India: the printed date is the day of signing, and a number belongs to the year it was taken in."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine import config as configuration
from engine.application import Application
from engine.certificate import CertificateState
from engine.clock import ist_day
from engine.errors import Conflict
from engine.issuing import queue
from engine.issuing.tables import ApprovalRow, SigningJobRow
from engine.jobs import StepOutcome
from engine.proof import SeriesRule, by_approval
from engine.proof.tables import SeriesRow
from engine.store import uow

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("done", ["draw", "intend"])
async def test_a_certificate_that_midnight_overtakes_is_drawn_again_under_its_number(
    walk, application: Application, midnight, paper, tally, done: str
) -> None:
    walk.clock.still = midnight() - SECOND
    _, approval = await walk.approve(application)
    for name in ("number", "draw", "intend"):
        assert await walk.step(name, approval) is StepOutcome.NEXT
        if name == done:
            break
    before = await by_approval(approval)
    assert before.drawn_on == ist_day(walk.clock.now())
    walk.clock.still = midnight() + SECOND
    found = await walk.until_over(approval)
    assert found.issued
    after = found.standing
    assert (after.number, after.code) == (before.number, before.code)
    assert after.drawn_on == ist_day(walk.clock.now()) != before.drawn_on
    printed = await paper(walk, after)
    assert printed.says(after.drawn_on)
    assert ist_day(printed.signed_at) == after.drawn_on
    assert (await tally(walk.site)).issued == 1


async def test_a_run_that_is_resumed_at_its_signature_after_midnight_does_not_sign_yesterdays_paper(
    walk, application: Application, midnight, paper
) -> None:
    walk.clock.still = midnight() - SECOND
    _, approval = await walk.approve(application)
    for name in ("number", "draw", "intend"):
        await walk.step(name, approval)
    walk.clock.still = midnight() + SECOND
    assert await walk.step("sign", approval) is StepOutcome.STOP  # what a job engine does that remembers finished steps
    assert await SigningJobRow.select(SigningJobRow.tries).first() == {"tries": 0}
    row = await ApprovalRow.select(ApprovalRow.wait_until, ApprovalRow.last_problem).first()
    assert row["wait_until"] <= walk.clock.now()
    assert row["last_problem"] == ""
    found = await walk.until_over(approval)
    assert ist_day((await paper(walk, found.standing)).signed_at) == found.standing.drawn_on


async def test_a_signature_made_before_midnight_is_let_out_after_it_as_it_is(walk, application: Application, midnight, paper) -> None:
    walk.clock.still = midnight() - SECOND
    _, approval = await walk.approve(application)
    for name in ("number", "draw", "intend", "sign"):
        assert await walk.step(name, approval) is StepOutcome.NEXT
    walk.clock.still = midnight() + SECOND
    found = await walk.run(approval)
    assert found.issued
    assert ist_day((await paper(walk, found.standing)).signed_at) == found.standing.drawn_on == ist_day(midnight() - SECOND)


async def test_an_officer_who_did_not_act_at_a_shell_confirms_the_new_date_once(walk, application: Application, midnight, tally) -> None:
    walk.clock.still = midnight() - SECOND
    _, approval = await walk.approve(application)
    async with uow():
        await ApprovalRow.update({ApprovalRow.from_shell: False}).where(ApprovalRow.id == approval)
    for name in ("number", "draw"):
        await walk.step(name, approval)
    walk.clock.still = midnight() + SECOND
    held = await walk.run(approval)
    for _ in range(2):
        assert not held.over
        assert "confirm" in held.problem
        await queue.start_again(approval)
        held = await walk.run(approval)
    today = ist_day(walk.clock.now())
    await queue.confirm_day(approval, today, actor="officer:test", at=walk.clock.now())
    found = await walk.until_over(approval)
    assert found.issued
    assert found.standing.drawn_on == today
    await tally(walk.site)
    with pytest.raises(Conflict):
        await queue.confirm_day(approval, today, actor="officer:test", at=walk.clock.now())


@pytest.mark.parametrize(("period", "month", "day"), [("calendar", 1, 1), ("financial", 4, 1)])
async def test_a_number_belongs_to_the_year_of_its_moment_in_india(
    site_config, walking, application: Application, midnight, period: str, month: int, day: int
) -> None:
    config = replace(site_config, issue=replace(site_config.issue, year=period))
    turn = midnight(month, day)
    async with walking(config) as walk:
        walk.clock.still = turn - timedelta(days=2)
        years = []
        for moment in (turn - SECOND, turn + SECOND):
            walk.clock.still = moment - timedelta(hours=1)
            _, approval = await walk.approve(application)
            walk.clock.still = moment
            await walk.step("number", approval)
            years.append((await by_approval(approval)).number)
        first = turn.year - 1
        assert [number.split("/")[1] for number in years] == [str(first), str(first + 1)]
        assert [number.split("/")[3][:7] for number in years] == ["0000001", "0000001"]
        series = await SeriesRow.select(SeriesRow.year, SeriesRow.value, SeriesRow.period).order_by(SeriesRow.year)
        assert series == [{"year": first, "value": 1, "period": period}, {"year": first + 1, "value": 1, "period": period}]


@pytest.fixture(params=["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A machine whose zone is not India's."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_the_zone_of_the_machine_changes_neither_day_nor_year(elsewhere: str) -> None:
    assert os.environ["TZ"] == elsewhere
    last = datetime(2026, 12, 31, 18, 29, 59, tzinfo=UTC)
    assert [ist_day(moment).isoformat() for moment in (last, last + SECOND)] == ["2026-12-31", "2027-01-01"]
    assert [SeriesRule("", "calendar").year(moment) for moment in (last, last + SECOND)] == [2026, 2027]
    march = datetime(2027, 3, 31, 18, 29, 59, tzinfo=UTC)
    assert [SeriesRule("", "financial").year(moment) for moment in (march, march + SECOND)] == [2026, 2027]


async def test_a_certificate_issued_in_another_zone_prints_the_indian_day(
    sites, tmp_path, walking, application: Application, midnight, paper, elsewhere: str
) -> None:
    config = configuration.load(sites.make(tmp_path / "site"), {})
    async with walking(config) as walk:
        walk.clock.still = midnight() + SECOND
        _, approval = await walk.approve(application)
        found = await walk.run(approval)
        assert found.standing.state is CertificateState.ISSUED
        printed = await paper(walk, found.standing)
        assert printed.says(ist_day(midnight()))
        assert ist_day(printed.signed_at) == ist_day(midnight())
