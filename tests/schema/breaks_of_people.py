"""What a row of the people's rooms has to say so that it breaks nothing of its own, and a row that breaks each CHECK of theirs."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

__all__ = ["BREAKS", "GOOD", "WITH"]

AT, DAY = datetime(2026, 11, 21, 9, 0, tzinfo=UTC), date(2026, 11, 21)
EARLIER, BEFORE = AT - timedelta(days=1), DAY - timedelta(days=1)
ID = "00000000-0000-4000-8000-000000000001"
ONE, OTHER = uuid4(), uuid4()


def live(*columns: str, end: str = "ended_at") -> Callable[[Mapping[str, Any]], str]:
    """The live key of a row: these columns while it lasts, its own id afterwards."""
    return lambda row: str(row["id"]) if row.get(end) else ":".join(str(row[column]) for column in columns)


# What a row of people has to say beside what `row_of` makes up, so that it breaks nothing of its own.
GOOD: Mapping[str, Mapping[str, Any]] = {
    "agency_listing": {"appendix": "2B"},
    "office": {"code": "MUM"},
    "people_change": {
        "state": "waiting",
        "asked_as": "officer",
        "kind": "stamp",
        "subject": "x",
        "live_key": lambda row: f"{row['kind']}:{row['agency']}:{row['subject']}" if row["state"] == "waiting" else str(row["id"]),
    },
    "appearance": {"officer": ONE, "agency": ONE, "live_key": live("officer")},
    "stamp": {"live_key": live("office")},
    "platform_user": {"live_key": live("account")},
    "administrator": {"live_key": live("account", "agency")},
    "officer_spell": {"live_key": live("officer", end="ends_at")},
    "officer_office": {"live_key": live("officer", "office")},
    "exporter_user": {"account": ONE, "live_key": live("exporter", "account")},
    "broker_grant": {"live_key": live("broker", "exporter")},
    "picture_draft": {"bearer": "office", "office": ONE, "agency": ONE},
    "enrolment": {"officer": ONE, "agency": ONE},
    "dsc_presented": {"officer": ONE, "agency": ONE, "state": "asked"},
    "agency_certifies": {"appendix": "2B"},
    "agency_address": {"kind": "domain"},
    "registration_request": {"role": "administrator", "agency": ONE, "letter_sha256": "x", "state": "unproved"},
    "auth_session": {"stage": "code"},
    "mail_ticket": {"purpose": "reset"},
    "api_key": {"agency": ONE},
}
ENDED = {"ended_at": AT, "live_key": "x"}
BREAKS: Mapping[str, Mapping[str, Any]] = {
    "agency_listing_appendix_known": {"appendix": "2C"},
    "agency_listing_in_order": {"ends_on": BEFORE},
    "office_code_is_capitals": {"code": "mum"},
    "account_failed_counts": {"failed": -1},
    "account_off_is_said": {"active": False, "off_at": AT},
    "platform_user_live_until_it_ends": ENDED,
    "administrator_live_until_it_ends": ENDED,
    "officer_spell_in_order": {"id": ID, "live_key": ID, "ends_at": EARLIER},
    "officer_spell_live_until_it_ends": {"ends_at": AT, "live_key": "x"},
    "officer_office_live_until_it_ends": ENDED,
    "exporter_status_known": {"status": "asleep"},
    "exporter_user_live_until_it_ends": ENDED,
    "broker_off_is_said": {"active": False, "off_at": AT},
    "broker_grant_some_a_day": {"per_day": 0},
    "broker_grant_live_until_it_ends": ENDED,
    "broker_grant_never_signs": {"rights": "see,sign"},
    "broker_day_filed_counts": {"filed": -1},
    "people_change_state_known": {"state": "asleep", "decided_at": AT},
    "people_change_asked_as_one": {"asked_as": "broker"},
    "people_change_nobody_confirms_alone": {
        "state": "done",
        "decided_at": AT,
        "asked_by": ONE,
        "decided_by": ONE,
        "id": ID,
        "live_key": ID,
    },
    "people_change_over_has_its_time": {"decided_at": AT},
    "people_change_nobody_seconds_themselves": {"asked_by": ONE, "second": ONE},
    "people_change_live_while_it_waits": {"state": "done", "decided_at": AT, "live_key": "stamp:x"},
    "stamp_live_until_it_ends": ENDED,
    "stamp_score": {"quality": 101},
    "stamp_ends_later": {"ended_at": EARLIER, "id": ID, "live_key": ID},
    "appearance_one_owner": {"exporter_user": OTHER},
    "appearance_live_until_it_ends": ENDED,
    "appearance_score": {"quality": -1},
    "appearance_ends_later": {"ended_at": EARLIER, "id": ID, "live_key": ID},
    "picture_draft_bearer_known": {"bearer": "nobody", "office": None},
    "picture_draft_one_bearer": {"officer": OTHER},
    "enrolment_one_signatory": {"agency": None},
    "dsc_presented_one_signatory": {"exporter": OTHER},
    "dsc_presented_state_known": {"state": "asleep"},
    "dsc_presented_over_is_decided": {"state": "refused"},
    "agency_certifies_appendix_known": {"appendix": "2C"},
    "agency_certifies_in_order": {"ends_on": BEFORE},
    "agency_address_kind_known": {"kind": "pigeon"},
    "registration_request_role_known": {"role": "guest", "letter_sha256": ""},
    "registration_request_state_known": {"state": "asleep", "proved_at": AT},
    "registration_request_agency_named": {"agency": None},
    "registration_request_office_named": {"office": OTHER},
    "registration_request_letter_kept": {"letter_sha256": ""},
    "registration_request_proved_first": {"state": "waiting"},
    "registration_request_decided_by_somebody": {"state": "approved", "decided_at": AT},
    "auth_session_stage_known": {"stage": "asleep"},
    "auth_session_whole_is_proved": {"stage": "whole"},
    "mail_ticket_purpose_known": {"purpose": "fun"},
    "api_key_never_signs": {"rights": "see,sign"},
    "api_key_one_owner": {"broker": OTHER},
}

# UNIQUEs over what may be NULL bind only the rows that have all of it.
WITH: Mapping[str, Mapping[str, Any]] = {
    "exporter_user_subject_once": {"subject": "s", "ended_at": AT},
    "appearance_once_of_user": {"officer": None, "agency": None, "exporter": ONE, "exporter_user": ONE, "ended_at": AT},
    "appearance_once": {"ended_at": AT},
    "stamp_once": {"ended_at": AT},
    "platform_user.live_key": {"account": ONE},
    "administrator.live_key": {"account": ONE, "agency": ONE},
    "officer_spell.live_key": {"officer": ONE},
    "officer_office.live_key": {"officer": ONE, "office": ONE},
    "exporter_user.live_key": {"exporter": ONE},
    "broker_grant.live_key": {"broker": ONE, "exporter": ONE},
    "stamp.live_key": {"office": ONE},
    "people_change.live_key": {"agency": ONE},
    "account.registry_key": {"registry_key": "k"},
}
