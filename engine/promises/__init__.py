"""The promises of each kind of plugin, shipped in the wheel: `ecoo promise PLUGIN` runs them, and so can a guest's own tests.

Each module has one async function `promises(...)` that gives a list of `Promise`. Nothing here needs pytest.
"""

from engine.promises.asking import promises_of
from engine.promises.promise import Promise, Vow, keep

__all__ = ["Promise", "Vow", "keep", "promises_of"]
