"""System checks: combinations of settings that would break a promise, refused at start-up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register
def check_times(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """The chain of times that the exact stop and the ETA tasks rest on."""
    errors: list[CheckMessage] = []
    shutdown = settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT
    longest_hold = settings.PLAN_HORIZON_SECONDS + settings.CELERY_TASK_TIME_LIMIT + shutdown
    if longest_hold >= settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]:
        errors.append(
            Error(
                "The broker's visibility_timeout must be longer than horizon + task time limit + shutdown: "
                "otherwise an ETA task is delivered again while it is held.",
                id="sluice.E001",
            )
        )
    if settings.LEASE_SECONDS <= settings.SLICE_DEADLINE_SECONDS:
        errors.append(
            Error(
                "LEASE_SECONDS must be longer than SLICE_DEADLINE_SECONDS, or a slow worker's mail is sent twice.",
                id="sluice.E002",
            )
        )
    return errors
