"""Run workers for tests: the real deliverer in a thread with separate connections."""

from __future__ import annotations

import threading
from types import TracebackType

from django.db import connection

from mailer.pipeline.deliver import Deliverer
from mailer.transports.smtp import SmtpAddress, SmtpTransport
from tests.peer import CountingPeer


def deliverer_for(peer: CountingPeer, *, connections: int = 4, timeout_seconds: float = 5) -> Deliverer:
    """Return a deliverer that delivers to this peer."""
    return Deliverer(
        SmtpTransport(SmtpAddress.parse(peer.url), connections=connections, timeout_seconds=timeout_seconds)
    )


class DeliveringThread:
    """A thread that delivers due mail until the end of the block."""

    def __init__(self, peer: CountingPeer, *, connections: int = 4, timeout_seconds: float = 5) -> None:
        self.deliverer = deliverer_for(peer, connections=connections, timeout_seconds=timeout_seconds)
        self.errors: list[BaseException] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> DeliveringThread:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()
        assert not self.errors, self.errors

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                if not self.deliverer.deliver_due(seconds=0.5):
                    self._stop.wait(0.02)
        except BaseException as error:
            self.errors.append(error)
        finally:
            self.deliverer.transport.close()
            connection.close()
