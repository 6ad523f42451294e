"""The bare answer that look-ups are measured beside: one handler, no database, on the same server with the same settings.

Run by `engine.bench.serving` as a process of its own. Litestar is imported by name, as `ecoo serve` starts `admin.app`:
the engine itself knows no web framework.
"""

import importlib
import sys
from typing import Any

import uvicorn

__all__ = ["create_app", "main"]


def create_app() -> Any:
    """An application whose one page `/` answers a few bytes of JSON."""
    litestar = importlib.import_module("litestar")

    async def answer() -> dict[str, str]:
        return {"verdict": "genuine"}

    return litestar.Litestar([litestar.get("/")(answer)], openapi_config=None, logging_config=None)


def main(port: int) -> None:
    """Serves on 127.0.0.1 until it is stopped, with the settings of `ecoo serve`."""
    uvicorn.run(create_app(), host="127.0.0.1", port=port, log_config=None, access_log=False, server_header=False)


if __name__ == "__main__":
    main(int(sys.argv[1]))
