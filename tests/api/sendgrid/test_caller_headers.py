"""Test headers and Reply-To of a mail/send request: what is used, what is refused, and where it is shown."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any

import pytest
from django.test import Client

from mailer.models import Mail, Message
from mailer.pipeline.deliver import Deliverer
from tests.api.conftest import ApiClient
from tests.api.sendgrid.bodies import mail_body
from tests.examples import few_by_default, further
from tests.peer import CountingPeer

SEND = "/v3/mail/send"


def people(*substitutions: dict[str, str], **fields: Any) -> list[dict[str, Any]]:
    """Return a personalization for each of these substitutions."""
    return [
        {"to": [{"email": f"r{n}@example.com"}], "substitutions": values} | fields
        for n, values in enumerate(substitutions)
    ]


@further
def test_the_message_id_of_the_caller_is_sent_and_shown_everywhere(
    client_of_alice: ApiClient, operator: Client, deliverer: Deliverer, peer: CountingPeer
) -> None:
    batch_id = client_of_alice.post("/v3/mail/batch").json()["batch_id"]
    personalizations = people({"-n-": "0"}, {"-n-": "1"}, {"-n-": "2"}, {"-n-": "3"})
    personalizations[1]["headers"] = {"X-Own": "x"}
    personalizations[2]["headers"] = {"MESSAGE-id": "<own-n-@example.org>"}
    body = mail_body(personalizations=personalizations, headers={"message-ID": "<n-n-@example.com>"}, batch_id=batch_id)
    assert client_of_alice.post(SEND, body).status_code == 202
    deliverer.deliver_due(seconds=5)

    expected = {f"r{n}@example.com": f"<own{n}@example.org>" if n == 2 else f"<n{n}@example.com>" for n in range(4)}
    sent = [message_from_bytes(taken.data, policy=policy.default) for taken in peer.ledger]
    assert {str(message["To"]): message["Message-ID"] for message in sent} == expected
    listed = client_of_alice.get(f"/sluice/v1/batches/{batch_id}/messages").json()["data"]
    assert {message["recipient"]: message["message_id"] for message in listed} == expected
    for message in Message.objects.all():
        shown_message = client_of_alice.get(f"/sluice/v1/messages/{message.pk}").json()["data"]
        assert shown_message["message_id"] == expected[message.recipient]
        page = operator.get(f"/admin/mailer/message/{message.pk}/change/").text
        assert expected[message.recipient].replace("<", "&lt;").replace(">", "&gt;") in page


def test_a_header_that_would_not_be_sent_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for name in ["Date", "sender", "RETURN-PATH", "Mime-Version", "Message-ID"]:
        for is_own in [False, True]:
            with subtests.test(name=name, is_own=is_own):
                body = mail_body(headers={name: "x"})
                if is_own:
                    body = mail_body(personalizations=people({}, headers={name: "x"}))
                answer = client_of_alice.post(SEND, body)
                assert answer.status_code == 400
                (problem,) = answer.json()["errors"]
                assert problem["field"] == ("personalizations.0.headers" if is_own else "headers")
                assert ("Message-ID" if name == "Message-ID" else f"{name} is written by the server") in problem[
                    "message"
                ]
                assert not Mail.objects.exists()


def test_bodies_of_client_libraries_are_accepted(client_of_alice: ApiClient) -> None:
    headers = {
        "In-Reply-To": "<a@b>",
        "References": "<a@b>",
        "X-Priority": "1",
        "List-Unsubscribe": "<https://example.com/leave>",
        "Precedence": "bulk",
        "Resent-From": "a@example.com",
        "Content-Language": "en",
        "message-id": "<0b8ad5a1-7d0a-4e7c-b0f8-6f9f4b0a8d2e@example.com>",
    }
    assert client_of_alice.post(SEND, mail_body(headers=headers)).status_code == 202


@pytest.mark.parametrize("field", few_by_default(["reply_to", "reply_to_list"], "reply_to_list"))
def test_reply_to_has_the_values_of_each_message(
    field: str, client_of_alice: ApiClient, deliverer: Deliverer, peer: CountingPeer
) -> None:
    for email in ("-n-@example.com", "%n%@example.com", "{{n}}@example.com", "-all-", "[%all%]"):
        key = email.partition("@")[0]
        values = ["ann", "bob"] if "@" in email else ["ann@example.com", "bob@example.com"]
        entry = {"email": email, "name": f"To {key}"}
        personalizations = people(*[{key: value} for value in values])
        body = mail_body(personalizations=personalizations, **{field: entry if field == "reply_to" else [entry]})
        assert client_of_alice.post(SEND, body).status_code == 202, email
        deliverer.deliver_due(seconds=5)

        sent = [message_from_bytes(taken.data, policy=policy.default) for taken in peer.ledger]
        peer.ledger.clear()
        (shown, other) = sorted((message["Reply-To"].addresses[0] for message in sent), key=str)
        assert (shown.addr_spec, other.addr_spec) == ("ann@example.com", "bob@example.com"), email
        assert (shown.display_name, other.display_name) == (f"To {values[0]}", f"To {values[1]}"), email


NO_REPLY_TO = [
    ("-n-@example.com", ({"-n-": "ann"}, {"-n-": "a b"})),
    ("-n-@example.com", ({"-n-": ""},)),
    ("ann@-n-", ({"-n-": "b c"},)),
    ("-all-", ({"-all-": "ann"},)),
    ("-all-", ({"-all-": "ann@example.com"}, {})),
    ("nobody", ({"-all-": "ann@example.com"},)),
    ("nobody", ({},)),
    ("a\u200b@example.com", ({"-n-": "x"},)),
]


def test_a_reply_to_that_is_no_address_is_refused(client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    for email, values in NO_REPLY_TO:
        for field in ["reply_to", "reply_to_list"]:
            with subtests.test(email=email, values=values, field=field):
                entry = {"email": email}
                body = mail_body(personalizations=people(*values), **{field: entry if field == "reply_to" else [entry]})
                answer = client_of_alice.post(SEND, body)
                assert answer.status_code == 400
                (problem,) = answer.json()["errors"]
                assert problem["field"].startswith("reply_to")
                assert "address" in problem["message"]
                assert not Mail.objects.exists()
