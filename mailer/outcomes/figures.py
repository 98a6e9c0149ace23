"""Read statistics of an account's mail: figures that are sums of counters, by day, week or month, or by category."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from accounts.models import Account
from foundation.statements import fetch_tuples
from mailer.models import Measure, Series
from mailer.outcomes.categories import Page
from mailer.outcomes.counters import DAY, Days
from mailer.outcomes.queries import READ_FIGURES, SUM_CATEGORIES, write_figure


class Figure(NamedTuple):
    """A number that is made of counts: the sum of some, less others."""

    added: tuple[Measure, ...] = ()
    subtracted: tuple[Measure, ...] = ()

    @property
    def sql(self) -> str:
        """Return the SQL of the figure, over rows of counters."""
        return write_figure(map(int, self.added), map(int, self.subtracted))


Figures = Mapping[str, Figure]
Values = dict[str, int]
"""The values of figures, by their names."""


class Length(StrEnum):
    """The lengths of time that figures are given for, in UTC. Weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def first_day(self, day: dt.date) -> dt.date:
        """Return the first day of the day, week or month that a day belongs to."""
        if self is Length.MONTH:
            return day.replace(day=1)
        return day - dt.timedelta(days=day.weekday() if self is Length.WEEK else 0)


def first_days(days: Days, length: Length) -> list[dt.date]:
    """Return the first day of each day, week or month that has some of these days, in order."""
    count = (days.last - days.first).days + 1
    return list(dict.fromkeys(length.first_day(days.first + dt.timedelta(days=n)) for n in range(count)))


def read_figures(
    account: Account, figures: Figures, days: Days, length: Length, *, categories: Collection[str] | None = None
) -> dict[tuple[dt.date, str], Values]:
    """Return the figures of an account's mail by the first day of each day, week or month, and by category.

    Without `categories` they are the figures of all mail, under the category "". A time without events is missing.
    """
    series = Series.ACCOUNT if categories is None else Series.CATEGORY
    parameters = _parameters(account, series, figures, days) | {
        "by": length.value,
        "keys": None if categories is None else list(categories),
    }
    rows = fetch_tuples(READ_FIGURES.format(columns=_columns(figures)), parameters)
    return {(date, key): dict(zip(figures, values, strict=True)) for date, key, *values in rows}


def sum_categories(
    account: Account, figures: Figures, days: Days, page: Page, *, ranked_by: Figure, is_descending: bool
) -> dict[str, Values]:
    """Return the figures of a page of categories by name, in the order of one figure and then of names.

    A category without any event that the figures count is missing. The statement reads all counters of these days.
    """
    parameters = _parameters(account, Series.CATEGORY, figures, days) | {"keys": None, **page._asdict()}
    statement = SUM_CATEGORIES.format(
        rank=ranked_by.sql, direction="desc" if is_descending else "asc", columns=_columns(figures)
    )
    return {name: dict(zip(figures, values, strict=True)) for name, *values in fetch_tuples(statement, parameters)}


def _parameters(account: Account, series: Series, figures: Figures, days: Days) -> dict[str, Any]:
    return {
        "series": int(series),
        "account": account.pk,
        "span": DAY,
        "measures": sorted({int(measure) for figure in figures.values() for group in figure for measure in group}),
        "since": days.since,
        "until": days.until,
    }


def _columns(figures: Figures) -> str:
    return ", ".join(figure.sql for figure in figures.values())
