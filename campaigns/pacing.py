"""Compute when each part of a campaign is sent, from its rate, its spread, its window and time zones.

This module is pure. A pace gives every parcel a separate `send_at`, so that lateness, retention and retries count from
the time that was meant for it. Mail is not held back in any other way.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

DAY = dt.timedelta(days=1)
EARLIEST_ZONE = dt.timezone(dt.timedelta(hours=14))
"""The time zone in which a day begins first."""
STEP_SECONDS = 1.0
"""A parcel of a paced campaign holds the messages of this time: few enough to look even, and not too many parcels."""
LAST_DAY = dt.date.max - 3 * DAY


class NeverOpen(ValueError):
    """A window has no weekday, opens and closes at the same time, or does not have enough time before the last day."""


@dataclass(frozen=True, slots=True)
class Window:
    """The hours and weekdays (1 is Monday) in which a campaign may be sent, in the local time of a zone.

    A window that closes before it opens goes over midnight, and belongs to the weekday on which it opens.
    """

    zone: ZoneInfo
    weekdays: frozenset[int]
    opens: dt.time
    closes: dt.time

    def __post_init__(self) -> None:
        if not self.weekdays or self.opens == self.closes:
            raise NeverOpen

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Window:
        """Return the window that `Campaign.window` describes."""
        return cls(
            ZoneInfo(data["time_zone"]),
            frozenset(data["weekdays"]),
            dt.time.fromisoformat(data["from"]),
            dt.time.fromisoformat(data["to"]),
        )

    def after(self, moment: dt.datetime, seconds: float = 0.0) -> dt.datetime:
        """Return when the window has been open for `seconds` since `moment`. The result is within the window."""
        remaining = dt.timedelta(seconds=seconds)
        for opening, closing in self._openings(moment):
            start = max(opening, moment)
            if start + remaining < closing:
                return start + remaining
            remaining -= max(closing - start, dt.timedelta())
        raise NeverOpen

    def _openings(self, moment: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        """Yield the openings, from the one that may have begun on the day before."""
        day = moment.astimezone(self.zone).date() - DAY
        while day < LAST_DAY:
            if day.isoweekday() in self.weekdays:
                last = day if self.closes > self.opens else day + DAY
                yield self._utc(day, self.opens), self._utc(last, self.closes)
            day += DAY

    def _utc(self, day: dt.date, time: dt.time) -> dt.datetime:
        return dt.datetime.combine(day, time, self.zone).astimezone(dt.UTC)


@dataclass(frozen=True, slots=True)
class Pace:
    """A pace is the time between two messages and a window. With 0 and without a window all are sent at once."""

    seconds_each: float = 0.0
    window: Window | None = None

    def after(self, moment: dt.datetime, messages: int) -> dt.datetime:
        """Return when the next message may be sent after `messages` were sent from `moment` on."""
        seconds = self.seconds_each * messages
        return self.window.after(moment, seconds) if self.window else moment + dt.timedelta(seconds=seconds)

    def parcel_size(self, largest: int) -> int:
        """Return the number of messages per parcel."""
        if not self.seconds_each:
            return largest
        return max(1, min(largest, int(STEP_SECONDS / self.seconds_each)))

    def times(self, start: dt.datetime, sizes: Iterable[int]) -> Iterator[dt.datetime]:
        """Yield the times of parcels of these sizes that are sent one after the other from `start` on."""
        moment = self.after(start, 0)
        for size in sizes:
            yield moment
            moment = self.after(moment, size)


def pace_of(*, rate_per_minute: int | None, spread_seconds: int, audience: int | None, window: Window | None) -> Pace:
    """Return the slower of a rate and of an audience spread over a time."""
    by_rate = 60 / rate_per_minute if rate_per_minute else 0.0
    by_spread = spread_seconds / audience if audience and spread_seconds else 0.0
    return Pace(max(by_rate, by_spread), window)


def at_wall_clock(moment: dt.datetime, *, of: dt.tzinfo, target: dt.tzinfo) -> dt.datetime:
    """Return when the clocks of `target` show the time that the clocks `of` another time zone show at `moment`."""
    return moment.astimezone(of).replace(tzinfo=target, fold=0).astimezone(dt.UTC)
