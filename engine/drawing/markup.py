"""A layout as HTML: the sheet's own template, in Jinja's sandbox, with every text escaped.

Field text is hostile: it reaches the template as plain strings, is escaped once on output, and is never a template.
"""

from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.contracts.drawing import DrawRequest
from engine.contracts.form import Face
from engine.contracts.sheet import MM_PER_POINT
from engine.drawing.page.layout import Layout
from engine.drawing.page.sketch import Block
from engine.errors import PluginError

__all__ = ["family", "to_html"]

# A div is this much wider than its text, so that a rounding never makes the renderer break a line that fits.
_SLACK_PT = 1.5


def family(face: Face) -> str:
    """The name a font goes by in the HTML: its own, and its hash, so that another file can never answer for it."""
    return f"{face.name.lower().replace('-', '')}{face.sha256[:12]}"


def to_html(request: DrawRequest, layout: Layout) -> str:
    """The HTML of all pages. Raises PluginError if the sheet's template cannot be rendered."""
    form, sheet = request.form, request.form.sheet
    height = sheet.geometry.height / MM_PER_POINT
    pages = [
        [_styled(block, index * height, sheet.geometry.leading(block.size_pt)) for block in page.blocks]
        for index, page in enumerate(layout.pages)
    ]
    try:
        return _template(sheet.html).render(
            title=f"{form.title}: {request.number}",
            subject=" ".join(form.heading),
            author=request.values.get("agency_name", ""),
            regular={"family": family(form.regular), "path": form.regular.path},
            bold={"family": family(form.bold), "path": form.bold.path},
            width_pt=f"{sheet.geometry.width / MM_PER_POINT:.4f}",
            height_pt=f"{height:.4f}",
            pages=pages,
        )
    except (TemplateError, TypeError, ValueError) as error:
        raise PluginError(f"The sheet {sheet.name} cannot be rendered: {type(error).__name__}: {error}.") from error


@lru_cache(maxsize=16)
def _template(source: str) -> Template:
    """A sheet, compiled once per process."""
    return ImmutableSandboxedEnvironment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(source)


def _styled(block: Block, page_top_pt: float, leading_mm: float) -> dict[str, Any]:
    """A block as the sheet sees it: its place in points from the first page's top left corner, and its lines."""
    left, width = block.x / MM_PER_POINT, block.w / MM_PER_POINT
    shift = {"center": _SLACK_PT / 2, "right": _SLACK_PT}.get(block.align, 0.0)
    return {
        "left_pt": f"{left - shift:.3f}",
        "top_pt": f"{page_top_pt + block.y / MM_PER_POINT:.3f}",
        "width_pt": f"{width + _SLACK_PT:.3f}",
        "size_pt": f"{block.size_pt:g}",
        "leading_pt": f"{leading_mm / MM_PER_POINT:.4f}",
        "align": block.align,
        "bold": block.bold,
        "lines": block.lines,
    }
