"""What many rooms test with: databases of both kinds, demonstration sites that cost a copy, a corridor without the job engine.

A PostgreSQL cluster is started once per session as an unprivileged user, unless ECOO_TEST_PG_URL names a server that may
create databases. Nothing here is shared between processes, so pytest-xdist may run as many as it likes.
"""

import asyncio
import contextlib
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from engine import config as configuration
from engine import demo
from engine.application import Application
from engine.config import Config
from engine.contracts.signing import SignerContext
from engine.drawing import DrawingRoom
from engine.filing import read
from engine.filing.tables import ApplicationRow
from engine.issuing import Corridor
from engine.issuing.queue import Outcome, outcome
from engine.issuing.shell import approve_at_shell
from engine.issuing.tables import ApprovalRow, SigningDocumentRow, SigningJobRow
from engine.jobs import StepOutcome
from engine.money.tables import CoverRow
from engine.proof import SeriesRule, Verifier
from engine.proof.marks import Marks
from engine.proof.signature import SignatureReport, check_signature
from engine.proof.tables import CertificateEventRow, CertificateFileRow, CertificateRow, SeriesRow
from engine.site import Site, open_site
from engine.store import connect
from engine.store.audit import chain_breaks, seal
from engine.store.engines import Engine
from engine.store.tables import Blob

EXAMPLE = Path(__file__).parent.parent / "plugins" / "templates" / "aifta" / "example.json"
DATABASES = ("sqlite", "postgres")


@dataclass
class MovableClock:
    """The machine's clock, shifted by what a test says, or standing still at a moment."""

    shift: timedelta = timedelta(0)
    still: datetime | None = None

    def now(self) -> datetime:
        return (self.still or datetime.now(UTC)) + self.shift


# --- databases ------------------------------------------------------------------------------------


@dataclass
class Cluster:
    """A PostgreSQL server that may be used freely, started when first asked for. `url` is a database to make others from."""

    start: Callable[[], str]

    @cached_property
    def url(self) -> str:
        return self.start()

    def of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    def run(self, statement: str) -> None:
        """Runs one statement in a connection and a loop of its own."""

        async def act() -> None:
            connection = await asyncpg.connect(self.url)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        apart(act)

    def new(self, template: str = "template1") -> str:
        """A fresh database, and its address."""
        name = f"t_{uuid4().hex[:16]}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.of(name)

    def drop(self, url: str) -> None:
        """Removes a database, whoever is still in it."""
        self.run(f'DROP DATABASE IF EXISTS "{urlsplit(url).path[1:]}" WITH (FORCE)')


def apart(act: Callable[[], Awaitable[Any]]) -> Any:
    """Runs a coroutine to its end on a loop in a thread of its own, whatever runs here."""

    async def whole() -> Any:
        return await act()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, whole()).result()


def _newest_binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    if not found:
        pytest.fail("PostgreSQL is not installed; `make test` installs it, or name a server with ECOO_TEST_PG_URL.")
    return found[-1].parent


def _unprivileged() -> tuple[str, dict[str, Any]]:
    """The name of the user that runs the server, and how to become it."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name, {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return name, {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL does not run as root, and there is no user to run it as.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _own_cluster() -> Iterator[str]:
    """A cluster in a temporary folder. It forgets at a power cut (no fsync): only our own processes are killed here."""
    binaries, (name, become) = _newest_binaries(), _unprivileged()
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2 << 30
    folder = Path(tempfile.mkdtemp(prefix="ecoo-pg-", dir=memory if roomy else None))
    if become:
        os.chown(folder, become["user"], become["group"])
    env = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LC_ALL": "C.UTF-8"}

    def call(*argv: str) -> None:
        done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, timeout=60, **become)
        assert done.returncode == 0, done.stdout + done.stderr

    call(str(binaries / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", name, "-E", "UTF8", "--no-sync")
    port = _free_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
    options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    call(str(binaries / "pg_ctl"), "-D", str(folder / "data"), "-l", str(folder / "log"), "-w", "-o", options, "start")
    try:
        yield f"postgresql://{name}@127.0.0.1:{port}/postgres"
    finally:
        call(str(binaries / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for this session."""
    with contextlib.ExitStack() as stack:
        yield Cluster(lambda: os.environ.get("ECOO_TEST_PG_URL") or stack.enter_context(_own_cluster()))


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, cluster: Cluster, tmp_path: Path) -> Iterator[str]:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    url = cluster.new()
    yield url
    cluster.drop(url)


@pytest.fixture
async def empty_database(database_url: str) -> AsyncIterator[Engine]:
    """The tables bound to an empty database of each kind."""
    database = await connect(database_url)
    yield database
    await database.close()


# --- demonstration sites --------------------------------------------------------------------------


@dataclass
class SiteMaker:
    """Makes demonstration sites by copying one that was made once. `make` gives the path of an engine.toml."""

    folder: Path
    cluster: Cluster
    masters: dict[str, tuple[Path, str]]
    made: list[str] = field(default_factory=list)

    def make(self, at: Path, database: str = "sqlite") -> Path:
        """A fresh site in the folder `at`, with its database of that kind."""
        master, template = self._master(database)
        at.mkdir(parents=True, exist_ok=True)
        shutil.copytree(master, at, dirs_exist_ok=True)
        if database == "postgres":
            url = self.cluster.new(template)
            self.made.append(url)
            self._name_database(at, url)
        return at / "engine.toml"

    def _master(self, database: str) -> tuple[Path, str]:
        if database not in self.masters:
            folder, url = self.folder / f"master-{database}", ""
            demo.write_config(folder)
            if database == "postgres":
                url = self.cluster.new()
                self._name_database(folder, url)
            config = configuration.load(folder / "engine.toml", {})
            apart(lambda: demo.ensure_demo(config))
            self.masters[database] = folder, urlsplit(url).path[1:]
        return self.masters[database]

    @staticmethod
    def _name_database(folder: Path, url: str) -> None:
        path = folder / "engine.toml"
        text = path.read_text().partition("\n[database]")[0]
        path.write_text(f'{text}\n[database]\nurl = "{url}"\n')


@pytest.fixture(scope="session")
def masters(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteMaker]:
    """The demonstration sites that others are copies of, made when first asked for."""
    maker = SiteMaker(tmp_path_factory.mktemp("sites"), cluster, {})
    yield maker
    for _, database in maker.masters.values():
        if database:
            cluster.drop(cluster.of(database))


@pytest.fixture
def sites(masters: SiteMaker) -> Iterator[SiteMaker]:
    """Makes demonstration sites that cost a copy."""
    maker = replace(masters, made=[])
    yield maker
    for url in maker.made:
        maker.cluster.drop(url)


@pytest.fixture(params=DATABASES)
def database_kind(request: pytest.FixtureRequest) -> str:
    """`sqlite`, then `postgres`."""
    return str(request.param)


@pytest.fixture
def site_config(sites: SiteMaker, tmp_path: Path, database_kind: str) -> Config:
    """The configuration of a fresh demonstration site, once on each database."""
    return configuration.load(sites.make(tmp_path / "site", database_kind), {})


@pytest.fixture
def example() -> dict[str, Any]:
    """A fresh copy of the pack's example application, as JSON."""
    found: dict[str, Any] = json.loads(EXAMPLE.read_bytes())
    return found


@pytest.fixture
def application(example: dict[str, Any]) -> Application:
    """The pack's example application."""
    return read(json.dumps(example).encode())


# --- the corridor without the job engine ----------------------------------------------------------


@dataclass
class Walk:
    """A site opened for reading, with a corridor whose steps a test runs by hand."""

    site: Site
    corridor: Corridor
    clock: MovableClock

    async def approve(self, application: Application | str, **who: str | None) -> tuple[Any, UUID]:
        """Files, waives and approves at the shell: the draft and the approval's id."""
        who = {"officer": demo.OFFICER, "signatory": demo.SIGNATORY} | who
        draft, approval = await approve_at_shell(
            application, registry=self.site.registry, clock=self.clock, demo=True, officer=who["officer"], signatory=who["signatory"]
        )
        return draft, approval.id

    async def run(self, approval: UUID) -> Outcome:
        """One run of the corridor, as the job engine would make it."""
        for _, step in self.corridor.steps:
            if await step(str(approval)) is not StepOutcome.NEXT:
                break
        return await outcome(approval)

    async def step(self, name: str, approval: UUID) -> StepOutcome:
        """One step alone."""
        return await dict(self.corridor.steps)[name](str(approval))

    async def until_over(self, approval: UUID, most: int = 6) -> Outcome:
        """Runs the corridor again until the approval is over."""
        for _ in range(most):
            found = await self.run(approval)
            if found.over:
                return found
        raise AssertionError(f"after {most} runs it is not over: {found.problem}")


@pytest.fixture(scope="session")
async def drawing_room() -> AsyncIterator[DrawingRoom]:
    """Drawing processes for the whole session."""
    room = DrawingRoom(processes=1, timeout_s=30, memory_mib=1024, hooks=None)
    await room.start()
    yield room
    await room.close()


@pytest.fixture
def walking(drawing_room: DrawingRoom) -> Callable[..., AbstractAsyncContextManager[Walk]]:
    """Opens a site with a corridor walked by hand: `async with walking(config, clock) as walk`."""

    @asynccontextmanager
    async def opened(config: Config, clock: MovableClock | None = None) -> AsyncIterator[Walk]:
        clock = clock or MovableClock()
        async with open_site(config, work=False, clock=clock) as site:
            id = config.site.demo_signer
            signer = site.registry.signer(id)
            await signer.open(SignerContext(config.signers[id], config.plugin_folder("signers", id), clock, demo=True))
            corridor = Corridor(
                registry=site.registry,
                drawing=drawing_room,
                files=site.files,
                trust=site.trust,
                clock=clock,
                public_url=config.site.public_url,
                rule=SeriesRule(config.issue.number_pattern, config.issue.year),
                halted=lambda: site.halted,
            )
            try:
                yield Walk(site, corridor, clock)
            finally:
                await signer.close()

    return opened


@pytest.fixture
async def walk(site_config: Config, walking: Callable[..., AbstractAsyncContextManager[Walk]]) -> AsyncIterator[Walk]:
    """A fresh demonstration site on each database, with a corridor walked by hand."""
    async with walking(site_config) as opened:
        yield opened


# --- what must be true of every site, whatever happened to it ---------------------------------------


@dataclass(frozen=True)
class Tally:
    """What became of a site's approvals after everything has settled."""

    approvals: int
    issued: int
    void: int
    retried: int

    def __str__(self) -> str:
        return (
            f"{self.approvals} approvals: {self.issued} ISSUED, {self.void} VOID, {self.retried} signatures asked for again; "
            "0 lost, 0 duplicate numbers, 0 gaps, 0 unverified files, 0 signed files without a row, covers posted once, audit whole"
        )


async def count_up(site: Site) -> Tally:
    """Looks at every row and file of a settled site and asserts what must hold."""
    approvals = await ApprovalRow.select()
    certificates = await CertificateRow.select()
    assert [row["id"] for row in approvals if row["state"] != "done"] == [], "an approval was lost"
    assert {row["state"] for row in certificates} <= {"issued", "void", "superseded"}, "a certificate hangs"
    spent = {row["approval"] for row in certificates}
    assert len(spent) == len(certificates)
    assert all(row["id"] in spent for row in approvals if row["spent_at"] is not None), "an approval was spent on nothing"
    await _numbers_hold(certificates)
    verifier = Verifier(site.config.site.public_url, check=partial(_check, site), read=_read_nothing)
    for row in certificates:
        await (_void_holds if row["state"] == "void" else _issued_holds)(site, verifier, row)
    open_documents = await SigningDocumentRow.select().where(SigningDocumentRow.state.is_in(["open", "waiting"]))
    open_jobs = await SigningJobRow.select().where(SigningJobRow.state.is_in(["open", "waiting"]))
    assert (open_documents, open_jobs) == ([], []), "a stale signing job is left"
    assert await _signed_without_a_row(site) == [], "a signed file has no row"
    while await seal(site.clock.now()):
        pass
    assert await chain_breaks() == []
    jobs = await SigningJobRow.select(SigningJobRow.tries)
    issued = sum(row["state"] in {"issued", "superseded"} for row in certificates)
    retried = sum(max(0, row["tries"] - 1) for row in jobs)
    return Tally(len(approvals), issued, sum(row["state"] == "void" for row in certificates), retried)


async def _numbers_hold(certificates: list[dict[str, Any]]) -> None:
    assert len({row["number_key"] for row in certificates}) == len(certificates), "a number was given twice"
    for series in await SeriesRow.select():
        serials = sorted(row["serial"] for row in certificates if row["series"] == series["id"])
        assert serials == list(range(1, series["value"] + 1)), "a number is missing and no VOID row explains it"


async def _issued_holds(site: Site, verifier: Verifier, row: dict[str, Any]) -> None:
    files = await CertificateFileRow.select().where(CertificateFileRow.certificate == row["id"])
    assert [(each["kind"], each["serial"]) for each in files] == [("electronic", 0)]
    answer = await verifier.file(await site.files.get(files[0]["file_sha256"]))
    assert answer.verdict == ("genuine" if row["state"] == "issued" else "superseded"), answer
    covers = await CoverRow.select().where(CoverRow.application == row["application"])
    assert [cover["state"] for cover in covers] == ["posted"], "the cover was not posted exactly once"
    application = await ApplicationRow.select(ApplicationRow.state).where(ApplicationRow.id == row["application"]).first()
    assert application == {"state": "issued"}
    await _events_hold(row)


async def _void_holds(site: Site, verifier: Verifier, row: dict[str, Any]) -> None:
    assert row["void_reason"]
    assert not await CertificateFileRow.exists().where(CertificateFileRow.certificate == row["id"])
    assert (await verifier.number(row["number"])).verdict == "unknown"
    await _events_hold(row)


async def _events_hold(row: dict[str, Any]) -> None:
    events = await CertificateEventRow.select().where(CertificateEventRow.certificate == row["id"]).order_by(CertificateEventRow.serial)
    assert [event["serial"] for event in events] == list(range(len(events)))
    assert events[-1]["state"] == row["state"]
    assert sum(event["state"] == "issued" for event in events) <= 1


async def _check(site: Site, data: bytes, at: datetime) -> SignatureReport:
    return await asyncio.to_thread(check_signature, data, trust=site.trust, at=at)


async def _read_nothing(_: bytes) -> Marks:
    return Marks((), ())


async def _signed_without_a_row(site: Site) -> list[str]:
    """Stored PDFs whose signature is filled in and of which no row speaks."""
    known = {row["sha256"] for row in await Blob.select(Blob.sha256)}
    strangers = [path for path in Path(site.config.files.url).glob("sha256/*/*") if path.name not in known]
    return [path.name for path in strangers if re.search(rb"/Contents <[0-9a-fA-F]*[1-9a-fA-F]", path.read_bytes())]


@pytest.fixture
def tally() -> Callable[[Site], Awaitable[Tally]]:
    """Counts a settled site up and asserts what must hold of every one."""
    return count_up
