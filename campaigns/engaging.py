"""Record what happened between contacts and campaigns: engagements, and when contacts were last emailed.

Each write of events of a campaign leaves a notice (`mailer/outcomes/writing.py`). The input is a page of notices. One
statement reads the events of their parcels and adds them to the contacts. The notices are deleted in the same
transaction, so a crash at any line changes nothing, and a repeated notice adds nothing. Contacts that were deleted
meanwhile are skipped.

The sweeper hints this work, so it is done by a task in the queue of the audience and never delays the sweeper. While
mail is being delivered anywhere, a task ends after a few hundredths of a second, so that it takes little from the
drain.
"""

from __future__ import annotations

import time
from typing import Final

from django.db import transaction

from accounts.models import Account
from audience import QUEUE
from audience.locks import lock_audience
from batches import hints
from batches.models import Parcel
from batches.states import ParcelState
from campaigns import response_queries as queries
from campaigns.opening import are_late_events_waiting, record_late_page
from foundation.statements import fetch_prepared
from mailer.models import OutcomeNotice

ENGAGE: Final = "campaigns.tasks.engage"
HINT_LIFE_SECONDS: Final = 2
"""The sweeper publishes a hint in every round, so an older one is of no use."""
PAGE: Final = 4
"""The number of notices that are read in one transaction, each of up to 500 messages."""
RUN_SECONDS: Final = 2.0
"""One task continues for this time, so that it takes turns with the other tasks of the queue."""
SHARED_SECONDS: Final = 0.03
"""The limit while mail is being delivered. With one hint a second, this is 3 % of the time, plus at most one page."""


def hint_engaging() -> int:
    """Hint that notices or late events wait, if there are any. A duty of the sweeper."""
    if not OutcomeNotice.objects.exists() and not are_late_events_waiting():
        return 0
    if not hints.publish(ENGAGE, [], queue=QUEUE, expires=HINT_LIFE_SECONDS):
        # The broker is away, so a part is done here.
        engage(seconds=SHARED_SECONDS)
    return 1


def engage(*, seconds: float = RUN_SECONDS) -> int:
    """Record page after page until nothing is left or the time is over. Return the number of events recorded.

    Late events are recorded when no notice is left.
    """
    began_at, recorded = time.monotonic(), 0
    while (events := _next_page()) is not None:
        recorded += events
        limit = min(seconds, SHARED_SECONDS) if is_mail_under_way() else seconds
        if time.monotonic() - began_at >= limit:
            break
    return recorded


def _next_page() -> int | None:
    events = engage_page()
    return record_late_page() if events is None else events


@transaction.atomic
def engage_page() -> int | None:
    """Record the events of the oldest notices, and delete these. Return the number of events; None without notices.

    Notices that another consumer has taken are skipped, so this never waits for one. After that it takes the locks of
    the audiences, by ascending id. Every other writer takes one of them before it changes contacts.
    """
    notices = fetch_prepared(queries.TAKE_NOTICES, {"page": PAGE})
    if not notices:
        return None
    columns = dict(zip(queries.NOTICE_COLUMNS, map(list, zip(*notices, strict=True)), strict=True))
    for account in Account.objects.filter(pk__in=set(columns["accounts"])).order_by("pk"):
        lock_audience(account)
    ((events,),) = fetch_prepared(queries.ENGAGE, columns)
    return int(events)


def is_mail_under_way() -> bool:
    """Return whether any parcel is being delivered or could be."""
    return any(Parcel.objects.filter(state=state).exists() for state in (ParcelState.CLAIMED, ParcelState.DUE))
