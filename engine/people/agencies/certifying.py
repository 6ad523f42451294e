"""What an agency may certify, as the register records it: agreements, and of each all goods or those of some HS chapters."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from engine.people.agencies.tables import Certifies
from engine.people.listing import in_force
from engine.people.tables import AgencyListing, Appendix

__all__ = ["Competence", "may_certify"]

_KINDS: Mapping[str, frozenset[bool]] = {
    Appendix.PREFERENTIAL: frozenset({True}),
    Appendix.NON_PREFERENTIAL: frozenset({False}),
    Appendix.REGIONAL_AUTHORITY: frozenset({True, False}),
}


@dataclass(frozen=True, slots=True)
class Competence:
    """Whether an agency may certify under the agreement at all, and which of the HS codes asked about lie outside."""

    agreement: bool
    outside: tuple[str, ...] = ()


async def may_certify(agency_id: UUID, scheme: str, hs: Iterable[str], on: date, *, preferential: bool | None = None) -> Competence:
    """Whether the agency may certify goods of these HS codes under the agreement on that day.

    An agency of which the register says nothing at all here may certify everything: many notices list an agency and name no
    agreement. Once it has any entry, also one that ended, only what an entry in force names is its to certify, and that only
    while the agency is listed under the entry's appendix. An entry without an agreement stands for all of its appendix's
    kind; `preferential` says of which kind this agreement is, and None that nobody knows yet, so that either will do.
    """
    entries = await Certifies.select().where(Certifies.agency == agency_id)
    if not entries:
        return Competence(agreement=True)
    listings = AgencyListing.select(AgencyListing.appendix).where(AgencyListing.agency == agency_id, in_force(AgencyListing, on))
    appendices = {row["appendix"] for row in await listings}
    good = [entry for entry in entries if entry["appendix"] in appendices and _speaks(entry, scheme, preferential, on)]
    prefixes = [tuple(entry["products"].split()) or ("",) for entry in good]
    outside = tuple(code for code in hs if not any(code.startswith(each) for each in prefixes))
    return Competence(bool(good), outside if good else ())


def _speaks(entry: Mapping[str, Any], scheme: str, preferential: bool | None, on: date) -> bool:
    """Whether the entry is in force on that day and is about the agreement."""
    if entry["starts_on"] > on or (entry["ends_on"] is not None and entry["ends_on"] <= on):
        return False
    if entry["scheme"]:
        return bool(entry["scheme"] == scheme)
    return preferential is None or preferential in _KINDS[entry["appendix"]]
