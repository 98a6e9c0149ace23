"""Describe the calls of `suppressions/views.py` in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Sequence

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import NUMBER, TEXT, Describe, Header, Piece, Reply, list_of, one_of, record
from api.sendgrid.asm.schema import SUPPRESSIONS
from api.sendgrid.statistics.schema import DATE
from api.sendgrid.suppressions.inputs import CLASSIFICATIONS, LATEST, MAX_LIMIT
from api.sendgrid.values import MAX_ADDRESS_LENGTH
from api.sendgrid.words import WITH_BODY, call
from mailer.outcomes.refusals import MOST_DOMAINS

TIME: Piece = {**NUMBER, "minimum": 0, "maximum": LATEST}
WINDOW = [
    OpenApiParameter(
        "start_time", TIME, description="Return only entries that were made at this time or later, in Unix time."
    ),
    OpenApiParameter(
        "end_time", TIME, description="Return only entries that were made at this time or earlier, in Unix time."
    ),
    OpenApiParameter(
        "limit",
        {**NUMBER, "minimum": 1, "maximum": MAX_LIMIT},
        description="The largest number of entries in the response.",
    ),
    OpenApiParameter("offset", {**NUMBER, "minimum": 0}, description="The number of entries to skip."),
    OpenApiParameter(
        "email",
        {**TEXT, "maxLength": MAX_ADDRESS_LENGTH},
        description="The beginning of the addresses; % stands for any text.",
    ),
]
LINK = Header("Link", "The next, previous, first and last part of the list.")


def describe_list(name: str, words: str, entry: Piece, *, may_be_deleted: bool = True) -> Describe:
    """Describe the calls that read a list, and that take addresses off it."""
    get = call(
        f"list_{name}",
        f"List the addresses that {words}, the newest first",
        tag=SUPPRESSIONS,
        query=WINDOW,
        replies={200: Reply("A part of the list.", list_of(entry), (LINK,))},
        refusals=[400],
    )
    if not may_be_deleted:
        return extend_schema_view(get=get)
    # OpenAPI 3.0 has no body for a DELETE, so the summary describes it.
    delete = call(
        f"remove_{name}",
        f'Remove addresses that {words} from their list; the body is `{{"emails": […]}}` or `{{"delete_all": true}}`',
        tag=SUPPRESSIONS,
        replies={204: Reply("The addresses are not on the list any more.")},
        refusals=WITH_BODY,
    )
    return extend_schema_view(get=get, delete=delete)


def describe_entry(name: str, words: str, entry: Piece) -> Describe:
    """Describe the calls for one address of a list."""
    return extend_schema_view(
        get=call(
            f"get_{name}",
            f"Get the entry of an address that {words}",
            tag=SUPPRESSIONS,
            replies={200: Reply("A list with one entry, or an empty list.", list_of(entry))},
            refusals=[404],
        ),
        delete=call(
            f"remove_{name}",
            f"Remove an address that {words} from its list",
            tag=SUPPRESSIONS,
            replies={204: Reply("The address is not on the list any more.")},
            refusals=[404],
        ),
    )


BOUNCE = record(created=NUMBER, email=TEXT, reason=TEXT, status=TEXT)
INVALID = record(created=NUMBER, email=TEXT, reason=TEXT)
SPAM_REPORT = record(created=NUMBER, email=TEXT, ip=TEXT)

unsubscribes = describe_list(
    "unsubscribes", "have unsubscribed from all mail", record(created=NUMBER, email=TEXT), may_be_deleted=False
)
bounces = describe_list("bounces", "do not exist", BOUNCE)
one_bounce = describe_entry("bounce", "does not exist", BOUNCE)
blocks = describe_list("blocks", "were blocked", BOUNCE)
one_block = describe_entry("block", "was blocked", BOUNCE)
invalid_emails = describe_list("invalid_emails", "are invalid", INVALID)
one_invalid_email = describe_entry("invalid_email", "is invalid", INVALID)
spam_reports = describe_list("spam_reports", "have reported spam", SPAM_REPORT)
one_spam_report = describe_entry("spam_report", "has reported spam", SPAM_REPORT)

DAYS = [
    OpenApiParameter("start_date", DATE, description="The first day, in UTC."),
    OpenApiParameter("end_date", DATE, description="The last day, in UTC."),
]


def describe_refusals(
    name: str, summary: str, column: str, names: Piece, *, words: str, refusals: Sequence[int]
) -> Describe:
    """Describe a call that reports refusals by day."""
    day = record(date=DATE, stats=list_of(record(**{column: names}, count=NUMBER)))
    reply = Reply(
        f"{words} With `Accept: text/csv`, the response has the same columns as CSV.", record(result=list_of(day))
    )
    get = call(name, summary, tag=SUPPRESSIONS, query=DAYS, replies={200: reply}, refusals=refusals)
    return extend_schema_view(get=get)


classifications = describe_refusals(
    "list_bounce_classifications",
    "Count the refused recipients of each day by the reason",
    "classification",
    one_of(CLASSIFICATIONS),
    words="The days that have refusals, and their reasons, the most frequent first.",
    refusals=[400],
)
one_classification = describe_refusals(
    "get_bounce_classification",
    "Count the recipients of each day who were refused for one reason by their domain",
    "domain",
    TEXT,
    words=f"The days that have such refusals, and at most {MOST_DOMAINS} domains of each, the most frequent first.",
    refusals=[400, 404],
)
