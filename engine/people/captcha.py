"""A question that a person answers once: as a picture and as sound, kept as a hash, good for five minutes."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from engine.errors import Refused
from engine.people.tables import Captcha
from engine.store import SecretBox, uow

__all__ = ["Challenge", "answer_captcha", "captcha_media", "new_captcha"]

# Without 0, O, 1, I and L: nobody should have to guess what was meant.
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_LENGTH = 5
_GOOD_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Challenge:
    """A question put to a person: its id, and a sealed ticket from which its picture and sound are made."""

    id: UUID
    ticket: str = field(repr=False)


async def new_captcha(box: SecretBox, at: datetime) -> Challenge:
    """A fresh question. The page carries its ticket, which only this site can open."""
    text = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    row = Captcha(answer_sha256=_hash(text), expires_at=at + _GOOD_FOR)
    async with uow():
        await Captcha.delete().where(Captcha.expires_at < at - _GOOD_FOR)
        await Captcha.insert(row)
    return Challenge(UUID(str(row.id)), box.seal(f"{row.id}:{text}", purpose="captcha"))


async def captcha_media(box: SecretBox, ticket: str, kind: str) -> bytes:
    """The question as a PNG picture (`image`) or a WAV sound (`audio`), made in a thread."""
    text = box.unseal(ticket, purpose="captcha").partition(":")[2]
    return await asyncio.to_thread(_picture if kind == "image" else _sound, text)


async def answer_captcha(id: UUID, answer: str, at: datetime) -> None:
    """Takes an answer. Whatever it is, the question is used up. Raises Refused if it was wrong, late or used before."""
    async with uow():
        taken = (
            await Captcha.update({Captcha.used_at: at})
            .where(Captcha.id == id, Captcha.used_at.is_null(), Captcha.expires_at > at)
            .returning(Captcha.answer_sha256)
        )
    if not taken or not secrets.compare_digest(taken[0]["answer_sha256"], _hash(answer.strip().upper())):
        raise Refused(
            "The characters do not match the picture. A new picture is below; letters may be small or capital.",
            box="captcha",
            rule="captcha",
        )


def _hash(text: str) -> str:
    return hashlib.sha256(f"captcha:{text}".encode()).hexdigest()


def _picture(text: str) -> bytes:
    from captcha.image import ImageCaptcha

    class Legible(ImageCaptcha):
        """Letters beside each other instead of over each other, all within the picture."""

        character_rotate = (-20, 20)
        word_offset_dx = 0.0
        word_space_probability = 1.0  # that of no space

    # The package draws dark ink transparent; these tones are opaque and still stand out from its pale ground.
    red, green, blue = (100 + secrets.randbelow(40) for _ in range(3))
    return bytes(Legible(width=240, height=80).generate(text, format="png", fg_color=(red, green, blue, 255)).getvalue())


def _sound(text: str) -> bytes:
    from captcha.audio import AudioCaptcha

    return bytes(AudioCaptcha().generate(text))
