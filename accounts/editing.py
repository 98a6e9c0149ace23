"""Change the contact address of an account, and what happens to its mail that is in doubt or late."""

from __future__ import annotations

from typing import TypedDict, Unpack

from accounts.models import Account, DoubtPolicy


class AccountChanges(TypedDict, total=False):
    """The fields to change. `lateness_limit` is in seconds; with None mail is sent, however late.

    The caller has checked the `email`; an empty text removes it.
    """

    email: str
    doubt_policy: DoubtPolicy
    lateness_limit: int | None


def change_account(account: Account, **changes: Unpack[AccountChanges]) -> Account:
    """Change the given fields and return the changed account.

    Policies apply from the next verdict on. Mail that is in hand already stays in hand.
    """
    if changes:
        Account.objects.filter(pk=account.pk).update(**changes)
    return Account.objects.select_related("parent").get(pk=account.pk)
