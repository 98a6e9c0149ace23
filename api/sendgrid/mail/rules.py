"""Check the rules between the parts of a mail/send body, which a type cannot express.

They run after the checks of types, even if these have found errors, so that one answer names every fault. A part that
has the wrong type is None then, and its rules are skipped.
"""

from __future__ import annotations

import binascii
import datetime as dt
import re
from collections.abc import Iterator, Mapping
from functools import reduce
from itertools import islice
from operator import or_
from typing import Any, Final

from django.conf import settings

from api.sendgrid.errors import plain_refusal
from api.sendgrid.mail import types
from api.sendgrid.mail.headers import header_problems
from api.sendgrid.mail.settings import copy_problems, spam_check_problems
from api.sendgrid.mail.texts import ADDRESS_INVALID, POOL_INVALID, REPLY_TO_INVALID, Finding, Loc, shown
from foundation.addresses import address_key, is_address
from foundation.texts import is_line
from mailer.compose.part_heads import NAME, parse_mime_type
from mailer.draft import Bypass

BYPASSES: Final[Mapping[str, Bypass]] = {
    "bypass_list_management": Bypass.EVERYTHING,
    "bypass_spam_management": Bypass.SPAM_REPORTS,
    "bypass_bounce_management": Bypass.BOUNCES,
    "bypass_unsubscribe_management": Bypass.UNSUBSCRIBES,
}
# Ours: the documents have the rule and no text for it.
ALONE = "The bypass_list_management setting cannot be combined with any other bypass setting."


def read_bypasses(mail: Mapping[str, Any]) -> Bypass:
    """Return the suppressions that a mail is sent in spite of."""
    mail_settings = mail.get("mail_settings") or {}
    return reduce(
        or_, (flag for name, flag in BYPASSES.items() if mail_settings.get(name, {}).get("enable")), Bypass.NOTHING
    )


def mail_settings_problems(mail: Mapping[str, Any]) -> Iterator[Finding]:
    """Find what is wrong with the mail settings: a bypass of everything is not combined with another bypass."""
    yield from copy_problems(mail)
    yield from spam_check_problems(mail)
    bypasses = read_bypasses(mail)
    if Bypass.EVERYTHING in bypasses and bypasses != Bypass.EVERYTHING:
        yield Finding(("mail_settings", "bypass_list_management"), ALONE)


SLACK_SECONDS: Final = 60
"""The number of seconds by which a caller's clock may be ahead of ours at the limit of `send_at`."""

SEARCHED_ENTRIES: Final = 10
"""The most entries of a reply_to_list that are not addresses and are searched for keys. The core checks the others."""
DYNAMIC_TEMPLATE_ID = re.compile(r"d-[0-9a-fA-F]{32}")
LEGACY_TEMPLATE_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

SUBJECT_REQUIRED = (
    "The subject is required. You can get around this requirement if you use a template with a subject defined or if "
    "every personalization has a subject defined."
)
CONTENT_REQUIRED = (
    "Unless a valid template_id is provided, the content parameter is required. There must be at least one defined "
    "content block. We typically suggest both text/plain and text/html blocks are included, but only one block is "
    "required."
)
CONTENT_ORDER = (
    "Following RFC 1341, section 7.2, if either text/html or text/plain are to be sent in your email: text/plain needs "
    "to be first, followed by text/html, followed by any other content."
)
CONTENT_ONCE = "If present, text/plain and text/html may only be provided once."
DUPLICATE = (
    "Each email address in the personalization block should be unique between to, cc, and bcc. We found the first "
    "duplicate instance of [{}] in the {} field."
)
CONTENT_TYPE_TEXT = "Cannot contain ';', or CRLF characters."
TYPE_TEXT = "The type cannot contain ';', or CRLF characters."
# Ours: the documents have the rule and no text for it.
OTHER_DOMAIN = "The domain of a personalization's from email must be the domain of the message's from email."
BOTH_REPLY_TOS = "The reply_to and reply_to_list parameters cannot be used together."
REPLY_TO_TWICE = "Each email address in the reply_to_list should be unique."
NOT_A_MIME_TYPE = "The content type must be a MIME type, such as text/plain."
NOT_A_FILE_TYPE = "The attachment type must be a MIME type, such as application/pdf."
SUBSTITUTIONS_SIZE = "The combined size of the substitutions may not exceed {:,} bytes per personalization."
CUSTOM_ARGS_SIZE = (
    "The combined size of both global and personalization custom arguments may not exceed {:,} bytes per "
    "personalization."
)


def find_problems(mail: Mapping[str, Any], now: dt.datetime) -> Iterator[Finding]:
    """Find everything that breaks a rule in a body that comes at the moment `now`.

    Raises Refusal if a value of custom_args is not a string, or if one of substitutions is neither a string nor null:
    then SendGrid refuses the body as a whole.
    """
    people = mail.get("personalizations") or ()
    latest = now.timestamp() + settings.SCHEDULE_LIMIT_SECONDS + SLACK_SECONDS
    args_size = size_of(mail.get("custom_args"))
    for index, personalization in enumerate(people):
        if personalization is not None:
            yield from personalization_problems(
                ("personalizations", index), personalization, mail=mail, args_size=args_size
            )
            if time_field(personalization):
                yield from time_problems(("personalizations", index), personalization, latest)
    if mail.get("headers"):
        yield from header_problems((), mail["headers"])
    yield from time_problems((), mail, latest)
    yield from content_problems(mail)
    yield from subject_problems(mail, people)
    if args_size > settings.CUSTOM_ARGS_BYTES:
        yield Finding(("custom_args",), CUSTOM_ARGS_SIZE.format(settings.CUSTOM_ARGS_BYTES))
    for name, rule in MAIL_RULES.items():
        if mail.get(name) is not None:
            yield from rule(mail)


def personalization_problems(
    at: Loc, personalization: Mapping[str, Any], *, mail: Mapping[str, Any], args_size: int
) -> Iterator[Finding]:
    """Find the problems of a personalization.

    Most personalizations have few fields, and a request may have a thousand, so no rule is called for a missing part.
    """
    if "cc" in personalization or "bcc" in personalization or len(personalization.get("to") or ()) > 1:
        yield from duplicate_problems(at, personalization)
    if (
        personalization.get("from")
        and mail.get("from")
        and domain_of(personalization["from"]) != domain_of(mail["from"])
    ):
        yield Finding((*at, "from", "email"), OTHER_DOMAIN)
    if personalization.get("headers"):
        yield from header_problems(at, personalization["headers"])
    substitutions = personalization.get("substitutions")
    if substitutions and (text := substitutions_text(substitutions, mail)):
        yield Finding((*at, "substitutions"), text)
    custom_args = personalization.get("custom_args")
    if custom_args and (text := custom_args_text(custom_args, mail, args_size)):
        yield Finding((*at, "custom_args"), text)


def duplicate_problems(at: Loc, personalization: Mapping[str, Any]) -> Iterator[Finding]:
    """Find the first address that occurs twice in to, cc and bcc."""
    keys = set()
    for kind in ("to", "cc", "bcc"):
        for entry in personalization.get(kind) or ():
            key = address_key(entry["email"])
            if key in keys:
                field = ".".join(map(str, (*at, kind)))
                yield Finding(at, DUPLICATE.format(entry["email"], field), "message.recipient-errors")
                return
            keys.add(key)


def substitutions_text(substitutions: Mapping[str, Any], mail: Mapping[str, Any]) -> str | None:
    size = size_of(without_nulls(substitutions))
    if is_dynamic(mail):
        return "Substitutions may not be used with dynamic templating"
    return SUBSTITUTIONS_SIZE.format(settings.SUBSTITUTIONS_BYTES) if size > settings.SUBSTITUTIONS_BYTES else None


def without_nulls(substitutions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the substitutions with empty texts for nulls. SendGrid accepts nulls, and django-anymail sends them."""
    if None not in substitutions.values():
        return substitutions
    return {tag: "" if value is None else value for tag, value in substitutions.items()}


def custom_args_text(custom_args: Mapping[str, Any], mail: Mapping[str, Any], mail_size: int) -> str | None:
    """Return what is wrong with the merged size, which is counted exactly only if the sum is over the limit."""
    limit = settings.CUSTOM_ARGS_BYTES
    if size_of(custom_args) + mail_size <= limit or mail_size > limit:
        return None
    return (
        CUSTOM_ARGS_SIZE.format(limit) if size_of({**(mail.get("custom_args") or {}), **custom_args}) > limit else None
    )


def time_problems(at: Loc, part: Mapping[str, Any], latest: float) -> Iterator[Finding]:
    field = time_field(part)
    seconds = part.get(field) if field else None
    if seconds is not None and seconds > latest:
        hours = settings.SCHEDULE_LIMIT_SECONDS / 3600
        yield Finding((*at, field or ""), f"Scheduling more than {hours:g} hours in advance is forbidden.")


def time_field(part: Mapping[str, Any]) -> str | None:
    """Return the name of the field with the time: `send_at`, or `sent_at`, its name in one of SendGrid's guides."""
    return "send_at" if "send_at" in part else "sent_at" if "sent_at" in part else None


def content_problems(mail: Mapping[str, Any]) -> Iterator[Finding]:
    content = mail.get("content")
    if content is None or content == []:
        if not mail.get("template_id") and not ("content" in mail and content is None):
            yield Finding(("content",), CONTENT_REQUIRED)
        return
    types = [block["type"].lower() for block in content]
    for index, kind in enumerate(types):
        if not NAME.fullmatch(kind):
            text = CONTENT_TYPE_TEXT if is_listed(kind) else NOT_A_MIME_TYPE
            yield Finding(("content", index, "type"), text)
    ranks = [{"text/plain": 0, "text/html": 1}.get(kind, 2) for kind in types]
    if types.count("text/plain") > 1 or types.count("text/html") > 1:
        yield Finding(("content",), CONTENT_ONCE, "")
    elif ranks != sorted(ranks):
        yield Finding(("content",), CONTENT_ORDER, "message.content.value")


def subject_problems(mail: Mapping[str, Any], people: Any) -> Iterator[Finding]:
    have_subjects = bool(people) and all(
        personalization is None or "subject" in personalization for personalization in people
    )
    if "subject" not in mail and not have_subjects and not mail.get("template_id"):
        yield Finding(("subject",), SUBJECT_REQUIRED)


def template_problems(mail: Mapping[str, Any]) -> Iterator[Finding]:
    """Find a template id that is not valid. Whether the template exists is checked later."""
    template_id = mail["template_id"]
    if not (DYNAMIC_TEMPLATE_ID.fullmatch(template_id) or LEGACY_TEMPLATE_ID.fullmatch(template_id)):
        yield Finding(("template_id",), f"The template_id must be a valid GUID, you provided '{shown(template_id)}'.")


def attachment_problems(mail: Mapping[str, Any]) -> Iterator[Finding]:
    for index, entry in enumerate(mail["attachments"]):
        if not is_base64(entry["content"]):
            yield Finding(("attachments", index, "content"), "The attachment content must be base64 encoded.")
        kind = entry.get("type", "")
        if is_type(kind) and parse_mime_type(kind) is None:
            yield Finding(("attachments", index, "type"), TYPE_TEXT if is_listed(kind) else NOT_A_FILE_TYPE)


def is_type(kind: str) -> bool:
    """Return whether a text is meant as a MIME type; a single word, such as "pdf", is not."""
    return "/" in kind or is_listed(kind)


def is_listed(kind: str) -> bool:
    """Return whether a type has a character that the published texts forbid by name."""
    return not is_line(kind) or ";" in kind or "," in kind


def is_base64(text: str) -> bool:
    """Return whether a text is padded Base64 (RFC 4648 section 4). Line breaks are allowed, as in MIME."""
    try:
        binascii.a2b_base64(unbroken(text), strict_mode=True)
    except ValueError:
        return False
    return True


def unbroken(text: str) -> str:
    """Return a text without line breaks."""
    return text.replace("\r", "").replace("\n", "") if "\n" in text or "\r" in text else text


def category_problems(mail: Mapping[str, Any]) -> Iterator[Finding]:
    categories: list[str] = mail["categories"]
    if len(categories) > types.MAX_CATEGORIES:
        yield Finding(
            ("categories",),
            "There is a limit of 10 categories for each email that is sent. "
            f"You provided {len(categories)} categories.",
        )
        return
    for index, category in enumerate(categories):
        if len(category) > types.MAX_CATEGORY_LENGTH:
            text = f"Each category must not be longer than 255 characters. {shown(category)} exceeds this limit"
            yield Finding(("categories", index), text)
        if not category.isascii():
            yield Finding(("categories", index), "Categories can not contain non-ASCII characters.")
        if category in categories[:index]:
            text = f"The categories must be a unique list, and you have included {shown(category)} more than once."
            yield Finding(("categories", index), text)


def reply_to_problems(mail: Mapping[str, Any]) -> Iterator[Finding]:
    if not is_address_with_keys(mail["reply_to"]["email"], mail):
        yield Finding(("reply_to", "email"), REPLY_TO_INVALID)


def reply_to_list_problems(mail: Mapping[str, Any]) -> Iterator[Finding]:
    entries = mail["reply_to_list"]
    invalid_places = (index for index, entry in enumerate(entries) if not is_address(entry["email"]))
    for index in islice(invalid_places, SEARCHED_ENTRIES):
        if not is_address_with_keys(entries[index]["email"], mail):
            yield Finding(("reply_to_list", index, "email"), ADDRESS_INVALID)
            break
    if entries and "reply_to" in mail:
        yield Finding(("reply_to_list",), BOTH_REPLY_TOS)
    if len({address_key(entry["email"]) for entry in entries}) < len(entries):
        yield Finding(("reply_to_list",), REPLY_TO_TWICE)


def is_address_with_keys(email: str, mail: Mapping[str, Any]) -> bool:
    """Return whether a text is an address, or has a key of a substitution. The core then checks the result."""
    if is_address(email):
        return True
    people = mail.get("personalizations") or ()
    return any(
        key in email
        for personalization in people
        if personalization
        for key in personalization.get("substitutions") or ()
        if key
    )


def section_problems(mail: Mapping[str, Any]) -> Iterator[Finding]:
    if not all(isinstance(value, str | dict) for value in mail["sections"].values()):
        yield Finding(("sections",), "The section values must be strings.")


def pool_problems(mail: Mapping[str, Any]) -> Iterator[Finding]:
    """Find an IP pool that the operator has not named: no others exist."""
    if (name := mail["ip_pool_name"]) not in settings.IP_POOLS:
        yield Finding(("ip_pool_name",), POOL_INVALID.replace("{given}", shown(name)))


MAIL_RULES = {
    "template_id": template_problems,
    "attachments": attachment_problems,
    "categories": category_problems,
    "reply_to": reply_to_problems,
    "reply_to_list": reply_to_list_problems,
    "mail_settings": mail_settings_problems,
    "sections": section_problems,
    "ip_pool_name": pool_problems,
}


def is_dynamic(mail: Mapping[str, Any]) -> bool:
    return (mail.get("template_id") or "").startswith("d-")


def domain_of(sender: Mapping[str, str] | None) -> str:
    return sender["email"].rpartition("@")[2].lower() if sender else ""


def size_of(pairs: Mapping[str, Any] | None) -> int:
    """Return the bytes of keys and values in UTF-8. Raises Refusal for the whole body if a value is not a string."""
    if not pairs:
        return 0
    try:
        return len("".join([*pairs, *pairs.values()]).encode())
    except TypeError:
        raise plain_refusal(400) from None
