"""Packs: folders become forms, and what is wrong in them is refused by file and key."""

import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from engine.contracts.form import Form
from engine.errors import ConfigError, PluginError
from engine.packs import builtin_packs, read_face, read_forms, sheet_reader

TEMPLATES = files("plugins").joinpath("templates")


def read(root: Path, name: str = "aifta") -> tuple[Form, ...]:
    packs = builtin_packs(root)
    sheets = sheet_reader(packs, root / "sheets")
    return read_forms(next(pack for pack in packs if pack.name == name), sheets)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the built-in packs to spoil."""
    shutil.copytree(str(TEMPLATES), tmp_path / "templates")
    return tmp_path / "templates"


Spoil = Callable[[str, str, str], None]


@pytest.fixture
def spoil(root: Path) -> Spoil:
    """Replaces a text in a file of the copy; the text must be there."""

    def replace(path: str, old: str, new: str) -> None:
        text = (root / path).read_text(encoding="utf-8")
        assert old in text
        (root / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace


def test_every_built_in_pack_is_read(root: Path) -> None:
    packs = builtin_packs(root)
    sheets = sheet_reader(packs, root / "sheets")
    schemes = {form.scheme for pack in packs for form in read_forms(pack, sheets)}
    assert len(packs) == len(schemes) == 24
    assert "sheets" not in {pack.name for pack in packs}


def test_form_ai_prints_the_sourced_boxes(root: Path) -> None:
    (form,) = read(root)
    assert [box.no for box in form.boxes] == [str(number) for number in range(1, 13)]
    assert form.box("8").heading == "Origin criterion (see Notes Overleaf)"
    assert form.heading == ("ASEAN-INDIA FREE TRADE AREA", "PREFERENTIAL TARIFF", "CERTIFICATE OF ORIGIN")
    assert form.wording["electronic_copy"] == "(ELECTRONIC COPY)"
    assert form.serves("VN")
    assert not form.serves("DE")


def test_a_form_that_nobody_could_source_says_what_is_unconfirmed(root: Path) -> None:
    (form,) = read(root, "np")
    assert any("headings" in item for item in form.unconfirmed)
    assert "NON-PREFERENTIAL" in " ".join(form.heading)
    assert not form.preferential


def test_boxes_learn_their_width_and_lines_from_the_sheet(root: Path) -> None:
    (form,) = read(root)
    assert form.box("1").lines == 6
    assert form.box("12").lines == 0
    assert [box.no for box in form.boxes if box.in_rows] == ["5", "6", "7", "8", "9", "10"]
    assert form.row_lines >= 20


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("aifta/form.toml", 'form_name = "Form AI"', 'form_name = "Form AJ"'),
        ("aifta/origin.toml", 'rule = "', 'rule = "Now: '),
        ("sheets/combined12/sheet.toml", "pt = 7.2\n", "pt = 7.0\n"),
        ("sheets/combined12/sheet.html", "<body>", "<body >"),
    ],
)
def test_the_hash_of_a_form_covers_everything_that_is_printed_or_judged_by(root: Path, spoil: Spoil, path: str, old: str, new: str) -> None:
    before = read(root)[0].sha256
    assert before == read(root)[0].sha256
    spoil(path, old, new)
    assert read(root)[0].sha256 != before


def test_product_rules_have_a_hash_of_their_own_and_may_grow_without_a_new_form(root: Path, spoil: Spoil) -> None:
    (before,) = read(root, "ehs")
    spoil("ehs/products.csv", "VA 30", "VA 31")
    (after,) = read(root, "ehs")
    assert after.sha256 == before.sha256
    assert after.origin.products_sha256 != before.origin.products_sha256


def test_a_pack_brings_product_rules_of_its_own_scheme_alone(root: Path, spoil: Spoil) -> None:
    spoil("ehs/products.csv", "EHS,160413", "UAE,160413")
    with pytest.raises(PluginError, match=r"products\.csv: it has rules for UAE"):
        read(root, "ehs")


@pytest.mark.parametrize(
    ("path", "old", "new", "say"),
    [
        ("aifta/form.toml", "contract = 1", "contract = 2", "contract = 2"),
        ("aifta/form.toml", "contract = 1", 'contract = 1\ncolour = "pink"', "colour"),
        ("aifta/form.toml", 'no = "1"', 'no = "1"\nsize = 3', r"size.*boxes\[0\]"),
        ("aifta/form.toml", 'no = "2"', 'no = "1"', "box 1 .*twice"),
        ("aifta/form.toml", 'field = "transport"', 'field = "smoke"', "'smoke'"),
        ("aifta/form.toml", 'field = "marks"', 'field = "official_use"', "official_use|marks"),
        ("aifta/form.toml", 'field = "marks"', 'field = "marks"\ncolumn = 60.0', "219 mm"),
        ("aifta/form.toml", "ecoo:combined12", "ecoo:nowhere", "sheet.toml is missing"),
        ("aifta/form.toml", "ecoo:combined12", "../../etc:x", "no known pack"),
        ("aifta/form.toml", "ecoo:combined12", "ecoo:../aifta", "no known pack"),
        ("aifta/form.toml", "contract = 1", "contract = = 1", "not TOML"),
        ("aifta/form.toml", 'version = "2026.1"', "version = 2026", "version"),
        ("sheets/combined12/sheet.toml", "contract = 1", "contract = 9", "contract = 9"),
        ("sheets/combined12/sheet.toml", "pad = 1.2", "pad = 1.2\npadding = 3", "padding"),
        ("sheets/combined12/sheet.toml", 'field = "marks", w = 27.0', 'field = "marks", w = 28.0', "187"),
    ],
)
def test_a_mistake_is_refused_by_file_and_key(root: Path, spoil: Spoil, path: str, old: str, new: str, say: str) -> None:
    spoil(path, old, new)
    with pytest.raises(PluginError, match=say) as refused:
        read(root)
    assert path.rsplit("/", 1)[1] in refused.value.say or "sheet" in refused.value.say


@pytest.mark.parametrize("name", ["origin.toml", "form.toml"])
def test_a_pack_without_one_of_its_files_is_refused_and_not_guessed(root: Path, name: str) -> None:
    packs = builtin_packs(root)
    (root / "aifta" / name).unlink()
    pack = next(pack for pack in packs if pack.name == "aifta")
    with pytest.raises(PluginError, match=name):
        read_forms(pack, sheet_reader(packs, root / "sheets"))


def test_a_pack_may_bring_its_own_sheet_and_an_older_version_of_its_form(root: Path, spoil: Spoil) -> None:
    shutil.copytree(root / "sheets" / "combined12", root / "aifta" / "sheets" / "mine")
    older = (root / "aifta" / "form.toml").read_text(encoding="utf-8").replace("2026.1", "2020.1").replace("ecoo:combined12", "aifta:mine")
    (root / "aifta" / "form-2020.toml").write_text(older, encoding="utf-8")
    old, new = read(root)
    assert (old.version, old.sheet.name) == ("2020.1", "aifta:mine")
    assert new.version == "2026.1"
    spoil("aifta/form-2020.toml", "2020.1", "2026.1")
    with pytest.raises(PluginError, match="same version"):
        read(root)


def test_a_font_that_is_not_installed_is_named_with_its_package(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fonts-dejavu-core"):
        read_face(tmp_path / "DejaVuSans.ttf")


def test_a_face_knows_what_it_can_draw(root: Path) -> None:
    (form,) = read(root)
    assert form.regular.missing("Nguyễn Müller ₹ Ελλάς Москва") == ""
    assert form.regular.missing("हिन्दी") != ""
    assert form.regular.width_mm("i", 10) < form.regular.width_mm("W", 10)
