"""`judge`: each contradiction is found by itself, and an honest pack has none."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from engine.contracts.form import Form
from engine.contracts.rules import Combined, Criterion, Cumulation, DeMinimis, Method, NoForeignInputs, TariffShift, ValueContent
from engine.registry import load
from engine.templating import RemarkKind, judge

TODAY = date(2026, 11, 21)
STRANGER = Cumulation(type="bilateral", partners=("BR",), rule="r")


@pytest.fixture(scope="module")
def aifta() -> Form:
    return load().form("AIFTA", TODAY)


def wrong(form: Form) -> list[str]:
    return [f"{remark.where}: {remark.say}" for remark in judge(form, TODAY) if remark.kind is RemarkKind.CONTRADICTION]


@pytest.mark.parametrize("form", list(load().forms()), ids=lambda form: f"{form.scheme}-{form.version}")
def test_no_pack_in_the_house_contradicts_itself(form: Form) -> None:
    assert wrong(form) == []


def test_what_is_unset_and_weak_is_said_with_its_file(aifta: Form) -> None:
    remarks = judge(aifta, TODAY)
    unset = [remark.say for remark in remarks if remark.kind is RemarkKind.UNSET]
    weak = [remark.say for remark in remarks if remark.kind is RemarkKind.WEAK]
    assert set(aifta.unconfirmed) | set(aifta.origin.unknown) <= set(unset)
    assert set(aifta.weak) | set(aifta.origin.weak) <= set(weak)


def with_tests(form: Form, **tests: Any) -> Form:
    return replace(form, origin=replace(form.origin, tests={**form.origin.tests, **tests}))


def with_criterion(form: Form, criterion: Criterion) -> Form:
    return replace(form, origin=replace(form.origin, criteria=(*form.origin.criteria, criterion)))


def contradictions() -> dict[str, tuple[Any, str]]:
    """How each contradiction is made out of Form AI, and what must be said of it."""
    low = ValueContent(
        rule="r",
        methods={"a": Method(formula="build_down", min_pct=40), "b": Method(formula="max_nom", max_pct=65)},
    )
    orphan = NoForeignInputs(rule="r")
    abroad = Criterion(code="X", meaning="m", as_printed="p", tests=("country",), destinations=("BR",))
    marked = Criterion(code="X", meaning="m", as_printed="RVC {contents} %", tests=("country",))
    loose = DeMinimis(test="no_foreign_inputs", of="value", pct=1, rule="r")
    return {
        "dates": (lambda f: replace(f, effective_from=date(2027, 1, 1), effective_until=date(2026, 1, 1)), "before effective_from"),
        "boxes": (lambda f: replace(f, boxes=tuple(box for box in f.boxes if box.no != "4")), "no box 4"),
        "wording": (lambda f: replace(f, kinds=("new",)), "does not issue duplicate"),
        "destinations": (lambda f: with_criterion(f, abroad), "BR"),
        "unused test": (lambda f: with_tests(f, orphan=orphan), "tests.orphan"),
        "tolerance": (lambda f: replace(f, origin=replace(f.origin, criteria=f.origin.criteria[1:], de_minimis=(loose,))), "de_minimis[0]"),
        "digits": (lambda f: replace(f, hs_digits=(4, 6)), "compares 6 digits"),
        "limits": (lambda f: with_tests(f, **{_value(f): low}), "40 % and max_nom allows 65 %"),
        "back to back": (lambda f: without_back_to_back(f), "back-to-back is among them"),
        "a country that is none": (lambda f: replace(f, partners=frozenset({"VN", "XX"})), "XX is no country"),
        "India itself": (lambda f: replace(f, partners=frozenset({"VN", "IN"})), "IN is no country"),
        "all and some": (lambda f: replace(f, partners=frozenset({"*", "VN"})), "* stands for every country"),
        "cumulation with a stranger": (lambda f: replace(f, origin=replace(f.origin, cumulation=STRANGER)), "BR"),
        "a heading that no font has": (lambda f: replace(f, heading=("\u092d\u093e\u0930\u0924",)), "U+092D"),
        "a mark that nobody fills": (lambda f: with_criterion(f, marked), "{contents}"),
        "no example": (lambda f: replace(f, example=b""), "there is none"),
        "broken example": (lambda f: replace(f, example=b"{"), "example.json"),
        "example of another": (lambda f: replace(f, example=changed(f, scheme="NP")), "it is NP"),
        "example that is refused": (lambda f: replace(f, example=changed(f, destination="BR")), "does not serve"),
        "example that fails": (lambda f: replace(f, example=of_brazil(f)), "items[0].origin"),
    }


def _value(form: Form) -> str:
    return next(name for name, test in form.origin.tests.items() if isinstance(test, ValueContent))


def without_back_to_back(form: Form) -> Form:
    tests = {name: test for name, test in form.origin.tests.items() if name != form.origin.back_to_back}
    return replace(form, origin=replace(form.origin, tests=tests))


def changed(form: Form, **changes: Any) -> bytes:
    return json.dumps({**json.loads(form.example), **changes}).encode()


def of_brazil(form: Form) -> bytes:
    tree = json.loads(form.example)
    tree["items"][0]["origin"]["country"] = "BR"
    return json.dumps(tree).encode()


@pytest.mark.parametrize("name", list(contradictions()))
def test_a_contradiction_is_named(name: str, aifta: Form) -> None:
    make, words = contradictions()[name]
    found = wrong(make(aifta))
    assert any(words in each for each in found), found


def test_a_test_used_by_a_combined_one_is_used(aifta: Form) -> None:
    both = Combined(rule="r", of=("left", "right"))
    shift = TariffShift(rule="r", level="CTH")
    criterion = Criterion(code="X", meaning="m", as_printed="p", tests=("both",))
    form = with_criterion(with_tests(aifta, both=both, left=shift, right=shift), criterion)
    assert wrong(form) == []
