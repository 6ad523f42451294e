"""The exporter's identifiers in an application: IEC and GSTIN, each by itself and against the other."""

from engine.application import Exporter
from engine.errors import Problem
from engine.people.identifiers import gstin_problem, iec_problem, of_one_firm

__all__ = ["exporter_problems"]


def exporter_problems(exporter: Exporter) -> list[Problem]:
    """What is wrong with the exporter's identifiers: at most one problem each, and one if they contradict each other."""
    found = [iec_problem(exporter.iec, "exporter.iec"), gstin_problem(exporter.gstin, "exporter.gstin")]
    problems = [problem for problem in found if problem]
    if not problems and not of_one_firm(exporter.iec, exporter.gstin):
        say = f"The GSTIN carries the PAN {exporter.gstin[2:12]}, but the IEC is {exporter.iec}; both must be the same firm's."
        problems.append(Problem("exporter.gstin", "PAN in GSTIN equals IEC", say))
    return problems
