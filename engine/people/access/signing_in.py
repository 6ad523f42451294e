"""Signing in: password, then the second factor; and everything a person does about their own way in.

Promises that an unknown address, a wrong password and a paused account read the same and take as long; that five wrong
tries in a row pause an account, each further one for twice as long up to an hour; and that every step has a new token.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.config import AccessSection
from engine.errors import Forbidden, Refused
from engine.people.access import factors, passwords, sessions
from engine.people.access.roles import roles_of
from engine.people.access.sessions import Device, Principal
from engine.people.access.tables import Stage
from engine.people.tables import Account
from engine.store import SecretBox, audit, uow

__all__ = [
    "Entered",
    "begin_factor",
    "change_password",
    "confirm_factor",
    "enter",
    "give_password",
    "prove",
    "second_factor",
    "shown_factor",
]

_FREE_TRIES = 5
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Entered:
    """How far a sign-in has come, and the token of its session."""

    stage: Stage
    token: str = field(repr=False)


async def enter(email: str, password: str, *, device: Device, limits: AccessSection, at: datetime) -> Entered:
    """The first step. Raises Refused in the same words whatever was wrong."""
    columns = (Account.id, Account.email, Account.password_hash, Account.totp_since, Account.active, Account.failed, Account.locked_until)
    row = await Account.select(*columns).where(Account.email == email.strip().lower()).first()
    fits = await passwords.fits(password, row["password_hash"] if row else "")
    if row is None or not row["active"] or _paused(row, at):
        raise _wrong()
    if not fits:
        await _failed(row["id"], "password", at)
        raise _wrong()
    renewed = await passwords.hash_of(password) if passwords.is_outdated(row["password_hash"]) else None
    async with uow():
        if renewed:
            await Account.update({Account.password_hash: renewed}).where(Account.id == row["id"])
        stage = await _next_stage(row["id"], has_factor=row["totp_since"] is not None, at=at)
        token = await sessions.begin(row["id"], stage, device=device, limits=limits, at=at)
        if stage is Stage.WHOLE:
            await _in(row["id"], "password", at)
    return Entered(stage, token)


async def second_factor(principal: Principal, code: str, *, box: SecretBox, device: Device, limits: AccessSection, at: datetime) -> Entered:
    """The second step: a code of the app, or a recovery code, which is used up. Raises Refused for any other."""
    if principal.stage is not Stage.CODE:
        raise Forbidden("This sign-in is not waiting for a code. Begin again.", code="stage")
    await _require_no_pause(principal.account_id, at)
    async with uow():
        how = await _taken(principal.account_id, code, box=box, at=at)
        if how:
            await _in(principal.account_id, how, at)
            return Entered(Stage.WHOLE, await sessions.step_up(principal, Stage.WHOLE, device=device, limits=limits, at=at))
    await _failed(principal.account_id, "code", at)
    raise _wrong_code()


async def confirm_factor(
    principal: Principal, sealed: str, code: str, *, box: SecretBox, device: Device, limits: AccessSection, at: datetime
) -> tuple[Entered, tuple[str, ...]]:
    """Makes the secret that was shown the person's second factor, once a code proves that the app has it.

    Gives the recovery codes, shown this once. Every other session ends. `sealed` is what `begin_factor` gave. Raises Refused
    for a wrong code, Forbidden where the person has a factor and has not proved it a short while ago.
    """
    fresh = principal.whole and principal.proved_within(timedelta(minutes=limits.fresh_minutes), at)
    if principal.stage is Stage.CODE or (principal.has_factor and not fresh):
        raise Forbidden("Show your password and a code of the present app first.", code="prove")
    secret = box.unseal(sealed, purpose=_new_factor(principal.account_id))
    step = factors.step_of(secret, code, at, after=0)
    if step is None:
        raise _wrong_code()
    kept = box.seal(secret, purpose=factors.purpose_of(principal.account_id))
    async with uow():
        await Account.update({Account.totp_sealed: kept, Account.totp_since: at, Account.totp_step: step, Account.failed: 0}).where(
            Account.id == principal.account_id
        )
        codes = await factors.new_recovery_codes(principal.account_id, at)
        token = await sessions.step_up(principal, Stage.WHOLE, device=device, limits=limits, at=at)
        await sessions.end_all(principal.account_id, reason="second factor changed", at=at, but=await sessions.id_of(token))
        await audit("second_factor_set", room="people", subject=str(principal.account_id), actor=principal.actor, at=at)
    return Entered(Stage.WHOLE, token), codes


def begin_factor(principal: Principal, *, host: str, box: SecretBox) -> tuple[factors.Factor, str]:
    """A fresh secret to show, and the same sealed, which the form sends back with the first code."""
    factor = factors.new_factor(principal.email, host=host)
    return factor, box.seal(factor.secret, purpose=_new_factor(principal.account_id))


def shown_factor(principal: Principal, sealed: str, *, host: str, box: SecretBox) -> factors.Factor:
    """The secret that is being set up, to be shown again after a wrong code."""
    return factors.factor_of(box.unseal(sealed, purpose=_new_factor(principal.account_id)), principal.email, host=host)


async def prove(
    principal: Principal, password: str, code: str, *, box: SecretBox, device: Device, limits: AccessSection, at: datetime
) -> Entered:
    """Password, and a code where the person has a second factor, once more: before what is dangerous. Gives a new token."""
    await _require_whole(principal)
    await _require_no_pause(principal.account_id, at)
    if await _fits(principal, password):
        async with uow():
            how = "password" if not principal.has_factor else await _taken(principal.account_id, code, box=box, at=at)
            if how:
                await _in(principal.account_id, how, at, act="proved")
                acting = principal.role.key if principal.role else ""
                token = await sessions.step_up(principal, Stage.WHOLE, device=device, limits=limits, at=at, acting=acting)
                return Entered(Stage.WHOLE, token)
    await _failed(principal.account_id, "proof", at)
    say = "The password or the code is not right." if principal.has_factor else "The password is not right."
    raise Refused(say, box="password", rule="proof of the person")


async def change_password(principal: Principal, old: str, new: str, *, device: Device, limits: AccessSection, at: datetime) -> Entered:
    """A new password for who knows the old one; every other session ends, and this one has a new token."""
    await _require_whole(principal)
    await _require_no_pause(principal.account_id, at)
    if not await _fits(principal, old):
        await _failed(principal.account_id, "old password", at)
        raise Refused("The present password is not right.", box="old", rule="present password")
    passwords.require_strong(new, email=principal.email, box="new")
    kept = await passwords.hash_of(new)
    async with uow():
        await Account.update({Account.password_hash: kept, Account.failed: 0}).where(Account.id == principal.account_id)
        await sessions.end_all(principal.account_id, reason="password changed", at=at)
        await audit("password_changed", room="people", subject=str(principal.account_id), actor=principal.actor, at=at)
        acting = principal.role.key if principal.role else ""
        token = await sessions.begin(principal.account_id, Stage.WHOLE, device=device, limits=limits, at=at, acting=acting)
    return Entered(Stage.WHOLE, token)


async def give_password(account: UUID, password: str, *, actor: str, at: datetime) -> None:
    """A password that somebody else chose, for a site that is being made. Every session of the account ends."""
    kept = await passwords.hash_of(password)
    async with uow():
        await Account.update({Account.password_hash: kept, Account.failed: 0}).where(Account.id == account)
        await sessions.end_all(account, reason="password given", at=at)
        await audit("password_given", room="people", subject=str(account), actor=actor, at=at)


async def _fits(principal: Principal, password: str) -> bool:
    row = await Account.select(Account.password_hash).where(Account.id == principal.account_id).first()
    return await passwords.fits(password, row["password_hash"] if row else "")


async def _next_stage(account: UUID, *, has_factor: bool, at: datetime) -> Stage:
    if has_factor:
        return Stage.CODE
    needed = any(role.needs_second_factor for role in await roles_of(account, at))
    return Stage.SETTING_UP if needed else Stage.WHOLE


async def _taken(account: UUID, code: str, *, box: SecretBox, at: datetime) -> str:
    """How the code was taken; empty if it was not."""
    if await factors.take_code(account, code, box=box, at=at):
        return "code"
    return "recovery code" if await factors.take_recovery_code(account, code, at) else ""


async def _in(account: UUID, how: str, at: datetime, *, act: str = "signed_in") -> None:
    """Joins the caller's unit of work."""
    await Account.update({Account.failed: 0, Account.locked_until: None}).where(Account.id == account)
    await audit(act, room="people", subject=str(account), actor=f"account:{account}", at=at, detail={"how": how})


async def _failed(account: UUID, what: str, at: datetime) -> None:
    """Counts a wrong try and pauses the account where there were too many in a row."""
    async with uow():
        rows = await Account.update({Account.failed: Account.failed + 1}).where(Account.id == account).returning(Account.failed)
        beyond = rows[0]["failed"] - _FREE_TRIES
        if beyond >= 0:
            pause = min(_FIRST_PAUSE * 2 ** min(beyond, 10), _LONGEST_PAUSE)
            await Account.update({Account.locked_until: at + pause}).where(Account.id == account)
        await audit("sign_in_failed", room="people", subject=str(account), actor="public", at=at, detail={"what": what})


def _paused(row: dict[str, Any], at: datetime) -> bool:
    return row["locked_until"] is not None and row["locked_until"] > at


async def _require_no_pause(account: UUID, at: datetime) -> None:
    row = await Account.select(Account.locked_until).where(Account.id == account).first()
    if row is not None and _paused(row, at):
        minutes = -(-(row["locked_until"] - at).total_seconds() // 60)
        say = f"After several wrong tries this account pauses for {minutes:.0f} min. Wait, or choose a new password with 'Forgot password'."
        raise Refused(say, box="code", rule="pause after wrong tries")


async def _require_whole(principal: Principal) -> None:
    if not principal.whole:
        raise Forbidden("Finish signing in first.", code="stage")


def _wrong() -> Refused:
    say = (
        "The e-mail address or the password is not right, or there were several wrong tries and the account pauses for a while. "
        "'Forgot password' mails you a way in."
    )
    return Refused(say, box="password", rule="sign-in")


def _wrong_code() -> Refused:
    say = "The code is not right, or was used before. Wait for the next one in your app, and look whether the phone's clock is right."
    return Refused(say, box="code", rule="code of the app")


def _new_factor(account: UUID) -> str:
    return f"account:{account}:new totp"
