"""A pack of an operator's folder, spoiled key by key: each refusal names the plugin, the pack, the file and the key."""

import json
import shutil
import tomllib
from datetime import date
from pathlib import Path

import msgspec
import pytest

from engine import config as configuration
from engine import packs
from engine.contracts.sheet import Geometry
from engine.errors import PluginError
from engine.registry import load

PACKS = Path(__file__).parent / "guest" / "acme_ecoo" / "packs"
TODAY = date(2026, 11, 21)
FORM = {field.name: field for field in msgspec.structs.fields(packs._FormFile)}
GEOMETRY = {field.name: field for field in msgspec.structs.fields(Geometry)}


def as_toml(value):
    """A value as inline TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {as_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value)


@pytest.fixture
def pack(tmp_path):
    """The guest's pack `acme` in a folder of an operator; `load` reads it as engine.toml says."""
    shutil.copytree(PACKS / "acme", tmp_path / "ours" / "acme")
    (tmp_path / "engine.toml").write_text('[templates]\nfolders = ["ours"]\n')
    return tmp_path / "ours" / "acme"


def loaded(pack):
    return load(configuration.load(pack.parents[1] / "engine.toml", {}))


def spoil(file, **changes):
    """Writes the file again with these keys changed, or without those that are None."""
    table = tomllib.loads(file.read_text()) | changes
    file.write_text("".join(f"{json.dumps(key)} = {as_toml(value)}\n" for key, value in table.items() if value is not None))


def refused(pack):
    with pytest.raises(PluginError) as caught:
        loaded(pack)
    assert "template_acme" in caught.value.say
    assert "coo_templates" in caught.value.say
    assert "pack acme" in caught.value.say
    return caught.value.say


def test_the_pack_that_is_spoiled_below_is_a_good_one(pack):
    form = loaded(pack).form("ACME", TODAY)
    assert form.sheet.name == "acme:simple"
    spoil(pack / "form.toml")
    spoil(pack / "sheets" / "simple" / "sheet.toml")
    assert loaded(pack).form("ACME", TODAY).sha256 == form.sha256


def test_a_pack_of_a_folder_is_listed_with_its_folder(pack):
    listed = next(each for each in loaded(pack).plugins if each.id == "ACME")
    assert (listed.kind, listed.version, listed.source) == ("template", "2026.1", str(pack.parent))


@pytest.mark.parametrize("key", [name for name, field in FORM.items() if field.required])
def test_a_key_that_is_missing_from_the_form_is_named(pack, key):
    spoil(pack / "form.toml", **{key: None})
    said = refused(pack)
    assert "form.toml" in said
    assert f"`{key}`" in said


@pytest.mark.parametrize("key", list(FORM))
def test_a_key_of_another_type_is_named(pack, key):
    spoil(pack / "form.toml", **{key: [[7.5]]})
    said = refused(pack)
    assert "form.toml" in said
    assert f"$.{key}" in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"contract": 2}, ["contract = 2", "contract 1"]),
        ({"colour": "red"}, ["`colour`"]),
        ({"code": "acme plus"}, ["code", "'acme plus'"]),
        ({"version": " "}, ["version is empty"]),
        ({"title": ""}, ["title is empty"]),
        ({"form_name": ""}, ["form_name is empty"]),
        ({"heading": []}, ["heading is empty"]),
        ({"partners": []}, ["partners", "ISO 3166-1"]),
        ({"partners": ["Vietnam"]}, ["partners", "Vietnam"]),
        ({"issuer_kinds": ["bank"]}, ["issuer_kinds", "bank", "agency, self"]),
        ({"issuer_kinds": []}, ["issuer_kinds"]),
        ({"kinds": ["nwe"]}, ["kinds", "nwe", "in-lieu"]),
        ({"hs_digits": [7]}, ["hs_digits", "7", "4, 6, 8, 10"]),
        ({"sheet": "acme:absent"}, ["sheet acme:absent", "missing"]),
        ({"sheet": "zenith:simple"}, ["zenith:simple", "no known pack", "form.toml"]),
        ({"sheet": "acme:../../acme/sheets/simple"}, ["no known pack"]),
        ({"sheet": "simple"}, ["no known pack"]),
        ({"boxes": []}, ["goods columns that no box fills"]),
        ({"leaves": [{"name": "../up", "title": "A", "ink": True}]}, ["leaves[0].name"]),
        ({"leaves": [{"name": "original", "title": "A", "ink": True}] * 2}, ["leaves", "twice"]),
    ],
)  # fmt: skip
def test_a_value_that_nobody_could_use_is_named_by_its_key(pack, changes, words):
    spoil(pack / "form.toml", **changes)
    said = refused(pack)
    assert [word for word in words if word not in said] == []


def test_dates_the_wrong_way_round_are_named(pack):
    with (pack / "form.toml").open("r+") as form:
        text = form.read()
        form.seek(0)
        form.write("effective_from = 2027-01-01\neffective_until = 2026-01-01\n" + text)
    assert "effective_until is before effective_from" in refused(pack)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"field": "exporters"}, ["'exporters'", "acme:simple"]),
        ({"no": "2"}, ["box 2"]),
        ({"field": "goods"}, ["'goods'", "twice"]),
        ({"colour": "red"}, ["`colour`", "$.boxes[0]"]),
    ],
)
def test_a_box_that_does_not_fit_its_sheet_is_named(pack, change, words):
    boxes = tomllib.loads((pack / "form.toml").read_text())["boxes"]
    spoil(pack / "form.toml", boxes=[boxes[0] | change, *boxes[1:]])
    said = refused(pack)
    assert [word for word in words if word not in said] == []


def test_a_column_that_is_too_wide_for_the_table_is_said_in_millimetres(pack):
    boxes = tomllib.loads((pack / "form.toml").read_text())["boxes"]
    spoil(pack / "form.toml", boxes=[box | ({"column": 99.0} if box["field"] == "goods" else {}) for box in boxes])
    assert "the form is 180 mm wide" in refused(pack)


@pytest.mark.parametrize("key", list(GEOMETRY))
def test_a_key_of_the_sheet_of_another_type_is_named(pack, key):
    spoil(pack / "sheets" / "simple" / "sheet.toml", **{key: "wide"})
    said = refused(pack)
    assert "sheet acme:simple, sheet.toml" in said
    assert key in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"criteria": []}, ["at least one [[criteria]]"]),
        ({"criteria": None}, ["`criteria`"]),
        ({"sources": None}, ["`sources`"]),
        ({"tests": None}, ["`tests`"]),
        ({"tests": {"country": {"test": "planet", "rule": "r"}}}, ["planet"]),
        ({"tests": {"country": {"rule": "r"}}}, ["`test`"]),
        ({"always": ["climate"]}, ["always", "'climate'", "[tests.climate]"]),
        ({"de_minimis": [{"of": "value", "rule": "r"}]}, ["de_minimis[0]", "pct", "`unset`"]),
        ({"de_minimis": [{"of": "value", "pct": 101, "rule": "r"}]}, ["de_minimis[0]", "101", "0 to 100"]),
        ({"de_minimis": [{"of": "value", "pct": 7.5, "rule": "r"}]}, ["de_minimis[0].pct"]),
        ({"de_minimis": [{"of": "value", "pct": "\u0967\u0966", "rule": "r"}]}, ["no number"]),
        ({"de_minimis": [{"of": "value", "pct": "4e1", "rule": "r"}]}, ["no number"]),
        ({"de_minimis": [{"of": "value", "pct": 10, "rule": "r", "chapters": ["63-50"]}]}, ["63-50", "backwards"]),
        ({"de_minimis": [{"of": "value", "pct": "ten", "rule": "r"}]}, ["'ten'", "no number"]),
        ({"de_minimis": [{"of": "value", "pct": 10, "rule": "r", "chapters": ["50-"]}]}, ["chapters"]),
        ({"criteria": [{"code": "WO", "meaning": "m", "as_printed": "p", "tests": []}]}, ["tests"]),
        ({"criteria": [{"code": "WO", "meaning": "m", "as_printed": "p", "tests": ["country"]}] * 2}, ["a code of its own"]),
        ({"criterion": []}, ["`criterion`"]),
    ],
)
def test_rules_of_origin_that_cannot_be_used_are_named(pack, changes, words):
    spoil(pack / "origin.toml", **changes)
    said = refused(pack)
    assert "origin.toml" in said
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ({"test": "value_content", "rule": "r", "methods": {}}, ["methods"]),
        (
            {"test": "value_content", "rule": "r", "methods": {"a": {"formula": "build_down"}}},
            ["methods.a", "min_pct or max_pct", "`unset`"],
        ),
        ({"test": "value_content", "rule": "r", "methods": {"a": {"formula": "build_down", "min_pct": 1, "max_pct": 2}}}, ["methods.a"]),
        ({"test": "value_content", "rule": "r", "methods": {"a": {"formula": "build_sideways", "min_pct": 1}}}, ["build_sideways"]),
        (
            {"test": "product_rule", "rule": "r", "methods": {"a": {"formula": "build_down", "min_pct": 1}}},
            ["limit comes with the product rule"],
        ),
        ({"test": "tariff_shift", "rule": "r", "level": "CTX"}, ["CTX"]),
        ({"test": "minimal_operations", "rule": "r"}, ["lists no operations"]),
        ({"test": "combined", "rule": "r", "of": ["country", "absent"]}, ["tests.tried.of", "'absent'"]),
        ({"test": "combined", "rule": "r", "of": ["country", "tried"]}, ["another combined test"]),
        ({"test": "country", "rule": ""}, ["rule"]),
    ],
)
def test_a_test_of_origin_that_cannot_be_tried_is_named(pack, test, words):
    tests = tomllib.loads((pack / "origin.toml").read_text())["tests"]
    spoil(pack / "origin.toml", tests={**tests, "tried": test})
    said = refused(pack)
    assert "origin.toml" in said
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize("file", ["form.toml", "origin.toml", "sheets/simple/sheet.toml"])
@pytest.mark.parametrize("data", [b"= broken", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_named(pack, file, data):
    (pack / file).write_bytes(data)
    assert Path(file).name in refused(pack)


@pytest.mark.parametrize("file", ["origin.toml", "sheets/simple/sheet.toml", "sheets/simple/sheet.html"])
def test_a_file_that_is_missing_is_named(pack, file):
    (pack / file).unlink()
    assert Path(file).name in refused(pack)


def test_two_packs_of_one_name_stop_the_start(pack):
    shutil.copytree(pack, pack.parent / "again" / "acme")
    (pack.parents[1] / "engine.toml").write_text('[templates]\nfolders = ["ours", "ours/again"]\n')
    with pytest.raises(PluginError, match="Two plugins are named template_acme"):
        loaded(pack)


def test_two_packs_with_one_version_of_a_scheme_stop_the_start(pack):
    shutil.copytree(pack, pack.parent / "zenith")
    with pytest.raises(PluginError, match=r"template_zenith, coo_templates: the pack zenith brings version 2026\.1 of ACME, and another"):
        loaded(pack)


def test_a_later_version_of_a_known_scheme_takes_over_on_its_day(pack):
    shutil.copytree(pack, pack.parent / "zenith")
    form = pack.parent / "zenith" / "form.toml"
    form.write_text("effective_from = 2027-01-01\n" + form.read_text().replace('"2026.1"', '"2027.1"'))
    registry = loaded(pack)
    assert registry.form("ACME", date(2026, 12, 31)).version == "2026.1"
    assert registry.form("ACME", date(2027, 1, 1)).version == "2027.1"
