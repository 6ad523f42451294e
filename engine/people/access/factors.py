"""The second factor: time-based codes (RFC 6238) from an app, and ten recovery codes for the day the phone is lost.

Promises that no code counts twice, that the secret stands sealed in the database, and that a recovery code is kept as a hash.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import pyotp

from engine.people.access.tables import RecoveryCode
from engine.people.tables import Account
from engine.store import SecretBox

__all__ = ["RECOVERY_CODES", "Factor", "new_factor", "new_recovery_codes", "recovery_codes_left", "take_code", "take_recovery_code"]

RECOVERY_CODES = 10
_ISSUER = "ecoo"
_STEP_S = 30
_DRIFT = 1  # steps that a phone's clock may be off
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # without 0, O, 1, I and L
_GROUPS, _GROUP = 4, 4


@dataclass(frozen=True, slots=True)
class Factor:
    """A secret for an authenticator app: as text to type and as the address that its QR code carries. Shown while it is set up."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


def new_factor(email: str, *, host: str) -> Factor:
    """A fresh secret of 160 bits."""
    secret = pyotp.random_base32()
    return factor_of(secret, email, host=host)


def factor_of(secret: str, email: str, *, host: str) -> Factor:
    """The factor of a secret that is being set up."""
    return Factor(secret, pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=f"{_ISSUER} {host}"))


def step_of(secret: str, code: str, at: datetime, *, after: int) -> int | None:
    """The interval that a code belongs to, if it is one near now and later than the last one taken."""
    code = code.replace(" ", "")
    if len(code) != 6 or not (code.isascii() and code.isdigit()):
        return None
    totp, now = pyotp.TOTP(secret), int(at.timestamp()) // _STEP_S
    near = [step for step in range(now - _DRIFT, now + _DRIFT + 1) if secrets.compare_digest(totp.at(step * _STEP_S), code)]
    return max((step for step in near if step > after), default=None)


async def take_code(account: UUID, code: str, *, box: SecretBox, at: datetime) -> bool:
    """Takes a code of the account's app; joins the caller's unit of work. The same code, or an earlier one, is not taken again."""
    row = await Account.select(Account.totp_sealed, Account.totp_step).where(Account.id == account).first()
    if row is None or not row["totp_sealed"]:
        return False
    step = step_of(box.unseal(row["totp_sealed"], purpose=purpose_of(account)), code, at, after=row["totp_step"])
    if step is None:
        return False
    taken = await Account.update({Account.totp_step: step}).where(Account.id == account, Account.totp_step < step).returning(Account.id)
    return bool(taken)


def purpose_of(account: UUID) -> str:
    """What the sealed secret is bound to."""
    return f"account:{account}:totp"


async def new_recovery_codes(account: UUID, at: datetime) -> tuple[str, ...]:
    """Ten fresh codes, shown this once; the old ones are good no more. Joins the caller's unit of work."""
    codes = tuple("-".join(_group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES))
    await RecoveryCode.update({RecoveryCode.used_at: at}).where(RecoveryCode.account == account, RecoveryCode.used_at.is_null())
    await RecoveryCode.insert(*(RecoveryCode(account=account, code_sha256=_hash(account, code), made_at=at) for code in codes))
    return codes


async def take_recovery_code(account: UUID, code: str, at: datetime) -> bool:
    """Uses a recovery code up; joins the caller's unit of work."""
    taken = (
        await RecoveryCode.update({RecoveryCode.used_at: at})
        .where(RecoveryCode.account == account, RecoveryCode.code_sha256 == _hash(account, code), RecoveryCode.used_at.is_null())
        .returning(RecoveryCode.id)
    )
    return bool(taken)


async def recovery_codes_left(account: UUID) -> int:
    """How many recovery codes are still good."""
    return int(await RecoveryCode.count().where(RecoveryCode.account == account, RecoveryCode.used_at.is_null()))


def _group() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP))


def _hash(account: UUID, code: str) -> str:
    """Of 79 random bits a plain hash cannot be turned round; the account is in it, so that equal codes of two persons differ."""
    plain = "".join(sign for sign in code.upper() if sign.isalnum())
    return hashlib.sha256(f"recovery:{account}:{plain}".encode()).hexdigest()
