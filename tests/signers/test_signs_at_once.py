"""What a signer that never waits inherits: a class with `start` alone."""

from datetime import UTC, datetime

import pytest

from engine.contracts.abilities import SignsAtOnce
from engine.contracts.signing import Declined, Evidence, HttpReply, RawCallback, Signatory, SignatureJob, SignerContext
from engine.errors import Untrusted

JOB = SignatureJob("job", "try", Signatory("o-1", "Asha Rao", "asha"), ())
RAW = RawCallback("POST", {}, {}, b"x", datetime(2026, 11, 21, tzinfo=UTC))


class Plain(SignsAtOnce):
    id = "plain"

    def __init__(self) -> None:
        self.started: list[SignatureJob] = []

    async def start(self, job: SignatureJob) -> Declined:
        self.started.append(job)
        return Declined("tried", f"Try {len(self.started)}.")


async def test_a_job_that_is_asked_for_again_is_started_again():
    signer = Plain()
    assert await signer.poll(JOB) == Declined("tried", "Try 1.")
    assert await signer.complete(JOB, Evidence("try", Declined("other", "Not this."))) == Declined("tried", "Try 2.")
    assert signer.started == [JOB, JOB]


async def test_no_callback_is_its_own(tmp_path):
    signer = Plain()
    assert signer.locate(RAW) is None
    assert signer.acknowledge(True) == signer.acknowledge(False) == HttpReply(404)
    with pytest.raises(Untrusted, match="The signer plain expects no callbacks"):
        await signer.verify(SignerContext({}, tmp_path, None, True), RAW)  # type: ignore[arg-type]
    assert signer.started == []


async def test_what_was_not_signed_at_once_is_surely_cancelled():
    assert await Plain().cancel(JOB) is True
