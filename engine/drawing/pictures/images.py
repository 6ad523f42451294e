"""Stamps and signatures, cleaned once at upload: a phone photo in, one ink colour on nothing out, with a score.

Promises: nothing of the file but its ink comes out; the same bytes and the same adjustments give the same picture; what
cannot be cleaned is refused with the reason. Runs in a limited child process, which alone imports OpenCV.
"""

import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from engine.contracts.drawing import Adjust, CleanImage, ImageKind, ImageRequest
from engine.drawing.pictures.adjusting import adjusted
from engine.drawing.pictures.beneath import without_print
from engine.drawing.pictures.focus import is_out_of_focus
from engine.drawing.pictures.ink import Ink, Plan, is_cut_out, separate
from engine.drawing.pictures.judging import OUT_OF_FOCUS, judge, refuse_hopeless, refuse_no_paper, refuse_solid
from engine.drawing.pictures.opencv import opencv
from engine.drawing.pictures.reading import Rows, read_upright
from engine.errors import PluginError, Refused

__all__ = ["LARGE_PX", "Cleaned", "clean_now", "decoded", "inspect_image", "made", "made_of"]

SIDE_PX = 400
# The whole is judged at this size, and the ink cut from a larger picture if it is but a small part of the whole.
_WORK_PX = 1000
LARGE_PX, ENOUGH_PX = 2600, 1600
# The coarsest scan of a stamp whose words can be read has more than this.
_THUMBNAIL_PX = 150
_SMALL_PX = 700
_NEAR_PX = 480
_LEAST_PX = 20
_SMALLEST = {ImageKind.STAMP: (80, 24), ImageKind.SIGNATURE: (80, 20)}
_LEVELS = 8
_MARGIN = 4

Box = tuple[int, int, int, int]
Place = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A cleaned picture, and which part of the picture that was worked on it shows: left, top, right, bottom as parts of 1."""

    image: CleanImage
    place: tuple[float, float, float, float]


def clean_now(request: ImageRequest) -> CleanImage:
    """The cleaned picture. Raises Refused with a sentence saying what is wrong with the upload, or which adjustment is."""
    return made(request).image


def made(request: ImageRequest) -> Cleaned:
    """The cleaned picture and where it was found."""
    return made_of(decoded(request.data), request.kind, request.adjust)


def decoded(data: bytes) -> Rows:
    """The upload as rows, as large as cleaning needs it and no larger. Raises Refused for what is no picture."""
    return read_upright(data, LARGE_PX, ENOUGH_PX)


def made_of(upright: Rows, kind: ImageKind, adjust: Adjust) -> Cleaned:
    """The cleaned picture of rows that were decoded before, and where it was found."""
    _refuse_thumbnail(upright)
    shift = adjust.threshold
    whole = adjusted(upright, adjust)
    if min(whole.shape[:2]) < _LEAST_PX:
        raise Refused(f"The picture is only {whole.shape[1]} x {whole.shape[0]} pixels; take it from nearer.", rule="image size")
    first = _sized(whole, _scale(whole))
    ink, plan = _first_look(first, shift)
    refuse_no_paper(ink)
    ink = without_print(ink, kind)
    refuse_hopeless(ink)
    box = _box(ink.alpha)
    ink, box, zoom, place = _nearer(whole, ink, box, plan, shift)
    alpha = ink.alpha[box[1] : box[3], box[0] : box[2]]
    _check_size(alpha, kind, zoom)
    refuse_solid(ink)
    verdict = judge(ink, alpha, zoom)
    alpha = _levels(_fitted(alpha))
    height, width = alpha.shape
    image = CleanImage(_png(alpha, ink.colour), width, height, verdict.score, verdict.notes, verdict.faults)
    return Cleaned(image, place)


def _first_look(rows: Rows, shift: int) -> tuple[Ink, Plan]:
    """The ink of the whole. Raises Refused; where there is none because nothing is sharp, that is the reason."""
    try:
        return separate(rows, shift=shift)
    except Refused as refused:
        if refused.rule == "image ink" and is_out_of_focus(rows):
            raise Refused(OUT_OF_FOCUS, rule="image ink") from refused
        raise


def _scale(whole: Rows) -> float:
    """How much larger the whole is worked on than it came: coarse scans are, so that strokes have an inside."""
    longest = int(max(whole.shape[:2]))
    if longest > _WORK_PX:
        return _WORK_PX / longest
    return 1.0 if is_cut_out(whole) else max(1.0, min(4.0, _SMALL_PX / longest))


def _sized(rows: Rows, scale: float) -> Rows:
    """The picture that many times as large."""
    if scale == 1.0:
        return rows
    cv2 = opencv()
    size = (max(1, round(rows.shape[1] * scale)), max(1, round(rows.shape[0] * scale)))
    result: Rows = cv2.resize(rows, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return result


def _box(alpha: Rows) -> Box:
    """Left, top, right and bottom of the ink with a narrow margin."""
    rows, columns = (np.flatnonzero((alpha > 96).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise Refused("The picture is empty: there is no ink in it.", rule="image ink")
    height, width = alpha.shape
    return (
        max(0, int(columns[0]) - _MARGIN),
        max(0, int(rows[0]) - _MARGIN),
        min(width, int(columns[-1]) + _MARGIN + 1),
        min(height, int(rows[-1]) + _MARGIN + 1),
    )


def _nearer(whole: Rows, ink: Ink, box: Box, plan: Plan, shift: int) -> tuple[Ink, Box, float, Place]:
    """The ink seen from nearer if it is but a small part of the picture; with its box, its enlargement and its place."""
    scale = ink.alpha.shape[1] / whole.shape[1]
    sides = (box[2] - box[0], box[3] - box[1])
    if max(sides) >= _NEAR_PX or scale > 1.0 or ink.dark is None or ink.seen.print_around:
        return ink, box, scale, _place(box, scale, (0, 0), whole)
    room = 0.2 * max(sides)
    height, width = whole.shape[:2]
    left, top = (max(0, int((edge - room) / scale)) for edge in box[:2])
    right, bottom = min(width, int((box[2] + room) / scale)), min(height, int((box[3] + room) / scale))
    zoom = min(2.0, _WORK_PX / max(right - left, bottom - top))
    part = _sized(whole[top:bottom, left:right], zoom)
    seen, _ = separate(part, shift=shift, plan=plan.nearer(left * scale, top * scale, zoom / scale))
    alpha = _only(seen.alpha, [(edge / scale - start) * zoom for edge, start in zip(box, (left, top, left, top), strict=True)])
    near = replace(seen, alpha=alpha)
    inner = _box(alpha)
    return near, inner, zoom, _place(inner, zoom, (left, top), whole)


def _only(alpha: Rows, box: list[float]) -> Rows:
    """What lies in the box, a little widened."""
    left, top, right, bottom = (round(edge + off) for edge, off in zip(box, (-6, -6, 6, 6), strict=True))
    kept = np.zeros_like(alpha)
    window = (slice(max(0, top), max(0, bottom)), slice(max(0, left), max(0, right)))
    kept[window] = alpha[window]
    return kept


def _place(box: Box, scale: float, start: tuple[int, int], whole: Rows) -> Place:
    height, width = whole.shape[:2]
    ends = [(edge / scale + start[n % 2]) / (width, height)[n % 2] for n, edge in enumerate(box)]
    return ends[0], ends[1], min(1.0, ends[2]), min(1.0, ends[3])


def inspect_image(clean: CleanImage) -> None:
    """Passes a cleaned picture that is what it says; raises PluginError otherwise. A plugin's answer passes the same way."""
    try:
        with Image.open(io.BytesIO(clean.png), formats=("PNG",)) as picture:
            if max(picture.size) > SIDE_PX:
                raise _bad(f"it is {picture.width} x {picture.height} px; at most {SIDE_PX} px a side are allowed")
            picture.load()
            size, mode, extra = picture.size, picture.mode, dict(picture.info)
            alpha = picture.convert("RGBA").getchannel("A").tobytes()
            colours = picture.convert("RGB").getcolors(maxcolors=1)
    except (OSError, ValueError, SyntaxError) as error:
        raise _bad("it is no PNG") from error
    if size != (clean.width_px, clean.height_px):
        raise _bad(f"it is {size[0]} x {size[1]} px, and says {clean.width_px} x {clean.height_px}")
    if mode != "RGBA" or min(alpha) > 0 or max(alpha) < 128:
        raise _bad("it has no transparent background, or no ink")
    if colours is None:
        raise _bad("it has more than one colour")
    if extra or not 0 <= clean.quality <= 100:
        raise _bad("it carries more than a picture, or a quality that is not 0 to 100")


def _bad(what: str) -> PluginError:
    return PluginError(f"The cleaned picture was not accepted: {what}.", code="image_inspection")


# --- writing ----------------------------------------------------------------------------------


def _check_size(alpha: Rows, kind: ImageKind, zoom: float) -> None:
    """Refuses ink of so few pixels, counted as they came, that it would print as blots."""
    height, width = (round(side / zoom) for side in alpha.shape)
    wide, high = _SMALLEST[kind]
    if max(width, height) < wide or min(width, height) < high:
        raise Refused(
            f"The ink is only {width} x {height} pixels; take the photo from nearer, so that it is at least {wide} x {high}.",
            rule="image size",
        )


def _refuse_thumbnail(upright: Rows) -> None:
    height, width = upright.shape[:2]
    if max(width, height) < _THUMBNAIL_PX:
        raise Refused(
            f"The picture is only {width} x {height} pixels, a thumbnail; send the photo itself. Its longer side must have at least "
            f"{_THUMBNAIL_PX} pixels, and the ink of a stamp is good from 300 on.",
            rule="image size",
        )


def _fitted(alpha: Rows) -> Rows:
    """The ink no larger than it is kept."""
    scale = min(1.0, SIDE_PX / max(alpha.shape))
    return _sized(alpha, scale)


def _levels(alpha: Rows) -> Rows:
    """Alpha in eight levels: edges stay soft, and the file stays a tenth of its size."""
    step = 255 / (_LEVELS - 1)
    return (np.round(alpha / step) * step).astype(np.uint8)


def _png(alpha: Rows, colour: tuple[int, int, int]) -> bytes:
    """A PNG of one colour whose alpha is the ink, and nothing else in the file."""
    mask = Image.fromarray(alpha)
    picture = Image.new("RGBA", mask.size, (*colour, 0))
    picture.putalpha(mask)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
