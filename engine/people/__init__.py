"""Agencies, offices, officers, exporters, brokers; sign-in and keys; who may do what; stamps and pictures.

Personal names and addresses live in this room's rows and nowhere else; other rooms hold ids.
"""

from engine.people.agencies.appointing import account_of, appoint_administrator, appoint_to_desk, dismiss_administrator
from engine.people.agencies.forms import confirm_form, require_confirmed
from engine.people.agencies.officers import (
    OfficerHere,
    add_officer,
    find_officer,
    map_officer,
    put_appearance,
    require_mapped,
    require_may_issue,
)
from engine.people.agencies.offices import OfficeHere, add_agency, add_office, agency_by_code, count_agencies, find_office, put_stamp
from engine.people.captcha import Challenge, answer_captcha, captcha_media, new_captcha
from engine.people.dsc.enrolment import Enrolled, end_enrolment, enrol, enrolled, live_enrolment, signatories_of
from engine.people.firms.exporters import (
    ExporterHere,
    UserHere,
    add_exporter_user,
    exporter_by_id,
    exporter_by_iec,
    exporter_user,
    register_exporter,
)
from engine.people.keys import Caller, make_key, revoke_key, who_calls

__all__ = [
    "Caller",
    "Challenge",
    "Enrolled",
    "ExporterHere",
    "OfficeHere",
    "OfficerHere",
    "UserHere",
    "account_of",
    "add_agency",
    "add_exporter_user",
    "add_office",
    "add_officer",
    "agency_by_code",
    "answer_captcha",
    "appoint_administrator",
    "appoint_to_desk",
    "captcha_media",
    "confirm_form",
    "count_agencies",
    "dismiss_administrator",
    "end_enrolment",
    "enrol",
    "enrolled",
    "exporter_by_id",
    "exporter_by_iec",
    "exporter_user",
    "find_office",
    "find_officer",
    "live_enrolment",
    "make_key",
    "map_officer",
    "new_captcha",
    "put_appearance",
    "put_stamp",
    "register_exporter",
    "require_confirmed",
    "require_mapped",
    "require_may_issue",
    "revoke_key",
    "signatories_of",
    "who_calls",
]
