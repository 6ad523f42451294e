"""The demonstration's payments: its office takes the sandbox's parameters into use, tested, and says its terms. No money moves.

Everything goes through the doors that an administrator's pages use; the test without a charge asks the rehearsal gateway in this
process, for no other runs while a site is being made.
"""

import importlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from engine.clock import Clock
from engine.config import Config
from engine.money.gateways import KIND, Tester, apply_parameters, ask_activation, save_parameters, test_parameters
from engine.money.terms import NewTerms, set_terms
from engine.people import OfficeHere
from engine.people.access import Principal, Role, RoleKind, Stage
from engine.registry import Registry
from engine.scope import Scope
from engine.store import SecretBox

__all__ = ["GATEWAY", "MERCHANT", "rehearsal_checksum", "take_payments"]

GATEWAY = "sandbox"
MERCHANT = "COODEMO01"
_FILE = "checksum"
_TERMS = NewTerms(on_rejection="refund", on_withdrawal="refund", fee_taken="issue", top_up_is="deposit", receipt_code="MUM")


async def take_payments(
    config: Config, registry: Registry, office: OfficeHere, administrator: tuple[UUID, str, str], *, box: SecretBox, clock: Clock
) -> None:
    """Makes the office one where fees can be paid in rehearsal; nothing on a site without the sandbox.

    `administrator` is account, address and name of the agency's only one, in whose name it is done.
    """
    if not config.site.rehearsal or GATEWAY not in config.gateways:
        return
    person, scope, at = _signed_in(office.agency_id, administrator, clock), Scope.agency(office.agency_id), clock.now()
    values = {"merchant_id": MERCHANT, "checksum": rehearsal_checksum(config)}
    id = await save_parameters(scope, office, registry.gateway(GATEWAY), values, box=box, actor=person.actor, at=at)
    tester = Tester(registry, config.gateways, True, box, clock, _other_half(values))
    await test_parameters(scope, office.id, id, tester, actor=person.actor)
    effects, base, limits = {KIND: apply_parameters}, config.site.public_url, config.access
    await ask_activation(office, id, replace(person, proved_at=at), effects=effects, box=box, base=base, limits=limits, at=at)
    await set_terms(scope, office, _TERMS, actor=person.actor, at=at)


def rehearsal_checksum(config: Config) -> str:
    """The checksum key of the invented merchant, made when first asked for and kept where nobody else reads it."""
    folder = config.plugin_folder("gateways", GATEWAY)
    path: Path = folder / _FILE
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
            out.write(secrets.token_hex(16))
    except FileExistsError:
        pass
    return path.read_text(encoding="ascii").strip()


def _signed_in(agency: UUID, administrator: tuple[UUID, str, str], clock: Clock) -> Principal:
    """The administrator as if they sat before the page."""
    account, email, name = administrator
    role = Role(RoleKind.ADMINISTRATOR, uuid4(), "Administrator", agency)
    return Principal(uuid4(), account, email, name, Stage.WHOLE, (role,), role, clock.now(), has_factor=True, has_password=True)


def _other_half(values: Mapping[str, str]) -> Any:
    """A transport into a rehearsal gateway in this process. The engine knows no plugin, so it is found by its name."""
    import httpx

    server = importlib.import_module("plugins.payment.sandbox.server")
    merchant = server.Merchant(GATEWAY, values["merchant_id"], {"checksum": values["checksum"]})
    return httpx.ASGITransport(server.RehearsalGateway([merchant]))
