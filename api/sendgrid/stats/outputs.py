"""Write statistics of mail in SendGrid's metrics."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final

from mailer.models import Measure
from mailer.outcomes.figures import Figure, Values

FIGURES: Final[Mapping[str, Figure]] = {
    # SendGrid calls every refusal a block that is not the fault of the address, on the list of blocks or on none.
    "blocks": Figure((Measure.REFUSED,), (Measure.BOUNCED, Measure.INVALID)),
    "bounce_drops": Figure((Measure.DROPPED_BOUNCE,)),
    "bounces": Figure((Measure.BOUNCED,)),
    "clicks": Figure((Measure.CLICKED,)),
    "deferred": Figure((Measure.DEFERRED,)),
    "delivered": Figure((Measure.SENT,)),
    "invalid_emails": Figure((Measure.INVALID, Measure.DROPPED_INVALID)),
    "opens": Figure((Measure.OPENED,)),
    # Requests that were dropped are not processed, and those that wait are not processed yet.
    "processed": Figure((Measure.SENT, Measure.REFUSED)),
    "requests": Figure((Measure.ACCEPTED,)),
    "spam_report_drops": Figure((Measure.DROPPED_SPAM,)),
    "unique_clicks": Figure((Measure.UNIQUE_CLICKED,)),
    "unique_opens": Figure((Measure.UNIQUE_OPENED,)),
    "unsubscribe_drops": Figure((Measure.DROPPED_UNSUBSCRIBE,)),
    "unsubscribes": Figure((Measure.UNSUBSCRIBED,)),
}
"""The metrics that are recorded."""
NOT_RECORDED: Final = ("spam_reports",)
"""The metrics that are always 0."""
NOTHING: Final[Values] = dict.fromkeys(sorted([*FIGURES, *NOT_RECORDED]), 0)
ALL_MAIL: Final = ""

Statistics = Mapping[tuple[dt.date, str], Values]
"""Figures by the first day of a time and by category."""


def write_global(dates: Iterable[dt.date], statistics: Statistics) -> list[dict[str, Any]]:
    """Return an entry for each date with the metrics of all mail."""
    return [
        {"date": date.isoformat(), "stats": [{"metrics": NOTHING | statistics.get((date, ALL_MAIL), {})}]}
        for date in dates
    ]


def write_categories(dates: Iterable[dt.date], names: Iterable[str], statistics: Statistics) -> list[dict[str, Any]]:
    """Return an entry for each date with the metrics of each category."""
    return [
        {"date": date.isoformat(), "stats": [write_category(name, statistics.get((date, name), {})) for name in names]}
        for date in dates
    ]


def write_category(name: str, figures: Values) -> dict[str, Any]:
    """Return the metrics of a category."""
    return {"metrics": NOTHING | figures, "name": name, "type": "category"}
