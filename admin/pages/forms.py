"""What a form sent: texts by name, and the days among them; and what is wrong with it, by field."""

from datetime import date
from typing import Any

from litestar import Request

from engine.errors import Refused

__all__ = ["day_of", "number_of", "require_day", "sent", "wrong_of"]

_MOST_PAGES = 10_000
_FIRST, _LAST = date(2000, 1, 1), date(2100, 12, 31)


async def sent(request: Request[Any, Any, Any], *names: str) -> dict[str, str]:
    """The texts of these fields; one that is missing, or a file in its place, reads empty."""
    form = await request.form()
    return {name: value if isinstance(value := form.get(name), str) else "" for name in names}


def number_of(text: str) -> int:
    """The page of a list that an address asks for; the first for what is no number."""
    return min(max(int(text), 1), _MOST_PAGES) if text.isascii() and text.isdigit() and len(text) < 8 else 1


def day_of(text: str) -> date | None:
    """The day that was typed or chosen; None for what is no date, or none that anybody means: a day more must be one too."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return day if _FIRST <= day <= _LAST else None


def require_day(text: str, box: str) -> date:
    """The day that was typed or chosen. Raises Refused naming the box."""
    day = day_of(text)
    if day is None:
        raise Refused("Write the day as year, month and day, such as 2026-11-24.", box=box, rule="day")
    return day


def wrong_of(refusal: Refused, *, otherwise: str) -> dict[str, str]:
    """What is wrong by field; what names no field stands at `otherwise`."""
    if refusal.problems:
        return {problem.box or otherwise: problem.say for problem in refusal.problems}
    return {refusal.box or otherwise: refusal.say}
