"""A genuine message, changed in every way that a stranger has: each is to be refused, or to say the very same."""

import re
from collections.abc import Iterator
from dataclasses import replace

from engine.contracts.signing import RawCallback

__all__ = ["STRICT", "changed"]

STRICT = frozenset({"its checksum in the other case"})  # refused, whatever it says: a checksum is compared as it is written
_PADDING = 40_000
_CHECKSUM = re.compile(rb"(?<![0-9A-Za-z])(?:[0-9A-F]{32,}|[0-9a-f]{32,})(?![0-9A-Za-z])")


def changed(raw: RawCallback) -> Iterator[tuple[str, RawCallback]]:
    """What was done to the message, and the message. Every byte is changed in two ways, and every beginning is tried."""
    for what, body in _bodies(raw.body):
        if body != raw.body:
            yield what, replace(raw, body=body)
    if (turned := _CHECKSUM.sub(lambda found: found[0].swapcase(), raw.body)) != raw.body:
        yield "its checksum in the other case", replace(raw, body=turned)
    for name, value in raw.headers.items():
        if name != "content-type":
            without = {each: text for each, text in raw.headers.items() if each != name}
            yield f"no header {name}", replace(raw, headers=without)
            yield f"the header {name} cut short", replace(raw, headers={**without, name: value[:-1]})
            yield f"the header {name} in the other case", replace(raw, headers={**without, name: value.swapcase()})


def _bodies(body: bytes) -> Iterator[tuple[str, bytes]]:
    for place, byte in enumerate(body):
        for mask in (0x01, 0x20):
            yield f"byte {place + 1} changed", body[:place] + bytes([byte ^ mask]) + body[place + 1 :]
    for end in range(len(body)):
        yield f"everything cut off after byte {end}", body[:end]
    yield "its letters in the other case", body.swapcase()
    yield "small letters alone", body.lower()
    yield "capitals alone", body.upper()
    yield "its first bytes doubled", body[:1] + body
    yield "itself behind it", body + body
    yield "itself behind it as a second form", body + b"&" + body
    yield "blanks around it", b" " + body + b" "
    yield "a byte order mark", b"\xef\xbb\xbf" + body
    yield "another charset", body.decode("latin-1").encode("utf-16-le")
    yield "nothing but zeros behind it", body + b"\x00" * 16
    yield "much behind it", body + b"&x=" + b"a" * _PADDING
    pairs = body.split(b"&")
    if len(pairs) > 1:
        yield "its fields turned round", b"&".join(reversed(pairs))
        for pair in pairs:
            name = pair.partition(b"=")[0]
            yield f"the field {name.decode('latin-1')} twice", body + b"&" + pair
            yield f"another value of {name.decode('latin-1')} behind it", body + b"&" + name + b"=1"
            yield f"another value of {name.decode('latin-1')} before it", name + b"=1&" + body
