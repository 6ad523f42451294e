"""What HTTP itself can find wrong with a request, in our words: a stable code, a sentence that says what mends it, box and rule.

Litestar's own sentences never leave: they speak of Python types, and change with its versions.
"""

from enum import Enum
from http import HTTPStatus
from typing import Any

from litestar.connection import Request
from litestar.exceptions import HTTPException
from litestar.typing import FieldDefinition

from engine.errors import Problem, Refused
from engine.filing.reading.text import shown

__all__ = ["refusal_of", "status_of_http"]

_HUNG_UP = "client disconnected prematurely"  # as Litestar says it

# Code, sentence, box and rule of a status that has nothing more to say.
_PLAIN: dict[int, tuple[str, str, str | None, str | None]] = {
    400: ("bad_request", "The request cannot be read. Compare it with /api/openapi.json and send it again.", None, "HTTP request"),
    401: ("unauthorised", "This needs a valid key: send it as Authorization: Bearer KEY.", "Authorization", "bearer key"),
    403: ("forbidden", "This is not allowed.", None, None),
    404: ("not_found", "There is nothing at this address.", None, "known address"),
    405: ("method_not_allowed", "This address does not answer to that method.", None, "method of the address"),
    408: ("too_slow", "What was sent did not come to its end in time. Send it again, whole.", None, "time for the body"),
    413: ("too_large", "What was sent is too large.", None, "size of the body"),
    415: (
        "media_type",
        "This address does not take that kind of content; /api/openapi.json says which.",
        "Content-Type",
        "kind of content",
    ),
    422: ("refused", "A value of the request is not as /api/openapi.json describes it.", None, "parameter"),
    429: ("too_many", "That was too often. Wait a little, then try again.", None, "tries in a minute"),
}


def status_of_http(error: HTTPException) -> int:
    """The status to answer with: a value that is wrong in itself is 422 everywhere, a request that cannot be read is 400, and so is one
    whose sender hung up within it: that is no fault of ours, and nobody fills the log of our faults with it."""
    if error.status_code == HTTPStatus.INTERNAL_SERVER_ERROR and error.detail == _HUNG_UP:
        return HTTPStatus.BAD_REQUEST
    if error.status_code == HTTPStatus.BAD_REQUEST and isinstance(error.extra, list):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return error.status_code


def refusal_of(request: Request[Any, Any, Any], status: int, error: HTTPException) -> Refused:
    """An error of Litestar's as one of ours."""
    code, say, box, rule = _PLAIN.get(status, _PLAIN[400])
    match status:
        case 400:
            say, box, rule = _unreadable(request, error) or (say, box, rule)
        case 405 if allowed := (error.headers or {}).get("allow"):
            say = f"This address does not answer to {request.method}; it answers to {allowed}."
        case 413 if limit := request.route_handler.resolve_request_max_body_size():
            say = f"What was sent is too large: this address takes at most {limit / 1_000_000:g} MB ({limit} bytes)."
        case 422:
            problems = _wrong_values(request, error.extra)
            return Refused(problems[0].say if problems else say, code=code, box=box, rule=rule, problems=problems)
    return Refused(say, code=code, box=box, rule=rule)


def _unreadable(request: Request[Any, Any, Any], error: HTTPException) -> tuple[str, str, str] | None:
    if error.detail.startswith("Invalid content-length"):
        return "The header Content-Length is not a whole number of bytes.", "Content-Length", "whole number"
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        most = request.app.multipart_form_part_limit
        say = f"The form in the body cannot be read: it is cut off, its boundary is missing, or it has more than {most} fields."
        return say, "Content-Type", "readable form"
    return None


def _wrong_values(request: Request[Any, Any, Any], extra: Any) -> list[Problem]:
    """Litestar's list of wrong values as problems: each named as the caller spelt it, with what it may be and what it is."""
    found = []
    for each in extra or ():
        key = str(each.get("key", "")) if isinstance(each, dict) else ""
        if parameter := request.route_handler.parsed_fn_signature.parameters.get(key):
            name = getattr(parameter.kwarg_definition, "name", None) or key
            given = request.query_params.get(name)
            it_is = "" if given is None else f"; it is {shown(given)}"
            found.append(Problem(name, "parameter", f"{name} must be {_may_be(parameter)}{it_is}."))
    return found


def _may_be(parameter: FieldDefinition) -> str:
    """What a parameter may be, out of its declaration."""
    kinds = [parameter.annotation, *(inner.annotation for inner in parameter.inner_types)]
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Enum):
            return f"one of {', '.join(str(each.value) for each in kind)}"
    declared = parameter.kwarg_definition
    least, most = getattr(declared, "ge", None), getattr(declared, "le", None)
    if int in kinds and least is not None and most is not None:
        return f"a whole number from {least} to {most}"
    if longest := getattr(declared, "max_length", None):
        return f"text of at most {longest} characters"
    return "as /api/openapi.json describes it"
