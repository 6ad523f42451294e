"""An upload developed: decoded once, shown as pages may show it, and cleaned.

Promises: nothing of the upload but its pixels is shown; what cannot be cleaned is shown all the same, with the reason.
"""

import io

from PIL import Image

from engine.contracts.drawing import Developed, ImageRequest, Preview
from engine.drawing.pictures.images import decoded, inspect_image, made_of
from engine.drawing.pictures.reading import Rows, read_upright
from engine.errors import Refused

__all__ = ["develop_now", "preview_now"]

_PREVIEW_PX = 800


def develop_now(request: ImageRequest) -> Developed:
    """The upload as pages may show it, and its ink. Raises Refused for what is no picture."""
    upright = decoded(request.data)
    preview = _shown(upright)
    try:
        clean = made_of(upright, request.kind, request.adjust).image
    except Refused as refused:
        return Developed(preview, None, refused.say)
    inspect_image(clean)
    return Developed(preview, clean)


def preview_now(data: bytes) -> Preview:
    """The upload as it may be shown: upright, at most 800 px a side, on white, without metadata, encoded anew as JPEG."""
    return _shown(read_upright(data, _PREVIEW_PX))


def _shown(upright: Rows) -> Preview:
    with Image.fromarray(upright) as picture:
        scale = _PREVIEW_PX / max(picture.size)
        if scale < 1:
            size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
            picture = picture.resize(size, Image.Resampling.BOX)
        shown = Image.new("RGB", picture.size, (255, 255, 255))
        shown.paste(picture, mask=picture.getchannel("A"))
    out = io.BytesIO()
    shown.save(out, "JPEG", quality=85)
    return Preview(out.getvalue(), *shown.size)
