"""Test the subusers on whose behalf a key may act."""

from __future__ import annotations

import pytest

from accounts.errors import UnknownSubuser
from accounts.models import Account
from accounts.subusers import find_subuser


def test_direct_subuser_is_found_by_name_and_by_id(alice: Account) -> None:
    child = Account.objects.create(username="child", parent=alice)
    assert find_subuser(alice, "child") == child
    assert find_subuser(alice, f"account-id {child.pk}") == child


def test_accounts_that_are_not_subusers_are_unknown(alice: Account, charlie: Account) -> None:
    child = Account.objects.create(username="child", parent=alice)
    his = Account.objects.create(username="his", parent=charlie)
    named = ["charlie", "his", "nobody", "alice", "", "account-id", "account-id x", f"account-id {his.pk}"]
    named += [
        f"account-id {alice.pk}",
        "account-id 999999999999999999",
        "account-id " + "9" * 40,
        "a\0b",
        f"{child.pk}",
    ]
    for name in named:
        with pytest.raises(UnknownSubuser):
            find_subuser(alice, name)
    with pytest.raises(UnknownSubuser):
        find_subuser(child, "alice")
