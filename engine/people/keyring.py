"""The keys of a party, as its persons manage them: made with no more rights than one has, listed, ended at once.

A key belongs to the party that it files or reads for, not to the person who made it: it goes on when they leave, and the
list says so. The key itself is shown once and is nowhere afterwards.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from engine.errors import Conflict, Forbidden, NotFound, Problem, Refused
from engine.people.access.roles import Role, RoleKind, roles_of
from engine.people.keys import insert_key, new_key
from engine.people.plain_text import text_fault, tidy
from engine.people.tables import Account, ApiKey
from engine.store import audit, reading, uow
from engine.store.idempotency import first_answer, remember_answer

__all__ = ["LONGEST_DAYS", "KeyRing", "ListedKey", "Party", "end_key", "keys_of", "make_partys_key", "party_of", "revoke_key"]

LONGEST_DAYS = 365
_LONGEST_NAME = 80
_OF_AGENCIES = frozenset({"see", "approve"})
_OF_FIRMS = frozenset({"see", "prepare", "submit", "pay"})
_MOST_GOOD = 20
_MOST_OVER = 50
_PERSON = "account:"


@dataclass(frozen=True, slots=True)
class Party:
    """Whose keys a person manages: an agency's, an exporter's or a broker's; `rights` are those that they may give one."""

    agency: UUID | None = None
    exporter: UUID | None = None
    broker: UUID | None = None
    rights: frozenset[str] = frozenset()

    @property
    def owner(self) -> Mapping[str, UUID | None]:
        """The party by the columns of a key's row."""
        return {"agency": self.agency, "exporter": self.exporter, "broker": self.broker}

    @property
    def its(self) -> Any:
        """The condition that a key is this party's; never that it is nobody's."""
        return next(getattr(ApiKey, column) == id for column, id in self.owner.items() if id is not None)


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as its party sees it. `maker_left` says that whoever made it acts for the party no more, `revoked_at` is None
    unless a person ended it, and `endable` tells whether the person who looks may."""

    id: UUID
    name: str
    prefix: str
    rights: frozenset[str]
    maker: str
    maker_left: bool
    made_at: datetime
    expires_at: datetime
    used_on: date | None
    revoked_at: datetime | None
    endable: bool


@dataclass(frozen=True, slots=True)
class KeyRing:
    """A party's keys: those that are good, the newest first, and the last fifty that are over."""

    good: tuple[ListedKey, ...]
    over: tuple[ListedKey, ...]


def party_of(role: Role | None) -> Party:
    """The party whose keys a person manages in the role they act in. Raises Forbidden for a role that has none."""
    match role:
        case Role(kind=RoleKind.ADMINISTRATOR, agency_id=UUID() as agency):
            return Party(agency=agency, rights=_OF_AGENCIES)
        case Role(kind=RoleKind.EXPORTER, exporter_ids=exporters, rights=rights) if len(exporters) == 1:
            return Party(exporter=next(iter(exporters)), rights=rights & _OF_FIRMS)
        case Role(kind=RoleKind.BROKER, broker_id=UUID() as broker, rights=rights):
            return Party(broker=broker, rights=rights & _OF_FIRMS)
    say = "Keys are made for an agency, an exporter or a broker. Act in such a role of yours; My account lists them."
    raise Forbidden(say, code="role")


async def make_partys_key(party: Party, name: str, *, rights: frozenset[str], days: int, form: str, actor: str, at: datetime) -> str:
    """A new key of the party, shown this once. `form` is the page it was asked on, by a name that no other page has.

    Raises Refused with everything that is wrong (boxes `name`, `rights`, `days`), and Conflict `key_made` if that page made
    its key before: the key cannot be shown again.
    """
    name = tidy(name)
    if problems := list(_wrong(party, name, rights, days)):
        raise Refused.because(problems)
    said = f"{sorted(rights)} {days} {name}".encode()
    key, row = new_key(name, rights, party.owner, actor=actor, at=at, expires_at=at + timedelta(days=days))
    try:
        if await first_answer(actor, form, said, at=at) is not None:
            raise Conflict("made", code="key_made")
        async with uow():
            await _hold_maker(actor)
            await remember_answer(actor, form, said, str(row.id), at=at)
            await _require_room(party, at)
            await insert_key(row)
    except Conflict as error:
        raise Conflict("That page has made its key, which was shown then and never again. Make another one.", code="key_made") from error
    return key


async def revoke_key(party: Party, key: UUID, *, actor: str, at: datetime) -> None:
    """Ends a key at once. Raises NotFound for one that is over or not the party's, and Forbidden for one that somebody else
    made and that may do more than the person who wants to end it."""
    live = (ApiKey.id == key, party.its, *_good(at))
    async with uow():
        row = await ApiKey.select().where(*live).first()
        if row is None:
            raise _unknown()
        if not _endable(party, row, actor):
            raise Forbidden("This key may do more than you may. Somebody who may do as much can end it.", code="key_right")
        if not await end_key(row, actor=actor, at=at):
            raise _unknown()


async def end_key(row: Mapping[str, Any], *, actor: str, at: datetime) -> bool:
    """Ends the key of that row, which the caller may end; False if it ended meanwhile. Joins the caller's unit of work."""
    live = (ApiKey.id == row["id"], *_good(at))
    if not await ApiKey.update({ApiKey.revoked_at: at, ApiKey.revoked_by: actor}).where(*live).returning(ApiKey.id):
        return False
    detail = {"rights": row["rights"], "prefix": row["prefix"]}
    await audit("api_key_revoked", room="people", subject=str(row["id"]), actor=actor, at=at, agency=row["agency"], detail=detail)
    return True


async def keys_of(party: Party, *, actor: str, at: datetime) -> KeyRing:
    """The party's keys as that person sees them."""
    ended = (ApiKey.revoked_at.is_not_null()) | (ApiKey.expires_at <= at)
    async with reading():
        good = await ApiKey.select().where(party.its, *_good(at)).order_by(ApiKey.made_at, ascending=False)
        over = await ApiKey.select().where(party.its, ended).order_by(ApiKey.made_at, ascending=False).limit(_MOST_OVER)
        makers = {actor: await _maker(party, actor, at) for actor in {row["made_by"] for row in (*good, *over)}}
    return KeyRing(*(tuple(_listed(party, row, makers[row["made_by"]], actor) for row in rows) for rows in (good, over)))


def _wrong(party: Party, name: str, rights: frozenset[str], days: int) -> Iterator[Problem]:
    if fault := text_fault(name, most=_LONGEST_NAME):
        yield Problem("name", "name of a key", f"The name must {fault}.")
    if not rights:
        yield Problem("rights", "rights of a key", "Choose at least one thing that the key may do.")
    elif rights - party.rights:
        yield Problem("rights", "rights of a key", "A key may do no more than you may; choose among what is offered.")
    if not 1 <= days <= LONGEST_DAYS:
        yield Problem("days", "days of a key", f"A key is good for 1 to {LONGEST_DAYS} days.")


async def _hold_maker(actor: str) -> None:
    """Keeps the account of who makes a key, so that its closing and a new key of theirs come one after the other; joins the caller's
    unit of work. Raises Forbidden if it was closed a moment ago."""
    if not actor.startswith(_PERSON):
        return
    mine = Account.id == UUID(actor.removeprefix(_PERSON))
    held = await Account.update({Account.failed: Account.failed}, force=True).where(mine).returning(Account.active)
    if held and not held[0]["active"]:
        raise Forbidden("Your account was closed a moment ago. No key was made.", code="account_closed")


async def _require_room(party: Party, at: datetime) -> None:
    """Joins the caller's unit of work."""
    if await ApiKey.count().where(party.its, *_good(at)) >= _MOST_GOOD:
        say = f"You have {_MOST_GOOD} keys that are good. End one that is used no more, then make another."
        raise Refused(say, code="too_many_keys", box="name", rule="number of keys")


def _good(at: datetime) -> tuple[Any, ...]:
    return ApiKey.revoked_at.is_null(), ApiKey.expires_at > at


def _unknown() -> NotFound:
    return NotFound("There is no such key that is still good; it may have ended already.", code="key")


def _endable(party: Party, row: Mapping[str, Any], actor: str) -> bool:
    return row["made_by"] == actor or set(row["rights"].split(",")) <= party.rights


async def _maker(party: Party, actor: str, at: datetime) -> tuple[str, bool]:
    """Who made a key, by name, and whether they act for the party no more."""
    if not actor.startswith(_PERSON):
        return "The operator of this site", False
    id = UUID(actor.removeprefix(_PERSON))
    row = await Account.select(Account.name, Account.active).where(Account.id == id).first()
    if row is None or not row["active"]:
        return (row["name"] if row else "A person"), True
    return row["name"], not any(_acts_for(role, party) for role in await roles_of(id, at))


def _acts_for(role: Role, party: Party) -> bool:
    match role.kind:
        case RoleKind.ADMINISTRATOR:
            return role.agency_id == party.agency
        case RoleKind.EXPORTER:
            return party.exporter in role.exporter_ids
        case RoleKind.BROKER:
            return role.broker_id == party.broker
        case _:
            return False


def _listed(party: Party, row: Mapping[str, Any], maker: tuple[str, bool], actor: str) -> ListedKey:
    return ListedKey(
        id=row["id"],
        name=row["name"],
        prefix=row["prefix"],
        rights=frozenset(row["rights"].split(",")),
        maker=maker[0],
        maker_left=maker[1],
        made_at=row["made_at"],
        expires_at=row["expires_at"],
        used_on=row["used_on"],
        revoked_at=row["revoked_at"],
        endable=_endable(party, row, actor),
    )
