"""Agencies, offices, officers, exporters, brokers; sign-in and keys; who may do what; stamps and pictures.

Personal names and addresses live in this room's rows and nowhere else; other rooms hold ids.
"""

from engine.people.agencies.certifying import Competence, may_certify
from engine.people.agencies.forms import confirm_form, require_confirmed
from engine.people.captcha import Challenge, answer_captcha, captcha_media, new_captcha
from engine.people.dsc.enrolment import Enrolled, end_enrolment, enrol, enrolled, live_enrolment, signatories_of
from engine.people.firms.exporters import (
    ExporterHere,
    UserHere,
    add_exporter_user,
    exporter_by_id,
    exporter_by_iec,
    exporter_user,
    exporters_of,
    register_exporter,
)
from engine.people.keyring import Party, keys_of, make_partys_key, party_of, revoke_key
from engine.people.keys import KEY_RIGHTS, Caller, KeyUses, make_key, who_calls
from engine.people.naming import agencies_named, id_of_actor, names_of, offices_named, persons_called
from engine.people.offices.offices import OfficeHere, add_agency, add_office, agency_by_code, count_agencies, find_office, put_stamp
from engine.people.staff.appointing import account_of, appoint_administrator
from engine.people.staff.desk import appoint_to_desk
from engine.people.staff.officers import (
    OfficerHere,
    add_officer,
    find_officer,
    map_officer,
    put_appearance,
    require_mapped,
    require_may_issue,
    why_not_officer,
)

__all__ = [
    "KEY_RIGHTS",
    "Caller",
    "Challenge",
    "Competence",
    "Enrolled",
    "ExporterHere",
    "KeyUses",
    "OfficeHere",
    "OfficerHere",
    "Party",
    "UserHere",
    "account_of",
    "add_agency",
    "add_exporter_user",
    "add_office",
    "add_officer",
    "agencies_named",
    "agency_by_code",
    "answer_captcha",
    "appoint_administrator",
    "appoint_to_desk",
    "captcha_media",
    "confirm_form",
    "count_agencies",
    "end_enrolment",
    "enrol",
    "enrolled",
    "exporter_by_id",
    "exporter_by_iec",
    "exporter_user",
    "exporters_of",
    "find_office",
    "find_officer",
    "id_of_actor",
    "keys_of",
    "live_enrolment",
    "make_key",
    "make_partys_key",
    "map_officer",
    "may_certify",
    "names_of",
    "new_captcha",
    "offices_named",
    "party_of",
    "persons_called",
    "put_appearance",
    "put_stamp",
    "register_exporter",
    "require_confirmed",
    "require_mapped",
    "require_may_issue",
    "revoke_key",
    "signatories_of",
    "who_calls",
    "why_not_officer",
]
