"""Configure logging for structlog and the standard library, in web, workers and beat.

Logs go to standard error, since commands print their results on standard output (`create_key --json`). They are JSON
lines for programs, or text for a person with DEBUG or in a terminal.

A line never holds a secret or an address. Values with names such as `password`, and e-mail addresses, are hidden before
the line is written; keys, Authorization headers and passwords in URLs are hidden in the finished line, whichever
library wrote it. A value cannot start another line or move a terminal's cursor: control characters are escaped in both
formats. Only the first line of an exception's message is written, since the database quotes rows in the others.
"""

from __future__ import annotations

import logging
import logging.config
import re
import sys
import traceback
from collections.abc import Mapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from foundation.traces import chain_of

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
QUIET = {
    # They log two lines per task, and thousands of tasks run per minute. Failed tasks are logged as errors.
    "celery.worker.strategy": "WARNING",
    "celery.app.trace": "WARNING",
    # It logs a line per sweep.
    "celery.beat": "WARNING",
    # Errors of callers (4xx) are reported to the callers.
    "django.request": "ERROR",
}
"""The levels of noisy loggers. They are not applied with LOG_LEVEL=DEBUG."""
OWN_HANDLERS = ("django", "django.server")
"""Loggers whose own handlers are removed."""

HIDDEN = "***"
SECRET_NAMES = frozenset({"authorization", "cookie", "password", "secret", "secret_key", "api_key", "token"})
SECRET_SHAPES = (
    (re.compile(r"\bSG\.[\w-]{4,}\.[\w-]{4,}"), f"SG.{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(://[^\s/:@\"]*):[^\s/@\"]+@"), rf"\1:{HIDDEN}@"),
)
ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"/\\=&?*]{1,64}(?:@|%40)[\w-]{1,63}\.[\w.-]{1,190}")
"""An e-mail address, perhaps in a URL. The asterisk is that of a hidden password."""
TRACEBACKS = frozenset({"exc_info", "stack"})
"""The names of values that the renderer turns into tracebacks."""


def logging_config(*, level: str, is_readable: bool) -> dict[str, Any]:
    """Return the value of LOGGING. With `is_readable` lines are text for a person instead of JSON."""
    floors = {} if level == "DEBUG" else {name: max(level, floor, key=LEVELS.index) for name, floor in QUIET.items()}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": line_formatter, "is_readable": is_readable}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {name: {"handlers": [], "propagate": True, "level": level} for name in OWN_HANDLERS}
        | {name: {"level": floor} for name, floor in floors.items()},
    }


def set_up(config: dict[str, Any]) -> None:
    """Set up logging. Django calls this with LOGGING in every process; another call is harmless."""
    logging.config.dictConfig(config)
    if structlog.is_configured():
        # Loggers that were used keep the list of processors that they found.
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            *common_fields(),
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def common_fields() -> list[Processor]:
    """Return the processors that add the fields of every line, whichever library wrote it."""
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
    ]


def line_formatter(*, is_readable: bool) -> logging.Formatter:
    drop_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return LineFormatter(
        foreign_pre_chain=common_fields(),
        processors=[drop_meta, hide_by_name, *(as_text() if is_readable else as_json())],
    )


def as_text() -> list[Processor]:
    # structlog's rich tracebacks would show the values of local variables.
    renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=write_exception)
    return [hide_addresses, escape_controls, renderer]


def as_json() -> list[Processor]:
    exceptions = structlog.processors.ExceptionRenderer(format_exception)
    return [exceptions, hide_addresses, in_reading_order, structlog.processors.JSONRenderer()]


class LineFormatter(structlog.stdlib.ProcessorFormatter):
    """Format a finished line without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return hide_by_shape(super().format(record))


def hide_addresses(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Hide e-mail addresses in all values, also within collections."""
    return {name: value if name in TRACEBACKS else without_addresses(value) for name, value in event.items()}


def without_addresses(value: Any) -> Any:
    """Return the value with HIDDEN for each address. Objects other than numbers and collections become text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {without_addresses(name): without_addresses(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [without_addresses(item) for item in value]
    return ADDRESS.sub(HIDDEN, hide_by_shape(value if isinstance(value, str) else repr(value)))


def escape_controls(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Escape each value, so that a person can read it on one line. JSON escapes values itself."""
    return {
        escape(name): value if name in TRACEBACKS else escape(value if isinstance(value, str) else repr(value))
        for name, value in event.items()
    }


def escape(text: str) -> str:
    """Return the text with everything that is not printable as a Python escape."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def write_exception(output: TextIO, exc_info: ExcInfo) -> None:
    """Write a traceback behind a line of text."""
    output.write(f"\n{format_exception(exc_info)}")


def format_exception(exc_info: ExcInfo) -> str:
    """Return the traceback of an exception and of those that it followed from, with the first line of each message."""
    return "\n".join(
        f"Traceback (most recent call last):\n{''.join(traceback.format_tb(error.__traceback__))}{_headline(error)}"
        for error in reversed(list(chain_of(exc_info[1])))
    )


def _headline(error: BaseException) -> str:
    try:
        message = escape(without_addresses(str(error).partition("\n")[0]))
    except Exception:
        message = "(its message cannot be shown)"
    return f"{type(error).__qualname__}: {message}" if message else type(error).__qualname__


def hide_by_name(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Hide the values whose names say that they are secret."""
    return {name: HIDDEN if name.lower() in SECRET_NAMES else value for name, value in event.items()}


def hide_by_shape(line: str) -> str:
    for shape, instead in SECRET_SHAPES:
        line = shape.sub(instead, line)
    return line


def in_reading_order(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Put time, level, logger and event first, since people read these lines, too."""
    first = {name: event.pop(name) for name in ("timestamp", "level", "logger", "event") if name in event}
    return {**first, **event}
