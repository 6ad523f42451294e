"""Goods tried under one scheme: their suppliers' sheets first, then ground by ground; what another firm's sheet says stays with it.

Promises that a material counts as originating by its supplier's sheet only where that sheet qualifies under the same scheme;
and that whoever cites another firm's sheet learns of each ground what is the same at every price, or that an officer decides.
"""

from collections.abc import Iterable

import msgspec

from engine.contracts.origin import Line, Outcome, Step
from engine.contracts.rules import Country, DirectConsignment, ManufacturedByExporter, ThirdPartyInvoicing
from engine.filing.origin.cases import JUDGEMENT, PRICE, Scheme, best, unneeded
from engine.filing.origin.criterion import try_criterion
from engine.filing.origin.goods import Goods
from engine.filing.origin.lines import goods_of_sheet
from engine.filing.origin.materials import MOST_NAMED, Account

__all__ = ["Trial", "find_line"]

# Tests that ask the application alone, so that nothing of a cited sheet stands in their words.
_OF_THE_LINE = (Country, ManufacturedByExporter, DirectConsignment, ThirdPartyInvoicing)
_SUPPLIERS = "a material originates by its supplier's sheet where that qualifies under the same scheme"
# Steps that say the same whatever stands in the sheet.
_PLAIN = ("criterion", PRICE)


def find_line(goods: Goods, scheme: Scheme, code: str, *, index: int = 0) -> Line:
    """What one ground of a scheme says about goods."""
    return Trial(goods, scheme).line(code, index=index)


class Trial:
    """Goods under one scheme; what is the same for all its grounds is worked out once."""

    def __init__(self, goods: Goods, scheme: Scheme) -> None:
        self.goods, self.scheme = goods, scheme
        self._here = _Supplied(goods, scheme)
        self._told = _Supplied(goods.told, scheme) if goods.told else None

    def line(self, code: str, *, index: int = 0) -> Line:
        """What one ground says; for whoever does not own the sheet that the goods rest on, without anything that it says."""
        line, cited = self._here.line(code, index), self.goods.cited
        if cited is None:
            return line
        if self._told is not None:  # what the box prints is the goods' own all the same
            line = msgspec.structs.replace(self._told.line(code, index), printed=line.printed)
        line = msgspec.structs.replace(line, sheet=cited.pinned)
        return line if cited.own else _withheld(line, cited.reference, self.scheme)


class _Supplied:
    """Goods whose materials originate where their suppliers' sheets show it: for certain, and at best."""

    def __init__(self, goods: Goods, scheme: Scheme) -> None:
        cites: dict[str, list[str]] = {}
        for part in goods.materials:
            if part.cost_sheet is not None:
                cites.setdefault(part.cost_sheet, []).append(part.path)
        verdicts = {reference: _verdict(goods, reference, scheme) for reference in cites}
        sure = {reference for reference, (outcome, _) in verdicts.items() if outcome is Outcome.PASSES}
        perhaps = {reference for reference, (outcome, _) in verdicts.items() if outcome is Outcome.UNDECIDED}
        self._scheme = scheme
        self._sure = goods.shown_by(sure) if verdicts else goods
        self._account = Account(self._sure.lots, scheme.cumulates)
        self._at_best = goods.shown_by(sure | perhaps) if perhaps else None
        self._account_at_best = Account(self._at_best.lots, scheme.cumulates) if self._at_best else None
        self._steps = tuple(_shown(cites[reference], reference, *verdict) for reference, verdict in verdicts.items())
        others = [part for part in goods.materials if part.cost_sheet is not None and not goods.suppliers.shows(part.cost_sheet, part.hs)]
        self._steps += tuple(
            _shown([part.path], str(part.cost_sheet), Outcome.FAILS, f"is not for goods of HS {part.hs}") for part in others[:MOST_NAMED]
        )
        self._open = tuple(f"{path}.cost_sheet" for reference in cites if reference in perhaps for path in cites[reference][:MOST_NAMED])

    def line(self, code: str, index: int) -> Line:
        line = try_criterion(self._sure, self._scheme, code, account=self._account, index=index)
        if self._account_at_best is None or self._at_best is None or line.outcome is Outcome.PASSES:
            return msgspec.structs.replace(line, steps=(*line.steps, *self._steps)) if self._steps else line
        at_best = try_criterion(self._at_best, self._scheme, code, account=self._account_at_best, index=index)
        if at_best.outcome is Outcome.FAILS:
            return msgspec.structs.replace(line, steps=(*line.steps, *self._steps))
        missing = tuple(dict.fromkeys((*line.missing, *self._open)))
        steps = (*unneeded(line.steps), *self._steps)
        return msgspec.structs.replace(line, outcome=Outcome.UNDECIDED, steps=steps, missing=missing)


def _verdict(goods: Goods, reference: str, scheme: Scheme) -> tuple[Outcome, str]:
    """What the scheme says of a supplier's sheet, and by which ground if it qualifies."""
    suppliers = goods.suppliers
    cited = suppliers.sheets.get(reference)
    if cited is None:
        return Outcome.UNDECIDED, "is not at hand"
    key = (scheme.code, scheme.version, goods.destination, reference)
    if key not in suppliers.verdicts:
        made = (reference, goods.destination)
        if made not in suppliers.goods:  # once for all schemes
            suppliers.goods[made] = goods_of_sheet(cited.sheet, destination=goods.destination, on=goods.on, suppliers=suppliers)
        trial = Trial(suppliers.goods[made], scheme)
        suppliers.verdicts[key] = _of_all(trial.line(criterion.code) for criterion in scheme.rules.criteria)
    outcome, words = suppliers.verdicts[key]
    return outcome, f"version {cited.version} {words} under {scheme.code}"


def _of_all(lines: Iterable[Line]) -> tuple[Outcome, str]:
    outcomes: list[Outcome] = []
    for line in lines:
        if line.outcome is Outcome.PASSES:
            return Outcome.PASSES, f"qualifies as {line.criterion}"
        outcomes.append(line.outcome)
    found = best(outcomes)
    return found, "cannot be decided" if found is Outcome.UNDECIDED else "does not qualify"


def _shown(paths: list[str], reference: str, outcome: Outcome, words: str) -> Step:
    """What a supplier's sheet shows; that it shows nothing is no failure of the goods."""
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    working = f"{', '.join(paths[:3])}{more}: the supplier's cost sheet {reference} {words}."
    return Step("suppliers", working, outcome, _SUPPLIERS, decides=outcome is not Outcome.FAILS)


def _withheld(line: Line, reference: str, scheme: Scheme) -> Line:
    """One step for each test and outcome, without figures, descriptions and paths of the sheet."""
    steps: dict[tuple[str, Outcome, str], Step] = {}
    working = f"Worked out from the cost sheet {reference}; its figures are its owner's."
    for step in line.steps:
        name = step.name.partition(":")[0]
        if name in _PLAIN or isinstance(scheme.rules.tests.get(name), _OF_THE_LINE):
            steps[name, step.outcome, step.working] = step
        else:
            steps[name, step.outcome, step.rule] = Step(name, working, step.outcome, step.rule, step.source, decides=step.decides)
    missing = dict.fromkeys(_unnamed(key, f"items[{line.item}].origin.cost_sheet") for key in line.missing)
    return msgspec.structs.replace(line, steps=tuple(steps.values()), missing=tuple(missing), withheld=True)


def _unnamed(key: str, home: str) -> str:
    """What is missing, without where it stands in the sheet and without the operations that the sheet names."""
    if key.startswith(JUDGEMENT):
        return JUDGEMENT
    return home if key.startswith((home, "and ")) else key
