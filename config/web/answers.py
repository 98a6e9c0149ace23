"""Write answers: those of the views, and the short ones of the server itself, which reveal nothing about it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final, Protocol

from django.core.handlers.wsgi import WSGIRequest

from config.errors import busy
from config.web.requests import Request

log = logging.getLogger(__name__)

Headers = list[tuple[str, str]]
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
BODILESS: Final = ("1", "204", "304")
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Writer(Protocol):
    """Accept the bytes of an answer. `write` raises ClientGone."""

    def write(self, data: bytes) -> None: ...


class ClientGone(Exception):
    """The client has closed the connection, or was cut off."""


class Answer:
    """An answer that is being written. It adds the headers that HTTP requires to the response of a view."""

    def __init__(self, request: Request, writer: Writer) -> None:
        self._request = request
        self._writer = writer
        self._status = ""
        self._headers: Headers = []
        self.is_begun = False
        self.keeps_open = request.keeps_open
        self._is_chunked = False
        self._left: int | None = None
        """The part of the announced length that is not written yet; None if no length was announced."""

    def start(self, status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], None]:
        """Remember status and headers (start_response of PEP 3333)."""
        if exc_info and self.is_begun:
            raise exc_info[1]
        self._status, self._headers = status, headers
        return self.write

    def write(self, data: bytes, *, is_all: bool = False) -> None:
        """Send bytes of the body, the first ones together with the head. `is_all`: no others follow."""
        head = b"" if self.is_begun else self._head(len(data) if is_all else None)
        self.is_begun = True
        if not self._has_body:
            data = b""
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        if data and self._is_chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if head or data:
            self._writer.write(head + data)

    def end(self) -> None:
        """Finish the answer. If it is shorter than announced, the connection will be closed."""
        if not self.is_begun:
            self.write(b"", is_all=True)
        if self._is_chunked:
            self._writer.write(b"0\r\n\r\n")
        self.keeps_open &= not (self._left and self._has_body)

    @property
    def _has_body(self) -> bool:
        return self._request.method != "HEAD" and not self._status.startswith(BODILESS)

    def _head(self, length: int | None) -> bytes:
        lines = [f"HTTP/1.1 {self._status}", f"Date: {formatdate(usegmt=True)}"]
        announced = next((value for name, value in self._headers if name.lower() == "content-length"), None)
        if announced is not None:
            self._left = int(announced)
        elif length is not None and not self._status.startswith(BODILESS):
            lines.append(f"Content-Length: {length}")
        elif self._has_body and not self._request.is_one_zero:
            self._is_chunked = True
            lines.append("Transfer-Encoding: chunked")
        elif self._has_body:
            self.keeps_open = False
        lines += [f"{name}: {value}" for name, value in self._headers]
        if not self.keeps_open:
            lines.append("Connection: close")
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a header has a line break")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def serve(application: Application, environ: dict[str, Any], answer: Answer, when_sent: Callable[[], None]) -> None:
    """Run the application and write its answer. Calls `when_sent` before the application cleans up."""
    chunks: Iterable[bytes] = ()
    try:
        try:
            chunks = application(environ, answer.start)
            if isinstance(chunks, (list, tuple)) or getattr(chunks, "streaming", True) is False:
                answer.write(b"".join(chunks), is_all=True)
            else:
                for chunk in chunks:
                    if chunk:
                        answer.write(chunk)
            answer.end()
        except ClientGone:
            answer.keeps_open = False
        except Exception:
            log.exception("request failed outside the views")
            answer.keeps_open = False
            if not answer.is_begun:
                answer.start("500 Internal Server Error", [("Content-Type", "text/plain")])
                answer.write(b"Internal Server Error\n", is_all=True)
        when_sent()
    finally:
        if close := getattr(chunks, "close", None):
            close()


def refusal(status: int) -> bytes:
    """Return an answer that ends the connection, for an invalid request or a connection beyond the limit."""
    phrase = HTTPStatus(status).phrase
    retry = "Retry-After: 1\r\n" if status == HTTPStatus.SERVICE_UNAVAILABLE else ""
    head = f"HTTP/1.1 {status} {phrase}\r\nDate: {formatdate(usegmt=True)}\r\nConnection: close\r\n{retry}"
    body = f"{phrase}\n"
    return f"{head}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def answer_busy(environ: dict[str, Any], answer: Answer) -> None:
    """Answer 503 in the words of the request's API, because no thread is free."""
    response = busy(WSGIRequest(environ))
    answer.start(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    answer.write(response.getvalue(), is_all=True)
