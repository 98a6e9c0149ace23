"""Provide calls that make senders."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import ApiClient

LEGACY, MARKETING = "/v3/senders", "/v3/marketing/senders"

SENDER: dict[str, Any] = {
    "nickname": "News",
    "from": {"email": "from@example.com", "name": "Example"},
    "reply_to": {"email": "reply@example.com", "name": "Reply"},
    "address": "1 Street",
    "address_2": "Door 2",
    "city": "Bonn",
    "state": "NRW",
    "zip": "53111",
    "country": "Germany",
}


def new_sender(client: ApiClient, path: str = LEGACY, **changes: Any) -> Any:
    answer = client.post(path, SENDER | changes)
    assert answer.status_code == 201, answer.content
    return answer.json()
