"""The days of an application, measured from the day of its declaration: what is surely mistyped is refused.

The declaration itself lies between the cut-over date (`application`'s) and today. What is merely strange is `doubts`'.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from engine.application import NON_PREFERENTIAL_FROM, Application
from engine.errors import Problem

__all__ = ["DEPARTURE_WITHIN", "INVOICE_WITHIN", "date_problems"]

# The agreements that set a limit let a certificate follow the shipment by 12 months at most (ECTA, TEPA; IMCECA 9), and no
# voyage is booked longer ahead: goods that leave twice as far from the declaration were dated by a slip.
DEPARTURE_WITHIN = timedelta(days=2 * 366)

# The longest that a scheme has the papers of an export kept is five years (TEPA): no older invoice stands behind goods
# that are declared today.
INVOICE_WITHIN = timedelta(days=5 * 366)

# A declaration of an earlier day is not only too old for this platform: its year is mistyped.
_MISTYPED_BEFORE = NON_PREFERENTIAL_FROM - DEPARTURE_WITHIN


def date_problems(application: Application, today: date) -> Iterator[Problem]:
    """What is wrong with the days of declaration, departure and invoices, on that day in India."""
    declared = application.declaration.dated_on
    if declared > today:
        yield Problem("declaration.dated_on", "not in the future", f"declaration.dated_on is {declared}, and today is {today} in India.")
    # A declaration whose own year is mistyped says nothing about the other days.
    anchor = declared if _MISTYPED_BEFORE <= declared <= today else today
    named = f"the declaration of {declared}" if anchor == declared else f"today, {today}"
    yield from _departure(application.transport.departs_on, anchor, named)
    for box, day in _papers(application):
        if day > today:
            yield Problem(box, "not in the future", f"{box} is {day}, and today is {today} in India.")
        else:
            yield from _paper(box, day, anchor, named)


def _departure(departs: date, anchor: date, named: str) -> Iterable[Problem]:
    if abs(departs - anchor) > DEPARTURE_WITHIN:
        side = "before" if departs < anchor else "after"
        say = f"transport.departs_on is {departs}, more than two years {side} {named}; correct the year that is mistyped."
        yield Problem("transport.departs_on", "departure near the declaration", say)


def _papers(application: Application) -> Iterator[tuple[str, date]]:
    for index, invoice in enumerate(application.invoices):
        yield f"invoices[{index}].dated_on", invoice.dated_on
    if application.third_party is not None and application.third_party.invoice is not None:
        yield "third_party.invoice.dated_on", application.third_party.invoice.dated_on


def _paper(box: str, day: date, anchor: date, named: str) -> Iterable[Problem]:
    if day > anchor:
        yield Problem(box, "not after the declaration", f"{box} is {day}, after {named} that names the invoice.")
    elif anchor - day > INVOICE_WITHIN:
        say = f"{box} is {day}, more than five years before {named}; correct the year that is mistyped."
        yield Problem(box, "invoice near the declaration", say)
