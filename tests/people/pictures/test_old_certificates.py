"""A certificate keeps the stamp and the hand that it was approved with, whatever is put there afterwards."""

import hashlib
import json
from importlib.resources import files
from typing import Any

import pypdfium2 as pdfium

from engine import demo
from engine.application import Application
from engine.contracts.drawing import CleanImage
from engine.filing import read
from engine.issuing.tables import ApprovalRow
from engine.people import exporter_by_iec, exporter_user, find_office, find_officer, put_appearance, put_stamp
from engine.people.pictures import BearerKind, put_version
from engine.proof import of_application
from engine.scope import PLATFORM
from engine.store import uow
from engine.store.files import remember


async def test_what_was_approved_keeps_its_stamp_and_hand_when_new_ones_come(walk: Any, application: Application) -> None:
    site, at = walk.site, walk.clock.now()
    office, officer = await find_office(PLATFORM, demo.AGENCY, demo.OFFICE), await find_officer(PLATFORM, demo.OFFICER)
    _, approval = await walk.approve(application)
    stamp_png = await site.files.get(str(office.stamp_sha256)) + b"another"
    image = CleanImage(stamp_png, 300, 300, 90)
    sha256 = await site.files.put(stamp_png)
    async with uow():
        await remember(sha256, len(stamp_png), room="people", row="test", purpose="stamp", media_type="image/png", at=at)
        assert await put_stamp(office, image, sha256, actor="test", at=at) == 2
        assert await put_appearance(officer, image, sha256, actor="test", at=at) == 2
    assert (await walk.run(approval)).over
    [row] = await ApprovalRow.select(ApprovalRow.frozen).where(ApprovalRow.id == approval)
    frozen = json.loads(row["frozen"])
    assert frozen["stamp_sha256"] == office.stamp_sha256 != sha256
    assert frozen["appearance_sha256"] == officer.appearance_sha256 != sha256
    assert (await find_office(PLATFORM, demo.AGENCY, demo.OFFICE)).stamp_sha256 == sha256


async def test_a_self_declaration_shows_the_hand_of_the_user_who_signs_it(walk: Any) -> None:
    application = read((files("plugins") / "templates" / "tepa_self" / "example.json").read_bytes())
    site, at = walk.site, walk.clock.now()
    exporter = await exporter_by_iec(PLATFORM, application.exporter.iec)
    assert exporter is not None
    user = await exporter_user(PLATFORM, exporter.id, demo.SIGNATORY)
    png = await site.files.get(str((await find_officer(PLATFORM, demo.OFFICER)).appearance_sha256))
    async with uow():
        columns = {"exporter": exporter.id, "exporter_user": user.id}
        await put_version(BearerKind.USER, columns, sha256=await site.files.put(png), quality=80, made_by="test", actor="test", at=at)
    draft, approval = await walk.approve(application)
    assert (await walk.run(approval)).over
    [row] = await ApprovalRow.select(ApprovalRow.frozen).where(ApprovalRow.id == approval)
    assert json.loads(row["frozen"])["appearance_sha256"] == hashlib.sha256(png).hexdigest()
    standing = await of_application(PLATFORM, draft.id)
    assert standing is not None
    drawn = await site.files.get(standing.drawn_sha256)
    placed = [item for page in pdfium.PdfDocument(drawn) for item in page.get_objects(filter=[3], max_depth=5)]
    assert len(placed) == 1
