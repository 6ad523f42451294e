"""An agency that is only in the register, and what its people click until an officer of theirs is ready to sign.

Everything happens in a browser, on the site as it is served: registering with a letter, the desk's activation, an office with
its stamp, an officer's request, their picture confirmed by a second person, and the certificate of their key.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from reportlab.pdfgen.canvas import Canvas

from engine.demo import DESK
from engine.demo_pictures import signature_photo, stamp_photo
from plugins.signers.key_file.demo import make_demo_keys
from tests.journeys.test_first_day import read_until_serving

ECOO = str(Path(sys.executable).parent / "ecoo")
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
PASSWORD = "seven lanterns over Devgad"
REGISTER = """
[[agencies]]
code = "KCCI"
name = "Konkan Chamber of Commerce and Industry"
domains = ["kcci.example.in"]
listings = [{ appendix = "2B", starts_on = 2024-08-28 }]
"""
OFFICER_NAME = "Ravindra Menon"


@dataclass
class Served:
    """The site as `ecoo serve` serves it, with a key of the officer-to-be on its own device."""

    url: str
    folder: Path
    browser: Browser
    secrets: dict[str, str] = field(default_factory=dict)

    def person(self) -> "Person":
        return Person(self, self.browser.new_context(base_url=self.url).new_page())


@dataclass
class Person:
    """Somebody at a browser of their own."""

    site: Served
    page: Page

    def go(self, path: str) -> None:
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == 200, f"{path} answers {answer.status}: {self.page.locator('main').inner_text()}"

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.locator(f"[name={name}]").fill(value)

    def link_in_letter(self, pattern: str) -> str:
        """The path of the newest link of that kind in the mailbox that stands in for everybody's."""
        end = time.monotonic() + 30  # letters leave within two seconds
        while time.monotonic() < end:
            self.go("/dev/outbox")
            for href in self.page.locator("main a").evaluate_all("links => links.map(link => link.getAttribute('href'))"):
                if (found := re.search(pattern, href or "")) and found[0] not in self.site.secrets:
                    self.site.secrets[found[0]] = "used"
                    return found[0]
            self.page.wait_for_timeout(300)
        raise AssertionError(f"no letter with {pattern}")

    def register(self, role: str, email: str, name: str, designation: str, **more: str) -> None:
        """Registers with the agency, and confirms the mailed link."""
        self.go("/register")
        self.page.locator("select[name=agency]").select_option("KCCI")
        self.page.get_by_role("radio", name=role).check()
        self.press("Continue")
        self.fill(email=email, name=name, designation=designation)
        if "office" in more:
            self.page.locator("select[name=office]").select_option(more["office"])
        if "letter" in more:
            self.page.locator("[name=letter]").set_input_files(more["letter"])
        self.press("Ask to be registered")
        self.go(self.link_in_letter(r"/register/prove/\S+"))
        self.page.locator("form button").first.click()

    def enter(self, email: str, password: str) -> None:
        """Signs in for the first time, and sets the second factor up."""
        self.go("/sign-in")
        self.fill(email=email, password=password)
        self.page.locator("form[action='/sign-in'] button").click()
        secret = self.page.locator(".factor .mono").inner_text().replace(" ", "")
        self.fill(code=pyotp.TOTP(secret).now())
        self.press("Confirm")
        self.page.get_by_role("link", name="I have kept them").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("My Dashboard")

    def choose_password(self) -> None:
        self.go(self.link_in_letter(r"/password/\S+"))
        self.fill(password=PASSWORD, again=PASSWORD)
        self.press("Choose this password")

    def menu(self, label: str) -> None:
        self.page.get_by_role("navigation", name="My Dashboard").get_by_role("link", name=label, exact=True).click()

    def upload(self, picture: Path) -> None:
        self.page.locator("[name=file]").set_input_files(picture)
        self.press("Upload and clean")
        expect(self.page.locator(".score")).to_contain_text("Good enough to use")
        self.press("Use this")
        expect(self.page.get_by_role("status")).to_be_visible()


@pytest.fixture
def served(sites: Any, tmp_path: Path, free_port: int) -> Iterator[Served]:
    config: Path = sites.make(tmp_path / "site", "sqlite")
    keys = config.parent / "var" / "signers" / "key_file" / "keys"
    root = make_demo_keys(tmp_path / "more", [("ravindra", OFFICER_NAME, "Konkan Chamber of Commerce and Industry")], datetime.now(UTC))
    for path in (tmp_path / "more").glob("ravindra*"):
        shutil.copy2(path, keys)
    shutil.copy2(root, keys / "more-root.pem")
    text = config.read_text(encoding="utf-8").replace('demo-root.pem"]', 'demo-root.pem", "var/signers/key_file/keys/more-root.pem"]')
    config.write_text(text, encoding="utf-8")
    (tmp_path / "register.toml").write_text(REGISTER, encoding="utf-8")
    env = {**os.environ, "ECOO_CONFIG": str(config), "PORT": str(free_port)}
    done = subprocess.run(
        [ECOO, "register", "import", str(tmp_path / "register.toml")], env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    server = subprocess.Popen([ECOO, "serve"], env=env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=tmp_path)
    url = f"http://127.0.0.1:{free_port}"
    try:
        read_until_serving(server, url)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
            yield Served(url, config.parent, browser)
            browser.close()
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)


@pytest.fixture
def papers(tmp_path: Path) -> dict[str, Path]:
    """A letter of authorisation, and photos of a stamp and a hand."""
    found = {name: tmp_path / name for name in ("letter.pdf", "stamp.jpg", "hand.jpg")}
    sheet = Canvas(str(found["letter.pdf"]))
    sheet.drawString(60, 760, "Konkan Chamber of Commerce and Industry: we authorise our administrator")
    sheet.save()
    found["stamp.jpg"].write_bytes(stamp_photo("KONKAN CHAMBER OF COMMERCE", "RATNAGIRI", "CERTIFICATE OF ORIGIN"))
    found["hand.jpg"].write_bytes(signature_photo())
    return found


def test_from_the_register_to_an_officer_who_is_ready_to_sign(served: Served, papers: dict[str, Path]) -> None:
    administrator, desk, officer = served.person(), served.person(), served.person()
    administrator.register("Administrator", "head@kcci.example.in", "Leela Kamat", "Secretary", letter=str(papers["letter.pdf"]))

    desk.enter(DESK, (served.folder / "var" / "demo-sign-in").read_text().strip())
    desk.menu("Requests")
    desk.page.get_by_role("link", name="Leela Kamat").first.click()
    expect(desk.page.get_by_text("as recorded")).to_be_visible()
    desk.press("Approve")
    expect(desk.page.locator(".pairs").first).to_contain_text("approved")

    administrator.choose_password()
    administrator.enter("head@kcci.example.in", PASSWORD)
    administrator.menu("Office Management")
    administrator.page.get_by_role("link", name="Add an office").first.click()
    administrator.fill(name="Ratnagiri Office", code="RTN", city="Ratnagiri", address="12 Harbour Road, Ratnagiri", pin="415612")
    administrator.page.locator("select[name=state]").select_option("27")
    administrator.press("Add the office")
    expect(administrator.page.get_by_role("heading", level=1)).to_have_text("Ratnagiri Office")
    office = administrator.page.url
    administrator.page.get_by_role("link", name="Add the stamp").click()
    administrator.upload(papers["stamp.jpg"])
    expect(administrator.page.get_by_text("Version 1, since")).to_be_visible()  # nothing was there, and no second person is

    officer.register("Officer", "ravindra@kcci.example.in", OFFICER_NAME, "Assistant Secretary", office="RTN")
    administrator.menu("User Management")
    administrator.go("/users/requests")
    administrator.page.get_by_role("link", name=OFFICER_NAME).first.click()
    administrator.press("Approve")
    officer.choose_password()
    officer.enter("ravindra@kcci.example.in", PASSWORD)

    officer.menu("My signature picture")
    officer.upload(papers["hand.jpg"])
    administrator.menu("Changes")
    administrator.page.get_by_role("link", name=re.compile("Decide")).first.click()
    shown = administrator.page.get_by_alt_text("The picture that waits")  # who confirms has seen it
    assert shown.evaluate("picture => picture.complete && picture.naturalWidth > 50")
    administrator.press("Confirm and make the change")

    officer.menu("Register Digital Signature Certificate")
    officer.page.get_by_role("link", name="Register a certificate").click()
    officer.page.locator("li", has_text=OFFICER_NAME).get_by_role("button").click()
    officer.press("Register this certificate")
    expect(officer.page.get_by_text("signs", exact=True)).to_be_visible()

    administrator.go(f"{office}/readiness")
    issuing = administrator.page.locator("section", has=administrator.page.locator("#issuing"))
    assert issuing.locator("li.is-open").all_inner_texts() == []
    assert issuing.locator("li.is-done").count() >= 5
