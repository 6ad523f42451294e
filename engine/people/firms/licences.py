"""The licence number of a customs broker, which is taken and approved by one rule."""

import re

__all__ = ["LONGEST_LICENCE", "licence_fault", "licence_key", "tidy_licence"]

LONGEST_LICENCE = 40
_LICENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./-]*[A-Za-z0-9]", re.ASCII)


def tidy_licence(licence: str) -> str:
    """The number with single spaces, as rows keep it; what must not be in it stays, to be refused."""
    return " ".join(licence.split())


def licence_fault(licence: str) -> str:
    """What is wrong with a tidy licence number, as the end of `must …`, or nothing."""
    if not 3 <= len(licence) <= LONGEST_LICENCE or not _LICENCE.fullmatch(licence):
        return f"have 3 to {LONGEST_LICENCE} letters and digits as it is printed, with spaces, dots, slashes and hyphens only between them"
    return ""


def licence_key(licence: str) -> str:
    """What two spellings of one number share."""
    return re.sub(r"[^A-Z0-9]", "", licence.upper())
