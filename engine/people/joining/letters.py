"""Letters of authorisation as files: a PDF, or a photo or scan as JPEG or PNG, looked at before anybody opens it.

Promises by the bytes and never by the name: of one kind from the first byte to the last, no larger than the limits, and a PDF
neither locked nor with programs or files inside, as far as that shows without opening its streams. What is taken here is
still a stranger's file: it is served as a download, or as a picture that runs nothing.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.errors import Refused

__all__ = ["MOST_BYTES", "PURPOSE", "Attached", "read_letter"]

PURPOSE = "authorisation_letter"  # under which the file store keeps them

MOST_BYTES = 4_000_000
_MOST_PIXELS = 40_000_000
_PDF, _JPEG, _PNG = b"%PDF-", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|ImportData)\b")
_LOCKED = re.compile(rb"/Encrypt\b")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_WITH_SIZE = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


@dataclass(frozen=True, slots=True)
class Attached:
    """A letter that may be kept: its bytes, its media type, and how its file ends."""

    data: bytes = field(repr=False)
    media_type: str
    suffix: str


def read_letter(data: bytes) -> Attached:
    """The letter in an uploaded file. Raises Refused naming `letter`, with a sentence that says what to send instead."""
    if not data:
        raise _refused("Attach the letter of authorisation, on the agency's letterhead.", "letter attached")
    if len(data) > MOST_BYTES:
        raise _refused("The letter is larger than 4 MB; send a smaller scan.", "letter size")
    if data.startswith(_PDF):
        return Attached(_pdf(data), "application/pdf", "pdf")
    try:
        if data.startswith(_JPEG):
            return Attached(_jpeg(data), "image/jpeg", "jpg")
        if data.startswith(_PNG):
            return Attached(_png(data), "image/png", "png")
    except (struct.error, IndexError) as error:
        raise _broken() from error
    raise _refused("The letter must be a PDF, or a picture of it as JPEG or PNG; this file is none of them.", "letter kind")


def _pdf(data: bytes) -> bytes:
    if not data.rstrip(b"\r\n\t \0").endswith(b"%%EOF") or b"startxref" not in data:
        raise _broken()
    outside = b"".join(_outside_streams(data))
    names = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), outside)  # a name may be written with #xx for any letter
    if _LOCKED.search(names):
        raise _refused("The PDF is locked by a password. Send it without one, or as a picture.", "letter open")
    if _ACTIVE.search(names):
        raise _refused("The PDF holds programs, forms or other files. Print it to a plain PDF, or send a picture of it.", "letter plain")
    return data


def _outside_streams(data: bytes) -> Iterator[bytes]:
    """The parts of a PDF between its streams: those hold bytes of any meaning, in which names stand by chance.

    Each byte is looked at once or twice, whatever the file says: what never ends is no stream.
    """
    place = 0
    while (begin := data.find(b"stream", place)) >= 0:
        if data[begin + 6 : begin + 7] not in {b"\r", b"\n"}:
            yield data[place : begin + 6]
            place = begin + 6
            continue
        end = data.find(b"endstream", begin + 6)
        if end < 0:
            break
        yield data[place:begin]
        place = end + len(b"endstream")
    yield data[place:]


def _png(data: bytes) -> bytes:
    """Every chunk in its place up to the last one, and nothing behind it."""
    place, first = len(_PNG), True
    while place + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        if first:
            if name != b"IHDR" or length != 13:
                raise _broken()
            _require_size(*struct.unpack_from(">II", data, place + 8))
            first = False
        place += 12 + length
        if name == b"IEND":
            if place != len(data):
                raise _refused("The picture has something else attached to it. Save it anew, or send a PDF.", "letter plain")
            return data
    raise _broken()


def _jpeg(data: bytes) -> bytes:
    """The picture alone: phones put a second one, or notes of theirs, behind it, and so do those who hide something."""
    place, sized = 2, False
    while True:
        if data[place] != 0xFF:
            raise _broken()
        marker = data[place + 1]
        place += 2
        if marker == 0xD9:
            if not sized:
                raise _broken()
            return data[:place]
        if marker == 0xFF:  # a marker may be preceded by any number of these
            place -= 1
            continue
        if marker in _ALONE:
            continue
        [length] = struct.unpack_from(">H", data, place)
        if length < 2:
            raise _broken()
        if marker in _WITH_SIZE:
            height, width = struct.unpack_from(">HH", data, place + 3)
            _require_size(width, height)
            sized = True
        place += length
        if marker == 0xDA:
            place = _after_scan(data, place)


def _after_scan(data: bytes, place: int) -> int:
    """Where the coded picture ends: at a marker that is neither a stuffed byte nor a restart."""
    while True:
        place = data.find(b"\xff", place)
        if place < 0 or place + 1 >= len(data):
            raise _broken()
        if data[place + 1] != 0 and data[place + 1] not in _ALONE:
            return place
        place += 2


def _require_size(width: int, height: int) -> None:
    if not width or not height:
        raise _broken()
    if width * height > _MOST_PIXELS:
        raise _refused("The picture has more than 40 million pixels; send a smaller one.", "letter size")


def _broken() -> Refused:
    return _refused("The letter is broken, was cut off, or has something attached to it; send it again.", "letter kind")


def _refused(say: str, rule: str) -> Refused:
    return Refused(say, box="letter", rule=rule)
