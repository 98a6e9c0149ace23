"""A worker in a separate process, to be suspended or killed."""

from __future__ import annotations

import signal
from contextlib import AbstractContextManager

from django.conf import settings
from django.db import transaction

from batches.models import Parcel
from batches.states import ParcelState
from mailer.pipeline import note
from mailer.pipeline.deliver import Deliverer
from mailer.pipeline.guard import SliceGuard
from mailer.transports.base import Signal
from mailer.transports.smtp import SmtpAddress, SmtpTransport
from tests.forked import Forked, forked
from tests.peer import CountingPeer
from tests.waiting import PATIENCE_SECONDS, wait_until


def worker_process(
    peer: CountingPeer, *, connections: int = 1, deadline_seconds: float = 60.0
) -> AbstractContextManager[Forked]:
    """Run a process that delivers this test's due mail to the peer; kill it at the end if it still runs."""
    return forked(deliver, peer.url, connections, deadline_seconds)


def deliver(url: str, connections: int, deadline_seconds: float) -> None:
    """Deliver until killed."""
    settings.SLICE_DEADLINE_SECONDS = deadline_seconds
    note.LAG_SECONDS = note.TIMEOUT_SECONDS = PATIENCE_SECONDS
    transport = SmtpTransport(SmtpAddress.parse(url), connections=connections, timeout_seconds=10)
    # Only the deadline remains: the poll of the gate in the middle of a slice is another guard.
    SliceGuard.poll = lambda _: Signal.GO_ON  # type: ignore[method-assign]
    deliverer = Deliverer(transport)
    while True:
        deliverer.deliver_due(seconds=1)


def suspend_in_mid_slice(worker: Forked, peer: CountingPeer, *, messages: int) -> None:
    """Suspend a worker that has sent as many messages as this, while it has a claim that it is not recording."""
    wait_until(lambda: len(peer.ledger) >= messages, why="the worker to send mail")

    def is_suspended() -> bool:
        worker.send_signal(signal.SIGSTOP)
        with transaction.atomic():
            if Parcel.objects.filter(state=ParcelState.CLAIMED).select_for_update(skip_locked=True).first():
                return True
        worker.send_signal(signal.SIGCONT)
        return False

    wait_until(is_suspended, why="a claim of the suspended worker")
