"""Count recipients by day, hour and five minutes, how fast mail was sent, and how late."""

from __future__ import annotations

import datetime as dt
import math
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chaos.expected import Connection, Expected, Range, Shown, Span
from chaos.numbers import Numbers
from chaos.stored import KINDS
from stack.stored_numbers import PARCEL_SPAN, EventKind, SuppressionKind

MINUTE, FIVE_MINUTES, HOUR, DAY = 60, 300, 3_600, 86_400
DAYS_OF_WEEK = 7
BOUNCE = (EventKind.REFUSED, SuppressionKind.BOUNCE)
CACHED_SECONDS = 15.0
"""The age that a page may have: it is built at most every few seconds, for all who watch it."""
LATELY = 600
"""The seconds whose lateness is on every page."""
BUCKETS = (1, 10, 60, 600)
"""The upper bounds of the buckets in which the product counts lateness, in seconds."""
WORDS = ("within 1 s", "within 10 s", "within 1 min", "within 10 min", "more than 10 min")
CLOSE = 0.05
"""The seconds by which the lateness of stored times may differ from what the worker has counted."""
# The lateness of sent messages: the seconds after their time, or after the last resume of their batch or thaw of their
# account before they were sent. Mail of a parcel that was tried more than once may be counted or not. Mail to several
# recipients is not.
READ_LATENESS = f"""
with sent as (
    select message_id as id, at from mailer_event
    where kind = {EventKind.SENT} and members is null and recipient is null
    union all
    select message_id + member.n, at from mailer_event cross join lateral sluice_unpack(members, null) member
    where kind = {EventKind.SENT} and members is not null
)
select s.at, extract(epoch from s.at - greatest(p.send_at, (
        select max(r.created_at) from batches_receipt r where r.created_at <= s.at
            and (r.action = 'resume' and r.batch_id = p.batch_id or r.action = 'thaw'
                and coalesce(r.account_id, p.account_id) in (p.account_id, a.parent_id))
    )))::float8, p.attempts > 0 or p.is_replay
from sent s
join mailer_message m on m.id = s.id
join batches_parcel p on p.id = s.id / {PARCEL_SPAN}
join accounts_account a on a.id = p.account_id
where m.personal is null
    or not m.personal ?| array['cc', 'bcc'] and coalesce(jsonb_array_length(m.personal -> 'to'), 0) < 2
order by s.at
"""


@dataclass
class Rates:
    """The recipients to whom mail was sent, by minute, for each subject; and the moment of the snapshot.

    `now` is that moment by the clock of the database, and `read_at` by the monotonic clock.
    """

    now: float
    read_at: float
    sent: Counter[tuple[str, int]] = field(default_factory=Counter)

    def add(self, recipients: int, second: int, batch_id: int) -> None:
        """Count recipients to whom mail was sent."""
        for subject in ("all", f"batch:{batch_id}"):
            self.sent[subject, second // MINUTE] += recipients

    def between(self, subject: str) -> tuple[float, float]:
        """Return the least and the largest number of the last 60 seconds that a page may show at this moment."""
        return self.extremes(subject, self.now + time.monotonic() - self.read_at)

    def extremes(self, subject: str, until: float) -> tuple[float, float]:
        """Return the least and the largest number of the 60 seconds before a moment that a page may show.

        The number falls within a minute, and rises where a minute begins in which mail was sent.
        """
        since = until - CACHED_SECONDS
        moments = [since, until, *(moment for moment in [until // MINUTE * MINUTE] if moment >= since)]
        just_before = [math.nextafter(moment, 0.0) for moment in moments]
        numbers = [self.at(subject, moment) for moment in (*moments, *just_before)]
        return min(numbers), max(numbers)

    def at(self, subject: str, moment: float) -> float:
        """Return the number at a moment. The last but one minute counts in proportion to its part of the 60 seconds."""
        minute = int(moment) // MINUTE
        part = 1 - (moment - minute * MINUTE) / MINUTE
        return self.sent[subject, minute] + self.sent[subject, minute - 1] * part


def count_over_time(numbers: Numbers, events: list[Any], now: dt.datetime, read_at: float) -> Rates:
    """Count what the page Overview shows of recipients, and return how fast mail was sent."""
    owners = {message.id: (message.accounts[0], message.batch_id) for message in numbers.messages}
    rates, second = Rates(now.timestamp(), read_at), int(now.timestamp())
    days: Counter[tuple[str, int]] = Counter()
    for message in numbers.messages:
        days["accepted", int(message.accepted_at.timestamp()) // DAY] += message.recipients
    for message_id, kind, at, _, recipients, suppression in events:
        account_id, batch_id = owners[message_id]
        event = Happened(KINDS.get(kind, ""), int(at.timestamp()), is_bounce=(kind, suppression) == BOUNCE)
        days[event.name, event.second // DAY] += recipients
        for key in [*keys_of_last_day(event, second), *keys_of_account(event, account_id, second // DAY)]:
            numbers.by_key[key] += recipients
        if event.name == "sent":
            rates.add(recipients, event.second, batch_id)
    compare_days(numbers, days, second // DAY)
    share_out(numbers)
    numbers.readers["batch"] = lambda key: rate_of(numbers, rates, key)
    return rates


@dataclass(frozen=True, slots=True)
class Happened:
    """An event: its kind, its second, and whether it is a refusal that bounces count."""

    name: str
    second: int
    is_bounce: bool


def keys_of_last_day(event: Happened, now: int) -> Iterator[str]:
    """Yield the keys of the figures of the last 24 hours that count an event."""
    if event.second >= now // FIVE_MINUTES * FIVE_MINUTES - DAY:
        yield f"hours:{event.name}"
        yield f"hour:{event.second // HOUR * HOUR}:{event.name}"
        yield f"five:{event.name}:{event.second // FIVE_MINUTES * FIVE_MINUTES}"


def keys_of_account(event: Happened, account_id: int, today: int) -> Iterator[str]:
    """Yield the keys of the figures of accounts, and of the shares of bounces, that count an event."""
    day = event.second // DAY
    if event.name not in {"sent", "refused"}:
        return
    if day >= today - 1:
        yield from (f"lately:{account_id}:{word}" for word in words_of_event(event))
        if event.name == "sent":
            yield f"account:{account_id}:sent:{'today' if day == today else 'yesterday'}"
    for span, first in (("today", today), ("week", today - DAYS_OF_WEEK + 1)):
        if day >= first:
            yield f"bounces:{span}:tried"
            if event.is_bounce:
                yield f"bounces:{span}:bounced"


def words_of_event(event: Happened) -> list[str]:
    """Return the counts of an account that an event belongs to."""
    return [event.name, "bounced"] if event.is_bounce else [event.name]


def compare_days(numbers: Numbers, days: Counter[tuple[str, int]], today: int) -> None:
    """Count yesterday and the average of the week before."""
    for name in ("accepted", *KINDS.values()):
        yesterday = days[name, today - 1]
        average = sum(days[name, today - number] for number in range(2, 2 + DAYS_OF_WEEK)) / DAYS_OF_WEEK
        numbers.by_key[f"day:{name}:yesterday"] = yesterday
        numbers.by_key[f"day:{name}:average"] = round(average)
        without = "none before" if yesterday else "none"
        numbers.texts[f"day:{name}:change"] = f"{(yesterday - average) / average:+,.0%}" if average else without


def share_out(numbers: Numbers) -> None:
    """Derive the shares of recipients who were refused and who bounced."""
    counts = numbers.by_key
    for span in ("today", "week"):
        if tried := counts[f"bounces:{span}:tried"]:
            numbers.texts[f"bounces:{span}:rate"] = f"{counts[f'bounces:{span}:bounced'] / tried:.2%}"
    for account in numbers.accounts:
        sent, refused, bounced = (counts[f"lately:{account}:{word}"] for word in ("sent", "refused", "bounced"))
        if tried := sent + refused:
            numbers.texts[f"account:{account}:sent:refused_rate"] = f"{refused / tried:.2%}"
            numbers.texts[f"account:{account}:sent:bounced_rate"] = f"{bounced / tried:.2%}"


def rate_of(numbers: Numbers, rates: Rates, key: str) -> Shown:
    """Return the rate that a figure shows at this moment, or the time that the rest of a batch takes."""
    subject, _, name = key.rpartition(":")
    if name == "rate":
        least, most = (number / MINUTE for number in rates.between(subject))
        return Range(math.floor(least * 10) / 10, math.ceil(most * 10) / 10)
    if name != "remaining":
        return None
    due = numbers.by_key[f"{subject}:due"] + numbers.by_key[f"{subject}:claimed"]
    # Mail without a batch has no counters, so nobody knows its rate.
    has_rate = int(subject.rpartition(":")[2]) in numbers.batches.values()
    least, most = (number / MINUTE for number in rates.between(subject))
    if due and least and has_rate:
        return Span(due / most, due / least)
    return frozenset({"not known", "none", "done"})


# --- lateness ---------------------------------------------------------------------------------------------------------


@dataclass
class Late:
    """The seconds by which messages were late, by the time at which they were sent; some may not be counted."""

    times: list[float]
    rows: list[tuple[float, bool]]

    def words(self, percent: int, since: float, until: float = math.inf) -> frozenset[str]:
        """Return the words for a percentile that can be right.

        The product counts in buckets, and names the upper bound of the bucket that has the percentile. A message that
        was tried more than once may be left out, so there can be several answers.
        """
        rows = self.rows[bisect_left(self.times, since) : bisect_left(self.times, until)]
        certain = sorted(late for late, is_uncertain in rows if not is_uncertain)
        uncertain = sorted(late for late, is_uncertain in rows if is_uncertain)
        if not rows:
            return frozenset({"no mail"})
        middle = bisect_right(uncertain, percentile(certain, percent) or 0.0)
        candidates = (certain, sorted(certain + uncertain[:middle]), sorted(certain + uncertain[middle:]))
        bounds = [bound for candidate in candidates if (bound := percentile(candidate, percent)) is not None]
        first, last = bucket_of(min(bounds) - CLOSE), bucket_of(max(bounds) + CLOSE)
        return frozenset({*WORDS[first : last + 1], *([] if certain else ["no mail"])})


def percentile(ordered: list[float], percent: int) -> float | None:
    """Return the value up to which this percentage of values lie; None without values."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else None


def bucket_of(late: float) -> int:
    """Return the number of the bucket of a lateness."""
    return bisect_left(BUCKETS, late)


def read_lateness(connection: Connection) -> Late:
    """Read how late each message was sent."""
    rows = connection.execute(READ_LATENESS).fetchall()
    return Late([at.timestamp() for at, *_ in rows], [(late, is_uncertain) for _, late, is_uncertain in rows])


def words_of(late: Late, rates: Rates, key: str) -> Expected | None:
    """Return what a figure shows of lateness: `all:late`, or `late` with a percentage, and an hour or `all`."""
    family, *parameters = key.split(":")
    until = rates.now + time.monotonic() - rates.read_at
    if family == "all":
        begins = {(until - age - LATELY) // MINUTE * MINUTE for age in (0.0, CACHED_SECONDS)}
        return frozenset().union(*(late.words(95, since) for since in begins))
    percent, hour = int(parameters[0]), parameters[1]
    if hour == "all":
        return late.words(percent, (rates.now - DAY) // HOUR * HOUR)
    return late.words(percent, float(hour), float(hour) + HOUR)
