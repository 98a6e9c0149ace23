"""Run a receiver of webhooks on a loopback port, which behaves well unless a test changes its behaviour."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it arrived."""

    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return the events in the body of either dialect."""
        content = json.loads(self.body)
        events: list[dict[str, Any]] = content if isinstance(content, list) else content["data"]
        return events


@dataclass(frozen=True, slots=True)
class Behaviour:
    """An answer: its status, headers and body, after a pause. With `cuts` the connection is closed instead.

    That looks as if the receiver was killed: before or after it has stored the request, as `keeps` says.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thanks"
    pause: float = 0.0
    cuts: bool = False
    keeps: bool = True
    drips: float = 0.0
    """The pause before each byte of the body."""


FINE = Behaviour()


class Receiver:
    """A server of webhooks. `decide` chooses the answer; it gets the number of the request and the request."""

    def __init__(self, decide: Callable[[int, Arrival], Behaviour] = lambda number, arrival: FINE) -> None:
        self.decide = decide
        self.arrivals: list[Arrival] = []
        self.accepted: list[Arrival] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._server = Server(("127.0.0.1", 0), handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook?a=b"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def use_tls(self, context: ssl.SSLContext) -> None:
        """Speak TLS on connections that are opened after this."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    def take(self, arrival: Arrival) -> Behaviour:
        """Note a request, and return the answer to it."""
        with self._lock:
            self.arrivals.append(arrival)
            number = len(self.arrivals)
        behaviour = self.decide(number, arrival)
        if 200 <= behaviour.status < 300 and behaviour.keeps:
            with self._lock:
                self.accepted.append(arrival)
        return behaviour

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return all events of accepted requests, in the order of arrival."""
        return [event for arrival in self.accepted for event in arrival.events]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore that a client has gone."""


def handler_of(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            receiver.connections += 1

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                # The client has died: the request is incomplete (RFC 9112 section 8).
                self.close_connection = True
                return
            arrival = Arrival({name.lower(): value for name, value in self.headers.items()}, body, self.path)
            behaviour = receiver.take(arrival)
            time.sleep(behaviour.pause)
            if behaviour.cuts:
                self.close_connection = True
                return
            self.send_response(behaviour.status)
            for name, value in behaviour.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(behaviour.body)))
            self.end_headers()
            if behaviour.drips:
                for byte in behaviour.body:
                    time.sleep(behaviour.drips)
                    self.wfile.write(bytes([byte]))
            else:
                self.wfile.write(behaviour.body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
