"""Guard a slice: show the gate to the transport while it sends.

In: the worker's claimer, its note, and the time of the look before the slice. Out: whether the next message may be
begun, and which replies came late. A stop closes the guard: its NOTIFY wakes the transport, which polls, and the poll
looks at the gate.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from batches.claims import Claimer
from batches.stop.exact import STOP_CHANNEL
from batches.verdict import GateStatus
from foundation.clock import boottime
from mailer.pipeline.note import HandoverNote
from mailer.pipeline.reports import WorkerReports
from mailer.pipeline.slice_size import LONG_SECONDS
from mailer.transports.base import Result, Signal

STOP_PATIENCE_SECONDS = 3.0
"""The time for outstanding replies after a stop was seen. It is shorter than the 5 s that a stop waits."""


class SliceGuard:
    """The gate as the transport sees it during one slice (see `mailer/transports/base.py`)."""

    def __init__(
        self,
        claimer: Claimer,
        note: HandoverNote,
        parcel_ids: list[int],
        opened_at: float,
        reports: WorkerReports | None = None,
    ) -> None:
        self._claimer = claimer
        self._reports = reports
        self._begun_at = time.monotonic()
        self.note_begun = note.note_begun
        self._note = note
        self._parcel_ids = parcel_ids
        self._deadline = opened_at + settings.SLICE_DEADLINE_SECONDS
        self._stop_seen_at: float | None = None
        self.is_closed = False
        self.composed_until = opened_at + settings.SLICE_DEADLINE_SECONDS / 2
        """The other half of the time is reserved for beginning the first messages."""
        self._taken_from: float | None = None
        self._is_long = False
        self._quiet_since: float | None = None
        """The first poll since the last result."""
        self._silent_since: float | None = None
        """The beginning of the first silence of `LONG_SECONDS`."""
        self.late: list[int] = []
        """The messages whose results came after that silence. The first of them took at least as long."""

    def may_begin(self) -> bool:
        """Return whether the deadline has not passed and no stop was seen.

        The deadline is on a clock that runs on while this process is suspended.
        """
        if boottime() >= self._deadline:
            self.is_closed = True
        return not self.is_closed

    def may_take(self) -> bool:
        """Return whether fewer than `LONG_SECONDS` have passed since the first call, as the polls see it.

        Reading the clock costs too much here. Messages at the slow end of a slice are left for the next slice.
        """
        if self._taken_from is None:
            self._taken_from, self._quiet_since = time.monotonic(), None
        return not self._is_long

    def note_result(self, result: Result) -> None:
        """Note a result, and whether it came late."""
        self._quiet_since = None
        if self._silent_since is not None:
            self.late.append(result.message_id)
        self._note.note_result(result)

    def _note_silence(self) -> None:
        """Note how long the peer has been silent: a silence begins at the first poll after a result.

        A process that had no CPU for a while reads the replies that have arrived before it polls, so it does not count
        its own silence as the peer's.
        """
        now = time.monotonic()
        if self._taken_from is None:
            return
        self._is_long = now - self._taken_from >= LONG_SECONDS
        if self._quiet_since is None:
            self._quiet_since = now
        elif now - self._quiet_since >= LONG_SECONDS and self._silent_since is None:
            self._silent_since = self._quiet_since

    @property
    def waited(self) -> float:
        """Return the seconds since the silence began before the late messages; 0 without any."""
        return 0.0 if self._silent_since is None else time.monotonic() - self._silent_since

    def poll(self) -> Signal:
        """Look again. If the database does not answer, no more messages are begun, and outstanding replies are awaited.

        A look that finds all parcels open is as good as the one before the slice, so it extends the deadline: a large
        message to a slow peer takes longer than the first deadline.
        """
        self._note_silence()
        looked_at = boottime()
        try:
            gates = self._claimer.glance(self._parcel_ids)
        except DatabaseError:
            self.is_closed = True
            connection.close()
            return Signal.GO_ON
        if any(gates.get(parcel) is not GateStatus.OPEN for parcel in self._parcel_ids):
            self.is_closed = True
            self._stop_seen_at = self._stop_seen_at or boottime()
            if boottime() - self._stop_seen_at >= STOP_PATIENCE_SECONDS:
                return Signal.GIVE_UP
        else:
            self._deadline = looked_at + settings.SLICE_DEADLINE_SECONDS
        self._report()
        return Signal.GO_ON

    def _report(self) -> None:
        """Report that the slice is under way, and since when the peer has been silent."""
        if self._reports is not None:
            since = self._begun_at if self._quiet_since is None else self._quiet_since
            self._reports.report_waiting(self._claimer.worker_id, since)

    def wakeup_fileno(self) -> int | None:
        """Return the descriptor of the database connection, on which a stop's NOTIFY arrives."""
        session = connection.connection
        return None if session is None or session.closed else int(session.fileno())


@contextmanager
def listening_for_stops() -> Iterator[None]:
    """Listen to stops on this process's connection.

    Between deliveries no code reads notifications, so an idle connection does not listen. Through a pooler that
    does not support LISTEN, and on a connection that is made in the meantime, the polls see a stop later.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"listen {STOP_CHANNEL}")
    session: Any = connection.connection
    session.add_notify_handler(_ignore)
    try:
        yield
    finally:
        session.remove_notify_handler(_ignore)
        if connection.connection is session:
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute(f"unlisten {STOP_CHANNEL}")


def _ignore(_: object) -> None:
    """Ignore the content of a notification: its arrival wakes the transport (`SliceGuard.wakeup_fileno`)."""
