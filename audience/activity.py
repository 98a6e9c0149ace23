"""Search the activity of an account's messages for a caller who waits, which is an expensive call."""

from __future__ import annotations

from accounts.models import Account
from audience.locks import expensive_call
from mailer.activity.conditions import Condition
from mailer.activity.finding import Matches, search


def search_activity(account: Account, condition: Condition, *, limit: int) -> Matches:
    """Return the newest activities of an account that meet a condition, at most `limit`.

    Raises TooManyCalls and SearchTooSlow.
    """
    with expensive_call(account.pk):
        return search(account, condition, limit=limit)
