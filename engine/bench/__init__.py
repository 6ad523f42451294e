"""How fast the product is, measured beside the pipeline a good developer writes in a day, interleaved in one run.

Promises figures that can be quoted: ratios from cases that took turns, certificates that were verified before they were
timed, everything made in a folder that is removed, every server stopped. Whoever calls says how a demonstration site is made.
"""

from engine.bench.measure import measure
from engine.bench.result import Result
from engine.bench.stage import Demonstration

__all__ = ["Demonstration", "Result", "measure"]
