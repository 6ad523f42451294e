"""A guest's project of its own: built, installed beside the wheel of ecoo, and used from there for everything."""

import ast
import json
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pypdfium2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from engine.proof.signature import check_signature
from engine.proof.trust import Trust

pytestmark = pytest.mark.xdist_group("guest_door")

GUEST = Path(__file__).parent / "guest" / "acme_ecoo"


@dataclass(frozen=True)
class Site:
    """A demonstration site in the guest's environment, signed for by the guest's signer."""

    home: object
    folder: Path

    @property
    def environ(self):
        return {"ECOO_CONFIG": str(self.folder / "engine.toml"), "ACME_LEDGER": str(self.folder / "ledger")}

    @property
    def keys(self):
        return self.folder / "var" / "signers" / "acme_hsm"

    def ecoo(self, *arguments):
        return self.home.ecoo(*arguments, **self.environ)

    def asked(self, *arguments):
        return self.home.asked(*arguments, **self.environ)

    def example(self, pack):
        return self.home.packages / "acme_ecoo" / "packs" / pack / "example.json"


@pytest.fixture(scope="module")
def acme_site(guest_home, tmp_path_factory):
    """What `ecoo demo --at` makes when another signer is named, and from then on the engine.toml of the manual."""
    site = Site(guest_home, tmp_path_factory.mktemp("acme-site"))
    named = {
        "ECOO_SITE__DEMO_SIGNER": "acme_hsm",
        "ECOO_SIGNERS__ACME_HSM__SLOT": "3",
        "ECOO_TRUST__ROOTS": "var/signers/acme_hsm/demo-root.pem",
    }
    done = guest_home.ecoo("demo", "--at", site.folder, **site.environ, **named)
    assert done.returncode == 0, done.stderr
    manual = (guest_home.packages / "plugins" / "README.md").read_text()
    sample = re.search(r"```toml\n(\[site\]\n.*?)```", manual, re.DOTALL)
    (site.folder / "engine.toml").write_text(sample[1])
    return site


@pytest.fixture(scope="module")
def acme_certificate(acme_site):
    """The guest's own example on the guest's own sheet, issued."""
    return acme_site.asked("issue", acme_site.example("acme"), "--out", acme_site.folder / "acme.pdf")


def signed_by_the_guest(site, pdf):
    """Asserts that the officer's key in the guest's HSM signed the file, and gives the report."""
    leaf = x509.load_pem_x509_certificates((site.keys / "officer.chain.pem").read_bytes())[0]
    assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)
    report = check_signature(pdf.read_bytes(), trust=Trust.load([site.keys / "demo-root.pem"]), at=None)
    assert report.ok, report.say
    assert report.fingerprint == sha256(leaf.public_bytes(Encoding.DER)).hexdigest()
    return report


def test_the_guest_imports_the_api_and_nothing_else_of_ours():
    for path in GUEST.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] in ("engine", "plugins", "admin"):
                assert node.module == "engine.api" or (node.module == "engine" and [n.name for n in node.names] == ["api"]), path
            if isinstance(node, ast.Import):
                assert not any(name.name.split(".")[0] in ("engine", "plugins", "admin") for name in node.names), path


def test_the_wheel_carries_every_file_of_the_three_packages(ecoo_wheel):
    assert sorted(ecoo_wheel.tree - ecoo_wheel.names) == []
    for needed in (
        "plugins/templates/aifta/form.toml",
        "plugins/templates/aifta/origin.toml",
        "plugins/templates/aifta/example.json",
        "plugins/templates/sheets/combined12/sheet.html",
        "engine/schema/migrations/ecoo_0001_initial.py",
        "admin/templates/base.html",
        "admin/static/app.css",
    ):
        assert needed in ecoo_wheel.names


def test_the_wheel_carries_nothing_else(ecoo_wheel):
    roots = {name.split("/")[0] for name in ecoo_wheel.names}
    assert {root for root in roots if not root.startswith("ecoo-")} == {"engine", "plugins", "admin"}
    assert not [name for name in ecoo_wheel.names if name.endswith(".pyc") or "/var/" in name]


def test_the_guests_environment_does_not_see_the_checkout(guest_home):
    for module in ("engine", "plugins", "admin", "acme_ecoo"):
        assert Path(guest_home.python(f"import {module}; print({module}.__file__)")).is_relative_to(guest_home.packages)


def test_what_the_guest_brings_is_listed_beside_the_built_ins(guest_home):
    listed = {(each["kind"], each["id"]): each for each in guest_home.asked("plugins")["plugins"]}
    assert listed["signer", "acme_hsm"] == {
        "kind": "signer", "id": "acme_hsm", "title": "Acme HSM", "version": "1.4.2", "source": "acme-ecoo",
    }  # fmt: skip
    assert (listed["payment", "acme_pay"]["title"], listed["payment", "acme_pay"]["source"]) == ("Acme Pay", "acme-ecoo")
    for scheme in ("ACME", "ACME_PLUS"):
        assert (listed["template", scheme]["source"], listed["template", scheme]["version"]) == ("acme-ecoo", "2026.1")
    hook = listed["hook", "acme_desk"]
    assert hook["title"] == "coo_certificate_issued, coo_check_application, coo_commands, coo_fill_boxes"
    assert hook["version"] == "desk-7"
    assert {listed[each]["source"] for each in listed if each[1] in ("key_file", "dsc_token", "AIFTA", "NP")} == {"built-in"}


def test_a_command_of_the_guest_hangs_below_ecoo(guest_home):
    done = guest_home.ecoo("acme", "forwarder")
    assert (done.returncode, done.stdout) == (0, "Acme Shipping\n")


def test_the_guests_signer_makes_a_demonstration_site_and_signs_its_certificate(acme_site):
    report = signed_by_the_guest(acme_site, acme_site.folder / "var" / "demo-certificate.pdf")
    assert report.signer == "Asha Deshmukh"
    assert not (acme_site.folder / "var" / "signers" / "key_file" / "keys").exists()


@pytest.mark.parametrize("plugin", ["acme_hsm", "ACME", "acme_pay"])
def test_the_guest_keeps_the_promises_of_its_kinds(acme_site, plugin):
    result = acme_site.asked("promise", plugin)
    assert result["ok"]
    assert len(result["promises"]) > 10
    assert sorted(path.name for path in acme_site.keys.glob("*.key.pem")) == ["exporter.key.pem", "officer.key.pem"]


def test_the_guests_form_is_issued_on_its_own_sheet_in_the_words_of_its_hook(acme_site, acme_certificate):
    pdf = Path(acme_certificate["path"])
    signed_by_the_guest(acme_site, pdf)
    page = pypdfium2.PdfDocument(pdf.read_bytes())[0].get_textpage().get_text_bounded()
    assert "ACME SIMPLE" in page
    assert "Forwarder: Acme Shipping" in page
    assert acme_certificate["number"] in page


def test_the_guests_certificate_is_genuine_to_anybody(acme_site, acme_certificate):
    answer = acme_site.asked("verify", acme_certificate["path"], "--offline")
    assert (answer["verdict"], answer["reasons"]) == ("genuine", ["registered_bytes"])
    assert answer["certificate"]["scheme"] == "ACME"


def test_a_built_in_form_is_signed_by_the_guest_and_each_issue_is_told_to_its_hook(acme_site, acme_certificate):
    example = acme_site.home.packages / "plugins" / "templates" / "aifta" / "example.json"
    issued = acme_site.asked("issue", example, "--out", acme_site.folder / "aifta.pdf")
    signed_by_the_guest(acme_site, Path(issued["path"]))
    lines = (acme_site.folder / "ledger").read_text().splitlines()
    assert f"ACME {acme_certificate['number']} {acme_certificate['sha256']}" in lines


def test_what_the_guests_desk_refuses_is_not_issued(acme_site):
    application = json.loads(acme_site.example("acme").read_text())
    application["consignee"]["name"] = "Embargo Trading House"
    path = acme_site.folder / "refused.json"
    path.write_text(json.dumps(application))
    done = acme_site.ecoo("issue", path, "--out", acme_site.folder / "refused.pdf", "--json")
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert error["problems"] == [
        {"box": "consignee.name", "rule": "Acme trading list", "say": "Acme does not ship to Embargo Trading House."}
    ]
    assert not (acme_site.folder / "refused.pdf").exists()


def test_settings_for_a_signer_nobody_installed_stop_every_command(acme_site):
    done = acme_site.home.ecoo("plugins", "--json", **acme_site.environ, ECOO_SIGNERS__ACME_HSN__SLOT="1")
    assert done.returncode == 5
    assert "[signers.acme_hsn] names no installed signer. Known: acme_hsm, dsc_token, key_file." in json.loads(done.stdout)["error"]["say"]
