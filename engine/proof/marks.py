"""What a foreign PDF says of itself: the verification address and the numbers on it. Runs in a limited child process."""

import contextlib
import importlib
import re
from dataclasses import dataclass

import pypdfium2 as pdfium

from engine.certificate import CODE_LENGTH

__all__ = ["Marks", "read_marks"]

_MOST = 20
_MOST_PAGES = 40
_MOST_TEXT = 400_000
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]\-]{3,120}/v/[A-Za-z0-9]{20,400}", re.IGNORECASE)
_NUMBER = re.compile(r"\b[A-Z0-9]{2,12}/\d{4}/[A-Z0-9]{2,12}/[A-Z0-9]{6,12}(?:/\d{8})?\b")


@dataclass(frozen=True, slots=True)
class Marks:
    """Addresses and numbers as found, in order; both are claims and nothing more."""

    urls: tuple[str, ...]
    numbers: tuple[str, ...]


def warm() -> None:
    """Loads what reads codes, before a child process closes its doors."""
    with contextlib.suppress(ImportError):  # without libGL only codes in pictures stay unread
        importlib.import_module("cv2")


def read_marks(data: bytes) -> Marks:
    """The marks in the QR codes of a PDF's first and last page, and in its text.

    An address in the text may be broken over lines, or run into what follows it: so it is read as it stands, joined, and
    cut to the length of a code.
    """
    document = pdfium.PdfDocument(data)
    try:
        text = _text(document)
        said = [*_URL.findall(text), *_URL.findall(re.sub(r"\s*\n\s*", "", text))]
        urls = [found for index in sorted({0, len(document) - 1}) for found in _codes(document, index) if _URL.fullmatch(found)]
        urls += [found for url in said for found in (url, _cut(url))]
        return Marks(tuple(dict.fromkeys(urls))[:_MOST], tuple(dict.fromkeys(_NUMBER.findall(text)))[:_MOST])
    finally:
        document.close()


def _cut(url: str) -> str:
    head, _, code = url.rpartition("/")
    return f"{head}/{code[:CODE_LENGTH]}"


def _text(document: pdfium.PdfDocument) -> str:
    parts: list[str] = []
    for index in range(min(len(document), _MOST_PAGES)):
        page = document[index]
        parts.append(page.get_textpage().get_text_bounded()[:_MOST_TEXT])
        page.close()
    return "\n".join(parts)[:_MOST_TEXT]


def _codes(document: pdfium.PdfDocument, index: int) -> list[str]:
    """What the QR codes of a page say, read from its picture at 150 dpi, or less for a huge page; nothing without libGL."""
    try:
        import cv2
    except ImportError:
        return []

    page = document[index]
    width, height = page.get_size()
    scale = min(150 / 72, 3000 / max(width, height, 1))
    picture = page.render(scale=scale, grayscale=True).to_numpy()
    page.close()
    found, texts, _, _ = cv2.QRCodeDetector().detectAndDecodeMulti(picture)
    return [text for text in texts if text] if found else []
