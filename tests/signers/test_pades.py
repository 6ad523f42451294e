"""A signature in two halves, read back by tools that are not ours."""

import re
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import cms as asn1
from asn1crypto import pem

from engine.contracts.drawing import Rect
from engine.contracts.signing import Cms, Mechanism, Mode, RawSignature
from engine.errors import EngineError, Refused, Unavailable, Untrusted
from engine.issuing import cms
from engine.issuing.pades import FIELD, TIMESTAMP_ROOM, Prepared, check_usable, finish, prepare
from engine.proof.signature import check_signature, verify_signed

Ready = Callable[..., Awaitable[Prepared]]


@pytest.fixture
async def signed(authority, ready, tmp_path) -> Path:
    path = tmp_path / "signed.pdf"
    path.write_bytes(await sign(authority, ready, "good"))
    return path


async def sign(authority, ready: Ready, label: str, **more) -> bytes:
    chain = authority.chain(label)
    prepared = await ready(chain, **more)
    return await finish(prepared, authority.sign(label, prepared.attributes), chain=chain)


def say(*command: str | Path) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=30)
    return done.stdout + done.stderr


def cut_cms(pdf: bytes) -> tuple[bytes, bytes]:
    """The signed bytes and the CMS, cut out by hand."""
    start, length, resume, rest = map(int, re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)", pdf).groups())
    contents = bytes.fromhex(pdf[length + 1 : resume - 1].decode())
    return pdf[start:length] + pdf[resume : resume + rest], asn1.ContentInfo.load(contents).dump()


async def test_poppler_finds_a_valid_signature_over_the_whole_document(signed):
    told = say("pdfsig", "-nocert", signed)
    assert "Signature is Valid." in told
    assert "Total document signed" in told
    assert "ETSI.CAdES.detached" in told
    assert f"Field Name: {FIELD}" in told
    assert told.count("Signature #") == 1


async def test_mupdf_finds_the_document_unchanged(signed):
    assert "The document is unchanged since signing." in say("mutool", "sign", "-v", signed)


@pytest.mark.parametrize("label", ["good", "curve"])
async def test_openssl_verifies_the_cms_with_its_signing_certificate_attribute(authority, ready, tmp_path, label):
    content, der = cut_cms(await sign(authority, ready, label))
    (tmp_path / "content").write_bytes(content)
    (tmp_path / "sig.der").write_bytes(der)
    root = pem.armor("CERTIFICATE", authority.der("root"))
    (tmp_path / "root.pem").write_bytes(root)
    command = ["openssl", "cms", "-verify", "-cades", "-inform", "DER", "-in", tmp_path / "sig.der", "-content", tmp_path / "content"]
    more = ["-binary", "-CAfile", tmp_path / "root.pem", "-purpose", "any", "-attime", "1795253415", "-out", "/dev/null"]
    told = say(*command, *more)
    assert "CAdES Verification successful" in told, told


async def test_the_file_is_sound_and_every_font_in_it_is_embedded(signed):
    assert "No syntax or stream encoding errors found" in say("qpdf", "--check", signed)
    rows = say("pdffonts", signed).splitlines()[2:]
    assert len(rows) == 2
    assert all(re.search(r" yes (yes|no) (yes|no) +\d+", row) for row in rows), rows


async def test_the_field_reads_as_a_person_expects_and_equals_the_signing_time(signed, authority, clock):
    text = " ".join(say("pdftotext", "-layout", "-x", "300", "-y", "640", "-W", "300", "-H", "80", signed, "-").split())
    assert "Digitally signed by Asha Rao" in text
    assert "Date: 2026.11.21 15:00:15 +05'30'" in text
    report = check_signature(signed.read_bytes(), trust=authority.trust, at=clock.now())
    assert report.signed_at == clock.now().replace(microsecond=0)


async def test_a_remote_signature_shows_the_officer_and_no_time_of_signing(authority, drawing, clock, tmp_path):
    prepared = await prepare(drawing, chain=None, field=Rect(0, 110, 230, 70, 18), signer_name="Asha Rao", at=clock.now(), mode=Mode.REMOTE)
    assert prepared.attributes is None
    path = tmp_path / "remote.pdf"
    path.write_bytes(prepared.pdf)
    text = " ".join(say("pdftotext", "-layout", "-x", "300", "-y", "640", "-W", "300", "-H", "80", path, "-").split())
    assert "Asha Rao signed electronically, see signature panel" in text
    assert "Digitally signed" not in text


@pytest.mark.parametrize("name", ["Nguyễn Thị Hồng Ánh", "Ørsted Čapek", "Αθηνά Κυριακίδη", "Мария Щербакова"])
async def test_names_beyond_plain_latin_are_drawn_and_read_back(authority, ready, tmp_path, name):
    path = tmp_path / "name.pdf"
    path.write_bytes(await sign(authority, ready, "good", signer_name=name))
    assert name in " ".join(say("pdftotext", "-layout", "-x", "300", "-y", "640", "-W", "300", "-H", "80", path, "-").split())


async def test_a_name_the_font_cannot_draw_is_refused_in_words(authority, ready):
    with pytest.raises(Refused, match="cannot draw"):
        await ready(authority.chain("good"), signer_name="आशा राव")


async def test_a_name_too_long_for_the_field_is_refused_rather_than_cut(authority, ready):
    with pytest.raises(Refused, match="too small"):
        await ready(authority.chain("good"), signer_name="A" * 400)


async def test_the_drawing_stays_a_prefix_of_the_signed_file(signed, drawing, authority, clock):
    report = verify_signed(signed.read_bytes(), drawn_pdf=drawing, chain=authority.chain("good"), trust=authority.trust, at=clock.now())
    assert report.ok
    assert report.signer == "Asha Rao"
    assert report.level == "B-B"
    assert report.say == "Signed by Asha Rao, unchanged since."


async def test_another_process_can_finish_from_what_was_kept(authority, ready, clock):
    chain = authority.chain("good")
    first = await ready(chain)
    kept = Prepared(bytes(first.pdf), first.sha256, first.digest, first.start, first.end, first.attributes)
    cms._shapes.clear()  # as in a process that never prepared anything
    pdf = await finish(kept, authority.sign("good", kept.attributes), chain=chain)
    assert check_signature(pdf, trust=authority.trust, at=clock.now()).ok


async def test_the_place_is_exactly_the_signature_and_the_room_for_a_time_stamp(authority, ready):
    prepared = await ready(authority.chain("good"))
    _, der = cut_cms(await sign(authority, ready, "good"))
    assert (prepared.end - prepared.start - 2) // 2 == len(der) + TIMESTAMP_ROOM
    tight = await ready(authority.chain("good"), timestamp_room=0)
    assert (tight.end - tight.start - 2) // 2 == len(der)


@pytest.mark.parametrize("label", ["good", "curve"])
async def test_a_time_stamp_makes_it_b_t(authority, ready, clock, label):
    chain = authority.chain(label)
    prepared = await ready(chain)
    pdf = await finish(prepared, authority.sign(label, prepared.attributes), chain=chain, stamp=authority.stamp)
    report = check_signature(pdf, trust=authority.trust, at=clock.now())
    assert report.ok, report
    assert report.level == "B-T"
    assert report.signed_at == clock.now().replace(microsecond=0)


async def test_a_time_stamp_over_something_else_is_not_believed(authority, ready):
    async def other(digest: bytes) -> bytes:
        return await authority.stamp(bytes(32))

    prepared = await ready(authority.chain("good"))
    with pytest.raises(Untrusted, match="stamped something else"):
        await finish(prepared, authority.sign("good", prepared.attributes), chain=authority.chain("good"), stamp=other)


async def test_without_room_for_the_time_stamp_the_signature_can_still_be_finished(authority, ready):
    chain = authority.chain("good")
    prepared = await ready(chain, timestamp_room=100)
    raw = authority.sign("good", prepared.attributes)
    with pytest.raises(Unavailable, match="without the time stamp"):
        await finish(prepared, raw, chain=chain, stamp=authority.stamp)
    assert await finish(prepared, raw, chain=chain)


@pytest.mark.parametrize("position", [0, 17, 255])
async def test_a_damaged_signature_is_never_embedded(authority, ready, position):
    prepared = await ready(authority.chain("good"))
    value = bytearray(authority.sign("good", prepared.attributes).value)
    value[position] ^= 1
    with pytest.raises(Untrusted, match="nothing was issued"):
        await finish(prepared, RawSignature(bytes(value), Mechanism.RSA_SHA256), chain=authority.chain("good"))


async def test_a_signature_by_another_key_or_mechanism_is_never_embedded(authority, ready):
    prepared = await ready(authority.chain("good"))
    honest = authority.sign("good", prepared.attributes)
    for wrong in (
        authority.sign("renewed", prepared.attributes),
        replace(honest, mechanism=Mechanism.ECDSA_SHA256),
        replace(honest, value=b""),
    ):
        with pytest.raises(Untrusted):
            await finish(prepared, wrong, chain=authority.chain("good"))


@pytest.mark.parametrize("change", ["pdf", "digest", "attributes", "offset"])
async def test_what_was_kept_between_the_halves_may_not_change(authority, ready, change):
    chain = authority.chain("good")
    kept = await ready(chain)
    other = await ready(chain, reason="Another reason")
    wrong = {
        "pdf": replace(kept, pdf=kept.pdf.replace(b"Mumbai", b"Madras")),
        "digest": replace(kept, digest=other.digest),
        "attributes": replace(kept, attributes=other.attributes),
        "offset": replace(kept, start=kept.start + 2),
    }[change]
    with pytest.raises(Untrusted):
        await finish(wrong, authority.sign("good", wrong.attributes), chain=chain)


async def test_a_whole_cms_from_a_service_is_checked_and_embedded(authority, drawing, clock):
    prepared = await prepare(drawing, chain=None, field=Rect(0, 110, 230, 70, 18), signer_name="Asha Rao", at=clock.now(), mode=Mode.REMOTE)
    chain = authority.chain("good")
    attributes = await cms.attributes_for(chain, prepared.digest)
    der = await cms.build(chain, prepared.digest, attributes, authority.sign("good", attributes))
    pdf = await finish(prepared, Cms(der), chain=None)
    assert check_signature(pdf, trust=authority.trust, at=clock.now()).ok
    assert cms.chain_of(der).leaf == chain.leaf


async def test_a_cms_over_another_document_or_by_another_person_is_refused(authority, ready, drawing, clock):
    chain = authority.chain("good")
    prepared = await prepare(drawing, chain=None, field=Rect(0, 110, 230, 70, 18), signer_name="Asha Rao", at=clock.now(), mode=Mode.REMOTE)
    other = await cms.attributes_for(chain, bytes(32))
    foreign = await cms.build(chain, bytes(32), other, authority.sign("good", other))
    with pytest.raises(Untrusted, match="another document"):
        await finish(prepared, Cms(foreign), chain=None)
    mine = await cms.attributes_for(chain, prepared.digest)
    der = await cms.build(chain, prepared.digest, mine, authority.sign("good", mine))
    with pytest.raises(Untrusted, match="not of"):
        await finish(prepared, Cms(der), chain=authority.chain("renewed"))
    for garbage in (b"", b"\x30\x80garbage", der[:-9], bytes(4000)):
        with pytest.raises(Untrusted):
            await finish(prepared, Cms(garbage), chain=None)


async def test_the_quick_cms_equals_what_pyhanko_builds(authority, ready):
    chain = authority.chain("good")
    prepared = await ready(chain)
    raw = authority.sign("good", prepared.attributes)
    assert await cms.build(chain, prepared.digest, prepared.attributes, raw) == await cms._by_pyhanko(chain, prepared.attributes, raw.value)


@pytest.mark.parametrize(
    ("label", "code"),
    [("expired", "expired"), ("early", "not_yet_valid"), ("twin", "wrong_usage"), ("small", "weak_key"), ("good", None), ("plain", None)],
)
def test_an_unusable_certificate_is_refused_naming_what_was_read(authority, clock, label, code):
    chain = authority.chain(label)
    if code is None:
        check_usable(chain, at=clock.now())
        return
    with pytest.raises(Refused) as refused:
        check_usable(chain, at=clock.now(), purpose="enrol")
    assert refused.value.code == code
    assert refused.value.say.startswith("Cannot enrol: The ")
    assert chain.name in refused.value.say


async def test_a_field_off_the_page_and_a_drawing_that_is_none_are_refused(authority, drawing, clock, ready):
    with pytest.raises(EngineError, match="signature field"):
        await ready(authority.chain("good"), field=Rect(0, 10, 290, 70, 18))
    with pytest.raises(EngineError, match="signature field"):
        await ready(authority.chain("good"), field=Rect(7, 10, 20, 70, 18))
    with pytest.raises(EngineError, match="signature field"):
        await prepare(b"no pdf", chain=authority.chain("good"), field=Rect(0, 10, 10, 70, 18), signer_name="A", at=clock.now())
