"""Commands that stay: serve, worker."""

import asyncio
import gc
import importlib
import signal
from typing import Annotated

from cyclopts import App, Parameter

from engine.cli.options import ConfigOption, run_async, site_config
from engine.cli.output import DONE, say
from engine.cli.rehearsing import rehearsals_beside
from engine.config import Config
from engine.errors import ConfigError
from engine.site import lock_is_free, open_site

__all__ = ["add_to"]


def add_to(app: App) -> None:
    """Adds the commands."""
    app.command(serve)
    app.command(worker)


def serve(*, config: ConfigOption = None) -> int:
    """Serve the pages and the API; in the embedded profile this process also does the work."""
    import uvicorn

    site = site_config(config)
    run_async(site, lambda: _ready(site))
    create_app = importlib.import_module("admin.app").create_app
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(site),
            host=site.serve.host,
            port=site.serve.port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(site.serve.trusted_proxies),
            forwarded_allow_ips=list(site.serve.trusted_proxies),
            timeout_graceful_shutdown=10,
        )
    )
    say(f"Serving {site.site.public_url} on http://{site.serve.host}:{site.serve.port} (stop with Ctrl-C)")
    # What was imported stays for good: the collector need not look through it again in the middle of a request.
    gc.collect()
    gc.freeze()
    with rehearsals_beside(site):
        server.run()
    return DONE if server.started else 5


def worker(
    *,
    id: Annotated[str, Parameter(help="This worker's own name, stable over restarts and unique among those that run.")],
    config: ConfigOption = None,
) -> int:
    """Do the work that `ecoo serve` queues, in the outgrown profile."""
    site = site_config(config)
    if site.serve.profile != "outgrown":
        raise ConfigError('Workers belong to the outgrown profile: set [serve] profile = "outgrown", or let ecoo serve do the work.')

    async def work() -> None:
        stop = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        async with open_site(site, work=True, executor=f"worker-{id}"):
            say(f"Worker {id} is at work.")
            await stop.wait()

    run_async(site, work)
    return DONE


async def _ready(config: Config) -> None:
    """Raises what would stop the server, as a sentence, before it starts; a demonstration site that is absent was made."""
    if config.serve.profile == "embedded" and not lock_is_free(config):
        raise ConfigError(f"Another ecoo process works on {config.folder}. Stop it first.", code="locked")
    async with open_site(config, work=False):
        pass
