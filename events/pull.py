"""Let programs pull the events of an account, page by page."""

from __future__ import annotations

from itertools import islice
from typing import Final, NamedTuple

from accounts.models import Account
from events.log.reading import Happened, Position, Reader

PLACES_AT_ONCE: Final = 500
"""The places that one page looks at. Without events it still ends here, with a later position."""


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
    for number, (place, found) in enumerate(Reader(account.pk).read_after(after)):
        begin = after.offset or 0 if place == after.place else 0
        rest = islice(found, begin, None)
        taken = list(islice(rest, limit - len(events)))
        events += taken
        is_whole = next(rest, None) is None
        position = Position(place, None if is_whole else begin + len(taken))
        if len(events) == limit or number + 1 == PLACES_AT_ONCE:
            break
    return Page(events, position)
