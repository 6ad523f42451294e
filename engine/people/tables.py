"""The rows of people: agencies, offices, officers, exporters, brokers, their keys, stamps and pictures."""

from piccolo.columns import BigInt, Boolean, Date, Integer, Text, Timestamptz
from piccolo.constraints import Check, Unique

from engine.store.rows import CompositeForeignKey, Row, refers, text

__all__ = [
    "Account",
    "Administrator",
    "Agency",
    "ApiKey",
    "Broker",
    "BrokerGrant",
    "BrokerUser",
    "Captcha",
    "Exporter",
    "ExporterUser",
    "Office",
    "Officer",
    "OfficerOffice",
    "PlatformUser",
]

# An office code is 2 to 4 capitals: with three digits a number would be the beginning of a legacy one.
_CAPITALS = " AND ".join(
    ["length(code) BETWEEN 2 AND 4", "code = upper(code)", *[f"replace(code, '{c}', '') = code" for c in "0123456789/-_ ."]]
)


class Agency(Row, tablename="agency"):
    """A body that may issue; delisted ones stay verifiable."""

    code = text(12, unique=True)
    name = text(200)
    appendix = text(10, default="")
    listed_on = Date(null=True, default=None)
    delisted_on = Date(null=True, default=None)


class Office(Row, tablename="office"):
    """A branch of an agency, with a stamp and number series of its own."""

    agency = refers(Agency)
    code = text(4)
    name = text(200)
    city = text(80)
    address = text(400, default="")
    active = Boolean(default=True)

    code_once = Unique([agency, code])
    in_agency = Unique(["agency", "id"])
    code_is_capitals = Check(_CAPITALS)


class Account(Row, tablename="account"):
    """A person who can sign in; names and addresses of persons live here and nowhere else.

    `totp_step` is the last interval whose code was taken, so that no code counts twice; `failed` counts wrong tries in a
    row. `registry_key` is the hash of issuer and subject at the exporters' registry, for persons who sign in there.
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

    failed_counts = Check("failed >= 0")


class PlatformUser(Row, tablename="platform_user"):
    """A person at the platform's desk, who activates administrators and keeps the register of agencies."""

    account = refers(Account)
    live_key = text(36, unique=True)
    made_by = text(80)
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)


class Administrator(Row, tablename="administrator"):
    """Who manages an agency's offices and users; `live_key` is the account's and agency's while it lasts, then the row's own id."""

    agency = refers(Agency)
    account = refers(Account)
    live_key = text(80, unique=True)
    made_by = text(80)
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    in_agency = Unique(["agency", "id"])


class Officer(Row, tablename="officer"):
    """Who decides and signs for an agency."""

    agency = refers(Agency)
    account = refers(Account)
    name = text(120)
    designation = text(120)
    active = Boolean(default=True)

    once = Unique([agency, account])
    in_agency = Unique(["agency", "id"])


class OfficerOffice(Row, tablename="officer_office"):
    """Which offices an officer is mapped to."""

    agency = refers(Agency)
    officer = refers(Officer)
    office = refers(Office)
    mapped_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    same_agency = CompositeForeignKey(["agency", "officer"], "officer", ["agency", "id"])
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    once = Unique([officer, office])


class Exporter(Row, tablename="exporter"):
    """A firm under its Importer-Exporter Code; what the registry says of it is changed only there."""

    iec = text(10, unique=True)
    name = text(200)
    gstin = text(15, default="")
    active = Boolean(default=True)
    synced_at = Timestamptz(null=True, default=None)


class ExporterUser(Row, tablename="exporter_user"):
    """A person acting under an IEC, with the rights see, prepare, submit, pay, sign."""

    exporter = refers(Exporter)
    account = refers(Account)
    rights = text(60)
    active = Boolean(default=True)

    once = Unique([exporter, account])
    of_exporter = Unique(["exporter", "id"])


class Broker(Row, tablename="broker"):
    """A firm that files for exporters."""

    name = text(200)
    active = Boolean(default=True)


class BrokerUser(Row, tablename="broker_user"):
    """A person of a broker's firm, with the rights that the firm gives them; never more than an exporter granted the firm."""

    broker = refers(Broker)
    account = refers(Account)
    rights = text(60)
    active = Boolean(default=True)

    once = Unique([broker, account])


class BrokerGrant(Row, tablename="broker_grant"):
    """What an exporter lets a broker do under its IEC, and until when."""

    broker = refers(Broker)
    exporter = refers(Exporter)
    rights = text(60)
    made_at = Timestamptz()
    until_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)


class ApiKey(Row, tablename="api_key"):
    """A bearer key of the API: shown once, kept as a hash, with rights and an end."""

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
    revoked_at = Timestamptz(null=True, default=None)

    one_owner = Check(
        "(CASE WHEN agency IS NULL THEN 0 ELSE 1 END) + (CASE WHEN exporter IS NULL THEN 0 ELSE 1 END)"
        " + (CASE WHEN broker IS NULL THEN 0 ELSE 1 END) = 1"
    )


class Captcha(Row, tablename="captcha"):
    """A question a person must answer once: the hash of the answer, and its end."""

    answer_sha256 = text(64)
    expires_at = Timestamptz(index=True)
    used_at = Timestamptz(null=True, default=None)
