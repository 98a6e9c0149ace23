"""Measure the time until other workers have the messages of a dead worker."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import psycopg

from stack.stored_numbers import ParcelState

HELD = f"select id, fence, worker_id from batches_parcel where state = {ParcelState.CLAIMED}"
DEAD = "select id from batches_worker where id = any(%s) and dead_at is null"


class RescueWatch:
    """A watch that records the claims at a kill, and when each is gone. Claims of living workers do not count."""

    def __init__(self, database_url: str) -> None:
        self.seconds: list[float] = []
        self._database_url = database_url
        self._threads: list[threading.Thread] = []

    def watch(self) -> None:
        """Watch the claims that are held now."""
        thread = threading.Thread(target=self._watch, args=(time.monotonic(),), daemon=True)
        self._threads.append(thread)
        thread.start()

    def end(self) -> None:
        for thread in self._threads:
            thread.join(60)

    def _watch(self, since: float) -> None:
        claims: dict[tuple[int, int], int] | None = None
        while claims is None or (claims and time.monotonic() - since < 50):
            with suppress(psycopg.Error), psycopg.connect(self._database_url, autocommit=True) as connection:
                while claims is None or (claims and time.monotonic() - since < 50):
                    claims = self._look(connection, claims, since)
                    time.sleep(0.1)
            time.sleep(0.1)

    def _look(
        self, connection: psycopg.Connection, claims: dict[tuple[int, int], int] | None, since: float
    ) -> dict[tuple[int, int], int]:
        now = {(parcel, fence): worker for parcel, fence, worker in connection.execute(HELD).fetchall()}
        if claims is None:
            return now
        ended_claims = {claim: worker for claim, worker in claims.items() if claim not in now}
        living = (
            {row[0] for row in connection.execute(DEAD, [list(ended_claims.values())]).fetchall()}
            if ended_claims
            else set()
        )
        self.seconds += [time.monotonic() - since for worker in ended_claims.values() if worker not in living]
        return {claim: worker for claim, worker in claims.items() if claim in now}
