"""The tests of the consignment: how the goods travel, who invoices them, and the first certificate behind them.

Goods without a shipment, the product of a cost sheet, are asked nothing here.
"""

from engine.contracts.origin import Outcome
from engine.contracts.rules import BackToBack, DirectConsignment, ThirdPartyInvoicing
from engine.filing.origin.cases import Case, Tried, said, unset

__all__ = ["back_to_back", "direct_consignment", "third_party_invoicing"]

_NOTHING = Tried(Outcome.PASSES, ())


def direct_consignment(case: Case[DirectConsignment]) -> Tried:
    """Straight to a party, or only passing through others, which a document shows.

    A form for any country (partners "*") serves the destination, but makes no country on the way a party.
    """
    goods, partners = case.goods, case.scheme.partners
    if not goods.shipment:
        return _NOTHING
    parties = {"IN", goods.destination, *partners}
    outside = [land for land in (*goods.transit, goods.discharge_country) if land and land not in parties]
    if not outside:
        return said(case, Outcome.PASSES, "The goods go to a party of the agreement, through parties alone.")
    through = ", ".join(dict.fromkeys(outside))
    if goods.transit_evidence:
        return unset(
            case, said(case, Outcome.PASSES, f"They pass through {through}, which is no party; shown by: {goods.transit_evidence}.")
        )
    say = f"They pass through {through}, which is no party, and no document is named that shows they only pass through."
    return said(case, Outcome.UNDECIDED, say, goods.where("transit_evidence"))


def third_party_invoicing(case: Case[ThirdPartyInvoicing]) -> Tried:
    """Nobody in a third country invoices the goods, or the agreement allows it."""
    if not case.goods.shipment:
        return _NOTHING
    if not case.goods.third_party:
        return said(case, Outcome.PASSES, "No firm of a third country invoices the goods.")
    match case.test.allowed:
        case True:
            return unset(case, said(case, Outcome.PASSES, "A firm of a third country invoices the goods, which the agreement allows."))
        case False:
            return unset(
                case, said(case, Outcome.FAILS, "A firm of a third country invoices the goods, which the agreement does not allow.")
            )
        case _:
            what = case.test.unset or "whether a firm of a third country may invoice the goods"
            say = f"A firm of a third country invoices the goods. Not sourced: {what}."
            return said(case, Outcome.UNDECIDED, say, f"not sourced: {what}")


def back_to_back(case: Case[BackToBack]) -> Tried:
    """The goods stand on a first certificate that only a person can compare."""
    named = case.goods.evidence
    if not named:
        return said(case, Outcome.UNDECIDED, "The certificate of the first exporting country is not named.", case.goods.where("evidence"))
    return said(case, Outcome.UNDECIDED, f"The officer compares with the first certificate: {named}.")
