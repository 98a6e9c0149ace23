"""Provide helpers that call the Easymail API and check its answers."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from accounts.models import Account
from campaigns.models import Campaign
from tests.api.conftest import ApiClient
from tests.campaigns.building import add_contacts, add_list, add_sender

ROOT = "/api/v1"
CAMPAIGNS = f"{ROOT}/campaigns"
LATER = "2090-01-31T08:30:00Z"
MARKDOWN = "## Spring sale\n\nUp to **40% off**. [Shop now](https://acme.example/sale)"
NOBODY = "550e8400-e29b-41d4-a716-446655440000"
DETAIL_KEYS = [
    *("uuid", "name", "status", "subject", "preheader", "from_name", "reply_to", "from_identity", "from_email"),
    *("content", "content_editable_via_api", "content_overwrite_required", "audience", "readiness"),
    *("created_at", "updated_at", "last_updated_at"),
]


def path_of(campaign: Campaign | str, behind: str = "") -> str:
    return f"{CAMPAIGNS}/{campaign if isinstance(campaign, str) else campaign.uuid}{behind}"


def whole_body(account: Account, recipients: int = 3) -> dict[str, Any]:
    """Return the body of a campaign with every field set."""
    contacts = add_contacts(account, [f"r{n}@example.com" for n in range(recipients)])
    account_list = add_list(account, contacts, f"list {uuid4()}")
    account_list.refresh_from_db()
    sender = add_sender(account)
    sender.refresh_from_db()
    return {
        "name": "Spring Sale",
        "subject": "Up to 40% off this week",
        "preheader": "Our biggest sale",
        "from_name": "Acme",
        "reply_to": "support@acme.example",
        "from_identity": str(sender.uuid),
        "list_uuid": str(account_list.uuid),
        "content": MARKDOWN,
    }


def made(client: ApiClient, **changes: Any) -> Any:
    """Create a complete campaign with these changes, and return it as the API shows it."""
    answer = client.post(CAMPAIGNS, whole_body(client.account) | changes)
    assert answer.status_code == 201, answer.content
    return data(answer)


def data(answer: Any) -> Any:
    assert answer.status_code in {200, 201}, answer.content
    return answer.json()["data"]


def refused(answer: Any, status: int, code: str) -> Any:
    """Check the status and code of an error, and return it; only a 422 has `details`."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    body = answer.json()
    assert list(body) == ["error"]
    assert body["error"]["code"] == code
    assert list(body["error"]) == ["code", "message", *(["details"] if status == 422 else [])]
    return body["error"]


def details(answer: Any) -> Any:
    """Return the errors of a 422, by field."""
    error = refused(answer, 422, "VALIDATION_ERROR")
    assert error["message"] == "The given data was invalid"
    return error["details"]
