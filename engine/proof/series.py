"""The runs of numbers of an office, to be looked at: the last number that was taken, and how the next one will look."""

from dataclasses import dataclass
from datetime import datetime

from engine.certificate import format_number
from engine.people import OfficeHere
from engine.proof.register import SeriesRule
from engine.proof.tables import CertificateRow, SeriesRow
from engine.scope import Scope
from engine.store.scoped import covering

__all__ = ["Run", "runs_of"]

_SCHEME = "SCHEME"  # stands in the next number where the pattern names the scheme, which nobody knows yet


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its year, whether that begins in April, how many numbers were taken, the last of them, and the next in the
    present year's run; an empty text where there is none."""

    year: int
    financial: bool
    taken: int
    last: str
    next: str


async def runs_of(scope: Scope, office: OfficeHere, rule: SeriesRule, *, at: datetime) -> tuple[Run, ...]:
    """An office's runs, the latest first; the present year's is among them, also while no number of it is taken."""
    rows = await covering(scope, SeriesRow.select().where(SeriesRow.office == office.id), SeriesRow).order_by(
        SeriesRow.year, ascending=False
    )
    last = {}
    for row in rows:
        query = CertificateRow.select(CertificateRow.number).where(
            CertificateRow.series == row["id"], CertificateRow.serial == row["value"]
        )
        found = await covering(scope, query, CertificateRow).first()
        last[row["id"]] = found["number"] if found else ""
    year = rule.year(at)
    runs = [
        Run(
            row["year"],
            row["period"] == "financial",
            row["value"],
            last[row["id"]],
            _next(office, row["pattern"], year, row["value"]) if row["year"] == year else "",
        )
        for row in rows
    ]
    if all(run.year != year for run in runs):
        runs.insert(0, Run(year, rule.period == "financial", 0, "", _next(office, rule.pattern, year, 0)))
    return tuple(runs)


def _next(office: OfficeHere, pattern: str, year: int, taken: int) -> str:
    return format_number(pattern, agency=office.agency_code, year=year, office=office.code, serial=taken + 1, scheme=_SCHEME)
