"""A line is for machines or for a person, whoever wrote it, and never holds a secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from config.logs import LEVELS, QUIET, line_formatter, logging_config

NAME = "tests.logs"
KEY = "SG.abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
log = structlog.get_logger(NAME)


class Written:
    """What the logger `tests.logs` has written."""

    def __init__(self, *, is_readable: bool) -> None:
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(line_formatter(is_readable=is_readable))

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture(params=[False], ids=["json"])
def written(request: pytest.FixtureRequest) -> Iterator[Written]:
    """As in production, or with the parameter True as for a person."""
    logger = logging.getLogger(NAME)
    output = Written(is_readable=request.param)
    logger.addHandler(output.handler)
    logger.propagate = False
    yield output
    logger.propagate = True
    logger.removeHandler(output.handler)


def test_a_line_is_json_with_time_level_logger_and_event(written: Written) -> None:
    log.warning("worker is dead", worker=7)
    logging.getLogger(NAME).info("Connected to %s", "there")
    ours, theirs = written.lines
    assert list(ours) == ["timestamp", "level", "logger", "event", "worker"]
    assert (ours["level"], ours["logger"], ours["event"], ours["worker"]) == ("warning", NAME, "worker is dead", 7)
    assert (theirs["level"], theirs["logger"], theirs["event"]) == ("info", NAME, "Connected to there")
    assert all(line["timestamp"].endswith("Z") for line in (ours, theirs))


def test_a_traceback_stays_in_its_line_and_shows_no_values(written: Written) -> None:
    password = "hunter2-" * 3
    try:
        raise ValueError(len(password))
    except ValueError:
        log.exception("went wrong")
        logging.getLogger(NAME).exception("went wrong")
    assert ["ValueError: 24" in line["exception"] for line in written.lines] == [True, True]
    assert "hunter2-hunter2" not in written.text


@pytest.mark.parametrize("written", [False, True], ids=["json", "readable"], indirect=True)
def test_no_secret_is_ever_written(written: Written) -> None:
    log.info("request", headers={"Authorization": f"Bearer {KEY}"}, authorization="Basic dXNlcjpwYXNzd29yZA==")
    log.info("account", password="correct horse", api_key=KEY, Cookie="sessionid=correct horse")
    logging.getLogger(NAME).info("GET /v3/scopes Authorization: Bearer %s", KEY)
    logging.getLogger(NAME).info("Authorization: Basic dXNlcjpwYXNzd29yZA==")
    logging.getLogger(NAME).error("Cannot connect to smtp://user:correct%20horse@smtp.example.com:587")
    try:
        raise ValueError(f"no key {KEY}")
    except ValueError:
        log.exception("refused", exc_info=True)
    for secret in (KEY, KEY.split(".")[2], "dXNlcjpwYXNzd29yZA", "correct"):
        assert secret not in written.text
    assert "smtp://user:***@smtp.example.com:587" in written.text
    assert "no key SG.***" in written.text


@pytest.mark.parametrize("written", [True], ids=["readable"], indirect=True)
def test_a_person_reads_a_plain_line(written: Written) -> None:
    log.warning("worker is dead", worker=7)
    assert "worker is dead" in written.text
    assert not written.text.startswith("{")


def test_a_level_set_higher_is_not_lowered_for_anyone() -> None:
    for level in LEVELS[1:]:
        loggers = logging_config(level=level, is_readable=False)["loggers"]
        assert all(LEVELS.index(settings["level"]) >= LEVELS.index(level) for settings in loggers.values())


def test_at_debug_everybody_speaks() -> None:
    assert not QUIET.keys() & logging_config(level="DEBUG", is_readable=False)["loggers"].keys()
