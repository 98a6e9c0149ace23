"""Test every error text for an invalid legacy campaign."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from campaigns.models import Campaign
from tests.api.conftest import ApiClient
from tests.api.sendgrid.campaign_calls import CAMPAIGNS, parts_of, path_of, problems
from tests.campaigns.building import add_sender, again, ready_campaign

BAD_JSON = {"errors": [{"field": None, "message": "The JSON you have submitted cannot be parsed."}]}
BOTH_LINKS = (
    "Either suppression_group_id or custom_unsubscribe_url may be set/used, but not both. Please remove one before "
    "setting the other."
)
MEGABYTE = 2**20


@pytest.fixture
def parts(alice: Account) -> dict[str, Any]:
    """Create everything in Alice's account that a campaign can refer to."""
    return parts_of(alice)


WRONG: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "no title": ({"title": None}, "title", "title can't be blank"),
    "an empty title": ({"title": " "}, "title", "title can't be blank"),
    "a long title": ({"title": "x" * 101}, "title", "title is too long (maximum is 100 characters)"),
    "a number as title": ({"title": 7}, "title", "title must be a string"),
    "eleven categories": (
        {"categories": [str(n) for n in range(11)]},
        "categories",
        "categories exceeds 10 category limit",
    ),
    "a long category": (
        {"categories": ["x" * 256]},
        "categories",
        "each of the categories must have 1 to 255 characters",
    ),
    "a category twice": ({"categories": ["a", "a"]}, "categories", "categories must be unique"),
    "categories as text": ({"categories": "a"}, "categories", "categories must be an array of strings"),
    "much HTML": ({"html_content": "x" * (MEGABYTE + 1)}, "html_content", "html_content exceeds the 1MB limit"),
    "much in UTF-8": ({"plain_content": "é" * 600_000}, "plain_content", "plain_content exceeds the 1MB limit"),
    "an unknown sender": ({"sender_id": 2**31 - 1}, "sender_id", "sender_id does not exist"),
    "a sender out of range": ({"sender_id": 2**31}, "sender_id", "sender_id does not exist"),
    "a sender of a thousand digits": ({"sender_id": 10**1000}, "sender_id", "sender_id does not exist"),
    "a negative sender": ({"sender_id": -1}, "sender_id", "sender_id does not exist"),
    "a true sender": ({"sender_id": True}, "sender_id", "sender_id must be an integer"),
    "a sender as text": ({"sender_id": "1"}, "sender_id", "sender_id must be an integer"),
    "an unknown list": ({"list_ids": [2**31 - 1]}, "list_ids", "list_ids do not all exist"),
    "a list out of range": ({"list_ids": [2**63]}, "list_ids", "list_ids do not all exist"),
    "one list": ({"list_ids": 1}, "list_ids", "list_ids must be an array of integers"),
    "a list as text": ({"list_ids": ["1"]}, "list_ids", "list_ids must be an array of integers"),
    "very many lists": ({"list_ids": [1] * 1001}, "list_ids", "list_ids is limited to 1000"),
    "an unknown segment": ({"segment_ids": [2**31 - 1]}, "segment_ids", "segment_ids do not all exist"),
    "eleven segments": ({"segment_ids": [1] * 11}, "segment_ids", "segment_ids is limited to 10"),
    "a pool of one letter": ({"ip_pool": "x"}, "ip_pool", "The ip pool you provided is invalid"),
    "a pool that nobody has named": ({"ip_pool": "no such pool"}, "ip_pool", "The ip pool you provided is invalid"),
    "a pool in other letters": ({"ip_pool": "Pool"}, "ip_pool", "The ip pool you provided is invalid"),
    "a pool of two lines": ({"ip_pool": "a\nb"}, "ip_pool", "The ip pool you provided is invalid"),
    "an unknown group": (
        {"suppression_group_id": 2**31 - 1},
        "suppression_group_id",
        "suppression_group_id does not exist",
    ),
    "a script as link": (
        {"custom_unsubscribe_url": "javascript:alert(1)"},
        "custom_unsubscribe_url",
        "custom_unsubscribe_url must be an http or https address of at most 900 visible ASCII characters",
    ),
    "a link that would end a header": (
        {"custom_unsubscribe_url": "https://a.example/>\r\nBcc: b@example.com"},
        "custom_unsubscribe_url",
        "custom_unsubscribe_url must be an http or https address of at most 900 visible ASCII characters",
    ),
    "a subject of two lines": (
        {"subject": "a\r\nBcc: b@example.com"},
        "subject",
        "subject can't contain line breaks or control characters",
    ),
    "a long subject": ({"subject": "x" * 999}, "subject", "subject is too long (maximum is 998 characters)"),
    "another editor": (
        {"editor": "vi"},
        "editor",
        "editor must be 'code' or 'design' if included. If not included, 'code' will be selected by default.",
    ),
    "no editor at all": (
        {"editor": None},
        "editor",
        "editor must be 'code' or 'design' if included. If not included, 'code' will be selected by default.",
    ),
}


def test_an_invalid_field_is_an_error_and_nothing_is_stored(
    alice: Account, client_of_alice: ApiClient, subtests: pytest.Subtests, step: int
) -> None:
    campaign = Campaign.objects.create(account=alice, title="kept")
    for name, (change, field, text) in list(WRONG.items())[::step]:
        with subtests.test(name=name):
            assert problems(client_of_alice.post(CAMPAIGNS, {"title": "x", **change}), 400) == [(field, text)]
            assert Campaign.objects.get() == campaign
            assert problems(client_of_alice.patch(path_of(campaign), {"subject": "new", **change}), 400) == [
                (field, text)
            ]
            assert (again(campaign).title, again(campaign).subject) == ("kept", "")


def test_all_errors_are_returned_at_once(client_of_alice: ApiClient) -> None:
    body = {"title": "", "sender_id": "x", "categories": [1], "editor": 3}
    errors = problems(client_of_alice.post(CAMPAIGNS, body), 400)
    assert [field for field, _ in errors] == ["title", "sender_id", "categories", "editor"]


def test_a_sender_must_be_verified(alice: Account, client_of_alice: ApiClient) -> None:
    unverified = {"title": "x", "sender_id": add_sender(alice, is_verified=False).pk}
    errors = [("sender_id", "sender_id is not a verified sender identity")]
    assert problems(client_of_alice.post(CAMPAIGNS, unverified), 400) == errors
    assert problems(client_of_alice.patch(path_of(ready_campaign(alice)), unverified), 400) == errors
    assert Campaign.objects.count() == 1


def test_a_campaign_has_one_way_to_unsubscribe(
    alice: Account, client_of_alice: ApiClient, parts: dict[str, Any]
) -> None:
    link = {"custom_unsubscribe_url": "https://example.com/leave"}
    both = {"title": "x", "suppression_group_id": parts["suppression_group_id"], **link}
    assert problems(client_of_alice.post(CAMPAIGNS, both), 400) == [("unsubscribes", BOTH_LINKS)]
    campaign = ready_campaign(alice)
    assert problems(client_of_alice.patch(path_of(campaign), link), 400) == [("unsubscribes", BOTH_LINKS)]
    answer = client_of_alice.patch(path_of(campaign), {"suppression_group_id": None, **link})
    assert answer.json()["custom_unsubscribe_url"] == "https://example.com/leave"


def test_the_editor_is_fixed(alice: Account, client_of_alice: ApiClient) -> None:
    path = path_of(ready_campaign(alice))
    assert problems(client_of_alice.patch(path, {"editor": "design"}), 400) == [
        ("editor", "You cannot switch editors once a campaign has been created.")
    ]
    assert client_of_alice.patch(path, {"editor": "code"}).status_code == 200


def test_the_campaigns_of_an_account_are_limited(
    settings: Any, client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    settings.CAMPAIGNS_LIMIT = 1
    made = client_of_alice.post(CAMPAIGNS, {"title": "x"}).json()
    assert problems(client_of_alice.post(CAMPAIGNS, {"title": "y"}), 400) == [
        (None, "You've reached your limit of 1 campaigns. Please delete one or more and try again.")
    ]
    assert client_of_charlie.post(CAMPAIGNS, {"title": "y"}).status_code == 201
    client_of_alice.delete(f"{CAMPAIGNS}/{made['id']}")
    assert client_of_alice.post(CAMPAIGNS, {"title": "y"}).status_code == 201


def test_a_body_that_is_not_a_json_object_cannot_be_parsed(
    alice: Account, client_of_alice: ApiClient, subtests: pytest.Subtests
) -> None:
    path = path_of(ready_campaign(alice))
    for body in [b"", b"{", b"[]", b'"x"', b"null", b'{"title": "a\\u0000b"}', b'{"title": "\\ud800"}']:
        with subtests.test(body=body):
            for method, where in (
                *(("POST", CAMPAIGNS), ("PATCH", path), ("POST", f"{path}/schedules"), ("PATCH", f"{path}/schedules")),
                ("POST", f"{path}/schedules/test"),
            ):
                answer = client_of_alice.ask(method, where, body)
                assert (answer.status_code, answer.json()) == (400, BAD_JSON), (method, where)
            assert Campaign.objects.get().title == "News of May"
