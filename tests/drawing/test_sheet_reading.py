"""Reading sheets: one that is like another, columns that a form may fill otherwise or leave out, and mistakes in both."""

import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from engine.contracts.form import Form, Paper, Retrospective
from engine.errors import PluginError
from engine.packs import builtin_packs, read_forms, sheet_reader

PACKS = files("plugins").joinpath("templates")
HERE = Path(__file__).parent / "packs"

Write = Callable[..., Form]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Reads the test form of a sheet after changes in its form.toml; `sheets` are files written beside the sheets of ecoo."""
    shutil.copytree(str(PACKS / "sheets"), tmp_path / "sheets")

    def made(pack: str, *changes: tuple[str, str], sheets: dict[str, str] | None = None) -> Form:
        shutil.copytree(HERE / pack, tmp_path / "packs" / pack, dirs_exist_ok=True)
        form = tmp_path / "packs" / pack / "form.toml"
        text = form.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        form.write_text(text, encoding="utf-8")
        for name, content in (sheets or {}).items():
            (tmp_path / "sheets" / name).parent.mkdir(exist_ok=True)
            (tmp_path / "sheets" / name).write_text(content, encoding="utf-8")
        packs = builtin_packs(tmp_path / "packs")
        return read_forms(packs[0], sheet_reader(packs, tmp_path / "sheets"))[0]

    return made


def test_a_sheet_takes_what_it_does_not_give_from_the_one_it_is_like(write: Write) -> None:
    form = write("combined12", ("ecoo:combined12", "ecoo:mine"), sheets={"mine/sheet.toml": 'like = "ecoo:combined12"\npad = 1.4\n'})
    like = plain()
    assert form.sheet.geometry.pad == 1.4
    assert form.sheet.geometry.closing == like.sheet.geometry.closing
    assert form.sheet.html == like.sheet.html
    assert form.sheet.name == "ecoo:mine"


def plain() -> Form:
    """The test form of combined12 as it is."""
    packs = builtin_packs(HERE)
    pack = next(pack for pack in packs if pack.name == "combined12")
    return read_forms(pack, sheet_reader(packs, PACKS / "sheets"))[0]


def test_a_sheet_like_another_may_have_html_of_its_own(write: Write) -> None:
    own = (PACKS / "sheets" / "combined12" / "sheet.html").read_text(encoding="utf-8").replace("<body>", '<body class="mine">')
    sheets = {"mine/sheet.toml": 'like = "ecoo:combined12"\n', "mine/sheet.html": own}
    assert write("combined12", ("ecoo:combined12", "ecoo:mine"), sheets=sheets).sheet.html == own


@pytest.mark.parametrize(
    ("sheets", "say"),
    [
        ({"mine/sheet.toml": 'like = "ecoo:mine"\n'}, "leads back to itself"),
        ({"mine/sheet.toml": 'like = "ecoo:two"\n', "two/sheet.toml": 'like = "ecoo:mine"\n'}, "leads back to itself"),
        ({"mine/sheet.toml": 'like = "ecoo:absent"\n'}, "sheet ecoo:absent: sheet.toml is missing"),
        ({"mine/sheet.toml": 'like = "other:combined12"\n'}, "no known pack"),
        ({"mine/sheet.toml": 'like = "ecoo:combined12"\nstrange = 1\n'}, "sheet ecoo:mine, sheet.toml: .*strange"),
    ],
)
def test_a_sheet_that_is_like_nothing_is_refused(write: Write, sheets: dict[str, str], say: str) -> None:
    with pytest.raises(PluginError, match=say):
        write("combined12", ("ecoo:combined12", "ecoo:mine"), sheets=sheets)


def test_a_form_may_fill_a_column_with_another_field_and_the_goods_give_the_width(write: Write) -> None:
    hs = plain()
    numbered = write("combined12", ('field = "hs"', 'field = "item_number"'))
    width = [{box.field: box.width_mm for box in form.boxes if box.in_rows} for form in (hs, numbered)]
    assert width[0]["hs"] - width[1]["item_number"] == pytest.approx(7)
    assert width[1]["goods"] - width[0]["goods"] == pytest.approx(7)


def test_an_optional_column_stands_only_on_a_form_that_has_a_box_for_it(write: Write) -> None:
    bare = _neutral(write)
    wide = _neutral(write, '  { no = "14", heading = "Origin criterion", field = "criterion" },\n')
    assert "criterion" not in {box.field for box in bare.boxes}
    goods = [next(box.width_mm for box in form.boxes if box.field == "goods") for form in (bare, wide)]
    assert goods[0] - goods[1] == pytest.approx(24)


@pytest.mark.parametrize(
    ("change", "say"),
    [
        (('field = "hs"', 'field = "smoke"'), "columns that no box fills: item_number or hs"),
        (('field = "marks"', 'field = "item_number"'), "fields hs and item_number, which are the same column"),
        (('field = "hs"', 'field = "hs", column = 30.0'), "add up to 197 mm"),
        (('field = "goods"', 'field = "goods", column = 4.0'), "add up to"),
        (('field = "marks"', 'field = "marks", column = 87.0'), "add up to"),
    ],
)
def test_columns_that_do_not_fit_are_refused(write: Write, change: tuple[str, str], say: str) -> None:
    with pytest.raises(PluginError, match=say):
        write("combined12", change)


def test_the_columns_of_the_joined_table_are_marked_and_as_wide_as_that_table(write: Write) -> None:
    form = write("mercosur13")
    criterion, order = (next(box for box in form.boxes if box.field == field) for field in ("criterion", "item_number"))
    assert criterion.joined
    assert criterion.in_rows
    assert criterion.width_mm > 150
    assert not order.joined


def test_a_form_says_when_it_is_retrospective_on_what_paper_and_in_what_language(write: Write) -> None:
    tables = """kinds = ["new"]
language = "English"
paper = { colour = "light pink" }
retrospective = { after_days = 5, working_days = true, max_months = 12, rule = "Rule 18" }
third_party = { remarks = "Invoiced by {name}", source = "a test" }
weak = ["validity"]
"""
    form = write("combined12", ('kinds = ["new", "in-lieu", "retrospective"]\n', tables))
    assert form.language == "English"
    assert form.paper == Paper(colour="light pink")
    assert form.retrospective == Retrospective(after_days=5, working_days=True, max_months=12, rule="Rule 18")
    assert form.weak == ("validity",)
    assert form.names_third_party
    bare = plain()
    assert (bare.language, bare.paper, bare.retrospective, bare.third_party, bare.names_third_party) == ("", None, None, None, False)
    assert bare.sha256 != form.sha256


def test_an_unknown_key_of_the_retrospective_rule_is_named(write: Write) -> None:
    with pytest.raises(PluginError, match=r"form\.toml: .*after_weeks.*retrospective"):
        write("combined12", ("hs_digits = [6]", "hs_digits = [6]\nretrospective = { after_weeks = 1 }"))


def _neutral(write: Write, more: str = "") -> Form:
    """The boxes of the neutral sheet on the form of combined12."""
    old = (HERE / "combined12" / "form.toml").read_text(encoding="utf-8")
    boxes = old[old.index("boxes = [") : old.index("[wording]")]
    fields = "exporter consignee transport countries_of_origin destination remarks item_number marks goods weight_value invoice declaration certification"
    rows = "".join(f'  {{ no = "{no}", heading = "{field}", field = "{field}" }},\n' for no, field in enumerate(fields.split(), 1))
    return write("combined12", ("ecoo:combined12", "ecoo:neutral"), (boxes, f"boxes = [\n{rows}{more}]\n"))
