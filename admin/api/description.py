"""The description of the API (OpenAPI 3.1): what Litestar knows of each operation, and what only we know of its body.

The schemas of application file and cost sheet are the engine's own, so description, reader and `ecoo schema` cannot differ.
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

from admin.api.cost_sheet_deeds import deed_schemas
from admin.api.payment_deeds import payment_schemas
from admin.errors import PROBLEM_JSON, ProblemAnswer
from engine.filing import published_schema
from engine.filing.sheets import published_sheet_schema

__all__ = [
    "BEARER",
    "CSV",
    "XLSX",
    "ApplicationOperation",
    "CostSheetOperation",
    "FileOperation",
    "QuestionOperation",
    "TableOperation",
    "api_description",
    "asking",
    "errors",
]

BEARER: list[dict[str, list[str]]] = [{"bearer": []}]
BEARER_OR_NONE: list[dict[str, list[str]]] = [{"bearer": []}, {}]

_FILE = "ApplicationFile"
_SHEET = "CostSheetFile"
XLSX, CSV = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "text/csv"
_SAYS = {
    202: "It may have happened, and nobody knows yet; `reference` names it. It is asked about by itself: look at it, never repeat it.",
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
class CostSheetOperation(Operation):
    """An operation whose body is a cost sheet file."""

    def __post_init__(self) -> None:
        media = OpenAPIMediaType(schema=Reference(ref=f"#/components/schemas/{_SHEET}"))
        self.request_body = RequestBody(content={"application/json": media}, required=True)


@dataclass
class TableOperation(Operation):
    """An operation whose body is a cost sheet as a workbook or as CSV."""

    def __post_init__(self) -> None:
        binary = Schema(type=OpenAPIType.STRING, format="binary")  # type: ignore[arg-type]  # the word of OpenAPI, not one of Litestar's formats
        content = {kind: OpenAPIMediaType(schema=binary) for kind in (XLSX, CSV)}
        self.request_body = RequestBody(content=content, required=True)


def asking(component: str) -> type[Operation]:
    """An operation whose body is a small request of that published shape."""

    @dataclass
    class AskingOperation(Operation):
        def __post_init__(self) -> None:
            media = OpenAPIMediaType(schema=Reference(ref=f"#/components/schemas/{component}"))
            self.request_body = RequestBody(content={"application/json": media}, required=True)

    return AskingOperation


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
    """Litestar's description with the schemas of our files beside its own."""

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
    """The published schemas of the files as components, their parts named after them."""
    schemas = {_FILE: published_schema(), _SHEET: published_sheet_schema(), **deed_schemas(), **payment_schemas()}
    return {name: part for file, schema in schemas.items() for name, part in _components(file, schema).items()}


def _components(file: str, schema: dict[str, Any]) -> dict[str, Any]:
    parts = {f"{file}.{name}": part for name, part in schema.pop("$defs").items()}
    for key in ("$schema", "$id"):
        schema.pop(key, None)
    moved: dict[str, Any] = _moved(file, {file: schema, **parts})
    return moved


def _moved(file: str, node: Any) -> Any:
    """The same schema with its references pointing at components."""
    if isinstance(node, dict):
        return {
            key: value.replace("#/$defs/", f"#/components/schemas/{file}.")
            if key == "$ref" and isinstance(value, str)
            else _moved(file, value)
            for key, value in node.items()
        }
    return [_moved(file, each) for each in node] if isinstance(node, list) else node
