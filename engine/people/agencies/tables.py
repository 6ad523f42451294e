"""The rows of agencies beside the agencies themselves: what the register says of them, and what was vouched for."""

from enum import StrEnum

from piccolo.columns import Date, Text, Timestamptz
from piccolo.constraints import Check, Unique

from engine.people.tables import Agency, Appendix
from engine.store.rows import Row, one_of, refers, text

__all__ = [
    "AddressKind",
    "Certifies",
    "FormConfirmation",
    "OfficialAddress",
]


class AddressKind(StrEnum):
    """What the register records of an agency's mail: one address, or a domain with all that is below it."""

    ADDRESS = "address"
    DOMAIN = "domain"


class Certifies(Row, tablename="agency_certifies"):
    """What an agency may certify while it is listed under that appendix: one agreement or, with none named, all of the appendix's kind.

    `products` are beginnings of HS codes with a space between, in order; none means all goods. `ends_on` is the first day that it may not.
    """

    agency = refers(Agency)
    appendix = text(2)
    scheme = text(20)
    products = Text(default="")
    starts_on = Date()
    ends_on = Date(null=True, default=None)
    notice = text(120)

    once = Unique(["agency", "appendix", "scheme", "products", "starts_on"])
    appendix_known = one_of("appendix", Appendix)
    in_order = Check("ends_on IS NULL OR ends_on >= starts_on")


class OfficialAddress(Row, tablename="agency_address"):
    """A mail address or domain that is recorded for an agency; `live_key` holds all three while it is, then the row's own id.

    `ended_on` is the first day that it counts no more.
    """

    agency = refers(Agency)
    kind = text(8)
    value = text(254)
    live_key = text(310, unique=True)
    recorded_on = Date()
    ended_on = Date(null=True, default=None)

    kind_known = one_of("kind", AddressKind)


class FormConfirmation(Row, tablename="form_confirmation"):
    """A named administrator's word that a form of unconfirmed source is the right one."""

    agency = refers(Agency)
    scheme = text(20)
    form_sha256 = text(64)
    confirmed_by = text(80)
    confirmed_at = Timestamptz()

    once = Unique([agency, scheme, form_sha256])
