"""Note the hits of tracked URLs, and store them in a thread, so that no reader waits for the database.

Hits wait in memory, at most `MOST` in each process; more are dropped and counted in the log. They are stored every
tenth of a second. While the database is away they wait, and redirects go on. Clicks wait for as long as a burst of a
scanner may last, since only the burst shows what it is. They are shared with the other processes meanwhile
(`sightings.py`), which may have noted a part of the burst. When a web process is stopped, it stores its hits before it
ends; if it is killed, they are lost.

If the connection is lost at a commit, PostgreSQL is asked for the status of the transaction before its hits are stored
again.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Sequence
from typing import Final, Protocol

import structlog
from django.db import DatabaseError, DataError, InterfaceError, OperationalError, connection

from foundation.traces import trace_of
from mailer.tracking.machines import BURST_SECONDS
from mailer.tracking.queries import TRANSACTION_STATUS
from mailer.tracking.sightings import read_clicks, share_clicks
from mailer.tracking.writing import Hit, clicks_of, write_hits

log = structlog.get_logger(__name__)

MOST: Final = 10_000
"""The most hits that wait in a process."""
PACE_SECONDS: Final = 0.1
HOLD_SECONDS: Final = BURST_SECONDS + 0.5
"""The time for which a click waits: that of a burst, and some more in which the other processes share their clicks."""
PAGE: Final = 1_000
"""The most hits that are stored in one transaction."""
PAUSE_SECONDS: Final = 1.0
"""The time after which a failed page is tried again."""
FINISH_SECONDS: Final = 1.5
"""The time that a process which is stopped tries to store its hits. The supervisor waits for longer than this."""


class Recorder(Protocol):
    """Take hits, and store them."""

    def note(self, hit: Hit) -> None: ...
    def finish(self) -> None: ...


class Direct:
    """Store each hit at once, so that commands and tests need no thread."""

    def note(self, hit: Hit) -> None:
        """Store a hit."""
        write_hits([hit])

    def finish(self) -> None:
        """Do nothing: no hit waits."""


class Collector:
    """Collect hits, and store them in a thread that starts with the first hit, and therefore after the fork."""

    def __init__(self) -> None:
        self._noted = threading.Condition()
        self._hits: list[Hit] = []
        self._unshared: list[Hit] = []
        """The hits since the clicks were last shared."""
        self._dropped = 0
        self._is_finishing = False
        self._thread: threading.Thread | None = None
        self._unanswered: Sequence[Hit] = ()
        """The page whose transaction had no answer."""
        self._transaction_id = ""
        """The transaction of the page that is being stored, or of the one without an answer."""

    def note(self, hit: Hit) -> None:
        """Take a hit, or count it as dropped if too many wait."""
        with self._noted:
            if len(self._hits) >= MOST:
                self._dropped += 1
                return
            self._hits.append(hit)
            self._unshared.append(hit)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hits", daemon=True)
                self._thread.start()
                atexit.register(self.finish)
            self._noted.notify()

    def finish(self) -> None:
        """Store the hits that wait, if that takes no longer than `FINISH_SECONDS`.

        The number of the others is written to the log. Some of them may be stored all the same: their transaction is at
        its commit, or nobody knows how it ended.
        """
        with self._noted:
            self._is_finishing = True
            thread = self._thread
            self._noted.notify()
        if thread is not None:
            thread.join(FINISH_SECONDS)
            if unconfirmed := len(self._hits):
                log.error("hits may be lost: the database did not confirm them before the end", hits=unconfirmed)

    def _run(self) -> None:
        while True:
            with self._noted:
                self._noted.wait_for(lambda: self._hits or self._is_finishing)
                dropped, self._dropped = self._dropped, 0
                if not self._hits and self._is_finishing:
                    break
            if dropped:
                log.error("hits dropped: too many wait for the database", hits=dropped)
            is_stored = self._store()
            if not (is_stored and self._is_finishing):
                time.sleep(PACE_SECONDS if is_stored or self._is_finishing else PAUSE_SECONDS)
        connection.close()

    def _store(self) -> bool:
        """Store a page of the hits that have waited long enough. Return False if the database is away."""
        page: Sequence[Hit] = ()
        try:
            self._share()
            connection.close_if_unusable_or_obsolete()
            if self._unanswered and not self._settle():
                return False
            page, waiting = self._next_page()
            self._transaction_id = ""
            near = [*clicks_of(waiting), *read_clicks({click[0] for click in clicks_of(page)})]
            if page and (late := write_hits(page, near, begin=self._note_transaction)):
                log.info("hits not stored: their messages are not kept, or have too many", hits=late)
        except (OperationalError, InterfaceError):
            connection.close()
            if self._transaction_id and page:
                self._unanswered = page
            return False
        except Exception as error:
            # No error may end the thread. A page that cannot be stored would block all others.
            log.error("hits not stored", hits=len(page), error=trace_of(error))
            connection.close()
        self._forget(page)
        return True

    def _share(self) -> None:
        """Share the clicks that were noted since the last time."""
        with self._noted:
            unshared, self._unshared = self._unshared, []
        share_clicks(clicks_of(unshared))

    def _note_transaction(self, transaction_id: str) -> None:
        self._transaction_id = transaction_id

    def _settle(self) -> bool:
        """Find out whether the page without an answer was stored. Return False if its transaction has not ended."""
        status = read_transaction_status(self._transaction_id)
        if status == "in progress":
            return False
        if status == "committed":
            self._forget(self._unanswered)
        self._unanswered = ()
        return True

    def _forget(self, page: Sequence[Hit]) -> None:
        """Remove a page from the hits that wait."""
        with self._noted:
            stored = set(map(id, page))
            self._hits = [hit for hit in self._hits if id(hit) not in stored]

    def _next_page(self) -> tuple[Sequence[Hit], Sequence[Hit]]:
        """Return the next hits to store, and the others that wait. Nothing is removed yet."""
        with self._noted:
            hits, is_finishing = list(self._hits), self._is_finishing
        until = time.time() - HOLD_SECONDS
        page = [hit for hit in hits if is_finishing or hit.link is None or hit.at.timestamp() <= until][:PAGE]
        page_ids = set(map(id, page))
        return page, [hit for hit in hits if id(hit) not in page_ids]


def read_transaction_status(transaction_id: str) -> str | None:
    """Return `in progress`, `committed` or `aborted`; None if that is unknown, as in a cluster after a failover."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(TRANSACTION_STATUS, {"id": transaction_id})
        except DataError:
            return None
        row = cursor.fetchone()
    return row[0] if row else None


_recorder: Recorder = Direct()


def use_thread() -> None:
    """Let this process, and those it forks, store hits in a separate thread after this."""
    global _recorder
    _recorder = Collector()


def note(hit: Hit) -> None:
    """Take a hit. It is stored soon."""
    try:
        _recorder.note(hit)
    except DatabaseError as error:
        log.error("hit not stored", error=trace_of(error))


def finish() -> None:
    """Store the hits that wait, before this process ends."""
    _recorder.finish()
