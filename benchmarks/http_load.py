"""Send HTTP requests at little cost, since the server shares the CPU: the bytes are prepared, and one loop sends them.

Every connection stays open and has one request in progress.
"""

from __future__ import annotations

import re
import selectors
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from time import monotonic

from stack import StackError

HOST = "127.0.0.1"
PATIENCE_SECONDS = 60.0
LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)", re.IGNORECASE)


def prepare(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return a whole request for a server on this machine."""
    all_headers = {"Host": HOST, **(headers or {}), "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in all_headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def requests_per_second(port: int, prepared_requests: Iterable[bytes], connections: int = 8) -> float:
    """Send each request (see `prepare`) once, and return the requests per second.

    Raises StackError when an answer is not 2xx, or when none arrives for a minute.
    """
    waiting = iter(prepared_requests)
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        lines = [stack.enter_context(closing(Line(port))) for _ in range(connections)]
        began_at = monotonic()
        for line, request in zip(lines, waiting, strict=False):
            line.ask(request)
            selector.register(line.socket, selectors.EVENT_READ, line)
        count = sum(1 for _ in answers(selector, waiting))
        return count / (monotonic() - began_at)


def answers(selector: selectors.BaseSelector, waiting: Iterator[bytes]) -> Iterator[None]:
    """Yield for each answer, after its connection was given the next request."""
    while selector.get_map():
        ready = selector.select(PATIENCE_SECONDS)
        if not ready:
            raise StackError(f"no answer within {PATIENCE_SECONDS:.0f} s")
        for key, _ in ready:
            line: Line = key.data
            if line.is_answered():
                yield
                if request := next(waiting, None):
                    line.ask(request)
                else:
                    selector.unregister(line.socket)


class Line:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def ask(self, request: bytes) -> None:
        self.received = b""
        self.socket.sendall(request)

    def is_answered(self) -> bool:
        """Read the bytes that have arrived, and return whether the answer is complete now."""
        piece = self.socket.recv(65536)
        self.received += piece
        head, mark, body = self.received.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not piece or (mark and not (head.startswith(b"HTTP/1.1 2") and length)):
            raise StackError(f"not a valid answer: {self.received[:500].decode(errors='replace')!r}")
        return length is not None and bool(mark) and len(body) >= int(length[1])

    def close(self) -> None:
        self.socket.close()
