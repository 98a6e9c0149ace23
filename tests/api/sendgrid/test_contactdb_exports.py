"""Test legacy exports, which are the jobs of the newer API in another form."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import Any

import pytest
from django.test import Client

from audience.models import ContactList
from audience.query.conditions import EVERYBODY
from audience.segments import create_segment
from tests.api.conftest import ApiClient, NewClient
from tests.api.sendgrid.audience import do_jobs, refusal_of
from tests.api.sendgrid.contact_calls import NOBODY

EXPORTS = "/v3/contactdb/exports"
ANN, BOB = "ann@example.com", "bob@example.com"


@pytest.fixture
def news(client_of_alice: ApiClient) -> ContactList:
    """Create a list with Ann on it, and Bob on none."""
    client_of_alice.post("/v3/contactdb/recipients", [{"email": ANN}, {"email": BOB}])
    client_of_alice.post("/v3/contactdb/lists", {"name": "News"})
    news = ContactList.objects.get()
    ann = client_of_alice.get("/v3/contactdb/recipients").json()["recipients"][0]
    assert ann["email"] == ANN
    assert client_of_alice.post(f"/v3/contactdb/lists/{news.pk}/recipients/{ann['id']}").status_code == 201
    return news


def begun(client: ApiClient, body: Any = None) -> str:
    answer = client.post(EXPORTS, body)
    assert answer.status_code == 202, answer.content
    job = answer.json()
    assert job["_metadata"]["self"].endswith(f"{EXPORTS}/{job['id']}")
    return str(job["id"])


def test_a_list_is_exported_and_its_file_is_behind_a_link(client_of_alice: ApiClient, news: ContactList) -> None:
    export_id = begun(client_of_alice, {"list_ids": [news.pk], "file_type": "csv"})
    pending = client_of_alice.get(f"{EXPORTS}/{export_id}").json()
    assert (pending["status"], pending["urls"], "completed_at" in pending) == ("pending", [], False)
    do_jobs()
    ready = client_of_alice.get(f"{EXPORTS}/{export_id}").json()
    assert (ready["id"], ready["status"], ready["recipient_count"]) == (export_id, "ready", 1)
    assert all(ready[name].endswith("Z") for name in ("created_at", "updated_at", "completed_at", "expires_at"))
    (url,) = ready["urls"]
    rows = csv.DictReader(io.StringIO(gzip.decompress(Client().get(url).getvalue()).decode()))
    assert [row["email"] for row in rows] == [ANN]


def test_all_recipients_are_exported_without_a_body(client_of_alice: ApiClient, news: ContactList) -> None:
    export_id = begun(client_of_alice, {"file_type": "json", "max_file_size": 1})
    begun(client_of_alice)
    do_jobs()
    (url,) = client_of_alice.get(f"{EXPORTS}/{export_id}").json()["urls"]
    contacts = json.loads(gzip.decompress(Client().get(url).getvalue()))
    assert sorted(contact["email"] for contact in contacts) == [ANN, BOB]


def test_exports_are_listed_with_lists_and_segments_by_number(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, news: ContactList
) -> None:
    segment = create_segment(client_of_alice.account, "All", EVERYBODY, dialect="legacy", written=[])
    bodies: list[Any] = [None, {"segment_ids": [segment.pk]}, {"list_ids": [news.pk], "segment_ids": [segment.pk]}]
    ids = [begun(client_of_alice, body) for body in bodies]
    page = client_of_alice.get(EXPORTS).json()
    assert [each["id"] for each in page["result"]] == ids[::-1]
    in_list, in_segment = [{"ID": news.pk, "Name": "News"}], [{"ID": segment.pk, "Name": "All"}]
    assert [(each["export_type"], each["lists"], each["segments"]) for each in page["result"]] == [
        ("list_export", in_list, in_segment),
        ("segment_export", [], in_segment),
        ("contacts_export", [], []),
    ]
    assert list(page["_metadata"]) == ["self"]
    short = client_of_alice.get(f"{EXPORTS}?page_size=2").json()
    (last,) = client_of_alice.http.get(
        short["_metadata"]["next"], headers={"Authorization": f"Bearer {client_of_alice.key_text}"}
    ).json()["result"]
    assert last["id"] == ids[0]
    assert client_of_charlie.get(EXPORTS).json()["result"] == []
    for client, export_id in ((client_of_charlie, ids[0]), (client_of_alice, NOBODY), (client_of_alice, "x")):
        assert refusal_of(client.get(f"{EXPORTS}/{export_id}")) == (404, [("id", "not found")])


def test_wrong_requests_are_refused_by_name(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    wrong: list[tuple[Any, int, str, str]] = [
        ({"list_ids": ["1"]}, 400, "list_ids", "list_ids must be an array of integers"),
        ({"list_ids": list(range(1, 102))}, 400, "list_ids", "list_ids is limited to 100"),
        ({"segment_ids": [0]}, 400, "segment_ids", "segment_ids do not all exist"),
        ({"list_ids": [7]}, 404, "list_ids", "list_ids do not all exist"),
        ({"segment_ids": [7]}, 404, "segment_ids", "segment_ids do not all exist"),
        ({"file_type": "xml"}, 400, "file_type", "file_type must be csv or json"),
        ({"max_file_size": 0}, 400, "max_file_size", "max_file_size must be an integer from 1 to 5000"),
    ]
    for body, status, field, text in wrong:
        assert refusal_of(client_of_alice.post(EXPORTS, body)) == (status, [(field, text)]), body


def test_legacy_scopes_are_needed(client_of_alice: ApiClient, new_client: NewClient) -> None:
    reader = new_client(client_of_alice.account, ["marketing_campaigns.read"])
    assert [reader.get(EXPORTS).status_code, reader.post(EXPORTS).status_code] == [200, 403]
    assert new_client(client_of_alice.account, ["marketing.read"]).get(EXPORTS).status_code == 403
