"""Every error of the engine has one HTTP status, and programs read it as RFC 9457."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from admin.errors import STATUS, status_of
from engine import errors
from engine.errors import (
    ConfigError,
    Conflict,
    EngineError,
    Forbidden,
    NotFound,
    OriginRefused,
    PluginError,
    Problem,
    Refused,
    SignerUnavailable,
    TooMany,
    Unavailable,
    Unresolved,
    Untrusted,
)

CASES: list[tuple[EngineError, int]] = [
    (Refused("wrong", problems=[Problem("box 7", "a rule", "wrong"), Problem(None, None, "also")]), 422),
    (OriginRefused("35 % is needed"), 422),
    (NotFound("no such thing"), 404),
    (Conflict("somebody was quicker"), 409),
    (Forbidden("not you"), 403),
    (TooMany("slowly", retry_after_s=17), 429),
    (Unavailable("silent"), 503),
    (SignerUnavailable("locked"), 503),
    (Unresolved("perhaps", reference="PAY-1"), 202),
    (Untrusted("who says so"), 400),
    (ConfigError("/secret/path is wrong"), 500),
    (PluginError("plugin x broke"), 500),
]


def test_every_class_of_the_tree_has_a_case_and_a_status() -> None:
    tree = {getattr(errors, name) for name in errors.__all__ if name not in {"Problem", "EngineError"}}
    assert {type(error) for error, _ in CASES} == tree
    assert set(STATUS) <= tree | {EngineError}
    assert [status_of(error) for error, _ in CASES] == [status for _, status in CASES]


@pytest.mark.parametrize(("error", "status"), CASES, ids=[type(error).__name__ for error, _ in CASES])
async def test_a_program_reads_each_error_as_a_problem(
    program: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, error: EngineError, status: int
) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("admin.api.applications.search", fails)
    answer = await program.get("/api/v1/applications")
    body = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(body) == {"type", "title", "status", "detail", "instance", "code", "say", "box", "rule", "problems", "reference"}
    assert body["status"] == status
    assert body["detail"] == body["say"]
    assert body["instance"].endswith(answer.headers["x-request-id"])
    if status == 500:
        assert body["type"] == "urn:ecoo:unforeseen"
        assert "secret" not in answer.text
        assert "plugin" not in answer.text
        return
    assert body["type"] == f"urn:ecoo:{error.code}"
    assert body["say"] == error.say
    assert body["reference"] == error.reference
    alone = [{"box": None, "rule": None, "say": error.say}] if status == 422 else []
    assert body["problems"] == (error.as_json()["problems"] or alone)


@pytest.mark.parametrize(("error", "status"), CASES, ids=[type(error).__name__ for error, _ in CASES])
async def test_a_person_reads_each_error_as_a_page(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, error: EngineError, status: int
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("admin.pages.home.page", fails)
    answer = await client.get("/")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert ("secret" in answer.text) is False
    if status != 500:
        assert error.say in answer.text


async def test_waiting_times_are_in_the_header(program: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for error, seconds in ((TooMany("slowly", retry_after_s=17), "17"), (Unavailable("silent"), "5")):

        async def fails(*_: Any, told: EngineError = error, **__: Any) -> None:
            raise told

        monkeypatch.setattr("admin.api.applications.search", fails)
        assert (await program.get("/api/v1/applications")).headers["retry-after"] == seconds


async def test_wrong_parameters_are_all_named_as_they_were_spelt(program: httpx.AsyncClient) -> None:
    answer = await program.get("/api/v1/applications", params={"limit": "0", "state": "lost", "offset": "x"})
    assert answer.status_code == 422
    assert {problem["box"] for problem in answer.json()["problems"]} == {"limit", "state", "offset"}


async def test_what_was_written_down_names_no_code(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def explode(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("admin.pages.verify.page", explode)
    answer: Callable[..., Any] = client.get
    code = "A" + "C" * 26
    assert (await answer(f"/v/{code}")).status_code == 500
    assert "/v/{code" in caplog.text
    assert code not in caplog.text
