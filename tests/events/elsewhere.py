"""Run functions in another thread, and so in another database session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def in_another_session() -> Iterator[Callable[..., Any]]:
    """Provide a function that calls another one in a thread with a database session, and returns what it returns."""
    with ThreadPoolExecutor(1) as thread:
        try:
            yield lambda function, *arguments: thread.submit(function, *arguments).result(timeout=20)
        finally:
            thread.submit(lambda: connection.close()).result()
