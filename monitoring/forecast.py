"""Forecast how many messages come in each of the next hours, by account, and how many of them a closed gate keeps back.

The figures come from the counts of waves, so they are those of mail that waits for its first try. A later try of mail
that was deferred is not among them.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Final

from foundation.statements import fetch_tuples
from mailer.outcomes.counters import HOUR
from monitoring import forecast_queries
from monitoring.scope import Scope

HOURS_AHEAD: Final = 72
LARGEST: Final = 6
"""The number of accounts that are shown separately."""
WAVES_READ: Final = 10_000
"""The most waves that are read. A wave is the mail of a batch in one minute."""
CAMPAIGNS_READ: Final = 500
"""The most scheduled campaigns that are read, those that begin next."""

Key = tuple[str | None, bool]
"""The name of an account (None: all others), and whether its gate is open, so that the mail will be sent."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The scheduled campaigns of an hour that have no messages yet.

    `recipients` adds up the last counts of their lists and segments. `unknown` campaigns have a segment that was never
    counted.
    """

    campaigns: int = 0
    recipients: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Forecast:
    """The messages of the next hours. `hours` are the beginnings of these in UTC; the first one is the current hour.

    `messages` has the counts by hour, for each key. If there were more waves than are read, `complete_until` is the
    hour from which on they are missing.
    """

    hours: list[dt.datetime]
    messages: dict[Key, dict[dt.datetime, int]]
    planned: dict[dt.datetime, Planned]
    complete_until: dt.datetime | None

    def total(self, *, is_open: bool) -> int:
        """Return the number of messages that will be sent, or of those that will not."""
        return sum(
            sum(counts.values()) for (_, is_gate_open), counts in self.messages.items() if is_gate_open is is_open
        )

    @property
    def names(self) -> list[str | None]:
        """Return the accounts that have messages, the largest first and all others last."""
        totals: Counter[str | None] = Counter()
        for (name, _), counts in self.messages.items():
            totals[name] += sum(counts.values())
        return sorted(totals, key=lambda name: (name is None, -totals[name], name))


def read_forecast(scope: Scope, now: dt.datetime) -> Forecast:
    """Return the messages of this hour that are still to come, and of the next `HOURS_AHEAD` hours."""
    first = now.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
    hours = [first + dt.timedelta(seconds=HOUR * number) for number in range(HOURS_AHEAD + 1)]
    parameters = {
        "now": now,
        "until": hours[-1] + dt.timedelta(seconds=HOUR),
        "accounts": scope.ids,
        "waves": WAVES_READ,
        "largest": LARGEST,
        "campaigns": CAMPAIGNS_READ,
    }
    (last, _, _, waves), *rows = fetch_tuples(forecast_queries.FORECAST, parameters)
    until = last.astimezone(dt.UTC).replace(minute=0) if waves == WAVES_READ else None
    messages: dict[Key, dict[dt.datetime, int]] = defaultdict(dict)
    for at, name, is_open, number in rows:
        hour = max(at, first)
        if until is None or hour < until:
            messages[name, is_open][hour] = messages[name, is_open].get(hour, 0) + number
    planned = {at: Planned(*counts) for at, *counts in fetch_tuples(forecast_queries.CAMPAIGNS, parameters)}
    return Forecast(hours, dict(messages), planned, until)
