"""Read a Send of a request as values of the core."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from accounts.models import Account
from api.soap.codes import Code
from api.soap.errors import Problem
from api.soap.objects import INTEGER
from api.soap.reading import Element, child, elements, is_nil, text, text_of
from audience.dates import read_iso
from audience.drafts import ContactDraft, make_draft
from campaigns.editing import TITLE_LENGTH, find_campaign
from campaigns.errors import UnknownCampaign
from campaigns.models import Campaign
from campaigns.senders import find_verified
from foundation.addresses import address_key, is_address
from foundation.texts import UNFIT_FOR_LINE, is_line

LONGEST_SUBJECT: Final = 998
MOST_SUBSCRIBERS: Final = 10_000
YEARS_AHEAD: Final = 10
UNTITLED: Final = "Send"
CONTENT: Final = {"Subject": "subject", "HTMLBody": "html_content", "TextBody": "plain_content"}
NOT_SET: Final = (
    "PartnerKey",
    "CustomerKey",
    "SendLimit",
    "SendWindowOpen",
    "SendWindowClose",
    "Additional",
    "BccEmail",
    "EmailSendDefinition",
    "SuppressionLists",
)
"""Properties that would change how a send proceeds, and that Sluice does not support."""
FIXED: Final = (*NOT_SET, "Email", "List", "FromAddress", "FromName", "Subject", "EmailName")
"""Properties of an existing send that cannot be changed."""


@dataclass(frozen=True, slots=True)
class NewSend:
    """The arguments of `send_campaign`."""

    changes: dict[str, Any]
    original: Campaign | None
    contacts: list[ContactDraft]
    send_at: dt.datetime | None


def read_new_send(account: Account, send: Element, *, now: dt.datetime) -> NewSend:
    """Return the values of a new send.

    Raises Problem, and the errors of the core about parts that the account does not have.
    """
    refuse_set(send, NOT_SET)
    if text(send, "IsAlwaysOn") in {"true", "1"}:
        raise Problem(Code.PROPERTY, "IsAlwaysOn cannot be set here")
    original = read_original(account, send)
    content = read_content(send)
    if original is None and not content.keys() & {"html_content", "plain_content"}:
        raise Problem(Code.EMAIL_REQUIRED, "An email ID, partner key or body must be specified")
    changes = content | {"title": read_title(send, original, content), "lists": read_lists(send)}
    contacts = read_subscribers(send)
    if not changes["lists"] and not contacts:
        raise Problem(Code.LIST_REQUIRED, "A list must be specified")
    email, name = text(send, "FromAddress"), text(send, "FromName")
    if email or name:
        # The original may replace the name of its sender. That name does not belong to this sender.
        changes |= {"sender": find_verified(account, email=email, name=name).pk, "from_name": ""}
    return NewSend(changes, original, contacts, read_send_date(send, now=now))


def refuse_set(send: Element, names: tuple[str, ...]) -> None:
    """Raise Problem for a property that has a value and cannot be set. Ignoring it would lose the value silently."""
    for name in names:
        element = child(send, name)
        if element is not None and (len(element) or (element.text or "").strip()):
            raise Problem(Code.PROPERTY, f"{name} cannot be set here")


def read_original(account: Account, send: Element) -> Campaign | None:
    """Return the campaign that an email's ID names, or None. Raises Problem."""
    if text(send, "Email", "PartnerKey") is not None:
        raise Problem(Code.EMAIL_PARTNER_KEY, "The account has no email of that partner key")
    email_id = text(send, "Email", "ID")
    if email_id is None:
        return None
    try:
        return find_campaign(account, number_of(email_id))
    except UnknownCampaign:
        raise Problem(Code.EMAIL_NOT_LOADED, "Unable to load email") from None


def read_content(send: Element) -> dict[str, Any]:
    """Return the subject and the bodies that the request holds. Raises Problem."""
    parts = {name: child(send, "Email", name) for name in CONTENT}
    if any(part is not None and len(part) for part in parts.values()):
        # HTML that is not escaped is parsed as elements, so only the text before its first tag would be kept.
        raise Problem(Code.INVALID_EMAIL, "Bodies must be escaped, or in CDATA")
    texts = {name: text_of(part) for name, part in parts.items()}
    if subject := text(send, "Subject"):
        texts["Subject"] = subject
    content = {CONTENT[name]: value for name, value in texts.items() if value}
    subject = content.get("subject", "")
    if len(subject) > LONGEST_SUBJECT or not is_line(subject):
        raise Problem(Code.INVALID_EMAIL, f"The subject is one line of {LONGEST_SUBJECT} characters at most")
    return content


def read_title(send: Element, original: Campaign | None, content: dict[str, Any]) -> str:
    """Return the title of a new send: the given name, that of its original, or the subject."""
    of_original = original.title if original else ""
    title = text(send, "EmailName") or text(send, "Email", "Name") or of_original or content.get("subject")
    return UNFIT_FOR_LINE.sub(" ", title or UNTITLED)[:TITLE_LENGTH]


def read_lists(send: Element) -> list[int]:
    """Return the lists named by their IDs. An ID that is empty, or not a number, is that of an unknown list."""
    id_elements = (child(each, "ID") for each in elements(send, "List") if not is_nil(each))
    return list(dict.fromkeys(number_of(text_of(element) or "") for element in id_elements if element is not None))


def read_subscribers(send: Element) -> list[ContactDraft]:
    """Return the subscribers that the call itself contains. Raises Problem and InvalidContact."""
    subscribers = [each for listed in elements(send, "List") for each in elements(listed, "Subscribers")]
    if len(subscribers) > MOST_SUBSCRIBERS:
        raise Problem(Code.LIST_CREATION, f"A send takes {MOST_SUBSCRIBERS} subscribers at most; import them")
    return [read_subscriber(each) for each in subscribers]


def read_subscriber(subscriber: Element) -> ContactDraft:
    """Return a subscriber as a contact.

    The key becomes the contact's external id, unless it is the address in another spelling.
    """
    refuse_set(subscriber, ("Attributes",))
    email, key = text(subscriber, "EmailAddress"), text(subscriber, "SubscriberKey")
    if email is None:
        raise Problem(Code.LIST_CREATION, "A subscriber needs an EmailAddress")
    columns = {"email": email}
    if key and address_key(key) != address_key(email):
        columns["external_id"] = read_key(key)
    return make_draft(columns, fields={})


def read_key(key: str) -> str:
    """Return a subscriber's key; one that is an address in the form in which addresses are kept."""
    return address_key(key) if is_address(key) else key


def read_send_date(send: Element, *, now: dt.datetime) -> dt.datetime | None:
    """Return the SendDate, or None if it is absent or nil. Raises Problem; the core checks whether it has passed.

    An empty one is an error. Clients of JavaScript write it for a Date, and without a time the send would begin now.
    """
    element = child(send, "SendDate")
    if element is None:
        return None
    try:
        moment = read_iso(text_of(element) or "")
    except ValueError:
        raise Problem(Code.SEND_DATE, "SendDate is not a time") from None
    if moment > now + dt.timedelta(days=YEARS_AHEAD * 366):
        raise Problem(Code.SEND_DATE, f"SendDate is more than {YEARS_AHEAD} years ahead")
    return moment


def number_of(text_of_id: str) -> int:
    """Return the number of an ID, or 0, which nothing has, for a text that is not a number of 31 bits."""
    number = int(text_of_id) if INTEGER.fullmatch(text_of_id) else 0
    return number if number < 2**31 else 0
