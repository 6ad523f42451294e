"""What must be true of every site once it has settled, whatever happened to it; read by tests/conftest.py."""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from engine.filing.tables import ApplicationRow
from engine.issuing.tables import ApprovalRow, SigningDocumentRow, SigningJobRow
from engine.money.tables import CoverRow
from engine.proof import Verifier
from engine.proof.marks import Marks
from engine.proof.signature import SignatureReport, check_signature
from engine.proof.tables import CertificateEventRow, CertificateFileRow, CertificateRow, SeriesRow
from engine.site import Site
from engine.store.audit import chain_breaks, seal
from engine.store.tables import Blob


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
