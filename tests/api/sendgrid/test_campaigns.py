"""Test legacy campaigns: their fields, and who may see them."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from audience.models import ContactList, Segment
from campaigns.models import Campaign
from foundation.clock import database_now
from tests.api.conftest import ApiClient, NewClient
from tests.api.sendgrid.campaign_calls import CAMPAIGNS, NOT_FOUND, in_an_hour, parts_of, path_of, problems
from tests.campaigns.building import again, ready_campaign
from tests.examples import few_by_default, further

HTML = "<p>Hello <a href='[unsubscribe]'>leave</a></p>"


@pytest.fixture
def parts(alice: Account) -> dict[str, Any]:
    """Create everything in Alice's account that a campaign can refer to."""
    return parts_of(alice)


def test_a_title_is_enough(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post(CAMPAIGNS, {"title": "March"})
    assert answer.status_code == 201
    assert answer.json() == {
        "id": Campaign.objects.get().pk,
        "title": "March",
        "subject": None,
        "sender_id": None,
        "list_ids": [],
        "segment_ids": [],
        "categories": [],
        "suppression_group_id": None,
        "custom_unsubscribe_url": "",
        "ip_pool": None,
        "html_content": None,
        "plain_content": None,
        "editor": "code",
        "status": "Draft",
    }


def test_every_field_is_stored_and_unknown_ones_are_ignored(client_of_alice: ApiClient, parts: dict[str, Any]) -> None:
    fields = {
        "title": "March Newsletter",
        "subject": "New Products for Spring!",
        **parts,
        "categories": ["spring line"],
        "custom_unsubscribe_url": "",
        "ip_pool": "marketing",
        "html_content": HTML,
        "plain_content": "Check [unsubscribe]",
        "editor": "design",
    }
    answer = client_of_alice.post(CAMPAIGNS, {**fields, "id": 986724, "status": "Sent", "unheard": {"of": [1]}})
    assert answer.status_code == 201, answer.content
    assert answer.json() == {**fields, "id": Campaign.objects.get().pk, "status": "Draft"}
    assert client_of_alice.get(path_of(Campaign.objects.get())).json() == answer.json()


@further
def test_a_change_keeps_fields_that_it_does_not_name_and_null_empties_one(
    client_of_alice: ApiClient, parts: dict[str, Any]
) -> None:
    made = client_of_alice.post(CAMPAIGNS, {"title": "March", "subject": "Hi", **parts, "ip_pool": "pool"}).json()
    path = f"{CAMPAIGNS}/{made['id']}"

    changed = client_of_alice.patch(path, {"title": "May", "html_content": HTML})
    assert (changed.status_code, changed.json()) == (200, {**made, "title": "May", "html_content": HTML})

    emptied = client_of_alice.patch(path, dict.fromkeys([*parts, "subject", "ip_pool", "html_content"])).json()
    assert emptied == {
        **made,
        "title": "May",
        "subject": None,
        "ip_pool": None,
        "html_content": None,
        "sender_id": None,
        "list_ids": [],
        "segment_ids": [],
        "suppression_group_id": None,
    }
    assert client_of_alice.patch(path, made).json() == made, "what was read can be written back"


@further
def test_campaigns_are_listed_newest_first_in_parts(client_of_alice: ApiClient) -> None:
    assert client_of_alice.get(CAMPAIGNS).json() == {"result": []}
    for number in range(12):
        assert client_of_alice.post(CAMPAIGNS, {"title": f"{number}"}).status_code == 201

    def titles(query: str) -> list[str]:
        answer = client_of_alice.get(f"{CAMPAIGNS}{query}")
        assert answer.status_code == 200
        return [campaign["title"] for campaign in answer.json()["result"]]

    assert titles("") == [str(number) for number in range(11, 1, -1)]
    assert titles("?limit=3&offset=1") == ["10", "9", "8"]
    assert titles("?limit=100&offset=10") == ["1", "0"]
    assert titles("?offset=50") == []
    for query in (
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=-1",
        "offset=-1",
        "offset=1e3",
        "limit=%00",
        "offset=1%002",
    ):
        assert client_of_alice.get(f"{CAMPAIGNS}?{query}").status_code == 400, query


@further
def test_a_deleted_campaign_is_gone_for_every_call(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    answer = client_of_alice.delete(path_of(campaign))
    assert (answer.status_code, answer.content) == (204, b"")
    assert "X-Sluice-Receipt" not in answer
    assert_unknown(client_of_alice, str(campaign.pk))
    assert client_of_alice.get(CAMPAIGNS).json() == {"result": []}


NO_NUMBERS = ["0", "2147483648", "99999999999999999999", "x", "-1", "1.0", "%00", "1%0a", "٣", "0x1"]


@further
def test_a_malformed_campaign_id_is_unknown(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for campaign_id in NO_NUMBERS:
        with subtests.test(campaign_id=campaign_id):
            assert_unknown(client_of_alice, campaign_id)


def test_another_accounts_campaign_is_unknown_and_its_parts_do_not_exist(
    alice: Account, charlie: Account, client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    hers, his = ready_campaign(alice), ready_campaign(charlie)
    assert_unknown(client_of_charlie, str(hers.pk))
    assert again(hers).deleted_at is None
    assert [item["id"] for item in client_of_charlie.get(CAMPAIGNS).json()["result"]] == [his.pk]

    segment = Segment.objects.create(account=charlie, name="his", condition={}, dialect="legacy", written=[])
    answer = client_of_alice.patch(
        path_of(hers),
        {
            "title": "mine",
            "sender_id": his.sender_id,
            "list_ids": [*(each.pk for each in hers.lists.all()), *(each.pk for each in his.lists.all())],
            "segment_ids": [segment.pk],
            "suppression_group_id": his.suppression_group_id,
        },
    )
    assert problems(answer, 400) == [
        ("sender_id", "sender_id does not exist"),
        ("list_ids", "list_ids do not all exist"),
        ("segment_ids", "segment_ids do not all exist"),
        ("suppression_group_id", "suppression_group_id does not exist"),
    ]
    assert again(hers).title == "News of May"


def assert_unknown(client: ApiClient, campaign_id: str) -> None:
    calls = [
        *(("GET", "", None), ("PATCH", "", {"title": "x"}), ("DELETE", "", None), ("GET", "/schedules", None)),
        *(("POST", "/schedules", {"send_at": in_an_hour()}), ("PATCH", "/schedules", {"send_at": in_an_hour()})),
        *(("DELETE", "/schedules", None), ("POST", "/schedules/now", None)),
        ("POST", "/schedules/test", {"to": "a@example.com"}),
    ]
    for method, behind, body in calls:
        answer = client.ask(method, f"{CAMPAIGNS}/{campaign_id}{behind}", body)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND), (method, behind)


CALLS = {
    "create": [
        ("POST", ""),
        ("POST", "/{id}/schedules"),
        ("POST", "/{id}/schedules/now"),
        ("POST", "/{id}/schedules/test"),
    ],
    "read": [("GET", ""), ("GET", "/{id}"), ("GET", "/{id}/schedules")],
    "update": [("PATCH", "/{id}"), ("PATCH", "/{id}/schedules")],
    "delete": [("DELETE", "/{id}/schedules"), ("DELETE", "/{id}")],
}


@pytest.mark.parametrize("verb", few_by_default(CALLS, "read", "delete"))
def test_each_call_needs_the_scope_of_its_verb(verb: str, alice: Account, new_client: NewClient) -> None:
    campaign = ready_campaign(alice)
    lacking = new_client(alice, scopes=[f"marketing_campaigns.{other}" for other in CALLS if other != verb])
    holding = new_client(alice, scopes=[f"marketing_campaigns.{verb}"])
    forbidden = {"errors": [{"field": None, "message": "access forbidden"}]}
    for method, behind in CALLS[verb]:
        path = CAMPAIGNS + behind.format(id=campaign.pk)
        assert lacking.ask(method, path, {}).json() == forbidden, (method, path)
        answer = holding.ask(method, path, {})
        assert not answer.content or answer.json() != forbidden, (method, path)


def test_a_list_that_was_deleted_is_no_audience(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    ContactList.objects.update(deleted_at=database_now())
    assert client_of_alice.get(path_of(campaign)).json()["list_ids"] == []
    answer = client_of_alice.post(path_of(campaign, "/schedules/now"))
    assert [field for field, _ in problems(answer, 400)] == ["list_ids"]


def test_a_parent_acts_for_a_subuser_and_sees_only_the_subusers_campaigns(
    subuser: Account, client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    for_subuser = {"On-Behalf-Of": subuser.username}
    made = client_of_alice.post(CAMPAIGNS, {"title": "theirs"}, headers=for_subuser).json()
    path = f"{CAMPAIGNS}/{made['id']}"
    assert client_of_alice.get(path, headers=for_subuser).json() == made
    assert client_of_alice.get(path).json() == NOT_FOUND
    assert client_of_alice.get(CAMPAIGNS).json() == {"result": []}
    assert problems(client_of_charlie.get(path, headers=for_subuser), 403) == [(None, "access forbidden")]
