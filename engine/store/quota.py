"""What one subject may do in a day: for deeds that leave something behind, where a limit by the minute would still fill a disk."""

from datetime import UTC, datetime, time, timedelta

from engine.clock import IST, ist_day
from engine.errors import TooMany
from engine.store.tables import TryCount
from engine.store.unit import uow

__all__ = ["count_of_day", "hold_of_day", "take_of_day"]


async def hold_of_day(name: str, subject: str, *, at: datetime) -> None:
    """Keeps the subject's counter of this IST day until the caller's unit of work ends: who counts rows and then writes one waits."""
    end = _end_of_day(at)
    row = TryCount(name=name, subject=subject, window_at=end, tries=0)
    await TryCount.insert(row).on_conflict(target=(TryCount.name, TryCount.subject, TryCount.window_at), action="DO NOTHING")
    mine = (TryCount.name == name, TryCount.subject == subject, TryCount.window_at == end)
    await TryCount.update({TryCount.tries: TryCount.tries + 1}).where(*mine)


async def take_of_day(name: str, subject: str, most: int, *, at: datetime) -> None:
    """Counts one deed of this IST day. Raises TooMany, saying when to come back, once there were `most`; that one is not counted.

    The row stands under the day's end, so that what sweeps old counters leaves it for as long as it counts.
    """
    end = _end_of_day(at)
    mine = (TryCount.name == name, TryCount.subject == subject, TryCount.window_at == end)
    async with uow():
        row = TryCount(name=name, subject=subject, window_at=end, tries=0)
        await TryCount.insert(row).on_conflict(target=(TryCount.name, TryCount.subject, TryCount.window_at), action="DO NOTHING")
        taken = await TryCount.update({TryCount.tries: TryCount.tries + 1}).where(*mine, TryCount.tries < most).returning(TryCount.tries)
    if not taken:
        say = "That was too often for one day. It goes on after midnight in India; the helpdesk knows what to do before."
        raise TooMany(say, retry_after_s=max(1, int((end - at).total_seconds())))


async def count_of_day(name: str, subject: str, *, at: datetime) -> int:
    """How many deeds of this IST day were counted."""
    mine = (TryCount.name == name, TryCount.subject == subject, TryCount.window_at == _end_of_day(at))
    row = await TryCount.select(TryCount.tries).where(*mine).first()
    return int(row["tries"]) if row else 0


def _end_of_day(at: datetime) -> datetime:
    return datetime.combine(ist_day(at) + timedelta(days=1), time(), IST).astimezone(UTC)
