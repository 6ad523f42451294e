"""Everything that is known of an application before anybody decides: what is wrong, the finding, and the filled boxes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from engine.application import Application
from engine.contracts.form import Filled, Form
from engine.contracts.origin import Finding
from engine.errors import PluginError, Problem, Refused
from engine.filing.boxes import fill
from engine.filing.checks import check
from engine.filing.origin import Cited, find_origin, refuse_failing
from engine.filing.reading import text_slips
from engine.filing.refusing import together
from engine.registry import Registry

__all__ = ["Examined", "examine"]


@dataclass(frozen=True, slots=True)
class Examined:
    """The outcome of an examination. With problems it must not be filed; `finding` and `filled` are None if those made it impossible."""

    form: Form
    problems: tuple[Problem, ...]
    finding: Finding | None
    filled: Filled | None

    def require(self) -> tuple[Finding, Filled]:
        """Finding and boxes of an application that may be filed. Raises Refused, or OriginRefused with the arithmetic."""
        if self.problems or self.finding is None or self.filled is None:
            raise Refused.because(self.problems)
        refuse_failing(self.finding)
        return self.finding, self.filled


def examine(application: Application, registry: Registry, today: date, sheets: Mapping[str, Cited] | None = None) -> Examined:
    """Looks at everything; what is wrong is listed. `sheets` are the cost sheets that may be cited, by reference. Raises Refused for a scheme nobody has, with what is wrong with the texts."""
    try:
        form = registry.form(application.scheme, today, application.form_version)
    except Refused as refusal:
        slips = [Refused.because(found)] if (found := text_slips(application)) else []
        raise together([refusal, *slips]) from None
    problems = list(check(application, form, today=today, sheets=sheets))
    for plugin, found in registry.each("coo_check_application", application=application, form=form):
        problems += _problems(plugin, found)
    if problems:
        return Examined(form, tuple(problems), None, None)
    finding = find_origin(application, form, sheets)
    filled = _worded_by_plugins(application, form, fill(application, form, finding), registry)
    return Examined(form, tuple(form.problems(filled)), finding, filled)


def _problems(plugin: str, found: object) -> Sequence[Problem]:
    if not isinstance(found, list | tuple) or not all(isinstance(each, Problem) for each in found):
        raise PluginError(f"The plugin {plugin} answered coo_check_application with something that is no list of Problem.")
    return found


def _worded_by_plugins(application: Application, form: Form, filled: Filled, registry: Registry) -> Filled:
    for plugin, worded in registry.each("coo_fill_boxes", application=application, form=form, filled=filled):
        if unknown := set(worded) - set(filled.boxes):
            raise PluginError(
                f"The plugin {plugin} answered coo_fill_boxes for box {sorted(unknown)[0]}, which {form.form_name} does not have."
            )
        boxes = {**filled.boxes, **{no: tuple(map(str, paragraphs)) for no, paragraphs in worded.items()}}
        filled = msgspec.structs.replace(filled, boxes=boxes)
    return filled
