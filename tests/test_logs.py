"""A log line is written for machines or for a person, and has no secret, address or control character."""

from __future__ import annotations

import ast
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from structlog.testing import capture_logs

from config.logs import LEVELS, QUIET, line_formatter, logging_config, set_up
from foundation.traces import describe_database_error, trace_of

NAME = "tests.logs"
KEY = "SG.abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
log = structlog.get_logger(NAME)


class Written:
    """The output of the logger `tests.logs`."""

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
    """Log as in production, or with the parameter True as for a person; return the output."""
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


both_formats = pytest.mark.parametrize("written", [False, True], ids=["json", "readable"], indirect=True)
CONTROLS = [chr(code) for code in (*range(32), *range(127, 160), 0x2028, 0x2029, 0x202E)]


@both_formats
def test_every_control_character_is_escaped(written: Written) -> None:
    for control in CONTROLS:
        value = f"a{control}b"
        log.warning(value, value=value, nested={"list": [value]}, error=ValueError(value), **{value: 1})
        logging.getLogger(NAME).warning("theirs %s", value)
    assert len(written.text.splitlines()) == 2 * len(CONTROLS)
    assert all(line.isprintable() for line in written.text.split("\n"))


@both_formats
def test_the_message_of_an_exception_cannot_forge_a_line(written: Written) -> None:
    for control in CONTROLS:
        try:
            try:
                raise KeyError("first")
            except KeyError:
                raise ValueError(f"second{control}[error] forged") from None
        except ValueError:
            log.exception("went wrong")
    assert not any(line.startswith("[error] forged") for line in written.text.splitlines())
    assert all(line.isprintable() for line in written.text.split("\n"))
    assert "KeyError" not in written.text, "it was raised from None"


@both_formats
@pytest.mark.parametrize(
    "address",
    ["ada@example.com", "ada.l+x@mail.example.co.uk", "grüße@example.com", "ada@bücher.example", "ada%40example.com"],
)
def test_no_address_is_written(written: Written, address: str) -> None:
    log.info("mail", to=address, nested=[{"to": address}], error=ValueError(address), line=f'to "{address}"\\"\n')
    logging.getLogger(NAME).error("Internal Server Error: /v3/suppression/bounces/%s", address)
    try:
        raise ValueError(f"bad <{address}>")
    except ValueError:
        log.exception("went wrong")
    for part in ("ada", "grü", "e@", "example", "cher"):
        assert part not in written.text


@both_formats
def test_a_row_that_the_database_quotes_is_not_written(written: Written, database: None) -> None:
    word = "hunter2"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("create temporary table secrets (word text primary key) on commit drop")
        cursor.execute("insert into secrets values (%s)", [word])
        with pytest.raises(IntegrityError, match=word) as caught, transaction.atomic():
            cursor.execute("insert into secrets values (%s)", [word])
    assert describe_database_error(caught.value) == "IntegrityError 23505"
    log.error("went wrong", exc_info=caught.value)
    assert "hunter2" not in written.text
    assert "violates unique constraint" in written.text


def test_only_of_a_lost_connection_the_databases_own_words_are_shown() -> None:
    assert describe_database_error(OperationalError("the connection is lost\nmore")) == "the connection is lost"
    assert describe_database_error(OperationalError()) == ""
    assert describe_database_error(DataError("invalid input: hunter2")) == "DataError"


def test_a_trace_names_types_and_places_but_no_message() -> None:
    def fail() -> None:
        try:
            int("hunter2")
        except ValueError as error:
            raise KeyError("hunter2") from error

    with pytest.raises(KeyError) as caught:
        fail()
    trace = trace_of(caught.value)
    assert trace.startswith("KeyError in ")
    assert ", after ValueError in " in trace
    assert "tests/test_logs.py:" in trace
    assert "hunter2" not in trace


def log_calls() -> Iterator[tuple[Path, ast.Call]]:
    """Return every call of a method of `log` in the product."""
    for package in (
        "accounts",
        "api",
        "batches",
        "campaigns",
        "config",
        "console",
        "events",
        "foundation",
        "mailer",
        "monitoring",
    ):
        for path in (settings.BASE_DIR / package).rglob("*.py"):
            if "get_logger" in (source := path.read_text()):
                calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
                yield from ((path, call) for call in calls if ast.unparse(call.func).startswith("log."))


SAFE_WORDS = frozenset({"trace_of", "describe_database_error"})


def test_no_call_of_the_product_logs_an_exceptions_message() -> None:
    calls = list(log_calls())
    assert len(calls) > 10
    for path, call in calls:
        assert isinstance(call.func, ast.Attribute)
        place = f"{path}:{call.lineno}"
        assert call.func.attr != "exception", place
        assert isinstance(call.args[0], ast.Constant), f"{place}: an event has a fixed name"
        for keyword in call.keywords:
            assert keyword.arg not in {None, "exc_info"}, place
            if keyword.arg == "error":
                words = ast.unparse(keyword.value)
                assert words.partition("(")[0] in SAFE_WORDS or words == "type(error).__name__", place


@pytest.mark.parametrize("written", [True], ids=["readable"], indirect=True)
def test_a_person_reads_a_plain_line(written: Written) -> None:
    log.warning("worker is dead", worker=7)
    assert "worker is dead" in written.text
    assert not written.text.startswith("{")


def test_a_logger_that_was_used_follows_a_later_change_after_django_is_set_up_again() -> None:
    log.info("used")
    set_up(settings.LOGGING)
    with capture_logs() as lines:
        log.info("used again")
    assert [line["event"] for line in lines] == ["used again"]


def test_a_level_set_higher_is_not_lowered_for_anyone() -> None:
    for level in LEVELS[1:]:
        loggers = logging_config(level=level, is_readable=False)["loggers"]
        assert all(LEVELS.index(settings["level"]) >= LEVELS.index(level) for settings in loggers.values())


def test_at_debug_every_logger_writes() -> None:
    assert not QUIET.keys() & logging_config(level="DEBUG", is_readable=False)["loggers"].keys()
