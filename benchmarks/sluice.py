"""Run the contestant Sluice: the complete product over HTTP, two Celery worker processes, and everything durable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from benchmarks import queries
from benchmarks.callers import Caller
from benchmarks.contestants import Cpu, tree_cpu
from benchmarks.http_load import prepare, requests_per_second
from benchmarks.mail import HTML, SENDER, SUBJECT, TEXT, name, recipient
from benchmarks.sink import Sink
from stack.processes import Program
from stack.programs import product_programs, worker_program
from stack.running import EMBEDDED, Programs, RunningStack, running_stack
from stack.say import say
from stack.waiting import wait_until

PERSONALIZATIONS = 1000
"""The personalizations of a request: the maximum of Sluice."""
CALLERS = 4
"""The number of concurrent callers, each with a connection."""
ENGINES = ("postgresql", "valkey")
FILLED_AT_ONCE = 500_000


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of mail: the part of a request that its messages share, and a function for the JSON of one message."""

    shared: Mapping[str, Any]
    own: Callable[[int], str]


ORDER = Kind(
    {
        "subject": SUBJECT,
        "content": [{"type": "text/plain", "value": TEXT}, {"type": "text/html", "value": HTML}],
    },
    lambda n: f'"substitutions":{{"-name-":"{name(n)}","-n-":"{n}"}}',
)
"""The mail of every benchmark that names no other."""


class Sluice:
    """A running Sluice, as its callers and its operator use it. `kind` is the mail that `schedule` sends."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.kind = ORDER
        self.headers = {"Authorization": f"Bearer {stack.logins.api_key}"}
        self.database = psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True)

    def schedule(self, messages: int, send_at: float) -> None:
        """Schedule the messages in requests of 1,000, into one batch."""
        batch_id = self.create_batch()
        self.post_mails(
            (
                mail_body(
                    first,
                    min(first + PERSONALIZATIONS, messages),
                    send_at=int(send_at),
                    batch_id=batch_id,
                    kind=self.kind,
                )
                for first in range(0, messages, PERSONALIZATIONS)
            ),
            callers=CALLERS,
        )

    def rest_seconds(self, messages: int) -> float:
        return 1.0

    def cpu(self) -> Cpu:
        return Cpu(tree_cpu(self.pids(*self.programs())), tree_cpu(self.pids(*ENGINES)))

    def programs(self) -> list[str]:
        """Return the names of all programs except the engines."""
        return [child.program.name for child in self.stack.processes.children if child.program.name not in ENGINES]

    def pids(self, *names: str) -> list[int]:
        return [child.process.pid for child in self.stack.processes.children if child.program.name in names]

    def create_batch(self) -> str:
        return str(self.ask("POST", "/v3/mail/batch")[1]["batch_id"])

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[Mapping[str, str], Any]:
        """Return headers and body of a 2xx answer."""
        caller = self.caller()
        try:
            return caller.ask(method, path, b"" if body is None else json.dumps(body).encode())
        finally:
            caller.close()

    def caller(self) -> Caller:
        return Caller(self.stack.base_url, self.headers)

    def post_mails(self, bodies: Iterator[bytes], *, callers: int) -> float:
        """Post the mails and return the requests a second."""
        headers = {"Content-Type": "application/json", **self.headers}
        requests = (prepare("POST", "/v3/mail/send", headers, body) for body in bodies)
        return requests_per_second(urlsplit(self.stack.base_url).port or 80, requests, callers)

    def fill(self, batch_id: str, messages: int, *, send_at: float, span_seconds: float = 0) -> None:
        """Add messages to a batch by SQL: the rows that accept writes, with a mail that was accepted over HTTP.

        Each parcel of 500 has a different time between `send_at` and `span_seconds` later.
        """
        self.post_mails(iter([mail_body(0, 1, send_at=int(send_at), batch_id=batch_id)]), callers=1)
        for first in range(0, messages, FILLED_AT_ONCE):
            size = min(FILLED_AT_ONCE, messages - first)
            after = self.number(queries.LAST_PARCEL)
            with self.database.transaction():
                values = {"batch": batch_id, "messages": size, "from": send_at, "span": span_seconds, "after": after}
                self.database.execute(queries.FILL_PARCELS, values)
                self.database.execute(queries.FILL_MESSAGES, values)
            if messages > FILLED_AT_ONCE:
                say(f"  {first + size:,} of {messages:,} messages are waiting …")
        self.database.execute("analyze")

    def wait_for_nodes(self) -> None:
        """Wait until the small loop of every worker runs. It starts after its worker, and its start costs CPU time."""
        workers = sum("worker" in child.program.command for child in self.stack.processes.children)
        self.stack.wait_until(
            lambda: self.number(queries.NODES) >= workers, seconds=30, what="the nodes of all workers"
        )

    def outcomes(self) -> int:
        """Return the number of messages of all waves that are sent, on disk."""
        return self.number(queries.OUTCOMES)

    def number(self, query: str) -> int:
        """Return the number that a query gives."""
        row = self.database.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])

    def wait_for_outcomes(self, messages: int) -> None:
        """Wait until this many messages of all waves are sent, on disk. Raises StackError after 30 s."""
        wait_until(lambda: self.outcomes() >= messages, seconds=30, what=f"{messages:,} durable outcomes")


def mail_body(
    first: int, end: int, *, send_at: int | None = None, batch_id: str | None = None, kind: Kind = ORDER
) -> bytes:
    """Return a request for recipients `first` … `end - 1`."""
    personalizations = ",".join(f'{{"to":[{{"email":"{recipient(n)}"}}],{kind.own(n)}}}' for n in range(first, end))
    shared = {
        "from": {"email": SENDER},
        **kind.shared,
        **({"send_at": send_at} if send_at is not None else {}),
        **({"batch_id": batch_id} if batch_id is not None else {}),
    }
    return f'{{"personalizations":[{personalizations}],{json.dumps(shared)[1:]}'.encode()


@contextmanager
def running(
    folder: Path, sink: Sink, *, workers: int = 2, environment: Mapping[str, str] | None = None
) -> Iterator[Sluice]:
    """Run Sluice; `workers` is the number of delivering processes."""
    variables = {**EMBEDDED, "SMTP_URL": sink.url, **(environment or {})}
    with running_stack(state=folder / "sluice", environment=variables, programs=fleet(workers)) as stack:
        sluice = Sluice(stack)
        try:
            sluice.wait_for_nodes()
            yield sluice
        finally:
            sluice.database.close()


def fleet(workers: int) -> Programs:
    """Return the programs of a stack with this number of delivering processes."""

    def programs(folder: Path, port: int, environment: Mapping[str, str]) -> list[Program]:
        worker = worker_program(folder, environment, name="worker", queues="transactional,bulk", processes=workers)
        usual: Sequence[Program] = product_programs(folder, port, environment)
        return [worker if program.name == "worker" else program for program in usual]

    return programs
