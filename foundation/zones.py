"""Read and write times in a time zone, for people.

A clock that is put forward skips an hour, and one that is put back repeats an hour. A time that a person enters there
does not exist, or has two meanings; neither is guessed.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo


class UnclearTime(ValueError):
    """A clock of the time zone never shows this time, or shows it twice. The text tells a person what to do."""


def read_wall_clock(naive: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the moment at which the clocks of a zone show this time. Raises UnclearTime."""
    first, second = (naive.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    if first == second:
        return first
    if first.astimezone(zone).replace(tzinfo=None) != naive:
        raise UnclearTime(
            f"The clocks of {zone.key} skip {naive:%H:%M} on this day, because they are put forward. "
            f"Enter {second.astimezone(zone):%H:%M} or {first.astimezone(zone):%H:%M}, or another time."
        )
    raise UnclearTime(
        f"The clocks of {zone.key} show {naive:%H:%M} twice on this day, because they are put back: at "
        f"{first:%H:%M} and at {second:%H:%M} UTC. Enter a time outside this hour."
    )


def write_zoned(moment: dt.datetime | None, zone: ZoneInfo) -> str:
    """Return a time with the name of its time zone, to the second: `2026-05-01 09:00:00 Europe/Berlin`.

    A repeated hour has the offset from UTC, too. Return an empty text for None.
    """
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    text = f"{local:%Y-%m-%d %H:%M:%S} {zone.key}"
    return f"{text} ({local:UTC%z})" if is_repeated(local) else text


def is_repeated(local: dt.datetime) -> bool:
    """Return whether the clocks of its time zone show this time twice."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
