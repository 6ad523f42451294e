"""Moments of the Indian calendar, and what a printed certificate says about its day."""

import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pypdfium2 as pdfium
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from engine.clock import IST, ist_day
from engine.filing import paper_date
from engine.proof import files_of


@dataclass(frozen=True)
class Paper:
    """An issued file: its text, and the moment its signature claims."""

    text: str
    signed_at: datetime

    def says(self, day: date) -> bool:
        return paper_date(day) in self.text


@pytest.fixture
def paper() -> Callable[[Any, Any], Awaitable[Paper]]:
    """Reads the electronic file of a certificate."""

    async def read(walk: Any, standing: Any) -> Paper:
        newest = next(row for row in await files_of(standing) if row["kind"] == "electronic")
        data = await walk.site.files.get(newest["file_sha256"])
        document = pdfium.PdfDocument(data)
        text = "\n".join(page.get_textpage().get_text_range() for page in document)
        document.close()
        [signature] = PdfFileReader(io.BytesIO(data)).embedded_signatures
        assert signature.self_reported_timestamp is not None
        return Paper(text, signature.self_reported_timestamp)

    return read


def next_midnight(month: int | None = None, day: int = 1) -> datetime:
    """The next midnight in India, or the next one that begins that day of that month; some days from now at least."""
    today = ist_day(datetime.now(UTC))
    wanted = today + timedelta(days=1)
    while month is not None and (wanted.month, wanted.day) != (month, day):
        wanted += timedelta(days=1)
    return datetime(wanted.year, wanted.month, wanted.day, tzinfo=IST)


@pytest.fixture
def midnight() -> Callable[..., datetime]:
    """Gives the next midnight in India, or the next one that begins a named day."""
    return next_midnight
