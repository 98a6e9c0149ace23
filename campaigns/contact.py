"""Find the address at which the people behind an account are reached.

An address that somebody has entered for this purpose is used before the address of a sender, which may be unread.
"""

from __future__ import annotations

from accounts.models import Account
from campaigns.senders import list_verified


def contact_address(account: Account) -> str:
    """Return the contact address of an account, or the address of its first verified sender; empty without both."""
    return account.email or _first_verified(account)


def notice_address(account: Account) -> str:
    """Return the address to which notices about an account are mailed, or an empty text if no address is known.

    A subuser without a contact address shares that of its parent. Without it, the first verified sender of the subuser
    or of the parent is used.
    """
    accounts = [account, account.parent] if account.parent else [account]
    email = next((each.email for each in accounts if each.email), "")
    return email or next(filter(None, map(_first_verified, accounts)), "")


def _first_verified(account: Account) -> str:
    return list_verified(account).values_list("from_email", flat=True).first() or ""
