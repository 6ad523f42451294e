"""An application drawn on a form without a site: with an office, an officer and a number that nobody has."""

from datetime import date
from uuid import UUID

from engine.application import Application, IssuerKind
from engine.contracts.drawing import DrawRequest
from engine.contracts.form import Filled, Form
from engine.contracts.signing import Signatory, X509Chain
from engine.filing import fill, find_origin
from engine.issuing.frozen import Frozen, freeze
from engine.people import Enrolled, OfficeHere, OfficerHere

__all__ = ["NUMBER", "sample_frozen", "sample_request"]

NUMBER = "EIA/2026/MUM/0000000X"
_CODE = "A" + "A234567BCDEFGHIJKLMNOPQRST"
_URL = "http://127.0.0.1:8000"
_NOBODY = UUID(int=0)
_OFFICE = OfficeHere(_NOBODY, "MUM", "Regional Office", "Mumbai", _NOBODY, "EIA", "An Issuing Agency", None, 0)
_OFFICER = OfficerHere(_NOBODY, _NOBODY, _NOBODY, "An Officer", "Assistant Director", "officer@agency.example", True, None, 0)


def sample_request(form: Form, application: Application, on: date, *, leaf: str | None = None, filled: Filled | None = None) -> DrawRequest:
    """What to draw: the application as approved on that day, or with other words in its boxes; `leaf` names a printable leaf."""
    frozen = sample_frozen(form, application, on, filled=filled)
    return frozen.request(form, number=NUMBER, code=_CODE, public_url=_URL, on=on, stamp=None, appearance=None, leaf=leaf)


def sample_frozen(form: Form, application: Application, on: date, *, filled: Filled | None = None) -> Frozen:
    """The application as it would be frozen at its approval on that day."""
    finding = find_origin(application, form)
    by_agency = application.issuer_kind is IssuerKind.AGENCY
    enrolled = Enrolled(_NOBODY, "sample", Signatory("0", application.declaration.name, "0"), X509Chain(b"sample"), live=True)
    return freeze(
        application,
        version=1,
        form=form,
        finding=finding,
        filled=filled or fill(application, form, finding),
        office=_OFFICE if by_agency else None,
        officer=_OFFICER if by_agency else None,
        enrolled=enrolled,
        demo=True,
        replaced_on=on,
    )
