"""The contestant Sluice: the real thing, HTTP in, a fleet of two Celery worker processes, all of it durable."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from benchmarks.contestants import Cpu, tree_cpu
from benchmarks.mail import HTML, SENDER, SUBJECT, TEXT, name, recipient
from benchmarks.sink import Sink
from stack.programs import product_programs, worker_program
from stack.running import RunningStack, running_stack

PERSONALIZATIONS = 1000
"""To a request: the most that Sluice takes."""
CALLERS = 4
"""At a time, each with a connection of its own."""
ENGINES = {"postgresql", "valkey"}


class Sluice:
    """A running one, as its caller and its operator see it."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.database = psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True)

    def schedule(self, messages: int, send_at: float) -> None:
        """In requests of 1,000, into one batch."""
        batch_id = self.create_batch()
        bodies = (
            mail_body(first, min(first + PERSONALIZATIONS, messages), send_at=int(send_at), batch_id=batch_id)
            for first in range(0, messages, PERSONALIZATIONS)
        )
        self.post_mails(bodies)

    def rest_seconds(self, messages: int) -> float:
        return 2.0

    def cpu(self) -> Cpu:
        pids: dict[bool, list[int]] = {True: [], False: []}
        for child in self.stack.processes.children:
            pids[child.program.name in ENGINES].append(child.process.pid)
        return Cpu(tree_cpu(pids[False]), tree_cpu(pids[True]))

    def create_batch(self) -> str:
        return str(self.ask("POST", "/v3/mail/batch")[1]["batch_id"])

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[Mapping[str, str], Any]:
        """Headers and body of an answer that is 2xx."""
        caller = Caller(self.stack)
        try:
            return caller.ask(method, path, b"" if body is None else json.dumps(body).encode())
        finally:
            caller.close()

    def post_mails(self, bodies: Iterator[bytes], callers: int = CALLERS) -> None:
        """By so many callers at a time; the first failure is raised when all have ended."""
        lock = threading.Lock()
        failures: list[Exception] = []

        def post() -> None:
            caller = Caller(self.stack)
            try:
                while not failures:
                    with lock:
                        body = next(bodies, None)
                    if body is None:
                        return
                    caller.ask("POST", "/v3/mail/send", body)
            except Exception as error:
                failures.append(error)
            finally:
                caller.close()

        threads = [threading.Thread(target=post, daemon=True) for _ in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]


class Caller:
    """One connection with a key; not for two threads."""

    def __init__(self, stack: RunningStack) -> None:
        self.connection = HTTPConnection(urlsplit(stack.base_url).netloc, timeout=120)
        self.headers = {"Authorization": f"Bearer {stack.logins.api_key}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: bytes) -> tuple[Mapping[str, str], Any]:
        """Headers and body of an answer that is 2xx."""
        self.connection.request(method, path, body, self.headers)
        answer: HTTPResponse = self.connection.getresponse()
        told = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {told[:500].decode(errors='replace')}")
        return dict(answer.headers), json.loads(told) if told else None

    def close(self) -> None:
        self.connection.close()


def mail_body(first: int, end: int, *, send_at: int | None = None, batch_id: str | None = None) -> bytes:
    """A request for recipients `first` … `end - 1`."""
    personalizations = ",".join(
        f'{{"to":[{{"email":"{recipient(n)}"}}],"substitutions":{{"-name-":"{name(n)}","-n-":"{n}"}}}}'
        for n in range(first, end)
    )
    shared = {
        "from": {"email": SENDER},
        "subject": SUBJECT,
        "content": [{"type": "text/plain", "value": TEXT}, {"type": "text/html", "value": HTML}],
        **({"send_at": send_at} if send_at is not None else {}),
        **({"batch_id": batch_id} if batch_id is not None else {}),
    }
    return f'{{"personalizations":[{personalizations}],{json.dumps(shared)[1:]}'.encode()


@contextmanager
def running(
    folder: Path, sink: Sink, *, workers: int = 2, environment: Mapping[str, str] | None = None
) -> Iterator[Sluice]:
    """`workers` is how many processes deliver."""
    given = {"SMTP_URL": sink.url, **(environment or {})}
    with running_stack(state=folder / "sluice", environment=given, programs=fleet(workers)) as stack:
        sluice = Sluice(stack)
        try:
            yield sluice
        finally:
            sluice.database.close()


def fleet(workers: int) -> Any:
    """The programs of a stack with so many worker processes that deliver."""

    def programs(folder: Path, port: int, environment: Mapping[str, str]) -> Any:
        chosen = worker_program(folder, environment, name="worker", queues="transactional,bulk", processes=workers)
        return [
            chosen if program.name == "worker" else program for program in product_programs(folder, port, environment)
        ]

    return programs
