"""A finding as text for a person: line by line, every step with its working, its rule and where the rule was read."""

from collections.abc import Iterable

from engine.contracts.origin import Finding, Line, Outcome, Step
from engine.filing.origin.elsewhere import Elsewhere

__all__ = ["explain", "table"]

_WIDTH = max(len(outcome) for outcome in Outcome)


def explain(finding: Finding) -> str:
    """The whole finding. The outcome of each step stands in a column of its own; below it, the rule and its source."""
    head = f"{finding.scheme}, form version {finding.form_version}: {finding.outcome.value}"
    products = [f"  product rules {finding.products_sha256[:12]}"] if finding.products_sha256 else []
    return "\n".join([head, *products, *(text for line in finding.lines for text in _line(line, f"Item {line.item + 1}"))])


def table(found: Iterable[Elsewhere]) -> str:
    """A table of schemes: outcome, criterion, missing points, and what is missing."""
    rows = [("scheme", "serves", "outcome", "criterion", "misses", "missing")]
    for each in found:
        missing = "; ".join(each.missing[:2]) + (f"; and {len(each.missing) - 2} more" if len(each.missing) > 2 else "")
        points = f"{each.points} points" if each.points else ""
        rows.append((each.scheme, "yes" if each.serves else "no", each.outcome.value, each.criterion, points, missing))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]]).rstrip() for row in rows)


def _line(line: Line, title: str) -> list[str]:
    lines = ["", f"{title}, {line.criterion}: {line.outcome.value}"]
    if line.printed:
        lines.append(f"  printed    {line.printed}")
    if line.sheet:
        lines.append(f"  cost sheet {line.sheet.reference}, version {line.sheet.version}, {line.sheet.sha256[:12]}")
    if line.cumulated:
        lines.append("  cumulated  materials of a partner were counted as originating")
    for step in line.steps:
        lines += _step(step)
    return [*lines, *(f"  missing    {key}" for key in line.missing)]


def _step(step: Step) -> list[str]:
    margin = f"  (margin {step.points} points)" if step.points is not None else ""
    needed = "" if step.decides else "  (another way decides)"
    indent = " " * (_WIDTH + 4)
    source = [f"{indent}{step.source}"] if step.source else []
    return [f"  {step.outcome.value:<{_WIDTH}}  {step.name}: {step.working}{margin}{needed}", f"{indent}{step.rule}", *source]
