"""Test the sink that counts the messages of a benchmark."""

from __future__ import annotations

import smtplib
import socket
import time
from pathlib import Path

import pytest

from benchmarks import sink
from tests.examples import few_by_default

CLIENTS = 100
"""Clients of a slow sink. If they waited for each other, the last one would have its replies after five seconds."""


@pytest.fixture(params=few_by_default(["C", "Python"], "Python"))
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "Python":
        monkeypatch.setattr(sink.shutil, "which", lambda _: None)
    return str(request.param)


def test_the_sink_records_its_messages(kind: str, tmp_path: Path) -> None:
    began_at = time.time()
    with sink.running_sink(tmp_path) as running:
        assert (running.kind, running.url) == (kind, f"smtp://127.0.0.1:{running.port}")
        with smtplib.SMTP("127.0.0.1", running.port, timeout=10) as client:
            for number, body in enumerate(("One.\r\n", ".\r\n", "\r\n.\r\n.\r\n" + "x" * 600_000, "")):
                client.sendmail("a@example.com", [f"r{number}@example.com", "r99@example.com"], body)
            client.sendmail("a@example.com", ["nobody@example.com"], "One.\r\n")
            assert running.count() == 5
            assert [number for _, number in running.arrivals()] == [0, 1, 2, 3, -1]
            times = [at for at, _ in running.arrivals()]
            assert times == sorted(times)
            assert began_at < times[0] < times[-1] < time.time()
            running.forget()
            assert (running.count(), running.arrivals()) == (0, [])
            client.sendmail("a@example.com", ["r7@example.com"], "One.\r\n")
            assert [number for _, number in running.arrivals()] == [7]


def test_pipelined_commands_are_answered_at_once_and_in_order(kind: str, tmp_path: Path) -> None:
    with sink.running_sink(tmp_path) as running, connect(running) as client:
        client.sendall(envelope(1))
        assert replies(client, 3) == [b"250", b"250", b"354"]
        client.sendall(b"One.\r\n.\r\n" + envelope(2))
        assert replies(client, 4) == [b"250", b"250", b"250", b"354"]
        # A final dot in two pieces, and a line that only begins with a dot.
        for part in (b"..\r\n.x\r", b"\n", b".", b"\r\n", b"NOO", b"P\r\n"):
            client.sendall(part)
            time.sleep(0.01)
        assert replies(client, 2) == [b"250", b"250"]
        assert [number for _, number in running.arrivals()] == [1, 2]


def test_a_slow_sink_delays_each_reply_but_no_other_connection(kind: str, tmp_path: Path) -> None:
    with sink.running_sink(tmp_path, delay_ms=50) as running:
        clients = [socket.create_connection(("127.0.0.1", running.port), timeout=10) for _ in range(CLIENTS)]
        assert [replies(client, 1) for client in clients] == [[b"220"]] * CLIENTS
        began_at = time.monotonic()
        for number, client in enumerate(clients):
            client.sendall(envelope(number))
        for client in clients:
            assert replies(client, 3) == [b"250", b"250", b"354"]
            client.close()
        assert 0.05 <= time.monotonic() - began_at < CLIENTS * 0.05


def connect(running: sink.Sink) -> socket.socket:
    """Connect to the sink and read its greeting."""
    client = socket.create_connection(("127.0.0.1", running.port), timeout=10)
    assert replies(client, 1) == [b"220"]
    return client


def envelope(number: int) -> bytes:
    return b"MAIL FROM:<a@example.com>\r\nRCPT TO:<r%d@example.com>\r\nDATA\r\n" % number


def replies(client: socket.socket, count: int) -> list[bytes]:
    """Read this many lines and return their codes."""
    received = b""
    while received.count(b"\r\n") < count:
        received += client.recv(4096)
    return [line[:3] for line in received.splitlines()]
