"""Write events of sent messages in two layouts in turns, and print the cost of each as JSON.

This is a separate program (`python -m benchmarks.layouts MESSAGES`), since it needs the settings of the product and its
migrated database. *plain* is a row for each message, as `mailer_event` once had it. *packed* is what the product
writes. Both go by COPY into tables with the columns and the key of `mailer_event`, in a transaction for each slice.
Counters are written alike with both layouts, so they are not measured.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks import queries

TURNS: Final = 6
"""Each layout has this many turns, so that both see the same load of the machine."""
SHAPES: Final = {"parcels of 500": (500, 5), "quarters of parcels": (125, 4), "parcels of 1": (1, 50)}
"""The messages that a parcel has in a slice, and the parcels of a slice, by name."""

Sent = Sequence[tuple[int, str]]
"""Messages of one parcel in a slice, by id, with the replies of the peer."""
Rows = Iterator[tuple[object, ...]]


class Owner(NamedTuple):
    base: int
    batch_id: int = 1
    account_id: int = 1
    lane: int = 1


class Cost(NamedTuple):
    """The cost of a message: microseconds of CPU of worker and PostgreSQL, bytes of WAL, and stored bytes."""

    worker: float
    postgresql: float
    wal: float
    stored: float


class Bench:
    """Measure on one database session, whose server process is watched."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self.server = Path(f"/proc/{self.number(queries.BACKEND)}/schedstat")

    def number(self, query: str) -> int:
        self.cursor.execute(query)
        return int(self.cursor.fetchone()[0])

    def reading(self) -> tuple[float, float, float]:
        """Return the CPU seconds of this process and of the server process, and the position in the WAL."""
        server = int(self.server.read_text().split()[0]) / 1e9
        return time.process_time(), server, self.number(queries.WAL_POSITION)

    def measure(self, messages: int, shape: tuple[int, int], layouts: dict[str, Callable[[list[Sent]], None]]) -> Any:
        """Let each layout write this many messages, in turns, and return its costs in each turn."""
        for layout in layouts:
            self.cursor.execute(queries.MAKE_LAYOUT.format(layout=layout))
        costs: dict[str, list[tuple[float, ...]]] = {layout: [] for layout in layouts}
        for turn in range(TURNS):
            slices = list(slices_of(messages // TURNS, shape, first_base=1 + turn * messages))
            for layout in sorted(layouts, reverse=bool(turn % 2)):
                before = self.reading()
                for slice_ in slices:
                    layouts[layout](slice_)
                after = self.reading()
                costs[layout].append(tuple(end - begin for begin, end in zip(before, after, strict=True)))
        messages_written = TURNS * sum(len(sent) for slice_ in slices for sent in slice_)
        return {
            layout: [
                Cost(
                    worker * 1e6 * TURNS / messages_written,
                    server * 1e6 * TURNS / messages_written,
                    wal * TURNS / messages_written,
                    self.number(queries.LAYOUT_BYTES.format(layout=layout)) / messages_written,
                )
                for worker, server, wal in of_layout
            ]
            for layout, of_layout in costs.items()
        }


def slices_of(messages: int, shape: tuple[int, int], *, first_base: int) -> Iterator[list[Sent]]:
    """Yield slices of these messages, with replies such as Postfix gives."""
    size, parcels = shape
    for number in range(max(1, messages // (size * parcels))):
        bases = range(first_base + number * parcels, first_base + (number + 1) * parcels)
        yield [[(base * 512 + n, reply_to(base * 512 + n)) for n in range(size)] for base in bases]


def reply_to(message_id: int) -> str:
    return f"250 2.0.0 Ok: queued as {message_id * 2_654_435_761 % 2**40:010X}"


def main(messages: int) -> dict[str, Any]:
    """Return the costs by shape, layout and turn."""
    import django

    django.setup()
    from django.db import connection, transaction

    from foundation.statements import copy_rows
    from mailer.models import EventKind
    from mailer.outcomes.queries import COPY_EVENTS
    from mailer.outcomes.writing import Entry, rows_of

    def plain_rows(slice_: list[Sent], at: str) -> Rows:
        for sent in slice_:
            for message_id, reply in sorted(sent):
                yield message_id, int(EventKind.SENT), at, 1, None, reply or None

    def packed_rows(slice_: list[Sent], at: str) -> Rows:
        for sent in slice_:
            yield from rows_of(Entry(Owner(sent[0][0] // 512), 1, sent=sorted(sent), is_encrypted=True), at)

    def writer(statement: str, rows: Callable[[list[Sent], str], Rows]) -> Callable[[list[Sent]], None]:
        def write(slice_: list[Sent]) -> None:
            with transaction.atomic():
                copy_rows(statement, rows(slice_, dt.datetime.now(dt.UTC).isoformat()))

        return write

    layouts = {
        "plain": writer(queries.COPY_PLAIN, plain_rows),
        "packed": writer(COPY_EVENTS.replace("mailer_event", "bench_packed"), packed_rows),
    }
    connection.ensure_connection()
    with connection.cursor() as cursor:
        bench = Bench(cursor)
        return {name: bench.measure(messages, shape, layouts) for name, shape in SHAPES.items()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]))))
