"""From bytes to an application or a cost sheet: parsed, walked for every problem of its shape, its texts tidied; and the published schema."""

from engine.filing.reading.parsing import MAX_BYTES, Reader, from_tree, look, read, text_slips, to_tree
from engine.filing.reading.schema import published_schema

__all__ = ["MAX_BYTES", "Reader", "from_tree", "look", "published_schema", "read", "text_slips", "to_tree"]
