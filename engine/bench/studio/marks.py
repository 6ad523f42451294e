"""The ink of the corpus: stamps and signatures as masks, drawn by our own code from a random generator."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.packs import FONTS

__all__ = ["MARKS", "SIDE", "along_ring", "font", "pen_stroke", "smooth"]

SIDE = 1600
_RINGS = ("EXPORT INSPECTION AGENCY", "CHAMBER OF COMMERCE AND INDUSTRY", "GOVERNMENT OF INDIA", "TEXTILES COMMITTEE  PUNE")
_CENTRES = ("MUMBAI", "CHENNAI", "KOLKATA", "KOCHI", "SURAT")
_FEET = ("CERTIFIED", "18 NOV 2026", "ORIGINAL", "No. 4471")


def font(size: int, *, bold: bool = True, serif: bool = False) -> ImageFont.FreeTypeFont:
    """One of the fonts that certificates are drawn with."""
    family = "DejaVuSerif" if serif else "DejaVuSans"
    return ImageFont.truetype(f"{FONTS}/{family}{'-Bold' if bold else ''}.ttf", size)


def _words(rng: np.random.Generator, among: tuple[str, ...]) -> str:
    return among[int(rng.integers(len(among)))]


def _round(rng: np.random.Generator) -> Image.Image:
    """Two rings, words along the outer one, two lines in the middle."""
    mask = Image.new("L", (SIDE, SIDE), 0)
    draw = ImageDraw.Draw(mask)
    middle, outer = SIDE // 2, 780
    inner = int(rng.integers(500, 560))
    for radius, width in ((outer, int(rng.integers(14, 34))), (inner, int(rng.integers(7, 18)))):
        draw.ellipse((middle - radius, middle - radius, middle + radius, middle + radius), outline=255, width=width)
    text, size = _words(rng, _RINGS) + " * ", 150
    along_ring(mask, text, radius=(outer + inner) / 2, size=size, fill=255)
    draw.text((middle, middle - 70), _words(rng, _CENTRES), font=font(190), fill=255, anchor="mm")
    draw.text((middle, middle + 130), _words(rng, _FEET), font=font(104, bold=bool(rng.integers(2))), fill=255, anchor="mm")
    return mask


def along_ring(mask: Image.Image, text: str, *, radius: float, size: int, fill: int) -> None:
    """The letters around the middle of a square mask, clockwise from the top."""
    for index, char in enumerate(text):
        angle = 2 * math.pi * index / len(text) - math.pi / 2
        at = (SIDE // 2 + radius * math.cos(angle), SIDE // 2 + radius * math.sin(angle))
        _turned(mask, char, at, -math.degrees(angle) - 90, size, fill)


def _turned(mask: Image.Image, char: str, at: tuple[float, float], degrees: float, size: int, fill: int) -> None:
    tile = Image.new("L", (2 * size, 2 * size), 0)
    ImageDraw.Draw(tile).text((size, size), char, font=font(size), fill=255, anchor="mm")
    mask.paste(fill, (int(at[0] - size), int(at[1] - size)), tile.rotate(degrees, resample=Image.Resampling.BICUBIC))


def _seal(rng: np.random.Generator) -> Image.Image:
    """One thick ring with a star and an emblem of bars: few words, much ink."""
    mask = Image.new("L", (SIDE, SIDE), 0)
    draw = ImageDraw.Draw(mask)
    middle = SIDE // 2
    draw.ellipse((20, 20, SIDE - 20, SIDE - 20), outline=255, width=int(rng.integers(40, 70)))
    points = [(middle + (330 if n % 2 == 0 else 140) * math.sin(n * math.pi / 5), 560 - (330 if n % 2 == 0 else 140) * math.cos(n * math.pi / 5))
              for n in range(10)]  # fmt: skip
    draw.polygon(points, fill=255)
    for row in range(3):
        draw.rectangle((430, 960 + 55 * row, 1170, 980 + 55 * row), fill=255)
    draw.text((middle, 1250), _words(rng, _CENTRES), font=font(170), fill=255, anchor="mm")
    return mask


def _box(rng: np.random.Generator) -> Image.Image:
    """A frame with three lines of words, sometimes double."""
    mask = Image.new("L", (SIDE, 760), 0)
    draw = ImageDraw.Draw(mask)
    width = int(rng.integers(10, 24))
    draw.rectangle((10, 10, SIDE - 10, 750), outline=255, width=width)
    if rng.integers(2):
        draw.rectangle((50, 50, SIDE - 50, 710), outline=255, width=8)
    draw.text((SIDE // 2, 180), _words(rng, _RINGS)[:20].strip(), font=font(116), fill=255, anchor="mm")
    draw.text((SIDE // 2, 390), _words(rng, _FEET), font=font(190), fill=255, anchor="mm")
    draw.text((SIDE // 2, 600), f"{_words(rng, _CENTRES)} OFFICE", font=font(100, bold=False), fill=255, anchor="mm")
    return mask


def pen_stroke(draw: ImageDraw.ImageDraw, points: np.ndarray, widths: np.ndarray) -> None:
    """A pen's way along the points."""
    for (x0, y0), (x1, y1), wide in zip(points[:-1], points[1:], widths, strict=False):
        draw.line((x0, y0, x1, y1), fill=255, width=max(1, round(wide)))
        draw.ellipse((x1 - wide / 2, y1 - wide / 2, x1 + wide / 2, y1 + wide / 2), fill=255)


def smooth(points: np.ndarray, steps: int = 24) -> np.ndarray:
    """A Catmull-Rom curve through the points."""
    ends = np.vstack([points[0], points, points[-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        parts.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.vstack([*parts, points[-1:]])


def _loops(rng: np.random.Generator) -> Image.Image:
    """A ball pen: loops that grow smaller, and a line beneath."""
    mask = Image.new("L", (SIDE, 700), 0)
    draw = ImageDraw.Draw(mask)
    t = np.linspace(0, 1, 900)
    fast, phase = rng.uniform(34, 46), rng.uniform(0, 6)
    x = 100 + 1300 * t + 70 * np.sin(fast * t)
    y = 340 - (230 * np.exp(-2.2 * t) + 60) * np.cos(fast * t + 0.6) - 40 * np.sin(9 * t + phase)
    pen = rng.uniform(11, 17)
    pen_stroke(draw, np.column_stack([x, y]), np.full(900, pen))
    pen_stroke(draw, smooth(np.array([(150, 610), (800, 575 + rng.uniform(-20, 20)), (1480, 540)])), np.full(90, pen))
    return mask


def _angular(rng: np.random.Generator) -> Image.Image:
    """A broad nib: strokes up and down of changing width, the pen lifted twice."""
    mask = Image.new("L", (SIDE, 760), 0)
    draw = ImageDraw.Draw(mask)
    for start, end in ((80, 560), (620, 1080), (1130, 1520)):
        xs = np.linspace(start, end, int(rng.integers(6, 9)))
        ys = np.where(np.arange(len(xs)) % 2 == 0, rng.uniform(90, 330, len(xs)), rng.uniform(420, 650, len(xs)))
        way = smooth(np.column_stack([xs + rng.uniform(-25, 25, len(xs)), ys]))
        down = np.gradient(way[:, 1])
        pen_stroke(draw, way, 11 + 17 * np.clip(down / (np.abs(down).max() + 1e-6), 0, 1))
    return mask


def _initials(rng: np.random.Generator) -> Image.Image:
    """A fine pen: two tall letters of one stroke each, a long tail, and a dot."""
    mask = Image.new("L", (SIDE, 800), 0)
    draw = ImageDraw.Draw(mask)
    pen = rng.uniform(8, 12)
    first = np.array([(120, 620), (230, 90), (330, 640), (180, 420), (470, 400), (520, 160), (620, 300), (560, 640), (760, 560)], float)
    tail = np.array([(700, 150), (760, 650), (830, 360), (930, 380), (900, 600), (1010, 420), (1100, 560), (1250, 480), (1560, 430)], float)
    for way in (first, tail):
        curve = smooth(way + rng.uniform(-40, 40, way.shape))
        pen_stroke(draw, curve, pen * (0.8 + 0.4 * rng.random()) * np.ones(len(curve)))
    draw.ellipse((1180, 240, 1180 + 3 * pen, 240 + 3 * pen), fill=255)
    return mask


MARKS = {"round": _round, "seal": _seal, "box": _box, "loops": _loops, "angular": _angular, "initials": _initials}
