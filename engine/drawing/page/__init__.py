"""Where everything on a certificate's pages stands: laid out before anything is drawn. Pure data in, pure data out."""

from engine.drawing.page.layout import lay_out

__all__ = ["lay_out"]
