"""What of a pack is unset, weak or contradicts itself, each with its key and what mends it. Reads the form; draws nothing.

Unset and weak facts are honest: they wait for a source, or for an administrator who confirms them. A contradiction is a mistake.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from engine.application import Application, Kind
from engine.contracts.form import Form
from engine.contracts.origin import Outcome
from engine.contracts.rules import Combined, Method, NoForeignInputs, ProductRuleTest, TariffShift, ValueContent, percent
from engine.errors import Refused
from engine.filing import check, find_origin, read
from engine.filing.places import is_country
from engine.templating.previewing import day_of

__all__ = ["Remark", "RemarkKind", "judge"]

# How many digits of the goods' HS code a change of classification compares.
_DIGITS = {"CC": 2, "CTH": 4, "CTSH": 6}
_MARK = re.compile(r"\{[^}]*\}?")
_NUMBER = re.compile(r"[0-9]+\Z")


class RemarkKind(StrEnum):
    """What a remark is about: nobody could source it, it rests on a weaker source, or it cannot be true."""

    UNSET = "unset"
    WEAK = "weak"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark on a pack: where, and what is the matter with it."""

    kind: RemarkKind
    where: str
    say: str


def judge(form: Form, today: date) -> list[Remark]:
    """Everything to know about a form version before it is used, contradictions first."""
    return [*_contradictions(form, today), *_unset(form), *_weak(form)]


def _unset(form: Form) -> Iterator[Remark]:
    for say in form.unconfirmed:
        yield Remark(RemarkKind.UNSET, "form.toml", say)
    for kind in (Kind.DUPLICATE, Kind.RETROSPECTIVE):
        key = kind.value.replace("-", "_")
        if kind.value in form.kinds and f"endorsement_{key}" not in form.wording and f"tick_{key}" not in form.wording:
            yield Remark(
                RemarkKind.UNSET, "form.toml, wording", f"endorsement_{key}: a {kind.value} certificate says nowhere that it is one"
            )
    for say in form.origin.unknown:
        yield Remark(RemarkKind.UNSET, "origin.toml", say)
    for name, test in form.origin.tests.items():
        if test.unset:
            yield Remark(RemarkKind.UNSET, f"origin.toml, tests.{name}", test.unset)
    for number, rule in enumerate(form.origin.de_minimis):
        if rule.unset:
            yield Remark(RemarkKind.UNSET, f"origin.toml, de_minimis[{number}]", rule.unset)
    if _needs_products(form) and not form.origin.products:
        say = "no product specific rules are loaded, so such a claim is never decided; put products.csv beside it, or name files in [origin] products of engine.toml"
        yield Remark(RemarkKind.UNSET, "products.csv", say)


def _weak(form: Form) -> Iterator[Remark]:
    for say in form.weak:
        yield Remark(RemarkKind.WEAK, "form.toml", say)
    for say in form.origin.weak:
        yield Remark(RemarkKind.WEAK, "origin.toml", say)


def _contradictions(form: Form, today: date) -> Iterator[Remark]:
    for where, say in (
        *_dates(form),
        *_partners(form),
        *_boxes(form),
        *_glyphs(form),
        *_wording(form),
        *_grounds(form),
        *_limits(form),
        *_example(form, today),
    ):
        yield Remark(RemarkKind.CONTRADICTION, where, say)


def _dates(form: Form) -> Iterator[tuple[str, str]]:
    if form.effective_from and form.effective_until and form.effective_until < form.effective_from:
        yield (
            "form.toml, effective_until",
            f"it is {form.effective_until}, before effective_from {form.effective_from}; correct one of them.",
        )


def _partners(form: Form) -> Iterator[tuple[str, str]]:
    """Importing countries exist, and none of them is India; who cumulates is among them."""
    strange = sorted(code for code in form.partners if code == "IN" or not (code == "*" or is_country(code)))
    if strange:
        yield (
            "form.toml, partners",
            f"{', '.join(strange)} is no country that goods of India can be imported into; use codes of ISO 3166-1.",
        )
    if "*" in form.partners and len(form.partners) > 1:
        yield "form.toml, partners", "* stands for every country; take the others out, or the *."
    cumulation = form.origin.cumulation
    outside = [code for code in (cumulation.partners or () if cumulation else ()) if not form.serves(code)]
    if outside:
        yield "origin.toml, cumulation", f"partners name {', '.join(outside)}, which partners of form.toml do not have."


def _glyphs(form: Form) -> Iterator[tuple[str, str]]:
    """What the form itself prints can be drawn."""
    printed = {"heading": " ".join(form.heading), **{f"wording.{key}": text for key, text in form.wording.items()}}
    printed |= {f"box {box.no}": box.heading for box in form.boxes} | {f"leaf {leaf.name}": leaf.title for leaf in form.leaves}
    for where, text in printed.items():
        if missing := form.regular.missing(text) or form.bold.missing(text):
            shown = ", ".join(f"U+{ord(char):04X}" for char in missing[:5])
            yield f"form.toml, {where}", f"it has characters that the form's font cannot draw: {shown}. Write them in Latin letters."


def _boxes(form: Form) -> Iterator[tuple[str, str]]:
    numbers = sorted(int(box.no) for box in form.boxes if _NUMBER.match(box.no))
    first = next((number for number in range(1, max(numbers, default=0)) if number not in numbers), None)
    if first is not None:
        yield "form.toml, boxes", f"there is no box {first}, and there are boxes after it; number them as the form prints them."


def _wording(form: Form) -> Iterator[tuple[str, str]]:
    """An endorsement for a kind that the form does not issue is never printed."""
    for kind in Kind:
        key = f"endorsement_{kind.value.replace('-', '_')}"
        if key in form.wording and kind.value not in form.kinds:
            yield f"form.toml, wording.{key}", f"the form does not issue {kind.value}; add it to kinds or take the wording out."


def _grounds(form: Form) -> Iterator[tuple[str, str]]:
    rules = form.origin
    for criterion in rules.criteria:
        marks = sorted(set(_MARK.findall(criterion.as_printed)) - {"{content}", "{nom}"})
        if marks:
            yield (
                f"origin.toml, criteria {criterion.code}",
                f"as_printed has {', '.join(marks)}, which nobody fills; known are {{content}} and {{nom}}.",
            )
        strange = [country for country in criterion.destinations if not form.serves(country)]
        if strange:
            yield (
                f"origin.toml, criteria {criterion.code}",
                f"destinations name {', '.join(strange)}, which partners of form.toml do not have.",
            )
    used = {*rules.always, *(name for c in rules.criteria for name in c.tests)}
    used |= {name for each in used for name in _parts(form, each)}
    for name in rules.tests:
        if name not in used and name != rules.back_to_back:
            yield f"origin.toml, tests.{name}", "no criterion names it, so it is never tried; name it or take it out."
    kinds_used = {type(rules.tests[name]) for name in used}
    for number, rule in enumerate(rules.de_minimis):
        relaxed = {TariffShift, ProductRuleTest} if rule.test == "tariff_shift" else {NoForeignInputs}
        if not relaxed & kinds_used:
            yield (
                f"origin.toml, de_minimis[{number}]",
                f"it relaxes {rule.test}, which no criterion asks for; take it out or name the test.",
            )
    if Kind.BACK_TO_BACK.value in form.kinds and rules.back_to_back is None:
        yield "form.toml, kinds", "back-to-back is among them, and origin.toml has no test back_to_back for it."


def _parts(form: Form, name: str) -> tuple[str, ...]:
    test = form.origin.tests[name]
    return test.of if isinstance(test, Combined) else ()


def _limits(form: Form) -> Iterator[tuple[str, str]]:
    """What a rule compares must be in the file, and two ways of saying one limit must say the same."""
    for name, test in form.origin.tests.items():
        if isinstance(test, TariffShift) and min(form.hs_digits, default=0) < _DIGITS[test.level]:
            say = f"{test.level} compares {_DIGITS[test.level]} digits, but hs_digits of form.toml takes {min(form.hs_digits)}; such goods are never decided."
            yield f"origin.toml, tests.{name}", say
        if isinstance(test, ValueContent):
            for base in ("FOB", "EXW"):
                yield from _same_limit(name, [each for each in test.methods.values() if each.base == base])


def _same_limit(name: str, methods: list[Method]) -> Iterator[tuple[str, str]]:
    """Build-down and the ceiling on non-originating material are one sum read from two ends."""
    least = {percent(m.min_pct) for m in methods if m.formula == "build_down" and m.min_pct is not None}
    most = {100 - percent(m.max_pct) for m in methods if m.formula == "max_nom" and m.max_pct is not None}
    if least and most and least != most:
        yield (
            f"origin.toml, tests.{name}",
            f"build_down asks for {min(least)} % and max_nom allows {100 - min(most)} %: together they cannot be right.",
        )


def _needs_products(form: Form) -> bool:
    return any(isinstance(test, ProductRuleTest) for test in form.origin.tests.values())


def _example(form: Form, today: date) -> Iterator[tuple[str, str]]:
    if form.effective_until is not None and form.effective_until < today:
        return  # nobody files on a version of the past, and its example is of today
    if not form.example:
        yield "example.json", "there is none; a pack shows by its example that it works."
        return
    try:
        application = read(form.example)
    except Refused as refusal:
        yield "example.json", " ".join(problem.say for problem in refusal.problems) or refusal.say
        return
    if application.scheme != form.scheme:
        yield "example.json, scheme", f"it is {application.scheme}, and the form is that of {form.scheme}."
        return
    problems = check(application, form, today=day_of(form, today))
    for problem in problems:
        yield f"example.json, {problem.box or 'the file'}", problem.say
    if not problems:
        yield from _finding(application, form)


def _finding(application: Application, form: Form) -> Iterator[tuple[str, str]]:
    finding = find_origin(application, form)
    for line in finding.lines:
        for step in line.steps:
            if line.outcome is not Outcome.PASSES and step.outcome is line.outcome:
                yield f"example.json, items[{line.item}].origin", f"{line.criterion} {step.outcome}: {step.working} ({step.rule})"
