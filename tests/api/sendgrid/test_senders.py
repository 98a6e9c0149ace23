"""Senders: the legacy API and the newer one behave alike."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.editing import create_campaign
from campaigns.models import Campaign, Sender
from campaigns.senders import verification_link, verify_sender
from campaigns.states import CampaignStatus
from mailer.models import Mail
from tests.api.conftest import ApiClient, NewClient
from tests.api.sendgrid.audience import refusal_of
from tests.api.sendgrid.sender_calls import LEGACY, MARKETING, SENDER, new_sender
from tests.campaigns.building import campaign_in
from tests.examples import few_rows_by_default


def verify(number: int) -> None:
    verify_sender(verification_link(Sender.objects.get(pk=number)).rpartition("/")[2])


@pytest.mark.parametrize(
    ("path", "key"), few_rows_by_default([(LEGACY, "result"), (MARKETING, "results")], (LEGACY, "result"))
)
def test_a_sender_is_created_shown_changed_and_deleted(path: str, key: str, client_of_alice: ApiClient) -> None:
    ask = client_of_alice.ask
    made = new_sender(client_of_alice, path)
    stamps = {name: made[name] for name in ("created_at", "updated_at")}
    assert all(isinstance(at, int) for at in stamps.values())
    assert made == {"id": made["id"], **SENDER, "verified": False, "locked": False, **stamps}
    assert Mail.objects.get().subject == "Confirm from@example.com as a sender"
    sender_path = f"{path}/{made['id']}"
    assert ask("GET", sender_path).json() == made
    assert ask("GET", path).json() == {key: [made]}
    answer = ask("PATCH", sender_path, {"nickname": "Letters", "from": {"name": "Us"}, "zip": None})
    assert answer.status_code == 200
    assert (answer.json()["from"], answer.json()["zip"]) == ({"email": "from@example.com", "name": "Us"}, "")
    answer = ask("POST", f"{sender_path}/resend_verification")
    assert (answer.status_code, answer.content, Mail.objects.count()) == (204, b"", 2)
    verify(made["id"])
    assert ask("GET", sender_path).json()["verified"] is True
    refusal = ask("POST", f"{sender_path}/resend_verification")
    assert refusal_of(refusal) == (400, [("", "The Sender Identity is already verified.  No email sent.")])
    assert list(refusal.json()["errors"][0]) == ["message", "field"]
    assert ask("PATCH", sender_path, {"from": {"email": "other@example.com"}}).json()["verified"] is False
    assert ask("DELETE", sender_path).status_code == 204
    for method, suffix in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/resend_verification")):
        assert refusal_of(ask(method, sender_path + suffix, {})) == (404, [("id", "resource not found")])


MISSING = {
    "nickname": {"nickname": ""},
    "from_name": {"from": {"email": "from@example.com"}},
    "from_email": {"from": {"name": "Example"}},
    "reply_to": {"reply_to": {}},
    "address": {"address": None},
    "city": {"city": "  "},
    "country": {"country": ""},
}


def test_each_part_that_is_required_is_named(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    made = new_sender(client_of_alice, nickname="Other")
    for part in MISSING:
        with subtests.test(part=part):
            for method, path in (("POST", LEGACY), ("PATCH", f"{LEGACY}/{made['id']}")):
                changes = {
                    name: {"email": "", "name": "", **value} if isinstance(value, dict) else value
                    for name, value in MISSING[part].items()
                }
                status, problems = refusal_of(client_of_alice.ask(method, path, SENDER | changes))
                assert status == 400
                assert (part, f"{part} is required.") in problems
            assert Sender.objects.count() == 1


NO_SENDERS = [
    ({"from": {"email": "nobody", "name": "x"}}, "from_email", "From email is not a valid email address."),
    (
        {"from": {"email": "a@example.com\r\nBcc: b@example.com", "name": "x"}},
        "from_email",
        "From email is not a valid email address.",
    ),
    ({"reply_to": {"email": "a b@example.com"}}, "reply_to", "Reply to email is not a valid email address."),
    ({"from": {"email": "a@example.com", "name": "x\r\nBcc: y"}}, "from_name", "from_name is not valid."),
    ({"from": {"email": "a@example.com", "name": 7}}, "from_name", "from_name must be a string."),
    ({"from": "a@example.com"}, "from", "from must be an object."),
    ({"reply_to": []}, "reply_to", "reply_to must be an object."),
    ({"city": ["Bonn"]}, "city", "city must be a string."),
    ({"zip": "x" * 256}, "zip", "zip is not valid."),
    ({"nickname": "x" * 101}, "nickname", "nickname is not valid."),
]


def test_an_invalid_sender_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for changes, field, text in NO_SENDERS:
        with subtests.test(changes=changes, field=field, text=text):
            assert refusal_of(client_of_alice.post(MARKETING, SENDER | changes)) == (400, [(field, text)])
            assert not Sender.objects.exists()
            assert not Mail.objects.exists()


def test_malformed_json_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for body in [b"", b"{", b"[]", b"7"]:
        with subtests.test(body=body):
            answer = client_of_alice.post(LEGACY, body)
            assert refusal_of(answer) == (400, [("", "The JSON you have submitted cannot be parsed.")])


def test_a_nickname_is_taken_once_and_there_is_a_limit(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, settings: Any
) -> None:
    new_sender(client_of_alice)
    taken = [("nickname", "You already have a sender identity with the same nickname.")]
    assert refusal_of(client_of_alice.post(LEGACY, SENDER | {"nickname": "NEWS"})) == (400, taken)
    settings.SENDERS_LIMIT = 1
    message = "You've reached your limit of 1 sender identities. Please delete one or more and try again."
    assert refusal_of(client_of_alice.post(LEGACY, SENDER | {"nickname": "Two"})) == (400, [("", message)])
    new_sender(client_of_charlie)


def test_a_sender_that_a_campaign_needs_is_locked(client_of_alice: ApiClient) -> None:
    made = new_sender(client_of_alice)
    path = f"{LEGACY}/{made['id']}"
    verify(made["id"])
    campaign = campaign_in(client_of_alice.account, CampaignStatus.PAUSED)
    Campaign.objects.filter(pk=campaign.pk).update(sender=made["id"])
    assert client_of_alice.get(path).json()["locked"] is True, "a paused campaign may be resumed"
    create_campaign(client_of_alice.account, {"title": "March", "sender": made["id"]})
    assert client_of_alice.get(path).json()["locked"] is True
    message = "You may only {} a sender identity when it is unlocked."
    assert refusal_of(client_of_alice.patch(path, {"city": "Köln"})) == (403, [("locked", message.format("update"))])
    assert refusal_of(client_of_alice.delete(path)) == (403, [("locked", message.format("delete"))])


def test_another_accounts_sender_is_unknown(client_of_alice: ApiClient, client_of_charlie: ApiClient) -> None:
    made = new_sender(client_of_alice)
    for number in (made["id"], "x", "0", "9" * 30):
        for base in (LEGACY, MARKETING):
            for method, suffix in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/resend_verification")):
                answer = client_of_charlie.ask(method, f"{base}/{number}{suffix}", {"city": "x"})
                assert refusal_of(answer) == (404, [("id", "resource not found")])
    assert client_of_charlie.get(LEGACY).json() == {"result": []}


def test_the_newer_scopes_are_for_the_newer_api(new_client: NewClient, client_of_alice: ApiClient) -> None:
    newer = new_client(client_of_alice.account, ["marketing.read"])
    assert newer.get(MARKETING).status_code == 200
    assert newer.get(LEGACY).status_code == 403
    legacy = new_client(client_of_alice.account, ["marketing_campaigns.read"])
    assert legacy.get(MARKETING).status_code == legacy.get(LEGACY).status_code == 200
