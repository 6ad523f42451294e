"""Child processes with limits: for drawing pages, decoding pictures and reading files that strangers made.

Promises: one task at a time per child; a call that takes too long, or a child that dies, costs that child and nothing
else, and another takes its place; inside there is no network, no new process, no writing outside the child's own
folder, no secret of the parent's environment, and a ceiling on memory; a child ends when its parent does, however it
ends. What comes back is data: an answer can only be made of plain values and the types that were named beforehand, so
a child that was taken over cannot run anything in the parent. What the children do is others' business.
"""

from engine.children.pool import Children

__all__ = ["Children"]
