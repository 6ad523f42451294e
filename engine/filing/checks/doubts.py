"""What may be right and deserves the officer's eye: words of mixed alphabets, and dates and places that rarely go together.

Nothing here stops an application; what surely is wrong is `check`'s. That a consignment may be certified already, only rows
can say: that is `engine.filing.consignments`'s.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from engine.application import Application, Kind
from engine.errors import Problem
from engine.filing.checks.dates import DEPARTURE_WITHIN, INVOICE_WITHIN
from engine.filing.places import locode_country
from engine.filing.reading import to_tree
from engine.filing.reading.text import shown

__all__ = ["warnings"]

_YEAR = timedelta(days=366)
_WORD = re.compile(r"[^\W\d_]+")
_ALPHABETS = frozenset({"LATIN", "GREEK", "CYRILLIC"})
# Letters that serve as signs of measure among Latin ones, and look like no Latin letter.
_SIGNS = frozenset("\u03bc\u00b5\u03a9\u2126\u03c0\u03c6\u00d8")
# Cyrillic and Greek letters whose shape is a Latin letter's: a word of these alone reads as a Latin word.
_LOOKALIKES = frozenset(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0405\u0406\u0408\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd"
)


def warnings(application: Application) -> list[Problem]:
    """What an officer should look at twice; the rules are words, not laws. Pure; the day plays no part."""
    return [*_texts(application), *_places(application), *_dates(application)]


def _texts(application: Application) -> Iterable[Problem]:
    for box, text in _strings(to_tree(application), ""):
        for word in _WORD.findall(text):
            alphabets = _alphabets(word)
            if len(alphabets) > 1:
                say = f"{box}: the word {shown(word)} mixes {' and '.join(sorted(alphabets)).title()} letters; one may stand for another."
                yield Problem(box, "one alphabet per word", say)
            elif alphabets and "LATIN" not in alphabets and len(word) > 1 and set(word) <= _LOOKALIKES:
                say = f"{box}: the word {shown(word)} reads as Latin, but all its letters are {next(iter(alphabets)).title()}."
                yield Problem(box, "letters that look Latin", say)


def _alphabets(word: str) -> set[str]:
    names = {unicodedata.name(char, "").split(" ")[0] for char in word if char not in _SIGNS}
    return names & _ALPHABETS


def _strings(node: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _strings(value, f"{path}.{key}" if path else key)
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            yield from _strings(value, f"{path}[{index}]")


def _places(application: Application) -> Iterable[Problem]:
    destination = application.destination
    if application.consignee.country not in (destination, "IN"):
        say = f"The consignee is in {application.consignee.country}, but the goods go to {destination}."
        yield Problem("consignee.country", "consignee at the destination", say)
    if application.third_party is not None and application.third_party.country == destination:
        say = f"The invoicing firm is in {destination}, where the goods go; third_party is a firm of a third country."
        yield Problem("third_party.country", "third country", say)
    port = application.transport.port_of_discharge
    if locode_country(port) != destination:
        say = f"The goods are discharged at {port}, outside {destination}; the route should say how they go on."
        yield Problem("transport.port_of_discharge", "discharge at the destination", say)


def _dates(application: Application) -> Iterable[Problem]:
    """Days that are strange and no more; beyond these bounds `dates` refuses them."""
    declared, departs = application.declaration.dated_on, application.transport.departs_on
    if abs(departs - declared) <= DEPARTURE_WITHIN:
        yield from _departure(application.kind, declared, departs)
    for index, invoice in enumerate(application.invoices):
        if _YEAR < declared - invoice.dated_on <= INVOICE_WITHIN:
            say = f"The invoice {shown(invoice.number)} of {invoice.dated_on} is more than a year older than the declaration."
            yield Problem(f"invoices[{index}].dated_on", "recent invoice", say)


def _departure(kind: Kind, declared: date, departs: date) -> Iterable[Problem]:
    if departs < declared and kind is Kind.NEW:
        say = f"The goods left on {departs}, before the declaration of {declared}; the agreement may want a retrospective certificate."
        yield Problem("transport.departs_on", "departure after the declaration", say)
    if abs(departs - declared) > _YEAR:
        say = f"The departure on {departs} and the declaration on {declared} lie more than a year apart; one may be mistyped."
        yield Problem("transport.departs_on", "departure near the declaration", say)
