"""Tools for whoever makes a template pack: a new one, its pages before anything is issued, and what of it is unset, weak or wrong."""

from engine.templating.judging import Remark, RemarkKind, judge
from engine.templating.longest import longest
from engine.templating.previewing import Preview, preview
from engine.templating.sample import sample_request
from engine.templating.skeleton import new_pack

__all__ = ["Preview", "Remark", "RemarkKind", "judge", "longest", "new_pack", "preview", "sample_request"]
