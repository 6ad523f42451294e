"""An office's terms: chosen by somebody, in versions that stay, and with a receipt code of its own."""

import asyncio
from dataclasses import replace

import pytest

from engine.errors import Conflict, NotFound, Refused
from engine.money.terms import FeeTaken, NewTerms, OnEnding, TopUpIs, refund_sentence, set_terms, terms_by_id, terms_of
from engine.money.terms.tables import TermsRow
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store.tables import AuditEntry
from tests.money.bureau import Bureau

GOOD = NewTerms("refund", "keep", "issue", "deposit", "MUM")


async def test_an_office_that_never_chose_has_no_terms(bureau: Bureau) -> None:
    assert await terms_of(PLATFORM, bureau.mumbai.id) is None


async def test_terms_hold_from_when_they_are_set_and_the_old_version_stays_readable(bureau: Bureau) -> None:
    first = await set_terms(bureau.scope, bureau.mumbai, GOOD, actor="test", at=bureau.at)
    second = await set_terms(bureau.scope, bureau.mumbai, replace(GOOD, on_withdrawal="wallet"), actor="test", at=bureau.at)
    assert await terms_of(PLATFORM, bureau.mumbai.id) == second
    assert await terms_by_id(PLATFORM, first.id) == first
    assert (second.on_rejection, second.on_withdrawal, second.fee_taken, second.top_up_is) == (
        OnEnding.REFUND,
        OnEnding.WALLET,
        FeeTaken.AT_ISSUE,
        TopUpIs.DEPOSIT,
    )
    assert await AuditEntry.count().where(AuditEntry.act == "office_terms_set") == 2


async def test_the_same_terms_again_make_no_version(bureau: Bureau) -> None:
    first = await set_terms(bureau.scope, bureau.mumbai, GOOD, actor="test", at=bureau.at)
    assert await set_terms(bureau.scope, bureau.mumbai, GOOD, actor="test", at=bureau.at) == first
    assert await TermsRow.count() == 1


@pytest.mark.parametrize("field", ["on_rejection", "on_withdrawal", "fee_taken", "top_up_is", "receipt_code"])
async def test_nothing_is_chosen_silently(bureau: Bureau, field: str) -> None:
    with pytest.raises(Refused) as caught:
        await set_terms(bureau.scope, bureau.mumbai, replace(GOOD, **{field: ""}), actor="test", at=bureau.at)
    assert [problem.box for problem in caught.value.problems] == [field]
    assert await TermsRow.count() == 0


@pytest.mark.parametrize("code", ["M", "MUMB", "mum", "M-", "1AB", "MÜ", "M\u200b", "MU ", "M/"])
async def test_a_code_that_a_receipt_cannot_bear_is_refused_when_it_is_chosen(bureau: Bureau, code: str) -> None:
    with pytest.raises(Refused, match="2 or 3 capitals"):
        await set_terms(bureau.scope, bureau.mumbai, replace(GOOD, receipt_code=code), actor="test", at=bureau.at)


async def test_two_offices_of_an_agency_never_number_alike_not_even_one_after_the_other(bureau: Bureau) -> None:
    await set_terms(bureau.scope, bureau.mumbai, GOOD, actor="test", at=bureau.at)
    await set_terms(bureau.scope, bureau.mumbai, replace(GOOD, receipt_code="MU2"), actor="test", at=bureau.at)
    with pytest.raises(Conflict) as caught:
        await set_terms(bureau.scope, bureau.delhi, GOOD, actor="test", at=bureau.at)
    assert caught.value.code == "receipt_code"
    await set_terms(Scope.agency(bureau.other_agency), bureau.foreign, GOOD, actor="test", at=bureau.at)
    await set_terms(bureau.scope, bureau.mumbai, GOOD, actor="test", at=bureau.at)  # its own, again


async def test_of_two_offices_that_choose_one_code_at_once_one_gets_it(bureau: Bureau) -> None:
    both = [set_terms(bureau.scope, office, GOOD, actor="test", at=bureau.at) for office in (bureau.mumbai, bureau.delhi)]
    done = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Conflict", "Terms"]


async def test_terms_set_at_once_leave_one_that_holds(bureau: Bureau) -> None:
    words = ("refund", "wallet", "keep")
    await asyncio.gather(
        *(set_terms(bureau.scope, bureau.mumbai, replace(GOOD, on_rejection=word), actor="test", at=bureau.at) for word in words)
    )
    assert await TermsRow.count().where(TermsRow.ended_at.is_null()) == 1


async def test_another_agency_neither_sets_nor_reads_them_and_who_pays_reads_them(bureau: Bureau) -> None:
    terms = await set_terms(bureau.scope, bureau.mumbai, GOOD, actor="test", at=bureau.at)
    stranger = Scope.agency(bureau.other_agency)
    with pytest.raises(NotFound):
        await set_terms(stranger, bureau.mumbai, replace(GOOD, on_rejection="keep"), actor="test", at=bureau.at)
    for scope in (stranger, PUBLIC, Scope.offices(bureau.agency, frozenset({bureau.delhi.id}))):
        assert await terms_of(scope, bureau.mumbai.id) is None
        with pytest.raises(NotFound):
            await terms_by_id(scope, terms.id)
    assert await terms_of(Scope.exporter(bureau.agency), bureau.mumbai.id) == terms


async def test_the_sentence_says_what_becomes_of_the_fee(bureau: Bureau) -> None:
    terms = await set_terms(bureau.scope, bureau.mumbai, GOOD, actor="test", at=bureau.at)
    assert refund_sentence(terms) == (
        "If the application is rejected, the fee is paid back the way it was paid; if you withdraw it, the fee is not paid back."
    )
    both = replace(terms, on_withdrawal=OnEnding.REFUND)
    assert refund_sentence(both) == "If the application is rejected, or you withdraw it, the fee is paid back the way it was paid."
