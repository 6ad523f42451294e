"""The rows of pictures: versions of stamps and of hands."""

from piccolo.columns import Integer, Timestamptz
from piccolo.constraints import Unique

from engine.people.tables import Agency, Office, Officer
from engine.store.rows import CompositeForeignKey, Row, refers, text

__all__ = ["Appearance", "Stamp"]


class Stamp(Row, tablename="stamp"):
    """A version of an office's stamp picture; the newest that is not ended is used."""

    agency = refers(Agency)
    office = refers(Office)
    version = Integer()
    sha256 = text(64)
    quality = Integer()
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    once = Unique([office, version])


class Appearance(Row, tablename="appearance"):
    """A version of the picture of an officer's hand."""

    agency = refers(Agency)
    officer = refers(Officer)
    version = Integer()
    sha256 = text(64)
    quality = Integer()
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    same_agency = CompositeForeignKey(["agency", "officer"], "officer", ["agency", "id"])
    once = Unique([officer, version])
