"""List the receipts of the last day: what was stopped or released, by whom, and how much had been sent."""

from __future__ import annotations

import datetime as dt

from batches.models import Receipt
from foundation.clock import Now
from monitoring.scope import Scope

LATELY = dt.timedelta(hours=24)
LOOKED_AT = 5000
"""The newest receipts that are looked at."""


def list_stopped(scope: Scope, limit: int = 20) -> list[Receipt]:
    """Return the receipts of 24 hours, the newest first, `limit` at most; those about single messages are left out.

    A receipt about the whole installation belongs to EVERYTHING only.
    """
    in_scope = Receipt.objects.all() if scope.ids is None else Receipt.objects.filter(account__in=scope.ids)
    newest = in_scope.order_by("-pk").values("pk")[:LOOKED_AT]
    receipts = Receipt.objects.filter(pk__in=newest, message_id=None, created_at__gt=Now() - LATELY)
    light = receipts.defer("claims", "doubtful_messages").select_related("account", "batch__launch__campaign")
    return list(light.order_by("-pk")[:limit])
