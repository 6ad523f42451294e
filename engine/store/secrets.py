"""Secrets at rest: MultiFernet with a key file that lives outside the database.

The first line of the key file encrypts, every line decrypts, so a key is rotated by writing a new line above.
What is encrypted carries its own purpose, so that a ciphertext moved to another row does not open there.
"""

import contextlib
import json
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from engine.errors import ConfigError, Untrusted

__all__ = ["SecretBox"]

_MARK = "key file of this database"


class SecretBox:
    """Encrypts and opens small secrets for one purpose each."""

    def __init__(self, keys: MultiFernet) -> None:
        self._keys = keys

    @classmethod
    def open(cls, key_file: Path, *, create: bool) -> "SecretBox":
        """The box of a key file (0600). `create` makes the file if it is absent: only for a new site."""
        if not key_file.exists():
            if not create:
                raise ConfigError(f"[secrets] key_file {key_file} is missing. Restore it; without it stored secrets cannot be read.")
            _write_new(key_file, Fernet.generate_key() + b"\n")
        if key_file.stat().st_mode & 0o077:
            raise ConfigError(f"[secrets] key_file {key_file} can be read by others. Run: chmod 600 {key_file}")
        try:
            keys = [Fernet(line.strip()) for line in key_file.read_bytes().splitlines() if line.strip()]
        except ValueError as error:
            raise ConfigError(f"[secrets] key_file {key_file} holds a line that is no Fernet key.") from error
        if not keys:
            raise ConfigError(f"[secrets] key_file {key_file} is empty.")
        return cls(MultiFernet(keys))

    def seal(self, secret: str, *, purpose: str) -> str:
        """The secret, encrypted, bound to its purpose (such as `office:<id>:checksum:3`)."""
        return self._keys.encrypt(json.dumps([purpose, secret]).encode()).decode()

    def unseal(self, sealed: str, *, purpose: str) -> str:
        """The secret. Raises Untrusted if it was sealed for something else or with a key that is gone."""
        try:
            bound, secret = json.loads(self._keys.decrypt(sealed.encode()))
        except InvalidToken as error:
            raise Untrusted("A stored secret does not open with the keys in [secrets] key_file.") from error
        if bound != purpose:
            raise Untrusted("A stored secret belongs to another place than the one it was found in.")
        return str(secret)

    def rotate(self, sealed: str) -> str:
        """The same secret under the newest key."""
        return self._keys.rotate(sealed.encode()).decode()

    def mark(self) -> str:
        """What a database keeps to know its key file by; see `require_mark`."""
        return self.seal(_MARK, purpose=_MARK)

    def require_mark(self, mark: str, key_file: Path) -> None:
        """Raises ConfigError if the database was written with keys that this box does not have."""
        try:
            self.unseal(mark, purpose=_MARK)
        except Untrusted as error:
            raise ConfigError(
                f"[secrets] key_file {key_file} is not the one this database was written with. Restore the right one from its backup.",
                code="key_file_other",
            ) from error


def _write_new(path: Path, data: bytes) -> None:
    """The whole file or none, on the disk; if another process was first, its file stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    try:
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink()
