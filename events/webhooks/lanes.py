"""Deliver the events of one lane of an endpoint, one body after the other.

A lane repeats these steps, each of them one short transaction, and never posts within one:

1. *Prepare*: store the range of the next body as a pending delivery.
2. *Post* it.
3. *Settle*: a 2xx ends the delivery and moves the lane behind its range. Anything else keeps the delivery, stores its
   bytes, and sets the time of the next attempt.

A crash before step 1 commits changes nothing. After it, the next process finds the pending delivery and posts the same
events in the same order under the same id: the receiver may get a body twice, but never gets a part of it in another
body. The log is read behind the lane's position, which only a 2xx moves, so no event is lost and the order within a
message holds.

A process works on a lane under a lease, which it extends in each of its transactions. If another process has taken the
lane meanwhile, because the first one was suspended for longer than its lease, the transaction changes nothing and the
process stops.
"""

from __future__ import annotations

import threading
import time
import uuid
import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from events.log.reading import Position
from events.models import Delivery, DeliveryState, Endpoint, Lane
from events.webhooks.bodies import Body, LaneReader
from events.webhooks.client import Answer, Client
from events.webhooks.deliveries import read_body
from events.webhooks.dialects import form_of
from events.webhooks.endpoints import LANES, disable
from events.webhooks.notices import tell_owner
from events.webhooks.posting import facts_of, post_signed
from events.webhooks.schedule import FAILING_LIMIT, GONE, wait_after
from foundation.clock import Now, database_now

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(seconds=60)
"""The time of a lease, which is longer than an attempt may take."""
OUTAGE: Final = 3
"""After this number of failures in a row the receiver was away; fewer may come from a single refused body."""
RUN_SECONDS: Final = 20.0
"""The time after which a run begins no further delivery, so that the lanes of all endpoints take turns."""

is_ending: Final = threading.Event()
"""Set when the worker is told to stop. Its runs are threads of one process."""


def run_lane(lane_id: int, *, seconds: float = RUN_SECONDS) -> int:
    """Deliver the events of a lane. Return the number of delivered events."""
    lease = uuid.uuid4()
    lane = take_lane(lane_id, lease)
    if lane is None:
        return 0
    with Client() as client:
        return LaneRun(lane, lease, client).run(seconds)


@transaction.atomic
def take_lane(lane_id: int, lease: uuid.UUID) -> Lane | None:
    """Return a lane with its endpoint under a lease, or None if it has to wait or another process works on it."""
    lane = (
        Lane.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("endpoint")
        .filter(Q(leased_until=None) | Q(leased_until__lt=Now()), Q(next_at=None) | Q(next_at__lte=Now()))
        .filter(pk=lane_id, endpoint__is_enabled=True)
        .first()
    )
    if lane is not None:
        Lane.objects.filter(pk=lane.pk).update(lease=lease, leased_until=Now() + LEASE)
    return lane


class LaneRun:
    """Work on a lane under a lease."""

    def __init__(self, lane: Lane, lease: uuid.UUID, client: Client) -> None:
        self.lane = lane
        self.lease = lease
        self.client = client
        self.delivered = 0

    def run(self, seconds: float) -> int:
        """Deliver until nothing is left, an attempt fails, or the time is over. Return the number of events."""
        until = time.monotonic() + seconds
        try:
            if self._finish_pending():
                self._deliver_new(until)
        except LostLease:
            log.warning("lane not continued: another process has taken it", lane=self.lane.pk)
        else:
            Lane.objects.filter(pk=self.lane.pk, lease=self.lease).update(lease=None, leased_until=None)
        return self.delivered

    def _finish_pending(self) -> bool:
        """Attempt the delivery that is pending, if there is one. Return whether the lane can go on."""
        deliveries = Delivery.objects.select_related("endpoint").filter(state=DeliveryState.PENDING)
        pending = deliveries.filter(endpoint=self.lane.endpoint_id, lane_number=self.lane.number).first()
        return pending is None or (self._may_attempt() and self._attempt(pending, read_body(pending)))

    def _deliver_new(self, until: float) -> None:
        for body in self._read_bodies():
            if not body.events:
                self._move_to(body.until)
            elif not (self._may_attempt() and self._attempt(self._prepare(body), body.data)):
                return
            if time.monotonic() >= until or is_ending.is_set():
                return

    def _read_bodies(self) -> Iterator[Body]:
        endpoint = self.lane.endpoint
        reader = self._reader(endpoint.kinds, gets_own_events=endpoint.gets_own_events)
        return reader.read_bodies(Position(self.lane.place, self.lane.offset))

    def _reader(self, kinds: int, *, gets_own_events: bool) -> LaneReader:
        form = form_of(self.lane.endpoint.dialect, gets_own_events=gets_own_events)
        return LaneReader(self.lane.endpoint.account_id, form, kinds, number=self.lane.number, lanes=LANES)

    def _may_attempt(self) -> bool:
        """Return whether an attempt may be made now: the endpoint is enabled and was not changed since the run began.

        While an endpoint fails, one of its lanes at a time makes an attempt: the lane that moves `retry_at` first.
        """
        lane_endpoint = self.lane.endpoint
        endpoint = Endpoint.objects.filter(
            pk=lane_endpoint.pk, is_enabled=True, updated_at=lane_endpoint.updated_at
        ).first()
        if endpoint is None:
            return False
        lane_endpoint.failures = endpoint.failures
        if endpoint.failing_since is None:
            return True
        return bool(Endpoint.objects.filter(pk=endpoint.pk, retry_at__lte=Now()).update(retry_at=Now() + LEASE))

    @transaction.atomic
    def _prepare(self, body: Body) -> Delivery:
        self._extend()
        endpoint = self.lane.endpoint
        return Delivery.objects.create(
            endpoint=endpoint,
            lane_number=self.lane.number,
            after_place=body.after.place,
            after_offset=body.after.offset,
            place=body.until.place,
            offset=body.until.offset,
            kinds=endpoint.kinds,
            gets_own_events=endpoint.gets_own_events,
            events=body.events,
        )

    @transaction.atomic
    def _move_to(self, position: Position) -> None:
        """Move the lane behind events that the endpoint does not get."""
        self._extend()
        Lane.objects.filter(pk=self.lane.pk).update(place=position.place, offset=position.offset)

    def _attempt(self, delivery: Delivery, body: bytes) -> bool:
        """Post a delivery and settle it. Return whether it was accepted."""
        # The history of all its messages can be over, if it was pending for long and its bytes were not stored.
        answer = self._post(delivery, body) if body else Answer(None, "")
        if answer.is_success:
            self._settle(delivery, answer)
            self._end_outage()
        else:
            self._fail(delivery, body, answer)
        return answer.is_success

    def _post(self, delivery: Delivery, body: bytes) -> Answer:
        endpoint = self.lane.endpoint
        form = form_of(endpoint.dialect, gets_own_events=delivery.gets_own_events)
        return post_signed(self.client, endpoint, form, str(delivery.public_id), body)

    @transaction.atomic
    def _settle(self, delivery: Delivery, answer: Answer) -> None:
        """End an accepted delivery, and move the lane behind it."""
        self._extend()
        Delivery.objects.filter(pk=delivery.pk).update(
            state=DeliveryState.DELIVERED, attempts=F("attempts") + 1, body=None, **facts_of(answer)
        )
        Lane.objects.filter(pk=self.lane.pk).update(
            place=delivery.place, offset=delivery.offset, failing_since=None, next_at=None
        )
        failing = Endpoint.objects.filter(pk=self.lane.endpoint_id, failing_since__isnull=False)
        failing.update(failing_since=None, failures=0, retry_at=None)
        self.lane.place, self.lane.offset = delivery.place, delivery.offset
        self.delivered += delivery.events

    def _end_outage(self) -> None:
        """Let all lanes make their attempts now, if this was the first success after several failures in a row.

        A single body that the receiver never accepts is not an outage: the other lanes succeed between its attempts.
        """
        if self.lane.endpoint.failures >= OUTAGE:
            Lane.objects.filter(endpoint=self.lane.endpoint_id, next_at__isnull=False).update(next_at=None)

    @transaction.atomic
    def _fail(self, delivery: Delivery, body: bytes, answer: Answer) -> None:
        """Keep a delivery for the next attempt, or disable its endpoint.

        All lanes of an endpoint may have been posting when it failed. That counts as one failure: only the first lane
        finds the number of failures that it has read.
        """
        self._extend()
        delivery.attempts += 1
        stored = zlib.compress(body, 1) if delivery.body is None else delivery.body
        Delivery.objects.filter(pk=delivery.pk).update(attempts=delivery.attempts, body=stored, **facts_of(answer))
        now, endpoint = database_now(), self.lane.endpoint
        wait = wait_after(delivery.attempts, answer.status, answer.headers, now)
        Lane.objects.filter(pk=self.lane.pk).update(
            failing_since=Coalesce(F("failing_since"), Now()), next_at=now + wait
        )
        of_endpoint = wait_after(endpoint.failures + 1, answer.status, answer.headers, now)
        Endpoint.objects.filter(pk=endpoint.pk, failures=endpoint.failures).update(
            failures=F("failures") + 1,
            failing_since=Coalesce(F("failing_since"), Now()),
            retry_at=now + of_endpoint,
        )
        self._disable_if_hopeless(answer)

    def _disable_if_hopeless(self, answer: Answer) -> None:
        """Disable the endpoint and tell its owner, if the attempt shows that it is hopeless.

        Nobody can change the endpoint after `_extend` has locked the lane (`lock_again`). If several lanes see this at
        the same time, one of them disables it.
        """
        lane = Lane.objects.select_related("endpoint__account__parent").get(pk=self.lane.pk)
        endpoint = lane.endpoint
        since = min(time for time in (lane.failing_since, endpoint.failing_since) if time is not None)
        if answer.status == GONE and endpoint.url == self.lane.endpoint.url:
            endpoint.disabled_reason = "The receiver has answered that it is gone (410)."
        elif database_now() - since >= FAILING_LIMIT:
            endpoint.disabled_reason = f"It has failed for {FAILING_LIMIT.days} days. Last: {answer.error}."
        else:
            return
        if disable(endpoint, reason=endpoint.disabled_reason):
            tell_owner(endpoint, since)

    def _extend(self) -> None:
        """Extend the lease, and lock the lane until the transaction ends. Raises LostLease."""
        lane = Lane.objects.filter(pk=self.lane.pk, lease=self.lease)
        if not lane.update(leased_until=Now() + LEASE):
            raise LostLease


class LostLease(Exception):
    """Raised when another process has taken the lane."""
