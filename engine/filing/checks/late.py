"""When a certificate follows the shipment: what the agreement's limits refuse, and what an officer should look at.

Limits are the form's `[retrospective]`; a scheme that gives none is asked nothing. Working days leave out Saturdays and Sundays; public
holidays are not known here, so that limit is never more than a doubt.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from engine.application import Application, Kind
from engine.contracts.form import Form
from engine.errors import Problem

__all__ = ["late_doubts", "late_problems"]

_SATURDAY = 5


def late_problems(application: Application, form: Form, today: date) -> Iterator[Problem]:
    """What refuses a certificate that is issued today, for goods that leave or left on the day of the application."""
    if application.kind is not Kind.RETROSPECTIVE:
        return
    left = application.transport.departs_on
    if left >= today:
        say = f"kind is retrospective, but the goods leave on {left} and today is {today} in India; ask for a new one."
        yield Problem("kind", "retrospective after the goods left", say)
    limits = form.retrospective
    if limits is None:
        return
    if limits.max_months is not None and today > (last := _months_after(left, limits.max_months)):
        say = f"The goods left on {left}; {form.scheme} issues until {last}, {limits.max_months} months after that, and today is {today}."
        yield Problem("transport.departs_on", limits.rule or "latest day of a retrospective certificate", say)
    if not application.reasons:
        say = "reasons is missing; it says why the certificate was not asked for in time, and the issuing agency records it."
        yield Problem("reasons", "reasons of a retrospective certificate", say)


def late_doubts(application: Application, form: Form, today: date) -> Iterator[Problem]:
    """A new certificate so long after the shipment that the agreement calls it retrospective."""
    limits = form.retrospective
    if application.kind is not Kind.NEW or limits is None or limits.after_days is None:
        return
    left = application.transport.departs_on
    days = _working_days(left, today) if limits.working_days else (today - left).days
    if days > limits.after_days:
        kind = "working days" if limits.working_days else "days"
        ask = "ask for a retrospective one" if Kind.RETROSPECTIVE.value in form.kinds else "its form has no retrospective certificate"
        say = f"The goods left on {left}, {days} {kind} ago; {form.scheme} counts more than {limits.after_days} as late: {ask}."
        yield Problem("kind", limits.rule or "issued in time", say)


def _working_days(first: date, last: date) -> int:
    """The days after the first up to the last that are neither Saturday nor Sunday; 0 if the last is not later."""
    return sum((first + timedelta(days=n)).weekday() < _SATURDAY for n in range(1, (last - first).days + 1))


def _months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last one of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise ValueError(f"{day} has no day {months} months later")
