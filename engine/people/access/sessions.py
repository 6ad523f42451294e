"""Sessions: a random token in a cookie, its hash here; new at sign-in, at each change of rights, and whenever a person proves themselves again.

Promises that a token which the browser chose never becomes a session, that idle and old ones end, and that an account
which is deactivated has none from that moment on.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.config import AccessSection
from engine.errors import Forbidden, NotFound
from engine.people.access.roles import Role, roles_of
from engine.people.access.tables import Session, Stage
from engine.people.access.tries import hold
from engine.scope import PUBLIC, Scope
from engine.store import audit, uow

__all__ = [
    "Device",
    "Listed",
    "Principal",
    "act_as",
    "begin",
    "end",
    "end_acting",
    "end_all",
    "id_of",
    "renew",
    "reserve",
    "resume",
    "sessions_of",
    "step_up",
]

_SEEN_EVERY = timedelta(minutes=1)
_HALF_WAY = timedelta(minutes=10)
_MOST_PROOFS = 5


@dataclass(frozen=True, slots=True)
class Device:
    """What a sign-in came from, as far as the person may want to recognise it."""

    agent: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is signed in, in which role. In any stage but whole nothing may be done but to go on signing in."""

    session_id: UUID
    account_id: UUID
    email: str
    name: str
    stage: Stage
    roles: tuple[Role, ...]
    role: Role | None
    proved_at: datetime | None
    has_factor: bool
    has_password: bool

    @property
    def actor(self) -> str:
        """How the audit names them."""
        return f"account:{self.account_id}"

    @property
    def whole(self) -> bool:
        """Whether the sign-in is complete."""
        return self.stage is Stage.WHOLE

    @property
    def scope(self) -> Scope:
        """What they see in the role they act in."""
        return self.role.scope if self.whole and self.role else PUBLIC

    @property
    def needs_factor(self) -> bool:
        """Whether one of their roles asks for a second factor."""
        return any(role.needs_second_factor for role in self.roles)

    def proved_within(self, span: timedelta, at: datetime) -> bool:
        """Whether they showed password and code a short while ago."""
        return self.proved_at is not None and at - self.proved_at <= span


@dataclass(frozen=True, slots=True)
class Listed:
    """One of a person's sessions as they see it; `here` is the one they look from."""

    id: UUID
    agent: str
    address: str
    made_at: datetime
    seen_at: datetime
    here: bool = field(default=False)


async def begin(account: UUID, stage: Stage, *, device: Device, limits: AccessSection, at: datetime, acting: str = "") -> str:
    """A new session and its token; joins the caller's unit of work. A whole one counts as just proved.

    Without a role to act in the person begins in their widest one.
    """
    await hold(account)
    token = secrets.token_urlsafe(32)
    span = timedelta(hours=limits.hours) if stage is Stage.WHOLE else _HALF_WAY
    roles = () if acting else await roles_of(account, at)
    await Session.insert(
        Session(
            account=account,
            token_sha256=_hash(token),
            stage=str(stage),
            acting=roles[0].key if roles else acting,
            agent=device.agent[:200],
            address=device.address[:64],
            made_at=at,
            proved_at=at if stage is Stage.WHOLE else None,
            seen_at=at,
            until=at + span,
        )
    )
    return token


async def resume(token: str, *, limits: AccessSection, at: datetime) -> Principal | None:
    """Whoever holds the token, or None: unknown, ended, idle and old ones read the same."""
    row = await _live(token, limits, at)
    if row is None:
        return None
    if at - row["seen_at"] >= _SEEN_EVERY:
        async with uow():
            await Session.update({Session.seen_at: at}).where(Session.id == row["id"], Session.ended_at.is_null())
    roles, has_factor = await roles_of(row["account"], at), row["totp_set_at"] is not None
    return Principal(
        session_id=row["id"],
        account_id=row["account"],
        email=row["email"],
        name=row["name"],
        stage=Stage(row["stage"]),
        roles=roles,
        role=next((role for role in roles if role.key == row["acting"] and (has_factor or not role.needs_second_factor)), None),
        proved_at=row["proved_at"],
        has_factor=has_factor,
        has_password=bool(row["password_hash"]),
    )


async def step_up(principal: Principal, stage: Stage, *, device: Device, limits: AccessSection, at: datetime) -> str:
    """The same person in the same role with a new session, as just proved; joins the caller's unit of work. The old one is over.

    Raises Forbidden if the session ended meanwhile.
    """
    await hold(principal.account_id)
    if not await _end(Session.id == principal.session_id, "renewed", at):
        raise _ended()
    acting = principal.role.key if principal.role else ""
    return await begin(principal.account_id, stage, device=device, limits=limits, at=at, acting=acting)


async def reserve(principal: Principal, at: datetime) -> bool:
    """Counts a proof as wrong until the session is renewed; False, and the session over, once there were too many."""
    async with uow():
        mine = (Session.id == principal.session_id, Session.ended_at.is_null())
        rows = await Session.update({Session.failed: Session.failed + 1}).where(*mine).returning(Session.failed)
        if rows and rows[0]["failed"] > _MOST_PROOFS:
            await _end(Session.id == principal.session_id, "wrong proofs", at)
            await audit("wrong_proofs", room="people", subject=str(principal.account_id), actor=principal.actor, at=at)
            return False
    return bool(rows)


async def id_of(token: str) -> UUID:
    """The session of a token that was just made; joins the caller's unit of work."""
    rows = await Session.select(Session.id).where(Session.token_sha256 == _hash(token))
    return UUID(str(rows[0]["id"]))


async def act_as(principal: Principal, key: str, *, device: Device, at: datetime) -> str:
    """Another of the person's roles, under a new token that is proved no later than the old one and ends no later.

    Raises Forbidden for a role that they do not have.
    """
    role = next((role for role in principal.roles if role.key == key), None)
    if role is None or not principal.whole:
        raise Forbidden("You do not have that role (any more). Choose one of those listed.", code="role")
    if role.needs_second_factor and not principal.has_factor:
        raise Forbidden("That role needs a second factor. Set one up first, under My account.", code="role")
    async with uow():
        return await renew(principal, acting=role.key, device=device, at=at)


async def renew(principal: Principal, *, acting: str, device: Device, at: datetime) -> str:
    """The same session under a new token, in that role: proved no later than the old one, and ending no later; joins the caller's
    unit of work. Raises Forbidden if the session ended meanwhile.
    """
    await hold(principal.account_id)
    if not await _end(Session.id == principal.session_id, "renewed", at):
        raise _ended()
    [old] = await Session.select(Session.until, Session.made_at, Session.proved_at).where(Session.id == principal.session_id)
    token = secrets.token_urlsafe(32)
    await Session.insert(
        Session(
            account=principal.account_id,
            token_sha256=_hash(token),
            stage=str(Stage.WHOLE),
            acting=acting,
            agent=device.agent[:200],
            address=device.address[:64],
            made_at=old["made_at"],
            proved_at=old["proved_at"],
            seen_at=at,
            until=old["until"],
        )
    )
    return token


async def end(principal: Principal, session: UUID, *, at: datetime) -> None:
    """Ends one of the person's own sessions. Raises NotFound for one that is not theirs, or ended before."""
    async with uow():
        if not await _end((Session.id == session) & (Session.account == principal.account_id), "signed out", at):
            raise NotFound("There is no such session of yours; it may have ended already.", code="session")
        await audit("signed_out", room="people", subject=str(principal.account_id), actor=principal.actor, at=at)


async def end_all(account: UUID, *, reason: str, at: datetime, but: UUID | None = None) -> int:
    """Ends every session of an account, but one; joins the caller's unit of work, and gives how many there were."""
    await hold(account)
    mine = Session.account == account
    return await _end(mine if but is None else mine & (Session.id != but), reason, at)


async def end_acting(account: UUID, key: str, *, reason: str, at: datetime) -> int:
    """Ends the account's sessions that act in one role; joins the caller's unit of work, and gives how many there were."""
    await hold(account)
    return await _end((Session.account == account) & (Session.acting == key), reason, at)


async def sessions_of(principal: Principal, *, limits: AccessSection, at: datetime) -> tuple[Listed, ...]:
    """The person's own live sessions, the latest seen first."""
    rows = (
        await Session.select()
        .where(Session.account == principal.account_id, *_alive(limits, at), Session.stage == str(Stage.WHOLE))
        .order_by(Session.seen_at, ascending=False)
    )
    return tuple(
        Listed(row["id"], row["agent"], row["address"], row["made_at"], row["seen_at"], row["id"] == principal.session_id) for row in rows
    )


def _ended() -> Forbidden:
    return Forbidden("This sign-in was ended or renewed meanwhile. Sign in again.", code="stage")


async def _live(token: str, limits: AccessSection, at: datetime) -> dict[str, Any] | None:
    columns = (
        *Session.all_columns(),
        Session.account.email.as_alias("email"),
        Session.account.name.as_alias("name"),
        Session.account.totp_set_at.as_alias("totp_set_at"),
        Session.account.password_hash.as_alias("password_hash"),
    )
    query = Session.select(*columns).where(Session.token_sha256 == _hash(token), *_alive(limits, at), Session.account.active.eq(True))
    found: dict[str, Any] | None = await query.first()
    return found


def _alive(limits: AccessSection, at: datetime) -> tuple[Any, ...]:
    idle = at - timedelta(minutes=limits.idle_minutes)
    return Session.ended_at.is_null(), Session.until > at, Session.seen_at > idle


async def _end(which: Any, reason: str, at: datetime) -> int:
    ended = (
        await Session.update({Session.ended_at: at, Session.ended_for: reason})
        .where(which, Session.ended_at.is_null())
        .returning(Session.id)
    )
    return len(ended)


def _hash(token: str) -> str:
    return hashlib.sha256(f"session:{token}".encode()).hexdigest()
