"""Several refusals as one: everything that is wrong is said at once, and a single refusal stays what it is."""

from collections.abc import Sequence

from engine.errors import Problem, Refused

__all__ = ["problems_of", "together"]


def problems_of(refusal: Refused) -> list[Problem]:
    """The problems of a refusal; one that lists none is a problem itself."""
    return list(refusal.problems) or [Problem(refusal.box, refusal.rule, refusal.say)]


def together(refusals: Sequence[Refused]) -> Refused:
    """One refusal for a non-empty list: a single one as it is, with its kind and code; several by all their problems."""
    if len(refusals) == 1:
        return refusals[0]
    return Refused.because([problem for refusal in refusals for problem in problems_of(refusal)])
