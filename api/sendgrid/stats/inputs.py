"""Read the parameters of the calls for statistics of mail.

SendGrid's texts are known for a wrong date and for an unknown category; the others are ours.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from rest_framework.request import Request

from accounts.models import Account
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.reading import read_date, read_number
from api.sendgrid.stats.outputs import FIGURES, NOTHING
from api.sendgrid.values import CATEGORY_LENGTH, MAX_CATEGORIES
from foundation.clock import database_now
from mailer.outcomes.categories import Page, find_categories
from mailer.outcomes.counters import Days
from mailer.outcomes.figures import Figure, Length

MAX_DAYS: Final = 3 * 366
"""The most days of a range that is answered day by day: as many as the figures are kept."""
CATEGORIES_PAGE, SUMS_PAGE, HIGHEST_PAGE = 50, 5, 500
ANY_LIMIT: Final = 10**12
"""The highest `limit` of days, which are limited by their range."""
RANKED_BY: Final = "delivered"
ASCENDING, DESCENDING = "asc", "desc"
WRONG_DATE: Final = "should be a YYYY-MM-DD formatted date"
UNKNOWN_CATEGORY: Final = Problem("category does not exist", "categories")
WRONG_NUMBER: Final = Problem(f"categories must have from 1 to {MAX_CATEGORIES} entries", "categories")


class Ranking(NamedTuple):
    """The figure that categories are sorted by, and whether the highest comes first."""

    ranked_by: Figure
    is_descending: bool


def read_days(request: Request, *, longest: int | None = MAX_DAYS) -> Days:
    """Return the days from `start_date` to `end_date` (today, if it is missing), `longest` at most. Raises Refusal."""
    start, last = (read_date(request, name, text=WRONG_DATE) for name in ("start_date", "end_date"))
    last = last or database_now().date()
    if start is None:
        raise Refusal(400, Problem("start_date is required", "start_date"))
    if last < start:
        raise Refusal(400, Problem("start_date must not be after end_date", "start_date"))
    if longest is not None and (last - start).days >= longest:
        raise Refusal(400, Problem(f"start_date and end_date must span at most {longest:,} days", "start_date"))
    return Days(start, last)


def read_length(request: Request) -> Length:
    """Return the value of `aggregated_by`: days, if it is missing. Raises Refusal."""
    try:
        return Length(request.query_params.get("aggregated_by", Length.DAY))
    except ValueError:
        raise Refusal(400, Problem("aggregated_by must be day, week or month", "aggregated_by")) from None


def read_page(request: Request, *, default: int, highest: int = HIGHEST_PAGE) -> Page:
    """Return the part of a list that `limit` and `offset` name. Raises Refusal."""
    limit = read_number(request, "limit", lowest=1, highest=highest)
    return Page(default if limit is None else limit, read_number(request, "offset") or 0)


def read_prefix(request: Request) -> str:
    """Return the value of `category`. Raises Refusal for one that no category can begin with."""
    prefix = request.query_params.get("category", "")
    if not is_name(prefix):
        raise Refusal(400, Problem(f"category must be at most {CATEGORY_LENGTH} characters", "category"))
    return prefix


def read_categories(request: Request, account: Account) -> list[str]:
    """Return the names of `categories`, which is repeated or holds commas. A name may hold commas, too.

    Raises Refusal for a category that does not exist.
    """
    values = list(filter(None, request.query_params.getlist("categories")))
    if not 1 <= len(values) <= MAX_CATEGORIES:
        raise Refusal(400, WRONG_NUMBER)
    parts = {value: list(filter(None, value.split(","))) for value in values}
    candidates = {name for value, names in parts.items() for name in (value, *names)}
    categories = find_categories(account, [name for name in candidates if is_name(name)])
    names = list(dict.fromkeys(name for value in values for name in ([value] if value in categories else parts[value])))
    if not 1 <= len(names) <= MAX_CATEGORIES:
        raise Refusal(400, WRONG_NUMBER)
    if not categories.issuperset(names):
        raise Refusal(404, UNKNOWN_CATEGORY)
    return names


def is_name(text: str) -> bool:
    """Return whether a text may be the name of a category, or its beginning."""
    return len(text) <= CATEGORY_LENGTH and "\0" not in text


def read_ranking(request: Request) -> Ranking:
    """Return the order of `sort_by_metric` and `sort_by_direction`. Raises Refusal."""
    metric = request.query_params.get("sort_by_metric", RANKED_BY)
    direction = request.query_params.get("sort_by_direction", DESCENDING)
    if metric not in NOTHING:
        raise Refusal(400, Problem("invalid sort value", "sort_by_metric"))
    if direction not in (ASCENDING, DESCENDING):
        raise Refusal(400, Problem("invalid sort value", "sort_by_direction"))
    return Ranking(FIGURES.get(metric, Figure()), is_descending=direction == DESCENDING)
