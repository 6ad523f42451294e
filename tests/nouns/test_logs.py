"""Logs: one JSON line each, and nothing that has no field."""

import json
import logging

import pytest

from engine import log


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    log.set_up("info")
    return capsys


def test_an_event_is_one_json_line_with_the_fields_it_may_have(lines: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("engine.issuing").info("issued", extra={"number": "EIA/2026/MUM/0000001X", "exporter": "A FIRM", "pin": "1234"})
    said = json.loads(lines.readouterr().err)
    assert (said["event"], said["number"], said["level"]) == ("issued", "EIA/2026/MUM/0000001X", "info")
    assert not {"exporter", "pin"} & set(said)


def test_a_line_break_cannot_make_a_second_line(lines: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("engine.issuing").warning("held", extra={"problem": 'x\n{"event": "issued"}'})
    assert len(lines.readouterr().err.strip().splitlines()) == 1


def test_libraries_speak_from_warnings_up(lines: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("some.library").info("chatter")
    logging.getLogger("some.library").warning("trouble")
    assert [json.loads(line)["event"] for line in lines.readouterr().err.splitlines()] == ["trouble"]
