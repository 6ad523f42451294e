"""A PAdES signature in two halves: `prepare` reserves its place in a drawing, `finish` puts the proven signature there.

Promises one visible field, certified with "no changes allowed", `/ETSI.CAdES.detached`, the printed date equal to /M, and
that nothing is embedded which does not verify: a token can lie. What survives between the halves is `Prepared`, plain
bytes and numbers, so another process can finish. Knows no rows, no plugin and no network; a time stamp is asked for by a
function that is handed in.
"""

import hashlib
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest, SignatureObject

from engine.clock import IST
from engine.contracts.drawing import Rect
from engine.contracts.signing import Cms, Mode, RawSignature, X509Chain
from engine.errors import PluginError, Refused, Unavailable, Untrusted
from engine.issuing import cms
from engine.issuing.appearance import appearance, dictionary

__all__ = ["FIELD", "REMOTE_ROOM", "TIMESTAMP_ROOM", "Prepared", "Stamp", "check_usable", "finish", "prepare"]

FIELD = "Signature1"
TIMESTAMP_ROOM = 8192
"""DER bytes kept free for an RFC 3161 token with its certificates; each costs two bytes in the file."""
REMOTE_ROOM = 16384
"""DER bytes for a CMS whose certificates are known only afterwards (esign.md 8.1)."""

MM = 72 / 25.4

Stamp = Callable[[bytes], Awaitable[bytes]]
"""Gives the DER of an RFC 3161 TimeStampToken for a SHA-256; raises Unavailable when the authority is silent."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A PDF that waits for its signature: all that must survive until it comes.

    `sha256` is that of `pdf`; `digest` is the SHA-256 of the byte range, which leaves out `start` to `end` (the
    placeholder with its angle brackets); `attributes` is the DER SET OF that a signer signs, None for a remote CMS.
    """

    pdf: bytes = field(repr=False)
    sha256: str
    digest: bytes
    start: int
    end: int
    attributes: bytes | None


def check_usable(chain: X509Chain, *, at: datetime, purpose: str = "sign") -> None:
    """Raises Refused unless the signatory's X.509 certificate may be used for `purpose` (a verb for the sentence) then."""
    if (why := chain.unusable(at)) is not None:
        raise Refused(f"Cannot {purpose}: {why.say}", code=why.code)


async def prepare(
    drawing_pdf: bytes,
    *,
    chain: X509Chain | None,
    field: Rect,
    signer_name: str,
    at: datetime,
    reason: str | None = None,
    location: str | None = None,
    mode: Mode = Mode.SERVER,
    timestamp_room: int = TIMESTAMP_ROOM,
) -> Prepared:
    """The drawing with its signature field, reserved place and attributes; the drawing's bytes stay as a prefix.

    `at` becomes /M and the printed date, to the second, in IST. `chain` is None only for mode remote. Raises Refused if
    the text does not fit the field or the drawing cannot be read.
    """
    if chain is None and mode is not Mode.REMOTE:
        raise PluginError(f"A signer of mode {mode} must know its X.509 certificate before it signs; identity() gave none.")
    room = timestamp_room + (REMOTE_ROOM if mode is Mode.REMOTE or chain is None else (await cms.shape_of(chain)).size)
    placeholder = SignatureObject(
        timestamp=at.astimezone(IST).replace(microsecond=0),
        subfilter=SigSeedSubFilter.PADES,
        name=signer_name,
        location=location,
        reason=reason,
        bytes_reserved=2 * room,
    )
    prepared, pdf = _reserve(drawing_pdf, field, placeholder, _lines(signer_name, at, mode))
    digest = prepared.document_digest
    attributes = None if mode is Mode.REMOTE or chain is None else await cms.attributes_for(chain, digest)
    return Prepared(pdf, hashlib.sha256(pdf).hexdigest(), digest, prepared.reserved_region_start, prepared.reserved_region_end, attributes)


def _lines(signer_name: str, at: datetime, mode: Mode) -> tuple[str, ...]:
    if mode is Mode.REMOTE:
        return signer_name, "signed electronically, see signature panel"
    return f"Digitally signed by {signer_name}", f"Date: {at.astimezone(IST):%Y.%m.%d %H:%M:%S} +05'30'"


def _reserve(drawing: bytes, place: Rect, placeholder: SignatureObject, lines: tuple[str, ...]) -> tuple[PreparedByteRangeDigest, bytes]:
    try:
        writer: Any = IncrementalPdfFileWriter(io.BytesIO(drawing))
        page = writer.find_page_for_modification(place.page)[0].get_object()
        box = _box(page, place)
    except (PdfError, KeyError, IndexError, ValueError) as error:
        raise Refused(f"The drawing cannot take a signature field: {type(error).__name__}.", code="bad_drawing") from error
    writer.ensure_output_version((1, 7))
    writer.register_extension(ESIC_EXTENSION_1)
    spec = SigFieldSpec(FIELD, on_page=place.page, box=box)  # type: ignore[arg-type]  # pyHanko says int and takes points
    protocol: Any = PdfCMSEmbedder(spec).write_cms(FIELD, writer)
    widget = next(protocol).get_object()
    shown = appearance(writer, lines, box[2] - box[0], box[3] - box[1])
    widget["/AP"] = dictionary(N=shown)
    protocol.send(SigObjSetup(placeholder, mdp_setup=SigMDPSetup("sha256", certify=True, docmdp_perms=MDPPerm.NO_CHANGES)))
    prepared, output = protocol.send(SigIOSetup("sha256"))
    return prepared, output.getvalue()


def _box(page: generic.DictionaryObject, place: Rect) -> tuple[float, float, float, float]:
    """The rectangle in the page's own space: points, from its lower left corner."""
    while "/MediaBox" not in page:
        page = page["/Parent"]
    left, low, _, high = (float(v) for v in page["/MediaBox"])
    x, top = left + place.x_mm * MM, high - place.y_mm * MM
    if top - place.h_mm * MM < low:
        raise ValueError("the field lies below the page")
    return tuple(round(v, 3) for v in (x, top - place.h_mm * MM, x + place.w_mm * MM, top))  # type: ignore[return-value]


async def finish(prepared: Prepared, result: RawSignature | Cms, *, chain: X509Chain | None, stamp: Stamp | None = None) -> bytes:
    """The signed PDF. With `stamp` it carries a signature time stamp (B-T), without it is B-B.

    Raises Untrusted if the stored bytes changed meanwhile, or if the signature is not this chain's over this document;
    Unavailable if the time stamp did not come or has no room: finishing again without `stamp` is then possible.
    """
    _check_stored(prepared)
    der = await _proven(prepared, result, chain)
    if stamp is not None:
        der = cms.with_timestamp(der, await stamp(cms.stamp_digest(der)))
    room = (prepared.end - prepared.start - 2) // 2
    if len(der) > room:
        say = f"The signature needs {len(der)} bytes and {room} were kept free for it."
        raise Unavailable(f"{say} Finish without the time stamp.", code="timestamp_room") if stamp else Untrusted(say, code="too_large")
    written = der.hex().upper().encode().ljust(2 * room, b"0")
    return prepared.pdf[: prepared.start + 1] + written + prepared.pdf[prepared.end - 1 :]


async def _proven(prepared: Prepared, result: RawSignature | Cms, chain: X509Chain | None) -> bytes:
    if isinstance(result, Cms):
        cms.check(result.der, prepared.digest, chain)
        return result.der
    if chain is None or prepared.attributes is None:
        raise Untrusted("A bare signature came for a document that was prepared for a whole CMS.", code="wrong_result")
    if not chain.verifies(prepared.attributes, result):
        raise Untrusted(
            f"The signature that came back is not one of {chain.label} over this document; nothing was issued.", code="bad_signature"
        )
    return await cms.build(chain, prepared.digest, prepared.attributes, result)


def _check_stored(prepared: Prepared) -> None:
    """What was kept between the halves must be what was prepared."""
    pdf, start, end = memoryview(prepared.pdf), prepared.start, prepared.end
    whole = hashlib.sha256(pdf[:start])
    whole.update(pdf[end:])
    if (
        hashlib.sha256(pdf).hexdigest() != prepared.sha256
        or whole.digest() != prepared.digest
        or prepared.pdf[start : start + 1] + prepared.pdf[end - 1 : end] != b"<>"
    ):
        raise Untrusted("The prepared document changed between preparing and signing; nothing was issued.", code="prepared_changed")
