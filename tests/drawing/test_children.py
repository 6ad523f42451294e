"""Child processes keep their limits: time, memory, network, files, other processes; and one that dies hurts nobody."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.children import Children
from engine.contracts.drawing import Rect
from engine.errors import EngineError, PluginError, Refused, Unavailable, Untrusted

MIB = 300


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    """Two children with little memory and two seconds."""
    pool = Children(count=2, memory_mib=MIB, timeout_s=2, name="test", blame=Refused, answers=(Rect,))
    yield pool
    await pool.close()


async def attempt(pool: Children, code: str) -> Any:
    return await pool.run(exec, code)


async def test_a_call_gives_its_answer(children: Children) -> None:
    assert await children.run(sum, [1, 2, 3]) == 6
    assert await children.run(eval, "__import__('engine.contracts.drawing').contracts.drawing.Rect(0, 1, 2, 3, 4)") == Rect(0, 1, 2, 3, 4)


async def test_a_call_over_its_time_is_ended_and_an_honest_one_beside_it_goes_on(children: Children) -> None:
    slow, honest = await asyncio.gather(attempt(children, "while True: pass"), children.run(sum, [40, 2]), return_exceptions=True)
    assert isinstance(slow, Refused)
    assert "longer than 2 seconds" in slow.say
    assert honest == 42
    assert await asyncio.gather(*(children.run(sum, [n]) for n in range(6))) == list(range(6))


async def test_one_more_than_may_wait_is_refused_at_once_and_room_comes_back() -> None:
    pool = Children(count=1, memory_mib=MIB, timeout_s=5, name="test", blame=Refused, most_waiting=1)
    held = [asyncio.create_task(pool.run(sum, [n])) for n in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="Too many wait"):
        await pool.run(sum, [3])
    assert await asyncio.gather(*held) == [0, 1]
    given_up = asyncio.create_task(pool.run(sum, [4]))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    assert await pool.run(sum, [5]) == 5
    await pool.close()


@pytest.mark.parametrize("bomb", ["bytearray(10**9)", "kept = [bytearray(10**7) for _ in range(10**4)]"])
async def test_a_memory_bomb_is_refused_and_the_child_lives_on(children: Children, bomb: str) -> None:
    with pytest.raises(Refused, match="memory"):
        await attempt(children, bomb)
    assert await children.run(sum, [1]) == 1


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.socket()",
        "import socket; socket.getaddrinfo('localhost', 9)",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.fork()",
        "import os; os.execv('/bin/true', ['true'])",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
        "import os; os.kill(os.getppid(), 9)",
    ],
)
async def test_network_and_processes_are_refused(children: Children, code: str) -> None:
    with pytest.raises(Refused, match="not allowed in this process"):
        await attempt(children, code)


async def test_files_are_written_in_its_own_folder_only(children: Children, tmp_path: Path) -> None:
    target = tmp_path / "marker"
    for code in (
        f"open({str(target)!r}, 'w')",
        f"import os; os.open({str(target)!r}, os.O_CREAT)",
        f"import os; os.mkdir({str(target)!r})",
    ):
        with pytest.raises(Refused, match=r"not allowed|may not be written"):
            await attempt(children, code)
    assert not target.exists()
    victim = tmp_path / "victim"
    victim.write_text("kept")
    with pytest.raises(Refused, match="not allowed"):
        await attempt(children, f"import os; os.remove({str(victim)!r})")
    assert victim.read_text() == "kept"
    await attempt(children, "import tempfile; f = tempfile.NamedTemporaryFile(); f.write(b'1'); f.close()")


async def test_the_environment_of_the_parent_stays_with_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECOO_SECRET", "hush")
    pool = Children(count=1, memory_mib=MIB, timeout_s=5, name="test")
    assert "ECOO_SECRET" not in await pool.run(eval, "dict(__import__('os').environ)")
    await pool.close()


async def test_a_child_killed_in_the_middle_costs_one_call(children: Children) -> None:
    others = set(_children_of(os.getpid()))
    await children.start()
    running = asyncio.create_task(attempt(children, "import signal; signal.pause()"))
    while len(children.pids) == 2:
        await asyncio.sleep(0)
    idle = set(children.pids)
    victim = next(int(pid) for pid in _children_of(os.getpid()) if pid not in others and int(pid) not in idle)
    os.kill(victim, signal.SIGKILL)
    with pytest.raises(Refused, match="died"):
        await running
    assert await asyncio.gather(children.run(sum, [1]), children.run(sum, [2])) == [1, 2]


def _children_of(pid: int) -> list[str]:
    return [line for task in Path(f"/proc/{pid}/task").iterdir() for line in (task / "children").read_text().split()]


async def test_a_child_that_died_idle_is_replaced_unnoticed(children: Children) -> None:
    await children.start()
    for pid in children.pids:
        os.kill(pid, signal.SIGKILL)
    while any(_lives(pid) for pid in children.pids):
        await asyncio.sleep(0)
    assert await asyncio.gather(children.run(sum, [1]), children.run(sum, [2])) == [1, 2]


async def test_an_error_of_the_engine_comes_out_as_itself_and_others_as_the_callers_choice(children: Children) -> None:
    with pytest.raises(Untrusted, match="told so"):
        await attempt(children, "from engine.errors import Untrusted; raise Untrusted('told so', reference='R1')")
    with pytest.raises(Refused, match="ZeroDivisionError"):
        await attempt(children, "1/0")
    pool = Children(count=1, memory_mib=MIB, timeout_s=5, name="test", blame=PluginError)
    with pytest.raises(PluginError, match="SystemExit"):
        await attempt(pool, "raise SystemExit(3)")
    await pool.close()


async def test_an_answer_that_would_run_something_here_is_not_opened(children: Children, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    evil = f"type('E', (), {{'__reduce__': lambda self: (__import__('os').mkdir, ({str(marker)!r},))}})()"
    with pytest.raises(EngineError, match="no answer"):
        await children.run(eval, evil)
    assert not marker.exists()


async def test_a_warm_up_that_fails_is_told() -> None:
    pool = Children(count=1, memory_mib=MIB, timeout_s=5, name="test", initializer=exec, initargs=("1/0",))
    with pytest.raises(PluginError, match="did not start"):
        await pool.start()
    await pool.close()


async def test_closing_twice_is_harmless_and_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    pool = Children(count=1, memory_mib=MIB, timeout_s=5, name="test")
    await pool.start()
    (pid,) = pool.pids
    folder = await pool.run(os.getcwd)
    await pool.close()
    await pool.close()
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(folder).exists()


async def test_what_killed_processes_left_is_swept_and_what_is_held_or_fresh_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, fresh, foreign = tmp_path / "ecoo-child-x-old", tmp_path / "ecoo-child-x-fresh", tmp_path / "else-old"
    first = Children(count=1, memory_mib=MIB, timeout_s=5, name="first")
    held = Path(await first.run(os.getcwd))
    for folder in (old, fresh, foreign):
        folder.mkdir()
        (folder / "file").write_text("x")
    for folder in (old, foreign, held):
        os.utime(folder, (1_000_000, 1_000_000))
    second = Children(count=1, memory_mib=MIB, timeout_s=5, name="second")
    await second.start()
    assert not old.exists()
    assert fresh.exists()
    assert foreign.exists()
    assert held.exists()
    await asyncio.gather(first.close(), second.close())


def test_children_end_when_their_parent_is_killed() -> None:
    code = (
        "import asyncio, signal\n"
        "from engine.children import Children\n"
        "async def main():\n"
        "    pool = Children(count=2, memory_mib=300, timeout_s=60, name='orphan')\n"
        "    await pool.start()\n"
        "    task = asyncio.ensure_future(pool.run(exec, 'while True: pass'))\n"
        "    await asyncio.sleep(0)\n"
        "    print(*[line for t in __import__('pathlib').Path('/proc/self/task').iterdir() for line in (t / 'children').read_text().split()], flush=True)\n"
        "    await task\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 20
    while any(_lives(pid) for pid in pids) and time.monotonic() < until:
        os.sched_yield()
    assert not any(_lives(pid) for pid in pids)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
