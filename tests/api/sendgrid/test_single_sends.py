"""Single Sends: what they hold, who may see them, and what is wrong with them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from accounts.models import Account
from api.sendgrid.views import single_sends as views
from campaigns.audience.models import Segment
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from mailer.models import Mail, Message, UnsubscribeGroup
from tests.api.conftest import ApiClient, NewClient
from tests.campaigns.building import add_list, add_sender, again, campaign_in, ready_campaign

SENDS = "/v3/marketing/singlesends"
TEST = "/v3/marketing/test/send_email"
LATER, EVEN_LATER = "2090-01-31T08:30:00.000Z", "3752-01-28T23:21:52.575Z"
NOT_FOUND = [(None, "not found", "unknown_campaign")]
UNKNOWN = str(uuid.UUID(int=7))


def problems(answer: Any, status: int) -> list[tuple[str | None, str, str]]:
    """What a refusal says: field, message and error_id, in the order of the wire."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    for found in answer.json()["errors"]:
        assert list(found) == ["field", "message", "error_id"]
    return [tuple(found.values()) for found in answer.json()["errors"]]


def path_of(campaign: Campaign, behind: str = "") -> str:
    return f"{SENDS}/{campaign.uuid}{behind}"


@pytest.fixture
def parts(alice: Account) -> dict[str, Any]:
    """All that a Single Send can name, of Alice's."""
    lists = [add_list(alice, [], "one"), add_list(alice, [], "two")]
    segment = Segment.objects.create(account=alice, name="some", condition={}, dialect="sgql", written="")
    for each in (*lists, segment):
        each.refresh_from_db()
    return {
        "send_to": {"list_ids": [str(each.uuid) for each in lists], "segment_ids": [str(segment.uuid)]},
        "email_config": {
            "sender_id": add_sender(alice).pk,
            "suppression_group_id": UnsubscribeGroup.objects.create(account=alice, name="news").pk,
        },
    }


# --- create, read, change, copy, delete -------------------------------------------------------------------------------


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


def test_everything_given_is_kept_and_a_time_given_is_but_a_wish(
    client_of_alice: ApiClient, parts: dict[str, Any]
) -> None:
    given = {
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
    answer = client_of_alice.post(SENDS, {**given, "status": "triggered", "unheard": 1})
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert {name: made[name] for name in given if name != "email_config"} == {
        name: value for name, value in given.items() if name != "email_config"
    }
    assert made["email_config"] == {**given["email_config"], "design_id": None, "custom_unsubscribe_url": None}  # type: ignore[dict-item]
    assert made["status"] == "draft"
    assert client_of_alice.get(f"{SENDS}/{made['id']}").json() == made


def test_a_change_leaves_alone_what_it_does_not_name(client_of_alice: ApiClient, parts: dict[str, Any]) -> None:
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


def test_plain_text_is_made_from_the_html_and_follows_it(client_of_alice: ApiClient) -> None:
    def config(body: dict[str, Any], path: str = SENDS, method: str = "POST") -> dict[str, Any]:
        answer = client_of_alice.ask(method, path, body)
        assert answer.status_code < 300, answer.content
        paths.append(f"{SENDS}/{answer.json()['id']}")
        found: dict[str, Any] = answer.json()["email_config"]
        return found

    paths: list[str] = []
    made = config({"name": "x", "email_config": {"html_content": "<p>Now $5</p>", "plain_content": "Now $9"}})
    assert (made["plain_content"], made["generate_plain_content"]) == ("Now $5", True)
    path = paths[0]
    assert config({"email_config": {"html_content": "<p>Now $4</p>"}}, path, "PATCH")["plain_content"] == "Now $4"
    own = config({"email_config": {"plain_content": "Mine"}}, path, "PATCH")
    assert (own["plain_content"], own["generate_plain_content"]) == ("Mine", False)
    assert config({"email_config": {"html_content": "<p>$3</p>"}}, path, "PATCH")["plain_content"] == "Mine"
    assert config({"email_config": {"generate_plain_content": True}}, path, "PATCH")["plain_content"] == "$3"


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


def test_several_are_deleted_at_once_or_none(alice: Account, charlie: Account, client_of_alice: ApiClient) -> None:
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


@pytest.mark.parametrize("single_send_id", [UNKNOWN, UNKNOWN.replace("-", ""), "x", "1", f"{{{UNKNOWN}}}", "٣"])
def test_what_is_no_single_sends_id_is_unknown(single_send_id: str, client_of_alice: ApiClient) -> None:
    assert_unknown(client_of_alice, single_send_id)


def test_another_accounts_single_send_is_unknown_and_its_parts_do_not_exist(
    alice: Account, charlie: Account, client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    hers, his = ready_campaign(alice), ready_campaign(charlie)
    assert_unknown(client_of_charlie, str(hers.uuid))
    assert [found["id"] for found in client_of_charlie.get(SENDS).json()["result"]] == [str(his.uuid)]
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


# --- what is wrong with one -------------------------------------------------------------------------------------------

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
        "custom_unsubscribe_url must be a http or https address of at most 900 visible ASCII characters",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_and_nothing_stored(name: str, alice: Account, client_of_alice: ApiClient) -> None:
    given, field, text = WRONG[name]
    said = problems(client_of_alice.post(SENDS, {"name": "x", **given}), 400)
    assert [(field, text) for field, text, _ in said] == [(field, text)]
    assert not Campaign.objects.exists()

    campaign = Campaign.objects.create(account=alice, title="kept")
    answer = client_of_alice.patch(path_of(campaign), {"name": "new", **given})
    assert [(field, text) for field, text, _ in problems(answer, 400)] == [(field, text)]
    assert again(campaign).title == "kept"


def test_all_that_is_wrong_is_said_at_once(client_of_alice: ApiClient) -> None:
    body = {"name": None, "send_to": {"all": 3}, "email_config": {"subject": 3, "editor": "vi"}}
    fields = [field for field, _, _ in problems(client_of_alice.post(SENDS, body), 400)]
    assert fields == ["name", "send_to.all", "email_config.subject", "email_config.editor"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"name": "a\\u0000b"}'])
def test_what_is_no_json_object_is_refused(body: bytes, alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    for method, path in (("POST", SENDS), ("PATCH", path_of(campaign)), ("PUT", path_of(campaign, "/schedule"))):
        assert problems(client_of_alice.ask(method, path, body), 400) == [
            (None, "request body is invalid JSON", "bad_request")
        ]
    assert Campaign.objects.count() == 1


def test_a_sender_must_be_verified_and_there_is_one_way_to_unsubscribe(
    alice: Account, client_of_alice: ApiClient, parts: dict[str, Any]
) -> None:
    unverified = {"name": "x", "email_config": {"sender_id": add_sender(alice, is_verified=False).pk}}
    said = [("email_config.sender_id", "sender_id is not a verified sender identity", "unverified_sender")]
    assert problems(client_of_alice.post(SENDS, unverified), 400) == said
    assert problems(client_of_alice.patch(path_of(ready_campaign(alice)), unverified), 400) == said
    both = {**parts["email_config"], "custom_unsubscribe_url": "https://example.com/leave"}
    answer = client_of_alice.post(SENDS, {"name": "x", "email_config": both})
    assert problems(answer, 400)[0][0] == "unsubscribes"
    assert Campaign.objects.count() == 1


# --- lists and searches -----------------------------------------------------------------------------------------------


def test_a_list_has_pages_that_lead_to_each_other(client_of_alice: ApiClient, charlie: Account) -> None:
    Campaign.objects.create(account=charlie, title="his")
    names = [f"{number}" for number in range(7)]
    for name in names:
        client_of_alice.post(SENDS, {"name": name})

    first = client_of_alice.get(f"{SENDS}?page_size=3").json()
    assert [found["name"] for found in first["result"]] == ["6", "5", "4"]
    assert set(first["_metadata"]) == {"self", "next", "count"}
    assert first["_metadata"]["count"] == 7
    second = client_of_alice.get(first["_metadata"]["next"]).json()
    assert [found["name"] for found in second["result"]] == ["3", "2", "1"]
    client_of_alice.post(SENDS, {"name": "made meanwhile"})
    last = client_of_alice.get(second["_metadata"]["next"]).json()
    assert [found["name"] for found in last["result"]] == ["0"]
    assert "next" not in last["_metadata"]
    assert client_of_alice.get(last["_metadata"]["prev"]).json()["result"] == second["result"]
    assert client_of_alice.get(second["_metadata"]["prev"]).json()["result"] == first["result"]
    assert client_of_alice.get(second["_metadata"]["self"]).json()["result"] == second["result"]
    line = first["result"][0]
    assert set(line) == {
        *("id", "name", "abtest", "status", "categories", "send_at", "is_abtest", "updated_at", "created_at")
    }


@pytest.mark.parametrize(
    "query",
    [
        *(f"page_size={size}" for size in ("0", "101", "x", "-1", "%00")),
        *(f"page_token={t}" for t in ("x", "a", "a-1", "%00")),
    ],
)
def test_a_page_must_be_one_of_ours(query: str, client_of_alice: ApiClient) -> None:
    for path in (SENDS, "/v3/marketing/stats/singlesends"):
        assert problems(client_of_alice.get(f"{path}?{query}"), 400)[0][0] == query.partition("=")[0]
    assert problems(client_of_alice.post(f"{SENDS}/search?{query}"), 400)[0][0] == query.partition("=")[0]


def test_a_page_behind_everything_is_empty(client_of_alice: ApiClient) -> None:
    client_of_alice.post(SENDS, {"name": "x"})
    for token in ("a1", "b9999999999", "a0"):
        assert client_of_alice.get(f"{SENDS}?page_token={token}").json()["result"] == []
    assert len(client_of_alice.get(f"{SENDS}?page_token=a9999999999").json()["result"]) == 1


def test_a_search_looks_for_letters_status_and_categories(
    alice: Account, charlie: Account, client_of_alice: ApiClient
) -> None:
    Campaign.objects.create(account=charlie, title="May", categories=["shoes"])
    may = Campaign.objects.create(account=alice, title="News of May 100%", categories=["shoes", "sports"])
    june = Campaign.objects.create(account=alice, title="News of June", categories=["hats"])
    sent = campaign_in(alice, CampaignStatus.SENT)

    def found(body: Any) -> list[str]:
        answer = client_of_alice.post(f"{SENDS}/search", body)
        assert answer.status_code == 200, answer.content
        return [each["id"] for each in answer.json()["result"]]

    everything = [str(each.uuid) for each in (sent, june, may)]
    assert found(None) == found({}) == found({"name": "news"}) == found({"name": None, "status": None}) == everything
    assert found({"name": "0%"}) == [str(may.uuid)]
    assert found({"name": "' or 1=1 --"}) == found({"name": "_"}) == []
    assert found({"status": ["triggered"]}) == [str(sent.uuid)]
    assert found({"status": ["draft", "scheduled"]}) == [str(june.uuid), str(may.uuid)]
    assert found({"status": []}) == found({"categories": []}) == []
    assert found({"categories": ["sports", "hats"]}) == [str(june.uuid), str(may.uuid)]
    assert found({"categories": ["sports"], "name": "june"}) == []
    for body in ({"name": 7}, {"name": "x" * 101}, {"status": "draft"}, {"status": ["sent"]}, {"categories": [1]}):
        assert problems(client_of_alice.post(f"{SENDS}/search", body), 400)[0][0] == next(iter(body))


def test_categories_are_told_once_each(alice: Account, charlie: Account, client_of_alice: ApiClient) -> None:
    assert client_of_alice.get(f"{SENDS}/categories").json() == {"categories": []}
    Campaign.objects.create(account=charlie, title="his", categories=["his"])
    Campaign.objects.create(account=alice, title="x", categories=["shoes", "sports"])
    Campaign.objects.create(account=alice, title="x", categories=["equipment", "shoes"])
    assert client_of_alice.get(f"{SENDS}/categories").json() == {"categories": ["equipment", "shoes", "sports"]}


# --- schedules --------------------------------------------------------------------------------------------------------


def test_a_single_send_is_scheduled_rescheduled_unscheduled_and_sent(
    alice: Account, client_of_alice: ApiClient
) -> None:
    campaign = ready_campaign(alice, html_content="<p>no tag</p>", plain_content="")
    path = path_of(campaign, "/schedule")
    for at in (LATER, EVEN_LATER):
        answer = client_of_alice.put(path, {"send_at": at})
        assert (answer.status_code, answer.json()) == (201, {"send_at": at, "status": "scheduled"})
    assert client_of_alice.put(path, {"send_at": "2090-01-31T09:30:00+01:00"}).json()["send_at"] == LATER
    answer = client_of_alice.delete(path)
    assert (answer.status_code, answer.json()) == (200, {"send_at": None, "status": "draft"})
    answer = client_of_alice.put(path, {"send_at": "now"})
    assert (answer.status_code, answer.json()["status"]) == (201, "scheduled")
    assert client_of_alice.get(path_of(campaign)).json()["status"] == "triggered"
    assert problems(client_of_alice.delete(path), 400) == [
        (None, "This cannot be done now: the Single Send is triggered.", "campaign_conflict")
    ]


@pytest.mark.parametrize(
    "send_at", [None, "", "NOW", "tomorrow", 7, True, "2030-01-31", "2030-01-31T08:30:00", ["now"]]
)
def test_a_time_must_be_one(send_at: Any, alice: Account, client_of_alice: ApiClient) -> None:
    answer = client_of_alice.put(path_of(ready_campaign(alice), "/schedule"), {"send_at": send_at})
    assert problems(answer, 400) == [
        ("send_at", "send_at must be a time like 2030-01-31T08:30:00Z, or now", "bad_request")
    ]


def test_a_time_must_be_in_the_future(alice: Account, client_of_alice: ApiClient) -> None:
    answer = client_of_alice.put(path_of(ready_campaign(alice), "/schedule"), {"send_at": "2020-01-31T08:30:00Z"})
    assert problems(answer, 400) == [
        ("send_at", "Please choose a future time for sending your campaign.", "time_is_past")
    ]


def test_a_single_send_that_lacks_everything_is_told_so(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = Campaign.objects.create(account=alice, title="empty")
    for send_at in ("now", LATER):
        said = problems(client_of_alice.put(path_of(campaign, "/schedule"), {"send_at": send_at}), 400)
        assert {code for _, _, code in said} == {"not_ready"}
        assert [field for field, _, _ in said] == [
            *("email_config.subject", "email_config.sender_id", "email_config.plain_content", "send_to.list_ids"),
            "email_config.suppression_group_id",
        ]
    assert again(campaign).status == CampaignStatus.DRAFT


def test_everybody_is_an_audience(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice, lists=[], is_to_all=True)
    assert client_of_alice.put(path_of(campaign, "/schedule"), {"send_at": "now"}).status_code == 201


def test_a_single_send_that_failed_says_why(alice: Account, client_of_alice: ApiClient) -> None:
    found = client_of_alice.get(path_of(campaign_in(alice, CampaignStatus.FAILED))).json()
    assert found["status"] == "triggered"
    assert found["warnings"] == [{"message": "there is nobody in its audience", "field": None, "warning_id": "failed"}]


# --- test mail --------------------------------------------------------------------------------------------------------


def test_test_mail_goes_from_a_sender_by_number_or_address(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    for said in ({"sender_id": campaign.sender_id}, {"from_address": "News@example.com"}):
        answer = client_of_alice.post(TEST, {"template_id": str(campaign.uuid), "emails": ["a@b.c", "d@e.f"], **said})
        assert (answer.status_code, answer.json()) == (202, {})
    assert Message.objects.count() == 4
    link = "https://example.com/leave"
    answer = client_of_alice.post(
        TEST,
        {
            "template_id": str(campaign.uuid),
            "emails": ["a@b.c"],
            "sender_id": campaign.sender_id,
            "custom_unsubscribe_url": link,
        },
    )
    assert answer.status_code == 202
    newest = Mail.objects.latest("pk")
    assert (newest.unsubscribe_url, newest.unsubscribe_group_id) == (link, None)
    assert again(campaign).custom_unsubscribe_url == "", "it is only tried out"


def test_what_is_wrong_with_test_mail_is_said(alice: Account, charlie: Account, client_of_alice: ApiClient) -> None:
    campaign, his = ready_campaign(alice), ready_campaign(charlie)
    good = {"template_id": str(campaign.uuid), "emails": ["a@b.c"], "sender_id": campaign.sender_id}
    for said, field in (
        *(({"template_id": value}, "template_id") for value in (None, 7, "x", UNKNOWN, str(his.uuid))),
        *(({"emails": value}, "emails") for value in (None, [], ["x"], [f"{n}@b.c" for n in range(11)])),
        *(({"sender_id": value}, "sender_id") for value in (None, "1", 2**31, his.sender_id)),
        ({"sender_id": add_sender(alice, is_verified=False).pk}, "sender_id"),
        ({"sender_id": None, "from_address": "stranger@example.com"}, "sender_id"),
        ({"from_address": "x"}, "from_address"),
        ({"suppression_group_id": his.suppression_group_id}, "suppression_group_id"),
        (
            {"suppression_group_id": campaign.suppression_group_id, "custom_unsubscribe_url": "https://a.b"},
            "unsubscribes",
        ),
        ({"version_id_override": UNKNOWN}, "version_id_override"),
    ):
        answer = client_of_alice.post(TEST, {**good, **said})
        assert problems(answer, 400)[0][0] == field, said
    assert not Mail.objects.exists()


# --- who may ----------------------------------------------------------------------------------------------------------

CALLS = {
    "create": [("POST", SENDS), ("POST", f"{SENDS}/{UNKNOWN}"), ("POST", TEST)],
    "read": [
        *(("GET", SENDS), ("GET", f"{SENDS}/{UNKNOWN}"), ("GET", f"{SENDS}/categories"), ("POST", f"{SENDS}/search")),
        *(("GET", "/v3/marketing/stats/singlesends"), ("GET", f"/v3/marketing/stats/singlesends/{UNKNOWN}")),
        *(
            ("GET", f"/v3/marketing/stats/singlesends/{UNKNOWN}/links"),
            ("GET", "/v3/marketing/stats/singlesends/export"),
        ),
    ],
    "update": [("PATCH", f"{SENDS}/{UNKNOWN}"), ("PUT", f"{SENDS}/{UNKNOWN}/schedule")],
    "delete": [("DELETE", SENDS), ("DELETE", f"{SENDS}/{UNKNOWN}"), ("DELETE", f"{SENDS}/{UNKNOWN}/schedule")],
}


@pytest.mark.parametrize("verb", CALLS)
def test_each_call_needs_the_scope_of_its_verb_under_either_name(
    verb: str, alice: Account, new_client: NewClient
) -> None:
    others = [f"{name}.{other}" for name in ("marketing", "marketing_campaigns") for other in CALLS if other != verb]
    lacking = new_client(alice, scopes=others)
    holding = [new_client(alice, scopes=[f"{name}.{verb}"]) for name in ("marketing", "marketing_campaigns")]
    for method, path in CALLS[verb]:
        assert problems(lacking.ask(method, path), 403) == [(None, "access forbidden", "forbidden")], (method, path)
        for client in holding:
            assert client.ask(method, path).status_code in {200, 400, 404}, (method, path)


def test_without_a_key_nothing_is_told(database: None, client_of_alice: ApiClient) -> None:
    for path in (SENDS, f"{SENDS}/{UNKNOWN}", "/v3/marketing/stats/singlesends"):
        answer = client_of_alice.get(path, headers={"Authorization": "Bearer SG.unknown"})
        assert problems(answer, 401) == [(None, "authorization required", "unauthorized")]


@pytest.mark.parametrize("path", ["/v3/marketing/nothing", "/v3/marketing/singlesends/x/y", "/v3/marketing/%00"])
def test_where_there_is_nothing_the_family_says_so(path: str, client_of_alice: ApiClient) -> None:
    assert problems(client_of_alice.get(path), 404) == [(None, "not found", "not_found")]


def test_a_fault_of_ours_is_told_in_the_familys_envelope(
    client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(views, "categories_of", fail)
    client_of_alice.http.raise_request_exception = False
    answer = client_of_alice.get(f"{SENDS}/categories")
    assert problems(answer, 500) == [(None, "internal server error", "internal_server_error")]
