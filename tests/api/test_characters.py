"""Control characters and line separators are refused with nothing stored, or delivered as one intact message.

Each call of each API gets every character of the family, and values longer than a line that try to end the head and to
inject SMTP commands. A refusal is an error of that API. A delivered message has the expected headers and an intact
body: two parsers read what the peer took, a grammar of header fields and Python's.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from api.sendgrid.asm.inputs import NAME_LENGTH
from audience.models import Contact, ContactList, FieldDefinition, RejectedRow, Segment
from campaigns.editing import create_campaign
from campaigns.lifecycle import send_now
from campaigns.models import Campaign, Sender
from campaigns.senders import vouch_for_sender
from foundation.texts import is_line, is_text
from mailer.models import Mail, Message, UnsubscribeGroup
from mailer.pipeline.deliver import Deliverer
from tests.api.conftest import ApiClient
from tests.api.sendgrid.audience import do_jobs
from tests.api.sendgrid.contact_calls import CONTACTS, EMAIL, FIRST_NAME, begin, new_field, upload
from tests.api.soap.envelopes import PARTNER, envelope, post, user
from tests.campaigns.building import add_contacts, add_sender, ready_campaign, run_fleet
from tests.examples import few_by_default, further
from tests.peer import CountingPeer

SEPARATORS = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
"""The characters at which `str.splitlines` splits."""
FAMILY = sorted({*map(chr, range(32)), "\x7f", *SEPARATORS})
ATTACK = "Hello {0}.{0}MAIL FROM:<evil@example.com>{0}RCPT TO:<victim@example.com>{0}DATA{0}X-Evil: 1{0}{0}Bye"
VALUES = [
    *(f"a{each}b" for each in FAMILY),
    *(ATTACK.format(each) for each in SEPARATORS),
    "Ann",
    "Zoë, called \u201cZ\u201d, of the long, long, long name that no line of a header could ever have room for",
]
FEW = [
    *(f"a{each}b" for each in ("\0", "\t", "\n", "\u2028")),
    ATTACK.format("\r\n"),
    *VALUES[-2:],
]
FIELD = rb"[!-9;-~]+:(?:[ \t][\t -~\x80-\xff]*|\r\n[ \t]+[!-~\x80-\xff][\t -~\x80-\xff]*)*\r\n"
"""A header field by RFC 5322 section 2.2, with RFC 6532."""
HEAD = re.compile(rb"(?:%b)+" % FIELD)


def test_there_are_values_to_walk() -> None:
    assert len(VALUES) >= 50
    assert set(FEW) < set(VALUES)
    assert {each for value in VALUES for each in "".join(value.split(" "))} >= set(FAMILY) - {"\r\n", " "}


@pytest.fixture(params=few_by_default(["a few", "all"], "a few"))
def values(request: pytest.FixtureRequest) -> list[str]:
    """Return the values that a test walks."""
    return VALUES if request.param == "all" else FEW


# --- the mail that the peer received ----------------------------------------------------------------------------------


def messages_by_recipient(peer: CountingPeer) -> dict[str, EmailMessage]:
    """Return the messages by recipient, after checking that each recipient has one."""
    assert len(set(peer.recipients)) == len(peer.recipients)
    return {taken.recipient: parse(taken.data) for taken in peer.ledger}


def parse(data: bytes) -> EmailMessage:
    unstuffed = data.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
    head = unstuffed.partition(b"\r\n\r\n")[0] + b"\r\n"
    assert HEAD.fullmatch(head), head
    names = [line.partition(b":")[0].decode() for line in head.split(b"\r\n") if line and line[:1] not in b" \t"]
    message = message_from_bytes(unstuffed, policy=policy.default)
    assert message.keys() == names
    assert not message.defects
    assert not any("evil" in name.lower() for name in names)
    return message


def same(header: Any, value: str) -> bool:
    """Return whether a header has this value, apart from white space and folding."""
    return squeezed(header) == squeezed(value)


def squeezed(text: Any) -> str:
    return "".join(str(text).split())


def subjects_and_senders(peer: CountingPeer) -> list[tuple[str, str]]:
    """Return the subject and the sender's name of each message, sorted."""
    messages = [parse(taken.data) for taken in peer.ledger]
    return sorted((squeezed(each["Subject"]), squeezed(each["From"].addresses[0].display_name)) for each in messages)


def body_of(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return with_line_feeds(payload.decode()).removesuffix("\n")


def with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


# --- mail/send --------------------------------------------------------------------------------------------------------


def file_of(message: EmailMessage) -> EmailMessage:
    (attachment,) = message.iter_attachments()
    assert isinstance(attachment, EmailMessage)
    return attachment


FILE = {"content": "aGVsbG8=", "type": "text/csv", "filename": "a.csv"}
MAIL_FIELDS: dict[str, tuple[Callable[[dict[str, Any], str], Any], Callable[[EmailMessage], Any]]] = {
    "subject": (lambda mail, value: mail.update(subject=value), lambda message: message["Subject"]),
    "own subject": (
        lambda mail, value: mail["personalizations"][0].update(subject=value),
        lambda message: message["Subject"],
    ),
    "name of the sender": (
        lambda mail, value: mail["from"].update(name=value),
        lambda message: message["From"].addresses[0].display_name,
    ),
    "name of the recipient": (
        lambda mail, value: mail["personalizations"][0]["to"][0].update(name=value),
        lambda message: message["To"].addresses[0].display_name,
    ),
    "name of the reply address": (
        lambda mail, value: mail.update(reply_to={"email": "r@example.com", "name": value}),
        lambda message: message["Reply-To"].addresses[0].display_name,
    ),
    "header": (lambda mail, value: mail.update(headers={"X-Note": value}), lambda message: message["X-Note"]),
    "own header": (
        lambda mail, value: mail["personalizations"][0].update(headers={"X-Note": value}),
        lambda message: message["X-Note"],
    ),
    "file name": (
        lambda mail, value: mail.update(attachments=[FILE | {"filename": value}]),
        lambda message: file_of(message).get_filename(),
    ),
    "content id": (
        lambda mail, value: mail.update(attachments=[FILE | {"content_id": value}]),
        lambda message: str(file_of(message)["Content-ID"]).strip("<>"),
    ),
}


def mail_to(recipient: str) -> dict[str, Any]:
    return {
        "personalizations": [{"to": [{"email": recipient}]}],
        "from": {"email": "from@example.com"},
        "subject": "Hello",
        "content": [{"type": "text/plain", "value": "Hello\n.\nBye"}],
    }


@pytest.mark.parametrize("field", few_by_default(MAIL_FIELDS, *list(MAIL_FIELDS)[::3]))
def test_a_field_of_a_mail_is_refused_or_is_one_header(
    field: str, client_of_alice: ApiClient, deliverer: Deliverer, peer: CountingPeer, values: list[str]
) -> None:
    put, take = MAIL_FIELDS[field]
    accepted = {}
    for number, value in enumerate(values):
        recipient = f"r{number}@example.com"
        mail = mail_to(recipient)
        put(mail, value)
        answer = client_of_alice.post("/v3/mail/send", mail)
        assert answer.status_code == (202 if is_line(value) else 400), (value, answer.content)
        if answer.status_code == 202:
            accepted[recipient] = value
    assert Mail.objects.count() == Message.objects.count() == len(accepted)
    deliverer.deliver_due(seconds=10)
    messages = messages_by_recipient(peer)
    assert messages.keys() == accepted.keys()
    for recipient, value in accepted.items():
        text = next(part for part in messages[recipient].walk() if part.get_content_type() == "text/plain")
        assert body_of(text) == "Hello\n.\nBye"
        if field != "content id":  # one of its lines is folded inside the angle brackets
            assert same(take(messages[recipient]), value), value


def test_a_body_keeps_every_character(
    client_of_alice: ApiClient, deliverer: Deliverer, peer: CountingPeer, values: list[str]
) -> None:
    values = [value for value in values if "\0" not in value]
    for number, value in enumerate(values):
        content = [{"type": kind, "value": value} for kind in ("text/plain", "text/html")]
        answer = client_of_alice.post("/v3/mail/send", mail_to(f"r{number}@example.com") | {"content": content})
        assert answer.status_code == 202, value
    deliverer.deliver_due(seconds=10)
    messages = messages_by_recipient(peer)
    for number, value in enumerate(values):
        bodies = [body_of(part) for part in messages[f"r{number}@example.com"].iter_parts()]  # type: ignore[arg-type]
        assert bodies == [with_line_feeds(value)] * 2


def test_categories_and_keys_of_substitutions_are_refused(client_of_alice: ApiClient, values: list[str]) -> None:
    for value in values:
        if value.isascii() and not is_line(value):
            answer = client_of_alice.post("/v3/mail/send", mail_to("r@example.com") | {"categories": [value]})
            assert answer.status_code == 400, value
        if not is_text(value):
            mail = mail_to("r@example.com")
            mail["personalizations"][0]["substitutions"] = {value: "x"}
            assert client_of_alice.post("/v3/mail/send", mail).status_code == 400, value
    assert not Mail.objects.exists()


def test_a_substitution_is_refused_or_fills_one_header_and_the_bodies(
    client_of_alice: ApiClient, deliverer: Deliverer, peer: CountingPeer, values: list[str]
) -> None:
    """Line breaks of a substitution are only in bodies."""
    accepted = {}
    for number, value in enumerate(values):
        recipient = f"r{number}@example.com"
        mail = mail_to(recipient) | {"subject": "For -v-", "headers": {"X-Note": "Of -v-"}}
        mail["content"] = [{"type": kind, "value": "Hello -v-"} for kind in ("text/plain", "text/html")]
        mail["personalizations"][0]["substitutions"] = {"-v-": value}
        answer = client_of_alice.post("/v3/mail/send", mail)
        assert answer.status_code == (202 if is_text(value) else 400), (value, answer.content)
        if answer.status_code == 202:
            accepted[recipient] = value
        elif "\0" not in value:
            (problem,) = answer.json()["errors"]
            assert problem["field"] == "personalizations.0.substitutions"
            assert "control characters" in problem["message"]
    assert Mail.objects.count() == len(accepted)
    deliverer.deliver_due(seconds=10)
    messages = messages_by_recipient(peer)
    assert messages.keys() == accepted.keys()
    for recipient, value in accepted.items():
        message = messages[recipient]
        assert same(message["Subject"], f"For {value}"), value
        assert same(message["X-Note"], f"Of {value}"), value
        bodies = [body_of(part) for part in message.iter_parts()]  # type: ignore[arg-type]
        assert bodies == [f"Hello {with_line_feeds(value)}"] * 2


# --- contacts ---------------------------------------------------------------------------------------------------------

People = Sequence[tuple[str, str]]
"""Addresses, each with the value that is both the first name and the pet."""


def by_contactdb(client: ApiClient, people: People, pet: FieldDefinition) -> None:
    rows = [{"email": email, "first_name": value[:50], "pet": value} for email, value in people if "\0" not in value]
    answer = client.post("/v3/contactdb/recipients", rows)
    assert answer.status_code == 201
    assert answer.json()["error_count"] == sum(not is_text(row["pet"]) for row in rows)
    with_nul = [{"email": email, "first_name": value} for email, value in people if "\0" in value]
    assert client.post("/v3/contactdb/recipients", with_nul).status_code == 400


def by_marketing(client: ApiClient, people: People, pet: FieldDefinition) -> None:
    key = new_field_key(client, "pet")
    contacts = [
        {"email": email, "first_name": value[:50], "custom_fields": {key: value}}
        for email, value in people
        if "\0" not in value
    ]
    answer = client.put(CONTACTS, {"contacts": contacts})
    assert answer.status_code == 202
    do_jobs()
    rejected = RejectedRow.objects.count()
    assert rejected == sum(not is_text(value) for _, value in people if "\0" not in value)
    with_nul = [{"email": email, "first_name": value} for email, value in people if "\0" in value]
    assert client.put(CONTACTS, {"contacts": with_nul}).status_code == 400


def by_csv(client: ApiClient, people: People, pet: FieldDefinition) -> None:
    text = io.StringIO()
    rows = csv.writer(text, quoting=csv.QUOTE_ALL)
    rows.writerow(["email", "name", "pet"])
    rows.writerows([email, value[:50], value] for email, value in people)
    job = begin(client, field_mappings=[EMAIL, FIRST_NAME, new_field_key(client, "pet")])
    assert upload(job, text.getvalue().encode()).status_code == 200
    do_jobs()
    status = client.get(f"{CONTACTS}/imports/{job['job_id']}").json()
    assert status["status"] == "errored"
    answer = Client().get(status["results"]["errors_url"])
    reasons = [row["reason"] for row in csv.DictReader(io.StringIO(answer.getvalue().decode(), newline=""))]
    assert len(reasons) == sum(not is_text(value) for _, value in people)
    assert all("control characters" in reason or "NUL" in reason for reason in reasons)


def by_easymail(client: ApiClient, people: People, pet: FieldDefinition) -> None:
    for email, value in people:
        answer = client.post("/api/v1/contacts", {"email": email, "first_name": value[:50]})
        is_taken = is_line(value[:50]) and "\t" not in value
        assert answer.status_code == (201 if is_taken else 400 if "\0" in value else 422), value
        if is_taken:
            change = {"custom_fields": [{"field_key": "pet", "value": value}]}
            assert client.patch(f"/api/v1/contacts/{answer.json()['data']['uuid']}", change).status_code == 200


def new_field_key(client: ApiClient, name: str) -> str:
    """Return the id of the custom field with this name."""
    fields = client.get("/v3/marketing/field_definitions").json()["custom_fields"]
    return str(next(each["id"] for each in fields if each["name"] == name))


@pytest.mark.parametrize(
    "store", few_by_default([by_contactdb, by_marketing, by_csv, by_easymail], by_marketing, by_csv)
)
def test_a_contact_is_refused_or_gets_one_message(
    store: Callable[[ApiClient, People, FieldDefinition], None],
    client_of_alice: ApiClient,
    alice: Account,
    deliverer: Deliverer,
    peer: CountingPeer,
    values: list[str],
) -> None:
    new_field(client_of_alice, "pet")
    pet = FieldDefinition.objects.get(account=alice)
    people = [(f"r{number}@example.com", value) for number, value in enumerate(values)]
    store(client_of_alice, people, pet)
    stored = {contact.email: contact for contact in Contact.objects.filter(account=alice)}
    assert {"Ann", values[-1][:50]} <= {contact.first_name for contact in stored.values()}
    for contact in stored.values():
        assert is_text(contact.first_name + contact.custom[str(pet.pk)])
    changes = {"subject": "[%first_name%] and [%pet%]", "plain_content": "Dear [%pet%]\n[unsubscribe]"}
    campaign = ready_campaign(alice, recipients=0, is_to_all=True, lists=[], **changes)
    send_now(alice, campaign.pk)
    run_fleet(deliverer)
    messages = messages_by_recipient(peer)
    assert messages.keys() == stored.keys()
    for email, value in people:
        if email in stored:
            assert same(messages[email]["Subject"], f"{value[:50]} and {value}"), value
            text = next(part for part in messages[email].walk() if part.get_content_type() == "text/plain")
            assert f"Dear {with_line_feeds(value)}\n" in body_of(text)  # type: ignore[arg-type]


# --- campaigns --------------------------------------------------------------------------------------------------------


Made = tuple[int, int]
"""A status, and the number of the campaign or 0."""
FIELDS_IN_TURN = {"legacy_campaign": 3, "single_send": 3, "easymail_campaign": 4, "soap_send": 1}


def legacy_campaign(client: ApiClient, value: str, sender: Sender, turn: int) -> Made:
    field = ("title", "subject", "categories")[turn]
    body = {"title": "May", "subject": "News", "html_content": "<p>Hello [unsubscribe]</p>"}
    body |= {field: [value] if field == "categories" else value}
    answer = client.post("/v3/campaigns", body | {"sender_id": sender.pk})
    return answer.status_code, answer.json().get("id", 0)


def single_send(client: ApiClient, value: str, sender: Sender, turn: int) -> Made:
    field = ("name", "subject", "categories")[turn]
    config = {"subject": "News", "html_content": "<p>Hello [unsubscribe]</p>", "sender_id": sender.pk}
    body: dict[str, Any] = {"name": "May", "email_config": config}
    (config if field == "subject" else body).update({field: [value] if field == "categories" else value})
    answer = client.post("/v3/marketing/singlesends", body)
    return answer.status_code, number_of(answer.json().get("id"))


def easymail_campaign(client: ApiClient, value: str, sender: Sender, turn: int) -> Made:
    field = ("name", "subject", "preheader", "from_name")[turn]
    body = {"name": "May", "subject": "News", "content": "Hello [unsubscribe]", "from_name": "News", field: value}
    answer = client.post("/api/v1/campaigns", body | {"from_identity": str(sender.uuid)})
    return answer.status_code, number_of(answer.json().get("data", {}).get("uuid"))


def number_of(uuid: str | None) -> int:
    return Campaign.objects.get(uuid=uuid).pk if uuid else 0


def soap_send(client: ApiClient, value: str, sender: Sender, turn: int) -> Made:
    """Create a send; a character that XML does not allow makes the whole call unreadable, which is a fault."""
    subject = escape(value).replace("\r", "&#13;")
    email = f"<Email><Subject>{subject}</Subject><TextBody>Hello [unsubscribe]</TextBody></Email>"
    audience = "<List><Subscribers><EmailAddress>r@example.com</EmailAddress></Subscribers></List>"
    send = f"{email}{audience}<FromAddress>{sender.from_email}</FromAddress>"
    body = f'<CreateRequest xmlns="{PARTNER}"><Objects xsi:type="Send">{send}</Objects></CreateRequest>'
    reply = post(envelope(body, user(client.account.username, client.key_text)))
    if reply.status == 500:
        assert reply.fault[0].endswith("Client")
        return 400, 0
    return (201, int(reply.text("p:NewID"))) if reply.overall == "OK" else (400, 0)


@pytest.mark.parametrize(
    "create", few_by_default([legacy_campaign, single_send, easymail_campaign, soap_send], single_send)
)
def test_a_campaign_is_refused_or_sent_as_one_message(
    create: Callable[[ApiClient, str, Sender, int], Made],
    client_of_alice: ApiClient,
    alice: Account,
    deliverer: Deliverer,
    peer: CountingPeer,
    values: list[str],
) -> None:
    sender, group = add_sender(alice), UnsubscribeGroup.objects.create(account=alice, name="news")
    add_contacts(alice, ["r@example.com"])
    made = []
    fields = FIELDS_IN_TURN[create.__name__]
    walk = [(value, number % fields) for number, value in enumerate(values)]
    for value, turn in [*walk, *(("Ann", turn) for turn in range(fields))]:
        status, campaign_id = create(client_of_alice, value, sender, turn)
        refused = 422 if create is easymail_campaign and "\0" not in value else 400
        assert status == (201 if campaign_id else refused), value
        if not campaign_id:
            assert not is_line(value) or "\t" in value, value
            continue
        assert is_line(value)
        campaign = Campaign.objects.get(pk=campaign_id)
        if create is not soap_send:
            Campaign.objects.filter(pk=campaign_id).update(is_to_all=True, suppression_group=group)
            send_now(alice, campaign_id)
        made.append((squeezed(campaign.subject), squeezed(campaign.from_name or "News")))
    assert Campaign.objects.count() == len(made) > 0
    run_fleet(deliverer)
    assert subjects_and_senders(peer) == sorted(made)


# --- senders and names ------------------------------------------------------------------------------------------------


@further
def test_a_sender_is_refused_or_is_one_header(
    client_of_alice: ApiClient, alice: Account, deliverer: Deliverer, peer: CountingPeer, values: list[str]
) -> None:
    paths = ("/v3/senders", "/v3/marketing/senders")
    place = {"address": "1 Street", "city": "Town", "country": "Land"}
    made: dict[int, str] = {}
    for number, value in enumerate(values):
        names = {"from": {"email": "news@example.com", "name": value}, "reply_to": {"email": "r@e.org", "name": value}}
        sender = place | names | {"nickname": f"{number} {value}"[:90]}
        answer = client_of_alice.post(paths[number % 2], sender)
        assert answer.status_code == (201 if is_line(value) else 400), (value, answer.content)
        if answer.status_code == 201:
            made[answer.json()["id"]] = value
    assert Sender.objects.count() == len(made)
    run_fleet(deliverer)  # mail that asks for verification
    assert len(peer.ledger) == len(made)
    add_contacts(alice, ["r@example.com"])
    peer.ledger.clear()
    for sender_id in made:
        vouch_for_sender(alice, sender_id)
        send_now(alice, ready_campaign_from(alice, sender_id).pk)
    run_fleet(deliverer)
    assert subjects_and_senders(peer) == sorted(("News", squeezed(value)) for value in made.values())
    for taken in peer.ledger:
        message = parse(taken.data)
        assert same(message["Reply-To"].addresses[0].display_name, message["From"].addresses[0].display_name)


def ready_campaign_from(account: Account, sender_id: int) -> Campaign:
    group = UnsubscribeGroup.objects.create(account=account, name=f"of {sender_id}")
    changes = {"title": "May", "subject": "News", "plain_content": "Hello [unsubscribe]", "is_to_all": True}
    return create_campaign(account, changes | {"sender": sender_id, "suppression_group": group.pk})


NAMES: dict[str, tuple[str, Callable[[str], dict[str, Any]], type[Any]]] = {
    "legacy list": ("/v3/contactdb/lists", lambda value: {"name": value}, ContactList),
    "list": ("/v3/marketing/lists", lambda value: {"name": value}, ContactList),
    "Easymail's list": ("/api/v1/lists", lambda value: {"name": value}, ContactList),
    "legacy segment": (
        "/v3/contactdb/segments",
        lambda value: {"name": value, "conditions": [{"field": "email", "operator": "eq", "value": "a", "and_or": ""}]},
        Segment,
    ),
    "segment": (
        "/v3/marketing/segments/2.0",
        lambda value: {"name": value, "query_dsl": "email is not null"},
        Segment,
    ),
    "unsubscribe group": ("/v3/asm/groups", lambda value: {"name": value, "description": "news"}, UnsubscribeGroup),
    "description of a group": (
        "/v3/asm/groups",
        lambda value: {"name": f"n{abs(hash(value))}"[:20], "description": value[:90]},
        UnsubscribeGroup,
    ),
}


@pytest.mark.parametrize("kind", few_by_default(NAMES, *list(NAMES)[::3]))
def test_a_name_with_a_control_character_is_refused_and_nothing_is_stored(
    kind: str, client_of_alice: ApiClient, values: list[str]
) -> None:
    path, body, model = NAMES[kind]
    is_fit = is_text if kind.startswith("description") else is_line
    made = 0
    for value in values:
        answer = client_of_alice.post(path, body(value))
        is_taken = is_fit(value) and not (kind == "Easymail's list" and "\t" in value)
        is_taken = is_taken and not (kind == "unsubscribe group" and len(value) > NAME_LENGTH)
        refused = 422 if kind == "Easymail's list" and "\0" not in value else 400
        created = 200 if kind == "legacy segment" else 201
        assert answer.status_code == (created if is_taken else refused), (value, answer.content)
        made += is_taken
    assert model.objects.count() == made > 0
