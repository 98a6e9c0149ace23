"""A worker in a separate process, to be suspended or killed."""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.conf import settings

from mailer.pipeline.deliver import Deliverer
from mailer.pipeline.guard import SliceGuard
from mailer.transports.base import Signal
from mailer.transports.smtp import SmtpAddress, SmtpTransport
from tests.forked import Forked, forked
from tests.peer import CountingPeer


def worker_process(
    peer: CountingPeer, *, connections: int = 1, deadline_seconds: float = 0.5
) -> AbstractContextManager[Forked]:
    """Run a process that delivers this test's due mail to the peer; kill it at the end if it still runs."""
    return forked(deliver, peer.url, connections, deadline_seconds)


def deliver(url: str, connections: int, deadline_seconds: float) -> None:
    """Deliver until killed."""
    settings.SLICE_DEADLINE_SECONDS = deadline_seconds
    transport = SmtpTransport(SmtpAddress.parse(url), connections=connections, timeout_seconds=10)
    # Only the deadline remains: the poll of the gate in the middle of a slice is another guard.
    SliceGuard.poll = lambda _: Signal.GO_ON  # type: ignore[method-assign]
    deliverer = Deliverer(transport)
    while True:
        deliverer.deliver_due(seconds=1)
