"""Move the lanes of an endpoint back in the log, so that it gets again everything since a time.

The events come with their ids, in new bodies with new ids. A pending body is replaced, because its events are in the
new ones. A process that works on a lane meanwhile has lost its lease, and changes nothing after that.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction

from accounts.models import Account
from audience.locks import time_limit
from events.models import Delivery, DeliveryState, Endpoint, Lane, LogEntry
from events.webhooks.editing import lock_again
from foundation.clock import Now


def replay_since(endpoint: Endpoint, since: dt.datetime) -> int:
    """Let an endpoint get all events since a time again. Return the number of lanes that were moved.

    It may get some earlier events, too. A lane that is not that far is not moved. Raises UnknownEndpoint and
    SearchTooSlow.
    """
    place = find_place_before(endpoint.account, since)
    return 0 if place is None else move_back(endpoint, place)


def find_place_before(account: Account, since: dt.datetime) -> int | None:
    """Return a place behind which the log of an account has all events since a time; None without such events.

    Raises SearchTooSlow.
    """
    # No index has the time. Entries that are older are read in the order of their places until one is not.
    entries = LogEntry.objects.filter(account_id=account.pk, at__gte=since).order_by("place")
    with time_limit(settings.SEARCH_SECONDS):
        first = entries.values_list("place", flat=True).first()
    return None if first is None else first - 1


@transaction.atomic
def move_back(endpoint: Endpoint, place: int) -> int:
    """Move the lanes that are behind a place back to it. Return their number. Raises UnknownEndpoint."""
    endpoint = lock_again(endpoint)
    # While the row of a lane is locked, no other process works on it: each step of a run updates the row first.
    numbers = {lane.pk: lane.number for lane in endpoint.lanes.filter(place__gt=place)}
    pending = Delivery.objects.filter(endpoint=endpoint, state=DeliveryState.PENDING)
    pending.filter(lane_number__in=numbers.values()).delete()
    Lane.objects.filter(pk__in=numbers).update(
        place=place, offset=None, failing_since=None, next_at=None, lease=None, leased_until=None
    )
    Endpoint.objects.filter(pk=endpoint.pk).update(updated_at=Now())
    return len(numbers)
