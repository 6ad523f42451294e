"""Keeping firms as the registry has them: who asks it, a round that asks again after a day, and asking now.

Promises that the registry is never asked inside a unit of work, that a silent one changes nothing, and that the log tells
counts and no names.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx

from engine.clock import Clock
from engine.config import Config
from engine.errors import ConfigError, EngineError, NotFound, TooMany, Unavailable
from engine.people.dgft import ProfileService, Provider, Settings, settings_of
from engine.people.firms.applying import take_in
from engine.people.firms.entering import forget_answers
from engine.people.tables import Exporter
from engine.scope import Scope
from engine.store import uow
from engine.store.scoped import covering

__all__ = ["Dgft", "sync_due", "sync_now"]

_log = logging.getLogger(__name__)

_ROUND = 20
_TRY_AGAIN = timedelta(hours=1)
_NOT_SOONER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Dgft:
    """The registry as one process of a site holds it: sign-in and profiles. It is asked nothing when it is made."""

    settings: Settings
    provider: Provider
    profiles: ProfileService

    @classmethod
    def of_site(cls, config: Config, clock: Clock, *, transport: httpx.AsyncBaseTransport | None = None) -> "Dgft | None":
        """The registry that [dgft] names, or None. Raises ConfigError where it names no profiles: rights come from them."""
        settings = settings_of(config)
        if settings is None:
            return None
        if not settings.profile_url:
            raise ConfigError(f"{config.path}: dgft.profile_url is missing; without profiles nobody who signs in has a right.")
        return cls(settings, Provider(settings, clock=clock, transport=transport), ProfileService(settings, transport=transport))


async def sync_due(dgft: Dgft, clock: Clock, *, most: int = _ROUND) -> int:
    """One round: asks for the firms whose time has come, and gives how many were taken in.

    A firm whose answer cannot be used is asked again in an hour; so is every firm of a round that ends with a silent registry.
    """
    taken = failed = 0
    for iec in await _claimed(clock, most):
        try:
            await _sync(dgft, iec, clock)
            taken += 1
        except Unavailable:
            failed += 1
            break  # it would not answer for the next one either
        except EngineError:
            failed += 1
    if taken or failed:
        _log.info("firms synced with the registry: %d taken in, %d not", taken, failed)
    await forget_answers(clock.now())
    return taken


async def sync_now(scope: Scope, exporter: UUID, dgft: Dgft, clock: Clock) -> int:
    """Asks for one firm at once, and gives how much changed. Raises TooMany if it was asked a moment ago, Unavailable if the
    registry is silent: then nothing changed."""
    row = await covering(
        scope, Exporter.select(Exporter.iec, Exporter.synced_at).where(Exporter.id == exporter), Exporter, exporter="id"
    ).first()
    if row is None:
        raise NotFound("There is no such firm, or it is not yours.", code="exporter")
    at = clock.now()
    if row["synced_at"] is not None and at - row["synced_at"] < _NOT_SOONER:
        raise TooMany("The firm was synced less than a minute ago.", retry_after_s=int(_NOT_SOONER.total_seconds()))
    return await _sync(dgft, row["iec"], clock)


async def _sync(dgft: Dgft, iec: str, clock: Clock) -> int:
    asked_at = clock.now()
    profile = await dgft.profiles.profile(iec)
    told = (profile,) if profile else ()
    plan = await take_in(
        told,
        unknown=() if profile else (iec,),
        asked_at=asked_at,
        again_in=dgft.settings.sync_every,
        actor="registry",
        at=clock.now(),
    )
    return plan.changes


async def _claimed(clock: Clock, most: int) -> list[str]:
    """The firms of this round, put off for an hour first, so that no other process asks for them too."""
    at = clock.now()
    async with uow():
        due = await Exporter.select(Exporter.id).where(Exporter.sync_due_at <= at).order_by(Exporter.sync_due_at).limit(most)
        if not due:
            return []
        mine = (Exporter.id.is_in([row["id"] for row in due]), Exporter.sync_due_at <= at)
        rows = await Exporter.update({Exporter.sync_due_at: at + _TRY_AGAIN}).where(*mine).returning(Exporter.iec)
    return [row["iec"] for row in rows]
