"""Read the requests of suppression lists. No document has texts for wrong ones: these are ours."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final

from annotated_types import MaxLen
from pydantic import Field, ValidationError
from rest_framework.request import Request

from api.bodies import Body, FailFast, condition
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.reading import read_date, read_number, read_object
from api.sendgrid.values import MAX_ADDRESS_LENGTH
from foundation.addresses import check_visible
from foundation.clock import database_now
from mailer.models import Classification
from mailer.outcomes.counters import Days
from mailer.suppressions.lists import Window

EMAIL: Final = r"(?P<email>[^/\0]{1,320}|[^@\0]{1,300}@[^/@\0]{1,300})"
"""The pattern of an address in a path. Its local part may have slashes."""
MAX_EMAILS: Final = 10_000
"""The most addresses in one request."""
MAX_LIMIT: Final = 500
LATEST: Final = 4_102_444_800
"""The year 2100. No list has a later entry."""
EARLIEST: Final = dt.date(1970, 1, 1)
"""The first day of a report without a `start_date`."""
INVALID_EMAIL = Problem(f"email must be at most {MAX_ADDRESS_LENGTH} characters", "email")

CLASSIFICATION: Final = r"(?P<classification>[^/\0]{1,100})"
CLASSIFICATIONS: Final = {str(each.label): each for each in Classification}
"""The reasons for refusals, by the names in paths."""
EITHER: Final = Problem("either delete_all must be true, or emails an array of email addresses, and never both")


class Deletion(Body):
    """The addresses to take off a list, or all of them."""

    emails: Annotated[list[str], FailFast(), MaxLen(MAX_EMAILS)] | None = None
    is_all: Annotated[Any, condition("flag", lambda value: value is True or value in (None, False))] = Field(
        None, alias="delete_all"
    )


def read_known(emails: list[str], field: str = "email") -> list[str]:
    """Accept texts that may be on a list. Raises UnfitCharacter for one with an invisible character."""
    for email in emails:
        check_visible(email, field=field)
    return emails


def read_deletion(request: Request) -> list[str] | None:
    """Return the addresses to take off a list, or None for all of them. Raises UnfitCharacter."""
    try:
        deletion = Deletion.model_validate(read_object(request))
    except ValidationError:
        raise Refusal(400, EITHER) from None
    if (deletion.emails is not None) == (deletion.is_all is True):
        raise Refusal(400, EITHER)
    return None if deletion.emails is None else read_known(deletion.emails, "emails")


def read_window(request: Request) -> Window:
    """Return the part of a list that `start_time`, `end_time`, `email`, `limit` and `offset` name.

    Raises UnfitCharacter.
    """
    limit = read_number(request, "limit", lowest=1, highest=MAX_LIMIT)
    pattern = request.query_params.get("email", "")
    if len(pattern) > MAX_ADDRESS_LENGTH or "\0" in pattern:
        raise Refusal(400, INVALID_EMAIL)
    check_visible(pattern, field="email")
    return Window(
        limit=MAX_LIMIT if limit is None else limit,
        offset=read_number(request, "offset") or 0,
        since=read_time(request, "start_time"),
        until=read_time(request, "end_time"),
        pattern=pattern,
    )


def read_time(request: Request, name: str) -> dt.datetime | None:
    """Return the time of a parameter in Unix time, or None if it is missing."""
    seconds = read_number(request, name, highest=LATEST)
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)


def read_days(request: Request) -> Days:
    """Return the days from `start_date` to `end_date`, none of which is later than today."""
    today = database_now().date()
    start = read_date(request, "start_date") or EARLIEST
    last = read_date(request, "end_date") or today
    if start > last:
        raise Refusal(400, Problem("start_date must not be later than end_date", "start_date"))
    return Days(start, min(last, today))


def read_classification(name: str) -> Classification:
    """Return the reason that a path names."""
    if name not in CLASSIFICATIONS:
        raise Refusal(404, Problem(f"classification must be one of: {', '.join(CLASSIFICATIONS)}", "classification"))
    return CLASSIFICATIONS[name]
