"""Keys in files: what is refused before a signature, and the demonstration authority."""

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, load_pem_private_key, pkcs12

from engine.contracts.abilities import Rehearses
from engine.contracts.signing import Declined, Signatory, Signed
from engine.errors import ConfigError, PluginError, Refused
from engine.issuing.pades import finish
from engine.promises.signer import promises
from engine.proof.signature import verify_signed
from engine.proof.trust import Trust
from plugins.signers.key_file import coo_signers
from plugins.signers.key_file.signer import KeyFile

ASHA = Signatory("o-1", "Asha Rao", "asha")


@pytest.fixture
async def signer(context, clock):
    """The signer with two demonstration keys, opened."""
    signer, ctx = KeyFile(), context()
    signer.rehearse(ctx.folder, [("asha", "Asha Rao", "EIC Mumbai"), ("ravi", "Ravi Nair", "EIC Kochi")], clock.now())
    await signer.open(ctx)
    yield signer
    await signer.close()


def put(folder, authority, label, stem, *, mode=0o600, passphrase=None):
    folder.mkdir(exist_ok=True)
    key = load_pem_private_key(authority.key_file(label).read_bytes(), None)
    leaf, issuing, root = (x509.load_der_x509_certificate(authority.der(n)) for n in (label, "issuing", "root"))
    if passphrase:
        data = pkcs12.serialize_key_and_certificates(b"x", key, leaf, [issuing, root], BestAvailableEncryption(passphrase.encode()))
        path = folder / f"{stem}.p12"
    else:
        data = authority.key_file(label).read_bytes()
        path = folder / f"{stem}.key.pem"
        (folder / f"{stem}.chain.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in (leaf, issuing, root)))
    path.write_bytes(data)
    path.chmod(mode)
    return path


async def test_it_keeps_every_promise_of_a_signer(context, clock):
    (signer,), ctx = coo_signers(), context()
    signer.rehearse(ctx.folder, [("asha", "Asha Rao", "EIC Mumbai")], clock.now())
    assert [p for p in await promises(signer, ctx, ASHA) if not p.kept] == []


async def test_a_key_that_was_renewed_under_its_name_signs_without_a_restart(context, authority, ready, job):
    signer, ctx = KeyFile(), context()
    put(ctx.folder, authority, "good", "asha")
    await signer.open(ctx)
    assert await signer.identity(ASHA) == authority.chain("good")
    put(ctx.folder, authority, "renewed", "asha")
    enrolled = replace(ASHA, fingerprint=authority.chain("renewed").fingerprint)
    assert await signer.identity(enrolled) == authority.chain("renewed")
    prepared = await ready(authority.chain("renewed"))
    outcome = await signer.start(job(enrolled, prepared))
    assert outcome.documents[0].result == authority.sign("renewed", prepared.attributes)
    with pytest.raises(Refused, match="not enrolled"):
        await signer.identity(replace(ASHA, fingerprint=authority.chain("good").fingerprint))
    await signer.close()


async def test_what_is_enrolled_is_what_the_file_holds_now(context, authority):
    signer, ctx = KeyFile(), context()
    put(ctx.folder, authority, "good", "asha")
    await signer.open(ctx)
    assert await signer.enrol(ASHA) == authority.chain("good")
    put(ctx.folder, authority, "renewed", "asha")
    assert await signer.enrol(ASHA) == authority.chain("renewed")
    await signer.close()


async def test_a_demonstration_signature_is_genuine_by_the_demonstration_root(signer, context, ready, job, drawing, clock):
    chain = await signer.identity(ASHA)
    prepared = await ready(chain)
    outcome = await signer.start(job(ASHA, prepared))
    pdf = await finish(prepared, outcome.documents[0].result, chain=chain)
    trust = Trust.load([context().folder / "demo-root.pem"])
    assert verify_signed(pdf, drawn_pdf=drawing, chain=chain, trust=trust, at=clock.now()).signer == "Asha Rao"
    assert trust.fingerprints[0][0] == "ecoo DEMONSTRATION Root"


async def test_demonstration_certificates_say_so_and_claim_no_class(signer):
    chain = await signer.identity(ASHA)
    leaf, issuing, root = (x509.load_der_x509_certificate(der) for der in (chain.leaf, *chain.issuers))
    assert "DEMONSTRATION" in issuing.subject.rfc4514_string()
    assert "DEMONSTRATION" in root.subject.rfc4514_string()
    with pytest.raises(x509.ExtensionNotFound):
        leaf.extensions.get_extension_for_class(x509.CertificatePolicies)
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.content_commitment, usage.key_encipherment) == (True, True, False)
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)


def test_the_demonstration_finds_who_can_rehearse():
    assert isinstance(KeyFile(), Rehearses)


def test_demonstration_keys_are_made_once_and_are_private(context, clock):
    folder = context().folder
    KeyFile().rehearse(folder, [("asha", "Asha Rao", "EIC")], clock.now())
    assert (folder / "asha.key.pem").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Refused, match="already"):
        KeyFile().rehearse(folder, [("asha", "Asha Rao", "EIC")], clock.now())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
async def test_a_key_file_others_can_read_is_refused_with_the_command_that_mends_it(context, authority, mode):
    signer, ctx = KeyFile(), context()
    path = put(ctx.folder, authority, "good", "asha", mode=mode)
    await signer.open(ctx)
    with pytest.raises(ConfigError, match=f"chmod 600 {path}"):
        await signer.identity(ASHA)


async def test_pkcs12_with_a_passphrase_signs_and_the_passphrase_shows_nowhere(context, authority, ready, job):
    signer, ctx = KeyFile(), context(passphrase="correct horse")
    put(ctx.folder, authority, "good", "asha", passphrase="correct horse")
    await signer.open(ctx)
    chain = await signer.identity(ASHA)
    prepared = await ready(chain)
    outcome = await signer.start(job(ASHA, prepared))
    assert chain.verifies(prepared.attributes, outcome.documents[0].result)
    assert "correct horse" not in repr(signer)
    wrong = KeyFile()
    await wrong.open(context(passphrase="wrong horse"))
    with pytest.raises(ConfigError, match="`passphrase`") as error:
        await wrong.identity(ASHA)
    assert "wrong horse" not in str(error.value)


async def test_an_ecdsa_key_signs_too(context, authority, ready, job):
    signer, ctx = KeyFile(), context(folder="keys")
    ctx.folder.mkdir()
    put(ctx.folder / "keys", authority, "curve", "meera")
    await signer.open(ctx)
    meera = Signatory("o-2", "Meera Iyer", "meera")
    chain = await signer.identity(meera)
    prepared = await ready(chain)
    outcome = await signer.start(job(meera, prepared))
    assert chain.verifies(prepared.attributes, outcome.documents[0].result)


@pytest.mark.parametrize(("label", "code"), [("expired", "expired"), ("twin", "wrong_usage"), ("early", "not_yet_valid")])
async def test_a_certificate_that_may_not_sign_declines_the_job_and_the_enrolment(context, authority, ready, job, label, code):
    signer, ctx = KeyFile(), context()
    put(ctx.folder, authority, label, "asha")
    await signer.open(ctx)
    outcome = await signer.start(job(ASHA, await ready(authority.chain(label))))
    assert isinstance(outcome, Declined)
    assert outcome.code == code
    with pytest.raises(Refused) as refused:
        await signer.enrol(ASHA)
    assert refused.value.code == code


async def test_usability_is_checked_again_at_signing_time(signer, ready, job, clock):
    prepared = await ready(await signer.identity(ASHA))
    clock.move(days=731)
    outcome = await signer.start(job(ASHA, prepared))
    assert isinstance(outcome, Declined)
    assert outcome.code == "expired"


async def test_a_renewed_key_file_does_not_sign_for_the_old_enrolment(signer, ready, job):
    enrolled = replace(ASHA, fingerprint=(await signer.identity(replace(ASHA, key="ravi"))).fingerprint)
    with pytest.raises(Refused, match="not enrolled"):
        await signer.identity(enrolled)
    outcome = await signer.start(job(enrolled, await ready(await signer.identity(ASHA))))
    assert isinstance(outcome, Declined)


@pytest.mark.parametrize("stem", ["", "../asha", "/etc/passwd", ".hidden", "nobody", "a/b"])
async def test_a_key_outside_the_folder_cannot_be_named(signer, stem):
    with pytest.raises(Refused) as refused:
        await signer.identity(replace(ASHA, key=stem))
    assert refused.value.code == "unknown_key"


async def test_the_key_is_read_once(signer, ready, job, context):
    chain = await signer.identity(ASHA)
    (context().folder / "asha.key.pem").unlink()
    assert isinstance(await signer.start(job(ASHA, await ready(chain))), Signed)


async def test_damaged_and_foreign_key_files_are_named(context, authority):
    signer, ctx = KeyFile(), context()
    path = put(ctx.folder, authority, "good", "asha")
    put(ctx.folder, authority, "good", "other")
    (ctx.folder / "other.key.pem").write_bytes(authority.key_file("renewed").read_bytes())
    path.write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    await signer.open(ctx)
    with pytest.raises(ConfigError, match=r"asha\.key\.pem cannot be read"):
        await signer.identity(ASHA)
    with pytest.raises(ConfigError, match=r"belongs to its key"):
        await signer.identity(replace(ASHA, key="other"))


async def test_used_before_it_is_opened_it_says_so():
    with pytest.raises(PluginError, match="before it was opened"):
        await KeyFile().identity(ASHA)
