"""All that is wrong with an application, before anybody decides: each problem with its box, its rule and a sentence.

`check` names the rules of the file as a whole here and asks `identifiers`, `dates`, `shipment` and `goods` for
theirs. It needs no database: whether an office is active or a replaced certificate exists, the rooms above ask.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from engine.application import LEGACY_PLATFORM, NON_PREFERENTIAL_FROM, PREFERENTIAL_FROM, Application, IssuerKind, Kind
from engine.certificate import is_legacy, number_slip
from engine.contracts.form import Form
from engine.errors import Problem
from engine.filing.boxes import fill, worded
from engine.filing.checks.citations import citation_problems
from engine.filing.checks.dates import date_problems
from engine.filing.checks.goods import goods_problems
from engine.filing.checks.identifiers import exporter_problems
from engine.filing.checks.late import late_problems
from engine.filing.checks.shipment import shipment_problems
from engine.filing.origin import Cited, find_origin
from engine.filing.reading import to_tree
from engine.filing.reading.schema import schema_of
from engine.filing.reading.text import shown
from engine.filing.reading.walking import Walk

__all__ = ["check"]


def check(application: Application, form: Form, *, today: date, sheets: Mapping[str, Cited] | None = None) -> list[Problem]:
    """Everything that stops the application from being filed under the form on that day in India; empty if nothing does.

    `sheets` are the approved cost sheets that its lines cite, by reference. A finding that fails is not among the problems:
    `refuse_failing` says that with the arithmetic.
    """
    walk = Walk(schema_of())
    walk.whole(to_tree(application))
    if walk.broken:  # made by hand, not by `read`
        return [*walk.broken, *walk.texts]
    if application.scheme != form.scheme:
        say = f"The application is for {application.scheme}, but this is the form of {form.scheme}."
        return [Problem("scheme", "scheme", say), *walk.texts]
    uncitable = citation_problems(application, sheets or {})
    problems = [
        *walk.texts,
        *_scheme(application, form, today),
        *_issuer(application, form),
        *_replaces(application),
        *_cut_over(application, form),
        *exporter_problems(application.exporter),
        *date_problems(application, today),
        *shipment_problems(application, form),
        *goods_problems(application, form),
        *uncitable,
        *late_problems(application, form, today),
    ]
    return [_with_printed_box(problem, form) for problem in [*problems, *_third_party(application, form)]] + _drawn(
        application, form, {} if uncitable else sheets or {}
    )


def _scheme(application: Application, form: Form, today: date) -> Iterable[Problem]:
    if application.kind.value not in form.kinds:
        yield Problem(
            "kind", "kinds of the scheme", f"{form.scheme} issues {', '.join(form.kinds)}; it does not issue {application.kind.value}."
        )
    if (form.effective_from and today < form.effective_from) or (form.effective_until and today > form.effective_until):
        yield Problem("scheme", "form in force", f"Version {form.version} of the form of {form.scheme} is not in force on {today}.")


def _issuer(application: Application, form: Form) -> Iterable[Problem]:
    kind = application.issuer_kind
    if kind.value not in form.issuer_kinds:
        say = f"A certificate of {form.scheme} is issued by {' or '.join(form.issuer_kinds)}; issuer_kind is {kind.value}."
        yield Problem("issuer_kind", "issuers of the scheme", say)
    for key in ("agency", "office"):
        given = getattr(application, key) is not None
        if kind is IssuerKind.AGENCY and not given:
            yield Problem(key, "agency and office", f"{key} is missing; a certificate issued by an agency names agency and office.")
        if kind is IssuerKind.SELF and given:
            yield Problem(key, "agency and office", f"{key} must be left out; a self-declaration is issued by no agency.")


def _replaces(application: Application) -> Iterable[Problem]:
    number, kind = application.replaces, application.kind
    replacing = kind in (Kind.IN_LIEU, Kind.DUPLICATE)
    if replacing and number is None:
        yield Problem(
            "replaces", "replaces", f"replaces is missing; it names the issued certificate that the {kind.value} certificate stands for."
        )
    if number is None:
        return
    if not replacing:
        yield Problem("replaces", "replaces", f"replaces must be left out; only in-lieu and duplicate have it, and kind is {kind.value}.")
    elif is_legacy(number):
        say = f"{number} was issued on the older platform, and so every later action on it belongs there: {LEGACY_PLATFORM}."
        yield Problem("replaces", "legacy certificate", say)
    elif number_slip(number):
        say = f"The check character of {number} does not fit the rest; one of its characters is mistyped."
        yield Problem("replaces", "number check character", say)


def _cut_over(application: Application, form: Form) -> Iterable[Problem]:
    opened = PREFERENTIAL_FROM if form.preferential else NON_PREFERENTIAL_FROM
    if application.declaration.dated_on < opened:
        family = "Preferential" if form.preferential else "Non-preferential"
        say = f"{family} applications dated before {opened} belong to the older platform: {LEGACY_PLATFORM}."
        yield Problem("declaration.dated_on", "cut-over date", say)


def _third_party(application: Application, form: Form) -> Iterable[Problem]:
    if application.third_party is not None and not form.names_third_party:
        say = f"The form of {form.scheme} has no place for an invoicing firm of a third country; leave third_party out."
        yield Problem("third_party", "third-party invoicing", say)


def _drawn(application: Application, form: Form, sheets: Mapping[str, Cited]) -> list[Problem]:
    """What could not be drawn, and a criterion that would print a content nobody can work out."""
    finding = find_origin(application, form, sheets)
    problems = []
    for line in finding.lines:
        criterion = form.origin.criterion(line.criterion)
        reference = application.items[line.item].origin.cost_sheet
        if reference is not None and reference not in sheets:  # what is wrong with the citation is said already
            continue
        if criterion is not None and criterion.prints_content and not line.printed:
            say = (
                f"{criterion.code} prints the actual content, which these keys would give: {', '.join(line.missing)}. Add what is missing."
            )
            problems.append(Problem(f"items[{line.item}].origin", "content is printed", say))
    outside = form.worded_problems(worded(application))
    return [*problems, *_declaration(application, form), *outside, *form.problems(fill(application, form, finding))]


def _declaration(application: Application, form: Form) -> Iterable[Problem]:
    """Place and name stand in the declaration, which the sheet words around them, so no box of `fill` shows them."""
    for key in ("place", "name"):
        text = getattr(application.declaration, key)
        missing = "".join(dict.fromkeys(form.regular.missing(text) + form.bold.missing(text)))
        if missing:
            box = f"declaration.{key}"
            say = f"{box} has characters that the form's font cannot draw: {shown(missing)}. Write it in Latin letters."
            yield Problem(box, "font can draw it", say)


# Which fields of a form show a path of the file, the likeliest first.
_SHOWN_IN = (
    (re.compile(r"exporter\.(name|address)"), ("exporter", "exporter_contact")),
    (re.compile(r"consignee\."), ("consignee",)),
    (re.compile(r"transport\."), ("transport",)),
    (re.compile(r"items\[\d+\]\.marks"), ("marks",)),
    (re.compile(r"items\[\d+\]\.(hs|description|packages|quantity)"), ("goods", "goods_block", "goods_quantity", "description")),
    (re.compile(r"items\[\d+\]\.origin\.criterion"), ("criterion",)),
    (re.compile(r"items\[\d+\]\.(value|gross_weight_kg)"), ("weight_value", "weight_quantity", "gross_weight", "value")),
    (re.compile(r"items\[\d+\]\.invoice|invoices\["), ("invoice", "invoices")),
)


def _with_printed_box(problem: Problem, form: Form) -> Problem:
    """The problem with the number of the box in which the form prints that key, if it prints it."""
    fields = next((names for path, names in _SHOWN_IN if problem.box and path.match(problem.box)), ())
    number = next((box.no for name in fields for box in form.boxes if box.field == name), None)
    return replace(problem, say=f"{problem.say} It is printed in box {number}.") if number else problem
