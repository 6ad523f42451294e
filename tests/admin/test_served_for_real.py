"""A real server over a real socket: limits on bodies, and the description held against the answers."""

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

# Not asked: positive_data_acceptance. A file of the right shape may still break a rule of origin, and is refused for it.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    ignored_auth,
    unsupported_method,
]
MEGABYTE = 1_000_000
PDF = {"content-type": "application/pdf"}


@pytest.fixture
def browser_like(served: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served, timeout=30) as client:
        yield client


def chunked(size: int) -> Iterator[bytes]:
    """A body whose length nobody announces."""
    for _ in range(0, size, 50_000):
        yield b"x" * 50_000


def status(client: httpx.Client, path: str, body: Any, headers: dict[str, str]) -> int:
    """The status, also if the server hangs up on the rest of a body that it will not read."""
    try:
        return client.post(path, content=body, headers=headers).status_code
    except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
        return 413


def test_an_application_over_a_megabyte_is_too_large_announced_or_not(browser_like: httpx.Client, story: Any) -> None:
    key = {"authorization": f"Bearer {story.keys['whole']}"}
    for body in (b"x" * (MEGABYTE + 1), chunked(2 * MEGABYTE)):
        assert status(browser_like, "/api/v1/applications", body, key) == 413
    assert browser_like.post("/api/v1/applications", content=b"x" * MEGABYTE, headers=key).status_code == 422


def test_a_pdf_may_have_eight_megabytes_and_no_more(browser_like: httpx.Client) -> None:
    for body in (b"x" * (8 * MEGABYTE + 1), chunked(9 * MEGABYTE)):
        assert status(browser_like, "/api/v1/verify", body, PDF) == 413
    taken = browser_like.post("/api/v1/verify", content=b"x" * (7 * MEGABYTE), headers=PDF)
    assert taken.json()["verdict"] == "unknown"


def test_a_form_is_limited_before_it_is_read(browser_like: httpx.Client) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert status(browser_like, "/verify", chunked(2 * MEGABYTE), kind) == 413
    assert status(browser_like, "/verify/file", b"x" * (8 * MEGABYTE + 1), {"content-type": "multipart/form-data; boundary=x"}) == 413


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /v/%00%ff%c0%ae HTTP/1.1",
        b"GET /v/..%2f..%2fetc%2fpasswd HTTP/1.1",
        b"GET //evil.example/v/A HTTP/1.1",
        b"GET /verify?x=%zz&%00 HTTP/1.1",
    ],
)
def test_a_crooked_address_is_answered_calmly(served: str, request_line: bytes) -> None:
    at = urlsplit(served)
    with socket.create_connection((at.hostname or "", at.port or 0), timeout=10) as line:
        line.sendall(request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert line.recv(12).split()[1] in {b"200", b"400", b"404"}


def test_the_description_names_the_errors_of_every_operation(browser_like: httpx.Client) -> None:
    described = browser_like.get("/api/openapi.json").json()
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    assert len(operations) == 43
    for operation in operations:
        assert operation["summary"]
        for code, response in operation["responses"].items():
            if int(code) >= 400:
                assert list(response["content"]) == ["application/problem+json"], operation["operationId"]
        assert "401" in operation["responses"]
    assert all(path.startswith("/api/v1/") for path in described["paths"])
    assert "#/$defs" not in json.dumps(described)


def test_the_answers_keep_what_the_description_says(served: str, story: Any) -> None:
    description = schemathesis.openapi.from_url(f"{served}/api/openapi.json")
    headers = {"Authorization": f"Bearer {story.keys['whole']}"}
    tried = 0
    for found in description.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=6,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def keeps(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        keeps()
        tried += 1
    assert tried == 43
