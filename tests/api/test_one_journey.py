"""One journey through every API: the same mail is sent, the same mail is stopped, and the same counts are returned."""

from __future__ import annotations

import datetime as dt

import pytest

from batches.models import Receipt
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from campaigns.terms import change_terms
from foundation.clock import database_now
from mailer.models import EventKind, Message
from mailer.pipeline.deliver import Deliverer
from tests.api.campaign_apis import SUBJECT, CampaignApi, Easymail, Legacy, SingleSends, Soap
from tests.api.conftest import ApiClient
from tests.campaigns.building import run_fleet
from tests.conftest import Clock
from tests.examples import few_by_default
from tests.outcomes import stored_events
from tests.peer import CountingPeer

EMAILS = [f"r{n}@example.com" for n in range(4)]


@pytest.mark.parametrize("begins", few_by_default(["at its time", "now"], "at its time"))
@pytest.mark.parametrize("api_of", few_by_default([Legacy, SingleSends, Easymail, Soap], SingleSends))
def test_half_of_it_is_sent_and_the_rest_is_stopped(
    api_of: type[CampaignApi],
    begins: str,
    client_of_alice: ApiClient,
    deliverer: Deliverer,
    peer: CountingPeer,
    clock: Clock,
) -> None:
    api = api_of(client_of_alice)
    api.create_audience(EMAILS)
    deliver_sender_verification(deliverer, peer)

    api.create()
    if "unschedule" not in api.missing_steps:
        api.schedule(database_now() + dt.timedelta(minutes=1))
        expect(api, CampaignStatus.SCHEDULED)
        run_fleet(deliverer)
        api.unschedule()
        expect(api, CampaignStatus.DRAFT)
        clock.advance(seconds=90)
    if begins == "now":
        api.launch()
        expect(api, CampaignStatus.QUEUED)
    else:
        api.schedule(database_now() + dt.timedelta(minutes=1))
        expect(api, CampaignStatus.SCHEDULED)
        run_fleet(deliverer)
        assert peer.recipients == []
        clock.advance(seconds=60)
    run_fleet(deliverer)
    clock.advance(seconds=60)
    run_fleet(deliverer)
    counts = api.cancel()
    clock.advance(hours=1)
    run_fleet(deliverer)

    assert counts == (True, 2)
    assert peer.recipients == EMAILS[:2]
    assert all(f"Subject: {SUBJECT}\r\n".encode() in taken.data for taken in peer.ledger)
    sent_with = Message.objects.filter(mail_id=campaign_of(api).launch.mail_id)  # type: ignore[union-attr]
    assert [message.recipient for message in sent_with.order_by("id")] == EMAILS
    sent_ids = set(sent_with.values_list("id", flat=True))
    kinds = [event.kind for event in stored_events() if event.message_id in sent_ids]
    assert kinds == [EventKind.SENT] * 2 + [EventKind.DISCARDED] * 2
    receipt = Receipt.objects.filter(action=Receipt.Action.CANCEL).latest("pk")
    assert (receipt.sent, receipt.stopped, receipt.in_doubt, receipt.in_flight) == (2, 2, 0, 0)
    expect(api, CampaignStatus.CANCELLED)


def deliver_sender_verification(deliverer: Deliverer, peer: CountingPeer) -> None:
    """Deliver the mail that verifies a new sender's address, and forget it."""
    run_fleet(deliverer)
    assert peer.recipients in ([], ["news@example.com"])
    peer.ledger.clear()


def campaign_of(api: CampaignApi) -> Campaign:
    """Return the campaign with a rate of one message a minute, which no API sets.

    The campaign is then half sent at the same moment in each API.
    """
    campaign = Campaign.objects.select_related("launch").get(**api.key)
    if campaign.rate_per_minute is None:
        change_terms(campaign.account, campaign.pk, {"rate_per_minute": 1})
    return campaign


def expect(api: CampaignApi, status: CampaignStatus) -> None:
    assert campaign_of(api).status == status
