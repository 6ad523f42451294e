"""Reading a drawing back with a library that did not draw it, before anybody signs it."""

from engine.drawing.inspecting.inspection import inspect

__all__ = ["inspect"]
