"""The signer itself: finds a signatory's key by its file's stem, loads it once, signs attributes at once."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from engine.api import (
    ConfigError,
    ConfigField,
    Declined,
    EngineError,
    HeldKey,
    Mode,
    PluginError,
    Refused,
    Signatory,
    SignatureJob,
    Signed,
    SignedDocument,
    SignerContext,
    SigningOutcome,
    SignsAtOnce,
    X509Chain,
)

from .demo import Person, make_demo_keys
from .files import LoadedKey, load_key, stems


class KeyFile(SignsAtOnce):
    """Signs with keys from files. `Signatory.key` is the file's stem."""

    id = "key_file"
    title = "Key file on this server"
    mode = Mode.SERVER
    max_documents = 500
    config_fields: Sequence[ConfigField] = (
        ConfigField("folder", "Where the key files lie; a relative path counts from the signer's own folder.", default="."),
        ConfigField("passphrase", 'The passphrase of encrypted key files, as { env = "NAME" } or { file = "path" }.'),
    )

    def __init__(self) -> None:
        self._ctx: SignerContext | None = None
        self._keys: dict[str, LoadedKey] = {}
        self._listed: tuple[frozenset[tuple[str, int]], tuple[HeldKey, ...]] | None = None

    def validate_config(self, settings: Mapping[str, str]) -> Sequence[str]:
        """What is wrong with the settings: unknown names, an empty folder."""
        known = {f.name for f in self.config_fields}
        wrong = [
            f"[signers.key_file] does not know the key {name!r}; it knows {', '.join(sorted(known))}." for name in settings.keys() - known
        ]
        if not settings.get("folder", ".").strip():
            wrong.append("[signers.key_file] folder is empty; give a path or leave it out.")
        return wrong

    async def open(self, ctx: SignerContext) -> None:
        """Remembers the settings; key files are read when first needed."""
        if wrong := self.validate_config(ctx.settings):
            raise ConfigError(wrong[0])
        self._ctx = ctx

    async def close(self) -> None:
        """Forgets the keys."""
        self._keys.clear()
        self._listed = None
        self._ctx = None

    async def identity(self, signatory: Signatory) -> X509Chain | None:
        """The chain beside the key. Raises Refused if there is no such key or it is not the enrolled one."""
        chain = self._key(signatory.key).chain
        if signatory.fingerprint not in (None, chain.fingerprint):  # the file may have been renewed since it was read
            chain = self._key(signatory.key, anew=True).chain
        if signatory.fingerprint not in (None, chain.fingerprint):
            raise Refused(
                f"The key {signatory.key!r} now belongs to {chain.label}, which is not enrolled for {signatory.name}; enrol it first.",
                code="not_enrolled",
            )
        return chain

    async def enrol(self, signatory: Signatory, evidence: bytes | None = None) -> X509Chain:
        """The chain of the key, checked to be usable now."""
        chain = self._key(signatory.key, anew=True).chain
        chain.check_usable(self._context().clock.now())
        return chain

    async def ready(self, signatory: Signatory) -> None:
        """Always: a file waits for nobody."""

    async def start(self, job: SignatureJob) -> SigningOutcome:
        """Signs each document at once; declines if the X.509 certificate may not sign now or the key is not there."""
        try:
            chain = await self.identity(job.signatory)
        except Refused as refused:
            return Declined(refused.code, refused.say)
        if chain is not None and (why := chain.unusable(self._context().clock.now())) is not None:
            return Declined(why.code, why.say)
        key = self._key(job.signatory.key)
        return Signed(tuple(SignedDocument(d.id, key.sign(_attributes(d.attributes))) for d in job.documents))

    async def held(self) -> Sequence[HeldKey]:
        """The chain beside each key of the folder that can be read; files are read again only when one of them changed."""
        folder = self._folder()
        files = frozenset((path.name, path.stat().st_mtime_ns) for path in folder.iterdir()) if folder.is_dir() else frozenset()
        if self._listed is None or self._listed[0] != files:
            self._listed = files, await asyncio.to_thread(self._list, folder)
        return self._listed[1]

    def _list(self, folder: Path) -> tuple[HeldKey, ...]:
        found = []
        for stem in stems(folder):
            with contextlib.suppress(EngineError):  # a key that is damaged or open to others is its operator's to mend
                found.append(HeldKey(stem, self._key(stem, anew=True).chain, "this server", True))
        return tuple(found)

    def rehearse(self, folder: Path, people: Sequence[Person], now: datetime) -> Path:
        """Makes demonstration keys for the people in `folder` and gives the path of their root; see `make_demo_keys`."""
        return make_demo_keys(folder, people, now)

    def _context(self) -> SignerContext:
        if self._ctx is None:
            raise PluginError("The signer key_file was used before it was opened, or after it was closed.")
        return self._ctx

    def _key(self, stem: str, *, anew: bool = False) -> LoadedKey:
        if anew or stem not in self._keys:
            self._keys[stem] = load_key(self._folder(), stem, self._context().settings.get("passphrase"))
        return self._keys[stem]

    def _folder(self) -> Path:
        ctx = self._context()
        return ctx.folder / ctx.settings.get("folder", ".")


def _attributes(attributes: bytes | None) -> bytes:
    if attributes is None:
        raise PluginError("The signer key_file was given a document without signed attributes.")
    return attributes
