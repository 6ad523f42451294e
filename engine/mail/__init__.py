"""Letters by mail: written in the unit of work of the deed that they tell of, sent at least once, never in clear in the database.

`write_letter` seals a letter into a row; `send_waiting` is the round that sends what is committed, by the operator's mail
server or, where none is set, into a folder. An address or a text is in no log, no error and no repr.
"""

from engine.mail.address import mailbox
from engine.mail.letter import Letter, write_letter
from engine.mail.mailer import MAIL_DOWN, Mailer
from engine.mail.message import Sender
from engine.mail.outbox import FileOutbox, Posted
from engine.mail.post import Standing, mailer_of, outbox_of, sender_of, standing
from engine.mail.sending import send_waiting
from engine.mail.smtp import Smtp

__all__ = [
    "MAIL_DOWN",
    "FileOutbox",
    "Letter",
    "Mailer",
    "Posted",
    "Sender",
    "Smtp",
    "Standing",
    "mailbox",
    "mailer_of",
    "outbox_of",
    "send_waiting",
    "sender_of",
    "standing",
    "write_letter",
]
