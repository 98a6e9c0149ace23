"""Provide helpers that call the Single Sends API and check its answers."""

from __future__ import annotations

import uuid
from typing import Any

from accounts.models import Account
from audience.models import Segment
from campaigns.models import Campaign
from mailer.models import UnsubscribeGroup
from tests.campaigns.building import add_list, add_sender

SENDS = "/v3/marketing/singlesends"
LATER, EVEN_LATER = "2090-01-31T08:30:00.000Z", "3752-01-28T23:21:52.575Z"
NOT_FOUND = [(None, "not found", "unknown_campaign")]
UNKNOWN = str(uuid.UUID(int=7))


def problems(answer: Any, status: int) -> list[tuple[str | None, str, str]]:
    """Check the status of an error answer, and return field, message and error_id of each error, in order."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    for error in answer.json()["errors"]:
        assert list(error) == ["field", "message", "error_id"]
    return [tuple(error.values()) for error in answer.json()["errors"]]


def path_of(campaign: Campaign, behind: str = "") -> str:
    return f"{SENDS}/{campaign.uuid}{behind}"


def parts_of(account: Account) -> dict[str, Any]:
    """Create everything in an account that a Single Send can refer to."""
    lists = [add_list(account, [], "one"), add_list(account, [], "two")]
    segment = Segment.objects.create(account=account, name="some", condition={}, dialect="sgql", written="")
    for each in (*lists, segment):
        each.refresh_from_db()
    return {
        "send_to": {"list_ids": [str(each.uuid) for each in lists], "segment_ids": [str(segment.uuid)]},
        "email_config": {
            "sender_id": add_sender(account).pk,
            "suppression_group_id": UnsubscribeGroup.objects.create(account=account, name="news").pk,
        },
    }
