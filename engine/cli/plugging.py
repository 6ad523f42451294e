"""Commands about plugins: what is installed, and whether it keeps its promises."""

from typing import Annotated

from cyclopts import App, Parameter

from engine import config as configuration
from engine import registry
from engine.cli.options import ConfigOption, JsonOption, run_async, site_config
from engine.cli.output import BROKEN, DONE, say, show
from engine.promises import Promise, promises_of

__all__ = ["add_to"]


def add_to(app: App) -> None:
    """Adds the commands."""
    app.command(plugins)
    app.command(promise)


def plugins(*, config: ConfigOption = None, json: JsonOption = False) -> int:
    """List every signer, template and hook that is installed, and where it came from."""
    path = config or configuration.default_path()
    found = registry.load(configuration.load(path) if config or path.exists() else None)
    rows = [{"kind": p.kind, "id": p.id, "title": p.title, "version": p.version, "source": p.source} for p in found.plugins]
    show(
        {"plugins": rows},
        as_json=json,
        plain=lambda: "\n".join(f"{p['kind']:9} {p['id']:20} {p['version']:8} {p['source']:12} {p['title']}" for p in rows),
    )
    return DONE


def promise(
    plugin: Annotated[str, Parameter(help="The id of a signer, a template or a hook, as `ecoo plugins` lists it.")],
    *,
    wait: Annotated[float, Parameter(help="For how many seconds a signer may wait for a person to unlock its device.")] = 0,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Try everything a plugin of its kind must keep, one sentence each."""
    site = site_config(config)
    kept: list[Promise] = run_async(site, lambda: promises_of(plugin, site, patience_s=wait, tell=say))
    ok = all(each.kept for each in kept)
    rows = [{"name": each.name, "kept": each.kept, "say": each.say} for each in kept]
    show(
        {"plugin": plugin, "ok": ok, "promises": rows},
        as_json=json,
        plain=lambda: "\n".join(f"{'kept  ' if r['kept'] else 'BROKEN'}  {r['name']}: {r['say']}" for r in rows),
    )
    return DONE if ok else BROKEN
