"""Report how a worker process uses its connections and how its peer replies, for the pages of operators.

In: the transport, which counts and measures anyway. Out: one row of `WorkerReport`, written at most once a second,
after a slice, or while a slice waits for its peer. Nothing depends on a report, so one that cannot be written is
skipped.
"""

from __future__ import annotations

import platform
from time import monotonic

import structlog
from django.db import Error

from batches import queries
from foundation.statements import fetch_prepared
from mailer.pipeline.slice_size import SlowBatches
from mailer.transports.base import Transport

log = structlog.get_logger(__name__)

EVERY_SECONDS = 1.0
node_name = platform.node()
"""The name of the node that this process belongs to."""


class WorkerReports:
    """Write the reports of one worker process."""

    def __init__(self, transport: Transport, slow: SlowBatches) -> None:
        self._transport = transport
        self._slow = slow
        self._next_at = 0.0

    def report_slice(self, worker_id: int, begun_at: float) -> None:
        """Report after a slice that began at this time (`time.monotonic`), if a report is due."""
        if monotonic() >= self._next_at:
            self._write(worker_id, since=begun_at, silent_since=None)

    def report_waiting(self, worker_id: int, silent_since: float) -> None:
        """Report in the middle of a slice, if a report is due. The last reply of the peer came at `silent_since`."""
        if monotonic() >= self._next_at:
            self._write(worker_id, since=None, silent_since=silent_since)

    def _write(self, worker_id: int, *, since: float | None, silent_since: float | None) -> None:
        self._next_at = monotonic() + EVERY_SECONDS
        usage = self._transport.measure(since)
        values = {
            "worker": worker_id,
            "node": node_name,
            "connections": usage.connections,
            "used": usage.used,
            "silent": seconds_ago(silent_since),
            "replied": seconds_ago(usage.replied_at),
            "p50": usage.reply_p50,
            "p95": usage.reply_p95,
            "slow": self._slow.find(),
            "error": without_addresses(usage.error),
            "failed": seconds_ago(usage.error_at),
        }
        try:
            fetch_prepared(queries.REPORT, values)
        except Error:
            log.warning("report not written")


def seconds_ago(moment: float | None) -> float | None:
    """Return how many seconds ago a time (`time.monotonic`) was."""
    return None if moment is None else monotonic() - moment


def without_addresses(text: str) -> str:
    """Return a text in which no word has an address: a peer may quote a recipient in its reply."""
    return " ".join("[address]" if "@" in word else word for word in text.split(" "))
