"""The forms of the built-in packs, and applications to spoil."""

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from importlib.resources import files
from typing import Any

import pytest

from engine.application import Application
from engine.contracts.form import Form
from engine.contracts.rules import OriginRules
from engine.filing.reading import from_tree
from engine.packs import builtin_packs, read_forms, sheet_reader

TODAY = date(2026, 11, 21)
PACKS = files("plugins").joinpath("templates")

Spoil = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="session")
def forms() -> dict[str, Form]:
    """The newest form of every built-in pack, by scheme."""
    packs = builtin_packs(PACKS)
    sheets = sheet_reader(packs, PACKS / "sheets")
    return {form.scheme: form for pack in packs for form in read_forms(pack, sheets)}


@pytest.fixture(scope="session")
def aifta(forms: dict[str, Form]) -> Form:
    """Form AI."""
    return forms["AIFTA"]


@pytest.fixture(scope="session")
def np_form(forms: dict[str, Form]) -> Form:
    """The non-preferential form."""
    return forms["NP"]


@pytest.fixture
def today() -> date:
    """The day on which the tests file, in India."""
    return TODAY


@pytest.fixture
def tree() -> dict[str, Any]:
    """The AIFTA example as plain data, fresh for every test."""
    return load("aifta/example.json")


@pytest.fixture
def np_tree() -> dict[str, Any]:
    """The NP example as plain data, fresh for every test."""
    return load("np/example.json")


@pytest.fixture
def application(tree: dict[str, Any]) -> Application:
    """The AIFTA example."""
    return from_tree(tree)


@pytest.fixture
def rules_with(aifta: Form) -> Callable[..., Form]:
    """Form AI under a changed origin.toml: tables of [tests] by name, replaced or, with None, left out."""
    written = tomllib.loads((PACKS / "aifta/origin.toml").read_text(encoding="utf-8"))

    def made(**tables: dict[str, object] | None) -> Form:
        tests = {name: table for name, table in written["tests"].items() if name not in tables}
        tests |= {name: table for name, table in tables.items() if table is not None}
        return replace(aifta, origin=OriginRules.from_toml({**written, "tests": tests}))

    return made


def load(name: str) -> dict[str, Any]:
    """A pack's example as plain data."""
    loaded: dict[str, Any] = json.loads((PACKS / name).read_text(encoding="utf-8"))
    return loaded
