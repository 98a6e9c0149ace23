"""Test dates in the forms that callers write."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audience.dates import has_time, read_date, write_date
from audience.fields import read_value
from audience.models import FieldDefinition, FieldForm, FieldType
from tests.examples import for_each

FULL_WIDTH = {ord("0") + n: 0xFF10 + n for n in range(10)}
ARABIC = {ord("0") + n: 0x660 + n for n in range(10)}


@for_each(
    ("text", "stored"),
    [
        ("2026-11-21", "2026-11-21T00:00:00Z"),
        ("2026-11-21T10:30:15Z", "2026-11-21T10:30:15Z"),
        ("2026-11-21t10:30:15z", "2026-11-21T10:30:15Z"),
        ("2026-11-21T10:30:15.999+02:00", "2026-11-21T08:30:15Z"),
        ("2026-11-21 10:30", "2026-11-21T10:30:00Z"),
        ("20240115T100000Z", "2024-01-15T10:00:00Z"),
        ("20240115T1000+0200", "2024-01-15T08:00:00Z"),
        ("2024-W03-1", "2024-01-15T00:00:00Z"),
        ("2024W031", "2024-01-15T00:00:00Z"),
        ("11/21/2026", "2026-11-21T00:00:00Z"),
        ("1/2/2026", "2026-01-02T00:00:00Z"),
        # Digits alone: a valid day first, then seconds.
        ("20240115", "2024-01-15T00:00:00Z"),
        ("19700823", "1970-08-23T00:00:00Z"),
        ("10000101", "1000-01-01T00:00:00Z"),
        ("\t20240229 \xa0", "2024-02-29T00:00:00Z"),
        ("100000000", "1973-03-03T09:46:40Z"),
        ("1447000000", "2015-11-08T16:26:40Z"),
        (" 1705276800 ", "2024-01-15T00:00:00Z"),
        ("9999999999", "2286-11-20T17:46:39Z"),
        ("-100000000", "1966-10-31T14:13:20Z"),
    ],
)
def test_a_date_is_read(text: str, stored: str) -> None:
    assert write_date(read_date(text)) == stored


NO_DATES = [
    *("", " ", "soon", "-", "T10:00", "1e9", "0x65a47600"),
    # A year, a month, a number of a day in a spreadsheet, and what is neither a day nor seconds.
    *("0", "1", "2024", "24", "202401", "45306", "45306.5", "240115", "2024015", "99999999"),
    *(
        "20241301",
        "20240230",
        "20230229",
        "00000000",
        "20240001",
        "15012024",
        "-20240115",
        "-86400",
        "-0",
        "+1705276800",
    ),
    # Milliseconds, a day with a time, and numbers that are not whole seconds.
    *("1705276800000", "202401151030", "20240115103000", "99999999999", "0170527680", "9" * 5000),
    *("1705276800.0", "1705276800,5", "1,705,276,800", "1 705 276 800", "1_705_276_800", "1.7052768e9"),
    *("17051210010", "20240115110", "2024011510:00", "20240115-10:00"),
    *("2024-01", "2024-W03", "2024W03", "2024-015", "2024-0115", "2024-1-15", "2024/01/15", "15.01.2024"),
    *("2024-01-15x10:00", "2024-01-15T", "2024-01-15Tnoon", "2024-01-15T10:00 PST", "2024-01-15T10:00:00Z[UTC]"),
    *("13/01/2026", "02/30/2026", "01/15/24", "1/15/2024 10:00", "01-15-2024", "2026-02-30", "2026-11-21T25:00:00"),
    *("0999-12-31", "9999-12-31", "09991231", "99991231", "0001-01-01T00:00+10:00", "1000-01-01T00:00+10:00"),
    *("12024-01-15", "-2024-01-15", "0000-00-00"),
    *(text.translate(FULL_WIDTH) for text in ("20240115", "1705276800", "2024-01-15", "1/2/2026")),
    *(text.translate(ARABIC) for text in ("20240115", "1705276800", "2024-01-15", "1/2/2026")),
    "2024-01-15T1" + "0:00".translate(ARABIC),
]


def test_a_malformed_date_is_refused(subtests: pytest.Subtests) -> None:
    for text in NO_DATES:
        with subtests.test(text=text), pytest.raises(ValueError, match=r"not a date|the year"):
            read_date(text)


@given(st.integers(-(10**14), 10**14).map(str) | st.text("0123456789", max_size=15))
def test_digits_alone_are_a_day_or_seconds_since_1970_or_refused(text: str) -> None:
    expected = None
    if re.fullmatch("-?[1-9][0-9]{8,9}", text):
        expected = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=int(text))
    elif re.fullmatch("[1-9][0-9]{7}", text):
        with suppress(ValueError):
            expected = dt.datetime(int(text[:4]), int(text[4:6]), int(text[6:]), tzinfo=dt.UTC)
    if expected is None or expected.year == 9999:
        with pytest.raises(ValueError, match=r"not a date"):
            read_date(text)
    else:
        assert read_date(text) == expected


def test_a_day_and_a_moment_differ() -> None:
    days = ("2026-11-21", "1/2/2026", "20261121", "2026-W47-6", "2026w476", " 11/21/2026 ")
    moments = ("1447000000", "-1447000000", "2026-11-21T00:00:00Z", "20261121T00", "2026-11-21 00:00")
    assert {text: has_time(text) for text in (*days, *moments)} == dict.fromkeys(days, False) | dict.fromkeys(
        moments, True
    )


DATE_FIELDS = (
    FieldDefinition(type=FieldType.DATE),
    FieldDefinition(type=FieldType.TEXT, form=FieldForm.DATETIME),
)
seconds = st.integers(
    int(dt.datetime(1000, 1, 1, tzinfo=dt.UTC).timestamp()), int(dt.datetime(9998, 12, 31, tzinfo=dt.UTC).timestamp())
)
moments = seconds.map(lambda each: dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=each))


@given(first=moments, second=moments)
def test_stored_dates_sort_by_time(first: dt.datetime, second: dt.datetime) -> None:
    assert (write_date(first) < write_date(second)) == (first < second)
    assert read_date(write_date(first)) == first


@for_each(
    ("given_value", "stored"),
    [
        (20240115, "2024-01-15T00:00:00Z"),
        (20240115.0, "2024-01-15T00:00:00Z"),
        (1705276800, "2024-01-15T00:00:00Z"),
        (1.7052768e9, "2024-01-15T00:00:00Z"),
        ("1705276800", "2024-01-15T00:00:00Z"),
    ],
)
def test_a_field_takes_a_number_of_json_as_it_takes_its_digits(given_value: str | float, stored: str) -> None:
    for field in DATE_FIELDS:
        assert read_value(field, given_value) == stored


@for_each(
    "given_value",
    [0, -1, 2024, 45306, 45306.5, 63072000, 1705276800.5, 1705276800000, 1e300, float("inf"), float("nan")],
)
def test_a_field_refuses_other_numbers_of_json(given_value: float) -> None:
    for field in DATE_FIELDS:
        with pytest.raises(ValueError, match="not a date"):
            read_value(field, given_value)
