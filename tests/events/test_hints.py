"""Test which lanes get hints to deliver."""

from __future__ import annotations

from accounts.models import Account
from batches.claims import Claimer
from batches.models import Parcel
from batches.states import Lane, ParcelState
from events.log.publishing import publish_events
from events.models import Endpoint
from events.webhooks.hints import MUCH_MAIL, PATIENCE_SECONDS, due_lanes
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from tests.conftest import Clock
from tests.drafts import draft


def test_new_events_wait_for_some_seconds_while_much_mail_is_being_delivered(
    alice: Account, endpoint: Endpoint, deliverer: Deliverer, clock: Clock
) -> None:
    accept_mail(alice, draft(1))
    deliverer.deliver_due(seconds=5)
    publish_events()
    assert due_lanes()
    accept_mail(alice, draft(MUCH_MAIL))
    Claimer().claim_next(*Lane, messages=MUCH_MAIL)
    assert not due_lanes()
    clock.advance(seconds=PATIENCE_SECONDS)
    assert due_lanes(), "they have waited long enough"
    clock.advance(seconds=-PATIENCE_SECONDS)
    assert not due_lanes()
    Parcel.objects.filter(state=ParcelState.CLAIMED).first().delete()
    assert due_lanes(), "what is being delivered is not much any more"
