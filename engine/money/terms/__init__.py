"""An office's terms: what becomes of a fee when no certificate is issued, when the wallet's is taken, what a top-up is to the tax,
and how its receipts are numbered. An office that never chose takes no payment."""

from engine.money.terms.tables import FeeTaken, OnEnding, TopUpIs
from engine.money.terms.terms import NewTerms, Terms, refund_sentence, set_terms, terms_by_id, terms_of

__all__ = ["FeeTaken", "NewTerms", "OnEnding", "Terms", "TopUpIs", "refund_sentence", "set_terms", "terms_by_id", "terms_of"]
