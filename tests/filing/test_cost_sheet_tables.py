"""Cost sheets as workbooks and CSV: the same sheet comes back, every mistake has its cell, and nothing hostile is opened or run."""

import contextlib
import csv
import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cost_sheet import CostSheet
from engine.errors import Problem, Refused
from engine.filing.reading.text import text_problems
from engine.filing.sheets import check_sheet, from_csv, from_xlsx, published_sheet_schema, read_sheet, sheet_from_tree, to_csv, to_xlsx
from engine.filing.sheets.tabular import COSTS, HEAD, INPUTS, MAX_TABLE_BYTES, MOST_ROWS, RATES

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@pytest.fixture
def sheet(sheet_tree: dict[str, Any]) -> CostSheet:
    return sheet_from_tree(sheet_tree)


def refused(data: bytes, read: Callable[[bytes], CostSheet] = from_xlsx) -> list[Problem]:
    """All that is wrong with a file."""
    with pytest.raises(Refused) as caught:
        read(data)
    return list(caught.value.problems) or [Problem(caught.value.box, caught.value.rule, caught.value.say)]


def edited(data: bytes, edit: Callable[[Any], object]) -> bytes:
    """The workbook after somebody changed it in a spreadsheet."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    edit(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(data: bytes, change: Callable[[str, bytes], bytes | None], extra: dict[str, bytes] | None = None, **packed: Any) -> bytes:
    """The workbook with its parts changed behind the spreadsheet's back."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", **({"compression": zipfile.ZIP_DEFLATED} | packed)) as new:
        for part in old.infolist():
            content = change(part.filename, old.read(part))
            if content is not None:
                new.writestr(part.filename, content)
        for name, content in (extra or {}).items():
            new.writestr(name, content)
    return out.getvalue()


def keep(name: str, content: bytes) -> bytes:
    return content


# --- the way there and back -----------------------------------------------------------------------

texts = st.text(
    st.sampled_from([*"=+-@'\"\t,;:|!%_x0041 aZ9\n", "\uff1d", "\u0905", "\u00e9", "\U0001f980"]) | st.characters(codec="utf-8"),
    min_size=1,
    max_size=30,
)
line = texts.filter(lambda text: not text_problems("x", text) and text == text.strip())
block = texts.filter(lambda text: not text_problems("x", text, lines=True))


@st.composite
def sheets_of_any_kind(draw: st.DrawFn) -> CostSheet:
    """Sheets that are right: the texts are anything that may be filed, the prices add up."""
    count = draw(st.integers(0, 4))
    part = st.fixed_dictionaries(
        {
            "description": line,
            "hs": st.sampled_from(["080131", "25010010"]),
            "country": st.sampled_from(["IN", "CI"]),
            "value": st.just("1.50"),
        },
        optional={
            "originating": st.just(True),
            "currency": st.sampled_from(["USD", "EUR"]),
            "supplier": line,
            "invoice": line,
            "weight_kg": st.just("2.0"),
            "quantity": st.fixed_dictionaries(
                {"value": st.just("7"), "unit": line.filter(lambda text: len(text) <= 20 and not text.isalpha())}
            ),
        },
    )
    tree = {
        "schema": 1,
        "product": {"description": draw(block), "hs": "200819"},
        "maker": {"name": draw(line), "address": draw(block)},
        "currency": "USD",
        "quantity": {"value": "10.00", "unit": draw(line.filter(lambda text: len(text) <= 20 and not text.isalpha()))},
        "fob": "900.0000",
        "inputs": [draw(part) for _ in range(count)],
        "operations": draw(st.lists(line, max_size=3)),
        "rates": [{"currency": "EUR", "rate": "1.2500"}],
        "final_process_in_india": draw(st.booleans()),
    }
    tree |= draw(
        st.fixed_dictionaries({}, optional={"ex_works": st.just("800"), "evidence": line, "manufactured_by_exporter": st.booleans()})
    )
    tree |= draw(st.fixed_dictionaries({}, optional={"costs": st.just({"profit": "0", "freight_to_port": "1.10"})}))
    return sheet_from_tree(tree)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(sheets_of_any_kind())
def test_importing_ones_own_export_gives_the_same_sheet_back(sheet: CostSheet) -> None:
    assert check_sheet(sheet) == []
    assert from_xlsx(to_xlsx(sheet)) == sheet
    assert from_csv(to_csv(sheet)) == sheet


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(sheets_of_any_kind())
def test_no_cell_of_an_export_begins_with_what_a_spreadsheet_runs(sheet: CostSheet) -> None:
    cells = [text for row in csv.reader(io.StringIO(to_csv(sheet).decode("utf-8-sig"), newline="")) for text in row]
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(sheet)))
    for page in book.worksheets:
        for row in page.iter_rows():
            assert {cell.data_type for cell in row} <= {"s", "n", "inlineStr"}
            cells += [str(cell.value) for cell in row if cell.value is not None]
    assert [text for text in cells if text.startswith(DANGEROUS)] == []


def test_equal_sheets_have_equal_files(sheet: CostSheet, monkeypatch: pytest.MonkeyPatch) -> None:
    first = to_xlsx(sheet)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert to_xlsx(sheet) == first
    moments = zipfile.ZipFile(io.BytesIO(first)).read("docProps/core.xml")
    assert (moments.count(b">1980-01-01T00:00:00Z<"), moments.count(b"T")) == (2, 2 + moments.count(b"W3CDTF"))


def test_every_key_of_a_sheet_has_its_place_in_the_tables() -> None:
    groups = published_sheet_schema()["$defs"]
    whole = set(groups["CostSheet"]["properties"]) - {"costs", "inputs", "rates"}
    inside = {f"{group}.{key}" for group in ("Product", "Maker", "Quantity") for key in groups[group]["properties"]}
    assert set(HEAD) == whole - {"product", "maker", "quantity"} | {name.lower() for name in inside}
    assert set(COSTS) == set(groups["SheetCosts"]["properties"])
    assert set(RATES) == set(groups["Rate"]["properties"])
    assert set(INPUTS) == set(groups["SheetInput"]["properties"]) - {"quantity"} | {"quantity.value", "quantity.unit"}


def test_numbers_that_a_person_typed_into_cells_are_read_as_typed(sheet: CostSheet) -> None:
    def type_in(book: Any) -> None:
        page = book["Inputs"]
        page["D2"], page["B2"], page["F3"] = 3001.77, 80131, True
        book["Cost sheet"]["B1"] = 1

    [problem] = refused(edited(to_xlsx(sheet), type_in))
    assert (problem.box, "'80131'" in problem.say) == ("Inputs!B2", True), "a spreadsheet drops the zero of a code; nobody guesses it back"

    def with_zero(book: Any) -> None:
        type_in(book)
        book["Inputs"]["B2"] = "080131"

    assert from_xlsx(edited(to_xlsx(sheet), with_zero)) == sheet


def test_columns_may_stand_in_any_order_and_rows_may_be_empty(sheet: CostSheet) -> None:
    rows = list(csv.reader(io.StringIO(to_csv(sheet).decode("utf-8-sig"), newline="")))
    at = rows.index(["inputs"])
    turned = [*rows[:at], [], rows[at], *(row[::-1] for row in rows[at + 1 :]), [""] * 12]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows(turned)
    assert from_csv(out.getvalue().encode()) == sheet


# --- mistakes -------------------------------------------------------------------------------------


def test_every_mistake_of_a_workbook_names_sheet_row_and_column(sheet: CostSheet) -> None:
    def spoil(book: Any) -> None:
        book["Inputs"]["C3"], book["Inputs"]["D4"], book["Inputs"]["B2"] = "India", "-5", "08x"
        book["Inputs"]["N2"] = "a remark"
        book["Inputs"]["F2"] = "perhaps"
        book["Cost sheet"]["A9"] = "fobb"
        book["Costs"]["B1"] = "1,200.00"
        book["Rates"]["A2"], book["Rates"]["B2"] = "USD", "x"

    found = {problem.box: problem for problem in refused(edited(to_xlsx(sheet), spoil))}
    assert set(found) >= {"Inputs!C3", "Inputs!D4", "Inputs!B2", "Inputs!N2", "Inputs!F2", "Cost sheet!A9", "Costs!B1", "Rates!B2", "fob"}
    assert found["Inputs!C3"].say.startswith("Inputs!C3 (country) must be two capitals")
    assert "did you mean fob?" in found["Cost sheet!A9"].say
    assert all(problem.say.isprintable() for problem in found.values())


def test_a_check_names_the_cell_and_not_the_path(sheet: CostSheet) -> None:
    def spoil(book: Any) -> None:
        book["Inputs"]["C2"], book["Costs"]["B3"] = "QQ", "594.13"

    [problem] = refused(edited(to_xlsx(sheet), spoil))
    assert (problem.box, problem.say) == ("Inputs!C2", "Inputs!C2 (country) is QQ, which is the code of no country.")
    [cited] = refused(edited(to_xlsx(sheet), lambda book: book["Inputs"].__setitem__("L2", "CS-2222222222")))[:1]
    assert "inputs[" not in cited.say


def test_a_missing_cell_is_named_where_it_would_be(sheet: CostSheet) -> None:
    [problem] = refused(edited(to_xlsx(sheet), lambda book: book["Inputs"].__setitem__("D3", None)))
    assert (problem.box, problem.rule) == ("Inputs!D3", "required")


def test_a_key_or_a_column_that_is_given_twice_is_refused(sheet: CostSheet) -> None:
    def spoil(book: Any) -> None:
        book["Cost sheet"].append(["fob", "1.00"])
        book["Inputs"]["M1"] = "value"

    found = {problem.rule for problem in refused(edited(to_xlsx(sheet), spoil))}
    assert found == {"keys once", "columns once"}


@pytest.mark.parametrize("value", ["=1+1", '=HYPERLINK("http://x")', "=cmd|' /C calc'!A0"])
def test_a_formula_is_refused_with_its_cell(sheet: CostSheet, value: str) -> None:
    [problem] = refused(edited(to_xlsx(sheet), lambda book: book["Inputs"].__setitem__("D2", value)))
    assert (problem.box, problem.rule) == ("Inputs!D2", "no formulas")
    text = to_csv(sheet).decode().replace('"3001.77"', '"' + value.replace('"', '""') + '"')
    [problem] = refused(text.encode(), from_csv)
    assert problem.rule == "no formulas"
    assert problem.box is not None
    assert problem.box.endswith(", column D")


def test_dates_and_errors_of_a_spreadsheet_are_no_values(sheet: CostSheet) -> None:
    import datetime

    def spoil(book: Any) -> None:
        book["Inputs"]["K2"] = datetime.datetime(2026, 1, 2)
        book["Inputs"]["D3"] = "#DIV/0!"

    assert {problem.box for problem in refused(edited(to_xlsx(sheet), spoil))} == {"Inputs!K2", "Inputs!D3"}


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda book: book.remove(book["Rates"]), "no sheet 'Rates'"),
        (lambda book: book.create_sheet("Notes"), "'Notes'"),
        (lambda book: setattr(book["Costs"], "title", "costs"), "no sheet 'Costs'"),
    ],
)
def test_a_workbook_has_its_four_sheets_and_no_other(sheet: CostSheet, edit: Any, says: str) -> None:
    [problem] = refused(edited(to_xlsx(sheet), edit))
    assert says in problem.say


# --- hostile files --------------------------------------------------------------------------------


def test_a_zip_that_unpacks_to_too_much_is_not_unpacked(sheet: CostSheet) -> None:
    bomb = repacked(to_xlsx(sheet), keep, {"xl/media/zeros.bin": bytes(60_000_000)})
    assert len(bomb) < MAX_TABLE_BYTES
    [problem] = refused(bomb)
    assert problem.rule == "size of the workbook"
    [problem] = refused(repacked(to_xlsx(sheet), keep, {f"xl/x{n}.xml": b"" for n in range(200)}))
    assert problem.rule == "size of the workbook"


@pytest.mark.parametrize("tag", [b"<si><t>a</t></si>", b"<c/>", b"<xf/>"])
def test_a_workbook_of_nothing_but_tags_is_not_parsed(sheet: CostSheet, tag: bytes) -> None:
    [problem] = refused(repacked(to_xlsx(sheet), keep, {"xl/more.xml": b"<x>" + tag * 410_000 + b"</x>"}))
    assert (problem.rule, "tags" in problem.say) == ("size of the workbook", True)


def test_the_largest_sheet_goes_there_and_back(sheet_tree: dict[str, Any]) -> None:
    part = {
        "description": "part",
        "hs": "080131",
        "country": "IN",
        "value": "1.00",
        "currency": "USD",
        "originating": True,
        "supplier": "S",
    }
    part |= {"quantity": {"value": "1", "unit": "PCS"}, "weight_kg": "1", "invoice": "I"}
    sheet = sheet_from_tree(sheet_tree | {"inputs": [part] * 2000, "costs": {}, "ex_works": "3000"})
    assert from_xlsx(to_xlsx(sheet)) == sheet
    assert from_csv(to_csv(sheet)) == sheet


def test_a_zip_that_lies_about_its_size_is_refused(sheet: CostSheet) -> None:
    import struct

    data = bytearray(repacked(to_xlsx(sheet), keep, {"xl/zeros.xml": bytes(60_000_000)}))
    for at in (data.find(b"PK\x01\x02", data.rfind(b"xl/zeros.xml") - 46) + 24, data.find(b"xl/zeros.xml") - 8):
        data[at : at + 4] = struct.pack("<I", 10)
    [problem] = refused(bytes(data))
    assert problem.rule == "XLSX"


@pytest.mark.parametrize(
    "name",
    [
        "xl/vbaProject.bin",
        "XL/VBAPROJECT.BIN",
        "xl/externalLinks/externalLink1.xml",
        "xl/embeddings/oleObject1.bin",
        "xl/activeX/activeX1.xml",
        "xl/macrosheets/sheet1.xml",
        "xl/connections.xml",
    ],
)
def test_macros_links_and_embedded_objects_are_refused(sheet: CostSheet, name: str) -> None:
    [problem] = refused(repacked(to_xlsx(sheet), keep, {name: b"x"}))
    assert problem.rule == "no macros, no links"


ENTITY = '<?xml version="1.0"{encoding}?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "prefix",
    [
        ENTITY.format(encoding="").encode(),
        ENTITY.format(encoding=' encoding="utf-16"').encode("utf-16"),
        ENTITY.format(encoding=' encoding="cp037"').encode(),
        b'<?xml version="1.0" encoding="iso-8859-1"?>',
        b"<! doctype x>",
        b"<x>\x00</x>",
    ],
)
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "[Content_Types].xml"])
def test_entities_and_encodings_that_could_hide_them_are_refused(sheet: CostSheet, part: str, prefix: bytes) -> None:
    def change(name: str, content: bytes) -> bytes:
        return prefix + content.partition(b"?>")[2] if name == part else content

    [problem] = refused(repacked(to_xlsx(sheet), change))
    assert problem.rule == "plain XML"


def test_a_workbook_of_a_macro_kind_is_refused(sheet: CostSheet) -> None:
    def change(name: str, content: bytes) -> bytes:
        return content.replace(b"spreadsheetml.sheet.main", b"ms-excel.sheet.macroEnabled.main") if name.startswith("[Content") else content

    [problem] = refused(repacked(to_xlsx(sheet), change))
    assert problem.rule == "no macros, no links"


def test_a_part_that_is_packed_unusually_or_twice_is_refused(sheet: CostSheet) -> None:
    [problem] = refused(repacked(to_xlsx(sheet), keep, compression=zipfile.ZIP_LZMA))
    assert problem.rule == "XLSX"
    [problem] = refused(repacked(to_xlsx(sheet), keep, {"XL/workbook.xml": b"<x/>"}))
    assert problem.rule == "XLSX"


def test_a_cell_far_away_costs_no_more_than_a_refusal(sheet: CostSheet) -> None:
    far = edited(to_xlsx(sheet), lambda book: book["Inputs"].__setitem__("XFD2", "x"))
    deep = edited(to_xlsx(sheet), lambda book: book["Inputs"].__setitem__("A1048576", "x"))
    for data in (far, deep):
        [problem] = refused(data)
        assert (problem.rule, problem.box) == ("size of the table", "Inputs")


def test_a_workbook_that_lies_about_its_dimensions_is_read_as_it_is(sheet: CostSheet) -> None:
    def lie(name: str, content: bytes) -> bytes:
        return content.replace(b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>') if "worksheets/" in name else content

    assert from_xlsx(repacked(to_xlsx(sheet), lie)) == sheet


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_damage_is_read_or_refused(data: st.DataObject, sheet_tree: dict[str, Any]) -> None:
    whole = to_xlsx(sheet_from_tree(sheet_tree))
    at = data.draw(st.integers(0, len(whole) - 1))
    spoilt = whole[:at] + data.draw(st.binary(max_size=8)) + whole[at + data.draw(st.integers(0, 40)) :]
    for read in (from_xlsx, lambda data: read_sheet("sheet", data)):
        with contextlib.suppress(Refused):
            assert check_sheet(read(spoilt)) == []


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_as_csv_are_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        from_csv(data)
    with pytest.raises(Refused):
        from_csv(b"schema,1\ninputs\n" + data)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "XLSX"),
        (b"PK\x03\x04", "XLSX"),
        (b"schema,1", "XLSX"),
        (b"PK" + bytes(MAX_TABLE_BYTES), "file size"),
    ],
)
def test_what_is_no_workbook_is_refused(data: bytes, rule: str) -> None:
    [problem] = refused(data)
    assert problem.rule == rule


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"a," * 50, "size of the table"),
        (b"a\n" * (MOST_ROWS + 1), "size of the table"),
        (b"\xff\xfe", "UTF-8"),
        (b'schema,"1', "CSV"),
        (b'schema,"1" x', "CSV"),
        (b"x" * (MAX_TABLE_BYTES + 1), "file size"),
        (b"schema," + b"x" * 200_000, "CSV"),
    ],
)
def test_what_is_no_csv_of_ours_is_refused(data: bytes, rule: str) -> None:
    [problem, *_] = refused(data, from_csv)
    assert problem.rule == rule
