"""Short texts that people will read, from outside: names, addresses, reasons. What is wrong is told as the end of `must …`."""

import re
import unicodedata

from engine.errors import Refused

__all__ = ["reason_of", "text_fault", "tidy"]

# Joiners inside Indic words, where spelling needs them; and what is drawn as nothing although Unicode calls it printable.
_JOINED = re.compile("(?<=[\u0900-\u0dff])[\u200c\u200d]")
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def tidy(text: str) -> str:
    """The text in NFC with Unix line ends and nothing but itself in each line; what must not be in it stays, to be refused."""
    lines = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).split("\n")
    return "\n".join(line.strip(" ") for line in lines).strip("\n")


def text_fault(text: str, *, most: int, lines: bool = False) -> str:
    """What is wrong with a text that people will read, as the end of `must …`, or nothing; `lines` allows line breaks."""
    if not text or len(text) > most:
        return f"have between 1 and {most} characters"
    plain = _JOINED.sub("", text.replace("\n", "") if lines else text)
    if not plain.isprintable() or _BLANK.search(plain):
        return "hold no control, invisible or reading-order character"
    if not all(text.split("\n")):
        return "have no empty line"
    return ""


def reason_of(text: str, *, most: int, box: str = "reason", empty: str = "") -> str:
    """A reason that somebody gives for what they do, as rows and letters say it. Raises Refused for one that is empty, too long or
    hides something; `empty` is what to say where none is given, if more than that."""
    reason = tidy(text)
    if not reason and empty:
        raise Refused(empty, box=box, rule="reason given")
    if fault := text_fault(reason, most=most, lines=True):
        raise Refused(f"The reason must {fault}.", box=box, rule="reason given")
    return reason
