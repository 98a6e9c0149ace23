"""Find the tags in a campaign's texts, fill in those of the sender, and make the SQL that fills in those of contacts.

Every campaign understands both of the API's spellings: `[%first_name | friend%]` of legacy campaigns, and
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
"""Possessive quantifiers never backtrack, so an unfinished tag is scanned only once."""
SENDER_TAG: Final = re.compile(r"\[(Sender_\w+)\]|\{\{\{?\s*(Sender_\w+)\s*\}?\}\}")
LEFT_TO_DELIVERY: Final = frozenset({"unsubscribe", "unsubscribe_preferences", "weblink"})
LONGEST: Final = 200
PAIRS_AT_ONCE: Final = 50
"""PostgreSQL accepts 100 arguments to a function."""


class Tag(NamedTuple):
    """A tag has its original `text`, the name of a field, and the default for contacts without a value."""

    text: str
    field: str
    default: str


def find_tags(texts: Iterable[str]) -> list[Tag]:
    """Return the different tags of some texts, in the order in which they appear.

    A tag that holds a control character is ignored: its default could be merged into a header.
    """
    tags: dict[str, Tag] = {}
    for text in texts:
        for match in TAG.finditer(text):
            name = match["legacy"] or match["insert"] or match["raw"] or match["plain"]
            if name in LEFT_TO_DELIVERY or len(match[0]) > LONGEST or not is_text(match[0]):
                continue
            default = (match["legacy_default"] or "").strip() or match["insert_default"] or ""
            tags.setdefault(match[0], Tag(match[0], name, default))
    return list(tags.values())


def fill_in_sender(text: str, sender: Sender) -> str:
    """Return the text with its tags for the sender filled in."""
    values: Mapping[str, str] = {
        "Sender_Name": sender.from_name or sender.nickname,
        "Sender_Email": sender.from_email,
        "Sender_Address": ", ".join(filter(None, (sender.address, sender.address_2))),
        "Sender_City": sender.city,
        "Sender_State": sender.state,
        "Sender_Zip": sender.zip,
        "Sender_Country": sender.country,
    }
    return SENDER_TAG.sub(lambda match: values.get(match[1] or match[2], match[0]), text)


def merge_sql(tags: Sequence[Tag], account_id: int) -> tuple[str, dict[str, Any]]:
    """Return the SQL of `message.personal` for a contact `c`, and its parameters.

    Its value is `{"merge": {tag: value}}`, or null if the content has no tags. A contact without a value for a field
    gets the tag's default.
    """
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
    """Return the SQL of a contact's field as text. Only names of existing columns become part of the SQL."""
    lowered = name.lower()
    if lowered in fields:
        parameters[key] = str(fields[lowered].pk)
        return f"c.custom ->> %({key})s"
    if lowered == "alternate_emails":
        return "array_to_string(c.alternate_emails, ', ')"
    if lowered == "unique_name":
        return "coalesce(nullif(c.unique_name, ''), concat_ws(' ', nullif(c.first_name, ''), nullif(c.last_name, '')))"
    return f"c.{lowered}" if lowered in RESERVED_TAGS else "null::text"
