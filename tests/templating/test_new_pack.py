"""A pack made by the tool: it keeps every promise before anything is filled in, and says what must be."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine import config as configuration
from engine.contracts.form import Form
from engine.errors import Refused
from engine.packs import sheet_reader
from engine.promises import template
from engine.registry import load
from engine.templating import RemarkKind, judge, new_pack

TODAY = date(2026, 11, 21)
SHEETS = sorted(
    entry.name for entry in (Path(template.__file__).parents[2] / "plugins" / "templates" / "sheets").iterdir() if entry.is_dir()
)


@pytest.fixture
def make(tmp_path: Path) -> Any:
    """Makes a pack on a sheet of ecoo's and gives its form, as a site that names the folder reads it."""

    def made(sheet: str, code: str = "NEWTREATY") -> Form:
        found = load()
        layout = sheet_reader((), Path(template.__file__).parents[2] / "plugins" / "templates" / "sheets")(f"ecoo:{sheet}")
        model = next((form for form in found.forms() if form.sheet.name == layout.name), found.form("AIFTA", TODAY))
        new_pack(tmp_path / "packs", code, layout, model)
        (tmp_path / "engine.toml").write_text('[templates]\nfolders = ["packs"]\n', encoding="utf-8")
        return load(configuration.load(tmp_path / "engine.toml", {})).form(code, TODAY)

    return made


@pytest.mark.parametrize("sheet", SHEETS)
async def test_a_new_pack_on_any_sheet_keeps_every_promise(sheet: str, make: Any, drawing_room: Any) -> None:
    form = make(sheet)
    kept = await template.promises(form, drawing_room, TODAY)
    assert {each.name: each.say for each in kept if not each.kept} == {}
    assert not [remark for remark in judge(form, TODAY) if remark.kind is RemarkKind.CONTRADICTION]


def test_a_new_pack_claims_nothing_that_it_does_not_know(make: Any) -> None:
    form = make("combined12")
    assert form.validity_months is None
    said = " ".join(remark.say for remark in judge(form, TODAY) if remark.kind is RemarkKind.UNSET)
    for thing in ("headings", "wording", "partners", "validity", "general rule", "product specific rules"):
        assert thing in said, thing


@pytest.mark.parametrize("code", ["", "acme", "9LIVES", "A" * 21, "../UP", "A B", "ACME\n"])
def test_a_code_that_is_none_is_refused_and_nothing_is_written(code: str, make: Any, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no code of a scheme"):
        make("combined12", code)
    assert not (tmp_path / "packs").exists()


def test_a_pack_that_is_there_is_never_overwritten(make: Any, tmp_path: Path) -> None:
    make("combined12")
    form = tmp_path / "packs" / "newtreaty" / "form.toml"
    form.write_text("mine", encoding="utf-8")
    with pytest.raises(Refused, match="there already"):
        make("combined12")
    assert form.read_text(encoding="utf-8") == "mine"


def test_what_is_commented_out_in_the_rules_is_a_rule_that_can_be_used(make: Any, tmp_path: Path) -> None:
    make("combined12")
    path = tmp_path / "packs" / "newtreaty" / "origin.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    first = next(n for n, line in enumerate(lines) if line == "# [[criteria]]")
    last = next(n for n, line in enumerate(lines) if line.startswith('# rule = "Article ..."'))
    lines[first : last + 1] = [line.removeprefix("#").removeprefix(" ") for line in lines[first : last + 1]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert {"value", "shift"} <= set(tomllib.loads(path.read_text(encoding="utf-8"))["tests"])
    form = load(configuration.load(tmp_path / "engine.toml", {})).form("NEWTREATY", TODAY)
    assert [criterion.code for criterion in form.origin.criteria] == ["WO", "RVC+CTH"]
    assert not [remark for remark in judge(form, TODAY) if remark.kind is RemarkKind.CONTRADICTION]
