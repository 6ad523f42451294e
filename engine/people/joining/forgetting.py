"""What persons told of themselves in registrations that became nothing, forgotten: at once where nobody decided, else after 90 days.

Promises that role, agency, state and moments stay, and of a rejected one the hash of its address, salted with the request's own
id: whoever shows an address can be told whether it was that one, and from the row alone nobody knows it.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.people.joining.letters import PURPOSE
from engine.people.joining.tables import RegistrationRequest, RequestState
from engine.store import audit, uow
from engine.store.files import forget

__all__ = ["address_mark", "forget_letter", "forget_rejected", "over"]

_KEPT_FOR = timedelta(days=90)
_MOST_IN_ONE_GO = 200
_TOLD = (
    RegistrationRequest.name,
    RegistrationRequest.email,
    RegistrationRequest.phone,
    RegistrationRequest.designation,
    RegistrationRequest.firm,
    RegistrationRequest.licence,
)


def over(id: UUID, to: RequestState) -> dict[Any, Any]:
    """The change that ends a request which nobody decided, without what it told."""
    return {RegistrationRequest.state: str(to), RegistrationRequest.live_key: str(id)} | dict.fromkeys(_TOLD, "")


async def forget_letter(id: UUID) -> None:
    """Lets go of the request's letter; joins the caller's unit of work."""
    await forget(room="people", row=str(id), purpose=PURPOSE)


async def forget_rejected(at: datetime) -> int:
    """Forgets what was told in requests that were rejected 90 days ago, reason and letter with it, and says how many there were."""
    mine = (RegistrationRequest.state == str(RequestState.REJECTED), RegistrationRequest.email != "")
    late = RegistrationRequest.select(RegistrationRequest.id, RegistrationRequest.email, RegistrationRequest.role)
    forgotten = 0
    for row in await late.where(*mine, RegistrationRequest.decided_at <= at - _KEPT_FOR).limit(_MOST_IN_ONE_GO):
        change = dict.fromkeys((*_TOLD, RegistrationRequest.reason), "") | {
            RegistrationRequest.email_sha256: address_mark(row["id"], row["email"])
        }
        async with uow():
            if (
                not await RegistrationRequest.update(change)
                .where(*mine, RegistrationRequest.id == row["id"])
                .returning(RegistrationRequest.id)
            ):
                continue
            await forget_letter(row["id"])
            detail = {"role": row["role"]}
            await audit("registration_forgotten", room="people", subject=str(row["id"]), actor="sweep", at=at, detail=detail)
            forgotten += 1
    return forgotten


def address_mark(id: UUID, email: str) -> str:
    """What a forgotten request keeps of its address."""
    return hashlib.sha256(f"registration:{id}:{email}".encode()).hexdigest()
