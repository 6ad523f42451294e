"""Signing in: password, then the second factor.

Promises that an unknown address, a wrong password and a paused account read the same and cost the same; that what was
changed while a password was being tried is seen before a session begins; and that every step has a new token.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from engine.config import AccessSection
from engine.errors import Forbidden, Refused
from engine.people.access import factors, passwords, sessions
from engine.people.access.roles import roles_of
from engine.people.access.sessions import Device, Principal
from engine.people.access.tables import Stage
from engine.people.access.telling import tell_opened
from engine.people.access.tries import clear, give_back, hold, reserve
from engine.people.tables import Account
from engine.store import SecretBox, audit, uow

__all__ = ["Entered", "enter", "give_password", "next_stage", "second_factor", "taken", "wrong_code"]

_RECOVERY = "recovery code"


@dataclass(frozen=True, slots=True)
class Entered:
    """How far a sign-in has come, and the token of its session; `by_recovery_code` says that a code of the app was not at hand."""

    stage: Stage
    token: str = field(repr=False)
    by_recovery_code: bool = False


async def enter(email: str, password: str, *, box: SecretBox, device: Device, limits: AccessSection, at: datetime) -> Entered:
    """The first step. Raises Refused in the same words whatever was wrong."""
    address = email.strip().lower()
    row = None
    if address.isprintable():
        row = await Account.select(Account.id, Account.password_hash, Account.active).where(Account.email == address).first()
    free = await reserve(row["id"] if row else None, "password", box=box, at=at)
    fits = await passwords.fits(password, row["password_hash"] if row else "")
    if row is None or not free or not fits or not row["active"]:
        raise _wrong()
    kept = row["password_hash"]
    renewed = await passwords.hash_of(password) if passwords.is_outdated(kept) else kept
    async with uow():
        await hold(row["id"])
        now = (await Account.select(Account.password_hash, Account.active, Account.totp_set_at).where(Account.id == row["id"]))[0]
        if now["password_hash"] != kept or not now["active"]:  # changed while this password was tried
            raise _wrong()
        await Account.update({Account.password_hash: renewed}).where(Account.id == row["id"])
        stage = await next_stage(row["id"], has_factor=now["totp_set_at"] is not None, at=at)
        await (give_back if stage is Stage.CODE else clear)(row["id"])
        token = await sessions.begin(row["id"], stage, device=device, limits=limits, at=at)
        if stage is Stage.WHOLE:
            await _in(row["id"], "password", at)
    return Entered(stage, token)


async def second_factor(principal: Principal, code: str, *, box: SecretBox, device: Device, limits: AccessSection, at: datetime) -> Entered:
    """The second step: a code of the app, or a recovery code, which is used up. Raises Refused for any other."""
    if principal.stage is not Stage.CODE:
        raise Forbidden("This sign-in is not waiting for a code. Begin again.", code="stage")
    if not await reserve(principal.account_id, "code", box=box, at=at):
        raise _paused()
    async with uow():
        await hold(principal.account_id)
        how = await taken(principal.account_id, code, box=box, at=at)
        if how:
            await clear(principal.account_id)
            await _in(principal.account_id, how, at)
            token = await sessions.step_up(principal, Stage.WHOLE, device=device, limits=limits, at=at)
            return Entered(Stage.WHOLE, token, by_recovery_code=how == _RECOVERY)
    raise wrong_code()


async def give_password(account: UUID, password: str, *, actor: str, at: datetime) -> None:
    """A password that somebody else chose, for a site that is being made. Every session of the account ends."""
    kept = await passwords.hash_of(password)
    async with uow():
        await Account.update({Account.password_hash: kept, Account.failed: 0}).where(Account.id == account)
        await sessions.end_all(account, reason="password given", at=at)
        await audit("password_given", room="people", subject=str(account), actor=actor, at=at)


async def taken(account: UUID, code: str, *, box: SecretBox, at: datetime) -> str:
    """How a code was taken, which uses it up; empty if it was not. Joins the caller's unit of work."""
    if await factors.take_code(account, code, box=box, at=at):
        return "code"
    if not await factors.take_recovery_code(account, code, at):
        return ""
    await tell_opened(account, await factors.recovery_codes_left(account), box=box, at=at)
    return _RECOVERY


def wrong_code() -> Refused:
    """What a code that is not right is answered with."""
    say = "The code is not right, or was used before. Wait for the next one in your app, and look whether the phone's clock is right."
    return Refused(say, box="code", rule="code of the app")


async def next_stage(account: UUID, *, has_factor: bool, at: datetime) -> Stage:
    """What comes after the first step: a code, a second factor to set up, or nothing more."""
    if has_factor:
        return Stage.CODE
    needed = any(role.needs_second_factor for role in await roles_of(account, at))
    return Stage.SETTING_UP if needed else Stage.WHOLE


async def _in(account: UUID, how: str, at: datetime) -> None:
    """Joins the caller's unit of work."""
    await audit("signed_in", room="people", subject=str(account), actor=f"account:{account}", at=at, detail={"how": how})


def _wrong() -> Refused:
    say = (
        "The e-mail address or the password is not right, or there were several wrong tries and the account pauses for a while. "
        "'Forgot password' mails you a way in."
    )
    return Refused(say, box="password", rule="sign-in")


def _paused() -> Refused:
    say = (
        "After several wrong tries this account pauses for a while, at most an hour. Wait, or choose a new password with 'Forgot password'."
    )
    return Refused(say, box="code", rule="pause after wrong tries")
