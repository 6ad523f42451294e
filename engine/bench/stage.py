"""What the measurements run on: a demonstration site in a folder of its own, on the day its example was written for.

Promises that nothing outside that folder is touched and that no certificate leaves it. The clock stands still, so that
the example stays fit to be filed whenever this runs, and no run crosses midnight.
"""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import msgspec

from engine import config as configuration
from engine.application import Application
from engine.clock import Clock, ist_day
from engine.config import Config
from engine.contracts.drawing import DrawRequest
from engine.contracts.signing import Signer, SignerContext
from engine.drawing import DrawingRoom
from engine.errors import PluginError, Refused
from engine.filing import read
from engine.issuing import Corridor, Frozen
from engine.issuing.shell import approve_at_shell
from engine.issuing.tables import ApprovalRow
from engine.people import Enrolled, enrolled
from engine.proof import SeriesRule, Standing, by_approval
from engine.site import Site, open_site

__all__ = ["Demonstration", "Numbered", "Stage", "approve_example", "on_stage", "site_config", "stopped_clock"]

_CONFIG = """\
[site]
demo = true
folder = "var"
public_url = "{public_url}"

[issue]
from_shell = true

[signers.key_file]
folder = "keys"

[trust]
roots = ["var/signers/key_file/keys/demo-root.pem"]

[serve]
port = {port}

[verify]
per_minute = 2000000000
global_per_minute = 2000000000
"""
_SIGNER = "key_file"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Makes a demonstration site with all its people and keys.

    `officer` is the address of the one who signs there; `key` gives the key of the site's API.
    """

    make: Callable[[Config, Clock], Awaitable[object]]
    officer: str
    key: Callable[[Config], str]


@dataclass(frozen=True, slots=True)
class _Stopped:
    """A clock that stands still."""

    at: datetime

    def now(self) -> datetime:
        return self.at


@dataclass(frozen=True, slots=True)
class Numbered:
    """A certificate that waits to be drawn: its row, what to draw, and who signs."""

    approval: UUID
    standing: Standing
    request: DrawRequest
    signatory: Enrolled
    signer_name: str
    place: str


@dataclass(frozen=True, slots=True)
class Stage:
    """An open site with its signer and a corridor that draws in this process; every certificate repeats the example."""

    site: Site
    signer: Signer
    corridor: Corridor
    officer: str

    @property
    def key(self) -> Path:
        """The PEM file with the officer's key."""
        return self.site.config.plugin_folder("signers", _SIGNER) / "keys" / "officer.key.pem"

    async def approve(self) -> UUID:
        """One more filed, covered and approved application, by the row of its approval."""
        return await approve_example(self.site, self.officer)

    async def number(self) -> Numbered:
        """One more certificate with a number, ready to be drawn."""
        approval = await self.approve()
        await self.walk(approval, until="number")
        row = await ApprovalRow.select(ApprovalRow.frozen, ApprovalRow.signatory).where(ApprovalRow.id == approval).first()
        standing = await by_approval(approval)
        if row is None or standing is None:
            raise PluginError("The approval that was just numbered is not there.")
        frozen = msgspec.json.decode(row["frozen"], type=Frozen)
        request = await self._request(frozen, standing)
        signatory = await enrolled(row["signatory"])
        return Numbered(approval, standing, request, signatory, frozen.signer_name, frozen.values["certified_place"])

    async def walk(self, approval: UUID, *, until: str = "finish") -> None:
        """Walks an approval through the corridor's steps, in this process. Raises Refused if one of them held it back."""
        for name, step in self.corridor.steps:
            if await step(str(approval)) != "next":
                row = await ApprovalRow.select(ApprovalRow.last_problem).where(ApprovalRow.id == approval).first()
                raise Refused(f"The corridor stopped at {name}: {row['last_problem'] if row else ''}", code="bench")
            if name == until:
                return

    async def _request(self, frozen: Frozen, standing: Standing) -> DrawRequest:
        files, form = self.site.files, self.site.registry.form_of(standing.scheme, standing.form_sha256)
        return frozen.request(
            form,
            number=standing.number,
            code=standing.code,
            public_url=self.site.config.site.public_url,
            on=ist_day(self.site.clock.now()),
            stamp=await files.get(frozen.stamp_sha256 or ""),
            appearance=await files.get(frozen.appearance_sha256 or ""),
        )


def example() -> Application:
    """The application that comes with the pack of the ASEAN agreement: five items on one page."""
    return read((files("plugins") / "templates" / "aifta" / "example.json").read_bytes())


def stopped_clock() -> Clock:
    """A clock that stands at noon, Indian time, of the day on which the example was declared."""
    return _Stopped(datetime.combine(example().declaration.dated_on, time(6, 30), UTC))


async def approve_example(site: Site, officer: str) -> UUID:
    """Files, covers and approves the example once more; gives the row of its approval."""
    _, approval = await approve_at_shell(example(), officer=officer, signatory=None, registry=site.registry, clock=site.clock, demo=True)
    return approval.id


def site_config(folder: Path, like: Config, *, port: int = 8000) -> Config:
    """The configuration of a throw-away demonstration site in `folder`, which draws like the site `like`."""
    folder.mkdir(parents=True)
    path = folder / "engine.toml"
    path.write_text(_CONFIG.format(public_url=f"http://127.0.0.1:{port}", port=port), encoding="utf-8")
    return dataclasses.replace(configuration.load(path, {}), drawing=like.drawing)


@asynccontextmanager
async def on_stage(config: Config, demonstration: Demonstration, drawing: DrawingRoom) -> AsyncIterator[Stage]:
    """Makes the site and opens it, with this drawing room in its corridor."""
    clock = stopped_clock()
    await demonstration.make(config, clock)
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(open_site(config, work=False, clock=clock))
        signer = site.registry.signer(_SIGNER)
        stack.push_async_callback(signer.close)
        await signer.open(SignerContext(config.signers[_SIGNER], config.plugin_folder("signers", _SIGNER), clock, True))
        corridor = Corridor(
            registry=site.registry,
            drawing=drawing,
            files=site.files,
            trust=site.trust,
            clock=clock,
            public_url=config.site.public_url,
            rule=SeriesRule(config.issue.number_pattern, config.issue.year),
            halted=lambda: False,
        )
        yield Stage(site, signer, corridor, demonstration.officer)
