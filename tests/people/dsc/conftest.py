"""Officers of two agencies, and a signer whose keys are certificates of every kind of the test authority."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from engine.contracts.signing import SignerContext, X509Chain
from engine.issuing import registering
from engine.issuing.judging import Judgement, judge
from engine.people import add_agency, add_office, add_officer, map_officer
from engine.people.dsc import Owner, PresentedHere, officer_as_owner
from engine.proof.trust import Trust
from engine.scope import PLATFORM
from plugins.signers.key_file.signer import KeyFile
from tests.people.conftest import People
from tests.signers.conftest import Authority, Hsm, authority, hsm, officer_token

__all__ = ["Authority", "Hsm", "Room", "authority", "hsm", "officer_token"]

ACTOR = "account:test"


@dataclass
class Clock:
    people: People

    def now(self) -> datetime:
        return self.people.at


@dataclass
class Room:
    """The doors of registering, at the people's moment."""

    people: People
    authority: Authority
    folder: Path
    signer: KeyFile
    trust: Trust
    owner: Owner
    colleague: Owner
    stranger: Owner
    clock: Clock

    def put(self, stem: str, label: str, *, key: str = "") -> None:
        """Puts a certificate of the authority and its key (or another's) into the signer's folder."""
        path = self.folder / f"{stem}.key.pem"
        path.write_bytes(self.authority.key_file(key or label).read_bytes())
        path.chmod(0o600)
        self.put_chain(stem, self.authority.chain(label))

    def put_chain(self, stem: str, chain: X509Chain) -> None:
        (self.folder / f"{stem}.chain.pem").write_bytes(b"".join(pem(der) for der in (chain.leaf, *chain.issuers)))

    async def judge(self, label: str, owner: Owner | None = None, **trust: object) -> Judgement:
        chain = self.authority.chain(label)
        judging = replace(self.trust, **trust)
        return await judge(chain, owner or self.owner, trust=judging, at=self.people.at, signer=self.signer)

    async def prove(self, key: str, owner: Owner | None = None, **more: str) -> PresentedHere:
        who = owner or self.owner
        here, judgement = await registering.prove(who, self.signer, key, trust=self.trust, actor=ACTOR, clock=self.clock, **more)
        assert here is not None, judgement.problems
        return here

    async def enrol(self, here: PresentedHere, owner: Owner | None = None) -> UUID:
        return await registering.enrol_proved(
            owner or self.owner, here.id, trust=self.trust, box=self.people.box, actor=ACTOR, at=self.people.at
        )


def pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


async def officer_named(people: People, agency: UUID, name: str, email: str) -> Owner:
    officer = await add_officer(agency, email=email, name=name, designation="Director", actor="test", at=people.at)
    return await officer_as_owner(PLATFORM, officer)


@pytest.fixture
async def room(people: People, authority: Authority, tmp_path: Path) -> AsyncIterator[Room]:
    other = await add_agency("TXC", "Textiles Committee", actor="test", at=people.at)
    await add_office(other, "DEL", "Delhi", "Delhi", actor="test", at=people.at)
    owner = await officer_named(people, people.agency_id, "Asha Rao", "asha@eia.example.in")
    await map_officer(people.agency_id, owner.id, people.office_id, actor="test", at=people.at)
    colleague = await officer_named(people, people.agency_id, "ASHA  RAO", "other@eia.example.in")
    stranger = await officer_named(people, other, "Asha Rao", "asha@txc.example.in")
    folder = tmp_path / "dsc-keys"
    folder.mkdir()
    signer, clock = KeyFile(), Clock(people)
    await signer.open(SignerContext({}, folder, clock, demo=True))
    crls = (authority.crl("issuing"), authority.crl("root"))
    trust = replace(authority.trust, crls=crls)
    made = Room(people, authority, folder, signer, trust, owner, colleague, stranger, clock)
    for label in ("good", "renewed", "expired", "early", "twin", "revoked", "small", "curve"):
        made.put(label, label)
    yield made
    await signer.close()
