"""Changes that one person alone must not make: payment parameters, stamps, signature pictures, roles.

Promises that such a change takes effect after a second person confirmed it; that where an agency has no second person, it
waits a stated time while everybody concerned knows of it by mail; that whoever asks has just shown password and code; and
that a thing has one waiting change of a kind. What a change does is its room's business: an `Effect`, found by its kind.
"""

from engine.people.changes.change import Asked, Change, Effect, Effects
from engine.people.changes.deciding import confirm, refuse, run_due, withdraw
from engine.people.changes.persons import TYPING
from engine.people.changes.proposing import propose
from engine.people.changes.reading import change_of, changes_of, count_to_decide, over_among, waiting_of, waiting_on
from engine.people.changes.tables import ChangeState

__all__ = [
    "TYPING",
    "Asked",
    "Change",
    "ChangeState",
    "Effect",
    "Effects",
    "change_of",
    "changes_of",
    "confirm",
    "count_to_decide",
    "over_among",
    "propose",
    "refuse",
    "run_due",
    "waiting_of",
    "waiting_on",
    "withdraw",
]
