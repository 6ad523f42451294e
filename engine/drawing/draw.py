"""One drawing, start to end, in this process: lay out, write HTML, print, inspect."""

from engine.contracts.drawing import Drawing, DrawRequest, Mark, Rect
from engine.drawing.code import modules
from engine.drawing.inspecting.inspection import inspect
from engine.drawing.markup import family, to_html
from engine.drawing.page.layout import Layout, lay_out
from engine.drawing.paper import Under, to_pdf

__all__ = ["draw_now", "draw_uninspected"]


def draw_now(request: DrawRequest) -> Drawing:
    """The inspected drawing of a certificate; equal requests give equal bytes.

    Raises Refused for text that cannot be drawn (the box named), PluginError if sheet or renderer broke a promise.
    """
    drawing = draw_uninspected(request)
    inspect(drawing, request)
    return drawing


def draw_uninspected(request: DrawRequest) -> Drawing:
    """The drawing as the renderer made it: for `draw_now` and for measuring; nobody else signs it."""
    layout = lay_out(request)
    form = request.form
    html = to_html(request, layout)
    pdf = to_pdf(html, _under(request, layout), fonts=(form.regular.path, form.bold.path), dated=request.issued_on)
    return Drawing(pdf=pdf, pages=len(layout.pages), placed=layout.placed, qr=layout.qr, signature=layout.signature)


def _under(request: DrawRequest, layout: Layout) -> Under:
    """What lies beneath the text of this certificate."""
    geometry = request.form.sheet.geometry
    return Under(
        pages=layout.pages,
        rule_pt=geometry.rule_pt,
        qr=layout.qr,
        rows=modules(request.qr_text),
        pictures=_pictures(request, layout),
        mark=request.mark.value if request.mark is not Mark.NONE else "",
        mark_font=f"{family(request.form.bold)}_00",
    )


def _pictures(request: DrawRequest, layout: Layout) -> list[tuple[Rect, bytes]]:
    """Stamp and officer's signature; a leaf for ink leaves their space empty."""
    leaf = next((leaf for leaf in request.form.leaves if leaf.name == request.leaf), None)
    if leaf is not None and leaf.ink:
        return []
    pairs = ((layout.stamp, request.stamp), (layout.appearance, request.appearance))
    return [(rect, png) for rect, png in pairs if png is not None]
