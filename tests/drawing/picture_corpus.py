"""The corpus of pictures as the tests use it: all of it with `ECOO_PROVE=1`, else a few of it.

The pictures are made by `engine.bench.studio`, so that the tests and the benchmark judge the same ones.
"""

import os
from collections.abc import Iterator

from engine.bench.studio.corpus import CONDITIONS, HEAVY, HOPELESS, Case, cases, hopeless

__all__ = ["CONDITIONS", "HEAVY", "HOPELESS", "OTHER_SEED", "PROVE", "SEED", "Case", "cases", "hopeless", "sample"]

PROVE = os.environ.get("ECOO_PROVE") == "1"
SEED, OTHER_SEED = 1, 2
_SAMPLE = (
    ("box", "print"), ("seal", "shadow"), ("initials", "ruled"), ("angular", "blur"), ("loops", "worn"), ("seal", "scan150"),
)  # fmt: skip


def sample(seed: int) -> Iterator[Case]:
    """The honest pictures that this run looks at; all of the 12-megapixel ones are made by the prover alone."""
    if PROVE:
        yield from cases(seed)
        return
    for mark, condition in _SAMPLE:
        yield from cases(seed, marks=(mark,), conditions=(condition,))
