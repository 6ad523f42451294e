"""Whatever an application may hold by its lengths is either refused when it is filed, with its box named, or drawn whole."""

from datetime import date

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.application import Application, Consignee, Declaration, Exporter, Item, Producer, ThirdParty, Transport
from engine.contracts.form import Form
from engine.drawing.draw import draw_now
from engine.drawing.page.layout import lay_out
from engine.errors import Refused
from engine.filing import fill, find_origin, read, worded
from engine.templating import sample_request
from engine.templating.previewing import day_of

SCHEMES = ("AIFTA", "GSP", "IJCEPA", "UAE", "IKCEPA", "MERCOSUR", "NP", "NP_B2B")

_words = st.text(st.sampled_from("WMiaÉ Đx0/-(),. "), min_size=1)


def words(longest: int) -> st.SearchStrategy[str]:
    """A text of up to that many characters, often of just that many."""
    most = st.sampled_from(["W" * longest, ("Wide MARKS and " * longest)[:longest].strip()])
    return st.one_of(most, _words.map(lambda text: text[:longest].strip() or "x"))


@st.composite
def applications(draw: st.DrawFn, example: Application) -> Application:
    """The example with texts of any legal length in every key that is printed."""
    make = msgspec.structs.replace
    part = draw(st.sampled_from((1, 5)))  # at full length something is nearly always refused, at a fifth nearly nothing
    line, short = words(200 // part), words(120 // part)
    text = st.one_of(words(1000 // part), st.lists(words(90 // part), min_size=1, max_size=10 // part).map("\n".join))
    exporter: Exporter = make(example.exporter, name=draw(line), address=draw(text), email=draw(short), telephone=draw(short))
    consignee: Consignee = make(example.consignee, name=draw(line), address=draw(text), tax_id=draw(short))
    transport: Transport = make(example.transport, vessel=draw(short), voyage=draw(short), route=draw(line))
    declaration: Declaration = make(example.declaration, place=draw(short), name=draw(short))
    item: Item = make(example.items[0], description=draw(text), marks=draw(text))
    return make(
        example,
        exporter=exporter,
        consignee=consignee,
        transport=transport,
        declaration=declaration,
        items=(item, *example.items[1:]) * draw(st.integers(1, 30 // len(example.items))),
        remarks=draw(line),
        export_document=draw(short),
        producer=Producer(name=draw(line), address=draw(text)),
        third_party=ThirdParty(name=draw(line), address=draw(text), country="SG"),
    )


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_what_filing_lets_through_is_drawn_and_what_it_refuses_could_not_be(
    forms: dict[str, Form], scheme: str, data: st.DataObject
) -> None:
    form = forms[scheme]
    application = data.draw(applications(read(form.example)))
    filled = fill(application, form, find_origin(application, form))
    problems = [*form.problems(filled), *form.worded_problems(worded(application))]
    request = sample_request(form, application, day_of(form, date(2026, 11, 22)))
    if not problems:
        drawing = draw_now(request)
        assert {spot.box for spot in drawing.placed} >= {no for no, lines in filled.boxes.items() if any(lines)}
        return
    with pytest.raises(Refused) as refused:
        lay_out(request)
    assert refused.value.box
    assert all(problem.say.endswith("it.") or "font cannot draw" in problem.say for problem in problems)
