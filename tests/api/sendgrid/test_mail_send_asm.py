"""Test the call POST /v3/mail/send: the unsubscribe group of a mail, and the suppressions that it bypasses."""

from __future__ import annotations

from typing import Any

import pytest
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import (
    Asm,
    BypassBounceManagement,
    BypassUnsubscribeManagement,
    GroupId,
    GroupsToDisplay,
    Mail,
    MailSettings,
)

from accounts.models import Account
from mailer.draft import Bypass
from mailer.models import Mail as StoredMail
from mailer.models import UnsubscribeGroup
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.groups import create_group, delete_group
from mailer.suppressions.lists import leave_group
from tests.api.conftest import ApiClient
from tests.api.sendgrid.bodies import mail_body
from tests.examples import further
from tests.peer import CountingPeer

SEND = "/v3/mail/send"
ANCHOR = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."


@pytest.fixture
def news(alice: Account) -> UnsubscribeGroup:
    """Create an unsubscribe group of Alice."""
    return create_group(alice, name="News", description="x")


def refused(answer: Any) -> tuple[str, str, str]:
    """Return message, field and help of the only error."""
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    return error["message"], error["field"], error["help"]


def test_a_mail_is_stored_with_its_groups(client_of_alice: ApiClient, news: UnsubscribeGroup) -> None:
    other = create_group(client_of_alice.account, name="Other", description="x")
    asm = {"group_id": news.pk, "groups_to_display": [other.pk, news.pk]}
    assert client_of_alice.post(SEND, mail_body(asm=asm)).status_code == 202
    mail = StoredMail.objects.get()
    assert (mail.unsubscribe_group, mail.groups_to_display) == (news, [other.pk, news.pk])


def test_a_mail_of_several_messages_keeps_them_too(client_of_alice: ApiClient, news: UnsubscribeGroup) -> None:
    people = [{"to": [{"email": f"p{n}@example.com"}]} for n in range(3)]
    body = mail_body(personalizations=people, asm={"group_id": news.pk})
    assert client_of_alice.post(SEND, body).status_code == 202
    assert StoredMail.objects.get().unsubscribe_group == news


def test_an_unknown_group_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for group_id in [0, -1, 7, 2**31, 2**63, 10**400]:
        for is_sandboxed in [False, True]:
            with subtests.test(group_id=group_id, is_sandboxed=is_sandboxed):
                body = mail_body(asm={"group_id": group_id}, mail_settings={"sandbox_mode": {"enable": is_sandboxed}})
                for _ in range(2):  # the second time the key comes recalled
                    message, field, help = refused(client_of_alice.post(SEND, body))
                    words = (
                        f"The ASM group ID must be a valid Group ID on your account. You provided {str(group_id)[:20]}."
                    )
                    assert (message, field, help) == (words, "asm.group_id", f"{ANCHOR}asm.group_id")
                assert not StoredMail.objects.exists()


def test_another_accounts_or_a_deleted_group_is_unknown(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, news: UnsubscribeGroup
) -> None:
    body = mail_body(asm={"group_id": news.pk})
    assert refused(client_of_charlie.post(SEND, body))[1] == "asm.group_id"
    delete_group(client_of_alice.account, news.pk)
    assert refused(client_of_alice.post(SEND, body))[1] == "asm.group_id"


def test_all_groups_to_display_must_be_the_accounts(
    client_of_alice: ApiClient, charlie: Account, news: UnsubscribeGroup
) -> None:
    others = create_group(charlie, name="Others", description="x")
    asm = {"group_id": news.pk, "groups_to_display": [others.pk, news.pk, 2**40]}
    message, field, help = refused(client_of_alice.post(SEND, mail_body(asm=asm)))
    words = "All ASM groups to display must be valid ASM groups IDs on your account."
    assert message == f"{words} You provided {others.pk}, {2**40}."
    assert (field, help) == ("asm.groups_to_display", f"{ANCHOR}asm.groups_to_display")


def test_a_bypass_is_stored(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for names, bypass in [
        ([], Bypass.NOTHING),
        (["list"], Bypass.EVERYTHING),
        (["spam"], Bypass.SPAM_REPORTS),
        (["bounce", "unsubscribe"], Bypass.BOUNCES | Bypass.UNSUBSCRIBES),
    ]:
        with subtests.test(names=names, bypass=bypass):
            everything = {f"bypass_{name}_management": {"enable": name in names} for name in ("list", "spam", "bounce")}
            bypasses = everything | {"bypass_unsubscribe_management": {"enable": "unsubscribe" in names}}
            assert client_of_alice.post(SEND, mail_body(mail_settings=bypasses)).status_code == 202
            assert StoredMail.objects.latest("pk").bypass == bypass


def test_to_bypass_everything_and_something_is_refused(client_of_alice: ApiClient) -> None:
    bypasses = {f"bypass_{name}_management": {"enable": True} for name in ("list", "spam")}
    assert (
        refused(client_of_alice.post(SEND, mail_body(mail_settings=bypasses)))[1]
        == "mail_settings.bypass_list_management"
    )
    bypasses["bypass_spam_management"] = {"enable": False}
    assert client_of_alice.post(SEND, mail_body(mail_settings=bypasses)).status_code == 202


@further
def test_the_official_client_creates_a_group_and_sends_to_its_remaining_members(
    client_of_alice: ApiClient, server_url: str, peer: CountingPeer, deliverer: Deliverer
) -> None:
    sendgrid = SendGridAPIClient(client_of_alice.key_text, host=server_url)
    asm = sendgrid.client.asm
    made = asm.groups.post(request_body={"name": "News", "description": "Once a week"})
    group_id = made.to_dict["id"]
    assert made.status_code == 201
    suppressions = asm.groups._(group_id).suppressions
    assert suppressions.post(request_body={"recipient_emails": ["left@example.com"]}).status_code == 201
    assert suppressions.get().to_dict == ["left@example.com"]
    matches = suppressions.search.post(request_body={"recipient_emails": ["left@example.com", "x@example.com"]})
    assert matches.to_dict == ["left@example.com"]

    mail = Mail("from@example.com", ["stays@example.com", "left@example.com"], "Hello", is_multiple=True)
    mail.add_content("Leave: <%asm_group_unsubscribe_raw_url%>", "text/plain")
    mail.asm = Asm(GroupId(group_id), GroupsToDisplay([group_id]))
    assert sendgrid.send(mail).status_code == 202
    deliverer.deliver_due(seconds=10)
    assert peer.recipients == ["stays@example.com"]
    assert b"Leave: http://localhost:8000/u/" in peer.ledger[0].data

    asm.suppressions._("global").post(request_body={"recipient_emails": ["stays@example.com"]})
    assert asm.suppressions._("global")._("stays@example.com").get().to_dict == {"recipient_email": "stays@example.com"}
    listed = sendgrid.client.suppression.unsubscribes.get(query_params={"limit": 1}).to_dict
    assert [each["email"] for each in listed] == ["stays@example.com"]
    mail.mail_settings = MailSettings(
        bypass_bounce_management=BypassBounceManagement(True),
        bypass_unsubscribe_management=BypassUnsubscribeManagement(True),
    )
    assert sendgrid.send(mail).status_code == 202
    deliverer.deliver_due(seconds=10)
    assert peer.recipients == ["stays@example.com"] * 2, "that bypass does not cover unsubscribed recipients"

    assert suppressions._("left@example.com").delete().status_code == 204
    assert asm.suppressions.get().to_dict == []
    bounces = sendgrid.client.suppression.bounces
    assert bounces.delete(request_body={"delete_all": True}).status_code == 204
    assert asm.groups._(group_id).patch(request_body={"name": "Letters"}).status_code == 201
    assert asm.groups.get(query_params={"id": group_id}).to_dict[0]["name"] == "Letters"
    assert asm.groups._(group_id).delete().status_code == 204


def test_unsubscribing_while_mail_is_scheduled_takes_effect(
    client_of_alice: ApiClient, news: UnsubscribeGroup, peer: CountingPeer, deliverer: Deliverer
) -> None:
    assert client_of_alice.post(SEND, mail_body(asm={"group_id": news.pk})).status_code == 202
    leave_group(client_of_alice.account, news.pk, ["JOHN@example.com"])
    deliverer.deliver_due(seconds=10)
    assert peer.ledger == []
