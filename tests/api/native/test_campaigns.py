"""Test the path /sluice/v1/campaigns: find campaigns, and pause, resume and cancel them with receipts."""

from __future__ import annotations

from campaigns.lifecycle import send_now
from campaigns.models import Campaign, Launch
from campaigns.states import CampaignStatus
from tests.api.conftest import ApiClient
from tests.api.native.bodies import walk, written_time
from tests.campaigns.building import again, expand_all, ready_campaign

CAMPAIGNS = "/sluice/v1/campaigns"
UNKNOWN = {"error": {"code": "RESOURCE_NOT_FOUND", "message": "Campaign not found."}}


def line(campaign: Campaign, status: str) -> dict[str, object]:
    campaign = again(campaign)
    return {
        "id": str(campaign.pk),
        "uuid": str(campaign.uuid),
        "title": campaign.title,
        "status": status,
        "send_at": campaign.send_at and written_time(campaign.send_at),
        "finished_at": campaign.finished_at and written_time(campaign.finished_at),
        "created_at": written_time(campaign.created_at),
        "batch_id": campaign.launch and campaign.launch.batch.public_id,
    }


def test_campaigns_are_found_and_moved_with_receipts(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    alice = client_of_alice.account
    first, second = ready_campaign(alice), ready_campaign(alice, title="Sale of June")
    ready_campaign(client_of_charlie.account)
    send_now(alice, second.pk)
    expand_all()
    assert walk(client_of_alice, CAMPAIGNS, limit=1) == [line(second, "sending"), line(first, "draft")]
    listed = client_of_alice.get(f"{CAMPAIGNS}?search=OF%20JUNE").json()["data"]
    assert listed == [line(second, "sending")]
    for path in (f"{CAMPAIGNS}/{second.pk}", f"{CAMPAIGNS}/{second.uuid}"):
        body = client_of_alice.get(path).json()["data"]
        assert (body["title"], body["expanding"], body["messages"], body["counts"]["due"]) == (
            "Sale of June",
            False,
            3,
            3,
        )
        assert client_of_charlie.get(path).json() == UNKNOWN
        assert client_of_charlie.post(f"{path}/cancel").json() == UNKNOWN
    rehearsed = client_of_alice.post(f"{path}/pause", {"dry_run": True}).json()["data"]
    assert (rehearsed["dry_run"], rehearsed["affected"], again(second).status) == (True, 3, CampaignStatus.QUEUED)
    for move, status in (("pause", "paused"), ("resume", "sending"), ("cancel", "cancelled")):
        answer = client_of_alice.post(f"{path}/{move}", {"reason": f"to {move}"})
        body = answer.json()["data"]
        receipt = body.pop("receipt")
        assert body == line(second, status)
        assert (receipt["action"], receipt["reason"], receipt["settled"]) == (move, f"to {move}", True)
        assert answer["X-Sluice-Receipt"] == receipt["id"]
    Launch.objects.update(is_complete=False)
    assert not client_of_alice.get(path).json()["data"]["expanding"], "a cancelled campaign makes no more messages"
    refused = {"code": "CAMPAIGN_STATUS_CONFLICT", "message": "This cannot be done now: the campaign is cancelled."}
    for body in ({}, {"dry_run": True}):
        answer = client_of_alice.post(f"{path}/cancel", body)
        assert (answer.status_code, answer.json()) == (409, {"error": refused})
