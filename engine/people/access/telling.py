"""Letters about what happened to a person's own way in, so that they notice what they did not do."""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from engine.errors import Refused
from engine.mail import Letter, write_letter
from engine.people.tables import Account
from engine.store import SecretBox

__all__ = ["tell_changed", "tell_first_factor", "tell_opened", "tell_paused"]

_IF_NOT_YOU = "If it was not you, choose a new password at once with 'Forgot password', and tell your administrator."


async def tell_changed(account: UUID, what: str, *, box: SecretBox, at: datetime) -> None:
    """That their password or second factor is another one now; joins the caller's unit of work."""
    text = f"the {what} of your account was changed just now, and every other session of yours was ended.\n\n{_IF_NOT_YOU}"
    await _write(account, f"Your {what} was changed", text, box=box, at=at)


async def tell_first_factor(account: UUID, *, box: SecretBox, at: datetime) -> None:
    """That their account has a second factor now, where it had none; joins the caller's unit of work."""
    text = f"a second factor was set up for your account just now: from now on a code of your app is asked for at each sign-in.\n\n{_IF_NOT_YOU}"
    await _write(account, "Your second factor was set up", text, box=box, at=at)


async def tell_opened(account: UUID, left: int, *, box: SecretBox, at: datetime) -> None:
    """That a recovery code opened their account, and how many are left; joins the caller's unit of work."""
    text = (
        f"one of your recovery codes was used just now in place of a code from your app; {left} are left. "
        f"Set up your app anew under My account if you lost it.\n\n{_IF_NOT_YOU}"
    )
    await _write(account, "A recovery code was used", text, box=box, at=at)


async def tell_paused(account: UUID, what: str, *, box: SecretBox, at: datetime) -> None:
    """That there were several wrong tries at their account, which pauses; joins the caller's unit of work. `what` was wrong."""
    knew = "Whoever tried gave your right password, and no right code of your app. " if what == "code" else ""
    text = (
        "there were several wrong tries to sign in to your account, so it pauses for a minute, and after each further wrong try for "
        f"longer, up to an hour. Nobody got in. {knew}\n\nIf it was you, wait a little. If it was not, "
        f"{'choose a new password at once' if knew else 'nothing has to be done; a new password'} with 'Forgot password'"
        f"{', which ends the pause too' if knew else ' ends the pause'}."
    )
    await _write(account, "Somebody tried to sign in to your account", text, box=box, at=at, purpose="paused")


async def _write(account: UUID, subject: str, text: str, *, box: SecretBox, at: datetime, purpose: str = "changed") -> None:
    row = await Account.select(Account.email, Account.name).where(Account.id == account, Account.active.eq(True)).first()
    if row is None:  # a closed account hears nothing
        return
    with suppress(Refused):  # an address that takes no letter keeps nobody from their own account
        await write_letter(Letter(row["email"], subject, f"{row['name']},\n\n{text}"), box=box, purpose=purpose, at=at, about=account)
