"""Whether a PDF carries the one valid signature it must, judged offline, and why not.

Promises a report for every input, however hostile: nothing raises but `verify_signed`, which asks the same after signing.
Genuine is more than this: the register's hash decides that, elsewhere. Later revisions (validation data, document time
stamps) are separate files of the register and not yet read here.
"""

import io
import logging
from dataclasses import dataclass
from datetime import datetime

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESIndeterminate, AdESSubIndic
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, async_validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus

from engine.contracts.signing import X509Chain
from engine.errors import Untrusted
from engine.proof import structure
from engine.proof.chain import apart, context, revoked, usages, warm
from engine.proof.trust import Trust

__all__ = ["MAX_BYTES", "SignatureReport", "check_signature", "verify_signed", "warm"]

MAX_BYTES = 25_000_000

REASONS = {
    "too_large": "the file is larger than any certificate",
    "unreadable": "the file cannot be read as a PDF",
    "no_signature": "there is no signature in it",
    "several_signatures": "there is more than one signature in it",
    "not_whole_file": "the signature does not cover the whole file",
    "stray_bytes": "there are bytes beside the signature that belong to nothing",
    "altered": "the file was changed after it was signed",
    "invalid_signature": "the signature does not verify",
    "untrusted": "the signer's chain does not end at a trusted root",
    "outside_validity": "the signer's X.509 certificate was not valid at that moment",
    "wrong_usage": "the signer's X.509 certificate is not made for signatures",
    "revoked": "the signer's X.509 certificate was revoked",
    "weak_key": "the signer's key is too weak",
    "weak_algorithm": "the signature uses an algorithm that proves nothing",
    "malformed_cms": "the signature has parts that no signature of ours has",
    "stray_certificate": "the signature carries certificates that do not belong to it",
    "bad_timestamp": "the time stamp of the signature does not verify",
    "not_certified": "the document is not certified against all changes",
    "form_field": "there are form fields beside the signature",
    "annotation": "there are annotations beside the signature",
    "active_content": "there are actions, scripts or attachments in it",
    "encrypted": "the file is encrypted",
}
"""What each reason code means, to complete the sentence 'Not as issued: ...'."""

_TRUST_REASONS: dict[AdESSubIndic | None, str] = {
    AdESIndeterminate.OUT_OF_BOUNDS_NO_POE: "outside_validity",
    AdESIndeterminate.OUT_OF_BOUNDS_NOT_REVOKED: "outside_validity",
    AdESIndeterminate.CHAIN_CONSTRAINTS_FAILURE: "wrong_usage",
}


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """What was found about a PDF's signature. `reasons` are codes of `REASONS`, empty when all is well.

    `intact`: the signed bytes are as signed. `valid`: the signature is the signer's. `trusted`: the signer's chain holds at
    the moment asked for. `level` is B-B or B-T. Name, fingerprint and times are None when they could not be read;
    `signed_at` is the signature's own claim unless the level is B-T.
    """

    reasons: tuple[str, ...]
    intact: bool = False
    valid: bool = False
    trusted: bool = False
    whole_file: bool = False
    certified: bool = False
    single: bool = False
    signer: str | None = None
    fingerprint: str | None = None
    signed_at: datetime | None = None
    level: str | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing at all is wrong."""
        return not self.reasons and self.intact and self.valid and self.trusted

    @property
    def say(self) -> str:
        """One sentence for a person."""
        if self.ok:
            return f"Signed by {self.signer}, unchanged since."
        return f"Not as issued: {'; '.join(REASONS[r] for r in self.reasons)}."


def check_signature(pdf: bytes, *, trust: Trust, at: datetime | None) -> SignatureReport:
    """The report on a PDF, by this trust, without network.

    `at` is the moment the register recorded the file; None judges by the signature's own claimed time, which proves less.
    """
    if len(pdf) > MAX_BYTES:
        return SignatureReport(("too_large",))
    _hush()
    try:
        return apart(_report(pdf, trust, at))
    except Exception:  # whatever a hostile file makes the libraries raise, the answer is a report
        return SignatureReport(("unreadable",))


def verify_signed(pdf: bytes, *, drawn_pdf: bytes, chain: X509Chain, trust: Trust, at: datetime) -> SignatureReport:
    """The report on what came back from signing. Raises Untrusted unless it is the drawing, signed by the enrolled key."""
    if not pdf.startswith(drawn_pdf):
        raise Untrusted("The signed file does not begin with the drawn certificate; nothing was issued.", code="not_the_drawing")
    report = check_signature(pdf, trust=trust, at=at)
    if not report.ok:
        raise Untrusted(f"The signed file was refused. {report.say}", code=report.reasons[0])
    if report.fingerprint != chain.fingerprint:
        raise Untrusted(f"The file was signed by {report.signer}, not with {chain.label}.", code="wrong_signatory")
    return report


def _hush() -> None:
    """What pyHanko would log about a hostile file is in the report; its tracebacks would only fill the log."""
    for name in ("pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


async def _report(pdf: bytes, trust: Trust, at: datetime | None) -> SignatureReport:
    reader = PdfFileReader(io.BytesIO(pdf))
    signed = structure.signed_fields(reader)
    if len(signed) != 1:
        return SignatureReport(("several_signatures" if signed else "no_signature",))
    field = signed[0].get_object()
    value = field.raw_get("/V")
    embedded = EmbeddedPdfSignature(reader, field, str(field["/T"]))
    contents = embedded.pkcs7_content
    der = structure.placed_cms(contents)
    moment = at or embedded.self_reported_timestamp
    status = await async_validate_pdf_signature(
        embedded,
        signer_validation_context=context(trust, moment),
        key_usage_settings=usages(trust),
    )
    uncovered = list(structure.byte_range_reasons(pdf, list(embedded.byte_range), contents))
    around = list(structure.document_reasons(reader, signed[0], value))
    inside = list(structure.cms_reasons(der, _known(status, trust)))
    gone = ["revoked"] if moment and status.validation_path and revoked(status.validation_path, trust=trust, at=moment) else []
    reasons = dict.fromkeys([*_signature_reasons(status), *gone, *uncovered, *around, *inside])
    return _describe(status, tuple(reasons), uncovered, around)


def _describe(status: PdfSignatureStatus, reasons: tuple[str, ...], uncovered: list[str], around: list[str]) -> SignatureReport:
    chain = X509Chain(status.signing_cert.dump())
    stamp = status.timestamp_validity
    return SignatureReport(
        reasons,
        intact=status.intact,
        valid=status.valid,
        trusted=status.trusted and "revoked" not in reasons,
        whole_file=not uncovered,
        certified="not_certified" not in around,
        single=True,
        signer=chain.name,
        fingerprint=chain.fingerprint,
        signed_at=stamp.timestamp if stamp else status.signer_reported_dt,
        level="B-T" if stamp else "B-B",
    )


def _signature_reasons(status: PdfSignatureStatus) -> list[str]:
    reasons = []
    if not status.intact:
        reasons.append("altered")
    elif not status.valid:
        reasons.append("invalid_signature")
    if not status.trusted:
        reasons.append(_TRUST_REASONS.get(status.trust_problem_indic, "untrusted"))
    why = X509Chain(status.signing_cert.dump()).unusable(status.signing_cert.not_valid_before)
    if why is not None and why.code in ("weak_key", "unknown_key", "weak_hash"):
        reasons.append("weak_key")
    stamp = status.timestamp_validity
    if stamp is not None and not (stamp.valid and stamp.trusted):
        reasons.append("bad_timestamp")
    return reasons


def _known(status: PdfSignatureStatus, trust: Trust) -> frozenset[bytes]:
    path = status.validation_path
    on_path = [c.dump() for c in path.iter_certs(include_root=True)] if path is not None else []
    return frozenset((status.signing_cert.dump(), *on_path, *trust.roots, *trust.intermediates))
