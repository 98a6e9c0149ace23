"""Test the path /sluice/v1/now: what is running, what comes next, what needs a person, what was stopped."""

from __future__ import annotations

import datetime as dt

from accounts.models import Account
from batches.handles import create_batch
from batches.models import Node, Parcel, Receipt
from batches.states import BatchStatus, ParcelState
from batches.stop.control import stop_batch
from campaigns.states import CampaignStatus
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from tests.api.conftest import ApiClient
from tests.api.native.bodies import counts, invalid, written_time
from tests.campaigns.building import campaign_in
from tests.drafts import draft

NOW = "/sluice/v1/now"
EMPTY = {
    "running": [],
    "has_more_running": False,
    "next": [],
    "has_more_next": False,
    "problems": [],
    "stopped": [],
}


def test_an_account_sees_its_own_mail_and_that_of_its_subusers(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, subuser: Account
) -> None:
    alice = client_of_alice.account
    Node.objects.create(name="silent", concurrency=1, seen_at=database_now() - dt.timedelta(minutes=1))
    running, coming = create_batch(alice), create_batch(subuser)
    accept_mail(alice, draft(3, batch_id=running.public_id))
    at = database_now() + dt.timedelta(minutes=10)
    accept_mail(subuser, draft(2, batch_id=coming.public_id, send_at=at))
    stop_batch(
        subuser, coming.public_id, BatchStatus.PAUSED, actor="key x", reason="wait", allowed_from=set(BatchStatus)
    )
    accept_mail(alice, draft(1))
    Parcel.objects.filter(batch__is_default=True).update(state=ParcelState.HELD)
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)

    body = client_of_alice.get(NOW).json()["data"]
    no_campaign = {"campaign_id": None, "campaign_uuid": None}
    assert body.pop("at")
    assert body["running"] == [
        {
            "batch_id": running.public_id,
            "label": "Hello",
            "account": "alice",
            **no_campaign,
            "gate": "open",
            "messages": 3,
            "counts": counts(due=3),
            "exact": True,
            "expanding": False,
            "rate": 0.0,
            "remaining_seconds": None,
            "waits": "No node with delivering worker processes is alive.",
        }
    ]
    wave = {"batch_id": coming.public_id, "label": "Hello", "account": "alice-shop", **no_campaign}
    assert body["next"] == [
        {"at": written_time(at), **wave, "messages": 2, "complete": True, "fate": "paused"},
        {
            "at": written_time(campaign.begins_at),
            "batch_id": None,
            "label": "News of May",
            "account": "alice",
            "campaign_id": str(campaign.pk),
            "campaign_uuid": str(campaign.uuid),
            "messages": None,
            "complete": False,
            "fate": "waits for its audience",
        },
    ]
    (problem,) = body["problems"]
    assert problem["kind"] == "mail-is-held"
    assert problem["text"].startswith("1 message of alice")
    (stopped,) = body["stopped"]
    assert (stopped["id"], stopped["account"], stopped["reason"]) == (
        Receipt.objects.get().public_id,
        "alice-shop",
        "wait",
    )
    below = client_of_alice.get(NOW, headers={"On-Behalf-Of": subuser.username}).json()["data"]
    assert [len(below[name]) for name in ("running", "next", "problems", "stopped")] == [0, 1, 0, 1]
    other = client_of_charlie.get(NOW).json()["data"]
    assert other == {**EMPTY, "at": other["at"]}


def test_a_query_is_refused(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.get(f"{NOW}?limit=3")
    assert (answer.status_code, answer.json()) == (422, invalid(limit=["This call does not have this field."]))
