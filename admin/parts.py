"""What every request of one process shares: the open site, the counters of tries, the seal of its forms.

`create_app` puts them into the application when it starts; pages and API take them from the request.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litestar.connection import ASGIConnection

from admin.csrf import FormSeal
from admin.limits import Limits
from engine.people import KeyUses
from engine.site import Site

if TYPE_CHECKING:
    from engine.people.firms.keeping import Dgft

__all__ = ["Parts", "parts_of", "site_of"]


@dataclass(frozen=True, slots=True)
class Parts:
    """The open parts of one process."""

    site: Site
    limits: Limits
    seal: FormSeal
    uses: KeyUses
    dgft: "Dgft | None" = None


def parts_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Parts:
    """The parts that this request works with."""
    parts: Parts = connection.app.state["parts"]
    return parts


def site_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Site:
    """The site that this request is for."""
    return parts_of(connection).site
