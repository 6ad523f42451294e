"""`ecoo template`: from nothing to an issued certificate of a new agreement, looked at and judged on the way."""

import json
from pathlib import Path
from typing import Any

from PIL import Image


def name_folder(shell: Any, folder: Path) -> None:
    with shell.site.open("a") as out:
        out.write(f'\n[templates]\nfolders = ["{folder}"]\n')


def test_a_new_agreement_issues_after_one_command_and_one_line(shell: Any, tmp_path: Path) -> None:
    made = shell.ecoo("template", "new", "NEWTREATY", "--sheet", "combined12", "--at", str(tmp_path / "packs"))
    assert made.code == 0, made
    assert "[templates]" in made.out
    name_folder(shell, tmp_path / "packs")
    checked = shell.ecoo("template", "check", "NEWTREATY", "--json")
    assert (checked.code, checked.json["ok"]) == (0, True)
    assert {remark["kind"] for remark in checked.json["forms"][0]["remarks"]} == {"unset"}
    issued = shell.ecoo("issue", str(tmp_path / "packs" / "newtreaty" / "example.json"), "--json")
    assert (issued.code, issued.json["state"]) == (0, "issued"), issued.err


def test_a_code_that_is_taken_or_a_sheet_that_is_not_there_is_refused(shell: Any, tmp_path: Path) -> None:
    for arguments, words in ((("AIFTA",), "AIFTA already"), (("NEW", "--sheet", "papyrus"), "combined12")):
        ended = shell.ecoo("template", "new", *arguments, "--at", str(tmp_path / "packs"), "--json")
        assert ended.code == 2
        assert words in ended.json["error"]["say"]
    assert not (tmp_path / "packs").exists()


def test_a_preview_is_the_example_the_longest_values_and_each_leaf_as_pdf_and_pictures(shell: Any, tmp_path: Path) -> None:
    out = tmp_path / "look"
    ended = shell.ecoo("template", "preview", "AIFTA", "--out", str(out), "--json")
    assert ended.code == 0, ended
    files = {Path(path).name for path in ended.json["files"]}
    for name in ("example", "longest", "original", "quadruplicate"):
        assert f"aifta-{name}.pdf" in files
        assert (out / f"aifta-{name}.pdf").read_bytes().startswith(b"%PDF")
        assert Image.open(out / f"aifta-{name}-1.png").size[1] > 1000


def test_a_preview_of_a_version_that_is_not_there_names_those_that_are(shell: Any) -> None:
    ended = shell.ecoo("template", "preview", "AIFTA", "--version", "1066", "--json")
    assert ended.code == 2
    assert "2026.1" in ended.json["error"]["say"]


def test_a_contradiction_ends_with_2_and_says_where(shell: Any, tmp_path: Path) -> None:
    shell.ecoo("template", "new", "NEWTREATY", "--at", str(tmp_path / "packs"))
    name_folder(shell, tmp_path / "packs")
    example = tmp_path / "packs" / "newtreaty" / "example.json"
    tree = json.loads(example.read_text())
    tree["destination"] = "BR"
    example.write_text(json.dumps(tree))
    ended = shell.ecoo("template", "check", "NEWTREATY", "--json")
    assert ended.code == 2
    wrong = [remark for remark in ended.json["forms"][0]["remarks"] if remark["kind"] == "contradiction"]
    assert any("destination" in remark["where"] for remark in wrong)
    assert "contradiction" in shell.ecoo("template", "check", "NEWTREATY").out


def test_a_check_of_an_unknown_scheme_names_the_known_ones(shell: Any) -> None:
    ended = shell.ecoo("template", "check", "ATLANTIS", "--json")
    assert ended.code == 2
    assert "AIFTA" in ended.json["error"]["say"]
