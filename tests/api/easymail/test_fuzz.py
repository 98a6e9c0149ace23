"""No input causes a 500, and a refused request stores nothing."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Account
from audience.models import Contact, ContactList, FieldDefinition
from campaigns.models import Campaign
from mailer.models import Message
from tests.api.conftest import ApiClient
from tests.api.easymail.calls import CAMPAIGNS, LATER, ROOT, path_of, whole_body
from tests.api.fuzzed_bodies import mutated_bodies
from tests.campaigns.building import ready_campaign
from tests.examples import examples, few_by_default, further

FUZZ = settings(max_examples=examples(3))
CONTACT = {
    "email": "a@example.com",
    "first_name": "A",
    "phone": "1",
    "external_id": "x",
    "language": "en",
    "contact_lists": [],
}
BODIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a schedule": ("POST", "/campaigns/{id}/schedule", {"scheduled_at": LATER}),
    "a contact": ("POST", "/contacts", CONTACT),
    "a list": ("POST", "/lists", {"name": "x", "description": "y", "is_public": True}),
    "a field": ("POST", "/custom-fields", {"name": "x", "field_key": "x-y", "type": "select", "options": ["a"]}),
}


def rows() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Campaign, Contact, ContactList, FieldDefinition, Message))


def assert_is_fine(client: ApiClient, method: str, path: str, body: bytes = b"") -> None:
    before = rows()
    answer = client.ask(method, path, body)
    assert answer.status_code < 500, answer.content
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/json"
        assert list(json.loads(answer.content)) == ["error"]
        assert rows() == before


@further
@FUZZ
@given(data=st.data())
def test_mutated_campaigns_are_stored_or_refused(
    data: st.DataObject, alice: Account, client_of_alice: ApiClient
) -> None:
    whole = whole_body(alice) | {"segment_uuid": None, "overwrite": False}
    assert_is_fine(client_of_alice, "POST", CAMPAIGNS, json.dumps(data.draw(mutated_bodies(whole))).encode())
    path = path_of(ready_campaign(alice))
    assert_is_fine(client_of_alice, "PATCH", path, json.dumps(data.draw(mutated_bodies(whole))).encode())


@FUZZ
@given(data=st.data())
@pytest.mark.parametrize("name", few_by_default(BODIES, "a contact"))
def test_mutated_bodies_are_stored_or_refused(
    name: str, data: st.DataObject, alice: Account, client_of_alice: ApiClient
) -> None:
    method, path, whole = BODIES[name]
    campaign = Campaign.objects.first() or ready_campaign(alice)
    body = json.dumps(data.draw(mutated_bodies(whole))).encode()
    assert_is_fine(client_of_alice, method, f"{ROOT}{path.format(id=campaign.uuid)}", body)


@FUZZ
@given(
    query=st.dictionaries(
        st.sampled_from(["page", "per_page", "search", "status", "sort", "include", "opened", "list_uuid"]),
        st.text(max_size=6) | st.integers().map(str) | st.sampled_from(["true", "sent", "-name", "stats,,"]),
        max_size=4,
    ),
    family=st.sampled_from(["campaigns", "contacts", "lists", "campaigns/{}/contacts", "campaigns/{}/recipients"]),
)
def test_any_query_is_answered(query: dict[str, str], family: str, alice: Account, client_of_alice: ApiClient) -> None:
    campaign = Campaign.objects.first() or ready_campaign(alice)
    written = "&".join(f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in query.items())
    assert_is_fine(client_of_alice, "GET", f"{ROOT}/{family.format(campaign.uuid)}?{written}")


@FUZZ
@given(id=st.text(min_size=1, max_size=40))
def test_any_id_is_answered(id: str, client_of_alice: ApiClient) -> None:
    written = quote(id.encode("utf-8", "surrogatepass"), safe="")
    for family in ("campaigns", "contacts", "lists", "segments"):
        assert_is_fine(client_of_alice, "GET", f"{ROOT}/{family}/{written}")
    assert_is_fine(client_of_alice, "POST", f"{CAMPAIGNS}/{written}/cancel")
