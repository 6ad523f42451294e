"""Where else the goods would pass: every scheme tried on one product, with what it misses."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from engine.contracts.form import Form
from engine.contracts.origin import Line, Outcome
from engine.filing.origin.cases import Scheme
from engine.filing.origin.goods import Goods
from engine.filing.origin.trial import Trial

__all__ = ["Elsewhere", "find_elsewhere"]

_RANKS = (Outcome.PASSES, Outcome.UNDECIDED, Outcome.FAILS)
_FAR = Decimal(1000)


class Elsewhere(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one scheme says about the goods, by its best criterion.

    `serves` tells whether it covers the destination (always true where none is given). `points` is how many percentage points
    the value content of a failing criterion misses, as a decimal string; None if it fails in something else or does not fail.
    """

    scheme: str
    form_version: str
    serves: bool
    outcome: Outcome
    criterion: str
    lines: tuple[Line, ...]
    points: str | None = None
    missing: tuple[str, ...] = ()


def find_elsewhere(goods: Goods, forms: Iterable[Form]) -> tuple[Elsewhere, ...]:
    """What each form's scheme says about the goods: those that serve the destination first, then passes before undecided
    before fails, then by scheme.

    A scheme that does not serve the destination is tried without the shipment, as if the goods went to one of its partners.
    """
    anywhere = goods.anywhere()
    found = []
    for form in forms:
        serves = goods.destination is None or form.serves(goods.destination)
        found.append(_try(goods if serves else anywhere, form, serves))
    return tuple(sorted(found, key=lambda each: (not each.serves, _RANKS.index(each.outcome), each.scheme, each.form_version)))


def _try(goods: Goods, form: Form, serves: bool) -> Elsewhere:
    scheme = Scheme.of(form)
    trial = Trial(goods, scheme)
    lines = tuple(trial.line(criterion.code, index=index) for index, criterion in enumerate(scheme.rules.criteria))
    best = min(lines, key=_rank)
    return Elsewhere(
        form.scheme,
        form.version,
        serves,
        best.outcome,
        best.criterion,
        lines,
        _missed(best) if best.outcome is Outcome.FAILS else None,
        best.missing if best.outcome is Outcome.UNDECIDED else (),
    )


def _rank(line: Line) -> tuple[int, bool, Decimal, int]:
    """Best first: the outcome, then failing in the value content alone by the fewest points, then with a content at all, then with
    the fewest things missing."""
    missed = _missed(line)
    compared = any(step.points is not None for step in line.steps)
    return _RANKS.index(line.outcome), not compared, Decimal(missed) if missed else _FAR, len(line.missing)


def _missed(line: Line) -> str | None:
    """The most points that a deciding step misses, where every failing one can say; without a sign."""
    failing = [step for step in line.steps if step.outcome is Outcome.FAILS and step.decides]
    points = [Decimal(step.points) for step in failing if step.points is not None]
    return f"{-min(points):f}" if points and len(points) == len(failing) else None
