"""The hinter: a thread of a web process that publishes the hints for mail it has accepted.

No answer waits for the broker, and a burst of single mails costs a hint for all of them instead of one for each.

A thread that accepted mail leaves its hint after its commit. The hinter takes all hints and publishes them: so every
hint goes out after the commit it speaks of, and whoever takes a token finds the mail. It begins at once when it is
idle; under load a hint waits for the rounds before it, `PACE_SECONDS` apart at most. The sweeper finds the mail whose
hint a process did not publish before its end, like any lost hint.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Iterable

import structlog
from django.db import connection

from batches import hints
from batches.states import Lane
from foundation.traces import trace_of

log = structlog.get_logger(__name__)

PACE_SECONDS = 0.02
REMEMBERED_WAVES = 10_000
SOON = dt.timedelta(seconds=2)
"""A wave this near may fire before a slow commit of its mail: it is hinted for each mail."""

Wave = tuple[int, dt.datetime]
"""A batch's id, and the due_at of some of its parcels."""


class Hinter:
    """Collects hints, and publishes them in a thread that starts with the first one, so after the fork."""

    def __init__(self) -> None:
        self._left = threading.Condition()
        self._due: Counter[Lane] = Counter()
        self._waves: set[Wave] = set()
        self._planned: set[Wave] = set()
        self._thread: threading.Thread | None = None

    def leave(self, due: Counter[Lane], waves: Iterable[Wave], *, now: dt.datetime) -> None:
        """Hints to be published at once: parcels that are due, by lane, and waves to be planned."""
        with self._left:
            self._due += due
            # What this process has planned fires for all that is committed before its time.
            self._waves.update(wave for wave in waves if wave not in self._planned or wave[1] < now + SOON)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hinter", daemon=True)
                self._thread.start()
            self._left.notify()

    def _run(self) -> None:
        while True:
            with self._left:
                self._left.wait_for(lambda: self._due or self._waves)
                due, self._due = self._due, Counter()
                waves, self._waves = self._waves, set()
            try:
                self._publish(due, waves)
            except Exception as error:
                # The thread must outlive whatever it meets; the sweeper finds what it has not said.
                log.error("hints not published", error=trace_of(error))
                connection.close()
            time.sleep(PACE_SECONDS)

    def _publish(self, due: Counter[Lane], waves: set[Wave]) -> None:
        connection.close_if_unusable_or_obsolete()
        for lane, parcels in due.items():
            hints.hint_due(lane, parcels)
        planned = {wave for wave in waves if hints.hint_wave(*wave)}
        with self._left:
            if len(self._planned) > REMEMBERED_WAVES:
                self._planned.clear()
            self._planned |= planned


class Direct:
    """Publishes at once, in the process that accepts: no worker, command or test needs a thread."""

    def leave(self, due: Counter[Lane], waves: Iterable[Wave], *, now: dt.datetime) -> None:
        for lane, parcels in due.items():
            hints.hint_due(lane, parcels)
        for wave in waves:
            hints.hint_wave(*wave)


hinter: Hinter | Direct = Direct()


def use_thread() -> None:
    """Let this process, and those it forks, publish in a thread of their own from now on."""
    global hinter
    hinter = Hinter()


def leave_hints(due: Counter[Lane], waves: Iterable[Wave], *, now: dt.datetime) -> None:
    """Leave the hints of mail that was accepted at the moment `now`, after its commit."""
    hinter.leave(due, waves, now=now)
