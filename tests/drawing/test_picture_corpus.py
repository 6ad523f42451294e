"""Stamps and signatures under every condition, measured against their true ink and beside the plain way."""

import io
from collections.abc import Sequence
from functools import cache

import pytest
from PIL import Image, ImageOps

from engine.bench.studio.measure import Studio, Trial, measure_studio, tried
from engine.contracts.drawing import ImageFault, ImageKind, ImageRequest
from engine.drawing.pictures.images import clean_now
from engine.drawing.pictures.judging import SAY
from engine.errors import Refused
from tests.drawing.picture_corpus import HOPELESS, OTHER_SEED, PROVE, SEED, Case, cases, hopeless, sample

SEEDS = (SEED, OTHER_SEED) if PROVE else (SEED,)


@cache
def one(mark: str, condition: str) -> Case:
    return next(cases(SEED, marks=(mark,), conditions=(condition,)))


@cache
def lost(seed: int) -> tuple[Case, ...]:
    return tuple(hopeless(seed))


@pytest.fixture(scope="module", params=SEEDS)
def studio(request: pytest.FixtureRequest) -> Studio:
    """Both cleaners on the pictures of one seed."""
    return Studio(tuple(tried(case) for case in (*sample(request.param), *lost(request.param))), 0.0)


def honest(studio: Studio) -> Sequence[Trial]:
    return [trial for trial in studio.trials if trial.honest]


def test_the_ink_of_honest_pictures_is_found_and_better_than_by_the_plain_way(studio: Studio) -> None:
    print(studio.plain())
    ours, plain = studio.f1
    assert ours >= 0.92
    assert ours > plain + 0.05


def test_no_honest_picture_is_refused_and_none_is_lost(studio: Studio) -> None:
    assert [trial.name for trial in honest(studio) if trial.ours is None] == []
    assert [(trial.name, trial.ours) for trial in honest(studio) if (trial.ours or 0) < 0.7] == []


def test_hopeless_pictures_are_refused(studio: Studio) -> None:
    assert len(HOPELESS) == 12
    assert studio.refused[0] >= 11


def test_the_score_goes_with_the_truth(studio: Studio) -> None:
    best, worst = (pick(honest(studio), key=lambda trial: trial.ours or 0.0) for pick in (max, min))
    assert (worst.quality or 0) < (best.quality or 0)
    assert studio.correlation > (0.7 if PROVE else 0.3)


def test_a_hopeless_picture_is_refused_with_a_rule_and_a_sentence() -> None:
    said = set()
    for case in lost(SEED):
        with pytest.raises(Refused) as refused:
            clean_now(ImageRequest(case.kind, case.data))
        assert refused.value.rule in {"image ink", "image background", "image size"}
        said.add(refused.value.say)
    assert len(said) >= 4


async def test_both_are_measured_in_children_and_agree_with_this_process() -> None:
    measured = await measure_studio(SEED, pictures=(one("seal", "scan150"), *lost(SEED)[:1]))
    for trial, here in zip(measured.trials, (tried(one("seal", "scan150")), tried(lost(SEED)[0])), strict=True):
        assert (trial.ours, trial.plain, trial.quality) == (here.ours, here.plain, here.quality)
    assert 50 < measured.peak_mib < 512


def test_the_corpus_follows_from_its_seed() -> None:
    first, again, other = (next(cases(seed, marks=("loops",), conditions=("scan150",))) for seed in (SEED, SEED, OTHER_SEED))
    assert first.data == again.data
    assert first.data != other.data
    assert first.truth is not None
    assert again.truth is not None
    assert first.truth.tobytes() == again.truth.tobytes()


def test_grey_print_beneath_coloured_ink_is_kept_out() -> None:
    case = one("box", "print")
    assert (tried(case).ours or 0) > 0.9


def test_lines_of_the_paper_go_and_the_strokes_that_cross_them_stay() -> None:
    for mark, condition in (("initials", "ruled"), ("seal", "squared")):
        assert (tried(one(mark, condition)).ours or 0) > 0.85


def test_faults_are_named_from_the_closed_set_with_a_sentence_each() -> None:
    assert set(SAY) == set(ImageFault)
    for mark, condition, fault in (("seal", "scan150", ImageFault.TOO_SMALL), ("angular", "blur", ImageFault.BLURRED)):
        cleaned = clean_now(ImageRequest(ImageKind.STAMP if mark == "seal" else ImageKind.SIGNATURE, one(mark, condition).data))
        assert fault in cleaned.faults
        assert cleaned.notes == tuple(SAY[each] for each in cleaned.faults)


def test_ink_that_reaches_the_edge_is_called_clipped_and_scores_less() -> None:
    case = one("seal", "shadow")
    with Image.open(io.BytesIO(case.data)) as upload:
        upright = ImageOps.exif_transpose(upload).convert("RGB")
    assert case.truth is not None
    left, _, right, _ = case.truth.getbbox() or (0, 0, 0, 0)
    cut = io.BytesIO()
    upright.crop((left + (right - left) // 5, 0, *upright.size)).save(cut, "PNG")
    whole, clipped = (clean_now(ImageRequest(case.kind, data)) for data in (case.data, cut.getvalue()))
    assert ImageFault.CLIPPED not in whole.faults
    assert ImageFault.CLIPPED in clipped.faults
    assert clipped.quality < whole.quality


@pytest.mark.skipif(not PROVE, reason="a 12-megapixel photo takes seconds to make; ECOO_PROVE=1 does")
@pytest.mark.parametrize("mark", ["round", "initials"])
def test_a_photo_of_twelve_megapixels_is_cleaned(mark: str) -> None:
    assert (tried(one(mark, "photo12")).ours or 0) > 0.9
