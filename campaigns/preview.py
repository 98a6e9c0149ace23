"""Show a campaign as a contact would get it: the functions that launch and deliver it make the message in memory.

Nothing is stored or sent. The links in it have no message, so they do nothing for the contact.
"""

from __future__ import annotations

import json
from typing import Final

from django.db import connection

from audience.locks import expensive_call
from audience.models import Contact
from campaigns import queries
from campaigns.checking import check_texts
from campaigns.contact_values import personal_sql
from campaigns.content import Content, content_of
from campaigns.errors import Lack, NotReady
from campaigns.launch import mail_of
from campaigns.models import Campaign
from campaigns.readiness import lacks_of
from campaigns.selection import select_audience
from mailer.models import Message
from mailer.preview import Preview, preview_message

NEEDED: Final = frozenset({Lack.SENDER, Lack.CONTENT})
READER: Final = "reader@example.com"
"""The recipient of a preview without a contact, whose tags have their defaults."""
HIGHEST: Final = 2**63 - 1


def preview_campaign(campaign: Campaign, contact: Contact | None) -> Preview:
    """Return the message that a contact would get, or one with the defaults of all tags.

    Raises NotReady if the campaign has no sender or no content, and InvalidContent.
    """
    if lacks := lacks_of(campaign, needs=NEEDED):
        raise NotReady(lacks)
    check_texts(campaign)
    content = content_of(campaign)
    mail = mail_of(campaign, content)
    personal = None if contact is None else _personal_of(campaign, content, contact)
    recipient = (contact and contact.email) or READER
    return preview_message(Message(pk=0, recipient=recipient, personal=personal or _defaults_of(content)), mail)


def _personal_of(campaign: Campaign, content: Content, contact: Contact) -> dict[str, object] | None:
    """Return what a launch stores as the message's values for this contact."""
    personal, parameters = personal_sql(content.tags, content.names, campaign.account_id)
    with connection.cursor() as cursor:
        cursor.execute(queries.personal_of_contact(personal), {**parameters, "contact": contact.pk})
        row = cursor.fetchone()
    values: dict[str, object] | None = json.loads(row[0]) if row and row[0] else None
    return values


def _defaults_of(content: Content) -> dict[str, object]:
    return {"merge": {tag.text: tag.default for tag in content.tags}, "data": {}}


def first_contacts(campaign: Campaign, limit: int) -> list[Contact]:
    """Return the first contacts of an audience that have an address. Raises SearchTooSlow and TooManyCalls."""
    chosen = select_audience(campaign)
    parameters = chosen.parameters | {"through": 0, "last_contact": HIGHEST, "limit": limit}
    with expensive_call(campaign.account_id), connection.cursor() as cursor:
        cursor.execute(chosen.sql, parameters)
        ids = [id for (id,) in cursor.fetchall()]
        return list(Contact.objects.filter(pk__in=ids, email__isnull=False).order_by("pk"))
