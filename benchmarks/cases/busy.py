"""Measure pauses and resumes while 40 clients of another account keep the web server busy (case `busy-web`).

Of the 40, some never finish a request, some send theirs a byte at a time, and the others make the most expensive calls
one after the other: searches of contacts, exports, and mail of a thousand recipients with large bodies. They may be
refused (429, 503); the pauses may not.
"""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from benchmarks import queries
from benchmarks.contest import alone
from benchmarks.measured import Figure, Measured, spread
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from benchmarks.sluice import PERSONALIZATIONS, Sluice, mail_body
from stack.say import say

CONTACTS = 100_000
WAITING = 10_000
ROUNDS = 100
SILENT, SLOW, CALLING = 8, 8, 24
"""The numbers of clients that never finish a request, that send it slowly, and that make calls without a pause."""
BUSY_SECONDS = 2.0
"""The time that the clients have before the first pause."""
SLOW_SECONDS = 0.2
"""The time between two bytes."""
LARGE_BYTES = 4_000_000
AHEAD_SECONDS = 24 * 3600
PATH = "/v3/user/scheduled_sends"
SEARCHES = (
    "first_name LIKE '%9%' AND email LIKE '%1%2%'",
    "email LIKE '%7%' OR last_name IS NULL AND first_name LIKE '%e%4%'",
)
Call = tuple[str, str, bytes]
"""Method, path and body."""


def measure(setting: Setting) -> Measured:
    """Measure pauses and resumes of a batch of an account that does nothing else."""
    times: dict[str, list[float]] = {"pause": [], "resume": []}
    settled = 0
    with alone(setting) as (sluice, _):
        contacts = setting.size(CONTACTS, quick=500)
        sluice.database.execute(queries.FILL_AUDIENCE, {"contacts": contacts, "name": "busy-web"})
        sluice.database.execute("analyze")
        caller = other_account(sluice).caller()
        batch_id = str(caller.ask("POST", "/v3/mail/batch")[1]["batch_id"])
        waiting = setting.size(WAITING, quick=PERSONALIZATIONS)
        send_at = int(time.time()) + AHEAD_SECONDS
        for first in range(0, waiting, PERSONALIZATIONS):
            body = mail_body(first, first + PERSONALIZATIONS, send_at=send_at, batch_id=batch_id)
            caller.ask("POST", "/v3/mail/send", body)
        say(f"{SILENT + SLOW + CALLING} clients of another account start, with {contacts:,} contacts")
        with busy(sluice) as answers:
            time.sleep(setting.size(1, quick=0) * BUSY_SECONDS)
            for _ in range(setting.size(ROUNDS, quick=3)):
                for name, call in moves(batch_id):
                    asked_at = time.monotonic()
                    headers, _body = caller.ask(*call)
                    times[name].append((time.monotonic() - asked_at) * 1000)
                    settled += headers["X-Sluice-Settled"] == "true"
        caller.close()
    statuses = {f"answers {status} to the others": count for status, count in sorted(answers.items())}
    return Measured(
        [
            *(figure for name in times for figure in spread(name, times[name])),
            Figure("settled, share of the calls", {SLUICE: [settled / sum(map(len, times.values()))]}),
        ],
        facts=statuses,
        is_sound=settled == sum(map(len, times.values())),
    )


def other_account(sluice: Sluice) -> Sluice:
    """Return the same stack with the key of a new account."""
    sluice.stack.manage("create_account", "busy-web")
    key = json.loads(sluice.stack.manage("create_key", "busy-web", "--json"))["api_key"]
    other = Sluice(sluice.stack)
    other.database.close()
    other.headers = {"Authorization": f"Bearer {key}"}
    return other


def moves(batch_id: str) -> list[tuple[str, Call]]:
    """Return the calls of a pause and of the resume that takes it back."""
    pause = json.dumps({"batch_id": batch_id, "status": "pause"}).encode()
    return [("pause", ("POST", PATH, pause)), ("resume", ("DELETE", f"{PATH}/{batch_id}", b""))]


@contextmanager
def busy(sluice: Sluice) -> Iterator[Counter[int]]:
    """Run the clients until the end of the block; yield the count of their answers by status."""
    answers: Counter[int] = Counter()
    end = threading.Event()
    calls = expensive_calls()
    clients = [
        *(threading.Thread(target=stay_silent, args=[sluice, end]) for _ in range(SILENT)),
        *(threading.Thread(target=send_slowly, args=[sluice, end]) for _ in range(SLOW)),
        *(threading.Thread(target=call_on, args=[sluice, end, calls, n, answers]) for n in range(CALLING)),
    ]
    for client in clients:
        client.start()
    try:
        yield answers
    finally:
        end.set()
        for client in clients:
            client.join()


def expensive_calls() -> list[Call]:
    """Return one call of each kind."""
    large = json.loads(mail_body(0, PERSONALIZATIONS, send_at=int(time.time()) + AHEAD_SECONDS))
    large["content"][1]["value"] += "x" * LARGE_BYTES
    condition = {"field": "email", "value": "1", "operator": "contains", "and_or": ""}
    return [
        *(("POST", "/v3/marketing/contacts/search", json.dumps({"query": query}).encode()) for query in SEARCHES),
        ("POST", "/v3/contactdb/recipients/search", json.dumps({"conditions": [condition]}).encode()),
        ("POST", "/v3/marketing/contacts/exports", b"{}"),
        ("POST", "/v3/mail/send", mail_body(0, PERSONALIZATIONS, send_at=int(time.time()) + AHEAD_SECONDS)),
        ("POST", "/v3/mail/send", json.dumps(large).encode()),
    ]


def call_on(sluice: Sluice, end: threading.Event, calls: list[Call], number: int, answers: Counter[int]) -> None:
    """Make one expensive call after the other, as fast as they are answered."""
    headers = {"Content-Type": "application/json", **sluice.headers}
    connection = HTTPConnection(address_of(sluice)[0], address_of(sluice)[1], timeout=120)
    for method, path, body in itertools.islice(itertools.cycle(calls), number, None):
        if end.is_set():
            break
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            answers[answer.status] += 1
        except (OSError, HTTPException):
            # A client that is refused while it sends its body may see only the end of the connection.
            answers[0] += 1
            connection.close()
    connection.close()


def stay_silent(sluice: Sluice, end: threading.Event) -> None:
    """Begin a request and do not finish it."""
    with socket.create_connection(address_of(sluice)) as line:
        line.sendall(b"POST /v3/mail/send HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n")
        end.wait()


def send_slowly(sluice: Sluice, end: threading.Event) -> None:
    """Send the body of a request a byte at a time; begin again when the server closes the connection."""
    while not end.is_set():
        with suppress(OSError), socket.create_connection(address_of(sluice)) as line:
            line.sendall(b"POST /v3/mail/send HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
            while not end.wait(SLOW_SECONDS):
                line.sendall(b" ")


def address_of(sluice: Sluice) -> tuple[str, int]:
    parts = urlsplit(sluice.stack.base_url)
    return parts.hostname or "", parts.port or 80
