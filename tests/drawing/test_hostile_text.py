"""Field text is hostile: markup, templates, formulas and addresses stay the text they are, in boxes and in values."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.contracts.drawing import DrawRequest
from engine.contracts.form import Filled
from engine.drawing.draw import draw_now

PAYLOADS = [
    "<img src='http://127.0.0.1:9/x.png'>",
    "<img src=/etc/passwd>",
    "<script>alert(1)</script>",
    "<pdf:nextpage/><pdf:insertpdf src=x>",
    "</div></body><table><tr><td>",
    "<!-- --> ]]> <![CDATA[ x",
    "</style><style>div{color:white}",
    "{{ 7*7 }}{% for x in y %}",
    "{number} {wording.title} {values}",
    "{{ ''.__class__.__mro__ }}",
    "%s %(a)s %n $x ${x} #{y}",
    "&lt;b&gt; &amp;amp; &#65;",
    "[[[getattr(pow,'__globals__')]]]",
    '<font color="[[x]]">x</font>',
    "url(file:///etc/passwd)",
    "@import 'http://127.0.0.1:9/'",
    "=cmd|' /C calc'!A0",
    "http://127.0.0.1:9/a?b=c&d=e",
    "javascript:alert(1) mailto:a@b.c",
    "(Tj) Tj ET Q BT <</S/JavaScript>>",
    "\\n \\t \\u0041 \\\\ C:\\x",
    "a- -b --- - -5 END-",
    "fi ff ffi fl Ǆ ŉ ² ½ № ™",
]
VALUES = ("agency_name", "office_name", "officer_name", "declared_by", "declared_place", "destination", "total_weight")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_is_printed_as_it_is(certificate: Callable[..., DrawRequest], payload: str) -> None:
    request = certificate(items=1, values=dict.fromkeys(VALUES, payload))
    boxes = dict.fromkeys(("1", "2", "3"), (payload, payload))
    row = dict.fromkeys(("5", "6", "7", "8", "9", "10"), (payload,))
    # draw_now reads every line back from the page and compares it.
    drawing = draw_now(replace(request, filled=Filled(boxes, (row,))))
    shown = {spot.box: " ".join(spot.lines) for spot in drawing.placed}
    assert " ".join(payload.split()) in shown["7[0]"].replace("  ", " ") or payload.replace(" ", "") == shown["7[0]"].replace(" ", "")
    assert drawing.pages == 1
    assert b"/URI" not in drawing.pdf
