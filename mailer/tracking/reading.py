"""Read the late events of messages."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from typing import Final, NamedTuple

from foundation.statements import fetch_prepared
from mailer.models import LateKind
from mailer.tracking.queries import READ_LATE

SHOWN: Final = 50
"""The most late events of a kind that are read for a message, the newest ones."""


class Late(NamedTuple):
    """An open or a click by a person. `recipient` is None for one of several; `number` is how many there are."""

    kind: LateKind
    at: dt.datetime
    recipient: int | None
    user_agent: str
    number: int


def read_late_events(message_ids: Collection[int]) -> dict[int, list[Late]]:
    """Return what people did with messages, by message id, the oldest first. Machines are left out."""
    late: defaultdict[int, list[Late]] = defaultdict(list)
    if message_ids:
        rows = fetch_prepared(READ_LATE, {"ids": list(message_ids), "limit": SHOWN})
        for message_id, kind, *fields in rows:
            late[message_id].append(Late(LateKind(kind), *fields))
    return late
