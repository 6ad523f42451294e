"""Letters of authorisation: what is taken, and every file that is something else, or something else besides."""

import io
import struct
import zipfile
import zlib
from contextlib import suppress
from typing import Any

import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from engine.errors import Refused
from engine.people.joining import letters
from engine.people.joining.letters import MOST_BYTES, read_letter


def pdf() -> bytes:
    out = io.BytesIO()
    sheet = Canvas(out, pageCompression=1)
    sheet.drawString(40, 700, "We appoint Meera Iyer as administrator.")
    sheet.save()
    return out.getvalue()


def picture(kind: str, **more: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((120, 80), 60).convert("RGB").save(out, kind, **more)
    return out.getvalue()


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("run.js", "alert(1)")
    return out.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb() -> bytes:
    """A PNG that says it has 60,000 x 60,000 pixels."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (pdf(), "application/pdf"),
        (pdf() + b"\r\n\r\n", "application/pdf"),
        (picture("JPEG"), "image/jpeg"),
        (picture("JPEG", progressive=True), "image/jpeg"),
        (picture("PNG"), "image/png"),
    ],
)
def test_a_letter_is_taken_for_what_its_bytes_are(data: bytes, media_type: str) -> None:
    found = read_letter(data)
    assert (found.media_type, found.data) == (media_type, data)
    assert str(data[:20]) not in repr(found)


@pytest.mark.parametrize("hidden", [archive(), b"<script>alert(1)</script>", picture("JPEG"), b"MZ\x90\x00"])
def test_what_hangs_behind_a_photo_is_not_kept(hidden: bytes) -> None:
    photo = picture("JPEG")
    assert read_letter(photo + hidden).data == photo


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + b"\0" * 50,
        b"RIFF\0\0\0\0WEBP",
        b"PK\x03\x04" + b"\0" * 50,
        b"MZ" + pdf(),
        b"\n" + pdf(),
        b"<!--" + pdf(),
        archive() + pdf(),
        pdf() + archive(),
        pdf() + b"<script>alert(1)</script>",
        pdf()[:-40],
        b"%PDF-1.7\n%%EOF",
        picture("PNG") + archive(),
        picture("PNG") + b"\0",
        picture("PNG")[:-8],
        picture("PNG")[:20],
        b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""),
        bomb(),
        picture("JPEG")[:-2],
        picture("JPEG")[:200],
        picture("JPEG")[:3],
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\x00\x00",
        b"\xff\xd8\xff\xfe\xff\xff<html>",
        b"\xff\xd8" + b"\xff" * 1000,
    ],
)
def test_what_is_broken_or_of_two_kinds_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_letter(data)
    assert refused.value.box == "letter"


@pytest.mark.parametrize(
    "inside",
    [
        b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>",
        b"/OpenAction << /S /J#61vaScript >>",
        b"/Names << /EmbeddedFiles 5 0 R >>",
        b"/AA << /O << /S /Launch /F (cmd.exe) >> >>",
        b"/AcroForm << /XFA 6 0 R >>",
        b"/Encrypt 7 0 R",
    ],
)
def test_a_pdf_that_is_locked_or_runs_something_is_refused(inside: bytes) -> None:
    with pytest.raises(Refused, match="PDF"):
        read_letter(pdf().replace(b"/Type /Catalog", b"/Type /Catalog " + inside))


def test_bytes_of_a_picture_in_a_pdf_are_not_mistaken_for_names() -> None:
    stream = b"5 0 obj << /Length 20 >>\nstream\n\x01/JS \x02/Launch\xff\nendstream\nendobj\n"
    read_letter(pdf().replace(b"xref\n", stream + b"xref\n", 1))


def test_a_letter_that_is_too_large_is_refused_before_anything_is_read() -> None:
    with pytest.raises(Refused, match="4 MB"):
        read_letter(pdf() + b" " * MOST_BYTES)


class Watched(bytes):
    """Bytes that count how many of them were searched."""

    searched = 0

    def find(self, *arguments: Any) -> int:
        found = super().find(*arguments)
        Watched.searched += (found if found >= 0 else len(self)) - arguments[1]
        return found


@pytest.mark.parametrize("filling", [b"stream\n", b"stream\r\n", b"stream", b"endstream", b"stream\nendstream\n", b"stream\nx"])
def test_a_pdf_that_is_made_to_be_read_for_ever_is_searched_twice_at_most(filling: bytes) -> None:
    """A search for an end that is not there, begun anew at each place, takes hours for a letter of the size that is taken."""
    data = b"%PDF-1.7\n" + filling * (200_000 // len(filling)) + b"startxref\n0\n%%EOF\n"
    Watched.searched = 0
    for _ in letters._outside_streams(Watched(data)):
        pass
    assert Watched.searched <= 2 * len(data)
    with suppress(Refused):
        read_letter(data)


def test_streams_are_cut_out_and_nothing_else() -> None:
    data = b"a stream\nxyz/JS endstream b streams c stream\n never ends"
    assert b"".join(letters._outside_streams(data)) == b"a  b streams c stream\n never ends"
