"""Find the messages of an account that meet a condition, the newest first, at a bounded cost.

Messages are in two indexes only, by id and by recipient. A condition on `msg_id`, or on a `to_email` as a whole, names
the messages that can meet it. For any other condition the account's messages are looked at from the newest on, or from
the latest time that the condition allows. The number of these messages and the time of the search are limited.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from django.conf import settings
from django.db import connection

from accounts.models import Account
from batches.models import PARCEL_SPAN
from foundation.addresses import spellings
from mailer.activity.conditions import Condition, is_met, latest_event, names_field, narrow
from mailer.activity.queries import ACCEPTED_AT, MESSAGES_OF_ACCOUNT, MESSAGES_TO, PARCELS_OF_ACCOUNT
from mailer.activity.records import Activity, read_activities, read_subjects
from mailer.listing.finding import find_parcels_of_mail
from mailer.listing.parcels import DISORDER
from mailer.models import Mail
from mailer.partitions import newest_parcel_id

LOOKED_AT: Final = 10_000
"""The most recipients of messages that one search looks at."""
PAGE: Final = 1000
"""The most messages that are read at a time."""
FIRST_PAGE: Final = 50
"""The messages that a search reads first; each further page has twice as many. Most searches end with the first."""
PARCELS: Final = 500
"""The most parcels that are read at a time."""
BATCHES: Final = 5000
"""The number of newest batches of an account whose messages are looked at, in addition to its default batch."""
NEWEST: Final = sys.maxsize
"""An id that is above those of all messages."""
PRECISION: Final = dt.timedelta(seconds=1)
"""The precision of times in responses: an event may have happened this much later than the time that is shown."""


@dataclass(frozen=True, slots=True)
class Matches:
    """The activities that meet a condition. It is incomplete if older messages were not looked at."""

    activities: list[Activity]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Page:
    """The activities of some messages that meet a condition; all the account's messages below `before` are older.

    `before` is None after the last page.
    """

    activities: list[Activity]
    looked_at: int
    before: int | None


def search(account: Account, condition: Condition, *, limit: int) -> Matches:
    """Return the newest activities of an account that meet a condition, at most `limit`."""
    until = time.monotonic() + settings.SEARCH_SECONDS
    matches: list[Activity] = []
    looked_at = 0
    for activities in _read_candidates(account, condition, size=max(limit, FIRST_PAGE)):
        matches += _matching(condition, activities)
        looked_at += len(activities)
        if len(matches) >= limit:
            return _shown(matches[:limit], is_complete=True)
        if looked_at >= LOOKED_AT or time.monotonic() >= until:
            return _shown(matches, is_complete=False)
    return _shown(matches, is_complete=True)


def read_page(account: Account, condition: Condition, *, before: int | None) -> Page:
    """Return the next activities that meet a condition, of messages below an id; of the newest if it is None."""
    ids = _find_candidates(account, condition, first_before(condition) if before is None else before, size=PAGE)
    matches: list[Activity] = []
    looked_at = 0
    for activities in read_activities(ids):
        matches += _matching(condition, activities)
        looked_at += len(activities)
        if looked_at >= LOOKED_AT:
            # The page ends here if its messages have many recipients.
            ids = [activities[-1].message.pk]
            break
    read_subjects(matches)
    return Page(matches, looked_at, ids[-1] if ids else None)


def first_before(condition: Condition) -> int:
    """Return an id above those of all messages that can meet a condition."""
    latest = latest_event(condition)
    return NEWEST if latest is None else _id_after(latest + PRECISION)


def _shown(activities: list[Activity], *, is_complete: bool) -> Matches:
    read_subjects(activities)
    return Matches(activities, is_complete)


def _read_candidates(account: Account, condition: Condition, *, size: int) -> Iterator[list[Activity]]:
    before = first_before(condition)
    while ids := _find_candidates(account, condition, before, size=min(size, PAGE)):
        yield from read_activities(ids)
        before, size = ids[-1], 2 * size


def _matching(condition: Condition, activities: Sequence[Activity]) -> Iterator[Activity]:
    """Yield the activities that meet a condition. A subject is only made if the result depends on it."""
    results = [is_met(condition, activity.value_of) for activity in activities]
    if names_field(condition, "subject"):
        read_subjects([unread for unread, result in zip(activities, results, strict=True) if result is None])
    for activity, result in zip(activities, results, strict=True):
        if result or (result is None and is_met(condition, activity.value_of)):
            yield activity


# --- candidates -------------------------------------------------------------------------------------------------------


def _find_candidates(account: Account, condition: Condition, before: int, *, size: int) -> list[int]:
    """Return the ids of the newest messages below an id that can meet a condition, at most `size`, the newest first."""
    narrowing = narrow(condition)
    if narrowing is None:
        return _find_newest(account, before, size=size)
    values = {"account": account.pk, "before": before, "limit": size, "span": PARCEL_SPAN}
    named_ids = [*narrowing.messages, *_messages_of_mails(account, narrowing.mails, before, size=size)]
    ids = set(_read_ids(MESSAGES_OF_ACCOUNT, values | {"ids": named_ids})) if named_ids else set()
    if narrowing.recipients:
        addresses = set().union(*map(spellings, narrowing.recipients))
        ids.update(_read_ids(MESSAGES_TO, values | {"recipients": list(addresses)}))
    return sorted(ids, reverse=True)[:size]


def _find_newest(account: Account, before: int, *, size: int) -> list[int]:
    # The parcel of the id may have more messages below it.
    parcel, limit = -(-before // PARCEL_SPAN), min(size, PARCELS)
    values = {"account": account.pk, "batches": BATCHES, "before": parcel, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(PARCELS_OF_ACCOUNT, values)
        return _messages_below(before, cursor.fetchall(), size=size)


def _messages_of_mails(account: Account, public_ids: Collection[str], before: int, *, size: int) -> Iterator[int]:
    """Yield the ids of messages of the account's mails, the newest of each mail."""
    for public_id in Mail.objects.filter(public_id__in=public_ids, account=account).values_list("public_id", flat=True):
        yield from _messages_below(before, reversed(find_parcels_of_mail(public_id)), size=size)


def _messages_below(before: int, parcels: Iterable[tuple[int, int]], *, size: int) -> list[int]:
    """Return the ids of the newest messages of parcels, which are given by id and number of messages, newest first."""
    ids = (parcel * PARCEL_SPAN + n for parcel, members in parcels for n in reversed(range(members)))
    return list(islice((message_id for message_id in ids if message_id < before), size))


def _read_ids(statement: str, values: dict[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [message_id for (message_id,) in cursor.fetchall()]


def _id_after(moment: dt.datetime) -> int:
    """Return an id above those of all messages whose mail was accepted before a time.

    Times rise with parcel ids, except for a little disorder and for campaigns, whose messages are made later than their
    mail. Such a message seems older than it is, so the id can only be higher than necessary.
    """
    parcels = range(newest_parcel_id() + 1)
    first = bisect_left(parcels, moment, key=_accepted_at)
    return (first + DISORDER) * PARCEL_SPAN


def _accepted_at(parcel: int) -> dt.datetime:
    """Return when the mail of the first message from this parcel on was accepted."""
    with connection.cursor() as cursor:
        cursor.execute(ACCEPTED_AT, [parcel * PARCEL_SPAN])
        row = cursor.fetchone()
    return row[0] if row else dt.datetime.max.replace(tzinfo=dt.UTC)
