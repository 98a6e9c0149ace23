"""Test the times of a campaign's parcels: rates, spreads, windows, and daylight saving time."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.pacing import NeverOpen, Pace, Window, at_wall_clock, pace_of
from tests.examples import for_each

BERLIN = ZoneInfo("Europe/Berlin")
WORKDAYS = frozenset({1, 2, 3, 4, 5})


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def office_hours(zone: ZoneInfo = BERLIN) -> Window:
    return Window(zone, WORKDAYS, dt.time(9), dt.time(17))


@for_each(
    ("moment", "seconds", "expected"),
    [
        ("2026-05-04T10:00", 0, "2026-05-04T10:00"),  # a Monday, 12:00 in Berlin
        ("2026-05-04T05:00", 0, "2026-05-04T07:00"),  # before it opens
        ("2026-05-04T15:00", 0, "2026-05-05T07:00"),  # at the moment it closes
        ("2026-05-08T16:00", 0, "2026-05-11T07:00"),  # a Friday evening
        ("2026-05-04T14:00", 5400, "2026-05-05T07:30"),  # an hour today, half an hour tomorrow
        ("2026-03-27T16:00", 0, "2026-03-30T07:00"),  # over the day on which summer time begins
    ],
)
def test_a_window_waits_for_its_hours_and_weekdays(moment: str, seconds: float, expected: str) -> None:
    assert office_hours().after(utc(moment), seconds) == utc(expected)


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens() -> None:
    night = Window(BERLIN, frozenset({5}), dt.time(22), dt.time(6))
    assert night.after(utc("2026-05-08T23:00")) == utc("2026-05-08T23:00")
    assert night.after(utc("2026-05-09T03:59")) == utc("2026-05-09T03:59")
    assert night.after(utc("2026-05-09T04:00")) == utc("2026-05-15T20:00")


def test_a_window_that_never_opens_is_refused() -> None:
    with pytest.raises(NeverOpen):
        Window(BERLIN, frozenset(), dt.time(9), dt.time(17))
    with pytest.raises(NeverOpen):
        Window(BERLIN, WORKDAYS, dt.time(9), dt.time(9))


moments = st.integers(0, 5 * 366 * 86400).map(lambda seconds: utc("2025-01-01T00:00") + dt.timedelta(seconds=seconds))
windows = st.builds(
    Window,
    st.sampled_from([ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Chatham")]),
    st.frozensets(st.integers(1, 7), min_size=1),
    st.integers(0, 11).map(dt.time),
    st.integers(12, 23).map(dt.time),
)


@given(windows, moments, st.floats(0, 1_000_000))
def test_a_time_from_a_window_is_within_the_window(window: Window, moment: dt.datetime, seconds: float) -> None:
    at = window.after(moment, seconds)
    local = at.astimezone(window.zone)
    assert at >= moment
    assert local.isoweekday() in window.weekdays
    assert window.opens <= local.time() < window.closes


@given(windows, moments, st.floats(0, 100_000), st.floats(0, 100_000))
def test_time_in_a_window_adds_up(window: Window, moment: dt.datetime, first: float, second: float) -> None:
    at_once = window.after(moment, first + second)
    in_steps = window.after(window.after(moment, first), second)
    assert abs((at_once - in_steps).total_seconds()) < 0.001


@given(st.integers(1, 100_000), st.lists(st.integers(1, 500), min_size=1, max_size=50), moments)
def test_no_minute_has_more_than_the_rate_and_the_parcel_that_crosses_it(
    rate: int, sizes: list[int], start: dt.datetime
) -> None:
    pace = Pace(60 / rate)
    times = list(pace.times(start, sizes))
    assert times[0] == start
    for first, at in enumerate(times):
        within = [size for size, other in zip(sizes[first:], times[first:], strict=True) if other < at + MINUTE]
        assert sum(within[:-1]) <= rate + 1


MINUTE = dt.timedelta(minutes=1)


def test_the_slower_of_rate_and_spread_counts() -> None:
    assert pace_of(rate_per_minute=60, spread_seconds=0, audience=None, window=None) == Pace(1.0)
    assert pace_of(rate_per_minute=60, spread_seconds=3600, audience=1000, window=None) == Pace(3.6)
    assert pace_of(rate_per_minute=60, spread_seconds=10, audience=1000, window=None) == Pace(1.0)
    assert pace_of(rate_per_minute=None, spread_seconds=0, audience=None, window=None) == Pace()


@for_each(("seconds_each", "size"), [(0.0, 500), (0.001, 500), (0.01, 100), (1.0, 1), (60.0, 1)])
def test_a_parcel_holds_about_a_second(seconds_each: float, size: int) -> None:
    assert Pace(seconds_each).parcel_size(500) == size


def test_a_wall_clock_time_is_found_in_another_zone() -> None:
    eight_in_berlin = utc("2026-05-04T06:00")
    assert at_wall_clock(eight_in_berlin, of=BERLIN, target=ZoneInfo("America/New_York")) == utc("2026-05-04T12:00")
    assert at_wall_clock(eight_in_berlin, of=BERLIN, target=ZoneInfo("Asia/Tokyo")) == utc("2026-05-03T23:00")
