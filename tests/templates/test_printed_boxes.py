"""The printed boxes of every pack, against a list of what the sources print, number by number."""

import pytest

from engine.contracts.form import Form
from engine.registry import load

FORMS = {form.scheme: form for form in load().forms()}

ONE = "Goods consigned from (Exporter's business name, address, country)"
TWO = "Goods consigned to (Consignee's name, address, country)"
THREE = "Means of transport and route (as far as known)"
WIDE = "Item number (as necessary); Marks and numbers; Number and kind of packages; Description of good(s); HS tariff classification number"
IMPORTER_HS = (
    "Number and type of packages, description of goods (including quantity where appropriate and HS number of the importing country)"
)

# The headings of boxes 1, 2, 3 ... as printed.
PRINTED = {
    "GSP": [
        ONE,
        TWO,
        THREE,
        "For official use",
        "Item number",
        "Marks and numbers of packages",
        "Number and kind of packages, description of goods",
        "Origin criterion (see Notes overleaf)",
        "Gross weight or other quantity",
        "Number and date of invoices",
        "Certification",
        "Declaration by the exporter",
    ],
    "GSTP": [
        ONE,
        TWO,
        THREE,
        "For official use",
        "Tariff Item number",
        "Marks and numbers of packages",
        "Number and kind of packages, description of goods",
        "Origin criterion (see Notes overleaf)",
        "Gross weight or other quantity",
        "Number and date of invoices",
        "Declaration by the exporter",
        "Certificate",
    ],
    "SAPTA": [
        "Goods consigned from (exporter's business name, address, country)",
        TWO,
        "Means of Transport and route (as far as known)",
        "For Official use",
        "Tariff item number",
        "Marks and numbers of packages",
        "Number and kind of packages: description of goods",
        "Origin Criterion (see notes overleaf)",
        "Gross weight or other quantity",
        "Number and date of invoices",
        "Declaration by the exporter",
        "Certificate",
    ],
    "ISFTA": [
        "Goods consigned from (Exporters' Business Name, Address, Country)",
        "Goods consigned to (Consignee's Name, Address, Country)",
        "Means of transport and Route (as far as known)",
        "For Official use",
        "Tariff item number",
        "Marks and numbers of packages",
        "Number and kind of packages: description of goods",
        "Origin criterion (see Notes overleaf)",
        "Gross weight or other quantity",
        "Number and date of invoice",
        "Declaration by the Exporter",
        "Certificate",
    ],
    "AIFTA": [
        ONE,
        TWO,
        THREE,
        "For Official Use",
        "Item number",
        "Marks and numbers on packages",
        IMPORTER_HS,
        "Origin criterion (see Notes Overleaf)",
        "Gross weight or other quantity and value (FOB)",
        "Number and date of invoices",
        "Declaration by the exporter",
        "Certification",
    ],
    "ISCECA": [
        ONE,
        TWO,
        THREE,
        "For Official Use",
        "Item number",
        "Marks and numbers on packages",
        IMPORTER_HS,
        "Origin criterion (see Notes overleaf)",
        "Gross weight or other quantity and value (FOB)",
        "Number and date of invoices",
        "Declaration by the exporter",
        "Certification",
    ],
    "IKCEPA": [
        "Exporter (name, address, country, e-mail address, telephone number, fax number)",
        "Producer (name, address, country) (optional)",
        "Importer (name, address, country) (optional)",
        "Means of transport and route (optional)",
        "For Official Use",
        "Remarks",
        "HS Code (6 digit)",
        "Description of goods, including quantity",
        "Gross weight and value (FOB)",
        "Origin criterion",
        "Number and date of Invoices",
        "Declaration by the exporter",
        "Certification",
        "Third country invoicing (name, address, country)",
    ],
    "IJCEPA": [
        "Exporter's Name, Address and Country:",
        "Importer's Name, Address and Country:",
        "Transport details (means and route)(as far as known)",
        WIDE,
        "Preference criterion",
        "Quantity",
        "Invoice number(s) and date(s)",
        "Remarks:",
        "Declaration by the exporter:",
        "Certification",
    ],
    "MERCOSUR": [
        "Producer or exporter (name, address, country)",
        "Importer (name, address, country)",
        "Port of shipment",
        "Country of destination",
        "Commercial invoice (Number / Date)",
        "No. Order",
        "Tariff item number",
        "Description of goods",
        "Gross weight or other quantity",
        "Origin criterion",
        "Observations",
        "Declaration by the Producer or Exporter",
        "Certification by Certifying Authority",
    ],
    "MAURITIUS": [
        "Exporter's Name, Address and Country:",
        "Importer's [consignee's] Name, Address and Country",
        "Transport details",
        WIDE,
        "ORIGIN criterion (see overleaf note)",
        "Gross Weight or other Quantity",
        "Invoice number(s) and date(s)",
        "Remarks:",
        "Declaration by the exporter:",
        "Certification",
    ],
    "UAE": [
        "Exporter's Name, Address, and Country:",
        "Manufacturer's Name, Address, and Country:",
        "Importer's or Consignee's Name, Address, and Country:",
        "Transport details",
        WIDE,
        "ORIGIN criterion (see overleaf note)",
        "Gross Weight or other Quantity",
        "Invoice number(s) and date(s)",
        "Remarks:",
        "Third-Party Invoicing Name, Address, and Country",
        "Declaration by the exporter:",
        "Certification",
    ],
}

PLAIN = {"SAFTA", "APTA", "AFGHANISTAN", "IMCECA", "EHS", "CHILE", "ECTA", "TEPA", "TEPA_SELF", "OMAN", "CETA", "NP", "NP_B2B"}

SHEETS = {
    "combined12a": {"GSP"},
    "combined12": {"GSTP", "SAPTA", "SAFTA", "APTA", "ISFTA", "AFGHANISTAN", "AIFTA", "ISCECA"},
    "certification10": {"IJCEPA", "MAURITIUS"},
    "certification12": {"UAE"},
    "korea14": {"IKCEPA"},
    "mercosur13": {"MERCOSUR"},
    "neutral": PLAIN - {"SAFTA", "APTA", "AFGHANISTAN"},
}

# The lines of the title as sources print them, without where they break.
TITLES = {
    "GSP": "GENERALIZED SYSTEM OF PREFERENCES CERTIFICATE OF ORIGIN",
    "GSTP": "GLOBAL SYSTEM OF TRADE PREFERENCES",
    "SAPTA": "SAARC PREFERENTIAL TRADING ARRANGEMENT (SAPTA)",
    "SAFTA": "SOUTH ASIAN FREE TRADE AREA (SAFTA)",
    "APTA": "ASIA-PACIFIC TRADE AGREEMENT",
    "ISFTA": "INDO-SRI LANKA FREE TRADE AGREEMENT (ISFTA)",
    "AIFTA": "ASEAN-INDIA FREE TRADE AREA PREFERENTIAL TARIFF CERTIFICATE OF ORIGIN",
    "ISCECA": "INDIA-SINGAPORE COMPREHENSIVE ECONOMIC CO-OPERATION AGREEMENT",
    "IKCEPA": "INDIA-KOREA COMPREHENSIVE ECONOMIC PARTNERSHIP AGREEMENT",
    "IJCEPA": "COMPREHENSIVE ECONOMIC PARTNERSHIP AGREEMENT BETWEEN THE REPUBLIC OF INDIA AND JAPAN CERTIFICATE OF ORIGIN",
    "MERCOSUR": "FORM AGREED UPON BY INDIA AND MERCOSUR FOR THE ORIGIN CERTIFICATE CERTIFICATE OF ORIGIN",
    "MAURITIUS": "AGREEMENT BETWEEN INDIA AND MAURITIUS CERTIFICATE OF ORIGIN",
    "UAE": "AGREEMENT BETWEEN INDIA AND UAE CERTIFICATE OF ORIGIN",
}


def fields(form: Form) -> dict[str, str]:
    return {box.no: box.field for box in form.boxes}


def test_every_scheme_has_its_pack() -> None:
    assert set(FORMS) == set(PRINTED) | PLAIN
    assert len(FORMS) == 24


@pytest.mark.parametrize("scheme", PRINTED)
def test_a_sourced_form_prints_its_boxes_as_they_are(scheme: str) -> None:
    assert [(box.no, box.heading) for box in FORMS[scheme].boxes] == [(str(n), said) for n, said in enumerate(PRINTED[scheme], 1)]


@pytest.mark.parametrize("scheme", sorted(PLAIN))
def test_a_form_with_plain_headings_says_so_before_anything_else(scheme: str) -> None:
    assert FORMS[scheme].unconfirmed
    assert any(said.startswith(("box headings", "boxes of", "form layout")) and "plain" in said for said in FORMS[scheme].unconfirmed)


@pytest.mark.parametrize("scheme", PRINTED)
def test_a_sourced_form_does_not_call_its_headings_plain(scheme: str) -> None:
    assert not any(said.startswith(("box headings", "boxes of", "form layout")) for said in FORMS[scheme].unconfirmed)


@pytest.mark.parametrize("sheet", SHEETS)
def test_every_form_stands_on_the_sheet_of_its_family(sheet: str) -> None:
    assert {form.scheme for form in FORMS.values() if form.sheet.name == f"ecoo:{sheet}"} == SHEETS[sheet]


@pytest.mark.parametrize("scheme", TITLES)
def test_the_title_is_the_sourced_one(scheme: str) -> None:
    assert " ".join(FORMS[scheme].heading) == TITLES[scheme]


def test_form_a_alone_has_certification_before_declaration() -> None:
    assert [fields(FORMS["GSP"])[no] for no in ("11", "12")] == ["certification", "declaration"]
    for scheme in sorted(SHEETS["combined12"]):
        assert [fields(FORMS[scheme])[no] for no in ("11", "12")] == ["declaration", "certification"]
    assert FORMS["GSP"].wording["form_name"] == "FORM A"


def test_box_5_is_a_number_or_a_tariff_item_as_the_form_says() -> None:
    assert {s for s in ("GSP", "AIFTA", "ISCECA") if fields(FORMS[s])["5"] == "item_number"} == {"GSP", "AIFTA", "ISCECA"}
    assert {s for s in ("GSTP", "SAPTA", "ISFTA") if fields(FORMS[s])["5"] == "hs"} == {"GSTP", "SAPTA", "ISFTA"}


def test_the_value_stands_in_box_9_only_where_the_form_asks_for_it() -> None:
    assert {s for s in PRINTED if fields(FORMS[s]).get("9") == "weight_value"} == {"AIFTA", "ISCECA", "IKCEPA"}
    assert {s for s in PRINTED if fields(FORMS[s]).get("9") == "weight_quantity"} == {"GSP", "GSTP", "SAPTA", "ISFTA", "MERCOSUR"}


def test_the_united_arab_emirates_have_the_criterion_in_box_6_and_the_manufacturer_in_box_2() -> None:
    said = fields(FORMS["UAE"])
    assert (said["2"], said["6"], said["10"]) == ("producer", "criterion", "third_party")
    assert FORMS["UAE"].wording["cumulation"] == "Cumulation"


def test_korea_prints_six_digits_and_the_third_country_in_box_14() -> None:
    said = fields(FORMS["IKCEPA"])
    assert (said["1"], said["7"], said["14"]) == ("exporter_contact", "hs6", "third_party")


def test_mercosur_joins_its_two_tables_by_the_order_number() -> None:
    form = FORMS["MERCOSUR"]
    assert form.box("10").joined
    assert not form.box("6").joined
    assert form.wording["reference"] == "Reference No. of Certificate"
    assert form.wording["authority"] == "Stamp, address and name of the Certifying Authority"
    assert form.wording["form_name"] == "India-Mercosur PTA"


@pytest.mark.parametrize("scheme", ["IJCEPA", "MAURITIUS", "UAE"])
def test_a_certification_form_has_its_header_fields(scheme: str) -> None:
    wording = FORMS[scheme].wording
    assert (wording["reference"], wording["page_number"]) == ("Certification No.", "Number of page")
    assert ("issued_in" in wording) is (scheme == "IJCEPA")
    assert wording.get("export_document") == (None if scheme == "IJCEPA" else "Export Document Number")


@pytest.mark.parametrize("scheme", sorted(FORMS))
def test_the_electronic_copy_is_headed_and_tells_how_to_verify_it(scheme: str) -> None:
    wording = FORMS[scheme].wording
    assert wording["electronic_copy"] == "(ELECTRONIC COPY)"
    assert wording["scan"] == "To verify this certificate, you may scan the QR code here"


def test_a_non_preferential_certificate_always_says_so() -> None:
    for scheme in ("NP", "NP_B2B"):
        assert "(NON-PREFERENTIAL)" in FORMS[scheme].heading
        assert not FORMS[scheme].preferential
    assert all(form.preferential for form in FORMS.values() if form.scheme not in ("NP", "NP_B2B"))


def test_a_back_to_back_certificate_prints_country_and_documents_of_every_line() -> None:
    columns = {box.field for box in FORMS["NP_B2B"].boxes if box.in_rows}
    assert {"origin_country", "supporting_documents"} <= columns
    assert "countries_of_origin" in fields(FORMS["NP_B2B"]).values()
