"""The terms of an office, in versions: an order keeps the version that it was made under.

Promises that a version never changes but for its end, that one holds at a time, and that no two offices of an agency ever number
their receipts alike: to the tax they may be one supplier.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import Conflict, NotFound, Problem, Refused
from engine.money.terms.tables import FeeTaken, OnEnding, TermsRow, TopUpIs
from engine.people import OfficeHere
from engine.people.tables import Agency, Office
from engine.scope import Scope, ScopeKind
from engine.store import audit, uow
from engine.store.scoped import covering

__all__ = ["NewTerms", "Terms", "refund_sentence", "set_terms", "terms_by_id", "terms_of"]

# With `/2627/000042` after it, a number has the 15 or 14 characters that the rules of receipts allow (CGST Rules 46, 49 and 50: 16).
_CODE = re.compile(r"[A-Z][A-Z0-9]{1,2}", re.ASCII)
_CHOICES: Mapping[str, tuple[type[OnEnding] | type[FeeTaken] | type[TopUpIs], str]] = {
    "on_rejection": (OnEnding, "Choose what becomes of the fee when an application is rejected."),
    "on_withdrawal": (OnEnding, "Choose what becomes of the fee when an application is withdrawn."),
    "fee_taken": (FeeTaken, "Choose when a fee is taken from the wallet."),
    "top_up_is": (TopUpIs, "Choose what a top-up is to the tax; ask the agency's tax adviser."),
}


@dataclass(frozen=True, slots=True)
class Terms:
    """A version of an office's terms."""

    id: UUID
    agency_id: UUID
    office_id: UUID
    on_rejection: OnEnding
    on_withdrawal: OnEnding
    fee_taken: FeeTaken
    top_up_is: TopUpIs
    receipt_code: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class NewTerms:
    """What an office chooses, as its administrator sent it: the words of the enumerations, and the code that receipts begin with."""

    on_rejection: str
    on_withdrawal: str
    fee_taken: str
    top_up_is: str
    receipt_code: str

    def problems(self) -> Iterator[Problem]:
        """What is wrong with it by itself."""
        for name, (words, say) in _CHOICES.items():
            if getattr(self, name) not in set(words):
                yield Problem(name, "chosen", say)
        if not _CODE.fullmatch(self.receipt_code):
            say = "The code has 2 or 3 capitals or digits and begins with a capital, such as MUM; receipts read MUM/2627/000042."
            yield Problem("receipt_code", "receipt code", say)


async def terms_of(scope: Scope, office_id: UUID) -> Terms | None:
    """The terms that hold at an office, or None. Whoever pays there may read them; staff read those of their own offices."""
    return await _one(scope, TermsRow.select().where(TermsRow.live_key == str(office_id)))


async def terms_by_id(scope: Scope, id: UUID) -> Terms:
    """A version of an office's terms, such as an order's. Raises NotFound for one that the scope does not let be read."""
    found = await _one(scope, TermsRow.select().where(TermsRow.id == id))
    if found is None:
        raise NotFound("There are no such terms.", code="terms")
    return found


async def set_terms(scope: Scope, office: OfficeHere, new: NewTerms, *, actor: str, at: datetime) -> Terms:
    """The office's terms from now on; orders that were made keep theirs. The same terms again change nothing.

    Raises Refused with every problem beside its field, NotFound for an office that the scope does not cover, Conflict for a code that
    another office of the agency numbers, or ever numbered, its receipts by.
    """
    if problems := list(new.problems()):
        raise Refused.because(problems)
    async with uow():
        await _hold(scope, office)
        before = await _one(scope, TermsRow.select().where(TermsRow.live_key == str(office.id)))
        if before is not None and _chosen(before) == new:
            return before
        await _require_own_code(office, new.receipt_code)
        if before is not None:
            await TermsRow.update({TermsRow.live_key: str(before.id), TermsRow.ended_at: at}).where(TermsRow.id == before.id)
        row = TermsRow(
            agency=office.agency_id,
            office=office.id,
            on_rejection=new.on_rejection,
            on_withdrawal=new.on_withdrawal,
            fee_taken=new.fee_taken,
            top_up_is=new.top_up_is,
            receipt_code=new.receipt_code,
            live_key=str(office.id),
            made_by=actor,
            made_at=at,
        )
        await TermsRow.insert(row)
        await audit(
            "office_terms_set",
            room="money",
            subject=str(row.id),
            actor=actor,
            at=at,
            agency=office.agency_id,
            office=office.id,
            detail={name: getattr(new, name) for name in (*_CHOICES, "receipt_code")},
        )
    return Terms(UUID(str(row.id)), office.agency_id, office.id, *_words(new), new.receipt_code, at)


def refund_sentence(terms: Terms) -> str:
    """What an exporter reads before paying: what becomes of the fee when the application is rejected, or withdrawn."""
    say = {
        OnEnding.REFUND: "is paid back the way it was paid",
        OnEnding.WALLET: "is credited to your e-wallet at this office",
        OnEnding.KEEP: "is not paid back",
    }
    if terms.on_rejection is terms.on_withdrawal:
        return f"If the application is rejected, or you withdraw it, the fee {say[terms.on_rejection]}."
    return f"If the application is rejected, the fee {say[terms.on_rejection]}; if you withdraw it, the fee {say[terms.on_withdrawal]}."


def _words(new: NewTerms) -> tuple[OnEnding, OnEnding, FeeTaken, TopUpIs]:
    return OnEnding(new.on_rejection), OnEnding(new.on_withdrawal), FeeTaken(new.fee_taken), TopUpIs(new.top_up_is)


def _chosen(terms: Terms) -> NewTerms:
    return NewTerms(terms.on_rejection, terms.on_withdrawal, terms.fee_taken, terms.top_up_is, terms.receipt_code)


async def _one(scope: Scope, query: Any) -> Terms | None:
    """The terms of a query, as far as the scope lets them be read: they are told to everybody who pays."""
    if scope.kind not in (ScopeKind.EXPORTER, ScopeKind.BROKER):
        query = covering(scope, query, TermsRow)
    row = await query.first()
    if row is None:
        return None
    words = OnEnding(row["on_rejection"]), OnEnding(row["on_withdrawal"]), FeeTaken(row["fee_taken"]), TopUpIs(row["top_up_is"])
    return Terms(row["id"], row["agency"], row["office"], *words, row["receipt_code"], row["made_at"])


async def _hold(scope: Scope, office: OfficeHere) -> None:
    """Keeps the agency's row until the unit of work ends, so that codes are taken one after the other. Raises NotFound."""
    await Agency.update({Agency.code: Agency.code}, force=True).where(Agency.id == office.agency_id)
    mine = Office.select(Office.id).where(Office.id == office.id, Office.agency == office.agency_id)
    if not await covering(scope, mine, Office, office="id"):
        raise NotFound("There is no such office.", code="office")


async def _require_own_code(office: OfficeHere, code: str) -> None:
    if await TermsRow.exists().where(TermsRow.agency == office.agency_id, TermsRow.office != office.id, TermsRow.receipt_code == code):
        say = f"Another office of the agency numbers its receipts by {code}, or did; choose another code."
        raise Conflict(say, code="receipt_code", box="receipt_code", rule="receipt code of this office alone")
