"""Dates as callers write them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.audience.dates import has_time, read_date, write_date


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2026-11-21", "2026-11-21T00:00:00Z"),
        ("2026-11-21T10:30:15Z", "2026-11-21T10:30:15Z"),
        ("2026-11-21T10:30:15.999+02:00", "2026-11-21T08:30:15Z"),
        ("2026-11-21 10:30", "2026-11-21T10:30:00Z"),
        ("11/21/2026", "2026-11-21T00:00:00Z"),
        ("1/2/2026", "2026-01-02T00:00:00Z"),
        (" 0 ", "1970-01-01T00:00:00Z"),
        ("1447000000", "2015-11-08T16:26:40Z"),
        ("-86400", "1969-12-31T00:00:00Z"),
    ],
)
def test_a_date_is_read(text: str, kept: str) -> None:
    assert write_date(read_date(text)) == kept


@pytest.mark.parametrize(
    "text", ["", "soon", "13/01/2026", "2026-02-30", "0999-12-31", "9999-12-31", "999999999999", "2026-11-21T25:00:00"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|year"):
        read_date(text)


def test_a_day_and_a_moment_differ() -> None:
    assert [has_time(text) for text in ("2026-11-21", "1/2/2026", "1447000000", "2026-11-21T00:00:00Z")] == [
        False,
        False,
        True,
        True,
    ]


seconds = st.integers(
    int(dt.datetime(1000, 1, 1, tzinfo=dt.UTC).timestamp()), int(dt.datetime(9998, 12, 31, tzinfo=dt.UTC).timestamp())
)
moments = seconds.map(lambda each: dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=each))


@given(first=moments, second=moments)
def test_kept_dates_are_in_the_order_of_their_times(first: dt.datetime, second: dt.datetime) -> None:
    assert (write_date(first) < write_date(second)) == (first < second)
    assert read_date(write_date(first)) == first
