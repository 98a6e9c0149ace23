"""Give the parcels of a launch their times, page by page, and new times when its terms change or it is resumed."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from django.db import connection

from batches import hints
from batches.hints import hint_near_wave
from batches.models import PARCEL_SIZE, Batch
from batches.states import Lane
from campaigns import queries
from campaigns.models import AccountTerms, Campaign, Launch
from campaigns.pacing import Pace, Window, at_wall_clock, pace_of
from campaigns.selection import count_audience
from foundation.clock import database_now

PAGE = 5000
"""The largest number of contacts in a page. A stop may have to wait for one, so it takes about a tenth of a second."""
PARCELS_TO_A_PAGE = 500
"""The largest number of parcels in a page, for the same reason: those of a slow campaign are small."""


class PagedParcel(NamedTuple):
    """A parcel of a page. `wave` is the number of the turn of its time zones."""

    id: int
    wave: int
    send_at: dt.datetime
    size: int
    is_due: bool


def turns_of(campaign: Campaign, send_at: dt.datetime) -> list[dt.datetime]:
    """Return the moments at which a campaign is sent.

    This is one moment, or, with local time, one for each offset of the world's time zones. The first is for contacts
    whose time zone is not known.
    """
    moments = dict.fromkeys([send_at])
    if campaign.is_local_time:
        moments |= dict.fromkeys(local_moments(campaign, send_at).values())
    return list(moments)


def local_moments(campaign: Campaign, send_at: dt.datetime) -> dict[str, dt.datetime]:
    """Return, for every time zone, when its clocks show the time that the campaign's show at `send_at`."""
    return {name: at_wall_clock(send_at, of=campaign.zone, target=ZoneInfo(name)) for name in zone_names()}


@cache
def zone_names() -> list[str]:
    """Return the names of the world's time zones."""
    return sorted(available_timezones())


class Pacer:
    """Compute the times of one launch.

    A pacer is made in the transaction that uses it, after batch and launch were locked. It locks the account's rate, so
    that no other campaign takes the same time. `note` and `repace` record where to continue: in the launch, which the
    caller saves, and in the account's terms.
    """

    def __init__(self, launch: Launch) -> None:
        campaign = launch.campaign
        self.launch = launch
        rated = AccountTerms.objects.select_for_update().filter(rate_per_minute__isnull=False)
        self.terms = rated.filter(account=campaign.account_id).first()
        window = Window.from_json(campaign.window) if campaign.window else None
        self.own = pace_of(
            rate_per_minute=campaign.rate_per_minute,
            spread_seconds=campaign.spread_seconds,
            audience=launch.audience,
            window=window,
        )
        account_seconds = 60 / self.terms.rate_per_minute if self.terms and self.terms.rate_per_minute else 0.0
        self.shared = Pace(account_seconds)
        self.slower = Pace(max(self.own.seconds_each, account_seconds), window)
        self.parcel_size = self.slower.parcel_size(PARCEL_SIZE)
        self.page_size = min(PAGE, self.parcel_size * PARCELS_TO_A_PAGE)
        self.turns = [dt.datetime.fromisoformat(turn) for turn, _ in launch.next_at]
        self.next_at = [dt.datetime.fromisoformat(at) for _, at in launch.next_at]

    @property
    def is_paced(self) -> bool:
        """Return whether the campaign's mail is not all sent at once."""
        return self.slower != Pace()

    def waves_of_zones(self) -> dict[str, int]:
        """Return the number of the wave of every time zone; empty without local time."""
        if not self.launch.campaign.is_local_time:
            return {}
        numbers = {turn: number for number, turn in enumerate(self.turns)}
        moments = local_moments(self.launch.campaign, self.turns[0])
        return {name: numbers[moment] for name, moment in moments.items() if moment in numbers}

    def times(self) -> Iterator[tuple[int, int, dt.datetime]]:
        """Yield the times of as many parcels as a page may have, as (wave, number of the parcel, time)."""
        now = database_now()
        sizes = [self.parcel_size] * -(-self.page_size // self.parcel_size)
        for wave, next_at in enumerate(self.next_at):
            start = max(next_at, now, self._free_at(now))
            yield from ((wave, number, at) for number, at in enumerate(self.slower.times(start, sizes)))

    def note(self, parcels: Sequence[PagedParcel]) -> None:
        """Record parcels that were made, so that the next ones get later times."""
        for parcel in parcels:
            self.next_at[parcel.wave] = self.own.after(parcel.send_at, parcel.size)
            self._take(parcel.send_at, parcel.size)
        self._write()

    def repace(self, waiting: Sequence[tuple[int, dt.datetime]], *, now: dt.datetime) -> list[dt.datetime]:
        """Return new times, from `now` on, for waiting parcels, which are given by size and old time in order.

        No parcel is sent before the turn of its time zone, which is the last turn before its old time.
        """
        turns = sorted(self.turns)
        next_at, times = max(now, self._free_at(now)), []
        for size, had in waiting:
            turn = turns[max(0, bisect_right(turns, had) - 1)]
            at = self.slower.after(max(next_at, turn), 0)
            times.append(at)
            next_at = self.slower.after(at, size)
            self._take(at, size)
        self.next_at = [max(turn, next_at) for turn in self.turns]
        self._write()
        return times

    def _free_at(self, now: dt.datetime) -> dt.datetime:
        return (self.terms.next_at if self.terms else None) or now

    def _take(self, at: dt.datetime, size: int) -> None:
        if self.terms:
            free = self.shared.after(at, size)
            self.terms.next_at = max(free, self.terms.next_at or free)

    def _write(self) -> None:
        self.launch.next_at = [
            [turn.isoformat(), at.isoformat()] for turn, at in zip(self.turns, self.next_at, strict=True)
        ]
        if self.terms:
            self.terms.save(update_fields=["next_at"])


def repace(campaign: Campaign, *, is_resumed: bool = False, is_in_turn: bool = False) -> list[dt.datetime]:
    """Give new times, starting now, to all waiting parcels of the campaign that are not claimed. Return the times.

    A campaign without a pace that `is_resumed` keeps its times. With a pace, mail that became due meanwhile would be
    sent all at once, or outside its window. If the account has a rate, the campaign comes after the account's other
    campaigns that have times. With `is_in_turn` those get new times as well, one after the other.

    The batch is locked as a stop locks it, so that no verdict and no page of the expansion comes in between. Call it in
    a transaction, after taking the campaign's lock.
    """
    assert campaign.launch is not None
    audience = campaign.launch.audience
    if campaign.spread_seconds and audience is None:
        # Count before the batch is locked: a large audience takes a second.
        audience = count_audience(campaign, last_contact=campaign.launch.last_contact)
    Batch.objects.select_for_update(no_key=True).get(pk=campaign.launch.batch_id)
    launch = Launch.objects.select_for_update().get(pk=campaign.launch.pk)
    launch.campaign = campaign
    launch.audience = audience
    pacer = Pacer(launch)
    if is_resumed and not pacer.is_paced:
        return []
    now = database_now()
    with connection.cursor() as cursor:
        if pacer.terms and not is_in_turn:
            cursor.execute(queries.TAKEN_BY_OTHERS, {"account": campaign.account_id, "launch": launch.pk})
            (pacer.terms.next_at,) = cursor.fetchone()
        cursor.execute(queries.PARCELS_TO_REPACE, {"batch": launch.batch_id, "now": now})
        waiting: list[tuple[int, int, dt.datetime]] = cursor.fetchall()
        times = pacer.repace([(size, had) for _, size, had in waiting], now=now)
        launch.save(update_fields=["next_at", "audience"])
        cursor.execute(queries.REPACE, {"parcels": [row[0] for row in waiting], "times": times, "now": now})
    return times


def hint_times(batch_id: int, times: Sequence[dt.datetime]) -> None:
    """Announce new times after the commit, so that near ones are planned and due ones are delivered."""
    now = database_now()
    if times and min(times) <= now:
        hints.hint_due(Lane.BULK, sum(at <= now for at in times))
    for send_at in sorted(set(times)):
        if send_at > now and not hint_near_wave(batch_id, send_at, now=now):
            break
