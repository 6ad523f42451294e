"""A check by machine says what filing would: each fault once, the goods that are certified already, and nothing of others."""

import copy
import json
from typing import Any

import httpx
import pytest

from engine.certificate import DEFAULT_PATTERN, format_number

LIST = "/api/v1/applications"
DOUBLE = "goods certified once"
NOBODYS = format_number(DEFAULT_PATTERN, agency="EIA", year=2026, office="MUM", serial=99, scheme="AIFTA")


@pytest.fixture
def tree(example: dict[str, Any]) -> dict[str, Any]:
    """The example under invoices of this test's own."""
    return copy.deepcopy(example)


def under(tree: dict[str, Any], name: str) -> dict[str, Any]:
    """The same goods under other invoices, so that tests of one site do not meet each other's."""
    text = json.dumps(tree)
    for invoice in tree["invoices"]:
        text = text.replace(json.dumps(invoice["number"]), json.dumps(f"{name}/{invoice['number'][-4:]}"))
    moved: dict[str, Any] = json.loads(text)
    return moved


def doubles(answer: dict[str, Any]) -> list[str]:
    return [warning["say"] for warning in answer["warnings"] if warning["rule"] == DOUBLE]


async def posted(program: httpx.AsyncClient, path: str, **more: Any) -> dict[str, Any]:
    answer = await program.post(path, **more)
    assert answer.status_code in {200, 201}, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("keys", "box"),
    [
        ({"office": "DEL"}, "office"),
        ({"agency": "NOBODY"}, "agency"),
        ({"kind": "in-lieu", "replaces": NOBODYS}, "replaces"),
    ],
)
async def test_a_check_asks_what_only_the_register_knows(
    program: httpx.AsyncClient, tree: dict[str, Any], keys: dict[str, str], box: str
) -> None:
    before = (await program.get(LIST)).json()
    answer = await posted(program, f"{LIST}/check", json=tree | keys)
    assert answer["can_file"] is False
    assert [problem["box"] for problem in answer["problems"]] == [box]
    assert (await program.get(LIST)).json() == before


async def test_a_check_says_which_certificates_cannot_be_replaced(program: httpx.AsyncClient, story: Any, tree: dict[str, Any]) -> None:
    for state, rule in (("issued", None), ("superseded", "replaced one is issued"), ("cancelled", "replaced one is issued")):
        wanted = tree | {"kind": "in-lieu", "replaces": story.numbers[state]}
        found = (await posted(program, f"{LIST}/check", json=wanted))["problems"]
        assert [problem["rule"] for problem in found] == ([rule] if rule else [])


async def test_a_caller_of_another_exporter_is_told_before_filing(program: httpx.AsyncClient, story: Any, tree: dict[str, Any]) -> None:
    tree["exporter"] |= {"iec": "0388012345"}
    key = {"authorization": f"Bearer {story.keys['exporter']}"}
    checked = await posted(program, f"{LIST}/check", json=tree, headers=key)
    saved = await program.post(LIST, json=tree, headers=key)
    assert saved.status_code == 422
    assert checked["problems"] == saved.json()["problems"]
    assert [problem["rule"] for problem in checked["problems"]] == ["linked to the IEC"]


async def test_each_fault_of_a_text_is_listed_once(program: httpx.AsyncClient, tree: dict[str, Any]) -> None:
    tree["consignee"]["name"], tree["destination"] = "A\u202eB", "US"
    problems = (await posted(program, f"{LIST}/check", json=tree))["problems"]
    assert [problem["box"] for problem in problems].count("consignee.name") == 1
    assert "destination" in {problem["box"] for problem in problems}


async def test_the_same_goods_are_named_wherever_an_application_is_looked_at(
    program: httpx.AsyncClient, story: Any, tree: dict[str, Any]
) -> None:
    tree = under(tree, "TWICE")
    first = await posted(program, LIST, json=tree)
    assert doubles(first) == []
    await posted(program, f"{LIST}/{first['reference']}/file")
    second = await posted(program, LIST, json=tree)
    path = f"{LIST}/{second['reference']}"
    answers = [
        second,
        await posted(program, f"{LIST}/check", json=tree),
        await posted(program, f"{path}/check"),
        (await program.get(path)).json(),
        (await program.put(path, json=tree)).json(),
    ]
    for answer in answers:
        assert len(doubles(answer)) == 2, answer
        assert all(first["reference"] in say for say in doubles(answer))
    await posted(program, f"{path}/file")
    officer = await posted(program, f"{LIST}/{first['reference']}/check")
    assert all(second["reference"] in say for say in doubles(officer)), "the officer sees it on the filed one too"
    stranger = {"authorization": f"Bearer {story.keys['other']}"}
    assert first["reference"] not in (await program.post(f"{LIST}/check", json=tree, headers=stranger)).text


async def test_what_the_officer_would_doubt_is_told_to_the_exporter(program: httpx.AsyncClient, tree: dict[str, Any]) -> None:
    tree["transport"]["departs_on"] = "2026-11-10"
    answer = await posted(program, f"{LIST}/check", json=tree)
    assert answer["can_file"] is True
    assert ("transport.departs_on", "departure after the declaration") in {(each["box"], each["rule"]) for each in answer["warnings"]}
    assert all(set(each) == {"box", "rule", "say"} for each in answer["warnings"])
