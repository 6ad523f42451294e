"""Photos of a stamp and of a signature for the demonstration: paper, uneven light, ink; made by our own code."""

import io
import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from engine.packs import FONTS

__all__ = ["signature_photo", "stamp_photo"]

_SIZE = 1000
_STAMP_INK = (58, 44, 140)
_PEN_INK = (22, 34, 96)


def stamp_photo(ring: str, centre: str, foot: str) -> bytes:
    """A JPEG photo of a round office stamp on paper."""
    mask = Image.new("L", (_SIZE, _SIZE), 0)
    draw = ImageDraw.Draw(mask)
    middle = _SIZE // 2
    for radius, width in ((430, 14), (300, 8)):
        draw.ellipse((middle - radius, middle - radius, middle + radius, middle + radius), outline=255, width=width)
    text = f"{ring} • "
    for index, char in enumerate(text):
        angle = 2 * math.pi * index / len(text) - math.pi / 2
        _letter(mask, char, middle + 365 * math.cos(angle), middle + 365 * math.sin(angle), -math.degrees(angle) - 90, 84)
    draw.text((middle, middle - 30), centre, font=_font(120), fill=255, anchor="mm")
    draw.text((middle, middle + 80), foot, font=_font(54), fill=255, anchor="mm")
    return _photo(mask.filter(ImageFilter.GaussianBlur(1.4)), _STAMP_INK, seed=7)


def signature_photo() -> bytes:
    """A JPEG photo of a pen stroke that reads like a name."""
    width, height = 1400, 620
    mask = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(mask)
    before = None
    for step in range(0, 900):
        t = step / 900
        x = 120 + 1080 * t + 46 * math.sin(38 * t)
        y = 330 - 150 * math.sin(19 * t) * math.exp(-1.6 * t) - 60 * math.cos(47 * t) * (1 - 0.5 * t)
        pen = 7 + 4 * abs(math.sin(23 * t))
        if before:
            draw.line((*before, x, y), fill=255, width=int(pen))
            draw.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=255)
        before = (x, y)
    draw.line((160, 470, 1240, 430), fill=255, width=7)
    return _photo(mask.filter(ImageFilter.GaussianBlur(1.2)), _PEN_INK, seed=11)


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(f"{FONTS}/DejaVuSans-Bold.ttf", size)


def _letter(mask: Image.Image, char: str, x: float, y: float, degrees: float, size: int) -> None:
    tile = Image.new("L", (size * 2, size * 2), 0)
    ImageDraw.Draw(tile).text((size, size), char, font=_font(size), fill=255, anchor="mm")
    turned = tile.rotate(degrees, resample=Image.Resampling.BICUBIC)
    mask.paste(255, (int(x - size), int(y - size)), turned)


def _photo(mask: Image.Image, ink: tuple[int, int, int], *, seed: int) -> bytes:
    """The ink on paper with grain and light that falls off to one corner."""
    width, height = mask.size
    chance = random.Random(seed)  # noqa: S311  # grain, not a secret
    small = Image.new("L", (width // 8, height // 8))
    small.putdata([chance.randint(206, 240) for _ in range(small.width * small.height)])
    paper = small.resize(mask.size, Image.Resampling.BICUBIC).convert("RGB")
    down = Image.linear_gradient("L").resize(mask.size)
    across = Image.linear_gradient("L").rotate(90).resize(mask.size)
    light = ImageChops.add(down, across, scale=2).point(lambda value: 185 + value * 70 // 255)
    paper = ImageChops.multiply(paper, Image.merge("RGB", (light, light, light)))
    wear = Image.new("L", (width // 6, height // 6))
    wear.putdata([chance.randint(200, 255) for _ in range(wear.width * wear.height)])
    worn = ImageChops.multiply(mask, wear.resize(mask.size, Image.Resampling.BICUBIC))
    out = io.BytesIO()
    Image.composite(Image.new("RGB", mask.size, ink), paper, worn).save(out, "JPEG", quality=88)
    return out.getvalue()
