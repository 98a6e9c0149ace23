"""Test contacts, lists and custom fields below /v3/marketing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audience.models import Contact, Job
from tests.api.conftest import ApiClient, NewClient
from tests.api.sendgrid.audience import do_jobs, refusal_of
from tests.api.sendgrid.contact_calls import ANN, BOB, CONTACTS, FIELDS, LISTS, NOBODY, new_field, new_list, upsert
from tests.examples import few_by_default, further


@pytest.fixture
def ann(client_of_alice: ApiClient) -> Contact:
    """Create a contact of Alice."""
    upsert(client_of_alice, {"email": ANN, "first_name": "Ann", "external_id": "crm-1"})
    return Contact.objects.get()


# --- contacts ---------------------------------------------------------------------------------------------------------


def test_contacts_are_stored_by_a_job_and_shown_completely(client_of_alice: ApiClient) -> None:
    list_id = new_list(client_of_alice)
    pet, orders = new_field(client_of_alice, "pet"), new_field(client_of_alice, "orders", "Number")
    contact = {
        "email": "Ann@Example.com",
        "first_name": "Ann",
        "city": "Bonn",
        "alternate_emails": ["a@example.com"],
        "unknown": {"is": "passed over"},
        "custom_fields": {pet: "dog", orders: 3},
    }
    job = upsert(client_of_alice, contact, {"email": "no address"}, {"external_id": "crm-2"}, list_ids=[list_id])
    assert (job["status"], job["job_type"]) == ("errored", "upsert")
    errors_url = job["results"].pop("errors_url")
    counts = {"requested_count": 3, "created_count": 2, "updated_count": 0, "deleted_count": 0, "errored_count": 1}
    assert job["results"] == counts
    assert job["started_at"].endswith("Z")
    rows = client_of_alice.http.get(errors_url).getvalue().decode().splitlines()
    assert rows[0] == "row,reason,text"
    assert rows[1].startswith("2,Invalid email.,")
    ann = Contact.objects.get(email=ANN)
    shown = client_of_alice.get(f"{CONTACTS}/{ann.uuid}").json()
    assert shown == {
        **dict.fromkeys(("phone_number_id", "external_id", "anonymous_id", "last_name", "phone_number"), ""),
        **dict.fromkeys(("address_line_1", "address_line_2", "state_province_region", "postal_code"), ""),
        **dict.fromkeys(("country", "time_zone", "unique_name", "whatsapp", "line", "facebook"), ""),
        "id": str(ann.uuid),
        "email": ANN,
        "first_name": "Ann",
        "city": "Bonn",
        "alternate_emails": ["a@example.com"],
        "list_ids": [list_id],
        "segment_ids": [],
        "custom_fields": {"pet": "dog", "orders": 3},
        "created_at": shown["created_at"],
        "updated_at": shown["updated_at"],
        "_metadata": {"self": f"http://testserver{CONTACTS}/{ann.uuid}"},
    }
    answer = client_of_alice.get(CONTACTS).json()
    assert [each["external_id"] for each in answer["result"]] == ["crm-2", ""], "the newest first"
    assert answer["contact_count"] == 2
    assert client_of_alice.get(f"{CONTACTS}/count").json() == {"contact_count": 2, "billable_count": 2}
    assert client_of_alice.get(f"{LISTS}/{list_id}").json()["contact_count"] == 2


REFUSED: dict[str, tuple[Any, str]] = {
    **{f"contacts {each!r}": ({"contacts": each}, "contacts") for each in (None, [], {}, "x", 7)},
    "no object": ({"contacts": [7]}, "contacts[0]"),
    "a list for a name": ({"contacts": [{"email": ANN}, {"first_name": []}]}, "contacts[1].first_name"),
    "a true name": ({"contacts": [{"first_name": True}]}, "contacts[0].first_name"),
    "a huge text": ({"contacts": [{"first_name": "x" * 10_001}]}, "contacts[0].first_name"),
    "a huge number": ({"contacts": [{"first_name": 10**400}]}, "contacts[0].first_name"),
    "one alternate": ({"contacts": [{"alternate_emails": "x"}]}, "contacts[0].alternate_emails"),
    "six alternates": ({"contacts": [{"alternate_emails": ["x"] * 6}]}, "contacts[0].alternate_emails"),
    "a list of custom fields": ({"contacts": [{"custom_fields": []}]}, "contacts[0].custom_fields"),
    "a custom field by its name": ({"contacts": [{"custom_fields": {"pet": 1}}]}, "contacts[0].custom_fields"),
    "an object for a custom value": ({"contacts": [{"custom_fields": {"e1_T": {}}}]}, "contacts[0].custom_fields"),
    "a malformed list id": ({"contacts": [{"email": ANN}], "list_ids": ["5"]}, "list_ids"),
    "a hundred lists": ({"contacts": [{"email": ANN}], "list_ids": [NOBODY] * 101}, "list_ids"),
}


def test_invalid_contacts_are_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for name in REFUSED:
        with subtests.test(name=name):
            body, field = REFUSED[name]
            answer = client_of_alice.put(CONTACTS, body)
            assert answer.status_code == 400
            assert [each["field"] for each in answer.json()["errors"]] == [field]
            assert list(answer.json()["errors"][0]) == ["field", "message", "error_id"]
            assert not Job.objects.exists()


def test_a_request_has_a_bound(client_of_alice: ApiClient) -> None:
    assert client_of_alice.put(CONTACTS, {"contacts": [{}] * 30_001}).status_code == 400
    large = json.dumps({"contacts": [{"email": ANN}]}).encode() + b" " * (6 * 2**20)
    assert client_of_alice.put(CONTACTS, large).status_code == 413


def test_contacts_are_deleted_by_a_job(client_of_alice: ApiClient, client_of_charlie: ApiClient, ann: Contact) -> None:
    for query in ("", "?ids=", "?ids=x", "?delete_all_contacts=maybe", f"?ids={ann.uuid}&delete_all_contacts=true"):
        assert client_of_alice.delete(f"{CONTACTS}{query}").status_code == 400, query
    assert client_of_charlie.delete(f"{CONTACTS}?ids={ann.uuid}").status_code == 202
    assert client_of_charlie.delete(f"{CONTACTS}?delete_all_contacts=true").status_code == 202
    do_jobs()
    assert Contact.objects.exists()
    upsert(client_of_alice, {"email": BOB}, {"email": "cy@example.com"})
    job_id = client_of_alice.delete(f"{CONTACTS}?ids={ann.uuid},{NOBODY}").json()["job_id"]
    do_jobs()
    job = client_of_alice.get(f"{CONTACTS}/imports/{job_id}").json()
    assert (job["status"], job["job_type"], job["results"]["deleted_count"]) == ("completed", "delete", 1)
    assert client_of_alice.delete(f"{CONTACTS}?delete_all_contacts=true").status_code == 202
    do_jobs()
    assert client_of_alice.get(f"{CONTACTS}/count").json()["contact_count"] == 0


def test_contacts_are_found_by_ids(client_of_alice: ApiClient, client_of_charlie: ApiClient, ann: Contact) -> None:
    body = {"ids": [str(ann.uuid), NOBODY]}
    assert [each["email"] for each in client_of_alice.post(f"{CONTACTS}/batch", body).json()["result"]] == [ANN]
    assert client_of_charlie.post(f"{CONTACTS}/batch", body).json() == {"result": []}
    for ids in (None, "x", [7], ["x"], [NOBODY] * 101):
        assert refusal_of(client_of_alice.post(f"{CONTACTS}/batch", {"ids": ids}))[0] == 400
    for path in (NOBODY, "x", str(ann.uuid) + "0"):
        assert refusal_of(client_of_alice.get(f"{CONTACTS}/{path}")) == (404, [("id", "contact not found")])
    assert client_of_charlie.get(f"{CONTACTS}/{ann.uuid}").status_code == 404


@further
def test_contacts_are_found_by_identifiers(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, ann: Contact
) -> None:
    path, body = (
        f"{CONTACTS}/search/emails",
        {"emails": ["", "Ann@Example.com", " ", "BOB@example.com", " ann@example.com"]},
    )
    results = client_of_alice.post(path, body).json()["result"]
    assert list(results) == [ANN, BOB], "in lower case, each once, without the blank ones"
    assert results[ANN]["contact"]["id"] == str(ann.uuid)
    assert results[BOB] == {"error": "contact not found"}
    assert refusal_of(client_of_charlie.post(path, body)) == (404, [("emails", "contact not found")])
    assert client_of_alice.post(path, {"emails": ["", "\t"]}).status_code == 404
    assert client_of_alice.post(path, {"emails": [*["x@example.com"] * 99, ANN, ""]}).status_code == 200
    for emails in (None, "x", [], [7], [None], [ANN] * 101):
        assert refusal_of(client_of_alice.post(path, {"emails": emails}))[1][0][0] == "emails"


IDENTIFIERS: dict[str, tuple[str, list[str], list[str]]] = {
    "email": (
        "Dot@Example.com",
        ["dot@example.com"],
        ["dot", "@example.com", "a b@example.com", "a@b@c.de", "x" * 300],
    ),
    "phone_number_id": (
        "+1 (415) 227-9968",
        ["+14152279968", "+1.415.227.9968"],
        [
            "abc",
            "4152279968",
            "+1",
            "++14152279968",
            "+0123456789",
            "+1415227996812345",
            "+1415227996x",
            "+49 (0)30 123",
        ],
    ),
    "external_id": ("CRM-2", ["CRM-2", " CRM-2 "], ["x" * 255, "a\nb", "a\x07b"]),
    "anonymous_id": ("anon 2", ["anon 2"], ["x" * 255, "a\u2028b"]),
}
"""For each type of identifier: one as a caller writes it, other spellings that match it, and invalid ones."""


@pytest.mark.parametrize("kind", few_by_default(IDENTIFIERS, "phone_number_id"))
def test_identifiers_are_read_alike_by_contacts_and_searches(
    kind: str, client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    written, ways, wrong = IDENTIFIERS[kind]
    job = upsert(client_of_alice, {kind: written}, *({kind: each} for each in wrong))
    counts = job["results"]
    assert (counts["created_count"], counts["errored_count"]) == (1, len(wrong))
    stored = client_of_alice.get(CONTACTS).json()["result"][0][kind]
    path = f"{CONTACTS}/search/identifiers/{kind}"
    for way in (written, *ways):
        matches = client_of_alice.post(path, {"identifiers": [way, "", " "]}).json()["result"]
        assert {name: each["contact"][kind] for name, each in matches.items()} == {stored: stored}
    assert client_of_charlie.post(path, {"identifiers": ways}).status_code == 404
    assert client_of_alice.post(path, {"identifiers": [""]}).status_code == 404
    for each in wrong:
        status, [(field, text)] = refusal_of(client_of_alice.post(path, {"identifiers": [written, each]}))
        assert (status, field) == (400, "identifiers[1]"), each
        assert text


def test_an_unknown_type_of_identifier_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for kind in ["id", "EMAIL", "contact_id", "email_domains", "%20"]:
        with subtests.test(kind=kind):
            answer = client_of_alice.post(f"{CONTACTS}/search/identifiers/{kind}", {"identifiers": [ANN]})
            text = "identifier_type must be one of email, phone_number_id, external_id, anonymous_id"
            assert refusal_of(answer) == (400, [("identifier_type", text)])


def test_the_newest_contacts_are_returned_in_the_order_of_their_addresses(client_of_alice: ApiClient) -> None:
    upsert(client_of_alice, *({"email": f"c{n:02}@example.com"} for n in (*range(0, 60, 2), *range(59, 0, -2))))
    told_emails = [each["email"] for each in client_of_alice.get(CONTACTS).json()["result"]]
    newest = Contact.objects.order_by("-pk")[:50]
    assert told_emails == sorted(str(each.email) for each in newest)
    assert "c00@example.com" not in told_emails


MESSENGERS = {"whatsapp": "+49 151 1", "line": "ann.line", "facebook": "ann.fb", "unique_name": "Ann the 1st"}


@further
def test_messengers_and_the_unique_name_are_stored_shown_found_and_reserved(client_of_alice: ApiClient) -> None:
    upsert(client_of_alice, {"email": ANN, **MESSENGERS}, {"email": BOB, "line": "x" * 255})
    (ann,) = client_of_alice.get(CONTACTS).json()["result"]
    assert {name: ann[name] for name in MESSENGERS} == MESSENGERS
    upsert(client_of_alice, {"email": ANN, "line": ""}, {"email": BOB})
    assert client_of_alice.get(f"{CONTACTS}/{ann['id']}").json() == {
        **ann,
        "line": "",
        "updated_at": client_of_alice.get(f"{CONTACTS}/{ann['id']}").json()["updated_at"],
    }
    for query, emails in (("facebook = 'ann.fb'", [ANN]), ("line is null", [ANN, BOB]), ("whatsapp != 'x'", [ANN])):
        matches = client_of_alice.post(f"{CONTACTS}/search", {"query": query}).json()["result"]
        assert [each["email"] for each in matches] == emails, query
    reserved = {each["name"]: each for each in client_of_alice.get(FIELDS).json()["reserved_fields"]}
    for number, name in enumerate(MESSENGERS, start=11):
        assert reserved[name] == {"id": f"_rf{number}_T", "name": name, "field_type": "Text"}
        assert refusal_of(client_of_alice.post(FIELDS, {"name": name.upper(), "field_type": "Text"}))[0] == 400


def test_contacts_are_found_by_a_query(client_of_alice: ApiClient, ann: Contact) -> None:
    upsert(client_of_alice, {"email": BOB})
    path = f"{CONTACTS}/search"
    answer = client_of_alice.post(path, {"query": "first_name = 'Ann' and email like '%@example.com'"})
    assert (answer.status_code, answer.json()["contact_count"]) == (200, 1)
    assert [each["email"] for each in answer.json()["result"]] == [ANN]
    for query in ("singlesend_id = '5'", f"singlesend_id = '{NOBODY}'", "first_name = 'x'' or 1=1--'"):
        assert client_of_alice.post(path, {"query": query}).json()["contact_count"] == 0, query


NO_QUERIES = [
    *(None, 7, [], "", "x" * 20_001, "(" * 5000, "email", "nothing = 1", "email = 'a' ; drop table x", "1=1"),
    *("email = 'a' union select * from accounts_apikey", "pg_sleep(10) = 1", "email = $$a$$", "email = 'a' --"),
]


def test_an_invalid_query_is_refused(client_of_alice: ApiClient, ann: Contact, subtests: pytest.Subtests) -> None:
    for query in NO_QUERIES:
        with subtests.test(query=query):
            status, [(field, text)] = refusal_of(client_of_alice.post(f"{CONTACTS}/search", {"query": query}))
            assert (status, field) == (400, "query")
            assert text
            assert Contact.objects.count() == 1


# --- lists ------------------------------------------------------------------------------------------------------------


def test_a_list_is_created_shown_renamed_and_deleted(client_of_alice: ApiClient, ann: Contact) -> None:
    ask = client_of_alice.ask
    answer = ask("POST", LISTS, {"name": "News"})
    list_id = answer.json()["id"]
    address = {"self": f"http://testserver{LISTS}/{list_id}"}
    whole = {"id": list_id, "name": "News", "contact_count": 0, "_metadata": address}
    assert (answer.status_code, answer.json()) == (201, whole)
    upsert(client_of_alice, {"email": ANN}, {"email": BOB}, list_ids=[list_id])
    whole["contact_count"] = 2
    assert ask("GET", f"{LISTS}/{list_id}").json() == whole
    assert ask("GET", f"{LISTS}/{list_id}?contact_sample=true").json()["contact_sample"]["email"] == ANN
    answer = ask("PATCH", f"{LISTS}/{list_id}", {"name": "Letters"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Letters")
    answer = ask("DELETE", f"{LISTS}/{list_id}/contacts?contact_ids={ann.uuid}")
    assert answer.status_code == 202
    do_jobs()
    count = ask("GET", f"{LISTS}/{list_id}/contacts/count").json()
    assert count == {"contact_count": 1, "billable_count": 1}
    assert Contact.objects.count() == 2, "they stay contacts"
    answer = ask("DELETE", f"{LISTS}/{list_id}?delete_contacts=true")
    assert (answer.status_code, list(answer.json())) == (200, ["job_id"])
    do_jobs()
    assert list(Contact.objects.values_list("email", flat=True)) == [ANN]
    assert refusal_of(ask("GET", f"{LISTS}/{list_id}")) == (404, [("id", "list does not exist")])
    assert ask("DELETE", f"{LISTS}/{new_list(client_of_alice)}").status_code == 204


def test_lists_are_returned_in_pages(client_of_alice: ApiClient) -> None:
    for name in ("One", "Two", "Three"):
        new_list(client_of_alice, name)
    page = client_of_alice.get(f"{LISTS}?page_size=2").json()
    assert [each["name"] for each in page["result"]] == ["Three", "Two"]
    assert page["_metadata"]["count"] == 3
    next_page = client_of_alice.get(page["_metadata"]["next"].removeprefix("http://testserver")).json()
    assert [each["name"] for each in next_page["result"]] == ["One"]
    for query in ("page_size=0", "page_size=1001", "page_token=x"):
        assert client_of_alice.get(f"{LISTS}?{query}").status_code == 400


def test_an_invalid_name_of_a_list_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    list_id = new_list(client_of_alice)
    for name in [None, 7, [], "", " ", "x" * 101]:
        with subtests.test(name=name):
            for method, path in (("POST", LISTS), ("PATCH", f"{LISTS}/{list_id}")):
                status, [(field, _)] = refusal_of(client_of_alice.ask(method, path, {"name": name}))
                assert (status, field) == (400, "name")
            assert refusal_of(client_of_alice.post(LISTS, {"name": "NEWS"}))[1][0][0] == "name", "it is taken"


def test_another_accounts_list_is_unknown(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, ann: Contact
) -> None:
    list_id = new_list(client_of_alice)
    for method, suffix in (
        *(("GET", ""), ("PATCH", ""), ("DELETE", ""), ("DELETE", "?delete_contacts=true")),
        *(("DELETE", f"/contacts?contact_ids={ann.uuid}"), ("GET", "/contacts/count")),
    ):
        answer = client_of_charlie.ask(method, f"{LISTS}/{list_id}{suffix}", {"name": "Mine"})
        assert refusal_of(answer) == (404, [("id", "list does not exist")])
    body = {"contacts": [{"email": BOB}], "list_ids": [list_id]}
    assert refusal_of(client_of_charlie.put(CONTACTS, body)) == (404, [("list_ids", "list_ids do not all exist")])
    assert client_of_charlie.get(LISTS).json()["result"] == []
    assert Contact.objects.count() == 1


# --- fields -----------------------------------------------------------------------------------------------------------


def test_a_field_is_created_shown_renamed_and_deleted(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    ids = [new_field(client_of_alice, f"a_{type_}".lower(), type_) for type_ in ("Text", "Number", "Date")]
    assert [each[-2:] for each in ids] == ["_T", "_N", "_D"]
    listed = client_of_alice.get(FIELDS).json()
    assert listed["custom_fields"][1] == {"id": ids[1], "name": "a_number", "field_type": "Number"}
    assert {"id": "_rf2_T", "name": "email", "field_type": "Text"} in listed["reserved_fields"]
    assert client_of_charlie.get(FIELDS).json()["custom_fields"] == []
    for method in ("PATCH", "DELETE"):
        answer = client_of_charlie.ask(method, f"{FIELDS}/{ids[0]}", {"name": "mine"})
        assert refusal_of(answer) == (404, [("id", "custom field does not exist")])
        assert client_of_alice.ask(method, f"{FIELDS}/_rf2_T", {"name": "mine"}).status_code == 404
    answer = client_of_alice.patch(f"{FIELDS}/{ids[0]}", {"name": "pet"})
    assert (answer.status_code, answer.json()["name"]) == (200, "pet")
    assert client_of_alice.delete(f"{FIELDS}/{ids[0]}").status_code == 204
    assert client_of_alice.delete(f"{FIELDS}/{ids[0]}").status_code == 404


def test_an_invalid_field_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for body, fields in [
        ({}, ["name", "field_type"]),
        ({"name": "pet", "field_type": "text"}, ["field_type"]),
        ({"name": "pet", "field_type": ["Text"]}, ["field_type"]),
        ({"name": 'pet"; drop table x', "field_type": "Text"}, ["name"]),
        ({"name": "email", "field_type": "Text"}, ["name"]),
    ]:
        with subtests.test(body=body, fields=fields):
            status, problems = refusal_of(client_of_alice.post(FIELDS, body))
            assert (status, [field for field, _ in problems]) == (400, fields)


@pytest.mark.parametrize("group", few_by_default(["marketing", "marketing_campaigns"], "marketing"))
def test_scopes_of_both_names_will_do(group: str, new_client: NewClient, client_of_alice: ApiClient) -> None:
    calls: list[tuple[str, str, str, Any]] = [
        ("create", "POST", LISTS, {"name": "Two"}),
        ("read", "GET", CONTACTS, None),
        ("read", "POST", f"{CONTACTS}/search", {"query": "first_name = 'x'"}),
        ("update", "PUT", CONTACTS, {"contacts": [{"email": ANN}]}),
        ("delete", "DELETE", f"{CONTACTS}?delete_all_contacts=true", None),
        ("create", "POST", FIELDS, {"name": "pet", "field_type": "Text"}),
    ]
    verbs = {"create", "read", "update", "delete"}
    for verb, method, path, body in calls:
        others = new_client(client_of_alice.account, [f"{group}.{each}" for each in sorted(verbs - {verb})])
        assert others.ask(method, path, body).status_code == 403, (method, path)
        own = new_client(client_of_alice.account, [f"{group}.{verb}"])
        assert own.ask(method, path, body).status_code < 300, (method, path)
