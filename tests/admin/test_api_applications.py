"""Applications by machine: ten mistakes are ten problems, the same request has one effect, and a key opens only its own."""

import asyncio
import copy
import json
from typing import Any

import httpx
import pytest

LIST = "/api/v1/applications"


@pytest.fixture
def tree(example: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(example)


async def created(program: httpx.AsyncClient, tree: dict[str, Any]) -> str:
    answer = await program.post(LIST, json=tree)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["reference"])


async def test_an_application_is_saved_looked_up_changed_and_filed(program: httpx.AsyncClient, tree: dict[str, Any]) -> None:
    made = (await program.post(LIST, json=tree)).json()
    assert (made["state"], made["version"], made["problems"], made["certificate"]) == ("draft", 1, [], None)
    assert made["made_at"].endswith("Z")
    path = f"{LIST}/{made['reference']}"
    assert (await program.get(path)).json() == made
    tree["remarks"] = "changed"
    changed = (await program.put(path, json=tree)).json()
    assert (changed["version"], changed["application"]["remarks"]) == (2, "changed")
    filed = await program.post(f"{path}/file")
    assert filed.status_code == 200
    assert filed.json()["state"] == "filed"
    assert filed.json()["filed_at"].endswith("Z")
    assert (await program.put(path, json=tree)).status_code == 409
    assert (await program.post(f"{path}/file")).status_code == 409


async def test_a_file_with_many_mistakes_is_answered_with_all_of_them(program: httpx.AsyncClient, tree: dict[str, Any]) -> None:
    tree["surprise"] = 1
    del tree["consignee"]
    tree["items"][0]["hs"] = "12x"
    answer = await program.post(LIST, json=tree)
    assert answer.status_code == 422
    assert {"surprise", "consignee", "items[0].hs"} <= {problem["box"] for problem in answer.json()["problems"]}


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 9000, b'{"a":1e999999}', b"\x00"])
async def test_what_is_no_application_is_refused_and_breaks_nothing(program: httpx.AsyncClient, body: bytes) -> None:
    for path in (LIST, f"{LIST}/check"):
        answer = await program.post(path, content=body)
        assert answer.status_code == 422
        assert answer.json()["problems"]


async def test_a_check_lists_the_arithmetic_and_keeps_nothing(program: httpx.AsyncClient, tree: dict[str, Any]) -> None:
    before = (await program.get(LIST)).json()
    answer = (await program.post(f"{LIST}/check", json=tree)).json()
    assert answer["can_file"] is True
    assert answer["finding"]["outcome"] == "passes"
    assert answer["finding"]["lines"][0]["steps"]
    assert any("not confirmed" in warning["say"] for warning in answer["warnings"])
    assert (await program.get(LIST)).json() == before


async def test_a_check_of_a_kept_draft_says_what_filing_would(program: httpx.AsyncClient, tree: dict[str, Any]) -> None:
    tree["destination"] = "US"
    reference = await created(program, tree)
    checked = (await program.post(f"{LIST}/{reference}/check")).json()
    assert checked["can_file"] is False
    filing = await program.post(f"{LIST}/{reference}/file")
    assert filing.status_code == 422
    assert filing.json()["problems"] == checked["problems"]
    assert (await program.get(f"{LIST}/{reference}")).json()["problems"] == checked["problems"]


async def test_a_key_of_idempotency_gives_the_first_answer_again(program: httpx.AsyncClient, tree: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "order-1"}
    first = await program.post(LIST, json=tree, headers=headers)
    again = await program.post(LIST, json=tree, headers=headers)
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    tree["remarks"] = "another"
    assert (await program.post(LIST, json=tree, headers=headers)).status_code == 409
    assert (await program.post(LIST, content=b"{", headers=headers)).status_code == 409
    assert (await program.post(LIST, json=tree, headers={"Idempotency-Key": "a b"})).status_code == 422


async def test_ten_equal_requests_at_once_make_one_application(program: httpx.AsyncClient, tree: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "order-at-once"}
    answers = await asyncio.gather(*[program.post(LIST, json=tree, headers=headers) for _ in range(10)])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["reference"] for answer in answers}) == 1


async def test_filing_twice_under_one_key_is_filing_once(program: httpx.AsyncClient, tree: dict[str, Any]) -> None:
    path = f"{LIST}/{await created(program, tree)}/file"
    answers = await asyncio.gather(*[program.post(path, headers={"Idempotency-Key": "file-1"}) for _ in range(4)])
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.content for answer in answers}) == 1


async def test_the_exporter_withdraws_what_is_filed_and_nobody_else_does(
    program: httpx.AsyncClient, story: Any, tree: dict[str, Any]
) -> None:
    path = f"{LIST}/{await created(program, tree)}"
    exporter = {"authorization": f"Bearer {story.keys['exporter']}", "Idempotency-Key": "withdraw-1"}
    assert (await program.post(f"{path}/withdraw", headers=exporter)).status_code == 409  # a draft is nothing to withdraw
    assert (await program.post(f"{path}/file")).status_code == 200
    assert (await program.post(f"{path}/withdraw")).status_code == 403  # the agency's key: an office rejects
    answers = [await program.post(f"{path}/withdraw", headers=exporter) for _ in range(2)]
    assert [(answer.status_code, answer.json()["state"]) for answer in answers] == [(200, "withdrawn")] * 2
    assert (await program.post(f"{path}/file")).status_code == 409


async def test_the_key_of_one_caller_is_not_the_key_of_another(program: httpx.AsyncClient, story: Any, tree: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "shared-word"}
    mine = await program.post(LIST, json=tree, headers=headers)
    theirs = await program.post(LIST, json=tree, headers=headers | {"authorization": f"Bearer {story.keys['exporter']}"})
    assert theirs.status_code == 201
    assert mine.json()["reference"] != theirs.json()["reference"]


async def test_an_issued_certificate_is_named_and_downloaded(program: httpx.AsyncClient, story: Any) -> None:
    path = f"{LIST}/{story.references['issued']}"
    certificate = (await program.get(path)).json()["certificate"]
    assert certificate["number"] == story.numbers["issued"]
    assert certificate["state"] == "issued"
    assert certificate["sha256"] == story.pdf_sha256
    assert certificate["verify_url"] == f"http://127.0.0.1:8000/v/{story.codes['issued'].lower()}"
    answer = await program.get(f"{path}/certificate")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'attachment; filename="{story.numbers["issued"].replace("/", "-")}.pdf"'
    assert answer.headers["etag"] == f'"{story.pdf_sha256}"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(b"%PDF-")
    known = await program.get(f"{path}/certificate", headers={"if-none-match": answer.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


async def test_until_it_is_issued_there_is_nothing_to_download(program: httpx.AsyncClient, story: Any) -> None:
    for state in ("draft", "numbered", "void"):
        assert (await program.get(f"{LIST}/{story.references[state]}/certificate")).status_code == 404
    numbered = (await program.get(f"{LIST}/{story.references['numbered']}")).json()["certificate"]
    assert (numbered["state"], numbered["sha256"], numbered["verify_url"]) == ("numbered", None, None)
    assert (await program.get(f"{LIST}/{story.references['void']}")).json()["certificate"] is None


async def test_the_list_goes_page_by_page(program: httpx.AsyncClient) -> None:
    seen: list[str] = []
    offset: int | None = 0
    while offset is not None:
        page = (await program.get(LIST, params={"limit": 4, "offset": offset})).json()
        seen += [line["reference"] for line in page["applications"]]
        offset = page["next_offset"]
    assert len(seen) == len(set(seen)) >= 6
    drafts = (await program.get(LIST, params={"state": "draft", "limit": 200})).json()["applications"]
    assert {line["state"] for line in drafts} == {"draft"}


async def test_schemes_say_what_nobody_confirmed(program: httpx.AsyncClient) -> None:
    found = {scheme["scheme"]: scheme for scheme in (await program.get("/api/v1/schemes")).json()}
    assert "VN" in found["AIFTA"]["partners"]
    assert found["AIFTA"]["version"]
    assert isinstance(found["AIFTA"]["unconfirmed"], list)


DEEDS = [
    ("GET", LIST, "see"),
    ("GET", "one", "see"),
    ("GET", "one/certificate", "see"),
    ("POST", "one/check", "see"),
    ("POST", LIST, "prepare"),
    ("POST", f"{LIST}/check", "prepare"),
    ("PUT", "one", "prepare"),
    ("POST", "one/file", "submit"),
    ("POST", "one/withdraw", "submit"),
]


@pytest.mark.parametrize(("method", "path", "right"), DEEDS)
async def test_each_deed_needs_its_key_and_its_right(
    program: httpx.AsyncClient, story: Any, example: dict[str, Any], method: str, path: str, right: str
) -> None:
    path = path.replace("one", f"{LIST}/{story.references['issued']}", 1) if path.startswith("one") else path
    body = json.dumps(example).encode() if method != "GET" else b""

    async def status(headers: dict[str, str]) -> int:
        return (await program.request(method, path, content=body, headers=headers)).status_code

    for wrong in (
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic abc",
        "Bearer " + "x" * 300,
        f"Bearer {story.keys['expired']}",
        story.keys["whole"],
    ):
        assert await status({"authorization": wrong}) == 401, wrong
    allowed = {"see": {"see"}, "prepare": {"prepare"}}
    for name, rights in allowed.items():
        answered = await status({"authorization": f"Bearer {story.keys[name]}"})
        assert (answered == 403) is (right not in rights), (name, answered)


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in DEEDS if path.startswith("one")])
async def test_what_belongs_to_another_agency_reads_as_unknown(
    program: httpx.AsyncClient, story: Any, example: dict[str, Any], method: str, path: str
) -> None:
    key = {"authorization": f"Bearer {story.keys['other']}"}
    answers = []
    for reference in (story.references["issued"], "APP-2222222222", "APP-0", "..", "APP-2222222222'--", "\x00"):
        body = json.dumps(example).encode() if method == "PUT" else b""
        answer = await program.request(
            method,
            path.replace("one", f"{LIST}/{reference.encode().hex() if reference == chr(0) else reference}", 1),
            content=body,
            headers=key,
        )
        answers.append(answer.status_code)
    assert set(answers) == {404} or (set(answers) <= {404, 405})
    assert story.references["issued"] not in [line["reference"] for line in (await program.get(LIST, headers=key)).json()["applications"]]


async def test_another_agency_cannot_save_for_this_one(program: httpx.AsyncClient, story: Any, tree: dict[str, Any]) -> None:
    answer = await program.post(LIST, json=tree, headers={"authorization": f"Bearer {story.keys['other']}"})
    assert answer.status_code == 422
    assert (answer.json()["box"], answer.json()["rule"]) == ("agency", "the caller's own agency")


async def test_a_missing_key_is_told_how_to_send_one(program: httpx.AsyncClient) -> None:
    del program.headers["authorization"]
    answer = await program.get(LIST)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
