"""Provide guards for tests: gates that a test opens, closes or gives up at."""

from __future__ import annotations

import socket
from collections.abc import Callable

from mailer.transports.base import Begun, Result, Signal


class TestGuard:
    """A gate that allows `begin_limit` messages, and gives up when `gives_up_when` returns True at a poll."""

    __test__ = False

    def __init__(
        self,
        *,
        begin_limit: int | None = None,
        gives_up_when: Callable[[], bool] = bool,
        wakeup: int | None = None,
    ) -> None:
        self.begin_limit = begin_limit
        self.gives_up_when = gives_up_when
        self.asked = 0
        self.polls = 0
        self.begun: list[Begun] = []
        self.results: list[Result] = []
        self._wakeup = wakeup

    def may_begin(self) -> bool:
        self.asked += 1
        return self.begin_limit is None or self.asked <= self.begin_limit

    def note_begun(self, *begun: Begun) -> bool:
        self.begun += begun
        return True

    def note_result(self, result: Result) -> None:
        self.results.append(result)

    def poll(self) -> Signal:
        self.polls += 1
        return Signal.GIVE_UP if self.gives_up_when() else Signal.GO_ON

    def wakeup_fileno(self) -> int | None:
        return self._wakeup


def make_wakeup() -> tuple[socket.socket, socket.socket]:
    """Return the socket to watch, and the one to write a byte to."""
    return socket.socketpair()
