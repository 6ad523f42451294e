"""Register Digital Signature Certificate as a person does it, with keys of the test authority behind the server."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from engine.contracts.signing import SignerContext
from engine.errors import SignerUnavailable
from engine.people import add_officer, find_officer
from engine.people.access import Device, RoleKind, Stage, roles_of
from engine.people.access.sessions import begin
from engine.people.dsc.tables import Enrolment, Presented
from engine.people.staff.activating import deactivate_officer
from engine.people.tables import Account, Agency
from engine.scope import PLATFORM, Scope
from engine.site import Site
from engine.store import uow
from plugins.signers.key_file.signer import KeyFile
from tests.admin.conftest import BASE, TOKEN
from tests.admin.world import World
from tests.people.dsc.conftest import pem
from tests.signers.conftest import Authority, authority

__all__ = ["authority"]

FINGERPRINT = re.compile(r'name="fingerprint" value="([0-9a-f]{64})"')


@dataclass
class Desk:
    """A browser, the site behind it, and the folder of keys that its signer reads."""

    client: httpx.AsyncClient
    site: Site
    authority: Authority
    folder: Path
    clock: Any
    agency: UUID

    async def officer(self, name: str) -> str:
        """A fresh officer of EIA under that name, signed in and just proved; gives their e-mail address."""
        email = f"{uuid4().hex[:10]}@eia.example.in"
        await add_officer(self.agency, email=email, name=name, designation="Director", actor="test", at=self.clock.now())
        [row] = await Account.select(Account.id).where(Account.email == email)
        async with uow():
            await Account.update({Account.totp_sealed: "x", Account.totp_set_at: self.clock.now()}).where(Account.id == row["id"])
        await self.enter(row["id"])
        return email

    async def enter(self, account: UUID) -> None:
        role = next(each for each in await roles_of(account, self.clock.now()) if each.kind is RoleKind.OFFICER)
        async with uow():
            token = await begin(
                account, Stage.WHOLE, device=Device("test"), limits=self.site.config.access, at=self.clock.now(), acting=role.key
            )
        self.client.cookies.clear()
        self.client.cookies.set("session", token)

    def put(self, label: str) -> str:
        """Puts a key of the authority behind the server; gives its certificate's fingerprint."""
        path = self.folder / f"{label}.key.pem"
        path.write_bytes(self.authority.key_file(label).read_bytes())
        path.chmod(0o600)
        chain = self.authority.chain(label)
        (self.folder / f"{label}.chain.pem").write_bytes(b"".join(pem(der) for der in (chain.leaf, *chain.issuers)))
        return chain.fingerprint

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path, headers={"accept": "text/html"})

    async def send(self, path: str, **fields: str) -> httpx.Response:
        token = TOKEN.search((await self.get("/password")).text)
        assert token
        data = {"_csrf_token": token[1], **fields}
        return await self.client.post(path, data=data, headers={"accept": "text/html", "origin": BASE})

    async def prove(self, fingerprint: str) -> str:
        """Goes on with that certificate; gives the page that shows what it says."""
        proved = await self.send("/dsc/new", signer="key_file", fingerprint=fingerprint)
        assert proved.status_code == 303, proved.text
        return proved.headers["location"]


@pytest.fixture
async def desk(
    house: Litestar, stranger: httpx.AsyncClient, world: World, authority: Authority, tmp_path: Path, clock: Any
) -> AsyncIterator[Desk]:
    clock.forward(minutes=1)
    site: Site = house.state["parts"].site
    before = site.config, site.trust, site.works
    folder, signer = tmp_path / "behind", site.registry.signer("key_file")
    folder.mkdir()
    assert isinstance(signer, KeyFile)
    await signer.open(SignerContext({}, folder, clock, demo=True))
    site.config, site.works = replace(site.config, signers={"key_file": {}}), True
    site.trust = replace(authority.trust, crls=(authority.crl("issuing"), authority.crl("root")))
    [agency] = await Agency.select(Agency.id).where(Agency.code == "EIA")
    yield Desk(stranger, site, authority, folder, clock, agency["id"])
    site.config, site.trust, site.works = before
    await signer.close()
    async with uow():  # the authority's certificates are free for the next test
        await Enrolment.delete().where(Enrolment.key != "test", Enrolment.key != "world")
        await Presented.delete().where(Presented.key != "world")
    stranger.cookies.clear()


async def live_of(desk: Desk, email: str) -> list[str]:
    officer = await find_officer(PLATFORM, email)
    rows = await Enrolment.select(Enrolment.fingerprint).where(Enrolment.officer == officer.id, Enrolment.ended_at.is_null())
    return [row["fingerprint"] for row in rows]


async def test_what_somebody_else_registered_or_presented_is_not_offered(desk: Desk) -> None:
    good = desk.put("good")
    await desk.officer("Ravi Kumar")
    await desk.prove(good)
    await desk.officer("Meera Iyer")
    choose = await desk.get("/dsc/new")
    assert "somebody else&#39;s" in choose.text or "somebody else's" in choose.text
    assert FINGERPRINT.findall(choose.text) == []
    refused = await desk.send("/dsc/new", signer="key_file", fingerprint=good)
    assert (refused.status_code, "it serves one person alone. Choose your own" in refused.text) == (422, True)
    assert "end that enrolment" not in refused.text
    await desk.officer("Asha Rao")
    assert FINGERPRINT.findall((await desk.get("/dsc/new")).text) == [good], "presenting takes nobody's own certificate away"
    path = await desk.prove(good)
    assert (await desk.send(f"{path}/register")).headers["location"] == "/dsc"
    await desk.officer("Asha Rao")
    choose = await desk.get("/dsc/new")
    assert FINGERPRINT.findall(choose.text) == [], "registered for another person of the same name"
    assert (await desk.send("/dsc/new", signer="key_file", fingerprint=good)).status_code == 422


async def test_an_officer_picks_their_certificate_sees_what_it_says_and_registers_it(desk: Desk) -> None:
    email, good = await desk.officer("Asha Rao"), desk.put("good")
    desk.put("twin")
    assert "No certificate is registered for Asha Rao yet" in (await desk.get("/dsc")).text
    choose = await desk.get("/dsc/new")
    assert FINGERPRINT.findall(choose.text) == [good], "the encryption twin is shown and cannot be chosen"
    assert "is for key_encipherment and not for signatures" in choose.text
    shown = await desk.get(await desk.prove(good))
    for words in ("it signed the challenge", "Asha Rao", "ecoo TEST Issuing CA", "Class 3 (2.16.356.100.2.3)", "non-repudiation"):
        assert words in shown.text
    assert await live_of(desk, email) == [], "nothing is registered by looking"
    path = str(shown.url.path)
    assert (await desk.send(f"{path}/register")).headers["location"] == "/dsc"
    assert await live_of(desk, email) == [good]
    assert "signs" in (await desk.get("/dsc")).text


@pytest.mark.parametrize(
    ("label", "holder", "words"),
    [("revoked", "Ravi Nair", "is revoked"), ("expired", "Old Officer", "has expired"), ("small", "Small Key", "1024 bits")],
)
async def test_a_certificate_that_must_not_sign_is_shown_with_the_reason(desk: Desk, label: str, holder: str, words: str) -> None:
    email, fingerprint = await desk.officer(holder), desk.put(label)
    answer = await desk.send("/dsc/new", signer="key_file", fingerprint=fingerprint)
    assert answer.status_code == 422
    assert words in answer.text
    assert "/register" not in answer.text.partition("<main")[2]
    assert await live_of(desk, email) == []


async def test_a_locked_token_is_said_to_be_unlocked_at_its_machine(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.officer("Asha Rao")
    good = desk.put("good")

    async def locked(*_: object) -> None:
        raise SignerUnavailable("The token officer is locked. Unlock it with `ecoo token unlock`.", code="locked")

    monkeypatch.setattr(KeyFile, "start", locked)
    answer = await desk.send("/dsc/new", signer="key_file", fingerprint=good)
    assert answer.status_code == 503
    assert "ecoo token unlock" in answer.text
    assert 'type="password"' not in answer.text


async def test_a_server_without_keys_says_where_to_go(desk: Desk) -> None:
    await desk.officer("Asha Rao")
    desk.site.works = False
    answer = await desk.get("/dsc/new")
    assert (answer.status_code, "ecoo enrol" in answer.text) == (200, True)


async def test_another_name_is_shown_field_by_field_and_goes_to_the_administrator(desk: Desk, world: World) -> None:
    email, good = await desk.officer("Asha Deshmukh"), desk.put("good")
    path = await desk.prove(good)
    shown = await desk.get(path)
    assert "common name (CN)" in shown.text
    assert shown.text.index("Asha Rao") < len(shown.text)
    assert f"{path}/register" not in shown.text
    tried = await desk.send(f"{path}/register")
    assert (tried.status_code, await live_of(desk, email)) == (422, [])
    assert (await desk.send(f"{path}/ask")).status_code == 303
    assert "waits for your agency's administrator" in (await desk.get(path)).text
    officer = await find_officer(PLATFORM, email)
    await world.enter(desk.client, RoleKind.ADMINISTRATOR, desk.clock.now())
    assert "A certificate in the name <strong>Asha Rao</strong>" in (await desk.get(f"/users/{officer.id}")).text
    names = f"/users/{officer.id}/names/{path.removeprefix('/dsc/')}"
    empty = await desk.send(names, deed="confirm", reason=" ")
    assert (empty.status_code, "Say why" in empty.text) == (422, True)
    assert (await desk.send(names, deed="confirm", reason="name changed by marriage")).status_code == 303
    assert await live_of(desk, email) == [good]


async def test_a_proof_of_somebody_elses_reads_like_none(desk: Desk) -> None:
    await desk.officer("Asha Rao")
    path = await desk.prove(desk.put("good"))
    email = await desk.officer("Asha Rao")
    answers = {(await desk.get(each)).status_code for each in (path, f"/dsc/{uuid4()}")}
    assert answers == {404}
    assert (await desk.send(f"{path}/register")).status_code == 404
    assert await live_of(desk, email) == []


async def test_what_was_registered_is_not_registered_twice(desk: Desk) -> None:
    email = await desk.officer("Asha Rao")
    path = await desk.prove(desk.put("good"))
    assert (await desk.send(f"{path}/register")).status_code == 303
    assert (await desk.send(f"{path}/register")).status_code in {409, 422}
    assert len(await live_of(desk, email)) == 1


async def test_a_foreign_fingerprint_or_signer_is_not_taken(desk: Desk) -> None:
    await desk.officer("Asha Rao")
    desk.put("good")
    rows = int(await Presented.count())
    for fields in (
        {"signer": "key_file", "fingerprint": "0" * 64},
        {"signer": "key_file", "fingerprint": ""},
        {"signer": "key_file", "key": "../../etc/passwd"},
        {"signer": "nobody", "fingerprint": desk.authority.chain("good").fingerprint},
        {},
    ):
        answer = await desk.send("/dsc/new", **fields)
        assert answer.status_code == 422
        assert "passwd" not in answer.text
    assert int(await Presented.count()) == rows


async def test_an_officer_ends_their_own_and_no_other(desk: Desk) -> None:
    email = await desk.officer("Asha Rao")
    await desk.send(f"{await desk.prove(desk.put('good'))}/register")
    officer = await find_officer(PLATFORM, email)
    [row] = await Enrolment.select(Enrolment.id).where(Enrolment.officer == officer.id)
    await desk.officer("Asha Rao")
    assert (await desk.send(f"/dsc/registered/{row['id']}", reason="mine")).status_code == 404
    await desk.enter(officer.account_id)
    assert (await desk.send(f"/dsc/registered/{row['id']}", reason="")).status_code == 422
    assert (await desk.send(f"/dsc/registered/{row['id']}", reason="token lost <b>here</b>")).status_code == 303
    page = (await desk.get("/dsc")).text
    assert "token lost &lt;b&gt;here&lt;/b&gt;" in page
    assert await live_of(desk, email) == []


async def test_a_deactivated_officers_page_is_shut_in_the_middle(desk: Desk) -> None:
    email = await desk.officer("Asha Rao")
    path = await desk.prove(desk.put("good"))
    officer = await find_officer(PLATFORM, email)
    await deactivate_officer(Scope.agency(desk.agency), officer.id, "left", box=desk.site.secrets, actor="test", at=desk.clock.now())
    answer = await desk.send(f"{path}/register")
    assert (answer.status_code, answer.headers["location"].startswith("/sign-in")) == (303, True)
    assert await live_of(desk, email) == []


async def test_without_a_fresh_proof_nothing_begins(desk: Desk) -> None:
    await desk.officer("Asha Rao")
    desk.clock.forward(minutes=12)
    assert (await desk.get("/dsc")).status_code == 200
    assert (await desk.get("/dsc/new")).headers["location"] == "/account/prove?next=/dsc/new"
