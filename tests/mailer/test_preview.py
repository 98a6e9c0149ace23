"""A page shows a message with the texts that were sent."""

from __future__ import annotations

import email
from dataclasses import replace
from email import policy

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from content.models import VersionContent
from mailer.compose.source import Unrenderable
from mailer.draft import ContentPart, MailDraft, Personalization
from mailer.models import Mail, Message
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.preview import finished_texts, preview_message, subject_of
from tests.drafts import draft
from tests.peer import CountingPeer

CONTENT = (ContentPart("text/plain", "Hi -n-"), ContentPart("text/html", "<p>Hi -n- {{weblink}}</p>"))


def accepted(account: Account, mail: MailDraft) -> tuple[Message, Mail]:
    message = Message.objects.get(pk=accept_mail(account, mail).first_message)
    return message, Mail.objects.get(pk=message.mail_id)


def test_the_html_of_a_message_is_that_which_was_sent(alice: Account, deliverer: Deliverer, peer: CountingPeer) -> None:
    footer = {"footer": {"text": "", "html": "<i>[Sender_Name]</i>"}}
    message, mail = accepted(alice, replace(draft(1), content=CONTENT, rendering=footer))  # type: ignore[arg-type]
    deliverer.deliver_due(seconds=5)
    _, html = email.message_from_bytes(peer.ledger[0].data, policy=policy.default).iter_parts()
    shown = finished_texts(message, mail).parts[1][1]
    assert shown == html.get_content().replace("\r\n", "\n").rstrip("\n")
    assert shown.startswith("<p>Hi 0 http")
    assert preview_message(message, mail).parts[1].text == shown


def test_a_message_that_cannot_be_made_is_shown_as_it_was_given(alice: Account) -> None:
    content = VersionContent.objects.create(account=alice, is_dynamic=True, html='{{formatDate when "YYYY"}}')
    people = (draft().personalizations[0]._replace(data={"when": "soon"}),)
    message, mail = accepted(alice, replace(draft(), template=content.pk, personalizations=people))
    with pytest.raises(Unrenderable):
        finished_texts(message, mail)
    assert preview_message(message, mail).parts[0].text == "Hello -n-", "operators see what was given"


def test_a_list_shows_subjects_without_reading_bodies(alice: Account) -> None:
    dynamic = VersionContent.objects.create(account=alice, is_dynamic=True, subject="For {{name}}", html="x")
    legacy = VersionContent.objects.create(account=alice, is_dynamic=False, subject="[N] <%subject%>", html="<%body%>")
    personalization: Personalization = draft().personalizations[0]._replace(data={"name": "Ann"})
    for template, expected in ((dynamic.pk, "For Ann"), (legacy.pk, "[N] Hello"), (None, "Hello")):
        message, mail = accepted(alice, replace(draft(), template=template, personalizations=(personalization,)))
        light = Mail.objects.select_related("template").defer("content", "template__html", "template__plain")
        mail = light.get(pk=mail.pk)
        with CaptureQueriesContext(connection) as queries:
            assert subject_of(message, mail) == expected
        assert not queries.captured_queries
