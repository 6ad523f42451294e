"""The story's site as one where fees are paid: its own office with parameters in use, and the rehearsal gateway without a network."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx

from engine.clock import ist_day
from engine.money.fees import NewFee, Rounding, add_fee, fees_of
from engine.money.gateways import Tester, in_use, save_parameters
from engine.money.paying import Cashier
from engine.people import OfficeHere
from engine.people.changes.tables import ChangeRow
from engine.people.offices.keeping import office_by_id
from engine.people.tables import Administrator
from engine.scope import PLATFORM, Scope
from engine.site import Site
from engine.store import uow
from plugins.payment.sandbox.server import RehearsalGateway
from tests.money.till import activate
from tests.rehearsal import sandboxes

__all__ = ["GATEWAY_URL", "KEY", "MERCHANT", "cashier_of", "enter_parameters", "take_payments"]

GATEWAY_URL = "http://127.0.0.1:8002"
MERCHANT, KEY = "COOWALK01", "k9XvQ2mNpR7sT4wZ"


async def take_payments(site: Site, office_id: UUID) -> None:
    """Puts parameters of the sandbox into use, and sets a fee; once is enough."""
    if await in_use(PLATFORM, office_id) is not None:
        return
    office, at = await office_by_id(PLATFORM, office_id), site.clock.now()
    await enter_parameters(site, office, "sandbox", {"merchant_id": MERCHANT, "checksum": KEY})
    if not await fees_of(PLATFORM, office.agency_id, office_id):
        fee = NewFee(office_id, "", "", 200_00, 1800, "998599", Rounding.PAISA, ist_day(at))
        await add_fee(Scope.agency(office.agency_id), office.agency_id, fee, actor="test", at=at)


async def enter_parameters(site: Site, office: OfficeHere, gateway: str, values: Mapping[str, str]) -> None:
    """An office enters these parameters and takes them into use, as a confirmed change would do it."""
    at, scope = site.clock.now(), Scope.agency(office.agency_id)
    plugin = site.registry.gateway(gateway)
    id = await save_parameters(scope, office, plugin, values, shared=True, box=site.secrets, actor="test", at=at)
    told = {"kind": "payment_parameters", "agency": office.agency_id, "office": office.id, "subject": str(office.id), "title": "t"}
    [asked_by] = await Administrator.select(Administrator.account).where(Administrator.agency == office.agency_id).limit(1)
    asked = {"asked_by": asked_by["account"], "asked_as": "administrator", "asked_at": at, "decided_at": at}
    change = ChangeRow(**told, **asked, payload="{}", state="done")
    change.live_key = str(change.id)
    async with uow():
        await activate(office, id, change, at)


def cashier_of(transport: Any = None) -> Any:
    """What takes the place of `Site.cashier`: the same, with the gateway's other half in this process."""
    wire = transport or httpx.ASGITransport(RehearsalGateway(sandboxes({MERCHANT: KEY})))

    def cashier(site: Site) -> Cashier:
        tester = Tester(site.registry, {"sandbox": {"url": GATEWAY_URL}}, True, site.secrets, site.clock, wire)
        return Cashier(tester, site.config.site.public_url)

    return cashier
