"""What an agency may certify, as the register records it: agreements, and of each all goods or those of some HS chapters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from engine.people.agencies.tables import Certifies
from engine.people.tables import Appendix

__all__ = ["Competence", "Recorded", "may_certify", "recorded"]

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


_RECORDED = """
    SELECT c.scheme, c.products, c.appendix, c.starts_on, c.ends_on, EXISTS (
        SELECT 1 FROM agency_listing l WHERE l.agency = c.agency AND l.appendix = c.appendix
            AND l.starts_on <= {} AND (l.ends_on IS NULL OR l.ends_on > {})) AS listed
    FROM agency_certifies c WHERE c.agency = {}
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the register records on a day that an agency may certify; asked once, it answers for every agreement.

    An agency of which the register says nothing at all here may certify everything: many notices list an agency and name no
    agreement. Once it has any entry, also one that ended, only what an entry in force names is its to certify, and that only
    while the agency is listed under the entry's appendix.
    """

    on: date
    entries: Sequence[Mapping[str, Any]]

    def of(self, scheme: str, hs: Iterable[str] = (), *, preferential: bool | None = None) -> Competence:
        """Whether goods of these HS codes may be certified under the agreement.

        An entry without an agreement stands for all of its appendix's kind; `preferential` says of which kind this agreement is,
        and None that nobody knows yet, so that either will do.
        """
        if not self.entries:
            return Competence(agreement=True)
        good = [entry for entry in self.entries if entry["listed"] and _speaks(entry, scheme, preferential, self.on)]
        prefixes = [tuple(entry["products"].split()) or ("",) for entry in good]
        outside = tuple(code for code in hs if not any(code.startswith(each) for each in prefixes))
        return Competence(bool(good), outside if good else ())


async def recorded(agency_id: UUID, on: date) -> Recorded:
    """What the register records of the agency on that day, in one query."""
    return Recorded(on, await Certifies.raw(_RECORDED, on, on, agency_id))


async def may_certify(agency_id: UUID, scheme: str, hs: Iterable[str], on: date, *, preferential: bool | None = None) -> Competence:
    """Whether the agency may certify goods of these HS codes under the agreement on that day, as `Recorded` says it."""
    return (await recorded(agency_id, on)).of(scheme, hs, preferential=preferential)


def _speaks(entry: Mapping[str, Any], scheme: str, preferential: bool | None, on: date) -> bool:
    """Whether the entry is in force on that day and is about the agreement."""
    if entry["starts_on"] > on or (entry["ends_on"] is not None and entry["ends_on"] <= on):
        return False
    if entry["scheme"]:
        return bool(entry["scheme"] == scheme)
    return preferential is None or preferential in _KINDS[entry["appendix"]]
