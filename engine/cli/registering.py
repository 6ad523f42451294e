"""`ecoo register`: the register of agencies from a file."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from engine.cli.options import ConfigOption, JsonOption, run_async, site_config
from engine.cli.output import DONE, show
from engine.clock import ist_day
from engine.errors import Refused
from engine.people.agencies.importing import import_register, read_register
from engine.site import open_site

__all__ = ["add_to"]


def add_to(app: App) -> None:
    """Adds the commands."""
    app.command(register := App(name="register", help="The register of agencies that may issue."))
    register.command(_import, name="import")


def _import(
    file: Annotated[Path, Parameter(help="A TOML file with [[agencies]]; the README has an example.")],
    *,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Bring the register of agencies to what a file says: all of it or nothing, and nothing the second time."""
    settings = site_config(config)
    try:
        found = read_register(file.read_bytes())
    except OSError as error:
        raise Refused(f"The file {file} cannot be read: {error.strerror}.", code="usage") from error

    async def act() -> tuple[str, ...]:
        async with open_site(settings, work=False) as site:
            at, known = site.clock.now(), site.registry
            return await import_register(found, schemes=known.schemes, forms=known.in_force(ist_day(at)), actor="shell", at=at)

    changed = run_async(settings, act)
    show({"changed": list(changed)}, as_json=json, plain=lambda: "\n".join(changed) or "Nothing changed: the register says so already.")
    return DONE
