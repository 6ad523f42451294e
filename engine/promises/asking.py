"""`ecoo promise PLUGIN`: finds what the plugin brings and puts every promise of its kind to the test."""

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from engine import registry as registry_module
from engine.clock import SystemClock, ist_day
from engine.config import Config
from engine.contracts.signing import Signatory, Signer, SignerContext
from engine.drawing import DrawingRoom
from engine.errors import Refused
from engine.people import signatories_of
from engine.promises import signer as signer_promises
from engine.promises import template as template_promises
from engine.promises.promise import Promise
from engine.registry import Registry
from engine.site import open_site

__all__ = ["promises_of"]


async def promises_of(plugin: str, config: Config) -> list[Promise]:
    """Every promise of every kind that this id brings. Raises Refused if nothing is installed under it."""
    registry = registry_module.load(config)
    brought = [each for each in registry.plugins if each.id == plugin]
    if not brought:
        known = ", ".join(sorted({each.id for each in registry.plugins}))
        raise Refused(f"There is no plugin {plugin}. Installed: {known}.", code="no_such_plugin", box="PLUGIN", rule="installed plugin")
    kept: list[Promise] = []
    for each in brought:
        match each.kind:
            case "signer":
                kept += await _signer(registry.signer(plugin), config)
            case "template":
                kept += await _template(registry, plugin, config)
            case _:
                kept.append(Promise("its hooks fit their specifications", True, each.title))
    return kept


async def _signer(signer: Signer, config: Config) -> list[Promise]:
    """With keys of a rehearsal if the signer can make them, else with a signatory who is enrolled on this site."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ecoo-promise-")))
        clock = SystemClock()
        settings = dict(config.signers.get(signer.id, {}))
        rehearse: Any = getattr(signer, "rehearse", None)
        if rehearse is not None:
            rehearse(folder / settings.get("folder", "."), [("promise", "A Signatory", "A Firm")], clock.now())
            context = SignerContext(settings, folder, clock, demo=True)
            return await signer_promises.promises(signer, context, Signatory("promise", "A Signatory", "promise"))
        await stack.enter_async_context(open_site(config, work=False))
        enrolled = await signatories_of(signer.id)
        if not enrolled:
            return [
                Promise(
                    "a signatory to try it with",
                    False,
                    f"Nobody is enrolled with {signer.id}, and it cannot rehearse. Enrol somebody first.",
                )
            ]
        own = SignerContext(settings, config.plugin_folder("signers", signer.id), clock, demo=config.site.demo)
        return await signer_promises.promises(signer, own, enrolled[0])


async def _template(registry: Registry, scheme: str, config: Config) -> list[Promise]:
    room = DrawingRoom(processes=1, timeout_s=config.drawing.timeout_s, memory_mib=config.drawing.memory_mib, hooks=registry.relay)
    await room.start()
    try:
        today = ist_day(SystemClock().now())
        kept: list[Promise] = []
        for form in registry.forms():
            if form.scheme == scheme:
                kept += await template_promises.promises(form, registry, room, today)
        return kept
    finally:
        await room.close()
