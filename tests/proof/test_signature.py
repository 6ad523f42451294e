"""A signed certificate and everything that may be done to it: only the untouched one is ever well."""

import asyncio
import io
import random
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, fields
from pyhanko.sign.signers.pdf_cms import SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from engine.clock import SystemClock
from engine.contracts.drawing import Rect
from engine.contracts.signing import Document, Signatory, SignatureJob, SignerContext
from engine.errors import ConfigError, Untrusted
from engine.issuing.pades import finish, prepare
from engine.proof.signature import MAX_BYTES, REASONS, check_signature, verify_signed
from engine.proof.trust import Trust
from plugins.signers.key_file.signer import KeyFile

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
FIELD = Rect(0, 110.0, 230.0, 70.0, 18.0)


class Noon(SystemClock):
    def now(self):
        return NOW


def draw(text="Certificate of Origin", **more) -> bytes:
    pdfmetrics.registerFont(TTFont("DejaVu", "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"))
    out = io.BytesIO()
    page = Canvas(out, invariant=1, initialFontName="DejaVu")
    page.setFont("DejaVu", 10)
    for line in range(30):
        page.drawString(50, 780 - 12 * line, f"{line}. {text}")
    for name, value in more.items():
        getattr(page, name)(*value)
    page.showPage()
    page.save()
    return out.getvalue()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Two demonstration authorities that do not know each other."""
    made = {}
    for name in ("ours", "theirs"):
        folder = tmp_path_factory.mktemp(name)
        made[name] = (
            folder,
            Trust.load([KeyFile().rehearse(folder, [("asha", "Asha Rao", "EIC Mumbai"), ("ravi", "Ravi Nair", "EIC")], NOW)]),
        )
    return made


async def sign(site, drawing: bytes, *, by="ours", stem="asha", pages=FIELD):
    signer = KeyFile()
    await signer.open(SignerContext({}, site[by][0], Noon(), True))
    signatory = Signatory("1", "Asha Rao", stem)
    chain = await signer.identity(signatory)
    prepared = await prepare(drawing, chain=chain, field=pages, signer_name="Asha Rao", at=NOW)
    job = SignatureJob("j", "t", signatory, (Document("d", "t", prepared.digest, prepared.attributes, "0" * 64),))
    outcome = await signer.start(job)
    return await finish(prepared, outcome.documents[0].result, chain=chain), chain


@pytest.fixture(scope="module")
def drawing():
    return draw()


@pytest.fixture(scope="module")
def signed(site, drawing):
    return asyncio.new_event_loop().run_until_complete(sign(site, drawing))[0]


@pytest.fixture(scope="module")
def check(site):
    return lambda pdf, at=NOW, by="ours": check_signature(pdf, trust=site[by][1], at=at)


def test_the_untouched_file_is_well(check, signed):
    report = check(signed)
    assert report.ok
    assert (report.intact, report.valid, report.trusted, report.whole_file, report.certified, report.single) == (True,) * 6
    assert (report.reasons, report.level, report.signer, report.signed_at) == ((), "B-B", "Asha Rao", NOW)


async def test_it_can_be_asked_inside_a_running_loop(check, signed):
    assert check(signed).ok


def test_without_a_recorded_moment_the_claimed_time_is_taken(check, signed):
    assert check(signed, at=None).ok


def test_no_flipped_byte_goes_unseen(check, signed):
    """Positions spread over the file, and each kind of place in the signature's own value, which no digest covers."""
    start = signed.index(b"/Contents <") + len(b"/Contents <")
    end = signed.index(b">", start)
    der = len(signed[start:end].rstrip(b"0"))
    dice = random.Random(7)
    places = (
        [len(signed) * n // 40 for n in range(40)]
        + [dice.randrange(start, start + der) for _ in range(40)]
        + [start + der + 1, end - 1, end - 2]
    )
    for place in places:
        for bit in (0x01, 0x20):
            damaged = bytearray(signed)
            damaged[place] ^= bit
            report = check(bytes(damaged))
            assert not report.ok, (place, bit)
            assert report.reasons
            assert set(report.reasons) <= set(REASONS)


@pytest.mark.parametrize("tail", [b"\n", b" ", b"x", b"%%EOF\n", b"\n%comment\n%%EOF\n", b"\0" * 1000])
def test_appended_bytes_are_seen(check, signed, tail):
    report = check(signed + tail)
    assert not report.ok
    assert not report.whole_file


@pytest.mark.parametrize("cut", [1, 2, 10, 500, 20_000])
def test_truncation_is_seen(check, signed, cut):
    assert not check(signed[:-cut]).ok


def test_bytes_before_the_header_are_seen(check, signed):
    assert not check(b"\n" + signed).ok
    assert not check(b"%PDF-1.7\n" + signed).ok


def revise(signed: bytes, change) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(signed), strict=False)
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def note(writer):
    page, _ = writer.find_page_for_modification(0)
    annotation = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (100, 100, 300, 200))),
            pdf_name("/Contents"): generic.pdf_string("Origin: elsewhere"),
        }
    )
    writer.register_annotation(page, writer.add_object(annotation))


def overlay(writer):
    writer.add_stream_to_page(0, writer.add_object(generic.StreamObject(stream_data=b"q 1 0 0 rg 50 600 300 100 re f Q")))


def empty_field(writer):
    fields.append_signature_field(writer, fields.SigFieldSpec("Later", box=(100, 100, 300, 200)))


def another_page(writer):
    page, _ = writer.find_page_for_modification(0)
    pages = writer.root["/Pages"]
    pages["/Kids"].append(page)
    pages["/Count"] = generic.NumberObject(2)
    writer.update_container(pages["/Kids"])
    writer.update_container(pages)


def script(writer):
    action = generic.DictionaryObject({pdf_name("/S"): pdf_name("/JavaScript"), pdf_name("/JS"): generic.pdf_string("app.alert(1)")})
    writer.root["/OpenAction"] = writer.add_object(action)
    writer.update_root()


def metadata(writer):
    writer.set_info(generic.DictionaryObject({pdf_name("/Title"): generic.pdf_string("Another title")}))


@pytest.mark.parametrize("change", [note, overlay, empty_field, another_page, script, metadata])
def test_a_later_revision_is_seen_whatever_it_changes(check, signed, change):
    report = check(revise(signed, change))
    assert not report.ok
    assert not report.whole_file


def forger(folder, stem) -> SimpleSigner:
    """pyHanko's own signer with one of the keys, for what our own signing would never make."""
    leaf, *issuers = load_certs_from_pemder_data((folder / f"{stem}.chain.pem").read_bytes())
    store = SimpleCertificateStore()
    store.register_multiple(issuers)
    key = load_private_key_from_pemder(str(folder / f"{stem}.key.pem"), None)
    return SimpleSigner(leaf, key, store)


async def test_a_second_signature_is_seen(check, site, signed):
    folder, _ = site["ours"]
    signer = forger(folder, "ravi")
    writer = IncrementalPdfFileWriter(io.BytesIO(signed), strict=False)
    writer.root["/Perms"] = generic.DictionaryObject()  # as a forger would, who finds changes forbidden
    writer.update_root()
    out = await PdfSigner(PdfSignatureMetadata("Second"), signer).async_sign_pdf(writer)
    assert check(out.getvalue()).reasons == ("several_signatures",)


async def test_a_certificate_of_strangers_is_valid_but_not_trusted(check, site, drawing):
    pdf, chain = await sign(site, drawing, by="theirs")
    report = check(pdf)
    assert (report.intact, report.valid, report.trusted) == (True, True, False)
    assert "untrusted" in report.reasons
    assert check(pdf, by="theirs").ok
    with pytest.raises(Untrusted, match="does not end at a trusted root"):
        verify_signed(pdf, drawn_pdf=drawing, chain=chain, trust=site["ours"][1], at=NOW)


async def test_a_file_signed_by_another_officer_or_over_another_drawing_is_not_what_was_asked_for(site, drawing):
    pdf, _ = await sign(site, drawing, stem="ravi")
    _, asha = await sign(site, drawing)
    trust = site["ours"][1]
    with pytest.raises(Untrusted) as wrong:
        verify_signed(pdf, drawn_pdf=drawing, chain=asha, trust=trust, at=NOW)
    assert wrong.value.code == "wrong_signatory"
    with pytest.raises(Untrusted) as other:
        verify_signed(pdf, drawn_pdf=draw("Another"), chain=asha, trust=trust, at=NOW)
    assert other.value.code == "not_the_drawing"


def test_a_file_recorded_outside_the_certificates_life_is_not_trusted(check, signed):
    assert check(signed, at=NOW + timedelta(days=800)).reasons == ("outside_validity",)
    assert not check(signed, at=NOW - timedelta(days=30)).trusted
    assert check(signed, at=NOW + timedelta(days=700)).ok


async def test_a_drawing_that_brings_a_link_is_refused_after_signing(check, site):
    pdf, _ = await sign(site, draw(linkURL=("https://example.org", (10, 10, 100, 100))))
    assert check(pdf).reasons == ("annotation",)


async def test_form_fields_and_scripts_of_the_drawing_are_refused_after_signing(check, site, drawing):
    with_script = revise(drawing, script)
    assert "active_content" in check((await sign(site, with_script))[0]).reasons
    with_field = revise(drawing, empty_field)
    assert "form_field" in check((await sign(site, with_field))[0]).reasons


async def test_an_approval_signature_without_certification_is_not_enough(check, site, drawing):
    folder, _ = site["ours"]
    signer = forger(folder, "asha")
    for permissions in (None, fields.MDPPerm.FILL_FORMS):
        meta = PdfSignatureMetadata(
            "Signature1",
            md_algorithm="sha256",
            subfilter=fields.SigSeedSubFilter.PADES,
            certify=permissions is not None,
            docmdp_permissions=permissions or fields.MDPPerm.NO_CHANGES,
        )
        spec = fields.SigFieldSpec("Signature1", box=(300, 100, 500, 150))
        out = await PdfSigner(meta, signer, new_field_spec=spec).async_sign_pdf(IncrementalPdfFileWriter(io.BytesIO(drawing)))
        assert "not_certified" in check(out.getvalue()).reasons


def bomb() -> bytes:
    body = zlib.compress(bytes(200_000_000), 9)
    head = b"%PDF-1.7\n1 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length " + str(len(body)).encode() + b" >>\nstream\n"
    return head + body + b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n"


def circle() -> bytes:
    return (
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 1 0 R /AcroForm 1 0 R /Fields [1 0 R] /Kids [1 0 R] >>\nendobj\n"
        b"xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n<< /Size 2 /Root 1 0 R /Prev 116 >>\nstartxref\n116\n%%EOF\n"
    )


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"%PDF-1.7",
        b"\0" * 5000,
        b"%PDF-1.7\n" + b"<<" * 20_000,
        b"%PDF-1.7\n" + b"[" * 50_000 + b"\nstartxref\n9\n%%EOF",
        bomb,  # made where it is met: it takes seconds
        circle(),
    ],
    ids=["empty", "header", "zeros", "nested", "brackets", "bomb", "circle"],
)
def test_hostile_files_get_a_report_and_never_an_exception(check, hostile):
    report = check(hostile() if callable(hostile) else hostile)
    assert not report.ok
    assert report.reasons
    assert report.say.startswith("Not as issued: ")


def test_a_file_too_large_is_not_even_read(check):
    assert check(bytes(MAX_BYTES + 1)).reasons == ("too_large",)


def test_random_damage_never_raises(check, signed):
    dice = random.Random(11)
    for _ in range(40):
        damaged = bytearray(signed)
        for _ in range(dice.randrange(1, 30)):
            at = dice.randrange(len(damaged))
            damaged[at : at + dice.randrange(9)] = dice.randbytes(dice.randrange(9))
        if bytes(damaged) != signed:
            assert not check(bytes(damaged)).ok


def test_trust_names_the_file_that_is_wrong(tmp_path, site):
    with pytest.raises(ConfigError, match=r"missing\.pem"):
        Trust.load([tmp_path / "missing.pem"])
    (tmp_path / "bad.pem").write_bytes(b"not a certificate")
    with pytest.raises(ConfigError, match=r"bad\.pem"):
        Trust.load([tmp_path / "bad.pem"])
    (name, fingerprint), *_ = site["ours"][1].fingerprints
    assert name == "ecoo DEMONSTRATION Root"
    assert len(fingerprint) == 95
