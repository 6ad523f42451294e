"""The demonstration site: an agency, an office, an officer, an exporter and their keys, made on the spot.

Everything here is made by our own code at the first start, and every certificate says DEMONSTRATION.
"""

import asyncio
import fcntl
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

from engine import people, schema
from engine import registry as registry_module
from engine.clock import Clock, SystemClock, ist_day
from engine.config import Config
from engine.contracts.abilities import Rehearses
from engine.contracts.drawing import ImageKind, ImageRequest
from engine.contracts.signing import Signatory, SignerContext
from engine.demo_payments import take_payments
from engine.demo_pictures import signature_photo, stamp_photo
from engine.drawing import DrawingRoom
from engine.errors import ConfigError
from engine.money.fees import NewFee, Rounding, add_fee
from engine.people.access import give_password
from engine.people.agencies.official import record_address
from engine.people.agencies.tables import AddressKind
from engine.registry import Registry
from engine.schema.migrate import migrate
from engine.scope import PLATFORM
from engine.store import FileStore, SecretBox, connect, uow
from engine.store.files import remember
from engine.store.tables import Setting

__all__ = [
    "ADMINISTRATOR",
    "AGENCY",
    "DESK",
    "OFFICE",
    "OFFICER",
    "SIGNATORY",
    "demo_key",
    "demo_password",
    "ensure_demo",
    "fresh",
    "write_config",
]

AGENCY, OFFICE = "EIA", "MUM"
OFFICER = "officer@eia.example"
SIGNATORY = "exports@sahyadri.example"
ADMINISTRATOR = "administrator@eia.example"
DESK = "desk@platform.example"
ACTOR = "demo"
_KEY_FILE = "demo-api-key"
_SIGN_IN_FILE = "demo-sign-in"

_CONFIG = """\
# A demonstration site of ecoo: everything under {folder}/ was made on the spot and may be deleted.
[site]
demo = true
rehearsal = true
folder = "{folder}"

[issue]
from_shell = true
exporters_keys = true

# Exporters sign in at a rehearsal of DGFT, which `ecoo serve` starts beside this site; nobody in it is real.
[dgft]
issuer = "http://127.0.0.1:8001"
client_id = "ecoo-demonstration"
client_secret = {{ made = "rehearsal-client-secret" }}
profile_url = "http://127.0.0.1:8001/profiles"
profile_token = {{ made = "rehearsal-profile-token" }}
help_url = "http://127.0.0.1:8001/"

[signers.key_file]
folder = "keys"

# Offices rehearse payments at a gateway that `ecoo serve` starts beside this site; no money moves.
[gateways.sandbox]
url = "http://127.0.0.1:8002"

[trust]
roots = ["{folder}/signers/key_file/keys/demo-root.pem"]
"""


@dataclass(frozen=True, slots=True)
class _Cast:
    agency: UUID
    office: UUID
    officer: UUID
    exporter: UUID
    user: UUID


def write_config(folder: Path) -> Path:
    """Writes the engine.toml of a new demonstration site into a folder and gives its path. Never overwrites."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "engine.toml"
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(_CONFIG.format(folder="var"))
    except FileExistsError as error:
        raise ConfigError(f"There is a configuration at {path} already. Name another folder.") from error
    return path


def fresh(config: Config) -> None:
    """Deletes the demonstration site's data. Raises ConfigError for any other site."""
    if not config.site.demo:
        raise ConfigError(f"{config.path} is no demonstration site; nothing was deleted.")
    if config.folder.exists():
        for child in config.folder.iterdir():
            shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()


def demo_key(config: Config) -> str:
    """The demonstration exporter's API key."""
    return (config.folder / _KEY_FILE).read_text(encoding="ascii").strip()


def demo_password(config: Config) -> str:
    """The password of the demonstration's persons; whoever needs a second factor sets it up at the first sign-in."""
    return (config.folder / _SIGN_IN_FILE).read_text(encoding="ascii").strip()


async def ensure_demo(config: Config, clock: Clock | None = None) -> bool:
    """Makes the demonstration site if it is absent; True if it was made now. Does nothing on any other site."""
    if not config.site.demo or (config.folder / _KEY_FILE).exists():
        return False
    with _alone(config.folder):
        if (config.folder / _KEY_FILE).exists():
            return False
        await _make(config, clock or SystemClock())
    return True


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "making").open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


async def _make(config: Config, clock: Clock) -> None:
    registry = registry_module.load(config)
    _make_keys(config, registry, clock.now())
    async with _database(config):
        made_before = await Setting.table_exists()
        await migrate()
        if made_before and await Setting.exists().where(Setting.name == "demo"):
            await schema.require_current()
        else:
            cast_ = await _people(clock.now())
            await _pictures(config, cast_, clock)
            await _enrol(config, registry, cast_, clock)
            await _payments(config, registry, clock)
        key = await people.make_key(
            "Demonstration exporter",
            rights=frozenset({"see", "prepare", "submit"}),
            exporter=await _exporter_id(),
            valid_for=timedelta(days=365),
            actor=ACTOR,
            at=clock.now(),
        )
        await _passwords(config, clock.now())
    _write_private(config.folder / _KEY_FILE, key)


@asynccontextmanager
async def _database(config: Config) -> AsyncIterator[None]:
    SecretBox.open(config.secrets.key_file, create=True)
    database = await connect(config.database.url)
    try:
        yield
    finally:
        await database.close()


def _make_keys(config: Config, registry: Registry, now: datetime) -> None:
    """Has the demonstration's signer make the keys, unless a root that is trusted lies beside them already.

    Keys without their root, left by a start that was cut off, make room for new ones; a folder outside the signer's own is
    never emptied. Raises ConfigError, and removes nothing, if the signer makes none or engine.toml does not trust their root.
    """
    id = config.site.demo_signer
    own = config.plugin_folder("signers", id).resolve()
    folder = (own / config.signers.get(id, {}).get("folder", ".")).resolve()
    if any(root.exists() for root in config.trust.roots if root.is_relative_to(folder)):
        return
    signer = registry.signer(id)
    if not isinstance(signer, Rehearses):
        raise ConfigError(f"{config.path}: the signer {id} makes no demonstration keys. Name another one in [site] demo_signer.")
    persons = [
        ("officer", "Asha Deshmukh", "Export Inspection Agency (demonstration)"),
        ("exporter", "Vikram Rao", "Sahyadri Export House (demonstration)"),
    ]

    def make(place: Path) -> Path:
        return signer.rehearse(place, persons, now)

    if folder.exists() and any(folder.iterdir()):
        if not folder.is_relative_to(own):
            raise ConfigError(
                f"{config.path}: [signers.{id}] folder: {folder} holds files but no root of [trust] roots, and is not ours to empty. "
                "Name an empty folder, or one whose root is trusted."
            )
        with tempfile.TemporaryDirectory() as elsewhere:  # where the root will lie is known only once there is one
            trial = Path(elsewhere).resolve()
            root = make(trial).resolve()
            _require_trusted(config, folder / root.relative_to(trial) if root.is_relative_to(trial) else root)
        shutil.rmtree(folder)
    _require_trusted(config, make(folder))


def _require_trusted(config: Config, root: Path) -> None:
    if root.resolve() not in config.trust.roots:
        raise ConfigError(f"{config.path}: the root of the demonstration keys is not trusted. Add {root} to [trust] roots.")


async def _people(now: datetime) -> _Cast:
    async with uow():
        agency = await people.add_agency(
            AGENCY, "Export Inspection Agency (demonstration)", appendix="2B", listed_on=date(2024, 8, 19), actor=ACTOR, at=now
        )
        await record_address(agency, AddressKind.DOMAIN, OFFICER.partition("@")[2], actor=ACTOR, at=now)
        office = await _office(agency, now)
        officer = await people.add_officer(
            agency, email=OFFICER, name="Asha Deshmukh", designation="Assistant Director", actor=ACTOR, at=now
        )
        await people.map_officer(agency, officer, office, actor=ACTOR, at=now)
        await people.appoint_administrator(agency, email=ADMINISTRATOR, name="Meera Iyer", actor=ACTOR, at=now)
        await people.appoint_to_desk(email=DESK, name="Rohan Das", actor=ACTOR, at=now)
        firm = _example_exporter()
        exporter = await people.register_exporter(firm["iec"], firm["name"], firm["gstin"], actor=ACTOR, at=now)
        user = await people.add_exporter_user(
            exporter.id, email=SIGNATORY, name="Vikram Rao", rights="see,prepare,submit,pay,sign", actor=ACTOR, at=now
        )
        await Setting.insert(Setting(name="demo", value=str(exporter.id)))
        await Setting.insert(Setting(name="secrets", value="in use"))
    return _Cast(agency, office, officer, exporter.id, user)


async def _office(agency: UUID, now: datetime) -> UUID:
    """The office with what it needs: an address, an e-wallet, and a fee. What it costs is invented."""
    address = "4th floor, Aayakar House\n12 Churchgate Road"
    place = ("Mumbai Regional Office", "Mumbai", address)
    office = await people.add_office(agency, OFFICE, *place, pin="400020", state="27", wallet=True, actor=ACTOR, at=now)
    fee = NewFee(None, "", "", 200_00, 1800, "998599", Rounding.PAISA, ist_day(now))
    await add_fee(PLATFORM, agency, fee, actor=ACTOR, at=now)
    return office


async def _passwords(config: Config, now: datetime) -> None:
    """One password for all persons of the demonstration, made on the spot and known to nobody else."""
    password = "-".join(secrets.token_hex(3) for _ in range(3))
    _write_private(config.folder / _SIGN_IN_FILE, password)
    for email in (DESK, ADMINISTRATOR, OFFICER, SIGNATORY):
        person = await people.account_of(email)
        if person is not None:
            await give_password(person, password, actor=ACTOR, at=now)


def _example_exporter() -> dict[str, str]:
    from importlib.resources import files

    example = json.loads((files("plugins") / "templates" / "aifta" / "example.json").read_bytes())
    return cast("dict[str, str]", example["exporter"])


async def _exporter_id() -> UUID:
    row = await Setting.select(Setting.value).where(Setting.name == "demo").first()
    return UUID(row["value"] if row else "")


async def _pictures(config: Config, cast_: _Cast, clock: Clock) -> None:
    """Stamp and signature go through the studio like anyone's: a photo in, a clean picture out."""
    files, room = FileStore(config.files.url), DrawingRoom(processes=1, timeout_s=60, memory_mib=config.drawing.memory_mib, hooks=None)
    await room.start()
    try:
        stamp = await room.clean(
            ImageRequest(ImageKind.STAMP, await asyncio.to_thread(stamp_photo, "EXPORT INSPECTION AGENCY", "MUMBAI", "DEMONSTRATION"))
        )
        hand = await room.clean(ImageRequest(ImageKind.SIGNATURE, await asyncio.to_thread(signature_photo)))
    finally:
        await room.close()
    now = clock.now()
    office = await people.find_office(PLATFORM, AGENCY, OFFICE, on=ist_day(now))
    officer = await people.find_officer(PLATFORM, OFFICER)
    for image, row, purpose in ((stamp, cast_.office, "stamp"), (hand, cast_.officer, "appearance")):
        sha256 = await files.put(image.png)
        async with uow():
            await remember(sha256, len(image.png), room="people", row=str(row), purpose=purpose, media_type="image/png", at=now)
            if purpose == "stamp":
                await people.put_stamp(office, image, sha256, actor=ACTOR, at=now)
            else:
                await people.put_appearance(officer, image, sha256, actor=ACTOR, at=now)


async def _payments(config: Config, registry: Registry, clock: Clock) -> None:
    """The office takes payments in rehearsal, and says its terms."""
    office = await people.find_office(PLATFORM, AGENCY, OFFICE, on=ist_day(clock.now()))
    account = await people.account_of(ADMINISTRATOR)
    if account is not None:
        box = SecretBox.open(config.secrets.key_file, create=False)
        await take_payments(config, registry, office, (account, ADMINISTRATOR, "Meera Iyer"), box=box, clock=clock)


async def _enrol(config: Config, registry: Registry, cast_: _Cast, clock: Clock) -> None:
    signer = registry.signer(config.site.demo_signer)
    await signer.open(
        SignerContext(
            config.signers.get(config.site.demo_signer, {}), config.plugin_folder("signers", config.site.demo_signer), clock, demo=True
        )
    )
    try:
        officer = await signer.enrol(Signatory(str(cast_.officer), "Asha Deshmukh", "officer"))
        user = await signer.enrol(Signatory(str(cast_.user), "Vikram Rao", "exporter"))
    finally:
        await signer.close()
    now = clock.now()
    await people.enrol(
        signer=config.site.demo_signer, key="officer", chain=officer, officer=(cast_.agency, cast_.officer), actor=ACTOR, at=now
    )
    await people.enrol(
        signer=config.site.demo_signer, key="exporter", chain=user, exporter_user=(cast_.exporter, cast_.user), actor=ACTOR, at=now
    )


def _write_private(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
        out.write(text + "\n")
    part.rename(path)
