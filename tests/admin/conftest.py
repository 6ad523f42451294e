"""A site with a register of every kind of certificate, and the real application over it, in this loop and as a server."""

import io
import json
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import pytest
from argon2 import PasswordHasher
from litestar import Litestar
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from admin.app import create_app
from engine.application import Application, IssuerKind
from engine.certificate import CertificateState, FileKind
from engine.config import Config, DgftSection, load
from engine.filing import Draft, open_draft, read
from engine.issuing.tables import ApprovalRow
from engine.people import add_agency, add_office, make_key
from engine.people.access import passwords
from engine.people.dsc.tables import Enrolment
from engine.people.tables import Account, Officer
from engine.proof import Numbered, SeriesRule, Standing, add_file, move, take_number, void
from engine.schema.migrate import migrate
from engine.scope import PLATFORM
from engine.store import FileStore, connect, uow
from tests.admin.world import World, build
from tests.clocks import StillClock
from tests.ready import make_ready
from tests.sockets import running

HOST = "127.0.0.1:8000"
BASE = f"http://{HOST}"
START = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
PDF = b"%PDF-1.7\nnot drawn for this test, only stored and served\n%%EOF\n"
TOKEN = re.compile(r'name="_csrf_token" value="([0-9a-f]+)"')
CAPTCHA = re.compile(r'name="captcha" value="([0-9a-f-]{36})"')
TICKET = re.compile(r'/verify/captcha/image\?t=([A-Za-z0-9_=-]+)"')


@dataclass
class Story:
    """What the register of the test site holds: numbers and codes by state, references, and keys by their rights."""

    config: Config
    numbers: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    pdf_sha256: str = ""


@pytest.fixture(scope="session")
def example() -> dict[str, Any]:
    """The AIFTA example as plain data."""
    loaded: dict[str, Any] = json.loads((files("plugins") / "templates" / "aifta" / "example.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="session")
async def story(tmp_path_factory: pytest.TempPathFactory, example: dict[str, Any]) -> Story:
    """A finished site in a folder of its own; nobody has it open."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "engine.toml").write_text(
        "[site]\ndemo = true\n[verify]\nper_minute = 100000\nfiles_per_minute = 100000\nglobal_per_minute = 1000000\n"
        '[gateways.sandbox]\nurl = "http://127.0.0.1:8002"\n',
        encoding="utf-8",
    )
    config = load(folder / "engine.toml", {})
    told = Story(config)
    database = await connect(config.database.url)
    try:
        await migrate()
        await _tell(told, json.dumps(example).encode())
    finally:
        await database.close()
    return told


class Signatory(NamedTuple):
    officer: UUID
    enrolment: UUID


def stamp_png() -> bytes:
    """A picture that a browser shows."""
    out = io.BytesIO()
    Image.new("RGBA", (40, 30), (20, 40, 140, 255)).save(out, "PNG")
    return out.getvalue()


async def _tell(told: Story, content: bytes) -> None:
    application = read(content)
    agency = await add_agency("EIA", "Export Inspection Agency Mumbai", actor="test", at=START)
    office = await add_office(agency, "MUM", "EIA Mumbai", "Mumbai", actor="test", at=START)
    signatory = await _signatory(agency)
    store = FileStore(told.config.files.url)
    await make_ready(agency, office, START, officer=signatory.officer, picture=await store.put(stamp_png()))
    for state in ("issued", "superseded", "cancelled", "numbered", "void", "draft"):
        draft = await open_draft(PLATFORM, application, actor="test", at=START)
        told.references[state] = draft.reference
        if state != "draft":
            await _certificate(told, store, draft, agency, office, signatory, CertificateState(state))
    other = await add_agency("TXC", "Textiles Committee", actor="test", at=START)
    whole = frozenset({"see", "prepare", "submit"})
    for name, rights, owner in [
        ("whole", whole, {"agency": agency}),
        ("other", whole, {"agency": other}),
        ("exporter", whole, {"exporter": draft.exporter_id}),
        ("see", frozenset({"see"}), {"agency": agency}),
        ("prepare", frozenset({"prepare"}), {"agency": agency}),
    ]:
        told.keys[name] = await make_key(name, rights=rights, valid_for=timedelta(days=3650), actor="test", at=START, **owner)
    told.keys["expired"] = await make_key("expired", rights=whole, agency=agency, valid_for=timedelta(seconds=-1), actor="test", at=START)


async def _signatory(agency: UUID) -> Signatory:
    account = Account(email="officer@example.in", name="A. Officer", made_at=START)
    officer = Officer(agency=agency, account=account.id, name="A. Officer", designation="Deputy Director")
    enrolment = Enrolment(
        agency=agency,
        officer=officer.id,
        signer="key_file",
        key="test",
        fingerprint="0" * 64,
        live_key="0" * 64,
        chain="",
        subject="CN=A. Officer",
        issuer="CN=Test",
        serial="1",
        not_before_at=START,
        not_after_at=START + timedelta(days=730),
        enrolled_at=START,
        enrolled_by="test",
    )
    async with uow():
        await Account.insert(account)
        await Officer.insert(officer)
        await Enrolment.insert(enrolment)
    return Signatory(UUID(str(officer.id)), UUID(str(enrolment.id)))


async def _certificate(
    told: Story, store: FileStore, draft: Draft, agency: UUID, office: UUID, signatory: Signatory, state: CertificateState
) -> None:
    approval = ApprovalRow(
        application=draft.id,
        issuer_kind="agency",
        agency=agency,
        office=office,
        exporter=draft.exporter_id,
        kind="officer",
        officer=signatory.officer,
        signatory=signatory.enrolment,
        approved_by="test",
        frozen="{}",
        content_sha256="1" * 64,
        approved_at=START,
    )
    wish = Numbered(
        approval_id=UUID(str(approval.id)),
        application_id=draft.id,
        issuer_kind=IssuerKind.AGENCY,
        agency_id=agency,
        office_id=office,
        exporter_id=draft.exporter_id,
        agency_code="EIA",
        office_code="MUM",
        scheme=draft.application.scheme,
        form_sha256="2" * 64,
        kind="new",
        content_sha256="1" * 64,
        shown=_shown(draft.application),
    )
    async with uow():
        await ApprovalRow.insert(approval)
        standing = await take_number(wish, SeriesRule("{agency}/{year}/{office}/{serial:07d}{check}", "calendar"), actor="test", at=START)
    told.numbers[state], told.codes[state] = standing.number, standing.code
    if state is CertificateState.VOID:
        await void(standing, "drawn wrongly", actor="test", at=START)
    elif state is not CertificateState.NUMBERED:
        await _let_out(told, store, standing, state)


async def _let_out(told: Story, store: FileStore, standing: Standing, state: CertificateState) -> None:
    sha256 = await store.put(data := PDF + state.encode())
    if state is CertificateState.ISSUED:
        told.pdf_sha256 = sha256
    async with uow():
        issued = await move(
            standing,
            CertificateState.ISSUED,
            frm=(CertificateState.NUMBERED,),
            actor="test",
            at=START,
            drawn_sha256="3" * 64,
            issued_at=START,
        )
        await add_file(
            issued,
            kind=FileKind.ELECTRONIC,
            serial=0,
            level="B-B",
            sha256=sha256,
            size=len(data),
            signer="key_file",
            fingerprint="",
            at=START,
        )
        if state is not CertificateState.ISSUED:
            replaced_by = "EIA/2026/MUM/0000099X" if state is CertificateState.SUPERSEDED else ""
            await move(issued, state, frm=(CertificateState.ISSUED,), actor="test", at=START, replaced_by=replaced_by)


def _shown(file: Application) -> dict[str, Any]:
    """What the printed certificate shows, in the shape that approval freezes."""
    return {
        "demo": True,
        "scheme": file.scheme,
        "title": "ASEAN-India Free Trade Area",
        "form": "FORM AI",
        "kind": "new",
        "replaces": None,
        "endorsement": "",
        "agency": "Export Inspection Agency Mumbai",
        "office": "EIA Mumbai",
        "officer": "A. Officer",
        "exporter": {"name": file.exporter.name, "address": file.exporter.address},
        "consignee": {"name": file.consignee.name, "address": file.consignee.address, "country": "Viet Nam"},
        "destination": "Viet Nam",
        "transport": {"departs_on": file.transport.departs_on.isoformat(), "vessel": file.transport.vessel, "port_of_discharge": "VNSGN"},
        "currency": file.currency,
        "invoices": [{"number": invoice.number, "dated_on": invoice.dated_on.isoformat()} for invoice in file.invoices],
        "items": [
            {
                "description": item.description,
                "hs": item.hs,
                "marks": item.marks,
                "packages": f"{item.packages.count} {item.packages.kind}",
                "quantity": f"{item.quantity.value} {item.quantity.unit}",
                "gross_weight_kg": item.gross_weight_kg,
                "value": item.value,
                "origin_criterion": item.origin.criterion,
                "invoice": item.invoice,
            }
            for item in file.items
        ],
    }


@pytest.fixture(scope="session")
def clock() -> StillClock:
    """The time of the site under test; it goes forward only, for its register remembers what was tried in which minute."""
    return StillClock(START)


@pytest.fixture(scope="session", autouse=True)
def _no_rounds_of_their_own() -> Iterator[None]:
    """Two sites open in one process share their tables: neither may write while the other one is being asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("admin.limits._FLUSH_S", 3600.0)
        yield


@pytest.fixture(autouse=True)
def _light_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of passwords that cost a millisecond."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobodys.cache_clear()


Opening = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(scope="module")
def opening(story: Story, clock: StillClock) -> Opening:
    """Opens the application over the story's site and gives a client for it; `dgft` names a registry, `verify` changes settings of [verify].

    Each opening has a minute of its own: what other tests tried from the same address does not count in it.
    """

    @asynccontextmanager
    async def opened(*, public_url: str = BASE, dgft: DgftSection | None = None, **verify: int) -> AsyncIterator[httpx.AsyncClient]:
        clock.forward(minutes=1)
        site = replace(story.config.site, public_url=public_url, rehearsal=dgft is not None)
        config = replace(story.config, site=site, verify=replace(story.config.verify, **verify), dgft=dgft or DgftSection())
        app = create_app(config, clock=clock, work=False)
        async with running(app), _calling(app, public_url) as client:
            yield client

    return opened


def _calling(app: Litestar, base_url: str) -> httpx.AsyncClient:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=base_url)
    client.app = app  # type: ignore[attr-defined]  # for tests that look behind the door
    return client


@pytest.fixture(scope="module")
async def house(opening: Opening) -> AsyncIterator[Litestar]:
    """The running application of a whole module of tests."""
    async with opening() as first:
        yield first.app  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def worlds() -> list[World]:
    """The world of the story's site, once some module has built it."""
    return []


@pytest.fixture(scope="module")
async def world(house: Litestar, clock: StillClock, worlds: list[World]) -> World:
    """Persons of every role on the story's site: made once, for all modules share its rows."""
    if not worlds:
        worlds.append(await build(clock.now()))
    return worlds[0]


@pytest.fixture
async def client(house: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a browser's manners and no cookies yet."""
    async with _calling(house, BASE) as opened:
        opened.headers["accept"] = "text/html"
        yield opened


@pytest.fixture
async def stranger(house: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A program without a key."""
    async with _calling(house, BASE) as opened:
        opened.headers["accept"] = "application/json"
        yield opened


@pytest.fixture
async def program(stranger: httpx.AsyncClient, story: Story) -> httpx.AsyncClient:
    """A program with a key of the agency and all rights."""
    stranger.headers["authorization"] = f"Bearer {story.keys['whole']}"
    return stranger


@dataclass
class Form:
    """What a person finds on the verify page."""

    token: str
    captcha: str
    ticket: str  # opens with the site's own key

    @classmethod
    def of(cls, html: str) -> "Form":
        found = [pattern.search(html) for pattern in (TOKEN, CAPTCHA, TICKET)]
        assert all(found), html
        return cls(*[match.group(1) for match in found if match])

    def characters(self, client: httpx.AsyncClient) -> str:
        """What a person would read off the picture."""
        box = client.app.state["parts"].site.secrets  # type: ignore[attr-defined]
        return str(box.unseal(self.ticket, purpose="captcha").partition(":")[2])


@pytest.fixture
def form_of() -> Callable[[str], Form]:
    """Reads token, question and ticket from a page."""
    return Form.of


@pytest.fixture
def paper() -> Callable[[str], bytes]:
    """Makes a PDF that says something."""

    def made(text: str) -> bytes:
        out = io.BytesIO()
        sheet = Canvas(out)
        sheet.drawString(40, 700, text)
        sheet.save()
        return out.getvalue()

    return made


@pytest.fixture(scope="session")
def served(story: Story) -> Iterator[str]:
    """The address of a real server over the same site, in a process of its own."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    code = (
        "import sys, uvicorn; from pathlib import Path; from engine.config import load; from admin.app import create_app;"
        "uvicorn.run(create_app(load(Path(sys.argv[1])), work=False), fd=int(sys.argv[2]), log_level='warning', lifespan='on')"
    )
    command = [sys.executable, "-c", code, str(story.config.path), str(listening.fileno())]
    server = subprocess.Popen(command, pass_fds=[listening.fileno()], cwd=Path(__file__).parents[2])
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    listening.close()
    try:
        with httpx.Client(timeout=60) as waiting:
            assert waiting.get(f"{address}/health/live").json() == {"status": "live"}
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)
