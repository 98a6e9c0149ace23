"""Write the account as its user. Nothing is known of a person, so most fields of the profile are empty."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

from accounts.models import Account
from campaigns.senders import list_senders

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
    """Return the address of the account's first verified sender, or that of the installation."""
    verified = list_senders(account).exclude(verified_at=None)
    return {"email": verified.values_list("from_email", flat=True).first() or settings.SYSTEM_FROM}


def username(account: Account) -> dict[str, Any]:
    return {"username": account.username, "user_id": account.pk}
