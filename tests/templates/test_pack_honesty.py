"""No pack states what nobody could source: each open fact is named as open, and nothing pretends to know it.

The lists are written by hand, scheme by scheme.
"""

from collections.abc import Callable

import pytest

from engine.contracts.form import Form
from engine.contracts.rules import Combined, Cumulation, MinimalOperations, ProductRuleTest, ValueContent
from engine.registry import load

FORMS = {form.scheme: form for form in load().forms()}

TEPA = ["box headings", "layout", "criterion codes", "wording of retrospective and duplicate"]
UNKNOWN = {
    "GSP": [
        "box 8 codes for EU/Japan/Norway/Switzerland and for Russia/Belarus",
        "value thresholds per grantor",
        "validity",
        "retrospective wording",
        "duplicate wording",
        "paper colour",
        "list of grantors in force for India today",
    ],
    "GSTP": [
        "participants with which India exchanges concessions",
        "entry into force",
        "limit of non-originating content",
        "cumulation percentage",
        "LDC percentages",
        "box 8 codes",
        "validity",
        "retrospective",
        "duplicate",
    ],
    "SAPTA": [
        "entry into force",
        "LDC percentages",
        "cumulation percentage",
        "box 8 codes",
        "validity",
        "retrospective",
        "duplicate",
        "third-party invoicing",
    ],
    "SAFTA": [
        "box headings as printed",
        "general NOM limit of Rule 8 for non-LDC",
        "aggregate percentage of Rule 9",
        "validity",
        "retrospective",
        "third-party invoicing",
        "copies, paper, colour",
        "agencies",
    ],
    "APTA": ["box headings as printed", "codes A and C", "validity", "retrospective", "duplicate", "third-party invoicing", "colour"],
    "ISFTA": ["box 8 codes", "validity", "retrospective", "duplicate", "third-party invoicing", "copies"],
    "AFGHANISTAN": [
        "limit of non-originating content",
        "cumulation percentages",
        "box headings",
        "box 8 codes",
        "validity",
        "retrospective",
        "duplicate",
        "agencies",
    ],
    "AIFTA": [
        "validity in months",
        "retrospective rule and wording",
        "wording of an in-lieu certificate",
        "the rule of direct consignment",
        "tick row below box 12",
        "full list of box 8 codes in the overleaf notes",
        "agencies other than EIC",
    ],
    "ISCECA": [
        "whether NOM and CTSH are cumulative or alternative",
        "box 8 codes",
        "validity",
        "retrospective",
        "duplicate wording",
        "third-party invoicing",
        "paper",
    ],
    "IMCECA": [
        "box headings (Annexure-IV)",
        "layout",
        "box 8 codes",
        "retrospective wording",
        "duplicate wording",
        "third-party invoicing",
    ],
    "EHS": [
        "general LVAC percentage",
        "box headings",
        "box 8 codes",
        "colours of the copies",
        "retrospective",
        "duplicate",
        "third-party invoicing",
        "agencies",
    ],
    "IKCEPA": ["textile de minimis percentage", "validity", "retrospective", "duplicate wording", "paper", "agencies"],
    "IJCEPA": [
        "remaining criterion letters",
        "meaning of criterion B",
        "validity",
        "time limits of retrospective issue",
        "duplicate wording",
        "copies",
    ],
    "CHILE": [
        "entry into force",
        "limit of non-originating content and CTC",
        "box headings",
        "layout",
        "criterion codes",
        "validity in months",
        "retrospective",
        "third-party invoicing",
        "agencies",
    ],
    "MERCOSUR": ["letters of box 10", "validity", "time of issue", "retrospective", "duplicate", "agencies"],
    "MAURITIUS": ["time limits of retrospective issue", "duplicate wording", "value-addition formula"],
    "UAE": ["validity in months", "time limits of retrospective issue", "duplicate wording"],
    "ECTA": ["boxes of Annex 4A", "layout", "criterion codes", "agencies"],
    "TEPA": [*TEPA, "agencies"],
    "TEPA_SELF": TEPA,
    "OMAN": [
        "box headings",
        "layout",
        "criterion codes",
        "retrospective time limits and wording",
        "duplicate wording",
        "third-party invoicing",
        "agencies",
    ],
    "CETA": [
        "boxes of Annex 3C, data of Annex 3B",
        "layout",
        "criterion codes",
        "de minimis percentage",
        "validity",
        "retrospective",
        "duplicate",
        "third-party invoicing",
        "whether Indian exporters may self-declare on the platform",
    ],
    "NP": ["box headings of Annexure-II", "layout", "validity", "copies", "duplicate", "wording of an in-lieu certificate"],
    "NP_B2B": ["form layout", "fee", "prescribed wording"],
}

WEAK = {
    "GSP": ["grantors_seen", "self_certification"],
    "GSTP": ["agencies", "participants"],
    "SAFTA": ["origin_codes", "duplicate", "ldc_partners", "form_title", "layout", "cumulation"],
    "APTA": ["origin_codes", "general_rule", "ldc", "form_title", "layout", "agencies"],
    "ISFTA": ["cumulation", "agencies"],
    "AFGHANISTAN": ["layout", "general_rule"],
    "AIFTA": [
        "cumulation",
        "duplicate",
        "back_to_back",
        "exhibition",
        "copies",
        "language",
        "paper",
        "reference_number",
        "method_of_verification_limit_months",
        "de_minimis",
    ],
    "ISCECA": ["entry_into_force", "general_rule"],
    "IMCECA": ["validity_months", "retrospective"],
    "EHS": ["general_rule"],
    "IJCEPA": ["origin_codes"],
    "CHILE": ["required_support", "certificate_date_rule", "duplicate", "number_format", "minor_discrepancies"],
    "MERCOSUR": ["entry_into_force"],
    "MAURITIUS": ["de_minimis", "third_party_invoicing", "agencies"],
    "ECTA": ["duplicate"],
    "TEPA": ["cumulation", "third_party_invoicing", "retrospective", "steel_note"],
    "TEPA_SELF": ["cumulation", "third_party_invoicing", "retrospective", "steel_note"],
    "OMAN": ["general_rule", "de_minimis", "cumulation", "validity_months", "retrospective"],
    "CETA": ["agencies", "general_rule"],
    "NP": ["agencies", "paragraphs"],
}


def open_facts(form: Form) -> list[str]:
    """All that a pack says to be open: of the form, of the rules as a whole, and of each test."""
    unset = [each.unset for each in (*form.origin.tests.values(), *form.origin.de_minimis) if each.unset]
    return [*form.unconfirmed, *form.origin.unknown, *unset]


def weak_keys(form: Form) -> set[str]:
    """The key before the colon of each weak entry, in the spelling of a key."""
    return {said.partition(":")[0].strip().removeprefix("tests.").replace(" ", "_") for said in (*form.weak, *form.origin.weak)}


@pytest.mark.parametrize("scheme", sorted(FORMS))
def test_everything_nobody_could_source_is_named(scheme: str) -> None:
    said = open_facts(FORMS[scheme])
    assert [fact for fact in UNKNOWN[scheme] if not any(each.startswith(fact) for each in said)] == []


@pytest.mark.parametrize("scheme", sorted(FORMS))
def test_words_of_declaration_and_certification_that_are_ours_are_named_as_open(scheme: str) -> None:
    assert {"declaration", "certification"} <= set(FORMS[scheme].wording)
    assert any(said.startswith(("wording of declaration and certification", "prescribed wording")) for said in FORMS[scheme].unconfirmed)


@pytest.mark.parametrize("scheme", sorted(WEAK))
def test_everything_that_rests_on_a_weaker_source_is_named(scheme: str) -> None:
    assert set(WEAK[scheme]) - weak_keys(FORMS[scheme]) == set()


@pytest.mark.parametrize("scheme", sorted(FORMS))
def test_every_pack_waits_for_an_administrator_who_confirms_it(scheme: str) -> None:
    assert FORMS[scheme].unconfirmed


def limitless(*names: str) -> Callable[[Form], bool]:
    """None of these tests has a limit, and each says why."""

    def holds(form: Form) -> bool:
        tests = [form.origin.tests[name] for name in names]
        return all(
            isinstance(test, ValueContent) and test.unset and all(m.min_pct is None and m.max_pct is None for m in test.methods.values())
            for test in tests
        )

    return holds


def without(kind: str) -> Callable[[Form], bool]:
    """The form issues no certificates of that kind and has no words for them."""
    return lambda form: kind not in form.kinds and f"endorsement_{kind}" not in form.wording


def no_formula(form: Form) -> bool:
    test = form.origin.tests["product_rule"]
    return isinstance(test, ProductRuleTest) and not test.methods and bool(test.unset)


def third_party_open(form: Form) -> bool:
    return getattr(form.origin.tests["third_party_invoicing"], "allowed", "?") is None


def no_date(form: Form) -> bool:
    return form.effective_from is None


def no_validity(form: Form) -> bool:
    return form.validity_months is None


def no_leaves(form: Form) -> bool:
    return form.leaves == ()


def no_paper(form: Form) -> bool:
    return form.paper is None


def no_cumulation(form: Form) -> bool:
    return form.origin.cumulation is None


def unjoined(form: Form) -> bool:
    test = form.origin.tests["general_rule"]
    return isinstance(test, Combined) and test.join is None


def operations_open(form: Form) -> bool:
    test = form.origin.tests["minimal_operations"]
    return isinstance(test, MinimalOperations) and bool(test.unset)


def textiles_open(form: Form) -> bool:
    return all((rule.pct is None) is (rule.chapters == ("50-63",)) for rule in form.origin.de_minimis)


def no_limits_of_days(form: Form) -> bool:
    given = form.retrospective
    return given is not None and (given.after_days, given.max_months) == (None, None)


def unworded(form: Form) -> bool:
    return "endorsement_retrospective" not in form.wording


def bilateral_without_percentages(form: Form) -> bool:
    return isinstance(form.origin.cumulation, Cumulation) and limitless("aggregate_content")(form)


RETRO, COPY = without("retrospective"), without("duplicate")
NEITHER = [RETRO, COPY]
SILENT: dict[str, list[Callable[[Form], bool]]] = {
    "GSP": [limitless("grantor_content"), no_validity, no_date, no_paper, no_leaves, *NEITHER],
    "GSTP": [limitless("value_content"), no_cumulation, no_date, no_validity, no_leaves, *NEITHER],
    "SAPTA": [no_cumulation, no_date, no_validity, third_party_open, *NEITHER],
    "SAFTA": [
        limitless("value_content", "aggregate_content"),
        operations_open,
        no_validity,
        RETRO,
        third_party_open,
        no_leaves,
        no_paper,
    ],
    "APTA": [no_validity, no_date, third_party_open, no_paper, *NEITHER],
    "ISFTA": [no_validity, third_party_open, no_leaves, *NEITHER],
    "AFGHANISTAN": [limitless("value_content"), bilateral_without_percentages, no_date, no_validity, *NEITHER],
    "AIFTA": [no_validity, unworded, RETRO],
    "ISCECA": [unjoined, no_formula, no_cumulation, no_validity, third_party_open, no_paper, *NEITHER],
    "IMCECA": [unworded, COPY, third_party_open],
    "EHS": [limitless("value_content"), unjoined, no_cumulation, third_party_open, *NEITHER],
    "IKCEPA": [textiles_open, no_validity, no_paper, *NEITHER],
    "IJCEPA": [no_limits_of_days, no_validity, COPY, no_leaves],
    "CHILE": [limitless("value_content"), no_date, no_validity, RETRO, third_party_open],
    "MERCOSUR": [no_validity, third_party_open, *NEITHER],
    "MAURITIUS": [no_limits_of_days, no_formula, COPY],
    "UAE": [no_limits_of_days, no_validity, COPY],
    "ECTA": [no_leaves],
    "TEPA": [unworded, no_formula, COPY, no_leaves],
    "TEPA_SELF": [unworded, no_formula, COPY],
    "OMAN": [no_limits_of_days, unworded, no_formula, third_party_open, COPY],
    "CETA": [operations_open, no_validity, third_party_open, lambda form: form.origin.de_minimis == (), *NEITHER],
    "NP": [no_validity, no_leaves, no_paper, *NEITHER],
    "NP_B2B": [no_validity, no_leaves, *NEITHER],
}


@pytest.mark.parametrize("scheme", sorted(FORMS))
def test_no_pack_states_what_nobody_could_source(scheme: str) -> None:
    assert [getattr(silent, "__qualname__", "?") for silent in SILENT[scheme] if not silent(FORMS[scheme])] == []


@pytest.mark.parametrize("scheme", sorted(FORMS))
def test_every_test_quotes_a_rule_and_where_it_was_read_or_says_that_it_is_open(scheme: str) -> None:
    rules = FORMS[scheme].origin
    for name, test in rules.tests.items():
        assert test.rule.strip(), name
        assert test.unset or (test.source or "").startswith(("https://", "http://")), name
    assert all((rule.source or "").startswith(("https://", "http://")) for rule in rules.de_minimis)
    assert all(url.startswith(("https://", "http://")) for url in (*rules.sources, *FORMS[scheme].sources))
    assert rules.sources
    assert FORMS[scheme].sources


@pytest.mark.parametrize("scheme", sorted(FORMS))
def test_rates_for_least_developed_partners_are_not_applied_to_indian_goods(scheme: str) -> None:
    limits = [m for test in FORMS[scheme].origin.tests.values() if isinstance(test, ValueContent) for m in test.methods.values()]
    assert not {(m.formula, m.max_pct) for m in limits} & {("max_nom", 70)}
    assert not {m.max_pct for m in limits} & {65} or scheme in ("ISFTA", "AIFTA", "ISCECA")
    assert not {m.min_pct for m in limits} & {30, 50}
