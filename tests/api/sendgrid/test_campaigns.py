"""Legacy campaigns: what they hold, who may see them, and every word about what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from api.sendgrid.views import campaigns as views
from campaigns.audience.models import ContactList, Segment
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from foundation.clock import database_now
from mailer.models import Mail, Message, UnsubscribeGroup
from tests.api.conftest import ApiClient, NewClient
from tests.campaigns.building import add_list, add_sender, again, campaign_in, ready_campaign

CAMPAIGNS = "/v3/campaigns"
NOT_FOUND = {"errors": [{"field": None, "message": "not found"}]}
BAD_JSON = {"errors": [{"field": None, "message": "The JSON you have submitted cannot be parsed."}]}
BOTH_LINKS = (
    "Either suppression_group_id or custom_unsubscribe_url may be set/used, but not both. Please remove one before "
    "setting the other."
)
HTML = "<p>Hello <a href='[unsubscribe]'>leave</a></p>"
MEGABYTE = 2**20


def in_an_hour() -> int:
    return int(database_now().timestamp()) + 3600


def problems(answer: Any, status: int) -> list[tuple[str | None, str]]:
    """What a refusal says, by field, in its order."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    for found in answer.json()["errors"]:
        assert list(found) == ["field", "message"]
    return [(found["field"], found["message"]) for found in answer.json()["errors"]]


def path_of(campaign: Campaign, behind: str = "") -> str:
    return f"{CAMPAIGNS}/{campaign.pk}{behind}"


@pytest.fixture
def parts(alice: Account) -> dict[str, Any]:
    """All that a campaign can name, of Alice's."""
    return {
        "sender_id": add_sender(alice).pk,
        "list_ids": [add_list(alice, [], "one").pk, add_list(alice, [], "two").pk],
        "segment_ids": [
            Segment.objects.create(account=alice, name="some", condition={}, dialect="legacy", written=[]).pk
        ],
        "suppression_group_id": UnsubscribeGroup.objects.create(account=alice, name="news").pk,
    }


# --- create, read, change, delete -------------------------------------------------------------------------------------


def test_a_title_is_enough(client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post(CAMPAIGNS, {"title": "March"})
    assert answer.status_code == 201
    assert answer.json() == {
        "id": Campaign.objects.get().pk,
        "title": "March",
        "subject": None,
        "sender_id": None,
        "list_ids": [],
        "segment_ids": [],
        "categories": [],
        "suppression_group_id": None,
        "custom_unsubscribe_url": "",
        "ip_pool": None,
        "html_content": None,
        "plain_content": None,
        "editor": "code",
        "status": "Draft",
    }


def test_everything_given_is_kept_and_what_is_unknown_ignored(
    client_of_alice: ApiClient, parts: dict[str, Any]
) -> None:
    given = {
        "title": "March Newsletter",
        "subject": "New Products for Spring!",
        **parts,
        "categories": ["spring line"],
        "custom_unsubscribe_url": "",
        "ip_pool": "marketing",
        "html_content": HTML,
        "plain_content": "Check [unsubscribe]",
        "editor": "design",
    }
    answer = client_of_alice.post(CAMPAIGNS, {**given, "id": 986724, "status": "Sent", "unheard": {"of": [1]}})
    assert answer.status_code == 201, answer.content
    assert answer.json() == {**given, "id": Campaign.objects.get().pk, "status": "Draft"}
    assert client_of_alice.get(path_of(Campaign.objects.get())).json() == answer.json()


def test_a_change_leaves_alone_what_it_does_not_name_and_null_empties(
    client_of_alice: ApiClient, parts: dict[str, Any]
) -> None:
    made = client_of_alice.post(CAMPAIGNS, {"title": "March", "subject": "Hi", **parts, "ip_pool": "pool"}).json()
    path = f"{CAMPAIGNS}/{made['id']}"

    changed = client_of_alice.patch(path, {"title": "May", "html_content": HTML})
    assert (changed.status_code, changed.json()) == (200, {**made, "title": "May", "html_content": HTML})

    emptied = client_of_alice.patch(path, dict.fromkeys([*parts, "subject", "ip_pool", "html_content"])).json()
    assert emptied == {
        **made,
        "title": "May",
        "subject": None,
        "ip_pool": None,
        "html_content": None,
        "sender_id": None,
        "list_ids": [],
        "segment_ids": [],
        "suppression_group_id": None,
    }
    assert client_of_alice.patch(path, made).json() == made, "what was read can be written back"


def test_campaigns_are_listed_newest_first_in_parts(client_of_alice: ApiClient) -> None:
    assert client_of_alice.get(CAMPAIGNS).json() == {"result": []}
    for number in range(12):
        assert client_of_alice.post(CAMPAIGNS, {"title": f"{number}"}).status_code == 201

    def titles(query: str) -> list[str]:
        answer = client_of_alice.get(f"{CAMPAIGNS}{query}")
        assert answer.status_code == 200
        return [found["title"] for found in answer.json()["result"]]

    assert titles("") == [str(number) for number in range(11, 1, -1)]
    assert titles("?limit=3&offset=1") == ["10", "9", "8"]
    assert titles("?limit=100&offset=10") == ["1", "0"]
    assert titles("?offset=50") == []
    for query in (
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=-1",
        "offset=-1",
        "offset=1e3",
        "limit=%00",
        "offset=1%002",
    ):
        assert client_of_alice.get(f"{CAMPAIGNS}?{query}").status_code == 400, query


def test_a_deleted_campaign_is_gone_for_every_call(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    answer = client_of_alice.delete(path_of(campaign))
    assert (answer.status_code, answer.content) == (204, b"")
    assert "X-Sluice-Receipt" not in answer
    assert_unknown(client_of_alice, str(campaign.pk))
    assert client_of_alice.get(CAMPAIGNS).json() == {"result": []}


@pytest.mark.parametrize(
    "campaign_id", ["0", "2147483648", "99999999999999999999", "x", "-1", "1.0", "%00", "1%0a", "٣", "0x1"]
)
def test_what_is_no_campaigns_number_is_unknown(campaign_id: str, client_of_alice: ApiClient) -> None:
    assert_unknown(client_of_alice, campaign_id)


def test_another_accounts_campaign_is_unknown_and_its_parts_do_not_exist(
    alice: Account, charlie: Account, client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    hers, his = ready_campaign(alice), ready_campaign(charlie)
    assert_unknown(client_of_charlie, str(hers.pk))
    assert again(hers).deleted_at is None
    assert [found["id"] for found in client_of_charlie.get(CAMPAIGNS).json()["result"]] == [his.pk]

    segment = Segment.objects.create(account=charlie, name="his", condition={}, dialect="legacy", written=[])
    answer = client_of_alice.patch(
        path_of(hers),
        {
            "title": "mine",
            "sender_id": his.sender_id,
            "list_ids": [*(each.pk for each in hers.lists.all()), *(each.pk for each in his.lists.all())],
            "segment_ids": [segment.pk],
            "suppression_group_id": his.suppression_group_id,
        },
    )
    assert problems(answer, 400) == [
        ("sender_id", "sender_id does not exist"),
        ("list_ids", "list_ids do not all exist"),
        ("segment_ids", "segment_ids do not all exist"),
        ("suppression_group_id", "suppression_group_id does not exist"),
    ]
    assert again(hers).title == "News of May"


def assert_unknown(client: ApiClient, campaign_id: str) -> None:
    calls = [
        *(("GET", "", None), ("PATCH", "", {"title": "x"}), ("DELETE", "", None), ("GET", "/schedules", None)),
        *(("POST", "/schedules", {"send_at": in_an_hour()}), ("PATCH", "/schedules", {"send_at": in_an_hour()})),
        *(("DELETE", "/schedules", None), ("POST", "/schedules/now", None)),
        ("POST", "/schedules/test", {"to": "a@example.com"}),
    ]
    for method, behind, body in calls:
        answer = client.ask(method, f"{CAMPAIGNS}/{campaign_id}{behind}", body)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND), (method, behind)


# --- what is wrong with a campaign ------------------------------------------------------------------------------------

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
    "a pool of two lines": ({"ip_pool": "a\nb"}, "ip_pool", "The ip pool you provided is invalid"),
    "an unknown group": (
        {"suppression_group_id": 2**31 - 1},
        "suppression_group_id",
        "suppression_group_id does not exist",
    ),
    "a script as link": (
        {"custom_unsubscribe_url": "javascript:alert(1)"},
        "custom_unsubscribe_url",
        "custom_unsubscribe_url must be a http or https address of at most 900 visible ASCII characters",
    ),
    "a link that would end a header": (
        {"custom_unsubscribe_url": "https://a.example/>\r\nBcc: b@example.com"},
        "custom_unsubscribe_url",
        "custom_unsubscribe_url must be a http or https address of at most 900 visible ASCII characters",
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


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_and_nothing_stored(name: str, alice: Account, client_of_alice: ApiClient) -> None:
    given, field, text = WRONG[name]
    assert problems(client_of_alice.post(CAMPAIGNS, {"title": "x", **given}), 400) == [(field, text)]
    assert not Campaign.objects.exists()

    campaign = Campaign.objects.create(account=alice, title="kept")
    assert problems(client_of_alice.patch(path_of(campaign), {"subject": "new", **given}), 400) == [(field, text)]
    assert (again(campaign).title, again(campaign).subject) == ("kept", "")


def test_all_that_is_wrong_is_said_at_once(client_of_alice: ApiClient) -> None:
    body = {"title": "", "sender_id": "x", "categories": [1], "editor": 3}
    said = problems(client_of_alice.post(CAMPAIGNS, body), 400)
    assert [field for field, _ in said] == ["title", "sender_id", "categories", "editor"]


def test_a_sender_must_be_verified(alice: Account, client_of_alice: ApiClient) -> None:
    unverified = {"title": "x", "sender_id": add_sender(alice, is_verified=False).pk}
    said = [("sender_id", "sender_id is not a verified sender identity")]
    assert problems(client_of_alice.post(CAMPAIGNS, unverified), 400) == said
    assert problems(client_of_alice.patch(path_of(ready_campaign(alice)), unverified), 400) == said
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


def test_an_account_has_so_many_campaigns(
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


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"null", b'{"title": "a\\u0000b"}', b'{"title": "\\ud800"}']
)
def test_what_is_no_json_object_cannot_be_parsed(body: bytes, alice: Account, client_of_alice: ApiClient) -> None:
    path = path_of(ready_campaign(alice))
    for method, where in (
        *(("POST", CAMPAIGNS), ("PATCH", path), ("POST", f"{path}/schedules"), ("PATCH", f"{path}/schedules")),
        ("POST", f"{path}/schedules/test"),
    ):
        answer = client_of_alice.ask(method, where, body)
        assert (answer.status_code, answer.json()) == (400, BAD_JSON), (method, where)
    assert Campaign.objects.get().title == "News of May"


# --- schedules --------------------------------------------------------------------------------------------------------


def test_a_campaign_is_scheduled_rescheduled_unscheduled_and_sent(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    path, at = path_of(campaign, "/schedules"), in_an_hour()

    answer = client_of_alice.post(path, {"send_at": at})
    assert (answer.status_code, answer.json()) == (201, {"id": campaign.pk, "send_at": at, "status": "Scheduled"})
    assert client_of_alice.get(path).json() == {"send_at": at}
    answer = client_of_alice.patch(path, {"send_at": at + 60})
    assert (answer.status_code, answer.json()) == (200, {"id": campaign.pk, "send_at": at + 60, "status": "Scheduled"})
    answer = client_of_alice.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert client_of_alice.get(path_of(campaign)).json()["status"] == "Draft"
    assert client_of_alice.get(path).json() == NOT_FOUND
    answer = client_of_alice.post(f"{path}/now")
    assert (answer.status_code, answer.json()) == (201, {"id": campaign.pk, "status": "Scheduled"})
    assert client_of_alice.get(path_of(campaign)).json()["status"] == "In Progress"


def test_a_campaign_that_lacks_everything_is_told_so(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = Campaign.objects.create(account=alice, title="empty", html_content="<p>no tag</p>")
    lacks = [
        ("subject", "subject can't be blank"),
        ("sender_id", "sender_id can't be blank"),
        ("list_ids", "You must select at least 1 segment or 1 list to send to."),
        (
            "suppression_group_id",
            "Either a suppression_group_id or custom_unsubscribe_url is required to send a campaign.",
        ),
        ("unsubscribe_tag", "An [unsubscribe] tag in both your html and plain content is required to send a campaign."),
    ]
    for behind, body in (("/schedules", {"send_at": in_an_hour()}), ("/schedules/now", None)):
        assert problems(client_of_alice.post(path_of(campaign, behind), body), 400) == lacks
    Campaign.objects.filter(pk=campaign.pk).update(html_content="", sender=add_sender(alice, is_verified=False))
    answer = client_of_alice.post(path_of(campaign, "/schedules/now"))
    assert problems(answer, 400)[1:3] == [
        ("sender_id", "sender_id is not a verified sender identity"),
        ("plain_content", "plain_content can't be blank, please provide plain text or html content"),
    ]
    assert again(campaign).status == CampaignStatus.DRAFT


def test_the_tag_must_be_in_each_content_there_is(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice, plain_content="no tag")
    answer = client_of_alice.post(path_of(campaign, "/schedules"), {"send_at": in_an_hour()})
    assert [field for field, _ in problems(answer, 400)] == ["unsubscribe_tag"]
    client_of_alice.patch(path_of(campaign), {"plain_content": None})
    assert client_of_alice.post(path_of(campaign, "/schedules"), {"send_at": in_an_hour()}).status_code == 201


@pytest.mark.parametrize("send_at", [None, "1893456000", True, 1.5, -1, 0, 1_400_000_000, 10**300, [1], {"at": 1}])
def test_a_time_must_be_in_the_future(send_at: Any, alice: Account, client_of_alice: ApiClient) -> None:
    said = [("send_at", "Please choose a future time for sending your campaign.")]
    draft, scheduled = ready_campaign(alice), campaign_in(alice, CampaignStatus.SCHEDULED)
    assert problems(client_of_alice.post(path_of(draft, "/schedules"), {"send_at": send_at}), 400) == said
    assert problems(client_of_alice.patch(path_of(scheduled, "/schedules"), {"send_at": send_at}), 400) == said
    assert problems(client_of_alice.patch(path_of(scheduled, "/schedules"), {}), 400) == said
    assert again(scheduled).send_at == scheduled.send_at


NOT_DRAFT = [each for each in CampaignStatus if each is not CampaignStatus.DRAFT]


@pytest.mark.parametrize("status", NOT_DRAFT)
def test_only_a_draft_can_be_changed_scheduled_or_sent(
    status: CampaignStatus, alice: Account, client_of_alice: ApiClient
) -> None:
    campaign = campaign_in(alice, status)
    for method, behind, body, text in (
        ("PATCH", "", {"title": "x"}, "You may only update a campaign when it is in draft mode."),
        (
            "POST",
            "/schedules",
            {"send_at": in_an_hour()},
            "You cannot POST to a campaign that has already sent or scheduled. However you can update a scheduled "
            "campaign with a PATCH.",
        ),
        ("POST", "/schedules/now", None, "You may only send a campaign when it is in draft mode."),
    ):
        assert problems(client_of_alice.ask(method, path_of(campaign, behind), body), 403) == [(None, text)]


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (CampaignStatus.QUEUED, "This campaign is already In Progress."),
        (CampaignStatus.SENDING, "This campaign is already In Progress."),
        (CampaignStatus.SENT, "This campaign is already Sent."),
        (CampaignStatus.PAUSED, "This campaign is already Paused."),
        (CampaignStatus.CANCELED, "This campaign is already Canceled."),
        (CampaignStatus.FAILED, "This campaign is already Canceled."),
    ],
)
def test_only_a_scheduled_campaign_can_be_unscheduled_or_get_another_time(
    status: CampaignStatus, text: str, alice: Account, client_of_alice: ApiClient
) -> None:
    campaign = campaign_in(alice, status)
    path = path_of(campaign, "/schedules")
    assert problems(client_of_alice.delete(path), 403) == [(None, text)]
    assert problems(client_of_alice.patch(path, {"send_at": in_an_hour()}), 403) == [
        ("send_at", "You cannot update the send_at value of non-scheduled campaign.")
    ]
    assert client_of_alice.get(path).json() == {"send_at": int(campaign.send_at.timestamp())}  # type: ignore[union-attr]


def test_a_draft_has_no_schedule(alice: Account, client_of_alice: ApiClient) -> None:
    path = path_of(ready_campaign(alice), "/schedules")
    assert client_of_alice.get(path).json() == NOT_FOUND
    assert client_of_alice.delete(path).json() == NOT_FOUND
    assert problems(client_of_alice.patch(path, {"send_at": in_an_hour()}), 403)[0][0] == "send_at"


def test_a_fault_while_sending_has_its_own_words(
    alice: Account, client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    campaign = ready_campaign(alice)
    monkeypatch.setattr(views, "send_now", fail)
    answer = client_of_alice.post(path_of(campaign, "/schedules/now"), headers={"Idempotency-Key": "once"})
    assert problems(answer, 500) == [(None, "Failed to send your campaign.")]
    monkeypatch.undo()
    answer = client_of_alice.post(path_of(campaign, "/schedules/now"), headers={"Idempotency-Key": "once"})
    assert answer.status_code == 201


# --- tests ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", ["a@example.com", ["a@example.com"], [f"{n}@example.com" for n in range(10)]])
def test_a_test_goes_to_one_address_or_ten(to: Any, alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    answer = client_of_alice.post(path_of(campaign, "/schedules/test"), {"to": to})
    assert (answer.status_code, answer.content) == (204, b"")
    recipients = set(Message.objects.values_list("recipient", flat=True))
    assert recipients == {to} if isinstance(to, str) else set(to)
    assert again(campaign).status == CampaignStatus.DRAFT


@pytest.mark.parametrize(
    ("to", "text"),
    [
        *((to, "Please provide an email address to which the test should be sent.") for to in (None, "", [], "x", 7)),
        *((to, "Please provide an email address to which the test should be sent.") for to in ([""], ["a@b.c", 7])),
        ([f"{n}@example.com" for n in range(11)], "You can only send tests to 10 addresses at a time."),
    ],
)
def test_a_test_needs_addresses(to: Any, text: str, alice: Account, client_of_alice: ApiClient) -> None:
    answer = client_of_alice.post(path_of(ready_campaign(alice), "/schedules/test"), {"to": to})
    assert problems(answer, 400) == [("to", text)]
    assert not Mail.objects.exists()


def test_a_test_needs_subject_content_and_sender(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = Campaign.objects.create(account=alice, title="empty")
    answer = client_of_alice.post(path_of(campaign, "/schedules/test"), {"to": "a@example.com"})
    assert problems(answer, 400) == [
        ("subject", "Please add a subject to your campaign before sending a test."),
        ("sender_id", "Please assign a sender identity to your campaign before sending a test."),
        (
            "plain_content",
            "Plain content and html content can't both be blank. Please set one of these values before sending a test.",
        ),
    ]
    assert not Mail.objects.exists()


# --- who may ----------------------------------------------------------------------------------------------------------


CALLS = {
    "create": [
        ("POST", ""),
        ("POST", "/{id}/schedules"),
        ("POST", "/{id}/schedules/now"),
        ("POST", "/{id}/schedules/test"),
    ],
    "read": [("GET", ""), ("GET", "/{id}"), ("GET", "/{id}/schedules")],
    "update": [("PATCH", "/{id}"), ("PATCH", "/{id}/schedules")],
    "delete": [("DELETE", "/{id}/schedules"), ("DELETE", "/{id}")],
}


@pytest.mark.parametrize("verb", CALLS)
def test_each_call_needs_the_scope_of_its_verb(verb: str, alice: Account, new_client: NewClient) -> None:
    campaign = ready_campaign(alice)
    lacking = new_client(alice, scopes=[f"marketing_campaigns.{other}" for other in CALLS if other != verb])
    holding = new_client(alice, scopes=[f"marketing_campaigns.{verb}"])
    forbidden = {"errors": [{"field": None, "message": "access forbidden"}]}
    for method, behind in CALLS[verb]:
        path = CAMPAIGNS + behind.format(id=campaign.pk)
        assert lacking.ask(method, path, {}).json() == forbidden, (method, path)
        answer = holding.ask(method, path, {})
        assert not answer.content or answer.json() != forbidden, (method, path)


def test_a_list_that_was_deleted_is_no_audience(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    ContactList.objects.update(deleted_at=database_now())
    assert client_of_alice.get(path_of(campaign)).json()["list_ids"] == []
    answer = client_of_alice.post(path_of(campaign, "/schedules/now"))
    assert [field for field, _ in problems(answer, 400)] == ["list_ids"]


def test_a_parent_acts_for_a_subuser_whose_campaigns_are_its_own(
    subuser: Account, client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    for_subuser = {"On-Behalf-Of": subuser.username}
    made = client_of_alice.post(CAMPAIGNS, {"title": "theirs"}, headers=for_subuser).json()
    path = f"{CAMPAIGNS}/{made['id']}"
    assert client_of_alice.get(path, headers=for_subuser).json() == made
    assert client_of_alice.get(path).json() == NOT_FOUND
    assert client_of_alice.get(CAMPAIGNS).json() == {"result": []}
    assert problems(client_of_charlie.get(path, headers=for_subuser), 403) == [(None, "access forbidden")]
