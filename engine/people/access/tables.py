"""The rows of signing in: sessions, recovery codes, and the one-time links that go out by mail. Hashes alone, never what they open."""

from enum import StrEnum

from piccolo.columns import Integer, Timestamptz
from piccolo.constraints import Check

from engine.people.tables import Account
from engine.store.rows import Row, one_of, refers, text

__all__ = ["Purpose", "RecoveryCode", "Session", "Stage", "Ticket"]


class Stage(StrEnum):
    """How far a sign-in has come: a code is awaited; a second factor has to be set up; whole."""

    CODE = "code"
    SETTING_UP = "setting_up"
    WHOLE = "whole"


class Purpose(StrEnum):
    """What a one-time link is for: a first password, or a new one in place of a forgotten one."""

    INVITED = "invited"
    RESET = "reset"


class Session(Row, tablename="auth_session"):
    """A sign-in. `acting` is the role that the person acts in, `proved_at` when they last showed password and code, and
    `failed` counts wrong proofs."""

    account = refers(Account)
    token_sha256 = text(64, unique=True)
    stage = text(12)
    acting = text(60, default="")
    agent = text(200, default="")
    address = text(64, default="")
    failed = Integer(default=0)
    made_at = Timestamptz()
    proved_at = Timestamptz(null=True, default=None)
    seen_at = Timestamptz()
    until = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)
    ended_for = text(40, default="")

    stage_known = one_of("stage", Stage)
    whole_is_proved = Check("stage <> 'whole' OR proved_at IS NOT NULL")


class RecoveryCode(Row, tablename="recovery_code"):
    """One of the codes that open once where the second factor is lost."""

    account = refers(Account)
    code_sha256 = text(64, unique=True)
    made_at = Timestamptz()
    used_at = Timestamptz(null=True, default=None)


class Ticket(Row, tablename="mail_ticket"):
    """A one-time link: good once and for a while, whoever holds it."""

    account = refers(Account)
    purpose = text(12)
    token_sha256 = text(64, unique=True)
    made_at = Timestamptz()
    expires_at = Timestamptz()
    used_at = Timestamptz(null=True, default=None)

    purpose_known = one_of("purpose", Purpose)
