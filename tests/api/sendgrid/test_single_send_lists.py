"""Test lists and searches of Single Sends."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from tests.api.conftest import ApiClient
from tests.api.sendgrid.single_send_calls import (
    SENDS,
    problems,
)
from tests.campaigns.building import campaign_in
from tests.examples import further


@further
def test_a_list_has_pages_that_lead_to_each_other(client_of_alice: ApiClient, charlie: Account) -> None:
    Campaign.objects.create(account=charlie, title="his")
    names = [f"{number}" for number in range(7)]
    for name in names:
        client_of_alice.post(SENDS, {"name": name})

    first = client_of_alice.get(f"{SENDS}?page_size=3").json()
    assert [each["name"] for each in first["result"]] == ["6", "5", "4"]
    assert set(first["_metadata"]) == {"self", "next", "count"}
    assert first["_metadata"]["count"] == 7
    second = client_of_alice.get(first["_metadata"]["next"]).json()
    assert [each["name"] for each in second["result"]] == ["3", "2", "1"]
    client_of_alice.post(SENDS, {"name": "made meanwhile"})
    last = client_of_alice.get(second["_metadata"]["next"]).json()
    assert [each["name"] for each in last["result"]] == ["0"]
    assert "next" not in last["_metadata"]
    assert client_of_alice.get(last["_metadata"]["prev"]).json()["result"] == second["result"]
    assert client_of_alice.get(second["_metadata"]["prev"]).json()["result"] == first["result"]
    assert client_of_alice.get(second["_metadata"]["self"]).json()["result"] == second["result"]
    line = first["result"][0]
    assert set(line) == {
        *("id", "name", "abtest", "status", "categories", "send_at", "is_abtest", "updated_at", "created_at")
    }


@further
def test_a_page_must_be_one_of_ours(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for query in [
        *(f"page_size={size}" for size in ("0", "101", "x", "-1", "%00")),
        *(f"page_token={t}" for t in ("x", "a", "a-1", "%00")),
    ]:
        with subtests.test(query=query):
            for path in (SENDS, "/v3/marketing/stats/singlesends"):
                assert problems(client_of_alice.get(f"{path}?{query}"), 400)[0][0] == query.partition("=")[0]
            assert problems(client_of_alice.post(f"{SENDS}/search?{query}"), 400)[0][0] == query.partition("=")[0]


def test_a_page_behind_everything_is_empty(client_of_alice: ApiClient) -> None:
    client_of_alice.post(SENDS, {"name": "x"})
    for token in ("a1", "b9999999999", "a0"):
        assert client_of_alice.get(f"{SENDS}?page_token={token}").json()["result"] == []
    assert len(client_of_alice.get(f"{SENDS}?page_token=a9999999999").json()["result"]) == 1


@further
def test_a_search_looks_for_letters_status_and_categories(
    alice: Account, charlie: Account, client_of_alice: ApiClient
) -> None:
    Campaign.objects.create(account=charlie, title="May", categories=["shoes"])
    may = Campaign.objects.create(account=alice, title="News of May 100%", categories=["shoes", "sports"])
    june = Campaign.objects.create(account=alice, title="News of June", categories=["hats"])
    sent = campaign_in(alice, CampaignStatus.SENT)

    def ids(body: Any) -> list[str]:
        answer = client_of_alice.post(f"{SENDS}/search", body)
        assert answer.status_code == 200, answer.content
        return [each["id"] for each in answer.json()["result"]]

    everything = [str(each.uuid) for each in (sent, june, may)]
    assert ids(None) == ids({}) == ids({"name": "news"}) == ids({"name": None, "status": None}) == everything
    assert ids({"name": "0%"}) == [str(may.uuid)]
    assert ids({"name": "' or 1=1 --"}) == ids({"name": "_"}) == []
    assert ids({"status": ["triggered"]}) == [str(sent.uuid)]
    assert ids({"status": ["draft", "scheduled"]}) == [str(june.uuid), str(may.uuid)]
    assert ids({"status": []}) == ids({"categories": []}) == []
    assert ids({"categories": ["sports", "hats"]}) == [str(june.uuid), str(may.uuid)]
    assert ids({"categories": ["sports"], "name": "june"}) == []
    for body in ({"name": 7}, {"name": "x" * 101}, {"status": "draft"}, {"status": ["sent"]}, {"categories": [1]}):
        assert problems(client_of_alice.post(f"{SENDS}/search", body), 400)[0][0] == next(iter(body))


def test_each_category_is_listed_once(alice: Account, charlie: Account, client_of_alice: ApiClient) -> None:
    assert client_of_alice.get(f"{SENDS}/categories").json() == {"categories": []}
    Campaign.objects.create(account=charlie, title="his", categories=["his"])
    Campaign.objects.create(account=alice, title="x", categories=["shoes", "sports"])
    Campaign.objects.create(account=alice, title="x", categories=["equipment", "shoes"])
    assert client_of_alice.get(f"{SENDS}/categories").json() == {"categories": ["equipment", "shoes", "sports"]}
