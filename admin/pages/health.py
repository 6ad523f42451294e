"""Whether this process lives, and whether it can do its work. For machines: JSON, and no word of the inside.

A locked token does not make a process unready: verification and filing go on without it. It is named all the same.
"""

from collections.abc import Awaitable
from typing import Any

from litestar import Request, get
from litestar.response import Response
from msgspec import Struct

from admin.parts import site_of
from engine.errors import EngineError, Untrusted
from engine.schema import require_current
from engine.site import Site
from engine.store import lookup

__all__ = ["Readiness", "live", "ready"]


class Readiness(Struct, frozen=True):
    """`checks` says ok or failed for each part, `signers` says ready or waiting for each that is configured."""

    ready: bool
    checks: dict[str, str]
    signers: dict[str, str]


@get("/health/live", include_in_schema=False)
async def live() -> dict[str, str]:
    """That the process answers; touches nothing."""
    return {"status": "live"}


@get("/health/ready", include_in_schema=False)
async def ready(request: Request[Any, Any, Any]) -> Response[Readiness]:
    """200 if database, schema, file store and keys are as they must be, else 503."""
    site = site_of(request)
    checks = {
        "database": await _works(_ask_database()),
        "schema": await _works(require_current()),
        "files": await _works(site.files.probe()),
        "keys": await _works(_try_keys(site)),
    }
    signers = {id: "waiting" if id in site.signer_problems else "ready" for id in sorted(site.config.signers)}
    well = set(checks.values()) == {"ok"}
    return Response(Readiness(well, checks, signers), status_code=200 if well else 503)


async def _works(deed: Awaitable[Any]) -> str:
    try:
        await deed
    except EngineError:
        return "failed"
    return "ok"


async def _ask_database() -> None:
    await lookup("SELECT name FROM store_setting WHERE name = ?", "schema")


async def _try_keys(site: Site) -> None:
    if site.secrets.unseal(site.secrets.seal("ready", purpose="probe"), purpose="probe") != "ready":
        raise Untrusted("The keys do not open what they sealed.")
