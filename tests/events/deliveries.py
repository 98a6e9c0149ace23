"""Store deliveries of an endpoint as if a worker had made them."""

from __future__ import annotations

import zlib
from typing import Any

from events.models import Delivery, DeliveryState, Endpoint
from events.webhooks import lanes
from events.webhooks.hints import due_lanes

BODY = zlib.compress(b'{"data":["ann@example.com"]}')


def store_deliveries(endpoint: Endpoint, number: int = 1, **fields: Any) -> Delivery:
    """Store deliveries that failed, with these fields, and return the last one."""
    rows = [
        Delivery(
            endpoint=endpoint,
            lane_number=0,
            state=DeliveryState.DELIVERED if each else DeliveryState.PENDING,
            after_place=0,
            place=0,
            kinds=-1,
            attempts=2,
            status_code=503,
            error="the response was 503",
            **{"events": 1, "reply": "<b>later</b>", "seconds": 0.5, "body": BODY, **fields},
        )
        for each in range(number)
    ]
    return Delivery.objects.bulk_create(rows)[-1]


def run_due() -> int:
    """Run every lane that has something to do, once. Return the number of delivered events."""
    return sum(lanes.run_lane(lane_id) for lane_id in due_lanes())
