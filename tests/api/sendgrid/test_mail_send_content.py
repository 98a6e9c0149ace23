"""Test POST /v3/mail/send: templates, sections, footers, tracking texts, copies, and the warning about tags."""

from __future__ import annotations

import email
import json
import re
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest

from accounts.models import Account
from api.sendgrid.mail.settings import (
    BCC_INVALID,
    BCC_REQUIRED,
    THRESHOLD_INVALID,
    THRESHOLD_REQUIRED,
    URL_INVALID,
    URL_REQUIRED,
)
from content.versions import activate_version, delete_version
from mailer.models import Event, Mail, Message
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.groups import create_group
from tests.api.conftest import ApiClient
from tests.api.sendgrid.bodies import mail_body
from tests.content.building import template_of, version_of
from tests.peer import CountingPeer, Taken

SEND = "/v3/mail/send"
WARNING = "X-Sluice-Warning"


def problems(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.content
    return [(error["field"], error["message"]) for error in answer.json()["errors"]]


def person(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"to": [{"email": f"p{number}@example.com"}], **fields}


def bodies_of(message: EmailMessage) -> list[str]:
    """Return the texts of a message, with LF at the ends of lines."""
    parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    return [part.get_content().replace("\r\n", "\n").strip() for part in parts]


def message_of(taken: Taken) -> EmailMessage:
    return email.message_from_bytes(taken.data.removesuffix(b".\r\n"), policy=policy.default)


def texts_of(peer: CountingPeer) -> dict[str, tuple[str, list[str]]]:
    """Return the subject and the bodies of the messages that the peer took, by their recipients."""
    messages = {taken.recipient: message_of(taken) for taken in peer.ledger}
    return {recipient: (str(message["Subject"]), bodies_of(message)) for recipient, message in messages.items()}


def test_the_version_of_a_template_is_fixed_when_mail_is_accepted(
    client_of_alice: ApiClient, alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    template = template_of(alice)
    old = version_of(
        template,
        subject="Old {{name}}",
        html_content="<p>{{name}}</p>",
        plain_content="{{{name}}}",
        generates_plain=False,
    )
    people = [person(n, dynamic_template_data={"name": f"A & {n}"}) for n in range(2)]
    body = {"personalizations": people, "from": {"email": "from@example.com"}, "template_id": template.public_id}
    assert client_of_alice.post(SEND, body).status_code == 202
    new = version_of(
        template, name="Second", subject="New", html_content="<p>new</p>", plain_content="new", generates_plain=False
    )
    activate_version(alice, template.public_id, new.uuid)
    delete_version(alice, template.public_id, old.uuid)
    other = {**body, "personalizations": [person(2)], "subject": "Ignored"}
    assert client_of_alice.post(SEND, other).status_code == 202
    deliverer.deliver_due(seconds=5)
    assert texts_of(peer) == {
        "p0@example.com": ("Old A &amp; 0", ["A & 0", "<p>A &amp; 0</p>"]),
        "p1@example.com": ("Old A &amp; 1", ["A & 1", "<p>A &amp; 1</p>"]),
        "p2@example.com": ("New", ["new", "<p>new</p>"]),
    }


def test_mail_needs_an_active_version_of_an_own_template(
    client_of_alice: ApiClient, alice: Account, charlie: Account
) -> None:
    empty, foreign = template_of(alice), version_of(template_of(charlie)).template
    for public_id in (empty.public_id, foreign.public_id, f"d-{'0' * 32}"):
        expected = [("template_id", "Must be a valid template.")]
        for _ in range(2):  # The second time the key is recalled.
            assert problems(client_of_alice.post(SEND, mail_body(template_id=public_id))) == expected
    assert not Mail.objects.exists()


def test_subject_and_content_are_required_unless_the_template_has_them(
    client_of_alice: ApiClient, alice: Account
) -> None:
    bare = {"personalizations": [person()], "from": {"email": "from@example.com"}}
    template = version_of(template_of(alice), subject="", html_content="<p>x</p>").template
    ((field, message),) = problems(client_of_alice.post(SEND, {**bare, "template_id": template.public_id}))
    assert (field, message.split(".")[0]) == ("subject", "The subject is required")
    named = {**bare, "template_id": template.public_id, "subject": "Given"}
    assert client_of_alice.post(SEND, named).status_code == 202
    body = {**named, "personalizations": [person(substitutions={"-a-": "b"})]}
    assert problems(client_of_alice.post(SEND, body)) == [
        ("personalizations.0.substitutions", "Substitutions may not be used with dynamic templating")
    ]


def test_data_that_json_cannot_express_is_refused(client_of_alice: ApiClient, alice: Account) -> None:
    template = version_of(template_of(alice), html_content="{{#each list}}{{n}}{{/each}}").template
    for number, status in (("1e999", 400), ("-1e999", 400), (f"1{'0' * 400}.5", 400), ("1e300", 202)):
        body = mail_body(template_id=template.public_id, personalizations=[person(dynamic_template_data={"list": "N"})])
        del body["content"]
        raw = json.dumps(body).replace('"N"', f'[{{"n": {number}}}]').encode()
        answer = client_of_alice.post(SEND, raw)
        assert answer.status_code == status, number
        if status == 400:
            assert [error["message"] for error in answer.json()["errors"]] == ["Bad Request"]


def test_a_legacy_template_is_filled_with_the_content_of_the_request(
    client_of_alice: ApiClient, alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    texts: dict[str, Any] = {
        "subject": "[N] <%subject%>",
        "html_content": "<b><%body%></b>",
        "plain_content": "T <%body%>",
        "generates_plain": False,
    }
    template = version_of(template_of(alice, is_dynamic=False), **texts).template
    body = mail_body(template_id=template.public_id, personalizations=[person(substitutions={"-n-": "Ann"})])
    body |= {"subject": "Hi", "content": [{"type": "text/plain", "value": "for -n-"}]}
    assert client_of_alice.post(SEND, body).status_code == 202
    deliverer.deliver_due(seconds=5)
    assert texts_of(peer) == {"p0@example.com": ("[N] Hi", ["T for Ann"])}


def test_an_error_in_the_data_of_one_recipient_fails_that_message_alone(
    client_of_alice: ApiClient, alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    template = version_of(template_of(alice), html_content='{{formatDate when "YYYY"}}', plain_content="x").template
    people = [person(n, dynamic_template_data={"when": "soon" if n == 1 else "2026-11-29"}) for n in range(3)]
    body = mail_body(template_id=template.public_id, personalizations=people)
    assert client_of_alice.post(SEND, body).status_code == 202
    deliverer.deliver_due(seconds=5)
    assert sorted(texts_of(peer)) == ["p0@example.com", "p2@example.com"]
    (failed,) = Message.objects.filter(recipient="p1@example.com")
    (event,) = Event.objects.filter(message_id=failed.pk)
    assert event.reply.startswith("template: formatDate cannot read"), event.reply


def test_sections_footer_and_copy_are_in_the_message(
    client_of_alice: ApiClient, deliverer: Deliverer, peer: CountingPeer
) -> None:
    people = [
        person(0, substitutions={"%hello%": ":f", "%name%": "Ada"}),
        person(1, substitutions={"%hello%": ":m", "%name%": "Bob"}),
    ]
    body = mail_body(
        personalizations=people,
        content=[{"type": "text/plain", "value": "%hello%"}, {"type": "text/html", "value": "<body>%hello%</BODY>"}],
        sections={":m": "Dear Mr %name%", ":f": "Dear Ms %name%", ":nested": {":x": "ignored"}},
        mail_settings={
            "footer": {"enable": True, "text": "%name%", "html": "<i>%name%</i>"},
            "bcc": {"enable": True, "email": "p1@example.com"},
        },
    )
    assert client_of_alice.post(SEND, body).status_code == 202
    deliverer.deliver_due(seconds=5)
    assert len(peer.ledger) == 3, "the second message goes to the address of the copy already"
    messages = [message_of(taken) for taken in peer.ledger]
    texts = {str(message["To"]): bodies_of(message) for message in messages}
    assert texts == {
        "p0@example.com": ["Dear Ms Ada\n%name%", "<body>Dear Ms Ada<i>%name%</i></BODY>"],
        "p1@example.com": ["Dear Mr Bob\n%name%", "<body>Dear Mr Bob<i>%name%</i></BODY>"],
    }
    assert {taken.recipient for taken in peer.ledger} == {"p0@example.com", "p1@example.com"}
    (own,) = Message.objects.filter(recipient="p1@example.com")
    assert own.personal is not None
    assert "bcc" not in own.personal, "its link to unsubscribe still knows its recipient"


def test_subscription_tracking_and_the_tag_of_open_tracking_take_effect(
    client_of_alice: ApiClient, deliverer: Deliverer, peer: CountingPeer
) -> None:
    tracking: dict[str, Any] = {
        "subscription_tracking": {"enable": True, "text": "Out: <% %>", "html": "<p><% leave %></p>"},
        "open_tracking": {"enable": True, "substitution_tag": "%pixel%"},
    }
    content = [{"type": "text/plain", "value": "Hi%pixel%"}, {"type": "text/html", "value": "<b>%leave%</b>"}]
    assert client_of_alice.post(SEND, mail_body(content=content, tracking_settings=tracking)).status_code == 202
    tracking["subscription_tracking"]["substitution_tag"] = "%leave%"
    assert client_of_alice.post(SEND, mail_body(content=content, tracking_settings=tracking)).status_code == 202
    deliverer.deliver_due(seconds=5)
    first, second = (bodies_of(message_of(taken)) for taken in peer.ledger)
    url = first[0].split("Out: ")[1]
    assert first[0] == f"Hi\nOut: {url}"
    assert first[1].startswith(f'<b>%leave%</b><p><a href="{url}">leave</a></p><img src="http://localhost:8000/o/')
    assert second[1].startswith("<b>http")
    assert "Out:" not in second[0]
    assert "/all" in second[0], "the text has no tag, so it gets the default link"


def test_the_tag_of_subscription_tracking_becomes_the_link_of_the_group(
    client_of_alice: ApiClient, deliverer: Deliverer, peer: CountingPeer
) -> None:
    group = {"name": "News", "description": "News"}
    group_id = client_of_alice.post("/v3/asm/groups", group).json()["id"]
    tracking = {"subscription_tracking": {"enable": True, "text": "Out: <% %>", "substitution_tag": "[leave]"}}
    content = [{"type": "text/plain", "value": "[leave]"}, {"type": "text/html", "value": '<a href="[leave]">Out</a>'}]
    body = mail_body(content=content, tracking_settings=tracking, asm={"group_id": group_id})
    response = client_of_alice.post(SEND, body)
    assert (response.status_code, response.headers.get("X-Sluice-Warning")) == (202, None)
    deliverer.deliver_due(seconds=5)
    (message,) = map(message_of, peer.ledger)
    (url,) = re.findall("<(.*)>", message["List-Unsubscribe"])
    assert bodies_of(message) == [url, f'<a href="{url}">Out</a>']
    assert not url.endswith("/all"), "it leads to the page of the group"


URL = {"post_to_url": "https://example.com/spam"}
WRONG_SETTINGS: list[tuple[str, dict[str, Any], str, str]] = [
    ("bcc", {}, "email", BCC_REQUIRED),
    ("bcc", {"email": "nobody"}, "email", BCC_INVALID),
    ("spam_check", URL, "threshold", THRESHOLD_REQUIRED),
    ("spam_check", {"threshold": 11, **URL}, "threshold", THRESHOLD_INVALID),
    ("spam_check", {"threshold": 0, **URL}, "threshold", THRESHOLD_INVALID),
    ("spam_check", {"threshold": 5}, "post_to_url", URL_REQUIRED),
    ("spam_check", {"threshold": 1, "post_to_url": "ftp://a"}, "post_to_url", URL_INVALID),
]


def test_the_settings_for_copies_and_spam_checks_are_checked(client_of_alice: ApiClient) -> None:
    for name, setting, field, text in WRONG_SETTINGS:
        answer = client_of_alice.post(SEND, mail_body(mail_settings={name: {"enable": True, **setting}}))
        assert problems(answer) == [(f"mail_settings.{name}.{field}", text)]
        off = {name: {"enable": False, **setting}}
        assert client_of_alice.post(SEND, mail_body(mail_settings=off)).status_code == 202


@pytest.fixture
def group_id(alice: Account) -> int:
    """Create an unsubscribe group of Alice."""
    return create_group(alice, name="News", description="x").pk


def test_tags_that_are_sent_as_written_are_named_in_a_warning(client_of_alice: ApiClient, group_id: int) -> None:
    content = [{"type": "text/html", "value": "[unsubscribe] {{ Sender_City }} [weblink] [if mso] [Sender_Name]"}]
    warned = "sent as written: [unsubscribe] in text/html; {{ Sender_City }} in text/html"
    brought, replaced = {"-a-": "[unsubscribe]"}, {"[unsubscribe]": "x", "Sender": "y"}
    cases: list[tuple[dict[str, Any], str | None]] = [
        ({"content": content}, warned),
        ({"content": content, "asm": {"group_id": group_id}}, "sent as written: {{ Sender_City }} in text/html"),
        ({"personalizations": [person(substitutions=brought)]}, "sent as written: [unsubscribe] in substitutions"),
        ({"content": content, "personalizations": [person(substitutions=replaced)]}, None),
        ({}, None),
    ]
    for fields, expected in cases:
        answer = client_of_alice.post(SEND, mail_body(**fields))
        assert answer.status_code == 202
        assert answer.headers.get(WARNING) == expected, fields
    many = [{"type": "text/plain", "value": "".join(f"[{' ' * n}sender_city]" for n in range(90))}]
    long = client_of_alice.post(SEND, mail_body(content=many)).headers[WARNING]
    assert long.isascii()
    assert len(long) <= 1003


def test_every_part_of_a_mail_is_searched_for_tags(client_of_alice: ApiClient) -> None:
    tag = "[sender_city]"
    footer = {"enable": True, "text": tag, "html": "x"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"subject": tag}, "subject"),
        ({"content": [{"type": "text/plain", "value": tag}]}, "text/plain"),
        ({"headers": {"X-City": tag}}, "headers"),
        ({"sections": {"-a-": tag}}, "sections"),
        ({"mail_settings": {"footer": footer}}, "footer"),
        ({"mail_settings": {"footer": footer | {"text": "x", "html": tag}}}, "footer"),
        ({"personalizations": [person(substitutions={"-a-": tag})]}, "substitutions"),
        ({"personalizations": [person(subject=tag)]}, "personalizations"),
        ({"personalizations": [person(headers={"X-City": tag})]}, "personalizations"),
    ]
    for fields, part in cases:
        answer = client_of_alice.post(SEND, mail_body(**fields))
        assert answer.status_code == 202, answer.content
        assert answer.headers.get(WARNING) == f"sent as written: {tag} in {part}", fields


def test_a_repeated_request_gets_the_same_warning(client_of_alice: ApiClient) -> None:
    content = [{"type": "text/plain", "value": "[unsubscribe]"}]
    answers = [
        client_of_alice.post(SEND, mail_body(content=content), headers={"Idempotency-Key": "one"}) for _ in range(2)
    ]
    first, second = (answer.headers[WARNING] for answer in answers)
    assert first == second == "sent as written: [unsubscribe] in text/plain"
    assert answers[1].headers["Idempotency-Replayed"] == "true"
