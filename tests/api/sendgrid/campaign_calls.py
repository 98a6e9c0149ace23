"""Provide helpers that call the legacy campaigns API and check its answers."""

from __future__ import annotations

from typing import Any

from accounts.models import Account
from audience.models import Segment
from campaigns.models import Campaign
from foundation.clock import database_now
from mailer.models import UnsubscribeGroup
from tests.campaigns.building import add_list, add_sender

CAMPAIGNS = "/v3/campaigns"
NOT_FOUND = {"errors": [{"field": None, "message": "not found"}]}


def in_an_hour() -> int:
    return int(database_now().timestamp()) + 3600


def problems(answer: Any, status: int) -> list[tuple[str | None, str]]:
    """Check the status of an error answer, and return its errors by field, in order."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    for error in answer.json()["errors"]:
        assert list(error) == ["field", "message"]
    return [(error["field"], error["message"]) for error in answer.json()["errors"]]


def path_of(campaign: Campaign, behind: str = "") -> str:
    return f"{CAMPAIGNS}/{campaign.pk}{behind}"


def parts_of(account: Account) -> dict[str, Any]:
    """Create everything in an account that a campaign can refer to."""
    return {
        "sender_id": add_sender(account).pk,
        "list_ids": [add_list(account, [], "one").pk, add_list(account, [], "two").pk],
        "segment_ids": [
            Segment.objects.create(account=account, name="some", condition={}, dialect="legacy", written=[]).pk
        ],
        "suppression_group_id": UnsubscribeGroup.objects.create(account=account, name="news").pk,
    }
