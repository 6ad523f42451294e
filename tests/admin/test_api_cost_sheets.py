"""Cost sheets by machine: kept, approved, shared and cited; and nobody who cites one finds a figure of it anywhere."""

import asyncio
import copy
import io
import json
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import openpyxl
import pytest
from litestar import Litestar

from engine.clock import ist_day
from engine.errors import Refused
from engine.filing.tables import FindingRow
from engine.money import filed_again
from engine.people import add_officer, make_key, map_officer, register_exporter
from engine.people.tables import Agency, Office
from engine.scope import PLATFORM
from engine.store.tables import AuditEntry, Idempotency

LIST = "/api/v1/cost-sheets"
APPLICATIONS = "/api/v1/applications"
OFFICER = "sheets@eia.example.in"
UNMAPPED = "elsewhere@eia.example.in"  # an officer of the agency, of no office of it
MAKER_IEC = "AAZCM4417K"
CITING = 2  # the line of the example that the sheet is for


@dataclass
class Desk:
    """A client with four keys: the maker's, the citing exporter's, and two agencies'. `heard` is all that the exporter was answered."""

    program: httpx.AsyncClient
    keys: dict[str, str]
    clock: Any
    heard: list[str] = field(default_factory=list)

    async def ask(self, who: str, method: str, path: str, **sent: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.keys[who]}"} | sent.pop("headers", {})
        answer = await self.program.request(method, path if path.startswith("/api") else f"{LIST}{path}", headers=headers, **sent)
        if who == "trader":
            self.heard.append(answer.text + str(answer.headers))
        return answer

    async def told(self, who: str, method: str, path: str, **sent: Any) -> dict[str, Any]:
        answer = await self.ask(who, method, path, **sent)
        assert answer.status_code in {200, 201}, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def saved(self, tree: dict[str, Any]) -> str:
        return str((await self.told("maker", "POST", "", json=tree))["reference"])

    async def lodged(self, tree: dict[str, Any]) -> str:
        reference = await self.saved(tree)
        await self.told("maker", "POST", f"/{reference}/lodge", json={"agency": "EIA", "office": "MUM"})
        return reference

    async def approved(self, tree: dict[str, Any], **validity: Any) -> str:
        reference = await self.lodged(tree)
        await self.told(
            "agency", "POST", f"/{reference}/approve", json={"version": 1, "officer": OFFICER} | (validity or {"valid_days": 30})
        )
        return reference

    async def granted(self, tree: dict[str, Any], iec: str, **validity: Any) -> str:
        reference = await self.approved(tree, **validity)
        await self.told("maker", "POST", f"/{reference}/grants", json={"iec": iec})
        return reference


@pytest.fixture(scope="module")
async def people(house: Litestar, story: Any, clock: Any) -> dict[str, str]:
    """Keys of the people of these tests, over the story's register."""
    at = clock.now()
    agency = (await Agency.select().where(Agency.code == "EIA").first())["id"]
    office = (await Office.select().where(Office.agency == agency).first())["id"]
    officer = await add_officer(agency, email=OFFICER, name="S. Officer", designation="Assistant Director", actor="test", at=at)
    await map_officer(agency, officer, office, actor="test", at=at)
    await add_officer(agency, email=UNMAPPED, name="E. Officer", designation="Assistant Director", actor="test", at=at)
    maker = await register_exporter(MAKER_IEC, "KONKAN KERNELS LLP", "", actor="test", at=at)
    whole = frozenset({"see", "prepare", "submit", "approve"})
    valid_for = timedelta(days=3650)
    return {
        "maker": await make_key("maker", rights=whole - {"approve"}, exporter=maker.id, valid_for=valid_for, actor="test", at=at),
        "agency": await make_key("agency", rights=whole, agency=UUID(str(agency)), valid_for=valid_for, actor="test", at=at),
        "trader": story.keys["exporter"],
        "other": story.keys["other"],
        "see": story.keys["see"],
        "prepare": story.keys["prepare"],
    }


@pytest.fixture
async def desk(stranger: httpx.AsyncClient, people: dict[str, str], clock: Any) -> Desk:
    return Desk(stranger, people, clock)


def citing(example: dict[str, Any], reference: str, **origin: Any) -> dict[str, Any]:
    """The example with its third line resting on a sheet, under an invoice of its own."""
    tree = copy.deepcopy(example)
    tree["items"] = [tree["items"][CITING]]
    tree["invoices"] = [each for each in tree["invoices"] if each["number"] == tree["items"][0]["invoice"]]
    tree["items"][0]["origin"] = {"criterion": tree["items"][0]["origin"]["criterion"], "cost_sheet": reference} | origin
    number = f"CS/{reference[-6:]}"
    tree["invoices"][0]["number"] = tree["items"][0]["invoice"] = number
    return tree


def figures(tree: dict[str, Any]) -> set[str]:
    """Every amount of the sheet, and what becomes of it for the citing line's 3,500 of 1,000 kilograms."""
    amounts = {tree["ex_works"], *(part["value"] for part in tree["inputs"]), *tree["costs"].values()}
    scaled = {f"{(Decimal(amount) * times).normalize():f}" for amount in amounts for times in (Decimal("3.5"), Decimal(3500))}
    with_point = {amount for amount in amounts | scaled if "." in amount}
    return with_point | {amount.rstrip("0") for amount in with_point} | {part["description"] for part in tree["inputs"]}


# --- the way of a sheet ---------------------------------------------------------------------------


async def test_a_sheet_is_kept_lodged_approved_and_withdrawn(desk: Desk, sheet_tree: dict[str, Any]) -> None:
    made = await desk.told("maker", "POST", "", json=sheet_tree)
    assert (made["state"], made["version"], made["approvals"], made["cost_sheet"]) == ("draft", 1, [], sheet_tree)
    path = f"/{made['reference']}"
    assert await desk.told("maker", "GET", path) == made
    assert (await desk.ask("agency", "GET", path)).status_code == 404, "not lodged yet"
    lodged = await desk.told("maker", "POST", f"{path}/lodge", json={"agency": "EIA", "office": "MUM"})
    assert lodged["state"] == "lodged"
    approved = await desk.told("agency", "POST", f"{path}/approve", json={"version": 1, "officer": OFFICER, "valid_days": 1})
    today = ist_day(desk.clock.now()).isoformat()
    assert approved["approvals"][0] | {"approved_at": ""} == {
        "version": 1,
        "content_sha256": made["content_sha256"],
        "approved_at": "",
        "valid_until": today,
    }
    assert made["reference"] in [each["reference"] for each in (await desk.told("maker", "GET", "?state=approved&hs=2008"))["cost_sheets"]]
    withdrawn = await desk.told("agency", "POST", f"{path}/withdraw", json={"reason": "The supplier changed."})
    assert (withdrawn["state"], withdrawn["approvals"], withdrawn["reason"]) == ("withdrawn", [], "The supplier changed.")


async def test_a_rejected_sheet_is_revised_compared_and_lodged_again(desk: Desk, sheet_tree: dict[str, Any]) -> None:
    path = f"/{await desk.lodged(sheet_tree)}"
    back = await desk.told(
        "agency", "POST", f"{path}/reject", json={"version": 1, "officer": OFFICER, "reason": "Show the supplier of the salt."}
    )
    assert (back["state"], back["reason"]) == ("draft", "Show the supplier of the salt.")
    changed = copy.deepcopy(sheet_tree)
    changed["inputs"].insert(0, {"description": "Labels", "hs": "482110", "country": "IN", "value": "10.00", "originating": True})
    changed["inputs"][2] |= {"supplier": "Tuticorin Salt"}
    changed["costs"]["profit"] = "584.13"
    assert (await desk.told("maker", "PUT", f"{path}?version=1", json=changed))["version"] == 2
    conflict = await desk.ask("maker", "PUT", f"{path}?version=1", json=changed)
    assert (conflict.status_code, conflict.json()["code"]) == (409, "cost_sheet_version")
    found = (await desk.told("maker", "GET", f"{path}/compare?before=1&after=2"))["differences"]
    told = {each["path"]: (each["before"], each["after"], each["change"]) for each in found}
    assert told == {
        "costs.profit": ("594.13", "584.13", "-10.00"),
        "inputs[0].description": (None, "Labels", None),
        "inputs[0].hs": (None, "482110", None),
        "inputs[0].country": (None, "IN", None),
        "inputs[0].value": (None, "10.00", None),
        "inputs[0].originating": (None, "true", None),
        "inputs[2].supplier": (None, "Tuticorin Salt", None),
    }
    assert (await desk.told("maker", "GET", f"{path}/versions/1"))["cost_sheet"] == sheet_tree
    assert (await desk.ask("maker", "GET", f"{path}/versions/9")).status_code == 404


async def test_a_file_with_many_mistakes_is_answered_with_all_of_them_and_nothing_is_kept(desk: Desk, sheet_tree: dict[str, Any]) -> None:
    before = (await desk.told("maker", "GET", ""))["cost_sheets"]
    spoilt = sheet_tree | {"surprise": 1, "fob": "-1", "currency": "usd"}
    answer = await desk.ask("maker", "POST", "", json=spoilt)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"surprise", "fob", "currency"} <= {problem["box"] for problem in answer.json()["problems"]}
    assert (await desk.told("maker", "GET", ""))["cost_sheets"] == before


async def test_the_same_request_has_one_effect(desk: Desk, sheet_tree: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "sheet-1"}
    answers = await asyncio.gather(*[desk.ask("maker", "POST", "", json=sheet_tree, headers=headers) for _ in range(5)])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    path = f"/{answers[0].json()['reference']}/lodge"
    lodging = {"agency": "EIA", "office": "MUM"}
    again = [await desk.ask("maker", "POST", path, json=lodging, headers={"Idempotency-Key": "lodge-1"}) for _ in range(2)]
    assert [answer.status_code for answer in again] == [200, 200]
    assert again[0].content == again[1].content
    assert (await desk.ask("maker", "POST", path, json=lodging)).status_code == 409


@pytest.mark.parametrize(
    ("deed", "body", "box"),
    [
        ("lodge", {}, "agency"),
        ("lodge", {"agency": "EIA", "office": "NOWHERE"}, "office"),
        ("lodge", {"agency": "NONE", "office": "MUM"}, "agency"),
        ("approve", {"version": "1", "officer": OFFICER, "valid_days": 3}, "version"),
        ("approve", {"version": 1, "officer": OFFICER}, "valid_until"),
        ("approve", {"version": 1, "officer": OFFICER, "valid_days": 3, "valid_until": "2027-01-01"}, "valid_until"),
        ("approve", {"version": 1, "officer": OFFICER, "valid_until": "2020-01-01"}, "valid_until"),
        ("approve", {"version": 1, "officer": OFFICER, "valid_until": "2027-13-01"}, "valid_until"),
        ("approve", {"version": 1, "officer": "nobody@example.in", "valid_days": 3}, "officer"),
        ("approve", {"version": 1, "officer": UNMAPPED, "valid_days": 3}, "officer"),
        ("reject", {"version": 1, "officer": OFFICER, "reason": ""}, "reason"),
        ("withdraw", {"reason": "  "}, "reason"),
        ("grants", {"iec": "lowercase1"}, "iec"),
        ("grants", {"iec": MAKER_IEC}, "iec"),
    ],
)
async def test_a_deed_names_what_is_wrong_with_it(
    desk: Desk, sheet_tree: dict[str, Any], deed: str, body: dict[str, Any], box: str
) -> None:
    reference = await (desk.saved if deed == "lodge" else desk.lodged)(sheet_tree)
    who = "agency" if deed in {"approve", "reject"} else "maker"
    answer = await desk.ask(who, "POST", f"/{reference}/{deed}", json=body)
    assert answer.status_code == 422, answer.text
    assert box in {problem["box"] for problem in answer.json()["problems"]}


# --- whose it is ----------------------------------------------------------------------------------

PATHS = [
    ("GET", "", None),
    ("PUT", "", "sheet"),
    ("PUT", "/import", "csv"),
    ("GET", "/versions/1", None),
    ("GET", "/compare?before=1&after=1", None),
    ("GET", "/export.xlsx", None),
    ("GET", "/export.csv", None),
    ("POST", "/lodge", {"agency": "EIA", "office": "MUM"}),
    ("POST", "/withdraw", {"reason": "x"}),
    ("GET", "/grants", None),
    ("POST", "/grants", {"iec": "AAZCX4417K"}),
    ("DELETE", "/grants/AAZCX4417K", None),
]


@pytest.mark.parametrize(("method", "path", "body"), PATHS, ids=[f"{method} {path}" for method, path, _ in PATHS])
async def test_another_exporter_finds_no_sheet_not_even_one_that_it_may_cite(
    desk: Desk, sheet_tree: dict[str, Any], example: dict[str, Any], method: str, path: str, body: Any
) -> None:
    reference = await desk.granted(sheet_tree, example["exporter"]["iec"])
    sent: dict[str, Any] = {} if body is None else {"json": sheet_tree if body == "sheet" else body}
    answers = [await desk.ask("trader", method, f"/{asked}{path}", **sent) for asked in (reference, "CS-2222222222", "CS-0", "x'--")]
    assert {answer.status_code for answer in answers} == {404}
    said = {answer.json()["say"].replace(reference, "…").replace("CS-2222222222", "…") for answer in answers[:2]}
    assert len(said) == 1
    assert (await desk.told("trader", "GET", ""))["cost_sheets"] == []
    assert (await desk.told("maker", "GET", f"/{reference}"))["state"] == "approved"


async def test_another_agency_finds_no_sheet_either(desk: Desk, sheet_tree: dict[str, Any]) -> None:
    reference = await desk.approved(sheet_tree)
    for method, path in (("GET", ""), ("GET", "/export.csv"), ("GET", "/grants"), ("GET", "/versions/1")):
        assert (await desk.ask("other", method, f"/{reference}{path}")).status_code == 404
    assert reference not in (await desk.ask("other", "GET", "")).text


@pytest.mark.parametrize(
    ("who", "method", "path", "status"),
    [
        ("see", "POST", "", 403),
        ("prepare", "GET", "", 403),
        ("maker", "POST", "/one/approve", 403),
        ("maker", "POST", "/one/reject", 403),
        ("see", "POST", "/one/lodge", 403),
        ("see", "POST", "/one/withdraw", 403),
        ("see", "POST", "/one/grants", 403),
        ("see", "PUT", "/one", 403),
        ("agency", "POST", "", 403),
    ],
)
async def test_each_deed_needs_its_right(desk: Desk, sheet_tree: dict[str, Any], who: str, method: str, path: str, status: int) -> None:
    reference = await desk.lodged(sheet_tree)
    body = {"version": 1, "officer": OFFICER, "valid_days": 3} if "approve" in path else sheet_tree
    answer = await desk.ask(who, method, path.replace("one", reference), **({} if method == "GET" else {"json": body}))
    assert answer.status_code == status, answer.text
    assert (await desk.program.get(LIST)).status_code == 401


# --- citing ---------------------------------------------------------------------------------------


async def test_whoever_cites_learns_the_verdict_and_finds_no_figure_anywhere(
    desk: Desk, sheet_tree: dict[str, Any], example: dict[str, Any]
) -> None:
    reference = await desk.granted(sheet_tree, example["exporter"]["iec"])
    tree = citing(example, reference)
    for method, path, sent in (
        ("POST", f"{APPLICATIONS}/check", tree),
        ("POST", "/api/v1/origin", tree),
        ("POST", f"{APPLICATIONS}/check", citing(example, reference, costs={"profit": "1.00"}, inputs=tree["items"][0].get("inputs", []))),
        ("POST", f"{APPLICATIONS}/check", citing(example, reference, criterion="WO")),
        ("GET", f"/{reference}", None),
        ("GET", f"/{reference}/export.csv", None),
    ):
        await desk.ask("trader", method, path, **({"json": sent} if sent else {}))
    dear = copy.deepcopy(tree)
    dear["items"][0]["value"] = "9000.00"  # less than the materials are worth, which to say would tell what they are worth
    cheap = await desk.told("trader", "POST", f"{APPLICATIONS}/check", json=dear)
    assert (cheap["problems"], cheap["finding"]["outcome"]) == ([], "undecided")
    checked = await desk.told("trader", "POST", f"{APPLICATIONS}/check", json=tree)
    assert checked["can_file"] is True, checked["problems"]
    line = checked["finding"]["lines"][0]
    made = await desk.told("maker", "GET", f"/{reference}")
    assert line["sheet"] == {"reference": reference, "version": 1, "sha256": made["content_sha256"]}
    assert line["outcome"] == "passes"
    assert (line["printed"], line["withheld"]) == ("", True), "the content that the box will print is a figure as well"
    draft = await desk.told("trader", "POST", APPLICATIONS, json=tree, headers={"Idempotency-Key": f"cite-{reference}"})
    await desk.told("trader", "POST", f"{APPLICATIONS}/{draft['reference']}/file")
    await desk.told("trader", "GET", f"{APPLICATIONS}/{draft['reference']}")
    kept = str(await FindingRow.select().order_by(FindingRow.made_at, ascending=False).first())
    assert reference in kept
    audit = str(await AuditEntry.select())
    remembered = [text for row in await Idempotency.select() if draft["reference"] in (text := str(row["response"]))]
    assert remembered
    for figure in figures(sheet_tree):
        assert [heard for heard in desk.heard if figure in heard] == [], figure
        assert figure not in kept, figure
        assert figure not in audit, figure
        assert not [each for each in remembered if figure in each], figure


async def test_a_suppliers_sheet_is_looked_up_for_a_sheet_that_is_tried_alone(desk: Desk, sheet_tree: dict[str, Any]) -> None:
    supplied = await desk.approved(sheet_tree)
    tree = copy.deepcopy(sheet_tree)
    for part in tree["inputs"][1:]:
        part |= {"cost_sheet": supplied, "hs": tree["product"]["hs"]}
    found = (await desk.ask("maker", "POST", "/api/v1/origin/cost-sheet?to=AE", json=tree)).json()
    words = [step["working"] for each in found for line in each["lines"] for step in line["steps"] if step["name"] == "suppliers"]
    assert any(f"the supplier's cost sheet {supplied} version 1 qualifies as" in each for each in words)
    assert not any("is not at hand" in each for each in words)
    answer = await desk.ask("trader", "POST", "/api/v1/origin/cost-sheet?to=AE", json=tree)
    assert answer.status_code == 422, "no grant, no verdict"
    assert [problem["box"] for problem in answer.json()["problems"]] == [f"inputs[{n}].cost_sheet" for n in (1, 2)]


async def test_the_owner_of_a_sheet_sees_the_arithmetic(desk: Desk, sheet_tree: dict[str, Any], example: dict[str, Any]) -> None:
    made = await desk.told("trader", "POST", "", json=sheet_tree)
    path = f"/{made['reference']}"
    await desk.told("trader", "POST", f"{path}/lodge", json={"agency": "EIA", "office": "MUM"})
    await desk.told("agency", "POST", f"{path}/approve", json={"version": 1, "officer": OFFICER, "valid_days": 30})
    checked = await desk.told("trader", "POST", f"{APPLICATIONS}/check", json=citing(example, made["reference"]))
    assert checked["can_file"] is True
    assert any(step.get("figure") for step in checked["finding"]["lines"][0]["steps"])


@pytest.mark.parametrize("state", ["unknown", "not granted", "not approved", "expired", "withdrawn"])
async def test_what_may_not_be_cited_is_refused_at_its_line(
    desk: Desk, sheet_tree: dict[str, Any], example: dict[str, Any], state: str
) -> None:
    iec, reference = example["exporter"]["iec"], "CS-2222222222"
    if state == "not granted":
        reference = await desk.approved(sheet_tree)
    elif state == "not approved":
        reference = await desk.saved(sheet_tree)
        await desk.told("maker", "POST", f"/{reference}/grants", json={"iec": iec})
    elif state == "expired":
        reference = await desk.granted(sheet_tree, iec, valid_days=1)
        desk.clock.forward(days=1)
    elif state == "withdrawn":
        reference = await desk.granted(sheet_tree, iec)
        await desk.told("maker", "POST", f"/{reference}/withdraw", json={"reason": "x"})
    checked = await desk.told("trader", "POST", f"{APPLICATIONS}/check", json=citing(example, reference))
    assert checked["can_file"] is False
    says = {problem["box"]: problem["say"] for problem in checked["problems"]}
    expected = {"not approved": "is not approved", "expired": "expired on", "withdrawn": "was withdrawn"}.get(
        state, "There is no cost sheet"
    )
    assert expected in says["items[0].origin.cost_sheet"]


async def test_an_approval_must_hold_when_it_is_filed_and_when_it_is_decided(
    desk: Desk, sheet_tree: dict[str, Any], example: dict[str, Any]
) -> None:
    reference = await desk.granted(sheet_tree, example["exporter"]["iec"], valid_days=1)
    late, filed = [(await desk.told("trader", "POST", APPLICATIONS, json=citing(example, reference)))["reference"] for _ in range(2)]
    await desk.told("trader", "POST", f"{APPLICATIONS}/{filed}/file")
    registry = desk.program.app.state["parts"].site.registry  # type: ignore[attr-defined]
    again = await filed_again(PLATFORM, filed, registry=registry, at=desk.clock.now())
    assert again.finding.lines[0].sheet is not None
    assert again.finding.lines[0].sheet.reference == reference
    desk.clock.forward(days=1)
    filing = await desk.ask("trader", "POST", f"{APPLICATIONS}/{late}/file")
    assert filing.status_code == 422
    assert "expired on" in filing.json()["say"]
    with pytest.raises(Refused, match="expired on"):
        await filed_again(PLATFORM, filed, registry=registry, at=desk.clock.now())


@pytest.mark.parametrize(
    ("change", "box"),
    [
        (
            lambda tree: tree["items"][0]["origin"].update(inputs=[{"description": "x", "hs": "080131", "country": "CI", "value": "1"}]),
            "items[0].origin.inputs",
        ),
        (lambda tree: tree["items"][0]["origin"].update(costs={"profit": "1"}), "items[0].origin.costs"),
        (lambda tree: tree["items"][0]["origin"].update(ex_works="1"), "items[0].origin.ex_works"),
        (lambda tree: tree["items"][0].update(hs="200811"), "items[0].hs"),
        (lambda tree: tree["items"][0]["quantity"].update(unit="PCS"), "items[0].quantity.unit"),
        (lambda tree: tree.update(currency="EUR"), "items[0].origin.cost_sheet"),
    ],
    ids=["inputs", "costs", "ex-works", "HS code", "unit", "currency"],
)
async def test_a_line_that_cites_agrees_with_its_sheet_and_lists_nothing_itself(
    desk: Desk, sheet_tree: dict[str, Any], example: dict[str, Any], change: Any, box: str
) -> None:
    tree = citing(example, await desk.granted(sheet_tree, example["exporter"]["iec"]))
    change(tree)
    checked = await desk.told("trader", "POST", f"{APPLICATIONS}/check", json=tree)
    assert box in {problem["box"] for problem in checked["problems"]}, checked["problems"]


# --- spreadsheets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
async def test_an_export_is_imported_as_the_same_sheet(desk: Desk, sheet_tree: dict[str, Any], suffix: str) -> None:
    tree = copy.deepcopy(sheet_tree)
    tree["inputs"][0]["description"] = "=cmd|' /C calc'!A0"
    reference = await desk.saved(tree)
    export = await desk.ask("maker", "GET", f"/{reference}/export.{suffix}")
    assert export.status_code == 200
    assert export.headers["content-disposition"] == f'attachment; filename="{reference}-v1.{suffix}"'
    assert export.headers["cache-control"] == "no-store"
    made = await desk.told("maker", "POST", "/import", content=export.content)
    assert made["cost_sheet"] == tree
    again = await desk.told("maker", "PUT", f"/{reference}/import?version=1", content=export.content)
    assert (again["version"], again["content_sha256"]) == (2, made["content_sha256"])


async def test_a_wrong_workbook_is_answered_by_cells_and_nothing_is_kept(desk: Desk, sheet_tree: dict[str, Any]) -> None:
    reference = await desk.saved(sheet_tree)
    export = await desk.ask("maker", "GET", f"/{reference}/export.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(export.content))
    book["Inputs"]["B3"], book["Inputs"]["D2"] = "25x", "=SUM(D3:D4)"
    out = io.BytesIO()
    book.save(out)
    before = (await desk.told("maker", "GET", ""))["cost_sheets"]
    answer = await desk.ask("maker", "POST", "/import", content=out.getvalue())
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["box"] == "Inputs!D2"
    assert (await desk.told("maker", "GET", ""))["cost_sheets"] == before


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x00", b"\xff\xfe", b"{}", b"schema,1", b'a,"'])
async def test_what_is_no_table_is_refused_and_breaks_nothing(desk: Desk, body: bytes) -> None:
    answer = await desk.ask("maker", "POST", "/import", content=body)
    assert (answer.status_code, bool(answer.json()["problems"])) == (422, True)


async def test_the_description_names_the_file_and_every_deed(desk: Desk) -> None:
    description = (await desk.program.get("/api/openapi.json")).json()
    text = json.dumps(description)
    for component in ("CostSheetFile", "CostSheetFile.SheetInput", "CostSheetApproving", "CostSheetLodging", "CostSheetGranting"):
        assert component in description["components"]["schemas"]
    wanted = [part.split('"')[0] for part in text.split("#/components/schemas/")[1:]]
    assert [name for name in wanted if name not in description["components"]["schemas"]] == []
