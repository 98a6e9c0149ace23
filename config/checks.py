"""Check for combinations of settings that would break a guarantee, and refuse them at start-up or warn of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.http.request import validate_host

from events.webhooks.schedule import FAILING_LIMIT


@register
def check_times(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Check the order of the times that the exact stop and the ETA tasks depend on."""
    errors: list[CheckMessage] = []
    shutdown = settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT
    longest_hold = settings.PLAN_HORIZON_SECONDS + settings.CELERY_TASK_TIME_LIMIT + shutdown
    if longest_hold >= settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]:
        errors.append(
            Error(
                "The broker's visibility_timeout must be longer than horizon + task time limit + shutdown. "
                "Otherwise an ETA task is delivered again while a worker holds it.",
                id="sluice.E001",
            )
        )
    if settings.LEASE_SECONDS <= settings.SLICE_DEADLINE_SECONDS:
        errors.append(
            Error(
                "LEASE_SECONDS must be longer than SLICE_DEADLINE_SECONDS. Otherwise mail of a slow worker is sent "
                "twice.",
                id="sluice.E002",
            )
        )
    return errors


@register
def check_history(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Check that events are kept for longer than an endpoint of webhooks may fail before it is disabled."""
    if dt.timedelta(days=settings.HISTORY_DAYS) > FAILING_LIMIT:
        return []
    return [
        Error(
            f"HISTORY_DAYS must be more than {FAILING_LIMIT.days}. Otherwise events are deleted before an endpoint of "
            "webhooks that is away gets them.",
            id="sluice.E004",
        )
    ]


@register
def check_public_url(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Check that the web server answers to the hosts of links in mail. Usually PUBLIC_URL is missing if it does not."""
    if not _is_answered(settings.PUBLIC_URL):
        return [
            Warning(
                "PUBLIC_URL names a host that is not in ALLOWED_HOSTS, so unsubscribe links lead to an error. "
                "Set both.",
                id="sluice.W003",
            )
        ]
    if not _is_answered(settings.TRACKING_URL):
        return [
            Warning(
                "TRACKING_URL names a host that is not in ALLOWED_HOSTS, so tracked links lead to an error. Set both.",
                id="sluice.W005",
            )
        ]
    return []


def _is_answered(url: str) -> bool:
    """Return whether the web server answers to the host of a URL."""
    host = urlsplit(url).hostname or ""
    return validate_host(f"[{host}]" if ":" in host else host, settings.ALLOWED_HOSTS)
