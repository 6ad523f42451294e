"""The rows of letters: what is still to be sent, sealed, and when each one went out."""

from piccolo.columns import Integer, Text, Timestamptz
from piccolo.constraints import Check

from engine.store.rows import Row, text

__all__ = ["LetterRow"]


class LetterRow(Row, tablename="letter"):
    """A letter, written in the unit of work of the deed that it tells of. Address and content are sealed for this row alone.

    `next_try_at` is set while the letter is still to be sent. A letter that is over, sent or given up, has no content.
    """

    purpose = text(20)
    about = text(36, null=True, default=None)
    to_sealed = Text()
    content_sealed = Text()
    written_at = Timestamptz()
    tries = Integer(default=0)
    next_try_at = Timestamptz(null=True, default=None, index=True)
    claimed_until = Timestamptz(null=True, default=None)
    sent_at = Timestamptz(null=True, default=None)
    given_up_at = Timestamptz(null=True, default=None)
    last_error = text(40, default="")

    ends_one_way = Check("sent_at IS NULL OR given_up_at IS NULL")
    waits_until_over = Check("(next_try_at IS NULL) = (sent_at IS NOT NULL OR given_up_at IS NOT NULL)")
    over_is_empty = Check("(content_sealed = '') = (sent_at IS NOT NULL OR given_up_at IS NOT NULL)")
