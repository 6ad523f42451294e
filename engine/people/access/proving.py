"""What a signed-in person does about their own way in: proving themselves again, a new password, a new second factor.

Promises that none of it is done by who merely holds a session: a new password needs the old one, a second factor a fresh
proof of the first; that five wrong proofs end the session and touch nobody else's; and that every other session ends.
"""

from datetime import datetime, timedelta
from uuid import UUID

from engine.config import AccessSection
from engine.errors import Forbidden, Refused
from engine.people.access import factors, passwords, sessions
from engine.people.access.sessions import Device, Principal
from engine.people.access.signing_in import Entered, taken, wrong_code
from engine.people.access.tables import Stage
from engine.people.access.telling import tell_changed, tell_first_factor
from engine.people.access.tickets import spend_all
from engine.people.access.tries import clear, hold
from engine.people.tables import Account
from engine.store import SecretBox, audit, uow

__all__ = ["begin_factor", "change_password", "confirm_factor", "may_set_factor", "prove", "shown_factor"]


def begin_factor(principal: Principal, *, host: str, box: SecretBox) -> tuple[factors.Factor, str]:
    """A fresh secret to show, and the same sealed, which the form sends back with the first code."""
    factor = factors.new_factor(principal.email, host=host)
    return factor, box.seal(factor.secret, purpose=_new_factor(principal.account_id))


def shown_factor(principal: Principal, sealed: str, *, host: str, box: SecretBox) -> factors.Factor:
    """The secret that is being set up, to be shown again after a wrong code."""
    return factors.factor_of(box.unseal(sealed, purpose=_new_factor(principal.account_id)), principal.email, host=host)


def may_set_factor(principal: Principal, *, limits: AccessSection, at: datetime) -> bool:
    """Whether a second factor may be set up now: on the way in where there is none, or after a fresh proof."""
    if principal.whole:
        return principal.proved_within(timedelta(minutes=limits.fresh_minutes), at)
    return principal.stage is Stage.SETTING_UP and not principal.has_factor


async def confirm_factor(
    principal: Principal, sealed: str, code: str, *, box: SecretBox, device: Device, limits: AccessSection, at: datetime
) -> tuple[Entered, tuple[str, ...]]:
    """Makes the secret that was shown the person's second factor, once a code proves that the app has it.

    Gives the recovery codes, shown this once. Every other session ends, and the person is told by mail. `sealed` is what
    `begin_factor` gave. Raises Refused for a wrong code, Forbidden without a fresh proof.
    """
    if not may_set_factor(principal, limits=limits, at=at):
        raise Forbidden("Show your password, and a code of the present app, first.", code="prove")
    secret = box.unseal(sealed, purpose=_new_factor(principal.account_id))
    step = factors.step_of(secret, code, at, after=0)
    if step is None:
        raise wrong_code()
    kept = box.seal(secret, purpose=factors.purpose_of(principal.account_id))
    async with uow():
        await hold(principal.account_id)
        change = Account.update({Account.totp_sealed: kept, Account.totp_set_at: at, Account.totp_step: step})
        # Of two at once on the way in, who may have had one password, the first one counts.
        changed = change.where(Account.id == principal.account_id)
        if not principal.whole:
            changed = changed.where(Account.totp_set_at.is_null())
        if not await changed.returning(Account.id):
            raise Forbidden("A second factor was set up meanwhile. Sign in with it.", code="prove")
        await clear(principal.account_id)
        codes = await factors.new_recovery_codes(principal.account_id, at)
        token = await sessions.step_up(principal, Stage.WHOLE, device=device, limits=limits, at=at)
        await sessions.end_all(principal.account_id, reason="second factor changed", at=at, but=await sessions.id_of(token))
        if principal.has_factor:
            await tell_changed(principal.account_id, "second factor", box=box, at=at)
        else:
            await tell_first_factor(principal.account_id, box=box, at=at)
        await audit("second_factor_set", room="people", subject=str(principal.account_id), actor=principal.actor, at=at)
    return Entered(Stage.WHOLE, token), codes


async def prove(
    principal: Principal, password: str, code: str, *, box: SecretBox, device: Device, limits: AccessSection, at: datetime
) -> Entered:
    """Password, and a code where the person has a second factor, once more: before what is dangerous. Gives a new token."""
    await _reserve(principal, at)
    if await passwords.fits(password, await _kept(principal)):
        async with uow():
            await hold(principal.account_id)
            how = "password" if not principal.has_factor else await taken(principal.account_id, code, box=box, at=at)
            if how:
                token = await sessions.step_up(principal, Stage.WHOLE, device=device, limits=limits, at=at)
                await audit("proved", room="people", subject=str(principal.account_id), actor=principal.actor, at=at, detail={"how": how})
                return Entered(Stage.WHOLE, token)
    say = "The password or the code is not right." if principal.has_factor else "The password is not right."
    raise Refused(say, box="password", rule="proof of the person")


async def change_password(principal: Principal, old: str, new: str, *, box: SecretBox, device: Device, at: datetime) -> Entered:
    """A new password for who knows the old one; every other session and every link ends, and this session has a new token.

    It proves no second factor: the session counts as proved when it was before, and ends when it would have. The person is told by mail.
    """
    await _reserve(principal, at)
    kept = await _kept(principal)
    if not await passwords.fits(old, kept):
        raise Refused("The present password is not right.", box="old", rule="present password")
    passwords.require_strong(new, email=principal.email, box="new")
    fresh = await passwords.hash_of(new)
    async with uow():
        await hold(principal.account_id)
        changed = Account.update({Account.password_hash: fresh}).where(Account.id == principal.account_id, Account.password_hash == kept)
        if not await changed.returning(Account.id):
            raise Refused("The password was changed meanwhile. Sign in with the new one.", box="old", rule="present password")
        token = await sessions.renew(principal, acting=principal.role.key if principal.role else "", device=device, at=at)
        await sessions.end_all(principal.account_id, reason="password changed", at=at, but=await sessions.id_of(token))
        await spend_all(principal.account_id, at)
        await tell_changed(principal.account_id, "password", box=box, at=at)
        await audit("password_changed", room="people", subject=str(principal.account_id), actor=principal.actor, at=at)
    return Entered(Stage.WHOLE, token)


async def _kept(principal: Principal) -> str:
    row = await Account.select(Account.password_hash).where(Account.id == principal.account_id).first()
    return str(row["password_hash"]) if row else ""


async def _reserve(principal: Principal, at: datetime) -> None:
    """Counts a proof as wrong until a new token says otherwise; after five of them the session ends. Raises Forbidden."""
    if not principal.whole:
        raise Forbidden("Finish signing in first.", code="stage")
    if not await sessions.reserve(principal, at):
        raise Forbidden("After several wrong proofs this session was ended. Sign in again.", code="stage")


def _new_factor(account: UUID) -> str:
    return f"account:{account}:new totp"
