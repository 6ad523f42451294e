"""Paper, light and camera of the corpus: what stands between a mark and the file that somebody uploads."""

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.bench.studio.marks import font

__all__ = ["Layer", "blurred", "encoded", "falloff", "grain", "lines", "on_paper", "print_text", "shadow", "square_to", "worn"]

Layer = np.ndarray[Any, np.dtype[Any]]
_TEXT = (
    "The undersigned hereby declares that the above details and statements are correct; that all the goods were produced in",
    "INDIA and that they comply with the origin requirements specified for these goods in the agreement for exports to the",
    "importing country named below. It is hereby certified, on the basis of control carried out, that the declaration by",
    "the exporter is correct. Invoice 4471 of 12.11.2026, 1250 cartons, gross weight 6,620 kg, value USD 61,170.00 f.o.b.",
)


def grain(rng: np.random.Generator, size: tuple[int, int], cell: int) -> Layer:
    """Smooth noise of that cell size in pixels, mean 0, deviation about 1."""
    width, height = size
    small = rng.normal(0, 1, (height // cell + 2, width // cell + 2)).astype(np.float32)
    return np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC), np.float32)


def worn(rng: np.random.Generator, size: tuple[int, int], *, amount: float) -> Layer:
    """How much ink a worn or dry mark left: 0 in the gaps, 0.35 to 0.9 elsewhere."""
    side = max(size)
    gaps = 0.6 * grain(rng, size, max(2, side // 60)) + 0.5 * grain(rng, size, max(2, side // 200))
    there = np.clip((gaps + 1.25 - amount) * 6, 0, 1)
    pale = np.clip(0.65 + 0.16 * grain(rng, size, max(2, side // 12)) + 0.05 * grain(rng, size, max(2, side // 150)), 0.35, 0.95)
    return (there * pale).astype(np.float32)


def falloff(rng: np.random.Generator, size: tuple[int, int], *, depth: float) -> Layer:
    """Light that falls off from a point: a lamp at one side, and the corners of the lens."""
    width, height = size
    x, y = np.meshgrid(np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32))
    angle = rng.uniform(0, 2 * math.pi)
    lamp = 1 - depth * (0.5 + 0.5 * (x * math.cos(angle) + y * math.sin(angle)) / 1.42)
    corners = 1 - 0.5 * depth * (x * x + y * y) / 2
    return (lamp * corners).astype(np.float32)


def shadow(rng: np.random.Generator, size: tuple[int, int]) -> Layer:
    """The shadow of a hand or a phone: a slanting edge, hard or soft, 35 to 60 % of the light taken."""
    width, height = size
    mask = Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    at, lean = rng.uniform(0.3, 0.7) * width, rng.uniform(-0.35, 0.35) * width
    bend = rng.uniform(-0.12, 0.12) * width
    edge = [(at + lean * (t - 0.5) + bend * math.sin(3 * t), t * height) for t in np.linspace(0, 1, 20)]
    far = width if rng.integers(2) else 0
    draw.polygon([*edge, (far, height), (far, 0)], fill=255)
    soft = mask.filter(ImageFilter.GaussianBlur(rng.uniform(0.004, 0.03) * max(size)))
    return 1 - np.float32(rng.uniform(0.35, 0.6)) * np.asarray(soft, np.float32) / 255


def lines(rng: np.random.Generator, size: tuple[int, int], *, squared: bool) -> Image.Image:
    """Ruled or squared paper, a little askew, as a mask."""
    side = max(size)
    big = int(1.5 * side)
    sheet = Image.new("L", (big, big), 0)
    draw = ImageDraw.Draw(sheet)
    gap = side / rng.uniform(16, 26) if squared else side / rng.uniform(9, 15)
    wide = max(1, round(side / rng.uniform(350, 650)))
    for n in range(int(big / gap) + 1):
        draw.line((0, n * gap, big, n * gap), fill=255, width=wide)
        if squared:
            draw.line((n * gap, 0, n * gap, big), fill=255, width=wide)
    turned = sheet.rotate(rng.uniform(-4, 4), resample=Image.Resampling.BICUBIC)
    left, top = (big - size[0]) // 2, (big - size[1]) // 2
    return turned.crop((left, top, left + size[0], top + size[1]))


def print_text(rng: np.random.Generator, size: tuple[int, int], *, rows: int) -> Image.Image:
    """Printed words over the whole picture, as a mask."""
    mask = Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    height = size[1] / rows
    face = font(max(6, int(height * rng.uniform(0.5, 0.62))), bold=False, serif=bool(rng.integers(2)))
    for row in range(rows):
        draw.text((size[0] * 0.04 - rng.uniform(0, 90), (row + 0.2) * height), _TEXT[(row + int(rng.integers(4))) % 4], font=face, fill=255)
    return mask


def square_to(size: tuple[int, int], corners: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """Coefficients for Image.transform that lay the whole picture onto four corners (from the top left, clockwise)."""
    width, height = size
    rows, right = [], []
    for (x, y), (u, v) in zip(corners, ((0, 0), (width, 0), (width, height), (0, height)), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return tuple(float(value) for value in np.linalg.solve(np.array(rows, float), np.array(right, float)))


def on_paper(paper: tuple[float, float, float], layers: Sequence[tuple[Layer, tuple[float, float, float]]], light: Layer) -> Layer:
    """What lies on the paper, in the light: every layer takes its part of red, green and blue, one above the other."""
    seen = []
    for channel in range(3):
        plane: Layer = np.full(light.shape, paper[channel], np.float32)
        for amount, colour in layers:
            plane = plane * (colour[channel] / 255) ** amount
        seen.append(plane * light)
    return np.dstack(seen)


def blurred(picture: Layer, radius: float) -> Layer:
    """Out of focus."""
    seen = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    return np.asarray(seen.filter(ImageFilter.GaussianBlur(radius)), np.float32)


def encoded(
    rng: np.random.Generator, picture: Layer, *, noise: float, kind: str = "JPEG", quality: int = 85, turned: bool = False
) -> bytes:
    """The file: sensor noise that grows with the light, then the format. `turned` lays it on its side and says so in EXIF."""
    height, width, _ = picture.shape
    strength = noise * np.sqrt(np.maximum(picture, 8) / 160)
    seen = picture + strength * rng.standard_normal((height, width, 3), dtype=np.float32)
    image = Image.fromarray(np.clip(seen, 0, 255).astype(np.uint8))
    options: dict[str, Any] = {"quality": quality} if kind in {"JPEG", "WEBP"} else {}
    if turned:
        exif = Image.Exif()
        exif[0x0112] = 6
        image, options["exif"] = image.transpose(Image.Transpose.ROTATE_90), exif
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
