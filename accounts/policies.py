"""Policies: what an account wants to be done with its mail when something has gone wrong."""

from __future__ import annotations

from typing import TypedDict, Unpack

from accounts.models import Account, DoubtPolicy


class Policies(TypedDict, total=False):
    """Those that are named. `lateness_limit` is in seconds; None: mail is sent, however late."""

    doubt_policy: DoubtPolicy
    lateness_limit: int | None


def change_policies(account: Account, **named: Unpack[Policies]) -> Account:
    """Change those that are named; returns the account as it is then. They hold from the next verdict on: what is in
    a person's hands already stays there."""
    if named:
        Account.objects.filter(pk=account.pk).update(**named)
    return Account.objects.select_related("parent").get(pk=account.pk)
