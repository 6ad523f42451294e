"""Stamps and signatures under every condition, measured against their true ink and beside the plain way."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from engine.bench.studio.measure import Studio, Trial, measure_studio, tried
from engine.contracts.drawing import ImageFault, ImageKind, ImageRequest
from engine.drawing.pictures.images import clean_now
from engine.drawing.pictures.judging import SAY
from engine.errors import Refused
from engine.people.pictures import LEAST_SCORE
from tests.drawing.picture_corpus import HEAVY, HOPELESS, OTHER_SEED, PROVE, SEED, Case, cases, hopeless, sample

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
    assert [trial.name for trial in studio.trials if not trial.honest and trial.ours is not None] == []
    assert studio.refused[0] == len(HOPELESS) == 17


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


@pytest.mark.parametrize("mark", ["round", *(["initials", "seal"] if PROVE else [])])
def test_a_photo_of_twelve_megapixels_is_cleaned(mark: str) -> None:
    case = one(mark, "photo12")
    with Image.open(io.BytesIO(case.data)) as photo:
        assert photo.width * photo.height == 12_000_000
    assert (tried(case).ours or 0) > 0.9


# --- much ink, figures, thumbnails ------------------------------------------------------------


@pytest.mark.parametrize(
    ("mark", "condition"),
    [(mark, condition) for mark in HEAVY for condition in ("tinted", "shadow", "worn", "ruled", "perspective", "noise", "print")]
    if PROVE
    else [*zip(HEAVY, ("shadow", "tinted") * 3, strict=True), ("reversed_words", "shadow")],
)
def test_an_honest_mark_of_much_ink_is_taken_with_its_solid_parts(mark: str, condition: str) -> None:
    trial = tried(one(mark, condition))
    assert trial.ours is not None
    assert trial.ours > (0.8 if condition in {"worn", "print"} else 0.92)
    assert (trial.quality or 0) >= LEAST_SCORE


def by_name(name: str) -> Iterator[Case]:
    return (case for seed in (SEED, OTHER_SEED) for case in lost(seed) if case.name == name)


@pytest.mark.parametrize("name", ["cat", "disc", "bar", "logo"])
def test_a_solid_figure_is_refused_as_what_it_is(name: str) -> None:
    for case, kind in zip(by_name(name), ImageKind, strict=True):
        with pytest.raises(Refused, match="solid figure, not the impression of a stamp and not a signature"):
            clean_now(ImageRequest(kind, case.data))


@pytest.mark.parametrize("level", [0, 60, 105])
@pytest.mark.parametrize("side", [0.2, 0.5, 0.68])
def test_a_disc_drawn_by_a_computer_is_refused_however_large_and_grey(level: int, side: float) -> None:
    drawn = Image.new("RGB", (900, 900), (255, 255, 255))
    edge = 450 * side
    ImageDraw.Draw(drawn).ellipse((450 - edge, 450 - edge, 450 + edge, 450 + edge), fill=(level, level, level))
    with pytest.raises(Refused, match="solid figure"):
        clean_now(ImageRequest(ImageKind.STAMP, png(drawn)))


def test_a_figure_that_stands_on_the_edge_of_the_picture_is_no_stamp_either() -> None:
    [case, _] = by_name("disc")
    with Image.open(io.BytesIO(case.data)) as upload:
        cut = upload.convert("RGB").crop((0, 0, upload.width, round(0.72 * upload.height)))
    with pytest.raises(Refused, match=r"solid figure|reaches the edge"):
        clean_now(ImageRequest(ImageKind.STAMP, png(cut)))


def test_a_thumbnail_is_refused_with_the_pixels_that_are_needed() -> None:
    for case in by_name("thumbnail"):
        with pytest.raises(Refused, match=r"only 120 x 90 pixels, a thumbnail.*at least 150 pixels") as refused:
            clean_now(ImageRequest(case.kind, case.data))
        assert refused.value.rule == "image size"


# --- out of focus -----------------------------------------------------------------------------


def out_of_focus(case: Case, radius: float) -> bytes:
    """The picture of a case, blurred by so many thousandths of its width, with the grain of a camera."""
    with Image.open(io.BytesIO(case.data)) as upload:
        upright = ImageOps.exif_transpose(upload).convert("RGB")
    seen = np.asarray(upright.filter(ImageFilter.GaussianBlur(radius * upright.width / 1000)), np.float32)
    grain = np.random.default_rng(4).normal(0, 2.5, seen.shape)
    return png(Image.fromarray(np.clip(seen + grain, 0, 255).astype(np.uint8)))


@pytest.mark.parametrize("radius", [6, 12, 30])
@pytest.mark.parametrize("mark", ["round", "loops"])
def test_what_is_out_of_focus_is_called_so_and_not_pale(mark: str, radius: float) -> None:
    case = one(mark, "clean")
    request = ImageRequest(case.kind, out_of_focus(case, radius))
    if radius > 12:
        with pytest.raises(Refused, match="out of focus"):
            clean_now(request)
        return
    cleaned = clean_now(request)
    assert cleaned.faults[0] is ImageFault.BLURRED
    assert "out of focus" in cleaned.notes[0]
    assert radius < 12 or not {ImageFault.PALE, ImageFault.BACKGROUND_LEFT, ImageFault.NO_INK} & set(cleaned.faults)


@pytest.mark.parametrize("mark", ["round", "loops", *(["box", "angular", "initials"] if PROVE else [])])
@pytest.mark.parametrize("radius", [9, 16, *([12, 22] if PROVE else [])])
def test_a_smear_scores_too_little_to_be_used_or_is_refused(mark: str, radius: float) -> None:
    """Its mask is as thick as the smear, and must not pass for bold strokes."""
    case = one(mark, "clean")
    trial = tried(replace(case, data=out_of_focus(case, radius)))
    assert trial.quality is None or trial.quality < LEAST_SCORE


@pytest.mark.parametrize("mark", ["loops", *(["round", "box", "seal", "initials", "angular"] if PROVE else [])])
def test_a_picture_that_is_a_little_out_of_focus_is_still_good_enough(mark: str) -> None:
    assert (tried(one(mark, "blur")).quality or 0) >= LEAST_SCORE


def test_a_sheet_on_which_there_is_nothing_is_not_called_out_of_focus() -> None:
    for name in ("blank paper", "white on white", "over-exposed", "all black", "ruled paper"):
        for case in by_name(name):
            with pytest.raises(Refused) as refused:
                clean_now(ImageRequest(case.kind, case.data))
            assert "focus" not in refused.value.say, name
    assert all("out of focus" in said(case) for case in by_name("smeared"))


def said(case: Case) -> str:
    with pytest.raises(Refused) as refused:
        clean_now(ImageRequest(case.kind, case.data))
    return refused.value.say


def png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
