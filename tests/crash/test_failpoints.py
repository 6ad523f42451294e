"""Every named place where a run may be cut off: an exception, a full disk, kill -9. Each certificate ends ISSUED or VOID."""

import errno
from collections.abc import Awaitable, Callable

import pytest

from engine.application import Application
from engine.errors import EngineError
from engine.failpoints import POINTS
from engine.issuing.tables import ApprovalRow, ApprovalState
from engine.site import Site
from tests.clocks import to_the_morning


async def open_approvals() -> list[object]:
    return [row["id"] for row in await ApprovalRow.select(ApprovalRow.id).where(ApprovalRow.state != str(ApprovalState.DONE))]


@pytest.mark.parametrize("act", ["error", "full"])
async def test_a_failure_at_any_point_of_the_corridor_ends_issued(
    walk, application: Application, act: str, monkeypatch: pytest.MonkeyPatch, tally: Callable[[Site], Awaitable[object]], quote
) -> None:
    walk.clock.shift = to_the_morning()
    for point in POINTS:
        monkeypatch.setenv("ECOO_FAIL_AT", f"{point}:{act}")
        if point == "approved":
            with pytest.raises((EngineError, OSError)) as caught:
                await walk.approve(application)
            assert (getattr(caught.value, "errno", None) == errno.ENOSPC) == (act == "full")
            [approval] = await open_approvals()
        else:
            _, approval = await walk.approve(application)
            held = await walk.run(approval)
            assert held.problem or held.over, f"the point {point} was not passed"
            assert held.over == (point == "issued")
        monkeypatch.delenv("ECOO_FAIL_AT")
        assert (await walk.until_over(approval)).issued, point
    counted = await tally(walk.site)
    assert counted.issued == len(POINTS)
    quote(f"R2 {walk.site.database.engine_type} {act} at {len(POINTS)} points: {counted}")
