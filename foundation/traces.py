"""Describe an exception for a log line by its type and its origin. Its message may quote a caller's values."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

from django.db import DatabaseError, InterfaceError, OperationalError

from foundation.postgresql import sqlstate_of

FRAMES = 12


def trace_of(error: BaseException) -> str:
    """Return the type of an exception and the innermost calls that it came through, on one line; then its causes."""
    return ", after ".join(f"{type(cause).__name__} in {_places_of(cause)}" for cause in chain_of(error))


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception, then one after the other the exceptions behind it: its causes and contexts."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        context = None if following.__suppress_context__ else following.__context__
        following = following.__cause__ or context


def describe_database_error(error: DatabaseError | InterfaceError) -> str:
    """Return the first line of the database's message about a failed connection.

    Of any other error return only its type and SQLSTATE, since the message may quote a row.
    """
    if isinstance(error, OperationalError | InterfaceError):
        return str(error).partition("\n")[0]
    return f"{type(error).__name__} {sqlstate_of(error)}".strip()


def _places_of(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return " > ".join(f"{'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno} {frame.name}" for frame in frames)
