"""What the boxes say, and what they must never say."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from engine.application import Application
from engine.contracts.form import Box, Filled, Form, ThirdPartyWords
from engine.errors import PluginError
from engine.filing.boxes import endorsement, fields, fill, money, paper_date, worded
from engine.filing.origin import find_origin
from engine.filing.reading import from_tree

Tree = dict[str, Any]


def filled(tree: Tree, form: Form) -> Filled:
    """The boxes of an application."""
    application = from_tree(tree)
    return fill(application, form, find_origin(application, form))


def with_boxes(form: Form, *boxes: Box) -> Form:
    """The form with other boxes."""
    return replace(form, boxes=boxes)


def test_form_ai_is_filled_as_the_notes_ask(tree: Tree, aifta: Form) -> None:
    boxes, rows = filled(tree, aifta).boxes, filled(tree, aifta).rows
    assert boxes["1"] == (
        "DEVGAD LANTERN FOODS PRIVATE LIMITED",
        "Plot 41, Taloja Industrial Area",
        "Navi Mumbai 410208, Maharashtra",
        "INDIA",
    )
    assert boxes["2"][-2:] == ("VIET NAM", "Tax ID: 0319998887")
    assert boxes["3"] == (
        "Departure date: 24 NOV 2026",
        "Vessel's name/Aircraft etc.: MV SAGAR KIRAN, voyage 026E",
        "Port of Discharge: Ho Chi Minh City (VNSGN)",
    )
    assert boxes["4"] == boxes["11"] == boxes["12"] == ()
    assert rows[2] == {
        "5": ("3",),
        "6": ("DLF/HCM/0117", "641-990"),
        "7": ("350 CARTONS", "Roasted and salted cashew kernels, whole, 250 g pouches", "Quantity: 3500 KGS", "HS: 200819"),
        "8": ('"RVC [40.00] %+CTSH"',),
        "9": ("3990.5 KG", "USD 21000.00"),
        "10": ("DLF/EXP/2026/0117", "12 NOV 2026"),
    }


def test_row_boxes_are_in_rows_only_and_every_box_is_filled_once(tree: Tree, aifta: Form) -> None:
    made = filled(tree, aifta)
    rows = {box.no for box in aifta.boxes if box.in_rows}
    assert set(made.boxes) == {box.no for box in aifta.boxes} - rows
    assert all(set(row) == rows for row in made.rows)
    assert len(made.rows) == len(tree["items"])


def test_neither_iec_nor_gstin_is_printed(tree: Tree, aifta: Form) -> None:
    printed = str(filled(tree, aifta))
    assert tree["exporter"]["iec"] not in printed
    assert tree["exporter"]["gstin"] not in printed


def test_an_invoice_of_a_third_country_is_named_once_in_boxes_7_and_10(tree: Tree, aifta: Form) -> None:
    tree["third_party"] = {
        "name": "Straits Pantry Pte Ltd",
        "address": "9 Example Quay\n#02-01",
        "country": "SG",
        "invoice": {"number": "SP-88", "dated_on": "2026-11-14"},
    }
    rows = filled(tree, aifta).rows
    assert rows[0]["7"][-1] == "Third Country Invoicing: Straits Pantry Pte Ltd, 9 Example Quay, #02-01, SINGAPORE"
    assert rows[0]["10"][-1] == "THIRD COUNTRY INVOICE NO: SP-88 DATED 14 NOV 2026"
    assert not any("Third Country" in str(row) or "THIRD COUNTRY" in str(row) for row in rows[1:])


def test_braces_in_a_name_are_text_and_no_template(tree: Tree, aifta: Form) -> None:
    tree["third_party"] = {"name": "{country} {0.__class__}", "address": "A", "country": "SG"}
    assert filled(tree, aifta).rows[0]["7"][-1] == "Third Country Invoicing: {country} {0.__class__}, A, SINGAPORE"


@pytest.mark.parametrize("name", sorted(fields()[0]))
def test_every_field_of_the_whole_certificate_fills_a_box(name: str, tree: Tree, aifta: Form) -> None:
    form = with_boxes(aifta, Box("1", "H", name, 80, 6))
    paragraphs = filled({**tree, "remarks": "R"}, form).boxes["1"]
    assert all(isinstance(text, str) and text for text in paragraphs)


@pytest.mark.parametrize("name", sorted(fields()[1]))
def test_every_field_of_the_goods_fills_a_column(name: str, tree: Tree, aifta: Form) -> None:
    form = with_boxes(aifta, Box("1", "H", name, 80, None))
    for row in filled(tree, form).rows:
        assert row["1"]
        assert all(row["1"])


@pytest.mark.parametrize(
    ("box", "say"),
    [
        (Box("3", "H", "horoscope", 80, 6), "box 3 has the unknown field 'horoscope'"),
        (Box("3", "H", "horoscope", 80, None), "box 3 has the unknown field 'horoscope'"),
        (Box("7", "H", "goods", 80, 6), "which is a column of the goods"),
        (Box("1", "H", "exporter", 80, None), "which is no column of the goods"),
    ],
)
def test_a_form_with_a_field_nobody_fills_is_named(box: Box, say: str, tree: Tree, aifta: Form) -> None:
    with pytest.raises(PluginError, match=say):
        filled(tree, with_boxes(aifta, box))


@pytest.mark.parametrize(
    ("amount", "currency", "printed"),
    [
        ("12600", "USD", "USD 12600.00"),
        ("12600.5", "USD", "USD 12600.50"),
        ("12600", "JPY", "JPY 12600"),
        ("1.5", "KWD", "KWD 1.500"),
        ("999999999999999.99", "USD", "USD 999999999999999.99"),
        ("0.001", "USD", "USD 0.001"),
    ],
)
def test_money_is_printed_with_all_its_decimals_and_never_rounded(amount: str, currency: str, printed: str) -> None:
    assert money(amount, currency) == printed


def test_a_paper_date_is_the_same_in_every_locale() -> None:
    assert [paper_date(date(2026, month, 1)) for month in (1, 5, 12)] == ["01 JAN 2026", "01 MAY 2026", "01 DEC 2026"]


@pytest.fixture
def in_lieu(tree: Tree) -> Application:
    """An in-lieu application."""
    return from_tree({**tree, "kind": "in-lieu", "replaces": "EIA/2026/MUM/0000001"})


def test_an_endorsement_is_the_scheme_s_words_or_nothing(in_lieu: Application, aifta: Form) -> None:
    worded = replace(aifta, wording={"endorsement_in_lieu": "IN LIEU OF {number} DATED {dated_on}"})
    assert endorsement(in_lieu, worded, replaced_on=date(2026, 10, 2)) == "IN LIEU OF EIA/2026/MUM/0000001 DATED 02 OCT 2026"
    assert endorsement(in_lieu, replace(aifta, wording={})) == ""


def test_an_endorsement_that_needs_the_date_is_not_printed_without(in_lieu: Application, aifta: Form) -> None:
    worded = replace(aifta, wording={"endorsement_in_lieu": "IN LIEU OF {number} DATED {dated_on}"})
    with pytest.raises(PluginError, match=r"needs \{dated_on\}"):
        endorsement(in_lieu, worded)


def test_a_new_certificate_bears_no_endorsement(application: Application, aifta: Form) -> None:
    assert endorsement(application, replace(aifta, wording={"endorsement_in_lieu": "X"})) == ""


def test_filling_is_pure(tree: Tree, aifta: Form, rules_with: Callable[..., Form]) -> None:
    assert filled(tree, aifta) == filled(tree, aifta) == filled(tree, rules_with())


# --- boxes of other forms ------------------------------------------------------------------------

THIRD_PARTY: Tree = {"name": "Straits Pantry Pte Ltd", "address": "9 Example Quay\n#02-01", "country": "SG"}


def one_box(tree: Tree, form: Form, field: str) -> tuple[str, ...]:
    """What a box of the whole certificate says."""
    return filled(tree, with_boxes(form, Box("1", "H", field, 80, 6))).boxes["1"]


def column(tree: Tree, form: Form, *fields: str) -> tuple[str, ...]:
    """What the first of these columns says in the third line of the goods; the others stand beside it."""
    boxes = tuple(Box(str(no), "H", field, 80, None) for no, field in enumerate(fields, 1))
    return filled(tree, with_boxes(form, *boxes)).rows[2]["1"]


def test_an_exporter_is_printed_with_what_is_known_of_how_to_reach_the_firm(tree: Tree, aifta: Form) -> None:
    firm = one_box(tree, aifta, "exporter")
    assert one_box(tree, aifta, "exporter_contact") == firm
    tree["exporter"] |= {"email": "exports@lantern.example", "telephone": "+91 22 5550 0101"}
    assert one_box(tree, aifta, "exporter_contact") == (*firm, "E-mail: exports@lantern.example", "Tel.: +91 22 5550 0101")
    tree["exporter"]["fax"] = "+91 22 5550 0102"
    assert one_box(tree, aifta, "exporter_contact")[-1] == "Tel.: +91 22 5550 0101, Fax: +91 22 5550 0102"
    assert one_box(tree, aifta, "exporter") == firm


def test_a_producer_and_an_export_document_are_printed_where_they_are_given(tree: Tree, aifta: Form) -> None:
    assert one_box(tree, aifta, "producer") == one_box(tree, aifta, "export_document") == ()
    tree |= {"producer": {"name": "Koyna Mills", "address": "Ichalkaranji", "country": "IN"}, "export_document": "SB 77 of 16 NOV 2026"}
    assert one_box(tree, aifta, "producer") == ("Koyna Mills", "Ichalkaranji", "INDIA")
    assert one_box(tree, aifta, "export_document") == ("SB 77 of 16 NOV 2026",)


def test_invoices_stand_in_one_paragraph_and_supporting_documents_each_once(tree: Tree, aifta: Form) -> None:
    assert one_box(tree, aifta, "invoices") == ("DLF/EXP/2026/0117 12 NOV 2026; DLF/EXP/2026/0118 13 NOV 2026",)
    for item in tree["items"]:
        item["origin"]["evidence"] = "Certificate 7 of Viet Nam"
    assert one_box(tree, aifta, "supporting_documents") == ("Certificate 7 of Viet Nam",)


def test_one_wide_goods_box_holds_number_marks_packages_description_and_hs(tree: Tree, aifta: Form) -> None:
    goods = "350 CARTONS, Roasted and salted cashew kernels, whole, 250 g pouches"
    beside = ("3. DLF/HCM/0117", "641-990", goods)
    assert column(tree, aifta, "goods_block", "weight_quantity") == (*beside, "HS: 200819")
    assert column(tree, aifta, "goods_block", "gross_weight") == (*beside, "Quantity: 3500 KGS", "HS: 200819")


def test_goods_leave_out_what_another_column_of_the_form_shows(tree: Tree, aifta: Form) -> None:
    goods = ("350 CARTONS", "Roasted and salted cashew kernels, whole, 250 g pouches")
    assert column(tree, aifta, "goods") == (*goods, "Quantity: 3500 KGS", "HS: 200819")
    assert column(tree, aifta, "goods", "hs") == (*goods, "Quantity: 3500 KGS")
    assert column(tree, aifta, "goods", "weight_quantity") == (*goods, "HS: 200819")
    assert column(tree, aifta, "goods", "hs", "quantity") == goods
    assert column(tree, aifta, "goods_quantity") == (goods[1], "Quantity: 3500 KGS")
    assert column(tree, aifta, "weight_quantity") == ("3990.5 KG", "3500 KGS")


def test_a_six_digit_column_cuts_a_longer_hs_number(tree: Tree, aifta: Form) -> None:
    tree["items"][2]["hs"] = "20081940"
    assert column(tree, aifta, "hs6") == ("200819",)
    assert column(tree, aifta, "hs") == ("20081940",)


def test_a_scheme_may_name_the_invoicing_firm_in_its_remarks_and_without_an_invoice_says_nothing_of_one(tree: Tree, aifta: Form) -> None:
    words = ThirdPartyWords(remarks="Non-party: {name}, {address}, {country}\nInvoice {number} of {dated_on}")
    form = replace(aifta, third_party=words)
    assert one_box({**tree, "remarks": "R"}, form, "remarks") == ("R",)
    tree |= {"remarks": "R", "third_party": THIRD_PARTY}
    assert one_box(tree, form, "remarks") == ("R", "Non-party: Straits Pantry Pte Ltd, 9 Example Quay, #02-01, SINGAPORE")
    tree["third_party"] = {**THIRD_PARTY, "invoice": {"number": "SP-88", "dated_on": "2026-11-14"}}
    assert one_box(tree, form, "remarks")[-1] == "Invoice SP-88 of 14 NOV 2026"
    assert column(tree, form, "goods")[-1] == "HS: 200819"


def test_words_outside_the_boxes_that_have_no_room_are_said_when_filing_and_not_at_the_desk(tree: Tree, forms: dict[str, Form]) -> None:
    form = forms["NP_B2B"]
    values = worded(from_tree(tree))
    assert values["declared_place"] == "Navi Mumbai"
    assert form.worded_problems(values) == []
    countries = " / ".join(["UNITED STATES MINOR OUTLYING ISLANDS"] * 9)
    (problem,) = form.worded_problems({**values, "origin_country": countries})
    assert (problem.box, problem.rule) == ("produced in", "fits the form")
    assert "shorten it" in problem.say
