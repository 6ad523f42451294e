"""`ecoo rehearsal`: servers that stand in for what cannot be reached, for sites that are being tried out."""

import importlib
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from cyclopts import App, Parameter

from engine.cli.beside import beside, end_with_input, listening
from engine.cli.options import ConfigOption, site_config
from engine.cli.output import DONE, say
from engine.cli.rehearsing_gateway import gateway, gateway_port
from engine.config import Config
from engine.errors import ConfigError

if TYPE_CHECKING:
    from engine.people.dgft import Settings

__all__ = ["add_to", "rehearsals_beside"]

_HOST = "127.0.0.1"
_PORT = 8001


def add_to(app: App) -> None:
    """Adds the commands."""
    app.command(App(name="rehearsal", help="Serve what stands in for services that cannot be reached, while a site is tried out."))
    app["rehearsal"].command(registry)
    app["rehearsal"].command(gateway)


def registry(
    *,
    port: Annotated[
        int | None, Parameter(help="The port to listen on, of this machine alone; else the one that [dgft] issuer names.")
    ] = None,
    with_input: Annotated[
        bool, Parameter(negative=(), help="End when the standard input ends: beside a server that started this one.")
    ] = False,
    config: ConfigOption = None,
) -> int:
    """Serve the rehearsal registry: sign-in and firms of invented persons. Refused unless [site] rehearsal = true."""
    import uvicorn

    site = site_config(config)
    port = port or _port(site) or _PORT
    settings = _settings(site, port)
    app = importlib.import_module("admin.rehearsal.registry").rehearse(
        settings.issuer,
        client_id=settings.client_id,
        redirect_uri=settings.redirect_uri,
        client_secret=settings.client_secret.value,
        client_key=settings.client_key.public_key if settings.client_key else None,
        profile_token=settings.profile_token.value,
    )
    server = uvicorn.Server(uvicorn.Config(app, host=_HOST, port=port, log_config=None, access_log=False, server_header=False))
    with listening(port, "exporters cannot sign in", "the rehearsal registry") as listener:
        say(f"The rehearsal registry is at {settings.issuer}; nobody in it is real{'' if with_input else ' (stop with Ctrl-C)'}.")
        if with_input:
            threading.Thread(target=end_with_input, args=[server], daemon=True).start()
        server.run(sockets=[listener])
    return DONE if server.started else 5


@contextmanager
def rehearsals_beside(site: Config) -> Iterator[None]:
    """The rehearsal registry and the rehearsal gateway of a demonstration, each in a process of its own for as long as the block runs.

    A site without one has none to start.
    """
    with ExitStack() as stack:
        if site.site.demo and site.site.rehearsal and _port(site):
            stack.enter_context(beside(site.path, "registry"))
        if site.site.demo and gateway_port(site):
            stack.enter_context(beside(site.path, "gateway"))
        yield


def _port(site: Config) -> int | None:
    """The port of a registry on this machine that [dgft] names, if it does."""
    parts = urlsplit(site.dgft.issuer)
    return parts.port if parts.scheme == "http" and parts.hostname == _HOST else None


def _settings(site: Config, port: int) -> "Settings":
    """What [dgft] says, if it names a rehearsal on that port. Raises ConfigError with what to write there."""
    from engine.people.dgft import settings_of  # it needs the JOSE library, and most commands do not

    if not site.site.rehearsal:
        raise ConfigError(f"{site.path}: site.rehearsal is not true. Anybody may sign in at a rehearsal as anybody: never on a live site.")
    settings = settings_of(site)
    wanted = f"http://{_HOST}:{port}"
    if settings is None or settings.issuer != wanted or settings.profile_url != f"{wanted}/profiles":
        raise ConfigError(
            f'{site.path}: to rehearse on port {port}, set [dgft] issuer = "{wanted}" and profile_url = "{wanted}/profiles", '
            "beside client_id, client_secret and profile_token."
        )
    back = urlsplit(settings.redirect_uri)
    if back.port == port and back.hostname in {_HOST, "localhost"}:
        raise ConfigError(f"{site.path}: port {port} is the site's own; name another one for the registry with --port.")
    return settings
