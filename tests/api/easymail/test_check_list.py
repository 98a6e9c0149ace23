"""Test the behaviour that a program written for Easymail relies on, point by point."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from campaigns.models import Campaign, Launch
from campaigns.states import CampaignStatus
from mailer.pipeline.deliver import Deliverer
from tests.api.conftest import ApiClient
from tests.api.easymail.calls import (
    CAMPAIGNS,
    DETAIL_KEYS,
    LATER,
    NOBODY,
    ROOT,
    data,
    details,
    made,
    path_of,
    refused,
)
from tests.campaigns.building import again, campaign_in, run_fleet
from tests.campaigns.races import at_one_moment
from tests.conftest import Clock
from tests.examples import further
from tests.peer import CountingPeer


def seconds_ago(campaign: Campaign) -> None:
    """Move the times of a campaign back, since the API shows times in whole seconds."""
    fields = ("created_at", "updated_at", "edited_at")
    Campaign.objects.filter(pk=campaign.pk).update(**dict.fromkeys(fields, "2026-06-24T10:05:00Z"))


def test_1_a_second_cancel_is_refused(alice: Account, client_of_alice: ApiClient) -> None:
    path = path_of(campaign_in(alice, CampaignStatus.SENDING), "/cancel")
    assert data(client_of_alice.post(path))["status"] == "canceled"
    refused(client_of_alice.post(path), 409, "CAMPAIGN_NOT_CANCELABLE")


def test_2_a_scheduled_campaign_is_not_canceled(alice: Account, client_of_alice: ApiClient) -> None:
    path = path_of(campaign_in(alice, CampaignStatus.SCHEDULED))
    refused(client_of_alice.post(f"{path}/cancel"), 409, "CAMPAIGN_NOT_CANCELABLE")
    assert data(client_of_alice.get(path))["status"] == "scheduled"


def test_3_unschedule_clears_the_time_and_is_no_edit(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
    seconds_ago(campaign)
    shown = data(client_of_alice.post(path_of(campaign, "/unschedule")))
    assert list(shown) == DETAIL_KEYS
    assert shown["last_updated_at"] == "2026-06-24T10:05:00Z" != shown["updated_at"]
    assert again(campaign).send_at is None
    edited = data(client_of_alice.patch(path_of(campaign), {"subject": "x"}))
    assert edited["last_updated_at"] == edited["updated_at"]


@further
def test_4_a_scheduled_campaign_is_scheduled_again(alice: Account, client_of_alice: ApiClient) -> None:
    path = path_of(made(client_of_alice)["uuid"])
    first = data(client_of_alice.post(f"{path}/schedule", {"scheduled_at": LATER}))
    assert list(first) == [*DETAIL_KEYS, "scheduled_at"]
    second = data(client_of_alice.post(f"{path}/schedule", {"scheduled_at": "2091-01-31T08:30:00+02:00"}))
    assert (first["scheduled_at"], second["scheduled_at"]) == (LATER, "2091-01-31T06:30:00Z")
    assert (first["status"], second["status"]) == ("scheduled", "scheduled")


@further
def test_5_a_scheduled_campaign_sent_now_is_sent_once(
    alice: Account, client_of_alice: ApiClient, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
    shown = data(client_of_alice.post(path_of(campaign, "/send")))
    assert (shown["status"], list(shown)) == ("queued", DETAIL_KEYS)
    run_fleet(deliverer)
    clock.advance(hours=2)
    run_fleet(deliverer)
    assert (len(peer.recipients), len(set(peer.recipients))) == (3, 3)
    assert data(client_of_alice.get(path_of(campaign)))["status"] == "sent"
    assert Launch.objects.count() == 1


def test_6_unknown_values_of_include_are_ignored(client_of_alice: ApiClient) -> None:
    path = path_of(made(client_of_alice)["uuid"])
    assert list(data(client_of_alice.get(f"{path}?include=foo"))) == DETAIL_KEYS


def test_7_and_8_pages_have_bounds_and_three_numbers(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for family in ["campaigns", "contacts", "lists", "segments", "sender-identities"]:
        with subtests.test(family=family):
            path = f"{ROOT}/{family}"
            text = "The per page field must not be greater than 100."
            assert details(client_of_alice.get(f"{path}?per_page=101")) == {"per_page": [text]}
            assert client_of_alice.get(f"{path}?per_page=1").json() == {
                "data": [],
                "pagination": {"current_page": 1, "per_page": 1, "total": 0},
            }


def test_9_neither_404_nor_409_have_details(alice: Account, client_of_alice: ApiClient) -> None:
    error = refused(client_of_alice.get(path_of(NOBODY)), 404, "RESOURCE_NOT_FOUND")
    assert error == {"code": "RESOURCE_NOT_FOUND", "message": f"Campaign with UUID '{NOBODY}' not found"}
    answer = client_of_alice.post(path_of(made(client_of_alice)["uuid"], "/cancel"))
    error = refused(answer, 409, "CAMPAIGN_NOT_CANCELABLE")
    assert list(error) == ["code", "message"]


def test_10_null_clears_all_but_the_name(client_of_alice: ApiClient) -> None:
    path = path_of(made(client_of_alice)["uuid"])
    assert data(client_of_alice.patch(path, {"preheader": None}))["preheader"] is None
    assert list(details(client_of_alice.patch(path, {"name": None}))) == ["name"]


def test_11_a_time_without_an_offset_or_in_the_past_is_refused(
    client_of_alice: ApiClient, subtests: pytest.Subtests
) -> None:
    path = path_of(made(client_of_alice)["uuid"])
    for at in ["2090-01-31T08:30:00", "2026-01-01T00:00:00Z"]:
        with subtests.test(at=at):
            assert list(details(client_of_alice.post(f"{path}/schedule", {"scheduled_at": at}))) == ["scheduled_at"]


def test_12_the_rest_of_the_rate_is_not_returned(client_of_alice: ApiClient) -> None:
    headers = client_of_alice.get(CAMPAIGNS).headers
    assert "X-RateLimit-Limit" in headers
    assert "X-RateLimit-Remaining" not in headers


@further
def test_13_a_cancel_and_a_send_at_one_moment_do_not_contradict(alice: Account, client_of_alice: ApiClient) -> None:
    for _ in range(3):
        campaign = campaign_in(alice, CampaignStatus.DRAFT)
        path = path_of(campaign)
        answers: list[Any] = at_one_moment(
            lambda path=path: client_of_alice.post(f"{path}/send"),  # type: ignore[misc]
            lambda path=path: client_of_alice.post(f"{path}/cancel"),  # type: ignore[misc]
        )
        sent, canceled = answers
        assert sent.status_code == 200 or refused(sent, 409, "CAMPAIGN_TRANSITION_IN_PROGRESS")
        if canceled.status_code == 200:
            assert sent.status_code == 200, "only what was sent before is canceled"
        else:
            code = canceled.json()["error"]["code"]
            assert code in {"CAMPAIGN_NOT_CANCELABLE", "CAMPAIGN_TRANSITION_IN_PROGRESS"}
        status = "canceled" if canceled.status_code == 200 else "queued" if sent.status_code == 200 else "draft"
        assert data(client_of_alice.get(path))["status"] == status


def test_14_a_scheduled_campaign_is_not_deleted(alice: Account, client_of_alice: ApiClient) -> None:
    path = path_of(campaign_in(alice, CampaignStatus.SCHEDULED))
    error = refused(client_of_alice.delete(path), 409, "CAMPAIGN_NOT_DELETABLE")
    assert error["message"] == "Campaign cannot be deleted because of its current status"
    assert data(client_of_alice.get(path))["status"] == "scheduled"


@further
def test_15_a_canceled_campaign_is_still_complete(client_of_alice: ApiClient) -> None:
    path = path_of(made(client_of_alice)["uuid"])
    client_of_alice.post(f"{path}/send")
    shown = data(client_of_alice.post(f"{path}/cancel"))
    assert (shown["status"], list(shown)) == ("canceled", DETAIL_KEYS)
    assert data(client_of_alice.get(path))["readiness"] == {"can_send": True, "missing": []}
