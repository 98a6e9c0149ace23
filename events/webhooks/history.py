"""Delete deliveries when the history of their events is over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from django.conf import settings

from events.models import Delivery, DeliveryState
from foundation.clock import database_now

PAGE: Final = 10_000


def delete_old_deliveries(page: int = PAGE) -> Iterator[int]:
    """Delete accepted deliveries that are older than `HISTORY_DAYS`, and yield the number of each page."""
    before = database_now() - dt.timedelta(days=settings.HISTORY_DAYS)
    old = Delivery.objects.filter(created_at__lt=before, state=DeliveryState.DELIVERED).order_by("created_at")
    while ids := list(old.values_list("pk", flat=True)[:page]):
        yield Delivery.objects.filter(pk__in=ids).delete()[0]
