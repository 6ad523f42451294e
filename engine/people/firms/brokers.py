"""Brokers: firms that file for exporters, their code, and the persons who act for them.

Promises that whoever manages a firm's users gives no right that they do not have themselves, that somebody who manages is
left, and that a person who is ended is signed out at once.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import Conflict, Forbidden, NotFound, Refused
from engine.mail import mailbox
from engine.people.access.roles import RoleKind
from engine.people.access.sessions import end_acting
from engine.people.access.welcoming import welcome
from engine.people.firms.licences import licence_fault, licence_key, tidy_licence
from engine.people.plain_text import text_fault, tidy
from engine.people.staff.appointing import account_for
from engine.people.tables import Broker, BrokerUser
from engine.store import SecretBox, audit, uow

__all__ = [
    "BROKER_RIGHTS",
    "BrokerHere",
    "Member",
    "Opened",
    "add_member",
    "broker_here",
    "change_member",
    "end_member",
    "members_of",
    "open_broker",
]

BROKER_RIGHTS = ("see", "prepare", "submit", "pay", "manage")
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # without 0, O, 1, I and L
_CODE = 8


@dataclass(frozen=True, slots=True)
class BrokerHere:
    """A broker's firm, as its own persons and the exporters that grant it something see it."""

    id: UUID
    code: str
    name: str
    licence: str
    email: str
    active: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a broker's firm."""

    id: UUID
    account_id: UUID
    name: str
    email: str
    rights: tuple[str, ...]
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """A broker that was just opened, and its first person."""

    broker_id: UUID
    user_id: UUID
    account_id: UUID
    code: str


async def open_broker(*, name: str, licence: str, email: str, person: str, actor: str, box: SecretBox, base: str, at: datetime) -> Opened:
    """A new broker and its first person, who manages it and is invited by mail. Raises Conflict for a licence that is here already."""
    async with uow():
        broker = await _add_broker(name, licence, email=email, actor=actor, at=at)
        spelt = _name(person, "the person", 120)
        account = await account_for(email, spelt, at)
        user = await _join(broker.id, account, spelt, BROKER_RIGHTS, actor, at)
        await welcome(account, _why(broker.name), box=box, base=base, actor=actor, at=at)
    return Opened(broker.id, user, account, broker.code)


async def _add_broker(name: str, licence: str, *, email: str, actor: str, at: datetime) -> BrokerHere:
    """A new broker, under a code made for it; joins the caller's unit of work if there is one."""
    spelt, number = _name(name, "the firm", 200), tidy_licence(licence)
    if fault := licence_fault(number):
        raise Refused(f"The licence number must {fault}.", box="licence", rule="licence number")
    row = Broker(
        code="".join(secrets.choice(_ALPHABET) for _ in range(_CODE)),
        name=spelt,
        licence=number,
        licence_key=licence_key(number),
        email=mailbox(email.strip()).lower(),
        made_by=actor,
        made_at=at,
    )
    async with uow():
        if await Broker.exists().where(Broker.licence_key == row.licence_key):
            raise Conflict(
                "A broker with this licence number is here already.", code="broker_known", box="licence", rule="one broker a licence"
            )
        await Broker.insert(row)
        await audit("broker_opened", room="people", subject=str(row.id), actor=actor, at=at)
    return BrokerHere(UUID(str(row.id)), row.code, row.name, row.licence, row.email, True)


async def broker_here(user_id: UUID) -> BrokerHere:
    """The firm of a broker's person. Raises NotFound for one who is there no longer."""
    row = await _here(user_id)
    [firm] = await Broker.select().where(Broker.id == row["broker"])
    return BrokerHere(firm["id"], firm["code"], firm["name"], firm["licence"], firm["email"], firm["active"])


async def members_of(user_id: UUID) -> tuple[Member, ...]:
    """The persons of the firm that this one belongs to, by name."""
    row = await _here(user_id)
    query = BrokerUser.select(*BrokerUser.all_columns(), BrokerUser.account.email.as_alias("email"))
    rows = await query.where(BrokerUser.broker == row["broker"], BrokerUser.ended_at.is_null()).order_by(BrokerUser.name, BrokerUser.id)
    return tuple(
        Member(each["id"], each["account"], each["name"], each["email"], _rights(each["rights"]), each["made_at"]) for each in rows
    )


async def add_member(
    user_id: UUID, *, email: str, name: str, rights: frozenset[str], box: SecretBox, base: str, actor: str, at: datetime
) -> UUID:
    """Adds a person to the firm and invites them by mail. Raises Forbidden for who does not manage it, or gives more than they have."""
    spelt = _name(name, "the person", 120)
    async with uow():
        row = await _manager(user_id)
        given = _given(rights, row)
        account = await account_for(email, spelt, at)
        user = await _join(row["broker"], account, spelt, given, actor, at)
        [firm] = await Broker.select(Broker.name).where(Broker.id == row["broker"])
        await welcome(account, _why(firm["name"]), box=box, base=base, actor=actor, at=at)
    return user


async def change_member(user_id: UUID, member: UUID, *, rights: frozenset[str], actor: str, at: datetime) -> None:
    """Other rights for a person of the firm, from their next request on. Raises NotFound for one of another firm."""
    async with uow():
        row = await _manager(user_id)
        given, other = _given(rights, row), await _colleague(row, member)
        if more := set(other["rights"].split(",")) - set(row["rights"].split(",")):
            raise Forbidden(f"This person may {min(more)}, which you may not; ask a colleague who may.", code="broker_right")
        await BrokerUser.update({BrokerUser.rights: ",".join(given)}).where(BrokerUser.id == member)
        await _require_manager_left(row["broker"])
        detail = {"rights": ",".join(given), "had": other["rights"]}
        await audit("broker_user_changed", room="people", subject=str(member), actor=actor, at=at, detail=detail)


async def end_member(user_id: UUID, member: UUID, *, actor: str, at: datetime) -> None:
    """Ends a person's place in the firm and every session in which they act for it. Raises NotFound for one of another firm."""
    async with uow():
        row = await _manager(user_id)
        other = await _colleague(row, member)
        await BrokerUser.update({BrokerUser.ended_at: at}).where(BrokerUser.id == member)
        await _require_manager_left(row["broker"])
        await end_acting(other["account"], f"{RoleKind.BROKER}:{member}", reason="ended by the firm", at=at)
        await audit("broker_user_ended", room="people", subject=str(member), actor=actor, at=at)


async def _here(user_id: UUID) -> dict[str, Any]:
    row: dict[str, Any] | None = (
        await BrokerUser.select().where(BrokerUser.id == user_id, BrokerUser.ended_at.is_null(), BrokerUser.broker.active.eq(True)).first()
    )
    if row is None:
        raise NotFound("You act for no broker (any more).", code="broker")
    return row


async def _manager(user_id: UUID) -> dict[str, Any]:
    """The person as they stand now, and their firm's row held: two who end each other at once come one after the other."""
    row = await _here(user_id)
    await Broker.update({Broker.code: Broker.code}, force=True).where(Broker.id == row["broker"])
    row = await _here(user_id)
    if "manage" not in row["rights"].split(","):
        raise Forbidden("Only a person who manages the firm's users may do this.", code="broker_manage")
    return row


async def _colleague(row: dict[str, Any], member: UUID) -> dict[str, Any]:
    mine = (BrokerUser.id == member, BrokerUser.broker == row["broker"], BrokerUser.ended_at.is_null())
    found: dict[str, Any] | None = await BrokerUser.select().where(*mine).first()
    if found is None:
        raise NotFound("There is no such person in your firm, or they were ended before.", code="broker_user")
    return found


async def _require_manager_left(broker: UUID) -> None:
    rows = await BrokerUser.select(BrokerUser.rights).where(BrokerUser.broker == broker, BrokerUser.ended_at.is_null())
    if not any("manage" in row["rights"].split(",") for row in rows):
        raise Refused(
            "Nobody would be left who manages the firm's users. Let a colleague manage them first.", box="rights", rule="a manager is left"
        )


def _given(rights: frozenset[str], row: dict[str, Any]) -> tuple[str, ...]:
    if not rights or rights - set(BROKER_RIGHTS):
        raise Refused(f"Choose at least one of these rights: {', '.join(BROKER_RIGHTS)}.", box="rights", rule="rights of a broker's person")
    if more := rights - set(row["rights"].split(",")):
        raise Forbidden(f"You may not {min(more)} yourself, so you cannot give it.", code="broker_right", box="rights")
    return tuple(right for right in BROKER_RIGHTS if right in rights | {"see"})


async def _join(broker: UUID, account: UUID, name: str, rights: tuple[str, ...], actor: str, at: datetime) -> UUID:
    """The person's place in the firm, new or taken up again; joins the caller's unit of work."""
    mine = (BrokerUser.broker == broker, BrokerUser.account == account)
    old = await BrokerUser.select(BrokerUser.id, BrokerUser.ended_at).where(*mine).first()
    if old is not None and old["ended_at"] is None:
        raise Conflict("This person acts for your firm already.", code="broker_user_known", box="email", rule="once in a firm")
    if old is not None:
        values: dict[Any, Any] = {
            BrokerUser.ended_at: None,
            BrokerUser.name: name,
            BrokerUser.rights: ",".join(rights),
            BrokerUser.made_by: actor,
            BrokerUser.made_at: at,
        }
        await BrokerUser.update(values).where(BrokerUser.id == old["id"])
        id = UUID(str(old["id"]))
    else:
        row = BrokerUser(broker=broker, account=account, name=name, rights=",".join(rights), made_by=actor, made_at=at)
        await BrokerUser.insert(row)
        id = UUID(str(row.id))
    detail = {"broker": str(broker), "rights": ",".join(rights)}
    await audit("broker_user_added", room="people", subject=str(id), actor=actor, at=at, detail=detail)
    return id


def _why(firm: str) -> str:
    return f"{firm}, a customs broker, lets you act for it."


def _name(name: str, whose: str, most: int) -> str:
    spelt = tidy(name)
    if fault := text_fault(spelt, most=most):
        raise Refused(f"The name of {whose} must {fault}.", box="name", rule="name")
    return spelt


def _rights(written: str) -> tuple[str, ...]:
    return tuple(right for right in BROKER_RIGHTS if right in written.split(","))
