"""The list of a person's wallets and of the places for one, searched and a page at a time: a broker files for many firms at any office."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from engine.errors import Refused
from engine.money.ledger import Wallet, WalletOffice, wallet_offices, wallets_at, wallets_of
from engine.people import ExporterHere, exporters_of
from engine.scope import PLATFORM, Scope

__all__ = ["Wanted", "called", "places_to_open", "used_wallets"]

_ON_A_PAGE = 50
_READ_AT_ONCE = 200
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched for, as it was typed; nothing is everything."""

    office: str
    firm: str

    @classmethod
    def of(cls, office: str, firm: str) -> "Wanted":
        """Cut to what a field takes."""
        return cls(office.strip()[:_LONGEST], firm.strip()[:_LONGEST])

    @property
    def anything(self) -> bool:
        """Whether something is searched for."""
        return bool(self.office or self.firm)

    def has_office(self, *said: str) -> bool:
        """Whether each word for the office is in what is said of it."""
        return _has(self.office, said)

    def has_firm(self, *said: str) -> bool:
        """Whether each word for the firm is in what is said of it."""
        return _has(self.firm, said)


def called(agency: str, office: str) -> str:
    """An office as a person finds it among those of all agencies."""
    return f"{agency}, {office}" if agency not in office else office


async def used_wallets(scope: Scope, wanted: Wanted, mark: str) -> tuple[Sequence[Wallet], str]:
    """A page of the wallets that were used, by firm and office, and the mark of the next page, empty at the end. Raises Refused for
    a mark that no page gave."""
    after, behind = _place_of(mark)
    found: list[Wallet] = []
    while len(found) <= _ON_A_PAGE:
        read = await wallets_of(scope, after=after, behind=behind, most=_READ_AT_ONCE if wanted.anything else _ON_A_PAGE + 1)
        found += [each for each in read if wanted.has_office(each.agency, each.office) and wanted.has_firm(each.exporter, each.iec)]
        if not read or not wanted.anything or len(read) < _READ_AT_ONCE:
            break
        after, behind = read[-1].iec, read[-1].office_id
    shown = found[:_ON_A_PAGE]
    return shown, f"{shown[-1].iec}.{shown[-1].office_id.hex}" if len(found) > _ON_A_PAGE else ""


async def places_to_open(scope: Scope, wanted: Wanted, at: int) -> tuple[list[tuple[WalletOffice, ExporterHere]], int]:
    """The page `at` of the offices and firms that may open a wallet together, and how many pages there are; those that have one are
    left out of their page."""
    offices = [each for each in await wallet_offices(PLATFORM) if wanted.has_office(each.agency, each.name, each.city)]
    firms = [each for each in await exporters_of(scope) if wanted.has_firm(each.name, each.iec)] if offices else []
    count = len(offices) * len(firms)
    pages = max(1, -(-count // _ON_A_PAGE))
    first = (min(max(at, 1), pages) - 1) * _ON_A_PAGE
    pairs = [(offices[index // len(firms)], firms[index % len(firms)]) for index in range(first, min(first + _ON_A_PAGE, count))]
    have = await wallets_at(scope, {office.id for office, _ in pairs})
    return [(office, firm) for office, firm in pairs if (office.id, firm.id) not in have], pages


def _has(wanted: str, said: Sequence[str]) -> bool:
    whole = " ".join(said).casefold()
    return all(word in whole for word in wanted.casefold().split())


def _place_of(mark: str) -> tuple[str, UUID | None]:
    iec, _, office = mark.partition(".")
    try:
        if mark and not (len(iec) == 10 and iec.isascii() and iec.isalnum()):
            raise ValueError
        return iec, UUID(office) if mark else None
    except ValueError as error:
        say = "The list cannot be read on from there. Begin at its first page."
        raise Refused(say, box="after", rule="mark of a page") from error
