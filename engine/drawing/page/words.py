"""The words of a sheet's texts: names in braces, filled from the form's wording and the certificate's values.

Filled once and never again: a value that itself holds braces, markup or a formula stays the text it is.
"""

from dataclasses import dataclass

from engine.contracts.drawing import DrawRequest
from engine.contracts.sheet import say
from engine.errors import Refused

__all__ = ["Words"]


@dataclass(frozen=True, slots=True)
class Words:
    """All words of one request."""

    request: DrawRequest

    def say(self, pattern: str, *, page: int, pages: int) -> str:
        """A sheet's text with its names filled in; empty if every name in it is, and without what hung on an empty one."""
        own = {"page": str(page + 1), "pages": str(pages)}
        return say(pattern, lambda name: own.get(name) or self._word(name))

    def wording(self, key: str) -> str:
        """A text of the form, empty if the form has none of that name."""
        return self.request.form.wording.get(key, "")

    def _word(self, name: str) -> str:
        """What one name stands for; a name that is nobody's stands for nothing."""
        form = self.request.form
        kind, _, key = name.partition(".")
        if kind == "wording" and key:
            return self.wording(key)
        if kind == "no" and key:
            return next((box.no for box in form.boxes if box.field == key), "")
        match name:
            case "number":
                return self.request.number
            case "heading":
                return "\n".join(form.heading)
            case "copy":
                return self._copy()
        return self.request.values.get(name, "")

    def _copy(self) -> str:
        """The title of this copy: of the leaf, or of the electronic one."""
        form, name = self.request.form, self.request.leaf
        if name is None:
            return self.wording("electronic_copy")
        leaf = next((leaf for leaf in form.leaves if leaf.name == name), None)
        if leaf is None:
            raise Refused(
                f"The form {form.scheme} has no leaf {name!r}; it has {', '.join(leaf.name for leaf in form.leaves) or 'none'}.",
                rule="leaf",
            )
        return leaf.title
