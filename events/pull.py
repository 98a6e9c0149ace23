"""Let programs pull the events of an account, page by page."""

from __future__ import annotations

from itertools import islice
from typing import Final, NamedTuple

from accounts.models import Account
from events.log.reading import Happened, Position, Reader

PLACES_AT_ONCE: Final = 500
"""The number of places that one page looks at. A page without events ends after them, too, with a later position."""


class Page(NamedTuple):
    """Some events, and the position behind them, from which the next page continues."""

    events: list[Happened]
    position: Position


def read_page(account: Account, after: Position, *, limit: int) -> Page:
    """Return the next events of an account behind a position, at most `limit`.

    A page may be short without being the last one. All events of the account were read when the position does not
    change.
    """
    events: list[Happened] = []
    position = after
    for number, (place, place_events) in enumerate(Reader(account.pk).read_after(after)):
        begin = after.offset or 0 if place == after.place else 0
        unread_events = islice(place_events, begin, None)
        page_events = list(islice(unread_events, limit - len(events)))
        events += page_events
        is_whole = next(unread_events, None) is None
        position = Position(place, None if is_whole else begin + len(page_events))
        if len(events) == limit or number + 1 == PLACES_AT_ONCE:
            break
    return Page(events, position)
