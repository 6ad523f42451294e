"""Every kind of wrong input, each with the box and the rule that name it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest

from engine.contracts.form import Form
from engine.errors import Problem, Refused
from engine.filing.checks import check
from engine.filing.reading import from_tree, look

TODAY = date(2026, 11, 21)
Tree = dict[str, Any]


def put(path: str, value: object) -> Callable[[Tree], None]:
    """A change that sets one key, found by a dotted path; `...` as value takes the key out."""

    def change(tree: Tree) -> None:
        *way, last = path.split(".")
        node: Any = tree
        for key in way:
            node = node[int(key)] if key.isdigit() else node[key]
        if value is ...:
            del node[last]
        else:
            node[int(last) if last.isdigit() else last] = value

    return change


def both(*changes: Callable[[Tree], None]) -> Callable[[Tree], None]:
    """Several changes in one."""

    def change(tree: Tree) -> None:
        for one in changes:
            one(tree)

    return change


def problems_of(tree: Tree, form: Form) -> list[Problem]:
    """What reading or, if it reads, checking says."""
    try:
        return check(from_tree(tree), form, today=TODAY)
    except Refused as refusal:
        return list(refusal.problems)


UNSHAPED = [
    ("a missing key", put("exporter.iec", ...), "exporter.iec", "required"),
    ("a missing group", put("transport", ...), "transport", "required"),
    ("an unknown key", put("exporter.phone", "1"), "exporter.phone", "known keys"),
    ("an unknown key in an item", put("items.2.colour", "red"), "items[2].colour", "known keys"),
    ("another format", put("schema", 2), "schema", "range"),
    ("true for the format", put("schema", True), "schema", "type"),
    ("an unknown kind", put("kind", "renewal"), "kind", "one of"),
    ("an unknown issuer", put("issuer_kind", "bank"), "issuer_kind", "one of"),
    ("an unknown mode", put("transport.mode", "drone"), "transport.mode", "one of"),
    ("a number for text", put("exporter.name", 5), "exporter.name", "type"),
    ("null for text", put("exporter.name", None), "exporter.name", "type"),
    ("a number for an amount", put("items.0.value", 12600), "items[0].value", "type"),
    ("text for a count", put("items.0.packages.count", "400"), "items[0].packages.count", "type"),
    ("no package", put("items.0.packages.count", 0), "items[0].packages.count", "range"),
    ("a list for a group", put("consignee", []), "consignee", "type"),
    ("a group for a list", put("items", {}), "items", "type"),
    ("no item", put("items", []), "items", "how many"),
    ("no invoice", put("invoices", []), "invoices", "how many"),
    ("too many invoices", put("invoices", [{"number": str(n), "dated_on": "2026-11-01"} for n in range(51)]), "invoices", "how many"),
    ("dots in the HS code", put("items.2.hs", "2008.19"), "items[2].hs", "shape"),
    ("letters for the HS code", put("items.2.hs", "abc"), "items[2].hs", "shape"),
    ("Devanagari digits", put("items.0.hs", "\u0967\u0968\u0969\u096a\u096b\u096c"), "items[0].hs", "shape"),
    ("a newline after the code", put("destination", "VN\n"), "destination", "shape"),
    ("a comma in an amount", put("items.0.value", "12,600.00"), "items[0].value", "shape"),
    ("a negative amount", put("items.0.value", "-5"), "items[0].value", "shape"),
    ("an exponent", put("items.0.value", "1e9"), "items[0].value", "shape"),
    ("five decimals", put("items.0.gross_weight_kg", "1.00001"), "items[0].gross_weight_kg", "shape"),
    ("sixteen digits", put("items.0.value", "1" * 16), "items[0].value", "shape"),
    ("a date the Indian way", put("declaration.dated_on", "16-11-2026"), "declaration.dated_on", "date"),
    ("a day that is not", put("declaration.dated_on", "2026-02-30"), "declaration.dated_on", "date"),
    ("a week date", put("declaration.dated_on", "2026-W47-1"), "declaration.dated_on", "date"),
    ("a moment for a day", put("declaration.dated_on", "2026-11-16T00:00:00"), "declaration.dated_on", "date"),
    ("a long name", put("exporter.name", "A" * 201), "exporter.name", "length"),
    ("an empty name", put("exporter.name", ""), "exporter.name", "required"),
    ("a short GSTIN", put("exporter.gstin", "27AAZCD4417K1Z"), "exporter.gstin", "length"),
    ("an office in digits", put("office", "001"), "office", "shape"),
    ("a lower-case currency", put("currency", "usd"), "currency", "shape"),
    ("a lone surrogate", put("exporter.name", "A\ud800"), "exporter.name", "whole characters only"),
]

WRONG = [
    ("a control character", put("exporter.name", "A\x07B"), "exporter.name", "no control characters"),
    ("an RLO", put("consignee.name", "A\u202eB"), "consignee.name", "no bidi control characters"),
    ("a zero width space", put("items.0.description", "A\u200bB"), "items[0].description", "no invisible characters"),
    ("a space at the end", put("declaration.place", "Mumbai "), "declaration.place", "no space at either end"),
    ("a tab in the marks", put("items.0.marks", "A\tB"), "items[0].marks", "no control characters"),
    ("a line break in a name", put("exporter.name", "A\nB"), "exporter.name", "no control characters"),
    ("a word the font cannot draw", put("items.0.description", "हल्दी"), "items[0], box 7", "font can draw it"),
    ("a place the font cannot draw", put("declaration.place", "मुंबई"), "declaration.place", "font can draw it"),
    ("an address that overflows", put("exporter.address", "\n".join(f"Line {n}" for n in range(40))), "box 1", "fits the box"),
    ("marks that overflow a page", put("items.0.marks", "\n".join("W" * 400)), "items[0], box 6", "fits the page"),
    ("another scheme", put("scheme", "SAFTA"), "scheme", "scheme"),
    ("a self-declaration where none is known", put("issuer_kind", "self"), "issuer_kind", "issuers of the scheme"),
    ("no agency", put("agency", ...), "agency", "agency and office"),
    ("no office", put("office", ...), "office", "agency and office"),
    ("in-lieu of nothing", put("kind", "in-lieu"), "replaces", "replaces"),
    ("a duplicate of nothing", put("kind", "duplicate"), "replaces", "replaces"),
    ("new in place of another", put("replaces", "EIA/2026/MUM/0000001A"), "replaces", "replaces"),
    (
        "in-lieu of a legacy number",
        both(put("kind", "in-lieu"), put("replaces", "EIC/2024/001/0000000A/00000000")),
        "replaces",
        "legacy certificate",
    ),
    ("a mistyped number", both(put("kind", "in-lieu"), put("replaces", "EIA/2026/MUM/0000001A")), "replaces", "number check character"),
    (
        "before the cut-over",
        both(*(put(f"invoices.{n}.dated_on", "2024-12-01") for n in (0, 1)), put("declaration.dated_on", "2024-12-20")),
        "declaration.dated_on",
        "cut-over date",
    ),
    ("an IEC of nothing", put("exporter.iec", "AAZCD441K7"), "exporter.iec", "IEC shape"),
    ("an IEC in small letters", put("exporter.iec", "aazcd4417k"), "exporter.iec", "IEC shape"),
    ("an IEC with Arabic digits", put("exporter.iec", "\u0660" * 10), "exporter.iec", "IEC shape"),
    ("a PAN of no holder", put("exporter.iec", "AAZXD4417K"), "exporter.iec", "PAN"),
    ("the PAN of another firm", put("exporter.iec", "AAZCD4418K"), "exporter.gstin", "PAN in GSTIN equals IEC"),
    ("a slip in the GSTIN", put("exporter.gstin", "27AAZCD4417K2ZA"), "exporter.gstin", "GSTIN checksum"),
    ("a GSTIN of no shape", put("exporter.gstin", "27AAZCD4417K1AA"), "exporter.gstin", "GSTIN shape"),
    ("a GSTIN of no state", put("exporter.gstin", "88AAZCD4417K1Z0"), "exporter.gstin", "GSTIN state"),
    ("a consignee in no country", put("consignee.country", "ZZ"), "consignee.country", "ISO 3166-1 country"),
    ("a consignee in India", put("consignee.country", "IN"), "consignee.country", "consignee abroad"),
    (
        "an Indian firm for one of a third country",
        put("third_party", {"name": "N", "address": "A", "country": "IN"}),
        "third_party.country",
        "third country",
    ),
    ("a destination that is none", put("destination", "XQ"), "destination", "ISO 3166-1 country"),
    ("a destination outside the agreement", put("destination", "DE"), "destination", "partners of the scheme"),
    ("goods that stay in India", put("destination", "IN"), "destination", "partners of the scheme"),
    ("a port of no shape", put("transport.port_of_discharge", "VNSG1"), "transport.port_of_discharge", "UN/LOCODE"),
    ("a customs code for a port", put("transport.port_of_loading", "INNSA1"), "transport.port_of_loading", "UN/LOCODE"),
    ("a port of no country", put("transport.port_of_discharge", "XQSGN"), "transport.port_of_discharge", "UN/LOCODE"),
    ("loading abroad", put("transport.port_of_loading", "LKCMB"), "transport.port_of_loading", "loading in India"),
    ("discharge in India", put("transport.port_of_discharge", "INMAA"), "transport.port_of_discharge", "discharge abroad"),
    ("a declaration tomorrow", put("declaration.dated_on", "2026-11-22"), "declaration.dated_on", "not in the future"),
    ("an invoice tomorrow", put("invoices.0.dated_on", "2026-11-22"), "invoices[0].dated_on", "not in the future"),
    ("an invoice after the declaration", put("invoices.1.dated_on", "2026-11-17"), "invoices[1].dated_on", "not after the declaration"),
    ("a departure of the year one", put("transport.departs_on", "0001-01-01"), "transport.departs_on", "departure near the declaration"),
    ("a departure at the end of time", put("transport.departs_on", "9999-12-31"), "transport.departs_on", "departure near the declaration"),
    ("a departure of 2062", put("transport.departs_on", "2062-11-24"), "transport.departs_on", "departure near the declaration"),
    ("a departure of 2002", put("transport.departs_on", "2002-11-24"), "transport.departs_on", "departure near the declaration"),
    ("an invoice of the year one", put("invoices.0.dated_on", "0001-01-01"), "invoices[0].dated_on", "invoice near the declaration"),
    ("an invoice of 1999", put("invoices.0.dated_on", "1999-12-31"), "invoices[0].dated_on", "invoice near the declaration"),
    ("an invoice at the end of time", put("invoices.0.dated_on", "9999-12-31"), "invoices[0].dated_on", "not in the future"),
    ("a declaration of the year one", put("declaration.dated_on", "0001-01-01"), "declaration.dated_on", "cut-over date"),
    ("a declaration at the end of time", put("declaration.dated_on", "9999-12-31"), "declaration.dated_on", "not in the future"),
    (
        "an old invoice of a third party",
        put(
            "third_party",
            {"name": "N", "address": "A", "country": "SG", "invoice": {"number": "1", "dated_on": "1962-11-12"}},
        ),
        "third_party.invoice.dated_on",
        "invoice near the declaration",
    ),
    ("an invoice of nothing", put("items.0.invoice", "DLF/9"), "items[0].invoice", "invoice of the file"),
    (
        "an invoice unused",
        lambda tree: tree["invoices"].append({"number": "X", "dated_on": "2026-11-01"}),
        "invoices[2].number",
        "every invoice is used",
    ),
    ("an invoice twice", lambda tree: tree["invoices"].append(dict(tree["invoices"][0])), "invoices[2].number", "invoices once"),
    ("a currency of nowhere", put("currency", "ZZZ"), "currency", "ISO 4217 currency"),
    ("gold for a currency", put("currency", "XAU"), "currency", "ISO 4217 currency"),
    ("three decimals of a dollar", put("items.0.value", "34600.001"), "items[0].value", "decimals of the currency"),
    ("a decimal of a dong", put("currency", "VND"), "items[0].value", "decimals of the currency"),
    ("a heading for an HS code", put("items.0.hs", "0910"), "items[0].hs", "HS digits of the scheme"),
    ("a chapter that is none", put("items.0.hs", "770000"), "items[0].hs", "HS chapter"),
    ("goods for nothing", put("items.0.value", "0.00"), "items[0].value", "above zero"),
    ("goods without weight", put("items.0.gross_weight_kg", "0"), "items[0].gross_weight_kg", "above zero"),
    (
        "goods lighter than themselves",
        put("items.0.gross_weight_kg", "1"),
        "items[0].gross_weight_kg",
        "gross weight above the quantity",
    ),
    (
        "tonnes for kilograms",
        put("items.0.quantity.unit", "MTS"),
        "items[0].gross_weight_kg",
        "gross weight above the quantity",
    ),
    ("no quantity", put("items.0.quantity.value", "0.0"), "items[0].quantity.value", "above zero"),
    ("an input for nothing", put("items.2.origin.inputs.0.value", "0"), "items[2].origin.inputs[0].value", "above zero"),
    ("an unknown criterion", put("items.0.origin.criterion", "PSR"), "items[0].origin.criterion", "criterion of the scheme"),
    (
        "an input from no country",
        put("items.2.origin.inputs.0.country", "ZZ"),
        "items[2].origin.inputs[0].country",
        "ISO 3166-1 country",
    ),
    (
        "an input that cannot originate there",
        put("items.2.origin.inputs.0.originating", True),
        "items[2].origin.inputs[0].originating",
        "cumulation",
    ),
    ("costs above the price", put("items.2.origin.costs.profit", "9999.00"), "items[2].origin.costs", "cost sheet adds up"),
    (
        "an ex-works price above the FOB value",
        put("items.2.origin.ex_works", "99999.00"),
        "items[2].origin.ex_works",
        "ex-works price within the FOB value",
    ),
    (
        "listed materials above their sum",
        put("items.2.origin.costs.originating_materials", "1259.99"),
        "items[2].origin.costs.originating_materials",
        "cost sheet adds up",
    ),
    (
        "a content nobody can work out",
        both(put("items.2.origin.costs", ...), put("items.2.origin.inputs", [])),
        "items[2].origin",
        "content is printed",
    ),
    (
        "back-to-back goods from India",
        both(put("kind", "back-to-back"), put("items.0.origin.country", "IN")),
        "items[0].origin.country",
        "back-to-back",
    ),
]


@pytest.mark.parametrize(("what", "spoil", "box", "rule"), UNSHAPED + WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_application_is_refused_by_box_and_rule(
    what: str, spoil: Callable[[Tree], None], box: str, rule: str, tree: Tree, aifta: Form
) -> None:
    spoil(tree)
    found = problems_of(tree, aifta)
    assert (box, rule) in {(problem.box, problem.rule) for problem in found}, found
    assert all(len(problem.say) > 20 and problem.say.endswith((".", "?")) for problem in found)


def test_the_kinds_of_wrong_input_are_many() -> None:
    assert len({(box, rule) for _, _, box, rule in UNSHAPED + WRONG}) >= 60


def test_an_unspoilt_application_has_no_problem(tree: Tree, aifta: Form) -> None:
    assert problems_of(tree, aifta) == []


def test_all_that_is_wrong_is_said_at_once(tree: Tree, aifta: Form) -> None:
    both(put("exporter.name", "A\x07B"), put("declaration.place", "Mumbai "), put("consignee.country", "ZZ"), put("currency", "ZZZ"))(tree)
    found = {problem.rule for problem in check_texts_too(tree, aifta)}
    assert {"no control characters", "no space at either end", "ISO 3166-1 country", "ISO 4217 currency"} <= found


def check_texts_too(tree: Tree, form: Form) -> list[Problem]:
    """What `check` says of an application whose shape is right, whatever its texts."""
    application, _ = look(json.dumps(tree).encode())
    assert application is not None
    return check(application, form, today=TODAY)


def test_a_problem_names_the_printed_box(tree: Tree, aifta: Form) -> None:
    put("items.0.hs", "0910")(tree)
    assert problems_of(tree, aifta)[0].say == "items[0].hs has 4 digits (0910); AIFTA takes 6 or 8 or 10. It is printed in box 7."


def test_a_firm_of_a_third_country_needs_a_place_on_the_form(np_tree: Tree, np_form: Form) -> None:
    put("third_party", {"name": "N", "address": "A", "country": "SG"})(np_tree)
    assert [problem.rule for problem in problems_of(np_tree, np_form)] == ["third-party invoicing"]


def test_a_kind_the_scheme_does_not_issue_is_refused(np_tree: Tree, np_form: Form) -> None:
    put("kind", "back-to-back")(np_tree)
    assert ("kind", "kinds of the scheme") in {(problem.box, problem.rule) for problem in problems_of(np_tree, np_form)}


def test_back_to_back_goods_of_another_country_may_be_filed(tree: Tree, aifta: Form) -> None:
    put("kind", "back-to-back")(tree)
    for item in tree["items"]:
        item["origin"] |= {"country": "TH", "evidence": "AI 2026-00123"}
    assert problems_of(tree, aifta) == []


def test_a_legacy_number_is_refused_with_the_place_to_go(tree: Tree, aifta: Form) -> None:
    both(put("kind", "in-lieu"), put("replaces", " eic-2024-001-0000000a-00000000".strip()))(tree)
    assert any("https://coo.dgft.gov.in" in problem.say for problem in problems_of(tree, aifta))


def test_the_first_day_of_each_platform_is_accepted(tree: Tree, np_tree: Tree, aifta: Form, np_form: Form) -> None:
    for spoilt, form, day in ((tree, aifta, "2024-12-21"), (np_tree, np_form, "2024-08-28")):
        put("declaration.dated_on", day)(spoilt)
        put("transport.departs_on", day)(spoilt)
        for invoice in spoilt["invoices"]:
            invoice["dated_on"] = day
        assert problems_of(spoilt, form) == []


@pytest.mark.parametrize(("departs", "right"), [("2024-11-15", True), ("2024-11-10", False), ("2028-11-17", True), ("2028-11-20", False)])
def test_a_departure_may_lie_two_years_from_the_declaration(departs: str, right: bool, tree: Tree, aifta: Form) -> None:
    put("transport.departs_on", departs)(tree)
    assert (problems_of(tree, aifta) == []) is right


def test_a_mistyped_declaration_is_one_fault(tree: Tree, aifta: Form) -> None:
    for day in ("0001-01-01", "9999-12-31"):
        put("declaration.dated_on", day)(tree)
        assert [problem.box for problem in problems_of(tree, aifta)] == ["declaration.dated_on"]


@pytest.mark.parametrize(
    ("value", "unit", "gross", "right"),
    [
        ("20000", "KGS", "20000", True),
        ("20000", "KGS", "19999.9", False),
        ("20000", "kgs.", "1", False),
        ("20", "MTS", "20000", True),
        ("20", "MTS", "19999", False),
        ("20", "TON", "18200", True),
        ("20", "TON", "18100", False),
        ("200", "QTL", "19999", False),
        ("500000", "GMS", "499", False),
        ("500000", "GMS", "500", True),
        ("1000", "LBS", "453", False),
        ("20000", "PCS", "1", True),
        ("20000", "MTR", "1", True),
        ("20000", "KGS OF LEAVES", "1", True),
    ],
)
def test_a_line_weighs_at_least_its_quantity(value: str, unit: str, gross: str, right: bool, tree: Tree, aifta: Form) -> None:
    both(put("items.0.quantity", {"value": value, "unit": unit}), put("items.0.gross_weight_kg", gross))(tree)
    assert ([problem.rule for problem in problems_of(tree, aifta)] == []) is right


def test_the_last_day_of_the_older_platform_is_refused_for_np(np_tree: Tree, np_form: Form) -> None:
    put("declaration.dated_on", "2024-08-27")(np_tree)
    put("transport.departs_on", "2024-08-27")(np_tree)
    for invoice in np_tree["invoices"]:
        invoice["dated_on"] = "2024-08-27"
    assert [problem.rule for problem in problems_of(np_tree, np_form)] == ["cut-over date"]


def test_an_old_ten_digit_iec_stands_beside_any_gstin(tree: Tree, aifta: Form) -> None:
    put("exporter.iec", "0388012345")(tree)
    assert problems_of(tree, aifta) == []


@pytest.mark.parametrize("gstin", ["38AAZCD4417K1Z", "97AAZCD4417K1Z"])
def test_ladakh_and_the_other_territory_have_gstins_too(gstin: str, tree: Tree, aifta: Form) -> None:
    accepted = []
    for check_character in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        put("exporter.gstin", gstin + check_character)(tree)
        if not problems_of(tree, aifta):
            accepted.append(check_character)
    assert len(accepted) == 1


def test_a_form_that_is_not_in_force_takes_nothing(tree: Tree, aifta: Form) -> None:
    later = replace(aifta, effective_from=date(2026, 11, 22))
    ended = replace(aifta, effective_until=date(2026, 11, 20))
    for form in (later, ended):
        assert [problem.rule for problem in problems_of(tree, form)] == ["form in force"]


def test_an_application_made_by_hand_is_held_to_the_published_shape(tree: Tree, aifta: Form) -> None:
    application = from_tree(tree)
    spoilt = msgspec.structs.replace(application, currency="usd")
    assert [(problem.box, problem.rule) for problem in check(spoilt, aifta, today=TODAY)] == [("currency", "shape")]
