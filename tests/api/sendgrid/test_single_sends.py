"""Test Single Sends: their fields, and who may see them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from accounts.models import Account
from api.sendgrid.single_sends import views
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from tests.api.conftest import ApiClient, NewClient
from tests.api.sendgrid.single_send_calls import (
    EVEN_LATER,
    LATER,
    NOT_FOUND,
    SENDS,
    UNKNOWN,
    parts_of,
    path_of,
    problems,
)
from tests.campaigns.building import again, campaign_in, ready_campaign
from tests.examples import few_by_default, further

TEST = "/v3/marketing/test/send_email"


@pytest.fixture
def parts(alice: Account) -> dict[str, Any]:
    """Create everything in Alice's account that a Single Send can refer to."""
    return parts_of(alice)


def test_a_name_is_enough(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post(SENDS, {"name": "March"})
    assert answer.status_code == 201
    made = answer.json()
    campaign = Campaign.objects.get()
    for stamp in ("created_at", "updated_at"):
        assert made.pop(stamp).endswith("Z")
    assert made == {
        "id": str(campaign.uuid),
        "name": "March",
        "status": "draft",
        "categories": [],
        "send_at": None,
        "send_to": {"list_ids": [], "segment_ids": [], "all": False},
        "email_config": {
            "subject": "",
            "html_content": "",
            "plain_content": "",
            "generate_plain_content": True,
            "design_id": None,
            "editor": "code",
            "suppression_group_id": None,
            "custom_unsubscribe_url": None,
            "sender_id": None,
            "ip_pool": None,
        },
        "warnings": [],
    }


def test_every_field_is_stored_and_a_time_does_not_schedule(client_of_alice: ApiClient, parts: dict[str, Any]) -> None:
    fields = {
        "name": "March",
        "categories": ["a", "b"],
        "send_at": EVEN_LATER,
        "send_to": {**parts["send_to"], "all": False},
        "email_config": {
            **parts["email_config"],
            "subject": "Hi",
            "html_content": "<p>Hi</p>",
            "plain_content": "Hi there",
            "generate_plain_content": False,
            "editor": "design",
            "ip_pool": "pool",
        },
    }
    answer = client_of_alice.post(SENDS, {**fields, "status": "triggered", "unheard": 1})
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert {name: made[name] for name in fields if name != "email_config"} == {
        name: value for name, value in fields.items() if name != "email_config"
    }
    assert made["email_config"] == {**fields["email_config"], "design_id": None, "custom_unsubscribe_url": None}  # type: ignore[dict-item]
    assert made["status"] == "draft"
    assert client_of_alice.get(f"{SENDS}/{made['id']}").json() == made


def test_a_change_keeps_fields_that_it_does_not_name(client_of_alice: ApiClient, parts: dict[str, Any]) -> None:
    made = client_of_alice.post(SENDS, {"name": "March", "send_at": LATER, **parts}).json()
    answer = client_of_alice.patch(f"{SENDS}/{made['id']}", {"email_config": {"subject": "New"}, "categories": None})
    assert answer.status_code == 202
    changed = answer.json()
    assert changed.pop("updated_at") >= made.pop("updated_at")
    assert changed == {**made, "email_config": {**made["email_config"], "subject": "New"}}

    emptied = client_of_alice.patch(
        f"{SENDS}/{made['id']}",
        {"name": None, "send_at": None, "email_config": {"sender_id": None, "suppression_group_id": None}},
    ).json()
    assert (emptied["name"], emptied["send_at"], emptied["email_config"]["sender_id"]) == ("March", None, None)


BLANK = ["", " ", "\t\r\n", "\u00a0"]


@further
@pytest.mark.parametrize("blank", few_by_default(BLANK, "", "\u00a0"), ids=ascii)
def test_a_change_keeps_fields_that_are_blank(blank: str, client_of_alice: ApiClient, parts: dict[str, Any]) -> None:
    texts = {"subject": "Hi", "html_content": "<p>Hi</p>", "plain_content": "Hi", "generate_plain_content": False}
    config = {**parts["email_config"], **texts, "ip_pool": "pool"}
    made = client_of_alice.post(SENDS, {"name": "March", "send_at": LATER, "categories": ["a"], "email_config": config})
    path, whole = f"{SENDS}/{made.json()['id']}", made.json()
    names = [name for name in whole["email_config"] if name != "generate_plain_content"]
    for body in (
        {"name": blank, "send_at": blank, "categories": blank, "send_to": blank, "email_config": blank},
        {"send_to": {"list_ids": blank, "all": blank}, "email_config": dict.fromkeys(names, blank)},
        *({"email_config": {name: blank}} for name in ("html_content", "plain_content", "ip_pool", "sender_id")),
    ):
        answer = client_of_alice.patch(path, body)
        assert answer.status_code == 202, answer.content
        assert {**answer.json(), "updated_at": 0} == {**whole, "updated_at": 0}, body
    changed = client_of_alice.patch(path, {"name": blank, "email_config": {"subject": "New", "ip_pool": None}}).json()
    assert (changed["name"], changed["email_config"]["subject"], changed["email_config"]["ip_pool"]) == (
        "March",
        "New",
        None,
    )
    emptied = client_of_alice.patch(path, {"categories": [], "send_at": None}).json()
    assert (emptied["categories"], emptied["send_at"]) == ([], None)
    assert problems(client_of_alice.post(SENDS, {"name": blank}), 400)[0][0] == "name", "a new one needs a name"


@further
def test_plain_text_is_generated_from_the_html_and_updated_with_it(client_of_alice: ApiClient) -> None:
    def config(body: dict[str, Any], path: str = SENDS, method: str = "POST") -> dict[str, Any]:
        answer = client_of_alice.ask(method, path, body)
        assert answer.status_code == {"POST": 201, "PATCH": 202}[method], answer.content
        paths.append(f"{SENDS}/{answer.json()['id']}")
        email_config: dict[str, Any] = answer.json()["email_config"]
        return email_config

    paths: list[str] = []
    made = config({"name": "x", "email_config": {"html_content": "<p>Now $5</p>", "plain_content": "Now $9"}})
    assert (made["plain_content"], made["generate_plain_content"]) == ("Now $5", True)
    path = paths[0]
    assert config({"email_config": {"html_content": "<p>Now $4</p>"}}, path, "PATCH")["plain_content"] == "Now $4"
    own = config({"email_config": {"plain_content": "Mine"}}, path, "PATCH")
    assert (own["plain_content"], own["generate_plain_content"]) == ("Mine", False)
    assert config({"email_config": {"html_content": "<p>$3</p>"}}, path, "PATCH")["plain_content"] == "Mine"
    assert config({"email_config": {"generate_plain_content": True}}, path, "PATCH")["plain_content"] == "$3"


@further
def test_a_copy_is_a_draft_with_the_same_content(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
    original = client_of_alice.get(path_of(campaign)).json()

    for body, name in (
        (None, "Copy of News of May"),
        ({}, "Copy of News of May"),
        ({"name": None}, "Copy of News of May"),
        ({"name": ""}, "Copy of News of May"),
        ({"name": "June"}, "June"),
    ):
        answer = client_of_alice.post(path_of(campaign), body)
        assert answer.status_code == 201, answer.content
        copy = answer.json()
        assert copy["id"] != original["id"]
        assert (copy["name"], copy["status"], copy["send_at"]) == (name, "draft", None)
        assert (copy["email_config"], copy["send_to"]) == (original["email_config"], original["send_to"])
    Campaign.objects.filter(pk=campaign.pk).update(title="x" * 100)
    assert client_of_alice.post(path_of(campaign)).json()["name"] == ("Copy of " + "x" * 100)[:100]
    assert problems(client_of_alice.post(path_of(campaign), {"name": "x" * 101}), 400) == [
        ("name", "name is too long (maximum is 100 characters)", "bad_request")
    ]


def test_several_are_deleted_together_or_not_at_all(
    alice: Account, charlie: Account, client_of_alice: ApiClient
) -> None:
    first, second, third = (Campaign.objects.create(account=alice, title=f"{n}") for n in range(3))
    his = Campaign.objects.create(account=charlie, title="his")
    for unknown in (UNKNOWN, str(his.uuid), "x"):
        answer = client_of_alice.delete(f"{SENDS}?ids={first.uuid}&ids={unknown}")
        assert problems(answer, 404) == NOT_FOUND
    assert Campaign.objects.filter(deleted_at=None).count() == 4

    assert client_of_alice.delete(f"{SENDS}?ids={first.uuid}&ids={first.uuid}&ids={second.uuid}").status_code == 204
    assert client_of_alice.delete(f"{SENDS}?ids={first.uuid},{third.uuid}").status_code == 404
    assert list(Campaign.objects.filter(deleted_at=None)) == [third, his]
    assert problems(client_of_alice.delete(SENDS), 400)[0][0] == "ids"
    many = "&".join(f"ids={uuid.uuid4()}" for _ in range(51))
    assert problems(client_of_alice.delete(f"{SENDS}?{many}"), 400)[0][0] == "ids"


@further
def test_a_malformed_single_send_id_is_unknown(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for single_send_id in [UNKNOWN, UNKNOWN.replace("-", ""), "x", "1", f"{{{UNKNOWN}}}", "٣"]:
        with subtests.test(single_send_id=single_send_id):
            assert_unknown(client_of_alice, single_send_id)


def test_another_accounts_single_send_is_unknown_and_its_parts_do_not_exist(
    alice: Account, charlie: Account, client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    hers, his = ready_campaign(alice), ready_campaign(charlie)
    assert_unknown(client_of_charlie, str(hers.uuid))
    assert [item["id"] for item in client_of_charlie.get(SENDS).json()["result"]] == [str(his.uuid)]
    answer = client_of_alice.patch(
        path_of(hers),
        {
            "name": "mine",
            "send_to": {"list_ids": [str(each.uuid) for each in his.lists.all()], "segment_ids": [UNKNOWN]},
            "email_config": {"sender_id": his.sender_id, "suppression_group_id": his.suppression_group_id},
        },
    )
    assert problems(answer, 400) == [
        ("email_config.sender_id", "sender_id does not exist", "unknown_part"),
        ("send_to.list_ids", "list_ids do not all exist", "unknown_part"),
        ("send_to.segment_ids", "segment_ids do not all exist", "unknown_part"),
        ("email_config.suppression_group_id", "suppression_group_id does not exist", "unknown_part"),
    ]
    assert again(hers).title == "News of May"


def assert_unknown(client: ApiClient, single_send_id: str) -> None:
    path = f"{SENDS}/{single_send_id}"
    for method, where, body in (
        *(("GET", path, None), ("POST", path, None), ("PATCH", path, {"name": "x"}), ("DELETE", path, None)),
        *(("PUT", f"{path}/schedule", {"send_at": "now"}), ("DELETE", f"{path}/schedule", None)),
        ("GET", f"/v3/marketing/stats/singlesends/{single_send_id}", None),
        ("GET", f"/v3/marketing/stats/singlesends/{single_send_id}/links", None),
    ):
        assert problems(client.ask(method, where, body), 404) == NOT_FOUND, (method, where)


CALLS = {
    "create": [("POST", SENDS, 400), ("POST", f"{SENDS}/{UNKNOWN}", 404), ("POST", TEST, 400)],
    "read": [
        ("GET", SENDS, 200),
        ("GET", f"{SENDS}/{UNKNOWN}", 404),
        ("GET", f"{SENDS}/categories", 200),
        ("POST", f"{SENDS}/search", 200),
        ("GET", "/v3/marketing/stats/singlesends", 200),
        ("GET", f"/v3/marketing/stats/singlesends/{UNKNOWN}", 404),
        ("GET", f"/v3/marketing/stats/singlesends/{UNKNOWN}/links", 404),
        ("GET", "/v3/marketing/stats/singlesends/export", 400),
    ],
    "update": [("PATCH", f"{SENDS}/{UNKNOWN}", 404), ("PUT", f"{SENDS}/{UNKNOWN}/schedule", 404)],
    "delete": [
        ("DELETE", SENDS, 400),
        ("DELETE", f"{SENDS}/{UNKNOWN}", 404),
        ("DELETE", f"{SENDS}/{UNKNOWN}/schedule", 404),
    ],
}
"""Calls by the verb of their scope, with the statuses of their answers."""


def test_each_call_needs_the_scope_of_its_verb_under_either_name(
    alice: Account, new_client: NewClient, subtests: pytest.Subtests
) -> None:
    for verb in CALLS:
        with subtests.test(verb=verb):
            others = [
                f"{name}.{other}" for name in ("marketing", "marketing_campaigns") for other in CALLS if other != verb
            ]
            lacking = new_client(alice, scopes=others)
            holding = [new_client(alice, scopes=[f"{name}.{verb}"]) for name in ("marketing", "marketing_campaigns")]
            for method, path, status in CALLS[verb]:
                assert problems(lacking.ask(method, path), 403) == [(None, "access forbidden", "forbidden")], (
                    method,
                    path,
                )
                for client in holding:
                    assert client.ask(method, path).status_code == status, (method, path)


def test_without_a_key_every_call_is_refused(database: None, client_of_alice: ApiClient) -> None:
    for path in (SENDS, f"{SENDS}/{UNKNOWN}", "/v3/marketing/stats/singlesends"):
        answer = client_of_alice.get(path, headers={"Authorization": "Bearer SG.unknown"})
        assert problems(answer, 401) == [(None, "authorization required", "unauthorized")]


def test_an_unknown_path_has_the_envelope_of_its_api(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for path in ["/v3/marketing/nothing", "/v3/marketing/singlesends/x/y", "/v3/marketing/%00"]:
        with subtests.test(path=path):
            assert problems(client_of_alice.get(path), 404) == [(None, "not found", "not_found")]


def test_an_internal_error_has_the_envelope_of_its_api(
    client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(views, "categories_of", fail)
    client_of_alice.http.raise_request_exception = False
    answer = client_of_alice.get(f"{SENDS}/categories")
    assert problems(answer, 500) == [(None, "internal server error", "internal_server_error")]
