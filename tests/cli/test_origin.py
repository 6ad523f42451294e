"""`ecoo origin` and `ecoo cost-sheet`: arithmetic in words and as JSON, other schemes, and sheets from format to format."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from engine.cli.app import run
from engine.filing.sheets import check_sheet, read_sheet


def convert(shell: Any, *paths: str) -> Any:
    """Needs no site."""
    shell.capture.readouterr()
    code = run(["cost-sheet", "convert", *paths])
    return code, shell.capture.readouterr().err


def test_each_step_stands_there_with_its_rule_and_source(shell: Any, write: Any, example: dict[str, Any]) -> None:
    ended = shell.ecoo("origin", write(example))
    assert ended.code == 0
    assert "AIFTA, form version" in ended.out
    assert "(1260.00 + 3150.00 + 1890.00 + 2100.00) / 21000.00 * 100 = 40.00 %; at least 35 %" in ended.out
    assert "Rule 5" in ended.out
    told = shell.ecoo("origin", write(example), "--json").json
    assert told["outcome"] == "passes"
    assert len(told["lines"]) == len(example["items"])


def test_elsewhere_lists_who_serves_the_destination_in_words_and_everyone_as_json(shell: Any, write: Any, example: dict[str, Any]) -> None:
    ended = shell.ecoo("origin", write(example), "--elsewhere")
    table = ended.out.partition("where else")[2]
    assert "AIFTA" in table
    assert "UAE" not in table
    told = shell.ecoo("origin", write(example), "--elsewhere", "--json").json
    assert {len(each) for each in told["elsewhere"]} == {24}


def test_a_cost_sheet_is_tried_on_all_schemes_or_on_those_to_one_country(shell: Any, write: Any, sheet_tree: dict[str, Any]) -> None:
    told = shell.ecoo("origin", write(sheet_tree, "sheet.json"), "--json").json
    assert len(told["verdicts"]) == 24
    to = shell.ecoo("origin", write(sheet_tree, "sheet.json"), "--to", "br")
    assert "MERCOSUR" in to.out
    assert "AIFTA" not in to.out
    assert "10.03" in to.out


def test_without_a_site_it_says_whose_forms_it_uses(shell: Any, write: Any, example: dict[str, Any]) -> None:
    path = write(example)
    assert shell.ecoo("origin", path).err == ""
    for more in ([], ["--json"]):
        shell.capture.readouterr()
        assert run(["origin", path, *more]) == 0
        told = shell.capture.readouterr()
        assert "no engine.toml here: the forms that come with ecoo are used" in told.err
    assert json.loads(told.out)["outcome"] == "passes"


def test_a_site_that_is_named_and_is_not_there_is_an_error_and_never_other_forms(
    shell: Any, write: Any, example: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = write(example)
    monkeypatch.setenv("ECOO_CONFIG", str(tmp_path / "elsewhere.toml"))
    shell.capture.readouterr()
    assert run(["origin", path]) == 5
    told = shell.capture.readouterr()
    assert "There is no configuration at" in told.err
    assert told.out == ""


def test_a_site_in_the_working_folder_is_used_without_a_word(
    shell: Any, write: Any, example: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shell.site.parent)
    path = write(example)
    shell.capture.readouterr()
    assert run(["origin", path]) == 0
    assert shell.capture.readouterr().err == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fob": "0"}, "fob"),
        ({"currency": "XXX"}, "currency"),
        ({"surprise": 1}, "surprise"),
        ({"ex_works": "9999.00"}, "ex_works"),
    ],
)
def test_a_sheet_that_cannot_be_right_is_refused_with_the_field(
    change: dict[str, Any], words: str, shell: Any, write: Any, sheet_tree: dict[str, Any]
) -> None:
    ended = shell.ecoo("origin", write({**sheet_tree, **change}, "sheet.json"), "--json")
    assert ended.code == 2
    assert any(words in (problem["box"] or "") for problem in ended.json["error"]["problems"])


def test_a_country_goes_with_a_cost_sheet_alone(shell: Any, write: Any, example: dict[str, Any], sheet_tree: dict[str, Any]) -> None:
    assert "cost sheet" in shell.ecoo("origin", write(example), "--to", "VN").err
    assert shell.ecoo("origin", write(sheet_tree, "s.json"), "--to", "Atlantis").code == 2
    broken = shell.ecoo("origin", write(b"{"), "--to", "VN")
    assert "--to" not in broken.err, "what is wrong with the file comes first"


def test_a_sheet_keeps_all_it_says_from_format_to_format(shell: Any, write: Any, sheet_tree: dict[str, Any], tmp_path: Path) -> None:
    before = write(sheet_tree, "first.json")
    for name in ("a.xlsx", "b.csv", "c.json"):
        assert convert(shell, before, str(tmp_path / name))[0] == 0
        before = str(tmp_path / name)
    assert json.loads(Path(before).read_text()) == sheet_tree


@pytest.mark.parametrize("ending", ["xlsx", "csv", "json"])
def test_a_new_sheet_is_an_example_with_every_key_that_is_right_as_it_stands(shell: Any, tmp_path: Path, ending: str) -> None:
    made = tmp_path / f"mine.{ending}"
    assert run(["cost-sheet", "new", str(made)]) == 0
    assert run(["cost-sheet", "new", str(made)]) == 2, "never over what a person filled in"
    sheet = read_sheet(made.name, made.read_bytes())
    assert list(check_sheet(sheet)) == []
    for node in (sheet, sheet.product, sheet.costs, sheet.inputs[0]):
        unset = [name for name in node.__struct_fields__ if getattr(node, name) in (None, ())]
        assert set(unset) <= {"currency", "cost_sheet", "manufactured_by_exporter"}, unset
    assert "AIFTA" in shell.ecoo("origin", str(made), "--to", "VN").out


def test_a_sheet_is_never_written_over_another_file_and_never_as_something_unknown(
    shell: Any, write: Any, sheet_tree: dict[str, Any], tmp_path: Path
) -> None:
    taken = tmp_path / "taken.xlsx"
    taken.write_bytes(b"mine")
    assert "never overwritten" in convert(shell, write(sheet_tree, "s.json"), str(taken))[1]
    assert taken.read_bytes() == b"mine"
    assert ".xlsx" in convert(shell, write(sheet_tree, "s.json"), str(tmp_path / "x.ods"))[1]
    wrong = copy.deepcopy(sheet_tree) | {"fob": "0"}
    assert convert(shell, write(wrong, "w.json"), str(tmp_path / "w.csv"))[0] == 2
    assert not (tmp_path / "w.csv").exists()
