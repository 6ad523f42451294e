"""The rows of changes that one person alone must not make."""

from enum import StrEnum

from piccolo.columns import Text, Timestamptz
from piccolo.constraints import Check

from engine.people.tables import Account, Agency, Office
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = ["ChangeRow", "ChangeState"]


class ChangeState(StrEnum):
    """Where a change stands. OVERTAKEN: when its time came it could not be made any more; `reason` says why."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    OVERTAKEN = "overtaken"


class ChangeRow(Row, tablename="people_change"):
    """A change that waits for a second person, or, where there is none, for its time.

    `live_key` is kind, agency and subject while it waits and the row's own id afterwards: a thing has one waiting change of a kind.
    `payload` holds ids and codes alone. Whoever asked did so as an administrator or an officer, and must still be that when it
    is made. `second` may confirm it beside the agency's administrators.
    """

    agency = refers(Agency)
    office = refers(Office, null=True)
    kind = text(30)
    subject = text(60)
    title = text(200)
    payload = Text(default="{}")
    state = text(10)
    live_key = text(140, unique=True)
    asked_by = refers(Account)
    asked_as = text(13)
    asked_at = Timestamptz(index=True)
    second = refers(Account, null=True)
    due_at = Timestamptz(null=True, default=None)
    decided_by = refers(Account, null=True)
    decided_at = Timestamptz(null=True, default=None)
    reason = text(400)

    state_known = one_of("state", ChangeState)
    asked_as_one = Check("asked_as IN ('administrator', 'officer')")
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    nobody_confirms_alone = Check("decided_by IS NULL OR decided_by <> asked_by OR state = 'withdrawn'")
    over_has_its_time = Check("(state = 'waiting') = (decided_at IS NULL)")
    nobody_seconds_themselves = Check("second IS NULL OR second <> asked_by")
    live_while_it_waits = Check(
        "live_key = CASE WHEN state = 'waiting' THEN kind || ':' || CAST(agency AS TEXT) || ':' || subject ELSE CAST(id AS TEXT) END"
    )
