"""Tell which freezes apply to the mail of an account: that of the account, of its parent, and of everything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from django.db.models import Subquery

from accounts.models import Account
from batches.models import Installation

EVERYTHING_FROZEN_AT: Final = Subquery(Installation.objects.filter(pk=1).values("frozen_at"))
"""The time since which everything is frozen, as a column of any rows; null if it is not."""


def frozen_since(account: Account, everything: dt.datetime | None) -> dt.datetime | None:
    """Return the time since which mail of the account is frozen, or None if it is not."""
    return min((at for _, at in _freezes(account, everything)), default=None)


def tell_freezes(account: Account, everything: dt.datetime | None) -> list[str]:
    """Return a sentence about the freezes that keep the mail back; no sentence without a freeze."""
    frozen = [name for name, _ in _freezes(account, everything)]
    if not frozen:
        return []
    return [
        f"No mail of it is sent before the thaw: {' and '.join(frozen)} {'is' if len(frozen) == 1 else 'are'} frozen."
    ]


def _freezes(account: Account, everything: dt.datetime | None) -> Iterator[tuple[str, dt.datetime]]:
    if account.frozen_at is not None:
        yield f"the account {account}", account.frozen_at
    if account.parent is not None and account.parent.frozen_at is not None:
        yield f"its parent {account.parent}", account.parent.frozen_at
    if everything is not None:
        yield "the whole installation", everything
