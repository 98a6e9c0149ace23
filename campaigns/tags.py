"""Find the tags in a campaign's texts, and replace those that have the same value for all of its recipients.

Every campaign understands both of the API's spellings: `[%first_name | friend%]` of legacy campaigns, and Handlebars
(`content.handlebars`), to which `{{first_name}}` and `{{insert first_name "default=friend"}}` belong. The tags of links
are left to delivery (`mailer.compose.system_tags`). Source: SendGrid, "Personalize your Marketing Campaigns",
"Substitution tags", "Handlebars".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from campaigns.models import Sender
from content.handlebars import Template
from foundation.texts import is_text
from mailer.compose.system_tags import SYSTEM_NAMES, SystemTag, find_system_tags

NAME: Final = r"[^\s|%{}\[\]\"]++(?: [^\s|%{}\[\]\"]++)*+"
LEGACY_TAG: Final = re.compile(rf"\[%\s*+(?P<name>{NAME})\s*+(?:\|(?P<default>[^%\]]*+))?%\]")
"""Possessive quantifiers never backtrack, so an unfinished tag is scanned only once."""
MUSTACHE: Final = re.compile(r"\{\{\{?+[^{}]*+\}?\}\}")
"""A tag of Handlebars, unless it has a text with braces in it."""
LONGEST: Final = 200


class Tag(NamedTuple):
    """A tag has its original `text`, the name of a field, and the default for contacts without a value."""

    text: str
    field: str
    default: str


def find_tags(texts: Iterable[str], templates: Iterable[Template]) -> list[Tag]:
    """Return the different tags of some texts and of their templates, if these are simple.

    A tag with the name of a system tag is not the tag of a field.
    """
    tags = {match[0]: _legacy_tag(match) for text in texts for match in find_legacy_tags(text)}
    for template in templates:
        for source, name, _, default in template.simple_tags:
            if name.lower() not in SYSTEM_NAMES:
                tags[source] = Tag(source, name, default or "")
    return list(tags.values())


def find_legacy_tags(text: str) -> Iterator[re.Match[str]]:
    """Yield the tags in the spelling of legacy campaigns.

    A tag that holds a control character is ignored: its default could be merged into a header.
    """
    return (match for match in LEGACY_TAG.finditer(text) if len(match[0]) <= LONGEST and is_text(match[0]))


def _legacy_tag(match: re.Match[str]) -> Tag:
    return Tag(match[0], match["name"], (match["default"] or "").strip())


def values_of_sender(sender: Sender) -> dict[str, str]:
    """Return the values of the tags for a sender, by their names."""
    return {
        "sender_name": sender.from_name or sender.nickname,
        "sender_email": sender.from_email,
        "sender_address": ", ".join(filter(None, (sender.address, sender.address_2))),
        "sender_address_2": sender.address_2,
        "sender_city": sender.city,
        "sender_state": sender.state,
        "sender_zip": sender.zip,
        "sender_country": sender.country,
    }


def replace_tags(text: str, values: Mapping[str, str], encode: Callable[[str], str] = str) -> str:
    """Return the text with its system tags that have a value replaced. `encode` makes a value fit into the text."""
    pieces, end = [], 0
    for tag in find_system_tags(text):
        if tag.name in values:
            pieces += [text[end : tag.start], encode(values[tag.name])]
            end = tag.start + len(tag.text)
    return "".join([*pieces, text[end:]])


def find_named(text: str, names: frozenset[str]) -> SystemTag | None:
    """Return the first system tag that has one of these names."""
    return next((tag for tag in find_system_tags(text) if tag.name in names), None)
