"""What a form decides about a certificate before it is drawn: its tick boxes, its endorsement, and whether it was confirmed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from importlib.resources import files
from typing import Any

import msgspec
import pytest

from engine.application import Application, Kind, ThirdParty
from engine.contracts.form import Form
from engine.errors import Refused
from engine.filing import read
from engine.packs import builtin_packs, read_forms, sheet_reader
from engine.people.agencies.forms import require_confirmed
from engine.templating import sample_request

PACKS = files("plugins").joinpath("templates")
DAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def form() -> Form:
    """Form AI."""
    packs = builtin_packs(PACKS)
    pack = next(pack for pack in packs if pack.name == "aifta")
    return read_forms(pack, sheet_reader(packs, PACKS / "sheets"))[-1]


@pytest.fixture
def values(form: Form) -> Callable[..., dict[str, str]]:
    """The values of a certificate of the form's example after these changes, with these words of the form."""

    def made(wording: dict[str, str] | None = None, **changes: Any) -> dict[str, str]:
        application: Application = msgspec.structs.replace(read(form.example), **changes)
        return dict(sample_request(replace(form, wording={**form.wording, **(wording or {})}), application, DAY).values)

    return made


def test_tick_boxes_are_ticked_by_what_the_application_is(values: Callable[..., dict[str, str]], form: Form) -> None:
    plain = values()
    assert [plain[f"tick_{name}"] for name in ("third_party", "retrospective", "cumulation")] == ["", "", ""]
    assert values(kind=Kind.RETROSPECTIVE)["tick_retrospective"] == "X"
    firm = msgspec.convert({"name": "Straits Pantry", "address": "9 Quay", "country": "SG"}, ThirdParty)
    assert values(third_party=firm)["tick_third_party"] == "X"
    assert values(export_document="SB 77")["export_document"] == "SB 77"


def test_a_ticked_box_says_the_endorsement_and_no_second_place_repeats_it(values: Callable[..., dict[str, str]]) -> None:
    words = {"endorsement_retrospective": "ISSUED RETROSPECTIVELY"}
    plain = values(words, kind=Kind.RETROSPECTIVE)
    ticked = values({**words, "tick_retrospective": "ISSUED RETROSPECTIVELY"}, kind=Kind.RETROSPECTIVE)
    assert (plain["endorsement"], plain["endorsement_unticked"]) == ("ISSUED RETROSPECTIVELY", "ISSUED RETROSPECTIVELY")
    assert (ticked["endorsement"], ticked["endorsement_unticked"]) == ("ISSUED RETROSPECTIVELY", "")


@pytest.mark.parametrize(
    ("unconfirmed", "weak", "said"),
    [
        (("layout",), (), "(not sourced: layout)"),
        ((), ("validity",), "(weakly sourced: validity)"),
        (("layout", "codes"), ("validity",), "(not sourced: layout, codes; weakly sourced: validity)"),
    ],
)
def test_a_form_with_parts_unsourced_or_weak_needs_an_administrator(
    form: Form, unconfirmed: tuple[str, ...], weak: tuple[str, ...], said: str
) -> None:
    doubtful = replace(form, unconfirmed=unconfirmed, weak=weak)
    with asyncio.Runner() as runner:
        with pytest.raises(Refused) as refused:
            runner.run(require_confirmed(None, doubtful, demo=False))
        runner.run(require_confirmed(None, doubtful, demo=True))
        runner.run(require_confirmed(None, replace(form, unconfirmed=(), weak=()), demo=False))
    assert said in refused.value.say
    assert refused.value.rule == "form confirmed"
