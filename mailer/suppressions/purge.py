"""Remove bounces and blocks that are older than their account keeps them (`content/settings.py`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from content.models import MailSettings
from foundation.clock import database_now
from mailer.models import Suppression, SuppressionKind


def purge_old_bounces(page: int) -> Iterator[int]:
    """Delete up to `page` suppressions of one list at a time, the oldest first, and yield how many."""
    now = database_now()
    purging = MailSettings.objects.exclude(bounce_days=None, block_days=None)
    for account_id, *days in purging.order_by("pk").values_list("pk", "bounce_days", "block_days"):
        for kind, limit in zip((SuppressionKind.BOUNCE, SuppressionKind.BLOCK), days, strict=True):
            if limit is not None:
                yield from _purge_list(account_id, kind, now - dt.timedelta(days=limit), page)


def _purge_list(account_id: int, kind: SuppressionKind, before: dt.datetime, page: int) -> Iterator[int]:
    old = Suppression.objects.filter(account=account_id, kind=kind, created_at__lt=before)
    while ids := list(old.order_by("created_at").values_list("pk", flat=True)[:page]):
        yield Suppression.objects.filter(pk__in=ids).delete()[0]
