"""Test legacy segments and searches."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from audience.fields import create_field
from audience.lists import add_to_list, create_list
from audience.models import Contact, ContactList, FieldType, LastTimes, Segment
from audience.query.sgql import read_query
from audience.query.vocabulary import vocabulary_of
from audience.segments import create_segment
from tests.api.conftest import ApiClient
from tests.api.sendgrid.audience import do_jobs, refusal_of
from tests.api.sendgrid.contact_calls import MILLERS
from tests.examples import further

SEGMENTS, RECIPIENTS = "/v3/contactdb/segments", "/v3/contactdb/recipients"
INJECTION = "x' or 1=1; drop table campaigns_contact; --"


@pytest.fixture
def millers(client_of_alice: ApiClient) -> ContactList:
    """Create three recipients of Alice: two are called Miller, and one of these is on a list."""
    client_of_alice.post(
        RECIPIENTS,
        [
            {"email": "ann@example.com", "last_name": "Miller"},
            {"email": "bob@example.com", "last_name": "Miller"},
            {"email": "cy@example.com", "last_name": "Smith"},
        ],
    )
    news = create_list(client_of_alice.account, "News")
    add_to_list(client_of_alice.account, news.pk, [Contact.objects.get(email="bob@example.com").pk])
    return news


def new_segment(client: ApiClient, **changes: Any) -> Any:
    answer = client.post(SEGMENTS, {"name": "Millers", "conditions": [MILLERS], **changes})
    assert answer.status_code == 200, answer.content
    return answer.json()


def emails(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [each["email"] for each in answer.json()["recipients"]]


def test_a_segment_is_created_counted_changed_and_deleted(client_of_alice: ApiClient, millers: ContactList) -> None:
    ask = client_of_alice.ask
    made = new_segment(client_of_alice)
    path = f"{SEGMENTS}/{made['id']}"
    assert made == {"id": made["id"], "name": "Millers", "conditions": [MILLERS], "recipient_count": 0}
    assert ask("GET", path).json() == {**made, "recipient_count": 2}
    assert ask("GET", SEGMENTS).json() == {"segments": [{**made, "recipient_count": 2}]}
    assert emails(ask("GET", f"{path}/recipients")) == ["ann@example.com", "bob@example.com"]
    assert emails(ask("GET", f"{path}/recipients?page=2&page_size=1")) == ["bob@example.com"]
    assert refusal_of(ask("GET", f"{path}/recipients?page=3&page_size=1")) == (404, [(None, "No more pages")])
    answer = ask("PATCH", path, {"name": "M", "list_id": millers.pk})
    changed = {**made, "name": "M", "list_id": millers.pk, "recipient_count": 1}
    assert (answer.status_code, answer.json()) == (200, changed)
    for everybody in (0, None):
        assert ask("PATCH", path, {"list_id": everybody}).json() == {**made, "name": "M", "recipient_count": 2}
        assert ask("PATCH", path, {"list_id": millers.pk}).json() == changed
    assert ask("PATCH", path, {"name": "M"}).json() == changed
    assert ask("DELETE", path).status_code == 204
    assert refusal_of(ask("GET", path)) == (404, [(None, "segment_id not found")])
    assert refusal_of(ask("DELETE", path)) == (404, [("segment_id", "segment_id does not exist")])
    assert refusal_of(ask("GET", f"{SEGMENTS}/x")) == (400, [(None, "invalid id")])


def test_a_segment_is_deleted_with_its_contacts_on_request(client_of_alice: ApiClient, millers: ContactList) -> None:
    made = new_segment(client_of_alice)
    assert client_of_alice.delete(f"{SEGMENTS}/{made['id']}?delete_contacts=x").status_code == 400
    assert client_of_alice.delete(f"{SEGMENTS}/{made['id']}?delete_contacts=true").status_code == 204
    do_jobs()
    assert emails(client_of_alice.get(RECIPIENTS)) == ["cy@example.com"]


def test_a_segment_that_was_written_as_a_query_is_shown_without(client_of_alice: ApiClient) -> None:
    text = "first_name = 'Ann'"
    condition = read_query(text, vocabulary_of(client_of_alice.account))
    create_segment(client_of_alice.account, "Anns", condition, dialect="sgql", written=text)
    assert client_of_alice.get(SEGMENTS).json()["segments"][0]["conditions"] == []


ON_EVERY = "and_or is set on all conditions"
REFUSED: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "no name": ({"name": None}, "name", "the name is not valid"),
    "a blank name": ({"name": " "}, "name", "the name is not valid"),
    "a long name": ({"name": "x" * 101}, "name", "the name is not valid"),
    "a malformed list id": ({"list_id": "5"}, "list_id", "the list_id is not valid"),
    "a true list": ({"list_id": True}, "list_id", "the list_id is not valid"),
    "an unknown list": ({"list_id": 999_999}, "list_id", "the list_id is not valid"),
    "a huge list": ({"list_id": 10**400}, "list_id", "the list_id is not valid"),
    **{
        f"conditions {each!r}": (
            {"conditions": each},
            None,
            "invalid value is passed into one of the request body parameters",
        )
        for each in (None, "x", {}, [], [7], [MILLERS] * 16, [{**MILLERS, "value": "x" * 1001}])
    },
    **{
        f"without {part}": (
            {"conditions": [{**MILLERS, part: ""}]},
            part,
            f"{part} and set value is not passed into the request body",
        )
        for part in ("field", "operator", "value")
    },
    "a value that is no string": ({"conditions": [{**MILLERS, "value": 7}]}, "value", "the value is not a string"),
    "an unknown field": (
        {"conditions": [{**MILLERS, "field": INJECTION}]},
        "field",
        f"there is no such field: {INJECTION}",
    ),
    "an unknown operator": (
        {"conditions": [{**MILLERS, "operator": "= '' or"}]},
        "operator",
        "the operator does not fit a text field",
    ),
    "joined alone": (
        {"conditions": [{**MILLERS, "and_or": "and"}]},
        "and_or",
        "and_or is set on the only condition passed",
    ),
    "joined all": ({"conditions": [{**MILLERS, "and_or": "or"}] * 2}, "and_or", ON_EVERY),
    "not joined": (
        {"conditions": [MILLERS] * 2},
        "and_or",
        "and_or is not set on more than one condition and less than all conditions",
    ),
}


def test_an_invalid_segment_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for name in REFUSED:
        with subtests.test(name=name):
            changes, field, text = REFUSED[name]
            answer = client_of_alice.post(SEGMENTS, {"name": "Millers", "conditions": [MILLERS], **changes})
            assert refusal_of(answer) == (400, [(field, text)])
            assert not Segment.objects.exists()


def test_malformed_json_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for body in [b"[]", b"{", b"", b"\xff"]:
        with subtests.test(body=body):
            for path in (SEGMENTS, f"{RECIPIENTS}/search"):
                assert client_of_alice.post(path, body).status_code == (415 if body == b"\xff" else 400)
            assert refusal_of(client_of_alice.post(SEGMENTS, b"{")) == (400, [(None, "request body is not valid json")])


def test_a_field_that_a_segment_uses_cannot_be_deleted(client_of_alice: ApiClient) -> None:
    field = client_of_alice.post("/v3/contactdb/custom_fields", {"name": "pet", "type": "text"}).json()
    made = new_segment(client_of_alice, conditions=[{**MILLERS, "field": "pet"}])
    answer = client_of_alice.delete(f"/v3/contactdb/custom_fields/{field['id']}")
    assert refusal_of(answer) == (400, [(None, "Custom field in use by one or more segment conditions")])
    client_of_alice.delete(f"{SEGMENTS}/{made['id']}")
    assert client_of_alice.delete(f"/v3/contactdb/custom_fields/{field['id']}").status_code == 202


def test_another_accounts_segment_and_list_are_unknown(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, millers: ContactList
) -> None:
    path = f"{SEGMENTS}/{new_segment(client_of_alice)['id']}"
    for method, suffix in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/recipients")):
        assert client_of_charlie.ask(method, path + suffix, {"name": "Mine"}).status_code == 404, (method, suffix)
    body = {"name": "Mine", "conditions": [MILLERS], "list_id": millers.pk}
    for where in (SEGMENTS, f"{RECIPIENTS}/search"):
        assert refusal_of(client_of_charlie.post(where, body)) == (400, [("list_id", "the list_id is not valid")])
    on_the_list = {"conditions": [{"field": "lists", "operator": "eq", "value": str(millers.pk)}]}
    assert client_of_charlie.post(f"{RECIPIENTS}/search", on_the_list).json()["recipient_count"] == 0


def test_recipients_are_found_by_conditions(client_of_alice: ApiClient, millers: ContactList) -> None:
    path = f"{RECIPIENTS}/search"
    answer = client_of_alice.post(path, {"conditions": [MILLERS]})
    assert emails(answer) == ["ann@example.com", "bob@example.com"]
    assert answer.json()["recipient_count"] == 2
    assert emails(client_of_alice.post(path, {"list_id": millers.pk, "conditions": [MILLERS]})) == ["bob@example.com"]
    assert emails(client_of_alice.post(path, {"conditions": [{**MILLERS, "value": INJECTION}]})) == []
    assert client_of_alice.post(path, {"conditions": [{**MILLERS, "operator": "eq)"}]}).status_code == 400
    assert Contact.objects.count() == 3


def test_recipients_are_found_by_parameters(client_of_alice: ApiClient, millers: ContactList) -> None:
    path = f"{RECIPIENTS}/search"
    assert emails(client_of_alice.get(f"{path}?last_name=Smith")) == ["cy@example.com"]
    assert emails(client_of_alice.get(f"{path}?email=Bob@example.com&last_name=Miller")) == ["bob@example.com"]
    assert emails(client_of_alice.get(f"{path}?lists={millers.pk}")) == ["bob@example.com"]
    assert emails(client_of_alice.get(f"{path}?first_name=&last_name=Smith")) == ["cy@example.com"]
    assert emails(client_of_alice.get(f"{path}?last_name=x%27%20or%201=1--")) == []
    assert refusal_of(client_of_alice.get(path)) == (400, [(None, "No search params are specified")])
    message = "The following parameters are not custom fields or reserved fields: [a;b, list_ids]"
    assert refusal_of(client_of_alice.get(f"{path}?a;b=1&list_ids=2")) == (400, [(None, message)])
    assert refusal_of(client_of_alice.get(f"{path}?created_at=x"))[0] == 400
    assert refusal_of(client_of_alice.get(f"{path}?last_name=%00"))[0] == 400


@further
def test_a_time_matches_the_whole_day_in_a_reserved_field_and_itself_in_a_custom_one(
    client_of_alice: ApiClient, millers: ContactList
) -> None:
    path, noon = f"{RECIPIENTS}/search", dt.datetime(2015, 2, 2, 12, tzinfo=dt.UTC)
    day, born = int(noon.timestamp()) // 86_400 * 86_400, create_field(client_of_alice.account, "born", FieldType.DATE)
    Contact.objects.filter(email="ann@example.com").update(
        created_at=noon,
        updated_at=noon - dt.timedelta(hours=12),
        custom={str(born.pk): "2015-02-02T12:00:00Z"},
    )
    LastTimes.objects.create(
        contact=Contact.objects.get(email="ann@example.com"),
        last_opened_at=noon + dt.timedelta(hours=12) - dt.timedelta(microseconds=1),
    )
    for name in ("created_at", "updated_at", "last_opened", "CREATED_AT"):
        matches = {
            second: emails(client_of_alice.get(f"{path}?{name}={second}&email=ann@example.com"))
            for second in (day - 1, day, day + 400, day + 86_399, day + 86_400)
        }
        assert [second - day for second, each in matches.items() if each] == [0, 400, 86_399], name
        for text in ("02/02/2015", "2015-02-02", "2015-02-02T05:06:07Z"):
            assert emails(client_of_alice.get(f"{path}?{name}={text}")) == ["ann@example.com"], (name, text)
    matches = {second: emails(client_of_alice.get(f"{path}?born={day + second}")) for second in (0, 43_200, 43_201)}
    assert [second for second, each in matches.items() if each] == [43_200]
    assert emails(client_of_alice.get(f"{path}?born=02/02/2015")) == ["ann@example.com"]
    for name in ("created_at", "born"):
        condition = {"field": name, "operator": "eq", "value": str(day), "and_or": ""}
        assert emails(client_of_alice.post(path, {"conditions": [condition]})) == [], "a second is a second"
        condition["value"] = "02/02/2015"
        assert emails(client_of_alice.post(path, {"conditions": [condition]})) == ["ann@example.com"]


@further
def test_a_slow_search_is_given_up(client_of_alice: ApiClient, settings: Any, millers: ContactList) -> None:
    settings.SEARCH_SECONDS = 0.001
    Contact.objects.bulk_create(
        Contact(account=client_of_alice.account, email=f"p{n}@example.com", last_name="x" * 900) for n in range(400)
    )
    conditions = [{"field": "last_name", "operator": "contains", "value": "x" * 300 + "y", "and_or": ""}]
    conditions += [{**conditions[0], "and_or": "or"}] * 14
    assert client_of_alice.post(f"{RECIPIENTS}/search", {"conditions": conditions}).status_code == 408
