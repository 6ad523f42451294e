"""An outage or a halt is waited out: it costs no number, and nothing is let out meanwhile."""

from pathlib import Path
from typing import Any

import pytest

from engine import people
from engine.certificate import CertificateState
from engine.scope import PLATFORM


async def test_a_missing_stamp_file_holds_the_certificate_and_costs_no_number(walk: Any, application: Any) -> None:
    office = await people.find_office(PLATFORM, "EIA", "MUM")
    _, approval = await walk.approve(application)
    stored = Path(walk.site.config.files.url) / "sha256" / office.stamp_sha256[:2] / office.stamp_sha256
    kept = stored.read_bytes()
    stored.unlink()
    held = await walk.run(approval)
    assert held.standing.state is CertificateState.NUMBERED
    assert "file store" in held.problem
    stored.write_bytes(kept)
    done = await walk.until_over(approval)
    assert done.issued
    assert done.standing.number == held.standing.number


@pytest.mark.parametrize("steps", [[], ["number"], ["number", "draw"], ["number", "draw", "intend"], ["number", "draw", "intend", "sign"]])
async def test_a_halted_site_goes_no_step_further(walk: Any, application: Any, steps: list[str]) -> None:
    from dataclasses import replace

    _, approval = await walk.approve(application)
    for step in steps:
        await walk.step(step, approval)
    going, walk.corridor = walk.corridor, replace(walk.corridor, halted=lambda: True)
    held = await walk.run(approval)
    assert "halted" in held.problem
    assert not held.issued
    walk.corridor = going
    assert (await walk.until_over(approval)).issued
