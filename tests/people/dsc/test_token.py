"""Registering with a real token library: what a token holds, a locked one, and a key that proves itself."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.contracts.signing import SignerContext
from engine.errors import Refused, SignerUnavailable
from engine.issuing import registering
from engine.people import live_enrolment
from plugins.signers.dsc_token.signer import DscToken
from tests.people.dsc.conftest import ACTOR, Authority, Hsm, Room
from tests.signers.conftest import MODULE


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """The databases are tried elsewhere; here it is the token's turn."""
    return f"sqlite:///{tmp_path / 'empty.db'}"


@pytest.fixture
async def token(room: Room, officer_token: Hsm, authority: Authority) -> AsyncIterator[DscToken]:
    """The officer's token, with an encryption twin, a certificate without its key and the issuer's beside it."""
    officer_token.put("officer", "02", authority.der("twin"), authority.key_file("twin"))
    officer_token.put("officer", "03", authority.der("plain"), None)
    officer_token.put("officer", "04", authority.der("issuing"), None)
    signer = DscToken()
    with tempfile.TemporaryDirectory(prefix="ecoo-") as folder:  # a socket's path is short
        await signer.open(SignerContext({"module": MODULE}, Path(folder), room.clock, demo=True))
        yield signer
        await signer.close()


async def test_what_a_token_holds_is_listed_without_a_pin_and_without_its_authorities(room: Room, token: DscToken) -> None:
    held = await registering.offered(token, room.owner)
    assert [(each.key, each.chain.name, each.ready) for each in held] == [
        ("officer/01", "Asha Rao", False),
        ("officer/02", "Asha Rao", False),
        ("officer/03", "Digital Signature Only", False),
    ]
    assert len(held[0].chain.issuers) == 1


async def test_a_locked_token_is_to_be_unlocked_at_its_machine_and_registers_nothing(room: Room, token: DscToken) -> None:
    with pytest.raises(SignerUnavailable, match="ecoo token unlock"):
        await registering.prove(room.owner, token, "officer/01", trust=room.trust, actor=ACTOR, clock=room.clock)


async def test_an_unlocked_token_proves_its_key_and_registers(room: Room, token: DscToken, officer_token: Hsm) -> None:
    await token.unlock(officer_token.pin)
    assert [each.ready for each in await registering.offered(token, room.owner)] == [True, True, True]
    here, judgement = await registering.prove(
        room.owner,
        token,
        "officer/01",
        fingerprint=room.authority.chain("good").fingerprint,
        trust=room.trust,
        actor=ACTOR,
        clock=room.clock,
    )
    assert here is not None, judgement.problems
    await room.enrol(here)
    live = await live_enrolment(officer=room.owner.id, at=room.people.at)
    assert (live.signer, live.signatory.key) == ("dsc_token", "officer/01")


async def test_the_encryption_twin_is_refused_and_no_key_is_used(room: Room, token: DscToken, officer_token: Hsm) -> None:
    await token.unlock(officer_token.pin)
    seen = room.authority.chain("twin").fingerprint
    here, judgement = await registering.prove(
        room.owner, token, "officer/02", fingerprint=seen, trust=room.trust, actor=ACTOR, clock=room.clock
    )
    assert here is None
    assert [problem.rule for problem in judgement.problems] == ["wrong_usage"]


async def test_a_certificate_without_its_key_proves_nothing(room: Room, token: DscToken, officer_token: Hsm) -> None:
    await token.unlock(officer_token.pin)
    with pytest.raises(Refused) as refused:
        await registering.prove(room.owner, token, "officer/03", trust=room.trust, actor=ACTOR, clock=room.clock)
    assert refused.value.code == "no_private_key"


async def test_a_token_that_was_pulled_out_proves_nothing(room: Room, token: DscToken, officer_token: Hsm) -> None:
    await token.unlock(officer_token.pin)
    officer_token.pull_out()
    with pytest.raises(SignerUnavailable):
        await registering.offered(token, room.owner)
    with pytest.raises(SignerUnavailable):
        await registering.prove(room.owner, token, "officer/01", trust=room.trust, actor=ACTOR, clock=room.clock)


def test_no_form_of_these_pages_asks_for_a_pin() -> None:
    templates = Path(__file__).parents[3] / "admin" / "templates"
    pages = [path for path in templates.glob("*.html") if path.name.startswith(("dsc", "user_name"))]
    assert len(pages) >= 5
    for path in pages:
        text = path.read_text(encoding="utf-8").lower()
        assert 'type="password"' not in text
        assert 'name="pin"' not in text
