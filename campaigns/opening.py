"""Record that contacts have opened campaigns and clicked links in them, for segments and statistics.

The input is a page of late events (`mailer/tracking/`), behind the place that was reached. Their ids ascend in the
order of their commits, so none is skipped. The place is stored in the same transaction, so a crash at any line changes
nothing. What machines did is not recorded, and contacts that were deleted meanwhile are skipped.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

from accounts.models import Account
from audience.locks import lock_audience
from campaigns import response_queries as queries
from campaigns.models import LatePlace
from foundation.statements import fetch_prepared
from mailer.models import LateEvent

PAGE: Final = 500
"""The number of late events that are read in one transaction."""


def are_late_events_waiting() -> bool:
    """Return whether there are late events behind the place that was reached."""
    place = LatePlace.objects.values_list("place", flat=True).first()
    return LateEvent.objects.filter(id__gt=place or 0).exists()


@transaction.atomic
def record_late_page() -> int | None:
    """Record the next late events, and return how many there were; None without any, or if another consumer works."""
    reached = LatePlace.objects.select_for_update(skip_locked=True).first()
    if reached is None:
        return None
    rows = fetch_prepared(queries.READ_LATE, {"place": reached.place, "page": PAGE})
    if not rows:
        return None
    if recorded := [row[1:] for row in rows if row[1] is not None]:
        columns: dict[str, Any] = dict(zip(queries.LATE_COLUMNS, map(list, zip(*recorded, strict=True)), strict=True))
        for account in Account.objects.filter(pk__in=set(columns["accounts"])).order_by("pk"):
            lock_audience(account)
        fetch_prepared(queries.ENGAGE_LATE, columns)
    LatePlace.objects.filter(pk=reached.pk).update(place=rows[-1][0])
    return len(rows)
