"""`ecoo promise PLUGIN`: finds what the plugin brings and puts every promise of its kind to the test."""

import asyncio
import hashlib
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from engine import registry as registry_module
from engine.clock import SystemClock, ist_day
from engine.config import Config
from engine.contracts.abilities import Rehearses
from engine.contracts.signing import Document, Signatory, SignatureJob, Signer, SignerContext
from engine.drawing import DrawingRoom
from engine.errors import Refused, SignerUnavailable
from engine.issuing import cms
from engine.people import signatories_of
from engine.promises import gateway as gateway_promises
from engine.promises import signer as signer_promises
from engine.promises import template as template_promises
from engine.promises.promise import Promise
from engine.registry import Registry
from engine.site import open_site

__all__ = ["promises_of"]

Tell = Callable[[str], None]

_LOOK_AGAIN_S = 0.2


async def promises_of(plugin: str, config: Config, *, patience_s: float = 0, tell: Tell = lambda say: None) -> list[Promise]:
    """Every promise of every kind that this id brings. Raises Refused if nothing is installed under it.

    `patience_s` is how long a signer may wait for a person to make its device ready; `tell` says to that person what is
    missing, once per sentence.
    """
    registry = registry_module.load(config)
    brought = [each for each in registry.plugins if each.id == plugin]
    if not brought:
        known = ", ".join(sorted({each.id for each in registry.plugins}))
        raise Refused(f"There is no plugin {plugin}. Installed: {known}.", code="no_such_plugin", box="PLUGIN", rule="installed plugin")
    kept: list[Promise] = []
    for kind, title in dict.fromkeys((each.kind, each.title if each.kind == "hook" else "") for each in brought):
        match kind:
            case "signer":
                kept += await _signer(registry.signer(plugin), config, patience_s, tell)
            case "payment":
                players = list(registry.gateways.values())
                kept += await gateway_promises.promises(registry.gateway(plugin), config.gateways.get(plugin, {}), players)
            case "template":
                kept += await _template(registry, plugin, config)
            case _:
                kept.append(Promise("its hooks fit their specifications", True, title))
    return kept


async def _signer(signer: Signer, config: Config, patience_s: float, tell: Tell) -> list[Promise]:
    """With keys of a rehearsal if the signer can make them, else with a signatory who is enrolled on this site."""
    if isinstance(signer, Rehearses):
        with tempfile.TemporaryDirectory(prefix="ecoo-promise-") as folder:
            return await _rehearsed(signer, signer, config, Path(folder))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(open_site(config, work=False))
        enrolled = await signatories_of(signer.id)
        if not enrolled:
            say = f"Nobody is enrolled with {signer.id}, and it cannot rehearse. Enrol somebody first."
            return [Promise("a signatory to try it with", False, say)]
        context = SignerContext(
            dict(config.signers.get(signer.id, {})), config.plugin_folder("signers", signer.id), SystemClock(), demo=config.site.demo
        )
        ready = partial(_made_ready, signer, enrolled[0], patience_s, tell)
        return await signer_promises.promises(signer, context, enrolled[0], unlock=ready)


async def _rehearsed(signer: Signer, rehearsing: Rehearses, config: Config, folder: Path) -> list[Promise]:
    """In a folder of its own: the site's `folder` setting names where its real keys lie, and those are left alone."""
    settings = {name: value for name, value in config.signers.get(signer.id, {}).items() if name != "folder"}
    context = SignerContext(settings, folder, SystemClock(), demo=True)
    await asyncio.to_thread(rehearsing.rehearse, folder, [("promise", "A Signatory", "A Firm")], context.clock.now())
    return await signer_promises.promises(signer, context, Signatory("promise", "A Signatory", "promise"))


async def _made_ready(signer: Signer, signatory: Signatory, patience_s: float, tell: Tell) -> None:
    """Ends as soon as a signature can be made. Raises what the signer raised last if nobody made it ready in time."""
    loop, told = asyncio.get_running_loop(), ""
    until = loop.time() + patience_s
    while True:
        try:
            await signer.start(await _one(signer, signatory))
            return
        except SignerUnavailable as error:
            if loop.time() >= until:
                raise
            if error.say != told:
                told = error.say
                tell(told)
        await asyncio.sleep(_LOOK_AGAIN_S)


async def _one(signer: Signer, signatory: Signatory) -> SignatureJob:
    """A job of one made-up document."""
    chain = await signer.identity(signatory)
    digest = hashlib.sha256(b"ready").digest()
    attributes = None if chain is None else await cms.attributes_for(chain, digest)
    return SignatureJob("ready", "ready", signatory, (Document("ready", "Ready", digest, attributes, digest.hex()),))


async def _template(registry: Registry, scheme: str, config: Config) -> list[Promise]:
    room = DrawingRoom(processes=1, timeout_s=config.drawing.timeout_s, memory_mib=config.drawing.memory_mib, hooks=registry.relay)
    await room.start()
    try:
        today = ist_day(SystemClock().now())
        kept: list[Promise] = []
        for form in registry.forms():
            if form.scheme == scheme:
                kept += await template_promises.promises(form, room, today)
        return kept
    finally:
        await room.close()
