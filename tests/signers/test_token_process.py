"""What happens to whoever asks a token's process while it is being ended: they are told to unlock, and nothing is started anew."""

import asyncio
import threading

import pytest

from plugins.signers.dsc_token.child import run
from plugins.signers.dsc_token.process import TokenProcess
from plugins.signers.dsc_token.tokens import Tokens, _Own
from plugins.signers.dsc_token.wire import Fault, Found, Pin, TokenState

UNLOCK = "Unlock it with `ecoo token unlock`"


class Busy(TokenProcess):
    """A process whose first answer comes when the test lets it go."""

    def __init__(self, answer):
        super().__init__("", run, 1.0)
        self.answer, self.asked, self.go = answer, threading.Event(), threading.Event()

    def _ask(self, verb, arguments):
        self.asked.set()
        assert self.go.wait(10)
        return self.answer


def state(serial: str) -> TokenState:
    return TokenState(serial, "officer", False, False, False, False)


@pytest.fixture
def tokens():
    return Tokens("", run, 1.0)


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "shut_down_since_it_was_looked_at"])
async def test_a_process_that_was_stopped_answers_with_a_fault(ended):
    process = TokenProcess("", run, 1.0)
    await process.stop()
    process.ended = ended
    with pytest.raises(Fault, match=UNLOCK) as fault:
        await process.ask("tokens")
    assert fault.value.code == "died"
    assert process.pid is None


async def test_a_token_dropped_while_another_of_its_label_is_busy_is_a_fault(tokens):
    first, second = Busy([]), TokenProcess("", run, 1.0)
    tokens._own = {"a": _Own(state("a"), first), "b": _Own(state("b"), second)}
    looking = asyncio.create_task(tokens.unlocked("officer"))
    await asyncio.to_thread(first.asked.wait, 10)
    await tokens._drop("b", tokens._own["b"])
    first.go.set()
    with pytest.raises(Fault, match=UNLOCK):
        await looking
    await tokens.close()


@pytest.mark.parametrize("verb", ["_let_go_of_what_is_gone", "lock"])
async def test_whoever_goes_through_all_tokens_passes_over_one_that_was_dropped_meanwhile(tokens, verb):
    first, second = Busy(None), TokenProcess("", run, 1.0)
    tokens._own = {"a": _Own(state("a"), first), "b": _Own(state("b"), second)}
    going = asyncio.create_task(getattr(tokens, verb)("officer"))
    await asyncio.to_thread(first.asked.wait, 10)
    await tokens._drop("b", tokens._own["b"])
    first.go.set()
    await going
    assert "b" not in tokens._own
    await tokens.close()


async def test_after_close_everything_is_a_fault_and_no_process_is_started(tokens):
    await tokens.close()
    found = Found(b"\x01", b"", "a", "officer (serial a)", "officer")
    for asked in (
        tokens.inserted(),
        tokens.certificates(""),
        tokens.unlock(state("a"), Pin("73519284"), final_try=False),
        tokens.ask(found, "ready", key_id=b"\x01"),
    ):
        with pytest.raises(Fault, match=UNLOCK):
            await asked
    assert tokens._looker.pid is None
    assert await tokens.lock("") == await tokens.unlocked("") == []


async def test_a_token_unlocked_while_the_signer_closes_is_locked_by_it(tokens):
    tokens._looker = process = Busy("The token is unlocked.")
    unlocking = asyncio.create_task(tokens.unlock(state("a"), Pin("73519284"), final_try=False))
    await asyncio.to_thread(process.asked.wait, 10)
    closing = asyncio.create_task(tokens.close())
    process.go.set()
    await unlocking
    await closing
    assert process.ended
    assert tokens._own == {}
