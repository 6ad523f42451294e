"""The benchmark measures what it says: both pipelines' certificates are sound, and the figures have the promised names."""

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine import demo
from engine.bench import Demonstration, Result, measure, origin
from engine.bench.load import load as put_load
from engine.bench.origin import measure_origin, through_growth
from engine.bench.result import Figure
from engine.bench.serving import fill
from engine.bench.timing import Case, in_turn
from engine.certificate import is_code, number_slip
from engine.config import Config
from engine.contracts.origin import Outcome
from engine.errors import PluginError
from engine.filing.origin import find_elsewhere, goods_of_sheet
from engine.filing.sheets import check_sheet
from engine.registry import load

DEMONSTRATION = Demonstration(demo.ensure_demo, demo.OFFICER, demo.demo_key)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the benchmark may make its own folder."""
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def result(folder: Path) -> Iterator[Result]:
    """One quick run, in a thread of its own, for it brings its own event loops."""
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as thread:
        patch.setattr("tempfile.tempdir", str(folder))
        yield thread.submit(measure, Config(Path("engine.toml")), DEMONSTRATION, rounds=1, quick=True).result()


def test_one_quick_run_gives_every_promised_figure(result: Result) -> None:
    """Other programs read these keys."""
    said = json.loads(json.dumps(result.as_json()))
    assert said["ratio_to_naive"] > 0
    assert said["certificates_per_second"] > 0
    assert set(said["peers"]) == {"naive", "product", "unproven", "corridor"}
    for timed in [*said["peers"].values(), *said["signing"].values(), *said["drawing"].values()]:
        assert timed["ms"] > 0
        assert timed["ratio"] > 0
    assert said["peers"]["naive"]["ratio"] == said["signing"]["naive_signing"]["ratio"] == said["drawing"]["naive_drawing"]["ratio"] == 1


def test_the_origin_check_of_the_benchmark_decides_something_everywhere() -> None:
    today = date(2026, 11, 21)
    verdicts = find_elsewhere(goods_of_sheet(origin._sheet(), on=today), load().in_force(today))
    assert len(verdicts) == 24
    assert {each.outcome for each in verdicts} == set(Outcome), "a check that ends early measures nothing"
    assert check_sheet(origin._sheet()) == []
    measured = measure_origin(today, rounds=1)
    assert measured.ms > 0
    assert 0 < measured.peak_mib < 50


async def test_growth_compares_few_goods_with_many() -> None:
    today = date(2026, 11, 21)
    assert await through_growth([load().form("MERCOSUR", today)], today, rounds=1, memory_mib=1024) > 0.05


def test_what_a_quick_run_leaves_out_reads_as_not_measured(result: Result) -> None:
    """No figure is made up."""
    said = result.as_json()
    assert (said["batch"], said["drawing_batch"], said["look_ups"], said["drawing_rss_mib"]) == (None, None, None, None)
    assert result.plain().count("not measured") == 13
    assert said["goals"]["look_up_flat"] == {"value": None, "goal": 0.8, "met": None}


def test_both_pipelines_make_signed_pdfs_with_the_same_words(result: Result) -> None:
    """Otherwise they would not be peers. That the signatures hold was checked before anything was timed."""
    pypdfium2 = pytest.importorskip("pypdfium2")
    words: dict[str, set[str]] = {}
    for name, pdf in result.pipelines.pdfs.items():
        page = pypdfium2.PdfDocument(pdf)[0].get_textpage()
        words[name] = set(page.get_text_bounded().split())
        assert b"/ETSI.CAdES.detached" in pdf
    number = result.pipelines.request.number
    filled = {word for lines in result.pipelines.request.filled.boxes.values() for line in lines for word in line.split()}
    assert {number, *filled} <= words["naive"]
    assert {number, *filled} <= words["product"]


def test_nothing_is_left_behind(result: Result, folder: Path) -> None:
    """Keys of the demonstration least of all."""
    assert result.pipelines.pdfs
    assert list(folder.iterdir()) == []


def test_the_cases_take_turns_and_the_argument_is_made_untimed() -> None:
    """A B, A B: so that a slow moment of the machine hits both."""
    seen: list[str] = []
    cases = [Case(name, lambda made: seen.append(f"act {made}"), partial(_made, seen, name)) for name in ("a", "b")]
    timed = in_turn(cases, rounds=2, warm_up=1)
    assert seen == ["ready a", "act a", "ready b", "act b"] * 3
    assert list(timed) == ["a", "b"]
    assert timed["a"].ratio == 1
    assert timed["b"].rounds == 2


def _made(seen: list[str], name: str) -> str:
    seen.append(f"ready {name}")
    return name


def test_a_figure_says_whether_its_goal_is_met() -> None:
    """At least, or below."""
    assert Figure("x", "speed", 1.8, 1.8).met is True
    assert Figure("x", "speed", 1.79, 1.8).met is False
    assert Figure("x", "memory", 200, 200, at_least=False).met is False
    assert "MISSED" in Figure("x", "memory", 201, 200, at_least=False).line
    assert Figure("x", "speed", None, 1.8).met is None


def test_a_filled_register_has_numbers_and_codes_like_ours(tmp_path: Path) -> None:
    """Each once, with a right check character, and those that are asked for are in it."""
    like = dict.fromkeys(["id", "application", "live_key", "approval", "number", "number_key", "code", "serial", "state"], "issued")
    with contextlib.closing(sqlite3.connect(tmp_path / "register.db")) as register:
        register.execute(f"CREATE TABLE certificate ({', '.join(like)})")
    numbers, codes = fill(tmp_path / "register.db", like, 40)
    with contextlib.closing(sqlite3.connect(tmp_path / "register.db")) as register:
        rows = register.execute("SELECT number, code, state FROM certificate").fetchall()
    assert len({number for number, _, _ in rows}) == len({code for _, code, _ in rows}) == 40
    assert {state for _, _, state in rows} == {"issued"}
    assert set(zip(numbers, codes, strict=True)) == {(number, code) for number, code, _ in rows}
    assert all(is_code(code) for code in codes)
    assert not any(number_slip(number) for number in numbers)


class _Answers(BaseHTTPRequestHandler):
    """Answers /yes, and nothing else; keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        right = self.path == "/yes" and self.headers["Authorization"] == "Bearer key"
        self.send_response(200 if right else 404)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    """A small server of our own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("wrk", ["as installed", None])
def test_the_load_counts_answers_and_refuses_any_other_than_200(
    port: int, tmp_path: Path, wrk: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fast error is no fast answer; by wrk where it is installed, and by our own client."""
    if wrk is None:
        monkeypatch.setattr("shutil.which", lambda _: None)
    with ThreadPoolExecutor(1) as thread:

        def ask(path: str) -> Any:
            return thread.submit(put_load, port, [path], key="key", seconds=0.2, folder=tmp_path).result()

        assert ask("/yes").per_second > 0
        with pytest.raises(PluginError, match="did not answer everything"):
            ask("/no")
