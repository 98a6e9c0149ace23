"""Read one request with waitress's parser, within bounds, and make the WSGI environment of it."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from io import BytesIO
from typing import Any, Final

from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser

from config.web.kinds import Kind, kind_of, most_bytes
from config.web.stops import MOST_BYTES as MOST_STOP_BYTES
from config.web.stops import is_soap_stop, may_be_soap_stop

MOST_HEAD_BYTES: Final = 32 * 1024
"""The limit of the request line and the headers together."""
MOST_CONTROL_BYTES: Final = 1024
"""The limit of the line that begins a chunk, and of the trailer."""
IN_MEMORY_BYTES: Final = 256 * 1024
"""Larger bodies are kept in files of TMPDIR."""
UNPREFIXED: Final = {"CONTENT_LENGTH": "CONTENT_LENGTH", "CONTENT_TYPE": "CONTENT_TYPE"}
ADJUSTMENTS: Final = Adjustments(
    max_request_header_size=MOST_HEAD_BYTES, max_request_body_size=sys.maxsize, inbuf_overflow=IN_MEMORY_BYTES
)


class Request:
    """A request that is being read or has been read."""

    def __init__(self) -> None:
        self._parser: Any = HTTPRequestParser(ADJUSTMENTS)
        self.is_complete = False
        self.is_overlong = False
        """True if the body is longer than the path allows. The rest of it is not read."""
        self.error: int | None = None
        """The HTTP status for bytes that are not a valid request."""
        self.kept: list[bytes] | None = []
        """The bytes read so far, while the request may have to move to another process; None afterwards."""
        self._most = 0

    def feed(self, data: bytes) -> bytes:
        """Read as much of `data` as belongs to the request; return the rest."""
        before = self.has_head
        try:
            following = data[self._parser.received(data) :]
        except ValueError:
            # A length with thousands of digits, or a URL that urllib cannot parse.
            self.error, self.is_complete = 400, True
            return b""
        if self.kept is not None:
            self.kept.append(data)
        if self.has_head and not before and not self._parser.error:
            self._take_head()
        if not self.is_complete:
            self._take_state()
        # The body may begin in the bytes that ended the head.
        if following and not before and self.has_head and not self.is_complete:
            bytes_before, self.kept = self.kept, None
            following = self.feed(following)
            self.kept = bytes_before
        return following

    def _take_head(self) -> None:
        self._most = most_bytes(self.path)
        if self.kind is Kind.STOP and self.length is None:
            self._most = MOST_STOP_BYTES
        self.is_overlong = (self.length or 0) > self._most
        self.is_complete = self.is_overlong

    def _take_state(self) -> None:
        parser, receiver = self._parser, self._parser.body_rcv
        if parser.error is not None:
            self.error = int(parser.error.code)
        elif parser.chunked and (
            len(receiver.control_line) > MOST_CONTROL_BYTES or len(receiver.trailer) > MOST_CONTROL_BYTES
        ):
            self.error = 400
        elif parser.chunked and len(receiver) > self._most and not parser.completed:
            # The view refuses the body because of this length.
            parser.headers["CONTENT_LENGTH"] = str(len(receiver))
            self.is_overlong = True
        self.is_complete = parser.completed or self.is_overlong or self.error is not None

    @property
    def is_empty(self) -> bool:
        """Return whether only blank lines were read."""
        return bool(self._parser.empty)

    @property
    def has_head(self) -> bool:
        return bool(self._parser.headers_finished)

    @property
    def method(self) -> str:
        return str(self._parser.command)

    @property
    def path(self) -> str:
        """Return the path without percent-encoding and with one leading slash, as the views get it."""
        return "/" + str(self._parser.path).lstrip("/")

    @property
    def length(self) -> int | None:
        """Return the announced length of the body; None when it comes in chunks."""
        return None if self._parser.chunked else int(self._parser.content_length)

    @property
    def body_bytes(self) -> int:
        """Return the number of body bytes read so far."""
        receiver = self._parser.body_rcv
        return 0 if receiver is None else len(receiver)

    @property
    def kind(self) -> Kind:
        """Return the kind of the request according to its head."""
        return kind_of(self.method, self.path, self.length)

    @property
    def may_be_soap_stop(self) -> bool:
        return may_be_soap_stop(self.method, self.path) and (self.length or 0) <= MOST_STOP_BYTES

    @property
    def is_soap_stop(self) -> bool:
        """Return whether the complete body requests a stop."""
        if not self.may_be_soap_stop or not 0 < self.body_bytes <= MOST_STOP_BYTES:
            return False
        stream = self._parser.get_body_stream()
        body: bytes = stream.read()
        stream.seek(0)
        return is_soap_stop(body)

    @property
    def wants_continue(self) -> bool:
        """Return whether the client waits for `100 Continue` before it sends the body."""
        return bool(self._parser.expect_continue) and not self.is_complete and not self.body_bytes

    @property
    def keeps_open(self) -> bool:
        """Return whether the connection may be used for another request."""
        return not (self._parser.connection_close or self.is_overlong or self.error or self.is_one_zero)

    @property
    def is_one_zero(self) -> bool:
        """Return whether the client uses HTTP/1.0. Its connections are not kept open."""
        return bool(self._parser.version != "1.1")

    def caller(self, address: str) -> Hashable:
        """Return the key by which requests take turns: the address and the credentials."""
        headers = self._parser.headers
        return hash((address, headers.get("AUTHORIZATION"), headers.get("COOKIE")))

    def environ(self, address: tuple[Any, ...], server: tuple[Any, ...]) -> dict[str, Any]:
        """Return the WSGI environment (PEP 3333)."""
        parser = self._parser
        body = BytesIO() if self.is_overlong or parser.body_rcv is None else parser.get_body_stream()
        body.seek(0)
        environ = {
            "REMOTE_ADDR": str(address[0]),
            "REQUEST_METHOD": self.method,
            "SERVER_NAME": str(server[0]),
            "SERVER_PORT": str(server[1]),
            "SERVER_PROTOCOL": f"HTTP/{'1.0' if self.is_one_zero else '1.1'}",
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path,
            "QUERY_STRING": parser.query,
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "wsgi.input": body,
            "wsgi.input_terminated": True,
        }
        for name, value in parser.headers.items():
            environ[UNPREFIXED.get(name) or f"HTTP_{name}"] = value
        return environ

    def close(self) -> None:
        """Free the memory or the file that holds the body."""
        self._parser.close()
