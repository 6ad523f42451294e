"""The one table from the engine's errors to HTTP. Programs get problem+json (RFC 9457), people a page.

Nothing of the inside leaves by here: what nobody foresaw, and what only the operator can mend, answers with the id of
the request and nothing else, and is written to the log under that id.
"""

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from litestar.connection import Request
from litestar.exceptions import HTTPException
from litestar.response import Response
from msgspec import Struct

from admin.headers import request_id
from admin.pages.rendering import page
from admin.persons import ProveFirst, SignInFirst, prove_first, sign_in_first
from admin.wording import refusal_of, status_of_http
from engine.errors import (
    ConfigError,
    Conflict,
    EngineError,
    Forbidden,
    NotFound,
    PluginError,
    Problem,
    Refused,
    TooMany,
    Unavailable,
    Unresolved,
    Untrusted,
)

__all__ = ["HANDLERS", "PROBLEM_JSON", "STATUS", "ProblemAnswer", "status_of"]

_log = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"

STATUS: dict[type[EngineError], int] = {
    EngineError: 500,
    Refused: 422,
    NotFound: 404,
    Conflict: 409,
    Forbidden: 403,
    TooMany: 429,
    Unavailable: 503,
    Unresolved: 202,
    Untrusted: 400,
    ConfigError: 500,
    PluginError: 500,
}

# What a database says of itself is for the operator's log; a caller needs to know what to do.
_INSIDE = {
    "integrity": "Somebody changed the same thing at the same moment. Load it again, then repeat the request.",
    "database": "The register could not be reached just now and nothing happened. Repeat the request.",
}
_RETRY_S = 5


class ProblemAnswer(Struct, frozen=True):
    """An error as the API answers it: RFC 9457, with the words of `ecoo --json` beside."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    say: str
    box: str | None = None
    rule: str | None = None
    problems: tuple[Problem, ...] = ()
    reference: str | None = None


def status_of(error: EngineError) -> int:
    """The HTTP status of an error of the engine: that of the nearest class in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def engine_error(request: Request[Any, Any, Any], error: EngineError) -> Response[Any]:
    """The answer to an error of the engine."""
    status = status_of(error)
    headers: dict[str, str] = {}
    if isinstance(error, TooMany):
        headers["retry-after"] = str(error.retry_after_s)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = str(_RETRY_S)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.code in _INSIDE:
        _write_down(request, error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unforeseen(request)
    told = EngineError(_INSIDE[error.code], code=error.code) if error.code in _INSIDE else error
    return _answer(request, status, told, headers)


def http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """The answer to what Litestar refuses: an unknown address, a method, a size, a value."""
    status = status_of_http(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return foreign_error(request, error)
    told = refusal_of(request, status, error)
    return _answer(request, status, told, {name.lower(): value for name, value in (error.headers or {}).items()})


def foreign_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer to what nobody foresaw."""
    _write_down(request, error)
    return _unforeseen(request)


HANDLERS: dict[Any, Any] = {
    EngineError: engine_error,
    HTTPException: http_error,
    ProveFirst: prove_first,
    SignInFirst: sign_in_first,
    Exception: foreign_error,
}


def _unforeseen(request: Request[Any, Any, Any]) -> Response[Any]:
    say = f"Something went wrong here. It was written down as {request_id(request.scope)}; name this when you ask for help."
    return _answer(request, 500, EngineError(say, code="unforeseen"), {})


def _write_down(request: Request[Any, Any, Any], error: Exception) -> None:
    """The route's template instead of the path: a path can carry a code."""
    where = request.scope.get("path_template", "no route")
    _log.error("request %s %s %s failed", request_id(request.scope), request.method, where, exc_info=error)


def _answer(request: Request[Any, Any, Any], status: int, error: EngineError, headers: dict[str, str]) -> Response[Any]:
    if _for_a_person(request):
        shown = page(request, "error.html", status=status, title=_TITLES.get(status, "This did not work"), error=error)
        shown.headers.update(headers)
        return shown
    body = ProblemAnswer(
        type=f"urn:ecoo:{error.code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=error.say,
        instance=f"urn:ecoo:request:{request_id(request.scope)}",
        code=error.code,
        say=error.say,
        box=error.box,
        rule=error.rule,
        problems=error.problems or _the_one(error, status),
        reference=error.reference,
    )
    return Response(msgspec.json.encode(body), status_code=status, media_type=PROBLEM_JSON, headers=headers)


def _the_one(error: EngineError, status: int) -> tuple[Problem, ...]:
    """What is wrong as a list of one, for a refusal that lists nothing: a program looks in one place alone."""
    named = isinstance(error, Refused) and (error.box is not None or error.rule is not None)
    return (Problem(error.box, error.rule, error.say),) if named or status == HTTPStatus.UNPROCESSABLE_ENTITY else ()


_TITLES = {
    403: "Not allowed",
    404: "Nothing here",
    405: "Not this way",
    413: "Too large",
    429: "Too often",
    500: "Something went wrong",
    503: "Not available just now",
}


def _for_a_person(request: Request[Any, Any, Any]) -> bool:
    """Whether a page is wanted: on the addresses of pages, unless JSON is asked for and HTML is not."""
    path = request.scope["path"]
    if path.startswith(("/api/", "/cb/", "/health/", "/static/")) or path == "/api":
        return False
    accept = request.headers.get("accept", "")
    return "json" not in accept or "text/html" in accept
