"""`ecoo rehearsal gateway`: the sandbox's other half, for sites that try out payments. No money moves."""

import importlib
import os
import secrets
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from cyclopts import Parameter

from engine.cli.options import ConfigOption, site_config
from engine.cli.output import DONE, say
from engine.config import Config
from engine.errors import ConfigError

__all__ = ["gateway"]

_HOST, _ID = "127.0.0.1", "sandbox"
_PORT = 8002
_MERCHANT = "COODEMO01"
_FILE = "checksum"


def gateway(
    *,
    merchant: Annotated[str, Parameter(help="The Merchant ID that the gateway knows.")] = _MERCHANT,
    config: ConfigOption = None,
) -> int:
    """Serve the rehearsal gateway, with one invented merchant. Refused unless [site] rehearsal = true."""
    import uvicorn

    site = site_config(config)
    port = _port(site)
    checksum = _checksum(site.plugin_folder("gateways", _ID))
    app = importlib.import_module("plugins.payment.sandbox.server").RehearsalGateway({merchant: checksum})
    server = uvicorn.Server(uvicorn.Config(app, host=_HOST, port=port, log_config=None, access_log=False, server_header=False))
    say(f"The rehearsal gateway is at http://{_HOST}:{port}; no money moves (stop with Ctrl-C).")
    say(f"Enter at an office: Merchant ID {merchant}, Checksum {checksum}")
    server.run()
    return DONE if server.started else 5


def _port(site: Config) -> int:
    """The port that [gateways.sandbox] names on this machine. Raises ConfigError with what to write there."""
    if not site.site.rehearsal:
        raise ConfigError(f"{site.path}: site.rehearsal is not true. A rehearsal gateway takes no money: never on a live site.")
    url = site.gateways.get(_ID, {}).get("url", f"http://{_HOST}:{_PORT}" if _ID in site.gateways else "")
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname != _HOST or parts.port is None:
        raise ConfigError(f'{site.path}: to rehearse payments, set [gateways.sandbox] url = "http://{_HOST}:{_PORT}".')
    return parts.port


def _checksum(folder: Path) -> str:
    """The checksum key of the invented merchant, made at the first start and kept where nobody else reads it."""
    path = folder / _FILE
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
            out.write(secrets.token_hex(16))
    except FileExistsError:
        pass
    return path.read_text(encoding="ascii").strip()
