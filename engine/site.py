"""A running site: everything one process holds, opened and closed in one place. The doors receive their parts from here."""

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING
from uuid import UUID

from engine import registry as registry_module
from engine import schema
from engine.children import Children
from engine.clock import Clock, SystemClock
from engine.config import Config, is_public
from engine.contracts.signing import SignerContext
from engine.drawing import DrawingRoom
from engine.errors import ConfigError, SignerUnavailable, Untrusted
from engine.issuing import Corridor, queue
from engine.jobs import Lease, Sweep, Sweeper
from engine.money.gateways import KIND as PAYMENT_PARAMETERS
from engine.money.gateways import Tester, apply_parameters
from engine.money.paying import Cashier
from engine.people.changes import Effects
from engine.people.pictures import apply_picture, apply_stamp
from engine.people.staff.activating import OFFICER_AGAIN, apply_officer_again
from engine.people.staff.administering import ADMINISTRATOR, apply_administrator
from engine.proof import SeriesRule, Verifier, marks, signature
from engine.proof.marks import Marks, read_marks
from engine.proof.signature import SignatureReport, check_signature
from engine.proof.trust import Trust
from engine.registry import Registry
from engine.rounds import QUEUED, last_words, sweeps_of
from engine.store import Database, FileStore, SecretBox, connect, uow
from engine.store.tables import Setting

if TYPE_CHECKING:
    from engine.jobs.engine import JobEngine

__all__ = ["Site", "lock_is_free", "open_site"]

# What makes each kind of change true; the room that owns the thing provides it.
EFFECTS: Effects = {
    "stamp": apply_stamp,
    "officer_picture": apply_picture,
    OFFICER_AGAIN: apply_officer_again,
    PAYMENT_PARAMETERS: apply_parameters,
}

_TAKE_OVER_S = 0.5
_LOCK_TRIES = 20
_KEY_MARK = "key_mark"
_READERS = 2  # so that one hostile file, which takes its whole time, holds up nobody else's
_READERS_WAITING = 16
_READERS_MIB = 1024
_READERS_S = 5.0


def warm_readers() -> None:
    """What a reading child needs before its doors close."""
    signature.warm()
    marks.warm()


@dataclass(slots=True)
class Site:
    """One process's site. `corridor` and `jobs` are None in a process that only reads."""

    config: Config
    clock: Clock
    registry: Registry
    database: Database
    files: FileStore
    secrets: SecretBox
    trust: Trust
    verifier: Verifier
    drawing: DrawingRoom | None = None
    corridor: Corridor | None = None
    jobs: "JobEngine | None" = None
    works: bool = False
    signer_problems: dict[str, str] = field(default_factory=dict)
    sweeper: Sweeper | None = None
    _studio: DrawingRoom | None = field(default=None, repr=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, repr=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack, repr=False)

    @property
    def halted(self) -> bool:
        """Whether issuing is stopped: by engine.toml, or because the QR would carry an address nobody abroad can open."""
        return self.config.site.halted or not is_public(self.config)

    @property
    def effects(self) -> Effects:
        """What makes each kind of change true."""
        appoint = partial(apply_administrator, box=self.secrets, base=self.config.site.public_url)
        return {**EFFECTS, ADMINISTRATOR: appoint}

    def cashier(self) -> Cashier:
        """What this site pays with."""
        config = self.config
        tester = Tester(self.registry, config.gateways, config.site.rehearsal, self.secrets, self.clock)
        return Cashier(tester, config.site.public_url)

    def device_ready(self, signer: str) -> None:
        """A signer's device became ready: what waits for it is tried at once."""
        self.signer_problems.pop(signer, None)

        async def go_on() -> None:
            await queue.release()
            self.wake()

        task = asyncio.get_running_loop().create_task(go_on())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def wake(self) -> None:
        """Something was queued: look at once instead of at the next sweep."""
        if self.sweeper is not None:
            self.sweeper.wake(QUEUED)

    def studio(self) -> DrawingRoom:
        """The drawing room that pages use: this process's own; where it draws nothing else, one that starts with the first picture."""
        if self.drawing is not None:
            return self.drawing
        if self._studio is None:
            settings = self.config.drawing
            self._studio = DrawingRoom(processes=1, timeout_s=settings.timeout_s, memory_mib=settings.memory_mib, hooks=self.registry.relay)
            self._stack.push_async_callback(self._studio.close)
        return self._studio

    @asynccontextmanager
    async def drawing_room(self) -> AsyncIterator[DrawingRoom]:
        """The drawing room of this process; one that only reads opens its own for as long as the block runs."""
        if self.drawing is not None:
            yield self.drawing
            return
        settings = self.config.drawing
        room = DrawingRoom(processes=1, timeout_s=settings.timeout_s, memory_mib=settings.memory_mib, hooks=self.registry.relay)
        await room.start()
        try:
            yield room
        finally:
            await room.close()

    async def start_queued(self) -> int:
        """Starts what is queued and not under way."""
        return await queue.sweep(self.clock.now(), self.jobs) if self.jobs is not None else 0

    async def take_over(self) -> bool:
        """Begins to work if no other process works on this embedded site; True if this one works, now or already."""
        if self.jobs is None and self.config.serve.profile == "embedded":
            handle = lock_folder(self.config.folder)
            if handle is not None:
                self._stack.callback(handle.close)
                await _open_work(self._stack, self, "embedded")
        return self.works

    async def wait_for(self, approval: UUID, *, timeout_s: float, until_held: bool = True) -> queue.Outcome:
        """Waits until an approval is over, or until it is held back by something, or until the time is up.

        If the process that was at work ends meanwhile, this one takes its place.
        """
        loop = asyncio.get_running_loop()
        end, look = loop.time() + timeout_s, loop.time() + _TAKE_OVER_S
        while True:
            found = await queue.outcome(approval)
            if found.over or (until_held and found.problem) or loop.time() > end:
                return found
            if loop.time() > look:
                await self.take_over()
                look = loop.time() + _TAKE_OVER_S
            await asyncio.sleep(0.05)


def lock_folder(folder: Path) -> IO[bytes] | None:
    """The lock of the embedded site, or None if another process holds it. Kept as long as the handle is."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = (folder / "lock").open("ab")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    return handle


async def _lock_patiently(folder: Path) -> IO[bytes] | None:
    """The lock, also if somebody only looks at this moment whether it is free (`lock_is_free` holds it for an instant)."""
    for _ in range(_LOCK_TRIES):
        if (handle := lock_folder(folder)) is not None:
            return handle
        await asyncio.sleep(0.05)
    return None


def lock_is_free(config: Config) -> bool:
    """Whether no other process works on this embedded site; an outgrown site is worked on by its workers."""
    if config.serve.profile != "embedded":
        return False
    handle = lock_folder(config.folder)
    if handle is None:
        return False
    handle.close()
    return True


@asynccontextmanager
async def open_site(config: Config, *, work: bool, clock: Clock | None = None, executor: str = "embedded") -> AsyncIterator[Site]:
    """Opens a site. `work` also opens drawing, signers and jobs, and takes the lock of an embedded site.

    Raises ConfigError if the database has another schema or the lock is held, PluginError for a broken plugin.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        if work and config.serve.profile == "embedded":
            handle = await _lock_patiently(config.folder)
            if handle is None:
                raise ConfigError(f"Another ecoo process works on {config.folder}. Stop it, or let it do the work.", code="locked")
            stack.callback(handle.close)
        site = await _open_reading(stack, config, clock)
        site._stack = stack
        if work:
            await _open_work(stack, site, executor)
        yield site


async def _open_reading(stack: AsyncExitStack, config: Config, clock: Clock) -> Site:
    registry = registry_module.load(config)
    database = await connect(config.database.url)
    stack.push_async_callback(database.close)
    await schema.require_current()
    trust = Trust.load(config.trust.roots, config.trust.intermediates, config.trust.crls)
    readers = Children(
        count=_READERS,
        most_waiting=_READERS_WAITING,
        memory_mib=_READERS_MIB,
        timeout_s=_READERS_S,
        name="reader",
        initializer=warm_readers,
        answers=(SignatureReport, Marks),
        blame=Untrusted,
    )
    stack.push_async_callback(readers.close)

    async def check(data: bytes, at: datetime) -> SignatureReport:
        found: SignatureReport = await readers.run(partial(check_signature, trust=trust, at=at), data)
        return found

    async def read(data: bytes) -> Marks:
        found: Marks = await readers.run(read_marks, data)
        return found

    return Site(
        config=config,
        clock=clock,
        registry=registry,
        database=database,
        files=FileStore(config.files.url),
        secrets=await _secrets(config.secrets.key_file),
        trust=trust,
        verifier=Verifier(config.site.public_url, check=check, read=read),
    )


async def _secrets(key_file: Path) -> SecretBox:
    """The box of this database's own key file, made on the first start. Raises ConfigError for another one."""
    row = await Setting.select(Setting.value).where(Setting.name == _KEY_MARK).first()
    used = row is not None or await Setting.exists().where(Setting.name == "secrets")
    box = SecretBox.open(key_file, create=not used)
    if row is not None:
        box.require_mark(row["value"], key_file)
        return box
    async with uow():
        await Setting.insert(Setting(name=_KEY_MARK, value=box.mark())).on_conflict(target=Setting.name, action="DO NOTHING")
    return box


async def _open_work(stack: AsyncExitStack, site: Site, executor: str) -> None:
    """Opens what works. The server of an outgrown site only enqueues: it holds no key and draws nothing."""
    from engine.jobs.engine import JobEngine

    site.works = site.config.serve.profile == "embedded" or executor != "serve"
    if site.works:
        site.corridor = await _open_corridor(stack, site)
    alone = site.config.serve.profile == "embedded"
    site.jobs = JobEngine(_jobs_url(site.config), executor=executor, execute=site.works, alone=alone)
    stack.push_async_callback(site.jobs.stop)
    sweeps = sweeps_of(site, site.jobs)
    if site.works and site.config.serve.profile == "outgrown":
        lease = Lease(executor, lease_s=site.config.serve.lease_s, work=site.jobs)
        await lease.beat(site.clock.now())
        sweeps.append(Sweep("workers", lease.every_s, lambda: lease.turn(site.clock.now())))
    await site.jobs.start({queue.JOB: site.corridor.steps if site.corridor else ()})
    site.sweeper = Sweeper(sweeps)
    if site.works:
        stack.push_async_callback(last_words, site)
    stack.push_async_callback(site.sweeper.stop)
    await site.sweeper.start()


async def _open_corridor(stack: AsyncExitStack, site: Site) -> Corridor:
    config = site.config
    site.drawing = DrawingRoom(
        processes=config.drawing.processes,
        timeout_s=config.drawing.timeout_s,
        memory_mib=config.drawing.memory_mib,
        hooks=site.registry.relay,
    )
    stack.push_async_callback(site.drawing.close)
    await site.drawing.start()
    await _open_signers(stack, site)
    return Corridor(
        registry=site.registry,
        drawing=site.drawing,
        files=site.files,
        trust=site.trust,
        clock=site.clock,
        public_url=config.site.public_url,
        rule=SeriesRule(config.issue.number_pattern, config.issue.year),
        halted=lambda: site.halted,
    )


async def _open_signers(stack: AsyncExitStack, site: Site) -> None:
    """Opens every signer that is configured; one whose device is not there yet opens later by itself."""
    for id, signer in site.registry.signers.items():
        if id not in site.config.signers:
            continue
        settings = site.config.signers[id]
        if problems := signer.validate_config(settings):
            raise ConfigError(f"{site.config.path}: {problems[0]}")
        folder = site.config.plugin_folder("signers", id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        stack.push_async_callback(signer.close)
        try:
            await signer.open(SignerContext(settings, folder, site.clock, site.config.site.demo, partial(site.device_ready, id)))
        except SignerUnavailable as error:
            site.signer_problems[id] = error.say


def _jobs_url(config: Config) -> str:
    if config.database.jobs_url:
        return config.database.jobs_url
    if config.database.url.startswith("sqlite:"):
        return f"sqlite:///{config.folder / 'jobs.db'}"
    return config.database.url
