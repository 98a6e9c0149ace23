"""The official Python client with another host manages an audience over a real socket."""

from __future__ import annotations

import gzip
import urllib.request
from typing import Any

import pytest
import python_http_client.exceptions as refused
from sendgrid import SendGridAPIClient

from tests.api.conftest import ApiClient
from tests.api.sendgrid.audience import do_jobs
from tests.api.sendgrid.contact_calls import ANN, BOB, EMAIL, FILE, FIRST_NAME
from tests.api.sendgrid.sender_calls import SENDER
from tests.examples import further


@pytest.fixture
def client(client_of_alice: ApiClient, server_url: str) -> Any:
    """Return an official client with a key of Alice."""
    return SendGridAPIClient(client_of_alice.key_text, host=server_url).client


@pytest.mark.large
def test_the_legacy_contact_database_is_managed(client: Any) -> None:
    db = client.contactdb
    field = db.custom_fields.post(request_body={"name": "pet", "type": "text"})
    assert field.status_code == 201
    made = db.lists.post(request_body={"name": "News"})
    assert made.status_code == 201
    one_list = db.lists._(made.to_dict["id"])
    stored = db.recipients.post(request_body=[{"email": ANN, "pet": "dog"}, {"email": BOB}])
    assert (stored.status_code, stored.to_dict["new_count"]) == (201, 2)
    ids = stored.to_dict["persisted_recipients"]
    assert one_list.recipients.post(request_body=ids).status_code == 201
    assert one_list.recipients._(ids[1]).delete().status_code == 204
    assert one_list.recipients._(ids[1]).post().status_code == 201
    page = one_list.recipients.get(query_params={"page": 1, "page_size": 10}).to_dict
    assert [each["email"] for each in page["recipients"]] == [ANN, BOB]
    assert db.recipients._(ids[0]).lists.get().to_dict["lists"][0]["name"] == "News"
    conditions = [{"field": "pet", "value": "dog", "operator": "eq", "and_or": ""}]
    segment = db.segments.post(request_body={"name": "Dogs", "list_id": made.to_dict["id"], "conditions": conditions})
    assert segment.status_code == 200
    assert len(db.segments._(segment.to_dict["id"]).recipients.get().to_dict["recipients"]) == 1
    assert len(db.recipients.search.get(query_params={"pet": "dog"}).to_dict["recipients"]) == 1
    assert db.segments._(segment.to_dict["id"]).delete().status_code == 204
    assert db.custom_fields._(field.to_dict["id"]).delete().status_code == 202
    assert db.recipients.delete(request_body=ids[:1]).status_code == 200
    assert one_list.delete(query_params={"delete_contacts": "true"}).status_code == 202
    do_jobs()
    assert db.recipients.count.get().to_dict == {"recipient_count": 0}
    with pytest.raises(refused.NotFoundError):
        one_list.get()


@pytest.mark.large
def test_senders_are_shared_by_both_apis(client: Any) -> None:
    made = client.senders.post(request_body=SENDER)
    assert made.status_code == 201
    for senders, key in ((client.senders, "result"), (client.marketing.senders, "results")):
        assert [each["id"] for each in senders.get().to_dict[key]] == [made.to_dict["id"]]
    sender = client.marketing.senders._(made.to_dict["id"])
    assert sender.patch(request_body={"city": "Berlin"}).to_dict["city"] == "Berlin"
    assert sender.resend_verification.post().status_code == 204
    assert client.senders._(made.to_dict["id"]).delete().status_code == 204


@further
def test_contacts_lists_fields_and_segments_are_managed(client: Any) -> None:
    marketing = client.marketing
    field = marketing.field_definitions.post(request_body={"name": "pet", "field_type": "Text"})
    assert field.status_code == 200
    list_id = marketing.lists.post(request_body={"name": "News"}).to_dict["id"]
    contact = {"email": ANN, "custom_fields": {field.to_dict["id"]: "dog"}}
    stored = marketing.contacts.put(request_body={"list_ids": [list_id], "contacts": [contact]})
    assert stored.status_code == 202
    do_jobs()
    job = marketing.contacts.imports._(stored.to_dict["job_id"]).get().to_dict
    assert (job["status"], job["results"]["created_count"]) == ("completed", 1)
    results = marketing.contacts.search.post(request_body={"query": f"pet = 'dog' and CONTAINS(list_ids, '{list_id}')"})
    (ann,) = results.to_dict["result"]
    assert marketing.contacts._(ann["id"]).get().to_dict == ann
    query = "SELECT contact_id, updated_at FROM contact_data WHERE pet = 'dog'"
    segment = marketing.segments._("2.0").post(request_body={"name": "Dogs", "query_dsl": query})
    assert (segment.status_code, segment.to_dict["contacts_count"]) == (201, 1)
    assert marketing.segments._("2.0")._(segment.to_dict["id"]).delete().status_code == 202
    with pytest.raises(refused.BadRequestsError) as caught:
        marketing.contacts.search.post(request_body={"query": "pet = 'dog'; drop table x"})
    assert caught.value.to_dict["errors"][0]["field"] == "query"
    deleted = marketing.lists._(list_id).delete(query_params={"delete_contacts": "true"})
    assert (deleted.status_code, list(deleted.to_dict)) == (200, ["job_id"])
    do_jobs()
    assert marketing.contacts.count.get().to_dict["contact_count"] == 0
    assert marketing.field_definitions._(field.to_dict["id"]).delete().status_code == 204


@pytest.mark.large
def test_contacts_are_imported_and_exported(client: Any) -> None:
    contacts = client.marketing.contacts
    begun = contacts.imports.put(request_body={"file_type": "csv", "field_mappings": [EMAIL, FIRST_NAME]}).to_dict
    headers = {each["header"]: each["value"] for each in begun["upload_headers"]}
    upload = urllib.request.Request(begun["upload_uri"], gzip.compress(FILE), headers, method="PUT")
    with urllib.request.urlopen(upload, timeout=10) as answer:
        assert answer.status == 200
    do_jobs()
    job = contacts.imports._(begun["job_id"]).get().to_dict
    assert (job["status"], job["results"]["created_count"], job["results"]["errored_count"]) == ("errored", 2, 1)
    with urllib.request.urlopen(job["results"]["errors_url"], timeout=10) as answer:
        assert b"Invalid email." in answer.read()
    export = contacts.exports._(contacts.exports.post(request_body={"file_type": "csv"}).to_dict["id"])
    do_jobs()
    (url,) = export.get().to_dict["urls"]
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert b"bob@example.com" in gzip.decompress(answer.read())
