"""Create, change and delete segments, and find and count the contacts that meet a condition."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import Account
from audience.errors import SearchTooSlow, TooManyCalls, UnknownField, UnknownSegment
from audience.fields import list_fields
from audience.lists import check_lists, check_name
from audience.locks import expensive_call, time_limit
from audience.models import Contact, Segment
from audience.queries import COUNT_MATCHING, SEGMENTS_OF, SELECT_MATCHING
from audience.query.compiling import compile_condition
from audience.query.condition_json import from_json, to_json
from audience.query.conditions import And, Condition, InList, custom_fields_of
from foundation.clock import Now, database_now

FRESH: Final = dt.timedelta(minutes=1)
RECOUNT_SECONDS: Final = 1.0
"""The time that is spent on counting the segments of one list. The others keep the counts they had."""


def create_segment(
    account: Account, name: str, condition: Condition, *, dialect: str, written: Any, list_id: int | None = None
) -> Segment:
    """Create a segment: the contacts that meet the condition and, if a list is named, are on that list.

    `written` is the caller's original text or conditions, in its `dialect`. Raises InvalidName, NameTaken, UnknownList
    and UnknownField.
    """
    with transaction.atomic():
        check_name(account, name)
        _check(account, condition, list_id)
        segment = Segment.objects.create(
            account=account,
            name=name,
            list_id=list_id,
            condition=to_json(condition),
            dialect=dialect,
            written=written,
        )
    return find_segment(account, segment.pk)


def update_segment(
    account: Account,
    segment_id: int | uuid.UUID,
    *,
    name: str | None = None,
    condition: Condition | None = None,
    written: Any = None,
    list_id: int | None = None,
) -> Segment:
    """Change the values that are given. A new condition or list resets the count. The list 0 stands for all contacts.

    Raises what `create_segment` raises, and UnknownSegment.
    """
    with transaction.atomic():
        segment = find_segment(account, segment_id)
        check_name(account, segment.name if name is None else name, except_segment=segment.pk)
        _check(account, condition or from_json(segment.condition), list_id or None)
        changes: dict[str, Any] = {} if name is None else {"name": name}
        if condition is not None:
            changes |= {"condition": to_json(condition), "written": written}
        if list_id is not None:
            changes["list_id"] = list_id or None
        if condition is not None or list_id is not None:
            changes |= {"contact_count": None, "counted_at": None}
        list_segments(account).filter(pk=segment.pk).update(**changes, updated_at=Now())
    return find_segment(account, segment.pk)


def list_segments(account: Account) -> QuerySet[Segment]:
    """Return the account's segments, the oldest first."""
    return Segment.objects.filter(account=account).select_related("list").order_by("pk")


def find_segment(account: Account, segment_id: int | uuid.UUID) -> Segment:
    """Return a segment by its number or its UUID. Raises UnknownSegment."""
    if isinstance(segment_id, int) and not 0 < segment_id < 2**31:
        raise UnknownSegment
    lookup = {"uuid" if isinstance(segment_id, uuid.UUID) else "pk": segment_id}
    segment = list_segments(account).filter(**lookup).first()
    if segment is None:
        raise UnknownSegment
    return segment


def delete_segment(account: Account, segment_id: int | uuid.UUID) -> None:
    """Delete a segment. Its contacts stay. Raises UnknownSegment."""
    find_segment(account, segment_id).delete()


def condition_of(segment: Segment) -> Condition:
    """Return the condition for the contacts of a segment, which includes its list. A deleted list has no contacts."""
    condition = from_json(segment.condition)
    return condition if segment.list_id is None else And((InList(segment.list_id), condition))


def refresh_segment(segment: Segment) -> Segment:
    """Count the segment's contacts again. Raises SearchTooSlow and TooManyCalls."""
    count = count_matching(segment.account, condition_of(segment))
    list_segments(segment.account).filter(pk=segment.pk).update(contact_count=count, counted_at=Now())
    return find_segment(segment.account, segment.pk)


def counted(segments: Iterable[Segment], *, seconds: float = RECOUNT_SECONDS) -> list[Segment]:
    """Return the segments, with counts that are older than `FRESH` updated, as many as the time allows.

    A segment whose count takes too long keeps its old count, and so do all segments while the account has too many
    expensive calls under way.
    """
    until, stale = time.monotonic() + seconds, database_now() - FRESH
    return [
        _recount(each) if (each.counted_at or stale) <= stale and time.monotonic() < until else each
        for each in segments
    ]


def _recount(segment: Segment) -> Segment:
    try:
        return refresh_segment(segment)
    except (SearchTooSlow, TooManyCalls, UnknownSegment):
        return segment


def find_matching(
    account: Account, condition: Condition, *, after: int = 0, offset: int = 0, limit: int
) -> list[Contact]:
    """Return a page of the contacts that meet a condition, the oldest first.

    The page holds contacts with ids above `after`, without the first `offset` of them. Raises SearchTooSlow and
    TooManyCalls.
    """
    with expensive_call(account.pk):
        return _select_matching(account, condition, after=after, offset=offset, limit=limit)


def find_matching_for_job(account: Account, condition: Condition, *, after: int, limit: int) -> list[Contact]:
    """Find a page of contacts as `find_matching` does, with the time limit of a job. Raises SearchTooSlow."""
    with time_limit(settings.JOB_STATEMENT_SECONDS):
        return _select_matching(account, condition, after=after, offset=0, limit=limit)


def _select_matching(account: Account, condition: Condition, *, after: int, offset: int, limit: int) -> list[Contact]:
    expression, parameters = compile_condition(condition, account_id=account.pk)
    values = parameters | {"account": account.pk, "after": after, "offset": offset, "limit": limit}
    return list(Contact.objects.raw(SELECT_MATCHING.format(condition=expression), values))


def count_matching(account: Account, condition: Condition) -> int:
    """Return the number of the account's contacts that meet a condition. Raises SearchTooSlow and TooManyCalls."""
    expression, parameters = compile_condition(condition, account_id=account.pk)
    with expensive_call(account.pk), connection.cursor() as cursor:
        cursor.execute(COUNT_MATCHING.format(condition=expression), parameters | {"account": account.pk})
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def segments_of(account: Account, contact_ids: Collection[int]) -> dict[int, list[Segment]]:
    """Return the segments that each contact belongs to, keyed by the contact's id. Runs one statement per segment."""
    segments: dict[int, list[Segment]] = defaultdict(list)
    for segment in list_segments(account):
        expression, parameters = compile_condition(condition_of(segment), account_id=account.pk)
        values = parameters | {"account": account.pk, "contacts": list(contact_ids)}
        with connection.cursor() as cursor:
            cursor.execute(SEGMENTS_OF.format(condition=expression), values)
            for (contact_id,) in cursor.fetchall():
                segments[contact_id].append(segment)
    return segments


def _check(account: Account, condition: Condition, list_id: int | None) -> None:
    """Check the list and the fields under the lock, so that none is deleted before the segment is stored."""
    if list_id is not None:
        check_lists(account, [list_id])
    fields = custom_fields_of(condition)
    if fields and list_fields(account).filter(pk__in=fields).count() < len(fields):
        raise UnknownField
