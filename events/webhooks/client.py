"""Post to a URL that a caller has chosen.

The host is resolved once, and the connection goes to an address that was checked (`addresses.py`), while TLS and the
Host header use the name. Everything together has a deadline, however slowly the receiver answers. Redirects are not
followed, and no proxy of the environment is used. The head of a response is limited by the library (h11), its body by
`BODY_BYTES`. A receiver can cause no exception: every end of an attempt is an `Answer`.
"""

from __future__ import annotations

import ssl
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import SplitResult, quote, unquote, urlsplit

import certifi
import httpcore

from events.webhooks.addresses import ForbiddenAddress, Unresolved, resolve
from foundation.addresses import BadDomain, encode_domain

TIMEOUT_SECONDS: Final = 15.0
"""The time of an attempt, from the resolution of the host to the end of the response."""
BODY_BYTES: Final = 64 * 1024
"""The part of a response's body that is read. The connection is closed if there is more."""
REPLY_CHARACTERS: Final = 1024
"""The part of a response's body that is kept."""
PORTS: Final = {"http": 80, "https": 443}
UNQUOTED: Final = "/%:@!$&'()*+,;=~-._?"
"""The characters of a path or a query that stay unchanged (RFC 3986 section 3.3)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of an attempt: a response, or the reason why there was none."""

    status: int | None
    error: str
    """The reason why the attempt failed; empty for a 2xx."""
    body: bytes = b""
    """The beginning of the body of the response."""
    headers: Mapping[str, str] | None = None
    """The headers of the response, by their names in lower case."""
    seconds: float = 0.0

    @property
    def is_success(self) -> bool:
        """Return whether the receiver has accepted the body."""
        return not self.error

    @property
    def reply(self) -> str:
        """Return the beginning of the response's body as text that can be stored."""
        return self.body.decode(errors="replace").replace("\0", "")[:REPLY_CHARACTERS]


class Client:
    """Post to endpoints, and keep a connection, whose address was checked, for the next request to the same host."""

    def __init__(self, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._timeout_seconds = timeout_seconds
        self._backend = CheckedBackend()
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context(), max_connections=2, retries=0, network_backend=self._backend
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a body, and return the end of the attempt."""
        began_at = time.monotonic()
        self._backend.deadline = began_at + self._timeout_seconds
        status, error, beginning, received = None, "", b"", None
        try:
            status, received, beginning = self._exchange(url, body, headers)
            error = _judge(status)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.RemoteProtocolError) as failure:
            error = self._describe(failure)
        except (Unresolved, BadDomain):
            error = "the name of the host cannot be resolved"
        except ForbiddenAddress:
            error = "the address of the host is not allowed"
        except (httpcore.UnsupportedProtocol, httpcore.LocalProtocolError, ValueError):
            error = "this is not the URL of an endpoint"
        return Answer(status, error, beginning, received, time.monotonic() - began_at)

    def _exchange(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Post a body, and return the status, the headers and the beginning of the body of the response."""
        parts = urlsplit(url)
        request = httpcore.Request(
            "POST",
            _target_of(parts),
            # The library adds no Host and no Content-Length to a request that is made by hand.
            headers=[
                ("Host", _host_of(parts)),
                ("Content-Length", str(len(body))),
                *headers.items(),
                *({} if "Authorization" in headers else _authorization_in(parts)).items(),
            ],
            content=body,
        )
        response = self._pool.handle_request(request)
        try:
            beginning = _read_beginning(response.iter_stream())
        finally:
            response.close()
        received = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return response.status, received, beginning

    def _describe(self, failure: Exception) -> str:
        if isinstance(failure, httpcore.TimeoutException):
            return f"no response within {self._timeout_seconds:g} s"
        cause: BaseException = failure
        while cause.__cause__ is not None or cause.__context__ is not None:
            cause = cause.__cause__ or cause.__context__ or cause
            if isinstance(cause, ssl.SSLCertVerificationError):
                return f"the certificate is not valid: {cause.verify_message}"
            if isinstance(cause, ssl.SSLError):
                return f"TLS has failed: {cause.reason or 'the connection was closed'}"
            if isinstance(cause, OSError) and cause.strerror:
                return f"the connection has failed: {cause.strerror}"
        return "the receiver gave no complete HTTP response"


class CheckedBackend(httpcore.NetworkBackend):
    """Connect to checked addresses of a host, and let every operation end at a deadline."""

    def __init__(self) -> None:
        self.deadline = 0.0
        self._addresses: dict[tuple[str, int], list[str]] = {}
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that accepts a connection."""
        addresses = self._addresses.get((host, port)) or resolve(host, port)
        self._addresses[host, port] = addresses
        for number, address in enumerate(addresses, start=1):
            try:
                stream = self._sockets.connect_tcp(address, port, timeout=self.remaining(httpcore.ConnectTimeout))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
            else:
                return DeadlineStream(stream, self)
        raise httpcore.ConnectError

    def remaining(self, error: type[httpcore.TimeoutException]) -> float:
        """Return the seconds until the deadline. Raises `error` after it."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise error
        return seconds


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose operations end at the deadline of its backend."""

    def __init__(self, stream: httpcore.NetworkStream, backend: CheckedBackend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has arrived, after waiting for the first byte."""
        return self._stream.read(max_bytes, self._backend.remaining(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write everything."""
        self._stream.write(buffer, self._backend.remaining(httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return the connection with TLS; the certificate has to be that of the name."""
        seconds = self._backend.remaining(httpcore.ConnectTimeout)
        return DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, seconds), self._backend)

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection that the library asks for."""
        return self._stream.get_extra_info(info)


@lru_cache(maxsize=1)
def ssl_context() -> ssl.SSLContext:
    """Return a context that verifies certificates and host names."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _judge(status: int) -> str:
    """Return why a response is a failure; empty for a 2xx."""
    if 200 <= status < 300:
        return ""
    return f"redirects are not followed ({status})" if 300 <= status < 400 else f"the response was {status}"


def _target_of(parts: SplitResult) -> httpcore.URL:
    """Return the URL without user name, password and fragment. Raises ValueError and BadDomain."""
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("not the URL of an endpoint")
    target = quote(parts.path or "/", safe=UNQUOTED) + (f"?{quote(parts.query, safe=UNQUOTED)}" if parts.query else "")
    return httpcore.URL(
        scheme=parts.scheme, host=encode_domain(parts.hostname), port=parts.port or PORTS[parts.scheme], target=target
    )


def _host_of(parts: SplitResult) -> str:
    host = encode_domain(parts.hostname or "")
    name = f"[{host}]" if ":" in host else host
    return name if parts.port in (None, PORTS[parts.scheme]) else f"{name}:{parts.port}"


def _authorization_in(parts: SplitResult) -> dict[str, str]:
    """Return the header for a user name and a password in a URL."""
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _read_beginning(chunks: Iterable[bytes]) -> bytes:
    beginning = b""
    for chunk in chunks:
        beginning += chunk
        if len(beginning) >= BODY_BYTES:
            break
    return beginning[:BODY_BYTES]
