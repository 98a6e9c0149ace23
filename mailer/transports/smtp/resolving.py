"""The addresses of the peer's host. The look-up blocks, so it has a thread; the caller goes on polling its guard."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from time import monotonic

from mailer.transports.base import POLL_SECONDS

CACHE_SECONDS = 60.0
LOOKUP_SECONDS = 10.0


class HostUnknown(Exception):
    """Raised when there is no address; the text has the reason."""


class Endpoint:
    """An address for `socket.connect`, and its family."""

    __slots__ = ("family", "sockaddr")

    def __init__(self, family: int, sockaddr: tuple[object, ...]) -> None:
        self.family = family
        self.sockaddr = sockaddr


class Resolver:
    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._endpoints: list[Endpoint] = []
        self._known_until = 0.0

    def find_endpoints(self, *, may_wait: Callable[[], bool]) -> list[Endpoint]:
        """Return the addresses in the order to try them.

        Asks `may_wait` all the time it takes; raises HostUnknown when that says no.
        """
        if monotonic() >= self._known_until:
            self._endpoints = self._look_up(may_wait)
            self._known_until = monotonic() + CACHE_SECONDS
        return list(self._endpoints)

    def prefer(self, endpoint: Endpoint) -> None:
        """Try this address first from now on, since it answered."""
        if endpoint in self._endpoints:
            self._endpoints.remove(endpoint)
            self._endpoints.insert(0, endpoint)

    def _look_up(self, may_wait: Callable[[], bool]) -> list[Endpoint]:
        answer: Future[list[Endpoint]] = Future()
        Thread(target=self._ask_into, args=(answer,), daemon=True, name="smtp-resolver").start()
        give_up_at = monotonic() + LOOKUP_SECONDS
        while not wait([answer], POLL_SECONDS).done:
            if not may_wait() or monotonic() > give_up_at:
                raise HostUnknown(f"the name {self._host} was not resolved in time")
        return answer.result()

    def _ask_into(self, answer: Future[list[Endpoint]]) -> None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            words = error.strerror if isinstance(error, OSError) else "it is not a host name"
            answer.set_exception(HostUnknown(f"the name {self._host} is not known: {words}"))
        else:
            answer.set_result([Endpoint(family, sockaddr) for family, _, _, _, sockaddr in found])
