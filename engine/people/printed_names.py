"""Names of agencies, offices and cities as certificates print them: whether the forms have room, asked when a name is entered.

The tightest form decides: a name that one of the forms cannot hold is refused, with the form and how much of it fits there.
"""

from collections.abc import Callable, Iterable, Mapping

from engine.contracts.form import Form
from engine.errors import Problem

__all__ = ["agency_problem", "office_problem"]

_RULE = "fits the forms"
_ANY = "x"  # stands where another name is printed beside: each has a line of its own, or shares one
_DAY = "28 MAR 2026"  # as wide as a day is printed


def agency_problem(name: str, offices: Iterable[tuple[str, str]], forms: Iterable[Form]) -> Problem | None:
    """What is wrong with an agency's name beside its offices, each by name and city; None if every form has room for it."""
    beside = ((_ANY, _ANY), *offices)
    kept = tuple(forms)
    return _tightest("name", "The name of the agency", name, kept, lambda part: [_values(part, office, city) for office, city in beside])


def office_problem(name: str, city: str, agency: str, forms: Iterable[Form]) -> Problem | None:
    """What is wrong with an office's name, or with its city, beside the agency's name; None if every form has room for them."""
    kept = tuple(forms)
    found = _tightest("name", f"The name of the office, beside {city},", name, kept, lambda part: [_values(agency, part, city)])
    return found or _tightest("city", "The city, beside the name of the office,", city, kept, lambda part: [_values(agency, name, part)])


def _tightest(box: str, what: str, text: str, forms: tuple[Form, ...], printed: Callable[[str], list[Mapping[str, str]]]) -> Problem | None:
    """The problem on the form that has least room for the text; none where there is room, or where even one letter of it is too much:
    then something else is too long."""
    rooms = [(_room(form, text, printed), form) for form in forms if "agency" in form.issuer_kinds]
    short = [(room, form.scheme) for room, form in rooms if 0 < room < len(text)]
    if not short:
        return None
    room, scheme = min(short)
    say = f"{what} has {len(text)} characters; on the certificate of {scheme} there is room for the first {room} of them. Shorten it."
    return Problem(box, _RULE, say)


def _room(form: Form, text: str, printed: Callable[[str], list[Mapping[str, str]]]) -> int:
    """How many characters of the text the form has room for."""

    def fits(length: int) -> bool:
        return not any(form.worded_problems(values) for values in printed(text[:length]))

    if fits(len(text)):
        return len(text)
    least, most = 0, len(text)
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if fits(middle) else (least, middle)
    return least


def _values(agency: str, office: str, city: str) -> Mapping[str, str]:
    """What a certificate prints of an office, with the shortest officer."""
    return {
        "agency_name": agency,
        "office_name": office,
        "office_city": city,
        "officer_name": _ANY,
        "officer_designation": _ANY,
        "certified_place": city,
        "certified_on": _DAY,
    }
