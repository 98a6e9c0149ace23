"""A Send as a caller gives it becomes values of the core."""

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
"""Properties that would change how a send goes, and that Sluice does not have."""
FIXED: Final = (*NOT_SET, "Email", "List", "FromAddress", "FromName", "Subject", "EmailName")
"""Of a send that there is."""


@dataclass(frozen=True, slots=True)
class NewSend:
    """For `send_campaign`."""

    changes: dict[str, Any]
    original: Campaign | None
    contacts: list[ContactDraft]
    send_at: dt.datetime | None


def read_new_send(account: Account, found: Element, *, now: dt.datetime) -> NewSend:
    """Raises Problem, and what the core does of parts that the account does not have."""
    refuse_set(found, NOT_SET)
    if text(found, "IsAlwaysOn") in {"true", "1"}:
        raise Problem(Code.PROPERTY, "IsAlwaysOn cannot be set here")
    original = read_original(account, found)
    content = read_content(found)
    if original is None and not content.keys() & {"html_content", "plain_content"}:
        raise Problem(Code.EMAIL_REQUIRED, "An email ID, partner key or body must be specified")
    changes = content | {"title": read_title(found, original, content), "lists": read_lists(found)}
    contacts = read_subscribers(found)
    if not changes["lists"] and not contacts:
        raise Problem(Code.LIST_REQUIRED, "A list must be specified")
    email, name = text(found, "FromAddress"), text(found, "FromName")
    if email or name:
        changes["sender"] = find_verified(account, email=email, name=name).pk
    return NewSend(changes, original, contacts, read_send_date(found, now=now))


def refuse_set(found: Element, names: tuple[str, ...]) -> None:
    """Raises Problem for a property that is there and is not to be: left aside it would be missing without a word."""
    for name in names:
        given = child(found, name)
        if given is not None and (len(given) or (given.text or "").strip()):
            raise Problem(Code.PROPERTY, f"{name} cannot be set here")


def read_original(account: Account, found: Element) -> Campaign | None:
    """The campaign that an email's ID names. Raises Problem."""
    if text(found, "Email", "PartnerKey") is not None:
        raise Problem(Code.EMAIL_PARTNER_KEY, "The account has no email of that partner key")
    said = text(found, "Email", "ID")
    if said is None:
        return None
    try:
        return find_campaign(account, number_of(said))
    except UnknownCampaign:
        raise Problem(Code.EMAIL_NOT_LOADED, "Unable to load email") from None


def read_content(found: Element) -> dict[str, Any]:
    """What is said of the texts. Raises Problem."""
    parts = {name: child(found, "Email", name) for name in CONTENT}
    if any(part is not None and len(part) for part in parts.values()):
        # HTML that is not escaped: only what comes before its first tag would be left.
        raise Problem(Code.INVALID_EMAIL, "Bodies must be escaped, or in CDATA")
    given = {name: text_of(part) for name, part in parts.items()}
    if subject := text(found, "Subject"):
        given["Subject"] = subject
    said = {CONTENT[name]: value for name, value in given.items() if value}
    subject = said.get("subject", "")
    if len(subject) > LONGEST_SUBJECT or not is_line(subject):
        raise Problem(Code.INVALID_EMAIL, f"The subject is one line of {LONGEST_SUBJECT} characters at most")
    return said


def read_title(found: Element, original: Campaign | None, content: dict[str, Any]) -> str:
    """What it is called: as is said, as its original is, or as its subject reads."""
    of_original = original.title if original else ""
    named = text(found, "EmailName") or text(found, "Email", "Name") or of_original or content.get("subject")
    return UNFIT_FOR_LINE.sub(" ", named or UNTITLED)[:TITLE_LENGTH]


def read_lists(found: Element) -> list[int]:
    """Return the lists named by their IDs. An ID that is empty, or not a number, is that of an unknown list."""
    named = (child(each, "ID") for each in elements(found, "List") if not is_nil(each))
    return list(dict.fromkeys(number_of(text_of(given) or "") for given in named if given is not None))


def read_subscribers(found: Element) -> list[ContactDraft]:
    """Those that stand in the call itself. Raises Problem and InvalidContact."""
    given = [each for listed in elements(found, "List") for each in elements(listed, "Subscribers")]
    if len(given) > MOST_SUBSCRIBERS:
        raise Problem(Code.LIST_CREATION, f"A send takes {MOST_SUBSCRIBERS} subscribers at most; import them")
    return [read_subscriber(each) for each in given]


def read_subscriber(given: Element) -> ContactDraft:
    """The key becomes the contact's external id, unless it is the address once more, in any spelling."""
    refuse_set(given, ("Attributes",))
    email, key = text(given, "EmailAddress"), text(given, "SubscriberKey")
    if email is None:
        raise Problem(Code.LIST_CREATION, "A subscriber needs an EmailAddress")
    said = {"email": email}
    if key and address_key(key) != address_key(email):
        said["external_id"] = read_key(key)
    return make_draft(said, fields={})


def read_key(key: str) -> str:
    """Return a subscriber's key; one that is an address in the form in which addresses are kept."""
    return address_key(key) if is_address(key) else key


def read_send_date(found: Element, *, now: dt.datetime) -> dt.datetime | None:
    """Return the SendDate, or None if it is absent or nil. Raises Problem; the core checks whether it has passed.

    An empty one is an error. Clients of JavaScript write it for a Date, and without a time the send would begin now.
    """
    given = child(found, "SendDate")
    if given is None:
        return None
    try:
        read = read_iso(text_of(given) or "")
    except ValueError:
        raise Problem(Code.SEND_DATE, "SendDate is no time") from None
    if read > now + dt.timedelta(days=YEARS_AHEAD * 366):
        raise Problem(Code.SEND_DATE, f"SendDate is more than {YEARS_AHEAD} years ahead")
    return read


def number_of(said: str) -> int:
    """0, which nothing has, for what is no number of 31 bits."""
    number = int(said) if INTEGER.fullmatch(said) else 0
    return number if number < 2**31 else 0
