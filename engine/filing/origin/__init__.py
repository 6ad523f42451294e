"""The origin door: each line's claimed ground, tried against origin.toml's rules, with its arithmetic."""

from engine.filing.origin.finding import find_origin, refuse_failing

__all__ = ["find_origin", "refuse_failing"]
