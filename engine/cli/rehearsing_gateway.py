"""`ecoo rehearsal gateway`: the other half of every payment gateway, for sites that try out payments. No money moves."""

import importlib
import threading
import time
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from cyclopts import Parameter

from engine.cli.beside import end_with_input, listening
from engine.cli.options import ConfigOption, site_config
from engine.cli.output import DONE, say
from engine.config import Config
from engine.demo_payments import GATEWAY, MERCHANT, rehearsal_checksum
from engine.errors import ConfigError

__all__ = ["gateway", "gateway_port"]

_HOST = "127.0.0.1"
_PORT = 8002
_SERVERS = "plugins.payment.sandbox.server"
_OFFICES = "plugins.payment.sandbox.rehearsal.offices"


def gateway(
    *,
    merchant: Annotated[str, Parameter(help="The Merchant ID that the gateways know.")] = MERCHANT,
    with_input: Annotated[
        bool, Parameter(negative=(), help="End when the standard input ends: beside a server that started this one.")
    ] = False,
    config: ConfigOption = None,
) -> int:
    """Serve the rehearsal gateway, with one invented office at every gateway. Refused unless [site] rehearsal = true."""
    import uvicorn

    site = site_config(config)
    port = _port(site)
    offices = importlib.import_module(_OFFICES)
    merchants = offices.demo_offices(rehearsal_checksum(site), merchant)
    # Ids begin with the time of the start, so that none comes twice when the server forgot what it gave before.
    app = importlib.import_module(_SERVERS).RehearsalGateway(merchants, series=f"{int(time.time()):X}")
    server = uvicorn.Server(uvicorn.Config(app, host=_HOST, port=port, log_config=None, access_log=False, server_header=False))
    with listening(port, "payments cannot be rehearsed", "the rehearsal gateway") as listener:
        say(f"The rehearsal gateway is at http://{_HOST}:{port}; no money moves{'' if with_input else ' (stop with Ctrl-C)'}.")
        if with_input:
            threading.Thread(target=end_with_input, args=[server], daemon=True).start()
        else:
            _tell(merchants, offices.what_to_enter)
        server.run(sockets=[listener])
    return DONE if server.started else 5


def gateway_port(site: Config) -> int | None:
    """The port of this machine that [gateways.sandbox] names, if it does; none on a site without rehearsals."""
    if not site.site.rehearsal or GATEWAY not in site.gateways:
        return None
    parts = urlsplit(site.gateways[GATEWAY].get("url", f"http://{_HOST}:{_PORT}"))
    return parts.port if parts.scheme == "http" and parts.hostname == _HOST else None


def _port(site: Config) -> int:
    """The port to listen on. Raises ConfigError with what to write into engine.toml."""
    if not site.site.rehearsal:
        raise ConfigError(f"{site.path}: site.rehearsal is not true. A rehearsal gateway takes no money: never on a live site.")
    port = gateway_port(site)
    if port is None:
        raise ConfigError(f'{site.path}: to rehearse payments, set [gateways.sandbox] url = "http://{_HOST}:{_PORT}".')
    return port


def _tell(merchants: Any, entered: Callable[[Any], Any]) -> None:
    """What to enter at an office, for who started this by hand."""
    for each in merchants:
        words = ", ".join(f"{label} {value}" for label, value in entered(each).items())
        say(f"Enter at an office for {each.wire}: {words}")
