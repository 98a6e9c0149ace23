"""Lists: made, renamed, filled, read in pages, deleted. Their counts are kept, never counted."""

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
"""What there is room for; a dialect may allow as much."""
EMPTIED_AT_ONCE: Final = 10_000
EMPTY_SECONDS: Final = 1.0
"""The time that one round of the sweeper spends on emptying deleted lists."""


def create_list(
    account: Account, name: str, *, longest: int = NAME_LENGTH, description: str = "", is_public: bool = True
) -> ContactList:
    """An empty list. Raises InvalidName, UnfitCharacter, and NameTaken if a list or a segment is called so."""
    check_text(description, field="description")
    with transaction.atomic():
        check_name(account, name, longest=longest)
        made = ContactList.objects.create(account=account, name=name, description=description, is_public=is_public)
    made.refresh_from_db()
    return made


def list_lists(account: Account, *, search: str = "") -> QuerySet[ContactList]:
    """The account's lists, in the order in which they were made: those with these letters in name or description."""
    found = ContactList.objects.filter(account=account, deleted_at=None).order_by("pk")
    return found.filter(Q(name__icontains=search) | Q(description__icontains=search)) if search else found


def find_list(account: Account, list_id: int | uuid.UUID) -> ContactList:
    """A list by its number or its UUID. Raises UnknownList."""
    found = list_lists(account).filter(**_named(list_id)).first()
    if found is None:
        raise UnknownList
    return found


def find_lists(account: Account, list_ids: Collection[uuid.UUID]) -> list[ContactList]:
    """Raises UnknownList if one of them is not there."""
    found = list(list_lists(account).filter(uuid__in=list_ids))
    if len(found) < len(set(list_ids)):
        raise UnknownList(field="list_ids")
    return found


def check_lists(account: Account, list_ids: Collection[int]) -> None:
    """Raises UnknownList if one of these numbers is not a list's. Under `lock_audience` it stays so."""
    if list_ids and list_lists(account).filter(pk__in=list_ids).count() < len(set(list_ids)):
        raise UnknownList(field="list_ids")


def rename_list(account: Account, list_id: int | uuid.UUID, name: str) -> ContactList:
    """Raises UnknownList, InvalidName and NameTaken."""
    with transaction.atomic():
        renamed = find_list(account, list_id)
        check_name(account, name, except_list=renamed.pk)
        list_lists(account).filter(pk=renamed.pk).update(name=name, updated_at=Now())
    return find_list(account, renamed.pk)


def update_list(account: Account, list_id: uuid.UUID, changes: Mapping[str, Any]) -> ContactList:
    """Change `name`, `description`, `is_public`, what is given of them. Raises UnknownList, InvalidName, NameTaken,
    UnfitCharacter."""
    check_text(changes.get("description", ""), field="description")
    with transaction.atomic():
        found = find_list(account, list_id)
        check_name(account, changes.get("name", found.name), longest=LONGEST_NAME, except_list=found.pk)
        list_lists(account).filter(pk=found.pk).update(**changes, updated_at=Now())
    return find_list(account, found.pk)


def delete_list(account: Account, list_id: int | uuid.UUID) -> None:
    """The list is gone at once; its memberships go with `empty_deleted_lists`. Raises UnknownList."""
    with transaction.atomic():
        lock_audience(account)
        if not list_lists(account).filter(**_named(list_id)).update(deleted_at=Now()):
            raise UnknownList


def add_to_list(account: Account, list_id: int, contact_ids: Collection[int]) -> None:
    """Put contacts of the account on a list; who is on it stays. Raises UnknownList."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock_audience(account)
        check_lists(account, [list_id])
        own = Contact.objects.filter(account=account, pk__in=contact_ids).values_list("pk", flat=True)
        cursor.execute(ADD_MEMBERS, {"lists": [list_id], "contacts": sorted(own)})


def remove_from_list(account: Account, list_id: int, contact_ids: Collection[int]) -> int:
    """Take contacts off a list; returns how many were on it. Raises UnknownList."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock_audience(account)
        check_lists(account, [list_id])
        cursor.execute(REMOVE_MEMBERS, {"list": list_id, "contacts": sorted(set(contact_ids))})
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def contacts_of_list(found: ContactList, *, after: int = 0, offset: int = 0, limit: int) -> list[Contact]:
    """A page of a list, the oldest contacts first: those with ids above `after`, without the first `offset` of them."""
    return list(Contact.objects.filter(pk__in=ids_of_list(found.pk, after, offset, limit)).order_by("pk"))


def ids_of_list(list_id: int, after: int, offset: int, limit: int) -> list[int]:
    """Return the ids of a page of a list's contacts, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(PAGE_OF_LIST, {"list": list_id, "after": after, "offset": offset, "limit": limit})
        return [contact_id for (contact_id,) in cursor.fetchall()]


def lists_of(account: Account, contact_ids: Collection[int]) -> dict[int, list[ContactList]]:
    """The lists that each of some contacts is on, by the contact's id."""
    found: dict[int, list[ContactList]] = defaultdict(list)
    memberships = Membership.objects.filter(
        contact_id__in=contact_ids, list__account=account, list__deleted_at=None
    ).select_related("list")
    for membership in memberships.order_by("contact_id", "list_id"):
        found[membership.contact_id].append(membership.list)
    return found


def empty_deleted_lists() -> int:
    """A duty of the sweeper: remove a page of memberships of each deleted list, and those lists that have none left.
    Returns how many rows went. A list that a segment names stays, hidden."""
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
    """Whether a list or a segment can be called so: takes the lock under which it stays free. Raises InvalidName and
    NameTaken."""
    if not 1 <= len(name.strip()) <= longest:
        raise InvalidName(f"a name has 1 to {longest} characters", field="name")
    if not is_line(name):
        raise InvalidName(f"the name is not valid: {LINE_RULE}", field="name")
    lock_audience(account)
    # No row has number 0.
    lists = list_lists(account).filter(name__iexact=name).exclude(pk=except_list)
    segments = Segment.objects.filter(account=account, name__iexact=name).exclude(pk=except_segment)
    if lists.exists() or segments.exists():
        raise NameTaken(field="name")


def _named(list_id: int | uuid.UUID) -> dict[str, int | uuid.UUID]:
    if isinstance(list_id, uuid.UUID):
        return {"uuid": list_id}
    # Beyond 31 bits there is none, and PostgreSQL would not compare it.
    return {"pk": list_id if 0 < list_id < 2**31 else 0}
