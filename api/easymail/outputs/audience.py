"""Contacts, lists, segments, identities and custom fields as Easymail's wire shows them."""

from __future__ import annotations

import re
from typing import Final

from api.easymail.field_keys import key_of, uuid_of
from api.easymail.outputs import Body, moment
from audience.models import Contact, ContactList, FieldDefinition, Membership, Segment
from campaigns.models import Sender

COUNTRY: Final = re.compile("[A-Z]{2}")


def contact(found: Contact) -> Body:
    """Countries of other wires are any text; only codes are shown."""
    return {
        "uuid": str(found.uuid),
        "email": found.email,
        "first_name": found.first_name or None,
        "last_name": found.last_name or None,
        "phone": found.phone_number or None,
        "external_id": found.external_id,
        "language": found.language or None,
        "country_code": found.country if COUNTRY.fullmatch(found.country) else None,
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at),
    }


def member(found: Membership) -> Body:
    return {**contact(found.contact), "added_at": moment(found.added_at)}


def contact_list(found: ContactList) -> Body:
    return {
        "uuid": str(found.uuid),
        "name": found.name,
        "description": found.description or None,
        "is_public": found.is_public,
        "contacts_count": found.contact_count,
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at),
    }


def segment(found: Segment) -> Body:
    return {
        "uuid": str(found.uuid),
        "name": found.name,
        "contacts_count": found.contact_count or 0,
        "contacts_count_calculated_at": moment(found.counted_at),
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at),
    }


def identity(found: Sender) -> Body:
    return {
        "uuid": str(found.uuid),
        "email": found.from_email,
        "from_name": found.from_name or None,
        "reply_to": found.reply_to or None,
    }


def custom_field(found: FieldDefinition) -> Body:
    return {
        "uuid": str(uuid_of(found)),
        "name": found.label or found.name,
        "field_key": key_of(found),
        "type": found.form or found.type,
        "options": found.options,
        "created_at": moment(found.created_at),
    }


def items(found: FieldDefinition, values: list[str]) -> Body:
    return {"field_key": key_of(found), "value": values}
