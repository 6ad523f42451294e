"""What the child processes of drawing do: small functions that are named by import, fed bytes, and answer with data."""

import contextlib
import io
import pickle
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.contracts.drawing import CleanImage, Developed, Drawing, DrawRequest, ImageRequest, Mark, Preview
from engine.contracts.form import Form
from engine.errors import ConfigError, Refused

if TYPE_CHECKING:
    from engine.drawing.pictures.images import Cleaned
    from engine.drawing.specimens import SpecimenSheet
    from engine.money.receipts import ReceiptContent

__all__ = [
    "clean",
    "clean_and_place",
    "develop",
    "draw",
    "examine",
    "examine_image",
    "peak_mib",
    "picture",
    "preview",
    "receipt",
    "specimens",
    "warm_images",
    "warm_press",
]

_forms: dict[str, Form] = {}
_DPI = (36, 300)
# A 12-megapixel photo takes less than one; the kernel ends a child that takes more for one picture.
_CPU_S = 5


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

    import engine.drawing.pictures.developing  # noqa: F401
    from engine.drawing.pictures.opencv import opencv

    with contextlib.suppress(ConfigError):
        opencv()


def draw(form_sha256: str, form: bytes, rest: dict[str, Any]) -> Drawing:
    """One inspected drawing; a form is unpickled once per process."""
    from engine.drawing.draw import draw_now

    return draw_now(DrawRequest(form=_form(form_sha256, form), **rest))


def specimens(sheet: "SpecimenSheet") -> bytes:
    """An agency's stamps and signatures as PDF."""
    from engine.drawing.specimen_pages import draw_specimens

    return draw_specimens(sheet)


def receipt(content: "ReceiptContent", mark: Mark) -> bytes:
    """A receipt or voucher as PDF."""
    from engine.drawing.receipt_pages import draw_receipt

    return draw_receipt(content, mark=mark)


def examine(form_sha256: str, form: bytes, rest: dict[str, Any], drawing: Drawing) -> None:
    """Inspects what a plugin drew."""
    from engine.drawing.inspecting.inspection import inspect

    inspect(drawing, DrawRequest(form=_form(form_sha256, form), **rest))


def clean(request: ImageRequest) -> CleanImage:
    """One cleaned and inspected picture."""
    from engine.drawing.pictures.images import clean_now, inspect_image

    with _little_time():
        cleaned = clean_now(request)
    inspect_image(cleaned)
    return cleaned


def develop(request: ImageRequest) -> Developed:
    """One upload decoded once, for its preview and its cleaned and inspected picture."""
    from engine.drawing.pictures.developing import develop_now

    with _little_time():
        return develop_now(request)


def clean_and_place(request: ImageRequest) -> "Cleaned":
    """One cleaned picture and where it was found, for those who measure."""
    from engine.drawing.pictures.images import made

    with _little_time():
        return made(request)


def peak_mib() -> float:
    """The most memory that this process ever held; ru_maxrss would count what its parent held when it was forked."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def preview(data: bytes) -> Preview:
    """An upload as pages may show it."""
    from engine.drawing.pictures.developing import preview_now

    with _little_time():
        return preview_now(data)


@contextlib.contextmanager
def _little_time() -> Iterator[None]:
    """Lets this process use a few seconds of the processor's time from now on, and then no more of it."""
    before = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    ceiling = int(used.ru_utime + used.ru_stime) + 1 + _CPU_S
    if before[1] != resource.RLIM_INFINITY:
        ceiling = min(ceiling, before[1])
    resource.setrlimit(resource.RLIMIT_CPU, (ceiling, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)


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
