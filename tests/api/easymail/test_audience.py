"""Test contacts, lists and their members, segments, identities and custom fields."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from audience.contacts import count_contacts
from audience.models import Contact, ContactList, FieldDefinition, FieldType, Segment
from audience.query.legacy_conditions import read_legacy
from audience.query.vocabulary import vocabulary_of
from audience.segments import create_segment
from mailer.models import SuppressionKind
from mailer.suppressions.lists import New, suppress
from tests.api.conftest import ApiClient
from tests.api.easymail.calls import NOBODY, ROOT, data, details, refused
from tests.campaigns.building import add_contacts, add_list, add_sender
from tests.examples import further

CONTACTS, LISTS, SEGMENTS = f"{ROOT}/contacts", f"{ROOT}/lists", f"{ROOT}/segments"
FIELDS = f"{ROOT}/custom-fields"
WHOLE = {
    "email": "Ann@Example.com",
    "first_name": "Ann",
    "last_name": "Smith",
    "phone": "+48 600 700 800",
    "external_id": "x" * 255,
    "language": "PL",
    "country_code": "pl",
}


def new_contact(client: ApiClient, **changes: Any) -> Any:
    return data(client.post(CONTACTS, WHOLE | changes))


def new_list(client: ApiClient, name: str = "News", **changes: Any) -> Any:
    return data(client.post(LISTS, {"name": name, **changes}))


def unsubscribe(account: Account, email: str) -> None:
    suppress([New(account.pk, email, SuppressionKind.GLOBAL)])


# --- contacts ---------------------------------------------------------------------------------------------------------


def test_a_contact_is_created_with_every_field(alice: Account, client_of_alice: ApiClient) -> None:
    news = new_list(client_of_alice)
    answer = client_of_alice.post(CONTACTS, WHOLE | {"contact_lists": [news["uuid"]]})
    assert answer.status_code == 201
    made = data(answer)
    assert list(made) == ["uuid", *WHOLE, "created_at", "updated_at"]
    expected = WHOLE | {"email": "ann@example.com", "language": "pl", "country_code": "PL"}
    assert {name: made[name] for name in WHOLE} == expected
    assert data(client_of_alice.get(f"{CONTACTS}/{made['uuid']}")) == made
    assert count_contacts(alice) == 1
    assert data(client_of_alice.get(f"{LISTS}/{news['uuid']}"))["contacts_count"] == 1


WRONG = {
    "no address": ({"email": None}, "email", "The email field is required."),
    "no real address": ({"email": "x"}, "email", "The email field must be a valid email address."),
    "a long id": ({"last_name": 7}, "last_name", "The last name field must be a string."),
    "a long number": ({"phone": "1" * 33}, "phone", "The phone field must not be greater than 32 characters."),
    "a language's name": ({"language": "polish"}, "language", "The language field must be 2 letters."),
    "a country's name": ({"country_code": "Poland"}, "country_code", "The country code field must be 2 letters."),
    "a list that is unknown": ({"contact_lists": [NOBODY]}, "contact_lists", "The selected contact lists is invalid."),
}  # fmt: skip


def test_an_invalid_contact_is_refused_with_the_reason(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for name in WRONG:
        with subtests.test(name=name):
            change, field, text = WRONG[name]
            assert details(client_of_alice.post(CONTACTS, WHOLE | change)) == {field: [text]}
            assert not Contact.objects.exists()


def test_an_address_is_taken_once(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    new_contact(client_of_alice)
    refused(client_of_alice.post(CONTACTS, WHOLE | {"email": "ANN@example.com"}), 409, "DUPLICATE_RESOURCE")
    new_contact(client_of_charlie)
    other = new_contact(client_of_alice, email="b@example.com", external_id=None)
    answer = client_of_alice.patch(f"{CONTACTS}/{other['uuid']}", {"external_id": WHOLE["external_id"]})
    assert details(answer) == {"external_id": ["The external id has already been taken."]}


def test_a_contact_is_changed_and_cleared_but_for_its_address(client_of_alice: ApiClient) -> None:
    made = new_contact(client_of_alice)
    path = f"{CONTACTS}/{made['uuid']}"
    changed = data(client_of_alice.patch(path, {"first_name": "Bea", "last_name": "", "external_id": None}))
    assert (changed["first_name"], changed["last_name"], changed["external_id"]) == ("Bea", None, None)
    assert (changed["phone"], changed["language"]) == (WHOLE["phone"], "pl")
    assert list(details(client_of_alice.patch(path, {"email": "other@example.com"}))) == ["email"]
    assert data(client_of_alice.patch(path, {"email": "ann@example.com"}))["email"] == "ann@example.com"


def test_contacts_are_found(alice: Account, client_of_alice: ApiClient) -> None:
    ann = new_contact(client_of_alice)
    bob = new_contact(client_of_alice, email="bob@example.com", first_name="Bob", external_id=None, phone="123")
    on_list = add_list(alice, list(Contact.objects.filter(uuid=bob["uuid"])))
    on_list.refresh_from_db()

    def uuids(query: str) -> list[str]:
        answer = client_of_alice.get(f"{CONTACTS}?{query}").json()
        assert answer["pagination"]["total"] == len(answer["data"])
        return [each["uuid"] for each in answer["data"]]

    assert uuids("") == [bob["uuid"], ann["uuid"]]
    assert uuids("search=ann@EXAMPLE.com") == [ann["uuid"]]
    assert uuids("search=example.com") == []
    assert uuids("search=B%20smi") == [bob["uuid"]]
    assert uuids("search=600") == [ann["uuid"]]
    assert uuids(f"list_uuid={on_list.uuid}") == [bob["uuid"]]
    assert uuids(f"list_uuid={on_list.uuid}&search=ann") == []
    assert list(details(client_of_alice.get(f"{CONTACTS}?list_uuid={NOBODY}"))) == ["list_uuid"]


def test_a_deleted_contact_is_gone(client_of_alice: ApiClient) -> None:
    path = f"{CONTACTS}/{new_contact(client_of_alice)['uuid']}"
    answer = client_of_alice.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    refused(client_of_alice.delete(path), 404, "RESOURCE_NOT_FOUND")


# --- lists ------------------------------------------------------------------------------------------------------------


def test_a_list_is_created_changed_found_and_deleted(client_of_alice: ApiClient) -> None:
    made = new_list(client_of_alice, "x" * 255)
    assert list(made) == [
        *("uuid", "name", "description", "is_public", "contacts_count", "created_at", "updated_at"),
    ]
    assert (made["description"], made["is_public"], made["contacts_count"]) == (None, True, 0)
    path = f"{LISTS}/{made['uuid']}"
    changed = data(client_of_alice.patch(path, {"description": "All of it", "is_public": False}))
    assert (changed["name"], changed["description"], changed["is_public"]) == ("x" * 255, "All of it", False)
    other = new_list(client_of_alice, "Other")
    assert [each["uuid"] for each in data(client_of_alice.get(LISTS))] == [other["uuid"], made["uuid"]]
    assert [each["uuid"] for each in data(client_of_alice.get(f"{LISTS}?search=ALL"))] == [made["uuid"]]
    assert details(client_of_alice.post(LISTS, {"name": "other"})) == {"name": ["The name has already been taken."]}
    assert list(details(client_of_alice.patch(path, {"name": None}))) == ["name"]
    assert client_of_alice.delete(path).status_code == 204
    error = refused(client_of_alice.get(path), 404, "RESOURCE_NOT_FOUND")
    assert error["message"] == f"List with uuid '{made['uuid']}' not found"


@further
def test_members_are_added_once_and_removed(alice: Account, client_of_alice: ApiClient) -> None:
    news = new_list(client_of_alice)
    path = f"{LISTS}/{news['uuid']}/contacts"
    people = [new_contact(client_of_alice, email=f"{name}@example.com", external_id=None) for name in "abc"]
    for each in (people[1], people[0]):
        assert client_of_alice.post(path, {"contact_uuid": each["uuid"]}).status_code == 204
    error = refused(client_of_alice.post(path, {"contact_uuid": people[0]["uuid"]}), 409, "DUPLICATE_RESOURCE")
    assert error["message"] == f"Contact '{people[0]['uuid']}' is already in list '{news['uuid']}'"
    unsubscribe(alice, "c@example.com")
    assert client_of_alice.post(path, {"contact_uuid": people[2]["uuid"]}).status_code == 204
    answer = client_of_alice.get(path).json()
    assert answer["pagination"] == {"current_page": 1, "per_page": 100, "total": 2}
    assert [each["uuid"] for each in answer["data"]] == [people[0]["uuid"], people[1]["uuid"]]
    assert list(answer["data"][0])[-1] == "added_at"
    assert client_of_alice.delete(f"{path}/{people[0]['uuid']}").status_code == 204
    refusal = refused(client_of_alice.delete(f"{path}/{people[0]['uuid']}"), 404, "RESOURCE_NOT_FOUND")
    assert refusal["message"] == f"Contact '{people[0]['uuid']}' is not in list '{news['uuid']}'"
    assert list(details(client_of_alice.post(path, {"contact_uuid": NOBODY}))) == ["contact_uuid"]


def test_an_unsubscribed_contact_is_added_to_no_list(alice: Account, client_of_alice: ApiClient) -> None:
    unsubscribe(alice, "ann@example.com")
    news = new_list(client_of_alice)
    assert new_contact(client_of_alice, contact_lists=[news["uuid"]])
    assert ContactList.objects.get().contact_count == 0


# --- segments, identities ---------------------------------------------------------------------------------------------


def test_segments_are_read(alice: Account, client_of_alice: ApiClient) -> None:
    add_contacts(alice, ["a@example.com", "b@example.com"], first_name="Ann")
    written = [{"field": "first_name", "operator": "eq", "value": "Ann", "and_or": ""}]
    condition = read_legacy(written, vocabulary_of(alice))
    made = create_segment(alice, "Anns", condition, dialect="legacy", written=written)
    shown = data(client_of_alice.get(f"{SEGMENTS}/{made.uuid}"))
    assert list(shown) == [
        *("uuid", "name", "contacts_count", "contacts_count_calculated_at", "created_at", "updated_at"),
    ]
    assert (shown["name"], shown["contacts_count"]) == ("Anns", 2)
    assert shown["contacts_count_calculated_at"] is not None
    assert data(client_of_alice.get(f"{SEGMENTS}?search=ann")) == [shown]
    assert data(client_of_alice.get(f"{SEGMENTS}?search=x")) == []
    error = refused(client_of_alice.get(f"{SEGMENTS}/{NOBODY}"), 404, "RESOURCE_NOT_FOUND")
    assert error["message"] == f"Segment with uuid '{NOBODY}' not found"
    refused(client_of_alice.post(SEGMENTS, {"name": "x"}), 405, "METHOD_NOT_ALLOWED")


def test_only_enabled_identities_are_listed(alice: Account, client_of_alice: ApiClient) -> None:
    enabled = add_sender(alice)
    enabled.refresh_from_db()
    add_sender(alice, is_verified=False)
    answer = client_of_alice.get(f"{ROOT}/sender-identities").json()
    assert answer["pagination"]["total"] == 1
    assert answer["data"] == [
        {
            "uuid": str(enabled.uuid),
            "email": "news@example.com",
            "from_name": "News",
            "reply_to": "answers@example.com",
        }
    ]


# --- custom fields ----------------------------------------------------------------------------------------------------


def test_a_custom_field_is_created_and_its_values_are_stored(client_of_alice: ApiClient) -> None:
    contact = new_contact(client_of_alice)
    examples = {
        "text": ("dog", "dog"),
        "number": ("7", 7),
        "date": ("2026-11-21", "2026-11-21T00:00:00Z"),
        "datetime": ("2026-11-21T10:00:00+01:00", "2026-11-21T09:00:00Z"),
        "boolean": (True, "true"),
        "select": ("red", "red"),
        "list": (["a", "b", "a"], "a\nb"),
    }
    for type_ in examples:
        body = {"name": f"My {type_}!", "type": type_, "options": ["red", "blue"]}
        answer = client_of_alice.post(FIELDS, body)
        assert answer.status_code == 201
        made = data(answer)
        assert (made["name"], made["field_key"], made["type"]) == (f"My {type_}!", f"my-{type_}", type_)
        assert made["options"] == (["red", "blue"] if type_ == "select" else [])
    values = [{"field_key": f"my-{type_}", "value": value} for type_, (value, _) in examples.items()]
    path = f"{CONTACTS}/{contact['uuid']}"
    assert client_of_alice.patch(path, {"custom_fields": values}).status_code == 200
    names = {str(field.pk): field.name for field in FieldDefinition.objects.all()}
    custom = {names[key]: value for key, value in Contact.objects.get().custom.items()}
    assert custom == {f"my_{type_}": value for type_, (_, value) in examples.items()}
    assert client_of_alice.patch(path, {"custom_fields": [{"field_key": "my-text", "value": None}]}).status_code == 200
    assert "my_text" not in {names[key] for key in Contact.objects.get().custom}


def test_values_that_do_not_fit_are_refused(client_of_alice: ApiClient) -> None:
    path = f"{CONTACTS}/{new_contact(client_of_alice)['uuid']}"
    for type_ in ("number", "date", "datetime", "boolean", "select", "list"):
        client_of_alice.post(FIELDS, {"name": type_, "field_key": f"k-{type_}", "type": type_, "options": ["red"]})
        wrong = details(client_of_alice.patch(path, {"custom_fields": [{"field_key": f"k-{type_}", "value": "x"}]}))
        assert list(wrong) == ["custom_fields.0.value"]
    for key in ("k-date", "k-datetime"):
        wrong = details(client_of_alice.patch(path, {"custom_fields": [{"field_key": key, "value": 45306}]}))
        assert list(wrong) == ["custom_fields.0.value"]
    for values in ([{"field_key": "nothing", "value": 1}], [7], [{}]):
        wrong = details(client_of_alice.patch(path, {"custom_fields": values}))
        assert list(wrong) == ["custom_fields.0.field_key"]
    for values in ({}, "x", [{"field_key": "k-number", "value": 1}] * 1_001):
        assert list(details(client_of_alice.patch(path, {"custom_fields": values}))) == ["custom_fields"]
    assert Contact.objects.get().custom == {}


def test_an_invalid_field_is_refused_with_the_reason(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for body, fields in [
        ({}, ["name", "type"]),
        ({"name": "x", "type": "colour"}, ["type"]),
        ({"name": "x", "type": "select"}, ["options"]),
        ({"name": "x", "type": "text", "field_key": "Not_So"}, ["field_key"]),
        ({"name": "…", "type": "text"}, ["field_key"]),
        ({"name": "Email", "type": "text"}, ["field_key"]),
    ]:
        with subtests.test(body=body, fields=fields):
            assert list(details(client_of_alice.post(FIELDS, body))) == fields
            assert not FieldDefinition.objects.exists()


@further
def test_items_are_added_and_removed_as_often_as_one_likes(alice: Account, client_of_alice: ApiClient) -> None:
    contact = new_contact(client_of_alice)
    made = data(client_of_alice.post(FIELDS, {"name": "Tags", "type": "list"}))
    FieldDefinition.objects.create(account=alice, name="plain", type=FieldType.TEXT)
    path = f"{CONTACTS}/{contact['uuid']}/custom-fields"
    for field in ("tags", made["uuid"]):
        for value, items in (("a", ["a"]), ("b", ["a", "b"]), ("a", ["a", "b"])):
            answer = client_of_alice.post(f"{path}/{field}/items", {"value": value})
            assert data(answer) == {"field_key": "tags", "value": items}
        for items in (["b"], ["b"]):
            answer = client_of_alice.delete(f"{path}/{field}/items", body={"value": "a"})
            assert data(answer)["value"] == items
        client_of_alice.delete(f"{path}/{field}/items", body={"value": "b"})
    assert Contact.objects.get().custom == {}
    assert list(details(client_of_alice.post(f"{path}/plain/items", {"value": "a"}))) == ["field"]
    error = refused(client_of_alice.post(f"{path}/nothing/items", {"value": "a"}), 404, "RESOURCE_NOT_FOUND")
    assert error["message"] == "Custom field not found"
    nobody = client_of_alice.post(f"{CONTACTS}/{NOBODY}/custom-fields/tags/items", {"value": "a"})
    assert refused(nobody, 404, "RESOURCE_NOT_FOUND")["message"] == "Contact not found"


# --- ownership --------------------------------------------------------------------------------------------------------


def test_nothing_of_another_account_is_seen_or_touched(
    alice: Account, client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    contact, news = new_contact(client_of_alice), new_list(client_of_alice)
    data(client_of_alice.post(FIELDS, {"name": "Tags", "type": "list"}))
    segment = Segment.objects.create(account=alice, name="s", condition={}, dialect="legacy", written=[])
    segment.refresh_from_db()
    add_sender(alice)
    contact_path, list_path = f"{CONTACTS}/{contact['uuid']}", f"{LISTS}/{news['uuid']}"
    calls = [
        *((method, contact_path, {"first_name": "x"}) for method in ("GET", "PATCH", "DELETE")),
        *((method, list_path, {"name": "x"}) for method in ("GET", "PATCH", "DELETE")),
        *(("GET", f"{list_path}/contacts", None), ("POST", f"{list_path}/contacts", {"contact_uuid": contact["uuid"]})),
        *(("DELETE", f"{list_path}/contacts/{contact['uuid']}", None), ("GET", f"{SEGMENTS}/{segment.uuid}", None)),
        *((method, f"{contact_path}/custom-fields/tags/items", {"value": "a"}) for method in ("POST", "DELETE")),
    ]
    for method, path, body in calls:
        refused(client_of_charlie.ask(method, path, body), 404, "RESOURCE_NOT_FOUND")
    for path in (CONTACTS, LISTS, SEGMENTS, f"{ROOT}/sender-identities"):
        assert client_of_charlie.get(path).json()["pagination"]["total"] == 0
    mine = new_list(client_of_charlie)
    theirs = {"contact_uuid": contact["uuid"]}
    assert list(details(client_of_charlie.post(f"{LISTS}/{mine['uuid']}/contacts", theirs))) == ["contact_uuid"]
    assert list(details(client_of_charlie.get(f"{CONTACTS}?list_uuid={news['uuid']}"))) == ["list_uuid"]
    assert data(client_of_alice.get(contact_path)) == contact
