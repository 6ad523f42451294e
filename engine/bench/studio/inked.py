"""Marks of much ink, as masks: honest ones whose words stand in it as holes or run together, and figures that are no marks at all."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.bench.studio.marks import MARKS, SIDE, along_ring, font, pen_stroke, smooth

__all__ = ["FIGURES", "HEAVY"]

_MIDDLE = SIDE // 2


def _sheet(high: int = SIDE) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    mask = Image.new("L", (SIDE, high), 0)
    return mask, ImageDraw.Draw(mask)


def _disc(draw: ImageDraw.ImageDraw, radius: int, *, fill: int = 255) -> None:
    draw.ellipse((_MIDDLE - radius, _MIDDLE - radius, _MIDDLE + radius, _MIDDLE + radius), fill=fill)


# --- honest, and heavily inked ----------------------------------------------------------------


def _reversed_round(_: np.random.Generator) -> Image.Image:
    """A seal of solid ink: its ring of words, its inner ring and two lines are cut out of it."""
    mask, draw = _sheet()
    _disc(draw, 780)
    along_ring(mask, "CHAMBER OF COMMERCE AND INDUSTRY * ", radius=650, size=130, fill=0)
    draw.ellipse((300, 300, 1300, 1300), outline=0, width=16)
    draw.text((_MIDDLE, 730), "MUMBAI", font=font(190), fill=0, anchor="mm")
    draw.text((_MIDDLE, 930), "ORIGINAL", font=font(104), fill=0, anchor="mm")
    return mask


def _reversed_words(_: np.random.Generator) -> Image.Image:
    """A seal of solid ink with a name and a date cut out of it, and nothing else: the least that is honest."""
    mask, draw = _sheet()
    _disc(draw, 780)
    draw.text((_MIDDLE, 700), "KOCHI", font=font(330), fill=0, anchor="mm")
    draw.text((_MIDDLE, 1000), "18 NOV 2026", font=font(130), fill=0, anchor="mm")
    return mask


def _reversed_box(_: np.random.Generator) -> Image.Image:
    mask, draw = _sheet(760)
    draw.rectangle((10, 10, SIDE - 10, 750), fill=255)
    draw.text((_MIDDLE, 250), "CERTIFIED", font=font(220), fill=0, anchor="mm")
    draw.text((_MIDDLE, 530), "CHENNAI OFFICE", font=font(120), fill=0, anchor="mm")
    return mask


def _swollen(rng: np.random.Generator) -> Image.Image:
    """A round stamp pressed so wet that its letters ran together."""
    mask = Image.new("L", (SIDE + 80, SIDE + 80), 0)
    mask.paste(MARKS["round"](rng), (40, 40))
    return mask.reduce(4).filter(ImageFilter.MaxFilter(7)).resize(mask.size, Image.Resampling.BICUBIC)


def _emblem(_: np.random.Generator) -> Image.Image:
    """A thick ring around a solid shield with a cross in it, and the name of a city."""
    mask, draw = _sheet()
    draw.ellipse((20, 20, SIDE - 20, SIDE - 20), outline=255, width=110)
    draw.polygon([(480, 380), (1120, 380), (1120, 800), (800, 1130), (480, 800)], fill=255)
    draw.rectangle((770, 430, 830, 1000), fill=0)
    draw.rectangle((520, 600, 1080, 660), fill=0)
    draw.text((_MIDDLE, 1280), "SURAT", font=font(170), fill=255, anchor="mm")
    return mask


def _marker(rng: np.random.Generator) -> Image.Image:
    """A signature by a felt marker: broad, and dense."""
    mask, draw = _sheet(760)
    ys = np.where(np.arange(12) % 2 == 0, rng.uniform(120, 300, 12), rng.uniform(450, 640, 12))
    way = smooth(np.column_stack([np.linspace(100, 1500, 12), ys]))
    pen_stroke(draw, way, np.full(len(way), rng.uniform(50, 75)))
    return mask


# --- no marks ---------------------------------------------------------------------------------


def _cat(_: np.random.Generator) -> Image.Image:
    """A cat that sits, from behind."""
    mask, draw = _sheet()
    draw.ellipse((500, 680, 1140, 1420), fill=255)
    draw.ellipse((590, 320, 1050, 760), fill=255)
    draw.polygon([(605, 500), (620, 230), (800, 375)], fill=255)
    draw.polygon([(1030, 500), (1015, 230), (835, 375)], fill=255)
    tail = smooth(np.array([(1060, 1340), (1280, 1290), (1370, 1060), (1330, 890)], float))
    pen_stroke(draw, tail, np.full(len(tail), 64))
    return mask


def _solid_disc(_: np.random.Generator) -> Image.Image:
    mask, draw = _sheet()
    _disc(draw, 780)
    return mask


def _bar(_: np.random.Generator) -> Image.Image:
    mask, draw = _sheet(420)
    draw.rectangle((10, 10, SIDE - 10, 410), fill=255)
    return mask


def _logo(_: np.random.Generator) -> Image.Image:
    """A wheel with teeth and a hole: a firm's sign in one piece."""
    mask, draw = _sheet()
    _disc(draw, 600)
    for tooth in range(12):
        angle = math.pi * tooth / 6
        corners = ((500, -0.14), (760, -0.1), (760, 0.1), (500, 0.14))
        draw.polygon([(_MIDDLE + far * math.cos(angle + off), _MIDDLE + far * math.sin(angle + off)) for far, off in corners], fill=255)
    _disc(draw, 200, fill=0)
    return mask


HEAVY = {
    "reversed_round": _reversed_round,
    "reversed_words": _reversed_words,
    "reversed_box": _reversed_box,
    "swollen": _swollen,
    "emblem": _emblem,
    "marker": _marker,
}
FIGURES = {"cat": _cat, "disc": _solid_disc, "bar": _bar, "logo": _logo}
