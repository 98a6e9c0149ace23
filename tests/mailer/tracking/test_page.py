"""The page of a message shows who opened it and which links were clicked."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from html import escape

from django.test import Client

from accounts.models import Account
from mailer.draft import Rendering
from mailer.models import Message
from mailer.pipeline.accept import accept_mail
from mailer.tracking.hits import Hit
from mailer.tracking.tokens import TrackedLink, TrackedMessage
from mailer.tracking.writing import write_hits
from tests.drafts import draft


def test_a_message_shows_its_opens_and_clicks(operator: Client, alice: Account) -> None:
    pages = []
    for rendering in (Rendering(), Rendering(opens=True)):
        accept_mail(alice, replace(draft(1), rendering=rendering))
        message = Message.objects.latest("pk")
        pages.append(f"/admin/mailer/message/{message.pk}/change/")
    untracked, tracked = pages
    link = TrackedLink("https://shop.example/?a=<b>", 3, is_html=True)
    person = TrackedMessage(alice.pk, message.mail_id, message.pk, 0)
    opened = Hit(dt.datetime.now(dt.UTC), person, None, "192.0.2.1", "Firefox", is_machine=False)
    assert "None has been seen yet" in operator.get(tracked).text
    write_hits([opened, opened._replace(link=link, user_agent="Scanner", is_machine=True)])
    page = operator.get(tracked).text
    assert "Opens" not in operator.get(untracked).text
    for text in ("Opens and clicks", "Firefox", "192.0.2.1", escape(link.url), "a machine", "a person"):
        assert text in page
