"""Test segments that are defined by queries."""

from __future__ import annotations

from typing import Any

import pytest

from audience.errors import SearchTooSlow
from audience.models import Contact, Segment
from tests.api.conftest import ApiClient
from tests.api.sendgrid.audience import refusal_of
from tests.api.sendgrid.contact_calls import ANN, BOB, NOBODY, new_list, upsert
from tests.examples import further

SEGMENTS = "/v3/marketing/segments/2.0"
ANNS = "select contact_id, updated_at from contact_data where first_name = 'Ann'"


@pytest.fixture
def list_id(client_of_alice: ApiClient) -> str:
    """Create a list of Alice with Bob on it; Ann is on no list."""
    list_id = new_list(client_of_alice)
    upsert(client_of_alice, {"email": ANN, "first_name": "Ann"})
    upsert(client_of_alice, {"email": BOB, "first_name": "Bob"}, list_ids=[list_id])
    return list_id


def new_segment(client: ApiClient, **changes: Any) -> Any:
    answer = client.post(SEGMENTS, {"name": "Anns", "query_dsl": ANNS, **changes})
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_segment_is_created_shown_changed_and_deleted(client_of_alice: ApiClient, list_id: str) -> None:
    ask = client_of_alice.ask
    made = new_segment(client_of_alice)
    path = f"{SEGMENTS}/{made['id']}"
    assert made["status"] == {"query_validation": "VALID", "error_message": ""}
    assert (made["query_dsl"], made["contacts_count"], made["parent_list_ids"]) == (ANNS, 1, [])
    (ann,) = made["contacts_sample"]
    assert (ann["email"], ann["segment_ids"]) == (ANN, [made["id"]])
    assert ask("GET", path).json() == made
    assert ask("GET", f"{path}?contacts_sample=false").json()["contacts_sample"] == []
    query = "select c.contact_id, c.updated_at from contact_data as c where c.first_name in ('Ann', 'Bob')"
    answer = ask("PATCH", path, {"name": "Both", "query_dsl": query})
    assert (answer.status_code, answer.json()["name"], answer.json()["contacts_count"]) == (200, "Both", 2)
    assert ask("PATCH", path, {"name": "Two"}).json()["query_dsl"] == query
    answer = ask("POST", f"{SEGMENTS}/refresh/{made['id']}", {"user_time_zone": "Europe/Berlin"})
    assert (answer.status_code, list(answer.json())) == (202, ["job_id"])
    assert ask("DELETE", path).status_code == 202
    assert refusal_of(ask("GET", path)) == (404, [("segment_id", "segment does not exist")])
    assert list(ask("GET", path).json()["errors"][0]) == ["field", "message"]
    answer = ask("POST", f"{SEGMENTS}/refresh/{made['id']}", {"user_time_zone": "Europe/Berlin"})
    assert (answer.status_code, answer.json()) == (404, {"error": "Segment does not exist."})


@further
def test_segments_are_listed_by_their_lists(client_of_alice: ApiClient, list_id: str) -> None:
    everybody = new_segment(client_of_alice)
    listed = new_segment(client_of_alice, name="Listed", query_dsl="first_name = 'Bob'", parent_list_ids=[list_id])
    assert (listed["parent_list_ids"], listed["contacts_count"]) == ([list_id], 1)
    for query, names in (
        ("", ["Anns", "Listed"]),
        ("?no_parent_list_id=true", ["Anns"]),
        (f"?parent_list_ids={list_id},{NOBODY}", ["Listed"]),
        (f"?parent_list_ids={list_id}&no_parent_list_id=true", ["Anns", "Listed"]),
        (f"?ids={everybody['id']}&parent_list_ids={list_id}", ["Anns"]),
        (f"?ids={NOBODY}", []),
    ):
        assert [each["name"] for each in client_of_alice.get(SEGMENTS + query).json()["results"]] == names, query
    for query in ("?ids=x", "?parent_list_ids='", "?no_parent_list_id=1"):
        assert client_of_alice.get(SEGMENTS + query).status_code == 400


NO_SEGMENTS = [
    *(({"name": name}, "name") for name in (None, "", 7, "x" * 101, [])),
    *(({"query_dsl": query}, "query_dsl") for query in (None, "", 7, "x" * 20_001, "select * from accounts_apikey")),
    *(({"query_dsl": query}, "query_dsl") for query in (f"{ANNS}; drop table x", f"{ANNS} or 1=1", "a = 1")),
    *(({"parent_list_ids": ids}, "parent_list_ids") for ids in ("x", [7], [NOBODY] * 2, [NOBODY])),
]


def test_an_invalid_segment_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for changes, field in NO_SEGMENTS:
        with subtests.test(changes=changes, field=field):
            answer = client_of_alice.post(SEGMENTS, {"name": "Anns", "query_dsl": ANNS, **changes})
            status, [(named, text)] = refusal_of(answer)
            assert (status, named) == (400, field)
            assert text
            assert not Segment.objects.exists()


def test_another_accounts_segment_is_unknown(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, list_id: str
) -> None:
    path = f"{SEGMENTS}/{new_segment(client_of_alice)['id']}"
    for method in ("GET", "PATCH", "DELETE"):
        assert client_of_charlie.ask(method, path, {"name": "Mine"}).status_code == 404
    body = {"user_time_zone": "UTC"}
    assert client_of_charlie.post(path.replace("2.0/", "2.0/refresh/"), body).status_code == 404
    assert client_of_charlie.get(SEGMENTS).json()["results"] == []
    body = {"name": "Mine", "query_dsl": ANNS, "parent_list_ids": [list_id]}
    assert refusal_of(client_of_charlie.post(SEGMENTS, body)) == (
        400,
        [("parent_list_ids", "parent_list_ids do not all exist")],
    )
    mine = new_segment(client_of_charlie, query_dsl=f"contains(list_ids, '{list_id}')")
    assert (mine["contacts_count"], mine["contacts_sample"]) == (0, [])


def test_an_invalid_time_zone_of_a_refresh_is_refused(client_of_alice: ApiClient) -> None:
    made = new_segment(client_of_alice)
    for zone in (None, 7, "Nowhere/Else", "../../etc/passwd"):
        answer = client_of_alice.post(f"{SEGMENTS}/refresh/{made['id']}", {"user_time_zone": zone})
        assert refusal_of(answer)[0] == 400


@further
def test_a_segment_that_is_slow_to_count_keeps_its_count(
    client_of_alice: ApiClient, list_id: str, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    made = new_segment(client_of_alice)
    clock.advance(hours=1)

    def give_up(*args: object, **kwargs: object) -> Any:
        raise SearchTooSlow

    monkeypatch.setattr("audience.segments.count_matching", give_up)
    monkeypatch.setattr("audience.segments.find_matching", give_up)
    Contact.objects.filter(email=ANN).delete()
    shown = client_of_alice.get(f"{SEGMENTS}/{made['id']}").json()
    assert (shown["contacts_count"], shown["contacts_sample"]) == (1, [])
