"""A wallet is frozen while the office looks into something: nothing is paid from it and nothing set aside, and money comes in."""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import NotFound
from engine.money.ledger.accounts import wallet
from engine.money.ledger.reading import require_office
from engine.money.ledger.tables import AccountRow
from engine.people.plain_text import reason_of
from engine.scope import Scope
from engine.store import audit, uow

__all__ = ["freeze_wallet", "thaw_wallet"]


async def freeze_wallet(scope: Scope, office_id: UUID, exporter_id: UUID, *, reason: str, actor: str, at: datetime) -> bool:
    """Freezes a wallet, for a reason that its owner reads, and tells whether it was not frozen before.

    What was set aside earlier can still be taken or let go. Raises NotFound for a wallet that the scope does not cover or that was
    never used, and Refused without a reason.
    """
    why = reason_of(reason, most=300)
    changes: dict[Any, Any] = {AccountRow.frozen_at: at, AccountRow.frozen_because: why}
    return await _set(scope, office_id, exporter_id, changes, AccountRow.frozen_at.is_null(), "wallet_frozen", why, actor, at)


async def thaw_wallet(scope: Scope, office_id: UUID, exporter_id: UUID, *, reason: str, actor: str, at: datetime) -> bool:
    """Thaws a frozen wallet, for a reason, and tells whether it was frozen. Raises as `freeze_wallet` does."""
    why = reason_of(reason, most=300)
    changes: dict[Any, Any] = {AccountRow.frozen_at: None, AccountRow.frozen_because: ""}
    return await _set(scope, office_id, exporter_id, changes, AccountRow.frozen_at.is_not_null(), "wallet_thawed", why, actor, at)


async def _set(
    scope: Scope, office_id: UUID, exporter_id: UUID, changes: dict[Any, Any], unless: Any, act: str, why: str, actor: str, at: datetime
) -> bool:
    id = wallet(exporter_id).id_in(office_id)
    async with uow():
        agency = await require_office(scope, office_id)
        changed = await AccountRow.update(changes).where(AccountRow.id == id, unless).returning(AccountRow.id)
        if changed:
            told = {"reason_sha256": hashlib.sha256(why.encode()).hexdigest()}
            await audit(act, room="money", subject=f"wallet:{id}", actor=actor, at=at, agency=agency, office=office_id, detail=told)
        elif not await AccountRow.exists().where(AccountRow.id == id):
            raise NotFound("The firm has no wallet at this office.", code="wallet_unknown")
    return bool(changed)
