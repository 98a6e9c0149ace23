"""Campaigns are created, listed, read, changed and deleted."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from accounts.models import Account
from audience.models import Segment
from campaigns.lifecycle import schedule_campaign
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from foundation.clock import database_now
from tests.api.conftest import ApiClient
from tests.api.easymail.calls import (
    CAMPAIGNS,
    DETAIL_KEYS,
    LATER,
    MARKDOWN,
    NOBODY,
    data,
    details,
    made,
    path_of,
    refused,
    whole_body,
)
from tests.campaigns.building import (
    add_list,
    add_sender,
    again,
    campaign_in,
    expand_all,
    ready_campaign,
    sweep_campaigns,
)
from tests.examples import further

Given = dict[str, Any]
ONE_MINUTE = dt.timedelta(minutes=1)


def segment_of(account: Account, name: str = "some") -> str:
    segment = Segment.objects.create(account=account, name=name, condition={}, dialect="legacy", written=[])
    segment.refresh_from_db()
    return str(segment.uuid)


def test_a_new_campaign_is_a_draft_with_every_field(alice: Account, client_of_alice: ApiClient) -> None:
    body = whole_body(alice)
    answer = client_of_alice.post(CAMPAIGNS, body)
    assert answer.status_code == 201
    shown = data(answer)
    assert list(shown) == DETAIL_KEYS
    assert shown["status"] == "draft"
    expected = {name: value for name, value in body.items() if name != "list_uuid"}
    assert {name: shown[name] for name in expected} == expected
    assert shown["from_email"] == "news@example.com"
    assert shown["audience"] == {"list_uuid": body["list_uuid"], "segment_uuid": None}
    assert shown["readiness"] == {"can_send": True, "missing": []}
    assert (shown["content_editable_via_api"], shown["content_overwrite_required"]) == (True, False)
    assert shown["created_at"] == shown["updated_at"] == shown["last_updated_at"]
    assert data(client_of_alice.get(path_of(shown["uuid"]))) == shown
    assert data(client_of_alice.get(path_of(shown["uuid"].upper()))) == shown


def test_a_name_is_enough(client_of_alice: ApiClient) -> None:
    shown = data(client_of_alice.post(CAMPAIGNS, {"name": " x ", "subject": None, "content": "", "unknown": 1}))
    assert shown["name"] == "x"
    empty = ("subject", "preheader", "from_name", "reply_to", "from_identity", "from_email", "content")
    assert [shown[name] for name in empty] == [None] * 7
    assert shown["audience"] == {"list_uuid": None, "segment_uuid": None}
    assert shown["readiness"] == {
        "can_send": False,
        "missing": ["subject", "content", "sender_identity", "audience", "from_name"],
    }


def test_an_identity_that_is_not_enabled_makes_a_campaign_unready(alice: Account, client_of_alice: ApiClient) -> None:
    sender = add_sender(alice, is_verified=False)
    sender.refresh_from_db()
    assert made(client_of_alice, from_identity=str(sender.uuid))["readiness"] == {
        "can_send": False,
        "missing": ["sender_identity_disabled"],
    }


WRONG: dict[str, tuple[Given, str, str]] = {
    "no name": ({"name": None}, "name", "The name field is required."),
    "an empty name": ({"name": " "}, "name", "The name field is required."),
    "a long name": ({"name": "x" * 256}, "name", "The name field must not be greater than 255 characters."),
    "a number as name": ({"name": 7}, "name", "The name field must be a string."),
    "a subject of two lines": (
        {"subject": "a\r\nBcc: b@example.com"},
        "subject",
        "The subject field must not contain line breaks or control characters.",
    ),
    "a long preheader": (
        {"preheader": "x" * 256},
        "preheader",
        "The preheader field must not be greater than 255 characters.",
    ),
    "a long sender's name": (
        {"from_name": "x" * 256},
        "from_name",
        "The from name field must not be greater than 255 characters.",
    ),
    "no address": ({"reply_to": "x"}, "reply_to", "The reply to field must be a valid email address."),
    "no UUID": (
        {"from_identity": "x"},
        "from_identity",
        "The from identity field must be a valid UUID.",
    ),
    "an unknown identity": ({"from_identity": NOBODY}, "from_identity", "The selected from identity is invalid."),
    "an unknown list": ({"list_uuid": NOBODY}, "list_uuid", "The selected list uuid is invalid."),
    "a list's number": ({"list_uuid": 1}, "list_uuid", "The list uuid field must be a valid UUID."),
    "an unknown segment": ({"segment_uuid": NOBODY}, "segment_uuid", "The selected segment uuid is invalid."),
    "long content": (
        {"content": "x" * 65_001},
        "content",
        "The content field must not be greater than 65000 characters.",
    ),
    "overwrite as text": ({"overwrite": "yes"}, "overwrite", "The overwrite field must be true or false."),
    "a list and a segment": (
        {"list_uuid": NOBODY, "segment_uuid": NOBODY},
        "segment_uuid",
        "The segment uuid field must be empty when list uuid is present.",
    ),
}


def test_an_invalid_field_is_an_error_and_nothing_is_stored(
    alice: Account, client_of_alice: ApiClient, subtests: pytest.Subtests, step: int
) -> None:
    campaign = Campaign.objects.create(account=alice, title="kept")
    for name, (change, field, text) in list(WRONG.items())[::step]:
        with subtests.test(name=name):
            assert details(client_of_alice.post(CAMPAIGNS, {"name": "x", **change})) == {field: [text]}
            assert Campaign.objects.get() == campaign
            assert details(client_of_alice.patch(path_of(campaign), {"subject": "new", **change}))[field] == [text]
            assert (again(campaign).title, again(campaign).subject) == ("kept", "")


def test_all_errors_are_returned_at_once(client_of_alice: ApiClient) -> None:
    wrong = details(client_of_alice.post(CAMPAIGNS, {"subject": 1, "reply_to": "x"}))
    assert list(wrong) == ["name", "subject", "reply_to"]
    unknown = {"name": "x", "from_identity": NOBODY, "list_uuid": NOBODY}
    assert list(details(client_of_alice.post(CAMPAIGNS, unknown))) == ["from_identity", "list_uuid"]


def test_only_named_fields_change_and_null_clears_one(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = made(client_of_alice)
    path = path_of(campaign["uuid"])
    changed = data(client_of_alice.patch(path, {"subject": "Other"}))
    assert (changed["subject"], changed["name"], changed["content"]) == ("Other", "Spring Sale", MARKDOWN)
    fields = ("subject", "preheader", "from_name", "reply_to", "from_identity", "list_uuid", "segment_uuid", "content")
    cleared = data(client_of_alice.patch(path, dict.fromkeys(fields)))
    assert [cleared.get(name) for name in fields] == [None] * 8
    assert cleared["audience"] == {"list_uuid": None, "segment_uuid": None}
    assert data(client_of_alice.patch(path, {})) | {"updated_at": 0, "last_updated_at": 0} == cleared | {
        "updated_at": 0,
        "last_updated_at": 0,
    }


@further
def test_a_list_replaces_the_segment_and_a_segment_the_list(alice: Account, client_of_alice: ApiClient) -> None:
    campaign, segment = made(client_of_alice), segment_of(alice)
    path, list_uuid = path_of(campaign["uuid"]), campaign["audience"]["list_uuid"]
    to_segment = {"list_uuid": None, "segment_uuid": segment}
    assert data(client_of_alice.patch(path, {"segment_uuid": segment}))["audience"] == to_segment
    assert data(client_of_alice.patch(path, {"list_uuid": None}))["audience"] == to_segment
    to_list = {"list_uuid": list_uuid, "segment_uuid": None}
    assert data(client_of_alice.patch(path, {"list_uuid": list_uuid}))["audience"] == to_list
    assert data(client_of_alice.patch(path, to_segment))["audience"] == to_segment


@further
def test_content_of_another_api_is_replaced_only_on_request(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    shown = data(client_of_alice.get(path_of(campaign)))
    assert (shown["content_editable_via_api"], shown["content_overwrite_required"]) == (True, True)
    assert shown["content"].startswith("Hello [%first_name | friend%]")
    for content in (MARKDOWN, None):
        body = {"subject": "Other", "content": content}
        refused(client_of_alice.patch(path_of(campaign), body), 409, "CAMPAIGN_CONTENT_OVERWRITE_REQUIRED")
    assert again(campaign).subject == campaign.subject, "nothing of it is applied"
    assert data(client_of_alice.patch(path_of(campaign), {"subject": "Other"}))["subject"] == "Other"
    shown = data(client_of_alice.patch(path_of(campaign), {"content": MARKDOWN, "overwrite": True}))
    assert (shown["content"], shown["content_overwrite_required"]) == (MARKDOWN, False)
    assert "<strong>40% off</strong>" in again(campaign).html_content
    assert data(client_of_alice.patch(path_of(campaign), {"content": "Mine"}))["content"] == "Mine"
    html = {"html_content": "<p>[unsubscribe] theirs</p>"}
    assert client_of_alice.patch(f"/v3/campaigns/{campaign.pk}", html).status_code == 200
    assert data(client_of_alice.get(path_of(campaign)))["content_overwrite_required"] is True


def test_a_scheduled_campaign_is_changed_and_keeps_its_time(
    alice: Account, client_of_alice: ApiClient, clock: Any
) -> None:
    campaign = made(client_of_alice)
    stored = Campaign.objects.get(uuid=campaign["uuid"])
    path = path_of(campaign["uuid"])
    client_of_alice.post(f"{path}/schedule", {"scheduled_at": LATER})
    changed = data(client_of_alice.patch(path, {"subject": None}))
    assert (changed["status"], changed["scheduled_at"]) == ("scheduled", LATER)
    assert changed["readiness"] == {"can_send": False, "missing": ["subject"]}
    clock.advance(hours=24 * 366 * 70)
    sweep_campaigns()
    assert again(stored).status == CampaignStatus.FAILED
    assert data(client_of_alice.get(path))["status"] == "failed"


def test_a_change_of_a_prepared_campaign_prepares_it_again(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = Campaign.objects.get(uuid=made(client_of_alice)["uuid"])
    schedule_campaign(alice, campaign.pk, database_now().replace(microsecond=0) + ONE_MINUTE, needs=frozenset())
    sweep_campaigns()
    prepared = again(campaign).launch
    assert prepared is not None
    assert data(client_of_alice.patch(path_of(campaign), {"subject": "Other"}))["status"] == "scheduled"
    sweep_campaigns()
    launch = again(campaign).launch
    assert launch is not None
    assert launch.pk != prepared.pk
    assert launch.mail.subject == "Other"


@further
def test_lists_are_pages_with_filters_and_orders(alice: Account, client_of_alice: ApiClient) -> None:
    for name in ("Beta", "alpha", "Gamma"):
        made(client_of_alice, name=name)
    campaign_in(alice, CampaignStatus.SENDING)

    def names(query: str) -> list[str]:
        return [row["name"] for row in data(client_of_alice.get(f"{CAMPAIGNS}?{query}"))]

    assert names("") == ["News of May", "Gamma", "alpha", "Beta"]
    assert names("sort=created_at") == ["Beta", "alpha", "Gamma", "News of May"]
    assert set(names("sort=name")) == set(names("sort=-updated_at"))
    assert names("search=ALPH") == ["alpha"]
    assert names("search=%25") == []
    assert names("status=sending") == ["News of May"]
    assert names("status=draft&search=a&sort=-name&per_page=2&page=2") == [sorted(["Beta", "alpha", "Gamma"])[0]]
    answer = client_of_alice.get(f"{CAMPAIGNS}?per_page=3&page=2").json()
    assert answer["pagination"] == {"current_page": 2, "per_page": 3, "total": 4}
    assert len(answer["data"]) == 1
    past = client_of_alice.get(f"{CAMPAIGNS}?page=999999999999999999").json()
    assert (past["data"], past["pagination"]["total"]) == ([], 4)
    row = data(client_of_alice.get(CAMPAIGNS))[0]
    assert list(row) == [
        *("uuid", "name", "status", "subject", "from_name", "language", "scheduled_at", "recipients_count"),
        *("created_at", "updated_at"),
    ]
    assert (row["language"], row["scheduled_at"], row["recipients_count"]) == ("en", None, 3)


def test_a_query_that_is_wrong_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for query, field, text in [
        ("page=0", "page", "The page field must be at least 1."),
        ("page=x", "page", "The page field must be an integer."),
        ("per_page=0", "per_page", "The per page field must be at least 1."),
        ("per_page=101", "per_page", "The per page field must not be greater than 100."),
        ("status=paused", "status", "The selected status is invalid."),
        ("sort=subject", "sort", "The selected sort is invalid."),
        ("sort=--name", "sort", "The selected sort is invalid."),
        (f"search={'x' * 256}", "search", "The search field must not be greater than 255 characters."),
        ("search=%00", "search", "The search field contains characters that cannot be stored."),
    ]:
        with subtests.test(query=query, field=field, text=text):
            assert details(client_of_alice.get(f"{CAMPAIGNS}?{query}")) == {field: [text]}


def test_include_adds_the_named_fields(alice: Account, client_of_alice: ApiClient) -> None:
    path = path_of(made(client_of_alice)["uuid"])
    both = data(client_of_alice.get(f"{path}?include=stats,revenue,foo"))
    assert list(both) == [*DETAIL_KEYS, "stats", "revenue"]
    assert both["stats"]["recipients"] == 0
    assert both["revenue"] == {"amount": 0, "currency": None, "orders": 0}
    assert list(data(client_of_alice.get(f"{path}?include=foo"))) == DETAIL_KEYS


def test_a_campaign_that_is_only_prepared_has_no_recipients_yet(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, database_now() + ONE_MINUTE)
    sweep_campaigns()
    expand_all()
    shown = data(client_of_alice.get(f"{path_of(campaign)}?include=stats"))
    (listed,) = data(client_of_alice.get(CAMPAIGNS))
    assert (shown["stats"]["recipients"], listed["recipients_count"]) == (0, 0)


def test_a_deleted_campaign_is_gone(alice: Account, client_of_alice: ApiClient) -> None:
    path = path_of(made(client_of_alice)["uuid"])
    answer = client_of_alice.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert refused(client_of_alice.get(path), 404, "RESOURCE_NOT_FOUND")
    assert data(client_of_alice.get(CAMPAIGNS)) == []


def test_a_request_that_is_repeated_with_its_key_makes_one_campaign(client_of_alice: ApiClient) -> None:
    headers = {"Idempotency-Key": "once"}
    first, second = (client_of_alice.post(CAMPAIGNS, {"name": "x"}, headers=headers) for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert Campaign.objects.count() == 1


def test_parts_of_another_account_are_unknown(
    alice: Account, charlie: Account, client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    theirs = whole_body(charlie) | {"name": "x"}
    segment = segment_of(charlie)
    for field, value in {**theirs, "segment_uuid": segment}.items():
        if field in {"from_identity", "list_uuid", "segment_uuid"}:
            assert list(details(client_of_alice.post(CAMPAIGNS, {"name": "x", field: value}))) == [field]
            mine = path_of(made(client_of_alice)["uuid"])
            assert list(details(client_of_alice.patch(mine, {field: value}))) == [field]


def test_one_list_of_several_is_shown(alice: Account, client_of_alice: ApiClient) -> None:
    lists = [add_list(alice, [], name) for name in ("one", "two")]
    campaign = ready_campaign(alice, lists=[each.pk for each in lists])
    lists[0].refresh_from_db()
    assert data(client_of_alice.get(path_of(campaign)))["audience"]["list_uuid"] == str(lists[0].uuid)
