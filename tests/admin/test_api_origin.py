"""The origin check by machine: every step, every other scheme, and nothing kept."""

import copy
from typing import Any

import httpx
import pytest

APPLICATION, SHEET = "/api/v1/origin", "/api/v1/origin/cost-sheet"


async def test_an_application_is_told_each_step_and_each_other_scheme(program: httpx.AsyncClient, example: dict[str, Any]) -> None:
    before = (await program.get("/api/v1/applications")).json()
    answer = await program.post(APPLICATION, json=example)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["finding"]["outcome"] == "passes"
    steps = [step for line in told["finding"]["lines"] for step in line["steps"]]
    assert all(step["rule"] and step["working"] for step in steps)
    assert any(step.get("points") == "5.00" for step in steps)
    assert len(told["elsewhere"]) == len(example["items"])
    first = {each["scheme"]: each for each in told["elsewhere"][0]}
    assert first["AIFTA"]["serves"]
    assert not first["UAE"]["serves"]
    assert len(first) == 24
    assert (await program.get("/api/v1/applications")).json() == before, "nothing is kept"


async def test_a_cost_sheet_is_tried_on_every_scheme(program: httpx.AsyncClient, sheet_tree: dict[str, Any]) -> None:
    whole = (await program.post(SHEET, json=sheet_tree)).json()
    by_scheme = {each["scheme"]: each for each in whole}
    assert len(by_scheme) == 24
    assert by_scheme["AIFTA"]["outcome"] == "passes"
    assert by_scheme["UAE"]["outcome"] == "undecided", "no product rule is loaded, so nothing is decided"
    assert any("not loaded" in each for each in by_scheme["UAE"]["missing"])
    assert by_scheme["MERCOSUR"]["outcome"] == "fails"
    assert by_scheme["MERCOSUR"]["points"] == "10.03", "3001.77 of 6000.00 is 50.03 %, and 40 % are allowed"
    to_vietnam = (await program.post(SHEET, json=sheet_tree, params={"to": "vn"})).json()
    assert next(each["scheme"] for each in to_vietnam if each["serves"]) == "AIFTA"
    assert not by_scheme.keys() - {each["scheme"] for each in to_vietnam}


@pytest.mark.parametrize(
    ("change", "box"),
    [
        (lambda tree: tree.update(fob="0"), "fob"),
        (lambda tree: tree["inputs"][0].update(currency="EUR"), "inputs[0]"),
        (lambda tree: tree["inputs"][0].update(hs="77"), "inputs[0].hs"),
        (lambda tree: tree["inputs"][0].update(value="-1"), "inputs[0].value"),
        (lambda tree: tree.update(ex_works="9000.00"), "ex_works"),
        (lambda tree: tree.pop("inputs"), "inputs"),
    ],
)
async def test_a_sheet_that_cannot_be_right_is_refused_with_the_field(
    change: Any, box: str, program: httpx.AsyncClient, sheet_tree: dict[str, Any]
) -> None:
    tree = copy.deepcopy(sheet_tree)
    change(tree)
    answer = await program.post(SHEET, json=tree)
    assert answer.status_code == 422, answer.text
    assert any((problem["box"] or "").startswith(box) for problem in answer.json()["problems"]), answer.json()


async def test_a_country_that_is_none_and_a_stranger_are_refused(program: httpx.AsyncClient, sheet_tree: dict[str, Any]) -> None:
    answer = await program.post(SHEET, json=sheet_tree, params={"to": "ZZ"})
    assert (answer.status_code, answer.json()["box"]) == (422, "to")
    del program.headers["authorization"]
    for path in (APPLICATION, SHEET):
        assert (await program.post(path, json=sheet_tree)).status_code == 401


async def test_an_application_with_mistakes_is_answered_with_all_of_them(program: httpx.AsyncClient, example: dict[str, Any]) -> None:
    tree = copy.deepcopy(example)
    tree["surprise"] = 1
    tree["items"][0]["hs"] = "12x"
    answer = await program.post(APPLICATION, json=tree)
    assert answer.status_code == 422
    assert {"surprise", "items[0].hs"} <= {problem["box"] for problem in answer.json()["problems"]}
