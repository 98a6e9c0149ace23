"""Test campaigns over a real socket with the official Python client, counted where the mail arrives."""

from __future__ import annotations

from typing import Any

import pytest
import python_http_client.exceptions as refused
from sendgrid import SendGridAPIClient

from accounts.models import Account
from audience.models import ContactList
from batches.models import Receipt
from campaigns.lifecycle import send_now
from campaigns.models import Campaign, Launch
from campaigns.states import CampaignStatus
from foundation.clock import database_now
from mailer.models import UnsubscribeGroup
from mailer.pipeline.deliver import Deliverer
from tests.api.conftest import ApiClient
from tests.campaigns.building import (
    HTML,
    PLAIN,
    add_contacts,
    add_list,
    add_sender,
    again,
    expand_all,
    ready_campaign,
    run_fleet,
)
from tests.conftest import Clock
from tests.fleet import DeliveringThread
from tests.peer import CountingPeer
from tests.waiting import wait_until


@pytest.fixture
def sendgrid(client_of_alice: ApiClient, server_url: str) -> SendGridAPIClient:
    """Return an official client with a key of Alice."""
    return SendGridAPIClient(client_of_alice.key_text, host=server_url)


@pytest.fixture
def customers(alice: Account) -> ContactList:
    """Create a list of 300 contacts of Alice."""
    contact_list = add_list(alice, add_contacts(alice, [f"c{n}@example.com" for n in range(300)]))
    contact_list.refresh_from_db()
    return contact_list


def parts_of(account: Account) -> dict[str, int]:
    group = UnsubscribeGroup.objects.create(account=account, name="news")
    return {"sender_id": add_sender(account).pk, "suppression_group_id": group.pk}


def deliver_until_some_are_sent(peer: CountingPeer) -> None:
    """Wait until the slow peer has some messages of the campaign, which is then in progress."""
    wait_until(lambda: len(peer.ledger) >= 10, why="ten sent messages")


def check_that_no_more_is_sent(account: Account, peer: CountingPeer, headers: Any) -> None:
    """Check that the receipt's counts equal the peer's, and that only mail of another campaign is sent afterwards."""
    sent = len(peer.ledger)
    assert headers["X-Sluice-Settled"] == "true"
    assert int(headers["X-Sluice-Sent"]) == sent
    receipt = Receipt.objects.get(public_id=headers["X-Sluice-Receipt"])
    assert (receipt.sent, receipt.stopped, receipt.in_doubt) == (sent, 300 - sent, 0)
    assert 0 < sent < 300
    send_ready_campaign(account)
    wait_until(lambda: len(peer.ledger) >= sent + 3, why="the fleet goes on")
    assert sorted(peer.recipients[sent:]) == [f"r{n}@example.com" for n in range(3)]
    assert not peer.doubled


def send_ready_campaign(account: Account) -> None:
    send_now(account, ready_campaign(account).pk)
    expand_all()


@pytest.mark.large
def test_a_legacy_campaign_is_deleted_in_progress(
    alice: Account, sendgrid: SendGridAPIClient, customers: ContactList, peer: CountingPeer
) -> None:
    campaigns = sendgrid.client.campaigns
    body: dict[str, Any] = {
        "title": "May",
        "subject": "News",
        "list_ids": [customers.pk],
        "html_content": HTML,
        "plain_content": PLAIN,
    }
    made = campaigns.post(request_body=body | parts_of(alice))
    assert made.status_code == 201
    campaign = campaigns._(made.to_dict["id"])

    at = int(database_now().timestamp()) + 3600
    assert campaign.schedules.post(request_body={"send_at": at}).to_dict["status"] == "Scheduled"
    assert campaign.schedules.patch(request_body={"send_at": at + 60}).to_dict["send_at"] == at + 60
    assert campaign.schedules.get().to_dict == {"send_at": at + 60}
    with pytest.raises(refused.ForbiddenError):
        campaign.patch(request_body={"title": "June"})
    assert campaign.schedules.delete().status_code == 204
    assert campaign.get().to_dict["status"] == "Draft"
    assert campaign.patch(request_body={"title": "June"}).status_code == 200
    assert campaign.schedules.test.post(request_body={"to": "me@example.com"}).status_code == 204
    assert campaign.schedules.now.post().to_dict["status"] == "Scheduled"
    assert campaign.get().to_dict["status"] == "In Progress"
    with pytest.raises(refused.ForbiddenError):
        campaign.schedules.delete()

    deliver_test_mail(peer)
    expand_all()
    peer.delay = 0.02
    with DeliveringThread(peer, connections=2):
        deliver_until_some_are_sent(peer)
        deleted = campaign.delete()
        assert deleted.status_code == 204
        check_that_no_more_is_sent(alice, peer, deleted.headers)
    with pytest.raises(refused.NotFoundError):
        campaign.get()
    assert again(Campaign.objects.get(title="June")).status == CampaignStatus.CANCELLED


def deliver_test_mail(peer: CountingPeer) -> None:
    """Deliver the test mail and forget it, so that it is not counted with the campaign."""
    with DeliveringThread(peer):
        wait_until(lambda: peer.recipients == ["me@example.com"], why="the test")
    peer.ledger.clear()


@pytest.mark.large
def test_a_single_send_is_deleted_in_progress(
    alice: Account, sendgrid: SendGridAPIClient, customers: ContactList, peer: CountingPeer
) -> None:
    single_sends = sendgrid.client.marketing.singlesends
    body = {
        "name": "May",
        "send_to": {"list_ids": [str(customers.uuid)]},
        "email_config": {"subject": "News", "html_content": HTML, **parts_of(alice)},
    }
    made = single_sends.post(request_body=body)
    assert made.status_code == 201
    single_send = single_sends._(made.to_dict["id"])

    scheduled = single_send.schedule.put(request_body={"send_at": "2090-01-31T08:30:00Z"})
    assert (scheduled.status_code, scheduled.to_dict["status"]) == (201, "scheduled")
    with pytest.raises(refused.BadRequestsError):
        single_send.patch(request_body={"name": "June"})
    assert single_send.schedule.delete().to_dict["status"] == "draft"
    assert single_send.patch(request_body={"name": "June"}).status_code == 202
    assert single_sends.search.post(request_body={"name": "jun"}).to_dict["result"][0]["status"] == "draft"
    assert single_send.schedule.put(request_body={"send_at": "now"}).status_code == 201
    expand_all()
    assert single_send.get().to_dict["status"] == "triggered"

    peer.delay = 0.02
    with DeliveringThread(peer, connections=2):
        deliver_until_some_are_sent(peer)
        deleted = single_send.delete()
        assert deleted.status_code == 204
        check_that_no_more_is_sent(alice, peer, deleted.headers)
    with pytest.raises(refused.NotFoundError):
        single_send.get()


@pytest.mark.large
def test_several_single_sends_deleted_in_progress_stop_together(
    alice: Account, client_of_alice: ApiClient, customers: ContactList, peer: CountingPeer
) -> None:
    first, second = (ready_campaign(alice, lists=[customers.pk]) for _ in range(2))
    for campaign in (first, second):
        body = {"send_at": "now"}
        path = f"/v3/marketing/singlesends/{campaign.uuid}/schedule"
        assert client_of_alice.put(path, body).status_code == 201
    expand_all()
    peer.delay = 0.02
    with DeliveringThread(peer, connections=2):
        deliver_until_some_are_sent(peer)
        answer = client_of_alice.delete(f"/v3/marketing/singlesends?ids={first.uuid},{second.uuid}")
        sent = len(peer.ledger)
        assert answer.status_code == 204
        assert (answer["X-Sluice-Settled"], answer["X-Sluice-Sent"]) == ("true", str(sent))
        receipts = Receipt.objects.filter(public_id__in=answer["X-Sluice-Receipt"].split(", "))
        assert sum(receipt.stopped for receipt in receipts) == 600 - sent
        send_ready_campaign(alice)
        wait_until(lambda: len(peer.ledger) >= sent + 3, why="the fleet goes on")
    assert len(peer.ledger) == sent + 3


@pytest.mark.large
def test_changes_by_one_api_are_visible_in_the_other(
    alice: Account, sendgrid: SendGridAPIClient, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    campaign = ready_campaign(alice)
    legacy = sendgrid.client.campaigns._(campaign.pk)
    single_send = sendgrid.client.marketing.singlesends._(str(campaign.uuid))

    def statuses() -> tuple[str, str]:
        return legacy.get().to_dict["status"], single_send.get().to_dict["status"]

    assert statuses() == ("Draft", "draft")
    single_send.schedule.put(request_body={"send_at": "2090-01-31T08:30:00Z"})
    assert statuses() == ("Scheduled", "scheduled")
    assert legacy.schedules.get().to_dict == {"send_at": 3_789_534_600}
    legacy.schedules.delete()
    assert statuses() == ("Draft", "draft")
    Campaign.objects.filter(pk=campaign.pk).update(undo_seconds=30)
    legacy.schedules.now.post()
    assert statuses() == ("Scheduled", "scheduled"), "it can be undone for a while"
    single_send.schedule.delete()
    assert statuses() == ("Draft", "draft")
    legacy.schedules.now.post()
    clock.advance(seconds=31)
    run_fleet(deliverer)
    assert statuses() == ("Sent", "triggered")
    assert len(peer.recipients) == 3
    assert Launch.objects.count() == 1
    single_send.delete()
    with pytest.raises(refused.NotFoundError):
        legacy.get()
