"""The pipeline a good developer writes in a day: xhtml2pdf, a QR as PNG, pyHanko with its defaults, a row in SQLite.

It is what our own is measured beside, so it gets every chance: libraries warm, the key loaded once by pyHanko's own
loader, the template compiled once, pictures cleaned beforehand, the same words as ours on one page of twelve boxes.
"""

import hashlib
import io
import json
import sqlite3
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import jinja2
import segno
from asn1crypto import pem
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
from xhtml2pdf import pisa
from xhtml2pdf.config.resources import ResourceAccessPolicy

from engine.contracts.drawing import DrawRequest
from engine.contracts.signing import X509Chain
from engine.errors import PluginError

__all__ = ["Naive"]

_SHARES = {"5": 6, "6": 15, "7": 36, "8": 13, "9": 16, "10": 14}
_TABLE = "CREATE TABLE certificate (number TEXT PRIMARY KEY, state TEXT, content TEXT, sha256 TEXT, pdf BLOB)"


class Naive:
    """The naive pipeline, open: a signer with its key, a template, a database in WAL, and a folder for pictures."""

    def __init__(self, folder: Path, *, key: Path, chain: X509Chain, stamp: bytes, appearance: bytes) -> None:
        self._folder = folder
        folder.mkdir(parents=True)
        (folder / "stamp.png").write_bytes(stamp)
        (folder / "appearance.png").write_bytes(appearance)
        self._template = jinja2.Environment(autoescape=True).from_string((files(__package__) / "naive.html").read_text(encoding="utf-8"))
        self._signer = _signer(folder, key, chain)
        self._rows = sqlite3.connect(folder / "naive.db", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode=WAL")
        self._rows.execute(_TABLE)

    def close(self) -> None:
        """Closes the database."""
        self._rows.close()

    def issue(self, request: DrawRequest) -> bytes:
        """One certificate, start to end: drawn, signed, stored as a row with its PDF."""
        signed = self.sign(self.draw(request))
        content = json.dumps({"values": dict(request.values), "boxes": request.filled.boxes, "rows": request.filled.rows})
        row = (request.number, "issued", content, hashlib.sha256(signed).hexdigest(), signed)
        self._rows.execute("INSERT INTO certificate VALUES (?, ?, ?, ?, ?)", row)
        return signed

    def draw(self, request: DrawRequest) -> bytes:
        """The certificate as a PDF."""
        segno.make(request.qr_text, error="m").save(str(self._folder / "code.png"), scale=4, border=4)
        policy = ResourceAccessPolicy(allow_remote=False, base_dir=self._folder, extra_roots=_font_folders(request))
        out = io.BytesIO()
        done = pisa.CreatePDF(self._html(request), dest=out, path=str(self._folder / "page.html"), resource_policy=policy)
        if done.err:
            raise PluginError(f"The naive pipeline could not draw: {done.log[0][2]}")
        return out.getvalue()

    def sign(self, pdf: bytes) -> bytes:
        """The PDF with an invisible PAdES signature, as pyHanko's guide shows it."""
        metadata = signers.PdfSignatureMetadata(field_name="Signature1", subfilter=SigSeedSubFilter.PADES)
        signed = signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), metadata, signer=self._signer)
        return bytes(signed.getbuffer())

    def _html(self, request: DrawRequest) -> str:
        form = request.form
        picture: Mapping[str, str] = {"code": "code.png", "stamp": "stamp.png", "appearance": "appearance.png"}
        return self._template.render(
            number=request.number,
            heading=form.heading,
            headings={box.no: box.heading for box in form.boxes},
            boxes=request.filled.boxes,
            rows=request.filled.rows,
            columns=tuple(_SHARES.items()),
            values=request.values,
            regular=form.regular.path,
            bold=form.bold.path,
            **picture,
        )


def _font_folders(request: DrawRequest) -> tuple[Path, ...]:
    return tuple(Path(face.path).parent for face in (request.form.regular, request.form.bold))


def _signer(folder: Path, key: Path, chain: X509Chain) -> signers.SimpleSigner:
    """pyHanko's signer, loaded from files as its guide does."""
    (folder / "signer.pem").write_text(_pem_text(chain.leaf), encoding="ascii")
    (folder / "issuers.pem").write_text("".join(_pem_text(der) for der in chain.issuers), encoding="ascii")
    signer: signers.SimpleSigner | None = signers.SimpleSigner.load(
        str(key), str(folder / "signer.pem"), ca_chain_files=(str(folder / "issuers.pem"),)
    )
    if signer is None:
        raise PluginError("pyHanko could not load the demonstration key.")
    return signer


def _pem_text(der: bytes) -> str:
    return str(pem.armor("CERTIFICATE", der), "ascii")
