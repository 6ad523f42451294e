"""Dates, kinds, copies and limits of every pack, against a list of what the sources say, written by hand."""

from dataclasses import dataclass
from datetime import date

import pytest

from engine.contracts.rules import DeMinimis, ProductRuleTest, SufficientOperations, TariffShift, ValueContent
from engine.registry import load

FORMS = {form.scheme: form for form in load().forms()}

RETRO, RETROACTIVE, COPY = "ISSUED RETROSPECTIVELY", "ISSUED RETROACTIVELY", "CERTIFIED TRUE COPY"
TWO, THREE, FOUR = 2, 3, 4
ORDINALS = ("ORIGINAL", "DUPLICATE", "TRIPLICATE", "QUADRUPLICATE")


@dataclass(frozen=True)
class Life:
    """What the sources say of a scheme's certificates; None and empty where they say nothing."""

    partners: str
    from_: date | None = None
    months: int | None = None
    kinds: str = ""
    retrospective: str = ""
    duplicate: str = ""
    language: str = ""
    size: str = ""
    colour: str = ""
    copies: int = 0
    limits: tuple[int | None, bool, int | None] | None = None


LIVES = {
    "GSP": Life("AU NO RU"),
    "GSTP": Life("*"),
    "SAPTA": Life("AF BD BT LK MV NP PK"),
    "SAFTA": Life("AF BD BT LK MV NP PK", date(2006, 1, 1), kinds="duplicate", duplicate=COPY),
    "APTA": Life("BD CN KR LA LK"),
    "ISFTA": Life("LK", date(2000, 3, 1)),
    "AFGHANISTAN": Life("AF"),
    "AIFTA": Life(
        "BN ID KH LA MM MY PH SG TH VN",
        date(2010, 1, 1),
        kinds="back-to-back duplicate",
        duplicate=COPY,
        language="English",
        size="ISO A4",
        colour="white",
        copies=FOUR,
    ),
    "ISCECA": Life("SG", date(2005, 8, 1), copies=FOUR),
    "IMCECA": Life("MY", date(2011, 7, 1), 12, "retrospective", copies=TWO, limits=(3, False, 9)),
    "EHS": Life("TH", date(2004, 9, 1), 12, language="English", size="ISO A4", copies=FOUR),
    "IKCEPA": Life("KR", date(2010, 1, 1), copies=FOUR),
    "IJCEPA": Life("JP", date(2011, 8, 1), kinds="retrospective", retrospective=RETROACTIVE, limits=(None, False, None)),
    "CHILE": Life("CL", kinds="duplicate", duplicate=COPY),
    "MERCOSUR": Life("AR BR PY UY", date(2009, 6, 1)),
    "MAURITIUS": Life(
        "MU",
        date(2021, 4, 1),
        12,
        "retrospective",
        RETRO,
        language="English",
        colour="light pink",
        copies=THREE,
        limits=(None, False, None),
    ),
    "UAE": Life(
        "AE", date(2022, 5, 1), kinds="retrospective", retrospective=RETRO, language="English", copies=TWO, limits=(None, False, None)
    ),
    "ECTA": Life("AU", date(2022, 12, 29), 12, "duplicate retrospective", RETRO, COPY, "English", limits=(5, True, 12)),
    "TEPA": Life("CH IS LI NO", date(2025, 10, 1), 12, "retrospective", language="English", limits=(5, True, 12)),
    "TEPA_SELF": Life("CH IS LI NO", date(2025, 10, 1), 12, "retrospective", language="English", copies=1, limits=(5, True, 12)),
    "OMAN": Life("OM", date(2026, 6, 1), 12, "retrospective", language="English", limits=(None, False, None)),
    "CETA": Life("GB", date(2026, 7, 15)),
    "NP": Life("*"),
    "NP_B2B": Life("*", date(2025, 1, 27)),
}


def test_every_scheme_is_held_against_the_list() -> None:
    assert set(LIVES) == set(FORMS)


@pytest.mark.parametrize("scheme", LIVES)
def test_partners_dates_and_kinds_are_the_sourced_ones(scheme: str) -> None:
    form, life = FORMS[scheme], LIVES[scheme]
    assert sorted(form.partners) == life.partners.split()
    assert (form.effective_from, form.effective_until) == (life.from_, None)
    assert form.validity_months == life.months
    assert sorted(form.kinds) == sorted(["new", "in-lieu", *life.kinds.split()])


@pytest.mark.parametrize("scheme", LIVES)
def test_endorsements_are_the_scheme_s_own_words(scheme: str) -> None:
    wording, life = FORMS[scheme].wording, LIVES[scheme]
    assert wording.get("endorsement_retrospective", "") == life.retrospective
    assert wording.get("endorsement_duplicate", "") == life.duplicate
    assert "endorsement_in_lieu" not in wording
    assert wording.get("tick_retrospective", "") in ("", life.retrospective)


@pytest.mark.parametrize("scheme", LIVES)
def test_copies_paper_and_language_are_the_sourced_ones(scheme: str) -> None:
    form, life = FORMS[scheme], LIVES[scheme]
    assert len(form.leaves) == life.copies
    assert all(leaf.ink for leaf in form.leaves)
    assert form.language == life.language
    assert (form.paper.size if form.paper else "", form.paper.colour if form.paper else "") == (life.size, life.colour)
    if life.copies > 1 and scheme != "EHS":
        assert tuple(leaf.title for leaf in form.leaves) == ORDINALS[: life.copies]


@pytest.mark.parametrize("scheme", LIVES)
def test_the_days_of_a_retrospective_certificate_are_the_sourced_ones(scheme: str) -> None:
    given = FORMS[scheme].retrospective
    assert (given and (given.after_days, given.working_days, given.max_months)) == LIVES[scheme].limits


def test_only_the_self_declared_form_is_issued_by_the_exporter() -> None:
    assert {form.scheme for form in FORMS.values() if form.issuer_kinds == ("self",)} == {"TEPA_SELF"}
    assert all(form.issuer_kinds == ("agency",) for form in FORMS.values() if form.scheme != "TEPA_SELF")


# scheme: test: method: (formula, base, at least, at most)
Limit = tuple[str, str, int | None, int | None]
LIMITS: dict[str, dict[str, dict[str, Limit]]] = {
    "SAPTA": {"value_content": {"share_of_foreign_material": ("max_nom", "FOB", None, 60)}},
    "SAFTA": {"own_content": {"exporting_state": ("own_content", "FOB", 20, None)}},
    "APTA": {
        "value_content": {"share_of_foreign_material": ("max_nom", "FOB", None, 55)},
        "aggregate_content": {"aggregate": ("apta_cumulation", "FOB", 60, None)},
    },
    "ISFTA": {
        "value_content": {"share_of_foreign_material": ("max_nom", "FOB", None, 65)},
        "aggregate_content": {"aggregate": ("build_down", "FOB", 35, None)},
        "own_content_under_cumulation": {"exporting_party": ("own_content", "FOB", 25, None)},
    },
    "AIFTA": {
        "value_content": {"direct": ("build_up_cost_with_profit", "FOB", 35, None), "indirect": ("max_nom", "FOB", None, 65)},
    },
    "ISCECA": {"value_content": {"share_of_foreign_material": ("max_nom", "FOB", None, 65)}},
    "IMCECA": {
        "value_content": {"direct": ("build_up_cost_with_profit", "FOB", 35, None), "indirect": ("build_down", "FOB", 35, None)},
    },
    "IKCEPA": {"value_content": {"build_down": ("build_down", "FOB", 35, None)}},
    "IJCEPA": {"value_content": {"a": ("build_down", "FOB", 35, None), "b": ("build_up_cost_with_profit", "FOB", 35, None)}},
    "MERCOSUR": {"value_content": {"share_of_foreign_material": ("max_nom", "FOB", None, 40)}},
    "ECTA": {"value_content": {"build_up": ("build_up_materials", "FOB", 35, None), "build_down": ("build_down", "FOB", 45, None)}},
}

LEVELS = {
    "SAFTA": "CTH",
    "ISFTA": "CTH",
    "AFGHANISTAN": "CTH",
    "EHS": "CTH",
    "AIFTA": "CTSH",
    "ISCECA": "CTSH",
    "IMCECA": "CTSH",
    "IKCEPA": "CTSH",
    "IJCEPA": "CTSH",
    "ECTA": "CTSH",
}


@pytest.mark.parametrize("scheme", sorted(FORMS))
def test_every_limit_of_content_is_a_sourced_one(scheme: str) -> None:
    found = {
        name: {label: (each.formula, each.base, each.min_pct, each.max_pct) for label, each in test.methods.items()}
        for name, test in FORMS[scheme].origin.tests.items()
        if isinstance(test, ValueContent) and any(each.min_pct is not None or each.max_pct is not None for each in test.methods.values())
    }
    assert found == LIMITS.get(scheme, {})


@pytest.mark.parametrize("scheme", sorted(FORMS))
def test_every_change_of_classification_is_a_sourced_one(scheme: str) -> None:
    levels = {test.level for test in FORMS[scheme].origin.tests.values() if isinstance(test, TariffShift)}
    assert levels == ({LEVELS[scheme]} if scheme in LEVELS else set())


def test_either_method_is_enough_in_australia_alone() -> None:
    for scheme, form in FORMS.items():
        several = [test for test in form.origin.tests.values() if isinstance(test, ValueContent) and len(test.methods) > 1]
        assert all(test.either is (scheme == "ECTA") for test in several)


OTHERS, TEXTILES = ("01-49", "64-97"), ("50-63",)
AT_MOST, BELOW = "does not exceed", "less than"
# scheme: (test, share of what, percentage, equality, chapters)
DE_MINIMIS = {
    "ISCECA": [
        ("tariff_shift", "value", 10, AT_MOST, OTHERS),
        ("tariff_shift", "materials_weight", 7, AT_MOST, TEXTILES),
    ],
    "IMCECA": [
        ("tariff_shift", "value", 10, AT_MOST, ("15-49", "64-97")),
        ("tariff_shift", "materials_weight", 8, AT_MOST, TEXTILES),
    ],
    "IKCEPA": [
        ("tariff_shift", "value", 10, AT_MOST, OTHERS),
        ("tariff_shift", "materials_weight", None, AT_MOST, TEXTILES),
    ],
    "IJCEPA": [
        ("tariff_shift", "value", 7, AT_MOST, ("15-24",)),
        ("tariff_shift", "value", 10, AT_MOST, ("28-49", "64-97")),
        ("tariff_shift", "goods_weight", 7, AT_MOST, TEXTILES),
    ],
    "MAURITIUS": [
        ("tariff_shift", "value", "12.5", AT_MOST, OTHERS),
        ("tariff_shift", "goods_weight", 7, BELOW, TEXTILES),
        ("no_foreign_inputs", "value", "12.5", AT_MOST, OTHERS),
        ("no_foreign_inputs", "goods_weight", 7, BELOW, TEXTILES),
    ],
    "UAE": [
        ("tariff_shift", "value", 10, AT_MOST, ()),
        ("tariff_shift", "goods_weight", 7, BELOW, TEXTILES),
        ("no_foreign_inputs", "value", 1, AT_MOST, ()),
    ],
    "ECTA": [
        ("tariff_shift", "value", 10, AT_MOST, OTHERS),
        ("tariff_shift", "goods_weight", 10, AT_MOST, TEXTILES),
    ],
    "TEPA": [("tariff_shift", "value", 10, AT_MOST, ())],
    "TEPA_SELF": [("tariff_shift", "value", 10, AT_MOST, ())],
    "OMAN": [("tariff_shift", "value", 10, AT_MOST, ())],
}


def tolerance(rule: DeMinimis) -> tuple[object, ...]:
    return (rule.test, rule.of, rule.pct, rule.within, rule.chapters)


@pytest.mark.parametrize("scheme", sorted(FORMS))
def test_every_de_minimis_is_a_sourced_one(scheme: str) -> None:
    rules = FORMS[scheme].origin.de_minimis
    assert [tolerance(rule) for rule in rules] == DE_MINIMIS.get(scheme, [])
    assert all(rule.base == "FOB" for rule in rules)


def test_what_rests_on_the_lists_of_headings_of_japan_is_undecided() -> None:
    assert all("lists of headings" in (rule.unset or "") for rule in FORMS["IJCEPA"].origin.de_minimis)


@pytest.mark.parametrize(
    ("scheme", "open_"),
    [
        ("IMCECA", "which materials are basic textile materials"),
        ("ISCECA", "which materials are basic textile materials"),
        ("IKCEPA", "which materials are basic textile materials"),
        ("UAE", "of which weight the 7 % of chapters 50 to 63 is a share"),
        ("IJCEPA", "of which weight the 7 % of chapters 50 to 63 is a share"),
    ],
)
def test_a_weight_of_textiles_that_nobody_could_tell_is_open(scheme: str, open_: str) -> None:
    (rule,) = [rule for rule in FORMS[scheme].origin.de_minimis if rule.chapters == TEXTILES]
    assert open_ in (rule.unset or "")


# As the Handbook's list reads in the facts, and each of the alternatives that an entry names.
INSUFFICIENT = """
removal of dust, sifting, sorting, classifying, matching, washing, painting, cutting, change of packing,
breaking up and assembly of consignments, breaking up of consignments, assembly of consignments,
slicing, repacking, bottling, simple packing, preservation in transport and storage, preservation in transport, preservation in storage,
affixing marks and labels, affixing marks, affixing labels, simple mixing, simple assembly of parts, disassembly, slaughter,
dilution with water or other substance, dilution with water, dilution with other substance
"""


def test_the_insufficient_operations_are_those_of_the_handbook_and_no_others() -> None:
    test = FORMS["NP"].origin.tests["sufficient_operations"]
    assert isinstance(test, SufficientOperations)
    assert sorted(test.insufficient) == sorted(each.strip() for each in INSUFFICIENT.split(","))


CUMULATION = {
    "bilateral": {"ISFTA", "AFGHANISTAN", "IMCECA", "IKCEPA", "IJCEPA", "CHILE", "MAURITIUS", "UAE", "ECTA", "OMAN", "CETA"},
    "regional": {"SAFTA", "APTA", "AIFTA", "MERCOSUR"},
    "diagonal": {"TEPA", "TEPA_SELF"},
}


@pytest.mark.parametrize("scheme", sorted(FORMS))
def test_materials_of_partners_count_only_where_a_source_says_so(scheme: str) -> None:
    cumulation = FORMS[scheme].origin.cumulation
    assert {kind for kind, schemes in CUMULATION.items() if scheme in schemes} == ({cumulation.type} if cumulation else set())


def test_the_united_arab_emirates_ask_five_points_less_on_ex_works_but_not_for_chapter_71() -> None:
    rule = FORMS["UAE"].origin.tests["product_rule"]
    assert isinstance(rule, ProductRuleTest)
    assert (rule.exworks_points, rule.exworks_not_chapters) == (5, ("71",))
    assert {name: method.formula for name, method in rule.methods.items()} == {"a": "build_down", "b": "build_up_cost_without_profit"}
    others = [test for s, form in FORMS.items() if s != "UAE" for test in form.origin.tests.values() if isinstance(test, ProductRuleTest)]
    assert all(test.exworks_points is None for test in others)


def test_the_early_harvest_scheme_brings_its_three_sourced_product_rules() -> None:
    rules = FORMS["EHS"].origin.products
    assert [(rule.hs_from, rule.hs_to, rule.text) for rule in rules] == [
        ("160411", "160411", "VA 20"),
        ("160413", "160413", "VA 30"),
        ("711319", "711319", "CTH + VA 20"),
    ]
    assert not any(form.origin.products for form in FORMS.values() if form.scheme != "EHS")
