"""Two agencies with offices and administrators, a registry with the sandbox, and the sandbox's other half without a network."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from engine.clock import ist_day
from engine.config import AccessSection
from engine.money.fees import NewFee, Rounding, add_fee
from engine.money.gateways import KIND, Tester, apply_parameters, ask_activation, parameters_by_id, save_parameters, test_parameters
from engine.people import OfficeHere, add_agency, add_office, appoint_administrator
from engine.people.access import Principal, Role, RoleKind, Stage
from engine.people.changes import Change
from engine.people.offices.keeping import office_by_id
from engine.registry import Registry
from engine.scope import PLATFORM, Scope
from engine.store import SecretBox
from plugins.payment.sandbox.server import RehearsalGateway
from tests.clocks import StillClock
from tests.rehearsal import sandboxes

__all__ = ["GOOD", "Bureau", "make_bureau"]

START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
GOOD = {"merchant_id": "COOMUM01", "checksum": "k9XvQ2mNpR7sT4wZ"}
EFFECTS = {KIND: apply_parameters}


@dataclass
class Bureau:
    """What the tests of fees and gateways act on; `clock` stands until a test moves it."""

    registry: Registry
    box: SecretBox
    clock: StillClock
    agency: UUID
    other_agency: UUID
    mumbai: OfficeHere
    delhi: OfficeHere
    foreign: OfficeHere
    first: Principal
    second: Principal
    stranger: Principal
    merchants: dict[str, str] = field(default_factory=lambda: {GOOD["merchant_id"]: GOOD["checksum"]})
    transport: httpx.AsyncBaseTransport | None = None
    rehearsal: bool = True

    @property
    def at(self) -> datetime:
        return self.clock.now()

    @property
    def today(self) -> date:
        return ist_day(self.at)

    @property
    def scope(self) -> Scope:
        return Scope.agency(self.agency)

    def day(self, days: int) -> date:
        return self.today + timedelta(days=days)

    # --- fees ---------------------------------------------------------------------------------

    def fee(self, paise: int, starts: int = 0, last: int | None = None, **what: Any) -> NewFee:
        told = {"office_id": None, "scheme": "", "kind": "", "gst_rate_bp": 1800, "sac": "998599", "rounding": Rounding.PAISA} | what
        return NewFee(amount_paise=paise, starts_on=self.day(starts), last_day=None if last is None else self.day(last), **told)

    async def add(self, paise: int, starts: int = 0, last: int | None = None, **what: Any) -> UUID:
        return await add_fee(self.scope, self.agency, self.fee(paise, starts, last, **what), actor="test", at=self.at)

    # --- parameters ---------------------------------------------------------------------------

    @property
    def tester(self) -> Tester:
        transport = self.transport or httpx.ASGITransport(RehearsalGateway(sandboxes(self.merchants)))  # type: ignore[arg-type]
        return Tester(self.registry, {"sandbox": {}}, self.rehearsal, self.box, self.clock, transport, total_s=5.0)

    async def save(self, office: OfficeHere | None = None, *, keep: tuple[str, ...] = (), shared: bool = False, **told: str) -> UUID:
        here = office or self.mumbai
        return await save_parameters(
            Scope.agency(here.agency_id),
            here,
            self.registry.gateway("sandbox"),
            {**GOOD, **told},
            keep=frozenset(keep),
            shared=shared,
            box=self.box,
            actor="test",
            at=self.at,
        )

    async def tested(self, id: UUID, office: OfficeHere | None = None, scope: Scope | None = None) -> Any:
        here = office or self.mumbai
        return await test_parameters(scope or Scope.agency(here.agency_id), here.id, id, self.tester, actor="test")

    async def seen(self, id: UUID, office: OfficeHere | None = None) -> Any:
        here = office or self.mumbai
        return await parameters_by_id(PLATFORM, here.id, id)

    async def ask(self, id: UUID, *, office: OfficeHere | None = None, by: Principal | None = None, because: str = "") -> Change:
        person = replace(by or self.first, proved_at=self.at)
        return await ask_activation(
            office or self.mumbai,
            id,
            person,
            because=because,
            effects=EFFECTS,
            box=self.box,
            base="http://127.0.0.1:8000",
            limits=AccessSection(),
            at=self.at,
        )


async def make_bureau(registry: Registry, box: SecretBox) -> Bureau:
    """Fills an empty database."""
    agency, other = [await add_agency(code, code, actor="test", at=START) for code in ("EIA", "TXC")]
    offices = []
    for of, code, state in ((agency, "MUM", "27"), (agency, "DEL", "07"), (other, "KOL", "19")):
        id = await add_office(of, code, f"Office {code}", "A City", actor="test", at=START, state=state)
        offices.append(await office_by_id(PLATFORM, id))
    persons = [await _administrator(of, name) for of, name in ((agency, "ann"), (agency, "bob"), (other, "eve"))]
    return Bureau(registry, box, StillClock(START), agency, other, *offices, *persons)


async def _administrator(agency: UUID, name: str) -> Principal:
    account = await appoint_administrator(agency, email=f"{name}@example.in", name=name, actor="test", at=START)
    role = Role(RoleKind.ADMINISTRATOR, uuid4(), "Administrator", agency)
    return Principal(uuid4(), account, f"{name}@example.in", name, Stage.WHOLE, (role,), role, START, True, True)
