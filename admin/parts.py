"""What every request of one process shares: the open site, the counters of tries, the seal of its forms.

`create_app` puts them into the application when it starts; pages and API take them from the request.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litestar.connection import ASGIConnection

from admin.csrf import FormSeal
from admin.limits import EVERYBODY, Limits, address_of
from engine.people import KeyUses
from engine.site import Site

if TYPE_CHECKING:
    from engine.people.firms.keeping import Dgft

__all__ = ["Parts", "count_by_address", "count_question", "parts_of", "site_of"]


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


def count_by_address(connection: ASGIConnection[Any, Any, Any, Any], name: str, per_minute: int) -> None:
    """Counts a try of whoever asks from that address. Raises TooMany beyond so many in a minute."""
    parts_of(connection).limits.hit(name, address_of(connection), per_minute)


def count_question(connection: ASGIConnection[Any, Any, Any, Any], name: str, *, times: int = 1) -> None:
    """Counts a question of a stranger about certificates: for their address, which may ask `times` as often as [verify] says, and
    for everybody together. Raises TooMany."""
    parts = parts_of(connection)
    limit = parts.site.config.verify
    # The address first: what it is refused must not use up everybody's.
    parts.limits.hit(name, address_of(connection), limit.per_minute * times)
    parts.limits.hit(name, EVERYBODY, limit.global_per_minute)
