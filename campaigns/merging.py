"""Merging: what a campaign's tags ask of a contact, as one SQL expression that makes the values of a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audience.models import FieldDefinition
from campaigns.tags import RESERVED_TAGS, Tag

PAIRS_AT_ONCE = 50
"""PostgreSQL takes 100 arguments to a function."""


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
