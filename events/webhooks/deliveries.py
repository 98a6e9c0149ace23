"""Find the deliveries of an endpoint, and read their bodies again."""

from __future__ import annotations

import datetime as dt
import zlib
from uuid import UUID

from django.db.models import QuerySet

from events.errors import UnknownDelivery
from events.log.reading import Position
from events.models import Delivery, DeliveryState, Endpoint
from events.webhooks.bodies import Body, LaneReader
from events.webhooks.dialects import form_of
from events.webhooks.endpoints import LANES


def list_deliveries(
    endpoint: Endpoint, *, state: DeliveryState | None = None, after: UUID | None = None, limit: int
) -> tuple[list[Delivery], UUID | None]:
    """Return a page of the deliveries of an endpoint, newest first, and the id after which the next page begins.

    Their bodies are left out. Raises UnknownDelivery for an `after` that is not the id of a delivery.
    """
    rows = _of_endpoint(endpoint).defer("body")
    rows = rows if state is None else rows.filter(state=state)
    rows = rows if after is None else rows.filter(pk__lt=find_delivery(endpoint, after).pk)
    page = list(rows.order_by("-pk")[: limit + 1])
    return page[:limit], page[limit - 1].public_id if len(page) > limit else None


def find_delivery(endpoint: Endpoint, public_id: UUID) -> Delivery:
    """Return a delivery of an endpoint. Raises UnknownDelivery."""
    delivery = _of_endpoint(endpoint).filter(public_id=public_id).first()
    if delivery is None:
        raise UnknownDelivery
    return delivery


def next_attempts(endpoint: Endpoint) -> dict[int, dt.datetime]:
    """Return the time before which each waiting lane makes no attempt, by the number of the lane."""
    if not endpoint.is_enabled:
        return {}
    waits = ((lane.number, (lane.next_at, endpoint.retry_at)) for lane in endpoint.lanes.all())
    times = {number: [at for at in times_of_lane if at is not None] for number, times_of_lane in waits}
    return {number: max(times_of_lane) for number, times_of_lane in times.items() if times_of_lane}


def read_body(delivery: Delivery) -> bytes:
    """Return the body of a delivery, stored or made again from the log.

    It has fewer events than before, or none, once the history of some of its messages is over.
    """
    return make_again(delivery).data if delivery.body is None else zlib.decompress(delivery.body)


def make_again(delivery: Delivery) -> Body:
    """Return the body of a delivery as it is made from the log."""
    endpoint = delivery.endpoint
    form = form_of(endpoint.dialect, gets_own_events=delivery.gets_own_events)
    reader = LaneReader(endpoint.account_id, form, delivery.kinds, number=delivery.lane_number, lanes=LANES)
    after = Position(delivery.after_place, delivery.after_offset)
    return reader.read_again(after, Position(delivery.place, delivery.offset))


def _of_endpoint(endpoint: Endpoint) -> QuerySet[Delivery]:
    return Delivery.objects.filter(endpoint=endpoint).select_related("endpoint")
