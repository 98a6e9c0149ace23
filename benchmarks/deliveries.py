"""Deliver the events of sent messages to an endpoint of each dialect, and print the events per second as JSON.

This is a separate program (`python -m benchmarks.deliveries MESSAGES ROUNDS URL`), since it needs the settings of the
product and its migrated database. Messages are accepted as usual, and their events are written as a worker writes them;
no mail is sent. After each round the lanes are moved back, so that the same events are delivered again.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

MAIL: Final = 1000
"""The messages of a mail."""
SLICE: Final = 5
"""The parcels whose events are written in one transaction."""


def main(messages: int, rounds: int, url: str) -> dict[str, Any]:
    """Return the events per second of each round by dialect, and the number of events of a round."""
    import django

    django.setup()
    from django.db import connection

    from accounts.models import Account
    from config.celery import spare_collector
    from events.log.publishing import publish_events
    from events.models import Delivery, DeliveryState, Dialect, Lane
    from events.webhooks.endpoints import create_endpoint, sign_with_ecdsa
    from events.webhooks.hints import due_lanes
    from events.webhooks.lanes import run_lane

    spare_collector()
    account = Account.objects.create(username="bench")
    endpoints = [create_endpoint(account, dialect, url) for dialect in Dialect]
    for endpoint in endpoints:
        sign_with_ecdsa(endpoint, is_signed=True)
    write_events_of(account, messages)
    while publish_events():
        pass
    begin = dict(Lane.objects.values_list("pk", "place"))
    rates: dict[str, list[float]] = {}

    def run(lane_id: int) -> int:
        try:
            return run_lane(lane_id, seconds=600)
        finally:
            connection.close()

    delivered = 0
    for _ in range(rounds):
        for endpoint in endpoints:
            lanes = [lane.pk for lane in endpoint.lanes.all() if lane.pk in set(due_lanes())]
            began_at = time.monotonic()
            with ThreadPoolExecutor(len(lanes)) as threads:
                delivered = sum(threads.map(run, lanes))
            rates.setdefault(endpoint.dialect, []).append(delivered / (time.monotonic() - began_at))
            for lane_id in lanes:
                Lane.objects.filter(pk=lane_id).update(place=begin[lane_id])
    accepted = Delivery.objects.filter(state=DeliveryState.DELIVERED)
    return {"rates": rates, "events": sum(accepted.values_list("events", flat=True))}


def write_events_of(account: Any, messages: int) -> None:
    """Accept messages of an account, and write that they were sent."""
    from django.db import transaction

    from batches.models import PARCEL_SPAN, Parcel
    from mailer.draft import Address, ContentPart, MailDraft, Personalization
    from mailer.outcomes.writing import Entry, write_events
    from mailer.pipeline.accept import accept_mail

    for number in range(0, messages, MAIL):
        people = tuple(
            Personalization(to=(Address(f"r{n}@example.com"),)) for n in range(number, min(number + MAIL, messages))
        )
        content = (ContentPart("text/plain", "Hello"),)
        accept_mail(account, MailDraft(sender=Address("from@example.com"), personalizations=people, content=content))
    parcels = list(Parcel.objects.filter(account=account).order_by("pk"))
    for first in range(0, len(parcels), SLICE):
        entries = [
            Entry(parcel, 1, sent=[(id, reply_to(id)) for id in range(base, base + parcel.size)], categories=())
            for parcel in parcels[first : first + SLICE]
            for base in [parcel.pk * PARCEL_SPAN]
        ]
        with transaction.atomic():
            write_events(entries, dt.datetime.now(dt.UTC))


def reply_to(message_id: int) -> str:
    return f"250 2.0.0 Ok: queued as {message_id * 2_654_435_761 % 2**40:010X}"


if __name__ == "__main__":
    size, turns, address = sys.argv[1:]
    sys.stdout.write(json.dumps(main(int(size), int(turns), address)))
