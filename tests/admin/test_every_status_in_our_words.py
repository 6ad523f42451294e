"""Every refusal of /api/v1 names what is wrong and what it may be, in our words and not in a library's."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from litestar.exceptions import HTTPException, NotFoundException

from engine.errors import Conflict, Forbidden, TooMany, Unavailable

LIST = "/api/v1/applications"
FOREIGN = ("Expected", "`", "enum", "Validation failed", "Entity", "constraint", "sqlite", "Integer value", "got ", "Traceback", "<class")


@dataclass
class Case:
    """A request and what is to be read in its answer."""

    status: int
    code: str
    says: tuple[str, ...]
    box: str | None = None
    method: str = "GET"
    path: str = LIST
    sent: dict[str, Any] = field(default_factory=dict)
    rights: str = "whole"


def form(body: bytes, kind: str = "multipart/form-data; boundary=x") -> dict[str, Any]:
    return {"content": body, "headers": {"content-type": kind}}


PARTS = b"".join(b'--x\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n1\r\n' % each for each in range(40)) + b"--x--\r\n"
VERIFY = "/api/v1/verify"

CASES = {
    "a number below its bounds": Case(
        422, "refused", ("limit must be a whole number from 1 to 200; it is '0'.",), "limit", sent={"params": {"limit": "0"}}
    ),
    "a word for a number": Case(
        422, "refused", ("offset must be a whole number from 0 to 1000000; it is 'x'.",), "offset", sent={"params": {"offset": "x"}}
    ),
    "a number without end": Case(
        422, "refused", ("limit must be a whole number from 1 to 200", "999..."), "limit", sent={"params": {"limit": "9" * 5000}}
    ),
    "a state nobody knows": Case(
        422,
        "refused",
        ("state must be one of draft, filed, queried, approved", "it is 'lost'."),
        "state",
        sent={"params": {"state": "lost"}},
    ),
    "a state that hides something": Case(422, "refused", ("it is '<U+0000>'.",), "state", sent={"params": {"state": "\x00"}}),
    "no question": Case(422, "refused", ("number, code and link",), "number, code, link", path=VERIFY),
    "a code that is too long": Case(422, "refused", ("code", "500"), "code", path=VERIFY, sent={"params": {"code": "x" * 501}}),
    "no file": Case(422, "refused", ("Send the PDF",), "file", method="POST", path=VERIFY),
    "a file that is none": Case(422, "refused", ("not JSON", "line 1"), None, method="POST", sent={"content": b"x"}),
    "a key of idempotency that is none": Case(
        422,
        "refused",
        ("1 to 120 visible ASCII characters",),
        "Idempotency-Key",
        method="POST",
        sent={"content": b"{}", "headers": {"idempotency-key": "a b"}},
    ),
    "a body that is too large": Case(413, "too_large", ("1 MB", "1000000 bytes"), method="POST", sent={"content": b" " * 1_000_001}),
    "a PDF that is too large": Case(
        413, "too_large", ("8 MB", "8000000 bytes"), method="POST", path=VERIFY, sent={"content": b" " * 8_000_001}
    ),
    "a form that is cut off": Case(
        400, "bad_request", ("cut off", "20 fields"), "Content-Type", method="POST", path=VERIFY, sent=form(b"--x\r\nfoo")
    ),
    "a form without its boundary": Case(
        400, "bad_request", ("boundary",), "Content-Type", method="POST", path=VERIFY, sent=form(b"--x", "multipart/form-data")
    ),
    "a form of too many fields": Case(400, "bad_request", ("20 fields",), "Content-Type", method="POST", path=VERIFY, sent=form(PARTS)),
    "a length that is no number": Case(
        400,
        "bad_request",
        ("Content-Length", "whole number"),
        "Content-Length",
        method="POST",
        sent={"content": b"{}", "headers": {"content-length": "abc"}},
    ),
    "no key": Case(401, "unauthorised", ("Authorization: Bearer",), "Authorization", sent={"headers": {"authorization": ""}}),
    "a key that is none": Case(
        401, "unauthorised", ("Authorization: Bearer",), "Authorization", sent={"headers": {"authorization": "Bearer x"}}
    ),
    "a key without the right": Case(403, "key_right", ("prepare",), method="POST", sent={"content": b"{}"}, rights="see"),
    "an address that is none": Case(404, "not_found", ("nothing at this address",), path="/api/v1/nothing"),
    "an application that is none": Case(404, "not_found", ("no such application",), "reference", path=f"{LIST}/APP-0"),
    "an application nobody has": Case(
        404, "not_found", ("There is no application APP-2222222222",), "reference", path=f"{LIST}/APP-2222222222"
    ),
    "another method": Case(405, "method_not_allowed", ("DELETE", "GET", "POST"), method="DELETE"),
}


def require_plain(answer: httpx.Response, status: int, code: str, box: str | None) -> dict[str, Any]:
    """What holds of every refusal."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert (body["status"], body["code"], body["box"]) == (status, code, box), body
    assert body["type"] == f"urn:ecoo:{code}"
    assert body["detail"] == body["say"]
    assert body["say"].endswith((".", "?", ")")), body["say"]
    words = json.dumps([body["say"], [problem["say"] for problem in body["problems"]]]).replace("`file`", "file")
    assert [word for word in FOREIGN if word in words] == [], words
    if status == 422:
        assert body["problems"], body
    if body["problems"]:
        assert (body["problems"][0]["box"], body["problems"][0]["rule"]) == (body["box"], body["rule"])
    return body


@pytest.mark.parametrize("name", CASES)
async def test_a_refusal_says_what_is_wrong_and_what_may_be(program: httpx.AsyncClient, story: Any, name: str) -> None:
    case = CASES[name]
    program.headers["authorization"] = f"Bearer {story.keys[case.rights]}"
    answer = await program.request(case.method, case.path, **case.sent)
    body = require_plain(answer, case.status, case.code, case.box)
    assert all(word in body["say"] for word in case.says), body["say"]


Conflicting = Callable[[httpx.AsyncClient, dict[str, Any]], Awaitable[httpx.Response]]


async def _made(program: httpx.AsyncClient, tree: dict[str, Any], *, filed: bool) -> str:
    path = f"{LIST}/{(await program.post(LIST, json=tree)).json()['reference']}"
    if filed:
        assert (await program.post(f"{path}/file")).status_code == 200
    return path


async def _filed_twice(program: httpx.AsyncClient, tree: dict[str, Any]) -> httpx.Response:
    return await program.post(f"{await _made(program, tree, filed=True)}/file")


async def _changed_too_late(program: httpx.AsyncClient, tree: dict[str, Any]) -> httpx.Response:
    return await program.put(await _made(program, tree, filed=True), json=tree)


async def _moved(program: httpx.AsyncClient, tree: dict[str, Any]) -> httpx.Response:
    return await program.put(await _made(program, tree, filed=False), json=tree | {"scheme": "NP"})


async def _key_used_again(program: httpx.AsyncClient, tree: dict[str, Any]) -> httpx.Response:
    headers = {"idempotency-key": "in-our-words"}
    await program.post(LIST, json=tree, headers=headers)
    return await program.post(LIST, json=tree | {"remarks": "another"}, headers=headers)


@pytest.mark.parametrize(
    ("act", "code", "box", "says"),
    [
        (_filed_twice, "application_state", "state", "is filed; for this it must be draft or queried"),
        (_changed_too_late, "application_state", "state", "only a draft, or one that came back with a query, can be changed"),
        (_moved, "application_owner", "scheme", "Make a new application"),
        (_key_used_again, "idempotency_key_reused", "Idempotency-Key", "Use a new key"),
    ],
)
async def test_a_conflict_says_what_stands_in_the_way(
    program: httpx.AsyncClient, example: dict[str, Any], act: Conflicting, code: str, box: str, says: str
) -> None:
    body = require_plain(await act(program, example), 409, code, box)
    assert says in body["say"]
    assert body["problems"]


@pytest.mark.parametrize(
    ("error", "status", "code", "says"),
    [
        (
            Conflict("The database refused a row that breaks a rule (UNIQUE constraint failed: x.y).", code="integrity"),
            409,
            "integrity",
            "repeat",
        ),
        (Unavailable("The database did not take it (sqlite disk I/O error).", code="database"), 503, "database", "Repeat the request"),
        (TooMany("That was too often.", retry_after_s=3), 429, "too_many", "too often"),
        (Forbidden("You may not."), 403, "forbidden", "may not"),
        (HTTPException("Unsupported Media Type", status_code=415), 415, "media_type", "/api/openapi.json"),
        (HTTPException("Too Many", status_code=429), 429, "too_many", "Wait a little"),
        (HTTPException("I'm a teapot", status_code=418), 418, "bad_request", "cannot be read"),
        (NotFoundException("Expected `x`"), 404, "not_found", "nothing at this address"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_others_say_of_themselves_stays_inside(
    program: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str, says: str
) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("admin.api.applications.search", fails)
    answer = await program.get(LIST)
    box = "Content-Type" if status == 415 else None
    assert says in require_plain(answer, status, code, box)["say"]


async def test_all_wrong_parameters_are_said_at_once(program: httpx.AsyncClient) -> None:
    answer = await program.get(LIST, params={"limit": "201", "offset": "-1", "state": ""})
    body = require_plain(answer, 422, "refused", "state")
    assert {problem["box"] for problem in body["problems"]} == {"limit", "offset", "state"}
    assert {problem["rule"] for problem in body["problems"]} == {"parameter"}
