"""Tags: what a campaign's texts ask of a contact, and what of its sender.

Both spellings of the wire are understood in every campaign: `[%first_name | friend%]` of legacy campaigns, and
`{{first_name}}` or `{{insert first_name "default=friend"}}` of Single Sends. The tags of the unsubscribe link are left
to delivery. Source: SendGrid, "Personalize your Marketing Campaigns", "Substitution tags", "Handlebars".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from audience.models import TEXT_FIELDS
from campaigns.models import Sender
from foundation.texts import is_text

RESERVED_TAGS: Final = frozenset(TEXT_FIELDS) - {"time_zone"} | {
    "email",
    "external_id",
    "alternate_emails",
}
"""Fields that every contact has."""

NAME: Final = r"[^\s|%{}\[\]\"]++(?: [^\s|%{}\[\]\"]++)*+"
TAG: Final = re.compile(
    rf"\[%\s*+(?P<legacy>{NAME})\s*+(?:\|(?P<legacy_default>[^%\]]*+))?%\]"
    rf"|\{{\{{\s*+insert\s++(?P<insert>{NAME})\s*+(?:\"default=(?P<insert_default>[^\"]*+)\"\s*+)?\}}\}}"
    rf"|\{{\{{\{{\s*+(?P<raw>{NAME})\s*+\}}\}}\}}"
    rf"|\{{\{{\s*+(?P<plain>{NAME})\s*+\}}\}}"
)
"""Possessive throughout: what a part has taken it never gives back, so a tag that does not end costs one look."""
SENDER_TAG: Final = re.compile(r"\[(Sender_\w+)\]|\{\{\{?\s*(Sender_\w+)\s*\}?\}\}")
LEFT_TO_DELIVERY: Final = frozenset({"unsubscribe", "unsubscribe_preferences", "weblink"})
LONGEST: Final = 200


class Tag(NamedTuple):
    """`text` as it stands in the content; the field's name; what a contact without it gets."""

    text: str
    field: str
    default: str


def find_tags(texts: Iterable[str]) -> list[Tag]:
    """Return the different tags of some texts, in the order in which they come. A tag that holds a control character
    stays as it is written: its default could be merged into a header."""
    found: dict[str, Tag] = {}
    for text in texts:
        for match in TAG.finditer(text):
            name = match["legacy"] or match["insert"] or match["raw"] or match["plain"]
            if name in LEFT_TO_DELIVERY or len(match[0]) > LONGEST or not is_text(match[0]):
                continue
            default = (match["legacy_default"] or "").strip() or match["insert_default"] or ""
            found.setdefault(match[0], Tag(match[0], name, default))
    return list(found.values())


def fill_in_sender(text: str, sender: Sender) -> str:
    """The text with what its tags ask of the sender."""
    said: Mapping[str, str] = {
        "Sender_Name": sender.from_name or sender.nickname,
        "Sender_Email": sender.from_email,
        "Sender_Address": ", ".join(filter(None, (sender.address, sender.address_2))),
        "Sender_City": sender.city,
        "Sender_State": sender.state,
        "Sender_Zip": sender.zip,
        "Sender_Country": sender.country,
    }
    return SENDER_TAG.sub(lambda match: said.get(match[1] or match[2], match[0]), text)
