"""Addresses and lines that are safe in the header of a letter and on the command line of a mail server.

Promises that what passes here cannot begin a second header or a second command, and hides nothing from who reads it.
"""

import re
import unicodedata

import idna

from engine.errors import Refused

__all__ = ["mailbox", "require_line", "require_text"]

LONGEST = 254
_LONGEST_LOCAL = 64
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ENCODED_WORD = re.compile(r"=\?[^?\s]*\?[bBqQ]\?")  # a mail program would show what it stands for, line breaks included
_HIDING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # some Indian scripts cannot be written without them


def mailbox(address: str, *, box: str = "email") -> str:
    """The address as it goes to a mail server: at most 254 characters (RFC 5321), its domain in ASCII (IDNA) and small letters.

    Raises Refused for anything else. Quoted names before the @ and addresses of machines in brackets are refused too: RFC
    5321 4.1.2 advises against the former, and no mailbox of a firm is either.
    """
    if len(address) > LONGEST:
        raise _too_long(len(address), box)
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        raise _refused(box, "An e-mail address has a name, an @ and a domain, such as office@example.in.")
    if hiding := _first_hiding(address, ""):
        raise _refused(box, f"The e-mail address has a character that must not be in one ({hiding}). Type it again.")
    if len(local) > _LONGEST_LOCAL or not _LOCAL.fullmatch(local) or _ENCODED_WORD.search(local):
        raise _refused(box, "Before the @ an e-mail address has at most 64 Latin letters, digits and signs, without spaces or quotes.")
    whole = f"{local}@{_ascii(domain, box)}"
    if len(whole) > LONGEST:
        raise _too_long(len(whole), box)
    return whole


def _ascii(domain: str, box: str) -> str:
    """The domain in ASCII. One that is ASCII already need not be registrable; one that is not must be valid IDNA 2008."""
    try:
        name = domain.lower() if domain.isascii() and "xn--" not in domain.lower() else idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        name = ""
    if not name or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise _refused(box, "The part of the e-mail address after the @ is no name of a domain, such as example.in.")
    return name


def require_line(text: str, what: str, *, most: int) -> str:
    """A text for one header. Raises Refused, naming `what` it is, if it is empty, too long, or could be more than one line."""
    if not text.strip():
        raise _refused(what, f"The {what} of a letter must not be empty.")
    if len(text) > most:
        raise _refused(what, f"The {what} of a letter has at most {most} characters; this one has {len(text)}.")
    if hiding := _first_hiding(text, _JOINERS):
        raise _refused(what, f"The {what} of a letter must be one line without control or invisible characters; it has {hiding}.")
    if _ENCODED_WORD.search(text):
        raise _refused(what, f"The {what} of a letter must be plain text; it has an encoded word (=?…?).")
    return text.strip()


def require_text(text: str, *, most: int) -> str:
    """The text of a letter, its lines ended by line feeds. Raises Refused if it is empty, too long or hides something."""
    text = text.replace("\r\n", "\n")
    if not text.strip():
        raise _refused("text", "The text of a letter must not be empty.")
    if len(text) > most:
        raise _refused("text", f"The text of a letter has at most {most} characters; this one has {len(text)}.")
    if hiding := _first_hiding(text, f"{_JOINERS}\n\t"):
        raise _refused("text", f"The text of a letter must not have control or invisible characters; it has {hiding}.")
    return text


def _first_hiding(text: str, but: str) -> str:
    """The code point of the first character that ends a line, turns the reading order round or is not seen; or nothing."""
    return next((f"U+{ord(char):04X}" for char in text if unicodedata.category(char) in _HIDING and char not in but), "")


def _too_long(length: int, box: str) -> Refused:
    return _refused(box, f"An e-mail address has at most {LONGEST} characters; this one has {length}.")


def _refused(box: str, say: str) -> Refused:
    return Refused(say, code="letter", box=box, rule="letter")
