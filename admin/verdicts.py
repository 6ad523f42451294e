"""The verdicts in words, the same for page and API: what a person reads first, and each reason as a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.certificate import Verdict
from engine.proof import REASONS, Answer
from engine.proof.signature import REASONS as SIGNATURE_REASONS

__all__ = ["ALTERED_UNSHOWN", "UNKNOWN_CODE", "UNKNOWN_FILE", "VERDICTS", "Said", "reasons_of", "say", "tidy"]

_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict for a person: its word, what it means in one sentence, and what to do now."""

    word: str
    meaning: str
    advice: str


VERDICTS: Mapping[Verdict, Said] = {
    Verdict.GENUINE: Said(
        "Genuine",
        "This certificate was issued here and is in force.",
        "A forger can put a genuine number or code on another paper: every detail below must agree with what you hold.",
    ),
    Verdict.ALTERED: Said(
        "Altered",
        "This is not the file that was issued.",
        "Do not rely on it. What the register holds under this number is shown below; ask the issuing office if in doubt.",
    ),
    Verdict.SUPERSEDED: Said(
        "Superseded",
        "This certificate was issued here, and another one has taken its place.",
        "Ask for the certificate that replaced it and verify that one.",
    ),
    Verdict.CANCELLED: Said(
        "Cancelled",
        "This certificate was issued here and later cancelled.",
        "Do not rely on it. Ask the issuing office if in doubt.",
    ),
    Verdict.LEGACY: Said(
        "Legacy",
        "This number belongs to the older platform.",
        "Certificates of the older platform are verified there.",
    ),
    Verdict.UNKNOWN: Said(
        "Unknown",
        "No certificate was found.",
        "Check the number against the paper, character by character. A certificate that was never issued here reads the same.",
    ),
}

# Its number can be guessed, so nothing of the register is shown for it.
ALTERED_UNSHOWN = "Do not rely on it. Verify by the QR code or the number on the paper, or ask for the file as it was issued."
UNKNOWN_FILE = "Ask for the PDF as it was issued, or verify by the QR code or the number on the paper."
# Nobody types a code: it was scanned from a paper that is not ours, or from one that was damaged.
UNKNOWN_CODE = "Scan the QR code once more, or verify by the number on the paper. A certificate that was never issued here reads the same."


def reasons_of(answer: Answer) -> list[str]:
    """Each reason as a sentence, in order; those of the signature begin alike."""
    return [REASONS.get(code) or f"Not as issued: {SIGNATURE_REASONS.get(code, 'its signature does not hold')}." for code in answer.reasons]


def say(answer: Answer) -> str:
    """The verdict in one or two sentences."""
    return " ".join([f"{VERDICTS[answer.verdict].word}.", *reasons_of(answer)[:1]])


def tidy(text: str) -> str:
    """What a person or program typed, without what no number, code or link can hold, and not endless."""
    if not text.isprintable():
        text = "".join(char for char in text if char.isprintable())
    return text[:_LONGEST].strip()
