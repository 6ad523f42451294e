"""A change as it is asked for and as it stands, and what makes it true."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.people.access import RoleKind
from engine.people.changes.tables import ChangeState

__all__ = ["Asked", "Change", "Effect", "Effects", "change_from"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants changed.

    `kind` finds the effect; `subject` is the id of what changes (an office, an officer), one waiting change of a kind each.
    `title` is a line for people, such as "New stamp for the office MUM"; it stays for ever and stands in the audit, so it names
    no person. `payload` holds ids and codes, never a secret or a name but sealed. `first` says that nothing is replaced: where there is no second person, it takes effect at once. `second` is the
    account of a person who may confirm it although they are no administrator, such as the officer whose picture it is.
    """

    kind: str
    agency_id: UUID
    subject: str
    title: str
    payload: Mapping[str, str] = field(default_factory=dict)
    office_id: UUID | None = None
    first: bool = False
    second: UUID | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A change as it stands. `due_at` is set where it waits for its time instead of a second person."""

    id: UUID
    kind: str
    agency_id: UUID
    office_id: UUID | None
    subject: str
    title: str
    payload: Mapping[str, str]
    state: ChangeState
    asked_by: UUID
    asked_as: RoleKind
    asker: str
    asked_at: datetime
    second: UUID | None
    due_at: datetime | None
    decided_by: UUID | None
    decider: str
    decided_at: datetime | None
    reason: str

    @property
    def waiting(self) -> bool:
        """Whether it is still to be decided."""
        return self.state is ChangeState.WAITING

    @property
    def done(self) -> bool:
        """Whether it took effect."""
        return self.state is ChangeState.DONE


# Makes the change true, in the unit of work around the call. Raises Refused or Conflict if it cannot be made any more.
Effect = Callable[[Change, datetime], Awaitable[None]]
Effects = Mapping[str, Effect]


def change_from(row: Mapping[str, Any]) -> Change:
    """The change of a row that was read with its persons' names."""
    return Change(
        id=row["id"],
        kind=row["kind"],
        agency_id=row["agency"],
        office_id=row["office"],
        subject=row["subject"],
        title=row["title"],
        payload=json.loads(row["payload"]),
        state=ChangeState(row["state"]),
        asked_by=row["asked_by"],
        asked_as=RoleKind(row["asked_as"]),
        asker=row["asker"] or "",
        asked_at=row["asked_at"],
        second=row["second"],
        due_at=row["due_at"],
        decided_by=row["decided_by"],
        decider=row["decider"] or "",
        decided_at=row["decided_at"],
        reason=row["reason"],
    )
