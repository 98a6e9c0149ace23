"""Logging: one way out for structlog and the standard library, web, workers and beat.

To standard error, since commands answer on standard output (`create_key --json`). JSON lines for machines, text for a
person: with DEBUG, or in a terminal.

A line never holds a secret or an address: values of telling names and what looks like an e-mail address are hidden
before it is written, and what looks like a key, an Authorization header or a URL's password in the finished line,
whoever wrote it. Nor can a value begin another line or move a terminal's cursor: control characters are escaped in both
formats. Of an exception's message only the first line is written, since the database quotes rows in the others.
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
    # Two lines a task, of which the fleet runs thousands a minute; a task that fails is an error and stays.
    "celery.worker.strategy": "WARNING",
    "celery.app.trace": "WARNING",
    # A line for each sweep.
    "celery.beat": "WARNING",
    # A caller's mistake (4xx) is the caller's to read.
    "django.request": "ERROR",
}
"""At LOG_LEVEL=DEBUG they all speak."""
OWN_HANDLERS = ("django", "django.server")
"""Loggers that come with handlers of their own, which are taken from them."""

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
"""Names of what the renderer turns into lines of code."""


def logging_config(*, level: str, is_readable: bool) -> dict[str, Any]:
    """For LOGGING. `is_readable`: for a person rather than as JSON."""
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
    """For LOGGING_CONFIG: Django calls it with LOGGING, in every process. Harmless when called again."""
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            *said_by_all(),
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def said_by_all() -> list[Processor]:
    """What every line says, whichever library wrote it."""
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
    ]


def line_formatter(*, is_readable: bool) -> logging.Formatter:
    drop_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return LineFormatter(
        foreign_pre_chain=said_by_all(),
        processors=[drop_meta, hide_by_name, *(as_text() if is_readable else as_json())],
    )


def as_text() -> list[Processor]:
    # Never structlog's rich tracebacks: they show the values of local variables.
    renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=write_exception)
    return [hide_addresses, escape_controls, renderer]


def as_json() -> list[Processor]:
    exceptions = structlog.processors.ExceptionRenderer(format_exception)
    return [exceptions, hide_addresses, in_reading_order, structlog.processors.JSONRenderer()]


class LineFormatter(structlog.stdlib.ProcessorFormatter):
    """One finished line, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return hide_by_shape(super().format(record))


def hide_addresses(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Hide e-mail addresses in all values, those within others included."""
    return {name: value if name in TRACEBACKS else without_addresses(value) for name, value in event.items()}


def without_addresses(value: Any) -> Any:
    """Return the value with HIDDEN for each address; an object that is neither text, number nor collection as text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {without_addresses(name): without_addresses(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [without_addresses(each) for each in value]
    return ADDRESS.sub(HIDDEN, hide_by_shape(value if isinstance(value, str) else repr(value)))


def escape_controls(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Make each value one that a person can read on one line; JSON does so by itself."""
    return {
        escape(name): value if name in TRACEBACKS else escape(value if isinstance(value, str) else repr(value))
        for name, value in event.items()
    }


def escape(text: str) -> str:
    """Return the text with everything that is not printable as a Python escape."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def write_exception(output: TextIO, exc_info: ExcInfo) -> None:
    """Write a traceback behind a line of text."""
    output.write(f"\n{format_exception(exc_info)}")


def format_exception(exc_info: ExcInfo) -> str:
    """Return the traceback of an exception and of those that it followed from, with the first line of each message."""
    return "\n".join(
        f"Traceback (most recent call last):\n{''.join(traceback.format_tb(each.__traceback__))}{_headline(each)}"
        for each in reversed(list(chain_of(exc_info[1])))
    )


def _headline(error: BaseException) -> str:
    try:
        message = escape(without_addresses(str(error).partition("\n")[0]))
    except Exception:
        message = "(its message cannot be shown)"
    return f"{type(error).__qualname__}: {message}" if message else type(error).__qualname__


def hide_by_name(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Values whose name says that they are secret."""
    return {name: HIDDEN if name.lower() in SECRET_NAMES else value for name, value in event.items()}


def hide_by_shape(line: str) -> str:
    for shape, instead in SECRET_SHAPES:
        line = shape.sub(instead, line)
    return line


def in_reading_order(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """When, how bad, who, what, then the rest: lines are read in this order by people too."""
    first = {name: event.pop(name) for name in ("timestamp", "level", "logger", "event") if name in event}
    return {**first, **event}
