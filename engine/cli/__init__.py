"""The `ecoo` command. Words for people go to stderr, what was asked for to stdout, and the exit code says how it ended."""

from engine.cli.app import main

__all__ = ["main"]
