"""Define the fields of several requests, and the forms on which other forms build."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.utils.timezone import is_naive
from rest_framework import serializers

DEFAULT_LIMIT, HIGHEST_LIMIT = 100, 500
REASON_LENGTH = 500
FURTHEST = dt.timedelta(days=3653)
"""Ten years: a time further ahead has wrong units."""
MESSAGE_IDS = 1000
MESSAGE_ID = re.compile(r"[0-9]{1,18}")


class PublicIdField(serializers.RegexField):
    """An id in the form in which Sluice makes them. A text of another form never reaches a query."""

    def __init__(self) -> None:
        super().__init__(r"^[A-Za-z0-9_-]{1,64}\Z", required=False, default=None)


class MomentField(serializers.DateTimeField):
    """A time with an offset, without which it would depend on the server's time zone. It is converted to UTC."""

    default_error_messages = {
        "invalid": "Must be an ISO 8601 time with an offset, such as 2026-11-20T10:53:00Z.",
        "too_far": "Must not be more than ten years ahead.",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=dt.UTC, **options)

    def enforce_timezone(self, value: dt.datetime) -> dt.datetime:
        """Return the time in UTC, unless it has no offset or is too far ahead."""
        if is_naive(value):
            self.fail("invalid")
        moment = super().enforce_timezone(value)
        # This check only finds wrong units, so it need not use the database's clock.
        if moment > dt.datetime.now(dt.UTC) + FURTHEST:
            self.fail("too_far")
        return moment


class MessageIdsField(serializers.ListField):
    """Ids of messages, as the strings in answers. They are checked only if their number is right."""

    child = serializers.RegexField(rf"^{MESSAGE_ID.pattern}\Z")
    default_error_messages = {
        "number": f"Must be a list of 1 to {MESSAGE_IDS} ids.",
        "ids": "Must be a list of message ids, each one a string of digits.",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(min_length=1, max_length=MESSAGE_IDS, **options)

    def to_internal_value(self, data: Any) -> Any:
        """Return the ids as numbers."""
        if not isinstance(data, list) or not 1 <= len(data) <= MESSAGE_IDS:
            self.fail("number")
        if not all(isinstance(each, str) and MESSAGE_ID.fullmatch(each) for each in data):
            self.fail("ids")
        return frozenset(map(int, data))


class PageForm(serializers.Serializer[Any]):
    """The fields of a list."""

    limit = serializers.IntegerField(min_value=1, max_value=HIGHEST_LIMIT, default=DEFAULT_LIMIT)


class ReasonForm(serializers.Serializer[Any]):
    """The fields of a change: its reason."""

    reason = serializers.CharField(max_length=REASON_LENGTH, allow_blank=True, default="", trim_whitespace=False)


class MoveForm(ReasonForm):
    """The fields of a stop or a resume."""

    dry_run = serializers.BooleanField(default=False)
