"""Test imports and exports of contacts: jobs, and files behind links."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import Any

import pytest
from django.test import Client

from accounts.keys import revoke_key
from audience.models import Contact, Job
from tests.api.conftest import ApiClient
from tests.api.sendgrid.audience import do_jobs, refusal_of
from tests.api.sendgrid.contact_calls import (
    ANN,
    BOB,
    CONTACTS,
    EMAIL,
    EXPORTS,
    FILE,
    FIRST_NAME,
    IMPORTS,
    NOBODY,
    begin,
    new_field,
    new_list,
    upload,
    upsert,
)
from tests.examples import further


def rows_of(text: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode())))


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_file_is_imported_and_its_invalid_rows_are_listed(pack: Any, client_of_alice: ApiClient) -> None:
    list_id, pet = new_list(client_of_alice), new_field(client_of_alice, "pet")
    begun = begin(client_of_alice, field_mappings=[EMAIL, FIRST_NAME, None, pet], list_ids=[list_id])
    path = f"{IMPORTS}/{begun['job_id']}"
    job = client_of_alice.get(path).json()
    assert (job["status"], job["started_at"], job["results"]["errors_url"]) == ("pending", None, "")
    answer = upload(begun, pack(FILE))
    assert (answer.status_code, answer.content) == (200, b"")
    do_jobs()
    job = client_of_alice.get(path).json()
    assert (job["id"], job["status"], job["job_type"]) == (begun["job_id"], "errored", "upsert")
    rejected = Client().get(job["results"].pop("errors_url"))
    counts = {"requested_count": 3, "created_count": 2, "updated_count": 0, "deleted_count": 0, "errored_count": 1}
    assert job["results"] == counts
    assert rejected["Content-Type"] == "text/csv; charset=utf-8"
    assert rows_of(rejected.getvalue()) == [["row", "reason", "text"], ["3", "Invalid email.", "no address,Bo,,"]]
    ann = client_of_alice.post(f"{CONTACTS}/search/emails", {"emails": [ANN]}).json()["result"][ANN]["contact"]
    assert (ann["first_name"], ann["custom_fields"], ann["list_ids"]) == ("Ann", {"pet": "dog"}, [list_id])


MESSENGERS = {"_rf11_T": "whatsapp", "_rf12_T": "line", "_rf13_T": "facebook", "_rf14_T": "unique_name"}


@further
def test_telephone_numbers_of_a_file_are_checked_and_messengers_go_in_and_out(client_of_alice: ApiClient) -> None:
    begun = begin(client_of_alice, field_mappings=["_rf24_T", *MESSENGERS])
    rows = ["phone,w,l,f,u", "+49 30 123-456,1,2,3,4", "'+4930654321,,,,=x", "030 123456,1,2,3,4", "4.93E+09,,,,"]
    upload(begun, "\r\n".join(rows).encode())
    do_jobs()
    job = client_of_alice.get(f"{IMPORTS}/{begun['job_id']}").json()
    _, *rejected = rows_of(Client().get(job["results"]["errors_url"]).getvalue())
    assert [(row, "is not a telephone number" in reason) for row, reason, _ in rejected] == [("4", True), ("5", True)]
    export_id = client_of_alice.post(EXPORTS).json()["id"]
    do_jobs()
    (url,) = client_of_alice.get(f"{EXPORTS}/{export_id}").json()["urls"]
    head, *rows_out = rows_of(gzip.decompress(Client().get(url).getvalue()))
    places = [head.index(name) for name in ("phone_number_id", *MESSENGERS.values())]
    shown = [[row[place] for place in places] for row in rows_out]
    assert shown == [["'+4930123456", "1", "2", "3", "4"], ["'+4930654321", "", "", "", "'=x"]]


def test_a_file_of_another_format_fails_with_the_reason(client_of_alice: ApiClient) -> None:
    begun = begin(client_of_alice)
    assert upload(begun, b"").status_code == 200
    do_jobs()
    job = client_of_alice.get(f"{IMPORTS}/{begun['job_id']}").json()
    assert (job["status"], job["message"]) == ("failed", "The file is empty.")


def test_a_file_is_uploaded_once_whole_and_within_its_bound(client_of_alice: ApiClient, settings: Any) -> None:
    begun = begin(client_of_alice)
    part: dict[str, Any] = {"CONTENT_LENGTH": "40", "wsgi.input": io.BytesIO(FILE[:20])}
    broken_off = Client().put(begun["upload_uri"], content_type="text/csv", **part)
    assert refusal_of(broken_off) == (400, [(None, "The upload was incomplete. Upload the file again.")])
    settings.IMPORT_BYTES = len(FILE) - 1
    assert upload(begun, FILE).status_code == 413
    settings.IMPORT_BYTES = len(FILE)
    assert upload(begun, FILE).status_code == 200
    assert upload(begun, FILE).status_code == 409
    assert Client().get(begun["upload_uri"]).status_code == 405


def test_a_file_of_unknown_length_is_bounded_too(client_of_alice: ApiClient, settings: Any) -> None:
    begun = begin(client_of_alice)
    settings.IMPORT_BYTES = 100
    chunked = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
    answer = Client().put(
        begun["upload_uri"], content_type="text/csv", **chunked, **{"wsgi.input": io.BytesIO(FILE * 9)}
    )
    assert answer.status_code == 413
    answer = Client().put(begun["upload_uri"], content_type="text/csv", **chunked, **{"wsgi.input": io.BytesIO(FILE)})
    assert answer.status_code == 200
    do_jobs()
    assert set(Contact.objects.values_list("email", flat=True)) == {ANN, BOB}


def test_a_link_is_for_one_file_and_cannot_be_forged(client_of_alice: ApiClient) -> None:
    begun = begin(client_of_alice)
    for path in (
        begun["upload_uri"].replace("/upload", "/rejected"),
        begun["upload_uri"].replace("/imports/", "/exports/").replace("/upload", "/0"),
    ):
        assert refusal_of(Client().get(path)) == (404, [(None, "not found")])
    assert Client().put(begun["upload_uri"].replace("/upload", "x/upload"), FILE).status_code == 404
    assert Client().put(f"{IMPORTS}/{'x' * 60}/upload", FILE).status_code == 404
    assert Client().put(f"{IMPORTS}/{'x' * 400}/upload", FILE).status_code == 404


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another type": ({"file_type": "json"}, "file_type"),
    "no type": ({"file_type": None}, "file_type"),
    **{
        f"mappings {each!r:.40}": ({"field_mappings": each}, "field_mappings")
        for each in (None, [], "x", [7], ["email"], ["_rf2_T"] * 501, [EMAIL, EMAIL], [None], [FIRST_NAME], ["x" * 101])
    },
    **{
        f"the field {each}": ({"field_mappings": [EMAIL, each]}, "field_mappings")
        for each in ("e999999_T", "e99999999999", "_rf21_D", "_rf99_T", "e1_T'; --", "")
    },
    "a malformed list id": ({"list_ids": ["5"]}, "list_ids"),
}


@further
def test_an_invalid_import_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for name in REFUSED:
        with subtests.test(name=name):
            changes, field = REFUSED[name]
            answer = client_of_alice.put(IMPORTS, {"file_type": "csv", "field_mappings": [EMAIL], **changes})
            status, problems = refusal_of(answer)
            assert (status, [named for named, _ in problems]) == (400, [field])
            assert not Job.objects.exists()


def test_another_accounts_jobs_lists_and_fields_are_unknown(
    client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    list_id, pet = new_list(client_of_alice), new_field(client_of_alice, "pet")
    body = {"file_type": "csv", "field_mappings": [EMAIL], "list_ids": [list_id]}
    assert refusal_of(client_of_charlie.put(IMPORTS, body)) == (404, [("list_ids", "list_ids do not all exist")])
    body = {"file_type": "csv", "field_mappings": [EMAIL, pet]}
    assert client_of_charlie.put(IMPORTS, body).status_code == 400
    assert client_of_charlie.post(EXPORTS, {"list_ids": [list_id]}).status_code == 404
    jobs = [f"{IMPORTS}/{begin(client_of_alice)['job_id']}", f"{EXPORTS}/{client_of_alice.post(EXPORTS).json()['id']}"]
    for path in (*jobs, f"{IMPORTS}/x", f"{EXPORTS}/{NOBODY}", f"{IMPORTS}/{jobs[1].rpartition('/')[2]}"):
        assert refusal_of(client_of_charlie.get(path)) == (404, [("id", "not found")])
    assert client_of_charlie.get(EXPORTS).json()["result"] == []


def test_contacts_are_exported_and_fetched_by_their_links(client_of_alice: ApiClient) -> None:
    list_id = new_list(client_of_alice)
    upsert(client_of_alice, {"email": ANN, "first_name": "Ann"}, list_ids=[list_id])
    upsert(client_of_alice, {"email": BOB})
    answer = client_of_alice.post(EXPORTS, {"notifications": {"email": False}})
    export_id = answer.json()["id"]
    address = {"self": f"http://testserver{EXPORTS}/{export_id}"}
    assert (answer.status_code, answer.json()) == (202, {"id": export_id, "_metadata": address})
    path = f"{EXPORTS}/{export_id}"
    assert (client_of_alice.get(path).json()["status"], client_of_alice.get(path).json()["urls"]) == ("pending", [])
    do_jobs()
    shown = client_of_alice.get(path).json()
    assert (shown["status"], shown["contact_count"], shown["message"]) == ("ready", 2, "")
    (url,) = shown["urls"]
    file = Client().get(url)
    assert file["Cache-Control"] == "no-store"
    assert file["Content-Type"] == "application/gzip"
    head, *rows = rows_of(gzip.decompress(file.getvalue()))
    assert [row[head.index("email")] for row in rows] == [ANN, BOB]
    assert Client().get(url.removesuffix("/0") + "/1").status_code == 404

    listed = client_of_alice.post(EXPORTS, {"list_ids": [list_id], "file_type": "json", "max_file_size": 1}).json()
    do_jobs()
    (url,) = client_of_alice.get(f"{EXPORTS}/{listed['id']}").json()["urls"]
    (ann,) = json.loads(gzip.decompress(Client().get(url).getvalue()))
    assert ann["email"] == ANN
    newest, oldest = client_of_alice.get(EXPORTS).json()["result"]
    assert (newest["id"], oldest["id"]) == (listed["id"], export_id)
    assert newest["lists"] == [{"ID": list_id, "Name": "News"}]
    assert newest["export_type"] == "contacts_export"
    (url,) = newest["urls"]  # signed again, perhaps in another second
    assert json.loads(gzip.decompress(Client().get(url).getvalue())) == [ann]
    revoke_key(client_of_alice.account, client_of_alice.key.key_id)
    assert refusal_of(Client().get(url)) == (404, [(None, "not found")])


def test_an_invalid_export_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for body, field in [
        ({"list_ids": ["x"]}, "list_ids"),
        ({"segment_ids": "x"}, "segment_ids"),
        ({"file_type": "xml"}, "file_type"),
        ({"max_file_size": 0}, "max_file_size"),
        ({"max_file_size": 10**30}, "max_file_size"),
        ({"max_file_size": True}, "max_file_size"),
        ({"notifications": True}, "notifications"),
    ]:
        with subtests.test(body=body, field=field):
            status, [(named, _)] = refusal_of(client_of_alice.post(EXPORTS, body))
            assert (status, named) == (400, field)
            assert refusal_of(client_of_alice.post(EXPORTS, {"list_ids": [NOBODY]}))[0] == 404
            assert refusal_of(client_of_alice.post(EXPORTS, {"segment_ids": [NOBODY]}))[0] == 404
            assert not Job.objects.exists()
