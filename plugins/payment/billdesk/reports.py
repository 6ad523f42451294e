"""What a test without a charge showed, in sentences for the administrator. None of them repeats what BillDesk or the office wrote."""

import re

from engine.api import ConnectionOutcome, ConnectionReport, GatewayAnswer

__all__ = ["blocked", "is_blocked", "not_believed", "other_answer", "passed", "refused"]

_BLOCKED = re.compile(rb"white[ -]?list|\bip\b[^.]{0,40}\bnot (?:allowed|permitted|authori[sz]ed|registered)", re.IGNORECASE)
_DOUBTFUL = ConnectionOutcome.INCONCLUSIVE


def passed() -> ConnectionReport:
    """The answer proved Merchant ID and keys."""
    return ConnectionReport(
        ConnectionOutcome.PASSED, "ok", "BillDesk knows this Merchant ID, and its answer proves that the keys are right."
    )


def refused() -> ConnectionReport:
    """A believed answer that refuses these parameters."""
    say = "BillDesk refuses these parameters. Compare Merchant ID, Client ID and keys with BillDesk's letter."
    return ConnectionReport(ConnectionOutcome.FAILED, "refused", say)


def other_answer(code: str = "") -> ConnectionReport:
    """A believed answer that does not settle the question."""
    tail = f" ({code})" if re.fullmatch(r"[A-Za-z0-9_]{1,20}", code) else ""
    say = f"BillDesk's answer is genuine, but it does not say that it knows this Merchant ID{tail}. Ask BillDesk."
    return ConnectionReport(_DOUBTFUL, "other_answer", say)


def blocked() -> ConnectionReport:
    """BillDesk lets only listed addresses ask."""
    say = (
        "BillDesk let nothing in from this site's address, so nothing was tested. Ask BillDesk to put this site's outbound IP on its list."
    )
    return ConnectionReport(_DOUBTFUL, "ip_blocked", say)


def is_blocked(text: bytes) -> bool:
    """Whether BillDesk seems to say that the address is not on its list."""
    return _BLOCKED.search(text[:4096]) is not None


def not_believed(answer: GatewayAnswer) -> ConnectionReport:
    """An answer that proves nothing: what it probably means, and that nothing is known."""
    if answer.status == 403 or is_blocked(answer.body):
        return blocked()
    if answer.status == 429:
        return ConnectionReport(_DOUBTFUL, "too_often", "BillDesk was asked too often. Test again in some minutes.")
    if answer.status != 200:
        return ConnectionReport(_DOUBTFUL, "no_answer", "BillDesk gave no answer that can be believed. Test again, or ask BillDesk.")
    if answer.body.strip() in {b"", b"ERROR"}:
        say = "BillDesk answered nothing but ERROR, which often means a wrong Merchant ID or Checksum. Compare both with BillDesk's letter."
        return ConnectionReport(_DOUBTFUL, "bare_error", say)
    say = "BillDesk's answer is not marked with this key, so it proves nothing. Compare the Checksum and its algorithm with BillDesk's letter."
    return ConnectionReport(_DOUBTFUL, "not_believed", say)
