"""Deliveries to endpoints have a lower priority than mail where they have a separate worker."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from celery import Celery
from django.db import connection

from events import tasks


@pytest.mark.parametrize(("queues", "is_lower"), [(["events"], True), (["bulk", "events"], False)])
def test_only_a_worker_without_other_queues_runs_deliveries_with_a_lower_priority(
    db: None, monkeypatch: pytest.MonkeyPatch, queues: list[str], is_lower: bool
) -> None:
    monkeypatch.setattr(tasks, "_is_separate", False)
    app = Celery("worker", set_as_current=False)
    app.amqp.queues.select(queues)
    tasks.note_queues(SimpleNamespace(app=app))

    def nice_after_delivery() -> int:
        try:
            tasks.deliver(0)
        finally:
            connection.close()
        return os.getpriority(os.PRIO_PROCESS, 0)

    usual = os.getpriority(os.PRIO_PROCESS, 0)
    with ThreadPoolExecutor(1) as threads:
        nice = threads.submit(nice_after_delivery).result()
    assert nice == (max(usual, tasks.NICE) if is_lower else usual)
    assert os.getpriority(os.PRIO_PROCESS, 0) == usual
