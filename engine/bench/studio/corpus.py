"""The pictures of the corpus, by seed and place: every mark under every condition, and the hopeless ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from engine.bench.studio import camera
from engine.bench.studio.inked import FIGURES, HEAVY
from engine.bench.studio.marks import MARKS
from engine.contracts.drawing import ImageKind

__all__ = ["CONDITIONS", "HEAVY", "HOPELESS", "Case", "cases", "hopeless"]

Rng = np.random.Generator
Colour = tuple[float, float, float]
CONDITIONS = (
    "clean", "worn", "shadow", "ruled", "squared", "print", "perspective", "blur", "noise", "scan150", "photo12", "tinted", "two_inks",
)  # fmt: skip
_MARKS = {**MARKS, **HEAVY}
_STAMPS = frozenset({"round", "seal", "box", "reversed_round", "reversed_words", "reversed_box", "swollen", "emblem"})
_INKS: dict[str, Colour] = {
    "violet": (78, 44, 150), "blue": (38, 62, 158), "black": (38, 36, 40), "red": (176, 38, 48), "green": (22, 112, 66),
}  # fmt: skip
_PENS: dict[str, Colour] = {"blue": (34, 48, 140), "black": (34, 34, 38), "blue-black": (24, 32, 74)}
_PAPERS: tuple[Colour, ...] = ((240, 238, 232), (232, 233, 236), (244, 240, 226))
_TINTS: tuple[Colour, ...] = ((236, 222, 178), (205, 222, 240), (208, 232, 205), (240, 208, 212))


@dataclass(frozen=True, slots=True)
class Case:
    """A file as it is uploaded, and the true ink of the upright picture as a mask; the hopeless ones have none.

    The mask of a small scan is larger than the scan: ink does not become thinner because it was scanned coarsely.
    """

    name: str
    kind: ImageKind
    data: bytes = field(repr=False)
    truth: Image.Image | None = field(repr=False)


@dataclass(slots=True)
class _Scene:
    """One picture while it is made."""

    mark: str
    condition: str
    rng: Rng
    size: tuple[int, int]
    ink: Colour
    ink_name: str
    paper: Colour


def cases(seed: int, *, marks: tuple[str, ...] = tuple(MARKS), conditions: tuple[str, ...] = CONDITIONS) -> Iterator[Case]:
    """Every usual mark under every condition; the same seed gives the same pictures, whichever of them are asked for.

    The heavily inked ones, HEAVY, are given to who names them."""
    for mark in marks:
        for condition in conditions:
            place = (seed, list(_MARKS).index(mark), CONDITIONS.index(condition))
            yield _taken(_scene(mark, condition, np.random.default_rng(place)))


def _scene(mark: str, condition: str, rng: Rng) -> _Scene:
    inks = _INKS if mark in _STAMPS else _PENS
    name = list(inks)[int(rng.integers(len(inks)))]
    papers = _TINTS if condition == "tinted" else _PAPERS
    long = {"photo12": 4000, "scan150": int(rng.integers(150, 190))}.get(condition, int(rng.integers(800, 1700)))
    size = (long, round(long * 0.75))
    return _Scene(mark, condition, rng, size, inks[name], name, papers[int(rng.integers(len(papers)))])


def _taken(scene: _Scene) -> Case:
    """The scene as a file, with its truth."""
    rng, condition, size = scene.rng, scene.condition, scene.size
    fine = size if condition != "scan150" else (4 * size[0], 4 * size[1])
    mask = _placed(scene, fine)
    print_layer = camera.print_text(rng, fine, rows=int(rng.integers(9, 15))) if condition == "print" else None
    ruling = camera.lines(rng, fine, squared=condition == "squared") if condition in {"ruled", "squared"} else None
    if condition == "perspective":
        w, h = fine
        jitter = rng.uniform(0.02, 0.15, 8)
        corners = [(jitter[0] * w, jitter[1] * h), (w - jitter[2] * w, jitter[3] * h), (w - jitter[4] * w, h - jitter[5] * h),
                   (jitter[6] * w, h - jitter[7] * h)]  # fmt: skip
        mask = mask.transform(fine, Image.Transform.PERSPECTIVE, camera.square_to(fine, corners), Image.Resampling.BICUBIC)
    amount, truth = _amounts(scene, mask)
    picture = _seen(scene, fine, amount, mask, print_layer, ruling)
    if fine != size:
        picture = np.asarray(Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).resize(size, Image.Resampling.BOX), np.float32)
    kind = ImageKind.STAMP if scene.mark in _STAMPS else ImageKind.SIGNATURE
    return Case(f"{scene.mark}-{condition}-{scene.ink_name}", kind, _file(scene, picture), truth)


def _placed(scene: _Scene, fine: tuple[int, int]) -> Image.Image:
    """The mark somewhere in the picture, turned by up to 7 degrees, with paper around it."""
    rng = scene.rng
    mark = _MARKS[scene.mark](rng)
    mark = mark.crop(mark.getbbox()).rotate(rng.uniform(-7, 7), resample=Image.Resampling.BICUBIC, expand=True)
    room = rng.uniform(0.86, 0.94) if scene.condition == "scan150" else rng.uniform(0.45, 0.88)
    scale = room * min(fine[0] / mark.width, fine[1] / mark.height)
    mark = mark.resize((round(mark.width * scale), round(mark.height * scale)), Image.Resampling.LANCZOS)
    left = int(rng.uniform(0.25, 0.75) * (fine[0] - mark.width))
    top = int(rng.uniform(0.25, 0.75) * (fine[1] - mark.height))
    mask = Image.new("L", fine, 0)
    mask.paste(mark, (left, top))
    return mask


def _amounts(scene: _Scene, mask: Image.Image) -> tuple[camera.Layer, Image.Image]:
    """How much ink lies where, and where there is ink: the truth."""
    rng, size = scene.rng, mask.size
    shape = np.asarray(mask, np.float32) / 255
    if scene.condition == "worn":
        left = camera.worn(rng, size, amount=rng.uniform(0.25, 0.7))
        return shape * left, Image.fromarray(((shape * (left > 0.17)) * 255).astype(np.uint8))
    even = np.clip(0.9 + 0.07 * camera.grain(rng, size, max(4, max(size) // 25)), 0.6, 1.0)
    return (shape * even).astype(np.float32), mask


def _seen(
    scene: _Scene, fine: tuple[int, int], amount: camera.Layer, mask: Image.Image, text: Image.Image | None, ruling: Image.Image | None
) -> camera.Layer:
    """The page in its light, in focus or not."""
    rng, condition = scene.rng, scene.condition
    layers: list[tuple[camera.Layer, Colour]] = [
        (0.012 * camera.grain(rng, fine, 3) + 0.02 * camera.grain(rng, fine, max(fine) // 9), (90, 90, 90))
    ]
    if ruling is not None:
        colour = [(150.0, 175.0, 215.0), (165.0, 165.0, 170.0), (205.0, 150.0, 150.0), (120.0, 150.0, 200.0)][int(rng.integers(4))]
        layers.append((np.asarray(ruling, np.float32) / 255, colour))
    if text is not None:
        level = rng.uniform(30, 130)
        layers.append((np.asarray(text, np.float32) / 255, (level, level, level)))
    if condition == "two_inks":
        split = fine[1] * rng.uniform(0.4, 0.6)
        below = (np.arange(fine[1])[:, None] > split).astype(np.float32)
        others = [colour for name, colour in _INKS.items() if name not in {scene.ink_name, "black"}]
        other = others[int(rng.integers(len(others)))]
        layers += [(amount * (1 - below), scene.ink), (amount * below, other)]
    else:
        layers.append((amount, scene.ink))
    light = camera.falloff(rng, fine, depth=rng.uniform(0.05, 0.3) if condition != "photo12" else 0.35)
    if condition == "shadow":
        light = light * camera.shadow(rng, fine)
    picture = camera.on_paper(scene.paper, layers, light)
    warmth = np.array([rng.uniform(0.93, 1.0), rng.uniform(0.95, 1.0), rng.uniform(0.86, 1.0)], np.float32)
    focus = max(fine) * (rng.uniform(0.0028, 0.0048) if condition == "blur" else rng.uniform(0.0003, 0.0009))
    return camera.blurred(picture * warmth, focus)


def _file(scene: _Scene, picture: camera.Layer) -> bytes:
    rng = scene.rng
    if scene.condition == "noise":
        return camera.encoded(rng, picture, noise=rng.uniform(9, 15), quality=int(rng.integers(28, 45)))
    kind = ("JPEG", "JPEG", "JPEG", "PNG", "WEBP")[int(rng.integers(5))] if scene.condition != "photo12" else "JPEG"
    turned = kind == "JPEG" and bool(rng.integers(4) == 0)
    return camera.encoded(rng, picture, noise=rng.uniform(1.5, 4.5), kind=kind, quality=int(rng.integers(70, 93)), turned=turned)


# --- what nobody can clean --------------------------------------------------------------------


def hopeless(seed: int) -> Iterator[Case]:
    """Pictures without a mark that could be told from the rest; a cleaner must refuse them."""
    for index, (name, make) in enumerate(HOPELESS.items()):
        rng = np.random.default_rng((seed, 99, index))
        kind = (ImageKind.STAMP, ImageKind.SIGNATURE)[int(rng.integers(2))]
        yield Case(name, kind, camera.encoded(rng, make(rng, (900, 680)), noise=3, quality=80), None)


def _plain(level: float) -> Callable[[Rng, tuple[int, int]], camera.Layer]:
    def make(rng: Rng, size: tuple[int, int]) -> camera.Layer:
        light = camera.falloff(rng, size, depth=0.2)
        return camera.on_paper((level, level, level * 0.97), [(0.02 * camera.grain(rng, size, 5), (90, 90, 90))], light)

    return make


def _static(rng: Rng, size: tuple[int, int]) -> camera.Layer:
    return rng.uniform(0, 255, (size[1], size[0], 3)).astype(np.float32)


def _landscape(rng: Rng, size: tuple[int, int]) -> camera.Layer:
    """Sky, hills and a field."""
    width, height = size
    rise = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    seen = np.dstack(
        [150 + 80 * rise + np.zeros((1, width)), 180 + 50 * rise + np.zeros((1, width)), 235 - 20 * rise + np.zeros((1, width))]
    )
    for at, colour in ((0.45, (95, 120, 130)), (0.6, (70, 110, 70)), (0.78, (130, 140, 60))):
        ridge = height * (at + 0.06 * camera.grain(rng, (width, 1), 90)[0])
        under = np.clip((np.arange(height)[:, None] - ridge[None, :]) / 3, 0, 1)[..., None]
        shade = 1 + 0.12 * camera.grain(rng, size, 14)[..., None]
        seen = seen * (1 - under) + np.array(colour, np.float32) * shade * under
    return seen.astype(np.float32)


def _page(rng: Rng, size: tuple[int, int]) -> camera.Layer:
    text = np.asarray(camera.print_text(rng, size, rows=34), np.float32) / 255
    return camera.on_paper((240, 238, 232), [(text, (35, 35, 38))], camera.falloff(rng, size, depth=0.15))


def _smeared(rng: Rng, size: tuple[int, int]) -> camera.Layer:
    """A stamp so far out of focus that nothing of it can be read."""
    scene = _Scene("round", "clean", rng, size, _INKS["violet"], "violet", _PAPERS[0])
    amount, _ = _amounts(scene, _placed(scene, size))
    sharp = camera.on_paper(scene.paper, [(amount, scene.ink)], camera.falloff(rng, size, depth=0.2))
    return camera.blurred(sharp, 26)


def _dot(rng: Rng, _: tuple[int, int]) -> camera.Layer:
    return rng.uniform(0, 255, (10, 10, 3)).astype(np.float32)


def _white_on_white(rng: Rng, size: tuple[int, int]) -> camera.Layer:
    scene = _Scene("box", "clean", rng, size, (249, 249, 249), "white", (250, 250, 250))
    amount, _ = _amounts(scene, _placed(scene, size))
    return camera.on_paper(scene.paper, [(amount, scene.ink)], camera.falloff(rng, size, depth=0.1))


def _over_exposed(rng: Rng, size: tuple[int, int]) -> camera.Layer:
    """A stamp in so much light that all but a breath of it burnt out."""
    scene = _Scene("round", "clean", rng, size, _INKS["blue"], "blue", _PAPERS[0])
    amount, _ = _amounts(scene, _placed(scene, size))
    page = camera.on_paper(scene.paper, [(amount, scene.ink)], camera.falloff(rng, size, depth=0.1))
    return (216 + 1.15 * page).astype(np.float32)


def _finger(rng: Rng, size: tuple[int, int]) -> camera.Layer:
    """A finger over most of the lens: warm, dark, and without an edge."""
    scene = _Scene("loops", "clean", rng, size, _PENS["blue"], "blue", _PAPERS[0])
    amount, _ = _amounts(scene, _placed(scene, size))
    page = camera.on_paper(scene.paper, [(amount, scene.ink)], camera.falloff(rng, size, depth=0.3))
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).ellipse((-0.2 * size[0], -0.1 * size[1], 0.88 * size[0], 1.1 * size[1]), fill=255)
    cover = np.asarray(mask.filter(ImageFilter.GaussianBlur(55)), np.float32)[..., None] / 255
    skin = np.array([120, 52, 40], np.float32) * (1 + 0.1 * camera.grain(rng, size, 200)[..., None])
    return (page * (1 - cover) + skin * cover).astype(np.float32)


def _wood(rng: Rng, size: tuple[int, int]) -> camera.Layer:
    """A desk: rings and fibres of wood."""
    x, y = np.meshgrid(np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32))
    rings = np.sin(y / 9 + 6 * camera.grain(rng, size, 160) + x / 240)
    fibres = np.asarray(Image.fromarray(camera.grain(rng, (size[0] // 30 + 1, size[1]), 2)).resize(size, Image.Resampling.BICUBIC))
    level = 1 + 0.16 * rings + 0.12 * fibres
    seen: camera.Layer = np.array([158, 112, 70], np.float32) * level[..., None]
    return seen


def _ruled(rng: Rng, size: tuple[int, int]) -> camera.Layer:
    """Ruled paper on which nobody wrote."""
    ruling = np.asarray(camera.lines(rng, size, squared=False), np.float32) / 255
    return camera.on_paper(_PAPERS[0], [(ruling, (120, 150, 200))], camera.falloff(rng, size, depth=0.2))


def _figure(name: str) -> Callable[[Rng, tuple[int, int]], camera.Layer]:
    """A figure in solid black or coloured ink, where a mark should be."""

    def make(rng: Rng, size: tuple[int, int]) -> camera.Layer:
        ink = ("black", "violet")[int(rng.integers(2))]
        mask = Image.new("L", size, 0)
        figure = FIGURES[name](rng)
        figure = ImageOps.contain(figure.crop(figure.getbbox()), (round(0.7 * size[0]), round(0.7 * size[1])))
        mask.paste(figure, ((size[0] - figure.width) // 2, (size[1] - figure.height) // 2))
        amount = (np.asarray(mask, np.float32) / 255) * np.float32(rng.uniform(0.85, 1.0))
        return camera.on_paper(_PAPERS[0], [(amount, _INKS[ink])], camera.falloff(rng, size, depth=0.15))

    return make


def _thumbnail(rng: Rng, _: tuple[int, int]) -> camera.Layer:
    """A stamp that fills a picture of 120 pixels."""
    scene = _Scene("box", "scan150", rng, (480, 360), _INKS["blue"], "blue", _PAPERS[0])
    amount, _truth = _amounts(scene, _placed(scene, scene.size))
    page = camera.on_paper(scene.paper, [(amount, scene.ink)], camera.falloff(rng, scene.size, depth=0.1))
    return np.asarray(Image.fromarray(page.astype(np.uint8)).resize((120, 90), Image.Resampling.BOX), np.float32)


HOPELESS: dict[str, Callable[[Rng, tuple[int, int]], Any]] = {
    "blank paper": _plain(236),
    "all black": _plain(14),
    "static": _static,
    "landscape": _landscape,
    "page of text": _page,
    "smeared": _smeared,
    "ten pixels": _dot,
    "white on white": _white_on_white,
    "over-exposed": _over_exposed,
    "finger": _finger,
    "wood": _wood,
    "ruled paper": _ruled,
    **{name: _figure(name) for name in FIGURES},
    "thumbnail": _thumbnail,
}
