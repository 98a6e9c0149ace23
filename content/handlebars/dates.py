"""Implement `formatDate`: write a time, given in ISO 8601 or as an epoch, in the documented tokens and in a zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from content.handlebars.errors import RenderError
from content.handlebars.values import is_present

MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ISO: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?([Zz]|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
EPOCH: Final = re.compile(r"-?\d{1,16}(?:\.\d{1,9})?", re.ASCII)
OFFSET: Final = re.compile(r"([+-])(\d\d):?(\d\d)?", re.ASCII)
MILLISECONDS_FROM: Final = 100_000_000_000
"""An epoch of this size or more is in milliseconds; in seconds that would be the year 5138."""
HOURS_BELOW: Final = 16
"""An offset that is a number is in hours below this, and otherwise in minutes, as in Moment.js."""
MAX_FORMAT: Final = 1_000
MAX_SHOWN: Final = 60

TOKENS: Final[dict[str, Callable[[datetime], str]]] = {
    "YYYY": lambda time: f"{time.year:04}",
    "YY": lambda time: f"{time.year % 100:02}",
    "MMMM": lambda time: MONTHS[time.month - 1],
    "MMM": lambda time: MONTHS[time.month - 1][:3],
    "MM": lambda time: f"{time.month:02}",
    "M": lambda time: str(time.month),
    "DD": lambda time: f"{time.day:02}",
    "D": lambda time: str(time.day),
    "dddd": lambda time: DAYS[time.weekday()],
    "ddd": lambda time: DAYS[time.weekday()][:3],
    "hh": lambda time: f"{time.hour % 12 or 12:02}",
    "h": lambda time: str(time.hour % 12 or 12),
    "HH": lambda time: f"{time.hour:02}",
    "H": lambda time: str(time.hour),
    "mm": lambda time: f"{time.minute:02}",
    "m": lambda time: str(time.minute),
    "ss": lambda time: f"{time.second:02}",
    "s": lambda time: str(time.second),
    "A": lambda time: "AM" if time.hour < 12 else "PM",
    "ZZ": lambda time: offset_text(time, ""),
    "Z": lambda time: offset_text(time, ":"),
}
"""The documented tokens, longer ones before their beginnings."""
FORMAT: Final = re.compile(rf"\[([^\[\]]*)\]|({'|'.join(TOKENS)})")
"""Matches text in brackets, which is copied, or a token."""


def format_date(value: Any, form: Any, offset: Any) -> str:
    """Return a time in a form and a zone (an offset such as "-0800", or an IANA name; UTC by default).

    A missing time is an empty text. Raises RenderError when a value cannot be read.
    """
    if not is_present(value):
        return ""
    if not isinstance(form, str) or len(form) > MAX_FORMAT:
        raise RenderError(f"formatDate needs a format of at most {MAX_FORMAT:,} characters.")
    try:
        time = read_time(value).astimezone(zone_of(offset))
    except (OverflowError, OSError):
        raise RenderError(f"formatDate cannot show the time {shown(value)}.") from None
    return FORMAT.sub(lambda match: TOKENS[match[2]](time) if match[2] else match[1], form)


def shown(value: Any) -> str:
    """Return a value for a message."""
    if isinstance(value, list | dict):
        return "an array or object"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def read_time(value: Any) -> datetime:
    """Return a time from its text in ISO 8601 or its epoch. Raises RenderError."""
    if isinstance(value, str) and len(value) <= MAX_SHOWN:
        if match := ISO.fullmatch(value.strip()):
            return iso_time(match, value)
        if EPOCH.fullmatch(value.strip()):
            return epoch_time(float(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return epoch_time(value)
    raise RenderError(f"formatDate cannot read {shown(value)} as a time.")


def iso_time(match: re.Match[str], value: str) -> datetime:
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    microsecond = int((match[7] or "0").ljust(6, "0")[:6])
    try:
        zone = UTC if (match[8] or "Z") in "Zz" else fixed_zone(match[8])
        return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=zone)
    except ValueError:
        raise RenderError(f"formatDate cannot read {shown(value)} as a time.") from None


def epoch_time(number: float) -> datetime:
    """Return the time of an epoch in seconds or, if it is large, in milliseconds. Raises OverflowError."""
    try:
        seconds = number / 1000 if abs(number) >= MILLISECONDS_FROM else number
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except ValueError as error:
        raise OverflowError from error


def zone_of(offset: Any) -> tzinfo:
    """Return the zone of an offset. Raises RenderError if the text is not an offset."""
    if not is_present(offset):
        return UTC
    try:
        if isinstance(offset, str) and len(offset) <= MAX_SHOWN:
            return named_zone(offset.strip())
        if isinstance(offset, int | float) and not isinstance(offset, bool):
            return timezone(timedelta(minutes=offset * 60 if abs(offset) < HOURS_BELOW else offset))
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
        pass
    raise RenderError(f"formatDate cannot read {shown(offset)} as an offset or a time zone.")


@lru_cache(maxsize=256)
def named_zone(name: str) -> tzinfo:
    """Return the zone of an offset or a name. Raises ValueError, ZoneInfoNotFoundError or OSError."""
    if name in {"Z", "z", "UTC"}:
        return UTC
    if name[:1] in {"+", "-"}:
        return fixed_zone(name)
    return ZoneInfo(name)


def fixed_zone(offset: str) -> tzinfo:
    """Return the zone of an offset from UTC. Raises ValueError."""
    match = OFFSET.fullmatch(offset)
    if not match:
        raise ValueError(offset)
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))


def offset_text(time: datetime, separator: str) -> str:
    seconds = int((time.utcoffset() or timedelta()).total_seconds())
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}{separator}{minutes:02}"
