"""The description of the API (OpenAPI 3.1): what Litestar knows of each operation, and what only we know of its body.

The schema of the application file is the engine's own, so description, reader and `ecoo schema application` cannot differ.
"""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, Router
from litestar.exceptions import NotFoundException
from litestar.openapi import ResponseSpec
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, OpenAPIMediaType, Operation, Parameter, Reference, RequestBody, Schema, SecurityScheme
from litestar.openapi.spec.enums import OpenAPIType

from admin.errors import PROBLEM_JSON, ProblemAnswer
from engine.filing import published_schema

__all__ = ["BEARER", "ApplicationOperation", "FileOperation", "QuestionOperation", "api_description", "errors"]

BEARER: list[dict[str, list[str]]] = [{"bearer": []}]
BEARER_OR_NONE: list[dict[str, list[str]]] = [{"bearer": []}, {}]

_FILE = "ApplicationFile"
_SAYS = {
    400: "The request cannot be read.",
    401: "There is no valid key.",
    403: "The key does not carry the right.",
    404: "There is no such thing, or it is not yours.",
    409: "The state of the thing does not allow it, or somebody was quicker.",
    413: "The body is too large.",
    415: "The body is of another kind.",
    422: "What was sent is not as it must be; `problems` lists everything that is wrong.",
    429: "Too often; `Retry-After` says when to come back.",
    503: "A part that is needed did not answer and nothing happened; repeat freely.",
}


def errors(*statuses: int) -> dict[int, ResponseSpec]:
    """The errors an operation may answer with, described alike."""
    return {
        status: ResponseSpec(ProblemAnswer, generate_examples=False, description=_SAYS[status], media_type=PROBLEM_JSON)
        for status in sorted({400, *statuses})
    }


@dataclass
class ApplicationOperation(Operation):
    """An operation whose body is an application file."""

    def __post_init__(self) -> None:
        media = OpenAPIMediaType(schema=Reference(ref=f"#/components/schemas/{_FILE}"))
        self.request_body = RequestBody(content={"application/json": media}, required=True)


@dataclass
class FileOperation(Operation):
    """An operation whose body is a PDF, bare or as a field of a form."""

    def __post_init__(self) -> None:
        binary = Schema(type=OpenAPIType.STRING, format="binary")  # type: ignore[arg-type]  # the word of OpenAPI, not one of Litestar's formats
        form = Schema(type=OpenAPIType.OBJECT, properties={"file": binary}, required=["file"])
        content = {"application/pdf": OpenAPIMediaType(schema=binary), "multipart/form-data": OpenAPIMediaType(schema=form)}
        self.request_body = RequestBody(content=content, required=True)


@dataclass
class QuestionOperation(Operation):
    """An operation that is asked by exactly one of three words in the query."""

    def __post_init__(self) -> None:
        word = Schema(type=OpenAPIType.STRING, max_length=500)
        self.parameters = [
            Parameter(name="code", param_in="query", schema=word, description="The code that the QR carries."),
            Parameter(name="link", param_in="query", schema=word, description="The address that the QR carries."),
            Parameter(name="number", param_in="query", schema=word, description="The printed number; needs a key."),
        ]


class _Description(JsonRenderPlugin):
    """Litestar's description with the schema of the application file beside its own."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        components = openapi_schema["components"]
        whole = {**openapi_schema, "components": {**components, "schemas": {**components.get("schemas", {}), **_file_schemas()}}}
        return self.render_json(request, whole)


def api_description() -> OpenAPIConfig:
    """The configuration under which the description is made and served at `/api/openapi.json`."""
    key = SecurityScheme(type="http", scheme="bearer", description="A key of the API, as an administrator hands it out.")
    return OpenAPIConfig(
        title="ecoo: electronic Certificates of Origin",
        version="1",
        description="File applications, fetch certificates, verify. Errors are problem+json (RFC 9457); times are UTC ending in Z.",
        components=Components(security_schemes={"bearer": key}),
        render_plugins=[_Description(path="/openapi.json")],
        openapi_router=Router("/api", route_handlers=[], include_in_schema=False, after_request=_ours_only),
        use_handler_docstrings=True,
    )


async def _ours_only(response: Response[Any]) -> Response[Any]:
    """Litestar answers unknown addresses below the description with a page of its own; ours are problems."""
    if response.status_code == NotFoundException.status_code:
        raise NotFoundException
    return response


def _file_schemas() -> dict[str, Any]:
    """The published schema of the application file as components, its parts named after it."""
    schema = published_schema()
    parts = {f"{_FILE}.{name}": part for name, part in schema.pop("$defs").items()}
    for key in ("$schema", "$id"):
        schema.pop(key, None)
    moved: dict[str, Any] = _moved({_FILE: schema, **parts})
    return moved


def _moved(node: Any) -> Any:
    """The same schema with its references pointing at components."""
    if isinstance(node, dict):
        return {
            key: value.replace("#/$defs/", f"#/components/schemas/{_FILE}.") if key == "$ref" and isinstance(value, str) else _moved(value)
            for key, value in node.items()
        }
    return [_moved(each) for each in node] if isinstance(node, list) else node
