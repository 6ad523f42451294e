"""Days as forms send them: those that somebody means, each with a day before and after it."""

from datetime import date, timedelta

import pytest

from admin.pages.forms import day_of, require_day
from engine.errors import Refused


@pytest.mark.parametrize("text", ["2026-11-24", " 2026-11-24 ", "2000-01-01", "2100-12-31"])
def test_a_day_is_read(text: str) -> None:
    day = require_day(text, "on")
    assert day == date.fromisoformat(text.strip())
    assert day - timedelta(days=1) < day < day + timedelta(days=1)


@pytest.mark.parametrize(
    "text", ["", "24.11.2026", "2026-02-30", "0001-01-01", "1999-12-31", "2101-01-01", "9999-12-31", "\x00", "२०२६-११-२४"]
)
def test_what_is_no_day_is_refused_beside_its_box(text: str) -> None:
    assert day_of(text) is None
    with pytest.raises(Refused) as told:
        require_day(text, "on")
    assert told.value.box == "on"
