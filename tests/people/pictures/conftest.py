"""A studio whose darkroom develops in a moment, and an agency with persons who use it."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from engine.contracts.drawing import Adjust, CleanImage, Developed, ImageRequest, Preview
from engine.errors import EngineError
from engine.people import add_agency, add_office, changes, pictures
from engine.people.access import Principal
from engine.people.changes import Change
from engine.people.pictures import Bearer, Draft, apply_picture, apply_stamp
from engine.people.tables import Account, Officer
from engine.scope import Scope
from engine.store import FileStore
from tests.people.conftest import People

EFFECTS = {"stamp": apply_stamp, "officer_picture": apply_picture}
BASE = "https://coo.example.in"


@dataclass
class Darkroom:
    """Gives a picture that names the bytes and adjustments it came of, or raises or says what a test put there."""

    quality: int = 80
    fails: list[EngineError] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    async def develop(self, request: ImageRequest) -> Developed:
        if self.fails:
            raise self.fails.pop()
        preview = Preview(b"\xff\xd8\xff" + request.data[:20], 10, 10)
        if self.problems:
            return Developed(preview, None, self.problems.pop())
        png = b"\x89PNG " + hashlib.sha256(request.data + repr(request.adjust).encode()).digest()
        return Developed(preview, CleanImage(png, 10, 10, self.quality, ("The ink is pale.",)))


@dataclass
class Studio:
    """What tests do in it, at the moment that `people` stands at."""

    people: People
    files: FileStore
    room: Darkroom = field(default_factory=Darkroom)

    async def administrator(self, email: str = "admin@eia.example.in") -> Principal:
        id = await self.people.person(email, factor=True)
        await self.people.administrator(id)
        return await self.signed_in(email, id)

    async def officer(self, email: str = "officer@eia.example.in") -> Principal:
        return await self.signed_in(email, await self.people.officer(email))

    async def user(self, email: str = "user@firm.example.in", rights: str = "see,sign") -> Principal:
        id = await self.people.exporter_user(email, rights)
        await self.people.with_factor(id)
        return await self.signed_in(email, id)

    async def signed_in(self, email: str, id: UUID) -> Principal:
        self.people.later(minutes=1)
        return await self.people.here(await self.people.whole(email, id))

    async def office(self) -> Bearer:
        return await pictures.bearer_office(Scope.agency(self.people.agency_id), self.people.office_id)

    async def bearer(self, email: str = "officer@eia.example.in") -> Bearer:
        [row] = await Officer.select(Officer.id).where(Officer.account.email == email)
        return await pictures.bearer_officer(Scope.agency(self.people.agency_id), row["id"])

    async def foreign_office(self) -> UUID:
        agency = await add_agency("TXC", "Textiles Committee", actor="test", at=self.people.at)
        return await add_office(agency, "DEL", "Delhi", "Delhi", actor="test", at=self.people.at)

    async def upload(self, person: Principal, bearer: Bearer, data: bytes = b"a photo") -> Draft:
        await pictures.take_upload(person, bearer, data, room=self.room, files=self.files, at=self.people.at)
        return await self.draft(person, bearer)

    async def adjust(self, person: Principal, bearer: Bearer, adjust: Adjust) -> None:
        await pictures.adjust_draft(person, bearer, adjust, room=self.room, files=self.files, at=self.people.at)

    async def draft(self, person: Principal, bearer: Bearer) -> Draft:
        draft = await pictures.draft_of(person, bearer, self.people.at)
        assert draft is not None
        return draft

    async def use(self, person: Principal, bearer: Bearer, seen: str | None = None, *, despite: bool = False) -> Change | None:
        people = self.people
        if seen is None:
            seen = (await self.draft(person, bearer)).clean_sha256
        return await pictures.use_draft(
            person,
            bearer,
            seen,
            despite_score=despite,
            files=self.files,
            effects=EFFECTS,
            box=people.box,
            base=BASE,
            limits=people.limits,
            at=people.at,
        )

    async def ask(self, person: Principal, bearer: Bearer, data: bytes = b"a photo") -> Change:
        await self.upload(person, bearer, data)
        change = await self.use(person, bearer)
        assert change is not None
        return change

    async def confirm(self, change: Change, person: Principal) -> Change:
        people = self.people
        return await changes.confirm(change.id, person, effects=EFFECTS, box=people.box, limits=people.limits, at=people.at)

    async def live(self, bearer: Bearer) -> Any:
        return await pictures.live_version(bearer)


@pytest.fixture
def studio(people: People, tmp_path: Path) -> Studio:
    return Studio(people, FileStore(str(tmp_path / "files")))


async def rename(account: UUID, name: str) -> None:
    await Account.update({Account.name: name}).where(Account.id == account)
