"""Test messages and the local inbox in the admin: found by exact terms, read-only, harmless with any content."""

from __future__ import annotations

import os
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Account
from batches.handles import create_batch
from batches.models import Batch
from batches.sweep import fold_final
from mailer.admin.message_list import SHOWN
from mailer.draft import Address, Attachment, ContentPart, MailDraft, Personalization
from mailer.inbox.maildir import list_newest, read_message
from mailer.listing.filters import Filters
from mailer.listing.finding import find_messages
from mailer.listing.parcels import Place
from mailer.models import Event, EventKind, Mail, Message
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from tests.drafts import draft
from tests.examples import further
from tests.operators import logged_in
from tests.peer import CountingPeer

MESSAGES = "/admin/mailer/message/"
INBOX = "/admin/inbox/"
SCRIPT = "<script>alert(1)</script>"
HOSTILE = MailDraft(
    sender=Address("from@example.com", SCRIPT),
    subject=f"{SCRIPT} -who-",
    content=(ContentPart("text/plain", SCRIPT), ContentPart("text/html", f'{SCRIPT}"><b>-who-</b>')),
    headers={"X-Campaign": SCRIPT},
    custom_args={SCRIPT: SCRIPT},
    attachments=(Attachment("aGVsbG8=", f"{SCRIPT}.pdf", "application/pdf"),),
    personalizations=(
        Personalization(to=(Address(f"{SCRIPT}@example.com", SCRIPT),), substitutions={"-who-": SCRIPT}),
    ),
)
RECEIVED = b"""Return-Path: <bounce@example.com>
X-Envelope-To: to1@example.com, "<script>"@example.com
From: =?utf-8?q?J=C3=BCrgen?= <from@example.com>
To: to1@example.com
Subject: <script>alert(1)</script> =?utf-8?b?w7xuZA==?=
Date: Fri, 20 Nov 2026 10:53:00 +0000
X-Odd: =?no-such-charset?q?x?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain; charset=no-such-charset

Hello <script>alert(1)</script> \xff
--b
Content-Type: text/html; charset=utf-8

<h1>Hello</h1><script>alert(1)</script>"onload="x
--b
Content-Type: application/pdf; name="<script>.pdf"
Content-Disposition: attachment; filename="<script>.pdf"
Content-Transfer-Encoding: base64

aGVsbG8=
--b--
"""
NAME = "1795220629.526593.P22706Q701.sluice"


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create an open batch of Alice."""
    return create_batch(alice)


@pytest.fixture
def message(alice: Account, batch: Batch) -> Message:
    """Accept one message of that batch, to to0@example.com."""
    accept_mail(alice, draft(1, batch_id=batch.public_id))
    return Message.objects.get()


@pytest.fixture
def maildir(tmp_path: Path, settings: Any) -> Path:
    """Create a local inbox with one hostile message, a link that leads out of it, and a secret beside it."""
    settings.LOCAL_INBOX = str(tmp_path / "inbox")
    new = tmp_path / "inbox" / "new"
    new.mkdir(parents=True)
    (new / NAME).write_bytes(RECEIVED)
    (tmp_path / "inbox" / "secret").write_text("Subject: secret\n\nsecret")
    (new / "link").symlink_to(tmp_path / "inbox" / "secret")
    return tmp_path / "inbox"


def test_every_page_of_messages_opens_for_operators_only(operator: Client, client: Client, message: Message) -> None:
    for path in (MESSAGES, f"{MESSAGES}{message.pk}/change/"):
        assert operator.get(path).status_code == 200, path
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/admin/login/"), path


@further
def test_beats_pages_open(operator: Client) -> None:
    for model in ("periodictask", "intervalschedule", "crontabschedule", "clockedschedule"):
        assert operator.get(f"/admin/django_celery_beat/{model}/").status_code == 200, model
        assert operator.get(f"/admin/django_celery_beat/{model}/add/").status_code == 200, model


def find(text: str) -> list[int]:
    """Return the ids of the newest messages that a search finds."""
    return find_messages(Filters(text=text), Place(), limit=SHOWN).ids


def test_messages_are_found_by_the_identifiers_that_a_person_knows(
    alice: Account, charlie: Account, batch: Batch, deliverer: Deliverer, peer: CountingPeer
) -> None:
    others = [accept_mail(charlie, draft(3, name=f"other{n}-")) for n in range(3)]
    accepted = accept_mail(alice, draft(2, batch_id=batch.public_id))
    accept_mail(charlie, draft(3, name="later-"))
    first, second = Message.objects.filter(mail_id=Mail.objects.get(public_id=accepted.public_id).pk).order_by("pk")
    deliverer.deliver_due(seconds=5)
    (header,) = (taken.message_id for taken in peer.ledger if taken.recipient == "to1@example.com")
    for _ in range(2):
        assert find("to0@example.com") == [first.pk]
        assert find(f" {accepted.public_id} ") == [second.pk, first.pk]
        assert find(batch.public_id) == [second.pk, first.pk]
        assert find(str(second.pk)) == [second.pk]
        assert find(f"<{header}>") == [second.pk]
        assert len(find(others[0].public_id)) == 3
        assert find("no-such-thing") == find("nobody@example.com") == []
        fold_final()


@further
def test_a_mail_is_found_among_many_whatever_their_sizes(alice: Account, batch: Batch) -> None:
    accepted = [accept_mail(alice, draft(size, name=f"{n}-")) for n, size in enumerate((1, 600, 1, 3, 1100, 2))]
    for n, mail in enumerate(accepted):
        matches = Message.objects.filter(pk__in=find(mail.public_id))
        assert len(matches) == min(mail.messages, SHOWN)
        assert all(message.recipient.startswith(f"{n}-") for message in matches)


def test_a_mail_is_found_after_a_gap_left_by_pruning(alice: Account) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select setval('batches_parcel_id_seq', last_value + 5000) from batches_parcel_id_seq")
    first, second = accept_mail(alice, draft(2)), accept_mail(alice, draft(3))
    assert len(find(first.public_id)) == 2
    assert len(find(second.public_id)) == 3


def test_without_a_search_the_newest_messages_are_shown(operator: Client, alice: Account) -> None:
    accept_mail(alice, draft(150))
    newest = Message.objects.order_by("-pk")[:SHOWN]
    assert find("") == [message.pk for message in newest]
    page = operator.get(MESSAGES).text
    assert "to149@example.com" in page
    assert "to99@example.com" not in page


def test_a_message_shows_its_state_and_its_history(
    operator: Client, message: Message, deliverer: Deliverer, peer: CountingPeer
) -> None:
    peer.replies["to0@example.com"] = "550 5.1.1 <b>no such user</b>"
    assert "due" in operator.get(f"{MESSAGES}{message.pk}/change/").text
    deliverer.deliver_due(seconds=5)
    assert Event.objects.get().kind == EventKind.REFUSED
    page = operator.get(f"{MESSAGES}{message.pk}/change/").text
    assert "refused" in page
    assert "550 5.1.1 &lt;b&gt;no such user&lt;/b&gt;" in page
    assert "Hello 0" in page, "substitutions are made"
    assert "refused" in operator.get(MESSAGES).text


@further
def test_a_message_whose_mail_was_pruned_is_still_shown(operator: Client, message: Message) -> None:
    Mail.objects.all().delete()
    assert "was removed" in operator.get(f"{MESSAGES}{message.pk}/change/").text
    assert operator.get(MESSAGES).status_code == 200


def test_messages_are_read_only(operator: Client, message: Message) -> None:
    assert operator.post(f"{MESSAGES}{message.pk}/change/", {"recipient": "x"}).status_code == 403
    assert operator.post(f"{MESSAGES}{message.pk}/delete/", {"post": "yes"}).status_code == 403
    assert operator.get(f"{MESSAGES}add/").status_code == 403
    assert Message.objects.get().recipient == "to0@example.com"


def test_staff_without_permission_sees_no_mail(message: Message, maildir: Path) -> None:
    with logged_in("ivan", may=("batches.view_batch",)) as client:
        for path in (MESSAGES, f"{MESSAGES}{message.pk}/change/", INBOX, f"{INBOX}{NAME}/"):
            assert client.get(path).status_code == 403
        assert INBOX not in client.get("/admin/").text


def test_hostile_content_is_only_text(operator: Client, alice: Account, batch: Batch) -> None:
    accept_mail(alice, replace(HOSTILE, batch_id=batch.public_id))
    pk = Message.objects.get().pk
    for page in (operator.get(MESSAGES).text, operator.get(f"{MESSAGES}{pk}/change/").text):
        assert SCRIPT not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "alert(1)</script>" not in page


def test_html_is_framed_without_scripts_or_network(operator: Client, alice: Account) -> None:
    accept_mail(alice, HOSTILE)
    page = operator.get(f"{MESSAGES}{Message.objects.get().pk}/change/").text
    frame = page.split("<iframe ")[1].split("</iframe>")[0]
    assert frame.startswith('sandbox="" ')
    document = unescape(frame.split('srcdoc="')[1].split('"')[0])
    assert document.startswith('<meta http-equiv="Content-Security-Policy" content="default-src')
    assert document.endswith(f'{SCRIPT}"><b>{SCRIPT}</b>'), "nothing of it has left the attribute"


def test_the_inbox_lists_and_opens_messages(operator: Client, maildir: Path) -> None:
    (received,) = list_newest(maildir)
    assert (received.sender, received.subject) == ("Jürgen <from@example.com>", "<script>alert(1)</script> ünd")
    assert received.recipients.startswith("to1@example.com")
    assert received.size == len(RECEIVED)
    for page in (operator.get(INBOX).text, operator.get(f"{INBOX}{NAME}/").text):
        assert "Jürgen" in page
        assert "alert(1)</script>" not in page
        assert "&lt;script&gt;alert(1)" in page
    assert "sandbox" in operator.get(f"{INBOX}{NAME}/").text


def test_parts_of_any_charset_are_shown_and_attachments_named(maildir: Path) -> None:
    preview = read_message(maildir, NAME)
    assert preview is not None
    assert [part.type for part in preview.parts] == ["text/plain", "text/html"]
    assert preview.parts[0].text.strip() == "Hello <script>alert(1)</script> \ufffd"
    assert [(item.filename, item.size) for item in preview.attached] == [("<script>.pdf", 5)]
    assert ("X-Odd", "=?no-such-charset?q?x?=") in preview.headers


BESIDE = (
    *("../secret", "..%2fsecret", "%2e%2e%2fsecret", "..", "link", "nothing", "/etc/passwd", "%2fetc%2fpasswd"),
    "x" * 300,
)


def test_nothing_beside_the_inbox_can_be_opened(operator: Client, maildir: Path) -> None:
    for name in BESIDE:
        answer = operator.get(f"{INBOX}{name}/", follow=True)
        assert answer.status_code == 404, name
        assert "secret" not in getattr(answer, "text", "").replace(name, ""), name


@pytest.mark.parametrize("name", ["../secret", "..", ".", "link", "new/../../secret", "/etc/passwd", "a\0b", ""])
def test_a_name_is_never_taken_as_a_path(maildir: Path, name: str) -> None:
    assert read_message(maildir, name) is None


def test_anything_but_a_plain_file_is_ignored(maildir: Path) -> None:
    (maildir / "new" / "folder").mkdir()
    (maildir / "new" / ".hidden").write_bytes(RECEIVED)
    os.mkfifo(maildir / "new" / "pipe")
    assert [received.name for received in list_newest(maildir)] == [NAME]


def test_a_message_of_garbage_is_shown(operator: Client, maildir: Path) -> None:
    (maildir / "new" / "9.garbage").write_bytes(
        b"\xff\xfe: \x00\r\nSubject: \xff=?utf-8?b?!!?=\r\nContent-Type: ;;\r\n\r\n\xff\x00"
    )
    assert operator.get(INBOX).status_code == 200
    assert operator.get(f"{INBOX}9.garbage/").status_code == 200


def test_an_empty_inbox_is_an_empty_page(operator: Client, settings: Any, tmp_path: Path) -> None:
    settings.LOCAL_INBOX = str(tmp_path / "not there yet")
    assert operator.get(INBOX).status_code == 200


def test_without_a_local_inbox_there_is_no_page(operator: Client, settings: Any) -> None:
    settings.LOCAL_INBOX = ""
    assert operator.get(INBOX).status_code == operator.get(f"{INBOX}{NAME}/").status_code == 404
    assert INBOX not in operator.get("/admin/").text


def test_a_stranger_is_asked_to_log_in(client: Client, database: None, maildir: Path) -> None:
    for path in (INBOX, f"{INBOX}{NAME}/"):
        assert client.get(path).headers["Location"].startswith("/admin/login/")
