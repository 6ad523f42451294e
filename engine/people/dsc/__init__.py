"""Digital signature certificates: which X.509 certificate signs for whom, and how one is registered.

Trust is not judged here but by whoever registers (`engine.issuing.judging`): this room reads, compares names and keeps rows.
"""

from engine.people.dsc.enrolment import (
    end_enrolment,
    enrol,
    require_free,
)
from engine.people.dsc.listing import EnrolmentHere, dsc_days, enrolments_of
from engine.people.dsc.names import Difference, name_difference, organisation_difference, same_name
from engine.people.dsc.owner import Owner, officer_as_owner, owner_of
from engine.people.dsc.presenting import (
    PresentedHere,
    ask_administrator,
    end_old_presented,
    present,
    presented,
    prove_presented,
    settle,
    taken_by_others,
    waiting_presented,
)
from engine.people.dsc.reading import CLASS_3, DOCUMENT_SIGNER, EXPIRES_SOON, CertificateFacts, facts_of, is_authority
from engine.people.dsc.tables import PresentedState
from engine.people.dsc.telling import tell_enrolled, tell_name_refused

__all__ = [
    "CLASS_3",
    "DOCUMENT_SIGNER",
    "EXPIRES_SOON",
    "CertificateFacts",
    "Difference",
    "EnrolmentHere",
    "Owner",
    "PresentedHere",
    "PresentedState",
    "ask_administrator",
    "dsc_days",
    "end_enrolment",
    "end_old_presented",
    "enrol",
    "enrolments_of",
    "facts_of",
    "is_authority",
    "name_difference",
    "officer_as_owner",
    "organisation_difference",
    "owner_of",
    "present",
    "presented",
    "prove_presented",
    "require_free",
    "same_name",
    "settle",
    "taken_by_others",
    "tell_enrolled",
    "tell_name_refused",
    "waiting_presented",
]
