"""Create, rename, fill, read and delete lists. Their counts are stored, so no rows are counted."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Account
from audience.errors import InvalidName, NameTaken, UnknownList
from audience.locks import lock_audience
from audience.models import Contact, ContactList, Membership, Segment
from audience.queries import ADD_MEMBERS, EMPTY_LIST, PAGE_OF_LIST, REMOVE_MEMBERS
from foundation.clock import Now
from foundation.texts import LINE_RULE, check_text, is_line

NAME_LENGTH: Final = 100
LONGEST_NAME: Final = 255
"""The longest name that the column can hold. An API may allow names of this length."""
EMPTIED_AT_ONCE: Final = 10_000
EMPTY_SECONDS: Final = 1.0
"""The time that one round of the sweeper spends on emptying deleted lists."""


def create_list(
    account: Account, name: str, *, longest: int = NAME_LENGTH, description: str = "", is_public: bool = True
) -> ContactList:
    """Create an empty list.

    Raises InvalidName, UnfitCharacter, and NameTaken if a list or a segment has this name.
    """
    check_text(description, field="description")
    with transaction.atomic():
        check_name(account, name, longest=longest)
        contact_list = ContactList.objects.create(
            account=account, name=name, description=description, is_public=is_public
        )
    contact_list.refresh_from_db()
    return contact_list


def list_lists(account: Account, *, search: str = "") -> QuerySet[ContactList]:
    """Return the account's lists, the oldest first, or those that contain a text in their name or description."""
    lists = ContactList.objects.filter(account=account, deleted_at=None).order_by("pk")
    return lists.filter(Q(name__icontains=search) | Q(description__icontains=search)) if search else lists


def find_list(account: Account, list_id: int | uuid.UUID) -> ContactList:
    """Return a list by its number or its UUID. Raises UnknownList."""
    contact_list = list_lists(account).filter(**_named(list_id)).first()
    if contact_list is None:
        raise UnknownList
    return contact_list


def find_lists(account: Account, list_ids: Collection[uuid.UUID]) -> list[ContactList]:
    """Return lists by their UUIDs. Raises UnknownList if one of them does not exist."""
    lists = list(list_lists(account).filter(uuid__in=list_ids))
    if len(lists) < len(set(list_ids)):
        raise UnknownList(field="list_ids")
    return lists


def check_lists(account: Account, list_ids: Collection[int]) -> None:
    """Raise UnknownList if a list does not exist. While `lock_audience` is held, the result stays true."""
    if list_ids and list_lists(account).filter(pk__in=list_ids).count() < len(set(list_ids)):
        raise UnknownList(field="list_ids")


def rename_list(account: Account, list_id: int | uuid.UUID, name: str) -> ContactList:
    """Rename a list. Raises UnknownList, InvalidName and NameTaken."""
    with transaction.atomic():
        renamed = find_list(account, list_id)
        check_name(account, name, except_list=renamed.pk)
        list_lists(account).filter(pk=renamed.pk).update(name=name, updated_at=Now())
    return find_list(account, renamed.pk)


def update_list(account: Account, list_id: uuid.UUID, changes: Mapping[str, Any]) -> ContactList:
    """Change the values that are given of the `name`, the `description` and `is_public` of a list.

    Raises UnknownList, InvalidName, NameTaken and UnfitCharacter.
    """
    check_text(changes.get("description", ""), field="description")
    with transaction.atomic():
        contact_list = find_list(account, list_id)
        check_name(account, changes.get("name", contact_list.name), longest=LONGEST_NAME, except_list=contact_list.pk)
        list_lists(account).filter(pk=contact_list.pk).update(**changes, updated_at=Now())
    return find_list(account, contact_list.pk)


def delete_list(account: Account, list_id: int | uuid.UUID) -> None:
    """Delete a list at once; `empty_deleted_lists` removes its memberships later. Raises UnknownList."""
    with transaction.atomic():
        lock_audience(account)
        if not list_lists(account).filter(**_named(list_id)).update(deleted_at=Now()):
            raise UnknownList


def add_to_list(account: Account, list_id: int, contact_ids: Collection[int]) -> None:
    """Put contacts of the account on a list. Contacts that are on it stay. Raises UnknownList."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock_audience(account)
        check_lists(account, [list_id])
        contacts = Contact.objects.filter(account=account, pk__in=contact_ids).values_list("pk", flat=True)
        cursor.execute(ADD_MEMBERS, {"lists": [list_id], "contacts": sorted(contacts)})


def remove_from_list(account: Account, list_id: int, contact_ids: Collection[int]) -> int:
    """Take contacts off a list. Return how many were on it. Raises UnknownList."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock_audience(account)
        check_lists(account, [list_id])
        cursor.execute(REMOVE_MEMBERS, {"list": list_id, "contacts": sorted(set(contact_ids))})
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def contacts_of_list(contact_list: ContactList, *, after: int = 0, offset: int = 0, limit: int) -> list[Contact]:
    """Return a page of a list's contacts, the oldest first.

    The page holds contacts with ids above `after`, without the first `offset` of them.
    """
    return list(Contact.objects.filter(pk__in=ids_of_list(contact_list.pk, after, offset, limit)).order_by("pk"))


def ids_of_list(list_id: int, after: int, offset: int, limit: int) -> list[int]:
    """Return the ids of a page of a list's contacts, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(PAGE_OF_LIST, {"list": list_id, "after": after, "offset": offset, "limit": limit})
        return [contact_id for (contact_id,) in cursor.fetchall()]


def lists_of(account: Account, contact_ids: Collection[int]) -> dict[int, list[ContactList]]:
    """Return the lists that each contact is on, keyed by the contact's id."""
    lists: dict[int, list[ContactList]] = defaultdict(list)
    memberships = Membership.objects.filter(
        contact_id__in=contact_ids, list__account=account, list__deleted_at=None
    ).select_related("list")
    for membership in memberships.order_by("contact_id", "list_id"):
        lists[membership.contact_id].append(membership.list)
    return lists


def empty_deleted_lists() -> int:
    """Remove a page of memberships of each deleted list, and the lists that have none left. A duty of the sweeper.

    A list that a segment refers to stays, hidden. Return the number of rows removed.
    """
    removed = 0
    has_members = Exists(Membership.objects.filter(list=OuterRef("pk")))
    has_segment = Exists(Segment.objects.filter(list=OuterRef("pk")))
    deleted_lists = ContactList.objects.filter(has_members | ~has_segment, deleted_at__isnull=False)
    until = time.monotonic() + EMPTY_SECONDS
    for deleted in deleted_lists.select_related("account").order_by("pk")[:100]:
        if time.monotonic() >= until:
            break
        with transaction.atomic(), connection.cursor() as cursor:
            lock_audience(deleted.account)
            cursor.execute(EMPTY_LIST, {"list": deleted.pk, "limit": EMPTIED_AT_ONCE})
            count = cursor.rowcount
            if count < EMPTIED_AT_ONCE and not Segment.objects.filter(list=deleted).exists():
                count += deleted.delete()[0]
        removed += count
    return removed


def check_name(
    account: Account, name: str, *, longest: int = NAME_LENGTH, except_list: int = 0, except_segment: int = 0
) -> None:
    """Check that a list or a segment may have this name, and take the lock under which the name stays free.

    Raises InvalidName and NameTaken.
    """
    if not 1 <= len(name.strip()) <= longest:
        raise InvalidName(f"a name has 1 to {longest} characters", field="name")
    if not is_line(name):
        raise InvalidName(f"the name is not valid: {LINE_RULE}", field="name")
    lock_audience(account)
    # No row has the id 0.
    lists = list_lists(account).filter(name__iexact=name).exclude(pk=except_list)
    segments = Segment.objects.filter(account=account, name__iexact=name).exclude(pk=except_segment)
    if lists.exists() or segments.exists():
        raise NameTaken(field="name")


def _named(list_id: int | uuid.UUID) -> dict[str, int | uuid.UUID]:
    if isinstance(list_id, uuid.UUID):
        return {"uuid": list_id}
    # Ids have 31 bits. PostgreSQL refuses to compare the column with a longer number.
    return {"pk": list_id if 0 < list_id < 2**31 else 0}
