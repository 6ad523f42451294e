"""The operator's mail server: a connection a letter, encrypted unless it goes to this machine, and the server's answer in our words.

What a server says may repeat the address, so nothing of it leaves here, not even as the cause of an error.
"""

import re
import ssl
from email.message import EmailMessage
from typing import NoReturn
from urllib.parse import urlsplit

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
)

from engine.config import MailSection
from engine.errors import Refused, Unavailable
from engine.mail.address import mailbox
from engine.mail.mailer import MAIL_DOWN

__all__ = ["Smtp"]

_POLICY = re.compile(r"5\.7\.")  # RFC 3463: the server's own rules, such as no relaying, which its operator can mend
_PERMANENT = 500


class Smtp:
    """Sends by the mail server of [mail]. `tls` says whom to trust, where not those that the machine trusts."""

    def __init__(self, settings: MailSection, *, tls: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._tls = tls

    @property
    def server(self) -> str:
        """Host and port, and how the connection is protected, for a person."""
        protection = "TLS" if self._direct else "STARTTLS" if self._settings.starttls else "not encrypted"
        return f"{self._host}:{self._port}, {protection}"

    async def send(self, message: EmailMessage) -> None:
        """Returns when the server has taken the message over. Raises Unavailable or Refused (see `Mailer`)."""
        try:
            async with self._client() as client:
                await client.send_message(message)
        except (SMTPException, OSError, ValueError) as error:
            _translate(error)

    async def probe(self) -> None:
        """Connects, encrypts and logs in as for a letter, and sends none. Raises Unavailable."""
        try:
            async with self._client() as client:
                await client.noop()
        except (SMTPException, OSError, ValueError) as error:
            _translate(error)

    @property
    def _direct(self) -> bool:
        return urlsplit(self._settings.url).scheme == "smtps"

    @property
    def _host(self) -> str:
        return urlsplit(self._settings.url).hostname or ""

    @property
    def _port(self) -> int:
        return urlsplit(self._settings.url).port or (465 if self._direct else 25)

    def _client(self) -> SMTP:
        settings = self._settings
        return SMTP(
            hostname=self._host,
            port=self._port,
            username=settings.user or None,
            password=settings.password.value or None,
            local_hostname=mailbox(settings.from_address).rpartition("@")[2],
            timeout=settings.timeout_s,
            use_tls=self._direct,
            start_tls=bool(settings.starttls),
            tls_context=self._tls,
        )


def _translate(error: Exception) -> NoReturn:
    """Raises the error as ours, and without its cause.

    Only what is said of the recipient or of the content is final; what is said of us, of our log-in or of our sender, would
    meet every letter, and the operator can mend it.
    """
    if isinstance(error, SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, SMTPRecipientRefused | SMTPDataError):
        if error.code >= _PERMANENT and not _POLICY.match(str(error.message)):
            raise Refused("The mail server does not take this letter, and says that it never will.", code="mail_refused") from None
        raise Unavailable("The mail server does not take this letter now.", code="mail_later") from None
    if isinstance(error, SMTPNotSupported | ValueError) and not isinstance(error, UnicodeError | ssl.SSLError):
        raise Refused("The mail server cannot take a letter to an address like this.", code="mail_refused") from None
    if isinstance(error, SMTPAuthenticationError):
        raise Unavailable("The mail server refused mail.user with mail.password. Set them right.", code=MAIL_DOWN) from None
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        raise Unavailable(
            "The mail server's X.509 certificate is not trusted, or it speaks no TLS. See mail.url.", code=MAIL_DOWN
        ) from None
    raise Unavailable(f"The mail server of mail.url cannot be used now ({type(error).__name__}).", code=MAIL_DOWN) from None
