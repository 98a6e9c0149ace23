"""Make the SQL of the values that a campaign takes from each contact: those of its tags, and the data of its templates.

The result is `message.personal`. Only names of existing columns become part of the SQL; all others are parameters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from audience.models import TEXT_FIELDS, FieldDefinition
from campaigns.tags import Tag
from mailer.compose.system_tags import SYSTEM_NAMES

RESERVED_FIELDS: Final = (
    "email",
    "external_id",
    "alternate_emails",
    *(name for name in TEXT_FIELDS if name != "time_zone"),
)
"""Fields that every contact has, and that tags and templates can read."""
PAIRS_AT_ONCE: Final = 50
"""PostgreSQL accepts 100 arguments to a function."""

Names = Collection[str] | None
"""Names of fields in any case; None means all fields."""
Fields = dict[str, FieldDefinition]
"""An account's custom fields by their names in lower case."""


def custom_fields_of(account_id: int) -> Fields:
    """Return the custom fields of an account."""
    return {definition.name.lower(): definition for definition in FieldDefinition.objects.filter(account=account_id)}


def personal_sql(
    tags: Sequence[Tag], names: Names, account_id: int, fields: Fields | None = None
) -> tuple[str, dict[str, Any]]:
    """Return the SQL of `message.personal` for a contact `c`, and its parameters.

    The custom fields of the account are read unless they are given.

    Its value is `{"merge": {tag: value}, "data": {name: value}}`, where a part that has nothing is left out; null if
    both have nothing. A contact without a value gets the default of a tag, and no entry in the data.
    """
    if not tags and names is not None and not names:
        return "null::jsonb", {}
    fields = custom_fields_of(account_id) if fields is None else fields
    parameters: dict[str, Any] = {}
    parts = []
    if tags:
        parts.append(f"'merge', {_object(_merge_pairs(tags, fields, parameters))}")
    if data := list(_data_pairs(names, fields, parameters)):
        parts.append(f"'data', jsonb_strip_nulls({_object(data)})")
    return (f"jsonb_build_object({', '.join(parts)})" if parts else "null::jsonb"), parameters


def _object(pairs: Sequence[str]) -> str:
    """Return the SQL of an object of these pairs."""
    starts = range(0, len(pairs), PAIRS_AT_ONCE)
    return " || ".join(f"jsonb_build_object({', '.join(pairs[at : at + PAIRS_AT_ONCE])})" for at in starts)


def _merge_pairs(tags: Sequence[Tag], fields: Fields, parameters: dict[str, Any]) -> list[str]:
    pairs = []
    for number, tag in enumerate(tags):
        parameters |= {f"tag{number}": tag.text, f"default{number}": tag.default}
        value = _text_sql(tag.field, fields, parameters, f"field{number}")
        pairs.append(f"%(tag{number})s::text, coalesce(nullif({value}, ''), %(default{number})s)")
    return pairs


def _data_pairs(names: Names, fields: Fields, parameters: dict[str, Any]) -> Iterator[str]:
    """Yield the pairs of the fields that exist. A system tag is never filled with a field."""
    every = [*RESERVED_FIELDS, *(definition.name for definition in fields.values())]
    for number, name in enumerate(every if names is None else sorted(names)):
        lowered = name.lower()
        if lowered in SYSTEM_NAMES or not (lowered in fields or lowered in RESERVED_FIELDS):
            continue
        parameters[f"name{number}"] = name
        if lowered in fields:
            # Numbers stay numbers.
            parameters[f"read{number}"] = str(fields[lowered].pk)
            value = f"c.custom -> %(read{number})s"
        else:
            value = f"nullif({_text_sql(name, fields, parameters, '')}, '')"
        yield f"%(name{number})s::text, {value}"


def _text_sql(name: str, fields: Fields, parameters: dict[str, Any], key: str) -> str:
    """Return the SQL of a contact's field as text."""
    lowered = name.lower()
    if lowered in fields:
        parameters[key] = str(fields[lowered].pk)
        return f"c.custom ->> %({key})s"
    if lowered == "alternate_emails":
        return "array_to_string(c.alternate_emails, ', ')"
    if lowered == "unique_name":
        return "coalesce(nullif(c.unique_name, ''), concat_ws(' ', nullif(c.first_name, ''), nullif(c.last_name, '')))"
    return f"c.{lowered}" if lowered in RESERVED_FIELDS else "null::text"
