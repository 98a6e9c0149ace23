"""Run web servers in threads of the test, one of each kind, with real sockets."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from config.web import server as loop
from config.web.answers import Application
from config.web.handover import Mailbox
from config.web.kinds import Kind
from config.web.options import Options
from config.web.server import Server
from config.web.supervisor import bind

OPTIONS = Options(
    threads=2,
    waiting=8,
    wait_seconds=30,
    connections=200,
    per_address=0,
    head_seconds=30,
    body_seconds=30,
    idle_seconds=30,
    grace_seconds=5,
    spool_bytes=2**30,
)
"""Limits that no test reaches by accident."""
PATIENCE_SECONDS = 20.0
TICK_SECONDS = 0.02
"""The interval at which the loops check deadlines and see their end: a tenth of the product's."""
Environ = dict[str, Any]


class Site:
    """The running servers."""

    def __init__(self, port: int, servers: dict[Kind, Server]) -> None:
        self.port = port
        self.servers = servers

    def client(self) -> Client:
        return Client(self.port)

    def change(self, **changes: Any) -> None:
        """Change limits of the servers and of the connections that are open."""
        for server in self.servers.values():
            server._options = replace(server._options, **changes)
            for connection in server._clients:
                connection._options = server._options

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        """Send one request on a new connection."""
        with self.client() as client:
            return client.ask(method, path, body, **headers)


@contextmanager
def serving(application: Application, **changes: Any) -> Iterator[Site]:
    """Run a server of each kind with this application and changed limits, until the end of the block."""
    options = replace(OPTIONS, **changes)
    mailboxes = {kind: Mailbox() for kind in Kind}
    listener = bind("127.0.0.1:0")
    name = listener.getsockname()
    with patch.object(loop, "TICK_SECONDS", TICK_SECONDS), ExitStack() as stack:
        for mailbox in mailboxes.values():
            stack.callback(mailbox.close)
        servers = {}
        for kind in Kind:
            lifeline, life = os.pipe()
            server = servers[kind] = Server(
                application,
                kind,
                options,
                mailboxes,
                listener=listener if kind is Kind.ORDINARY else None,
                name=name,
            )
            thread = threading.Thread(
                target=server.run, kwargs={"lifeline": lifeline, "beat": lambda: None}, name=f"loop of {kind.value}"
            )
            thread.start()
            stack.callback(os.close, lifeline)
            stack.callback(thread.join)
            stack.callback(os.close, life)
        yield Site(name[1], servers)


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return the bytes of a request. Names of headers have underscores in place of hyphens."""
    fields = {"Host": "localhost", "Content-Length": str(len(body)), **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Reply:
    """A parsed answer."""

    def __init__(self, head: bytes, body: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode()


class Client:
    """A connection to a server."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(PATIENCE_SECONDS)
        self.buffer = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        self.send(request(method, path, body, **headers))
        return self.reply(has_body=method != "HEAD")

    def reply(self, *, has_body: bool = True) -> Reply:
        """Return the next answer. Raises ConnectionError if the server closes the connection before its end."""
        self._read_until(lambda: b"\r\n\r\n" in self.buffer)
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        reply = Reply(head, b"")
        if reply.headers.get("transfer-encoding") == "chunked" and has_body:
            self._read_until(lambda: self.buffer.endswith(b"0\r\n\r\n"))
            reply.body, self.buffer = self.buffer, b""
        elif has_body:
            length = int(reply.headers.get("content-length", 0))
            self._read_until(lambda: len(self.buffer) >= length)
            reply.body, self.buffer = self.buffer[:length], self.buffer[length:]
        return reply

    def _read_until(self, is_met: Callable[[], bool]) -> None:
        while not is_met():
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError(f"closed after {self.buffer[:300]!r}")
            self.buffer += data

    def rest(self) -> bytes:
        """Return everything that is sent until the server closes the connection."""
        data, self.buffer = self.buffer, b""
        try:
            while more := self.socket.recv(65536):
                data += more
        except ConnectionResetError:
            pass
        return data


class Gate:
    """An application that holds requests to /wait until `open`, and answers with the kind of its process."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered: list[str] = []
        """The query strings of the requests to /wait, in the order in which threads began them."""

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/wait":
            self.entered.append(environ["QUERY_STRING"])
            assert self.opened.wait(PATIENCE_SECONDS)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [kind_that_serves().encode()]

    def open(self) -> None:
        self.opened.set()


def kind_that_serves() -> str:
    """Return the kind of the server that this thread belongs to."""
    return threading.current_thread().name.rpartition("-")[0]


def poll_until(condition: Callable[[], object], *, why: str) -> None:
    """Return as soon as the condition holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for: {why}"
        time.sleep(0.002)
