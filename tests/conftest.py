"""What many rooms test with: databases of both kinds, demonstration sites that cost a copy, a corridor without the job engine.

A PostgreSQL cluster is started once per session as an unprivileged user, unless ECOO_TEST_PG_URL names a server that may
create databases. Nothing here is shared between processes, so pytest-xdist may run as many as it likes.
"""

import asyncio
import contextlib
import functools
import importlib.util
import json
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck, settings

from engine import config as configuration
from engine import demo, packs, schema
from engine.application import Application
from engine.config import Config
from engine.contracts.form import Form, Pack, Sheet
from engine.contracts.signing import SignerContext
from engine.discovery import templates_folder
from engine.drawing import DrawingRoom
from engine.filing import read
from engine.issuing import Corridor
from engine.issuing.queue import Outcome, outcome
from engine.issuing.shell import approve_at_shell
from engine.jobs import StepOutcome
from engine.proof import SeriesRule
from engine.site import Site, open_site
from engine.store import connect, engines
from engine.store.engines import Engine
from engine.store.tables import Setting
from tests.clocks import MovableClock

# A generated case may meet a slow moment of the machine; and the same commit meets the same cases, unless everything is proved.
settings.register_profile("ecoo", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="ECOO_PROVE" not in os.environ)
settings.load_profile("ecoo")

MEMORY = Path("/dev/shm")
ROOMY = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 6 << 30 and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
EXAMPLE = Path(__file__).parent.parent / "plugins" / "templates" / "aifta" / "example.json"
DATABASES = ("sqlite", "postgres")


def pytest_configure(config: pytest.Config) -> None:
    """Temporary folders lie in memory if there is room, and what every test would read again is read once."""
    if ROOMY:  # who is killed here leaves what he wrote there as he would on a disk
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.setattr("httpx._transports.default.create_ssl_context", _authorities_read_once())
    patch.setattr(packs, "read_forms", _own_packs_read_once())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a file with something made once for the whole file stay together on one worker; it would be made on each otherwise."""
    shared: dict[Path, bool] = {}
    for item in items:
        found = getattr(item, "_fixtureinfo", None)
        scopes = {each.scope for named in found.name2fixturedefs.values() for each in named} if found else set()
        shared[item.path] = shared.get(item.path, False) or bool(scopes & {"module", "class"})
    for item in items:
        if shared[item.path] and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long file is named by its argument: its bytes hold the second in which it was made, and workers must collect the same names."""
    return argname if isinstance(val, bytes) and len(val) > 60 else None


def _authorities_read_once() -> Callable[..., ssl.SSLContext]:
    """httpx's function for a client that names no authorities: it reads the hundreds that the machine trusts, 60 ms each time."""
    plain, real = functools.cache(httpx.create_ssl_context), httpx.create_ssl_context

    def made(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        return plain() if verify is True and cert is None and trust_env else real(verify, cert, trust_env)

    return made


def _own_packs_read_once() -> Callable[..., tuple[Form, ...]]:
    """The registry's way to a pack's forms: files of the house do not change while tests run. Any other pack is read each time."""
    read: dict[str, tuple[Form, ...]] = {}
    house, real = Path(str(templates_folder())).resolve(), packs.read_forms

    def forms(pack: Pack, sheets: Callable[[str], Sheet]) -> tuple[Form, ...]:
        if Path(str(pack.folder)).resolve().parent != house:
            return real(pack, sheets)
        if pack.name not in read:
            read[pack.name] = real(pack, sheets)
        return read[pack.name]

    return forms


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

    @cached_property
    def _hand(self) -> tuple[ThreadPoolExecutor, asyncio.Runner]:
        return ThreadPoolExecutor(1), asyncio.Runner()

    def _do(self, act: Coroutine[Any, Any, Any]) -> Any:
        thread, runner = self._hand
        return thread.submit(runner.run, act).result()

    @cached_property
    def _connection(self) -> asyncpg.Connection:
        return self._do(asyncpg.connect(self.url))

    @cached_property
    def _by_files(self) -> str:
        """Copying a database by its files is quicker than by its log; servers before 15 know no other way."""
        own, recent = "ECOO_TEST_PG_URL" not in os.environ, self._connection.get_server_version().major >= 15
        return "STRATEGY FILE_COPY" if own and recent else ""

    def run(self, statement: str) -> None:
        """Runs one statement, on a loop in a thread of its own, whatever runs here."""
        self._do(self._connection.execute(statement))

    def new(self, template: str = "template1") -> str:
        """A fresh database, and its address."""
        name = f"t_{uuid4().hex[:16]}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {self._by_files}')
        return self.of(name)

    def drop(self, url: str) -> None:
        """Removes a database, whoever is still in it."""
        self.run(f'DROP DATABASE IF EXISTS "{urlsplit(url).path[1:]}" WITH (FORCE)')

    def close(self) -> None:
        """Ends what was begun here; the server goes on."""
        if "_connection" in vars(self):
            self._do(self._connection.close())
        if "_hand" in vars(self):
            thread, runner = self._hand
            thread.submit(runner.close).result()
            thread.shutdown()


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
    folder = Path(tempfile.mkdtemp(prefix="ecoo-pg-", dir=MEMORY if ROOMY else None))
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
        made = Cluster(lambda: os.environ.get("ECOO_TEST_PG_URL") or stack.enter_context(_own_cluster()))
        try:
            yield made
        finally:
            made.close()


async def _build(url: str) -> None:
    database = await connect(url)
    try:
        await schema.build()
    finally:
        await database.close()


@dataclass
class Blanks:
    """Databases with every table and no row: copies of one of each kind that was built when first asked for."""

    folder: Path
    cluster: Cluster

    @cached_property
    def _file(self) -> Path:
        path = self.folder / "built.db"
        apart(lambda: _build(f"sqlite:///{path}"))
        return path

    @cached_property
    def _template(self) -> str:
        url = self.cluster.new()
        apart(lambda: _build(url))
        return urlsplit(url).path[1:]

    def file(self, at: Path) -> None:
        """A SQLite database at that path."""
        shutil.copyfile(self._file, at)

    def new(self) -> str:
        """A PostgreSQL database, and its address."""
        return self.cluster.new(self._template)

    def close(self) -> None:
        """Removes the database that the others were copies of."""
        if "_template" in vars(self):
            self.cluster.drop(self.cluster.of(self._template))


@pytest.fixture(scope="session")
def blanks(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blanks]:
    """Makes databases with every table that cost a copy."""
    made = Blanks(tmp_path_factory.mktemp("blanks"), cluster)
    yield made
    made.close()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, cluster: Cluster, blanks: Blanks, tmp_path: Path) -> Iterator[str]:
    """An empty database, once of each kind. A test of a `built_database` finds the tables in it."""
    built = "built_database" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "empty.db"
        if built:
            blanks.file(path)
        yield f"sqlite:///{path}"
        return
    url = blanks.new() if built else cluster.new()
    yield url
    cluster.drop(url)


@pytest.fixture
async def empty_database(database_url: str) -> AsyncIterator[Engine]:
    """The tables bound to an empty database of each kind."""
    database = await connect(database_url)
    yield database
    await database.close()


@pytest.fixture
async def built_database(empty_database: Engine) -> Engine:
    """A database of each kind with all tables and triggers, and nothing in them but the schema's fingerprint."""
    if not await Setting.table_exists():  # a test that names a `database_url` of its own
        await schema.build()
    return empty_database


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


@pytest.fixture
def sheet_tree() -> dict[str, Any]:
    """A cost sheet for the roasted cashews of the example's third line, as JSON: every amount is one that stands nowhere else."""
    return {
        "schema": 1,
        "product": {"description": "Cashew kernels, roasted and salted", "hs": "200819"},
        "maker": {"name": "KONKAN KERNELS LLP", "address": "Plot 7, Ratnagiri\nMaharashtra 415639"},
        "currency": "USD",
        "quantity": {"value": "1000", "unit": "KGS"},
        "fob": "6000.00",
        "ex_works": "5400.00",
        "net_weight_kg": "1000",
        "inputs": [
            {"description": "Raw cashew nuts in shell", "hs": "080131", "country": "CI", "value": "3001.77", "supplier": "Abidjan Nuts"},
            {"description": "Iodised salt and oil", "hs": "250100", "country": "IN", "value": "245.29", "originating": True},
            {"description": "Laminated pouches", "hs": "392321", "country": "IN", "value": "115.61", "originating": True},
        ],
        "costs": {"direct_labour": "901.37", "direct_overhead": "541.83", "profit": "594.13", "freight_to_port": "403.19"},
        "operations": ["steaming", "shelling", "peeling", "roasting", "salting"],
        "evidence": "Purchase register 2026, folio 12",
    }


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


@pytest.fixture
def tally() -> Callable[[Site], Awaitable[Any]]:
    """Counts a settled site up and asserts what must hold of every one: `count_up` of settled.py."""
    spec = importlib.util.spec_from_file_location("settled", Path(__file__).with_name("settled.py"))
    assert spec is not None
    assert spec.loader is not None
    settled = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(settled)
    act: Callable[[Site], Awaitable[Any]] = settled.count_up
    return act


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that are put to a database from now on, each by how it begins; to be cleared before what is counted."""
    seen: list[str] = []
    for kind in (engines.WalSQLite, engines.PooledPostgres):

        async def noted(self: Any, query: Any, *args: Any, _run: Any = kind.run_querystring, **more: Any) -> Any:
            seen.append(str(query)[:60])
            return await _run(self, query, *args, **more)

        monkeypatch.setattr(kind, "run_querystring", noted)
    return seen


# --- figures that tests measured --------------------------------------------------------------------


@pytest.fixture
def quote(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Keeps a line of figures for the end of the session's report."""
    return lambda line: record_property("figure", line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the lines that tests asked to be quoted, also those of pytest-xdist's workers; lines of one head stand in one."""
    passed = terminalreporter.stats.get("passed", [])
    told: dict[str, list[str]] = {}
    for line in sorted(value for report in passed for name, value in report.user_properties if name == "figure"):
        head, _, figure = line.partition(": ")
        told.setdefault(head, []).append(figure)
    for head, figures in told.items():
        terminalreporter.write_line(f"{head}: {', '.join(figures)}")
