"""What a process that works does again and again: letters, changes whose time came, the seal of the audit, housekeeping."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from engine.clock import Clock
from engine.config import Config
from engine.issuing import queue
from engine.jobs import Sweep
from engine.mail import mailer_of, send_waiting, sender_of
from engine.money.ledger import check_every_book, seal_journals
from engine.money.orders import expire_due
from engine.money.paying import Cashier, ask_due, ask_refunds, submit_refunds, tell_refunds
from engine.money.settling import chase_settlements, check_every_clearing
from engine.people.changes import Effects, run_due
from engine.people.dsc import end_old_presented
from engine.people.joining.forgetting import forget_rejected
from engine.people.joining.registering import expire_requests
from engine.people.pictures import drop_old_drafts, forget_unmade
from engine.registry import Registry
from engine.store import FileStore, SecretBox
from engine.store.audit import seal
from engine.store.idempotency import forget_expired
from engine.store.orphans import settle

if TYPE_CHECKING:
    from engine.jobs.engine import JobEngine

__all__ = ["QUEUED", "last_words", "sweeps_of"]

QUEUED = "queued"
_HISTORY = timedelta(days=2)
_HOUR_S, _DAY_S = 3600.0, 86400.0
_FIRMS_S = 15.0
_PAYMENTS_S = 10.0
_SETTLED_IN_S = 60.0  # housekeeping begins when the start is over, and never in a process that only issues one
_LAST_WORDS_S = 10.0


class Working(Protocol):
    """What the rounds need of a site."""

    config: Config
    clock: Clock
    registry: Registry
    files: FileStore
    secrets: SecretBox
    works: bool

    @property
    def halted(self) -> bool: ...

    @property
    def effects(self) -> Effects: ...

    def cashier(self) -> Cashier: ...

    async def start_queued(self) -> int: ...


def sweeps_of(site: Working, jobs: "JobEngine") -> list[Sweep]:
    """The rounds of a process: one that only enqueues has one, to start what is queued."""
    queued = Sweep(QUEUED, 1.0, site.start_queued, awaited=True)
    if not site.works:
        return [queued]
    return [
        queued,
        Sweep("letters", 2.0, _letters(site)),
        *([Sweep("firms", _FIRMS_S, lambda: _firms(site), after_s=_SETTLED_IN_S)] if site.config.dgft.issuer else []),
        Sweep("changes", 60.0, lambda: _changes(site)),
        Sweep("announcements", 2.0, lambda: queue.announce(site.registry, site.clock.now())),
        Sweep("payments", _PAYMENTS_S, lambda: ask_due(site.cashier(), site.clock.now())),
        Sweep("refunds", _PAYMENTS_S, lambda: _refunds(site)),
        Sweep("orders", _HOUR_S, lambda: _orders(site), after_s=_SETTLED_IN_S),
        Sweep("audit", 5.0, lambda: seal(site.clock.now())),
        Sweep("journal", 5.0, lambda: seal_journals(site.clock.now())),
        # the job engine and the file store stamp by the machine's clock
        Sweep("history", _HOUR_S, lambda: jobs.forget(datetime.now(UTC) - _HISTORY), after_s=_SETTLED_IN_S),
        Sweep("registrations", _HOUR_S, lambda: expire_requests(site.clock.now()), after_s=_SETTLED_IN_S),
        Sweep("rejected", _HOUR_S, lambda: forget_rejected(site.clock.now()), after_s=_SETTLED_IN_S),
        Sweep("answers", _HOUR_S, lambda: forget_expired(site.clock.now()), after_s=_SETTLED_IN_S),
        Sweep("presented", _HOUR_S, lambda: end_old_presented(site.clock.now()), after_s=_SETTLED_IN_S),
        Sweep("pictures", _HOUR_S, lambda: drop_old_drafts(site.clock.now()), after_s=_SETTLED_IN_S),
        Sweep("unmade pictures", _HOUR_S, forget_unmade, after_s=_SETTLED_IN_S),
        Sweep("settlement", _HOUR_S, lambda: chase_settlements(site.cashier(), site.clock.now()), after_s=_SETTLED_IN_S),
        Sweep("clearing", _DAY_S, lambda: check_every_clearing(site.clock.now()), after_s=_SETTLED_IN_S),
        Sweep("books", _DAY_S, lambda: check_every_book(site.clock.now()), after_s=_SETTLED_IN_S),
        Sweep("files", _DAY_S, lambda: _settle_files(site), after_s=_SETTLED_IN_S),
    ]


def _letters(site: Working) -> Callable[[], Awaitable[int]]:
    """The round that sends the letters. Raises ConfigError for a sender that cannot stand in one."""
    return partial(send_waiting, mailer_of(site.config), box=site.secrets, clock=site.clock, sender=sender_of(site.config))


async def _changes(site: Working) -> int:
    """The round of changes whose time has come; none while the site is halted, as it is after a restore."""
    if site.halted:
        return 0
    base, at = site.config.site.public_url, site.clock.now()
    return await run_due(effects=site.effects, box=site.secrets, base=base, limits=site.config.access, at=at)


async def _refunds(site: Working) -> int:
    """The round of refunds: asked for, asked about, told of. None is asked for while the site is halted, as it is after a restore."""
    cashier, at = site.cashier(), site.clock.now()
    submitted = 0 if site.halted else await submit_refunds(cashier, at)
    return submitted + await ask_refunds(cashier, at) + await tell_refunds(cashier, at)


async def _orders(site: Working) -> int:
    """The round of orders that nobody paid in time; none while the site is halted: after a restore a payment may be known nowhere yet."""
    return 0 if site.halted else await expire_due(site.clock.now())


async def _firms(site: Working) -> int:
    """The round that asks the exporters' registry again for firms that were not synced for a while."""
    from engine.people.firms.keeping import Dgft, sync_due  # it needs the JOSE library, and most commands do not

    dgft = Dgft.of_site(site.config, site.clock)
    return await sync_due(dgft, site.clock) if dgft else 0


async def _settle_files(site: Working) -> None:
    """Looks after files without a row; never while the site is halted, as it is after a restore."""
    if not site.halted:
        await settle(site.files, datetime.now(UTC))


async def last_words(site: Working) -> None:
    """Tells what this process made true before it ends: no other may come for a while."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WORDS_S):
            await seal(site.clock.now())
            await seal_journals(site.clock.now())
            await queue.announce(site.registry, site.clock.now())
            await _letters(site)()
