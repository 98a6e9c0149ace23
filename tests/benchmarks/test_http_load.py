"""Test the load of HTTP requests, against a small server of the standard library."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from benchmarks.http_load import prepare, requests_per_second
from stack import StackError


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bodies: ClassVar[list[bytes]] = []
    ports: ClassVar[set[int]] = set()

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.ports.add(self.client_address[1])
        answer = b"x" * 100_000  # more than one read
        self.send_response(500 if self.path == "/broken" else 202)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    Handler.bodies.clear()
    Handler.ports.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("requests", [2, 40])
def test_each_request_is_sent_once_over_a_few_connections_that_stay(port: int, requests: int) -> None:
    bodies = [str(n).encode() for n in range(requests)]
    assert requests_per_second(port, [prepare("POST", "/", body=body) for body in bodies], connections=4) > 0
    assert sorted(Handler.bodies) == sorted(bodies)
    assert len(Handler.ports) <= 4


def test_an_answer_that_is_not_2xx_is_an_error(port: int) -> None:
    with pytest.raises(StackError, match="500"):
        requests_per_second(port, [prepare("POST", "/broken")])
