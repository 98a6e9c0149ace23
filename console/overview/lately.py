"""Draw the last 24 hours: recipients by outcome every five minutes, and how late mail was sent in each hour."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from console.overview.charts import Chart, Line, Table
from foundation.admin import draw_figure
from mailer.models import Measure
from mailer.outcomes.counters import FIVE_MINUTES, HOUR, LATE, LATENESS
from monitoring.rates import Lateness, Total, describe_lateness, lateness_from

SENT_COLOUR, REFUSED_COLOUR, DEFERRED_COLOUR = 0, 5, 1
OUTCOMES: Final = {
    Measure.SENT: ("sent", SENT_COLOUR),
    Measure.REFUSED: ("refused", REFUSED_COLOUR),
    Measure.DEFERRED: ("deferred", DEFERRED_COLOUR),
}
BOUNDS: Final = (*(float(seconds) for seconds, _ in LATENESS), math.inf)
PERCENTILES: Final = (("half of it", 0, 50), ("95 of 100", 1, 95), ("99 of 100", 5, 99))
"""The percentiles that are shown: the words for each, the number of its colour, and the percentage."""

Counts = dict[dt.datetime, dict[Measure, int]]


def begin_spans(now: dt.datetime, span: int) -> list[dt.datetime]:
    """Return when each span of the last 24 hours begins, the current one included."""
    last = int(now.timestamp()) // span * span
    return [dt.datetime.fromtimestamp(at, dt.UTC) for at in range(last - 86_400, last + 1, span)]


def sort_by_time(totals: Iterable[Total]) -> Counts:
    """Return totals by the beginning of their span and by measure."""
    counts: Counts = defaultdict(lambda: defaultdict(int))
    for at, measure, number in totals:
        counts[at.astimezone(dt.UTC)][measure] += number
    return counts


def chart_outcomes(totals: Iterable[Total], now: dt.datetime) -> Chart:
    """Return the chart of the recipients to whom mail was sent, refused and deferred."""
    counts, times = sort_by_time(totals), begin_spans(now, FIVE_MINUTES)
    sums = {measure: sum(each[measure] for each in counts.values()) for measure in OUTCOMES}
    return Chart(
        name="outcomes",
        title="Last 24 hours",
        summary=format_html(
            "{} sent, {} refused, {} deferred (recipients).",
            *(draw_figure(f"hours:{name}", sums[measure]) for measure, (name, _) in OUTCOMES.items()),
        ),
        kind="lines",
        times=times,
        labels=[f"{at:%a %H:%M}" for at in times],
        lines=[
            Line(
                name if measure is Measure.SENT else f"{name} (scale on the right)",
                [counts[at][measure] for at in times],
                colour,
                f"five:{name}",
                is_on_right=measure is not Measure.SENT,
            )
            for measure, (name, colour) in OUTCOMES.items()
        ],
        table=_tabulate_outcomes(counts, times),
        notes=["A point is five minutes. A recipient who is deferred twice is counted twice."],
    )


def _tabulate_outcomes(counts: Counts, times: Iterable[dt.datetime]) -> Table:
    """Return the table of recipients by hour."""
    by_hour: dict[dt.datetime, dict[Measure, int]] = {at.replace(minute=0): defaultdict(int) for at in times}
    for at, measures in counts.items():
        for measure, number in measures.items():
            by_hour[at.replace(minute=0)][measure] += number
    return Table(
        "Recipients of the last 24 hours by hour (UTC)",
        ["Hour", *(name.capitalize() for name, _ in OUTCOMES.values())],
        [
            [
                f"{hour:%a %H:%M}",
                *(
                    draw_figure(f"hour:{hour.timestamp():.0f}:{name}", measures[measure])
                    for measure, (name, _) in OUTCOMES.items()
                ),
            ]
            for hour, measures in by_hour.items()
        ],
    )


def chart_lateness(totals: Iterable[Total], now: dt.datetime) -> Chart:
    """Return the chart of how late mail was sent, by hour."""
    counts, hours = sort_by_time(totals), begin_spans(now, HOUR)
    by_hour = [lateness_from(counts[hour]) for hour in hours]
    of_all = lateness_from({measure: sum(each[measure] for each in counts.values()) for measure in LATE})
    return Chart(
        name="lateness",
        title="How late mail was sent",
        summary=format_html("In 24 hours: {}.", format_html_join(", ", "{} {}", _draw_all(of_all, "all"))),
        kind="steps",
        times=hours,
        labels=[f"{hour:%a %H:%M}" for hour in hours],
        levels=[describe_lateness(bound) for bound in BOUNDS],
        lines=[
            Line(name, [_level(_bound(lateness, name)) for lateness in by_hour], colour, f"late:{percent}")
            for name, colour, percent in PERCENTILES
        ],
        table=Table(
            "How late the messages of each hour were sent (UTC)",
            ["Hour", *(name.capitalize() for name, *_ in PERCENTILES)],
            [
                [f"{hour:%a %H:%M}", *(word for _, word in _draw_all(lateness, f"{hour.timestamp():.0f}"))]
                for hour, lateness in zip(hours, by_hour, strict=True)
            ],
        ),
        notes=[
            "Lateness is counted from send_at or the last resume, for messages to one recipient sent at the first try."
        ],
    )


def _bound(lateness: Lateness, name: str) -> float | None:
    names = [each for each, *_ in PERCENTILES]
    return (lateness.p50, lateness.p95, lateness.p99)[names.index(name)]


def _draw_all(lateness: Lateness, at: str) -> list[tuple[str, SafeString]]:
    """Return the percentiles, each with its name and its words. `at` is the hour, or `all`."""
    return [
        (name, draw_figure(f"late:{percent}:{at}", describe_lateness(_bound(lateness, name))))
        for name, _, percent in PERCENTILES
    ]


def _level(bound: float | None) -> int | None:
    return None if bound is None else BOUNDS.index(bound)
