"""The rows of fees: what a certificate costs, where, for what, and from which day."""

from enum import StrEnum

from piccolo.columns import BigInt, Date, Integer, Timestamptz
from piccolo.constraints import Check

from engine.application import Kind
from engine.people.tables import Agency, Office
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = ["FeeRow", "Rounding"]


class Rounding(StrEnum):
    """To what each part of the tax is rounded, halves up: to the paisa, or to the whole rupee (CGST Act, section 170)."""

    PAISA = "paisa"
    RUPEE = "rupee"


class FeeRow(Row, tablename="fee"):
    """What a certificate costs from a day on. Without an office it holds at all of them; an empty scheme or kind means every one.

    `ends_on` is the first day that it holds no more. `start_key` is what it is for, and its first day, until it is withdrawn
    before that day; `open_key` what it is for, while it has no end: each is the row's own id afterwards. A row that was in
    force never changes but for its end.
    """

    agency = refers(Agency)
    office = refers(Office, null=True)
    scheme = text(20)
    kind = text(16)
    start_key = text(140, unique=True)
    open_key = text(140, unique=True)
    amount_paise = BigInt()
    gst_rate_bp = Integer()
    sac = text(8)
    rounding = text(6)
    starts_on = Date()
    ends_on = Date(null=True, default=None)
    made_by = text(80)
    made_at = Timestamptz()
    ended_by = text(80)
    withdrawn_at = Timestamptz(null=True, default=None)

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    not_negative = Check("amount_paise >= 0")
    rate_possible = Check("gst_rate_bp BETWEEN 0 AND 10000")
    rate_has_its_code = Check("gst_rate_bp = 0 OR length(sac) BETWEEN 4 AND 8")
    rounding_known = one_of("rounding", Rounding)
    kind_known = Check(f"kind IN ('', {', '.join(repr(str(kind)) for kind in Kind)})")
    ends_later = Check("ends_on IS NULL OR ends_on > starts_on")
    open_until_it_ends = Check("ends_on IS NULL OR length(open_key) = 36")
    withdrawn_is_no_start = Check("withdrawn_at IS NULL OR (length(start_key) = 36 AND length(open_key) = 36)")
