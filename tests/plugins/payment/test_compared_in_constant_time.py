"""Each gateway compares what a message is marked with by `hmac.compare_digest` and by nothing else; and how long it takes to refuse.

Part of goal M3. The times are samples to be read, and nothing is asserted of them: with `ECOO_PROVE=1` there are 20,000 of each kind.
"""

import gc
import hmac
import os
import random
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from engine.api import GatewayEvent, Untrusted
from tests.plugins.payment.wires_bench import WIRES, begun, rehearsing_all, remarked
from tests.rehearsal import Rehearsal, callback

SAMPLES = 20_000 if os.environ.get("ECOO_PROVE") == "1" else 300
HEX, BASE64 = "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
CHANNELS = ("return", "notice")


@pytest.fixture(scope="module")
def rehearsal() -> Iterator[Rehearsal]:
    with rehearsing_all() as served:
        yield served


async def believer(rehearsal: Rehearsal, wire: str, channel: str) -> tuple[Callable[[Any], GatewayEvent], dict[str, Any]]:
    """What a gateway makes of a message, and one that is genuine."""
    gateway, ctx, reference, order, _ = await begun(rehearsal, wire)
    [message] = rehearsal.emit(reference, way=channel, deliver=False)

    def verify(raw: Any) -> GatewayEvent:
        found: GatewayEvent = gateway.verify(ctx, raw, gateway_order_id=order)
        return found

    return verify, message


def other(mark: str, place: int) -> str:
    """A mark of the same shape that differs in one place; the last character of a signature in base64 has few bits of its own."""
    signs = HEX if set(mark.lower()) <= set(HEX) else BASE64
    signs = signs.upper() if mark == mark.upper() and signs is HEX else signs
    step = 4 if signs is BASE64 and place == len(mark) - 1 else 1
    return mark[:place] + next(sign for sign in signs[::step] if sign != mark[place]) + mark[place + 1 :]


def first_wrong(mark: str) -> str:
    return other(mark, 0)


def last_wrong(mark: str) -> str:
    return other(mark, len(mark) - 1)


def received(message: dict[str, Any]) -> set[str]:
    """What a message is marked with, as the comparison may be given it."""
    marks: list[str] = []
    remarked(message, lambda mark: marks.append(mark) or mark)  # type: ignore[func-returns-value]
    [mark] = marks
    return {mark, urlsafe_b64decode(f"{mark}==").hex()}


def plainly(mark: Any) -> set[str]:
    text = mark.decode("ascii", "replace") if isinstance(mark, bytes) else str(mark)
    return {text, mark.hex() if isinstance(mark, bytes) else text}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("wire", WIRES)
async def test_what_was_received_is_compared_by_compare_digest(
    rehearsal: Rehearsal, wire: str, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify, genuine = await believer(rehearsal, wire, channel)
    seen: list[tuple[Any, Any]] = []

    def noted(one: Any, two: Any, *, _real: Any = hmac.compare_digest) -> bool:
        seen.append((one, two))
        return bool(_real(one, two))

    monkeypatch.setattr(hmac, "compare_digest", noted)
    for message in (genuine, remarked(genuine, first_wrong), remarked(genuine, last_wrong)):
        seen.clear()
        with suppress(Untrusted):
            verify(callback(message))
        assert any(plainly(one) & received(message) or plainly(two) & received(message) for one, two in seen)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("wire", WIRES)
async def test_nothing_but_compare_digest_decides(rehearsal: Rehearsal, wire: str, channel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    verify, genuine = await believer(rehearsal, wire, channel)
    forged = [callback(remarked(genuine, change)) for change in (first_wrong, last_wrong)]
    for each in forged:
        with pytest.raises(Untrusted):
            verify(each)
    believed = verify(callback(genuine))
    monkeypatch.setattr(hmac, "compare_digest", lambda one, two: True)
    assert [verify(each).key for each in forged] == [believed.key] * 2
    monkeypatch.setattr(hmac, "compare_digest", lambda one, two: False)
    with pytest.raises(Untrusted):
        verify(callback(genuine))


# --- how long it takes ----------------------------------------------------------------------------


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("wire", WIRES)
async def test_how_long_a_wrong_mark_takes_to_be_refused(rehearsal: Rehearsal, wire: str, quote: Callable[[str], None]) -> None:
    for channel in CHANNELS:
        verify, genuine = await believer(rehearsal, wire, channel)
        quote(f"refusing, {wire} by {channel}: {told_of(*sampled(verify, genuine))}")


async def test_a_comparison_that_stops_early_shows_in_the_samples(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch, quote: Callable[[str], None]
) -> None:
    verify, genuine = await believer(rehearsal, "sandbox", "notice")
    monkeypatch.setattr(hmac, "compare_digest", lambda one, two: all(a == b for a, b in zip(one, two, strict=True)))
    quote(f"refusing, for comparison by one that stops at the first difference: {told_of(*sampled(verify, genuine))}")


def sampled(verify: Callable[[Any], GatewayEvent], genuine: dict[str, Any]) -> tuple[Any, Any]:
    """Nanoseconds until a message was refused whose mark is wrong in the first place, and in the last; taken in turn, either one first."""
    wrong = [callback(remarked(genuine, change)) for change in (first_wrong, last_wrong)]
    dice, times = random.Random(3), np.empty((SAMPLES, 2), dtype=np.int64)
    gc.collect()
    gc.disable()
    try:
        for number in range(-50, SAMPLES):
            for which in (0, 1) if dice.random() < 0.5 else (1, 0):
                began = time.perf_counter_ns()
                with suppress(Untrusted):
                    verify(wrong[which])
                times[max(number, 0), which] = time.perf_counter_ns() - began
    finally:
        gc.enable()
    return times[:, 0], times[:, 1]


def told_of(first: Any, last: Any) -> str:
    """Both medians, their ratio, and by Mann and Whitney how far apart the two are, in standard deviations of chance."""
    whole = np.concatenate([first, last])
    _, place, count = np.unique(whole, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    n, m = len(first), len(last)
    u = ranks[:n].sum() - n * (n + 1) / 2
    ties = (count.astype(float) ** 3 - count).sum() / ((n + m) * (n + m - 1))
    z = (u - n * m / 2) / np.sqrt(n * m / 12 * (n + m + 1 - ties))
    medians = float(np.median(first)), float(np.median(last))
    ratio = medians[0] / medians[1]
    return f"{n:,} samples each, median {medians[0] / 1e3:.2f} and {medians[1] / 1e3:.2f} us, ratio {ratio:.4f}, Mann-Whitney z {z:+.2f}"
