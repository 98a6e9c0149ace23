"""Define the Celery tasks of the gate. A task only knows that there may be work: the called function finds it."""

from __future__ import annotations

import datetime as dt

from celery import shared_task

from batches import admit


@shared_task(name="batches.tasks.fire_wave")
def fire_wave(batch_id: int, due_at: str) -> None:
    """Fire a wave: the ETA task."""
    admit.fire_wave(batch_id, dt.datetime.fromisoformat(due_at))


@shared_task(name="batches.tasks.admit_batch")
def admit_batch(batch_id: int) -> None:
    """Admit a batch whose gate has changed."""
    admit.admit_batch(batch_id)
