"""What the child processes of drawing do: small functions that are named by import, fed bytes, and answer with data."""

import io
import pickle
from typing import Any

from engine.contracts.drawing import CleanImage, Drawing, DrawRequest, ImageRequest
from engine.contracts.form import Form
from engine.errors import Refused

__all__ = ["clean", "draw", "examine", "examine_image", "picture", "warm_images", "warm_press"]

_forms: dict[str, Form] = {}
_DPI = (36, 300)


def warm_press() -> None:
    """Imports all that drawing needs, so that the first certificate is not the slow one. Never OpenCV."""
    import reportlab.graphics  # noqa: F401
    import xhtml2pdf.document  # noqa: F401

    import engine.drawing.draw  # noqa: F401


def warm_images() -> None:
    """Imports what decodes pictures, and OpenCV if this machine has what it needs."""
    import PIL.JpegImagePlugin
    import PIL.PngImagePlugin
    import PIL.TiffImagePlugin
    import PIL.WebPImagePlugin  # noqa: F401
    import pypdfium2  # noqa: F401

    import engine.drawing.pictures.images  # noqa: F401


def draw(form_sha256: str, form: bytes, rest: dict[str, Any]) -> Drawing:
    """One inspected drawing; a form is unpickled once per process."""
    from engine.drawing.draw import draw_now

    return draw_now(DrawRequest(form=_form(form_sha256, form), **rest))


def examine(form_sha256: str, form: bytes, rest: dict[str, Any], drawing: Drawing) -> None:
    """Inspects what a plugin drew."""
    from engine.drawing.inspecting.inspection import inspect

    inspect(drawing, DrawRequest(form=_form(form_sha256, form), **rest))


def clean(request: ImageRequest) -> CleanImage:
    """One cleaned and inspected picture."""
    from engine.drawing.pictures.images import clean_now, inspect_image

    cleaned = clean_now(request)
    inspect_image(cleaned)
    return cleaned


def examine_image(cleaned: CleanImage) -> None:
    """Inspects what a plugin cleaned."""
    from engine.drawing.pictures.images import inspect_image

    inspect_image(cleaned)


def picture(pdf: bytes, page: int, dpi: int) -> bytes:
    """One page of a PDF as PNG. Raises Refused for a page that is not there."""
    import pypdfium2 as pdfium

    if not _DPI[0] <= dpi <= _DPI[1]:
        raise Refused(f"A page can be shown at {_DPI[0]} to {_DPI[1]} dpi, not {dpi}.", rule="dpi")
    try:
        document = pdfium.PdfDocument(pdf)
    except pdfium.PdfiumError as error:
        raise Refused("The file is not a PDF that can be read.", rule="PDF") from error
    if not 0 <= page < len(document):
        raise Refused(f"The document has {len(document)} pages; there is no page {page + 1}.", rule="page")
    out = io.BytesIO()
    document[page].render(scale=dpi / 72).to_pil().save(out, "PNG")
    return out.getvalue()


def _form(sha256: str, pickled: bytes) -> Form:
    """The form of that hash."""
    if sha256 not in _forms:
        if len(_forms) >= 64:
            _forms.clear()
        form = pickle.loads(pickled)  # noqa: S301  # written by our parent
        if not isinstance(form, Form):
            raise TypeError("what was sent is no form")
        _forms[sha256] = form
    return _forms[sha256]
