"""The rows of people: agencies, offices, officers, exporters, brokers, their keys, stamps and pictures."""

from enum import StrEnum

from piccolo.columns import BigInt, Boolean, Date, Integer, Text, Timestamptz
from piccolo.constraints import Check, Unique

from engine.people.standing import Status
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = [
    "Account",
    "Administrator",
    "Agency",
    "AgencyListing",
    "ApiKey",
    "Appendix",
    "Broker",
    "BrokerGrant",
    "BrokerUser",
    "Captcha",
    "Exporter",
    "ExporterBranch",
    "ExporterUser",
    "Holiday",
    "Office",
    "Officer",
    "OfficerOffice",
    "OfficerSpell",
    "PlatformUser",
]

# An office code is 2 to 4 capitals: with three digits a number would be the beginning of a legacy one.
_CAPITALS = " AND ".join(
    ["length(code) BETWEEN 2 AND 4", "code = upper(code)", *[f"replace(code, '{c}', '') = code" for c in "0123456789/-_ ."]]
)
# What the desk closed says since when and why, and nothing else does.
_OFF_IS_SAID = "(active AND off_at IS NULL) OR (NOT active AND off_at IS NOT NULL AND length(off_why) > 0)"


class Appendix(StrEnum):
    """Under what a body may issue: the two appendices to the Foreign Trade Policy, or as a Regional Authority of DGFT.

    2B lists the agencies of preferential certificates, 2E those of non-preferential ones; a Regional Authority issues both.
    """

    PREFERENTIAL = "2B"
    NON_PREFERENTIAL = "2E"
    REGIONAL_AUTHORITY = "RA"


class Agency(Row, tablename="agency"):
    """A body that may issue while a listing of it is in force; delisted ones stay verifiable."""

    code = text(12, unique=True)
    name = text(200)


class AgencyListing(Row, tablename="agency_listing"):
    """That an agency is listed, under what, by which notice, and for how long: `ends_on` is the first day that it is not."""

    agency = refers(Agency)
    appendix = text(2)
    starts_on = Date()
    ends_on = Date(null=True, default=None)
    notice = text(120)
    reason = text(400)

    once = Unique(["agency", "appendix", "starts_on"])
    appendix_known = one_of("appendix", Appendix)
    in_order = Check("ends_on IS NULL OR ends_on >= starts_on")


class Office(Row, tablename="office"):
    """A branch of an agency, with a stamp and number series of its own.

    `state` is the GST code of its state, `working_days` the ISO numbers of the days (1 is Monday). The code
    stands in certificate numbers, in filed applications and in what is approved, so it never changes.
    """

    agency = refers(Agency)
    code = text(4)
    name = text(200)
    city = text(80)
    address = text(400, default="")
    pin = text(6)
    state = text(2)
    gstin = text(15)
    wallet = Boolean(default=False)
    working_days = text(7, default="12345")
    active = Boolean(default=True)

    code_once = Unique([agency, code])
    in_agency = Unique(["agency", "id"])
    code_is_capitals = Check(_CAPITALS)


class Holiday(Row, tablename="office_holiday"):
    """A day on which an office is closed although its weekday is a working day."""

    agency = refers(Agency)
    office = refers(Office)
    closed_on = Date()
    name = text(120)

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    once = Unique([office, closed_on])


class Account(Row, tablename="account"):
    """A person who can sign in, under their mail address and the name that they are greeted by.

    An officer's name on certificates, a firm's users as the registry or the broker lists them, and who asks to be registered
    stand in rows of their own, in this room and in no other.

    `totp_step` is the last interval whose code was taken, so that no code counts twice; `failed` counts wrong tries in a
    row. `registry_key` is the hash of issuer and subject at the exporters' registry, for persons who sign in there. An
    account that the desk closed is not active: `off_at` says since when, and `off_why` why.
    """

    email = text(254, unique=True)
    name = text(120)
    password_hash = text(300, default="")
    totp_sealed = Text(default="")
    totp_set_at = Timestamptz(null=True, default=None)
    totp_step = BigInt(default=0)
    failed = Integer(default=0)
    locked_until = Timestamptz(null=True, default=None)
    registry_key = text(64, null=True, unique=True)
    email_proved_at = Timestamptz(null=True, default=None)
    active = Boolean(default=True)
    made_at = Timestamptz()
    off_at = Timestamptz(null=True, default=None)
    off_why = text(400)

    failed_counts = Check("failed >= 0")
    off_is_said = Check(_OFF_IS_SAID)


class PlatformUser(Row, tablename="platform_user"):
    """A person at the platform's desk, who activates administrators and keeps the register of agencies."""

    account = refers(Account)
    live_key = text(36, unique=True)
    made_by = text(80)
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    live_until_it_ends = Check("live_key = CAST(CASE WHEN ended_at IS NULL THEN account ELSE id END AS TEXT)")


class Administrator(Row, tablename="administrator"):
    """Who manages an agency's offices and users; `live_key` is the account's and agency's while it lasts, then the row's own id."""

    agency = refers(Agency)
    account = refers(Account)
    live_key = text(80, unique=True)
    made_by = text(80)
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    in_agency = Unique(["agency", "id"])
    live_until_it_ends = Check(
        "live_key = CASE WHEN ended_at IS NULL THEN CAST(account AS TEXT) || ':' || CAST(agency AS TEXT) ELSE CAST(id AS TEXT) END"
    )


class Officer(Row, tablename="officer"):
    """Who decides and signs for an agency, as they are now; `OfficerSpell` says what they were before."""

    agency = refers(Agency)
    account = refers(Account)
    name = text(120)
    designation = text(120)
    active = Boolean(default=True)

    once = Unique([agency, account])
    in_agency = Unique(["agency", "id"])


class OfficerSpell(Row, tablename="officer_spell"):
    """What an officer was for a while: their designation, and whether they were active; `why` they are not.

    `live_key` is the officer's id while it lasts, then the row's own id.
    """

    agency = refers(Agency)
    officer = refers(Officer)
    designation = text(120)
    active = Boolean(default=True)
    starts_at = Timestamptz()
    ends_at = Timestamptz(null=True, default=None)
    why = text(200)
    live_key = text(36, unique=True)

    same_agency = CompositeForeignKey(["agency", "officer"], "officer", ["agency", "id"])
    in_order = Check("ends_at IS NULL OR ends_at >= starts_at")
    live_until_it_ends = Check("live_key = CAST(CASE WHEN ends_at IS NULL THEN officer ELSE id END AS TEXT)")


class OfficerOffice(Row, tablename="officer_office"):
    """Which offices an officer is or was mapped to; `live_key` is the officer's and office's while it lasts, then the row's own id."""

    agency = refers(Agency)
    officer = refers(Officer)
    office = refers(Office)
    live_key = text(80, unique=True)
    mapped_at = Timestamptz()
    mapped_by = text(80, default="")
    ended_at = Timestamptz(null=True, default=None)
    ended_by = text(80, default="")

    live_until_it_ends = Check(
        "live_key = CASE WHEN ended_at IS NULL THEN CAST(officer AS TEXT) || ':' || CAST(office AS TEXT) ELSE CAST(id AS TEXT) END"
    )
    same_agency = CompositeForeignKey(["agency", "officer"], "officer", ["agency", "id"])
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])


class Exporter(Row, tablename="exporter"):
    """A firm under its Importer-Exporter Code; what the registry says of it is changed only there.

    `synced_at` is when the registry was asked for what stands here; `sync_due_at` when it is to be asked again.
    """

    iec = text(10, unique=True)
    name = text(200)
    address = text(400, default="")
    gstin = text(15, default="")
    status = text(12, default=Status.ACTIVE)
    modify_url = text(500, default="")
    synced_at = Timestamptz(null=True, default=None)
    sync_due_at = Timestamptz(index=True)

    status_known = one_of("status", Status)


class ExporterBranch(Row, tablename="exporter_branch"):
    """A branch of a firm as the registry has it; ended where it is there no longer."""

    exporter = refers(Exporter)
    code = text(20)
    address = text(400, default="")
    gstin = text(15, default="")
    ended_at = Timestamptz(null=True, default=None)

    once = Unique([exporter, code])


class ExporterUser(Row, tablename="exporter_user"):
    """A person acting under an IEC, with the rights see, prepare, submit, pay, sign.

    Without an account they are listed at the registry and never signed in here. A row never changes its person: where the
    registry names another one, it ends. `live_key` is the exporter's and account's while it lasts, else the row's own id.
    """

    exporter = refers(Exporter)
    account = refers(Account, null=True)
    subject = text(255, null=True)
    email = text(254, default="")
    name = text(120, default="")
    rights = text(60)
    live_key = text(80, unique=True)
    ended_at = Timestamptz(null=True, default=None)

    subject_once = Unique([exporter, subject])
    of_exporter = Unique(["exporter", "id"])
    live_until_it_ends = Check(
        "live_key = CASE WHEN ended_at IS NULL AND account IS NOT NULL"
        " THEN CAST(exporter AS TEXT) || ':' || CAST(account AS TEXT) ELSE CAST(id AS TEXT) END"
    )


class Broker(Row, tablename="broker"):
    """A firm that files for exporters. `code` is what the firm tells an exporter, who grants rights to it by that code.

    A firm that the desk closed is not active: `off_at` says since when, and `off_why` why.
    """

    code = text(8, unique=True)
    name = text(200)
    licence = text(40, default="")
    licence_key = text(40, unique=True)
    email = text(254, default="")
    active = Boolean(default=True)
    made_by = text(80, default="")
    made_at = Timestamptz()
    off_at = Timestamptz(null=True, default=None)
    off_why = text(400)

    off_is_said = Check(_OFF_IS_SAID)


class BrokerUser(Row, tablename="broker_user"):
    """A person of a broker's firm, with the rights that the firm gives them; never more than an exporter granted the firm."""

    broker = refers(Broker)
    account = refers(Account)
    name = text(120, default="")  # as the firm wrote it: whoever adds a person learns nothing of an account that is here
    rights = text(60)
    made_by = text(80, default="")
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    once = Unique([broker, account])


class BrokerGrant(Row, tablename="broker_grant"):
    """What an exporter lets a broker do under its IEC, how often in a day, and until when.

    `live_key` is the broker's and exporter's while it lasts, then the row's own id: one grant lasts at a time.
    """

    broker = refers(Broker)
    exporter = refers(Exporter)
    rights = text(60)
    per_day = Integer(null=True, default=None)
    live_key = text(80, unique=True)
    made_by = text(80, default="")
    made_at = Timestamptz()
    until_at = Timestamptz(null=True, default=None)
    ended_by = text(80, default="")
    ended_at = Timestamptz(null=True, default=None)

    between = Unique(["broker", "exporter", "id"])
    some_a_day = Check("per_day IS NULL OR per_day > 0")
    live_until_it_ends = Check(
        "live_key = CASE WHEN ended_at IS NULL THEN CAST(broker AS TEXT) || ':' || CAST(exporter AS TEXT) ELSE CAST(id AS TEXT) END"
    )
    never_signs = Check("rights NOT LIKE '%sign%'")


class ApiKey(Row, tablename="api_key"):
    """A bearer key of the API: shown once, kept as a hash, with rights and an end. `used_on` is written once a day at most."""

    name = text(80)
    prefix = text(12)
    key_sha256 = text(64, unique=True)
    rights = text(120)
    agency = refers(Agency, null=True)
    exporter = refers(Exporter, null=True)
    broker = refers(Broker, null=True)
    made_by = text(80)
    made_at = Timestamptz()
    expires_at = Timestamptz()
    used_on = Date(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)
    revoked_by = text(80, default="")

    never_signs = Check("replace(rights, 'sign', '') = rights")
    one_owner = Check(
        "(CASE WHEN agency IS NULL THEN 0 ELSE 1 END) + (CASE WHEN exporter IS NULL THEN 0 ELSE 1 END)"
        " + (CASE WHEN broker IS NULL THEN 0 ELSE 1 END) = 1"
    )


class Captcha(Row, tablename="captcha"):
    """A question a person must answer once: the hash of the answer, and its end."""

    answer_sha256 = text(64)
    expires_at = Timestamptz(index=True)
    used_at = Timestamptz(null=True, default=None)
