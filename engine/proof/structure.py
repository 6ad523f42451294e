"""The strict reading of a signed PDF: one signature over every byte, certified, and nothing a viewer could act on.

A valid signature alone does not make an authentic document (safety.md, finding 1), so each of these is demanded apart from
the cryptography. Every rule here gives a reason code and none raises for what it was made to find; damaged files raise
whatever the reader raises, and the caller turns that into a reason too.
"""

from collections.abc import Iterator
from typing import Any

from asn1crypto import algos, cms, core, parser
from pyhanko.pdf_utils.generic import IndirectObject
from pyhanko.pdf_utils.reader import PdfFileReader

__all__ = ["byte_range_reasons", "cms_reasons", "document_reasons", "entry", "placed_cms", "signed_fields"]

MAX_PAGES = 200
ACTIVE_IN_CATALOG = ("/OpenAction", "/AA", "/AF", "/Collection", "/Requirements")
ACTIVE_IN_NAMES = ("/JavaScript", "/EmbeddedFiles")
NO_CHANGES = 1

_DIGESTS = ("sha256", "sha384", "sha512")


def _algorithms() -> tuple[frozenset[bytes], frozenset[bytes]]:
    """The exact encodings of digest and signature algorithms that count; nothing with SHA-1, nothing with odd parameters."""
    null = core.Null()
    digests = {algos.DigestAlgorithm({"algorithm": d} | extra).dump() for d in _DIGESTS for extra in ({}, {"parameters": null})}
    rsa = {
        algos.SignedDigestAlgorithm({"algorithm": a, "parameters": null}).dump()
        for a in ("rsassa_pkcs1v15", *(f"{d}_rsa" for d in _DIGESTS))
    }
    ecdsa = {algos.SignedDigestAlgorithm({"algorithm": f"{d}_ecdsa"}).dump() for d in _DIGESTS}
    return frozenset(digests), frozenset(rsa | ecdsa)


DIGEST_ENCODINGS, SIGNATURE_ENCODINGS = _algorithms()


def entry(dictionary: Any, key: str, default: Any) -> Any:
    """The value under a key with references followed, or the default; pyHanko's own `get` follows none."""
    return dictionary[key] if key in dictionary else default  # noqa: SIM401  # .get() follows no reference


def document_reasons(reader: PdfFileReader, field: Any, value: Any) -> Iterator[str]:
    """What is in the document that must not be: other fields, annotations, scripts, attachments, or no certification.

    `field` and `value` are the references of the signature's field and dictionary.
    """
    root: Any = reader.root
    if reader.encrypted:
        yield "encrypted"
    if any(key in root for key in ACTIVE_IN_CATALOG) or any(key in entry(root, "/Names", {}) for key in ACTIVE_IN_NAMES):
        yield "active_content"
    form = root["/AcroForm"]
    if (
        len(form["/Fields"]) != 1
        or any(key in form for key in ("/XFA", "/CO"))
        or any(k in field.get_object() for k in ("/Kids", "/A", "/AA"))
    ):
        yield "form_field"
    yield from _page_reasons(root, field)
    if not _certified(root, value):
        yield "not_certified"


def signed_fields(reader: PdfFileReader) -> list[Any]:
    """References of the top-level signature fields that hold a signature of any kind."""
    fields = entry(entry(reader.root, "/AcroForm", {}), "/Fields", ())
    return [raw for raw in _raw(fields) if entry(raw.get_object(), "/FT", None) == "/Sig" and "/V" in raw.get_object()]


def _page_reasons(root: Any, field: Any) -> Iterator[str]:
    widgets = 0
    for page in _pages(root.raw_get("/Pages"), set()):
        if "/AA" in page:
            yield "active_content"
        for annotation in _raw(entry(page, "/Annots", ())):
            if not (isinstance(annotation, IndirectObject) and annotation.reference == field.reference):
                yield "annotation"
            else:
                widgets += 1
    if widgets != 1:
        yield "annotation"


def _pages(node: Any, seen: set[Any]) -> Iterator[Any]:
    """The pages below a reference to a node of the page tree."""
    if node.reference in seen or len(seen) > MAX_PAGES:
        raise ValueError("the page tree loops or is too large")
    seen.add(node.reference)
    opened = node.get_object()
    if "/Kids" not in opened:
        yield opened
        return
    for kid in _raw(opened["/Kids"]):
        yield from _pages(kid, seen)


def _raw(array: Any) -> list[Any]:
    return [array.raw_get(i) for i in range(len(array))] if len(array) else []


def _certified(root: Any, value: Any) -> bool:
    """Whether this very signature certifies the document and allows no changes."""
    permissions = entry(root, "/Perms", {})
    if "/DocMDP" not in permissions or permissions.raw_get("/DocMDP").reference != value.reference:
        return False
    references = [r.get_object() for r in _raw(entry(value.get_object(), "/Reference", ()))]
    return (
        len(references) == 1
        and references[0]["/TransformMethod"] == "/DocMDP"
        and entry(references[0]["/TransformParams"], "/P", None) == NO_CHANGES
    )


def byte_range_reasons(pdf: bytes, byte_range: list[int], contents: bytes) -> Iterator[str]:
    """Whether the signature covers every byte but its own value, and its place holds nothing beside that value."""
    if len(byte_range) != 4:
        yield "not_whole_file"
        return
    start, length, resume, rest = byte_range
    if start != 0 or not 0 < length < resume or resume + rest != len(pdf):
        yield "not_whole_file"
    elif pdf[length:resume] != b"<" + contents.hex().upper().encode() + b">" or contents.rstrip(b"\0") != placed_cms(contents).rstrip(
        b"\0"
    ):
        yield "stray_bytes"


def placed_cms(contents: bytes) -> bytes:
    """The DER at the start of a signature's place, without the padding."""
    return contents[: parser.peek(contents)]


def _canonical(der: bytes) -> bool:
    """Whether it is DER with nothing between its parts: each length minimal, each container filled to the last byte."""
    rest = der
    while rest:
        kind, method, tag, _, content, trailer = parser.parse(rest)
        whole = parser.emit(kind, method, tag, content)
        if trailer or (kind, tag) == (0, 0) or not rest.startswith(whole) or (method and not _canonical(content)):
            return False
        rest = rest[len(whole) :]
    return True


def cms_reasons(der: bytes, known: frozenset[bytes]) -> Iterator[str]:
    """What in the CMS is covered by no signature and yet is not as it must be; `known` are the certificates that may be there."""
    if not _canonical(der):
        yield "malformed_cms"
    signed: Any = cms.ContentInfo.load(der, strict=True)["content"]
    signer = signed["signer_infos"][0]
    if signer["digest_algorithm"].dump() not in DIGEST_ENCODINGS or signer["signature_algorithm"].dump() not in SIGNATURE_ENCODINGS:
        yield "weak_algorithm"
    wrapped = signed["encap_content_info"]
    if (
        [a.dump() for a in signed["digest_algorithms"]] != [signer["digest_algorithm"].dump()]
        or signed["version"].native not in ("v1", "v3")
        or signer["version"].native != "v1"
        or wrapped["content_type"].native != "data"
        or wrapped["content"].native is not None
        or len(signed["crls"] or ())
    ):
        yield "malformed_cms"
    unsigned = [a["type"].native for a in signer["unsigned_attrs"] or ()]
    if unsigned not in ([], ["signature_time_stamp_token"]):
        yield "malformed_cms"
    if any(c.name != "certificate" or c.chosen.dump() not in known for c in signed["certificates"]):
        yield "stray_certificate"
