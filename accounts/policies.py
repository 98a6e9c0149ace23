"""Change what happens to an account's mail that is in doubt or late."""

from __future__ import annotations

from typing import TypedDict, Unpack

from accounts.models import Account, DoubtPolicy


class Policies(TypedDict, total=False):
    """The policies to change. `lateness_limit` is in seconds; with None mail is sent, however late."""

    doubt_policy: DoubtPolicy
    lateness_limit: int | None


def change_policies(account: Account, **named: Unpack[Policies]) -> Account:
    """Change the given policies and return the changed account.

    They apply from the next verdict on. Mail that is in hand already stays in hand.
    """
    if named:
        Account.objects.filter(pk=account.pk).update(**named)
    return Account.objects.select_related("parent").get(pk=account.pk)
