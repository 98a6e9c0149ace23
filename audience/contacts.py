"""Contacts: counted, found, listed, deleted. They are stored by `upsert.py`."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable

from django.db import connection, transaction

from accounts.models import Account
from audience.errors import UnknownContact
from audience.models import Audience, Contact
from audience.queries import DELETE_CONTACTS, LOCK_AUDIENCE
from foundation.addresses import address_key


def lock_audience(account: Account) -> None:
    """Take turns, until the end of the transaction, with all others who change contacts, memberships, lists or segments
    of the account. To be taken before any row of theirs."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_AUDIENCE, [account.pk, account.pk])


def count_contacts(account: Account) -> int:
    """How many contacts the account has: one row is read."""
    return Audience.objects.filter(pk=account.pk).values_list("contacts", flat=True).first() or 0


def find_contact(account: Account, contact_uuid: uuid.UUID) -> Contact:
    """Raises UnknownContact."""
    contact = Contact.objects.filter(account=account, uuid=contact_uuid).first()
    if contact is None:
        raise UnknownContact
    return contact


def find_contacts(account: Account, uuids: Collection[uuid.UUID]) -> list[Contact]:
    """Those of them that there are, the oldest first."""
    return list(Contact.objects.filter(account=account, uuid__in=uuids).order_by("pk"))


def find_by_identifier(account: Account, identifier: str, values: Iterable[str]) -> dict[str, Contact]:
    """The contacts that have one of these as their `identifier` (one of `IDENTIFIERS`), by it. An e-mail address, in
    any spelling, finds those, too, whose alternate it is; of several the one whose own it is, or the oldest. They are
    returned by its canonical form (`address_key`)."""
    wanted = {address_key(value) if identifier == "email" else value for value in values}
    own = Contact.objects.filter(account=account, **{f"{identifier}__in": wanted})
    found = {getattr(contact, identifier): contact for contact in own}
    if identifier == "email" and (missing := wanted - found.keys()):
        alternates = Contact.objects.filter(account=account, alternate_emails__overlap=sorted(missing))
        # As the partial index says it.
        for contact in alternates.exclude(alternate_emails=[]).order_by("pk"):
            for address in missing.intersection(contact.alternate_emails):
                found.setdefault(address, contact)
    return found


def list_contacts(account: Account, *, after: int = 0, offset: int = 0, limit: int) -> list[Contact]:
    """A page of the contacts, the oldest first: those with ids above `after`, without the first `offset` of them."""
    ids = Contact.objects.filter(account=account, pk__gt=after).order_by("pk").values("pk")[offset : offset + limit]
    # The ids first, from the index alone.
    return list(Contact.objects.filter(pk__in=ids).order_by("pk"))


def newest_contacts(account: Account, *, limit: int) -> list[Contact]:
    """The contacts that were made last, the newest first."""
    return list(Contact.objects.filter(account=account).order_by("-pk")[:limit])


def last_contact_id(account: Account) -> int:
    """The highest id of its contacts: up to where a deletion of all of them goes. 0: it has none."""
    newest = Contact.objects.filter(account=account).order_by("-pk").values_list("pk", flat=True)
    return newest.first() or 0


def delete_contacts(account: Account, contact_ids: Collection[int]) -> int:
    """Delete up to some thousand contacts of the account with their memberships; returns how many there were."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock_audience(account)
        cursor.execute(DELETE_CONTACTS, {"account": account.pk, "contacts": sorted(set(contact_ids))})
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def delete_some(account: Account, *, through: int, limit: int) -> int:
    """Delete the oldest `limit` contacts with ids up to `through`; returns how many there were. 0: none is left."""
    ids = Contact.objects.filter(account=account, pk__lte=through).order_by("pk").values_list("pk", flat=True)
    return delete_contacts(account, list(ids[:limit]))
