"""Read and write the ids of legacy recipients, in URL-safe base64.

An id holds the address in its canonical form, or the UUID of a contact without an address.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection
from typing import Final
from uuid import UUID

from accounts.models import Account
from api.bodies import find_uuid
from audience.contacts import find_by_identifier, find_contacts
from audience.models import Contact
from audience.query.vocabulary import UNSTORABLE
from foundation.addresses import address_key

WRITTEN: Final = re.compile(r"[A-Za-z0-9_-]{4,500}={0,2}")

Key = str | UUID
"""An address in its canonical form, or the UUID of a contact."""


def write_recipient_id(key: Key) -> str:
    """Return the id, with padding, as SendGrid writes it."""
    return base64.urlsafe_b64encode(str(key).encode()).decode()


def recipient_id(contact: Contact) -> str:
    """Return the id of a contact."""
    return write_recipient_id(contact.email or contact.uuid)


def read_recipient_id(text: str) -> Key | None:
    """Return the key that an id stands for, or None for a text that is not an id. Padding may be missing."""
    if not WRITTEN.fullmatch(text):
        return None
    try:
        decoded = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    if UNSTORABLE.search(decoded):
        return None
    return address_key(decoded) if "@" in decoded else find_uuid(decoded)


def find_recipients(account: Account, keys: Collection[Key]) -> list[Contact]:
    """Return the account's contacts with these ids, the oldest first. Unknown ids are skipped."""
    addresses = {key for key in keys if isinstance(key, str)}
    by_address = find_by_identifier(account, "email", addresses) if addresses else {}
    # A contact that only has an address as an alternate has another id.
    contacts = {contact.pk: contact for address, contact in by_address.items() if contact.email == address}
    contacts |= {
        contact.pk: contact for contact in find_contacts(account, [key for key in keys if isinstance(key, UUID)])
    }
    return [contacts[pk] for pk in sorted(contacts)]
