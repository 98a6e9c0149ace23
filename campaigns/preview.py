"""Show a campaign as a contact would get it: the functions that launch and deliver it make the message in memory.

Nothing is stored or sent. The links in it have no message, so they do nothing for the contact.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from audience.contacts import newest_matching
from audience.locks import expensive_call
from audience.models import Contact
from campaigns import queries
from campaigns.checking import check_texts
from campaigns.contact_values import Fields, custom_fields_of, personal_sql
from campaigns.content import Content, content_of
from campaigns.errors import Need, NotReady
from campaigns.launch import mail_of
from campaigns.models import Campaign
from campaigns.reach import HIGHEST, Exclusion, find_exclusion
from campaigns.readiness import find_missing
from campaigns.selection import select_audience
from mailer.models import Message
from mailer.preview import Preview, preview_message

NEEDED: Final = frozenset({Need.SENDER, Need.CONTENT})
READER: Final = "reader@example.com"
"""The recipient of a preview without a contact, whose tags have their defaults."""


class Previewed(NamedTuple):
    """The message that a contact would get. `contact` is None for a message with the defaults of all tags."""

    preview: Preview
    contact: Contact | None


@dataclass(frozen=True, slots=True)
class Offer:
    """The contacts for which a preview can be shown, and the contact that was chosen, which may be another one.

    `exclusion` says why the chosen contact would be left out. It is None if it would get a message, or if it does not
    belong to the audience (`is_stranger`).
    """

    contacts: Sequence[Contact]
    chosen: int | None
    exclusion: Exclusion | None = None
    is_stranger: bool = False


def preview_campaign(campaign: Campaign, contact_id: int | None = None) -> Previewed:
    """Return the message that a contact would get, or one with the defaults of all tags.

    The latter is also returned for a contact that does not exist or is another account's. Raises NotReady if the
    campaign has no sender or no content, and InvalidContent.
    """
    if missing := find_missing(campaign, needs=NEEDED):
        raise NotReady(missing)
    fields = custom_fields_of(campaign.account_id)
    check_texts(campaign, fields)
    content = content_of(campaign)
    mail = mail_of(campaign, content)
    contact, personal = (
        (None, None) if contact_id is None else _read_contact(campaign.account_id, content, fields, contact_id)
    )
    recipient = (contact and contact.email) or READER
    message = Message(pk=0, recipient=recipient, personal=personal or _defaults_of(content))
    return Previewed(preview_message(message, mail), contact)


def _read_contact(
    account_id: int, content: Content, fields: Fields, contact_id: int
) -> tuple[Contact | None, dict[str, object] | None]:
    """Return a contact, and what a launch stores as the message's values for it."""
    personal, parameters = personal_sql(content.tags, content.names, account_id, fields)
    statement = queries.contact_with_personal(personal)
    rows: list[Any] = list(Contact.objects.raw(statement, {**parameters, "account": account_id, "contact": contact_id}))
    if not rows:
        return None, None
    return rows[0], json.loads(rows[0].personal or "null")


def _defaults_of(content: Content) -> dict[str, object]:
    return {"merge": {tag.text: tag.default for tag in content.tags}, "data": {}}


def offer_contacts(campaign: Campaign, limit: int, *, search: str = "", chosen: int | None = None) -> Offer:
    """Return contacts that a search finds, or the first ones of the audience, and the chosen contact.

    Without a choice, the only contact that a search finds is chosen, or the first one of the audience. Raises
    SearchTooSlow and TooManyCalls.
    """
    with expensive_call(campaign.account_id):
        contacts = (
            newest_matching(campaign.account, search, limit=limit) if search else _first_contacts(campaign, limit)
        )
        if chosen is None and contacts and (not search or len(contacts) == 1):
            chosen = contacts[0].pk
        if chosen is None:
            return Offer(contacts, None)
        try:
            return Offer(contacts, chosen, find_exclusion(campaign, chosen))
        except LookupError:
            return Offer(contacts, chosen, is_stranger=True)


def _first_contacts(campaign: Campaign, limit: int) -> Sequence[Contact]:
    """Return the first contacts of an audience that have an address."""
    audience = select_audience(campaign)
    parameters = audience.parameters | {"through": 0, "last_contact": HIGHEST, "limit": limit}
    return list(Contact.objects.raw(queries.contacts_with_address(audience.sql), parameters))
