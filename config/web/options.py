"""Read the limits of one process from the settings."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from config.web.kinds import Kind

BYTES_PER_SECOND = 256 * 1024
"""The rate that large bodies and answers must reach, after the seconds that each of them has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The limits; config/settings.py describes the settings of the same names."""

    threads: int
    waiting: int
    wait_seconds: float
    connections: int
    per_address: int
    head_seconds: float
    body_seconds: float
    idle_seconds: float
    grace_seconds: float
    spool_bytes: int

    def transfer_seconds(self, size: int) -> float:
        """Return how long a body or an answer of this size may take."""
        return self.body_seconds + size / BYTES_PER_SECOND


def options_of(kind: Kind) -> Options:
    """Return the limits of a process of this kind."""
    threads = {
        Kind.ORDINARY: settings.WEB_THREADS,
        Kind.STOP: settings.WEB_STOP_THREADS,
        Kind.LARGE: settings.WEB_LARGE_THREADS,
    }
    return Options(
        threads=threads[kind],
        # No stop may be refused, so all of them may wait.
        waiting=settings.WEB_CONNECTIONS if kind is Kind.STOP else settings.WEB_WAITING,
        wait_seconds=settings.WEB_WAIT_SECONDS,
        connections=settings.WEB_CONNECTIONS,
        per_address=settings.WEB_CONNECTIONS_PER_ADDRESS,
        head_seconds=settings.WEB_HEAD_SECONDS,
        body_seconds=settings.WEB_BODY_SECONDS,
        idle_seconds=settings.WEB_IDLE_SECONDS,
        grace_seconds=settings.WEB_GRACE_SECONDS,
        spool_bytes=settings.WEB_SPOOL_BYTES,
    )
