"""Tags: what a campaign's texts ask of a contact, and what of its sender.

Both spellings of the wire are understood in every campaign: `[%first_name | friend%]` of legacy campaigns, and
`{{first_name}}` or `{{insert first_name "default=friend"}}` of Single Sends. The tags of the unsubscribe link are left
to delivery. Source: SendGrid, "Personalize your Marketing Campaigns", "Substitution tags", "Handlebars".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from audience.models import TEXT_FIELDS, FieldDefinition
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
PAIRS_AT_ONCE: Final = 50
"""PostgreSQL takes 100 arguments to a function."""


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


def merge_sql(tags: Sequence[Tag], account_id: int) -> tuple[str, dict[str, Any]]:
    """What `message.personal` holds for a contact c, as SQL, and its parameters: `{"merge": {tag: value}}`, or null
    where the content asks for nothing. A contact that lacks a field gets the tag's default."""
    if not tags:
        return "null::jsonb", {}
    fields = {definition.name.lower(): definition for definition in FieldDefinition.objects.filter(account=account_id)}
    parameters: dict[str, Any] = {}
    pairs = []
    for number, tag in enumerate(tags):
        parameters |= {f"tag{number}": tag.text, f"default{number}": tag.default}
        value = _value_sql(tag.field, fields, parameters, f"field{number}")
        pairs.append(f"%(tag{number})s::text, coalesce(nullif({value}, ''), %(default{number})s)")
    objects = [
        f"jsonb_build_object({', '.join(pairs[start : start + PAIRS_AT_ONCE])})"
        for start in range(0, len(pairs), PAIRS_AT_ONCE)
    ]
    return f"jsonb_build_object('merge', {' || '.join(objects)})", parameters


def _value_sql(name: str, fields: dict[str, FieldDefinition], parameters: dict[str, Any], key: str) -> str:
    """A field of contact c as text. Only names of our own columns are written into the SQL."""
    lowered = name.lower()
    if lowered in fields:
        parameters[key] = str(fields[lowered].pk)
        return f"c.custom ->> %({key})s"
    if lowered == "alternate_emails":
        return "array_to_string(c.alternate_emails, ', ')"
    if lowered == "unique_name":
        return "coalesce(nullif(c.unique_name, ''), concat_ws(' ', nullif(c.first_name, ''), nullif(c.last_name, '')))"
    return f"c.{lowered}" if lowered in RESERVED_TAGS else "null::text"
