"""Write the account as its user. Nothing is known of a person, so most fields of the profile are empty."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

from accounts.models import Account
from campaigns.contact import contact_address

ACCOUNT: Final[dict[str, Any]] = {"type": "paid", "reputation": 100}
"""Nothing is limited as in a free account, and no reputation is measured."""
PROFILE: Final = dict.fromkeys(
    (
        *("address", "address2", "city", "company", "country", "first_name", "last_name", "phone", "state"),
        *("website", "zip"),
    ),
    "",
)


def email(account: Account) -> dict[str, str]:
    """Return the contact address of the account, or else that of its first verified sender or the installation."""
    return {"email": contact_address(account) or settings.SYSTEM_FROM}


def username(account: Account) -> dict[str, Any]:
    return {"username": account.username, "user_id": account.pk}
