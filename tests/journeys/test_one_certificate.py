"""One certificate, judged by tools that are not ours, and then attacked."""

import io
import re
import subprocess
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from engine import config as configuration
from engine.application import Application
from engine.certificate import Verdict
from engine.clock import IST
from engine.proof import files_of
from engine.site import Site


@dataclass
class Issued:
    """An issued certificate and the site that issued it."""

    site: Site
    pdf: bytes
    number: str
    code: str
    path: Path


@pytest.fixture
async def issued(
    sites: Any, tmp_path: Path, walking: Callable[..., AbstractAsyncContextManager[Any]], application: Application
) -> AsyncIterator[Issued]:
    """The pack's example, issued on SQLite."""
    config = configuration.load(sites.make(tmp_path / "site", "sqlite"), {})
    async with walking(config) as walk:
        _, approval = await walk.approve(application)
        outcome = await walk.until_over(approval)
        standing = outcome.standing
        assert standing is not None
        pdf = await walk.site.files.get((await files_of(standing))[0]["file_sha256"])
        path = tmp_path / "certificate.pdf"
        path.write_bytes(pdf)
        yield Issued(walk.site, pdf, standing.number, standing.code, path)


def _tool(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


async def test_other_peoples_tools_find_it_intact_and_whole(issued: Issued, tmp_path: Path) -> None:
    path = str(issued.path)
    said = _tool("pdfsig", "-nocert", path)
    assert "Signature is Valid." in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said
    assert "The document is unchanged since signing." in _tool("mutool", "sign", "-v", path)
    assert "No syntax or stream encoding errors found" in _tool("qpdf", "--check", path)
    fonts = _tool("pdffonts", path).splitlines()[2:]
    assert fonts
    assert all(line.split()[-5] == "yes" for line in fonts), fonts
    signed = re.search(rb"/ByteRange \[\s*(\d+) (\d+) (\d+) (\d+)\s*\]", issued.pdf)
    assert signed is not None
    start, length, start2, length2 = (int(number) for number in signed.groups())
    assert (start, start2 + length2) == (0, len(issued.pdf))
    (tmp_path / "content").write_bytes(issued.pdf[:length] + issued.pdf[start2:])
    der = bytes.fromhex(issued.pdf[length + 1 : start2 - 1].decode())
    (tmp_path / "cms").write_bytes(der)
    root = issued.site.config.trust.roots[0]
    said = _tool(
        "openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", str(tmp_path / "cms"),
        "-content", str(tmp_path / "content"), "-CAfile", str(root), "-purpose", "any", "-out", "/dev/null",
    )  # fmt: skip
    assert "CMS Verification successful" in said or "CAdES Verification successful" in said, said


async def test_its_code_is_read_from_a_picture_of_150_dpi(issued: Issued, tmp_path: Path) -> None:
    _tool("pdftoppm", "-r", "150", "-png", str(issued.path), str(tmp_path / "page"))
    page = next(tmp_path.glob("page*.png"))
    address = f"HTTP://127.0.0.1:8000/V/{issued.code}"
    assert address in _tool("zbarimg", "--quiet", "--raw", str(page))
    text, *_ = cv2.QRCodeDetector().detectAndDecode(cv2.imread(str(page)))
    assert text == address


async def test_the_printed_date_is_the_day_of_signing_in_india(issued: Issued) -> None:
    signature = PdfFileReader(io.BytesIO(issued.pdf)).embedded_signatures[0]
    claimed = signature.self_reported_timestamp
    assert claimed is not None
    assert claimed.utcoffset() == IST.utcoffset(None)
    text = _tool("pdftotext", "-layout", str(issued.path), "-")
    assert claimed.strftime("%d %b %Y").upper() in text
    assert claimed.strftime("%Y.%m.%d %H:%M:%S +05'30'") in text


def _flipped(pdf: bytes, at: int) -> bytes:
    return pdf[:at] + bytes([pdf[at] ^ 0x01]) + pdf[at + 1 :]


def _with_annotation(pdf: bytes) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    note = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/FreeText"),
            generic.pdf_name("/Rect"): generic.ArrayObject([generic.NumberObject(n) for n in (50, 50, 300, 100)]),
            generic.pdf_name("/Contents"): generic.pdf_string("HS: 999999"),
        }
    )
    page = writer.root["/Pages"]["/Kids"][0]
    annotations = page.setdefault("/Annots", generic.ArrayObject())
    annotations.append(writer.add_object(note))
    writer.update_container(annotations if annotations.container_ref else page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _with_a_page(pdf: bytes) -> bytes:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(pdf)))
    from pyhanko.pdf_utils.writer import PageObject

    stream = generic.StreamObject(stream_data=zlib.compress(b""), dict_data={generic.pdf_name("/Filter"): generic.pdf_name("/FlateDecode")})
    writer.insert_page(PageObject(contents=writer.add_object(stream), media_box=(0, 0, 595, 842)))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


async def test_it_is_genuine_and_nothing_changed_ever_is(issued: Issued) -> None:
    verifier, pdf = issued.site.verifier, issued.pdf
    assert (await verifier.file(pdf)).verdict is Verdict.GENUINE
    step = max(1, len(pdf) // 90)
    changed = {f"byte {at}": _flipped(pdf, at) for at in range(0, len(pdf), step)}
    changed |= {
        "a byte appended": pdf + b"\n",
        "another end": pdf + b"%%EOF\n",
        "the first half": pdf[: len(pdf) // 2],
        "an annotation": _with_annotation(pdf),
        "a page": _with_a_page(pdf),
        "rewritten": _rewritten(pdf),
    }
    answers = {name: await verifier.file(data) for name, data in changed.items()}
    verdicts = {name: answer.verdict for name, answer in answers.items()}
    assert not [name for name, verdict in verdicts.items() if verdict is Verdict.GENUINE]
    for name in ("a byte appended", "an annotation", "a page", "rewritten"):
        assert verdicts[name] is Verdict.ALTERED, name
        shown = answers[name].certificate
        assert shown is not None, f"{name}: what the register holds is shown beside a file that names it"
        assert shown["number"] == issued.number


def _rewritten(pdf: bytes) -> bytes:
    out = io.BytesIO()
    copy_into_new_writer(PdfFileReader(io.BytesIO(pdf))).write(out)
    return out.getvalue()


async def test_signed_again_by_another_key_it_is_altered(issued: Issued, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from engine.contracts.drawing import Rect
    from engine.contracts.signing import Document, Signatory, SignatureJob, Signed, SignerContext
    from engine.issuing import pades

    drawn = issued.pdf[: issued.pdf.index(b"%%EOF") + 6]
    signer: Any = type(issued.site.registry.signer("key_file"))()
    signer.rehearse(
        tmp_path / "other" / "keys", [("forger", "Asha Deshmukh", "Export Inspection Agency (demonstration)")], datetime.now(UTC)
    )
    await signer.open(SignerContext({"folder": "keys"}, tmp_path / "other", issued.site.clock, demo=True))
    signatory = Signatory("1", "Asha Deshmukh", "forger")
    chain = await signer.identity(signatory)
    at = datetime.now(UTC)
    prepared = await pades.prepare(drawn, chain=chain, field=Rect(0, 140, 250, 45, 14), signer_name="Asha Deshmukh", at=at)
    document = Document("d", issued.number, prepared.digest, prepared.attributes, "")
    outcome = await signer.start(SignatureJob("j", "t", signatory, (document,)))
    assert isinstance(outcome, Signed)
    forged = await pades.finish(prepared, outcome.documents[0].result, chain=chain)  # type: ignore[arg-type]
    assert "Signature is Valid." in _sig(forged, tmp_path)
    answer = await issued.site.verifier.file(forged)
    assert (answer.verdict, answer.reasons) == (Verdict.ALTERED, ("other_bytes",))


def _sig(pdf: bytes, folder: Path) -> str:
    path = folder / "forged.pdf"
    path.write_bytes(pdf)
    return _tool("pdfsig", "-nocert", str(path))
