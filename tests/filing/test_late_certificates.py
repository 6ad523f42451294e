"""Certificates that follow the shipment: the limits of the scheme, at each end and to the day."""

from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest

from engine.application import Application, Kind
from engine.contracts.form import Form, Retrospective
from engine.filing.checks.late import late_doubts, late_problems

LEFT = date(2026, 1, 31)  # a Saturday


def with_kind(application: Application, kind: Kind, *, left: date = LEFT, reasons: str | None = "the invoice was late") -> Application:
    transport = msgspec.structs.replace(application.transport, departs_on=left)
    return msgspec.structs.replace(application, kind=kind, transport=transport, reasons=reasons)


def limited(form: Form, **limits: Any) -> Form:
    return replace(form, retrospective=Retrospective(rule="Rule 21", **limits))


@pytest.mark.parametrize(
    ("months", "last", "after"),
    [(12, date(2027, 1, 31), date(2027, 2, 1)), (1, date(2026, 2, 28), date(2026, 3, 1)), (9, date(2026, 10, 31), date(2026, 11, 1))],
)
def test_the_last_day_is_the_same_day_of_the_month_or_the_months_last(
    months: int, last: date, after: date, application: Application, aifta: Form
) -> None:
    form, asked = limited(aifta, max_months=months), with_kind(application, Kind.RETROSPECTIVE)
    assert list(late_problems(asked, form, last)) == []
    [problem] = late_problems(asked, form, after)
    assert (problem.box, problem.rule) == ("transport.departs_on", "Rule 21")
    assert str(last) in problem.say


def test_a_leap_day_counts(application: Application, aifta: Form) -> None:
    form, asked = limited(aifta, max_months=12), with_kind(application, Kind.RETROSPECTIVE, left=date(2028, 2, 29))
    assert list(late_problems(asked, form, date(2029, 2, 28))) == []
    assert len(list(late_problems(asked, form, date(2029, 3, 1)))) == 1


def test_goods_that_have_not_left_are_not_certified_retrospectively(application: Application, aifta: Form) -> None:
    asked = with_kind(application, Kind.RETROSPECTIVE)
    assert [problem.box for problem in late_problems(asked, aifta, LEFT)] == ["kind"]
    assert list(late_problems(asked, aifta, date(2026, 2, 1))) == []


def test_the_reasons_are_asked_for_where_the_scheme_knows_the_kind(application: Application, aifta: Form) -> None:
    asked = with_kind(application, Kind.RETROSPECTIVE, reasons=None)
    assert [problem.box for problem in late_problems(asked, limited(aifta, max_months=12), date(2026, 2, 10))] == ["reasons"]


@pytest.mark.parametrize(("today", "late"), [(date(2026, 2, 6), False), (date(2026, 2, 8), False), (date(2026, 2, 9), True)])
def test_five_working_days_leave_out_the_week_ends(today: date, late: bool, application: Application, aifta: Form) -> None:
    form = limited(aifta, after_days=5, working_days=True)
    assert bool(list(late_doubts(with_kind(application, Kind.NEW), form, today))) is late


@pytest.mark.parametrize(("today", "late"), [(date(2026, 2, 3), False), (date(2026, 2, 4), True)])
def test_other_days_are_counted_as_they_come(today: date, late: bool, application: Application, aifta: Form) -> None:
    doubts = list(late_doubts(with_kind(application, Kind.NEW), limited(aifta, after_days=3), today))
    assert bool(doubts) is late


@pytest.mark.parametrize("kind", [Kind.NEW, Kind.IN_LIEU, Kind.DUPLICATE])
def test_no_other_kind_is_refused_for_being_late(kind: Kind, application: Application, aifta: Form) -> None:
    assert list(late_problems(with_kind(application, kind), limited(aifta, max_months=1), date(2026, 11, 21))) == []


def test_a_scheme_without_limits_asks_nothing(application: Application, aifta: Form) -> None:
    free = replace(aifta, retrospective=None)
    assert list(late_doubts(with_kind(application, Kind.NEW), free, date(2026, 11, 21))) == []
    assert list(late_problems(with_kind(application, Kind.RETROSPECTIVE, reasons=None), free, date(2026, 11, 21))) == []
