"""Test every error text for an invalid Single Send."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from campaigns.models import Campaign
from tests.api.conftest import ApiClient
from tests.api.sendgrid.single_send_calls import (
    SENDS,
    UNKNOWN,
    parts_of,
    path_of,
    problems,
)
from tests.campaigns.building import add_sender, again, ready_campaign


@pytest.fixture
def parts(alice: Account) -> dict[str, Any]:
    """Create everything in Alice's account that a Single Send can refer to."""
    return parts_of(alice)


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "an empty name": ({"name": " "}, "name", "name can't be blank"),
    "a long name": ({"name": "x" * 101}, "name", "name is too long (maximum is 100 characters)"),
    "eleven categories": (
        {"categories": [str(n) for n in range(11)]},
        "categories",
        "categories exceeds 10 category limit",
    ),
    "now": ({"send_at": "now"}, "send_at", "send_at must be a time like 2030-01-31T08:30:00Z"),
    "a time of no zone": (
        {"send_at": "2030-01-31T08:30:00"},
        "send_at",
        "send_at must be a time like 2030-01-31T08:30:00Z",
    ),
    "a time too late": (
        {"send_at": "9999-12-31T23:59:59-23:59"},
        "send_at",
        "send_at must be a time like 2030-01-31T08:30:00Z",
    ),
    "a time too early": (
        {"send_at": "0001-01-01T00:00:00+23:59"},
        "send_at",
        "send_at must be a time like 2030-01-31T08:30:00Z",
    ),
    "a day of no month": (
        {"send_at": "2030-02-30T08:30:00Z"},
        "send_at",
        "send_at must be a time like 2030-01-31T08:30:00Z",
    ),
    "unix time": ({"send_at": 1_893_456_000}, "send_at", "send_at must be a time like 2030-01-31T08:30:00Z"),
    "a pool that nobody has named": (
        {"email_config": {"ip_pool": "no such pool"}},
        "email_config.ip_pool",
        "The ip pool you provided is invalid",
    ),
    "an audience as text": ({"send_to": "all"}, "send_to", "send_to must be an object"),
    "lists by number": ({"send_to": {"list_ids": [1]}}, "send_to.list_ids", "list_ids must be an array of UUIDs"),
    "lists by no UUID": ({"send_to": {"list_ids": ["x"]}}, "send_to.list_ids", "list_ids must be an array of UUIDs"),
    "unknown lists": ({"send_to": {"list_ids": [UNKNOWN]}}, "send_to.list_ids", "list_ids do not all exist"),
    "51 lists": ({"send_to": {"list_ids": [UNKNOWN] * 51}}, "send_to.list_ids", "list_ids is limited to 50"),
    "11 segments": (
        {"send_to": {"segment_ids": [UNKNOWN] * 11}},
        "send_to.segment_ids",
        "segment_ids is limited to 10",
    ),
    "all as text": ({"send_to": {"all": "true"}}, "send_to.all", "all must be a boolean"),
    "a config as list": ({"email_config": []}, "email_config", "email_config must be an object"),
    "a subject of two lines": (
        {"email_config": {"subject": "a\nb"}},
        "email_config.subject",
        "subject can't contain line breaks or control characters",
    ),
    "much HTML": (
        {"email_config": {"html_content": "x" * (2**20 + 1)}},
        "email_config.html_content",
        "html_content exceeds the 1MB limit",
    ),
    "a flag as number": (
        {"email_config": {"generate_plain_content": 1}},
        "email_config.generate_plain_content",
        "generate_plain_content must be a boolean",
    ),
    "a design": ({"email_config": {"design_id": UNKNOWN}}, "email_config.design_id", "design_id does not exist"),
    "a sender out of range": (
        {"email_config": {"sender_id": 2**31}},
        "email_config.sender_id",
        "sender_id does not exist",
    ),
    "a link of another kind": (
        {"email_config": {"custom_unsubscribe_url": "mailto:a@example.com"}},
        "email_config.custom_unsubscribe_url",
        "custom_unsubscribe_url must be an http or https address of at most 900 visible ASCII characters",
    ),
}


def test_an_invalid_field_is_an_error_and_nothing_is_stored(
    alice: Account, client_of_alice: ApiClient, subtests: pytest.Subtests, step: int
) -> None:
    campaign = Campaign.objects.create(account=alice, title="kept")
    for name, (change, field, text) in list(WRONG.items())[::step]:
        with subtests.test(name=name):
            errors = problems(client_of_alice.post(SENDS, {"name": "x", **change}), 400)
            assert [(field, text) for field, text, _ in errors] == [(field, text)]
            assert Campaign.objects.get() == campaign
            if name == "an empty name":
                continue  # A PATCH ignores it.
            answer = client_of_alice.patch(path_of(campaign), {"name": "new", **change})
            assert [(field, text) for field, text, _ in problems(answer, 400)] == [(field, text)]
            assert again(campaign).title == "kept"


def test_all_errors_are_returned_at_once(client_of_alice: ApiClient) -> None:
    body = {"name": None, "send_to": {"all": 3}, "email_config": {"subject": 3, "editor": "vi"}}
    fields = [field for field, _, _ in problems(client_of_alice.post(SENDS, body), 400)]
    assert fields == ["name", "send_to.all", "email_config.subject", "email_config.editor"]


def test_a_body_that_is_not_a_json_object_is_refused(
    alice: Account, client_of_alice: ApiClient, subtests: pytest.Subtests
) -> None:
    campaign = ready_campaign(alice)
    for body in [b"", b"{", b"[]", b'{"name": "a\\u0000b"}']:
        with subtests.test(body=body):
            for method, path in (
                ("POST", SENDS),
                ("PATCH", path_of(campaign)),
                ("PUT", path_of(campaign, "/schedule")),
            ):
                assert problems(client_of_alice.ask(method, path, body), 400) == [
                    (None, "request body is invalid JSON", "bad_request")
                ]
            assert Campaign.objects.count() == 1


def test_a_sender_must_be_verified_and_there_is_one_way_to_unsubscribe(
    alice: Account, client_of_alice: ApiClient, parts: dict[str, Any]
) -> None:
    unverified = {"name": "x", "email_config": {"sender_id": add_sender(alice, is_verified=False).pk}}
    errors = [("email_config.sender_id", "sender_id is not a verified sender identity", "unverified_sender")]
    assert problems(client_of_alice.post(SENDS, unverified), 400) == errors
    assert problems(client_of_alice.patch(path_of(ready_campaign(alice)), unverified), 400) == errors
    both = {**parts["email_config"], "custom_unsubscribe_url": "https://example.com/leave"}
    answer = client_of_alice.post(SENDS, {"name": "x", "email_config": both})
    assert problems(answer, 400)[0][0] == "unsubscribes"
    assert Campaign.objects.count() == 1
