"""Two packs: `acme` with a sheet of its own, `acme_plus` on the twelve-box sheet of ecoo."""

from collections.abc import Sequence
from importlib.resources import files

from engine.api import Pack, hookimpl

contract = 1


@hookimpl
def coo_templates() -> Sequence[Pack]:
    packs = files("acme_ecoo") / "packs"
    return [Pack("acme", packs / "acme"), Pack("acme_plus", packs / "acme_plus")]
