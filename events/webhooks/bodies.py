"""Make the bodies of deliveries from the log.

A body has the events of one lane between two positions. The same range with the same kinds always gives the same
events, because entries of the log and events never change. It gives the same bytes, too, unless a campaign was renamed
or Sluice was updated meanwhile; so the bytes are stored as soon as an attempt has failed. The parts of one event of a
message, such as SendGrid's `processed` before its first outcome, are never separated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from events.log.reading import Happened, Position, Reader
from events.webhooks.forms import Form, encode

MOST_EVENTS: Final = 1000
MOST_BYTES: Final = 512 * 1024 - 200
"""The size of all events of a body. Each form adds some bytes around them."""
PLACES_AT_ONCE: Final = 500
"""The number of places that one search for events looks at. Without an event, the lane still moves behind them."""


@dataclass(frozen=True, slots=True)
class Body:
    """The events of a lane between two positions. `events` is 0 if the endpoint gets no event of this lane."""

    after: Position
    until: Position
    events: int
    data: bytes


class Unit(NamedTuple):
    """The part of a body that is made of one event, and the position behind this event."""

    position: Position
    text: bytes = b""
    """Events in JSON, separated by commas; empty without events."""
    events: int = 0
    at: float = 0.0


class LaneReader:
    """Read the log for a lane, and cut it into bodies."""

    def __init__(self, account_id: int, form: Form, kinds: int, *, number: int, lanes: int) -> None:
        self._reader = Reader(account_id, lambda base: base % lanes == number)
        self._form = form
        self._kinds = kinds

    def read_bodies(self, after: Position) -> Iterator[Body]:
        """Yield one body after the other, until all events of the log are read."""
        units: list[Unit] = []
        begin, size, count, places = after, 0, 0, 0
        for unit in self._read_units(after, None):
            length = len(unit.text) + 3
            is_full = count + unit.events > MOST_EVENTS or size + length > MOST_BYTES
            if (count and is_full) or places == PLACES_AT_ONCE:
                yield self._make(begin, units)
                begin, size, count, places, units = units[-1].position, 0, 0, 0, []
            units.append(unit)
            size, count = size + length, count + unit.events
            places += unit.position.offset is None
        if units:
            yield self._make(begin, units)

    def read_again(self, after: Position, until: Position) -> Body:
        """Return the body between two positions."""
        return self._make(after, list(self._read_units(after, until)) or [Unit(until)])

    def _make(self, after: Position, units: list[Unit]) -> Body:
        filled = [unit for unit in units if unit.events]
        data = self._form.join([unit.text for unit in filled], filled[-1].at) if filled else b""
        return Body(after, units[-1].position, sum(unit.events for unit in filled), data)

    def _read_units(self, after: Position, until: Position | None) -> Iterator[Unit]:
        for place, events in self._reader.read_after(after, until=until):
            first = after.offset or 0 if place == after.place else 0
            last = until.offset if until is not None and place == until.place else None
            for number, event in enumerate(islice(events, first, last), start=first + 1):
                yield self._write(event, Position(place, number))
            if last is None:
                yield Unit(Position(place))

    def _write(self, event: Happened, position: Position) -> Unit:
        events = self._form.write(event, self._kinds)
        return Unit(position, encode(events)[1:-1].encode(), len(events), event.at) if events else Unit(position)
