"""The outbox: a file a letter, for its owner's eyes, whole, in the order of time, and never over another."""

import asyncio
import errno
import os
import stat
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from uuid import uuid4

import pytest

from engine.errors import Refused, Unavailable
from engine.mail import MAIL_DOWN, FileOutbox, Letter, Sender
from engine.mail.message import compose

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "site" / "outbox"


@pytest.fixture
def outbox(folder: Path) -> FileOutbox:
    return FileOutbox(folder)


def letter(text: str = "Hello", at: datetime = AT, subject: str = "A word") -> EmailMessage:
    sender = Sender("no-reply@coo.example.in", "Certificates", "coo.example.in")
    return compose(Letter("asha@firm.example", subject, text), id=uuid4(), written_at=at, sender=sender)


async def test_a_letter_is_a_file_that_only_its_owner_reads(outbox: FileOutbox, folder: Path) -> None:
    before = os.umask(0)
    try:
        await outbox.send(letter("Hello there"))
    finally:
        os.umask(before)
    [path] = folder.iterdir()
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)
    read = message_from_bytes(path.read_bytes(), policy=default)
    assert (str(read["To"]), read.get_content().strip()) == ("asha@firm.example", "Hello there")


async def test_names_are_in_the_order_of_time_to_the_microsecond(outbox: FileOutbox, folder: Path) -> None:
    moments = [AT, AT + timedelta(microseconds=1), AT + timedelta(microseconds=10), AT + timedelta(days=400)]
    for number in (2, 0, 3, 1):
        await outbox.send(letter(f"letter {number}", moments[number]))
    assert [message_from_bytes(path.read_bytes()).get_payload().strip() for path in sorted(folder.iterdir())] == [
        f"letter {number}" for number in range(4)
    ]
    assert [posted.text.strip() for posted in await outbox.newest(3)] == ["letter 3", "letter 2", "letter 1"]


async def test_the_same_letter_again_is_the_same_file(outbox: FileOutbox, folder: Path) -> None:
    one = letter()
    await asyncio.gather(*(outbox.send(one) for _ in range(5)))
    assert len(list(folder.iterdir())) == 1


async def test_what_lies_there_is_never_written_over(outbox: FileOutbox, folder: Path, tmp_path: Path) -> None:
    one, other = letter(), tmp_path / "other"
    other.write_text("somebody's file")
    folder.mkdir(parents=True)
    (folder / f"{str(one['Message-ID']).partition('@')[0][1:]}.eml").symlink_to(other)
    await outbox.send(one)
    assert other.read_text() == "somebody's file"


async def test_a_full_disk_is_said_without_the_letter_and_leaves_no_half_of_it(
    outbox: FileOutbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("engine.mail.outbox.os.fsync", full)
        with pytest.raises(Unavailable, match="No space left") as refused:
            await outbox.send(letter("the token"))
    assert refused.value.code == MAIL_DOWN
    assert "asha" not in refused.value.say
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("id", ["<../../etc/passwd@x>", "</etc/x@x>", "<.hidden@x>", "<a b@x>", "plain"])
async def test_no_message_names_a_file_elsewhere(id: str, outbox: FileOutbox, folder: Path) -> None:
    message = EmailMessage()
    message["Message-ID"] = id
    with pytest.raises(Refused):
        await outbox.send(message)
    assert not folder.exists()


async def test_what_is_no_letter_is_passed_over(outbox: FileOutbox, folder: Path, tmp_path: Path) -> None:
    await outbox.send(letter("kept", subject="\u0928\u092e\u0938\u094d\u0924\u0947"))
    (tmp_path / "secret").write_bytes(letter("elsewhere").as_bytes())
    (folder / "notes.txt").write_text("no letter")
    (folder / "empty.eml").write_bytes(b"")
    (folder / "noise.eml").write_bytes(bytes(range(256)) * 10)
    (folder / "folder.eml").mkdir()
    (folder / "link.eml").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe.eml")
    async with asyncio.timeout(30):
        found = await outbox.newest(50)
    assert [(posted.to, posted.subject, posted.at, posted.text.strip()) for posted in found] == [
        ("asha@firm.example", "\u0928\u092e\u0938\u094d\u0924\u0947", AT, "kept")
    ]
    assert "kept" not in repr(found)


async def test_no_folder_is_no_letters(outbox: FileOutbox) -> None:
    assert await outbox.newest(50) == []
