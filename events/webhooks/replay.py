"""Post an accepted delivery again, at once and outside of its lane, for a receiver that has lost it.

Its body, its events and its id are those of the first time, so a receiver that still has the events can ignore them.
"""

from __future__ import annotations

from django.db.models import F

from events.errors import NotReplayable
from events.models import Delivery, DeliveryState
from events.webhooks.client import Answer, Client
from events.webhooks.deliveries import make_again
from events.webhooks.dialects import form_of
from events.webhooks.posting import facts_of, post_signed
from events.webhooks.trial import TRIAL_SECONDS


def replay_delivery(delivery: Delivery) -> Answer:
    """Post a delivery again, store the attempt, and return its end. Raises NotReplayable."""
    endpoint = delivery.endpoint
    if delivery.state == DeliveryState.PENDING:
        raise NotReplayable("the delivery is pending and is attempted anyway")
    if not endpoint.is_enabled:
        raise NotReplayable("its endpoint is disabled")
    body = make_again(delivery)
    if body.events != delivery.events:
        raise NotReplayable("the history of its events is over")
    form = form_of(endpoint.dialect, gets_own_events=delivery.gets_own_events)
    with Client(timeout_seconds=TRIAL_SECONDS) as client:
        answer = post_signed(client, endpoint, form, str(delivery.public_id), body.data)
    Delivery.objects.filter(pk=delivery.pk).update(attempts=F("attempts") + 1, **facts_of(answer))
    delivery.refresh_from_db()
    return answer
