"""The test authority, drawings to sign, and SoftHSM tokens: real parts, made anew for each session or test."""

import io
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import algos, core, tsp
from certomancer.registry.common import ArchLabel, CertLabel, ServiceLabel
from certomancer.registry.config import CertomancerConfig
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from engine.contracts.drawing import Rect
from engine.contracts.signing import Document, Mechanism, RawSignature, Signatory, SignatureJob, SignerContext, X509Chain
from engine.issuing.pades import Prepared, prepare
from engine.proof.trust import Trust

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
NOW = datetime(2026, 11, 21, 9, 30, 15, tzinfo=UTC)
FIELD = Rect(0, 110.0, 230.0, 70.0, 18.0)


@dataclass
class MovedClock:
    """A clock that stands still until a test moves it."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    def move(self, **by: float) -> None:
        self.moment += timedelta(**by)


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@dataclass
class Authority:
    """What certomancer made of tests/pki/authority.yml."""

    folder: Path
    arch: object = field(repr=False)

    def der(self, label: str) -> bytes:
        return bytes(self.arch.get_cert(CertLabel(label)).dump())  # type: ignore[attr-defined]

    def chain(self, label: str) -> X509Chain:
        return X509Chain(self.der(label), (self.der("issuing"), self.der("root")))

    def key_file(self, label: str) -> Path:
        spec = self.arch.get_cert_spec(CertLabel(label))  # type: ignore[attr-defined]
        return self.folder / f"{spec.subject_key}.pem"

    @property
    def trust(self) -> Trust:
        return Trust((self.der("root"),), (self.der("issuing"),))

    def crl(self, label: str) -> bytes:
        """The revocation list of an authority as of NOW."""
        return bytes(self.arch.service_registry.get_crl(ServiceLabel(label), NOW).dump())  # type: ignore[attr-defined]

    def sign(self, label: str, data: bytes) -> RawSignature:
        """What an honest signer would return for that officer."""
        key = load_pem_private_key(self.key_file(label).read_bytes(), None)
        if isinstance(key, rsa.RSAPrivateKey):
            return RawSignature(key.sign(data, padding.PKCS1v15(), hashes.SHA256()), Mechanism.RSA_SHA256)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return RawSignature(key.sign(data, ec.ECDSA(hashes.SHA256())), Mechanism.ECDSA_SHA256)

    async def stamp(self, digest: bytes) -> bytes:
        """A time stamp by the test authority, at NOW."""
        tsa = self.arch.service_registry.summon_timestamper(ServiceLabel("tsa"), NOW)  # type: ignore[attr-defined]
        request = tsp.TimeStampReq(
            {
                "version": 1,
                "message_imprint": {"hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}), "hashed_message": digest},
                "nonce": core.Integer(7),
                "cert_req": True,
            }
        )
        return bytes(tsa.request_tsa_response(request)["time_stamp_token"].dump())


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("pki")
    for name in ("root", "issuing", "officer", "second", "p256", "small", "tsa"):
        key = (
            ec.generate_private_key(ec.SECP256R1())
            if name == "p256"
            else rsa.generate_private_key(65537, 1024 if name == "small" else 2048)
        )
        (folder / f"{name}.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    config = CertomancerConfig.from_file(str(Path(__file__).parents[1] / "pki" / "authority.yml"), str(folder))
    return Authority(folder, config.get_pki_arch(ArchLabel("india")))


@pytest.fixture(scope="session")
def drawing() -> bytes:
    """A page with embedded DejaVu, as a drawn certificate has it."""
    pdfmetrics.registerFont(TTFont("DejaVu", "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"))
    out = io.BytesIO()
    page = Canvas(out, invariant=1, initialFontName="DejaVu")
    page.setFont("DejaVu", 10)
    for line in range(40):
        page.drawString(50, 780 - 12 * line, f"{line}. Certificate of Origin: 40 bags of turmeric, ₹ 1,20,000, to Hồ Chí Minh")
    page.showPage()
    page.save()
    return out.getvalue()


@pytest.fixture
def ready(drawing: bytes, clock: MovedClock) -> Callable[[X509Chain], object]:
    """Prepares the drawing for a chain."""

    async def prepared(chain: X509Chain | None, **more: object) -> Prepared:
        arguments = {
            "field": FIELD,
            "signer_name": "Asha Rao",
            "at": clock.now(),
            "reason": "Certificate of Origin",
            "location": "Mumbai",
        } | more
        return await prepare(drawing, chain=chain, **arguments)  # type: ignore[arg-type]

    return prepared


def make_job(signatory: Signatory, *documents: Prepared, transaction: str = "try-1") -> SignatureJob:
    return SignatureJob(
        "job-1",
        transaction,
        signatory,
        tuple(Document(f"doc-{n}", f"Certificate {n}", p.digest, p.attributes, "0" * 64) for n, p in enumerate(documents)),
    )


@pytest.fixture(scope="session")
def job() -> Callable[..., SignatureJob]:
    return make_job


@pytest.fixture
def context(tmp_path: Path, clock: MovedClock) -> Callable[..., SignerContext]:
    return lambda **settings: SignerContext(settings, tmp_path / "signer", clock, True)


@dataclass
class Hsm:
    """SoftHSM with a token folder of its own."""

    folder: Path
    pin: str = "73519284"
    places: dict[str, str] = field(default_factory=dict)

    def token(self, label: str, name: str = "") -> None:
        """Adds an initialised token; `name` is how these tests call it, if another one has that label."""
        before = self._inserted()
        command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", self.pin, "--so-pin", "10293847"]
        subprocess.run(command, check=True, capture_output=True)
        (self.places[name or label],) = self._inserted() - before

    def put(self, token: str, key_id: str, der: bytes, key: Path | None, **more: str) -> None:
        """Puts a certificate, and its key if given, on a token under that id."""
        if key is not None:
            command = ["softhsm2-util", "--import", str(key), "--token", token, "--pin", self.pin, "--label", token, "--id", key_id]
            subprocess.run(command, check=True, capture_output=True)
        path = self.folder / f"{key_id}.der"
        path.write_bytes(der)
        tool = ["pkcs11-tool", "--module", MODULE, "--token-label", token, "--login", "--pin", self.pin]
        subprocess.run(
            [*tool, "--write-object", str(path), "--type", "cert", "--id", key_id, "--label", token], check=True, capture_output=True
        )

    def pull_out(self, *names: str) -> None:
        """Takes these tokens out of the machine, or all."""
        (self.folder / "pocket").mkdir(exist_ok=True)
        for name in names or self.places:
            (self.folder / "tokens" / self.places[name]).rename(self.folder / "pocket" / self.places[name])

    def put_back(self, *names: str) -> None:
        """Puts them back."""
        for name in names or self.places:
            (self.folder / "pocket" / self.places[name]).rename(self.folder / "tokens" / self.places[name])

    def _inserted(self) -> set[str]:
        return {path.name for path in (self.folder / "tokens").iterdir()}


@pytest.fixture
def hsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hsm:
    folder = tmp_path / "hsm"
    (folder / "tokens").mkdir(parents=True)
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
    return Hsm(folder)


@pytest.fixture
def officer_token(hsm: Hsm, authority: Authority) -> Hsm:
    """A token `officer` with the good officer's key and certificate under id 01."""
    hsm.token("officer")
    hsm.put("officer", "01", authority.der("good"), authority.key_file("good"))
    return hsm
