"""What an agency tells of an office, and what is wrong with it, each beside its box."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.contracts.form import Form
from engine.errors import Problem, Refused
from engine.people.identifiers import gstin_problem
from engine.people.plain_text import text_fault
from engine.people.printed_names import office_problem
from engine.people.states import STATES

__all__ = ["WEEK", "OfficeDetails"]

WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_CODE = re.compile(r"[A-Z]{2,4}", re.ASCII)
_PIN = re.compile(r"[1-9][0-9]{5}", re.ASCII)
_DAYS = re.compile(r"1?2?3?4?5?6?7?", re.ASCII)
_NAME, _CITY, _ADDRESS = 200, 80, 400


@dataclass(frozen=True, slots=True)
class OfficeDetails:
    """An office as it is entered. What is empty was not told yet, and keeps the office from issuing until it is; only code, name
    and city are always there. `working_days` are ISO numbers of weekdays in order, Monday is 1."""

    code: str
    name: str
    city: str
    address: str = ""
    pin: str = ""
    state: str = ""
    gstin: str = ""
    wallet: bool = False
    working_days: str = "12345"

    def require(self, agency: str = "", forms: Iterable[Form] = ()) -> None:
        """Raises Refused with everything that is wrong, or for names that one of the forms has no room for beside the agency's."""
        if problems := list(self.problems()):
            raise Refused.because(problems)
        if problem := office_problem(self.name, self.city, agency, forms):
            raise Refused.because([problem])

    def problems(self) -> Iterator[Problem]:
        """Everything that is wrong, by the name of the field, in the order of the form."""
        yield from _text("name", "The name of the office", self.name, _NAME)
        if not self.code:
            yield Problem("office", "office code", "The office code is missing; enter 2 to 4 capital letters, such as MUM.")
        elif not _CODE.fullmatch(self.code):
            yield Problem("office", "office code", f"The office code must be 2 to 4 capital letters; it is {self.code[:12]!r}.")
        if self.address:
            yield from _text("address", "The address", self.address, _ADDRESS, lines=True)
        yield from _text("city", "The city", self.city, _CITY)
        if self.pin and not _PIN.fullmatch(self.pin):
            yield Problem("pin", "PIN code", "The PIN code has 6 digits, and the first is not 0.")
        if self.state and self.state not in STATES:
            yield Problem("state", "GST state", "Choose the state or union territory from the list.")
        yield from self._registration()
        if not self.working_days or not _DAYS.fullmatch(self.working_days):
            yield Problem("working_days", "working days", "Choose at least one day of the week.")

    def _registration(self) -> Iterator[Problem]:
        if not self.gstin:
            return
        if problem := gstin_problem(self.gstin, "gstin"):
            yield Problem("gstin", problem.rule, problem.say)
        elif self.gstin[:2] != self.state:
            yield Problem("gstin", "GSTIN of the state", "The GSTIN begins with the code of another state than the one chosen.")


def _text(box: str, name: str, text: str, most: int, *, lines: bool = False) -> Iterator[Problem]:
    if not text:
        yield Problem(box, "text", f"{name} is missing; enter it.")
    elif fault := text_fault(text, most=most, lines=lines):
        yield Problem(box, "text", f"{name} must {fault}.")
