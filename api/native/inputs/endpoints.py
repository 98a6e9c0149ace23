"""Read the requests of endpoints and their deliveries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request

from api.bodies import find_uuid
from api.native.errors import invalid
from api.native.inputs.fields import MomentField, PageForm
from api.native.inputs.reading import read_body_as, read_query_as
from events.errors import UnknownDelivery, UnknownEndpoint
from events.models import ALL_KINDS, DeliveryState, Dialect
from events.webhooks.editing import Changes
from events.webhooks.kinds import BITS, mask_of
from events.webhooks.urls import URL_LENGTH
from foundation.texts import is_line

NAME_LENGTH, CREDENTIAL_LENGTH = 255, 1000
KINDS: Final = sorted({name for bits in BITS.values() for name in bits})
DELIVERY_STATES = {state.label: state for state in DeliveryState}


@dataclass(frozen=True, slots=True)
class DeliveriesQuery:
    """The query of a list of deliveries. `after` is the id of the last delivery of the page before."""

    state: DeliveryState | None
    after: UUID | None
    limit: int


class LineField(serializers.CharField):
    """A text without line breaks and control characters."""

    default_error_messages = {"line": "Must not contain line breaks or control characters."}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "allow_blank": True, "trim_whitespace": False, **options})

    def to_internal_value(self, data: Any) -> str:
        """Return the text."""
        text: str = super().to_internal_value(data)
        if not is_line(text):
            self.fail("line")
        return text


class KindsField(serializers.ListField):
    """The names of kinds of events, some of them or all."""

    child = serializers.ChoiceField(KINDS)
    default_error_messages = {"kinds": "Must be a list of kinds of events, or null for all."}

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_null=True, allow_empty=False, max_length=len(KINDS), **options)

    def to_internal_value(self, data: Any) -> list[str]:
        """Return the names."""
        is_list = isinstance(data, list) and 0 < len(data) <= len(KINDS)
        if not is_list or not all(isinstance(each, str) and each in KINDS for each in data):
            self.fail("kinds")
        names: list[str] = data
        return names


class EndpointForm(serializers.Serializer[Any]):
    """The fields of PATCH endpoints/{id}, each of which may be left out."""

    url = LineField(max_length=URL_LENGTH)
    name = LineField(max_length=NAME_LENGTH)
    kinds = KindsField()
    enabled = serializers.BooleanField(required=False)
    oauth_client_id = LineField(max_length=CREDENTIAL_LENGTH)
    oauth_client_secret = LineField(max_length=CREDENTIAL_LENGTH, write_only=True)
    oauth_token_url = LineField(max_length=URL_LENGTH)


class NewEndpointForm(EndpointForm):
    """The fields of POST endpoints."""

    url = LineField(max_length=URL_LENGTH, required=True)


class SinceForm(serializers.Serializer[Any]):
    """The fields of POST endpoints/{id}/replay."""

    since = MomentField()


class DeliveriesForm(PageForm):
    """The fields of GET endpoints/{id}/deliveries."""

    state = serializers.ChoiceField(list(DELIVERY_STATES), default=None)
    after = serializers.UUIDField(default=None)


def read_new_endpoint(request: Request) -> Changes:
    """Return the fields of a new endpoint of the native dialect. Without `kinds` it gets all of them."""
    fields = read_body_as(NewEndpointForm, request)
    return _changes_of({"kinds": None, **fields}, Dialect.NATIVE)


def read_endpoint_change(request: Request, dialect: str) -> Changes:
    """Return the changes of an endpoint of a dialect."""
    return _changes_of(read_body_as(EndpointForm, request), dialect)


def read_since(request: Request) -> dt.datetime:
    """Return the time in the body of POST endpoints/{id}/replay."""
    since: dt.datetime = read_body_as(SinceForm, request)["since"]
    return since


def read_deliveries_query(request: Request) -> DeliveriesQuery:
    """Return the query of GET endpoints/{id}/deliveries."""
    fields = read_query_as(DeliveriesForm, request)
    return DeliveriesQuery(DELIVERY_STATES.get(fields["state"]), fields["after"], fields["limit"])


def read_endpoint_id(text: str) -> UUID:
    """Return the id of an endpoint in a path. Raises UnknownEndpoint."""
    if (public_id := find_uuid(text)) is None:
        raise UnknownEndpoint
    return public_id


def read_delivery_id(text: str) -> UUID:
    """Return the id of a delivery in a path. Raises UnknownDelivery."""
    if (public_id := find_uuid(text)) is None:
        raise UnknownDelivery
    return public_id


def _changes_of(fields: Mapping[str, Any], dialect: str) -> Changes:
    is_changed = "kinds" in fields
    return Changes(
        url=fields.get("url"),
        friendly_name=fields.get("name"),
        kinds_on=_read_kinds(fields["kinds"], dialect) if is_changed else 0,
        kinds_off=ALL_KINDS if is_changed else 0,
        is_enabled=fields.get("enabled"),
        oauth_client_id=fields.get("oauth_client_id"),
        oauth_client_secret=fields.get("oauth_client_secret"),
        oauth_token_url=fields.get("oauth_token_url"),
    )


def _read_kinds(names: list[str] | None, dialect: str) -> int:
    if unknown := set(names or ()) - BITS[dialect].keys():
        raise invalid({"kinds": [f"Endpoints of this dialect have no {', '.join(sorted(unknown))}."]})
    return mask_of(dialect, names)
