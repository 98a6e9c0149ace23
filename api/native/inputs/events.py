"""Read the requests of events."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from api.native.inputs.fields import DEFAULT_LIMIT
from api.native.inputs.reading import read_query_as
from events.log.reading import Position

HIGHEST_LIMIT = 1000
POSITION = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class EventsQuery:
    """The query of GET events. `after` is the position behind the last event of the page before."""

    after: Position
    limit: int


class EventsForm(serializers.Serializer[Any]):
    """The fields of GET events."""

    after = serializers.RegexField(rf"^{POSITION.pattern}\Z", default="0")
    limit = serializers.IntegerField(min_value=1, max_value=HIGHEST_LIMIT, default=DEFAULT_LIMIT)


def read_events_query(request: Request) -> EventsQuery:
    """Return the query of GET events."""
    fields = read_query_as(EventsForm, request)
    place, _, offset = fields["after"].partition(".")
    return EventsQuery(Position(int(place), int(offset) if offset else None), fields["limit"])
