"""Test the address to which notices about an account are mailed."""

from __future__ import annotations

from accounts.editing import change_account
from accounts.models import Account
from campaigns.contact import contact_address, notice_address
from tests.campaigns.building import add_sender


def test_a_contact_address_goes_before_the_first_verified_sender(alice: Account, charlie: Account) -> None:
    add_sender(alice, is_verified=False)
    assert contact_address(alice) == notice_address(alice) == ""
    add_sender(alice)
    assert contact_address(alice) == notice_address(alice) == "news@example.com"
    alice = change_account(alice, email="ops@example.com")
    assert contact_address(alice) == notice_address(alice) == "ops@example.com"
    assert notice_address(charlie) == ""


def test_a_subuser_without_an_address_shares_that_of_its_parent(alice: Account) -> None:
    subuser = Account.objects.create(username="alice-shop", parent=alice)
    assert notice_address(subuser) == ""
    add_sender(alice)
    assert notice_address(subuser) == "news@example.com"
    add_sender(subuser, from_email="shop@example.com")
    assert notice_address(subuser) == "shop@example.com"
    alice = change_account(alice, email="ops@example.com")
    subuser = Account.objects.select_related("parent").get(pk=subuser.pk)
    assert notice_address(subuser) == "ops@example.com"
    assert contact_address(subuser) == "shop@example.com"
    assert notice_address(change_account(subuser, email="own@example.com")) == "own@example.com"
    assert notice_address(alice) == "ops@example.com"
