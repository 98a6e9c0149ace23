"""Give a wrong clock to a program with this folder on PYTHONPATH: Python imports a module of this name first.

It shifts time.time() and datetime.now() by CHAOS_CLOCK_SECONDS. PostgreSQL and the monotonic clocks stay right, as on a
machine whose time of day is wrong.
"""

from __future__ import annotations

import datetime
import os
import time
from typing import Any

SHIFT = float(os.environ.get("CHAOS_CLOCK_SECONDS", "0"))
RIGHT_TIME, RIGHT_DATETIME = time.time, datetime.datetime


class AnyDatetime(type):
    """A metaclass that makes an ordinary datetime an instance of the shifted class."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, RIGHT_DATETIME)


class ShiftedDatetime(datetime.datetime, metaclass=AnyDatetime):
    """A datetime whose `now` and `utcnow` are shifted and return the ordinary class."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return RIGHT_DATETIME.now(tz) + datetime.timedelta(seconds=SHIFT)

    @classmethod
    def utcnow(cls) -> Any:
        return RIGHT_DATETIME.utcnow() + datetime.timedelta(seconds=SHIFT)


if SHIFT:
    time.time = lambda: RIGHT_TIME() + SHIFT
    datetime.datetime = ShiftedDatetime  # type: ignore[misc]
