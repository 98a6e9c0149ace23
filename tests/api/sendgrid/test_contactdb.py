"""Test legacy lists, recipients and custom fields."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import pytest

from audience.models import Contact, ContactList, LastTimes
from tests.api.conftest import ApiClient, NewClient
from tests.api.sendgrid.audience import do_jobs, refusal_of
from tests.examples import further

LISTS, RECIPIENTS, FIELDS = ("/v3/contactdb/" + what for what in ("lists", "recipients", "custom_fields"))
ANN, BOB = "ann@example.com", "bob@example.com"
HOSTILE: list[Any] = [None, 7, True, [], {}, "", "  ", "x" * 101, "a\ud800"]


def rid(email: str) -> str:
    return base64.urlsafe_b64encode(email.encode()).decode()


def new_list(client: ApiClient, name: str = "News") -> int:
    answer = client.post(LISTS, {"name": name})
    assert answer.status_code == 201
    return int(answer.json()["id"])


def add(client: ApiClient, *recipients: Any) -> Any:
    answer = client.post(RECIPIENTS, list(recipients))
    assert answer.status_code == 201
    return answer.json()


@pytest.fixture
def ann_and_bob(client_of_alice: ApiClient) -> None:
    """Create two recipients of Alice."""
    add(client_of_alice, {"email": ANN, "first_name": "Ann"}, {"email": BOB})


# --- lists ------------------------------------------------------------------------------------------------------------


def test_a_list_is_created_shown_renamed_and_deleted(client_of_alice: ApiClient) -> None:
    ask = client_of_alice.ask
    answer = ask("POST", LISTS, {"name": "News"})
    list_id = answer.json()["id"]
    assert (answer.status_code, answer.json()) == (201, {"id": list_id, "name": "News", "recipient_count": 0})
    assert ask("GET", f"{LISTS}/{list_id}").json() == answer.json()
    answer = ask("PATCH", f"{LISTS}/{list_id}/", {"name": "Letters"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Letters")
    assert ask("GET", LISTS).json() == {"lists": [answer.json()]}
    answer = ask("DELETE", f"{LISTS}/{list_id}")
    assert (answer.status_code, answer.content) == (202, b"")
    assert refusal_of(ask("GET", f"{LISTS}/{list_id}")) == (404, [(None, "List ID does not exist")])
    assert refusal_of(ask("DELETE", f"{LISTS}/{list_id}")) == (404, [(None, f"List not found: {list_id}")])


def test_several_lists_are_deleted_at_once(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    first, second = new_list(client_of_alice), new_list(client_of_alice, "Two")
    for body in ([0, 10**30, "x", None], [], [first + 10**6], [True]):
        answer = client_of_alice.ask("DELETE", LISTS, body)
        assert refusal_of(answer) == (400, [(None, "list id was invalid")])
    assert refusal_of(client_of_charlie.ask("DELETE", LISTS, [first])) == (400, [(None, "list id was invalid")])
    assert client_of_alice.ask("DELETE", LISTS, [first, second, 10**30]).status_code == 204
    assert client_of_alice.get(LISTS).json() == {"lists": []}


def test_an_invalid_name_of_a_list_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for name in HOSTILE[:-1]:
        with subtests.test(name=name):
            (field,) = refusal_of(client_of_alice.post(LISTS, {"name": name}))[1]
            assert field == ("name", "name must be a string of 1 to 100 characters")
            assert not ContactList.objects.exists()


def test_a_name_is_taken_once_in_an_account(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    new_list(client_of_alice)
    other = new_list(client_of_alice, "Two")
    refusal = (400, [("name", "a list or a segment with this name exists")])
    assert refusal_of(client_of_alice.post(LISTS, {"name": "NEWS"})) == refusal
    assert refusal_of(client_of_alice.patch(f"{LISTS}/{other}", {"name": "news"})) == refusal
    new_list(client_of_charlie)


@further
def test_a_list_is_deleted_with_its_contacts_on_request(client_of_alice: ApiClient, ann_and_bob: None) -> None:
    list_id = new_list(client_of_alice)
    client_of_alice.post(f"{LISTS}/{list_id}/recipients/{rid(ANN)}")
    path = f"{LISTS}/{list_id}?delete_contacts="
    assert refusal_of(client_of_alice.delete(path + "maybe")) == (
        400,
        [("delete_contacts", "delete_contacts not a bool")],
    )
    assert client_of_alice.delete(path + "true").status_code == 202
    do_jobs()
    assert client_of_alice.get(LISTS).json() == {"lists": []}
    assert [each["email"] for each in client_of_alice.get(RECIPIENTS).json()["recipients"]] == [BOB]


# --- members of a list ------------------------------------------------------------------------------------------------


def test_recipients_are_added_to_a_list_and_removed(client_of_alice: ApiClient, ann_and_bob: None) -> None:
    ask, list_id = client_of_alice.ask, new_list(client_of_alice)
    path = f"{LISTS}/{list_id}/recipients"
    answer = ask("POST", path, [rid(ANN), rid(BOB).rstrip("="), rid("nobody@example.com"), "?", 7])
    assert (answer.status_code, answer.content) == (201, b"")
    assert [each["email"] for each in ask("GET", path).json()["recipients"]] == [ANN, BOB]
    assert ask("GET", f"{LISTS}/{list_id}").json()["recipient_count"] == 2
    assert ask("GET", f"{RECIPIENTS}/{rid(ANN)}/lists").json() == ask("GET", LISTS).json()
    assert ask("DELETE", f"{path}/{rid(ANN)}").status_code == 204
    assert [each["email"] for each in ask("GET", path).json()["recipients"]] == [BOB]
    answer = ask("POST", f"{path}/{rid(ANN)}")
    assert (answer.status_code, answer.content) == (201, b"")
    assert [each["email"] for each in ask("GET", f"{path}?page=2&page_size=1").json()["recipients"]] == [BOB]
    assert refusal_of(ask("GET", f"{path}?page=3&page_size=1")) == (404, [(None, "No more pages")])


@further
def test_ids_that_cannot_be_on_a_list_are_refused(client_of_alice: ApiClient, ann_and_bob: None) -> None:
    ask, list_id = client_of_alice.ask, new_list(client_of_alice)
    path, nobody = f"{LISTS}/{list_id}/recipients", rid("nobody@example.com")
    unknown_list, unknown = ("list_id", "list_id does not exist"), ("recipient_id", "recipient_id does not exist")
    no_valid = ("recipient_id", "no valid recipients were provided")
    assert refusal_of(ask("POST", path, b"{")) == (400, [(None, "request body is invalid JSON")])
    assert refusal_of(ask("POST", path, {})) == (400, [(None, "request body is invalid JSON")])
    for ids in ([], ["?"], [7, None], ["a" * 600]):
        assert refusal_of(ask("POST", path, ids)) == (400, [no_valid])
    assert refusal_of(ask("POST", path, [rid(ANN)] * 1001))[0] == 400
    assert refusal_of(ask("POST", path, [nobody])) == (404, [unknown])
    assert refusal_of(ask("POST", f"{path}/{nobody}")) == (404, [unknown])
    assert refusal_of(ask("POST", f"{path}/x!")) == (400, [("recipient_id", "recipient_id is invalid")])
    assert refusal_of(ask("DELETE", f"{path}/x!")) == (400, [no_valid])
    assert refusal_of(ask("DELETE", f"{path}/{nobody}")) == (404, [unknown])
    for method, suffix, body in (("GET", "", None), ("POST", "", [rid(ANN)]), ("DELETE", f"/{rid(ANN)}", None)):
        assert refusal_of(ask(method, f"{LISTS}/999999/recipients{suffix}", body)) == (404, [unknown_list])
        assert refusal_of(ask(method, f"{LISTS}/x/recipients{suffix}", body)) == (
            400,
            [("list_id", "list_id is invalid")],
        )
    for query in ("page=0", "page=x", "page_size=0", "page_size=1001", "page=9999999999999999"):
        status, [(field, _)] = refusal_of(ask("GET", f"{path}?{query}"))
        assert (status, field) == (400, query.partition("=")[0])


# --- recipients -------------------------------------------------------------------------------------------------------


def test_each_recipient_is_returned_with_its_outcome(client_of_alice: ApiClient) -> None:
    client_of_alice.post(FIELDS, {"name": "age", "type": "number"})
    add(client_of_alice, {"email": BOB, "last_name": "B"}, {"email": "cy@example.com"})
    answer = client_of_alice.post(
        RECIPIENTS,
        [
            {"email": "Ann@Example.com", "first_name": "Ann", "age": 42},
            {"email": BOB, "last_name": "Bee", "id": "passed over"},
            {"email": "no address"},
            {"email": "cy@example.com"},
            {"email": "di@example.com", "shoes": 1},
            {"first_name": "Eve"},
            {"email": "fay@example.com", "age": "old"},
            "x",
        ],
    )
    assert answer.status_code == 201
    assert answer.json() == {
        "error_count": 5,
        "error_indices": [2, 4, 5, 6, 7],
        "unmodified_indices": [3],
        "new_count": 1,
        "persisted_recipients": [rid(ANN), rid(BOB), rid("cy@example.com")],
        "updated_count": 1,
        "errors": [
            {"message": "Invalid email.", "error_indices": [2, 5]},
            {
                "message": "The following parameters are not custom fields or reserved fields: [shoes]",
                "error_indices": [4],
            },
            {"message": "age: not a number", "error_indices": [6]},
            {"message": "the recipient is not an object", "error_indices": [7]},
        ],
    }
    (age,) = client_of_alice.get(FIELDS).json()["custom_fields"]
    shown = client_of_alice.get(f"{RECIPIENTS}/{rid(ANN)}").json()
    assert isinstance(shown.pop("created_at"), int)
    assert isinstance(shown.pop("updated_at"), int)
    assert shown == {
        "id": rid(ANN),
        "email": ANN,
        "first_name": "Ann",
        "last_name": None,
        "last_emailed": None,
        "last_clicked": None,
        "last_opened": None,
        "custom_fields": [{**age, "value": 42}],
    }


def test_the_last_times_of_a_recipient_are_shown(client_of_alice: ApiClient, ann_and_bob: None) -> None:
    names = ("last_emailed", "last_opened", "last_clicked")
    times = {f"{name}_at": dt.datetime(2026, 5, n, tzinfo=dt.UTC) for n, name in enumerate(names, 1)}
    LastTimes.objects.create(contact=Contact.objects.get(email=ANN), **times)
    expected = [int(at.timestamp()) for at in times.values()]
    ann, bob = client_of_alice.get(RECIPIENTS).json()["recipients"]
    assert [ann[name] for name in names] == expected
    assert [bob[name] for name in names] == [None, None, None]
    assert [client_of_alice.get(f"{RECIPIENTS}/{rid(ANN)}").json()[name] for name in names] == expected


@further
def test_recipients_are_changed_counted_paged_and_deleted(client_of_alice: ApiClient, ann_and_bob: None) -> None:
    ask = client_of_alice.ask
    answer = ask("PATCH", RECIPIENTS, [{"email": ANN, "last_name": "A"}])
    assert (answer.status_code, answer.json()["updated_count"]) == (201, 1)
    assert ask("GET", f"{RECIPIENTS}/{rid(ANN)}").json()["first_name"] == "Ann", "what is not named stays"
    for path in ("count", "billable_count"):
        assert ask("GET", f"{RECIPIENTS}/{path}").json() == {"recipient_count": 2}
    assert [each["email"] for each in ask("GET", f"{RECIPIENTS}?page=2&page_size=1").json()["recipients"]] == [BOB]
    assert refusal_of(ask("GET", f"{RECIPIENTS}?page=3&page_size=1")) == (404, [(None, "No more pages")])
    assert ask("DELETE", f"{RECIPIENTS}/{rid(ANN)}").status_code == 204
    assert refusal_of(ask("DELETE", f"{RECIPIENTS}/{rid(ANN)}")) == (404, [(None, "recipient_id is not valid")])
    assert refusal_of(ask("DELETE", f"{RECIPIENTS}/x!")) == (400, [(None, "recipient not found")])
    assert refusal_of(ask("GET", f"{RECIPIENTS}/{rid(ANN)}")) == (404, [(None, "recipient_id is not valid")])
    assert refusal_of(ask("GET", f"{RECIPIENTS}/{rid(ANN)}/lists")) == (404, [(None, "recipient id not found")])
    assert refusal_of(ask("GET", f"{RECIPIENTS}/x!/lists")) == (400, [(None, "recipient ID is invalid")])
    answer = ask("DELETE", RECIPIENTS, [rid(BOB), rid("nobody@example.com")])
    assert (answer.status_code, answer.json()) == (200, {})
    assert ask("GET", RECIPIENTS).json() == {"recipients": []}
    for ids in ([], [7], ["?"]):
        assert refusal_of(ask("DELETE", RECIPIENTS, ids)) == (400, [(None, "No recipient ids provided")])
    too_many = refusal_of(ask("DELETE", RECIPIENTS, [rid(BOB)] * 1001))
    assert too_many == (400, [(None, "there is a limit of 1000 recipients")])


def test_malformed_recipients_are_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for body in [b"{}", b"", b"[", b"7", b'"x"', b'[{"email":"a\\u0000@example.com"}]']:
        with subtests.test(body=body):
            for method in ("POST", "PATCH"):
                answer = client_of_alice.ask(method, RECIPIENTS, body)
                assert refusal_of(answer) == (400, [(None, "Request body is not valid json")])


def test_a_request_has_at_most_a_thousand_recipients(client_of_alice: ApiClient) -> None:
    many = [{"email": f"p{n}@example.com"} for n in range(1001)]
    assert client_of_alice.post(RECIPIENTS, many).status_code == 400
    assert not Contact.objects.exists()
    assert add(client_of_alice, *many[1:])["new_count"] == 1000


def test_a_recipient_without_an_address_has_an_id_too(client_of_alice: ApiClient) -> None:
    contact = Contact.objects.create(account=client_of_alice.account, external_id="crm-1")
    (shown,) = client_of_alice.get(RECIPIENTS).json()["recipients"]
    assert shown["email"] == ""
    assert client_of_alice.delete(f"{RECIPIENTS}/{shown['id']}").status_code == 204
    assert not Contact.objects.filter(pk=contact.pk).exists()


def test_a_contact_with_it_as_an_alternate_address_has_another_id(
    client_of_alice: ApiClient, ann_and_bob: None
) -> None:
    Contact.objects.filter(email=ANN).update(alternate_emails=["other@example.com"])
    assert client_of_alice.get(f"{RECIPIENTS}/{rid('other@example.com')}").status_code == 404


def test_another_accounts_are_unknown(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, ann_and_bob: None
) -> None:
    list_id = new_list(client_of_alice)
    field_id = client_of_alice.post(FIELDS, {"name": "pet", "type": "text"}).json()["id"]
    add(client_of_charlie, {"email": "cy@example.com"})
    calls: list[tuple[str, str, Any]] = [
        *[(method, f"{LISTS}/{list_id}", {"name": "Mine"}) for method in ("GET", "PATCH", "DELETE")],
        ("GET", f"{LISTS}/{list_id}/recipients", None),
        ("POST", f"{LISTS}/{list_id}/recipients", [rid("cy@example.com")]),
        ("POST", f"{LISTS}/{list_id}/recipients/{rid('cy@example.com')}", None),
        *[(method, f"{RECIPIENTS}/{rid(ANN)}", None) for method in ("GET", "DELETE")],
        ("GET", f"{RECIPIENTS}/{rid(ANN)}/lists", None),
        *[(method, f"{FIELDS}/{field_id}", None) for method in ("GET", "DELETE")],
    ]
    for method, path, body in calls:
        assert client_of_charlie.ask(method, path, body).status_code == 404, (method, path)
    mine = new_list(client_of_charlie)
    assert client_of_charlie.post(f"{LISTS}/{mine}/recipients", [rid(ANN)]).status_code == 404
    assert client_of_charlie.ask("DELETE", RECIPIENTS, [rid(ANN)]).status_code == 200
    assert client_of_alice.get(f"{RECIPIENTS}/count").json() == {"recipient_count": 2}
    assert client_of_charlie.get(FIELDS).json() == {"custom_fields": []}


# --- custom fields ----------------------------------------------------------------------------------------------------


def test_a_custom_field_is_created_shown_and_deleted(client_of_alice: ApiClient) -> None:
    ask = client_of_alice.ask
    for type_ in ("text", "number", "date"):
        answer = ask("POST", FIELDS, {"name": f"a_{type_}", "type": type_})
        field = answer.json()
        assert (answer.status_code, field) == (201, {"id": field["id"], "name": f"a_{type_}", "type": type_})
        assert ask("GET", f"{FIELDS}/{field['id']}").json() == field
    assert [each["type"] for each in ask("GET", FIELDS).json()["custom_fields"]] == ["text", "number", "date"]
    add(client_of_alice, {"email": ANN, "A_Date": "11/21/2026", "a_text": "x"})
    values = [each["value"] for each in ask("GET", RECIPIENTS).json()["recipients"][0]["custom_fields"]]
    assert values == ["x", None, 1795219200]
    refused = add(client_of_alice, {"email": ANN, "a_date": 45306}, {"email": ANN, "a_date": "202401"})
    assert (refused["error_indices"], len(refused["errors"])) == ([0, 1], 1)
    assert refused["errors"][0]["message"].startswith("a_date: not a date: a number alone is a day as YYYYMMDD")
    add(client_of_alice, {"email": ANN, "a_date": 20240115})
    values = [each["value"] for each in ask("GET", RECIPIENTS).json()["recipients"][0]["custom_fields"]]
    assert values == ["x", None, 1705276800]
    answer = ask("DELETE", f"{FIELDS}/{field['id']}")
    assert (answer.status_code, answer.json()) == (202, {"message": "Custom Field delete is processing."})
    for method in ("GET", "DELETE"):
        unknown = ask(method, f"{FIELDS}/{field['id']}")
        assert refusal_of(unknown) == (404, [(None, "Custom field ID does not exist")])
        assert refusal_of(ask(method, f"{FIELDS}/x")) == (400, [(None, "invalid id")])


@further
def test_an_unknown_custom_field_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    client_of_alice.post(FIELDS, {"name": "pet", "type": "text"})
    for body, fields in [
        ({}, ["type", "name"]),
        ({"name": "pet"}, ["type"]),
        ({"name": "pet", "type": ["text"]}, ["type"]),
        ({"name": 7, "type": "text"}, ["name"]),
        ({"name": "pet; drop table x", "type": "text"}, ["name"]),
        ({"name": "first_name", "type": "text"}, ["name"]),
        ({"name": "PET", "type": "date"}, ["name"]),
    ]:
        with subtests.test(body=body, fields=fields):
            status, problems = refusal_of(client_of_alice.post(FIELDS, body))
            assert (status, [field for field, _ in problems]) == (400, fields)
            assert len(client_of_alice.get(FIELDS).json()["custom_fields"]) == 1


def test_the_custom_fields_of_an_account_are_limited(client_of_alice: ApiClient, settings: Any) -> None:
    settings.CUSTOM_FIELDS_LIMIT = 1
    client_of_alice.post(FIELDS, {"name": "pet", "type": "text"})
    assert client_of_alice.post(FIELDS, {"name": "car", "type": "text"}).status_code == 400


def test_reserved_fields_and_the_status_are_returned(client_of_alice: ApiClient) -> None:
    fields = client_of_alice.get("/v3/contactdb/reserved_fields").json()["reserved_fields"]
    assert {"name": "email", "type": "text"} in fields
    assert {"name": "lists", "type": "set"} in fields
    answer = client_of_alice.get("/v3/contactdb/status")
    assert answer.json() == {"status": [{"id": "worker_delay", "value": "OK"}]}


def test_each_call_needs_its_scope(new_client: NewClient, client_of_alice: ApiClient, ann_and_bob: None) -> None:
    list_id = new_list(client_of_alice)
    calls: list[tuple[str, str, str, Any]] = [
        ("create", "POST", LISTS, {"name": "Two"}),
        ("read", "GET", f"{LISTS}/{list_id}/recipients", None),
        ("update", "POST", f"{LISTS}/{list_id}/recipients", [rid(ANN)]),
        ("update", "PATCH", RECIPIENTS, [{"email": ANN}]),
        ("create", "POST", FIELDS, {"name": "pet", "type": "text"}),
        ("delete", "DELETE", f"{RECIPIENTS}/{rid(BOB)}", None),
        ("delete", "DELETE", f"{LISTS}/{list_id}", None),
    ]
    scopes = {f"marketing_campaigns.{scope}" for scope, *_ in calls}
    for scope, method, path, body in calls:
        others = new_client(client_of_alice.account, sorted(scopes - {f"marketing_campaigns.{scope}"}))
        assert others.ask(method, path, body).status_code == 403, (method, path)
        own = new_client(client_of_alice.account, [f"marketing_campaigns.{scope}"])
        assert own.ask(method, path, body).status_code < 300, (method, path)
