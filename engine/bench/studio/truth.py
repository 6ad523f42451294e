"""How near a cleaned mask comes to the true ink."""

import numpy as np
from PIL import Image

__all__ = ["Place", "overlap"]

Place = tuple[float, float, float, float]


def overlap(alpha: Image.Image, place: Place, truth: Image.Image) -> float:
    """F1 of the opaque pixels against the true ink, at the size of the result.

    `place` is what part of the upright picture the result shows; true ink outside of it counts as missed.
    """
    wide, high = truth.size
    box = (place[0] * wide, place[1] * high, place[2] * wide, place[3] * high)
    scale = (alpha.width / (box[2] - box[0]) * alpha.height / (box[3] - box[1])) ** 0.5
    whole = truth.resize((max(1, round(wide * scale)), max(1, round(high * scale))), Image.Resampling.BOX)
    all_true = int((np.asarray(whole) > 127).sum())
    there = np.asarray(truth.resize(alpha.size, Image.Resampling.BOX if scale <= 1 else Image.Resampling.BICUBIC, box=box)) > 127
    mine = np.asarray(alpha) > 127
    return 2 * int((mine & there).sum()) / max(1, int(mine.sum()) + max(all_true, int(there.sum())))
