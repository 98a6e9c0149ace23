"""Read how much mail is sent, how fast, how late, and which share of it is refused.

Everything comes from the counters, so it costs the same for one message and for millions. Counters count recipients.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from foundation.clock import database_now
from foundation.statements import fetch_tuples
from mailer.models import Measure, Series
from mailer.outcomes.counters import KEPT, LATENESS, MINUTE
from monitoring import rate_queries
from monitoring.scope import Scope


class Request(NamedTuple):
    """A request for totals: of these measures, by spans, between two times.

    `span` is a minute, five minutes, an hour or a day, in seconds.
    """

    span: int
    since: dt.datetime
    until: dt.datetime
    measures: Collection[Measure]


class Total(NamedTuple):
    """The number of events of a kind in the span that begins at `at`."""

    at: dt.datetime
    measure: Measure
    n: int


@dataclass(frozen=True, slots=True)
class Lateness:
    """The lateness of mail: the seconds within which 50, 95 and 99 of 100 messages were sent.

    Each is the upper bound of a bucket: 1, 10, 60 or 600 seconds, or infinity for more than that. All are None if no
    mail was sent.
    """

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


def sent_rates(batch_ids: Collection[int], now: dt.datetime | None = None) -> dict[int, float]:
    """Return the recipients a second to whom mail was sent in the last 60 seconds, by batch.

    A batch that sent nothing is missing, and so is a default batch: it has no counters. `now` is the moment by the
    database's clock, for callers that have just read it.
    """
    if not batch_ids:
        return {}
    rows = fetch_tuples(
        rate_queries.SENT_BY_BATCHES, _last_minute(now or database_now()) | {"batches": list(batch_ids)}
    )
    return {batch_id: number / MINUTE for batch_id, number in rows}


def _last_minute(now: dt.datetime) -> dict[str, Any]:
    """Return when this minute began, and the part of the previous one that is less than 60 seconds ago."""
    minute = now.replace(second=0, microsecond=0)
    return {"minute": minute, "part": 1 - (now - minute).total_seconds() / MINUTE}


def lateness_from(counts: dict[Measure, int]) -> Lateness:
    """Return the lateness from counts by measure. Only the measures `LATE_...` are used."""
    bounds = [*((float(seconds), measure) for seconds, measure in LATENESS), (math.inf, Measure.LATE_LONGER)]
    total = sum(counts.get(measure, 0) for _, measure in bounds)
    if not total:
        return Lateness()
    return Lateness(*(_percentile(bounds, counts, total * percent / 100) for percent in (50, 95, 99)))


def _percentile(bounds: Sequence[tuple[float, Measure]], counts: dict[Measure, int], number: float) -> float:
    """Return the bound up to which at least this number of messages was sent."""
    within = 0
    for seconds, measure in bounds:
        within += counts.get(measure, 0)
        if within >= number:
            return seconds
    return math.inf


def describe_lateness(bound: float | None) -> str:
    """Return a bound in words: `within 10 s`, `more than 10 min`, or `no mail`."""
    if bound is None:
        return "no mail"
    if math.isinf(bound):
        return f"more than {LATENESS[-1][0] // MINUTE} min"
    return f"within {bound:.0f} s" if bound < MINUTE else f"within {bound / MINUTE:.0f} min"


def read_several(scope: Scope, requests: Sequence[Request]) -> list[list[Total]]:
    """Return how many events there were in each span of each request, by time, in one statement; zeros are left out.

    The spans in which the two times of a request are count as a whole. Totals are kept as
    `mailer.outcomes.counters.KEPT` says.
    """
    parameters = {
        "accounts": scope.ids,
        "spans": [request.span for request in requests],
        "stored_spans": [_stored_span(scope, request.span) for request in requests],
        "since": [_round_down(request.since, request.span) for request in requests],
        "until": [_round_up(request.until, request.span) for request in requests],
        "measures": [f"{{{','.join(str(int(measure)) for measure in request.measures)}}}" for request in requests],
    }
    statement = rate_queries.SEVERAL_OF_ALL if scope.ids is None else rate_queries.SEVERAL_OF_ACCOUNTS
    totals: list[list[Total]] = [[] for _ in requests]
    for number, at, measure, events in fetch_tuples(statement, parameters):
        totals[number - 1].append(Total(at, Measure(measure), events))
    return totals


def _stored_span(scope: Scope, span: int) -> int:
    """Return the span of the counters from which totals of a span are made."""
    series = Series.TOTAL if scope.ids is None else Series.ACCOUNT
    return max(stored_span for stored_span in KEPT[series] if span % stored_span == 0)


def _round_down(at: dt.datetime, span: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at.timestamp() // span * span, dt.UTC)


def _round_up(at: dt.datetime, span: int) -> dt.datetime:
    return _round_down(at - dt.timedelta(microseconds=1), span) + dt.timedelta(seconds=span)
