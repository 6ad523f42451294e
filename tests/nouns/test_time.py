"""Paper dates are India's, whatever the machine's zone."""

from datetime import UTC, date, datetime

import pytest

from engine.clock import ist_day, utc_text
from engine.proof import SeriesRule


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 12, 31, 18, 29, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 18, 30, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2028, 2, 28, 18, 30, 0, tzinfo=UTC), date(2028, 2, 29)),
    ],
)
def test_the_day_changes_at_midnight_in_india(moment: datetime, day: date) -> None:
    assert ist_day(moment) == day


@pytest.mark.parametrize(
    ("period", "moment", "year"),
    [
        ("calendar", datetime(2026, 12, 31, 18, 29, tzinfo=UTC), 2026),
        ("calendar", datetime(2026, 12, 31, 18, 30, tzinfo=UTC), 2027),
        ("financial", datetime(2027, 3, 31, 18, 29, tzinfo=UTC), 2026),
        ("financial", datetime(2027, 3, 31, 18, 30, tzinfo=UTC), 2027),
        ("financial", datetime(2027, 1, 1, 0, 0, tzinfo=UTC), 2026),
    ],
)
def test_a_series_counts_its_year_in_india(period: str, moment: datetime, year: int) -> None:
    assert SeriesRule("{agency}/{year}/{office}/{serial:07d}{check}", period).year(moment) == year


def test_the_api_writes_utc_ending_in_z() -> None:
    assert utc_text(datetime(2026, 11, 22, 5, 13, 6, 999, tzinfo=UTC)) == "2026-11-22T05:13:06Z"
