"""The rows of pictures: versions of stamps and of hands, and what a person is still working on."""

from enum import StrEnum

from piccolo.columns import Integer, Timestamptz
from piccolo.constraints import Check, Unique

from engine.people.changes.tables import ChangeRow
from engine.people.tables import Account, Agency, Exporter, ExporterUser, Office, Officer
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = ["Appearance", "BearerKind", "PictureDraft", "Stamp"]

_SCORE = "quality BETWEEN 0 AND 100"


class BearerKind(StrEnum):
    """Whose picture it is: an office's stamp, an officer's hand, the hand of an exporter's user."""

    OFFICE = "office"
    OFFICER = "officer"
    USER = "user"


class Stamp(Row, tablename="stamp"):
    """A version of an office's stamp picture; `live_key` is the office's id while it is used, then the row's own id.

    `made_by` uploaded it; `change` says who confirmed that, where a second person did.
    """

    agency = refers(Agency)
    office = refers(Office)
    version = Integer()
    live_key = text(36, unique=True)
    sha256 = text(64)
    quality = Integer()
    made_by = text(80)
    change = refers(ChangeRow, null=True)
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    once = Unique([office, version])
    live_until_it_ends = Check("live_key = CAST(CASE WHEN ended_at IS NULL THEN office ELSE id END AS TEXT)")
    score = Check(_SCORE)
    ends_later = Check("ended_at IS NULL OR ended_at >= made_at")


class Appearance(Row, tablename="appearance"):
    """A version of the picture of an officer's hand, or of an exporter's user's; `live_key` is theirs as an office's is its stamp's."""

    agency = refers(Agency, null=True)
    officer = refers(Officer, null=True)
    exporter = refers(Exporter, null=True)
    exporter_user = refers(ExporterUser, null=True)
    version = Integer()
    live_key = text(36, unique=True)
    sha256 = text(64)
    quality = Integer()
    made_by = text(80)
    change = refers(ChangeRow, null=True)
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    same_agency = CompositeForeignKey(["agency", "officer"], "officer", ["agency", "id"])
    of_exporter = CompositeForeignKey(["exporter", "exporter_user"], "exporter_user", ["exporter", "id"])
    one_owner = Check(
        "(officer IS NULL) <> (exporter_user IS NULL) AND (officer IS NULL) = (agency IS NULL)"
        " AND (exporter_user IS NULL) = (exporter IS NULL)"
    )
    once = Unique([officer, version])
    live_until_it_ends = Check("live_key = CAST(CASE WHEN ended_at IS NULL THEN COALESCE(officer, exporter_user, id) ELSE id END AS TEXT)")
    once_of_user = Unique([exporter_user, version])
    score = Check(_SCORE)
    ends_later = Check("ended_at IS NULL OR ended_at >= made_at")


class PictureDraft(Row, tablename="picture_draft"):
    """An upload that a person is still working on; the row goes when it is used, dropped or too old, and its files with it.

    `desk` is the person and whose picture it is: one draft each. Without `preview_sha256` nobody has looked at the upload yet;
    without `clean_sha256` it could not be cleaned, and `problem` says why. A crop is in thousandths.
    """

    account = refers(Account)
    bearer = text(10)
    desk = text(100, unique=True)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    officer = refers(Officer, null=True)
    exporter = refers(Exporter, null=True)
    exporter_user = refers(ExporterUser, null=True)
    original_sha256 = text(64)
    preview_sha256 = text(64)
    clean_sha256 = text(64)
    quality = Integer(default=0)
    notes = text(2000)
    problem = text(400)
    threshold = Integer(default=0)
    left = Integer(default=0)
    top = Integer(default=0)
    right = Integer(default=1000)
    bottom = Integer(default=1000)
    rotation = Integer(default=0)
    made_at = Timestamptz()
    expires_at = Timestamptz(index=True)

    bearer_known = one_of("bearer", BearerKind)
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    same_agency = CompositeForeignKey(["agency", "officer"], "officer", ["agency", "id"])
    of_exporter = CompositeForeignKey(["exporter", "exporter_user"], "exporter_user", ["exporter", "id"])
    one_bearer = Check(
        "(office IS NOT NULL) = (bearer = 'office') AND (officer IS NOT NULL) = (bearer = 'officer')"
        " AND (exporter_user IS NOT NULL) = (bearer = 'user')"
        " AND (agency IS NULL) = (bearer = 'user') AND (exporter IS NOT NULL) = (bearer = 'user')"
    )
