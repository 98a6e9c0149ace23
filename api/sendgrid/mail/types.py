"""Declare the types of a mail/send body. Pydantic checks them and ignores fields that are not named here.

The checks are strict: a boolean is not an integer, a number is not a string, and `null` has the wrong type. A list that
may be as long as the body allows is checked up to its first bad element, so that a bad request does not take gigabytes
of memory.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import FailFast, Field, StringConstraints, TypeAdapter, WithJsonSchema
from typing_extensions import TypedDict

from api.sendgrid.values import MAX_ADDRESS_LENGTH, MAX_LINE_LENGTH, AddressText
from foundation.addresses import ASCII_ADDRESS
from foundation.texts import NOT_IN_LINE

MAX_PERSONALIZATIONS = 1000
MAX_RECIPIENTS = 1000
MAX_REPLY_TO = 1000
MAX_CATEGORIES = 10
MAX_CATEGORY_LENGTH = 255
MAX_GROUPS_TO_DISPLAY = 25
# Ours, where the documents have none.
MAX_CONTENTS = 100
MAX_ATTACHMENTS = 1000
MAX_BATCH_ID_LENGTH = 200

Text = Annotated[str, StringConstraints(min_length=1)]
LINE_PATTERN = f"^[^{NOT_IN_LINE}]*$"
Line = Annotated[str, StringConstraints(max_length=MAX_LINE_LENGTH, pattern=LINE_PATTERN)]
"""A text for a header. The only control character that it may have is a tab."""

AsciiAddressText = Annotated[
    str,
    StringConstraints(max_length=MAX_ADDRESS_LENGTH, pattern=f"^{ASCII_ADDRESS}$"),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": MAX_ADDRESS_LENGTH}),
]
ReplyToText = Annotated[
    str,
    StringConstraints(max_length=MAX_ADDRESS_LENGTH, pattern=LINE_PATTERN),
    WithJsonSchema({"type": "string", "format": "idn-email", "maxLength": MAX_ADDRESS_LENGTH}),
]
"""An address, or a text that substitutions turn into one, which a rule checks."""
Subject = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LINE_LENGTH, pattern=LINE_PATTERN)]
AnyObject = dict[str, Any]


class Recipient(TypedDict, total=False):
    email: Required[AddressText]
    name: Line


class ReplyTo(TypedDict, total=False):
    email: Required[ReplyToText]
    name: Line


class Sender(TypedDict, total=False):
    email: Required[AsciiAddressText]
    name: Line


PersonalizationInput = TypedDict(
    "PersonalizationInput",
    {
        "to": Required[Annotated[list[Recipient], Field(min_length=1)]],
        "cc": list[Recipient],
        "bcc": list[Recipient],
        "from": Sender,
        "subject": Subject,
        "headers": AnyObject,
        "substitutions": AnyObject,
        "dynamic_template_data": AnyObject,
        "custom_args": AnyObject,
        "send_at": int,
        "sent_at": int,
    },
    total=False,
)


class Content(TypedDict, total=False):
    type: Required[Text]
    value: Required[Text]


class AttachmentInput(TypedDict, total=False):
    content: Required[Text]
    filename: Required[Line]
    type: Text
    disposition: Literal["inline", "attachment"]
    content_id: Line


class UnsubscribeGroup(TypedDict, total=False):
    group_id: Required[int]
    groups_to_display: Annotated[list[int], FailFast(), Field(max_length=MAX_GROUPS_TO_DISPLAY)]


class Switch(TypedDict, total=False):
    enable: bool


class Footer(Switch, total=False):
    text: str
    html: str


class BlindCopy(Switch, total=False):
    email: str


class SpamCheck(Switch, total=False):
    threshold: int
    post_to_url: str


class MailSettings(TypedDict, total=False):
    bypass_list_management: Switch
    bypass_spam_management: Switch
    bypass_bounce_management: Switch
    bypass_unsubscribe_management: Switch
    sandbox_mode: Switch
    footer: Footer
    bcc: BlindCopy
    spam_check: SpamCheck


class ClickTracking(Switch, total=False):
    enable_text: bool


class OpenTracking(Switch, total=False):
    substitution_tag: str


class SubscriptionTracking(Switch, total=False):
    text: str
    html: str
    substitution_tag: str


class Analytics(Switch, total=False):
    utm_source: str
    utm_medium: str
    utm_term: str
    utm_content: str
    utm_campaign: str


class TrackingSettings(TypedDict, total=False):
    click_tracking: ClickTracking
    open_tracking: OpenTracking
    subscription_tracking: SubscriptionTracking
    ganalytics: Analytics


MailInput = TypedDict(
    "MailInput",
    {
        "personalizations": Required[Annotated[list[PersonalizationInput], Field(min_length=1)]],
        "from": Required[Sender],
        "reply_to": ReplyTo,
        "reply_to_list": Annotated[list[ReplyTo], FailFast(), Field(max_length=MAX_REPLY_TO)],
        "subject": Subject,
        "content": Annotated[list[Content], FailFast(), Field(max_length=MAX_CONTENTS)],
        "attachments": Annotated[list[AttachmentInput], FailFast(), Field(max_length=MAX_ATTACHMENTS)],
        "template_id": str,
        "sections": AnyObject,
        "headers": AnyObject,
        "categories": Annotated[list[str], FailFast()],
        "custom_args": AnyObject,
        "send_at": int,
        "sent_at": int,
        "batch_id": Annotated[str, StringConstraints(max_length=MAX_BATCH_ID_LENGTH)],
        "asm": UnsubscribeGroup,
        "ip_pool_name": Annotated[str, StringConstraints(min_length=2, max_length=64)],
        "mail_settings": MailSettings,
        "tracking_settings": TrackingSettings,
    },
    total=False,
)

MAIL = TypeAdapter(MailInput)
