"""Pacing: when each part of a campaign leaves, by its rate, its spread, its window and its contacts' time zones. Pure.

A pace gives every parcel a `send_at` of its own, so that lateness, retention and retries count from the time that was
meant for it. Nothing is held back anywhere else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

DAY = dt.timedelta(days=1)
EARLIEST_ZONE = dt.timezone(dt.timedelta(hours=14))
"""Where a day begins first."""
STEP_SECONDS = 1.0
"""A parcel of a paced campaign holds what may leave in this time: small enough to look even, and not too many."""
LAST_DAY = dt.date.max - 3 * DAY


class NeverOpen(ValueError):
    """A window that has no weekday, or opens and closes at the same time; or time in it ends before it was enough."""


@dataclass(frozen=True, slots=True)
class Window:
    """The hours and weekdays (1 is Monday) in which a campaign may leave, by the wall clock of a time zone. One that
    closes before it opens goes over midnight, and belongs to the weekday on which it opens."""

    zone: ZoneInfo
    weekdays: frozenset[int]
    opens: dt.time
    closes: dt.time

    def __post_init__(self) -> None:
        if not self.weekdays or self.opens == self.closes:
            raise NeverOpen

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Window:
        """As `Campaign.window` stores it."""
        return cls(
            ZoneInfo(said["time_zone"]),
            frozenset(said["weekdays"]),
            dt.time.fromisoformat(said["from"]),
            dt.time.fromisoformat(said["to"]),
        )

    def after(self, moment: dt.datetime, seconds: float = 0.0) -> dt.datetime:
        """The moment at which the window has been open for so long since `moment`; it lies within the window."""
        left = dt.timedelta(seconds=seconds)
        for opening, closing in self._openings(moment):
            start = max(opening, moment)
            if start + left < closing:
                return start + left
            left -= max(closing - start, dt.timedelta())
        raise NeverOpen

    def _openings(self, moment: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        """From the one that may have opened the day before."""
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
    """`seconds_each` is the time between two messages; 0 and no window: all at once."""

    seconds_each: float = 0.0
    window: Window | None = None

    def after(self, moment: dt.datetime, messages: int) -> dt.datetime:
        """When the next may leave, if so many have left since `moment`."""
        seconds = self.seconds_each * messages
        return self.window.after(moment, seconds) if self.window else moment + dt.timedelta(seconds=seconds)

    def parcel_size(self, largest: int) -> int:
        """Messages to a parcel."""
        if not self.seconds_each:
            return largest
        return max(1, min(largest, int(STEP_SECONDS / self.seconds_each)))

    def times(self, start: dt.datetime, sizes: Iterable[int]) -> Iterator[dt.datetime]:
        """The times of parcels of these sizes that leave one after the other from `start`."""
        moment = self.after(start, 0)
        for size in sizes:
            yield moment
            moment = self.after(moment, size)


def pace_of(*, rate_per_minute: int | None, spread_seconds: int, audience: int | None, window: Window | None) -> Pace:
    """The slower of the rate and of an audience spread over a time."""
    by_rate = 60 / rate_per_minute if rate_per_minute else 0.0
    by_spread = spread_seconds / audience if audience and spread_seconds else 0.0
    return Pace(max(by_rate, by_spread), window)


def at_wall_clock(moment: dt.datetime, *, of: dt.tzinfo, there: dt.tzinfo) -> dt.datetime:
    """When it is as late `there` as it is at `moment` by the wall clock `of` a time zone."""
    return moment.astimezone(of).replace(tzinfo=there, fold=0).astimezone(dt.UTC)
