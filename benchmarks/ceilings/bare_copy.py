"""Write rows like those of messages by COPY, in transactions of 1,000, the most messages of a request."""

from __future__ import annotations

import json
import os
from pathlib import Path
from time import monotonic

import psycopg

from benchmarks.ceilings import queries
from benchmarks.mail import name, recipient
from benchmarks.sink import Sink
from stack.binaries import find_postgresql
from stack.folders import data_folder, locked
from stack.postgresql import start_postgresql
from stack.services import supervised

ROWS_AT_ONCE = 1000


def measure(folder: Path, sink: Sink, messages: int) -> float:
    """Return rows per second, on disk."""
    return rows_per_second(folder, messages, at_once=ROWS_AT_ONCE)


def rows_per_second(folder: Path, rows: int, *, at_once: int) -> float:
    """Return how many rows a second COPY writes into a new, durable PostgreSQL in `folder`.

    The text of the COPY is made before.
    """
    pieces = [copy_text(range(first, min(first + at_once, rows))) for first in range(0, rows, at_once)]
    folder = folder / "ceiling"
    with locked(folder) as lock, supervised(folder, lock) as processes:
        url = start_postgresql(processes, find_postgresql(os.environ), data_folder(folder), durable=True)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(queries.MAKE_ROWS)
            began_at = monotonic()
            for piece in pieces:
                with connection.cursor() as cursor, cursor.copy(queries.COPY_ROWS) as copy:
                    copy.write(piece)
            return rows / (monotonic() - began_at)


def copy_text(numbers: range) -> bytes:
    """Return the rows in COPY's text format."""
    lines = []
    for n in numbers:
        personal = json.dumps({"substitutions": {"-name-": name(n), "-n-": str(n)}})
        lines.append(f"{n}\t1\t{recipient(n)}\t{personal}\n")
    return "".join(lines).encode()
