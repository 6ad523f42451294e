"""The rows of agencies beside the agencies themselves: what an administrator vouched for."""

from piccolo.columns import Timestamptz
from piccolo.constraints import Unique

from engine.people.tables import Agency
from engine.store.rows import Row, refers, text

__all__ = ["FormConfirmation"]


class FormConfirmation(Row, tablename="form_confirmation"):
    """A named administrator's word that a form of unconfirmed source is the right one."""

    agency = refers(Agency)
    scheme = text(20)
    form_sha256 = text(64)
    confirmed_by = text(80)
    confirmed_at = Timestamptz()

    once = Unique([agency, scheme, form_sha256])
