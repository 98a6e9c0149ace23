"""Describe the calls of `stats/views.py` in the OpenAPI document."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import NUMBER, TEXT, Piece, Reply, component, list_of, one_of, record
from api.sendgrid.stats import inputs
from api.sendgrid.stats.outputs import NOT_RECORDED, NOTHING
from api.sendgrid.suppressions.schema import LINK
from api.sendgrid.values import CATEGORY_LENGTH, MAX_CATEGORIES
from api.sendgrid.words import call
from mailer.outcomes.figures import Length

STATISTICS: Final = "SendGrid: statistics"
DATE: Piece = {"type": "string", "format": "date"}
DESCRIPTIONS: Final = {
    "blocks": "Recipients who were refused for a reason other than their address.",
    "bounce_drops": "Recipients to whom nothing was sent because their address had bounced.",
    "bounces": "Recipients whose address was refused for good.",
    "clicks": "Clicks on tracked links by people.",
    "deferred": "Temporary failures of attempts to deliver, counted for each recipient and attempt.",
    "delivered": "Recipients whose mail was accepted by the next server.",
    "invalid_emails": "Recipients whose address is invalid, refused or dropped.",
    "opens": "Opens of tracked messages by people.",
    "processed": "Recipients whose mail was delivered or refused.",
    "requests": "Recipients of accepted mail, on the day of its acceptance.",
    "spam_report_drops": "Recipients to whom nothing was sent because they had reported spam.",
    "unique_clicks": "Messages of which a person clicked a link for the first time.",
    "unique_opens": "Messages that a person opened for the first time.",
    "unsubscribe_drops": "Recipients to whom nothing was sent because they had unsubscribed.",
    "unsubscribes": "Recipients who unsubscribed.",
    **dict.fromkeys(NOT_RECORDED, "Always 0: it is not recorded."),
}
ONE_OF_CATEGORY = record(metrics=component("Metrics"), name=TEXT, type=one_of(["category"]))
COMPONENTS: dict[str, Piece] = {
    "Metrics": record(**{name: {**NUMBER, "description": DESCRIPTIONS[name]} for name in NOTHING}),
    "DayOfMail": record(date=DATE, stats=list_of(record(metrics=component("Metrics")))),
    "DayOfCategories": record(date=DATE, stats=list_of(ONE_OF_CATEGORY)),
}


def part_of_list(**limits: int) -> list[OpenApiParameter]:
    """Return the parameters for a part of a list, with the highest and the default limit if there are any."""
    limit = {**NUMBER, "minimum": 1, **limits}
    return [
        OpenApiParameter("limit", limit, description="The largest number of entries in the response."),
        OpenApiParameter(
            "offset", {**NUMBER, "minimum": 0, "default": 0}, description="The number of entries to skip."
        ),
    ]


def days(longest: str) -> list[OpenApiParameter]:
    """Return the parameters for a range of days, with a sentence about the longest range."""
    return [
        OpenApiParameter("start_date", DATE, required=True, description=f"The first day, in UTC. {longest}".strip()),
        OpenApiParameter("end_date", DATE, description="The last day. The default is today."),
    ]


LONGEST: Final = f"The range has at most {inputs.MAX_DAYS:,} days."
AGGREGATED_BY = OpenApiParameter(
    "aggregated_by",
    {**one_of(Length), "default": Length.DAY},
    description="The length of time that an entry covers. The date of an entry is its first day, which is a Monday for "
    "weeks. Only days of the range are counted.",
)

statistics = extend_schema_view(
    get=call(
        "get_statistics",
        "Get the statistics of the account's mail by day, week or month",
        tag=STATISTICS,
        query=[*days(LONGEST), AGGREGATED_BY, *part_of_list()],
        replies={
            200: Reply("An entry for each day, also for those without mail.", list_of(component("DayOfMail")), (LINK,))
        },
        refusals=[400],
    ),
)
categories = extend_schema_view(
    get=call(
        "list_categories",
        "List the categories of the account's mail of the last three years, by name",
        tag=STATISTICS,
        query=[
            *part_of_list(maximum=inputs.HIGHEST_PAGE, default=inputs.CATEGORIES_PAGE),
            OpenApiParameter(
                "category", {**TEXT, "maxLength": CATEGORY_LENGTH}, description="The beginning of the names."
            ),
        ],
        replies={200: Reply("A part of the list.", list_of(record(category=TEXT)), (LINK,))},
        refusals=[400, 408],
    ),
)
category_statistics = extend_schema_view(
    get=call(
        "get_category_statistics",
        "Get the statistics of some categories by day, week or month",
        tag=STATISTICS,
        query=[
            *days(LONGEST),
            OpenApiParameter(
                "categories",
                {**list_of(TEXT), "minItems": 1, "maxItems": MAX_CATEGORIES},
                required=True,
                description="The names of the categories.",
            ),
            AGGREGATED_BY,
        ],
        replies={
            200: Reply("An entry for each day, also for those without mail.", list_of(component("DayOfCategories")))
        },
        refusals=[400, 404],
    ),
)
category_sums = extend_schema_view(
    get=call(
        "get_category_sums",
        "Get the sums of the statistics of all categories, sorted by a metric",
        tag=STATISTICS,
        query=[
            *days(""),
            OpenApiParameter(
                "sort_by_metric", {**one_of(NOTHING), "default": inputs.RANKED_BY}, description="The metric to sort by."
            ),
            OpenApiParameter(
                "sort_by_direction",
                {**one_of([inputs.DESCENDING, inputs.ASCENDING]), "default": inputs.DESCENDING},
                description="With `desc`, the highest sum comes first.",
            ),
            *part_of_list(maximum=inputs.HIGHEST_PAGE, default=inputs.SUMS_PAGE),
            OpenApiParameter(
                "aggregated_by", one_of(Length), description="Has no effect: the sums are those of the whole range."
            ),
        ],
        replies={
            200: Reply(
                "A part of the categories that have figures in the range. The date is the first day of the range.",
                component("DayOfCategories"),
            )
        },
        refusals=[400, 408],
    ),
)
