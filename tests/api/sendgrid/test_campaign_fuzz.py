"""No input to the campaign calls causes a 500, and a refused request stores nothing."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from accounts.models import Account
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from foundation.addresses import is_address
from mailer.models import Mail
from tests.api.conftest import ApiClient
from tests.api.fuzzed_bodies import FUZZ, mutated_bodies, values
from tests.campaigns.building import again, ready_campaign
from tests.examples import few_rows_by_default

CAMPAIGN: dict[str, Any] = {
    "title": "x",
    "subject": "x",
    "sender_id": None,
    "list_ids": [],
    "segment_ids": [],
    "categories": ["a"],
    "suppression_group_id": None,
    "custom_unsubscribe_url": "https://example.com/leave",
    "ip_pool": "pool",
    "html_content": "x",
    "plain_content": "x",
    "editor": "code",
}
SINGLE_SEND: dict[str, Any] = {
    "name": "x",
    "categories": ["a"],
    "send_at": "2030-01-31T08:30:00Z",
    "send_to": {"list_ids": [], "segment_ids": [], "all": True},
    "email_config": {
        **{
            name: value
            for name, value in CAMPAIGN.items()
            if name not in {"title", "categories", "list_ids", "segment_ids"}
        },
        "generate_plain_content": True,
        "design_id": None,
    },
}
WHOLE = {"/v3/campaigns": CAMPAIGN, "/v3/marketing/singlesends": SINGLE_SEND}


@pytest.mark.parametrize("path", WHOLE)
def test_complete_bodies_are_accepted_before_they_are_mutated(path: str, client_of_alice: ApiClient) -> None:
    assert client_of_alice.post(path, WHOLE[path]).status_code == 201


@FUZZ
@given(data=st.data())
@pytest.mark.parametrize("path", WHOLE)
def test_a_mutated_campaign_is_created_or_refused(path: str, data: st.DataObject, client_of_alice: ApiClient) -> None:
    before = Campaign.objects.count()
    answer = client_of_alice.post(path, data.draw(mutated_bodies(WHOLE[path])))
    assert answer.status_code in {201, 400}
    assert Campaign.objects.count() == before + (answer.status_code == 201)
    if answer.status_code == 201:
        made = answer.json()
        assert client_of_alice.get(f"{path}/{made['id']}").json() == made
        Campaign.objects.all().delete()


CALLS = [
    ("PATCH", "/v3/campaigns/{id}", "list_ids"),
    ("POST", "/v3/campaigns/{id}/schedules", "send_at"),
    ("PATCH", "/v3/campaigns/{id}/schedules", "send_at"),
    ("POST", "/v3/campaigns/{id}/schedules/test", "to"),
    ("PATCH", "/v3/marketing/singlesends/{uuid}", "send_to"),
    ("PUT", "/v3/marketing/singlesends/{uuid}/schedule", "send_at"),
    ("POST", "/v3/marketing/singlesends/search", "status"),
    ("POST", "/v3/marketing/test/send_email", "template_id"),
]
"""Calls with a body, and the field of it that gets any value."""


@FUZZ
@given(body=st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()), value=values)
@pytest.mark.parametrize(("method", "path", "name"), few_rows_by_default(CALLS, *CALLS[::4]))
def test_any_body_is_answered(
    method: str, path: str, name: str, body: bytes, value: Any, alice: Account, client_of_alice: ApiClient
) -> None:
    assume(name != "to" or not is_address(str(value)))
    campaign = Campaign.objects.first() or ready_campaign(alice)
    for content in (body, json.dumps({name: value}).encode()):
        answer = client_of_alice.ask(method, path.format(id=campaign.pk, uuid=campaign.uuid), content)
        assert answer.status_code < 500, answer.content
        assert answer.status_code >= 400 or name in {"list_ids", "send_to", "status", "send_at"}
    assert again(campaign).status == CampaignStatus.DRAFT
    assert not Mail.objects.exists()


@FUZZ
@given(text=st.text(max_size=12))
def test_any_id_is_answered(text: str, client_of_alice: ApiClient) -> None:
    for path in ("/v3/campaigns", "/v3/marketing/singlesends", "/v3/marketing/stats/singlesends"):
        answer = client_of_alice.get(f"{path}/{uuid.uuid4() if text == '' else text.encode('utf-8', 'ignore').hex()}")
        assert answer.status_code == 404, text
