"""Drawing: a decided certificate in, an inspected PDF out, with the place of every box. It invents no word and signs nothing."""

from engine.drawing.room import DrawingRoom

__all__ = ["DrawingRoom"]
