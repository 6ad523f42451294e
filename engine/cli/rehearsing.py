"""`ecoo rehearsal`: servers that stand in for what cannot be reached, for sites that are being tried out."""

import importlib
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from cyclopts import App, Parameter

from engine.cli.options import ConfigOption, site_config
from engine.cli.output import DONE, say
from engine.config import Config
from engine.errors import ConfigError

if TYPE_CHECKING:
    from engine.people.dgft import Settings

__all__ = ["add_to"]

_HOST = "127.0.0.1"
_PORT = 8001


def add_to(app: App) -> None:
    """Adds the commands."""
    app.command(App(name="rehearsal", help="Serve what stands in for services that cannot be reached, while a site is tried out."))
    app["rehearsal"].command(registry)


def registry(
    *,
    port: Annotated[int, Parameter(help="The port to listen on, of this machine alone; [dgft] issuer must name it.")] = _PORT,
    config: ConfigOption = None,
) -> int:
    """Serve the rehearsal registry: sign-in and firms of invented persons. Refused unless [site] rehearsal = true."""
    import uvicorn

    site = site_config(config)
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
    say(f"The rehearsal registry is at {settings.issuer}; nobody in it is real (stop with Ctrl-C).")
    server.run()
    return DONE if server.started else 5


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
