"""Cleaning of stamps and signatures, measured on pictures of our own making whose true ink is known.

Promises: every picture follows from a seed and its place alone; the ink, the paper and the camera know nothing of the
cleaner; ours and the plain way clean the same bytes in one run, in a child process with the limits of production.
"""

from engine.bench.studio.corpus import CONDITIONS, HOPELESS, Case, cases, hopeless
from engine.bench.studio.measure import Studio, measure_studio
from engine.bench.studio.sheet import contact_sheet

__all__ = ["CONDITIONS", "HOPELESS", "Case", "Studio", "cases", "contact_sheet", "hopeless", "measure_studio"]
