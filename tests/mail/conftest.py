"""Letters on a database of each kind, a clock that stands until a test moves it, and mailers that do as they are told."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from engine.mail import Letter, Sender, write_letter
from engine.mail.tables import LetterRow
from engine.store import SecretBox, uow
from engine.store.engines import Engine

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
async def database(built_database: Engine) -> Engine:
    return built_database


@pytest.fixture
def box(tmp_path: Path) -> SecretBox:
    return SecretBox.open(tmp_path / "secrets.key", create=True)


@dataclass
class StandingClock:
    """Stands still until a test moves it."""

    at: datetime = AT

    def now(self) -> datetime:
        return self.at

    def forward(self, by: timedelta) -> None:
        self.at += by


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def sender() -> Sender:
    return Sender("no-reply@coo.example.in", "Electronic Certificate of Origin", "coo.example.in")


@dataclass
class Post:
    """A mailer that remembers what it took, and raises what a test put into `trouble` for an address."""

    trouble: dict[str, Exception] = field(default_factory=dict)
    taken: list[EmailMessage] = field(default_factory=list)
    asked: int = 0

    async def send(self, message: EmailMessage) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        if (error := self.trouble.get(str(message["To"]))) is not None:
            raise error
        self.taken.append(message)

    @property
    def to(self) -> list[str]:
        return [str(message["To"]) for message in self.taken]


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def write(box: SecretBox, clock: StandingClock) -> Callable[..., Any]:
    """Writes a letter in a unit of work of its own."""

    async def written(to: str = "asha@firm.example", subject: str = "A word", text: str = "Hello", purpose: str = "reset") -> UUID:
        async with uow():
            return await write_letter(Letter(to, subject, text), box=box, purpose=purpose, at=clock.now())

    return written


@pytest.fixture
def row_of(database: Engine) -> Callable[..., Any]:
    """The row of a letter."""

    async def found(id: UUID) -> dict[str, Any]:
        [row] = await LetterRow.select().where(LetterRow.id == id)
        return row

    return found


# --- a mail server ----------------------------------------------------------------------------------


@dataclass
class MailServer:
    """A mail server on loopback: answers by the script of a test, and remembers every line and every message."""

    says: dict[str, str] = field(default_factory=dict)
    offers: tuple[str, ...] = ()
    tls: ssl.SSLContext | None = None
    direct: bool = False
    port: int = 0
    lines: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)

    @property
    def verbs(self) -> list[str]:
        return [line.split(" ")[0].split(":")[0].upper() for line in self.lines]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        safe = self.direct
        await self._say(writer, self.says.get("HELLO", "220 ready"))
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            self.lines.append(line)
            self.encrypted.append(safe)
            verb = self.verbs[-1]
            answer = self.says.get(verb, "250 fine")
            if answer == "hang up":
                return
            if answer == "silence":
                await reader.read()
                return
            match verb:
                case "EHLO":
                    offers = [offer for offer in self.offers if not (safe and offer == "STARTTLS")]
                    said = ["here", *offers]
                    answer = "\r\n".join([*(f"250-{each}" for each in said[:-1]), f"250 {said[-1]}"])
                case "STARTTLS" if verb not in self.says:
                    await self._say(writer, "220 go on")
                    await writer.start_tls(self.tls)
                    safe = True
                    continue
                case "AUTH" if verb not in self.says:
                    answer = "235 welcome"
                case "DATA" if verb not in self.says:
                    await self._say(writer, "354 speak")
                    body = await reader.readuntil(b"\r\n.\r\n")
                    if self.says.get("BODY") == "hang up":
                        return
                    self.messages.append(body[:-3].replace(b"\r\n..", b"\r\n."))
                    answer = self.says.get("BODY", "250 taken")
                case "QUIT":
                    await self._say(writer, "221 bye")
                    return
            await self._say(writer, answer)

    @staticmethod
    async def _say(writer: asyncio.StreamWriter, line: str) -> None:
        writer.write(f"{line}\r\n".encode())
        await writer.drain()


@pytest.fixture
def mail_server() -> Callable[..., AbstractAsyncContextManager[MailServer]]:
    """Opens a mail server: `async with mail_server(says={"RCPT": "550 no"}) as server`."""

    @asynccontextmanager
    async def opened(**how: Any) -> AsyncIterator[MailServer]:
        server = MailServer(**how)
        listening = await asyncio.start_server(server.talk, "127.0.0.1", 0, ssl=server.tls if server.direct else None)
        server.port = listening.sockets[0].getsockname()[1]
        async with listening:
            yield server

    return opened


@dataclass
class Certified:
    """What a server shows, and whom a client has to trust to believe it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture
def certified(tmp_path: Path) -> Certified:
    """An X.509 certificate of this machine's address, made on the spot."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "server.pem"
    path.write_bytes(secret + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return Certified(server, ssl.create_default_context(cadata=pem.decode()))
