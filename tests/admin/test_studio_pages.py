"""The stamp studio and the specimen sheet as pages: uploads, drafts, versions, and those who try what is not theirs."""

import asyncio
import io
import re
import struct
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pypdfium2 as pdfium
import pytest
from litestar import Litestar
from PIL import Image

from admin.app import create_app
from engine.config import AccessSection, Config, load
from engine.contracts.drawing import CleanImage, Developed, ImageRequest, Preview
from engine.demo_pictures import signature_photo, stamp_photo
from engine.errors import EngineError, Unavailable
from engine.people import add_agency, add_exporter_user, add_office, add_officer, find_office, map_officer, put_stamp, register_exporter
from engine.people.access import Device, RoleKind, Stage, roles_of
from engine.people.access.sessions import begin
from engine.people.changes.tables import ChangeRow
from engine.people.pictures.tables import Appearance, PictureDraft, Stamp
from engine.people.tables import Account, Administrator
from engine.schema.migrate import migrate
from engine.scope import PLATFORM
from engine.site import Site
from engine.store import connect, uow
from tests.admin.conftest import BASE, TOKEN, _calling
from tests.clocks import StillClock
from tests.sockets import running

START = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
SEEN = re.compile(r'name="seen" value="([0-9a-f]{64})"')
UNLIKE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{16,96}\b")


@dataclass
class Cast:
    """Ids of the two agencies' things, and accounts by name with the kind of role they act in."""

    office: UUID
    other_office: UUID
    foreign_office: UUID
    officer: UUID
    foreign_officer: UUID
    accounts: dict[str, tuple[UUID, RoleKind]] = field(default_factory=dict)

    @property
    def stamp(self) -> str:
        return f"/offices/{self.office}/stamp"

    @property
    def hand(self) -> str:
        return f"/users/{self.officer}/picture"


@pytest.fixture(scope="module")
def clock() -> StillClock:
    return StillClock(START)


@pytest.fixture(scope="module")
async def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("studio")
    (folder / "engine.toml").write_text("[site]\ndemo = true\n", encoding="utf-8")
    return load(folder / "engine.toml", {})


@pytest.fixture(scope="module")
async def cast(config: Config) -> Cast:
    database = await connect(config.database.url)
    try:
        await migrate()
        return await _cast()
    finally:
        await database.close()


async def _cast() -> Cast:
    eia = await add_agency("EIA", "Export Inspection Agency", actor="test", at=START)
    txc = await add_agency("TXC", "Textiles Committee", actor="test", at=START)
    places = ((eia, "MUM"), (eia, "DEL"), (txc, "KOC"))
    office, other, foreign = [await add_office(agency, code, f"Office {code}", "Mumbai", actor="test", at=START) for agency, code in places]
    officer, colleague, stranger = [
        await add_officer(agency, email=f"{name}@x.example.in", name=name.title(), designation="Director", actor="test", at=START)
        for agency, name in ((eia, "asha"), (eia, "binod"), (txc, "chand"))
    ]
    for agency, person, place in ((eia, officer, office), (eia, colleague, other), (txc, stranger, foreign)):
        await map_officer(agency, person, place, actor="test", at=START)
    cast = Cast(office, other, foreign, officer, stranger)
    for name, agency in (("meera", eia), ("ravi", eia), ("thea", txc)):
        account = Account(email=f"{name}@x.example.in", name=name.title(), made_at=START)
        async with uow():
            await Account.insert(account)
            await Administrator.insert(
                Administrator(agency=agency, account=account.id, live_key=f"{account.id}:{agency}", made_by="test", made_at=START)
            )
        cast.accounts[name] = UUID(str(account.id)), RoleKind.ADMINISTRATOR
    firm = await register_exporter("0399000001", "A FIRM", "", actor="test", at=START)
    for name, rights in (("usha", "see,sign"), ("reader", "see,submit")):
        await add_exporter_user(firm.id, email=f"{name}@firm.example.in", name=name.title(), rights=rights, actor="test", at=START)
    rows = await Account.select(Account.id, Account.email)
    ids = {row["email"].partition("@")[0]: row["id"] for row in rows}
    cast.accounts |= {name: (ids[name], RoleKind.OFFICER) for name in ("asha", "binod", "chand")}
    cast.accounts |= {name: (ids[name], RoleKind.EXPORTER) for name in ("usha", "reader")}
    async with uow():
        await Account.update({Account.totp_sealed: "x", Account.totp_set_at: START, Account.password_hash: "x"}, force=True)
    return cast


@pytest.fixture(scope="module")
async def house(config: Config, cast: Cast, clock: StillClock) -> AsyncIterator[Litestar]:
    app = create_app(config, clock=clock, work=False)
    async with running(app):
        yield app


@pytest.fixture
def site(house: Litestar) -> Site:
    found: Site = house.state["parts"].site
    return found


@dataclass
class Browser:
    """A person's browser, in a minute of its own."""

    client: httpx.AsyncClient
    path: str

    async def get(self, rest: str = "", **params: str) -> httpx.Response:
        return await self.client.get(f"{self.path}{rest}", params=params)

    async def post(self, rest: str, **fields: str) -> httpx.Response:
        return await self.client.post(f"{self.path}{rest}", data={"_csrf_token": await self.token(), **fields}, headers={"origin": BASE})

    async def upload(self, data: bytes, name: str = "photo.jpg", kind: str = "image/jpeg") -> httpx.Response:
        return await self.client.post(
            self.path, data={"_csrf_token": await self.token()}, files={"file": (name, data, kind)}, headers={"origin": BASE}
        )

    async def token(self) -> str:
        found = TOKEN.search((await self.client.get("/password")).text)
        assert found
        return found[1]

    async def use(self, **fields: str) -> httpx.Response:
        seen = SEEN.search((await self.get()).text)
        return await self.post("/use", seen=seen[1] if seen else "", **fields)


Enter = Callable[..., Any]


@pytest.fixture
async def enter(house: Litestar, cast: Cast, clock: StillClock) -> AsyncIterator[Enter]:
    """Opens a browser for a person at a studio: `await enter("meera", cast.stamp)`."""
    clock.forward(minutes=1)
    opened: list[httpx.AsyncClient] = []

    async def made(name: str, path: str) -> Browser:
        account, kind = cast.accounts[name]
        acting = next(each.key for each in await roles_of(account, clock.now()) if each.kind is kind)
        async with uow():
            token = await begin(account, Stage.WHOLE, device=Device("test"), limits=AccessSection(), at=clock.now(), acting=acting)
        client = _calling(house, BASE)
        client.headers["accept"] = "text/html"
        client.cookies.set("session", token)
        opened.append(client)
        return Browser(client, path)

    yield made
    for client in opened:
        await client.aclose()
    async with uow():
        for table in (PictureDraft, Stamp, Appearance, ChangeRow):
            await table.delete(force=True)


@dataclass
class Darkroom:
    """A darkroom that develops at once, or raises what a test put there."""

    png: bytes
    quality: int = 80
    fails: list[EngineError] = field(default_factory=list)

    async def develop(self, request: ImageRequest) -> Developed:
        if self.fails:
            raise self.fails.pop()
        mark = zlib.crc32(request.data + repr(request.adjust).encode())
        cleaned = CleanImage(self.png + mark.to_bytes(4, "big"), 90, 40, self.quality, ("The ink is pale.",))
        return Developed(Preview(b"\xff\xd8\xff a preview", 10, 10), cleaned)


@pytest.fixture
def darkroom(site: Site, monkeypatch: pytest.MonkeyPatch) -> Darkroom:
    """In place of the drawing room, where a test is about something else."""
    room = Darkroom(picture("PNG", (90, 40), mode="RGBA"))
    monkeypatch.setattr(site, "drawing", room)
    return room


def picture(kind: str, size: tuple[int, int] = (40, 40), mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "white").save(out, kind, **options)
    return out.getvalue()


def twelve_megapixels() -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a secret place 19.07 72.87"
    with Image.open(io.BytesIO(stamp_photo("EXPORT INSPECTION AGENCY", "MUMBAI", "TEST"))) as small:
        small.resize((3000, 3000)).crop((0, 0, 3000, 3000)).resize((4000, 3000)).rotate(90, expand=True).save(
            out, "JPEG", quality=88, exif=exif
        )
    return out.getvalue()


# --- from the photo to the picture in use -----------------------------------------------------


async def test_a_photo_of_twelve_megapixels_becomes_the_stamp_of_the_office(enter: Enter, cast: Cast) -> None:
    meera, ravi = await enter("meera", cast.stamp), await enter("ravi", cast.stamp)
    answer = await meera.upload(twelve_megapixels() + b"<script>a secret tail</script>")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{cast.stamp}#result")
    page = (await meera.get()).text
    score = re.search(r"Score (\d+) of 100", page)
    assert score
    assert int(score[1]) >= 50
    cleaned, upload = await meera.get("/pictures/draft"), await meera.get("/pictures/upload")
    with Image.open(io.BytesIO(cleaned.content)) as shown:
        assert (shown.format, shown.mode, max(shown.size) <= 400) == ("PNG", "RGBA", True)
        assert shown.info == {}
    with Image.open(io.BytesIO(upload.content)) as shown:
        assert (shown.format, shown.width > shown.height, dict(shown.getexif())) == ("JPEG", True, {})
    assert b"secret" not in cleaned.content + upload.content
    assert (await meera.use()).headers["location"] == f"{cast.stamp}?used=1"
    waits = await ravi.get()
    assert "A new stamp waits" in waits.text
    assert (await ravi.get("/pictures/waiting")).content == cleaned.content
    change = re.search(r"/changes/([0-9a-f-]{36})", waits.text)
    assert change
    ravi.path = ""
    assert (await ravi.post(f"/changes/{change[1]}/confirm")).status_code == 303
    assert (await meera.get("/pictures/live")).content == cleaned.content
    page = (await meera.get()).text
    assert "Meera; confirmed by Ravi" in page
    assert (await meera.get("/pictures/1")).content == cleaned.content


async def test_pictures_are_private_sniffed_by_nobody_and_of_one_kind(enter: Enter, cast: Cast) -> None:
    meera = await enter("meera", cast.stamp)
    await meera.upload(stamp_photo("A", "B", "C"))
    for name, kind in (("draft", "image/png"), ("upload", "image/jpeg")):
        answer = await meera.get(f"/pictures/{name}")
        assert answer.headers["content-type"] == kind
        assert answer.headers["cache-control"].startswith("private")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    for name in ("live", "waiting", "1", "0", "-1", "9" * 30, "%2e%2e%2fetc%2fpasswd", "draft.png", "\u0661"):
        assert (await meera.get(f"/pictures/{name}")).status_code == 404


async def test_the_picture_is_seen_on_forms_before_it_is_used(enter: Enter, cast: Cast) -> None:
    meera, usha = await enter("meera", cast.stamp), await enter("usha", "/firm/picture")
    await meera.upload(stamp_photo("A", "B", "C"))
    page = (await meera.get("/form", of="draft", scheme="AIFTA")).text
    assert re.search(r'<option value="AIFTA" selected', page)
    assert "TEPA_SELF" not in page
    shown = await meera.get("/form/page", of="draft", scheme="AIFTA")
    assert shown.headers["content-type"] == "image/png"
    pdf = await meera.get("/form/pdf", of="draft", scheme="AIFTA")
    assert pdf.headers["cache-control"].startswith("private")
    objects = pdfium.PdfDocument(pdf.content)[0].get_objects(filter=[3], max_depth=5)
    assert len(list(objects)) == 1
    await usha.upload(signature_photo())
    page = (await usha.get("/form", of="draft")).text
    assert re.findall(r'<option value="(\w+)"', page) == ["TEPA_SELF"]
    pdf = await usha.get("/form/pdf", of="draft", scheme="TEPA_SELF")
    placed = [obj for sheet in pdfium.PdfDocument(pdf.content) for obj in sheet.get_objects(filter=[3], max_depth=5)]
    assert len(placed) == 1
    for browser, of, scheme in (
        (meera, "live", "AIFTA"),
        (meera, "draft", "NOPE"),
        (meera, "draft", "TEPA_SELF"),
        (meera, "upload", "AIFTA"),
    ):
        assert (await browser.get("/form/pdf", of=of, scheme=scheme)).status_code == 404


async def test_an_exporters_user_uses_their_own_hand_at_once(enter: Enter, darkroom: Darkroom) -> None:
    usha = await enter("usha", "/firm/picture")
    await usha.upload(b"photo")
    assert (await usha.use()).headers["location"] == "/firm/picture?used=1"
    assert "in use from now on" in (await usha.get(used="1")).text
    assert await Appearance.count().where(Appearance.exporter_user.is_not_null(), Appearance.ended_at.is_null()) == 1
    assert await ChangeRow.count() == 0


async def test_every_studio_leads_back_to_whose_picture_it_is(enter: Enter, cast: Cast, darkroom: Darkroom) -> None:
    leads = {
        ("meera", cast.stamp): f"/offices/{cast.office}",
        ("meera", cast.hand): f"/users/{cast.officer}",
        ("asha", "/picture"): "/dashboard",
        ("usha", "/firm/picture"): "/firm",
    }
    for (name, path), back in leads.items():
        page = (await (await enter(name, path)).get()).text
        assert f'href="{back}">' in page.partition("<main")[2].partition("<h1>")[0], path


async def test_an_officers_own_picture_and_an_administrators_for_them_are_one(enter: Enter, cast: Cast, darkroom: Darkroom) -> None:
    asha, meera = await enter("asha", "/picture"), await enter("meera", cast.hand)
    await meera.upload(b"by the administrator")
    assert "Your upload" not in (await asha.get()).text
    await meera.use()
    page = (await asha.get()).text
    assert "A new signature waits" in page
    change = re.search(r"/changes/([0-9a-f-]{36})", page)
    assert change
    asha.path = ""
    assert (await asha.post(f"/changes/{change[1]}/confirm")).status_code == 303
    assert "Meera; confirmed by Asha" in (await meera.get()).text


# --- adjusting --------------------------------------------------------------------------------


async def test_adjusting_works_without_a_script_and_keeps_what_was_typed(enter: Enter, cast: Cast, darkroom: Darkroom) -> None:
    meera = await enter("meera", cast.stamp)
    await meera.upload(b"photo")
    before = (await meera.get("/pictures/draft")).content
    wanted = {"threshold": "12", "left": "10", "top": "5.5", "right": "90", "bottom": "95", "rotation": "-3.5", "act": "show"}
    assert (await meera.post("/adjust", **wanted)).status_code == 303
    page = (await meera.get()).text
    for name in ("threshold", "left", "right", "bottom", "top", "rotation"):
        assert re.search(rf'name="{name}"[^>]*value="{re.escape(wanted[name])}"', page)
    assert (await meera.get("/pictures/draft")).content != before
    await meera.post("/adjust", **{**wanted, "act": "automatic"})
    assert (await meera.get("/pictures/draft")).content == before


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("threshold", "51"),
        ("threshold", "dark"),
        ("rotation", "181"),
        ("rotation", "1e999"),
        ("rotation", "NaN"),
        ("left", "-1"),
        ("left", "१०"),
        ("right", "0"),
        ("bottom", "Infinity"),
        ("top", "<b>9</b>"),
        ("top", "9" * 300),
    ],
)
async def test_a_field_that_says_nothing_is_named_and_nothing_is_lost(
    enter: Enter, cast: Cast, darkroom: Darkroom, name: str, typed: str
) -> None:
    meera = await enter("meera", cast.stamp)
    await meera.upload(b"photo")
    before = await PictureDraft.select()
    answer = await meera.post("/adjust", act="show", **{name: typed})
    assert answer.status_code == 422
    assert f'id="{name}-wrong"' in answer.text
    assert "<b>9</b>" not in answer.text
    assert await PictureDraft.select() == before


async def test_a_low_score_is_used_by_the_persons_word_alone(enter: Enter, cast: Cast, darkroom: Darkroom) -> None:
    darkroom.quality = 30
    meera = await enter("meera", cast.stamp)
    await meera.upload(b"photo")
    answer = await meera.use()
    assert answer.status_code == 422
    assert 'id="despite-wrong"' in answer.text
    assert "Your upload" in answer.text
    assert (await meera.use(despite="yes")).status_code == 303


async def test_what_was_not_seen_is_not_used(enter: Enter, cast: Cast, darkroom: Darkroom) -> None:
    meera = await enter("meera", cast.stamp)
    await meera.upload(b"photo")
    seen = SEEN.search((await meera.get()).text)
    assert seen
    await meera.post("/adjust", act="show", threshold="9")
    answer = await meera.post("/use", seen=seen[1])
    assert answer.status_code == 409
    assert "another window" in answer.text
    assert await Stamp.count() == await ChangeRow.count() == 0
    for nonsense in ("", "x", "0" * 64):
        assert (await meera.post("/use", seen=nonsense)).status_code == 409


async def test_an_old_proof_leads_to_the_proof_and_the_draft_stays(enter: Enter, cast: Cast, darkroom: Darkroom, clock: StillClock) -> None:
    meera = await enter("meera", cast.stamp)
    await meera.upload(b"photo")
    clock.forward(minutes=26)
    assert f'href="/account/prove?next={cast.stamp}"' in (await meera.get()).text
    answer = await meera.post("/use", seen="0" * 64)
    assert answer.headers["location"].startswith("/account/prove")
    assert await PictureDraft.count() == 1


async def test_a_second_upload_while_a_change_waits_is_kept_and_waits_too(enter: Enter, cast: Cast, darkroom: Darkroom) -> None:
    meera, ravi = await enter("meera", cast.stamp), await enter("ravi", cast.stamp)
    await meera.upload(b"one")
    await meera.use()
    for browser in (meera, ravi):
        assert (await browser.upload(b"two")).status_code == 303
        page = (await browser.get()).text
        assert "when the one that waits is decided" in page
        [draft] = await PictureDraft.select().where(PictureDraft.account == cast.accounts["meera" if browser is meera else "ravi"][0])
        answer = await browser.post("/use", seen=draft["clean_sha256"])
        assert answer.status_code == 409
        assert "waits already" in answer.text
    assert await ChangeRow.count() == 1
    assert await PictureDraft.count() == 2


async def test_a_busy_room_says_so_and_keeps_the_upload(enter: Enter, cast: Cast, darkroom: Darkroom) -> None:
    meera = await enter("meera", cast.stamp)
    darkroom.fails.append(Unavailable("Too many wait for the images processes just now. Try again in a moment.", code="busy"))
    answer = await meera.upload(b"photo")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Try again in a moment" in answer.text
    assert "kept here" in answer.text
    assert (await meera.get("/pictures/upload")).status_code == 404
    assert (await meera.post("/adjust", act="show")).status_code == 303
    assert "Score 80" in (await meera.get()).text


async def test_so_many_uploads_at_once_are_answered_or_told_to_come_back(
    enter: Enter, cast: Cast, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.studio()._images, "_room", threading.Semaphore(1))
    photo = stamp_photo("A", "B", "C")
    browsers = [
        await enter(name, path)
        for name, path in (("meera", cast.stamp), ("ravi", cast.stamp), ("asha", "/picture"), ("usha", "/firm/picture"))
    ]
    answers = await asyncio.gather(*(browser.upload(photo) for browser in browsers))
    assert {answer.status_code for answer in answers} == {303, 503}
    for browser in browsers:
        assert "Your upload" in (await browser.get()).text


# --- those who try what is not theirs ---------------------------------------------------------


def asked_of(path: str) -> Iterator[tuple[str, str]]:
    yield from (("GET", f"{path}{rest}") for rest in ("", "/pictures/draft", "/pictures/upload", "/pictures/waiting", "/pictures/live"))
    yield from (("GET", f"{path}{rest}") for rest in ("/pictures/1", "/form", "/form/page?scheme=AIFTA", "/form/pdf?scheme=AIFTA"))
    yield from (("POST", f"{path}{rest}") for rest in ("", "/adjust", "/use", "/drop"))


async def test_another_agencys_office_and_officer_read_like_none(
    enter: Enter, cast: Cast, darkroom: Darkroom, clock: StillClock, site: Site
) -> None:
    thea = await enter("thea", f"/offices/{cast.foreign_office}/stamp")
    await thea.upload(b"photo")
    await put_stamp(
        await find_office(PLATFORM, "TXC", "KOC"),
        CleanImage(b"", 1, 1, 90),
        await site.files.put(darkroom.png),
        actor="test",
        at=clock.now(),
    )
    assert (await thea.get("/pictures/1")).status_code == 200
    meera = await enter("meera", "")
    for place, foreign in (("/offices/{}/stamp", cast.foreign_office), ("/users/{}/picture", cast.foreign_officer)):
        for (method, path), (_, unknown) in zip(asked_of(place.format(foreign)), asked_of(place.format(uuid4())), strict=True):
            answers = []
            for each in (path, unknown):
                fields = {"_csrf_token": await meera.token(), "seen": "0" * 64, "act": "show"} if method == "POST" else None
                files = {"file": ("a.jpg", b"x", "image/jpeg")} if method == "POST" and each.endswith(("stamp", "picture")) else None
                answer = await meera.client.request(method, each, data=fields, files=files, headers={"origin": BASE})
                answers.append((answer.status_code, UNLIKE.sub("…", answer.text)))
            assert answers[0] == answers[1]
            assert answers[0][0] == 404, path
    assert await PictureDraft.count() == 1


async def test_a_draft_is_its_makers_also_within_the_agency(enter: Enter, cast: Cast, darkroom: Darkroom) -> None:
    meera = await enter("meera", cast.hand)
    await meera.upload(b"photo")
    [draft] = await PictureDraft.select()
    for name, path in (("ravi", cast.hand), ("asha", "/picture"), ("binod", "/picture")):
        other = await enter(name, path)
        assert "Your upload" not in (await other.get()).text
        for shown in ("draft", "upload"):
            assert (await other.get(f"/pictures/{shown}")).status_code == 404
        assert (await other.get("/form/pdf", of="draft", scheme="AIFTA")).status_code == 404
        assert (await other.post("/adjust", act="show")).status_code == 404
        assert (await other.post("/use", seen=draft["clean_sha256"])).status_code == 404
        assert (await other.post("/drop")).status_code == 303
    assert await PictureDraft.select() == [draft]


async def test_a_draft_of_yesterday_is_gone(enter: Enter, cast: Cast, darkroom: Darkroom, clock: StillClock) -> None:
    meera = await enter("meera", cast.stamp)
    await meera.upload(b"photo")
    seen = SEEN.search((await meera.get()).text)
    assert seen
    clock.forward(hours=24)
    later = await enter("meera", cast.stamp)
    assert "Your upload" not in (await later.get()).text
    for rest, fields in (("/adjust", {"act": "show"}), ("/use", {"seen": seen[1]})):
        answer = await later.post(rest, **fields)
        assert answer.status_code == 404
        assert "not here any more" in answer.text
    assert (await later.get("/pictures/draft")).status_code == 404


async def test_a_user_without_the_right_to_sign_has_no_picture(enter: Enter) -> None:
    reader = await enter("reader", "/firm/picture")
    for method, path in asked_of("/firm/picture"):
        fields = {"_csrf_token": await reader.token()} if method == "POST" else None
        answer = await reader.client.request(method, path, data=fields, headers={"origin": BASE})
        assert answer.status_code == 403, path
    assert await PictureDraft.count() == 0


async def test_an_upload_without_our_form_is_refused(enter: Enter, cast: Cast, darkroom: Darkroom) -> None:
    meera = await enter("meera", cast.stamp)
    for token, origin in (("", BASE), ("0" * 64, BASE), (await meera.token(), "https://evil.example")):
        answer = await meera.client.post(
            cast.stamp, data={"_csrf_token": token}, files={"file": ("a.jpg", b"photo", "image/jpeg")}, headers={"origin": origin}
        )
        assert answer.status_code == 403
    assert await PictureDraft.count() == 0


async def test_uploads_are_counted(enter: Enter, cast: Cast, darkroom: Darkroom) -> None:
    meera = await enter("meera", cast.stamp)
    answers = [(await meera.upload(b"photo")).status_code for _ in range(21)]
    assert answers == [303] * 20 + [429]
    assert await PictureDraft.count() == 1


async def test_a_file_that_is_too_large_is_named(enter: Enter, cast: Cast) -> None:
    meera = await enter("meera", cast.stamp)
    answer = await meera.upload(b"\xff\xd8\xff" + bytes(8 * 1024 * 1024))
    assert answer.status_code == 422
    assert "larger than 8 MB" in answer.text
    assert (await meera.upload(bytes(9 * 1024 * 1024))).status_code == 413
    assert await PictureDraft.count() == 0


async def test_no_file_at_all_is_named(enter: Enter, cast: Cast) -> None:
    meera = await enter("meera", cast.stamp)
    for answer in (await meera.post(""), await meera.post("", file="not a file"), await meera.upload(b"")):
        assert answer.status_code == 422
        assert "Choose a photo" in answer.text


# --- hostile files ----------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, *more: bytes, rows: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pages(kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    first, second = Image.new("RGB", (60, 60), "white"), Image.new("RGB", (60, 60), "black")
    first.save(out, kind, save_all=True, append_images=[second], **options)
    return out.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><image href="file:///etc/passwd"/></svg>'
HOSTILE: dict[str, Callable[[], bytes]] = {
    "svg": lambda: SVG,
    "svg with a prologue": lambda: b'<?xml version="1.0"?>' + SVG,
    "svgz": lambda: zlib.compress(SVG),
    "html": lambda: b"<!doctype html><script>alert(1)</script>",
    "pdf": lambda: b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
    "postscript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
    "gif": lambda: picture("GIF"),
    "gif and script": lambda: b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)",
    "bmp": lambda: picture("BMP"),
    "icon": lambda: picture("ICO"),
    "ppm": lambda: picture("PPM"),
    "zip": lambda: b"PK\x03\x04" + bytes(60),
    "program": lambda: b"\x7fELF" + bytes(60),
    "heic": lambda: b"\x00\x00\x00\x18ftypheic" + bytes(60),
    "words": lambda: "a stamp, नमस्ते".encode(),
    "png magic and html": lambda: b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
    "jpeg magic alone": lambda: b"\xff\xd8\xff\xe0",
    "jpeg cut off": lambda: stamp_photo("A", "B", "C")[:900],
    "png cut off": lambda: picture("PNG", (900, 900))[:60],
    "png of 900 megapixels": lambda: png_of(30000, 30000),
    "png of 4 thousand million pixels": lambda: png_of(65500, 65500),
    "png without width": lambda: png_of(0, 10),
    "png with too few rows": lambda: png_of(500, 500, rows=b"\0" * 20),
    "png whose note is a bomb": lambda: png_of(40, 40, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80_000_000)))),
    "two pages": lambda: pages("TIFF"),
    "moving png": lambda: pages("PNG"),
    "moving webp": lambda: pages("WEBP"),
    "tiff that leads nowhere": lambda: b"II*\0\xff\xff\xff\x7f" + bytes(40),
    "nothing but white": lambda: b"RIFF\xff\xff\xff\xffWEBPVP8 " + bytes(30),
}


async def test_hostile_files_are_refused_and_cost_nobody_their_draft(enter: Enter, cast: Cast, clock: StillClock) -> None:
    clock.forward(hours=24)  # a day on which meera uploaded nothing yet: uploads have a quota
    meera = await enter("meera", cast.stamp)
    await meera.upload(stamp_photo("A", "B", "C"))
    before = await PictureDraft.select()
    assert len(HOSTILE) >= 20
    for count, (name, make) in enumerate(HOSTILE.items()):
        if count % 15 == 14:
            clock.forward(minutes=1)
        for given, kind in (("photo.jpg", "image/jpeg"),) if count else (("../../etc/passwd", "image/svg+xml"), ("a.png", "image/png")):
            answer = await meera.upload(make(), given, kind)
            assert answer.status_code == 422, name
            assert 'id="file-wrong"' in answer.text, name
            assert "alert(1)" not in answer.text
            assert "Traceback" not in answer.text
    assert await PictureDraft.select() == before
    assert (await meera.upload(signature_photo())).status_code == 303


async def test_the_name_of_a_file_is_nobodys_business(enter: Enter, cast: Cast, darkroom: Darkroom, config: Config) -> None:
    meera = await enter("meera", cast.stamp)
    for name in ("../../../tmp/x.jpg", "<img src=x onerror=alert(1)>.jpg", "a" * 900, "\u202egpj.exe"):
        assert (await meera.upload(b"photo", name)).status_code == 303
        assert "onerror" not in (await meera.get()).text
    assert not [path for path in Path(config.folder).rglob("*") if path.name.endswith((".jpg", ".exe"))]


# --- the specimen sheet -----------------------------------------------------------------------


async def test_the_specimen_sheet_shows_what_was_in_force_on_a_day(enter: Enter, cast: Cast, clock: StillClock, site: Site) -> None:
    sha256 = await site.files.put(picture("PNG", (90, 90), mode="RGBA"))
    today = clock.now()
    office = await find_office(PLATFORM, "EIA", "MUM")
    await put_stamp(office, CleanImage(b"", 1, 1, 90), sha256, actor="test", at=today - timedelta(hours=30))
    await put_stamp(office, CleanImage(b"", 1, 1, 90), sha256, actor="test", at=today)
    meera, asha = await enter("meera", "/specimens"), await enter("asha", "/specimens")
    page = (await meera.get()).text
    assert "Office MUM (MUM)" in page
    assert "Office DEL (DEL)" in page
    assert "Office KOC" not in page
    own = (await asha.get()).text
    assert "Office MUM (MUM)" in own
    assert "Office DEL" not in own
    pdf = await meera.get("/sheet.pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.headers["cache-control"].startswith("private")
    text = "".join(sheet.get_textpage().get_text_bounded() for sheet in pdfium.PdfDocument(pdf.content))
    for word in ("Export Inspection Agency", "Asha", "Binod", "Director", "No signature picture", "DEMONSTRATION", "Page 1 of 1"):
        assert word in text
    assert "Chand" not in text
    past = (today - timedelta(days=1)).date().isoformat()
    text = "".join(
        sheet.get_textpage().get_text_bounded() for sheet in pdfium.PdfDocument((await meera.get("/sheet.pdf", on=past)).content)
    )
    assert text.count("Stamp, from") == 1


@pytest.mark.parametrize("on", ["2999-01-01", "1999-12-31", "yesterday", "2026-02-30", "<script>", "२०२६-११-२१", "2026-11-21T00:00"])
async def test_a_day_that_is_none_or_still_to_come_is_refused(enter: Enter, on: str) -> None:
    meera = await enter("meera", "/specimens")
    for rest in ("", "/sheet.pdf"):
        answer = await meera.get(rest, on=on)
        assert answer.status_code == 422
        assert "<script>" not in answer.text.replace('<script src="/static', "")
