"""Create, change and delete unsubscribe groups: the kinds of mail that recipients can unsubscribe from one by one."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.db.models import Count, QuerySet

from accounts.models import Account
from foundation.clock import Now
from foundation.texts import check_line, check_text
from mailer.errors import GroupLimitReached, GroupNameTaken, UnknownGroup
from mailer.models import UnsubscribeGroup

GROUPS_LIMIT: Final = 200
"""The most groups of one account."""
MAX_GROUPS_TO_DISPLAY: Final = 25
"""The most groups on a preferences page."""
HIGHEST_ID: Final = 2**31 - 1


def living_groups(account: Account) -> QuerySet[UnsubscribeGroup]:
    """Return the account's groups that were not deleted, the oldest first."""
    return UnsubscribeGroup.objects.filter(account=account, deleted_at=None).order_by("pk")


def counted(groups: QuerySet[UnsubscribeGroup]) -> QuerySet[UnsubscribeGroup]:
    """Return the groups, each with the number of its `unsubscribes`."""
    return groups.annotate(unsubscribes=Count("suppressions"))


def find_group(account: Account, group_id: int) -> UnsubscribeGroup:
    """Return a group of the account. Raises UnknownGroup."""
    group = living_groups(account).filter(pk=group_id).first()
    if group is None:
        raise UnknownGroup(group_id)
    return group


def create_group(account: Account, *, name: str, description: str, is_default: bool = False) -> UnsubscribeGroup:
    """Create a group. A new default takes the place of the old one.

    Raises UnfitCharacter, GroupNameTaken and GroupLimitReached.
    """
    with transaction.atomic():
        lock_groups(account)
        if living_groups(account).count() >= GROUPS_LIMIT:
            raise GroupLimitReached
        return _save(UnsubscribeGroup(account=account, name=name, description=description, is_default=is_default))


def change_group(
    account: Account,
    group_id: int,
    *,
    name: str | None = None,
    description: str | None = None,
    is_default: bool | None = None,
) -> UnsubscribeGroup:
    """Change the given fields. Raises UnknownGroup, UnfitCharacter and GroupNameTaken."""
    with transaction.atomic():
        lock_groups(account)
        group = find_group(account, group_id)
        group.name = group.name if name is None else name
        group.description = group.description if description is None else description
        group.is_default = group.is_default if is_default is None else is_default
        return _save(group)


def delete_group(account: Account, group_id: int) -> None:
    """Delete a group with its suppressions. Raises UnknownGroup.

    Mail of the group is still sent. A recipient who then unsubscribes from it unsubscribes from all mail of the
    account.
    """
    with transaction.atomic():
        lock_groups(account)
        group = find_group(account, group_id)
        UnsubscribeGroup.objects.filter(pk=group.pk).update(deleted_at=Now(), is_default=False)
        group.suppressions.all().delete()


def lock_groups(account: Account) -> None:
    """Lock the account's groups until the end of the transaction."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def _save(group: UnsubscribeGroup) -> UnsubscribeGroup:
    check_line(group.name, field="name")
    check_text(group.description, field="description")
    others = living_groups(group.account).exclude(pk=group.pk)
    if others.filter(name=group.name).exists():
        raise GroupNameTaken(field="name")
    if group.is_default:
        others.filter(is_default=True).update(is_default=False)
    group.save()
    return group
